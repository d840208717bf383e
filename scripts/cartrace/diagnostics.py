"""What the tests of the declared comparisons take for granted, held against the data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cartrace import rank_tests, tables
from cartrace.endpoints import KEY, left_out
from cartrace.forest import PAIR, confounded, declared_mice, on_scale
from cartrace.statistics import MINIMUM_N, Array, moments, welch

LEVEL = 0.05
# A design that confounds groups with these says nothing about the groups; with cage or sex it may.
_FATAL = ("cohort", "batch")
_COLUMNS = ("cohort", "batch", "cage", "sex")


def diagnose(
    endpoints: pd.DataFrame, comparisons: pd.DataFrame, animals: pd.DataFrame, *, confidence: float
) -> pd.DataFrame:
    """Check the primary and the declared secondary comparisons.

    Parameters
    ----------
    endpoints, comparisons, animals : DataFrame
        Their tables.
    confidence : float
        Level of the intervals; a mouse is influential whose absence moves p across 1 - confidence.

    Returns
    -------
    DataFrame
        A table of diagnostics. No test is chosen by them: with few mice they see little, and the plan stands.
    """
    known = animals[["cohort", "animal_id", "batch", "cage", "sex"]]
    rows: list[dict[str, Any]] = []
    for row, mice in declared_mice(endpoints, comparisons):
        common = {name: row[name] for name in PAIR}
        where = mice.merge(known, on=["cohort", "animal_id"], how="left").fillna({"batch": "", "cage": "", "sex": ""})
        sides = [where[where["group"] == row[side]] for side in ("group_a", "group_b")]
        values = [on_scale(side, row["scale"]) for side in sides]
        checks = [*_missing(endpoints, row), *_below(sides, row), *_design(where, row)]
        if all(np.isfinite(one).all() and one.size >= MINIMUM_N for one in values):
            checks += [*_normality(values, row), *_variances(values), *_influence(sides, values, row, 1 - confidence)]
        rows += [common | check for check in checks]
    return pd.DataFrame(rows, columns=tables.Diagnostics.names()) if rows else tables.empty(tables.Diagnostics)


def _check(check: str, subject: str, n: int, value: float, p: float, status: str, message: str) -> dict[str, Any]:
    return {
        "check": check,
        "subject": subject,
        "n": n,
        "value": value,
        "p_value": p,
        "status": status,
        "message": message,
    }


def _normality(values: list[Array], row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield Shapiro and Wilk's test of each group. Shapiro SS, Wilk MB. Biometrika 1965;52:591-611."""
    from scipy.stats import shapiro

    for side, value in zip(("group_a", "group_b"), values, strict=True):
        if np.ptp(value) == 0:
            continue
        found = shapiro(value)
        p = float(found.pvalue)
        far = "departs from" if p < LEVEL else "does not visibly depart from"
        message = f"{value.size} mice: the distribution {far} a normal one on the {row['scale']} scale (Shapiro-Wilk)"
        if value.size < 8:
            message += "; so few mice could hardly show it"
        yield _check(
            "normality", row[side], value.size, float(found.statistic), p, "warn" if p < LEVEL else "pass", message
        )


def _variances(values: list[Array]) -> Iterator[dict[str, Any]]:
    a, b = (float(value.var(ddof=1)) for value in values)
    if min(a, b) <= 0:
        return
    df = values[0].size - 1, values[1].size - 1
    p = float(min(1.0, 2 * min(special.fdtr(*df, a / b), special.fdtrc(*df, a / b))))
    message = "Welch's test allows for it; Dunnett, Tobit and cohorts as blocks take one scatter for granted"
    message = f"the variances differ {max(a / b, b / a):.3g}-fold. {message}"
    yield _check(
        "variance_ratio", "", values[0].size + values[1].size, a / b, p, "warn" if p < LEVEL else "pass", message
    )


def _influence(
    sides: list[pd.DataFrame], values: list[Array], row: dict[str, Any], alpha: float
) -> Iterator[dict[str, Any]]:
    """Yield the mouse without which Welch's p would be most different."""
    whole = _welch_p(values)[1]
    found = []
    for side, (mice, value) in enumerate(zip(sides, values, strict=True)):
        if value.size <= MINIMUM_N:
            continue
        for position, mouse in enumerate(mice[["cohort", "animal_id"]].itertuples(index=False)):
            rest = [np.delete(value, position) if other == side else values[other] for other in (0, 1)]
            estimate, p = _welch_p(rest)
            if np.isfinite(p) and p > 0 and whole > 0:
                found.append((abs(np.log(p / whole)), f"{mouse.cohort} {mouse.animal_id}", estimate, p))
    if not found:
        return
    _, name, estimate, p = max(found, key=lambda one: (one[0], one[1]))
    moves = (p < alpha) != (whole < alpha)
    message = f"without {name} p would be {p:.2g} instead of {whole:.2g}"
    message += ": the conclusion rests on this mouse" if moves else "; the conclusion does not rest on any one mouse"
    shown = float(np.exp(estimate)) if row["scale"] == "log" else estimate
    yield _check("influence", name, values[0].size + values[1].size, shown, p, "warn" if moves else "pass", message)


def _welch_p(values: list[Array]) -> tuple[float, float]:
    found = welch(moments(values[0]), moments(values[1]), 0.95)
    return float(found.difference[0]), float(found.p_value[0])


def _missing(endpoints: pd.DataFrame, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    rows = endpoints
    for name in KEY:
        rows = rows[rows[name] == row[name]]
    rows = rows[~left_out(rows)]
    lost = [(rows.loc[rows["group"] == row[side], "status"] != "ok").to_numpy() for side in ("group_a", "group_b")]
    yield from _shares("missing", lost, row, "without a value")


def _below(sides: list[pd.DataFrame], row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from _shares(
        "below_detection", [side["is_below_detection"].to_numpy() for side in sides], row, "below detection"
    )


def _shares(check: str, flags: list[np.ndarray], row: dict[str, Any], what: str) -> Iterator[dict[str, Any]]:
    """Yield the share of mice with a flag, with the exact test that it is the same in both groups."""
    if min(flag.size for flag in flags) == 0:
        return
    a, b = (flag.astype(np.float64) for flag in flags)
    p = rank_tests.mann_whitney(a, b).p_value
    counts = (
        f"{int(a.sum())} of {a.size} mice of {row['group_a']} and {int(b.sum())} of {b.size} of {row['group_b']} {what}"
    )
    share = float(np.concatenate([a, b]).mean())
    yield _check(check, "", a.size + b.size, share, p, "warn" if share > 0 else "pass", counts)


def _design(mice: pd.DataFrame, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for column in _COLUMNS:
        stated = mice[mice[column] != ""]
        if stated.empty:
            continue
        wrong = confounded(stated, column, (row["group_a"], row["group_b"]))
        status = "pass" if not wrong else "fail" if column in _FATAL else "warn"
        message = wrong or f"both groups share a {column}" if stated[column].nunique() > 1 else f"one {column}"
        yield _check("design", column, len(stated), np.nan, np.nan, status, message)
