"""The lab's sheets, held against their contracts: a grid of cells comes in, a :class:`Sheet` goes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import tzinfo
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cartrace import sheet_headers, times
from cartrace.errors import Problem
from cartrace.grids import Cell, Grid
from cartrace.sheet import Clock, Sheet
from cartrace.sheet_models import CLOCK_OF, Reading, json_schema, model
from cartrace.tables import Column, Table, empty

__all__ = ["CLOCK_OF", "Clock", "Reading", "Sheet", "absent", "clocks", "json_schema", "model", "read"]


def read(grid: Grid, table: type[Table], *, file: str, name: str, cohort: str, reading: Reading) -> Sheet:
    """Hold a grid against the contract of its sheet.

    Parameters
    ----------
    grid : Grid
        Cells as they stand in the file.
    table : type
        Contract of the sheet.
    file, name : str
        Where the cells stand, for messages and for ``source_file``.
    cohort : str
        The cohort's name.
    reading : Reading
        Clocks and formats.

    Returns
    -------
    Sheet
        With every problem found; never raises for bad input.
    """
    sheet = Sheet(table, file, name)
    sheet.problems += [replace(problem, file=file, sheet=name) for problem in grid.problems]
    above = sheet_headers.title_rows(grid, table)
    if above or not grid.rows:
        if above:
            why = f"row {above + 1} looks like the header, with {above} row{'s' if above > 1 else ''} above it"
            remedy = "Remove what stands above the header"
            sheet.problems.append(Problem("title-row", why, remedy, file=file, sheet=name, row=1))
        elif not grid.problems:
            why, remedy = "the sheet is empty", "Fill it in, or remove it"
            sheet.problems.append(Problem("empty-sheet", why, remedy, file=file, sheet=name))
        sheet.frame = empty(table)
        sheet.bad = {column.name: np.zeros(0, dtype=np.bool_) for column in table.columns}
        return sheet
    reading = replace(reading, decimal_comma=grid.decimal_comma, factors={}, seen=set())
    columns = sheet_headers.match(sheet, grid.rows[0], reading)
    _beyond_header(sheet, grid)
    filled = [index for index, row in enumerate(grid.rows) if index > 0 and any(cell != "" for cell in row)]
    _fill(sheet, [grid.rows[index] for index in filled], [index + 1 for index in filled], columns, reading)
    _formulas(sheet, grid)
    sheet.conversions = {name: text for name, text in sheet.conversions.items() if sheet.frame[name].notna().any()}
    sheet.frame["cohort"], sheet.frame["source_file"] = cohort, sheet.source
    if {"comma", "point"} <= reading.seen:
        why = f"some numbers have a decimal comma and others a decimal point: {_mixed(sheet)}"
        remedy = "Use one of them throughout the file"
        sheet.problems.append(Problem("mixed-decimals", why, remedy, file=file, sheet=name))
    return sheet


def _formulas(sheet: Sheet, grid: Grid) -> None:
    """Tell a formula or a merge that left cells empty once, as what it is: they are filled, and cannot be read."""
    formulas = {(row, problem.column) for problem in grid.problems for row in (problem.row, *problem.more)}
    told = [problem for problem in sheet.problems if problem.code == "missing-value"]
    sheet.problems = [
        problem for problem in sheet.problems if problem not in told or (problem.row, problem.column) not in formulas
    ]
    places = {letter: name for name, letter in sheet.letters.items()}
    for problem in grid.problems:
        if problem.letter in places:
            rows = [problem.row, *problem.more]
            sheet.bad[places[problem.letter]] |= sheet.frame["source_row"].isin(rows).to_numpy()


def _mixed(sheet: Sheet) -> str:
    """Return a number of either kind, and where it stands."""
    shown = []
    for sign in ",.":
        for column in sheet.table.sheet_columns():
            cells = sheet.raw.get(column.name, []) if column.kind == "float" else []
            index = next((index for index, cell in enumerate(cells) if f"{sign}" in cell.strip()), None)
            if index is not None:
                place = f"row {sheet.frame['source_row'].iloc[index]}, column {sheet.letters[column.name]}"
                shown.append(f"'{cells[index]}' in {place}")
                break
    return " and ".join(shown)


def _beyond_header(sheet: Sheet, grid: Grid) -> None:
    """Report cells that no header names: often a comma inside a text or a number moved a whole row to the right."""
    named = [index for index, cell in enumerate(grid.rows[0]) if cell != ""]
    for number, row in enumerate(grid.rows[1:], start=2):
        stray = [str(cell) for index, cell in enumerate(row) if cell != "" and index not in named]
        if stray or (grid.kind == "csv" and len(row) > len(grid.rows[0]) and any(row)):
            why = "the row has a cell that no header names"
            remedy = "Put a text or a number with a comma in quotes, remove the cell, or name its column"
            value = stray[0] if stray else None
            sheet.problems.append(
                Problem("cell-without-header", why, remedy, file=sheet.file, sheet=sheet.name, row=number, value=value)
            )


def _fill(
    sheet: Sheet, rows: list[list[Cell]], numbers: list[int], columns: dict[int, Column], reading: Reading
) -> None:
    """Validate the rows and build the frame."""
    strict, partial = model(sheet.table), model(sheet.table, partial=True)
    names = [column.name for column in sheet.table.sheet_columns()]
    by_name = {column.name: column for column in sheet.table.sheet_columns()}
    bad: dict[str, list[int]] = {name: [] for name in names}
    values: dict[str, list[Any]] = {name: [] for name in names}
    no_unit = {name for name, factor in reading.factors.items() if np.isnan(factor)}
    for position, row in enumerate(rows):
        cells = {column.name: row[index] for index, column in columns.items() if index < len(row) and row[index] != ""}
        for name in no_unit & set(cells):
            bad[name].append(position)
            del cells[name]
        try:
            kept = strict.model_validate(cells, context=reading).__dict__
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                name = str(detail["loc"][0])
                if name in no_unit or (detail["type"] == "missing" and name not in sheet.headers):
                    continue
                bad[name].append(position)
                sheet.problems.append(_cell_problem(sheet, by_name[name], detail, numbers[position], cells.get(name)))
                cells.pop(name, None)
            kept = partial.model_validate(cells, context=reading).__dict__
        for name in names:
            values[name].append(kept[name])
    _build(sheet, values, bad, rows, numbers, columns)


def _build(
    sheet: Sheet,
    values: dict[str, list[Any]],
    bad: dict[str, list[int]],
    rows: list[list[Cell]],
    numbers: list[int],
    columns: dict[int, Column],
) -> None:
    count = len(rows)
    frame: dict[str, pd.Series] = {
        "cohort": pd.Series([""] * count, dtype=str),
        "source_file": pd.Series([""] * count, dtype=str),
    }
    for column in sheet.table.sheet_columns():
        cells = values[column.name]
        if column.kind == "float":
            frame[column.name] = pd.Series([np.nan if cell is None else cell for cell in cells], dtype=float)
        else:
            frame[column.name] = pd.Series([cell or "" for cell in cells], dtype=str)
        marks = np.zeros(count, dtype=np.bool_)
        marks[bad[column.name]] = True
        if column.required and column.name not in sheet.headers:
            marks[:] = True
        sheet.bad[column.name] = marks
    frame["source_row"] = pd.Series(numbers, dtype=int)
    sheet.frame = pd.DataFrame(frame)[sheet.table.names()]
    sheet.n_rows_read = count
    for index, column in columns.items():
        sheet.raw[column.name] = [str(row[index]) if index < len(row) else "" for row in rows]


_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
}


def _cell_problem(sheet: Sheet, column: Column, detail: ErrorDetails, row: int, cell: Cell) -> Problem:
    context = detail.get("ctx", {})
    if detail["type"] == "cartrace":
        code, why, remedy = context["code"], context["why"], context["remedy"]
    elif detail["type"] == "missing":
        code, why, remedy = (
            "missing-value",
            "the cell is empty",
            f"Fill it in: {column.meaning[0].lower()}{column.meaning[1:]}",
        )
    elif detail["type"] in _BOUNDS:
        key, words = _BOUNDS[detail["type"]]
        code, why = "out-of-range", f"{words} {context[key]:g} is needed"
        remedy = "Check the number and its unit, or leave the cell empty where nothing was measured"
        if column.required:
            remedy = "Check the number and its unit"
    else:
        code, why, remedy = "out-of-range", "a finite number is needed", "Check the number"
    return Problem(
        code,
        why,
        remedy,
        file=sheet.file,
        sheet=sheet.name,
        row=row,
        column=sheet.headers.get(column.name, column.name),
        value=None if cell is None else str(cell),
        letter=sheet.letters.get(column.name, ""),
    )


def absent(table: type[Table]) -> Sheet:
    """Return the sheet that a cohort does not have: no rows, no problems."""
    sheet = Sheet(table, f"{table.__name__.lower()}.csv", frame=empty(table))
    sheet.bad = {column.name: np.zeros(0, dtype=np.bool_) for column in table.columns}
    return sheet


def clocks(sheet: Sheet, wall: tzinfo) -> Iterator[tuple[str, Clock]]:
    """Yield every device's clock, as the sheet of clocks has it."""
    offsets = dict(zip(sheet.frame["device"], sheet.frame["offset_s"], strict=True))
    fixed: dict[str, tzinfo] = {}
    for index, (device, text) in enumerate(zip(sheet.frame["device"], sheet.frame["utc_offset"], strict=True)):
        if text:
            try:
                fixed[device] = times.fixed_zone(text)
            except times.TimeProblem as problem:
                sheet.problems.append(sheet.problem(index, "utc_offset", problem.code, problem.why, problem.remedy))
    for device in ("calibrator", "counter", "scanner", "wall"):
        yield device, Clock(offset_s=float(offsets.get(device, np.nan)), zone=fixed.get(device, wall))
