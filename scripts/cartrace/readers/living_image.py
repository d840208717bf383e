"""Living Image: tables of ROI measurements of bioluminescence.

Known from a real layout (mmccoy-01, ``data/imaging/processed``) and from readers of such tables. Files are cp1252,
whose ``²`` is no UTF-8; a German installation writes semicolons and decimal commas. The mouse is what was typed into
``ROI Label``. Where a table has no ``Date and Time``, the number of the image holds the time of its acquisition.
"""

from __future__ import annotations

import math
import re
from datetime import datetime

from cartrace import times
from cartrace.errors import InputError, Problem
from cartrace.readers.export import Export, Problems, cells, number, split_unit
from cartrace.readers.readings import ReadoutRow, ReadoutTable, Settings

READOUT, UNIT = "bli_total_flux", "p/s"
_UNITS = ("p/s", "ph/s", "photons/s", "photons/sec")
_STAMP = re.compile(r"(?<!\d)(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?!\d)")
_GROUND = re.compile(r"(bkg|bg|background)\b.*", re.IGNORECASE)
_AGAIN = "Export the measurements again; never edit an export"


def detects(export: Export, settings: Settings) -> bool:
    """Return whether a header has the total flux and the label of ROIs."""
    return not export.is_workbook and export.header(_is_header) is not None


def _is_header(names: list[str]) -> bool:
    return "ROI Label" in names and any(name.startswith("Total Flux") for name in names)


def reads(export: Export, settings: Settings) -> ReadoutTable:
    """Return the total flux of every ROI that bears a label.

    Raises
    ------
    InputError
        The unit is another, a time cannot be told, or a cell is not what it should be.
    """
    header = export.header(_is_header)
    if header is None:
        why = "this is no table of Living Image with 'Total Flux' and 'ROI Label'"
        raise export.refuse("not-this-format", why, "Measure in photons and export the table again")
    flux = next(index for index, name in enumerate(header.names) if name.startswith("Total Flux"))
    unit = split_unit(header.names[flux])[1]
    if unit.replace(" ", "") not in _UNITS:
        why = f"the total flux is in '{unit[:40]}'"
        raise export.refuse("unit-unknown", why, "Export it in p/s")
    place = {name: index for index, name in enumerate(header.names)}
    problems = Problems()
    rows: list[ReadoutRow] = []
    n_rows, left_out = 0, 0
    orders: set[str] = set()
    for row_number, row in export.below(header):
        n_rows += 1
        if len(row) != len(header.names):
            problems.append(export.not_as_wide(row_number, found=len(row), header=len(header.names)))
            continue
        label = cells(row, place["ROI Label"]) or cells(row, place.get("Animal Number"))
        value = number(cells(row, flux), decimal_comma=header.decimal_comma)
        if value is None:
            column, shown = header.names[flux], cells(row, flux)
            problems.append(
                export.problem("not-a-number", "a number is needed", _AGAIN, row=row_number, column=column, value=shown)
            )
            continue
        if not label or _GROUND.fullmatch(label) or math.isnan(value):
            left_out += 1
            continue
        image, stated = (cells(row, place.get(name)) for name in ("Image Number", "Date and Time"))
        measured = _measured(export, row_number, image, stated, settings.date_format, orders, problems)
        if measured is not None:
            rows.append(ReadoutRow(label, measured, READOUT, value, UNIT, row_number))
    if problems:
        raise InputError(problems)
    said = sorted(orders)
    if left_out:
        said.append(f"{left_out} row{'s' if left_out > 1 else ''} left out: no label, a background, or no value")
    return ReadoutTable(tuple(rows), n_rows=n_rows, finding="; ".join(said))


def _measured(
    export: Export,
    row_number: int,
    image: str,
    stated: str,
    date_format: str,
    orders: set[str],
    problems: list[Problem],
) -> datetime | None:
    """Return when an image was taken: as the table states, in the order that the image's own number tells."""
    stamp = _stamp(image)
    if not stated:
        if stamp is None:
            why, remedy = "neither a time nor an image number that begins with one", "Export with 'Date and Time'"
            problems.append(export.problem("not-a-time", why, remedy, row=row_number, value=image))
        orders.add("times are those in the image numbers")
        return stamp
    readings = {order: _moment(stated, order) for order in ("MDY", "DMY")}
    found = {order: moment for order, moment in readings.items() if moment is not None}
    if stamp is not None:
        found = {order: moment for order, moment in found.items() if moment.date() == stamp.date()}
    elif date_format != "ISO":
        found = {order: moment for order, moment in found.items() if order == date_format}
    if len(set(found.values())) == 1:
        order, moment = next(iter(found.items()))
        if len(found) == 1:
            orders.add(f"dates are {'month/day/year' if order == 'MDY' else 'day/month/year'}")
        return moment
    why, remedy = "day and month can be read either way round", "Declare 'date_format' under 'study' in the config"
    code = "date-order"
    if not found:
        code, why = "not-a-time", "this is no time" + (f", or not of the day of image {image[:40]}" if stamp else "")
        remedy = _AGAIN
    problems.append(export.problem(code, why, remedy, row=row_number, column="Date and Time", value=stated))
    return None


def _stamp(image: str) -> datetime | None:
    match = _STAMP.search(image)
    try:
        return datetime(*(int(part) for part in match.groups())) if match else None  # type: ignore[arg-type]
    except ValueError:
        return None


def _moment(text: str, order: str) -> datetime | None:
    try:
        return times.moment(text, date_format=order).replace(tzinfo=None)
    except times.TimeProblem:
        return None
