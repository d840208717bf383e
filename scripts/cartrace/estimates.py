"""Estimates with intervals, and curves with bands, of mice and of groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cartrace.calibration import t_quantile
from cartrace.censoring import Points
from cartrace.expansion import Study, Texts, frame_of_mice
from cartrace.fitting import Fit
from cartrace.growth import LOG_2, Mask, Model
from cartrace.growth_curves import Array
from cartrace.quantities import Quantity

LARGEST_LOG_SE = 1.0
FELT = 0.01  # A derivative below which a quantity does not depend on a parameter.


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
        method = "Wald t on the log scale"
        with np.errstate(over="ignore"):
            low, high = np.exp(low), np.exp(high)
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
    frame = frame_of_mice(study)
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
    depends = (study.fit.at_limit & (np.abs(quantity.gradient) > FELT)).any(axis=1)
    free = (status == "ok") | ((status == "at_bound") & ~depends)
    points = study.points.rows(study.rows)
    largest = np.full(len(se), np.inf)
    if quantity.scale == "log":
        largest = np.full(len(se), LARGEST_LOG_SE)
    elif quantity.unit == "day":
        largest = points.last_day - points.first_day
    notes = [
        "; ".join(text for text in pair if text) for pair in zip(study.note[free], quantity.note[free], strict=True)
    ]
    status[free], reason[free] = "ok", notes
    without = free & (quantity.reason != "")
    status[without], reason[without] = "not_estimable", quantity.reason[without]
    unknown = free & ~without & ~(np.isfinite(quantity.value) & (se < largest))
    status[unknown] = "not_estimable"
    scale = "a factor of e" if quantity.scale == "log" else "the days between first and last scan"
    reason[unknown] = f"the points do not determine it: its standard error exceeds {scale}"
    return status, reason


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
