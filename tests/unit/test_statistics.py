"""Properties and edges of the group statistics; their agreement with R stands in tests/reference."""

from math import gamma, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cartrace.statistics import (
    ADJUSTMENTS,
    MINIMUM_N,
    Moments,
    benjamini_hochberg,
    hedges_g,
    holm,
    mean_interval,
    welch,
)

values = st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=12).filter(lambda x: np.std(x) > 1e-3)
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=20).map(np.array)


def moments(*groups):
    parts = [(len(group), np.mean(group), np.var(group, ddof=1)) for group in groups]
    return Moments(*np.array(parts, dtype=float).T)


def small_sample_correction(df):
    return gamma(df / 2) / (sqrt(df / 2) * gamma((df - 1) / 2))


@given(values, values)
def test_welch_equals_scipy(x, y):
    found = welch(moments(x), moments(y), 0.9)
    truth = stats.ttest_ind(x, y, equal_var=False)
    interval = truth.confidence_interval(0.9)
    assert found.statistic[0] == pytest.approx(truth.statistic, rel=1e-9, abs=1e-9)
    assert found.df[0] == pytest.approx(truth.df, rel=1e-9)
    assert found.p_value[0] == pytest.approx(truth.pvalue, rel=1e-7)
    assert [found.ci_low[0], found.ci_high[0]] == pytest.approx([interval.low, interval.high], rel=1e-7, abs=1e-7)


@given(values, values)
def test_swapping_the_groups_turns_the_sign(x, y):
    for function in (welch, hedges_g):
        one, other = (vars(function(*pair, 0.95)) for pair in ((moments(x), moments(y)), (moments(y), moments(x))))
        for name in one.keys() - {"df", "p_value", "ci_low", "ci_high"}:
            assert one[name] == pytest.approx(-other[name], rel=1e-9)
        assert one["ci_low"] == pytest.approx(-other["ci_high"], rel=1e-6, abs=1e-6)
    assert welch(moments(x), moments(y), 0.95).p_value == welch(moments(y), moments(x), 0.95).p_value


@given(values, values)
def test_hedges_g_does_not_depend_on_the_unit(x, y):
    one = hedges_g(moments(x), moments(y), 0.95)
    other = hedges_g(moments(np.array(x) * 37.0), moments(np.array(y) * 37.0), 0.95)
    assert one.estimate == pytest.approx(other.estimate, rel=1e-9)


@pytest.mark.parametrize("difference", [0.0, 0.4, 3.0, 12.0, 60.0, -25.0])
@pytest.mark.parametrize("n", [3, 6, 40])
def test_hedges_g_limits_invert_the_noncentral_t(n, difference):
    a, b = (Moments(np.array([float(n)]), np.array([mean]), np.array([1.0])) for mean in (difference, 0.0))
    found = hedges_g(a, b, 0.95)
    df, root = 2 * n - 2, np.sqrt(2 / n)
    correction = small_sample_correction(df)
    assert found.estimate[0] == pytest.approx(correction * difference, rel=1e-12)
    for limit, level in ((found.ci_low[0], 0.975), (found.ci_high[0], 0.025)):
        assert stats.nct.cdf(difference / root, df, limit / (correction * root)) == pytest.approx(level, abs=2e-9)


def test_hedges_g_is_unbiased_and_its_interval_covers():
    random, n, truth = np.random.default_rng(20260301), 5, 1.2
    x, y = random.normal(truth, 1, (20_000, n)), random.normal(0, 1, (20_000, n))
    a, b = (Moments(np.full(20_000, float(n)), group.mean(axis=1), group.var(axis=1, ddof=1)) for group in (x, y))
    found = hedges_g(a, b, 0.95)
    assert found.estimate.mean() == pytest.approx(truth, abs=4 * found.estimate.std() / np.sqrt(20_000))
    # The limits are those of delta times J, as effectsize gives them, so that coverage is judged on d.
    df = 2 * n - 2
    correction = small_sample_correction(df)
    covered = (found.ci_low / correction <= truth) & (truth <= found.ci_high / correction)
    assert covered.mean() == pytest.approx(0.95, abs=0.006)


@pytest.mark.parametrize(("n_a", "n_b", "sd_a"), [(5, 5, 1.0), (6, 6, 3.0), (4, 10, 2.0)])
def test_welch_holds_its_level_and_its_interval_covers(n_a, n_b, sd_a):
    random, repeats = np.random.default_rng(20260302), 20_000
    x, y = random.normal(0, sd_a, (repeats, n_a)), random.normal(0, 1, (repeats, n_b))
    a, b = (Moments(np.full(repeats, float(g.shape[1])), g.mean(axis=1), g.var(axis=1, ddof=1)) for g in (x, y))
    found = welch(a, b, 0.95)
    rejected = (found.p_value < 0.05).mean()
    # The pooled t test rejects 13 % in the last design.
    assert 0.035 < rejected < 0.065
    assert ((found.ci_low > 0) | (found.ci_high < 0)).mean() == pytest.approx(rejected, abs=1e-12)


def test_constant_groups_give_no_number():
    constant, other = moments([0.1, 0.1, 0.1]), moments([0.3, 0.3, 0.3])
    for function in (welch, hedges_g):
        assert all(np.isnan(value).all() for value in vars(function(constant, other, 0.95)).values())


def test_one_constant_group_is_tested_against_the_scatter_of_the_other():
    found = welch(moments([1.0, 1.0, 1.0]), moments([2.0, 3.0, 4.0]), 0.95)
    assert found.df[0] == pytest.approx(2.0)
    assert found.statistic[0] == pytest.approx(-2 / np.sqrt(1 / 3))


def test_mean_interval_equals_scipy_and_needs_three():
    groups = [[1.0, 2.0, 4.0, 9.0], [3.0, 5.0, 8.0], [1.0, 2.0]]
    low, high = mean_interval(moments(*groups), 0.95)
    for position, group in enumerate(groups[:2]):
        truth = stats.ttest_1samp(group, 0).confidence_interval(0.95)
        assert [low[position], high[position]] == pytest.approx([truth.low, truth.high], rel=1e-12)
    assert np.isnan([low[2], high[2]]).all()
    assert MINIMUM_N == 3


@given(p_values)
def test_adjusted_p_is_never_smaller_and_keeps_the_order(p):
    for adjust in ADJUSTMENTS.values():
        adjusted = adjust(p)
        assert (adjusted >= p - 1e-15).all()
        assert (adjusted <= 1).all()
        order = np.argsort(p, kind="stable")
        assert (np.diff(adjusted[order]) >= 0).all()
    assert (benjamini_hochberg(p) <= holm(p) + 1e-15).all()


@given(p_values)
def test_bh_equals_scipy(p):
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p), rel=1e-12)


@given(p_values)
def test_missing_p_values_do_not_count(p):
    gaps = np.concatenate([[np.nan], p, [np.nan]])
    for adjust in ADJUSTMENTS.values():
        adjusted = adjust(gaps)
        assert np.isnan(adjusted[[0, -1]]).all()
        assert adjusted[1:-1] == pytest.approx(adjust(p), rel=0, abs=0)


def test_adjustment_of_nothing():
    for adjust in ADJUSTMENTS.values():
        assert adjust(np.array([])).shape == (0,)
        assert np.isnan(adjust(np.array([np.nan]))).all()
