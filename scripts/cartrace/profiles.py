"""Profile-likelihood intervals of a quantity of every mouse of a batch at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cartrace.censoring import Points, likelihood
from cartrace.fitting import LEAST_LOG_SIGMA, Fit, own_unit
from cartrace.growth import Model, limits
from cartrace.growth_curves import Array
from cartrace.held import Held, Value
from cartrace.optimise import least_squares
from cartrace.profile_search import Search

_FURTHEST_LOG = 10.0
_FURTHEST_SPANS = 2.0
_BLOCK = 4096
_WIDER_SPANS, _WIDER_LOG = 20.0, 7.0


@dataclass(frozen=True)
class Wanted:
    """A quantity whose limits are wanted for some mice of a batch.

    Parameters
    ----------
    value : callable or None
        The quantity; linear in the parameter numbered `pivot` when the others are held. None: that parameter itself.
    pivot : int
        That parameter.
    rows : ndarray, shape (k,)
        The mice.
    reach : Array, shape (k,)
        How far from the estimate a limit is looked for, on the quantity's scale.
    """

    value: Value | None
    pivot: int
    rows: np.ndarray
    reach: Array


@dataclass(frozen=True)
class Profile:
    """Limits of a quantity, shape (k,); missing where the points do not exclude any value on that side."""

    low: Array
    high: Array


def profile_limits(
    model: Model, points: Points, fit: Fit, wanted: Sequence[Wanted], *, quantile: Array
) -> list[Profile]:
    """Return the profile-likelihood limits of quantities, all searched at once.

    Parameters
    ----------
    model : Model
        The model.
    points : Points
        Points of the mice.
    fit : Fit
        Their fits.
    wanted : sequence of Wanted
        The quantities and the mice that they are wanted of.
    quantile : Array, shape (m,)
        Quantile of Student's t.

    Returns
    -------
    list of Profile
        Of each quantity, the limits of its mice.

    Notes
    -----
    A limit is where the best curve that gives this value fits worse than the best of all by ``t`` in the signed root
    ``sqrt((SSE(c) - SSE) / s**2)`` of the sum of squares (Bates & Watts 1988, doi:10.1002/9780470316757, section 6.1.2;
    confint of R's nls). With censored points, and with other errors, the log-likelihood takes its place by
    ``n ln(1 + tau**2 / df) = 2 (ln L - ln L(c))`` with n the quantified points, which without censored points is
    the same; where a part of the scatter is known, n is what the variances are multiplied by times the degrees of
    freedom; where sigma is known from other mice ``tau**2 = 2 (ln L - ln L(c))``.
    """
    sizes = [len(item.rows) for item in wanted]
    found = np.full((2, sum(sizes)), np.nan)
    if not sum(sizes):
        return [Profile(found[0], found[1]) for _ in wanted]
    mouse = np.concatenate([item.rows for item in wanted])
    number = np.repeat(np.arange(len(wanted)), sizes)
    reach = np.concatenate([item.reach for item in wanted])
    log_unit = own_unit(points)
    scaled = points.scaled(log_unit)
    easy = (points.n_censored == 0) & points.is_plain & fit.own_scatter
    kinds = (easy, ~easy & fit.own_scatter, ~fit.own_scatter)
    for kind, members in zip(("squares", "likelihood", "known"), kinds, strict=True):
        every = np.flatnonzero((members & fit.converged)[mouse])
        # In blocks, so that memory does not grow with the study.
        for first in range(0, every.size, _BLOCK):
            here = every[first : first + _BLOCK]
            held = _held(kind, model, scaled, fit, wanted, log_unit, mouse[here], number[here])
            found[:, here] = Search(held, reach[here], quantile[mouse[here]]).limits()
    return [Profile(*found[:, number == index]) for index in range(len(wanted))]


def _held(
    kind: str,
    model: Model,
    points: Points,
    fit: Fit,
    wanted: Sequence[Wanted],
    log_unit: Array,
    mouse: np.ndarray,
    number: np.ndarray,
) -> Held:
    """Return one quantity of one mouse in each row: that number of `wanted`, that mouse of the batch."""
    some, unit = points.rows(mouse), log_unit[mouse]
    lower, upper = _wide_limits(model, some)
    x = fit.theta[mouse].copy()
    x[:, 0] -= unit
    is_share = points.error.is_log or points.error.power == 1
    log_sigma = np.log(fit.sigma_ml[mouse]) - (0.0 if is_share else unit)
    local = likelihood(model, some, log_sigma if kind == "known" else None)
    if kind == "squares":
        local = least_squares(model.log_curve, model.gradient, some.day, some.log_response, some.used)
    if kind == "likelihood":
        x = np.append(x, log_sigma[:, None], axis=1)
        ends = np.ones((len(x), 1))
        lower, upper = np.append(lower, LEAST_LOG_SIGMA * ends, axis=1), np.append(upper, 10.0 * ends, axis=1)
    pivot = np.array([item.pivot for item in wanted])[number]
    every = np.arange(len(x))
    lower[every, pivot], upper[every, pivot] = -np.inf, np.inf
    p = model.n_parameters

    derived = {index: item.value for index, item in enumerate(wanted) if item.value is not None}

    def own_value(theta: Array, which: np.ndarray) -> tuple[Array, Array]:
        shifted = theta[:, :p].copy()
        shifted[:, 0] += unit[which]
        result, gradient = np.zeros(len(theta)), np.zeros(theta.shape)
        of = number[which]
        for index, value in derived.items():
            own = np.flatnonzero(of == index)
            if own.size:
                result[own], gradient[own, :p] = value(shifted[own], mouse[which[own]])
        return result, gradient

    middle, gradient = fit.theta[mouse, pivot], np.zeros(x.shape)
    gradient[every, pivot] = 1.0
    is_derived = np.isin(number, list(derived))
    own = np.flatnonzero(is_derived)
    middle[own], gradient[own] = own_value(x[own], own)
    se = np.sqrt(np.einsum("mp,mpq,mq->m", gradient[:, :p], fit.covariance[mouse], gradient[:, :p]))
    best = local(x, every)[0]
    inflated = fit.inflation[mouse] * fit.df[mouse]
    rates = tuple(index for index, parameter in enumerate(model.parameters) if parameter.kind == "rate")
    rates = rates if any(parameter.kind == "day" for parameter in model.parameters) else ()
    parts = (local, own_value, pivot, is_derived, rates, lower, upper, x, middle, se, best, inflated, fit.df[mouse])
    return Held(kind, *parts)


def _wide_limits(model: Model, points: Points) -> tuple[Array, Array]:
    """Return limits so far out that they bind no interval: a limit of another parameter would make one look narrow."""
    lower, upper = limits(model, points.first_day, points.last_day)
    span = points.last_day - points.first_day
    for index, parameter in enumerate(model.parameters):
        further = _WIDER_SPANS * span if parameter.kind == "day" else _WIDER_LOG
        lower[:, index] -= further
        upper[:, index] += further
    return lower, upper


def reach_of(scale: str, unit: str, points: Points) -> Array:
    """Return how far from the estimate a limit is looked for: what lies beyond is no limit that scans can give."""
    # ASSUME: a limit beyond a factor of 22,000, or twice the days between first and last scan, is no limit.
    span = points.last_day - points.first_day
    if scale == "log":
        return np.full(len(span), _FURTHEST_LOG)
    return np.asarray(_FURTHEST_SPANS * span) if unit == "day" else np.full(len(span), 10.0)
