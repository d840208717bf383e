"""What the rows of the sheet of tubes must satisfy: a role has its own values, a tissue one tube or named parts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np

from cartrace import rule_forms
from cartrace.cohort import Cohort
from cartrace.rule_forms import Mask, Rule

STANDARD_MASSES = ("standard_mass_g", "dilution_mass_g", "aliquot_mass_g")
STANDARD_READING = ("standard_activity_kbq", "standard_at")


def _role(*roles: str) -> Callable[[Cohort], Mask]:
    return lambda cohort: cohort["tubes"].text("role").isin(roles).to_numpy(dtype=np.bool_)


def _counted_and_read(cohort: Cohort) -> Mask:
    """Return the tail tubes of doses whose tail the calibrator has measured too."""
    tubes, doses = cohort["tubes"], cohort["doses"]
    measured = (
        {key for key, row in cohort.dose_rows.items() if doses.given("tail_activity_kbq")[row]}
        if _role("tail")(cohort).any()
        else set()
    )
    keys = zip(tubes.frame["animal_id"], tubes.frame["session"], strict=True)
    return np.array([key in measured for key in keys], dtype=np.bool_) & _role("tail")(cohort)


def _one_tracer(cohort: Cohort) -> Mask:
    """Return the tubes of two sessions whose doses have the same tracer."""
    frame, tracers = cohort["tubes"].frame, cohort.column("doses", "tracer")
    keys = zip(frame["animal_id"], frame["session"], frame["second_session"], strict=True)
    both = [[cohort.dose_rows.get((animal, name), -1) for name in names] for animal, *names in keys]
    return np.array([min(pair) >= 0 and tracers[pair[0]] == tracers[pair[1]] for pair in both], dtype=np.bool_)


def _one_of(role: str, key: tuple[str, ...], column: str, why: str) -> Rule:
    """Return the rule that tubes of a role have a key of their own."""
    rule = rule_forms.unique(
        "tubes", key, column, why, "Tell them apart with 'part', or correct one of them", "two-tubes"
    )
    # Tubes of other roles, and cells that could not be read, are no second tube of anything.
    return replace(rule, breaks=lambda cohort: rule.breaks(cohort) & _role(role)(cohort))


def _no_mass(cohort: Cohort) -> Mask:
    tubes = cohort["tubes"]
    weighed = tubes.given("mass_g") | tubes.given("tare_g") | tubes.given("gross_g")
    return _role("tissue")(cohort) & ~weighed


def _both_masses(cohort: Cohort) -> Mask:
    tubes = cohort["tubes"]
    return tubes.given("mass_g") & (tubes.given("tare_g") | tubes.given("gross_g"))


def _half_weighed(empty: str, filled: str) -> Rule:
    def breaks(cohort: Cohort) -> Mask:
        tubes = cohort["tubes"]
        return tubes.given(filled) & ~tubes.given(empty) & ~tubes.given("mass_g")

    why = "tare and gross belong together; one of them is empty"
    return Rule("pair-incomplete", "tubes", empty, breaks, why, "Fill in both, or write the net mass under 'mass'")


def _given_any(cohort: Cohort, columns: Collection[str]) -> Mask:
    given: Mask = np.logical_or.reduce([cohort["tubes"].given(column) for column in columns])
    return given


def _no_standard(cohort: Cohort) -> Mask:
    return _role("standard")(cohort) & ~_given_any(cohort, STANDARD_MASSES + STANDARD_READING)


def _partial_standard(column: str) -> Rule:
    def breaks(cohort: Cohort) -> Mask:
        return _role("standard")(cohort) & _given_any(cohort, STANDARD_MASSES) & ~cohort["tubes"].given(column)

    why = "a weighed standard needs its three masses: standard, dilution, aliquot"
    return Rule("standard-incomplete", "tubes", column, breaks, why, "Fill in the one that is empty")


def _not_for_role(column: str, *roles: str) -> Rule:
    def breaks(cohort: Cohort) -> Mask:
        return _role(*roles)(cohort) & cohort["tubes"].given(column)

    why = f"a tube of the role {', '.join(roles[:-1])} or {roles[-1]} has no such value"
    return Rule("not-for-role", "tubes", column, breaks, why, "Correct the role, or empty the cell")


# ASSUME: a tissue collected within a day of the mouse's end was taken at its end.
_POST_MORTEM_S = 86_400.0

TUBE_RULES: tuple[Rule, ...] = (
    rule_forms.unique(
        "tubes", ("counter_file", "rack", "position"), "position", "the position stands twice", "Correct one of them"
    ),
    *(
        rule_forms.needs(
            "tubes",
            column,
            _role("tissue", "tail"),
            "tube-incomplete",
            "a tube of the role tissue or tail needs it",
            "Fill it in",
        )
        for column in ("animal_id", "session")
    ),
    rule_forms.needs(
        "tubes",
        "tissue",
        _role("tissue"),
        "tube-incomplete",
        "a tube of the role tissue needs its tissue",
        "Fill it in",
    ),
    rule_forms.animal("tubes"),
    rule_forms.session("tubes"),
    rule_forms.session("tubes", "second_session"),
    Rule(
        "same-tracer",
        "tubes",
        "second_session",
        _one_tracer,
        "both sessions of the tube have one tracer, which no counter can take apart",
        "Name the session of the other tracer, or leave the cell empty",
    ),
    rule_forms.region("tubes", "tissue"),
    Rule(
        "mass-missing", "tubes", "mass_g", _no_mass, "the tissue has no mass", "Fill in 'mass', or 'tare' and 'gross'"
    ),
    Rule(
        "mass-twice",
        "tubes",
        "mass_g",
        _both_masses,
        "'mass' stands beside 'tare' or 'gross'",
        "Give the net mass or the two weighings",
    ),
    _half_weighed("tare_g", "gross_g"),
    _half_weighed("gross_g", "tare_g"),
    Rule(
        "gross-not-above-tare",
        "tubes",
        "gross_g",
        rule_forms.reaches("tubes", "tare_g", "gross_g"),
        "the full tube is not heavier than the empty one",
        "Check both weighings and their units",
    ),
    rule_forms.needs(
        "tubes", "tracer", _role("standard"), "tube-incomplete", "a standard needs its tracer", "Fill it in"
    ),
    rule_forms.tracer("tubes"),
    Rule(
        "standard-incomplete",
        "tubes",
        "standard_mass_g",
        _no_standard,
        "the standard has neither masses nor an activity",
        "Fill in standard_mass, dilution_mass and aliquot_mass, or standard_activity and standard_at",
    ),
    *(_partial_standard(column) for column in STANDARD_MASSES),
    *rule_forms.pair("tubes", *STANDARD_READING),
    Rule(
        "standard-mass",
        "tubes",
        "dilution_mass_g",
        lambda c: (
            rule_forms.reaches("tubes", "standard_mass_g", "dilution_mass_g")(c)
            | rule_forms.reaches("tubes", "aliquot_mass_g", "dilution_mass_g")(c)
        ),
        "the dilution is not heavier than the standard or the aliquot",
        "'dilution_mass' is the total mass with the standard in it; check the masses and their units",
    ),
    *(_not_for_role(column, "tissue", "tail", "blank") for column in STANDARD_MASSES + STANDARD_READING),
    *(
        _not_for_role(column, "standard", "blank")
        for column in ("animal_id", "second_session", "tissue", "mass_g", "tare_g", "gross_g")
    ),
    _one_of(
        "tissue",
        ("role", "animal_id", "session", "tissue", "part"),
        "tissue",
        "the tissue of this mouse and session stands twice",
    ),
    _one_of(
        "tail",
        ("role", "animal_id", "session", "part"),
        "animal_id",
        "the tail of this mouse and session stands twice",
    ),
    Rule(
        "tail-twice",
        "tubes",
        "role",
        _counted_and_read,
        "the tail is counted here, and the dose has a 'tail_activity' by the calibrator as well",
        "Keep one of the two",
    ),
    rule_forms.before(
        "tubes",
        "collected_at",
        lambda c: c.tube_injected_s,
        "order",
        "the sample was taken before the injection",
    ),
    rule_forms.after_end("tubes", "collected_at", grace_s=_POST_MORTEM_S),
)
