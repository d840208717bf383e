"""Where the search for a curve begins: the best of a grid of curves for each mouse."""

from __future__ import annotations

from itertools import product

import numpy as np

from cartrace.censoring import Points
from cartrace.growth import Model
from cartrace.growth_curves import Array

_START_RATES = np.geomspace(0.7, 20.0, 6)  # times 1 / span of the scans
_START_DAYS = np.linspace(-0.25, 1.25, 7)  # times the span, from the first scan
_STARTS = 3


def starting_values(model: Model, points: Points) -> Array:
    """Return the best of a grid of curves for each of the likeliest turning days, shape (s, m, p), best first.

    The level shifts a log curve, so that its best value follows from the others and the quantified points. A censored
    point counts where the curve lies above it. A model without a position in time is linear and is solved.
    """
    if model.starts is not None:
        return model.starts(points)
    if all(parameter.kind != "day" for parameter in model.parameters):
        return _line(points)[None]
    first, span = points.first_day, points.last_day - points.first_day
    n_rates = model.n_parameters - 2
    quantified = points.used & ~points.censored
    weight = quantified / quantified.sum(axis=1, keepdims=True)
    best = np.zeros((_START_DAYS.size, len(first), model.n_parameters))
    least = np.full(best.shape[:2], np.inf)
    theta = np.zeros(best.shape[1:])
    for place, share in enumerate(_START_DAYS):
        theta[:, -1] = first + share * span
        for rates in product(_START_RATES, repeat=n_rates):
            theta[:, 1:-1] = np.log(rates / span[:, None])
            theta[:, 0] = 0.0
            gap = points.log_response - model.log_curve(points.day, theta)
            theta[:, 0] = np.einsum("mn,mn->m", gap, weight)
            gap -= theta[:, :1]
            gap *= points.used
            np.minimum(gap, 0.0, out=gap, where=points.censored)
            squares = np.einsum("mn,mn->m", gap, gap)
            closer = squares < least[place]
            best[place, closer], least[place, closer] = theta[closer], squares[closer]
    order = np.argsort(least, axis=0, kind="stable")[:_STARTS]
    return np.take_along_axis(best, order[:, :, None], axis=0)


def _line(points: Points) -> Array:
    """Return intercept and slope of the least-squares line of each mouse."""
    weight = points.used / points.n_points[:, None]
    mean_day = np.sum(weight * points.day, axis=1, keepdims=True)
    mean = np.sum(weight * points.log_response, axis=1, keepdims=True)
    offset = points.day - mean_day
    slope = np.sum(weight * offset * (points.log_response - mean), axis=1) / np.sum(weight * offset**2, axis=1)
    return np.stack([mean[:, 0] - slope * mean_day[:, 0], slope], axis=-1)
