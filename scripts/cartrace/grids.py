"""From the bytes of a CSV or a workbook to rows of cells, and what can go wrong on the way."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from cartrace import workbooks
from cartrace.errors import Problem, column_index, plain

# A text in a CSV; also a number, a flag, a date or a time in a workbook.
Cell: TypeAlias = Any
DELIMITERS = (",", ";", "\t")
_SEPARATOR = re.compile(r"sep=([,;\t])\r?\n")
# Zero-width spaces and joiners, a soft hyphen, a byte-order mark in the middle: what text copied from elsewhere brings.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


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
    # A first line for Excel, which it obeys and does not show.
    stated = _SEPARATOR.match(text)
    text = text[stated.end() :] if stated else text
    head = text.splitlines()[:12]
    try:
        scores = {
            delimiter: max((_known_in(line, delimiter, known) for line in head), default=0) for delimiter in DELIMITERS
        }
        delimiter = stated[1] if stated else max(DELIMITERS, key=lambda candidate: scores[candidate])
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        problem = Problem(
            "not-a-table", f"the file cannot be read as a table ({error})", "Check its quotes and save it again"
        )
        return Grid([], problems=(problem,))
    if row := open_quote(text, rows):
        why, remedy = "a quote is opened in this row and never closed", "Close it, or remove it"
        return Grid([], problems=(Problem("not-a-table", why, remedy, row=row),))
    return Grid([[_visible(cell) for cell in row] for row in rows], decimal_comma=delimiter != ",")


def _visible(cell: str) -> str:
    """Return a text without the spaces around it, and without what nobody sees and no name has."""
    return cell.strip() if cell.isascii() else _INVISIBLE.sub("", cell).strip()


def open_quote(text: str, rows: list[list[str]]) -> int:
    """Return the number of the row in which a quote is never closed, and which so holds all that follow; 0: none."""
    holds_lines = bool(rows) and any("\n" in cell or "\r" in cell for cell in rows[-1])
    return len(rows) if holds_lines and text.count('"') % 2 else 0


def _known_in(line: str, delimiter: str, known: Iterable[str]) -> int:
    cells = next(csv.reader([line], delimiter=delimiter), [])
    return sum(plain(re.sub(r"\[.*\]\s*$", "", cell)) in known for cell in cells)


def from_workbook(content: bytes) -> dict[str, Grid]:
    """Return the grids of an .xlsx workbook by the name of their sheet.

    A formula counts with the value that Excel left in the file; one without is a problem. A date without a time of day
    and an identifier with leading zeros come out as Excel shows them.
    """
    try:
        values = workbooks.opened(content)
        formulas = workbooks.opened(content, data_only=False) if workbooks.has_formulas(content) else None
        return {name: _worksheet(values, formulas, name) for name in workbooks.names(values)}
    except workbooks.WorkbookProblem as error:
        return {"": Grid([], kind="xlsx", problems=(error.problem,))}


def _worksheet(values: Any, formulas: Any, name: str) -> Grid:
    rows = [list(row) for row in workbooks.rows(values, name)]
    shown = [[_workbook_cell(cell) for cell in row] for row in rows]
    problems = []
    for row, with_formulas in zip(rows, workbooks.rows(formulas, name) if formulas else (), strict=False):
        problems += [
            _no_value(cell, shown[0])
            for cell, cached in zip(with_formulas, row, strict=True)
            if cell.data_type == "f" and cached.value is None
        ]
    problems += [problem for place in workbooks.merged(values, name) if (problem := _merged(*place, shown))]
    return Grid(shown, kind="xlsx", problems=tuple(problems))


def _merged(letters: str, first: int, last: int, shown: list[list[Cell]]) -> Problem | None:
    """Return the problem of merged cells in a column that is read: only the first of them holds the value."""
    index, rows = column_index(letters), range(max(first, 2), min(last, len(shown)) + 1)
    header = str(shown[0][index]) if shown and index < len(shown[0]) else ""
    if len(rows) < 2 or plain(header).startswith("x ") or plain(header) in ("", "note"):
        return None
    why = "these cells are merged, and only the first of them holds the value"
    remedy = "Unmerge them in Excel and write the value into each"
    more = tuple(rows[1:])
    return Problem("merged-cells", why, remedy, row=rows[0], column=header, letter=letters, more=more)


def _no_value(cell: Any, headers: list[Cell]) -> Problem:
    header = headers[cell.column - 1] if cell.column <= len(headers) else ""
    formula = getattr(cell.value, "text", cell.value)
    why = "the formula has no value: the file was written by a program that does not calculate"
    remedy = "Open it in Excel and save it, or put the value in place of the formula"
    place = {"row": cell.row, "column": str(header or cell.column_letter), "letter": cell.column_letter}
    return Problem("formula-without-value", why, remedy, value=str(formula), **place)


def _workbook_cell(cell: Any) -> Cell:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        return _visible(value)
    number_format = str(cell.number_format)
    if isinstance(value, datetime) and "h" not in re.sub(r"\[[^\]]*\]|\"[^\"]*\"", "", number_format).lower():
        return value.date()
    if isinstance(value, int) and not isinstance(value, bool) and re.fullmatch(r"0{2,}", number_format):
        return str(value).zfill(len(number_format))
    return value
