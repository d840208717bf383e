"""What every reader of an export shares: the file, its text, its header, its numbers, and what is wrong with it."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from cartrace import workbooks
from cartrace.errors import InputError, Problem, column_letter
from cartrace.grids import open_quote

MISSING = frozenset(
    ["", ".", "-", "nan", "na", "n/a", "n.a.", "null", "none", "infinity", "-infinity", "#div/0!", "#n/a"]
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_HEAD = 65_536
_HEADER_LINES = 60
DELIMITERS = (",", ";", "\t")
MOST_BYTES = 100_000_000
MOST_PROBLEMS = 1_000
_LONGEST_VALUE = 80


@dataclass(frozen=True)
class Export:
    """A file as an instrument wrote it.

    Parameters
    ----------
    name : str
        Path inside the cohort's folder, for messages.
    content : bytes
        Its bytes.
    changed_text : str, optional
        Its text with the overrides of the cohort applied.
    changed_sheets : mapping of str to list of list
        Cells of a workbook's sheets with the overrides applied.
    """

    name: str
    content: bytes = field(repr=False)
    changed_text: str | None = field(default=None, repr=False)
    changed_sheets: Mapping[str, list[list[Any]]] = field(default_factory=dict, repr=False)

    @cached_property
    def text(self) -> str:
        """The text with plain line ends: UTF-8, UTF-16 with a byte-order mark, else cp1252."""
        return _decoded(self.content) if self.changed_text is None else self.changed_text

    @cached_property
    def head(self) -> str:
        """The first few kilobytes of the text."""
        whole = "text" in self.__dict__ or self.changed_text is not None
        return self.text[:_HEAD] if whole else _decoded(self.content[:_HEAD])

    @property
    def is_workbook(self) -> bool:
        """Whether the bytes begin like an .xlsx file."""
        return workbooks.is_workbook(self.content)

    @cached_property
    def sheet_names(self) -> list[str]:
        """The names of a workbook's sheets."""
        return workbooks.names(self._book)

    def sheet(self, name: str) -> list[list[Any]]:
        """Return the cells of a workbook's sheet: texts without the spaces around them, numbers, times; "" is empty."""
        if name in self.changed_sheets:
            return self.changed_sheets[name]
        if name not in self._sheets:
            try:
                rows = [[_plain_cell(cell.value) for cell in row] for row in workbooks.rows(self._book, name)]
            except workbooks.WorkbookProblem as error:
                raise InputError([replace(error.problem, file=self.name, sheet=name)]) from None
            self._sheets[name] = rows
        return self._sheets[name]

    @cached_property
    def _book(self) -> Any:
        try:
            return workbooks.opened(self.content)
        except workbooks.WorkbookProblem as error:
            raise InputError([replace(error.problem, file=self.name)]) from None

    @cached_property
    def _sheets(self) -> dict[str, list[list[Any]]]:
        return {}

    def rows(self, delimiter: str) -> list[list[str]]:
        """Return the rows of delimited text, cells without the spaces around them.

        Raises
        ------
        InputError
            A quote that is never closed, or a cell longer than any that is meant to be read.
        """
        try:
            rows = list(csv.reader(io.StringIO(self.text), delimiter=delimiter))
        except csv.Error as error:
            raise self.refuse(
                "not-a-table", f"the file cannot be read as a table ({error})", "Export again; never edit an export"
            ) from None
        if row := open_quote(self.text, rows):
            why, remedy = "a quote is opened in this row and never closed", "Export again; never edit an export"
            raise InputError([self.problem("not-a-table", why, remedy, row=row)])
        return [[cell.strip() for cell in row] for row in rows]

    def header(self, is_header: Callable[[list[str]], bool]) -> Header | None:
        """Return the first of the first lines that is a header with some delimiter."""
        for index, line in enumerate(self.head.split("\n")[:_HEADER_LINES]):
            for delimiter in DELIMITERS:
                if delimiter in line and is_header(names := [cell.strip() for cell in _split(line, delimiter)]):
                    return Header(index, delimiter, names)
        return None

    def below(self, header: Header) -> Iterator[tuple[int, list[str]]]:
        """Yield number and cells of every filled row below a header."""
        for number_, row in enumerate(self.rows(header.delimiter)[header.top + 1 :], start=header.top + 2):
            if any(row):
                yield number_, row

    def problem(
        self, code: str, why: str, remedy: str, *, row: int | None = None, column: str = "", value: str | None = None
    ) -> Problem:
        """Return a problem of this file."""
        if value is not None and len(value) > _LONGEST_VALUE:
            value = f"{value[:_LONGEST_VALUE]}..."
        letter = self.letters.get(column, "") if column else ""
        return Problem(code, why, remedy, file=self.name, row=row, column=column, value=value, letter=letter)

    @cached_property
    def letters(self) -> dict[str, str]:
        """Letter of a spreadsheet's column by what the first cell of that name, with or without its unit, holds."""
        found: dict[str, str] = {}
        for line in [] if self.is_workbook else self.head.split("\n"):
            cells = max((line.split(delimiter) for delimiter in ",;\t"), key=len)
            for index, cell in enumerate(cells):
                name = cell.strip().strip('"')
                found.setdefault(name, column_letter(index))
                found.setdefault(name.partition("[")[0].strip(), column_letter(index))
        return found

    def not_as_wide(self, row: int, *, found: int, header: int) -> Problem:
        """Return the problem of a row whose cells cannot be told: a number with a comma moves all that follows it."""
        why = f"the row has {found} cells, the header {header}"
        return self.problem("row-width", why, "Export again; never edit an export", row=row)

    def refuse(self, code: str, why: str, remedy: str) -> InputError:
        """Return the error of a file that cannot be read at all."""
        return InputError([self.problem(code, why, remedy)])


class Problems(list[Problem]):
    """What is wrong with one file; a file with very many problems is refused with the first of them."""

    def append(self, problem: Problem) -> None:
        """Add a problem.

        Raises
        ------
        InputError
            It is one too many to go on.
        """
        super().append(problem)
        if len(self) >= MOST_PROBLEMS:
            raise InputError(self)


class Header(NamedTuple):
    """Where the header of a delimited table stands: its line from 0, delimiter, names."""

    top: int
    delimiter: str
    names: list[str]

    @property
    def decimal_comma(self) -> bool:
        """Whether a number below it may have a decimal comma."""
        return self.delimiter != ","


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _plain_cell(value: Any) -> Any:
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else value


def split_unit(header: str) -> tuple[str, str]:
    """Return a header's name and the unit in its last square or round brackets, empty where it has none."""
    text = header.strip()
    for opening, closing in ("[]", "()"):
        if text.endswith(closing) and opening in text:
            name, _, unit = text[:-1].rpartition(opening)
            return name.strip(), unit.strip()
    return text, ""


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def number(text: str, *, decimal_comma: bool = False) -> float | None:
    """Return the number in a cell: NaN for a gap, None for what is neither."""
    if decimal_comma:
        text = text.replace(",", ".")
    if _NUMBER.fullmatch(text):
        value = float(text)
        return value if math.isfinite(value) else None
    return math.nan if text.lower() in MISSING else None


def plain_number(text: str) -> str:
    """Return a rack or position as it is written by hand: 01 and 1.0 are 1."""
    match = re.fullmatch(r"0*(\d+)(\.0+)?", text)
    return match[1] if match else text


def cells(row: list[Any], index: int | None) -> str:
    """Return a cell of a row, empty where the row is too short or the column is not there."""
    return row[index] if index is not None and index < len(row) else ""
