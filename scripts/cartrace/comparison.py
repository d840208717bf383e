"""Comparison of groups: a summary of every endpoint per group, and every pair of groups held against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from cartrace import tables
from cartrace.comparison_tests import adjusted, samples, tested
from cartrace.endpoints import ENDPOINTS, KEY, left_out, takes_part
from cartrace.plan import assigned
from cartrace.primary import absent, declared_endpoint, is_primary
from cartrace.statistics import MINIMUM_N, Moments, mean_interval

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
    ci_low, ci_high = mean_interval(_side(cells, "mean", "variance"), confidence)
    common = cells["shared"] ** 2 + cells["blanks"] ** 2
    log_low, log_high = mean_interval(_side(cells, "log_mean", "log_variance"), confidence)
    return cells.assign(
        sd=np.sqrt(cells["variance"]),
        measurement_se=np.sqrt(cells["own_variance"] / cells["n"] + common),
        shared_se=np.sqrt(common),
        total_se=np.sqrt(cells["variance"] / cells["n"] + common),
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
    secondary: Sequence[Mapping[str, Any]] = (),
    adjustment: str,
    exploratory_adjustment: str,
    confidence: float,
    seed: int,
    scales: Mapping[str, str] | None = None,
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
    secondary : sequence of mapping
        The config's families of secondary comparisons; all that is neither primary nor declared there is exploratory.
    adjustment, exploratory_adjustment : str
        ``holm`` or ``BH``, within each declared family and within each exploratory one.
    confidence : float
        Level of the intervals.
    seed : int
        Seed of permutations that cannot be enumerated.
    scales : mapping, optional
        Scale of comparisons that are not primary by endpoint, where it is another than the endpoint's own.

    Returns
    -------
    DataFrame
        A table of comparisons. A comparison that cannot be made is a row with its reason.
    """
    # ASSUME: the mouse is the experimental unit; every mouse has one value per endpoint, region and session.
    # ASSUME: the mice of all cohorts are one sample; a difference between cohorts counts as scatter between mice.
    declared = declared_endpoint(endpoints, primary)
    cells = _moments(endpoints)
    paired = [_paired(cells, *pair, groups=groups) for pair in _ordered_pairs(groups, primary["groups"])]
    rows = pd.concat([*paired, absent(declared, primary["groups"], paired, cells)], ignore_index=True)
    rows["is_primary"] = is_primary(rows, declared, primary["groups"])
    scale = rows["endpoint"].map({endpoint.name: endpoint.scale for endpoint in ENDPOINTS} | dict(scales or {}))
    rows["scale"] = scale.mask(rows["is_primary"], primary["scale"])
    rows = pd.concat([rows, _beside(rows)], ignore_index=True)
    rows = assigned(rows, primary=primary, secondary=secondary, groups=groups)
    rows = tested(rows, samples(endpoints), confidence=confidence, seed=seed).assign(ci_level=confidence)
    rows = rows.sort_values(list(tables.Comparisons.key), kind="stable", ignore_index=True)
    return adjusted(rows, secondary=adjustment, exploratory=exploratory_adjustment)[tables.Comparisons.names()]


def _moments(endpoints: pd.DataFrame) -> pd.DataFrame:
    """Return one row per endpoint and group: the counts of mice and the moments on both scales."""
    rows = endpoints.sort_values(list(tables.Endpoints.key), kind="stable", ignore_index=True)
    part = takes_part(rows)
    out = left_out(rows)
    value = rows["value"].where(part)
    rows = rows[[*_GROUP_KEY, "unit"]].assign(
        value=value,
        log_value=np.log(value.where(value > 0)),
        not_positive=part & (value <= 0) & ~rows["is_below_detection"],
        without_log=part & (value <= 0),
        own_variance=pd.to_numeric(rows["own_se"]).where(part) ** 2,
        # ASSUME: What is common to the study is common to its cohorts too, so that it does not average out over them.
        shared=pd.to_numeric(rows["shared_se"]).where(part),
        # ASSUME: The tubes of a group were counted in one run; in several, their blanks average out a little.
        blanks=pd.to_numeric(rows["blanks_se"]).where(part),
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
        own_variance=("own_variance", "mean"),
        shared=("shared", "mean"),
        blanks=("blanks", "mean"),
        log_mean=("log_value", "mean"),
        log_variance=("log_value", "var"),
        n_not_positive=("not_positive", "sum"),
        n_without_log=("without_log", "sum"),
        n_below_detection=("below", "sum"),
        n_excluded=("out", "sum"),
        n_not_estimable=("not_estimable", "sum"),
    )
    # The logarithms of a part of the mice say nothing about the group.
    logs = ["log_mean", "log_variance"]
    cells[logs] = cells[logs].where(cells["n_without_log"] == 0)
    return cells.reset_index()


def _side(cells: pd.DataFrame, mean: str, variance: str) -> Moments:
    return Moments(*(cells[name].to_numpy(dtype=np.float64) for name in ("n", mean, variance)))


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
