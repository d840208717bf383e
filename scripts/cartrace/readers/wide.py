"""Tables of frames with one column per region, whatever software wrote them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cartrace import units
from cartrace.errors import InputError, Problem
from cartrace.readers.export import Export, Problems, cells, number
from cartrace.readers.frames import frames_of_midpoints
from cartrace.readers.readings import RoiRow, RoiTable

_AGAIN = "Export again; never edit an export"


def regions(
    export: Export,
    names: Sequence[str],
    below: Iterable[tuple[int, list[str]]],
    *,
    seconds: str,
    unit: str,
    decimal_comma: bool,
    n_times: int = 2,
    volumes_ml: Sequence[float] = (),
    finding: str = "",
    corrected_to: frozenset[str] | None = None,
) -> RoiTable:
    """Return the regions of a table of frames.

    Parameters
    ----------
    export : Export
        The file.
    names : sequence of str
        Header: the columns of time, then the regions.
    below : iterable of (int, list of str)
        Number and cells of every row.
    seconds, unit : str
        Unit of the times, and of the values.
    decimal_comma : bool
        Whether numbers may have a decimal comma.
    n_times : int
        Columns of time: 2 for start and end, 1 for the middle of the frame.
    volumes_ml : sequence of float
        Volume of every region [mL]; empty where the file has none.
    finding : str
        What was found out already.
    corrected_to : frozenset of str, optional
        What the file says that the values are decay-corrected to.

    Raises
    ------
    InputError
        A region has no name or stands twice, or a cell is not what it should be.

    Notes
    -----
    A row whose frame has no duration is padding, which some software puts at time 0, and is left out.
    """
    own = list(names[n_times:])
    _refuse_names(export, own)
    factor = units.factor(seconds, "duration")
    found = _frames_read(export, names, below, n_times=n_times, to_seconds=factor, decimal_comma=decimal_comma)
    frames = [frame for frame in found if not frame.is_padding]
    if not frames:
        raise export.refuse("no-rows", "the table has a header and no frame", _AGAIN)
    volumes = list(volumes_ml) or [math.nan] * len(own)
    rows = [
        RoiRow(("",), region, *when, value, math.nan, volume, frame.row_number)
        for frame, when in zip(frames, _frames(export, [frame.when_s for frame in frames]), strict=True)
        for region, value, volume in zip(own, frame.values, volumes, strict=True)
    ]
    n_padding = len(found) - len(frames)
    padding = f"{n_padding} row{'s' if n_padding > 1 else ''} without duration left out" if n_padding else ""
    return RoiTable(
        tuple(rows),
        n_rows=len(found),
        unit=unit,
        conversions=() if factor == 1.0 else (f"time: {seconds} -> s",),
        finding="; ".join(filter(None, (finding, padding))),
        corrected_to=corrected_to,
    )


@dataclass(frozen=True)
class _Frame:
    """A row of the table: its number, its one or two times [s], and the values of its regions."""

    row_number: int
    when_s: list[float]
    values: list[float]

    @property
    def is_padding(self) -> bool:
        return len(self.when_s) == 2 and self.when_s[0] == self.when_s[1]


def _frames_read(
    export: Export,
    names: Sequence[str],
    below: Iterable[tuple[int, list[str]]],
    *,
    n_times: int,
    to_seconds: float,
    decimal_comma: bool,
) -> list[_Frame]:
    """Return every row as a frame; or refuse the table, with all that is wrong with it."""
    problems = Problems()
    found: list[_Frame] = []
    for row_number, row in below:
        if len(row) < len(names) or any(row[len(names) :]):
            problems.append(export.not_as_wide(row_number, found=len(row), header=len(names)))
            continue
        values = [_value(export, row, index, row_number, names, decimal_comma, problems) for index in range(len(names))]
        when_s = [value * to_seconds for value in values[:n_times]]
        if any(math.isnan(value) for value in when_s) or (n_times == 2 and when_s[1] < when_s[0]):
            why = "the frame has no start or end, or ends before it starts"
            problems.append(export.problem("frames", why, _AGAIN, row=row_number, value=" ".join(row[:n_times])))
        found.append(_Frame(row_number, when_s, values[n_times:]))
    if problems:
        raise InputError(problems)
    return found


def _refuse_names(export: Export, own: Sequence[str]) -> None:
    if not own or not all(own):
        why = "the table has no region" if not any(own) else "a column of values has no name"
        raise export.refuse("missing-column", why, _AGAIN)
    twice = [name for name in dict.fromkeys(own) if own.count(name) > 1]
    if twice:
        why = f"more than one column is called {' or '.join(twice)[:200]}"
        raise export.refuse("region-twice", why, "Name the regions apart and export again")


def _frames(export: Export, when: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    if len(when[0]) == 2:
        return [(start, end - start) for start, end in when]
    frames = frames_of_midpoints([mid for (mid,) in when])
    if frames is None:
        why = "no frames that follow each other from 0 have these mid-frame times"
        raise export.refuse("frames", why, "Export with the start and the end of each frame")
    return frames


def _value(
    export: Export,
    row: list[str],
    index: int,
    row_number: int,
    names: Sequence[str],
    decimal_comma: bool,
    problems: list[Problem],
) -> float:
    text = cells(row, index)
    value = number(text, decimal_comma=decimal_comma)
    if value is None:
        why = "a number is needed"
        problem = export.problem("not-a-number", why, _AGAIN, row=row_number, column=names[index], value=text)
        problems.append(problem)
        return math.nan
    return value
