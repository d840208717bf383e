"""Units as labs write them, and the one storage unit of each dimension."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

# Factors to the storage unit: kBq, g, mL, s. The curie is exact: 1 Ci = 3.7e10 Bq.
_QUANTITIES: dict[str, dict[str, float]] = {
    "activity": {
        "Bq": 1e-3,
        "kBq": 1.0,
        "MBq": 1e3,
        "GBq": 1e6,
        "nCi": 0.037,
        "uCi": 37.0,
        "mCi": 37_000.0,
    },
    "mass": {"mg": 1e-3, "g": 1.0, "kg": 1e3},
    "volume": {
        "mL": 1.0,
        "ml": 1.0,
        "uL": 1e-3,
        "ul": 1e-3,
        "cc": 1.0,
        "ccm": 1.0,
        "cm3": 1.0,
        "mm3": 1e-3,
    },
    "duration": {
        "s": 1.0,
        "sec": 1.0,
        "seconds": 1.0,
        "min": 60.0,
        "minutes": 60.0,
        "h": 3_600.0,
        "hours": 3_600.0,
        "d": 86_400.0,
    },
}
QUANTITIES: Mapping[str, Mapping[str, float]] = MappingProxyType(_QUANTITIES)
STORAGE = MappingProxyType({"activity": "kBq", "mass": "g", "volume": "mL", "duration": "s"})
# What the header of an empty sheet states.
USUAL = MappingProxyType({"activity": "MBq", "mass": "g", "volume": "mL", "duration": "s"})
# What a message offers; spellings that only exports have are left out.
OFFERED = MappingProxyType(
    {
        "activity": "Bq, kBq, MBq, GBq, nCi, uCi, mCi",
        "mass": "g, mg, kg",
        "volume": "mL, uL, cc, mm3",
        "duration": "s, min, h, d",
    }
)
# An SUV is a concentration over dose per body weight: its unit is g/mL.
SUV_UNITS = ("SUV", "g/ml", "g/mL", "SUVbw", "{SUVbw}g/ml")
PERCENT_UNITS = ("%ID/ml", "%ID/mL", "%ID/cc", "%IA/ml", "%IA/mL", "%IA/cc")


def spelled(unit: str) -> str:
    """Return a unit in one spelling: compatibility characters resolved, u for either micro sign, no spaces.

    Capital letters stay as they are, because mCi and MCi, or mBq and MBq, are a factor of 10⁹ apart.
    """
    return unicodedata.normalize("NFKC", unit).replace("μ", "u").replace(" ", "")


def factor(unit: str, quantity: str) -> float:
    """Return the factor from `unit` to the storage unit of `quantity`.

    Parameters
    ----------
    unit : str
        As a lab writes it, e.g. ``µCi``.
    quantity : str
        activity [kBq], mass [g], volume [mL] or duration [s].

    Raises
    ------
    KeyError
        The unit is not one of `quantity`.
    """
    return QUANTITIES[quantity][spelled(unit)]


def is_unit_of(unit: str, quantity: str) -> bool:
    """Return whether `unit` is an accepted unit of `quantity`."""
    return spelled(unit) in QUANTITIES[quantity]


def concentration_factor(unit: str) -> float | None:
    """Return the factor from an activity per volume to kBq/mL, or None where the unit is something else.

    Parameters
    ----------
    unit : str
        E.g. ``kBq/cc``, ``Bq/ml``, ``nCi/cc``.
    """
    activity, slash, volume = spelled(unit).partition("/")
    if not slash or activity not in QUANTITIES["activity"] or volume not in QUANTITIES["volume"]:
        return None
    return QUANTITIES["activity"][activity] / QUANTITIES["volume"][volume]


def is_suv(unit: str) -> bool:
    """Return whether a unit says standardised uptake value (body weight)."""
    return spelled(unit) in SUV_UNITS


def is_percent_per_volume(unit: str) -> bool:
    """Return whether a unit says percent of the injected dose per volume."""
    return spelled(unit) in PERCENT_UNITS


_HEADER = re.compile(r"^(?P<name>[^\[\]]*?)\s*\[(?P<unit>[^\[\]]*)\]$")


def split_header(header: str) -> tuple[str, str | None]:
    """Return a header's name and the unit in its square brackets, None where it has no brackets.

    Examples
    --------
    >>> split_header("full_activity [MBq]")
    ('full_activity', 'MBq')
    """
    match = _HEADER.match(header.strip())
    return (match["name"].strip(), match["unit"].strip()) if match else (header.strip(), None)
