"""PMOD: tables of VOI statistics (.voistat, versions 3 and 4) and acquisition times (.acqtimes).

Read from public files: ropensci/tacmagic ``inst/extdata/AD06_TAC.voistat`` (version 3), Kuttner/pyPET
``Example_data/VOIdata_M3.voistat`` (version 4). Which columns there are is the user's choice in PMOD; time is the
middle of the frame, and the unit of the values stands in the header's brackets.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TypeAlias

from cartrace import units
from cartrace.errors import InputError
from cartrace.readers.export import Export, Problems, cells, number, split_unit
from cartrace.readers.frames import frames_of_midpoints
from cartrace.readers.readings import RoiRow, RoiTable, Settings

_WRITTEN = re.compile(r"^#? ?DATE_TIME\[(\d{4})\.(\d{2})\.(\d{2})_(\d{2}):(\d{2}):(\d{2})\]", re.MULTILINE)
_NEEDED = ("VoiName(Region)", "Time", "Averaged")
_CLOSE_S = 0.51  # midpoints are often rounded to whole seconds


def detects(export: Export, settings: Settings) -> bool:
    """Return whether the file calls itself PMOD VOI statistics, or has their header."""
    return not export.is_workbook and (
        "PMOD_VOI_STATISTICS" in export.head[:200] or _header(export.head.split("\n")) is not None
    )


def _header(lines: list[str]) -> tuple[int, str, list[tuple[str, str]]] | None:
    """Return index, delimiter, and (name, unit) of every column of the header."""
    for index, line in enumerate(lines[:40]):
        if "VoiName(Region)" in line:
            delimiter = next((candidate for candidate in "\t;," if candidate in line), "\t")
            names = (cell.strip().strip('"').removeprefix("//") for cell in line.split(delimiter))
            return index, delimiter, [_name_and_unit(name) for name in names]
    return None


def _name_and_unit(header: str) -> tuple[str, str]:
    # Round brackets belong to a name: VoiName(Region).
    name, unit = split_unit(header) if header.rstrip().endswith("]") else (header, "")
    return name.strip(), unit


def _written(head: str) -> datetime | None:
    """Return when PMOD wrote the file, None where it does not say."""
    match = _WRITTEN.search(head)
    try:
        return datetime(*(int(part) for part in match.groups())) if match else None  # type: ignore[arg-type]
    except ValueError:
        return None


def reads(export: Export, settings: Settings) -> RoiTable:
    """Return the regions of a table of VOI statistics, one row per region and frame.

    Raises
    ------
    InputError
        A column is missing, a cell is not what it should be, or the frames cannot be told from their midpoints.
    """
    lines = export.text.split("\n")
    found = _header(lines)
    if found is None:
        remedy = "Export it from PMOD's VOI statistics again, with its header"
        raise export.refuse("not-this-format", "this is not a PMOD table of VOI statistics: it has no header", remedy)
    top, delimiter, columns = found
    place = {name: index for index, (name, _) in enumerate(columns)}
    missing = [name for name in _NEEDED if name not in place]
    if missing:
        why = f"the column{'s' if len(missing) > 1 else ''} {', '.join(missing)} of the VOI statistics cannot be found"
        raise export.refuse("missing-column", why, "Switch the statistics on in PMOD and export again")
    unit_of = dict(columns)
    values = _values(export, lines, top, delimiter, place, unit_of)
    # Mice of one export may have been scanned with different frames.
    mids: dict[tuple[str, ...], set[float]] = {}
    for labels, _, mid, *_ in values:
        mids.setdefault(labels, set()).add(mid)
    found_frames = {labels: _frames(export, sorted(own), settings) for labels, own in mids.items()}
    rows = tuple(
        RoiRow(labels, region, *found_frames[labels][0][mid], value, sd, volume, row)
        for labels, region, mid, value, sd, volume, row in values
    )
    return RoiTable(
        rows,
        n_rows=len(values),
        unit=unit_of["Averaged"],
        written_at=_written(export.head),
        finding="; ".join(dict.fromkeys(finding for _, finding in found_frames.values())),
    )


_Row: TypeAlias = tuple[tuple[str, ...], str, float, float, float, float, int]


def _values(
    export: Export, lines: list[str], top: int, delimiter: str, place: dict[str, int], unit_of: dict[str, str]
) -> list[_Row]:
    """Return labels, region, midpoint [s], value, sd, volume [mL] and row number of every row."""
    problems = Problems()
    n_columns = max(place.values()) + 1
    seconds = _factor(export, "Time", unit_of, "duration")
    millilitres = _factor(export, "Volume", unit_of, "volume") if "Volume" in place else 1.0
    numeric = {name: place.get(name) for name in ("Time", "Averaged", "Sd", "Volume")}
    region_at, id_at, name_at = place["VoiName(Region)"], place.get("PatientID"), place.get("PatientName")
    values: list[_Row] = []
    for index in range(top + 1, len(lines)):
        line = lines[index]
        if not line.strip() or line.startswith("#"):
            continue
        row = [cell.strip() for cell in line.split(delimiter)]
        # A row that ends before its value was cut short; what stands after it may be left out.
        if any(row[n_columns:]) or len(row) <= place["Averaged"]:
            problems.append(export.not_as_wide(index + 1, found=len(row), header=n_columns))
            continue
        read: dict[str, float] = {}
        for name, column in numeric.items():
            cell = cells(row, column)
            value = number(cell, decimal_comma=delimiter != ",")
            if value is None or (name == "Time" and not value >= 0):
                why, remedy = "a number is needed", "Export it from PMOD again; never edit an export"
                problems.append(export.problem("not-a-number", why, remedy, row=index + 1, column=name, value=cell))
                value = float("nan")
            read[name] = value
        labels = (cells(row, id_at), cells(row, name_at))
        values.append(
            (
                labels,
                cells(row, region_at),
                read["Time"] * seconds,
                read["Averaged"],
                read["Sd"],
                read["Volume"] * millilitres,
                index + 1,
            )
        )
    if problems:
        raise InputError(problems)
    if not values:
        raise export.refuse("no-rows", "the table has a header and no row", "Export it from PMOD again")
    return values


def _factor(export: Export, name: str, unit_of: dict[str, str], quantity: str) -> float:
    unit = unit_of[name]
    if not units.is_unit_of(unit, quantity):
        why = f"the header's unit '{unit}' of the column {name} is not read"
        raise export.refuse("unit-unknown", why, f"Export with one of {units.OFFERED[quantity]}")
    return units.factor(unit, quantity)


def _frames(export: Export, mids: list[float], settings: Settings) -> tuple[dict[float, tuple[float, float]], str]:
    """Return start and duration [s] of the frame of every midpoint, and how they were found."""
    if settings.frames is not None:
        if not fits(mids, settings.frames):
            beside = f"{len(settings.frames)} up to {settings.frames[-1][1]:g} s"
            own = f"{len(mids)} mid-frame times up to {mids[-1]:g} s"
            why = f"the acquisition times beside the export ({beside}) do not fit its {own}"
            remedy = "Put the .acqtimes of this scan beside it, or remove the one that is there"
            raise export.refuse("frames", why, remedy)
        chosen = [(start, end - start) for start, end in settings.frames]
        return dict(zip(mids, chosen, strict=True)), "frames from the acquisition times beside it"
    rebuilt = frames_of_midpoints(mids)
    if rebuilt is None:
        why = "no frames that follow each other from 0 have these mid-frame times"
        raise export.refuse("frames", why, "Put the scan's .acqtimes file of the same name beside it")
    if rebuilt == [(0.0, 0.0)]:
        return {mids[0]: rebuilt[0]}, "the export carries no time"
    end = rebuilt[-1][0] + rebuilt[-1][1]
    count = f"{len(mids)} frame{'s' if len(mids) > 1 else ''}, 0 to {end:g} s"
    return dict(zip(mids, rebuilt, strict=True)), f"frames rebuilt from mid-frame times ({count})"


def fits(mids: list[float], frames: tuple[tuple[float, float], ...]) -> bool:
    """Return whether frames have these midpoints [s], as far as rounding to whole seconds allows."""
    if len(mids) != len(frames):
        return False
    return all(abs((start + end) / 2 - mid) <= _CLOSE_S for (start, end), mid in zip(frames, mids, strict=True))


def midpoints(export: Export) -> list[float] | None:
    """Return the midpoints [s] of all mice of a table of VOI statistics, None where they cannot be read."""
    lines = export.text.split("\n")
    found = _header(lines)
    if found is None:
        return None
    top, delimiter, columns = found
    place, unit_of = {name: index for index, (name, _) in enumerate(columns)}, dict(columns)
    try:
        return sorted({value[2] for value in _values(export, lines, top, delimiter, place, unit_of)})
    except (InputError, KeyError):
        return None


def acquisition_times(export: Export) -> tuple[tuple[float, float], ...]:
    """Return start and end of every frame [s] of an .acqtimes file.

    Raises
    ------
    InputError
        A line is not a pair of rising times, or their number is not the one that the file states.
    """
    stated, frames = None, []
    for index, line in enumerate(export.text.split("\n"), start=1):
        text, _, comment = line.partition("#")
        if "Number of acquisitions" in comment and text.strip().isdecimal() and len(text.strip()) < 10:
            stated = int(text)
        elif text.strip():
            pair = [number(cell) for cell in text.split()]
            if len(pair) != 2 or pair[0] is None or pair[1] is None or not pair[0] < pair[1]:
                why, remedy = "a start and an end of a frame are needed", "Export the acquisition times again"
                raise InputError([export.problem("frames", why, remedy, row=index, value=line)])
            frames.append((pair[0], pair[1]))
    if stated is not None and stated != len(frames):
        why = f"the file states {stated} acquisitions and holds {len(frames)}"
        raise export.refuse("frames", why, "Export the acquisition times again")
    return tuple(frames)
