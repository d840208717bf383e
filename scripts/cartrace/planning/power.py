"""How often studies of a design find their primary difference: many are simulated, and analysed as by the flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cartrace import tables
from cartrace.association import wilson
from cartrace.cells import signal_rows, subtract_background, without_calibration
from cartrace.comparison import compare
from cartrace.endpoints import KINETIC, collect
from cartrace.estimates import animal_estimates
from cartrace.expansion import fit_study
from cartrace.expansion_points import Scatter, mice_of
from cartrace.quantities import quantities
from cartrace.simulate import design, instruments, truth
from cartrace.simulate.design import Tissue, elapsed_s

RESIDUAL_FRAC = 0.055  # of the syringe, as the simulator's syringes keep
_STUDY = "study"


def dose_rel_se(calibrator_frac: float) -> float:
    """Return the relative uncertainty of a dose from the readings of the full and of the emptied syringe."""
    return calibrator_frac * float(np.hypot(1.0, RESIDUAL_FRAC)) / (1.0 - RESIDUAL_FRAC)


def planned_power(
    settings: Mapping[str, Any], tissues: Sequence[Tissue], windows: Mapping[str, Sequence[float]]
) -> pd.DataFrame:
    """Return the power of the planned study for its primary comparison, by number of mice and model.

    Parameters
    ----------
    settings : mapping
        The whole config, defaults filled.
    tissues : sequence of Tissue
        The dissected tissues, the followed region first.
    windows : mapping
        Days that each model is fitted to.

    Returns
    -------
    DataFrame
        A table of planned power. Each row counts simulated studies, whose scans go through the flow's own subtraction
        of background, fit, and test.
    """
    # ASSUME: a planned study is analysed with the model of its row, instead of the one that its data would choose.
    primary, plan = settings["comparison"]["primary"], settings["plan"]
    reason = _cannot(settings, tissues[0].name)
    models = list(windows) if primary["endpoint"] in KINETIC else [""]
    rows = []
    for n in plan["n_per_group"]:
        common = {"n_per_group": n, "n_cohorts": settings["simulation"]["n_cohorts"]}
        common |= {"endpoint": primary["endpoint"], "scale": primary["scale"]}
        scans = None if reason else simulated_scans(settings, tissues[0], n=n, studies=plan["n_studies"])
        for model in models:
            found = pd.DataFrame() if scans is None else compared_studies(scans, settings, model, windows)
            counted = share_found(found, plan["n_studies"], settings["comparison"]["confidence"], n, reason)
            rows.append(common | {"model": model} | counted)
    return pd.DataFrame(rows)[tables.PlannedPower.names()]


def _cannot(settings: Mapping[str, Any], followed: str) -> str:
    """Return why the primary comparison is not simulated, or an empty text."""
    primary, simulation = settings["comparison"]["primary"], settings["simulation"]
    sessions = [design.session_name(day) for day in simulation["days"]]
    missing = [name for name in primary["groups"] if name not in {group["name"] for group in simulation["groups"]}]
    if missing:
        return f"simulation.groups has no {' and no '.join(missing)}"
    if primary["endpoint"] not in (*KINETIC, "cells", "net_pct_id"):
        return f"power is simulated for the followed response and its curve, not for {primary['endpoint']}"
    if primary["region"] != followed:
        return f"power is simulated for the followed region {followed}, not for {primary['region']}"
    if primary["endpoint"] not in KINETIC and primary["session"] not in sessions:
        return f"there is no session {primary['session']}; the planned ones are {', '.join(sessions)}"
    return ""


def simulated_scans(settings: Mapping[str, Any], followed: Tissue, *, n: int, studies: int) -> pd.DataFrame:
    """Draw the PET of many studies: rows of :class:`cartrace.tables.Uptake`, and the study.

    Parameters
    ----------
    settings : mapping
        The whole config.
    followed : Tissue
        The followed region.
    n : int
        Mice per group and cohort.
    studies : int
        How many studies.

    Returns
    -------
    DataFrame
        Each cohort of each study is a cohort.
    """
    simulation = settings["simulation"] | {"n_per_group": n * studies}
    uncertainty, zone = settings["uncertainty"], settings["study"]["timezone"]
    parts = []
    for cohort in range(simulation["n_cohorts"]):
        rng = np.random.default_rng([settings["seed"], 61, n, cohort])
        mice = design.recruit(cohort, simulation, zone, rng)
        mice[_STUDY] = mice.groupby("group").cumcount() // n
        plan = design.schedule(mice, simulation, zone, rng)
        plan["cell_day"] = elapsed_s(plan["infused"], plan["scan"]) / 86_400
        plan["cells"] = truth.cells_in_followed_region(plan, plan["cell_day"].to_numpy(np.float64))
        mouse = plan["animal_id"].map(dict(zip(mice["animal_id"], range(len(mice)), strict=True))).to_numpy(np.int64)
        masses = truth.sample_masses(len(mice), [followed], rng)
        uptake = truth.tissue_uptake(plan, mouse, masses, tissues=[followed], simulation=simulation, rng=rng)[:, 0]
        # What all scans of a study share, the scanner's gain, cancels between its groups.
        seen = instruments.scanner(uptake, 1.0, uncertainty["roi_frac"], rng)
        of_dose = dose_rel_se(uncertainty["calibrator_frac"])
        seen = seen * (1 + of_dose * rng.standard_normal(len(plan)))
        rel_se = float(np.hypot(uncertainty["roi_frac"], of_dose))
        name = plan[_STUDY].astype(str) + "/" + str(cohort + 1)
        parts.append(
            plan[["animal_id", "group", "session", "cell_day", _STUDY]].assign(
                cohort=name, uptake_pct_id=seen, uptake_pct_id_se=rel_se * np.abs(seen)
            )
        )
    scans = pd.concat(parts, ignore_index=True)
    scans = scans.assign(scan_id=scans["session"], region=followed.name, modality="pet", tracer="planned", status="ok")
    scans = scans.assign(reason="", excluded=False, exclusion_reason="", is_below_detection=False)
    return scans.assign(critical_level_pct_id=np.nan, detection_limit_pct_id=np.nan, rel_se_standard=0.0)


def compared_studies(
    scans: pd.DataFrame, settings: Mapping[str, Any], model: str, windows: Mapping[str, Sequence[float]]
) -> pd.DataFrame:
    """Analyse every simulated study; return its primary comparison, one row a study.

    Parameters
    ----------
    scans : DataFrame
        From :func:`simulated_scans`.
    settings : mapping
        The whole config.
    model : str
        Model of expansion; empty where the endpoint is no parameter of a curve.
    windows : mapping
        Days that each model is fitted to.
    """
    roles = {group["name"]: group["role"] for group in settings["groups"]}
    region = str(scans["region"].iloc[0])
    cells = without_calibration(subtract_background(signal_rows(scans, region=region, modality="pet", roles=roles)))
    estimates, selection = tables.empty(tables.Estimates), tables.empty(tables.Selection)
    if model:
        expansion = settings["expansion"]
        study = fit_study(
            cells,
            mice_of(cells),
            model=model,
            analysis="all",
            strategy="reporter_gene",
            window_days=windows[model],
            scatter=Scatter(expansion["error_model"], expansion["use_measurement_se"]),
        )
        found = quantities(study, expansion["window_days"])
        estimates = animal_estimates(study, found, confidence=expansion["confidence"], interval="wald")
        selection = pd.DataFrame({"analysis": ["all"], "model": [model], "chosen": [True]})
    endpoints = collect(tables.empty(tables.Uptake), cells, estimates, selection, region=region)
    return compared_by_study(endpoints, settings)


def compared_by_study(endpoints: pd.DataFrame, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Return the primary comparison of every study; its number stands before the slash of its cohorts' names."""
    primary, comparison = settings["comparison"]["primary"], settings["comparison"]
    wanted = "net_pct_id" if primary["endpoint"] == "cells" else primary["endpoint"]
    rows = endpoints[(endpoints["endpoint"] == wanted) & (endpoints["analysis"] == "all")]
    if wanted not in KINETIC:
        rows = rows[rows["session"] == primary["session"]]
    # To the test a study is a region of its own, so that all of them are compared at once.
    rows = rows.assign(region=rows["cohort"].str.split("/").str[0])
    family: dict[str, Any] = {"family": "planned", "endpoint": wanted, "modality": "", "regions": [], "sessions": []}
    compared = compare(
        rows,
        groups=settings["groups"],
        primary=primary | {"region": "none of them"},
        secondary=[family | {"groups": primary["groups"], "test": primary["test"]}],
        adjustment="holm",
        exploratory_adjustment="BH",
        confidence=comparison["confidence"],
        seed=settings["seed"],
        scales={wanted: primary["scale"]},
    )
    found: pd.DataFrame = compared[(compared["plan"] == "secondary") & (compared["scale"] == primary["scale"])]
    return found


def share_found(compared: pd.DataFrame, studies: int, confidence: float, n: int, reason: str) -> dict[str, Any]:
    """Return power and precision of simulated studies; one that gives no test has found nothing."""
    numbers = dict.fromkeys(
        ("power", "power_ci_low", "power_ci_high", "median_estimate", "median_ci_low", "median_ci_high", "lost_frac"),
        np.nan,
    )
    if reason:
        return numbers | {"n_studies": 0, "n_tested": 0, "status": "not_estimable", "reason": reason}
    ok = compared[compared["status"] == "ok"]
    found = int((ok["p_value"] < 1 - confidence).sum())
    low, high = wilson(found, studies, 0.95)
    numbers |= {"power": found / studies, "power_ci_low": low, "power_ci_high": high}
    if len(ok):
        numbers |= {f"median_{name}": float(ok[name].median()) for name in ("estimate", "ci_low", "ci_high")}
    without = compared["n_not_estimable_a"] + compared["n_not_estimable_b"]
    mice = without + compared["n_a"] + compared["n_b"]
    numbers["lost_frac"] = float(without.sum() / mice.sum()) if len(compared) else 1.0
    few = f"no study of {n} mice per group and cohort could be tested: too few of them have a value"
    status = {"status": "ok", "reason": ""} if len(ok) else {"status": "not_estimable", "reason": few}
    return numbers | {"n_studies": studies, "n_tested": len(ok)} | status
