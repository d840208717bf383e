"""The study once more under another choice: from the tables of stage 1 to the endpoints, by the flow's functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from cartrace import tables
from cartrace.cells import borrowed_rows, signal_rows, subtract_background
from cartrace.cohort_stages import activity_of_cohort, cells_of_cohort, uptake_of_cohort, weighed
from cartrace.endpoints import KEY, KINETIC, collect
from cartrace.expansion import Study
from cartrace.growth import Model
from cartrace.pet_quantity import counted_uptake
from cartrace.progress import steps
from cartrace.radionuclides import Nuclide, of_tracers
from cartrace.readout_days import of_groups
from cartrace.refit import chosen_anew, estimates

Raw = Mapping[str, pd.DataFrame]
_FOLLOWED = ("cells", "net_pct_id", *KINETIC)
_OTHER_HALF_LIVES = {"ENSDF": "ICRP-107", "ICRP-107": "ENSDF"}
_OTHER_ROUTE = {"counted_standard": "calibrator", "calibrator": "counted_standard"}
_OTHER_QUANTITY = {"recovered": "measured", "measured": "recovered"}
_QUANTITIES = {
    "recovered": "PET regions corrected for partial volume",
    "measured": "PET regions not corrected for partial volume",
}
_ROUTES = {"counted_standard": "dose by weighed standards", "calibrator": "dose by calibrator and counter sensitivity"}


@dataclass(frozen=True)
class Choice:
    """What is chosen upstream of the endpoints.

    `choice` and `variant` name it in the table of sensitivity; `modality` is the only one that it can change, empty
    where it can change both; `is_of_followed` says that it changes nothing but the followed response, `is_of_uptake`
    that it changes all but that.
    """

    choice: str
    variant: str
    half_lives: str
    dose_route: str
    subtracts_background: bool
    modality: str = ""
    is_of_followed: bool = False
    is_of_uptake: bool = False
    pet_quantity: str = "measured"

    def __str__(self) -> str:
        return f"with {self.variant}"


def declared_choice(settings: Mapping[str, Any]) -> Choice:
    """Return what the config chooses."""
    uptake, quantity = settings["uptake"], settings["pet"]["quantity"]
    return Choice(
        "declared", "", uptake["half_lives"], uptake["dose_route"], subtracts_background=True, pet_quantity=quantity
    )


def other_choices(settings: Mapping[str, Any]) -> list[Choice]:
    """Return the choices that could have been made otherwise, one at a time.

    Parameters
    ----------
    settings : mapping
        The config's sections tracers, groups, regions, counter, pet, uptake, uncertainty, cells, expansion and study.
    """
    now = declared_choice(settings)
    half_lives, route = _OTHER_HALF_LIVES[now.half_lives], _OTHER_ROUTE[now.dose_route]
    found = [
        replace(now, choice="half_life", variant=f"half-lives of {half_lives}", half_lives=half_lives),
        replace(now, choice="dose_route", variant=_ROUTES[route], dose_route=route, modality="counter"),
    ]
    if settings["pet"]["recovery"] and any(region.get("surroundings") for region in settings["regions"]):
        other = _OTHER_QUANTITY[now.pet_quantity]
        found.append(
            replace(
                now,
                choice="partial_volume",
                variant=_QUANTITIES[other],
                pet_quantity=other,
                modality="pet",
                is_of_uptake=True,
            )
        )
    if any(group["role"] == "background" for group in settings["groups"]):
        said = "nothing subtracted for the background group"
        found.append(replace(now, choice="subtraction", variant=said, subtracts_background=False, is_of_followed=True))
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
        Endpoints of the primary and the declared secondary comparisons, by the columns `KEY`.
    selection : DataFrame
        The choice of the model. It stays, since one thing is chosen otherwise at a time; where a curve is fitted, rows
        in which it is made anew under the choice stand beside.
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
    parts: list[pd.DataFrame] = []
    for choice in steps(other_choices(settings), "recomputing the study"):
        mine = wanted[_can_change(wanted, choice, settings["cells"]["modality"])]
        if mine.empty:
            continue
        curves = mine["endpoint"].isin(KINETIC)
        measured = _measured(cohorts, choice, nuclides, settings)
        fits: dict[tuple[str, str], Study] = {}
        found = _collected(measured, selection, settings, windows, own, fits, kinetics=bool(curves.any()))
        parts.append(found.merge(mine, on=KEY).assign(choice=choice.choice, variant=choice.variant))
        if not curves.any() or len(windows) < 2:
            continue
        again = chosen_anew(measured.cells, settings, windows, own, fits)
        chosen = _chosen(again)
        if chosen != _chosen(selection):
            found = _collected(measured, again, settings, windows, own, fits)
        anew = found.merge(mine[curves], on=KEY)
        which = anew["analysis"].map(chosen).fillna("none")
        parts.append(anew.assign(choice=choice.choice, variant=f"{choice.variant}, model chosen anew: " + which))
    if not parts:
        return tables.empty(tables.Alternatives)
    frame = pd.concat(parts, ignore_index=True)[tables.Alternatives.names()]
    return frame.sort_values(list(tables.Alternatives.key), kind="stable", ignore_index=True)


def _chosen(selection: pd.DataFrame) -> dict[str, str]:
    """Return the chosen model by analysis."""
    rows = selection[selection["chosen"]]
    return dict(zip(rows["analysis"], rows["model"], strict=True))


def _can_change(wanted: pd.DataFrame, choice: Choice, followed_modality: str) -> pd.Series:
    followed = wanted["endpoint"].isin(_FOLLOWED)
    modality = wanted["modality"].mask(followed, followed_modality)
    can = (wanted["endpoint"] != "readout") & ((modality == choice.modality) | (choice.modality == ""))
    return can & (followed | (not choice.is_of_followed)) & ~(followed & choice.is_of_uptake)


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
    measured = _measured(cohorts, choice, nuclides, settings)
    return _collected(measured, selection, settings, windows, own, {}, kinetics=kinetics)


@dataclass(frozen=True)
class Measured:
    """Tables of the study under a choice, up to the cells."""

    uptake: pd.DataFrame
    ratios: pd.DataFrame
    cells: pd.DataFrame
    readouts: pd.DataFrame


def _measured(
    cohorts: Sequence[Raw], choice: Choice, nuclides: Sequence[Nuclide], settings: Mapping[str, Any]
) -> Measured:
    found = [_uptake(raw, choice, nuclides, settings) for raw in cohorts]
    uptake, ratios = (pd.concat([one[side] for one in found], ignore_index=True) for side in (0, 1))
    cells = _cells([one[0] for one in found], cohorts, choice, settings)
    readouts = [of_groups(raw["readouts"], raw["animals"], raw["exclusions"]) for raw in cohorts]
    counted = counted_uptake(uptake, quantity=choice.pet_quantity, recovery=settings["pet"]["recovery"])
    return Measured(counted, ratios, cells, pd.concat(readouts, ignore_index=True))


def _collected(
    measured: Measured,
    selection: pd.DataFrame,
    settings: Mapping[str, Any],
    windows: Mapping[str, Sequence[float]],
    own: Mapping[str, Model],
    fits: dict[tuple[str, str], Study],
    *,
    kinetics: bool = True,
) -> pd.DataFrame:
    """Return the endpoints of a study, with the curves of the models that a selection chooses."""
    fitted = estimates(measured.cells, selection, settings, windows, own, fits) if kinetics else None
    return collect(
        measured.uptake,
        measured.cells,
        tables.empty(tables.Estimates) if fitted is None else fitted,
        selection,
        region=settings["cells"]["region"],
        ratios=measured.ratios,
        readouts=measured.readouts,
    )


def _uptake(
    raw: Raw, choice: Choice, nuclides: Sequence[Nuclide], settings: Mapping[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the uptake and the ratios of a cohort."""
    counter, pet = settings["counter"], settings["pet"]
    counted, given, rois = activity_of_cohort(
        raw,
        decays=of_tracers(settings["tracers"], nuclides, source=choice.half_lives),
        dose_route=choice.dose_route,
        dead_time_us=counter["dead_time_us"],
        dead_time_model=counter["dead_time_model"],
        background_cps=counter["background_cps"],
        background_drift_p=counter["background_drift_p"],
        uncertainty=settings["uncertainty"],
    )
    found, related = uptake_of_cohort(
        weighed(counted, raw["tubes"]),
        given,
        rois,
        raw["animals"],
        groups=settings["groups"],
        regions=settings["regions"],
        recovery=pet["recovery"],
        noise_region=pet["noise_region"],
        reference_regions=settings["uptake"]["reference_regions"],
        uncertainty=settings["uncertainty"],
        pet_quantity=choice.pet_quantity,
    )
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
        confidence = settings["expansion"]["confidence"]
        parts.append(cells_of_cohort(net, raw["calibration"], cohort=cohort, kind=kind, confidence=confidence)[0])
    return pd.concat([part[tables.Cells.names()] for part in parts], ignore_index=True)
