"""Fitted curves with their bands, of mice and of groups."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cartrace.calibration import t_quantile
from cartrace.censoring import Points
from cartrace.estimates import LARGEST_LOG_SE, finite
from cartrace.expansion import Study
from cartrace.fitting import Fit
from cartrace.growth import Mask, Model
from cartrace.growth_curves import Array


def curves(study: Study, animals: pd.DataFrame, *, confidence: float, n_days: int = 40) -> pd.DataFrame:
    """Return the rows of :class:`cartrace.tables.Curves`: mice between first and last scan, and the typical mouse.

    Parameters
    ----------
    study : Study
        The fits.
    animals : DataFrame
        From :func:`cartrace.estimates.animal_estimates`; a mouse whose growth rate is not known has no curve.
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
    growth = animals[animals["parameter"] == "growth_rate"].set_index(["cohort", "animal_id"])["status"]
    fitted = pd.MultiIndex.from_frame(study.mice.iloc[study.rows][["cohort", "animal_id"]])
    drawn = (growth.reindex(fitted) == "ok").to_numpy()
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


def typical_curves(study: Study, *, confidence: float, n_days: int = 40) -> pd.DataFrame:
    """Return curves of groups that were fitted as such: a study whose mice are groups; see :func:`curves`."""
    points, fitted = study.points.rows(study.rows), study.fit
    t = t_quantile(0.5 + confidence / 2.0, fitted.df)
    ends = points.first_day, points.last_day
    who = study.mice.iloc[study.rows]
    rows = _curve_rows(study.model, fitted.theta, fitted.covariance, t, *ends, who, "group", n_days)
    return rows.assign(model=study.model.name, analysis=study.analysis)


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
        bands = {name: finite(np.exp(values)).ravel() for name, values in limits.items()}
    return pd.DataFrame(
        {**rows, "level": level, "cell_day": day.ravel(), "fitted": np.exp(log_response).ravel(), **bands}
    )
