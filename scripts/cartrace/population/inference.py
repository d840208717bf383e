"""Test whether groups differ in a population fit: likelihood ratio with p values that hold for few mice.

The chi-square p value of a likelihood ratio is too small at the sizes of mouse studies. Its distribution without a
group effect is therefore made: by simulating studies from the fit without the effect, or by dealing the groups anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from cartrace.population.fit import LONGEST_STEP, PopulationFit, embedded
from cartrace.population.laplace import Laplace
from cartrace.population.model import Array, Mask, Population, Responses
from cartrace.progress import steps
from cartrace.quasi_newton import Minimum, minimise

# Mice of simulated studies that are fitted in one go: enough to be quick, few enough to stay in the processor's cache.
_MICE_AT_ONCE = 4000
_TOLERANCE = 1e-6
_TIE = 1e-5
# ASSUME: up to 5 % of simulated studies may fail to converge without distorting the distribution.
_MOST_FAILED = 0.05
_LEAST_SPREAD = 0.3


@dataclass(frozen=True)
class LikelihoodRatio:
    """A likelihood-ratio test of a population.

    Parameters
    ----------
    status, reason : str
        ``ok``, or ``not_converged`` with the reason and NaN in `p_value`.
    statistic, df : float and int
        Twice the gain of log-likelihood, and the number of further fixed effects.
    p_chi_square : float
        Large-sample p value; too small with few mice.
    p_value : float
        Share of simulated studies, the observed one counted among them, with at least this statistic.
    method : str
        ``bootstrap`` or ``permutation``.
    n_simulated, n_failed : int
        Simulated studies that were fitted, and those that could not be.
    simulated : Array, shape (n_simulated,)
        Their statistics.
    """

    status: str
    reason: str
    statistic: float
    df: int
    p_chi_square: float
    p_value: float
    method: str
    n_simulated: int
    n_failed: int
    simulated: Array


def bootstrap(
    data: Responses,
    population: Population,
    null_design: Array,
    full_design: Array,
    *,
    null: PopulationFit,
    full: PopulationFit,
    n: int,
    seed: int,
) -> LikelihoodRatio:
    """Test further fixed effects by the parametric bootstrap.

    Parameters
    ----------
    data : Responses
        Points of all mice; simulated responses lie at the same points and are censored at the same critical levels.
    population : Population
        The model.
    null_design, full_design : Array, shapes (m, p, r0) and (m, p, r)
        Designs without and with the effects; the first r0 columns are the same.
    null, full : PopulationFit
        Their fits; `full` made with ``also=null``.
    n : int
        Number of simulated studies: 199 for a look, 999 for a number to publish.
    seed : int
        Seed of the simulation.

    Notes
    -----
    ``p = (1 + #{simulated >= observed}) / (1 + n)``. Davison AC, Hinkley DV. Bootstrap methods and their application.
    1997, ch. 4. doi:10.1017/CBO9780511802843
    """
    statistics = [np.empty(0)]
    n = n if null.status == full.status == "ok" else 0
    for y, censored in _simulated(data, population, null_design, null, n=n, seed=seed):
        under_null = _refit(data, population, null_design[None], null, null.x[None], y, censored)
        start = embedded(under_null.x, null, full.scaling, full_design.shape[2])
        in_full = _refit(data, population, full_design[None], full, start, y, censored)
        fitted = under_null.converged & in_full.converged
        statistics.append(np.where(fitted, 2.0 * (under_null.value - in_full.value), np.nan))
    return _tested(null, full, np.concatenate(statistics), method="bootstrap")


def permutation(
    data: Responses,
    population: Population,
    full_design: Array,
    *,
    null: PopulationFit,
    full: PopulationFit,
    n: int,
    seed: int,
    stratum: npt.NDArray[np.integer] | None = None,
) -> LikelihoodRatio:
    """Test a group effect by dealing the groups anew to the mice.

    Parameters
    ----------
    data, population, full_design, null, full, n, seed
        As for `bootstrap`; without the effects all mice of a stratum must have the same design.
    stratum : ndarray of int, shape (m,), optional
        Mice change groups within a stratum only (a cohort, where groups were randomised within cohorts).

    Notes
    -----
    Exact whatever the distribution, if mice were randomised. Phipson B, Smyth GK. Stat Appl Genet Mol Biol 2010;9:39.
    doi:10.2202/1544-6115.1585
    """
    rng = np.random.default_rng(seed)
    strata = np.zeros(data.n_mice, dtype=np.intp) if stratum is None else stratum
    places = [np.flatnonzero(strata == one) for one in np.unique(strata)]
    statistics = [np.empty(0)]
    n = n if null.status == full.status == "ok" else 0
    for k in _chunks(n, data.n_mice):
        order = np.empty((k, data.n_mice), dtype=np.intp)
        for deal in range(k):
            for place in places:
                order[deal, place] = rng.permutation(place)
        y = np.broadcast_to(data.y, (k, *data.y.shape))
        censored = np.broadcast_to(data.censored, y.shape)
        start = embedded(null.x[None], null, full.scaling, full_design.shape[2])
        in_full = _refit(data, population, full_design[order], full, start, y, censored)
        statistics.append(np.where(in_full.converged, 2.0 * (-null.log_likelihood - in_full.value), np.nan))
    return _tested(null, full, np.concatenate(statistics), method="permutation")


def _chunks(n: int, n_mice: int) -> Iterator[int]:
    size = max(1, _MICE_AT_ONCE // n_mice)
    for done in steps(range(0, n, size), f"testing groups by {n} studies, from number"):
        yield min(size, n - done)


def _simulated(
    data: Responses, population: Population, design: Array, null: PopulationFit, *, n: int, seed: int
) -> Iterator[tuple[Array, Mask]]:
    """Yield the responses (k, m, n) of simulated studies and which of them are censored."""
    rng = np.random.default_rng(seed)
    q, random = len(population.random), list(population.random)
    values, vectors = np.linalg.eigh(null.omega)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    level = np.where(np.isnan(data.critical_level), -np.inf, data.critical_level)
    for k in _chunks(n, data.n_mice):
        normal = rng.standard_normal((k, data.n_mice, q + data.y.shape[1]))
        theta = np.broadcast_to(design @ null.beta, (k, *design.shape[:2])).copy()
        theta[:, :, random] += normal[:, :, :q] @ root.T
        x = np.concatenate([data.x] * k)
        y = population.curve(x, theta.reshape(-1, theta.shape[2])).reshape(k, *data.y.shape)
        y = y + null.sigma * normal[:, :, q:]
        censored = data.used & (y < level)
        yield np.where(censored, level, np.where(data.used, y, 0.0)), censored


def _refit(
    data: Responses, population: Population, design: Array, near: PopulationFit, start: Array, y: Array, censored: Mask
) -> Minimum:
    """Fit a batch of data sets (k, m, n) from a start for all or each, with the metric of a fit of similar data."""
    objective = Laplace(population, data, design, near.scaling.scale, near.scaling.unit, y, censored)
    x = np.broadcast_to(_spread(start, population), (len(y), start.shape[1]))
    metric = np.broadcast_to(near.inverse_hessian, (len(y), *near.inverse_hessian.shape))
    return minimise(objective, x, inverse_hessian=metric, tolerance=_TOLERANCE, longest_step=LONGEST_STEP)


def _spread(x: Array, population: Population) -> Array:
    """Keep a start off the boundary, where the gradient by a standard deviation is zero whatever the data."""
    started = x.copy()
    last = x.shape[1] - 1
    first = last - int(population.free.sum())
    diagonal = first + np.flatnonzero(np.eye(len(population.random), dtype=bool)[population.free])
    small = np.abs(x[:, diagonal]) < _LEAST_SPREAD
    started[:, diagonal] = np.where(small, _LEAST_SPREAD, x[:, diagonal])
    return started


def _tested(null: PopulationFit, full: PopulationFit, simulated: Array, *, method: str) -> LikelihoodRatio:
    statistic = float(np.maximum(0.0, 2.0 * (full.log_likelihood - null.log_likelihood)))
    df = full.n_parameters - null.n_parameters
    fitted = simulated[np.isfinite(simulated)]
    n_failed = simulated.size - fitted.size
    reason = next((fit.reason for fit in (null, full) if fit.status != "ok"), "")
    if not reason and n_failed > _MOST_FAILED * simulated.size:
        reason = f"{n_failed} of {simulated.size} simulated studies could not be fitted"
    at_least = int((fitted >= statistic - _TIE).sum())
    return LikelihoodRatio(
        status="not_converged" if reason else "ok",
        reason=reason,
        statistic=statistic,
        df=df,
        p_chi_square=float(special.chdtrc(df, statistic)),
        p_value=float("nan") if reason else (1.0 + at_least) / (1.0 + fitted.size),
        method=method,
        n_simulated=fitted.size,
        n_failed=n_failed,
        simulated=fitted,
    )
