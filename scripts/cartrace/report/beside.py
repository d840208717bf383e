"""The sections beside the comparison: other readouts, prediction, uncertainty, and what the next cohort needs."""

from __future__ import annotations

from typing import Any

import numpy as np

from cartrace import display
from cartrace.names import endpoint_name
from cartrace.report.blocks import (
    Answer,
    Block,
    Cell,
    Grid,
    Heading,
    Text,
    from_table,
    grid,
    records,
    source_cell,
)
from cartrace.report.design import source_count
from cartrace.report.study import MAIN, Study

METHODS = {
    "spearman": "rank correlation",
    "roc_auc": "area under the ROC curve",
    "cutoff": "share told rightly by the chosen cut-off",
    "cox_landmark": "hazard ratio per doubling",
    "peak_lag": "days from tumour peak to cell peak",
}


def limited(row: dict[str, Any], *, table: str, names: tuple[str, str, str], scale: str) -> Cell:
    """Return an estimate with its interval, and the place that the three come from."""
    value, low, high = (float(row[name]) for name in names)
    if np.isnan(value):
        return Cell("")
    if np.isnan(low) or np.isnan(high):
        return source_cell(table, row, names[0])
    shown = display.format_estimate(value, low, high, scale=scale)
    return Cell(f"{shown[0]} [{shown[1]}, {shown[2]}]", repr(value), source=from_table(table, row, *names))


def p_cell(row: dict[str, Any], *, table: str, name: str = "p_value") -> Cell:
    """Return an exact p with its place."""
    value = float(row[name])
    if np.isnan(value):
        return Cell("")
    return Cell(display.format_p(value), repr(value), source=from_table(table, row, name))


def readouts(study: Study) -> list[Block]:
    """Return the other readouts, how they go with the followed response, survival, and whether it was foretold."""
    pictures = study.drawn("readouts")
    tables_: list[Block] = [*_prediction(study), *_survival(study), *_readout_agreement(study)]
    if not pictures and not tables_:
        return []
    return [*_foretold(study), *pictures, *tables_]


def _foretold(study: Study) -> list[Block]:
    rows = study.predictions
    rows = rows[(rows["analysis"] == MAIN) & (rows["method"] == "spearman") & (rows["status"] == "ok")]
    inside = rows[rows["group"] == "within groups"]
    if rows.empty:
        return []
    row = records(inside if len(inside) else rows)[0]
    shown = display.format_estimate(row["estimate"], row["ci_low"], row["ci_high"], scale="linear")
    interval = f" [{100 * row['ci_level']:g} % CI {shown[1]}, {shown[2]}]" if shown[1] else ""
    text = (
        f"{row['early'].capitalize()} against {row['outcome'].replace('_', ' ')}"
        f"{', ' + row['group'] if row['group'] else ''}: rank correlation {shown[0]}{interval}, "
        f"{display.p_text(row['p_value'])}, n = {row['n']} mice."
    )
    names = ("estimate", "ci_low", "ci_high", "p_value", "n")
    return [Answer(text, from_table("prediction", row, *names))]


def _prediction(study: Study) -> list[Block]:
    found = study.predictions[study.predictions["analysis"] == MAIN]
    if found.empty:
        return []
    rows = []
    for row in records(found.sort_values(["early", "outcome", "method", "group"])):
        names = ("estimate", "ci_low", "ci_high")
        rows.append(
            [
                Cell(row["early"]),
                Cell(row["outcome"].replace("_", " ")),
                Cell(row["group"] or "all"),
                Cell(METHODS[row["method"]]),
                limited(row, table="prediction", names=names, scale="linear"),
                p_cell(row, table="prediction"),
                source_cell("prediction", row, "cutoff"),
                source_count("prediction", row, "n"),
                Cell(row["reason"], tone="warn" if row["reason"] else ""),
            ]
        )
    headings = [
        Heading("Early signal"),
        Heading("Outcome"),
        Heading("Mice of"),
        Heading("Measure"),
        Heading("Estimate [CI]", True),
        Heading("p", True),
        Heading("Cut-off", True),
        Heading("n", True),
        Heading("Remark"),
    ]
    return [grid("Does the early signal tell the outcome?", headings, rows, file="tables/prediction.csv")]


def _survival(study: Study) -> list[Block]:
    found = study.survival[study.survival["analysis"] == MAIN]
    if found.empty:
        return []
    if not (found[["n_events_a", "n_events_b"]] > 0).to_numpy().any():
        return [Text(("No mouse died while it was followed: survival is not compared (tables/survival.csv).",))]
    rows = []
    for row in records(found.sort_values(["level", "group_a", "group_b"])):
        names = ("hazard_ratio", "hazard_ratio_ci_low", "hazard_ratio_ci_high")
        groups = " vs ".join(study.labels.get(row[name], row[name]) for name in ("group_a", "group_b") if row[name])
        rows.append(
            [
                Cell(groups or "all groups"),
                _counts(row, "n"),
                _counts(row, "n_events"),
                source_cell("survival", row, "median_day"),
                p_cell(row, table="survival"),
                p_cell(row, table="survival", name="p_adjusted"),
                limited(row, table="survival", names=names, scale="log"),
                Cell(row["reason"], tone="muted"),
            ]
        )
    labels = ("Groups", "Mice", "Deaths", "Median (day)", "Log-rank p", "Holm p", "Hazard ratio [CI]", "Remark")
    headings = [Heading(label, 0 < index < 7) for index, label in enumerate(labels)]
    return [grid("Survival", headings, rows, file="tables/survival.csv")]


def _counts(row: dict[str, Any], name: str) -> Cell:
    """Return a number of mice, or those of two groups that are compared."""
    names = [f"{name}_a", *([f"{name}_b"] if row["group_b"] else [])]
    return Cell(" vs ".join(str(row[one]) for one in names), source=from_table("survival", row, *names))


def _readout_agreement(study: Study) -> list[Block]:
    found = study.readout_agreement[study.readout_agreement["analysis"] == MAIN]
    if found.empty:
        return []
    rows = []
    for row in records(found.sort_values(["readout", "session"])):
        spearman = ("spearman", "spearman_ci_low", "spearman_ci_high")
        slope = ("slope", "slope_ci_low", "slope_ci_high")
        rows.append(
            [
                Cell(row["readout"].replace("_", " ")),
                Cell(row["session"]),
                source_count("readout_agreement", row, "n"),
                limited(row, table="readout_agreement", names=spearman, scale="linear"),
                p_cell(row, table="readout_agreement"),
                limited(row, table="readout_agreement", names=slope, scale="linear"),
                Cell(row["reason"], tone="muted"),
            ]
        )
    followed = endpoint_name(str(found["endpoint"].iloc[0]))
    labels = ("Readout", "Session", "Mice", "Rank correlation [CI]", "p", "Slope on log axes [CI]", "Remark")
    headings = [Heading(label, 1 < index < 6) for index, label in enumerate(labels)]
    caption = f"Other readouts against {followed} in the same mice and session"
    return [grid(caption, headings, rows, file="tables/readout_agreement.csv")]


def uncertainty(study: Study) -> list[Block]:
    """Return what limits each tissue: figure and table."""
    if study.limits.empty:
        return []
    worst = study.limits.sort_values(["total_pct", "region"], ascending=[False, True], kind="stable")
    row = records(worst)[0]
    where = {"counter": "by the counter", "pet": "by PET"}[row["modality"]]
    text = (
        f"The least certain tissue is {row['region']} {where}, with {display.format_value(row['total_pct'], digits=2)} "
        f"% in the median of {row['n']} values; what limits it is {row['limited_by']}."
    )
    rows = []
    for item in records(study.limits):
        names = ("tube_pct", "dose_pct", "standard_pct", "total_pct")
        cells = [_percent(item, name) for name in names]
        lead = [Cell({"counter": "Counter", "pet": "PET"}[item["modality"]]), Cell(item["region"])]
        rows.append([*lead, source_count("limits", item, "n"), *cells, Cell(item["limited_by"])])
    labels = ("Measured by", "Region", "Values", "Tube or region (%)", "Dose (%)", "Standards (%)", "Total (%)")
    headings = [Heading(label, index > 1) for index, label in enumerate(labels)]
    table = grid(
        "Median relative standard uncertainty of the uptake, by layer",
        [*headings, Heading("Limited by")],
        rows,
        file="tables/limits.csv",
    )
    return [Answer(text, from_table("limits", row, "total_pct", "n")), *study.drawn("uncertainty"), table]


def _percent(row: dict[str, Any], name: str) -> Cell:
    value = float(row[name])
    if np.isnan(value):
        return Cell("")
    return Cell(display.format_value(value, digits=2), repr(value), source=from_table("limits", row, name))


def next_cohort(study: Study) -> list[Block]:
    """Return how many mice the next cohort needs."""
    found = study.power[study.power["analysis"] == MAIN].sort_values(["effect", "power"], kind="stable")
    good = found[(found["status"] == "ok") & found["n_per_group"].notna()]
    if good.empty:
        return []
    row = records(good[good["power"] == good["power"].min()])[0]
    effect = f"a ratio of {row['effect']:g}" if row["scale"] == "log" else f"a difference of {row['effect']:g}"
    enrolled = f", {row['n_enrolled']:g} to start with" if np.isfinite(row["n_enrolled"]) else ""
    text = (
        f"To detect {effect} with {100 * row['power']:g} % power, a group needs {row['n_per_group']:g} mice"
        f"{enrolled}, by the scatter of this study."
    )
    return [Answer(text, from_table("power", row, "effect", "n_per_group")), *study.drawn("next_cohort"), _power(found)]


def _power(found: Any) -> Grid:
    rows = []
    for row in records(found):
        rows.append(
            [
                Cell(f"{row['effect']:g}", source=from_table("power", row, "effect")),
                Cell(f"{100 * row['power']:g}", source=from_table("power", row, "power*100")),
                _whole("power", row, "n_per_group"),
                _whole_range(row),
                _whole("power", row, "n_enrolled"),
                source_cell("power", row, "sd"),
                Cell(row["reason"], tone="muted"),
            ]
        )
    log = bool((found["scale"] == "log").all())
    labels = (
        "Ratio" if log else "Difference",
        "Power (%)",
        "Mice per group",
        "At the limits of the scatter",
        "To start with",
        f"Scatter between mice ({'log' if log else 'linear'})",
        "Remark",
    )
    headings = [Heading(label, index < 6) for index, label in enumerate(labels)]
    return grid("Mice per group for the next cohort", headings, rows, file="tables/power.csv")


def _whole(table: str, row: dict[str, Any], column: str) -> Cell:
    """Return a number of mice; one that there is none of is a gap."""
    value = float(row[column])
    return Cell("") if np.isnan(value) else Cell(f"{value:g}", source=from_table(table, row, column))


def _whole_range(row: dict[str, Any]) -> Cell:
    low, high = row["n_per_group_ci_low"], row["n_per_group_ci_high"]
    if np.isnan(low) or np.isnan(high):
        return Cell("")
    source = from_table("power", row, "n_per_group_ci_low", "n_per_group_ci_high")
    return Cell(f"{low:g} to {high:g}", repr(float(low)), source=source)
