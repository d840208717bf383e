"""Stage 2: gross counts become net rates at injection, and regions of PET become activities at injection."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cartrace import counting
from cartrace.blanks import with_background
from cartrace.clock import elapsed_s
from cartrace.crosstalk import responses, separated
from cartrace.decay import decay_factor, frame_to_injection_factor, in_count_factor
from cartrace.earlier_injection import without_earlier
from cartrace.errors import InputError, Problem
from cartrace.exclusions import mark
from cartrace.radionuclides import Decay
from cartrace.rows import INJECTION, RUN, SCAN, TUBE, attach, first_reason, status

_OF_MOUSE = ("tissue", "tail")
_OF_TUBE = [*TUBE, "session"]
_ESTIMATES = [
    "net_cps",
    "net_cps_se",
    "net_cps_at_injection",
    "net_cps_at_injection_se",
    "critical_level_cps",
    "detection_limit_cps",
    "crosstalk_cps",
    "crosstalk_covariance",
]


def with_decay(frame: pd.DataFrame, decays: Mapping[str, Decay]) -> pd.DataFrame:
    """Return the rows with `nuclide`, `half_life_s` and `half_life_se_s` of their tracer."""
    return frame.assign(
        nuclide=frame["tracer"].map({name: decay.nuclide for name, decay in decays.items()}).astype(str),
        half_life_s=frame["tracer"].map({name: decay.half_life_s for name, decay in decays.items()}).astype(float),
        half_life_se_s=frame["tracer"]
        .map({name: decay.half_life_se_s for name, decay in decays.items()})
        .astype(float),
    )


def tube_activity(
    tubes: pd.DataFrame,
    counts: pd.DataFrame,
    doses: pd.DataFrame,
    exclusions: pd.DataFrame,
    *,
    decays: Mapping[str, Decay],
    dead_time_s: float,
    background_cps: float | None,
    background_drift_p: float = 0.0,
    dead_time_model: str = counting.NON_PARALYSABLE,
) -> pd.DataFrame:
    """Return one row per counted tube, from gross counts to the net rate at injection.

    Parameters
    ----------
    tubes, counts, doses, exclusions : DataFrame
        Contracts `Tubes`, `Counts`, `Doses`, `Exclusions`.
    decays : mapping
        Decay by tracer.
    dead_time_s : float
        Dead time [s]; a factor that the export states wins over it.
    background_cps : float or None
        Background rate of a run without blanks [1/s].
    background_drift_p : float
        p of the scatter of a run's blanks below which the background is interpolated between them.
    dead_time_model : str
        ``non_paralysable`` or ``paralysable``.

    Returns
    -------
    DataFrame
        The columns of `TubeActivity` as far as they concern the tube itself, and the standards' masses and activities.

    Raises
    ------
    InputError
        A tube was counted in no window of its tracer, or in several.
    """
    rows = with_decay(_counted(tubes, counts, doses, decays), decays)
    rows = mark(rows, exclusions)
    # A decision about a mouse leaves its dose as it is; only one about the tail's own tube takes the tail away.
    of_tubes = mark(rows[TUBE], exclusions[exclusions["level"] == "tube"])
    rows = rows.assign(is_tube_excluded=of_tubes["excluded"].to_numpy())
    gross = rows["counts"] / rows["count_s"]
    factor = rows["dead_time_factor"].where(
        rows["dead_time_factor"].notna(), counting.dead_time_factor(rows["busy_cps"], dead_time_s, dead_time_model)
    )
    rows = rows.assign(gross_cps=gross, dead_time_factor=factor)
    rows = with_background(rows, background_cps, background_drift_p)
    rows = rows.assign(dead_time_slope=counting.dead_time_slope(rows["dead_time_factor"], dead_time_model))
    rows = _separated(rows.assign(**_net(rows, dead_time_model)))
    rows = _at_reference(rows)
    reason = first_reason(
        rows.index,
        (rows["counts"].isna(), "the export holds no counts for this tube"),
        (
            rows["dead_time_factor"].isna(),
            "the counter is saturated: none with this dead time can observe this rate; count the tube again after "
            "decay, or correct counter.dead_time_us",
        ),
        (rows["background_cps"].isna(), "the run has no blank; count one, or set counter.background_cps"),
        (rows["crosstalk_reason"] != "", "two tracers in one tube: " + rows["crosstalk_reason"]),
    )
    rows.loc[reason != "", _ESTIMATES] = np.nan
    below = (rows["net_cps"] < rows["critical_level_cps"]) & (rows["role"] != "blank")
    return rows.assign(is_below_detection=below, status=status(reason), reason=reason)


def _counted(
    tubes: pd.DataFrame, counts: pd.DataFrame, doses: pd.DataFrame, decays: Mapping[str, Decay]
) -> pd.DataFrame:
    """Return the tubes with their counts in the one window of their tracer; blanks in every window in use.

    A tube with a second session has a row for the tracer of each. In runs with such tubes the standards have rows in
    the windows of other tracers too, marked ``is_elsewhere``.
    """
    sheet = tubes.rename(columns={"tracer": "own_tracer", "tissue": "region"})
    twice = sheet[sheet["second_session"] != ""]
    sheet = pd.concat([sheet, twice.assign(session=twice["second_session"])], ignore_index=True)
    injections = doses[[*INJECTION, "tracer", "injected_at"]].rename(columns={"tracer": "dose_tracer"})
    sheet = attach(sheet, injections, INJECTION)
    windows = counts[counts["tracer"] != ""].rename(columns={"tracer": "window_tracer"})
    windows = windows.drop(columns=["source_file", "source_row", "cpm"])
    windows["busy_cps"] = _busy_cps(windows, twice)
    rows = sheet.merge(windows, on=TUBE, how="left")
    rows["window_tracer"] = rows["window_tracer"].fillna("")
    rows["tracer"] = np.select(
        [rows["role"].isin(_OF_MOUSE), rows["role"] == "blank"],
        [rows["dose_tracer"], rows["window_tracer"]],
        default=rows["own_tracer"],
    )
    nuclides = {name: decay.nuclide for name, decay in decays.items()}
    exact = (rows["tracer"] == rows["window_tracer"]) & (rows["tracer"] != "")
    # Two tracers of one nuclide share a window, which the export can name for one of them only.
    same = rows["tracer"].map(nuclides).notna() & (rows["tracer"].map(nuclides) == rows["window_tracer"].map(nuclides))
    has_exact = exact.groupby([rows[name] for name in _OF_TUBE]).transform("any")
    is_own = np.where(has_exact, exact, same)
    kept = rows[is_own].assign(is_elsewhere=False)
    _refuse_window_problems(sheet, kept)
    mixed = pd.MultiIndex.from_frame(rows[RUN]).isin(pd.MultiIndex.from_frame(twice[RUN]))
    elsewhere = rows[~is_own & mixed & (rows["role"] == "standard") & (rows["window_tracer"] != "")]
    return pd.concat([kept, elsewhere.assign(is_elsewhere=True)], ignore_index=True)


def _busy_cps(windows: pd.DataFrame, twice: pd.DataFrame) -> pd.Series:
    """Return the rate that blocks the counter: that of the window, in runs with two tracers in a tube of all."""
    # ASSUME: Where a run holds two tracers, their windows do not overlap and each count in either blocks the counter.
    own = windows["counts"] / windows["count_s"]
    every = own.groupby([windows[name] for name in TUBE]).transform("sum")
    mixed = pd.MultiIndex.from_frame(windows[RUN]).isin(pd.MultiIndex.from_frame(twice[RUN]))
    return own.where(~mixed, every.where(own.notna()))


def _separated(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the tubes in the windows of their own tracers, two tracers in one tube taken apart."""
    elsewhere, rows = (rows[rows["is_elsewhere"] == flag].reset_index(drop=True) for flag in (True, False))
    serves = (rows["role"] == "standard") & ~rows["excluded"] & (rows["net_cps"] > 0.0)
    return separated(rows, responses(rows[serves], elsewhere))


def _refuse_window_problems(sheet: pd.DataFrame, kept: pd.DataFrame) -> None:
    found = kept[kept["role"] != "blank"].groupby(_OF_TUBE).size().rename("n").reset_index()
    blanks = kept.loc[kept["role"] == "blank", _OF_TUBE].drop_duplicates().assign(n=1)
    tally = sheet.merge(pd.concat([found, blanks]), on=_OF_TUBE, how="left")
    shared = kept[(kept["role"] != "blank") & kept.duplicated([*TUBE, "window"])]
    tally = pd.concat([tally[tally["n"] != 1], shared.assign(n=2)])
    problems = []
    for _, row in tally.iterrows():
        how_many = "no window" if np.isnan(row["n"]) else "several windows"
        remedy = "Name each tracer's window in counter.windows of the config, and each standard's tracer in the sheet"
        if row["second_session"] and not np.isnan(row["n"]):
            how_many = "the same window as its second session's, or in several"
            remedy += (
                ". Two injections of one nuclide cannot be told apart in a tube: leave second_session empty, see the "
                "check earlier_injection for what the earlier one may still hold"
            )
        problems.append(
            Problem(
                "window-of-tracer",
                f"the tube's tracer is counted in {how_many} of {row['counter_file']}",
                remedy,
                file=str(row["source_file"]),
                row=int(row["source_row"]),
                column="position",
                value=" ".join(part for part in (str(row["rack"]), str(row["position"])) if part),
            )
        )
    if problems:
        raise InputError(problems)


def _net(rows: pd.DataFrame, dead_time_model: str) -> dict[str, pd.Series]:
    critical = counting.critical_level_cps(rows["background_cps"], rows["background_cps_se"], rows["count_s"])
    return {
        "net_cps": rows["gross_cps"] * rows["dead_time_factor"] - rows["background_cps"],
        "net_cps_se": pd.Series(
            counting.net_rate_se_cps(
                rows["counts"],
                rows["count_s"],
                rows["dead_time_factor"],
                rows["background_cps_se"],
                dead_time_model,
            ),
            index=rows.index,
        ),
        "critical_level_cps": pd.Series(critical, index=rows.index),
        "detection_limit_cps": pd.Series(counting.detection_limit_cps(critical, rows["count_s"]), index=rows.index),
    }


def _at_reference(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with their net rate at injection; a standard's at its own reference, a blank's nowhere."""
    own = rows["standard_at"].where(rows["standard_at"] != "", rows["counted_at"])
    reference = rows["injected_at"].where(rows["role"].isin(_OF_MOUSE), own).where(rows["role"] != "blank", "")
    elapsed = elapsed_s(reference, rows["counted_at"])
    left = decay_factor(elapsed, rows["half_life_s"])
    in_count = in_count_factor(rows["count_s"], rows["half_life_s"])
    return rows.assign(
        reference_at=reference,
        decay_elapsed_s=elapsed,
        decay_factor=left,
        in_count_factor=in_count,
        net_cps_at_injection=rows["net_cps"] * in_count / left,
        net_cps_at_injection_se=rows["net_cps_se"] * in_count / left,
    )


def roi_activity(
    rois: pd.DataFrame,
    scans: pd.DataFrame,
    doses: pd.DataFrame,
    exclusions: pd.DataFrame,
    *,
    decays: Mapping[str, Decay],
    roi_frac: float,
) -> pd.DataFrame:
    """Return one row per scan, region and frame with its activity concentration at injection.

    Parameters
    ----------
    rois, scans, doses, exclusions : DataFrame
        Contracts `Rois`, `Scans`, `Doses`, `Exclusions`.
    decays : mapping
        Decay by tracer.
    roi_frac : float
        Relative standard uncertainty of a region's mean.

    Returns
    -------
    DataFrame
        Contract `RoiActivity`, with ``half_life_s`` and ``half_life_se_s`` beside it.

    Notes
    -----
    To injection from the instant that the export's values refer to (F4, F25).
    """
    of_scan = scans[[*SCAN, "animal_id", "session", "scanner", "residual_scan", "started_at", "decay_corrected_to"]]
    rows = attach(rois.drop(columns=["source_file", "source_row"]), of_scan, SCAN)
    rows = with_decay(attach(rows, doses[[*INJECTION, "tracer", "injected_at"]], INJECTION), decays)
    scan_s = elapsed_s(rows["injected_at"], rows["started_at"])
    start_s = scan_s + rows["frame_start_s"]
    duration_s, half_life_s = rows["frame_duration_s"], rows["half_life_s"]
    # ASSUME: Values corrected to the scan's start, a frame's start or the injection already hold the frame's own decay.
    factors = {
        "scan_start": 1.0 / decay_factor(scan_s, half_life_s),
        "frame_start": 1.0 / decay_factor(start_s, half_life_s),
        "injection": np.ones(len(rows)),
        "none": frame_to_injection_factor(start_s, duration_s, half_life_s),
    }
    cases = [rows["decay_corrected_to"] == name for name in factors]
    factor = np.select(cases, list(factors.values()), default=np.nan)
    value = rows["activity_kbq_per_ml"] * factor
    reason = first_reason(rows.index, (value.isna(), "the export has no value for this region and frame"))
    rows = rows.assign(
        frame_start_s=start_s,
        decay_factor=factor,
        activity_kbq_per_ml=value,
        activity_kbq_per_ml_se=value.abs() * roi_frac,
        status=status(reason),
        reason=reason,
    )
    return without_earlier(mark(rows, exclusions), decays)
