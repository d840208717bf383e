"""What every reader of an export shares: the file, its text, its numbers, and what a reader hands back."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from cartrace.errors import InputError, Problem

MISSING = frozenset(
    ["", ".", "-", "nan", "na", "n/a", "n.a.", "null", "none", "infinity", "-infinity", "#div/0!", "#n/a"]
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_HEAD = 8_192


@dataclass(frozen=True)
class Export:
    """A file as an instrument wrote it.

    Parameters
    ----------
    name : str
        Path inside the cohort's folder, for messages.
    content : bytes
        Its bytes.
    """

    name: str
    content: bytes = field(repr=False)

    @cached_property
    def text(self) -> str:
        """The text with plain line ends: UTF-8, UTF-16 with a byte-order mark, else cp1252."""
        return _decoded(self.content)

    @cached_property
    def head(self) -> str:
        """The first few kilobytes of the text."""
        return self.text[:_HEAD] if "text" in self.__dict__ else _decoded(self.content[:_HEAD])

    @property
    def is_workbook(self) -> bool:
        """Whether the bytes begin like an .xlsx file."""
        return self.content.startswith(b"PK\x03\x04")

    def rows(self, delimiter: str) -> list[list[str]]:
        """Return the rows of delimited text, cells without the spaces around them."""
        return [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(self.text), delimiter=delimiter)]

    def problem(
        self, code: str, why: str, remedy: str, *, row: int | None = None, column: str = "", value: str | None = None
    ) -> Problem:
        """Return a problem of this file."""
        return Problem(code, why, remedy, file=self.name, row=row, column=column, value=value)

    def not_as_wide(self, row: int, *, found: int, header: int) -> Problem:
        """Return the problem of a row whose cells cannot be told: a number with a comma moves all that follows it."""
        why = f"the row has {found} cells, the header {header}"
        return self.problem("row-width", why, "Export again; never edit an export", row=row)

    def refuse(self, code: str, why: str, remedy: str) -> InputError:
        """Return the error of a file that cannot be read at all."""
        return InputError([self.problem(code, why, remedy)])


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


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
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    date_format: str = "ISO"
    frames: tuple[tuple[float, float], ...] | None = None


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
    """What a counter's export holds, in the order of its rows."""

    rows: tuple[CountRow, ...]
    n_rows: int
    conversions: tuple[str, ...] = ()


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
    """

    rows: tuple[RoiRow, ...]
    n_rows: int
    unit: str = ""
    written_at: datetime | None = None
    conversions: tuple[str, ...] = ()
    finding: str = ""


def number(text: str, *, decimal_comma: bool = False) -> float | None:
    """Return the number in a cell: NaN for a gap, None for what is neither."""
    if decimal_comma:
        text = text.replace(",", ".")
    if _NUMBER.fullmatch(text):
        return float(text)
    return math.nan if text.lower() in MISSING else None


def plain_number(text: str) -> str:
    """Return a rack or position as it is written by hand: 01 and 1.0 are 1."""
    match = re.fullmatch(r"0*(\d+)(\.0+)?", text)
    return match[1] if match else text


def frames_of_midpoints(mids: list[float]) -> list[tuple[float, float]] | None:
    """Return start and duration of frames that follow each other from 0 and have these midpoints.

    Parameters
    ----------
    mids : list of float, length n
        Middle of every frame [s], rising.

    Returns
    -------
    list of (float, float) or None
        Start and duration [s]; None where no such frames exist. A single midpoint at 0 is an export without times.

    Notes
    -----
    start₀ = 0, duration_i = 2 (mid_i − start_i), start_{i+1} = start_i + duration_i.
    """
    if mids == [0.0]:
        return [(0.0, 0.0)]
    # ASSUME: frames of an export with mid-frame times only follow each other from the start of the scan.
    frames, start = [], 0.0
    for mid in mids:
        duration = 2.0 * (mid - start)
        if not duration > 0:
            return None
        frames.append((start, duration))
        start += duration
    return frames


def cells(row: list[Any], index: int | None) -> str:
    """Return a cell of a row, empty where the row is too short or the column is not there."""
    return row[index] if index is not None and index < len(row) else ""
