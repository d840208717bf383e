"""Linear mixed models of grouped data: ML and REML fits with exact gradients, and tests of their contrasts.

A mouse is a group. Where the log response is linear in time, the growth rates of groups of mice are compared by
``fixed = [1, day, treated, treated * day]``, ``random = [1, day]`` and a contrast of the last coefficient. Each mouse's
rows are rotated once so that its random effects touch as many rows as there are random columns; after that the cost
of a fit does not depend on the number of scans.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cartrace.grouped import Array, Grouped, Solution, solve
from cartrace.quasi_newton import Rows, hessian, minimise, positive_inverse

# Relative standard deviation of a random effect below which it counts as zero, as in lme4.
SINGULAR_BELOW = 1e-4
# Share of the sum of squares that is rounding.
_ROUNDING = 1e-24


@dataclass(frozen=True)
class MixedFit:
    """A fitted linear mixed model.

    Parameters
    ----------
    status, reason : str
        ``ok``, or ``not_converged`` with the reason and NaN for every estimate.
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
    factor : Array, shape (q, q)
        Relative covariance factor of the scaled random columns; free entries are marked in `free`.
    free : ndarray of bool, shape (q, q)
        Which entries of the factor were estimated.
    data : Grouped
        What was fitted.
    """

    status: str
    reason: str
    method: str
    coefficients: Array
    covariance: Array
    random_covariance: Array
    sigma: float
    log_likelihood: float
    modes: Array
    n_rows: int
    is_singular: bool
    factor: Array
    free: npt.NDArray[np.bool_]
    data: Grouped


def _criterion(data: Grouped, factor: Array, method: str) -> tuple[float, Array]:
    """Return minus the profiled (restricted) log-likelihood, and its gradient by the factor's entries."""
    solution = solve(data, factor)
    n_free = _n_free(data, method)
    with np.errstate(divide="ignore"):
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
        # One factorisation for all groups; a stacked solve would make one each.
        solved = np.linalg.solve(solution.information, cross.reshape(-1, cross.shape[2]).T).T.reshape(cross.shape)
        gradient -= np.einsum("mkp,mlp->kl", cross, solved)
    return np.asarray(gradient @ factor)


def fit(data: Grouped, *, method: str = "REML") -> MixedFit:
    """Fit a linear mixed model.

    Parameters
    ----------
    data : Grouped
        Rotated rows.
    method : str
        ``REML`` (for estimates and tests of contrasts) or ``ML`` (for likelihood ratios between fixed effects).

    Returns
    -------
    MixedFit
        ``not_converged`` where the optimum was not reached, or the fixed effects leave no residual.

    Notes
    -----
    ``y = X b + Z u + e`` with ``u ~ N(0, sigma² F F')`` and ``e ~ N(0, sigma²)``; b and sigma are profiled out and the
    criterion is minimised over the lower triangle F. Bates D, Mächler M, Bolker B, Walker S. J Stat Softw 2015;67(1).
    doi:10.18637/jss.v067.i01. The gradient by G = F F' is
    ``tr(Z' V^-1 Z dG) - (n - p) / rss * r' V^-1 Z dG Z' V^-1 r - tr((X' V^-1 X)^-1 X' V^-1 Z dG Z' V^-1 X)``.
    """
    # ASSUME: random effects and residuals of the log response are normal, and residuals share one variance.
    q = data.random.shape[2]
    free = np.tril(np.ones((q, q), dtype=bool)) if data.correlated else np.eye(q, dtype=bool)
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
    reason = _objection(data, bool(found.converged[0]))
    sigma = np.nan if reason else float(np.sqrt(solution.squares / _n_free(data, method)))
    known = np.nan if reason else 1.0
    unscaled = np.linalg.inv(data.fixed_scale)
    scaled = np.linalg.solve(data.random_scale, factor)
    t = np.einsum("mij,mi->mj", solution.random, solution.residual)
    return MixedFit(
        status="not_converged" if reason else "ok",
        reason=reason,
        method=method,
        coefficients=(data.start + unscaled @ solution.coefficients) * known,
        covariance=sigma**2 * unscaled @ np.linalg.inv(solution.information) @ unscaled.T,
        random_covariance=sigma**2 * scaled @ scaled.T,
        sigma=sigma,
        log_likelihood=-float(found.value[0]) * known,
        modes=t @ factor @ scaled.T * known,
        n_rows=n_rows,
        is_singular=bool(np.diag(factor).min() < SINGULAR_BELOW),
        factor=factor,
        free=free,
        data=data,
    )


def _objection(data: Grouped, converged: bool) -> str:
    """Return what speaks against a fit, or nothing."""
    squares = float((data.response**2).sum() + (data.rest_response**2).sum())
    if squares <= _ROUNDING * data.total_squares:
        return "the fixed effects fit every response without residual, so that no variance can be estimated"
    return "" if converged else "the likelihood of the mixed model was not brought to its maximum"


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
