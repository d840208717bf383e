"""Kinetics of expansion: which points are fitted, what is estimated from the fits, and what is not and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cartrace.censoring import Points
from cartrace.error_models import BY_NAME as ERRORS
from cartrace.error_models import ErrorModel
from cartrace.fitting import LEAST_LOG_SIGMA, Fit, fit, fit_given_scatter
from cartrace.growth import BY_NAME, Model
from cartrace.pooled_scatter import pooled_log_likelihood
from cartrace.selection import points_needed

LEAST_QUANTIFIED = 3
_SEEN_SHARE = 0.75
LEAST_SIGMA = float(np.exp(LEAST_LOG_SIGMA))
_UNITS = {"cells": "cells", "pct_id": "%ID"}
_REFUSED = {
    "direct_label": (
        "a direct label is shared out when cells divide and is not made anew: its signal does not show growth "
        "(study.strategy: direct_label)"
    ),
    "immunopet": (
        "the tracer binds a marker whose amount per cell may change: its signal does not show growth "
        "(study.strategy: immunopet)"
    ),
}

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
        return ERRORS[self.error]

    @property
    def column(self) -> str:
        """Column of the table of cells that holds the known part of the scatter; an empty text where there is none."""
        if self.use_measurement_se:
            return "response_se"
        return "response_noise_sd" if self.model.needs_known else ""


@dataclass(frozen=True)
class Study:
    """What is fitted, one entry or row per mouse: its points, and why it is not fitted where it is not.

    `fit` and `note` (what limits an estimate) hold the mice of `rows` only. `growth_day` is the day of which a growth
    rate that falls with time is given [day]. `refusal` says why no mouse of the study is fitted to a model of growth,
    if that is so.
    """

    model: Model
    analysis: str
    mice: pd.DataFrame
    points: Points
    status: Texts
    reason: Texts
    rows: npt.NDArray[np.intp]
    fit: Fit
    note: Texts
    window_days: tuple[float, float]
    unit: str
    growth_day: float
    refusal: str = ""


# ---- points ----


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


# ---- fit ----


def fit_study(
    cells: pd.DataFrame,
    mice: pd.DataFrame,
    *,
    model: str | Model,
    analysis: str,
    strategy: str,
    window_days: Sequence[float],
    scatter: Scatter,
) -> Study:
    """Fit a model to all mice of an analysis.

    Parameters
    ----------
    cells : DataFrame
        Rows of :class:`cartrace.tables.Cells` of all cohorts.
    mice : DataFrame
        From :func:`mice_of`.
    model : str or Model
        The model, one of the registry by its name.
    analysis, strategy : str
        ``all`` or ``without_excluded``; the study's strategy.
    window_days : sequence of float
        Days on the cell clock that are fitted.
    scatter : Scatter
        The error model.

    Returns
    -------
    Study
    """
    kind = BY_NAME[model] if isinstance(model, str) else model
    rows = cells if analysis == "all" else cells[~cells["excluded"]]
    points, unusable = points_of(rows, mice, window_days, scatter)
    reason = gate_reasons(kind, points, unusable, window_days)
    refusal = _REFUSED.get(strategy, "")
    if refusal:
        reason[:] = refusal
    elif kind.is_for_groups:
        reason[:] = (
            f"the scans of one mouse do not determine {kind.n_parameters} parameters: this model is fitted to groups"
        )
    elif analysis != "all":
        kept = pd.MultiIndex.from_frame(rows[["cohort", "animal_id"]])
        reason[~pd.MultiIndex.from_frame(mice[["cohort", "animal_id"]]).isin(kept)] = "all its values are excluded"
    status = np.where(reason == "", "ok", "not_estimable").astype(object)
    fitted = np.flatnonzero(reason == "")
    found, lean = _fit(kind, points.rows(fitted))
    note = np.full(fitted.size, "", dtype=object)
    note[lean] = "no more quantified points than parameters: fitted with the scatter of the other mice"
    _tell_of_fit(kind, found, fitted, status, reason)
    units = cells["response_unit"].unique()
    unit = _UNITS[str(units[0])] if len(units) else ""
    window = (float(window_days[0]), float(window_days[1]))
    growth_day = _growth_day(points.rows(fitted))
    return Study(kind, analysis, mice, points, status, reason, fitted, found, note, window, unit, growth_day, refusal)


def _tell_of_fit(kind: Model, found: Fit, fitted: npt.NDArray[np.intp], status: Texts, reason: Texts) -> None:
    """Write what keeps a fit from being one into the status and reason of the fitted mice."""
    outcomes = (
        (found.at_limit.any(axis=1), "at_bound", "at a limit of what the scans can tell: "),
        (~found.converged, "not_converged", "the fit did not converge: the points do not settle the curve"),
        (
            np.isnan(found.sigma),
            "not_estimable",
            "no more quantified points than parameters, and no other mouse that a scatter could be taken from",
        ),
    )
    for where, outcome, text in outcomes:
        status[fitted[where]], reason[fitted[where]] = outcome, text
    names = np.array([parameter.name for parameter in kind.parameters])
    for row in np.flatnonzero(status[fitted] == "at_bound"):
        reason[fitted[row]] += ", ".join(names[found.at_limit[row]])


def _growth_day(points: Points) -> float:
    """Return the day by which three quarters of the mice have a point above detection; NaN without mice.

    The same for all mice, so that their rates compare, and one that their points know something about: the first scan
    where it is above detection. A day of each mouse's own would be early where its noise is high.
    """
    # ASSUME: a growth rate that falls with time is the one on the day by which 3/4 of the mice are above detection.
    first = points.first_quantified_day
    return float(np.quantile(first, _SEEN_SHARE, method="inverted_cdf")) if first.size else np.nan


def _fit(model: Model, points: Points) -> tuple[Fit, npt.NDArray[np.bool_]]:
    """Fit each mouse with its own scatter, the lean ones with that of the others; return which are lean."""
    lean = points.n_points - points.n_censored <= model.n_parameters
    rich, poor = np.flatnonzero(~lean), np.flatnonzero(lean)
    own = fit(model, points.rows(rich))
    if not poor.size:
        return own, lean
    kept = own.converged
    free = (points.n_points - points.n_censored - model.n_parameters).astype(float)[rich[kept]]
    df = float(free.sum())
    # ASSUME: a mouse with no more quantified points than parameters scatters about its curve as the other mice do.
    if df == 0.0:
        unknown = fit_given_scatter(model, points.rows(poor), sigma=1.0, df=df)
        others = replace(unknown, sigma=np.full(poor.size, np.nan))
    else:
        sigma = float(np.sqrt((own.sigma[kept] ** 2 * free).sum() / df))
        others = fit_given_scatter(model, points.rows(poor), sigma=max(sigma, LEAST_SIGMA), df=df)
    back = np.argsort(np.concatenate([rich, poor]), kind="stable")
    merged = {field.name: _joined(own, others, field.name)[back] for field in fields(Fit)}
    return Fit(**merged), lean


def _joined(first: Fit, second: Fit, name: str) -> npt.NDArray[Any]:
    return np.concatenate([getattr(first, name), getattr(second, name)])


def fit_rows(study: Study, compared: Sequence[str], own: Mapping[str, Model] = MappingProxyType({})) -> pd.DataFrame:
    """Return the rows of :class:`cartrace.tables.Fits`.

    Parameters
    ----------
    study : Study
        The fits.
    compared : sequence of str
        Models that are fitted to the same points. Mice with points enough for all of them share one scatter and have a
        log-likelihood; a model that most mice have too few points for has none.
    own : mapping
        Models of the lab's own, by name.

    Returns
    -------
    DataFrame
    """
    rows = study.rows
    frame = frame_of_mice(study).drop(columns="level")
    frame = frame.assign(n_parameters=study.model.n_parameters, status=study.status, reason=study.reason)
    frame.loc[rows[study.status[rows] == "ok"], "reason"] = study.note[study.status[rows] == "ok"]
    sigma, log_likelihood = np.full(len(frame), np.nan), np.full(len(frame), np.nan)
    fitted = np.isin(study.status[rows], ["ok", "at_bound"])
    sigma[rows[fitted]] = study.fit.sigma[fitted]
    known = {**BY_NAME, **own}
    counts = [known[name].n_parameters for name in compared] if study.model.name in compared else []
    counts = counts or [study.model.n_parameters]
    # Whether a mouse takes part depends on its points only, so that it is the same for every model.
    n = study.points.n_points
    quantified = n - study.points.n_censored
    needed = points_needed(n[(quantified >= LEAST_QUANTIFIED) & (n > min(counts))], counts)
    pooled = fitted & (n[rows] >= needed)
    if pooled.any() and study.model.n_parameters < needed:
        log_likelihood[rows[pooled]], _ = pooled_log_likelihood(
            study.model, study.points.rows(rows[pooled]), study.fit.theta[pooled]
        )
    return frame.assign(error_model=study.points.error.name, sigma=sigma, log_likelihood=log_likelihood)


def frame_of_mice(study: Study) -> pd.DataFrame:
    """Return one row per mouse with the columns that its fit and its estimates share."""
    frame = study.mice.copy()
    frame["model"], frame["analysis"], frame["level"] = study.model.name, study.analysis, "animal"
    frame["n_points"], frame["n_censored"] = study.points.n_points, study.points.n_censored
    return frame
