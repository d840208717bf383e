"""Fit one shape of the curve to all mice of a group, which differ in level only; the levels are free parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cartrace.population.fit import LONGEST_STEP
from cartrace.population.laplace import Batch, conditional_modes
from cartrace.population.model import Array, Population, Responses
from cartrace.quasi_newton import Rows, hessian, minimise, positive_inverse

_TOLERANCE = 1e-10
_LEFT_OVER = 1e-6
_STEP = 1e-4


@dataclass(frozen=True)
class SharedFit:
    """A fit with shared shape.

    Parameters
    ----------
    status, reason : str
        ``ok``, or ``not_converged`` with the reason and NaN for every estimate.
    beta : Array, shape (r,)
        Fixed effects of the shape, in the order of the design's columns without those of the level.
    beta_covariance : Array, shape (r, r)
        Their covariance, with the residual variance on its degrees of freedom.
    level : Array, shape (m, q)
        Level of each mouse.
    sigma : float
        Residual standard deviation on `df` degrees of freedom.
    df : int
        Points minus parameters of the mean.
    log_likelihood : float
        Largest log-likelihood (its variance has the number of points as divisor).
    n_parameters : int
        Shape, levels and sigma.
    theta : Array, shape (m, p)
        Parameters of each mouse.
    """

    status: str
    reason: str
    beta: Array
    beta_covariance: Array
    level: Array
    sigma: float
    df: int
    log_likelihood: float
    n_parameters: int
    theta: Array


@dataclass
class _Profile:
    """Minus log-likelihood with the levels at their best, by shape and ln sigma."""

    population: Population
    data: Responses
    design: Array
    scale: Array
    levels: Array

    def batch(self, values: Array) -> Batch:
        loading = np.eye(self.design.shape[1])[:, list(self.population.random)]
        m = self.data.n_mice
        return Batch(
            population=self.population,
            x=self.data.x,
            y=self.data.y,
            used=self.data.used,
            censored=self.data.censored,
            centre=self.design @ values[:-1],
            loading=np.broadcast_to(loading, (m, *loading.shape)),
            sigma=np.full((m, 1), np.exp(values[-1])),
        )

    def __call__(self, x: Array, rows: Rows) -> tuple[Array, Array]:
        results = [self._one(row * self.scale) for row in x]
        return np.array([value for value, _ in results]), np.array([gradient for _, gradient in results]) * self.scale

    def _one(self, values: Array) -> tuple[float, Array]:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            batch = self.batch(values)
            levels = conditional_modes(batch, self.levels, prior=0.0)
            theta = batch.theta(levels)
            points, jacobian = batch.terms(theta), batch.gradient(theta)
        value = float(points.value.sum())
        if np.isfinite(value):
            self.levels = levels
        score = np.einsum("mnp,mn,mpr->r", jacobian, points.slope, self.design)
        return value, np.append(score, points.value_by_log_sigma.sum())


def fit_shared(data: Responses, population: Population, design: Array, start: Array) -> SharedFit:
    """Fit curves of one shape, each mouse with its own level.

    Parameters
    ----------
    data : Responses
        Points of the mice; each mouse has a quantified one.
    population : Population
        The model; its `random` parameters are the levels, as a rule the first parameter alone.
    design : Array, shape (m, p, r)
        Fixed effects as `group_design` makes them; columns of the levels are left out.
    start : Array, shape (m, p)
        Parameters of each mouse fitted by itself; rows of NaN where it could not be.

    Returns
    -------
    SharedFit
        Differences of shape between mice count as residual scatter here, so that its standard errors hold only if there
        are none; `fit` is the model that allows for them.

    Raises
    ------
    ValueError
        Where a mouse has no quantified point, no mouse has a start, or more is to be estimated than there are points.

    Notes
    -----
    Levels are profiled out mouse by mouse; the gradient by the others is then the partial one.
    """
    # ASSUME: in the fit with shared shape, mice of a group differ in level only.
    known = np.asarray(np.isfinite(start).all(axis=1))
    levels = list(population.random)
    shape = design[:, :, ~design[:, levels, :].any(axis=(0, 1))]
    df = data.n_points - shape.shape[2] - data.n_mice * len(levels)
    if not known.any() or not (data.used & ~data.censored).any(axis=1).all() or df < 1:
        raise ValueError("a shared shape needs a start, a quantified point in each mouse, and spare degrees of freedom")
    others = [index for index in range(start.shape[1]) if index not in levels]
    middle = np.median(start[known], axis=0)
    columns = shape[:, others].reshape(-1, shape.shape[2])
    beta = np.asarray(np.linalg.lstsq(columns, np.tile(middle[others], len(start)), rcond=None)[0], dtype=np.float64)
    unit = np.maximum(np.std(start[known], axis=0), 0.01 * np.maximum(np.abs(middle), 0.1))
    reach = np.abs(shape).max(axis=0)
    scale = np.append(np.min(np.where(reach > 0.0, unit[:, None], np.inf), axis=0), 1.0)
    objective = _Profile(population, data, shape, scale, np.where(known[:, None], start, middle)[:, levels])
    first = np.append(beta, np.log(_scatter(objective, beta))) / scale
    metric = positive_inverse(np.nan_to_num(hessian(objective, first, 0, np.full(len(scale), _STEP))), least=1e-4)[None]
    found = minimise(objective, first[None], inverse_hessian=metric, tolerance=_TOLERANCE, longest_step=LONGEST_STEP)
    return _described(objective, found.x[0], df)


def _scatter(objective: _Profile, beta: Array) -> float:
    """Return the residual scatter of the starting shape with levels fitted to it."""
    data, guess = objective.data, float(np.std(objective.data.y[objective.data.used])) or 1.0
    batch = objective.batch(np.append(beta, np.log(guess)))
    objective.levels = conditional_modes(batch, objective.levels, prior=0.0)
    residual = data.y - objective.population.curve(data.x, batch.theta(objective.levels))
    return max(float(np.sqrt(np.mean(residual[data.used & ~data.censored] ** 2))), 1e-3 * guess)


def _described(objective: _Profile, x: Array, df: int) -> SharedFit:
    values, n = x * objective.scale, objective.data.n_points
    value, gradient = objective(x[None], np.zeros(1, dtype=np.intp))
    information = hessian(objective, x, 0, np.full(len(x), _STEP))
    metric = positive_inverse(np.nan_to_num(information), least=1e-10)
    ok = bool(np.isfinite(value[0])) and 0.5 * float(gradient[0] @ metric @ gradient[0]) < _LEFT_OVER
    known = 1.0 if ok else np.nan
    covariance = known * metric * objective.scale[:, None] * objective.scale * (n / df)
    return SharedFit(
        status="ok" if ok else "not_converged",
        reason="" if ok else "the likelihood of the shared shape was not brought to its maximum",
        beta=values[:-1] * known,
        beta_covariance=covariance[:-1, :-1],
        level=objective.levels * known,
        sigma=float(np.exp(values[-1]) * np.sqrt(n / df)) * known,
        df=df,
        log_likelihood=-float(value[0]) * known,
        n_parameters=len(x) + objective.levels.size,
        theta=objective.batch(values).theta(objective.levels) * known,
    )
