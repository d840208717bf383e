"""The table of survival: medians of the groups, log-rank tests and hazard ratios between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cartrace import rank_tests, survival, tables
from cartrace.clock import SECONDS_PER_DAY, elapsed_s
from cartrace.statistics import MINIMUM_N, holm

DIED = ("humane_endpoint", "found_dead")
MOUSE = ["cohort", "animal_id"]
_RANK = {"background": 0, "control": 1, "test": 2}
_NUMBERS = (
    "median_day log_rank df p_value p_adjusted hazard_ratio hazard_ratio_ci_low hazard_ratio_ci_high cox_p_value"
).split()


def lives(animals: pd.DataFrame, exclusions: pd.DataFrame, seen: pd.DataFrame) -> pd.DataFrame:
    """Return how long each mouse was followed, and whether it died.

    Parameters
    ----------
    animals, exclusions : DataFrame
        Their tables.
    seen : DataFrame
        Columns cohort, animal_id, day: when a mouse was measured; a mouse without an end was followed to the last.

    Returns
    -------
    DataFrame
        Columns cohort, animal_id, group, day, died, excluded, unexplained (an end without its reason); mice of which
        nothing is known are left out.
    """
    # ASSUME: a humane endpoint and a mouse found dead are deaths; every other end of a mouse is not.
    zero = animals["cells_infused_at"].mask(animals["cells_infused_at"] == "", animals["enrolled_at"])
    day = elapsed_s(zero, animals["ended_at"]) / SECONDS_PER_DAY
    has_both = ~np.isnan(day)
    last = animals[MOUSE].merge(seen.groupby(MOUSE)["day"].max().reset_index(), on=MOUSE, how="left")["day"].to_numpy()
    out = exclusions.loc[exclusions["level"] == "animal", MOUSE].drop_duplicates().assign(excluded=True)
    frame = animals[[*MOUSE, "group"]].assign(
        day=np.where(has_both, day, last),
        died=animals["end_reason"].isin(DIED) & has_both,
        unexplained=has_both & (animals["end_reason"] == ""),
    )
    frame = frame.merge(out, on=MOUSE, how="left")
    frame["excluded"] = frame["excluded"].eq(True)
    return frame[frame["day"] > 0].reset_index(drop=True)


def compare_survival(mice: pd.DataFrame, *, groups: Sequence[Mapping[str, Any]], confidence: float) -> pd.DataFrame:
    """Compare the survival of the groups, all at once and in pairs.

    Parameters
    ----------
    mice : DataFrame
        Of `lives`.
    groups : sequence of mapping
        The config's groups.
    confidence : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        A table of survival. In a study in which no mouse died there is nothing to compare, and each row says so.
    """
    order = sorted(range(len(groups)), key=lambda position: (_RANK[groups[position]["role"]], position))
    names = [groups[position]["name"] for position in order]
    rows: list[dict[str, Any]] = []
    for analysis in ("all", "without_excluded"):
        part = mice if analysis == "all" else mice[~mice["excluded"]]
        present = [name for name in names if (part["group"] == name).any()]
        common = {"analysis": analysis, "ci_level": confidence, "p_method": ""} | dict.fromkeys(_NUMBERS, np.nan)
        found = [_group(part, name) for name in present]
        found += [_pair(part, a, b, confidence) for b, a in combinations(present, 2)]
        if len(present) > 2:
            found.append(_all(part, present))
        rows += [common | row for row in found]
    if not rows:
        return tables.empty(tables.Survival)
    frame = pd.DataFrame(rows)
    pairs = frame["level"] == "pair"
    adjusted = frame[pairs].groupby("analysis")["p_value"].transform(lambda p: holm(p.to_numpy(dtype=np.float64)))
    frame["p_adjusted"] = adjusted.reindex(frame.index)
    return frame[tables.Survival.names()]


def _side(mice: pd.DataFrame, name: str, tail: str) -> dict[str, Any]:
    part = mice[mice["group"] == name]
    return {f"group_{tail}": name, f"n_{tail}": len(part), f"n_events_{tail}": int(part["died"].sum())}


def _group(mice: pd.DataFrame, name: str) -> dict[str, Any]:
    part = mice[mice["group"] == name]
    median = survival.median_survival(part["day"].to_numpy(dtype=np.float64), part["died"].to_numpy(dtype=bool))
    unexplained = int(part["unexplained"].sum())
    reason = "" if np.isfinite(median) else "half of the mice never died in the time that they were followed"
    if unexplained:
        reason += f"{'; ' if reason else ''}{unexplained} mice ended without a reason and count as alive then"
    status = "ok" if np.isfinite(median) else "not_estimable"
    side = _side(mice, name, "a") | {"group_b": "", "n_b": 0, "n_events_b": 0}
    return {"level": "group", "median_day": median, "status": status, "reason": reason} | side


def _why_not(part: pd.DataFrame, names: Sequence[str]) -> str:
    few = [name for name in names if (part["group"] == name).sum() < MINIMUM_N]
    if few:
        return f"fewer than {MINIMUM_N} mice in {', '.join(few)}"
    return "" if part["died"].any() else "no mouse died in the time that it was followed"


def _pair(mice: pd.DataFrame, a: str, b: str, confidence: float) -> dict[str, Any]:
    part = mice[mice["group"].isin([a, b])]
    row: dict[str, Any] = {"level": "pair"} | _side(part, a, "a") | _side(part, b, "b")
    reason = _why_not(part, [a, b])
    if reason:
        return row | {"status": "not_estimable", "reason": reason}
    time, died = part["day"].to_numpy(dtype=np.float64), part["died"].to_numpy(dtype=bool)
    is_a = (part["group"] == a).to_numpy()
    test = survival.log_rank(time, died, is_a.astype(np.intp)).test
    row |= {"log_rank": test.statistic, "df": test.df, "p_value": test.p_value, "p_method": test.method}
    if comb(is_a.size, int(is_a.sum())) <= rank_tests.EXACT_ARRANGEMENTS:
        scores = survival.log_rank_scores(time, died)
        exact = rank_tests.permutation(scores[is_a], scores[~is_a], seed=0)
        row |= {"p_value": exact.p_value, "p_method": exact.method}
    if not np.isfinite(row["p_value"]):
        return row | {"status": "not_estimable", "reason": "the groups were never at risk together"}
    return row | _hazards(time, died, is_a, confidence, a, b)


def _hazards(time: np.ndarray, died: np.ndarray, is_a: np.ndarray, confidence: float, a: str, b: str) -> dict[str, Any]:
    """Return the hazard ratio; where all deaths fall to one side it has no finite value."""
    fit = survival.cox(time, died, is_a[:, None].astype(np.float64))
    if not fit.converged:
        reason = f"the deaths of {a} and {b} do not overlap, so that the hazard ratio has no finite value"
        return {"cox_p_value": fit.p_value, "status": "ok", "reason": reason}
    log_ratio, half_width = float(fit.coefficients[0]), float(special.ndtri((1 + confidence) / 2) * fit.se[0])
    return {
        "hazard_ratio": float(np.exp(log_ratio)),
        "hazard_ratio_ci_low": float(np.exp(log_ratio - half_width)),
        "hazard_ratio_ci_high": float(np.exp(log_ratio + half_width)),
        "cox_p_value": fit.p_value,
        "status": "ok",
        "reason": "",
    }


def _all(mice: pd.DataFrame, names: Sequence[str]) -> dict[str, Any]:
    part = mice[mice["group"].isin(names)]
    row: dict[str, Any] = {"level": "all", "group_a": "", "group_b": "", "n_a": len(part), "n_b": 0}
    row |= {"n_events_a": int(part["died"].sum()), "n_events_b": 0}
    reason = _why_not(part, names)
    if reason:
        return row | {"status": "not_estimable", "reason": reason}
    time, died = part["day"].to_numpy(dtype=np.float64), part["died"].to_numpy(dtype=bool)
    test = survival.log_rank(time, died, part["group"].map(list(names).index).to_numpy(dtype=np.intp)).test
    status = (
        {"status": "ok", "reason": ""}
        if np.isfinite(test.p_value)
        else {
            "status": "not_estimable",
            "reason": "the groups were never at risk together",
        }
    )
    return row | {"log_rank": test.statistic, "df": test.df, "p_value": test.p_value, "p_method": test.method} | status
