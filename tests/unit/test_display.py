"""How numbers and comparisons are written."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartrace.display import (
    decimals,
    format_estimate,
    format_log_value,
    format_p,
    format_spread,
    format_value,
    half_life,
    p_text,
    sentence,
    unit_label,
)

LABELS = {"CAR": "CAR-T", "UTD": "UTD"}


def comparison(**changes):
    row = {
        "group_a": "CAR",
        "group_b": "UTD",
        "unit": "%ID/g",
        "n_a": 6,
        "n_b": 6,
        "n_below_detection_a": 0,
        "n_below_detection_b": 0,
        "n_not_estimable_a": 0,
        "n_not_estimable_b": 0,
        "scale": "log",
        "mean_a": 8.1402,
        "mean_b": 2.3942,
        "sd_a": 0.41,
        "sd_b": 0.37,
        "estimate": 3.4,
        "ci_low": 2.1407,
        "ci_high": 5.4001,
        "ci_level": 0.95,
        "test": "Welch t on log",
        "statistic": 5.6123,
        "df": 9.3117,
        "p_value": 0.0003142,
        "p_adjusted": 0.0018852,
        "adjustment": "holm",
        "family": "biodistribution",
        "hedges_g": 2.9121,
        "hedges_g_ci_low": 1.3345,
        "hedges_g_ci_high": 4.4299,
        "status": "ok",
        "reason": "",
    }
    return row | changes


@pytest.mark.parametrize(
    ("p", "written"),
    [
        (0.00031, "0.00031"),
        (0.0019, "0.0019"),
        (0.07939, "0.079"),
        (0.0999, "0.10"),
        (0.3, "0.30"),
        (0.99, "0.99"),
        (0.9951, ">0.99"),
        (1.0, "1"),
        (0.0001, "0.00010"),
        (0.00009999, "1.0e-4"),
        (3.14e-5, "3.1e-5"),
        (2e-17, "2.0e-17"),
        (0.0, "<1e-300"),
        (math.nan, ""),
    ],
)
def test_p_values(p, written):
    assert format_p(p) == written


def test_p_with_its_sign():
    assert p_text(0.00031) == "p = 0.00031"
    assert p_text(0.999, name="Holm p") == "Holm p > 0.99"
    assert p_text(0.0) == "p < 1e-300"


@pytest.mark.parametrize(
    ("uncertainty", "places"),
    # The rule's own examples: 0.119 keeps two digits, 0.367 one, 0.952 rounds up to 1.0.
    [(0.119, 2), (0.367, 1), (0.952, 1), (0.354, 2), (0.355, 1), (0.949, 1), (0.9501, 1), (123.0, -1), (37.0, -1)],
)
def test_decimals_by_the_rule_of_the_particle_data_group(uncertainty, places):
    assert decimals(uncertainty) == places


@pytest.mark.parametrize(
    ("value", "uncertainty", "written"),
    [
        (0.827, 0.119, "0.83"),
        (0.827, 0.367, "0.8"),
        (0.827, 0.952, "0.8"),
        (8.1402, 1.36, "8.1"),
        (-0.04, 0.5, "0.0"),
        (1234.5, 37.0, "1230"),
        (1_234_567.0, 200_000.0, "1.23e6"),
        (0.0, 0.02, "0.000"),
        (3.40e-7, 2e-8, "3.40e-7"),
        (math.nan, 1.0, ""),
        (12.3456, math.nan, "12.3"),
        (0.0, math.nan, "0"),
        (5.0, 0.0, "5.00"),
        (327.0, 4.4e-15, "327.00000"),
    ],
)
def test_values_are_rounded_by_their_uncertainty(value, uncertainty, written):
    assert format_value(value, uncertainty) == written


@given(st.floats(1e-8, 1e8), st.floats(1e-3, 10))
def test_rounding_moves_a_value_less_than_its_uncertainty(value, relative):
    uncertainty = value * relative
    assert abs(float(format_value(value, uncertainty)) - value) <= 0.5 * uncertainty
    assert float(format_log_value(value, relative)) == pytest.approx(value, rel=0.051)


def test_limits_far_apart_on_the_log_scale_keep_two_digits_each():
    assert format_estimate(3.4, 0.05, 231.0, scale="log") == ("3.4", "0.050", "230")


def test_limits_on_the_linear_scale_share_their_decimals():
    assert format_estimate(-1.58, -3.3655, 0.2055, scale="linear") == ("-1.6", "-3.4", "0.2")


@pytest.mark.parametrize(
    ("mean", "sd", "written"),
    [
        (0.8876, 0.0951, "0.888 ± 0.095"),
        (8.213, 9.97, "8 ± 10"),
        (123.4, 56.7, "123 ± 57"),
        (0.5, math.nan, "0.500"),
        (0.5, 0.0, "0.500"),
    ],
)
def test_a_scatter_between_mice_keeps_two_digits(mean, sd, written):
    assert format_spread(mean, sd) == written


def test_half_lives_have_the_unit_that_people_think_in():
    # DDEP: F-18 1.8288 h, Tc-99m 6.0067 h, Zr-89 78.42 h, C-11 20.361 min, Rb-82 75 s.
    found = [half_life(seconds) for seconds in (6583.68, 21624.12, 282312.0, 1221.66, 75.0)]
    assert found == ["109.73 min", "6.0067 h", "3.2675 d", "20.361 min", "75 s"]


def test_the_sentence_of_a_comparison():
    assert sentence(comparison(), LABELS) == (
        "CAR-T 8.1 vs UTD 2.4 %ID/g; ratio 3.4 [95 % CI 2.1, 5.4]; "
        "Welch t on log, t(9.3) = 5.6, p = 0.00031, Holm p = 0.0019; Hedges g 2.9 [1.3, 4.4]; n = 6 vs 6 mice"
    )


def test_the_sentence_of_the_primary_comparison_has_one_p():
    row = comparison(adjustment="none", p_adjusted=0.0003142, family="primary")
    assert "p = 0.00031; Hedges" in sentence(row, LABELS)


def test_the_sentence_on_the_linear_scale():
    row = comparison(
        scale="linear", test="Welch t", unit="day", mean_a=9.31, mean_b=7.02, sd_a=1.2, sd_b=0.9, estimate=2.29,
        ci_low=0.92, ci_high=3.66, adjustment="BH",
    )  # fmt: skip
    assert sentence(row, LABELS).startswith(
        "CAR-T 9.3 vs UTD 7.0 day; difference 2.3 day [95 % CI 0.9, 3.7]; "
        "Welch t, t(9.3) = 5.6, p = 0.00031, BH p = 0.0019; Hedges g"
    )


def test_the_sentence_names_mice_without_a_value_and_below_detection():
    row = comparison(n_not_estimable_b=2, n_below_detection_a=1)
    assert sentence(row, LABELS).endswith("; n = 6 vs 6 mice; below detection 1 vs 0; without a value 0 vs 2")


def test_the_sentence_of_a_comparison_that_was_not_made():
    empty = dict.fromkeys(("mean_a", "mean_b", "estimate", "ci_low", "ci_high", "statistic", "df", "p_value"), math.nan)
    row = comparison(**empty, n_b=2, status="not_estimable", reason="UTD has 2 mice with a value; a test needs 3")
    assert sentence(row, {}) == (
        "CAR vs UTD: not compared, UTD has 2 mice with a value; a test needs 3; n = 6 vs 2 mice"
    )


def test_a_group_without_a_label_keeps_its_name():
    assert sentence(comparison(), {"CAR": "", "UTD": "Untransduced"}).startswith("CAR 8.1 vs Untransduced 2.4")


def test_percent_injected_activity():
    assert "2.4 %IA/g; ratio" in sentence(comparison(), LABELS, uptake_label="%IA/g")
    assert [unit_label(unit, uptake_label="%IA/g") for unit in ("%ID", "%ID/mL", "day")] == ["%IA", "%IA/mL", "day"]


def test_a_rate_is_per_day():
    row = comparison(unit="1/day", mean_a=0.56, mean_b=0.158)
    assert sentence(row, LABELS).startswith("CAR-T 0.56 vs UTD 0.158 per day; ratio")


def test_a_limit_of_hedges_g_that_was_not_found_is_left_out():
    row = comparison(hedges_g_ci_low=math.nan, hedges_g_ci_high=math.nan)
    assert "; Hedges g 2.91; n" in sentence(row, LABELS)


def test_the_sentence_of_a_comparison_by_rank_with_a_group_below_detection():
    nothing = dict.fromkeys(("mean_b", "sd_a", "sd_b", "estimate", "ci_low", "ci_high", "df", "hedges_g"), math.nan)
    row = comparison(**nothing, test="Mann-Whitney on log", statistic_name="U", statistic=36.0, p_method="exact")
    row |= {"rank_biserial": 1.0, "rank_biserial_ci_low": math.nan, "rank_biserial_ci_high": math.nan}
    row |= {"n_below_detection_b": 6}
    assert sentence(row, LABELS) == (
        "CAR-T 8.14 vs UTD below detection %ID/g; Mann-Whitney on log, U = 36.0, p = 0.00031, Holm p = 0.0019; "
        "rank-biserial correlation 1.00; n = 6 vs 6 mice; below detection 0 vs 6"
    )


def test_the_sentence_of_a_permutation_and_of_dunnett():
    row = comparison(
        test="Permutation on log", statistic_name="difference of means", p_method="exact", adjustment="Dunnett"
    )
    row |= {"ci_low": math.nan, "ci_high": math.nan}
    assert "ratio 3.40; Permutation on log (exact), p = 0.00031, Dunnett p = 0.0019;" in sentence(row, LABELS)
