"""The scripts that stand beside the comparisons: every table meets its contract, whatever the study has."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cartrace import tables

sys.path.insert(0, str(Path(__file__).parent))
from test_compare_groups import GROUPS, PRIMARY, filled, run, study

import check_comparison
import predict_outcomes

BESIDE = {
    "overall": tables.Overall,
    "paired": tables.Paired,
    "repeated": tables.Repeated,
    "forest": tables.Forest,
    "diagnostics": tables.Diagnostics,
    "sensitivity": tables.Sensitivity,
    "power": tables.Power,
}
OUTCOMES = {
    "survival": tables.Survival,
    "predictions": tables.Predictions,
    "readout_agreement": tables.ReadoutAgreement,
}
FAMILY = {"endpoint": "cells", "modality": "", "regions": [], "sessions": [], "groups": []}
PAIRED = FAMILY | {"family": "rise", "sessions": ["d07", "d14"], "test": "paired_t"}
RANKS = FAMILY | {"family": "cells by rank", "sessions": ["d14"], "test": "mann_whitney"}


def animals(folder, *, ended=()):
    """Write the sheet of animals of the study; `ended` is (mouse, day, reason) in both cohorts."""
    ends = {mouse: (f"2026-03-{1 + day:02d}T08:00:00+01:00", reason) for mouse, day, reason in ended}
    rows = [
        {"cohort": cohort, "animal_id": f"{group}{number}", "group": group, "batch": "day 1", "sex": "F"}
        | {"cells_infused_at": "2026-03-01T08:00:00+01:00", "source_file": "animals.csv", "source_row": number + 2}
        | dict(zip(("ended_at", "end_reason"), ends.get(f"{group}{number}", ("", "")), strict=True))
        for cohort in ("C01", "C02")
        for group in ("UTD", "NT", "CAR")
        for number in range(4)
    ]
    tables.write(filled(tables.Animals, rows), folder / "animals.csv", tables.Animals)
    return [str(folder / "animals.csv")]


def scattered(parts):
    """Let the sessions of a mouse differ, as they do."""
    for row in parts[1]:
        row["response"] *= 1 + 0.1 * (hash_of(row["animal_id"] + row["session"] + row["cohort"]) - 0.5)
    return parts


def check(folder, parts, *, secondary=()):
    run(folder, parts, secondary=list(secondary))
    out = {name: str(folder / "6_comparison" / f"{name}.csv") for name in BESIDE}
    tables.write(tables.empty(tables.Alternatives), folder / "alternatives.csv", tables.Alternatives)
    tables.write(tables.empty(tables.Fits), folder / "fits.csv", tables.Fits)
    check_comparison.main(
        alternatives=str(folder / "alternatives.csv"),
        primary=PRIMARY,
        exploratory_adjustment="BH",
        endpoints=str(folder / "6_comparison" / "endpoints.csv"),
        comparisons=str(folder / "6_comparison" / "comparisons.csv"),
        estimates=[str(folder / "logistic.csv"), str(folder / "gompertz.csv")],
        fits=[str(folder / "fits.csv")],
        selection=str(folder / "selection.csv"),
        cells=[str(folder / cohort / "cells.csv") for cohort in ("C01", "C02")],
        windows={"logistic": [0.0, 28.0], "gompertz": [0.0, 28.0]},
        expansion={"window_days": [0.0, 28.0], "confidence": 0.95},
        animals=animals(folder),
        **out,
        groups=GROUPS,
        secondary=list(secondary),
        adjustment="holm",
        confidence=0.95,
        next_cohort_effects=[1.5, 2.0],
        seed=1,
    )
    return {name: tables.read(out[name], table) for name, table in BESIDE.items()}


def test_a_whole_study(tmp_path):
    found = check(tmp_path, scattered(study()), secondary=[PAIRED, RANKS])
    forest = found["forest"]
    assert set(forest["plan"]) == {"primary", "secondary"}
    assert forest.loc[forest["plan"] == "primary", "level"].tolist() == ["cohort", "cohort", "fixed"] * 2
    paired = found["paired"]
    assert set(paired["group"]) == {"UTD", "NT", "CAR"}
    assert set(paired["n"]) == {7, 8}
    assert set(found["repeated"]["contrast"]) == {"session", "average", "interaction"}
    assert (found["repeated"]["status"] == "ok").all()
    assert set(found["overall"]["test"]) == {"Welch ANOVA"}
    assert {"declared", "scale", "test", "cohorts", "mouse", "model"} <= set(found["sensitivity"]["choice"])
    assert (found["power"]["n_per_group"] >= 2).all()
    comparisons = tables.read(tmp_path / "6_comparison" / "comparisons.csv", tables.Comparisons)
    assert set(comparisons.loc[comparisons["plan"] == "secondary", "test"]) == {"Mann-Whitney on log"}


@pytest.mark.parametrize("has_pet", [True, False])
@pytest.mark.parametrize("is_fitted", [True, False])
@pytest.mark.parametrize("mice", [1, 4])
def test_every_table_comes_out_whatever_the_study_has(tmp_path, has_pet, is_fitted, mice):
    parts = study(has_pet=has_pet, is_fitted=is_fitted, mice=mice)
    found = check(tmp_path, parts, secondary=[PAIRED, RANKS])
    assert found["repeated"].empty != has_pet
    assert set(found["forest"].loc[found["forest"]["plan"] == "primary", "status"]) <= {"ok", "not_estimable"}
    assert set(found["sensitivity"]["analysis"]) == {"all", "without_excluded"}


def test_the_average_over_sessions_of_complete_data_is_the_t_test_of_the_mice(tmp_path):
    parts = study()
    for row in parts[1]:
        row["excluded"], row["exclusion_reason"] = False, ""
    one = [[row for row in rows if row["cohort"] == "C01"] for rows in parts]
    for row in one[1]:
        row["response"] *= 1.5 if row["session"] == "d14" else 1.0
        row["response"] *= 1 + 0.1 * (hash_of(row["animal_id"] + row["session"]) - 0.5)
    found = check(tmp_path, [*one[:2], one[2]])["repeated"]
    average = found[(found["contrast"] == "average") & (found["analysis"] == "all")].iloc[0]
    cells = pd.DataFrame(one[1])
    means = np.log(cells["response"]).groupby([cells["group"], cells["animal_id"]]).mean()
    from scipy import stats

    truth = stats.ttest_ind(means["CAR"], means["NT"])
    assert [average["p_value"], average["df"]] == pytest.approx([truth.pvalue, 6], rel=1e-5)
    assert np.log(average["estimate"]) == pytest.approx(means["CAR"].mean() - means["NT"].mean(), rel=1e-9)
    interval = truth.confidence_interval(0.95)
    assert np.log([average["ci_low"], average["ci_high"]]) == pytest.approx([interval.low, interval.high], rel=1e-6)


def test_a_declared_uptake_of_several_sessions_is_compared_over_them_too(tmp_path):
    parts = study()
    for row in parts[0]:
        row["uptake_pct_id_per_ml"] = 10 * row["uptake_pct_id"] * (1 + hash_of(row["animal_id"] + row["session"]))
    family = FAMILY | {"family": "tumour by PET", "endpoint": "uptake", "modality": "pet", "test": "welch"}
    found = check(tmp_path, scattered(parts), secondary=[family])["repeated"]
    rows = found[(found["endpoint"] == "uptake_pct_id_per_ml") & (found["analysis"] == "all")]
    # The background group is compared in uptake, not in cells.
    assert set(rows["group_b"]) == {"NT", "UTD"}
    assert set(rows.loc[rows["contrast"] == "session", "session"]) == {"d07", "d14"}
    assert (rows["status"] == "ok").all()
    assert set(found.loc[found["endpoint"] == "cells", "group_b"]) == {"NT"}


def hash_of(text):
    """Return a number between 0 and 1 that only the text decides."""
    return sum(ord(letter) * 37**place for place, letter in enumerate(text)) % 101 / 101


def outcomes(folder, parts, *, readouts=(), prediction=(), ended=()):
    run(folder, parts)
    rows = [
        {
            "cohort": cohort,
            "animal_id": mouse,
            "measured_at": f"2026-03-{1 + day:02d}T09:00:00+01:00",
            "readout": readout,
        }
        | {"value": value, "unit": "mm3", "source_file": "readouts.csv", "source_row": position + 2}
        for position, (cohort, mouse, day, readout, value) in enumerate(readouts)
    ]
    tables.write(filled(tables.Readouts, rows), folder / "readouts.csv", tables.Readouts)
    tables.write(tables.empty(tables.Exclusions), folder / "exclusions.csv", tables.Exclusions)
    out = {name: str(folder / "6_comparison" / f"{name}.csv") for name in OUTCOMES}
    predict_outcomes.main(
        endpoints=str(folder / "6_comparison" / "endpoints.csv"),
        uptake=[str(folder / cohort / "uptake.csv") for cohort in ("C01", "C02")],
        animals=animals(folder, ended=ended),
        readouts=[str(folder / "readouts.csv")],
        exclusions=[str(folder / "exclusions.csv")],
        **out,
        groups=GROUPS,
        prediction=list(prediction),
        region="tumour",
        window_days=[0.0, 14.0],
        confidence=0.95,
    )
    return {name: tables.read(out[name], table) for name, table in OUTCOMES.items()}


def timed(parts):
    """Give the study's rows their days."""
    for row in parts[0]:
        row["cell_day"] = {"d07": 7.0, "d14": 14.0}[row["session"]]
    return parts


EARLY = {"endpoint": "cells", "region": "", "session": "d07", "modality": ""}
VOLUME = {"readout": "tumour_volume", "day": 20.0, "direction": "lower", "threshold": 100.0, "measure": "value"}
SURVIVAL = {"readout": "survival", "day": 27.0, "direction": "higher", "threshold": None, "measure": "value"}


def test_an_early_signal_is_held_against_the_volume_and_the_flow(tmp_path):
    parts = timed(study())
    at_7 = {(row["cohort"], row["animal_id"]): row["response"] for row in parts[1] if row["session"] == "d07"}
    later = [(*mouse, 20, "tumour_volume", 2e8 / cells) for mouse, cells in at_7.items()]
    flow = [(*mouse, 7, "blood_cells", 3 * cells**2) for mouse, cells in at_7.items()]
    found = outcomes(tmp_path, parts, readouts=[*later, *flow], prediction=[{"early": EARLY, "outcome": VOLUME}])
    rows = found["predictions"]
    rows = rows[(rows["analysis"] == "all") & (rows["group"] == "")].set_index("method")
    # More cells, less tumour: a perfect order, the good outcome with the higher signal.
    assert rows.loc["spearman", ["n", "estimate"]].tolist() == [16, 1]
    assert rows.loc["roc_auc", "estimate"] == 1
    assert 0.5 < rows.loc["roc_auc", "ci_low"] < 1
    assert rows.loc["cutoff", "estimate"] > 0.8
    assert rows.loc["peak_lag", "status"] == "not_estimable"
    agreed = found["readout_agreement"]
    agreed = agreed[(agreed["analysis"] == "all") & (agreed["session"] == "d07")].iloc[0]
    assert agreed[["readout", "n", "spearman"]].tolist() == ["blood_cells", 24, 1]
    assert agreed["slope"] == pytest.approx(2)


def test_who_died_before_the_landmark_says_nothing_about_what_came_after(tmp_path):
    ended = [("NT0", 16, "humane_endpoint"), ("NT1", 18, "found_dead"), ("NT2", 22, "humane_endpoint")]
    ended += [
        ("NT3", 5, "found_dead"),
        ("CAR0", 28, "scheduled"),
        ("CAR1", 28, "scheduled"),
        ("CAR2", 17, "found_dead"),
    ]
    parts = timed(study())
    early = EARLY | {"session": "d07"}
    found = outcomes(tmp_path, parts, prediction=[{"early": early, "outcome": SURVIVAL}], ended=ended)
    rows = found["predictions"]
    cox = rows[(rows["analysis"] == "all") & (rows["group"] == "") & (rows["method"] == "cox_landmark")].iloc[0]
    assert cox["cutoff"] == 7
    # NT3 died on day 5: of 16 mice 14 are left. CAR3 is followed to its last scan, on day 14.
    assert cox["n"] == 14
    assert cox["n_good"] == 14 - 8
    roc = rows[(rows["analysis"] == "all") & (rows["group"] == "") & (rows["method"] == "roc_auc")].iloc[0]
    # Of CAR3 nobody knows whether it lived to day 27.
    assert [roc["n"], roc["n_good"]] == [12, 4]
    survival = found["survival"]
    pair = survival[(survival["analysis"] == "all") & (survival["group_a"] == "CAR") & (survival["group_b"] == "NT")]
    assert pair[["n_a", "n_b", "n_events_a", "n_events_b", "p_method"]].to_numpy().tolist() == [[8, 8, 2, 8, "exact"]]
    assert pair["hazard_ratio"].iloc[0] < 1
    assert pair["p_value"].iloc[0] < 0.05


def test_progression_before_the_landmark_says_nothing_either(tmp_path):
    parts = timed(study())
    mice = sorted({(row["cohort"], row["animal_id"]) for row in parts[1] if not row["animal_id"].startswith("UTD")})
    volumes = []
    for position, mouse in enumerate(mice):
        grows_from = 5 if position == 0 else 12 if position % 2 else 99
        volumes += [(*mouse, day, "tumour_volume", 100.0 * (3 if day >= grows_from else 1)) for day in (0, 5, 12, 20)]
    outcome = VOLUME | {"measure": "progression", "threshold": 2.0}
    found = outcomes(tmp_path, parts, readouts=volumes, prediction=[{"early": EARLY, "outcome": outcome}])
    rows = found["predictions"]
    rows = rows[(rows["analysis"] == "all") & (rows["group"] == "")].set_index("method")
    assert set(rows["outcome"]) == {"progression of tumour_volume to day 20 (at least 2 times the baseline)"}
    # The mouse that progressed on day 5 is no case of a signal of day 7 that predicted it.
    assert rows.loc["cox_landmark", ["n", "n_good", "cutoff"]].tolist() == [15, 7, 7]
    assert rows.loc["roc_auc", ["n", "n_good"]].tolist() == [15, 7]


def test_a_study_without_deaths_and_readouts_has_no_outcome(tmp_path):
    declared = [{"early": EARLY, "outcome": VOLUME}, {"early": EARLY, "outcome": SURVIVAL}]
    found = outcomes(tmp_path, timed(study()), prediction=declared)
    assert set(found["predictions"]["status"]) == {"not_estimable"}
    assert set(found["survival"]["status"]) == {"not_estimable"}
    assert found["readout_agreement"].empty
