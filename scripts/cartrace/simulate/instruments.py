"""What the instruments of a simulated lab read, given what is true: written forward, from activity to reading."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Abscissae and weights of a Gauss-Legendre rule on [0, 1]: a count is the integral of its rate.
_RULE = np.polynomial.legendre.leggauss(6)
_NODES, _WEIGHTS = (_RULE[0] + 1) / 2, _RULE[1] / 2


def remaining(elapsed_s: Array | float, half_life_s: float) -> Array:
    """Return the fraction of an activity that is left after `elapsed_s`; more than 1 for the time before."""
    return np.asarray(0.5 ** (np.asarray(elapsed_s, dtype=np.float64) / half_life_s))


def significant(values: Array, digits: int) -> Array:
    """Round to a number of significant digits, as a display does."""
    values = np.maximum(np.asarray(values, dtype=np.float64), 0.0)
    step = 10.0 ** (np.floor(np.log10(np.where(values > 0, values, 1.0))) - digits + 1)
    return np.rint(values / step) * step


def calibrator(activity_kbq: Array, repeatability_frac: float, rng: np.random.Generator) -> Array:
    """Read activities with the dose calibrator [kBq]: four digits, scatter relative to the reading."""
    return significant(activity_kbq * (1 + repeatability_frac * rng.standard_normal(np.shape(activity_kbq))), 4)


def balance(mass_g: Array, balance_g: float, rng: np.random.Generator) -> Array:
    """Weigh masses [g] on a balance that shows 0.1 mg."""
    return np.round(mass_g + balance_g * rng.standard_normal(np.shape(mass_g)), 4)


def counter(
    decays_cps: Array,
    count_s: Array,
    half_life_s: float,
    *,
    background_cps: float,
    dead_time_s: float,
    rng: np.random.Generator,
) -> Array:
    """Count tubes.

    Parameters
    ----------
    decays_cps : ndarray, shape (n,)
        True rate of detected decays at the start of each count [1/s].
    count_s : ndarray, shape (n,)
        Duration of each count [s].
    half_life_s : float
        Half-life [s].
    background_cps : float
        Background rate [1/s], constant.
    dead_time_s : float
        Non-paralysable dead time [s].
    rng : Generator
        Source of the draws.

    Returns
    -------
    ndarray, shape (n,)
        Recorded counts.

    Notes
    -----
    The true rate ``n(t)`` falls during the count and the counter records ``n / (1 + n tau)`` of it; the expected number
    of counts is the integral over the count, and the recorded number is a Poisson draw.
    """
    expected = expected_counts(decays_cps, count_s, half_life_s, background_cps=background_cps, dead_time_s=dead_time_s)
    return np.asarray(rng.poisson(expected), dtype=np.float64)


def expected_counts(
    decays_cps: Array, count_s: Array, half_life_s: float, *, background_cps: float, dead_time_s: float
) -> Array:
    """Return the expected number of recorded counts; the arguments are those of :func:`counter`."""
    at = remaining(_NODES[:, None] * count_s, half_life_s)
    true = decays_cps * at + background_cps
    recorded = true / (1 + true * dead_time_s)
    return np.asarray((_WEIGHTS[:, None] * recorded).sum(axis=0) * count_s)


def scanner(activity_kbq_per_ml: Array, gain: float, noise_frac: float, rng: np.random.Generator) -> Array:
    """Return the mean of regions in the image [kBq/mL]: a gain that all scans share, scatter per region."""
    return activity_kbq_per_ml * gain * (1 + noise_frac * rng.standard_normal(np.shape(activity_kbq_per_ml)))
