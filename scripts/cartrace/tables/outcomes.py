"""Contracts of stage 6: survival, and whether an early signal tells what becomes of a mouse."""

from __future__ import annotations

from cartrace.tables.columns import ANALYSIS, REASON, STATUS
from cartrace.tables.contract import Table, count, number, text


class Survival(Table):
    """One row per group (its median), per pair of groups (log-rank, Cox), and of all groups together (log-rank)."""

    key = ("analysis", "level", "group_a", "group_b")
    analysis = ANALYSIS
    level = text("What the row is about", required=True, choices=("group", "pair", "all"))
    group_a = text("Group")
    group_b = text("Group it is compared with (pair)")
    n_a = count("Mice of group_a, or of all groups")
    n_b = count("Mice of group_b")
    n_events_a = count("Deaths of group_a, or of all groups: humane endpoint or found dead")
    n_events_b = count("Deaths of group_b")
    median_day = number("Median survival on the cell clock (group)")
    log_rank = number("Log-rank chi-squared", at_least=0)
    df = number("Its degrees of freedom", at_least=0)
    p_value = number("p of the log-rank test", at_least=0, at_most=1)
    p_method = text("How p was found")
    p_adjusted = number("p, adjusted by Holm over the pairs", at_least=0, at_most=1)
    hazard_ratio = number("Hazard of group_a over group_b (Cox, ties after Efron)", above=0)
    hazard_ratio_ci_low = number("Lower limit", at_least=0)
    hazard_ratio_ci_high = number("Upper limit", at_least=0)
    cox_p_value = number("p of the hazard ratio by likelihood ratio", at_least=0, at_most=1)
    ci_level = number("Level of the interval", at_least=0, at_most=1)
    status = STATUS
    reason = REASON


class Predictions(Table):
    """One row per declared early signal and outcome, group of mice, and way to judge the one by the other."""

    key = ("analysis", "early", "outcome", "group", "method")
    analysis = ANALYSIS
    early = text("Early signal", required=True)
    outcome = text("Outcome", required=True)
    group = text("Group; empty: all groups that have both")
    method = text(
        "Rank correlation, ROC curve, chosen cut-off, hazard after the landmark, days from tumour peak to cell peak",
        required=True,
        choices=("spearman", "roc_auc", "cutoff", "cox_landmark", "peak_lag"),
    )
    n = count("Mice with both")
    n_good = count("Mice with the good outcome, or alive at the end")
    estimate = number(
        "Spearman's rho, positive where a higher signal goes with the good outcome; area under the curve; share told "
        "rightly, each mouse by the others; hazard ratio per doubling of the signal; median days"
    )
    ci_low = number("Lower limit")
    ci_high = number("Upper limit")
    ci_level = number("Level of the interval", at_least=0, at_most=1)
    p_value = number("p", at_least=0, at_most=1)
    cutoff = number("Cut-off of the signal (cutoff), landmark day (cox_landmark)")
    ci_method = text("Method of the interval")
    status = STATUS
    reason = text("Why the row holds no result, or what limits it")
