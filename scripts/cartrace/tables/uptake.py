"""Contracts of stage 3: uptake and ratios."""

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
from cartrace.tables.contract import Table, flag, number, text, time


class Uptake(Table):
    """One row per mouse, session, modality, scan and region: the uptake and its uncertainty."""

    key = ("cohort", "animal_id", "session", "modality", "scan_id", "region")
    cohort = COHORT
    animal_id = ANIMAL
    session = SESSION
    modality = MODALITY
    scan_id = text("Scan (PET)")
    region = REGION
    group = GROUP
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
    recovered_table_pct_id_per_ml = number("Part of it by the coefficient, common to the study", at_least=0)
    recovery_reason = text("Why a region with declared surroundings has no corrected value")
    status = STATUS
    reason = REASON
    excluded = EXCLUDED
    exclusion_reason = EXCLUSION


class Ratios(Table):
    """One row per uptake and reference region of the same mouse, session and modality."""

    key = ("cohort", "animal_id", "session", "modality", "scan_id", "region", "reference")
    cohort = COHORT
    animal_id = ANIMAL
    session = SESSION
    modality = MODALITY
    scan_id = text("Scan (PET)")
    region = REGION
    reference = text("Reference region", required=True)
    group = GROUP
    tracer_h = number("Time since the injection of the tracer")
    cell_day = number("Time since the cells were given")
    ratio = number("Uptake per mass (counter) or per volume (PET) over that of the reference (F27)")
    ratio_se = number("Its standard uncertainty; what dose and standards share cancels", at_least=0)
    status = STATUS
    reason = REASON
    excluded = EXCLUDED
    exclusion_reason = EXCLUSION
