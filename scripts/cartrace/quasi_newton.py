"""Minimise many smooth functions at once by a quasi-Newton method, each function a row of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Objective = Callable[[Array, Rows], tuple[Array, Array]]

_SUFFICIENT_DECREASE = 1e-4
_MOST_HALVINGS = 40


@dataclass(frozen=True)
class Minimum:
    """Where each function of a batch is least.

    Parameters
    ----------
    x : Array, shape (b, d)
        Place of the minimum.
    value : Array, shape (b,)
        Value there; infinite where the function has no finite value at its start.
    gradient : Array, shape (b, d)
        Gradient there.
    inverse_hessian : Array, shape (b, d, d)
        Quasi-Newton estimate of the inverse Hessian.
    converged : ndarray of bool, shape (b,)
        Whether the step that is left would lower the function by less than the tolerance.
    """

    x: Array
    value: Array
    gradient: Array
    inverse_hessian: Array
    converged: npt.NDArray[np.bool_]


def minimise(
    objective: Objective,
    start: Array,
    *,
    inverse_hessian: Array,
    tolerance: float = 1e-8,
    longest_step: float = np.inf,
    most_steps: int = 200,
) -> Minimum:
    """Minimise the functions of a batch by BFGS with backtracking.

    Parameters
    ----------
    objective : callable
        ``(x (k, d), rows (k,)) -> (value (k,), gradient (k, d))`` of the functions that `rows` numbers; an infinite or
        missing value turns a step back.
    start : Array, shape (b, d)
        Where each function starts.
    inverse_hessian : Array, shape (b, d, d)
        First estimate of the inverse Hessian, positive definite.
    tolerance : float
        Decrease, in the unit of the functions, below which a row is done.
    longest_step : float
        Largest change of a coordinate in one step.
    most_steps : int
        Steps after which a row counts as not converged.

    Returns
    -------
    Minimum
        In the order of `start`.

    Notes
    -----
    ``H <- (I - s y' / s'y) H (I - y s' / s'y) + s s' / s'y`` with step s and change of gradient y; a row is done where
    ``gradient' H gradient / 2`` is below the tolerance. Nocedal J, Wright SJ. Numerical optimization. 2nd ed. 2006.
    doi:10.1007/978-0-387-40065-5
    """
    x, inverse = start.copy(), inverse_hessian.copy()
    every = np.arange(len(x))
    value, gradient = _evaluate(objective, x, every)
    converged, fresh = np.zeros(len(x), dtype=bool), np.ones(len(x), dtype=bool)
    running = np.flatnonzero(np.isfinite(value))
    for _ in range(most_steps):
        direction = -np.einsum("bij,bj->bi", inverse[running], gradient[running])
        slope = np.einsum("bi,bi->b", gradient[running], direction)
        done = -slope < 2.0 * tolerance
        converged[running[done]] = True
        running, direction, slope = running[~done], direction[~done], slope[~done]
        if not running.size:
            break
        shrink = np.minimum(1.0, longest_step / np.abs(direction).max(axis=1))
        direction, slope = direction * shrink[:, None], slope * shrink
        new_x, new_value, new_gradient = _search(objective, x[running], value[running], direction, slope, running)
        moved = np.isfinite(new_value)
        rows = running[moved]
        step, change = new_x[moved] - x[rows], new_gradient[moved] - gradient[rows]
        inverse[rows] = _updated(inverse[rows], step, change)
        x[rows], value[rows], gradient[rows] = new_x[moved], new_value[moved], new_gradient[moved]
        stuck = running[~moved]
        # A row that finds no decrease starts again along its first metric, once, before it is given up.
        inverse[stuck] = inverse_hessian[stuck]
        running = np.sort(np.concatenate([rows, stuck[~fresh[stuck]]]))
        fresh[rows], fresh[stuck] = False, True
    return Minimum(x, value, gradient, inverse, converged)


def _evaluate(objective: Objective, x: Array, rows: Rows) -> tuple[Array, Array]:
    value, gradient = objective(x, rows)
    finite = np.isfinite(value) & np.isfinite(gradient).all(axis=1)
    return np.where(finite, value, np.inf), np.where(finite[:, None], gradient, 0.0)


def _search(
    objective: Objective, x: Array, value: Array, direction: Array, slope: Array, rows: Rows
) -> tuple[Array, Array, Array]:
    """Return the first place along each direction that is low enough; its value is infinite where there is none."""
    found_x, found, found_gradient = x.copy(), np.full(len(x), np.inf), np.zeros_like(x)
    length = np.ones(len(x))
    open_rows = np.arange(len(x))
    # What rounding alone can change.
    noise = 1e-12 * (1.0 + np.abs(value))
    for _ in range(_MOST_HALVINGS):
        trial = x[open_rows] + length[open_rows, None] * direction[open_rows]
        trial_value, trial_gradient = _evaluate(objective, trial, rows[open_rows])
        bound = value[open_rows] + _SUFFICIENT_DECREASE * length[open_rows] * slope[open_rows] + noise[open_rows]
        low = trial_value <= bound
        chosen = open_rows[low]
        found_x[chosen], found[chosen], found_gradient[chosen] = trial[low], trial_value[low], trial_gradient[low]
        open_rows, excess = open_rows[~low], trial_value[~low]
        if not open_rows.size:
            break
        length[open_rows] *= _shortening(excess - value[open_rows], slope[open_rows] * length[open_rows])
    return found_x, found, found_gradient


def _shortening(rise: Array, slope: Array) -> Array:
    """Return the least of the parabola through a step's value and slope, within 0.1 and 0.5 of the step."""
    with np.errstate(invalid="ignore", divide="ignore"):
        parabola = -slope / (2.0 * (rise - slope))
    return np.asarray(np.clip(np.nan_to_num(parabola, nan=0.1), 0.1, 0.5))


def _updated(inverse: Array, step: Array, change: Array) -> Array:
    curvature = np.einsum("bi,bi->b", step, change)
    length = np.sqrt(np.einsum("bi,bi->b", step, step) * np.einsum("bi,bi->b", change, change))
    sound = curvature > 1e-10 * length
    scale = np.where(sound, 1.0 / np.where(sound, curvature, 1.0), 0.0)
    identity = np.eye(step.shape[1])
    left = identity - scale[:, None, None] * step[:, :, None] * change[:, None, :]
    return np.asarray(left @ inverse @ left.swapaxes(1, 2) + scale[:, None, None] * step[:, :, None] * step[:, None, :])


def hessian(objective: Objective, x: Array, row: int, step: Array) -> Array:
    """Return the Hessian of one function from central differences of its gradient, in one call for all differences.

    Parameters
    ----------
    objective : callable
        As for `minimise`.
    x : Array, shape (d,)
        Where.
    row : int
        Number of the function.
    step : Array, shape (d,)
        Half the difference in each coordinate.

    Returns
    -------
    Array, shape (d, d)
        Symmetric; NaN where a gradient is missing.
    """
    shifts = np.diag(step)
    rows = np.full(2 * len(x), row, dtype=np.intp)
    _, gradient = objective(np.concatenate([x + shifts, x - shifts]), rows)
    result = (gradient[: len(x)] - gradient[len(x) :]) / (2.0 * step[:, None])
    return np.asarray((result + result.T) / 2.0)


def positive_inverse(matrix: Array, *, least: float = 1e-6) -> Array:
    """Return the inverse of a symmetric matrix made positive definite.

    Parameters
    ----------
    matrix : Array, shape (d, d)
        Symmetric matrix.
    least : float
        Smallest size of an eigenvalue, relative to the largest, after the diagonal is scaled to one.

    Returns
    -------
    Array, shape (d, d)
        Positive definite: negative eigenvalues count by their size.
    """
    diagonal = np.abs(np.diag(matrix))
    scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    values, vectors = np.linalg.eigh(matrix * scale[:, None] * scale)
    sizes = np.maximum(np.abs(values), least * np.abs(values).max() or 1.0)
    return np.asarray((vectors / sizes) @ vectors.T * scale[:, None] * scale)
