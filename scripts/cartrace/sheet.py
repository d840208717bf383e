"""A sheet of a cohort in canonical names and units, with all that is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import tzinfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cartrace.clock import elapsed_s
from cartrace.errors import Problem
from cartrace.tables import Table


@dataclass(frozen=True)
class Clock:
    """What is known of one device's clock.

    Parameters
    ----------
    offset_s : float
        Device minus reference [s]; NaN where it was not checked.
    zone : tzinfo
        The zone its times are in.
    """

    offset_s: float
    zone: tzinfo


@dataclass
class Sheet:
    """A sheet in canonical names and units, and what is wrong with it.

    Parameters
    ----------
    table : type
        Its contract.
    file, name : str
        File; name of the sheet in a workbook, else empty.
    frame : DataFrame
        The contract's columns; a cell that cannot be read is empty.
    raw : dict of str to list of str
        Text of every given column, by canonical name, for messages.
    headers, letters : dict of str to str
        Header as it stands in the file, and the letter of its column in Excel, by canonical name.
    bad : dict of str to ndarray of bool
        Cells that cannot be read.
    """

    table: type[Table]
    file: str
    name: str = ""
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    raw: dict[str, list[str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    letters: dict[str, str] = field(default_factory=dict)
    bad: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    conversions: dict[str, str] = field(default_factory=dict)
    n_rows_read: int = 0

    @property
    def source(self) -> str:
        """File, and sheet of a workbook."""
        return f"{self.file} > {self.name}" if self.name else self.file

    def text(self, column: str) -> pd.Series:
        """Return a column of text or times."""
        return self.frame[column]

    def numbers(self, column: str) -> NDArray[np.float64]:
        """Return a column of numbers."""
        return self.frame[column].to_numpy(dtype=np.float64)

    def seconds(self, column: str) -> NDArray[np.float64]:
        """Return a column of times as seconds since 1970 UTC, NaN where there is none."""
        return elapsed_s(pd.Series(["1970-01-01T00:00:00+00:00"] * len(self.frame), dtype=str), self.frame[column])

    def given(self, column: str) -> NDArray[np.bool_]:
        """Return where a column holds a value, be it readable or not."""
        cells = self.frame[column]
        filled = (cells != "").to_numpy() if pd.api.types.is_string_dtype(cells) else cells.notna().to_numpy()
        return np.asarray(filled | self.unreadable(column), dtype=np.bool_)

    def unreadable(self, *columns: str) -> NDArray[np.bool_]:
        """Return the rows in which one of `columns` could not be read."""
        mask = np.zeros(len(self.frame), dtype=np.bool_)
        for column in columns:
            mask |= self.bad.get(column, mask)
        return mask

    def problem(self, index: int, column: str, code: str, why: str, remedy: str) -> Problem:
        """Return a problem of one row."""
        raw = self.raw.get(column)
        return Problem(
            code,
            why,
            remedy,
            file=self.file,
            sheet=self.name,
            row=int(self.frame["source_row"].iloc[index]),
            column=self.headers.get(column, column),
            value=raw[index] if raw and raw[index] else None,
            letter=self.letters.get(column, ""),
        )
