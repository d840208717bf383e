"""The table of cohorts: each declared comparison cohort by cohort, and pooled over cohorts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cartrace import pooling, tables
from cartrace.endpoints import KEY, takes_part
from cartrace.names import some_mice
from cartrace.statistics import MINIMUM_N, Array, Moments, welch

PAIR = [*KEY, "group_a", "group_b", "scale"]
_NUMBERS = (
    "estimate ci_low ci_high df p_value weight_pct heterogeneity_q heterogeneity_p heterogeneity_i2_pct tau "
    "prediction_low prediction_high"
).split()
_BACK = ("estimate", "ci_low", "ci_high", "prediction_low", "prediction_high")


def forest(endpoints: pd.DataFrame, comparisons: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """Return the primary and the declared secondary comparisons by cohort and pooled.

    Parameters
    ----------
    endpoints : DataFrame
        Table of endpoints.
    comparisons : DataFrame
        Table of comparisons.
    confidence : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        A table of the forest; cohorts first, then `fixed`, then `random` where there are enough cohorts.
    """
    rows = [
        row
        for comparison, mice in declared_mice(endpoints, comparisons)
        for row in _of_comparison(comparison, mice, confidence)
    ]
    return pd.DataFrame(rows, columns=tables.Forest.names()) if rows else tables.empty(tables.Forest)


def declared_mice(endpoints: pd.DataFrame, comparisons: pd.DataFrame) -> list[tuple[dict[str, Any], pd.DataFrame]]:
    """Return each primary and secondary comparison with the mice of both groups that take part in it."""
    declared = comparisons[comparisons["plan"] != "exploratory"]
    part = endpoints[takes_part(endpoints)].merge(declared[KEY].drop_duplicates(), on=KEY)
    by_key = dict(iter(part.groupby(KEY, sort=False)))
    found = []
    for row in declared.to_dict("records"):
        mice = by_key.get(tuple(row[name] for name in KEY), part.iloc[:0])
        mice = mice[mice["group"].isin([row["group_a"], row["group_b"]])]
        found.append(({str(name): value for name, value in row.items()}, mice))
    return found


def on_scale(mice: pd.DataFrame, scale: str) -> Array:
    """Return the values of mice on a scale, NaN where there is none."""
    value = mice["value"].to_numpy(dtype=np.float64)
    if scale == "linear":
        return value
    usable = (value > 0) & ~mice["is_below_detection"].to_numpy(dtype=bool)
    return np.log(np.where(usable, value, np.nan))


def confounded(mice: pd.DataFrame, by: str, groups: tuple[str, str]) -> str:
    """Return what is wrong where no level of `by` holds mice of both groups, or an empty text."""
    if mice["group"].nunique() < 2 or mice[by].nunique() < 2:
        return ""
    where = {group: sorted(set(mice.loc[mice["group"] == group, by])) for group in groups}
    if set(where[groups[0]]) & set(where[groups[1]]):
        return ""
    named = ", ".join(f"{group} is only in {by} {' and '.join(where[group])}" for group in groups)
    return f"error of design: {named}; a difference between the groups cannot be told from one of {by}"


def _of_comparison(row: Mapping[str, Any], mice: pd.DataFrame, confidence: float) -> list[dict[str, Any]]:
    """Return the rows of one comparison."""
    common = {name: row[name] for name in (*PAIR, "unit", "plan", "family")} | {"ci_level": confidence}
    common |= dict.fromkeys(_NUMBERS, np.nan)
    value = on_scale(mice, row["scale"])
    is_a = (mice["group"] == row["group_a"]).to_numpy()
    names, cohort = np.unique(mice["cohort"].to_numpy(dtype=str), return_inverse=True)
    counts = {"n_a": int(is_a.sum()), "n_b": int((~is_a).sum()), "n_cohorts": len(names)}
    reason = _why_not(mice, value, row)
    if reason:
        none = {"level": "fixed", "cohort": "", "status": "not_estimable", "reason": reason}
        return [common | counts | none]
    data = pooling.blocks(value, is_a, cohort)
    rows = [common | cohort_row for cohort_row in _by_cohort(data, names, confidence)]
    rows.append(common | counts | _fixed(data, confidence))
    if int(data.has_both.sum()) >= pooling.MINIMUM_RANDOM and data.within[1] > 0:
        rows.append(common | counts | _random(data, confidence))
    back = np.exp if row["scale"] == "log" else np.asarray
    return [one | {name: float(back(one[name])) for name in _BACK} for one in rows]


def _why_not(mice: pd.DataFrame, value: Array, row: Mapping[str, Any]) -> str:
    for side in ("group_a", "group_b"):
        if not (mice["group"] == row[side]).any():
            return f"{row[side]} has no mouse with a value"
    missing = int(np.isnan(value).sum())
    if missing:
        hidden = f"{some_mice(missing)} below detection or not above zero"
        return f"{hidden}; cohorts are pooled where all values have a logarithm"
    return confounded(mice, "cohort", (row["group_a"], row["group_b"]))


def _by_cohort(data: pooling.Blocks, names: Array, confidence: float) -> list[dict[str, Any]]:
    enough = (data.n_a >= MINIMUM_N) & (data.n_b >= MINIMUM_N)
    sides = [
        Moments(n, mean, squares / np.maximum(n - 1, 1))
        for n, mean, squares in (
            (data.n_a, data.mean_a, data.squares_a),
            (data.n_b, data.mean_b, data.squares_b),
        )
    ]
    with np.errstate(invalid="ignore", divide="ignore"):
        found = welch(sides[0], sides[1], confidence)
    total = data.weight.sum()
    rows = []
    for position, name in enumerate(names):
        ok = bool(enough[position] and np.isfinite(found.p_value[position]))
        numbers = {
            "estimate": found.difference,
            "ci_low": found.ci_low,
            "ci_high": found.ci_high,
            "df": found.df,
            "p_value": found.p_value,
        }
        few = f"a test needs {MINIMUM_N} mice in each group; the cohort still counts in the pooled estimate"
        same = "the values within each group are all the same"
        rows.append(
            {"level": "cohort", "cohort": str(name), "n_cohorts": 1, "weight_pct": 100 * data.weight[position] / total}
            | {"n_a": int(data.n_a[position]), "n_b": int(data.n_b[position])}
            | {key: float(values[position]) if ok else np.nan for key, values in numbers.items()}
            | {"status": "ok" if ok else "not_estimable", "reason": "" if ok else same if enough[position] else few}
        )
    return rows


def _fixed(data: pooling.Blocks, confidence: float) -> dict[str, Any]:
    if min(data.n_a.sum(), data.n_b.sum()) < MINIMUM_N:
        reason = f"a test needs {MINIMUM_N} mice in each group"
        return {"level": "fixed", "cohort": "", "status": "not_estimable", "reason": reason}
    found = pooling.fixed(data, confidence)
    ok = np.isfinite(found.p_value)
    reason = "" if ok else "the values leave no scatter to judge by"
    return (
        _numbers(found) | _apart(data) | {"level": "fixed", "status": "ok" if ok else "not_estimable", "reason": reason}
    )


def _random(data: pooling.Blocks, confidence: float) -> dict[str, Any]:
    found, low, high = pooling.random(data, confidence)
    limits = {"prediction_low": low, "prediction_high": high}
    return _numbers(found) | _apart(data) | limits | {"level": "random", "status": "ok", "reason": ""}


def _numbers(found: pooling.Pooled) -> dict[str, Any]:
    names = ("estimate", "ci_low", "ci_high", "df", "p_value")
    return {"cohort": "", "weight_pct": 100.0} | {name: getattr(found, name) for name in names}


def _apart(data: pooling.Blocks) -> dict[str, float]:
    apart = pooling.heterogeneity(data)
    return {
        "heterogeneity_q": apart.q,
        "heterogeneity_p": apart.p_value,
        "heterogeneity_i2_pct": 100 * apart.i2,
        "tau": apart.tau,
    }
