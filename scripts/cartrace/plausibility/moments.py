"""Checks of times: each is possible, and together they are odd."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cartrace.plausibility.evidence import Evidence, Finding, hours, since_epoch
from cartrace.rule_forms import HALF_DAY_S, later_by_half_a_day

_GAP_S = 6 * 3_600.0
_SLIP_S = 2 * 3_600.0
_HALF_LIVES = 5.0
_LATE_HALF_LIVES = 10.0
_SESSION_DAYS = 1.5
_DAY_S = 86_400.0
_FEWEST_SCANS = 3
_SESSION_SLIP_S = 30 * 60.0
_NEAR_S = 3_600.0
# What is taken from a living mouse, or kept for a scan of its own.
_FROM_LIVING = frozenset(["blood", "plasma", "serum", "urine", "faeces", "tail", "ear", "skin", "tumour"])
_PAIRS = (
    ("full_at", "injected_at", "the injection", "the full syringe was measured"),
    ("injected_at", "residual_at", "the residual", "the tracer was injected"),
    ("injected_at", "tail_at", "the reading of the tail", "the tracer was injected"),
)


def twelve_hours(evidence: Evidence) -> Iterator[Finding]:
    """Yield readings of the syringe that are 12 hours and a little away from the injection."""
    doses = evidence.cohort["doses"]
    for earlier, later, event, before in _PAIRS[:2]:
        gap = doses.seconds(later) - doses.seconds(earlier)
        for index in np.flatnonzero((gap >= HALF_DAY_S) & (gap <= HALF_DAY_S + _SLIP_S)):
            proposed = later_by_half_a_day(doses, earlier, int(index))
            if proposed:
                why = f"{before} {hours(gap[index])} before {event}; {proposed} would fit"
                place = (evidence.dose_names[index], why, "doses", int(index), earlier)
                yield Finding(*place, value=gap[index] / 3_600.0, threshold=HALF_DAY_S / 3_600.0)


def long_gaps(evidence: Evidence) -> Iterator[Finding]:
    """Yield readings of a dose that are many hours apart."""
    doses = evidence.cohort["doses"]
    told = {finding.index for finding in twelve_hours(evidence)}
    for earlier, later, event, before in _PAIRS:
        gap = doses.seconds(later) - doses.seconds(earlier)
        # The tail is read when the mouse is dissected, which may be days later.
        limit = np.maximum(_GAP_S, np.log(2.0) * _HALF_LIVES / evidence.dose_decay_per_s) if "tail" in later else _GAP_S
        for index in np.flatnonzero(gap > limit):
            if int(index) not in told:
                why = f"{event} was {hours(gap[index])} after {before}"
                place = (f"{evidence.dose_names[index]}, {later}", why, "doses", int(index), later)
                yield Finding(*place, value=gap[index] / 3_600.0, threshold=_GAP_S / 3_600.0)


def session_days(evidence: Evidence) -> Iterator[Finding]:
    """Yield doses on another day of the cell clock than those of the other mice in the session."""
    cohort, doses = evidence.cohort, evidence.cohort["doses"]
    zeros = {name: cohort.animal_times("doses", name) for name in ("cells_infused_at", "enrolled_at")}
    has_cells = np.isfinite(zeros["cells_infused_at"])
    zero = np.where(has_cells, zeros["cells_infused_at"], zeros["enrolled_at"])
    day = (doses.seconds("injected_at") - zero) / _DAY_S
    frame = pd.DataFrame({"session": doses.text("session"), "has_cells": has_cells, "day": day}).dropna()
    for (session, _), own in frame.groupby(["session", "has_cells"], sort=True):
        middle = float(own["day"].median())
        far = (own["day"] - middle).abs() > _SESSION_DAYS
        # A session like 'terminal' has no day of its own.
        if len(own) < 3 or 3 * int(far.sum()) > len(own):
            continue
        for index in own.index[far]:
            of_mouse = own["day"][index]
            why = f"the mouse had {session} on day {of_mouse:.1f} of its cell clock, the others on day {middle:.1f}"
            place = (evidence.dose_names[index], why, "doses", int(index), "injected_at")
            yield Finding(*place, value=of_mouse - middle, threshold=_SESSION_DAYS)


def scan_delays(evidence: Evidence) -> Iterator[Finding]:
    """Yield scans at another time after their injection than the others of their session, and sessions than others."""
    cohort, scans = evidence.cohort, evidence.cohort["scans"]
    doses = [cohort.dose_rows.get(key, -1) for key in zip(scans.text("animal_id"), scans.text("session"), strict=True)]
    tracers = cohort.column("doses", "tracer")
    frame = pd.DataFrame(
        {
            "animal": scans.text("animal_id"),
            "session": scans.text("session"),
            "tracer": [tracers[dose] if dose >= 0 else "" for dose in doses],
            "delay": cohort.scan_started_s - cohort.scan_injected_s,
        }
    ).dropna()
    # Later scans of one injection have no usual delay.
    frame = frame.sort_values("delay", kind="stable").drop_duplicates(["animal", "session", "tracer"]).sort_index()
    usual: dict[tuple[str, str], tuple[float, int]] = {}
    for (session, tracer), own in frame.groupby(["session", "tracer"], sort=True):
        middle = float(own["delay"].median())
        far = (own["delay"] - middle).abs() > np.maximum(_SLIP_S, 0.5 * middle)
        if len(own) >= _FEWEST_SCANS:
            usual[str(session), str(tracer)] = (middle, int(own.index[0]))
        # Where many differ, the session has no usual delay.
        if len(own) < _FEWEST_SCANS or 3 * int(far.sum()) > len(own):
            continue
        for index in own.index[far]:
            yield _late_scan(evidence, int(index), float(own["delay"][index]), middle)
    for tracer in sorted({name for _, name in usual}):
        of_tracer = {session: found for (session, name), found in usual.items() if name == tracer}
        middle = float(np.median([delay for delay, _ in of_tracer.values()]))
        for session, (delay, index) in of_tracer.items():
            if len(of_tracer) >= 3 and abs(delay - middle) > max(_SESSION_SLIP_S, 0.25 * middle):
                why = f"the scans of {session} start {hours(delay)} after the injection, those of other sessions "
                why += f"{hours(middle)}; the scanner's clock may have been off, by an hour of summer time for example"
                place = (f"{session}, {tracer}", why, "scans", index, "started_at")
                yield Finding(*place, value=delay / 60.0, threshold=middle / 60.0)


def _late_scan(evidence: Evidence, index: int, delay: float, middle: float) -> Finding:
    scans = evidence.cohort["scans"]
    why = f"the scan starts {hours(delay)} after the injection, the others of the session {hours(middle)}"
    moment = pd.Timestamp(scans.text("started_at").iloc[index])
    for slip in (HALF_DAY_S, _DAY_S):
        if abs(delay - middle - slip) < _NEAR_S:
            why += f"; {moment - pd.Timedelta(seconds=slip):%Y-%m-%d %H:%M} would fit, or an injection as much later"
    place = (str(scans.text("scan_id").iloc[index]), why, "scans", index, "started_at")
    return Finding(*place, value=delay / 60.0, threshold=middle / 60.0)


def dissected_before_scan(evidence: Evidence) -> Iterator[Finding]:
    """Yield scans that start after organs of the mouse were taken."""
    cohort = evidence.cohort
    tubes, scans = cohort["tubes"].frame, cohort["scans"].frame
    organs = (tubes["role"] == "tissue") & ~tubes["tissue"].isin(_FROM_LIVING) & np.isfinite(cohort.tube_collected_s)
    keys = zip(tubes["animal_id"], tubes["session"], cohort.tube_collected_s, organs.tolist(), strict=True)
    taken: dict[tuple[str, str], float] = {}
    for animal, session, moment, is_organ in keys:
        if is_organ:
            taken[animal, session] = min(moment, taken.get((animal, session), np.inf))
    of_scans = zip(scans["animal_id"], scans["session"], scans["scan_id"], cohort.scan_started_s, strict=True)
    for index, (animal, session, scan, started) in enumerate(of_scans):
        first = taken.get((animal, session), np.inf)
        if started > first:
            why = f"the scan starts {hours(started - first)} after the first organ of {animal} was taken"
            place = (scan, why, "scans", index, "started_at")
            yield Finding(*place, value=(started - first) / 60.0, threshold=0.0)


def readouts_after_end(evidence: Evidence) -> Iterator[Finding]:
    """Yield readouts of mice that had left the study more than a day before."""
    readouts = evidence.cohort["readouts"]
    late = readouts.seconds("measured_at") - evidence.cohort.animal_times("readouts", "ended_at")
    for index in np.flatnonzero(late > _DAY_S):
        animal, readout = (readouts.text(name).iloc[index] for name in ("animal_id", "readout"))
        why = f"the readout is {hours(late[index])} after the mouse left the study"
        stamp = readouts.text("measured_at").iloc[index][:10]
        place = (f"{animal} {readout} {stamp}", why, "readouts", int(index), "measured_at")
        yield Finding(*place, value=late[index] / _DAY_S, threshold=1.0)


def overlapping_counts(evidence: Evidence) -> Iterator[Finding]:
    """Yield runs in which a count begins before the one before it is over."""
    counts = evidence.counts.drop_duplicates(["counter_file", "rack", "position"])
    counts = counts.assign(start=since_epoch(counts["counted_at"]))
    for file, own in counts.groupby("counter_file", sort=True):
        # Tubes that start together stand in front of several detectors.
        batches = own.groupby("start", sort=True)["count_s"].max()
        start = batches.index.to_numpy(dtype=np.float64)
        over = start[:-1] + batches.to_numpy()[:-1] - start[1:]
        worst = float(np.max(over, initial=0.0))
        if worst > 2.0:
            number = int(np.sum(over > 2.0))
            place = f"{number} of {len(batches)} counts begin"
            why = f"{place} up to {worst:.0f} s before the one before them is over"
            remedy = (
                "Where the export's times are those of the end, set 'counter.time_is: end' in the config, and where "
                "they are those of the start, 'start'; a counter with several detectors may overlap"
            )
            yield Finding(str(file), why, remedy=remedy, value=worst, threshold=2.0)


def late_counts(evidence: Evidence) -> Iterator[Finding]:
    """Yield runs that were counted many half-lives after the injection."""
    counted = evidence.counted
    counted = counted[counted["role"].isin(["tissue", "tail"])]
    injected = evidence.cohort.tube_injected_s[counted["index"].to_numpy(dtype=int)]
    passed = (counted["counted_s"] - injected) * counted["decay_per_s"] / np.log(2.0)
    for (file, tracer), own in passed.groupby([counted["counter_file"], counted["tracer"]], sort=True):
        latest = float(own.max())
        if latest > _LATE_HALF_LIVES:
            why = f"tubes of {tracer} were counted up to {latest:.1f} half-lives after the injection"
            yield Finding(f"{file}, {tracer}", why, value=latest, threshold=_LATE_HALF_LIVES)
