"""Profile-likelihood limits against R, and with censored points against a profile made by a general optimiser."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kinetics import simulated
from scipy.optimize import brentq, minimize

from cartrace.calibration import t_quantile
from cartrace.censoring import Points, likelihood
from cartrace.error_models import BY_NAME as ERRORS
from cartrace.expansion import Scatter, fit_study, mice_of
from cartrace.fitting import fit
from cartrace.growth import BY_NAME
from cartrace.profiles import Wanted, profile_limits

TRUTH = Path(__file__).parents[1] / "data" / "truth"
MODEL = BY_NAME["logistic"]
PRECISE = {"maxiter": 4000, "fatol": 1e-11, "xatol": 1e-9}


def limits_of(points, found, index):
    every = np.arange(len(found.theta))
    wanted = Wanted(None, index, every, np.full(len(every), 30.0))
    (profile,) = profile_limits(MODEL, points, found, [wanted], quantile=t_quantile(0.975, found.df))
    return profile.low, profile.high


@pytest.mark.parametrize("name", ["dnase1", "chick1"])
def test_limits_are_those_of_r(name):
    """nls of SSlogis on the natural scale: the logistic with the additive error."""
    expected = json.loads((TRUTH / "nls_profile_ci.json").read_text(encoding="utf-8"))["expected"][f"{name}_sslogis"]
    frame = pd.read_csv(TRUTH / "nls_profile_ci.csv")
    part = frame[frame["set"] == name]
    day, y = part["x"].to_numpy()[None], np.log(part["y"].to_numpy())[None]
    used = np.ones(day.shape, dtype=bool)
    points = Points(day, y, used, ~used, error=ERRORS["additive"])
    found = fit(MODEL, points)
    estimate = {"Asym": np.exp(found.theta[0, 0]), "xmid": found.theta[0, 2], "scal": np.exp(-found.theta[0, 1])}
    for parameter, value in expected["est"].items():
        assert estimate[parameter] == pytest.approx(value, rel=1e-5)
    for parameter, index in {"Asym": 0, "xmid": 2, "scal": 1}.items():
        low, high = (float(limit[0]) for limit in limits_of(points, found, index))
        if parameter == "Asym":
            low, high = np.exp(low), np.exp(high)
        if parameter == "scal":
            low, high = np.exp(-high), np.exp(-low)
        for own, theirs in zip((low, high), expected["profile_ci95"][parameter], strict=True):
            if theirs is None:
                # R looks 30 standard errors far; ours is missing, or further away than that.
                far = expected["est"][parameter] + 30.0 * expected["se"][parameter]
                assert np.isnan(own) or own > far
            else:
                assert own == pytest.approx(theirs, rel=1e-5)


def test_limits_with_censored_points_are_those_of_a_general_optimiser():
    """Twelve mice, most with points below detection: each limit is where tau of the best curve meets t."""
    cells, _ = simulated("logistic", n_per_group=6, critical=3e5, days=(1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 14.0, 21.0))
    scatter = Scatter("log_normal", use_measurement_se=False)
    study = fit_study(
        cells,
        mice_of(cells),
        model="logistic",
        analysis="all",
        strategy="reporter_gene",
        window_days=(0.0, 28.0),
        scatter=scatter,
    )
    points, found = study.points.rows(study.rows), study.fit
    assert (points.n_censored > 0).sum() >= 10
    for index in (0, 1):
        low, high = limits_of(points, found, index)
        assert np.isfinite(low).all()
        assert np.isfinite(high).all()
        for row in range(0, len(low), 5):
            for limit in (low[row], high[row]):
                assert tau_of(points, found, row, index, limit) == pytest.approx(
                    float(t_quantile(0.975, found.df[row])), rel=1e-4
                )


def tau_of(points, found, row, index, value):
    some = points.rows(np.array([row]))
    local = likelihood(MODEL, some, None)
    best = np.append(found.theta[row], np.log(found.sigma_ml[row]))
    others = [place for place in range(4) if place != index]

    def worse(free):
        x = best.copy()
        x[index], x[others] = value, free
        return float(local(x[None], np.array([0]))[0][0])

    lowest = np.inf
    for shift in (0.0, 0.5, -0.5):
        start = best[others] + shift * np.array([0.3, 0.3, 1.0])
        for _ in range(3):
            ended = minimize(worse, start, method="Nelder-Mead", options=PRECISE)
            start = ended.x
        lowest = min(lowest, ended.fun)
    gap = 2.0 * (lowest - float(local(best[None], np.array([0]))[0][0]))
    return np.sqrt(found.df[row] * np.expm1(gap / (found.inflation[row] * found.df[row])))


def test_an_interval_is_as_wide_as_its_standard_error_says():
    """No limit hugs its estimate: what a wrong branch of curves once did to mice with censored points."""
    cells, _ = simulated("logistic", n_per_group=40, critical=3e5, seed=8)
    scatter = Scatter("log_normal", use_measurement_se=False)
    study = fit_study(
        cells,
        mice_of(cells),
        model="logistic",
        analysis="all",
        strategy="reporter_gene",
        window_days=(0.0, 28.0),
        scatter=scatter,
    )
    points, found = study.points.rows(study.rows), study.fit
    se = np.sqrt(np.einsum("mpp->mp", found.covariance))
    quantile = t_quantile(0.975, found.df)
    assert (points.n_censored > 0).sum() > 40
    for index in range(3):
        for limit in limits_of(points, found, index):
            # One degree of freedom bends the profile so far that its limits lie anywhere.
            known = np.isfinite(limit) & (se[:, index] < 1.0) & (found.df >= 2)
            assert known.mean() > 0.5
            distance = np.abs(limit - found.theta[:, index])[known] / (se[:, index] * quantile)[known]
            assert distance.min() > 0.3
            assert 0.8 < np.median(distance) < 1.3


def test_a_regression_has_the_limits_of_its_t_interval():
    rng = np.random.default_rng(1)
    day = np.tile([1.0, 3.0, 5.0, 8.0, 11.0], (3, 1))
    used = np.ones(day.shape, dtype=bool)
    points = Points(day, 10.0 + 0.3 * day + rng.normal(0.0, 0.2, day.shape), used, ~used)
    model = BY_NAME["exponential"]
    found = fit(model, points)
    quantile = t_quantile(0.975, found.df)
    wanted = Wanted(None, 1, np.arange(3), np.full(3, 10.0))
    (profile,) = profile_limits(model, points, found, [wanted], quantile=quantile)
    half = quantile * np.sqrt(found.covariance[:, 1, 1])
    np.testing.assert_allclose(profile.low, found.theta[:, 1] - half, rtol=1e-7)
    np.testing.assert_allclose(profile.high, found.theta[:, 1] + half, rtol=1e-7)
    # The sum of squares at the limit, by hand.
    row, limit = 0, profile.high[0]
    rest = points.log_response[row] - limit * day[row]
    worse = np.sum((rest - rest.mean()) ** 2)
    best = found.sigma[row] ** 2 * 3
    assert brentq(lambda t: worse - best - t**2 * found.sigma[row] ** 2, 0.0, 20.0) == pytest.approx(quantile[row])
