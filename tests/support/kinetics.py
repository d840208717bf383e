"""Tables of cells simulated from a known curve, for the tests of stage 5."""

import numpy as np
import pandas as pd

from cartrace import tables
from cartrace.growth import BY_NAME

TYPICAL = {
    "exponential": [np.log(2e5), 0.35],
    "lag_exponential": [np.log(2e5), np.log(0.35), 5.0],
    "logistic": [np.log(5e6), np.log(0.45), 9.0],
    "gompertz": [np.log(5e6), np.log(0.2), 7.0],
    "expansion_contraction": [np.log(4e7), np.log(0.45), np.log(0.12), 11.0],
}
DAYS = (1.0, 4.0, 7.0, 10.0, 14.0, 21.0)


def cells_row(animal, group, day, response, **more):
    """One row of the table of cells."""
    row = dict.fromkeys(tables.Cells.names(), np.nan) | {
        "cohort": "C01",
        "animal_id": animal,
        "session": f"d{day:05.2f}",
        "scan_id": f"{animal}-{day:05.2f}",
        "region": "tumour",
        "modality": "pet",
        "group": group,
        "role": {"UTD": "background", "NT": "control"}.get(group, "test"),
        "cell_day": float(day),
        "n_background": 3,
        "is_below_detection": False,
        "is_extrapolated": False,
        "response": response,
        "cells": response,
        "response_unit": "cells",
        "status": "ok",
        "reason": "",
        "excluded": False,
        "exclusion_reason": "",
    }
    return row | more


def cells_of(rows):
    """A table of cells."""
    return pd.DataFrame(rows, columns=tables.Cells.names()) if rows else tables.empty(tables.Cells)


def simulated(
    model, *, n_per_group=6, days=DAYS, sigma=0.15, spread=0.15, seed=3, critical=np.nan, groups=("NT", "CAR")
):
    """Mice of a model: their table of cells and their internal parameters by animal."""
    rng = np.random.default_rng(seed)
    rows, truth = [], {}
    for group in groups:
        for number in range(n_per_group):
            animal = f"{group}{number:02d}"
            theta = np.array(TYPICAL[model]) + rng.normal(0.0, spread, len(TYPICAL[model]))
            truth[animal] = theta
            logs = BY_NAME[model].log_curve(np.array([days]), theta[None])[0] + rng.normal(0.0, sigma, len(days))
            for day, value in zip(days, np.exp(logs), strict=True):
                rows.append(cells_row(animal, group, day, value, response_critical_level=critical))
    return cells_of(rows), truth
