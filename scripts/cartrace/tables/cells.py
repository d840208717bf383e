"""Contracts of stage 4: cells and their calibration, labelled-cell equivalents, specific uptake."""

from __future__ import annotations

from cartrace.tables.columns import (
    ANIMAL,
    COHORT,
    EXCLUDED,
    EXCLUSION,
    GROUP,
    MODALITY,
    REASON,
    REGION,
    SESSION,
    STATUS,
)
from cartrace.tables.contract import Table, count, flag, number, text


class Cells(Table):
    """One row per mouse, session, scan and region: the signal of the cells, and their number."""

    key = ("cohort", "animal_id", "session", "scan_id", "region")
    cohort = COHORT
    animal_id = ANIMAL
    session = SESSION
    scan_id = text("Scan (PET)")
    region = REGION
    modality = MODALITY
    group = GROUP
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
    response_shared_se = number(
        "What is common to the study: scanner or standards, half-life, and of cells the calibration line", at_least=0
    )
    response_background_se = number("Part of response_se by the background's mean, common to a session", at_least=0)
    response_noise_sd = number("Scatter between background mice, in the response's unit", at_least=0)
    status = STATUS
    reason = REASON
    excluded = EXCLUDED
    exclusion_reason = EXCLUSION


class CalibrationLines(Table):
    """One row per cohort and tracer: the weighted line of signal on cells (F37)."""

    key = ("cohort", "tracer")
    cohort = COHORT
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
    status = STATUS
    reason = text("Why the row holds no result, or what was left out of it")


class LabelledCells(Table):
    """One row per mouse, session, scan and region of a study with a direct label: labelled-cell equivalents.

    The region "whole body" is the sum of the counted tissues, where the carcass was one of them. The table is empty for
    other strategies.
    """

    key = ("cohort", "animal_id", "session", "modality", "scan_id", "region")
    cohort = COHORT
    animal_id = ANIMAL
    session = SESSION
    modality = MODALITY
    scan_id = text("Scan (PET)")
    region = REGION
    group = GROUP
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
    status = STATUS
    reason = text("Why the row holds no result, or what limits it")
    excluded = EXCLUDED
    exclusion_reason = EXCLUSION


class SpecificUptake(Table):
    """One row per uptake of an immunoPET study: what lies above the blocked or control group; empty for others."""

    key = ("cohort", "animal_id", "session", "modality", "scan_id", "region")
    cohort = COHORT
    animal_id = ANIMAL
    session = SESSION
    modality = MODALITY
    scan_id = text("Scan (PET)")
    region = REGION
    group = GROUP
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
    status = STATUS
    reason = text("Why the row holds no result, or what limits it")
    excluded = EXCLUDED
    exclusion_reason = EXCLUSION
