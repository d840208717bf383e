"""From the uptake of the followed region to the signal of the cells and their number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from cartrace import tables
from cartrace.calibration import (
    LEAST_SAMPLES,
    Line,
    cells_of,
    fieller,
    fit_line,
    log_log_slope,
    t_quantile,
    weighable,
)

# ASSUME: the signal of a region without reporter cells is that of the background group at the same session.
# ASSUME: what scatters between background mice also scatters below the signal of a mouse with reporter cells.
# ASSUME: uptake per cell is that of the calibration at every time and in every mouse.
DETECTION_PROBABILITY = 0.95
_SCALED = ["response_se", "response_shared_se", "response_background_se", "response_noise_sd"]
_KEY = ["cohort", "animal_id", "session", "scan_id", "region"]
_CARRIED = [*_KEY, "modality", "group", "cell_day", "status", "reason", "excluded", "exclusion_reason"]


def signal_rows(uptake: pd.DataFrame, *, region: str, modality: str, roles: Mapping[str, str]) -> pd.DataFrame:
    """Return the rows of the followed region, with the group's role and the columns of the signal.

    Parameters
    ----------
    uptake : DataFrame
        Rows of :class:`cartrace.tables.Uptake`.
    region, modality : str
        What is followed.
    roles : mapping
        Role (background, control, test) by group.

    Returns
    -------
    DataFrame
        One row per measurement.
    """
    rows = uptake[(uptake["region"] == region) & (uptake["modality"] == modality)].reset_index(drop=True)
    frame = rows[[*_CARRIED, "tracer", "is_below_detection"]].copy()
    frame["role"] = rows["group"].map(roles)
    frame["signal_pct_id"] = rows["uptake_pct_id"]
    frame["signal_pct_id_se"] = rows["uptake_pct_id_se"]
    frame["shared_pct_id_se"] = rows["uptake_pct_id"].abs() * rows["rel_se_standard"].fillna(0.0)
    frame["own_critical_pct_id"] = rows["critical_level_pct_id"]
    frame["own_limit_pct_id"] = rows["detection_limit_pct_id"]
    missing = (frame["status"] == "ok") & frame["signal_pct_id"].isna()
    frame.loc[missing, "reason"] = (
        "there is no uptake in %ID: the volume (PET) or the whole sample (counter) is not known"
    )
    frame.loc[missing, "status"] = "not_estimable"
    return frame


def borrowed_rows(rows: pd.DataFrame, others: pd.DataFrame, *, cohort: str) -> pd.DataFrame:
    """Return the background mice of other cohorts as if they were of this one, which has none of its own.

    Parameters
    ----------
    rows, others : DataFrame
        From :func:`signal_rows`, of this cohort and of the other ones.
    cohort : str
        This cohort.

    Returns
    -------
    DataFrame
        Rows of sessions and tracers that this cohort has; none where it has a background mouse itself.
    """
    own = (rows["role"] == "background").any()
    wanted = pd.MultiIndex.from_frame(rows[["session", "tracer"]])
    there = pd.MultiIndex.from_frame(others[["session", "tracer"]]).isin(wanted)
    chosen = others[(others["role"] == "background") & there & (not own)]
    # Mice of the same name in two cohorts are two mice.
    return chosen.assign(animal_id=chosen["cohort"] + "/" + chosen["animal_id"], cohort=cohort)


def background_by_session(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the background group's mean in each session (F39) and the scatter between its mice.

    Parameters
    ----------
    rows : DataFrame
        From :func:`signal_rows`.

    Returns
    -------
    DataFrame
        Key cohort, session; background_pct_id, its SE and SD, n_background, the critical level of a net signal, and the
        variance of one more background mouse about the mean with its degrees of freedom.
        Excluded mice and those without a value do not count; several scans of a mouse are averaged first.

    Notes
    -----
    Critical level (F38): ``t(0.95, n - 1) * s * sqrt(1 + 1 / n)``, the upper prediction limit of one more background
    mouse.
    """
    usable = rows[(rows["role"] == "background") & (rows["status"] == "ok") & ~rows["excluded"]]
    keys = ["cohort", "session"]
    mice = usable.groupby([*keys, "animal_id"], as_index=False).agg(
        value=("signal_pct_id", "mean"), own_se=("signal_pct_id_se", "mean")
    )
    found = mice.groupby(keys, as_index=False).agg(
        background_pct_id=("value", "mean"),
        background_pct_id_sd=("value", "std"),
        n_background=("value", "size"),
        own_se=("own_se", "mean"),
    )
    n = found["n_background"].to_numpy(dtype=float)
    sd = found["background_pct_id_sd"]
    # One mouse has no scatter: the uncertainty of its own measurement is the least that is known.
    found["background_pct_id_se"] = np.where(n > 1, sd / np.sqrt(n), found["own_se"])
    found["critical_level"] = t_quantile(DETECTION_PROBABILITY, n - 1.0) * sd * np.sqrt(1.0 + 1.0 / n)
    found["background_variance"] = np.where(n > 1, sd**2 * (1.0 + 1.0 / n), found["own_se"] ** 2)
    found["background_df"] = np.where(n > 1, n - 1.0, np.inf)
    return found.drop(columns="own_se")


def subtract_background(rows: pd.DataFrame, borrowed: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the rows with the background of their session subtracted; negative values stay.

    Where a session has no background, nothing is subtracted and the uptake's own critical level holds.

    Parameters
    ----------
    rows : DataFrame
        From :func:`signal_rows`.
    borrowed : DataFrame, optional
        Background mice of other cohorts, from :func:`borrowed_rows`.

    Returns
    -------
    DataFrame
        With background_pct_id, its SE and SD, n_background, net_pct_id, its SE and degrees of freedom,
        critical_level_pct_id, detection_limit_pct_id, is_below_detection.

    Notes
    -----
    The mouse's own background is one more draw from the background group, so that the variance of the net signal is
    ``signal_se**2 + s**2 (1 + 1 / n)``, with the degrees of freedom of Welch and Satterthwaite.
    """
    mice = rows if borrowed is None or borrowed.empty else pd.concat([rows, borrowed], ignore_index=True)
    frame = rows.merge(background_by_session(mice), on=["cohort", "session"], how="left", validate="many_to_one")
    has = frame["background_pct_id"].notna()
    frame["n_background"] = frame["n_background"].fillna(0).astype(int)
    frame["net_pct_id"] = frame["signal_pct_id"] - frame["background_pct_id"].fillna(0.0)
    of_background = frame["background_variance"].where(has, 0.0)
    variance = frame["signal_pct_id_se"] ** 2 + of_background
    frame["net_pct_id_se"] = np.sqrt(variance)
    lost = (of_background**2 / frame["background_df"].where(has, np.inf)).to_numpy(dtype=float)
    squared = (variance**2).to_numpy(dtype=float)
    frame["net_df"] = np.divide(squared, lost, out=np.full(len(frame), np.inf), where=lost > 0.0)
    frame["critical_level_pct_id"] = frame["critical_level"].where(has, frame["own_critical_pct_id"])
    frame["detection_limit_pct_id"] = (2.0 * frame["critical_level"]).where(has, frame["own_limit_pct_id"])
    below = frame["net_pct_id"] < frame["critical_level_pct_id"]
    frame["is_below_detection"] = below.where(has, frame["is_below_detection"]).astype(bool)
    return frame.drop(
        columns=["critical_level", "own_critical_pct_id", "own_limit_pct_id", "background_variance", "background_df"]
    )


# ---- calibration ----


def calibration_line(
    samples: pd.DataFrame, *, cohort: str, kind: str, tracer: str
) -> tuple[Line | None, dict[str, Any]]:
    """Fit the calibration of one tracer.

    Parameters
    ----------
    samples : DataFrame
        Rows of :class:`cartrace.tables.Calibration`.
    cohort, kind, tracer : str
        What is looked for.

    Returns
    -------
    tuple
        The line, None where there is none; its row of :class:`cartrace.tables.CalibrationLines`.
    """
    chosen = samples[(samples["kind"] == kind) & (samples["tracer"] == tracer)]
    cells = chosen["cells"].to_numpy(dtype=float)
    signal = (chosen["uptake_pct_id"] - chosen["background_pct_id"].fillna(0.0)).to_numpy(dtype=float)
    kept = weighable(cells, signal)
    row: dict[str, Any] = dict.fromkeys(tables.CalibrationLines.names(), np.nan)
    row |= {"cohort": cohort, "kind": kind, "tracer": tracer, "n_points": int(kept.sum()), "status": "ok", "reason": ""}
    if dropped := int((~kept).sum()):
        row["reason"] = f"{dropped} of {kept.size} samples without cells or without a positive net signal left out"
    cells, signal = cells[kept], signal[kept]
    problem = _no_line(cells, kind, tracer, row["reason"])
    line = None
    if not problem:
        line = fit_line(cells, signal)
        slope, low, high = log_log_slope(cells, signal)
        row |= asdict(line) | {"intercept_p": line.intercept_p}
        row |= {"log_log_slope": slope, "log_log_slope_ci_low": low, "log_log_slope_ci_high": high}
        if not line.slope > 0.0:
            problem = (
                f"the signal does not rise with the cells (slope {line.slope:.3g} %ID/cell): check the calibration"
            )
            line = None
    if problem:
        row |= {"status": "not_estimable", "reason": problem}
    return line, row


def _no_line(cells: np.ndarray, kind: str, tracer: str, left_out: str) -> str:
    note = f"; {left_out}" if left_out else ""
    if cells.size < LEAST_SAMPLES:
        return (
            f"{cells.size} usable samples of kind {kind} and tracer {tracer}, at least {LEAST_SAMPLES} are needed{note}"
            ": complete the sheet calibration, or set cells.calibration to none"
        )
    if np.unique(cells).size == 1:
        return f"all samples of kind {kind} and tracer {tracer} hold the same number of cells{note}"
    return ""


def without_calibration(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the net signal as the response."""
    frame = rows.assign(
        cells=np.nan, cells_ci_low=np.nan, cells_ci_high=np.nan, detection_limit_cells=np.nan, is_extrapolated=False
    )
    frame["response"] = frame["net_pct_id"].where(frame["status"] == "ok")
    frame["response_unit"] = "pct_id"
    frame["response_critical_level"] = frame["critical_level_pct_id"]
    # What is common to the study shifts all points of a mouse alike and is no scatter about its curve.
    own_variance = (frame["net_pct_id_se"] ** 2 - frame["shared_pct_id_se"] ** 2).clip(lower=0.0)
    frame["response_se"] = (own_variance**0.5).where(frame["status"] == "ok")
    frame["response_shared_se"] = frame["shared_pct_id_se"].where(frame["status"] == "ok")
    frame["response_background_se"] = frame["background_pct_id_se"].fillna(0.0).where(frame["status"] == "ok")
    frame["response_noise_sd"] = frame["background_pct_id_sd"]
    return frame


def with_calibration(
    rows: pd.DataFrame, lines: Mapping[str, Line | None], reasons: Mapping[str, str], *, confidence: float
) -> pd.DataFrame:
    """Return the rows with cells as the response.

    Parameters
    ----------
    rows : DataFrame
        From :func:`subtract_background`.
    lines : mapping
        Line by tracer; None where there is none.
    reasons : mapping
        Why there is none, by tracer.
    confidence : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        Where a tracer has no line, the row says why and holds no response: the unit is never changed silently.
    """
    parts = [
        _of_line(rows[rows["tracer"] == tracer], line, reasons[tracer], confidence) for tracer, line in lines.items()
    ]
    frame = pd.concat(parts).sort_index() if parts else without_calibration(rows)
    frame["response"] = frame["cells"]
    frame["response_unit"] = "cells"
    return frame


def _of_line(rows: pd.DataFrame, line: Line | None, reason: str, confidence: float) -> pd.DataFrame:
    frame = without_calibration(rows)
    estimable = (frame["status"] == "ok").to_numpy()
    if line is None:
        frame[["response_critical_level", *_SCALED]] = np.nan
        frame.loc[estimable, "reason"] = f"no calibration: {reason}"
        frame.loc[estimable, "status"] = "not_estimable"
        return frame
    net, se = frame["net_pct_id"].to_numpy(dtype=float), frame["net_pct_id_se"].to_numpy(dtype=float)
    cells = cells_of(net, line)
    low, high = fieller(net, se, frame["net_df"].to_numpy(dtype=float), line, confidence=confidence)
    frame["cells"], frame["cells_ci_low"], frame["cells_ci_high"] = cells, low, high
    frame["detection_limit_cells"] = frame["detection_limit_pct_id"] / line.slope
    frame[_SCALED] /= line.slope
    # The line is one for all mice: its error is common, as the scanner's is.
    frame["response_shared_se"] = np.hypot(frame["response_shared_se"], line.cells_se(cells))
    frame["is_extrapolated"] = (cells < line.min_cells) | (cells > line.max_cells)
    critical = cells_of(frame["critical_level_pct_id"].to_numpy(dtype=float), line)
    frame["response_critical_level"] = np.where(critical > 0.0, critical, np.nan)
    notes = {
        "no interval: the slope of the calibration does not differ from 0": estimable & np.isnan(low) & ~np.isnan(se),
        "no interval: the uncertainty of the signal is not known": estimable & np.isnan(se),
        "the critical level lies below the intercept of the calibration: no censoring point": estimable
        & (critical <= 0.0),
    }
    for note, where in notes.items():
        frame.loc[where, "reason"] = [f"{had}; {note}" if had else note for had in frame.loc[where, "reason"]]
    return frame
