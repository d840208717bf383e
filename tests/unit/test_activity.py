"""Stage 2 on tubes and regions: windows, backgrounds, what cannot be, and what must change nothing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worked_mouse import SETTINGS, at, count, frames, measured, pet, roi, study, tube

from cartrace.errors import InputError


def tubes_of(rows, **changes):
    return measured(frames(rows), **changes)["tubes"].set_index("position")


def test_blanks_are_pooled_by_counts_and_time():
    rows = study()
    rows["tubes"].append(tube(9, "blank"))
    rows["counts"].append(count(9, 6000, 300.0, 95.0))
    tubes = tubes_of(rows)
    assert tubes["background_cps"].to_numpy() == pytest.approx([(184 + 95) / 900] * 6)
    assert tubes["background_cps_se"].to_numpy() == pytest.approx([np.sqrt(184 + 95) / 900] * 6)
    assert set(tubes["background_source"]) == {"mean of 2 blanks"}


def drifting():
    """A background that doubles over the run, by three blanks; the middles of the tubes lie between them."""
    rows = study()
    rows["tubes"] += [tube(9, "blank"), tube(10, "blank")]
    rows["counts"][0].update(counted_at=at(4980), count_s=600.0, counts=600.0)  # middle 5280 s, 1.0/s
    rows["counts"] += [count(9, 5680, 120.0, 180.0), count(10, 6080, 600.0, 1200.0)]  # 5740 s, 1.5/s; 6380 s, 2.0/s
    return rows


def test_a_background_that_drifts_is_interpolated_between_its_blanks():
    tubes = tubes_of(drifting())
    middles = np.array([5280.0, 5650.0, 5720.0, 5790.0]) + 30.0  # standard, tumour, blood, muscle
    of_tubes = tubes.loc[["2", "3", "4", "5"]]
    expected = np.interp(middles, [5280.0, 5740.0, 6380.0], [1.0, 1.5, 2.0])
    assert of_tubes["background_cps"].to_numpy() == pytest.approx(expected, rel=1e-12)
    assert set(of_tubes["background_source"]) == {"interpolated in time between 3 blanks, which drift"}
    weight = (5820.0 - 5740.0) / (6380.0 - 5740.0)
    se = np.hypot((1 - weight) * np.sqrt(180.0) / 120.0, weight * np.sqrt(1200.0) / 600.0)
    assert tubes.loc["5", "background_cps_se"] == pytest.approx(se, rel=1e-12)
    assert tubes.loc["5", "net_cps"] == pytest.approx(31_544 / 60 / (1 - 31_544 / 60 * 2e-6) - expected[3], rel=1e-12)
    # The blanks themselves keep the mean, by which their scatter is judged.
    assert tubes.loc[["1", "9", "10"], "background_cps"].to_numpy() == pytest.approx([1980 / 1320] * 3)


def test_outside_the_blanks_the_nearest_holds_and_0_keeps_the_mean():
    rows = drifting()
    rows["counts"][4]["counted_at"] = at(9000)
    assert tubes_of(rows).loc["5", "background_cps"] == pytest.approx(2.0, rel=1e-12)
    mean = tubes_of(rows, background_drift_p=0.0).loc["5"]
    assert (mean["background_cps"], mean["background_source"]) == (pytest.approx(1.5), "mean of 3 blanks")


def test_a_drifting_background_is_recovered_where_its_mean_is_not():
    """A background that trebles over a run of 60 empty tubes with a blank after every twelfth, 60 runs."""
    generator = np.random.default_rng(8)
    rows = {name: [] for name in study()}
    rows["doses"] = study()["doses"]
    for run in range(60):
        of_run = {"counter_file": f"{run:03d}.csv"}
        for position in range(1, 74):
            start = 4000 + 70 * position
            rate = 1.0 + 2.0 * (start + 30.0 - 4000) / 5110
            blank = position % 12 == 1
            mouse = {} if blank else {"animal_id": "M1", "session": "d07", "tissue": "muscle", "part": str(position)}
            rows["tubes"].append({**tube(position, "blank" if blank else "tissue", **mouse), **of_run})
            counts = float(generator.poisson(rate * 60.0))
            rows["counts"].append({**count(position, start, 60.0, counts), **of_run})

    def z(drift_p):
        tubes = measured(frames(rows), background_drift_p=drift_p)["tubes"].query("role == 'tissue'")
        first = tubes["position"].astype(int) < 13
        return (tubes["net_cps"] / tubes["net_cps_se"]).groupby(first).mean().abs().max()

    assert z(1.0) < 0.1
    assert z(0.0) > 1.0


def test_blanks_of_another_run_do_not_serve():
    rows = study()
    rows["tubes"][0]["counter_file"] = rows["counts"][0]["counter_file"] = "other.csv"
    tubes = tubes_of(rows)
    tumour = tubes.loc["3"]
    assert (tumour["status"], np.isnan(tumour["net_cps"])) == ("not_estimable", True)
    assert "the run has no blank" in tumour["reason"]
    assert "counter.background_cps" in tumour["reason"]


def test_a_declared_background_serves_a_run_without_blanks():
    rows = study()
    del rows["tubes"][0], rows["counts"][0]
    tumour = tubes_of(rows, background_cps=0.4).loc["3"]
    assert tumour["net_cps"] == pytest.approx(10259.573793050 + 184 / 600 - 0.4, abs=1e-9)
    assert tumour["background_cps_se"] == 0.0
    # Where blanks were counted, they win.
    assert tubes_of(study(), background_cps=0.4).loc["3", "net_cps"] == pytest.approx(10259.573793050, abs=1e-9)


def test_a_saturated_tube_is_a_row_without_a_number():
    rows = study()
    rows["counts"][2]["counts"] = 31e6
    result = measured(frames(rows))
    tumour = result["tubes"].set_index("region").loc["tumour"]
    assert tumour["status"] == "not_estimable"
    assert "saturated" in tumour["reason"]
    uptake = result["uptake"].set_index("region")
    assert uptake.loc["tumour", "status"] == "not_estimable"
    assert "saturated" in uptake.loc["tumour", "reason"]
    assert np.isnan(uptake.loc["tumour", "uptake_pct_id"])
    assert uptake.loc["blood", "status"] == "ok"
    ratios = result["ratios"].set_index(["region", "reference"])
    assert "saturated" in ratios.loc[("tumour", "blood"), "reason"]
    assert ratios.loc[("blood", "muscle"), "status"] == "ok"


def test_a_paralysable_counter_is_corrected_as_one():
    rows = study()
    tumour = tubes_of(rows, dead_time_model="paralysable").loc["3"]
    observed = 603_215 / 60
    true = tumour["net_cps"] + 184 / 600
    assert true * np.exp(-true * 2e-6) == pytest.approx(observed, rel=1e-12)
    assert tumour["net_cps"] > tubes_of(rows).loc["3", "net_cps"]
    se = np.hypot(np.sqrt(603_215) / 60 * np.exp(true * 2e-6) / (1 - true * 2e-6), np.sqrt(184) / 600)
    assert tumour["net_cps_se"] == pytest.approx(se, rel=1e-9)
    rows["counts"][2]["counts"] = 60 * 0.37 / 2e-6  # above 1/e
    assert "saturated" in tubes_of(rows, dead_time_model="paralysable").loc["3", "reason"]


def test_an_export_without_counts_gives_no_number():
    rows = study()
    rows["counts"][2]["counts"] = float("nan")
    tumour = tubes_of(rows).loc["3"]
    assert (tumour["status"], tumour["reason"]) == ("not_estimable", "the export holds no counts for this tube")


def test_a_dead_time_factor_of_the_export_wins():
    rows = study()
    rows["counts"][2]["dead_time_factor"] = 1.5
    tubes = tubes_of(rows)
    assert tubes.loc["3", "net_cps"] == pytest.approx(603_215 / 60 * 1.5 - 184 / 600)
    assert tubes.loc["4", "net_cps"] == pytest.approx(1104.127506250, abs=1e-9)


def test_a_tube_of_no_counts_is_below_detection_and_not_certain():
    rows = study()
    rows["counts"][4]["counts"] = 0.0
    result = measured(frames(rows))
    muscle = result["tubes"].set_index("region").loc["muscle"]
    assert muscle["net_cps"] == pytest.approx(-184 / 600)
    assert muscle["net_cps_se"] == pytest.approx(np.sqrt(0.5 / 3600 + 184 / 600**2))
    assert muscle["is_below_detection"]
    uptake = result["uptake"].set_index("region").loc["muscle"]
    assert uptake["is_below_detection"]
    assert uptake["uptake_pct_id"] < 0 < uptake["uptake_pct_id_se"]
    ratios = result["ratios"].set_index(["region", "reference"])
    assert ratios.loc[("tumour", "muscle"), "status"] == "not_estimable"
    assert "below detection" in ratios.loc[("tumour", "muscle"), "reason"]
    assert ratios.loc[("muscle", "blood"), "ratio"] < 0


# ---- windows

TWO = [{"name": "[18F]TFB", "nuclide": "F-18"}, {"name": "[89Zr]mAb", "nuclide": "Zr-89"}]


def two_windows():
    rows = study()
    rows["counts"] += [
        {**row, "window": "Zr-89", "tracer": "[89Zr]mAb", "counts": 10.0 + row["counts"] / 3} for row in rows["counts"]
    ]
    return rows


def test_only_the_window_of_the_tubes_own_tracer_counts():
    tubes = measured(frames(two_windows()), tracers=TWO)["tubes"]
    assert sorted(tubes.loc[tubes["role"] == "blank", "window"]) == ["F-18", "Zr-89"]
    assert set(tubes.loc[tubes["role"] != "blank", "window"]) == {"F-18"}
    assert len(tubes) == 6
    assert tubes.set_index("region").loc["tumour", "net_cps"] == pytest.approx(10259.573793050, abs=1e-9)


def test_windows_that_count_no_tracer_are_left_out():
    rows = study()
    rows["counts"] += [{**row, "window": "open", "tracer": ""} for row in rows["counts"]]
    assert set(tubes_of(rows)["window"]) == {"F-18"}


def test_two_tracers_of_one_nuclide_share_its_window():
    rows = study()
    rows["doses"][0]["tracer"] = rows["tubes"][1]["tracer"] = "[18F]FDG"
    both = [*SETTINGS["tracers"], {"name": "[18F]FDG", "nuclide": "18F"}]
    tubes = tubes_of(rows, tracers=both)
    assert tubes.loc["3", "net_cps"] == pytest.approx(10259.573793050, abs=1e-9)
    assert tubes.loc["3", "tracer"] == "[18F]FDG"


def test_a_tube_without_a_window_is_refused_with_its_row():
    rows = study()
    rows["doses"][0]["tracer"] = "[89Zr]mAb"
    with pytest.raises(InputError) as caught:
        measured(frames(rows), tracers=TWO)
    assert [(problem.code, problem.row) for problem in caught.value.problems] == [
        ("window-of-tracer", row) for row in (4, 5, 6)
    ]
    assert "counter.windows" in str(caught.value)


# ---- regions


def test_frames_are_corrected_each_by_its_own_start():
    rows = pet(study(), decay_corrected_to="frame_start")
    rows["rois"] = [roi(0, 0.0, 600.0, 187.3), roi(1, 6586.2, 600.0, 187.3)]
    rois = measured(frames(rows))["rois"]
    assert rois["frame_start_s"].tolist() == [3735.0, 3735.0 + 6586.2]
    assert rois["decay_factor"].to_numpy() == pytest.approx([1.481537183, 2 * 1.481537183], abs=1e-8)


def test_frames_are_averaged_by_their_duration():
    rows = pet(study())
    rows["rois"] = [roi(0, 0.0, 300.0, 100.0), roi(1, 300.0, 900.0, 200.0)]
    one = measured(frames(rows))["uptake"].query("modality == 'pet'").iloc[0]
    assert one["uptake_pct_id_per_ml"] == pytest.approx(100 * 175.0 * 1.481537183 / 6294.373100, rel=1e-9)
    assert one["rel_se_count"] == pytest.approx(0.05)
    assert one["tracer_h"] == pytest.approx((3735 + 600) / 3600)
    assert one["measured_at"] == at(3735 + 600)


def test_a_gap_is_left_out_and_said():
    rows = pet(study())
    rows["rois"] = [roi(0, 0.0, 300.0, float("nan")), roi(1, 300.0, 900.0, 200.0)]
    result = measured(frames(rows))
    assert result["rois"]["status"].tolist() == ["not_estimable", "ok"]
    row = result["uptake"].query("modality == 'pet'").iloc[0]
    assert row["uptake_pct_id_per_ml"] == pytest.approx(100 * 200.0 * 1.481537183 / 6294.373100, rel=1e-9)
    assert (row["status"], row["reason"]) == ("ok", "1 of 2 frames hold no value")


def test_a_region_of_gaps_is_a_row_without_a_number():
    rows = pet(study())
    rows["rois"] = [roi(0, 0.0, 300.0, float("nan"))]
    row = measured(frames(rows))["uptake"].query("modality == 'pet'").iloc[0]
    assert (row["status"], row["reason"]) == ("not_estimable", "no frame of this region holds a value")


# ---- what must change nothing

MEASURES = ["uptake_pct_id", "uptake_pct_id_se", "uptake_pct_id_per_g", "uptake_pct_id_per_ml", "suv"]


def numbers(sheets):
    uptake = measured(sheets)["uptake"]
    return uptake.sort_values(["modality", "region"])[[*MEASURES, "tracer_h", "cell_day"]].to_numpy(dtype=float)


@settings(max_examples=8, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(random):
    sheets = frames(pet(study()))
    shuffled = {
        name: sheet.iloc[random.sample(range(len(sheet)), len(sheet))].reset_index(drop=True)
        for name, sheet in sheets.items()
    }
    assert numbers(shuffled) == pytest.approx(numbers(sheets), rel=1e-13, nan_ok=True)


@settings(max_examples=8, deadline=None)
@given(st.integers(-20_000, 20_000), st.sampled_from(["+00:00", "-07:00", "+05:30"]))
def test_all_clocks_together_change_nothing(hours, offset):
    sheets = frames(pet(study()))
    moved = {name: sheet.copy() for name, sheet in sheets.items()}
    for sheet in moved.values():
        for column in [name for name in sheet if name.endswith("_at")]:
            sheet[column] = [
                stamp and (pd.Timestamp(stamp) + pd.Timedelta(hours=hours)).tz_convert(f"UTC{offset}").isoformat()
                for stamp in sheet[column]
            ]
    assert numbers(moved) == pytest.approx(numbers(sheets), rel=1e-12, nan_ok=True)
