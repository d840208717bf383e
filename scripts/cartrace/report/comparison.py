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
    families = ", ".join(
        f"{str(name).replace('_', ' ')} ({count})" for name, count in main["family"].value_counts(sort=False).items()
    )
    text = (
        f"{done} of {len(main)} comparisons could be made. Families, within which p is adjusted: {families}. "
        f"Declared beforehand: {_declared(main)}; all others are exploratory."
    )
    return [
        Text(tuple(primary_sentences(study)), "lead"),
        *study.drawn("primary_comparison"),
        Text((text,)),
        _tests(study, main),
    ]


def _declared(main: pd.DataFrame) -> str:
    plans = main["plan"].value_counts()
    declared = "the primary comparison" if "primary" in plans else "no comparison"
    count = int(plans.get("secondary", 0))
    return declared + (f" and {count} secondary {'ones' if count > 1 else 'one'}" if count else "")


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
        "Means",
        "Ratio or difference [CI]",
        "Test",
        "p",
        "p adjusted",
        "Hedges g [CI]",
        "n",
        "Remark",
        "With excluded mice",
        "p",
    )
    numeric = {4, 6, 7, 8, 9, 11, 12}
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
    unit = display.unit_label(row["unit"], uptake_label=study.uptake_label)
    return [
        Cell(place(row)),
        Cell(f"{row['group_a']} vs {row['group_b']}"),
        Cell(row["family"].replace("_", " ")),
        Cell(f"{_mean(row['mean_a'])} vs {_mean(row['mean_b'])} {unit}".rstrip()),
        _estimate(row),
        Cell(statistic),
        _p(row["p_value"]),
        _p(row["p_adjusted"], row["adjustment"]),
        _effect_size(row),
        Cell(f"{row['n_a']} vs {row['n_b']}"),
        Cell(row["reason"], tone="warn" if row["reason"] else ""),
    ]


def _short(row: dict[Any, Any] | None) -> list[Cell]:
    return [Cell(""), Cell("")] if row is None else [_estimate(row), _p(row["p_value"])]


def _estimate(row: dict[Any, Any]) -> Cell:
    if np.isnan(row["estimate"]):
        return Cell("not estimable", tone="muted")
    cell = _with_limits(row["estimate"], row["ci_low"], row["ci_high"], scale=row["scale"])
    return cell if row["scale"] == "log" else Cell(f"difference {cell.text}", cell.sort)


def _mean(value: float) -> str:
    return number_cell(value).text or "none"


def _effect_size(row: dict[str, Any]) -> Cell:
    """Hedges g, or the rank-biserial correlation of a test by rank."""
    for name, lead in (("hedges_g", ""), ("rank_biserial", "rank-biserial ")):
        if not np.isnan(row[name]):
            cell = _with_limits(row[name], row[f"{name}_ci_low"], row[f"{name}_ci_high"], scale="linear")
            return Cell(lead + cell.text, cell.sort)
    return Cell("")


def _with_limits(value: float, low: float, high: float, *, scale: str) -> Cell:
    if np.isnan(low) or np.isnan(high):
        return number_cell(value)
    shown = display.format_estimate(value, low, high, scale=scale)
    return Cell(f"{shown[0]} [{shown[1]}, {shown[2]}]", repr(float(value)))


def _p(value: float, adjustment: str = "") -> Cell:
    if np.isnan(value) or adjustment == "none":
        return Cell("")
    return Cell(display.format_p(float(value)), repr(float(value)))
