"""Contracts of stage 2: what was counted, injected and seen, at the injection."""

from __future__ import annotations

from cartrace.tables.columns import ANIMAL, COHORT, EXCLUDED, EXCLUSION, REASON, REGION, SESSION, STATUS
from cartrace.tables.contract import Table, count, flag, number, text, time


class TubeActivity(Table):
    """One row per counted tube and window: from gross counts to the net rate at injection."""

    key = ("cohort", "counter_file", "rack", "position", "window")
    cohort = COHORT
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
    status = STATUS
    reason = REASON
    excluded = EXCLUDED
    exclusion_reason = EXCLUSION


class DoseActivity(Table):
    """One row per injection: what went into the mouse, in kBq and as the counter would have seen it."""

    key = ("cohort", "animal_id", "session")
    cohort = COHORT
    animal_id = ANIMAL
    session = SESSION
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
    status = STATUS
    reason = REASON
    excluded = EXCLUDED
    exclusion_reason = EXCLUSION


class RoiActivity(Table):
    """One row per scan, region and frame: the mean of the region, corrected to injection."""

    key = ("cohort", "scan_id", "region", "frame")
    cohort = COHORT
    scan_id = text("Scan", required=True)
    region = REGION
    frame = count("Frame, from 0")
    animal_id = ANIMAL
    session = SESSION
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
    status = STATUS
    reason = REASON
    excluded = EXCLUDED
    exclusion_reason = EXCLUSION
