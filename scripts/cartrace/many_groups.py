"""Tests of more than two groups: Welch's analysis of variance, all pairs (Games-Howell), all against one (Dunnett)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from scipy import optimize, special

from cartrace.statistics import Array, Moments


@dataclass(frozen=True)
class Overall:
    """A test that several groups are the same."""

    statistic: float
    df_numerator: float
    df_denominator: float
    p_value: float


@dataclass(frozen=True)
class Pairs:
    """Simultaneous comparisons; `first` and `second` are positions of groups, the rest arrays of shape (k,).

    `difference` is mean of first minus mean of second, with simultaneous confidence limits and p.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]
    difference: Array
    ci_low: Array
    ci_high: Array
    statistic: Array
    df: Array
    p_value: Array


def welch_anova(groups: Moments) -> Overall:
    """Test that several groups share one mean, without assuming equal variances.

    Parameters
    ----------
    groups : Moments
        Arrays of shape (k,), at least two values and some variance in each group.

    Returns
    -------
    Overall
        All NaN where a group has no variance.

    Notes
    -----
    With w = n / variance, W = sum w and m = sum(w mean) / W:
    F = sum(w (mean - m)²) / (k - 1) / (1 + 2 (k - 2) / (k² - 1) sum((1 - w / W)² / (n - 1))).
    Welch BL. Biometrika 1951;38:330-336. doi:10.1093/biomet/38.3-4.330
    """
    k = groups.n.size
    if not np.all(groups.variance > 0):
        return Overall(np.nan, k - 1, np.nan, np.nan)
    weight = groups.n / groups.variance
    total = weight.sum()
    centre = (weight * groups.mean).sum() / total
    lack = ((1 - weight / total) ** 2 / (groups.n - 1)).sum()
    f = (weight * (groups.mean - centre) ** 2).sum() / (k - 1) / (1 + 2 * (k - 2) / (k**2 - 1) * lack)
    df = (k**2 - 1) / (3 * lack)
    return Overall(float(f), k - 1, float(df), float(special.fdtrc(k - 1, df, f)))


def games_howell(groups: Moments, confidence: float) -> Pairs:
    """Compare every pair of groups without assuming equal variances, simultaneously.

    Parameters
    ----------
    groups : Moments
        Arrays of shape (k,), k of at least three.
    confidence : float
        Simultaneous level of the intervals.

    Notes
    -----
    Welch's t and degrees of freedom, held against the studentised range of k groups: p = P(Q > |t| √2).
    Games PA, Howell JF. J Educ Stat 1976;1:113-125. doi:10.3102/10769986001002113
    """
    k = groups.n.size
    first, second = zip(*((i, j) for j, i in combinations(range(k), 2)), strict=True)
    a, b = list(first), list(second)
    v = groups.variance / groups.n
    difference = groups.mean[a] - groups.mean[b]
    squared = v[a] + v[b]
    df = squared**2 / (v[a] ** 2 / (groups.n[a] - 1) + v[b] ** 2 / (groups.n[b] - 1))
    se = np.sqrt(squared)
    t = difference / np.where(se > 0, se, np.nan)
    p = np.array([_range_beyond(abs(float(one)) * np.sqrt(2), k, float(own)) for one, own in zip(t, df, strict=True)])
    width = np.array([_range_quantile(confidence, k, float(one)) for one in df]) / np.sqrt(2) * se
    return Pairs(first, second, difference, difference - width, difference + width, t, df, p)


def _range_quantile(level: float, k: int, df: float) -> float:
    return _quantile(lambda limit: _range_beyond(limit, k, df), level) if np.isfinite(df) else np.nan


def _range_beyond(limit: float, k: int, df: float) -> float:
    """Return P(Q >= limit) of the studentised range of k groups: that of normal values over an independent scatter."""
    if not (np.isfinite(limit) and np.isfinite(df)):
        return np.nan
    z, z_weight = _legendre(96, -8.5, 8.5)
    s, s_weight = _scatter(df)
    within = (special.ndtr(z)[None, :] - special.ndtr(z[None, :] - limit * s[:, None])) ** (k - 1)
    normal = z_weight * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return float(np.clip(1 - k * (s_weight @ within @ normal), 0.0, 1.0))


def _quantile(beyond: Callable[[float], float], level: float) -> float:
    """Return the limit that is passed with probability 1 - level."""
    top = 2.0
    while beyond(top) > 1 - level:
        top *= 2
    return float(optimize.brentq(lambda limit: beyond(limit) - (1 - level), 0.0, top, xtol=1e-10, rtol=1e-11))


def _scatter(df: float) -> tuple[Array, Array]:
    """Return nodes and weights over the law of a standard deviation relative to its truth."""
    # The spread of a pooled standard deviation narrows with its degrees of freedom.
    half = 12 / np.sqrt(2 * df)
    s, weight = _legendre(96, max(1e-9, 1 - half), 1 + half)
    log_density = np.log(2) + df / 2 * np.log(df / 2) - special.gammaln(df / 2) + (df - 1) * np.log(s) - df * s**2 / 2
    return s, weight * np.exp(log_density)


def dunnett(groups: Moments, confidence: float, *, control: int = 0) -> Pairs:
    """Compare every group with the control, simultaneously.

    Parameters
    ----------
    groups : Moments
        Arrays of shape (k,), k of at least two.
    confidence : float
        Simultaneous level of the intervals.
    control : int
        Position of the control.

    Notes
    -----
    t = (mean - mean_control) / (s √(1 / n + 1 / n_control)), s² pooled over all groups; p = 1 - P(max |T| < |t|) under
    the multivariate t with correlations λ_i λ_j, λ_i = √(n_i / (n_i + n_control)), by quadrature.
    Dunnett CW. J Am Stat Assoc 1955;50:1096-1121. doi:10.1080/01621459.1955.10501294
    """
    # ASSUME: Dunnett's comparisons with the control hold for equal variances of all groups.
    others = [group for group in range(groups.n.size) if group != control]
    df = float((groups.n - 1).sum())
    pooled = float(np.sqrt(((groups.n - 1) * groups.variance).sum() / df))
    share = np.sqrt(groups.n[others] / (groups.n[others] + groups.n[control]))
    se = pooled * np.sqrt(1 / groups.n[others] + 1 / groups.n[control])
    difference = groups.mean[others] - groups.mean[control]
    t = difference / np.where(se > 0, se, np.nan)
    p = np.array([np.nan if np.isnan(one) else _beyond(abs(float(one)), share, df) for one in t])
    width = _dunnett_quantile(confidence, tuple(share), df) * se
    k = len(others)
    return Pairs(
        tuple(others), (control,) * k, difference, difference - width, difference + width, t, np.full(k, df), p
    )


@cache
def _dunnett_quantile(level: float, share: tuple[float, ...], df: float) -> float:
    shares = np.array(share)
    return _quantile(lambda limit: _beyond(limit, shares, df), level)


def _beyond(limit: float, share: Array, df: float) -> float:
    """Return P(max |T| >= limit) of the multivariate t with product correlations."""
    z, z_weight = _legendre(96, -8.5, 8.5)
    s, s_weight = _scatter(df)
    rest = np.sqrt(1 - share**2)
    within = np.ones((s.size, z.size))
    for own, left in zip(share, rest, strict=True):
        centre = own * z[None, :] / left
        reach = limit * s[:, None] / left
        within *= special.ndtr(centre + reach) - special.ndtr(centre - reach)
    normal = z_weight * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    inside = s_weight @ within @ normal
    return float(np.clip(1 - inside, 0.0, 1.0))


def _legendre(order: int, low: float, high: float) -> tuple[Array, Array]:
    node, weight = _nodes(order)
    return (low + high) / 2 + (high - low) / 2 * node, (high - low) / 2 * weight


_nodes: Callable[[int], tuple[Array, Array]] = cache(np.polynomial.legendre.leggauss)
