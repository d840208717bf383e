"""Tiny cohorts whose every number is known by hand: counts are made backwards from the uptake that they must give.

One nuclide, Zr-89; calibrator standards of 100 kBq that count at 400/s each; no dead time, no residual, no tail; blanks
of 0.5/s. So the dose of a mouse is 1000 kBq at its injection, and %ID is net rate at injection over 400/s per kBq.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
HALF_LIFE_S = 282_276.0
DECAY_PER_S = math.log(2.0) / HALF_LIFE_S
DOSE_KBQ, CPS_PER_KBQ, BACKGROUND_CPS, COUNT_S = 1000.0, 400.0, 0.5, 100.0
INJECTED = datetime.fromisoformat("2026-03-02 10:00:00")
MASS_G = {"blood": 0.5, "liver": 1.25, "spleen": 0.05, "tumour": 0.25, "carcass": 20.0}
Levels = Mapping[str, float]


def config(strategy: str, groups: Sequence[Mapping[str, str]], **changes: Any) -> dict[str, Any]:
    """Return the config of a study with one such cohort; `changes` are whole sections."""
    test, control = groups[0]["name"], groups[-1]["name"]
    primary = {"endpoint": "uptake", "region": "spleen", "session": "t1", "modality": "counter"}
    return {
        "study": {"title": f"A tiny study: {strategy}", "strategy": strategy, "timezone": "UTC"},
        "cohorts": [{"name": "T01", "path": "cohorts/T01"}],
        "groups": list(groups),
        "tracers": [{"name": "89Zr", "nuclide": "Zr-89"}],
        "counter": {
            "format": "table",
            "columns": {"position": "Pos", "counted_at": "When", "count_s": "Seconds [s]", "counts": "Counts"},
        },
        "uptake": {"dose_route": "calibrator", "reference_regions": ["blood"]},
        "cells": {"modality": "counter", "region": "spleen"},
        "expansion": {"models": ["exponential"]},
        "comparison": {"primary": {**primary, "groups": [test, control]}},
        **changes,
    }


def mouse(name: str, group: str, hour: float, levels: Levels) -> dict[str, Any]:
    """Return one mouse, taken so many hours after its injection, with the %ID of its tissues."""
    return {"name": name, "group": group, "hour": hour, "levels": dict(levels)}


def with_pet(
    made: tuple[dict[str, Any], list[dict[str, Any]]],
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the study with a scan of every mouse an hour before its dissection, which sees the tissues as they are.

    Spleens follow PET then; a scan has no carcass. Uptake per volume is that per mass, at 1 g/mL.
    """
    settings, mice = made
    columns = {"region": "Region", "frame_start_s": "Start [s]", "frame_duration_s": "Seconds [s]"}
    columns |= {"value": "Mean [kBq/mL]", "volume_ml": "Volume [mL]"}
    comparison = {"primary": {**settings["comparison"]["primary"], "modality": "pet"}}
    settings = settings | {
        "pet": {"format": "table", "columns": columns},
        "regions": [{"name": name, "density_g_per_ml": 1.0} for name in MASS_G if name != "carcass"],
        "cells": {"modality": "pet", "region": "spleen"},
        "comparison": comparison,
    }
    return settings, [one | {"scan_hour": one["hour"] - 1.0} for one in mice]


def _scan(cohort: Path, one: Mapping[str, Any]) -> str:
    """Write the export of a mouse's scan, corrected to the injection, and return its row of the sheet."""
    (cohort / "pet").mkdir(exist_ok=True)
    lines = ["Region,Start [s],Seconds [s],Mean [kBq/mL],Volume [mL]"]
    for tissue, level in one["levels"].items():
        if tissue != "carcass":
            mean = level / 100.0 * DOSE_KBQ / MASS_G[tissue]
            lines.append(f"{tissue},0,600,{mean!r},{MASS_G[tissue]}")
    (cohort / "pet" / f"{one['name']}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    started = INJECTED + timedelta(hours=one["scan_hour"])
    return f"S_{one['name']},{one['name']},t1,{one['name']}.csv,{started},injection"


def write(folder: Path, settings: Mapping[str, Any], mice: Sequence[Mapping[str, Any]]) -> Path:
    """Write the study into a folder: its config, and the one cohort."""
    cohort = folder / "cohorts" / "T01"
    (cohort / "counter").mkdir(parents=True)
    (folder / "config").mkdir()
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(dict(settings), sort_keys=False), encoding="utf-8")
    animals, doses, tubes, counts = [], [], [], ["Pos,When,Seconds [s],Counts"]
    last = max(one["hour"] for one in mice)
    run_at = INJECTED + timedelta(hours=last + 1.0)
    tubes += ["run.csv,1,blank,,,,,,,", f"run.csv,2,standard,,,,,100,{INJECTED},89Zr"]
    counts += [_count(1, run_at, 0.0), _count(2, run_at, 100.0 * CPS_PER_KBQ)]
    for one in mice:
        ended = INJECTED + timedelta(hours=one["hour"])
        animals.append(f"{one['name']},{one['group']},{INJECTED},1000000,{ended},scheduled")
        doses.append(f"{one['name']},t1,89Zr,{INJECTED},1000,{INJECTED},0,{INJECTED},0,{INJECTED},20")
        for tissue, level in one["levels"].items():
            place = len(counts)
            tubes.append(f"run.csv,{place},tissue,{one['name']},t1,{tissue},{MASS_G[tissue]},,,")
            counts.append(_count(place, run_at, level / 100.0 * DOSE_KBQ * CPS_PER_KBQ))
    sheets = {
        "animals": ("animal_id,group,cells_infused_at,cells_infused,ended_at,end_reason", animals),
        "doses": (
            "animal_id,session,tracer,injected_at,full_activity [kBq],full_at,residual_activity [kBq],residual_at,"
            "tail_activity [kBq],tail_at,body_weight [g]",
            doses,
        ),
        "tubes": (
            "counter_file,position,role,animal_id,session,tissue,mass [g],standard_activity [kBq],standard_at,tracer",
            tubes,
        ),
    }
    scans = [_scan(cohort, one) for one in mice if "scan_hour" in one]
    if scans:
        sheets["scans"] = ("scan_id,animal_id,session,file,started_at,decay_corrected_to", scans)
    for name, (header, rows) in sheets.items():
        (cohort / f"{name}.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    (cohort / "counter" / "run.csv").write_text("\n".join(counts) + "\n", encoding="utf-8")
    return folder


def _count(place: int, run_at: datetime, cps_at_injection: float) -> str:
    """Return a line of the export: what a rate at injection counts, one tube every two minutes."""
    at = run_at + timedelta(seconds=120.0 * place)
    left = math.exp(-DECAY_PER_S * (at - INJECTED).total_seconds())
    mean = -math.expm1(-DECAY_PER_S * COUNT_S) / (DECAY_PER_S * COUNT_S)
    return f"{place},{at},{COUNT_S},{(cps_at_injection * left * mean + BACKGROUND_CPS) * COUNT_S!r}"


def direct_label() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a study of labelled cells, dissected at 24, 72 and 144 h, with a group that got free label."""
    groups = [
        {"name": "CAR", "role": "test", "label": "Labelled CAR-T"},
        {"name": "UTD", "role": "control"},
        {"name": "FREE", "role": "background", "label": "Free label"},
    ]
    mice = []
    for number, hour in enumerate((24.0, 72.0, 144.0)):
        for place, factor in enumerate((0.9, 1.0, 1.1)):
            rest = {"liver": 20.0 + 2.0 * number, "carcass": 60.0 - 5.0 * number}
            spleens = {"CAR": 10.0 - 2.0 * number, "UTD": 6.0 - 2.0 * number, "FREE": 1.0}
            for group, spleen in spleens.items():
                levels = {"blood": 2.0 / (number + 1) * factor, "spleen": spleen * factor, **rest}
                mice.append(mouse(f"{group}{number}{place}", group, hour, levels))
    label = {"activity_bq_per_cell": 0.07, "delay_h": 2.0, "efflux_per_day": 0.0851, "free_frac": 0.05}
    return config("direct_label", groups, label=label), mice


def immunopet() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a study of an antibody at 48 h, with a blocked group."""
    groups = [
        {"name": "TARGET", "role": "test"},
        {"name": "IRRELEVANT", "role": "control", "label": "Irrelevant antibody"},
        {"name": "BLOCKED", "role": "background"},
    ]
    mice = []
    for place, factor in enumerate((0.9, 1.0, 1.1)):
        for group, spleen in (("TARGET", 2.0), ("IRRELEVANT", 0.6), ("BLOCKED", 0.5)):
            levels = {"blood": 4.0, "spleen": spleen * factor, "tumour": 3.0 * spleen * factor}
            mice.append(mouse(f"{group}{place}", group, 48.0, levels))
    return config("immunopet", groups), mice
