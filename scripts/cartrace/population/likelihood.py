"""Minus log-likelihood of the points given the curve, and its derivatives by the curve and by the residual scatter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from cartrace.population.model import Array, Mask

_ROOT_2, _ROOT_2_BY_PI = float(np.sqrt(2.0)), float(np.sqrt(2.0 / np.pi))
_LOG_ROOT_2_PI = 0.5 * float(np.log(2.0 * np.pi))


@dataclass(frozen=True)
class Terms:
    """Minus log-likelihood of each point, and its derivatives; all of shape (m, n), 0 where there is no point.

    `slope`, `curvature` and `third` are derivatives by the curve's value; the last three are the derivatives of value,
    slope and curvature by ln sigma.
    """

    value: Array
    slope: Array
    curvature: Array
    third: Array
    value_by_log_sigma: Array
    slope_by_log_sigma: Array
    curvature_by_log_sigma: Array


def terms(curve: Array, y: Array, sigma: Array, used: Mask, censored: Mask) -> Terms:
    """Return the terms of normal residuals, or of a normal's lower tail where a point is censored.

    Parameters
    ----------
    curve, y : Array, shape (m, n)
        Curve, and response or critical level.
    sigma : Array, shape (m, 1)
        Residual scatter.
    used, censored : Mask, shape (m, n)
        Which entries are points, and which of these are censored.

    Notes
    -----
    ``ln sigma + z² / 2 + ln(2 pi) / 2`` with z = (y - curve) / sigma; ``-ln Phi(z)`` where censored, the third method
    of Beal SL. J Pharmacokinet Pharmacodyn 2001;28:481-504. doi:10.1023/A:1012299115260
    """
    # ASSUME: residuals of the log response are normal with one variance for all mice; below detection nothing is known
    # but that the response lies below its critical level.
    z = np.where(used, y - curve, 0.0) / sigma
    precision = used / sigma**2
    zero = np.zeros_like(z)
    normal = Terms(
        value=used * (np.log(sigma) + _LOG_ROOT_2_PI) + 0.5 * z**2,
        slope=-z / sigma,
        curvature=precision,
        third=zero,
        value_by_log_sigma=used - z**2,
        slope_by_log_sigma=2.0 * z / sigma,
        curvature_by_log_sigma=-2.0 * precision,
    )
    return _with_tails(normal, z, np.broadcast_to(sigma, z.shape), censored) if censored.any() else normal


def _with_tails(normal: Terms, z_all: Array, sigma_all: Array, censored: Mask) -> Terms:
    z, sigma = z_all[censored], sigma_all[censored]
    bounded = np.clip(z, -1e6, 1e6)
    # phi(z) / Phi(z), with all its digits far below the critical level too.
    hazard = _ROOT_2_BY_PI / special.erfcx(-bounded / _ROOT_2)
    bend = hazard * (hazard + bounded)
    bend_slope = hazard * (1.0 - bend) - bend * (hazard + bounded)
    tails = {
        "value": -special.log_ndtr(z),
        "slope": hazard / sigma,
        "curvature": bend / sigma**2,
        "third": -bend_slope / sigma**3,
        "value_by_log_sigma": hazard * bounded,
        "slope_by_log_sigma": (bend * bounded - hazard) / sigma,
        "curvature_by_log_sigma": -(bend_slope * bounded + 2.0 * bend) / sigma**2,
    }
    merged = {}
    for name, tail in tails.items():
        merged[name] = np.array(getattr(normal, name), dtype=np.float64)
        merged[name][censored] = tail
    return Terms(**merged)
