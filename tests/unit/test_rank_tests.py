"""Tests by rank and permutation, against enumerations and scipy."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cartrace.rank_tests import (
    kruskal,
    mann_whitney,
    midranks,
    permutation,
    signed_rank,
    tied_below,
)

few = st.lists(st.integers(-2, 3), min_size=3, max_size=5)


@given(few, few)
def test_mann_whitney_with_ties_is_the_share_of_arrangements(a, b):
    values = midranks(np.array([*a, *b], dtype=float))
    n, expected = len(values), len(a) * (len(values) + 1) / 2
    sums = np.array([values[list(some)].sum() for some in combinations(range(n), len(a))])
    extreme = np.abs(sums - expected) >= abs(values[: len(a)].sum() - expected) - 1e-9
    found = mann_whitney(np.array(a, dtype=float), np.array(b, dtype=float))
    if len({*a, *b}) == 1:
        assert np.isnan(found.p_value)
    else:
        assert found.p_value == pytest.approx(extreme.mean(), rel=1e-12)


@given(few, few, few)
def test_kruskal_with_ties_is_the_share_of_arrangements(a, b, c):
    groups = [np.array(one[:3], dtype=float) for one in (a, b, c)]
    everyone = np.concatenate(groups)
    found = kruskal(groups)
    if np.ptp(everyone) == 0:
        assert np.isnan(found.p_value)
        return
    assert found.statistic == pytest.approx(stats.kruskal(*groups).statistic, rel=1e-10, abs=1e-12)
    values, spread = midranks(everyone), []
    for first in combinations(range(9), 3):
        left = [index for index in range(9) if index not in first]
        for second in combinations(left, 3):
            third = [index for index in left if index not in second]
            spread.append(sum(values[list(some)].sum() ** 2 for some in (first, second, third)))
    observed = sum(values[start : start + 3].sum() ** 2 for start in (0, 3, 6))
    assert found.p_value == pytest.approx(np.mean(np.array(spread) >= observed - 1e-9), rel=1e-12)


@given(st.lists(st.integers(-3, 4), min_size=1, max_size=8))
def test_signed_rank_with_ties_is_the_share_of_signs(differences):
    moved = np.array([value for value in differences if value], dtype=float)
    found = signed_rank(np.array(differences, dtype=float))
    if moved.size == 0:
        assert np.isnan(found.p_value)
        return
    ranks = midranks(np.abs(moved))
    sums = np.array([np.dot(ranks, signs) for signs in product((0, 1), repeat=moved.size)])
    extreme = np.abs(sums - ranks.sum() / 2) >= abs(ranks[moved > 0].sum() - ranks.sum() / 2) - 1e-9
    assert found.p_value == pytest.approx(extreme.mean(), rel=1e-12)


def test_large_groups_follow_the_normal_law_of_scipy():
    random = np.random.default_rng(1)
    a, b = np.round(random.normal(0.3, 1, 80), 1), np.round(random.normal(0, 1, 90), 1)
    found, truth = mann_whitney(a, b), stats.mannwhitneyu(a, b, method="asymptotic")
    assert [found.statistic, found.p_value] == pytest.approx([truth.statistic, truth.pvalue], rel=1e-10)
    assert found.method == "normal law"
    difference = random.normal(0.2, 1, 90)
    truth = stats.wilcoxon(difference, method="asymptotic", correction=True)
    assert signed_rank(difference).p_value == pytest.approx(truth.pvalue, rel=1e-10)


def test_three_against_three_never_reaches_five_percent():
    assert mann_whitney(np.array([4.0, 5, 6]), np.array([1.0, 2, 3])).p_value == pytest.approx(0.1)


def test_values_below_detection_are_tied_lowest_whatever_their_numbers():
    below = np.array([True, True, False, False])
    one, other = (tied_below(np.array(values), below) for values in ([0.9, -2, 0.5, 3], [0.0, 0.0, 0.5, 3]))
    assert midranks(one).tolist() == midranks(other).tolist() == [1.5, 1.5, 3, 4]


def test_permutation_is_exact_where_it_can_be_and_else_near_the_t_test():
    random = np.random.default_rng(5)
    a, b = random.normal(0.6, 1, 6), random.normal(0, 1, 5)
    everyone = np.concatenate([a, b])
    sums = np.array([everyone[list(some)].sum() for some in combinations(range(11), 6)])
    away = np.abs(sums - sums.mean())
    truth = np.mean(away >= abs(a.sum() - sums.mean()) - 1e-9)
    assert permutation(a, b, seed=1).p_value == pytest.approx(truth, rel=1e-12)
    a, b = random.normal(0.4, 1, 40), random.normal(0, 1, 40)
    drawn = permutation(a, b, seed=1)
    assert drawn.p_value == pytest.approx(stats.ttest_ind(a, b).pvalue, abs=0.006)
    assert drawn == permutation(a, b, seed=1)
    assert drawn.method == "99999 draws"


def test_permutation_of_no_scatter_has_no_p():
    assert np.isnan(permutation(np.ones(3), np.ones(4), seed=1).p_value)
