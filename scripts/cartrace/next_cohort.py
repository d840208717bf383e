"""How many mice the next cohort needs, by the scatter of this study and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cartrace import pooling, tables
from cartrace.endpoints import KEY, left_out
from cartrace.forest import declared_mice, on_scale

POWERS = (0.8, 0.9)
# Beyond this the question is not one of mice.
MOST = 10_000


def mice_per_group(effect: float, sd: float, *, power: float, alpha: float) -> float:
    """Return the fewest mice per group with which a two-sided t test detects an effect, NaN beyond `MOST`.

    Parameters
    ----------
    effect : float
        Difference of means, on the scale of `sd`.
    sd : float
        Standard deviation between mice.
    power : float
        Chance of p below `alpha`.
    alpha : float
        Two-sided level.

    Notes
    -----
    Noncentral t with 2 n - 2 degrees of freedom and noncentrality effect / sd √(n / 2). Cohen J. Statistical Power
    Analysis for the Behavioral Sciences, 2nd ed. Erlbaum 1988, section 2.3.
    """
    n = np.arange(2, MOST + 1, dtype=np.float64)
    size = abs(effect) / sd
    # The normal law brackets n, so that the noncentral t is asked for few of them.
    guess = 2 * ((special.ndtri(1 - alpha / 2) + special.ndtri(power)) / size) ** 2
    if not np.isfinite(guess) or guess > MOST:
        return np.nan
    n = n[(n >= guess / 2) & (n <= guess + 40)]
    limit = special.stdtrit(2 * n - 2, 1 - alpha / 2)
    shift = size * np.sqrt(n / 2)
    # SciPy gives NaN for the other tail where it is far below the smallest number.
    other = np.nan_to_num(special.nctdtr(2 * n - 2, shift, -limit))
    reached = other + 1 - special.nctdtr(2 * n - 2, shift, limit) >= power
    return float(n[np.argmax(reached)]) if reached.any() else np.nan


def next_cohort(
    endpoints: pd.DataFrame, comparisons: pd.DataFrame, *, effects: Sequence[float], confidence: float
) -> pd.DataFrame:
    """Plan the next cohort for the primary comparison.

    Parameters
    ----------
    endpoints, comparisons : DataFrame
        Their tables.
    effects : sequence of float
        Ratios (log scale) or differences (linear) that are to be detected.
    confidence : float
        Level of the interval of the scatter; the test's level is 1 - confidence.

    Returns
    -------
    DataFrame
        A table of power. The limits of n are those of the scatter: this study knows it only so well.
    """
    # ASSUME: the next cohort scatters as the mice of this study do within a group and cohort, and loses as many.
    rows = []
    primary = comparisons[comparisons["is_primary"]]
    for row, mice in declared_mice(endpoints, primary):
        found = _scatter(on_scale(mice, row["scale"]), mice, confidence)
        lost = _lost(endpoints, row)
        common = {"analysis": row["analysis"], "scale": row["scale"], "alpha": 1 - confidence, "lost_frac": lost}
        for effect in effects:
            size = np.log(effect) if row["scale"] == "log" and effect > 0 else effect
            rows += [
                common
                | {"effect": effect, "power": power}
                | found
                | _plan(float(size), found, power, 1 - confidence, lost)
                for power in POWERS
            ]
    frame = pd.DataFrame(rows, columns=tables.Power.names()) if rows else tables.empty(tables.Power)
    return frame.assign(n_studies=0, simulation_note="")


def _scatter(value: np.ndarray, mice: pd.DataFrame, confidence: float) -> dict[str, Any]:
    """Return the standard deviation within groups and cohorts with its exact limits."""
    none = dict.fromkeys(("sd", "sd_ci_low", "sd_ci_high", "sd_df"), np.nan)
    if mice["group"].nunique() < 2 or np.isnan(value).any():
        few = mice["group"].nunique() < 2
        said = "a group has no mouse with a value" if few else "there are mice below detection or not above zero"
        return none | {"reason": f"the scatter is not known: {said}"}
    names = mice["group"].to_numpy(dtype=str)
    cohort = np.unique(mice["cohort"].to_numpy(dtype=str), return_inverse=True)[1]
    squares, df = pooling.blocks(value, names == names[0], cohort).within
    if df < 2 or squares == 0:
        return none | {"reason": "the scatter is not known: too few mice within groups and cohorts"}
    limits = [special.chdtri(df, tail) for tail in ((1 - confidence) / 2, (1 + confidence) / 2)]
    low, high = (float(np.sqrt(squares / limit)) for limit in limits)
    return {"sd": float(np.sqrt(squares / df)), "sd_ci_low": low, "sd_ci_high": high, "sd_df": df, "reason": ""}


def _lost(endpoints: pd.DataFrame, row: dict[str, Any]) -> float:
    """Return the share of both groups' mice that gave no value; what is excluded by decision counts as lost too."""
    rows = endpoints[endpoints["group"].isin([row["group_a"], row["group_b"]])]
    for name in KEY:
        rows = rows[rows[name] == row[name]]
    lost = (rows["status"] != "ok") | left_out(rows)
    return float(lost.mean()) if len(rows) else 0.0


def _plan(size: float, found: dict[str, Any], power: float, alpha: float, lost: float) -> dict[str, Any]:
    numbers = {"n_per_group": np.nan, "n_per_group_ci_low": np.nan, "n_per_group_ci_high": np.nan, "n_enrolled": np.nan}
    reason = found["reason"]
    if not reason and size == 0:
        reason = "no number of mice detects an effect of nothing"
    if not reason:
        for name, sd in (("", "sd"), ("_ci_low", "sd_ci_low"), ("_ci_high", "sd_ci_high")):
            numbers[f"n_per_group{name}"] = mice_per_group(size, found[sd], power=power, alpha=alpha)
        reason = f"more than {MOST} mice per group" if np.isnan(numbers["n_per_group"]) else ""
        numbers["n_enrolled"] = float(np.ceil(numbers["n_per_group"] / (1 - lost))) if lost < 1 else np.nan
    return numbers | {"status": "not_estimable" if reason else "ok", "reason": reason}
