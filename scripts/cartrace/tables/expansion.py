"""Contracts of stage 5: fits, what they estimate, and the choice among them."""

from __future__ import annotations

from cartrace.tables.columns import ANALYSIS, ANIMAL, COHORT, GROUP, MODEL, REASON, STATUS
from cartrace.tables.contract import Table, count, flag, number, text


class Estimates(Table):
    """One row per model, analysis, mouse or group, and parameter."""

    key = ("model", "analysis", "level", "group", "cohort", "animal_id", "parameter")
    model = MODEL
    analysis = ANALYSIS
    level = text(
        "Whose parameter: a mouse's; a group's, as the mean over its mice; a group's in one fit of all mice",
        required=True,
        choices=("animal", "group", "population"),
    )
    group = GROUP
    cohort = text("Cohort (animal level)")
    animal_id = text("Mouse (animal level)")
    parameter = text("Parameter or derived quantity", required=True)
    unit = text("Its unit")
    estimate = number("Estimate on its own scale; at group level the geometric mean where the scale is log")
    scale = text("Scale of standard error and interval", required=True, choices=("log", "linear", "logit"))
    se = number("Standard error on that scale", at_least=0)
    df = number("Degrees of freedom", at_least=0)
    ci_low = number("Lower limit on the estimate's own scale")
    ci_high = number("Upper limit on the estimate's own scale")
    ci_level = number("Level of the interval", at_least=0, at_most=1)
    ci_method = text("Method of the interval")
    n_points = count("Points (animal level) or mice")
    n_censored = count("Points below detection among them")
    status = text("Outcome", required=True, choices=("ok", "not_estimable", "at_bound", "not_converged"))
    reason = text("Why the row holds no result, or what limits it")


class Noncompartmental(Table):
    """One row per analysis and mouse: its quantified points without any model."""

    key = ("analysis", "cohort", "animal_id")
    analysis = ANALYSIS
    cohort = COHORT
    animal_id = ANIMAL
    group = GROUP
    unit = text("Unit of the response")
    n_points = count("Quantified points")
    n_censored = count("Points below detection, which take no part")
    first_day = number("First quantified scan")
    last_day = number("Last quantified scan")
    peak = number("Highest response", above=0)
    time_of_peak = number("Its day")
    auc = number("Area between both scans, linear up and logarithmic down [unit · day]", at_least=0)
    auc_linear = number("The same by the linear rule alone", at_least=0)
    terminal_rate = number("Rate of the last decline [1/day]", above=0)
    terminal_half_life = number("Its half-life [day]", above=0)
    n_terminal = count("Points behind it")
    terminal_r_squared = number("Their adjusted r²", at_most=1)
    status = STATUS
    reason = text("Why the row holds no result, or what limits it")


class PopulationTests(Table):
    """One row per model, analysis and pair of groups: their growth in one mixed model of all their mice."""

    key = ("model", "analysis", "parameter", "group_a", "group_b")
    model = MODEL
    analysis = ANALYSIS
    parameter = text("What is compared", required=True)
    group_a = text("Group", required=True)
    group_b = text("Group that it is held against", required=True)
    n_a = count("Mice of group_a")
    n_b = count("Mice of group_b")
    n_points = count("Points of both")
    n_censored = count("Points below detection among them")
    method = text("How both were fitted")
    scale = text("Scale of the comparison", required=True, choices=("log", "linear"))
    estimate = number("Ratio group_a / group_b where the scale is log, else the difference")
    se = number("Standard error on that scale", at_least=0)
    df = number("Degrees of freedom of the interval", at_least=0)
    ci_low = number("Lower limit")
    ci_high = number("Upper limit")
    ci_level = number("Level of the interval", at_least=0, at_most=1)
    statistic = number("t of a linear mixed model, otherwise twice the gain of log-likelihood")
    p_value = number("p value that holds for few mice", at_least=0, at_most=1)
    p_method = text("How it was made: Kenward-Roger, bootstrap or permutation")
    p_large_sample = number("Chi-square p value; too small for few mice", at_least=0, at_most=1)
    n_simulated = count("Simulated studies")
    n_failed = count("Those that could not be fitted")
    mouse_sd = number("Standard deviation between mice, on the scale of the comparison", at_least=0)
    residual_sd = number("Scatter of the log response about a mouse's curve", at_least=0)
    status = text("Outcome", required=True, choices=("ok", "not_estimable", "not_converged"))
    reason = text("Why the row holds no result, or what limits it")


class Curves(Table):
    """One row per model, analysis, mouse or group, and day of the drawn curve."""

    key = ("model", "analysis", "level", "group", "cohort", "animal_id", "cell_day")
    model = MODEL
    analysis = ANALYSIS
    level = text("Whose curve", required=True, choices=("animal", "group"))
    group = GROUP
    cohort = text("Cohort (animal level)")
    animal_id = text("Mouse (animal level)")
    cell_day = number("Time since the cells were given", required=True)
    fitted = number("Fitted response, in the response's unit")
    ci_low = number("Lower limit of the band")
    ci_high = number("Upper limit of the band")


class Fits(Table):
    """One row per model, analysis and mouse: how the fit went."""

    key = ("model", "analysis", "cohort", "animal_id")
    model = MODEL
    analysis = ANALYSIS
    cohort = COHORT
    animal_id = ANIMAL
    group = GROUP
    n_points = count("Points in the window")
    n_censored = count("Points below detection among them")
    n_parameters = count("Parameters of the curve")
    error_model = text("Error model", required=True, choices=("log_normal", "additive", "combined"))
    sigma = number("Its residual scatter; that of the other mice where there is no own", at_least=0)
    log_likelihood = number("Log-likelihood with the residual scatter shared by all mice of the model")
    status = text("Outcome", required=True, choices=("ok", "not_estimable", "at_bound", "not_converged"))
    reason = text("Why the row holds no result, or what limits it")


class Selection(Table):
    """One row per analysis and model: the choice of one model for the study by pooled AICc."""

    key = ("analysis", "model")
    analysis = ANALYSIS
    model = MODEL
    n_animals = count("Mice fitted by every compared model")
    n_points = count("Their points")
    n_parameters = count("Parameters over all mice, the shared scatter included")
    log_likelihood = number("Log-likelihood summed over mice")
    aicc = number("AICc pooled over mice")
    delta_aicc = number("AICc minus the lowest", at_least=0)
    weight = number("Akaike weight", at_least=0, at_most=1)
    chosen = flag("The study's model")
    status = text("Outcome", required=True, choices=("ok", "not_estimable", "not_compared"))
    reason = REASON
