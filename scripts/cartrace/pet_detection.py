"""Detection in PET: what regions without signal scatter by says above which uptake a region is detected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cartrace.rows import attach

_LEVELS = ("critical_level", "detection_limit")
_KEY = ["cohort", "session", "tracer", "region"]
_PROBABILITY = 0.95
MINIMUM_VOIS = 3


def with_pet_limits(uptake: pd.DataFrame, *, groups: Sequence[Mapping[str, Any]], noise_region: str) -> pd.DataFrame:
    """Return the uptake with critical level and detection limit of PET regions.

    Parameters
    ----------
    uptake : DataFrame
        Rows of both modalities with ``group`` and ``excluded``, of one cohort.
    groups : sequence of mapping
        The config's groups: name and role.
    noise_region : str
        Region that is drawn where there is no signal; empty: the same region of the background group's mice.

    Returns
    -------
    DataFrame
        With the levels of PET rows in %ID/mL, %ID and %ID/g, ``is_below_detection`` and ``detection_basis``. Without
        three such regions in the same session there is no level, and nothing is below it.

    Notes
    -----
    With the standard deviation s of n regions: ``L_C = t(0.95, n - 1) s √(1 + 1/n)`` and ``L_D = 2 L_C`` (F38), both
    above no uptake at all. Whether a region holds *cells* is another question, which the table of cells answers.
    """
    # ASSUME: A PET region without uptake would scatter about zero as those without reporter cells do about their mean.
    is_pet = (uptake["modality"] == "pet").to_numpy()
    names = [group["name"] for group in groups if group["role"] == "background"]
    is_blank = uptake["region"] == noise_region if noise_region else uptake["group"].isin(names)
    usable = uptake[is_pet & is_blank & (uptake["status"] == "ok") & ~uptake["excluded"]]
    key = [name for name in _KEY if not (noise_region and name == "region")]
    mice = usable.groupby([*key, "animal_id"], as_index=False)["uptake_pct_id_per_ml"].mean()
    found = mice.groupby(key, as_index=False).agg(
        sd=("uptake_pct_id_per_ml", "std"), n=("uptake_pct_id_per_ml", "size")
    )
    found = found[found["n"] >= MINIMUM_VOIS].assign(n=lambda rows: rows["n"].astype(float))
    rows = attach(uptake, found, key)
    level = _quantile(rows["n"]) * rows["sd"] * np.sqrt(1.0 + 1.0 / rows["n"])
    per_ml = {"critical_level": level, "detection_limit": 2.0 * level}
    what = f"regions '{noise_region}'" if noise_region else "mice of the background group"
    basis = "scatter of " + rows["n"].fillna(0).astype(int).astype(str) + " " + what
    has = is_pet & rows["n"].notna() & (rows["status"] == "ok")
    size = {"pct_id": rows["volume_ml"], "pct_id_per_g": rows["per_g"], "pct_id_per_ml": 1.0}
    for name in _LEVELS:
        for unit, factor in size.items():
            own = rows[f"{name}_{unit}"]
            rows[f"{name}_{unit}"] = own.where(~has, per_ml[name] * factor)
    below = rows["is_below_detection"] | (has & (rows["uptake_pct_id_per_ml"] < level))
    return rows.assign(is_below_detection=below, detection_basis=rows["detection_basis"].where(~has, basis)).drop(
        columns=["sd", "n"]
    )


def _quantile(n: pd.Series) -> np.ndarray:
    from scipy.special import stdtrit  # here, since nothing else of this stage needs scipy

    return np.asarray(stdtrit(n - 1.0, _PROBABILITY), dtype=np.float64)
