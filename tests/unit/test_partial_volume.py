"""Recovery coefficients: the worked value, interpolation, and never a value from outside their table."""

import numpy as np
import pytest
from worked_mouse import at, frames, measured, pet, roi, study

from cartrace.partial_volume import diameter_mm, recovered

# 0.2 mL is a sphere of 7.2557 mm.
TABLE = {"nuclide": "18F", "scanner": "", "diameter_mm": [2.0, 5.0, 10.0], "coefficient": [0.2, 0.6, 0.9]}
REGIONS = [{"name": "tumour", "density_g_per_ml": 1.04, "surroundings": "muscle"}]


def corrected(table=None, rows=None, **changes):
    """Return the tumour's row of PET, by the dose of 6.475 MBq and surroundings of 0.42 %ID/mL."""
    rows = pet(study()) if rows is None else rows
    no_tail = {"tail_activity_kbq": float("nan"), "tail_at": ""}
    rows["doses"][0].update(full_activity_kbq=6475.0, full_at=at(0), residual_activity_kbq=0.0, **no_tail)
    if not any(row["region"] == "muscle" for row in rows["rois"]):
        rows["rois"].append(roi(0, 0.0, 600.0, 0.42 * 64.75 / 2.0 ** (3735.0 / 6586.2), region="muscle"))
    tables = [{"coefficient_se": 0.0, **(table or TABLE)}]
    uptake = measured(frames(rows), regions=REGIONS, recovery=tables, **changes)["uptake"]
    return uptake[uptake["modality"] == "pet"].set_index("region").loc["tumour"]


def test_the_worked_region():
    measured_pct_id_per_ml = 100 * 187.3 * 2.0 ** (3735.0 / 6586.2) / 6475.0  # 4.285589410
    assert recovered(measured_pct_id_per_ml, 0.42, 0.78) == pytest.approx(5.375883860, abs=6e-10)
    flat = {**TABLE, "diameter_mm": [2.0, 20.0], "coefficient": [0.78, 0.78]}
    row = corrected(flat)
    assert row["recovered_pct_id_per_ml"] == pytest.approx(5.375883860, abs=6e-10)
    assert row["uptake_pct_id_per_ml"] == pytest.approx(4.285589410, abs=6e-10)
    assert (row["recovery_coefficient"], row["recovery_reason"]) == (0.78, "")


def test_recovery_undoes_what_partial_volume_does():
    true, outside, rc = 7.0, 2.0, np.array([0.3, 0.7, 1.0])
    assert recovered(rc * true + (1.0 - rc) * outside, outside, rc) == pytest.approx(true)


def test_coefficients_are_interpolated_in_the_diameter_of_the_sphere():
    assert diameter_mm(np.pi / 6.0) == pytest.approx(10.0)
    row = corrected()
    assert row["diameter_mm"] == pytest.approx(7.2557, abs=1e-4)
    assert row["recovery_coefficient"] == pytest.approx(0.6 + 0.3 * (row["diameter_mm"] - 5.0) / 5.0, rel=1e-12)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"diameter_mm": [8.0, 10.0, 12.0]}, "its diameter of 7.26 mm lies outside the coefficients' 8 to 12 mm"),
        ({"diameter_mm": [2.0, 5.0, 7.0]}, "its diameter of 7.26 mm lies outside the coefficients' 2 to 7 mm"),
        ({"nuclide": "Zr-89"}, "pet.recovery has no coefficients of F-18"),
        ({"scanner": "nanoPET"}, "pet.recovery has no coefficients of F-18"),
    ],
)
def test_without_a_coefficient_there_is_a_reason_and_no_number(table, reason):
    row = corrected({**TABLE, **table})
    assert reason in row["recovery_reason"]
    assert np.isnan(
        [row["recovered_pct_id_per_ml"], row["recovered_pct_id_per_ml_se"], row["recovery_coefficient"]]
    ).all()
    assert (row["status"], row["uptake_pct_id_per_ml"]) == ("ok", pytest.approx(4.285589410, abs=6e-10))


def test_a_table_belongs_to_its_scanner():
    row = corrected({**TABLE, "scanner": "nanoPET"}, pet(study(), scanner="nanoPET"))
    assert row["recovery_reason"] == ""
    wrong = corrected({**TABLE, "scanner": "nanoPET"}, pet(study(), scanner="Inveon"))
    assert wrong["recovery_reason"] == "pet.recovery has no coefficients of F-18 on the scanner Inveon"


def test_a_region_without_volume_or_surroundings_in_the_scan_says_so():
    rows = pet(study())
    rows["rois"][0]["volume_ml"] = float("nan")
    assert "no volume" in corrected(rows=rows)["recovery_reason"]
    rows = pet(study())
    rows["rois"].append(roi(0, 0.0, 600.0, float("nan"), region="muscle"))
    assert "its surroundings, muscle, have no value in this scan" in corrected(rows=rows)["recovery_reason"]


def test_a_region_without_declared_surroundings_is_left_alone():
    rows = pet(study())
    uptake = measured(frames(rows), recovery=[{**TABLE, "coefficient_se": 0.0}])["uptake"]
    assert (uptake["recovery_reason"] == "").all()
    assert uptake["recovered_pct_id_per_ml"].isna().all()


def test_the_uncertainty_of_a_recovered_value_against_simulation():
    row = corrected({**TABLE, "coefficient_se": 0.03})
    generator, n = np.random.default_rng(5), 200_000
    common = 1.0 + np.hypot(row["rel_se_dose"], row["rel_se_standard"]) * generator.normal(size=n)
    inside = 4.285589410 * (1.0 + 0.05 * generator.normal(size=n)) * common
    outside = 0.42 * (1.0 + 0.05 * generator.normal(size=n)) * common
    rc = row["recovery_coefficient"] + 0.03 * generator.normal(size=n)
    assert row["recovered_pct_id_per_ml_se"] == pytest.approx(np.std(recovered(inside, outside, rc)), rel=0.02)
