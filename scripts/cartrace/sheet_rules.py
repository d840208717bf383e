"""What rows must satisfy beyond the form of their cells: one registry entry for each kind of mistake."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cartrace import rule_forms
from cartrace.cohort import Cohort
from cartrace.overrides import is_row_number
from cartrace.rule_forms import Mask, Rule
from cartrace.tube_rules import TUBE_RULES


def check(cohort: Cohort) -> None:
    """Add what is wrong with the rows to the sheets' problems."""
    for rule in RULES:
        sheet = cohort[rule.sheet]
        if not len(sheet.frame):
            continue
        for index in np.flatnonzero(rule.breaks(cohort)):
            remedy = rule.remedy if isinstance(rule.remedy, str) else rule.remedy(cohort, int(index))
            sheet.problems.append(sheet.problem(int(index), rule.column, rule.code, rule.why, remedy))


def _level(*levels: str) -> Callable[[Cohort], Mask]:
    return lambda cohort: cohort["exclusions"].text("level").isin(levels).to_numpy(dtype=np.bool_)


def _of_exclusion(column: str, *levels: str) -> Rule:
    why = f"an exclusion at the level {' or '.join(levels)} must say which"
    return rule_forms.needs("exclusions", column, _level(*levels), "exclusion-incomplete", why, f"Fill in '{column}'")


def _unknown_tube(cohort: Cohort) -> Mask:
    names = ["counter_file", "rack", "position"]
    known = set(zip(*(cohort["tubes"].frame[name] for name in names), strict=True))
    frame = cohort["exclusions"].frame
    keys = zip(*(frame[name] for name in names), strict=True)
    missing = np.array([bool(key[0] and key[2]) and key not in known for key in keys], dtype=np.bool_)
    return missing & _level("tube")(cohort) & cohort.is_whole("tubes", *names)


def _born_late(cohort: Cohort) -> Mask:
    frame = cohort["animals"].frame
    started = frame["cells_infused_at"].where(frame["cells_infused_at"] != "", frame["enrolled_at"]).str[:10]
    born = frame["date_of_birth"]
    late: Mask = ((born != "") & (started != "") & (born > started)).to_numpy(dtype=np.bool_)
    return late


def _no_session_of_dose(cohort: Cohort) -> Mask:
    frame = cohort["exclusions"].frame
    keys = zip(frame["animal_id"], frame["session"], strict=True)
    return np.array(
        [all(key) and key[0] in cohort.animal_rows and key not in cohort.dose_rows for key in keys], dtype=np.bool_
    )


def _late_residual(cohort: Cohort) -> Mask:
    """Return the scans whose scan of an earlier injection is none."""
    frame, injected_s = cohort["scans"].frame, cohort.dose_times("scans", "injected_at")
    named = [cohort.scan_rows.get(name, -1) for name in frame["residual_scan"]]
    started_s, animals = cohort.scan_started_s, frame["animal_id"].to_numpy()
    wrong = [
        other >= 0 and (animals[other] != animals[own] or started_s[other] >= injected_s[own])
        for own, other in enumerate(named)
    ]
    return np.array(wrong, dtype=np.bool_)


RULES: tuple[Rule, ...] = (
    rule_forms.unique(
        "animals", ("animal_id",), "animal_id", "the mouse stands twice", "Names are unique within a cohort"
    ),
    rule_forms.member(
        "animals",
        "group",
        "unknown-group",
        "the group is not one of the study's",
        "'groups' of the config",
        lambda c: c.groups,
    ),
    rule_forms.needs(
        "animals",
        "cells_infused_at",
        lambda c: np.asarray(c["animals"].numbers("cells_infused") > 0, dtype=np.bool_),
        "pair-incomplete",
        "the mouse got cells, and the time is empty",
        "Fill in when the cells were given: it is the zero of the cell clock",
    ),
    rule_forms.before(
        "animals",
        "ended_at",
        lambda c: c["animals"].seconds("cells_infused_at"),
        "order",
        "the mouse left before it got its cells",
    ),
    rule_forms.before(
        "animals",
        "ended_at",
        lambda c: c["animals"].seconds("enrolled_at"),
        "order",
        "the mouse left before it entered",
    ),
    Rule(
        "order",
        "animals",
        "date_of_birth",
        _born_late,
        "the mouse was born after it got its cells or entered",
        "Check both dates",
    ),
    rule_forms.animal("doses"),
    rule_forms.tracer("doses"),
    rule_forms.unique(
        "doses",
        ("animal_id", "session"),
        "session",
        "the mouse has two doses in this session",
        "Give the second one a session of its own",
    ),
    *rule_forms.pair("doses", "residual_activity_kbq", "residual_at"),
    *rule_forms.pair("doses", "tail_activity_kbq", "tail_at"),
    rule_forms.needs(
        "doses",
        "residual_activity_kbq",
        lambda c: np.full(len(c["doses"].frame), c.residual_missing == "error") & ~c["doses"].given("residual_at"),
        "residual-missing",
        "the residual of the syringe is empty",
        "Fill in what was left in the syringe and when; if nothing was, declare 'residual_missing: zero' under "
        "'uptake' in the config",
    ),
    Rule(
        "residual-not-below-full",
        "doses",
        "residual_activity_kbq",
        rule_forms.reaches("doses", "residual_activity_kbq", "full_activity_kbq"),
        "the residual is not below the full syringe",
        "Check both readings and their units",
    ),
    Rule(
        "tail-not-below-full",
        "doses",
        "tail_activity_kbq",
        rule_forms.reaches("doses", "tail_activity_kbq", "full_activity_kbq"),
        "the tail is not below the full syringe",
        "Check both readings and their units",
    ),
    rule_forms.before(
        "doses",
        "injected_at",
        lambda c: c["doses"].seconds("full_at"),
        "order",
        "the injection was before the full syringe was measured",
    ),
    rule_forms.before(
        "doses",
        "residual_at",
        lambda c: c["doses"].seconds("injected_at"),
        "order",
        "the residual was measured before the injection",
    ),
    rule_forms.before(
        "doses",
        "tail_at",
        lambda c: c["doses"].seconds("injected_at"),
        "order",
        "the tail was measured before the injection",
    ),
    rule_forms.after_end("doses", "injected_at"),
    *TUBE_RULES,
    rule_forms.unique(
        "scans", ("scan_id",), "scan_id", "the scan stands twice", "Names of scans are unique within a cohort"
    ),
    rule_forms.unique(
        "scans",
        ("file", "animal_label"),
        "file",
        "the file stands twice",
        "Where it holds several animals, say which with 'animal_label'",
        "file-twice",
    ),
    rule_forms.animal("scans"),
    rule_forms.session("scans"),
    rule_forms.after_end("scans", "started_at"),
    rule_forms.member(
        "scans",
        "residual_scan",
        "unknown-scan",
        "the scan is not in the sheet of scans",
        "the sheet of scans",
        lambda c: c.scan_rows,
    ),
    Rule(
        "order",
        "scans",
        "residual_scan",
        _late_residual,
        "that scan is of another mouse, or did not start before the injection of this one",
        "Name a scan of this mouse from before the injection: it shows what an earlier one left",
    ),
    rule_forms.tracer("calibration"),
    rule_forms.animal("readouts"),
    rule_forms.unique(
        "readouts",
        ("animal_id", "readout", "measured_at"),
        "measured_at",
        "the readout of this mouse and time stands twice",
        "Keep one, or give the other its own time",
    ),
    _of_exclusion("animal_id", "animal", "session", "region"),
    _of_exclusion("session", "session"),
    _of_exclusion("region", "region"),
    _of_exclusion("counter_file", "tube"),
    _of_exclusion("position", "tube"),
    _of_exclusion("scan_id", "scan"),
    rule_forms.animal("exclusions"),
    Rule(
        "unknown-session",
        "exclusions",
        "session",
        _no_session_of_dose,
        "the mouse has no dose in this session",
        "Correct the session, or leave it empty to exclude all",
    ),
    rule_forms.region("exclusions", "region"),
    Rule(
        "unknown-tube",
        "exclusions",
        "position",
        _unknown_tube,
        "this tube is not in the sheet of tubes",
        "Check file, rack and position",
    ),
    rule_forms.member(
        "exclusions",
        "scan_id",
        "unknown-scan",
        "the scan is not in the sheet of scans",
        "the sheet of scans",
        lambda c: c.scan_rows,
        home="scans",
    ),
    Rule(
        "override-target",
        "overrides",
        "row",
        lambda c: c["overrides"].given("row") & ~is_row_number(c["overrides"]),
        "this is no number of a row",
        "Write the row as Excel shows it; the header is row 1",
    ),
    Rule(
        "override-no-change",
        "overrides",
        "new",
        lambda c: (
            (c["overrides"].text("old") == c["overrides"].text("new")).to_numpy(dtype=np.bool_)
            & ~c["overrides"].unreadable("old", "new")
        ),
        "the old value and the new one are the same",
        "Write what the cell should hold into 'new'",
    ),
    rule_forms.unique("clocks", ("device",), "device", "the device stands twice", "One row a device"),
    rule_forms.member(
        "volumes",
        "scan_id",
        "unknown-scan",
        "the scan is not in the sheet of scans",
        "the sheet of scans",
        lambda c: c.scan_rows,
        home="scans",
    ),
    rule_forms.region("volumes", "region"),
    rule_forms.unique(
        "volumes", ("scan_id", "region"), "region", "the region of this scan stands twice", "Keep one of them"
    ),
)
