"""Time: stamps with an offset, and what lies between them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartrace.clock import elapsed_s, instants, shift


def stamps(*values: str) -> pd.Series:
    return pd.Series(list(values), dtype=str)


@pytest.mark.parametrize(
    ("since", "until", "expected_s"),
    [
        # The dose of the worked mouse: full syringe to injection, injection to residual.
        ("2026-03-10T10:03:30+01:00", "2026-03-10T10:12:00+01:00", 510.0),
        ("2026-03-10T10:12:00+01:00", "2026-03-10T10:19:15+01:00", 435.0),
        ("2026-03-10T10:12:00+01:00", "2026-03-10T10:03:30+01:00", -510.0),
        # One hour by the wall clock, none in truth; and the night in which summer time began.
        ("2026-03-10T10:00:00+01:00", "2026-03-10T09:00:00+00:00", 0.0),
        ("2026-03-28T12:00:00+01:00", "2026-03-29T12:00:00+02:00", 82_800.0),
        ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", 3_600.0),
        ("2024-02-28T23:59:59+00:00", "2024-03-01T00:00:00+00:00", 86_401.0),
        ("2026-03-10T10:00:00.250000+01:00", "2026-03-10T10:00:01+01:00", 0.75),
    ],
)
def test_elapsed_time_is_that_of_the_instants(since: str, until: str, expected_s: float) -> None:
    assert elapsed_s(stamps(since), stamps(until)).tolist() == [expected_s]


def test_an_empty_stamp_has_no_elapsed_time() -> None:
    some = "2026-03-10T10:00:00+01:00"
    result = elapsed_s(stamps("", some, ""), stamps(some, "", ""))
    assert np.isnan(result).all()


def test_all_empty_and_none_at_all() -> None:
    assert np.isnan(elapsed_s(stamps("", ""), stamps("", ""))).all()
    assert elapsed_s(stamps(), stamps()).shape == (0,)
    assert instants(stamps()).empty


def test_a_shift_keeps_the_stamp_s_own_offset() -> None:
    moved = shift(stamps("2026-03-28T23:00:00+01:00", "", "2026-03-10T10:00:00-05:00"), np.array([7200.0, 1.0, np.nan]))
    assert moved.tolist() == ["2026-03-29T01:00:00+01:00", "", ""]


@given(st.integers(-10_000_000, 10_000_000), st.sampled_from(["+01:00", "-05:00", "+05:30", "+00:00"]))
def test_a_shift_is_the_time_that_then_has_elapsed(milliseconds: int, offset: str) -> None:
    start = stamps(f"2026-03-10T10:00:00{offset}")
    moved = shift(start, np.array([milliseconds / 1000]))
    assert elapsed_s(start, moved)[0] == pytest.approx(milliseconds / 1000, abs=1e-6)


def test_the_index_of_the_stamps_stays() -> None:
    series = pd.Series(["2026-03-10T10:00:00+01:00"], index=[7], dtype=str)
    assert shift(series, np.array([1.0])).index.tolist() == [7]
