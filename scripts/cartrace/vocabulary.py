"""Names of regions and tissues: the shipped vocabulary, extended by the study's config."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cartrace.errors import InputError, Problem, nearest, plain

COLUMNS = ("name", "synonyms", "min_mass_g", "max_mass_g", "density_g_per_ml")


@dataclass(frozen=True)
class Region:
    """A region or tissue.

    Parameters
    ----------
    name : str
        Canonical name.
    synonyms : tuple of str
        Other names of it.
    min_mass_g, max_mass_g : float
        Plausible mass of a sample of an adult mouse [g]; NaN where none is stated.
    density_g_per_ml : float
        Density [g/mL]; NaN where none is stated.
    is_declared : bool
        The study's config names it.
    """

    name: str
    synonyms: tuple[str, ...] = ()
    min_mass_g: float = math.nan
    max_mass_g: float = math.nan
    density_g_per_ml: float = math.nan
    is_declared: bool = False


@dataclass(frozen=True)
class Vocabulary:
    """Regions by canonical name, and the way from any known name to it."""

    regions: Mapping[str, Region]
    known: Mapping[str, str] = field(repr=False)

    def canonical(self, name: str) -> str | None:
        """Return the canonical name behind `name` (case and separators do not matter), or None."""
        return self.known.get(plain(name))

    def nearest(self, name: str, *, most: int = 2) -> list[str]:
        """Return the canonical names most alike to `name`, best first."""
        close = (self.known[plain(match)] for match in nearest(name, self.known, most=2 * most))
        return list(dict.fromkeys(close))[:most]


def read(path: str | Path, regions: Iterable[Mapping[str, Any]] = ()) -> Vocabulary:
    """Read the shipped vocabulary and lay the config's regions over it.

    Parameters
    ----------
    path : str or Path
        CSV with the columns name, synonyms (separated by ``|``), min_mass_g, max_mass_g, density_g_per_ml.
    regions : iterable of mapping
        The config's ``regions``: name, synonyms, density_g_per_ml.

    Returns
    -------
    Vocabulary
        A region of the config takes its names from the shipped one of the same name, its density and its synonyms
        come first; a name that the config gives to a region is taken from any other.

    Raises
    ------
    InputError
        Two regions of one source claim the same name.
    """
    with open(path, encoding="utf-8", newline="") as stream:
        shipped = [_shipped(row) for row in csv.DictReader(stream)]
    declared = [_declared(item) for item in regions]
    return combine(shipped, declared)


def combine(shipped: Iterable[Region], declared: Iterable[Region]) -> Vocabulary:
    """Return the vocabulary of the shipped regions with the declared ones laid over them; see :func:`read`."""
    shipped, declared = list(shipped), list(declared)
    problems: list[Problem] = []
    own = _names(declared, problems, file="the config", column="regions")
    known = _names(shipped, problems, file="tissues.csv", column="synonyms")
    if problems:
        raise InputError(problems)
    merged = {region.name: region for region in shipped}
    for region in declared:
        below = merged.pop(known.get(plain(region.name), ""), None)
        merged[region.name] = region if below is None else _over(region, below)
        if below is not None:
            known = {name: region.name if target == below.name else target for name, target in known.items()}
    return Vocabulary(regions=merged, known={**known, **own})


def _shipped(row: Mapping[str, str]) -> Region:
    low, high, density = (float(row[name]) if row[name] else math.nan for name in COLUMNS[2:])
    return Region(row["name"], tuple(filter(None, row["synonyms"].split("|"))), low, high, density)


def _declared(item: Mapping[str, Any]) -> Region:
    density = item.get("density_g_per_ml")
    density = math.nan if density is None else float(density)
    return Region(item["name"], tuple(item.get("synonyms") or ()), density_g_per_ml=density, is_declared=True)


def _over(region: Region, below: Region) -> Region:
    density = below.density_g_per_ml if math.isnan(region.density_g_per_ml) else region.density_g_per_ml
    return replace(region, min_mass_g=below.min_mass_g, max_mass_g=below.max_mass_g, density_g_per_ml=density)


def _names(regions: Iterable[Region], problems: list[Problem], *, file: str, column: str) -> dict[str, str]:
    known: dict[str, str] = {}
    for region in regions:
        for name in (region.name, *region.synonyms):
            taken = known.setdefault(plain(name), region.name)
            if taken != region.name:
                why = f"the name stands for '{taken}' and for '{region.name}'"
                problems.append(
                    Problem("name-taken", why, "Give it to one of them", file=file, column=column, value=name)
                )
    return known
