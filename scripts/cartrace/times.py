"""Wall-clock times as people and devices write them, made into stamps that carry their offset."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cartrace.errors import nearest

_ISO = re.compile(
    r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})[T ]+(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.](?P<f>\d{1,6})\d*)?)?"
    r"\s*(?P<o>Z|[+-]\d{2}:?\d{2})?"
)
_SLASHED = re.compile(
    r"(?P<a>\d{1,2})[./-](?P<b>\d{1,2})[./-](?P<y>\d{4})"
    r"(?:[T, ]+(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.](?P<f>\d{1,6})\d*)?)?)?"
)
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_BARE_TIME = re.compile(r"\d{1,2}[:h]\d{2}(:\d{2})?(\s*[AaPp][Mm])?")
_SERIAL = re.compile(r"\d{5}([.,]\d+)?")
FORM = "YYYY-MM-DD HH:MM:SS"


class TimeProblem(ValueError):  # noqa: N818 - it is shown as a problem
    """A cell that is not a time, or that is more than one.

    Parameters
    ----------
    code : str
        Kind of the problem.
    why, remedy : str
        What is wrong, and what to do.
    """

    def __init__(self, code: str, why: str, remedy: str) -> None:
        super().__init__(why)
        self.code, self.why, self.remedy = code, why, remedy


def zone(name: str) -> ZoneInfo:
    """Return a time zone by its name.

    Raises
    ------
    TimeProblem
        There is no such zone; names the nearest.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        close = nearest(name, sorted(available_timezones()))
        hint = f"The nearest known one is '{close[0]}'" if close else "Name it like Europe/Berlin"
        raise TimeProblem("unknown-timezone", "the time zone is not known", hint) from None


def fixed_zone(offset: str) -> timezone:
    """Return the zone of a fixed offset from UTC, e.g. ``+01:00``.

    Raises
    ------
    TimeProblem
        The text is not an offset.
    """
    match = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", offset)
    if not match or int(match[2]) > 14 or int(match[3]) > 59:
        raise TimeProblem("not-an-offset", "the offset from UTC is not readable", "Write it like +01:00")
    shift = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-shift if match[1] == "-" else shift)


def stamp(cell: object, *, wall: tzinfo, date_format: str) -> str:
    """Return the stamp of a cell that holds a date and a time.

    Parameters
    ----------
    cell : str, datetime, date, time, or number
        Text of a CSV, or a cell of a workbook.
    wall : tzinfo
        The clock that a time without an offset was read from.
    date_format : str
        ISO, DMY or MDY: what 03/04/2026 means; ISO refuses it.

    Returns
    -------
    str
        ``YYYY-MM-DDTHH:MM:SS+HH:MM``.

    Raises
    ------
    TimeProblem
        The cell holds no time, or one that can be read in two ways.
    """
    read = moment(cell, date_format=date_format)
    return read.isoformat() if read.tzinfo else local(read, wall)


def moment(cell: object, *, date_format: str) -> datetime:
    """Return the date and time of a cell, with its offset where the cell states one; see :func:`stamp`.

    Raises
    ------
    TimeProblem
        The cell holds no time, or one whose day and month can be read either way round.
    """
    if isinstance(cell, datetime):
        return _whole_ms(cell)
    if not isinstance(cell, str):
        raise _not_a_time(cell)
    match = _ISO.fullmatch(cell)
    if match:
        naive = _moment(match["y"], match["m"], match["d"], match)
        if not match["o"]:
            return naive
        return naive.replace(tzinfo=UTC if match["o"] == "Z" else fixed_zone(match["o"]))
    match = _SLASHED.fullmatch(cell)
    if match:
        year, month, number = _ordered(match, date_format)
        if match["H"] is None:
            raise _date_only()
        return _moment(year, month, number, match)
    raise _not_a_time(cell)


def day(cell: object, *, date_format: str) -> str:
    """Return the date ``YYYY-MM-DD`` of a cell that holds a date.

    Raises
    ------
    TimeProblem
        The cell holds no date, or one that can be read in two ways.
    """
    if isinstance(cell, datetime):
        cell = cell.date()
    if isinstance(cell, date):
        return cell.isoformat()
    text = str(cell)
    match = _SLASHED.fullmatch(text)
    try:
        if _ISO_DATE.fullmatch(text):
            return date.fromisoformat(text).isoformat()
        if match and match["H"] is None:
            year, month, number = _ordered(match, date_format, form="YYYY-MM-DD")
            return date(int(year), int(month), int(number)).isoformat()
    except TimeProblem:
        raise
    except ValueError:
        raise TimeProblem("not-a-date", "this day is not in the calendar", "Write the date as YYYY-MM-DD") from None
    raise TimeProblem("not-a-date", "a date is needed", "Write the date as YYYY-MM-DD, without a time")


def local(naive: datetime, wall: tzinfo) -> str:
    """Return the stamp of a wall-clock time.

    Raises
    ------
    TimeProblem
        The clock skipped this time, or showed it twice; gives both readings.
    """
    first, second = naive.replace(tzinfo=wall), naive.replace(tzinfo=wall, fold=1)
    before, after = first.utcoffset(), second.utcoffset()
    if before != after:
        readings = " or ".join(f"{naive:%Y-%m-%d %H:%M:%S}{moment:%z}" for moment in (first, second))
        readings = re.sub(r"([+-]\d{2})(\d{2})\b", r"\1:\2", readings)
        if before is not None and after is not None and before < after:
            why = "the change to summer time skipped this local time"
        else:
            why = "the change from summer time showed this local time twice"
        raise TimeProblem("clock-change", why, f"Write the time with its offset: {readings}")
    return first.isoformat()


def in_order(naive: Sequence[datetime], wall: tzinfo) -> list[datetime]:
    """Return the times of rows that a device wrote one after the other, each with its offset.

    In the hour that an autumn change repeats, the order of the rows tells the first pass from the second.

    Parameters
    ----------
    naive : sequence of datetime, length n
        Wall-clock times in the order of the rows.
    wall : tzinfo
        The device's clock.

    Raises
    ------
    TimeProblem
        A time that the clock skipped, or rows whose order leaves both readings open.
    """
    passes = [[moment.replace(tzinfo=wall, fold=fold) for fold in (0, 1)] for moment in naive]
    doubtful = [first.utcoffset() != second.utcoffset() for first, second in passes]
    if not any(doubtful):
        return [first for first, _ in passes]
    splits = [split for split in range(len(naive) + 1) if _splits_here(doubtful, split)]
    readings = []
    for split in splits:
        chosen = [
            pair[int(index >= split)] if open_ else pair[0]
            for index, (pair, open_) in enumerate(zip(passes, doubtful, strict=True))
        ]
        instants = [moment.astimezone(UTC) for moment in chosen]
        if all(one <= other for one, other in pairwise(instants)):
            readings.append(chosen)
    if len(readings) == 1 and not any(_is_skipped(first, second) for first, second in passes):
        return readings[0]
    remedy = "State the device's fixed 'utc_offset' in the sheet 'clocks', or leave these rows out of the export"
    raise TimeProblem("clock-change", "the clock change leaves open when these rows were written", remedy)


def _splits_here(doubtful: list[bool], split: int) -> bool:
    # Moving the split over a row that has one reading only changes nothing.
    return split == len(doubtful) or doubtful[split]


def _is_skipped(first: datetime, second: datetime) -> bool:
    before, after = first.utcoffset(), second.utcoffset()
    return before is not None and after is not None and before < after


def _whole_ms(moment: datetime) -> datetime:
    # A workbook stores days as a binary fraction, whose rounding shows in the microseconds.
    return moment.replace(microsecond=0) + timedelta(milliseconds=round(moment.microsecond / 1000))


def _moment(year: str, month: str, number: str, match: re.Match[str]) -> datetime:
    fraction = int((match["f"] or "0").ljust(6, "0"))
    try:
        return datetime(
            int(year), int(month), int(number), int(match["H"]), int(match["M"]), int(match["S"] or 0), fraction
        )
    except ValueError:
        raise TimeProblem(
            "not-a-time", "this time is not in the calendar or on the clock", f"Write it as {FORM}"
        ) from None


def _ordered(match: re.Match[str], date_format: str, *, form: str = FORM) -> tuple[str, str, str]:
    if date_format == "ISO":
        why, forms = "day and month can be read either way round", "'date_format: DMY' or 'MDY'"
        fits = "DMY" if int(match["a"]) > 12 else "MDY" if int(match["b"]) > 12 else ""
        if fits:
            # One date tells the order of its own numbers, not that of the others in the file.
            why, forms = f"the date is not written year first; this one can only be {fits}", f"'date_format: {fits}'"
        remedy = f"Write it as {form}, or declare {forms} under 'study' in the config"
        raise TimeProblem("date-order", why, remedy)
    number, month = (match["a"], match["b"]) if date_format == "DMY" else (match["b"], match["a"])
    return match["y"], month, number


def _date_only() -> TimeProblem:
    return TimeProblem("date-without-time", "the date has no time of day", f"Write both, as {FORM}")


def _not_a_time(cell: object) -> TimeProblem:
    if isinstance(cell, date) or (isinstance(cell, str) and _ISO_DATE.fullmatch(cell)):
        return _date_only()
    if isinstance(cell, time) or (isinstance(cell, str) and _BARE_TIME.fullmatch(cell)):
        return TimeProblem("time-without-date", "the time of day has no date", f"Write both, as {FORM}")
    if isinstance(cell, (int, float)) or (isinstance(cell, str) and _SERIAL.fullmatch(cell)):
        remedy = f"Format the column in Excel as yyyy-mm-dd hh:mm:ss and save again, or write {FORM}"
        return TimeProblem("not-a-time", "this looks like Excel's inner number of a date", remedy)
    return TimeProblem("not-a-time", "a date with a time is needed", f"Write it as {FORM}")
