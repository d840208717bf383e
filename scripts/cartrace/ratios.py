"""Ratios of uptake within one mouse: what dose and standards share cancels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cartrace.decay import Floats, half_life_rel_se
from cartrace.rows import INJECTION, first_reason, join_across, status

MEASURED = [*INJECTION, "modality", "scan_id"]


def ratio_se(
    numerator: ArrayLike,
    numerator_se: ArrayLike,
    denominator: ArrayLike,
    denominator_se: ArrayLike,
    rel_common: ArrayLike,
) -> Floats:
    """Return the standard uncertainty of a ratio of two independent values.

    Parameters
    ----------
    numerator, denominator : array_like
        Values.
    numerator_se, denominator_se : array_like
        Their standard uncertainties, without what both share.
    rel_common : array_like
        Relative uncertainty of the ratio itself from what does not cancel entirely.

    Returns
    -------
    ndarray
        Standard uncertainty of ``numerator / denominator``.

    Notes
    -----
    ``√((u_a/b)² + (a/b)² ((u_b/b)² + rel_common²))`` (F27); it stays right for a numerator of 0.
    """
    a, u_a, b, u_b, rel = (
        np.asarray(x, dtype=np.float64) for x in (numerator, numerator_se, denominator, denominator_se, rel_common)
    )
    return np.sqrt((u_a / b) ** 2 + (a / b) ** 2 * ((u_b / b) ** 2 + rel**2))


def ratios(
    uptake: pd.DataFrame, *, reference_regions: Sequence[str], counted: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the ratio of each region to each reference region of the same mouse, session, modality and scan.

    Parameters
    ----------
    uptake : DataFrame
        From :func:`cartrace.tissues.counter_uptake` and :func:`cartrace.regions.pet_uptake`, with the animals' columns.
    reference_regions : sequence of str
        Regions that ratios are made to, where they were measured.
    counted : DataFrame, optional
        From :func:`cartrace.pet_quantity.counted_uptake` of it: PET regions by the value that counts.

    Returns
    -------
    DataFrame
        Contract `Ratios`.

    Notes
    -----
    Per mass for the counter, per volume for PET. Dose, standards and half-life are common to both regions; only the
    half-life's action on the time between the two measurements stays. A value corrected for partial volume is
    ``(C - (1 - RC) B) / RC``: over its own surroundings B the ratio varies as ``C / (RC B)`` does.
    """
    # ASSUME: The background's uncertainty, common to both tubes, is left with each of them, which is conservative.
    is_counter = uptake["modality"] == "counter"
    value = uptake["uptake_pct_id_per_g"].where(is_counter, uptake["uptake_pct_id_per_ml"])
    per_base = (1.0 / uptake["mass_g"]).where(is_counter, 1.0)
    own_se = pd.Series(np.hypot(uptake["base_se"] * per_base, value * uptake["mass_rel"]), index=uptake.index)
    rows = uptake[[*MEASURED, *_KEPT]].assign(value=value, own_se=own_se, around="", seen=value, seen_se=own_se)
    if counted is not None:
        rows = rows.assign(**_corrected(rows, uptake, counted), status=counted["status"], reason=counted["reason"])
    rows.loc[rows["status"] != "ok", ["value", "own_se"]] = np.nan
    references = rows[rows["region"].isin(list(reference_regions))][[*MEASURED, *_OF_REFERENCE]]
    pairs = rows.merge(references, on=MEASURED, suffixes=("", "_reference"))
    pairs = pairs[pairs["region"] != pairs["region_reference"]].reset_index(drop=True)
    return _estimates(pairs)


def _corrected(rows: pd.DataFrame, uptake: pd.DataFrame, counted: pd.DataFrame) -> dict[str, pd.Series]:
    """Return values and uncertainties with those of PET regions that are corrected for partial volume.

    ``seen`` is what takes the value's place in the variance where the reference is what surrounds the region.
    """
    value = counted["uptake_pct_id_per_ml"]
    is_corrected = (uptake["modality"] == "pet") & value.notna() & (value != uptake["uptake_pct_id_per_ml"])
    common_var = (uptake["rel_se_dose"] ** 2 + uptake["rel_se_standard"] ** 2) * value**2
    own_se = np.sqrt((counted["uptake_pct_id_per_ml_se"] ** 2 - common_var).clip(lower=0.0))
    rc = uptake["recovery_coefficient"]
    seen_se = pd.Series(np.hypot(uptake["base_se"] / rc, uptake["recovered_table_pct_id_per_ml"]), index=rows.index)
    return {
        "value": value.where(is_corrected, rows["value"]),
        "own_se": own_se.where(is_corrected, rows["own_se"]),
        "around": uptake["around"].where(is_corrected, ""),
        "seen": (uptake["uptake_pct_id_per_ml"] / rc).where(is_corrected, rows["value"]),
        "seen_se": seen_se.where(is_corrected, rows["own_se"]),
    }


_OF_REFERENCE = [
    "region",
    "value",
    "own_se",
    "lever_s",
    "is_below_detection",
    "status",
    "reason",
    "excluded",
    "exclusion_reason",
]
_KEPT = [
    "group",
    "tracer_h",
    "cell_day",
    "half_life_s",
    "half_life_se_s",
    *(name for name in _OF_REFERENCE if name not in ("value", "own_se")),
]


def _estimates(pairs: pd.DataFrame) -> pd.DataFrame:
    reference = pairs["region_reference"]
    reason = first_reason(
        pairs.index,
        (pairs["value"].isna(), pairs["region"] + ": " + pairs["reason"]),
        (pairs["value_reference"].isna(), reference + ": " + pairs["reason_reference"]),
        (
            pairs["is_below_detection_reference"] | (pairs["value_reference"] <= 0.0),
            "the reference " + reference + " is below detection, so that the ratio has no upper bound",
        ),
    )
    apart_s = pairs["lever_s"] - pairs["lever_s_reference"]
    rel_common = half_life_rel_se(apart_s, pairs["half_life_s"], pairs["half_life_se_s"])
    is_around = (pairs["around"] == reference) & (pairs["around"] != "")
    top, top_se = (
        pairs["seen" + end].where(is_around, pairs[name]) for end, name in (("", "value"), ("_se", "own_se"))
    )
    se = ratio_se(top, top_se, pairs["value_reference"], pairs["own_se_reference"], rel_common)
    fine = reason == ""
    return pairs.assign(
        reference=reference,
        ratio=(pairs["value"] / pairs["value_reference"]).where(fine),
        ratio_se=pd.Series(se, index=pairs.index).where(fine),
        status=status(reason),
        reason=reason,
        excluded=pairs["excluded"] | pairs["excluded_reference"],
        exclusion_reason=join_across([pairs["exclusion_reason"], pairs["exclusion_reason_reference"]]),
    )
