"""One mouse whose every number is known, as tables of stage 1, and the scripts of stages 2 and 3 run on it.

F-18; injection at 10:12:00; times as seconds after it. A study is a dict of table name to list of rows, so that a test
changes what it is about and leaves the rest.
"""

import importlib.util
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

from cartrace import tables
from cartrace.activity import roi_activity, tube_activity, with_decay
from cartrace.config.instruments import Uncertainty
from cartrace.config.quality import QualityThresholds
from cartrace.dose import dose_activity
from cartrace.outliers import with_outliers
from cartrace.partial_volume import with_recovery
from cartrace.pet_detection import with_pet_limits
from cartrace.pet_quantity import counted_uptake
from cartrace.radionuclides import of_tracers, read
from cartrace.ratios import ratios
from cartrace.regions import pet_uptake
from cartrace.tissues import counter_uptake, taken_by_end
from cartrace.uptake import of_animals

ROOT = Path(__file__).parents[2]
NUCLIDES = ROOT / "resources" / "radionuclides.csv"
INJECTED = datetime.fromisoformat("2026-03-10T10:12:00+01:00")
SHEETS = {
    "animals": tables.Animals,
    "doses": tables.Doses,
    "tubes": tables.Tubes,
    "counts": tables.Counts,
    "scans": tables.Scans,
    "rois": tables.Rois,
    "exclusions": tables.Exclusions,
    "import_quality": tables.Quality,
}
STAGE_2 = {
    "tube_activity": tables.TubeActivity,
    "dose_activity": tables.DoseActivity,
    "roi_activity": tables.RoiActivity,
}
STAGE_3 = {"uptake": tables.Uptake, "ratios": tables.Ratios, "quality": tables.Quality}
SETTINGS = {
    "tracers": [{"name": "[18F]TFB", "nuclide": "F-18", "reporter": "hNIS"}],
    "half_lives": "ENSDF",
    "dose_route": "counted_standard",
    "dead_time_us": 2.0,
    "dead_time_model": "non_paralysable",
    "background_cps": None,
    "background_drift_p": 0.01,
    "uncertainty": Uncertainty().model_dump(),
    "groups": [{"name": "UTD", "role": "background"}, {"name": "CAR", "role": "test"}],
    "recovery": [],
    "noise_region": "",
    "pet_quantity": "recovered",
    "regions": [{"name": "tumour", "synonyms": [], "density_g_per_ml": 1.04}],
    "reference_regions": ["muscle", "blood"],
    "thresholds": QualityThresholds().model_dump(),
}
TISSUES = {"tumour": (0.2143, 5650, 603_215.0), "blood": (0.1120, 5720, 66_120.0), "muscle": (0.0987, 5790, 31_544.0)}


def at(seconds):
    """Return the stamp so many seconds after the injection."""
    return (INJECTED + timedelta(seconds=seconds)).isoformat()


def tube(position, role, **cells):
    return {"counter_file": "run.csv", "rack": "1", "position": str(position), "role": role, **cells}


def count(position, counted_s, count_s, counts, **cells):
    cells = {"counter_file": "run.csv", "window": "F-18", "tracer": "[18F]TFB", **cells}
    return {
        **cells,
        "rack": "1",
        "position": str(position),
        "counted_at": at(counted_s),
        "count_s": count_s,
        "counts": counts,
    }


def study():
    """Return the rows of the worked mouse."""
    rows = {name: [] for name in SHEETS}
    rows["animals"] = [{"animal_id": "M1", "group": "CAR", "cells_infused_at": at(-7 * 86_400)}]
    rows["doses"] = [
        {
            "animal_id": "M1",
            "session": "d07",
            "tracer": "[18F]TFB",
            "injected_at": at(0),
            "full_activity_kbq": 7412.0,
            "full_at": at(-510),
            "residual_activity_kbq": 331.0,
            "residual_at": at(435),
            "tail_activity_kbq": 214.0,
            "tail_at": at(5550),
            "injectate_mass_g": 0.1684,
            "body_weight_g": 25.3,
        }
    ]
    rows["tubes"] = [
        tube(1, "blank"),
        tube(2, "standard", tracer="[18F]TFB", standard_mass_g=0.0213, dilution_mass_g=10.0412, aliquot_mass_g=0.1007),
    ]
    rows["counts"] = [count(1, 4000, 600.0, 184.0), count(2, 5280, 60.0, 121_874.0)]
    for position, (tissue, (mass_g, counted_s, counts)) in enumerate(TISSUES.items(), start=3):
        of_mouse = {"animal_id": "M1", "session": "d07", "tissue": tissue, "collected_at": at(4080)}
        rows["tubes"].append(tube(position, "tissue", mass_g=mass_g, **of_mouse))
        rows["counts"].append(count(position, counted_s, 60.0, counts))
    return rows


def pet(rows, **scan):
    """Add the worked scan, which starts 62 min 15 s after injection, to a study, and return it."""
    rows["scans"].append(
        {
            "scan_id": "S1",
            "animal_id": "M1",
            "session": "d07",
            "file": "s1.voistat",
            "started_at": at(3735),
            "decay_corrected_to": "scan_start",
            **scan,
        }
    )
    rows["rois"].append(roi(0, 0.0, 600.0, 187.3))
    return rows


def roi(frame, start_s, duration_s, value, region="tumour", **cells):
    return {
        "scan_id": "S1",
        "region": region,
        "frame": frame,
        "frame_start_s": start_s,
        "frame_duration_s": duration_s,
        "activity_kbq_per_ml": value,
        "volume_ml": 0.2,
        "roi_name": region,
        "source_unit": "kBq/mL",
        **cells,
    }


def calibrated(rows):
    """Add a calibrator standard: 40 kBq at injection time, counted with the worked sensitivity of 420.94 cps/kBq."""
    rows["tubes"].append(tube(20, "standard", tracer="[18F]TFB", standard_activity_kbq=40.0, standard_at=at(600)))
    rows["counts"].append(count(20, 5300, 60.0, 602_000.0))
    return rows


def without_tail(rows):
    rows["doses"][0].update(tail_activity_kbq=float("nan"), tail_at="")
    return rows


def tail_counted(rows, counts=5000.0, count_s=0.1, position=30):
    """Put the tail into the counter instead of the calibrator."""
    without_tail(rows)
    rows["tubes"].append(tube(position, "tail", animal_id="M1", session="d07"))
    rows["counts"].append(count(position, 5900, count_s, counts))
    return rows


def exclusion(level, **cells):
    decision = {"reason_code": "technical", "reason": "spilled", "decided_by": "AB", "before_unblinding": "yes"}
    return {"level": level, "decided_at": at(90_000), **decision, **cells}


def frame(table, rows):
    """Return rows as the table, cells that are not given empty."""
    made = pd.DataFrame(rows, columns=table.names()) if rows else tables.empty(table)
    for column in table.columns if rows else ():
        if column.kind in ("text", "time", "date"):
            made[column.name] = [cell if isinstance(cell, str) else "" for cell in made[column.name]]
        elif column.kind == "float":
            made[column.name] = made[column.name].astype(float)
    made["cohort"] = "C01"
    if "source_row" in made:
        made["source_file"] = f"{table.__name__.lower()}.csv"
        made["source_row"] = range(2, len(made) + 2)
    return made[table.names()]


def frames(rows):
    """Return a study's tables of stage 1 by name."""
    return {name: frame(table, rows[name]) for name, table in SHEETS.items()}


def script(name):
    """Return a script as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(folder, rows, **changes):
    """Run both scripts on a study and return all tables that they wrote, by name."""
    settings = {**deepcopy(SETTINGS), **changes}
    paths = {name: str(Path(folder) / f"{name}.csv") for name in (*SHEETS, *STAGE_2, *STAGE_3)}
    for name, table in SHEETS.items():
        tables.write(frame(table, rows[name]), paths[name], table)

    def chosen(*names):
        return {name: settings[name] for name in names}

    script("compute_activity").main(
        **{name: paths[name] for name in (*list(SHEETS)[:7], *STAGE_2)},
        radionuclides=str(NUCLIDES),
        **chosen("tracers", "half_lives", "dose_route", "dead_time_us", "dead_time_model"),
        **chosen("background_cps", "background_drift_p", "uncertainty"),
    )
    script("compute_uptake").main(
        **{name: paths[name] for name in ("animals", "doses", "tubes", "scans", *STAGE_2, "import_quality", *STAGE_3)},
        **chosen(
            "groups",
            "regions",
            "recovery",
            "noise_region",
            "pet_quantity",
            "reference_regions",
            "uncertainty",
            "thresholds",
        ),
    )
    return {name: tables.read(paths[name], table) for name, table in (STAGE_2 | STAGE_3).items()}


def measured(sheets, **changes):
    """Run the core of stages 2 and 3 on tables of stage 1, without files, and return its tables by name."""
    settings = {**deepcopy(SETTINGS), **changes}
    uncertainty = settings["uncertainty"]
    decays = of_tracers(settings["tracers"], read(NUCLIDES), source=settings["half_lives"])
    decays = settings.get("decays", decays)
    doses, exclusions = sheets["doses"], sheets["exclusions"]
    tubes = tube_activity(
        sheets["tubes"],
        sheets["counts"],
        doses,
        exclusions,
        decays=decays,
        dead_time_s=settings["dead_time_us"] * 1e-6,
        dead_time_model=settings["dead_time_model"],
        background_cps=settings["background_cps"],
        background_drift_p=settings["background_drift_p"],
    )
    given, tubes = dose_activity(
        with_decay(doses, decays), tubes, exclusions, route=settings["dose_route"], uncertainty=uncertainty
    )
    rois = roi_activity(
        sheets["rois"], sheets["scans"], doses, exclusions, decays=decays, roi_frac=uncertainty["roi_frac"]
    )
    rois = rois[tables.RoiActivity.names()]
    uptake = pd.concat(
        [
            counter_uptake(taken_by_end(tubes, sheets["animals"]), given, balance_g=uncertainty["balance_g"]),
            pet_uptake(rois, given, regions=settings["regions"]),
        ],
        ignore_index=True,
    )
    uptake = of_animals(uptake, sheets["animals"])
    uptake = with_pet_limits(uptake, groups=settings["groups"], noise_region=settings["noise_region"])
    uptake = with_outliers(uptake, mads=2.5)
    uptake = with_recovery(uptake, regions=settings["regions"], recovery=settings["recovery"])
    found = {"tubes": tubes, "doses": given, "rois": rois, "uptake": uptake}
    counted = counted_uptake(uptake, quantity=settings["pet_quantity"], recovery=settings["recovery"])
    related = ratios(uptake, reference_regions=settings["reference_regions"], counted=counted)
    return {**found, "counted": counted, "ratios": related}
