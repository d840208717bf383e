"""Stage 3: activity over dose and mass becomes uptake, with its uncertainty in three layers.

The layers are relative: `rel_se_count` belongs to one tube or region and averages out over them, `rel_se_dose` is common to
a mouse and session, `rel_se_standard` to the study. The half-life acts on the time that lies between the measurement of the
sample and that of the dose, and counts as common to the study.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cartrace.activity import effective_frame_time_s
from cartrace.clock import SECONDS_PER_DAY, SECONDS_PER_HOUR, elapsed_s, shift
from cartrace.counting import COVERAGE
from cartrace.decay import Floats, half_life_rel_se
from cartrace.rows import ANIMAL, INJECTION, SCAN, attach, first_reason, joined_by, status

SAMPLE = [*INJECTION, "region"]
IMAGED = [*INJECTION, "scan_id", "region"]
MEASURES = ("uptake_pct_id", "uptake_pct_id_per_g", "uptake_pct_id_per_ml", "suv")
_EMPTY = [*MEASURES, *(f"{name}_se" for name in MEASURES), "rel_se_count", "rel_se_dose", "rel_se_standard"]
_EMPTY += ["critical_level_pct_id", "detection_limit_pct_id"]


def pct_id(activity: ArrayLike, dose: ArrayLike) -> Floats:
    """Return uptake in percent of the injected dose [%ID], or per mL where the activity is per mL [%ID/mL].

    Parameters
    ----------
    activity : array_like
        Net rate [1/s] or activity concentration [kBq/mL], at injection.
    dose : array_like
        Net dose at injection, as rate [1/s] or activity [kBq].

    Returns
    -------
    ndarray
        Uptake [%ID or %ID/mL].

    Notes
    -----
    ``100 · activity / dose`` (F22, F24).
    """
    return 100.0 * np.asarray(activity, dtype=np.float64) / np.asarray(dose, dtype=np.float64)


def suv(uptake_pct_id_per_g: ArrayLike, body_weight_g: ArrayLike) -> Floats:
    """Return the standardised uptake value [g/g or g/mL].

    Parameters
    ----------
    uptake_pct_id_per_g : array_like
        Uptake [%ID/g], of PET [%ID/mL].
    body_weight_g : array_like
        Body weight [g].

    Returns
    -------
    ndarray
        Standardised uptake value.

    Notes
    -----
    ``uptake_pct_id_per_g · body_weight_g / 100`` (F26).
    """
    # ASSUME: The body weight's uncertainty is negligible beside that of the uptake.
    return np.asarray(uptake_pct_id_per_g, dtype=np.float64) * np.asarray(body_weight_g, dtype=np.float64) / 100.0


def counter_uptake(tubes: pd.DataFrame, doses: pd.DataFrame, *, balance_g: float) -> pd.DataFrame:
    """Return the uptake of each tissue that was counted, parts summed.

    Parameters
    ----------
    tubes : DataFrame
        Contract `TubeActivity` with ``tare_g`` and ``collected_at`` of the sheet.
    doses : DataFrame
        Contract `DoseActivity`.
    balance_g : float
        Standard uncertainty of one weighing [g].

    Returns
    -------
    DataFrame
        Rows by mouse, session and region: estimates, layers, ``count_var`` [%ID²], ``mass_rel`` and ``lever_s``.
    """
    rows = tubes[tubes["role"] == "tissue"].reset_index(drop=True)
    terms = _terms_of_tubes(rows, balance_g)
    # A missing part leaves the sum without a result, not smaller.
    sums = terms.groupby(SAMPLE)[_SUMMED].sum(skipna=False)
    steepest = terms.groupby(SAMPLE)["steepness"].max()
    first = rows.assign(measured_at=_taken_at(rows)).sort_values("measured_at", key=_as_instants, kind="stable")
    found = sums.join(first.groupby(SAMPLE)[["measured_at"]].first()).join(steepest).reset_index()
    found = attach(found, _texts(rows, SAMPLE, {"reason": "reason", "dose_reason": "dose_reason"}), SAMPLE)
    found = attach(found, _exclusions(rows, SAMPLE), SAMPLE)
    found = attach(found, doses[_OF_DOSE], INJECTION)
    return _counter_estimates(found)


def _terms_of_tubes(rows: pd.DataFrame, balance_g: float) -> pd.DataFrame:
    """Return per tube what adds up over the parts of a tissue."""
    # From a net rate to %ID; the same for critical level and detection limit.
    scale = 100.0 * rows["in_count_factor"] / (rows["decay_factor"] * rows["dose_cps"])
    uptake = scale * rows["net_cps"]
    background_var = rows["background_cps_se"] ** 2
    weighings = np.where(rows["tare_g"].notna(), 2.0, 1.0)
    return rows[SAMPLE].assign(
        uptake_pct_id=uptake,
        own_var=scale**2 * (rows["net_cps_se"] ** 2 - background_var),
        null_var=scale**2 * rows["background_cps"] / rows["count_s"],
        background_se=scale * rows["background_cps_se"],
        steepness=scale / rows["count_s"],
        mass_g=rows["mass_g"],
        mass_var=weighings * balance_g**2,
        dose_part=uptake * rows["rel_se_dose_frac"],
        standard_part=uptake * rows["rel_se_standard_frac"],
        lever_part=uptake * (rows["decay_elapsed_s"] - rows["dose_time_s"]),
    )


_SUMMED = [
    "uptake_pct_id",
    "own_var",
    "null_var",
    "background_se",
    "mass_g",
    "mass_var",
    "dose_part",
    "standard_part",
    "lever_part",
]
_OF_DOSE = [*INJECTION, "tracer", "nuclide", "half_life_s", "half_life_se_s", "injected_at", "body_weight_g"]


def _counter_estimates(rows: pd.DataFrame) -> pd.DataFrame:
    uptake = rows["uptake_pct_id"]
    # The blanks of a run are common to its tubes, so that their part adds up linearly.
    critical = COVERAGE * np.sqrt(rows["null_var"] + rows["background_se"] ** 2)
    per_gram = uptake / rows["mass_g"]
    missing = uptake.isna()
    reason = first_reason(
        rows.index,
        (rows["reason"] != "", rows["reason"]),
        (missing & (rows["dose_reason"] != ""), "no dose: " + rows["dose_reason"]),
        (missing, "a part of the tissue holds no result"),
    )
    no_mass = first_reason(rows.index, (rows["mass_g"].isna(), "no mass, so no uptake per gram"))
    rows = rows.assign(
        modality="counter",
        scan_id="",
        uptake_pct_id_per_g=per_gram,
        uptake_pct_id_per_ml=np.nan,
        suv=suv(per_gram, rows["body_weight_g"]),
        volume_ml=np.nan,
        count_var=rows["own_var"] + rows["background_se"] ** 2,
        mass_rel=np.sqrt(rows["mass_var"]) / rows["mass_g"],
        rel_dose=_ratio(rows["dose_part"], uptake),
        rel_standard=_ratio(rows["standard_part"], uptake),
        lever_s=_ratio(rows["lever_part"], uptake),
        critical_level_pct_id=critical,
        detection_limit_pct_id=COVERAGE**2 * rows["steepness"] + 2.0 * critical,
        is_below_detection=uptake < critical,
        tracer_h=elapsed_s(rows["injected_at"], rows["measured_at"]) / SECONDS_PER_HOUR,
        status=status(reason),
        reason=reason.where(reason != "", no_mass),
    )
    return _with_layers(rows)


def pet_uptake(
    rois: pd.DataFrame, doses: pd.DataFrame, *, regions: Sequence[Mapping[str, Any]]
) -> pd.DataFrame:
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
    of_dose = [*_OF_DOSE, "net_injected_kbq", "pet_rel_se_dose_frac", "pet_rel_se_standard_frac", "pet_dose_time_s"]
    rows = attach(rois, doses[[*INJECTION, "half_life_s"]], INJECTION)
    found = _averaged(rows)
    found = attach(found, _exclusions(rows, IMAGED), IMAGED)
    found = attach(found, doses[[*of_dose, "reason"]].rename(columns={"reason": "dose_reason"}), INJECTION)
    found = attach(found, _middles(rows), SCAN)
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
        moment=weight * value * effective_frame_time_s(rows),
        n_gaps=(~has_value).astype(int),
        n_frames=1,
    )
    sums = terms.groupby(IMAGED).sum()
    volume = rows.groupby(IMAGED)["volume_ml"].mean()
    sums = sums.join(volume).reset_index()
    return sums.assign(
        activity=_ratio(sums["activity"], sums["weight"]),
        activity_se=_ratio(sums["activity_se"], sums["weight"]),
        frame_s=_ratio(sums["moment"], sums["activity"]),
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
    per_ml = pd.Series(pct_id(rows["activity"], rows["net_injected_kbq"]), index=rows.index)
    gaps = rows["n_gaps"].astype(str) + " of " + rows["n_frames"].astype(str) + " frames hold no value"
    reason = first_reason(
        rows.index,
        (rows["activity"].isna(), "no frame of this region holds a value"),
        (rows["dose_reason"] != "", "no dose: " + rows["dose_reason"]),
    )
    rows = rows.assign(
        modality="pet",
        uptake_pct_id=per_ml * rows["volume_ml"],
        uptake_pct_id_per_ml=per_ml,
        # ASSUME: The density of a region is exact and as declared in the config; without one PET gives no uptake per gram.
        uptake_pct_id_per_g=per_ml / density_g_per_ml,
        # ASSUME: The SUV of PET takes tissue at 1 g/mL, as scanners do.
        suv=suv(per_ml, rows["body_weight_g"]),
        mass_g=np.nan,
        count_var=(pct_id(rows["activity_se"], rows["net_injected_kbq"]) * rows["volume_ml"].fillna(1.0)) ** 2,
        mass_rel=0.0,
        rel_dose=rows["pet_rel_se_dose_frac"],
        rel_standard=rows["pet_rel_se_standard_frac"],
        lever_s=rows["frame_s"] - rows["pet_dose_time_s"],
        critical_level_pct_id=np.nan,
        detection_limit_pct_id=np.nan,
        is_below_detection=False,
        tracer_h=rows["middle_s"] / SECONDS_PER_HOUR,
        status=status(reason),
        reason=reason.where(reason != "", first_reason(rows.index, (rows["n_gaps"] > 0, gaps))),
    )
    return _with_layers(rows)
