"""Points of a batch of mice and their likelihood, those below detection among them.

Mice differ in their number of points: points are padded to a rectangle of shape (m, n) and `used` says which are real.
A point below detection enters with the probability of lying below its critical level.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import special

from cartrace.descents import Local
from cartrace.error_models import LOG_NORMAL, ErrorModel, Spread, spread
from cartrace.growth import Mask, Model
from cartrace.growth_curves import Array

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
    known_sd : Array, shape (m, n)
        What is known of the points' standard deviation, on the scale of the residuals; 0 where nothing is.
    error : ErrorModel
        How they scatter about their curve.
    log_critical : Array, shape (m, n)
        Logarithm of what a point would be censored below; NaN where that is not known.
    """

    day: Array
    log_response: Array
    used: Mask
    censored: Mask
    known_sd: Array = field(default_factory=lambda: np.zeros((1, 1)))
    error: ErrorModel = LOG_NORMAL
    log_critical: Array = field(default_factory=lambda: np.full((1, 1), np.nan))

    def __post_init__(self) -> None:
        object.__setattr__(self, "log_critical", np.broadcast_to(self.log_critical, self.day.shape))
        object.__setattr__(self, "known_sd", np.broadcast_to(self.known_sd, self.day.shape))

    @property
    def is_plain(self) -> bool:
        """Whether the likelihood is greatest where the squares of the log residuals are least, censoring aside."""
        return self.error is LOG_NORMAL and not self.known_sd.any()

    def rows(self, chosen: np.ndarray) -> Points:
        """Return the chosen mice."""
        return Points(
            self.day[chosen],
            self.log_response[chosen],
            self.used[chosen],
            self.censored[chosen],
            self.known_sd[chosen],
            self.error,
            self.log_critical[chosen],
        )

    def scaled(self, log_unit: Array) -> Points:
        """Return the points in a unit of each mouse's own, shape (m,): responses on their own scale would overflow."""
        unit = np.zeros_like(log_unit) if self.error.is_log else log_unit
        known = self.known_sd * np.exp(-unit)[:, None]
        return replace(
            self, log_response=np.where(self.used, self.log_response - log_unit[:, None], 0.0), known_sd=known
        )

    def spread(self, log_curve: Array, log_sigma: Array) -> Spread:
        """Return mean and standard deviation of the responses about a log curve."""
        return spread(self.error, log_curve, log_sigma, self.known_sd)

    @property
    def response(self) -> Array:
        """Responses, or critical levels, on the scale of the residuals."""
        return self.log_response if self.error.is_log else np.asarray(np.exp(self.log_response))

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
    def first_quantified_day(self) -> Array:
        """First scan of each mouse that is not below detection."""
        return np.asarray(np.where(self.used & ~self.censored, self.day, np.inf).min(axis=1))

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
    response = points.response
    quantified = points.used & ~points.censored

    def local(x: Array, rows: np.ndarray) -> tuple[Array, Array, Array]:
        theta = x if log_sigma is not None else x[:, :-1]
        sigma = log_sigma[rows] if log_sigma is not None else x[:, -1]
        some = points.rows(rows)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            about = some.spread(model.log_curve(some.day, theta), sigma)
            sd = np.exp(about.log_sd)
            z = (response[rows] - about.mean) / sd
            value = -log_likelihood(z, about.log_sd, some)
            hazard = np.where(some.censored, inverse_mills(z), 0.0)
            # Derivatives of z and of ln sd by the log curve and by ln sigma; the log-likelihood's by z and by ln sd.
            by_z = np.where(some.censored, hazard, -z)
            bend = np.where(some.censored, hazard * (hazard + z), 1.0)
            z_slope = -about.mean_slope / sd - z * about.sd_slope
            z_share = -z * about.sd_share
            open_sd = np.where(quantified[rows], 1.0, 0.0)
            score = np.where(some.used, by_z * z_slope - open_sd * about.sd_slope, 0.0)
            share_score = np.where(some.used, by_z * z_share - open_sd * about.sd_share, 0.0)
            # The expected curvature of quantified points keeps the step downhill; the optimum does not depend on it.
            flat = np.where(some.censored, z_slope, about.mean_slope / sd)
            weight = np.where(some.used, bend * flat**2 + open_sd * 2.0 * about.sd_slope**2, 0.0)
            cross = np.where(quantified[rows], 2.0 * about.sd_slope * about.sd_share, 0.0)
            # A sigma far too small would be thrown beyond all sense by the expected curvature alone.
            square = np.where(quantified[rows], z**2, 0.0).sum(axis=1) / np.maximum(quantified[rows].sum(axis=1), 1)
            spread_weight = np.where(quantified[rows], 2.0 * about.sd_share**2, 0.0)
            spread_weight *= np.maximum(1.0, square)[:, None]
            jacobian = model.gradient(some.day, theta)
            gradient = -np.einsum("mnp,mn->mp", jacobian, score)
            curvature = np.einsum("mnp,mn,mnq->mpq", jacobian, weight, jacobian)
            mixed = np.einsum("mnp,mn->mp", jacobian, cross)
        if log_sigma is not None:
            return value, gradient, curvature
        size = x.shape[1]
        joint = np.zeros((len(x), size, size))
        joint[:, :-1, :-1] = curvature
        joint[:, :-1, -1] = joint[:, -1, :-1] = mixed
        joint[:, -1, -1] = spread_weight.sum(axis=1)
        return value, np.concatenate([gradient, -share_score.sum(axis=1)[:, None]], axis=1), joint

    return local


def inverse_mills(z: Array) -> Array:
    """Return phi(z) / Phi(z), also where both vanish."""
    return np.asarray(np.sqrt(2.0 / np.pi) / special.erfcx(-z / np.sqrt(2.0)))


def log_likelihood(z: Array, log_sd: Array, points: Points) -> Array:
    r"""Return the log-likelihood of each mouse's responses, on the scale of the residuals.

    Parameters
    ----------
    z : Array, shape (m, n)
        Standardised residuals; of the critical level where a point is censored.
    log_sd : Array, shape (m, n)
        Logarithm of the points' standard deviation.
    points : Points
        Which points there are.

    Returns
    -------
    Array, shape (m,)

    Notes
    -----
    ``-z**2 / 2 - ln(sd sqrt(2 pi))`` for a quantified point, ``ln Phi(z)`` for one below detection (method M3 of
    Beal 2001, doi:10.1023/A:1012299115260).
    """
    quantified = -0.5 * z**2 - _LOG_ROOT_2_PI - log_sd
    return np.asarray(np.where(points.censored, special.log_ndtr(z), quantified).sum(axis=1, where=points.used))
