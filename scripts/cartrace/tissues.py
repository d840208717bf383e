"""Uptake of tissues in the gamma counter: net rate over the dose's equivalent in the same run, parts summed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cartrace.clock import SECONDS_PER_HOUR, elapsed_s, instants
from cartrace.counting import COVERAGE
from cartrace.rows import ANIMAL, INJECTION, TUBE, attach, first_reason, status
from cartrace.uptake import OF_DOSE, inherited_exclusions, joined_texts, suv, with_uncertainty

SAMPLE = [*INJECTION, "region"]


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
        Rows by mouse, session and region: contract `Uptake` as far as the animal is not needed, and what ratios need:
        ``base``, ``base_se`` (uptake and its counting uncertainty), ``mass_rel`` and ``lever_s``.
    """
    rows = tubes[tubes["role"] == "tissue"].reset_index(drop=True)
    terms = _terms_of_tubes(rows, balance_g)
    # A missing part leaves the sum without a result, not smaller.
    sums = terms.groupby(SAMPLE)[_SUMMED].sum(skipna=False)
    steepest = terms.groupby(SAMPLE)["steepness"].max()
    first = rows.assign(measured_at=_taken_at(rows)).sort_values("measured_at", key=instants, kind="stable")
    found = sums.join(first.groupby(SAMPLE)[["measured_at"]].first()).join(steepest).reset_index()
    # In the order of their keys, so that the text does not depend on that of the sheet.
    named = rows.assign(measured_from=_names(rows)).sort_values(TUBE)
    found = attach(found, joined_texts(named, SAMPLE, ["measured_from"]), SAMPLE)
    found = attach(found, joined_texts(rows, SAMPLE, ["reason", "dose_reason"]), SAMPLE)
    found = attach(found, inherited_exclusions(rows, SAMPLE), SAMPLE)
    found = attach(found, doses[OF_DOSE], INJECTION)
    return _counter_estimates(found)


def _terms_of_tubes(rows: pd.DataFrame, balance_g: float) -> pd.DataFrame:
    """Return per tube what adds up over the parts of a tissue."""
    # From a net rate to %ID; the same for critical level and detection limit.
    scale = 100.0 * rows["in_count_factor"] / (rows["decay_factor"] * rows["dose_cps"])
    uptake = scale * rows["net_cps"]
    background_var = rows["background_cps_se"] ** 2
    # ASSUME: The doses of one mouse in two counter runs err together.
    share = uptake.abs().clip(lower=np.finfo(float).tiny)
    weighings = np.where(rows["tare_g"].notna(), 2.0, 1.0)
    return rows[SAMPLE].assign(
        uptake_pct_id=uptake,
        own_var=scale**2 * (rows["net_cps_se"] ** 2 - background_var),
        null_var=scale**2 * ((rows["critical_level_cps"] / COVERAGE) ** 2 - background_var).clip(lower=0.0),
        background_se=scale * rows["background_cps_se"],
        steepness=scale * (rows["detection_limit_cps"] - 2.0 * rows["critical_level_cps"]) / COVERAGE**2,
        mass_g=rows["mass_g"],
        mass_var=weighings * balance_g**2,
        share=share,
        dose_part=share * rows["rel_se_dose_frac"],
        standard_part=share * rows["rel_se_standard_frac"],
        lever_part=share * (rows["decay_elapsed_s"] - rows["dose_time_s"]),
    )


_SUMMED = [
    "uptake_pct_id",
    "own_var",
    "null_var",
    "background_se",
    "mass_g",
    "mass_var",
    "share",
    "dose_part",
    "standard_part",
    "lever_part",
]


def _counter_estimates(rows: pd.DataFrame) -> pd.DataFrame:
    uptake, mass = rows["uptake_pct_id"], rows["mass_g"]
    # The blanks of a run are common to its tubes, so that their part adds up linearly.
    critical = COVERAGE * np.sqrt(rows["null_var"] + rows["background_se"] ** 2)
    reason = first_reason(
        rows.index,
        (rows["reason"] != "", rows["reason"]),
        (rows["dose_reason"] != "", "no dose: " + rows["dose_reason"]),
    )
    no_mass = first_reason(rows.index, (mass.isna(), "no mass, so no uptake per gram"))
    rows = rows.assign(
        modality="counter",
        scan_id="",
        volume_ml=np.nan,
        density_g_per_ml=np.nan,
        base=uptake,
        base_se=np.sqrt(rows["own_var"] + rows["background_se"] ** 2),
        mass_rel=np.sqrt(rows["mass_var"]) / mass,
        rel_se_dose=rows["dose_part"] / rows["share"],
        rel_se_standard=rows["standard_part"] / rows["share"],
        lever_s=rows["lever_part"] / rows["share"],
        background_se_pct_id=rows["background_se"],
        scanner="",
        per_g=1.0 / mass,
        critical_level=critical,
        detection_limit=COVERAGE**2 * rows["steepness"] + 2.0 * critical,
        detection_basis="counting",
        is_below_detection=uptake < critical,
        tracer_h=elapsed_s(rows["injected_at"], rows["measured_at"]) / SECONDS_PER_HOUR,
        status=status(reason),
        reason=reason.where(reason != "", no_mass),
    )
    per_base = {
        "uptake_pct_id_per_g": 1.0 / mass,
        "uptake_pct_id_per_ml": pd.Series(np.nan, index=rows.index),
        "suv": pd.Series(suv(1.0 / mass, rows["body_weight_g"]), index=rows.index),
    }
    whole = {"uptake_pct_id": pd.Series(1.0, index=rows.index)}
    return with_uncertainty(rows, whole, per_base)


def taken_by_end(tubes: pd.DataFrame, animals: pd.DataFrame) -> pd.DataFrame:
    """Return the tubes with the mouse's end as the time of taking, where none is stated and the count came later.

    Parameters
    ----------
    tubes : DataFrame
        With ``animal_id``, ``collected_at`` and ``counted_at``.
    animals : DataFrame
        Contract `Animals`.

    Returns
    -------
    DataFrame
        With ``collected_at`` filled where the mouse was dead when its tissue was counted.
    """
    # ASSUME: Tissue without a time of its own was taken when it was counted, or at the mouse's end if that was before.
    ended = attach(tubes[ANIMAL], animals[[*ANIMAL, "ended_at"]], ANIMAL)["ended_at"].set_axis(tubes.index)
    unknown = (tubes["collected_at"] == "") & (ended != "")
    late = unknown & (elapsed_s(ended.where(unknown, ""), tubes["counted_at"]) > 0.0)
    return tubes.assign(collected_at=tubes["collected_at"].mask(late, ended))


def _taken_at(rows: pd.DataFrame) -> pd.Series:
    return rows["collected_at"].where(rows["collected_at"] != "", rows["counted_at"])


def _names(rows: pd.DataFrame) -> pd.Series:
    place = np.where(rows["rack"] == "", rows["position"], rows["rack"] + "/" + rows["position"])
    return rows["counter_file"] + " " + place
