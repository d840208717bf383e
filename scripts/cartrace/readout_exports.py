"""Exports of readouts, found in their folder and joined by the mouse's name with the sheet of animals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

import numpy as np
import pandas as pd

from cartrace import readers, times
from cartrace.clock import shift
from cartrace.cohort import Cohort
from cartrace.errors import InputError, Problem, nearest, plain
from cartrace.lab import Findings, Lab
from cartrace.readers import Export, ReadoutRow, ReadoutTable, Settings
from cartrace.sheet import Sheet
from cartrace.tables import Readouts

COLUMNS = [column.name for column in Readouts.columns if column.name != "cohort"]


def join(cohort: Cohort, lab: Lab, export: Export, findings: Findings) -> None:
    """Read an export of readouts and add its values to the findings.

    No sheet names these files: one that is of no kind that is read stays unread, with a warning.

    Raises
    ------
    InputError
        The export cannot be read.
    """
    settings = Settings(date_format=lab.date_format)
    try:
        reader = readers.choose(export, what="readouts", form="auto", settings=settings)
    except InputError as error:
        if [problem.code for problem in error.problems] != ["format-unknown"]:
            raise
        known = "; ".join(reader.about for reader in readers.readers_of("readouts"))
        message = f"{export.name} is of no kind that is read from readouts/ and was left out; read are {known}"
        findings.quality.append(("unused-export", export.name, message))
        findings.used.add(export.name)
        return
    found = reader.reads(export, settings)
    assert isinstance(found, ReadoutTable)
    names = _names(cohort["animals"])
    taken = _of_sheet(cohort["readouts"])
    taken |= {(row[0], row[2], row[1]): f"{row[5]}, row {row[6]}" for row in findings.readouts}
    problems: list[Problem] = []
    n_used = 0
    for row in found.rows:
        animal = names.get(plain(row.label), "")
        if not animal:
            problems.append(_unknown(export, row, names))
            continue
        try:
            stamp = _stamp(cohort, lab, animal, row)
        except times.TimeProblem as error:
            problems.append(export.problem(error.code, error.why, error.remedy, row=row.row, value=_shown(row)))
            continue
        key = (animal, row.readout, stamp)
        if key in taken:
            why = f"this readout of the mouse and time stands in {taken[key]} already"
            problems.append(
                export.problem(
                    "duplicate-key", why, "Keep one of them", row=row.row, column=row.readout, value=row.label
                )
            )
            continue
        taken[key] = f"{export.name}, row {row.row}"
        findings.readouts.append((animal, stamp, row.readout, row.value, row.unit, export.name, row.row))
        n_used += 1
    findings.problems += problems
    is_dated = any(not isinstance(row.measured, datetime) for row in found.rows)
    at = f"{lab.readout_time_of_day} is taken for the time of day ('readouts.time_of_day')" if is_dated else ""
    said = "; ".join(filter(None, (found.finding, at)))
    findings.read(export, reader.name, found.n_rows, n_used, (), lab.clocks["wall"].offset_s, said)


def _names(animals: Sheet) -> dict[str, str]:
    """Return every mouse by its name and its other name, in the form in which names are compared."""
    ids, aliases = ([str(cell) for cell in animals.frame[column]] for column in ("animal_id", "alias"))
    names = {plain(alias): animal for animal, alias in zip(ids, aliases, strict=True) if alias}
    return names | {plain(animal): animal for animal in ids if animal}


def _of_sheet(readouts: Sheet) -> dict[tuple[str, str, str], str]:
    frame = readouts.frame
    keys = zip(frame["animal_id"], frame["readout"], frame["measured_at"], strict=True)
    return {key: f"{readouts.source}, row {row}" for key, row in zip(keys, frame["source_row"], strict=True)}


def _unknown(export: Export, row: ReadoutRow, names: Mapping[str, str]) -> Problem:
    why = "the mouse is not in the sheet of animals"
    close = nearest(row.label, names)
    hint = f"Did you mean '{names[plain(close[0])]}'? " if close else ""
    remedy = f"{hint}Give the mouse this name in the column 'alias' of the sheet of animals, or correct the label"
    return export.problem("unknown-animal", why, remedy, row=row.row, value=row.label)


def _shown(row: ReadoutRow) -> str:
    return f"day {row.measured:g}" if isinstance(row.measured, float) else str(row.measured)


def _stamp(cohort: Cohort, lab: Lab, animal: str, row: ReadoutRow) -> str:
    """Return when a value was measured.

    Raises
    ------
    TimeProblem
        A clock change, a mouse without a cell clock, or a time after the mouse left.
    """
    index = cohort.animal_rows[animal]
    clock = lab.clocks["wall"]
    measured = row.measured
    if isinstance(measured, float):
        measured = _day_of(cohort, index, measured)
    ended = str(cohort.column("animals", "ended_at")[index])
    if isinstance(measured, datetime):
        stamp = measured.isoformat() if measured.tzinfo else times.local(measured, clock.zone)
        if not np.isnan(clock.offset_s) and clock.offset_s != 0.0:
            stamp = str(shift(pd.Series([stamp], dtype=str), np.array([-clock.offset_s])).iloc[0])
        is_late = bool(ended) and datetime.fromisoformat(stamp) > datetime.fromisoformat(ended)
    else:
        hour, minute = lab.readout_time_of_day.split(":")
        stamp = times.local(datetime.combine(measured, time(int(hour), int(minute))), clock.zone)
        is_late = bool(ended) and measured.isoformat() > ended[:10]
    if is_late:
        remedy = "Check this time and 'ended_at' of the mouse"
        raise times.TimeProblem("after-end", f"this is after the mouse {animal} left the study", remedy)
    return stamp


def _day_of(cohort: Cohort, index: int, day: float) -> date:
    """Return the date of a day on the mouse's cell clock."""
    zero = str(cohort.column("animals", "cells_infused_at")[index] or cohort.column("animals", "enrolled_at")[index])
    if not zero:
        why = "the mouse has neither cells_infused_at nor enrolled_at, so that a day has no date"
        raise times.TimeProblem("no-cell-clock", why, "Fill one of them in, or export dates")
    # ASSUME: Days in the header of a caliper table count from the day of the cells, or of entry where there were none.
    return date.fromisoformat(zero[:10]) + timedelta(days=round(day))
