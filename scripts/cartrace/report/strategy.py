"""The section about the study's strategy, where it is not one that shows growth."""

from __future__ import annotations

import pandas as pd

from cartrace import display
from cartrace.names import MODALITIES
from cartrace.report.blocks import Block, Cell, Grid, Heading, Text, count_cell, grid
from cartrace.report.study import Study

_DIRECT_LABEL = (
    "The cells carried a label that was put into them before they were given. When a cell divides, its label is shared "
    "out and not made anew: the signal shows where labelled cells and their offspring are, and not how many there are "
    "now. Growth is therefore not fitted; every such row says so.",
    "Numbers of cells are labelled-cell equivalents: activity without free label, decay-corrected to the labelling, "
    "over the activity of a cell at labelling and the fraction of it that living cells keep. The label of dead cells "
    "that phagocytes took up counts as well.",
)
_IMMUNOPET = (
    "The tracer binds a marker whose amount per cell may change, and lies in blood and unspecific tissue too: growth "
    "is not fitted; every such row says so.",
    "Specific uptake is what lies above the mean of the background group, which was blocked or lacks the target, in "
    "the same session and region; the ratio to the mouse's own blood stands beside it.",
)


def strategy(study: Study) -> list[Block]:
    """Return what the strategy asks for: labelled cells, or specific uptake; nothing for reporter genes."""
    chosen = study.settings["study"]["strategy"]
    if chosen == "direct_label":
        columns = {"uptake_pct_id": f"Uptake ({_whole(study)})", "cells": "Labelled-cell equivalents"}
        caption = "Labelled cells by region: mean ± SD (n mice); of the whole body, uptake is what it retains"
        return [Text(_DIRECT_LABEL), _means(study, study.labelled_cells, columns, caption, "tables/labelled_cells.csv")]
    if chosen == "immunopet":
        columns = {
            "uptake": f"Uptake ({study.uptake_label}; PET without density: per mL)",
            "specific": "Specific uptake",
            "blood_ratio": "Over blood",
        }
        caption = "Specific uptake by region: mean ± SD (n mice)"
        return [Text(_IMMUNOPET), _means(study, study.specific_uptake, columns, caption, "tables/specific_uptake.csv")]
    return []


def _whole(study: Study) -> str:
    return study.uptake_label.removesuffix("/g")


def _means(study: Study, frame: pd.DataFrame, columns: dict[str, str], caption: str, file: str) -> Grid:
    """Return the mean over mice without exclusions of some columns, by modality, region, session and group."""
    rank = {name: place for place, name in enumerate(study.labels)}
    kept = frame[~frame["excluded"]].assign(rank=frame["group"].map(rank))
    rows = []
    for _, some in kept.groupby(["modality", "region", "session", "rank"], sort=True):
        mice = some.groupby(["cohort", "animal_id"])[list(columns)].mean()
        modality, *where = (str(some[name].iloc[0]) for name in ("modality", "region", "session"))
        texts = [Cell(MODALITIES[modality]), *map(Cell, where)]
        texts += [Cell(study.labels[str(some["group"].iloc[0])]), count_cell(len(mice))]
        told = some.loc[some["reason"] != "", "reason"]
        remark = Cell(str(told.iloc[0]) if len(told) else "", tone="muted")
        rows.append([*texts, *(_mean_cell(mice[name]) for name in columns), remark])
    headings = [Heading(label) for label in ("Modality", "Region", "Session", "Group")]
    headings += [Heading("Mice", True), *(Heading(label, True) for label in columns.values()), Heading("Remark")]
    return grid(caption, headings, rows, file=file)


def _mean_cell(values: pd.Series) -> Cell:
    known = values.dropna()
    if known.empty:
        return Cell("")
    mean, sd = float(known.mean()), float(known.std())
    return Cell(f"{display.format_spread(mean, sd)} ({len(known)})", repr(mean))
