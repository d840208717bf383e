"""What is read from a fitted curve: its parameters, growth rate, doubling time, peak and area, with their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cartrace.expansion import Study, Texts
from cartrace.growth import LOG_2, Model, log_auc_gradient
from cartrace.growth_curves import Array, peak_of_expansion

EXTRAPOLATED_AUC_FRAC = 0.2
LATE_FIRST_SCAN_DAYS = 1.0


@dataclass(frozen=True)
class Quantity:
    """A parameter or derived quantity of the fitted mice, on its scale of inference, shapes (k,) and (k, p).

    `reason` says why a mouse has none; `note` what limits it.
    """

    name: str
    unit: str
    scale: str
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
    model, theta = study.model, study.fit.theta
    units = {"level": study.unit, "rate": "1/day", "day": "day"}
    found = [
        _quantity(parameter.name, units[parameter.kind], parameter.scale, theta[:, index], _only(theta, index))
        for index, parameter in enumerate(model.parameters)
    ]
    growth, gradient = model.growth_rate(theta, study.points.rows(study.rows).first_day)
    if "growth_rate" not in {quantity.name for quantity in found}:
        found.append(_quantity("growth_rate", "1/day", model.growth_scale, growth, gradient))
        # A rate that falls with time is not comparable between mice whose first scans lie apart.
        first = study.points.rows(study.rows).first_day
        for row in np.flatnonzero(first > first.min(initial=np.inf) + LATE_FIRST_SCAN_DAYS):
            found[-1].note[row] = f"taken at day {first[row]:.4g}; other mice start at day {first.min():.4g}"
    found += [_doubling_time(model, growth, gradient), *_peak(study), _auc(study, auc_days)]
    for index, parameter in enumerate(model.parameters):
        if parameter.name == "contraction_rate":
            found.append(_half_time("contraction_half_life", theta[:, index], _only(theta, index)))
    return found


def _quantity(name: str, unit: str, scale: str, value: Array, gradient: Array) -> Quantity:
    nothing = np.full(len(value), "", dtype=object)
    return Quantity(name, unit, scale, value, gradient, nothing, nothing.copy())


def _only(theta: Array, index: int) -> Array:
    gradient = np.zeros_like(theta)
    gradient[:, index] = 1.0
    return gradient


def _half_time(name: str, log_rate: Array, gradient: Array) -> Quantity:
    return _quantity(name, "day", "log", np.log(LOG_2) - log_rate, -gradient)


def _doubling_time(model: Model, growth: Array, gradient: Array) -> Quantity:
    if model.growth_scale == "log":
        return _half_time("doubling_time", growth, gradient)
    rising = growth > 0.0
    rate = np.where(rising, growth, 1.0)
    quantity = _half_time("doubling_time", np.log(rate), gradient / rate[:, None])
    quantity.reason[~rising] = "the response does not grow: it has no doubling time"
    return quantity


def _peak(study: Study) -> list[Quantity]:
    """Return the highest fitted response between first and last scan, and its day."""
    model, theta = study.model, study.fit.theta
    points = study.points.rows(study.rows)
    first, last = points.first_day, points.last_day
    top = model.peak_day(theta)
    day = np.clip(top, first, last)[:, None]
    peak = _quantity("peak", study.unit, "log", model.log_curve(day, theta)[:, 0], model.gradient(day, theta)[:, 0])
    peak.note[top > last] = "the curve still rises at the last scan"
    peak.note[top < first] = "the curve falls from the first scan on"
    if not np.isfinite(top).any():
        when = _quantity("time_of_peak", "day", "linear", day[:, 0], np.zeros_like(theta))
        when.reason[:] = f"the {model.label.lower()} curve has no peak"
        return [peak, when]
    when = _quantity("time_of_peak", "day", "linear", *peak_of_expansion(theta))
    for row in np.flatnonzero(top >= last):
        when.reason[row] = f"the curve still rises at the last scan (day {last[row]:.4g}): the peak lies after it"
    for row in np.flatnonzero(top <= first):
        when.reason[row] = f"the curve falls from the first scan on (day {first[row]:.4g}): the peak lies before it"
    return [peak, when]


def _auc(study: Study, auc_days: Sequence[float]) -> Quantity:
    """Return the area under the curve over fixed days; a window that does not reach that far gives none."""
    model, theta = study.model, study.fit.theta
    start, end = float(auc_days[0]), float(auc_days[1])
    value = model.log_auc(theta, start, end)
    gradient = log_auc_gradient(model, theta, start, end)
    quantity = _quantity("auc", f"{study.unit}·day", "log", value, gradient)
    if study.window_days[0] > start or study.window_days[1] < end:
        quantity.reason[:] = (
            f"the {model.label.lower()} curve describes day {study.window_days[0]:g} to {study.window_days[1]:g}, "
            f"not the whole of day {start:g} to {end:g}"
        )
        return quantity
    last = np.clip(study.points.rows(study.rows).last_day, start, end)
    with np.errstate(divide="ignore"):
        after = 1.0 - np.exp(model.log_auc(theta, start, last) - value)
    for row in np.flatnonzero(after > EXTRAPOLATED_AUC_FRAC):
        quantity.note[row] = f"{100.0 * after[row]:.0f} % of the area lies after the last scan (day {last[row]:.4g})"
    return quantity
