"""The lab's sheets: one model per sheet, made from its contract, and every cell held against it.

A sheet comes in as a :class:`cartrace.grids.Grid` and goes out as a :class:`Sheet`: a frame in canonical names and units
together with all that is wrong with it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, tzinfo
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, create_model
from pydantic_core import ErrorDetails, PydanticCustomError

from cartrace import times, units
from cartrace.errors import Problem, nearest, plain
from cartrace.grids import Cell, Grid
from cartrace.tables import SHEETS, Column, Table, empty

# Columns that Excel likes to turn into dates or numbers.
IDENTIFIERS = frozenset(
    "animal_id session scan_id rack position part cage batch animal_label replicate group tissue region".split()
)
# The device whose clock wrote a column of times; every other time is from the wall.
CLOCK_OF = {
    "full_at": "calibrator",
    "residual_at": "calibrator",
    "tail_at": "calibrator",
    "standard_at": "calibrator",
    "started_at": "scanner",
}
_MONTH = r"(jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-z]*"
_DATE_LIKE = re.compile(
    rf"\d{{1,2}}[-. ]{{1,2}}{_MONTH}([-. ]\d{{2,4}})?|{_MONTH}[-. ]\d{{2,4}}"
    r"|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?)?",
    re.IGNORECASE,
)
_EXPONENT = re.compile(r"\d+([.,]\d+)?E[+-]?\d+", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NUMBER_WITH_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Clock:
    """What is known of one device's clock.

    Parameters
    ----------
    offset_s : float
        Device minus reference [s]; NaN where it was not checked.
    zone : tzinfo
        The zone its times are in.
    """

    offset_s: float
    zone: tzinfo


@dataclass
class Reading:
    """How the cells of one sheet are to be read; what was seen on the way."""

    zones: Mapping[str, tzinfo]
    date_format: str
    decimal_comma: bool = False
    factors: dict[str, float] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)


@dataclass
class Sheet:
    """A sheet in canonical names and units, and what is wrong with it.

    Parameters
    ----------
    table : type
        Its contract.
    file, name : str
        File; name of the sheet in a workbook, else empty.
    frame : DataFrame
        The contract's columns; a cell that cannot be read is empty.
    raw : dict of str to list of str
        Text of every given column, by canonical name, for messages.
    headers : dict of str to str
        Header as it stands in the file, by canonical name.
    bad : dict of str to ndarray of bool
        Cells that cannot be read.
    """

    table: type[Table]
    file: str
    name: str = ""
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    raw: dict[str, list[str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    bad: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    conversions: list[str] = field(default_factory=list)
    n_rows_read: int = 0

    @property
    def source(self) -> str:
        """File, and sheet of a workbook."""
        return f"{self.file} > {self.name}" if self.name else self.file

    def text(self, column: str) -> pd.Series:
        """Return a column of text or times."""
        return self.frame[column]

    def numbers(self, column: str) -> NDArray[np.float64]:
        """Return a column of numbers."""
        return self.frame[column].to_numpy(dtype=np.float64)

    def given(self, column: str) -> NDArray[np.bool_]:
        """Return where a column holds a value, be it readable or not."""
        cells = self.frame[column]
        filled = (cells != "").to_numpy() if pd.api.types.is_string_dtype(cells) else cells.notna().to_numpy()
        return np.asarray(filled | self.unreadable(column), dtype=np.bool_)

    def unreadable(self, *columns: str) -> NDArray[np.bool_]:
        """Return the rows in which one of `columns` could not be read."""
        mask = np.zeros(len(self.frame), dtype=np.bool_)
        for column in columns:
            mask |= self.bad.get(column, mask)
        return mask

    def report(
        self, rows: NDArray[np.bool_], column: str, code: str, why: str, remedy: str | Callable[[int], str]
    ) -> None:
        """Add one problem for each marked row."""
        for index in np.flatnonzero(rows):
            hint = remedy if isinstance(remedy, str) else remedy(int(index))
            self.problems.append(self.problem(int(index), column, code, why, hint))

    def problem(self, index: int, column: str, code: str, why: str, remedy: str) -> Problem:
        """Return a problem of one row."""
        raw = self.raw.get(column)
        return Problem(
            code,
            why,
            remedy,
            file=self.file,
            sheet=self.name,
            row=int(self.frame["source_row"].iloc[index]),
            column=self.headers.get(column, column),
            value=raw[index] if raw and raw[index] else None,
        )


# ---- one model per sheet, made from its contract ----


def _text(cell: Cell, info: ValidationInfo) -> str:
    if isinstance(cell, (datetime, date, time)):
        raise _wrong("id-became-date", "Excel turned this into a date", _AS_TEXT)
    if isinstance(cell, bool):
        raise _wrong("id-became-flag", "Excel turned this into TRUE or FALSE", _AS_TEXT)
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        cell = int(cell)
    text = cell if isinstance(cell, str) else str(cell)
    if text.startswith("#") and text.rstrip("!?").upper() in _EXCEL_ERRORS:
        raise _wrong("excel-error", "Excel shows an error here", "Mend the formula, or empty the cell")
    if info.field_name in IDENTIFIERS:
        if _DATE_LIKE.fullmatch(text):
            raise _wrong("id-became-date", "this looks like a date that Excel made of an identifier", _AS_TEXT)
        if _EXPONENT.fullmatch(text) and ("+" in text or "." in text or "," in text):
            raise _wrong("id-became-number", "this looks like a number that Excel made of an identifier", _AS_TEXT)
    return text


_AS_TEXT = "Format the column as text, type the name again and save"
_EXCEL_ERRORS = {"#N/A", "#DIV/0", "#VALUE", "#REF", "#NAME", "#NUM", "#NULL", "#NV"}


def _choice(choices: tuple[str, ...]) -> Callable[[Cell, ValidationInfo], str]:
    by_form = {plain(choice): choice for choice in choices}

    def chosen(cell: Cell, info: ValidationInfo) -> str:
        text = _text(cell, info)
        if plain(text) not in by_form:
            close = nearest(text, choices)
            hint = f"Did you mean '{close[0]}'? " if close else ""
            raise _wrong("not-a-choice", "the value is not one of those allowed", f"{hint}Allowed are {', '.join(choices)}")
        return by_form[plain(text)]

    return chosen


def _number(cell: Cell, info: ValidationInfo) -> float:
    reading: Reading = info.context
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        value = float(cell)
    elif isinstance(cell, str) and _NUMBER.fullmatch(cell):
        value = float(cell)
        if "." in cell:
            reading.seen.add("point")
    elif isinstance(cell, str) and _NUMBER_WITH_COMMA.fullmatch(cell):
        if not reading.decimal_comma:
            remedy = "Write a decimal point, or separate the columns with semicolons or tabs"
            raise _wrong("decimal-comma", "a decimal comma is not read here", remedy)
        reading.seen.add("comma")
        value = float(cell.replace(",", "."))
    else:
        raise _wrong("not-a-number", "a number is needed", _number_remedy(cell))
    return value * reading.factors.get(info.field_name or "", 1.0)


def _number_remedy(cell: Cell) -> str:
    if isinstance(cell, (datetime, date, time)):
        return "Excel turned it into a date; type the number again and format the column as a number"
    if str(cell).lower() in ("na", "n/a", "nan", "-", "--", "none", "nd", "?"):
        return "Leave the cell empty where nothing was measured"
    if str(cell).startswith("#"):
        return "Mend the formula, or empty the cell"
    return "Write digits with one decimal sign: no unit, no thousands separator, no second number"


def _time(cell: Cell, info: ValidationInfo) -> str:
    reading: Reading = info.context
    wall = reading.zones[CLOCK_OF.get(info.field_name or "", "wall")]
    try:
        return times.stamp(cell, wall=wall, date_format=reading.date_format)
    except times.TimeProblem as problem:
        raise _wrong(problem.code, problem.why, problem.remedy) from None


def _date(cell: Cell, info: ValidationInfo) -> str:
    try:
        return times.day(cell, date_format=info.context.date_format)
    except times.TimeProblem as problem:
        raise _wrong(problem.code, problem.why, problem.remedy) from None


def _wrong(code: str, why: str, remedy: str) -> PydanticCustomError:
    return PydanticCustomError("cartrace", "{why}", {"code": code, "why": why, "remedy": remedy})


_VALIDATORS: dict[str, Callable[[Cell, ValidationInfo], Any]] = {"text": _text, "float": _number, "time": _time, "date": _date}
_TYPES: dict[str, Any] = {"text": str, "float": float, "time": str, "date": str}


def _annotation(column: Column) -> Any:
    base: Any = Literal[column.choices] if column.choices else _TYPES[column.kind]
    validator = _choice(column.choices) if column.choices else _VALIDATORS[column.kind]
    bounds = {"ge": column.at_least, "gt": column.above, "le": column.at_most}
    limits = {name: value for name, value in bounds.items() if value is not None}
    if column.kind == "float":
        limits["allow_inf_nan"] = False
    return Annotated[base, Field(**limits), BeforeValidator(validator)] if limits else Annotated[base, BeforeValidator(validator)]


@functools.cache
def model(table: type[Table], *, partial: bool = False) -> type[BaseModel]:
    """Return the model of one row of a sheet, made from the sheet's contract.

    Parameters
    ----------
    table : type
        Contract, one of ``tables.SHEETS``.
    partial : bool
        No column is required: for a row of which the unreadable cells were taken out.
    """
    fields: dict[str, Any] = {}
    for column in table.sheet_columns():
        about = Field(description=column.meaning, json_schema_extra=_about(column))
        if column.required and not partial:
            fields[column.name] = (Annotated[_annotation(column), about], ...)
        else:
            fields[column.name] = (Annotated[_annotation(column) | None, about], None)
    config = ConfigDict(extra="forbid")
    return create_model(table.__name__, __config__=config, __doc__=table.__doc__, **fields)


def _about(column: Column) -> dict[str, Any]:
    about: dict[str, Any] = {"header": f"{column.header} [{column.unit}]" if column.quantity else column.header}
    if column.quantity:
        about["units"] = units.OFFERED[column.quantity]
    return about


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of every sheet by its name: columns, types, choices, ranges, meanings."""
    return {table.__name__.lower(): model(table).model_json_schema() for table in SHEETS}


# ---- the header ----


def _header(sheet: Sheet, cells: Sequence[Cell], reading: Reading) -> dict[int, Column]:
    """Match the header's cells with columns; note conversions and problems."""
    found: dict[int, Column] = {}
    by_form = {plain(column.header): column for column in sheet.table.sheet_columns()}
    for index, cell in enumerate(cells):
        text = str(cell)
        name, unit = units.split_header(text)
        if text == "" or plain(name).startswith("x ") or plain(name) == "note":
            continue
        column = by_form.get(plain(name))
        if column is None:
            sheet.problems.append(_unknown_column(sheet, text, list(by_form.values())))
        elif column.name in sheet.headers:
            why, remedy = "the column stands twice", "Keep one of them"
            sheet.problems.append(_of_header(sheet, "duplicate-column", why, remedy, text))
        else:
            found[index] = column
            sheet.headers[column.name] = text
            _unit(sheet, column, text, unit, reading)
    for column in sheet.table.sheet_columns():
        if column.required and column.name not in sheet.headers:
            why, remedy = "the column is missing", f"Add it: {column.meaning[0].lower()}{column.meaning[1:]}"
            sheet.problems.append(replace(_of_header(sheet, "missing-column", why, remedy, _shown(column)), row=None))
    return found


def _unit(sheet: Sheet, column: Column, text: str, unit: str | None, reading: Reading) -> None:
    if not column.quantity:
        if unit is not None:
            why, remedy = "this column has no unit in its header", f"Call it '{column.header}'"
            sheet.problems.append(_of_header(sheet, "unit-not-expected", why, remedy, text))
        return
    offered = units.OFFERED[column.quantity]
    if unit is None:
        remedy = f"Write the unit behind the name, e.g. '{_shown(column)}'; accepted are {offered}"
        sheet.problems.append(_of_header(sheet, "unit-missing", "the quantity has no unit", remedy, text))
        reading.factors[column.name] = np.nan
    elif not units.is_unit_of(unit, column.quantity):
        close = nearest(units.spelled(unit), units.QUANTITIES[column.quantity])
        hint = f"Did you mean '{close[0]}'? " if close else ""
        why, remedy = f"'{unit}' is not a unit of {column.quantity} that is read", f"{hint}Accepted are {offered}"
        sheet.problems.append(_of_header(sheet, "unit-unknown", why, remedy, text))
        reading.factors[column.name] = np.nan
    else:
        reading.factors[column.name] = units.factor(unit, column.quantity)
        storage = units.STORAGE[column.quantity]
        if units.factor(unit, column.quantity) != 1.0:
            sheet.conversions.append(f"{column.header} {unit} -> {storage}")


def _shown(column: Column) -> str:
    return f"{column.header} [{column.unit}]" if column.quantity else column.header


def _of_header(sheet: Sheet, code: str, why: str, remedy: str, column: str) -> Problem:
    return Problem(code, why, remedy, file=sheet.file, sheet=sheet.name, row=1, column=column)


def _unknown_column(sheet: Sheet, text: str, columns: list[Column]) -> Problem:
    bare = re.sub(r"\s*\(.*\)\s*$", "", units.split_header(text)[0])
    shown = {column.header: _shown(column) for column in columns}
    close = nearest(bare, shown)
    if close:
        remedy = f"The nearest known one is '{shown[close[0]]}'; a column of your own begins with 'x_'"
    else:
        remedy = f"Known are {', '.join(shown)}; a column of your own begins with 'x_'"
    return _of_header(sheet, "unknown-column", "the column is not known", remedy, text)


def _title_rows(grid: Grid, table: type[Table]) -> int:
    """Return how many rows stand above the header, 0 where the first row is it."""
    known = {plain(column.header) for column in table.sheet_columns()}
    scores = [
        sum(plain(units.split_header(str(cell))[0]) in known for cell in row if cell != "") for row in grid.rows[:12]
    ]
    best = int(np.argmax(scores)) if scores else 0
    return best if scores and scores[best] >= 2 > scores[0] else 0


# ---- the rows ----


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
    above = _title_rows(grid, table)
    if above or not grid.rows:
        if above:
            why = f"row {above + 1} looks like the header, with {above} row{'s' if above > 1 else ''} above it"
            sheet.problems.append(_of_header(sheet, "title-row", why, "Remove what stands above the header", ""))
        elif not grid.problems:
            why, remedy = "the sheet is empty", "Fill it in, or remove it"
            sheet.problems.append(Problem("empty-sheet", why, remedy, file=file, sheet=name))
        sheet.frame = empty(table)
        sheet.bad = {column.name: np.zeros(0, dtype=np.bool_) for column in table.columns}
        return sheet
    reading = replace(reading, decimal_comma=grid.decimal_comma, factors={}, seen=set())
    columns = _header(sheet, grid.rows[0], reading)
    _beyond_header(sheet, grid)
    filled = [index for index, row in enumerate(grid.rows) if index > 0 and any(cell != "" for cell in row)]
    _fill(sheet, [grid.rows[index] for index in filled], [index + 1 for index in filled], columns, reading)
    sheet.frame["cohort"], sheet.frame["source_file"] = cohort, sheet.source
    if {"comma", "point"} <= reading.seen:
        why, remedy = "some numbers have a decimal comma and others a decimal point", "Use one of them throughout the file"
        sheet.problems.append(Problem("mixed-decimals", why, remedy, file=file, sheet=name))
    return sheet


def _beyond_header(sheet: Sheet, grid: Grid) -> None:
    named = [index for index, cell in enumerate(grid.rows[0]) if cell != ""]
    for index, row in enumerate(grid.rows[1:], start=2):
        stray = [cell for place, cell in enumerate(row) if cell != "" and place not in named]
        if stray:
            why, remedy = "a cell stands in a column without a header", "Name the column, or put a text with a comma in quotes"
            sheet.problems.append(
                Problem("cell-without-header", why, remedy, file=sheet.file, sheet=sheet.name, row=index, value=str(stray[0]))
            )


def _fill(sheet: Sheet, rows: list[list[Cell]], numbers: list[int], columns: dict[int, Column], reading: Reading) -> None:
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
            kept = partial.model_validate({name: cell for name, cell in cells.items()}, context=reading).__dict__
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
    frame: dict[str, pd.Series] = {"cohort": pd.Series([""] * count, dtype=str), "source_file": pd.Series([""] * count, dtype=str)}
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


_BOUNDS = {"greater_than": ("gt", "more than"), "greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}


def _cell_problem(sheet: Sheet, column: Column, detail: ErrorDetails, row: int, cell: Cell) -> Problem:
    context = detail.get("ctx", {})
    if detail["type"] == "cartrace":
        code, why, remedy = context["code"], context["why"], context["remedy"]
    elif detail["type"] == "missing":
        code, why, remedy = "missing-value", "the cell is empty", f"Fill it in: {column.meaning[0].lower()}{column.meaning[1:]}"
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
