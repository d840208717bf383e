"""A lab's own model of expansion: an lmfit Model turned into one of the registry's kind, with numeric derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from cartrace.censoring import Points
from cartrace.errors import InputError, Problem, nearest
from cartrace.growth import Model, Parameter, Peak, derivatives, quadrature_of
from cartrace.growth_curves import Array

KINDS = {"response": "level", "1/day": "rate", "day": "day", "": "number"}
_LEAST, _MOST_LOG, _STEP = 1e-300, 300.0, 1e-5
_FACTORS, _SHIFTS = (0.0, -1.0, 1.0), (0.0, -0.25, 0.25)  # on the log scale; times the span of the scans
_MOST_STARTS, _STARTS = 243, 5
_GRID, _HALVINGS = 200, 40


@dataclass(frozen=True)
class _Curve:
    """The lmfit Model as a function of internal parameters, for a batch of mice."""

    model: Any
    names: tuple[str, ...]
    is_log: tuple[bool, ...]

    def response(self, day: Array, theta: Array) -> Array:
        own = np.where(self.is_log, np.exp(np.clip(theta, -_MOST_LOG, _MOST_LOG)), theta)
        together = {name: own[:, index, None] for index, name in enumerate(self.names)}
        try:
            found = np.asarray(self.model.eval(day=day, **together), dtype=np.float64)
            if found.shape == day.shape:
                return found
        except (ValueError, TypeError):
            pass
        # A function that is written for one mouse at a time.
        rows = [
            self.model.eval(day=day[row], **dict(zip(self.names, own[row], strict=True))) for row in range(len(own))
        ]
        return np.array([np.broadcast_to(row, day.shape[1]) for row in rows], dtype=np.float64).reshape(day.shape)

    def log_curve(self, day: Array, theta: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(np.log(np.maximum(self.response(day, theta), _LEAST)))

    def gradient(self, day: Array, theta: Array) -> Array:
        # All differences in one call of the lab's function: its own cost is small beside that of calling it.
        m, p = theta.shape
        step = _STEP * np.maximum(1.0, np.abs(theta))
        shift = np.concatenate([np.eye(p), -np.eye(p)])[:, None, :] * step
        moved = self.log_curve(np.concatenate([day] * (2 * p)), (theta + shift).reshape(-1, p))
        moved = moved.reshape(2, p, m, day.shape[1])
        return np.asarray(np.moveaxis((moved[0] - moved[1]) / (2.0 * step.T[:, :, None]), 0, -1))


def own_model(
    model: Any, units: Mapping[str, str], *, name: str, path: str, window_days: Sequence[float], error: str
) -> Model:
    """Return an lmfit Model as a model of expansion.

    Parameters
    ----------
    model : lmfit.Model
        A function of ``day`` that returns the response, with a start and limits for every parameter as its hints.
    units : mapping
        ``response``, ``1/day``, ``day`` or an empty text, by parameter.
    name, path : str
        Name in the config; file, for messages.
    window_days : sequence of float
        Days that are fitted [day].
    error : str
        Name of the error model.

    Returns
    -------
    Model
        A parameter with ``min`` of 0 or more is fitted on the log scale, any other as it is. The growth rate is the
        parameter ``growth_rate`` if there is one, else the slope of the log curve on a day.

    Raises
    ------
    InputError
        With all that is wrong with the model.
    """
    problems = _problems(model, units, path)
    if problems:
        raise InputError(problems)
    hints = {one: model.param_hints[one] for one in model.param_names}
    is_log = tuple(float(hints[one].get("min", -np.inf)) >= 0.0 for one in hints)
    curve = _Curve(model, tuple(hints), is_log)
    start = np.array([[_internal(hints[one]["value"], log) for one, log in zip(hints, is_log, strict=True)]])
    days = np.linspace(window_days[0], window_days[1], 8)[None]
    problems = _curve_problems(curve, start, days, path)
    if problems:
        raise InputError(problems)
    parameters = tuple(
        Parameter(
            one, KINDS[units[one]], "log" if log else "linear", "Of the lab's own model", _bounds(hints[one], log)
        )
        for one, log in zip(hints, is_log, strict=True)
    )
    # The level comes first, because the other parts of the fit look for it there.
    level = _level_of(curve, start, days, parameters)
    if level < 0 and error != "log_normal":
        why = f"the curve is proportional to none of its parameters, which the {error} error needs"
        remedy = "Set expansion.error_model to log_normal, or write the curve as a level times a shape"
        raise InputError([Problem("own-model", why, remedy, file=path)])
    order = sorted(range(len(parameters)), key=lambda index: (index != level, index))
    return _assembled(curve, parameters, order, start, has_level=level >= 0, name=name, window_days=window_days)


def _internal(value: float, is_log: bool) -> float:
    return float(np.log(value)) if is_log else float(value)


def _bounds(hint: Mapping[str, float], is_log: bool) -> tuple[float, float]:
    low, high = float(hint.get("min", -np.inf)), float(hint.get("max", np.inf))
    if not is_log:
        return low, high
    with np.errstate(divide="ignore"):
        return float(np.log(low)), float(np.log(high))


def _assembled(
    curve: _Curve,
    parameters: tuple[Parameter, ...],
    order: Sequence[int],
    start: Array,
    *,
    has_level: bool,
    name: str,
    window_days: Sequence[float],
) -> Model:
    ordered = _Curve(curve.model, tuple(curve.names[i] for i in order), tuple(curve.is_log[i] for i in order))
    kinds = tuple(parameters[index] for index in order)
    first = start[:, list(order)]
    top = _peak_of(ordered, window_days)
    position = _position_of(ordered, first, window_days, kinds)
    rate, scale, pivot = _growth(ordered, kinds)
    return Model(
        name=name,
        label=name.replace("_", " "),
        reference="The lab's own",
        parameters=kinds,
        log_curve=ordered.log_curve,
        gradient=ordered.gradient,
        growth_rate=rate,
        growth_scale=scale,
        growth_pivot=pivot,
        log_auc=quadrature_of(ordered.log_curve),
        peak_day=top,
        peak=Peak(lambda theta: (top(theta), derivatives(top, theta)), position),
        starts=_starts_of(ordered, kinds, first, has_level=has_level),
        level_pivot=0 if has_level else -1,
    )


def _problems(model: Any, units: Mapping[str, str], path: str) -> list[Problem]:
    found = []

    def add(why: str, remedy: str) -> None:
        found.append(Problem("own-model", why, remedy, file=path))

    if list(model.independent_vars) != ["day"]:
        add(f"the model is a function of {', '.join(model.independent_vars)}", "Make it one of day alone")
    for one in sorted(set(units) - set(model.param_names)):
        near = nearest(one, model.param_names)
        add(f"units names '{one}', which is no parameter", f"Did you mean '{near[0]}'?" if near else "Leave it out")
    for one in model.param_names:
        hint = model.param_hints.get(one, {})
        if units.get(one) not in KINDS:
            add(f"the parameter '{one}' has no unit that is known", "Give it 'response', '1/day', 'day' or '' in units")
        if "expr" in hint or not hint.get("vary", True):
            add(f"the parameter '{one}' is fixed or tied to others", "Write what is constant into the function itself")
        value, low, high = hint.get("value"), hint.get("min", -np.inf), hint.get("max", np.inf)
        if value is None or not low <= value <= high or (low >= 0.0 and value <= 0.0):
            add(
                f"the parameter '{one}' has no starting value between its limits",
                f"Write model.set_param_hint('{one}', value=..., min=..., max=...)",
            )
    return found


def _curve_problems(curve: _Curve, start: Array, days: Array, path: str) -> list[Problem]:
    try:
        response = curve.response(days, start)
    except Exception as error:
        why = f"the model's function fails at its starting values: {type(error).__name__}: {error}"
        return [Problem("own-model", why, "Mend it; it takes an array of days and returns the response", file=path)]
    if np.isfinite(response).all() and (response > 0.0).all():
        return []
    why = "at its starting values the model's response is not positive on every day that is fitted"
    return [Problem("own-model", why, "Choose other starting values, or a curve that is positive", file=path)]


def _level_of(curve: _Curve, start: Array, days: Array, parameters: Sequence[Parameter]) -> int:
    """Return the number of the parameter that the whole curve is proportional to; -1 where there is none."""
    here = curve.log_curve(days, start)
    for index, parameter in enumerate(parameters):
        moved = start.copy()
        moved[:, index] += 0.5
        is_level = parameter.kind == "level" and parameter.scale == "log"
        if is_level and np.allclose(curve.log_curve(days, moved) - here, 0.5, rtol=0.0, atol=1e-9):
            return index
    return -1


def _position_of(curve: _Curve, start: Array, window_days: Sequence[float], parameters: Sequence[Parameter]) -> int:
    """Return the number of the parameter that moves the whole curve in time, its peak too; -1 where there is none."""
    days = np.linspace(window_days[0], window_days[1], 8)[None]
    here = curve.log_curve(days, start)
    for index, parameter in enumerate(parameters):
        moved = start.copy()
        moved[:, index] += 0.5
        is_day = parameter.kind == "day" and parameter.scale == "linear"
        if is_day and np.allclose(curve.log_curve(days + 0.5, moved), here, rtol=0.0, atol=1e-9):
            return index
    return -1


def _growth(
    curve: _Curve, parameters: Sequence[Parameter]
) -> tuple[Callable[[Array, Array], tuple[Array, Array]], str, int]:
    """Return the growth rate with its gradient, its scale, and the parameter in which it is linear."""
    if "growth_rate" in curve.names:
        index = curve.names.index("growth_rate")
        unit = np.eye(len(parameters))[index]
        return lambda theta, _: (theta[:, index], np.tile(unit, (len(theta), 1))), parameters[index].scale, index

    def slope(theta: Array, on: Array) -> Array:
        around = on[:, None] + np.array([-1e-4, 1e-4])
        return np.asarray(np.diff(curve.log_curve(around, theta), axis=1)[:, 0] / 2e-4)

    def rate(theta: Array, on: Array) -> tuple[Array, Array]:
        return slope(theta, on), derivatives(lambda moved: slope(moved, on), theta)

    return rate, "linear", -1


def _peak_of(curve: _Curve, window_days: Sequence[float]) -> Callable[[Array], Array]:
    """Return where a curve is highest within the window: infinite where that is an end of it."""
    grid = np.linspace(window_days[0], window_days[1], _GRID)
    inner = (np.sqrt(5.0) - 1.0) / 2.0

    def peak_day(theta: Array) -> Array:
        if not len(theta):
            return np.zeros(0)
        best = curve.log_curve(np.broadcast_to(grid, (len(theta), _GRID)), theta).argmax(axis=1)
        low, high = grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, _GRID - 1)]
        for _ in range(_HALVINGS):
            left, right = high - inner * (high - low), low + inner * (high - low)
            values = curve.log_curve(np.stack([left, right], axis=1), theta)
            rises = values[:, 0] < values[:, 1]
            low, high = np.where(rises, left, low), np.where(rises, high, right)
        day = (low + high) / 2.0
        return np.where(best == 0, -np.inf, np.where(best == _GRID - 1, np.inf, day))

    return peak_day


def _starts_of(
    curve: _Curve, parameters: Sequence[Parameter], start: Array, *, has_level: bool
) -> Callable[[Points], Array]:
    """Return the best of a grid about the hints for each mouse, the level following from the others."""

    def starts(points: Points) -> Array:
        span = points.last_day - points.first_day
        quantified = points.used & ~points.censored
        weight = quantified / np.maximum(quantified.sum(axis=1, keepdims=True), 1)
        candidates, squares = [], []
        for moves in list(product(*_moves(parameters, has_level)))[:_MOST_STARTS]:
            theta = np.repeat(start, len(span), axis=0)
            for index, (parameter, move) in enumerate(zip(parameters, moves, strict=True)):
                theta[:, index] += move * (span if parameter.kind == "day" else 1.0)
            gap = points.log_response - curve.log_curve(points.day, theta)
            if has_level:
                shift = np.einsum("mn,mn->m", gap, weight)
                theta[:, 0] += shift
                gap = gap - shift[:, None]
            gap = np.where(points.used, np.where(points.censored, np.minimum(gap, 0.0), gap), 0.0)
            candidates.append(theta)
            squares.append(np.einsum("mn,mn->m", gap, gap))
        order = np.argsort(np.nan_to_num(squares, nan=np.inf), axis=0, kind="stable")[:_STARTS]
        return np.take_along_axis(np.stack(candidates), order[:, :, None], axis=0)

    return starts


def _moves(parameters: Sequence[Parameter], has_level: bool) -> list[tuple[float, ...]]:
    moves: list[tuple[float, ...]] = []
    for index, parameter in enumerate(parameters):
        if parameter.kind == "day":
            moves.append(_SHIFTS)
        elif parameter.scale == "log" and not (has_level and index == 0):
            moves.append(_FACTORS)
        else:
            moves.append((0.0,))
    return moves
