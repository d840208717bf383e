"""Caliper measurements: a long table, or a wide one with L and W under every day.

The wide form is known from public tables (kroemerlab/TumGrowth ``data/``): two header rows, decimal commas, line ends
of old Macs, L and W that change places, a column V that holds L·W. So the larger of the two is the length, and the
volume is made here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from cartrace import times
from cartrace.errors import InputError, Problem, plain
from cartrace.readers.export import DELIMITERS, Export, Header, Problems, cells, number, split_unit
from cartrace.readers.readings import ReadoutRow, ReadoutTable, Settings

READOUT, UNIT = "tumour_volume", "mm3"
_IDS = ("mouse id", "animal id", "mouse", "animal", "id")
_TIMES = ("measured at", "datetime", "date time", "date")
_WEIGHTS = ("body weight", "bodyweight", "weight")
_TO_MM = {"mm": 1.0, "cm": 10.0}
_NOT_AN_ID = ("use", "grp", "group", "treatment", "arm", "")
_SUMMARIES = ("mean", "sem", "sd", "se", "median", "average", "n")
_AGAIN = "Correct it in the lab's own record and export again"
_DAY = re.compile(r"(?:day|d)?\s*(\d{1,4})", re.IGNORECASE)


def detects(export: Export, settings: Settings) -> bool:
    """Return whether a table has lengths and widths of mice, below each other or by day."""
    return not export.is_workbook and (_long(export) is not None or _wide(export) is not None)


def reads(export: Export, settings: Settings) -> ReadoutTable:
    """Return the volume of every tumour, and the body weight where a long table has it.

    Raises
    ------
    InputError
        A column or its unit is missing, or a cell is not what it should be.

    Notes
    -----
    ``½ · length · width²`` with the length the larger of the two.
    """
    long = _long(export)
    if long is not None:
        return _reads_long(export, long, settings)
    wide = _wide(export)
    if wide is None:
        why = "this is no table of caliper measurements"
        raise export.refuse("not-this-format", why, "Give it columns for mouse, date, length [mm] and width [mm]")
    return _reads_wide(export, wide)


def _volume_mm3(one_mm: float, other_mm: float) -> float:
    # ASSUME: A tumour is an ellipsoid whose depth is its width: its volume is half the length times the width squared.
    return 0.5 * max(one_mm, other_mm) * min(one_mm, other_mm) ** 2


# ---- long: one row a mouse and day ----


def _name_and_unit(header: str) -> tuple[str, str]:
    name, unit = split_unit(header)
    match = re.fullmatch(r"(.+)_(mm|cm|g)", name)
    return (plain(match[1]), match[2]) if match and not unit else (plain(name), unit)


def _is_long(names: list[str]) -> bool:
    known = {_name_and_unit(name)[0] for name in names}
    return bool(known & set(_IDS)) and {"length", "width"} <= known


def _long(export: Export) -> Header | None:
    return export.header(_is_long)


def _reads_long(export: Export, header: Header, settings: Settings) -> ReadoutTable:
    split = [_name_and_unit(name) for name in header.names]
    names = [name for name, _ in split]
    place = {name: names.index(name) for name in names}
    mouse = next(place[name] for name in _IDS if name in place)
    when = next((place[name] for name in _TIMES if name in place), None)
    if when is None:
        raise export.refuse("missing-column", "the table has no column of dates", "Add the date of each measurement")
    for name in ("length", "width"):
        unit = split[place[name]][1]
        if unit not in _TO_MM:
            why = f"the column of the {name} has the unit '{unit}'" if unit else f"the {name} has no unit"
            raise export.refuse("unit-missing", why, f"Write it into the header, e.g. {name} [mm]")
    weight = next((place[name] for name in _WEIGHTS if name in place and split[place[name]][1] == "g"), None)
    page = _Page(export, header.decimal_comma)
    n_rows = 0
    for row_number, row in export.below(header):
        n_rows += 1
        if any(row[len(names) :]):
            page.problems.append(export.not_as_wide(row_number, found=len(row), header=len(names)))
            continue
        measured = _measured(page, cells(row, when), row_number, header.names[when], settings.date_format)
        sizes = [
            page.value(cells(row, place[name]), row_number, header.names[place[name]]) * _TO_MM[split[place[name]][1]]
            for name in ("length", "width")
        ]
        grams = page.value(cells(row, weight), row_number, "body weight")
        if measured is not None:
            page.add(cells(row, mouse), measured, sizes, row_number)
            if not math.isnan(grams):
                page.rows.append(ReadoutRow(cells(row, mouse), measured, "body_weight", grams, "g", row_number))
    return page.table(n_rows)


def _measured(page: _Page, text: str, row_number: int, column: str, date_format: str) -> datetime | date | None:
    try:
        if ":" in text:
            return times.moment(text, date_format=date_format)
        return date.fromisoformat(times.day(text, date_format=date_format))
    except times.TimeProblem as error:
        page.wrong(error.code, error.why, error.remedy, row_number, column, text)
        return None


# ---- wide: one row a mouse, L and W under every day ----


@dataclass(frozen=True)
class _Wide:
    """Where a wide table has what: the line of L and W, the columns of each day, of the mouse's name and of Use."""

    delimiter: str
    top: int
    days: list[tuple[float, int, int]]
    names: list[int]
    use: int | None


def _wide(export: Export) -> _Wide | None:
    lines = export.head.split("\n")[:20]
    for index in range(1, len(lines)):
        for delimiter in DELIMITERS:
            upper, lower = ([cell.strip() for cell in lines[at].split(delimiter)] for at in (index - 1, index))
            found = _days(upper, lower)
            if found:
                first = min(min(places) for _, *places in found)
                both = [(plain(cells(upper, at)), plain(cells(lower, at))) for at in range(first)]
                names = [at for at, (_, below) in enumerate(both) if below not in _NOT_AN_ID]
                names = names or [at for at, (above, _) in enumerate(both) if above not in _NOT_AN_ID]
                use = next((at for at, pair in enumerate(both) if "use" in pair), None)
                return _Wide(delimiter, index, found, names, use) if names else None
    return None


def _days(upper: Sequence[str], lower: Sequence[str]) -> list[tuple[float, int, int]]:
    """Return day, column of L and column of W of every day; a day may stand above its first column only."""
    columns: dict[float, dict[str, int]] = {}
    day = math.nan
    for index, letter in enumerate(lower):
        match = _DAY.fullmatch(cells(list(upper), index))
        if cells(list(upper), index):
            day = float(match[1]) if match else math.nan
        if letter.upper() in ("L", "W") and not math.isnan(day):
            columns.setdefault(day, {}).setdefault(letter.upper(), index)
    if not columns or any(set(own) != {"L", "W"} for own in columns.values()):
        return []
    return [(day, own["L"], own["W"]) for day, own in columns.items()]


def _reads_wide(export: Export, wide: _Wide) -> ReadoutTable:
    # ASSUME: A caliper table without units is in mm.
    page = _Page(export, wide.delimiter != ",")
    filled = [(at + 1, row) for at, row in enumerate(export.rows(wide.delimiter)) if at > wide.top and any(row)]
    is_marked = wide.use is not None and any(cells(row, wide.use) for _, row in filled)
    left_out = 0
    for row_number, row in filled:
        label = " ".join(filter(None, (cells(row, at) for at in wide.names)))
        if not label or plain(label).split(" ")[0] in _SUMMARIES or (is_marked and not cells(row, wide.use)):
            left_out += 1
            continue
        for day, length, width in wide.days:
            column = f"day {day:g}"
            sizes = [page.value(cells(row, at), row_number, column) for at in (length, width)]
            page.add(label, day, sizes, row_number)
    why = "not marked in 'Use', or summaries"
    said = f"{left_out} row{'s' if left_out > 1 else ''} left out: {why}" if left_out else ""
    return page.table(len(filled), said)


@dataclass
class _Page:
    """What is read of a table, and what is wrong with it."""

    export: Export
    decimal_comma: bool
    rows: list[ReadoutRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=Problems)

    def value(self, text: str, row: int, column: str) -> float:
        """Return a number that is not below 0."""
        value = number(text, decimal_comma=self.decimal_comma)
        if value is None or value < 0:
            why = "a number is needed" if value is None else "a length or a weight cannot be below 0"
            self.wrong("not-a-number" if value is None else "out-of-range", why, _AGAIN, row, column, text)
            return math.nan
        return value

    def add(self, label: str, measured: datetime | date | float, sizes_mm: Sequence[float], row: int) -> None:
        """Add a volume; a day without either size was not measured."""
        missing = sum(math.isnan(size) for size in sizes_mm)
        if missing == 0:
            self.rows.append(ReadoutRow(label, measured, READOUT, _volume_mm3(*sizes_mm), UNIT, row))
        elif missing == 1 and not self.problems:
            column = f"day {measured:g}" if isinstance(measured, float) else "length and width"
            self.wrong("pair-incomplete", "only one of length and width is there", _AGAIN, row, column, None)

    def wrong(self, code: str, why: str, remedy: str, row: int, column: str, value: str | None) -> None:
        """Add a problem of a cell."""
        self.problems.append(self.export.problem(code, why, remedy, row=row, column=column, value=value))

    def table(self, n_rows: int, said: str = "") -> ReadoutTable:
        """Return what was read.

        Raises
        ------
        InputError
            Anything is wrong with it.
        """
        if self.problems:
            raise InputError(self.problems)
        made = "volume = 1/2 length width^2, the length being the larger; a volume in the export is not used"
        return ReadoutTable(tuple(self.rows), n_rows=n_rows, finding="; ".join(filter(None, (made, said))))
