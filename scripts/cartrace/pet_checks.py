"""What the checks of PET measure: the scanner's dead time and calibration, the frames, the recovery."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cartrace.clock import elapsed_s
from cartrace.decay import decay_factor
from cartrace.measured import Measured, subjects
from cartrace.rows import INJECTION, SCAN, attach


def scanner_dead_time(measured: Measured) -> pd.DataFrame:
    """Return the counts that the scanner lost to dead time in percent, by the factor that it corrected them with."""
    scans = measured.scans[measured.scans["dead_time_factor"].notna()]
    return subjects(scans, ["scan_id"], 100.0 * (1.0 - 1.0 / scans["dead_time_factor"]))


def scanner_calibration(measured: Measured) -> pd.DataFrame:
    """Return the age of the scanner's calibration at each scan [day]."""
    scans = measured.scans[measured.scans["calibrated_on"] != ""]
    started = pd.to_datetime(scans["started_at"].str[:10])
    days = (started - pd.to_datetime(scans["calibrated_on"])).dt.days.astype(float)
    note = np.where(days < 0.0, ", stated as later than the scan", "")
    return subjects(scans, ["scan_id"], days.where(days >= 0.0), note)


def earlier_injections(measured: Measured) -> pd.DataFrame:
    """Return what earlier injections of the same nuclide may still hold at an injection, in percent of its dose.

    By decay alone, as if nothing was excreted. No row where every scan names what is subtracted (F29) and no tissue of
    the session was counted.
    """
    names = ["cohort", "animal_id", "nuclide"]
    doses = measured.doses[measured.doses["net_injected_kbq"] > 0.0]
    earlier = doses[[*names, "injected_at", "net_injected_kbq"]]
    pairs = doses.merge(earlier, on=names, suffixes=("", "_earlier"))
    apart_s = pd.Series(elapsed_s(pairs["injected_at_earlier"], pairs["injected_at"]), index=pairs.index)
    pairs = pairs.assign(left_kbq=pairs["net_injected_kbq_earlier"] * decay_factor(apart_s, pairs["half_life_s"]))
    sums = pairs.loc[apart_s > 0.0, [*INJECTION, "left_kbq"]].groupby(INJECTION).sum().reset_index()
    rows = attach(doses[~_is_subtracted(doses, measured)].reset_index(drop=True), sums, INJECTION)
    rows = rows[rows["left_kbq"].notna()]
    note = " of " + rows["nuclide"]
    return subjects(rows, ["animal_id", "session"], 100.0 * rows["left_kbq"] / rows["net_injected_kbq"], note)


def _is_subtracted(doses: pd.DataFrame, measured: Measured) -> np.ndarray:
    """Return the doses whose every scan names an earlier one, and of which no tissue was counted."""
    named = measured.scans.groupby(INJECTION)["residual_scan"].agg(lambda names: bool((names != "").all()))
    whole = pd.MultiIndex.from_frame(doses[INJECTION])
    tissues = measured.tubes.loc[measured.tubes["role"] == "tissue", INJECTION]
    is_counted = whole.isin(pd.MultiIndex.from_frame(tissues))
    return np.asarray(whole.isin(named.index[named.to_numpy(dtype=bool)]) & ~is_counted)


def frame_gaps(measured: Measured) -> pd.DataFrame:
    """Return how much of the time between its first and last frame no frame of a scan covers, in percent."""
    frames = measured.rois.drop_duplicates([*SCAN, "frame"])
    frames = frames[frames["frame_duration_s"] > 0.0]
    ends = frames.assign(end_s=frames["frame_start_s"] + frames["frame_duration_s"])
    scans = ends.groupby(SCAN, as_index=False).agg(
        begin_s=("frame_start_s", "min"), end_s=("end_s", "max"), sum_s=("frame_duration_s", "sum"), n=("frame", "size")
    )
    scans = scans[scans["n"] > 1].reset_index(drop=True)
    gap = (100.0 * (1.0 - scans["sum_s"] / (scans["end_s"] - scans["begin_s"]))).clip(lower=0.0)
    return subjects(scans, ["scan_id"], gap, " over " + scans["n"].astype(str) + " frames")


def recovery(measured: Measured) -> pd.DataFrame:
    """Return the recovery coefficient of every region that should be corrected; without one, why."""
    rows = measured.uptake[(measured.uptake["modality"] == "pet") & (measured.uptake["status"] == "ok")]
    rows = rows[rows["recovery_coefficient"].notna() | (rows["recovery_reason"] != "")]
    note = (", none: " + rows["recovery_reason"]).where(rows["recovery_reason"] != "", "")
    return subjects(rows, ["scan_id", "region"], rows["recovery_coefficient"], note)
