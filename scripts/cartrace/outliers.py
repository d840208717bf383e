"""Values far from their like: flagged on the log scale, never dropped."""

from __future__ import annotations

import numpy as np
import pandas as pd

LEAST = 5
# Of a normal distribution, standard deviation over median absolute deviation.
_SCALED = 1.4826
_ALIKE = ["cohort", "tracer", "modality", "region", "group", "session"]


def with_outliers(uptake: pd.DataFrame, *, mads: float) -> pd.DataFrame:
    """Return the uptake with how far each value lies from its like, and whether that is far.

    Parameters
    ----------
    uptake : DataFrame
        Contract `Uptake`, but for the columns that are added.
    mads : float
        Distance beyond which a value is flagged, in scaled median absolute deviations.

    Returns
    -------
    DataFrame
        With ``outlier_mads`` and ``is_outlier``. Nothing is judged below five values of a tissue, group and session
        above detection; what is excluded is judged, but does not say where the others lie.

    Notes
    -----
    ``|ln x - median| / (1.4826 · median |ln x - median|)`` of the uptake per gram, else per millilitre, else in %ID.

    References
    ----------
    Leys et al., J Exp Soc Psychol 2013;49:764-766, doi:10.1016/j.jesp.2013.03.013.
    """
    value = uptake["uptake_pct_id_per_g"].fillna(uptake["uptake_pct_id_per_ml"]).fillna(uptake["uptake_pct_id"])
    is_known = (uptake["status"] == "ok") & ~uptake["is_below_detection"] & (value > 0.0)
    logs = pd.Series(np.log(value.where(is_known).to_numpy(dtype=np.float64)), index=uptake.index)
    by = [uptake[name] for name in _ALIKE]
    counted = logs.where(~uptake["excluded"])
    middle = counted.groupby(by).transform("median")
    spread = _SCALED * (counted - middle).abs().groupby(by).transform("median")
    enough = counted.groupby(by).transform("count") >= LEAST
    distance = ((logs - middle).abs() / spread).where(enough & (spread > 0.0))
    return uptake.assign(outlier_mads=distance, is_outlier=distance > mads)
