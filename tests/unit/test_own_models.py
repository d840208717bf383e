"""A lab's own model: the example of the docs, a shipped curve written anew, and what is said about a wrong file."""

import re
from pathlib import Path

import lmfit
import numpy as np
import pytest
from kinetics import TYPICAL, simulated

from cartrace.errors import InputError
from cartrace.estimates import animal_estimates, group_estimates
from cartrace.expansion import fit_study
from cartrace.expansion_points import Scatter, mice_of
from cartrace.fitting import fit
from cartrace.growth import BY_NAME, derivatives
from cartrace.lmfit_results import lmfit_model, lmfit_result, parameter_names
from cartrace.own_models import own_model
from cartrace.quantities import quantities
from cartrace.readers.own_model import read_own_model

DOCS = Path(__file__).parents[2] / "docs" / "own-models.md"
WINDOW = (0.0, 28.0)
LOGISTIC = """
import lmfit
import numpy as np

def curve(day, midpoint, growth_rate, plateau):
    return plateau / (1.0 + np.exp(-growth_rate * (day - midpoint)))

model = lmfit.Model(curve, independent_vars=["day"])
model.set_param_hint("plateau", value=1e6, min=0)
model.set_param_hint("growth_rate", value=0.3, min=1e-4, max=10)
model.set_param_hint("midpoint", value=12)
units = {"plateau": "response", "growth_rate": "1/day", "midpoint": "day"}
"""


def written(folder, text, *, name="own", error="log_normal"):
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    return own_model(*read_own_model(path), name=name, path=str(path), window_days=WINDOW, error=error)


def estimates_of(cells, model, interval="wald"):
    scatter = Scatter("log_normal", use_measurement_se=False)
    study = fit_study(
        cells,
        mice_of(cells),
        model=model,
        analysis="all",
        strategy="reporter_gene",
        window_days=WINDOW,
        scatter=scatter,
    )
    frame = animal_estimates(study, quantities(study, WINDOW), confidence=0.95, interval=interval)
    return frame.set_index(["animal_id", "parameter"]).sort_index(), study


@pytest.mark.parametrize("interval", ["wald", "profile"])
def test_a_shipped_curve_written_anew_gives_the_same(tmp_path, interval):
    cells, _ = simulated("logistic", n_per_group=3, critical=3e5)
    own, _ = estimates_of(cells, written(tmp_path, LOGISTIC), interval)
    shipped, _ = estimates_of(cells, "logistic", interval)
    for parameter in ("plateau", "growth_rate", "midpoint", "doubling_time", "auc", "peak"):
        left, right = own.xs(parameter, level="parameter"), shipped.xs(parameter, level="parameter")
        assert (right["status"] == "ok").all()
        for column in ("estimate", "se", "ci_low", "ci_high"):
            # Numeric derivatives find a limit where the curve is all but a step a little less exactly.
            close = 1e-3 if (interval, parameter) == ("profile", "auc") else 2e-5
            np.testing.assert_allclose(
                left[column].to_numpy(dtype=float), right[column].to_numpy(dtype=float), rtol=close
            )
        assert list(left["unit"]) == list(right["unit"])


def test_a_function_for_one_mouse_at_a_time_will_do(tmp_path):
    one = LOGISTIC.replace("    return", "    assert np.ndim(plateau) == 0\n    return").replace(
        "assert np.ndim(plateau) == 0", "if np.ndim(plateau):\n        raise ValueError"
    )
    day, theta = np.tile([1.0, 7.0, 14.0], (2, 1)), np.array([[14.0, 12.0, -1.0], [15.0, 10.0, -0.8]])
    slow, quick = written(tmp_path, one), written(tmp_path, LOGISTIC, name="quick")
    np.testing.assert_array_equal(slow.log_curve(day, theta), quick.log_curve(day, theta))


def test_the_example_of_the_docs_is_fitted(tmp_path):
    """A symmetric curve has the shape 1, and the other parameters of the logistic."""
    model = written(tmp_path, re.search(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)[1])
    days = (1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 14.0, 17.0, 21.0, 28.0)
    cells, truth = simulated("logistic", n_per_group=2, sigma=1e-3, days=days)
    rows, study = estimates_of(cells, model, "profile")
    assert set(rows.xs("shape", level="parameter")["status"]) == {"ok"}
    for animal, theta in truth.items():
        assert rows.loc[(animal, "shape"), "estimate"] == pytest.approx(1.0, rel=0.05)
        assert rows.loc[(animal, "growth_rate"), "estimate"] == pytest.approx(np.exp(theta[1]), rel=0.02)
        assert rows.loc[(animal, "midpoint"), "estimate"] == pytest.approx(theta[2], abs=0.1)
    assert rows.loc[(slice(None), "growth_rate"), "ci_method"].unique() == ["profile likelihood"]
    assert "richards" in DOCS.read_text(encoding="utf-8")
    assert (group_estimates(rows.reset_index(), confidence=0.95)["level"] == "group").all()
    assert study.fit.converged.all()


def test_a_peak_within_the_window_is_dated(tmp_path):
    text = """
import lmfit
import numpy as np
def hill(day, height, top, width):
    return height * np.exp(-(((day - top) / width) ** 2))
model = lmfit.Model(hill, independent_vars=["day"])
model.set_param_hint("height", value=1e6, min=0)
model.set_param_hint("top", value=10.0)
model.set_param_hint("width", value=8.0, min=0)
units = {"height": "response", "top": "day", "width": "day"}
"""
    model = written(tmp_path, text, name="hill")
    theta = np.array([[14.0, 11.3, 2.0], [14.0, 40.0, 2.0], [14.0, -5.0, 2.0]])
    np.testing.assert_allclose(model.peak_day(theta), [11.3, np.inf, -np.inf], atol=1e-6)
    value, gradient = model.growth_rate(theta, np.array([1.0, 1.0, 1.0]))
    np.testing.assert_allclose(value, 2.0 * (theta[:, 1] - 1.0) / np.exp(2 * theta[:, 2]), rtol=1e-6)
    np.testing.assert_allclose(gradient[:, 1], 2.0 / np.exp(2 * theta[:, 2]), rtol=1e-4)


def test_the_day_of_an_own_peak_has_limits_by_profile_where_a_parameter_moves_it(tmp_path):
    text = """
import lmfit
import numpy as np
def bend(day, height, shift, up, down):
    late = day - shift
    return height / (np.exp(-up * late) + np.exp(down * late))
model = lmfit.Model(bend, independent_vars=["day"])
model.set_param_hint("height", value=1e7, min=0)
model.set_param_hint("shift", value=10.0, min=-40, max=80)
model.set_param_hint("up", value=0.4, min=0.01, max=5)
model.set_param_hint("down", value=0.1, min=0.01, max=5)
units = {"height": "response", "shift": "day", "up": "1/day", "down": "1/day"}
"""
    days = (1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 14.0, 17.0, 21.0, 28.0)
    cells, _ = simulated("expansion_contraction", n_per_group=3, days=days)
    own, _ = estimates_of(cells, written(tmp_path, text, name="bend"), "profile")
    shipped, _ = estimates_of(cells, "expansion_contraction", "profile")
    for parameter in ("time_of_peak", "peak", "auc"):
        left, right = own.xs(parameter, level="parameter"), shipped.xs(parameter, level="parameter")
        assert set(left["ci_method"]) == {"profile likelihood"}
        for column in ("estimate", "ci_low", "ci_high"):
            np.testing.assert_allclose(left[column].astype(float), right[column].astype(float), rtol=2e-4)


def test_numeric_derivatives_are_those_of_the_registry(tmp_path):
    theta = np.array([TYPICAL["logistic"]])
    day = np.array([[1.0, 7.0, 14.0, 21.0]])
    kind = BY_NAME["logistic"]
    numeric = derivatives(lambda moved: kind.log_curve(day, moved), theta)
    np.testing.assert_allclose(numeric, kind.gradient(day, theta), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("model = 3\nunits = {}", "defines no lmfit Model named 'model'"),
        (LOGISTIC.replace("units =", "unit ="), "no dictionary 'units'"),
        ("import nothing_of_this_name", "line|row 1: the file cannot be run: ModuleNotFoundError"),
        ("def (", "the file cannot be run: SyntaxError"),
        (LOGISTIC.replace('"midpoint": "day"', '"midpont": "day"'), "Did you mean 'midpoint'"),
        (LOGISTIC.replace('"day"}', '"days"}'), "the parameter 'midpoint' has no unit that is known"),
        (LOGISTIC.replace("value=1e6, ", ""), "the parameter 'plateau' has no starting value"),
        (LOGISTIC.replace("value=0.3", "value=30"), "the parameter 'growth_rate' has no starting value between"),
        (LOGISTIC.replace("value=12", "value=12, vary=False"), "the parameter 'midpoint' is fixed"),
        (LOGISTIC.replace("return plateau", "return -plateau"), "response is not positive"),
        (LOGISTIC.replace("np.exp", "np.expo"), "the model's function fails at its starting values: AttributeError"),
        (LOGISTIC.replace("day, midpoint", "time, midpoint").replace('"day"]', '"time"]'), "a function of time"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, says):
    with pytest.raises(InputError, match=says) as caught:
        written(tmp_path, text)
    assert "own.py" in str(caught.value)
    assert "[own-model]" in str(caught.value)


def test_all_problems_of_a_file_come_at_once(tmp_path):
    text = LOGISTIC.replace("value=1e6, ", "").replace("value=12", "value=12, vary=False")
    with pytest.raises(InputError) as caught:
        written(tmp_path, text)
    assert len(caught.value.problems) == 2


def test_an_error_on_the_response_needs_a_level(tmp_path):
    text = LOGISTIC.replace("plateau / (1.0", "1e5 + plateau / (1.0")
    assert written(tmp_path, text).parameters[0].name == "midpoint"
    with pytest.raises(InputError, match="the curve is proportional to none of its parameters"):
        written(tmp_path, text, error="additive")


@pytest.mark.parametrize("name", ["exponential", "logistic", "expansion_contraction"])
def test_results_are_those_of_lmfit(name):
    model = BY_NAME[name]
    cells, _ = simulated(name, n_per_group=2)
    _, study = estimates_of(cells, name)
    points = study.points.rows(study.rows)
    found = fit(model, points)
    for row in range(len(found.theta)):
        ours = lmfit_result(model, points, found, row)
        front = lmfit_model(model)
        start = lmfit.create_params(**{key: value + 0.01 for key, value in ours.best_values.items()})
        theirs = front.fit(points.log_response[row], start, day=points.day[row], fit_kws={"ftol": 1e-14, "xtol": 1e-14})
        assert ours.chisqr <= theirs.chisqr * (1.0 + 1e-9)
        for key in parameter_names(model):
            assert ours.params[key].value == pytest.approx(theirs.params[key].value, rel=1e-5, abs=1e-6)
            assert ours.params[key].stderr == pytest.approx(theirs.params[key].stderr, rel=1e-3)
        for key in ("chisqr", "redchi", "aic", "bic", "ndata", "nvarys", "nfree", "rsquared"):
            assert getattr(ours, key) == pytest.approx(getattr(theirs, key), rel=1e-6), key
        assert "growth_rate" in ours.fit_report()
        np.testing.assert_allclose(
            ours.eval_uncertainty(day=points.day[row]), theirs.eval_uncertainty(day=points.day[row]), rtol=1e-2
        )
