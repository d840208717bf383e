"""The stated uncertainties against mice whose raw readings are drawn: readings go in, the truth must come out.

The functions of stages 2 and 3 see nothing but readings. A 95 % interval is the value ± 1.96 standard uncertainties, of
one layer where only that layer is drawn, of all where all are.
"""

import numpy as np
import pandas as pd
import pytest
from raw_readings import F18_S, HALF_LIFE_SE_S, LAYERS, UNCERTAINTY, Errors, drawn, worked
from worked_mouse import measured

from cartrace import tables
from cartrace.comparison import summarise
from cartrace.endpoints import collect
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


# ---- means of groups

STUDIES, MICE = 1000, 4


def groups_of_mice():
    """Return studies of four mice that share one run, its standards and its blank."""
    errors = Errors(worked("none"), STUDIES, seed=41)
    many = errors.many
    tubes = many["tubes"][~many["tubes"]["tissue"].isin(["muscle", "blood"])].reset_index(drop=True)
    key = ["counter_file", "position"]
    counts = many["counts"].merge(tubes[[*key, "role"]], on=key)

    def of_each_mouse(sheet, *columns):
        parts = [sheet.assign(**{name: sheet[name] + f"-{mouse}" for name in columns}) for mouse in range(MICE)]
        return pd.concat(parts, ignore_index=True)

    for name, sheet, columns in (("tubes", tubes, ("animal_id", "position")), ("counts", counts, ("position",))):
        own = sheet["role"] == "tissue"
        many[name] = pd.concat([sheet[~own], of_each_mouse(sheet[own], *columns)], ignore_index=True)
    many["counts"] = many["counts"].drop(columns="role")
    for name in ("doses", "animals"):
        many[name] = of_each_mouse(many[name], "animal_id")
    many |= {"scans": many["scans"][:0], "rois": many["rois"][:0]}
    return errors


def test_the_uncertainty_of_a_groups_mean_does_not_average_what_its_mice_share():
    chosen = settings("counted_standard", ())
    truth = measured(worked("none"), **chosen)["uptake"].set_index(KEY)["uptake_pct_id"]
    errors, u = groups_of_mice(), UNCERTAINTY
    tubes = errors.many["tubes"]
    errors.normal("tubes", "aliquot_mass_g", u["balance_g"])
    errors.normal("tubes", "standard_mass_g", u["balance_g"], shared=True)
    errors.normal("tubes", "mass_g", u["balance_g"], tubes["role"] == "tissue")
    errors.normal("doses", "injectate_mass_g", u["balance_g"])
    # A blank no longer than a tube, so that what the tubes share by it matters.
    blank = errors.many["counts"]["position"] == "1"
    errors.many["counts"].loc[blank, ["count_s", "counts"]] = [60.0, 18.4]
    errors.poisson("standard", "tissue", "blank")
    uptake = measured(errors.many, **chosen)["uptake"][tables.Uptake.names()]
    # One study a session, so that each has its row of the summary.
    uptake = uptake.assign(session=uptake["animal_id"].str.split("-").str[0])
    empty = (tables.empty(table) for table in (tables.Cells, tables.Estimates, tables.Selection))
    found = summarise(collect(uptake, *empty, region="tumour"), confidence=0.95)
    found = found[(found["analysis"] == "all") & (found["endpoint"] == "uptake_pct_id")]
    assert len(found) == 2 * STUDIES
    assert (found["n"] == MICE).all()
    for region, rows in found.groupby("region"):
        error = rows["mean"] - truth["counter", region]
        # A standard deviation of 1,000 draws is known to 2.2 %.
        assert np.std(error / rows["measurement_se"]) == pytest.approx(1.0, abs=0.07)
        assert 0.93 <= np.mean(np.abs(error / rows["measurement_se"]) < 1.959964) <= 0.97
        as_if_independent = np.sqrt(rows["measurement_se"] ** 2 - rows["shared_se"] ** 2 * (1 - 1 / MICE))
        # Standards dominate in the tumour, the blank in the node, which holds little more than its background.
        assert np.std(error / as_if_independent) > {"tumour": 1.5, "lymph node": 1.08}[region]
