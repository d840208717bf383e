"""Which points are fitted, what is refused and why, and what is estimated from the fits."""

import numpy as np
import pandas as pd
import pytest
from kinetics import TYPICAL, cells_of, cells_row, simulated
from scipy import stats

from cartrace import tables
from cartrace.bands import curves
from cartrace.estimates import animal_estimates, group_estimates
from cartrace.expansion import fit_rows, fit_study
from cartrace.expansion_points import Scatter, mice_of, points_of
from cartrace.growth import BY_NAME, MODELS
from cartrace.profiles import profile_limits
from cartrace.quantities import quantities

WINDOW = (0.0, 28.0)


LOG_NORMAL = Scatter("log_normal", use_measurement_se=False)


def study_of(cells, model, *, analysis="all", strategy="reporter_gene", window=WINDOW, scatter=LOG_NORMAL):
    return fit_study(
        cells, mice_of(cells), model=model, analysis=analysis, strategy=strategy, window_days=window, scatter=scatter
    )


def estimates_of(cells, model, *, auc_days=WINDOW, interval="wald", **more):
    study = study_of(cells, model, **more)
    frame = animal_estimates(study, quantities(study, auc_days), confidence=0.95, interval=interval)
    return frame.set_index(["animal_id", "parameter"]).sort_index()


def curves_of(study):
    animals = animal_estimates(study, quantities(study, WINDOW), confidence=0.95, interval="wald")
    return curves(study, animals, confidence=0.95)


# ---- points ----


def test_background_mice_are_not_followed():
    cells = cells_of([cells_row("U1", "UTD", 1, 1.0), cells_row("M1", "CAR", 1, 1.0)])
    assert mice_of(cells)["animal_id"].tolist() == ["M1"]


def test_points_stand_in_order_of_time_and_only_those_of_the_window():
    cells = cells_of([cells_row("M1", "CAR", day, np.exp(day)) for day in (7, 1, 29, 4, -1)])
    points, unusable = points_of(cells, mice_of(cells), WINDOW, LOG_NORMAL)
    assert points.day.tolist() == [[1.0, 4.0, 7.0]]
    np.testing.assert_allclose(points.log_response, [[1.0, 4.0, 7.0]])
    assert unusable.tolist() == [0]


def test_what_is_not_positive_or_below_the_critical_level_is_censored_there():
    cells = cells_of(
        [
            cells_row("M1", "CAR", 1, -5.0, response_critical_level=2.0),
            cells_row("M1", "CAR", 4, 1.5, response_critical_level=3.0),
            cells_row("M1", "CAR", 7, 4.0, response_critical_level=3.0),
            cells_row("M1", "CAR", 10, 0.5),
        ]
    )
    points, unusable = points_of(cells, mice_of(cells), WINDOW, LOG_NORMAL)
    np.testing.assert_allclose(np.exp(points.log_response), [[2.0, 3.0, 4.0, 0.5]])
    assert points.censored.tolist() == [[True, True, False, False]]
    assert unusable.tolist() == [0]


def test_a_value_that_cannot_be_used_is_counted_and_never_made_up():
    cells = cells_of(
        [
            cells_row("M1", "CAR", 1, -5.0),
            cells_row("M1", "CAR", 4, 0.0, response_critical_level=0.0),
            cells_row("M1", "CAR", 7, np.nan, status="not_estimable", reason="no volume"),
            cells_row("M1", "CAR", 10, 3.0),
        ]
    )
    study = study_of(cells, "exponential")
    assert study.points.n_points.tolist() == [1]
    assert study.reason[0] == "1 quantified points in the window (day 0 to 28), 3 are needed; 3 without a usable value"


def test_order_of_rows_changes_nothing():
    cells, _ = simulated("logistic")
    shuffled = cells.sample(frac=1.0, random_state=1)
    pd.testing.assert_frame_equal(estimates_of(cells, "logistic"), estimates_of(shuffled, "logistic"))


# ---- gates ----


@pytest.mark.parametrize(
    ("days", "model", "says"),
    [
        ((1, 4), "exponential", "2 quantified points in the window (day 0 to 28), 3 are needed"),
        ((1, 4, 7), "logistic", "3 points in the window (day 0 to 28), 3 parameters need 4"),
        ((1, 4, 7, 10), "expansion_contraction", "4 parameters need 5"),
        ((1, 1, 1, 1), "exponential", "1 different days"),
    ],
)
def test_too_few_points_are_said(days, model, says):
    rows = [cells_row("M1", "CAR", day, np.exp(0.3 * day), scan_id=str(i)) for i, day in enumerate(days)]
    frame = estimates_of(cells_of(rows), model)
    assert set(frame["status"]) == {"not_estimable"}
    assert frame["reason"].str.contains(says, regex=False).all()
    assert frame[["estimate", "se", "ci_low", "ci_high", "df"]].isna().all(axis=None)


def test_three_points_must_be_quantified():
    rows = [cells_row("M1", "CAR", day, 0.1, response_critical_level=1.0) for day in (1, 2, 3)]
    rows += [cells_row("M1", "CAR", day, np.exp(0.3 * day), response_critical_level=1.0) for day in (7, 10)]
    assert "2 quantified points" in study_of(cells_of(rows), "exponential").reason[0]
    assert "3 below detection" in study_of(cells_of(rows), "exponential").reason[0]
    rows.append(cells_row("M1", "CAR", 14, np.exp(4.0), response_critical_level=1.0))
    assert study_of(cells_of(rows), "exponential").status[0] == "ok"


@pytest.mark.parametrize("strategy", ["direct_label", "immunopet"])
def test_a_signal_that_does_not_show_growth_is_refused(strategy):
    cells, _ = simulated("exponential", n_per_group=2)
    frame = estimates_of(cells, "exponential", strategy=strategy)
    assert set(frame["status"]) == {"not_estimable"}
    assert frame["reason"].str.contains(strategy).all()


def test_excluded_rows_take_part_in_one_analysis_only():
    cells, _ = simulated("logistic", n_per_group=2)
    cells.loc[cells["animal_id"] == "CAR00", "excluded"] = True
    cells.loc[(cells["animal_id"] == "CAR01") & (cells["cell_day"] == 21), "excluded"] = True
    everything, rest = (study_of(cells, "logistic", analysis=name) for name in ("all", "without_excluded"))
    assert everything.points.n_points.tolist() == [6, 6, 6, 6]
    assert rest.points.n_points.tolist() == [0, 5, 6, 6]
    assert rest.reason[0] == "all its values are excluded"
    assert rest.status.tolist() == ["not_estimable", "ok", "ok", "ok"]


def lean_mouse(name="L1"):
    """Logistic growth of which the first two scans are below detection and four are quantified."""
    day = np.array([[1.0, 4.0, 7.0, 10.0, 14.0, 21.0]])
    logs = BY_NAME["expansion_contraction"].log_curve(day, np.array([TYPICAL["expansion_contraction"]]))[0]
    limit = float(np.exp((logs[1] + logs[2]) / 2))
    wobble = np.exp([0.0, 0.0, 0.05, -0.05, 0.05, -0.03])
    return [
        cells_row(name, "NT", d, value, response_critical_level=limit)
        for d, value in zip(day[0], np.exp(logs) * wobble, strict=True)
    ]


def test_a_mouse_without_a_scatter_of_its_own_is_fitted_with_that_of_the_others():
    cells, _ = simulated("expansion_contraction", n_per_group=4, sigma=0.05)
    study = study_of(pd.concat([cells, cells_of(lean_mouse())], ignore_index=True), "expansion_contraction")
    frame = estimates_of(pd.concat([cells, cells_of(lean_mouse())], ignore_index=True), "expansion_contraction")
    row = frame.loc[("L1", "growth_rate")]
    assert row["status"] == "ok"
    assert row["estimate"] == pytest.approx(0.45, rel=0.3)
    assert "scatter of the other mice" in row["reason"]
    others = study.mice["animal_id"] != "L1"
    pooled = np.sqrt((study.fit.sigma[others] ** 2).mean())
    assert study.fit.sigma[~others][0] == pytest.approx(pooled)
    assert row["df"] == 8 * 2
    alone = estimates_of(cells, "expansion_contraction")
    pd.testing.assert_frame_equal(alone, frame.drop(index="L1", level="animal_id"))


def test_a_mouse_without_a_scatter_and_without_others_has_no_estimate():
    frame = estimates_of(cells_of(lean_mouse()), "expansion_contraction")
    assert set(frame["status"]) == {"not_estimable"}
    assert frame["reason"].str.contains("no other mouse").all()
    assert frame["estimate"].isna().all()


def test_a_scan_counts_for_the_day_that_it_is_nearest_to():
    """A scan of day 10 made an hour later belongs to a window that ends on day 10; one before the cells never does."""
    days = (-0.1, 0.6, 3.5, 9.98, 10.04, 10.6)
    cells = cells_of([cells_row("M1", "CAR", day, 5.0) for day in days])
    for window, expected in (
        ((0, 10), [0.6, 3.5, 9.98, 10.04]),
        ((1, 9.9), [0.6, 3.5]),
        ((4, 28), [3.5, 9.98, 10.04, 10.6]),
    ):
        points, _ = points_of(cells, mice_of(cells), window, LOG_NORMAL)
        assert points.day[points.used].tolist() == expected


# ---- estimates ----


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_without_noise_the_truth_comes_back(model):
    cells, truth = simulated(model.name, n_per_group=2, sigma=0.0)
    frame = estimates_of(cells, model.name)
    for animal, theta in truth.items():
        for parameter, value in zip(model.parameters, theta, strict=True):
            row = frame.loc[(animal, parameter.name)]
            assert row["status"] == "ok"
            assert row["estimate"] == pytest.approx(np.exp(value) if parameter.scale == "log" else value, rel=1e-5)


def test_expansion_and_contraction_gives_peak_half_life_and_area():
    cells, truth = simulated("expansion_contraction", n_per_group=1, groups=("CAR",), sigma=0.0, spread=0.0)
    frame = estimates_of(cells, "expansion_contraction").loc["CAR00"]
    level, growth, contraction, turn = np.exp(truth["CAR00"][0]), 0.45, 0.12, 11.0
    day = np.linspace(0, 28, 280001)
    curve = level / (np.exp(-growth * (day - turn)) + np.exp(contraction * (day - turn)))
    assert frame.loc["time_of_peak", "estimate"] == pytest.approx(day[curve.argmax()], abs=1e-3)
    assert frame.loc["peak", "estimate"] == pytest.approx(curve.max(), rel=1e-6)
    assert frame.loc["auc", "estimate"] == pytest.approx(np.trapezoid(curve, day), rel=1e-6)
    assert frame.loc["contraction_half_life", "estimate"] == pytest.approx(np.log(2) / contraction, rel=1e-6)
    assert frame.loc["doubling_time", "estimate"] == pytest.approx(np.log(2) / growth, rel=1e-6)
    assert frame["unit"].to_dict() == {
        "level": "cells",
        "growth_rate": "1/day",
        "contraction_rate": "1/day",
        "turn_day": "day",
        "doubling_time": "day",
        "peak": "cells",
        "time_of_peak": "day",
        "auc": "cells·day",
        "contraction_half_life": "day",
    }


def test_exponential_is_linear_regression_with_its_t_interval():
    cells, _ = simulated("exponential", n_per_group=1, groups=("CAR",), sigma=0.2, spread=0.0)
    row = estimates_of(cells, "exponential").loc[("CAR00", "growth_rate")]
    expected = stats.linregress(cells["cell_day"], np.log(cells["response"]))
    half = stats.t.ppf(0.975, 4) * expected.stderr
    assert row["estimate"] == pytest.approx(expected.slope)
    assert row["se"] == pytest.approx(expected.stderr)
    assert row["scale"] == "linear"
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((expected.slope - half, expected.slope + half))
    doubling = estimates_of(cells, "exponential").loc[("CAR00", "doubling_time")]
    assert doubling["estimate"] == pytest.approx(np.log(2) / expected.slope)
    limits = (np.log(2) / (expected.slope + half), np.log(2) / (expected.slope - half))
    assert (doubling["ci_low"], doubling["ci_high"]) == pytest.approx(limits)


def test_a_declining_mouse_keeps_its_negative_rate_and_has_no_doubling_time():
    noise = [0.1, -0.1, 0.05, -0.05, 0.1, -0.1]
    rows = [
        cells_row("M1", "CAR", d, np.exp(10 - 0.2 * d + e)) for d, e in zip((1, 3, 5, 7, 9, 10), noise, strict=True)
    ]
    frame = estimates_of(cells_of(rows), "exponential").loc["M1"]
    assert frame.loc["growth_rate", "estimate"] < -0.15
    assert frame.loc["growth_rate", "status"] == "ok"
    assert frame.loc["doubling_time", "status"] == "not_estimable"
    assert "does not grow" in frame.loc["doubling_time", "reason"]
    assert np.isnan(frame.loc["doubling_time", "estimate"])
    assert frame.loc["peak", "reason"] == "the curve falls from the first scan on"


def test_a_rate_that_may_be_zero_leaves_the_doubling_time_open_above():
    noise = [0.3, -0.3, 0.2, -0.2, 0.3, -0.3]
    rows = [
        cells_row("M1", "CAR", d, np.exp(10 + 0.08 * d + e)) for d, e in zip((1, 3, 5, 7, 9, 10), noise, strict=True)
    ]
    row = estimates_of(cells_of(rows), "exponential").loc[("M1", "doubling_time")]
    assert row["status"] == "ok"
    assert row["ci_low"] < row["estimate"]
    assert np.isnan(row["ci_high"])
    assert "no upper limit" in row["reason"]


def test_an_exponential_gives_no_area_beyond_its_window():
    cells, _ = simulated("exponential", n_per_group=1)
    frame = estimates_of(cells, "exponential", window=(0.0, 10.0))
    areas = frame.xs("auc", level="parameter")
    assert set(areas["status"]) == {"not_estimable"}
    assert areas["reason"].str.contains("day 0 to 10, not the whole of day 0 to 28").all()
    assert set(estimates_of(cells, "exponential").xs("auc", level="parameter")["status"]) == {"ok"}


@pytest.mark.parametrize("model", ["exponential", "logistic", "gompertz"])
def test_a_curve_without_a_peak_has_no_time_of_peak(model):
    cells, _ = simulated(model, n_per_group=1)
    rows = estimates_of(cells, model).xs("time_of_peak", level="parameter")
    assert set(rows["status"]) == {"not_estimable"}
    assert rows["reason"].str.contains("has no peak").all()


def test_a_gompertz_rate_of_a_day_before_the_mouse_is_seen_says_so():
    cells, _ = simulated("gompertz", n_per_group=2, sigma=0.05)
    cells = cells[~((cells["animal_id"] == "CAR00") & (cells["cell_day"] == 1.0))]
    reasons = estimates_of(cells, "gompertz").xs("growth_rate", level="parameter")["reason"]
    assert reasons["CAR00"] == "that of day 1, as of all mice; this one is above detection from day 4 on"
    assert reasons["CAR01"] == ""


def test_a_peak_after_the_last_scan_is_not_dated():
    theta = np.array([[np.log(4e7), np.log(0.45), np.log(0.12), 20.0]])
    days = np.array([[1.0, 4.0, 7.0, 10.0, 13.0, 16.0, 20.0]])
    values = np.exp(BY_NAME["expansion_contraction"].log_curve(days, theta))[0]
    rows = [cells_row("M1", "CAR", day, value) for day, value in zip(days[0], values, strict=True)]
    frame = estimates_of(cells_of(rows), "expansion_contraction").loc["M1"]
    assert frame.loc["growth_rate", "estimate"] == pytest.approx(0.45, rel=1e-3)
    assert frame.loc["time_of_peak", "status"] == "not_estimable"
    assert "the peak lies after it" in frame.loc["time_of_peak", "reason"]
    assert frame.loc["peak", "estimate"] == pytest.approx(values[-1], rel=1e-3)
    assert "rises at the last scan" in frame.loc["peak", "reason"]


def test_an_area_mostly_after_the_last_scan_says_so():
    cells, _ = simulated("logistic", n_per_group=1, days=(1.0, 4.0, 7.0, 10.0, 12.0))
    rows = estimates_of(cells, "logistic").xs("auc", level="parameter")
    assert rows["reason"].str.contains("of the area lies after the last scan").all()
    assert set(rows["status"]) == {"ok"}


def test_an_undetermined_rate_is_no_estimate_but_the_determined_one_is():
    rng = np.random.default_rng(0)
    theta = np.array([[10.0, np.log(0.5), np.log(0.1), 10.5]])
    days = np.array([[1.0, 3.0, 5.0, 7.0, 9.0, 11.0]])
    logs = BY_NAME["expansion_contraction"].log_curve(days, theta)[0] + rng.normal(0, 0.1, 6)
    rows = [cells_row("M1", "CAR", day, np.exp(value)) for day, value in zip(days[0], logs, strict=True)]
    frame = estimates_of(cells_of(rows), "expansion_contraction").loc["M1"]
    assert frame.loc["contraction_half_life", "status"] in ("not_estimable", "at_bound")
    assert np.isnan(frame.loc["contraction_half_life", "estimate"])
    assert frame.loc["contraction_half_life", "reason"] != ""
    assert frame.loc["growth_rate", "status"] == "ok"


def test_a_limit_that_is_reached_costs_what_depends_on_it_only():
    days = np.array([1.0, 4.0, 7.0, 10.0, 14.0, 21.0])
    values = np.exp(1.0 + 0.29 * days + 0.0005 * days**2)
    cells = cells_of([cells_row("M1", "CAR", day, value) for day, value in zip(days, values, strict=True)])
    study = study_of(cells, "logistic")
    assert study.status[0] == "at_bound"
    frame = estimates_of(cells, "logistic").loc["M1"]
    assert frame.loc["growth_rate", "status"] == "ok"
    assert frame.loc["growth_rate", "estimate"] == pytest.approx(0.30, abs=0.01)
    assert frame.loc["midpoint", "status"] == "at_bound"
    assert np.isnan(frame.loc["midpoint", "estimate"])
    assert "midpoint" in frame.loc["midpoint", "reason"]


@pytest.mark.parametrize("model", ["logistic", "gompertz", "expansion_contraction"])
def test_intervals_are_on_the_log_scale_with_the_t_quantile_of_the_mouse(model):
    cells, _ = simulated(model, n_per_group=3)
    frame = estimates_of(cells, model)
    rows = frame[(frame["scale"] == "log") & (frame["status"] == "ok")]
    half = stats.t.ppf(0.975, rows["df"]) * rows["se"]
    np.testing.assert_allclose(rows["ci_high"], rows["estimate"] * np.exp(half), rtol=1e-10)
    np.testing.assert_allclose(rows["ci_low"], rows["estimate"] * np.exp(-half), rtol=1e-10)
    assert (rows["df"] == 6 - BY_NAME[model].n_parameters).all()
    rates, times = (rows.xs(name, level="parameter") for name in ("growth_rate", "doubling_time"))
    np.testing.assert_allclose(times["ci_low"], np.log(2) / rates["ci_high"], rtol=1e-10)


def test_limits_that_are_known_are_not_searched_again(monkeypatch):
    cells, _ = simulated("exponential", n_per_group=2)
    cells.loc[(cells["animal_id"] == "CAR01") & (cells["cell_day"] == 21), "excluded"] = True
    known, asked = {}, []

    def counted(*arguments, **more):
        asked.append(sum(len(item.rows) for item in arguments[3]))
        return profile_limits(*arguments, **more)

    monkeypatch.setattr("cartrace.estimates.profile_limits", counted)
    frames = []
    for analysis in ("all", "without_excluded"):
        study = study_of(cells, "exponential", analysis=analysis)
        found = quantities(study, WINDOW)
        one = animal_estimates(study, found, confidence=0.95, interval="profile", known=known)
        alone = animal_estimates(study, found, confidence=0.95, interval="profile")
        pd.testing.assert_frame_equal(one, alone)
        frames.append(one)
    # The mouse that loses a point is searched again, the others are not.
    first, _, again, whole = asked
    assert 0 < again < whole == first


@pytest.mark.parametrize("quantity", ["auc", "peak", "growth_rate", "time_of_peak"])
def test_standard_errors_of_derived_quantities_are_those_of_repeated_studies(quantity):
    """The mean standard error equals the scatter of the estimates over 800 mice with one truth."""
    cells, _ = simulated(
        "expansion_contraction",
        n_per_group=800,
        groups=("CAR",),
        spread=0.0,
        sigma=0.08,
        days=(1.0, 3.0, 5.0, 7.0, 10.0, 14.0, 18.0, 21.0, 25.0),
    )
    rows = estimates_of(cells, "expansion_contraction").xs(quantity, level="parameter")
    rows = rows[rows["status"] == "ok"]
    assert len(rows) == 800
    values = np.log(rows["estimate"]) if rows["scale"].iloc[0] == "log" else rows["estimate"]
    assert values.std() == pytest.approx(np.sqrt((rows["se"] ** 2).mean()), rel=0.08)


# ---- groups ----


def test_group_estimates_are_the_mean_over_mice_on_the_scale_of_the_parameter():
    cells, _ = simulated("logistic")
    study = study_of(cells, "logistic")
    animals = animal_estimates(study, quantities(study, WINDOW), confidence=0.95, interval="profile")
    groups = group_estimates(animals, confidence=0.95).set_index(["group", "parameter"])
    rates = animals[(animals["group"] == "CAR") & (animals["parameter"] == "growth_rate")]["estimate"]
    row = groups.loc[("CAR", "growth_rate")]
    assert row["estimate"] == pytest.approx(stats.gmean(rates))
    interval = stats.t.interval(0.95, 5, np.log(rates).mean(), stats.sem(np.log(rates)))
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(np.exp(interval)))
    assert (row["n_points"], row["df"], row["level"]) == (6, 5, "group")
    midpoints = animals[(animals["group"] == "CAR") & (animals["parameter"] == "midpoint")]["estimate"]
    assert groups.loc[("CAR", "midpoint"), "estimate"] == pytest.approx(midpoints.mean())


def test_a_group_of_one_estimate_has_no_interval_and_one_of_none_has_no_estimate():
    one, _ = simulated("logistic", n_per_group=1, groups=("CAR",))
    short, _ = simulated("logistic", n_per_group=2, groups=("NT",), days=(1.0, 4.0, 7.0))
    cells = pd.concat([one, short], ignore_index=True)
    study = study_of(cells, "logistic")
    groups = group_estimates(
        animal_estimates(study, quantities(study, WINDOW), confidence=0.95, interval="profile"), confidence=0.95
    )
    rate = groups[groups["parameter"] == "growth_rate"].set_index("group")
    assert rate.loc["CAR", "n_points"] == 1
    assert np.isnan(rate.loc["CAR", "ci_low"])
    assert rate.loc["NT", "status"] == "not_estimable"
    assert rate.loc["NT", "reason"] == "none of 2 mice has an estimate"
    assert np.isnan(rate.loc["NT", "estimate"])


# ---- curves and fits ----


def test_curves_run_from_first_to_last_scan_within_their_bands():
    cells, _ = simulated("expansion_contraction")
    frame = curves_of(study_of(cells, "expansion_contraction"))
    mouse = frame[frame["animal_id"] == "CAR00"]
    assert (mouse["cell_day"].min(), mouse["cell_day"].max(), len(mouse)) == (1.0, 21.0, 40)
    assert (frame["ci_low"] < frame["fitted"]).all()
    assert (frame["fitted"] < frame["ci_high"]).all()
    assert set(frame[frame["level"] == "group"]["group"]) == {"CAR", "NT"}


def test_group_curve_is_that_of_the_mean_internal_parameters():
    cells, _ = simulated("logistic", groups=("CAR",))
    study = study_of(cells, "logistic")
    frame = curves_of(study)
    group = frame[frame["level"] == "group"]
    expected = BY_NAME["logistic"].log_curve(group["cell_day"].to_numpy()[None], study.fit.theta.mean(axis=0)[None])
    np.testing.assert_allclose(np.log(group["fitted"]), expected[0], rtol=1e-12)


def test_log_likelihoods_share_one_scatter_over_the_mice_that_every_model_can_take():
    cells, _ = simulated("logistic")
    cells = cells[~((cells["animal_id"] == "CAR00") & (cells["cell_day"] > 10))]
    compared = ["logistic", "gompertz", "expansion_contraction"]
    frames = {name: fit_rows(study_of(cells, name), compared).set_index("animal_id") for name in compared}
    for frame in frames.values():
        assert frame["log_likelihood"].isna().sum() == 1
        assert np.isnan(frame.loc["CAR00", "log_likelihood"])
    assert frames["logistic"].loc["CAR00", "status"] == "ok"
    alone = fit_rows(study_of(cells, "logistic"), ["logistic"]).set_index("animal_id")
    assert np.isfinite(alone.loc["CAR00", "log_likelihood"])


def test_a_model_that_few_mice_can_carry_does_not_decide():
    cells, _ = simulated("logistic")
    short = cells[(cells["animal_id"] == "CAR00") | (cells["cell_day"] <= 10)]
    compared = ["logistic", "expansion_contraction"]
    four = fit_rows(study_of(short, "expansion_contraction"), compared)
    assert four["log_likelihood"].isna().all()
    assert fit_rows(study_of(short, "logistic"), compared)["log_likelihood"].notna().all()


def test_no_mice_give_empty_tables():
    cells = cells_of([cells_row("U1", "UTD", 1, 1.0)])
    for model in MODELS:
        study = study_of(cells, model.name)
        animals = animal_estimates(study, quantities(study, WINDOW), confidence=0.95, interval="profile")
        assert animals.empty
        assert group_estimates(animals, confidence=0.95).empty
        assert curves_of(study).empty
        assert fit_rows(study, [model.name]).empty


def test_growth_rates_of_the_typical_truth_are_covered():
    """1200 mice with their own truths: 95 % intervals of the growth rate hold 93 to 97 % of them."""
    cells, truth = simulated("logistic", n_per_group=600, seed=12)
    rows = estimates_of(cells, "logistic").xs("growth_rate", level="parameter")
    true = np.exp(np.array([truth[animal][1] for animal in rows.index]))
    inside = (rows["ci_low"] <= true) & (true <= rows["ci_high"])
    assert (rows["status"] == "ok").mean() > 0.99
    assert 0.93 < inside[rows["status"] == "ok"].mean() < 0.97
    assert set(TYPICAL) == {model.name for model in MODELS}


def test_frames_keep_their_contracts(tmp_path):
    cells, _ = simulated("gompertz")
    study = study_of(cells, "gompertz")
    animals = animal_estimates(study, quantities(study, WINDOW), confidence=0.95, interval="profile")
    tables.write(pd.concat([animals, group_estimates(animals, confidence=0.95)]), tmp_path / "e.csv", tables.Estimates)
    tables.write(curves_of(study), tmp_path / "c.csv", tables.Curves)
    tables.write(fit_rows(study, ["gompertz"]), tmp_path / "f.csv", tables.Fits)
    assert len(tables.read(tmp_path / "f.csv", tables.Fits)) == 12


def rows_of_growth(n_seen, n_hidden, group, *, days=(1.0, 3.0, 5.0, 7.0, 9.0), rate=0.4):
    """Mice that grow exponentially, some above detection from day 3 on and some on the last two days only."""
    rng = np.random.default_rng(n_seen)
    rows = []
    for number in range(n_seen + n_hidden):
        critical = 1e5 * np.exp(rate * (2.0 if number < n_seen else 6.0))
        for day in days:
            value = 1e5 * np.exp(rate * day + rng.normal(0.0, 0.05))
            rows.append(cells_row(f"{group}{number}", group, day, value, response_critical_level=critical))
    return rows


def test_a_group_that_lost_over_a_fifth_of_its_rates_to_detection_has_none():
    """Two of five lost: the other three would be those that their noise has lifted. One of five is borne."""
    frame = estimates_of(cells_of(rows_of_growth(3, 2, "A") + rows_of_growth(4, 1, "B")), "exponential")
    for parameter in ("growth_rate", "doubling_time"):
        rows = frame.xs(parameter, level="parameter")
        refused = rows[rows["group"] == "A"]
        assert (refused["status"] == "not_estimable").all()
        assert refused["estimate"].isna().all()
        assert refused.loc["A0", "reason"] == (
            "the points of 2 of 5 mice of group A do not determine it, mostly below detection; rates of the others "
            "alone would be biased: scan more often while the signal rises above detection"
        )
        assert refused.loc["A4", "reason"].startswith("2 quantified points in the window")
        assert (rows.loc[["B0", "B1", "B2", "B3"], "status"] == "ok").all()
    # What else the curve says stands.
    assert frame.loc[("A0", "initial"), "status"] == "ok"


def test_mice_lost_for_another_reason_than_detection_cost_the_others_nothing():
    rows = rows_of_growth(3, 0, "A") + [row for row in rows_of_growth(2, 0, "C") if row["cell_day"] < 4.0]
    rows = [row | {"group": "A"} for row in rows]
    frame = estimates_of(cells_of([row | {"response_critical_level": 1.0} for row in rows]), "exponential")
    growth = frame.xs("growth_rate", level="parameter")
    assert (growth.loc[["A0", "A1", "A2"], "status"] == "ok").all()
    assert (growth.loc[["C0", "C1"], "status"] == "not_estimable").all()


def test_a_rate_that_falls_is_that_of_one_day_on_which_most_mice_are_seen():
    """Ten mice, eight of which are first above detection on day 4: the rate of all is that of day 4."""
    rows = []
    theta = np.array([[np.log(5e6), np.log(0.2), 7.0]])
    days = (1.0, 4.0, 7.0, 10.0, 14.0, 21.0)
    curve = np.exp(BY_NAME["gompertz"].log_curve(np.array([days]), theta))[0]
    rng = np.random.default_rng(2)
    for number in range(10):
        for day, value in zip(days, curve * np.exp(rng.normal(0.0, 0.01, 6)), strict=True):
            critical = curve[0] * (1.5 if number < 8 else 0.5)
            rows.append(cells_row(f"M{number}", "CAR", day, value, response_critical_level=critical))
    growth = estimates_of(cells_of(rows), "gompertz").xs("growth_rate", level="parameter")
    expected = 0.2 * np.exp(-0.2 * (4.0 - 7.0))
    np.testing.assert_allclose(growth["estimate"].astype(float), expected, rtol=0.1)
    assert np.exp(np.log(growth["estimate"].astype(float)).mean()) == pytest.approx(expected, rel=0.02)
