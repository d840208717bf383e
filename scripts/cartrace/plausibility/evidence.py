"""What the checks of plausibility look at, and what they hand back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cartrace.clock import elapsed_s
from cartrace.cohort import Cohort
from cartrace.lab import Lab
from cartrace.radionuclides import normal_name

TUBE = ["counter_file", "rack", "position"]


@dataclass(frozen=True)
class Finding:
    """One thing that is odd.

    Parameters
    ----------
    subject : str
        What it is about: a mouse and session, a tube, a scan, a file.
    why : str
        What is odd, as a sentence without its full stop.
    sheet, index, column : str, int, str
        Row and column of a sheet that it is read from; an empty sheet where it is read from none.
    remedy : str
        What to do; empty: as the registry of messages says.
    value, threshold : float
        What was measured and what it was held against, NaN where there is no number.
    """

    subject: str
    why: str
    sheet: str = ""
    index: int = -1
    column: str = ""
    remedy: str = ""
    value: float = math.nan
    threshold: float = math.nan


@dataclass(frozen=True)
class Evidence:
    """One cohort as it was imported.

    Parameters
    ----------
    cohort : Cohort
        The sheets.
    lab : Lab
        What the config says about instruments.
    counts, rois : DataFrame
        What the exports hold, as in the contracts `Counts` and `Rois`.
    digests : mapping of str to str
        SHA-256 of every export that was read, by its path.
    """

    cohort: Cohort
    lab: Lab
    counts: pd.DataFrame
    rois: pd.DataFrame
    digests: Mapping[str, str]

    @cached_property
    def decay_per_s(self) -> dict[str, float]:
        """Decay constant of every tracer [1/s]."""
        known = {nuclide.name: math.log(2.0) / nuclide.half_life_s("ENSDF") for nuclide in self.lab.nuclides}
        named = {tracer["name"]: normal_name(tracer["nuclide"]) for tracer in self.lab.tracers}
        return {tracer: known[nuclide] for tracer, nuclide in named.items() if nuclide in known}

    @cached_property
    def dose_decay_per_s(self) -> NDArray[np.float64]:
        """Decay constant of every dose's tracer [1/s], NaN where it is not known."""
        tracers = self.cohort["doses"].text("tracer")
        return np.array([self.decay_per_s.get(tracer, math.nan) for tracer in tracers], dtype=np.float64)

    @cached_property
    def dose_names(self) -> list[str]:
        """Mouse and session of every dose, as messages name them."""
        doses = self.cohort["doses"].frame
        return [f"{animal} {session}" for animal, session in zip(doses["animal_id"], doses["session"], strict=True)]

    @cached_property
    def counted(self) -> pd.DataFrame:
        """The counted tubes, one row for each tube in the window of its own tracer.

        Columns of the sheet of tubes, and ``index`` (of its row), ``counted_s`` (start of the count, since 1970) [s],
        ``count_s`` [s], ``cps`` (corrected for dead time) [1/s], ``decay_per_s`` [1/s]. A blank has a row for each
        window.
        """
        tubes = self.cohort["tubes"].frame.reset_index(drop=True)
        own = tubes.drop(columns=["cohort", "tracer", "source_file", "source_row"])
        own = own.assign(index=np.arange(len(tubes)), own_tracer=self.cohort.tube_tracers)
        found = self.counts.drop(columns=["cohort"]).merge(own, on=TUBE, how="inner")
        found = found[(found["own_tracer"] == found["tracer"]) | (found["role"] == "blank")].reset_index(drop=True)
        gross = found["counts"] / found["count_s"]
        dead_s = 1e-6 * float(self.lab.counter["dead_time_us"])
        factor = found["dead_time_factor"].fillna(1.0 / (1.0 - gross * dead_s).clip(lower=0.05))
        return found.assign(
            cps=gross * factor,
            counted_s=since_epoch(found["counted_at"]),
            decay_per_s=found["tracer"].map(self.decay_per_s).astype(float),
        )


@dataclass(frozen=True)
class Check:
    """One check: the code of its message, which says what it is, why it matters and what to do, and what finds it."""

    code: str
    finds: Callable[[Evidence], Iterable[Finding]]


def since_epoch(stamps: pd.Series) -> NDArray[np.float64]:
    """Return stamps as seconds since 1970 UTC."""
    return elapsed_s(pd.Series(["1970-01-01T00:00:00+00:00"] * len(stamps), dtype=str), stamps.reset_index(drop=True))


def spread(logs: NDArray[np.float64]) -> tuple[float, float]:
    """Return median and robust standard deviation of logarithms (1.4826 times the median absolute deviation)."""
    middle = float(np.median(logs))
    return middle, 1.4826 * float(np.median(np.abs(logs - middle)))


def hours(seconds: float) -> str:
    """Return a duration in the words of a message."""
    minutes = round(seconds / 60.0)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return f"{seconds / 86_400.0:.1f} days"
