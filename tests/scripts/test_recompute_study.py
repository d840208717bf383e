"""What is recomputed for the table of sensitivity is what the flow itself would make under that choice."""

import sys
from pathlib import Path

import pandas as pd
import pytest

from cartrace import tables

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import pipeline

import recompute_study
from cartrace.endpoints import collect
from cartrace.radionuclides import read as read_nuclides
from cartrace.recompute import alternatives, declared_choice, endpoints_under, other_choices
from cartrace.refit import chosen_anew

SMALL = {"n_cohorts": 2, "n_per_group": 3, "days": [1.0, 4.0, 7.0, 10.0, 14.0], "imperfections": False}
KEY = list(tables.Endpoints.key)


@pytest.fixture(scope="module")
def settings():
    found = pipeline.shipped(simulation=SMALL)
    return found | {"expansion": found["expansion"] | {"models": ["expansion_contraction"], "interval": "wald"}}


@pytest.fixture(scope="module")
def study(settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    cohorts = pipeline.simulated(folder / "study", settings)
    for cohort in cohorts:
        pipeline.imported(folder / "study", cohort, settings, folder / "results")
        pipeline.measured(cohort, settings, folder / "results")
        pipeline.counted_cells(cohort, settings, folder / "results")
    pipeline.compared(cohorts, settings, folder / "results")
    return folder / "results", cohorts


def raw(results, cohorts):
    return [
        {
            name: tables.read(results / cohort / "1_tables" / f"{name}.csv", table)
            for name, table in recompute_study.RAW.items()
        }
        for cohort in cohorts
    ]


def given(study, settings):
    results, cohorts = study
    selection = tables.read(results / "5_expansion" / "selection.csv", tables.Selection)
    windows = dict.fromkeys(settings["expansion"]["models"], settings["expansion"]["window_days"])
    nuclides = read_nuclides(pipeline.RESOURCES["radionuclides"])
    return raw(results, cohorts), selection, nuclides, settings, windows, {}


def test_the_declared_choice_gives_the_endpoints_of_the_flow_to_the_byte(study, settings, tmp_path):
    cohorts, selection, *rest = given(study, settings)
    found = endpoints_under(cohorts, declared_choice(settings), selection, *rest)
    tables.write(found, tmp_path / "endpoints.csv", tables.Endpoints)
    made = study[0] / "6_comparison" / "endpoints.csv"
    assert (tmp_path / "endpoints.csv").read_bytes() == made.read_bytes()


def test_another_choice_gives_the_endpoints_of_a_flow_that_was_told_so(study, settings, tmp_path):
    results, cohorts = study
    told = settings | {"uptake": settings["uptake"] | {"dose_route": "calibrator"}}
    for cohort in cohorts:
        target = tmp_path / cohort
        target.mkdir()
        (target / "1_tables").symlink_to(results / cohort / "1_tables")
        pipeline.measured(cohort, told, tmp_path)
    uptake = pd.concat(
        [tables.read(tmp_path / cohort / "3_uptake" / "uptake.csv", tables.Uptake) for cohort in cohorts]
    )
    nothing = [tables.empty(table) for table in (tables.Cells, tables.Estimates, tables.Selection)]
    flow_made = collect(uptake, *nothing, region="tumour")
    stage_1, selection, *rest = given(study, settings)
    choice = next(choice for choice in other_choices(settings) if choice.choice == "dose_route")
    found = endpoints_under(stage_1, choice, selection, *rest, kinetics=False)
    found = found[found["endpoint"] != "ratio"]
    counted = [frame[frame["modality"] == "counter"].set_index(KEY)["value"] for frame in (found, flow_made)]
    pd.testing.assert_series_equal(*counted, rtol=1e-12)
    before = tables.read(results / "6_comparison" / "endpoints.csv", tables.Endpoints)
    before = before[(before["modality"] == "counter") & (before["endpoint"] != "ratio")].set_index(KEY)["value"]
    assert (before / counted[0] - 1).abs().min() > 1e-4


def test_without_subtraction_the_background_s_signal_counts_as_cells(study, settings):
    stage_1, selection, *rest = given(study, settings)
    choice = next(choice for choice in other_choices(settings) if choice.choice == "subtraction")
    found = endpoints_under(stage_1, choice, selection, *rest, kinetics=False)
    cells = pd.concat([tables.read(study[0] / cohort / "4_cells" / "cells.csv", tables.Cells) for cohort in study[1]])
    lines = pd.concat(
        [tables.read(study[0] / cohort / "4_cells" / "calibration.csv", tables.CalibrationLines) for cohort in study[1]]
    ).set_index("cohort")
    mine = found[(found["endpoint"] == "cells") & (found["analysis"] == "all") & (found["status"] == "ok")]
    both = mine.merge(cells, on=["cohort", "animal_id", "session"])
    more = (both["value"] - both["response"]) * both["cohort"].map(lines["slope"])
    assert len(both) > 20
    assert more.to_numpy() == pytest.approx(both["background_pct_id"].to_numpy(), rel=1e-9)


def test_the_model_is_chosen_anew_under_a_choice(study, settings, tmp_path):
    stage_1, _, nuclides, _, _, own = given(study, settings)
    results, cohorts = study
    told = settings | {"expansion": settings["expansion"] | {"models": ["exponential", "logistic", "gompertz"]}}
    for cohort in cohorts:
        (tmp_path / cohort).symlink_to(results / cohort)
    pipeline.compared(cohorts, told, tmp_path)
    selection = tables.read(tmp_path / "5_expansion" / "selection.csv", tables.Selection)
    windows = dict.fromkeys(told["expansion"]["models"], told["expansion"]["window_days"])
    windows["exponential"] = told["expansion"]["exponential_window_days"]
    cells = pd.concat([tables.read(results / cohort / "4_cells" / "cells.csv", tables.Cells) for cohort in cohorts])
    made = chosen_anew(cells.reset_index(drop=True), told, windows, own).reset_index(drop=True)
    key = ["analysis", "model"]
    flow_made = selection.sort_values(key, ignore_index=True)[made.columns]
    pd.testing.assert_frame_equal(made.sort_values(key, ignore_index=True), flow_made, check_dtype=False)
    # The study keeps its model in one row, and has the one that the choice leads to in another.
    wanted = pd.DataFrame({"analysis": ["all"], "endpoint": "growth_rate", "modality": "", "session": ""})
    wanted = wanted.assign(region=settings["cells"]["region"])
    chosen = selection.loc[selection["chosen"] & (selection["analysis"] == "all"), "model"].item()
    # One that gives rates here: Gompertz's are not determined by five scans.
    wrong = selection.assign(chosen=selection["model"] == "exponential")
    found = alternatives(stage_1, wanted, wrong, nuclides, told, windows, own)
    found = found[(found["choice"] == "half_life") & (found["status"] == "ok")].set_index(["cohort", "animal_id"])
    kept, anew = (found[found["variant"].str.contains("anew") == is_anew] for is_anew in (False, True))
    assert set(anew["variant"]) == {f"half-lives of ICRP-107, model chosen anew: {chosen}"}
    right = alternatives(stage_1, wanted, selection, nuclides, told, windows, own)
    right = right[(right["variant"] == "half-lives of ICRP-107") & (right["status"] == "ok")]
    pd.testing.assert_series_equal(anew["value"], right.set_index(["cohort", "animal_id"])["value"])
    assert (kept["value"] / anew["value"] - 1).abs().max() > 0.01


def test_recovery_is_a_choice_where_coefficients_are_given_and_a_region_names_its_surroundings(settings):
    table = {"nuclide": "F-18", "scanner": "", "diameter_mm": [5.0], "coefficient": [0.9], "coefficient_se": 0.0}
    regions = [{"name": "tumour", "surroundings": "muscle"}]
    for quantity, other in (("recovered", "measured"), ("measured", "recovered")):
        pet = settings["pet"] | {"recovery": [table], "quantity": quantity}
        choices = {choice.choice: choice for choice in other_choices(settings | {"pet": pet, "regions": regions})}
        assert choices["partial_volume"].pet_quantity == other
        assert {choice.pet_quantity for name, choice in choices.items() if name != "partial_volume"} == {quantity}
    assert "partial_volume" not in {choice.choice for choice in other_choices(settings)}


def test_a_choice_has_no_row_of_what_it_cannot_change(study, settings):
    results, _ = study
    compared = tables.read(results / "6_comparison" / "comparisons.csv", tables.Comparisons)
    stage_1, *rest = given(study, settings)
    found = alternatives(stage_1, compared[compared["plan"] != "exploratory"], *rest)
    by_choice = found.groupby("choice")["endpoint"].agg(set).to_dict()
    assert by_choice == {
        "half_life": {"growth_rate", "uptake_pct_id_per_g"},
        "dose_route": {"uptake_pct_id_per_g"},
        "subtraction": {"growth_rate"},
    }
    assert set(found.loc[found["choice"] == "dose_route", "modality"]) == {"counter"}
    again = found.sample(frac=1, random_state=1).sort_values(list(tables.Alternatives.key), ignore_index=True)
    pd.testing.assert_frame_equal(again, found)
