"""Decay factors: exact where mathematics says so, and stable where a count is short against the half-life."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartrace import decay

half_lives = st.floats(100.0, 1e9)
times = st.floats(-1e6, 1e6)
durations = st.floats(0.0, 1e5)


@given(half_lives)
def test_nothing_decays_in_no_time(half_life_s):
    assert decay.decay_factor(0.0, half_life_s) == 1.0
    assert decay.in_count_factor(0.0, half_life_s) == 1.0
    assert decay.half_life_rel_se(0.0, half_life_s, 1.0) == 0.0


@given(st.floats(1e3, 1e9), st.floats(-1e5, 1e5))
def test_correcting_undoes_decaying(half_life_s, elapsed_s):
    decayed = 5.0 * decay.decay_factor(elapsed_s, half_life_s)
    assert decayed / decay.decay_factor(elapsed_s, half_life_s) == pytest.approx(5.0, rel=1e-12)
    assert decayed * decay.decay_factor(-elapsed_s, half_life_s) == pytest.approx(5.0, rel=1e-12)


@given(half_lives, durations)
def test_the_in_count_factor_is_the_mean_over_the_count(half_life_s, duration_s):
    factor = decay.in_count_factor(duration_s, half_life_s)
    x = math.log(2) * duration_s / half_life_s
    assert factor >= 1.0
    # Where x is small the plain formula loses digits; the series does not.
    expected = 1 + x / 2 + x**2 / 12 if x < 1e-3 else x / (1 - math.exp(-x))
    assert factor == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("duration_s", [1e-12, 1e-6, 1e-3, 1.0])
def test_the_in_count_factor_keeps_its_digits_for_short_counts(duration_s):
    x = math.log(2) * duration_s / 2.3410080e7
    assert decay.in_count_factor(duration_s, 2.3410080e7) == pytest.approx(1 + x / 2, rel=1e-15)


@given(half_lives, times, st.floats(1.0, 1e4))
def test_a_frame_counts_as_its_effective_instant(half_life_s, start_s, duration_s):
    instant_s = decay.effective_time_s(start_s, duration_s, half_life_s)
    assert start_s < instant_s <= start_s + duration_s / 2 + 1e-6
    log_factor = np.log(2) / half_life_s * instant_s
    if abs(log_factor) < 500:
        factor = decay.frame_to_injection_factor(start_s, duration_s, half_life_s)
        assert factor == pytest.approx(np.exp(log_factor), rel=1e-9)


def test_the_half_life_acts_by_its_share_of_the_exponent():
    half_life_s, se_s, elapsed_s = 6586.2, 3.0, 7200.0
    shifted = decay.decay_factor(elapsed_s, half_life_s + se_s) / decay.decay_factor(elapsed_s, half_life_s)
    assert decay.half_life_rel_se(elapsed_s, half_life_s, se_s) == pytest.approx(abs(np.log(shifted)), rel=1e-3)
    assert decay.half_life_rel_se(-elapsed_s, half_life_s, se_s) == decay.half_life_rel_se(elapsed_s, half_life_s, se_s)


def test_arrays_broadcast():
    assert decay.decay_factor(np.zeros((3, 1)), np.ones(4)).shape == (3, 4)
