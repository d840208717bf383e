"""What the checks of counting measure: how old a sample was, and whether a rack was counted in its order."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cartrace.clock import elapsed_s
from cartrace.measured import Measured, subjects
from cartrace.rows import INJECTION, RUN, TUBE


def sample_age(measured: Measured) -> pd.DataFrame:
    """Return the age of the oldest tissue of each mouse and session at its count, in half-lives after the injection."""
    tubes = measured.tubes[(measured.tubes["role"] == "tissue") & measured.tubes["decay_elapsed_s"].notna()]
    halvings = pd.Series(-np.log2(tubes["decay_factor"].to_numpy(dtype=np.float64)), index=tubes.index)
    oldest = halvings.groupby([tubes[name] for name in INJECTION]).idxmax() if len(tubes) else tubes.index
    rows = tubes.loc[oldest]
    return subjects(rows, ["animal_id", "session"], halvings.loc[rows.index], " at most, in " + rows["region"])


def count_order(measured: Measured) -> pd.DataFrame:
    """Return how many positions of a rack were counted before one that stands in front of them.

    A rack that was counted from its end is in order too. Positions without numbers are not judged.
    """
    tubes = measured.tubes.drop_duplicates(TUBE).reset_index(drop=True)
    place = pd.to_numeric(tubes["position"], errors="coerce")
    began_s = elapsed_s(tubes["counted_at"].iloc[:1].repeat(len(tubes)).reset_index(drop=True), tubes["counted_at"])
    # Tubes that start together stand in front of several detectors.
    rows = tubes.assign(place=place, began_s=began_s).sort_values(["began_s", "place"], kind="stable")
    racks = rows.groupby([*RUN, "rack"], sort=True)
    step = racks["place"].diff()
    tally = pd.DataFrame({name: rows[name] for name in [*RUN, "rack"]}).assign(
        back=step < 0.0, ahead=step > 0.0, gaps=rows["place"].isna()
    )
    sums = tally.groupby([*RUN, "rack"], as_index=False).sum()
    sums = sums[sums["gaps"] == 0].reset_index(drop=True)
    rack = np.where(sums["rack"] == "", "", " in rack " + sums["rack"])
    value = sums[["back", "ahead"]].min(axis=1).astype(float)
    return subjects(sums.assign(place=sums["counter_file"] + rack), ["place"], value)
