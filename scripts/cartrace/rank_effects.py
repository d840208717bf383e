"""What tests by rank estimate: shifts, and the chance that one mouse lies above another, with their limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from cartrace.rank_tests import EXACT_MICE, arrangements, mann_whitney_u, midranks, signed_rank_law, subset_sums
from cartrace.statistics import Array

DELONG, EXACT = "DeLong, logit", "exact"


@dataclass(frozen=True)
class Share:
    """A chance or a rank-biserial correlation with its confidence limits, and how these were found."""

    estimate: float
    ci_low: float = np.nan
    ci_high: float = np.nan
    ci_method: str = ""

    @property
    def kind(self) -> str:
        """The name of a rank-biserial correlation, with how its limits were found."""
        return f"rank-biserial ({self.ci_method or 'no limits'})"

    def as_correlation(self) -> Share:
        """Return a chance p as 2 p - 1: the share of pairs above minus the share below."""
        return Share(2 * self.estimate - 1, 2 * self.ci_low - 1, 2 * self.ci_high - 1, self.ci_method)


def superiority(a: Array, b: Array, confidence: float) -> Share:
    """Return the chance that a value of a lies above one of b, ties counted half: the area under the ROC curve.

    Parameters
    ----------
    a, b : ndarray, shapes (n_a,) and (n_b,)
        Values; ties and -inf are allowed.
    confidence : float
        Level of the interval.

    Returns
    -------
    Share
        Without limits where a group has one value only or all values are tied.

    Notes
    -----
    U / (n_a n_b). The variance is that of the placements of either group, v = s_a² / n_a + s_b² / n_b. DeLong ER,
    DeLong DM, Clarke-Pearson DL. Biometrics 1988;44:837-845. doi:10.2307/2531595. The limits are symmetric on the logit
    scale, where they stay within 0 and 1, by t with the degrees of freedom of Satterthwaite, as in Brunner E, Munzel U.
    Biom J 2000;42:17-25. doi:10.1002/(SICI)1521-4036(200001)42:1<17::AID-BIMJ17>3.0.CO;2-U

    Where all of one group lie above all of the other, v is zero and says nothing. The limit is then exact: of
    m = min(n_a, n_b) independent pairs of mice all lie so, which a chance p gives with p^m at most, and does where one
    group does not scatter. Clopper CJ, Pearson ES. Biometrika 1934;26:404-413. doi:10.1093/biomet/26.4.404
    """
    n_a, n_b = len(a), len(b)
    u = mann_whitney_u(a, b)
    area = u / (n_a * n_b)
    if u in (0, n_a * n_b):
        limit = float(((1 - confidence) / 2) ** (1 / min(n_a, n_b)))
        return Share(area, limit, 1.0, EXACT) if u else Share(area, 0.0, 1 - limit, EXACT)
    whole = midranks(np.concatenate([a, b]))
    # How much of the other group lies below each value.
    parts = [(whole[:n_a] - midranks(a)) / n_b, (whole[n_a:] - midranks(b)) / n_a]
    if min(n_a, n_b) < 2 or max(np.ptp(part) for part in parts) == 0:
        return Share(area)
    own = np.array([part.var(ddof=1) / part.size for part in parts])
    df = own.sum() ** 2 / (own**2 / np.array([n_a - 1, n_b - 1])).sum()
    half_width = special.stdtrit(df, (1 + confidence) / 2) * np.sqrt(own.sum()) / (area * (1 - area))
    low, high = special.expit(special.logit(area) + np.array([-half_width, half_width]))
    return Share(area, float(low), float(high), DELONG)


def hodges_lehmann(a: Array, b: Array, confidence: float) -> tuple[float, float, float]:
    """Return the median of all differences a - b, with the limits that the Mann-Whitney test does not reject.

    Parameters
    ----------
    a, b : ndarray, shapes (n_a,) and (n_b,)
        Finite values.
    confidence : float
        Level of the interval.

    Returns
    -------
    tuple of float
        Estimate and limits; limits are NaN where so few mice cannot reject at that level.

    Notes
    -----
    Hodges JL, Lehmann EL. Ann Math Stat 1963;34:598-611. doi:10.1214/aoms/1177704172
    """
    n_a, n_b = len(a), len(b)
    differences = np.sort(np.subtract.outer(a, b), axis=None)
    estimate = float(np.median(differences))
    tail = (1 - confidence) / 2
    if n_a + n_b <= EXACT_MICE:
        weight = subset_sums(np.arange(1, n_a + n_b + 1, dtype=np.int64), n_a)
        weight = weight[n_a * (n_a + 1) // 2 :]
        below = int(np.searchsorted(np.cumsum(weight / weight.sum()), tail, side="right"))
    else:
        sd = np.sqrt(n_a * n_b * (n_a + n_b + 1) / 12)
        below = int(np.floor(n_a * n_b / 2 + special.ndtri(tail) * sd))
    if below < 1:
        return estimate, np.nan, np.nan
    return estimate, float(differences[below - 1]), float(differences[-below])


def permutation_limits(a: Array, b: Array, confidence: float, *, seed: int) -> tuple[float, float]:
    """Return the limits of mean a - mean b: the shifts that the permutation test does not reject.

    Parameters
    ----------
    a, b : ndarray, shapes (n_a,) and (n_b,)
        Finite values.
    confidence : float
        Level of the interval.
    seed : int
        Seed of the draws, that of the test.

    Returns
    -------
    tuple of float
        NaN where so few mice cannot reject at that level.

    Notes
    -----
    D is the difference of means, A that of an arrangement, c the share of a's mice in its first group less that in its
    second. Under a shift s the arrangement is as extreme as the data where abs(A - c s) >= abs(D - s), which is so
    between (D - A) / (1 - c) and (D + A) / (1 + c). Garthwaite PH. Biometrics 1996;52:1387-1393. doi:10.2307/2532852
    """
    found, observed = arrangements(a, b, seed=seed), float(a.mean() - b.mean())
    share = found.n_own / len(a) - (len(a) - found.n_own) / len(b)
    # The data themselves, and with groups alike in size their mirror, are extreme under every shift.
    always = np.isclose(np.abs(share), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = [(observed - found.difference) / (1 - share), (observed + found.difference) / (1 + share)]
    low = np.sort(np.where(always, -np.inf, np.minimum(*ends)))
    high = np.sort(np.where(always, np.inf, np.maximum(*ends)))
    # So many must be extreme that their share, with the data themselves among the draws, exceeds the level.
    added = int(found.is_drawn)
    needed = int(np.floor((1 - confidence) * (low.size + added) + 1e-9)) + 1 - added
    if needed < 1 or not np.isfinite([low[needed - 1], high[-needed]]).all():
        return np.nan, np.nan
    return float(low[needed - 1]), float(high[-needed])


def walsh(differences: Array, confidence: float) -> tuple[float, float, float]:
    """Return the median of the means of all pairs of differences, with the limits that the signed ranks do not reject.

    Parameters
    ----------
    differences : ndarray, shape (n,)
        Finite differences of the mice.
    confidence : float
        Level of the interval.

    Returns
    -------
    tuple of float
        Estimate and limits; limits are NaN where so few mice cannot reject at that level.

    Notes
    -----
    The pseudo-median. Hodges JL, Lehmann EL. Ann Math Stat 1963;34:598-611. doi:10.1214/aoms/1177704172
    """
    n = len(differences)
    row, column = np.triu_indices(n)
    means = np.sort((differences[row] + differences[column]) / 2)
    tail = (1 - confidence) / 2
    if n <= EXACT_MICE:
        below = int(np.searchsorted(np.cumsum(signed_rank_law(np.arange(1, n + 1))), tail, side="right"))
    else:
        below = int(np.floor(n * (n + 1) / 4 + special.ndtri(tail) * np.sqrt(n * (n + 1) * (2 * n + 1) / 24)))
    limits = (means[below - 1], means[-below]) if below >= 1 else (np.nan, np.nan)
    return float(np.median(means)), float(limits[0]), float(limits[1])


def rank_biserial_paired(differences: Array, confidence: float) -> Share:
    """Return the rank sum of the positive differences minus that of the negative ones, over both.

    Parameters
    ----------
    differences : ndarray, shape (n,)
        Finite differences of the mice; zeros are left out.
    confidence : float
        Level of the interval.

    Returns
    -------
    Share
        NaN where all differences are zero.

    Notes
    -----
    Kerby DS. Compr Psychol 2014;3:11.IT.3.1. doi:10.2466/11.IT.3.1. Limits by Fisher's z with SE² = (4 n + 2) /
    (3 n (n + 1)), as in R's effectsize. Where all differences have one sign the limit is exact: a chance p that two
    differences sum to more than zero leaves them all above it with p^(n/2) at most.
    """
    moved = differences[differences != 0]
    n = moved.size
    if n == 0:
        return Share(np.nan)
    ranks = midranks(np.abs(moved))
    r = float(ranks @ np.sign(moved) / ranks.sum())
    if (moved > 0).all() or (moved < 0).all():
        limit = 2 * float(((1 - confidence) / 2) ** (2 / n)) - 1
        return Share(1.0, limit, 1.0, EXACT) if r > 0 else Share(-1.0, -1.0, -limit, EXACT)
    half_width = special.ndtri((1 + confidence) / 2) * np.sqrt((4 * n + 2) / (3 * n * (n + 1)))
    low, high = np.tanh(np.arctanh(r) + np.array([-half_width, half_width]))
    return Share(r, float(low), float(high), "Fisher z")
