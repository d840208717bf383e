"""Which PET uptake counts: corrected for partial volume where the config gives coefficients, else as measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

LEVELS = ("critical_level", "detection_limit")


def counted_uptake(uptake: pd.DataFrame, *, quantity: str, recovery: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the uptake that groups are compared by.

    Parameters
    ----------
    uptake : DataFrame
        Contract `Uptake`.
    quantity : str
        ``recovered``: of PET regions with declared surroundings the value corrected for partial volume; ``measured``.
    recovery : sequence of mapping
        The config's tables of recovery coefficients; without any, what was measured counts.

    Returns
    -------
    DataFrame
        The uptake in %ID/mL, %ID/g and %ID and the SUV, their uncertainties and levels, of corrected regions by the
        corrected value. A region that should be corrected and cannot be is not estimable, with the reason: beside
        corrected values of other mice its measured one would be another quantity.

    Notes
    -----
    The critical level L goes the way of the value C: ``R + (L - C) / RC`` with the corrected value R, so that what is
    below detection stays so. The coefficient's own uncertainty is common to the study.
    """
    if quantity == "measured" or not recovery:
        return uptake
    asked = (uptake["recovery_reason"] != "") | uptake["recovered_pct_id_per_ml"].notna()
    asked &= (uptake["modality"] == "pet") & (uptake["status"] == "ok")
    value, se = uptake["recovered_pct_id_per_ml"], uptake["recovered_pct_id_per_ml_se"]
    sizes = {
        "pct_id_per_ml": pd.Series(1.0, index=uptake.index),
        "pct_id_per_g": 1.0 / uptake["density_g_per_ml"],
        "pct_id": uptake["volume_ml"],
    }
    changed: dict[str, pd.Series] = {}
    for unit, size in sizes.items():
        changed |= {f"uptake_{unit}": value * size, f"uptake_{unit}_se": se * size}
        for level in LEVELS:
            above = uptake[f"{level}_pct_id_per_ml"] - uptake["uptake_pct_id_per_ml"]
            changed[f"{level}_{unit}"] = (value + above / uptake["recovery_coefficient"]).clip(lower=0.0) * size
    weight = uptake["body_weight_g"] / 100.0
    changed |= {"suv": value * weight, "suv_se": se * weight}
    of_table = uptake["recovered_table_pct_id_per_ml"] / value.abs().where(value != 0.0)
    changed["rel_se_standard"] = pd.Series(np.hypot(uptake["rel_se_standard"], of_table.fillna(0.0)), uptake.index)
    lost = asked & value.isna()
    said = "not corrected for partial volume: " + uptake["recovery_reason"]
    return uptake.assign(
        **{name: values.where(asked, uptake[name]) for name, values in changed.items()},
        status=uptake["status"].mask(lost, "not_estimable"),
        reason=uptake["reason"].mask(lost, said),
    )
