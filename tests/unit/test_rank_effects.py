"""What tests by rank and by permutation estimate, and their limits."""

import numpy as np
import pytest

from cartrace.rank_effects import (
    hodges_lehmann,
    permutation_limits,
    rank_biserial_paired,
    superiority,
    walsh,
)
from cartrace.rank_tests import mann_whitney, permutation, signed_rank


def test_hodges_lehmann_limits_are_those_that_the_test_does_not_reject():
    random = np.random.default_rng(3)
    a, b = random.normal(1, 1, 6), random.normal(0, 1, 7)
    estimate, low, high = hodges_lehmann(a, b, 0.95)
    assert estimate == pytest.approx(np.median([x - y for x in a for y in b]))
    for limit, inward in ((low, 1e-9), (high, -1e-9)):
        assert mann_whitney(a - limit - inward, b).p_value > 0.05
        assert mann_whitney(a - limit + inward, b).p_value <= 0.05
    # Three against three cannot reject at 5 %.
    assert np.isnan(hodges_lehmann(a[:3], b[:3], 0.95)[1:]).all()


@pytest.mark.parametrize("n", [(6, 7), (5, 5), (4, 9)])
def test_permutation_limits_are_those_that_the_test_does_not_reject(n):
    random = np.random.default_rng(n[0])
    a, b = random.normal(1, 1, n[0]), random.normal(0, 1, n[1])
    low, high = permutation_limits(a, b, 0.95, seed=1)
    assert low < a.mean() - b.mean() < high
    for limit, inward in ((low, 1e-9), (high, -1e-9)):
        assert permutation(a - limit - inward, b, seed=1).p_value > 0.05
        assert permutation(a - limit + inward, b, seed=1).p_value <= 0.05


def test_permutation_limits_of_draws_belong_to_the_test_and_few_mice_have_none():
    random = np.random.default_rng(9)
    a, b = random.normal(0.4, 1, 25), random.normal(0, 1, 30)
    for limit, inward in zip(permutation_limits(a, b, 0.95, seed=4), (1e-9, -1e-9), strict=True):
        assert permutation(a - limit - inward, b, seed=4).p_value > 0.05
        assert permutation(a - limit + inward, b, seed=4).p_value <= 0.05
    assert np.isnan(permutation_limits(a[:3], b[:3], 0.95, seed=1)).all()


def test_walsh_limits_are_those_that_the_signed_ranks_do_not_reject():
    difference = np.random.default_rng(2).normal(0.5, 1, 9)
    estimate, low, high = walsh(difference, 0.95)
    assert estimate == pytest.approx(np.median([(x + y) / 2 for i, x in enumerate(difference) for y in difference[i:]]))
    for limit, inward in ((low, 1e-9), (high, -1e-9)):
        assert signed_rank(difference - limit - inward).p_value > 0.05
        assert signed_rank(difference - limit + inward).p_value <= 0.05
    assert np.isnan(walsh(difference[:5], 0.95)[1:]).all()


def test_the_chance_of_superiority_mirrors_and_depends_on_ranks_only():
    a, b = np.array([3.0, 5, 5, 8]), np.array([-np.inf, 2, 5])
    found, mirrored = superiority(a, b, 0.95), superiority(b, a, 0.95)
    assert [mirrored.estimate, mirrored.ci_low] == pytest.approx([1 - found.estimate, 1 - found.ci_high])
    assert superiority(np.exp(a), np.exp(b), 0.95) == found
    correlation = found.as_correlation()
    assert [correlation.estimate, correlation.ci_low] == [2 * found.estimate - 1, 2 * found.ci_low - 1]


def test_complete_separation_has_the_exact_limit_of_its_worst_case():
    found = superiority(np.array([3.0, 4, 5, 6, 7]), np.array([0.0, 1, 2]), 0.9)
    assert [found.estimate, found.ci_high, found.ci_method] == [1, 1, "exact"]
    # One group without scatter: at the limit, all of the other's three mice lie below it in 5 % of studies.
    random = np.random.default_rng(1)
    separated = (random.uniform(size=(200_000, 3)) < found.ci_low).all(axis=1)
    assert separated.mean() == pytest.approx(0.05, abs=0.002)


def test_one_mouse_or_ties_alone_have_no_limits():
    assert np.isnan(superiority(np.array([2.0]), np.array([1.0, 3.0]), 0.95).ci_low)
    tied = superiority(np.ones(4), np.ones(5), 0.95)
    assert tied.estimate == 0.5
    assert np.isnan(tied.ci_low)


def test_paired_ranks_of_one_sign_have_an_exact_limit():
    found = rank_biserial_paired(np.array([1.0, 2, 3, 0, 4, 5, 6]), 0.95)
    assert [found.estimate, found.ci_high, found.ci_method] == [1, 1, "exact"]
    # Six mice rise, each with q; two of them sum to more than zero with q² at least.
    assert ((found.ci_low + 1) / 2) ** 3 == pytest.approx(0.025, rel=1e-12)
    fallen = rank_biserial_paired(-np.array([1.0, 2, 3, 4, 5, 6]), 0.95)
    assert [fallen.ci_low, fallen.ci_high] == pytest.approx([-1, -found.ci_low])
    assert np.isnan(rank_biserial_paired(np.zeros(4), 0.95).estimate)
