"""The sections about what came in: files, dose and counter, the table of mice, exclusions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from cartrace.acknowledged import reasons
from cartrace.names import some_mice
from cartrace.report.blocks import (
    Answer,
    Block,
    Cell,
    Grid,
    Heading,
    Text,
    count_cell,
    grid,
    number_cell,
    plain_grid,
    records,
)
from cartrace.report.study import MAIN, MOUSE, STATUSES, Study

MOST_NAMED_FILES = 8
# Fewer values than this are not shaded by fifths.
MANY_SHADES = 5


def intake(study: Study) -> list[Block]:
    """Return what was read, what was converted, and what was found out about the files."""
    if study.imported.empty:
        return []
    files = study.imported
    count = len(files)
    text = (
        f"{count} {'file was' if count == 1 else 'files were'} read; {int(files['n_rows_used'].sum())} of "
        f"{int(files['n_rows_read'].sum())} rows went on. Clock offsets were subtracted from the times that a device "
        "wrote. Files that were treated alike share a row; tables/import.csv has each with its SHA-256."
    )
    headings = [
        Heading("Cohort"),
        Heading("Files"),
        Heading("Read as"),
        Heading("Rows read", True),
        Heading("Rows used", True),
        Heading("Converted"),
        Heading("Clock offset (s)", True),
        Heading("Found out"),
    ]
    alike = ["cohort", "reader", "conversions", "clock_offset_s", "finding"]
    rows = []
    for _, some in files.groupby(alike, sort=False, dropna=False):
        row = records(some.iloc[:1])[0]
        first, last = some["file"].min(), some["file"].max()
        # Sheets are few and each of them matters; exports can be hundreds.
        shown = ", ".join(some["file"]) if len(some) <= MOST_NAMED_FILES else f"{len(some)} files, {first} to {last}"
        counts = (count_cell(some[column].sum()) for column in ("n_rows_read", "n_rows_used"))
        told = (Cell(row["conversions"]), number_cell(row["clock_offset_s"]), Cell(row["finding"]))
        rows.append([Cell(row["cohort"]), Cell(shown), Cell(row["reader"]), *counts, *told])
    return [
        Text((text,)),
        grid("Files", headings, rows, file="tables/import.csv"),
        *_overrides(study),
        *_acknowledged(study),
    ]


def _overrides(study: Study) -> list[Block]:
    """Return the raw values that were corrected."""
    if study.overrides.empty:
        return []
    labels = {
        "cohort": "Cohort",
        "file": "File",
        "row": "Row",
        "column": "Column",
        "old": "In the file",
        "new": "Used",
        "reason": "Reason",
    }
    count = len(study.overrides)
    text = f"{count} raw value{' was' if count == 1 else 's were'} corrected; the files themselves were not changed."
    return [Text((text,)), plain_grid("Corrected values", study.overrides, labels, file="tables/overrides.csv")]


def _acknowledged(study: Study) -> list[Block]:
    """Return the warnings that the config acknowledges, with their reasons."""
    stated = reasons(study.quality, study.settings["quality"]["acknowledged"])
    rows = study.quality.assign(reason=stated, check=_words(study.quality["check"]))[stated != ""]
    if rows.empty:
        return []
    labels = {"cohort": "Cohort", "check": "Check", "subject": "Of", "message": "What it means", "reason": "Reason"}
    text = f"{len(rows)} warning{' was' if len(rows) == 1 else 's were'} looked at and acknowledged in the config."
    return [Text((text,)), plain_grid("Acknowledged warnings", rows, labels, file="tables/quality.csv")]


def instruments(study: Study) -> list[Block]:
    """Return the checks of quality, what does not pass first, and the counter's runs."""
    blocks: list[Block] = []
    if study.quality.empty and study.dose_activity.empty:
        return blocks
    bad = study.quality[study.quality["status"] != "pass"]
    named = bad.assign(rank=bad["status"].map(STATUSES.index), check=_words(bad["check"]))
    order = named.sort_values(["rank", "check", "cohort", "subject"], ascending=[False, True, True, True])
    passed = int((study.quality["status"] == "pass").sum())
    text = f"{len(bad)} of {len(study.quality)} checks do not pass; {passed} pass and stand in tables/quality.csv."
    blocks.append(Answer(text))
    if len(bad):
        labels = {
            "status": "Outcome",
            "check": "Check",
            "cohort": "Cohort",
            "subject": "Of",
            "value": "Value",
            "threshold": "Threshold",
            "message": "What it means",
        }
        blocks.append(plain_grid("Checks that do not pass", order, labels, file="tables/quality.csv"))
    blocks += study.drawn("counter_quality")
    if len(study.tube_activity):
        blocks.append(_runs(study.tube_activity))
    blocks += study.drawn("dose_quality")
    if len(study.dose_activity):
        blocks.append(_sessions(study))
    return blocks


def _words(checks: pd.Series) -> pd.Series:
    """Return the names of checks in words."""
    return checks.str.replace("[-_]", " ", regex=True)


def _runs(tubes: pd.DataFrame) -> Grid:
    rows = []
    for (cohort, file, window), some in tubes.groupby(["cohort", "counter_file", "window"], sort=True):
        roles = some["role"].value_counts()
        rows.append(
            [
                Cell(str(cohort)),
                Cell(str(file)),
                Cell(str(window)),
                count_cell(roles.get("tissue", 0) + roles.get("tail", 0)),
                count_cell(roles.get("standard", 0)),
                count_cell(roles.get("blank", 0)),
                number_cell(some["background_cps"].median(), some["background_cps_se"].median()),
                number_cell(100 * (1 - 1 / some["dead_time_factor"].max())),
            ]
        )
    labels = (
        "Cohort",
        "Run",
        "Window",
        "Samples",
        "Standards",
        "Blanks",
        "Background (1/s)",
        "Largest dead-time loss (%)",
    )
    headings = [Heading(label, index > 2) for index, label in enumerate(labels)]
    return grid("Counter runs", headings, rows, file="tables/tubes.csv")


def _sessions(study: Study) -> Grid:
    rows = []
    doses = study.dose_activity
    for (cohort, session), some in doses.groupby(["cohort", "session"], sort=True):
        net = some["net_injected_kbq"] / 1000
        rows.append(
            [
                Cell(str(cohort)),
                Cell(str(session)),
                count_cell(len(some)),
                *(
                    number_cell(value)
                    for value in (
                        net.median(),
                        net.min(),
                        net.max(),
                        some["tail_pct"].max(),
                        some["route_ratio"].median(),
                    )
                ),
                count_cell(int(some["excluded"].sum())),
            ]
        )
    labels = (
        "Cohort",
        "Session",
        "Injections",
        "Median (MBq)",
        "Least (MBq)",
        "Most (MBq)",
        "Largest tail (%)",
        "Standard / calibrator",
        "Excluded",
    )
    headings = [Heading(label, index > 1) for index, label in enumerate(labels)]
    return grid("Net injected doses", headings, rows, file="tables/doses.csv")


def cohort(study: Study) -> list[Block]:
    """Return the table of mice: one row a mouse."""
    animals = study.animals.sort_values(MOUSE)
    if animals.empty:
        return []
    parts = study.excluded_parts()
    # A mouse without reporter has no cells to count, and a signal below detection counts none.
    counted = study.cells[(study.cells["role"] != "background") & ~study.cells["is_below_detection"]]
    columns = {
        "dose": study.dose_activity.groupby(MOUSE)["net_injected_kbq"].median() / 1000,
        "doses": study.doses.groupby(MOUSE).size(),
        "day": study.uptake.groupby(MOUSE)["cell_day"].max(),
        "cells": counted[~counted["excluded"]].groupby(MOUSE)["cells"].max(),
        "rate": _endpoint(study, "growth_rate"),
    }
    out = parts[parts["animal_id"] != ""].groupby(MOUSE).apply(_reasons)
    heat = {name: _heat(columns[name]) for name in ("dose", "cells", "rate")}
    bad = _checks_of(study)
    rows = []
    for row in records(animals):
        mouse = (row["cohort"], row["animal_id"])
        values = {name: float(column.get(mouse, np.nan)) for name, column in columns.items()}
        excluded = str(out.get(mouse, "")) if len(out) else ""
        checks = ", ".join(bad.get(mouse, ()))
        rows.append(
            [
                *study.mouse_cells(row),
                Cell(study.labels[row["group"]]),
                Cell(row["sex"]),
                count_cell(int(np.nan_to_num(values["doses"]))),
                replace(number_cell(values["dose"]), tone=heat["dose"](values["dose"])),
                number_cell(values["day"]),
                replace(number_cell(values["cells"]), tone=heat["cells"](values["cells"])),
                replace(number_cell(values["rate"]), tone=heat["rate"](values["rate"])),
                Cell(checks, tone="warn" if checks else ""),
                Cell(row["end_reason"].replace("_", " ")),
                Cell(excluded, tone="warn" if excluded else ""),
            ]
        )
    headings = [
        Heading("Cohort"),
        Heading("Mouse"),
        Heading("Group"),
        Heading("Sex"),
        Heading("Injections", True),
        Heading("Median dose (MBq)", True, "Net injected, median over sessions"),
        Heading("Last day", True, "Last measurement, days since the cells"),
        Heading("Most cells", True, "Highest number of cells above detection, without excluded scans"),
        Heading("Growth rate (1/day)", True),
        Heading("Checks", False, "Checks of quality of this mouse that do not pass"),
        Heading("End"),
        Heading("Excluded"),
    ]
    answer = Answer(_tally(study))
    return [answer, grid("One row a mouse", headings, rows, file="tables/animals.csv")]


def _tally(study: Study) -> str:
    """Return how many mice each group has, in a sentence."""
    counts = study.animals["group"].value_counts()
    parts = [f"{counts[name]} {label}" for name, label in study.labels.items() if counts.get(name, 0)]
    count = some_mice(len(study.animals))
    return f"{count}: {', '.join(parts)}; a click on a name opens the mouse's page."


def _heat(values: pd.Series) -> Callable[[float], str]:
    """Return what shades a value by the fifth of the mice that it lies in."""
    known = values.dropna()
    bounds = np.quantile(known, [0.2, 0.4, 0.6, 0.8]) if len(known) > MANY_SHADES else np.array([])

    def tone(value: float) -> str:
        return "" if np.isnan(value) or not len(bounds) else f"heat{int(np.searchsorted(bounds, value)) + 1}"

    return tone


def _checks_of(study: Study) -> dict[tuple[str, str], list[str]]:
    """Return the names of the checks that a mouse does not pass."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in records(study.quality[study.quality["status"] != "pass"]):
        mouse = study.mouse_of(row["cohort"], row["subject"])
        if mouse is not None:
            words = found.setdefault((mouse.cohort, mouse.animal_id), [])
            word = row["check"].replace("_", " ").replace("-", " ")
            words += [] if word in words else [word]
    return found


def _endpoint(study: Study, name: str) -> pd.Series:
    rows = study.endpoints[(study.endpoints["analysis"] == MAIN) & (study.endpoints["endpoint"] == name)]
    return rows.groupby(MOUSE)["value"].mean()


def _reasons(rows: pd.DataFrame) -> str:
    return "; ".join(f"{row['level']}: {row['reason']}" for row in records(rows))


def exclusions(study: Study) -> list[Block]:
    """Return every decision to leave something out."""
    if study.exclusions.empty:
        return [Text(("Nothing was excluded.",))]
    rows = study.excluded_parts()
    late = int((rows["before_unblinding"] == "no").sum())
    count = f"{len(rows)} decision{'s' if len(rows) > 1 else ''}"
    text = (
        f"{count}, {late} of them after unblinding. Excluded values stay in every table, and results are given with "
        "and without them."
    )
    labels = {
        "cohort": "Cohort",
        "level": "Level",
        "animal_id": "Mouse",
        "session": "Session",
        "region": "Region",
        "scan_id": "Scan",
        "counter_file": "Run",
        "rack": "Rack",
        "position": "Position",
        "reason_code": "Code",
        "reason": "Reason",
        "decided_by": "By",
        "decided_at": "When",
        "before_unblinding": "Before unblinding",
    }
    used = {name: label for name, label in labels.items() if (rows[name] != "").any()}
    return [Text((text,)), plain_grid("Exclusions", rows, used, file="tables/exclusions.csv")]
