"""The groups over all sessions at once: a linear mixed model of the log response, with the mouse at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from cartrace import plan, tables
from cartrace.contrasts import KenwardRoger, contrast, f_test, kenward_roger
from cartrace.endpoints import KINETIC, by_name, takes_part
from cartrace.grouped import grouped
from cartrace.mixed import MixedFit, fit
from cartrace.statistics import MINIMUM_N, Array, holm

ENDPOINTS = ("cells", "net_pct_id")
_RANK = {"background": 0, "control": 1, "test": 2}
_CELL = ["analysis", "endpoint", "region"]
_NUMBERS = ("estimate", "ci_low", "ci_high", "statistic", "df", "p_value")


def repeated(
    endpoints: pd.DataFrame,
    *,
    groups: Sequence[Mapping[str, Any]],
    confidence: float,
    secondary: Sequence[Mapping[str, Any]] = (),
) -> pd.DataFrame:
    """Compare the groups at every session by one model of all of them: in the followed response, and as declared.

    Parameters
    ----------
    endpoints : DataFrame
        Table of endpoints.
    groups : sequence of mapping
        The config's groups.
    confidence : float
        Level of the intervals.
    secondary : sequence of mapping
        The config's families; PET uptake, ratios and readouts that one of them declares in more than one session are
        compared as well. What the counter measures has one session a mouse.

    Returns
    -------
    DataFrame
        A table of repeated measures; p by session is adjusted by Holm within a pair of groups. A session in which a
        mouse is below detection has no logarithm for it, and stands as a row with its reason.

    Notes
    -----
    ln response = group x session (+ cohort) + mouse + residual, by REML; tests after Kenward MG, Roger JH. Biometrics
    1997;53:983-997. doi:10.2307/2533558
    """
    # ASSUME: log responses of one mouse share its level, and are otherwise independent with one scatter.
    order = sorted(range(len(groups)), key=lambda position: (_RANK[groups[position]["role"]], position))
    names = [groups[position]["name"] for position in order]
    background = {group["name"] for group in groups if group["role"] == "background"}
    part = endpoints[endpoints["endpoint"].isin(ENDPOINTS) | _declared(endpoints, secondary)]
    rows: list[dict[str, Any]] = []
    for key, every in part[takes_part(part)].groupby(_CELL, sort=True):
        hidden = set() if by_name(str(key[1])).compares_background else background
        present = [name for name in names if name not in hidden and (every["group"] == name).any()]
        mice = every[every["group"].isin(present)]
        common = dict(zip(_CELL, key, strict=True)) | {"ci_level": confidence}
        if len(present) > 1:
            rows += [common | row for row in _of_response(mice, present, confidence)]
    if not rows:
        return tables.empty(tables.Repeated)
    frame = pd.DataFrame(rows)
    by_session = frame["contrast"] == "session"
    families = frame[by_session].groupby([*_CELL, "group_a", "group_b"])["p_value"]
    frame["p_adjusted"] = families.transform(lambda p: holm(p.to_numpy(dtype=np.float64))).reindex(frame.index)
    return frame[tables.Repeated.names()]


def _declared(endpoints: pd.DataFrame, secondary: Sequence[Mapping[str, Any]]) -> pd.Series:
    """Return which rows belong to a family of several sessions of the same mice."""
    meant = pd.Series(data=False, index=endpoints.index)
    for family in secondary:
        rows = plan.declared(endpoints, family) & (endpoints["modality"] != "counter")
        if endpoints.loc[rows, "session"].nunique() > 1:
            meant |= rows
    return meant & ~endpoints["endpoint"].isin(KINETIC)


def _of_response(mice: pd.DataFrame, names: list[str], confidence: float) -> list[dict[str, Any]]:
    """Return the rows of one response: pairs of groups by session, on average, and their interaction."""
    sessions = {str(name): _why_not(part, names) for name, part in mice.groupby("session", sort=True)}
    used = [name for name, reason in sessions.items() if not reason]
    rows_used = mice[mice["session"].isin(used)]
    reason = "" if len(used) >= 2 else "fewer than two sessions have every mouse above detection in every group"
    reason = reason or _without_scatter(rows_used, names, used)
    model = None if reason else _fit(rows_used, names, used)
    if model is not None and model.status != "ok":
        reason = model.reason
        model = None
    adjusted = kenward_roger(model) if model else None
    rows = []
    for b, a in combinations(names, 2):
        pair = {"group_a": a, "group_b": b} | _sizes(rows_used, a, b, model)
        for session, why in sessions.items():
            weights = [_weights(names, used, a, b, [session])] if not why and model else None
            own = pair | {"contrast": "session", "session": session}
            rows.append(own | _tested(model, adjusted, weights, why or reason, confidence))
        average = [_weights(names, used, a, b, used)] if model else None
        rows.append(
            pair | {"contrast": "average", "session": ""} | _tested(model, adjusted, average, reason, confidence)
        )
        apart = [_weights(names, used, a, b, [one]) - _weights(names, used, a, b, used[:1]) for one in used[1:]]
        rows.append(
            pair | {"contrast": "interaction", "session": ""} | _tested(model, adjusted, apart, reason, confidence)
        )
    return rows


def _why_not(session: pd.DataFrame, names: list[str]) -> str:
    """Return why a session cannot enter the model, or an empty text."""
    without = int((session["is_below_detection"] | (session["value"] <= 0)).sum())
    if without:
        return (
            f"{without} of {len(session)} mice below detection or not above zero; the session is left out of the model"
        )
    few = [name for name in names if (session["group"] == name).sum() < MINIMUM_N]
    return f"fewer than {MINIMUM_N} mice in {', '.join(few)}; the session is left out of the model" if few else ""


def _columns(mice: pd.DataFrame, names: list[str], sessions: list[str]) -> Array:
    """Return one column for each group at each session, and one for each cohort beyond the first."""
    cell = mice["group"].map(names.index) * len(sessions) + mice["session"].map(sessions.index)
    columns = np.eye(len(names) * len(sessions))[cell.to_numpy(dtype=np.intp)]
    cohort = np.unique(mice["cohort"].to_numpy(dtype=str), return_inverse=True)[1]
    block = np.eye(int(cohort.max()) + 1)[cohort]
    # Deviations that sum to zero, so that the columns of groups and sessions stay means over cohorts.
    with_blocks = np.column_stack([columns, block[:, 1:] - block[:, :1]])
    return with_blocks if np.linalg.matrix_rank(with_blocks) == with_blocks.shape[1] else columns


def _without_scatter(mice: pd.DataFrame, names: list[str], sessions: list[str]) -> str:
    """Return what is wrong where the groups' sessions explain a mouse's measurements altogether, or an empty text."""
    mouse = np.unique((mice["cohort"] + "\n" + mice["animal_id"]).to_numpy(dtype=str), return_inverse=True)[1]
    both = np.column_stack([np.log(mice["value"].to_numpy(dtype=np.float64)), _columns(mice, names, sessions)])
    sums = np.zeros((int(mouse.max()) + 1, both.shape[1]))
    np.add.at(sums, mouse, both)
    within = both - (sums / np.bincount(mouse)[:, None])[mouse]
    rest = within[:, 0] - within[:, 1:] @ np.linalg.lstsq(within[:, 1:], within[:, 0], rcond=None)[0]
    scatter = float(np.sqrt(np.mean(rest**2)))
    return "" if scatter > 1e-9 else "the measurements of a mouse leave no scatter within it to judge by"


def _fit(mice: pd.DataFrame, names: list[str], sessions: list[str]) -> MixedFit:
    mouse = mice["cohort"] + "\n" + mice["animal_id"]
    response = np.log(mice["value"].to_numpy(dtype=np.float64))
    columns = _columns(mice, names, sessions)
    return fit(grouped(response, columns, np.ones((len(mice), 1)), mouse.to_numpy(dtype=str)))


def _weights(names: list[str], sessions: list[str], a: str, b: str, over: list[str]) -> Array:
    """Return group a minus group b, averaged over some sessions."""
    weights = np.zeros(len(names) * len(sessions))
    for session in over:
        weights[names.index(a) * len(sessions) + sessions.index(session)] += 1 / len(over)
        weights[names.index(b) * len(sessions) + sessions.index(session)] -= 1 / len(over)
    return weights


def _sizes(mice: pd.DataFrame, a: str, b: str, model: MixedFit | None) -> dict[str, Any]:
    ids = mice[["group", "cohort", "animal_id"]].drop_duplicates()["group"].value_counts()
    found = {"n_a": int(ids.get(a, 0)), "n_b": int(ids.get(b, 0)), "n_points": len(mice)}
    mouse = float(np.sqrt(model.random_covariance[0, 0])) if model else np.nan
    return found | {"mouse_sd": mouse, "residual_sd": model.sigma if model else np.nan}


def _tested(
    model: MixedFit | None,
    adjusted: KenwardRoger | None,
    weights: list[Array] | None,
    reason: str,
    confidence: float,
) -> dict[str, Any]:
    """Return a contrast as a ratio, or several together as an F test."""
    numbers: dict[str, Any] = dict.fromkeys((*_NUMBERS, "df_numerator"), np.nan)
    if model is None or reason or not weights:
        return numbers | {"status": "not_estimable", "reason": reason or "the model has one session only"}
    beyond = np.zeros(len(model.coefficients) - len(weights[0]))
    full = [np.append(row, beyond) for row in weights]
    if len(full) > 1:
        test = f_test(model, np.array(full), adjusted)
        numbers |= {"statistic": test.statistic, "df": test.df_denominator, "df_numerator": test.df_numerator}
        return numbers | {"p_value": test.p_value, "status": "ok", "reason": ""}
    found = contrast(model, full[0], confidence=confidence, adjusted=adjusted)
    numbers |= {name: getattr(found, name) for name in _NUMBERS}
    numbers |= {name: float(np.exp(numbers[name])) for name in ("estimate", "ci_low", "ci_high")}
    return numbers | {"status": "ok", "reason": ""}
