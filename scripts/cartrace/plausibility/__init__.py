"""What is odd about a cohort whose every row can be read: the silent errors of counting, weighing and typing.

Each check is a pure function of the imported cohort. What it is, why it matters and what to do stands in the registry
of messages under its code; a check whose message is an error stops the cohort, any other becomes a row of quality.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TypeAlias

import numpy as np

from cartrace.errors import Problem
from cartrace.messages import BY_CODE
from cartrace.plausibility import copies, counting, moments, sizes, swaps
from cartrace.plausibility.evidence import Check, Evidence, Finding

__all__ = ["CHECKS", "Check", "Evidence", "Finding", "impossible", "odd"]

CHECKS: tuple[Check, ...] = (
    Check("impossible-size", sizes.impossible_sizes),
    Check("heavier-than-mouse", sizes.heavier_than_mouse),
    Check("nuclide-contradicts", sizes.tracer_nuclides),
    Check("residual-not-below-full", partial(sizes.readings_at_injection, column="residual_activity_kbq")),
    Check("tail-not-below-full", partial(sizes.readings_at_injection, column="tail_activity_kbq")),
    Check("counts-corrected", counting.corrected_counts),
    Check("unit-slip", sizes.unit_slips),
    Check("twelve-hours", moments.twelve_hours),
    Check("swapped", swaps.swapped),
    Check("standards-disagree", counting.standards),
    Check("hot-blank", counting.hot_blanks),
    Check("window-nuclide", counting.window_nuclides),
    Check("unlikely-size", sizes.unlikely_sizes),
    Check("mass-range", sizes.mass_ranges),
    Check("weight-jump", sizes.weight_jumps),
    Check("long-gap", moments.long_gaps),
    Check("session-day", moments.session_days),
    Check("late-scan", moments.scan_delays),
    Check("dissected-before-scan", moments.dissected_before_scan),
    Check("counts-overlap", moments.overlapping_counts),
    Check("late-count", moments.late_counts),
    Check("readout-after-end", moments.readouts_after_end),
    Check("same-export", copies.same_exports),
    Check("row-twice", copies.rows_twice),
    Check("same-weighing", copies.same_weighings),
    Check("same-count", copies.same_counts),
    Check("same-values", copies.same_values),
    Check("same-deviations", copies.same_deviations),
)
_MOST_ROWS = 8
Row: TypeAlias = tuple[str, str, str, float, float]


def impossible(evidence: Evidence) -> list[Problem]:
    """Return what cannot be true."""
    return [
        _problem(evidence, check, finding)
        for check in CHECKS
        if BY_CODE[check.code].severity == "error"
        for finding in check.finds(evidence)
    ]


def odd(evidence: Evidence) -> list[Row]:
    """Return what is odd as rows of quality: check, subject, message, value, threshold."""
    rows: list[Row] = []
    for check in CHECKS:
        if BY_CODE[check.code].severity == "error":
            continue
        by_column: dict[tuple[str, str], list[Finding]] = {}
        for finding in check.finds(evidence):
            by_column.setdefault((finding.sheet, finding.column), []).append(finding)
        found: list[Row] = []
        for alike in by_column.values():
            found += _summed(evidence, check, alike) if len(alike) > _MOST_ROWS else _each(evidence, check, alike)
        rows += _merged(found)
    return rows


def _merged(rows: list[Row]) -> list[Row]:
    """Return one row for each subject: what two sheets say of it stands in one message."""
    by_subject: dict[str, Row] = {}
    for row in rows:
        first = by_subject.get(row[1])
        by_subject[row[1]] = (*row[:2], f"{first[2]} {row[2]}", *first[3:]) if first else row
    return list(by_subject.values())


def _problem(evidence: Evidence, check: Check, finding: Finding) -> Problem:
    remedy = finding.remedy or BY_CODE[check.code].advice
    if finding.sheet:
        sheet = evidence.cohort[finding.sheet]
        return sheet.problem(finding.index, finding.column, check.code, finding.why, remedy)
    return Problem(check.code, finding.why, remedy, file="the config" if finding.column else "", column=finding.column)


def _told(evidence: Evidence, check: Check, finding: Finding) -> str:
    problem = _problem(evidence, check, finding)
    if finding.sheet:
        return str(problem)
    return f"{finding.subject}: {problem.why}. {problem.remedy}. [{check.code}]"


def _each(evidence: Evidence, check: Check, found: list[Finding]) -> list[Row]:
    return [
        (check.code, finding.subject, _told(evidence, check, finding), finding.value, finding.threshold)
        for finding in found
    ]


def _summed(evidence: Evidence, check: Check, found: list[Finding]) -> list[Row]:
    """Return one row of quality for many findings in one column."""
    problem = _problem(evidence, check, found[0])
    if found[0].sheet:
        rows = evidence.cohort[found[0].sheet].frame["source_row"]
        others = tuple(int(rows.iloc[finding.index]) for finding in found[1:])
        problem = replace(problem, more=others, why=f"{problem.why} in the first of them", value=None)
        subject = f"{problem.sheet or problem.file}, {problem.column}"
        text = str(problem)
    else:
        names = ", ".join(finding.subject for finding in found[:_MOST_ROWS])
        subject = f"{len(found)} places"
        text = f"{names}, ...: {problem.why} in the first of them. {problem.remedy}. [{check.code}]"
    return [(check.code, subject, text, np.nan, np.nan)]
