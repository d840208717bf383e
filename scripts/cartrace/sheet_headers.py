"""The header of a sheet, matched with the columns of its contract, and the units in its brackets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cartrace import units
from cartrace.errors import Problem, column_letter, nearest, plain
from cartrace.grids import Cell, Grid
from cartrace.sheet import Sheet
from cartrace.sheet_models import Reading
from cartrace.tables import Column, Table


def match(sheet: Sheet, cells: Sequence[Cell], reading: Reading) -> dict[int, Column]:
    """Match the header's cells with columns; note conversions and problems."""
    found: dict[int, Column] = {}
    meant: set[str] = set()
    by_form = {plain(column.header): column for column in sheet.table.sheet_columns()}
    for index, cell in enumerate(cells):
        text = str(cell)
        name, unit = units.split_header(text)
        if text == "" or plain(name).startswith("x ") or plain(name) == "note":
            continue
        column = by_form.get(plain(name))
        if column is None:
            problem, nearest_one = _unknown_column(sheet, text, list(by_form.values()))
            sheet.problems.append(replace(problem, letter=column_letter(index)))
            meant.add(nearest_one)
        elif column.name in sheet.headers:
            why, remedy = "the column stands twice", "Keep one of them"
            twice = _problem(sheet, "duplicate-column", why, remedy, text)
            sheet.problems.append(replace(twice, letter=column_letter(index)))
        else:
            found[index] = column
            sheet.headers[column.name], sheet.letters[column.name] = text, column_letter(index)
            _unit(sheet, column, unit, reading)
    for column in sheet.table.sheet_columns():
        # A header that is merely misspelt is told once, as unknown.
        if column.required and column.name not in sheet.headers and column.header not in meant:
            why, remedy = "the column is missing", f"Add it: {column.meaning[0].lower()}{column.meaning[1:]}"
            sheet.problems.append(replace(_problem(sheet, "missing-column", why, remedy, _shown(column)), row=None))
    return found


def _add(sheet: Sheet, column: Column, code: str, why: str, remedy: str) -> None:
    problem = _problem(sheet, code, why, remedy, sheet.headers[column.name])
    sheet.problems.append(replace(problem, letter=sheet.letters[column.name]))


def _unit(sheet: Sheet, column: Column, unit: str | None, reading: Reading) -> None:
    if not column.quantity:
        if unit is not None:
            why, remedy = "this column has no unit in its header", f"Call it '{column.header}'"
            _add(sheet, column, "unit-not-expected", why, remedy)
        return
    offered = units.OFFERED[column.quantity]
    if unit is None:
        remedy = f"Write the unit behind the name, e.g. '{_shown(column)}'; accepted are {offered}"
        _add(sheet, column, "unit-missing", "the quantity has no unit", remedy)
        reading.factors[column.name] = np.nan
    elif not units.is_unit_of(unit, column.quantity):
        close = nearest(units.spelled(unit), units.QUANTITIES[column.quantity])
        hint = f"Did you mean '{close[0]}'? " if close else ""
        why, remedy = f"'{unit}' is not a unit of {column.quantity} that is read", f"{hint}Accepted are {offered}"
        _add(sheet, column, "unit-unknown", why, remedy)
        reading.factors[column.name] = np.nan
    else:
        reading.factors[column.name] = units.factor(unit, column.quantity)
        storage = units.STORAGE[column.quantity]
        if units.factor(unit, column.quantity) != 1.0:
            sheet.conversions[column.name] = f"{column.header} {unit} -> {storage}"


def _shown(column: Column) -> str:
    # In the unit that labs use: who copies it from a message is right more often than with that of the tables.
    return f"{column.header} [{units.USUAL[column.quantity]}]" if column.quantity else column.header


def _problem(sheet: Sheet, code: str, why: str, remedy: str, column: str) -> Problem:
    return Problem(code, why, remedy, file=sheet.file, sheet=sheet.name, row=1, column=column)


def _unknown_column(sheet: Sheet, text: str, columns: list[Column]) -> tuple[Problem, str]:
    """Return the problem of a header that is not known, and the header that was probably meant."""
    bare = re.sub(r"\s*\(.*\)\s*$", "", units.split_header(text)[0])
    shown = {column.header: _shown(column) for column in columns}
    close = nearest(bare, shown)
    if close:
        remedy = f"The nearest known one is '{shown[close[0]]}'; a column of your own begins with 'x_'"
    else:
        remedy = f"Known are {', '.join(shown)}; a column of your own begins with 'x_'"
    return _problem(sheet, "unknown-column", "the column is not known", remedy, text), close[0] if close else ""


def title_rows(grid: Grid, table: type[Table]) -> int:
    """Return how many rows stand above the header, 0 where the first row is it."""
    known = {plain(column.header) for column in table.sheet_columns()}
    scores = [
        sum(plain(units.split_header(str(cell))[0]) in known for cell in row if cell != "") for row in grid.rows[:12]
    ]
    best = int(np.argmax(scores)) if scores else 0
    return best if scores and scores[best] >= 2 > scores[0] else 0
