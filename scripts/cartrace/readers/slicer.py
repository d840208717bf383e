"""3D Slicer: Segment Statistics, as CSV of its export function and as table of its interface.

Known from the source of the module (Slicer ``Modules/Scripted/SegmentStatistics/SegmentStatistics.py``). The CSV quotes
its header and not its rows; neither form carries a time, and a unit only where the volume has one.
"""

from __future__ import annotations

import math
import re

from cartrace import units
from cartrace.errors import InputError
from cartrace.readers.export import Export, Header, Problems, cells, number, split_unit
from cartrace.readers.readings import RoiRow, RoiTable, Settings

_SCALAR = "ScalarVolumeSegmentStatisticsPlugin."
_AGAIN = "Export the statistics again; never edit an export"


def detects(export: Export, settings: Settings) -> bool:
    """Return whether the header begins with Segment and goes on with its statistics."""
    return not export.is_workbook and _header(export) is not None


def _header(export: Export) -> Header | None:
    header = export.header(_is_header)
    return header if header is not None and header.top == 0 else None


def _is_header(names: list[str]) -> bool:
    known = ("SegmentStatisticsPlugin.", "Number of voxels", "Volume [", "Mean", "Median")
    return bool(names) and names[0] == "Segment" and any(mark in name for name in names[1:] for mark in known)


def reads(export: Export, settings: Settings) -> RoiTable:
    """Return the segments of a table of statistics.

    Raises
    ------
    InputError
        The mean is not among the statistics, or a cell is not what it should be.
    """
    header = _header(export)
    if header is None:
        why = "this is not a table of 3D Slicer's Segment Statistics"
        raise export.refuse("not-this-format", why, "Set 'pet.format' in the config to auto")
    mean, sd = _column(header.names, "mean", "Mean"), _column(header.names, "stdev", "Standard Deviation")
    if mean is None:
        why = "the table has no column of means"
        raise export.refuse("missing-column", why, "Switch 'Scalar volume statistics' on in 3D Slicer and export again")
    volume, factor = _volume(header.names)
    problems = Problems()
    rows = []
    for row_number, row in export.below(header):
        if len(row) < len(header.names):
            problems.append(export.not_as_wide(row_number, found=len(row), header=len(header.names)))
            continue
        if len(row) > len(header.names):
            why = f"the row has {len(row)} cells, the header {len(header.names)}: a segment's name holds a comma"
            remedy = "Rename the segment in 3D Slicer, or export the table as .tsv"
            problems.append(export.problem("row-width", why, remedy, row=row_number, value=",".join(row[:2])))
            continue
        read = []
        for index in (mean, sd, volume):
            text = cells(row, index)
            value = number(text, decimal_comma=header.decimal_comma)
            if value is None:
                column = header.names[index] if index is not None else ""
                why = "a number is needed"
                problems.append(export.problem("not-a-number", why, _AGAIN, row=row_number, column=column, value=text))
            read.append(math.nan if value is None else value)
        rows.append(RoiRow(("",), row[0], 0.0, 0.0, read[0], read[1], read[2] * factor, row_number))
    if problems:
        raise InputError(problems)
    if not rows:
        raise export.refuse("no-rows", "the table has a header and no segment", _AGAIN)
    return RoiTable(tuple(rows), n_rows=len(rows), unit=_unit(header.names[mean]), finding="the export carries no time")


def _column(names: list[str], key: str, shown: str) -> int | None:
    """Return the column of a statistic of the image: by the module's key, else by the name that the interface shows."""
    found = [index for index, name in enumerate(names) if name == _SCALAR + key]
    found = found or [index for index, name in enumerate(names) if re.sub(r" ?\(\d+\)$", "", _bare(name)) == shown]
    return found[-1] if found else None


def _bare(name: str) -> str:
    return name.partition(" [")[0].strip() if "[" in name else name


def _volume(names: list[str]) -> tuple[int | None, float]:
    """Return the column of the segments' volume and the factor to mL.

    The volume of the voxels that the mean is of goes before that of the label map; in the interface's table it is the
    later one.
    """
    for unit in ("cm3", "mm3"):
        by_key = [i for i, name in enumerate(names) if name.endswith(f"Plugin.volume_{unit}")]
        own = [i for i in by_key if names[i].startswith(_SCALAR)]
        shown = [i for i, name in enumerate(names) if name.startswith(f"Volume [{unit}]")]
        found = own or by_key[:1] or shown
        if found:
            return found[-1], units.factor(unit, "volume")
    return None, 1.0


def _unit(name: str) -> str:
    """Return the unit in the header's brackets: ``Mean [{SUVbw}g/ml]``."""
    unit = split_unit(re.sub(r" ?\(\d+\)$", "", name))[1] if "[" in name else ""
    return "" if unit in ("", "1", "none") else unit
