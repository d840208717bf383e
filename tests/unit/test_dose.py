"""The dose by two routes, its tail, and the layers of uncertainty against simulation."""

import numpy as np
import pytest
from raw_readings import TAILS, UNCERTAINTY, worked
from worked_mouse import (
    calibrated,
    count,
    exclusion,
    frames,
    measured,
    pet,
    study,
    tail_counted,
    tube,
)

from cartrace import dose
from cartrace.radionuclides import Decay

F18_S = 6586.2


def one_dose(rows, **changes):
    return measured(frames(rows), **changes)["doses"].iloc[0]


@pytest.mark.parametrize("measured_s", [-510.0, 0.0, 435.0])
def test_one_expression_serves_readings_before_and_after(measured_s):
    reading = 1000.0 * 2.0 ** (-measured_s / F18_S)
    assert dose.at_injection_kbq(reading, measured_s, F18_S) == pytest.approx(1000.0, rel=1e-14)


def test_a_dose_without_standards_serves_pet_only():
    rows = pet(study())
    rows["tubes"], rows["counts"] = [], []
    row = one_dose(rows)
    assert row["status"] == "ok"
    assert row["net_injected_kbq"] == pytest.approx(6294.373100, abs=1e-6)
    assert (row["counter_status"], row["counter_reason"]) == ("not_estimable", "no tube of this session was counted")
    assert np.isnan(row["dose_cps"])


def test_the_routes_agree_where_the_data_do():
    both = measured(frames(calibrated(study())))
    tubes, row = both["tubes"], both["doses"].iloc[0]
    rate = tubes.loc[tubes["position"] == "20", "net_cps"].item() * 1.003160593352
    sensitivity = rate * 2 ** (4700 / F18_S) / 40.0
    assert row["calibrator_cps"] == pytest.approx(sensitivity * 6294.373100, rel=1e-9)
    assert row["route_ratio"] == pytest.approx(2_649_574.691331 / (sensitivity * 6294.373100), rel=1e-9)
    assert row["dose_cps"] == row["standard_cps"]
    assert one_dose(calibrated(study()), dose_route="calibrator")["dose_cps"] == row["calibrator_cps"]


@pytest.mark.parametrize(
    ("route", "spoil", "reason"),
    [
        ("counted_standard", lambda rows: rows["doses"][0].update(injectate_mass_g=float("nan")), "mass of injectate"),
        ("counted_standard", lambda rows: rows["tubes"].pop(1) and rows["counts"].pop(1), "no usable weighed standard"),
        ("calibrator", lambda rows: rows["tubes"].pop() and rows["counts"].pop(), "no usable calibrator standard"),
    ],
)
def test_a_missing_route_says_why_and_leaves_pet(route, spoil, reason):
    rows = pet(calibrated(study()))
    spoil(rows)
    result = measured(frames(rows), dose_route=route)
    row = result["doses"].iloc[0]
    assert row["counter_status"] == "not_estimable"
    assert reason in row["counter_reason"]
    assert "would serve" in row["counter_reason"]
    uptake = result["uptake"]
    counter, scan = uptake[uptake["modality"] == "counter"], uptake[uptake["modality"] == "pet"]
    assert (counter["status"] == "not_estimable").all()
    assert counter["reason"].str.contains(reason).all()
    assert counter[["uptake_pct_id", "uptake_pct_id_per_g", "suv", "uptake_pct_id_se"]].isna().all(axis=None)
    assert (scan["status"] == "ok").all()


def test_excluded_standards_and_blanks_do_not_serve():
    rows = study()
    rows["tubes"] += [
        tube(8, "standard", tracer="[18F]TFB", standard_mass_g=0.02, dilution_mass_g=10.0, aliquot_mass_g=0.1),
        tube(9, "blank"),
    ]
    rows["counts"] += [count(8, 5400, 60.0, 90_000.0), count(9, 5460, 600.0, 5000.0)]
    spoiled = one_dose(rows)["dose_cps"]
    rows["exclusions"] = [
        exclusion("tube", counter_file="run.csv", rack="1", position=position) for position in ("8", "9")
    ]
    assert one_dose(rows)["dose_cps"] == pytest.approx(2_649_574.691331, rel=1e-12)
    assert abs(spoiled / 2_649_574.691331 - 1) > 0.01


def test_standards_counted_a_half_life_apart_agree():
    rows = study()
    alone = one_dose(rows, dead_time_us=0.0)
    rows["tubes"].append({**rows["tubes"][1], "position": "9"})
    background = 184.0 / 600 * 60
    rows["counts"].append(count(9, 5280 + F18_S, 60.0, (121_874.0 - background) / 2 + background))
    result = measured(frames(rows), dead_time_us=0.0)
    values = result["tubes"]["standard_cps_per_g"].dropna()
    assert len(values) == 2
    assert values.iloc[0] == pytest.approx(values.iloc[1], rel=1e-12)
    row = result["doses"].iloc[0]
    assert row["dose_cps"] == pytest.approx(alone["dose_cps"], rel=1e-12)
    assert row["counter_rel_se_standard_frac"] < alone["counter_rel_se_standard_frac"]


# ---- the tail


def test_a_counted_tail_is_a_fraction_of_the_gross_dose():
    result = measured(frames(pet(tail_counted(study()))))
    tubes, row = result["tubes"], result["doses"].iloc[0]
    tail_cps = tubes.loc[tubes["role"] == "tail", "net_cps_at_injection"].item()
    assert row["tail_source"] == "counter"
    assert row["tail_pct"] == pytest.approx(100 * tail_cps / 2_811_124.600156, rel=1e-9)
    assert row["dose_cps"] == pytest.approx(2_811_124.600156 - tail_cps, rel=1e-12)
    fraction = tail_cps / 2_811_124.600156
    assert row["tail_at_injection_kbq"] == pytest.approx(fraction * 6678.153713, rel=1e-9)
    assert row["net_injected_kbq"] == pytest.approx((1 - fraction) * 6678.153713, rel=1e-9)


def test_a_tail_in_two_tubes_is_their_sum():
    one = one_dose(tail_counted(study()))
    two = one_dose(tail_counted(tail_counted(study()), position=31))
    assert two["tail_pct"] == pytest.approx(2 * one["tail_pct"], rel=1e-12)


def test_a_counted_tail_without_any_standard_leaves_no_dose_at_all():
    rows = tail_counted(study())
    rows["tubes"].pop(1), rows["counts"].pop(1)
    row = one_dose(rows)
    assert row["status"] == row["counter_status"] == "not_estimable"
    assert "the tail was counted" in row["reason"]
    assert np.isnan(row["net_injected_kbq"])


def test_an_excluded_tail_tube_counts_as_not_measured():
    rows = tail_counted(study())
    rows["exclusions"] = [exclusion("tube", counter_file="run.csv", rack="1", position="30")]
    row = one_dose(rows)
    assert (row["tail_source"], row["tail_pct"]) == ("not_measured", 0.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"residual_activity_kbq": 9000.0}, "residual is not below the full syringe"),
        ({"tail_activity_kbq": 9000.0}, "the tail holds as much as was injected"),
        ({"residual_at": ""}, "the residual has no time"),
        ({"tail_at": ""}, "the tail has no time"),
    ],
)
def test_an_impossible_dose_is_a_row_with_its_reason(change, reason):
    rows = pet(study())
    rows["doses"][0].update(change)
    result = measured(frames(rows))
    row = result["doses"].iloc[0]
    assert row["status"] == "not_estimable"
    assert reason in row["reason"]
    assert np.isnan(row["net_injected_kbq"])
    scan = result["uptake"].query("modality == 'pet'").iloc[0]
    assert scan["status"] == "not_estimable"
    assert reason in scan["reason"]
    assert np.isnan(scan["uptake_pct_id_per_ml"])


# ---- a mouse in two counter runs


def test_each_run_has_its_own_dose():
    rows = study()
    other = {"counter_file": "second.csv"}
    rows["tubes"][4].update(other)  # muscle
    rows["counts"][4].update(other)
    rows["tubes"] += [{**rows["tubes"][0], **other}, {**rows["tubes"][1], **other, "aliquot_mass_g": 0.2014}]
    rows["counts"] += [{**rows["counts"][0], **other}, {**rows["counts"][1], **other}]
    result = measured(frames(rows))
    doses = result["tubes"].query("role == 'tissue'").set_index("region")["dose_cps"]
    assert doses["tumour"] == doses["blood"] == pytest.approx(2_649_574.691331, rel=1e-12)
    assert doses["muscle"] == pytest.approx(2_649_574.691331 / 2, rel=1e-12)
    assert result["doses"]["counter_file"].item() == "run.csv"
    assert result["doses"]["dose_cps"].item() == doses["tumour"]
    muscle = result["uptake"].query("region == 'muscle'")["uptake_pct_id"].item()
    assert muscle == pytest.approx(2 * 0.036627080, rel=1e-7)


def test_a_tail_counted_in_another_run_is_held_against_that_runs_standard():
    rows = tail_counted(study())
    here = one_dose(rows)
    other = {"counter_file": "another.csv"}
    rows["tubes"][-1].update(other)
    rows["counts"][-1].update(other)
    rows["tubes"] += [{**rows["tubes"][0], **other}, {**rows["tubes"][1], **other, "aliquot_mass_g": 0.2014}]
    rows["counts"] += [{**rows["counts"][0], **other}, {**rows["counts"][1], **other}]
    row = one_dose(rows)
    # That run sees half the rate per gram of injectate, so that the same tail is twice the fraction.
    assert row["tail_pct"] == pytest.approx(2 * here["tail_pct"], rel=1e-12)
    assert row["counter_file"] == "run.csv"
    assert row["dose_cps"] == pytest.approx(2_811_124.600156 * (1 - row["tail_pct"] / 100), rel=1e-12)


# ---- the half-life


@pytest.mark.parametrize("tail", list(TAILS))
@pytest.mark.parametrize("route", ["counted_standard", "calibrator"])
def test_the_half_life_acts_on_the_time_that_does_not_cancel(route, tail):
    sheets, se_s = worked(tail), 30.0

    def run(half_life_s, half_life_se_s):
        decays = {"[18F]TFB": Decay("F-18", half_life_s, half_life_se_s)}
        none = dict.fromkeys(UNCERTAINTY, 0.0) | {"balance_g": 1e-9}
        result = measured(sheets, dose_route=route, uncertainty=none, decays=decays)
        return result["uptake"].set_index(["modality", "region"])

    low, high = (run(F18_S + sign * se_s / 1000, 0.0)["uptake_pct_id_per_g"] for sign in (-1, 1))
    shift = 1000 * np.abs(np.log(high / low)) / 2
    wide, narrow = run(F18_S, se_s)["rel_se_standard"], run(F18_S, 0.0)["rel_se_standard"]
    stated = np.sqrt(wide**2 - narrow**2)
    counter = shift.index.get_level_values("modality") == "counter"
    # The decay within a count and the weights of several standards are left out, a second or so against minutes.
    assert stated[counter].to_numpy() == pytest.approx(shift[counter].to_numpy(), rel=0.02, abs=2e-5)
    # An export that is corrected to the scan's start has lost the decay in its frame; the scan's instant is meant.
    assert stated[~counter].to_numpy() == pytest.approx(shift[~counter].to_numpy(), rel=0.08)
