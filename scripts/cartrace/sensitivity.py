"""Which conclusions move: the declared comparisons made in every other way that could have been chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cartrace import pooling, tables, ways
from cartrace.comparison import compare
from cartrace.endpoints import KEY, left_out, takes_part
from cartrace.overall import paired
from cartrace.ways import NUMBERS

_PAIR = [*KEY, "session_b", "group_a", "group_b", "family"]


def compared_otherwise(alternatives: pd.DataFrame, **decided: Any) -> pd.DataFrame:
    """Make the declared comparisons from the endpoints under every other choice upstream of them.

    Parameters
    ----------
    alternatives : DataFrame
        Table of alternatives.
    **decided : Any
        What :func:`cartrace.comparison.compare` takes: groups, primary, secondary, adjustments, confidence, seed.

    Returns
    -------
    DataFrame
        Primary and secondary comparisons, also those of sessions, with the columns choice and variant. A primary
        comparison that a choice cannot change has no row under it.
    """
    parts = []
    for (choice, variant), rows in alternatives.groupby(["choice", "variant"], sort=True):
        # Alternatives carry no uncertainties; comparisons need none.
        values = rows.reindex(columns=tables.Endpoints.names())
        found = compare(values, **decided).merge(rows[KEY].drop_duplicates(), on=KEY)
        sessions = paired(
            values,
            secondary=decided.get("secondary", ()),
            adjustment=decided["adjustment"],
            confidence=decided["confidence"],
        )
        both = _declared_ones(found, sessions)
        parts.append(both.assign(choice=str(choice), variant=str(variant)))
    if not parts:
        return _declared_ones(tables.empty(tables.Comparisons), tables.empty(tables.Paired)).assign(
            choice="", variant=""
        )
    return pd.concat(parts, ignore_index=True)


def _declared_ones(comparisons: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    """Return the declared comparisons of groups and of sessions in one form; of sessions both groups are the same."""
    between = comparisons[comparisons["plan"] != "exploratory"].assign(session_b="")
    if sessions.empty:
        return between
    within = sessions.rename(columns={"session_a": "session"}).assign(
        group_a=sessions["group"],
        group_b=sessions["group"],
        n_a=sessions["n"],
        n_b=sessions["n"],
        plan="secondary",
        is_primary=False,
    )
    return pd.concat([between, within.reindex(columns=between.columns)], ignore_index=True)


def sensitivity(
    endpoints: pd.DataFrame,
    comparisons: pd.DataFrame,
    sessions: pd.DataFrame,
    forest: pd.DataFrame,
    diagnostics: pd.DataFrame,
    estimates: pd.DataFrame,
    otherwise: pd.DataFrame,
    *,
    confidence: float,
    seed: int,
) -> pd.DataFrame:
    """Make the declared comparisons in other ways.

    Parameters
    ----------
    endpoints, comparisons, sessions, forest, diagnostics : DataFrame
        Their tables; sessions is that of paired comparisons.
    estimates : DataFrame
        Tables of estimates of all models.
    otherwise : DataFrame
        From :func:`compared_otherwise`.
    confidence : float
        Level of the intervals; a conclusion moves where p (adjusted in a family) crosses 1 - confidence or the
        estimate changes sides.
    seed : int
        Seed of permutations that cannot be enumerated.

    Returns
    -------
    DataFrame
        A table of sensitivity. Its p values are not further chances to find something: none is adjusted for the
        number of ways.
    """
    rows: list[dict[str, Any]] = []
    for row in _declared_ones(comparisons, sessions).to_dict("records"):
        declared = {str(name): value for name, value in row.items()}
        found = [
            *_declared(declared),
            *_under_choices(otherwise, declared),
        ]
        if not declared["session_b"]:
            found += [*_by_cohorts(forest, declared), *ways.by_model(estimates, declared, confidence)]
        if not declared["session_b"] and declared["n_not_estimable_a"] + declared["n_not_estimable_b"]:
            every = ways.mice_of(endpoints, declared)
            found += ways.by_missing(every[~left_out(every)], declared)
        if declared["is_primary"]:
            every = ways.mice_of(endpoints, declared)
            found += [
                *ways.by_scale_and_test(every[takes_part(every)], declared, confidence, seed),
                *ways.by_mouse(diagnostics, declared),
            ]
        place = {name: declared[name] for name in (*_PAIR, "plan")} | {"ci_level": confidence}
        base = {"declared_scale": declared["scale"]}
        rows += [place | base | one for one in found]
    if not rows:
        return tables.empty(tables.Sensitivity)
    frame = pd.DataFrame(rows)
    parts = [_moved(part, 1 - confidence) for _, part in frame.groupby([*_PAIR[1:], "declared_scale"], sort=False)]
    return pd.concat(parts).sort_index()[tables.Sensitivity.names()].reset_index(drop=True)


def _declared(primary: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    n = int(primary["n_a"]), int(primary["n_b"])
    yield ways.row("declared", str(primary["test"]), n, primary["scale"], primary, str(primary["reason"]))


def _under_choices(otherwise: pd.DataFrame, declared: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    same = np.logical_and.reduce([otherwise[name] == declared[name] for name in (*_PAIR, "scale")])
    for row in otherwise[same].to_dict("records"):
        n = int(row["n_a"]), int(row["n_b"])
        numbers = {str(key): row[key] for key in (*NUMBERS, "p_adjusted")}
        yield ways.row(row["choice"], row["variant"], n, row["scale"], numbers, row["reason"])


def _by_cohorts(forest: pd.DataFrame, primary: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    place = (*KEY, "group_a", "group_b", "scale")
    rows = forest[np.logical_and.reduce([forest[name] == primary[name] for name in place])]
    said = {"fixed": "cohorts as blocks", "random": f"cohorts as a sample (from {pooling.MINIMUM_RANDOM} on)"}
    for row in rows[rows["level"].isin(list(said))].to_dict("records"):
        n = int(row["n_a"]), int(row["n_b"])
        yield ways.row(
            "cohorts", said[row["level"]], n, row["scale"], {str(key): row[key] for key in NUMBERS}, row["reason"]
        )


def _moved(rows: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Return the ways of one comparison with what is otherwise than as declared, without excluded mice."""
    declared = rows[(rows["choice"] == "declared") & (rows["analysis"] == "without_excluded")]
    base = declared.iloc[0] if len(declared) else rows.iloc[0]

    def side(row: pd.Series) -> float:
        centre = 1.0 if row["scale"] == "log" else 0.0
        return float(np.sign(row["estimate"] - centre))

    def is_found(row: pd.Series) -> bool:
        # A way that has no family is judged by its own p, against that of the declared comparison.
        return bool((row["p_adjusted"] if np.isfinite(row["p_adjusted"]) else row["p_value"]) < alpha)

    moved = []
    for _, row in rows.iterrows():
        against = base if np.isfinite(row["p_adjusted"]) else base.mask(base.index == "p_adjusted", np.nan)
        if row["status"] != "ok" or base["status"] != "ok":
            moved.append("unknown")
        elif np.isfinite(row["estimate"]) and np.isfinite(base["estimate"]) and side(row) != side(base):
            moved.append("direction")
        else:
            moved.append("significance" if is_found(row) != is_found(against) else "nothing")
    return rows.assign(moved=moved)
