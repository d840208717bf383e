"""Levenberg-Marquardt descents of a batch of rows, each at its own step of its own descent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cartrace.growth import Mask
from cartrace.growth_curves import Array

# Value, gradient and curvature of an objective at parameters of the given rows of the batch.
Local = Callable[[Array, np.ndarray], tuple[Array, Array, Array]]

LOOSE = 1e6
_PROMISE_DAMPING = 1e-9
_FIRST_DAMPING = 1e-3
_LEAST_DAMPING = 1e-12
_MOST_DAMPING = 1e10
_LEAST_PIVOT = 1e-15
_LONGEST_STEP = 1e100


class Descents:
    """The state of a batch of descents; a row can begin another one as soon as it has done with the last.

    Parameters
    ----------
    local : callable
        ``(x, rows) -> (value, gradient, curvature)``, shapes (k,), (k, q), (k, q, q); the curvature is positive
        semidefinite. What it does to x besides stays, of parameters that it gives no gradient.
    lower, upper : Array, shape (m, q)
        Limits.
    patience : int
        Steps after which a row is done as soon as it has converged: it creeps along a valley without a floor.

    Notes
    -----
    Parameters at a limit that would leave it downhill are held; steps are cut at the limits (projected damped
    Gauss-Newton; Marquardt 1963, doi:10.1137/0111030). Each parameter is damped by the largest curvature met so far,
    and no step is longer than the parameters themselves, both in units of their effect, so that a start in a flat
    region does not throw them to where the curve no longer depends on them (Moré 1978, doi:10.1007/BFb0067700). The
    damping follows the ratio of the gain to what the step promised (Nielsen 1999), without which a step that overshoots
    to the other side of a valley is taken for a good one.
    """

    def __init__(self, local: Local, lower: Array, upper: Array, *, patience: int = 60) -> None:
        m, q = lower.shape
        self.local, self.lower, self.upper, self.patience = local, lower, upper, patience
        self.x, self.gradient, self.bend = np.zeros((m, q)), np.zeros((m, q)), np.zeros((m, q))
        self.curvature = np.zeros((m, q, q))
        self.value, self.promise, self.damping, self.rise = np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m)
        self.relative, self.absolute = np.zeros(m), np.zeros(m)
        self.count, self.most_steps = np.zeros(m, dtype=int), np.zeros(m, dtype=int)

    def begin(self, rows: np.ndarray, start: Array, *, relative: float, absolute: float, most_steps: int) -> None:
        """Begin a descent of some rows.

        Parameters
        ----------
        rows : ndarray, shape (k,)
            The rows.
        start : Array, shape (k, q)
            Starting values.
        relative, absolute : float
            A row is done when a full step promises less than ``relative * |value| + absolute``.
        most_steps : int
            Steps after which a row is given up.
        """
        self.x[rows] = np.clip(start, self.lower[rows], self.upper[rows])
        self.promise[rows], self.damping[rows], self.rise[rows] = np.inf, _FIRST_DAMPING, 2.0
        self.relative[rows], self.absolute[rows] = relative, absolute
        self.count[rows], self.most_steps[rows] = -1, most_steps

    # A step beyond all numbers is turned back by its value.
    @np.errstate(over="ignore", invalid="ignore")
    def advance(self, rows: np.ndarray) -> Mask:
        """Take one step of each of the given rows and return which of them are done."""
        fresh = rows[self.count.take(rows) < 0]
        if fresh.size:
            self._evaluate(fresh)
        here, slope, lower, upper, bend = (
            part.take(rows, axis=0) for part in (self.x, self.gradient, self.lower, self.upper, self.bend)
        )
        matrix, value, damping, rise = (
            part.take(rows, axis=0) for part in (self.curvature, self.value, self.damping, self.rise)
        )
        held = ((here <= lower) & (slope > 0.0)) | ((here >= upper) & (slope < 0.0))
        slope[held] = 0.0
        full = _step(slope, matrix, held, damping[:, None] * bend)
        step = full * _shortening(full, here, bend)[:, None]
        trial = np.clip(here + step, lower, upper)
        trial_value, trial_gradient, trial_curvature = self.local(trial, rows)
        better = trial_value < value
        gain = (value - trial_value) / _predicted(trial - here, slope, matrix)
        keep = np.flatnonzero(better)
        taken = rows[keep]
        self.x[taken], self.value[taken] = trial[keep], trial_value[keep]
        self.gradient[taken], self.curvature[taken] = trial_gradient[keep], trial_curvature[keep]
        self.bend[taken] = np.maximum(bend[keep], _diagonal(trial_curvature[keep]))
        fall = np.maximum(0.2, 1.0 - (2.0 * np.clip(gain, 0.0, 1.0) - 1.0) ** 3)
        damping = np.maximum(damping * np.where(better, fall, rise), _LEAST_DAMPING)
        self.damping[rows], self.rise[rows] = damping, np.where(better, 2.0, 2.0 * rise)
        count = self.count.take(rows)
        self.count[rows] = count + 1
        least = self.relative.take(rows) * np.abs(value) + self.absolute.take(rows)
        small = least * np.where(count < self.patience, 1.0, LOOSE)
        promise = -0.5 * np.einsum("mq,mq->m", slope, full)
        still = ~better & (np.abs(step) <= 1e-15 * (1.0 + np.abs(here))).all(axis=1)
        ends = (damping > _MOST_DAMPING) | still | (count + 1 >= self.most_steps.take(rows))
        # A damped step promises less than a full one.
        near = np.flatnonzero((ends | (promise <= small)) & (promise <= LOOSE * least))
        if near.size:
            promise[near] = _promise(slope[near], matrix[near], held[near])
        self.promise[rows] = promise
        return np.asarray(ends | (promise <= small))

    def _evaluate(self, rows: np.ndarray) -> None:
        """Take the objective where rows begin."""
        x = self.x[rows]
        self.value[rows], self.gradient[rows], curvature = self.local(x, rows)
        self.x[rows], self.curvature[rows], self.bend[rows], self.count[rows] = x, curvature, _diagonal(curvature), 0

    @property
    def converged(self) -> Mask:
        """Which rows promised less than a million times what makes them done when they stopped.

        Rounding, or a valley without a floor, can stop a descent before the promise is quite that small.
        """
        with np.errstate(invalid="ignore"):
            return np.asarray(self.promise <= LOOSE * (self.relative * np.abs(self.value) + self.absolute))


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


def _promise(gradient: Array, curvature: Array, held: Mask) -> Array:
    """Return what a full step promises."""
    step = _step(gradient, curvature, held, _PROMISE_DAMPING * np.einsum("mqq->mq", curvature))
    return np.asarray(-0.5 * np.einsum("mq,mq->m", gradient, step))


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
