"""Other ways to make a declared comparison: scale, test, mice without a value, one mouse less, another model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cartrace import group_tests, rank_tests
from cartrace.comparison_tests import on_scale as sample_on_scale
from cartrace.endpoints import KEY
from cartrace.names import some_mice
from cartrace.statistics import MINIMUM_N, Array, moments, welch

NUMBERS = ("estimate", "ci_low", "ci_high", "p_value")
_OTHER = {"log": "linear", "linear": "log"}


def mice_of(endpoints: pd.DataFrame, primary: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows of both groups of a comparison."""
    rows = endpoints[endpoints["group"].isin([primary["group_a"], primary["group_b"]])]
    for name in KEY:
        rows = rows[rows[name] == primary[name]]
    return rows


def row(
    choice: str, variant: str, n: tuple[int, int], scale: str, numbers: Mapping[str, float], reason: str
) -> dict[str, Any]:
    """Return one way of a comparison, with its numbers or with the reason why it has none."""
    if not reason and not np.isfinite(numbers["p_value"]):
        reason = "the values leave no scatter to judge by"
    shown = {name: np.nan if reason else float(numbers.get(name, np.nan)) for name in (*NUMBERS, "p_adjusted")}
    status = {"status": "not_estimable" if reason else "ok", "reason": reason}
    return {"choice": choice, "variant": variant, "n_a": n[0], "n_b": n[1], "scale": scale} | shown | status


def by_scale_and_test(
    mice: pd.DataFrame, primary: Mapping[str, Any], confidence: float, seed: int
) -> Iterator[dict[str, Any]]:
    """Yield the comparison on the other scale, by ranks and by permutation."""
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
            yield row(choice, label, n, scale, numbers, reason)


def _numbers(
    name: str, samples: list[group_tests.Sample], scale: str, confidence: float, seed: int
) -> dict[str, float]:
    if name == "welch":
        found = _welch([one.value for one in samples], confidence)
    else:
        result = group_tests.run(name, samples[0], samples[1], confidence, seed=seed)
        found = {key: getattr(result, key) for key in NUMBERS}
    if scale == "log":
        found |= {key: float(np.exp(found[key])) for key in ("estimate", "ci_low", "ci_high")}
    return found


def _welch(values: list[Array], confidence: float) -> dict[str, float]:
    found = welch(moments(values[0]), moments(values[1]), confidence)
    numbers = (found.difference, found.ci_low, found.ci_high, found.p_value)
    return {name: float(value[0]) for name, value in zip(NUMBERS, numbers, strict=True)}


def by_missing(mice: pd.DataFrame, primary: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
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
        variant = f"{some_mice(int((~has).sum()))} without a value ranked {end} (Mann-Whitney)"
        yield row("missing", variant, n, str(primary["scale"]), {"p_value": p}, few)


def by_mouse(diagnostics: pd.DataFrame, primary: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the comparison without the most influential mouse."""
    rows = diagnostics[(diagnostics["check"] == "influence") & (diagnostics["analysis"] == primary["analysis"])]
    for name in (*KEY, "group_a", "group_b", "scale"):
        rows = rows[rows[name] == primary[name]]
    for found in rows.to_dict("records"):
        n = int(primary["n_a"]), int(primary["n_b"])
        numbers = {"estimate": found["value"], "p_value": found["p_value"]}
        yield row("mouse", f"without {found['subject']} (Welch)", n, str(primary["scale"]), numbers, "")


def by_model(estimates: pd.DataFrame, primary: Mapping[str, Any], confidence: float) -> Iterator[dict[str, Any]]:
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
        yield row("model", str(model), n, scale, numbers, reason)
