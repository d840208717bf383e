"""PMOD: time-activity curves (.tac), one row per frame and one column per region.

Known from the public example ropensci/tacmagic ``inst/extdata/AD06.tac`` and from the description of the format by the
Turku PET Centre. The brackets of the first column hold the unit of time, those of the second the unit of all values.
"""

from __future__ import annotations

from cartrace import units
from cartrace.readers import wide
from cartrace.readers.export import Export, Header, split_unit
from cartrace.readers.readings import RoiTable, Settings

_FIRST = ("start", "end")


def detects(export: Export, settings: Settings) -> bool:
    """Return whether the first line begins with the start and end of frames, each with a unit."""
    return not export.is_workbook and _header(export) is not None


def _header(export: Export) -> Header | None:
    header = export.header(_is_header)
    return header if header is not None and header.top <= 5 else None


def _is_header(names: list[str]) -> bool:
    pairs = [split_unit(name) for name in names[:2]]
    return tuple(name.lower() for name, _ in pairs) == _FIRST and all(unit for _, unit in pairs) and "[" in names[0]


def reads(export: Export, settings: Settings) -> RoiTable:
    """Return the regions of a table of time-activity curves.

    Raises
    ------
    InputError
        A unit is not read, or a cell is not what it should be.
    """
    header = _header(export)
    if header is None:
        why = "this is not a PMOD .tac: its first columns are not start[..] and end[..]"
        raise export.refuse("not-this-format", why, "Set 'pet.format' in the config to auto")
    seconds, unit = split_unit(header.names[0])[1], split_unit(header.names[1])[1]
    if not units.is_unit_of(seconds, "duration"):
        why = f"the unit '{seconds}' of time in the header's first column is not read"
        raise export.refuse("unit-unknown", why, f"Export with one of {units.OFFERED['duration']}")
    return wide.regions(
        export, header.names, export.below(header), seconds=seconds, unit=unit, decimal_comma=header.decimal_comma
    )
