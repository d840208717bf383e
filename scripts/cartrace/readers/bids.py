"""BIDS-style time-activity curves: ``*_tacs.tsv`` with frame_start, frame_end and regions, and a JSON file beside it.

As written by petprep_extract_tacs and PETPrep. The JSON holds units, and the instant of the decay correction by the
terms of BIDS-PET.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from cartrace import units
from cartrace.readers import wide
from cartrace.readers.export import Export, Header
from cartrace.readers.readings import RoiTable, Settings

_TIMES = ["frame_start", "frame_end"]
_SAME_S = 1.0


def detects(export: Export, settings: Settings) -> bool:
    """Return whether the header begins with frame_start and frame_end."""
    return not export.is_workbook and _header(export) is not None


def _header(export: Export) -> Header | None:
    header = export.header(lambda names: [name.lower() for name in names[:2]] == _TIMES)
    return header if header is not None and header.top == 0 else None


def reads(export: Export, settings: Settings) -> RoiTable:
    """Return the regions of a table of time-activity curves.

    Raises
    ------
    InputError
        The JSON cannot be read or names two units, or a cell is not what it should be.
    """
    header = _header(export)
    if header is None:
        why = "this is no table with the columns frame_start and frame_end"
        raise export.refuse("not-this-format", why, "Set 'pet.format' in the config to auto")
    stated = _json(settings.sidecar) if settings.sidecar is not None else {}
    seconds = _unit(export, stated, _TIMES) or "s"
    if not units.is_unit_of(seconds, "duration"):
        why = f"the unit '{seconds[:40]}' of the times in the JSON is not read"
        raise export.refuse("unit-unknown", why, f"Write one of {units.OFFERED['duration']}")
    unit = _unit(export, stated, header.names[2:])
    corrected_to = _corrected_to(settings.sidecar, stated) if settings.sidecar is not None else None
    return wide.regions(
        export,
        header.names,
        export.below(header),
        seconds=seconds,
        unit=unit or _text(stated.get("Units")),
        decimal_comma=header.decimal_comma,
        finding="" if settings.sidecar is not None else "no JSON beside it; times are taken for seconds",
        corrected_to=corrected_to,
    )


def _json(sidecar: Export) -> Mapping[str, Any]:
    try:
        stated = json.loads(sidecar.text)
    except (ValueError, RecursionError) as error:
        why = f"the JSON cannot be read ({str(error)[:80]})"
        raise sidecar.refuse("not-a-json", why, "Write it again") from None
    if not isinstance(stated, dict):
        raise sidecar.refuse("not-a-json", "the JSON holds no names with values", "Write it again")
    return stated


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _unit(export: Export, stated: Mapping[str, Any], columns: list[str]) -> str:
    """Return the one unit that the JSON gives for some columns."""
    described = [stated[name] for name in columns if isinstance(stated.get(name), dict)]
    named = list(dict.fromkeys(filter(None, (_text(entry.get("Units")) for entry in described))))
    if len(named) > 1:
        why = f"the JSON names several units for the columns: {', '.join(named)[:80]}"
        raise export.refuse("unit-contradicts", why, "Write all regions in one unit")
    return named[0] if named else ""


def _corrected_to(sidecar: Export, stated: Mapping[str, Any]) -> frozenset[str] | None:
    """Return what the JSON says that values are decay-corrected to, None where it does not say.

    Times of BIDS-PET are in seconds after TimeZero.
    """
    is_corrected = stated.get("ImageDecayCorrected")
    if not isinstance(is_corrected, bool):
        return None
    if not is_corrected:
        return frozenset(["none"])
    instant = _seconds(stated.get("ImageDecayCorrectionTime"))
    if math.isnan(instant):
        return None
    scan, injection = (_seconds(stated.get(name)) for name in ("ScanStart", "InjectionStart"))
    found = [name for name, at in (("scan_start", scan), ("injection", injection)) if abs(at - instant) <= _SAME_S]
    if not found and not (math.isnan(scan) and math.isnan(injection)):
        why = f"the values are decay-corrected to {instant:g} s after TimeZero, neither ScanStart nor InjectionStart"
        remedy = "Correct them to one of these and write table and JSON again"
        raise sidecar.refuse("decay-reference", why, remedy)
    return frozenset(found) or None


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan
