"""What points tell of a curve, at the edge of what numbers hold."""

import numpy as np

from cartrace.censoring import Points
from cartrace.growth import BY_NAME
from cartrace.information import covariance_of, given_by_censored

DAY = np.array([[1.0, 4.0, 7.0, 10.0, 14.0, 21.0]])
MODEL = BY_NAME["lag_exponential"]


def test_a_parameter_with_all_but_no_effect_leaves_all_numbers_finite():
    """A lag 40 days after the last scan at 9 per day: the curve's slope there is e**-360, whose square is a number."""
    used = np.ones(DAY.shape, dtype=bool)
    points = Points(DAY, np.array([[11.9, 11.9, 12.1, 12.0, 12.2, 12.1]]), used, DAY < 5.0)
    theta, log_sigma = np.array([[12.0, np.log(9.0), 61.0]]), np.log([0.2])
    slope = MODEL.gradient(DAY, theta)[0, -1, 1:]
    assert (np.abs(slope) > 0.0).all()
    assert (np.abs(slope) < 1e-150).all()
    given = given_by_censored(MODEL, points, theta, log_sigma)
    assert 0.0 < given[0] < 1.0
    covariance = covariance_of(MODEL, points, theta, log_sigma, np.zeros((1, 3), dtype=bool))
    assert np.isfinite(covariance).all()
    # The level alone is determined, by four points and what two say that lie below the critical level.
    assert 0.05**2 < covariance[0, 0, 0] < 0.2**2 / 4
    assert (np.diagonal(covariance[0])[1:] > 1e10).all()
