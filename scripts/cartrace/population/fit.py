"""Fit a nonlinear mixed model by maximum likelihood (first-order conditional estimation)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cartrace.population.laplace import Laplace
from cartrace.population.model import Array, Mask, Population, Responses
from cartrace.quasi_newton import Minimum, hessian, minimise, positive_inverse

_MAD_TO_SD = 1.4826
_TOLERANCE = 1e-8
# Decrease of the log-likelihood that a converged fit may still have before it.
_LEFT_OVER = 1e-4
# In units of what varies between mice.
LONGEST_STEP = 2.0
_HESSIAN_STEP = 1e-3
# Least curvature, relative to the largest, that a metric for further fits counts with.
_LEAST_CURVATURE = 1e-4
_FLAT, _FLAT_SHARE = 1e-7, 1e-3
# Share of a parameter's unit below which the standard deviation of a random effect counts as zero.
SINGULAR_BELOW = 1e-3


@dataclass(frozen=True)
class Scaling:
    """Units in which parameters are counted while they are searched for.

    Parameters
    ----------
    unit : Array, shape (p,)
        Size of a visible change of each parameter of the curve.
    scale : Array, shape (d,)
        The same for each parameter of the fit: fixed effects, factor, ln sigma.
    """

    unit: Array
    scale: Array


@dataclass(frozen=True)
class PopulationFit:
    """A fitted population.

    Parameters
    ----------
    status, reason : str
        ``ok``, or ``not_converged`` with the reason and NaN for every estimate.
    beta : Array, shape (r,)
        Fixed effects, in the order of the design's columns.
    beta_covariance : Array, shape (r, r)
        Their covariance from the observed information about all parameters; NaN where that does not determine them.
    omega : Array, shape (q, q)
        Covariance of the random effects.
    sigma : float
        Residual standard deviation.
    log_likelihood : float
        Approximate log-likelihood of all points, censored ones included.
    n_parameters : int
        Fixed effects, free entries of omega, and sigma.
    n_mice, n_points : int
        What was fitted.
    theta : Array, shape (m, p)
        Parameters of each mouse at its conditional mode.
    is_singular : bool
        Whether a random effect has no variance of its own: the fit lies on the boundary.
    x, inverse_hessian : Array, shapes (d,) and (d, d)
        Where the search ended in the units of `scaling`, and the metric there: a start for fits of similar data.
    scaling : Scaling
        Those units.
    """

    status: str
    reason: str
    beta: Array
    beta_covariance: Array
    omega: Array
    sigma: float
    log_likelihood: float
    n_parameters: int
    n_mice: int
    n_points: int
    theta: Array
    is_singular: bool
    x: Array
    inverse_hessian: Array
    scaling: Scaling

    @property
    def beta_se(self) -> Array:
        """Standard errors of the fixed effects, shape (r,)."""
        return np.asarray(np.sqrt(np.diag(self.beta_covariance)))


def fit(
    data: Responses, population: Population, design: Array, start: Array, *, also: PopulationFit | None = None
) -> PopulationFit:
    """Fit a population to the responses of all mice.

    Parameters
    ----------
    data : Responses
        Points of the mice.
    population : Population
        The model.
    design : Array, shape (m, p, r)
        Fixed effects of each mouse, as `group_design` makes them.
    start : Array, shape (m, p)
        Parameters of each mouse fitted by itself (two-stage estimates); rows of NaN where it could not be.
    also : PopulationFit, optional
        A fit of a model whose fixed effects are the first columns of this design, tried as a further start. With it the
        log-likelihood is never below that fit's.

    Returns
    -------
    PopulationFit
        The best of the optima reached from the starts.

    Raises
    ------
    ValueError
        Where no mouse has a start, or the design's columns depend on each other.

    Notes
    -----
    Maximum likelihood: with few mice, standard errors and likelihood ratios are too small (a test at 5 % rejects 8 to
    12 % of true null hypotheses with 5 to 8 mice a group); `bootstrap` and `permutation` give p values that hold.
    """
    # ASSUME: parameters vary between mice with a normal distribution on the scale on which they are fitted.
    if np.linalg.matrix_rank(design.reshape(-1, design.shape[2])) < design.shape[2]:
        raise ValueError("the fixed effects cannot be told apart: columns of the design depend on each other")
    first, scaling = _start(data, population, design, start)
    starts = [first, _narrowed(first, population)]
    if also is not None:
        starts.append(embedded(also.x[None], also, scaling, design.shape[2])[0])
    x = np.array(starts)
    y = np.broadcast_to(data.y, (len(x), *data.y.shape))
    censored = np.broadcast_to(data.censored, y.shape)
    objective = Laplace(population, data, design[None], scaling.scale, scaling.unit, y, censored)
    metric = positive_inverse(np.nan_to_num(_hessian(objective, x[0], 0)), least=_LEAST_CURVATURE)
    metrics = np.repeat(metric[None], len(x), axis=0)
    found = minimise(objective, x, inverse_hessian=metrics, tolerance=_TOLERANCE, longest_step=LONGEST_STEP)
    return _finished(objective, found, scaling)


def _hessian(objective: Laplace, x: Array, row: int) -> Array:
    return hessian(objective, x, row, np.full(len(x), _HESSIAN_STEP))


def _finished(objective: Laplace, found: Minimum, scaling: Scaling) -> PopulationFit:
    """Take Newton steps from the best optimum, and describe it."""
    row = int(np.argmin(found.value))
    x, value, gradient = found.x[row], found.value[row], found.gradient[row]
    information = _hessian(objective, x, row)
    for _ in range(3):
        metric = positive_inverse(np.nan_to_num(information), least=1e-10)
        left_over = 0.5 * float(gradient @ metric @ gradient)
        if left_over < 1e-12:
            break
        new_x = x - metric @ gradient
        new_value, new_gradient = objective(new_x[None], np.array([row]))
        if not new_value[0] <= value:
            break
        x, value, gradient = new_x, new_value[0], new_gradient[0]
        information = _hessian(objective, x, row)
    objective(x[None], np.array([row]))
    metric = positive_inverse(np.nan_to_num(information), least=1e-10)
    left_over = 0.5 * float(gradient @ metric @ gradient)
    ok = bool(np.isfinite(value) and np.isfinite(information).all() and left_over < _LEFT_OVER)
    return _described(objective, x, row, ok=ok, value=float(value), information=information, scaling=scaling)


def _described(
    objective: Laplace, x: Array, row: int, *, ok: bool, value: float, information: Array, scaling: Scaling
) -> PopulationFit:
    parameters, random = objective.unpack(x[None]), list(objective.population.random)
    factor, beta = parameters.factor[0], parameters.beta[0]
    theta = objective.design[0] @ beta
    theta[:, random] += objective.modes[row] @ factor.T
    r, known = len(beta), 1.0 if ok else np.nan
    spread = np.abs(np.diag(factor)) / scaling.unit[random]
    return PopulationFit(
        status="ok" if ok else "not_converged",
        reason="" if ok else "the likelihood of the population was not brought to its maximum",
        beta=beta * known,
        beta_covariance=known * _covariance(information, r) * scaling.scale[:r, None] * scaling.scale[:r],
        omega=factor @ factor.T * known,
        sigma=float(np.exp(parameters.log_sigma[0])) * known,
        log_likelihood=-value * known,
        n_parameters=len(x),
        n_mice=objective.data.n_mice,
        n_points=objective.data.n_points,
        theta=theta * known,
        is_singular=bool(spread.min(initial=np.inf) < SINGULAR_BELOW),
        x=x,
        inverse_hessian=positive_inverse(np.nan_to_num(information), least=_LEAST_CURVATURE),
        scaling=scaling,
    )


def _covariance(information: Array, n_fixed: int) -> Array:
    """Return the covariance of the fixed effects; NaN where the information does not determine them.

    On the boundary the factor of the random effects has directions that change nothing. They are left out, unless a
    fixed effect takes part in them.
    """
    diagonal = np.abs(np.diag(information))
    scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    values, vectors = np.linalg.eigh(np.nan_to_num(information) * scale[:, None] * scale)
    flat = values < _FLAT * values.max()
    undetermined = np.abs(vectors[:n_fixed, flat]).max(initial=0.0) > _FLAT_SHARE or values.min() < -_FLAT_SHARE
    if undetermined or not np.isfinite(information).all():
        return np.full((n_fixed, n_fixed), np.nan)
    some = vectors[:n_fixed, ~flat] * scale[:n_fixed, None]
    return np.asarray((some / values[~flat]) @ some.T)


def _start(data: Responses, population: Population, design: Array, start: Array) -> tuple[Array, Scaling]:
    """Return robust two-stage estimates in their units."""
    known = np.asarray(np.isfinite(start).all(axis=1))
    if not known.any():
        raise ValueError("a population fit needs the parameters of at least one mouse to start from")
    theta = start.copy()
    for _ in range(3):
        # Mice whose own fit went astray are drawn in before they are averaged.
        beta = np.linalg.lstsq(np.concatenate(design[known]), theta[known].ravel(), rcond=None)[0]
        residual = theta - design @ beta
        middle = np.median(residual[known], axis=0)
        spread = _MAD_TO_SD * np.median(np.abs(residual[known] - middle), axis=0)
        theta = design @ beta + middle + np.clip(residual - middle, -2.5 * spread, 2.5 * spread)
    unit = np.maximum(spread, 0.01 * np.maximum(np.abs(design @ beta).mean(axis=0), 0.1))
    scale = _scale(population, design, unit)
    factor = np.diag(unit[list(population.random)])[population.free]
    log_sigma = _log_sigma(data, population, start, known)
    return np.concatenate([beta, factor, [log_sigma]]) / scale, Scaling(unit, scale)


def _log_sigma(data: Responses, population: Population, start: Array, known: Mask) -> float:
    """Return the logarithm of the scatter about the mice's own curves, within sense."""
    quantified = (data.used & ~data.censored)[known]
    residual = (data.y[known] - population.curve(data.x[known], start[known]))[quantified]
    df = max(residual.size - start.shape[1] * int(known.sum()), int(known.sum()))
    widest = float(np.ptp(data.y[data.used])) or 1.0
    return float(np.log(np.clip(np.sqrt(np.sum(residual**2) / df), 1e-3 * widest, widest)))


def _scale(population: Population, design: Array, unit: Array) -> Array:
    """Return the unit of every parameter of the fit from those of the curve's parameters."""
    reach = np.abs(design).max(axis=0)
    with np.errstate(divide="ignore"):
        fixed = np.min(np.where(reach > 0.0, unit[:, None] / reach, np.inf), axis=0)
    rows = np.argwhere(population.free)[:, 0]
    return np.concatenate([fixed, unit[list(population.random)][rows], [1.0]])


def _narrowed(x: Array, population: Population) -> Array:
    """Return a start with less variance between mice and more within them."""
    other = x.copy()
    other[-1 - int(population.free.sum()) : -1] *= 0.4
    other[-1] += 0.3
    return other


def embedded(x: Array, null: PopulationFit, scaling: Scaling, n_fixed: int) -> Array:
    """Return parameters of a smaller model as those of a larger one, whose further fixed effects are zero.

    Parameters
    ----------
    x : Array, shape (k, d0)
        Parameters in the units of `null`.
    null : PopulationFit
        A fit of the smaller model; its fixed effects are the first of the larger one's.
    scaling : Scaling
        Units of the larger model.
    n_fixed : int
        Number of fixed effects of the larger model.

    Returns
    -------
    Array, shape (k, d)
        Parameters in the units of `scaling`.
    """
    r = len(null.beta)
    values = x * null.scaling.scale
    further = np.zeros((len(x), n_fixed - r))
    return np.concatenate([values[:, :r], further, values[:, r:]], axis=1) / scaling.scale
