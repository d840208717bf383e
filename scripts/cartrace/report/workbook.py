"""All tables as one workbook: a tab a table and a data dictionary, the same bytes from the same tables."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from cartrace.tables import Table
from cartrace.workbooks import printable, timeless

# Excel takes no more rows.
MOST_ROWS = 1_048_575


def workbook(frames: Mapping[str, tuple[pd.DataFrame, type[Table]]]) -> bytes:
    """Return an XLSX file of tables.

    Parameters
    ----------
    frames : mapping
        Name of the tab to the table and its contract.

    Returns
    -------
    bytes
        The file. Text is always text: what starts with ``=`` is no formula. Missing numbers are empty cells.
    """
    book = Workbook(write_only=True)
    _dictionary(book, frames)
    for name, (frame, _) in frames.items():
        _sheet(book, name, frame)
    stream = io.BytesIO()
    book.save(stream)
    return timeless(stream.getvalue())


def plain_workbook(frames: Mapping[str, pd.DataFrame]) -> bytes:
    """Return an XLSX file of tables without a contract, a tab each; text is always text."""
    book = Workbook(write_only=True)
    for name, frame in frames.items():
        _sheet(book, name, frame)
    stream = io.BytesIO()
    book.save(stream)
    return timeless(stream.getvalue())


def _sheet(book: Workbook, name: str, frame: pd.DataFrame) -> None:
    sheet = book.create_sheet(name)
    sheet.freeze_panes = "A2"
    sheet.append([_bold(sheet, str(column)) for column in frame.columns])
    shown = frame.iloc[:MOST_ROWS]
    columns = [_cells(sheet, shown[column]) for column in frame.columns]
    for row in zip(*columns, strict=True):
        sheet.append(row)


def dictionary(frames: Mapping[str, tuple[pd.DataFrame, type[Table]]]) -> list[tuple[str, str, str, str, str]]:
    """Return table, column, kind, unit and meaning of every column."""
    return [
        (name, column.name, column.kind, column.unit, column.meaning)
        for name, (_, contract) in frames.items()
        for column in contract.columns
    ]


def _dictionary(book: Workbook, frames: Mapping[str, tuple[pd.DataFrame, type[Table]]]) -> None:
    sheet = book.create_sheet("data_dictionary")
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABCDE", (20, 32, 8, 12, 90), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.append([_bold(sheet, label) for label in ("table", "column", "kind", "unit", "meaning")])
    for row in dictionary(frames):
        sheet.append([_text(sheet, cell) for cell in row])


def _bold(sheet: object, label: str) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value=label)
    cell.font = Font(bold=True)
    return cell


def _cells(sheet: object, column: pd.Series) -> list[object]:
    if pd.api.types.is_bool_dtype(column.dtype):
        return list(column.tolist())
    if pd.api.types.is_numeric_dtype(column.dtype):
        return [None if value != value else value for value in column.tolist()]  # noqa: PLR0124 -- NaN
    return [_text(sheet, value) for value in column.tolist()]


def _text(sheet: object, value: str) -> object:
    clean = printable(value)
    if not clean.startswith("="):
        return clean or None
    cell = WriteOnlyCell(sheet, value=clean)
    cell.data_type = "s"
    return cell
