"""The study once more under another choice: from the tables of stage 1 to the endpoints, by the flow's functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cartrace import tables
from cartrace.activity import roi_activity, tube_activity, with_decay
from cartrace.cells import (
    borrowed_rows,
    calibration_line,
    signal_rows,
    subtract_background,
    with_calibration,
    without_calibration,
)
from cartrace.dose import dose_activity
from cartrace.endpoints import KEY, KINETIC, collect
from cartrace.estimates import animal_estimates
from cartrace.expansion import Scatter, fit_study, mice_of
from cartrace.growth import BY_NAME, Model
from cartrace.quantities import quantities
from cartrace.radionuclides import Nuclide, of_tracers
from cartrace.ratios import ratios as ratios_of
from cartrace.readout_days import of_groups
from cartrace.regions import pet_uptake
from cartrace.rows import TUBE, attach
from cartrace.tissues import counter_uptake
from cartrace.uptake import of_animals

Raw = Mapping[str, pd.DataFrame]
_FOLLOWED = ("cells", "net_pct_id", *KINETIC)
_OTHER_HALF_LIVES = {"ENSDF": "ICRP-107", "ICRP-107": "ENSDF"}
_OTHER_ROUTE = {"counted_standard": "calibrator", "calibrator": "counted_standard"}
_ROUTES = {"counted_standard": "dose by weighed standards", "calibrator": "dose by calibrator and counter sensitivity"}


@dataclass(frozen=True)
class Choice:
    """What is chosen upstream of the endpoints.

    `choice` and `variant` name it in the table of sensitivity; `modality` is the only one that it can change, empty
    where it can change both; `is_of_followed` says that it changes nothing but the followed response.
    """

    choice: str
    variant: str
    half_lives: str
    dose_route: str
    subtracts_background: bool
    modality: str = ""
    is_of_followed: bool = False


def declared_choice(settings: Mapping[str, Any]) -> Choice:
    """Return what the config chooses."""
    uptake = settings["uptake"]
    return Choice("declared", "", uptake["half_lives"], uptake["dose_route"], subtracts_background=True)


def other_choices(settings: Mapping[str, Any]) -> list[Choice]:
    """Return the choices that could have been made otherwise, one at a time.

    Parameters
    ----------
    settings : mapping
        The config's sections tracers, groups, regions, counter, uptake, uncertainty, cells, expansion and study.
    """
    now = declared_choice(settings)
    half_lives, route = _OTHER_HALF_LIVES[now.half_lives], _OTHER_ROUTE[now.dose_route]
    found = [
        Choice("half_life", f"half-lives of {half_lives}", half_lives, now.dose_route, subtracts_background=True),
        Choice("dose_route", _ROUTES[route], now.half_lives, route, subtracts_background=True, modality="counter"),
    ]
    if any(group["role"] == "background" for group in settings["groups"]):
        found.append(
            Choice(
                "subtraction",
                "nothing subtracted for the background group",
                now.half_lives,
                now.dose_route,
                subtracts_background=False,
                is_of_followed=True,
            )
        )
    return found


def alternatives(
    cohorts: Sequence[Raw],
    declared: pd.DataFrame,
    selection: pd.DataFrame,
    nuclides: Sequence[Nuclide],
    settings: Mapping[str, Any],
    windows: Mapping[str, Sequence[float]],
    own: Mapping[str, Model],
) -> pd.DataFrame:
    """Return the endpoints of the declared comparisons as they would be under every other choice.

    Parameters
    ----------
    cohorts : sequence of mapping
        Tables of stage 1 of each cohort by name: animals, doses, tubes, counts, scans, rois, exclusions, calibration,
        readouts.
    declared : DataFrame
        The primary and the declared secondary comparisons.
    selection : DataFrame
        The choice of the model, which stays: one thing is chosen otherwise at a time.
    nuclides : sequence of Nuclide
        What is known of radionuclides.
    settings : mapping
        As in :func:`other_choices`.
    windows : mapping
        Days that each model is fitted to.
    own : mapping
        The lab's own models by name.

    Returns
    -------
    DataFrame
        A table of alternatives. A choice that cannot change an endpoint has no row of it.
    """
    wanted = declared[KEY].drop_duplicates()
    parts = []
    for choice in other_choices(settings):
        mine = wanted[_can_change(wanted, choice, settings["cells"]["modality"])]
        if mine.empty:
            continue
        has_curve = bool(mine["endpoint"].isin(KINETIC).any())
        found = endpoints_under(cohorts, choice, selection, nuclides, settings, windows, own, kinetics=has_curve)
        rows = found.merge(mine, on=KEY)
        parts.append(rows.assign(choice=choice.choice, variant=choice.variant))
    if not parts:
        return tables.empty(tables.Alternatives)
    frame = pd.concat(parts, ignore_index=True)[tables.Alternatives.names()]
    return frame.sort_values(list(tables.Alternatives.key), kind="stable", ignore_index=True)


def _can_change(wanted: pd.DataFrame, choice: Choice, followed_modality: str) -> pd.Series:
    followed = wanted["endpoint"].isin(_FOLLOWED)
    modality = wanted["modality"].mask(followed, followed_modality)
    can = (wanted["endpoint"] != "readout") & ((modality == choice.modality) | (choice.modality == ""))
    return can & (followed | (not choice.is_of_followed))


def endpoints_under(
    cohorts: Sequence[Raw],
    choice: Choice,
    selection: pd.DataFrame,
    nuclides: Sequence[Nuclide],
    settings: Mapping[str, Any],
    windows: Mapping[str, Sequence[float]],
    own: Mapping[str, Model],
    *,
    kinetics: bool = True,
) -> pd.DataFrame:
    """Return the table of endpoints of the study under a choice.

    Parameters
    ----------
    cohorts, selection, nuclides, settings, windows, own
        As in :func:`alternatives`.
    choice : Choice
        What is chosen.
    kinetics : bool
        Whether curves are fitted.
    """
    found = [_uptake(raw, choice, nuclides, settings) for raw in cohorts]
    uptake, ratios = (pd.concat([one[side] for one in found], ignore_index=True) for side in (0, 1))
    cells = _cells([one[0] for one in found], cohorts, choice, settings)
    readouts = [of_groups(raw["readouts"], raw["animals"], raw["exclusions"]) for raw in cohorts]
    return collect(
        uptake,
        cells,
        _estimates(cells, selection, settings, windows, own) if kinetics else tables.empty(tables.Estimates),
        selection,
        region=settings["cells"]["region"],
        ratios=ratios,
        readouts=pd.concat(readouts, ignore_index=True),
    )


def _uptake(
    raw: Raw, choice: Choice, nuclides: Sequence[Nuclide], settings: Mapping[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the uptake and the ratios of a cohort."""
    uncertainty, decisions = settings["uncertainty"], raw["exclusions"]
    decays = of_tracers(settings["tracers"], nuclides, source=choice.half_lives)
    counted = tube_activity(
        raw["tubes"],
        raw["counts"],
        raw["doses"],
        decisions,
        decays=decays,
        dead_time_s=settings["counter"]["dead_time_us"] * 1e-6,
        background_cps=settings["counter"]["background_cps"],
        background_drift_p=settings["counter"]["background_drift_p"],
    )
    given, counted = dose_activity(
        with_decay(raw["doses"], decays), counted, decisions, route=choice.dose_route, uncertainty=uncertainty
    )
    given, counted = given[tables.DoseActivity.names()], counted[tables.TubeActivity.names()]
    rois = roi_activity(
        raw["rois"], raw["scans"], raw["doses"], decisions, decays=decays, roi_frac=uncertainty["roi_frac"]
    )
    weighed = raw["tubes"][[*TUBE, "tare_g", "gross_g", "collected_at"]]
    both = pd.concat(
        [
            counter_uptake(attach(counted, weighed, TUBE), given, balance_g=uncertainty["balance_g"]),
            pet_uptake(rois[tables.RoiActivity.names()], given, regions=settings["regions"]),
        ],
        ignore_index=True,
    )
    found = of_animals(both, raw["animals"])
    related = ratios_of(found, reference_regions=settings["uptake"]["reference_regions"])
    return found[tables.Uptake.names()], related[tables.Ratios.names()]


def _cells(
    uptakes: Sequence[pd.DataFrame], cohorts: Sequence[Raw], choice: Choice, settings: Mapping[str, Any]
) -> pd.DataFrame:
    """Return the cells of all cohorts; a cohort without background mice borrows those of the others."""
    roles = {group["name"]: group["role"] for group in settings["groups"]}
    kind, modality, region = (settings["cells"][name] for name in ("calibration", "modality", "region"))
    signals = [signal_rows(uptake, region=region, modality=modality, roles=roles) for uptake in uptakes]
    parts = []
    for position, (signal, raw) in enumerate(zip(signals, cohorts, strict=True)):
        cohort = str(raw["animals"]["cohort"].iloc[0])
        others = [other for place, other in enumerate(signals) if place != position]
        if choice.subtracts_background:
            borrowed = borrowed_rows(signal, pd.concat(others), cohort=cohort) if others else signal.iloc[:0]
            net = subtract_background(signal, borrowed)
        else:
            net = subtract_background(signal[signal["role"] != "background"].reset_index(drop=True))
        if kind == "none":
            parts.append(without_calibration(net))
            continue
        lines = {
            tracer: calibration_line(raw["calibration"], cohort=cohort, kind=kind, tracer=tracer)
            for tracer in sorted(net["tracer"].unique())
        }
        parts.append(
            with_calibration(
                net,
                {tracer: line for tracer, (line, _) in lines.items()},
                {tracer: str(row["reason"]) for tracer, (_, row) in lines.items()},
                confidence=settings["expansion"]["confidence"],
            )
        )
    return pd.concat([part[tables.Cells.names()] for part in parts], ignore_index=True)


def _estimates(
    cells: pd.DataFrame,
    selection: pd.DataFrame,
    settings: Mapping[str, Any],
    windows: Mapping[str, Sequence[float]],
    own: Mapping[str, Model],
) -> pd.DataFrame:
    """Return the estimates of all mice by the chosen model of each analysis; the intervals are not asked for."""
    expansion, mice, parts = settings["expansion"], mice_of(cells), []
    for row in selection[selection["chosen"]].to_dict("records"):
        study = fit_study(
            cells,
            mice,
            model={**BY_NAME, **own}[row["model"]],
            analysis=row["analysis"],
            strategy=settings["study"]["strategy"],
            window_days=windows[row["model"]],
            scatter=Scatter(expansion["error_model"], expansion["use_measurement_se"]),
        )
        found = quantities(study, expansion["window_days"])
        parts.append(animal_estimates(study, found, confidence=expansion["confidence"], interval="wald"))
    if not parts:
        return tables.empty(tables.Estimates)
    return pd.concat(parts, ignore_index=True)[tables.Estimates.names()]
