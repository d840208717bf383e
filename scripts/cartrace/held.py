"""The best curves of which a quantity has a given value, and how much worse than the best of all they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cartrace.descents import Local
from cartrace.fitting import LEAST_LOG_SIGMA
from cartrace.growth import Mask
from cartrace.growth_curves import Array

# A quantity and its derivatives at the parameters of some of the mice: ``(theta (k, p), rows (k,)) -> (k,), (k, p)``.
Value = Callable[[Array, np.ndarray], tuple[Array, Array]]


@dataclass(frozen=True)
class Held:
    """One quantity of one mouse in each row; x holds the parameters, and sigma where that is free.

    Parameters
    ----------
    kind : str
        ``squares``, ``likelihood`` (sigma is free) or ``known`` (sigma is that of other mice).
    local : callable
        The objective without a quantity held.
    value : callable
        Of rows with a derived quantity, that quantity, linear in the parameter numbered `pivot` when the others are
        held.
    pivot : ndarray, shape (k,)
        That parameter.
    derived : Mask, shape (k,)
        Whether the quantity is more than that parameter itself.
    rates : tuple of int
        Parameters that other branches of curves with the same value differ by.
    lower, upper, x : Array, shape (k, q)
        Limits of x; x of the best curve of all.
    middle, se, best, inflated, df : Array, shape (k,)
        The quantity and its standard error at the best curve; its objective, inflated points and degrees of freedom.
    """

    kind: str
    local: Local
    value: Value
    pivot: np.ndarray
    derived: Mask
    rates: tuple[int, ...]
    lower: Array
    upper: Array
    x: Array
    middle: Array
    se: Array
    best: Array
    inflated: Array
    df: Array

    def objective(self, x: Array, wanted: Array, rows: np.ndarray) -> tuple[Array, Array, Array]:
        """Return the objective over the other parameters; the pivots of x are set to what gives the wanted values."""
        every, pivot = np.arange(len(rows)), self.pivot[rows]
        with np.errstate(over="ignore", invalid="ignore"):
            own = np.flatnonzero(self.derived[rows])
            by_others = self._hold(x, wanted, rows, own)
            value, gradient, curvature = self.local(x, rows)
            if own.size:
                place, slope, matrix = pivot[own], gradient[own], curvature[own]
                index = np.arange(own.size)
                row = matrix[index, place]
                gradient[own] += slope[index, place, None] * by_others
                matrix += by_others[:, :, None] * row[:, None, :] + row[:, :, None] * by_others[:, None, :]
                matrix += row[index, place, None, None] * by_others[:, :, None] * by_others[:, None, :]
                curvature[own] = matrix
        gradient[every, pivot] = 0.0
        curvature[every, pivot, :] = 0.0
        curvature[every, :, pivot] = 0.0
        return value, gradient, curvature

    def _hold(self, x: Array, wanted: Array, rows: np.ndarray, own: np.ndarray) -> Array:
        """Set the pivots of x, and return of `own`, the derived ones, their derivatives by the other parameters."""
        pivot, turned = self.pivot[rows], np.asarray(x[own])
        # The level stands in the mouse's own unit in x.
        x[np.arange(len(rows)), pivot] = self.x[rows, pivot] + (wanted - self.middle[rows])
        if not own.size:
            return turned
        rows, pivot, index = rows[own], pivot[own], np.arange(own.size)
        # Beyond all numbers a quantity may not move with its pivot; such a step is turned back by its value.
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            value, gradient = self.value(turned, rows)
            slope = gradient[index, pivot]
            turned[index, pivot] += (wanted[own] - value) / slope
            # A quantity that moves as its pivot does has the same derivatives wherever that stands.
            others = np.flatnonzero(slope != 1.0)
            if others.size:
                _, gradient[others] = self.value(turned[others], rows[others])
            by_others = -gradient / gradient[index, pivot, None]
        by_others[index, pivot] = 0.0
        x[own] = turned
        return np.asarray(by_others)

    def tau(self, value: Array, rows: np.ndarray) -> Array:
        """Return the signed root of how much worse than the best of all a curve with this objective is."""
        worse = np.maximum(value - self.best[rows], 0.0)
        if self.kind == "squares":
            floor = self.inflated[rows] * np.exp(2.0 * LEAST_LOG_SIGMA)
            square = 2.0 * worse / (np.maximum(2.0 * self.best[rows], floor) / self.df[rows])
        elif self.kind == "likelihood":
            square = self.df[rows] * np.expm1(np.minimum(2.0 * worse / self.inflated[rows], 50.0))
        else:
            square = 2.0 * worse
        return np.asarray(np.sqrt(square))
