"""Points of a batch of mice and their likelihood, those below detection among them.

Mice differ in their number of points: points are padded to a rectangle of shape (m, n) and `used` says which are real.
A point below detection enters with the probability of lying below its critical level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from cartrace.growth import Mask, Model
from cartrace.growth_curves import Array
from cartrace.optimise import Local

# ASSUME: the error of a response is log-normal with one scatter per mouse, whatever the level of the response.
# ASSUME: points of one mouse are independent about its curve.
# ASSUME: a response below its critical level is only known to lie below it.
_LOG_ROOT_2_PI = 0.5 * float(np.log(2.0 * np.pi))


@dataclass(frozen=True)
class Points:
    """The points of a batch of mice, padded to a rectangle.

    Parameters
    ----------
    day : Array, shape (m, n)
        Time on the cell clock [day]; 0 where not used.
    log_response : Array, shape (m, n)
        Logarithm of the response, or of the critical level where the point is censored; 0 where not used.
    used, censored : Mask, shape (m, n)
        Which entries are points, and which of these are below detection.
    """

    day: Array
    log_response: Array
    used: Mask
    censored: Mask

    def rows(self, chosen: np.ndarray) -> Points:
        """Return the chosen mice."""
        return Points(self.day[chosen], self.log_response[chosen], self.used[chosen], self.censored[chosen])

    @property
    def n_points(self) -> np.ndarray:
        """Points of each mouse, the censored among them."""
        return np.asarray(self.used.sum(axis=1))

    @property
    def n_censored(self) -> np.ndarray:
        """Censored points of each mouse."""
        return np.asarray(self.censored.sum(axis=1))

    @property
    def first_day(self) -> Array:
        """First scan of each mouse."""
        return np.asarray(np.where(self.used, self.day, np.inf).min(axis=1))

    @property
    def last_day(self) -> Array:
        """Last scan of each mouse."""
        return np.asarray(np.where(self.used, self.day, -np.inf).max(axis=1))


def likelihood(model: Model, points: Points, log_sigma: Array | None) -> Local:
    """Return minus the log-likelihood as an objective; without `log_sigma` it is the last column of x.

    Parameters
    ----------
    model : Model
        The model.
    points : Points
        The points.
    log_sigma : Array, shape (m,), or None
        Logarithm of the scatter where that is given.

    Returns
    -------
    callable
        For :func:`cartrace.optimise.minimise`.
    """

    def local(x: Array, rows: np.ndarray) -> tuple[Array, Array, Array]:
        some = points.rows(rows)
        theta = x if log_sigma is not None else x[:, :-1]
        spread = log_sigma[rows] if log_sigma is not None else x[:, -1]
        sigma = np.exp(spread)[:, None]
        z = (some.log_response - model.log_curve(some.day, theta)) / sigma
        hazard = np.where(some.censored, inverse_mills(z), 0.0)
        jacobian = model.gradient(some.day, theta) / sigma[:, :, None]
        score = np.where(some.used, np.where(some.censored, -hazard, z), 0.0)
        weight = np.where(some.used, np.where(some.censored, hazard * (hazard + z), 1.0), 0.0)
        value = -log_likelihood(z, spread, some)
        gradient = -np.einsum("mnp,mn->mp", jacobian, score)
        curvature = np.einsum("mnp,mn,mnq->mpq", jacobian, weight, jacobian)
        if log_sigma is not None:
            return value, gradient, curvature
        quantified = some.used & ~some.censored
        by_spread = np.sum(np.where(quantified, 1.0 - z**2, hazard * z), axis=1, where=some.used)
        size = x.shape[1]
        joint = np.zeros((len(x), size, size))
        joint[:, :-1, :-1] = curvature
        # The expected curvature of the scatter keeps the step downhill; the optimum does not depend on it.
        joint[:, -1, -1] = 2.0 * quantified.sum(axis=1)
        return value, np.concatenate([gradient, by_spread[:, None]], axis=1), joint

    return local


def inverse_mills(z: Array) -> Array:
    """Return phi(z) / Phi(z), also where both vanish."""
    return np.asarray(np.sqrt(2.0 / np.pi) / special.erfcx(-z / np.sqrt(2.0)))


def log_likelihood(z: Array, log_sigma: Array, points: Points) -> Array:
    r"""Return the log-likelihood of each mouse's log responses.

    Parameters
    ----------
    z : Array, shape (m, n)
        Standardised residuals; of the critical level where a point is censored.
    log_sigma : Array, shape (m,)
        Logarithm of the scatter.
    points : Points
        Which points there are.

    Returns
    -------
    Array, shape (m,)

    Notes
    -----
    ``-z**2 / 2 - ln(sigma sqrt(2 pi))`` for a quantified point, ``ln Phi(z)`` for one below detection (method M3 of
    Beal 2001, doi:10.1023/A:1012299115260).
    """
    quantified = -0.5 * z**2 - _LOG_ROOT_2_PI - log_sigma[:, None]
    return np.asarray(np.where(points.censored, special.log_ndtr(z), quantified).sum(axis=1, where=points.used))
