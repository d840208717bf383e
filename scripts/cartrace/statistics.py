"""Group statistics: tests between two groups, their effect size, intervals of a mean, adjustment for multiplicity.

Everything works on arrays of moments (number of mice, mean, variance), one entry a comparison, so that one call does
thousands of comparisons. A log-scale test is the same test on the moments of the logarithms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]

# Fewest mice in a group for a test, an interval of a mean or limits of agreement.
MINIMUM_N = 3


@dataclass(frozen=True)
class Moments:
    """Number, mean and variance (divisor n - 1) of groups of values; arrays of shape (k,)."""

    n: Array
    mean: Array
    variance: Array


@dataclass(frozen=True)
class Outcome:
    """What a test of group a against group b gives; arrays of shape (k,), NaN where there is no variance to test with.

    `difference` is mean a minus mean b; `ci_low` and `ci_high` are its confidence limits.
    """

    difference: Array
    ci_low: Array
    ci_high: Array
    statistic: Array
    df: Array
    p_value: Array


@dataclass(frozen=True)
class Effect:
    """A standardised difference with its confidence limits; arrays of shape (k,)."""

    estimate: Array
    ci_low: Array
    ci_high: Array


def moments(*groups: Array) -> Moments:
    """Return the moments of groups of values, one entry a group."""
    return Moments(*np.array([(one.size, one.mean(), one.var(ddof=1)) for one in groups], dtype=np.float64).T)


def welch(a: Moments, b: Moments, confidence: float) -> Outcome:
    """Compare two means without assuming equal variances (Welch's t).

    Parameters
    ----------
    a, b : Moments
        The groups; at least two values each.
    confidence : float
        Level of the interval.

    Returns
    -------
    Outcome
        All NaN where neither group has any variance.

    Notes
    -----
    t = (mean_a - mean_b) / se, se² = v_a + v_b, v = variance / n, with the Welch-Satterthwaite degrees of freedom
    (v_a + v_b)² / (v_a² / (n_a - 1) + v_b² / (n_b - 1)).
    Welch BL. Biometrika 1947;34:28-35. doi:10.1093/biomet/34.1-2.28

    Data count as constant where se is within rounding of zero, by the rule of R's `t.test`.
    """
    # ASSUME: mice are independent, and values (or their logarithms) are near normal within a group.
    difference = a.mean - b.mean
    v_a, v_b = a.variance / a.n, b.variance / b.n
    se = np.sqrt(v_a + v_b)
    smallest = 10 * np.finfo(np.float64).eps * np.maximum(np.abs(a.mean), np.abs(b.mean))
    se = np.where(se > smallest, se, np.nan)
    df = se**4 / (v_a**2 / (a.n - 1) + v_b**2 / (b.n - 1))
    statistic = difference / se
    half_width = special.stdtrit(df, (1 + confidence) / 2) * se
    return Outcome(
        difference=np.where(np.isnan(se), np.nan, difference),
        ci_low=difference - half_width,
        ci_high=difference + half_width,
        statistic=statistic,
        df=df,
        p_value=np.minimum(1.0, 2 * special.stdtr(df, -np.abs(statistic))),
    )


def hedges_g(a: Moments, b: Moments, confidence: float) -> Effect:
    """Return the difference of two means in pooled standard deviations, corrected for small samples.

    Parameters
    ----------
    a, b : Moments
        The groups; at least two values each.
    confidence : float
        Level of the interval.

    Returns
    -------
    Effect
        All NaN where neither group has any variance.

    Notes
    -----
    g = J d, d = (mean_a - mean_b) / s_pooled, df = n_a + n_b - 2, with the exact
    J = Γ(df / 2) / (√(df / 2) Γ((df - 1) / 2)). Hedges LV. J Educ Stat 1981;6:107-128. doi:10.3102/10769986006002107
    The limits invert the noncentral t distribution of d √(n_a n_b / (n_a + n_b)).
    Cumming G, Finch S. Educ Psychol Meas 2001;61:532-574. doi:10.1177/0013164401614002
    """
    # ASSUME: Hedges g is standardised by the pooled SD, and its interval holds for equal variances of the two groups.
    df = a.n + b.n - 2
    pooled = np.sqrt(((a.n - 1) * a.variance + (b.n - 1) * b.variance) / df)
    smallest = 10 * np.finfo(np.float64).eps * np.maximum(np.abs(a.mean), np.abs(b.mean))
    pooled = np.where(pooled > smallest, pooled, np.nan)
    root = np.sqrt(1 / a.n + 1 / b.n)
    correction = small_sample_factor(df)
    d = (a.mean - b.mean) / pooled
    low, high = (noncentrality(d / root, df, level) for level in ((1 + confidence) / 2, (1 - confidence) / 2))
    return Effect(estimate=correction * d, ci_low=correction * root * low, ci_high=correction * root * high)


def hedges_g_paired(differences: Moments, confidence: float) -> Effect:
    """Return the mean of differences within mice in their standard deviations, corrected for small samples.

    Parameters
    ----------
    differences : Moments
        Differences of each mouse; at least two.
    confidence : float
        Level of the interval.

    Returns
    -------
    Effect
        All NaN where the differences do not vary.

    Notes
    -----
    g = J d, d = mean / s of the differences, df = n - 1; the limits invert the noncentral t distribution of d √n.
    Gibbons RD, Hedeker DR, Davis JM. J Educ Stat 1993;18:271-279. doi:10.3102/10769986018003271
    """
    df, root = differences.n - 1, np.sqrt(1 / differences.n)
    d = differences.mean / np.sqrt(np.where(differences.variance > 0, differences.variance, np.nan))
    low, high = (noncentrality(d / root, df, level) for level in ((1 + confidence) / 2, (1 - confidence) / 2))
    correction = small_sample_factor(df)
    return Effect(estimate=correction * d, ci_low=correction * root * low, ci_high=correction * root * high)


def small_sample_factor(df: Any) -> Any:
    """Return the factor J that frees a difference in standard deviations from its bias in small samples."""
    return np.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / np.sqrt(df / 2)


def noncentrality(t: Array, df: Array, level: float) -> Array:
    """Return the noncentrality under which t has the cumulative probability `level`; NaN where none is found."""
    # scipy's own inverse stops at about 1e-6 of the probability; secant steps finish its work.
    x = np.asarray(special.nctdtrinc(df, level, t), dtype=np.float64)
    previous = x + 1e-4 * (1 + np.abs(x))
    miss, miss_previous = special.nctdtr(df, x, t) - level, special.nctdtr(df, previous, t) - level
    for _ in range(8):
        slope = (miss - miss_previous) / np.where(x == previous, 1.0, x - previous)
        step = np.where(slope < 0, -miss / np.where(slope < 0, slope, 1.0), 0.0)
        previous, miss_previous, x = x, miss, x + step
        miss = special.nctdtr(df, x, t) - level
    return np.where(np.abs(miss) < 1e-9, x, np.nan)


def mean_interval(values: Moments, confidence: float) -> tuple[Array, Array]:
    """Return the confidence limits of a mean by Student's t, NaN below `MINIMUM_N` values.

    Notes
    -----
    mean ± t(n - 1) √(variance / n). Student. Biometrika 1908;6:1-25. doi:10.1093/biomet/6.1.1
    """
    enough = values.n >= MINIMUM_N
    df = np.where(enough, values.n - 1, np.nan)
    half_width = special.stdtrit(df, (1 + confidence) / 2) * np.sqrt(
        values.variance / np.where(enough, values.n, np.nan)
    )
    return values.mean - half_width, values.mean + half_width


def holm(p_values: Array) -> Array:
    """Adjust p values so that the chance of any false positive in the family stays at the level.

    Parameters
    ----------
    p_values : ndarray, shape (m,)
        One family; NaN stays NaN and does not count.

    Returns
    -------
    ndarray, shape (m,)
        Adjusted p values.

    Notes
    -----
    Largest of (m - i + 1) p_(i) over the p values up to this one. Holm S. Scand J Statist 1979;6:65-70.
    """
    present, order, ranked = _ranked(p_values)
    m = ranked.size
    stepped = np.maximum.accumulate((m - np.arange(m)) * ranked)
    return _restored(p_values, present, order, stepped)


def benjamini_hochberg(p_values: Array) -> Array:
    """Adjust p values so that the expected share of false positives among the positives stays at the level.

    Parameters
    ----------
    p_values : ndarray, shape (m,)
        One family; NaN stays NaN and does not count.

    Returns
    -------
    ndarray, shape (m,)
        Adjusted p values.

    Notes
    -----
    Smallest of (m / i) p_(i) over the p values from this one on. Benjamini Y, Hochberg Y. J R Stat Soc B
    1995;57:289-300. doi:10.1111/j.2517-6161.1995.tb02031.x
    """
    present, order, ranked = _ranked(p_values)
    m = ranked.size
    stepped = np.minimum.accumulate((m / np.arange(1, m + 1) * ranked)[::-1])[::-1]
    return _restored(p_values, present, order, stepped)


def _ranked(p_values: Array) -> tuple[NDArray[np.bool_], NDArray[np.intp], Array]:
    present = ~np.isnan(p_values)
    order = np.argsort(p_values[present], kind="stable")
    return present, order, p_values[present][order]


def _restored(p_values: Array, present: NDArray[np.bool_], order: NDArray[np.intp], stepped: Array) -> Array:
    adjusted = np.full(p_values.shape, np.nan)
    unsorted = np.empty(stepped.size)
    unsorted[order] = np.minimum(1.0, stepped)
    adjusted[present] = unsorted
    return adjusted


ADJUSTMENTS: dict[str, Callable[[Array], Array]] = {"holm": holm, "BH": benjamini_hochberg}
