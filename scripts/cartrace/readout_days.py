"""Readouts on the cell clock: the day of each, and what the comparison of groups needs of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cartrace.clock import SECONDS_PER_DAY, elapsed_s

MOUSE = ["cohort", "animal_id"]


def with_days(readouts: pd.DataFrame, animals: pd.DataFrame) -> pd.DataFrame:
    """Return the readouts with the group of their mouse and their day on the cell clock.

    Parameters
    ----------
    readouts, animals : DataFrame
        Their tables.

    Returns
    -------
    DataFrame
        Columns of the readouts, group and day; without the readouts of mice whose day 0 is not known.
    """
    zero = animals["cells_infused_at"].mask(animals["cells_infused_at"] == "", animals["enrolled_at"])
    rows = readouts.merge(animals[[*MOUSE, "group"]].assign(zero=zero), on=MOUSE)
    day = elapsed_s(rows["zero"], rows["measured_at"]) / SECONDS_PER_DAY
    return rows.drop(columns="zero").assign(day=day).dropna(subset="day").reset_index(drop=True)


def of_groups(readouts: pd.DataFrame, animals: pd.DataFrame, exclusions: pd.DataFrame) -> pd.DataFrame:
    """Return the readouts as groups are compared by them: by whole days, with the exclusion of their mouse.

    Parameters
    ----------
    readouts, animals, exclusions : DataFrame
        Their tables. Mice that are excluded as a whole are excluded here; a session or a scan has no readout.

    Returns
    -------
    DataFrame
        As of :func:`with_days`, with session (``day 7``), excluded and exclusion_reason.
    """
    rows = with_days(readouts, animals)
    out = exclusions[exclusions["level"] == "animal"]
    reasons = out.drop_duplicates([*MOUSE, "reason"]).groupby(MOUSE)["reason"].agg("; ".join)
    known = rows.join(reasons.rename("exclusion_reason"), on=MOUSE)["exclusion_reason"]
    session = "day " + np.rint(rows["day"]).astype(int).astype(str)
    return rows.assign(session=session, excluded=known.notna(), exclusion_reason=known.fillna("").astype(str))
