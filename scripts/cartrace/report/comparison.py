"""The section about tests: the primary comparison, and every test that was run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cartrace import display
from cartrace.report.blocks import (
    Block,
    Cell,
    Grid,
    Heading,
    Text,
    grid,
    number_cell,
    records,
)
from cartrace.report.study import MAIN, Study
from cartrace.report.verdict import place, primary_sentences


def comparison(study: Study) -> list[Block]:
    """Return the primary comparison and every test that was run, with and without exclusions."""
    if study.comparisons.empty:
        return []
    main = study.comparisons[study.comparisons["analysis"] == MAIN]
    done = int((main["status"] == "ok").sum())
    families = ", ".join(f"{name} ({count})" for name, count in main["family"].value_counts(sort=False).items())
    text = (
        f"{done} of {len(main)} comparisons could be made. Families, within which p is adjusted: {families}. "
        "Only the primary comparison was declared beforehand; all others are exploratory."
    )
    return [
        Text(tuple(primary_sentences(study)), "lead"),
        *study.drawn("primary_comparison"),
        Text((text,)),
        _tests(study, main),
    ]


def _tests(study: Study, main: pd.DataFrame) -> Grid:
    key = ["endpoint", "modality", "region", "session", "group_a", "group_b", "scale"]
    everything = study.comparisons[study.comparisons["analysis"] == "all"].set_index(key, drop=False).to_dict("index")
    order = main.assign(secondary=~main["is_primary"]).sort_values(["secondary", "family", *key], kind="stable")
    rows = []
    for row in records(order):
        other = everything.get(tuple(row[name] for name in key))
        rows.append([*_test_cells(study, row), *_short(other)])
    labels = (
        "Endpoint",
        "Groups",
        "Family",
        "Mean A",
        "Mean B",
        "Unit",
        "Scale",
        "Estimate [CI]",
        "Test",
        "p",
        "p adjusted",
        "Hedges g [CI]",
        "n",
        "Remark",
        "With excluded mice",
        "p",
    )
    numeric = {3, 4, 7, 9, 10, 11, 12, 14, 15}
    headings = [Heading(label, index in numeric) for index, label in enumerate(labels)]
    return grid(
        "Every test that was run, without excluded mice; at the right with them",
        headings,
        rows,
        file="tables/comparisons.csv",
    )


def _test_cells(study: Study, row: dict[str, Any]) -> list[Cell]:
    ok = row["status"] == "ok"
    statistic = display.test_text(row) if ok else row["test"]
    g = display.format_estimate(row["hedges_g"], row["hedges_g_ci_low"], row["hedges_g_ci_high"], scale="linear")
    return [
        Cell(place(row)),
        Cell(f"{study.labels[row['group_a']]} vs {study.labels[row['group_b']]}"),
        Cell(("primary: " if row["is_primary"] and row["family"] != "primary" else "") + row["family"]),
        number_cell(row["mean_a"]),
        number_cell(row["mean_b"]),
        Cell(display.unit_label(row["unit"], uptake_label=study.uptake_label)),
        Cell("ratio" if row["scale"] == "log" else "difference"),
        _estimate(row),
        Cell(statistic),
        _p(row["p_value"]),
        _p(row["p_adjusted"], row["adjustment"]),
        Cell(f"{g[0]} [{g[1]}, {g[2]}]" if g[0] else "", repr(row["hedges_g"])),
        Cell(f"{row['n_a']} vs {row['n_b']}"),
        Cell(row["reason"], tone="warn" if row["reason"] else ""),
    ]


def _short(row: dict[Any, Any] | None) -> list[Cell]:
    return [Cell(""), Cell("")] if row is None else [_estimate(row), _p(row["p_value"])]


def _estimate(row: dict[Any, Any]) -> Cell:
    if np.isnan(row["estimate"]):
        return Cell("not estimable", tone="muted")
    low_high = display.format_estimate(row["estimate"], row["ci_low"], row["ci_high"], scale=row["scale"])
    return Cell(f"{low_high[0]} [{low_high[1]}, {low_high[2]}]", repr(float(row["estimate"])))


def _p(value: float, adjustment: str = "") -> Cell:
    if np.isnan(value) or adjustment == "none":
        return Cell("")
    return Cell(display.format_p(float(value)), repr(float(value)))
