"""What the checks of quality look at, and the rows that they hand back."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from cartrace import tables


def _no_scans() -> pd.DataFrame:
    return tables.empty(tables.Scans)


def _no_doses() -> pd.DataFrame:
    return tables.empty(tables.Doses)


@dataclass(frozen=True)
class Measured:
    """Tables of stages 2 and 3, the standard uncertainty of a weighing [g], the planned dose [kBq], and two sheets."""

    tubes: pd.DataFrame
    doses: pd.DataFrame
    rois: pd.DataFrame
    uptake: pd.DataFrame
    balance_g: float
    planned_kbq: float | None = None
    scans: pd.DataFrame = field(default_factory=_no_scans)
    sheet_of_doses: pd.DataFrame = field(default_factory=_no_doses)


def subjects(frame: pd.DataFrame, subject: list[str], value: object, note: object = "") -> pd.DataFrame:
    """Return what a check measured, by its subject: the values of some columns, joined."""
    names = frame[subject[0]]
    for name in subject[1:]:
        names = names + ", " + frame[name]
    return pd.DataFrame({"cohort": frame["cohort"], "subject": names, "value": value, "note": note}, index=frame.index)
