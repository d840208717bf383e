"""The stated uncertainties against mice whose raw readings are drawn: readings go in, the truth must come out.

The functions of stages 2 and 3 see nothing but readings. A 95 % interval is the value ± 1.96 standard uncertainties, of
one layer where only that layer is drawn, of all where all are.
"""

import numpy as np
import pytest
from raw_readings import F18_S, HALF_LIFE_SE_S, LAYERS, UNCERTAINTY, drawn, worked
from worked_mouse import measured

from cartrace.radionuclides import Decay

N = 2000
KEY = ["modality", "region"]
CASES = [
    ("counted_standard", "calibrator", LAYERS),
    ("calibrator", "counter", LAYERS),
    ("counted_standard", "counter", ("count",)),
    ("counted_standard", "counter", ("dose",)),
    ("calibrator", "calibrator", ("dose",)),
    ("counted_standard", "calibrator", ("standard",)),
    ("calibrator", "none", ("standard",)),
]
SLOW = [
    (route, tail, layers)
    for route in ("counted_standard", "calibrator")
    for tail in ("none", "calibrator", "counter")
    for layers in (LAYERS, *((layer,) for layer in LAYERS))
    if (route, tail, layers) not in CASES
]


def settings(route, layers):
    # Where the half-life is not drawn it must not count either: it has no other place than the layer of the study.
    se_s = HALF_LIFE_SE_S if "standard" in layers else 0.0
    return {
        "dose_route": route,
        "uncertainty": UNCERTAINTY,
        "decays": {"[18F]TFB": Decay("F-18", F18_S, se_s)},
        "background_drift_p": 0.0,
    }


def judged(route, tail, layers, *, seed):
    """Return z = (value - truth) / standard uncertainty of every uptake and ratio, by quantity and region."""
    sheets, chosen = worked(tail), settings(route, layers)
    truth = measured(sheets, **chosen)
    found = measured(drawn(sheets, layers, n=N, seed=seed), **chosen)
    assert (found["uptake"]["status"] == "ok").all()
    rows = found["uptake"]
    z = {}
    for (modality, region), part in rows.groupby(KEY):
        true = truth["uptake"].set_index(KEY).loc[(modality, region)]
        for name in ("uptake_pct_id", "uptake_pct_id_per_g"):
            value = part[name]
            se = part[f"{name}_se"] if layers == LAYERS else value.abs() * part[f"rel_se_{layers[0]}"]
            if layers == ("count",) and name == "uptake_pct_id" and modality == "counter":
                continue  # that layer has the mass in it, which the uptake of the whole sample has not
            z[modality, region, name] = (value - true[name]) / se
    if layers == LAYERS:
        ratios = found["ratios"]
        true = truth["ratios"].set_index([*KEY, "reference"])["ratio"]
        for key, part in ratios[ratios["status"] == "ok"].groupby([*KEY, "reference"]):
            z[(*key, "ratio")] = (part["ratio"] - true[key]) / part["ratio_se"]
    return z


def check(route, tail, layers):
    z = judged(route, tail, layers, seed=29)
    assert len(z) >= 6
    for key, values in z.items():
        assert len(values) >= N, key
        assert 0.93 <= np.mean(np.abs(values) < 1.959964) <= 0.97, (key, np.mean(np.abs(values) < 1.959964))
        assert 0.95 <= np.std(values) <= 1.05, (key, np.std(values))
        # Where a mass is known to 15 %, a low value states a small uncertainty, so that z leans to the low side.
        assert abs(np.mean(values)) < 0.15, (key, np.mean(values))


@pytest.mark.parametrize(("route", "tail", "layers"), CASES)
def test_intervals_cover_the_truth_of_drawn_readings(route, tail, layers):
    check(route, tail, layers)


@pytest.mark.slow
@pytest.mark.parametrize(("route", "tail", "layers"), SLOW)
def test_intervals_cover_the_truth_by_every_route_and_tail(route, tail, layers):
    check(route, tail, layers)
