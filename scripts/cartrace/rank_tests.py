"""Tests by rank and by permutation: exact with ties where the arrangements can be counted, else by their limit law.

Values below detection take part as ties at the lowest rank (`tied_below`), whatever number they carry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, prod

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cartrace.statistics import Array

# Most mice of both groups together whose rank sums are counted exactly, and most arrangements that are enumerated.
EXACT_MICE = 60
EXACT_STATES = 20_000
EXACT_ARRANGEMENTS = 200_000
DRAWS = 99_999
# Draws times mice beyond which draws are fewer; p is then known to two digits all the same.
MOST_DRAWN = 20_000_000


@dataclass(frozen=True)
class RankTest:
    """A test by ranks or permutation; `df` is NaN where p needs none, `method` says how p was found."""

    statistic: float
    df: float
    p_value: float
    method: str


def tied_below(values: Array, below: NDArray[np.bool_]) -> Array:
    """Return values with those below detection tied lowest."""
    # ASSUME: in tests by rank, a value below detection is lower than every value above it, and tied with its like.
    return np.where(below, -np.inf, values)


def midranks(values: Array) -> Array:
    """Return the ranks of values from 1, ties at their mean."""
    _, code, size = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(size) - (size - 1) / 2)[code], dtype=np.float64)


def mann_whitney(a: Array, b: Array) -> RankTest:
    """Compare two groups by their ranks (Wilcoxon, Mann and Whitney), exact with ties.

    Parameters
    ----------
    a, b : ndarray, shapes (n_a,) and (n_b,)
        Values; ties and -inf are allowed.

    Returns
    -------
    RankTest
        The statistic is U of `a`: the pairs in which a is above b, ties counted half. p is NaN where all are tied.

    Notes
    -----
    Exact p: share of all C(n_a + n_b, n_a) arrangements of the midranks whose rank sum lies at least as far from its
    expectation. Above `EXACT_MICE` mice the normal law with the variance for ties and a correction for continuity.
    Mann HB, Whitney DR. Ann Math Stat 1947;18:50-60. doi:10.1214/aoms/1177730491
    """
    n_a, n = len(a), len(a) + len(b)
    doubled = np.rint(2 * midranks(np.concatenate([a, b]))).astype(np.int64)
    u = doubled[:n_a].sum() / 2 - n_a * (n_a + 1) / 2
    away = abs(n * int(doubled[:n_a].sum()) - n_a * int(doubled.sum()))
    if doubled.min() == doubled.max():
        return RankTest(float(u), np.nan, np.nan, "exact")
    if n <= EXACT_MICE:
        weight = subset_sums(doubled, n_a)
        sums = np.arange(weight.size)
        extreme = np.abs(n * sums - n_a * int(doubled.sum())) >= away
        p = float(weight[extreme].sum() / weight.sum())
        return RankTest(float(u), np.nan, min(1.0, p), "exact")
    variance = n_a * (n - n_a) * np.var(doubled / 2, ddof=1) / n
    z = max(0.0, abs(u - n_a * (n - n_a) / 2) - 0.5) / np.sqrt(variance)
    return RankTest(float(u), np.nan, float(min(1.0, 2 * special.ndtr(-z))), "normal law")


def subset_sums(parts: NDArray[np.int64], size: int) -> Array:
    """Return how many subsets of that size have each sum."""
    ways = np.zeros((size + 1, int(np.sort(parts)[-size:].sum()) + 1))
    ways[0, 0] = 1.0
    for part in parts:
        for k in range(size, 0, -1):
            ways[k, part:] += ways[k - 1, : ways.shape[1] - part]
    return np.asarray(ways[size], dtype=np.float64)


def mann_whitney_u(a: Array, b: Array) -> float:
    """Return U of `a`: the pairs in which a is above b, ties counted half."""
    return float(midranks(np.concatenate([a, b]))[: len(a)].sum() - len(a) * (len(a) + 1) / 2)


def kruskal(groups: list[Array]) -> RankTest:
    """Compare several groups by their ranks (Kruskal and Wallis), exact with ties where arrangements can be counted.

    Parameters
    ----------
    groups : list of ndarray
        Values of each group.

    Returns
    -------
    RankTest
        H, corrected for ties, with k - 1 degrees of freedom; p is NaN where all values are tied.

    Notes
    -----
    Kruskal WH, Wallis WA. J Am Stat Assoc 1952;47:583-621. doi:10.1080/01621459.1952.10483441. Where H's own
    permutation distribution is too wide to count, p is that of chi-squared.
    """
    sizes = np.array([len(group) for group in groups])
    doubled = np.rint(2 * midranks(np.concatenate(groups))).astype(np.int64)
    n, df = int(sizes.sum()), len(groups) - 1
    if doubled.min() == doubled.max():
        return RankTest(np.nan, df, np.nan, "exact")
    sums = np.add.reduceat(doubled, np.cumsum(sizes) - sizes)
    scale = n / (n - 1) * n / ((doubled - doubled.mean()) ** 2).sum()

    def spread(rank_sums: Array) -> Array:
        return np.asarray(((rank_sums - sizes * doubled.mean()) ** 2 / sizes).sum(axis=-1), dtype=np.float64)

    observed = float(spread(sums.astype(np.float64)))
    h = observed * scale * (n - 1) ** 2 / n**2
    counted = _group_sums(doubled, sizes)
    if counted is None:
        return RankTest(h, df, float(special.chdtrc(df, h)), "chi-squared law")
    rank_sums, weight = counted
    extreme = spread(rank_sums) >= observed * (1 - 1e-12)
    return RankTest(h, df, float(min(1.0, weight[extreme].sum() / weight.sum())), "exact")


def _group_sums(parts: NDArray[np.int64], sizes: NDArray[np.int64]) -> tuple[Array, Array] | None:
    """Return all tuples of group sums with the number of arrangements behind each, None where they are too many."""
    k = len(sizes)
    state, weight = np.zeros((1, 2 * k), dtype=np.int64), np.ones(1)
    spans = [*(int(size) + 1 for size in sizes), *[int(parts.sum()) + 1] * k]
    # What the last group holds follows from the others.
    spans[k - 1] = spans[-1] = 1
    for part in parts:
        grown, weights = [], []
        for group in range(k):
            open_ = state[:, group] < sizes[group]
            following = state[open_]
            following[:, group] += 1
            following[:, k + group] += part
            grown.append(following)
            weights.append(weight[open_])
        state, code = _distinct(np.concatenate(grown), spans)
        weight = np.bincount(code, np.concatenate(weights), len(state)).astype(np.float64)
        if len(state) > EXACT_STATES:
            return None
    return state[:, k:].astype(np.float64), weight


def _distinct(states: NDArray[np.int64], spans: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return the distinct rows, in order, and which of them each row is; a column has values below its span."""
    if prod(spans) > np.iinfo(np.int64).max:
        found, code = np.unique(states, axis=0, return_inverse=True)
        return found, code.ravel()
    # As one number a row, which is many times as fast; a column with the span 1 does not count.
    places = np.array([prod(spans[column + 1 :]) if span > 1 else 0 for column, span in enumerate(spans)])
    _, first, code = np.unique(states @ places, return_index=True, return_inverse=True)
    return states[first], code


@dataclass(frozen=True)
class Arrangements:
    """Ways to deal the mice to two groups: every one once, or so many drawn at random.

    Parameters
    ----------
    difference : Array, shape (k,)
        Mean of the first group minus that of the second.
    n_own : ndarray, shape (k,)
        Mice of the first group that were dealt to it again.
    is_drawn : bool
        Whether they were drawn at random.
    """

    difference: Array
    n_own: NDArray[np.int64]
    is_drawn: bool


def arrangements(a: Array, b: Array, *, seed: int) -> Arrangements:
    """Deal the mice of two groups anew, in all ways up to `EXACT_ARRANGEMENTS`, else at random."""
    values, n_a = np.concatenate([a, b]), len(a)
    n = values.size
    centred = values - values.mean()
    is_drawn = comb(n, n_a) > EXACT_ARRANGEMENTS
    sums, own = zip(
        *((centred[chosen].sum(axis=1), (chosen < n_a).sum(axis=1)) for chosen in _dealt(n, n_a, is_drawn, seed)),
        strict=True,
    )
    return Arrangements(np.concatenate(sums) * n / (n_a * (n - n_a)), np.concatenate(own), is_drawn)


def _dealt(n: int, size: int, is_drawn: bool, seed: int) -> Iterator[NDArray[np.intp]]:
    """Yield the places that are dealt to the first group, in blocks, because all draws at once take much memory."""
    if not is_drawn:
        every = np.fromiter((index for some in combinations(range(n), size) for index in some), dtype=np.intp)
        yield every.reshape(-1, size)
        return
    generator, block = np.random.default_rng(seed), max(1, 2_000_000 // n)
    draws = DRAWS if DRAWS * n <= MOST_DRAWN else 9_999
    for start in range(0, draws, block):
        order = np.tile(np.arange(n, dtype=np.intp), (min(block, draws - start), 1))
        yield generator.permuted(order, axis=1)[:, :size]


def permutation(a: Array, b: Array, *, seed: int) -> RankTest:
    """Compare two means by exchanging the mice of the groups.

    Parameters
    ----------
    a, b : ndarray, shapes (n_a,) and (n_b,)
        Finite values.
    seed : int
        Seed of the draws, used where the arrangements are too many to enumerate.

    Returns
    -------
    RankTest
        The statistic is mean a - mean b. p is exact up to `EXACT_ARRANGEMENTS` arrangements, else (extreme + 1) /
        (draws + 1). Phipson B, Smyth GK. Stat Appl Genet Mol Biol 2010;9:39. doi:10.2202/1544-6115.1585
    """
    # ASSUME: under the hypothesis of a permutation test the mice of two groups could change places.
    observed = float(a.mean() - b.mean())
    if np.ptp(np.concatenate([a, b])) == 0:
        return RankTest(observed, np.nan, np.nan, "exact")
    found = arrangements(a, b, seed=seed)
    rounding = 1e-12 * float(np.ptp(np.concatenate([a, b])))
    extreme = int((np.abs(found.difference) >= abs(observed) - rounding).sum())
    total, added = found.difference.size, int(found.is_drawn)
    p = (extreme + added) / (total + added)
    return RankTest(observed, np.nan, p, f"{total} draws" if found.is_drawn else "exact")


def signed_rank(differences: Array) -> RankTest:
    """Test whether paired differences lie about zero (Wilcoxon's signed ranks), exact with ties.

    Parameters
    ----------
    differences : ndarray, shape (n,)
        Finite differences; zeros are left out.

    Returns
    -------
    RankTest
        The statistic is the rank sum of the positive differences; p is NaN where all are zero.

    Notes
    -----
    Wilcoxon F. Biometrics Bull 1945;1:80-83. doi:10.2307/3001968
    """
    moved = differences[differences != 0]
    if moved.size == 0:
        return RankTest(0.0, np.nan, np.nan, "exact")
    doubled = np.rint(2 * midranks(np.abs(moved))).astype(np.int64)
    positive, total = int(doubled[moved > 0].sum()), int(doubled.sum())
    if moved.size > EXACT_MICE:
        sd = np.sqrt((doubled.astype(np.float64) ** 2).sum()) / 2
        z = max(0.0, abs(positive - total / 2) - 1.0) / sd
        return RankTest(positive / 2, np.nan, float(min(1.0, 2 * special.ndtr(-z))), "normal law")
    share = signed_rank_law(doubled)
    extreme = np.abs(2 * np.arange(total + 1) - total) >= abs(2 * positive - total)
    return RankTest(positive / 2, np.nan, float(min(1.0, share[extreme].sum())), "exact")


def signed_rank_law(ranks: NDArray[np.int64]) -> Array:
    """Return the chance of each sum, from 0 on, of those ranks that get a positive sign by the toss of a coin."""
    total = int(ranks.sum())
    share = np.zeros(total + 1)
    share[0] = 1.0
    for part in ranks.tolist():
        share[part:] = 0.5 * (share[part:] + share[: total + 1 - part])
        share[:part] *= 0.5
    return share
