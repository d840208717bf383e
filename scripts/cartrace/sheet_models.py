"""One pydantic model per sheet, made from the sheet's contract; it reads a cell and says in words why it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, tzinfo
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, create_model
from pydantic_core import PydanticCustomError

from cartrace import times, units
from cartrace.errors import nearest, plain
from cartrace.grids import Cell
from cartrace.tables import SHEETS, Column, Table

# Columns that Excel likes to turn into dates or numbers.
IDENTIFIERS = frozenset(
    [
        *("animal_id", "session", "scan_id", "rack", "position", "part", "cage", "batch", "animal_label", "replicate"),
        *("group", "tissue", "region"),
    ]
)
# The device whose clock wrote a column of times; every other time is from the wall.
CLOCK_OF = {
    "full_at": "calibrator",
    "residual_at": "calibrator",
    "tail_at": "calibrator",
    "standard_at": "calibrator",
    "started_at": "scanner",
}
_MONTH = r"(jan|feb|févr|mar|mrz|märz?|mars|apr|avr|mai|may|juni?|juin|juli?|aug|août|sept?|o[ck]t|nov|de[cz]|déc)\.?"
_DATE_LIKE = re.compile(
    rf"\d{{1,2}}[-. ]{{1,2}}{_MONTH}([-. ]\d{{2,4}})?|{_MONTH}[-. ]\d{{2,4}}"
    r"|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?)?",
    re.IGNORECASE,
)
_EXPONENT = re.compile(r"\d+([.,]\d+)?E[+-]?\d+", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NUMBER_WITH_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?")


@dataclass
class Reading:
    """How the cells of one sheet are to be read; what was seen on the way."""

    zones: Mapping[str, tzinfo]
    date_format: str
    decimal_comma: bool = False
    factors: dict[str, float] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)


# What a cell of another file holds, whatever that is.
VERBATIM = frozenset(["old", "new"])


def _text(cell: Cell, info: ValidationInfo) -> str:
    if info.field_name in VERBATIM and isinstance(cell, (datetime, date, time, bool)):
        return str(cell)
    if isinstance(cell, (datetime, date, time)):
        raise _wrong("id-became-date", "Excel turned this into a date", _AS_TEXT)
    if isinstance(cell, bool):
        raise _wrong("id-became-flag", "Excel turned this into TRUE or FALSE", _AS_TEXT)
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        cell = int(cell)
    text = cell if isinstance(cell, str) else str(cell)
    if info.field_name not in VERBATIM and text.startswith("#") and text.rstrip("!?").upper() in _EXCEL_ERRORS:
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
            raise _wrong(
                "not-a-choice", "the value is not one of those allowed", f"{hint}Allowed are {', '.join(choices)}"
            )
        return by_form[plain(text)]

    return chosen


def _number(cell: Cell, info: ValidationInfo) -> float:
    reading = cast(Reading, info.context)
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
    reading = cast(Reading, info.context)
    wall = reading.zones[CLOCK_OF.get(info.field_name or "", "wall")]
    try:
        return times.stamp(cell, wall=wall, date_format=reading.date_format)
    except times.TimeProblem as problem:
        raise _wrong(problem.code, problem.why, problem.remedy) from None


def _date(cell: Cell, info: ValidationInfo) -> str:
    try:
        return times.day(cell, date_format=cast(Reading, info.context).date_format)
    except times.TimeProblem as problem:
        raise _wrong(problem.code, problem.why, problem.remedy) from None


def _wrong(code: str, why: str, remedy: str) -> PydanticCustomError:
    return PydanticCustomError("cartrace", "{why}", {"code": code, "why": why, "remedy": remedy})


_VALIDATORS: dict[str, Callable[[Cell, ValidationInfo], Any]] = {
    "text": _text,
    "float": _number,
    "time": _time,
    "date": _date,
}
_TYPES: dict[str, Any] = {"text": str, "float": float, "time": str, "date": str}


def _annotation(column: Column) -> Any:
    base: Any = Literal[column.choices] if column.choices else _TYPES[column.kind]
    validator = _choice(column.choices) if column.choices else _VALIDATORS[column.kind]
    bounds = {"ge": column.at_least, "gt": column.above, "le": column.at_most}
    limits: dict[str, Any] = {name: value for name, value in bounds.items() if value is not None}
    if column.kind == "float":
        limits["allow_inf_nan"] = False
    return (
        Annotated[base, Field(**limits), BeforeValidator(validator)]
        if limits
        else Annotated[base, BeforeValidator(validator)]
    )


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
