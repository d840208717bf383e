"""One scatter for all mice of a study: its likelihood, by which models are compared."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cartrace.censoring import Points, likelihood
from cartrace.fitting import LEAST_LOG_SIGMA, own_unit, scatter_of, unscaled
from cartrace.growth import Model, limits
from cartrace.growth_curves import Array
from cartrace.optimise import minimise


def pooled_log_likelihood(model: Model, points: Points, theta: Array) -> tuple[Array, float]:
    """Return each mouse's log-likelihood, and sigma, where all mice share one sigma.

    Parameters
    ----------
    model : Model
        The model.
    points : Points
        Points of the mice that are pooled.
    theta : Array, shape (m, p)
        Their own optima; where the optimum depends on sigma they are fitted again under the shared one.

    Returns
    -------
    tuple
        Log-likelihoods, shape (m,); the sigma of greatest likelihood.

    Notes
    -----
    The derivative of the likelihood by sigma, each mouse at its best under that sigma, is brought to zero by a
    bracketed secant.
    """
    log_unit = np.full(len(theta), own_unit(points).max(initial=-np.inf))
    scaled, theta = points.scaled(log_unit), theta.copy()
    theta[:, 0] -= log_unit
    again = np.flatnonzero((points.n_censored > 0) | (not points.is_plain))
    start = float(np.sqrt(np.mean(scatter_of(model, scaled, theta) ** 2)))
    log_sigma = max(float(np.log(max(start, 1e-300))), LEAST_LOG_SIGMA)
    if not again.size:
        counts = points.n_points
        squares = np.sum(_residuals(model, points, theta) ** 2)
        log_sigma = max(0.5 * float(np.log(max(squares / counts.sum(), 1e-300))), LEAST_LOG_SIGMA)
    else:
        log_sigma = _root(_pooled_slope(model, scaled, theta, again), log_sigma)
    every = np.full(len(theta), log_sigma)
    likelihoods = -likelihood(model, scaled, every)(theta, np.arange(len(theta)))[0]
    _, every, likelihoods = unscaled(points, log_unit, theta, every, likelihoods)
    return likelihoods, float(np.exp(every[0]))


def _pooled_slope(model: Model, points: Points, theta: Array, again: np.ndarray) -> Callable[[float], float]:
    """Return the derivative of minus the log-likelihood by the log of the shared sigma; `theta` follows it."""
    lower, upper = limits(model, points.first_day[again], points.last_day[again])
    joint = likelihood(model, points, None)

    def slope(log_sigma: float) -> float:
        local = likelihood(model, points.rows(again), np.full(again.size, log_sigma))
        theta[again] = minimise(local, theta[again], lower, upper, relative=0.0, absolute=1e-12).x
        x = np.append(theta, np.full((len(theta), 1), log_sigma), axis=1)
        return float(joint(x, np.arange(len(theta)))[1][:, -1].sum())

    return slope


def _root(slope: Callable[[float], float], start: float) -> float:
    """Return where an increasing slope is zero, at the least sigma where it is positive there."""
    low = high = start
    at_low = at_high = slope(start)
    while at_low > 0.0 and low > LEAST_LOG_SIGMA:
        high, at_high = low, at_low
        low = max(low - 0.5, LEAST_LOG_SIGMA)
        at_low = slope(low)
    while at_high < 0.0:
        low, at_low = high, at_high
        high += 0.5
        at_high = slope(high)
    if at_low >= 0.0:
        return low
    kept = 0
    for _ in range(200):
        middle = high - at_high * (high - low) / (at_high - at_low)
        value = slope(middle)
        # The Illinois rule: an end that stays twice counts half, or the other would creep.
        if value > 0.0:
            high, at_high = middle, value
            at_low, kept = (0.5 * at_low if kept > 0 else at_low), 1
        else:
            low, at_low = middle, value
            at_high, kept = (0.5 * at_high if kept < 0 else at_high), -1
        if value == 0.0 or high - low < 1e-11 or abs(value) < 1e-9:
            break
    slope(middle)
    return float(middle)


def _residuals(model: Model, points: Points, theta: Array) -> Array:
    return np.asarray(np.where(points.used, points.log_response - model.log_curve(points.day, theta), 0.0))
