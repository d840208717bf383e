"""Contracts of stage 6: comparisons of groups, and what stands beside them."""

from __future__ import annotations

from cartrace.tables.columns import ANALYSIS, GROUP, REASON, STATUS
from cartrace.tables.contract import Table, count, flag, number, text


class Comparisons(Table):
    """One row per endpoint, pair of groups, analysis and scale.

    Where a value of zero or less makes the comparison on the log scale impossible, its row says so, and a row on the
    linear scale stands beside it.
    """

    key = ("analysis", "endpoint", "modality", "region", "session", "group_a", "group_b", "scale")
    analysis = ANALYSIS
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
    status = STATUS
    reason = REASON


class Overall(Table):
    """One row per endpoint and test of three or more groups at once."""

    key = ("analysis", "endpoint", "modality", "region", "session", "scale", "test")
    analysis = ANALYSIS
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
    status = STATUS
    reason = REASON


class Paired(Table):
    """One row per declared comparison of two sessions of the same mice."""

    key = ("analysis", "family", "endpoint", "modality", "region", "group", "session_a", "session_b")
    analysis = ANALYSIS
    family = text("Declared family of comparisons", required=True)
    endpoint = text("Endpoint", required=True)
    modality = text("How it was measured, where that matters", choices=("counter", "pet"))
    region = text("Region")
    group = GROUP
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
    status = STATUS
    reason = REASON


class Forest(Table):
    """One row per primary or declared secondary comparison and cohort, and one of all cohorts together.

    Cohorts are blocks: `fixed` is the difference within cohorts, pooled; `random` stands beside it from five cohorts
    on.
    """

    key = ("analysis", "endpoint", "modality", "region", "session", "group_a", "group_b", "scale", "level", "cohort")
    analysis = ANALYSIS
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
    status = STATUS
    reason = REASON


class Diagnostics(Table):
    """One row per primary or declared secondary comparison and check of what its test takes for granted."""

    key = ("analysis", "endpoint", "modality", "region", "session", "group_a", "group_b", "scale", "check", "subject")
    analysis = ANALYSIS
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
    analysis = ANALYSIS
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
    status = STATUS
    reason = REASON


class Sensitivity(Table):
    """One row per way in which a declared comparison could also have been made, and whether its conclusion moves.

    The primary comparison is made in every way, a secondary one under the choices upstream, with every model that was
    fitted, with cohorts as blocks, and with the mice without a value at either end of all ranks. Of two sessions of the
    same mice, group_b is group_a, and session_b the session that session is compared with.
    """

    key = (
        "analysis",
        "endpoint",
        "modality",
        "region",
        "session",
        "session_b",
        "group_a",
        "group_b",
        "family",
        "scale",
        "choice",
        "variant",
    )
    analysis = ANALYSIS
    endpoint = text("Endpoint", required=True)
    modality = text("How it was measured, where that matters", choices=("counter", "pet"))
    region = text("Region")
    session = text("Session")
    session_b = text("Session it is compared with, in the same mice (paired families)")
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
            "partial_volume",
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
    status = STATUS
    reason = REASON
