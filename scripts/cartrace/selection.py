"""Choice of one model of expansion for the study, by AICc pooled over mice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cartrace import tables
from cartrace.growth import GROUP_MODELS

# ASSUME: all mice of a study follow the same model of expansion and share one scatter about it.
LEAST_SHARE = 0.5
FOR_GROUPS = tuple(model.name for model in GROUP_MODELS)


def points_needed(n_points: npt.NDArray[np.int_], n_parameters: Sequence[int]) -> int:
    """Return how many points a mouse needs to take part in the choice between models.

    Parameters
    ----------
    n_points : array, shape (m,)
        Points of each mouse that at least the smallest model can be fitted to.
    n_parameters : sequence of int
        Parameters of each compared model.

    Returns
    -------
    int
        One more than the parameters of the largest model that half of the mice have points enough for. A larger model
        would leave the choice to a few mice and does not take part.
    """
    carried = [count for count in n_parameters if n_points.size and np.mean(n_points >= count + 1) >= LEAST_SHARE]
    return max(carried, default=min(n_parameters)) + 1


def aicc(log_likelihood: float, n_parameters: int, n_points: int) -> float:
    """Return Akaike's information criterion for small samples, NaN where it is not defined.

    Notes
    -----
    ``-2 ln L + 2 k + 2 k (k + 1) / (n - k - 1)`` for n > k + 1 (Hurvich & Tsai 1989, doi:10.1093/biomet/76.2.297).
    """
    if n_points <= n_parameters + 1:
        return float("nan")
    correction = 2.0 * n_parameters * (n_parameters + 1) / (n_points - n_parameters - 1)
    return -2.0 * log_likelihood + 2.0 * n_parameters + correction


def select(fits: pd.DataFrame, *, not_compared: Sequence[str]) -> pd.DataFrame:
    """Choose one model per analysis.

    Parameters
    ----------
    fits : DataFrame
        Rows of :class:`cartrace.tables.Fits` of all models, in the order of the config.
    not_compared : sequence of str
        Models that were fitted to other points.

    Returns
    -------
    DataFrame
        Rows of :class:`cartrace.tables.Selection`.

    Notes
    -----
    Mice count that have a log-likelihood under every compared model. Each model has the parameters of all its curves
    and one shared scatter. The weight of a model is ``exp(-delta / 2)`` over the sum of these (Burnham & Anderson 2002,
    doi:10.1007/b97636).
    """
    models = list(dict.fromkeys(fits["model"]))
    analyses = list(dict.fromkeys(fits["analysis"]))
    rows: list[dict[str, Any]] = []
    for analysis in analyses:
        rows += _one_analysis(fits[fits["analysis"] == analysis], models, not_compared)
    return pd.DataFrame(rows, columns=tables.Selection.names())


def _one_analysis(fits: pd.DataFrame, models: Sequence[str], not_compared: Sequence[str]) -> list[dict[str, Any]]:
    by_model = {model: fits[fits["model"] == model].set_index(["cohort", "animal_id"]) for model in models}
    pooled = {model: frame[frame["log_likelihood"].notna()] for model, frame in by_model.items()}
    others = [model for model in models if model not in not_compared]
    if len(models) == 1:
        others = list(models)
    compared = [model for model in others if len(pooled[model])]
    common = pooled[compared[0]].index if compared else pd.MultiIndex.from_tuples([], names=["cohort", "animal_id"])
    for model in compared:
        common = common.intersection(pooled[model].index)
    analysis = str(fits["analysis"].iloc[0])
    rows = {model: _row(analysis, model, by_model[model].loc[common]) for model in compared}
    for model in models:
        if model not in rows:
            rows[model] = _row(analysis, model, by_model[model].iloc[:0])
            rows[model] |= _left_out(model, by_model[model], is_other=model in others)
    _choose([rows[model] for model in compared])
    return [rows[model] for model in models]


def _row(analysis: str, model: str, fits: pd.DataFrame) -> dict[str, Any]:
    n_points, n_parameters = int(fits["n_points"].sum()), int(fits["n_parameters"].sum()) + (1 if len(fits) else 0)
    log_likelihood = float(fits["log_likelihood"].sum()) if len(fits) else float("nan")
    return {
        "analysis": analysis,
        "model": model,
        "n_animals": len(fits),
        "n_points": n_points,
        "n_parameters": n_parameters,
        "log_likelihood": log_likelihood,
        "aicc": aicc(log_likelihood, n_parameters, n_points),
        "delta_aicc": float("nan"),
        "weight": float("nan"),
        "chosen": False,
        "status": "ok",
        "reason": "",
    }


def _left_out(model: str, fits: pd.DataFrame, *, is_other: bool) -> dict[str, Any]:
    if model in FOR_GROUPS:
        reason = "fitted to groups: it has no likelihood for the points of single mice"
        return {"status": "not_compared", "reason": reason}
    if not is_other:
        return {
            "status": "not_compared",
            "reason": "fitted to a window of its own: the likelihood of other points cannot be compared",
        }
    if (fits["status"] == "ok").any():
        reason = "fewer than half of the mice have one more point than the model has parameters"
    else:
        found = fits["reason"][fits["reason"] != ""]
        reason = "no mouse could be fitted" + (f" ({found.mode().iloc[0]})" if len(found) else "")
    return {"status": "not_estimable", "reason": reason}


def _choose(rows: list[dict[str, Any]]) -> None:
    """Fill in delta, weight and the choice; a tie goes to fewer parameters, then to the order of the config."""
    if len(rows) == 1 and rows[0]["n_animals"]:
        rows[0] |= {"chosen": True, "reason": "the only model that could be compared"}
    finite = [row for row in rows if np.isfinite(row["aicc"])]
    for row in rows:
        if row not in finite:
            row["reason"] = (
                f"AICc is not defined for {row['n_points']} points of {row['n_animals']} mice and "
                f"{row['n_parameters']} parameters" + (f"; {row['reason']}" if row["reason"] else "")
            )
            row["status"] = "ok" if row["chosen"] else "not_estimable"
    if not finite:
        return
    lowest = min(row["aicc"] for row in finite)
    relative = [float(np.exp(-0.5 * (row["aicc"] - lowest))) for row in finite]
    for row, share in zip(finite, relative, strict=True):
        row |= {"delta_aicc": row["aicc"] - lowest, "weight": share / sum(relative)}
    min(finite, key=lambda row: (row["delta_aicc"], row["n_parameters"]))["chosen"] = True
