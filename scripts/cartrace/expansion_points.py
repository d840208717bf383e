"""Which scans of which mice a curve of expansion is fitted to, and which mice have too few of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cartrace.censoring import Points
from cartrace.error_models import BY_NAME, ErrorModel
from cartrace.growth import Model

LEAST_QUANTIFIED = 3

Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Scatter:
    """What is held to be known of the points' scatter.

    Parameters
    ----------
    error : str
        Name of the error model.
    use_measurement_se : bool
        Whether the standard uncertainty of each response is part of its scatter.
    """

    error: str
    use_measurement_se: bool

    @property
    def model(self) -> ErrorModel:
        """The error model."""
        return BY_NAME[self.error]

    @property
    def column(self) -> str:
        """Column of the table of cells that holds the known part of the scatter; an empty text where there is none."""
        if self.use_measurement_se:
            return "response_se"
        return "response_noise_sd" if self.model.needs_known else ""


def mice_of(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the mice that are followed (cohort, animal_id, group), those of the background group left out."""
    followed = cells[cells["role"] != "background"]
    return (
        followed[["cohort", "animal_id", "group"]]
        .drop_duplicates(["cohort", "animal_id"])
        .sort_values(["cohort", "animal_id"])
        .reset_index(drop=True)
    )


def points_of(
    cells: pd.DataFrame, mice: pd.DataFrame, window_days: Sequence[float], scatter: Scatter
) -> tuple[Points, npt.NDArray[np.intp]]:
    """Return the points of each mouse in the window, and how many of its values in the window cannot be used.

    Parameters
    ----------
    cells : DataFrame
        Rows of :class:`cartrace.tables.Cells` that take part in the analysis.
    mice : DataFrame
        From :func:`mice_of`.
    window_days : sequence of float
        First and last day [day].
    scatter : Scatter
        The error model.

    Returns
    -------
    tuple
        Points, their known scatter missing where it is needed and not known; number of unusable values,
        shape (m,): without a result, or neither positive nor with a critical level.

    Notes
    -----
    A scan belongs to the window when its time or the nearest whole day does, and was made after the cells were given.
    A response below its critical level, and one that is not positive, is censored at the critical level.
    """
    start, end = window_days
    index = pd.MultiIndex.from_frame(mice[["cohort", "animal_id"]])
    mouse = index.get_indexer(pd.MultiIndex.from_frame(cells[["cohort", "animal_id"]]))
    day = cells["cell_day"].to_numpy(dtype=float)
    # A scan counts for the day that it is nearest to: the scan of day 10 is often made some hours later.
    nearest = np.rint(day)
    inside = (mouse >= 0) & (day >= 0.0) & ((day >= start) | (nearest >= start)) & ((day <= end) | (nearest <= end))
    response = cells["response"].to_numpy(dtype=float)
    critical = cells["response_critical_level"].to_numpy(dtype=float)
    censored = (critical > 0.0) & (response < critical)
    usable = inside & (cells["status"] == "ok").to_numpy() & np.isfinite(response) & (censored | (response > 0.0))
    unusable = np.bincount(mouse[inside & ~usable], minlength=len(mice))
    order = np.lexsort((day, mouse))
    order = order[usable[order]]
    owner = mouse[order]
    n = np.bincount(owner, minlength=len(mice))
    place = np.arange(owner.size) - np.repeat(np.cumsum(n) - n, n)
    shape = (len(mice), max(int(n.max(initial=0)), 1))
    days, logs, log_critical = np.zeros(shape), np.zeros(shape), np.full(shape, np.nan)
    used, below = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    days[owner, place] = day[order]
    logs[owner, place] = np.log(np.where(censored, critical, response)[order])
    log_critical[owner, place] = np.log(np.where(critical > 0.0, critical, np.nan)[order])
    used[owner, place] = True
    below[owner, place] = censored[order]
    known_sd = np.zeros(shape)
    if scatter.column:
        known = cells[scatter.column].to_numpy(dtype=float)
        # On the log scale an uncertainty is relative.
        known_sd[owner, place] = known[order] / (np.exp(logs[owner, place]) if scatter.model.is_log else 1.0)
    return Points(days, logs, used, below, known_sd, scatter.model, log_critical), unusable


def gate_reasons(model: Model, points: Points, unusable: npt.NDArray[np.intp], window_days: Sequence[float]) -> Texts:
    """Return why a mouse cannot be fitted, an empty text where it can.

    A mouse needs three quantified points, one more point than the model has parameters (those below detection count),
    and these on as many days as parameters.
    """
    n, quantified = points.n_points, points.n_points - points.n_censored
    ordered = np.sort(np.where(points.used, points.day, np.inf), axis=1)
    fresh = np.isfinite(ordered)
    fresh[:, 1:] &= ordered[:, 1:] > ordered[:, :-1]
    different = fresh.sum(axis=1)
    least = model.n_parameters + 1
    where = f"in the window (day {window_days[0]:g} to {window_days[1]:g})"
    unknown = np.isnan(points.known_sd).sum(axis=1)
    reasons = np.full(len(n), "", dtype=object)
    for mouse in range(len(n)):
        if unknown[mouse]:
            text = (
                f"the noise of {unknown[mouse]} of {n[mouse]} points {where} is not known (no uncertainty, or fewer "
                "than two background mice), and expansion.error_model or expansion.use_measurement_se asks for it"
            )
        elif quantified[mouse] < LEAST_QUANTIFIED:
            text = f"{quantified[mouse]} quantified points {where}, {LEAST_QUANTIFIED} are needed"
        elif n[mouse] < least:
            text = f"{n[mouse]} points {where}, {model.n_parameters} parameters need {least}"
        elif different[mouse] < model.n_parameters:
            text = f"points on {different[mouse]} different days {where}, {model.n_parameters} are needed"
        else:
            continue
        if points.n_censored[mouse]:
            text += f"; {points.n_censored[mouse]} below detection"
        if unusable[mouse]:
            text += f"; {unusable[mouse]} without a usable value"
        reasons[mouse] = text
    return reasons
