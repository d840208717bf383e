"""The curves of expansion against values calculated elsewhere."""

import json
from pathlib import Path

import numpy as np
import pytest

from cartrace.growth import BY_NAME

TRUTH = Path(__file__).parents[1] / "data" / "truth"
CLOSED = json.loads((TRUTH / "stein2019_typical.json").read_text())["closed_forms"]


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
