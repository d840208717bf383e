"""Linear mixed models of grouped data: ML and REML fits with exact gradients, and tests of their contrasts.

A mouse is a group. Where the log response is linear in time, the growth rates of groups of mice are compared by
``fixed = [1, day, treated, treated * day]``, ``random = [1, day]`` and a contrast of the last coefficient. Every mouse's
rows are rotated once so that its random effects touch as many rows as there are random columns; after that the cost
of a fit does not depend on the number of scans.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cartrace.quasi_newton import Rows, hessian, minimise, positive_inverse

Array = npt.NDArray[np.float64]

# Relative standard deviation of a random effect below which it counts as zero, as in lme4.
SINGULAR_BELOW = 1e-4


@dataclass(frozen=True)
class Grouped:
    """Rows of y = X b + Z u + e, rotated group by group.

    Of each group's rows the first q hold all of its random effects; the others follow an ordinary regression, and
    stand together in a triangle. Made by `grouped`.

    Parameters
    ----------
    response : Array, shape (m, q)
        Rotated response minus its ordinary regression.
    fixed : Array, shape (m, q, p)
        Rotated fixed columns, orthonormal over all rows.
    random : Array, shape (m, q, q)
        Rotated random columns, each of root mean square 1 over all rows.
    rest_response, rest_fixed : Array, shapes (p + 1,) and (p + 1, p)
        What the other rows say.
    sizes : Array, shape (m,)
        Number of rows of each group.
    start, fixed_scale, random_scale : Array, shapes (p,), (p, p) and (q,)
        Ordinary regression; triangle of the fixed columns; scale of the random columns.
    """

    response: Array
    fixed: Array
    random: Array
    rest_response: Array
    rest_fixed: Array
    sizes: Array
    start: Array
    fixed_scale: Array
    random_scale: Array


@dataclass(frozen=True)
class MixedFit:
    """A fitted linear mixed model.

    Parameters
    ----------
    method : str
        ``REML`` or ``ML``.
    coefficients : Array, shape (p,)
        Fixed effects.
    covariance : Array, shape (p, p)
        Their covariance, given the variances.
    random_covariance : Array, shape (q, q)
        Covariance of the random effects.
    sigma : float
        Residual standard deviation.
    log_likelihood : float
        (Restricted) log-likelihood.
    modes : Array, shape (m, q)
        Conditional modes of the random effects of each group.
    n_rows : int
        Number of rows.
    is_singular : bool
        Whether a random effect has no variance of its own: the fit lies on the boundary.
    converged : bool
        Whether the optimum was reached.
    factor : Array, shape (q, q)
        Relative covariance factor of the scaled random columns; free entries are marked in `free`.
    free : ndarray of bool, shape (q, q)
        Which entries of the factor were estimated.
    data : Grouped
        What was fitted.
    """

    method: str
    coefficients: Array
    covariance: Array
    random_covariance: Array
    sigma: float
    log_likelihood: float
    modes: Array
    n_rows: int
    is_singular: bool
    converged: bool
    factor: Array
    free: npt.NDArray[np.bool_]
    data: Grouped


def grouped(response: Array, fixed: Array, random: Array, group: npt.ArrayLike) -> Grouped:
    """Rotate the rows of a mixed model.

    Parameters
    ----------
    response : Array, shape (n,)
        One row per measurement.
    fixed : Array, shape (n, p)
        Columns of the fixed effects, linearly independent.
    random : Array, shape (n, q)
        Columns of the random effects.
    group : array-like, shape (n,)
        Group (mouse) of each row; modes come in the sorted order of its values.

    Raises
    ------
    ValueError
        Where the fixed columns depend on each other, or there are not more rows than fixed columns.
    """
    n_rows, p = fixed.shape
    if n_rows <= p or np.linalg.matrix_rank(fixed) < p:
        raise ValueError("the fixed effects cannot be told apart: their columns depend on each other")
    orthonormal, triangle = np.linalg.qr(fixed)
    start = np.linalg.solve(triangle, orthonormal.T @ response)
    scale = np.sqrt(np.mean(random**2, axis=0))
    columns = np.column_stack([random / scale, orthonormal, response - fixed @ start])
    codes = np.unique(np.asarray(group), return_inverse=True)[1].ravel()
    sizes = np.bincount(codes)
    order = np.argsort(codes, kind="stable")
    place = np.arange(n_rows) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    q = random.shape[1]
    padded = np.zeros((len(sizes), max(int(sizes.max()), q), columns.shape[1]))
    padded[codes[order], place] = columns[order]
    rotation, leading = np.linalg.qr(padded[:, :, :q], mode="complete")
    rotated = rotation.swapaxes(1, 2) @ padded[:, :, q:]
    rest = np.linalg.qr(np.vstack([rotated[:, q:].reshape(-1, p + 1), np.zeros((p + 1, p + 1))]), mode="r")
    return Grouped(
        response=rotated[:, :q, -1],
        fixed=rotated[:, :q, :-1],
        random=leading[:, :q],
        rest_response=rest[:, -1],
        rest_fixed=rest[:, :-1],
        sizes=sizes.astype(np.float64),
        start=start,
        fixed_scale=triangle,
        random_scale=scale,
    )


@dataclass(frozen=True)
class Solution:
    """Regression under a given factor.

    Parameters
    ----------
    root : Array, shape (m, q, q)
        Lower triangle L with L L' = I + (Z F)(Z F)', the relative covariance of each group's first q rows.
    fixed, random, residual : Array, shapes (m, q, p), (m, q, q) and (m, q)
        Those rows divided by the root.
    information : Array, shape (p, p)
        X' V^-1 X.
    coefficients : Array, shape (p,)
        Of the orthonormal fixed columns.
    squares : float
        Weighted sum of squared residuals.
    """

    root: Array
    fixed: Array
    random: Array
    residual: Array
    information: Array
    coefficients: Array
    squares: float


def solve(data: Grouped, factor: Array) -> Solution:
    """Return the regression of rotated rows under a given relative covariance factor."""
    loaded = data.random @ factor
    root = np.linalg.cholesky(np.eye(len(factor)) + loaded @ loaded.swapaxes(1, 2))
    stacked = np.concatenate([data.fixed, data.random, data.response[:, :, None]], axis=2)
    white = np.linalg.solve(root, stacked)
    p = data.fixed.shape[2]
    fixed, random, response = white[:, :, :p], white[:, :, p:-1], white[:, :, -1]
    columns = np.vstack([fixed.reshape(-1, p), data.rest_fixed])
    target = np.concatenate([response.ravel(), data.rest_response])
    information = columns.T @ columns
    coefficients = np.linalg.solve(information, columns.T @ target)
    residual = target - columns @ coefficients
    return Solution(
        root, fixed, random, residual[: response.size].reshape(response.shape), information, coefficients,
        float(residual @ residual),
    )  # fmt: skip


def _criterion(data: Grouped, factor: Array, method: str) -> tuple[float, Array]:
    """Return minus the profiled (restricted) log-likelihood, and its gradient by the factor's entries."""
    solution = solve(data, factor)
    n_free = _n_free(data, method)
    value = 0.5 * n_free * (1.0 + np.log(2.0 * np.pi * solution.squares / n_free))
    value += np.log(np.einsum("mqq->mq", solution.root)).sum()
    if method == "REML":
        value += 0.5 * np.linalg.slogdet(solution.information)[1] + np.log(np.abs(np.diag(data.fixed_scale))).sum()
    return float(value), gradient_by_factor(solution, factor, method=method, sigma=np.sqrt(solution.squares / n_free))


def _n_free(data: Grouped, method: str) -> float:
    return float(data.sizes.sum() - (len(data.start) if method == "REML" else 0))


def gradient_by_factor(solution: Solution, factor: Array, *, method: str, sigma: float) -> Array:
    """Return the gradient of minus the (restricted) log-likelihood by the factor's entries, for a given sigma."""
    t = np.einsum("mij,mi->mj", solution.random, solution.residual) / sigma
    gradient = np.einsum("mik,mil->kl", solution.random, solution.random) - t.T @ t
    if method == "REML":
        cross = np.einsum("mik,mip->mkp", solution.random, solution.fixed)
        gradient -= np.einsum("mkp,mpl->kl", cross, np.linalg.solve(solution.information, cross.swapaxes(1, 2)))
    return np.asarray(gradient @ factor)


def fit(data: Grouped, *, method: str = "REML", correlated: bool = True) -> MixedFit:
    """Fit a linear mixed model.

    Parameters
    ----------
    data : Grouped
        Rotated rows.
    method : str
        ``REML`` (for estimates and tests of contrasts) or ``ML`` (for likelihood ratios between fixed effects).
    correlated : bool
        Whether the random effects of a group may be correlated.

    Returns
    -------
    MixedFit
        `converged` is False where the optimum was not reached; its numbers are then not to be used.

    Notes
    -----
    ``y = X b + Z u + e`` with ``u ~ N(0, sigma² F F')`` and ``e ~ N(0, sigma²)``; b and sigma are profiled out and the
    criterion is minimised over the lower triangle F. Bates D, Mächler M, Bolker B, Walker S. J Stat Softw 2015;67(1).
    doi:10.18637/jss.v067.i01. The gradient by G = F F' is
    ``tr(Z' V^-1 Z dG) - (n - p) / rss * r' V^-1 Z dG Z' V^-1 r - tr((X' V^-1 X)^-1 X' V^-1 Z dG Z' V^-1 X)``.
    """
    # ASSUME: random effects and residuals of the log response are normal, and residuals share one variance.
    q = data.random.shape[2]
    free = np.tril(np.ones((q, q), dtype=bool)) if correlated else np.eye(q, dtype=bool)
    objective = _Profile(data, free, method)
    start = np.eye(q)[free]
    step = np.full(start.size, 1e-5)
    metric = positive_inverse(hessian(objective, start, 0, step))
    found = minimise(objective, start[None], inverse_hessian=metric[None], tolerance=1e-11)
    factor = objective.factor(found.x[0])
    # The sign of a column means nothing.
    factor = factor * np.where(np.diag(factor) < 0.0, -1.0, 1.0)
    solution = solve(data, factor)
    n_rows = int(data.sizes.sum())
    sigma = float(np.sqrt(solution.squares / _n_free(data, method)))
    unscaled = np.linalg.inv(data.fixed_scale)
    scaled = factor / data.random_scale[:, None]
    t = np.einsum("mij,mi->mj", solution.random, solution.residual)
    return MixedFit(
        method=method,
        coefficients=data.start + unscaled @ solution.coefficients,
        covariance=sigma**2 * unscaled @ np.linalg.inv(solution.information) @ unscaled.T,
        random_covariance=sigma**2 * scaled @ scaled.T,
        sigma=sigma,
        log_likelihood=-float(found.value[0]),
        modes=t @ (factor @ factor.T) / data.random_scale,
        n_rows=n_rows,
        is_singular=bool(np.diag(factor).min() < SINGULAR_BELOW),
        converged=bool(found.converged[0]),
        factor=factor,
        free=free,
        data=data,
    )


@dataclass(frozen=True)
class _Profile:
    """The criterion as a function of the factor's free entries."""

    data: Grouped
    free: npt.NDArray[np.bool_]
    method: str

    def factor(self, entries: Array) -> Array:
        factor = np.zeros(self.free.shape)
        factor[self.free] = entries
        return factor

    def __call__(self, x: Array, rows: Rows) -> tuple[Array, Array]:
        results = [_criterion(self.data, self.factor(entries), self.method) for entries in x]
        return np.array([value for value, _ in results]), np.array([slope[self.free] for _, slope in results])
