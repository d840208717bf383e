"""Wizard2 2470/2480 gamma counters: CSV with one block of columns for each counting window.

Read from public copies of real exports: demiguard/GFR, ``main_page/static/main_page/csv/004391.csv`` and
``004821.csv``. The time of a tube is the start of its count; the counts are gross and may be fractional; the tube is
(Rack, Pos), and Pos restarts in every rack.
"""

from __future__ import annotations

import re

from cartrace import times
from cartrace.errors import InputError, Problem
from cartrace.readers.export import Export, Problems, cells, number, plain_number
from cartrace.readers.readings import CounterRun, CountRow, Settings

SIGNATURE = ("Measurement date & time", "Rack", "Pos", "Time")
_BLOCK = re.compile(r"(?P<window>.+) (?P<what>Counts|CPM)")


def detects(export: Export, settings: Settings) -> bool:
    """Return whether the first lines hold the header of a Wizard2 export."""
    return not export.is_workbook and _header(export.head) is not None


def _header(text: str) -> tuple[int, str, list[str]] | None:
    """Return row index, delimiter and cells of the header."""
    for index, line in enumerate(text.split("\n")[:40]):
        for delimiter in (",", ";", "\t"):
            names = [cell.strip().strip('"') for cell in line.split(delimiter)]
            if set(SIGNATURE) <= set(names):
                return index, delimiter, names
    return None


def reads(export: Export, settings: Settings) -> CounterRun:
    """Return the tubes of a Wizard2 export, one row per tube and window.

    Raises
    ------
    InputError
        It has no counts, or a cell is not what it should be.
    """
    found = _header(export.text)
    if found is None:
        raise export.refuse(
            "not-this-format", "this is not a Wizard2 export", "Set 'counter.format' in the config to auto"
        )
    top, delimiter, names = found
    blocks: dict[str, dict[str, int]] = {}
    for index, name in enumerate(names):
        match = _BLOCK.fullmatch(name)
        if match:
            blocks.setdefault(match["window"], {})[match["what"]] = index
    if not blocks:
        why = "the export has neither a column of counts nor one of CPM"
        raise export.refuse("no-counts", why, "Export again with 'Counts' among the columns")
    place = {name: names.index(name) for name in SIGNATURE}
    rows: list[CountRow] = []
    problems = Problems()
    table = export.rows(delimiter)
    filled = [(number_, row) for number_, row in enumerate(table[top + 1 :], start=top + 2) if any(row)]
    for row_number, row in filled:
        if len(row) != len(names):
            problems.append(export.not_as_wide(row_number, found=len(row), header=len(names)))
            continue
        rows += _tube(export, row, row_number, place, blocks, delimiter != ",", problems)
    if problems:
        raise InputError(problems)
    return CounterRun(tuple(rows), n_rows=len(filled))


def _tube(
    export: Export,
    row: list[str],
    row_number: int,
    place: dict[str, int],
    blocks: dict[str, dict[str, int]],
    decimal_comma: bool,
    problems: list[Problem],
) -> list[CountRow]:
    def value(index: int | None, column: str) -> float:
        text = cells(row, index)
        found = number(text, decimal_comma=decimal_comma)
        if found is None:
            remedy = "Export the run again; never edit an export"
            problems.append(
                export.problem("not-a-number", "a number is needed", remedy, row=row_number, column=column, value=text)
            )
            return float("nan")
        return found

    start = cells(row, place["Measurement date & time"])
    try:
        # The instrument always writes year, month, day.
        counted_at = times.moment(start, date_format="ISO")
    except times.TimeProblem as error:
        column = "Measurement date & time"
        remedy = "Export the run again; a spreadsheet that saves the file may rewrite its dates"
        problems.append(export.problem(error.code, error.why, remedy, row=row_number, column=column, value=start))
        return []
    seconds = value(place["Time"], "Time")
    if not seconds > 0:
        why, remedy = "the counting time is not above 0", "Export the run again; a tube that was not counted has no row"
        problems.append(
            export.problem("count-time", why, remedy, row=row_number, column="Time", value=cells(row, place["Time"]))
        )
        return []
    rack, position = (plain_number(cells(row, place[name])) for name in ("Rack", "Pos"))
    return [
        CountRow(
            rack,
            position,
            window,
            counted_at,
            seconds,
            value(block.get("Counts"), f"{window} Counts"),
            value(block.get("CPM"), f"{window} CPM"),
            float("nan"),
            row_number,
        )
        for window, block in blocks.items()
    ]
