"""Uptake: parts, masses, clocks, detection and ratios."""

import numpy as np
import pandas as pd
import pytest
from worked_mouse import at, count, frames, measured, pet, roi, study, tube

from cartrace.ratios import ratio_se


def uptake_of(rows, modality="counter", **changes):
    found = measured(frames(rows), **changes)["uptake"]
    return found[found["modality"] == modality].set_index("region")


def in_parts(counts=(603_215.0, 66_120.0), masses=(0.2143, 0.1120)):
    """The tumour in two tubes, the second being the blood's tube of the worked mouse."""
    rows = study()
    rows["tubes"][2].update(part="a", mass_g=masses[0])
    rows["tubes"][3].update(part="b", tissue="tumour", mass_g=masses[1])
    rows["counts"][2]["counts"], rows["counts"][3]["counts"] = counts
    return rows


def test_parts_of_a_tissue_are_summed():
    tumour = uptake_of(in_parts()).loc["tumour"]
    assert tumour["uptake_pct_id"] == pytest.approx(0.703985142 + 0.076322543, abs=2e-9)
    assert tumour["mass_g"] == pytest.approx(0.2143 + 0.1120)
    assert tumour["uptake_pct_id_per_g"] == pytest.approx((0.703985142 + 0.076322543) / (0.2143 + 0.1120), abs=1e-8)
    # Two weighings of 0.3 mg on the sum.
    whole = uptake_of(study())
    count_var = sum((whole["uptake_pct_id"] * counting(whole)).loc[["tumour", "blood"]] ** 2)
    expected = np.sqrt(count_var / tumour["uptake_pct_id"] ** 2 + 2 * (3e-4 / tumour["mass_g"]) ** 2)
    assert tumour["rel_se_count"] == pytest.approx(expected, rel=1e-4)


def counting(rows):
    return np.sqrt(rows["rel_se_count"] ** 2 - (3e-4 / rows["mass_g"]) ** 2)


def test_a_part_without_a_number_leaves_none_for_the_tissue():
    tumour = uptake_of(in_parts(counts=(603_215.0, 31e6))).loc["tumour"]
    assert tumour["status"] == "not_estimable"
    assert "saturated" in tumour["reason"]
    assert np.isnan(tumour["uptake_pct_id"])


def test_parts_share_the_blanks_uncertainty():
    counts = 184.0 / 10 + 5
    tumour = uptake_of(in_parts(counts=(counts, counts))).loc["tumour"]
    rate, rate_var = 184 / 600, 184 / 600**2
    to_pct = 100 * 1.003160593352 / 2_649_574.691331 / np.array([0.551772591031, 0.5477226381])
    critical = 1.645 * np.sqrt(np.sum(to_pct**2) * rate / 60 + np.sum(to_pct) ** 2 * rate_var)
    assert tumour["critical_level_pct_id"] == pytest.approx(critical, rel=1e-9)
    assert tumour["detection_limit_pct_id"] == pytest.approx(1.645**2 * to_pct.max() / 60 + 2 * critical, rel=1e-9)


def test_detection_is_by_the_critical_level():
    level_cps = 0.123344533275
    for counts, is_below in ((60 * (184 / 600 + 0.99 * level_cps), True), (60 * (184 / 600 + 1.01 * level_cps), False)):
        rows = study()
        rows["counts"][4]["counts"] = counts
        muscle = uptake_of(rows).loc["muscle"]
        assert bool(muscle["is_below_detection"]) is is_below
        assert muscle["uptake_pct_id"] > 0


def test_detection_levels_of_one_tube_in_percent_of_the_dose():
    muscle = uptake_of(study()).loc["muscle"]
    to_pct = 100 * 1.003160593352 / 0.543702411398 / 2_649_574.691331
    assert muscle["critical_level_pct_id"] == pytest.approx(0.123344533275 * to_pct, rel=1e-9)
    assert muscle["detection_limit_pct_id"] == pytest.approx(0.291789483217 * to_pct, rel=1e-9)


def test_a_tissue_weighed_in_its_tube_was_weighed_twice():
    rows = study()
    rows["tubes"][4].update(tare_g=1.0, gross_g=1.0987)
    once, twice = uptake_of(study()).loc["muscle"], uptake_of(rows).loc["muscle"]
    assert twice["uptake_pct_id_per_g"] == once["uptake_pct_id_per_g"]
    added = twice["rel_se_count"] ** 2 - once["rel_se_count"] ** 2
    assert added == pytest.approx((3e-4 / 0.0987) ** 2, rel=1e-9)
    # The mass does not enter the uptake of the whole sample.
    assert twice["uptake_pct_id_se"] == once["uptake_pct_id_se"]


def test_a_tissue_without_mass_has_its_uptake_as_a_whole():
    rows = study()
    rows["tubes"][4]["mass_g"] = float("nan")
    muscle = uptake_of(rows).loc["muscle"]
    assert muscle["uptake_pct_id"] == pytest.approx(0.036627080, abs=1e-9)
    assert np.isnan(muscle["uptake_pct_id_per_g"])
    assert (muscle["status"], muscle["reason"]) == ("ok", "no mass, so no uptake per gram")


def test_the_total_is_the_sum_of_the_layers():
    rows = pet(study())
    found = measured(frames(rows))["uptake"]
    total = np.sqrt(found["rel_se_count"] ** 2 + found["rel_se_dose"] ** 2 + found["rel_se_standard"] ** 2)
    assert (found["uptake_pct_id_per_g_se"] / found["uptake_pct_id_per_g"]).to_numpy() == pytest.approx(
        total, rel=1e-12
    )
    assert (found["suv_se"] / found["suv"]).to_numpy() == pytest.approx(total, rel=1e-12)


# ---- clocks


def test_a_tissue_is_timed_by_when_it_was_taken_else_counted():
    rows = study()
    rows["tubes"][4]["collected_at"] = ""
    found = uptake_of(rows)
    assert found.loc["tumour", "tracer_h"] == pytest.approx(4080 / 3600)
    assert found.loc["tumour", "measured_at"] == at(4080)
    assert found.loc["muscle", "tracer_h"] == pytest.approx(5790 / 3600)
    assert found.loc["tumour", "cell_day"] == pytest.approx(7 + 4080 / 86_400)


def test_a_mouse_without_cells_counts_from_its_enrolment():
    rows = study()
    rows["animals"][0].update(cells_infused_at="", enrolled_at=at(-86_400))
    assert uptake_of(rows).loc["tumour", "cell_day"] == pytest.approx(1 + 4080 / 86_400)


# ---- PET


def test_no_density_no_uptake_per_gram():
    rows = pet(study())
    rows["rois"].append(roi(0, 0.0, 600.0, 10.0, region="muscle"))
    found = uptake_of(rows, "pet")
    per_ml = found.loc["tumour", "uptake_pct_id_per_ml"]
    assert found.loc["tumour", "uptake_pct_id_per_g"] == pytest.approx(per_ml / 1.04, rel=1e-14)
    assert np.isnan(found.loc["muscle", "uptake_pct_id_per_g"])
    assert found.loc["muscle", "status"] == "ok"


def test_no_volume_no_uptake_in_the_whole_region():
    rows = pet(study())
    rows["rois"][0]["volume_ml"] = float("nan")
    tumour = uptake_of(rows, "pet").loc["tumour"]
    assert np.isnan(tumour["uptake_pct_id"])
    assert tumour["uptake_pct_id_per_ml"] > 0
    assert tumour["status"] == "ok"


def test_frames_without_duration_weigh_the_same():
    rows = pet(study())
    rows["rois"] = [roi(0, 0.0, 0.0, 100.0), roi(1, 0.0, 0.0, 300.0)]
    tumour = uptake_of(rows, "pet").loc["tumour"]
    assert tumour["uptake_pct_id_per_ml"] == pytest.approx(100 * 200 * 1.481537183 / 6294.373100, rel=1e-9)


# ---- ratios


def test_ratios_are_made_to_the_references_that_were_measured():
    rows = pet(study())
    ratios = measured(frames(rows), reference_regions=["muscle", "blood", "kidney"])["ratios"]
    pairs = set(zip(ratios["region"], ratios["reference"], strict=True))
    assert pairs == {("tumour", "muscle"), ("tumour", "blood"), ("blood", "muscle"), ("muscle", "blood")}
    assert set(ratios["modality"]) == {"counter"}


def test_a_ratio_of_pet_is_per_volume():
    rows = pet(study())
    rows["rois"].append(roi(0, 0.0, 600.0, 18.73, region="muscle"))
    ratio = measured(frames(rows))["ratios"].query("modality == 'pet'").iloc[0]
    assert (ratio["region"], ratio["reference"], ratio["scan_id"]) == ("tumour", "muscle", "S1")
    assert ratio["ratio"] == pytest.approx(10.0, rel=1e-12)
    assert ratio["ratio_se"] / ratio["ratio"] == pytest.approx(0.05 * np.sqrt(2), rel=1e-12)


def test_dose_and_standard_cancel_in_a_ratio():
    plain = measured(frames(study()))["ratios"]
    rows = study()
    rows["doses"][0].update(injectate_mass_g=0.05, tail_activity_kbq=2000.0)
    rows["tubes"][1].update(aliquot_mass_g=0.001)
    spoiled = measured(frames(rows))["ratios"]
    assert spoiled["ratio"].to_numpy() == pytest.approx(plain["ratio"], rel=1e-12)
    assert spoiled["ratio_se"].to_numpy() == pytest.approx(plain["ratio_se"], rel=1e-12)


def test_the_uncertainty_of_a_ratio_against_simulation():
    generator = np.random.default_rng(2)
    a, b = generator.normal(4.0, 0.12, 200_000), generator.normal(2.0, 0.04, 200_000)
    common = generator.normal(1.0, 0.01, 200_000)
    assert ratio_se(4.0, 0.12, 2.0, 0.04, 0.01) == pytest.approx(np.std(common * a / b), rel=0.01)
    assert ratio_se(0.0, 0.12, 2.0, 0.04, 0.01) == pytest.approx(0.06)


def test_mice_do_not_touch_each_other():
    """A second mouse with other numbers leaves the first one's as they were."""
    rows = pet(study())
    rows["animals"].append({"animal_id": "M2", "group": "UTD", "enrolled_at": at(0)})
    rows["doses"].append({**rows["doses"][0], "animal_id": "M2", "full_activity_kbq": 5000.0, "injected_at": at(300)})
    rows["tubes"].append(tube(40, "tissue", animal_id="M2", session="d07", tissue="tumour", mass_g=0.1))
    rows["counts"].append(count(40, 6600, 60.0, 1000.0))
    alone, both = (measured(frames(each))["uptake"] for each in (pet(study()), rows))
    first = both[both["animal_id"] == "M1"].reset_index(drop=True)
    assert len(both) == len(alone) + 1
    pd.testing.assert_frame_equal(first, alone)


def test_a_tissue_without_a_time_was_taken_at_the_mouse_s_end_where_it_was_counted_later():
    rows = study()
    for sample in rows["tubes"]:
        sample["collected_at"] = ""
    counted = uptake_of(rows)
    assert counted.loc["blood", "tracer_h"] == pytest.approx(5720 / 3600)
    # The end came after the tumour's count and before that of blood and muscle.
    rows["animals"][0]["ended_at"] = at(5700)
    ended = uptake_of(rows)
    hours = {"tumour": 5650 / 3600, "blood": 5700 / 3600, "muscle": 5700 / 3600}
    assert ended["tracer_h"].to_dict() == pytest.approx(hours)
    assert ended["uptake_pct_id"].to_dict() == counted["uptake_pct_id"].to_dict()
