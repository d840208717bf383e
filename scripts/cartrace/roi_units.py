"""The unit of a ROI export's values, and the factor from it to kBq/mL."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cartrace import units


@dataclass(frozen=True)
class Conversion:
    """The way from an export's unit to kBq/mL.

    Parameters
    ----------
    unit : str
        Unit of the export's values.
    factor : float
        Factor to kBq/mL.
    words : str
        What was done, empty where nothing was.
    """

    unit: str
    factor: float
    words: str


class UnitProblem(ValueError):  # noqa: N818 - it becomes a problem of a row
    """Values that cannot be turned into kBq/mL.

    Parameters
    ----------
    column : str
        Column of the sheet of scans to look at.
    code, why, remedy : str
        As in a problem.
    """

    def __init__(self, column: str, code: str, why: str, remedy: str) -> None:
        super().__init__(why)
        self.column, self.code, self.why, self.remedy = column, code, why, remedy


def one_of(column: str, carried: float, stated: float) -> float:
    """Return the dose or the weight behind %ID and SUV: the export's own, else the one that the sheet states.

    Raises
    ------
    UnitProblem
        Both are there and differ.
    """
    if math.isnan(carried):
        return stated
    if not math.isnan(stated) and not math.isclose(carried, stated, rel_tol=1e-3):
        name = column.rpartition("_")[0]
        shown = f"{carried / 1e3:g} MBq" if column.endswith("kbq") else f"{carried:g} g"
        why = f"the export itself was made with {shown}"
        raise UnitProblem(column, "unit-contradicts", why, f"Empty '{name}', or correct it")
    return carried


def conversion(carried: str, stated: str, *, suv_dose_kbq: float, suv_weight_g: float) -> Conversion:
    """Return the way from the unit of a ROI export to kBq/mL.

    Parameters
    ----------
    carried, stated : str
        Unit that the export carries, and unit that the sheet of scans states; empty where there is none.
    suv_dose_kbq, suv_weight_g : float
        Dose [kBq] and body weight [g] that the software used, NaN where they are not known.

    Raises
    ------
    UnitProblem
        There is no unit, or two, or one that is no activity per volume.

    Notes
    -----
    Activity per volume = SUV · dose / weight, and = %ID/mL · dose / 100, with the dose that the software used.
    """
    if carried and stated and not _same(carried, stated):
        raise UnitProblem(
            "unit", "unit-contradicts", f"the export carries the unit {carried}", "Empty the cell, or correct it"
        )
    unit = carried or stated
    if not unit:
        why = "neither the export nor the sheet states the unit"
        raise UnitProblem("unit", "unit-missing", why, "Fill it in, e.g. kBq/mL or Bq/mL")
    factor = units.concentration_factor(unit)
    if factor is not None:
        return Conversion(unit, factor, f"{unit} -> kBq/mL" if factor != 1.0 else "")
    if units.is_suv(unit):
        if math.isnan(suv_dose_kbq) or math.isnan(suv_weight_g):
            why = "the values are SUV, and the dose and weight behind them are not stated"
            remedy = "Fill in 'suv_dose' and 'suv_weight' as the software used them, or export kBq/mL"
            raise UnitProblem("file", "suv-without-dose", why, remedy)
        return Conversion(unit, suv_dose_kbq / suv_weight_g, f"{unit} -> kBq/mL by suv_dose / suv_weight")
    if units.is_percent_per_volume(unit):
        if math.isnan(suv_dose_kbq):
            why = f"the values are {unit}, and the dose behind them is not stated"
            remedy = "Fill in 'suv_dose' with the dose that the software used, or export kBq/mL"
            raise UnitProblem("file", "suv-without-dose", why, remedy)
        return Conversion(unit, suv_dose_kbq / 100.0, f"{unit} -> kBq/mL by suv_dose / 100")
    why = f"the values are in '{unit}', which cannot be turned into kBq/mL"
    raise UnitProblem("file", "unit-unknown", why, "Export an activity per volume, e.g. kBq/mL, Bq/mL or nCi/cc")


def _same(one: str, other: str) -> bool:
    if units.is_suv(one) or units.is_suv(other):
        return units.is_suv(one) and units.is_suv(other)
    factors = units.concentration_factor(one), units.concentration_factor(other)
    return (
        factors[0] == factors[1] if None not in factors else units.spelled(one).lower() == units.spelled(other).lower()
    )
