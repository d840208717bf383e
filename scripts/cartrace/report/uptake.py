"""The sections about uptake: biodistribution, PET, PET against the counter."""

from __future__ import annotations

from typing import Any

import numpy as np

from cartrace import display
from cartrace.report.blocks import (
    Block,
    Cell,
    Grid,
    Heading,
    count_cell,
    grid,
    records,
)
from cartrace.report.study import MAIN, Study


def biodistribution(study: Study) -> list[Block]:
    """Return the tissues by the counter: figure, the table that papers print, ratios."""
    if not study.has_counter:
        return []
    table = mean_table(
        study, "counter", "uptake_pct_id_per_g", f"Uptake by the counter ({study.uptake_label}), mean ± SD (n)"
    )
    return [*study.drawn("biodistribution"), table, *study.drawn("ratios")]


def pet(study: Study) -> list[Block]:
    """Return the scans: time course and table."""
    if not study.has_pet:
        return []
    blocks: list[Block] = list(study.drawn("pet_timecourse"))
    for quantity, unit in (("uptake_pct_id_per_g", "%ID/g"), ("uptake_pct_id_per_ml", "%ID/mL")):
        shown = display.unit_label(unit, uptake_label=study.uptake_label)
        table = mean_table(study, "pet", quantity, f"Uptake by PET ({shown}), mean ± SD (n)")
        if table.rows:
            blocks.append(table)
    return blocks


def mean_table(study: Study, modality: str, endpoint: str, caption: str) -> Grid:
    """Return mean ± SD (n) by region and session, a column a group, without excluded mice."""
    rows_of = study.summaries
    rows_of = rows_of[
        (rows_of["analysis"] == MAIN) & (rows_of["modality"] == modality) & (rows_of["endpoint"] == endpoint)
    ]
    sessions = rows_of["session"].nunique() > 1
    groups = [name for name in study.labels if (rows_of["group"] == name).any()]
    rows = []
    for (region, session), some in rows_of.groupby(["region", "session"], sort=True):
        by_group = some.set_index("group").to_dict("index")
        cells = [Cell(str(region)), *([Cell(str(session))] if sessions else [])]
        rows.append([*cells, *(_mean_cell(by_group.get(group)) for group in groups)])
    headings = [
        Heading("Region"),
        *([Heading("Session")] if sessions else []),
        *(Heading(study.labels[name], True) for name in groups),
    ]
    return grid(caption, headings, rows, file="tables/summaries.csv")


def _mean_cell(row: dict[Any, Any] | None) -> Cell:
    if row is None or not row["n"]:
        return Cell("")
    mean, sd, n = float(row["mean"]), float(row["sd"]), int(row["n"])
    below = f", {row['n_below_detection']} below detection" if row["n_below_detection"] else ""
    spread = f" ± {display.format_value(sd, sd)}" if np.isfinite(sd) else ""
    return Cell(f"{display.format_value(mean, sd)}{spread} ({n}{below})", repr(mean))


def agreement(study: Study) -> list[Block]:
    """Return PET against the counter in the same mice."""
    rows = study.agreement[study.agreement["analysis"] == MAIN]
    if rows.empty:
        return []
    table = []
    for row in records(rows.sort_values(["region", "session"])):
        cells = [Cell(row["region"]), Cell(row["session"]), count_cell(row["n"])]
        for name in ("ratio", "limit_low", "limit_high"):
            shown = display.format_estimate(row[name], row[f"{name}_ci_low"], row[f"{name}_ci_high"], scale="log")
            cells.append(Cell(f"{shown[0]} [{shown[1]}, {shown[2]}]" if shown[0] else "", repr(row[name])))
        table.append([*cells, Cell(row["reason"], tone="warn" if row["reason"] else "")])
    labels = (
        "Region",
        "Session",
        "Mice",
        "PET / counter [95 % CI]",
        "Lower limit of agreement",
        "Upper limit of agreement",
        "Remark",
    )
    headings = [Heading(label, 1 < index < 6) for index, label in enumerate(labels)]
    return [
        *study.drawn("agreement"),
        grid(
            "PET over counter in the same mice: geometric mean of the ratio and limits of agreement",
            headings,
            table,
            file="tables/agreement.csv",
        ),
    ]
