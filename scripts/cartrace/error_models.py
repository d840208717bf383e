"""How measured responses scatter about a curve: the scale of the residuals and their spread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cartrace.growth_curves import Array

_MOST = 300.0


@dataclass(frozen=True)
class ErrorModel:
    """An error model: normal residuals with ``sd**2 = known**2 + (sigma * level**power)**2``.

    Parameters
    ----------
    name, label, meaning : str
        Name in the config, label for text, what it says.
    is_log : bool
        Whether residuals are those of the log response, or of the response itself.
    power : int
        0 where sigma is a standard deviation on that scale, 1 where it is a share of the level of the curve.
    needs_known : bool
        Whether a known part of the scatter is needed.
    """

    name: str
    label: str
    meaning: str
    is_log: bool
    power: int
    needs_known: bool


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation of responses on the scale of the residuals, and their derivatives, shape (m, n).

    `mean_slope` and `sd_slope` are the derivatives of the mean and of the logarithm of the standard deviation by the
    log curve, `sd_share` that of the latter by the logarithm of sigma.
    """

    mean: Array
    log_sd: Array
    mean_slope: Array
    sd_slope: Array
    sd_share: Array


# ASSUME: with the log-normal error, a response scatters by the same factor at every level.
# ASSUME: with the additive error, a response scatters by the same amount at every level.
# ASSUME: with the combined error, the known noise adds to a scatter in proportion to the level.
ERROR_MODELS: tuple[ErrorModel, ...] = (
    ErrorModel("log_normal", "log-normal", "sd of the log response: sigma", is_log=True, power=0, needs_known=False),
    ErrorModel("additive", "additive", "sd of the response: a", is_log=False, power=0, needs_known=False),
    ErrorModel(
        "combined",
        "combined",
        "variance of the response: a² + (b f)², a known and b estimated",
        is_log=False,
        power=1,
        needs_known=True,
    ),
)
BY_NAME = {error.name: error for error in ERROR_MODELS}
LOG_NORMAL = BY_NAME["log_normal"]


def spread(error: ErrorModel, log_curve: Array, log_sigma: Array, known: Array) -> Spread:
    """Return mean and standard deviation of responses about a curve.

    Parameters
    ----------
    error : ErrorModel
        The error model.
    log_curve : Array, shape (m, n)
        Logarithm of the curve.
    log_sigma : Array, shape (m,)
        Logarithm of sigma.
    known : Array, shape (m, n)
        Known part of the standard deviation, on the scale of the residuals.
    """
    sigma = log_sigma[:, None]
    # A curve beyond all reason keeps a number, so that a step back to reason is found.
    level = np.clip(log_curve, -_MOST, _MOST)
    mean, mean_slope = (log_curve, np.ones_like(level)) if error.is_log else (np.exp(level),) * 2
    if error.power == 0 and not known.any():
        return Spread(mean, np.broadcast_to(sigma, level.shape), mean_slope, np.zeros_like(level), np.ones_like(level))
    own = np.exp(2.0 * (sigma + error.power * level))
    variance = known**2 + own
    share = own / variance
    return Spread(mean, 0.5 * np.log(variance), mean_slope, error.power * share, share)
