"""Contracts of stage 6: two measurements of the same mice."""

from __future__ import annotations

from cartrace.tables.columns import ANALYSIS, REASON, REGION, SESSION, STATUS
from cartrace.tables.contract import Table, count, number, text


class ReadoutAgreement(Table):
    """One row per readout, session and analysis: the followed response against another measurement of the same mice."""

    key = ("analysis", "endpoint", "region", "session", "readout")
    analysis = ANALYSIS
    endpoint = text("Followed response", required=True)
    region = text("Region")
    session = SESSION
    readout = text("Readout", required=True)
    unit = text("Its unit")
    n = count("Mice with both, above detection and above zero, measured within a day")
    spearman = number("Spearman's rank correlation", at_least=-1, at_most=1)
    spearman_ci_low = number("Lower limit")
    spearman_ci_high = number("Upper limit")
    p_value = number("p of the rank correlation", at_least=0, at_most=1)
    slope = number("Slope of log readout on log response (Deming); 1 where they are proportional")
    slope_ci_low = number("Lower limit")
    slope_ci_high = number("Upper limit")
    ci_level = number("Level of the intervals", at_least=0, at_most=1)
    status = STATUS
    reason = REASON


class Agreement(Table):
    """One row per region and analysis: PET against the counter in the same mice, as a log ratio."""

    key = ("analysis", "region", "session")
    analysis = ANALYSIS
    region = REGION
    session = SESSION
    n = count("Mice measured both ways")
    quantity = text("What is compared", required=True, choices=("uptake_pct_id_per_g", "uptake_pct_id_per_ml"))
    ratio = number("Geometric mean of PET over counter")
    ratio_ci_low = number("Lower limit")
    ratio_ci_high = number("Upper limit")
    limit_low = number("Lower limit of agreement")
    limit_low_ci_low = number("Its lower limit")
    limit_low_ci_high = number("Its upper limit")
    limit_high = number("Upper limit of agreement")
    limit_high_ci_low = number("Its lower limit")
    limit_high_ci_high = number("Its upper limit")
    status = STATUS
    reason = REASON
