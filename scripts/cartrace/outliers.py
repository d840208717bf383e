"""Values far from their like: flagged on the log scale, never dropped."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cartrace.decay import Floats

LEAST = 5
# Of a normal distribution, standard deviation over median absolute deviation.
SCALED = 1.4826
# For n = 5 to 30: the distance that 1.242 % of normal values exceed, over the 2.5 that as many of a large sample do.
# Of 4 · 10⁷ simulated values for each n (2 · 10⁸ up to 8), as tests/unit/test_outliers.py does with fewer: known to
# 0.001. Odd and even n alternate, because the median of an odd number is one of the values.
_FACTORS = (
    *(3.183, 2.021, 2.105, 1.698, 1.728, 1.526, 1.543, 1.423, 1.431, 1.351, 1.357, 1.300, 1.305),
    *(1.264, 1.266, 1.233, 1.235, 1.210, 1.211, 1.190, 1.192, 1.175, 1.176, 1.161, 1.162, 1.149),
)
# Beyond the table, through simulated values of 26 to 400.
_BEYOND = (4.13, 12.95)
_ALIKE = ["cohort", "tracer", "modality", "region", "group", "session"]


def small_sample_factor(n: ArrayLike) -> Floats:
    """Return how much farther out than in a large sample a normal value must lie to be as rare among n.

    Parameters
    ----------
    n : array_like
        Values that the median and the median absolute deviation are of, 5 or more.

    Returns
    -------
    ndarray
        Distance in scaled median absolute deviations that 1.24 % of n normal values exceed, over 2.5: both are of the
        values themselves, and of few of them the deviation is often small by chance.

    Notes
    -----
    Up to 30 values a table, beyond it ``1 + 4.13 / n + 12.95 / n²``.
    """
    count = np.asarray(n, dtype=np.float64)
    last = LEAST + len(_FACTORS) - 1
    index = np.clip(np.nan_to_num(count, nan=LEAST), LEAST, last).astype(int) - LEAST
    return np.where(count <= last, np.asarray(_FACTORS)[index], 1.0 + _BEYOND[0] / count + _BEYOND[1] / count**2)


def with_outliers(uptake: pd.DataFrame, *, mads: float) -> pd.DataFrame:
    """Return the uptake with how far each value lies from its like, and whether that is far.

    Parameters
    ----------
    uptake : DataFrame
        Contract `Uptake`, but for the columns that are added.
    mads : float
        Distance beyond which a value is flagged, in scaled median absolute deviations of a large sample.

    Returns
    -------
    DataFrame
        With ``outlier_mads`` and ``is_outlier``. Nothing is judged below five values of a tissue, group and session
        above detection; what is excluded is judged, but does not say where the others lie.

    Notes
    -----
    ``|ln x - median| / (1.4826 · median |ln x - median| · factor)`` of the uptake per gram, else per millilitre, else
    in %ID. With the factor of :func:`small_sample_factor`, a threshold of 2.5 flags 1.24 % of normal values whatever
    their number; without it, 9.2 % of five.

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
    n = counted.groupby(by).transform("count")
    enough = n >= LEAST
    spread = SCALED * (counted - middle).abs().groupby(by).transform("median")
    unit = spread * small_sample_factor(n.where(enough))
    distance = ((logs - middle).abs() / unit).where(enough & (unit > 0.0))
    return uptake.assign(outlier_mads=distance, is_outlier=distance > mads)
