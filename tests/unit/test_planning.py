"""What a planned study will show: its counts and limits by hand and by draws, its power where that is known."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from cartrace import tables
from cartrace.cells import signal_rows, subtract_background
from cartrace.planning.power import compared_studies, planned_power, share_found, simulated_scans
from cartrace.planning.precision import planned_precision
from cartrace.simulate.design import Tissue
from cartrace.simulate.world import World

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import pipeline

F18_S = 6586.2
FOLLOWED = Tissue("tumour", 0.30, 0.40, 1.0)


def settings(**changes):
    quick = {"n_per_group": [5], "n_studies": 200, "count_delays_h": [0.5, 12.0]}
    return pipeline.shipped(plan=quick | changes.pop("plan", {}), **changes)


def windows(found, *models):
    return dict.fromkeys(models, found["expansion"]["window_days"])


def precision(found):
    tissues = World.of(found, half_life_s=F18_S, density_g_per_ml={}).tissues
    return planned_precision(found, tissues, F18_S)


def test_counts_and_limits_of_a_tube_by_hand(tmp_path):
    rows = precision(settings())
    tables.write(rows, tmp_path / "precision.csv", tables.PlannedPrecision)
    key = ["group", "session", "modality", "region", "count_delay_h"]
    row = rows.set_index(key).loc[("UTD", "d07", "counter", "muscle", 12.0)]
    # 0.12 g at 0.28 %ID/g of 7.4 MBq without the residual, 1 h to the scan, 10 min of it, 12 h to the counter.
    cps = 0.12 * 0.28 / 100 * 7.4e6 * (1 - 0.055) * 0.31 * 0.5 ** ((13 * 3600 + 600) / F18_S)
    decay = np.log(2) / F18_S
    expected = cps * (1 - np.exp(-decay * 60)) / decay + 0.9 * 60
    assert row["gross_counts"] == pytest.approx(expected, rel=2e-4)
    assert row["rel_se_count"] == pytest.approx(np.sqrt(expected + 60**2 * 0.9 / 900) / (expected - 54), rel=2e-3)
    assert row["activity_kbq"] == pytest.approx(cps / 0.31 / 1e3)
    # The later the count, the fewer counts and the higher the limit.
    early = rows.set_index(key).loc[("UTD", "d07", "counter", "muscle", 0.5)]
    assert early["rel_se_count"] < row["rel_se_count"]
    assert row["detection_limit_pct_id"] / early["detection_limit_pct_id"] == pytest.approx(2 ** (11.5 * 3600 / F18_S))


def test_the_fewest_cells_that_show_are_seen_in_nineteen_of_twenty():
    found = settings()
    rows = precision(found)
    limit = float(rows.loc[(rows["modality"] == "pet") & (rows["region"] == "tumour"), "detection_limit_cells"].max())
    for cells, low, high in ((limit, 0.90, 0.99), (0.0001 * limit, 0.02, 0.08)):
        groups = [{"name": "UTD", "has_reporter": False}, {"name": "CAR", "has_reporter": True}]
        still = {"growth_rate_per_day": 1e-9, "contraction_rate_per_day": 1e-9, "peak_day": 10.0}
        simulation = found["simulation"] | {
            "groups": [group | still for group in groups],
            "cells_at_day_0": cells,
            "between_mouse_sd": 0.0,
            "days": [7.0],
            "n_cohorts": 1,
        }
        scans = simulated_scans(found | {"simulation": simulation}, FOLLOWED, n=5, studies=400)
        roles = {"UTD": "background", "CAR": "test"}
        net = subtract_background(signal_rows(scans, region="tumour", modality="pet", roles=roles))
        seen = ~net.loc[net["group"] == "CAR", "is_below_detection"]
        assert low <= seen.mean() <= high


def quiet(found, *, rate_a, rate_b):
    """Return settings of a study whose measurements are all but exact, so that mice alone scatter."""
    groups = [
        {"name": "UTD", "has_reporter": False, "growth_rate_per_day": 0.0},
        {"name": "NT", "has_reporter": True, "growth_rate_per_day": rate_b},
        {"name": "CAR", "has_reporter": True, "growth_rate_per_day": rate_a},
    ]
    shape = {"contraction_rate_per_day": 0.15, "peak_day": 10.0}
    simulation = found["simulation"] | {"groups": [group | shape for group in groups], "n_cohorts": 1}
    simulation |= {"uptake_pct_id_per_cell": 1e-4, "days": [1.0, 3.0, 5.0, 7.0, 10.0, 13.0, 16.0, 20.0]}
    exact = {"roi_frac": 1e-4, "calibrator_frac": 0.0}
    return found | {"simulation": simulation, "uncertainty": found["uncertainty"] | exact}


def test_power_is_that_of_the_noncentral_t_where_mice_alone_scatter():
    found = settings(plan={"n_studies": 500})
    found = quiet(found, rate_a=0.40, rate_b=0.30)
    row = planned_power(found, [FOLLOWED], windows(found, "expansion_contraction")).iloc[0]
    size, n = np.log(4 / 3) / found["simulation"]["between_mouse_sd"], 5
    df, shift = 2 * n - 2, size * np.sqrt(n / 2)
    t = stats.t.ppf(0.975, df)
    known = stats.nct.sf(t, df, shift) + stats.nct.cdf(-t, df, shift)
    # Welch's test gives away a little, and 500 studies tell a share to 0.02.
    assert row["power"] == pytest.approx(known, abs=0.07)
    assert row["median_estimate"] == pytest.approx(4 / 3, rel=0.03)
    assert row["power_ci_low"] < row["power"] < row["power_ci_high"]


def test_a_plan_on_the_linear_scale_is_tested_on_it():
    found = quiet(settings(plan={"n_studies": 100}), rate_a=0.40, rate_b=0.30)
    primary = found["comparison"]["primary"] | {"scale": "linear"}
    found |= {"comparison": found["comparison"] | {"primary": primary}}
    row = planned_power(found, [FOLLOWED], windows(found, "expansion_contraction")).iloc[0]
    assert row[["scale", "status", "n_tested"]].tolist() == ["linear", "ok", 100]
    # Between mice the rates are log-normal: their means lie above their medians by the same factor in both groups.
    mean_of = np.exp(found["simulation"]["between_mouse_sd"] ** 2 / 2)
    assert row["median_estimate"] == pytest.approx(0.1 * mean_of, rel=0.15)


def test_without_a_difference_the_planned_test_keeps_its_level_and_covers():
    found = settings()
    groups = [group | {"growth_rate_per_day": 0.35} for group in found["simulation"]["groups"]]
    found = found | {"simulation": found["simulation"] | {"groups": groups}}
    scans = simulated_scans(found, FOLLOWED, n=5, studies=400)
    compared = compared_studies(scans, found, "expansion_contraction", windows(found, "expansion_contraction"))
    row = share_found(compared, 400, 0.95, 5, "")
    # 400 studies tell a share of 0.05 to 0.011.
    assert 0.02 <= row["power"] <= 0.085
    covers = ((compared["ci_low"] <= 1) & (compared["ci_high"] >= 1)).mean()
    assert covers == pytest.approx(1 - row["power"], abs=1e-9)


def test_more_mice_find_more_and_lose_as_many():
    found = settings(plan={"n_per_group": [3, 6], "n_studies": 40})
    # A difference that three mice a group and cohort do not always show.
    groups = [
        group | {"growth_rate_per_day": 0.3} if group["name"] == "CAR" else group
        for group in found["simulation"]["groups"]
    ]
    found = found | {"simulation": found["simulation"] | {"groups": groups}}
    rows = planned_power(found, [FOLLOWED], windows(found, "expansion_contraction"))
    again = planned_power(found, [FOLLOWED], windows(found, "expansion_contraction"))
    assert rows.equals(again)
    few, many = rows["power"]
    assert few < many
    assert np.log(rows["median_ci_high"] / rows["median_ci_low"]).is_monotonic_decreasing


@pytest.mark.parametrize(
    ("primary", "reason"),
    [
        ({"endpoint": "uptake", "modality": "counter", "session": "d21"}, "not for uptake"),
        ({"endpoint": "cells", "session": "d05"}, "there is no session d05; the planned ones are d01, d04"),
        ({"region": "spleen"}, "the followed region tumour, not for spleen"),
        ({"groups": ["CAR", "SCR"]}, "simulation.groups has no SCR"),
    ],
)
def test_a_plan_says_what_it_does_not_simulate(primary, reason):
    found = settings()
    comparison = found["comparison"] | {"primary": found["comparison"]["primary"] | primary}
    row = planned_power(found | {"comparison": comparison}, [FOLLOWED], windows(found, "logistic")).iloc[0]
    assert row["status"] == "not_estimable"
    assert reason in row["reason"]
    assert np.isnan(row["power"])


def test_cells_of_a_day_are_planned_for_too():
    found = settings(plan={"n_studies": 40})
    primary = found["comparison"]["primary"] | {"endpoint": "cells", "session": "d07"}
    found = found | {"comparison": found["comparison"] | {"primary": primary}}
    rows = planned_power(found, [FOLLOWED], windows(found, "logistic"))
    assert rows[["model", "status"]].to_numpy().tolist() == [["", "ok"]]
    assert rows.loc[0, "power"] > 0.9
