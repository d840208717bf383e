"""All sheets of a cohort together, and the ways from a key in one of them to a row in another."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cartrace.errors import nearest
from cartrace.sheet import Sheet
from cartrace.vocabulary import Vocabulary

_MOST_HINTS = 50  # a search for the nearest name is slow, and nobody reads more of them


@dataclass(frozen=True)
class Cohort:
    """All sheets of a cohort, and what the study's config declares.

    Parameters
    ----------
    sheets : mapping of str to Sheet
        Every sheet by its name; one that the cohort lacks is empty.
    groups, tracers : collection of str
        Names of the config.
    vocabulary : Vocabulary
        Regions and tissues.
    residual_missing : str
        What an empty residual is: error or zero.
    """

    sheets: Mapping[str, Sheet]
    groups: Collection[str]
    tracers: Collection[str]
    vocabulary: Vocabulary
    residual_missing: str
    hints: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)
    cells: dict[tuple[str, str], list[Any]] = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> Sheet:
        return self.sheets[name]

    def column(self, sheet: str, name: str) -> list[Any]:
        """Return the cells of a column as a list, which is much faster than a frame where rows are taken one by one."""
        if (sheet, name) not in self.cells:
            self.cells[sheet, name] = self[sheet].frame[name].tolist()
        return self.cells[sheet, name]

    def is_whole(self, sheet: str, *columns: str) -> bool:
        """Return whether every key of a sheet was read, so that a name which is not there is really unknown."""
        own = self[sheet]
        unread = not len(own.frame) and bool(own.problems)
        return not unread and not own.unreadable(*columns).any()

    @cached_property
    def animal_rows(self) -> dict[str, int]:
        """Index of every mouse in the sheet of animals."""
        return _first_rows(self.column("animals", "animal_id"))

    @cached_property
    def dose_rows(self) -> dict[tuple[str, str], int]:
        """Index of every (mouse, session) in the sheet of doses."""
        keys = zip(self.column("doses", "animal_id"), self.column("doses", "session"), strict=True)
        return _first_rows([key if all(key) else None for key in keys])

    @cached_property
    def sessions(self) -> dict[str, list[str]]:
        """Sessions of every mouse with a dose."""
        sessions: dict[str, list[str]] = {}
        for animal, session in self.dose_rows:
            sessions.setdefault(animal, []).append(session)
        return sessions

    @cached_property
    def scan_injected_s(self) -> NDArray[np.float64]:
        """When the tracer of every scan was injected [s since 1970]."""
        return self.dose_times("scans", "injected_at")

    @cached_property
    def scan_started_s(self) -> NDArray[np.float64]:
        """When every scan started [s since 1970]."""
        return self["scans"].seconds("started_at")

    @cached_property
    def tube_tracers(self) -> list[str]:
        """Tracer of every tube: a standard's own, else its dose's, else empty."""
        names = ("role", "animal_id", "session", "tracer")
        of_dose = self.column("doses", "tracer")
        tracers = []
        for role, animal, session, tracer in zip(*(self.column("tubes", name) for name in names), strict=True):
            dose = self.dose_rows.get((animal, session), -1) if role in ("tissue", "tail") else -1
            tracers.append(of_dose[dose] if dose >= 0 else tracer)
        return tracers

    @cached_property
    def tube_injected_s(self) -> NDArray[np.float64]:
        """When the tracer of every tube's dose was injected [s since 1970]."""
        return self.dose_times("tubes", "injected_at")

    @cached_property
    def tube_collected_s(self) -> NDArray[np.float64]:
        """When every tube's sample was taken [s since 1970]."""
        return self["tubes"].seconds("collected_at")

    @cached_property
    def volumes(self) -> dict[tuple[str, str], tuple[float, int]]:
        """Volume [mL] and row's index by scan and canonical region, from the sheet of volumes."""
        frame = self["volumes"].frame
        names = (self.vocabulary.canonical(name) or name for name in frame["region"])
        rows = zip(frame["scan_id"], names, frame["volume_ml"], strict=True)
        return {(scan, region): (volume, index) for index, (scan, region, volume) in enumerate(rows)}

    @cached_property
    def scan_rows(self) -> dict[str, int]:
        """Index of every scan in the sheet of scans."""
        return _first_rows(self.column("scans", "scan_id"))

    def dose_times(self, sheet: str, column: str) -> NDArray[np.float64]:
        """Return a time of each row's dose [s since 1970], NaN where the row has none."""
        values = self["doses"].seconds(column)
        frame = self[sheet].frame
        rows = [self.dose_rows.get(key, -1) for key in zip(frame["animal_id"], frame["session"], strict=True)]
        return np.array([values[row] if row >= 0 else np.nan for row in rows], dtype=np.float64)

    def animal_times(self, sheet: str, column: str) -> NDArray[np.float64]:
        """Return a time of each row's mouse [s since 1970], NaN where the row has none."""
        values = self["animals"].seconds(column)
        rows = [self.animal_rows.get(name, -1) for name in self[sheet].frame["animal_id"]]
        return np.array([values[row] if row >= 0 else np.nan for row in rows], dtype=np.float64)

    def hint(self, kind: str, value: str, known: Collection[str]) -> str:
        """Return what to do about a name that is not known: the nearest one, or the list."""
        key = (kind, value)
        if key not in self.hints:
            if len(self.hints) >= _MOST_HINTS:
                return f"Correct it, or add it to {kind}"
            close = nearest(value, known)
            if close:
                self.hints[key] = f"Did you mean '{close[0]}'? Else add it to {kind}"
            elif 0 < len(known) <= 12:
                self.hints[key] = f"Known are {', '.join(known)}; correct it, or add it to {kind}"
            else:
                self.hints[key] = f"Correct it, or add it to {kind}"
        return self.hints[key]


_Key = TypeVar("_Key", bound=Hashable)


def _first_rows(keys: Iterable[_Key | None]) -> dict[_Key, int]:
    """Return the first row of every key; an empty one is none."""
    rows: dict[_Key, int] = {}
    for index, key in enumerate(keys):
        if key:
            rows.setdefault(key, index)
    return rows
