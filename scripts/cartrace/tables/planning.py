"""Contracts of the next cohort and of planned studies."""

from __future__ import annotations

from cartrace.tables.columns import ANALYSIS, GROUP, REASON, REGION, SESSION, STATUS
from cartrace.tables.contract import Table, count, flag, number, text


class Power(Table):
    """One row per effect and power: how many mice the next cohort needs, by the scatter of this study."""

    key = ("analysis", "effect", "power")
    analysis = ANALYSIS
    effect = number("Ratio of geometric means (log) or difference of means that is to be detected", required=True)
    power = number("Chance of detecting it", required=True, at_least=0, at_most=1)
    scale = text("Scale of the primary comparison", required=True, choices=("log", "linear"))
    sd = number("Standard deviation between mice within groups and cohorts, on that scale", at_least=0)
    sd_ci_low = number("Lower limit", at_least=0)
    sd_ci_high = number("Upper limit", at_least=0)
    sd_df = number("Degrees of freedom behind it", at_least=0)
    alpha = number("Two-sided level of the test", at_least=0, at_most=1)
    n_per_group = number("Mice per group with a value", at_least=0)
    n_per_group_ci_low = number("The same at the lower limit of the scatter", at_least=0)
    n_per_group_ci_high = number("The same at the upper limit of the scatter", at_least=0)
    lost_frac = number("Share of this study's mice without a value", at_least=0, at_most=1)
    n_enrolled = number("Mice per group to start with, where as many are lost again", at_least=0)
    n_studies = count(
        "Cohorts of n_enrolled mice per group that were simulated (rates of a curve, and the times behind them)"
    )
    power_simulated = number("Share of them that found the effect; mice whose fit gives nothing are lost", at_least=0)
    power_simulated_ci_low = number("Lower limit of the share, for the number of simulated cohorts (Wilson, 95 %)")
    power_simulated_ci_high = number("Upper limit", at_most=1)
    simulation_note = text("Why nothing was simulated")
    status = STATUS
    reason = REASON


class PlannedPrecision(Table):
    """One row per group, session and region of a plan, by PET, and by the counter at each time to the count.

    The mouse is the median one of its group.
    """

    key = ("group", "session", "modality", "region", "count_delay_h")
    group = GROUP
    session = SESSION
    modality = text("How it is measured", required=True, choices=("counter", "pet"))
    region = REGION
    count_delay_h = number("From the end of the mouse to the count (counter)")
    day = number("Day on the cell clock", required=True)
    cells = number("Cells in the region", at_least=0)
    mass_g = number("Mass of the tissue", above=0)
    uptake_pct_id = number("Uptake", at_least=0)
    uptake_pct_id_per_g = number("Uptake per mass", at_least=0)
    cells_pct_id = number("Part of it that the cells make", at_least=0)
    activity_kbq = number("Activity at the count (counter)", at_least=0)
    gross_counts = number("Expected counts with background (counter)", at_least=0)
    dead_time_pct = number("Dead-time loss (counter)", at_least=0)
    rel_se_count = number("Relative uncertainty from counting, or of a PET region", at_least=0)
    rel_se_mass = number("Relative uncertainty of the mass (counter)", at_least=0)
    rel_se_dose = number("Relative uncertainty of the dose", at_least=0)
    rel_se = number("Relative uncertainty, all of them", at_least=0)
    critical_level_pct_id = number("Uptake above which a tube is detected (counter)", at_least=0)
    detection_limit_pct_id = number("Uptake that is detected with 95 % (counter)", at_least=0)
    is_below_detection = flag("The tube of the median mouse is not detected (counter)")
    detection_limit_cells = number("Fewest cells that show above the background group with 95 %", at_least=0)
    cells_are_seen = flag("The cells of the median mouse show above the background group")


class PlannedPower(Table):
    """One row per number of mice and model: how often simulated studies of the plan find the primary difference."""

    key = ("n_per_group", "model")
    n_per_group = count("Mice per group and cohort")
    model = text("Model of expansion; empty where the endpoint is no parameter of a curve")
    n_cohorts = count("Cohorts")
    endpoint = text("Endpoint of the primary comparison", required=True)
    scale = text("Its scale", required=True, choices=("log", "linear"))
    n_studies = count("Simulated studies")
    n_tested = count("Those in which enough mice had a value for a test")
    power = number("Share of all of them with p below the level", at_least=0, at_most=1)
    power_ci_low = number("Lower limit of the share, for the number of simulated studies (Wilson, 95 %)", at_least=0)
    power_ci_high = number("Upper limit", at_most=1)
    median_estimate = number("Median ratio (log) or difference of the groups")
    median_ci_low = number("Median of its lower limits: the precision that the study will have")
    median_ci_high = number("Median of its upper limits")
    lost_frac = number("Share of mice that give no value", at_least=0, at_most=1)
    status = STATUS
    reason = REASON
