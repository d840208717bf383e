"""What the engine has fitted, as objects of lmfit: for its reports, intervals and plots."""

from __future__ import annotations

import inspect

import lmfit
import numpy as np

from cartrace.censoring import Points
from cartrace.fitting import Fit
from cartrace.growth import Model
from cartrace.growth_curves import Array


def lmfit_model(model: Model) -> lmfit.Model:
    """Return a model of expansion as an lmfit Model of the log response.

    Parameters
    ----------
    model : Model
        Of the registry, or the lab's own.

    Returns
    -------
    lmfit.Model
        A function of ``day``. Its parameters stand on their internal scale, and say so in their names:
        ``log_growth_rate``.
    """
    names = parameter_names(model)

    def log_response(day: Array, **values: float) -> Array:
        theta = np.array([[values[name] for name in names]])
        return np.asarray(model.log_curve(np.asarray(day, dtype=np.float64)[None], theta)[0])

    # lmfit reads the names of the parameters from the signature.
    arguments = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("day", *names)]
    log_response.__signature__ = inspect.Signature(arguments)  # type: ignore[attr-defined]
    return lmfit.Model(log_response, independent_vars=["day"], name=model.name)


def parameter_names(model: Model) -> tuple[str, ...]:
    """Return the names of the internal parameters."""
    return tuple(
        parameter.name if parameter.scale == "linear" else f"{parameter.scale}_{parameter.name}"
        for parameter in model.parameters
    )


def lmfit_result(model: Model, points: Points, found: Fit, row: int) -> lmfit.model.ModelResult:
    """Return the fit of one mouse as lmfit's own fit would have left it.

    Parameters
    ----------
    model : Model
        The model.
    points : Points
        Points of the mice.
    found : Fit
        From :func:`cartrace.fitting.fit`.
    row : int
        The mouse.

    Returns
    -------
    lmfit.model.ModelResult
        With values, standard errors, covariance and statistics; of these, chi-square and what follows from it stand for
        the quantified points.
    """
    front, names = lmfit_model(model), parameter_names(model)
    quantified = points.used[row] & ~points.censored[row]
    day, data = points.day[row][quantified], points.log_response[row][quantified]
    parameters = lmfit.create_params(**dict(zip(names, map(float, found.theta[row]), strict=True)))
    covariance = found.covariance[row]
    se = np.sqrt(np.diag(covariance))
    for index, name in enumerate(names):
        parameters[name].stderr = float(se[index])
        others = {
            other: float(covariance[index, place] / (se[index] * se[place]))
            for place, other in enumerate(names)
            if place != index and se[index] * se[place] > 0.0
        }
        parameters[name].correl = others
    result = lmfit.model.ModelResult(front, parameters, data=data, fcn_kws={"day": day})
    result.userargs, result.userkws = (data, None), {"day": day}
    result.init_params, result.params = parameters.copy(), parameters
    result.var_names, result.covar, result.errorbars = list(names), covariance, True
    result.success, result.method = bool(found.converged[row]), "batched Levenberg-Marquardt"
    result.message = "converged" if result.success else "not converged"
    result.best_fit = result.init_fit = front.eval(parameters, day=day)
    result.best_values = result.init_values = {name: parameters[name].value for name in names}
    result.residual = result.best_fit - data
    _statistics(result, len(data), len(names))
    return result


def _statistics(result: lmfit.model.ModelResult, n: int, n_parameters: int) -> None:
    result.ndata, result.nvarys, result.nfree, result.nfev = n, n_parameters, n - n_parameters, 0
    result.chisqr = float(result.residual @ result.residual)
    result.redchi = result.chisqr / max(result.nfree, 1)
    deviance = n * np.log(max(result.chisqr / n, 1e-300))
    result.aic, result.bic = deviance + 2.0 * n_parameters, deviance + np.log(n) * n_parameters
    result.rsquared = 1.0 - result.chisqr / max(float(np.sum((result.data - result.data.mean()) ** 2)), 1e-300)
