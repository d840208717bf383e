"""The curves of expansion on the log scale, with their derivatives and areas, for a batch of mice at once.

Days have the shape (m, n); theta has the shape (m, p), one row per mouse, on the internal scale of its parameters: the
logarithm of a level or a rate, the day of a position in time, the exponential's rate as it is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

Array = npt.NDArray[np.float64]

_EXPONENT_LIMIT = 300.0
_PEAK_REACH, _BISECTIONS = 30.0, 60


def _log(values: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(values))


def _softplus(values: Array) -> Array:
    """Return ln(1 + e^x), so written several times as fast as by logaddexp."""
    return np.asarray(np.maximum(values, 0.0) + np.log1p(np.exp(-np.abs(values))))


def _shares(phase: Array) -> tuple[Array, Array]:
    """Return expit(x) and expit(-x), each with all its digits, by one exponential, a fraction of SciPy's time."""
    smaller = np.exp(-np.abs(phase))
    larger = 1.0 / (1.0 + smaller)
    smaller *= larger
    late = phase > 0.0
    return np.where(late, larger, smaller), np.where(late, smaller, larger)


def _by_parameter(*columns: Array) -> Array:
    """Return derivatives with the parameter as the last dimension, each in a stretch of memory of its own."""
    return np.moveaxis(np.stack(columns), 0, -1)


def _columns(theta: Array) -> tuple[Array, ...]:
    return tuple(theta[:, index, None] for index in range(theta.shape[1]))


# ---- exponential: ln S = ln S0 + r t ----


def exponential(day: Array, theta: Array) -> Array:
    """Return ``ln S = ln S0 + r t`` for (ln S0, r)."""
    log_initial, rate = _columns(theta)
    return log_initial + rate * day


def exponential_gradient(day: Array, theta: Array) -> Array:
    """Return the derivatives of :func:`exponential` by its parameters, shape (m, n, 2)."""
    return _by_parameter(np.ones_like(day), day)


def exponential_log_auc(theta: Array, start_day: float, end_day: Array | float) -> Array:
    """Return the logarithm of the area under the exponential curve."""
    log_initial, rate = theta.T
    length = end_day - start_day
    return np.asarray(log_initial + rate * start_day + np.log(length) + np.log(special.exprel(rate * length)))


# ---- lag-exponential: S = S0 (1 + e^{r (t - tl)}) ----


def lag_exponential(day: Array, theta: Array) -> Array:
    """Return ``ln S = ln S0 + ln(1 + e^{r (t - tl)})`` for (ln S0, ln r, tl)."""
    log_initial, log_rate, lag = _columns(theta)
    return np.asarray(log_initial + _softplus(np.exp(log_rate) * (day - lag)))


def lag_exponential_gradient(day: Array, theta: Array) -> Array:
    """Return the derivatives of :func:`lag_exponential` by its parameters, shape (m, n, 3)."""
    _, log_rate, lag = _columns(theta)
    rate = np.exp(log_rate)
    phase = rate * (day - lag)
    slope, _ = _shares(phase)
    return _by_parameter(np.ones_like(phase), slope * phase, -slope * rate)


def lag_exponential_log_auc(theta: Array, start_day: float, end_day: Array | float) -> Array:
    """Return the logarithm of the area under the lag-exponential curve: a constant part and a growing one."""
    log_initial, log_rate, lag = theta.T
    rate, length = np.exp(log_rate), end_day - start_day
    growing = rate * (start_day - lag) + np.log(special.exprel(rate * length))
    return np.asarray(log_initial + np.log(length) + np.logaddexp(0.0, growing))


# ---- logistic: S = K / (1 + e^{-k (t - tm)}) ----


def logistic(day: Array, theta: Array) -> Array:
    """Return ``ln S = ln K - ln(1 + e^{-k (t - tm)})`` for (ln K, ln k, tm)."""
    log_plateau, log_rate, midpoint = _columns(theta)
    return np.asarray(log_plateau - _softplus(-np.exp(log_rate) * (day - midpoint)))


def logistic_gradient(day: Array, theta: Array) -> Array:
    """Return the derivatives of :func:`logistic` by its parameters, shape (m, n, 3)."""
    _, log_rate, midpoint = _columns(theta)
    rate = np.exp(log_rate)
    phase = rate * (day - midpoint)
    _, slope = _shares(phase)
    return _by_parameter(np.ones_like(phase), slope * phase, -slope * rate)


def logistic_log_auc(theta: Array, start_day: float, end_day: Array | float) -> Array:
    """Return the logarithm of the area under the logistic curve."""
    log_plateau, log_rate, midpoint = theta.T
    rate = np.exp(log_rate)
    late, early = (np.logaddexp(0.0, rate * (day - midpoint)) for day in (end_day, start_day))
    return np.asarray(log_plateau - log_rate + _log(late - early))


# ---- Gompertz: S = K exp(-e^{-k (t - tm)}) ----


def _decay(log_rate: Array, midpoint: Array, day: Array | float) -> Array:
    return np.asarray(np.exp(np.minimum(-np.exp(log_rate) * (day - midpoint), _EXPONENT_LIMIT)))


def gompertz(day: Array, theta: Array) -> Array:
    """Return ``ln S = ln K - e^{-k (t - tm)}`` for (ln K, ln k, tm)."""
    log_plateau, log_rate, midpoint = _columns(theta)
    return log_plateau - _decay(log_rate, midpoint, day)


def gompertz_gradient(day: Array, theta: Array) -> Array:
    """Return the derivatives of :func:`gompertz` by its parameters, shape (m, n, 3)."""
    _, log_rate, midpoint = _columns(theta)
    rate = np.exp(log_rate)
    slope = _decay(log_rate, midpoint, day)
    return _by_parameter(np.ones_like(slope), slope * rate * (day - midpoint), -slope * rate)


def gompertz_growth_rate(theta: Array, day: Array) -> tuple[Array, Array]:
    """Return ``ln(k e^{-k (t - tm)})`` on a day, and its derivatives by the parameters."""
    _, log_rate, midpoint = theta.T
    rate = np.exp(log_rate)
    phase = rate * (day - midpoint)
    return log_rate - phase, _by_parameter(np.zeros_like(rate), 1.0 - phase, rate)


def gompertz_log_auc(theta: Array, start_day: float, end_day: Array | float) -> Array:
    """Return the logarithm of the area under the Gompertz curve, by the exponential integral."""
    log_plateau, log_rate, midpoint = theta.T
    late, early = (special.exp1(_decay(log_rate, midpoint, day)) for day in (end_day, start_day))
    return np.asarray(log_plateau - log_rate + _log(late - early))


# ---- expansion and contraction: S = K / (e^{-rho (t - T)} + e^{alpha (t - T)}) ----


def expansion_contraction(day: Array, theta: Array) -> Array:
    """Return ``ln S = ln K - ln(e^{-rho (t - T)} + e^{alpha (t - T)})`` for (ln K, ln rho, ln alpha, T)."""
    log_level, log_growth, log_contraction, turn = _columns(theta)
    elapsed = day - turn
    growth, contraction = np.exp(log_growth), np.exp(log_contraction)
    return np.asarray(log_level + growth * elapsed - _softplus((growth + contraction) * elapsed))


def expansion_contraction_gradient(day: Array, theta: Array) -> Array:
    """Return the derivatives of :func:`expansion_contraction` by its parameters, shape (m, n, 4)."""
    _, log_growth, log_contraction, turn = _columns(theta)
    growth, contraction = np.exp(log_growth), np.exp(log_contraction)
    elapsed = day - turn
    falling, rising = _shares((growth + contraction) * elapsed)
    rising *= growth
    falling *= contraction
    # Into place at once: at the many days of an area, arrays in between are what takes the time.
    found = np.empty((4, *elapsed.shape))
    found[0] = 1.0
    np.multiply(rising, elapsed, out=found[1])
    np.multiply(falling, -elapsed, out=found[2])
    np.subtract(falling, rising, out=found[3])
    return np.moveaxis(found, 0, -1)


def expansion_contraction_log_auc(theta: Array, start_day: float, end_day: Array | float) -> Array:
    """Return the logarithm of the area under the curve, by the incomplete beta function."""
    log_level, log_growth, log_contraction, turn = theta.T
    growth, contraction = np.exp(log_growth), np.exp(log_contraction)
    total = growth + contraction
    share, rest = growth / total, contraction / total
    before = [special.betainc(share, rest, special.expit(total * (day - turn))) for day in (start_day, end_day)]
    after = [special.betainc(rest, share, special.expit(-total * (day - turn))) for day in (start_day, end_day)]
    # The smaller of each pair of tails keeps its digits, which the larger loses long before its tail is negligible.
    late = np.where(before[1] > 0.5, 1.0 - before[0] - after[1], before[1] - before[0])
    between = np.where(before[0] > 0.5, after[0] - after[1], late)
    return np.asarray(log_level - np.log(total) + special.betaln(share, rest) + _log(between))


def expansion_contraction_peak_day(theta: Array) -> Array:
    """Return the day on which expansion turns into contraction."""
    return peak_of_expansion(theta)[0]


def peak_of_expansion(theta: Array) -> tuple[Array, Array]:
    r"""Return the day on which expansion turns into contraction, and its gradient.

    Parameters
    ----------
    theta : Array, shape (m, 4)
        Internal parameters of the expansion-contraction model.

    Returns
    -------
    tuple of Array
        Day, shape (m,); its derivatives by the internal parameters, shape (m, 4).

    Notes
    -----
    The slope of the log curve is zero at ``T + ln(growth / contraction) / (growth + contraction)``.
    """
    _, log_growth, log_contraction, turn = theta.T
    growth, contraction = np.exp(log_growth), np.exp(log_contraction)
    total, contrast = growth + contraction, log_growth - log_contraction
    gradient = _by_parameter(
        np.zeros_like(turn),
        1.0 / total - contrast * growth / total**2,
        -1.0 / total - contrast * contraction / total**2,
        np.ones_like(turn),
    )
    return turn + contrast / total, gradient


# ---- Stein: S = K / (e^{-rho (t - T)} + 1 / [(1 - f) e^{-alpha (t - T)} + f e^{-beta (t - T)}]) ----


def stein(day: Array, theta: Array) -> Array:
    """Return the log curve for (ln K, ln rho, ln alpha, logit f, ln beta, T), with a smooth turn at T."""
    log_level, log_growth, _, _, _, turn = _columns(theta)
    rising = np.exp(log_growth) * (day - turn)
    falling = np.logaddexp(*_log_phases(day, theta))
    return np.asarray(log_level + rising - _softplus(rising - falling))


def _log_phases(day: Array, theta: Array) -> tuple[Array, Array]:
    """Return the logarithms of the contracting and the persistent phase, relative to the level."""
    _, _, log_contraction, logit_share, log_persistence, turn = _columns(theta)
    elapsed = day - turn
    contracting = special.log_expit(-logit_share) - np.exp(log_contraction) * elapsed
    return contracting, special.log_expit(logit_share) - np.exp(log_persistence) * elapsed


def stein_gradient(day: Array, theta: Array) -> Array:
    """Return the derivatives of :func:`stein` by its parameters, shape (m, n, 6)."""
    _, log_growth, log_contraction, logit_share, log_persistence, turn = _columns(theta)
    growth, contraction, persistence = np.exp(log_growth), np.exp(log_contraction), np.exp(log_persistence)
    elapsed, (contracting, persistent) = day - turn, _log_phases(day, theta)
    before = special.expit(np.logaddexp(contracting, persistent) - growth * elapsed)
    after, of_persistent = 1.0 - before, special.expit(persistent - contracting)
    slope = growth * before - after * (contraction * (1.0 - of_persistent) + persistence * of_persistent)
    return _by_parameter(
        np.ones_like(elapsed),
        before * growth * elapsed,
        -after * (1.0 - of_persistent) * contraction * elapsed,
        after * (of_persistent - special.expit(logit_share)),
        -after * of_persistent * persistence * elapsed,
        -slope,
    )


def stein_peak_day(theta: Array) -> Array:
    """Return the day on which the slope of the log curve is zero, by bisection about the turn."""
    growth, turn = np.exp(theta[:, 1]), theta[:, 5]
    low, high = turn - _PEAK_REACH / growth, turn + _PEAK_REACH / growth
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        # The last derivative is minus the slope.
        rises = stein_gradient(middle[:, None], theta)[:, 0, 5] < 0.0
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    return np.asarray((low + high) / 2.0)


def piecewise_stein(day: Array, theta: Array) -> Array:
    """Return the log curve of :func:`stein` with the hard switch at T of the published model."""
    log_level, log_growth, _, _, _, turn = _columns(theta)
    elapsed = day - turn
    falling = np.logaddexp(*_log_phases(day, theta))
    return np.asarray(log_level + np.where(elapsed < 0.0, np.exp(log_growth) * elapsed, falling))


def piecewise_stein_log_auc(theta: Array, start_day: float, end_day: Array | float) -> Array:
    """Return the logarithm of the area under :func:`piecewise_stein`, a sum of exponentials."""
    log_level, log_growth, log_contraction, logit_share, log_persistence, turn = theta.T
    early, late = (np.clip(day, None, turn) - turn for day in (start_day, end_day))
    after = [np.clip(day, turn, None) - turn for day in (start_day, end_day)]
    area = _exponential_area(np.exp(log_growth), early, late)
    area = area + special.expit(-logit_share) * _exponential_area(-np.exp(log_contraction), *after)
    area = area + special.expit(logit_share) * _exponential_area(-np.exp(log_persistence), *after)
    return np.asarray(log_level + _log(area))


def _exponential_area(rate: Array, start: Array, end: Array) -> Array:
    return np.asarray(np.exp(rate * start) * (end - start) * special.exprel(rate * (end - start)))
