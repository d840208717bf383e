"""The sheets of a simulated cohort, as its lab writes them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cartrace.simulate import instruments
from cartrace.simulate.cohort import Cohort
from cartrace.simulate.exports import wall
from cartrace.simulate.world import World


def sheet_files(cohort: Cohort, world: World, *, runs: Mapping[str, int], scans: pd.DataFrame) -> dict[str, str]:
    """Write the sheets.

    Parameters
    ----------
    cohort : Cohort
        Its records.
    world : World
        What all cohorts share.
    runs : mapping
        The counter's number of every run.
    scans : DataFrame
        File and label of every scan, from :func:`cartrace.simulate.exports.pet_files`.

    Returns
    -------
    dict of str to str
        CSV text by file name; units stand in the headers and are the cohort's own.
    """
    frames = {
        "animals": _animals(cohort, world),
        "doses": _doses(cohort, world),
        "tubes": _tubes(cohort, world, runs),
        "scans": _scans(cohort, world, scans),
        "calibration": _calibration(cohort, world),
        "readouts": _readouts(cohort, world),
        "exclusions": _exclusions(cohort, world),
        "clocks": _clocks(cohort, world),
    }
    return {
        f"{name}.csv": frame.to_csv(index=False, lineterminator="\n") for name, frame in frames.items() if len(frame)
    }


def _zone(world: World) -> str:
    return str(world.settings["study"]["timezone"])


def _tracer(world: World) -> str:
    return str(world.settings["tracers"][0]["name"])


def _texts(values: pd.Series | NDArray[np.float64], unit: float = 1.0, digits: int = 6) -> list[str]:
    """Write numbers in a unit, without a trailing zero; a missing one is empty."""
    shown = np.asarray(values, dtype=np.float64) / unit
    return ["" if np.isnan(value) else f"{round(value, digits):.10g}" for value in shown]


def _animals(cohort: Cohort, world: World) -> pd.DataFrame:
    mice = cohort.mice
    born = mice["infused"] - pd.Timedelta(days=63)
    return pd.DataFrame(
        {
            "animal_id": mice["animal_id"],
            "group": mice["group"],
            "cells_infused_at": wall(mice["infused"], _zone(world)),
            "cells_infused": "2000000",
            "sex": "F",
            "strain": "NSG",
            "date_of_birth": wall(born, _zone(world), form="%Y-%m-%d"),
            "cage": [f"{cohort.name}-{place // 5 + 1}" for place in range(len(mice))],
            "batch": [f"day {batch + 1}" for batch in mice["batch"]],
            "ended_at": wall(mice["ended"], _zone(world)),
            "end_reason": mice["end_reason"],
        }
    )


def _doses(cohort: Cohort, world: World) -> pd.DataFrame:
    sessions, lab, zone = cohort.sessions, cohort.lab, _zone(world)
    ahead_s = lab.clock_offsets_s.get("calibrator", 0.0)
    in_counter = sessions["is_last"].to_numpy(bool)  # then the tail goes into the counter with the tissues
    activity = {
        name: _texts(instruments.significant(sessions[f"{name}_kbq"].to_numpy(np.float64), 4), lab.activity_kbq)
        for name in ("full", "residual", "tail")
    }
    times = {name: wall(sessions[name], zone, ahead_s=ahead_s) for name in ("full", "residual", "tail")}
    frame = pd.DataFrame(
        {
            "animal_id": sessions["animal_id"],
            "session": sessions["session"],
            "tracer": _tracer(world),
            f"full_activity [{lab.activity_unit}]": activity["full"],
            "full_at": times["full"],
            "injected_at": wall(sessions["injected"], zone, ahead_s=lab.clock_offsets_s.get("wall", 0.0)),
            f"residual_activity [{lab.activity_unit}]": activity["residual"],
            "residual_at": times["residual"],
            f"tail_activity [{lab.activity_unit}]": np.where(in_counter, "", activity["tail"]),
            "tail_at": times["tail"].where(~in_counter, ""),
            f"injectate_mass [{lab.mass_unit}]": _texts(sessions["injectate_g"], lab.mass_g),
            "body_weight [g]": _texts(sessions["weight_g"], digits=1),
            "route": "i.v.",
        }
    )
    return frame.sort_values(["session", "animal_id"], kind="stable")


def _tubes(cohort: Cohort, world: World, runs: Mapping[str, int]) -> pd.DataFrame:
    tubes, lab, zone = cohort.tubes, cohort.lab, _zone(world)
    numbers = tubes["run"].map(runs)

    def stamp(column: str, device: str) -> pd.Series:
        known = tubes[column].notna()
        shown = wall(tubes.loc[known, column], zone, ahead_s=lab.clock_offsets_s.get(device, 0.0))
        return shown.reindex(tubes.index, fill_value="")

    return pd.DataFrame(
        {
            "counter_file": [f"{number:06d}.csv" for number in numbers],
            "rack": tubes["rack"],
            "position": tubes["position"],
            "role": tubes["role"],
            "animal_id": tubes["animal_id"].fillna(""),
            "session": tubes["session"].fillna(""),
            "tissue": tubes["tissue"].fillna(""),
            f"tare [{lab.mass_unit}]": _texts(tubes["tare_g"], lab.mass_g),
            f"gross [{lab.mass_unit}]": _texts(tubes["gross_g"], lab.mass_g),
            "collected_at": stamp("collected", "wall"),
            f"standard_activity [{lab.activity_unit}]": _texts(tubes["standard_activity_kbq"], lab.activity_kbq),
            "standard_at": stamp("standard", "calibrator"),
            f"standard_mass [{lab.mass_unit}]": _texts(tubes["standard_mass_g"], lab.mass_g),
            f"dilution_mass [{lab.mass_unit}]": _texts(tubes["dilution_mass_g"], lab.mass_g),
            f"aliquot_mass [{lab.mass_unit}]": _texts(tubes["aliquot_mass_g"], lab.mass_g),
            "tracer": np.where(tubes["role"] == "standard", _tracer(world), ""),
        }
    )


def _scans(cohort: Cohort, world: World, scans: pd.DataFrame) -> pd.DataFrame:
    sessions = cohort.sessions
    frame = pd.DataFrame(
        {
            "scan_id": sessions["animal_id"] + "_" + sessions["session"],
            "animal_id": sessions["animal_id"],
            "session": sessions["session"],
            "file": scans["file"],
            "animal_label": scans["animal_label"],
            "started_at": wall(sessions["scan"], _zone(world), ahead_s=cohort.lab.clock_offsets_s.get("scanner", 0.0)),
            "decay_corrected_to": "scan_start",
        }
    )
    if not cohort.lab.has_multi_mouse_exports:
        frame = frame.drop(columns="animal_label")
    return frame.sort_values(["session", "animal_id"], kind="stable")


def _calibration(cohort: Cohort, world: World) -> pd.DataFrame:
    pellets = cohort.calibration
    return pd.DataFrame(
        {
            "kind": "in_vivo",
            "tracer": _tracer(world),
            "cells": _texts(pellets["cells"]),
            "uptake_pct_id": _texts(pellets["uptake_pct_id"]),
            "background_pct_id": _texts(pellets["background_pct_id"]),
            "replicate": pellets["replicate"],
        }
    )


def _readouts(cohort: Cohort, world: World) -> pd.DataFrame:
    readouts = cohort.readouts.assign(
        measured_at=wall(cohort.readouts["measured"], _zone(world), form="%Y-%m-%d %H:%M"),
        value=_texts(cohort.readouts["value"]),
    )
    columns = ["animal_id", "measured_at", "readout", "value", "unit"]
    return readouts.sort_values(["measured", "readout"], kind="stable")[columns]


def _exclusions(cohort: Cohort, world: World) -> pd.DataFrame:
    failed = cohort.exclusions
    return pd.DataFrame(
        {
            "level": "session",
            "animal_id": failed["animal_id"],
            "session": failed["session"],
            "reason_code": "injection_failed",
            "reason": "Most of the dose stayed in the tail",
            "decided_by": "A. Berg",
            "decided_at": wall(pd.to_datetime(failed["decided"], utc=True), _zone(world), form="%Y-%m-%d %H:%M"),
            "before_unblinding": "yes",
        },
        index=failed.index,
    )


def _clocks(cohort: Cohort, world: World) -> pd.DataFrame:
    offsets = cohort.lab.clock_offsets_s
    checked = pd.Series([cohort.mice["infused"].min()] * len(offsets), dtype="datetime64[s, UTC]")
    return pd.DataFrame(
        {
            "device": list(offsets),
            "offset [s]": _texts(np.array(list(offsets.values()))),
            "checked_at": wall(checked, _zone(world), form="%Y-%m-%d %H:%M"),
        }
    )
