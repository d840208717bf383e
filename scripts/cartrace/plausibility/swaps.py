"""Two tubes that are each wrong, and right once they are exchanged."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from cartrace.plausibility.evidence import Evidence, Finding, spread

_FEWEST = 4
_FAR = 6.0
_NEAR = 2.5
# Uptake of one tissue in mice of one group scatters by at least this much (standard deviation of its logarithm).
_LEAST_SD = 0.15


def swapped(evidence: Evidence) -> Iterator[Finding]:
    """Yield pairs of tubes, of one tissue or of one mouse, that fit their groups only in each other's place.

    Notes
    -----
    u = ln(net rate at injection / (mass * dose)), held against median m and robust standard deviation s of its session,
    group and tissue. Both tubes of a pair have |u - m| / s > 6 in opposite directions, and < 2.5 once their rates, or
    their masses, are exchanged.
    """
    frame = _uptake(evidence)
    for _, session in frame[frame["z"].abs() > _FAR].groupby("session", sort=True):
        for (_, one), (_, other) in combinations(session.iterrows(), 2):
            is_pair = (one["animal_id"] == other["animal_id"]) != (one["tissue"] == other["tissue"])
            if not is_pair or one["z"] * other["z"] > 0:
                continue
            for what, column, sign in (("counts", "ln_rate", 1.0), ("masses", "ln_mass", -1.0)):
                moved = sign * (other[column] - one[column])
                after = max(abs(one["z"] + moved / one["sd"]), abs(other["z"] - moved / other["sd"]))
                if after < _NEAR:
                    yield _pair(one, other, what)
                    break


def _pair(one: pd.Series, other: pd.Series, what: str) -> Finding:
    names = [f"{tube['animal_id']} {tube['session']} {tube['tissue']}" for tube in (one, other)]
    sides = [
        f"{np.exp(abs(tube['z'] * tube['sd'])):.3g} times too {'high' if tube['z'] > 0 else 'low'}"
        for tube in (one, other)
    ]
    places = [f"row {tube['sheet_row']}" for tube in (one, other)]
    why = (
        f"{names[0]} ({places[0]}) is {sides[0]} and {names[1]} ({places[1]}) {sides[1]} for their groups; with their "
        f"{what} exchanged both fit"
    )
    return Finding(f"{names[0]} and {names[1]}", why, value=float(abs(one["z"])), threshold=_FAR)


def _uptake(evidence: Evidence) -> pd.DataFrame:
    """Return the tissue tubes with z and the scale of their group."""
    cohort, counted = evidence.cohort, evidence.counted
    blank = counted[counted["role"] == "blank"].groupby(["counter_file", "window"])["cps"].median().rename("blank_cps")
    own = counted[(counted["role"] == "tissue") & (counted["part"] == "")]
    own = own.join(blank, on=["counter_file", "window"])
    rows = own["index"].to_numpy(dtype=int)
    net = own["cps"] - own["blank_cps"].fillna(0.0)
    mass = own["mass_g"].fillna(own["gross_g"] - own["tare_g"])
    decayed = own["decay_per_s"] * (own["counted_s"] - cohort.tube_injected_s[rows])
    doses = cohort["doses"]
    full = doses.numbers("full_activity_kbq") - np.nan_to_num(doses.numbers("residual_activity_kbq"))
    keys = zip(own["animal_id"], own["session"], strict=True)
    dose = np.array([full[cohort.dose_rows[key]] if key in cohort.dose_rows else np.nan for key in keys], dtype=float)
    groups = dict(zip(cohort.column("animals", "animal_id"), cohort.column("animals", "group"), strict=True))
    own = own.assign(
        group=own["animal_id"].map(groups),
        sheet_row=cohort["tubes"].frame["source_row"].to_numpy()[rows],
        ln_rate=np.log(net.where(net > 0)) + decayed,
        ln_mass=np.log(mass.where(mass > 0)),
        ln_dose=np.log(np.where(dose > 0, dose, np.nan)),
    )
    # Where a tube counts little more than the blank, its logarithm scatters without limit.
    own = own[(net > own["blank_cps"].fillna(0.0)) & (own["counts"] > 400.0)]
    own = own.assign(ln=own["ln_rate"] - own["ln_mass"] - own["ln_dose"]).dropna(subset=["ln", "group"])
    found = [
        some.assign(z=(some["ln"] - middle) / sd, sd=sd)
        for _, some in own.groupby(["session", "group", "tissue", "tracer"], sort=True)
        if len(some) >= _FEWEST
        for middle, sd in [_scale(some["ln"].to_numpy())]
    ]
    return pd.concat(found, ignore_index=True) if found else own.assign(z=np.nan, sd=np.nan).iloc[:0]


def _scale(logs: np.ndarray) -> tuple[float, float]:
    middle, sd = spread(logs)
    return middle, max(sd, _LEAST_SD)
