"""The background of a counter run: the mean of its blanks, or where it drifts, what lies between them in time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cartrace import counting
from cartrace.clock import elapsed_s
from cartrace.decay import Floats
from cartrace.rows import RUN, attach

_KEY = [*RUN, "window"]


def with_background(rows: pd.DataFrame, background_cps: float | None, drift_p: float) -> pd.DataFrame:
    """Return tubes with the background of their run and window.

    Parameters
    ----------
    rows : DataFrame
        Tubes with ``counts``, ``count_s``, ``counted_at`` and ``excluded``.
    background_cps : float or None
        Rate where a run has no blanks [1/s].
    drift_p : float
        p of the scatter of the blanks (chi-squared) below which the background is interpolated between them.

    Returns
    -------
    DataFrame
        With ``background_cps`` and ``background_cps_se`` [1/s] and ``background_source``. Blanks have the mean of all.

    Notes
    -----
    The mean is ``ΣB / Σt_B`` with standard uncertainty ``√ΣB / Σt_B`` (F8). Its scatter is tested by
    ``χ² = Σ (B_i - E_i)² / E_i`` on n - 1 degrees of freedom, ``E_i`` the mean over the time of each. Where it drifts,
    a tube has the rate at the middle of its count on the straight line between the blanks before and after it, and
    outside of them that of the nearest.
    """
    blanks = rows[(rows["role"] == "blank") & ~rows["excluded"] & rows["counts"].notna()]
    runs = _means(blanks)
    joined = attach(rows, runs[[*_KEY, "background_cps", "background_cps_se", "background_source"]], _KEY)
    if background_cps is not None:
        # ASSUME: The background that the config states has no uncertainty of its own.
        missing = joined["background_cps"].isna()
        joined.loc[missing, ["background_cps", "background_cps_se"]] = [background_cps, 0.0]
        joined.loc[missing, "background_source"] = "counter.background_cps"
    for _, run in runs[runs["p"] < drift_p].iterrows():
        here = np.logical_and.reduce([joined[name] == run[name] for name in _KEY])
        of_run = np.logical_and.reduce([blanks[name] == run[name] for name in _KEY])
        _interpolate(joined, here & (joined["role"] != "blank").to_numpy(), blanks[of_run])
    return joined


def _means(blanks: pd.DataFrame) -> pd.DataFrame:
    """Return the mean of the blanks of each run and window, and the p of their scatter."""
    from scipy.special import chdtrc  # here, since nothing else of this stage needs scipy

    # ASSUME: The background is the same for all tubes of a run, unless its blanks show that it drifts.
    # ASSUME: The background does not decay and is too low to lose counts.
    runs = blanks.assign(n=1.0).groupby(_KEY, as_index=False)[["counts", "count_s", "n"]].sum()
    rate = runs["counts"] / runs["count_s"]
    expected = attach(blanks[_KEY], runs[_KEY].assign(rate=rate), _KEY)["rate"].to_numpy() * blanks["count_s"]
    squares = ((blanks["counts"] - expected) ** 2 / expected).where(expected > 0.0, 0.0)
    chi2 = blanks[_KEY].assign(chi2=squares).groupby(_KEY, as_index=False)["chi2"].sum()
    runs = runs.merge(chi2, on=_KEY, validate="1:1")
    sources = [f"mean of {n:.0f} blanks" if n > 1.0 else "one blank" for n in runs["n"]]
    return runs.assign(
        background_cps=rate,
        background_cps_se=np.sqrt(counting.count_variance(runs["counts"])) / runs["count_s"],
        background_source=pd.Series(sources, index=runs.index, dtype=str),
        p=np.where(runs["n"] > 1.0, chdtrc((runs["n"] - 1.0).clip(lower=1.0), runs["chi2"]), np.nan),
    )


def _interpolate(rows: pd.DataFrame, here: np.ndarray, blanks: pd.DataFrame) -> None:
    """Put the interpolated background into those tubes of one run."""
    origin = blanks["counted_at"].iloc[0]
    known_s = _middle_s(blanks, origin)
    order = np.argsort(known_s, kind="stable")
    rate = (blanks["counts"] / blanks["count_s"]).to_numpy()[order]
    variance = (counting.count_variance(blanks["counts"]) / blanks["count_s"].to_numpy() ** 2)[order]
    known_s, wanted_s = known_s[order], _middle_s(rows[here], origin)
    place = np.interp(wanted_s, known_s, np.arange(len(known_s), dtype=np.float64))
    before = np.minimum(place.astype(int), len(known_s) - 2)
    weight = place - before
    value = (1.0 - weight) * rate[before] + weight * rate[before + 1]
    se = np.sqrt((1.0 - weight) ** 2 * variance[before] + weight**2 * variance[before + 1])
    rows.loc[here, ["background_cps", "background_cps_se"]] = np.column_stack([value, se])
    rows.loc[here, "background_source"] = f"interpolated in time between {len(known_s)} blanks, which drift"


def _middle_s(rows: pd.DataFrame, origin: str) -> Floats:
    since = pd.Series(origin, index=rows.index, dtype=str)
    return elapsed_s(since, rows["counted_at"]) + rows["count_s"].to_numpy(dtype=np.float64) / 2.0
