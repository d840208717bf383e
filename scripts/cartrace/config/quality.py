"""Thresholds of the checks of quality."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cartrace.config.section import Name, Section


class Acknowledged(Section):
    """A warning that was looked at, and why the study is right in spite of it; a final report wants one for each."""

    cohort: Annotated[str, Field(description="Cohort; empty: every one that has this warning")] = ""
    check: Annotated[Name, Field(description="Check, as quality.csv names it")]
    subject: Annotated[Name, Field(description="Subject, as quality.csv names it")]
    reason: Annotated[Name, Field(description="Why the study is right in spite of it; the report prints it")]


class QualityThresholds(Section):
    """Thresholds of the quality checks, and the warnings that were acknowledged."""

    tail_warn_pct: Annotated[float, Field(ge=0, description="Tail in percent of the dose: warn above")] = 5.0
    tail_fail_pct: Annotated[float, Field(ge=0, description="Tail in percent of the dose: fail above")] = 10.0
    residual_warn_pct: Annotated[float, Field(ge=0, description="Residual in percent of the full syringe: warn")] = 20.0
    dead_time_warn_pct: Annotated[float, Field(ge=0, description="Dead-time loss in percent: warn above")] = 5.0
    dead_time_fail_pct: Annotated[float, Field(ge=0, description="Dead-time loss in percent: fail above")] = 20.0
    standards_warn_pct: Annotated[float, Field(ge=0, description="Scatter (CV) of the standards in percent: warn")] = (
        3.0
    )
    standards_fail_pct: Annotated[float, Field(ge=0, description="Scatter (CV) of the standards in percent: fail")] = (
        10.0
    )
    route_ratio_warn: Annotated[
        float, Field(gt=0, description="Distance of the dose routes' ratio from 1: warn above")
    ] = 0.05
    dose_median_fail_factor: Annotated[
        float, Field(gt=1, description="Factor between a dose and the cohort's median dose: fail above")
    ] = 3.0
    planned_dose_kbq: Annotated[
        float | None, Field(gt=0, description="Net dose that was planned [kBq]; nothing: doses are not held against it")
    ] = None
    plan_warn_pct: Annotated[
        float, Field(ge=0, description="Distance of a dose from the planned one in percent: warn above")
    ] = 20.0
    counting_warn_pct: Annotated[float, Field(ge=0, description="Counting uncertainty of a tube in percent: warn")] = (
        5.0
    )
    counting_fail_pct: Annotated[float, Field(ge=0, description="Counting uncertainty of a tube in percent: fail")] = (
        20.0
    )
    balance_low_warn_pct: Annotated[
        float, Field(ge=0, description="Sum of all that was counted of a mouse in percent of its dose: warn below")
    ] = 85.0
    balance_high_warn_pct: Annotated[float, Field(ge=0, description="The same: warn above")] = 110.0
    outlier_warn_mads: Annotated[
        float,
        Field(
            gt=0,
            description="Distance of an uptake from the median of its tissue, group and session on the log scale, in "
            "scaled median absolute deviations of a large sample: flag above; 2.5 flags 1.2 % of normal values, "
            "whatever their number",
        ),
    ] = 2.5
    scan_delay_warn_pct: Annotated[
        float, Field(ge=0, description="Distance of a scan's delay from the median of its session in percent: warn")
    ] = 10.0
    scan_delay_fail_pct: Annotated[float, Field(ge=0, description="The same: fail")] = 25.0
    sacrifice_delay_warn_pct: Annotated[
        float,
        Field(ge=0, description="Distance of a sacrifice's delay from the median of its session in percent: warn"),
    ] = 10.0
    sacrifice_delay_fail_pct: Annotated[float, Field(ge=0, description="The same: fail")] = 25.0
    background_warn_p: Annotated[
        float, Field(ge=0, le=1, description="p of the scatter of a run's blanks (chi-squared): warn below")
    ] = 0.01
    digits_warn_p: Annotated[
        float,
        Field(ge=0, le=1, description="p of the last digits of a typed column (chi-squared, 50 values or more): warn"),
    ] = 0.001
    scanner_calibration_warn_days: Annotated[
        float, Field(gt=0, description="Age of the scanner's calibration at a scan in days: warn above")
    ] = 92.0
    sample_age_warn_half_lives: Annotated[
        float, Field(gt=0, description="Half-lives from injection to the count of a tissue: warn above")
    ] = 5.0
    earlier_injection_warn_pct: Annotated[
        float, Field(ge=0, description="What earlier injections may still hold, in percent of a dose: warn above")
    ] = 1.0
    frame_gap_warn_pct: Annotated[
        float, Field(ge=0, description="Time within a scan that no frame covers in percent: warn above")
    ] = 5.0
    recovery_warn: Annotated[float, Field(ge=0, description="Recovery coefficient of a PET region: warn below")] = 0.5
    acknowledged: Annotated[
        list[Acknowledged], Field(description="Warnings that were looked at, each with a reason")
    ] = []
