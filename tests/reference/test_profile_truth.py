"""Profile-likelihood limits against R, and with censored points against a profile made by a general optimiser."""

import json
from pathlib import Path

import lmfit
import numpy as np
import pandas as pd
import pytest
from kinetics import cells_of, cells_row, simulated
from scipy.integrate import quad
from scipy.optimize import brentq, least_squares, minimize

from cartrace.calibration import t_quantile
from cartrace.censoring import Points, likelihood
from cartrace.error_models import BY_NAME as ERRORS
from cartrace.estimates import animal_estimates
from cartrace.expansion import fit_study
from cartrace.expansion_points import Scatter, mice_of
from cartrace.fitting import fit
from cartrace.growth import BY_NAME
from cartrace.own_models import own_model
from cartrace.profiles import Wanted, profile_limits
from cartrace.quantities import quantities

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


def two_phases(day, first, fast, ratio, slow):
    return first * (np.exp(-fast * day) + ratio * np.exp(-slow * day))


def test_limits_of_a_labs_own_model_are_those_of_r():
    """nls of SSbiexp to the first subject of Indometh, whose slow rate the points do not bound from below."""
    expected = json.loads((TRUTH / "nls_profile_ci.json").read_text(encoding="utf-8"))["expected"]["indometh1_ssbiexp"]
    frame = pd.read_csv(TRUTH / "nls_profile_ci.csv")
    part = frame[frame["set"] == "indometh1"]
    day, y = part["x"].to_numpy()[None], np.log(part["y"].to_numpy())[None]
    used = np.ones(day.shape, dtype=bool)
    points = Points(day, y, used, ~used, error=ERRORS["additive"])
    curve = lmfit.Model(two_phases, independent_vars=["day"])
    units = {"first": "response", "fast": "1/day", "ratio": "", "slow": "1/day"}
    for name, value in {"first": 2.0, "fast": 2.0, "ratio": 0.1, "slow": 0.2}.items():
        curve.set_param_hint(name, value=value, min=0)
    model = own_model(curve, units, name="two_phases", path="", window_days=(0.0, 8.0), error="additive")
    found = fit(model, points)

    def second(theta, rows):
        return theta[:, 0] + theta[:, 2], np.tile([1.0, 0.0, 1.0, 0.0], (len(theta), 1))

    row, far = np.array([0]), np.array([10.0])
    wanted = [Wanted(None, 0, row, far), Wanted(None, 1, row, far), Wanted(second, 0, row, far)]
    wanted.append(Wanted(None, 3, row, far))
    profiles = profile_limits(model, points, found, wanted, quantile=t_quantile(0.975, found.df))
    # R has both amplitudes as they are and the rates on the log scale; limits do not depend on the scale.
    on_log_scale = {"A1": np.log, "A2": np.log, "lrc1": float, "lrc2": float}
    estimates = [found.theta[0, 0], found.theta[0, 1], second(found.theta, row)[0][0], found.theta[0, 3]]
    for name, estimate, profile in zip(("A1", "lrc1", "A2", "lrc2"), estimates, profiles, strict=True):
        assert estimate == pytest.approx(on_log_scale[name](expected["est"][name]), rel=1e-5)
        for own, theirs in zip((profile.low[0], profile.high[0]), expected["profile_ci95"][name], strict=True):
            if theirs is None:
                assert np.isnan(own)
            else:
                assert own == pytest.approx(on_log_scale[name](theirs), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("name", ["logistic", "gompertz", "expansion_contraction", "lag_exponential", "exponential"])
def test_limits_of_an_area_are_where_the_best_curve_with_that_area_fits_worse_by_t(name):
    """The area by SciPy's quadrature, the best curve by SciPy's least squares: nothing of ours but the curve."""
    cells, _ = simulated(name, n_per_group=2, days=(1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 14.0, 21.0))
    scatter = Scatter("log_normal", use_measurement_se=False)
    common = {"model": name, "analysis": "all", "strategy": "reporter_gene", "window_days": (0.0, 28.0)}
    study = fit_study(cells, mice_of(cells), scatter=scatter, **common)
    rows = animal_estimates(study, quantities(study, (0.0, 14.0)), confidence=0.95, interval="profile")
    start = rows.index[rows["parameter"] == "auc"][0]
    rows = rows[(rows["parameter"] == "auc") & (rows["status"] == "ok")]
    assert len(rows) >= 3
    assert set(rows["ci_method"]) == {"profile likelihood"}
    points, model = study.points.rows(study.rows), study.model
    for row in rows.index - start:
        y, theta, df = points.log_response[row], study.fit.theta[row], study.fit.df[row]
        best = np.sum((y - model.log_curve(points.day[row][None], theta[None])[0]) ** 2)
        for limit in rows.loc[start + row][["ci_low", "ci_high"]]:
            worse = least_squares_with_area(model, points.day[row], y, theta[1:], np.log(limit)) - best
            assert np.sqrt(worse / (best / df)) == pytest.approx(float(t_quantile(0.975, df)), rel=1e-4)


def test_a_limit_is_found_where_no_curve_at_all_has_an_area_further_out():
    day = np.array([1.159, 4.160, 7.159, 10.160, 14.160, 21.160])
    response = [3.7292e5, 1.597696e6, 4.422444e6, 4.348448e6, 2.214032e6, 5.796056e5]
    cells = cells_of([cells_row("M1", "CAR", *pair) for pair in zip(day, response, strict=True)])
    scatter = Scatter("log_normal", use_measurement_se=False)
    common = {"model": "gompertz", "analysis": "all", "strategy": "reporter_gene", "window_days": (0.0, 28.0)}
    study = fit_study(cells, mice_of(cells), scatter=scatter, **common)
    rows = animal_estimates(study, quantities(study, (0.0, 28.0)), confidence=0.95, interval="profile")
    row = rows[rows["parameter"] == "auc"].iloc[0]
    assert row["ci_low"] < row["estimate"] < row["ci_high"] < np.inf


def least_squares_with_area(model, day, y, first, log_area):
    def shape_of(days, shape):
        return model.log_curve(np.atleast_2d(days), np.append(0.0, shape)[None])[0]

    def residual(shape):
        log_curve = shape_of(day, shape)
        top = log_curve.max()
        own = top + np.log(quad(lambda t: float(np.exp(shape_of(t, shape)[0] - top)), 0.0, 14.0, limit=200)[0])
        return y - (log_area - own) - log_curve

    return 2.0 * least_squares(residual, first, method="lm", jac="3-point", xtol=1e-12, ftol=1e-12).cost


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
