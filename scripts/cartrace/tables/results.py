"""Contracts of stages 2 to 6: what is calculated."""

from __future__ import annotations

from cartrace.tables.contract import Table, count, flag, number, text, time

_COHORT = text("Cohort", required=True)
_ANIMAL = text("Mouse", required=True)
_SESSION = text("Session", required=True)
_REGION = text("Region or tissue", required=True)
_GROUP = text("Group", required=True)
_MODALITY = text("How it was measured", required=True, choices=("counter", "pet"))
_STATUS = text("Whether the row holds a result", required=True, choices=("ok", "not_estimable"))
_REASON = text("Why the row holds no result")
_EXCLUDED = flag("Left out of the analysis 'without_excluded'")
_EXCLUSION = text("Why, from the sheet of exclusions")
_ANALYSIS = text("Which rows took part", required=True, choices=("all", "without_excluded"))
_MODEL = text("Model of expansion", required=True)


class TubeActivity(Table):
    """One row per counted tube and window: from gross counts to the net rate at injection."""

    key = ("cohort", "counter_file", "rack", "position", "window")
    cohort = _COHORT
    counter_file = text("Counter export", required=True)
    rack = text("Rack")
    position = text("Position", required=True)
    window = text("Counting window", required=True)
    role = text("What the tube is", required=True, choices=("tissue", "tail", "standard", "blank"))
    animal_id = text("Mouse (tissue and tail)")
    session = text("Session (tissue and tail)")
    region = text("Tissue")
    part = text("Part of a tissue that fills several tubes")
    tracer = text("Tracer that is counted", required=True)
    nuclide = text("Its nuclide", required=True)
    mass_g = number("Mass of the sample", above=0)
    counted_at = time("Start of the count", required=True)
    count_s = number("Duration of the count", above=0)
    counts = number("Gross counts", at_least=0)
    gross_cps = number("Gross rate", at_least=0)
    dead_time_factor = number("True rate over observed rate (F7)", at_least=1)
    background_cps = number("Background rate from the blanks of the run", at_least=0)
    background_cps_se = number("Its standard uncertainty", at_least=0)
    net_cps = number("Net rate, averaged over the count (F8)")
    net_cps_se = number("Its standard uncertainty from counting (F9, F10)", at_least=0)
    in_count_factor = number("Decay during the count (F3)", at_least=1)
    reference_at = time("Instant to which the rate is corrected: the injection, or a standard's own reference")
    decay_elapsed_s = number("From that instant to the start of the count")
    decay_factor = number("Decay from that instant to the start of the count (F2)", above=0)
    net_cps_at_injection = number("Net rate at that instant [1/s]")
    net_cps_at_injection_se = number("Its standard uncertainty from counting [1/s]", at_least=0)
    critical_level_cps = number("Net rate above which the tube is detected (F13)", at_least=0)
    detection_limit_cps = number("Net rate that is detected with 95 % (F13)", at_least=0)
    is_below_detection = flag("The net rate is below the critical level")
    standard_cps_per_g = number("Rate per gram of injectate at the run's first standard, by this weighed standard")
    standard_cps_per_kbq = number("Counter sensitivity by this calibrator standard")
    dose_cps = number("Counter equivalent of the net dose in this tube's run, by the route in use (tissue)", above=0)
    dose_time_s = number("Effective time after injection at which that equivalent was measured")
    rel_se_dose_frac = number("Its relative uncertainty common to the mouse and session", at_least=0)
    rel_se_standard_frac = number("Its relative uncertainty common to the study", at_least=0)
    dose_reason = text("Why the dose has no counter equivalent in this tube's run")
    status = _STATUS
    reason = _REASON
    excluded = _EXCLUDED
    exclusion_reason = _EXCLUSION


class DoseActivity(Table):
    """One row per injection: what went into the mouse, in kBq and as the counter would have seen it."""

    key = ("cohort", "animal_id", "session")
    cohort = _COHORT
    animal_id = _ANIMAL
    session = _SESSION
    tracer = text("Tracer", required=True)
    nuclide = text("Nuclide", required=True)
    half_life_s = number("Half-life used", required=True, above=0)
    half_life_se_s = number("Its standard uncertainty", required=True, at_least=0)
    injected_at = time("Time of injection", required=True)
    body_weight_g = number("Body weight", above=0)
    injectate_mass_g = number("Mass of injectate given", above=0)
    full_at_injection_kbq = number("Full syringe at injection")
    residual_at_injection_kbq = number("Residual at injection", at_least=0)
    tail_at_injection_kbq = number("Tail at injection")
    tail_source = text("How the tail was measured", required=True, choices=("calibrator", "counter", "not_measured"))
    tail_pct = number("Tail in percent of the gross dose")
    gross_injected_kbq = number("Full minus residual (F15)")
    net_injected_kbq = number("Gross minus tail (F16)")
    net_injected_kbq_se = number("Its standard uncertainty", at_least=0)
    counter_file = text("Counter export that the counter equivalents hold for; tubes of others have their own")
    standard_cps = number("Counter equivalent of the net dose by the weighed standards (F17)")
    calibrator_cps = number("Counter equivalent of the net dose by the counter's sensitivity (F18)")
    route_ratio = number("The former over the latter (F19); 1 where both agree")
    dose_route = text("Route in use", required=True, choices=("counted_standard", "calibrator"))
    dose_cps = number("Counter equivalent of the net dose by the route in use")
    counter_rel_se_dose_frac = number("Uncertainty common to a mouse and session, counter", at_least=0)
    counter_rel_se_standard_frac = number("Uncertainty common to the study, counter", at_least=0)
    pet_rel_se_dose_frac = number("Uncertainty common to a mouse and session, PET", at_least=0)
    pet_rel_se_standard_frac = number("Uncertainty common to the study, PET", at_least=0)
    counter_dose_time_s = number("Effective time after injection at which the counter equivalent was measured")
    pet_dose_time_s = number("Effective time after injection at which the net dose was measured; before it: negative")
    counter_status = text("Whether the row holds a counter equivalent", required=True, choices=("ok", "not_estimable"))
    counter_reason = text("Why the row holds no counter equivalent")
    status = _STATUS
    reason = _REASON
    excluded = _EXCLUDED
    exclusion_reason = _EXCLUSION


class RoiActivity(Table):
    """One row per scan, region and frame: the mean of the region, corrected to injection."""

    key = ("cohort", "scan_id", "region", "frame")
    cohort = _COHORT
    scan_id = text("Scan", required=True)
    region = _REGION
    frame = count("Frame, from 0")
    animal_id = _ANIMAL
    session = _SESSION
    tracer = text("Tracer", required=True)
    nuclide = text("Nuclide", required=True)
    started_at = time("Start of the scan", required=True)
    frame_start_s = number("Start of the frame after injection", required=True)
    frame_duration_s = number("Duration of the frame", required=True, at_least=0)
    decay_factor = number("Correction from the export's value to injection (F4, F25)", above=0)
    activity_kbq_per_ml = number("Mean of the region at injection")
    activity_kbq_per_ml_se = number("Its standard uncertainty", at_least=0)
    volume_ml = number("Volume of the region", above=0)
    status = _STATUS
    reason = _REASON
    excluded = _EXCLUDED
    exclusion_reason = _EXCLUSION


class Uptake(Table):
    """One row per mouse, session, modality, scan and region: the uptake and its uncertainty."""

    key = ("cohort", "animal_id", "session", "modality", "scan_id", "region")
    cohort = _COHORT
    animal_id = _ANIMAL
    session = _SESSION
    modality = _MODALITY
    scan_id = text("Scan (PET)")
    region = _REGION
    group = _GROUP
    tracer = text("Tracer", required=True)
    nuclide = text("Nuclide", required=True)
    measured_at = time("Middle of the scan, or when the tissue was taken (else counted)")
    tracer_h = number("Time since the injection of the tracer")
    cell_day = number("Time since the cells were given")
    mass_g = number("Mass of the tissue (counter)", above=0)
    volume_ml = number("Volume of the region (PET)", above=0)
    uptake_pct_id = number("Uptake in the whole sample or region (F22)")
    uptake_pct_id_se = number("Its standard uncertainty, all layers", at_least=0)
    uptake_pct_id_per_g = number("Uptake per mass (F23; PET where a density is declared, F24)")
    uptake_pct_id_per_g_se = number("Its standard uncertainty, all layers", at_least=0)
    uptake_pct_id_per_ml = number("Uptake per volume (PET, F24)")
    uptake_pct_id_per_ml_se = number("Its standard uncertainty, all layers", at_least=0)
    suv = number("Standardised uptake value (F26)")
    suv_se = number("Its standard uncertainty, all layers", at_least=0)
    rel_se_count = number("Relative uncertainty of the tube or region alone, its mass included", at_least=0)
    rel_se_dose = number("Relative uncertainty common to the mouse and session", at_least=0)
    rel_se_standard = number("Relative uncertainty common to the study", at_least=0)
    critical_level_pct_id = number("Uptake above which the tube is detected", at_least=0)
    detection_limit_pct_id = number("Uptake that is detected with 95 %", at_least=0)
    is_below_detection = flag("The uptake is below the critical level")
    status = _STATUS
    reason = _REASON
    excluded = _EXCLUDED
    exclusion_reason = _EXCLUSION


class Ratios(Table):
    """One row per uptake and reference region of the same mouse, session and modality."""

    key = ("cohort", "animal_id", "session", "modality", "scan_id", "region", "reference")
    cohort = _COHORT
    animal_id = _ANIMAL
    session = _SESSION
    modality = _MODALITY
    scan_id = text("Scan (PET)")
    region = _REGION
    reference = text("Reference region", required=True)
    group = _GROUP
    tracer_h = number("Time since the injection of the tracer")
    cell_day = number("Time since the cells were given")
    ratio = number("Uptake per mass (counter) or per volume (PET) over that of the reference (F27)")
    ratio_se = number("Its standard uncertainty; what dose and standards share cancels", at_least=0)
    status = _STATUS
    reason = _REASON
    excluded = _EXCLUDED
    exclusion_reason = _EXCLUSION


class Cells(Table):
    """One row per mouse, session, scan and region: the signal of the cells, and their number."""

    key = ("cohort", "animal_id", "session", "scan_id", "region")
    cohort = _COHORT
    animal_id = _ANIMAL
    session = _SESSION
    scan_id = text("Scan (PET)")
    region = _REGION
    modality = _MODALITY
    group = _GROUP
    role = text("The group's role", required=True, choices=("background", "control", "test"))
    cell_day = number("Time since the cells were given")
    signal_pct_id = number("Uptake in the region")
    signal_pct_id_se = number("Its standard uncertainty", at_least=0)
    background_pct_id = number("Mean of the background group in the same cohort and session (F39)")
    background_pct_id_se = number("Its standard uncertainty", at_least=0)
    n_background = count("Mice behind it")
    net_pct_id = number("Signal minus background; negative values stay")
    net_pct_id_se = number("Its standard uncertainty: the signal's, and the scatter between background mice", at_least=0)
    critical_level_pct_id = number("Net signal above which cells are detected (F38)", at_least=0)
    cells = number("Number of cells by inverse prediction (F37)")
    cells_ci_low = number("Lower Fieller limit")
    cells_ci_high = number("Upper Fieller limit")
    detection_limit_cells = number("Number of cells that is detected with 95 % (F38)", at_least=0)
    is_below_detection = flag("The net signal is below its critical level")
    is_extrapolated = flag("The signal lies outside the calibrated range")
    response = number("What is fitted: cells, or the net signal where there is no calibration")
    response_unit = text("Its unit", required=True, choices=("cells", "pct_id"))
    response_critical_level = number("Critical level of the response: a value below it is censored there", at_least=0)
    status = _STATUS
    reason = _REASON
    excluded = _EXCLUDED
    exclusion_reason = _EXCLUSION


class CalibrationLines(Table):
    """One row per cohort and tracer: the weighted line of signal on cells (F37)."""

    key = ("cohort", "tracer")
    cohort = _COHORT
    kind = text("Where the cells were", required=True)
    tracer = text("Tracer", required=True)
    n_points = count("Calibration samples")
    slope = number("Signal per cell [%ID/cell]")
    slope_se = number("Its standard error [%ID/cell]", at_least=0)
    intercept = number("Signal without cells [%ID]")
    intercept_se = number("Its standard error [%ID]", at_least=0)
    covariance = number("Of intercept and slope [%ID²/cell]")
    residual_rel_sd_frac = number("Scatter about the line, relative to the signal", at_least=0)
    min_cells = number("Fewest cells of the calibration [cells]", at_least=0)
    max_cells = number("Most cells of the calibration [cells]", at_least=0)
    log_log_slope = number("Slope of log signal on log cells; 1 where the signal is proportional")
    log_log_slope_ci_low = number("Lower 95 % limit")
    log_log_slope_ci_high = number("Upper 95 % limit")
    status = _STATUS
    reason = text("Why the row holds no result, or what was left out of it")


class Estimates(Table):
    """One row per model, analysis, mouse or group, and parameter."""

    key = ("model", "analysis", "level", "group", "cohort", "animal_id", "parameter")
    model = _MODEL
    analysis = _ANALYSIS
    level = text("Whose parameter", required=True, choices=("animal", "group"))
    group = _GROUP
    cohort = text("Cohort (animal level)")
    animal_id = text("Mouse (animal level)")
    parameter = text("Parameter or derived quantity", required=True)
    unit = text("Its unit")
    estimate = number("Estimate on its own scale; at group level the geometric mean where the scale is log")
    scale = text("Scale of standard error and interval", required=True, choices=("log", "linear"))
    se = number("Standard error on that scale", at_least=0)
    df = number("Degrees of freedom", at_least=0)
    ci_low = number("Lower limit on the estimate's own scale")
    ci_high = number("Upper limit on the estimate's own scale")
    ci_level = number("Level of the interval", at_least=0, at_most=1)
    ci_method = text("Method of the interval")
    n_points = count("Points (animal level) or mice (group level)")
    n_censored = count("Points below detection among them")
    status = text("Outcome", required=True, choices=("ok", "not_estimable", "at_bound", "not_converged"))
    reason = text("Why the row holds no result, or what limits it")


class Curves(Table):
    """One row per model, analysis, mouse or group, and day of the drawn curve."""

    key = ("model", "analysis", "level", "group", "cohort", "animal_id", "cell_day")
    model = _MODEL
    analysis = _ANALYSIS
    level = text("Whose curve", required=True, choices=("animal", "group"))
    group = _GROUP
    cohort = text("Cohort (animal level)")
    animal_id = text("Mouse (animal level)")
    cell_day = number("Time since the cells were given", required=True)
    fitted = number("Fitted response, in the response's unit")
    ci_low = number("Lower limit of the band")
    ci_high = number("Upper limit of the band")


class Fits(Table):
    """One row per model, analysis and mouse: how the fit went."""

    key = ("model", "analysis", "cohort", "animal_id")
    model = _MODEL
    analysis = _ANALYSIS
    cohort = _COHORT
    animal_id = _ANIMAL
    group = _GROUP
    n_points = count("Points in the window")
    n_censored = count("Points below detection among them")
    n_parameters = count("Parameters of the curve")
    sigma = number(
        "Residual standard deviation of the log response; that of the other mice where there is no own", at_least=0
    )
    log_likelihood = number("Log-likelihood with the residual scatter shared by all mice of the model")
    status = text("Outcome", required=True, choices=("ok", "not_estimable", "at_bound", "not_converged"))
    reason = text("Why the row holds no result, or what limits it")


class Selection(Table):
    """One row per analysis and model: the choice of one model for the study by pooled AICc."""

    key = ("analysis", "model")
    analysis = _ANALYSIS
    model = _MODEL
    n_animals = count("Mice fitted by every compared model")
    n_points = count("Their points")
    n_parameters = count("Parameters over all mice, the shared scatter included")
    log_likelihood = number("Log-likelihood summed over mice")
    aicc = number("AICc pooled over mice")
    delta_aicc = number("AICc minus the lowest", at_least=0)
    weight = number("Akaike weight", at_least=0, at_most=1)
    chosen = flag("The study's model")
    status = text("Outcome", required=True, choices=("ok", "not_estimable", "not_compared"))
    reason = _REASON


class Endpoints(Table):
    """One row per endpoint and mouse: the values that summaries and comparisons are made from.

    Several scans of one session are their arithmetic mean. Both analyses hold every mouse; a row with status ok takes
    part in `all`, and in `without_excluded` where it is not excluded. A mouse of which some scans are excluded is not
    excluded: in `without_excluded` its value is the mean of the others.
    """

    key = ("analysis", "endpoint", "modality", "region", "session", "cohort", "animal_id")
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
    mean_a = number("Geometric mean (log scale) or mean of group_a")
    mean_b = number("Geometric mean (log scale) or mean of group_b")
    sd_a = number("Standard deviation of group_a on the scale of the test (of the natural logarithm)", at_least=0)
    sd_b = number("Standard deviation of group_b on the scale of the test (of the natural logarithm)", at_least=0)
    estimate = number("On the log scale the ratio group_a / group_b, else the difference")
    ci_low = number("Lower limit")
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
    estimate = number("On the log scale the ratio session_a / session_b, else the difference")
    ci_low = number("Lower limit")
    ci_high = number("Upper limit")
    ci_level = number("Level of the interval", at_least=0, at_most=1)
    test = text("Test", required=True)
    statistic = number("Test statistic: t, or the rank sum of the positive differences")
    df = number("Degrees of freedom", at_least=0)
    p_value = number("p", at_least=0, at_most=1)
    p_adjusted = number("p, adjusted within the family", at_least=0, at_most=1)
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


class Sensitivity(Table):
    """One row per way in which the primary comparison could also have been made, and whether its conclusion moves."""

    key = ("analysis", "choice", "variant")
    analysis = _ANALYSIS
    choice = text(
        "What was chosen otherwise",
        required=True,
        choices=("declared", "scale", "test", "cohorts", "missing", "mouse", "model"),
    )
    variant = text("How", required=True)
    n_a = count("Mice of the first group")
    n_b = count("Mice of the second group")
    scale = text("Scale", required=True, choices=("log", "linear"))
    estimate = number("On the log scale the ratio of the groups, else the difference")
    ci_low = number("Lower limit")
    ci_high = number("Upper limit")
    ci_level = number("Level of the interval", at_least=0, at_most=1)
    p_value = number("p", at_least=0, at_most=1)
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
