"""Minimises one smooth objective per mouse for a whole batch at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cartrace.growth import Curve, Mask
from cartrace.growth_curves import Array

# Value, gradient and curvature of an objective at parameters of the given rows of the batch.
Local = Callable[[Array, np.ndarray], tuple[Array, Array, Array]]

_LOOSE = 1e6


@dataclass(frozen=True)
class Minimum:
    """Where an objective is least, for each mouse of a batch."""

    x: Array
    value: Array
    converged: Mask
    at_limit: Mask


def minimise(
    local: Local,
    start: Array,
    lower: Array,
    upper: Array,
    *,
    relative: float = 1e-14,
    absolute: float = 1e-26,
    most_steps: int = 300,
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

    Returns
    -------
    Minimum
        The best point found for each row.

    Notes
    -----
    Parameters at a limit that would leave it downhill are held; steps are cut at the limits (projected damped
    Gauss-Newton; Marquardt 1963, doi:10.1137/0111030). The damping follows the ratio of the gain to what the step
    promised (Nielsen 1999), without which a step that overshoots to the other side of a valley is taken for a good one.
    """
    x = np.clip(start, lower, upper)
    value, gradient, curvature = local(x, np.arange(len(x)))
    damping = np.full(len(x), 1e-3)
    done = np.zeros(len(x), dtype=bool)
    promise = np.full(len(x), np.inf)
    for _ in range(most_steps):
        rows = np.flatnonzero(~done)
        if rows.size == 0:
            break
        held = _held(x[rows], gradient[rows], lower[rows], upper[rows])
        slope = np.where(held, 0.0, gradient[rows])
        promised = 0.5 * np.einsum("mq,mq->m", slope, -_step(slope, curvature[rows], held, np.full(rows.size, 1e-9)))
        step = _step(slope, curvature[rows], held, damping[rows])
        trial = np.clip(x[rows] + step, lower[rows], upper[rows])
        trial_value, trial_gradient, trial_curvature = local(trial, rows)
        better = trial_value < value[rows]
        gain = (value[rows] - trial_value) / _predicted(trial - x[rows], slope, curvature[rows])
        taken = rows[better]
        x[taken], value[taken] = trial[better], trial_value[better]
        gradient[taken], curvature[taken] = trial_gradient[better], trial_curvature[better]
        damping[rows] *= np.where(better, np.maximum(0.2, 1.0 - (2.0 * np.clip(gain, 0.0, 1.0) - 1.0) ** 3), 5.0)
        promise[rows] = promised
        small = promised <= relative * np.abs(value[rows]) + absolute
        stuck = (damping[rows] > 1e10) | (~better & (np.abs(step) <= 1e-15 * (1.0 + np.abs(x[rows]))).all(axis=1))
        done[rows] = small | stuck
        damping[rows] = np.maximum(damping[rows], 1e-12)
    # Rounding, or a valley without a floor, can stop a descent before the promise is quite that small.
    converged = promise <= _LOOSE * (relative * np.abs(value) + absolute)
    return Minimum(x, value, converged, (x <= lower) | (x >= upper))


def lowest(found: Sequence[Minimum]) -> Minimum:
    """Return the lowest of several minima, row by row; the first of equals."""
    which = np.argmin(np.stack([one.value for one in found]), axis=0)
    rows = np.arange(which.size)
    parts = (np.stack([getattr(one, name) for one in found])[which, rows] for name in ("x", "value"))
    flags = (np.stack([getattr(one, name) for one in found])[which, rows] for name in ("converged", "at_limit"))
    return Minimum(*parts, *flags)


def _predicted(step: Array, gradient: Array, curvature: Array) -> Array:
    """Return what a step promises by the quadratic model, never quite 0."""
    linear = np.einsum("mq,mq->m", gradient, step)
    quadratic = 0.5 * np.einsum("mp,mpq,mq->m", step, curvature, step)
    return np.asarray(np.maximum(np.abs(linear + quadratic), 1e-300))


def _held(x: Array, gradient: Array, lower: Array, upper: Array) -> Mask:
    return np.asarray(((x <= lower) & (gradient > 0.0)) | ((x >= upper) & (gradient < 0.0)))


def _step(gradient: Array, curvature: Array, held: Mask, damping: Array) -> Array:
    """Solve (curvature + damping * its diagonal) step = -gradient, scaled to a unit diagonal."""
    diagonal = np.einsum("mqq->mq", curvature)
    scale = np.sqrt(np.where((diagonal > 0.0) & ~held, diagonal, 1.0))
    moving = np.where(held, 0.0, 1.0 / scale)
    scaled = curvature * moving[:, :, None] * moving[:, None, :]
    index = np.arange(gradient.shape[1])
    scaled[:, index, index] = 1.0 + damping[:, None]
    return np.asarray(np.linalg.solve(scaled, (-gradient * moving)[:, :, None])[:, :, 0] * moving)


def least_squares(curve: Curve, gradient: Curve, day: Array, observed: Array, used: Mask) -> Local:
    """Return half the sum of squares as an objective, for any curve and its gradient."""

    def local(theta: Array, rows: np.ndarray) -> tuple[Array, Array, Array]:
        with np.errstate(over="ignore", invalid="ignore"):
            residual = np.where(used[rows], observed[rows] - curve(day[rows], theta), 0.0)
            jacobian = gradient(day[rows], theta) * used[rows][:, :, None]
            value = 0.5 * np.einsum("mn,mn->m", residual, residual)
        return value, -np.einsum("mnp,mn->mp", jacobian, residual), jacobian.swapaxes(1, 2) @ jacobian

    return local
