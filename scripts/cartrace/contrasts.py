"""Tests and intervals of contrasts of a linear mixed model, with degrees of freedom for small samples."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
from scipy import special

from cartrace.grouped import Array, solve
from cartrace.mixed import MixedFit, gradient_by_factor


@dataclass(frozen=True)
class Contrast:
    """A linear combination of fixed effects, its t test and confidence limits; NaN where the fit did not converge."""

    estimate: float
    se: float
    df: float
    statistic: float
    p_value: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class FTest:
    """A test that several combinations of fixed effects are all zero; NaN where there is no fit or no valid scale."""

    statistic: float
    df_numerator: int
    df_denominator: float
    p_value: float


@dataclass(frozen=True)
class KenwardRoger:
    """What Kenward and Roger's tests need of a fit; all on the scale of the model's own columns.

    Parameters
    ----------
    covariance : Array, shape (p, p)
        Adjusted covariance of the fixed effects.
    unadjusted : Array, shape (p, p)
        Covariance given the variances.
    by_variance : Array, shape (r, p, p)
        Minus the derivative of the information about the fixed effects by each variance parameter.
    variance_covariance : Array, shape (r, r)
        Covariance of the variance parameters.
    """

    covariance: Array
    unadjusted: Array
    by_variance: Array
    variance_covariance: Array


def kenward_roger(fit: MixedFit) -> KenwardRoger:
    """Return the covariance of the fixed effects, adjusted for the uncertainty of the variances.

    Parameters
    ----------
    fit : MixedFit
        A REML fit.

    Raises
    ------
    ValueError
        Where the fit is not REML.

    Notes
    -----
    ``Phi_A = Phi + 2 Phi (sum_rs W_rs (Q_rs - P_r Phi P_s)) Phi`` with ``P_r = -X' V^-1 G_r V^-1 X``,
    ``Q_rs = X' V^-1 G_r V^-1 G_s V^-1 X``, V = sum_r g_r G_r, and W the inverse of the expected information about g.
    Kenward MG, Roger JH. Biometrics 1997;53:983-997. doi:10.2307/2533558. As in the R package pbkrtest: Halekoh U,
    Højsgaard S. J Stat Softw 2014;59(9). doi:10.18637/jss.v059.i09
    """
    _require_reml(fit)
    data, solution = fit.data, solve(fit.data, fit.factor)
    phi = np.linalg.inv(solution.information)
    parts = _whitened_parts(fit)
    rest = data.rest_fixed.T @ data.rest_fixed
    n_rest = float(data.sizes.sum()) - data.response.size
    p_matrices = np.array([-_between(solution.fixed, part) for part in parts])
    p_matrices[-1] -= rest
    size = len(parts)
    information, middle = np.empty((size, size)), np.empty((size, size, *phi.shape))
    for r in range(size):
        for s in range(size):
            product = parts[r] @ parts[s]
            both = r == s == size - 1
            q_matrix = _between(solution.fixed, product) + both * rest
            trace = np.einsum("mii->", product) + both * n_rest
            adjustment = np.trace(phi @ p_matrices[r] @ phi @ p_matrices[s]) - 2.0 * np.trace(phi @ q_matrix)
            information[r, s] = 0.5 * (trace + adjustment)
            middle[r, s] = q_matrix - p_matrices[r] @ phi @ p_matrices[s]
    variance = np.asarray(np.linalg.pinv(information, hermitian=True), dtype=np.float64)
    adjusted = phi + 2.0 * phi @ np.einsum("rs,rspk->pk", variance, middle) @ phi
    unscaled = np.linalg.inv(data.fixed_scale)
    return KenwardRoger(
        covariance=fit.sigma**2 * unscaled @ adjusted @ unscaled.T,
        unadjusted=fit.covariance,
        by_variance=data.fixed_scale.T @ p_matrices @ data.fixed_scale / fit.sigma**2,
        variance_covariance=variance,
    )


def _between(fixed: Array, parts: Array) -> Array:
    """Return the sum over groups of F' P F; as one product of matrices, because cohorts make many columns."""
    p = fixed.shape[2]
    return np.asarray(fixed.reshape(-1, p).T @ (parts @ fixed).reshape(-1, p), dtype=np.float64)


def _whitened_parts(fit: MixedFit) -> list[Array]:
    """Return the derivative of each group's covariance by every variance parameter, between inverse roots."""
    solution = solve(fit.data, fit.factor)
    parts = []
    for row, column in np.argwhere(fit.free):
        part = solution.random[:, :, row, None] * solution.random[:, None, :, column]
        parts.append(part if row == column else part + part.swapaxes(1, 2))
    inverse = np.linalg.inv(solution.root)
    return [*parts, inverse @ inverse.swapaxes(1, 2)]


def contrast(
    fit: MixedFit,
    weights: npt.ArrayLike,
    *,
    method: str = "kenward_roger",
    confidence: float = 0.95,
    adjusted: KenwardRoger | None = None,
) -> Contrast:
    """Estimate and test a linear combination of fixed effects.

    Parameters
    ----------
    fit : MixedFit
        A REML fit.
    weights : array-like, shape (p,)
        The combination.
    method : str
        ``kenward_roger`` or ``satterthwaite``.
    confidence : float
        Level of the interval.
    adjusted : KenwardRoger, optional
        From :func:`kenward_roger`, where many contrasts of one fit are made.

    Raises
    ------
    ValueError
        Where the fit is not REML.
    """
    _require_reml(fit)
    if fit.status != "ok":
        return Contrast(*[np.nan] * len(fields(Contrast)))
    row = np.asarray(weights, dtype=np.float64)
    if method == "kenward_roger":
        variance, df = _kenward_roger_df(adjusted or kenward_roger(fit), row)
    else:
        variance, df = _satterthwaite_df(fit, row)
    estimate, se = float(row @ fit.coefficients), float(np.sqrt(variance))
    half_width = float(special.stdtrit(df, (1.0 + confidence) / 2.0)) * se
    return Contrast(
        estimate=estimate,
        se=se,
        df=df,
        statistic=estimate / se,
        p_value=float(2.0 * special.stdtr(df, -abs(estimate / se))),
        ci_low=estimate - half_width,
        ci_high=estimate + half_width,
    )


def _kenward_roger_df(adjusted: KenwardRoger, row: Array) -> tuple[float, float]:
    """Return the adjusted variance of a contrast and its degrees of freedom, ``2 v² / sum_rs W_rs d_r d_s``."""
    along = adjusted.unadjusted @ row
    slopes = np.einsum("p,rpk,k->r", along, adjusted.by_variance, along) / (row @ along)
    return float(row @ adjusted.covariance @ row), float(2.0 / (slopes @ adjusted.variance_covariance @ slopes))


def _satterthwaite_df(fit: MixedFit, row: Array) -> tuple[float, float]:
    """Return the variance of a contrast and Satterthwaite's degrees of freedom.

    Notes
    -----
    ``df = 2 v² / (g' A g)``: v the variance of the contrast, g its gradient by factor and ln sigma, A the covariance
    of these from the observed information. Kuznetsova A, Brockhoff PB, Christensen RHB. J Stat Softw
    2017;82(13). doi:10.18637/jss.v082.i13
    """
    solution = solve(fit.data, fit.factor)
    scaled = np.linalg.solve(solution.information, np.linalg.solve(fit.data.fixed_scale.T, row))
    along = np.einsum("mik,mip,p->mk", solution.random, solution.fixed, scaled)
    variance = float(row @ fit.covariance @ row)
    by_factor = 2.0 * fit.sigma**2 * (along.T @ along @ fit.factor)[fit.free]
    gradient = np.append(by_factor, 2.0 * variance)
    covariance = np.linalg.pinv(_observed_information(fit), rcond=1e-8, hermitian=True)
    return variance, float(2.0 * variance**2 / (gradient @ covariance @ gradient))


def _observed_information(fit: MixedFit) -> Array:
    """Return the second derivatives of minus the restricted log-likelihood by the factor's entries and ln sigma."""
    size, step = int(fit.free.sum()), 1e-5
    information = np.zeros((size + 1, size + 1))
    for index, (row, column) in enumerate(np.argwhere(fit.free)):
        shift = np.zeros_like(fit.factor)
        shift[row, column] = step
        ends = [
            gradient_by_factor(solve(fit.data, factor), factor, method=fit.method, sigma=fit.sigma)[fit.free]
            for factor in (fit.factor + shift, fit.factor - shift)
        ]
        information[index, :-1] = (ends[0] - ends[1]) / (2.0 * step)
    solution = solve(fit.data, fit.factor)
    t = np.einsum("mij,mi->mj", solution.random, solution.residual) / fit.sigma
    information[:-1, -1] = information[-1, :-1] = 2.0 * (t.T @ t @ fit.factor)[fit.free]
    information[-1, -1] = 2.0 * solution.squares / fit.sigma**2
    return (information + information.T) / 2.0


def f_test(fit: MixedFit, weights: npt.ArrayLike, adjusted: KenwardRoger | None = None) -> FTest:
    """Test that several combinations of fixed effects are zero, by Kenward and Roger's scaled F.

    Parameters
    ----------
    fit : MixedFit
        A REML fit.
    weights : array-like, shape (k, p)
        The combinations, linearly independent.
    adjusted : KenwardRoger, optional
        From :func:`kenward_roger`.

    Raises
    ------
    ValueError
        Where the fit is not REML.

    Notes
    -----
    The moments of F are matched to a scaled F(k, df). Kenward MG, Roger JH. Biometrics 1997;53:983-997.
    doi:10.2307/2533558
    """
    rows = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    k = len(rows)
    if fit.status != "ok":
        return FTest(np.nan, k, np.nan, np.nan)
    adjusted = adjusted or kenward_roger(fit)
    inner = rows.T @ np.linalg.solve(rows @ adjusted.unadjusted @ rows.T, rows) @ adjusted.unadjusted
    turned = np.array([inner @ matrix @ adjusted.unadjusted for matrix in adjusted.by_variance])
    traces = np.einsum("rpp->r", turned)
    a_1 = float(traces @ adjusted.variance_covariance @ traces)
    a_2 = float(np.einsum("rs,rpk,skp->", adjusted.variance_covariance, turned, turned))
    df, scale = _scaled_f(k, a_1, a_2)
    values = rows @ fit.coefficients
    statistic = scale * float(values @ np.linalg.solve(rows @ adjusted.covariance @ rows.T, values)) / k
    return FTest(statistic, k, df, float(special.fdtrc(k, df, statistic)))


def _scaled_f(k: int, a_1: float, a_2: float) -> tuple[float, float]:
    """Return the denominator's degrees of freedom and the scale of F; the symbols are the paper's."""
    b = (a_1 + 6.0 * a_2) / (2.0 * k)
    g = ((k + 1.0) * a_1 - (k + 4.0) * a_2) / ((k + 2.0) * a_2)
    c = np.array([g, k - g, k + 2.0 - g]) / (3.0 * k + 2.0 * (1.0 - g))
    expectation = 1.0 / (1.0 - a_2 / k)
    variance = 2.0 / k * (1.0 + c[0] * b) / ((1.0 - c[1] * b) ** 2 * (1.0 - c[2] * b))
    rho = variance / (2.0 * expectation**2)
    df = 4.0 + (k + 2.0) / (k * rho - 1.0)
    if a_2 >= k or df <= 2.0:
        # F has no mean under so few degrees of freedom, so that nothing can be matched.
        return np.nan, np.nan
    return float(df), float(df / (expectation * (df - 2.0)))


def _require_reml(fit: MixedFit) -> None:
    if fit.method != "REML":
        raise ValueError("contrasts are tested on REML fits; ML fits serve likelihood ratios of fixed effects")
