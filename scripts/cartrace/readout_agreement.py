"""The followed response against other measurements of the same mice, such as flow cytometry or bioluminescence."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cartrace import association, tables
from cartrace.endpoints import takes_part
from cartrace.names import some_mice
from cartrace.outcomes import WITHIN_DAY
from cartrace.statistics import Array

MOUSE = ["cohort", "animal_id"]
_CELL = ["analysis", "endpoint", "region", "session"]


def agree_with_readouts(
    endpoints: pd.DataFrame, readouts: pd.DataFrame, scans: pd.DataFrame, *, confidence: float
) -> pd.DataFrame:
    """Hold the followed response against every readout, session by session.

    Parameters
    ----------
    endpoints : DataFrame
        Table of endpoints.
    readouts : DataFrame
        Columns cohort, animal_id, readout, unit, day, value.
    scans : DataFrame
        Columns cohort, animal_id, session, day.
    confidence : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        A table of agreement with readouts; a correlation says that they go together, a slope of 1 on the log scale that
        they are proportional.
    """
    rows = endpoints[takes_part(endpoints) & endpoints["endpoint"].isin(["cells", "net_pct_id"])]
    days = scans.groupby([*MOUSE, "session"])["day"].min().reset_index()
    both = rows.merge(days, on=[*MOUSE, "session"]).merge(readouts, on=MOUSE, suffixes=("", "_readout"))
    both = both.assign(apart=(both["day_readout"] - both["day"]).abs())
    both = both[both["apart"] <= WITHIN_DAY].sort_values(
        [*_CELL, "readout", *MOUSE, "apart", "day_readout"], kind="stable"
    )
    both = both.drop_duplicates([*_CELL, "readout", *MOUSE])
    usable = (both["value"] > 0) & ~both["is_below_detection"] & (both["value_readout"] > 0)
    found = []
    for key, part in both.assign(usable=usable).groupby([*_CELL, "readout"], sort=True):
        some = part[part["usable"]]
        logs = [np.log(some[name].to_numpy(dtype=np.float64)) for name in ("value", "value_readout")]
        where = dict(zip([*_CELL, "readout"], key, strict=True)) | {"unit": str(part["unit_readout"].iloc[0])}
        found.append(where | {"ci_level": confidence} | _judged(logs[0], logs[1], confidence))
    return (
        pd.DataFrame(found, columns=tables.ReadoutAgreement.names()) if found else tables.empty(tables.ReadoutAgreement)
    )


def _judged(x: Array, y: Array, confidence: float) -> dict[str, float | str]:
    n = x.size
    reason = ""
    if n < association.MINIMUM_MICE:
        reason = f"both are above detection and above zero in {some_mice(n)}; {association.MINIMUM_MICE} are needed"
    elif np.ptp(x) == 0 or np.ptp(y) == 0:
        reason = "one of the two is the same in all mice"
    numbers = dict.fromkeys(
        ("spearman", "spearman_ci_low", "spearman_ci_high", "p_value", "slope", "slope_ci_low", "slope_ci_high"), np.nan
    )
    if not reason:
        rank, line = association.spearman(x, y, confidence), association.deming(x, y, confidence)
        numbers |= {"spearman": rank.estimate, "spearman_ci_low": rank.ci_low, "spearman_ci_high": rank.ci_high}
        numbers |= {"p_value": rank.p_value, "slope": line.estimate}
        numbers |= {"slope_ci_low": line.ci_low, "slope_ci_high": line.ci_high}
    return {"n": n} | numbers | {"status": "not_estimable" if reason else "ok", "reason": reason}
