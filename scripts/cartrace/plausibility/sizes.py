"""Checks of sizes: what no mouse weighs or gets, and what differs from its like by the factor of a unit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cartrace.messages import BY_CODE
from cartrace.plausibility.evidence import Evidence, Finding, hours, spread
from cartrace.radionuclides import normal_name
from cartrace.rule_forms import HALF_DAY_S, earlier_by_half_a_day, later_by_half_a_day

_WHOLE = frozenset(["whole body", "carcass"])
# Factor and how far a ratio may be from it; 1 MBq is 27 µCi, which written as MBq is 27 times too much.
_FACTORS = ((1000.0, 1.35), (100.0, 1.35), (37.0, 1.17), (27.03, 1.17))
_CURIE = {37.0: "; 1 mCi is 37 MBq", 27.03: "; 1 MBq is 27 µCi"}
_FEWEST = 4


@dataclass(frozen=True)
class Limits:
    """What a column holds in a study of mice, in its storage unit: usual, and at all possible; `shown` is per unit."""

    sheet: str
    column: str
    usual: tuple[float, float]
    possible: tuple[float, float]
    unit: str
    shown: float = 1.0


# ASSUME: mice weigh 10 to 50 g, get 0.1 to 100 MBq in 10 to 500 mg, and 10⁴ to 10⁸ cells; beyond it is odd.
# ASSUME: no mouse weighs under 5 or over 100 g, gets over 1 GBq or under 1 kBq, over 5 g, or over 10⁹ cells.
LIMITS: tuple[Limits, ...] = (
    Limits("doses", "full_activity_kbq", (100.0, 1e5), (1.0, 1e6), "MBq", 1e3),
    Limits("scans", "suv_dose_kbq", (100.0, 1e5), (1.0, 1e6), "MBq", 1e3),
    Limits("doses", "body_weight_g", (10.0, 50.0), (5.0, 100.0), "g"),
    Limits("scans", "suv_weight_g", (10.0, 50.0), (5.0, 100.0), "g"),
    Limits("doses", "injectate_mass_g", (0.01, 0.5), (1e-4, 5.0), "g"),
    Limits("animals", "cells_infused", (1e4, 1e8), (1.0, 1e9), "cells"),
    Limits("volumes", "volume_ml", (5e-4, 30.0), (1e-6, 100.0), "mL"),
)
_NAMED = {
    "doses": ("animal_id", "session"),
    "scans": ("scan_id",),
    "animals": ("animal_id",),
    "volumes": ("scan_id", "region"),
    "tubes": ("animal_id", "session", "tissue", "part"),
}


def _name(evidence: Evidence, sheet: str, index: int) -> str:
    cells = (str(evidence.cohort.column(sheet, name)[index]) for name in _NAMED[sheet])
    return " ".join(filter(None, cells))


def _position(evidence: Evidence, index: int) -> str:
    names = ("counter_file", "rack", "position")
    return ", ".join(str(evidence.cohort.column("tubes", name)[index]) for name in names)


def _outside(value: NDArray[np.float64], limits: tuple[float, float]) -> NDArray[np.bool_]:
    return np.asarray((value < limits[0]) | (value > limits[1]), dtype=np.bool_)


def _beyond(evidence: Evidence, limit: Limits, bad: NDArray[np.bool_], ends: tuple[float, float]) -> Iterator[Finding]:
    value = evidence.cohort[limit.sheet].numbers(limit.column)
    low, high = (end / limit.shown for end in ends)
    for index in np.flatnonzero(bad):
        own = value[index] / limit.shown
        why = f"{own:.5g} {limit.unit} is outside of {low:g} to {high:g} {limit.unit}"
        place = (_name(evidence, limit.sheet, int(index)), why, limit.sheet, int(index), limit.column)
        yield Finding(*place, value=own, threshold=low if own < low else high)


def impossible_sizes(evidence: Evidence) -> Iterator[Finding]:
    """Yield quantities that no study of mice has."""
    for limit in LIMITS:
        value = evidence.cohort[limit.sheet].numbers(limit.column)
        # A mouse that got no cells has 0 of them.
        bad = _outside(value, limit.possible) & ~((limit.unit == "cells") & (value == 0.0))
        yield from _beyond(evidence, limit, bad, limit.possible)


def unlikely_sizes(evidence: Evidence) -> Iterator[Finding]:
    """Yield quantities that few studies of mice have."""
    for limit in LIMITS:
        value = evidence.cohort[limit.sheet].numbers(limit.column)
        bad = _outside(value, limit.usual) & ~_outside(value, limit.possible) & (value != 0.0)
        yield from _beyond(evidence, limit, bad, limit.usual)


def _masses(evidence: Evidence) -> NDArray[np.float64]:
    """Return the net mass of every tube [g]."""
    tubes = evidence.cohort["tubes"]
    return np.where(tubes.given("mass_g"), tubes.numbers("mass_g"), tubes.numbers("gross_g") - tubes.numbers("tare_g"))


def heavier_than_mouse(evidence: Evidence) -> Iterator[Finding]:
    """Yield tissues that weigh more than their mouse."""
    cohort = evidence.cohort
    weights = cohort["doses"].numbers("body_weight_g")
    keys = zip(cohort.column("tubes", "animal_id"), cohort.column("tubes", "session"), strict=True)
    rows = [cohort.dose_rows.get(key, -1) for key in keys]
    body = np.array([weights[row] if row >= 0 else math.nan for row in rows], dtype=np.float64)
    body = np.where(np.isfinite(body), body, 100.0)
    mass = _masses(evidence)
    is_whole = np.isin(cohort.column("tubes", "tissue"), list(_WHOLE))
    for index in np.flatnonzero(mass > np.where(is_whole, 1.5, 1.0) * body):
        why = f"the tissue weighs {mass[index]:.4g} g, and the mouse {body[index]:.4g} g"
        region = cohort.vocabulary.regions.get(cohort.column("tubes", "tissue")[index])
        if region is not None and region.min_mass_g <= mass[index] / 1000.0 <= region.max_mass_g:
            why += f"; {mass[index]:.4g} mg would fit"
        column = "mass_g" if cohort["tubes"].given("mass_g")[index] else "gross_g"
        yield Finding(_name(evidence, "tubes", int(index)), why, "tubes", int(index), column)


def mass_ranges(evidence: Evidence) -> Iterator[Finding]:
    """Yield tissues whose mass is outside of what the tissue weighs in an adult mouse."""
    tubes, regions = evidence.cohort["tubes"], evidence.cohort.vocabulary.regions
    mass = _masses(evidence)
    rows = zip(tubes.text("role"), tubes.text("tissue"), tubes.text("part"), mass, strict=True)
    for index, (role, tissue, part, own) in enumerate(rows):
        region = regions.get(tissue)
        if role != "tissue" or part or region is None or not own > 0 or region.min_mass_g <= own <= region.max_mass_g:
            continue
        if math.isnan(region.min_mass_g):
            continue
        low, high = region.min_mass_g, region.max_mass_g
        factor = next((f for f in (1000.0, 0.001, 10.0, 0.1) if low <= own * f <= high), None)
        fits = f"; {own * factor:.4g} g would fit" if factor else ""
        why = f"{own:.4g} g of {tissue} is outside of {low:g} to {high:g} g{fits}"
        column = "mass_g" if tubes.given("mass_g")[index] else "gross_g"
        place = (_name(evidence, "tubes", index), why, "tubes", index, column)
        yield Finding(*place, value=own, threshold=low if own < low else high)


def _like(evidence: Evidence) -> Iterator[tuple[str, str, NDArray[np.float64], list[str]]]:
    """Yield sheet, column, values and the kind within which values are alike."""
    doses, tubes = evidence.cohort["doses"], evidence.cohort["tubes"]
    tracers = doses.text("tracer").tolist()
    for column in ("full_activity_kbq", "residual_activity_kbq", "injectate_mass_g", "body_weight_g"):
        yield "doses", column, doses.numbers(column), tracers
    tissues = [
        tissue if role == "tissue" else ""
        for role, tissue in zip(tubes.text("role"), tubes.text("tissue"), strict=True)
    ]
    yield "tubes", "mass_g", _masses(evidence), tissues
    own = evidence.cohort.tube_tracers
    for column in ("standard_mass_g", "dilution_mass_g", "aliquot_mass_g", "standard_activity_kbq"):
        yield "tubes", column, tubes.numbers(column), own


def unit_slips(evidence: Evidence) -> Iterator[Finding]:
    """Yield values that differ from the others of their kind by 1000, 100, 37 or 27."""
    for sheet, column, values, kinds in _like(evidence):
        frame = pd.DataFrame({"kind": kinds, "value": values})
        frame = frame[(frame["value"] > 0) & (frame["kind"] != "")]
        for _, own in frame.groupby("kind", sort=True):
            if len(own) < _FEWEST:
                continue
            logs = np.log(own["value"].to_numpy())
            middle, sd = spread(logs)
            for index, log in zip(own.index, logs - middle, strict=True):
                factor = _unit_factor(abs(log))
                if factor and abs(log) > 5.0 * max(sd, 0.1):
                    side = f"about {factor:.0f} times the others" if log > 0 else f"about 1/{factor:.0f} of the others"
                    name, unit = column.rsplit("_", 1)
                    shown = (math.exp(middle) / 1e3, "MBq") if unit == "kbq" else (math.exp(middle), unit)
                    median = f"{shown[0]:.4g} {shown[1]}"
                    curie = _CURIE.get(factor, "")
                    why = f"the value is {side}, of which the median is {median}{curie}"
                    own_name = _name(evidence, sheet, int(index)) or _position(evidence, int(index))
                    place = (f"{own_name}, {name}", why, sheet, int(index), column)
                    yield Finding(*place, value=math.exp(log), threshold=factor if log > 0 else 1.0 / factor)


def _unit_factor(distance: float) -> float | None:
    for factor, tolerance in _FACTORS:
        if abs(distance - math.log(factor)) < math.log(tolerance):
            return factor
    return None


def weight_jumps(evidence: Evidence) -> Iterator[Finding]:
    """Yield body weights that differ by more than a third from the one before."""
    doses = evidence.cohort["doses"]
    frame = pd.DataFrame(
        {
            "animal": doses.text("animal_id"),
            "at": doses.seconds("injected_at"),
            "weight": doses.numbers("body_weight_g"),
        }
    ).dropna()
    frame = frame[frame["weight"] > 0].sort_values(["animal", "at"])
    before = frame.groupby("animal")["weight"].shift()
    ratio = frame["weight"] / before
    for index in frame.index[(ratio > 4 / 3) | (ratio < 3 / 4)]:
        why = f"the mouse weighed {before[index]:g} g before, and {frame['weight'][index]:g} g here"
        place = (evidence.dose_names[index], why, "doses", int(index), "body_weight_g")
        yield Finding(*place, value=float(ratio[index]), threshold=4 / 3 if ratio[index] > 1 else 3 / 4)


_NUCLIDE = re.compile(r"\[?(\d{1,3}m?[A-Z][a-z]?)[\]-]|\[?([A-Z][a-z]?-\d{1,3}m?)\b")


def tracer_nuclides(evidence: Evidence) -> Iterator[Finding]:
    """Yield tracers whose name begins with another nuclide than the config states."""
    known = {nuclide.name for nuclide in evidence.lab.nuclides}
    for tracer in evidence.lab.tracers:
        match = _NUCLIDE.match(tracer["name"])
        named = normal_name(match[1] or match[2]) if match else ""
        stated = normal_name(tracer["nuclide"])
        if named in known and named != stated:
            why = f"the name {tracer['name']} says {named}, and 'nuclide' {stated}"
            yield Finding(tracer["name"], why, column="tracers")


def readings_at_injection(evidence: Evidence, column: str) -> Iterator[Finding]:
    """Yield residuals or tails that, decay-corrected to the injection, leave no dose."""
    doses = evidence.cohort["doses"]
    injected, decay = doses.seconds("injected_at"), evidence.dose_decay_per_s

    def at_injection(name: str) -> NDArray[np.float64]:
        elapsed = doses.seconds(name.replace("_activity_kbq", "_at")) - injected
        # An impossible distance of times has a message of its own, and must not overflow here.
        corrected: NDArray[np.float64] = doses.numbers(name) * np.exp(np.clip(decay * elapsed, -50.0, 50.0))
        return corrected

    full, own = at_injection("full_activity_kbq"), at_injection(column)
    rest = np.nan_to_num(at_injection("residual_activity_kbq")) if column == "tail_activity_kbq" else 0.0
    in_order = (doses.seconds("full_at") <= injected) & (
        injected <= doses.seconds(column.replace("activity_kbq", "at"))
    )
    bad = in_order & (own >= full - rest) & (doses.numbers(column) < doses.numbers("full_activity_kbq"))
    if column == "tail_activity_kbq":
        # A residual that leaves no dose is told by itself.
        bad &= full > rest
    what = "tail" if column == "tail_activity_kbq" else "residual"
    for index in np.flatnonzero(bad):
        readings = f"{own[index] / 1e3:.4g} MBq of {full[index] / 1e3:.4g} MBq"
        why = f"decay-corrected to the injection, the {what} leaves no dose ({readings})"
        yield Finding(
            evidence.dose_names[index], why, "doses", int(index), column, _asked(evidence, int(index), column)
        )


def _asked(evidence: Evidence, index: int, column: str) -> str:
    """Return what to look at: a time that is hours away explains more than a reading."""
    doses = evidence.cohort["doses"]
    what = column.split("_", maxsplit=1)[0]
    message = BY_CODE[f"{what}-not-below-full"].advice
    after = float(doses.seconds(f"{what}_at")[index] - doses.seconds("injected_at")[index])
    if HALF_DAY_S <= after <= HALF_DAY_S + 7_200.0 and (proposed := earlier_by_half_a_day(doses, f"{what}_at", index)):
        return f"The {what} was measured {hours(after)} after; on a 24-hour clock it would be {proposed}. {message}"
    gap = float(doses.seconds("injected_at")[index] - doses.seconds("full_at")[index])
    proposed = later_by_half_a_day(doses, "full_at", index) if HALF_DAY_S <= gap <= HALF_DAY_S + 7_200.0 else ""
    if proposed:
        return (
            f"The full syringe was measured {hours(gap)} before; on a 24-hour clock it would be {proposed}. {message}"
        )
    return f"The full syringe was measured {hours(gap)} before. {message}" if gap > 7_200.0 else message
