"""Destructive designs against numbers made elsewhere."""

import numpy as np
import pandas as pd
import pytest

from cartrace.destructive import (
    decaying_weights,
    effective_half_life_h,
    exponential_tiac_h,
    falling,
    half_life,
    parts,
    summed,
    time_scale,
    trapezoid_weights,
)

# Holder et al., J Biopharm Stat 1999;9:197: three mice at each time; as PKNCA's tests carry it.
TIMES = [0, 1, 2, 4, 6, 10, 24]
LEVELS = [
    (0.0, 0.0, 0.0),
    (1.75, 2.2, 1.58),
    (3.03, 1.98, 2.22),
    (3.54, 2.84, 2.55),
    (4.63, 2.99, 1.52),
    (3.34, 1.3, 1.22),
    (0.3, 0.0421, 0.231),
]
# Which three mice were bled at each time in the batch design.
BLED = ["abc", "abc", "def", "ghi", "abc", "def", "ghi"]


def holder(mice):
    rows = [
        {"animal": mice(number, place), "time": number, "value": value}
        for number, levels in enumerate(LEVELS)
        for place, value in enumerate(levels)
    ]
    return parts(pd.DataFrame(rows), trapezoid_weights(TIMES))


def test_serial_sacrifice_equals_bailer_with_satterthwaite():
    found = summed(holder(lambda number, place: f"{number}-{place}"), confidence=0.95)
    assert found.estimate == pytest.approx(39.4689, rel=1e-12)
    assert found.se == pytest.approx(6.86584835083522, rel=1e-12)
    assert found.df == pytest.approx(2.82631153092225, rel=1e-12)


def test_several_samples_a_mouse_equal_nedelman_and_jia():
    # PKNCA leaves the degrees of freedom of this design open; the package PK has them.
    found = summed(holder(lambda number, place: BLED[number][place]), confidence=0.95)
    assert found.estimate == pytest.approx(39.4689, rel=1e-12)
    assert found.se == pytest.approx(7.30997787038754, rel=1e-12)
    assert found.df == pytest.approx(2.74598236184576, rel=1e-12)


def test_the_area_of_a_published_tumour_curve():
    # 111In-DOTA-EB-cRGDfK, PMC8196871 table 2, %ID/g at 2 to 96 h.
    weights = trapezoid_weights([2, 24, 48, 72, 96])
    assert weights @ [19.44, 27.12, 26.53, 26.44, 18.55] == pytest.approx(2331.48, abs=1e-9)


def test_published_ratios_are_ratios_of_means():
    tumour = np.array([19.44, 27.12, 26.53, 26.44, 18.55])
    muscle, blood = [2.18, 1.19, 1.19, 1.26, 1.02], [13.46, 1.90, 1.44, 1.12, 0.88]
    assert np.round(tumour / muscle, 2).tolist() == [8.92, 22.79, 22.29, 20.98, 18.19]
    assert np.round(tumour / blood, 2).tolist() == [1.44, 14.27, 18.42, 23.61, 21.08]


def test_whole_body_retention_of_a_paper_gives_its_half_lives():
    # 111In-MN14 pretargeting, PMC1587614: whole body in %ID at 24 to 72 h; half-life of In-111 2.8047 d.
    rate = falling([24, 36, 48, 60, 72], [70.2, 66.9, 63.1, 58.7, 56.6], confidence=0.95)
    biological = half_life(rate)
    assert biological.estimate == pytest.approx(148, abs=0.5)
    assert effective_half_life_h(biological.estimate, 2.8047 * 24) == pytest.approx(46.3, abs=0.05)


def test_the_textbook_s_effective_half_life():
    assert effective_half_life_h(24.0, 6.0) == pytest.approx(4.8, rel=1e-15)


ZR_PER_H = np.log(2.0) / 78.41


def test_residence_of_one_exponential():
    assert exponential_tiac_h([0.12], [0.05], ZR_PER_H) == pytest.approx(2.039427731, abs=1e-9)


def test_residence_scaled_in_time_to_a_human():
    scale = time_scale(73.0, 0.025)
    assert scale == pytest.approx(7.350988, abs=1e-6)
    # EJNMMI Res 2022;12:21, figure 1.
    assert scale == pytest.approx(7.35, abs=0.005)
    assert exponential_tiac_h([0.12], [0.05 / scale], ZR_PER_H) == pytest.approx(7.671730609, abs=1e-8)


@pytest.mark.parametrize(("scale", "expected"), [(1.0, 2.039427731), (time_scale(73.0, 0.025), 7.671730609)])
def test_a_sampled_exponential_has_the_residence_of_its_formula(scale, expected):
    hours = scale * np.linspace(0.0, 120.0, 2001)
    weights = decaying_weights(hours, ZR_PER_H, 0.05 / scale)
    assert weights @ (0.12 * np.exp(-0.05 / scale * hours)) == pytest.approx(expected, rel=1e-6)
