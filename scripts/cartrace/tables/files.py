"""The two doors through which a table is read and written, and what is held against its contract there."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cartrace.clock import STAMP
from cartrace.errors import InputError, Problem, nearest
from cartrace.tables.contract import DTYPES, Column, Table


def read(path: str | Path, table: type[Table]) -> pd.DataFrame:
    """Read a table that a rule wrote, and hold it against its contract.

    Parameters
    ----------
    path : str or Path
        A CSV file.
    table : type
        Its contract.

    Returns
    -------
    DataFrame
        Columns in the contract's order and types.

    Raises
    ------
    InputError
        The file does not keep its contract; names every column, row and value.
    """
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    for name in frame.columns.intersection(_texts(table)):
        frame[name] = _each(frame[name], _unmarked)
    problems = list(_column_problems(list(frame.columns), table))
    if not problems:
        typed: dict[str, pd.Series] = {}
        for column in table.columns:
            try:
                typed[column.name] = _PARSERS[column.kind](frame[column.name])
            except ValueError:
                problems += _cell_problems(frame[column.name], column)
        if not problems:
            frame = pd.DataFrame(typed, columns=table.names())
            problems = list(_value_problems(frame, table))
    if problems:
        raise InputError([replace(problem, file=str(path)) for problem in problems])
    return frame


def write(frame: pd.DataFrame, path: str | Path, table: type[Table]) -> None:
    """Write a table sorted by its key, after holding it against its contract.

    The file appears whole or not at all: it is written under a temporary name and then renamed. A text that a
    spreadsheet would take for a formula gets an apostrophe in front, which :func:`read` takes off.

    Parameters
    ----------
    frame : DataFrame
        Exactly the contract's columns, in any order.
    path : str or Path
        Where the CSV goes; its folder is made.
    table : type
        The contract.

    Raises
    ------
    ValueError
        The frame does not keep the contract; this is a defect of the caller.
    """
    problems = list(_column_problems(list(frame.columns), table))
    if not problems:
        frame = frame[table.names()].astype({column.name: DTYPES[column.kind] for column in table.columns})
        texts = [column.name for column in table.columns if DTYPES[column.kind] is str]
        frame[texts] = frame[texts].fillna("")
        problems = list(_value_problems(frame, table))
    if problems:
        raise ValueError(f"{table.__name__} does not keep its contract:\n" + "\n".join(map(str, problems)))
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    frame = frame.sort_values(list(table.key), kind="stable")
    for name in _texts(table):
        frame[name] = _each(frame[name], _marked)
    frame.to_csv(partial, index=False, lineterminator="\n", encoding="utf-8")
    os.replace(partial, path)


# What a spreadsheet would calculate, with or without the mark that keeps it from doing so; the mark is taken off again
# when a table is read, so that every text comes back as it was.
_FORMULA = re.compile(r"'*[=+\-@\t]")
_QUOTED = re.compile(r"'+[=+\-@\t]")
# An old Mac's line end inside a cell would end the row.
_LINE_END = re.compile("\r\n?")


def _marked(cell: str) -> str:
    line = _LINE_END.sub("\n", cell)
    return f"'{line}" if _FORMULA.match(line) else line


def _unmarked(cell: str) -> str:
    return cell[1:] if _QUOTED.match(cell) else cell


def _each(cells: pd.Series, change: Callable[[str], str]) -> pd.Series:
    """Return the cells changed; most columns of text hold few different ones."""
    changed = {cell: new for cell in cells.unique().tolist() if (new := change(cell)) != cell}
    return cells.map(lambda cell: changed.get(cell, cell)) if changed else cells


def _texts(table: type[Table]) -> list[str]:
    return [column.name for column in table.columns if column.kind == "text"]


def _parse_float(cells: pd.Series) -> pd.Series:
    # Python's own parser returns the very number that was written; pandas' fast one can miss the last digit.
    return pd.Series([float(cell or "nan") for cell in cells.tolist()], index=cells.index, dtype=np.float64)


def _parse_flag(cells: pd.Series) -> pd.Series:
    if not cells.isin(["True", "False"]).all():
        raise ValueError
    return cells == "True"


_PARSERS: dict[str, Callable[[pd.Series], pd.Series]] = {
    "text": lambda cells: cells,
    "time": lambda cells: cells,
    "date": lambda cells: cells,
    "float": _parse_float,
    "int": lambda cells: cells.astype(int),
    "flag": _parse_flag,
}
_EXPECTED = {"float": "a number", "int": "a whole number", "flag": "True or False"}


def _column_problems(found: list[str], table: type[Table]) -> Iterator[Problem]:
    for name in found:
        if name not in table.names():
            close = nearest(name, table.names())
            hint = f"The nearest known one is '{close[0]}'" if close else f"Known are {', '.join(table.names())}"
            yield Problem("unknown-column", "the column is not known", hint, column=name)
    for name in table.names():
        if name not in found:
            yield Problem(
                "missing-column", "the column is missing", "Run the rule that writes this table again", column=name
            )


def _cell_problems(cells: pd.Series, column: Column) -> Iterator[Problem]:
    for position, cell in enumerate(cells):
        try:
            _PARSERS[column.kind](pd.Series([cell], dtype=str))
        except ValueError:
            yield Problem(
                "not-readable",
                f"{_EXPECTED[column.kind]} is needed",
                "Do not edit result tables; run the rule that writes this table again",
                row=position + 2,
                column=column.name,
                value=cell,
            )


def _value_problems(frame: pd.DataFrame, table: type[Table]) -> Iterator[Problem]:
    for column in table.columns:
        for why, bad in _violations(frame[column.name], column):
            for position in np.flatnonzero(bad.to_numpy()):
                value = str(frame[column.name].iloc[position])
                yield Problem(
                    "not-allowed", why, "See docs/tables.md", row=int(position) + 2, column=column.name, value=value
                )
    duplicated = frame.duplicated(list(table.key), keep=False)
    for position in np.flatnonzero(duplicated.to_numpy()):
        value = ", ".join(str(frame[name].iloc[position]) for name in table.key)
        key = ", ".join(table.key)
        yield Problem(
            "duplicate-key",
            "the key stands more than once",
            "See docs/tables.md",
            row=int(position) + 2,
            column=key,
            value=value,
        )


def _violations(cells: pd.Series, column: Column) -> Iterator[tuple[str, pd.Series]]:
    if DTYPES[column.kind] is str:
        # Most columns of text hold few different cells.
        different = cells.unique().tolist()
        for why, is_bad in _demands(column):
            bad = [cell for cell in different if is_bad(cell)]
            if bad:
                yield why, cells.isin(bad)
        return
    if column.required:
        yield "a value is needed", cells.isna()
    if column.kind == "float":
        yield "a finite number is needed", pd.Series(np.isinf(cells.to_numpy(dtype=float)), index=cells.index)
    if column.at_least is not None:
        yield f"at least {column.at_least:g} is needed", cells < column.at_least
    if column.above is not None:
        yield f"more than {column.above:g} is needed", cells <= column.above
    if column.at_most is not None:
        yield f"at most {column.at_most:g} is needed", cells > column.at_most


def _demands(column: Column) -> Iterator[tuple[str, Callable[[str], bool]]]:
    """Yield what a column of text demands, and what says that a cell does not keep to it."""
    if column.required:
        yield "a value is needed", lambda cell: cell == ""
    if column.choices:
        yield f"one of {', '.join(column.choices)} is needed", lambda cell: cell not in ("", *column.choices)
    if column.kind == "time":
        yield "a time with its offset is needed", lambda cell: cell != "" and not _STAMP.fullmatch(cell)
    if column.kind == "date":
        yield "a date YYYY-MM-DD is needed", lambda cell: cell != "" and not _DATE.fullmatch(cell)


_STAMP = re.compile(STAMP)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
