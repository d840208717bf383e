"""What a study's strategy asks of its uptake beside growth: labelled cells and whole body, or specific uptake.

A direct label (`direct_label`) stays when cells divide, and leaves them when they die: uptake becomes labelled-cell
equivalents. What an antibody asks for stands in `specific`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cartrace import tables
from cartrace.decay import Floats, decay_factor
from cartrace.pet_quantity import counted_uptake
from cartrace.rows import INJECTION, attach, first_reason, status
from cartrace.specific import specific_rows

WHOLE_BODY = "whole body"
CARCASS = "carcass"
EXCRETA = ("urine", "faeces")
_SAMPLE = [*INJECTION, "modality", "scan_id"]
_GROUPED = ["cohort", "tracer", "session", "modality", "region"]
_BQ_PER_KBQ = 1000.0


# ---- direct label ----


def retained_frac(label_day: ArrayLike, efflux_per_day: float) -> Floats:
    """Return the fraction of the label that living cells have kept.

    Parameters
    ----------
    label_day : array_like
        Time since the labelling [day].
    efflux_per_day : float
        Rate at which cells lose label, by a culture of the same cells [1/day].

    Returns
    -------
    ndarray
        ``exp(-efflux_per_day · label_day)`` (F34).
    """
    return np.exp(-efflux_per_day * np.asarray(label_day, dtype=np.float64))


def labelled_cells(activity_bq: ArrayLike, activity_bq_per_cell: ArrayLike, retained: ArrayLike) -> Floats:
    """Return the labelled-cell equivalents of an activity.

    Parameters
    ----------
    activity_bq : array_like
        Activity in cells, decay-corrected to the labelling [Bq].
    activity_bq_per_cell : array_like
        Activity of one cell at labelling [Bq].
    retained : array_like
        Fraction that cells have kept.

    Returns
    -------
    ndarray
        ``activity_bq / (activity_bq_per_cell · retained)`` (F34). Division shares a label out, so that these are the
        cells that were labelled, not those that there are.
    """
    activity, per_cell, kept = (np.asarray(x, dtype=np.float64) for x in (activity_bq, activity_bq_per_cell, retained))
    return activity / (per_cell * kept)


def labelled_rows(
    uptake: pd.DataFrame, doses: pd.DataFrame, *, roles: Mapping[str, str], label: Mapping[str, float | None]
) -> pd.DataFrame:
    """Return the labelled-cell equivalents of every region, and the whole body where the carcass was counted.

    Parameters
    ----------
    uptake, doses : DataFrame
        Contracts `Uptake` and `DoseActivity`.
    roles : mapping
        Role by group; the role background is the group that got free label or lysed cells.
    label : mapping
        The config's section label.

    Returns
    -------
    DataFrame
        Contract `LabelledCells`.

    Notes
    -----
    ``net = uptake - φ(t) · D`` with the mean uptake D of the group that got free label, in the same session, and
    ``φ(t) = 1 - (1 - free_frac) · retained`` (F35): what was free when injected, and what has left the cells since.
    """
    # ASSUME: Label that leaves a cell goes where free label goes, from the injection on.
    # ASSUME: Activity per cell, efflux and free fraction are exact beside the uptake.
    rows = pd.concat([uptake, whole_body(uptake)], ignore_index=True)
    rows = attach(rows, doses[[*INJECTION, "net_injected_kbq", "half_life_s"]], INJECTION)
    delay_h = float(label["delay_h"] or 0.0)
    day = (rows["tracer_h"] + delay_h) / 24.0
    retained = pd.Series(retained_frac(day, float(label["efflux_per_day"] or 0.0)), index=rows.index)
    free = 1.0 - (1.0 - float(label["free_frac"] or 0.0)) * retained
    rows = attach(rows, _means_of_background(rows, roles), _GROUPED)
    has_free = rows["n_background"].fillna(0.0) > 0.0
    share = free.where(has_free, 0.0)
    net = rows["uptake_pct_id"] - share * rows["background_pct_id"].fillna(0.0)
    # Of one mouse alone nobody knows the scatter; without any, nothing is subtracted and nothing added.
    net_se = np.hypot(rows["uptake_pct_id_se"], share * rows["background_pct_id_se"].where(has_free, 0.0))
    per_cell = label["activity_bq_per_cell"]
    at_labelling = rows["net_injected_kbq"] * _BQ_PER_KBQ / decay_factor(delay_h * 3600.0, rows["half_life_s"])
    per_pct = labelled_cells(at_labelling / 100.0, np.nan if per_cell is None else per_cell, retained)
    is_background = rows["group"].map(roles) == "background"
    reason = first_reason(
        rows.index,
        (rows["status"] != "ok", rows["reason"]),
        (rows["uptake_pct_id"].isna(), "there is no uptake in %ID: the volume or the whole sample is not known"),
        (is_background, "the group got free label or lysed cells, of which no cell holds any"),
        (per_cell is None, "label.activity_bq_per_cell is not stated"),
    )
    fine = reason == ""
    unsubtracted = first_reason(
        rows.index,
        (~has_free, "no mouse of a background group in this session: free label is not subtracted"),
        (rows["n_background"] == 1.0, "one background mouse: its scatter is not known, so no uncertainty"),
    )
    return rows.assign(
        label_day=day,
        retained_frac=retained,
        free_frac=free.clip(lower=0.0, upper=1.0),
        n_background=rows["n_background"].fillna(0.0).astype(int),
        net_pct_id=net.where(~is_background),
        net_pct_id_se=pd.Series(net_se, index=rows.index).where(~is_background),
        cells=pd.Series(net * per_pct, index=rows.index).where(fine),
        cells_se=pd.Series(net_se * per_pct, index=rows.index).where(fine),
        status=status(reason),
        reason=reason.where(reason != "", unsubtracted),
    )[tables.LabelledCells.names()]


def whole_body(uptake: pd.DataFrame) -> pd.DataFrame:
    """Return the sum of a mouse's tissues in %ID, where its carcass was counted and every tissue has a value.

    Parameters
    ----------
    uptake : DataFrame
        Contract `Uptake`.

    Returns
    -------
    DataFrame
        Rows of the region "whole body": what the body holds; urine and faeces do not belong to it. The dose's and the
        standards' uncertainty are common to all tissues and add up linearly.
    """
    counted = uptake[(uptake["modality"] == "counter") & ~uptake["region"].isin([WHOLE_BODY, *EXCRETA])]
    in_carcass = counted.loc[counted["region"] == CARCASS, INJECTION].drop_duplicates()
    counted = counted.merge(in_carcass, on=INJECTION)
    if counted.empty:
        return uptake.iloc[:0]
    value = counted["uptake_pct_id"].where(counted["status"] == "ok")
    common = np.hypot(counted["rel_se_dose"], counted["rel_se_standard"]) * value
    own_var = (counted["uptake_pct_id_se"] ** 2 - common**2).clip(lower=0.0)
    terms = counted[_SAMPLE].assign(uptake_pct_id=value, common=common, own_var=own_var)
    sums = terms.groupby(_SAMPLE)[["uptake_pct_id", "common", "own_var"]].sum(skipna=False).reset_index()
    first = counted.drop_duplicates(_SAMPLE)
    texts = [name for name in uptake.columns if pd.api.types.is_string_dtype(uptake[name])]
    rows = attach(sums, first[[*_SAMPLE, "group", "tracer", "nuclide", "tracer_h", "cell_day", "measured_at"]], _SAMPLE)
    out = counted.groupby(_SAMPLE, as_index=False).agg(
        excluded=("excluded", "any"), exclusion_reason=("exclusion_reason", "max")
    )
    rows = attach(rows, out, _SAMPLE)
    reason = first_reason(rows.index, (rows["uptake_pct_id"].isna(), "a tissue of the mouse has no value"))
    rows = rows.assign(
        region=WHOLE_BODY,
        uptake_pct_id_se=np.sqrt(rows["common"] ** 2 + rows["own_var"]),
        is_below_detection=False,
        status=status(reason),
        reason=reason,
    )
    empty = {name: "" if name in texts else np.nan for name in uptake.columns if name not in rows.columns}
    return rows.assign(**empty)[list(uptake.columns)].astype(uptake.dtypes.to_dict())


def _means_of_background(rows: pd.DataFrame, roles: Mapping[str, str]) -> pd.DataFrame:
    """Return the mean uptake of the background group by session and region, with its standard error."""
    usable = rows[(rows["group"].map(roles) == "background") & (rows["status"] == "ok") & ~rows["excluded"]]
    found = usable.groupby(_GROUPED, as_index=False)["uptake_pct_id"].agg(["mean", "std", "count"])
    # One mouse shows no scatter: its own uncertainty is not that between mice.
    return found.assign(
        background_pct_id=found["mean"],
        background_pct_id_se=found["std"] / np.sqrt(found["count"]),
        n_background=found["count"].astype(float),
    ).drop(columns=["mean", "std", "count"])


def of_strategy(
    strategy: str,
    uptake: pd.DataFrame,
    ratios: pd.DataFrame,
    doses: pd.DataFrame,
    *,
    groups: Sequence[Mapping[str, Any]],
    label: Mapping[str, float | None],
    confidence: float,
    recovery: Sequence[Mapping[str, Any]] = (),
    pet_quantity: str = "measured",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return labelled cells and specific uptake; of a strategy that does not ask for them, empty tables."""
    roles = {str(group["name"]): str(group["role"]) for group in groups}
    labelled, specific = tables.empty(tables.LabelledCells), tables.empty(tables.SpecificUptake)
    if strategy == "direct_label" and len(uptake):
        labelled = labelled_rows(uptake, doses, roles=roles, label=label)
    if strategy == "immunopet" and len(uptake):
        counted = counted_uptake(uptake, quantity=pet_quantity, recovery=recovery)
        specific = specific_rows(counted, ratios, roles=roles, confidence=confidence)
    return labelled, specific
