"""Wall-clock times: what is read, what is refused, and what a clock change does."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cartrace import times

BERLIN = ZoneInfo("Europe/Berlin")
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)).map(lambda moment: moment.replace(microsecond=0))


def read(cell: object, *, date_format: str = "ISO") -> str:
    return times.stamp(cell, wall=BERLIN, date_format=date_format)


@pytest.mark.parametrize(
    ("cell", "stamp"),
    [
        ("2026-03-10 09:06", "2026-03-10T09:06:00+01:00"),
        ("2026-07-10 9:06:07", "2026-07-10T09:06:07+02:00"),
        ("2026-03-10T09:06:07.25", "2026-03-10T09:06:07.250000+01:00"),
        ("2026-03-10 09:06 -05:00", "2026-03-10T09:06:00-05:00"),
        ("2026-03-10T09:06:00Z", "2026-03-10T09:06:00+00:00"),
        ("2026-10-25 02:30+01:00", "2026-10-25T02:30:00+01:00"),
        (datetime(2026, 3, 10, 9, 6, 0, 7), "2026-03-10T09:06:00+01:00"),
        (datetime(2026, 3, 10, 9, 5, 59, 999998), "2026-03-10T09:06:00+01:00"),
    ],
)
def test_a_time_becomes_a_stamp(cell: object, stamp: str) -> None:
    assert read(cell) == stamp


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("2026-03-10", "date-without-time"),
        (date(2026, 3, 10), "date-without-time"),
        ("09:06", "time-without-date"),
        ("9:06 AM", "time-without-date"),
        (time(9, 6), "time-without-date"),
        ("03/04/2026 09:06", "date-order"),
        ("46091.379", "not-a-time"),
        (46091.379, "not-a-time"),
        ("2026-02-30 09:06", "not-a-time"),
        ("2026-03-10 25:06", "not-a-time"),
        ("26-03-10 09:06", "not-a-time"),
        ("soon", "not-a-time"),
        ("2026-03-10 09:06 CET", "not-a-time"),
    ],
)
def test_what_is_no_time_is_refused(cell: object, code: str) -> None:
    with pytest.raises(times.TimeProblem) as caught:
        read(cell)
    assert caught.value.code == code


def test_a_declared_order_of_day_and_month_is_followed() -> None:
    assert read("03/04/2026 09:06", date_format="DMY") == "2026-04-03T09:06:00+02:00"
    assert read("03/04/2026 09:06", date_format="MDY") == "2026-03-04T09:06:00+01:00"
    assert read("10.03.2026 09:06:30", date_format="DMY") == "2026-03-10T09:06:30+01:00"
    with pytest.raises(times.TimeProblem, match="calendar"):
        read("13/13/2026 09:06", date_format="DMY")


@pytest.mark.parametrize(
    ("cell", "readings"),
    [
        ("2026-03-29 02:30", "2026-03-29 02:30:00+01:00 or 2026-03-29 02:30:00+02:00"),
        ("2026-10-25 02:30", "2026-10-25 02:30:00+02:00 or 2026-10-25 02:30:00+01:00"),
    ],
)
def test_a_clock_change_is_refused_with_both_readings(cell: str, readings: str) -> None:
    with pytest.raises(times.TimeProblem) as caught:
        read(cell)
    assert caught.value.code == "clock-change"
    assert readings in caught.value.remedy


@given(MOMENTS, st.integers(-12 * 60, 14 * 60))
def test_a_time_with_its_offset_is_read_back(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    text = aware.isoformat(sep=" ")
    assert datetime.fromisoformat(read(text)) == aware


@given(MOMENTS)
def test_a_local_time_means_the_same_written_in_three_ways(moment: datetime) -> None:
    assume(moment.replace(tzinfo=BERLIN).utcoffset() == moment.replace(tzinfo=BERLIN, fold=1).utcoffset())
    iso = read(f"{moment:%Y-%m-%d %H:%M:%S}")
    assert iso == read(moment)
    assert iso == read(f"{moment:%d.%m.%Y %H:%M:%S}", date_format="DMY")
    assert datetime.fromisoformat(iso).replace(tzinfo=None) == moment
    assert datetime.fromisoformat(iso) == moment.replace(tzinfo=BERLIN)


def test_dates() -> None:
    assert times.day("2025-12-20", date_format="ISO") == "2025-12-20"
    assert times.day(datetime(2025, 12, 20), date_format="ISO") == "2025-12-20"
    assert times.day("20.12.2025", date_format="DMY") == "2025-12-20"
    for cell in ("2025-13-01", "2025-12-20 09:00", "20.12.2025", "last week"):
        with pytest.raises(times.TimeProblem):
            times.day(cell, date_format="ISO")


def instants(*cells: str) -> list[str]:
    naive = [datetime.fromisoformat(cell) for cell in cells]
    return [f"{moment.astimezone(UTC):%H:%M}" for moment in times.in_order(naive, BERLIN)]


def test_in_the_repeated_hour_the_order_of_the_rows_decides() -> None:
    day = "2026-10-25"
    assert instants(f"{day} 01:50", f"{day} 02:10", f"{day} 02:50", f"{day} 02:05", f"{day} 03:01") == [
        "23:50",
        "00:10",
        "00:50",
        "01:05",
        "02:01",
    ]


def test_where_the_order_leaves_a_doubt_the_rows_are_refused() -> None:
    with pytest.raises(times.TimeProblem, match="clock change") as caught:
        instants("2026-10-25 02:10", "2026-10-25 02:20")
    assert "utc_offset" in caught.value.remedy
    with pytest.raises(times.TimeProblem, match="clock change"):
        instants("2026-03-29 02:10")
    assert times.in_order([datetime(2026, 10, 25, 2, 10)], times.fixed_zone("+01:00"))[0].utcoffset() == timedelta(
        hours=1
    )


def test_zones_are_known_by_name_and_by_offset() -> None:
    assert times.zone("Europe/Berlin") == BERLIN
    with pytest.raises(times.TimeProblem, match="not known") as caught:
        times.zone("Europe/Berln")
    assert "Europe/Berlin" in caught.value.remedy
    for text in ("CET", "1:00", "+15:00"):
        with pytest.raises(times.TimeProblem):
            times.fixed_zone(text)
