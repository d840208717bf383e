"""Profile-likelihood intervals of a quantity of every mouse of a batch at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cartrace.censoring import Points, likelihood
from cartrace.fitting import LEAST_LOG_SIGMA, Fit, own_unit
from cartrace.growth import Model, limits
from cartrace.growth_curves import Array
from cartrace.optimise import Local, least_squares, minimise

# A quantity and its derivatives at the parameters of some of the mice: ``(theta (k, p), rows (k,)) -> (k,), (k, p)``.
Value = Callable[[Array, np.ndarray], tuple[Array, Array]]

_MOST_WIDENINGS = 14
_MOST_STEPS = 40
_MOST_DESCENTS = 30
_MOST_BRANCHES = 6
_SAME_BRANCH = 1e-4
_OTHER_RATE = 1.5  # on the log scale
_FURTHEST_LOG = 10.0
_FURTHEST_SPANS = 2.0
_TOLERANCE = 1e-8
_ROUGH, _MOST_ROUGH = 1e-5, 25
_MOST_SECANTS, _JUMP_TOLERANCE = 12, 1e-6
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
        here = np.flatnonzero((members & fit.converged)[mouse])
        if here.size:
            search = _search(kind, model, scaled, fit, wanted, log_unit, mouse[here], number[here])
            found[:, here] = search.limits(reach[here], quantile[mouse[here]])
    return [Profile(*found[:, number == index]) for index in range(len(wanted))]


def _search(
    kind: str,
    model: Model,
    points: Points,
    fit: Fit,
    wanted: Sequence[Wanted],
    log_unit: Array,
    mouse: np.ndarray,
    number: np.ndarray,
) -> _Search:
    """Return the search for one quantity of one mouse in each row: that number of `wanted`, that mouse of the batch."""
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

    def own_value(theta: Array, which: np.ndarray) -> tuple[Array, Array]:
        shifted = theta[:, :p].copy()
        shifted[:, 0] += unit[which]
        gradient = np.zeros(theta.shape)
        place = np.arange(len(theta)), pivot[which]
        result, gradient[place] = shifted[place], 1.0
        for index, item in enumerate(wanted):
            if item.value is not None:
                own = np.flatnonzero(number[which] == index)
                result[own], gradient[own, :p] = item.value(shifted[own], mouse[which[own]])
        return result, gradient

    middle, gradient = own_value(x, every)
    se = np.sqrt(np.einsum("mp,mpq,mq->m", gradient[:, :p], fit.covariance[mouse], gradient[:, :p]))
    best = local(x, every)[0]
    inflated = fit.inflation[mouse] * fit.df[mouse]
    rates = tuple(index for index, parameter in enumerate(model.parameters) if parameter.kind == "rate")
    rates = rates if any(parameter.kind == "day" for parameter in model.parameters) else ()
    direct = all(wanted[index].value is None for index in np.unique(number))
    parts = (local, own_value, pivot, rates, lower, upper, x, middle, se, best, inflated, fit.df[mouse])
    return _Search(kind, direct, *parts)


def _wide_limits(model: Model, points: Points) -> tuple[Array, Array]:
    """Return limits so far out that they bind no interval: a limit of another parameter would make one look narrow."""
    lower, upper = limits(model, points.first_day, points.last_day)
    span = points.last_day - points.first_day
    for index, parameter in enumerate(model.parameters):
        further = _WIDER_SPANS * span if parameter.kind == "day" else _WIDER_LOG
        lower[:, index] -= further
        upper[:, index] += further
    return lower, upper


@dataclass
class _Search:
    """The profile of a batch of mice of one kind; x holds the parameters, and sigma where that is free.

    `is_direct` says that every quantity is a parameter itself, so that holding it needs no more than its column.
    """

    kind: str
    is_direct: bool
    local: Local
    value: Value
    pivot: np.ndarray
    rates: tuple[int, ...]
    lower: Array
    upper: Array
    x: Array
    middle: Array
    se: Array
    best: Array
    inflated: Array
    df: Array

    def limits(self, reach: Array, quantile: Array) -> Array:
        """Return lower and upper limits, shape (2, k)."""
        k = len(self.x)
        rows, side = np.tile(np.arange(k), 2), np.repeat([-1.0, 1.0], k)
        target, furthest = np.tile(quantile, 2), np.tile(reach, 2)
        near, x_near = np.zeros(2 * k), self.x[rows].copy()
        far = np.clip(np.tile(self.se * quantile, 2), 1e-9, furthest)
        offset, todo = np.full(2 * k, np.nan), np.arange(2 * k)
        for _ in range(_MOST_BRANCHES):
            some = (near[todo], far[todo], x_near[todo], furthest[todo])
            offset[todo] = self._outward(*some, rows[todo], side[todo], target[todo])
            todo = todo[np.isfinite(offset[todo])]
            # Where another branch of curves with the same value fits better, the limit lies further out.
            tau, x = self._other_branch(offset[todo] * side[todo], rows[todo])
            better = tau < (1.0 - _SAME_BRANCH) * target[todo]
            todo = todo[better]
            if not todo.size:
                break
            near[todo], x_near[todo] = offset[todo], x[better]
            far[todo] = np.minimum(1.3 * offset[todo], furthest[todo])
        return np.asarray(self.middle + (side * offset).reshape(2, k))

    def _outward(
        self,
        near: Array,
        far: Array,
        x_near: Array,
        furthest: Array,
        rows: np.ndarray,
        side: Array,
        target: Array,
    ) -> Array:
        """Return where tau first meets its target beyond `near`; missing where it does not."""
        at_near = np.where(near > 0.0, -1e-3, -1.0) * target
        at_far, x_far = self.tau(far * side, rows, x_near)
        at_far = at_far - target
        for _ in range(_MOST_WIDENINGS):
            wide = np.flatnonzero((at_far < 0.0) & (far < furthest))
            if not wide.size:
                break
            near[wide], at_near[wide], x_near[wide] = far[wide], at_far[wide], x_far[wide]
            # As far as a straight line through the last root points, and half as far again.
            ratio = 1.5 * target[wide] / np.maximum(at_far[wide] + target[wide], 1e-3 * target[wide])
            far[wide] = np.minimum(far[wide] * np.clip(ratio, 1.3, 4.0), furthest[wide])
            tau, x_far[wide] = self.tau(far[wide] * side[wide], rows[wide], x_far[wide])
            at_far[wide] = tau - target[wide]
        inside = np.flatnonzero(at_far >= 0.0)
        offset = np.full(len(rows), np.nan)
        bracket = (near[inside], far[inside], at_near[inside], at_far[inside], x_near[inside], x_far[inside])
        offset[inside] = self._crossing(bracket, rows[inside], side[inside], target[inside])
        return offset

    def _other_branch(self, offset: Array, rows: np.ndarray) -> tuple[Array, Array]:
        """Return tau of the best of curves that start with other rates, and that curve."""
        best, chosen = np.full(len(rows), np.inf), self.x[rows].copy()
        for index in self.rates:
            for change in (-_OTHER_RATE, _OTHER_RATE):
                start = self.x[rows].copy()
                start[:, index] += change
                tau, x = self.tau(offset, rows, start, is_rough=True)
                closer = tau < best
                best[closer], chosen[closer] = tau[closer], x[closer]
        return best, chosen

    def _crossing(
        self,
        bracket: tuple[Array, Array, Array, Array, Array, Array],
        rows: np.ndarray,
        side: Array,
        target: Array,
    ) -> Array:
        """Return where tau meets its target between the ends of a bracket (Illinois rule)."""
        near, far, at_near, at_far, x_near, x_far = (part.copy() for part in bracket)
        kept = np.zeros(len(rows))
        todo = np.arange(len(rows))
        result = far.copy()
        for count in range(_MOST_STEPS):
            if not todo.size:
                break
            width, drop = far[todo] - near[todo], at_far[todo] - at_near[todo]
            is_jump = count >= _MOST_SECANTS
            # Halved where tau jumps to another branch of curves within the bracket, and where it is infinite far out.
            halved = is_jump | ~np.isfinite(at_far[todo])
            secant = far[todo] - np.where(halved, 0.0, at_far[todo]) * width / np.where(drop > 0.0, drop, 1.0)
            middle = np.where(halved, near[todo] + 0.5 * width, secant)
            share = ((middle - near[todo]) / np.where(width > 0.0, width, 1.0))[:, None]
            start = x_near[todo] + share * (x_far[todo] - x_near[todo])
            tau, x = self.tau(middle * side[todo], rows[todo], start)
            at = tau - target[todo]
            above = at > 0.0
            up, down = todo[above], todo[~above]
            far[up], at_far[up], x_far[up] = middle[above], at[above], x[above]
            near[down], at_near[down], x_near[down] = middle[~above], at[~above], x[~above]
            at_near[up[kept[up] > 0.0]] *= 0.5
            at_far[down[kept[down] < 0.0]] *= 0.5
            kept[up], kept[down] = 1.0, -1.0
            # Where rounding of the descents keeps tau from its target, the place has settled before.
            still = np.abs(middle - result[todo]) < 0.1 * _TOLERANCE * far[todo]
            result[todo] = middle
            enough = _JUMP_TOLERANCE if is_jump else _TOLERANCE
            tight = (np.abs(at) < _TOLERANCE * target[todo]) | (far[todo] - near[todo] < enough * far[todo])
            tight |= still
            todo = todo[~tight]
        return result

    def tau(self, offset: Array, rows: np.ndarray, start: Array, *, is_rough: bool = False) -> tuple[Array, Array]:
        """Return the signed root of how much worse the best curve with the value is, and that curve."""
        wanted = self.middle[rows] + offset
        constrained = self._constrained(wanted, rows)
        relative, absolute = (1e-9, 1e-26) if self.kind == "squares" else (0.0, 1e-9)
        if is_rough:
            relative, absolute = (_ROUGH, 1e-26) if self.kind == "squares" else (0.0, _ROUGH)
        found = minimise(
            constrained,
            start,
            self.lower[rows],
            self.upper[rows],
            relative=relative,
            absolute=absolute,
            most_steps=_MOST_ROUGH if is_rough else _MOST_DESCENTS,
        )
        worse = np.maximum(found.value - self.best[rows], 0.0)
        if self.kind == "squares":
            floor = self.inflated[rows] * np.exp(2.0 * LEAST_LOG_SIGMA)
            square = 2.0 * worse / (np.maximum(2.0 * self.best[rows], floor) / self.df[rows])
        elif self.kind == "likelihood":
            square = self.df[rows] * np.expm1(np.minimum(2.0 * worse / self.inflated[rows], 50.0))
        else:
            square = 2.0 * worse
        return np.sqrt(square), self._solved(found.x, wanted, rows)[0]

    def _solved(self, x: Array, wanted: Array, rows: np.ndarray) -> tuple[Array, Array]:
        """Return x with the pivot that gives the wanted value, and the pivot's derivatives by the others."""
        every, pivot = np.arange(len(rows)), self.pivot[rows]
        solved = x.copy()
        if self.is_direct:
            # The level stands in the mouse's own unit in x.
            solved[every, pivot] = self.x[rows, pivot] + (wanted - self.middle[rows])
            return solved, np.zeros_like(x)
        # Beyond all numbers a quantity may not move with its pivot; such a step is turned back by its value.
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            value, gradient = self.value(x, rows)
            solved[every, pivot] += (wanted - value) / gradient[every, pivot]
            _, gradient = self.value(solved, rows)
            by_others = -gradient / gradient[every, pivot, None]
        by_others[every, pivot] = 0.0
        return solved, by_others

    def _constrained(self, wanted: Array, among: np.ndarray) -> Local:
        """Return the objective over the other parameters, the pivot following from the wanted value."""

        def held(x: Array, which: np.ndarray) -> tuple[Array, Array, Array]:
            rows = among[which]
            every, pivot = np.arange(len(rows)), self.pivot[rows]
            value, gradient, curvature = self.local(self._solved(x, wanted[which], rows)[0], rows)
            gradient[every, pivot] = 0.0
            curvature[every, pivot, :] = 0.0
            curvature[every, :, pivot] = 0.0
            return value, gradient, curvature

        def local(x: Array, which: np.ndarray) -> tuple[Array, Array, Array]:
            rows = among[which]
            with np.errstate(over="ignore", invalid="ignore"):
                solved, by_others = self._solved(x, wanted[which], rows)
                value, gradient, curvature = self.local(solved, rows)
                every, pivot = np.arange(len(rows)), self.pivot[rows]
                reduced = gradient + gradient[every, pivot, None] * by_others
                row = curvature[every, pivot, :]
                bent = curvature + by_others[:, :, None] * row[:, None, :] + row[:, :, None] * by_others[:, None, :]
                bent += curvature[every, pivot, pivot, None, None] * by_others[:, :, None] * by_others[:, None, :]
            reduced[every, pivot] = 0.0
            bent[every, pivot, :] = 0.0
            bent[every, :, pivot] = 0.0
            return value, reduced, bent

        return held if self.is_direct else local


def reach_of(scale: str, unit: str, points: Points) -> Array:
    """Return how far from the estimate a limit is looked for: what lies beyond is no limit that scans can give."""
    # ASSUME: a limit beyond a factor of 22,000, or twice the days between first and last scan, is no limit.
    span = points.last_day - points.first_day
    if scale == "log":
        return np.full(len(span), _FURTHEST_LOG)
    return np.asarray(_FURTHEST_SPANS * span) if unit == "day" else np.full(len(span), 10.0)
