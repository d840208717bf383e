"""A study made from known truth: sheets and exports as a lab and its instruments write them, and the truth itself.

Nothing here uses the functions of the analysis: decay, dead time and noise are written forward, so that an analysis
that recovers the truth has corrected for them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from cartrace.errors import InputError, Problem, nearest
from cartrace.simulate.cohort import Cohort, simulate_cohort
from cartrace.simulate.design import elapsed_s
from cartrace.simulate.dissection import BACKGROUND_CPS, EFFICIENCY_CPS_PER_BQ
from cartrace.simulate.exports import counter_files, pet_files, run_numbers
from cartrace.simulate.sheets import sheet_files
from cartrace.simulate.world import World

__all__ = ["simulate_study"]


def simulate_study(
    settings: Mapping[str, Any], *, half_life_s: float, density_g_per_ml: Mapping[str, float]
) -> dict[str, str]:
    """Make a study.

    Parameters
    ----------
    settings : mapping
        The whole config, defaults filled: its groups, tracer, regions, instruments' uncertainties, `simulation` and
        `seed`.
    half_life_s : float
        Half-life of the first tracer's nuclide [s].
    density_g_per_ml : mapping
        Density of the tissues [g/mL].

    Returns
    -------
    dict of str to str
        Text of every file by its path in the study's folder; `truth.json` holds what the analysis should find.

    Raises
    ------
    InputError
        `simulation.groups` names a group that the study has not.
    """
    _check_groups(settings)
    world = World.of(settings, half_life_s=half_life_s, density_g_per_ml=density_g_per_ml)
    cohorts = [simulate_cohort(index, world) for index in range(settings["simulation"]["n_cohorts"])]
    files: dict[str, str] = {}
    for index, cohort in enumerate(cohorts):
        pet, scans = pet_files(cohort, world)
        sheets = sheet_files(cohort, world, runs=run_numbers(index, cohort), scans=scans)
        counter = counter_files(index, cohort, world)
        for folder, texts in (("", sheets), ("counter/", counter), ("pet/", pet)):
            files |= {f"{cohort.name}/{folder}{name}": text for name, text in texts.items()}
    return files | {"truth.json": _truth_text(cohorts, world)}


def _check_groups(settings: Mapping[str, Any]) -> None:
    known = [group["name"] for group in settings["groups"]]
    problems = []
    for group in settings["simulation"]["groups"]:
        if group["name"] not in known:
            near = nearest(group["name"], known)
            remedy = f"Did you mean '{near[0]}'?" if near else f"The study's groups are {', '.join(known)}"
            why = "the simulated group is not a group of the study"
            problems.append(Problem("unknown-group", why, remedy, column="simulation.groups", value=group["name"]))
    if problems:
        raise InputError(problems, consequence="Nothing was simulated.")


def _truth_text(cohorts: list[Cohort], world: World) -> str:
    """Write the truth as JSON, a record a line."""
    parameters = ["cells_at_day_0", "growth_rate_per_day", "contraction_rate_per_day", "peak_day"]
    tables: dict[str, list[pd.DataFrame]] = {"mice": [], "sessions": [], "regions": [], "tissues": []}
    for cohort in cohorts:
        cell_day = elapsed_s(cohort.sessions["infused"], cohort.sessions["scan"]) / 86_400
        sessions = cohort.sessions.assign(cell_day=cell_day)
        chosen = {
            "mice": cohort.mice[["animal_id", "group", "has_reporter", *parameters]],
            "sessions": sessions[["animal_id", "session", "cell_day", "net_injected_kbq", "cells"]],
            "regions": cohort.regions[["animal_id", "session", "region", "volume_ml", "pct_id", "pct_id_per_ml"]],
            "tissues": cohort.samples,
        }
        for name, frame in chosen.items():
            tables[name].append(frame.assign(cohort=cohort.name))
    fixed = {
        "seed": world.settings["seed"],
        "nuclide": world.settings["tracers"][0]["nuclide"],
        "half_life_s": world.half_life_s,
        "efficiency_cps_per_bq": EFFICIENCY_CPS_PER_BQ,
        "background_cps": BACKGROUND_CPS,
        "dead_time_us": world.settings["counter"]["dead_time_us"],
        "scanner_gain": round(world.scanner_gain, 8),
        "uncertainty": dict(world.settings["uncertainty"]),
        "simulation": {key: value for key, value in world.simulation.items() if key != "output"},
    }
    lines = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in fixed.items()]
    lines += [
        f"{json.dumps(name)}: [\n" + ",\n".join(_records(pd.concat(frames))) + "\n]" for name, frames in tables.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _records(frame: pd.DataFrame) -> Iterator[str]:
    """Write the rows of a frame as JSON objects, the cohort first, numbers to eight digits."""
    frame = frame[["cohort", *(name for name in frame.columns if name != "cohort")]]
    columns = [frame[name].tolist() for name in frame.columns]
    for values in zip(*columns, strict=True):
        row = {
            name: float(f"{value:.8g}") if isinstance(value, float) else value
            for name, value in zip(frame.columns, values, strict=True)
        }
        yield json.dumps(row, ensure_ascii=False)
