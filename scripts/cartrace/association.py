"""How two measurements of the same mice go together: rank correlation, ROC curve, chosen cut-off, Deming's line."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from scipy import special

from cartrace.rank_effects import superiority
from cartrace.rank_tests import mann_whitney, midranks
from cartrace.statistics import Array

# Fewest mice for an interval of a correlation, a curve or a line.
MINIMUM_MICE = 5
_ENUMERATED = 8


@dataclass(frozen=True)
class Association:
    """An estimate with its confidence limits and p; NaN where there is none. `ci_method` stands where it varies."""

    estimate: float
    ci_low: float
    ci_high: float
    p_value: float
    ci_method: str = ""


NOTHING = Association(np.nan, np.nan, np.nan, np.nan)


def spearman(x: Array, y: Array, confidence: float) -> Association:
    """Return Spearman's rank correlation.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Values of the same mice; ties and -inf are allowed.
    confidence : float
        Level of the interval.

    Returns
    -------
    Association
        All NaN where one of them does not vary.

    Notes
    -----
    Limits by Fisher's z with SE² = (1 + rho² / 2) / (n - 3). Bonett DG, Wright TA. Psychometrika 2000;65:23-28.
    doi:10.1007/BF02294183. p is exact up to eight mice, else by t. Spearman C. Am J Psychol 1904;15:72-101.
    """
    n = x.size
    a, b = midranks(x), midranks(y)
    if n < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return NOTHING
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    rho = float(np.clip(a @ b / scale, -1.0, 1.0))
    if n <= _ENUMERATED:
        every = np.array(list(permutations(b)))
        p = float(np.mean(np.abs(every @ a) >= abs(a @ b) * (1 - 1e-12)))
    else:
        t = rho * np.sqrt((n - 2) / max(1e-300, 1 - rho**2))
        p = float(2 * special.stdtr(n - 2, -abs(t)))
    low, high = fisher_limits(rho, n - 3, confidence)
    return Association(rho, low, high, p)


def fisher_limits(rho: float, freedom: float, confidence: float) -> tuple[float, float]:
    """Return the limits of a rank correlation, NaN with too few mice or where it is 1."""
    if freedom < MINIMUM_MICE - 3 or abs(rho) >= 1:
        return np.nan, np.nan
    half_width = special.ndtri((1 + confidence) / 2) * np.sqrt((1 + rho**2 / 2) / freedom)
    low, high = np.tanh(np.arctanh(rho) + np.array([-half_width, half_width]))
    return float(low), float(high)


def spearman_within(x: Array, y: Array, group: np.ndarray, confidence: float) -> Association:
    """Return the rank correlation within groups, so that a difference between groups does not make one.

    Notes
    -----
    Ranks within each group, over its size + 1 and centred, correlated over all groups; n - k - 1 degrees of freedom
    for k groups.
    """
    parts = []
    for name in np.unique(group):
        some = group == name
        parts.append([midranks(one[some]) / (some.sum() + 1) - 0.5 for one in (x, y)])
    a, b = (np.concatenate(side) for side in zip(*parts, strict=True))
    freedom = x.size - len(parts) - 1
    if freedom < 1 or a @ a == 0 or b @ b == 0:
        return NOTHING
    rho = float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1.0, 1.0))
    t = rho * np.sqrt(freedom / max(1e-300, 1 - rho**2))
    low, high = fisher_limits(rho, freedom - 1, confidence)
    return Association(rho, low, high, float(2 * special.stdtr(freedom, -abs(t))))


def roc_auc(good: Array, bad: Array, confidence: float) -> Association:
    """Return the chance that a mouse with the good outcome has the higher signal.

    Parameters
    ----------
    good, bad : ndarray
        Signals of the mice with either outcome.
    confidence : float
        Level of the interval.

    Returns
    -------
    Association
        All NaN where a group has no mouse or all signals are the same.

    Notes
    -----
    U / (n m), with the limits of :func:`cartrace.rank_effects.superiority`: DeLong's variance on the logit scale, exact
    where the curve is perfect. p is that of the exact Mann-Whitney test. In simulated studies of 5 to 10 mice a side
    these limits hold the truth in 97 % or more; Newcombe's, which suppose a shape of the distributions (Stat Med
    2006;25:559), in 87 % where the groups scatter differently.
    """
    if min(good.size, bad.size) < 1:
        return NOTHING
    p = mann_whitney(good, bad).p_value
    if np.isnan(p):
        return NOTHING
    area = superiority(good, bad, confidence)
    if good.size + bad.size < MINIMUM_MICE or min(good.size, bad.size) < 2:
        return Association(area.estimate, np.nan, np.nan, p)
    return Association(area.estimate, area.ci_low, area.ci_high, p, area.ci_method)


def best_cutoff(signal: Array, is_good: np.ndarray) -> tuple[float, bool]:
    """Return the cut-off that tells most mice rightly (Youden), and whether the good outcome lies above it.

    Youden WJ. Cancer 1950;3:32-35. doi:10.1002/1097-0142(1950)3:1<32::aid-cncr2820030106>3.0.co;2-3
    """
    steps = np.unique(signal[np.isfinite(signal)])
    cuts = (steps[1:] + steps[:-1]) / 2
    if np.isneginf(signal).any() and steps.size:
        cuts = np.append(steps[0] - 1e-9 * max(1.0, abs(steps[0])), cuts)
    if cuts.size == 0:
        return np.nan, True
    above = signal[None, :] > cuts[:, None]
    youden = above[:, is_good].mean(axis=1) - above[:, ~is_good].mean(axis=1)
    at = int(np.argmax(np.abs(youden)))
    return float(cuts[at]), bool(youden[at] >= 0)


def told_rightly(signal: Array, is_good: np.ndarray) -> int:
    """Return how many mice are told rightly by the cut-off that the others give (leave-one-out)."""
    right = 0
    for mouse in range(signal.size):
        rest = np.arange(signal.size) != mouse
        if is_good[rest].all() or not is_good[rest].any():
            continue
        cutoff, good_above = best_cutoff(signal[rest], is_good[rest])
        right += int(((signal[mouse] > cutoff) == good_above) == is_good[mouse])
    return right


def wilson(successes: int, n: int, confidence: float) -> tuple[float, float]:
    """Return the limits of a share. Wilson EB. J Am Stat Assoc 1927;22:209-212. doi:10.1080/01621459.1927.10502953."""
    z = float(special.ndtri((1 + confidence) / 2))
    share = successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half_width = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return float(centre - half_width), float(centre + half_width)


def deming(x: Array, y: Array, confidence: float) -> Association:
    """Return the slope of y on x where both err alike.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Values of the same mice, on scales on which their errors are alike.
    confidence : float
        Level of the interval.

    Returns
    -------
    Association
        All NaN where the slope is not defined; p is that of a slope of 1.

    Notes
    -----
    slope = (s_yy - s_xx + √((s_yy - s_xx)² + 4 s_xy²)) / (2 s_xy); the interval by the jackknife with n - 2 degrees of
    freedom. Linnet K. Stat Med 1990;9:1463-1473. doi:10.1002/sim.4780091210
    """
    # ASSUME: the relative errors of a response and of the readout that it is held against are alike.
    n = x.size
    whole = _deming_slope(x, y)
    if n < MINIMUM_MICE or not np.isfinite(whole):
        return Association(whole, np.nan, np.nan, np.nan)
    keep = ~np.eye(n, dtype=bool)
    pseudo = n * whole - (n - 1) * np.array([_deming_slope(x[rest], y[rest]) for rest in keep])
    se = float(np.sqrt(pseudo.var(ddof=1) / n))
    if not np.isfinite(se) or se <= 1e-12 * abs(whole):
        return Association(whole, np.nan, np.nan, np.nan)
    half_width = float(special.stdtrit(n - 2, (1 + confidence) / 2)) * se
    p = float(2 * special.stdtr(n - 2, -abs(whole - 1) / se))
    return Association(whole, whole - half_width, whole + half_width, p)


def _deming_slope(x: Array, y: Array) -> float:
    covariance = np.cov(x, y)
    if covariance[0, 1] == 0:
        return np.nan
    apart = covariance[1, 1] - covariance[0, 0]
    return float((apart + np.sqrt(apart**2 + 4 * covariance[0, 1] ** 2)) / (2 * covariance[0, 1]))
