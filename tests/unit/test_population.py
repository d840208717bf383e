"""Population fits: the likelihood and its gradient, what they must agree with, and the tests of a group effect."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy import integrate, optimize, stats

from cartrace import growth, mixed
from cartrace.censoring import Points
from cartrace.fitting import fit as fit_mice
from cartrace.grouped import grouped
from cartrace.population import inference
from cartrace.population.fit import PopulationFit, fit
from cartrace.population.laplace import Laplace
from cartrace.population.likelihood import terms
from cartrace.population.model import Population, Responses, group_design, responses
from cartrace.population.shared import fit_shared

Array = npt.NDArray[np.float64]
Groups = npt.NDArray[np.intp]
DAYS = np.array([1.0, 4, 7, 10, 14, 21])
LOGISTIC = growth.BY_NAME["logistic"]
EXPONENTIAL = growth.BY_NAME["exponential"]


def logistic_study(
    seed: int, *, mice: int = 12, effect: float = 0.3, level: float = np.nan
) -> tuple[Responses, Groups, Array]:
    """Simulate log responses; return them, the mice's groups, and the parameters of each mouse fitted by itself."""
    rng = np.random.default_rng(seed)
    group = np.arange(mice) % 2
    theta = np.array([3.0, np.log(0.4), 9.0]) + rng.normal(size=(mice, 3)) * [0.4, 0.2, 1.0]
    theta[:, 1] += effect * group
    day = np.tile(DAYS, (mice, 1))
    y = LOGISTIC.log_curve(day, theta) + rng.normal(0, 0.25, day.shape)
    y[2, 3] = y[5, 0] = np.nan
    data = responses(day, y, critical_level=np.full(day.shape, level))
    return data, group, own_parameters(data)


def own_parameters(data: Responses) -> Array:
    """Parameters of each mouse fitted by itself; NaN where it has too few points."""
    enough = (data.used & ~data.censored).sum(axis=1) >= 4
    points = Points(*(part[enough] for part in (data.x, data.y, data.used, data.censored)))
    theta = np.full((data.n_mice, 3), np.nan)
    theta[enough] = fit_mice(LOGISTIC, points).theta
    return theta


def population(*, correlated: bool = False) -> Population:
    return Population(LOGISTIC.log_curve, LOGISTIC.gradient, (0, 1, 2), correlated)


def pair(data: Responses, group: Groups, start: Array) -> tuple[PopulationFit, PopulationFit]:
    null = fit(data, population(), group_design(group, 3, ()), start)
    return null, fit(data, population(), group_design(group, 3, (1,)), start, also=null)


# ---- what is fitted ----


def test_a_response_below_its_critical_level_is_censored_there() -> None:
    y = np.array([[0.5, 2.0, np.nan, -np.inf]])
    data = responses(np.arange(4.0)[None], y, critical_level=np.array([[1.0, 1.0, 1.0, 0.7]]))
    assert data.censored.tolist() == [[True, False, False, True]]
    assert data.used.tolist() == [[True, True, False, True]]
    assert data.y.tolist() == [[1.0, 2.0, 0.0, 0.7]]
    assert (data.n_mice, data.n_points) == (1, 3)


def test_what_is_missing_with_its_response_is_filled() -> None:
    y = np.array([[np.nan, 1.0, 2.0]])
    assert responses(np.array([[np.nan, 3.0, 4.0]]), y).x.tolist() == [[3, 3, 4]]
    assert responses(np.array([[[np.nan, 7.0], [3.0, 8.0], [4.0, 9.0]]]), y).x.tolist() == [[[3, 8], [3, 8], [4, 9]]]


def test_a_response_that_is_not_positive_needs_a_critical_level() -> None:
    with pytest.raises(ValueError, match="critical level"):
        responses(np.zeros((1, 2)), np.array([[1.0, -np.inf]]))


def test_a_mouse_without_a_point_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a point"):
        responses(np.zeros((2, 1)), np.array([[1.0], [np.nan]]))


def test_a_design_holds_values_of_the_first_group_and_differences_from_it() -> None:
    design = group_design(np.array([0, 2, 1]), 2, (1,))
    beta = np.array([10.0, 20.0, 0.1, 0.2])
    np.testing.assert_allclose(design @ beta, [[10, 20], [10, 20.2], [10, 20.1]])
    assert group_design(np.array([0, 1]), 2, ()).shape == (2, 2, 2)


def test_a_design_with_one_column_too_many_is_refused() -> None:
    data, _, start = logistic_study(1)
    with pytest.raises(ValueError, match="told apart"):
        fit(data, population(), np.concatenate([group_design(np.zeros(12, np.intp), 3, ())] * 2, axis=2), start)


def test_a_fit_needs_a_start() -> None:
    data, group, start = logistic_study(1)
    with pytest.raises(ValueError, match="to start from"):
        fit(data, population(), group_design(group, 3, ()), np.full_like(start, np.nan))


# ---- the likelihood ----


def test_the_terms_are_the_normal_s_density_and_tail() -> None:
    curve, y, sigma = np.array([[1.0, 2.0, 5.0, -3.0]]), np.array([[1.4, 1.0, 1.0, 0.0]]), np.array([[0.5]])
    used, censored = np.array([[True, True, True, False]]), np.array([[False, True, True, False]])
    found = terms(curve, y, sigma, used, censored).value[0]
    tails = stats.norm.logcdf([1.0, 1.0], [2.0, 5.0], 0.5)
    np.testing.assert_allclose(found, [-stats.norm.logpdf(1.4, 1.0, 0.5), *-tails, 0.0], rtol=1e-12)


@pytest.mark.parametrize("distance", [-8.0, -1.0, 0.0, 0.7, 6.0])
@pytest.mark.parametrize("is_censored", [True, False])
def test_the_terms_derivatives_are_theirs(distance: float, is_censored: bool) -> None:
    used, censored = np.ones((1, 1), bool), np.full((1, 1), is_censored)

    def at(curve: float, log_sigma: float) -> list[float]:
        found = terms(np.full((1, 1), curve), np.zeros((1, 1)), np.full((1, 1), np.exp(log_sigma)), used, censored)
        return [float(part[0, 0]) for part in (found.value, found.slope, found.curvature)]

    step, log_sigma = 1e-5, np.log(0.8)
    found = terms(np.full((1, 1), distance), np.zeros((1, 1)), np.full((1, 1), 0.8), used, censored)
    by_curve = (np.array(at(distance + step, log_sigma)) - at(distance - step, log_sigma)) / (2 * step)
    by_sigma = (np.array(at(distance, log_sigma + step)) - at(distance, log_sigma - step)) / (2 * step)
    expected = [found.slope, found.curvature, found.third]
    np.testing.assert_allclose(by_curve, np.ravel(expected), rtol=1e-6, atol=2e-6)
    expected = [found.value_by_log_sigma, found.slope_by_log_sigma, found.curvature_by_log_sigma]
    np.testing.assert_allclose(by_sigma, np.ravel(expected), rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("distance", [30.0, 300.0])
def test_far_below_the_critical_level_the_terms_keep_their_digits(distance: float) -> None:
    sigma, used = np.full((1, 1), 0.8), np.ones((1, 1), bool)
    found = terms(np.full((1, 1), distance), np.zeros((1, 1)), sigma, used, used)
    z = distance / 0.8
    # Mills' ratio far in the tail: 1 / z - 1 / z³.
    assert found.slope[0, 0] == pytest.approx((z + 1 / z) / 0.8, rel=1e-5)
    assert found.curvature[0, 0] == pytest.approx((1 - 1 / z**2) / 0.8**2, rel=1e-5)
    assert found.third[0, 0] == pytest.approx(2 / z**3 / 0.8**3, rel=0.05, abs=1e-7)


def laplace(data: Responses, design: Array, *, correlated: bool) -> Laplace:
    model = population(correlated=correlated)
    d = design.shape[2] + int(model.free.sum()) + 1
    return Laplace(model, data, design[None], np.ones(d), np.full(3, 0.3), data.y[None], data.censored[None])


@pytest.mark.parametrize("correlated", [True, False])
@pytest.mark.parametrize("level", [np.nan, 0.8])
def test_the_gradient_is_that_of_the_objective(correlated: bool, level: float) -> None:
    data, group, _ = logistic_study(2, level=level)
    assert data.censored.any() == np.isfinite(level)
    objective = laplace(data, group_design(group, 3, (1, 2)), correlated=correlated)
    factor = np.array([[0.4, 0, 0], [0.1, 0.2, 0], [-0.3, 0.2, 0.8]])[population(correlated=correlated).free]
    x = np.concatenate([[3.0, np.log(0.4), 9.0, 0.2, -0.5], factor, [np.log(0.25)]])
    _, gradient = objective(x[None], np.zeros(1, np.intp))
    for index, slope in enumerate(gradient[0]):
        shift = np.zeros(len(x))
        # Fourth-order differences.
        shift[index] = 1e-3
        near, far = (
            (
                objective((x + k * shift)[None], np.zeros(1, np.intp))[0]
                - objective((x - k * shift)[None], np.zeros(1, np.intp))[0]
            )[0]
            for k in (1, 2)
        )
        assert slope == pytest.approx((8 * near - far) / 12e-3, rel=1e-6, abs=1e-5)


def test_censored_likelihood_is_near_the_integral_over_the_random_effect() -> None:
    data, group, _ = logistic_study(3, level=1.2)
    model = Population(LOGISTIC.log_curve, LOGISTIC.gradient, (0,))
    design = group_design(group, 3, ())
    objective = Laplace(model, data, design[None], np.ones(5), np.full(3, 0.3), data.y[None], data.censored[None])
    beta, spread, sigma = np.array([3.0, np.log(0.4), 9.0]), 0.4, 0.3
    found = -objective(np.append(beta, [spread, np.log(sigma)])[None], np.zeros(1, np.intp))[0][0]

    def density(v: float, mouse: int) -> float:
        curve = LOGISTIC.log_curve(data.x[[mouse]], (beta + np.array([spread * v, 0, 0]))[None])[0]
        logs = np.where(
            data.censored[mouse],
            stats.norm.logcdf(data.y[mouse], curve, sigma),
            stats.norm.logpdf(data.y[mouse], curve, sigma),
        )
        return float(np.exp(logs[data.used[mouse]].sum()) * stats.norm.pdf(v))

    exact = sum(np.log(integrate.quad(density, -8, 8, args=(mouse,), epsabs=0)[0]) for mouse in range(12))
    assert data.censored.sum() >= 12
    assert found == pytest.approx(exact, abs=0.01)


# ---- the fit ----


@pytest.mark.parametrize("correlated", [True, False])
def test_a_linear_model_is_the_linear_mixed_model(correlated: bool) -> None:
    rng = np.random.default_rng(4)
    group, day = np.arange(12) % 2, np.tile(DAYS, (12, 1))
    theta = np.array([0.5, 0.3]) + rng.normal(size=(12, 2)) * [0.5, 0.06]
    theta[:, 1] += 0.1 * group
    y = EXPONENTIAL.log_curve(day, theta) + rng.normal(0, 0.3, day.shape)
    y[3, 1:3] = np.nan
    model = Population(EXPONENTIAL.log_curve, EXPONENTIAL.gradient, (0, 1), correlated)
    found = fit(responses(day, y), model, group_design(group, 2, (1,)), theta)
    used = ~np.isnan(y)
    mouse = np.repeat(np.arange(12), 6)[used.ravel()]
    fixed = np.column_stack([np.ones(len(mouse)), day[used], day[used] * group[mouse]])
    expected = mixed.fit(grouped(y[used], fixed, fixed[:, :2], mouse, correlated=correlated), method="ML")
    assert found.status == expected.status == "ok"
    assert found.log_likelihood == pytest.approx(expected.log_likelihood, abs=1e-8)
    np.testing.assert_allclose(found.beta, expected.coefficients, rtol=1e-5)
    np.testing.assert_allclose(found.omega, expected.random_covariance, rtol=1e-4, atol=1e-8)
    assert found.sigma == pytest.approx(expected.sigma, rel=1e-5)
    np.testing.assert_allclose(found.theta, group_design(group, 2, (1,)) @ found.beta + expected.modes, rtol=1e-4)
    # The information about fixed effects and variances is observed here, and expected there.
    np.testing.assert_allclose(found.beta_se, np.sqrt(np.diag(expected.covariance)), rtol=0.05)


@pytest.mark.parametrize("level", [np.nan, 0.8])
def test_no_start_nearby_leads_to_a_likelier_fit(level: float) -> None:
    data, group, start = logistic_study(5, level=level)
    design = group_design(group, 3, (1,))
    first = fit(data, population(), design, start)
    assert first.status == "ok"
    rng = np.random.default_rng(0)
    for _ in range(5):
        other = fit(data, population(), design, start + rng.normal(size=start.shape) * np.array([0.5, 0.4, 2.0]))
        assert other.log_likelihood == pytest.approx(first.log_likelihood, abs=1e-6)
        np.testing.assert_allclose(other.beta, first.beta, atol=1e-3)


def test_the_order_of_mice_and_points_changes_nothing() -> None:
    data, group, start = logistic_study(6, level=0.8)
    first = fit(data, population(), group_design(group, 3, (1,)), start)
    mice, points = np.random.default_rng(1).permutation(12), np.random.default_rng(2).permutation(6)
    parts = (data.x, data.y, data.used, data.censored, data.critical_level)
    moved = Responses(*(part[mice][:, points] for part in parts))
    second = fit(moved, population(), group_design(group[mice], 3, (1,)), start[mice])
    assert second.log_likelihood == pytest.approx(first.log_likelihood, abs=1e-7)
    np.testing.assert_allclose(second.beta, first.beta, atol=1e-4)


def test_another_unit_of_the_response_moves_the_level_only() -> None:
    data, group, start = logistic_study(7)
    first = fit(data, population(), group_design(group, 3, (1,)), start)
    y = np.where(data.used, data.y + np.log(1000.0), np.nan)
    shift = np.array([np.log(1000.0), 0, 0])
    second = fit(responses(data.x, y), population(), group_design(group, 3, (1,)), start + shift)
    assert second.log_likelihood == pytest.approx(first.log_likelihood, abs=1e-7)
    np.testing.assert_allclose(second.beta - first.beta, [*shift, 0.0], atol=1e-4)
    np.testing.assert_allclose(second.beta_se, first.beta_se, rtol=1e-3)


def test_swapped_groups_turn_the_effect_round() -> None:
    data, group, start = logistic_study(8)
    first = fit(data, population(), group_design(group, 3, (1,)), start)
    second = fit(data, population(), group_design(1 - group, 3, (1,)), start)
    assert second.log_likelihood == pytest.approx(first.log_likelihood, abs=1e-7)
    assert second.beta[3] == pytest.approx(-first.beta[3], abs=1e-4)
    assert second.beta_se[3] == pytest.approx(first.beta_se[3], rel=1e-3)


def test_mice_that_could_not_be_fitted_by_themselves_take_part() -> None:
    data, group, start = logistic_study(9)
    known = start.copy()
    known[[1, 4]] = np.nan
    design = group_design(group, 3, (1,))
    first, second = fit(data, population(), design, start), fit(data, population(), design, known)
    assert second.n_mice == 12
    assert second.log_likelihood == pytest.approx(first.log_likelihood, abs=1e-6)


def test_a_smaller_model_is_never_likelier() -> None:
    data, group, start = logistic_study(10, effect=0.0)
    null, full = pair(data, group, start)
    assert full.log_likelihood >= null.log_likelihood
    assert (null.n_parameters, full.n_parameters, full.n_points) == (7, 8, 70)


def test_a_parameter_that_does_not_vary_makes_a_singular_fit_with_standard_errors() -> None:
    rng = np.random.default_rng(11)
    day = np.tile(DAYS, (10, 1))
    theta = np.array([3.0, np.log(0.4), 9.0]) + rng.normal(size=(10, 3)) * [0.5, 0.0, 0.0]
    data = responses(day, LOGISTIC.log_curve(day, theta) + rng.normal(0, 0.3, day.shape))
    found = fit(data, population(correlated=True), group_design(np.zeros(10, np.intp), 3, ()), theta)
    assert found.status == "ok"
    assert found.is_singular
    assert np.isfinite(found.beta_se).all()


def test_a_curve_without_a_value_is_not_converged_and_gives_no_number() -> None:
    data, group, start = logistic_study(12)
    broken = Population(lambda x, theta: x * np.nan, LOGISTIC.gradient, (0,))
    design = group_design(group, 3, ())
    with np.errstate(invalid="ignore"):
        found = fit(data, broken, design, start)
    assert found.status == "not_converged"
    assert "maximum" in found.reason
    assert np.isnan([found.log_likelihood, found.sigma, *found.beta, *found.beta_se, *found.omega.ravel()]).all()
    test = inference.bootstrap(data, broken, design, design, null=found, full=found, n=9, seed=1)
    assert test.status == "not_converged"
    assert test.reason == found.reason
    assert np.isnan(test.p_value)
    assert test.n_simulated == 0


# ---- the tests of a group effect ----


@pytest.mark.parametrize("level", [np.nan, 0.8])
def test_a_simulated_study_is_fitted_as_an_observed_one(level: float) -> None:
    data, group, start = logistic_study(14, level=level)
    null, full = pair(data, group, start)
    designs = group_design(group, 3, ()), group_design(group, 3, (1,))
    test = inference.bootstrap(data, population(), *designs, null=null, full=full, n=6, seed=5)
    (simulated,) = inference._simulated(data, population(), designs[0], null, n=6, seed=5)
    assert test.n_failed == 0
    for y, censored, statistic in zip(*simulated, test.simulated, strict=True):
        study = replace(data, y=y, censored=censored)
        own_null, own_full = pair(study, group, own_parameters(study))
        assert statistic == pytest.approx(2 * (own_full.log_likelihood - own_null.log_likelihood), abs=2e-5)


def test_simulated_studies_have_the_fitted_scatter_and_are_censored_where_observed_ones_are() -> None:
    data, group, start = logistic_study(14, level=0.8)
    null, _ = pair(data, group, start)
    chunks = list(inference._simulated(data, population(), group_design(group, 3, ()), null, n=2000, seed=6))
    y, censored = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
    assert y.shape == (2000, 12, 6)
    assert (y[censored] == 0.8).all()
    assert (y[:, data.used][~censored[:, data.used]] >= 0.8).all()
    assert not censored[:, ~data.used].any()
    last = y[:, 0, 5]
    # The last scan is on the plateau: its scatter is that of the plateau and the residual.
    gradient = LOGISTIC.gradient(data.x[:1], null.beta[None])[0, 5]
    expected = np.sqrt(gradient @ null.omega @ gradient + null.sigma**2)
    assert last.std() == pytest.approx(expected, rel=0.06)
    assert last.mean() == pytest.approx(LOGISTIC.log_curve(data.x[:1], null.beta[None])[0, 5], abs=0.06)


def test_the_seed_alone_decides_the_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    data, group, start = logistic_study(15)
    null, full = pair(data, group, start)
    designs = group_design(group, 3, ()), group_design(group, 3, (1,))

    def test(seed: int) -> inference.LikelihoodRatio:
        return inference.bootstrap(data, population(), *designs, null=null, full=full, n=20, seed=seed)

    first, again, other = test(1), test(1), test(2)
    np.testing.assert_array_equal(first.simulated, again.simulated)
    assert not np.allclose(first.simulated, other.simulated)
    monkeypatch.setattr(inference, "_MICE_AT_ONCE", 12 * 7)
    np.testing.assert_allclose(test(1).simulated, first.simulated, atol=1e-8)


def test_a_clear_effect_is_found_and_none_is_not() -> None:
    data, group, start = logistic_study(16, effect=0.6)
    null, full = pair(data, group, start)
    designs = group_design(group, 3, ()), group_design(group, 3, (1,))
    drawn = inference.bootstrap(data, population(), *designs, null=null, full=full, n=99, seed=1)
    dealt = inference.permutation(data, population(), designs[1], null=null, full=full, n=99, seed=1)
    assert drawn.p_value == 0.01
    assert dealt.p_value <= 0.03
    assert drawn.p_chi_square == pytest.approx(stats.chi2.sf(drawn.statistic, 1), rel=1e-9)
    data, group, start = logistic_study(17, effect=0.0)
    null, full = pair(data, group, start)
    drawn = inference.bootstrap(data, population(), *designs, null=null, full=full, n=99, seed=1)
    assert drawn.p_value == (1 + (drawn.simulated >= drawn.statistic).sum()) / 100
    assert drawn.p_value > 0.05


def test_groups_are_dealt_within_strata() -> None:
    data, group, start = logistic_study(18)
    null, full = pair(data, group, start)
    design = group_design(group, 3, (1,))
    # Each stratum holds one group only: every deal is the observed one.
    test = inference.permutation(data, population(), design, null=null, full=full, n=9, seed=1, stratum=group)
    np.testing.assert_allclose(test.simulated, test.statistic, atol=1e-5)
    assert test.p_value == 1.0


def test_too_many_failures_leave_no_p_value() -> None:
    data, group, start = logistic_study(19)
    null, full = pair(data, group, start)
    simulated = np.append(np.full(10, np.nan), np.linspace(0, 3, 90))
    test = inference._tested(null, full, simulated, method="bootstrap")
    assert (test.status, test.n_failed, test.n_simulated) == ("not_converged", 10, 90)
    assert "10 of 100" in test.reason
    assert np.isnan(test.p_value)


# ---- one shape for all ----


def test_a_shared_shape_is_the_least_squares_fit_of_all_mice() -> None:
    data, group, start = logistic_study(20)
    model = Population(LOGISTIC.log_curve, LOGISTIC.gradient, (0,))
    found = fit_shared(data, model, group_design(group, 3, (1,)), start)

    def residual(x: Array) -> Array:
        theta = np.column_stack([x[3:], x[0] + x[2] * group, np.full(12, x[1])])
        return np.asarray((data.y - LOGISTIC.log_curve(data.x, theta))[data.used])

    expected = optimize.least_squares(residual, np.append([-1.0, 9.0, 0.0], start[:, 0]), xtol=1e-14, ftol=1e-14)
    squares, n = 2 * expected.cost, data.n_points
    assert found.status == "ok"
    assert (found.df, found.n_parameters) == (n - 15, 16)
    np.testing.assert_allclose(found.beta, expected.x[:3], atol=1e-5)
    np.testing.assert_allclose(found.level[:, 0], expected.x[3:], atol=1e-5)
    assert found.sigma == pytest.approx(np.sqrt(squares / (n - 15)), rel=1e-6)
    assert found.log_likelihood == pytest.approx(-0.5 * n * (np.log(2 * np.pi * squares / n) + 1), abs=1e-7)
    covariance = np.linalg.inv(expected.jac.T @ expected.jac) * squares / (n - 15)
    np.testing.assert_allclose(np.sqrt(np.diag(found.beta_covariance)), np.sqrt(np.diag(covariance))[:3], rtol=0.1)


def test_a_shared_shape_with_censored_points_is_the_likeliest() -> None:
    data, group, start = logistic_study(21, level=0.8)
    model = Population(LOGISTIC.log_curve, LOGISTIC.gradient, (0,))
    found = fit_shared(data, model, group_design(group, 3, (1,)), start)

    def loss(x: Array) -> float:
        theta = np.column_stack([x[4:], x[0] + x[2] * group, np.full(12, x[1])])
        curve = LOGISTIC.log_curve(data.x, theta)
        logs = np.where(
            data.censored,
            stats.norm.logcdf(data.y, curve, np.exp(x[3])),
            stats.norm.logpdf(data.y, curve, np.exp(x[3])),
        )
        return -float(logs[data.used].sum())

    log_sigma = np.log(found.sigma * np.sqrt(found.df / data.n_points))
    x = np.concatenate([found.beta, [log_sigma], found.level[:, 0]])
    assert data.censored.sum() >= 5
    assert loss(x) == pytest.approx(-found.log_likelihood, abs=1e-8)
    assert optimize.minimize(loss, x, method="BFGS").fun == pytest.approx(-found.log_likelihood, abs=1e-6)


def test_a_shared_shape_needs_a_quantified_point_in_each_mouse() -> None:
    data, group, start = logistic_study(22)
    model = Population(LOGISTIC.log_curve, LOGISTIC.gradient, (0,))
    below = replace(data, censored=np.where(np.arange(12)[:, None] == 3, data.used, data.censored))
    with pytest.raises(ValueError, match="quantified point in each mouse"):
        fit_shared(below, model, group_design(group, 3, ()), start)
