"""Models of expansion: curves on the log scale, their gradients, starting values, and what is derived from them.

A curve is computed for a batch of mice at once: days have the shape (m, n), parameters (m, p). Parameters are on their
internal scale: the logarithm of what is positive (a level, a rate), the day itself for a position in time. Only the
exponential's rate stands on its own scale, because cells may also decline.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cartrace import growth_curves as shapes
from cartrace.growth_curves import Array

Mask = npt.NDArray[np.bool_]
Curve = Callable[[Array, Array], Array]

LOG_2 = float(np.log(2.0))
# ASSUME: rates lie between 0.0001 and 10 per day (half in 19 years, double in 1.7 h).
RATE_LIMITS_PER_DAY = (1e-4, 10.0)
# ASSUME: a turning point further from the scans than twice the time they span cannot be known from them.
DAY_LIMIT_SPANS = 2.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_PANELS = 16
_BLOCK = 64
_PLACES = (2.0 * np.arange(_PANELS)[:, None] + 1.0 + _NODES).ravel()
_LOG_WEIGHTS = np.log(np.tile(_WEIGHTS, _PANELS))
_DIFFERENCE = 1e-5


@dataclass(frozen=True)
class Parameter:
    """One parameter of a curve.

    `kind` is ``level`` (in the unit of the response), ``rate`` [1/day], ``day``, ``share`` or ``number``; `scale` is
    the internal scale, on which standard errors and intervals are made: ``log``, ``linear`` or ``logit``. `bounds`, on
    that scale, stand for the limits that follow from the kind.
    """

    name: str
    kind: str
    scale: str
    meaning: str
    bounds: tuple[float, float] | None = None


@dataclass(frozen=True)
class Peak:
    """The day of the peak: ``theta -> (m,), (m, p)``, linear in the parameter numbered `pivot` (-1: in none)."""

    of: Callable[[Array], tuple[Array, Array]]
    pivot: int


@dataclass(frozen=True)
class Model:
    """A model of expansion.

    Parameters
    ----------
    name, label, reference : str
        Name in the config, label for text and figures, source.
    parameters : tuple of Parameter
        In the order of the columns of theta; the first is the level, which shifts the log curve.
    log_curve : callable
        ``(day, theta) -> (m, n)``: logarithm of the response.
    gradient : callable
        ``(day, theta) -> (m, n, p)``: its derivatives by the internal parameters.
    growth_rate : callable
        ``(theta, day) -> (value, gradient)`` on `growth_scale`, shapes (m,) and (m, p); the day matters where the rate
        falls with time.
    growth_scale : str
        ``log`` or ``linear``.
    growth_pivot : int
        Number of a parameter in which the growth rate, on `growth_scale`, is linear.
    log_auc : callable
        ``(theta, start_day, end_day) -> (m,)``: logarithm of the area under the response.
    peak_day : callable
        ``theta -> (m,)``: where the curve is highest; infinite where it has no maximum.
    peak : Peak or None
        The day of the peak as a quantity, where the curve has one.
    starts : callable or None
        ``points -> (s, m, p)``: starting values, the likeliest first; None where the usual grid serves.
    level_pivot : int
        Number of the parameter that shifts the log curve, and so the logarithms of its peak and its area; -1 where
        none does, so that their intervals are not looked for in the likelihood.
    is_for_groups : bool
        Whether the curve has too many parameters for the scans of one mouse, and is fitted to groups only.
    """

    name: str
    label: str
    reference: str
    parameters: tuple[Parameter, ...]
    log_curve: Curve
    gradient: Curve
    growth_rate: Callable[[Array, Array], tuple[Array, Array]]
    growth_scale: str
    growth_pivot: int
    log_auc: Callable[[Array, float, Array | float], Array]
    peak_day: Callable[[Array], Array]
    peak: Peak | None = None
    starts: Callable[[Any], Array] | None = None
    level_pivot: int = 0
    is_for_groups: bool = False

    @property
    def n_parameters(self) -> int:
        """Number of parameters of the curve."""
        return len(self.parameters)


def log_auc_gradient(model: Model, theta: Array, start_day: float, end_day: float) -> Array:
    """Return the derivatives of the log area by the internal parameters, shape (m, p).

    Parameters
    ----------
    model : Model
        The model.
    theta : Array, shape (m, p)
        Internal parameters.
    start_day, end_day : float
        Limits of the area [day].

    Returns
    -------
    Array, shape (m, p)
        Mean of the log curve's gradient over the window, weighted with the response, by Gauss-Legendre quadrature.
    """
    days, log_weight = _nodes(start_day, np.array([end_day]))
    found = np.empty_like(theta)
    # In blocks, whose arrays of all nodes stay in the processor's cache.
    for first in range(0, len(theta), _BLOCK):
        some = theta[first : first + _BLOCK]
        day = np.broadcast_to(days, (len(some), days.shape[1]))
        log_response = model.log_curve(day, some)
        weight = np.exp(log_weight + log_response - log_response.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        found[first : first + _BLOCK] = np.einsum("mn,mnp->mp", weight, model.gradient(day, some))
    return found


def derivatives(of: Callable[[Array], Array], theta: Array) -> Array:
    """Return central differences of a function of theta by its columns, with that dimension last."""
    columns = []
    for index in range(theta.shape[1]):
        step = _DIFFERENCE * np.maximum(1.0, np.abs(theta[:, index]))
        up, down = theta.copy(), theta.copy()
        up[:, index] += step
        down[:, index] -= step
        difference = of(up) - of(down)
        columns.append(difference / (2.0 * step).reshape(-1, *[1] * (difference.ndim - 1)))
    return np.stack(columns, axis=-1)


def quadrature_of(log_curve: Curve) -> Callable[[Array, float, Array | float], Array]:
    """Return the logarithm of the area of a curve that has no closed form, by Gauss-Legendre quadrature."""

    def log_auc(theta: Array, start_day: float, end_day: Array | float) -> Array:
        day, log_weight = _nodes(start_day, np.broadcast_to(end_day, len(theta)))
        return np.asarray(np.logaddexp.reduce(log_weight + log_curve(day, theta), axis=1))

    return log_auc


def _nodes(start_day: float, end_day: Array) -> tuple[Array, Array]:
    """Return the days of a quadrature and the logarithms of their weights, shape (m, n)."""
    half = (end_day - start_day)[:, None] / (2.0 * _PANELS)
    with np.errstate(divide="ignore"):
        return start_day + half * _PLACES, np.log(half) + _LOG_WEIGHTS


def limits(model: Model, first_day: Array, last_day: Array) -> tuple[Array, Array]:
    """Return the lower and upper limits of the internal parameters, each of shape (m, p).

    Parameters
    ----------
    model : Model
        The model.
    first_day, last_day : Array, shape (m,)
        First and last scan of each mouse [day].
    """
    reach = DAY_LIMIT_SPANS * (last_day - first_day)
    slowest, fastest = RATE_LIMITS_PER_DAY
    free = np.full_like(first_day, np.inf)
    ranges = {
        ("level", "log"): (-free, free),
        ("rate", "log"): (np.full_like(free, np.log(slowest)), np.full_like(free, np.log(fastest))),
        ("rate", "linear"): (np.full_like(free, -fastest), np.full_like(free, fastest)),
        ("day", "linear"): (first_day - reach, last_day + reach),
        ("share", "logit"): (-free, free),
    }
    pairs = [
        ranges[parameter.kind, parameter.scale]
        if parameter.bounds is None
        else (np.full_like(free, parameter.bounds[0]), np.full_like(free, parameter.bounds[1]))
        for parameter in model.parameters
    ]
    return np.stack([low for low, _ in pairs], axis=-1), np.stack([high for _, high in pairs], axis=-1)


def _unit_gradient(theta: Array, index: int) -> Array:
    gradient = np.zeros_like(theta)
    gradient[:, index] = 1.0
    return gradient


def _parameter_as_growth_rate(index: int) -> Callable[[Array, Array], tuple[Array, Array]]:
    return lambda theta, day: (theta[:, index], _unit_gradient(theta, index))


def _at_end(theta: Array) -> Array:
    return np.full(len(theta), np.inf)


_LEVEL = Parameter("level", "level", "log", "Scale of the curve")
_MIDPOINT = Parameter("midpoint", "day", "linear", "Day of the fastest growth")

MODELS: tuple[Model, ...] = (
    Model(
        name="exponential",
        label="Exponential",
        reference="Malthusian growth; regression of the log response on time",
        parameters=(
            Parameter("initial", "level", "log", "Response on day 0"),
            Parameter("growth_rate", "rate", "linear", "Specific growth rate; negative where cells decline"),
        ),
        log_curve=shapes.exponential,
        gradient=shapes.exponential_gradient,
        growth_rate=_parameter_as_growth_rate(1),
        growth_scale="linear",
        growth_pivot=1,
        log_auc=shapes.exponential_log_auc,
        peak_day=lambda theta: np.where(theta[:, 1] >= 0.0, np.inf, -np.inf),
    ),
    Model(
        name="lag_exponential",
        label="Lag-exponential",
        reference="Exponential growth above a constant; the lag ends where both asymptotes meet, with a smooth turn",
        parameters=(
            Parameter("initial", "level", "log", "Response before growth"),
            Parameter("growth_rate", "rate", "log", "Specific growth rate after the lag"),
            Parameter("lag", "day", "linear", "Day on which the line of growth meets the initial response"),
        ),
        log_curve=shapes.lag_exponential,
        gradient=shapes.lag_exponential_gradient,
        growth_rate=_parameter_as_growth_rate(1),
        growth_scale="log",
        growth_pivot=1,
        log_auc=shapes.lag_exponential_log_auc,
        peak_day=_at_end,
    ),
    Model(
        name="logistic",
        label="Logistic",
        reference="Verhulst 1838; Richards 1959, doi:10.1093/jxb/10.2.290",
        parameters=(
            Parameter("plateau", "level", "log", "Response that growth tends to"),
            Parameter("growth_rate", "rate", "log", "Specific growth rate before saturation"),
            _MIDPOINT,
        ),
        log_curve=shapes.logistic,
        gradient=shapes.logistic_gradient,
        growth_rate=_parameter_as_growth_rate(1),
        growth_scale="log",
        growth_pivot=1,
        log_auc=shapes.logistic_log_auc,
        peak_day=_at_end,
    ),
    Model(
        name="gompertz",
        label="Gompertz",
        reference="Laird 1964, doi:10.1038/bjc.1964.55",
        parameters=(
            Parameter("plateau", "level", "log", "Response that growth tends to"),
            Parameter("slowing_rate", "rate", "log", "Rate at which growth slows down"),
            _MIDPOINT,
        ),
        log_curve=shapes.gompertz,
        gradient=shapes.gompertz_gradient,
        growth_rate=shapes.gompertz_growth_rate,
        growth_scale="log",
        growth_pivot=2,
        log_auc=shapes.gompertz_log_auc,
        peak_day=_at_end,
    ),
    Model(
        name="expansion_contraction",
        label="Expansion and contraction",
        reference="Stein et al. 2019, doi:10.1002/psp4.12388, with one contraction phase and a smooth turn",
        parameters=(
            _LEVEL,
            Parameter("growth_rate", "rate", "log", "Specific growth rate of the expansion"),
            Parameter("contraction_rate", "rate", "log", "Rate of the contraction"),
            Parameter("turn_day", "day", "linear", "Day on which the asymptotes of both phases cross"),
        ),
        log_curve=shapes.expansion_contraction,
        gradient=shapes.expansion_contraction_gradient,
        growth_rate=_parameter_as_growth_rate(1),
        growth_scale="log",
        growth_pivot=1,
        log_auc=shapes.expansion_contraction_log_auc,
        peak_day=shapes.expansion_contraction_peak_day,
        peak=Peak(shapes.peak_of_expansion, 3),
    ),
)
GROUP_MODELS: tuple[Model, ...] = (
    Model(
        name="stein",
        label="Expansion, contraction and persistence",
        reference="Stein et al. 2019, doi:10.1002/psp4.12388, with a smooth turn",
        parameters=(
            _LEVEL,
            Parameter("growth_rate", "rate", "log", "Specific growth rate of the expansion"),
            Parameter("contraction_rate", "rate", "log", "Rate of the contraction"),
            Parameter("persistent_fraction", "share", "logit", "Share of the cells that persist"),
            Parameter("persistent_rate", "rate", "log", "Rate at which these decline"),
            Parameter("turn_day", "day", "linear", "Day on which expansion turns into contraction"),
        ),
        log_curve=shapes.stein,
        gradient=shapes.stein_gradient,
        growth_rate=_parameter_as_growth_rate(1),
        growth_scale="log",
        growth_pivot=1,
        log_auc=quadrature_of(shapes.stein),
        peak_day=shapes.stein_peak_day,
        peak=Peak(lambda theta: (shapes.stein_peak_day(theta), derivatives(shapes.stein_peak_day, theta)), -1),
        is_for_groups=True,
    ),
)
BY_NAME = {model.name: model for model in (*MODELS, *GROUP_MODELS)}
