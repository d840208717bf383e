"""Corrections of raw values: declared in a sheet, applied where the old value stands, never written into a raw file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cartrace.errors import InputError, column_index, nearest, plain
from cartrace.grids import Cell, Grid
from cartrace.readers.export import Export, split_unit
from cartrace.sheet import Sheet

_MOST_TOLD = 5
_DELIMITERS = ("\t", ";", ",")
_LETTERS = re.compile(r"[A-Za-z]{1,3}")


@dataclass(frozen=True)
class Override:
    """One correction: `index` is its row in the sheet of overrides, `row` counts from 0."""

    index: int
    file: str
    row: int
    column: str
    old: str
    new: str


def declared(sheet: Sheet) -> dict[str, list[Override]]:
    """Return the overrides that can be read, by the file that they correct."""
    found: dict[str, list[Override]] = {}
    cells = (sheet.frame[name] for name in ("file", "row", "column", "old", "new"))
    unread = sheet.unreadable("file", "row", "column", "old", "new") | ~is_row_number(sheet)
    for index, (file, row, column, old, new) in enumerate(zip(*cells, strict=True)):
        if not unread[index]:
            name = unicodedata.normalize("NFC", file.replace("\\", "/"))
            found.setdefault(name, []).append(Override(index, name, int(row) - 1, column, old, new))
    return found


def is_row_number(sheet: Sheet) -> NDArray[np.bool_]:
    """Return where the sheet of overrides names a row as Excel shows it."""
    return sheet.frame["row"].str.fullmatch(r"[1-9]\d{0,8}").to_numpy(dtype=np.bool_)


def correct_exports(
    sheets: Mapping[str, Sheet], exported: Sequence[str], load: Callable[[str], bytes]
) -> dict[str, Export]:
    """Return the exports that the sheet of overrides corrects, by their path; report overrides that do not fit.

    Parameters
    ----------
    sheets : mapping of str to Sheet
        All sheets by name.
    exported : sequence of str
        Paths of all exports inside the cohort's folder.
    load : callable
        Bytes of such a path.
    """
    sheet = sheets["overrides"]
    paths = {unicodedata.normalize("NFC", path): path for path in exported}
    known = [other.source for other in sheets.values() if other.n_rows_read or other.headers]
    found: dict[str, Export] = {}
    for name, own in declared(sheet).items():
        path, _, tab = name.partition(" > ") if name not in paths else (name, "", "")
        if path in paths:
            export = found.get(path) or Export(paths[path], load(paths[path]))
            found[path] = correct_export(sheet, export, own, tab)
        elif name == sheet.source or name not in known:
            _no_such_file(sheet, name, own, [*known, *paths])
    return {paths[path]: export for path, export in found.items()}


def counted(sheet: Sheet, file: str) -> str:
    """Return how many cells of a file were corrected, in words; empty where none was."""
    own = [item for name, items in declared(sheet).items() if name.partition(" > ")[0] == file for item in items]
    cells = ", ".join(f"row {item.row + 1} {item.column}: '{item.old}' -> '{item.new}'" for item in own[:_MOST_TOLD])
    more = f" and {len(own) - _MOST_TOLD} more" if len(own) > _MOST_TOLD else ""
    return f"corrected by {sheet.source}: {cells}{more}" if own else ""


def correct_grid(sheet: Sheet, grid: Grid, overrides: Sequence[Override]) -> Grid:
    """Return a sheet's grid with its overrides applied; report those that do not fit."""
    rows = [list(row) for row in grid.rows]
    _correct_rows(sheet, rows, overrides, lambda _: rows[0] if rows else [])
    return replace(grid, rows=rows)


def correct_export(sheet: Sheet, export: Export, overrides: Sequence[Override], tab: str = "") -> Export:
    """Return an export with its overrides applied; report those that do not fit.

    Parameters
    ----------
    sheet : Sheet
        The sheet of overrides.
    export : Export
        The file as the instrument wrote it.
    overrides : sequence of Override
        Those of this file.
    tab : str
        Sheet of a workbook; empty: its only one.
    """
    if not export.is_workbook:
        return _correct_text(sheet, export, overrides)
    try:
        names = export.sheet_names
        if tab not in names and (tab or len(names) != 1):
            remedy = f"Write it behind the file: '{export.name} > {names[0]}'; its sheets are {', '.join(names)}"
            for item in overrides:
                sheet.problems.append(
                    sheet.problem(item.index, "file", "override-target", "it is not said which sheet", remedy)
                )
            return export
        rows = [list(row) for row in export.sheet(tab or names[0])]
    except InputError:
        # Told where the export itself is read.
        return export
    _correct_rows(sheet, rows, overrides, lambda item: _header_above(rows[: item.row], item.column))
    return replace(export, changed_sheets={**export.changed_sheets, tab or names[0]: rows})


def _correct_rows(
    sheet: Sheet, rows: list[list[Cell]], overrides: Sequence[Override], header: Callable[[Override], Sequence[Cell]]
) -> None:
    done: set[tuple[int, int]] = set()
    for item in overrides:
        if item.row >= len(rows):
            _no_such_row(sheet, item, len(rows))
            continue
        row, place = rows[item.row], _place(header(item), item.column)
        if not isinstance(place, int):
            _no_such_column(sheet, item, place, header(item))
        elif (item.row, place) in done:
            _twice(sheet, item)
        elif not _same(row[place] if place < len(row) else "", item.old):
            _differs(sheet, item, row[place] if place < len(row) else "")
        else:
            done.add((item.row, place))
            row += [""] * (place + 1 - len(row))
            row[place] = _like(row[place], item.new)


def _correct_text(sheet: Sheet, export: Export, overrides: Sequence[Override]) -> Export:
    original = export.text.split("\n")
    lines = list(original)
    done: set[tuple[int, int]] = set()
    for item in overrides:
        if item.row >= len(lines):
            _no_such_row(sheet, item, len(lines))
            continue
        # Of the delimiters under which the cell can be found, the one under which it holds what it should.
        seen = [found for delimiter in _delimiters(original, item.row) if (found := _found(original, item, delimiter))]
        fitting = [found for found in seen if _same(found.text, item.old)]
        if not seen:
            delimiter = _delimiters(original, item.row)[0]
            header = _header_above([_cells(line, delimiter) for line in original[: item.row]], item.column)
            _no_such_column(sheet, item, _place(header, item.column), header)
        elif not fitting:
            _differs(sheet, item, seen[0].text)
        elif (item.row, fitting[0].place) in done:
            _twice(sheet, item)
        else:
            done.add((item.row, fitting[0].place))
            lines[item.row] = _replaced(lines[item.row], fitting[0], item.new)
    return replace(export, changed_text="\n".join(lines))


# ---- where a cell stands ----


class _Found(NamedTuple):
    """A cell of a text: its delimiter, its column from 0, what it holds."""

    delimiter: str | None
    place: int
    text: str


def _named(header: Sequence[Cell], column: str) -> list[int]:
    """Return the columns of a header of that name, with or without their unit."""
    for name_of in (lambda cell: cell, lambda cell: split_unit(cell)[0]):
        places = [at for at, cell in enumerate(header) if cell != "" and plain(name_of(str(cell))) == plain(column)]
        if places:
            return places
    return []


def _place(header: Sequence[Cell], column: str) -> int | list[int] | None:
    """Return the column of a header's name, else of a letter; several where the name stands more than once."""
    places = _named(header, column)
    if places:
        return places[0] if len(places) == 1 else places
    return column_index(column) if _LETTERS.fullmatch(column) else None


def _header_above(above: Sequence[Sequence[Cell]], column: str) -> Sequence[Cell]:
    """Return the nearest row above that names the column, else the widest."""
    return next((row for row in reversed(above) if _named(row, column)), max(above, key=len, default=[]))


def _delimiters(lines: Sequence[str], row: int) -> list[str | None]:
    """Return the delimiters of a text, the one that makes most columns about the row first."""
    near = lines[max(0, row - 200) : row + 1]
    widths = {delimiter: max(len(_spans(line, delimiter)) for line in near) for delimiter in _DELIMITERS}
    found: list[str | None] = [delimiter for delimiter in _DELIMITERS if widths[delimiter] > 1]
    # Spaces separate columns only where nothing else does.
    return sorted(found, key=lambda delimiter: -widths[delimiter or ""]) or [None]


def _found(lines: Sequence[str], item: Override, delimiter: str | None) -> _Found | None:
    above = [_cells(line, delimiter) for line in lines[: item.row]]
    place = _place(_header_above(above, item.column), item.column)
    cells = _cells(lines[item.row], delimiter)
    return _Found(delimiter, place, cells[place]) if isinstance(place, int) and place < len(cells) else None


def _spans(line: str, delimiter: str | None) -> list[tuple[int, int]]:
    """Return where the cells of a line begin and end; a delimiter inside quotes is none."""
    if delimiter is None:
        return [match.span() for match in re.finditer(r"\S+", line)]
    spans, start, is_quoted = [], 0, False
    for index, sign in enumerate(line):
        if sign == '"' and (is_quoted or not line[start:index].strip()):
            is_quoted = not is_quoted
        elif sign == delimiter and not is_quoted:
            spans.append((start, index))
            start = index + 1
    return [*spans, (start, len(line))]


def _cells(line: str, delimiter: str | None) -> list[str]:
    return [_bare(line[start:end]) for start, end in _spans(line, delimiter)]


def _bare(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        text = text[1:-1].replace('""', '"').strip()
    return text


def _replaced(line: str, found: _Found, new: str) -> str:
    start, end = _spans(line, found.delimiter)[found.place]
    if '"' in new or (found.delimiter or " ") in new or line[start:end].strip().startswith('"'):
        doubled = new.replace('"', '""')
        new = f'"{doubled}"'
    return line[:start] + new + line[end:]


# ---- whether it holds what it should ----


def _same(cell: Cell, old: str) -> bool:
    """Return whether a cell holds the old value: as text, as the same number, or as the same time."""
    text = str(cell).strip()
    return text == old or (bool(text) and bool(old) and _meaning(text) == _meaning(old))


def _meaning(text: str) -> Any:
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        return float(text)
    try:
        return datetime.fromisoformat(text).isoformat()
    except ValueError:
        return text


def _like(cell: Cell, new: str) -> Cell:
    """Return the new value as a number where the old one was a workbook's number."""
    is_number = isinstance(cell, (int, float)) and not isinstance(cell, bool)
    return _meaning(new) if is_number and isinstance(_meaning(new), float) else new


# ---- what does not fit ----


def _no_such_file(sheet: Sheet, name: str, own: Sequence[Override], known: Sequence[str]) -> None:
    if name == sheet.source:
        why, remedy = "the sheet of overrides does not correct itself", "Correct the cell where it stands"
    else:
        close = nearest(name, known)
        meant = f"Did you mean '{close[0]}'? " if close else ""
        why = "there is no such file or sheet"
        remedy = f"{meant}Name it as the messages do: doses.csv, cohort.xlsx > doses, counter/000563.csv"
    sheet.problems += [sheet.problem(item.index, "file", "override-target", why, remedy) for item in own]


def _no_such_row(sheet: Sheet, item: Override, n_rows: int) -> None:
    why, remedy = f"{item.file} has {n_rows} rows", "Write the row as Excel shows it; the header is row 1"
    sheet.problems.append(sheet.problem(item.index, "row", "override-target", why, remedy))


def _no_such_column(sheet: Sheet, item: Override, place: list[int] | int | None, header: Sequence[Cell]) -> None:
    names = [str(cell) for cell in header if cell != ""]
    if isinstance(place, list):
        why, remedy = f"{item.file} has the column {len(place)} times", "Write the letter that Excel shows above it"
    else:
        why = f"{item.file} has no such column at this row"
        close = nearest(item.column, names)
        remedy = (f"Did you mean '{close[0]}'? " if close else "") + "Write its header, or the letter that Excel shows"
    sheet.problems.append(sheet.problem(item.index, "column", "override-target", why, remedy))


def _twice(sheet: Sheet, item: Override) -> None:
    why, remedy = "the cell is corrected above already", "Keep one of the two rows"
    sheet.problems.append(sheet.problem(item.index, "row", "override-twice", why, remedy))


def _differs(sheet: Sheet, item: Override, cell: Cell) -> None:
    shown = f"'{cell}'" if cell != "" else "nothing"
    why = f"{item.file}, row {item.row + 1}, column '{item.column}' holds {shown}, not this"
    remedy = "Nothing is corrected blindly: check file, row and column, and write into 'old' what stands there"
    sheet.problems.append(sheet.problem(item.index, "old", "override-old", why, remedy))
