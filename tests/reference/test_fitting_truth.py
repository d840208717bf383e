"""The fits against R (lm, nls, survreg) and an exact global optimum."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cartrace.censoring import Points
from cartrace.fitting import fit
from cartrace.growth import BY_NAME, derivatives
from cartrace.optimise import least_squares, minimise
from cartrace.pooled_scatter import pooled_log_likelihood

TRUTH = Path(__file__).parents[1] / "data" / "truth"


def case(name):
    return json.loads((TRUTH / f"{name}.json").read_text(encoding="utf-8"))


def data(name):
    return pd.read_csv(TRUTH / name)


def padded(frame, mouse, day, log_response, censored=None):
    """Points of a long table, mice in order of appearance."""
    mice = list(dict.fromkeys(frame[mouse]))
    shape = (len(mice), int(frame.groupby(mouse).size().max()))
    days, logs, used, below = np.zeros(shape), np.zeros(shape), np.zeros(shape, bool), np.zeros(shape, bool)
    for row, name in enumerate(mice):
        part = frame[frame[mouse] == name]
        n = len(part)
        days[row, :n], logs[row, :n], used[row, :n] = part[day], log_response[part.index], True
        if censored is not None:
            below[row, :n] = part[censored] == 1
    return mice, Points(days, logs, used, below)


# ---- R ----


def test_exponential_is_the_regression_of_lm():
    expected = case("lm_chick_exponential")["expected"]
    frame = data("lm_chick_exponential.csv")
    frame["Chick"] = frame["Chick"].astype(str)
    frame = frame[frame["Chick"].isin(list(expected))].reset_index(drop=True)
    mice, some = padded(frame, "Chick", "Time", np.log(frame["weight"]))
    found = fit(BY_NAME["exponential"], some)
    assert len(mice) == len(expected) > 40
    for row, name in enumerate(mice):
        truth = expected[name]
        np.testing.assert_allclose(found.theta[row], [truth["intercept"], truth["rate"]], rtol=1e-10)
        np.testing.assert_allclose(np.sqrt(found.covariance[row, 1, 1]), truth["rate_se"], rtol=1e-8)
        np.testing.assert_allclose(found.sigma[row], truth["sigma"], rtol=1e-10)


def test_censored_exponential_is_the_tobit_of_survreg():
    truth = case("censored_tobit_exponential")
    frame = data("censored_tobit_exponential.csv")
    mice, some = padded(frame, "mouse", "day", np.log(frame["signal"]), "below")
    found = fit(BY_NAME["exponential"], some)
    quantified = some.n_points - some.n_censored
    # survreg gives the likelihood of the signal itself and standard errors without n / (n - p).
    jacobian = np.sum(np.where(some.censored, 0.0, some.log_response), axis=1)
    for row, name in enumerate(mice):
        expected = truth["expected"]["per_mouse"][name]
        assert some.n_censored[row] == expected["n_cens"]
        np.testing.assert_allclose(found.theta[row], [expected["intercept"], expected["rate"]], rtol=1e-5)
        np.testing.assert_allclose(found.sigma_ml[row], expected["sigma"], rtol=1e-5)
        se = np.sqrt(np.diag(found.covariance[row]) * found.df[row] / quantified[row])
        np.testing.assert_allclose(se, [expected["se_intercept"], expected["se_rate"]], rtol=1e-3)
        assert found.log_likelihood[row] - jacobian[row] == pytest.approx(expected["loglik"], abs=1e-5)


@pytest.mark.parametrize("drop", [False, True], ids=["half the limit", "dropped"])
def test_the_makeshifts_for_censoring_are_told_apart_from_it(drop):
    """What survreg's truth calls naive is what our own fit gives when it is fed so: the difference is the method's."""
    truth = case("censored_tobit_exponential")["expected"]["per_mouse"]
    frame = data("censored_tobit_exponential.csv")
    frame["log"] = np.log(frame["signal"]) - np.log(2.0) * frame["below"]
    frame = frame[frame["below"] == 0].reset_index(drop=True) if drop else frame
    mice, some = padded(frame, "mouse", "day", frame["log"])
    rates = fit(BY_NAME["exponential"], some).theta[:, 1]
    key = "naive_drop_rate" if drop else "naive_halfLOD_rate"
    np.testing.assert_allclose(rates, [truth[name][key] for name in mice], rtol=1e-8)


def natural(model):
    """The curve and its gradient on the natural scale, on which nls fits."""

    def curve(day, theta):
        return np.exp(model.log_curve(day, theta))

    def gradient(day, theta):
        return np.exp(model.log_curve(day, theta))[:, :, None] * model.gradient(day, theta)

    return curve, gradient


def fit_natural(name, day, response, start):
    day, response = np.asarray(day, float)[None], np.asarray(response, float)[None]
    curve, gradient = natural(BY_NAME[name])
    free = np.full((1, 3), np.inf)
    local = least_squares(curve, gradient, day, response, np.ones_like(day, dtype=bool))
    found = minimise(local, np.array([start]), -free, free)
    assert found.converged[0]
    sse = 2.0 * float(found.value[0])
    curvature = local(found.x, np.array([0]))[2][0]
    return found.x[0], sse, np.sqrt(np.diag(np.linalg.inv(curvature)) * sse / (day.size - 3))


def assert_logistic(x, sse, se, expected):
    plateau, scale = np.exp(x[0]), np.exp(-x[1])
    coef, errors = expected["coef"], expected["se"]
    np.testing.assert_allclose([plateau, x[2], scale], [coef["Asym"], coef["xmid"], coef["scal"]], rtol=1e-6)
    np.testing.assert_allclose(
        [se[0] * plateau, se[2], se[1] * scale], [errors["Asym"], errors["xmid"], errors["scal"]], rtol=1e-4
    )
    assert sse == pytest.approx(expected["sse"], rel=1e-8)


def test_logistic_is_that_of_nls():
    frame = data("nls_dnase1_sslogis.csv")
    x, sse, se = fit_natural("logistic", frame["lconc"], frame["density"], [np.log(2.0), 0.0, 1.0])
    assert_logistic(x, sse, se, case("nls_dnase1_sslogis")["expected"])


def test_logistic_of_every_orange_tree_is_that_of_nls():
    frame = data("nlslist_orange_sslogis.csv")
    expected = case("nlslist_orange_sslogis")["expected"]
    for tree, part in frame.groupby("Tree"):
        x, sse, se = fit_natural("logistic", part["age"], part["circumference"], [np.log(180.0), np.log(0.003), 700.0])
        assert_logistic(x, sse, se, expected[str(tree)])


def test_theophylline_of_every_subject_is_that_of_nls():
    """The engine with a curve that is none of the registry's: a rise and a fall, on the natural scale (SSfol)."""
    frame = data("nlslist_theoph_ssfol.csv")
    expected = case("nlslist_theoph_ssfol")["expected"]
    _, some = padded(frame, "Subject", "Time", frame["conc"].to_numpy())

    def curve(day, theta):
        # Eliminated as fast as absorbed, the curve has another form; no fit lies there.
        with np.errstate(all="ignore"):
            ke, ka, cl = np.exp(theta.T)[:, :, None]
            return dose * ke * ka * (np.exp(-ke * day) - np.exp(-ka * day)) / (cl * (ka - ke))

    def gradient(day, theta):
        return derivatives(lambda moved: curve(day, moved), theta)

    for row, (name, truth) in enumerate(expected.items()):
        assert str(frame["Subject"].unique()[row]) == name
        one, dose = some.rows(np.array([row])), frame[frame["Subject"] == int(name)]["Dose"].to_numpy()[:1, None]
        local = least_squares(curve, gradient, one.day, one.log_response, one.used)
        free = np.full((1, 3), np.inf)
        starts = np.array([[-2.5, 0.5, -3.0]])
        found = minimise(local, starts, -free, free)
        assert found.converged[0]
        coefficients = np.array(list(truth["coef"].values()))
        np.testing.assert_allclose(found.x[0], coefficients, rtol=1e-5, atol=1e-6)
        assert 2.0 * found.value[0] == pytest.approx(truth["sse"], rel=1e-8)
        curvature = local(found.x, np.array([0]))[2][0]
        se = np.sqrt(np.diag(np.linalg.inv(curvature)) * 2.0 * found.value[0] / truth["df"])
        np.testing.assert_allclose(se, list(truth["se"].values()), rtol=1e-4)


def test_gompertz_is_that_of_nls():
    frame = data("nls_dnase1_ssgompertz.csv")
    expected = case("nls_dnase1_ssgompertz")["expected"]
    x, sse, se = fit_natural("gompertz", frame["lconc"], frame["density"], [np.log(4.0), np.log(0.3), 2.0])
    # R writes Asym exp(-b2 b3**x): b3 = e^-k, b2 = e^(k tm).
    rate = np.exp(x[1])
    found = [np.exp(x[0]), np.exp(rate * x[2]), np.exp(-rate)]
    np.testing.assert_allclose(found, [expected["coef"][name] for name in ("Asym", "b2", "b3")], rtol=1e-6)
    np.testing.assert_allclose(
        [se[0] * found[0], se[1] * rate * found[2]], [expected["se"]["Asym"], expected["se"]["b3"]], rtol=1e-4
    )
    assert sse == pytest.approx(expected["sse"], rel=1e-8)


# ---- the exact optimum of the kinked curve ----


def test_smooth_turn_follows_the_kinked_curve():
    """Mice simulated with a kink: the smooth curve turns more gently and makes up for it with rates some 8 % higher."""
    expected = pd.DataFrame(case("tent_global_optimum")["expected"])
    frame = data("tent_global_optimum.csv")
    mice, some = padded(frame, "mouse", "day", frame["log_signal"])
    assert mice == expected["mouse"].tolist()
    found = fit(BY_NAME["expansion_contraction"], some)
    assert found.converged.all()
    assert not found.at_limit.any()
    assert 1.0 < np.median(np.exp(found.theta[:, 1]) / expected["rho"]) < 1.12
    assert 1.0 < np.median(np.exp(found.theta[:, 2]) / expected["alpha"]) < 1.12
    assert abs(np.median(found.theta[:, 3] - expected["Tmax"])) < 0.25


def test_kinked_curve_started_at_the_exact_optimum_stays_there():
    expected = pd.DataFrame(case("tent_global_optimum")["expected"])
    frame = data("tent_global_optimum.csv")
    _, some = padded(frame, "mouse", "day", frame["log_signal"])

    def curve(day, x):
        rise, fall = np.minimum(day - x[:, 1:2], 0.0), np.maximum(day - x[:, 1:2], 0.0)
        return x[:, :1] + x[:, 2:3] * rise - x[:, 3:] * fall

    def gradient(day, x):
        left = day < x[:, 1:2]
        turn = np.where(left, -x[:, 2:3], x[:, 3:])
        rise, fall = np.minimum(day - x[:, 1:2], 0.0), np.maximum(day - x[:, 1:2], 0.0)
        return np.stack([np.ones_like(day), turn, rise, -fall], axis=-1)

    start = expected[["lC", "Tmax", "rho", "alpha"]].to_numpy(dtype=float)
    free = np.full_like(start, np.inf)
    found = minimise(least_squares(curve, gradient, some.day, some.log_response, some.used), start, -free, free)
    np.testing.assert_allclose(2.0 * found.value, expected["sse"], rtol=1e-6)


def test_pooled_exponential_scatter_lies_between_those_of_the_mice():
    frame = data("censored_tobit_exponential.csv")
    _, some = padded(frame, "mouse", "day", np.log(frame["signal"]), "below")
    own = fit(BY_NAME["exponential"], some)
    likelihood, sigma = pooled_log_likelihood(BY_NAME["exponential"], some, own.theta)
    assert own.sigma_ml.min() < sigma < own.sigma_ml.max()
    assert likelihood.sum() < own.log_likelihood.sum()
