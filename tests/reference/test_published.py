"""Numbers printed elsewhere: half-lives, a scanner's decay factor, a textbook, crosstalk, detection limits."""

from pathlib import Path

import numpy as np
import pytest

from cartrace import counting, decay
from cartrace.radionuclides import lookup, read
from cartrace.uptake import pct_id

NUCLIDES = read(Path(__file__).parents[2] / "resources" / "radionuclides.csv")
MIN, H, D, Y = 60.0, 3600.0, 86_400.0, 365.2422 * 86_400.0
# ICRP-107, ENSDF and its uncertainty in the unit of the publication, positrons per decay (4 decimals).
PUBLISHED = {
    "C-11": (20.39 * MIN, 1221.8, 0.8, 0.9977),
    "N-13": (9.965 * MIN, 9.965 * MIN, 0.004 * MIN, 0.9980),
    "O-15": (122.24, 122.24, 0.16, 0.9990),
    "F-18": (109.77 * MIN, 109.77 * MIN, 0.05 * MIN, 0.9673),
    "Sc-43": (3.891 * H, 3.891 * H, 0.012 * H, 0.8802),
    "Sc-44": (3.97 * H, 4.0420 * H, 0.0025 * H, 0.9435),
    "Ti-45": (184.8 * MIN, 184.8 * MIN, 0.5 * MIN, 0.8482),
    "Mn-52": (5.591 * D, 5.591 * D, 0.003 * D, 0.2966),
    "Co-55": (17.53 * H, 17.53 * H, 0.03 * H, 0.7585),
    "Cu-61": (3.333 * H, 3.336 * H, 0.010 * H, 0.6144),
    "Cu-64": (12.700 * H, 12.7006 * H, 0.0020 * H, 0.1741),
    "Ga-67": (3.2612 * D, 3.2617 * D, 0.0005 * D, 0.0),
    "Ga-68": (67.71 * MIN, 67.71 * MIN, 0.08 * MIN, 0.8891),
    "Br-76": (16.2 * H, 16.2 * H, 0.2 * H, 0.5505),
    "Br-77": (57.036 * H, 57.04 * H, 0.12 * H, 0.0074),
    "Y-86": (14.74 * H, 14.74 * H, 0.02 * H, 0.3189),
    "Y-90": (64.10 * H, 64.05 * H, 0.05 * H, 0.0),
    "Zr-89": (78.41 * H, 78.41 * H, 0.12 * H, 0.2274),
    "Tc-94m": (52.0 * MIN, 52 * MIN, 1 * MIN, 0.7015),
    "Tc-99m": (6.015 * H, 6.0072 * H, 0.0009 * H, 0.0),
    "In-111": (2.8047 * D, 2.8047 * D, 0.0004 * D, 0.0),
    "I-123": (13.27 * H, 13.2230 * H, 0.0019 * H, 0.0),
    "I-124": (4.1760 * D, 4.1760 * D, 0.0003 * D, 0.2286),
    "I-125": (59.400 * D, 59.40 * D, 0.01 * D, 0.0),
    "I-131": (8.02070 * D, 8.0252 * D, 0.0006 * D, 0.0),
    "Tb-161": (6.906 * D, 6.89 * D, 0.02 * D, 0.0),
    "Lu-177": (6.647 * D, 6.6443 * D, 0.0009 * D, 0.0),
    "At-211": (7.214 * H, 7.214 * H, 0.007 * H, 0.0),
    "Ac-225": (10.0 * D, 10.0 * D, 0.1 * D, 0.0),
    "Cr-51": (27.7025 * D, 27.704 * D, 0.003 * D, 0.0),
    "Ge-68": (270.95 * D, 270.95 * D, 0.16 * D, 0.0),
    "Na-22": (2.6019 * Y, 2.6018 * Y, 0.0022 * Y, 0.8990),
    "Cs-137": (30.1671 * Y, 30.08 * Y, 0.09 * Y, 0.0),
}
# Decay constants by ICRP-107 [1/s].
LAMBDA = {"F-18": 1.05242352e-4, "Zr-89": 2.45556541e-6, "Cu-64": 1.51606995e-5, "Ge-68": 2.96089198e-8}


def test_every_nuclide_is_published():
    assert [nuclide.name for nuclide in NUCLIDES] == list(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_half_lives_of_both_sources(name):
    icrp107_s, ensdf_s, ensdf_se_s, positrons = PUBLISHED[name]
    nuclide = lookup(NUCLIDES, name)
    assert nuclide.half_life_s("ICRP-107") == pytest.approx(icrp107_s, rel=1e-12)
    assert nuclide.half_life_s("ENSDF") == pytest.approx(ensdf_s, rel=1e-12)
    assert nuclide.ensdf_half_life_se_s == pytest.approx(ensdf_se_s, rel=1e-12)
    assert nuclide.positron_yield == pytest.approx(positrons, abs=5.1e-5)


@pytest.mark.parametrize("name", PUBLISHED)
def test_icrp107_half_lives_against_another_library(name):
    radioactivedecay = pytest.importorskip("radioactivedecay")
    expected_s = float(radioactivedecay.Nuclide(name).half_life("s"))
    assert lookup(NUCLIDES, name).half_life_s("ICRP-107") == pytest.approx(expected_s, rel=1e-9)


@pytest.mark.parametrize("name", LAMBDA)
def test_decay_constants(name):
    constant = decay.decay_constant_per_s(lookup(NUCLIDES, name).half_life_s("ICRP-107"))
    assert constant == pytest.approx(LAMBDA[name], rel=5e-9)


def test_the_factor_that_a_scanner_wrote():
    """dcm2niix issue 983: series 16:20:16, frame of 1200 s at 17:10:15, DecayFactor 1.45951."""
    half_life_s = lookup(NUCLIDES, "F-18").half_life_s("ENSDF")
    assert decay.frame_to_injection_factor(2999.0, 1200.0, half_life_s) == pytest.approx(1.45951, abs=5e-6)
    assert decay.frame_to_injection_factor(2999.0, 1200.0, half_life_s) == pytest.approx(1.4595129, abs=5e-8)
    # The value tells half-lives apart.
    assert decay.frame_to_injection_factor(2999.0, 1200.0, 6588.0) == pytest.approx(1.45936, abs=6e-6)
    assert decay.frame_to_injection_factor(2999.0, 1200.0, 6584.04) == pytest.approx(1.45969, abs=6e-6)


def test_in_count_factors():
    """C-11, Ga-68, F-18, Cu-64 and Zr-89, to four decimals."""
    table = {
        "C-11": {60: 1.0171, 300: 1.0874, 600: 1.1796, 1200: 1.3782},
        "Ga-68": {60: 1.0051, 300: 1.0258, 600: 1.0521, 1200: 1.1059},
        "F-18": {60: 1.0032, 300: 1.0159, 600: 1.0319, 1200: 1.0645},
        "Cu-64": {1200: 1.0091},
        "Zr-89": {1200: 1.0015},
    }
    for name, factors in table.items():
        half_life_s = lookup(NUCLIDES, name).half_life_s("ICRP-107")
        found = decay.in_count_factor(list(factors), half_life_s)
        assert found == pytest.approx(list(factors.values()), abs=5.1e-5), name


def test_effective_frame_time():
    half_life_s = lookup(NUCLIDES, "F-18").half_life_s("ENSDF")
    assert decay.effective_time_s(0.0, 600.0, half_life_s) == pytest.approx(298.42, abs=0.005)


class TestSaha:
    """Physics and Radiobiology of Nuclear Medicine, problems 3.2, 4.3 and 4.4."""

    def test_activity_before_and_after(self):
        at_ten_mci = 150.0
        assert at_ten_mci / decay.decay_factor(4 * H, 6 * H) == pytest.approx(238.1, abs=0.05)
        assert at_ten_mci * decay.decay_factor(5 * H, 6 * H) == pytest.approx(84.2, abs=0.05)

    def test_net_rate_and_its_uncertainty(self):
        net_cps = 8000 / 300 - 3000 / 300
        background_se = np.sqrt(counting.count_variance(3000.0)) / 300
        se_cps = counting.net_rate_se_cps(8000.0, 300.0, 1.0, background_se)
        assert net_cps * 60 == pytest.approx(1000.0)
        assert se_cps * 60 == pytest.approx(21.0, abs=0.05)
        assert 100 * se_cps / net_cps == pytest.approx(2.1, abs=0.05)

    def test_thyroid_uptake(self):
        count_s = 120.0

        def net(counts, background):
            u_b = np.sqrt(counting.count_variance(background)) / count_s
            rate = (counts - background) / count_s
            return rate, counting.net_rate_se_cps(counts, count_s, 1.0, u_b) / rate

        (thyroid, thyroid_rel), (standard, standard_rel) = net(40_000.0, 2000.0), net(90_000.0, 1000.0)
        uptake = pct_id(thyroid, standard)
        relative = np.hypot(thyroid_rel, standard_rel)
        assert uptake == pytest.approx(42.7, abs=0.05)
        # The book prints 0.006373, from rounded terms.
        assert relative == pytest.approx(0.00637, abs=5e-6)
        assert uptake / 100 * relative == pytest.approx(0.0027, abs=5e-5)


def test_crosstalk():
    response = np.array([[1.0, 0.12], [0.03, 1.0]])
    covariance = np.diag([5096.0, 950.0])
    rates, propagated = counting.unmix([5096.0, 950.0], response, covariance)
    assert rates == pytest.approx([5000.0, 800.0], rel=1e-12)
    draws = np.random.default_rng(5).multivariate_normal([5096.0, 950.0], covariance, size=200_000)
    simulated = np.cov(counting.unmix(draws, response, covariance)[0].T)
    assert propagated == pytest.approx(simulated, rel=0.02, abs=5.0)


@pytest.mark.parametrize(
    ("background", "critical", "limit"),
    [(25, 11.63, 25.97), (100, 23.26, 49.24), (400, 46.53, 95.77), (10_000, 232.6, 468.0)],
)
def test_currie_for_equal_times(background, critical, limit):
    """Currie, Anal Chem 1968;40:586: paired counts, both error probabilities 5 %."""
    count_s = 60.0
    rate_cps = background / count_s
    found = counting.critical_level_cps(rate_cps, np.sqrt(background) / count_s, count_s)
    assert found * count_s == pytest.approx(critical, abs=0.06 if background == 10_000 else 0.006)
    # The paper rounds 1.645² to 2.71 and 2 · 1.645 · √2 to 4.65.
    assert counting.detection_limit_cps(found, count_s) * count_s == pytest.approx(limit, rel=2e-4)
