"""Turku PET Centre: regional time-activity curves (.dft).

Known from the Turku PET Centre's description of the format and the public example ropensci/tacmagic
``inst/extdata/sample.dft``. Four title lines hold the regions' names, their hemisphere, their plane with the unit of
the values, and their volumes [mm³] with the unit of time; ``.`` is missing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from cartrace import units
from cartrace.readers import wide
from cartrace.readers.export import Export, number
from cartrace.readers.readings import RoiTable, Settings

_AGAIN = "Export again; never edit an export"


def detects(export: Export, settings: Settings) -> bool:
    """Return whether the first title line begins with DFT and the fourth with the times."""
    if export.is_workbook:
        return False
    titles = [line for _, line in _lines(export.head)][:4]
    return len(titles) == 4 and titles[0][0].upper().startswith("DFT") and titles[3][0].lower() in ("time", "times")


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield number and words of every line that is no comment."""
    for row_number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield row_number, line.split()


def reads(export: Export, settings: Settings) -> RoiTable:
    """Return the regions of a .dft file.

    Raises
    ------
    InputError
        A title line is not what it should be, or a cell is not.
    """
    if not detects(export, settings):
        why = "this is not a Turku .dft: its title lines do not begin with DFT and end with Times"
        raise export.refuse("not-this-format", why, "Set 'pet.format' in the config to auto")
    lines = list(_lines(export.text))
    regions, sides, planes, volumes = (words for _, words in lines[:4])
    names = regions[1:]
    n_times = 2 if volumes[0].lower() == "times" else 1
    seconds, stated = volumes[1].strip("()") if len(volumes) > 1 else "", volumes[2:]
    if not units.is_unit_of(seconds, "duration"):
        why = f"the unit of time in the fourth line, '{seconds[:40]}', is not read"
        raise export.refuse("unit-unknown", why, "Write (sec) or (min) behind Times")
    whole = [_region(index, names, sides, planes) for index in range(len(names))]
    volumes_ml = [_volume(export, stated, index) for index in range(len(names))]
    return wide.regions(
        export,
        [*["start", "end"][: n_times - 1], "time" if n_times == 1 else "end", *whole],
        lines[4:],
        seconds=seconds,
        unit="" if planes[0] == "." else planes[0],
        decimal_comma=True,
        n_times=n_times,
        volumes_ml=volumes_ml,
    )


def _region(index: int, names: list[str], sides: list[str], planes: list[str]) -> str:
    """Return a region's name with its hemisphere and plane, where it has them."""
    parts = [names[index], *(words[index + 1] for words in (sides, planes) if index + 1 < len(words))]
    return " ".join(part for part in parts if part != ".")


def _volume(export: Export, stated: list[str], index: int) -> float:
    text = stated[index] if index < len(stated) else "."
    value = number(text, decimal_comma=True)
    if value is None:
        why = f"the volume of region {index + 1} in the fourth line is no number ('{text[:40]}')"
        raise export.refuse("not-a-number", why, _AGAIN)
    return value / 1e3 if value > 0 else math.nan
