"""PET against the counter in the same mice: the log ratio after Bland and Altman."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cartrace import tables
from cartrace.endpoints import left_out, takes_part
from cartrace.names import some_mice
from cartrace.statistics import MINIMUM_N, Array, Moments, mean_interval

# Limits of agreement hold 95 % of the differences, whatever the level of the intervals.
WITHIN = 0.95
_PAIR = ["analysis", "region", "session", "cohort", "animal_id"]
_CELL = ["analysis", "region", "session"]


@dataclass(frozen=True)
class Limits:
    """Limits of agreement with their confidence limits; arrays of shape (k,)."""

    low: Array
    low_ci_low: Array
    low_ci_high: Array
    high: Array
    high_ci_low: Array
    high_ci_high: Array


def limits_of_agreement(differences: Moments, confidence: float) -> Limits:
    """Return the limits between which 95 % of the differences lie, with exact intervals.

    Parameters
    ----------
    differences : Moments
        Differences of the two methods, one per mouse; at least two.
    confidence : float
        Level of each limit's own interval.

    Returns
    -------
    Limits
        On the scale of the differences.

    Notes
    -----
    mean ± 1.96 SD; Bland JM, Altman DG. Stat Methods Med Res 1999;8:135-160. doi:10.1177/096228029900800204
    The interval of a limit is exact for normal differences: mean + SD t'(n - 1, z √n) / √n with quantiles of the
    noncentral t. Carkeet A. Optom Vis Sci 2015;92:e71-e80. doi:10.1097/OPX.0000000000000513
    """
    # ASSUME: log ratios of PET over counter are normal, with the same bias and scatter in all mice of a region.
    z = special.ndtri((1 + WITHIN) / 2)
    root = np.sqrt(differences.n)
    sd = np.sqrt(differences.variance)
    inner, outer = (
        special.nctdtrit(differences.n - 1, z * root, level) / root * sd
        for level in ((1 - confidence) / 2, (1 + confidence) / 2)
    )
    mean = differences.mean
    return Limits(
        low=mean - z * sd,
        low_ci_low=mean - outer,
        low_ci_high=mean - inner,
        high=mean + z * sd,
        high_ci_low=mean + inner,
        high_ci_high=mean + outer,
    )


def pairs(endpoints: pd.DataFrame) -> pd.DataFrame:
    """Return the mice whose region was measured by PET and by the counter in the same session.

    Parameters
    ----------
    endpoints : DataFrame
        Table of endpoints.

    Returns
    -------
    DataFrame
        Columns analysis, region, session, cohort, animal_id, group, quantity, pet, counter, and the flags usable,
        below_detection, excluded and missing that say which pairs take part and why the others do not.
    """
    # ASSUME: where PET has no density, %ID/mL is held against the counter's %ID/g as if tissue weighed 1 g/mL.
    rows = endpoints.assign(takes_part=takes_part(endpoints), left_out=left_out(endpoints))
    main = rows["endpoint"].isin(["uptake_pct_id_per_g", "uptake_pct_id_per_ml"])
    columns = [*_PAIR, "group", "endpoint", "value", "is_below_detection", "takes_part", "left_out"]
    pet, counter = (rows.loc[main & (rows["modality"] == modality), columns] for modality in ("pet", "counter"))
    both = pet.merge(counter.drop(columns=["group"]), on=_PAIR, suffixes=("_pet", "_counter"))
    excluded = both["left_out_pet"] | both["left_out_counter"]
    measured = both["takes_part_pet"] & both["takes_part_counter"]
    positive = (both["value_pet"] > 0) & (both["value_counter"] > 0)
    below = measured & (both["is_below_detection_pet"] | both["is_below_detection_counter"] | ~positive)
    both = both.assign(
        quantity=both["endpoint_pet"],
        pet=both["value_pet"],
        counter=both["value_counter"],
        usable=measured & ~below,
        below_detection=below,
        excluded=excluded,
        missing=~measured & ~excluded,
    )
    flags = ["usable", "below_detection", "excluded", "missing"]
    return both[[*_PAIR, "group", "quantity", "pet", "counter", *flags]].sort_values(_PAIR, ignore_index=True)


def agree(endpoints: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """Hold PET against the counter, per region, session and analysis.

    Parameters
    ----------
    endpoints : DataFrame
        Table of endpoints.
    confidence : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        A table of agreement: geometric mean of PET over counter and limits of agreement, all as ratios. Mice below
        detection or without a value in either take no part; fewer than three are a row without estimates.
    """
    both = pairs(endpoints)
    if both.empty:
        return tables.empty(tables.Agreement)
    both["log_ratio"] = np.log((both["pet"] / both["counter"]).where(both["usable"]))
    grouped = both.groupby(_CELL)
    frame = grouped.agg(
        n=("usable", "sum"),
        quantity=("quantity", "first"),
        mean=("log_ratio", "mean"),
        variance=("log_ratio", "var"),
        below_detection=("below_detection", "sum"),
        excluded=("excluded", "sum"),
        missing=("missing", "sum"),
    ).reset_index()
    frame["reason"] = [_reason(row) for row in frame.to_dict("records")]
    ok = frame["reason"] == ""
    frame["status"] = np.where(ok, "ok", "not_estimable")
    moments = Moments(*(frame[name].where(ok).to_numpy(dtype=float) for name in ("n", "mean", "variance")))
    ci_low, ci_high = mean_interval(moments, confidence)
    limits = limits_of_agreement(moments, confidence)
    logs = {"ratio": moments.mean, "ratio_ci_low": ci_low, "ratio_ci_high": ci_high}
    logs |= {f"limit_{name}": value for name, value in vars(limits).items()}
    return frame.assign(**{name: np.exp(value) for name, value in logs.items()})[tables.Agreement.names()]


def _reason(row: Mapping[Hashable, Any]) -> str:
    """Return why a region has no agreement, or an empty text."""
    if row["n"] >= MINIMUM_N:
        constant = row["variance"] <= (1e-14 * max(1.0, abs(row["mean"]))) ** 2
        return "the ratio is the same in all mice, which leaves no scatter to judge by" if constant else ""
    others = [
        (row["below_detection"], "below detection"),
        (row["missing"], "without a value"),
        (row["excluded"], "excluded"),
    ]
    named = ", ".join(f"{count} {label}" for count, label in others if count)
    found = f"{some_mice(row['n'])} with both values above detection"
    return f"{found}{f' ({named})' if named else ''}; agreement needs {MINIMUM_N}"
