"""Which conclusions move: the declared comparisons made in every other way that could have been chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cartrace import group_tests, pooling, rank_tests, tables
from cartrace.comparison import compare
from cartrace.comparison_tests import on_scale as sample_on_scale
from cartrace.endpoints import KEY, left_out, takes_part
from cartrace.statistics import MINIMUM_N, Array, moments, welch

_NUMBERS = ("estimate", "ci_low", "ci_high", "p_value")
_PAIR = [*KEY, "group_a", "group_b"]
_OTHER = {"log": "linear", "linear": "log"}


def compared_otherwise(alternatives: pd.DataFrame, **decided: Any) -> pd.DataFrame:
    """Make the declared comparisons from the endpoints under every other choice upstream of them.

    Parameters
    ----------
    alternatives : DataFrame
        Table of alternatives.
    **decided : Any
        What :func:`cartrace.comparison.compare` takes: groups, primary, secondary, adjustments, confidence, seed.

    Returns
    -------
    DataFrame
        Primary and secondary comparisons with the columns choice and variant. A primary comparison that a choice
        cannot change has no row under it.
    """
    parts = []
    for (choice, variant), rows in alternatives.groupby(["choice", "variant"], sort=True):
        # Alternatives carry no uncertainties; comparisons need none.
        found = compare(rows.reindex(columns=tables.Endpoints.names()), **decided)
        found = found[found["plan"] != "exploratory"].merge(rows[KEY].drop_duplicates(), on=KEY)
        parts.append(found.assign(choice=str(choice), variant=str(variant)))
    if not parts:
        return tables.empty(tables.Comparisons).assign(choice="", variant="")
    return pd.concat(parts, ignore_index=True)


def sensitivity(
    endpoints: pd.DataFrame,
    comparisons: pd.DataFrame,
    forest: pd.DataFrame,
    diagnostics: pd.DataFrame,
    estimates: pd.DataFrame,
    otherwise: pd.DataFrame,
    *,
    confidence: float,
    seed: int,
) -> pd.DataFrame:
    """Make the declared comparisons in other ways.

    Parameters
    ----------
    endpoints, comparisons, forest, diagnostics : DataFrame
        Their tables.
    estimates : DataFrame
        Tables of estimates of all models.
    otherwise : DataFrame
        From :func:`compared_otherwise`.
    confidence : float
        Level of the intervals; a conclusion moves where p (adjusted in a family) crosses 1 - confidence or the
        estimate changes sides.
    seed : int
        Seed of permutations that cannot be enumerated.

    Returns
    -------
    DataFrame
        A table of sensitivity. Its p values are not further chances to find something: none is adjusted for the
        number of ways.
    """
    rows: list[dict[str, Any]] = []
    for row in comparisons[comparisons["plan"] != "exploratory"].to_dict("records"):
        declared = {str(name): value for name, value in row.items()}
        found = [
            *_declared(declared),
            *_under_choices(otherwise, declared),
            *_by_cohorts(forest, declared),
        ]
        if declared["is_primary"]:
            every = _mice(endpoints, declared)
            taking = every[takes_part(every)]
            found += [
                *_by_scale_and_test(taking, declared, confidence, seed),
                *_by_missing(every[~left_out(every)], declared),
                *_by_mouse(diagnostics, declared),
                *_by_model(estimates, declared, confidence),
            ]
        place = {name: declared[name] for name in (*_PAIR, "plan", "family")} | {"ci_level": confidence}
        base = {"declared_scale": declared["scale"]}
        rows += [place | base | one for one in found]
    if not rows:
        return tables.empty(tables.Sensitivity)
    frame = pd.DataFrame(rows)
    parts = [_moved(part, 1 - confidence) for _, part in frame.groupby([*_PAIR[1:], "declared_scale"], sort=False)]
    return pd.concat(parts).sort_index()[tables.Sensitivity.names()].reset_index(drop=True)


def _mice(endpoints: pd.DataFrame, primary: Mapping[str, Any]) -> pd.DataFrame:
    rows = endpoints[endpoints["group"].isin([primary["group_a"], primary["group_b"]])]
    for name in KEY:
        rows = rows[rows[name] == primary[name]]
    return rows


def _row(
    choice: str, variant: str, n: tuple[int, int], scale: str, numbers: Mapping[str, float], reason: str
) -> dict[str, Any]:
    if not reason and not np.isfinite(numbers["p_value"]):
        reason = "the values leave no scatter to judge by"
    shown = {name: np.nan if reason else float(numbers.get(name, np.nan)) for name in (*_NUMBERS, "p_adjusted")}
    status = {"status": "not_estimable" if reason else "ok", "reason": reason}
    return {"choice": choice, "variant": variant, "n_a": n[0], "n_b": n[1], "scale": scale} | shown | status


def _declared(primary: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    n = int(primary["n_a"]), int(primary["n_b"])
    yield _row("declared", str(primary["test"]), n, primary["scale"], primary, str(primary["reason"]))


def _under_choices(otherwise: pd.DataFrame, declared: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    same = np.logical_and.reduce([otherwise[name] == declared[name] for name in (*_PAIR, "scale")])
    for row in otherwise[same].to_dict("records"):
        n = int(row["n_a"]), int(row["n_b"])
        numbers = {str(key): row[key] for key in (*_NUMBERS, "p_adjusted")}
        yield _row(row["choice"], row["variant"], n, row["scale"], numbers, row["reason"])


def _by_scale_and_test(
    mice: pd.DataFrame, primary: Mapping[str, Any], confidence: float, seed: int
) -> Iterator[dict[str, Any]]:
    sides = [mice[mice["group"] == primary[side]] for side in ("group_a", "group_b")]
    raw = [
        (
            side["value"].to_numpy(dtype=np.float64),
            side["is_below_detection"].to_numpy(dtype=bool),
            side["detection_level"].to_numpy(dtype=np.float64),
        )
        for side in sides
    ]
    n = len(sides[0]), len(sides[1])
    few = f"a test needs {MINIMUM_N} mice in each group" if min(n) < MINIMUM_N else ""
    for choice, scale in (("scale", _OTHER[primary["scale"]]), ("test", primary["scale"])):
        for name in ("welch",) if choice == "scale" else ("welch", "mann_whitney", "permutation"):
            label = group_tests.label(name, scale)
            if choice == "test" and label == primary["test"]:
                continue
            samples = [sample_on_scale(one, scale) for one in raw]
            bad = sum(int(np.isnan(one.value).sum()) for one in samples)
            uncounted = sum(int((np.isnan(one.value) & ~one.below).sum()) for one in samples)
            reason = few
            if not few and (uncounted if name == "mann_whitney" else bad):
                reason = f"{bad} mice below detection or not above zero have no logarithm"
            numbers = {} if reason else _numbers(name, samples, scale, confidence, seed)
            yield _row(choice, label, n, scale, numbers, reason)


def _numbers(
    name: str, samples: list[group_tests.Sample], scale: str, confidence: float, seed: int
) -> dict[str, float]:
    if name == "welch":
        found = _welch([one.value for one in samples], confidence)
    else:
        result = group_tests.run(name, samples[0], samples[1], confidence, seed=seed)
        found = {key: getattr(result, key) for key in _NUMBERS}
    if scale == "log":
        found |= {key: float(np.exp(found[key])) for key in ("estimate", "ci_low", "ci_high")}
    return found


def _welch(values: list[Array], confidence: float) -> dict[str, float]:
    found = welch(moments(values[0]), moments(values[1]), confidence)
    numbers = (found.difference, found.ci_low, found.ci_high, found.p_value)
    return {name: float(value[0]) for name, value in zip(_NUMBERS, numbers, strict=True)}


def _by_cohorts(forest: pd.DataFrame, primary: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    rows = forest[np.logical_and.reduce([forest[name] == primary[name] for name in (*_PAIR, "scale")])]
    said = {"fixed": "cohorts as blocks", "random": f"cohorts as a sample (from {pooling.MINIMUM_RANDOM} on)"}
    for row in rows[rows["level"].isin(list(said))].to_dict("records"):
        n = int(row["n_a"]), int(row["n_b"])
        yield _row(
            "cohorts", said[row["level"]], n, row["scale"], {str(key): row[key] for key in _NUMBERS}, row["reason"]
        )


def _by_missing(mice: pd.DataFrame, primary: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the comparison by rank with the mice without a value at either end of all ranks.

    Lachin JM. Control Clin Trials 1999;20:408-422. doi:10.1016/s0197-2456(99)00022-7
    """
    has = (mice["status"] == "ok").to_numpy()
    if has.all():
        return
    is_a = (mice["group"] == primary["group_a"]).to_numpy()
    n = int(is_a.sum()), int((~is_a).sum())
    few = f"a test needs {MINIMUM_N} mice in each group" if min(n) < MINIMUM_N else ""
    value = rank_tests.tied_below(
        mice["value"].to_numpy(dtype=np.float64), mice["is_below_detection"].to_numpy(dtype=bool)
    )
    for end, place in (("lowest", -np.inf), ("highest", np.inf)):
        # Those below detection stay above the mice that count as lowest.
        ranks = rank_tests.midranks(value[has])
        filled = np.full(value.size, place)
        filled[has] = ranks
        p = np.nan if few else rank_tests.mann_whitney(filled[is_a], filled[~is_a]).p_value
        variant = f"{int((~has).sum())} mice without a value ranked {end} (Mann-Whitney)"
        yield _row("missing", variant, n, str(primary["scale"]), {"p_value": p}, few)


def _by_mouse(diagnostics: pd.DataFrame, primary: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    rows = diagnostics[(diagnostics["check"] == "influence") & (diagnostics["analysis"] == primary["analysis"])]
    for name in (*KEY, "group_a", "group_b", "scale"):
        rows = rows[rows[name] == primary[name]]
    for row in rows.to_dict("records"):
        n = int(primary["n_a"]), int(primary["n_b"])
        numbers = {"estimate": row["value"], "p_value": row["p_value"]}
        yield _row("mouse", f"without {row['subject']} (Welch)", n, str(primary["scale"]), numbers, "")


def _by_model(estimates: pd.DataFrame, primary: Mapping[str, Any], confidence: float) -> Iterator[dict[str, Any]]:
    """Yield Welch's comparison of the parameter as every model gives it, of the mice that are not left out."""
    rows = estimates[(estimates["level"] == "animal") & (estimates["parameter"] == primary["endpoint"])]
    rows = rows[(rows["analysis"] == primary["analysis"]) & (rows["status"] == "ok") & rows["estimate"].notna()]
    scale = str(primary["scale"])
    for model, some in rows.groupby("model", sort=True):
        values = []
        for side in ("group_a", "group_b"):
            value = some.loc[some["group"] == primary[side], "estimate"].to_numpy(dtype=np.float64)
            values.append(np.log(np.where(value > 0, value, np.nan)) if scale == "log" else value)
        n = values[0].size, values[1].size
        reason = f"a test needs {MINIMUM_N} mice in each group" if min(n) < MINIMUM_N else ""
        if not reason and any(np.isnan(value).any() for value in values):
            reason = "a value of zero or less has no logarithm"
        numbers = {} if reason else _welch(values, confidence)
        if scale == "log" and numbers:
            numbers |= {key: float(np.exp(numbers[key])) for key in ("estimate", "ci_low", "ci_high")}
        yield _row("model", str(model), n, scale, numbers, reason)


def _moved(rows: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Return the ways of one comparison with what is otherwise than as declared, without excluded mice."""
    declared = rows[(rows["choice"] == "declared") & (rows["analysis"] == "without_excluded")]
    base = declared.iloc[0] if len(declared) else rows.iloc[0]

    def side(row: pd.Series) -> float:
        centre = 1.0 if row["scale"] == "log" else 0.0
        return float(np.sign(row["estimate"] - centre))

    def is_found(row: pd.Series) -> bool:
        # A way that has no family is judged by its own p, against that of the declared comparison.
        return bool((row["p_adjusted"] if np.isfinite(row["p_adjusted"]) else row["p_value"]) < alpha)

    moved = []
    for _, row in rows.iterrows():
        against = base if np.isfinite(row["p_adjusted"]) else base.mask(base.index == "p_adjusted", np.nan)
        if row["status"] != "ok" or base["status"] != "ok":
            moved.append("unknown")
        elif np.isfinite(row["estimate"]) and np.isfinite(base["estimate"]) and side(row) != side(base):
            moved.append("direction")
        else:
            moved.append("significance" if is_found(row) != is_found(against) else "nothing")
    return rows.assign(moved=moved)
