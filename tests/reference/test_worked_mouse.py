"""A mouse worked out number by number: through the formulas, through both scripts, with each correction left out.

The vectors were calculated apart from this code: F-18 with a half-life of 109.77 min.
"""

import numpy as np
import pytest
from worked_mouse import NUCLIDES, TISSUES, at, pet, roi, run, study

from cartrace import counting, decay, dose
from cartrace.radionuclides import lookup, read
from cartrace.standards import rate_per_gram
from cartrace.uptake import pct_id, suv

HALF_LIFE_S = 109.77 * 60
NET = {"tumour": 10259.573793050, "blood": 1104.127506250, "muscle": 525.980039595}
AT_INJECTION = {"tumour": 18652.612146870, "blood": 2022.222795372, "muscle": 970.461851099}
PCT_ID = {"tumour": 0.703985142, "blood": 0.076322543, "muscle": 0.036627080}
PER_GRAM = {"tumour": 3.285044992, "blood": 0.681451281, "muscle": 0.371095039}
SUV = {"tumour": 0.831116383, "blood": 0.172407174, "muscle": 0.093887045}
NINE = 6e-10  # half a unit of the ninth decimal, and a little for the last rounding


def by_region(result, column):
    uptake = result["uptake"]
    return uptake[uptake["modality"] == "counter"].set_index("region")[column]


# ---- the formulas


def test_the_dose_by_the_formulas():
    full, residual, tail = dose.at_injection_kbq([7412.0, 331.0, 214.0], [-510.0, 435.0, 5550.0], HALF_LIFE_S) / 1000
    assert full == pytest.approx(7.024659250, abs=NINE)
    assert residual == pytest.approx(0.346505537, abs=NINE)
    assert full - residual == pytest.approx(6.678153713, abs=NINE)
    assert tail == pytest.approx(0.383780613, abs=NINE)
    assert 100 * tail / (full - residual) == pytest.approx(5.746807, abs=6e-7)
    assert full - residual - tail == pytest.approx(6.294373100, abs=NINE)


def test_the_tubes_by_the_formulas():
    background = 184.0 / 600.0
    counts = np.array([121_874.0, *(counts for _, _, counts in TISSUES.values())])
    gross = counts / 60.0
    net = gross * counting.dead_time_factor(gross, 2e-6) - background
    assert net[0] == pytest.approx(2039.212143850, abs=NINE)
    assert net[1:] == pytest.approx(list(NET.values()), abs=NINE)
    starts = np.array([5280.0, *(start for _, start, _ in TISSUES.values())])
    rates = net * decay.frame_to_injection_factor(starts, 60.0, HALF_LIFE_S)
    assert rates[0] == pytest.approx(3565.836820069, abs=NINE)
    assert rates[1:] == pytest.approx(list(AT_INJECTION.values()), abs=NINE)
    fraction = 0.0213 / 10.0412 * 0.1007 / 0.1684
    assert fraction == pytest.approx(0.00126847341447, abs=6e-15)
    injected = rate_per_gram(rates[0], 0.0213, 10.0412, 0.1007) * 0.1684
    assert injected == pytest.approx(2_811_124.600156, abs=6e-7)
    assert injected / 6_678_153.713 == pytest.approx(0.420943381, abs=NINE)
    uptake = pct_id(rates[1:], injected * (1 - 0.383780613439 / 6.678153713291))
    masses = np.array([mass for mass, _, _ in TISSUES.values()])
    assert uptake == pytest.approx(list(PCT_ID.values()), abs=NINE)
    assert uptake / masses == pytest.approx(list(PER_GRAM.values()), abs=NINE)
    assert suv(uptake / masses, 25.3) == pytest.approx(list(SUV.values()), abs=NINE)


def test_the_shipped_half_life_is_the_worked_one():
    assert lookup(read(NUCLIDES), "18F").half_life_s("ENSDF") == pytest.approx(HALF_LIFE_S, rel=1e-15)


# ---- the scripts


def test_the_scripts_give_every_number_of_the_mouse(tmp_path):
    result = run(tmp_path, study())
    dose_row = result["dose_activity"].iloc[0]
    assert dose_row["full_at_injection_kbq"] == pytest.approx(7024.659250, abs=NINE * 1000)
    assert dose_row["residual_at_injection_kbq"] == pytest.approx(346.505537, abs=NINE * 1000)
    assert dose_row["gross_injected_kbq"] == pytest.approx(6678.153713, abs=NINE * 1000)
    assert dose_row["tail_at_injection_kbq"] == pytest.approx(383.780613, abs=NINE * 1000)
    assert dose_row["tail_pct"] == pytest.approx(5.746807, abs=6e-7)
    assert dose_row["net_injected_kbq"] == pytest.approx(6294.373100, abs=NINE * 1000)
    assert dose_row["dose_cps"] / (1 - dose_row["tail_pct"] / 100) == pytest.approx(2_811_124.600156, abs=6e-7)
    tissues = result["tube_activity"].query("role == 'tissue'").set_index("region")
    for region in TISSUES:
        assert tissues.loc[region, "net_cps"] == pytest.approx(NET[region], abs=NINE)
        assert tissues.loc[region, "net_cps_at_injection"] == pytest.approx(AT_INJECTION[region], abs=NINE)
        assert by_region(result, "uptake_pct_id")[region] == pytest.approx(PCT_ID[region], abs=NINE)
        assert by_region(result, "uptake_pct_id_per_g")[region] == pytest.approx(PER_GRAM[region], abs=NINE)
        assert by_region(result, "suv")[region] == pytest.approx(SUV[region], abs=NINE)
    ratios = result["ratios"].set_index(["region", "reference"])["ratio"]
    assert ratios["tumour", "muscle"] == pytest.approx(8.852301019, abs=NINE)
    assert ratios["tumour", "blood"] == pytest.approx(4.820660088, abs=NINE)


def test_three_tenths_of_a_milligram_dominate_the_uncertainty(tmp_path):
    result = run(tmp_path, study())
    uptake = result["uptake"].set_index("region")
    relative = 100 * uptake["uptake_pct_id_per_g_se"] / uptake["uptake_pct_id_per_g"]
    # Simulated elsewhere, which leaves some scatter in the last digit.
    assert relative["tumour"] == pytest.approx(1.50, abs=0.012)
    assert relative["blood"] == pytest.approx(1.55, abs=0.012)
    assert relative["muscle"] == pytest.approx(1.61, abs=0.012)
    # The standard's mass alone, 0.3 mg on 21.3 mg, is 1.41 %.
    assert 100 * uptake["rel_se_standard"].min() == pytest.approx(1.47, abs=0.01)
    ratio = result["ratios"].set_index(["region", "reference"]).loc[("tumour", "muscle")]
    assert 100 * ratio["ratio_se"] / ratio["ratio"] == pytest.approx(0.68, abs=0.015)


# ---- each correction left out changes the numbers as calculated elsewhere


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return by_region(run(tmp_path_factory.mktemp("whole"), study()), "uptake_pct_id_per_g")


def change_pct(folder, whole, rows, **changes):
    return 100 * (by_region(run(folder, rows, **changes), "uptake_pct_id_per_g") / whole - 1)


def test_without_dead_time(tmp_path, whole):
    change = change_pct(tmp_path, whole, study(), dead_time_us=0.0)
    assert change["tumour"] == pytest.approx(-1.61, abs=0.006)
    assert change["blood"] == pytest.approx(0.19, abs=0.006)
    assert change["muscle"] == pytest.approx(0.30, abs=0.006)


def test_without_background(tmp_path, whole):
    rows = study()
    rows["counts"][0]["counts"] = 0.0
    change = change_pct(tmp_path, whole, rows)
    assert change["tumour"] == pytest.approx(-0.012, abs=6e-4)
    assert change["blood"] == pytest.approx(0.013, abs=6e-4)
    assert change["muscle"] == pytest.approx(0.043, abs=6e-4)


def test_without_tail(tmp_path, whole):
    rows = study()
    rows["doses"][0].update(tail_activity_kbq=float("nan"), tail_at="")
    result = run(tmp_path, rows)
    change = 100 * (by_region(result, "uptake_pct_id_per_g") / whole - 1)
    assert change.to_numpy() == pytest.approx([-5.746807] * 3, abs=6e-7)
    ratio = result["ratios"].set_index(["region", "reference"])["ratio"]
    assert ratio["tumour", "muscle"] == pytest.approx(8.852301019, abs=NINE)


def test_without_residual(tmp_path):
    rows = pet(study())
    rows["doses"][0].update(residual_activity_kbq=0.0)
    result = run(tmp_path, rows)
    assert result["dose_activity"]["gross_injected_kbq"][0] == pytest.approx(7024.659250, abs=1e-6)
    # PET rests on the calibrator; the weighed standard needs no residual but for the tail's fraction of the dose.
    net_kbq = 7024.659250 - 383.780613
    uptake = result["uptake"].query("modality == 'pet'")["uptake_pct_id_per_ml"].item()
    assert uptake == pytest.approx(100 * 187.3 * 1.481537183 / net_kbq, rel=1e-8)


def test_without_decay_between_standard_and_tube(tmp_path, whole):
    rows = study()
    for row in rows["counts"][1:]:
        row["counted_at"] = at(5280)
    change = change_pct(tmp_path, whole, rows)
    seconds = np.array([TISSUES[region][1] for region in whole.index]) - 5280.0
    assert change.to_numpy() == pytest.approx(100 * (2.0 ** (-seconds / HALF_LIFE_S) - 1), abs=1e-9)


def test_without_decay_in_the_count(tmp_path, whole):
    # The tumour counted for ten minutes at the same gross rate: only the decay in the count differs.
    rows = study()
    rows["counts"][2].update(count_s=600.0, counts=6_032_150.0)
    change = change_pct(tmp_path, whole, rows)
    assert change["tumour"] == pytest.approx(100 * (1.0319049622 / 1.0031605934 - 1), abs=1e-6)
    assert change["blood"] == pytest.approx(0.0, abs=1e-12)


# ---- PET


def pet_dose(rows):
    """Make the net dose of the study the worked one of PET, 6.475 MBq."""
    no_tail = {"tail_activity_kbq": float("nan"), "tail_at": ""}
    rows["doses"][0].update(full_activity_kbq=6475.0, full_at=at(0), residual_activity_kbq=0.0, **no_tail)
    return rows


@pytest.mark.parametrize(
    ("corrected_to", "expected"),
    [("scan_start", 4.285589410), ("frame_start", 4.285589410), ("injection", 2.892664093)],
)
def test_pet_by_what_the_export_was_corrected_to(tmp_path, corrected_to, expected):
    result = run(tmp_path, pet_dose(pet(study(), decay_corrected_to=corrected_to)))
    row = result["uptake"].query("modality == 'pet'").iloc[0]
    assert row["uptake_pct_id_per_ml"] == pytest.approx(expected, abs=NINE)
    assert row["uptake_pct_id"] == pytest.approx(expected * 0.2, abs=NINE)
    assert row["uptake_pct_id_per_g"] == pytest.approx(expected / 1.04, abs=NINE)
    assert row["suv"] == pytest.approx(expected * 0.253, abs=NINE)
    assert row["tracer_h"] == pytest.approx((3735 + 300) / 3600, rel=1e-12)
    if corrected_to == "scan_start":
        assert row["uptake_pct_id_per_g"] == pytest.approx(4.120759049, abs=NINE)


def test_pet_that_was_not_corrected_needs_the_frames_own_decay(tmp_path):
    rows = pet_dose(pet(study(), decay_corrected_to="none"))
    rows["rois"] = [roi(0, 0.0, 1200.0, 187.3), roi(0, 0.0, 0.0, 187.3, region="muscle")]
    per_ml = run(tmp_path, rows)["uptake"].query("modality == 'pet'").set_index("region")["uptake_pct_id_per_ml"]
    x = np.log(2) / HALF_LIFE_S * 1200
    assert per_ml["tumour"] == pytest.approx(4.285589410 * x / (1 - np.exp(-x)), rel=1e-9)
    assert per_ml["muscle"] == pytest.approx(4.285589410, abs=NINE)
