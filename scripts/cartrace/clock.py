"""Time: stamps with an offset, and the seconds and days between them.

A stamp (`_at`) is text, ``YYYY-MM-DDTHH:MM:SS[.ffffff]+HH:MM``, from import to report, so that no table loses the
offset that the lab's wall clock had. Only differences are numbers.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SECONDS_PER_DAY = 86_400.0
SECONDS_PER_HOUR = 3_600.0
STAMP = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?[+-]\d{2}:\d{2}"


def instants(stamps: pd.Series) -> pd.Series:
    """Return stamps as UTC instants; an empty stamp is NaT."""
    text = stamps.where(stamps != "", None)
    return pd.to_datetime(text, utc=True, format="ISO8601").dt.as_unit("us")


def elapsed_s(since: pd.Series, until: pd.Series) -> NDArray[np.float64]:
    """Return the time from `since` to `until` [s], NaN where either is empty.

    Parameters
    ----------
    since, until : Series of str, shape (n,)
        Stamps with an offset.

    Returns
    -------
    ndarray, shape (n,)
        Elapsed time [s], negative where `until` is earlier.
    """
    # Whole microseconds, so that equal instants differ by exactly 0; np.datetime64 knows no time zone.
    start, end = (instants(stamps).dt.tz_localize(None).to_numpy() for stamps in (since, until))
    delta = end - start
    return np.where(np.isnat(delta), np.nan, delta / np.timedelta64(1, "us") / 1e6).astype(np.float64)


def shift(stamps: pd.Series, seconds: NDArray[np.float64]) -> pd.Series:
    """Return the stamps moved by `seconds` [s], each in its own offset; an empty stamp stays empty."""
    moved = [
        ""
        if stamp == "" or np.isnan(by)
        else (pd.Timestamp(stamp) + pd.Timedelta(microseconds=round(by * 1e6))).isoformat()
        for stamp, by in zip(stamps, seconds, strict=True)
    ]
    return pd.Series(moved, index=stamps.index, dtype=str)
