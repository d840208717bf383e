"""Tests of the growth of two groups in one mixed model of their mice: Kenward-Roger for lines, else simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cartrace.calibration import t_quantile
from cartrace.mixed import MixedFit
from cartrace.population.fit import PopulationFit, fit
from cartrace.population.inference import LikelihoodRatio, bootstrap, permutation
from cartrace.population.log_linear import difference
from cartrace.population.mice import Mice
from cartrace.population.model import Array, group_design

_NUMBERS = ("estimate", "se", "df", "ci_low", "ci_high", "ci_level", "statistic", "p_value", "p_large_sample")
_SPREAD = ("mouse_sd", "residual_sd")
_NO_P = (
    "no p value: the large-sample one is too small for few mice; set expansion.population_p to bootstrap or permutation"
)


@dataclass(frozen=True)
class Nested:
    """A mixed model in which all groups differ in all parameters, and one without the differences that are tested."""

    null: PopulationFit
    full: PopulationFit
    null_design: Array
    full_design: Array


def nested(mice: Mice, *, jointly: bool = False) -> Nested:
    """Fit both models; `jointly` tests all parameters at once, otherwise the growth rate alone is tested."""
    p = mice.model.n_parameters
    population, data = mice.population(range(p)), mice.responses
    others = [index for index in range(p) if index != mice.tested]
    kept = [] if jointly else others
    null_design = group_design(mice.group, p, kept)
    full_design = group_design(mice.group, p, [*others, mice.tested])
    null = fit(data, population, null_design, mice.own)
    if len(mice.names) == 1:
        return Nested(null, null, null_design, null_design)
    also = null if null.status == "ok" else None
    full = fit(data, population, full_design, mice.own, also=also)
    return Nested(null, full, null_design, full_design)


def inflation(mice: Mice) -> float:
    """Return by what variances of greatest likelihood are too small, where the mice are the sample."""
    n, count = len(mice.own), len(mice.names)
    return n / (n - count)


def without(mice: Mice, reason: str) -> list[dict[str, Any]]:
    """Return rows without a test."""
    return [_row(mice, other) | {"status": "not_estimable", "reason": reason} for other in range(1, len(mice.names))]


def _row(mice: Mice, other: int, parameter: str = "") -> dict[str, Any]:
    some = mice.of([0, other])
    tested = mice.model.parameters[mice.tested]
    sizes = some.sizes()
    return dict.fromkeys((*_NUMBERS, *_SPREAD), np.nan) | {
        "parameter": parameter or tested.name,
        "group_a": mice.names[other],
        "group_b": mice.names[0],
        "n_a": int(sizes[1]),
        "n_b": int(sizes[0]),
        "n_points": int(some.points.n_points.sum()),
        "n_censored": int(some.points.n_censored.sum()),
        "scale": tested.scale,
        "method": "",
        "p_method": "",
        "n_simulated": 0,
        "n_failed": 0,
        "status": "ok",
        "reason": "",
    }


def of_lines(mice: Mice, line: MixedFit, confidence: float) -> list[dict[str, Any]]:
    """Return the differences between slopes of the log response."""
    if line.status != "ok":
        return without(mice, line.reason)
    rows = []
    for other in range(1, len(mice.names)):
        found = difference(line, len(mice.names), other, confidence)
        numbers = {name: getattr(found, name) for name in ("estimate", "se", "df", "ci_low", "ci_high", "statistic")}
        numbers |= {"ci_level": confidence, "p_value": found.p_value}
        spread = {"mouse_sd": float(np.sqrt(line.random_covariance[1, 1])), "residual_sd": line.sigma}
        texts = {"method": "linear mixed model", "p_method": "Kenward-Roger"}
        rows.append(_row(mice, other) | numbers | spread | texts)
    return rows


def of_curves(mice: Mice, joint: Nested, *, p_value: str, n: int, seed: int, confidence: float) -> list[dict[str, Any]]:
    """Return likelihood-ratio tests of the growth rate, and of all parameters where groups are dealt anew.

    Parameters
    ----------
    mice : Mice
        The mice.
    joint : Nested
        Their fits, used where there are two groups.
    p_value : str
        ``none``, ``bootstrap`` or ``permutation``.
    n, seed : int
        Simulated studies, and what they are drawn with.
    confidence : float
        Level of the intervals.
    """
    rows = []
    for other in range(1, len(mice.names)):
        some = mice.of([0, other])
        fits = joint if len(mice.names) == 2 else nested(some)
        rows.append(_row(mice, other) | _tested(some, fits, p_value, n, seed, confidence))
        if p_value == "permutation":
            together = nested(some, jointly=True)
            dealt = permutation(
                some.responses,
                some.population(range(mice.model.n_parameters)),
                together.full_design,
                null=together.null,
                full=together.full,
                n=n,
                seed=seed,
                stratum=some.cohort,
            )
            rows.append(_row(mice, other, "all parameters") | _ratio(dealt) | {"method": "mixed model"})
    return rows


def _tested(some: Mice, fits: Nested, p_value: str, n: int, seed: int, confidence: float) -> dict[str, Any]:
    found: LikelihoodRatio = bootstrap(
        some.responses,
        some.population(range(some.model.n_parameters)),
        fits.null_design,
        fits.full_design,
        null=fits.null,
        full=fits.full,
        n=n if p_value == "bootstrap" else 0,
        seed=seed,
    )
    if fits.full.status != "ok":
        return {"method": "mixed model", "status": "not_converged", "reason": fits.full.reason}
    tested, df = some.model.parameters[some.tested], float(len(some.own) - 2)
    estimate, se = fits.full.beta[-1], fits.full.beta_se[-1] * np.sqrt(inflation(some))
    half = float(t_quantile(0.5 + confidence / 2.0, df)) * se
    values = {"estimate": estimate, "ci_low": estimate - half, "ci_high": estimate + half}
    if tested.scale == "log":
        with np.errstate(over="ignore"):
            values = {name: float(np.exp(value)) for name, value in values.items()}
    numbers = {name: value if np.isfinite(value) else np.nan for name, value in values.items()}
    spread = {"mouse_sd": float(np.sqrt(fits.full.omega[some.tested, some.tested])), "residual_sd": fits.full.sigma}
    own = {"method": "mixed model", "se": se, "df": df, "ci_level": confidence}
    return own | numbers | spread | _ratio(found)


def _ratio(found: LikelihoodRatio) -> dict[str, Any]:
    simulated = found.n_simulated > 0
    kind = f"{found.method} of {found.n_simulated}" if simulated else ""
    return {
        "statistic": found.statistic,
        "p_value": found.p_value if simulated else np.nan,
        "p_large_sample": found.p_chi_square,
        "p_method": kind,
        "n_simulated": found.n_simulated,
        "n_failed": found.n_failed,
        "status": found.status,
        "reason": found.reason or ("" if simulated else _NO_P),
    }
