"""What the checks of quality measure: one number for each subject, from the tables of stages 2 and 3."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cartrace.clock import elapsed_s
from cartrace.destructive import times_of_sacrifice
from cartrace.digits import last_digits, uniform_p
from cartrace.measured import Measured, subjects
from cartrace.names import MODALITIES
from cartrace.rows import INJECTION, RUN, SCAN, TUBE, attach

_SESSION = ["animal_id", "session"]
_OF_DOSES = ("full_activity_kbq", "residual_activity_kbq", "tail_activity_kbq", "injectate_mass_g", "body_weight_g")
_OF_TUBES = ("mass_g", "tare_g", "gross_g")


def tail(measured: Measured) -> pd.DataFrame:
    """Return the tail in percent of the gross dose, where it was measured."""
    doses = measured.doses[(measured.doses["tail_source"] != "not_measured") & measured.doses["tail_pct"].notna()]
    return subjects(doses, _SESSION, doses["tail_pct"])


def tail_not_measured(measured: Measured) -> pd.DataFrame:
    """Return the injections whose tail was not measured."""
    doses = measured.doses[measured.doses["tail_source"] == "not_measured"]
    return subjects(doses, _SESSION, np.nan)


def residual(measured: Measured) -> pd.DataFrame:
    """Return the residual in percent of the full syringe, both at injection."""
    doses = measured.doses[measured.doses["residual_at_injection_kbq"].notna()]
    return subjects(doses, _SESSION, 100.0 * doses["residual_at_injection_kbq"] / doses["full_at_injection_kbq"])


def dead_time(measured: Measured) -> pd.DataFrame:
    """Return the largest loss to dead time of each run in percent."""
    tubes = measured.tubes[measured.tubes["counts"].notna()]
    # A saturated tube has no factor; it lost everything.
    lost = (100.0 * (1.0 - 1.0 / tubes["dead_time_factor"])).fillna(100.0)
    worst = tubes.loc[lost.groupby([tubes[name] for name in RUN]).idxmax()] if len(tubes) else tubes
    rack, position = (
        (name + " " + worst[name]).where(worst[name] != "", "").astype(str) for name in ("rack", "position")
    )
    return subjects(
        worst, ["counter_file"], lost.loc[worst.index], " at most, in " + (rack + " " + position).str.strip()
    )


def background(measured: Measured) -> pd.DataFrame:
    """Return how likely the scatter of each run's blanks is by counting alone, p of chi-squared."""
    from scipy.special import chdtrc  # here, since nothing else of this stage needs scipy

    key = [*RUN, "window"]
    counted = measured.tubes[measured.tubes["counts"].notna()]
    runs = counted[[*key, "background_cps"]].drop_duplicates(key).reset_index(drop=True)
    blanks = counted[(counted["role"] == "blank") & ~counted["excluded"]]
    expected = blanks["background_cps"] * blanks["count_s"]
    squares = ((blanks["counts"] - expected) ** 2 / expected).where(expected > 0.0, 0.0)
    tally = blanks[key].assign(chi2=squares, n=1.0).groupby(key, as_index=False).sum()
    runs = attach(runs, tally, key)
    p = np.where(runs["n"] > 1.0, chdtrc(runs["n"] - 1.0, runs["chi2"]), np.where(runs["n"] == 1.0, 1.0, np.nan))
    rates = [f"; the rate is {rate:.3g}/s" for rate in runs["background_cps"]]
    notes = np.select([runs["n"].isna(), runs["n"] == 1.0], [", no blank in the run", ", one blank alone"], default="")
    return subjects(
        runs, ["counter_file", "window"], p, [f"{note}{rate}" for note, rate in zip(notes, rates, strict=True)]
    )


def standards(measured: Measured) -> pd.DataFrame:
    """Return the coefficient of variation of the standards of each run and tracer in percent."""
    key = [*RUN, "tracer"]
    found = []
    for column, kind in (("standard_cps_per_g", "weighed"), ("standard_cps_per_kbq", "calibrator")):
        tubes = measured.tubes[measured.tubes[column].notna()]
        runs = tubes.groupby(key)[column].agg(["mean", "std", "count"]).reset_index().assign(kind=kind)
        note = np.where(runs["count"] == 1, ", one standard alone", " over " + runs["count"].astype(str) + " standards")
        found.append(subjects(runs, ["counter_file", "tracer", "kind"], 100.0 * runs["std"] / runs["mean"], note))
    return pd.concat(found, ignore_index=True)


def route_ratio(measured: Measured) -> pd.DataFrame:
    """Return how far the ratio of the two dose routes is from 1."""
    doses = measured.doses[measured.doses["route_ratio"].notna()]
    notes = [f"; weighed standards over calibrator {ratio:.3f}" for ratio in doses["route_ratio"]]
    return subjects(doses, _SESSION, (doses["route_ratio"] - 1.0).abs(), notes)


def dose_median(measured: Measured) -> pd.DataFrame:
    """Return the factor between each dose and the cohort's median of its tracer."""
    doses = measured.doses[measured.doses["net_injected_kbq"].notna()]
    usual = doses["net_injected_kbq"].where(~doses["excluded"]).groupby(doses["tracer"]).transform("median")
    usual = usual.fillna(doses["net_injected_kbq"])
    ratio = doses["net_injected_kbq"] / usual
    notes = [
        f"; {dose:.4g} kBq against {middle:.4g} kBq"
        for dose, middle in zip(doses["net_injected_kbq"], usual, strict=True)
    ]
    return subjects(doses, _SESSION, np.maximum(ratio, 1.0 / ratio), notes)


def dose_plan(measured: Measured) -> pd.DataFrame:
    """Return how far each dose is from the planned one in percent."""
    doses = measured.doses[measured.doses["net_injected_kbq"].notna()]
    if measured.planned_kbq is None:
        doses = doses[:0]
    notes = [f"; {dose:.4g} kBq against {measured.planned_kbq:.4g} kBq" for dose in doses["net_injected_kbq"]]
    off = 100.0 * (doses["net_injected_kbq"] / (measured.planned_kbq or np.nan) - 1.0).abs()
    return subjects(doses, _SESSION, off, notes)


def balance(measured: Measured) -> pd.DataFrame:
    """Return the sum of all that was counted of a mouse in %ID, where its carcass was and every tissue has a value."""
    counted = measured.uptake[measured.uptake["modality"] == "counter"]
    value = counted["uptake_pct_id"].where(counted["status"] == "ok")
    terms = counted[INJECTION].assign(
        value=value.fillna(0.0), n_gaps=value.isna(), n_carcasses=counted["region"] == "carcass", n=1
    )
    sums = terms.groupby(INJECTION, as_index=False).sum()
    sums = sums[(sums["n_carcasses"] > 0) & (sums["n_gaps"] == 0)].reset_index(drop=True)
    return subjects(sums, _SESSION, sums["value"], [f" over {n} samples" for n in sums["n"]])


def outliers(measured: Measured) -> pd.DataFrame:
    """Return the largest distance of a mouse's uptakes from their like, in scaled median absolute deviations."""
    judged = measured.uptake[measured.uptake["outlier_mads"].notna()]
    by = [judged[name] for name in INJECTION]
    worst = judged.loc[judged["outlier_mads"].groupby(by).idxmax()] if len(judged) else judged
    notes = " at most, in " + worst["region"] + " by " + worst["modality"].replace(MODALITIES)
    return subjects(worst, _SESSION, worst["outlier_mads"], notes)


def sacrifice_delay(measured: Measured) -> pd.DataFrame:
    """Return how far each sacrifice's delay after injection is from those of its time in percent.

    Mice of one session that were meant to be taken at several times are held against those of their own time.
    """
    counted = measured.uptake[(measured.uptake["modality"] == "counter") & (measured.uptake["tracer_h"] > 0.0)]
    mice = counted.groupby([*INJECTION, "tracer"], as_index=False).agg(
        hour=("tracer_h", "median"), excluded=("excluded", "all")
    )
    number = mice.groupby(["tracer", "session"])["hour"].transform(times_of_sacrifice)
    own = [mice["tracer"], mice["session"], number]
    # A mouse alone at its time is one that was taken at another time than the others.
    alone = mice["hour"].groupby(own).transform("size") == 1
    known = mice["hour"].where(~mice["excluded"])
    usual = known.groupby(own).transform("median").where(~alone, known.groupby(own[:2]).transform("median"))
    notes = [f"; {hour:.4g} h against {middle:.4g} h" for hour, middle in zip(mice["hour"], usual, strict=True)]
    rows = subjects(mice, _SESSION, 100.0 * (mice["hour"] / usual - 1.0).abs(), notes)
    return rows[usual.notna()].reset_index(drop=True)


def counting(measured: Measured) -> pd.DataFrame:
    """Return the largest counting uncertainty among the detected tissues of each mouse and session in percent."""
    tubes = measured.tubes[
        (measured.tubes["role"] == "tissue")
        & (measured.tubes["status"] == "ok")
        & ~measured.tubes["is_below_detection"]
    ]
    relative = 100.0 * tubes["net_cps_se"] / tubes["net_cps"]
    worst = tubes.loc[relative.groupby([tubes[name] for name in INJECTION]).idxmax()] if len(tubes) else tubes
    return subjects(worst, _SESSION, relative.loc[worst.index], " at most, in " + worst["region"])


def scan_delay(measured: Measured) -> pd.DataFrame:
    """Return how far each scan's delay after injection is from the median of its session in percent."""
    scans = measured.rois[[*SCAN, *_SESSION, "tracer", "started_at", "excluded"]].drop_duplicates(SCAN)
    scans = attach(scans.reset_index(drop=True), measured.doses[[*INJECTION, "injected_at"]], INJECTION)
    delay_s = pd.Series(elapsed_s(scans["injected_at"], scans["started_at"]), index=scans.index)
    usual_s = delay_s.where(~scans["excluded"]).groupby([scans["session"], scans["tracer"]]).transform("median")
    # A dynamic scan starts with the injection; a delay of seconds has no percentage worth a warning.
    is_late_scan = (usual_s > 60.0).to_numpy()
    notes = [
        f"; {own / 60.0:.1f} min against {middle / 60.0:.1f} min" for own, middle in zip(delay_s, usual_s, strict=True)
    ]
    rows = subjects(scans, ["scan_id"], 100.0 * (delay_s / usual_s - 1.0).abs(), notes)
    return rows[is_late_scan].reset_index(drop=True)


def sample_mass(measured: Measured) -> pd.DataFrame:
    """Return the lightest tissue of each mouse and session over the balance's uncertainty."""
    tubes = measured.tubes[(measured.tubes["role"] == "tissue") & measured.tubes["mass_g"].notna()]
    if measured.balance_g == 0.0:
        tubes = tubes[:0]
    lightest = tubes.loc[tubes.groupby(INJECTION)["mass_g"].idxmin()] if len(tubes) else tubes
    return subjects(lightest, _SESSION, lightest["mass_g"] / measured.balance_g, " at least, in " + lightest["region"])


def digits(measured: Measured) -> pd.DataFrame:
    """Return how likely the last digits of typed numbers are by chance, p of chi-squared, by sheet and column."""
    tubes = measured.tubes.drop_duplicates(TUBE)
    # Where both were weighed, a mass is their difference and was not typed.
    tubes = tubes.assign(mass_g=tubes["mass_g"].where(tubes["gross_g"].isna()))
    found = []
    for sheet, frame, columns in (("doses", measured.sheet_of_doses, _OF_DOSES), ("tubes", tubes, _OF_TUBES)):
        for column in columns:
            tally = last_digits(frame[column])
            p = uniform_p(tally)
            if np.isfinite(p):
                note = f" over {tally.sum():.0f} values; {tally.argmax()} stands {tally.max():.0f} times"
                row = pd.DataFrame({"cohort": frame["cohort"].iloc[:1], "sheet": sheet, "column": column})
                found.append(subjects(row, ["sheet", "column"], p, note))
    return pd.concat(found, ignore_index=True) if found else subjects(measured.doses[:0], _SESSION, np.nan)
