"""Survival: ties, groups, and where the hazard ratio has no finite value."""

import numpy as np
import pytest
from scipy import stats

from cartrace.survival import cox, log_rank, log_rank_scores, median_survival


def test_log_rank_of_two_groups_equals_scipy():
    random = np.random.default_rng(1)
    time = np.round(random.exponential(10, 20)) + 1
    event, group = random.uniform(size=20) < 0.8, np.repeat([0, 1], 10)
    sides = [stats.CensoredData.right_censored(time[group == one], ~event[group == one]) for one in (0, 1)]
    truth = stats.logrank(*sides)
    found = log_rank(time, event, group)
    assert found.test.statistic == pytest.approx(truth.statistic**2, rel=1e-10)
    assert found.test.p_value == pytest.approx(truth.pvalue, rel=1e-10)
    assert found.observed.sum() == pytest.approx(found.expected.sum())


def test_log_rank_of_three_groups_does_not_depend_on_their_order():
    random = np.random.default_rng(2)
    time, event, group = random.exponential(5, 30), random.uniform(size=30) < 0.7, np.arange(30) % 3
    first = log_rank(time, event, group).test
    again = log_rank(time, event, (group + 1) % 3).test
    assert [first.statistic, first.df] == pytest.approx([again.statistic, 2])


def test_without_a_death_there_is_no_test():
    found = log_rank(np.arange(1.0, 7), np.zeros(6, dtype=bool), np.arange(6) % 2)
    assert np.isnan(found.test.p_value)
    assert np.isnan(median_survival(np.arange(1.0, 7), np.zeros(6, dtype=bool)))


def test_median_survival_counts_the_censored_at_risk():
    time, event = np.array([1.0, 2, 3, 4]), np.array([False, True, True, True])
    # 1, then 2/3, then 1/3.
    assert median_survival(time, event) == 3


def test_scores_sum_to_nothing_and_order_by_time():
    random = np.random.default_rng(3)
    time, event = random.exponential(5, 15), random.uniform(size=15) < 0.6
    scores = log_rank_scores(time, event)
    assert scores.sum() == pytest.approx(0, abs=1e-12)
    # The difference of observed and expected deaths of a group is the sum of its scores.
    group = np.arange(15) % 2
    found = log_rank(time, event, group)
    assert scores[group == 1].sum() == pytest.approx((found.observed - found.expected)[1])


def test_cox_without_ties_is_the_partial_likelihood_and_efron_breaks_ties_evenly():
    time, event, x = np.array([1.0, 2, 3, 4]), np.ones(4, dtype=bool), np.array([[1.0], [0.0], [1.0], [0.0]])
    beta = cox(time, event, x).coefficients[0]

    def log_likelihood(b):
        risks = [(1, [1, 0, 1, 0]), (0, [0, 1, 0]), (1, [1, 0]), (0, [0])]
        return sum(b * own - np.log(np.exp(b * np.array(alive)).sum()) for own, alive in risks)

    grid = np.linspace(beta - 0.5, beta + 0.5, 1001)
    assert grid[np.argmax([log_likelihood(b) for b in grid])] == pytest.approx(beta, abs=1e-3)
    assert cox(time, event, x).log_likelihood[1] == pytest.approx(log_likelihood(beta), rel=1e-10)
    tied = cox(np.array([1.0, 1, 2, 3]), event, x)
    b = tied.coefficients[0]
    first = b - np.log(2 * np.exp(b) + 2) - np.log(1.5 * np.exp(b) + 1.5)
    assert tied.log_likelihood[1] == pytest.approx(first + b - np.log(np.exp(b) + 1), rel=1e-9)


def test_where_all_deaths_fall_to_one_side_the_hazard_ratio_is_not_given():
    time, event = np.array([1.0, 2, 3, 9, 9, 9]), np.array([True] * 3 + [False] * 3)
    fit = cox(time, event, np.repeat([[1.0], [0.0]], 3, axis=0))
    assert not fit.converged
    assert np.isnan(fit.coefficients[0])
    assert 0 < fit.p_value < 0.1
