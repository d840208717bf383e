"""Counter exports, joined by (rack, position) with the sheet of tubes."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from cartrace import counter_rates, readers, times
from cartrace.cohort import Cohort
from cartrace.errors import Problem
from cartrace.lab import Findings, Lab
from cartrace.radionuclides import Nuclide, normal_name
from cartrace.readers import CounterRun, CountRow, Export, Settings
from cartrace.sheet import Clock, Sheet


def join(cohort: Cohort, lab: Lab, export: Export, rows: list[int], findings: Findings) -> None:
    """Read a counter export and add its counts to the findings; `rows` are its rows in the sheet of tubes.

    Raises
    ------
    InputError
        The export cannot be read.
    """
    settings = Settings(
        columns=lab.counter.get("columns") or {}, date_format=lab.date_format, count_s=lab.counter.get("count_s")
    )
    reader = readers.choose(export, what="counter", form=lab.counter["format"], settings=settings)
    run = reader.reads(export, settings)
    assert isinstance(run, CounterRun)
    clock = lab.clocks["counter"]
    started = _started(export, run, lab, clock)
    racks, positions = cohort.column("tubes", "rack"), cohort.column("tubes", "position")
    place = {(racks[index], positions[index]): index for index in rows}
    window_of, problems = _windows(export, run, lab)
    run, said = counter_rates.judged(export, run, started, window_of, lab, problems)
    problems += _leftovers(cohort["tubes"], export, run, place)
    problems += _order_of_counts(cohort, export, run, started, place)
    problems += _impossible(export, run)
    problems += _settings_against(cohort, lab, export, run, rows)
    problems += _without_window(cohort, export, run, window_of, rows)
    findings.problems += problems
    counts = _counts(cohort, export, run, started, place, window_of)
    findings.counts += counts
    finding = "; ".join(filter(None, (run.finding, said)))
    n_used = len({row[-1] for row in counts})
    findings.read(export, reader.name, run.n_rows, n_used, run.conversions, clock.offset_s, finding)


def _counts(
    cohort: Cohort,
    export: Export,
    run: CounterRun,
    started: Mapping[tuple[str, str], datetime],
    place: Mapping[tuple[str, str], int],
    window_of: Mapping[str, str],
) -> list[tuple[Any, ...]]:
    """Return the rows of the table of counts, without the cohort's name."""
    rows = []
    for row in run.rows:
        index = place.get((row.rack, row.position))
        if index is not None:
            tracer = _tracer_of(row.window, window_of, cohort.tube_tracers[index])
            stamp = started[row.rack, row.position].isoformat()
            # The name as the sheet spells it: a file system may spell an umlaut in two signs.
            file = cohort.column("tubes", "counter_file")[index]
            tube = (file, row.rack, row.position, row.window, tracer, stamp)
            rows.append((*tube, row.count_s, row.counts, row.cpm, row.dead_time_factor, export.name, row.row))
    return rows


def _without_window(
    cohort: Cohort, export: Export, run: CounterRun, window_of: Mapping[str, str], rows: list[int]
) -> list[Problem]:
    """Return tracers of the file's tubes that no window counts."""
    own = dict.fromkeys(cohort.tube_tracers[index] for index in rows)
    windows = ", ".join(dict.fromkeys(row.window for row in run.rows))
    remedy = f"Its windows are {windows}; name the tracer's window under 'counter.windows' in the config"
    return [
        export.problem("no-window", f"no window of the export counts the tracer {tracer}", remedy)
        for tracer in own
        if tracer in cohort.tracers and tracer not in window_of
    ]


def _started(export: Export, run: CounterRun, lab: Lab, clock: Clock) -> dict[tuple[str, str], datetime]:
    """Return when each tube's count began, on the reference clock."""
    first: dict[tuple[str, str], CountRow] = {}
    for row in run.rows:
        first.setdefault((row.rack, row.position), row)
    order = list(first.values())
    try:
        naive = times.in_order([row.counted_at for row in order if row.counted_at.tzinfo is None], clock.zone)
    except times.TimeProblem as problem:
        raise export.refuse(problem.code, problem.why, problem.remedy) from None
    with_offset = iter(naive)
    offset = 0.0 if np.isnan(clock.offset_s) else clock.offset_s
    started = {}
    for row in order:
        written = row.counted_at if row.counted_at.tzinfo is not None else next(with_offset)
        lead = row.count_s if (run.time_is or lab.counter["time_is"]) == "end" else 0.0
        # Through UTC: a local time moved across a clock change would keep its old offset.
        moved = written.astimezone(UTC) - timedelta(seconds=offset + lead)
        started[row.rack, row.position] = moved.astimezone(written.tzinfo)
    return started


def _leftovers(tubes: Sheet, export: Export, run: CounterRun, place: Mapping[tuple[str, str], int]) -> list[Problem]:
    """Return counted positions that have no row or two counts; report rows that have no count to the sheet."""
    counted = {(row.rack, row.position): row.row for row in run.rows}
    racks = list(dict.fromkeys(rack for rack, _ in counted))
    for (rack, position), index in place.items():
        if position and (rack, position) not in counted:
            remedy = "Correct rack and position, or remove the row"
            if rack not in racks:
                remedy = f"Its racks are {', '.join(racks)}; {remedy[0].lower()}{remedy[1:]}"
            why = "the export has no count of this position"
            tubes.problems.append(tubes.problem(index, "position", "not-counted", why, remedy))
    problems = _counted_twice(export, run)
    # A row whose position could not be read may be the one that seems to be missing.
    if tubes.unreadable("counter_file", "rack", "position").any():
        return problems
    for (rack, position), row in counted.items():
        if (rack, position) not in place:
            why = "the sheet of tubes has no row for this counted position"
            remedy = "Add the tube; a tube without a sample has the role 'blank'"
            shown = _shown(rack, position)
            problems.append(export.problem("not-in-sheet", why, remedy, row=row, column="position", value=shown))
    return problems


def _counted_twice(export: Export, run: CounterRun) -> list[Problem]:
    problems: list[Problem] = []
    first: dict[tuple[str, str, str], int] = {}
    for row in run.rows:
        earlier = first.setdefault((row.rack, row.position, row.window), row.row)
        if earlier != row.row:
            why = f"the position is counted in row {earlier} already"
            remedy = "Keep one count of each tube in a file; put a recount into a file of its own"
            shown = _shown(row.rack, row.position)
            problems.append(export.problem("counted-twice", why, remedy, row=row.row, column="position", value=shown))
    return problems


def _shown(rack: str, position: str) -> str:
    return f"rack {rack}, position {position}" if rack else position


def _windows(export: Export, run: CounterRun, lab: Lab) -> tuple[dict[str, str], list[Problem]]:
    """Return the window that counts each tracer, and what is wrong with the declaration."""
    windows = list(dict.fromkeys(row.window for row in run.rows))
    found: dict[str, str] = {}
    problems = []
    for tracer in lab.tracers:
        declared = lab.counter["windows"].get(tracer["name"])
        matches = _matching(windows, declared or tracer["nuclide"])
        if len(matches) > 1:
            why = f"the windows {' and '.join(matches)} all count {declared or tracer['nuclide']}"
            remedy = f"Name the one for {tracer['name']} in full under 'counter.windows' in the config"
            problems.append(export.problem("window-ambiguous", why, remedy))
        if matches:
            found[tracer["name"]] = matches[0]
        elif not declared and len(windows) == len(lab.tracers) == 1 and not window_nuclide(windows[0], lab.nuclides):
            found[tracer["name"]] = windows[0]
    return found, problems


def _matching(windows: list[str], name: str) -> list[str]:
    exact = [window for window in windows if _normal(window) == _normal(name)]
    return exact or [window for window in windows if counter_rates.window_nuclide(window) == normal_name(_normal(name))]


def _normal(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip()


def window_nuclide(window: str, nuclides: Sequence[Nuclide]) -> str:
    """Return the known nuclide that a window is named after, empty where it is named after none."""
    name = counter_rates.window_nuclide(window)
    return name if name in {nuclide.name for nuclide in nuclides} else ""


def _tracer_of(window: str, window_of: Mapping[str, str], own: str) -> str:
    """Return the tracer that a window counts: of several that share it the tube's own, else the config's first."""
    if own and window_of.get(own) == window:
        return own
    return next((tracer for tracer, counted in window_of.items() if counted == window), "")


def _order_of_counts(
    cohort: Cohort,
    export: Export,
    run: CounterRun,
    started: Mapping[tuple[str, str], datetime],
    place: Mapping[tuple[str, str], int],
) -> list[Problem]:
    injected, collected = cohort.tube_injected_s, cohort.tube_collected_s
    remedy = "Check the sheet's times and the counter's clock; a clock that was off goes into the sheet of clocks"
    problems = []
    for row in {(row.rack, row.position): row for row in run.rows}.values():
        index = place.get((row.rack, row.position))
        if index is None:
            continue
        at = started[row.rack, row.position].timestamp()
        event = "the injection" if at < injected[index] else "the sample was taken" if at < collected[index] else ""
        if event:
            tube = f"the tube of row {cohort.column('tubes', 'source_row')[index]} of the sheet of tubes"
            written = row.counted_at.isoformat(sep=" ")
            why = f"{tube} was counted before {event}"
            problems.append(export.problem("order", why, remedy, row=row.row, value=written))
    return problems


def _impossible(export: Export, run: CounterRun) -> list[Problem]:
    problems = []
    for row in run.rows:
        wrong = "counts" if row.counts < 0 else "dead-time factor" if row.dead_time_factor < 1 else ""
        if wrong:
            value = str(row.counts if wrong == "counts" else row.dead_time_factor)
            why = f"the {wrong} of the tube cannot be that low"
            remedy = "Export the run again; never edit an export"
            problems.append(export.problem("out-of-range", why, remedy, row=row.row, column=wrong, value=value))
    return problems


def _settings_against(cohort: Cohort, lab: Lab, export: Export, run: CounterRun, rows: list[int]) -> list[Problem]:
    problems = []
    if lab.counter["dead_time_us"] > 0 and any(not math.isnan(row.dead_time_factor) for row in run.rows):
        declared = f"{lab.counter['dead_time_us']:g} µs"
        why = f"the export states a dead-time factor for each tube, and the config a dead time of {declared}"
        problems.append(
            export.problem("dead-time-twice", why, "Set 'counter.dead_time_us' to 0, so that it is not corrected twice")
        )
    roles = set(cohort["tubes"].text("role").iloc[rows])
    unread = cohort["tubes"].unreadable("role", "position", "rack").any()
    if "blank" not in roles and lab.counter["background_cps"] is None and not unread:
        why = "the run has no tube of the role blank, so that its background is not known"
        remedy = "Count blanks with the samples, or declare 'counter.background_cps' in the config"
        problems.append(export.problem("no-blank", why, remedy))
    return problems
