"""One simulated cohort: what is true in it, and what its instruments read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cartrace.simulate import design, instruments, truth
from cartrace.simulate.design import Lab, elapsed_s
from cartrace.simulate.dissection import count_tubes, fill_tubes, true_samples
from cartrace.simulate.readouts import calibrate, read_out
from cartrace.simulate.world import World

Array = NDArray[np.float64]
INJECTATE_G = 0.080


@dataclass(frozen=True)
class Cohort:
    """A cohort as its lab sees it: one frame per kind of record, in storage units and real time (UTC)."""

    name: str
    lab: Lab
    mice: pd.DataFrame
    sessions: pd.DataFrame
    regions: pd.DataFrame
    tubes: pd.DataFrame
    samples: pd.DataFrame
    calibration: pd.DataFrame
    readouts: pd.DataFrame
    exclusions: pd.DataFrame


def simulate_cohort(index: int, world: World) -> Cohort:
    """Simulate the cohort at `index`.

    Parameters
    ----------
    index : int
        Cohort, from 0. Each draws from a stream of its own, so that a study grows by a cohort without a change to the
        others.
    world : World
        What all cohorts share.

    Returns
    -------
    Cohort
        Records and truth.
    """
    simulation, zone = world.simulation, world.settings["study"]["timezone"]
    rng = np.random.default_rng([world.settings["seed"], index])
    mice = design.recruit(index, simulation, zone, rng)
    lab = design.lab(index, len(mice), has_imperfections=simulation["imperfections"])
    plan = design.schedule(mice, simulation, zone, rng)
    mice, plan, exclusions = _mishaps(index, mice, plan, rng, has_imperfections=simulation["imperfections"])
    plan["cells"] = truth.cells_in_followed_region(plan, elapsed_s(plan["infused"], plan["scan"]) / 86_400)
    mouse = plan["animal_id"].map(dict(zip(mice["animal_id"], range(len(mice)), strict=True))).to_numpy(np.int64)
    masses = truth.sample_masses(len(mice), world.tissues, rng)
    uptake = truth.tissue_uptake(plan, mouse, masses, tissues=world.tissues, simulation=simulation, rng=rng)
    plan, injectate = _inject(plan, world, rng)
    last = plan["is_last"].to_numpy(bool)
    tubes = fill_tubes(plan[last], uptake[last], masses[mouse[last]], injectate, world=world, rng=rng)
    delays_s = _delays(index, plan) if simulation["imperfections"] else {}
    return Cohort(
        name=f"C{index + 1:02d}",
        lab=lab,
        mice=mice,
        sessions=plan,
        regions=_scan(plan, uptake, masses[mouse], world=world, rng=rng),
        tubes=count_tubes(tubes, delays_s=delays_s, world=world, rng=rng),
        samples=true_samples(plan[last], uptake[last], masses[mouse[last]], world.tissues),
        calibration=calibrate(world, rng),
        readouts=read_out(mice, plan, world, rng),
        exclusions=exclusions,
    )


def _mishaps(
    index: int, mice: pd.DataFrame, plan: pd.DataFrame, rng: np.random.Generator, *, has_imperfections: bool
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Let a scan be late, an injection fail and, in every second cohort, a mouse die; the others end as planned."""
    plan["tail_frac"] = rng.uniform(0.01, 0.04, len(plan))
    mice["end_reason"] = "scheduled"
    chosen = rng.permutation(len(mice))
    unlucky = mice["animal_id"].to_numpy()[chosen[np.arange(3) % len(mice)]]
    early = sorted(plan["day"].unique())[:-1]
    exclusions = pd.DataFrame({"animal_id": [], "session": [], "decided": []}, dtype=object)
    if has_imperfections and early:
        day = early[len(early) // 2]
        failed = (plan["animal_id"] == unlucky[0]) & (plan["day"] == day)
        plan.loc[failed, "tail_frac"] = 0.62
        late = (plan["animal_id"] == unlucky[1]) & (plan["day"] == day)
        plan.loc[late, ["scan", "tail"]] += pd.Timedelta(minutes=38)
        exclusions = plan.loc[failed, ["animal_id", "session"]].assign(decided=plan["tail"] + pd.Timedelta(hours=2))
    plan["ended"] = plan["tail"]  # the tail's reading after the last scan becomes the moment of the dissection
    if has_imperfections and index % 2 and len(early) > 2:
        dead = mice["animal_id"] == unlucky[2]
        is_its = plan["animal_id"] == unlucky[2]
        plan = plan[~is_its | (plan["day"] <= early[-2])].reset_index(drop=True)
        mice.loc[dead, "end_reason"] = "found_dead"
    ends = plan.groupby("animal_id")["ended"].max().rename("ended").reset_index()
    mice = mice.merge(ends, on="animal_id", how="left")
    mice.loc[mice["end_reason"] == "found_dead", "ended"] += pd.Timedelta(hours=44)
    return mice, plan.drop(columns="ended"), exclusions


def _delays(index: int, plan: pd.DataFrame) -> dict[str, float]:
    """Let the counter be taken when the last run of every second cohort is due, so that it is counted at night [s]."""
    return {} if index % 2 else {str(plan["run"].max()): 9.5 * 3600.0}


def _run_of(plan: pd.DataFrame) -> pd.Series:
    """Return the name of the counting run that a mouse's samples go into; five mice share it, and their injectate."""
    return plan["batch"].map("{:04d}".format) + "-" + (plan["slot"] // design.MICE_PER_RUN).map("{:02d}".format)


def _inject(plan: pd.DataFrame, world: World, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw syringes, read them, and return the sessions with their doses and each run's injectate.

    The injectate is diluted anew for every five mice, to the planned dose in 80 mg at the first one's reading.
    """
    n, half_life = len(plan), world.half_life_s
    plan = plan.assign(run=_run_of(plan), weight_g=plan["weight_g"] * np.exp(0.01 * rng.standard_normal(n)))
    prepared = plan.groupby(["run", "session"])["full"].transform("min")
    strength = float(world.simulation["dose_kbq"]) / INJECTATE_G  # kBq/g when prepared

    def left(moment: str) -> Array:
        return instruments.remaining(elapsed_s(prepared, plan[moment]), half_life) * strength

    filled_g = world.simulation["dose_kbq"] * (1 + 0.03 * rng.standard_normal(n)) / left("full")
    kept = rng.uniform(0.03, 0.08, n)
    given_g = filled_g * (1 - kept)
    gross = given_g * left("injected")
    in_tail = gross * plan["tail_frac"].to_numpy(np.float64)
    tail = in_tail * instruments.remaining(elapsed_s(plan["injected"], plan["tail"]), half_life)
    repeatability = world.noise["calibrator_frac"]
    plan = plan.assign(
        net_injected_kbq=gross - in_tail,
        tail_at_injection_kbq=in_tail,
        full_kbq=instruments.calibrator(filled_g * left("full"), repeatability, rng),
        residual_kbq=instruments.calibrator(filled_g * kept * left("residual"), repeatability, rng),
        tail_kbq=instruments.calibrator(tail, repeatability, rng),
        injectate_g=instruments.balance(given_g, world.noise["balance_g"], rng),
    )
    last = plan["is_last"]
    stock = pd.DataFrame({"run": plan["run"], "prepared": prepared, "strength": strength})[last]
    return plan, stock.drop_duplicates("run").sort_values("run").reset_index(drop=True)


def _scan(
    plan: pd.DataFrame, uptake: Array, masses_g: Array, *, world: World, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw the regions of every scan: true uptake, and the mean in the image, corrected to the start of the scan."""
    half_life, noise = world.half_life_s, world.noise["roi_frac"]
    after = instruments.remaining(elapsed_s(plan["injected"], plan["scan"]), half_life)
    frames = []
    followed = world.tissues[0].name
    for place in truth.regions_of(world.tissues, followed):
        name = world.tissues[place].name
        organ_ml = masses_g[:, place] / world.density_g_per_ml[name]
        per_ml = uptake[:, place] / organ_ml
        # ASSUME: the followed region is a template of the mouse's own size that takes in the whole site; regions in
        # other organs lie inside them, and their uptake is even.
        drawn_ml = organ_ml if name == followed else np.full(len(plan), design.PET_REGIONS[name])
        kbq_per_ml = per_ml / 100 * plan["net_injected_kbq"].to_numpy(np.float64) * after
        frames.append(
            pd.DataFrame(
                {
                    "animal_id": plan["animal_id"],
                    "session": plan["session"],
                    "region": name,
                    "volume_ml": drawn_ml,
                    "pct_id": per_ml * drawn_ml,
                    "pct_id_per_ml": per_ml,
                    "kbq_per_ml": instruments.scanner(kbq_per_ml, world.scanner_gain, noise, rng),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
