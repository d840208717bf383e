"""Forms of rules that several sheets share: names are known, keys unique, pairs complete, events in their order."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cartrace.cohort import Cohort
from cartrace.sheet import Sheet

Mask: TypeAlias = NDArray[np.bool_]
HALF_DAY_S = 43_200.0
_SLIP_S = 6 * 3_600.0


@dataclass(frozen=True)
class Rule:
    """One kind of mistake.

    Parameters
    ----------
    code : str
        Stable name.
    sheet, column : str
        Where a message points.
    breaks : callable
        The rows that are wrong.
    why : str
        What is wrong.
    remedy : str or callable
        What to do; a callable gets the cohort and the row's index.
    """

    code: str
    sheet: str
    column: str
    breaks: Callable[[Cohort], Mask]
    why: str
    remedy: str | Callable[[Cohort, int], str]


def member(
    sheet: str,
    column: str,
    code: str,
    why: str,
    kind: str,
    known: Callable[[Cohort], Collection[str]],
    *,
    home: str = "",
) -> Rule:
    """Return the rule that a name is one of those known; `home` is the sheet that must be whole to know them."""

    def breaks(cohort: Cohort) -> Mask:
        cells = cohort[sheet].text(column)
        if home and not cohort.is_whole(home, column):
            return np.zeros(len(cells), dtype=np.bool_)
        return ((cells != "") & ~cells.isin(list(known(cohort)))).to_numpy(dtype=np.bool_)

    def remedy(cohort: Cohort, index: int) -> str:
        return cohort.hint(kind, str(cohort[sheet].text(column).iloc[index]), known(cohort))

    return Rule(code, sheet, column, breaks, why, remedy)


def animal(sheet: str) -> Rule:
    """Return the rule that the mouse is in the sheet of animals."""
    why = "the mouse is not in the sheet of animals"
    return member(
        sheet,
        "animal_id",
        "unknown-animal",
        why,
        "the sheet of animals",
        lambda cohort: cohort.animal_rows,
        home="animals",
    )


def tracer(sheet: str) -> Rule:
    """Return the rule that the tracer is one of the config's."""
    why = "the tracer is not one of the study's"
    return member(sheet, "tracer", "unknown-tracer", why, "'tracers' of the config", lambda cohort: cohort.tracers)


def region(sheet: str, column: str) -> Rule:
    """Return the rule that the tissue or region is known."""

    def breaks(cohort: Cohort) -> Mask:
        names = cohort[sheet].text(column)
        wrong = {name for name in names.unique() if name and cohort.vocabulary.canonical(name) is None}
        return names.isin(wrong).to_numpy(dtype=np.bool_)

    def remedy(cohort: Cohort, index: int) -> str:
        close = cohort.vocabulary.nearest(str(cohort[sheet].text(column).iloc[index]))
        quoted = " or ".join(f"'{name}'" for name in close)
        asked = f"Did you mean {quoted}? " if close else ""
        return f"{asked}A name of your own goes under 'regions' of the config, as a region or a synonym"

    return Rule("unknown-region", sheet, column, breaks, "the tissue or region is not known", remedy)


def session(sheet: str, column: str = "session") -> Rule:
    """Return the rule that the mouse has a dose in the session."""

    def breaks(cohort: Cohort) -> Mask:
        frame = cohort[sheet].frame
        keys = zip(frame["animal_id"], frame[column], strict=True)
        missing = [
            bool(animal and session) and animal in cohort.animal_rows and (animal, session) not in cohort.dose_rows
            for animal, session in keys
        ]
        return np.array(missing, dtype=np.bool_) & cohort.is_whole("doses", "animal_id", "session")

    def remedy(cohort: Cohort, index: int) -> str:
        animal = str(cohort[sheet].text("animal_id").iloc[index])
        known = cohort.sessions.get(animal, [])
        if known:
            return f"Its sessions with a dose are {', '.join(known)}; correct the session, or add the dose"
        return "It has no dose at all; add the dose to the sheet of doses"

    return Rule("unknown-session", sheet, column, breaks, "the mouse has no dose in this session", remedy)


def unique(sheet: str, key: tuple[str, ...], column: str, why: str, remedy: str, code: str = "duplicate-key") -> Rule:
    """Return the rule that a key stands once; of several rows all but the first are wrong."""
    optional = {"rack", "animal_label", "part", "replicate"}

    def breaks(cohort: Cohort) -> Mask:
        frame = cohort[sheet].frame
        complete = np.ones(len(frame), dtype=np.bool_)
        for name in key:
            if name not in optional:
                complete &= (frame[name] != "").to_numpy()
        return frame.duplicated(list(key)).to_numpy() & complete & ~cohort[sheet].unreadable(*key)

    def first(cohort: Cohort, index: int) -> str:
        frame = cohort[sheet].frame
        same = np.ones(len(frame), dtype=np.bool_)
        for name in key:
            same &= (frame[name] == frame[name].iloc[index]).to_numpy()
        earlier = int(np.flatnonzero(same)[0])
        row = frame["source_row"].iloc[earlier]
        if all(cells[index] == cells[earlier] for cells in cohort[sheet].raw.values()):
            return f"The whole row is that of row {row} once more. Remove one of them"
        return f"It stands first in row {row}. {remedy}"

    return Rule(code, sheet, column, breaks, why, first)


def needs(sheet: str, column: str, where: Callable[[Cohort], Mask], code: str, why: str, remedy: str) -> Rule:
    """Return the rule that a cell is filled where `where` holds."""
    return Rule(code, sheet, column, lambda cohort: where(cohort) & ~cohort[sheet].given(column), why, remedy)


def pair(sheet: str, one: str, other: str) -> tuple[Rule, Rule]:
    """Return the two rules that an activity and its time stand together."""
    why, remedy = "the activity and its time belong together; one of them is empty", "Fill in both, or neither"

    def rule(empty: str, filled: str) -> Rule:
        return needs(sheet, empty, lambda cohort: cohort[sheet].given(filled), "pair-incomplete", why, remedy)

    return rule(other, one), rule(one, other)


def before(sheet: str, column: str, earlier: Callable[[Cohort], NDArray[np.float64]], code: str, why: str) -> Rule:
    """Return the rule that a time is not before an earlier event."""

    def remedy(cohort: Cohort, index: int) -> str:
        gap = float(earlier(cohort)[index] - cohort[sheet].seconds(column)[index])
        return asked_twelve(cohort[sheet], column, index, gap) + CHECK_TIMES

    return Rule(code, sheet, column, lambda cohort: cohort[sheet].seconds(column) < earlier(cohort), why, remedy)


CHECK_TIMES = "Check both times; a clock that was off goes into the sheet of clocks"


def asked_twelve(sheet: Sheet, column: str, index: int, gap_s: float) -> str:
    """Return the question whether a time was written on a 12-hour clock, empty where that would not mend it.

    Parameters
    ----------
    sheet : Sheet
        Where the time stands.
    column : str
        Its column.
    index : int
        Its row.
    gap_s : float
        How far it is before the event that it must not precede [s].
    """
    if not _SLIP_S <= gap_s <= HALF_DAY_S:
        return ""
    proposed = later_by_half_a_day(sheet, column, index)
    return f"On a 24-hour clock it would be {proposed}, which fits. " if proposed else ""


def later_by_half_a_day(sheet: Sheet, column: str, index: int) -> str:
    """Return the time of day 12 hours after a morning's time, empty for a time of the afternoon."""
    stamp = str(sheet.frame[column].iloc[index])
    return f"{int(stamp[11:13]) + 12:02d}{stamp[13:16]}" if stamp and int(stamp[11:13]) < 12 else ""


def earlier_by_half_a_day(sheet: Sheet, column: str, index: int) -> str:
    """Return the time of day 12 hours before an afternoon's time, empty for a time of the morning."""
    stamp = str(sheet.frame[column].iloc[index])
    return f"{int(stamp[11:13]) - 12:02d}{stamp[13:16]}" if stamp and int(stamp[11:13]) >= 12 else ""


def after_end(sheet: str, column: str, *, grace_s: float = 0.0) -> Rule:
    """Return the rule that a time is not after the mouse left the study."""

    def breaks(cohort: Cohort) -> Mask:
        return np.asarray(
            cohort[sheet].seconds(column) > cohort.animal_times(sheet, "ended_at") + grace_s, dtype=np.bool_
        )

    remedy = "Check this time and 'ended_at' of the mouse"
    return Rule("after-end", sheet, column, breaks, "this is after the mouse left the study", remedy)


def reaches(sheet: str, one: str, other: str) -> Callable[[Cohort], Mask]:
    """Return where one number is at least as large as another, which it must stay below."""
    return lambda cohort: np.asarray(cohort[sheet].numbers(one) >= cohort[sheet].numbers(other), dtype=np.bool_)
