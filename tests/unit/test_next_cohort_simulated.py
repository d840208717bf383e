"""The next cohort by simulation: this study's mice are found again, and its numbers of mice have the power planned."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cartrace import tables
from cartrace.growth import BY_NAME
from cartrace.next_cohort import next_cohort
from cartrace.planning.effects import with_effect
from cartrace.planning.next_cohort import Population, _population, simulated_cells, with_simulated_power

sys.path.insert(0, str(Path(__file__).parent))
from test_forest import GROUPS, PRIMARY, compared, endpoints

MODEL = BY_NAME["logistic"]
NAMES = [parameter.name for parameter in MODEL.parameters]
DAYS = np.array([1.0, 3.0, 5.0, 7.0, 10.0, 14.0])
MEAN = {"CAR": np.array([15.0, np.log(0.9), 6.0]), "NT": np.array([15.0, np.log(0.6), 6.0])}
WINDOWS = {"logistic": [0.0, 28.0]}
EXPANSION = {"window_days": [0.0, 28.0], "confidence": 0.95}


def filled(table, records):
    missing = {"float": np.nan, "int": 0, "flag": False}
    columns = {
        column.name: pd.Series([record.get(column.name, missing.get(column.kind, "")) for record in records])
        for column in table.columns
    }
    return pd.DataFrame(columns).astype(tables.empty(table).dtypes.to_dict())


def study(*, n=30, sd=0.25, se=0.15, critical=10.0):
    """Make the tables of a study whose mice scatter by sd, and whose estimates err by se on top."""
    random = np.random.default_rng(20260307)
    estimates, fits, cells = [], [], []
    for group in ("NT", "CAR"):
        for number in range(n):
            mouse = {"cohort": "C01", "animal_id": f"{group}{number}", "group": group, "model": "logistic"}
            mouse |= {"analysis": "without_excluded", "status": "ok"}
            theta = MEAN[group] + sd * random.standard_normal(3) + se * random.standard_normal(3)
            for parameter, value in zip(MODEL.parameters, theta, strict=True):
                estimate = float(np.exp(value) if parameter.scale == "log" else value)
                row = {"level": "animal", "parameter": parameter.name, "estimate": estimate, "se": se}
                estimates.append(mouse | row | {"scale": parameter.scale, "unit": "1/day"})
            fits.append(mouse | {"sigma": 0.1, "error_model": "log_normal"})
            for day in DAYS:
                scan = {"session": f"d{day:02.0f}", "scan_id": f"{day}", "region": "tumour", "modality": "pet"}
                scan |= {"role": "test", "cell_day": day + 0.1, "response_critical_level": critical}
                cells.append(mouse | scan | {"response": 1e5, "response_unit": "cells"})
    chosen = [{"analysis": "without_excluded", "model": "logistic", "chosen": True, "status": "ok"}]
    return (
        filled(tables.Cells, cells),
        filled(tables.Estimates, estimates),
        filled(tables.Fits, fits),
        filled(tables.Selection, chosen),
    )


def known(parts):
    return _population(*parts, analysis="without_excluded", primary=PRIMARY, windows=WINDOWS)


def test_what_the_study_knows_of_its_mice_leaves_out_the_error_of_their_estimates():
    found = known(study(n=400))
    assert isinstance(found, Population)
    assert found.mean == pytest.approx(MEAN["NT"], abs=0.06)
    assert found.sd == pytest.approx([0.25] * 3, abs=0.03)
    assert found.sigma == pytest.approx(0.1)
    assert found.days == pytest.approx(DAYS + 0.1)


def test_the_effect_is_one_of_growth_from_the_first_scan_on():
    found = known(study())
    still = Population(found.model, found.mean, 0 * found.sd, 1e-12, found.days, found.critical, found.window_days)
    settings = {"comparison": {"primary": PRIMARY}, "seed": 1}
    cells = simulated_cells(still, 2.0, 3, 4, settings)
    assert cells["cohort"].nunique() == 4
    first, second = (cells[cells["session"] == name].groupby("group")["response"].first() for name in ("0", "1"))
    assert first["CAR"] == pytest.approx(first["NT"], rel=1e-6)
    early = np.log(second / first)
    assert early["CAR"] / early["NT"] == pytest.approx(2.0, rel=0.15)


@pytest.mark.parametrize(
    ("model", "endpoint", "scale", "effect"),
    [
        ("exponential", "growth_rate", "log", 1.5),
        ("exponential", "growth_rate", "linear", -0.9),
        ("exponential", "doubling_time", "linear", -0.2),
        ("logistic", "growth_rate", "linear", 0.2),
        ("logistic", "doubling_time", "log", 0.7),
        ("gompertz", "growth_rate", "log", 1.5),
        ("gompertz", "growth_rate", "linear", 0.3),
        ("gompertz", "slowing_rate", "linear", 0.05),
        ("expansion_contraction", "contraction_half_life", "linear", 1.5),
        ("expansion_contraction", "contraction_rate", "log", 0.6),
    ],
)
def test_an_effect_is_found_again_in_the_curve(model, endpoint, scale, effect):
    curves = {
        "exponential": [[9.0, 0.7], [9.5, 0.5]],
        "logistic": [[15.0, np.log(0.9), 6.0], [14.0, np.log(0.7), 5.0]],
        "gompertz": [[15.0, np.log(0.2), 6.0], [14.0, np.log(0.3), 4.0]],
        "expansion_contraction": [[15.0, np.log(0.9), np.log(0.2), 8.0], [14.0, np.log(0.8), np.log(0.3), 7.0]],
    }
    known, theta = BY_NAME[model], np.array(curves[model])
    moved = with_effect(known, theta, 2.0, endpoint=endpoint, scale=scale, effect=effect)

    def slope(theta, day):
        return (known.log_curve(day + 1e-5, theta) - known.log_curve(day - 1e-5, theta))[:, 0] / 2e-5

    def quantity(theta):
        # Read from the curve itself: where it is steepest, at the first scan, or long after its turn.
        day = {"logistic": -40.0, "gompertz": 2.0, "expansion_contraction": 90.0, "exponential": 1.0}[model]
        if endpoint == "slowing_rate":
            return np.exp(theta[:, 1])
        rate = (
            np.abs(slope(theta, np.full((2, 1), day)))
            if "contraction" in endpoint
            else slope(theta, np.full((2, 1), day))
        )
        return rate if endpoint.endswith("rate") else np.log(2) / rate

    expected = quantity(theta) * effect if scale == "log" else quantity(theta) + effect
    assert quantity(moved) == pytest.approx(expected, rel=1e-5)
    first = np.full((2, 1), 2.0)
    assert known.log_curve(first, moved) == pytest.approx(known.log_curve(first, theta), rel=1e-10)


def test_an_effect_that_leaves_no_rate_leaves_no_curve():
    theta = np.array([[15.0, np.log(0.9), 6.0], [15.0, np.log(0.4), 6.0]])
    moved = with_effect(BY_NAME["logistic"], theta, 1.0, endpoint="growth_rate", scale="linear", effect=-0.5)
    assert np.isnan(moved).any(axis=1).tolist() == [False, True]


@pytest.mark.parametrize(
    ("endpoint", "scale", "effect"), [("growth_rate", "log", 1.5), ("doubling_time", "linear", -0.4)]
)
def test_the_planned_number_of_mice_has_the_power_that_it_was_planned_for(endpoint, scale, effect):
    parts = study(se=0.02, sd=0.25)
    random = np.random.default_rng(3)
    rates = {("C01", group): np.exp(random.normal(MEAN[group][1], 0.25, 30)) for group in ("CAR", "NT")}
    values = rates if endpoint == "growth_rate" else {key: np.log(2) / rate for key, rate in rates.items()}
    primary = PRIMARY | {"endpoint": endpoint, "scale": scale}
    frame = endpoints(values).assign(endpoint=endpoint)
    planned = next_cohort(frame, compared(frame, endpoint=endpoint, scale=scale), effects=[effect], confidence=0.95)
    found = with_simulated_power(
        planned,
        *parts,
        groups=GROUPS,
        primary=primary,
        windows=WINDOWS,
        expansion=EXPANSION,
        confidence=0.95,
        seed=5,
    )
    rows = found[found["analysis"] == "without_excluded"].set_index("power")
    for power, row in rows.iterrows():
        assert row["n_studies"] >= 150
        # 200 cohorts tell a share to 0.03; whole mice round the number up, and every fit adds its own error.
        assert power - 0.10 <= row["power_simulated"] <= power + 0.12
    rest = found[found["analysis"] == "all"]
    assert (rest["n_studies"] == 0).all()
    assert set(rest["simulation_note"]) == {"simulated for the analysis without excluded mice"}


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"endpoint": "peak"}, "only rates of the curves (growth rate, contraction rate, slowing rate)"),
        ({"endpoint": "contraction_half_life"}, "the chosen model, logistic, has no contraction half life"),
        ({"endpoint": "growth_rate", "scale": "linear"}, "the effect leaves mice of this study's scatter without"),
        ({"groups": ["CAR", "SCR"]}, "fewer than two mice of a group"),
    ],
)
def test_what_is_not_simulated_says_why(change, note):
    frame = endpoints({("C01", group): [1.0, 1.2, 1.4] for group in ("CAR", "NT")})
    effect = -2.0 if change.get("scale") == "linear" else 2.0
    planned = next_cohort(frame, compared(frame), effects=[2.0], confidence=0.95).assign(effect=effect)
    found = with_simulated_power(
        planned,
        *study(n=4),
        groups=GROUPS,
        primary=PRIMARY | change,
        windows=WINDOWS,
        expansion=EXPANSION,
        confidence=0.95,
        seed=5,
    )
    notes = found.loc[found["analysis"] == "without_excluded", "simulation_note"]
    assert notes.str.startswith(note).all()
    assert found["power_simulated"].isna().all()
