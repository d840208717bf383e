"""The calibration line against closed forms, and Fieller's limits against simulation and a textbook's identity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from cartrace.calibration import Line, cells_of, fieller, fit_line, log_log_slope, t_quantile, weighable

CELLS = np.array([1e5, 3e5, 1e6, 3e6, 1e7, 1e5, 3e5, 1e6, 3e6, 1e7])


def samples(seed=1, *, slope=2e-7, intercept=0.003, cv=0.08):
    rng = np.random.default_rng(seed)
    return (intercept + slope * CELLS) * (1.0 + cv * rng.standard_normal(CELLS.size))


def test_line_is_the_weighted_least_squares_of_scipy():
    signal = samples()
    line = fit_line(CELLS, signal)
    coefficients, covariance = optimize.curve_fit(
        lambda n, a, b: a + b * n / 1e7, CELLS, signal, p0=[0.0, 2.0], sigma=signal, absolute_sigma=False
    )
    assert line.intercept == pytest.approx(coefficients[0], rel=1e-6)
    assert line.slope == pytest.approx(coefficients[1] / 1e7, rel=1e-6)
    assert line.intercept_se == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-5)
    assert line.slope_se == pytest.approx(np.sqrt(covariance[1, 1]) / 1e7, rel=1e-5)
    assert line.covariance == pytest.approx(covariance[0, 1] / 1e7, rel=1e-5)
    assert (line.min_cells, line.max_cells, line.df) == (1e5, 1e7, 8)


def test_weights_are_one_over_the_signal_squared():
    """Three points by hand: minimise sum(((a + b n - s) / s)**2)."""
    cells, signal = np.array([1.0, 2.0, 4.0]), np.array([1.2, 1.9, 4.4])
    line = fit_line(cells, signal)
    for shift in (1e-4, -1e-4):
        for a, b in ((line.intercept + shift, line.slope), (line.intercept, line.slope + shift)):
            best = np.sum(((line.intercept + line.slope * cells - signal) / signal) ** 2)
            assert np.sum(((a + b * cells - signal) / signal) ** 2) > best


@given(scale=st.floats(1e-3, 1e3))
def test_the_unit_of_cells_changes_nothing(scale):
    signal = samples()
    first, other = fit_line(CELLS, signal), fit_line(CELLS * scale, signal)
    assert other.slope * scale == pytest.approx(first.slope, rel=1e-9)
    assert other.intercept == pytest.approx(first.intercept, rel=1e-6)
    assert other.residual_rel_sd_frac == pytest.approx(first.residual_rel_sd_frac, rel=1e-9)


def test_fewer_than_three_samples_have_no_line():
    with pytest.raises(ValueError, match="three samples"):
        fit_line(np.array([1e5, 1e6]), np.array([0.02, 0.2]))
    with pytest.raises(ValueError, match="two different"):
        fit_line(np.full(4, 1e5), np.array([0.02, 0.021, 0.019, 0.02]))


def test_samples_without_cells_or_signal_carry_no_weight():
    kept = weighable(np.array([0.0, 1e5, 1e5]), np.array([0.01, -0.001, 0.02]))
    assert kept.tolist() == [False, False, True]


def test_log_log_slope_is_that_of_linregress():
    signal = samples()
    expected = stats.linregress(np.log(CELLS), np.log(signal))
    slope, low, high = log_log_slope(CELLS, signal)
    half = stats.t.ppf(0.975, 8) * expected.stderr
    np.testing.assert_allclose([slope, low, high], [expected.slope, expected.slope - half, expected.slope + half])


def test_a_saturating_signal_is_not_proportional():
    _, _, high = log_log_slope(CELLS, 2e-7 * CELLS / (1 + CELLS / 2e6))
    assert high < 0.95


def test_inverse_prediction_returns_the_cells_of_the_line():
    line = fit_line(CELLS, samples())
    np.testing.assert_allclose(cells_of(line.intercept + line.slope * CELLS, line), CELLS)
    assert cells_of(np.array([-0.01]), line)[0] < 0


def test_fieller_limits_are_where_the_ratio_is_just_rejected():
    """At a limit q the difference net - b0 - q b1 is t standard errors from 0: the definition, solved apart."""
    line = fit_line(CELLS, samples())
    net, se = np.array([0.05, 0.4, -0.02]), np.array([0.006, 0.03, 0.004])
    net_df = np.array([4.0, 9.0, np.inf])
    low, high = fieller(net, se, net_df, line, confidence=0.95)
    q = cells_of(net, line)
    own = line.intercept_se**2 + 2 * q * line.covariance + (q * line.slope_se) ** 2
    t = stats.t.ppf(0.975, (se**2 + own) ** 2 / (se**4 / net_df + own**2 / line.df))
    for q in (low, high):
        difference = net - line.intercept - q * line.slope
        variance = se**2 + line.intercept_se**2 + 2 * q * line.covariance + q**2 * line.slope_se**2
        np.testing.assert_allclose(np.abs(difference), t * np.sqrt(variance), rtol=1e-9)
    assert (low < cells_of(net, line)).all()
    assert (cells_of(net, line) < high).all()


def test_what_the_line_alone_makes_a_number_of_cells_uncertain_by():
    line = Line(8, 2e-7, 4e-9, 0.01, 0.004, -8e-12, 0.1, 1e4, 1e7)
    drawn = np.random.default_rng(11).multivariate_normal(
        [line.intercept, line.slope], [[0.004**2, -8e-12], [-8e-12, 4e-9**2]], 400_000
    )
    for cells in (1e5, 2e6):
        signal = line.intercept + line.slope * cells
        simulated = np.std((signal - drawn[:, 0]) / drawn[:, 1])
        assert line.cells_se(np.array([cells]))[0] == pytest.approx(simulated, rel=0.01)


def test_fieller_limits_cover_the_cells():
    """4000 studies: calibration and measurement drawn anew; calibrated scatter equals that of the measurement."""
    rng = np.random.default_rng(5)
    truth, cv, hits, n = 5e5, 0.06, 0, 4000
    for _ in range(n):
        signal = (2e-7 * CELLS) * (1.0 + cv * rng.standard_normal(CELLS.size))
        line = fit_line(CELLS, signal)
        net = 2e-7 * truth * (1.0 + cv * rng.standard_normal())
        se, df = np.array([line.residual_rel_sd_frac * net]), np.array([line.df])
        low, high = fieller(np.array([net]), se, df, line, confidence=0.95)
        hits += int(low[0] <= truth <= high[0])
    assert 0.935 < hits / n < 0.965


def test_a_slope_that_may_be_zero_gives_no_limits():
    line = Line(3, 1e-7, 9e-8, 0.0, 0.01, 0.0, 0.5, 1e5, 1e7)
    low, high = fieller(np.array([0.1]), np.array([0.01]), np.array([5.0]), line, confidence=0.95)
    assert np.isnan(low[0])
    assert np.isnan(high[0])


def test_missing_uncertainty_gives_no_limits():
    low, high = fieller(
        np.array([0.1]), np.array([np.nan]), np.array([5.0]), fit_line(CELLS, samples()), confidence=0.95
    )
    assert np.isnan(low[0])
    assert np.isnan(high[0])


def test_t_quantile():
    np.testing.assert_allclose(t_quantile(0.95, np.array([1.0, 2.0, 30.0])), stats.t.ppf(0.95, [1, 2, 30]), rtol=1e-12)
    assert np.isnan(t_quantile(0.95, 0.0))
