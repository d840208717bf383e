"""All tables as one workbook: a tab a table and a data dictionary, the same bytes from the same tables."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from html import escape

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from cartrace.tables import Table
from cartrace.workbooks import printable, timeless

# Excel takes no more rows, and no more characters in a cell.
MOST_ROWS = 1_048_575
MOST_CHARACTERS = 32_767
# Rows that are in memory as text.
AT_A_TIME = 5_000
_DICTIONARY = ("table", "column", "kind", "unit", "meaning")
_WIDTHS = (20, 32, 8, 12, 90)


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
    words = pd.DataFrame(dictionary(frames), columns=_DICTIONARY)
    book = Workbook(write_only=True)
    first = book.create_sheet("data_dictionary")
    for letter, width in zip("ABCDE", _WIDTHS, strict=True):
        first.column_dimensions[letter].width = width
    return _filled(book, {"data_dictionary": words} | {name: frame for name, (frame, _) in frames.items()})


def plain_workbook(frames: Mapping[str, pd.DataFrame]) -> bytes:
    """Return an XLSX file of tables without a contract, a tab each; text is always text."""
    return _filled(Workbook(write_only=True), frames)


def dictionary(frames: Mapping[str, tuple[pd.DataFrame, type[Table]]]) -> list[tuple[str, str, str, str, str]]:
    """Return table, column, kind, unit and meaning of every column; of a table too long for a tab, that it is."""
    rows = []
    for name, (frame, contract) in frames.items():
        if len(frame) > MOST_ROWS:
            why = f"This tab has the first {MOST_ROWS:,} of {len(frame):,} rows, since Excel takes no more"
            rows.append((name, "", "", "", f"{why}; all are in tables/{name}.csv"))
        rows += [(name, column.name, column.kind, column.unit, column.meaning) for column in contract.columns]
    return rows


def _filled(book: Workbook, frames: Mapping[str, pd.DataFrame]) -> bytes:
    """Return a workbook with a tab a frame.

    openpyxl makes the book and the bold headings. The rows are put in as text: cell by cell they would take more time
    than the whole rest of the report.
    """
    rows = {}
    for number, (name, frame) in enumerate(frames.items(), start=1):
        sheet = book[name] if name in book.sheetnames else book.create_sheet(name)
        sheet.freeze_panes = "A2"
        sheet.append([_bold(sheet, str(column)) for column in frame.columns])
        rows[f"xl/worksheets/sheet{number}.xml"] = _rows(frame.iloc[:MOST_ROWS])
    stream = io.BytesIO()
    book.save(stream)
    return timeless(stream.getvalue(), rows=rows)


def _bold(sheet: object, label: str) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value=label)
    cell.font = Font(bold=True)
    return cell


def _rows(frame: pd.DataFrame) -> Iterator[bytes]:
    """Yield the rows of a sheet below its heading as SpreadsheetML (ECMA-376, part 1, 18.3.1.73), some at a time."""
    for start in range(0, len(frame), AT_A_TIME):
        some = frame.iloc[start : start + AT_A_TIME]
        columns = [_cells(get_column_letter(at + 1), some.iloc[:, at], start + 2) for at in range(some.shape[1])]
        rows = (
            f'<row r="{row}">{"".join(cells)}</row>' for row, cells in enumerate(zip(*columns, strict=True), start + 2)
        )
        yield "".join(rows).encode("ascii", "xmlcharrefreplace")


def _cells(letter: str, column: pd.Series, first: int) -> list[str]:
    """Return the cells of a column from the row `first` on; a missing value has none."""
    values = list(enumerate(column.tolist(), first))
    if pd.api.types.is_bool_dtype(column.dtype):
        return [f'<c r="{letter}{row}" t="b"><v>{value:d}</v></c>' for row, value in values]
    if pd.api.types.is_numeric_dtype(column.dtype):
        return [
            f'<c r="{letter}{row}" t="n"><v>{value!r}</v></c>' if math.isfinite(value) else "" for row, value in values
        ]
    texts = {value: _inline(value) for value in column.unique().tolist()}
    return [f'<c r="{letter}{row}"{texts[value]}' if texts[value] else "" for row, value in values]


def _inline(value: str) -> str:
    """Return the rest of a cell that holds a text, whatever it begins with; nothing for an empty one."""
    text = printable(value)[:MOST_CHARACTERS]
    if not text:
        return ""
    space = ' xml:space="preserve"' if text != text.strip() else ""
    written = escape(text, quote=False).replace("\r", "&#13;")
    return f' t="inlineStr"><is><t{space}>{written}</t></is></c>'
