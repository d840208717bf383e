"""Contract of stage 6: mice dissected at several times."""

from __future__ import annotations

from cartrace.tables.columns import ANALYSIS, GROUP, REGION, STATUS
from cartrace.tables.contract import Table, count, number, text


class Destructive(Table):
    """One row per group, tissue and quantity of a design in which each mouse was dissected at one of several times.

    Only of tissues that were counted at three times or more after one injection; else the table is empty.
    """

    key = ("analysis", "group", "tracer", "injection_day", "region", "reference", "quantity")
    analysis = ANALYSIS
    group = GROUP
    tracer = text("Tracer", required=True)
    injection_day = number("Day of the injection on the cell clock, rounded", required=True)
    region = REGION
    reference = text("Tissue that a ratio is made to")
    quantity = text(
        "What is estimated",
        required=True,
        choices=("auc", "auc_ratio", "biological_half_life", "effective_half_life", "tiac", "tiac_human"),
    )
    unit = text("Its unit")
    estimate = number("Estimate")
    se = number("Its standard error; of a half-life and a ratio by the delta method", at_least=0)
    df = number("Degrees of freedom", at_least=0)
    ci_low = number("Lower limit")
    ci_high = number("Upper limit; empty where there is none")
    ci_level = number("Level of the interval", at_least=0, at_most=1)
    ci_method = text("Method of the interval")
    first_h = number("First sacrifice that takes part, after the injection")
    last_h = number("Last sacrifice that takes part, after the injection")
    n_times = count("Times of sacrifice that take part")
    n_animals = count("Mice that take part")
    rule = text("What was done before the first and after the last time")
    status = STATUS
    reason = text("Why the row holds no result, or what limits it")
