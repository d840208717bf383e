"""The dose: activity in the mouse at injection, and its equivalent in the counter by two independent routes.

A tail is a fraction ``x`` of the gross dose, whichever instrument measured it, so that both routes and PET lose the
same part: ``net = gross · (1 - x)``. Uncertainties are relative and stay apart by what they are common to: a mouse and
session (`rel_dose`), or the study (`rel_study`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cartrace.clock import elapsed_s
from cartrace.decay import Floats, decay_constant_per_s, decay_factor, half_life_rel_se
from cartrace.equivalents import ROUTES, counted_tails, equivalents
from cartrace.exclusions import mark
from cartrace.rows import INJECTION, TUBE, attach, first_reason, status
from cartrace.standards import calibrated, usable, weighed, weights

READINGS = ("full", "residual", "tail")


def at_injection_kbq(activity_kbq: ArrayLike, measured_s: ArrayLike, half_life_s: ArrayLike) -> Floats:
    """Return a calibrator reading corrected to injection [kBq].

    Parameters
    ----------
    activity_kbq : array_like
        Reading [kBq].
    measured_s : array_like
        When it was taken, after injection [s]; before it: negative.
    half_life_s : array_like
        Half-life [s].

    Returns
    -------
    ndarray
        Activity at injection [kBq].

    Notes
    -----
    ``activity_kbq / exp(-λ · measured_s)`` (F2, F15): one expression for readings before and after the injection.
    """
    return np.asarray(activity_kbq, dtype=np.float64) / decay_factor(measured_s, half_life_s)


def tail_propagated(
    rel_gross: ArrayLike, tail_frac: ArrayLike, tail_frac_own_se: ArrayLike, rel_other: ArrayLike, is_shared: ArrayLike
) -> Floats:
    """Return the relative uncertainty of a net dose.

    Parameters
    ----------
    rel_gross : array_like
        Relative uncertainty of the gross dose.
    tail_frac : array_like
        Tail over gross dose, below 1.
    tail_frac_own_se : array_like
        Uncertainty of `tail_frac` from the tail's own measurement.
    rel_other : array_like
        Relative uncertainty of the gross dose that the tail was divided by.
    is_shared : array_like of bool
        The tail was divided by this very gross dose, so that ``net = gross - tail``.

    Returns
    -------
    ndarray
        Relative standard uncertainty of ``gross · (1 - tail_frac)``.

    Notes
    -----
    Shared: ``√(rel_gross² + u_x²) / (1 - x)``. Not shared: ``√(rel_gross² + (u_x² + x² rel_other²) / (1 - x)²)``.
    """
    rel, x, own, other = (np.asarray(a, dtype=np.float64) for a in (rel_gross, tail_frac, tail_frac_own_se, rel_other))
    shared = np.hypot(rel, own) / (1.0 - x)
    apart = np.sqrt(rel**2 + (own**2 + (x * other) ** 2) / (1.0 - x) ** 2)
    return np.where(np.asarray(is_shared, dtype=bool), shared, apart)


def injected(doses: pd.DataFrame, *, calibrator_frac: float, clock_s: float) -> pd.DataFrame:
    """Return the doses with their calibrator readings at injection and the gross dose.

    Parameters
    ----------
    doses : DataFrame
        Contract `Doses` with ``half_life_s``.
    calibrator_frac : float
        Relative standard uncertainty of one reading.
    clock_s : float
        Standard uncertainty of the time that was noted with it [s].

    Returns
    -------
    DataFrame
        With ``{full,residual,tail}_at_injection_kbq``, ``{...}_s`` (reading after injection), ``reading_rel``,
        ``gross_injected_kbq``, ``gross_rel`` and ``gross_time_s``.

    Notes
    -----
    ``gross = full - residual``, each at injection by its own clock (F15). A reading is uncertain by
    ``√(calibrator_frac² + (λ clock_s)²)``.
    """
    rows = doses.copy()
    # ASSUME: Counters and scanners write their times exactly; those beside the calibrator's readings are noted by hand.
    rows["reading_rel"] = np.hypot(calibrator_frac, decay_constant_per_s(rows["half_life_s"]) * clock_s)
    for name in READINGS:
        activity, measured_s = rows[f"{name}_activity_kbq"], elapsed_s(rows["injected_at"], rows[f"{name}_at"])
        value = at_injection_kbq(activity, measured_s, rows["half_life_s"])
        # A reading of 0 needs no clock; an empty residual reaches this stage only where the config declares it 0.
        is_zero = (activity == 0.0) | (activity.isna() & (name == "residual"))
        rows[f"{name}_at_injection_kbq"] = np.where(is_zero, 0.0, value)
        rows[f"{name}_s"] = np.where(is_zero, 0.0, measured_s)
    full, residual = rows["full_at_injection_kbq"], rows["residual_at_injection_kbq"]
    gross = (full - residual).where(full > residual)
    return rows.assign(
        gross_injected_kbq=gross,
        # ASSUME: Readings of the dose calibrator err independently of each other; what they share is in scanner_frac.
        gross_rel=rows["reading_rel"] * np.hypot(full, residual) / gross,
        gross_time_s=(full * rows["full_s"] - residual * rows["residual_s"]) / gross,
    )


def dose_activity(
    doses: pd.DataFrame,
    tubes: pd.DataFrame,
    exclusions: pd.DataFrame,
    *,
    route: str,
    uncertainty: Mapping[str, float],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the doses, and the tubes with the counter equivalent of their dose in their own run.

    Parameters
    ----------
    doses : DataFrame
        Contract `Doses` with ``nuclide``, ``half_life_s`` and ``half_life_se_s``.
    tubes : DataFrame
        From :func:`cartrace.activity.tube_activity`.
    exclusions : DataFrame
        Contract `Exclusions`.
    route : str
        ``counted_standard`` or ``calibrator``.
    uncertainty : mapping
        The config's standard uncertainties.

    Returns
    -------
    doses : DataFrame
        Contract `DoseActivity`; the counter's side holds for the first run by name that counted tissue.
    tubes : DataFrame
        The tubes with ``dose_cps`` and its like: a mouse whose tubes lie in two runs has a dose in each.
    """
    gross = injected(doses, calibrator_frac=uncertainty["calibrator_frac"], clock_s=uncertainty["clock_s"])
    standards = usable(tubes)
    by_weight = weighed(standards, balance_g=uncertainty["balance_g"])
    by_activity = calibrated(
        standards, sensitivity_frac=uncertainty["sensitivity_frac"], clock_s=uncertainty["clock_s"]
    )
    runs = equivalents(gross, tubes, by_weight, by_activity, balance_g=uncertainty["balance_g"])
    tails = _tails(gross, tubes, runs, route=route)
    rows = _net(attach(gross, tails, INJECTION), scanner_frac=uncertainty["scanner_frac"])
    runs = _net_in_runs(attach(runs, rows[[*INJECTION, *_TAIL, "reason"]], INJECTION), route)
    first = runs.sort_values([*INJECTION, "is_tail_only", "counter_file"]).drop_duplicates(INJECTION)
    rows = attach(rows, first[[*INJECTION, "counter_file", *_OF_RUN]], INJECTION)
    no_tube = first_reason(rows.index, (rows["counter_file"] == "", "no tube of this session was counted"))
    counter_reason = rows["dose_reason"].where(no_tube == "", no_tube)
    rows = rows.assign(
        dose_route=route,
        route_ratio=rows["standard_cps"] / rows["calibrator_cps"],
        route_ratio_se=rows["standard_cps"] / rows["calibrator_cps"] * rows["routes_rel"],
        counter_rel_se_dose_frac=rows["rel_se_dose_frac"],
        counter_rel_se_standard_frac=rows["rel_se_standard_frac"],
        counter_dose_time_s=rows["dose_time_s"],
        counter_reason=counter_reason,
        counter_status=status(counter_reason),
    )
    return mark(rows, exclusions), _with_doses(tubes, runs, by_weight, by_activity)


def _with_doses(
    tubes: pd.DataFrame, runs: pd.DataFrame, by_weight: pd.DataFrame, by_activity: pd.DataFrame
) -> pd.DataFrame:
    """Return the tubes with the dose that a tissue is held against, and with what a standard says."""
    rows = attach(tubes, runs[[*INJECTION, "counter_file", *_OF_TUBE]], [*INJECTION, "counter_file"])
    is_tissue = rows["role"] == "tissue"
    rows.loc[~is_tissue, [name for name in _OF_TUBE if name != "dose_reason"]] = np.nan
    rows.loc[~is_tissue, "dose_reason"] = ""
    for name, values in (("standard_cps_per_g", by_weight), ("standard_cps_per_kbq", by_activity)):
        key = [*TUBE, "window"]
        rows = attach(rows, values[[*key, "value"]].rename(columns={"value": name}), key)
    served = pd.concat([values.assign(standard_weight_frac=weights(values)) for values in (by_weight, by_activity)])
    return attach(rows, served[[*TUBE, "window", "standard_weight_frac"]], [*TUBE, "window"])


_TAIL = [
    "tail_source",
    "tail_frac",
    "tail_own_se",
    "tail_basis",
    "tail_rel_dose",
    "tail_rel_study",
    "tail_lever_s",
]
_OF_TUBE = ["dose_cps", "dose_time_s", "rel_se_dose_frac", "rel_se_standard_frac", "dose_reason"]
_OF_RUN = ["standard_cps", "calibrator_cps", "routes_rel", "n_standards", "standards_p", *_OF_TUBE]


def _tails(gross: pd.DataFrame, tubes: pd.DataFrame, runs: pd.DataFrame, *, route: str) -> pd.DataFrame:
    """Return each dose's tail as a fraction, by the calibrator, by the counter, or 0 where it was not measured."""
    counted = counted_tails(tubes, runs, route=route)
    rows = attach(gross, counted, INJECTION)
    by_calibrator = rows["tail_activity_kbq"].notna()
    by_counter = ~by_calibrator & (rows["tail_basis"] != "")
    # ASSUME: A tail that was not measured holds nothing; each such dose has a row of quality that says so.
    frac = rows["tail_at_injection_kbq"] / rows["gross_injected_kbq"]
    return rows[INJECTION].assign(
        tail_source=np.select([by_calibrator, by_counter], ["calibrator", "counter"], "not_measured"),
        tail_frac=np.select([by_calibrator, by_counter], [frac, rows["tail_frac"]], 0.0),
        tail_own_se=np.select([by_calibrator, by_counter], [frac * rows["reading_rel"], rows["tail_own_se"]], 0.0),
        tail_basis=np.where(by_counter, rows["tail_basis"], "calibrator"),
        tail_rel_dose=np.select([by_calibrator, by_counter], [rows["gross_rel"], rows["tail_rel_dose"]], 0.0),
        tail_rel_study=np.where(by_counter, rows["tail_rel_study"], 0.0),
        tail_lever_s=np.select(
            [by_calibrator, by_counter], [rows["tail_s"] - rows["gross_time_s"], rows["tail_lever_s"]], 0.0
        ),
    )


def _net(rows: pd.DataFrame, *, scanner_frac: float) -> pd.DataFrame:
    """Return the doses with their net activity and its uncertainty for PET."""
    x = rows["tail_frac"]
    reason = first_reason(
        rows.index,
        (rows["full_at_injection_kbq"].isna(), "the full syringe has no time or no activity"),
        (rows["residual_at_injection_kbq"].isna(), "the residual has no time"),
        (rows["gross_injected_kbq"].isna(), "at injection, the residual is not below the full syringe"),
        (
            x.isna() & (rows["tail_source"] == "counter"),
            "the tail was counted, but its tube or the dose it is held against is not estimable",
        ),
        (x.isna(), "the tail has no time"),
        (x >= 1.0, "the tail holds as much as was injected, or more"),
    )
    fine = reason == ""
    net = (rows["gross_injected_kbq"] * (1.0 - x)).where(fine)
    rel_dose = tail_propagated(
        rows["gross_rel"], x, rows["tail_own_se"], rows["tail_rel_dose"], rows["tail_basis"] == "calibrator"
    )
    rel_tail_study = x * rows["tail_rel_study"] / (1.0 - x)
    return rows.assign(
        tail_at_injection_kbq=x * rows["gross_injected_kbq"],
        tail_pct=100.0 * x,
        net_injected_kbq=net,
        net_injected_kbq_se=net * np.hypot(rel_dose, rel_tail_study),
        pet_rel_se_dose_frac=pd.Series(rel_dose, index=rows.index).where(fine),
        pet_rel_se_standard_frac=pd.Series(np.hypot(rel_tail_study, scanner_frac), index=rows.index).where(fine),
        pet_dose_time_s=(rows["gross_time_s"] - x / (1.0 - x) * rows["tail_lever_s"]).where(fine),
        reason=reason,
        status=status(reason),
    )


def _net_in_runs(runs: pd.DataFrame, route: str) -> pd.DataFrame:
    """Return the runs with the counter equivalent of the net dose by both routes, and of the route in use all else."""
    x = runs["tail_frac"]
    reason = _run_reason(runs, route)
    fine = reason == ""
    by_counter = runs["tail_source"] == "counter"
    is_own = runs["tail_basis"] == route
    rel_dose = tail_propagated(runs[f"{route}_rel_dose"], x, runs["tail_own_se"], runs["tail_rel_dose"], is_own)
    rel_study = tail_propagated(runs[f"{route}_rel_study"], x, 0.0, runs["tail_rel_study"], is_own & by_counter)
    net = {name: (runs[f"{name}_cps"] * (1.0 - x)).where(x < 1.0) for name in ROUTES}
    return runs.assign(
        standard_cps=net["counted_standard"],
        calibrator_cps=net["calibrator"],
        routes_rel=_routes_rel(runs),
        n_standards=runs[f"{route}_n"],
        standards_p=runs[f"{route}_p"],
        dose_cps=net[route].where(fine),
        dose_time_s=(runs[f"{route}_time_s"] - x / (1.0 - x) * runs["tail_lever_s"]).where(fine),
        rel_se_dose_frac=pd.Series(rel_dose, index=runs.index).where(fine),
        rel_se_standard_frac=pd.Series(rel_study, index=runs.index).where(fine),
        dose_reason=reason,
    )


def _routes_rel(runs: pd.DataFrame) -> Floats:
    """Return the relative uncertainty of the ratio of both routes, from which the tail cancels."""
    apart_s = runs["counted_standard_time_s"] - runs["calibrator_time_s"]
    variance = half_life_rel_se(apart_s, runs["half_life_s"], runs["half_life_se_s"]) ** 2
    for name in ROUTES:
        variance = variance + runs[f"{name}_rel_dose"] ** 2 + runs[f"{name}_rel_study"] ** 2
    return np.sqrt(np.asarray(variance, dtype=np.float64))


def _run_reason(runs: pd.DataFrame, route: str) -> pd.Series:
    other = next(name for name in ROUTES if name != route)
    of_run = runs["tracer"] + " in " + runs["counter_file"]
    missing = {
        "counted_standard": first_reason(
            runs.index,
            (runs["counted_standard_rel_study"].isna(), "no usable weighed standard of " + of_run),
            (runs["injectate_mass_g"].isna(), "the mass of injectate is not stated (injectate_mass in doses)"),
        ),
        "calibrator": first_reason(
            runs.index,
            (runs["calibrator_rel_study"].isna(), "no usable calibrator standard of " + of_run),
            (runs["gross_injected_kbq"].isna(), runs["reason"]),
        ),
    }
    hint = np.where(missing[other] == "", f"; uptake.dose_route {other} would serve", "")
    no_tail = runs["tail_frac"].isna() | (runs["tail_frac"] >= 1.0)
    return first_reason(runs.index, (missing[route] != "", missing[route] + hint), (no_tail, runs["reason"]))
