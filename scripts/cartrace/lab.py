"""What the config says about a lab's instruments, and what reading their exports gave."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cartrace.errors import Problem
from cartrace.radionuclides import Nuclide
from cartrace.readers import Export
from cartrace.sheet import Clock


@dataclass(frozen=True)
class Lab:
    """What the study's config says about instruments.

    Parameters
    ----------
    counter, pet : mapping
        The config's sections.
    tracers : sequence of mapping
        The config's tracers: name, nuclide.
    nuclides : sequence of Nuclide
        Half-lives.
    clocks : mapping of str to Clock
        Every device's clock.
    date_format : str
        ISO, DMY or MDY.
    readout_time_of_day : str
        Time of day of a readout whose export has a date only, HH:MM.
    """

    counter: Mapping[str, Any]
    pet: Mapping[str, Any]
    tracers: Sequence[Mapping[str, str]]
    nuclides: Sequence[Nuclide]
    clocks: Mapping[str, Clock]
    date_format: str
    readout_time_of_day: str


@dataclass
class Findings:
    """What reading the exports gave, and what is wrong with them."""

    counts: list[tuple[Any, ...]] = field(default_factory=list)
    rois: list[tuple[Any, ...]] = field(default_factory=list)
    readouts: list[tuple[Any, ...]] = field(default_factory=list)
    imported: list[dict[str, Any]] = field(default_factory=list)
    quality: list[tuple[str, str, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def read(
        self,
        export: Export,
        reader: str,
        n_rows: int,
        n_used: int,
        conversions: Iterable[str],
        offset: float,
        finding: str,
    ) -> None:
        """Note a file that was read."""
        self.used.add(export.name)
        self.imported.append(
            {
                "file": export.name,
                "sha256": hashlib.sha256(export.content).hexdigest(),
                "reader": reader,
                "n_rows_read": n_rows,
                "n_rows_used": n_used,
                "conversions": "; ".join(conversions),
                "clock_offset_s": offset,
                "finding": finding,
            }
        )
