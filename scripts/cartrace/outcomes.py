"""What became of a mouse by its readouts: a value on a day, its change, the worst of it, progression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

MOUSE = ["cohort", "animal_id"]
# A readout counts for a day when it was taken within so many days of it.
WITHIN_DAY = 1.0


def outcome_of(readouts: pd.DataFrame, early: pd.DataFrame, outcome: Mapping[str, Any]) -> pd.DataFrame:
    """Return the declared outcome of each mouse.

    Parameters
    ----------
    readouts : DataFrame
        Columns cohort, animal_id, readout, day, value.
    early : DataFrame
        Columns cohort, animal_id, early_day: from when on the signal that is to predict is known.
    outcome : mapping
        The config's outcome: readout, day, direction, measure.

    Returns
    -------
    DataFrame
        Columns cohort, animal_id, outcome, outcome_day. The worst of a readout is looked for among readings after the
        signal only: what went before it needs no prediction.
    """
    rows = readouts[readouts["readout"] == outcome["readout"]]
    if outcome["measure"] in ("fold", "worst_fold"):
        rows = folds(rows)
    if not outcome["measure"].startswith("worst"):
        return _at_day(rows, outcome["day"])
    later = rows.merge(early[[*MOUSE, "early_day"]], on=MOUSE)
    later = later[(later["day"] > later["early_day"]) & (later["day"] <= outcome["day"] + WITHIN_DAY)]
    # A mouse that was not followed to the day may have become worse than was seen.
    reached = later.groupby(MOUSE)["day"].transform("max") >= outcome["day"] - WITHIN_DAY
    ordered = later[reached].sort_values(
        [*MOUSE, "value", "day"], ascending=[True, True, outcome["direction"] == "higher", True], kind="stable"
    )
    return _named(ordered.drop_duplicates(MOUSE))


def folds(readouts: pd.DataFrame) -> pd.DataFrame:
    """Return one readout relative to each mouse's baseline, its last reading up to day 0, else its first.

    Mice whose baseline is not above zero are left out.
    """
    # ASSUME: the baseline of a readout is the last reading up to the day of the cells, or the first one after it.
    ordered = readouts.sort_values([*MOUSE, "day"], kind="stable")
    before = ordered[ordered["day"] <= 0.0].drop_duplicates(MOUSE, keep="last")
    first = ordered.drop_duplicates(MOUSE)
    base = pd.concat([before, first]).drop_duplicates(MOUSE)[[*MOUSE, "value", "day"]]
    base = base[base["value"] > 0].rename(columns={"value": "base", "day": "base_day"})
    rows = ordered.merge(base, on=MOUSE)
    rows = rows[rows["day"] > rows["base_day"]]
    return rows.assign(value=rows["value"] / rows["base"]).drop(columns=["base", "base_day"])


def progression(readouts: pd.DataFrame, lives: pd.DataFrame, outcome: Mapping[str, Any]) -> pd.DataFrame:
    """Return until when each mouse was free of progression, and whether that ended it.

    Parameters
    ----------
    readouts : DataFrame
        Columns cohort, animal_id, readout, day, value.
    lives : DataFrame
        Of :func:`cartrace.survival_groups.lives`.
    outcome : mapping
        The config's outcome: readout, direction, threshold as a multiple of the baseline.

    Returns
    -------
    DataFrame
        Columns cohort, animal_id, day, died: the day of the first reading beyond the threshold, or of death, or the
        last reading.
    """
    # ASSUME: death ends the time without progression, whatever its cause (progression-free survival).
    rows = folds(readouts[readouts["readout"] == outcome["readout"]])
    beyond = (
        rows["value"] >= outcome["threshold"]
        if outcome["direction"] == "lower"
        else rows["value"] <= outcome["threshold"]
    )
    first = rows[beyond].groupby(MOUSE)["day"].min().rename("progressed")
    last = rows.groupby(MOUSE)["day"].max().rename("last")
    # Who was read a few hours before the day was free of progression on it.
    last = last.mask((last >= outcome["day"] - WITHIN_DAY) & (last < outcome["day"]), outcome["day"])
    found = lives[[*MOUSE, "day", "died"]].join(last, on=MOUSE).join(first, on=MOUSE)
    found = found[found["last"].notna()]
    has = found["progressed"].notna()
    died = has | found["died"].eq(True)
    day = found["progressed"].where(has, found["day"].where(found["died"].eq(True), found["last"]))
    return found[MOUSE].assign(day=day, died=died)


def _at_day(readouts: pd.DataFrame, day: float) -> pd.DataFrame:
    """Return each mouse's readout nearest to a day, within `WITHIN_DAY`."""
    near = readouts.assign(apart=(readouts["day"] - day).abs())
    near = near[near["apart"] <= WITHIN_DAY].sort_values([*MOUSE, "apart", "day"], kind="stable").drop_duplicates(MOUSE)
    return _named(near)


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    found: pd.DataFrame = rows[[*MOUSE, "value", "day"]].rename(columns={"value": "outcome", "day": "outcome_day"})
    return found


def outcome_text(outcome: Mapping[str, Any]) -> str:
    """Return an outcome in words."""
    day, name, threshold = f"{outcome['day']:g}", outcome["readout"], outcome["threshold"]
    if name == "survival":
        return f"survival to day {day}"
    if outcome["measure"] == "progression":
        return f"progression of {name} to day {day} ({_beyond(outcome)} {threshold:g} times the baseline)"
    good = f"{outcome['direction']} is good" + (f", threshold {threshold:g}" if threshold is not None else "")
    said = {
        "value": f"{name} on day {day}",
        "fold": f"{name} over its baseline on day {day}",
        "worst": f"worst {name} up to day {day}",
        "worst_fold": f"worst {name} over its baseline up to day {day}",
    }
    return f"{said[outcome['measure']]} ({good})"


def _beyond(outcome: Mapping[str, Any]) -> str:
    return "at least" if outcome["direction"] == "lower" else "at most"
