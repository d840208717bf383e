"""Counting: dead time refuses what cannot be, no count has no uncertainty of zero, detection follows Currie."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartrace import counting


@given(st.floats(0.0, 1e6), st.floats(0.0, 1e-5))
def test_dead_time_undoes_the_losses_of_a_non_paralysable_counter(true_cps, dead_time_s):
    observed_cps = true_cps / (1 + true_cps * dead_time_s)
    assert observed_cps * counting.dead_time_factor(observed_cps, dead_time_s) == pytest.approx(true_cps, rel=1e-9)


@pytest.mark.parametrize("gross_cps", [500_000.0, 600_000.0, 1e9])
def test_a_rate_that_the_dead_time_forbids_has_no_factor(gross_cps):
    assert np.isnan(counting.dead_time_factor(gross_cps, 2e-6))
    assert np.isfinite(counting.dead_time_factor(499_999.0, 2e-6))


@given(st.floats(0.0, 1e5), st.floats(0.0, 9e-6))
def test_dead_time_undoes_the_losses_of_a_paralysable_counter(true_cps, dead_time_s):
    observed_cps = true_cps * np.exp(-true_cps * dead_time_s)
    factor = counting.dead_time_factor(observed_cps, dead_time_s, "paralysable")
    assert observed_cps * factor == pytest.approx(true_cps, rel=1e-6)


def test_a_paralysable_counter_observes_at_most_1_over_e_of_its_dead_times_rate():
    most = 1 / np.e / 2e-6
    assert counting.dead_time_factor(most * (1 - 1e-12), 2e-6, "paralysable") == pytest.approx(np.e, rel=1e-5)
    assert np.isnan(counting.dead_time_factor(most * (1 + 1e-9), 2e-6, "paralysable"))
    # At low rates the two models agree to first order, at higher ones the paralysable counter lost more.
    both = [counting.dead_time_factor([100.0, 50_000.0], 2e-6, name) for name in ("non_paralysable", "paralysable")]
    assert both[0][0] == pytest.approx(both[1][0], rel=1e-7)
    assert both[1][1] > both[0][1]


@pytest.mark.parametrize("model", ["non_paralysable", "paralysable"])
def test_the_slope_is_that_of_the_true_rate_on_the_observed_one(model):
    observed, step, dead_time_s = 90_000.0, 1.0, 2e-6
    rates = [g * counting.dead_time_factor(g, dead_time_s, model) for g in (observed - step, observed + step)]
    slope = counting.dead_time_slope(counting.dead_time_factor(observed, dead_time_s, model), model)
    assert slope == pytest.approx((rates[1] - rates[0]) / (2 * step), rel=1e-8)


def test_no_counts_are_uncertain_by_half_a_count():
    assert counting.count_variance([0.0, 0.2, 1.0, 400.0]) == pytest.approx([0.5, 0.5, 1.0, 400.0])
    assert counting.net_rate_se_cps(0.0, 100.0, 1.0, 0.0) == pytest.approx(np.sqrt(0.5) / 100)


def test_dead_time_widens_the_uncertainty_by_its_square():
    counts, count_s, dead_time_s = 6e6, 60.0, 3e-6
    factor = counting.dead_time_factor(counts / count_s, dead_time_s)
    step = 1.0
    slope = (
        (counts + step) / count_s * counting.dead_time_factor((counts + step) / count_s, dead_time_s)
        - counts / count_s * factor
    ) / step
    assert counting.net_rate_se_cps(counts, count_s, factor, 0.0) == pytest.approx(slope * np.sqrt(counts), rel=1e-5)


def test_the_background_adds_its_own_uncertainty():
    assert counting.net_rate_se_cps(900.0, 10.0, 1.0, 4.0) == pytest.approx(5.0)


def test_unequal_times_widen_or_narrow_the_critical_level():
    rate, count_s = 2.0, 60.0
    levels = [counting.critical_level_cps(rate, np.sqrt(rate / t), count_s) for t in (60.0, 600.0, np.inf)]
    assert levels == pytest.approx([1.645 * np.sqrt(rate / 60 + rate / t) for t in (60.0, 600.0, np.inf)])
    assert levels[0] > levels[1] > levels[2]


def test_an_empty_tube_is_rarely_called_active_and_one_at_the_limit_mostly():
    """The two error probabilities of 5 %, by simulation at 400 background counts."""
    generator = np.random.default_rng(3)
    count_s, background_s, rate = 60.0, 600.0, 400.0 / 60.0
    n = 200_000
    background = generator.poisson(rate * background_s, n) / background_s
    critical = counting.critical_level_cps(background, np.sqrt(background / background_s), count_s)
    empty = generator.poisson(rate * count_s, n) / count_s - background
    assert np.mean(empty > critical) == pytest.approx(0.05, abs=0.004)
    level = counting.critical_level_cps(rate, np.sqrt(rate / background_s), count_s)
    at_limit = rate + counting.detection_limit_cps(level, count_s)
    active = generator.poisson(at_limit * count_s, n) / count_s - background
    assert np.mean(active > critical) == pytest.approx(0.95, abs=0.004)


def test_crosstalk_that_tells_nothing_apart_is_refused():
    with pytest.raises(np.linalg.LinAlgError):
        counting.unmix([1.0, 1.0], [[1.0, 1.0], [1.0, 1.0]], np.eye(2))
