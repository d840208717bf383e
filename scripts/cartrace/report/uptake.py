"""The sections about uptake: biodistribution, PET, PET against the counter."""

from __future__ import annotations

from typing import Any

import numpy as np

from cartrace import display
from cartrace.report.beside import limited
from cartrace.report.blocks import (
    Answer,
    Block,
    Cell,
    Grid,
    Heading,
    count_cell,
    from_table,
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
    return [*_highest(study), *study.drawn("biodistribution"), table, *study.drawn("ratios"), *_destructive(study)]


def _highest(study: Study) -> list[Block]:
    """Return the tissue with the highest mean of the first test group in one sentence."""
    found = study.summaries[(study.summaries["analysis"] == MAIN) & (study.summaries["modality"] == "counter")]
    found = found[(found["endpoint"] == "uptake_pct_id_per_g") & found["geometric_mean"].notna()]
    roles = [group["name"] for group in study.settings["groups"] if group["role"] == "test"] or list(study.labels)
    found = found[found["group"] == roles[0]]
    if found.empty:
        return []
    row = records(found.sort_values("geometric_mean", kind="stable").iloc[[-1]])[0]
    text = (
        f"In {study.labels[row['group']]} the highest uptake is that of {row['region']} ({row['session']}): geometric "
        f"mean {display.format_value(row['geometric_mean'])} {study.uptake_label}, n = {row['n']} mice."
    )
    return [Answer(text, from_table("summaries", row, "geometric_mean", "n"))]


def _destructive(study: Study) -> list[Block]:
    """Return areas, half-lives and residence of tissues from mice dissected at several times."""
    found = study.destructive[study.destructive["analysis"] == MAIN]
    if found.empty:
        return []
    rows = []
    for row in records(found):
        rows.append(
            [
                Cell(study.labels.get(row["group"], row["group"])),
                Cell(row["region"] + (f" / {row['reference']}" if row["reference"] else "")),
                Cell(row["quantity"].replace("_", " ")),
                Cell(display.unit_label(row["unit"], uptake_label=study.uptake_label)),
                limited(row, table="destructive", names=("estimate", "ci_low", "ci_high"), scale="linear"),
                Cell(str(row["n_animals"])),
                Cell(row["reason"], tone="muted"),
            ]
        )
    labels = ("Group", "Tissue", "Quantity", "Unit", "Estimate [CI]", "Mice", "Remark")
    headings = [Heading(label, 3 < index < 6) for index, label in enumerate(labels)]
    return [grid("Tissues over time, each mouse dissected once", headings, rows, file="tables/destructive.csv")]


def pet(study: Study) -> list[Block]:
    """Return the scans: time course and table."""
    if not study.has_pet:
        return []
    scans = study.uptake[(study.uptake["modality"] == "pet") & (study.uptake["status"] == "ok")]
    n_scans, n_mice = (len(scans[key].drop_duplicates()) for key in (["cohort", "scan_id"], ["cohort", "animal_id"]))
    days = scans["cell_day"].dropna()
    when = f", day {days.min():.1f} to {days.max():.1f} after the cells" if len(days) else ""
    blocks: list[Block] = [Answer(f"{n_scans} scans of {n_mice} mice{when}.")]
    blocks += study.drawn("pet_timecourse")
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
        by_group = {row["group"]: row for row in records(some)}
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
    shown = display.format_spread(mean, sd)
    source = from_table("summaries", row, "mean", *(["sd"] if np.isfinite(sd) else []), "n")
    return Cell(f"{shown} ({n}{below})", repr(mean), source=source)


def _biases(study: Study) -> list[Block]:
    """Return the agreement of the followed region, or of the first one, in one sentence."""
    rows = study.agreement[(study.agreement["analysis"] == MAIN) & (study.agreement["status"] == "ok")]
    followed = rows[rows["region"] == study.settings["cells"]["region"]]
    if rows.empty:
        return []
    row = records((followed if len(followed) else rows).iloc[[-1]])[0]
    shown = display.format_estimate(row["ratio"], row["ratio_ci_low"], row["ratio_ci_high"], scale="log")
    text = (
        f"In {row['region']} ({row['session']}) PET gives {shown[0]} [{shown[1]}, {shown[2]}] times the counter's "
        f"uptake, n = {row['n']} mice."
    )
    return [Answer(text, from_table("agreement", row, "ratio", "ratio_ci_low", "ratio_ci_high", "n"))]


def agreement(study: Study) -> list[Block]:
    """Return PET against the counter in the same mice."""
    rows = study.agreement[study.agreement["analysis"] == MAIN]
    if rows.empty:
        return []
    table = []
    for row in records(rows.sort_values(["region", "session"])):
        cells = [Cell(row["region"]), Cell(row["session"]), count_cell(row["n"])]
        for name in ("ratio", "limit_low", "limit_high"):
            names = (name, f"{name}_ci_low", f"{name}_ci_high")
            cells.append(limited(row, table="agreement", names=names, scale="log"))
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
        *_biases(study),
        *study.drawn("agreement"),
        grid(
            "PET over counter in the same mice: geometric mean of the ratio and limits of agreement",
            headings,
            table,
            file="tables/agreement.csv",
        ),
    ]
