"""Counting in the gamma counter: dead time, background, Poisson uncertainty, detection, and two nuclides at once.

All functions work element by element on arrays that broadcast. Rates are per second of counting time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cartrace.decay import Floats

# One-sided 95 % quantile, rounded as in Currie 1968; both error probabilities are 5 %.
COVERAGE = 1.645


NON_PARALYSABLE, PARALYSABLE = "non_paralysable", "paralysable"


def dead_time_factor(gross_cps: ArrayLike, dead_time_s: float, model: str = NON_PARALYSABLE) -> Floats:
    """Return the true rate over the observed rate.

    Parameters
    ----------
    gross_cps : array_like
        Observed rate [1/s].
    dead_time_s : float
        Dead time [s]; 0 where the counter reports live time.
    model : str
        ``non_paralysable`` or ``paralysable``.

    Returns
    -------
    ndarray
        Factor, at least 1; NaN where ``gross_cps · dead_time_s`` reaches 1 (paralysable: passes 1/e), which no counter
        with that dead time can observe.

    Notes
    -----
    ``1 / (1 - g τ)`` (F7); paralysable ``exp(n τ)`` with ``n = -W₀(-g τ) / τ``, the lower root of ``g = n exp(-n τ)``.
    Knoll, Radiation Detection and Measurement.
    """
    # ASSUME: The counter's dead time is of the declared kind, and no paralysable counter ran beyond its highest rate.
    lost = np.asarray(gross_cps, dtype=np.float64) * dead_time_s
    if model == PARALYSABLE:
        from scipy.special import lambertw  # here, since nothing else of this stage needs scipy

        seen = lost <= np.exp(-1.0)
        root = lambertw(np.asarray(-np.where(seen, lost, 0.0), dtype=np.complex128), 0)
        return np.exp(np.where(seen, -np.asarray(np.real(root), dtype=np.float64), np.nan))
    return 1.0 / np.where(lost < 1.0, 1.0 - lost, np.nan)


def dead_time_slope(factor: ArrayLike, model: str = NON_PARALYSABLE) -> Floats:
    """Return how the true rate moves with the observed one.

    Parameters
    ----------
    factor : array_like
        Dead-time factor f, at least 1.
    model : str
        ``non_paralysable`` or ``paralysable``.

    Returns
    -------
    ndarray
        Derivative of the true rate on the observed one; infinite at the highest rate of a paralysable counter.

    Notes
    -----
    ``f²``; paralysable ``f / (1 - ln f)``.
    """
    # ASSUME: A dead-time factor stated by an export moves with the rate as one of the declared kind does.
    f = np.asarray(factor, dtype=np.float64)
    if model == PARALYSABLE:
        live = 1.0 - np.log(f)
        return f / np.where(live > 0.0, live, np.nan)
    return f**2


def count_variance(counts: ArrayLike) -> Floats:
    """Return the variance of a number of counts.

    Parameters
    ----------
    counts : array_like
        Counts, which may be fractional.

    Returns
    -------
    ndarray
        Variance, never 0.

    Notes
    -----
    Poisson, with the variance ½ of Gamma(½) in place of 0 for no counts (F9, F10).
    """
    return np.maximum(np.asarray(counts, dtype=np.float64), 0.5)


def net_rate_se_cps(
    counts: ArrayLike,
    count_s: ArrayLike,
    factor: ArrayLike,
    background_se_cps: ArrayLike,
    model: str = NON_PARALYSABLE,
) -> Floats:
    """Return the standard uncertainty of a net rate from counting [1/s].

    Parameters
    ----------
    counts : array_like
        Gross counts.
    count_s : array_like
        Counting time [s].
    factor : array_like
        Dead-time factor.
    background_se_cps : array_like
        Standard uncertainty of the background's rate [1/s].
    model : str
        Kind of dead time.

    Returns
    -------
    ndarray
        Standard uncertainty [1/s].

    Notes
    -----
    ``√(C/t² · slope² + u_b²)`` (F9), with the slope of :func:`dead_time_slope`. Losses make the observed counts
    slightly sub-Poisson; leaving that out is conservative.
    """
    own = count_variance(counts) / np.asarray(count_s, dtype=np.float64) ** 2
    own = own * dead_time_slope(factor, model) ** 2
    return np.sqrt(own + np.asarray(background_se_cps, dtype=np.float64) ** 2)


def critical_level_cps(background_cps: ArrayLike, background_se_cps: ArrayLike, count_s: ArrayLike) -> Floats:
    """Return the net rate above which a tube is taken to be active [1/s].

    Parameters
    ----------
    background_cps, background_se_cps : array_like
        Rate of the background and its standard uncertainty [1/s]; with Poisson blanks the latter is
        ``√(background_cps / background_count_s)``.
    count_s : array_like
        Counting time of the tube [s].

    Returns
    -------
    ndarray
        Critical level [1/s].

    Notes
    -----
    ``1.645 · √(r_b/t_c + u_b²)`` (F13); for equal times ``1.645 · √(2B)`` counts (F12).

    References
    ----------
    Currie, Anal Chem 1968;40:586-593, doi:10.1021/ac60259a007.
    """
    variance = np.asarray(background_cps, dtype=np.float64) / np.asarray(count_s, dtype=np.float64)
    return COVERAGE * np.sqrt(variance + np.asarray(background_se_cps, dtype=np.float64) ** 2)


def detection_limit_cps(critical_cps: ArrayLike, count_s: ArrayLike) -> Floats:
    """Return the true net rate that is detected with 95 % probability [1/s].

    Parameters
    ----------
    critical_cps : array_like
        Critical level [1/s].
    count_s : array_like
        Counting time of the tube [s].

    Returns
    -------
    ndarray
        Detection limit [1/s].

    Notes
    -----
    ``1.645²/t_c + 2 L_C`` (F13).

    References
    ----------
    Currie, Anal Chem 1968;40:586-593, doi:10.1021/ac60259a007.
    """
    critical = np.asarray(critical_cps, dtype=np.float64)
    return COVERAGE**2 / np.asarray(count_s, dtype=np.float64) + 2.0 * critical


def unmix(window_cps: ArrayLike, response: ArrayLike, covariance: ArrayLike) -> tuple[Floats, Floats]:
    """Return the rates of several nuclides from the net rates in as many windows.

    Parameters
    ----------
    window_cps : array_like, shape (..., k)
        Net rates in k windows [1/s].
    response : array_like, shape (..., k, k)
        Rate in window i per unit rate of nuclide j in its own window, from pure standards in the same geometry.
    covariance : array_like, shape (..., k, k)
        Covariance of the rates in the windows [1/s²].

    Returns
    -------
    rates : ndarray, shape (..., k)
        Rate of each nuclide in its own window [1/s].
    covariance : ndarray, shape (..., k, k)
        Their covariance [1/s²].

    Raises
    ------
    numpy.linalg.LinAlgError
        The responses do not tell the nuclides apart.

    Notes
    -----
    ``x = M⁻¹ n`` with covariance ``M⁻¹ Σ M⁻ᵀ`` (F28).
    """
    inverse = np.linalg.inv(np.asarray(response, dtype=np.float64))
    rates = np.einsum("...ij,...j->...i", inverse, np.asarray(window_cps, dtype=np.float64))
    return rates, inverse @ np.asarray(covariance, dtype=np.float64) @ np.swapaxes(inverse, -1, -2)
