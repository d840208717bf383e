"""`fit_expansion` on small studies: contracts, both analyses, several cohorts, and what happens without mice."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kinetics import cells_of, cells_row, simulated

from cartrace import tables
from cartrace.growth import MODELS
from cartrace.readers.own_model import read_own_model

GROUPS = [{"name": "UTD", "role": "background"}, {"name": "NT", "role": "control"}, {"name": "CAR", "role": "test"}]
NAMES = [model.name for model in MODELS]


def script(name):
    path = Path(__file__).parents[2] / "scripts" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(folder, *cohorts, model="logistic", **changes):
    paths = []
    for number, cells in enumerate(cohorts):
        paths.append(str(folder / f"cells{number}.csv"))
        tables.write(cells, paths[-1], tables.Cells)
    settings = {
        "strategy": "reporter_gene",
        "compared": ["logistic", "gompertz", "expansion_contraction"],
        "window_days": [0.0, 28.0],
        "auc_days": [0.0, 28.0],
        "confidence": 0.95,
        "interval": "profile",
        "error_model": "log_normal",
        "use_measurement_se": False,
        "own_models": [],
        "own_names": [],
        "groups": GROUPS,
        "population_method": "none",
        "population_p": "none",
        "population_simulations": 19,
        "seed": 1,
    }
    outputs = {name: str(folder / f"{name}.csv") for name in ("estimates", "curves", "fits", "population")}
    script("fit_expansion").main(cells=paths, model=model, **outputs, **(settings | changes))
    contracts = {"estimates": tables.Estimates, "curves": tables.Curves, "fits": tables.Fits}
    return tuple(tables.read(outputs[name], contract) for name, contract in contracts.items())


@pytest.mark.parametrize("model", NAMES)
def test_rates_come_back(tmp_path, model):
    cells, truth = simulated(model, n_per_group=3, sigma=0.02, days=(1.0, 3.0, 5.0, 7.0, 10.0, 14.0, 18.0, 21.0))
    estimates, curves, fits = run(tmp_path, cells, model=model)
    assert set(fits["status"]) == {"ok"}
    assert len(fits) == 12
    kinds = next(item for item in MODELS if item.name == model).parameters
    index = estimates[(estimates["level"] == "animal") & (estimates["analysis"] == "all")].set_index(
        ["animal_id", "parameter"]
    )
    for animal, theta in truth.items():
        for parameter, value in zip(kinds, theta, strict=True):
            expected = np.exp(value) if parameter.scale == "log" else value
            assert index.loc[(animal, parameter.name), "estimate"] == pytest.approx(expected, rel=0.25, abs=0.02)
    assert {"growth_rate", "doubling_time", "peak", "time_of_peak", "auc"} <= set(estimates["parameter"])
    assert set(curves["level"]) == {"animal", "group"}


def test_cohorts_are_fitted_together_and_mice_of_the_same_name_apart(tmp_path):
    first, _ = simulated("logistic", n_per_group=2)
    second = simulated("logistic", n_per_group=2, seed=9)[0].assign(cohort="C02")
    estimates, _, fits = run(tmp_path, first, second)
    assert fits.groupby("cohort").size().to_dict() == {"C01": 8, "C02": 8}
    groups = estimates[(estimates["level"] == "group") & (estimates["parameter"] == "growth_rate")]
    assert set(groups["n_points"]) == {4}
    alone, _, _ = run(tmp_path, first)
    keys = ["analysis", "level", "animal_id", "parameter"]
    mice = [frame[(frame["level"] == "animal") & (frame["cohort"] == "C01")] for frame in (alone, estimates)]
    left, right = (frame.set_index(keys)["estimate"].sort_index() for frame in mice)
    pd.testing.assert_series_equal(left, right, rtol=1e-9)


def test_without_exclusions_both_analyses_are_what_fitting_twice_gives(tmp_path):
    cells, _ = simulated("logistic", n_per_group=3)
    background = cells_of([cells_row("U1", "UTD", 1, 1.0)])
    # A mouse that is not fitted is excluded: nothing changes, but both analyses are made.
    changes = {"population_method": "mixed", "population_p": "bootstrap"}
    twice = run(tmp_path, pd.concat([cells, background.assign(excluded=True, exclusion_reason="leak")]), **changes)
    texts = {path.name: path.read_bytes() for path in tmp_path.glob("[efp]*.csv")}
    once = run(tmp_path, pd.concat([cells, background]), **changes)
    assert set(once[0]["analysis"]) == {"all", "without_excluded"}
    assert len(once[0]) == len(twice[0])
    assert {path.name: path.read_bytes() for path in tmp_path.glob("[efp]*.csv")} == texts


def test_excluded_mice_stand_in_all_and_are_missing_in_the_other(tmp_path):
    cells, _ = simulated("logistic", n_per_group=3)
    cells.loc[cells["animal_id"] == "CAR01", ["excluded", "exclusion_reason"]] = [True, "leak"]
    estimates, _, fits = run(tmp_path, cells)
    status = fits.set_index(["analysis", "animal_id"])["status"]
    assert status["all", "CAR01"] == "ok"
    assert status["without_excluded", "CAR01"] == "not_estimable"
    rates = estimates[(estimates["level"] == "group") & (estimates["parameter"] == "growth_rate")]
    counts = rates.set_index(["analysis", "group"])["n_points"]
    assert (counts["all", "CAR"], counts["without_excluded", "CAR"]) == (3, 2)
    row = estimates[(estimates["animal_id"] == "CAR01") & (estimates["analysis"] == "without_excluded")]
    assert row["reason"].eq("all its values are excluded").all()


def test_a_direct_label_is_refused_with_its_reason(tmp_path):
    cells, _ = simulated("logistic", n_per_group=2)
    estimates, curves, fits = run(tmp_path, cells, strategy="direct_label")
    assert set(fits["status"]) == {"not_estimable"}
    assert fits["reason"].str.contains("direct_label").all()
    assert estimates["estimate"].isna().all()
    assert curves.empty


@pytest.mark.parametrize(
    "cells", [cells_of([]), cells_of([cells_row("U1", "UTD", 1, 1.0)])], ids=["none", "background"]
)
@pytest.mark.parametrize("model", NAMES)
def test_a_study_without_mice_to_follow_gives_empty_tables(tmp_path, cells, model):
    for frame in run(tmp_path, cells, model=model):
        assert frame.empty


def test_censored_points_are_counted(tmp_path):
    cells, _ = simulated("exponential", n_per_group=2, critical=6e5)
    estimates, _, fits = run(tmp_path, cells, model="exponential")
    assert fits["n_censored"].sum() > 0
    assert (fits["n_points"] == 6).all()
    ok = estimates[(estimates["level"] == "animal") & (estimates["status"] == "ok")]
    assert ok["n_censored"].sum() > 0


def test_two_runs_write_the_same_bytes(tmp_path):
    cells, _ = simulated("expansion_contraction", n_per_group=2, critical=3e5)
    run(tmp_path, cells, model="expansion_contraction")
    first = [(tmp_path / f"{name}.csv").read_bytes() for name in ("estimates", "curves", "fits")]
    run(tmp_path, cells, model="expansion_contraction")
    assert first == [(tmp_path / f"{name}.csv").read_bytes() for name in ("estimates", "curves", "fits")]


def test_the_model_of_the_docs_is_fitted_tested_and_chosen_like_a_shipped_one(tmp_path):
    """Data of a strongly asymmetric Richards curve: its own model wins over the logistic."""
    page = (Path(__file__).parents[2] / "docs" / "own-models.md").read_text(encoding="utf-8")
    path = tmp_path / "richards.py"
    path.write_text(re.search(r"```python\n(.*?)```", page, re.S)[1], encoding="utf-8")
    richards = read_own_model(path)[0]
    rng, rows = np.random.default_rng(3), []
    days = np.array([1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 14.0, 17.0, 21.0])
    for number in range(6):
        curve = richards.eval(day=days, plateau=5e6, growth_rate=0.4, midpoint=9.0 + 0.3 * number, shape=4.0)
        values = curve * np.exp(rng.normal(0.0, 0.03, days.size))
        group = "CAR" if number % 2 else "NT"
        rows += [cells_row(f"{group}{number}", group, day, value) for day, value in zip(days, values, strict=True)]
    own = {"own_models": [str(path)], "own_names": ["richards"], "compared": ["logistic", "richards"]}
    fits = []
    for model in ("logistic", "richards"):
        folder = tmp_path / model
        folder.mkdir()
        estimates, curves, found = run(folder, cells_of(rows), model=model, population_method="mixed", **own)
        fits.append(str(folder / "fits.csv"))
    assert set(found["status"]) == {"ok"}
    assert set(estimates["level"]) == {"animal", "group", "population"}
    assert {"growth_rate", "doubling_time", "peak", "time_of_peak", "auc", "shape"} <= set(estimates["parameter"])
    assert set(curves["level"]) == {"animal", "group"}
    population = tables.read(tmp_path / "richards" / "population.csv", tables.PopulationTests)
    assert set(population["parameter"]) == {"growth_rate"}
    script("select_model").main(fits=fits, selection=str(tmp_path / "selection.csv"), not_compared=[])
    selection = tables.read(tmp_path / "selection.csv", tables.Selection)
    assert set(selection.loc[selection["chosen"], "model"]) == {"richards"}


def test_stein_stands_at_group_level_and_is_not_compared(tmp_path):
    days = (1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 14.0, 21.0)
    cells, _ = simulated("expansion_contraction", n_per_group=4, sigma=0.1, days=days)
    estimates, curves, fits = run(tmp_path, cells, model="stein")
    animals, groups = (estimates[estimates["level"] == level] for level in ("animal", "group"))
    assert set(animals["status"]) == set(fits["status"]) == {"not_estimable"}
    assert all("fitted to groups" in reason for reason in fits["reason"])
    assert set(groups.loc[groups["parameter"] == "growth_rate", "status"]) == {"ok"}
    assert set(curves["level"]) == {"group"}
    script("select_model").main(
        fits=[str(tmp_path / "fits.csv")], selection=str(tmp_path / "selection.csv"), not_compared=["stein"]
    )
    selection = tables.read(tmp_path / "selection.csv", tables.Selection)
    assert set(selection["status"]) == {"not_compared"}
    assert not selection["chosen"].any()
