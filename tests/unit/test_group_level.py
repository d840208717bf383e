"""One fit of all mice: what it says about each group, its test between groups, and when there is none."""

import numpy as np
import pandas as pd
import pytest
from kinetics import TYPICAL, cells_of, cells_row, simulated
from scipy import stats

from cartrace import tables
from cartrace.expansion import fit_study
from cartrace.expansion_points import Scatter, mice_of
from cartrace.growth import BY_NAME
from cartrace.population.fit import fit as fit_population
from cartrace.population.groups import Settings, group_level
from cartrace.population.mice import mice_of as population_of
from cartrace.population.model import group_design

WINDOW = (0.0, 28.0)
ORDER = ("UTD", "NT", "CAR")


def study_of(cells, model, *, strategy="reporter_gene", analysis="all", error="log_normal"):
    return fit_study(
        cells,
        mice_of(cells),
        model=model,
        analysis=analysis,
        strategy=strategy,
        window_days=WINDOW,
        scatter=Scatter(error, use_measurement_se=False),
    )


def level_of(cells, model, *, method="mixed", p_value="none", n=19, seed=1, **more):
    study = study_of(cells, model, **more)
    return group_level(study, ORDER, Settings(method, p_value, n, seed), auc_days=WINDOW, confidence=0.95)


def shifted(model, effect, **more):
    """The mice of CAR grow faster by a factor."""
    slow, _ = simulated(model, groups=("NT",), **more)
    kept = TYPICAL[model]
    TYPICAL[model] = [value + effect * (index == 1) for index, value in enumerate(kept)]
    try:
        quick, _ = simulated(model, groups=("CAR",), **more | {"seed": 99})
    finally:
        TYPICAL[model] = kept
    return pd.concat([slow, quick], ignore_index=True)


def test_the_rows_keep_their_contracts(tmp_path):
    cells, _ = simulated("logistic")
    found = level_of(cells, "logistic")
    tables.write(found["estimates"], tmp_path / "e.csv", tables.Estimates)
    tables.write(found["population"], tmp_path / "p.csv", tables.PopulationTests)
    assert set(found["estimates"]["level"]) == {"population"}
    assert found["curves"].empty
    row = tables.read(tmp_path / "p.csv", tables.PopulationTests).iloc[0]
    assert (row["group_a"], row["group_b"], row["n_a"], row["n_b"]) == ("CAR", "NT", 6, 6)
    assert np.isnan(row["p_value"])
    assert "expansion.population_p" in row["reason"]


def test_estimates_are_the_fixed_effects_of_the_mixed_model():
    cells, _ = simulated("logistic", critical=3e5)
    study = study_of(cells, "logistic")
    rows = level_of(cells, "logistic")["estimates"].set_index(["group", "parameter"])
    mice = population_of(study, ORDER)
    design = group_design(mice.group, 3, (0, 2, 1))
    direct = fit_population(mice.responses, mice.population(range(3)), design, mice.own)
    for group, theta in (("NT", direct.beta[:3]), ("CAR", direct.beta[:3] + direct.beta[[3, 5, 4]])):
        assert rows.loc[(group, "plateau"), "estimate"] == pytest.approx(np.exp(theta[0]), rel=1e-4)
        assert rows.loc[(group, "growth_rate"), "estimate"] == pytest.approx(np.exp(theta[1]), rel=1e-4)
        assert rows.loc[(group, "midpoint"), "estimate"] == pytest.approx(theta[2], rel=1e-4)
        doubling = rows.loc[(group, "doubling_time"), "estimate"]
        assert doubling == pytest.approx(np.log(2.0) / rows.loc[(group, "growth_rate"), "estimate"])
    half = stats.t.ppf(0.975, 10) * rows.loc[("NT", "midpoint"), "se"]
    assert rows.loc[("NT", "midpoint"), "ci_high"] - rows.loc[("NT", "midpoint"), "estimate"] == pytest.approx(half)
    # The variance of greatest likelihood of twelve mice in two groups is 10 / 12 of what it should be.
    assert rows.loc[("NT", "midpoint"), "se"] == pytest.approx(direct.beta_se[2] * np.sqrt(1.2), rel=1e-3)


def test_a_balanced_exponential_is_tested_as_the_slopes_of_its_mice():
    """Of lines with the same days the mixed model's test is Student's t of the slopes, with 2 n - 2 df."""
    cells, _ = simulated("exponential", n_per_group=5, sigma=0.3)
    row = level_of(cells, "exponential")["population"].iloc[0]
    study = study_of(cells, "exponential")
    slopes, group = study.fit.theta[:, 1], study.mice["group"].to_numpy(dtype=str)
    expected = stats.ttest_ind(slopes[group == "CAR"], slopes[group == "NT"])
    assert row["p_value"] == pytest.approx(expected.pvalue, rel=1e-3)
    assert row["df"] == pytest.approx(8.0, rel=1e-3)
    assert row["p_method"] == "Kenward-Roger"
    assert row["estimate"] == pytest.approx(slopes[group == "CAR"].mean() - slopes[group == "NT"].mean(), rel=1e-8)


@pytest.mark.parametrize(("effect", "low", "high"), [(0.6, 0.0, 0.05), (0.0, 0.06, 1.0)])
def test_the_bootstrap_finds_an_effect_and_none(effect, low, high):
    found = level_of(shifted("logistic", effect, n_per_group=6), "logistic", p_value="bootstrap", n=99)["population"]
    row = found.iloc[0]
    assert row["p_method"] == "bootstrap of 99"
    assert low < row["p_value"] <= high
    assert row["ci_low"] < np.exp(effect) < row["ci_high"]


def test_permutations_test_all_parameters_together_and_follow_the_seed():
    cells = shifted("logistic", 1.0, n_per_group=5)
    first, again, other = (
        level_of(cells, "logistic", p_value="permutation", n=59, seed=seed)["population"] for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, again)
    assert list(first["parameter"]) == ["growth_rate", "all parameters"]
    assert first["p_value"].iloc[1] <= 0.05
    assert first["n_simulated"].iloc[1] == other["n_simulated"].iloc[1] == 59


def test_three_groups_are_held_against_the_control():
    cells, _ = simulated("logistic", n_per_group=4, groups=("NT", "CAR"))
    third, _ = simulated("logistic", n_per_group=4, groups=("TCR",), seed=7)
    study = study_of(pd.concat([cells, third], ignore_index=True), "logistic")
    found = group_level(study, ("NT", "CAR", "TCR"), Settings("mixed", "none", 19, 1), auc_days=WINDOW, confidence=0.95)
    assert list(found["population"]["group_a"]) == ["CAR", "TCR"]
    assert set(found["population"]["group_b"]) == {"NT"}
    assert set(found["estimates"]["group"]) == {"NT", "CAR", "TCR"}


def test_a_shared_shape_gives_estimates_without_a_test():
    cells, _ = simulated("logistic", spread=0.0, sigma=0.1, n_per_group=4)
    found = level_of(cells, "logistic", method="shared_shape")
    rows = found["estimates"].set_index(["group", "parameter"])
    assert found["population"].empty
    assert rows.loc[("NT", "growth_rate"), "estimate"] == pytest.approx(0.45, rel=0.1)
    assert rows.loc[("NT", "growth_rate"), "df"] == 4 * 6 - 4 - 2


def test_standard_errors_of_a_shared_shape_are_those_of_repeated_studies():
    """Of the plateau, of the rate and of what depends on both."""
    found, reported = [], []
    for seed in range(40):
        cells, _ = simulated("logistic", spread=0.0, sigma=0.2, n_per_group=3, groups=("NT",), seed=seed)
        rows = level_of(cells, "logistic", method="shared_shape")["estimates"].set_index("parameter")
        names = ["plateau", "growth_rate", "auc", "peak"]
        found.append(np.log(rows.loc[names, "estimate"].to_numpy(dtype=float)))
        reported.append(rows.loc[names, "se"].to_numpy(dtype=float))
    np.testing.assert_allclose(np.mean(reported, axis=0), np.std(found, axis=0, ddof=1), rtol=0.35)


def test_a_persistent_phase_is_found_at_group_level():
    truth = np.array([[np.log(4e7), np.log(0.6), np.log(0.35), np.log(0.05 / 0.95), np.log(0.02), 9.0]])
    days = np.array([[1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 14.0, 18.0, 21.0, 28.0, 42.0, 60.0]])
    rng = np.random.default_rng(4)
    rows = []
    for number in range(8):
        logs = BY_NAME["stein"].log_curve(days, truth)[0] + rng.normal(0.0, 0.4) + rng.normal(0.0, 0.1, days.size)
        rows += [cells_row(f"CAR{number}", "CAR", day, np.exp(log)) for day, log in zip(days[0], logs, strict=True)]
    study = fit_study(
        cells_of(rows),
        mice_of(cells_of(rows)),
        model="stein",
        analysis="all",
        strategy="reporter_gene",
        window_days=(0.0, 60.0),
        scatter=Scatter("log_normal", use_measurement_se=False),
    )
    assert set(study.status) == {"not_estimable"}
    assert "fitted to groups" in study.reason[0]
    found = group_level(study, ("CAR",), Settings("none", "none", 19, 1), auc_days=(0.0, 60.0), confidence=0.95)
    table = found["estimates"].set_index("parameter")
    assert set(table["level"]) == {"group"}
    own = {
        "growth_rate": 0.6,
        "contraction_rate": 0.35,
        "persistent_fraction": 0.05,
        "persistent_rate": 0.02,
        "turn_day": 9.0,
    }
    for parameter, value in own.items():
        assert table.loc[parameter, "status"] == "ok"
        assert table.loc[parameter, "ci_low"] < value < table.loc[parameter, "ci_high"]
    assert table.loc["persistent_fraction", "ci_low"] > 0.0
    assert table.loc["time_of_peak", "estimate"] == pytest.approx(BY_NAME["stein"].peak_day(truth)[0], abs=0.3)
    assert set(found["curves"]["level"]) == {"group"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"n_per_group": 2}, "2 mice of group NT with a fit of their own, 3 are needed"),
        ({"days": (1.0, 7.0, 14.0)}, "0 mice of group NT with a fit of their own"),
    ],
)
def test_too_little_for_a_group_level_is_said(change, says):
    cells, _ = simulated("logistic", **change)
    found = level_of(cells, "logistic")
    for name in ("estimates", "population"):
        assert set(found[name]["status"]) == {"not_estimable"}
        assert all(says in reason for reason in found[name]["reason"])
        assert found[name]["estimate"].isna().all()


def test_another_error_model_is_said():
    cells, _ = simulated("logistic")
    found = level_of(cells, "logistic", error="additive")["population"]
    assert "log-normal error only" in found["reason"].iloc[0]


def test_a_refused_strategy_and_no_method_have_no_rows():
    cells, _ = simulated("logistic")
    for found in (level_of(cells, "logistic", strategy="direct_label"), level_of(cells, "logistic", method="none")):
        assert all(rows.empty for rows in found.values())
