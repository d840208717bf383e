"""The tests behind the table of comparisons: by moments all at once, by values or by groups endpoint by endpoint."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cartrace import group_tests, many_groups
from cartrace.endpoints import KEY, takes_part
from cartrace.group_tests import Sample
from cartrace.names import some_mice
from cartrace.statistics import ADJUSTMENTS, MINIMUM_N, Array, Moments, hedges_g, welch

_SIMULTANEOUS = {"games_howell": "Games-Howell", "dunnett": "Dunnett"}
_NUMBERS = (
    "mean_a mean_b sd_a sd_b estimate ci_low ci_high statistic df p_value hedges_g hedges_g_ci_low hedges_g_ci_high "
    "rank_biserial rank_biserial_ci_low rank_biserial_ci_high"
).split()
_TEXTS = ["statistic_name", "p_method", "effect_size_kind"]
_BACK = ("mean_a", "mean_b", "estimate", "ci_low", "ci_high")

Samples = dict[tuple[Hashable, ...], tuple[Array, np.ndarray, Array]]


def samples(endpoints: pd.DataFrame) -> Samples:
    """Return by endpoint and group the values, the flags of those below detection, and their levels."""
    rows = endpoints[takes_part(endpoints)]
    number = rows.groupby([*KEY, "group"], sort=False).ngroup().to_numpy()
    rows = rows.iloc[np.argsort(number, kind="stable")]
    ends = np.cumsum(np.bincount(number))[:-1]
    columns = zip(("value", "is_below_detection", "detection_level"), (np.float64, bool, np.float64), strict=True)
    parts = (np.split(rows[name].to_numpy().astype(kind), ends) for name, kind in columns)
    keys = rows[[*KEY, "group"]].drop_duplicates().itertuples(index=False, name=None)
    return dict(zip(keys, zip(*parts, strict=True), strict=True)) if len(rows) else {}


def on_scale(raw: tuple[Array, np.ndarray, Array], scale: str) -> Sample:
    """Return a group's values on the scale of the test; below detection a value is NaN on the log scale."""
    value, below, level = raw
    if scale == "linear":
        return Sample(value, below, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(value > 0, np.log(value), np.nan)
        return Sample(np.where(below, np.nan, logs), below, np.where(level > 0, np.log(level), np.nan))


def tested(rows: pd.DataFrame, values: Samples, *, confidence: float, seed: int) -> pd.DataFrame:
    """Return comparisons with the test of each, or with the reason why there is none.

    Parameters
    ----------
    rows : DataFrame
        Comparisons with scale and test, and the counts and moments of both sides.
    values : dict
        Samples by endpoint and group.
    confidence : float
        Level of the intervals.
    seed : int
        Seed of permutations that cannot be enumerated.
    """
    rows = rows.reset_index(drop=True)
    rows["test"] = [_in_force(row, values) for row in rows.to_dict("records")]
    rows["reason"] = [_reason(row) for row in rows.to_dict("records")]
    source = rows  # mean_a and mean_b are those of the values here, and of the test's scale in the result
    rows = rows.assign(**dict.fromkeys(_NUMBERS, np.nan), **dict.fromkeys(_TEXTS, ""))
    kind = rows["test"].map({test.name: test.kind for test in group_tests.TESTS})
    open_ = rows["reason"] == ""
    for scale in ("log", "linear"):
        some = rows.index[open_ & (kind == "moments") & (rows["scale"] == scale)]
        if len(some):
            _fill(rows, some, by_moments(source.loc[some], scale, confidence))
    for index in rows.index[open_ & (kind == "pair")]:
        _fill(rows, pd.Index([index]), _by_values(source.loc[index], values, confidence, seed))
    cells = source[open_ & (kind == "groups")].groupby([*KEY, "scale", "test", "family"], sort=False)
    for _, part in cells:
        _fill(rows, part.index, _by_groups(part, confidence))
    has_test = rows["p_value"].notna()
    constant = "the values within each group are all the same, which leaves no scatter to judge by"
    rows["reason"] = rows["reason"].mask((rows["reason"] == "") & ~has_test, constant)
    ok = rows["reason"] == ""
    rows[_NUMBERS] = rows[_NUMBERS].where(ok)
    rows["effect_size_kind"] = rows["effect_size_kind"].where(ok, "")
    names = [group_tests.label(name, scale) for name, scale in zip(rows["test"], rows["scale"], strict=True)]
    return rows.assign(test_name=rows["test"], test=names, status=np.where(ok, "ok", "not_estimable"))


def _fill(rows: pd.DataFrame, index: pd.Index, found: Mapping[str, Any]) -> None:
    for name, values in found.items():
        rows.loc[index, name] = values


def _in_force(row: Mapping[Any, Any], values: Samples) -> str:
    """Return the test of a comparison; on the log scale mice below detection call for one that knows of censoring."""
    # ASSUME: on the log scale a value below detection is only known to lie below its critical level.
    test = str(row["test"])
    censored = row["scale"] == "log" and row["n_below_detection_a"] + row["n_below_detection_b"] > 0
    if not censored or test not in ("welch", "permutation"):
        return test
    sides = [values.get((*(row[name] for name in KEY), row[group])) for group in ("group_a", "group_b")]
    if any(side is None for side in sides):
        return test
    return group_tests.for_censored(*(on_scale(side, "log") for side in sides if side is not None))


def by_moments(rows: pd.DataFrame, scale: str, confidence: float) -> dict[str, Any]:
    """Return Welch's test of every row, with Hedges g."""
    back = np.exp if scale == "log" else np.asarray
    a, b = (moments_of(rows, side, scale) for side in ("_a", "_b"))
    result, effect = welch(a, b, confidence), hedges_g(a, b, confidence)
    return {
        "mean_a": back(a.mean),
        "mean_b": back(b.mean),
        "sd_a": np.sqrt(a.variance),
        "sd_b": np.sqrt(b.variance),
        "estimate": back(result.difference),
        "ci_low": back(result.ci_low),
        "ci_high": back(result.ci_high),
        "statistic": result.statistic,
        "statistic_name": "t",
        "df": result.df,
        "p_value": result.p_value,
        "p_method": "t law",
        "hedges_g": effect.estimate,
        "hedges_g_ci_low": effect.ci_low,
        "hedges_g_ci_high": effect.ci_high,
        "effect_size_kind": group_tests.HEDGES_G,
    }


def moments_of(rows: pd.DataFrame, side: str, scale: str) -> Moments:
    """Return the moments of one side of comparisons on a scale."""
    names = ("n", "log_mean", "log_variance") if scale == "log" else ("n", "mean", "variance")
    return Moments(*(rows[f"{name}{side}"].to_numpy(dtype=np.float64) for name in names))


def _by_values(row: pd.Series, values: Samples, confidence: float, seed: int) -> dict[str, Any]:
    scale = str(row["scale"])
    a, b = (on_scale(values[(*row[KEY], row[group])], scale) for group in ("group_a", "group_b"))
    found = group_tests.run(str(row["test"]), a, b, confidence, seed=seed)
    effects = {"hedges_g": found.hedges_g, "rank_biserial": found.rank_biserial}
    numbers = {name: getattr(found, name) for name in (*_NUMBERS[:10], *_TEXTS)}
    for effect, limits in effects.items():
        numbers |= {f"{effect}{tail}": one for tail, one in zip(("", "_ci_low", "_ci_high"), limits, strict=True)}
    if scale == "log":
        numbers |= {name: np.exp(numbers[name]) for name in _BACK}
    return numbers


def _by_groups(rows: pd.DataFrame, confidence: float) -> dict[str, Any]:
    """Return the simultaneous comparisons of one endpoint; their order is that of the rows."""
    scale, test = str(rows["scale"].iloc[0]), str(rows["test"].iloc[0])
    names = sorted({*rows["group_a"], *rows["group_b"]})
    if test == "dunnett":
        control = str(rows["group_b"].iloc[0])
        names = [control, *(name for name in names if name != control)]
    groups = _moments_by_name(rows, names, scale)
    pairs = (many_groups.dunnett if test == "dunnett" else many_groups.games_howell)(groups, confidence)
    place = {}
    for position, (first, second) in enumerate(zip(pairs.first, pairs.second, strict=True)):
        place[names[first], names[second]] = (position, 1.0)
        place[names[second], names[first]] = (position, -1.0)
    chosen = [place[pair] for pair in zip(rows["group_a"], rows["group_b"], strict=True)]
    at, sign = np.array([one for one, _ in chosen]), np.array([one for _, one in chosen])
    low, high = pairs.ci_low[at], pairs.ci_high[at]
    back = np.exp if scale == "log" else np.asarray
    return by_moments(rows, scale, confidence) | {
        "estimate": back(sign * pairs.difference[at]),
        "ci_low": back(np.where(sign > 0, low, -high)),
        "ci_high": back(np.where(sign > 0, high, -low)),
        "statistic": sign * pairs.statistic[at],
        "df": pairs.df[at],
        "p_value": pairs.p_value[at],
        "p_method": "simultaneous",
    }


def _moments_by_name(rows: pd.DataFrame, names: list[str], scale: str) -> Moments:
    found: dict[str, tuple[float, float, float]] = {}
    for side in ("a", "b"):
        moments = moments_of(rows, f"_{side}", scale)
        found |= dict(
            zip(rows[f"group_{side}"], zip(moments.n, moments.mean, moments.variance, strict=True), strict=True)
        )
    return Moments(*np.array([found[name] for name in names]).T)


def _reason(row: Mapping[Any, Any]) -> str:
    """Return why a comparison cannot be made, or an empty text."""
    if isinstance(row.get("absence"), str):
        return str(row["absence"])
    sides = [(row["group_a"], "_a"), (row["group_b"], "_b")]
    few = [f"{group} has {_mice(row, side)}" for group, side in sides if row[f"n{side}"] < MINIMUM_N]
    if few:
        return f"{'; '.join(few)}; a test needs {MINIMUM_N} in each group"
    negative = [(group, row[f"n_not_positive{side}"], row[f"n{side}"]) for group, side in sides]
    if row["scale"] == "log" and any(count for _, count, _ in negative):
        named = ", ".join(f"{count} of {n} mice of {group}" for group, count, n in negative if count)
        return f"{named} with a value of zero or less, which has no logarithm; see the row on the linear scale"
    below = [(group, row[f"n_below_detection{side}"]) for group, side in sides]
    if row["test"] in _SIMULTANEOUS and row["scale"] == "log" and any(count for _, count in below):
        named = ", ".join(f"{some_mice(count)} of {group}" for group, count in below if count)
        label = group_tests.by_name(str(row["test"])).label
        return f"{named} below detection, which {label} cannot take; declare mann_whitney for this family"
    return ""


def _mice(row: Mapping[Any, Any], side: str) -> str:
    """Return how many mice of a group have a value, and what became of the others."""
    lost = [(row[f"n_not_estimable{side}"], "without"), (row[f"n_excluded{side}"], "excluded")]
    named = ", ".join(f"{count} {what}" for count, what in lost if count)
    n = row[f"n{side}"]
    return f"{some_mice(n)} with a value{f' ({named})' if named else ''}"


def adjusted(rows: pd.DataFrame, *, secondary: str, exploratory: str) -> pd.DataFrame:
    """Return the rows with p adjusted within each family and analysis; the primary comparison stands alone.

    Parameters
    ----------
    rows : DataFrame
        Comparisons with their place in the plan.
    secondary, exploratory : str
        ``holm`` or ``BH``, within the declared families and within all others. p of simultaneous comparisons is
        adjusted already; it is multiplied by the number of endpoints, regions and sessions of the family.
    """
    method = np.where(rows["plan"] == "secondary", secondary, exploratory)
    method = np.where(rows["is_primary"], "none", method)
    together = rows["test_name"].map(_SIMULTANEOUS).where(~rows["is_primary"])
    p = rows["p_value"].where(rows["is_primary"])
    for (_, _), part in rows[~rows["is_primary"] & together.isna()].groupby(["analysis", "family"]):
        how = str(method[rows.index.get_indexer(part.index[:1])][0])
        p[part.index] = ADJUSTMENTS[how](part["p_value"].to_numpy(dtype=np.float64))
    for (_, _), part in rows[together.notna()].groupby(["analysis", "family"]):
        n_cells = len(part.loc[part["p_value"].notna(), [*KEY, "scale"]].drop_duplicates())
        p[part.index] = np.minimum(1.0, n_cells * part["p_value"])
    return rows.assign(p_adjusted=p, adjustment=together.where(together.notna(), pd.Series(method, index=rows.index)))
