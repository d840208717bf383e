"""The worked mouse's uncertainty, term by term: each stated uncertainty alone, against its formula written out."""

from math import exp, expm1, hypot, log, sqrt

import numpy as np
import pytest
from worked_mouse import SETTINGS, TISSUES, frames, measured, pet, study

from cartrace.radionuclides import Decay

HALF_LIFE_S = 109.77 * 60.0
DECAY_PER_S = log(2.0) / HALF_LIFE_S
DEAD_S, BLANKS, BLANK_S, STANDARD, COUNT_S = 2e-6, 184.0, 600.0, 121_874.0, 60.0
BACKGROUND_CPS, BACKGROUND_VAR = BLANKS / BLANK_S, BLANKS / BLANK_S**2
NOTHING = dict.fromkeys(SETTINGS["uncertainty"], 0.0)
EXACT = 1e-12


def net(counts, count_s=COUNT_S):
    """Return a net rate and the variance that counting gives it, without that of the blanks."""
    factor = 1.0 / (1.0 - counts / count_s * DEAD_S)
    return counts / count_s * factor - BACKGROUND_CPS, counts / count_s**2 * factor**4


def found(*, half_life_se_s=0.0, rows=None, **known):
    decays = {"[18F]TFB": Decay("F-18", HALF_LIFE_S, half_life_se_s)}
    return measured(frames(rows or study()), uncertainty=NOTHING | known, decays=decays)["uptake"].set_index("region")


def of_standard(balance_g=0.0):
    """Return the relative uncertainty of the one standard: counting, its blanks, and three weighings."""
    rate, variance = net(STANDARD)
    weighings = [balance_g / mass for mass in (0.1007, 0.0213, 10.0412)]
    return hypot(sqrt(variance + BACKGROUND_VAR) / rate, *weighings)


@pytest.mark.parametrize("tissue", list(TISSUES))
def test_counts_and_blanks_alone(tissue):
    rate, variance = net(TISSUES[tissue][2])
    row = found().loc[tissue]
    own = sqrt(variance + BACKGROUND_VAR) / rate
    assert row["rel_se_count"] == pytest.approx(own, rel=EXACT)
    assert row["rel_se_standard"] == pytest.approx(of_standard(), rel=EXACT)
    assert row["rel_se_dose"] == 0.0
    assert row["uptake_pct_id_se"] == pytest.approx(row["uptake_pct_id"] * hypot(own, of_standard()), rel=EXACT)


@pytest.mark.parametrize("tissue", list(TISSUES))
def test_the_critical_level_holds_the_blanks_twice(tissue):
    row = found().loc[tissue]
    rate, _ = net(TISSUES[tissue][2])
    level = 1.645 * sqrt(BACKGROUND_CPS / COUNT_S + BACKGROUND_VAR)
    assert row["critical_level_pct_id"] == pytest.approx(row["uptake_pct_id"] * level / rate, rel=EXACT)
    limit = 1.645**2 / COUNT_S + 2.0 * level
    assert row["detection_limit_pct_id"] == pytest.approx(row["uptake_pct_id"] * limit / rate, rel=EXACT)


def test_the_balance_enters_tissue_standard_and_injectate():
    balance_g = 0.0003
    row = found(balance_g=balance_g).loc["tumour"]
    rate, variance = net(TISSUES["tumour"][2])
    own, mass = sqrt(variance + BACKGROUND_VAR) / rate, balance_g / 0.2143
    assert row["rel_se_count"] == pytest.approx(hypot(own, mass), rel=EXACT)
    assert row["rel_se_standard"] == pytest.approx(of_standard(balance_g), rel=EXACT)
    dose = balance_g / 0.1684
    assert row["rel_se_dose"] == pytest.approx(dose, rel=EXACT)
    whole = hypot(own, of_standard(balance_g), dose)
    assert row["uptake_pct_id_se"] == pytest.approx(row["uptake_pct_id"] * whole, rel=EXACT)
    assert row["uptake_pct_id_per_g_se"] == pytest.approx(row["uptake_pct_id_per_g"] * hypot(whole, mass), rel=EXACT)


@pytest.mark.parametrize("tissue", list(TISSUES))
def test_the_half_life_acts_on_the_time_between_sample_and_dose(tissue):
    se_s = 30.0
    row = found(half_life_se_s=se_s).loc[tissue]
    # The weighed standard measures the dose at its own count; the tail moves that by what the calibrator read of it.
    tail_frac = 214.0 * exp(DECAY_PER_S * 5550.0) / 6678.153713291
    full, residual = 7412.0 * exp(-DECAY_PER_S * 510.0), 331.0 * exp(DECAY_PER_S * 435.0)
    gross_s = (full * -510.0 - residual * 435.0) / (full - residual)
    dose_s = 5280.0 - tail_frac / (1.0 - tail_frac) * (5550.0 - gross_s)
    half_life = DECAY_PER_S * abs(TISSUES[tissue][1] - dose_s) * se_s / HALF_LIFE_S
    assert row["rel_se_standard"] == pytest.approx(hypot(of_standard(), half_life), rel=1e-9)


def test_the_calibrator_enters_the_dose_of_pet_by_full_residual_and_tail():
    row = found(rows=pet(study()), calibrator_frac=0.01, clock_s=20.0)
    frac = hypot(0.01, DECAY_PER_S * 20.0)
    row = row[row["modality"] == "pet"].loc["tumour"]
    full, residual, tail = 7412.0 * exp(-DECAY_PER_S * 510.0), 331.0 * exp(DECAY_PER_S * 435.0), 214.0
    tail *= exp(DECAY_PER_S * 5550.0)
    net_kbq = full - residual - tail
    assert row["rel_se_dose"] == pytest.approx(frac * hypot(full, residual, tail) / net_kbq, rel=EXACT)
    assert row["rel_se_standard"] == 0.0


def test_scanner_and_region_have_their_layers():
    row = found(rows=pet(study()), scanner_frac=0.02, roi_frac=0.05)
    row = row[row["modality"] == "pet"].loc["tumour"]
    layers = [row["rel_se_count"], row["rel_se_dose"], row["rel_se_standard"]]
    assert layers == pytest.approx([0.05, 0.0, 0.02], rel=EXACT)
    assert row["uptake_pct_id_per_ml_se"] == pytest.approx(row["uptake_pct_id_per_ml"] * hypot(0.05, 0.02), rel=EXACT)


def test_a_count_of_a_third_of_the_half_life_by_its_integral():
    rows = study()
    tumour = next(row for row in rows["counts"] if row["position"] == "3")
    tumour["count_s"], tumour["counts"] = HALF_LIFE_S / 3.0, 5e6
    alone = found(rows=rows).loc["tumour"]
    short = found().loc["tumour"]
    # The mean rate over the count, against that at its start; from quadrature of the decaying rate.
    seconds = np.linspace(0.0, HALF_LIFE_S / 3.0, 200_001)
    mean = np.trapezoid(np.exp(-DECAY_PER_S * seconds), seconds) / seconds[-1]
    start = net(TISSUES["tumour"][2])[0] * DECAY_PER_S * COUNT_S / -expm1(-DECAY_PER_S * COUNT_S)
    factor = 1.0 / (1.0 - 5e6 / seconds[-1] * DEAD_S)
    expected = (5e6 / seconds[-1] * factor - BACKGROUND_CPS) / mean / start
    assert alone["uptake_pct_id"] / short["uptake_pct_id"] == pytest.approx(expected, rel=1e-9)
