"""Contracts of stage 6: what is compared, and its summary per group."""

from __future__ import annotations

from typing import ClassVar

from cartrace.tables.columns import ANALYSIS, ANIMAL, COHORT, EXCLUSION, GROUP, REASON, STATUS
from cartrace.tables.contract import Table, count, flag, number, text


class Endpoints(Table):
    """One row per endpoint and mouse: the values that summaries and comparisons are made from.

    Several scans of one session are their arithmetic mean. Both analyses hold every mouse; a row with status ok takes
    part in `all`, and in `without_excluded` where it is not excluded. A mouse of which some scans are excluded is not
    excluded: in `without_excluded` its value is the mean of the others.
    """

    key: ClassVar[tuple[str, ...]] = (
        "analysis",
        "endpoint",
        "modality",
        "region",
        "session",
        "cohort",
        "animal_id",
    )
    analysis = ANALYSIS
    endpoint = text("Endpoint", required=True)
    modality = text("How it was measured, where that matters", choices=("counter", "pet"))
    region = text("Region")
    session = text("Session")
    cohort = COHORT
    animal_id = ANIMAL
    group = GROUP
    unit = text("Unit")
    value = number("Value of the mouse")
    own_se = number("Its standard uncertainty by what is the mouse's own: counts, dose, fit", at_least=0)
    shared_se = number("Its standard uncertainty by what is common to the study, of the sign of the value")
    blanks_se = number(
        "Its standard uncertainty by the blanks of a run (uptake), or the background mice (cells)", at_least=0
    )
    is_below_detection = flag("The value is below detection")
    detection_level = number("Critical level in the unit of the value: a value below detection lies under it", above=0)
    status = STATUS
    reason = REASON
    excluded = flag("All that the value rests on is excluded")
    exclusion_reason = EXCLUSION


class Summaries(Table):
    """One row per endpoint and group."""

    key = ("analysis", "endpoint", "modality", "region", "session", "group")
    analysis = ANALYSIS
    endpoint = text("Endpoint", required=True)
    modality = text("How it was measured, where that matters", choices=("counter", "pet"))
    region = text("Region")
    session = text("Session")
    group = GROUP
    unit = text("Unit")
    n = count("Mice with a value")
    mean = number("Mean")
    sd = number("Standard deviation between mice", at_least=0)
    measurement_se = number(
        "Standard uncertainty of the mean by the measurement alone (uptake): what is a mouse's own averages out, what "
        "is common to the study does not",
        at_least=0,
    )
    shared_se = number(
        "Part of it that is common to study and run: it shifts all mice alike, so that no scatter and no interval has "
        "it, and cancels from ratios of groups",
        at_least=0,
    )
    total_se = number(
        "Standard uncertainty of the mean by scatter between mice and what is common to the study", at_least=0
    )
    geometric_mean = number("Geometric mean; empty where a value is not positive")
    median = number("Median")
    minimum = number("Lowest value")
    maximum = number("Highest value")
    ci_low = number("Lower limit of the mean, by t; empty below three mice")
    ci_high = number("Upper limit of the mean, by t; empty below three mice")
    geometric_mean_ci_low = number("Lower limit of the geometric mean, by t on the log scale; empty like it")
    geometric_mean_ci_high = number("Upper limit of the geometric mean, by t on the log scale; empty like it")
    n_excluded = count("Mice that the analysis leaves out by decision")
    n_below_detection = count("Mice below detection among those with a value")
    n_not_estimable = count("Mice without a value")


class Alternatives(Endpoints):
    """One row per endpoint of a declared comparison, mouse, and choice upstream of it: its value under that choice.

    One thing is chosen otherwise at a time. The model of expansion stays the one that the study chose; where a curve is
    fitted, rows in which the model is chosen anew under the choice stand beside, and name it.
    """

    key = ("choice", "variant", *Endpoints.key)
    choice = text(
        "What was chosen otherwise", required=True, choices=("half_life", "dose_route", "partial_volume", "subtraction")
    )
    variant = text("How", required=True)
