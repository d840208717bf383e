"""Group level of stage 5: one fit of all mice at once, what it says about each group, and a test between groups.

The mice's own parameters averaged (two stages) stay what groups are compared by. This stands beside: a shared shape, in
which mice differ in level only, or a mixed model, in which every parameter varies between mice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd

from cartrace import tables
from cartrace.bands import typical_curves
from cartrace.censoring import Points
from cartrace.estimates import animal_estimates
from cartrace.expansion import Study
from cartrace.fitting import Fit
from cartrace.population import log_linear, pairs
from cartrace.population.fit import PopulationFit
from cartrace.population.mice import Mice, mice_of
from cartrace.population.model import Array, group_design
from cartrace.population.shared import SharedFit, fit_shared
from cartrace.quantities import quantities

METHODS = {
    "shared": "shared shape, t over points",
    "log_linear": "linear mixed model, Kenward-Roger",
    "mixed": "mixed model, t over mice",
}
# Starts of a curve that persists: share and rate of what persists, and how much faster the others contract.
_SHARES, _RATES, _FASTER = (-4.0, -2.0), (0.02, 0.2), (1.0, 2.0)


@dataclass(frozen=True)
class Settings:
    """What is done at group level: `method` is ``none``, ``shared_shape`` or ``mixed``; see `Expansion` in the config.

    `p_value` is ``none``, ``bootstrap`` or ``permutation``.
    """

    method: str
    p_value: str
    n_simulated: int
    seed: int


@dataclass(frozen=True)
class GroupFit:
    """Parameters of the typical mouse of each group: (g, p), their covariance (g, p, p), t's df (g,), scatter (g,)."""

    theta: Array
    covariance: Array
    df: Array
    sigma: Array
    method: str
    reason: str = ""


def group_level(
    study: Study, order: Sequence[str], settings: Settings, *, auc_days: Sequence[float], confidence: float
) -> dict[str, pd.DataFrame]:
    """Fit all mice of a study at once.

    Parameters
    ----------
    study : Study
        Fits of the single mice.
    order : sequence of str
        Groups, the reference first.
    settings : Settings
        What is done. A model for groups only has a shared shape, whatever `method` says.
    auc_days : sequence of float
        Limits of the area under the curve [day].
    confidence : float
        Level of the intervals.

    Returns
    -------
    dict
        ``estimates``, ``curves`` and ``population``: rows of the three tables. The level of the rows is ``population``,
        of a model for groups only ``group``.
    """
    empty = {"estimates": tables.Estimates, "curves": tables.Curves, "population": tables.PopulationTests}
    found = {name: tables.empty(table) for name, table in empty.items()}
    mice = mice_of(study, order)
    is_shared = study.model.is_for_groups or settings.method == "shared_shape"
    if (settings.method == "none" and not study.model.is_for_groups) or not mice.names:
        return found
    reason = mice.objection()
    if is_shared:
        fitted = _shared(mice, reason)
    else:
        fitted, tests = _mixed(mice, settings, reason, confidence)
        found["population"] = pd.DataFrame(
            [{"model": study.model.name, "analysis": study.analysis} | row for row in tests],
            columns=tables.PopulationTests.names(),
        )
    level = "group" if study.model.is_for_groups else "population"
    typical = _as_study(study, mice, fitted)
    rows = animal_estimates(typical, quantities(typical, auc_days), confidence=confidence, interval="wald")
    sizes = dict(zip(mice.names, mice.sizes(), strict=True))
    known = rows["status"] == "ok"
    rows["ci_method"] = np.where(known, f"{fitted.method} ({len(mice.own)} mice)", "")
    rows = rows.assign(level=level, n_points=rows["group"].map(sizes), n_censored=0)
    found["estimates"] = rows
    if level == "group":
        found["curves"] = typical_curves(typical, confidence=confidence)
    return found


def _as_study(study: Study, mice: Mice, fitted: GroupFit) -> Study:
    """Return the groups as if they were mice, scanned when any of their mice was."""
    count, some = len(mice.names), mice.points
    members = [np.flatnonzero(mice.group == number) for number in range(count)]
    days = [np.unique(some.day[rows][some.used[rows]]) for rows in members]
    width = max(map(len, days))
    day, used = np.zeros((count, width)), np.zeros((count, width), dtype=bool)
    for number, own in enumerate(days):
        day[number, : len(own)], used[number, : len(own)] = own, True
    no = np.zeros((count, width), dtype=bool)
    points = Points(day, np.zeros((count, width)), used, no)
    status = np.full(count, "not_estimable" if fitted.reason else "ok", dtype=object)
    rows = np.arange(0 if fitted.reason else count)
    ones = np.ones(len(rows))
    none_at_limit = np.zeros(fitted.theta.shape, dtype=bool)
    found = Fit(
        theta=fitted.theta,
        covariance=fitted.covariance,
        sigma=fitted.sigma,
        sigma_ml=fitted.sigma,
        df=fitted.df,
        inflation=ones,
        log_likelihood=ones * np.nan,
        own_scatter=ones > 0.0,
        at_limit=none_at_limit,
        converged=ones > 0.0,
    )
    return replace(
        study,
        mice=pd.DataFrame({"cohort": "", "animal_id": "", "group": list(mice.names)}),
        points=points,
        status=status,
        reason=np.full(count, fitted.reason, dtype=object),
        rows=rows,
        fit=found,
        note=np.full(len(rows), "", dtype=object),
    )


def _without(mice: Mice, method: str, reason: str) -> GroupFit:
    p = mice.model.n_parameters
    return GroupFit(np.zeros((0, p)), np.zeros((0, p, p)), np.zeros(0), np.zeros(0), METHODS[method], reason)


# ---- a shared shape ----


def _shared(mice: Mice, reason: str) -> GroupFit:
    """Return the shape that the mice of each group share, with the geometric mean of their levels."""
    found: list[SharedFit] = []
    for number in range(0 if reason else len(mice.names)):
        some = mice.of([number])
        quantified = some.points.n_points - some.points.n_censored
        if quantified.sum() <= len(some.own) + mice.model.n_parameters:
            reason = f"too few points of group {mice.names[number]} for {mice.model.n_parameters} parameters and levels"
            break
        found.append(_shared_of(some))
        if found[-1].status != "ok":
            reason = f"group {mice.names[number]}: {found[-1].reason}"
            break
    if reason:
        return _without(mice, "shared", reason)
    parts = [_typical(mice.of([number]), one) for number, one in enumerate(found)]
    theta, covariance = np.stack([part[0] for part in parts]), np.stack([part[1] for part in parts])
    if mice.model.name == "stein":
        theta, covariance = _slower_last(theta, covariance)
    df = np.array([float(one.df) for one in found])
    return GroupFit(theta, covariance, df, np.array([one.sigma for one in found]), METHODS["shared"])


def _shared_of(some: Mice) -> SharedFit:
    """Return the likeliest shape that is reached from several starts."""
    design = group_design(some.group, some.model.n_parameters, ())
    population = some.population((0,))
    fits = [fit_shared(some.responses, population, design, start) for start in _starts(some)]
    sound = [one for one in fits if one.status == "ok"]
    return max(sound, key=lambda one: one.log_likelihood) if sound else fits[0]


def _starts(some: Mice) -> list[Array]:
    if some.model.name != "stein":
        return [some.own]
    starts = []
    for share, rate, faster in product(_SHARES, _RATES, _FASTER):
        start = some.own.copy()
        start[:, 2] += np.log(faster)
        start[:, 3] = share
        start[:, 4] = start[:, 2] + np.log(rate)
        starts.append(start)
    return starts


def _typical(some: Mice, found: SharedFit) -> tuple[Array, Array]:
    """Return the shape with the mean level, and their covariance: levels as a sample of mice, the shape by points.

    Another shape has other levels, by what its log curve loses or gains on average over a mouse's quantified points.
    """
    levels = found.level[:, 0]
    theta = np.append(levels.mean(), found.beta)
    quantified = some.points.used & ~some.points.censored
    weight = quantified / quantified.sum(axis=1, keepdims=True) / len(levels)
    gradient = some.model.gradient(some.responses.x, found.theta)[:, :, 1:]
    by_shape = np.vstack([-np.einsum("mn,mnp->p", weight, gradient), np.eye(len(found.beta))])
    covariance = np.asarray(by_shape @ found.beta_covariance @ by_shape.T)
    covariance[0, 0] += levels.var(ddof=1) / len(levels)
    return theta, covariance


def _slower_last(theta: Array, covariance: Array) -> tuple[Array, Array]:
    """Return the same curves with the slower of both phases as the persistent one."""
    theta, covariance = theta.copy(), covariance.copy()
    turned = np.flatnonzero(theta[:, 4] > theta[:, 2])
    order, sign = [0, 1, 4, 3, 2, 5], np.array([1.0, 1.0, 1.0, -1.0, 1.0, 1.0])
    theta[turned] = theta[turned][:, order] * sign
    covariance[turned] = covariance[turned][:, order][:, :, order] * sign[:, None] * sign
    return theta, covariance


# ---- a mixed model ----


def _mixed(mice: Mice, settings: Settings, reason: str, confidence: float) -> tuple[GroupFit, list[dict[str, object]]]:
    """Return the typical mouse of each group, and the tests of each group against the reference."""
    if reason:
        return _without(mice, "mixed", reason), pairs.without(mice, reason)
    count = len(mice.names)
    if log_linear.is_log_linear(mice):
        line = log_linear.fit_log_linear(mice)
        tests = pairs.of_lines(mice, line, confidence)
        if line.status != "ok":
            return _without(mice, "log_linear", line.reason), tests
        theta, covariance, df = log_linear.lines(line, count, confidence)
        return GroupFit(theta, covariance, df, np.full(count, line.sigma), METHODS["log_linear"]), tests
    nested = pairs.nested(mice)
    tests = pairs.of_curves(
        mice, nested, p_value=settings.p_value, n=settings.n_simulated, seed=settings.seed, confidence=confidence
    )
    if nested.full.status != "ok":
        return _without(mice, "mixed", nested.full.reason), tests
    return _of_groups(mice, nested.full, nested.full_design), tests


def _of_groups(mice: Mice, found: PopulationFit, design: Array) -> GroupFit:
    """Return what the fixed effects say about the typical mouse of each group."""
    first = [int(np.argmax(mice.group == number)) for number in range(len(mice.names))]
    inflation = pairs.inflation(mice)
    theta = design[first] @ found.beta
    covariance = design[first] @ found.beta_covariance @ design[first].swapaxes(1, 2) * inflation
    count = len(first)
    df = np.full(count, float(len(mice.own) - count))
    return GroupFit(theta, covariance, df, np.full(count, found.sigma), METHODS["mixed"])
