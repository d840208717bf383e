"""Comparison of groups: a summary of every endpoint per group, and every pair of groups held against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from cartrace import tables
from cartrace.endpoints import ENDPOINTS, KEY, by_name, left_out, takes_part
from cartrace.primary import absent, declared_endpoint, is_primary
from cartrace.statistics import ADJUSTMENTS, MINIMUM_N, Array, Moments, mean_interval, two_group_test

_GROUP_KEY = [*KEY, "group"]
_RANK = {"background": 0, "control": 1, "test": 2}


def summarise(endpoints: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """Summarise every endpoint per group and analysis.

    Parameters
    ----------
    endpoints : DataFrame
        Table of endpoints.
    confidence : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        A table of summaries. Values below detection enter with their numbers; a geometric mean needs all values
        above zero; an interval needs three mice.
    """
    if endpoints.empty:
        return tables.empty(tables.Summaries)
    cells = _moments(endpoints)
    ci_low, ci_high = mean_interval(_linear(cells), confidence)
    log_low, log_high = mean_interval(_log(cells), confidence)
    return cells.assign(
        sd=np.sqrt(cells["variance"]),
        geometric_mean=np.exp(cells["log_mean"]),
        ci_low=ci_low,
        ci_high=ci_high,
        geometric_mean_ci_low=np.exp(log_low),
        geometric_mean_ci_high=np.exp(log_high),
    )[tables.Summaries.names()]


def compare(
    endpoints: pd.DataFrame,
    *,
    groups: Sequence[Mapping[str, Any]],
    primary: Mapping[str, Any],
    adjustment: str,
    confidence: float,
) -> pd.DataFrame:
    """Compare every pair of groups in every endpoint, in both analyses.

    Parameters
    ----------
    endpoints : DataFrame
        Table of endpoints.
    groups : sequence of mapping
        The config's groups: name and role, in order.
    primary : mapping
        The config's primary comparison; it has a row in both analyses, whatever was measured.
    adjustment : str
        ``holm`` or ``BH``, within each family of secondary comparisons.
    confidence : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        A table of comparisons. A comparison that cannot be made is a row with its reason.
    """
    # ASSUME: the mouse is the experimental unit; every mouse has one value per endpoint, region and session.
    declared = declared_endpoint(endpoints, primary)
    cells = _moments(endpoints)
    paired = [_paired(cells, *pair, groups=groups) for pair in _ordered_pairs(groups, primary["groups"])]
    rows = pd.concat([*paired, absent(declared, primary["groups"], paired, cells)], ignore_index=True)
    rows["is_primary"] = is_primary(rows, declared, primary["groups"])
    scale = rows["endpoint"].map({endpoint.name: endpoint.scale for endpoint in ENDPOINTS})
    rows["scale"] = scale.mask(rows["is_primary"], primary["scale"])
    rows = pd.concat([rows, _beside(rows)], ignore_index=True)
    tested = pd.concat([_tested(part, str(on), confidence) for on, part in rows.groupby("scale")], ignore_index=True)
    tested["family"] = [
        by_name(name).family(modality) for name, modality in zip(tested["endpoint"], tested["modality"], strict=True)
    ]
    tested["family"] = tested["family"].mask(tested["is_primary"], "primary")
    tested = tested.sort_values(list(tables.Comparisons.key), kind="stable", ignore_index=True)
    return _adjusted(tested, adjustment)[tables.Comparisons.names()]


def _moments(endpoints: pd.DataFrame) -> pd.DataFrame:
    """Return one row per endpoint and group: the counts of mice and the moments on both scales."""
    rows = endpoints.sort_values(list(tables.Endpoints.key), kind="stable", ignore_index=True)
    part = takes_part(rows)
    out = left_out(rows)
    value = rows["value"].where(part)
    rows = rows[[*_GROUP_KEY, "unit"]].assign(
        value=value,
        log_value=np.log(value.where(value > 0)),
        not_positive=part & (value <= 0),
        below=part & rows["is_below_detection"],
        out=out,
        not_estimable=~part & ~out,
    )
    cells = rows.groupby(_GROUP_KEY).agg(
        unit=("unit", "first"),
        n=("value", "count"),
        mean=("value", "mean"),
        variance=("value", "var"),
        median=("value", "median"),
        minimum=("value", "min"),
        maximum=("value", "max"),
        log_mean=("log_value", "mean"),
        log_variance=("log_value", "var"),
        n_not_positive=("not_positive", "sum"),
        n_below_detection=("below", "sum"),
        n_excluded=("out", "sum"),
        n_not_estimable=("not_estimable", "sum"),
    )
    # The logarithms of a part of the mice say nothing about the group.
    logs = ["log_mean", "log_variance"]
    cells[logs] = cells[logs].where(cells["n_not_positive"] == 0)
    return cells.reset_index()


def _linear(cells: pd.DataFrame, side: str = "") -> Moments:
    return _side(cells, side, "mean", "variance")


def _log(cells: pd.DataFrame, side: str = "") -> Moments:
    return _side(cells, side, "log_mean", "log_variance")


def _side(cells: pd.DataFrame, side: str, mean: str, variance: str) -> Moments:
    return Moments(*(cells[f"{name}{side}"].to_numpy(dtype=np.float64) for name in ("n", mean, variance)))


def _ordered_pairs(groups: Sequence[Mapping[str, Any]], primary: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield every pair as (a, b): test over control over background, later over earlier; the primary as declared."""
    order = sorted(range(len(groups)), key=lambda position: (_RANK[groups[position]["role"]], position))
    for b, a in combinations((groups[position]["name"] for position in order), 2):
        yield (primary[0], primary[1]) if {a, b} == set(primary) else (a, b)


def _paired(cells: pd.DataFrame, a: str, b: str, *, groups: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the moments of two groups side by side, one row per endpoint that has both."""
    background = {group["name"] for group in groups if group["role"] == "background"}
    if {a, b} & background:
        cells = cells[cells["endpoint"].isin([endpoint.name for endpoint in ENDPOINTS if endpoint.compares_background])]
    left, right = (cells[cells["group"] == group].drop(columns="group") for group in (a, b))
    both = left.merge(right.drop(columns="unit"), on=KEY, suffixes=("_a", "_b"))
    return both.assign(group_a=a, group_b=b)


def _beside(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that are made on the linear scale too, because a value of zero or less has no logarithm."""
    enough = (rows["n_a"] >= MINIMUM_N) & (rows["n_b"] >= MINIMUM_N)
    impossible = (rows["scale"] == "log") & enough & (rows["n_not_positive_a"] + rows["n_not_positive_b"] > 0)
    return rows[impossible].assign(scale="linear", is_primary=False)


def _tested(rows: pd.DataFrame, scale: str, confidence: float) -> pd.DataFrame:
    """Return the rows with the test of their scale, or with the reason why there is none."""
    test = two_group_test(scale)
    moments, back = (_log, np.exp) if scale == "log" else (_linear, np.asarray)
    enough = (rows["n_a"] >= MINIMUM_N) & (rows["n_b"] >= MINIMUM_N)
    a, b = moments(rows.where(enough), "_a"), moments(rows.where(enough), "_b")
    result, effect = test.function(a, b, confidence), test.effect_size(a, b, confidence)
    constant = np.isnan(result.statistic)
    reasons = [_reason(row, scale, same) for row, same in zip(rows.to_dict("records"), constant, strict=True)]
    ok = np.array([reason == "" for reason in reasons])
    estimates: dict[str, Array] = {
        "mean_a": back(a.mean),
        "mean_b": back(b.mean),
        "sd_a": np.sqrt(a.variance),
        "sd_b": np.sqrt(b.variance),
        "estimate": back(result.difference),
        "ci_low": back(result.ci_low),
        "ci_high": back(result.ci_high),
        "statistic": result.statistic,
        "df": result.df,
        "p_value": result.p_value,
        "hedges_g": effect.estimate,
        "hedges_g_ci_low": effect.ci_low,
        "hedges_g_ci_high": effect.ci_high,
    }
    return rows.assign(
        test=test.label,
        ci_level=confidence,
        status=np.where(ok, "ok", "not_estimable"),
        reason=reasons,
        **{name: np.where(ok, values, np.nan) for name, values in estimates.items()},
    )


def _reason(row: Mapping[Any, Any], scale: str, constant: bool) -> str:
    """Return why a comparison cannot be made, or an empty text."""
    if isinstance(row.get("absence"), str):
        return str(row["absence"])
    sides = [(row["group_a"], "_a"), (row["group_b"], "_b")]
    few = [f"{group} has {_mice(row, side)}" for group, side in sides if row[f"n{side}"] < MINIMUM_N]
    if few:
        return f"{'; '.join(few)}; a test needs {MINIMUM_N} in each group"
    negative = [(group, row[f"n_not_positive{side}"], row[f"n{side}"]) for group, side in sides]
    if scale == "log" and any(count for _, count, _ in negative):
        named = ", ".join(f"{count} of {n} mice of {group}" for group, count, n in negative if count)
        return f"{named} with a value of zero or less, which has no logarithm; see the row on the linear scale"
    return "the values within each group are all the same, which leaves no scatter to judge by" if constant else ""


def _mice(row: Mapping[Any, Any], side: str) -> str:
    """Return how many mice of a group have a value, and what became of the others."""
    lost = [(row[f"n_not_estimable{side}"], "without"), (row[f"n_excluded{side}"], "excluded")]
    named = ", ".join(f"{count} {what}" for count, what in lost if count)
    n = row[f"n{side}"]
    return f"{n} {'mouse' if n == 1 else 'mice'} with a value{f' ({named})' if named else ''}"


def _adjusted(rows: pd.DataFrame, adjustment: str) -> pd.DataFrame:
    """Return the rows with p values adjusted within each family and analysis; the primary comparison stands alone."""
    adjust = ADJUSTMENTS[adjustment]
    secondary = rows[~rows["is_primary"]].groupby(["analysis", "family"])["p_value"]
    adjusted = secondary.transform(lambda p_values: adjust(p_values.to_numpy(dtype=np.float64)))
    return rows.assign(
        p_adjusted=adjusted.reindex(rows.index).fillna(rows["p_value"].where(rows["is_primary"])),
        adjustment=np.where(rows["is_primary"], "none", adjustment),
    )
