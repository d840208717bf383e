"""Rank correlation, ROC curves, cut-offs and Deming's line."""

import numpy as np
import pytest
from scipy import stats

from cartrace.association import best_cutoff, deming, roc_auc, spearman, spearman_within, told_rightly, wilson
from cartrace.rank_tests import midranks


def test_spearman_is_exact_with_few_mice_and_by_t_with_more():
    random = np.random.default_rng(1)
    x, y = random.normal(size=7), random.normal(size=7)
    exact = stats.permutation_test(
        (x,), lambda a: stats.spearmanr(a, y).statistic, permutation_type="pairings", n_resamples=np.inf
    )
    found = spearman(x, y, 0.95)
    assert found.estimate == pytest.approx(stats.spearmanr(x, y).statistic, rel=1e-12)
    assert found.p_value == pytest.approx(exact.pvalue, rel=1e-10)
    x, y = np.round(random.normal(size=30), 1), np.round(random.normal(size=30), 1)
    assert spearman(x, y, 0.95).p_value == pytest.approx(stats.spearmanr(x, y).pvalue, rel=1e-10)


def test_spearman_interval_by_hand():
    x = np.arange(10.0)
    y = np.array([2.0, 1, 4, 3, 6, 5, 8, 7, 10, 9])
    found = spearman(x, y, 0.95)
    rho = 1 - 6 * 10 / 990
    half = 1.959963985 * np.sqrt((1 + rho**2 / 2) / 7)
    assert [found.estimate, found.ci_low] == pytest.approx([rho, np.tanh(np.arctanh(rho) - half)], rel=1e-8)


def test_four_mice_get_no_interval_and_no_variation_no_correlation():
    assert np.isnan(spearman(np.arange(4.0), np.array([1.0, 3, 2, 4]), 0.95).ci_low)
    assert np.isnan(spearman(np.ones(6), np.arange(6.0), 0.95).estimate)


def test_a_difference_between_groups_is_no_correlation_within_them():
    random = np.random.default_rng(4)
    group = np.repeat(["a", "b"], 60)
    shift = (group == "b") * 10.0
    x, y = random.normal(size=120) + shift, random.normal(size=120) + shift
    assert spearman(x, y, 0.95).estimate > 0.7
    assert abs(spearman_within(x, y, group, 0.95).estimate) < 0.25
    one = spearman_within(x[:60], y[:60], group[:60], 0.95)
    assert one.estimate == pytest.approx(spearman(x[:60], y[:60], 0.95).estimate, rel=1e-10)
    assert one.p_value == pytest.approx(spearman(x[:60], y[:60], 0.95).p_value, rel=1e-10)


def test_roc_is_the_share_of_pairs():
    good, bad = np.array([3.0, 5, 5, 8]), np.array([1.0, 2, 5])
    found = roc_auc(good, bad, 0.95)
    pairs = [(g > b) + 0.5 * (g == b) for g in good for b in bad]
    assert found.estimate == pytest.approx(np.mean(pairs))
    assert found.ci_method == "DeLong, logit"
    assert 0 < found.ci_low < found.estimate < found.ci_high < 1


def test_a_perfect_curve_is_not_certain():
    found = roc_auc(np.array([4.0, 5, 6, 7]), np.array([1.0, 2, 3]), 0.95)
    assert [found.estimate, found.ci_high, found.ci_method] == [1, 1, "exact"]
    # All of three pairs lie so with probability p³.
    assert found.ci_low**3 == pytest.approx(0.025, rel=1e-12)
    mirrored = roc_auc(np.array([1.0, 2, 3]), np.array([4.0, 5, 6, 7]), 0.95)
    assert [mirrored.ci_low, mirrored.ci_high] == pytest.approx([0, 1 - found.ci_low])


def test_a_signal_that_is_the_same_in_all_mice_has_no_curve():
    assert np.isnan(roc_auc(np.full(4, -np.inf), np.full(5, -np.inf), 0.95).estimate)


def test_wilson_limits():
    # Newcombe RG. Stat Med 1998;17:857-872, table I.
    assert wilson(81, 263, 0.95) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20, 0.95) == pytest.approx((0, 0.1611), abs=5e-5)


def test_a_cutoff_is_judged_by_mice_that_did_not_choose_it():
    signal, good = np.array([1.0, 2, 3, 10, 11, 12]), np.array([False] * 3 + [True] * 3)
    assert best_cutoff(signal, good) == (6.5, True)
    assert best_cutoff(-signal, good) == (-6.5, False)
    assert told_rightly(signal, good) == 6
    # A signal that says nothing tells half of the mice rightly, not more.
    random, right = np.random.default_rng(2), []
    for _ in range(200):
        right.append(told_rightly(random.normal(size=12), np.arange(12) % 2 == 0) / 12)
    assert np.mean(right) < 0.55


def test_a_cutoff_below_all_quantified_mice_tells_those_below_detection():
    cutoff, above = best_cutoff(np.array([-np.inf, -np.inf, 2.0, 3.0]), np.array([False, False, True, True]))
    assert above
    assert -np.inf < cutoff < 2


def test_deming_is_symmetric_and_finds_the_line():
    random = np.random.default_rng(8)
    truth = random.normal(0, 2, 40)
    x, y = truth + random.normal(0, 0.3, 40), 1.5 * truth + random.normal(0, 0.3, 40)
    found, other = deming(x, y, 0.95), deming(y, x, 0.95)
    assert found.estimate == pytest.approx(1 / other.estimate, rel=1e-10)
    assert abs(found.estimate - 1.5) < 4 * (found.ci_high - found.ci_low) / 4
    # The major axis of the cloud.
    axis = np.linalg.eigh(np.cov(x, y))[1][:, 1]
    assert found.estimate == pytest.approx(axis[1] / axis[0], rel=1e-10)
    assert found.p_value < 1e-6
    assert np.isnan(deming(x[:4], y[:4], 0.95).ci_low)


def test_midranks():
    assert midranks(np.array([3.0, 1, 3, 2])).tolist() == [3.5, 1, 3.5, 2]
