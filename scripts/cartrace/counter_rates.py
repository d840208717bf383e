"""A counter's own rate (CPM): held against the counts beside it, and quantified from where there are none."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cartrace.errors import Problem
from cartrace.lab import Lab
from cartrace.radionuclides import normal_name
from cartrace.readers import CounterRun, CountRow, Export, cpm

Started = Mapping[tuple[str, str], datetime]


def window_nuclide(window: str) -> str:
    """Return the nuclide in a window's name: ⁹⁹ᵐTc_112-168 counts Tc-99m."""
    text = unicodedata.normalize("NFKC", window).strip()
    return normal_name(text.split("_")[0].split(" ")[0])


def judged(
    export: Export,
    run: CounterRun,
    started: Started,
    window_of: Mapping[str, str],
    lab: Lab,
    problems: list[Problem],
) -> tuple[CounterRun, str]:
    """Return the run with counts in every window that a tracer is counted in, and what was found out about its CPM.

    Parameters
    ----------
    export : Export
        The file, for messages.
    run : CounterRun
        What it holds.
    started : mapping
        Start of each tube's count, by rack and position.
    window_of : mapping of str to str
        Window that counts each tracer.
    lab : Lab
        What the config says.
    problems : list of Problem
        Where a state that the config does not declare, or declares wrongly, is added.
    """
    begin = min(started.values()).timestamp() if started else 0.0
    windows = list(dict.fromkeys(row.window for row in run.rows))
    sentences = []
    filled: dict[str, list[CountRow]] = {}
    for window in windows:
        rows = [row for row in run.rows if row.window == window]
        decay_per_s = _decay_constant(window, window_of, lab)
        has_counts = any(np.isfinite(row.counts) for row in rows)
        if not any(np.isfinite(row.cpm) for row in rows) or (not has_counts and window not in window_of.values()):
            continue
        middle_s = np.array(
            [started[row.rack, row.position].timestamp() - begin + row.count_s / 2 for row in rows], dtype=np.float64
        )
        if has_counts and np.isfinite(decay_per_s):
            said = _found(export, rows, middle_s, decay_per_s, lab, problems)
        elif has_counts:
            continue
        else:
            filled[window], said = _from_cpm(export, rows, middle_s, decay_per_s, lab, problems)
        sentences.append(f"{window}: {said}" if len(windows) > 1 else said)
    if filled:
        following = {window: iter(rows) for window, rows in filled.items()}
        run = replace(run, rows=tuple(next(following.get(row.window, iter([row]))) for row in run.rows))
    return run, "; ".join(sentences)


def _decay_constant(window: str, window_of: Mapping[str, str], lab: Lab) -> float:
    """Return λ of the one nuclide that a window counts [1/s], NaN where that is not known."""
    of_tracer = {tracer["name"]: normal_name(tracer["nuclide"]) for tracer in lab.tracers}
    names = {of_tracer[tracer] for tracer, counted in window_of.items() if counted == window}
    names = names or {window_nuclide(window)}
    nuclides = {nuclide.name: nuclide for nuclide in lab.nuclides}
    name = next(iter(names)) if len(names) == 1 else ""
    return float(np.log(2) / nuclides[name].half_life_s("ENSDF")) if name in nuclides else float("nan")


def _found(
    export: Export,
    rows: list[CountRow],
    middle_s: NDArray[np.float64],
    decay_per_s: float,
    lab: Lab,
    problems: list[Problem],
) -> str:
    """Return what CPM is by the counts beside it; report where the config declares something else."""
    found = cpm.state(
        middle_s,
        np.array([row.count_s for row in rows]),
        np.array([row.counts for row in rows]),
        np.array([row.cpm for row in rows]),
        decay_constant_per_s=decay_per_s,
    )
    declared = lab.counter.get("cpm_state", "undeclared")
    if found.contradicts(declared):
        why = f"'counter.cpm_state' of the config is '{declared}', and by the counts of {rows[0].window} {found.words}"
        remedy = "Correct 'counter.cpm_state' or remove it, or check the counter's protocol"
        problems.append(export.problem("cpm-contradicts", why.removesuffix("; counts were used"), remedy))
    return found.words


def _from_cpm(
    export: Export,
    rows: list[CountRow],
    middle_s: NDArray[np.float64],
    decay_per_s: float,
    lab: Lab,
    problems: list[Problem],
) -> tuple[list[CountRow], str]:
    """Return the rows with the gross counts that give their CPM.

    Notes
    -----
    ``counts = count_s · CPM / 60`` where CPM is raw; else ``count_s · (CPM / 60 · exp(−λ t) + background_cps)``, with t
    the middle of the count after the start of the run where CPM is decay-corrected to it, else 0.
    """
    declared, window = lab.counter.get("cpm_state", "undeclared"), rows[0].window
    background = lab.counter["background_cps"]
    why = remedy = code = ""
    if declared == "undeclared":
        code = "no-counts"
        why = f"the export has no counts for {window}; its CPM is corrected in a way that the file does not state"
        remedy = "Export again with 'Counts' among the columns, or declare what CPM is as 'counter.cpm_state'"
    elif declared != "raw" and lab.counter["dead_time_us"] > 0:
        code = "dead-time-twice"
        why = f"CPM is used for {window}, which is corrected for dead time, and the config has a dead time of its own"
        remedy = "Set 'counter.dead_time_us' to 0, so that it is not corrected twice"
    elif declared != "raw" and background is None:
        code = "no-background"
        why = f"CPM is used for {window}, from which the counter took a background that the file does not state"
        remedy = "Declare the background of the counter's protocol as 'counter.background_cps'"
    elif declared == "run_start" and not np.isfinite(decay_per_s):
        code = "no-nuclide"
        why = f"the CPM of {window} is declared to be decay-corrected, and the window's nuclide is not known"
        remedy = "Name the tracer's window in 'counter.windows'"
    if code:
        problems.append(export.problem(code, why, remedy))
        return rows, ""
    count_s, rate = np.array([row.count_s for row in rows]), np.array([row.cpm for row in rows]) / 60.0
    # ASSUME: Counts made from a corrected CPM scatter as counted ones do.
    undone = np.exp(-decay_per_s * middle_s) if declared == "run_start" else 1.0
    gross = count_s * (rate * undone + (0.0 if declared == "raw" else background))
    words = {"raw": "raw", "net": "net", "run_start": "net, decay-corrected to the start of the run"}[declared]
    said = f"there are no counts; CPM, declared to be {words}, was used"
    return [row._replace(counts=float(value)) for row, value in zip(rows, gross, strict=True)], said
