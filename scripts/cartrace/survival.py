"""Survival of groups of mice: Kaplan and Meier's median, the log-rank test, Cox's proportional hazards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cartrace.rank_tests import RankTest
from cartrace.statistics import Array


@dataclass(frozen=True)
class LogRank:
    """The log-rank test; observed and expected deaths of each group, shape (k,)."""

    observed: Array
    expected: Array
    test: RankTest


@dataclass(frozen=True)
class Cox:
    """A fit of proportional hazards; arrays of shape (p,).

    `log_likelihood` stands under no effect and at the optimum; `converged` is False where the likelihood rises without
    end, as it does where all deaths fall to one side.
    """

    coefficients: Array
    se: Array
    log_likelihood: tuple[float, float]
    p_value: float
    converged: bool


def median_survival(time: Array, event: NDArray[np.bool_]) -> float:
    """Return the first time at which half of the mice have died, NaN where that is never reached.

    Notes
    -----
    Kaplan EL, Meier P. J Am Stat Assoc 1958;53:457-481. doi:10.1080/01621459.1958.10501452
    """
    alive = 1.0
    for at in np.unique(time[event]):
        alive *= 1 - (event & (time == at)).sum() / (time >= at).sum()
        if alive <= 0.5 + 1e-12:
            return float(at)
    return float("nan")


def log_rank(time: Array, event: NDArray[np.bool_], group: NDArray[np.intp]) -> LogRank:
    """Test that groups die at the same rate.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Time of death or of the end of observation.
    event : ndarray of bool, shape (n,)
        Whether the mouse died then.
    group : ndarray of int, shape (n,)
        Position of its group, from 0; every group has a mouse.

    Returns
    -------
    LogRank
        p is NaN without a death.

    Notes
    -----
    Deaths against their expectation at every time of death, with the hypergeometric covariance. Peto R, Peto J. J R
    Stat Soc A 1972;135:185-207. doi:10.2307/2344317
    """
    k = int(group.max()) + 1
    belongs = group[:, None] == np.arange(k)
    observed, expected, covariance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for at in np.unique(time[event]):
        dying = event & (time == at)
        n_each = belongs[time >= at].sum(axis=0).astype(np.float64)
        n, deaths = n_each.sum(), dying.sum()
        observed += belongs[dying].sum(axis=0)
        expected += deaths * n_each / n
        if n > 1:
            share = n_each / n
            covariance += deaths * (n - deaths) / (n - 1) * (np.diag(share) - np.outer(share, share))
    difference = (observed - expected)[1:]
    if np.linalg.matrix_rank(covariance) == 0:
        return LogRank(observed, expected, RankTest(np.nan, k - 1, np.nan, "chi-squared law"))
    statistic = float(difference @ np.linalg.pinv(covariance[1:, 1:], hermitian=True) @ difference)
    return LogRank(
        observed, expected, RankTest(statistic, k - 1, float(special.chdtrc(k - 1, statistic)), "chi-squared law")
    )


def log_rank_scores(time: Array, event: NDArray[np.bool_]) -> Array:
    """Return each mouse's log-rank score: death minus the hazard that it lived through.

    The permutation distribution of their sum in a group gives the exact test. Peto R, Peto J. J R Stat Soc A
    1972;135:185-207. doi:10.2307/2344317
    """
    times = np.unique(time[event])
    steps = np.array([(event & (time == at)).sum() / (time >= at).sum() for at in times])
    lived = np.concatenate([[0.0], np.cumsum(steps)])[np.searchsorted(times, time, side="right")]
    return np.asarray(event - lived, dtype=np.float64)


def cox(time: Array, event: NDArray[np.bool_], columns: Array) -> Cox:
    """Fit proportional hazards by partial likelihood, ties after Efron.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Time of death or of the end of observation.
    event : ndarray of bool, shape (n,)
        Whether the mouse died then.
    columns : ndarray, shape (n, p)
        Covariates.

    Returns
    -------
    Cox
        p is that of the likelihood ratio against no effect.

    Notes
    -----
    Cox DR. J R Stat Soc B 1972;34:187-202. doi:10.1111/j.2517-6161.1972.tb00899.x. Efron B. J Am Stat Assoc
    1977;72:557-565. doi:10.1080/01621459.1977.10480613
    """
    # ASSUME: hazards of the compared mice are proportional over the time of the study.
    centred = columns - columns.mean(axis=0)
    beta = np.zeros(columns.shape[1])
    null, slope, information = _partial(time, event, centred, beta)
    value, converged = null, False
    for _ in range(40):
        if np.linalg.matrix_rank(information) < beta.size:
            break
        step = np.linalg.solve(information, slope)
        for halving in range(30):
            new = _partial(time, event, centred, beta + step / 2**halving)
            if new[0] >= value - 1e-12 * abs(value):
                break
        beta = beta + step / 2**halving
        gain, (value, slope, information) = new[0] - value, new
        if gain < 1e-11 * (1 + abs(value)) and np.abs(step).max() < 1e-6 * (1 + np.abs(beta).max()):
            converged = True
            break
    # Beyond this ratio of hazards between typical mice the likelihood only creeps along its asymptote.
    spread = centred.std(axis=0)
    converged = converged and bool(np.all(np.abs(beta) * spread < 8))
    se = np.sqrt(np.diag(np.linalg.inv(information))) if converged else np.full(beta.size, np.nan)
    p = float(special.chdtrc(beta.size, max(0.0, 2 * (value - null)))) if event.any() else np.nan
    return Cox(beta if converged else np.full(beta.size, np.nan), se, (null, value), p, converged)


def _partial(time: Array, event: NDArray[np.bool_], columns: Array, beta: Array) -> tuple[float, Array, Array]:
    """Return Efron's log partial likelihood, its gradient and its information."""
    risk = np.exp(columns @ beta)
    value, slope = 0.0, np.zeros(beta.size)
    information = np.zeros((beta.size, beta.size))
    for at in np.unique(time[event]):
        dying, alive = event & (time == at), time >= at
        deaths = int(dying.sum())
        moments = [_moments(risk[some], columns[some]) for some in (alive, dying)]
        value += float((columns[dying] @ beta).sum())
        slope += columns[dying].sum(axis=0)
        for tied in range(deaths):
            zero, first, second = (whole - tied / deaths * dead for whole, dead in zip(*moments, strict=True))
            mean = first / zero
            value -= float(np.log(zero))
            slope -= mean
            information += second / zero - np.outer(mean, mean)
    return value, slope, information


def _moments(risk: Array, columns: Array) -> tuple[Array, Array, Array]:
    weighted = risk[:, None] * columns
    return risk.sum(), weighted.sum(axis=0), columns.T @ weighted
