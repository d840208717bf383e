"""Whether an early signal tells what becomes of a mouse, as the config declares it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cartrace import association, rank_tests, survival, tables
from cartrace.association import Association
from cartrace.endpoints import takes_part
from cartrace.outcomes import MOUSE, outcome_of, outcome_text, progression
from cartrace.statistics import Array

FEWEST_EVENTS = 3
_WITHIN = "within groups"
_NUMBERS = ("estimate", "ci_low", "ci_high", "p_value")


def predict(
    endpoints: pd.DataFrame,
    lives: pd.DataFrame,
    readouts: pd.DataFrame,
    scans: pd.DataFrame,
    *,
    prediction: Sequence[Mapping[str, Any]],
    groups: Sequence[Mapping[str, Any]],
    region: str,
    window_end_day: float,
    confidence: float,
) -> pd.DataFrame:
    """Hold each declared early signal against its outcome.

    Parameters
    ----------
    endpoints : DataFrame
        Table of endpoints.
    lives : DataFrame
        Of `survival_groups.lives`.
    readouts : DataFrame
        Columns cohort, animal_id, readout, day, value.
    scans : DataFrame
        Columns cohort, animal_id, session, day: when a mouse was imaged or dissected.
    prediction : sequence of mapping
        The config's declarations.
    groups : sequence of mapping
        The config's groups; the background has no signal of cells and takes no part.
    region : str
        Region that is followed.
    window_end_day : float
        Last day that growth is fitted to: what a fit knows, it knows from then on.
    confidence : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        A table of predictions.
    """
    background = [group["name"] for group in groups if group["role"] == "background"]
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for declared in prediction:
        for analysis in ("all", "without_excluded"):
            early = _early(endpoints, scans, declared["early"], analysis, region, window_end_day)
            mice = early[~early["group"].isin(background)].merge(lives[[*MOUSE, "day", "died"]], on=MOUSE, how="left")
            for row in _judged(mice, declared, readouts, endpoints, scans, analysis, region, confidence):
                full = {"analysis": analysis, "ci_level": confidence} | _names(declared, region) | row
                rows.setdefault(tuple(full[name] for name in tables.Predictions.key), full)
    if not rows:
        return tables.empty(tables.Predictions)
    return pd.DataFrame(rows.values()).reindex(columns=tables.Predictions.names())


def _names(declared: Mapping[str, Any], region: str) -> dict[str, str]:
    early, outcome = declared["early"], declared["outcome"]
    said = [early["endpoint"], early["modality"], early["region"] or region, early["session"]]
    return {"early": " ".join(filter(None, said)), "outcome": outcome_text(outcome)}


def _early(
    endpoints: pd.DataFrame, scans: pd.DataFrame, early: Mapping[str, Any], analysis: str, region: str, end_day: float
) -> pd.DataFrame:
    """Return the early signal of each mouse, and the day from which it is known."""
    rows = endpoints[takes_part(endpoints) & (endpoints["analysis"] == analysis)]
    rows = rows[rows["region"] == (early["region"] or region)]
    if early["endpoint"] == "uptake":
        rows = rows[rows["endpoint"].isin(["uptake_pct_id_per_g", "uptake_pct_id_per_ml"])]
        rows = rows[rows["modality"] == early["modality"]]
    else:
        wanted = ["cells", "net_pct_id"] if early["endpoint"] == "cells" else [early["endpoint"]]
        rows = rows[rows["endpoint"].isin(wanted)]
    if early["session"]:
        rows = rows[rows["session"] == early["session"]]
        known = scans[scans["session"] == early["session"]]
    else:
        # ASSUME: a parameter of a fit is known only after the last scan that the fit uses.
        known = scans[scans["day"] <= end_day]
    days = known.groupby(MOUSE)["day"].max().rename("early_day").reset_index()
    rows = rows[[*MOUSE, "group", "value", "is_below_detection"]].merge(days, on=MOUSE, how="left")
    ranked = rank_tests.tied_below(
        rows["value"].to_numpy(dtype=np.float64), rows["is_below_detection"].to_numpy(dtype=bool)
    )
    return rows.assign(signal=ranked).sort_values(MOUSE, ignore_index=True)


def _judged(
    mice: pd.DataFrame,
    declared: Mapping[str, Any],
    readouts: pd.DataFrame,
    endpoints: pd.DataFrame,
    scans: pd.DataFrame,
    analysis: str,
    region: str,
    confidence: float,
) -> Iterator[dict[str, Any]]:
    outcome = declared["outcome"]
    if outcome["readout"] == "survival" or outcome["measure"] == "progression":
        event = "died" if outcome["readout"] == "survival" else "progressed or died"
        if outcome["readout"] != "survival":
            free = progression(readouts, mice, outcome)
            mice = mice.drop(columns=["day", "died"]).merge(free, on=MOUSE, how="left")
        known = (mice["day"] >= outcome["day"]) | mice["died"].eq(True)
        later = mice["early_day"] < np.minimum(mice["day"], outcome["day"])
        # Who died by that day, and who was alive on it; of a mouse that left earlier nobody knows.
        rows = mice.assign(is_good=mice["day"] >= outcome["day"], outcome=np.nan)[known & later]
        yield from _by_group(rows, lambda some: [_roc(some, confidence), _cutoff(some, confidence)])
        yield from _by_group(mice, lambda some: [_cox(some, outcome["day"], event, confidence)])
        return
    rows = mice.merge(outcome_of(readouts, mice, outcome), on=MOUSE)
    if len(rows) and (rows["outcome_day"] <= rows["early_day"]).all():
        reason = f"the signal is known on day {rows['early_day'].min():.3g} only, and the outcome is no later"
        yield _row("spearman", 0, association.NOTHING, "Fisher z", reason=reason) | {"group": ""}
        return
    rows = rows[rows["outcome_day"] > rows["early_day"]]
    sign = 1.0 if outcome["direction"] == "higher" else -1.0
    yield from _by_group(rows, lambda some: [_spearman(some, sign, confidence)], within=sign, confidence=confidence)
    if outcome["threshold"] is not None:
        rows = rows.assign(is_good=sign * rows["outcome"] > sign * outcome["threshold"])
        yield from _by_group(rows, lambda some: [_roc(some, confidence), _cutoff(some, confidence)])
    lag = _peak_lag(endpoints[endpoints["analysis"] == analysis], readouts, scans, outcome["readout"], region)
    lag = lag[lag["group"].isin(set(mice["group"]))]
    yield from _by_group(lag, lambda some: [_lag(some, confidence)])


def _by_group(
    mice: pd.DataFrame,
    judge: Callable[[pd.DataFrame], list[dict[str, Any]]],
    *,
    within: float | None = None,
    confidence: float = 0.95,
) -> Iterator[dict[str, Any]]:
    for row in judge(mice):
        yield row | {"group": ""}
    names = sorted(set(mice["group"]))
    if len(names) > 1:
        for name in names:
            for row in judge(mice[mice["group"] == name]):
                yield row | {"group": name}
        if within is not None:
            x, y = mice["signal"].to_numpy(dtype=np.float64), within * mice["outcome"].to_numpy(dtype=np.float64)
            found = association.spearman_within(x, y, mice["group"].to_numpy(dtype=str), confidence)
            yield _row("spearman", len(mice), found, "Fisher z", few=association.MINIMUM_MICE) | {"group": _WITHIN}


def _row(
    method: str, n: int, found: Association, ci_method: str, *, few: int = 0, reason: str = "", **more: Any
) -> dict[str, Any]:
    """Return a judgement, or why there is none."""
    if not reason and n < few:
        reason = f"{n} mice have both; {few} are needed"
    if not reason and not np.isfinite(found.estimate):
        reason = "the signal or the outcome is the same in all mice"
    numbers = {name: np.nan if reason else getattr(found, name) for name in _NUMBERS}
    status = {"status": "not_estimable" if reason else "ok", "reason": reason}
    base = {"method": method, "n": n, "n_good": 0, "cutoff": np.nan, "ci_method": ci_method}
    return (
        base
        | numbers
        | status
        | {name: np.nan if reason and name == "cutoff" else value for name, value in more.items()}
    )


def _spearman(mice: pd.DataFrame, sign: float, confidence: float) -> dict[str, Any]:
    x, y = mice["signal"].to_numpy(dtype=np.float64), sign * mice["outcome"].to_numpy(dtype=np.float64)
    return _row("spearman", len(mice), association.spearman(x, y, confidence), "Fisher z", few=association.MINIMUM_MICE)


def _roc(mice: pd.DataFrame, confidence: float) -> dict[str, Any]:
    signal, good = mice["signal"].to_numpy(dtype=np.float64), mice["is_good"].to_numpy(dtype=bool)
    found = association.roc_auc(signal[good], signal[~good], confidence)
    return _row("roc_auc", len(mice), found, found.ci_method, reason=_one_sided(good), n_good=int(good.sum()))


def _one_sided(good: np.ndarray) -> str:
    if good.size < association.MINIMUM_MICE:
        return f"{good.size} mice have both; {association.MINIMUM_MICE} are needed"
    worst = min(int(good.sum()), int((~good).sum()))
    return (
        "" if worst >= 2 else f"{int(good.sum())} of {good.size} mice have the good outcome; two of either are needed"
    )


def _cutoff(mice: pd.DataFrame, confidence: float) -> dict[str, Any]:
    signal, good = mice["signal"].to_numpy(dtype=np.float64), mice["is_good"].to_numpy(dtype=bool)
    reason = _one_sided(good)
    if reason:
        return _row("cutoff", len(mice), association.NOTHING, "Wilson", reason=reason, n_good=int(good.sum()))
    right = association.told_rightly(signal, good)
    low, high = association.wilson(right, signal.size, confidence)
    # Against guessing the commoner outcome every time.
    chance = max(good.mean(), 1 - good.mean())
    p = float(special.bdtrc(right - 1, signal.size, chance)) if right else 1.0
    found = Association(right / signal.size, low, high, p)
    cutoff = association.best_cutoff(signal, good)[0]
    return _row("cutoff", len(mice), found, "Wilson, leave-one-out", n_good=int(good.sum()), cutoff=cutoff)


def _cox(mice: pd.DataFrame, last_day: float, event: str, confidence: float) -> dict[str, Any]:
    """Return the hazard ratio per doubling of the signal among the mice alive at the landmark.

    The landmark is the day on which the last of them had its signal: nobody's survival counts before the signal that is
    to predict it. Anderson JR, Cain KC, Gelber RD. J Clin Oncol 1983;1:710-719. doi:10.1200/JCO.1983.1.11.710
    """
    known = mice[mice["early_day"].notna() & mice["day"].notna()]
    if known.empty:
        return _row(
            "cox_landmark", 0, association.NOTHING, "Wald", reason="no mouse has both a signal and a time of survival"
        )
    landmark = float(known["early_day"].max())
    alive = known[known["day"] > landmark]
    died = alive["died"].to_numpy(dtype=bool) & (alive["day"] <= last_day).to_numpy()
    counts: dict[str, Any] = {"n_good": int((~died).sum()), "cutoff": landmark}
    below = int((alive["is_below_detection"] | (alive["value"] <= 0)).sum())
    reason = f"{below} mice below detection have no logarithm of the signal" if below else ""
    if died.sum() < FEWEST_EVENTS:
        reason = f"{int(died.sum())} of {len(alive)} mice {event} between the landmark and day {last_day:g}"
        reason += f"; {FEWEST_EVENTS} are needed"
    if reason:
        return _row("cox_landmark", len(alive), association.NOTHING, "Wald", reason=reason, **counts)
    time = np.minimum(alive["day"].to_numpy(dtype=np.float64), last_day) - landmark
    doublings: Array = np.log2(alive["value"].to_numpy(dtype=np.float64))
    fit = survival.cox(time, died, doublings[:, None])
    if not fit.converged:
        reason = "the signal orders the deaths completely, so that the hazard ratio has no finite value"
        return _row("cox_landmark", len(alive), association.NOTHING, "Wald", reason=reason, **counts)
    half_width = float(special.ndtri((1 + confidence) / 2) * fit.se[0])
    ratio, low, high = np.exp(fit.coefficients[0] + np.array([0.0, -half_width, half_width]))
    found = Association(float(ratio), float(low), float(high), fit.p_value)
    return _row("cox_landmark", len(alive), found, "Wald", **counts)


def _peak_lag(
    endpoints: pd.DataFrame, readouts: pd.DataFrame, scans: pd.DataFrame, readout: str, region: str
) -> pd.DataFrame:
    """Return the days from each mouse's peak of a readout to that of its cells; only peaks that were passed count."""
    rows = endpoints[takes_part(endpoints) & endpoints["endpoint"].isin(["cells", "net_pct_id"])]
    rows = rows[rows["region"] == region]
    days = scans.groupby([*MOUSE, "session"])["day"].min().reset_index()
    response = _passed_peak(rows.merge(days, on=[*MOUSE, "session"]))
    other = _passed_peak(readouts[readouts["readout"] == readout])
    both = response.merge(other, on=MOUSE, suffixes=("_cells", "_readout"))
    both = both.merge(rows[[*MOUSE, "group"]].drop_duplicates(), on=MOUSE)
    return both.assign(lag=both["day_cells"] - both["day_readout"])


def _passed_peak(rows: pd.DataFrame) -> pd.DataFrame:
    ordered = rows.sort_values([*MOUSE, "day"], kind="stable")
    last = ordered.groupby(MOUSE)["day"].transform("max")
    highest = ordered["value"] == ordered.groupby(MOUSE)["value"].transform("max")
    peak = ordered.assign(last=last)[highest].drop_duplicates(MOUSE)
    passed: pd.DataFrame = peak.loc[peak["day"] < peak["last"], [*MOUSE, "day"]]
    return passed


def _lag(mice: pd.DataFrame, confidence: float) -> dict[str, Any]:
    lag = np.sort(mice["lag"].to_numpy(dtype=np.float64))
    n = lag.size
    if n == 0:
        return _row("peak_lag", 0, association.NOTHING, "order statistics", few=association.MINIMUM_MICE)
    # Ranks of the limits of a median by the binomial law.
    below = int((special.bdtr(np.arange(n), n, 0.5) <= (1 - confidence) / 2).sum())
    low, high = (lag[below - 1], lag[n - below]) if below else (np.nan, np.nan)
    found = Association(float(np.median(lag)), float(low), float(high), rank_tests.signed_rank(lag).p_value)
    return _row("peak_lag", n, found, "order statistics", few=association.MINIMUM_MICE)
