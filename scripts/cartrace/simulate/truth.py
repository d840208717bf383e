"""What is true in a simulated study: cells, and the uptake that they and physiology cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cartrace.simulate.design import PET_REGIONS, SMALLEST_SAMPLE_G, Tissue

Array = NDArray[np.float64]
BETWEEN_MICE_SD = 0.10
BETWEEN_SESSIONS_SD = 0.05


def cells_in_followed_region(plan: pd.DataFrame, cell_day: Array) -> Array:
    """Return the true number of reporter cells in the followed region.

    Parameters
    ----------
    plan : DataFrame
        Columns `has_reporter`, `cells_at_day_0`, `growth_rate_per_day`, `contraction_rate_per_day`, `peak_day`.
    cell_day : ndarray, shape (n,)
        Time since the cells were given [day].

    Returns
    -------
    ndarray, shape (n,)
        Number of cells; 0 where cells carry no reporter.

    Notes
    -----
    The smooth tent of expansion and contraction, ``N(t) = K / (exp(-rho (t - T)) + exp(alpha (t - T)))`` with ``K``
    such that ``N(0)`` is `cells_at_day_0`.
    """
    rho = plan["growth_rate_per_day"].to_numpy(np.float64)
    alpha = plan["contraction_rate_per_day"].to_numpy(np.float64)
    peak = plan["peak_day"].to_numpy(np.float64)
    scale = plan["cells_at_day_0"].to_numpy(np.float64) * (np.exp(rho * peak) + np.exp(-alpha * peak))
    since = cell_day - peak
    return np.where(plan["has_reporter"], scale / (np.exp(-rho * since) + np.exp(alpha * since)), 0.0)


def sample_masses(n_mice: int, tissues: Sequence[Tissue], rng: np.random.Generator) -> Array:
    """Draw the mass of every mouse's every tissue [g], shape (n_mice, n_tissues)."""
    median = np.array([tissue.mass_g for tissue in tissues])
    drawn: Array = median * np.exp(mass_sd(median) * rng.standard_normal((n_mice, len(tissues))))
    return np.maximum(drawn, SMALLEST_SAMPLE_G)


def mass_sd(median_g: ArrayLike) -> Array:
    """Return the scatter of a tissue's log mass between mice; small tissues are cut out less evenly."""
    return np.where(np.asarray(median_g) < 0.05, 0.12, 0.07)


def tissue_uptake(
    plan: pd.DataFrame,
    mouse: NDArray[np.int64],
    masses_g: Array,
    *,
    tissues: Sequence[Tissue],
    simulation: Mapping[str, Any],
    rng: np.random.Generator,
) -> Array:
    """Draw the uptake of every tissue in every session [%ID], shape (n_sessions, n_tissues).

    Parameters
    ----------
    plan : DataFrame
        One row per mouse and session, with the true number of `cells` in the followed region.
    mouse : ndarray, shape (n_sessions,)
        Row of the mouse in `masses_g`.
    masses_g : ndarray, shape (n_mice, n_tissues)
        Masses [g].
    tissues : sequence of Tissue
        The tissues.
    simulation : mapping
        The config's section `simulation`.
    rng : Generator
        Source of every draw.

    Returns
    -------
    ndarray, shape (n_sessions, n_tissues)
        Uptake in the whole tissue [%ID].

    Notes
    -----
    Physiological uptake per gram times mass, with log-normal scatter between mice and between sessions of one mouse,
    plus cells times signal per cell.
    """
    n, m = len(plan), len(tissues)
    between_mice = np.exp(BETWEEN_MICE_SD * rng.standard_normal((len(masses_g), m)))[mouse]
    between_sessions = np.exp(BETWEEN_SESSIONS_SD * rng.standard_normal((n, m)))
    per_g = np.array([tissue.uptake_pct_id_per_g for tissue in tissues])
    shares: Array = np.array([tissue.cells_share for tissue in tissues])
    physiology: Array = per_g * between_mice * between_sessions * masses_g[mouse]
    by_cells: Array = simulation["uptake_pct_id_per_cell"] * plan["cells"].to_numpy(np.float64)
    return physiology + by_cells[:, None] * shares


def regions_of(tissues: Sequence[Tissue], followed: str) -> list[int]:
    """Return the places among `tissues` of those that a PET region is drawn in, the followed one first."""
    names = [tissue.name for tissue in tissues]
    return [names.index(name) for name in dict.fromkeys([followed, *list(PET_REGIONS)[1:]]) if name in names]
