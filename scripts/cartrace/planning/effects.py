"""What a difference of a rate makes of a mouse's curve, on the scale on which the primary comparison is made."""

from __future__ import annotations

import numpy as np

from cartrace.growth import LOG_2, Model
from cartrace.statistics import Array

# Times that are ln 2 over a rate.
_TIMES = {"doubling_time": "growth_rate", "contraction_half_life": "contraction_rate"}
RATES = ("growth_rate", "contraction_rate", "slowing_rate")


def rate_behind(endpoint: str, model: Model) -> str:
    """Return the rate of a model that an endpoint is, or is ln 2 over; an empty text where the model has none."""
    rate = _TIMES.get(endpoint, endpoint)
    names = {parameter.name for parameter in model.parameters} | {"growth_rate"}
    return rate if rate in RATES and rate in names else ""


def with_effect(model: Model, theta: Array, first_day: float, *, endpoint: str, scale: str, effect: float) -> Array:
    """Return the parameters of mice whose rate, or the time behind it, differs by an effect.

    Parameters
    ----------
    model : Model
        Model of the curves.
    theta : ndarray, shape (m, p)
        Internal parameters.
    first_day : float
        First scan [day]; there the response stays as it was, since groups start alike.
    endpoint : str
        One with a rate (:func:`rate_behind`).
    scale : str
        ``log``: the effect is a ratio; ``linear``: a difference in the unit of the endpoint [1/day or day].
    effect : float
        The effect.

    Returns
    -------
    ndarray, shape (m, p)
        NaN in the rows of mice whose rate would not be above zero.
    """
    rate = rate_behind(endpoint, model)
    value, slope, pivot, kind = _rate(model, rate, theta, first_day)
    natural = np.exp(value) if kind == "log" else value
    with np.errstate(divide="ignore", invalid="ignore"):
        quantity = LOG_2 / natural if endpoint in _TIMES else natural
        moved = quantity * effect if scale == "log" else quantity + effect
        rate_moved = LOG_2 / moved if endpoint in _TIMES else moved
        needs_growth = kind == "log" or endpoint in _TIMES
        rate_moved = np.where((natural > 0) & (rate_moved > 0) | (not needs_growth), rate_moved, np.nan)
        target = np.log(rate_moved) if kind == "log" else rate_moved
    changed = theta.copy()
    changed[:, pivot] += (target - value) / slope
    day = np.full((len(theta), 1), first_day)
    # The first parameter shifts the whole curve.
    changed[:, 0] += (model.log_curve(day, theta) - model.log_curve(day, changed))[:, 0]
    return changed


def _rate(model: Model, rate: str, theta: Array, first_day: float) -> tuple[Array, Array, int, str]:
    """Return a rate on its scale, its slope by the parameter in which it is linear, that parameter, and the scale."""
    if rate == "growth_rate":
        value, gradient = model.growth_rate(theta, np.full(len(theta), first_day))
        return value, gradient[:, model.growth_pivot], model.growth_pivot, model.growth_scale
    at = [parameter.name for parameter in model.parameters].index(rate)
    return theta[:, at], np.ones(len(theta)), at, model.parameters[at].scale
