"""Counter equivalents: the rate that the injected dose would have in the counter, by two independent routes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cartrace.clock import elapsed_s
from cartrace.decay import decay_factor
from cartrace.rows import INJECTION, attach
from cartrace.standards import SERVED, combined

ROUTES = ("counted_standard", "calibrator")
_PARTS = ("cps", "rel_dose", "rel_study", "time_s")  # of each route; beside them n and p of its standards


def equivalents(
    doses: pd.DataFrame, tubes: pd.DataFrame, by_weight: pd.DataFrame, by_activity: pd.DataFrame, *, balance_g: float
) -> pd.DataFrame:
    """Return the counter equivalent of the gross dose by each route, for each run that a session was counted in.

    Parameters
    ----------
    doses : DataFrame
        From :func:`injected`.
    tubes : DataFrame
        From :func:`cartrace.activity.tube_activity`.
    by_weight, by_activity : DataFrame
        From :func:`cartrace.standards.weighed` and :func:`cartrace.standards.calibrated`.
    balance_g : float
        Standard uncertainty of a weighing [g].

    Returns
    -------
    DataFrame
        One row per injection and run, ``is_tail_only``, the dose's columns, and for each route ``<route>_cps``,
        ``<route>_rel_dose``, ``<route>_rel_study``, ``<route>_time_s`` (after injection), and of its standards their
        number ``<route>_n`` and the p of their scatter, ``<route>_p``.
    """
    counted = tubes[tubes["role"].isin(["tissue", "tail"])]
    is_tail = (counted["role"] == "tail").rename("is_tail_only")
    runs = is_tail.groupby([counted[name] for name in [*INJECTION, "counter_file"]]).min().reset_index()
    rows = attach(runs, doses, INJECTION)
    starts = by_weight.groupby(SERVED, as_index=False)["at"].first()
    injectate = combined(by_weight, ["standard_mass_g", "dilution_mass_g"]).merge(starts, on=SERVED, validate="1:1")
    rows = attach(rows, injectate.add_prefix("q_").rename(columns={f"q_{key}": key for key in SERVED}), SERVED)
    start_s = elapsed_s(rows["injected_at"], rows["q_at"])
    q_at_injection = rows["q_value"] / decay_factor(start_s, rows["half_life_s"])
    sensitivity = combined(by_activity, [])
    rows = attach(rows, sensitivity.add_prefix("e_").rename(columns={f"e_{key}": key for key in SERVED}), SERVED)
    return rows.assign(
        counted_standard_cps=q_at_injection * rows["injectate_mass_g"],
        counted_standard_rel_dose=balance_g / rows["injectate_mass_g"],
        counted_standard_rel_study=rows["q_rel_se"],
        counted_standard_time_s=start_s + rows["q_time_s"],
        counted_standard_n=rows["q_n"],
        counted_standard_p=rows["q_p"],
        calibrator_cps=rows["e_value"] * rows["gross_injected_kbq"],
        calibrator_rel_dose=rows["gross_rel"],
        calibrator_rel_study=rows["e_rel_se"],
        calibrator_time_s=rows["gross_time_s"] + rows["e_time_s"],
        calibrator_n=rows["e_n"],
        calibrator_p=rows["e_p"],
    ).drop(columns=[name for name in rows.columns if name.startswith(("q_", "e_"))])


def counted_tails(tubes: pd.DataFrame, runs: pd.DataFrame, *, route: str) -> pd.DataFrame:
    """Return the tails that were counted, as fractions of the gross dose, one row per injection.

    Parameters
    ----------
    tubes : DataFrame
        From :func:`cartrace.activity.tube_activity`.
    runs : DataFrame
        From :func:`equivalents`.
    route : str
        Dose route in use; where a tail's run lacks it, the other one serves.

    Returns
    -------
    DataFrame
        ``tail_frac``, ``tail_own_se`` (counting), ``tail_basis`` (route), ``tail_rel_dose`` and ``tail_rel_study`` (of
        the gross dose behind it) and ``tail_lever_s`` (from the measurement of that dose to the tail's count); empty
        numbers where a tail tube or its dose was not estimable.
    """
    other = next(name for name in ROUTES if name != route)
    tails = tubes[(tubes["role"] == "tail") & ~tubes["is_tube_excluded"]].reset_index(drop=True)
    run = [*INJECTION, "counter_file"]
    own = ["net_cps_at_injection", "net_cps_at_injection_se", "decay_elapsed_s"]
    rows = attach(tails[[*run, *own]], runs[[*run, *(f"{name}_{part}" for name in ROUTES for part in _PARTS)]], run)
    in_use = rows[f"{route}_cps"].notna()
    used = {part: rows[f"{route}_{part}"].where(in_use, rows[f"{other}_{part}"]) for part in _PARTS}
    frac = rows["net_cps_at_injection"] / used["cps"]
    terms = rows[INJECTION].assign(
        tail_frac=frac,
        variance=(rows["net_cps_at_injection_se"] / used["cps"]) ** 2,
        moment=frac * (rows["decay_elapsed_s"] - used["time_s"]),
    )
    # A tail in several tubes is complete only if each of them was estimable.
    sums = terms.groupby(INJECTION)[["tail_frac", "variance", "moment"]].sum(skipna=False)
    basis = rows[INJECTION].assign(
        tail_basis=np.where(in_use, route, other), tail_rel_dose=used["rel_dose"], tail_rel_study=used["rel_study"]
    )
    sums = sums.join(basis.groupby(INJECTION).first()).reset_index()
    lever = (sums["moment"] / sums["tail_frac"]).where(sums["tail_frac"] != 0.0, 0.0)
    result = sums.assign(tail_own_se=np.sqrt(sums["variance"]), tail_lever_s=lever)
    return result.drop(columns=["variance", "moment"])
