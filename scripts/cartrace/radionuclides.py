"""Radionuclides: half-lives of two evaluations with their uncertainty, found by any usual spelling of the name."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cartrace.clock import SECONDS_PER_HOUR
from cartrace.errors import InputError, Problem, nearest

_ELEMENT_FIRST = re.compile(r"([A-Z][a-z]?)(\d{1,3})(m?)", re.IGNORECASE)
_MASS_FIRST = re.compile(r"(\d{1,3})(m?)([A-Z][a-z]?)", re.IGNORECASE)


@dataclass(frozen=True)
class Nuclide:
    """A radionuclide: half-lives [s] by source, the standard uncertainty of ENSDF's, positrons per decay."""

    name: str
    ensdf_half_life_s: float
    ensdf_half_life_se_s: float
    icrp107_half_life_s: float
    positron_yield: float

    def half_life_s(self, source: str) -> float:
        """Return the half-life [s] by ``ENSDF`` or ``ICRP-107``."""
        return {"ENSDF": self.ensdf_half_life_s, "ICRP-107": self.icrp107_half_life_s}[source]


@dataclass(frozen=True)
class Decay:
    """How a tracer decays: its nuclide, the half-life in use [s] and its standard uncertainty [s].

    And how what an earlier injection left is washed out beside it: biological half-life [s], infinite where it is not.
    """

    nuclide: str
    half_life_s: float
    half_life_se_s: float
    biological_half_life_s: float = math.inf
    biological_half_life_se_s: float = 0.0


def normal_name(name: str) -> str:
    """Return ``F-18`` for ``F-18``, ``18F``, ``F18``, ``18-F`` or ``[18F]``, and any other text as it is."""
    text = re.sub(r"[\s\[\]()^_-]", "", name)
    if match := _ELEMENT_FIRST.fullmatch(text):
        element, mass, metastable = match.groups()
    elif match := _MASS_FIRST.fullmatch(text):
        mass, metastable, element = match.groups()
    else:
        return name
    return f"{element.capitalize()}-{int(mass)}{metastable.lower()}"


def read(path: str | Path) -> tuple[Nuclide, ...]:
    """Read the nuclides that cartrace ships, ``resources/radionuclides.csv``."""
    with open(path, encoding="utf-8", newline="") as stream:
        return tuple(
            Nuclide(row.pop("nuclide"), **{key: float(value) for key, value in row.items()})
            for row in csv.DictReader(stream)
        )


def lookup(nuclides: Sequence[Nuclide], name: str) -> Nuclide:
    """Return the nuclide of that name, however it is spelled.

    Parameters
    ----------
    nuclides : sequence of Nuclide
        What is known.
    name : str
        A name such as ``F-18``, ``18F`` or ``F18``.

    Returns
    -------
    Nuclide
        The nuclide.

    Raises
    ------
    InputError
        The name is not known; names the nearest that is.
    """
    known = {nuclide.name: nuclide for nuclide in nuclides}
    wanted = normal_name(name)
    if wanted in known:
        return known[wanted]
    close = nearest(wanted, known)
    hint = f"Did you mean '{close[0]}'? Known" if close else "Known"
    remedy = f"{hint}: {', '.join(known)}"
    raise InputError([Problem("unknown-nuclide", "the nuclide is not known", remedy, file="config", value=name)])


def of_tracers(tracers: Sequence[Mapping[str, Any]], nuclides: Sequence[Nuclide], *, source: str) -> dict[str, Decay]:
    """Return how each tracer of the config decays.

    Parameters
    ----------
    tracers : sequence of mapping
        The config's tracers, each with ``name`` and ``nuclide``, and a ``biological_half_life_h`` where there is one.
    nuclides : sequence of Nuclide
        What is known.
    source : str
        ``ENSDF`` or ``ICRP-107``.

    Returns
    -------
    dict
        Decay by the tracer's name.

    Raises
    ------
    InputError
        Nuclides that are not known, all of them.
    """
    found, problems = {}, []
    for tracer in tracers:
        try:
            nuclide = lookup(nuclides, tracer["nuclide"])
        except InputError as error:
            problems += [
                Problem(p.code, f"{p.why} (tracer {tracer['name']})", p.remedy, p.file, column="tracers", value=p.value)
                for p in error.problems
            ]
        else:
            # ASSUME: The half-life's uncertainty is ENSDF's also beside the value of ICRP-107, which states none.
            found[tracer["name"]] = Decay(
                nuclide.name,
                nuclide.half_life_s(source),
                nuclide.ensdf_half_life_se_s,
                (tracer.get("biological_half_life_h") or math.inf) * SECONDS_PER_HOUR,
                (tracer.get("biological_half_life_se_h") or 0.0) * SECONDS_PER_HOUR,
            )
    if problems:
        raise InputError(problems)
    return found
