"""Exclusions: decisions of the lab, put on every row that they concern and never a reason to delete one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from cartrace.errors import InputError, Problem, nearest
from cartrace.rows import join_across, join_unique


@dataclass(frozen=True)
class Level:
    """A level of exclusion and the columns that say what is meant."""

    name: str
    key: tuple[str, ...]


LEVELS: tuple[Level, ...] = (
    Level("animal", ("animal_id",)),
    Level("session", ("animal_id", "session")),
    Level("tube", ("counter_file", "rack", "position")),
    Level("scan", ("scan_id",)),
    Level("region", ("animal_id", "session", "region")),
    # A region without a session means the region in every session.
    Level("region", ("animal_id", "region")),
)


def mark(frame: pd.DataFrame, exclusions: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with `excluded` and `exclusion_reason`.

    Parameters
    ----------
    frame : DataFrame
        Rows with ``cohort`` and any of the columns that exclusions name.
    exclusions : DataFrame
        A cohort's decisions, contract `Exclusions`.

    Returns
    -------
    DataFrame
        A copy with ``excluded`` (bool) and ``exclusion_reason``, "reason_code: reason", several joined by "; ".
    """
    found = [
        _reasons(frame, rows, ["cohort", *level.key])
        for level, rows in _by_level(exclusions)
        if set(level.key) <= set(frame.columns) and len(rows)
    ]
    reason = join_across([pd.Series("", index=frame.index, dtype=str), *found])
    return frame.assign(excluded=reason != "", exclusion_reason=reason)


def check(
    exclusions: pd.DataFrame,
    *,
    animals: pd.DataFrame,
    doses: pd.DataFrame,
    tubes: pd.DataFrame,
    scans: pd.DataFrame,
    rois: pd.DataFrame,
) -> None:
    """Refuse a decision that concerns nothing.

    Parameters
    ----------
    exclusions : DataFrame
        A cohort's decisions.
    animals, doses, tubes, scans, rois : DataFrame
        The cohort's tables of stage 1.

    Raises
    ------
    InputError
        Names each decision that matches no mouse, session, tube, scan or region, and the nearest that there is.
    """
    by_scan = rois[["cohort", "scan_id", "region"]].drop_duplicates()
    imaged = by_scan.merge(scans[["cohort", "scan_id", "animal_id", "session"]], on=["cohort", "scan_id"])
    second = tubes[tubes["second_session"] != ""]
    counted = pd.concat([tubes, second.assign(session=second["second_session"])])
    counted = counted[counted["tissue"] != ""].rename(columns={"tissue": "region"})
    regions = pd.concat([table[["cohort", "animal_id", "session", "region"]] for table in (imaged, counted)])
    known = {"animal": animals, "session": doses, "tube": tubes, "scan": scans, "region": regions}
    by_level = _by_level(exclusions)
    problems = [problem for level, rows in by_level for problem in _unmatched(rows, known[level.name], level)]
    if problems:
        raise InputError(sorted(problems, key=lambda problem: (problem.file, problem.row or 0)))


def _by_level(exclusions: pd.DataFrame) -> Iterator[tuple[Level, pd.DataFrame]]:
    for level in LEVELS:
        rows = exclusions[exclusions["level"] == level.name]
        if level.name == "region":
            rows = rows[(rows["session"] != "") == ("session" in level.key)]
        yield level, rows


def _reasons(frame: pd.DataFrame, rows: pd.DataFrame, key: list[str]) -> pd.Series:
    """Return the joined reasons by row of `frame`, in the order in which the sheet has them."""
    ordered = rows.sort_values(["source_file", "source_row"])
    texts = ordered.assign(text=ordered["reason_code"] + ": " + ordered["reason"])
    by_key = texts.groupby(key, sort=False)["text"].agg(join_unique).astype(str).rename("text").reset_index()
    return frame[key].merge(by_key, on=key, how="left")["text"].fillna("").set_axis(frame.index)


def _unmatched(rows: pd.DataFrame, known: pd.DataFrame, level: Level) -> Iterator[Problem]:
    key = ["cohort", *level.key]
    there = rows[key].merge(known[key].drop_duplicates(), on=key, how="left", indicator=True)["_merge"] == "both"
    for _, row in rows[~there.to_numpy()].iterrows():
        wanted = ", ".join(f"{name} '{row[name]}'" for name in level.key)
        column, remedy = _nearest_key(row, known, level.key)
        yield Problem(
            "exclusion-matches-nothing",
            f"no {level.name} of this cohort has {wanted}",
            remedy,
            file=str(row["source_file"]),
            row=int(row["source_row"]),
            column=column,
            value=str(row[column]),
        )


def _nearest_key(row: pd.Series, known: pd.DataFrame, key: Sequence[str]) -> tuple[str, str]:
    """Return the first column of the key whose value does not occur beside those before it, and what to write there."""
    rest = known[known["cohort"] == row["cohort"]]
    for column in key:
        if not (rest[column] == row[column]).any():
            names = sorted(set(rest[column]))
            close = nearest(str(row[column]), names, most=2) or names[:5]
            there = ", ".join(f"'{name}'" for name in close)
            return (
                column,
                f"Write one that exists, such as {there}" if there else "Delete the row; there is none at all",
            )
        rest = rest[rest[column] == row[column]]
    return key[-1], "Write one that exists"
