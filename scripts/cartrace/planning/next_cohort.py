"""The next cohort by simulation: mice like those of this study, imaged on its days, fitted and tested as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cartrace import tables
from cartrace.association import wilson
from cartrace.estimates import animal_estimates
from cartrace.expansion import fit_study
from cartrace.expansion_points import Scatter, mice_of
from cartrace.growth import BY_NAME, Model
from cartrace.planning.effects import RATES, rate_behind, with_effect
from cartrace.planning.power import compared_by_study
from cartrace.quantities import quantities
from cartrace.statistics import Array

STUDIES = 200
# Mice that are simulated for one row at most; larger plans get fewer studies, and the largest none.
MOST_MICE = 4000
FEWEST_STUDIES = 40
_MOUSE = ["cohort", "animal_id"]
_COLUMNS = ("n_studies", "power_simulated", "power_simulated_ci_low", "power_simulated_ci_high", "simulation_note")


@dataclass(frozen=True)
class Population:
    """What a study knows of its mice, on the scales on which the chosen model is fitted.

    `mean` and `sd` are of the parameters of the second group's mice, the scatter being that between mice alone; `sigma`
    is the scatter about the curve; `days` and `critical` are the scans and their critical levels (NaN where unknown).
    """

    model: Model
    mean: Array
    sd: Array
    sigma: float
    days: Array
    critical: Array
    window_days: tuple[float, float]


def with_simulated_power(
    power: pd.DataFrame,
    cells: pd.DataFrame,
    estimates: pd.DataFrame,
    fits: pd.DataFrame,
    selection: pd.DataFrame,
    *,
    groups: Sequence[Mapping[str, Any]],
    primary: Mapping[str, Any],
    windows: Mapping[str, Sequence[float]],
    expansion: Mapping[str, Any],
    confidence: float,
    seed: int,
) -> pd.DataFrame:
    """Return the plan of the next cohort with the power that its numbers of mice have in simulated cohorts.

    Parameters
    ----------
    power : DataFrame
        From :func:`cartrace.next_cohort.next_cohort`.
    cells, estimates, fits, selection : DataFrame
        Tables of the whole study; of all models.
    groups, primary, windows, expansion, confidence, seed
        Settings of the config; windows are the days that each model is fitted to.

    Returns
    -------
    DataFrame
        With n_studies, power_simulated, its limits, and a note where nothing was simulated.
    """
    # ASSUME: groups of the next cohort differ in the rate of the endpoint alone, by the effect, from the first scan on.
    rows = []
    cache: dict[tuple[str, float, int], dict[str, Any]] = {}
    for row in power.to_dict("records"):
        analysis, effect, n = str(row["analysis"]), float(row["effect"]), row["n_enrolled"]
        known = _cannot(primary, analysis) or _population(
            cells, estimates, fits, selection, analysis=analysis, primary=primary, windows=windows
        )
        if isinstance(known, str) or not np.isfinite(n) or row["status"] != "ok":
            rows.append(_nothing(known if isinstance(known, str) else "there is no number of mice to simulate"))
        elif FEWEST_STUDIES * 2 * n > MOST_MICE:
            rows.append(_nothing(f"more than {MOST_MICE // (2 * FEWEST_STUDIES)} mice per group are not simulated"))
        else:
            key = analysis, effect, int(n)
            if key not in cache:
                settings: dict[str, Any] = {
                    "groups": groups,
                    "comparison": {"primary": primary, "confidence": confidence},
                }
                settings |= {"expansion": expansion, "seed": seed}
                cache[key] = _simulated(known, effect, int(n), settings)
            rows.append(cache[key])
    return power.assign(**{name: [row[name] for row in rows] for name in _COLUMNS})


def _nothing(note: str) -> dict[str, Any]:
    numbers: dict[str, Any] = dict.fromkeys(_COLUMNS, np.nan)
    return numbers | {"n_studies": 0, "simulation_note": note}


def _cannot(primary: Mapping[str, Any], analysis: str) -> str:
    if analysis != "without_excluded":
        return "simulated for the analysis without excluded mice"
    if not any(rate_behind(primary["endpoint"], model) for model in BY_NAME.values()):
        said = ", ".join(name.replace("_", " ") for name in RATES)
        return f"only rates of the curves ({said}) and the times behind them are simulated"
    return ""


def _population(
    cells: pd.DataFrame,
    estimates: pd.DataFrame,
    fits: pd.DataFrame,
    selection: pd.DataFrame,
    *,
    analysis: str,
    primary: Mapping[str, Any],
    windows: Mapping[str, Sequence[float]],
) -> Population | str:
    """Return what the study knows of its mice, or why that is not enough."""
    chosen = selection.loc[selection["chosen"] & (selection["analysis"] == analysis), "model"].tolist()
    model = BY_NAME.get(chosen[0]) if chosen else None
    if model is None:
        return "a model of the lab's own is not simulated" if chosen else "no model was chosen"
    if not rate_behind(primary["endpoint"], model):
        return f"the chosen model, {model.label.lower()}, has no {primary['endpoint'].replace('_', ' ')}"
    names = [parameter.name for parameter in model.parameters]
    same = (estimates["model"] == model.name) & (estimates["analysis"] == analysis) & (estimates["level"] == "animal")
    rows = estimates[same & estimates["group"].isin(primary["groups"]) & (estimates["status"] == "ok")]
    rows = rows[rows["parameter"].isin(names)]
    is_log = rows["scale"] == "log"
    rows = rows.assign(value=np.where(is_log, np.log(rows["estimate"].where(is_log, 1.0)), rows["estimate"]))
    wide = rows.pivot(index=[*_MOUSE, "group"], columns="parameter", values=["value", "se"]).dropna()
    counts = wide.index.get_level_values("group").value_counts()
    if min(int(counts.get(group, 0)) for group in primary["groups"]) < 2:
        return "fewer than two mice of a group have all parameters of the curve"
    value, se = wide["value"][names], wide["se"][names]
    mean = value.groupby("group").mean()
    # Cohorts shift all their mice alike; that is no scatter within the next one.
    cells_of = value.groupby(["group", "cohort"])
    within = (value - cells_of.transform("mean")).to_numpy(np.float64)
    df = len(value) - cells_of.ngroups
    if df < 1:
        return "too few mice within groups and cohorts"
    variance = (within**2).sum(axis=0) / df
    # What scatters between estimates is the mice and the error of their estimates.
    between = np.sqrt(np.maximum(variance - (se.to_numpy(np.float64) ** 2).mean(axis=0), 0.0))
    fitted = fits[(fits["model"] == model.name) & (fits["analysis"] == analysis) & (fits["status"] == "ok")]
    if (fitted["error_model"] != "log_normal").any():
        return "only scatter by a constant factor is simulated (expansion.error_model: log_normal)"
    sigma = fitted["sigma"]
    window = windows[model.name]
    scans = cells[cells["group"].isin(primary["groups"]) & (cells["status"] == "ok")]
    scans = scans[(scans["cell_day"] >= window[0]) & (np.rint(scans["cell_day"]) <= window[1])]
    sessions = scans.groupby("session")[["cell_day", "response_critical_level"]].median().sort_values("cell_day")
    return Population(
        model,
        mean.loc[primary["groups"][1]].to_numpy(np.float64),
        between,
        float(np.sqrt((sigma**2).mean())),
        sessions["cell_day"].to_numpy(np.float64),
        sessions["response_critical_level"].to_numpy(np.float64),
        (float(window[0]), float(window[1])),
    )


def _simulated(known: Population, effect: float, n: int, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return how often cohorts of n mice per group find an effect."""
    primary, expansion, confidence = (
        settings["comparison"]["primary"],
        settings["expansion"],
        settings["comparison"]["confidence"],
    )
    studies = min(STUDIES, MOST_MICE // (2 * n))
    cells = simulated_cells(known, effect, n, studies, settings)
    if cells["response"].isna().any():
        return _nothing("the effect leaves mice of this study's scatter without a rate above zero")
    study = fit_study(
        cells,
        mice_of(cells),
        model=known.model.name,
        analysis="all",
        strategy="reporter_gene",
        window_days=known.window_days,
        scatter=Scatter("log_normal", use_measurement_se=False),
    )
    found = animal_estimates(
        study, quantities(study, expansion["window_days"]), confidence=expansion["confidence"], interval="wald"
    )
    rows = found[(found["parameter"] == primary["endpoint"])]
    ok = rows["status"] == "ok"
    endpoints = (
        rows[[*_MOUSE, "group", "unit"]]
        .assign(
            analysis="all",
            endpoint=primary["endpoint"],
            modality="",
            region="",
            session="",
            value=rows["estimate"].where(ok),
            is_below_detection=False,
            detection_level=np.nan,
            status=np.where(ok, "ok", "not_estimable"),
            reason="",
            excluded=False,
            exclusion_reason="",
        )
        .reindex(columns=tables.Endpoints.names())
    )
    compared = compared_by_study(endpoints, settings)
    hits = int((compared.loc[compared["status"] == "ok", "p_value"] < 1 - confidence).sum())
    low, high = wilson(hits, studies, 0.95)
    share = {"power_simulated": hits / studies, "power_simulated_ci_low": low, "power_simulated_ci_high": high}
    return share | {"n_studies": studies, "simulation_note": ""}


def simulated_cells(
    known: Population, effect: float, n: int, studies: int, settings: Mapping[str, Any]
) -> pd.DataFrame:
    """Draw the responses of many cohorts; the first group of the primary comparison differs by the effect."""
    primary, model = settings["comparison"]["primary"], known.model
    groups = primary["groups"]
    rng = np.random.default_rng([settings["seed"], 62, n, round(1000 * abs(effect)), *([1] if effect < 0 else [])])
    mice = 2 * n * studies
    is_a = np.arange(mice) % 2 == 0
    theta = known.mean + known.sd * rng.standard_normal((mice, known.mean.size))
    theta[is_a] = with_effect(
        model,
        theta[is_a],
        float(known.days[0]),
        endpoint=primary["endpoint"],
        scale=primary["scale"],
        effect=effect,
    )
    day = np.broadcast_to(known.days, (mice, known.days.size))
    log_response = model.log_curve(day, theta) + known.sigma * rng.standard_normal(day.shape)
    number = np.repeat(np.arange(mice), known.days.size)
    return pd.DataFrame(
        {
            "cohort": [f"{study}/1" for study in (np.arange(mice) // (2 * n))[number]],
            "animal_id": number.astype(str),
            "group": np.where(is_a, groups[0], groups[1])[number],
            "role": "test",
            "session": np.tile(np.arange(known.days.size).astype(str), mice),
            "cell_day": day.ravel(),
            "response": np.exp(log_response).ravel(),
            "response_critical_level": np.tile(known.critical, mice),
            "response_unit": "cells",
            "status": "ok",
            "excluded": False,
        }
    )
