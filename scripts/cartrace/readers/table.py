"""Any other export: a table whose columns the study's config names (`counter.columns`, `pet.columns`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cartrace import grids, times, units
from cartrace.errors import InputError, Problem, nearest, plain
from cartrace.readers.export import Export, Problems, number, plain_number, split_unit
from cartrace.readers.frames import frames_of_midpoints
from cartrace.readers.readings import CounterRun, CountRow, RoiRow, RoiTable, Settings

COUNTER_COLUMNS = ("rack", "position", "counted_at", "count_s", "counts", "cpm", "window")
COUNTER_NEEDED = ("position", "counted_at")
PET_COLUMNS = ("animal_label", "region", "frame_start_s", "frame_duration_s", "frame_mid_s", "value", "sd", "volume_ml")
PET_NEEDED = ("region", "value")


@dataclass(frozen=True)
class Rows:
    """The rows under the header that holds all mapped columns."""

    cells: list[tuple[int, dict[str, grids.Cell]]]
    headers: dict[str, str]
    decimal_comma: bool


def detects_counter(export: Export, settings: Settings) -> bool:
    """Return whether a column map is declared and one row holds all of its names."""
    return bool(settings.columns) and _find(export, settings.columns) is not None


detects_pet = detects_counter


def reads_counter(export: Export, settings: Settings) -> CounterRun:
    """Return the tubes of a counter's export by the column map; see :func:`reads_pet`."""
    needed = COUNTER_NEEDED if settings.count_s is not None else (*COUNTER_NEEDED, "count_s")
    # CPM alone will do where the config declares what it is.
    needed = needed if "cpm" in settings.columns else (*needed, "counts")
    table = _rows(export, settings, COUNTER_COLUMNS, needed, "counter.columns")
    problems = Problems()
    conversions: list[str] = []
    seconds = _time_factor(export, table, "count_s", conversions)
    rows = []
    for row, cells in table.cells:
        counted_at = _moment(export, table, row, cells, settings, problems)
        read = {name: _value(export, table, row, name, cells, problems) for name in ("count_s", "counts", "cpm")}
        if counted_at is None:
            continue
        duration = read["count_s"] * seconds if "count_s" in table.headers else settings.count_s or 0.0
        if not duration > 0:
            why, remedy = "the counting time is not above 0", "Export the run again, or mend the column map"
            problems.append(export.problem("count-time", why, remedy, row=row, column=table.headers.get("count_s", "")))
            continue
        rack, position = (plain_number(_text(cells.get(name, ""))) for name in ("rack", "position"))
        # A table with one column of counts has one window; it is called as that column is.
        window = _text(cells.get("window", "")) or table.headers.get("counts", table.headers.get("cpm", ""))
        rows.append(
            CountRow(rack, position, window, counted_at, duration, read["counts"], read["cpm"], float("nan"), row)
        )
    if problems:
        raise InputError(problems)
    return CounterRun(tuple(rows), n_rows=len(table.cells), conversions=tuple(conversions))


def reads_pet(export: Export, settings: Settings) -> RoiTable:
    """Return the regions of a PET export by the column map.

    A name with the suffix ``_s`` or ``_ml`` is in that unit unless the header's brackets say another; the unit of the
    values is that of the header's brackets, or of a column of units in the sheet of scans.

    Raises
    ------
    InputError
        The map names a column that is not there, or a cell is not what it should be.
    """
    table = _rows(export, settings, PET_COLUMNS, PET_NEEDED, "pet.columns")
    if "frame_mid_s" in table.headers and {"frame_start_s", "frame_duration_s"} & set(table.headers):
        remedy = "Map either frame_mid_s, or frame_start_s and frame_duration_s"
        raise export.refuse("column-map", "the map has two ways to say the frames", remedy)
    problems = Problems()
    conversions: list[str] = []
    factors = {name: _time_factor(export, table, name, conversions) for name in PET_COLUMNS[2:5]}
    factors["volume_ml"] = _volume_factor(export, table, conversions)
    read = []
    for row, cells in table.cells:
        values = {
            name: _value(export, table, row, name, cells, problems) * factors.get(name, 1.0)
            for name in (*factors, "value", "sd")
        }
        read.append((row, _text(cells.get("animal_label", "")), _text(cells["region"]), values))
    if problems:
        raise InputError(problems)
    frames = _frames(export, table, [label for _, label, *_ in read], [values for *_, values in read])
    rows = tuple(
        RoiRow((label,), region, *frame, values["value"], values["sd"], values["volume_ml"], row)
        for (row, label, region, values), frame in zip(read, frames, strict=True)
    )
    if not rows:
        raise export.refuse("no-rows", "the table has a header and no row", "Export it again")
    unit = split_unit(table.headers["value"])[1]
    return RoiTable(rows, n_rows=len(rows), unit=unit, conversions=tuple(conversions))


def _frames(
    export: Export, table: Rows, labels: list[str], values: list[dict[str, float]]
) -> list[tuple[float, float]]:
    if "frame_mid_s" in table.headers:
        return _rebuilt(export, labels, [value["frame_mid_s"] for value in values])
    starts = [value["frame_start_s"] if "frame_start_s" in table.headers else 0.0 for value in values]
    durations = [value["frame_duration_s"] if "frame_duration_s" in table.headers else 0.0 for value in values]
    if any(math.isnan(start) or not duration >= 0 for start, duration in zip(starts, durations, strict=True)):
        raise export.refuse("frames", "a frame has no start or no duration", "Fill both in, or map neither")
    return list(zip(starts, durations, strict=True))


def _rebuilt(export: Export, labels: list[str], mids: list[float]) -> list[tuple[float, float]]:
    """Return start and duration [s] of every row's frame from its midpoint, mouse by mouse."""
    frames: dict[tuple[str, float], tuple[float, float]] = {}
    for label in dict.fromkeys(labels):
        own = sorted({mid for owner, mid in zip(labels, mids, strict=True) if owner == label})
        rebuilt = frames_of_midpoints(own)
        if rebuilt is None:
            why = "no frames that follow each other from 0 have these mid-frame times"
            raise export.refuse("frames", why, "Map frame_start_s and frame_duration_s instead")
        frames.update({(label, mid): frame for mid, frame in zip(own, rebuilt, strict=True)})
    return [frames[key] for key in zip(labels, mids, strict=True)]


def _rows(export: Export, settings: Settings, names: tuple[str, ...], needed: tuple[str, ...], key: str) -> Rows:
    unknown = [name for name in settings.columns if name not in names]
    missing = [name for name in needed if name not in settings.columns]
    if unknown or missing:
        said = [f"has {', '.join(unknown)}"] * bool(unknown) + [f"lacks {', '.join(missing)}"] * bool(missing)
        why = f"'{key}' of the config {' and '.join(said)}"
        raise export.refuse(
            "column-map",
            why,
            f"It maps {', '.join(names)} to the export's column headers; needed are {', '.join(needed)}",
        )
    found = _find(export, settings.columns)
    if found is None:
        raise export.refuse("column-map", *_not_found(export, settings, key))
    return found


def _grids(export: Export) -> list[tuple[list[list[grids.Cell]], bool]]:
    if export.is_workbook:
        return [(export.sheet(name), True) for name in export.sheet_names]
    delimiters = (delimiter for delimiter in grids.DELIMITERS if delimiter in export.text)
    return [(list(export.rows(delimiter)), delimiter != ",") for delimiter in delimiters]


def _find(export: Export, columns: Mapping[str, str]) -> Rows | None:
    """Return the rows below the first row that holds every mapped header.

    A map may join columns of text by `` + ``, and may state the unit of a header that has none: ``TIME [min]``.
    """
    for rows, decimal_comma in _grids(export):
        for top, row in enumerate(rows[:200]):
            forms = [plain(str(cell)) for cell in row]
            place = _places(forms, columns)
            if place is None:
                continue
            filled = [
                (number_, cells) for number_, cells in enumerate(rows[top + 1 :], top + 2) if any(map(str, cells))
            ]
            wide = [
                export.not_as_wide(number_, found=len(cells), header=len(row))
                for number_, cells in filled
                if any(map(str, cells[len(row) :]))
            ]
            if wide:
                raise InputError(wide)
            below = [
                (number_, {name: _joined(cells, indices) for name, indices in place.items()})
                for number_, cells in filled
            ]
            headers = {name: _header_of(row, indices, columns[name]) for name, indices in place.items()}
            return Rows(below, headers, decimal_comma)
    return None


def _places(forms: list[str], columns: Mapping[str, str]) -> dict[str, list[int]] | None:
    """Return the columns of every mapped name, None where one is not there."""
    place = {}
    for name, header in columns.items():
        parts = [header] if plain(header) in forms else header.split(" + ")
        wanted = [plain(part) if plain(part) in forms else plain(split_unit(part)[0]) for part in parts]
        if not set(wanted) <= set(forms):
            return None
        place[name] = [forms.index(form) for form in wanted]
    return place


def _joined(row: list[grids.Cell], indices: list[int]) -> grids.Cell:
    cells = [row[index] if index < len(row) else "" for index in indices]
    return cells[0] if len(cells) == 1 else " ".join(_text(cell) for cell in cells)


def _header_of(row: list[grids.Cell], indices: list[int], mapped: str) -> str:
    """Return the header as the export has it, or as the map has it where that states a unit the export leaves out."""
    own = " + ".join(str(row[index]) for index in indices)
    return own if split_unit(own)[1] else mapped if split_unit(mapped)[1] else own


def _not_found(export: Export, settings: Settings, key: str) -> tuple[str, str]:
    headers = [
        str(cell) for rows, _ in _grids(export) for row in rows[:40] for cell in row if isinstance(cell, str) and cell
    ]
    forms = {plain(header) for header in headers}
    absent = [header for header in settings.columns.values() if _places(list(forms), {"": header}) is None]
    close = [nearest(header, headers) for header in absent]
    hints = [
        f"for '{header}' the nearest is '{match[0]}'" for header, match in zip(absent, close, strict=True) if match
    ]
    why = f"no row holds the headers that '{key}' names" + (f"; absent: {', '.join(absent)}" if absent else "")
    return why, f"Write the headers in '{key}' as the export has them" + (f"; {'; '.join(hints)}" if hints else "")


def _time_factor(export: Export, table: Rows, name: str, conversions: list[str]) -> float:
    unit = split_unit(table.headers.get(name, ""))[1]
    return _factor(export, table, name, unit, "duration", "s", conversions)


def _volume_factor(export: Export, table: Rows, conversions: list[str]) -> float:
    unit = split_unit(table.headers.get("volume_ml", ""))[1].replace("^", "")
    return _factor(export, table, "volume_ml", unit, "volume", "mL", conversions)


def _factor(
    export: Export, table: Rows, name: str, unit: str, quantity: str, storage: str, conversions: list[str]
) -> float:
    if not unit:
        return 1.0
    if not units.is_unit_of(unit, quantity):
        why = f"'{unit}' in the header '{table.headers[name]}' is not a unit of {quantity} that is read"
        raise export.refuse("unit-unknown", why, f"Read are {units.OFFERED[quantity]}")
    factor = units.factor(unit, quantity)
    if factor != 1.0:
        conversions.append(f"{table.headers[name]}: {unit} -> {storage}")
    return factor


def _text(cell: grids.Cell) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _value(
    export: Export, table: Rows, row: int, name: str, cells: dict[str, grids.Cell], problems: list[Problem]
) -> float:
    cell = cells.get(name, "")
    if isinstance(cell, (int, float)) and not isinstance(cell, bool) and math.isfinite(cell):
        return float(cell)
    value = number(str(cell), decimal_comma=table.decimal_comma)
    if value is None:
        why, remedy = "a number is needed", "Mend the column map, or export again; never edit an export"
        problems.append(
            export.problem("not-a-number", why, remedy, row=row, column=table.headers[name], value=str(cell))
        )
        return float("nan")
    return value


def _moment(
    export: Export, table: Rows, row: int, cells: dict[str, grids.Cell], settings: Settings, problems: list[Problem]
) -> datetime | None:
    cell = cells["counted_at"]
    try:
        return times.moment(cell, date_format=settings.date_format)
    except times.TimeProblem as error:
        header = table.headers["counted_at"]
        problems.append(export.problem(error.code, error.why, error.remedy, row=row, column=header, value=str(cell)))
        return None
