"""Kinetics of expansion: the fits of a model to the mice of a study, and why a mouse is not fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cartrace.censoring import Points
from cartrace.expansion_points import LEAST_QUANTIFIED, Scatter, Texts, gate_reasons, points_of
from cartrace.fitting import LEAST_LOG_SIGMA, Fit, fit, fit_given_scatter
from cartrace.growth import BY_NAME, Model
from cartrace.pooled_scatter import pooled_log_likelihood
from cartrace.selection import points_needed

_SEEN_SHARE = 0.75
LEAST_SIGMA = float(np.exp(LEAST_LOG_SIGMA))
_UNITS = {"cells": "cells", "pct_id": "%ID"}
_REFUSED = {
    "direct_label": (
        "a direct label is shared out when cells divide and is not made anew: its signal does not show growth "
        "(study.strategy: direct_label)"
    ),
    "immunopet": (
        "the tracer binds a marker whose amount per cell may change: its signal does not show growth "
        "(study.strategy: immunopet)"
    ),
}


@dataclass(frozen=True)
class Study:
    """What is fitted, one entry or row per mouse: its points, and why it is not fitted where it is not.

    `fit` and `note` (what limits an estimate) hold the mice of `rows` only. `growth_day` is the day of which a growth
    rate that falls with time is given [day]. `refusal` says why no mouse of the study is fitted to a model of growth,
    if that is so.
    """

    model: Model
    analysis: str
    mice: pd.DataFrame
    points: Points
    status: Texts
    reason: Texts
    rows: npt.NDArray[np.intp]
    fit: Fit
    note: Texts
    window_days: tuple[float, float]
    unit: str
    growth_day: float
    refusal: str = ""


def fit_study(
    cells: pd.DataFrame,
    mice: pd.DataFrame,
    *,
    model: str | Model,
    analysis: str,
    strategy: str,
    window_days: Sequence[float],
    scatter: Scatter,
) -> Study:
    """Fit a model to all mice of an analysis.

    Parameters
    ----------
    cells : DataFrame
        Rows of :class:`cartrace.tables.Cells` of all cohorts.
    mice : DataFrame
        From :func:`mice_of`.
    model : str or Model
        The model, one of the registry by its name.
    analysis, strategy : str
        ``all`` or ``without_excluded``; the study's strategy.
    window_days : sequence of float
        Days on the cell clock that are fitted.
    scatter : Scatter
        The error model.

    Returns
    -------
    Study
    """
    kind = BY_NAME[model] if isinstance(model, str) else model
    rows = cells if analysis == "all" else cells[~cells["excluded"]]
    points, unusable = points_of(rows, mice, window_days, scatter)
    reason = gate_reasons(kind, points, unusable, window_days)
    refusal = _REFUSED.get(strategy, "")
    if refusal:
        reason[:] = refusal
    elif kind.is_for_groups:
        reason[:] = (
            f"the scans of one mouse do not determine {kind.n_parameters} parameters: this model is fitted to groups"
        )
    elif analysis != "all":
        kept = pd.MultiIndex.from_frame(rows[["cohort", "animal_id"]])
        reason[~pd.MultiIndex.from_frame(mice[["cohort", "animal_id"]]).isin(kept)] = "all its values are excluded"
    status = np.where(reason == "", "ok", "not_estimable").astype(object)
    fitted = np.flatnonzero(reason == "")
    found, lean = _fit(kind, points.rows(fitted))
    note = np.full(fitted.size, "", dtype=object)
    note[lean] = "no more quantified points than parameters: fitted with the scatter of the other mice"
    _tell_of_fit(kind, found, fitted, status, reason)
    units = cells["response_unit"].unique()
    unit = _UNITS[str(units[0])] if len(units) else ""
    window = (float(window_days[0]), float(window_days[1]))
    growth_day = _growth_day(points.rows(fitted))
    return Study(kind, analysis, mice, points, status, reason, fitted, found, note, window, unit, growth_day, refusal)


def _tell_of_fit(kind: Model, found: Fit, fitted: npt.NDArray[np.intp], status: Texts, reason: Texts) -> None:
    """Write what keeps a fit from being one into the status and reason of the fitted mice."""
    outcomes = (
        (found.at_limit.any(axis=1), "at_bound", "at a limit of what the scans can tell: "),
        (~found.converged, "not_converged", "the fit did not converge: the points do not settle the curve"),
        (
            np.isnan(found.sigma),
            "not_estimable",
            "no more quantified points than parameters, and no other mouse that a scatter could be taken from",
        ),
    )
    for where, outcome, text in outcomes:
        status[fitted[where]], reason[fitted[where]] = outcome, text
    names = np.array([parameter.name for parameter in kind.parameters])
    for row in np.flatnonzero(status[fitted] == "at_bound"):
        reason[fitted[row]] += ", ".join(names[found.at_limit[row]])


def _growth_day(points: Points) -> float:
    """Return the day by which three quarters of the mice have a point above detection; NaN without mice.

    The same for all mice, so that their rates compare, and one that their points know something about: the first scan
    where it is above detection. A day of each mouse's own would be early where its noise is high.
    """
    # ASSUME: a growth rate that falls with time is the one on the day by which 3/4 of the mice are above detection.
    first = points.first_quantified_day
    return float(np.quantile(first, _SEEN_SHARE, method="inverted_cdf")) if first.size else np.nan


def _fit(model: Model, points: Points) -> tuple[Fit, npt.NDArray[np.bool_]]:
    """Fit each mouse with its own scatter, the lean ones with that of the others; return which are lean."""
    lean = points.n_points - points.n_censored <= model.n_parameters
    rich, poor = np.flatnonzero(~lean), np.flatnonzero(lean)
    own = fit(model, points.rows(rich))
    if not poor.size:
        return own, lean
    kept = own.converged
    free = (points.n_points - points.n_censored - model.n_parameters).astype(float)[rich[kept]]
    df = float(free.sum())
    # ASSUME: a mouse with no more quantified points than parameters scatters about its curve as the other mice do.
    if df == 0.0:
        unknown = fit_given_scatter(model, points.rows(poor), sigma=1.0, df=df)
        others = replace(unknown, sigma=np.full(poor.size, np.nan))
    else:
        sigma = float(np.sqrt((own.sigma[kept] ** 2 * free).sum() / df))
        others = fit_given_scatter(model, points.rows(poor), sigma=max(sigma, LEAST_SIGMA), df=df)
    back = np.argsort(np.concatenate([rich, poor]), kind="stable")
    merged = {field.name: _joined(own, others, field.name)[back] for field in fields(Fit)}
    return Fit(**merged), lean


def _joined(first: Fit, second: Fit, name: str) -> npt.NDArray[Any]:
    return np.concatenate([getattr(first, name), getattr(second, name)])


def fit_rows(study: Study, compared: Sequence[str], own: Mapping[str, Model] = MappingProxyType({})) -> pd.DataFrame:
    """Return the rows of :class:`cartrace.tables.Fits`.

    Parameters
    ----------
    study : Study
        The fits.
    compared : sequence of str
        Models that are fitted to the same points. Mice with points enough for all of them share one scatter and have a
        log-likelihood; a model that most mice have too few points for has none.
    own : mapping
        Models of the lab's own, by name.

    Returns
    -------
    DataFrame
    """
    rows = study.rows
    frame = frame_of_mice(study).drop(columns="level")
    frame = frame.assign(n_parameters=study.model.n_parameters, status=study.status, reason=study.reason)
    frame.loc[rows[study.status[rows] == "ok"], "reason"] = study.note[study.status[rows] == "ok"]
    sigma, log_likelihood = np.full(len(frame), np.nan), np.full(len(frame), np.nan)
    fitted = np.isin(study.status[rows], ["ok", "at_bound"])
    sigma[rows[fitted]] = study.fit.sigma[fitted]
    known = {**BY_NAME, **own}
    counts = [known[name].n_parameters for name in compared] if study.model.name in compared else []
    counts = counts or [study.model.n_parameters]
    # Whether a mouse takes part depends on its points only, so that it is the same for every model.
    n = study.points.n_points
    quantified = n - study.points.n_censored
    needed = points_needed(n[(quantified >= LEAST_QUANTIFIED) & (n > min(counts))], counts)
    pooled = fitted & (n[rows] >= needed)
    if pooled.any() and study.model.n_parameters < needed:
        log_likelihood[rows[pooled]], _ = pooled_log_likelihood(
            study.model, study.points.rows(rows[pooled]), study.fit.theta[pooled]
        )
    return frame.assign(error_model=study.points.error.name, sigma=sigma, log_likelihood=log_likelihood)


def frame_of_mice(study: Study) -> pd.DataFrame:
    """Return one row per mouse with the columns that its fit and its estimates share."""
    frame = study.mice.copy()
    frame["model"], frame["analysis"], frame["level"] = study.model.name, study.analysis, "animal"
    frame["n_points"], frame["n_censored"] = study.points.n_points, study.points.n_censored
    return frame
