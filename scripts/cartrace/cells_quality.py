"""Checks of stage 4: what was subtracted, and how far the calibration carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cartrace.calibration import LEAST_SAMPLES


@dataclass(frozen=True)
class CellsCheck:
    """One check of this stage: its name, what it looks at, what it holds that against, and what that rests on."""

    name: str
    what: str
    threshold: str
    source: str
    remedy: str


LINEARITY_TOLERANCE = 0.1
INTERCEPT_P = 0.05
EXTRAPOLATED_WARN_FRAC = 0.2
LEAST_BACKGROUND = 3


CHECKS: tuple[CellsCheck, ...] = (
    CellsCheck(
        "followed-region",
        "Whether the followed region was measured",
        "at least one uptake",
        "cells.region",
        "Check cells.region and cells.modality",
    ),
    CellsCheck(
        "control-subtraction",
        "Background mice behind what is subtracted in a session",
        f"warn below {LEAST_BACKGROUND}, and where they are of other cohorts",
        "control subtraction (F39)",
        "Measure background mice in every session of every cohort",
    ),
    CellsCheck(
        "baseline",
        "Signal of a mouse before it got its cells, net of the background group",
        "warn above its critical level (F38)",
        "no cells, no signal",
        "Look for activity of an earlier injection, spill-over, or a region that takes up the tracer by itself",
    ),
    CellsCheck(
        "calibration-samples",
        "Samples on the calibration line",
        f"fail below {LEAST_SAMPLES}",
        "calibration (F37)",
        "Complete the sheet calibration, or set cells.calibration to none",
    ),
    CellsCheck(
        "calibration-linearity",
        "Slope of log signal on log cells",
        f"warn beyond 1 ± {LINEARITY_TOLERANCE}, or where the intercept is not 0 (p < {INTERCEPT_P})",
        "proportionality (F37)",
        "Read the numbers of cells as rough",
    ),
    CellsCheck(
        "calibration-range",
        "Share of the numbers of cells outside the calibrated range",
        f"warn above {EXTRAPOLATED_WARN_FRAC:g}",
        "calibration (F37)",
        "Calibrate over the range that the study reaches",
    ),
)


def quality_rows(
    cells: pd.DataFrame,
    lines: Sequence[Mapping[str, Any]],
    *,
    cohort: str,
    region: str,
    modality: str,
    known: Sequence[str],
    is_borrowed: bool = False,
) -> list[dict[str, Any]]:
    """Return the checks of this stage as rows of :class:`cartrace.tables.Quality`.

    Parameters
    ----------
    cells : DataFrame
        Rows of :class:`cartrace.tables.Cells`.
    lines : sequence of mapping
        Rows of :class:`cartrace.tables.CalibrationLines`.
    cohort, region, modality : str
        What is followed.
    known : sequence of str
        Regions that the modality has, named where the followed one has no row.
    is_borrowed : bool
        Whether the background mice are those of other cohorts.
    """
    rows: list[dict[str, Any]] = []
    if cells.empty:
        there = f"it has {', '.join(known)}" if known else "it has no region at all"
        message = (
            f"No {modality} uptake of {region} in cohort {cohort} ({there}): no cells and no growth. Check cells.region"
        )
        rows.append(_check(cohort, "followed-region", region, "warn", np.nan, np.nan, message))
    for session, part in cells.groupby("session"):
        rows.append(_subtraction(cohort, str(session), int(part["n_background"].iloc[0]), is_borrowed))
    rows += _baselines(cohort, cells)
    for line in lines:
        rows += _line_checks(cohort, line)
    counted = cells[cells["cells"].notna() & (cells["role"] != "background") & ~cells["excluded"]]
    if len(counted):
        share = float(counted["is_extrapolated"].mean())
        message = (
            f"{counted['is_extrapolated'].sum()} of {len(counted)} numbers of cells lie outside the calibrated range"
        )
        status = "warn" if share > EXTRAPOLATED_WARN_FRAC else "pass"
        rows.append(_check(cohort, "calibration-range", region, status, share, EXTRAPOLATED_WARN_FRAC, message))
    return rows


def _check(
    cohort: str, check: str, subject: str, status: str, value: float, threshold: float, message: str
) -> dict[str, Any]:
    return {
        "cohort": cohort,
        "check": check,
        "subject": subject,
        "status": status,
        "value": value,
        "threshold": threshold,
        "message": message,
    }


def _baselines(cohort: str, cells: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a row for each mouse and session before the cells, which should show none."""
    before = cells[(cells["cell_day"] < 0.0) & (cells["status"] == "ok") & (cells["role"] != "background")]
    rows = []
    for _, row in before.iterrows():
        is_seen = bool(row["net_pct_id"] >= row["critical_level_pct_id"])
        message = f"Net signal {row['net_pct_id']:.3g} %ID before the cells"
        message += ", above its critical level: something else gives signal in the region" if is_seen else ""
        subject = ", ".join(part for part in (row["animal_id"], row["session"], row["scan_id"]) if part)
        value, level = float(row["net_pct_id"]), float(row["critical_level_pct_id"])
        rows.append(_check(cohort, "baseline", subject, "warn" if is_seen else "pass", value, level, message))
    return rows


def _subtraction(cohort: str, session: str, n: int, is_borrowed: bool) -> dict[str, Any]:
    if n == 0:
        message = (
            "No mouse of a background group was measured in this session of the cohort: nothing is subtracted, the "
            "signal holds what the region takes up without reporter cells"
        )
    elif n == 1:
        message = "One background mouse: its signal is subtracted, but without a scatter there is no critical level"
    else:
        message = f"The mean of {n} background mice is subtracted"
        if n < LEAST_BACKGROUND:
            message += f"; with fewer than {LEAST_BACKGROUND} the critical level is wide"
    if n and is_borrowed:
        message += ". They are mice of other cohorts, because this one has none of the background group"
    status = "pass" if n >= LEAST_BACKGROUND and not is_borrowed else "warn"
    return _check(cohort, "control-subtraction", session, status, float(n), float(LEAST_BACKGROUND), message)


def _line_checks(cohort: str, line: Mapping[str, Any]) -> list[dict[str, Any]]:
    tracer = str(line["tracer"])
    n = float(line["n_points"])
    if line["status"] != "ok":
        message = f"No calibration, so that no cells are estimated: {line['reason']}"
        return [_check(cohort, "calibration-samples", tracer, "fail", n, float(LEAST_SAMPLES), message)]
    note = str(line["reason"])
    samples = _check(
        cohort,
        "calibration-samples",
        tracer,
        "warn" if note else "pass",
        n,
        float(LEAST_SAMPLES),
        f"{n:.0f} samples on the line" + (f"; {note}" if note else ""),
    )
    slope, low, high = (float(line[f"log_log_slope{end}"]) for end in ("", "_ci_low", "_ci_high"))
    straight, through_zero = abs(slope - 1.0) <= LINEARITY_TOLERANCE, float(line["intercept_p"]) >= INTERCEPT_P
    message = f"Slope of log signal on log cells {slope:.3f} [95 % CI {low:.3f}, {high:.3f}]; 1 is proportional"
    message += f". Signal without cells {line['intercept']:.3g} %ID (p = {line['intercept_p']:.2g}); 0 is expected"
    if not straight and low <= 1.0 <= high:
        message += (
            ". The samples are too few, or scatter too much, to show that the signal is proportional to the cells"
        )
    elif not straight:
        message += ". The signal is not proportional to the cells: read the numbers of cells as rough"
    if not through_zero:
        message += ". The line does not go through 0: what was subtracted from the samples is not what they had"
    status = "pass" if straight and through_zero else "warn"
    linearity = _check(cohort, "calibration-linearity", tracer, status, slope, LINEARITY_TOLERANCE, message)
    return [samples, linearity]
