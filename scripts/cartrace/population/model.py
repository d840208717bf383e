"""What a population fit takes: the responses of all mice, the model, and which mouse has which fixed effects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Curve = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Responses:
    """The points of all mice, padded to a rectangle, on the scale on which the residuals are normal.

    Parameters
    ----------
    x : Array, shape (m, n) or (m, n, k)
        What the curve depends on, as a rule the day; with k > 1 covariates of a point, such as a dose.
    y : Array, shape (m, n)
        Response (for models of expansion its logarithm), or its critical level where the point is censored.
    used, censored : Mask, shape (m, n)
        Which entries are points, and which of these lie below their critical level.
    critical_level : Array, shape (m, n)
        Below what a response at this point would be censored; NaN where it never is. Simulation needs it.
    """

    x: Array
    y: Array
    used: Mask
    censored: Mask
    critical_level: Array

    def __post_init__(self) -> None:
        if not self.used.any(axis=1).all():
            raise ValueError("every mouse of a population fit needs a point")

    @property
    def n_mice(self) -> int:
        """Number of mice."""
        return len(self.y)

    @property
    def n_points(self) -> int:
        """Number of points, censored ones included."""
        return int(self.used.sum())


def responses(x: Array, y: Array, *, critical_level: Array | None = None) -> Responses:
    """Lay out responses: missing ones are left out, those below their critical level are censored there.

    Parameters
    ----------
    x : Array, shape (m, n) or (m, n, k)
        What the curve depends on; where there is no response it may be missing.
    y : Array, shape (m, n)
        Responses on the scale of the residuals; NaN where there is none; minus infinity for the logarithm of a response
        that is not positive.
    critical_level : Array, shape (m, n), optional
        Critical levels on the same scale; NaN or left out where there are none.

    Raises
    ------
    ValueError
        Where a mouse has no point, or a response of minus infinity has no critical level.
    """
    level = np.full(y.shape, np.nan) if critical_level is None else critical_level
    used = ~np.isnan(y)
    censored = used & (y < np.where(np.isnan(level), -np.inf, level))
    if np.any(np.isneginf(y) & ~censored):
        raise ValueError("a response that is not positive needs a critical level to be censored at")
    # Where there is no point, the curve is still computed: somewhere where it has a value.
    there = used.reshape(used.shape + (1,) * (x.ndim - 2))
    filled = np.where(there, x, x[np.arange(len(x)), used.argmax(axis=1)][:, None])
    return Responses(filled, np.where(censored, level, np.where(used, y, 0.0)), used, censored, level)


@dataclass(frozen=True)
class Population:
    """A nonlinear mixed model: y = curve(x, theta_i) + e, theta_i = A_i beta + b_i.

    Parameters
    ----------
    curve : callable
        ``(x (m, n), theta (m, p)) -> (m, n)`` on the scale of the residuals.
    gradient : callable
        ``(x, theta) -> (m, n, p)``: its derivatives by theta.
    random : tuple of int
        Numbers of the parameters that vary between mice beyond their fixed effects.
    correlated : bool
        Whether these may be correlated.
    """

    curve: Curve
    gradient: Curve
    random: tuple[int, ...]
    correlated: bool = False

    @property
    def free(self) -> Mask:
        """Which entries of the random effects' lower triangle are estimated, shape (q, q)."""
        q = len(self.random)
        return np.tril(np.ones((q, q), dtype=bool)) if self.correlated else np.eye(q, dtype=bool)


def group_design(group: npt.NDArray[np.integer], n_parameters: int, effects: Sequence[int]) -> Array:
    """Return the design of fixed effects: every parameter's value in the first group, then differences from it.

    Parameters
    ----------
    group : ndarray of int, shape (m,)
        Number of each mouse's group, from 0, the reference.
    n_parameters : int
        Number p of parameters of the curve.
    effects : sequence of int
        Parameters on which groups may differ; empty for one population.

    Returns
    -------
    Array, shape (m, p, r)
        ``A_i``; its columns are p values, then for each parameter of `effects` one difference per further group.
    """
    identity = np.eye(n_parameters)
    member = (group[:, None] == np.arange(1, int(group.max(initial=0)) + 1)).astype(np.float64)
    blocks = [member[:, None, :] * identity[effect][None, :, None] for effect in effects]
    base = np.broadcast_to(identity, (len(group), n_parameters, n_parameters))
    return np.concatenate([base, *blocks], axis=2)
