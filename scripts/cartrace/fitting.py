"""Fits one curve to every mouse of a batch at once: damped least squares, and maximum likelihood below detection.

Responses are fitted on the log scale with a normal error of constant scatter. A point below detection enters with the
probability of lying below its critical level. Mice differ in their number of points: points are padded to a rectangle
of shape (m, n) and `used` says which are real.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import special

from cartrace.growth import Array, Curve, Mask, Model, limits

# ASSUME: the error of a response is log-normal with one scatter per mouse, whatever the level of the response.
# ASSUME: points of one mouse are independent about its curve.

# Value, gradient and curvature of an objective at parameters of the given rows of the batch.
Local = Callable[[Array, np.ndarray], tuple[Array, Array, Array]]

LEAST_LOG_SIGMA = float(np.log(1e-6))
_START_RATES = np.geomspace(0.7, 20.0, 6)  # times 1 / span of the scans
_START_DAYS = np.linspace(-0.25, 1.25, 7)  # times the span, from the first scan
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


@dataclass(frozen=True)
class Minimum:
    """Where an objective is least, for each mouse of a batch."""

    x: Array
    value: Array
    converged: Mask
    at_limit: Mask


@dataclass(frozen=True)
class Fit:
    """A fitted model.

    Parameters
    ----------
    theta : Array, shape (m, p)
        Internal parameters.
    covariance : Array, shape (m, p, p)
        Their covariance; zero for a parameter at its limit, huge where the points say nothing.
    sigma : Array, shape (m,)
        Residual scatter of the log response with n - p degrees of freedom.
    sigma_ml : Array, shape (m,)
        The same, of greatest likelihood (with n).
    df : Array, shape (m,)
        Degrees of freedom n - p.
    log_likelihood : Array, shape (m,)
        Log-likelihood of the log response at `sigma_ml`.
    at_limit : Mask, shape (m, p)
        Parameters at a limit.
    converged : Mask, shape (m,)
        Whether the optimum was found.
    """

    theta: Array
    covariance: Array
    sigma: Array
    sigma_ml: Array
    df: Array
    log_likelihood: Array
    at_limit: Mask
    converged: Mask


# ---- the optimiser ----


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
        A row is done when a full step promises less than ``relative * |value| + absolute``.
    most_steps : int
        Steps after which a row is given up.

    Returns
    -------
    Minimum
        The best point found for each row.

    Notes
    -----
    Parameters at a limit that would leave it downhill are held; steps are cut at the limits (projected damped
    Gauss-Newton; Marquardt 1963, doi:10.1137/0111030).
    """
    x = np.clip(start, lower, upper)
    value, gradient, curvature = local(x, np.arange(len(x)))
    damping = np.full(len(x), 1e-3)
    done = np.zeros(len(x), dtype=bool)
    converged = np.zeros(len(x), dtype=bool)
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
        taken = rows[better]
        x[taken], value[taken] = trial[better], trial_value[better]
        gradient[taken], curvature[taken] = trial_gradient[better], trial_curvature[better]
        damping[rows] = np.where(better, damping[rows] * 0.2, damping[rows] * 5.0)
        small = promised <= relative * np.abs(value[rows]) + absolute
        stuck = (damping[rows] > 1e10) | (~better & (np.abs(step) <= 1e-15 * (1.0 + np.abs(x[rows]))).all(axis=1))
        done[rows] = small | stuck
        # Rounding can stop a descent before the promise is quite that small.
        converged[rows] = small | (stuck & (promised <= 1e-8 * np.abs(value[rows]) + absolute))
        damping[rows] = np.maximum(damping[rows], 1e-12)
    return Minimum(x, value, converged, (x <= lower) | (x >= upper))


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


# ---- objectives ----


def least_squares(curve: Curve, gradient: Curve, day: Array, observed: Array, used: Mask) -> Local:
    """Return half the sum of squares as an objective, for any curve and its gradient."""

    def local(theta: Array, rows: np.ndarray) -> tuple[Array, Array, Array]:
        with np.errstate(over="ignore", invalid="ignore"):
            residual = np.where(used[rows], observed[rows] - curve(day[rows], theta), 0.0)
            jacobian = gradient(day[rows], theta) * used[rows][:, :, None]
            value = 0.5 * np.einsum("mn,mn->m", residual, residual)
        return value, -np.einsum("mnp,mn->mp", jacobian, residual), jacobian.swapaxes(1, 2) @ jacobian

    return local


def _likelihood(model: Model, points: Points, log_sigma: Array | None) -> Local:
    """Return minus the log-likelihood as an objective; without `log_sigma` it is the last column of x."""

    def local(x: Array, rows: np.ndarray) -> tuple[Array, Array, Array]:
        some = points.rows(rows)
        theta = x if log_sigma is not None else x[:, :-1]
        spread = log_sigma[rows] if log_sigma is not None else x[:, -1]
        sigma = np.exp(spread)[:, None]
        z = (some.log_response - model.log_curve(some.day, theta)) / sigma
        hazard = np.where(some.censored, _inverse_mills(z), 0.0)
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


def _inverse_mills(z: Array) -> Array:
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


# ---- starting values ----


def starting_values(model: Model, points: Points) -> Array:
    """Return the best of a grid of curves as starting values, shape (m, p).

    The level shifts a log curve, so that its best value follows from the others. A model without a position in time is
    linear and is solved.
    """
    first, span = points.first_day, points.last_day - points.first_day
    kinds = [parameter.kind for parameter in model.parameters[1:]]
    if "day" not in kinds:
        return _line(points)
    grids = [_START_RATES if kind == "rate" else _START_DAYS for kind in kinds]
    theta = np.zeros((len(first), model.n_parameters))
    best, least = theta.copy(), np.full(len(first), np.inf)
    for combination in product(*grids):
        for index, (kind, share) in enumerate(zip(kinds, combination, strict=True), start=1):
            theta[:, index] = first + share * span if kind == "day" else np.log(share / span)
        theta[:, 0] = 0.0
        gap = np.where(points.used, points.log_response - model.log_curve(points.day, theta), 0.0)
        theta[:, 0] = gap.sum(axis=1) / points.n_points
        squares = np.sum((gap - theta[:, :1]) ** 2, axis=1, where=points.used)
        closer = squares < least
        best[closer], least[closer] = theta[closer], squares[closer]
    return best


def _line(points: Points) -> Array:
    """Return intercept and slope of the least-squares line of each mouse."""
    weight = points.used / points.n_points[:, None]
    mean_day = np.sum(weight * points.day, axis=1, keepdims=True)
    mean = np.sum(weight * points.log_response, axis=1, keepdims=True)
    offset = points.day - mean_day
    slope = np.sum(weight * offset * (points.log_response - mean), axis=1) / np.sum(weight * offset**2, axis=1)
    return np.stack([mean[:, 0] - slope * mean_day[:, 0], slope], axis=-1)


# ---- the fit ----


def fit(model: Model, points: Points) -> Fit:
    """Fit a model to every mouse, each with its own scatter.

    Parameters
    ----------
    model : Model
        The model.
    points : Points
        At least one more point than parameters and three quantified points per mouse.

    Returns
    -------
    Fit
        Shapes (m, ...).

    Notes
    -----
    Without censored points this is least squares on the log scale. With them the likelihood is maximised over the
    parameters and the logarithm of the scatter. The covariance is the inverse of the observed information times
    ``n / (n - p)``, which without censored points is the usual one of a regression.
    """
    lower, upper = limits(model, points.first_day, points.last_day)
    squares = least_squares(model.log_curve, model.gradient, points.day, points.log_response, points.used)
    found = minimise(squares, starting_values(model, points), lower, upper)
    theta, at_limit, converged = found.x, found.at_limit, found.converged
    n = points.n_points.astype(float)
    log_sigma = np.maximum(0.5 * _log(2.0 * found.value / n), LEAST_LOG_SIGMA)
    below = np.flatnonzero(points.n_censored > 0)
    if below.size:
        censored = points.rows(below)
        tail = np.ones((below.size, 1))
        likeliest = minimise(
            _likelihood(model, censored, None),
            np.concatenate([theta[below], log_sigma[below, None]], axis=1),
            np.concatenate([lower[below], LEAST_LOG_SIGMA * tail], axis=1),
            np.concatenate([upper[below], 10.0 * tail], axis=1),
            relative=0.0,
            absolute=1e-12,
        )
        theta[below], log_sigma[below] = likeliest.x[:, :-1], likeliest.x[:, -1]
        at_limit[below], converged[below] = likeliest.at_limit[:, :-1], likeliest.converged
    df = n - model.n_parameters
    sigma_ml = np.exp(log_sigma)
    z = _residuals(model, points, theta) / sigma_ml[:, None]
    covariance = _covariance(model, points, theta, sigma_ml, at_limit) * (n / df)[:, None, None]
    return Fit(
        theta=theta,
        covariance=covariance,
        sigma=sigma_ml * np.sqrt(n / df),
        sigma_ml=sigma_ml,
        df=df,
        log_likelihood=log_likelihood(z, log_sigma, points),
        at_limit=at_limit,
        converged=converged,
    )


def pooled_log_likelihood(model: Model, points: Points, theta: Array) -> tuple[Array, float]:
    """Return each mouse's log-likelihood, and the scatter, where all mice share one scatter.

    Parameters
    ----------
    model : Model
        The model.
    points : Points
        Points of the mice that are pooled.
    theta : Array, shape (m, p)
        Their own optima; those of mice with censored points are fitted again under the shared scatter.

    Returns
    -------
    tuple
        Log-likelihoods, shape (m,); the scatter of greatest likelihood.
    """
    theta = theta.copy()
    below = np.flatnonzero(points.n_censored > 0)
    lower, upper = limits(model, points.first_day[below], points.last_day[below])
    sigma = _pooled_sigma(model, points, theta, 0.0)
    for _ in range(500):
        before = sigma
        if below.size:
            spread = np.full(below.size, np.log(sigma))
            local = _likelihood(model, points.rows(below), spread)
            theta[below] = minimise(local, theta[below], lower, upper, relative=0.0, absolute=1e-12).x
            sigma = _pooled_sigma(model, points, theta, sigma)
        if abs(np.log(sigma / before)) < 1e-10:
            break
    z = _residuals(model, points, theta) / sigma
    return log_likelihood(z, np.full(len(theta), np.log(sigma)), points), sigma


def _pooled_sigma(model: Model, points: Points, theta: Array, sigma: float) -> float:
    """Return the scatter that follows from the expected squares under the given one (an EM step)."""
    residual = _residuals(model, points, theta)
    squares = np.where(points.censored, 0.0, residual**2)
    if sigma > 0.0:
        z = residual / sigma
        squares = np.where(points.censored, sigma**2 * (1.0 - _inverse_mills(z) * z), squares)
        count = points.n_points.sum()
    else:
        count = (points.used & ~points.censored).sum()
    return max(float(np.sqrt(squares.sum(where=points.used) / count)), float(np.exp(LEAST_LOG_SIGMA)))


def _residuals(model: Model, points: Points, theta: Array) -> Array:
    return np.asarray(np.where(points.used, points.log_response - model.log_curve(points.day, theta), 0.0))


def _covariance(model: Model, points: Points, theta: Array, sigma: Array, at_limit: Mask) -> Array:
    """Return the inverse of the observed information of curve and scatter, its block of the curve."""
    z = _residuals(model, points, theta) / sigma[:, None]
    hazard = np.where(points.censored, _inverse_mills(z), 0.0)
    weight = np.where(points.censored, hazard * (hazard + z), points.used)
    jacobian = model.gradient(points.day, theta) * (points.used[:, :, None] & ~at_limit[:, None, :])
    cross = np.where(points.censored, hazard * (z * (hazard + z) - 1.0), 2.0 * z)
    spread = np.where(points.censored, hazard * z * (z * (hazard + z) - 1.0), 2.0 * z**2)
    size = theta.shape[1] + 1
    information = np.zeros((len(theta), size, size))
    information[:, :-1, :-1] = np.einsum("mnp,mn,mnq->mpq", jacobian, weight, jacobian)
    information[:, :-1, -1] = np.einsum("mnp,mn->mp", jacobian, cross)
    information[:, -1, :-1] = information[:, :-1, -1]
    information[:, -1, -1] = spread.sum(axis=1)
    inverse = _inverse(information)[:, :-1, :-1] * (sigma**2)[:, None, None]
    return np.asarray(np.where(at_limit[:, :, None] | at_limit[:, None, :], 0.0, inverse))


def _inverse(information: Array) -> Array:
    """Invert symmetric matrices; what they do not determine gets a huge variance."""
    diagonal = np.einsum("mqq->mq", information)
    scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    values, vectors = np.linalg.eigh(information * scale[:, :, None] * scale[:, None, :])
    inverse = np.einsum("mqk,mk,mrk->mqr", vectors, 1.0 / np.maximum(values, 1e-14), vectors)
    return np.asarray(inverse * scale[:, :, None] * scale[:, None, :])


def _log(values: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(values))
