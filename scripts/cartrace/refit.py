"""Curves of a study once more: the choice of its model and what the mice's curves give, from other cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cartrace import tables
from cartrace.estimates import animal_estimates
from cartrace.expansion import Study, fit_rows, fit_study
from cartrace.expansion_points import Scatter, mice_of
from cartrace.growth import BY_NAME, Model
from cartrace.quantities import quantities
from cartrace.selection import FOR_GROUPS, select


def chosen_anew(
    cells: pd.DataFrame,
    settings: Mapping[str, Any],
    windows: Mapping[str, Sequence[float]],
    own: Mapping[str, Model],
    known: dict[tuple[str, str], Study] | None = None,
) -> pd.DataFrame:
    """Return the selection of the model as the flow would make it from these cells.

    Parameters
    ----------
    cells : DataFrame
        Table of cells of the whole study.
    settings : mapping
        The config's sections expansion and study.
    windows : mapping
        Days that each model is fitted to.
    own : mapping
        The lab's own models by name.
    known : dict, optional
        Fits of these cells that were made before, by model and analysis; those that are made now are added.
    """
    known = {} if known is None else known
    compared = [
        model
        for model, window in windows.items()
        if list(window) == list(settings["expansion"]["window_days"]) and model not in FOR_GROUPS
    ]
    fits = [
        fit_rows(_fitted(cells, model, analysis, settings, windows, own, known), compared, own)
        for model in windows
        for analysis in ("all", "without_excluded")
    ]
    others = [model for model in windows if model not in compared]
    return select(pd.concat(fits, ignore_index=True), not_compared=others)


def _fitted(
    cells: pd.DataFrame,
    model: str,
    analysis: str,
    settings: Mapping[str, Any],
    windows: Mapping[str, Sequence[float]],
    own: Mapping[str, Model],
    known: dict[tuple[str, str], Study],
) -> Study:
    expansion = settings["expansion"]
    if (model, analysis) not in known:
        known[model, analysis] = fit_study(
            cells,
            mice_of(cells),
            model={**BY_NAME, **own}[model],
            analysis=analysis,
            strategy=settings["study"]["strategy"],
            window_days=windows[model],
            scatter=Scatter(expansion["error_model"], expansion["use_measurement_se"]),
        )
    return known[model, analysis]


def estimates(
    cells: pd.DataFrame,
    selection: pd.DataFrame,
    settings: Mapping[str, Any],
    windows: Mapping[str, Sequence[float]],
    own: Mapping[str, Model],
    known: dict[tuple[str, str], Study] | None = None,
) -> pd.DataFrame:
    """Return the estimates of all mice by the chosen model of each analysis; the intervals are not asked for.

    Parameters
    ----------
    cells, settings, windows, own, known
        As in :func:`chosen_anew`.
    selection : DataFrame
        Which model each analysis has chosen.
    """
    expansion, parts = settings["expansion"], []
    known = {} if known is None else known
    for row in selection[selection["chosen"]].to_dict("records"):
        study = _fitted(cells, row["model"], row["analysis"], settings, windows, own, known)
        found = quantities(study, expansion["window_days"])
        parts.append(animal_estimates(study, found, confidence=expansion["confidence"], interval="wald"))
    if not parts:
        return tables.empty(tables.Estimates)
    return pd.concat(parts, ignore_index=True)[tables.Estimates.names()]
