"""What a reader is told and what it hands back: counts, regions, readouts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from cartrace.readers.export import Export


@dataclass(frozen=True)
class Settings:
    """What a study's config says about how exports are to be read.

    Parameters
    ----------
    columns : mapping of str to str
        Column map of the generic reader.
    date_format : str
        ISO, DMY or MDY.
    frames : tuple of (float, float), optional
        Start and end of every frame [s], from a file of acquisition times beside the export.
    sidecar : Export, optional
        The JSON file of the same name beside the export.
    count_s : float, optional
        Counting time of every tube [s], as the config declares it for exports that carry none.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    date_format: str = "ISO"
    frames: tuple[tuple[float, float], ...] | None = None
    sidecar: Export | None = None
    count_s: float | None = None


class CountRow(NamedTuple):
    """A counted tube in one window."""

    rack: str
    position: str
    window: str
    counted_at: datetime
    count_s: float
    counts: float
    cpm: float
    dead_time_factor: float
    row: int


class RoiRow(NamedTuple):
    """A region in one frame; `labels` are the names of the animal, the one that counts most first."""

    labels: tuple[str, ...]
    region: str
    frame_start_s: float
    frame_duration_s: float
    value: float
    sd: float
    volume_ml: float
    row: int


@dataclass(frozen=True)
class CounterRun:
    """What a counter's export holds, in the order of its rows.

    Parameters
    ----------
    rows : tuple of CountRow
        One for each tube and window.
    n_rows : int
        Rows in the file.
    conversions : tuple of str
        Units that the reader converted.
    time_is : str
        start or end of the count, where the export's header says it; else empty.
    finding : str
        What was found out about the file.
    """

    rows: tuple[CountRow, ...]
    n_rows: int
    conversions: tuple[str, ...] = ()
    time_is: str = ""
    finding: str = ""


class Scale(NamedTuple):
    """Unit of values; dose [kBq] and body weight [g] that the software made %ID or SUV with, where the file says."""

    unit: str
    dose_kbq: float = math.nan
    weight_g: float = math.nan


@dataclass(frozen=True)
class RoiTable:
    """What a ROI export holds.

    Parameters
    ----------
    rows : tuple of RoiRow
        Values in `unit`.
    n_rows : int
        Rows in the file.
    unit : str
        Unit of the values, empty where the export does not say.
    written_at : datetime, optional
        When the software wrote the export, by its own clock.
    conversions : tuple of str
        Units that the reader converted.
    finding : str
        What was found out about the file.
    corrected_to : frozenset of str, optional
        What the export itself says that its values are decay-corrected to: scan_start, injection, frame_start, none;
        several where they fall together; None where it does not say.
    scales : mapping of labels to Scale
        Unit of the values by labels, where an export says it for each of them; `unit` is that of all others.
    label_is : str
        What the labels name.
    """

    rows: tuple[RoiRow, ...]
    n_rows: int
    unit: str = ""
    written_at: datetime | None = None
    conversions: tuple[str, ...] = ()
    finding: str = ""
    corrected_to: frozenset[str] | None = None
    scales: Mapping[tuple[str, ...], Scale] = field(default_factory=dict)
    label_is: str = "animal"

    def scale(self, labels: tuple[str, ...]) -> Scale:
        """Return the unit of the values of these labels."""
        return self.scales.get(labels, Scale(self.unit))


class ReadoutRow(NamedTuple):
    """A value of a mouse; when it was measured is a time, a date, or a day on the mouse's cell clock."""

    label: str
    measured: datetime | date | float
    readout: str
    value: float
    unit: str
    row: int


@dataclass(frozen=True)
class ReadoutTable:
    """What an export of readouts holds: its values, the rows in the file, and what was found out about it."""

    rows: tuple[ReadoutRow, ...]
    n_rows: int
    finding: str = ""
