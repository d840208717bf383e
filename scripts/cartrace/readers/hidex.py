"""Hidex AMG gamma counters: AutoExport workbooks, and CSV.

Known from two independent readers of such files (jakubtoczek/biodist ``src/biodist/hidex.py``; demiguard/GFR
``main_page/libs/samba_handler.py``). The table of a workbook stands under the last cell ``Results`` of its first
column; ``<window> (counts)`` are raw; ``Normalized ...`` are corrected for decay and never taken for counts.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from cartrace import times
from cartrace.errors import InputError, Problem
from cartrace.readers.export import Export, Problems, cells, number, plain_number
from cartrace.readers.readings import CounterRun, CountRow, Settings

_AGAIN = "Export the run again; never edit an export"
_COUNTS = re.compile(r"(?P<window>.+) \(counts\)", re.IGNORECASE)
_STARTS = ("time", "start time", "starttime")
_ENDS = ("end time", "endtime")
_SECONDS = ("counted time (s)", "count time (s)", "counting time (s)")
_SHEET = "results"


def detects_workbook(export: Export, settings: Settings) -> bool:
    """Return whether a workbook has a sheet of results with a table of racks and vials."""
    return export.is_workbook and _sheet(export) is not None


def detects_csv(export: Export, settings: Settings) -> bool:
    """Return whether a text has a header with racks, vials and counts or rates."""
    return not export.is_workbook and export.header(_is_header) is not None


def _is_header(names: Sequence[str]) -> bool:
    lower = [name.lower() for name in names]
    return {"rack", "vial"} <= set(lower) and any(name.endswith(("(counts)", "(cpm)")) for name in lower)


def reads_workbook(export: Export, settings: Settings) -> CounterRun:
    """Return the tubes of an AutoExport workbook.

    Raises
    ------
    InputError
        It has no table of counts, or a cell is not what it should be.
    """
    found = _sheet(export)
    if found is None:
        why = "this is not a Hidex AutoExport: no cell 'Results' stands above a table of racks and vials"
        raise export.refuse("not-this-format", why, "Set 'counter.format' in the config to auto")
    rows, top = found
    stated = {str(row[0]): str(row[1]) for row in rows[:top] if len(row) > 1 and row[0] != "" and row[1] != ""}
    kind = stated.get("Run type", "")
    below: list[tuple[int, Sequence[Any]]] = []
    for row_number, row in enumerate(rows[top + 1 :], start=top + 2):
        if not row or row[0] == "":
            break
        below.append((row_number, row))
    said = f"'Run type' is '{kind}'" if kind else ""
    normalised = stated.get("Result normalization", "")
    if normalised:
        said += f"{'; ' if said else ''}its normalized values refer to {normalised} and were not used"
    return _run(export, [str(cell) for cell in rows[top]], below, settings, settings.date_format, said)


def _sheet(export: Export) -> tuple[list[list[Any]], int] | None:
    """Return the rows of the sheet of results, and the index of the header below its last cell 'Results'."""
    for name in export.sheet_names:
        if name.strip().lower() != _SHEET:
            continue
        rows = export.sheet(name)
        titles = [index for index, row in enumerate(rows) if row and str(row[0]).lower() == _SHEET]
        for index in reversed(titles):
            if index + 1 < len(rows) and {"Rack", "Vial"} <= {str(cell) for cell in rows[index + 1]}:
                return rows, index + 1
    return None


def reads_csv(export: Export, settings: Settings) -> CounterRun:
    """Return the tubes of a CSV export, whose dates are month, day, year.

    Raises
    ------
    InputError
        It has no counts, or a cell is not what it should be.
    """
    header = export.header(_is_header)
    if header is None:
        why = "this is not a Hidex CSV: it has no header with Rack, Vial and counts"
        raise export.refuse("not-this-format", why, "Set 'counter.format' in the config to auto")
    # The instrument writes US dates, whatever the study's sheets do.
    return _run(export, header.names, export.below(header), settings, "MDY", "dates are month/day/year")


def _run(
    export: Export,
    header: Sequence[str],
    below: Iterable[tuple[int, Sequence[Any]]],
    settings: Settings,
    date_format: str,
    said: str,
) -> CounterRun:
    """Return the tubes of a table."""
    names = [unicodedata.normalize("NFKC", name).strip() for name in header]
    place = {name.lower(): index for index, name in reversed(list(enumerate(names)))}
    blocks = _blocks(names, place)
    if not blocks:
        why = "the export holds no counts" + (f"; its {said}" if said else "")
        remedy = "Name the run that was counted; masses go into the sheet of tubes"
        raise export.refuse("no-counts", why, remedy)
    starts, ends, seconds = (
        next((name for name in known if name in place), "") for known in (_STARTS, _ENDS, _SECONDS)
    )
    if not starts and not ends:
        raise export.refuse("missing-column", "the export has no column Time", "Export with the time of each tube")
    if not seconds and settings.count_s is None:
        why = "the export has no column 'Counted time (s)'"
        remedy = "Export with it, or declare the counting time of each tube as 'counter.count_s' in the config"
        raise export.refuse("missing-column", why, remedy)
    rows: list[CountRow] = []
    problems = Problems()
    n_rows = 0
    for row_number, row in below:
        n_rows += 1
        if len(row) > len(names) and any(cell != "" for cell in row[len(names) :]):
            problems.append(export.not_as_wide(row_number, found=len(row), header=len(names)))
            continue
        reading = _Reading(export, row, row_number, names, problems)
        counted_at = reading.moment(place[starts or ends], date_format)
        duration = reading.number(place[seconds]) if seconds else settings.count_s or 0.0
        if not duration > 0:
            why, shown = "the counting time is not above 0", str(cells(list(row), place.get(seconds)))
            problems.append(export.problem("count-time", why, _AGAIN, row=row_number, column=seconds, value=shown))
            continue
        if counted_at is None:
            continue
        factor = reading.number(place.get("dead time factor"))
        rack, position = (plain_number(reading.text(place[name])) for name in ("rack", "vial"))
        rows += [
            CountRow(
                rack,
                position,
                window,
                counted_at,
                duration,
                reading.number(counts),
                reading.number(cpm),
                factor,
                row_number,
            )
            for window, (counts, cpm) in blocks.items()
        ]
    if problems:
        raise InputError(problems)
    if not rows:
        raise export.refuse("no-rows", "the table has a header and no row", "Export the run again")
    time_is = "end" if not starts else "start" if starts != "time" else ""
    return CounterRun(tuple(rows), n_rows=n_rows, time_is=time_is, finding=said)


def _blocks(names: Sequence[str], place: dict[str, int]) -> dict[str, tuple[int, int | None]]:
    """Return the columns of raw counts and of the rate of every window."""
    blocks = {}
    for index, name in enumerate(names):
        match = _COUNTS.fullmatch(name)
        if not match or name.lower().startswith("normalized ") or match["window"].lower().endswith(" corrected"):
            continue
        window = match["window"]
        rate = place.get(f"{window} (cpm)".lower(), place.get(f"normalized {window} (cpm)".lower()))
        blocks[window] = (index, rate)
    return blocks


class _Reading:
    """The cells of one row; what cannot be read becomes a problem."""

    def __init__(
        self, export: Export, row: Sequence[Any], row_number: int, names: Sequence[str], problems: list[Problem]
    ) -> None:
        self.export, self.row, self.row_number, self.names, self.problems = export, row, row_number, names, problems

    def cell(self, index: int | None) -> Any:
        return cells(list(self.row), index)

    def text(self, index: int) -> str:
        cell = self.cell(index)
        return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)

    def number(self, index: int | None) -> float:
        """Return a number; a workbook's text may have a decimal comma."""
        cell = self.cell(index)
        if isinstance(cell, (int, float)) and not isinstance(cell, bool) and math.isfinite(cell):
            return float(cell)
        value = number(str(cell), decimal_comma=True)
        if value is None:
            self._wrong("not-a-number", "a number is needed", _AGAIN, index, cell)
            return float("nan")
        return value

    def moment(self, index: int, date_format: str) -> Any:
        try:
            return times.moment(self.cell(index), date_format=date_format)
        except times.TimeProblem as error:
            self._wrong(error.code, error.why, error.remedy, index, self.cell(index))
            return None

    def _wrong(self, code: str, why: str, remedy: str, index: int | None, cell: Any) -> None:
        column = self.names[index] if index is not None and index < len(self.names) else ""
        problem = self.export.problem(code, why, remedy, row=self.row_number, column=column, value=str(cell))
        self.problems.append(problem)
