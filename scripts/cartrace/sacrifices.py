"""From the tissues of mice dissected at several times after one injection to rows of :class:`tables.Destructive`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cartrace import tables
from cartrace.clock import SECONDS_PER_HOUR
from cartrace.decay import decay_constant_per_s
from cartrace.destructive import (
    LEAST_TIMES,
    Interval,
    decaying_weights,
    divided,
    effective_half_life_h,
    falling,
    half_life,
    parts,
    summed,
    time_scale,
    times_of_sacrifice,
    trapezoid_weights,
)

_DESIGN = ["group", "tracer", "injection_day"]
_NONE = Interval(np.nan, np.nan, np.nan, np.nan, np.nan)
_STUDENT, _FIELLER = "Student t", "Fieller"
_FEW = "fewer than two mice at a time of sacrifice: the scatter between mice is not known"


def destructive_rows(
    uptake: pd.DataFrame,
    doses: pd.DataFrame,
    *,
    analysis: str,
    reference_regions: Sequence[str],
    tail: str,
    human_weight_kg: float | None,
    confidence: float,
) -> pd.DataFrame:
    """Return areas, ratios of areas, half-lives and residence of every tissue with enough times of sacrifice.

    Parameters
    ----------
    uptake : DataFrame
        Contract `Uptake`, all cohorts.
    doses : DataFrame
        Contract `DoseActivity`, all cohorts.
    analysis : str
        ``all`` or ``without_excluded``.
    reference_regions : sequence of str
        Tissues that ratios of areas are made to.
    tail : str
        ``physical`` or ``fitted``: what happens after the last time.
    human_weight_kg : float or None
        Body weight that residence is scaled to in time; None: it is not.
    confidence : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        Contract `Destructive`.
    """
    samples = _samples(uptake, doses, analysis)
    rows: list[dict[str, Any]] = []
    for key, design in samples.groupby(_DESIGN, sort=True):
        named = dict(zip(_DESIGN, key, strict=True))
        for region, tissue in design.groupby("region", sort=True):
            if tissue["time"].nunique() < LEAST_TIMES:
                continue
            head = {"analysis": analysis, **named, "region": region, "reference": "", "ci_level": confidence}
            physical_h = float(tissue["half_life_s"].iloc[0]) / SECONDS_PER_HOUR
            rows.append(head | _area(tissue, confidence))
            others = design[design["region"].isin(list(reference_regions)) & (design["region"] != region)]
            for reference, other in others.groupby("region", sort=True):
                rows.append(head | {"reference": reference} | _area_ratio(tissue, other, confidence))
            falls = _falling(tissue, confidence)
            rows += [head | row for row in _half_lives(falls, physical_h)]
            rows += [head | row for row in _residence(tissue, falls, physical_h, tail, human_weight_kg, confidence)]
    frame = pd.DataFrame(rows, columns=tables.Destructive.names())
    return frame if rows else tables.empty(tables.Destructive)


def _samples(uptake: pd.DataFrame, doses: pd.DataFrame, analysis: str) -> pd.DataFrame:
    """Return one row per mouse, injection and tissue, with the number and the hour of its time of sacrifice."""
    rows = uptake[(uptake["modality"] == "counter") & (uptake["status"] == "ok") & uptake["tracer_h"].notna()]
    rows = rows[rows["tracer_h"] > 0.0]
    if analysis != "all":
        rows = rows[~rows["excluded"]]
    key = ["cohort", "animal_id", "session"]
    rows = rows.merge(doses[[*key, "half_life_s"]], on=key, how="left", validate="m:1")
    animal = rows["cohort"] + "/" + rows["animal_id"]
    # Tissues of a mouse that lack their own time were counted one after another, but taken at once.
    hour = rows["tracer_h"].groupby([animal, rows["session"]]).transform("median")
    day = (rows["cell_day"] - rows["tracer_h"] / 24.0).round().fillna(0.0) + 0.0
    rows = rows.assign(animal=animal, hour=hour, injection_day=day).reset_index(drop=True)
    number = rows.groupby(["tracer", "injection_day"])["hour"].transform(times_of_sacrifice)
    rows = rows.assign(time=number.astype(int))
    # One hour for all groups of a design, so that their areas span the same time.
    rows["time_h"] = rows.groupby(["tracer", "injection_day", "time"])["hour"].transform("mean")
    return rows


def _values(tissue: pd.DataFrame, column: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the values of a tissue in the form of :func:`cartrace.destructive.parts`, and its times [h]."""
    there = tissue[tissue[column].notna()]
    hours = there.groupby("time")["time_h"].first()
    number = there["time"].map({time: place for place, time in enumerate(hours.index)})
    named = there.assign(time=number, value=there[column])
    return named.groupby(["animal", "time"])["value"].mean().reset_index(), hours.to_numpy()


def _row(quantity: str, unit: str, found: Interval, reason: str, **more: Any) -> dict[str, Any]:
    is_ok = np.isfinite(found.estimate)
    return {
        "quantity": quantity,
        "unit": unit,
        "estimate": found.estimate,
        "se": found.se,
        "df": found.df,
        "ci_low": found.low,
        "ci_high": found.high,
        "status": "ok" if is_ok else "not_estimable",
        "reason": reason,
        "ci_method": "",
        "rule": "",
        **more,
    }


def _span(values: pd.DataFrame, hours: np.ndarray) -> dict[str, Any]:
    first, last = (float(hours[0]), float(hours[-1])) if len(hours) else (np.nan, np.nan)
    return {"first_h": first, "last_h": last, "n_times": len(hours), "n_animals": values["animal"].nunique()}


def _too_few(hours: np.ndarray, of_what: str) -> str:
    many = "" if len(hours) == 1 else "s"
    enough = len(hours) >= LEAST_TIMES
    return "" if enough else f"{of_what} at {len(hours)} time{many} of sacrifice; {LEAST_TIMES} are needed"


def _area(tissue: pd.DataFrame, confidence: float) -> dict[str, Any]:
    values, hours = _values(tissue, "uptake_pct_id_per_g")
    reason, found = _too_few(hours, "uptake per gram"), _NONE
    if not reason:
        found = summed(parts(values, trapezoid_weights(hours)), confidence=confidence)
        reason = "" if np.isfinite(found.se) else _FEW
    rule = "linear trapezoid from the first to the last time, nothing before and after"
    return _row("auc", "%ID/g·h", found, reason, **_span(values, hours), ci_method=_STUDENT, rule=rule)


def _area_ratio(tissue: pd.DataFrame, other: pd.DataFrame, confidence: float) -> dict[str, Any]:
    both = tissue.merge(other[["animal", "session", "uptake_pct_id_per_g"]], on=["animal", "session"])
    top, hours = _values(both[both["uptake_pct_id_per_g_y"].notna()], "uptake_pct_id_per_g_x")
    bottom, _ = _values(both[both["uptake_pct_id_per_g_x"].notna()], "uptake_pct_id_per_g_y")
    reason, found = _too_few(hours, "both tissues of one mouse"), _NONE
    if not reason:
        weights = trapezoid_weights(hours)
        found = divided(parts(top, weights), parts(bottom, weights), confidence=confidence)
        if not np.isfinite(found.se):
            reason = _FEW
        elif np.isnan(found.low):
            reason = "no interval: the reference's area does not differ from 0"
    rule = "mice in which both tissues were measured; linear trapezoid from the first to the last time"
    return _row("auc_ratio", "1", found, reason, **_span(top, hours), ci_method=_FIELLER, rule=rule)


def _falling(tissue: pd.DataFrame, confidence: float) -> tuple[Interval, dict[str, Any], str]:
    """Return the rate at which the tissue empties, the span that it is of, and why there is none."""
    rows = tissue.assign(level=tissue["uptake_pct_id"].where(~tissue["is_below_detection"]))
    of_time = rows.groupby("time")
    mean = of_time["uptake_pct_id"].mean()
    # From the highest mean to the last time before mice fall below detection: leaving out only those would flatten it.
    lost = of_time["level"].apply(lambda level: bool((~(level > 0.0)).any()))
    start = mean.idxmax() if mean.notna().any() else mean.index[0]
    gone = lost[lost & (lost.index >= start)].index
    end = gone.min() if len(gone) else mean.index.max() + 1
    values, hours = _values(rows[(rows["time"] >= start) & (rows["time"] < end)], "level")
    reason = _too_few(hours, "from its highest mean on, uptake is above detection in all mice")
    if reason:
        return _NONE, _span(values, hours), reason
    found = falling(hours[values["time"].to_numpy(dtype=int)], values["value"], confidence=confidence)
    return found, _span(values, hours), "" if found.estimate > 0.0 else "uptake does not fall from its highest mean on"


def _half_lives(falls: tuple[Interval, dict[str, Any], str], physical_h: float) -> Iterator[dict[str, Any]]:
    rate, span, reason = falls
    decay = float(np.log(2.0)) / physical_h
    biological = half_life(rate)
    open_end = "no upper limit: uptake may not fall at all" if not reason and np.isnan(biological.high) else ""
    rule = "log-linear from the time of the highest mean on"
    more: dict[str, Any] = {**span, "ci_method": _STUDENT, "rule": rule}
    yield _row("biological_half_life", "h", biological, reason or open_end, **more)
    effective = _NONE
    if not reason:
        low, high = (
            float(np.log(2.0)) / (limit + decay) if limit + decay > 0.0 else np.nan for limit in (rate.high, rate.low)
        )
        value = float(effective_half_life_h(biological.estimate, physical_h))
        effective = Interval(value, value * rate.se / (rate.estimate + decay), rate.df, low, high)
    yield _row("effective_half_life", "h", effective, reason, **more)


def _residence(
    tissue: pd.DataFrame,
    falls: tuple[Interval, dict[str, Any], str],
    physical_h: float,
    tail: str,
    human_weight_kg: float | None,
    confidence: float,
) -> Iterator[dict[str, Any]]:
    values, hours = _values(tissue.assign(fraction=tissue["uptake_pct_id"] / 100.0), "fraction")
    rate, _, no_rate = falls
    few = _too_few(hours, "uptake in the whole sample")
    reason = few or (f"the tail is not known: {no_rate}" if tail == "fitted" and no_rate else "")
    decay = float(decay_constant_per_s(physical_h * SECONDS_PER_HOUR)) * SECONDS_PER_HOUR
    # ASSUME: The rate of a fitted tail is exact beside the scatter of the uptake.
    tail_per_h = rate.estimate if tail == "fitted" and not reason else 0.0
    rule = "constant before the first time; after the last " + (
        "nothing but decay" if tail == "physical" else "decay and the fitted biological rate"
    )
    mouse_kg = float(tissue["body_weight_g"].mean()) / 1000.0
    scales: list[tuple[str, float]] = [("tiac", 1.0)]
    if human_weight_kg is not None:
        scales.append(("tiac_human", time_scale(human_weight_kg, mouse_kg)))
    for quantity, scale in scales:
        why = reason or ("no body weight of the mice" if np.isnan(scale) else "")
        found = _NONE
        if not why:
            weights = decaying_weights(scale * hours, decay, tail_per_h / scale)
            found = summed(parts(values, weights), confidence=confidence)
            why = "" if np.isfinite(found.se) else _FEW
        scaled = f"; biological times {scale:.4g}-fold" if quantity == "tiac_human" and not np.isnan(scale) else ""
        yield _row(quantity, "h", found, why, **_span(values, hours), ci_method=_STUDENT, rule=rule + scaled)
