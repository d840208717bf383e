"""The form of a table's contract.

A table is a class; its columns are class attributes made by :func:`text`, :func:`number` and their like. In a frame,
missing text is ``""``, a missing number is NaN, a flag is never missing, and a time is text with an offset
(:mod:`cartrace.clock`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import pandas as pd

# What a column may hold, and as what it stands in a frame.
DTYPES: dict[str, type] = {"text": str, "float": float, "int": int, "flag": bool, "time": str, "date": str}


@dataclass(frozen=True)
class Column:
    """One column: what it holds, in which unit, and what it may hold.

    `quantity` is the dimension (activity, mass, volume, duration) of a column whose unit a lab states in the header of
    its sheet; `in_sheet` is False for a column that cartrace fills in itself; `in_table` is False for one that only the
    lab's sheet has.
    """

    name: str
    kind: str
    meaning: str
    required: bool = False
    quantity: str = ""
    choices: tuple[str, ...] = ()
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    in_sheet: bool = True

    @property
    def unit(self) -> str:
        """The unit that the name's suffix states, or an empty text."""
        base = self.name
        for tail in ("_se", "_sd", "_ci_low", "_ci_high"):
            base = base.removesuffix(tail)
        if base == "hedges_g":  # the letter of the effect size, not grams
            return ""
        return next((unit for suffix, unit in UNIT_SUFFIXES.items() if base.endswith(suffix)), "")

    @property
    def header(self) -> str:
        """The column's name in a lab's sheet, without its bracketed unit."""
        if not self.quantity:
            return self.name
        return next(self.name.removesuffix(suffix) for suffix in UNIT_SUFFIXES if self.name.endswith(suffix))


# Longest first, so that `_pct_id_per_g` is not taken for `_g`.
UNIT_SUFFIXES = {
    "_pct_id_per_ml": "%ID/mL",
    "_g_per_ml": "g/mL",
    "_pct_id_per_g": "%ID/g",
    "_kbq_per_ml": "kBq/mL",
    "_cps_per_kbq": "1/s/kBq",
    "_cps_per_g": "1/s/g",
    "_pct_id": "%ID",
    "_per_day": "1/day",
    "_cells": "cells",
    "_kbq": "kBq",
    "_cps": "1/s",
    "_cpm": "1/min",
    "_frac": "1",
    "_pct": "%",
    "_day": "day",
    "_ml": "mL",
    "_g": "g",
    "_h": "h",
    "_s": "s",
}


def text(meaning: str, *, required: bool = False, choices: tuple[str, ...] = (), in_sheet: bool = True) -> Column:
    """Declare a column of text; identifiers are text."""
    return Column("", "text", meaning, required=required, choices=choices, in_sheet=in_sheet)


def number(
    meaning: str,
    *,
    required: bool = False,
    quantity: str = "",
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    in_sheet: bool = True,
) -> Column:
    """Declare a column of real numbers in the unit of its name's suffix."""
    return Column(
        "",
        "float",
        meaning,
        required=required,
        quantity=quantity,
        at_least=at_least,
        above=above,
        at_most=at_most,
        in_sheet=in_sheet,
    )


def count(meaning: str, *, in_sheet: bool = True) -> Column:
    """Declare a column of whole numbers, never missing, never negative."""
    return Column("", "int", meaning, required=True, at_least=0, in_sheet=in_sheet)


def flag(meaning: str, *, in_sheet: bool = True) -> Column:
    """Declare a column of True and False, never missing."""
    return Column("", "flag", meaning, required=True, in_sheet=in_sheet)


def time(meaning: str, *, required: bool = False, in_sheet: bool = True) -> Column:
    """Declare a column of time stamps with an offset."""
    return Column("", "time", meaning, required=required, in_sheet=in_sheet)


def date(meaning: str, *, required: bool = False) -> Column:
    """Declare a column of dates, ``YYYY-MM-DD``."""
    return Column("", "date", meaning, required=required)


class Table:
    """Base of every contract: the columns in order, and the columns that tell rows apart."""

    key: ClassVar[tuple[str, ...]] = ()
    columns: ClassVar[tuple[Column, ...]] = ()

    def __init_subclass__(cls) -> None:
        """Collect the declared columns in the order in which they stand in the class, after those of its base."""
        bases = reversed(cls.__mro__)
        own = {name: value for base in bases for name, value in vars(base).items() if isinstance(value, Column)}
        cls.columns = tuple(replace(column, name=name) for name, column in own.items())
        missing = [name for name in cls.key if name not in own]
        if missing:
            raise TypeError(f"{cls.__name__}: key columns {missing} are not columns of the table")

    @classmethod
    def names(cls) -> list[str]:
        """Return the column names in order."""
        return [column.name for column in cls.columns]

    @classmethod
    def sheet_columns(cls) -> tuple[Column, ...]:
        """Return the columns that a lab fills in."""
        return tuple(column for column in cls.columns if column.in_sheet)


def empty(table: type[Table]) -> pd.DataFrame:
    """Return a frame with the table's columns and types and no row."""
    return pd.DataFrame({column.name: pd.Series([], dtype=DTYPES[column.kind]) for column in table.columns})
