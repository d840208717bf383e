"""Estimates with intervals, of mice and of groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from cartrace.calibration import t_quantile
from cartrace.censoring import Points
from cartrace.expansion import Study, frame_of_mice
from cartrace.expansion_points import Texts
from cartrace.fitting import Fit
from cartrace.growth import LOG_2, Mask
from cartrace.growth_curves import Array
from cartrace.profiles import Wanted, profile_limits, reach_of
from cartrace.quantities import Quantity
from cartrace.selected_rates import is_skewed, refuse_selected_rates

LARGEST_LOG_SE = 1.0
# ASSUME: a growth rate with points below detection is skewed beyond use from a standard error of half a log unit on.
LARGEST_SKEWED_LOG_SE = 0.5
_SPAN = "the days between first and last scan"
FELT = 0.01  # A derivative below which a quantity does not depend on a parameter.


def animal_estimates(
    study: Study,
    found: Sequence[Quantity],
    *,
    confidence: float,
    interval: str,
    known: dict[bytes, tuple[float, float]] | None = None,
) -> pd.DataFrame:
    """Return the rows of :class:`cartrace.tables.Estimates` of all mice.

    Parameters
    ----------
    study : Study
        The fits.
    found : sequence of Quantity
        From :func:`quantities`.
    confidence : float
        Level of the intervals.
    interval : str
        ``profile`` or ``wald``.
    known : dict, optional
        Profile limits that were found before, by what they follow from; those that are found now are added. Most mice
        are the same with and without what is excluded, and a search for limits is what a fit spends its time on.

    Returns
    -------
    DataFrame
        One row per mouse and quantity, with the standard error on the quantity's scale by the delta method. The limits
        are those of the profile likelihood, or ``estimate -+ t * se`` on that scale, with the t quantile of the mouse's
        own degrees of freedom. A time that is ``ln 2`` over a rate has the limits of the rate, transformed.
    """
    covariance, quantile = study.fit.covariance, t_quantile(0.5 + confidence / 2.0, study.fit.df)
    ses = [np.sqrt(np.einsum("mp,mpq,mq->m", item.gradient, covariance, item.gradient)) for item in found]
    outcomes = [_outcomes(study, quantity, se) for quantity, se in zip(found, ses, strict=True)]
    refuse_selected_rates(study, found, outcomes)
    good = [status == "ok" for status, _ in outcomes]
    profiles = {}
    if interval == "profile":
        profiles = _profiles(study, found, good, quantile, {} if known is None else known)
    intervals: dict[str, Interval] = {}
    rows = []
    for quantity, se, (status, reason) in zip(found, ses, outcomes, strict=True):
        if quantity.source:
            rate = intervals[quantity.source]
            limits = Interval(_time(rate.high), _time(rate.low), f"{rate.method} of the rate, transformed")
        else:
            wald = Interval(quantity.value - quantile * se, quantity.value + quantile * se, _wald(quantity.scale))
            limits = profiles.get(quantity.name, wald).on(quantity.scale)
        intervals[quantity.name] = limits
        rows.append(_estimate_rows(study, quantity, se, status, reason, limits, confidence))
    return pd.concat(rows, ignore_index=True)


@dataclass(frozen=True)
class Interval:
    """Limits of the fitted mice, missing where there is none, and how they were made."""

    low: Array
    high: Array
    method: str

    def on(self, scale: str) -> Interval:
        """Return the limits, which stand on a scale of inference, on the estimate's own."""
        return Interval(on_own_scale(self.low, scale), on_own_scale(self.high, scale), self.method)


def _wald(scale: str) -> str:
    return "Wald t" if scale == "linear" else f"Wald t on the {scale} scale"


def _profiles(
    study: Study,
    found: Sequence[Quantity],
    good: Sequence[Mask],
    quantile: Array,
    known: dict[bytes, tuple[float, float]],
) -> dict[str, Interval]:
    """Return the profile-likelihood limits of all quantities that have them, on their scale of inference."""
    points, parameters = study.points.rows(study.rows), {parameter.name for parameter in study.model.parameters}
    chosen = [(item, ok) for item, ok in zip(found, good, strict=True) if item.pivot >= 0 and not item.source]
    basis = _basis(points, study.fit, quantile)
    # The value tells of what else it depends on: the day that all mice have their growth rate of.
    keys = [
        [item.name.encode() + value.tobytes() + own for value, own in zip(item.value, basis, strict=True)]
        for item, _ in chosen
    ]
    wanted = []
    for (item, ok), own in zip(chosen, keys, strict=True):
        rows = np.array([row for row in np.flatnonzero(ok) if own[row] not in known], dtype=np.intp)
        value = None if item.name in parameters else item.of
        wanted.append(Wanted(value, item.pivot, rows, reach_of(item.scale, item.unit, points)[rows]))
    searched = profile_limits(study.model, points, study.fit, wanted, quantile=quantile)
    limits = {}
    for (item, ok), own, want, profile in zip(chosen, keys, wanted, searched, strict=True):
        new = zip(want.rows, profile.low, profile.high, strict=True)
        known.update({own[row]: (low, high) for row, low, high in new})
        both = [known[key] if has else (np.nan, np.nan) for key, has in zip(own, ok, strict=True)]
        low, high = np.array(both).reshape(-1, 2).T
        limits[item.name] = Interval(low, high, "profile likelihood")
    return limits


def _basis(points: Points, fit: Fit, quantile: Array) -> list[bytes]:
    """Return, of each mouse, all that the limits of a quantity of it follow from."""
    of_points = (points.day, points.log_response, points.censored, points.known_sd)
    of_fit = (fit.theta, fit.covariance, fit.sigma, fit.sigma_ml, fit.inflation, fit.df, fit.own_scatter, quantile)
    return [
        b"".join(
            [
                *(part[row][used].tobytes() for part in of_points),
                *(np.ascontiguousarray(part[row]).tobytes() for part in of_fit),
            ]
        )
        for row, used in enumerate(points.used)
    ]


def on_own_scale(value: Array, scale: str) -> Array:
    """Return what stands on a scale of inference on its own scale; what lies beyond all numbers is missing."""
    with np.errstate(over="ignore"):
        own = np.exp(value) if scale == "log" else special.expit(value) if scale == "logit" else value
    return finite(np.asarray(own, dtype=np.float64))


def finite(values: Array) -> Array:
    """Return values, NaN where they are beyond all numbers."""
    return np.asarray(np.where(np.isfinite(values), values, np.nan))


def _time(rate: Array) -> Array:
    """Return the doubling time of a limit of a rate: none where the rate may be zero."""
    rising = rate > 0.0
    with np.errstate(over="ignore"):
        return finite(np.where(rising, LOG_2 / np.where(rising, rate, 1.0), np.nan))


def _estimate_rows(
    study: Study, quantity: Quantity, se: Array, status: Texts, reason: Texts, limits: Interval, confidence: float
) -> pd.DataFrame:
    good, rows = status == "ok", study.rows
    estimate = on_own_scale(quantity.value, quantity.scale)
    low, high = limits.low, limits.high
    for row in np.flatnonzero(good & ~(np.isfinite(low) & np.isfinite(high))):
        sides = [name for name, limit in (("lower", low[row]), ("upper", high[row])) if not np.isfinite(limit)]
        text = f"no {' and no '.join(sides)} limit: the points exclude no value on that side"
        reason[row] = f"{reason[row]}; {text}" if reason[row] else text
    frame = frame_of_mice(study)
    frame = frame.assign(parameter=quantity.name, unit=quantity.unit, scale=quantity.scale)
    frame = frame.assign(ci_level=np.nan, ci_method="", status=study.status, reason=study.reason)
    for name, values in {"estimate": estimate, "se": se, "df": study.fit.df, "ci_low": low, "ci_high": high}.items():
        column = np.full(len(frame), np.nan)
        column[rows] = np.where(good, values, np.nan)
        frame[name] = column
    full_status, full_reason = study.status.copy(), study.reason.copy()
    full_status[rows], full_reason[rows] = status, reason
    frame["status"], frame["reason"] = full_status, full_reason
    frame.loc[frame["status"] == "ok", "ci_level"] = confidence
    frame.loc[frame["status"] == "ok", "ci_method"] = limits.method
    return frame


def _outcomes(study: Study, quantity: Quantity, se: Array) -> tuple[Texts, Texts]:
    """Return status and reason of a quantity in each fitted mouse; the first reason that holds is the one given."""
    status, reason = study.status[study.rows].copy(), study.reason[study.rows].copy()
    # A mouse with a parameter at its limit still has the quantities that do not depend on that parameter; a growth rate
    # of which points below detection hide a part does, in the long run.
    skewed = is_skewed(study, quantity)
    depends = skewed | (study.fit.at_limit & (np.abs(quantity.gradient) > FELT)).any(axis=1)
    free = (status == "ok") | ((status == "at_bound") & ~depends)
    points = study.points.rows(study.rows)
    largest = np.full(len(se), np.inf)
    if quantity.scale != "linear":
        largest = np.where(skewed, LARGEST_SKEWED_LOG_SE, LARGEST_LOG_SE)
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
    for row in np.flatnonzero(unknown):
        scale = f"a factor of {np.exp(largest[row]):.2g}" if quantity.scale != "linear" else _SPAN
        reason[row] = f"the points do not determine it: its standard error exceeds {scale}"
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
