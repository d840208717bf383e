"""The curves of expansion against values calculated elsewhere."""

import json
from pathlib import Path

import numpy as np
import pytest

from cartrace.growth import BY_NAME, derivatives
from cartrace.growth_curves import piecewise_stein, piecewise_stein_log_auc

TRUTH = Path(__file__).parents[1] / "data" / "truth"
STEIN_CASE = json.loads((TRUTH / "stein2019_typical.json").read_text(encoding="utf-8"))
CLOSED, STEIN = STEIN_CASE["closed_forms"], STEIN_CASE["expected"]


def response(name, theta, day):
    return float(np.exp(BY_NAME[name].log_curve(np.array([[day]]), np.array([theta]))[0, 0]))


def test_exponential_vector():
    assert response("exponential", [np.log(1e4), 0.6], 7.0) == pytest.approx(666_863.310409, abs=1e-5)


def test_logistic_vector():
    """Ten thousand cells that grow with 0.6 per day towards five million."""
    midpoint = np.log(5e6 / 1e4 - 1.0) / 0.6
    assert response("logistic", [np.log(5e6), np.log(0.6), midpoint], 14.0) == pytest.approx(4_495_558.768761, abs=1e-5)


def test_gompertz_vector():
    """Ten thousand cells whose growth towards five million slows down with 0.15 per day."""
    midpoint = np.log(np.log(5e6 / 1e4)) / 0.15
    assert response("gompertz", [np.log(5e6), np.log(0.15), midpoint], 14.0) == pytest.approx(
        2_335_951.263941, abs=1e-5
    )


@pytest.mark.parametrize("name", ["logistic", "gompertz"])
def test_closed_forms(name):
    case = CLOSED[name]
    found = BY_NAME[name].log_curve(np.array([case["t"]]), np.array([case["p"]]))[0]
    np.testing.assert_allclose(found, case["logy"], rtol=1e-12)


def test_expansion_and_contraction_has_the_asymptotes_of_the_kinked_curve():
    """Far from the turn the smooth curve is the piecewise linear one with the same rates."""
    level, log_growth, log_contraction, turn = np.log(5.0), np.log(0.6), np.log(0.16), 9.3
    days = np.array([[-40.0, -20.0, 60.0, 80.0]])
    found = BY_NAME["expansion_contraction"].log_curve(days, np.array([[level, log_growth, log_contraction, turn]]))[0]
    kinked = level + 0.6 * np.minimum(days[0] - turn, 0.0) - 0.16 * np.maximum(days[0] - turn, 0.0)
    np.testing.assert_allclose(found, kinked, rtol=1e-8)


# ---- Stein et al. 2019 ----


def typical_patient():
    """Cmax, rho = ln(fold) / Tmax, alpha, the persistent share, beta and Tmax as published."""
    values = STEIN["parameters"]
    rate = np.log(values["foldx"]) / values["Tmax"]
    share = np.log(values["FB"] / (1.0 - values["FB"]))
    logs = [np.log(value) for value in (values["Cmax"], rate, values["alpha"])]
    return np.array([[*logs, share, np.log(values["beta"]), values["Tmax"]]])


def test_the_published_typical_patient():
    theta, derived = typical_patient(), STEIN["derived"]
    days = np.array([[float(day) for day in STEIN["curve"]]])
    expected = np.array(list(STEIN["curve"].values()))
    np.testing.assert_allclose(np.exp(piecewise_stein(days, theta))[0], expected, rtol=1e-10)
    for name, end in (("AUC0_28", 28.0), ("AUC0_Tmax", theta[0, 5])):
        assert np.exp(piecewise_stein_log_auc(theta, 0.0, end))[0] == pytest.approx(derived[name], rel=1e-10)
    assert np.exp(piecewise_stein_log_auc(theta, 0.0, 1e6))[0] == pytest.approx(derived["AUC0_inf"], rel=1e-10)
    assert np.log(2.0) / np.exp(theta[0, 1]) == pytest.approx(derived["doubling_time"], rel=1e-12)


def test_the_smooth_curve_is_the_published_one_away_from_the_turn():
    theta = typical_patient()
    days = np.array([[0.0, 2.0, 30.0, 60.0, 180.0, 365.0]])
    np.testing.assert_allclose(BY_NAME["stein"].log_curve(days, theta), piecewise_stein(days, theta), atol=5e-3)


def test_the_piecewise_closed_form():
    case = CLOSED["stein6"]
    level, log_turn, log_growth, log_contraction, logit_share, log_persistence = case["p"]
    theta = np.array([[level, log_growth, log_contraction, logit_share, log_persistence, np.exp(log_turn)]])
    np.testing.assert_allclose(piecewise_stein(np.array([case["t"]]), theta)[0], case["logy"], rtol=1e-12)


def test_the_gradient_and_the_peak_of_the_smooth_curve():
    model, theta = BY_NAME["stein"], typical_patient()
    days = np.linspace(0.0, 60.0, 13)[None]
    numeric = derivatives(lambda moved: model.log_curve(days, moved), theta)
    np.testing.assert_allclose(model.gradient(days, theta), numeric, rtol=1e-6, atol=1e-7)
    grid = np.linspace(5.0, 20.0, 150_001)[None]
    assert model.peak_day(theta)[0] == pytest.approx(grid[0, model.log_curve(grid, theta).argmax()], abs=2e-4)
    share = theta.copy()
    share[0, 3] = -40.0
    tent = np.delete(share, [3, 4], axis=1)
    np.testing.assert_allclose(model.log_curve(days, share), BY_NAME["expansion_contraction"].log_curve(days, tent))


def test_a_lag_has_the_asymptotes_of_the_kinked_curve():
    """Exactly flat before, and a straight log curve after the lag; with background: S = B + S0 exp(r t)."""
    level, rate, lag = np.log(2e5), 0.35, 5.0
    days = np.array([[0.0, 5.0, 14.0, 200.0]])
    found = BY_NAME["lag_exponential"].log_curve(days, np.array([[level, np.log(rate), lag]]))[0]
    background, initial = 2e5, 2e5 * np.exp(-rate * lag)
    np.testing.assert_allclose(found, np.log(background + initial * np.exp(rate * days[0])), rtol=1e-12)
    assert found[3] == pytest.approx(level + rate * (200.0 - lag), rel=1e-12)
