"""What a mouse's points say without any model: peak, area by trapezia, terminal half-life."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cartrace import tables
from cartrace.expansion_points import Scatter, mice_of, points_of
from cartrace.growth import LOG_2
from cartrace.growth_curves import Array

LEAST_POINTS = 2
LEAST_TERMINAL = 3
# Of adjusted r squared: a fit of more points that is worse by less is preferred.
_TIE = 1e-4


@dataclass(frozen=True)
class Terminal:
    """The last decline: its rate [1/day], the points behind it, adjusted r squared; NaN where there is none."""

    rate: float
    n_points: int
    r_squared_adjusted: float


def areas(day: Array, response: Array, *, rule: str = "log") -> Array:
    """Return the area of each interval between points.

    Parameters
    ----------
    day, response : Array, shape (n,)
        Points in rising order of time [day].
    rule : str
        ``linear``, or ``log``: linear while the response rises, logarithmic while it falls to a positive value.

    Returns
    -------
    Array, shape (n - 1,)

    Notes
    -----
    ``(t2 - t1) (y1 + y2) / 2``, or ``(t2 - t1) (y1 - y2) / ln(y1 / y2)`` for an exponential between both. Gabrielsson
    J, Weiner D. Methods Mol Biol 2012;929:377-389. doi:10.1007/978-1-62703-050-2_16
    """
    step, before, after = np.diff(day), response[:-1], response[1:]
    linear = step * (before + after) / 2.0
    falls = (after < before) & (after > 0.0) & (rule == "log")
    ratio = np.log(np.where(falls, before, 2.0) / np.where(falls, after, 1.0))
    return np.asarray(np.where(falls, step * (before - after) / ratio, linear))


def terminal(day: Array, response: Array) -> Terminal:
    """Return the decline of the last points.

    Parameters
    ----------
    day, response : Array, shape (n,)
        Positive points in rising order of time.

    Returns
    -------
    Terminal
        The line of log response on time over three points or more, all after the peak, with the largest adjusted r
        squared; of nearly equal ones that of more points. None where the response does not fall.
    """
    first = int(np.argmax(response)) + 1
    best, largest = Terminal(np.nan, 0, np.nan), -np.inf
    for n in range(LEAST_TERMINAL, len(day) - first + 1):
        x, y = day[-n:] - day[-n:].mean(), np.log(response[-n:]) - np.log(response[-n:]).mean()
        slope = float(x @ y / (x @ x))
        squares = float(y @ y)
        r_squared = slope * float(x @ y) / squares if squares > 0.0 else 0.0
        adjusted = 1.0 - (1.0 - r_squared) * (n - 1) / (n - 2)
        if slope < 0.0 and adjusted > largest - _TIE:
            best, largest = Terminal(-slope, n, adjusted), max(adjusted, largest)
    return best


def noncompartmental(cells: pd.DataFrame, *, window_days: Sequence[float]) -> pd.DataFrame:
    """Describe every mouse without a model of growth.

    Parameters
    ----------
    cells : DataFrame
        Rows of :class:`cartrace.tables.Cells` of all cohorts.
    window_days : sequence of float
        Days that are described [day].

    Returns
    -------
    DataFrame
        Rows of :class:`cartrace.tables.Noncompartmental`.
    """
    mice = mice_of(cells)
    rows: list[dict[str, Any]] = []
    for analysis in ("all", "without_excluded"):
        used = cells if analysis == "all" else cells[~cells["excluded"]]
        points, _ = points_of(used, mice, window_days, Scatter("log_normal", use_measurement_se=False))
        for number, mouse in enumerate(mice.to_dict("records")):
            quantified = points.used[number] & ~points.censored[number]
            row: dict[str, Any] = {"analysis": analysis, **{str(key): value for key, value in mouse.items()}}
            row |= {"n_censored": int(points.censored[number].sum())}
            rows.append(row | _one(points.day[number][quantified], np.exp(points.log_response[number][quantified])))
    unit = {"pct_id": "%ID"}.get(str(cells["response_unit"].iloc[0]), "cells") if len(cells) else ""
    frame = pd.DataFrame(rows).assign(unit=unit)
    return frame.reindex(columns=tables.Noncompartmental.names()) if rows else tables.empty(tables.Noncompartmental)


def _one(day: Array, response: Array) -> dict[str, Any]:
    """Return what the quantified points of one mouse say."""
    # ASSUME: without a model, an area reaches from the first to the last quantified scan: none is made up beyond.
    n = len(day)
    row: dict[str, Any] = {"n_points": n, "status": "ok", "reason": ""}
    if n < LEAST_POINTS:
        text = f"{n} quantified points, {LEAST_POINTS} are needed"
        return row | {"n_terminal": 0, "status": "not_estimable", "reason": text}
    top, last = int(np.argmax(response)), terminal(day, response)
    row |= {"first_day": day[0], "last_day": day[-1], "peak": response[top], "time_of_peak": day[top]}
    row |= {"auc": float(areas(day, response).sum()), "auc_linear": float(areas(day, response, rule="linear").sum())}
    row |= {"terminal_rate": last.rate, "terminal_half_life": LOG_2 / last.rate, "n_terminal": last.n_points}
    row |= {"terminal_r_squared": last.r_squared_adjusted}
    notes = (
        ["the highest value is the first"] if top == 0 else ["the highest value is the last"] if top == n - 1 else []
    )
    if not last.n_points:
        notes.append(f"no {LEAST_TERMINAL} points after the peak that fall")
    return row | {"reason": "; ".join(notes)}
