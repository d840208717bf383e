"""What else a simulated lab measures: pellets of known cell numbers, and the mice themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cartrace.simulate import instruments, truth
from cartrace.simulate.world import World

Array = NDArray[np.float64]
CALIBRATION_CELLS = (1e5, 3e5, 1e6, 3e6, 1e7, 3e7)
CALIBRATION_BACKGROUND_PCT_ID = 0.015
CALIBRATION_SD = 0.05


def calibrate(world: World, rng: np.random.Generator) -> pd.DataFrame:
    """Scan pellets of known cell numbers under the skin, three of each, with a region beside them as background."""
    cells = np.repeat(np.array(CALIBRATION_CELLS), 3)
    n = len(cells)
    # ASSUME: pellets and followed region are seen by the same scanner, so that its gain cancels in numbers of cells.
    background = CALIBRATION_BACKGROUND_PCT_ID * np.exp(0.10 * rng.standard_normal((2, n)))
    grown = world.simulation["uptake_pct_id_per_cell"] * cells * (1 + CALIBRATION_SD * rng.standard_normal(n))
    seen = instruments.scanner(np.array([background[0] + grown, background[1]]), world.scanner_gain, 0.02, rng)
    return pd.DataFrame(
        {
            "cells": cells,
            "uptake_pct_id": instruments.significant(seen[0], 4),
            "background_pct_id": instruments.significant(seen[1], 4),
            "replicate": np.tile(["a", "b", "c"], len(CALIBRATION_CELLS)),
        }
    )


def read_out(mice: pd.DataFrame, plan: pd.DataFrame, world: World, rng: np.random.Generator) -> pd.DataFrame:
    """Measure tumour volume by caliper and body weight on every imaging day, before the injection."""
    roles = {group["name"]: group["role"] for group in world.settings["groups"]}
    days = np.arange(0.0, max(world.simulation["days"]) + 0.5, 0.5)
    # ASSUME: tumours grow exponentially; cells of the groups with the role test kill in proportion to a saturating
    # function of their number.
    grid = mice.loc[mice.index.repeat(len(days))]
    cells = truth.cells_in_followed_region(grid, np.tile(days, len(mice))).reshape(len(mice), len(days))
    kills = (mice["group"].map(roles) == "test").to_numpy()[:, None]
    rate = 0.07 - np.where(kills, 0.28 * cells / (cells + 2e6), 0.0)
    log_volume = np.log(60.0) + 0.2 * rng.standard_normal((len(mice), 1)) + np.cumsum(rate * 0.5, axis=1)
    row = plan["animal_id"].map(dict(zip(mice["animal_id"], range(len(mice)), strict=True))).to_numpy(np.int64)
    column = np.searchsorted(days, plan["day"].to_numpy(np.float64), side="right") - 1
    volume = np.exp(log_volume[row, column] + 0.06 * rng.standard_normal(len(plan)))
    base = {"animal_id": plan["animal_id"], "measured": plan["injected"] - pd.Timedelta(minutes=25)}
    volumes = pd.DataFrame({**base, "readout": "tumour_volume", "value": np.round(volume, 1), "unit": "mm3"})
    weights = pd.DataFrame({**base, "readout": "body_weight", "value": np.round(plan["weight_g"], 1), "unit": "g"})
    return pd.concat([volumes, weights], ignore_index=True)
