"""Contracts of stages 2 to 5: what is calculated."""

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
    background_cps = number("Background rate", at_least=0)
    background_cps_se = number("Its standard uncertainty", at_least=0)
    background_source = text("Which: the mean of the run's blanks, interpolated in time between them, or the config's")
    crosstalk_tracer = text("Other tracer in the tube, whose share of the counts is taken off (F28)")
    crosstalk_frac = number("What it counts in this window per count in its own, by the run's standards")
    crosstalk_frac_se = number("Its standard uncertainty", at_least=0)
    crosstalk_cps = number("Its rate in this window, subtracted")
    crosstalk_covariance = number("Covariance of the net rates of both tracers [1/s²]")
    net_cps = number("Net rate of the tracer, averaged over the count (F8)")
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
    standard_weight_frac = number("Weight of this standard in the mean of its run and tracer", at_least=0, at_most=1)
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
    route_ratio_se = number("Its standard uncertainty; the tail cancels", at_least=0)
    n_standards = number("Standards behind the route in use", at_least=0)
    standards_p = number(
        "How likely the scatter between their aliquots is by counting and weighing alone (chi-squared); below 0.01 "
        "their uncertainty is widened to their scatter",
        at_least=0,
        at_most=1,
    )
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
    scanner = text("Scanner")
    started_at = time("Start of the scan", required=True)
    frame_start_s = number("Start of the frame after injection", required=True)
    frame_duration_s = number("Duration of the frame", required=True, at_least=0)
    decay_factor = number("Correction from the export's value to injection (F4, F25)", above=0)
    residual_kbq_per_ml = number("What an earlier injection left of it, on the same reference, subtracted (F29)")
    residual_kbq_per_ml_se = number("Its standard uncertainty", at_least=0)
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
    measured_from = text("Tubes (export, rack, position) or frames that were added up or averaged")
    measured_at = time("Middle of the scan, or when the tissue was taken (else counted)")
    tracer_h = number("Time since the injection of the tracer")
    cell_day = number("Time since the cells were given")
    mass_g = number("Mass of the tissue (counter)", above=0)
    volume_ml = number("Volume of the region (PET)", above=0)
    density_g_per_ml = number("Declared density of the region (PET)", above=0)
    body_weight_g = number("Body weight of the mouse in this session", above=0)
    uptake_pct_id = number("Uptake in the whole sample or region (F22)")
    uptake_pct_id_se = number("Its standard uncertainty, all layers", at_least=0)
    uptake_pct_id_per_g = number("Uptake per mass (F23; PET where a density is declared, F24)")
    uptake_pct_id_per_g_se = number("Its standard uncertainty, all layers", at_least=0)
    uptake_pct_id_per_ml = number("Uptake per volume (PET, F24)")
    uptake_pct_id_per_ml_se = number("Its standard uncertainty, all layers", at_least=0)
    suv = number("Standardised uptake value (F26)")
    suv_se = number("Its standard uncertainty, all layers", at_least=0)
    rel_se_count = number("Relative uncertainty of the tube or region alone, its mass included", at_least=0)
    background_se_pct_id = number("Part of it that the tubes of a run share by its blanks (counter)", at_least=0)
    rel_se_dose = number("Relative uncertainty common to the mouse and session", at_least=0)
    rel_se_standard = number("Relative uncertainty common to the study", at_least=0)
    critical_level_pct_id = number("Uptake above which the tube or region is detected (F14)", at_least=0)
    detection_limit_pct_id = number("Uptake that is detected with 95 % (F14)", at_least=0)
    critical_level_pct_id_per_g = number("The critical level per mass", at_least=0)
    detection_limit_pct_id_per_g = number("The detection limit per mass", at_least=0)
    critical_level_pct_id_per_ml = number("The critical level per volume (PET)", at_least=0)
    detection_limit_pct_id_per_ml = number("The detection limit per volume (PET)", at_least=0)
    detection_basis = text("What both rest on: counting, or in PET the scatter of which regions")
    is_below_detection = flag("The uptake is below the critical level; the number stays")
    outlier_mads = number(
        "Distance from the median of its tissue, group and session on the log scale, in scaled median absolute "
        "deviations of a large sample: of few values divided by a factor, so that each number of them is flagged as "
        "often; empty below five",
        at_least=0,
    )
    is_outlier = flag("That distance is beyond quality.outlier_warn_mads; the value stays in every analysis")
    diameter_mm = number("Diameter of the sphere of the region's volume, where its recovery is looked up", above=0)
    recovery_coefficient = number("Recovery coefficient at that diameter (PET)", above=0)
    recovered_pct_id_per_ml = number("Uptake per volume, corrected for partial volume (PET, F32)")
    recovered_pct_id_per_ml_se = number("Its standard uncertainty, all layers", at_least=0)
    recovery_reason = text("Why a region with declared surroundings has no corrected value")
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
    background_pct_id_sd = number("Standard deviation between its mice", at_least=0)
    n_background = count("Mice behind it")
    net_pct_id = number("Signal minus background; negative values stay")
    net_pct_id_se = number(
        "Its standard uncertainty: the signal's, and the scatter between background mice", at_least=0
    )
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
    response_se = number(
        "Its standard uncertainty from the measurement; calibration and what is common to the study are left out: "
        "they shift all points of a mouse alike",
        at_least=0,
    )
    response_noise_sd = number("Scatter between background mice, in the response's unit", at_least=0)
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
    intercept_p = number("p value of no signal without cells (F37)", at_least=0, at_most=1)
    covariance = number("Of intercept and slope [%ID²/cell]")
    residual_rel_sd_frac = number("Scatter about the line, relative to the signal", at_least=0)
    min_cells = number("Fewest cells of the calibration [cells]", at_least=0)
    max_cells = number("Most cells of the calibration [cells]", at_least=0)
    log_log_slope = number("Slope of log signal on log cells; 1 where the signal is proportional")
    log_log_slope_ci_low = number("Lower 95 % limit")
    log_log_slope_ci_high = number("Upper 95 % limit")
    status = _STATUS
    reason = text("Why the row holds no result, or what was left out of it")


class LabelledCells(Table):
    """One row per mouse, session, scan and region of a study with a direct label: labelled-cell equivalents.

    The region "whole body" is the sum of the counted tissues, where the carcass was one of them. The table is empty for
    other strategies.
    """

    key = ("cohort", "animal_id", "session", "modality", "scan_id", "region")
    cohort = _COHORT
    animal_id = _ANIMAL
    session = _SESSION
    modality = _MODALITY
    scan_id = text("Scan (PET)")
    region = _REGION
    group = _GROUP
    tracer_h = number("Time since the injection of the cells")
    label_day = number("Time since the labelling")
    uptake_pct_id = number("Uptake in the region; of the whole body: what it retains")
    uptake_pct_id_se = number("Its standard uncertainty", at_least=0)
    retained_frac = number("Fraction of the label that living cells have kept (F34)", at_least=0)
    free_frac = number("Fraction of the injected activity that is not in living cells (F35)", at_least=0, at_most=1)
    background_pct_id = number("Mean of the group that got free label or lysed cells, in the same session")
    n_background = count("Mice behind it")
    net_pct_id = number("Uptake without free label (F35); negative values stay")
    net_pct_id_se = number("Its standard uncertainty", at_least=0)
    cells = number("Labelled-cell equivalents: cells that were labelled, whatever their offspring (F34)")
    cells_se = number("Their standard uncertainty", at_least=0)
    is_below_detection = flag("The uptake is below its critical level")
    status = _STATUS
    reason = text("Why the row holds no result, or what limits it")
    excluded = _EXCLUDED
    exclusion_reason = _EXCLUSION


class SpecificUptake(Table):
    """One row per uptake of an immunoPET study: what lies above the blocked or control group; empty for others."""

    key = ("cohort", "animal_id", "session", "modality", "scan_id", "region")
    cohort = _COHORT
    animal_id = _ANIMAL
    session = _SESSION
    modality = _MODALITY
    scan_id = text("Scan (PET)")
    region = _REGION
    group = _GROUP
    tracer_h = number("Time since the injection of the tracer")
    unit = text("Unit of the uptake", required=True, choices=("%ID/g", "%ID/mL"))
    uptake = number("Uptake")
    uptake_se = number("Its standard uncertainty, all layers", at_least=0)
    control = number("Mean of the background group (blocked, or without the target) in the same session")
    control_sd = number("Standard deviation between its mice", at_least=0)
    n_control = count("Mice behind it")
    specific = number("Uptake minus that mean; negative values stay")
    specific_se = number("Its standard uncertainty: the uptake's, and the scatter between background mice", at_least=0)
    specific_ci_low = number("Lower limit")
    specific_ci_high = number("Upper limit")
    blood_ratio = number("Uptake over that of the mouse's own blood (F27)")
    blood_ratio_se = number("Its standard uncertainty", at_least=0)
    is_below_detection = flag("The uptake is below its critical level")
    status = _STATUS
    reason = text("Why the row holds no result, or what limits it")
    excluded = _EXCLUDED
    exclusion_reason = _EXCLUSION


class Estimates(Table):
    """One row per model, analysis, mouse or group, and parameter."""

    key = ("model", "analysis", "level", "group", "cohort", "animal_id", "parameter")
    model = _MODEL
    analysis = _ANALYSIS
    level = text(
        "Whose parameter: a mouse's; a group's, as the mean over its mice; a group's in one fit of all mice",
        required=True,
        choices=("animal", "group", "population"),
    )
    group = _GROUP
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
    analysis = _ANALYSIS
    cohort = _COHORT
    animal_id = _ANIMAL
    group = _GROUP
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
    status = _STATUS
    reason = text("Why the row holds no result, or what limits it")


class PopulationTests(Table):
    """One row per model, analysis and pair of groups: their growth in one mixed model of all their mice."""

    key = ("model", "analysis", "parameter", "group_a", "group_b")
    model = _MODEL
    analysis = _ANALYSIS
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
    error_model = text("Error model", required=True, choices=("log_normal", "additive", "combined"))
    sigma = number("Its residual scatter; that of the other mice where there is no own", at_least=0)
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
