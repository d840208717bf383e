"""Stages 2 to 4 of a cohort, each as one function: the flow's scripts call them, and so does what is computed anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cartrace import tables
from cartrace.activity import roi_activity, tube_activity, with_decay
from cartrace.cells import calibration_line, with_calibration, without_calibration
from cartrace.dose import dose_activity
from cartrace.outliers import with_outliers
from cartrace.partial_volume import with_recovery
from cartrace.pet_detection import with_pet_limits
from cartrace.pet_quantity import counted_uptake
from cartrace.radionuclides import Decay
from cartrace.ratios import ratios as ratios_of
from cartrace.regions import pet_uptake
from cartrace.rows import TUBE, attach
from cartrace.tissues import counter_uptake, taken_by_end
from cartrace.uptake import of_animals


def activity_of_cohort(
    raw: Mapping[str, pd.DataFrame],
    *,
    decays: Mapping[str, Decay],
    dose_route: str,
    dead_time_us: float,
    dead_time_model: str,
    background_cps: float | None,
    background_drift_p: float,
    uncertainty: Mapping[str, float],
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the activity of tubes, doses and regions.

    Parameters
    ----------
    raw : mapping
        Tables of stage 1 by name: tubes, counts, doses, scans, rois, exclusions.
    decays : mapping
        Decay by tracer.
    dose_route, dead_time_us, dead_time_model, background_cps, background_drift_p, uncertainty
        Settings of the config.
    """
    counted = tube_activity(
        raw["tubes"],
        raw["counts"],
        raw["doses"],
        raw["exclusions"],
        decays=decays,
        dead_time_s=dead_time_us * 1e-6,
        dead_time_model=dead_time_model,
        background_cps=background_cps,
        background_drift_p=background_drift_p,
    )
    given, counted = dose_activity(
        with_decay(raw["doses"], decays), counted, raw["exclusions"], route=dose_route, uncertainty=uncertainty
    )
    regions = roi_activity(
        raw["rois"], raw["scans"], raw["doses"], raw["exclusions"], decays=decays, roi_frac=uncertainty["roi_frac"]
    )
    return counted[tables.TubeActivity.names()], given[tables.DoseActivity.names()], regions[tables.RoiActivity.names()]


def weighed(counted: pd.DataFrame, tubes: pd.DataFrame) -> pd.DataFrame:
    """Return the activity of tubes with what the sheet says of their weighing and taking."""
    return attach(counted, tubes[[*TUBE, "tare_g", "gross_g", "collected_at"]], TUBE)


def uptake_of_cohort(
    counted: pd.DataFrame,
    doses: pd.DataFrame,
    rois: pd.DataFrame,
    animals: pd.DataFrame,
    *,
    groups: Sequence[Mapping[str, Any]],
    regions: Sequence[Mapping[str, Any]],
    recovery: Sequence[Mapping[str, Any]],
    noise_region: str,
    reference_regions: Sequence[str],
    uncertainty: Mapping[str, float],
    outlier_mads: float = np.inf,
    pet_quantity: str = "measured",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the uptake, with the columns that its quality is judged by, and the ratios.

    Parameters
    ----------
    counted : DataFrame
        From :func:`weighed`.
    doses, rois, animals : DataFrame
        Their tables.
    groups, regions, recovery, noise_region, reference_regions, uncertainty, outlier_mads, pet_quantity
        Settings of the config.
    """
    both = pd.concat(
        [
            counter_uptake(taken_by_end(counted, animals), doses, balance_g=uncertainty["balance_g"]),
            pet_uptake(rois, doses, regions=regions),
        ],
        ignore_index=True,
    )
    found = of_animals(both, animals)
    found = with_pet_limits(found, groups=groups, noise_region=noise_region)
    found = with_recovery(found, regions=regions, recovery=recovery)
    found = with_outliers(found, mads=outlier_mads)
    counted_by = counted_uptake(found, quantity=pet_quantity, recovery=recovery)
    return found, ratios_of(found, reference_regions=reference_regions, counted=counted_by)


def cells_of_cohort(
    rows: pd.DataFrame, samples: pd.DataFrame, *, cohort: str, kind: str, confidence: float
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return the cells of a cohort, and a row of each calibration line.

    Parameters
    ----------
    rows : DataFrame
        From :func:`cartrace.cells.subtract_background`.
    samples : DataFrame
        Table of calibration.
    cohort, kind, confidence
        The cohort; the calibration in use, or ``none``; the level of the intervals.
    """
    if kind == "none":
        return without_calibration(rows), []
    lines = {
        tracer: calibration_line(samples, cohort=cohort, kind=kind, tracer=tracer)
        for tracer in sorted(rows["tracer"].unique())
    }
    fitted = {tracer: line for tracer, (line, _) in lines.items()}
    reasons = {tracer: str(row["reason"]) for tracer, (_, row) in lines.items()}
    found = with_calibration(rows, fitted, reasons, confidence=confidence)
    return found, [row for _, row in lines.values()]
