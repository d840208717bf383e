"""What points tell of a curve: the covariance of its parameters, and which part of them censored points determine."""

from __future__ import annotations

import numpy as np

from cartrace.censoring import Points, inverse_mills
from cartrace.growth import Mask, Model
from cartrace.growth_curves import Array

_LEAST_INFORMATION = 1e-200


def covariance_of(
    model: Model, points: Points, theta: Array, log_sigma: Array, at_limit: Mask, *, known: bool = False
) -> Array:
    """Return the inverse of the information of curve and sigma, its block of the curve.

    With a `known` sigma it is the inverse of the curve's information alone. The information is the observed one where
    points are censored, otherwise the expected one, which for least squares is that of a regression.
    """
    about = points.spread(model.log_curve(points.day, theta), log_sigma)
    sd = np.exp(about.log_sd)
    z = (points.response - about.mean) / sd
    hazard = np.where(points.censored, inverse_mills(z), 0.0)
    bend = hazard * (hazard + z)
    observed = points.censored.any(axis=1, keepdims=True)
    by_mean = np.where(points.censored, bend, 1.0)
    cross = np.where(points.censored, bend * z - hazard, 2.0 * z * observed)
    by_sd = np.where(points.censored, z * (bend * z - hazard), 2.0 * np.where(observed, z**2, 1.0))
    slope, sd_slope, share = about.mean_slope / sd, about.sd_slope, about.sd_share
    weight = by_mean * slope**2 + 2.0 * cross * slope * sd_slope + by_sd * sd_slope**2
    jacobian = model.gradient(points.day, theta) * (points.used[:, :, None] & ~at_limit[:, None, :])
    size = theta.shape[1] + 1
    information = np.zeros((len(theta), size, size))
    information[:, :-1, :-1] = np.einsum("mnp,mn,mnq->mpq", jacobian, weight, jacobian)
    if not known:
        information[:, :-1, -1] = np.einsum("mnp,mn->mp", jacobian, (cross * slope + by_sd * sd_slope) * share)
        information[:, -1, :-1] = information[:, :-1, -1]
    information[:, -1, -1] = np.sum(by_sd * share**2, axis=1, where=points.used)
    inverse = _inverse(information)[:, :-1, :-1]
    return np.asarray(np.where(at_limit[:, :, None] | at_limit[:, None, :], 0.0, inverse))


def given_by_censored(model: Model, points: Points, theta: Array, log_sigma: Array) -> Array:
    """Return how many parameters the censored points determine: the trace of their share in the information."""
    if not points.n_censored.any():
        return np.zeros(len(theta))
    about = points.spread(model.log_curve(points.day, theta), log_sigma)
    sd = np.exp(about.log_sd)
    z = (points.response - about.mean) / sd
    hazard = np.where(points.censored, inverse_mills(z), 0.0)
    weight = np.where(points.censored, hazard * (hazard + z), 1.0) * (about.mean_slope / sd) ** 2 * points.used
    jacobian = model.gradient(points.day, theta)
    whole, below = (
        np.einsum("mnp,mn,mnq->mpq", jacobian, part, jacobian) for part in (weight, weight * points.censored)
    )
    share = np.einsum("mpq,mqp->m", _inverse(whole), below)
    return np.asarray(np.clip(share, 0.0, model.n_parameters))


def _inverse(information: Array) -> Array:
    """Invert symmetric matrices; what they do not determine gets a huge variance."""
    diagonal = np.einsum("mqq->mq", information)
    # Of a parameter with all but no effect the variance must remain a number.
    scale = 1.0 / np.sqrt(np.where(diagonal > _LEAST_INFORMATION, diagonal, 1.0))
    values, vectors = np.linalg.eigh(information * scale[:, :, None] * scale[:, None, :])
    inverse = np.einsum("mqk,mk,mrk->mqr", vectors, 1.0 / np.maximum(values, 1e-14), vectors)
    return np.asarray(inverse * scale[:, :, None] * scale[:, None, :])
