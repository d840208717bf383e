"""Specific uptake of an antibody (`immunopet`): what lies above a group that was blocked or lacks the target.

An antibody also lies in blood and binds elsewhere; the ratio to the mouse's own blood stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cartrace import tables
from cartrace.calibration import t_quantile
from cartrace.rows import INJECTION, attach, first_reason, status

_SAMPLE = [*INJECTION, "modality", "scan_id"]
_GROUPED = ["cohort", "tracer", "session", "modality", "region"]


def specific_rows(
    uptake: pd.DataFrame, ratios: pd.DataFrame, *, roles: Mapping[str, str], confidence: float
) -> pd.DataFrame:
    """Return the specific uptake of every region: what lies above the blocked or control group, and above blood.

    Parameters
    ----------
    uptake, ratios : DataFrame
        Contracts `Uptake` and `Ratios`.
    roles : mapping
        Role by group; the role background is the blocked group, or the one without the target.
    confidence : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        Contract `SpecificUptake`.

    Notes
    -----
    ``specific = uptake - mean`` of the background group in the same session and region (F39). One mouse's own
    unspecific uptake is one more draw from that group, so that its variance is ``u² + s² (1 + 1/n)``, with the degrees
    of freedom of Welch and Satterthwaite.
    """
    # ASSUME: Unspecific uptake of a mouse scatters as that of the mice of the blocked or control group.
    per_g = uptake["uptake_pct_id_per_g"].notna()
    rows = uptake.assign(
        unit=np.where(per_g, "%ID/g", "%ID/mL"),
        uptake=uptake["uptake_pct_id_per_g"].where(per_g, uptake["uptake_pct_id_per_ml"]),
        uptake_se=uptake["uptake_pct_id_per_g_se"].where(per_g, uptake["uptake_pct_id_per_ml_se"]),
    )
    is_background = rows["group"].map(roles) == "background"
    usable = rows[is_background & (rows["status"] == "ok") & ~rows["excluded"]]
    found = usable.groupby(_GROUPED, as_index=False)["uptake"].agg(["mean", "std", "count"])
    control = found.rename(columns={"mean": "control", "std": "control_sd", "count": "n_control"})
    rows = attach(rows, control.astype({"n_control": float}), _GROUPED)
    n = rows["n_control"].fillna(0.0)
    scatter_var = rows["control_sd"] ** 2 * (1.0 + 1.0 / n.where(n > 0.0))
    variance = rows["uptake_se"] ** 2 + scatter_var
    df = (variance**2 / (scatter_var**2 / (n - 1.0))).where(n > 1.0)
    reason = first_reason(
        rows.index,
        (rows["status"] != "ok", rows["reason"]),
        (rows["uptake"].isna(), "there is no uptake per gram or millilitre"),
        (is_background, "the group is what the others are held against"),
        (n == 0.0, "no mouse of a background group (blocked, or without the target) in this session"),
    )
    alone = first_reason(rows.index, (n == 1.0, "one background mouse: its scatter is not known, so no interval"))
    fine = reason == ""
    specific = (rows["uptake"] - rows["control"]).where(fine)
    se = np.sqrt(variance).where(fine)
    reach = se * t_quantile((1.0 + confidence) / 2.0, df.to_numpy(dtype=float))
    blood = ratios[(ratios["reference"] == "blood") & (ratios["status"] == "ok")]
    key = [*_SAMPLE, "region"]
    rows = attach(rows, blood[[*key, "ratio", "ratio_se"]], key)
    return rows.assign(
        n_control=n.astype(int),
        specific=specific,
        specific_se=se,
        specific_ci_low=specific - reach,
        specific_ci_high=specific + reach,
        blood_ratio=rows["ratio"],
        blood_ratio_se=rows["ratio_se"],
        status=status(reason),
        reason=reason.where(reason != "", alone),
    )[tables.SpecificUptake.names()]
