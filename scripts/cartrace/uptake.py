"""Uptake: activity over dose, with its uncertainty in three layers.

The layers are relative: `rel_se_count` belongs to one tube or region and averages out over them, `rel_se_dose` is
common to a mouse and session, `rel_se_standard` to the study. The half-life acts on the time that lies between the
measurement of the sample and that of the dose, and counts as common to the study.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cartrace.clock import SECONDS_PER_DAY, elapsed_s
from cartrace.decay import Floats, half_life_rel_se
from cartrace.rows import ANIMAL, INJECTION, attach, joined_by

OF_DOSE = [*INJECTION, "tracer", "nuclide", "half_life_s", "half_life_se_s", "injected_at", "body_weight_g"]
MEASURES = ("uptake_pct_id", "uptake_pct_id_per_g", "uptake_pct_id_per_ml", "suv")
_EMPTY = [*MEASURES, *(f"{name}_se" for name in MEASURES), "rel_se_count", "rel_se_dose", "rel_se_standard"]
LEVELS = ("critical_level", "detection_limit")
_EMPTY += ["background_se_pct_id"]
_EMPTY += [f"{level}_{unit}" for level in LEVELS for unit in ("pct_id", "pct_id_per_g", "pct_id_per_ml")]


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


def with_uncertainty(rows: pd.DataFrame, whole: dict[str, pd.Series], per_mass: dict[str, pd.Series]) -> pd.DataFrame:
    """Return the rows with each measure and its standard uncertainty.

    Parameters
    ----------
    rows : DataFrame
        With ``base`` and ``base_se`` (uptake and its own uncertainty), ``mass_rel``, ``rel_se_dose``,
        ``rel_se_standard``, ``lever_s`` (from the measurement of the dose to that of the sample), the half-life,
        ``critical_level`` and ``detection_limit`` of the base, and ``status``.
    whole, per_mass : dict
        Factor from ``base`` by measure; the uncertainty of the mass enters the latter only.

    Returns
    -------
    DataFrame
        With the measures, their ``_se`` and levels, ``rel_se_count`` and the half-life in ``rel_se_standard``; empty
        where the status is not ok.

    Notes
    -----
    ``factor · √(base_se² + base² (rel_dose² + rel_standard² + rel_half_life² [+ mass_rel²]))`` (F33).
    """
    half_life = half_life_rel_se(rows["lever_s"], rows["half_life_s"], rows["half_life_se_s"])
    rows = rows.assign(rel_se_standard=np.hypot(rows["rel_se_standard"], half_life))
    common_var = rows["rel_se_dose"] ** 2 + rows["rel_se_standard"] ** 2
    for factors, own_var in ((whole, 0.0), (per_mass, rows["mass_rel"].fillna(0.0) ** 2)):
        total = np.sqrt(rows["base_se"] ** 2 + rows["base"] ** 2 * (common_var + own_var))
        rows = rows.assign(**{name: factor * rows["base"] for name, factor in factors.items()})
        rows = rows.assign(**{f"{name}_se": factor * total for name, factor in factors.items()})
        for name, factor in factors.items():
            if name != "suv":
                unit = name.removeprefix("uptake_")
                rows = rows.assign(**{f"{level}_{unit}": factor * rows[level] for level in LEVELS})
    counting = np.hypot((rows["base_se"] / rows["base"].abs()).replace(np.inf, np.nan), rows["mass_rel"].fillna(0.0))
    rows = rows.assign(rel_se_count=counting)
    rows.loc[rows["status"] != "ok", _EMPTY] = np.nan
    return rows.assign(is_below_detection=rows["is_below_detection"] & (rows["status"] == "ok"))


def of_animals(rows: pd.DataFrame, animals: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with their animal's group and their time on the cell clock.

    Parameters
    ----------
    rows : DataFrame
        From :func:`cartrace.tissues.counter_uptake` or :func:`cartrace.regions.pet_uptake`.
    animals : DataFrame
        Contract `Animals`.

    Returns
    -------
    DataFrame
        With ``group`` and ``cell_day`` [day]; a mouse that got no cells counts from its enrolment.
    """
    zero = animals["cells_infused_at"].where(animals["cells_infused_at"] != "", animals["enrolled_at"])
    joined = attach(rows, animals[[*ANIMAL, "group"]].assign(zero=zero), ANIMAL)
    return joined.assign(cell_day=elapsed_s(joined["zero"], joined["measured_at"]) / SECONDS_PER_DAY)


def inherited_exclusions(rows: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Return what a row inherits from its tubes or frames: it is excluded if any of them is."""
    return joined_texts(rows, key, ["exclusion_reason"]).assign(excluded=lambda found: found["exclusion_reason"] != "")


def joined_texts(rows: pd.DataFrame, key: list[str], names: list[str]) -> pd.DataFrame:
    """Return the distinct texts of some columns by key, every key with a row."""
    found = rows[key].drop_duplicates().reset_index(drop=True)
    for name in names:
        found = attach(found, joined_by(rows, key, name).rename(name).reset_index(), key)
    return found
