r"""Laplace approximation of a population's likelihood, with its exact gradient, for many data sets at once.

The data sets share mice, points and model; they differ in responses (bootstrap), in the design of fixed effects
(permutation) or only in the parameters (several starts, differences of the gradient).

With ``theta_i = A_i beta + E L v_i``, v standard normal, the loss of mouse i is ``g = sum_j loss_j(theta_i) + v'v / 2``
and

    -ln likelihood = sum_i g(v^) + ln det M / 2,    M = I + L'E' C E L,    C = sum_j loss_j'' J_j J_j'

at the v^ that makes g least: C leaves the second derivatives of the curve out (first-order conditional estimation).
Lindstrom MJ, Bates DM. Biometrics 1990;46:673-687. doi:10.2307/2532087; Wolfinger R. Biometrika 1993;80:791-795.
doi:10.1093/biomet/80.4.791. The gradient follows v^ by implicit differentiation and is that of this very function.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cartrace.population.likelihood import Terms, terms
from cartrace.population.model import Array, Mask, Population, Responses
from cartrace.quasi_newton import Rows

_MOST_STEPS = 60
_DONE = 1e-12
_DIFFERENCE = 1e-4
_LARGEST = 1e12


@dataclass(frozen=True)
class Unpacked:
    """Parameters of k data sets: fixed effects (k, r), factor (k, q, q) of the random covariance, ln sigma (k,)."""

    beta: Array
    factor: Array
    log_sigma: Array


@dataclass
class Laplace:
    """Minus log-likelihoods of a batch of data sets, an objective for `minimise`.

    Parameters
    ----------
    population : Population
        The model.
    data : Responses
        Points of all mice; `y` and `censored` may be replaced by those below.
    design : Array, shape (b or 1, m, p, r)
        Design of the fixed effects of each data set.
    scale : Array, shape (d,)
        Unit of each parameter: x is counted in it.
    unit : Array, shape (p,)
        Size of a small but visible change of each parameter of the curve.
    y, censored : Array and Mask, shape (b, m, n)
        Responses of each data set.
    """

    population: Population
    data: Responses
    design: Array
    scale: Array
    unit: Array
    y: Array
    censored: Mask
    modes: Array = field(init=False)

    def __post_init__(self) -> None:
        self.modes = np.zeros((len(self.y), self.data.n_mice, len(self.population.random)))

    def unpack(self, x: Array) -> Unpacked:
        """Return the parameters that the rows of x stand for."""
        values = x * self.scale
        r, free = self.design.shape[3], self.population.free
        factor = np.zeros((len(x), *free.shape))
        factor[:, free] = values[:, r:-1]
        return Unpacked(values[:, :r], factor, values[:, -1])

    def __call__(self, x: Array, rows: Rows) -> tuple[Array, Array]:
        """Return values (k,) and gradients (k, d) of data sets `rows` at x (k, d)."""
        parameters = self.unpack(x)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            batch = self._batch(parameters, rows)
            modes = conditional_modes(batch, self.modes[rows].reshape(-1, self.modes.shape[2]))
            value, by_theta, by_factor, by_log_sigma = _laplace(batch, modes, self.unit * _DIFFERENCE)
        shape = (len(x), self.data.n_mice)
        total = value.reshape(shape).sum(axis=1)
        sound = np.isfinite(total)
        self.modes[rows[sound]] = modes.reshape(*shape, -1)[sound]
        by_beta = np.einsum("kmpr,kmp->kr", self._design(rows), by_theta.reshape(*shape, -1))
        by_factor = by_factor.reshape(*shape, *by_factor.shape[1:]).sum(axis=1)[:, self.population.free]
        gradient = np.column_stack([by_beta, by_factor, by_log_sigma.reshape(shape).sum(axis=1)])
        return np.where(sound, total, np.inf), gradient * self.scale

    def _design(self, rows: Rows) -> Array:
        return self.design[rows] if len(self.design) > 1 else self.design[[0] * len(rows)]

    def _batch(self, parameters: Unpacked, rows: Rows) -> Batch:
        k, m = len(rows), self.data.n_mice
        centre = np.einsum("kmpr,kr->kmp", self._design(rows), parameters.beta)
        loading = np.zeros((k, centre.shape[2], len(self.population.random)))
        loading[:, self.population.random, :] = parameters.factor
        return Batch(
            population=self.population,
            x=np.concatenate([self.data.x] * k),
            y=self.y[rows].reshape(k * m, -1),
            used=np.concatenate([self.data.used] * k),
            censored=self.censored[rows].reshape(k * m, -1),
            centre=centre.reshape(k * m, -1),
            loading=np.repeat(loading, m, axis=0),
            sigma=np.repeat(np.exp(parameters.log_sigma), m)[:, None],
        )


@dataclass(frozen=True)
class Batch:
    """Mice of all data sets in one column of length M."""

    population: Population
    x: Array
    y: Array
    used: Mask
    censored: Mask
    centre: Array
    loading: Array
    sigma: Array

    def some(self, index: Rows) -> Batch:
        """Return the mice of an index."""
        return Batch(
            population=self.population,
            x=self.x[index],
            y=self.y[index],
            used=self.used[index],
            censored=self.censored[index],
            centre=self.centre[index],
            loading=self.loading[index],
            sigma=self.sigma[index],
        )

    def theta(self, modes: Array) -> Array:
        """Return the parameters (M, p) of the curves under random effects v (M, q)."""
        return np.asarray(self.centre + np.einsum("mpq,mq->mp", self.loading, modes))

    def terms(self, theta: Array) -> Terms:
        """Return the likelihood's terms of all points."""
        return terms(self.population.curve(self.x, theta), self.y, self.sigma, self.used, self.censored)

    def gradient(self, theta: Array) -> Array:
        """Return the curves' derivatives (M, n, p), 0 where there is no point."""
        return self.population.gradient(self.x, theta) * self.used[:, :, None]


def conditional_modes(batch: Batch, start: Array, *, prior: float = 1.0) -> Array:
    """Minimise the loss of every mouse by Gauss-Newton steps with halving.

    Parameters
    ----------
    batch : Batch
        The mice.
    start : Array, shape (M, q)
        Where to start.
    prior : float
        Precision of the random effects: 1, or 0 where they are free parameters.

    Returns
    -------
    Array, shape (M, q)
        v of each mouse.
    """
    modes = start.copy()
    identity = prior * np.eye(start.shape[1])
    index, part = np.arange(len(start)), batch
    theta = part.theta(modes)
    points = part.terms(theta)
    loss = _loss(points, modes, prior)
    # A start left over from other parameters may be worse than none.
    lost = np.flatnonzero(~np.isfinite(loss))
    if lost.size:
        modes[lost] = 0.0
        theta, points = part.theta(modes), part.terms(part.theta(modes))
        loss = _loss(points, modes, prior)
    for _ in range(_MOST_STEPS):
        here = modes[index]
        loaded = part.gradient(theta) @ part.loading
        score = np.einsum("mnq,mn->mq", loaded, points.slope) + prior * here
        curvature = identity + (loaded * points.curvature[:, :, None]).swapaxes(1, 2) @ loaded
        open_mice = _sound(curvature) & np.isfinite(score).all(axis=1)
        step = np.zeros_like(score)
        step[open_mice] = -np.linalg.solve(curvature[open_mice], score[open_mice, :, None])[:, :, 0]
        open_mice &= np.einsum("mq,mq->m", -score, step) > _DONE
        if not open_mice.any():
            break
        keep = np.flatnonzero(open_mice)
        index, part, loss = index[keep], part.some(keep), loss[keep]
        modes[index], loss = _halved(part, here[keep], step[keep], loss, prior)
        theta = part.theta(modes[index])
        points = part.terms(theta)
    return modes


def _loss(points: Terms, modes: Array, prior: float = 1.0) -> Array:
    return np.asarray(points.value.sum(axis=1) + 0.5 * prior * np.einsum("mq,mq->m", modes, modes))


def _halved(part: Batch, here: Array, step: Array, loss: Array, prior: float) -> tuple[Array, Array]:
    """Return the place of the first halving of each step that does not raise the loss, and the loss there."""
    best, best_loss = here.copy(), loss.copy()
    waiting, length = np.arange(len(here)), 1.0
    for _ in range(20):
        some = part.some(waiting) if waiting.size < len(here) else part
        trial = here[waiting] + length * step[waiting]
        trial_loss = _loss(some.terms(some.theta(trial)), trial, prior)
        low = trial_loss <= loss[waiting] + 1e-13 * np.abs(loss[waiting])
        best[waiting[low]], best_loss[waiting[low]] = trial[low], trial_loss[low]
        waiting, length = waiting[~low], length / 2.0
        if not waiting.size:
            break
    return best, best_loss


def _laplace(batch: Batch, modes: Array, step: Array) -> tuple[Array, Array, Array, Array]:
    """Return each mouse's minus log-likelihood and its gradients by theta, factor and ln sigma."""
    theta = batch.theta(modes)
    points = batch.terms(theta)
    jacobian = batch.gradient(theta)
    by_parameter = _differences(batch, theta, step)
    weighted = jacobian * points.curvature[:, :, None]
    information = weighted.swapaxes(1, 2) @ jacobian
    hessian = information + np.einsum("mn,kmnp->mpk", points.slope, by_parameter)
    identity = np.eye(modes.shape[1])
    transposed = batch.loading.swapaxes(1, 2)
    middle = identity + transposed @ information @ batch.loading
    sound = _sound(middle) & _sound(hessian)
    middle = np.where(sound[:, None, None], middle, identity)
    inverse = np.linalg.inv(middle)
    spread = batch.loading @ inverse @ transposed
    swung = jacobian @ spread
    swings = np.einsum("mnp,mnp->mn", swung, jacobian)
    score = np.einsum("mnp,mn->mp", jacobian, points.slope)
    by_determinant = np.einsum("mnp,kmnp->mk", swung * points.curvature[:, :, None], by_parameter)
    by_determinant += 0.5 * np.einsum("mn,mnp->mp", points.third * swings, jacobian)
    curved = identity + transposed @ np.where(sound[:, None, None], hessian, 0.0) @ batch.loading
    stacked = np.stack([_along(transposed, by_determinant), _along(transposed, score) + modes], axis=2)
    adjoint, missing = np.moveaxis(np.linalg.solve(curved, np.where(sound[:, None, None], stacked, 0.0)), 2, 0)
    # What is left of the inner minimisation, to first order of the determinant and second order of the loss.
    remainder = np.einsum("mq,mq->m", adjoint + 0.5 * missing, _along(transposed, score) + modes)
    value = _loss(points, modes) + 0.5 * np.log(np.linalg.det(middle)) - remainder
    by_theta = score + by_determinant - np.einsum("mpk,mkq,mq->mp", hessian, batch.loading, adjoint)
    random = list(batch.population.random)
    by_factor = by_theta[:, random, None] * modes[:, None, :] - score[:, random, None] * adjoint[:, None, :]
    by_factor += (information @ batch.loading @ inverse)[:, random, :]
    by_log_sigma = points.value_by_log_sigma.sum(axis=1) + 0.5 * (points.curvature_by_log_sigma * swings).sum(axis=1)
    shifted = np.einsum("mnp,mn->mp", jacobian, points.slope_by_log_sigma)
    by_log_sigma -= np.einsum("mq,mq->m", adjoint, _along(transposed, shifted))
    return np.where(sound, value, np.inf), by_theta, by_factor, by_log_sigma


def _sound(matrices: Array) -> Mask:
    """Return which matrices (m, k, k) can be worked with; parameters far astray overflow."""
    return np.asarray(np.abs(matrices).max(axis=(1, 2)) < _LARGEST)


def _along(transposed: Array, vectors: Array) -> Array:
    return np.asarray((transposed @ vectors[:, :, None])[:, :, 0])


def _differences(batch: Batch, theta: Array, step: Array) -> Array:
    """Return the second derivatives of the curve (p, m, n, p) from central differences of its gradient."""
    p = theta.shape[1]
    shifts = np.concatenate([np.diag(step), -np.diag(step)])
    shifted = (theta + shifts[:, None, :]).reshape(-1, p)
    gradient = batch.population.gradient(np.concatenate([batch.x] * (2 * p)), shifted)
    gradient = gradient.reshape(2, p, *batch.y.shape, p)
    return np.asarray((gradient[0] - gradient[1]) / (2.0 * step[:, None, None, None]))
