"""Instrument exports of a simulated cohort, as the instruments write them: Wizard2 CSV and PMOD `.voistat`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cartrace.simulate import design, instruments
from cartrace.simulate.cohort import Cohort
from cartrace.simulate.design import elapsed_s
from cartrace.simulate.dissection import BACKGROUND_CPS
from cartrace.simulate.world import World

FIRST_RUN_ID = 563
RUNS_BETWEEN_COHORTS = 37
PROTOCOL_ID = 14
VOXEL_SD_FRAC = 0.14
_COLOURS = ("ff0000ff", "ff00ff00", "ffff0000", "ffffff00")
_VOISTAT_COLUMNS = (
    "// Component [string]\tFile [string]\tPatientName [string]\tPatientID [string]\tPatientInfo [string]\t"
    "StudyDescription [string]\tSeriesDescription [string]\tStudyDate [date_time]\tColor [0xARGB]\t"
    "VoiName(Region) [string]\tTime [seconds]\tAveraged [kBq/cc]\tSd [kBq/cc]\tVolume [ccm]"
)


def wall(instants: pd.Series, timezone: str, *, ahead_s: float = 0.0, form: str = "%Y-%m-%d %H:%M:%S") -> pd.Series:
    """Write instants as a device does whose clock is `ahead_s` ahead of the lab's wall clock."""
    shown = pd.DatetimeIndex(instants + pd.Timedelta(seconds=ahead_s)).tz_convert(timezone)
    return pd.Series(shown.strftime(form), index=instants.index)


def run_numbers(index: int, cohort: Cohort) -> dict[str, int]:
    """Return the counter's number of every run of the cohort at `index`."""
    runs = sorted(set(cohort.tubes["run"]))
    return {run: FIRST_RUN_ID + RUNS_BETWEEN_COHORTS * index + place for place, run in enumerate(runs)}


def counter_files(index: int, cohort: Cohort, world: World) -> dict[str, str]:
    """Write one Wizard2 export per counting run.

    Parameters
    ----------
    index : int
        Cohort, from 0.
    cohort : Cohort
        Its records.
    world : World
        What all cohorts share.

    Returns
    -------
    dict of str to str
        Text by file name, with the instrument's own line ends.

    Notes
    -----
    `Counts` are gross. ``CPM = max(0, g (1 + tau g) 60 - BG)``, times ``exp(lambda (t - t_run + Time / 2))`` where the
    protocol corrects for decay; ``Error % = 100 / sqrt(CPM)`` of the rate that is not decay-corrected, as the
    instrument has it.
    """
    tubes = cohort.tubes
    gross = tubes["counts"] / tubes["count_s"]
    tau_s = world.settings["counter"]["dead_time_us"] * 1e-6
    net_cpm = (gross * (1 + tau_s * gross) * 60 - 60 * BACKGROUND_CPS).clip(lower=0.0)
    since = elapsed_s(tubes["begun"], tubes["counted"]) + tubes["count_s"] / 2
    decayed = instruments.remaining(since.to_numpy(np.float64), world.half_life_s)
    error = 100 / np.sqrt(net_cpm.where(net_cpm > 0, np.inf))
    shown = pd.DataFrame(
        {
            "start": wall(tubes["counted"], world.settings["study"]["timezone"], ahead_s=_ahead(cohort, "counter")),
            "run": tubes["run"].map(run_numbers(index, cohort)),
            "rack": tubes["rack"],
            "position": tubes["position"],
            "count_s": tubes["count_s"].map(_plain),
            "counts": tubes["counts"].map(_plain),
            "cpm": (net_cpm / decayed if cohort.lab.is_cpm_decay_corrected else net_cpm).round(2).map(_plain),
            "error": error.round(2).map(_plain),
            "info": np.where((error > 5) | (net_cpm == 0), "I", ""),
        }
    )
    measurement = shown["counts"] + "," + shown["cpm"] + "," + shown["error"] + "," + shown["info"]
    nuclide = world.settings["tracers"][0]["nuclide"]
    head = (
        "Protocol ID,Protocol name,Measurement date & time,Completion status,Run ID,Rack,Det,Pos,Time,Sample code,"
        f"{nuclide} Counts,{nuclide} CPM,{nuclide} Error %,{nuclide} Info"
    )
    lines = [
        f"{PROTOCOL_ID},{nuclide} biodistribution,{start},0,{run},{rack},1,{position},{count_s},,{measured}"
        for start, run, rack, position, count_s, measured in zip(
            *(shown[name] for name in ("start", "run", "rack", "position", "count_s")), measurement, strict=True
        )
    ]
    written = pd.Series(lines, index=shown["run"])
    return {f"{run:06d}.csv": "\r\n".join([head, *part, ""]) for run, part in written.groupby(level=0)}


def pet_files(cohort: Cohort, world: World) -> tuple[dict[str, str], pd.DataFrame]:
    """Write PMOD statistics: a file per scan, or a file per session in which every mouse has its own label.

    Parameters
    ----------
    cohort : Cohort
        Its records.
    world : World
        What all cohorts share.

    Returns
    -------
    tuple of (dict of str to str, DataFrame)
        Text by file name; and per scan its `animal_id`, `session`, `file` and `animal_label` (empty in a file of one).
    """
    sessions, many = cohort.sessions, cohort.lab.has_multi_mouse_exports
    scans = sessions[["animal_id", "session", "weight_g", "scan", "group"]].copy()
    scans["file"] = sessions["session"] + ".voistat"
    if not many:
        scans["file"] = sessions["animal_id"] + "_" + scans["file"]
    scans["animal_label"] = cohort.name + "-" + sessions["animal_id"] if many else ""
    zone, ahead_s = world.settings["study"]["timezone"], _ahead(cohort, "scanner")
    scans["date"] = wall(scans["scan"], zone, ahead_s=ahead_s, form="%Y%m%d_%H%M%S")
    scans["exported"] = wall(scans["scan"] + pd.Timedelta(days=1), zone, form="%Y.%m.%d_18:31:29")
    regions = list(dict.fromkeys(cohort.regions["region"]))
    order = {region: place for place, region in enumerate(regions)}
    rows = cohort.regions.merge(scans, on=["animal_id", "session"], how="left", validate="many_to_one")
    rows["place"] = rows["region"].map(order)
    rows = rows.sort_values(["session", "animal_id", "place"], kind="stable")
    rows["roi"] = rows["region"].map(_roi_names(regions, world.settings, cohort.lab.synonym))
    rows["line"] = list(_voistat_lines(rows, cohort.name))
    version = "# VERSION[4.002]" if many else "# VERSION[3.807]"
    mode = ["# VOXEL_FRACTION_MODE[1]"] if many else []
    files = {}
    for name, part in rows.groupby("file", sort=True):
        head = ["# PMOD_VOI_STATISTICS", "# FORMAT[UNI]", f"# DATE_TIME[{part['exported'].max()}]", version]
        head += ["# AXIS[Experiment][VOI][TAC][g1]", *mode, "# DATA", _VOISTAT_COLUMNS]
        files[str(name)] = "\n".join([*head, *part["line"], ""])
    return files, scans[["animal_id", "session", "file", "animal_label"]]


def _voistat_lines(rows: pd.DataFrame, cohort: str) -> Iterator[str]:
    columns = ("animal_id", "animal_label", "weight_g", "date", "place", "roi", "kbq_per_ml", "volume_ml")
    for animal, label, weight_g, date, place, roi, mean, volume in zip(*(rows[name] for name in columns), strict=True):
        patient = label or animal
        yield "\t".join(
            (
                f"{patient} | AC corr <1/2/3/*/LAB>",
                "<1/2/3/*/LAB>",
                f"{cohort} {animal}",
                patient,
                f"size = 0.0, weight = {weight_g / 1000:.4f}, sex = F",
                "AC corr",
                "[Rot] [Scale]",
                date,
                _COLOURS[place % len(_COLOURS)],
                roi,
                str(design.FRAME_S / 2),
                f"{mean:.6f}",
                f"{VOXEL_SD_FRAC * mean:.6f}",
                f"{volume:.4f}",
            )
        )


def _roi_names(regions: list[str], settings: Mapping[str, Any], synonym: int) -> dict[str, str]:
    """Call a region what the cohort's lab calls it: a synonym of the config where there is one."""
    known = {region["name"]: region["synonyms"] for region in settings["regions"]}
    return {region: known[region][synonym] if known.get(region) else region for region in regions}


def _ahead(cohort: Cohort, device: str) -> float:
    return cohort.lab.clock_offsets_s.get(device, 0.0)


def _plain(value: float) -> str:
    return f"{round(value, 2):.12g}"
