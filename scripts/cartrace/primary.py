"""The declared primary comparison: which rows it is, and why it has none where nothing was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cartrace.endpoints import by_name
from cartrace.errors import nearest

# Endpoints that are measured in one modality, and those that are a parameter of no curve but have a day.
BY_MODALITY = ("uptake", "uptake_pct_id", "suv", "ratio")
BY_SESSION = (*BY_MODALITY, "cells", "net_pct_id", "readout")
COUNTS = ("n", "n_not_positive", "n_below_detection", "n_excluded", "n_not_estimable")


def declared_endpoint(endpoints: pd.DataFrame, primary: Mapping[str, Any]) -> dict[str, str]:
    """Return the endpoint, modality, region and session that the config's primary comparison means."""
    name, where = primary["endpoint"], primary["region"]
    if name in BY_MODALITY:
        quantity = _uptake_quantity(endpoints, primary["modality"], where) if name == "uptake" else name
        modality = primary["modality"]
        return {"endpoint": quantity, "modality": modality, "region": where, "session": primary["session"]}
    if name in BY_SESSION:
        modality = "".join(endpoints.loc[endpoints["endpoint"] == name, "modality"].unique()[:1])
        return {"endpoint": name, "modality": modality, "region": where, "session": primary["session"]}
    return {"endpoint": name, "modality": "", "region": where, "session": ""}


def _uptake_quantity(endpoints: pd.DataFrame, modality: str, region: str) -> str:
    """Return the main quantity of a modality: %ID/g where there is one, else %ID/mL."""
    measured = endpoints.loc[(endpoints["modality"] == modality) & (endpoints["region"] == region), "endpoint"]
    in_volume = "uptake_pct_id_per_ml"
    return in_volume if (measured == in_volume).any() else "uptake_pct_id_per_g"


def is_primary(rows: pd.DataFrame, declared: Mapping[str, str], groups: Sequence[str]) -> pd.Series:
    """Return which rows of comparisons are the declared one."""
    same = (rows["group_a"] == groups[0]) & (rows["group_b"] == groups[1])
    for column, wanted in declared.items():
        same &= rows[column] == wanted
    return same


def absent(
    declared: Mapping[str, str], groups: Sequence[str], paired: Sequence[pd.DataFrame], cells: pd.DataFrame
) -> pd.DataFrame:
    """Return a row of the primary comparison for each analysis in which it was not measured in both groups."""
    rows = []
    for analysis in ("all", "without_excluded"):
        if any((is_primary(part, declared, groups) & (part["analysis"] == analysis)).any() for part in paired):
            continue
        measured = cells[cells["analysis"] == analysis]
        row: dict[str, Any] = {"analysis": analysis, **declared, "group_a": groups[0], "group_b": groups[1]}
        row |= {"unit": by_name(declared["endpoint"]).unit, "absence": _absence(declared, groups, measured)}
        for column, wanted in declared.items():
            measured = measured[measured[column] == wanted]
        for side, group in zip("ab", groups, strict=True):
            found = measured[measured["group"] == group]
            for name in COUNTS:
                row[f"{name}_{side}"] = int(found[name].sum())
        rows.append(row)
    return pd.DataFrame(rows)


def _absence(declared: Mapping[str, str], groups: Sequence[str], measured: pd.DataFrame) -> str:
    """Return why the primary comparison has no values: the first of its declarations that the data do not have."""
    if declared["endpoint"] not in set(measured["endpoint"]):
        return f"the study has no values of {declared['endpoint']}"
    for column in ("endpoint", "modality", "region", "session"):
        known = sorted(set(measured[column]))
        measured = measured[measured[column] == declared[column]]
        if measured.empty:
            hint = nearest(declared[column], known)
            asked = f"; did you mean '{hint[0]}'?" if hint else f"; it has {', '.join(known)}"
            return f"{declared['endpoint']} was not measured for {column} '{declared[column]}'{asked}"
    without = [group for group in groups if group not in set(measured["group"])]
    return f"{' and '.join(without)} has no value of {declared['endpoint']}"
