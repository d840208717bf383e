"""Fits one curve to every mouse of a batch: least squares, and maximum likelihood where points lie below detection.

Log-normal errors are fitted on the log scale, additive and combined ones on the scale of the response, there in a unit
of each mouse's own: its highest point.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from cartrace.censoring import Points, likelihood
from cartrace.error_models import LOG_NORMAL
from cartrace.growth import Mask, Model, limits
from cartrace.growth_curves import Array
from cartrace.information import covariance_of, given_by_censored
from cartrace.optimise import least_squares, minimise_from
from cartrace.starting_values import starting_values

LEAST_LOG_SIGMA = float(np.log(1e-6))
_START_SIGMA = 0.1
_LEAST_SHARE = 1e-6


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
        Sigma of the error model with its degrees of freedom.
    sigma_ml : Array, shape (m,)
        That of greatest likelihood.
    df : Array, shape (m,)
        Degrees of freedom: quantified points less the parameters that these determine. More where a part of the scatter
        is known.
    inflation : Array, shape (m,)
        By what the variances of greatest likelihood are multiplied: n / df, less where a part is known.
    log_likelihood : Array, shape (m,)
        Log-likelihood at `sigma_ml`, of the log response where the error model is one of it.
    own_scatter : Mask, shape (m,)
        Whether sigma is the mouse's own.
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
    inflation: Array
    log_likelihood: Array
    own_scatter: Mask
    at_limit: Mask
    converged: Mask

    def rows(self, chosen: np.ndarray) -> Fit:
        """Return the chosen mice."""
        return Fit(**{part.name: getattr(self, part.name)[chosen] for part in fields(self)})


def fit(model: Model, points: Points) -> Fit:
    """Fit a model to every mouse, each with its own scatter.

    Parameters
    ----------
    model : Model
        The model.
    points : Points
        At least one more quantified point than parameters per mouse.

    Returns
    -------
    Fit
        Shapes (m, ...).

    Notes
    -----
    Without censored points this is least squares on the log scale. With them the likelihood is maximised over the
    parameters and the logarithm of the scatter. The covariance is the inverse of the observed information times
    ``n / (n - q)`` with n the quantified points and q the parameters that these determine, the sum of their leverages
    (the effective parameters of a smoother; Hastie & Tibshirani 1990, section 3.5): what censored points say of the
    curve costs no quantified one. Without censored points q is p, and all of this that of a regression. With the
    censored points in n, intervals of simulated mice with half of their points censored held the truth in 74 % instead
    of 95 %; with p in place of q, those of lag-exponential mice in 98 %.
    """
    easy = (points.n_censored == 0) & points.is_plain
    whole, below = np.flatnonzero(easy), np.flatnonzero(~easy)
    log_unit = own_unit(points)
    scaled = points.scaled(log_unit)
    parts = [_least_squares(model, scaled.rows(whole)), _most_likely(model, scaled.rows(below))]
    back = np.argsort(np.concatenate([whole, below]), kind="stable")
    theta, log_sigma, at_limit, converged = (
        np.concatenate([part[index] for part in parts])[back] for index in range(len(parts[0]))
    )
    quantified = (points.n_points - points.n_censored).astype(float)
    df, inflation = _freedom(model, scaled, theta, log_sigma, quantified)
    covariance = covariance_of(model, scaled, theta, log_sigma, at_limit) * inflation[:, None, None]
    likelihoods = -likelihood(model, scaled, log_sigma)(theta, np.arange(len(theta)))[0]
    theta, log_sigma, likelihoods = unscaled(points, log_unit, theta, log_sigma, likelihoods)
    sigma_ml = np.exp(log_sigma)
    return Fit(
        theta=theta,
        covariance=covariance,
        sigma=sigma_ml * np.sqrt(inflation),
        sigma_ml=sigma_ml,
        df=df,
        inflation=inflation,
        log_likelihood=likelihoods,
        own_scatter=np.ones(len(theta), dtype=bool),
        at_limit=at_limit,
        converged=converged,
    )


def _freedom(model: Model, points: Points, theta: Array, log_sigma: Array, quantified: Array) -> tuple[Array, Array]:
    """Return degrees of freedom and the inflation of variances, by Satterthwaite's rule where a part is known.

    With the share s of the estimated variance they are ``(n - q) / s**2`` and ``1 + s (n / (n - q) - 1)``.
    """
    df = quantified - model.n_parameters + given_by_censored(model, points, theta, log_sigma)
    if points.is_plain or not points.known_sd.any():
        return df, quantified / df
    share = points.spread(model.log_curve(points.day, theta), log_sigma).sd_share
    counted = points.used & ~points.censored
    mean = np.sum(share, axis=1, where=counted) / quantified
    return df / np.maximum(mean**2, _LEAST_SHARE), 1.0 + mean * (quantified / df - 1.0)


def own_unit(points: Points) -> Array:
    """Return the logarithm of the unit in which each mouse is fitted, shape (m,)."""
    if points.error.is_log:
        return np.zeros(len(points.day))
    return np.asarray(np.where(points.used, points.log_response, -np.inf).max(axis=1, initial=-np.inf))


def unscaled(
    points: Points, log_unit: Array, theta: Array, log_sigma: Array, likelihoods: Array
) -> tuple[Array, Array, Array]:
    """Return parameters, log sigma and log-likelihoods in the unit of the response."""
    theta = theta.copy()
    theta[:, 0] += log_unit
    is_share = points.error.is_log or points.error.power == 1
    quantified = points.n_points - points.n_censored
    return theta, log_sigma + (0.0 if is_share else log_unit), likelihoods - quantified * log_unit


def _least_squares(model: Model, points: Points) -> tuple[Array, Array, Mask, Mask]:
    """Return parameters, log scatter, what is at a limit and what converged, without censored points."""
    lower, upper = limits(model, points.first_day, points.last_day)
    local = least_squares(model.log_curve, model.gradient, points.day, points.log_response, points.used)
    found = minimise_from(local, starting_values(model, points), lower, upper)
    variance = np.maximum(2.0 * found.value / points.n_points, np.exp(2.0 * LEAST_LOG_SIGMA))
    log_sigma = 0.5 * np.log(variance)
    return found.x, log_sigma, found.at_limit, found.converged


def _most_likely(model: Model, points: Points) -> tuple[Array, Array, Mask, Mask]:
    """Return the same with censored points: the scatter is fitted with the curve."""
    lower, upper = limits(model, points.first_day, points.last_day)
    ends = np.ones((len(lower), 1))
    lower, upper = np.append(lower, LEAST_LOG_SIGMA * ends, axis=1), np.append(upper, 10.0 * ends, axis=1)
    local = likelihood(model, points, None)
    starts = []
    for start in _likely_starts(model, points):
        log_sigma = np.log(np.maximum(scatter_of(model, points, start), _START_SIGMA if points.error.is_log else 1e-3))
        starts.append(np.append(start, log_sigma[:, None], axis=1))
    found = minimise_from(local, np.stack(starts), lower, upper, relative=0.0, absolute=1e-12)
    return found.x[:, :-1], found.x[:, -1], found.at_limit[:, :-1], found.converged


def _likely_starts(model: Model, points: Points) -> list[Array]:
    """Return starting values; those of another error than the plain one begin with its optimum."""
    starts = list(starting_values(model, points))
    if not points.is_plain and len(points.day):
        plain = replace(points, error=LOG_NORMAL, known_sd=np.zeros((1, 1)))
        enough = points.n_points - points.n_censored > model.n_parameters
        first = starts[0].copy()
        first[enough] = fit(model, plain.rows(np.flatnonzero(enough))).theta
        starts.insert(0, first)
    return starts


def scatter_of(model: Model, points: Points, theta: Array) -> Array:
    """Return the root mean square of the quantified residuals, in units of sigma."""
    quantified = points.used & ~points.censored
    log_curve = np.clip(model.log_curve(points.day, theta), -50.0, 50.0)
    residual = points.log_response - log_curve
    if not points.error.is_log:
        residual = points.response - np.exp(log_curve)
        residual = residual if points.error.power == 0 else residual * np.exp(-log_curve)
    return np.asarray(np.sqrt(np.sum(residual**2, axis=1, where=quantified) / quantified.sum(axis=1)))


def fit_given_scatter(model: Model, points: Points, *, sigma: float, df: float) -> Fit:
    """Fit a model to mice that are too lean to show a scatter of their own.

    Parameters
    ----------
    model : Model
        The model.
    points : Points
        Points of mice with as many quantified points as parameters or fewer; censored ones hold the curve as well.
    sigma : float
        Sigma of the error model, known from other mice.
    df : float
        Its degrees of freedom.

    Returns
    -------
    Fit
        With a scatter of its own the likelihood of such a mouse has no maximum: the curve runs through every quantified
        point and the scatter goes to 0.
    """
    log_unit = own_unit(points)
    scaled = points.scaled(log_unit)
    every = np.full(len(points.day), float(sigma))
    log_sigma = np.log(every) - (log_unit if points.error.power == 0 else 0.0)
    lower, upper = limits(model, points.first_day, points.last_day)
    local = likelihood(model, scaled, log_sigma)
    starts = np.stack(_likely_starts(model, scaled))
    found = minimise_from(local, starts, lower, upper, relative=0.0, absolute=1e-12)
    covariance = covariance_of(model, scaled, found.x, log_sigma, found.at_limit, known=True)
    theta, _, likelihoods = unscaled(points, log_unit, found.x, log_sigma, -found.value)
    return Fit(
        theta=theta,
        covariance=covariance,
        sigma=every,
        sigma_ml=every,
        df=np.full(len(points.day), df),
        inflation=np.ones(len(points.day)),
        log_likelihood=likelihoods,
        own_scatter=np.zeros(len(theta), dtype=bool),
        at_limit=found.at_limit,
        converged=found.converged,
    )
