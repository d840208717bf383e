"""Uptake of regions in PET: activity concentration over the dose, frames averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cartrace.clock import SECONDS_PER_HOUR, shift
from cartrace.decay import effective_time_s
from cartrace.rows import INJECTION, SCAN, attach, first_reason, status
from cartrace.uptake import OF_DOSE, inherited_exclusions, joined_texts, pct_id, suv, with_uncertainty

IMAGED = [*INJECTION, "scan_id", "region"]


def pet_uptake(rois: pd.DataFrame, doses: pd.DataFrame, *, regions: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the uptake of each region of each scan, frames averaged by their duration.

    Parameters
    ----------
    rois, doses : DataFrame
        Contracts `RoiActivity` and `DoseActivity`.
    regions : sequence of mapping
        The config's regions; one with ``density_g_per_ml`` gets an uptake per gram.

    Returns
    -------
    DataFrame
        Rows by mouse, session, scan and region as of :func:`counter_uptake`.
    """
    of_dose = [*OF_DOSE, "net_injected_kbq", "pet_rel_se_dose_frac", "pet_rel_se_standard_frac", "pet_dose_time_s"]
    rows = attach(rois, doses[[*INJECTION, "half_life_s", "injected_at"]], INJECTION)
    found = _averaged(rows)
    found = attach(found, inherited_exclusions(rows, IMAGED), IMAGED)
    frames = rows.assign(measured_from="frame " + rows["frame"].astype(str)).sort_values("frame")
    found = attach(found, joined_texts(frames[frames["status"] == "ok"], IMAGED, ["measured_from"]), IMAGED)
    found = attach(found, doses[[*of_dose, "reason"]].rename(columns={"reason": "dose_reason"}), INJECTION)
    found = attach(found, _middles(rows), SCAN)
    found = attach(found, rows[[*SCAN, "scanner"]].drop_duplicates(), SCAN)
    density = {region["name"]: region.get("density_g_per_ml") for region in regions}
    return _pet_estimates(found, found["region"].map(density).astype(float))


def _averaged(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over the frames that hold a value, weighted by duration; without durations, the plain mean."""
    has_value = rows["status"] == "ok"
    total = rows["frame_duration_s"].where(has_value, 0.0).groupby([rows[name] for name in IMAGED]).transform("sum")
    weight = rows["frame_duration_s"].where(total > 0.0, 1.0).where(has_value, 0.0)
    value = rows["activity_kbq_per_ml"].where(has_value, 0.0)
    terms = rows[IMAGED].assign(
        weight=weight,
        # ASSUME: The frames of one region err together, since one contour was drawn for all of them.
        activity=weight * value,
        activity_se=weight * rows["activity_kbq_per_ml_se"].where(has_value, 0.0),
        moment=weight * effective_time_s(rows["frame_start_s"], rows["frame_duration_s"], rows["half_life_s"]),
        n_gaps=(~has_value).astype(int),
        n_frames=1,
    )
    sums = terms.groupby(IMAGED).sum()
    volume = rows.groupby(IMAGED)["volume_ml"].mean()
    sums = sums.join(volume).reset_index()
    return sums.assign(
        activity=sums["activity"] / sums["weight"],
        activity_se=sums["activity_se"] / sums["weight"],
        frame_s=sums["moment"] / sums["weight"],
    )


def _middles(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the middle of each scan, after injection [s] and as a stamp."""
    ends = rows.assign(end_s=rows["frame_start_s"] + rows["frame_duration_s"])
    scans = ends.groupby(SCAN, as_index=False).agg(
        begin_s=("frame_start_s", "min"), end_s=("end_s", "max"), injected=("injected_at", "first")
    )
    middle_s = (scans["begin_s"] + scans["end_s"]) / 2.0
    return scans[SCAN].assign(middle_s=middle_s, measured_at=shift(scans["injected"], middle_s.to_numpy()))


def _pet_estimates(rows: pd.DataFrame, density_g_per_ml: pd.Series) -> pd.DataFrame:
    gaps = rows["n_gaps"].astype(str) + " of " + rows["n_frames"].astype(str) + " frames hold no value"
    reason = first_reason(
        rows.index,
        (rows["activity"].isna(), "no frame of this region holds a value"),
        (rows["dose_reason"] != "", "no dose: " + rows["dose_reason"]),
    )
    rows = rows.assign(
        modality="pet",
        mass_g=np.nan,
        density_g_per_ml=density_g_per_ml,
        base=pct_id(rows["activity"], rows["net_injected_kbq"]),
        base_se=pct_id(rows["activity_se"], rows["net_injected_kbq"]),
        mass_rel=0.0,
        rel_se_dose=rows["pet_rel_se_dose_frac"],
        rel_se_standard=rows["pet_rel_se_standard_frac"],
        lever_s=rows["frame_s"] - rows["pet_dose_time_s"],
        background_se_pct_id=np.nan,
        per_g=1.0 / density_g_per_ml,
        critical_level=np.nan,
        detection_limit=np.nan,
        is_below_detection=False,
        detection_basis="",
        tracer_h=rows["middle_s"] / SECONDS_PER_HOUR,
        status=status(reason),
        reason=reason.where(reason != "", first_reason(rows.index, (rows["n_gaps"] > 0, gaps))),
    )
    # ASSUME: The volume and the density of a region are exact; without a declared density PET gives no uptake per gram.
    # ASSUME: The SUV of PET takes tissue at 1 g/mL, as scanners do.
    factors = {
        "uptake_pct_id": rows["volume_ml"],
        "uptake_pct_id_per_g": rows["per_g"],
        "uptake_pct_id_per_ml": pd.Series(1.0, index=rows.index),
        "suv": pd.Series(suv(1.0, rows["body_weight_g"]), index=rows.index),
    }
    return with_uncertainty(rows, factors, {})
