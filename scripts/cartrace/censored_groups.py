"""Two groups of which some mice are below detection: means by maximum likelihood, censored at the critical level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from cartrace.statistics import Array, noncentrality, small_sample_factor

# Fewest quantified mice in each group; with fewer the ranks alone are compared.
MINIMUM_QUANTIFIED = 2


@dataclass(frozen=True)
class Censored:
    """Values of a group; where `below`, the value is only known to lie under the number that stands for it."""

    value: Array
    below: NDArray[np.bool_]


@dataclass(frozen=True)
class Tobit:
    """Two means with one scatter; the difference is mean a minus mean b, its test the likelihood ratio as a t.

    `sd` has the divisor n - 2, as a pooled standard deviation; `hedges_g` is the difference in it, with its limits.
    """

    mean_a: float
    mean_b: float
    sd: float
    ci_low: float
    ci_high: float
    statistic: float
    df: float
    p_value: float
    hedges_g: tuple[float, float, float]


def tobit(a: Censored, b: Censored, confidence: float) -> Tobit:
    """Compare two normal means where some values are only known to lie below a level.

    Parameters
    ----------
    a, b : Censored
        The groups; at least `MINIMUM_QUANTIFIED` quantified values in each.
    confidence : float
        Level of the interval.

    Returns
    -------
    Tobit
        All NaN where the quantified values have no scatter.

    Notes
    -----
    Likelihood of normal values censored on the left. Tobin J. Econometrica 1958;26:24-36. doi:10.2307/1907382.
    The likelihood ratio LR of n values is read as t² = (n - 2) (exp(LR / n) - 1), which without censoring is Student's
    t, and with it keeps the level of the test in small groups. Limits are those differences that the test does not
    reject. Hedges' g has limits by the noncentral t distribution as without censoring, with the standard error of the
    difference and the degrees of freedom of the scatter, (n - 2) / (2 n var(ln sd)), by the observed information.
    """
    # ASSUME: where mice are below detection, both groups share one scatter, and the values below follow its tail.
    both = Censored(np.concatenate([a.value, b.value]), np.concatenate([a.below, b.below]))
    is_a = np.arange(both.value.size) < a.value.size
    n, df = both.value.size, both.value.size - 2
    full = _fit(both, np.column_stack([is_a, ~is_a]).astype(np.float64))
    if full is None or df < 1:
        return Tobit(np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, (np.nan,) * 3)
    (mean_a, mean_b), sd, best, covariance = full
    difference = float(mean_a - mean_b)

    def squared_t(shift: float) -> float:
        moved = Censored(both.value - shift * is_a, both.below)
        one = _fit(moved, np.ones((n, 1)))
        ratio = np.inf if one is None else max(0.0, 2 * (best - one[2]))
        return float(df * np.expm1(min(ratio / n, 600.0)))

    limit = float(special.stdtrit(df, (1 + confidence) / 2)) ** 2
    scale = sd * np.sqrt(1 / a.value.size + 1 / b.value.size)
    low, high = (_crossing(squared_t, difference, side * scale, limit) for side in (-1.0, 1.0))
    t = float(np.sign(difference) * np.sqrt(squared_t(0.0)))
    p = float(min(1.0, 2 * special.stdtr(df, -abs(t))))
    pooled = sd * float(np.sqrt(n / df))
    # By what is known of the means and of ln sd: without censoring 1 / n_a + 1 / n_b, and n - 2.
    root = float(np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])) / sd
    g = _hedges_g(difference / pooled, root, df / (2 * n * float(covariance[2, 2])), confidence)
    return Tobit(float(mean_a), float(mean_b), pooled, low, high, t, float(df), p, g)


def _hedges_g(d: float, root: float, df: float, confidence: float) -> tuple[float, float, float]:
    """Return a difference in standard deviations, freed of its bias, with its limits by the noncentral t."""
    tails = np.array([(1 + confidence) / 2, (1 - confidence) / 2])
    low, high = (float(noncentrality(np.array([d / root]), np.array([df]), float(tail))[0]) * root for tail in tails)
    # Its mean needs more than one degree of freedom.
    correction = float(small_sample_factor(max(df, 1.0 + 1e-9)))
    return correction * d, correction * low, correction * high


def _fit(data: Censored, columns: Array) -> tuple[Array, float, float, Array] | None:
    """Return means, scatter, log-likelihood and the covariance of the means and ln scatter; None without an optimum.

    In c = coefficients / sd and r = 1 / sd the log-likelihood is concave. Olsen RJ. Econometrica 1978;46:1211-1215.
    doi:10.2307/1913082
    """
    seen = ~data.below
    p = columns.shape[1]
    start = np.linalg.lstsq(columns[seen], data.value[seen], rcond=None)[0]
    scatter = float(np.sqrt(np.mean((data.value[seen] - columns[seen] @ start) ** 2)))
    if scatter <= 1e-12 * max(1.0, float(np.abs(data.value).max())):
        return None
    x = np.append(start / scatter, 1 / scatter)
    design = np.column_stack([-columns, data.value])
    value, slope, curvature = _log_likelihood(x, design, seen)
    for _ in range(100):
        step = np.linalg.solve(curvature, slope)
        size = 1.0
        while size > 1e-10:
            new = x + size * step
            if new[p] > 0:
                following = _log_likelihood(new, design, seen)
                if following[0] >= value - 1e-13 * abs(value):
                    break
            size /= 2
        else:
            return None
        gain = float(slope @ step)
        x, (value, slope, curvature) = new, following
        if gain < 1e-13 * (1 + abs(value)):
            return x[:p] / x[p], float(1 / x[p]), value, _covariance(x, curvature)
    return None


def _covariance(x: Array, curvature: Array) -> Array:
    """Return the covariance of the means and ln scatter, from the curvature in the terms of the fit."""
    slope = np.eye(x.size) / x[-1]
    slope[:-1, -1] = -x[:-1] / x[-1] ** 2
    slope[-1, -1] = -1 / x[-1]
    return np.asarray(slope @ np.linalg.inv(curvature) @ slope.T, dtype=np.float64)


def _log_likelihood(x: Array, design: Array, seen: NDArray[np.bool_]) -> tuple[float, Array, Array]:
    """Return the log-likelihood, its gradient and minus its second derivatives."""
    z = design @ x
    log_tail = special.log_ndtr(z[~seen])
    hazard = np.exp(-(z[~seen] ** 2) / 2 - np.log(2 * np.pi) / 2 - log_tail)
    value = seen.sum() * (np.log(x[-1]) - np.log(2 * np.pi) / 2) - (z[seen] ** 2).sum() / 2 + log_tail.sum()
    slope = design[~seen].T @ hazard - design[seen].T @ z[seen]
    slope[-1] += seen.sum() / x[-1]
    weight = hazard * (hazard + z[~seen])
    curvature = design[seen].T @ design[seen] + (design[~seen] * weight[:, None]).T @ design[~seen]
    curvature[-1, -1] += seen.sum() / x[-1] ** 2
    return float(value), slope, curvature


def _crossing(function: Callable[[float], float], centre: float, step: float, level: float) -> float:
    """Return where a function that rises away from `centre` reaches a level, NaN where it does not."""
    far = centre + step
    for _ in range(40):
        if function(far) >= level:
            return float(optimize.brentq(lambda at: function(at) - level, centre, far, xtol=1e-12, rtol=1e-11))
        far = centre + 2 * (far - centre)
    return np.nan
