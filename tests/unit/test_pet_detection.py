"""Detection limits of PET: from the scatter of control or background regions, and never a number less."""

import numpy as np
import pytest
from scipy import stats
from worked_mouse import frames, measured, pet, roi, study

VALUES = [20.0, 24.0, 21.0, 27.0]  # kBq/mL in the tumours of four control mice


def cohort(own=187.3, controls=VALUES):
    """Return the worked mouse with control mice of the same dose beside it."""
    rows = pet(study())
    rows["rois"][0]["activity_kbq_per_ml"] = own
    dose, animal, scan = rows["doses"][0], rows["animals"][0], rows["scans"][0]
    for number, value in enumerate(controls):
        name, of_scan = f"C{number}", f"SC{number}"
        rows["animals"].append({**animal, "animal_id": name, "group": "UTD"})
        rows["doses"].append({**dose, "animal_id": name})
        rows["scans"].append({**scan, "scan_id": of_scan, "animal_id": name})
        rows["rois"].append({**roi(0, 0.0, 600.0, value), "scan_id": of_scan})
    return rows


def tumours(rows, **changes):
    uptake = measured(frames(rows), **changes)["uptake"]
    return uptake[(uptake["modality"] == "pet") & (uptake["region"] == "tumour")].set_index("animal_id")


def test_the_scatter_of_control_mice_gives_the_level():
    found = tumours(cohort())
    controls = found.loc[[f"C{i}" for i in range(4)], "uptake_pct_id_per_ml"]
    level = stats.t.ppf(0.95, 3) * controls.std() * np.sqrt(1 + 1 / 4)
    row = found.loc["M1"]
    assert row["critical_level_pct_id_per_ml"] == pytest.approx(level, rel=1e-12)
    assert row["detection_limit_pct_id_per_ml"] == pytest.approx(2 * level, rel=1e-12)
    assert row["critical_level_pct_id"] == pytest.approx(0.2 * level, rel=1e-12)
    assert row["critical_level_pct_id_per_g"] == pytest.approx(level / 1.04, rel=1e-12)
    assert row["detection_basis"] == "scatter of 4 mice of the background group"
    assert not row["is_below_detection"]


@pytest.mark.parametrize("own", [2.0, 0.0, -3.0])
def test_a_value_below_detection_keeps_its_number_and_its_flag(own):
    row = tumours(cohort(own)).loc["M1"]
    assert row["is_below_detection"]
    assert row["status"] == "ok"
    assert row["uptake_pct_id_per_ml"] == pytest.approx(own * 1.481537183 / 62.94373100, rel=1e-8)


def test_regions_drawn_where_there_is_no_signal_take_precedence():
    rows = cohort()
    for number, scan in enumerate(rows["scans"]):
        noise = roi(0, 0.0, 600.0, [0.5, -0.3, 0.1, 0.9, -0.6][number], region="air")
        rows["rois"].append({**noise, "scan_id": scan["scan_id"]})
    uptake = measured(frames(rows), noise_region="air")["uptake"]
    air = uptake[uptake["region"] == "air"]["uptake_pct_id_per_ml"]
    level = stats.t.ppf(0.95, 4) * air.std() * np.sqrt(1 + 1 / 5)
    row = tumours(rows, noise_region="air").loc["M1"]
    assert row["critical_level_pct_id_per_ml"] == pytest.approx(level, rel=1e-12)
    assert row["detection_basis"] == "scatter of 5 regions 'air'"


def test_excluded_controls_and_fewer_than_three_give_no_level():
    rows = cohort()
    row = tumours(cohort(controls=VALUES[:2])).loc["M1"]
    assert np.isnan(row["critical_level_pct_id"])
    assert (row["detection_basis"], row["is_below_detection"]) == ("", False)
    rows["exclusions"] = [
        {
            "level": "animal",
            "animal_id": "C3",
            "reason_code": "technical",
            "reason": "moved",
            "decided_by": "AB",
            "decided_at": rows["animals"][0]["cells_infused_at"],
            "before_unblinding": "yes",
        }
    ]
    assert tumours(rows).loc["M1", "detection_basis"] == "scatter of 3 mice of the background group"


def test_tubes_have_their_levels_per_gram():
    uptake = measured(frames(study()))["uptake"].set_index("region")
    for name in ("critical_level", "detection_limit"):
        per_g = uptake[f"{name}_pct_id"] / uptake["mass_g"]
        assert uptake[f"{name}_pct_id_per_g"].to_numpy() == pytest.approx(per_g.to_numpy(), rel=1e-12)
    assert set(uptake["detection_basis"]) == {"counting"}
    assert uptake["critical_level_pct_id_per_ml"].isna().all()
