"""Destructive designs: areas, half-lives and residence from mice of which each was dissected at one time.

No mouse has a curve of its own, so that what is estimated are integrals of the curve of the means. They are weighted
sums ``Σ w(t) x̄(t)``, and so is each mouse's part in them: a mouse adds ``Σ w(t) x(t) / n(t)`` over its own times. The
scatter of these parts between mice that were taken at the same times (a batch) is the variance of the sum, whether a
mouse was taken once (serial) or several times (batch).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cartrace.calibration import t_quantile
from cartrace.decay import Floats

LEAST_TIMES = 3
_GAP = 1.2


@dataclass(frozen=True)
class Interval:
    """An estimate with its standard error, degrees of freedom and limits; NaN where there is none."""

    estimate: float
    se: float
    df: float
    low: float
    high: float


# ---- weights: what an integral gives to the mean at each time ----


def trapezoid_weights(times_h: ArrayLike) -> Floats:
    """Return the weights of the trapezoidal rule.

    Parameters
    ----------
    times_h : array_like, shape (k,)
        Times in rising order [h].

    Returns
    -------
    ndarray, shape (k,)
        Weights [h], so that the area from the first to the last time is ``Σ w x`` (F44).
    """
    half = np.diff(np.asarray(times_h, dtype=np.float64)) / 2.0
    return np.asarray(np.append(half, 0.0) + np.append(0.0, half), dtype=np.float64)


def decaying_weights(times_h: ArrayLike, decay_per_h: float, tail_per_h: float = 0.0) -> Floats:
    """Return the weights of the integral from injection to infinity of a decay-corrected curve that decays.

    Parameters
    ----------
    times_h : array_like, shape (k,)
        Times after injection in rising order [h].
    decay_per_h : float
        Decay constant [1/h].
    tail_per_h : float
        Biological rate after the last time [1/h]; 0: nothing but decay.

    Returns
    -------
    ndarray, shape (k,)
        Weights [h], so that the integral of ``x(t) · exp(-decay_per_h · t)`` is ``Σ w x``.

    Notes
    -----
    ``x(t)`` is a straight line between neighbouring times, and the integral of a line times an exponential is exact
    (the plain trapezoid of the decayed values is too large where times lie far apart). After the last time it falls as
    ``exp(-tail_per_h · t)``, so that the tail is ``x · exp(-λ t) / (λ + tail_per_h)`` (F41).
    """
    # ASSUME: From injection to the first sacrifice, the decay-corrected uptake is that of the first sacrifice.
    t = np.asarray(times_h, dtype=np.float64)
    left = np.exp(-decay_per_h * t)
    weights = np.zeros(len(t))
    weights[0] += (1.0 - left[0]) / decay_per_h
    weights[-1] += left[-1] / (decay_per_h + tail_per_h)
    span = np.diff(t)
    x = decay_per_h * span
    # Over one span, of a line from 1 to 0: (x - 1 + e⁻ˣ) / x², and of one from 0 to 1: (1 - e⁻ˣ - x e⁻ˣ) / x².
    weights[:-1] += left[:-1] * span * (x + np.expm1(-x)) / x**2
    weights[1:] += left[:-1] * span * (-np.expm1(-x) - x * np.exp(-x)) / x**2
    return weights


def exponential_tiac_h(fraction: ArrayLike, biological_per_h: ArrayLike, decay_per_h: float) -> Floats:
    """Return the time-integrated activity coefficient of a sum of exponentials [h].

    Parameters
    ----------
    fraction : array_like, shape (k,)
        Fraction of the injected activity in each term at injection.
    biological_per_h : array_like, shape (k,)
        Biological rate of each term [1/h].
    decay_per_h : float
        Decay constant [1/h].

    Returns
    -------
    ndarray
        Coefficient [h].

    Notes
    -----
    ``Σ a / (λ_b + λ_p)`` (F41).
    """
    rate = np.asarray(biological_per_h, dtype=np.float64) + decay_per_h
    return np.asarray(np.sum(np.asarray(fraction, dtype=np.float64) / rate), dtype=np.float64)


def time_scale(weight_kg: float, mouse_weight_kg: float) -> float:
    """Return how much slower a larger body's biology runs.

    Parameters
    ----------
    weight_kg, mouse_weight_kg : float
        Body weights [kg].

    Returns
    -------
    float
        Factor for times on the biological curve; the physical decay is the same in both.

    Notes
    -----
    ``(weight_kg / mouse_weight_kg)^0.25`` (F42, method M3).

    References
    ----------
    EJNMMI Res 2022;12:21.
    """
    return float((weight_kg / mouse_weight_kg) ** 0.25)


def effective_half_life_h(biological_h: ArrayLike, physical_h: ArrayLike) -> Floats:
    """Return the effective half-life [h].

    Parameters
    ----------
    biological_h, physical_h : array_like
        Half-lives [h].

    Returns
    -------
    ndarray
        Effective half-life [h].

    Notes
    -----
    ``1 / T_eff = 1 / T_phys + 1 / T_biol`` (F40).
    """
    biological, physical = (np.asarray(x, dtype=np.float64) for x in (biological_h, physical_h))
    return biological * physical / (biological + physical)


def times_of_sacrifice(hours: pd.Series) -> pd.Series:
    """Return the number of the time of sacrifice that each hour after injection belongs to, from 0."""
    # ASSUME: Mice belong to one time of sacrifice where the next one of them was taken not over a fifth later.
    ordered = hours.sort_values()
    return (ordered > _GAP * ordered.shift()).cumsum().reindex(hours.index)


# ---- sums over mice ----


def parts(values: pd.DataFrame, weights: ArrayLike) -> pd.DataFrame:
    """Return each mouse's part in a weighted sum of means.

    Parameters
    ----------
    values : DataFrame
        ``animal`` (name), ``time`` (number of the time, from 0) and ``value``, one row a mouse and time.
    weights : array_like, shape (k,)
        Weight of the mean at each time.

    Returns
    -------
    DataFrame
        ``part`` and ``batch`` (the times at which the mouse was taken) by mouse; the parts add up to the sum.
    """
    n = values.groupby("time")["value"].transform("size")
    weight = np.asarray(weights, dtype=np.float64)[values["time"].to_numpy(dtype=int)]
    terms = values.assign(part=weight * values["value"] / n).sort_values("time")
    times = terms["time"].astype(str).groupby(terms["animal"]).agg(" ".join)
    return pd.DataFrame({"part": terms.groupby("animal")["part"].sum(), "batch": times})


def summed(of_mice: pd.DataFrame, *, confidence: float) -> Interval:
    """Return a weighted sum of means with its interval.

    Parameters
    ----------
    of_mice : DataFrame
        From :func:`parts`.
    confidence : float
        Level of the interval.

    Returns
    -------
    Interval
        Without standard error where a batch has one mouse, whose scatter nobody knows.

    Notes
    -----
    Variance ``Σ_batches n s²`` of the parts, which is ``Σ w² s² / n`` where each mouse was taken once; degrees of
    freedom ``(Σ v)² / Σ (v² / (n - 1))`` after Satterthwaite (F44).

    References
    ----------
    Bailer, J Pharmacokinet Biopharm 1988;16:303-309, doi:10.1007/BF01062139; Nedelman & Jia, J Biopharm Stat
    1998;8:317-328, doi:10.1080/10543409808835241.
    """
    estimate = float(of_mice["part"].sum())
    variance, df = _variance(of_mice["part"], of_mice["batch"])
    se = float(np.sqrt(variance))
    reach = _reach(df, confidence) * se
    return Interval(estimate, se, df, estimate - reach, estimate + reach)


def divided(numerator: pd.DataFrame, denominator: pd.DataFrame, *, confidence: float) -> Interval:
    """Return the ratio of two weighted sums over the same mice with Fieller's limits.

    Parameters
    ----------
    numerator, denominator : DataFrame
        From :func:`parts`, of the same mice.
    confidence : float
        Level of the interval.

    Returns
    -------
    Interval
        Its standard error is by the delta method. Without limits where the denominator does not differ from 0.

    Notes
    -----
    Both sums come from the same mice, so that their covariance counts (F45). The limits are the ratios ``q`` at which
    ``(X - q Y)² = t² (v_x - 2 q c + q² v_y)``, with the degrees of freedom of ``X - q Y`` at the estimate.

    References
    ----------
    Fieller, J R Stat Soc B 1954;16:175-185, doi:10.1111/j.2517-6161.1954.tb00159.x.
    """
    x, y = numerator["part"], denominator["part"].reindex(numerator.index)
    batch = numerator["batch"]
    top, bottom = float(x.sum()), float(y.sum())
    ratio = top / bottom if bottom else np.nan
    v_x, v_y = (_variance(part, batch)[0] for part in (x, y))
    v_difference, df = _variance(x - ratio * y, batch)
    covariance = (_variance(x + y, batch)[0] - v_x - v_y) / 2.0
    t = _reach(df, confidence)
    a, b, c = bottom**2 - t**2 * v_y, top * bottom - t**2 * covariance, top**2 - t**2 * v_x
    low = high = np.nan
    if a > 0.0:
        # A negative root is rounding: with a > 0 the discriminant is a variance.
        root = float(np.sqrt(max(b**2 - a * c, 0.0)))
        low, high = (b - root) / a, (b + root) / a
    return Interval(ratio, float(np.sqrt(v_difference) / abs(bottom)), df, low, high)


def falling(hours: ArrayLike, values: ArrayLike, *, confidence: float) -> Interval:
    """Return the rate at which values fall.

    Parameters
    ----------
    hours : array_like, shape (n,)
        Time of each mouse [h].
    values : array_like, shape (n,)
        Its value, above 0.
    confidence : float
        Level of the interval.

    Returns
    -------
    Interval
        Rate [1/h], negative where the values rise; no standard error from two values.

    Notes
    -----
    Minus the slope of the least-squares line through the logarithms; ``ln 2`` over it is the half-life.
    """
    # ASSUME: From its maximum on, uptake falls as one exponential, and logarithms of mice scatter alike at every time.
    t, y = np.asarray(hours, dtype=np.float64), np.log(np.asarray(values, dtype=np.float64))
    centred = t - t.mean()
    squares, df = float(centred @ centred), len(t) - 2.0
    slope = float(centred @ y) / squares
    residual = y - y.mean() - slope * centred
    se = float(np.sqrt(residual @ residual / df / squares)) if df > 0.0 else np.nan
    reach = _reach(df, confidence) * se
    return Interval(-slope, se, df, -slope - reach, -slope + reach)


def half_life(rate: Interval) -> Interval:
    """Return the half-life of a rate [h]; no upper limit where the rate may be 0, none at all where it is not above."""
    if not rate.estimate > 0.0:
        return Interval(np.nan, np.nan, rate.df, np.nan, np.nan)
    value = float(np.log(2.0)) / rate.estimate
    low, high = (float(np.log(2.0)) / limit if limit > 0.0 else np.nan for limit in (rate.high, rate.low))
    return Interval(value, value * rate.se / rate.estimate, rate.df, low, high)


def _variance(part: pd.Series, batch: pd.Series) -> tuple[float, float]:
    """Return the variance of the sum of the parts and its degrees of freedom; NaN where a batch has one mouse."""
    by_batch = part.groupby(batch)
    n = by_batch.size().to_numpy(dtype=np.float64)
    variance = n * by_batch.var(ddof=1).to_numpy(dtype=np.float64)
    total, lost = float(variance.sum()), float((variance**2 / np.where(n > 1.0, n - 1.0, np.nan)).sum())
    return total, total**2 / lost if lost > 0.0 else np.nan


def _reach(df: float, confidence: float) -> float:
    return float(t_quantile((1.0 + confidence) / 2.0, df))
