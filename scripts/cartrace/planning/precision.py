"""What a planned study will see before it is done: counts, their precision, and the fewest cells that show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cartrace import tables
from cartrace.calibration import t_quantile
from cartrace.cells import DETECTION_PROBABILITY
from cartrace.counting import critical_level_cps, dead_time_factor, detection_limit_cps, net_rate_se_cps
from cartrace.planning.power import RESIDUAL_FRAC, dose_rel_se
from cartrace.simulate import design, instruments, truth
from cartrace.simulate.design import PET_REGIONS, Tissue
from cartrace.simulate.dissection import BACKGROUND_CPS, EFFICIENCY_CPS_PER_BQ

BLANKS_S = 900.0  # three blanks of 300 s
_OF_COUNTER = (
    "count_delay_h",
    "activity_kbq",
    "gross_counts",
    "dead_time_pct",
    "rel_se_mass",
    "critical_level_pct_id",
    "detection_limit_pct_id",
)


def planned_precision(settings: Mapping[str, Any], tissues: Sequence[Tissue], half_life_s: float) -> pd.DataFrame:
    """Return what the instruments will see of the median mouse of every group on every day.

    Parameters
    ----------
    settings : mapping
        The whole config, defaults filled.
    tissues : sequence of Tissue
        The dissected tissues, the followed region first.
    half_life_s : float
        Half-life of the tracer's nuclide [s].

    Returns
    -------
    DataFrame
        A table of planned precision: PET regions by session, and tissues by session and time to the count.

    Notes
    -----
    Recorded counts are the integral of the recorded rate over the count. The counter's limits are Currie's (Anal Chem
    1968;40:586, doi:10.1021/ac60259a007). Cells are seen above the upper prediction limit of the background group
    (F38), whose scatter is that of the simulator's mice; without such a group only the counter's own limit is known.
    """
    # ASSUME: every session of a plan may end in a dissection, so that each day has its tissues.
    mice = pd.DataFrame(settings["simulation"]["groups"]).merge(
        pd.DataFrame({"day": sorted(settings["simulation"]["days"])}), how="cross"
    )
    mice["cells_at_day_0"] = settings["simulation"]["cells_at_day_0"]
    since_h = settings["simulation"]["scan_delay_h"]
    mice["followed_cells"] = truth.cells_in_followed_region(mice, mice["day"].to_numpy(np.float64) + since_h / 24)
    mice["session"] = [design.session_name(day) for day in mice["day"]]
    names = pd.DataFrame([vars(tissue) for tissue in tissues]).rename(
        columns={"name": "region", "uptake_pct_id_per_g": "physiology_per_g"}
    )
    rows = mice.rename(columns={"name": "group"}).merge(names, how="cross")
    scanned = rows[rows["region"].isin([tissues[0].name, *list(PET_REGIONS)[1:]])]
    frame = pd.concat(
        [
            _counted(_contents(rows, rows["mass_g"], settings), settings, half_life_s),
            _scanned(_contents(scanned, _drawn_g(scanned, tissues[0].name), settings), settings),
        ],
        ignore_index=True,
    )
    frame = _cells_seen(frame, settings)[tables.PlannedPrecision.names()]
    return frame.sort_values(list(tables.PlannedPrecision.key), kind="stable", ignore_index=True)


def _drawn_g(rows: pd.DataFrame, followed: str) -> pd.Series:
    """Return the mass within each PET region: of the followed one the whole site, of others what is drawn in them."""
    drawn = rows["region"].map(PET_REGIONS)
    return drawn.where(rows["region"] != followed, rows["mass_g"])


def _contents(rows: pd.DataFrame, mass_g: pd.Series, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Return what a tissue or region of that mass holds: cells, their signal, and the whole uptake."""
    per_cell = settings["simulation"]["uptake_pct_id_per_cell"]
    cells = rows["followed_cells"] * rows["cells_share"] * mass_g / rows["mass_g"]
    physiology = rows["physiology_per_g"] * mass_g
    return rows.assign(
        mass_g=mass_g,
        cells=cells,
        cells_pct_id=cells * per_cell,
        physiology_pct_id=physiology,
        uptake_pct_id=physiology + cells * per_cell,
        uptake_pct_id_per_g=(physiology + cells * per_cell) / mass_g,
    )


def _counted(rows: pd.DataFrame, settings: Mapping[str, Any], half_life_s: float) -> pd.DataFrame:
    plan, uncertainty = settings["plan"], settings["uncertainty"]
    rows = rows.merge(pd.DataFrame({"count_delay_h": plan["count_delays_h"]}), how="cross")
    count_s, dead_time_s = float(plan["count_s"]), settings["counter"]["dead_time_us"] * 1e-6
    net_kbq = settings["simulation"]["dose_kbq"] * (1 - RESIDUAL_FRAC)
    delay_h = settings["simulation"]["scan_delay_h"] + rows["count_delay_h"].to_numpy(np.float64)
    left = instruments.remaining(3600 * delay_h + design.FRAME_S, half_life_s)
    cps_per_pct = net_kbq * 10.0 * EFFICIENCY_CPS_PER_BQ * left  # [1/s] per %ID
    net = cps_per_pct * rows["uptake_pct_id"].to_numpy(np.float64)
    background_se = float(np.sqrt(BACKGROUND_CPS / BLANKS_S))
    gross_counts = instruments.expected_counts(
        net, np.full(len(rows), count_s), half_life_s, background_cps=BACKGROUND_CPS, dead_time_s=dead_time_s
    )
    factor = dead_time_factor(gross_counts / count_s, dead_time_s)
    net_cps = gross_counts / count_s * factor - BACKGROUND_CPS
    rel_count = net_rate_se_cps(gross_counts, count_s, factor, background_se) / net_cps
    rel_mass = np.sqrt(2) * uncertainty["balance_g"] / rows["mass_g"].to_numpy(np.float64)
    rel_dose = dose_rel_se(uncertainty["calibrator_frac"])
    critical = critical_level_cps(BACKGROUND_CPS, background_se, count_s)
    return rows.assign(
        modality="counter",
        mass_sd=truth.mass_sd(rows["mass_g"]),
        activity_kbq=net / EFFICIENCY_CPS_PER_BQ / 1e3,
        gross_counts=gross_counts,
        dead_time_pct=100 * (1 - 1 / factor),
        rel_se_count=rel_count,
        rel_se_mass=rel_mass,
        rel_se_dose=rel_dose,
        rel_se=np.sqrt(rel_count**2 + rel_mass**2 + rel_dose**2),
        critical_level_pct_id=critical / cps_per_pct,
        detection_limit_pct_id=detection_limit_cps(critical, count_s) / cps_per_pct,
        is_below_detection=rows["uptake_pct_id"] < critical / cps_per_pct,
    )


def _scanned(rows: pd.DataFrame, settings: Mapping[str, Any]) -> pd.DataFrame:
    uncertainty = settings["uncertainty"]
    rel_dose = dose_rel_se(uncertainty["calibrator_frac"])
    return rows.assign(
        modality="pet",
        mass_sd=np.where(rows["region"] == settings["cells"]["region"], truth.mass_sd(rows["mass_g"]), 0.0),
        **dict.fromkeys(_OF_COUNTER, np.nan),
        rel_se_count=uncertainty["roi_frac"],
        rel_se_dose=rel_dose,
        rel_se=float(np.hypot(uncertainty["roi_frac"], rel_dose)),
        is_below_detection=False,
    )


def _cells_seen(frame: pd.DataFrame, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows with the fewest cells that show above the scatter between background mice."""
    background = {group["name"] for group in settings["groups"] if group["role"] == "background"}
    has = background & {group["name"] for group in settings["simulation"]["groups"]}
    n = settings["simulation"]["n_per_group"] if has else 0
    critical = np.full(len(frame), np.nan)
    if n > 1:
        t = float(t_quantile(DETECTION_PROBABILITY, np.array([n - 1.0]))[0])
        between = truth.BETWEEN_MICE_SD**2 + truth.BETWEEN_SESSIONS_SD**2 + frame["mass_sd"] ** 2
        scatter = frame["physiology_pct_id"] * np.sqrt(between + frame["rel_se"] ** 2)
        critical = (t * np.sqrt(1 + 1 / n) * scatter).to_numpy(np.float64)
    # The counter's own limit holds as well.
    critical = np.fmax(critical, frame["critical_level_pct_id"].to_numpy(np.float64))
    per_cell = np.where(frame["has_reporter"], settings["simulation"]["uptake_pct_id_per_cell"], np.nan)
    return frame.assign(
        detection_limit_cells=2 * critical / per_cell,
        cells_are_seen=(frame["cells_pct_id"] >= critical) & frame["has_reporter"],
    )
