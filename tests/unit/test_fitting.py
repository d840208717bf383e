"""The batched fits against scipy, lmfit and brute force, and their behaviour at the edge of what points can tell."""

import lmfit
import numpy as np
import pytest
from scipy import optimize, stats

from cartrace.censoring import Points, inverse_mills, likelihood
from cartrace.fitting import fit, fit_given_scatter
from cartrace.growth import BY_NAME, MODELS, limits
from cartrace.optimise import least_squares, minimise
from cartrace.pooled_scatter import pooled_log_likelihood

DAYS = np.array([1.0, 4.0, 7.0, 10.0, 14.0, 18.0, 21.0, 28.0])
TYPICAL = {
    "exponential": [np.log(2e5), 0.35],
    "lag_exponential": [np.log(2e5), np.log(0.35), 5.0],
    "logistic": [np.log(5e6), np.log(0.45), 9.0],
    "gompertz": [np.log(5e6), np.log(0.2), 7.0],
    "expansion_contraction": [np.log(4e7), np.log(0.45), np.log(0.12), 11.0],
}


def simulate(name, n_mice, *, days=DAYS, sigma=0.2, spread=0.15, seed=11):
    rng = np.random.default_rng(seed)
    model = BY_NAME[name]
    theta = np.array([TYPICAL[name]]) + rng.normal(0.0, spread, (n_mice, model.n_parameters))
    day = np.tile(days, (n_mice, 1))
    log_response = model.log_curve(day, theta) + rng.normal(0.0, sigma, day.shape)
    return theta, points(day, log_response)


def points(day, log_response, censored=None, used=None):
    day = np.asarray(day, dtype=float)
    used = np.ones(day.shape, dtype=bool) if used is None else used
    censored = np.zeros(day.shape, dtype=bool) if censored is None else censored
    return Points(np.where(used, day, 0.0), np.where(used, log_response, 0.0), used, censored & used)


def censor(some, limit):
    below = some.log_response < limit
    return points(some.day, np.where(below, limit, some.log_response), below)


def sum_of_squares(model, some, theta):
    residual = np.where(some.used, some.log_response - model.log_curve(some.day, theta), 0.0)
    return (residual**2).sum(axis=1)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_no_solver_with_many_starts_finds_a_lower_sum_of_squares(model):
    theta, some = simulate(model.name, 25)
    found = fit(model, some)
    lower, upper = limits(model, some.first_day, some.last_day)
    rng = np.random.default_rng(3)
    ours = sum_of_squares(model, some, found.theta)
    for mouse in range(len(theta)):

        def residual(value, mouse=mouse):
            return some.log_response[mouse] - model.log_curve(some.day[mouse : mouse + 1], value[None])[0]

        starts = theta[mouse] + rng.normal(0.0, 0.5, (6, model.n_parameters))
        best = min(
            2.0 * optimize.least_squares(residual, np.clip(start, lower[mouse], upper[mouse]), xtol=1e-14).cost
            for start in starts
        )
        assert ours[mouse] <= best * (1.0 + 1e-6)


@pytest.mark.parametrize("name", ["logistic", "gompertz", "expansion_contraction"])
def test_mice_with_little_growth_reach_the_best_of_many_starts(name):
    """Slow growth and weak contraction: the sum of squares has several minima and long valleys."""
    model = BY_NAME[name]
    rng = np.random.default_rng(9)
    day = np.tile([1.0, 4.0, 7.0, 10.0, 14.0, 21.0], (150, 1)) + rng.uniform(-0.05, 0.05, (150, 6))
    truth = np.array([[14.0, np.log(0.2), np.log(0.06), 10.0]])
    log_response = BY_NAME["expansion_contraction"].log_curve(day, truth) + rng.normal(0.0, 0.15, day.shape)
    some = points(day, log_response)
    found = fit(model, some)
    assert found.converged.all()
    lower, upper = limits(model, some.first_day, some.last_day)
    local = least_squares(model.log_curve, model.gradient, day, log_response, some.used)
    width = [{"level": 1.0, "rate": 0.7, "day": 5.0}[parameter.kind] for parameter in model.parameters]
    starts = [found.theta + rng.normal(0.0, 1.0, found.theta.shape) * width for _ in range(12)]
    best = np.min([2.0 * minimise(local, start, lower, upper).value for start in starts], axis=0)
    assert (sum_of_squares(model, some, found.theta) <= best * (1.0 + 1e-6)).all()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_parameters_and_standard_errors_equal_those_of_lmfit(model):
    _, some = simulate(model.name, 12, seed=5)
    found = fit(model, some)
    names = [f"p{index}" for index in range(model.n_parameters)]
    for mouse in range(12):
        parameters = lmfit.create_params(**dict(zip(names, found.theta[mouse] * 1.01 + 0.01, strict=True)))

        def residual(values, mouse=mouse):
            theta = np.array([[values[name].value for name in names]])
            return some.log_response[mouse] - model.log_curve(some.day[mouse : mouse + 1], theta)[0]

        other = lmfit.minimize(residual, parameters, ftol=1e-14, xtol=1e-14)
        assert sum_of_squares(model, some, found.theta)[mouse] <= other.chisqr * (1.0 + 1e-6)
        np.testing.assert_allclose(
            found.theta[mouse], [other.params[name].value for name in names], rtol=2e-5, atol=2e-5
        )
        se = np.sqrt(np.diag(found.covariance[mouse]))
        np.testing.assert_allclose(se, [other.params[name].stderr for name in names], rtol=5e-3)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_without_noise_the_truth_comes_back(model):
    theta, some = simulate(model.name, 10, sigma=0.0)
    np.testing.assert_allclose(fit(model, some).theta, theta, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_mouse_is_fitted_the_same_alone_and_among_others(model):
    _, some = simulate(model.name, 8, seed=2)
    used = some.used.copy()
    used[3, 6:] = False
    lowest = np.where(used, some.log_response, np.inf).min(axis=1, keepdims=True)
    below = some.log_response == lowest
    ragged = points(some.day, np.where(below, lowest + 0.05, some.log_response), below, used)
    together = fit(model, ragged)
    for mouse in (0, 3):
        n = int(used[mouse].sum())
        alone = points(*(part[mouse : mouse + 1, :n] for part in (ragged.day, ragged.log_response, ragged.censored)))
        single = fit(model, alone)
        np.testing.assert_allclose(single.theta[0], together.theta[mouse], rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(single.covariance[0], together.covariance[mouse], rtol=1e-4, atol=1e-10)
        np.testing.assert_allclose(single.log_likelihood[0], together.log_likelihood[mouse], atol=1e-8)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_the_unit_of_the_response_shifts_the_level_only(model):
    _, some = simulate(model.name, 6, seed=4)
    limit = np.quantile(some.log_response, 0.1)
    first = fit(model, censor(some, limit))
    shift = np.log(1e-7)
    other = fit(model, censor(points(some.day, some.log_response + shift), limit + shift))
    np.testing.assert_allclose(other.theta[:, 0] - shift, first.theta[:, 0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(other.theta[:, 1:], first.theta[:, 1:], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(other.sigma, first.sigma, rtol=1e-5)


def test_censored_likelihood_is_the_highest_that_a_general_optimiser_finds():
    model = BY_NAME["logistic"]
    _, some = simulate("logistic", 12, seed=21)
    some = censor(some, np.quantile(some.log_response, 0.2))
    assert some.n_censored.sum() > 10
    found = fit(model, some)
    compared = 0
    for mouse in range(12):

        def minus_log_likelihood(x, mouse=mouse):
            curve = model.log_curve(some.day[mouse : mouse + 1], x[None, :-1])[0]
            z = (some.log_response[mouse] - curve) / np.exp(x[-1])
            each = np.where(some.censored[mouse], stats.norm.logcdf(z), stats.norm.logpdf(z) - x[-1])
            return -each.sum()

        start = np.append(found.theta[mouse] + 0.05, np.log(found.sigma_ml[mouse]) + 0.1)
        other = optimize.minimize(
            minus_log_likelihood,
            start,
            method="Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 20000, "maxfev": 20000},
        )
        assert found.log_likelihood[mouse] >= -other.fun - 1e-7
        # Where the likelihood is flat its top is not a point.
        known = np.sqrt(np.diag(found.covariance[mouse])) < 1.0
        compared += int(known.sum())
        np.testing.assert_allclose(found.theta[mouse][known], other.x[:-1][known], rtol=1e-4, atol=1e-4)
    assert compared > 25


def test_mice_without_a_scatter_of_their_own_reach_the_highest_likelihood():
    """Four quantified points, two below detection, four parameters: a start at the limit would end elsewhere."""
    model = BY_NAME["expansion_contraction"]
    rng = np.random.default_rng(5)
    day = np.tile([1.0, 4.0, 7.0, 10.0, 14.0, 21.0], (300, 1))
    truth = np.tile([17.5, np.log(0.45), np.log(0.12), 11.0], (300, 1))
    log_response = model.log_curve(day, truth) + rng.normal(0.0, 0.1, day.shape)
    some = censor(points(day, log_response), np.quantile(log_response, 0.34))
    assert (some.n_censored == 2).mean() > 0.9
    found = fit_given_scatter(model, some, sigma=0.1, df=30.0)
    local = likelihood(model, some, np.full(300, np.log(0.1)))
    lower, upper = limits(model, some.first_day, some.last_day)
    from_truth = minimise(local, truth, lower, upper, relative=0.0, absolute=1e-12)
    assert (found.log_likelihood >= -from_truth.value - 1e-6).all()
    assert found.converged.all()
    se = np.sqrt(found.covariance[:, 1, 1])
    known = (se < 1.0) & ~found.at_limit.any(axis=1)
    covered = np.abs(found.theta[:, 1] - np.log(0.45)) <= stats.t.ppf(0.975, 30) * se
    assert known.mean() > 0.5
    assert covered[known].mean() > 0.93


def test_a_censored_point_far_below_the_curve_says_nothing_and_far_above_it_pulls():
    """Far below: the same estimate as without the point; a limit that the line would exceed lowers the line."""
    day = np.array([[1.0, 4.0, 7.0, 10.0, 14.0]])
    line = np.array([[1.0, 2.1, 2.9, 4.2, 5.4]])
    below = np.array([[True, False, False, False, False]])
    model = BY_NAME["exponential"]
    without = fit(model, points(day[:, 1:], line[:, 1:])).theta[0]
    high_limit = fit(model, points(day, np.where(below, 9.0, line), below)).theta[0]
    low_limit = fit(model, points(day, np.where(below, -3.0, line), below)).theta[0]
    np.testing.assert_allclose(high_limit, without, rtol=1e-6)
    assert low_limit[1] > without[1] + 0.1


def test_pooled_scatter_is_the_one_of_greatest_likelihood():
    model = BY_NAME["logistic"]
    _, some = simulate("logistic", 20, seed=8)
    some = censor(some, np.quantile(some.log_response, 0.15))
    own = fit(model, some)
    each, sigma = pooled_log_likelihood(model, some, own.theta)
    lower, upper = limits(model, some.first_day, some.last_day)

    def total(log_sigma):
        local = likelihood(model, some, np.full(20, log_sigma))
        return minimise(local, own.theta, lower, upper, relative=0.0, absolute=1e-12).value.sum()

    best = optimize.minimize_scalar(
        total, bounds=(np.log(sigma) - 1, np.log(sigma) + 1), method="bounded", options={"xatol": 1e-9}
    )
    assert best.x == pytest.approx(np.log(sigma), abs=1e-5)
    assert each.sum() == pytest.approx(-best.fun, abs=1e-7)


def test_pooled_scatter_without_censoring_is_the_root_mean_square():
    model = BY_NAME["exponential"]
    _, some = simulate("exponential", 9, seed=8)
    own = fit(model, some)
    each, sigma = pooled_log_likelihood(model, some, own.theta)
    squares = sum_of_squares(model, some, own.theta)
    assert sigma == pytest.approx(np.sqrt(squares.sum() / some.used.sum()), rel=1e-12)
    np.testing.assert_allclose(each, -squares / (2 * sigma**2) - 8 * np.log(sigma * np.sqrt(2 * np.pi)), rtol=1e-12)


def test_a_curve_that_only_rises_meets_the_limit_of_the_turning_day():
    """A line that bends upwards does not saturate: a parameter goes to its limit and is said to be there."""
    day = np.array([[1.0, 4.0, 7.0, 10.0, 14.0, 21.0]])
    for name in ("logistic", "expansion_contraction"):
        found = fit(BY_NAME[name], points(day, 1.0 + 0.29 * day + 0.0005 * day**2))
        names = [parameter.name for parameter in BY_NAME[name].parameters]
        assert {"midpoint", "turn_day", "contraction_rate"} & {
            n for n, at in zip(names, found.at_limit[0], strict=True) if at
        }
        growth = names.index("growth_rate")
        assert np.exp(found.theta[0, growth]) == pytest.approx(0.3, rel=0.02)
        assert not found.at_limit[0, growth]


def test_points_on_one_side_of_the_turn_leave_the_other_rate_unknown():
    day = np.array([[1.0, 3.0, 5.0, 7.0, 9.0, 11.0]])
    model = BY_NAME["expansion_contraction"]
    rng = np.random.default_rng(0)
    truth = np.array([[10.0, np.log(0.5), np.log(0.1), 10.5]])
    found = fit(model, points(day, model.log_curve(day, truth) + rng.normal(0, 0.1, day.shape)))
    se = np.sqrt(np.diag(found.covariance[0]))
    assert found.at_limit[0].any() or se[2] > 1.0
    assert se[1] < 0.5


def test_no_mouse_is_fitted_to_no_mouse():
    nothing = points(np.zeros((0, 6)), np.zeros((0, 6)))
    for model in MODELS:
        found = fit(model, nothing)
        assert found.theta.shape == (0, model.n_parameters)
        assert found.covariance.shape == (0, model.n_parameters, model.n_parameters)


def test_inverse_mills_ratio():
    z = np.array([-300.0, -40.0, -5.0, 0.0, 3.0, 60.0])
    expected = np.exp(stats.norm.logpdf(z) - stats.norm.logcdf(z))
    np.testing.assert_allclose(inverse_mills(z), expected, rtol=1e-9)


def test_minimise_holds_a_parameter_at_its_limit():
    """A line through the origin whose slope may not exceed 1, through points with slope 2."""
    day = np.array([[1.0, 2.0, 3.0]])
    local = least_squares(
        lambda d, x: x[:, :1] * d + x[:, 1:], lambda d, x: np.stack([d, np.ones_like(d)], -1), day, 2.0 * day, day > 0
    )
    found = minimise(local, np.array([[0.0, 0.0]]), np.array([[-1.0, -np.inf]]), np.array([[1.0, np.inf]]))
    np.testing.assert_allclose(found.x, [[1.0, 2.0]], atol=1e-9)
    assert found.converged[0]
    assert found.at_limit[0].tolist() == [True, False]


@pytest.mark.parametrize("name", ["exponential", "logistic", "gompertz"])
def test_t_intervals_cover_the_truth(name):
    """1500 mice of one truth with 6 scans each: a 95 % interval holds it in 93 to 97 %."""
    days = np.array([1.0, 4.0, 7.0, 10.0, 14.0, 21.0])
    theta, some = simulate(name, 1500, days=days, spread=0.0, sigma=0.2, seed=77)
    found = fit(BY_NAME[name], some)
    se = np.sqrt(np.einsum("mpp->mp", found.covariance))
    half = stats.t.ppf(0.975, found.df)[:, None] * se
    covered = (np.abs(found.theta - theta) <= half).mean(axis=0)
    assert (covered > 0.93).all(), covered
    assert (covered < 0.97).all(), covered


@pytest.mark.parametrize(("limit", "n_quantified"), [(1.5, 4), (2.0, 3)])
def test_t_intervals_cover_the_truth_where_points_are_censored(limit, n_quantified):
    """A third and a half of the points below detection: these add at most what they say of the curve."""
    model = BY_NAME["exponential"]
    rng = np.random.default_rng(5)
    day = np.tile([1.0, 3.0, 5.0, 7.0, 10.0, 14.0], (4000, 1))
    log_response = 0.35 * day + rng.normal(0.0, 0.2, day.shape)
    some = censor(points(day, log_response), limit)
    quantified = some.n_points - some.n_censored
    assert (quantified == n_quantified).mean() > 0.7
    some = some.rows(np.flatnonzero(quantified >= 3))
    found = fit(model, some)
    quantified = some.n_points - some.n_censored
    assert (found.df >= quantified - 2).all()
    assert (found.df < quantified).all()
    assert np.median(found.df - quantified + 2) < 0.1
    half = stats.t.ppf(0.975, found.df) * np.sqrt(found.covariance[:, 1, 1])
    assert 0.93 < (np.abs(found.theta[:, 1] - 0.35) <= half).mean() < 0.97


def test_t_intervals_of_expansion_and_contraction_cover_the_truth():
    theta, some = simulate("expansion_contraction", 1500, spread=0.0, sigma=0.2, seed=78)
    found = fit(BY_NAME["expansion_contraction"], some)
    se = np.sqrt(np.einsum("mpp->mp", found.covariance))
    covered = (np.abs(found.theta - theta) <= stats.t.ppf(0.975, found.df)[:, None] * se).mean(axis=0)
    assert (covered > 0.92).all(), covered
    assert (covered < 0.97).all(), covered


def test_censoring_is_less_biased_than_dropping_or_half_the_limit():
    """Growth from below detection: M3 keeps the rate, half the limit flattens it."""
    model = BY_NAME["exponential"]
    rng = np.random.default_rng(1)
    day = np.tile([1.0, 3.0, 5.0, 7.0, 10.0, 14.0], (1000, 1))
    log_response = 0.35 * day + rng.normal(0.0, 0.2, day.shape)
    limit = 1.9
    below = log_response < limit
    kept = (~below).sum(axis=1) >= 3
    m3 = fit(model, points(day, np.where(below, limit, log_response), below).rows(np.flatnonzero(kept))).theta[:, 1]
    half = fit(model, points(day, np.where(below, limit - np.log(2), log_response)).rows(np.flatnonzero(kept))).theta[
        :, 1
    ]
    assert below.mean() > 0.3
    assert abs(m3.mean() / 0.35 - 1.0) < 0.015
    assert abs(half.mean() / 0.35 - 1.0) > 0.04
