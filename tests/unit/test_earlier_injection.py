"""What an earlier injection left in a region: decayed, washed out, subtracted, never clipped."""

import numpy as np
import pytest
from worked_mouse import at, exclusion, frames, measured, roi, study

HOUR, DAY = 3600.0, 86_400.0
T_ZR_S = 78.41 * HOUR
TRACER = {"name": "[89Zr]mAb", "nuclide": "Zr-89"}
PRE_S, SCAN_S = 7 * DAY - 2 * HOUR, 7 * DAY + 24 * HOUR  # starts, after the first injection
FRAME_S = 600.0
LEFT, NEW = 30.0, 200.0  # kBq/mL at the start of each scan: by the first injection before, by the second after


def two_injections(biological_h=None, **scan):
    """Return a mouse with an antibody injected on day 0 and again on day 7; the second scan sees what both left."""
    rows = study()
    dose = {**rows["doses"][0], "tracer": "[89Zr]mAb", "tail_activity_kbq": float("nan"), "tail_at": ""}
    first = {**dose, "session": "d00", "injected_at": at(0), "full_at": at(-510), "residual_at": at(435)}
    second = {**dose, "session": "d07", "injected_at": at(7 * DAY)}
    second |= {"full_at": at(7 * DAY - 510), "residual_at": at(7 * DAY + 435)}
    rows["doses"] = [first, second]
    rows["tubes"], rows["counts"] = [], []
    common = {"animal_id": "M1", "decay_corrected_to": "scan_start"}
    rows["scans"] = [
        {**common, "scan_id": "S0", "session": "d00", "file": "s0.voistat", "started_at": at(PRE_S)},
        {**common, "scan_id": "S1", "session": "d07", "file": "s1.voistat", "started_at": at(SCAN_S)},
    ]
    rows["scans"][1] |= {"residual_scan": "S0"} | scan
    washed = 1.0 if biological_h is None else 2.0 ** (-(SCAN_S - PRE_S) / HOUR / biological_h)
    both = NEW + LEFT * 2.0 ** (-(SCAN_S - PRE_S) / T_ZR_S) * washed
    rows["rois"] = [{**roi(0, 0.0, FRAME_S, LEFT), "scan_id": "S0"}, {**roi(0, 0.0, FRAME_S, both), "scan_id": "S1"}]
    return rows


def rois_of(rows, **tracer):
    return measured(frames(rows), tracers=[TRACER | tracer])["rois"].set_index("scan_id")


def at_second_injection(value):
    return value * 2.0 ** ((SCAN_S - 7 * DAY) / T_ZR_S)


def test_what_is_left_decays_and_is_subtracted():
    found = rois_of(two_injections())
    row = found.loc["S1"]
    assert row["activity_kbq_per_ml"] == pytest.approx(at_second_injection(NEW), rel=1e-9)
    left = at_second_injection(LEFT * 2.0 ** (-(SCAN_S - PRE_S) / T_ZR_S))
    assert row["residual_kbq_per_ml"] == pytest.approx(left, rel=1e-9)
    # The scan before keeps what it saw, as activity of the first injection.
    assert found.loc["S0", "activity_kbq_per_ml"] == pytest.approx(LEFT * 2.0 ** (PRE_S / T_ZR_S), rel=1e-9)
    assert np.isnan(found.loc["S0", "residual_kbq_per_ml"])


def test_without_the_declaration_it_stays():
    row = rois_of(two_injections(residual_scan="")).loc["S1"]
    expected = at_second_injection(NEW + LEFT * 2.0 ** (-(SCAN_S - PRE_S) / T_ZR_S))
    assert row["activity_kbq_per_ml"] == pytest.approx(expected, rel=1e-9)


def test_a_biological_half_life_washes_it_out():
    row = rois_of(two_injections(biological_h=96.0), biological_half_life_h=96.0).loc["S1"]
    assert row["activity_kbq_per_ml"] == pytest.approx(at_second_injection(NEW), rel=1e-9)
    # With the decay alone too much is taken off: 16 % of it was washed out in 26 h.
    decayed = rois_of(two_injections(biological_h=96.0)).loc["S1"]
    assert decayed["residual_kbq_per_ml"] == pytest.approx(row["residual_kbq_per_ml"] * 2.0 ** (26 / 96), rel=1e-9)


def test_frames_are_each_taken_off_what_is_left_in_them():
    rows = two_injections(biological_h=2.0)
    rows["rois"] = rows["rois"][:1]
    for number, start_s in enumerate((0.0, 3600.0)):
        # Corrected to the scan's start; washed out until the frame counts as an instant, from when the first scan did.
        washed = 2.0 ** (-(SCAN_S - PRE_S + start_s) / HOUR / 2.0)
        value = NEW + LEFT * 2.0 ** (-(SCAN_S - PRE_S) / T_ZR_S) * washed
        rows["rois"].append({**roi(number, start_s, FRAME_S, value), "scan_id": "S1"})
    found = rois_of(rows, biological_half_life_h=2.0).loc[["S1"]]
    assert found["activity_kbq_per_ml"].to_numpy() == pytest.approx([at_second_injection(NEW)] * 2, rel=1e-9)


def test_its_variance_is_added():
    """Against simulation: both scans by 5 %, the biological half-life by 10 h."""
    row = rois_of(two_injections(biological_h=96.0), biological_half_life_h=96.0, biological_half_life_se_h=10.0).loc[
        "S1"
    ]
    generator, n = np.random.default_rng(3), 100_000
    decayed = LEFT * 2.0 ** (-(SCAN_S - PRE_S) / T_ZR_S)
    seen = (NEW + decayed * 2.0 ** (-26 / 96)) * (1 + 0.05 * generator.normal(size=n))
    half_life_h = 96.0 + 10.0 * generator.normal(size=n)
    left = decayed * (1 + 0.05 * generator.normal(size=n)) * 2.0 ** (-26 / half_life_h)
    assert row["residual_kbq_per_ml_se"] == pytest.approx(at_second_injection(left.std()), rel=0.02)
    assert row["activity_kbq_per_ml_se"] == pytest.approx(at_second_injection((seen - left).std()), rel=0.02)


def test_a_value_below_zero_stays_below_zero():
    rows = two_injections()
    rows["rois"][1]["activity_kbq_per_ml"] = 1.0
    row = rois_of(rows).loc["S1"]
    assert row["activity_kbq_per_ml"] < 0
    assert row["status"] == "ok"


def test_without_the_region_in_that_scan_there_is_a_reason_and_no_number():
    rows = two_injections()
    rows["rois"][0]["region"] = "liver"
    row = rois_of(rows).loc["S1"]
    assert np.isnan(row["activity_kbq_per_ml"])
    assert row["reason"] == "the scan S0 of what an earlier injection left has no value of this region"
    uptake = measured(frames(rows), tracers=[TRACER])["uptake"].set_index(["session", "region"])
    assert uptake.loc[("d07", "tumour"), "status"] == "not_estimable"


def test_another_nuclide_cannot_be_subtracted():
    rows = two_injections()
    rows["doses"][0]["tracer"] = "[18F]TFB"
    found = measured(frames(rows), tracers=[TRACER, {"name": "[18F]TFB", "nuclide": "F-18"}])["rois"]
    row = found.set_index("scan_id").loc["S1"]
    assert "images F-18; only activity of the same nuclide can be subtracted" in row["reason"]
    assert np.isnan(row["activity_kbq_per_ml"])


def test_an_excluded_scan_of_what_was_left_excludes_what_rests_on_it():
    rows = two_injections()
    rows["exclusions"] = [exclusion("scan", scan_id="S0")]
    row = rois_of(rows).loc["S1"]
    assert row["excluded"]
    assert row["exclusion_reason"] == "the scan S0: technical: spilled"
