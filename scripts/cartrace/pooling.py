"""A difference between two groups over several cohorts: cohort by cohort, and pooled with cohorts as blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from cartrace.statistics import Array

# Fewest cohorts from which the scatter between cohorts is estimated; with fewer they are fixed blocks.
MINIMUM_RANDOM = 5


@dataclass(frozen=True)
class Blocks:
    """Two groups in k cohorts: numbers, means and sums of squares about the mean, arrays of shape (k,).

    A cohort without mice of a group has n of 0 there.
    """

    n_a: Array
    n_b: Array
    mean_a: Array
    mean_b: Array
    squares_a: Array
    squares_b: Array

    @property
    def has_both(self) -> np.ndarray:
        """Which cohorts have mice of both groups, and so say something about their difference."""
        return (self.n_a > 0) & (self.n_b > 0)

    @property
    def weight(self) -> Array:
        """Inverse variance of each cohort's difference, in units of the variance between mice."""
        return np.where(self.has_both, self.n_a * self.n_b / np.maximum(self.n_a + self.n_b, 1), 0.0)

    @property
    def difference(self) -> Array:
        """Difference of means of each cohort, 0 where it has none."""
        return np.where(self.has_both, self.mean_a - self.mean_b, 0.0)

    @property
    def within(self) -> tuple[float, int]:
        """Sum of squares of the mice about the mean of their group and cohort, and its degrees of freedom."""
        cells = int((self.n_a > 0).sum() + (self.n_b > 0).sum())
        return float(self.squares_a.sum() + self.squares_b.sum()), int(self.n_a.sum() + self.n_b.sum()) - cells


@dataclass(frozen=True)
class Pooled:
    """A pooled difference with its confidence limits and test; `sd` is the scatter between mice that it rests on."""

    estimate: float
    ci_low: float
    ci_high: float
    df: float
    statistic: float
    p_value: float
    sd: float


@dataclass(frozen=True)
class Heterogeneity:
    """How far the cohorts' differences lie apart.

    `q` is Cochran's Q with the variance within cohorts, `p_value` that of the interaction of group and cohort, `i2` the
    share of the scatter between cohorts beyond chance, `tau` its standard deviation.
    """

    q: float
    df: float
    p_value: float
    i2: float
    tau: float


def blocks(value: Array, is_a: np.ndarray, cohort: np.ndarray) -> Blocks:
    """Return the numbers, means and sums of squares of two groups by cohort; `cohort` is its position from 0."""
    k = int(cohort.max()) + 1
    parts = []
    for side in (is_a, ~is_a):
        n = np.bincount(cohort[side], minlength=k).astype(np.float64)
        mean = np.bincount(cohort[side], value[side], k) / np.maximum(n, 1)
        squares = np.bincount(cohort[side], (value[side] - mean[cohort[side]]) ** 2, k).astype(np.float64)
        parts.append((n, mean, squares))
    (n_a, mean_a, squares_a), (n_b, mean_b, squares_b) = parts
    return Blocks(n_a, n_b, mean_a, mean_b, squares_a, squares_b)


def fixed(data: Blocks, confidence: float) -> Pooled:
    """Pool the difference of two groups with cohorts as blocks.

    Parameters
    ----------
    data : Blocks
        At least one cohort with both groups.
    confidence : float
        Level of the interval.

    Returns
    -------
    Pooled
        All NaN without degrees of freedom or scatter.

    Notes
    -----
    Least squares of value = cohort + group. The estimate is the mean of the cohorts' differences with weights
    n_a n_b / (n_a + n_b); what the cohorts differ beyond chance counts as scatter. Cochran WG, Cox GM. Experimental
    Designs, 2nd ed. Wiley 1957, chapter 4.
    """
    # ASSUME: cohorts shift all their mice alike, and the difference between groups is one and the same in each.
    weight, difference = data.weight, data.difference
    if weight.sum() == 0:
        return Pooled(*[np.nan] * 7)
    estimate = float((weight * difference).sum() / weight.sum())
    squares, df = data.within
    squares += float((weight * (difference - estimate) ** 2).sum())
    df += int(data.has_both.sum()) - 1
    scale = max(float(np.abs(data.mean_a).max()), float(np.abs(data.mean_b).max()), 1e-300)
    if df < 1 or squares <= (1e-14 * scale) ** 2:
        return Pooled(*[np.nan] * 7)
    sd = float(np.sqrt(squares / df))
    return _pooled(estimate, sd / float(np.sqrt(weight.sum())), df, confidence, sd)


def _pooled(estimate: float, se: float, df: float, confidence: float, sd: float) -> Pooled:
    t = estimate / se
    half_width = float(special.stdtrit(df, (1 + confidence) / 2)) * se
    p = float(min(1.0, 2 * special.stdtr(df, -abs(t))))
    return Pooled(estimate, estimate - half_width, estimate + half_width, df, t, p, sd)


def heterogeneity(data: Blocks) -> Heterogeneity:
    """Return how far the cohorts' differences lie apart, NaN with fewer than two cohorts or no scatter within them.

    Notes
    -----
    Q = sum w (d - d_pooled)² / s², s² the variance within cohorts; Q / (k - 1) is F with its degrees of freedom, the
    exact test of the interaction of group and cohort. I² = max(0, 1 - (k - 1) / Q). Higgins JPT, Thompson SG. Stat Med
    2002;21:1539-1558. doi:10.1002/sim.1186. tau² after DerSimonian R, Laird N. Control Clin Trials 1986;7:177-188.
    doi:10.1016/0197-2456(86)90046-2
    """
    weight, difference = data.weight, data.difference
    k = int(data.has_both.sum())
    squares, df = data.within
    if k < 2 or df < 1 or squares == 0:
        return Heterogeneity(*[np.nan] * 5)
    variance = squares / df
    centre = (weight * difference).sum() / weight.sum()
    q = float((weight * (difference - centre) ** 2).sum() / variance)
    precision = weight / variance
    spread = float(precision.sum() - (precision**2).sum() / precision.sum())
    tau = float(np.sqrt(max(0.0, (q - (k - 1)) / spread)))
    p = float(special.fdtrc(k - 1, df, q / (k - 1)))
    return Heterogeneity(q, k - 1, p, max(0.0, 1 - (k - 1) / q) if q > 0 else 0.0, tau)


def random(data: Blocks, confidence: float) -> tuple[Pooled, float, float]:
    """Pool the difference of two groups with cohorts as a sample of cohorts.

    Parameters
    ----------
    data : Blocks
        At least `MINIMUM_RANDOM` cohorts with both groups.
    confidence : float
        Level of the intervals.

    Returns
    -------
    Pooled, float, float
        The pooled difference, and the limits within which a further cohort's difference is expected.

    Raises
    ------
    ValueError
        Where there are too few cohorts.

    Notes
    -----
    Weights 1 / (variance + tau²); the standard error after Hartung and Knapp with k - 1 degrees of freedom, never below
    the ordinary one. IntHout J, Ioannidis JPA, Borm GF. BMC Med Res Methodol 2014;14:25. doi:10.1186/1471-2288-14-25;
    Röver C, Knapp G, Friede T. BMC Med Res Methodol 2015;15:99. doi:10.1186/s12874-015-0091-1. Few cohorts cannot tell
    tau: Bender R et al. Res Synth Methods 2018;9:382-392. doi:10.1002/jrsm.1297. Limits for a further cohort: Higgins
    JPT, Thompson SG, Spiegelhalter DJ. J R Stat Soc A 2009;172:137-159. doi:10.1111/j.1467-985X.2008.00552.x
    """
    has = data.has_both
    k = int(has.sum())
    if k < MINIMUM_RANDOM:
        raise ValueError(f"a random effect of cohorts needs {MINIMUM_RANDOM} of them")
    tau = heterogeneity(data).tau
    squares, df = data.within
    variance = squares / df / data.weight[has]
    weight = 1 / (variance + tau**2)
    difference = data.difference[has]
    estimate = float((weight * difference).sum() / weight.sum())
    scale = float((weight * (difference - estimate) ** 2).sum() / (k - 1))
    se = float(np.sqrt(max(1.0, scale) / weight.sum()))
    reach = float(special.stdtrit(k - 2, (1 + confidence) / 2) * np.sqrt(tau**2 + se**2))
    return (
        _pooled(estimate, se, k - 1, confidence, float(np.sqrt(squares / df))),
        estimate - reach,
        estimate + reach,
    )
