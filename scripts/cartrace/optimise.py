"""Minimises one smooth objective per mouse for a whole batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cartrace.descents import Descents, Local
from cartrace.growth import Curve, Mask
from cartrace.growth_curves import Array

_SAME = 1e-12


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
    The steps are those of :class:`cartrace.descents.Descents`.
    """
    descents = Descents(local, lower, upper, patience=patience)
    rows = np.arange(len(start))
    descents.begin(rows, start, relative=relative, absolute=absolute, most_steps=most_steps)
    while rows.size:
        rows = rows[~descents.advance(rows)]
    x = descents.x
    return Minimum(x, descents.value, descents.converged, (x <= lower) | (x >= upper))


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
