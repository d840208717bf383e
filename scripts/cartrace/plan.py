"""The declared plan of comparisons: which are primary, which belong to a declared family, how each is tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cartrace import group_tests
from cartrace.endpoints import by_name
from cartrace.errors import InputError, Problem

_UPTAKE = ("uptake_pct_id_per_g", "uptake_pct_id_per_ml")


def assigned(
    rows: pd.DataFrame,
    *,
    primary: Mapping[str, Any],
    secondary: Sequence[Mapping[str, Any]],
    groups: Sequence[Mapping[str, Any]],
) -> pd.DataFrame:
    """Return comparisons with their place in the plan: columns plan, family and test.

    Parameters
    ----------
    rows : DataFrame
        Comparisons with endpoint, modality, region, session, group_a, group_b and is_primary.
    primary : mapping
        The config's primary comparison.
    secondary : sequence of mapping
        The config's families of secondary comparisons.
    groups : sequence of mapping
        The config's groups.

    Raises
    ------
    InputError
        Where two families declare the same comparison.
    """
    exploratory = [
        by_name(name).family(modality) for name, modality in zip(rows["endpoint"], rows["modality"], strict=True)
    ]
    rows = rows.assign(plan="exploratory", family=exploratory, test="welch")
    controls = [group["name"] for group in groups if group["role"] == "control"]
    taken = pd.Series("", index=rows.index, dtype=str)
    problems = []
    for family in secondary:
        if group_tests.by_name(family["test"]).kind == "paired":
            continue
        meant = declared(rows, family) & ~rows["is_primary"]
        if family["test"] == "dunnett":
            meant &= rows["group_b"].isin(controls)
        twice = sorted(set(taken[meant]) - {""})
        problems += [_twice(family["family"], other, rows[meant & (taken == other)].iloc[0]) for other in twice]
        taken = taken.mask(meant, family["family"])
        rows.loc[meant, ["plan", "family", "test"]] = ["secondary", family["family"], family["test"]]
    if problems:
        raise InputError(problems)
    rows.loc[rows["is_primary"], ["plan", "family", "test"]] = ["primary", "primary", primary.get("test", "welch")]
    return rows


def declared(rows: pd.DataFrame, family: Mapping[str, Any]) -> pd.Series:
    """Return which rows a family of the config declares; `uptake` means the main quantity of the modality."""
    endpoint = family["endpoint"]
    meant = rows["endpoint"].isin(_UPTAKE) if endpoint == "uptake" else rows["endpoint"] == endpoint
    if family["modality"]:
        meant &= rows["modality"] == family["modality"]
    for column, wanted in (("region", family["regions"]), ("session", family["sessions"])):
        if wanted:
            meant &= rows[column].isin(wanted)
    if family["groups"]:
        sides = [name for name in ("group", "group_a", "group_b") if name in rows.columns]
        meant &= np.logical_and.reduce([rows[name].isin(family["groups"]) for name in sides])
    return meant


def in_paired_families(endpoints: pd.DataFrame, secondary: Sequence[Mapping[str, Any]]) -> pd.Series:
    """Return which endpoints take part in a family that compares two sessions of the same mice."""
    meant = pd.Series(False, index=endpoints.index)
    for family in secondary:
        if group_tests.by_name(family["test"]).kind == "paired":
            meant |= declared(endpoints, family)
    return meant


def _twice(family: str, other: str, row: pd.Series) -> Problem:
    where = " ".join(str(row[name]) for name in ("endpoint", "modality", "region", "session") if row[name])
    return Problem(
        "declared-twice",
        f"{row['group_a']} against {row['group_b']} in {where} stands in the families '{other}' and '{family}'",
        "Declare each comparison in one family",
        file="the config",
        column="comparison.secondary",
        value=family,
    )
