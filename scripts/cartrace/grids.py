"""From the bytes of a CSV or a workbook to rows of cells, and what can go wrong on the way."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from cartrace.errors import Problem, plain

# A text in a CSV; also a number, a flag, a date or a time in a workbook.
Cell: TypeAlias = Any
DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class Grid:
    """Rows of cells; row 0 is what Excel shows as row 1.

    Parameters
    ----------
    rows : list of list
        Cells; an empty cell is an empty text. Rows may differ in length.
    decimal_comma : bool
        Whether a number may have a decimal comma.
    kind : str
        csv or xlsx.
    problems : tuple of Problem
        What stands in the way of reading it, without the file's name.
    """

    rows: list[list[Cell]]
    decimal_comma: bool = False
    kind: str = "csv"
    problems: tuple[Problem, ...] = field(default=())


def decode_sheet(content: bytes) -> str | Problem:
    """Return the text of a sheet: UTF-8 with or without a byte-order mark, or UTF-16 with one."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError:
            return Problem("encoding", "the file begins like UTF-16 and does not go on so", _SAVE_AS)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _wrong_encoding(content, error.start)
    if "\0" in text:
        return Problem(
            "encoding", "the file holds zero bytes; it looks like UTF-16 without a byte-order mark", _SAVE_AS
        )
    return text


_SAVE_AS = "Save it in Excel as 'CSV UTF-8 (comma delimited)', or as an .xlsx workbook"


def _wrong_encoding(content: bytes, position: int) -> Problem:
    row = content.count(b"\n", 0, position) + 1
    byte = content[position : position + 1]
    try:
        seen = f"it looks like cp1252 (Windows), where it is '{byte.decode('cp1252')}'"
    except UnicodeDecodeError:
        seen = "it looks like Mac Roman, where it is '" + byte.decode("mac-roman") + "'"
    why = f"byte 0x{byte.hex().upper()} is not UTF-8; {seen}"
    return Problem("encoding", why, _SAVE_AS, row=row)


def from_csv(content: bytes, known: Iterable[str]) -> Grid:
    """Return the grid of a CSV sheet.

    Parameters
    ----------
    content : bytes
        The file.
    known : iterable of str
        Names that may stand in the header; the delimiter is the one that shows most of them.
    """
    text = decode_sheet(content)
    if isinstance(text, Problem):
        return Grid([], problems=(text,))
    known = {plain(name) for name in known}
    head = text.splitlines()[:12]
    scores = {
        delimiter: max((_known_in(line, delimiter, known) for line in head), default=0) for delimiter in DELIMITERS
    }
    delimiter = max(DELIMITERS, key=lambda candidate: scores[candidate])
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        problem = Problem(
            "not-a-table", f"the file cannot be read as a table ({error})", "Check its quotes and save it again"
        )
        return Grid([], problems=(problem,))
    return Grid([[cell.strip() for cell in row] for row in rows], decimal_comma=delimiter != ",")


def _known_in(line: str, delimiter: str, known: Iterable[str]) -> int:
    cells = next(csv.reader([line], delimiter=delimiter), [])
    return sum(plain(re.sub(r"\[.*\]\s*$", "", cell)) in known for cell in cells)


def is_workbook(content: bytes) -> bool:
    """Return whether the bytes begin like those of an .xlsx file, whatever the file is called."""
    return content.startswith(b"PK\x03\x04")


def from_workbook(content: bytes) -> dict[str, Grid]:
    """Return the grids of an .xlsx workbook by the name of their sheet.

    A formula counts with the value that Excel left in the file; one without is a problem. A date without a time of day
    and an identifier with leading zeros come out as Excel shows them.
    """
    import openpyxl  # a third of a second, for workbooks only

    try:
        formulas = openpyxl.load_workbook(io.BytesIO(content))
        values = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        problem = Problem(
            "not-a-workbook", f"the workbook cannot be opened ({error})", "Save it in Excel as .xlsx and try again"
        )
        return {"": Grid([], kind="xlsx", problems=(problem,))}
    return {
        name: _worksheet(formulas[name], values[name])
        for name in formulas.sheetnames
        if hasattr(formulas[name], "iter_rows")
    }


def _worksheet(formulas: Any, values: Any) -> Grid:
    rows: list[list[Cell]] = []
    problems: list[Problem] = []
    for with_formulas, with_values in zip(formulas.iter_rows(), values.iter_rows(), strict=True):
        row: list[Cell] = []
        for cell, cached in zip(with_formulas, with_values, strict=True):
            if cell.data_type == "f" and cached.value is None:
                problems.append(_no_value(cell, formulas))
            row.append(_workbook_cell(cached))
        rows.append(row)
    return Grid(rows, kind="xlsx", problems=tuple(problems))


def _no_value(cell: Any, sheet: Any) -> Problem:
    header = sheet.cell(row=1, column=cell.column).value
    formula = getattr(cell.value, "text", cell.value)
    why = "the formula has no value: the file was written by a program that does not calculate"
    remedy = "Open it in Excel and save it, or put the value in place of the formula"
    return Problem(
        "formula-without-value", why, remedy, row=cell.row, column=str(header or cell.column_letter), value=str(formula)
    )


def _workbook_cell(cell: Any) -> Cell:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    number_format = str(cell.number_format)
    if isinstance(value, datetime) and "h" not in re.sub(r"\[[^\]]*\]|\"[^\"]*\"", "", number_format).lower():
        return value.date()
    if isinstance(value, int) and not isinstance(value, bool) and re.fullmatch(r"0{2,}", number_format):
        return str(value).zfill(len(number_format))
    return value
