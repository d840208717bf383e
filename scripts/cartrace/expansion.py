"""Kinetics of expansion: which points are fitted, what is estimated from the fits, and what is not and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cartrace.calibration import t_quantile
from cartrace.fitting import LEAST_LOG_SIGMA, Fit, Points, fit, pooled_log_likelihood
from cartrace.growth import BY_NAME, LOG_2, Array, Mask, Model, log_auc_gradient, peak_of_expansion
from cartrace.selection import points_needed

LEAST_QUANTIFIED = 3
LARGEST_LOG_SE = 1.0
EXTRAPOLATED_AUC_FRAC = 0.2
_FELT = 0.01  # a derivative below which a quantity does not depend on a parameter
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
class Study:
    """What is fitted, one entry or row per mouse: its points, and why it is not fitted where it is not.

    `fit` holds the mice of `rows` only.
    """

    model: Model
    analysis: str
    mice: pd.DataFrame
    points: Points
    status: Texts
    reason: Texts
    rows: npt.NDArray[np.intp]
    fit: Fit
    window_days: tuple[float, float]
    unit: str


@dataclass(frozen=True)
class Quantity:
    """A parameter or derived quantity of the fitted mice, on its scale of inference, shapes (k,) and (k, p).

    `reason` says why a mouse has none; `note` what limits it.
    """

    name: str
    unit: str
    scale: str
    value: Array
    gradient: Array
    reason: Texts
    note: Texts


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
    cells: pd.DataFrame, mice: pd.DataFrame, window_days: Sequence[float]
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

    Returns
    -------
    tuple
        Points; number of unusable values, shape (m,): without a result, or neither positive nor with a critical level.

    Notes
    -----
    A response below its critical level, and one that is not positive, is censored at the critical level.
    """
    start, end = window_days
    index = pd.MultiIndex.from_frame(mice[["cohort", "animal_id"]])
    mouse = index.get_indexer(pd.MultiIndex.from_frame(cells[["cohort", "animal_id"]]))
    day = cells["cell_day"].to_numpy(dtype=float)
    inside = (mouse >= 0) & (day >= start) & (day <= end)
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
    days, logs = np.zeros(shape), np.zeros(shape)
    used, below = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    days[owner, place] = day[order]
    logs[owner, place] = np.log(np.where(censored, critical, response)[order])
    used[owner, place] = True
    below[owner, place] = censored[order]
    return Points(days, logs, used, below), unusable


def gate_reasons(model: Model, points: Points, unusable: npt.NDArray[np.intp], window_days: Sequence[float]) -> Texts:
    """Return why a mouse cannot be fitted, an empty text where it can.

    A mouse needs three quantified points, one more point than the model has parameters, and as many different days as
    parameters.
    """
    n, quantified = points.n_points, points.n_points - points.n_censored
    ordered = np.sort(np.where(points.used, points.day, np.inf), axis=1)
    different = np.isfinite(ordered[:, :1]).sum(axis=1) + (np.diff(ordered, axis=1) > 0).sum(
        axis=1, where=np.isfinite(ordered[:, 1:])
    )
    where = f"in the window (day {window_days[0]:g} to {window_days[1]:g})"
    reasons = np.full(len(n), "", dtype=object)
    for mouse in range(len(n)):
        if quantified[mouse] < LEAST_QUANTIFIED:
            text = f"{quantified[mouse]} quantified points {where}, at least {LEAST_QUANTIFIED} are needed"
        elif n[mouse] < model.n_parameters + 1:
            text = f"{n[mouse]} points {where}, the {model.n_parameters} parameters need {model.n_parameters + 1}"
        elif different[mouse] < model.n_parameters:
            text = f"points on {different[mouse]} different days {where}, at least {model.n_parameters} are needed"
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
    cells: pd.DataFrame, mice: pd.DataFrame, *, model: str, analysis: str, strategy: str, window_days: Sequence[float]
) -> Study:
    """Fit a model to all mice of an analysis.

    Parameters
    ----------
    cells : DataFrame
        Rows of :class:`cartrace.tables.Cells` of all cohorts.
    mice : DataFrame
        From :func:`mice_of`.
    model, analysis, strategy : str
        Name of the model; ``all`` or ``without_excluded``; the study's strategy.
    window_days : sequence of float
        Days on the cell clock that are fitted.

    Returns
    -------
    Study
    """
    kind = BY_NAME[model]
    rows = cells if analysis == "all" else cells[~cells["excluded"]]
    points, unusable = points_of(rows, mice, window_days)
    reason = gate_reasons(kind, points, unusable, window_days)
    if strategy in _REFUSED:
        reason[:] = _REFUSED[strategy]
    elif analysis != "all":
        kept = pd.MultiIndex.from_frame(rows[["cohort", "animal_id"]])
        reason[~pd.MultiIndex.from_frame(mice[["cohort", "animal_id"]]).isin(kept)] = "all its values are excluded"
    status = np.where(reason == "", "ok", "not_estimable").astype(object)
    fitted = np.flatnonzero(reason == "")
    some = points.rows(fitted)
    found = fit(kind, some)
    empty_scatter = (np.log(found.sigma_ml) <= LEAST_LOG_SIGMA + 1e-6) & (
        some.n_points - some.n_censored <= kind.n_parameters
    )
    outcomes = (
        (found.at_limit.any(axis=1), "at_bound", "at a limit of what the scans can tell: "),
        (~found.converged, "not_converged", "the fit did not converge"),
        (
            empty_scatter,
            "not_estimable",
            "the curve runs through every quantified point: no scatter is left to judge it by",
        ),
    )
    for where, outcome, text in outcomes:
        status[fitted[where]], reason[fitted[where]] = outcome, text
    names = np.array([parameter.name for parameter in kind.parameters])
    for row in np.flatnonzero(status[fitted] == "at_bound"):
        reason[fitted[row]] += ", ".join(names[found.at_limit[row]])
    units = cells["response_unit"].unique()
    unit = _UNITS[str(units[0])] if len(units) else ""
    window = (float(window_days[0]), float(window_days[1]))
    return Study(kind, analysis, mice, points, status, reason, fitted, found, window, unit)


# ---- quantities ----


def quantities(study: Study, auc_days: Sequence[float]) -> list[Quantity]:
    """Return the parameters and derived quantities of the fitted mice, on their scales of inference.

    Parameters
    ----------
    study : Study
        The fits.
    auc_days : sequence of float
        Limits of the area under the curve [day].

    Returns
    -------
    list of Quantity
        Parameters of the curve; growth_rate [1/day], doubling_time [day], peak (highest fitted response between the
        first and the last scan), time_of_peak [day], auc; contraction_half_life [day] where cells contract.
    """
    model, theta = study.model, study.fit.theta
    units = {"level": study.unit, "rate": "1/day", "day": "day"}
    found = [
        _quantity(parameter.name, units[parameter.kind], parameter.scale, theta[:, index], _only(theta, index))
        for index, parameter in enumerate(model.parameters)
    ]
    growth, gradient = model.growth_rate(theta, study.points.rows(study.rows).first_day)
    if "growth_rate" not in {quantity.name for quantity in found}:
        found.append(_quantity("growth_rate", "1/day", model.growth_scale, growth, gradient))
    found += [_doubling_time(model, growth, gradient), *_peak(study), _auc(study, auc_days)]
    for index, parameter in enumerate(model.parameters):
        if parameter.name == "contraction_rate":
            found.append(_half_time("contraction_half_life", theta[:, index], _only(theta, index)))
    return found


def _quantity(name: str, unit: str, scale: str, value: Array, gradient: Array) -> Quantity:
    nothing = np.full(len(value), "", dtype=object)
    return Quantity(name, unit, scale, value, gradient, nothing, nothing.copy())


def _only(theta: Array, index: int) -> Array:
    gradient = np.zeros_like(theta)
    gradient[:, index] = 1.0
    return gradient


def _half_time(name: str, log_rate: Array, gradient: Array) -> Quantity:
    return _quantity(name, "day", "log", np.log(LOG_2) - log_rate, -gradient)


def _doubling_time(model: Model, growth: Array, gradient: Array) -> Quantity:
    if model.growth_scale == "log":
        return _half_time("doubling_time", growth, gradient)
    rising = growth > 0.0
    rate = np.where(rising, growth, 1.0)
    quantity = _half_time("doubling_time", np.log(rate), gradient / rate[:, None])
    quantity.reason[~rising] = "the response does not grow: it has no doubling time"
    return quantity


def _peak(study: Study) -> list[Quantity]:
    """Return the highest fitted response between first and last scan, and its day."""
    model, theta = study.model, study.fit.theta
    points = study.points.rows(study.rows)
    first, last = points.first_day, points.last_day
    top = model.peak_day(theta)
    day = np.clip(top, first, last)[:, None]
    peak = _quantity("peak", study.unit, "log", model.log_curve(day, theta)[:, 0], model.gradient(day, theta)[:, 0])
    peak.note[top > last] = "the curve still rises at the last scan"
    peak.note[top < first] = "the curve falls from the first scan on"
    if not np.isfinite(top).any():
        when = _quantity("time_of_peak", "day", "linear", day[:, 0], np.zeros_like(theta))
        when.reason[:] = f"the {model.label.lower()} curve has no peak"
        return [peak, when]
    when = _quantity("time_of_peak", "day", "linear", *peak_of_expansion(theta))
    for row in np.flatnonzero(top >= last):
        when.reason[row] = f"the curve still rises at the last scan (day {last[row]:.4g}): the peak lies after it"
    for row in np.flatnonzero(top <= first):
        when.reason[row] = f"the curve falls from the first scan on (day {first[row]:.4g}): the peak lies before it"
    return [peak, when]


def _auc(study: Study, auc_days: Sequence[float]) -> Quantity:
    """Return the area under the curve over fixed days; a window that does not reach that far gives none."""
    model, theta = study.model, study.fit.theta
    start, end = float(auc_days[0]), float(auc_days[1])
    value = model.log_auc(theta, start, end)
    gradient = log_auc_gradient(model, theta, start, end)
    quantity = _quantity("auc", f"{study.unit}·day", "log", value, gradient)
    if study.window_days[0] > start or study.window_days[1] < end:
        quantity.reason[:] = (
            f"the {model.label.lower()} curve describes day {study.window_days[0]:g} to {study.window_days[1]:g}, "
            f"not the whole of day {start:g} to {end:g}"
        )
        return quantity
    last = np.clip(study.points.rows(study.rows).last_day, start, end)
    with np.errstate(divide="ignore"):
        after = 1.0 - np.exp(model.log_auc(theta, start, last) - value)
    for row in np.flatnonzero(after > EXTRAPOLATED_AUC_FRAC):
        quantity.note[row] = f"{100.0 * after[row]:.0f} % of the area lies after the last scan (day {last[row]:.4g})"
    return quantity


# ---- tables ----


def animal_estimates(study: Study, found: Sequence[Quantity], *, confidence: float) -> pd.DataFrame:
    """Return the rows of :class:`cartrace.tables.Estimates` of all mice.

    Parameters
    ----------
    study : Study
        The fits.
    found : sequence of Quantity
        From :func:`quantities`.
    confidence : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        One row per mouse and quantity; standard error and interval on the quantity's scale by the delta method, with
        the t quantile of the mouse's own degrees of freedom.
    """
    return pd.concat([_estimate_rows(study, quantity, confidence) for quantity in found], ignore_index=True)


def _estimate_rows(study: Study, quantity: Quantity, confidence: float) -> pd.DataFrame:
    fitted, rows = study.fit, study.rows
    se = np.sqrt(np.einsum("mp,mpq,mq->m", quantity.gradient, fitted.covariance, quantity.gradient))
    status, reason = _outcomes(study, quantity, se)
    good = status == "ok"
    half = t_quantile(0.5 + confidence / 2.0, fitted.df) * se
    low, high = quantity.value - half, quantity.value + half
    method = "Wald t"
    if quantity.scale == "log":
        low, high, method = np.exp(low), np.exp(high), "Wald t on the log scale"
    estimate = np.exp(quantity.value) if quantity.scale == "log" else quantity.value
    if quantity.name == "doubling_time" and study.model.growth_scale == "linear":
        # The limits of the rate, transformed: exact, and open above where the rate may be 0.
        method = "Wald t of the growth rate, transformed"
        rate_se = se * LOG_2 / estimate
        rate_half = half / np.where(se > 0.0, se, 1.0) * rate_se
        low = LOG_2 / (LOG_2 / estimate + rate_half)
        slowest = LOG_2 / estimate - rate_half
        high = np.where(slowest > 0.0, LOG_2 / np.where(slowest > 0.0, slowest, 1.0), np.nan)
        reason[good & (slowest <= 0.0)] = "no upper limit: the growth rate may be 0"
    frame = _frame_of_mice(study, len(study.mice))
    frame = frame.assign(parameter=quantity.name, unit=quantity.unit, scale=quantity.scale)
    frame = frame.assign(ci_level=np.nan, ci_method="", status=study.status, reason=study.reason)
    for name, values in {"estimate": estimate, "se": se, "df": fitted.df, "ci_low": low, "ci_high": high}.items():
        column = np.full(len(frame), np.nan)
        column[rows] = np.where(good, values, np.nan)
        frame[name] = column
    full_status, full_reason = study.status.copy(), study.reason.copy()
    full_status[rows], full_reason[rows] = status, reason
    frame["status"], frame["reason"] = full_status, full_reason
    frame.loc[frame["status"] == "ok", "ci_level"] = confidence
    frame.loc[frame["status"] == "ok", "ci_method"] = method
    return frame


def _outcomes(study: Study, quantity: Quantity, se: Array) -> tuple[Texts, Texts]:
    """Return status and reason of a quantity in each fitted mouse; the first reason that holds is the one given."""
    status, reason = study.status[study.rows].copy(), study.reason[study.rows].copy()
    # A mouse with a parameter at its limit still has the quantities that do not depend on that parameter.
    depends = (study.fit.at_limit & (np.abs(quantity.gradient) > _FELT)).any(axis=1)
    free = (status == "ok") | ((status == "at_bound") & ~depends)
    points = study.points.rows(study.rows)
    largest = np.full(len(se), np.inf)
    if quantity.scale == "log":
        largest = np.full(len(se), LARGEST_LOG_SE)
    elif quantity.unit == "day":
        largest = points.last_day - points.first_day
    status[free], reason[free] = "ok", quantity.note[free]
    without = free & (quantity.reason != "")
    status[without], reason[without] = "not_estimable", quantity.reason[without]
    unknown = free & ~without & ~(np.isfinite(quantity.value) & (se < largest))
    status[unknown] = "not_estimable"
    scale = "a factor of e" if quantity.scale == "log" else "the days between first and last scan"
    reason[unknown] = f"the points do not determine it: its standard error exceeds {scale}"
    return status, reason


def _frame_of_mice(study: Study, n: int) -> pd.DataFrame:
    frame = study.mice.iloc[:n].copy()
    frame["model"], frame["analysis"], frame["level"] = study.model.name, study.analysis, "animal"
    frame["n_points"], frame["n_censored"] = study.points.n_points, study.points.n_censored
    return frame


def group_estimates(animals: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """Return the rows of :class:`cartrace.tables.Estimates` of the groups.

    Parameters
    ----------
    animals : DataFrame
        From :func:`animal_estimates`.
    confidence : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        Mean over the mice with an estimate, on the quantity's scale (the geometric mean where that is the log scale),
        with Student's t over mice. The mouse is the unit.
    """
    keys = ["model", "analysis", "group", "parameter", "unit", "scale"]
    ok = animals["status"] == "ok"
    logarithmic = animals["scale"] == "log"
    value = np.where(logarithmic, np.log(animals["estimate"].where(logarithmic, 1.0)), animals["estimate"])
    grouped = animals.assign(value=np.where(ok, value, np.nan)).groupby(keys, as_index=False, sort=False)
    frame = grouped.agg(
        mean=("value", "mean"), sd=("value", "std"), n_points=("value", "count"), n_mice=("value", "size")
    )
    n = frame["n_points"].to_numpy(dtype=float)
    se = np.where(n > 1, frame["sd"] / np.sqrt(np.maximum(n, 1.0)), np.nan)
    half = t_quantile(0.5 + confidence / 2.0, n - 1.0) * se
    is_log = (frame["scale"] == "log").to_numpy()
    for name, values in {
        "estimate": frame["mean"],
        "ci_low": frame["mean"] - half,
        "ci_high": frame["mean"] + half,
    }.items():
        numbers = values.to_numpy(dtype=float)
        frame[name] = np.where(is_log, np.exp(numbers), numbers)
    frame["se"], frame["df"] = se, np.where(n > 1, n - 1.0, np.nan)
    frame["ci_level"] = np.where(n > 1, confidence, np.nan)
    method = np.where(is_log, "t over mice on the log scale", "t over mice")
    frame["ci_method"] = np.where(n > 1, method, "")
    frame["status"] = np.where(n > 0, "ok", "not_estimable")
    frame["reason"] = [_group_reason(int(count), int(mice)) for count, mice in zip(n, frame["n_mice"], strict=True)]
    frame = frame.assign(level="group", cohort="", animal_id="", n_censored=0)
    return frame.drop(columns=["mean", "sd", "n_mice"])


def _group_reason(n: int, mice: int) -> str:
    if n == 0:
        return f"none of {mice} mice has an estimate"
    reason = "" if n == mice else f"{n} of {mice} mice have an estimate"
    if n == 1:
        reason = f"{reason or 'one mouse'}: no interval"
    return reason


def curves(study: Study, *, confidence: float, n_days: int = 40) -> pd.DataFrame:
    """Return the rows of :class:`cartrace.tables.Curves`: mice between first and last scan, and the typical mouse.

    Parameters
    ----------
    study : Study
        The fits.
    confidence : float
        Level of the bands.
    n_days : int
        Days of each curve.

    Returns
    -------
    DataFrame
        A mouse's band is pointwise, by the delta method on the log scale. A group's curve is that of the mean internal
        parameters (the geometric mean of levels and rates) of its mice whose parameters are all known, between the
        group's first and last scan; its band is by the delta method from the covariance between mice.
    """
    drawn = np.isin(study.status[study.rows], ["ok", "at_bound"])
    points = study.points.rows(study.rows[drawn])
    theta, covariance, df = study.fit.theta[drawn], study.fit.covariance[drawn], study.fit.df[drawn]
    known = ~study.fit.at_limit[drawn].any(axis=1)
    mice = study.mice.iloc[study.rows[drawn]]
    t = np.where(known, t_quantile(0.5 + confidence / 2.0, df), np.nan)
    parts = [_curve_rows(study.model, theta, covariance, t, points.first_day, points.last_day, mice, "animal", n_days)]
    known &= _all_known(study.model, study.fit, points, drawn)
    for group in dict.fromkeys(mice["group"]):
        members = known & (mice["group"] == group).to_numpy()
        n = int(members.sum())
        if n < 2:
            continue
        spread = np.cov(theta[members], rowvar=False)[None] / n
        one = pd.DataFrame({"cohort": [""], "animal_id": [""], "group": [group]})
        first, last = points.first_day[members].min(keepdims=True), points.last_day[members].max(keepdims=True)
        mean = theta[members].mean(axis=0, keepdims=True)
        t_group = t_quantile(0.5 + confidence / 2.0, np.array([n - 1.0]))
        parts.append(_curve_rows(study.model, mean, spread, t_group, first, last, one, "group", n_days))
    return pd.concat(parts, ignore_index=True).assign(model=study.model.name, analysis=study.analysis)


def _all_known(model: Model, fitted: Fit, points: Points, drawn: Mask) -> Mask:
    """Return the mice all of whose parameters are determined."""
    se = np.sqrt(np.einsum("mpp->mp", fitted.covariance[drawn]))
    span = points.last_day - points.first_day
    bounds = [
        np.full_like(span, LARGEST_LOG_SE if parameter.scale == "log" else np.inf) if parameter.kind != "day" else span
        for parameter in model.parameters
    ]
    return np.asarray((se < np.stack(bounds, axis=-1)).all(axis=1))


def _curve_rows(
    model: Model,
    theta: Array,
    covariance: Array,
    t: Array,
    first: Array,
    last: Array,
    who: pd.DataFrame,
    level: str,
    n_days: int,
) -> pd.DataFrame:
    day = first[:, None] + (last - first)[:, None] * np.linspace(0.0, 1.0, n_days)
    log_response = model.log_curve(day, theta)
    gradient = model.gradient(day, theta)
    half = t[:, None] * np.sqrt(np.einsum("mnp,mpq,mnq->mn", gradient, covariance, gradient))
    rows = {name: np.repeat(who[name].to_numpy(dtype=object), n_days) for name in ("cohort", "animal_id", "group")}
    limits = {"ci_low": log_response - half, "ci_high": log_response + half}
    with np.errstate(over="ignore"):
        bands = {name: _finite(np.exp(values)).ravel() for name, values in limits.items()}
    return pd.DataFrame(
        {**rows, "level": level, "cell_day": day.ravel(), "fitted": np.exp(log_response).ravel(), **bands}
    )


def _finite(values: Array) -> Array:
    return np.asarray(np.where(np.isfinite(values), values, np.nan))


def fit_rows(study: Study, compared: Sequence[str]) -> pd.DataFrame:
    """Return the rows of :class:`cartrace.tables.Fits`.

    Parameters
    ----------
    study : Study
        The fits.
    compared : sequence of str
        Models that are fitted to the same points. Mice with points enough for all of them share one scatter and have a
        log-likelihood; a model that most mice have too few points for has none.

    Returns
    -------
    DataFrame
    """
    rows = study.rows
    frame = _frame_of_mice(study, len(study.mice)).drop(columns="level")
    frame = frame.assign(n_parameters=study.model.n_parameters, status=study.status, reason=study.reason)
    sigma, log_likelihood = np.full(len(frame), np.nan), np.full(len(frame), np.nan)
    fitted = np.isin(study.status[rows], ["ok", "at_bound"])
    sigma[rows[fitted]] = study.fit.sigma[fitted]
    counts = [BY_NAME[name].n_parameters for name in compared] if study.model.name in compared else []
    counts = counts or [study.model.n_parameters]
    # Whether a mouse takes part depends on its points only, so that it is the same for every model.
    quantified = study.points.n_points - study.points.n_censored >= LEAST_QUANTIFIED
    enough = study.points.n_points[quantified & (study.points.n_points > min(counts))]
    needed = points_needed(enough, counts)
    pooled = fitted & (study.points.n_points[rows] >= needed)
    if pooled.any() and study.model.n_parameters < needed:
        log_likelihood[rows[pooled]], _ = pooled_log_likelihood(
            study.model, study.points.rows(rows[pooled]), study.fit.theta[pooled]
        )
    return frame.assign(sigma=sigma, log_likelihood=log_likelihood)
