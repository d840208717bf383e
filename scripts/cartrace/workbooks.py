"""Excel workbooks from anybody: held against limits before they are opened, read cell by cell, never calculated."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from cartrace.errors import Problem

MOST_PARTS = 1_000
MOST_BYTES = 200_000_000  # unpacked; 400 mice with their spectra need a tenth of it
MOST_ROWS = 200_000
MOST_COLUMNS = 4_096
MOST_CELLS = 3_000_000
_SAVE = "Save it in Excel as .xlsx and try again"
# Excel writes neither; both are ways to make a small file large, or to reach other files.
_CODES = ("utf-8", "utf-16-le", "utf-16-be")
_FORBIDDEN = tuple(mark.encode(code) for mark in ("<!DOCTYPE", "<!ENTITY") for code in _CODES)
_CHUNK = 1 << 20
_MERGED = re.compile(rb'<mergeCell ref="([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})"')
_MOST_MERGED = 1_000
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Large tables compress in half the time that the usual 6 takes, to an eighth more bytes.
_COMPRESSION = 3
_END = b"</sheetData>"
_STAMP = re.compile(rb"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")

_T = TypeVar("_T")


class WorkbookProblem(ValueError):  # noqa: N818 - it is shown as a problem
    """A workbook that cannot be read, or will not be.

    Parameters
    ----------
    problem : Problem
        Why, without the file's name.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.why)
        self.problem = problem


def is_workbook(content: bytes) -> bool:
    """Return whether the bytes begin like those of an .xlsx file, whatever the file is called."""
    return content.startswith(b"PK\x03\x04")


def opened(content: bytes, *, data_only: bool = True) -> Any:
    """Return the workbook, opened for reading row by row.

    Parameters
    ----------
    content : bytes
        The file.
    data_only : bool
        The value that Excel left behind a formula; else the formula's text.

    Raises
    ------
    WorkbookProblem
        It is no workbook, or is larger than any that is meant to be read.
    """
    import openpyxl  # a third of a second, for workbooks only

    _hold_against_limits(content)
    return _guarded(partial(openpyxl.load_workbook, io.BytesIO(content), read_only=True, data_only=data_only))


def _guarded(action: Callable[[], _T]) -> _T:
    """Return what openpyxl gives; it lets through whatever a damaged part makes it stumble over."""
    with warnings.catch_warnings():
        # Of styles and other things that are not read.
        warnings.simplefilter("ignore")
        try:
            return action()
        except Exception as error:
            raise _not_opened(error) from None


def names(book: Any) -> list[str]:
    """Return the names of the sheets that hold cells."""
    return [sheet.title for sheet in book.worksheets]


def rows(book: Any, name: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a sheet as cells with ``value`` and ``number_format``.

    Raises
    ------
    WorkbookProblem
        The sheet is damaged or larger than any that is meant to be read.
    """
    sheet = book[name]
    # What the file says about its own size is not to be trusted.
    sheet.reset_dimensions()
    n_cells = 0
    stream = sheet.iter_rows()
    for number in range(1, MOST_ROWS + 2):
        row = _guarded(partial(next, stream, None))
        if row is None:
            return
        n_cells += len(row)
        if number > MOST_ROWS or len(row) > MOST_COLUMNS or n_cells > MOST_CELLS:
            limits = f"{MOST_ROWS:,} rows, {MOST_COLUMNS:,} columns or {MOST_CELLS:,} cells"
            raise _too_large(f"the sheet '{name}' has more than {limits}")
        yield row


def merged(book: Any, name: str) -> list[tuple[str, int, int]]:
    """Return the first column and the rows of every range of merged cells of a sheet: letters, first row, last row."""
    sheet = book[name]
    found: dict[tuple[bytes, ...], None] = {}
    for chunk in _guarded(lambda: list(_chunks(sheet.parent._archive, sheet._worksheet_path))):
        found.update(dict.fromkeys(_MERGED.findall(chunk)))
    # A damaged file may name any row.
    ranges = [(letters.decode(), int(first), min(int(last), MOST_ROWS)) for letters, first, last in found]
    return ranges[:_MOST_MERGED]


def has_formulas(content: bytes) -> bool:
    """Return whether any sheet holds a formula."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheets = [part for part in archive.namelist() if part.startswith("xl/worksheets/")]
        return any(mark in chunk for part in sheets for chunk in _chunks(archive, part) for mark in (b"<f>", b"<f "))


def _hold_against_limits(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_BYTES:
                raise _too_large(f"the workbook unpacks to more than {MOST_BYTES // 1_000_000} MB")
            for part in parts:
                if any(mark in chunk for chunk in _chunks(archive, part.filename) for mark in _FORBIDDEN):
                    why = f"the part {part.filename} of the workbook declares entities, which Excel never does"
                    raise WorkbookProblem(Problem("not-a-workbook", why, _SAVE))
    except WorkbookProblem:
        raise
    except Exception as error:
        raise _not_opened(error) from None


def _chunks(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """Yield the bytes of a part in pieces that overlap by more than any mark is long."""
    tail = b""
    with archive.open(part) as stream:
        while piece := stream.read(_CHUNK):
            yield tail + piece
            tail = piece[-64:]


def _too_large(why: str) -> WorkbookProblem:
    remedy = "Keep what belongs to this cohort, remove the rest and save it again"
    return WorkbookProblem(Problem("workbook-too-large", why, remedy))


def _not_opened(error: Exception) -> WorkbookProblem:
    said = " ".join(str(error).split())[:120] or type(error).__name__
    return WorkbookProblem(Problem("not-a-workbook", f"the workbook cannot be opened ({said})", _SAVE))


# ---- writing ----


def printable(text: str) -> str:
    """Return a text without the characters that Excel refuses: control characters and what is no character."""
    return _CONTROL.sub("", text)


def put(cell: Any, value: object) -> None:
    """Fill a cell; a text is only a text, also where it begins like a formula."""
    if not isinstance(value, str):
        cell.value = value
    elif clean := printable(value):
        cell.value = clean
        cell.data_type = "s"


def timeless(content: bytes, *, rows: Mapping[str, Iterable[bytes]] | None = None) -> bytes:
    """Return the same workbook without the times at which it and its parts were written.

    Parameters
    ----------
    content : bytes
        The file.
    rows : mapping, optional
        Part of the workbook to the XML of rows, piece by piece, that are put at the end of its sheet.
    """
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION) as target,
    ):
        for name in source.namelist():
            body = source.read(name)
            if name == "docProps/core.xml":
                body = _STAMP.sub(b"1980-01-01T00:00:00Z", body)
            start, end = (body, b"") if not rows or name not in rows else body.split(_END)
            # A part that is opened by its name has the time at which ZIP archives begin, 1980.
            with target.open(name, "w") as part:
                part.write(start)
                if rows and name in rows:
                    for piece in rows[name]:
                        part.write(piece)
                    part.write(_END + end)
    return stream.getvalue()
