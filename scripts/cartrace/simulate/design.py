"""Who is in a simulated study and when everything happens to them, in real time (UTC)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FIRST_DAY = "2026-01-12"
COHORT_INTERVAL_DAYS = 35
MICE_PER_DAY = 15
MICE_PER_RUN = 5
SLOT_S = 840.0
FRAME_S = 600.0


@dataclass(frozen=True)
class Tissue:
    """A dissected tissue: its mass [g], physiological uptake [%ID/g], and cells relative to the followed region."""

    name: str
    mass_g: float
    uptake_pct_id_per_g: float
    cells_share: float = 0.0


# ASSUME: physiological uptake of the simulated tracer is like that of pertechnetate and [18F]TFB one hour after
# injection, and constant over the scan and the dissection.
TISSUES = (
    Tissue("tumour", 0.30, 0.40, 1.0),
    Tissue("blood", 0.15, 0.90),
    Tissue("heart", 0.12, 0.60),
    Tissue("lung", 0.15, 0.90),
    Tissue("liver", 1.10, 0.85),
    Tissue("spleen", 0.035, 0.80, 0.08),
    Tissue("stomach", 0.15, 12.0),
    Tissue("small intestine", 0.90, 1.00),
    Tissue("kidney", 0.30, 1.40),
    Tissue("muscle", 0.12, 0.28),
    Tissue("bone", 0.08, 0.90),
    Tissue("bone marrow", 0.012, 0.60, 0.02),
    Tissue("brain", 0.42, 0.06),
    Tissue("lymph node", 0.004, 0.50, 0.004),
)
FOLLOWED = "tumour"
PET_REGIONS = {FOLLOWED: 0.30, "muscle": 0.05, "liver": 0.12, "spleen": 0.02}  # volumes [mL]
SMALLEST_SAMPLE_G = 0.0025


@dataclass(frozen=True)
class Lab:
    """How a cohort's people and instruments write things down."""

    activity_unit: str
    activity_kbq: float
    mass_unit: str
    mass_g: float
    synonym: int
    has_multi_mouse_exports: bool
    is_cpm_decay_corrected: bool
    clock_offsets_s: Mapping[str, float]


LABS = (
    Lab("MBq", 1e3, "g", 1.0, 0, False, True, {}),
    Lab("kBq", 1.0, "mg", 1e-3, -1, True, False, {"counter": 312.0, "scanner": -47.0}),
)
MOST_EXPORTS_PER_SCAN = 60  # mice of a cohort above which its scans share files whatever the lab's habit


def lab(index: int, n_mice: int, *, has_imperfections: bool) -> Lab:
    """Return the habits of the cohort at `index`; habits alternate between cohorts."""
    chosen = LABS[index % len(LABS)]
    return Lab(
        **{
            **vars(chosen),
            "has_multi_mouse_exports": chosen.has_multi_mouse_exports or n_mice > MOST_EXPORTS_PER_SCAN,
            "clock_offsets_s": chosen.clock_offsets_s if has_imperfections else {},
        }
    )


def recruit(index: int, simulation: Mapping[str, Any], timezone: str, rng: np.random.Generator) -> pd.DataFrame:
    """Draw the mice of one cohort and their kinetic parameters.

    Parameters
    ----------
    index : int
        Cohort, from 0.
    simulation : mapping
        The config's section `simulation`.
    timezone : str
        The lab's wall clock.
    rng : Generator
        Source of every draw.

    Returns
    -------
    DataFrame
        One row per mouse, in the order of injection: its group, its day of the week's work (`batch`), its place in it
        (`slot`), the instant at which it got cells, and the parameters of its cells.

    Notes
    -----
    Log parameters are normal between mice. The day of the mouse's place is random within its batch, so that group and
    time of day do not go together.
    """
    groups = pd.DataFrame(simulation["groups"])
    n = len(groups) * simulation["n_per_group"]
    number = np.arange(n)
    batch = number // MICE_PER_DAY
    order = np.lexsort((rng.random(n), batch))  # replicates first, so that every batch holds all groups
    mice = groups.iloc[(number % len(groups))[order]].reset_index(drop=True).rename(columns={"name": "group"})
    width = max(2, len(str(n)))
    mice.insert(0, "animal_id", [f"M{index + 1}{k + 1:0{width}d}" for k in number])
    mice["batch"] = batch
    mice["slot"] = number % MICE_PER_DAY
    spread = np.exp(simulation["between_mouse_sd"] * rng.standard_normal((n, 4)))
    mice["cells_at_day_0"] = simulation["cells_at_day_0"] * spread[:, 0]
    for k, name in enumerate(("growth_rate_per_day", "contraction_rate_per_day", "peak_day"), start=1):
        mice[name] = mice[name] * spread[:, k]
    day = pd.Timestamp(FIRST_DAY) + pd.Timedelta(days=COHORT_INTERVAL_DAYS * index)
    morning = day + pd.to_timedelta(batch, unit="D") + pd.Timedelta(hours=7, minutes=30)
    mice["infused"] = real_time(morning + pd.to_timedelta(60 * mice["slot"], unit="s"), timezone)
    mice["first_injection"] = morning + pd.to_timedelta(3600 + SLOT_S * mice["slot"], unit="s")
    mice["weight_g"] = 22.0 * np.exp(0.05 * rng.standard_normal(n))
    return mice


def schedule(
    mice: pd.DataFrame, simulation: Mapping[str, Any], timezone: str, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw the instants of every imaging session.

    Parameters
    ----------
    mice : DataFrame
        From :func:`recruit`.
    simulation, timezone, rng
        As there.

    Returns
    -------
    DataFrame
        One row per mouse and session: instants of the syringe's readings, injection, scan, tail reading, and whether
        the session is the last one, which ends with a dissection.
    """
    days = sorted(simulation["days"])
    plan = mice.merge(pd.DataFrame({"day": days}), how="cross")
    n = len(plan)
    plan["session"] = [session_name(day) for day in plan["day"]]
    planned = plan["first_injection"] + pd.to_timedelta(np.rint(86_400 * plan["day"]), unit="s")
    injected = real_time(planned, timezone) + seconds(rng.uniform(-90, 90, n))
    plan["injected"] = injected
    plan["full"] = injected - seconds(rng.uniform(180, 480, n))
    plan["residual"] = injected + seconds(rng.uniform(120, 360, n))
    plan["scan"] = injected + seconds(3600 * simulation["scan_delay_h"] + rng.uniform(-60, 60, n))
    plan["tail"] = plan["scan"] + seconds(FRAME_S + rng.uniform(120, 300, n))
    plan["is_last"] = plan["day"] == days[-1]
    return plan.drop(columns="first_injection")


def session_name(day: float) -> str:
    """Return the name of the session on `day`: d01, d10, d00.5."""
    return f"d{day:02.0f}" if day == int(day) else f"d{day:04.1f}"


def real_time(wall: pd.Series | pd.DatetimeIndex, timezone: str) -> pd.Series:
    """Return wall-clock times as instants, UTC, to the second."""
    index = pd.DatetimeIndex(wall).as_unit("s")
    there = index.tz_localize(timezone, ambiguous=np.zeros(len(index), dtype=bool), nonexistent="shift_forward")
    return pd.Series(there.tz_convert("UTC"))


def seconds(values: NDArray[np.float64] | float) -> pd.Series:
    """Return durations, rounded to the second as clocks write them."""
    return pd.Series(pd.to_timedelta(np.rint(np.atleast_1d(values)).astype(np.int64), unit="s"))


def elapsed_s(since: pd.Series, until: pd.Series) -> NDArray[np.float64]:
    """Return the time between two columns of instants [s]."""
    return np.asarray((until.to_numpy() - since.to_numpy()) / np.timedelta64(1, "s"), dtype=np.float64)
