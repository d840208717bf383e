"""Units: factors, spellings, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartrace import units

PAIRS = [(quantity, unit) for quantity, factors in units.QUANTITIES.items() for unit in factors]


@pytest.mark.parametrize(
    ("unit", "quantity", "factor"),
    [
        ("MBq", "activity", 1e3),
        ("Bq", "activity", 1e-3),
        ("GBq", "activity", 1e6),
        ("mCi", "activity", 37e3),
        ("nCi", "activity", 0.037),
        ("µCi", "activity", 37.0),  # micro sign
        ("μCi", "activity", 37.0),  # Greek mu
        ("uCi", "activity", 37.0),
        ("mg", "mass", 1e-3),
        ("kg", "mass", 1e3),
        ("mm3", "volume", 1e-3),
        ("mm³", "volume", 1e-3),
        ("cc", "volume", 1.0),
        ("µL", "volume", 1e-3),
        ("min", "duration", 60.0),
        ("d", "duration", 86_400.0),
    ],
)
def test_factor_to_the_storage_unit(unit: str, quantity: str, factor: float) -> None:
    assert units.factor(unit, quantity) == pytest.approx(factor, rel=1e-15)


@pytest.mark.parametrize(
    ("unit", "quantity"), [("mBq", "activity"), ("MCi", "activity"), ("MBq", "mass"), ("", "mass"), ("lb", "mass")]
)
def test_a_unit_that_may_mean_another_is_refused(unit: str, quantity: str) -> None:
    assert not units.is_unit_of(unit, quantity)


@given(st.sampled_from(PAIRS), st.floats(1e-6, 1e9))
def test_there_and_back_is_the_same_number(pair: tuple[str, str], value: float) -> None:
    quantity, unit = pair
    stored = value * units.factor(unit, quantity)
    assert stored / units.factor(unit, quantity) == pytest.approx(value, rel=1e-14)


@given(
    st.sampled_from([unit for quantity, unit in PAIRS if quantity == "activity"]),
    st.sampled_from(["mL", "cc", "mm3", "uL"]),
)
def test_a_concentration_is_activity_over_volume(activity: str, volume: str) -> None:
    expected = units.factor(activity, "activity") / units.factor(volume, "volume")
    assert units.concentration_factor(f"{activity}/{volume}") == expected


def test_concentrations_of_exports() -> None:
    assert units.concentration_factor("kBq/cc") == 1.0
    assert units.concentration_factor("Bq/ml") == 1e-3
    assert units.concentration_factor("nCi/cc") == pytest.approx(0.037)
    assert [units.concentration_factor(unit) for unit in ("SUV", "g/ml", "1/1", "kBq", "%ID/mL")] == [None] * 5
    assert units.is_suv("g/ml")
    assert units.is_suv("SUV")
    assert units.is_percent_per_volume("%ID/cc")
    assert not units.is_percent_per_volume("%ID/g")


def test_the_unit_of_a_header_stands_in_its_square_brackets() -> None:
    assert units.split_header("full_activity [MBq]") == ("full_activity", "MBq")
    assert units.split_header(" tare[mg] ") == ("tare", "mg")
    assert units.split_header("full_activity (MBq)") == ("full_activity (MBq)", None)
    assert units.split_header("unit") == ("unit", None)


def test_what_a_message_offers_is_accepted() -> None:
    for quantity, offered in units.OFFERED.items():
        assert all(units.is_unit_of(unit, quantity) for unit in offered.split(", "))
