"""Contracts of stage 6: endpoints, comparisons of groups, and what stands beside them."""

from __future__ import annotations

from typing import ClassVar

from cartrace.tables.contract import Table, count, flag, number, text

_COHORT = text("Cohort", required=True)
_ANIMAL = text("Mouse", required=True)
_SESSION = text("Session", required=True)
_REGION = text("Region or tissue", required=True)
_GROUP = text("Group", required=True)
_STATUS = text("Whether the row holds a result", required=True, choices=("ok", "not_estimable"))
_REASON = text("Why the row holds no result")
_EXCLUSION = text("Why, from the sheet of exclusions")
_ANALYSIS = text("Which rows took part", required=True, choices=("all", "without_excluded"))


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
    analysis = _ANALYSIS
    endpoint = text("Endpoint", required=True)
    modality = text("How it was measured, where that matters", choices=("counter", "pet"))
    region = text("Region")
    session = text("Session")
    cohort = _COHORT
    animal_id = _ANIMAL
    group = _GROUP
    unit = text("Unit")
    value = number("Value of the mouse")
    own_se = number("Its standard uncertainty by what is the mouse's own, counts and dose (uptake)", at_least=0)
    shared_se = number("Its standard uncertainty by what is common to the study, of the sign of the value (uptake)")
    blanks_se = number("Its standard uncertainty by the blanks, common to the tubes of a run (uptake)", at_least=0)
    is_below_detection = flag("The value is below detection")
    detection_level = number("Critical level in the unit of the value: a value below detection lies under it", above=0)
    status = _STATUS
    reason = _REASON
    excluded = flag("All that the value rests on is excluded")
    exclusion_reason = _EXCLUSION


class Summaries(Table):
    """One row per endpoint and group."""

    key = ("analysis", "endpoint", "modality", "region", "session", "group")
    analysis = _ANALYSIS
    endpoint = text("Endpoint", required=True)
    modality = text("How it was measured, where that matters", choices=("counter", "pet"))
    region = text("Region")
    session = text("Session")
    group = _GROUP
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


class Comparisons(Table):
    """One row per endpoint, pair of groups, analysis and scale.

    Where a value of zero or less makes the comparison on the log scale impossible, its row says so, and a row on the
    linear scale stands beside it.
    """

    key = ("analysis", "endpoint", "modality", "region", "session", "group_a", "group_b", "scale")
    analysis = _ANALYSIS
    endpoint = text("Endpoint", required=True)
    modality = text("How it was measured, where that matters", choices=("counter", "pet"))
    region = text("Region")
    session = text("Session")
    group_a = text("Group", required=True)
    group_b = text("Group it is compared with", required=True)
    unit = text("Unit of the values")
    n_a = count("Mice of group_a with a value")
    n_b = count("Mice of group_b with a value")
    n_below_detection_a = count("Mice of group_a below detection among them")
    n_below_detection_b = count("Mice of group_b below detection among them")
    n_not_estimable_a = count("Mice of group_a without a value")
    n_not_estimable_b = count("Mice of group_b without a value")
    scale = text("Scale of the test", required=True, choices=("log", "linear"))
    mean_a = number("Geometric mean (log scale) or mean of group_a; its median where ranks are compared")
    mean_b = number("Geometric mean (log scale) or mean of group_b; its median where ranks are compared")
    sd_a = number("Standard deviation of group_a on the scale of the test (of the natural logarithm)", at_least=0)
    sd_b = number("Standard deviation of group_b on the scale of the test (of the natural logarithm)", at_least=0)
    estimate = number("On the log scale the ratio group_a / group_b, else the difference; of ranks the shift")
    ci_low = number("Lower limit; simultaneous for Games-Howell and Dunnett")
    ci_high = number("Upper limit")
    ci_level = number("Level of the interval", at_least=0, at_most=1)
    test = text("Test; mice below detection on the log scale call for one that knows of censoring", required=True)
    statistic_name = text("What the statistic is: t, U, or a difference of means")
    statistic = number("Test statistic")
    df = number("Degrees of freedom", at_least=0)
    p_value = number("p; of simultaneous tests (Games-Howell, Dunnett) over the pairs of groups", at_least=0, at_most=1)
    p_method = text("How p was found: t law, exact, normal law, a number of draws, likelihood ratio, simultaneous")
    p_adjusted = number("p, adjusted within the family; the primary comparison stands alone", at_least=0, at_most=1)
    adjustment = text("Method of adjustment", required=True)
    family = text("Family of comparisons", required=True)
    plan = text(
        "Declared as primary, declared as secondary, or neither",
        required=True,
        choices=("primary", "secondary", "exploratory"),
    )
    is_primary = flag("The declared primary comparison")
    hedges_g = number("Hedges g on the scale of the test")
    hedges_g_ci_low = number("Lower limit")
    hedges_g_ci_high = number("Upper limit")
    rank_biserial = number("Share of pairs of mice with group_a above minus the share below (tests by rank)")
    rank_biserial_ci_low = number("Lower limit")
    rank_biserial_ci_high = number("Upper limit")
    effect_size_kind = text("Which effect size the comparison has, and how its limits were found")
    status = _STATUS
    reason = _REASON


class Overall(Table):
    """One row per endpoint and test of three or more groups at once."""

    key = ("analysis", "endpoint", "modality", "region", "session", "scale", "test")
    analysis = _ANALYSIS
    endpoint = text("Endpoint", required=True)
    modality = text("How it was measured, where that matters", choices=("counter", "pet"))
    region = text("Region")
    session = text("Session")
    scale = text("Scale of the test", required=True, choices=("log", "linear"))
    test = text("Test", required=True)
    groups = text("Groups that were compared", required=True)
    n = count("Their mice")
    statistic = number("Test statistic: F, or H")
    df_numerator = number("Degrees of freedom", at_least=0)
    df_denominator = number("Degrees of freedom of the denominator (F)", at_least=0)
    p_value = number("p", at_least=0, at_most=1)
    p_method = text("How p was found")
    status = _STATUS
    reason = _REASON


class Paired(Table):
    """One row per declared comparison of two sessions of the same mice."""

    key = ("analysis", "family", "endpoint", "modality", "region", "group", "session_a", "session_b")
    analysis = _ANALYSIS
    family = text("Declared family of comparisons", required=True)
    endpoint = text("Endpoint", required=True)
    modality = text("How it was measured, where that matters", choices=("counter", "pet"))
    region = text("Region")
    group = _GROUP
    session_a = text("Session", required=True)
    session_b = text("Session it is compared with", required=True)
    scale = text("Scale of the test", required=True, choices=("log", "linear"))
    unit = text("Unit of the values")
    n = count("Mice measured in both sessions")
    estimate = number("On the log scale the ratio session_a / session_b, else the difference; of ranks their median")
    ci_low = number("Lower limit")
    ci_high = number("Upper limit")
    ci_level = number("Level of the interval", at_least=0, at_most=1)
    test = text("Test", required=True)
    statistic = number("Test statistic: t, or the rank sum of the positive differences")
    df = number("Degrees of freedom", at_least=0)
    p_value = number("p", at_least=0, at_most=1)
    p_method = text("How p was found: t law, exact, normal law")
    p_adjusted = number("p, adjusted within the family", at_least=0, at_most=1)
    hedges_g = number("Hedges g: mean difference over the standard deviation of the differences (paired t)")
    hedges_g_ci_low = number("Lower limit")
    hedges_g_ci_high = number("Upper limit")
    rank_biserial = number("Rank sum of the positive differences minus that of the negative, over both (signed ranks)")
    rank_biserial_ci_low = number("Lower limit")
    rank_biserial_ci_high = number("Upper limit")
    effect_size_kind = text("Which effect size the comparison has, and how its limits were found")
    status = _STATUS
    reason = _REASON


class Forest(Table):
    """One row per primary or declared secondary comparison and cohort, and one of all cohorts together.

    Cohorts are blocks: `fixed` is the difference within cohorts, pooled; `random` stands beside it from five cohorts
    on.
    """

    key = ("analysis", "endpoint", "modality", "region", "session", "group_a", "group_b", "scale", "level", "cohort")
    analysis = _ANALYSIS
    endpoint = text("Endpoint", required=True)
    modality = text("How it was measured, where that matters", choices=("counter", "pet"))
    region = text("Region")
    session = text("Session")
    group_a = text("Group", required=True)
    group_b = text("Group it is compared with", required=True)
    scale = text("Scale of the comparison", required=True, choices=("log", "linear"))
    level = text("One cohort, or all of them pooled", required=True, choices=("cohort", "fixed", "random"))
    cohort = text("Cohort (level cohort)")
    unit = text("Unit of the values")
    plan = text("Declared as primary or as secondary", required=True, choices=("primary", "secondary"))
    family = text("Family of comparisons", required=True)
    n_a = count("Mice of group_a with a value")
    n_b = count("Mice of group_b with a value")
    n_cohorts = count("Cohorts")
    weight_pct = number("Share of the cohort in the fixed pooled estimate", at_least=0, at_most=100)
    estimate = number("On the log scale the ratio group_a / group_b, else the difference")
    ci_low = number("Lower limit")
    ci_high = number("Upper limit")
    ci_level = number("Level of the interval", at_least=0, at_most=1)
    df = number("Degrees of freedom", at_least=0)
    p_value = number("p", at_least=0, at_most=1)
    heterogeneity_q = number("Cochran's Q of the cohorts' differences", at_least=0)
    heterogeneity_p = number("p of the interaction of group and cohort", at_least=0, at_most=1)
    heterogeneity_i2_pct = number("I²: share of the scatter between cohorts beyond chance", at_least=0, at_most=100)
    tau = number("Standard deviation of the difference between cohorts, on the scale of the comparison", at_least=0)
    prediction_low = number("Lower limit for a further cohort (random)")
    prediction_high = number("Upper limit for a further cohort (random)")
    status = _STATUS
    reason = _REASON


class Diagnostics(Table):
    """One row per primary or declared secondary comparison and check of what its test takes for granted."""

    key = ("analysis", "endpoint", "modality", "region", "session", "group_a", "group_b", "scale", "check", "subject")
    analysis = _ANALYSIS
    endpoint = text("Endpoint", required=True)
    modality = text("How it was measured, where that matters", choices=("counter", "pet"))
    region = text("Region")
    session = text("Session")
    group_a = text("Group", required=True)
    group_b = text("Group it is compared with", required=True)
    scale = text("Scale of the comparison", required=True, choices=("log", "linear"))
    check = text(
        "What is checked",
        required=True,
        choices=("normality", "variance_ratio", "influence", "missing", "below_detection", "design"),
    )
    subject = text("Group, mouse, or column of the sheet of animals that it is about")
    n = count("Mice behind it")
    value = number("Shapiro-Wilk's W; ratio of the variances a / b; estimate without the mouse; share of mice")
    p_value = number("p of the check; of influence: p of the comparison without the mouse", at_least=0, at_most=1)
    status = text("Outcome", required=True, choices=("pass", "warn", "fail", "not_estimable"))
    message = text("What it means", required=True)


class Repeated(Table):
    """One row per pair of groups, session and analysis: the linear mixed model of the log response over the sessions.

    The followed response, and PET uptake, ratios and readouts that a declared family has in several sessions.
    `average` is the mean difference over the sessions of the model, `interaction` the test that it is the same in all.
    """

    key = ("analysis", "endpoint", "region", "group_a", "group_b", "contrast", "session")
    analysis = _ANALYSIS
    endpoint = text("Endpoint", required=True)
    region = text("Region")
    group_a = text("Group", required=True)
    group_b = text("Group it is compared with", required=True)
    contrast = text("What is tested", required=True, choices=("session", "average", "interaction"))
    session = text("Session (contrast session)")
    n_a = count("Mice of group_a in the model")
    n_b = count("Mice of group_b in the model")
    n_points = count("Measurements in the model")
    estimate = number("Ratio of geometric means group_a / group_b")
    ci_low = number("Lower limit")
    ci_high = number("Upper limit")
    ci_level = number("Level of the interval", at_least=0, at_most=1)
    statistic = number("t, or F of the interaction")
    df_numerator = number("Degrees of freedom of the numerator (F)", at_least=0)
    df = number("Degrees of freedom after Kenward and Roger", at_least=0)
    p_value = number("p", at_least=0, at_most=1)
    p_adjusted = number("p, adjusted by Holm over the sessions of a pair of groups", at_least=0, at_most=1)
    mouse_sd = number("Standard deviation between mice (natural logarithm)", at_least=0)
    residual_sd = number("Standard deviation within a mouse (natural logarithm)", at_least=0)
    status = _STATUS
    reason = _REASON


class Alternatives(Endpoints):
    """One row per endpoint of a declared comparison, mouse, and choice upstream of it: its value under that choice.

    One thing is chosen otherwise at a time; the model of expansion stays the one that the study chose.
    """

    key = ("choice", "variant", *Endpoints.key)
    choice = text("What was chosen otherwise", required=True, choices=("half_life", "dose_route", "subtraction"))
    variant = text("How", required=True)


class Sensitivity(Table):
    """One row per way in which a declared comparison could also have been made, and whether its conclusion moves.

    The primary comparison is made in every way, a secondary one under the choices upstream and with cohorts as blocks.
    """

    key = (
        "analysis",
        "endpoint",
        "modality",
        "region",
        "session",
        "group_a",
        "group_b",
        "scale",
        "choice",
        "variant",
    )
    analysis = _ANALYSIS
    endpoint = text("Endpoint", required=True)
    modality = text("How it was measured, where that matters", choices=("counter", "pet"))
    region = text("Region")
    session = text("Session")
    group_a = text("Group", required=True)
    group_b = text("Group it is compared with", required=True)
    scale = text("Scale", required=True, choices=("log", "linear"))
    choice = text(
        "What was chosen otherwise; the two analyses are the choice of exclusions",
        required=True,
        choices=(
            "declared",
            "half_life",
            "dose_route",
            "subtraction",
            "scale",
            "test",
            "cohorts",
            "missing",
            "mouse",
            "model",
        ),
    )
    variant = text("How", required=True)
    plan = text("Declared as primary or as secondary", required=True, choices=("primary", "secondary"))
    family = text("Family of comparisons", required=True)
    n_a = count("Mice of group_a")
    n_b = count("Mice of group_b")
    estimate = number("On the log scale the ratio of the groups, else the difference")
    ci_low = number("Lower limit")
    ci_high = number("Upper limit")
    ci_level = number("Level of the interval", at_least=0, at_most=1)
    p_value = number("p", at_least=0, at_most=1)
    p_adjusted = number("p, adjusted within its family under the same choice (secondary)", at_least=0, at_most=1)
    moved = text(
        "What is otherwise than in the declared comparison without excluded mice",
        required=True,
        choices=("nothing", "significance", "direction", "unknown"),
    )
    status = _STATUS
    reason = _REASON


class Power(Table):
    """One row per effect and power: how many mice the next cohort needs, by the scatter of this study."""

    key = ("analysis", "effect", "power")
    analysis = _ANALYSIS
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
    n_studies = count("Cohorts of n_enrolled mice per group that were simulated (growth rate, doubling time)")
    power_simulated = number("Share of them that found the effect; mice whose fit gives nothing are lost", at_least=0)
    power_simulated_ci_low = number("Lower limit of the share, for the number of simulated cohorts (Wilson, 95 %)")
    power_simulated_ci_high = number("Upper limit", at_most=1)
    simulation_note = text("Why nothing was simulated")
    status = _STATUS
    reason = _REASON


class PlannedPrecision(Table):
    """One row per group, session and region of a plan, by PET, and by the counter at each time to the count.

    The mouse is the median one of its group.
    """

    key = ("group", "session", "modality", "region", "count_delay_h")
    group = _GROUP
    session = _SESSION
    modality = text("How it is measured", required=True, choices=("counter", "pet"))
    region = _REGION
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
    status = _STATUS
    reason = _REASON


class Survival(Table):
    """One row per group (its median), per pair of groups (log-rank, Cox), and of all groups together (log-rank)."""

    key = ("analysis", "level", "group_a", "group_b")
    analysis = _ANALYSIS
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
    status = _STATUS
    reason = _REASON


class Predictions(Table):
    """One row per declared early signal and outcome, group of mice, and way to judge the one by the other."""

    key = ("analysis", "early", "outcome", "group", "method")
    analysis = _ANALYSIS
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
    status = _STATUS
    reason = text("Why the row holds no result, or what limits it")


class ReadoutAgreement(Table):
    """One row per readout, session and analysis: the followed response against another measurement of the same mice."""

    key = ("analysis", "endpoint", "region", "session", "readout")
    analysis = _ANALYSIS
    endpoint = text("Followed response", required=True)
    region = text("Region")
    session = _SESSION
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
    status = _STATUS
    reason = _REASON


class Agreement(Table):
    """One row per region and analysis: PET against the counter in the same mice, as a log ratio."""

    key = ("analysis", "region", "session")
    analysis = _ANALYSIS
    region = _REGION
    session = _SESSION
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
    status = _STATUS
    reason = _REASON


class Destructive(Table):
    """One row per group, tissue and quantity of a design in which each mouse was dissected at one of several times.

    Only of tissues that were counted at three times or more after one injection; else the table is empty.
    """

    key = ("analysis", "group", "tracer", "injection_day", "region", "reference", "quantity")
    analysis = _ANALYSIS
    group = _GROUP
    tracer = text("Tracer", required=True)
    injection_day = number("Day of the injection on the cell clock, rounded", required=True)
    region = _REGION
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
    status = _STATUS
    reason = text("Why the row holds no result, or what limits it")
