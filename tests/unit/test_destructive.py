import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from cartrace.destructive import decaying_weights, divided, falling, half_life, parts, summed, trapezoid_weights


def mice(values):
    """Return each value as a mouse of its own: a list of values by time."""
    rows = [
        {"animal": f"{time}-{place}", "time": time, "value": value}
        for time, levels in enumerate(values)
        for place, value in enumerate(levels)
    ]
    return pd.DataFrame(rows)


@given(st.lists(st.floats(0.1, 50.0), min_size=2, max_size=6))
def test_weights_integrate_a_line_through_the_means_and_its_decay_exactly(gaps):
    hours = np.cumsum(gaps)
    level = 3.0 + np.sin(hours)
    assert trapezoid_weights(hours) @ level == pytest.approx(np.trapezoid(level, hours))
    decay = 0.07

    def curve(t):
        return np.interp(t, hours, level) * np.exp(-decay * t)

    inside = sum(integrate.quad(curve, a, b)[0] for a, b in zip([0.0, *hours[:-1]], hours, strict=True))
    tail = level[-1] * np.exp(-decay * hours[-1]) / (decay + 0.02)
    assert decaying_weights(hours, decay, 0.02) @ level == pytest.approx(inside + tail, rel=1e-8)


def test_the_variance_of_an_area_is_that_of_its_formula():
    values = [(1.0, 3.0), (4.0, 5.0, 9.0), (2.0, 2.5)]
    weights = np.array([0.5, 2.0, 1.5])
    found = summed(parts(mice(values), weights), confidence=0.9)
    v = np.array([w**2 * np.var(x, ddof=1) / len(x) for w, x in zip(weights, values, strict=True)])
    assert found.estimate == pytest.approx(sum(w * np.mean(x) for w, x in zip(weights, values, strict=True)))
    assert found.se == pytest.approx(np.sqrt(v.sum()))
    assert found.df == pytest.approx(v.sum() ** 2 / (v**2 / [1, 2, 1]).sum())


def test_one_mouse_at_a_time_gives_an_area_without_its_uncertainty():
    found = summed(parts(mice([(1.0, 3.0), (4.0,), (2.0, 2.5)]), [0.5, 2.0, 1.5]), confidence=0.95)
    assert found.estimate == pytest.approx(1.0 + 8.0 + 3.375)
    assert np.isnan([found.se, found.df, found.low, found.high]).all()


def test_a_ratio_of_areas_knows_that_both_tissues_come_from_the_same_mice():
    blood = [(1.0, 3.0, 2.0), (4.0, 5.0, 9.0), (2.0, 2.5, 4.0)]
    tumour = [tuple(5.0 * value for value in levels) for levels in blood]
    weights = trapezoid_weights([1.0, 24.0, 72.0])
    exact = divided(parts(mice(tumour), weights), parts(mice(blood), weights), confidence=0.95)
    # Where the tissue is five times the blood in each mouse, the ratio is known although neither area is.
    assert exact.estimate == pytest.approx(5.0)
    assert exact.se == pytest.approx(0.0, abs=1e-6)


def test_fieller_limits_of_a_ratio_by_hand():
    x, y = (
        parts(mice([(1.0, 3.0, 2.0), (4.0, 5.0, 9.0)]), [1.0, 1.0]),
        parts(mice([(8.0, 9.0, 9.5), (7.0, 9.0, 9.0)]), [1.0, 1.0]),
    )
    found = divided(x, y, confidence=0.9)
    by_time = [([1.0, 3.0, 2.0], [8.0, 9.0, 9.5]), ([4.0, 5.0, 9.0], [7.0, 9.0, 9.0])]
    v_x, v_y, c = (sum(np.cov(a, b)[place] / 3.0 for a, b in by_time) for place in ((0, 0), (1, 1), (0, 1)))
    top, bottom = 2.0 + 6.0, 26.5 / 3.0 + 25.0 / 3.0
    assert found.estimate == pytest.approx(top / bottom)
    assert found.se == pytest.approx(np.sqrt(v_x - 2 * top / bottom * c + (top / bottom) ** 2 * v_y) / bottom)
    from scipy.stats import t

    for limit in (found.low, found.high):
        distance = (top - limit * bottom) ** 2 / (v_x - 2.0 * limit * c + limit**2 * v_y)
        assert np.sqrt(distance) == pytest.approx(t.ppf(0.95, found.df))
    assert found.low < found.estimate < found.high


def test_a_denominator_near_zero_leaves_the_ratio_without_limits():
    x, y = parts(mice([(1.0, 3.0), (4.0, 5.0)]), [1.0, 1.0]), parts(mice([(-8.0, 9.0), (7.0, -6.0)]), [1.0, 1.0])
    found = divided(x, y, confidence=0.95)
    assert np.isfinite(found.estimate)
    assert np.isnan(found.low)
    assert np.isnan(found.high)


def test_a_rate_is_that_of_the_regression_of_logarithms():
    from scipy.stats import linregress

    hours, values = [1.0, 1.0, 5.0, 5.0, 20.0, 20.0], [9.0, 11.0, 7.0, 6.0, 2.0, 2.5]
    line = linregress(hours, np.log(values))
    found = falling(hours, values, confidence=0.95)
    assert (found.estimate, found.se, found.df) == (pytest.approx(-line.slope), pytest.approx(line.stderr), 4.0)
    half = half_life(found)
    assert half.estimate == pytest.approx(-np.log(2.0) / line.slope)
    assert half.low == pytest.approx(np.log(2.0) / found.high)
    assert half.high == pytest.approx(np.log(2.0) / found.low)


def test_a_rate_that_may_be_zero_has_no_upper_half_life_and_a_rising_one_none():
    unsure = half_life(falling([1.0, 2.0, 3.0], [3.0, 4.0, 2.0], confidence=0.95))
    assert unsure.estimate > unsure.low > 0.0
    assert np.isnan(unsure.high)
    assert np.isnan(half_life(falling([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], confidence=0.95)).estimate)
