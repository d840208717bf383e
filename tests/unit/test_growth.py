"""The curves of expansion against published vectors, numeric derivatives and numeric integrals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from cartrace.growth import BY_NAME, MODELS, limits, log_auc_gradient
from cartrace.growth_curves import peak_of_expansion

THETA = {
    "exponential": [np.log(2e5), 0.35],
    "lag_exponential": [np.log(2e5), np.log(0.35), 5.0],
    "logistic": [np.log(5e6), np.log(0.45), 9.0],
    "gompertz": [np.log(5e6), np.log(0.2), 7.0],
    "expansion_contraction": [np.log(4e7), np.log(0.45), np.log(0.12), 11.0],
}
DAYS = np.array([[0.5, 4.0, 7.0, 10.0, 14.0, 21.0, 28.0]])


def numeric_gradient(function, theta, step=1e-6):
    columns = []
    for index in range(theta.shape[1]):
        up, down = theta.copy(), theta.copy()
        up[:, index] += step
        down[:, index] -= step
        columns.append((function(up) - function(down)) / (2 * step))
    return np.stack(columns, axis=-1)


def theta_strategy(model):
    ranges = {
        ("level", "log"): st.floats(-5, 20),
        ("rate", "log"): st.floats(np.log(0.02), np.log(2.0)),
        ("rate", "linear"): st.floats(-1.0, 1.5),
        ("day", "linear"): st.floats(-5.0, 30.0),
    }
    return st.tuples(*(ranges[parameter.kind, parameter.scale] for parameter in model.parameters))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_gradient_is_the_derivative(model, data):
    theta = np.array([data.draw(theta_strategy(model))])
    expected = numeric_gradient(lambda value: model.log_curve(DAYS, value), theta)
    found = model.gradient(DAYS, theta)
    scale = 1.0 + np.abs(model.log_curve(DAYS, theta))[:, :, None]
    np.testing.assert_allclose(found / scale, expected / scale, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_batch_equals_one_by_one(model):
    rng = np.random.default_rng(7)
    theta = np.array([THETA[model.name]]) + rng.normal(0, 0.1, (5, model.n_parameters))
    days = np.sort(rng.uniform(0, 28, (5, 6)), axis=1)
    together = model.log_curve(days, theta)
    for row in range(5):
        np.testing.assert_array_equal(
            together[row : row + 1], model.log_curve(days[row : row + 1], theta[row : row + 1])
        )


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize(("start", "end"), [(0.0, 28.0), (1.0, 10.0), (20.0, 28.0)])
def test_area_is_the_integral(model, start, end):
    theta = np.array([THETA[model.name]])
    area, _ = quad(lambda day: float(np.exp(model.log_curve(np.array([[day]]), theta)[0, 0])), start, end, epsrel=1e-11)
    np.testing.assert_allclose(np.exp(model.log_auc(theta, start, end))[0], area, rtol=1e-9)


@pytest.mark.parametrize(("growth", "contraction", "turn"), [(1.7, 0.09, 7.2), (8.0, 0.02, 3.0), (0.05, 3.0, 20.0)])
def test_area_of_a_curve_that_turns_sharply_is_the_integral(growth, contraction, turn):
    """A tail that is far from negligible where its place in the distribution is 1 to the last digit."""
    model = BY_NAME["expansion_contraction"]
    theta = np.array([[10.0, np.log(growth), np.log(contraction), turn]])

    def curve(day):
        return float(np.exp(model.log_curve(np.array([[day]]), theta)[0, 0]))

    area = quad(curve, 0.0, turn, epsrel=1e-11)[0] + quad(curve, turn, 28.0, epsrel=1e-11)[0]
    np.testing.assert_allclose(np.exp(model.log_auc(theta, 0.0, 28.0))[0], area, rtol=1e-9)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_gradient_of_the_area(model):
    theta = np.array([THETA[model.name]])
    expected = numeric_gradient(lambda value: model.log_auc(value, 0.0, 28.0), theta)
    np.testing.assert_allclose(log_auc_gradient(model, theta, 0.0, 28.0), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_gradient_of_the_growth_rate(model):
    theta, first = np.array([THETA[model.name]]), np.array([1.2])
    expected = numeric_gradient(lambda value: model.growth_rate(value, first)[0], theta)
    np.testing.assert_allclose(model.growth_rate(theta, first)[1], expected, rtol=1e-6, atol=1e-8)


def test_gompertz_growth_rate_is_the_slope_at_the_first_scan():
    model, theta, first = BY_NAME["gompertz"], np.array([THETA["gompertz"]]), np.array([1.2])
    step = 1e-5
    around = model.log_curve(np.array([[1.2 - step, 1.2 + step]]), theta)[0]
    slope = (around[1] - around[0]) / (2 * step)
    np.testing.assert_allclose(np.exp(model.growth_rate(theta, first)[0])[0], slope, rtol=1e-8)


@pytest.mark.parametrize("name", ["logistic", "expansion_contraction"])
def test_growth_rate_is_the_early_slope(name):
    model, theta = BY_NAME[name], np.array([THETA[name]])
    early = model.log_curve(np.array([[-60.0, -59.0]]), theta)[0]
    np.testing.assert_allclose(early[1] - early[0], np.exp(model.growth_rate(theta, np.zeros(1))[0])[0], rtol=1e-8)


def test_peak_of_expansion_and_contraction_is_the_maximum():
    model, theta = BY_NAME["expansion_contraction"], np.array([THETA["expansion_contraction"]])
    day, gradient = peak_of_expansion(theta)
    grid = np.linspace(day[0] - 2, day[0] + 2, 4001)[None]
    assert grid[0, np.argmax(model.log_curve(grid, theta))] == pytest.approx(day[0], abs=1e-3)
    expected = numeric_gradient(lambda value: peak_of_expansion(value)[0], theta)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)


def test_contraction_has_its_rate():
    model, theta = BY_NAME["expansion_contraction"], np.array([THETA["expansion_contraction"]])
    late = model.log_curve(np.array([[80.0, 81.0]]), theta)[0]
    assert late[0] - late[1] == pytest.approx(0.12, rel=1e-8)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_extreme_parameters_give_finite_curves(model):
    low, high = limits(model, np.array([1.0]), np.array([21.0]))
    for limit in (low, high):
        theta = np.where(np.isfinite(limit), limit, 0.0)
        assert np.isfinite(model.log_curve(DAYS, theta)).all()
        assert np.isfinite(model.gradient(DAYS, theta)).all()


def test_names_are_unique_and_every_model_has_a_level_first():
    assert len({model.name for model in MODELS}) == len(MODELS)
    for model in MODELS:
        assert model.parameters[0].kind == "level"
        shifted = np.array([THETA[model.name]])
        shifted[0, 0] += 1.0
        np.testing.assert_allclose(
            model.log_curve(DAYS, shifted) - model.log_curve(DAYS, np.array([THETA[model.name]])), 1.0
        )
