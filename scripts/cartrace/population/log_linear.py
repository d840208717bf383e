"""The exponential at group level: a linear mixed model of the log response, with Kenward and Roger's inference."""

from __future__ import annotations

import numpy as np

from cartrace.contrasts import Contrast, contrast, kenward_roger
from cartrace.grouped import grouped
from cartrace.mixed import MixedFit, fit
from cartrace.population.mice import Mice
from cartrace.population.model import Array


def is_log_linear(mice: Mice) -> bool:
    """Whether the mixed model of these mice is a linear one: a straight log curve and no point below detection."""
    return mice.model.name == "exponential" and not mice.points.censored.any()


def fit_log_linear(mice: Mice) -> MixedFit:
    """Fit line by group, with intercept and slope varying between mice (restricted maximum likelihood).

    Notes
    -----
    ``ln S = a_g + r_g t + u_i + v_i t + e``; the coefficients are the intercepts of all groups, then their slopes.
    """
    row, column = np.nonzero(mice.points.used)
    day = mice.points.day[row, column]
    member = np.eye(len(mice.names))[mice.group[row]]
    fixed = np.concatenate([member, member * day[:, None]], axis=1)
    random = np.stack([np.ones_like(day), day], axis=1)
    return fit(grouped(mice.points.log_response[row, column], fixed, random, row))


def lines(found: MixedFit, n_groups: int, confidence: float) -> tuple[Array, Array, Array]:
    """Return intercept and slope of each group, their adjusted covariance, and the slope's degrees of freedom."""
    columns = np.arange(2 * n_groups).reshape(2, n_groups).T
    theta = found.coefficients[columns]
    covariance = kenward_roger(found).covariance
    blocks = np.stack([covariance[np.ix_(pair, pair)] for pair in columns])
    df = [contrast(found, np.eye(2 * n_groups)[slope], confidence=confidence).df for _, slope in columns]
    return theta, blocks, np.array(df)


def difference(found: MixedFit, n_groups: int, other: int, confidence: float) -> Contrast:
    """Return the slope of a group minus that of the reference."""
    weights = np.zeros(2 * n_groups)
    weights[[n_groups + other, n_groups]] = 1.0, -1.0
    return contrast(found, weights, confidence=confidence)
