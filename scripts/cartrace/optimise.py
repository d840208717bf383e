"""Minimises one smooth objective per mouse for a whole batch at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cartrace.growth import Curve, Mask
from cartrace.growth_curves import Array

# Value, gradient and curvature of an objective at parameters of the given rows of the batch.
Local = Callable[[Array, np.ndarray], tuple[Array, Array, Array]]

_LOOSE = 1e6
_PROMISE_DAMPING = 1e-9
_FIRST_DAMPING = 1e-3
_LEAST_DAMPING = 1e-12
_MOST_DAMPING = 1e10
_LEAST_PIVOT = 1e-15
_LONGEST_STEP = 1e100
_SAME = 1e-12


@dataclass(frozen=True)
class Minimum:
    """Where an objective is least, for each mouse of a batch."""

    x: Array
    value: Array
    converged: Mask
    at_limit: Mask


# A step beyond all numbers is turned back by its value.
@np.errstate(over="ignore", invalid="ignore")
def minimise(
    local: Local,
    start: Array,
    lower: Array,
    upper: Array,
    *,
    relative: float = 1e-14,
    absolute: float = 1e-26,
    most_steps: int = 300,
    patience: int = 60,
) -> Minimum:
    """Minimise one objective per row of a batch, within limits, by the Levenberg-Marquardt method.

    Parameters
    ----------
    local : callable
        ``(x, rows) -> (value, gradient, curvature)``, shapes (k,), (k, q), (k, q, q); the curvature is positive
        semidefinite.
    start, lower, upper : Array, shape (m, q)
        Starting values and limits.
    relative, absolute : float
        A row is done when a full step promises less than ``relative * |value| + absolute``; it has converged when it
        promised less than a million times that.
    most_steps : int
        Steps after which a row is given up.
    patience : int
        Steps after which a row is done as soon as it has converged: it creeps along a valley without a floor.

    Returns
    -------
    Minimum
        The best point found for each row.

    Notes
    -----
    Parameters at a limit that would leave it downhill are held; steps are cut at the limits (projected damped
    Gauss-Newton; Marquardt 1963, doi:10.1137/0111030). Each parameter is damped by the largest curvature met so far,
    and no step is longer than the parameters themselves, both in units of their effect, so that a start in a flat
    region does not throw them to where the curve no longer depends on them (Moré 1978, doi:10.1007/BFb0067700). The
    damping follows the ratio of the gain to what the step promised (Nielsen 1999), without which a step that overshoots
    to the other side of a valley is taken for a good one.
    """
    x = np.clip(start, lower, upper)
    value, gradient, curvature = local(x, np.arange(len(x)))
    bend = _diagonal(curvature)
    damping, rise = np.full(len(x), _FIRST_DAMPING), np.full(len(x), 2.0)
    promise = np.full(len(x), np.inf)
    done = np.zeros(len(x), dtype=bool)
    for count in range(most_steps):
        rows = np.flatnonzero(~done)
        if rows.size == 0:
            break
        here, slope, matrix = x[rows], gradient[rows], curvature[rows]
        held = ((here <= lower[rows]) & (slope > 0.0)) | ((here >= upper[rows]) & (slope < 0.0))
        slope[held] = 0.0
        least = relative * np.abs(value[rows]) + absolute
        step = _step(slope, matrix, held, damping[rows, None] * bend[rows])
        promise[rows] = _promise(step, slope, matrix, held, _LOOSE * least)
        step *= _shortening(step, here, bend[rows])[:, None]
        trial = np.clip(here + step, lower[rows], upper[rows])
        trial_value, trial_gradient, trial_curvature = local(trial, rows)
        better = trial_value < value[rows]
        gain = (value[rows] - trial_value) / _predicted(trial - here, slope, matrix)
        taken = rows[better]
        x[taken], value[taken] = trial[better], trial_value[better]
        gradient[taken], curvature[taken] = trial_gradient[better], trial_curvature[better]
        bend[taken] = np.maximum(bend[taken], _diagonal(trial_curvature[better]))
        fall = np.maximum(0.2, 1.0 - (2.0 * np.clip(gain, 0.0, 1.0) - 1.0) ** 3)
        damping[rows] = np.maximum(damping[rows] * np.where(better, fall, rise[rows]), _LEAST_DAMPING)
        rise[rows] = np.where(better, 2.0, 2.0 * rise[rows])
        enough = promise[rows] <= least * (1.0 if count < patience else _LOOSE)
        still = ~better & (np.abs(step) <= 1e-15 * (1.0 + np.abs(here))).all(axis=1)
        done[rows] = enough | (damping[rows] > _MOST_DAMPING) | still
    # Rounding, or a valley without a floor, can stop a descent before the promise is quite that small.
    converged = promise <= _LOOSE * (relative * np.abs(value) + absolute)
    return Minimum(x, value, converged, (x <= lower) | (x >= upper))


def minimise_from(
    local: Local, starts: Array, lower: Array, upper: Array, *, relative: float = 1e-14, absolute: float = 1e-26
) -> Minimum:
    """Minimise from several starts of each row at once and return the lowest minimum of each.

    Parameters
    ----------
    local, lower, upper, relative, absolute
        As for :func:`minimise`.
    starts : Array, shape (s, m, q)
        Starting values, the likeliest first.

    Returns
    -------
    Minimum
        Of minima that differ by rounding only the first that has converged.
    """
    many, rows, size = starts.shape

    def again(x: Array, which: np.ndarray) -> tuple[Array, Array, Array]:
        return local(x, which % rows)

    ends = np.tile(lower, (many, 1)), np.tile(upper, (many, 1))
    found = minimise(again, starts.reshape(-1, size), *ends, relative=relative, absolute=absolute)
    value = found.value.reshape(many, rows)
    least = value.min(axis=0)
    lowest = value <= least + _SAME * np.abs(least) + absolute
    sound = lowest & found.converged.reshape(many, rows)
    which = np.where(sound.any(axis=0), sound.argmax(axis=0), lowest.argmax(axis=0)) * rows + np.arange(rows)
    return Minimum(found.x[which], found.value[which], found.converged[which], found.at_limit[which])


def _diagonal(curvature: Array) -> Array:
    return np.asarray(np.einsum("mqq->mq", curvature).copy())


def _shortening(step: Array, x: Array, bend: Array) -> Array:
    """Return the share of a step that is no longer than the parameters, or than 1 where they are smaller."""
    own = np.einsum("mq,mq->m", bend, np.maximum(np.abs(x), 1.0) ** 2)
    length = np.einsum("mq,mq->m", bend, step**2)
    return np.asarray(np.sqrt(np.minimum(1.0, own / np.maximum(length, 1e-300))))


def _predicted(step: Array, gradient: Array, curvature: Array) -> Array:
    """Return what a step promises by the quadratic model, never quite 0."""
    linear = np.einsum("mq,mq->m", gradient, step)
    quadratic = 0.5 * np.einsum("mp,mp->m", step, np.einsum("mpq,mq->mp", curvature, step))
    return np.asarray(np.maximum(np.abs(linear + quadratic), 1e-300))


def _promise(step: Array, gradient: Array, curvature: Array, held: Mask, small: Array) -> Array:
    """Return what a full step promises; the less that a damped one does where that is not `small` already."""
    promise = np.asarray(-0.5 * np.einsum("mq,mq->m", gradient, step))
    near = np.flatnonzero(promise <= small)
    if near.size:
        slope, bend = gradient[near], curvature[near]
        full = _step(slope, bend, held[near], _PROMISE_DAMPING * np.einsum("mqq->mq", bend))
        promise[near] = -0.5 * np.einsum("mq,mq->m", slope, full)
    return promise


def _step(gradient: Array, curvature: Array, held: Mask, added: Array) -> Array:
    """Solve (curvature + added on its diagonal) step = -gradient; held parameters stay."""
    diagonal = np.einsum("mqq->mq", curvature)
    scale = np.where(diagonal > 1e-30 * added, diagonal, 1.0)
    moving = np.where(held, 0.0, 1.0 / np.sqrt(scale))
    # Mouse by mouse in memory, so that the loops of `_solve` run over neighbours.
    scaled = np.einsum("mpq,mp,mq->pqm", curvature, moving, moving, order="C")
    index = np.arange(gradient.shape[1])
    scaled[index, index] = 1.0 + (added / scale).T
    step = _solve(scaled, np.ascontiguousarray((-gradient * moving).T)).T * moving
    # Of a parameter that has all but no effect; its square must remain a number.
    return np.asarray(np.clip(step, -_LONGEST_STEP, _LONGEST_STEP))


def _solve(matrix: Array, right: Array) -> Array:
    """Solve many small positive definite systems, shapes (q, q, m) and (q, m), by Cholesky's method in place.

    A loop over the few parameters with all mice at once takes a tenth of the time of a loop over the mice.
    """
    for place in range(len(right)):
        for before in range(place):
            matrix[place:, place] -= matrix[place:, before] * matrix[place, before]
        # Rounding can take a pivot that ought to be positive to 0.
        matrix[place, place] = np.sqrt(np.maximum(matrix[place, place], _LEAST_PIVOT))
        matrix[place + 1 :, place] /= matrix[place, place]
        right[place] /= matrix[place, place]
        right[place + 1 :] -= matrix[place + 1 :, place] * right[place]
    for place in range(len(right) - 1, -1, -1):
        right[place] /= matrix[place, place]
        right[:place] -= matrix[place, :place] * right[place]
    return right


def least_squares(curve: Curve, gradient: Curve, day: Array, observed: Array, used: Mask) -> Local:
    """Return half the sum of squares as an objective, for any curve and its gradient."""

    def local(theta: Array, rows: np.ndarray) -> tuple[Array, Array, Array]:
        some_day, real = day.take(rows, axis=0), used.take(rows, axis=0)
        with np.errstate(over="ignore", invalid="ignore"):
            residual = np.where(real, observed.take(rows, axis=0) - curve(some_day, theta), 0.0)
            # Parameter by parameter in memory: products of such slices are the quickest.
            jacobian = np.ascontiguousarray(np.moveaxis(gradient(some_day, theta), -1, 0))
            jacobian *= real
            value = 0.5 * np.einsum("mn,mn->m", residual, residual)
        return value, -np.einsum("pmn,mn->mp", jacobian, residual), np.einsum("pmn,qmn->mpq", jacobian, jacobian)

    return local
