"""Tests of several groups at once, and of two sessions of the same mice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cartrace import group_tests, many_groups, plan, rank_effects, rank_tests, tables
from cartrace.endpoints import KEY, by_name, takes_part
from cartrace.forest import on_scale
from cartrace.statistics import ADJUSTMENTS, MINIMUM_N, Array, hedges_g_paired, mean_interval, moments

_PAIRED_NUMBERS = (
    "estimate ci_low ci_high statistic df p_value hedges_g hedges_g_ci_low hedges_g_ci_high rank_biserial "
    "rank_biserial_ci_low rank_biserial_ci_high"
).split()
_WELCH, _KRUSKAL = "Welch ANOVA", "Kruskal-Wallis"


def overall(endpoints: pd.DataFrame, comparisons: pd.DataFrame, *, groups: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Test every endpoint that has three or more groups over all of them.

    Parameters
    ----------
    endpoints, comparisons : DataFrame
        Their tables. Ranks are added where an endpoint is primary or declared secondary.
    groups : sequence of mapping
        The config's groups.

    Returns
    -------
    DataFrame
        A table of overall tests, empty in a study of two groups.
    """
    background = {group["name"] for group in groups if group["role"] == "background"}
    declared = comparisons.loc[comparisons["plan"] != "exploratory", KEY].drop_duplicates()
    ranked = set(declared.itertuples(index=False, name=None))
    rows = []
    for key, every in endpoints[takes_part(endpoints)].groupby(KEY, sort=True):
        where = dict(zip(KEY, key, strict=True))
        endpoint = by_name(str(where["endpoint"]))
        mice = every if endpoint.compares_background else every[~every["group"].isin(background)]
        parts = {str(name): part for name, part in mice.groupby("group", sort=True)}
        if len(parts) >= 3:
            common = where | {"scale": endpoint.scale, "groups": ", ".join(parts), "n": len(mice)}
            rows.append(common | _anova(list(parts.values()), endpoint.scale))
            if tuple(key) in ranked:
                rows.append(common | _kruskal(list(parts.values())))
    return pd.DataFrame(rows, columns=tables.Overall.names()) if rows else tables.empty(tables.Overall)


def _too_few(parts: list[pd.DataFrame]) -> str:
    return f"a test needs {MINIMUM_N} mice in each group" if min(map(len, parts)) < MINIMUM_N else ""


def _anova(parts: list[pd.DataFrame], scale: str) -> dict[str, Any]:
    values = [on_scale(part, scale) for part in parts]
    missing = int(sum(np.isnan(one).sum() for one in values))
    reason = _too_few(parts) or (
        f"{missing} mice below detection or not above zero have no logarithm" if missing else ""
    )
    found = many_groups.Overall(np.nan, np.nan, np.nan, np.nan)
    if not reason:
        found = many_groups.welch_anova(moments(*values))
        reason = "" if np.isfinite(found.p_value) else "a group has no scatter to judge by"
    return _row(_WELCH, reason, found, "F law")


def _kruskal(parts: list[pd.DataFrame]) -> dict[str, Any]:
    reason = _too_few(parts)
    found, method = many_groups.Overall(np.nan, np.nan, np.nan, np.nan), ""
    if not reason:
        values = [
            rank_tests.tied_below(
                part["value"].to_numpy(dtype=np.float64), part["is_below_detection"].to_numpy(dtype=bool)
            )
            for part in parts
        ]
        test = rank_tests.kruskal(values)
        found, method = many_groups.Overall(test.statistic, test.df, np.nan, test.p_value), test.method
        reason = "" if np.isfinite(test.p_value) else "all values are the same"
    return _row(_KRUSKAL, reason, found, method)


def _row(test: str, reason: str, found: many_groups.Overall, method: str) -> dict[str, Any]:
    numbers = {name: np.nan if reason else value for name, value in vars(found).items()}
    said = {"p_method": "" if reason else method, "status": "not_estimable" if reason else "ok", "reason": reason}
    return {"test": test} | numbers | said


def paired(
    endpoints: pd.DataFrame, *, secondary: Sequence[Mapping[str, Any]], adjustment: str, confidence: float
) -> pd.DataFrame:
    """Compare two sessions of the same mice, in every declared family whose test is a paired one.

    Parameters
    ----------
    endpoints : DataFrame
        Table of endpoints.
    secondary : sequence of mapping
        The config's families.
    adjustment : str
        ``holm`` or ``BH``, within each family.
    confidence : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        A table of paired comparisons; the later session of the config is compared with the earlier one.
    """
    rows = [
        row
        for family in secondary
        if group_tests.by_name(family["test"]).kind == "paired"
        for row in _of_family(endpoints, family, confidence)
    ]
    if not rows:
        return tables.empty(tables.Paired)
    frame = pd.DataFrame(rows)
    by_family = frame.groupby(["analysis", "family"])["p_value"]
    frame["p_adjusted"] = by_family.transform(lambda p: ADJUSTMENTS[adjustment](p.to_numpy(dtype=np.float64)))
    return frame[tables.Paired.names()]


def _of_family(endpoints: pd.DataFrame, family: Mapping[str, Any], confidence: float) -> Iterator[dict[str, Any]]:
    part = endpoints[takes_part(endpoints) & plan.declared(endpoints, family)]
    where = ["analysis", "endpoint", "modality", "region", "group"]
    earlier, later = family["sessions"]
    for key, mice in part.groupby(where, sort=True):
        sides = [mice[mice["session"] == session] for session in (later, earlier)]
        both = sides[0].merge(sides[1], on=["cohort", "animal_id"], suffixes=("_a", "_b"))
        scale = by_name(str(key[1])).scale
        values = [
            on_scale(
                both.rename(columns={f"value{tail}": "value", f"is_below_detection{tail}": "is_below_detection"}), scale
            )
            for tail in ("_a", "_b")
        ]
        difference = values[0] - values[1]
        missing = int(np.isnan(difference).sum())
        common = dict(zip(where, key, strict=True)) | {"family": family["family"], "session_a": later}
        common |= {"session_b": earlier, "scale": scale, "unit": str(mice["unit"].iloc[0]), "n": len(both)}
        reason = f"{len(both)} mice were measured in both sessions; a test needs {MINIMUM_N}"
        if len(both) >= MINIMUM_N:
            reason = f"{missing} mice below detection or not above zero have no logarithm" if missing else ""
        yield common | {"ci_level": confidence} | _paired_test(family["test"], difference, scale, confidence, reason)


def _paired_test(name: str, difference: Array, scale: str, confidence: float, reason: str) -> dict[str, Any]:
    numbers: dict[str, Any] = dict.fromkeys(_PAIRED_NUMBERS, np.nan) | {"p_method": "", "effect_size_kind": ""}
    if not reason and np.ptp(difference) == 0:
        reason = "the difference is the same in all mice, which leaves no scatter to judge by"
    if not reason:
        numbers |= (_paired_t if name == "paired_t" else _signed_rank)(difference, confidence)
    if scale == "log":
        numbers |= {key: np.exp(numbers[key]) for key in ("estimate", "ci_low", "ci_high")}
    status = {"status": "not_estimable" if reason else "ok", "reason": reason}
    return numbers | status | {"test": group_tests.label(name, scale)}


def _paired_t(difference: Array, confidence: float) -> dict[str, Any]:
    found = moments(difference)
    n, mean, variance = float(found.n[0]), float(found.mean[0]), float(found.variance[0])
    low, high = mean_interval(found, confidence)
    effect = hedges_g_paired(found, confidence)
    t = mean / np.sqrt(variance / n)
    return {
        "estimate": mean,
        "ci_low": low[0],
        "ci_high": high[0],
        "statistic": t,
        "df": n - 1,
        "p_value": float(2 * special.stdtr(n - 1, -abs(t))),
        "p_method": "t law",
        "hedges_g": effect.estimate[0],
        "hedges_g_ci_low": effect.ci_low[0],
        "hedges_g_ci_high": effect.ci_high[0],
        "effect_size_kind": group_tests.HEDGES_G,
    }


def _signed_rank(difference: Array, confidence: float) -> dict[str, Any]:
    test, effect = rank_tests.signed_rank(difference), rank_effects.rank_biserial_paired(difference, confidence)
    estimate, low, high = rank_effects.walsh(difference, confidence)
    return {
        "estimate": estimate,
        "ci_low": low,
        "ci_high": high,
        "statistic": test.statistic,
        "p_value": test.p_value,
        "p_method": test.method,
        "rank_biserial": effect.estimate,
        "rank_biserial_ci_low": effect.ci_low,
        "rank_biserial_ci_high": effect.ci_high,
        "effect_size_kind": effect.kind,
    }
