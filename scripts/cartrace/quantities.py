"""What is read from a fitted curve: its parameters, growth rate, doubling time, peak and area, with their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cartrace.expansion import Study
from cartrace.expansion_points import Texts
from cartrace.growth import LOG_2, log_auc_gradient
from cartrace.growth_curves import Array
from cartrace.held import Value

EXTRAPOLATED_AUC_FRAC = 0.2
LATE_FIRST_SCAN_DAYS = 1.0


@dataclass(frozen=True)
class Quantity:
    """A parameter or derived quantity of the fitted mice, on its scale of inference.

    Parameters
    ----------
    name, unit, scale : str
        As in :class:`cartrace.tables.Estimates`.
    of : callable
        ``(theta (k, p), rows (k,)) -> (k,), (k, p)``: value and derivatives at other parameters of some of the mice.
    pivot : int
        Number of a parameter in which the quantity is linear; -1 where it is no quantity of its own.
    source : str
        Name of the rate that this time is ``ln 2`` over: it has its limits, transformed; or an empty text.
    value, gradient : Array, shapes (m,) and (m, p)
        At the fits.
    reason, note : ndarray of str, shape (m,)
        Why a mouse has none; what limits it.
    """

    name: str
    unit: str
    scale: str
    of: Value
    pivot: int
    source: str
    value: Array
    gradient: Array
    reason: Texts
    note: Texts


def quantities(study: Study, auc_days: Sequence[float]) -> list[Quantity]:
    """Return the parameters and derived quantities of the fitted mice, on their scales of inference.

    Parameters
    ----------
    study : Study
        The fits.
    auc_days : sequence of float
        Limits of the area under the curve [day].

    Returns
    -------
    list of Quantity
        Parameters of the curve; growth_rate [1/day], doubling_time [day], peak (highest fitted response between the
        first and the last scan), time_of_peak [day], auc; contraction_half_life [day] where cells contract.
    """
    model = study.model
    units = {"level": study.unit, "rate": "1/day", "day": "day", "share": "", "number": ""}
    found = [
        _quantity(study, parameter.name, units[parameter.kind], parameter.scale, _parameter(index), index)
        for index, parameter in enumerate(model.parameters)
    ]

    def growth(theta: Array, rows: np.ndarray) -> tuple[Array, Array]:
        return model.growth_rate(theta, np.full(len(theta), study.growth_day))

    if "growth_rate" not in {quantity.name for quantity in found}:
        found.append(_quantity(study, "growth_rate", "1/day", model.growth_scale, growth, model.growth_pivot))
        first = study.points.rows(study.rows).first_quantified_day
        for row in np.flatnonzero(first > study.growth_day + LATE_FIRST_SCAN_DAYS):
            found[-1].note[row] = (
                f"that of day {study.growth_day:.4g}, as of all mice; this one is above detection from day "
                f"{first[row]:.4g} on"
            )
    rates = {quantity.name: quantity for quantity in found}
    found += [_time_of("doubling_time", study, rates["growth_rate"]), *_peak(study), _auc(study, auc_days)]
    if "contraction_rate" in rates:
        found.append(_time_of("contraction_half_life", study, rates["contraction_rate"]))
    return found


def _quantity(study: Study, name: str, unit: str, scale: str, of: Value, pivot: int, *, source: str = "") -> Quantity:
    theta = study.fit.theta
    with np.errstate(over="ignore", invalid="ignore"):
        value, gradient = of(theta, np.arange(len(theta)))
    nothing = np.full(len(value), "", dtype=object)
    return Quantity(name, unit, scale, of, pivot, source, value, gradient, nothing, nothing.copy())


def _parameter(index: int) -> Value:
    def of(theta: Array, rows: np.ndarray) -> tuple[Array, Array]:
        gradient = np.zeros_like(theta)
        gradient[:, index] = 1.0
        return theta[:, index], gradient

    return of


def _time_of(name: str, study: Study, rate: Quantity) -> Quantity:
    """Return ``ln 2`` over a rate, on the log scale."""
    if rate.scale == "log":

        def of(theta: Array, rows: np.ndarray) -> tuple[Array, Array]:
            value, gradient = rate.of(theta, rows)
            return np.log(LOG_2) - value, -gradient

        return _quantity(study, name, "day", "log", of, -1, source=rate.name)

    def of_rising(theta: Array, rows: np.ndarray) -> tuple[Array, Array]:
        value, gradient = rate.of(theta, rows)
        positive = np.where(value > 0.0, value, 1.0)
        return np.log(LOG_2 / positive), -gradient / positive[:, None]

    quantity = _quantity(study, name, "day", "log", of_rising, -1, source=rate.name)
    quantity.reason[~(rate.value > 0.0)] = "the response does not grow: it has no doubling time"
    return quantity


def _peak(study: Study) -> list[Quantity]:
    """Return the highest fitted response between first and last scan, and its day."""
    model, theta = study.model, study.fit.theta
    points = study.points.rows(study.rows)
    first, last = points.first_day, points.last_day

    def of(theta: Array, rows: np.ndarray) -> tuple[Array, Array]:
        day = np.clip(model.peak_day(theta), first[rows], last[rows])[:, None]
        return model.log_curve(day, theta)[:, 0], model.gradient(day, theta)[:, 0]

    peak = _quantity(study, "peak", study.unit, "log", of, model.level_pivot)
    top = model.peak_day(theta)
    peak.note[top > last] = "the curve still rises at the last scan"
    peak.note[top < first] = "the curve falls from the first scan on"
    if model.peak is None:
        when = _quantity(study, "time_of_peak", "day", "linear", _parameter(0), -1)
        when.reason[:] = f"the {model.label.lower()} curve has no peak"
        return [peak, when]
    dated = model.peak
    when = _quantity(study, "time_of_peak", "day", "linear", lambda theta, rows: dated.of(theta), dated.pivot)
    for row in np.flatnonzero(top >= last):
        when.reason[row] = f"the curve still rises at the last scan (day {last[row]:.4g}): the peak lies after it"
    for row in np.flatnonzero(top <= first):
        when.reason[row] = f"the curve falls from the first scan on (day {first[row]:.4g}): the peak lies before it"
    return [peak, when]


def _auc(study: Study, auc_days: Sequence[float]) -> Quantity:
    """Return the area under the curve over fixed days; a window that does not reach that far gives none."""
    model, theta = study.model, study.fit.theta
    start, end = float(auc_days[0]), float(auc_days[1])

    def of(theta: Array, rows: np.ndarray) -> tuple[Array, Array]:
        return model.log_auc(theta, start, end), log_auc_gradient(model, theta, start, end)

    quantity = _quantity(study, "auc", f"{study.unit}·day", "log", of, model.level_pivot)
    if study.window_days[0] > start or study.window_days[1] < end:
        quantity.reason[:] = (
            f"the {model.label.lower()} curve describes day {study.window_days[0]:g} to {study.window_days[1]:g}, "
            f"not the whole of day {start:g} to {end:g}"
        )
        return quantity
    last = np.clip(study.points.rows(study.rows).last_day, start, end)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        after = 1.0 - np.exp(model.log_auc(theta, start, last) - quantity.value)
    for row in np.flatnonzero(after > EXTRAPOLATED_AUC_FRAC):
        quantity.note[row] = f"{100.0 * after[row]:.0f} % of the area lies after the last scan (day {last[row]:.4g})"
    return quantity
