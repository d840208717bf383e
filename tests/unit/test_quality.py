"""Each check passes, warns and fails where it should, says so with its number, and never changes a result."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from pipeline import ROOT, counted_cells, imported, shipped
from pipeline import measured as pipeline_measured
from worked_mouse import SETTINGS, at, count, exclusion, frames, measured, pet, roi, study, tube

from cartrace import tables
from cartrace.config.quality import QualityThresholds
from cartrace.digits import last_digits, uniform_p
from cartrace.measured import Measured
from cartrace.messages import BY_CODE
from cartrace.outliers import with_outliers
from cartrace.plausibility import CHECKS as ODD
from cartrace.quality import CHECKS, REGISTRY, judge


def judged(rows, balance_g=3e-4, **changes):
    found = measured(frames(rows), **changes)
    what = Measured(
        found["tubes"],
        found["doses"],
        found["rois"],
        found["uptake"],
        balance_g=balance_g,
        scans=frames(rows)["scans"],
        sheet_of_doses=frames(rows)["doses"],
    )
    return judge(what, SETTINGS["thresholds"]).set_index(["check", "subject"])


def mice(n=3, **last):
    """Return a study of n mice with a scan each; `last` changes the last mouse's dose."""
    rows = pet(study())
    for number in range(2, n + 1):
        name = f"M{number}"
        rows["animals"].append({**rows["animals"][0], "animal_id": name})
        rows["doses"].append({**rows["doses"][0], "animal_id": name})
        rows["scans"].append({**rows["scans"][0], "animal_id": name, "scan_id": f"S{number}"})
        rows["rois"].append(roi(0, 0.0, 600.0, 187.3, scan_id=f"S{number}"))
    rows["doses"][-1].update(last)
    return rows


def test_every_key_of_the_config_is_used_and_every_used_one_exists():
    used = {limit for check in CHECKS for limit in (check.warn, check.fail) if isinstance(limit, str)}
    assert used == set(QualityThresholds.model_fields) - {"acknowledged", "planned_dose_kbq"}


def test_every_check_says_what_to_do_and_rests_on_something():
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    for check in CHECKS:
        assert all([check.what, check.remedy, check.source])
        assert not check.remedy.endswith(".")
        with pytest.raises(dataclasses.FrozenInstanceError):
            check.warn = 0.0


@pytest.mark.parametrize(("tail_kbq", "status"), [(100.0, "pass"), (214.0, "warn"), (400.0, "fail")])
def test_tail(tail_kbq, status):
    rows = study()
    rows["doses"][0]["tail_activity_kbq"] = tail_kbq
    row = judged(rows).loc[("tail", "M1, d07")]
    assert row["status"] == status
    assert row["value"] == pytest.approx(5.746807 * tail_kbq / 214.0, rel=1e-6)
    assert row["threshold"] == (10.0 if status == "fail" else 5.0)
    assert f"{row['value']:.3g} %" in row["message"]


def test_a_tail_that_was_not_measured_is_said():
    rows = study()
    rows["doses"][0].update(tail_activity_kbq=float("nan"), tail_at="")
    found = judged(rows)
    assert found.loc[("tail_not_measured", "M1, d07"), "status"] == "warn"
    assert "tail" not in found.index.get_level_values("check")


@pytest.mark.parametrize(("residual_kbq", "status"), [(331.0, "pass"), (1600.0, "warn")])
def test_residual(residual_kbq, status):
    rows = study()
    rows["doses"][0]["residual_activity_kbq"] = residual_kbq
    row = judged(rows).loc[("residual", "M1, d07")]
    assert row["status"] == status
    assert row["value"] == pytest.approx(100 * 346.505537 / 7024.659250 * residual_kbq / 331.0, rel=1e-8)


@pytest.mark.parametrize(
    ("counts", "loss", "status"), [(603_215.0, 2.01, "pass"), (3e6, 10.0, "warn"), (9e6, 30.0, "fail")]
)
def test_dead_time_is_the_worst_tube_of_the_run(counts, loss, status):
    rows = study()
    rows["counts"][2]["counts"] = counts
    row = judged(rows).loc[("dead_time", "run.csv")]
    assert (row["status"], row["value"]) == (status, pytest.approx(loss, abs=0.005))
    assert "in rack 1 position 3" in row["message"]


def test_a_saturated_tube_fails_its_run():
    rows = study()
    rows["counts"][2]["counts"] = 40e6
    row = judged(rows).loc[("dead_time", "run.csv")]
    assert (row["status"], row["value"]) == ("fail", 100.0)


@pytest.mark.parametrize(("second", "status"), [(184.0, "pass"), (400.0, "warn")])
def test_blanks_that_scatter_beyond_counting(second, status):
    rows = study()
    rows["tubes"].append(tube(9, "blank"))
    rows["counts"].append(count(9, 6000, 600.0, second))
    row = judged(rows).loc[("background", "run.csv, F-18")]
    assert row["status"] == status
    chi2 = 2 * (second - (184 + second) / 2) ** 2 / ((184 + second) / 2)
    # One degree of freedom: twice the normal tail of the root.
    from math import erfc, sqrt

    assert row["value"] == pytest.approx(erfc(sqrt(chi2 / 2)), rel=1e-9, abs=1e-300)


def test_one_blank_passes_and_none_warns():
    assert "one blank alone" in judged(study()).loc[("background", "run.csv, F-18"), "message"]
    rows = study()
    del rows["tubes"][0], rows["counts"][0]
    row = judged(rows, background_cps=0.3).loc[("background", "run.csv, F-18")]
    assert row["status"] == "warn"
    assert "no blank in the run" in row["message"]


@pytest.mark.parametrize(("factor", "status"), [(1.01, "pass"), (1.06, "warn"), (1.30, "fail")])
def test_standards_that_scatter(factor, status):
    rows = study()
    rows["tubes"].append({**rows["tubes"][1], "position": "9"})
    # Counted when the first one was: only the rate differs.
    rows["counts"].append(count(9, 5280, 60.0, 121_874.0 * factor))
    row = judged(rows, dead_time_us=0.0).loc[("standards", "run.csv, [18F]TFB, weighed")]
    net = np.array([121_874.0, 121_874.0 * factor]) / 60 - 184 / 600
    assert row["value"] == pytest.approx(100 * np.std(net, ddof=1) / np.mean(net), rel=1e-9)
    assert row["status"] == status
    rows["exclusions"] = [exclusion("tube", counter_file="run.csv", rack="1", position="9")]
    alone = judged(rows).loc[("standards", "run.csv, [18F]TFB, weighed")]
    assert alone["status"] == "warn"
    assert "one standard alone" in alone["message"]


@pytest.mark.parametrize(("activity_kbq", "status"), [(40.0, "pass"), (36.0, "warn")])
def test_dose_routes_that_disagree(activity_kbq, status):
    rows = study()
    at_start = {"standard_activity_kbq": activity_kbq, "standard_at": at(5280)}
    rows["tubes"].append(tube(9, "standard", tracer="[18F]TFB", **at_start))
    rate = 0.420943381 * 40.0 * 1000 / 1.003160593
    rows["counts"].append(count(9, 5280, 60.0, (rate + 184 / 600) * 60))
    row = judged(rows | {}, dead_time_us=0.0).loc[("dose_routes", "M1, d07")]
    assert row["status"] == status


@pytest.mark.parametrize(("full_kbq", "status"), [(7000.0, "pass"), (30_000.0, "fail"), (2600.0, "fail")])
def test_a_dose_far_from_the_cohorts_median(full_kbq, status):
    found = judged(mice(full_activity_kbq=full_kbq))
    assert found.loc[("dose_median", "M3, d07"), "status"] == status
    assert found.loc[("dose_median", "M1, d07"), "status"] == "pass"


def test_counting_names_the_worst_detected_tissue():
    rows = study()
    rows["counts"][4]["counts"] = 200.0
    row = judged(rows).loc[("counting_precision", "M1, d07")]
    net = 200 / 60 / (1 - 200 / 60 * 2e-6) - 184 / 600
    assert row["value"] == pytest.approx(100 * np.sqrt(200 / 3600 + 184 / 600**2) / net, rel=1e-4)
    assert row["status"] == "warn"
    assert "in muscle" in row["message"]
    # What is below detection is not judged by its precision.
    rows["counts"][4]["counts"] = 10.0
    assert "in blood" in judged(rows).loc[("counting_precision", "M1, d07"), "message"]


@pytest.mark.parametrize(("started_s", "status"), [(3900, "pass"), (4300, "warn"), (2700, "fail")])
def test_a_scan_at_another_time_than_the_others(started_s, status):
    rows = mice()
    rows["scans"][-1]["started_at"] = at(started_s)
    row = judged(rows).loc[("scan_delay", "S3")]
    assert (row["status"], row["value"]) == (status, pytest.approx(100 * abs(started_s / 3735 - 1)))


def test_a_dynamic_scan_has_no_delay_to_judge():
    rows = mice()
    for scan in rows["scans"]:
        scan["started_at"] = at(5)
    assert "scan_delay" not in judged(rows).index.get_level_values("check")


@pytest.mark.parametrize(("mass_g", "status"), [(0.0031, "pass"), (0.0029, "warn")])
def test_a_sample_near_the_balance(mass_g, status):
    rows = study()
    rows["tubes"][4]["mass_g"] = mass_g
    row = judged(rows).loc[("sample_mass", "M1, d07")]
    assert (row["status"], row["value"]) == (status, pytest.approx(mass_g / 3e-4))
    assert "in muscle" in row["message"]
    assert "sample_mass" not in judged(rows, balance_g=0.0).index.get_level_values("check")


def test_an_empty_cohort_has_no_rows_but_keeps_the_form():
    rows = study()
    for name in rows:
        rows[name] = []
    found = judged(rows).reset_index()
    assert len(found) == 0
    assert set(found.columns) == set(tables.Quality.names())


def of_tissue(levels, **cells):
    """Return rows of uptake of one tissue and group, one mouse a value."""
    rows = pd.DataFrame(
        {
            "animal_id": [f"M{number}" for number in range(len(levels))],
            "uptake_pct_id_per_g": levels,
            "cohort": "C01",
            "tracer": "t",
            "modality": "counter",
            "region": "liver",
            "group": "CAR",
            "session": "d07",
            "status": "ok",
            "is_below_detection": False,
            "excluded": False,
            "uptake_pct_id_per_ml": np.nan,
            "uptake_pct_id": np.nan,
            "scan_id": "",
            "recovery_coefficient": np.nan,
            "recovery_reason": "",
        }
    )
    return rows.assign(**cells)


# Scaled median absolute deviations of five values that are worth one of a large sample.
OF_FIVE = 1.4826 * 3.183


def test_an_outlier_is_far_on_the_log_scale_in_scaled_mad():
    levels = [1.0, 2.0, 4.0, 8.0, 2.0**15]
    found = with_outliers(of_tissue(levels), mads=2.5)
    # The median is 4; distances are 2, 1, 0, 1 and 13 doublings, so that the median distance is one doubling.
    assert found["outlier_mads"].to_list() == pytest.approx([distance / OF_FIVE for distance in (2, 1, 0, 1, 13)])
    assert found["is_outlier"].to_list() == [False, False, False, False, True]
    assert found["uptake_pct_id_per_g"].to_list() == levels


def test_four_values_and_those_below_detection_or_below_zero_are_not_judged():
    assert with_outliers(of_tissue([1.0, 2.0, 4.0, 64.0]), mads=2.5)["outlier_mads"].isna().all()
    rows = of_tissue([1.0, 2.0, 4.0, 8.0, 16.0, -1.0, 900.0])
    rows.loc[6, "is_below_detection"] = True
    found = with_outliers(rows, mads=2.5)
    assert found["outlier_mads"].notna().to_list() == [True] * 5 + [False] * 2


def test_an_excluded_value_is_judged_by_the_others():
    rows = of_tissue([1.0, 2.0, 4.0, 8.0, 16.0, 1e6])
    rows.loc[5, "excluded"] = True
    found = with_outliers(rows, mads=2.5)
    assert found["outlier_mads"].to_list()[:5] == pytest.approx([d / OF_FIVE for d in (2, 1, 0, 1, 2)])
    assert found["is_outlier"].to_list() == [False] * 5 + [True]


def of_uptake(rows, **changes):
    """Judge rows of uptake alone; stage 2 has nothing."""
    nothing = {name: measured(frames(study()))[name][:0] for name in ("tubes", "doses", "rois")}
    what = Measured(nothing["tubes"], nothing["doses"], nothing["rois"], rows, balance_g=0.0, **changes)
    return judge(what, SETTINGS["thresholds"]).set_index(["check", "subject"])


def test_an_outlier_has_a_row_that_names_it():
    rows = with_outliers(of_tissue([1.0, 2.0, 4.0, 8.0, 2.0**15], tracer_h=1.0), mads=2.5)
    row = of_uptake(rows).loc[("outlier", "M4, d07")]
    assert row["status"] == "warn"
    assert row["value"] == pytest.approx(13.0 / OF_FIVE)
    assert "in liver by counter" in row["message"]
    assert of_uptake(rows).loc[("outlier", "M0, d07"), "status"] == "pass"


@pytest.mark.parametrize(
    ("carcass", "low", "high"), [(70.0, "pass", "pass"), (50.0, "warn", "pass"), (90.0, "pass", "warn")]
)
def test_the_balance_of_a_mouse_whose_carcass_was_counted(carcass, low, high):
    rows = of_tissue([1.0, 1.0, 1.0, 1.0], animal_id="M1", outlier_mads=np.nan, tracer_h=1.0)
    rows = rows.assign(region=["liver", "carcass", "urine", "faeces"], uptake_pct_id=[20.0, carcass, 4.0, 1.0])
    found = of_uptake(rows)
    assert found.loc[("balance_low", "M1, d07"), "status"] == low
    assert found.loc[("balance_high", "M1, d07"), "status"] == high
    assert found.loc[("balance_low", "M1, d07"), "value"] == pytest.approx(25.0 + carcass)


def test_no_balance_without_a_carcass_or_with_a_gap():
    rows = of_tissue([1.0, 1.0], animal_id="M1", outlier_mads=np.nan, tracer_h=1.0, uptake_pct_id=30.0)
    assert "balance_low" not in of_uptake(rows.assign(region=["liver", "spleen"])).index.get_level_values("check")
    rows = rows.assign(region=["liver", "carcass"], status=["not_estimable", "ok"])
    assert "balance_low" not in of_uptake(rows).index.get_level_values("check")


def test_a_sacrifice_at_another_time_than_the_others():
    rows = of_tissue([1.0] * 6, outlier_mads=np.nan, tracer_h=[1.0, 1.02, 0.98, 1.0, 1.14, 3.0])
    found = of_uptake(rows)["status"]["sacrifice_delay"].to_dict()
    assert found == {f"M{n}, d07": s for n, s in enumerate(["pass", "pass", "pass", "pass", "warn", "fail"])}


def test_mice_meant_to_be_taken_at_several_times_are_held_against_those_of_their_own():
    rows = of_tissue([1.0] * 6, outlier_mads=np.nan, tracer_h=[24.0, 24.5, 72.0, 72.5, 144.0, 143.0])
    assert set(of_uptake(rows)["status"]["sacrifice_delay"]) == {"pass"}


@pytest.mark.parametrize(("planned_kbq", "status"), [(6300.0, "pass"), (8000.0, "warn"), (5000.0, "warn")])
def test_a_dose_off_the_plan(planned_kbq, status):
    found = measured(frames(study()))
    what = Measured(
        found["tubes"], found["doses"], found["rois"], found["uptake"], balance_g=3e-4, planned_kbq=planned_kbq
    )
    judged_ = judge(what, SETTINGS["thresholds"]).set_index(["check", "subject"])
    assert judged_.loc[("dose_plan", "M1, d07"), "status"] == status


def test_without_a_plan_no_dose_is_held_against_it():
    assert "dose_plan" not in judged(study()).index.get_level_values("check")


def test_one_registry_lists_every_check_of_every_stage_once():
    names = [check.name for check in REGISTRY]
    assert len(set(names)) == len(names)
    assert {check.name for check in CHECKS} < set(names)
    assert {check.code for check in ODD if BY_CODE[check.code].severity == "warning"} < set(names)
    for check in REGISTRY:
        assert all([check.stage, check.what, check.threshold, check.source, check.remedy])
    with pytest.raises(dataclasses.FrozenInstanceError):
        REGISTRY[0].name = ""


def test_every_row_of_quality_of_the_demo_has_its_check_in_the_registry(tmp_path):
    settings = shipped()
    imported(ROOT / "resources" / "demo_study", "C01", settings, tmp_path)
    pipeline_measured("C01", settings, tmp_path)
    counted_cells("C01", settings, tmp_path)
    rows = [tables.read(tmp_path / "C01" / stage / "quality.csv", tables.Quality) for stage in ("3_uptake", "4_cells")]
    found = set(pd.concat(rows)["check"])
    assert found <= {check.name for check in REGISTRY}
    assert {"tail", "outlier", "sacrifice_delay", "control-subtraction", "calibration-linearity"} < found
    uptake = tables.read(tmp_path / "C01" / "3_uptake" / "uptake.csv", tables.Uptake)
    assert uptake["outlier_mads"].notna().sum() > 100
    assert (uptake["is_outlier"] == (uptake["outlier_mads"] > 2.5)).all()


# ---- digits ----


def test_last_digits_are_those_of_each_decade_at_its_own_resolution():
    # 7.41, 7.4 (a spreadsheet dropped the 0), 12.3: hundredths below ten, tenths above.
    below = [7.41, 7.4, 7.03, 7.68, 7.99, 7.12]
    above = [12.3, 15.0, 19.7]
    tally = last_digits(pd.Series([*below, *above, np.nan, 0.0]) * 1000.0)
    assert tally.tolist() == [2, 1, 1, 2, 0, 0, 0, 1, 1, 1]


def test_one_mean_of_two_readings_does_not_make_a_digit_of_its_own():
    typed = [1.0 + number / 100.0 for number in range(100)]
    assert last_digits(pd.Series([*typed, 1.2345])).tolist() == [10.0] * 10


def test_values_of_two_figures_or_all_alike_have_no_last_digit():
    assert last_digits(pd.Series([21.0, 25.0, 30.0, 44.0])).sum() == 0.0
    assert last_digits(pd.Series([1.051, 1.052, 1.053])).sum() == 0.0


def test_the_p_of_digits_is_that_of_chi_squared():
    # R: chisq.test(c(20, 9, 5, 4, 6, 21, 5, 4, 3, 3))$p.value
    assert uniform_p(np.array([20, 9, 5, 4, 6, 21, 5, 4, 3, 3.0])) == pytest.approx(4.053944786e-08, rel=1e-6)
    assert np.isnan(uniform_p(np.full(10, 4.0)))


def weighed(masses):
    """Return a study with as many tubes as there are typed masses."""
    rows = study()
    other = [row for row in rows["tubes"] if row["role"] != "tissue"]
    one = next(row for row in rows["tubes"] if row["role"] == "tissue")
    counted = rows["counts"][0]
    names = [f"X{number}" for number in range(len(masses))]
    rows["tubes"] = other + [
        {**one, "position": name, "tissue": name, "mass_g": mass} for name, mass in zip(names, masses, strict=True)
    ]
    taken = {row["position"] for row in other}
    kept = [row for row in rows["counts"] if row["position"] in taken]
    rows["counts"] = kept + [{**counted, "position": name} for name in names]
    return rows


def test_masses_that_end_in_0_or_5_are_told():
    drawn = np.random.default_rng(3).uniform(0.02, 0.9, 120)
    measured_ones = judged(weighed(np.round(drawn, 4))).loc[("digits", "tubes, mass_g")]
    assert measured_ones["status"] == "pass"
    rounded = judged(weighed(np.round(drawn * 200.0) / 200.0)).loc[("digits", "tubes, mass_g")]
    assert rounded["status"] == "warn"
    assert rounded["value"] < 1e-6
    assert "over 1" in rounded["message"]


# ---- counting ----


def test_a_tissue_that_is_old_at_its_count():
    rows = study()
    found = judged(rows).loc[("sample_age", "M1, d07")]
    # The last tissue is counted 5790 s after the injection, of F-18 with a half-life of 6586.2 s.
    assert found["value"] == pytest.approx(5790.0 / 6586.2, rel=1e-9)
    assert found["status"] == "pass"
    for row in rows["counts"]:
        row["counted_at"] = at(6 * 6586.2 + 10.0 * float(row["position"]))
    assert judged(rows).loc[("sample_age", "M1, d07"), "status"] == "warn"


@pytest.mark.parametrize(("turned", "exchanged", "value"), [(False, False, 0), (True, False, 0), (False, True, 1)])
def test_a_rack_that_was_not_counted_in_its_order(turned, exchanged, value):
    rows = study()
    places = sorted(rows["counts"], key=lambda row: float(row["position"]))
    order = places[::-1] if turned else places
    if exchanged:
        order = [*order[:1], order[2], order[1], *order[3:]]
    for number, row in enumerate(order):
        row["counted_at"] = at(5000.0 + 70.0 * number)
    found = judged(rows)["value"]["count_order"]
    assert found.to_list() == [value]
    assert judged(rows)["status"]["count_order"].to_list() == ["warn" if value else "pass"]


# ---- PET ----


@pytest.mark.parametrize(("factor", "status"), [(1.02, "pass"), (1.08, "warn"), (1.4, "fail")])
def test_a_scanner_that_lost_counts(factor, status):
    rows = pet(study())
    rows["scans"][0]["dead_time_factor"] = factor
    row = judged(rows).loc[("scanner_dead_time", "S1")]
    assert row["status"] == status
    assert row["value"] == pytest.approx(100.0 - 100.0 / factor)


@pytest.mark.parametrize(
    ("day", "status", "value"),
    [("2026-02-10", "pass", 28.0), ("2025-11-01", "warn", 129.0), ("2026-03-20", "warn", np.nan)],
)
def test_the_age_of_the_scanners_calibration(day, status, value):
    rows = pet(study())
    assert rows["scans"][0]["started_at"].startswith("2026-03-10")
    rows["scans"][0]["calibrated_on"] = day
    row = judged(rows).loc[("scanner_calibration", "S1")]
    assert row["status"] == status
    assert row["value"] == pytest.approx(value, nan_ok=True)
    assert ("later than the scan" in row["message"]) == np.isnan(value)


def test_a_region_that_should_be_corrected_and_is_not_says_why():
    rows = of_tissue([1.0, 1.0, 1.0], modality="pet", scan_id=["S1", "S2", "S3"], outlier_mads=np.nan, tracer_h=1.0)
    rows = rows.assign(recovery_coefficient=[0.8, 0.4, np.nan], recovery_reason=["", "", "no volume"])
    found = of_uptake(rows).loc["recovery"]
    assert found["status"].to_dict() == {"S1, liver": "pass", "S2, liver": "warn", "S3, liver": "warn"}
    assert ", none: no volume. Extend the table" in found.loc["S3, liver", "message"]


def test_what_is_not_stated_of_a_scanner_has_no_row():
    found = judged(pet(study())).index.get_level_values("check")
    assert not {"earlier_injection", "scanner_dead_time", "scanner_calibration", "recovery", "frame_gaps"} & set(found)


def twice(hours):
    """Return a mouse with two injections of F-18 so many hours apart, each with a scan."""
    rows = pet(study())
    dose = rows["doses"][0]
    day = hours * 3600.0
    first = {**dose, "session": "d06", "injected_at": at(-day), "full_at": at(-day - 510)}
    first |= {"residual_at": at(-day + 435), "tail_at": at(-day + 5550)}
    rows["doses"] = [first, dose]
    rows["scans"].append({**rows["scans"][0], "scan_id": "S0", "session": "d06", "started_at": at(-600)})
    rows["rois"].append(roi(0, 0.0, 600.0, 1.0, scan_id="S0"))
    return rows


@pytest.mark.parametrize(("hours", "status"), [(24.0, "pass"), (6.0, "warn")])
def test_what_an_earlier_injection_may_still_hold(hours, status):
    found = judged(twice(hours))["status"]["earlier_injection"].to_dict()
    assert found == {"M1, d07": status}
    # Full 7412 and residual 331 kBq at the same times around both injections: the doses are alike.
    value = judged(twice(hours)).loc[("earlier_injection", "M1, d07"), "value"]
    assert value == pytest.approx(100.0 * 2.0 ** (-hours * 3600.0 / 6586.2), rel=1e-6)


def test_an_earlier_injection_that_is_subtracted_from_every_scan_is_no_warning_unless_tissues_were_counted():
    rows = twice(6.0)
    rows["scans"][0]["residual_scan"] = "S0"
    assert "M1, d07" in judged(rows)["status"]["earlier_injection"]
    rows["tubes"] = [row for row in rows["tubes"] if row["role"] != "tissue"]
    places = {row["position"] for row in rows["tubes"]}
    rows["counts"] = [row for row in rows["counts"] if row["position"] in places]
    assert "earlier_injection" not in judged(rows).index.get_level_values("check")


@pytest.mark.parametrize(("second_s", "status", "value"), [(600.0, "pass", 0.0), (900.0, "warn", 20.0)])
def test_frames_that_leave_a_gap(second_s, status, value):
    rows = pet(study())
    rows["rois"] = [roi(0, 0.0, 600.0, 187.3), roi(1, second_s, 600.0, 180.0)]
    row = judged(rows).loc[("frame_gaps", "S1")]
    assert row["status"] == status
    assert row["value"] == pytest.approx(value)
