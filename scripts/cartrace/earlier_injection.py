"""What an earlier injection left in a PET region: measured by a scan before the injection, decayed, and subtracted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cartrace.clock import elapsed_s
from cartrace.decay import Floats, decay_factor, effective_time_s, half_life_rel_se
from cartrace.radionuclides import Decay
from cartrace.rows import SCAN, attach, first_reason, join_across, status

_EARLIER = ["earlier_kbq", "earlier_se", "earlier_s", "earlier_injected_at", "earlier_nuclide", "earlier_exclusion"]


def without_earlier(rows: pd.DataFrame, decays: Mapping[str, Decay]) -> pd.DataFrame:
    """Return the regions without what an earlier injection left, where the sheet of scans names a scan of it.

    Parameters
    ----------
    rows : DataFrame
        Regions and frames at their injection, with ``residual_scan``, ``half_life_s``, ``injected_at`` and exclusions.
    decays : mapping
        Decay by tracer, with the biological half-life of what is washed out.

    Returns
    -------
    DataFrame
        With ``residual_kbq_per_ml``, on the reference of this injection, its standard uncertainty, and the activity
        without it. A value below zero stays. Without the region in that scan, or with another nuclide in it, there is
        no value but a reason; an exclusion of that scan is one of this.

    Notes
    -----
    ``A_earlier · exp(-λ Δ - λ_b δ)`` (F29), with Δ from injection to injection and δ from scan to scan. Variances of
    scan, half-life and biological half-life are added.
    """
    rows = rows.assign(residual_kbq_per_ml=np.nan, residual_kbq_per_ml_se=np.nan)
    asked = (rows["residual_scan"] != "").to_numpy()
    if not asked.any():
        return rows
    key = ["cohort", "residual_scan", "region"]
    joined = attach(rows, _scans(rows), key)
    apart_s = elapsed_s(joined["earlier_injected_at"], joined["injected_at"])
    frame_s = effective_time_s(joined["frame_start_s"], joined["frame_duration_s"], joined["half_life_s"])
    between_s = apart_s + frame_s - joined["earlier_s"]
    half_life_s, half_life_se_s = _biological(joined["tracer"], decays)
    washed = np.where(np.isinf(half_life_s), 1.0, decay_factor(between_s, half_life_s))
    # ASSUME: What an earlier injection left decays, and is washed out where a biological half-life is declared.
    residual = joined["earlier_kbq"] * decay_factor(apart_s, joined["half_life_s"]) * washed
    rel = np.hypot(
        half_life_rel_se(apart_s - joined["earlier_s"], joined["half_life_s"], joined["half_life_se_s"]),
        np.where(np.isinf(half_life_s), 0.0, half_life_rel_se(between_s, half_life_s, half_life_se_s)),
    )
    own = joined["earlier_se"] / joined["earlier_kbq"].abs().where(joined["earlier_kbq"] != 0.0)
    se = residual.abs() * np.hypot(own.fillna(0.0), rel)
    scan = "the scan " + joined["residual_scan"] + " of what an earlier injection left "
    reason = first_reason(
        joined.index,
        (joined["reason"] != "", joined["reason"]),
        (~asked, ""),
        (joined["earlier_kbq"].isna(), scan + "has no value of this region"),
        (
            joined["earlier_nuclide"] != joined["nuclide"],
            scan + "images " + joined["earlier_nuclide"] + "; only activity of the same nuclide can be subtracted",
        ),
    )
    fine = asked & (reason == "")
    value = (joined["activity_kbq_per_ml"] - residual).where(fine, joined["activity_kbq_per_ml"].where(~asked))
    total_se = np.hypot(joined["activity_kbq_per_ml_se"], se.where(fine, 0.0))
    exclusion = ("the scan " + joined["residual_scan"] + ": " + joined["earlier_exclusion"]).where(
        joined["earlier_exclusion"] != "", ""
    )
    exclusion = join_across([joined["exclusion_reason"], exclusion])
    return joined.assign(
        residual_kbq_per_ml=residual.where(fine),
        residual_kbq_per_ml_se=se.where(fine),
        activity_kbq_per_ml=value,
        activity_kbq_per_ml_se=pd.Series(total_se, index=joined.index).where(value.notna()),
        reason=reason,
        status=status(reason),
        exclusion_reason=exclusion,
        excluded=exclusion != "",
    ).drop(columns=_EARLIER)


def _scans(rows: pd.DataFrame) -> pd.DataFrame:
    """Return each region of each scan that is subtracted, its frames averaged by duration."""
    used = rows[rows["scan_id"].isin(rows["residual_scan"]) & rows["activity_kbq_per_ml"].notna()]
    by = [used[name] for name in [*SCAN, "region"]]
    total_s = used["frame_duration_s"].groupby(by).transform("sum")
    weight = used["frame_duration_s"].where(total_s > 0.0, 1.0)
    weight = weight / weight.groupby(by).transform("sum")
    middle_s = effective_time_s(used["frame_start_s"], used["frame_duration_s"], used["half_life_s"])
    terms = used[[*SCAN, "region"]].assign(
        earlier_kbq=weight * used["activity_kbq_per_ml"],
        earlier_se=weight * used["activity_kbq_per_ml_se"],
        earlier_s=weight * middle_s,
    )
    sums = terms.groupby([*SCAN, "region"], as_index=False).sum()
    texts = {
        "injected_at": "earlier_injected_at",
        "nuclide": "earlier_nuclide",
        "exclusion_reason": "earlier_exclusion",
    }
    first = used.drop_duplicates([*SCAN, "region"])[[*SCAN, "region", *texts]].rename(columns=texts)
    return attach(sums, first, [*SCAN, "region"]).rename(columns={"scan_id": "residual_scan"})


def _biological(names: pd.Series, decays: Mapping[str, Decay]) -> tuple[Floats, Floats]:
    """Return the biological half-life of each row's tracer and its standard uncertainty [s]; infinite without one."""
    known = [decays[name] for name in names]
    half_life_s = np.array([decay.biological_half_life_s for decay in known], dtype=np.float64)
    return half_life_s, np.array([decay.biological_half_life_se_s for decay in known], dtype=np.float64)
