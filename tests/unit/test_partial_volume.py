"""Recovery coefficients: the worked value, interpolation, and never a value from outside their table."""

import numpy as np
import pytest
from worked_mouse import at, frames, measured, pet, roi, study

from cartrace import tables
from cartrace.endpoints import collect
from cartrace.partial_volume import diameter_mm, recovered
from cartrace.pet_quantity import counted_uptake

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


# ---- which value counts ----


def both(table=None, rows=None, **changes):
    """Return all tables of the worked region and its surroundings."""
    rows = pet(study()) if rows is None else rows
    no_tail = {"tail_activity_kbq": float("nan"), "tail_at": ""}
    rows["doses"][0].update(full_activity_kbq=6475.0, full_at=at(0), residual_activity_kbq=0.0, **no_tail)
    rows["rois"].append(roi(0, 0.0, 600.0, 0.42 * 64.75 / 2.0 ** (3735.0 / 6586.2), region="muscle"))
    tables_of_rc = [{"coefficient_se": 0.0, **(table or TABLE)}]
    return measured(
        frames(rows), regions=REGIONS, recovery=tables_of_rc, reference_regions=["muscle", "blood"], **changes
    )


def endpoints_of(found):
    nothing = [tables.empty(table) for table in (tables.Cells, tables.Estimates, tables.Selection)]
    made = collect(
        found["counted"][tables.Uptake.names()],
        *nothing,
        region="tumour",
        ratios=found["ratios"][tables.Ratios.names()],
    )
    made = made[(made["modality"] == "pet") & (made["analysis"] == "all")]
    return made.set_index(["endpoint", "region"])


def test_the_corrected_value_counts_and_the_measured_one_stays_beside_it():
    found = both({**TABLE, "diameter_mm": [2.0, 20.0], "coefficient": [0.78, 0.78], "coefficient_se": 0.03})
    row = found["uptake"][found["uptake"]["modality"] == "pet"].set_index("region").loc["tumour"]
    assert row["uptake_pct_id_per_ml"] == pytest.approx(4.285589410, abs=6e-10)
    made = endpoints_of(found)
    # Of a tumour of 0.2 mL at 1.04 g/mL in a mouse of 25.3 g.
    expected = {
        "uptake_pct_id_per_g": 5.375883860 / 1.04,
        "uptake_pct_id": 5.375883860 * 0.2,
        "suv": 5.375883860 * 0.253,
    }
    for endpoint, value in expected.items():
        assert made.loc[(endpoint, "tumour"), "value"] == pytest.approx(value, rel=1e-9)
    assert made.loc[("ratio", "tumour/muscle"), "value"] == pytest.approx(5.375883860 / 0.42, rel=1e-9)
    # All layers; that of the coefficient belongs to the study, as the scanner's does.
    per_g = made.loc[("uptake_pct_id_per_g", "tumour")]
    total = np.hypot(per_g["own_se"], per_g["shared_se"])
    assert total == pytest.approx(row["recovered_pct_id_per_ml_se"] / 1.04, rel=1e-9)
    of_table = (4.285589410 - 0.42) / 0.78**2 * 0.03
    shared = np.hypot(5.375883860 * row["rel_se_standard"], of_table) / 1.04
    assert per_g["shared_se"] == pytest.approx(shared, rel=1e-9)


def test_what_was_measured_counts_where_the_config_says_so_or_gives_no_coefficients():
    for found in (both(pet_quantity="measured"), both() | {"counted": both()["uptake"]}):
        made = endpoints_of(found)
        assert made.loc[("uptake_pct_id_per_g", "tumour"), "value"] == pytest.approx(4.285589410 / 1.04, rel=1e-9)
    made = endpoints_of(both(pet_quantity="measured"))
    assert made.loc[("ratio", "tumour/muscle"), "value"] == pytest.approx(4.285589410 / 0.42, rel=1e-9)


def test_outside_of_the_coefficients_nothing_counts_and_the_reason_is_told():
    made = endpoints_of(both({**TABLE, "diameter_mm": [8.0, 10.0, 12.0]}))
    why = "not corrected for partial volume: its diameter of 7.26 mm lies outside"
    for key in (("uptake_pct_id_per_ml", "tumour"), ("ratio", "tumour/muscle")):
        assert np.isnan(made.loc[key, "value"])
        assert made.loc[key, "status"] == "not_estimable"
        assert why in made.loc[key, "reason"]
    # The surroundings have none of their own, and are not to be corrected.
    assert made.loc[("uptake_pct_id_per_ml", "muscle"), "value"] == pytest.approx(0.42, rel=1e-9)


def test_a_corrected_value_lies_below_its_level_where_the_measured_one_did():
    rows = pet(study())
    found = both(rows=rows)
    level = 5.0
    some = found["uptake"].assign(critical_level_pct_id_per_ml=level, detection_limit_pct_id_per_ml=2 * level)
    counted = counted_uptake(some, quantity="recovered", recovery=[TABLE])
    row = counted[counted["modality"] == "pet"].set_index("region").loc["tumour"]
    rc = row["recovery_coefficient"]
    assert row["critical_level_pct_id_per_ml"] == pytest.approx(recovered(level, 0.42, rc), rel=1e-9)
    assert row["critical_level_pct_id"] == pytest.approx(0.2 * recovered(level, 0.42, rc), rel=1e-9)


@pytest.mark.parametrize("reference", ["muscle", "blood"])
def test_the_uncertainty_of_a_corrected_ratio_against_simulation(reference):
    rows = pet(study())
    rows["rois"].append(roi(0, 0.0, 600.0, 60.0, region="blood"))
    table = {**TABLE, "coefficient_se": 0.03}
    found = both(table, rows=rows)
    pet_rows = found["uptake"][found["uptake"]["modality"] == "pet"].set_index("region")
    ratio = found["ratios"][found["ratios"]["modality"] == "pet"].set_index(["region", "reference"])
    generator, n = np.random.default_rng(6), 400_000
    drawn = {
        name: pet_rows.loc[name, "uptake_pct_id_per_ml"] * (1.0 + 0.05 * generator.normal(size=n))
        for name in ("tumour", "muscle", "blood")
    }
    rc = pet_rows.loc["tumour", "recovery_coefficient"] + 0.03 * generator.normal(size=n)
    simulated = recovered(drawn["tumour"], drawn["muscle"], rc) / drawn[reference]
    assert ratio.loc[("tumour", reference), "ratio_se"] == pytest.approx(np.std(simulated), rel=0.03)
