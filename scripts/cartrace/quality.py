"""Checks of quality: what is merely bad is calculated, and said here with what to do about it.

A check measures one number for each subject and holds it against thresholds of the config. It never changes a result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cartrace import cells_quality, checks, counter_checks, pet_checks
from cartrace.measured import Measured
from cartrace.messages import MESSAGES


@dataclass(frozen=True)
class Check:
    """One check.

    `measure` returns a frame with ``cohort``, ``subject``, ``value`` and ``note``; a missing value warns. `warn` and
    `fail` are keys of the config's section quality, or numbers, or None.
    """

    name: str
    what: str
    unit: str
    warn: str | float | None
    fail: str | float | None
    source: str
    remedy: str
    measure: Callable[[Measured], pd.DataFrame]
    is_low_bad: bool = False


def judge(measured: Measured, thresholds: Mapping[str, float]) -> pd.DataFrame:
    """Return one row for each check and subject.

    Parameters
    ----------
    measured : Measured
        Tables of one cohort.
    thresholds : mapping
        The config's section quality.

    Returns
    -------
    DataFrame
        Contract `Quality`; a check that is passed has its row too.
    """
    return pd.concat([_judged(check, check.measure(measured), thresholds) for check in CHECKS], ignore_index=True)


def _judged(check: Check, found: pd.DataFrame, thresholds: Mapping[str, float]) -> pd.DataFrame:
    limits = {
        name: np.nan if limit is None else float(thresholds[limit] if isinstance(limit, str) else limit)
        for name, limit in (("warn", check.warn), ("fail", check.fail))
    }
    value = found["value"].to_numpy(dtype=np.float64)
    beyond = {name: value < limit if check.is_low_bad else value > limit for name, limit in limits.items()}
    state = np.select([beyond["fail"], beyond["warn"] | np.isnan(value)], ["fail", "warn"], default="pass")
    first = limits["fail"] if np.isnan(limits["warn"]) else limits["warn"]
    numbers = [f": {number:.3g}{check.unit}" if np.isfinite(number) else "" for number in value]
    text = [
        f"{check.what}{number}{note}" + (f". {check.remedy}" if outcome != "pass" else "")
        for number, note, outcome in zip(numbers, found["note"], state, strict=True)
    ]
    return pd.DataFrame(
        {
            "cohort": found["cohort"].astype(str),
            "check": pd.Series(check.name, index=found.index, dtype=str),
            "subject": found["subject"].astype(str),
            "status": pd.Series(state, index=found.index, dtype=str),
            "value": value,
            "threshold": np.where(beyond["fail"], limits["fail"], first),
            "message": pd.Series(text, index=found.index, dtype=str),
        }
    )


CHECKS: tuple[Check, ...] = (
    Check(
        "tail",
        "Tail, of the gross dose",
        " %",
        "tail_warn_pct",
        "tail_fail_pct",
        "Vines et al., J Nucl Med Technol 2011;39:264; Lasnon et al. 2015",
        "The dose is corrected for it; above 10 % consider to exclude the injection",
        checks.tail,
    ),
    Check(
        "tail_not_measured",
        "The tail was not measured and is taken as 0",
        "",
        None,
        None,
        "Lasnon et al. 2015",
        "Uptake is too low by what the tail holds; measure the tail in the calibrator or count it",
        checks.tail_not_measured,
    ),
    Check(
        "residual",
        "Residual, of the full syringe",
        " %",
        "residual_warn_pct",
        None,
        "custom",
        "Check the readings of full and empty syringe and their clocks",
        checks.residual,
    ),
    Check(
        "dead_time",
        "Counts lost to dead time",
        " %",
        "dead_time_warn_pct",
        "dead_time_fail_pct",
        "Knoll, Radiation Detection and Measurement",
        "Count the tube again after decay, or farther from the detector",
        checks.dead_time,
    ),
    Check(
        "background",
        "Scatter of the run's blanks, p of chi-squared",
        "",
        "background_warn_p",
        None,
        "Currie, Anal Chem 1968;40:586",
        "Look for a contaminated blank and exclude it, or count blanks in every run",
        checks.background,
        is_low_bad=True,
    ),
    Check(
        "standards",
        "Scatter (CV) of the standards",
        " %",
        "standards_warn_pct",
        "standards_fail_pct",
        "custom, three standards or more",
        "Look for a pipetting or weighing error and exclude that standard; count three in every run",
        checks.standards,
    ),
    Check(
        "dose_routes",
        "Distance of the two dose routes' ratio from 1",
        "",
        "route_ratio_warn",
        None,
        "weighed standards against calibrator and counter sensitivity",
        "Check the mass of injectate, the standards, the calibrator's nuclide setting and all clocks",
        checks.route_ratio,
    ),
    Check(
        "dose_median",
        "Factor between the dose and the cohort's median of its tracer",
        "",
        None,
        "dose_median_fail_factor",
        "a unit or a decimal mistaken",
        "Check the unit in the header of full_activity and the reading",
        checks.dose_median,
    ),
    Check(
        "dose_plan",
        "Distance of the dose from the planned one",
        " %",
        "plan_warn_pct",
        None,
        "custom",
        "Check the readings of the syringe, or quality.planned_dose_kbq",
        checks.dose_plan,
    ),
    Check(
        "balance_low",
        "All that was counted of the mouse, of its dose",
        " %",
        "balance_low_warn_pct",
        None,
        "conservation of activity (F30)",
        "A sample is missing or too little of it was counted, or the dose is too high; count urine and faeces too",
        checks.balance,
        is_low_bad=True,
    ),
    Check(
        "balance_high",
        "All that was counted of the mouse, of its dose",
        " %",
        "balance_high_warn_pct",
        None,
        "conservation of activity (F30)",
        "A sample counts twice, a carcass lies nearer to the detector than the standards, or the dose is too low",
        checks.balance,
    ),
    Check(
        "outlier",
        "Distance from the median of the same tissue, group and session (log scale), in scaled MAD of a large sample",
        "",
        "outlier_warn_mads",
        None,
        "Leys et al., J Exp Soc Psychol 2013;49:764",
        "The value stays in every analysis and is flagged in uptake.csv; look for a reason, and exclude only for one",
        checks.outliers,
    ),
    Check(
        "sacrifice_delay",
        "Distance of the delay from injection to sacrifice from the median of its session",
        " %",
        "sacrifice_delay_warn_pct",
        "sacrifice_delay_fail_pct",
        "uptake-time bias",
        "Check collected_at, ended_at and the injection's time; uptake at another time is another quantity",
        checks.sacrifice_delay,
    ),
    Check(
        "counting_precision",
        "Counting uncertainty of tissues above detection",
        " %",
        "counting_warn_pct",
        "counting_fail_pct",
        "Currie, Anal Chem 1968;40:586",
        "Count longer or sooner",
        checks.counting,
    ),
    Check(
        "sample_age",
        "Half-lives from the injection to the count of a tissue",
        "",
        "sample_age_warn_half_lives",
        None,
        "counts left after five half-lives: 3 %",
        "Count sooner; see the counting precision and what lies below detection",
        counter_checks.sample_age,
    ),
    Check(
        "count_order",
        "Positions that were counted before one in front of them",
        "",
        0.0,
        None,
        "a rack is counted from one end",
        "Check that the positions of the sheet are those of the rack as it was counted, and no tube stood elsewhere",
        counter_checks.count_order,
    ),
    Check(
        "scan_delay",
        "Distance of the delay from injection to scan from its session's median",
        " %",
        "scan_delay_warn_pct",
        "scan_delay_fail_pct",
        "uptake-time bias",
        "Check the clocks of scanner and injection log; uptake at another time is another quantity",
        checks.scan_delay,
    ),
    Check(
        "sample_mass",
        "Sample mass over the balance's uncertainty",
        "",
        10.0,
        None,
        "ten times the balance's readability",
        "Use a finer balance, or report %ID per organ",
        checks.sample_mass,
        is_low_bad=True,
    ),
    Check(
        "digits",
        "Last digits of a column of the sheet, p of chi-squared for all ten equally often",
        "",
        "digits_warn_p",
        None,
        "Mosimann et al., Account Res 1995;4:31; never one column alone",
        "Check against the lab book: values were rounded by hand, the instrument shows steps of 2 or 5 (put them into "
        "the section uncertainty), or they were not measured",
        checks.digits,
        is_low_bad=True,
    ),
    Check(
        "scanner_dead_time",
        "Counts that the scanner lost to dead time, and corrected for",
        " %",
        "dead_time_warn_pct",
        "dead_time_fail_pct",
        "DICOM (0054,1324); Knoll, Radiation Detection and Measurement",
        "Scan later or inject less; see how linear the scanner is at that activity",
        pet_checks.scanner_dead_time,
    ),
    Check(
        "scanner_calibration",
        "Age of the scanner's calibration against the dose calibrator",
        " days",
        "scanner_calibration_warn_days",
        None,
        "custom, each quarter; McDougald et al., J Nucl Med 2020;61:461",
        "Scan a phantom of known activity, and hold uncertainty.scanner_frac against it",
        pet_checks.scanner_calibration,
    ),
    Check(
        "earlier_injection",
        "Activity that earlier injections may still hold at this one, of its dose",
        " %",
        "earlier_injection_warn_pct",
        None,
        "decay alone, nothing excreted (F29)",
        "Name a scan from before the injection in residual_scan. From a counted tissue it cannot be subtracted, since "
        "that cannot be counted before: wait longer between injections, or compare with mice that got both",
        pet_checks.earlier_injections,
    ),
    Check(
        "frame_gaps",
        "Time between its first and last frame that no frame of the scan covers",
        " %",
        "frame_gap_warn_pct",
        None,
        "the mean over frames stands for the whole scan",
        "Export all frames of the scan, or give the parts as scans of their own",
        pet_checks.frame_gaps,
    ),
    Check(
        "recovery",
        "Recovery coefficient of the region",
        "",
        "recovery_warn",
        None,
        "Hoffman et al., J Comput Assist Tomogr 1979;3:299; threshold custom",
        "Extend the table of pet.recovery by measurement, or read the uptake as a lower bound",
        pet_checks.recovery,
        is_low_bad=True,
    ),
)


@dataclass(frozen=True)
class Listed:
    """A check of any stage, as a reader looks it up.

    `threshold` names the config's keys, or says what the value is held against. Whatever the outcome, nothing is left
    out and no number changes.
    """

    stage: str
    name: str
    what: str
    threshold: str
    source: str
    remedy: str


def _threshold(check: Check) -> str:
    side = "below" if check.is_low_bad else "above"
    said = []
    for outcome, limit in (("warn", check.warn), ("fail", check.fail)):
        if limit is not None:
            said.append(f"{outcome} {side} " + (f"quality.{limit}" if isinstance(limit, str) else f"{limit:g}"))
    return "; ".join(said) or "warn"


# Every check of every stage, in the order of the flow. What stops a cohort at its import is no check but an error.
REGISTRY: tuple[Listed, ...] = (
    *(
        Listed("import", message.code, message.what, "warn", message.harm, message.remedy)
        for message in MESSAGES
        if message.severity == "warning" and message.code not in {check.name for check in cells_quality.CHECKS}
    ),
    *(
        Listed("activity and uptake", check.name, check.what, _threshold(check), check.source, check.remedy)
        for check in CHECKS
    ),
    *(
        Listed("cells", check.name, check.what, check.threshold, check.source, check.remedy)
        for check in cells_quality.CHECKS
    ),
)
