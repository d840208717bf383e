"""One value per mouse: scans, exclusions, detection, and the parameters of the chosen model."""

from typing import get_args

import numpy as np
import pandas as pd
import pytest

from cartrace import tables
from cartrace.config.comparison import EndpointName
from cartrace.endpoints import ENDPOINTS, KINETIC, by_name, collect, takes_part
from cartrace.growth import MODELS
from cartrace.readout_days import of_groups

KEY = list(tables.Endpoints.key)


def rows(table, records):
    frame = tables.empty(table)
    missing = {"float": np.nan, "int": 0, "flag": False}
    columns = {
        column.name: pd.Series([record.get(column.name, missing.get(column.kind, "")) for record in records])
        for column in table.columns
    }
    return pd.DataFrame(columns).astype(frame.dtypes.to_dict())


def scan(mouse, value, **changes):
    record = {"cohort": "C01", "animal_id": mouse, "session": "d07", "modality": "pet", "scan_id": f"s{mouse}"}
    record |= {"region": "tumour", "group": "CAR", "uptake_pct_id": value, "uptake_pct_id_per_ml": value * 2}
    return record | {"status": "ok"} | changes


def gather(uptake=(), cells=(), estimates=(), selection=(), ratios=(), readouts=None):
    return collect(
        rows(tables.Uptake, uptake),
        rows(tables.Cells, cells),
        rows(tables.Estimates, estimates),
        rows(tables.Selection, selection),
        region="tumour",
        ratios=rows(tables.Ratios, ratios),
        readouts=readouts,
    )


def value_of(found, analysis, mouse="1", endpoint="uptake_pct_id"):
    some = found[(found["analysis"] == analysis) & (found["animal_id"] == mouse) & (found["endpoint"] == endpoint)]
    assert len(some) == 1
    return some.iloc[0]


def test_scans_of_one_session_are_one_value_their_mean():
    found = gather([scan("1", 1.0), scan("1", 4.0, scan_id="again")])
    assert value_of(found, "all")["value"] == 2.5
    assert value_of(found, "all", endpoint="uptake_pct_id_per_ml")["value"] == 5.0


def test_cells_say_what_is_their_own_their_background_s_and_the_study_s():
    one = {"cohort": "C01", "animal_id": "1", "session": "d07", "modality": "pet", "region": "tumour", "group": "CAR"}
    one |= {"role": "test", "response_unit": "cells", "status": "ok", "scan_id": "s1", "response": 1000.0}
    one |= {"response_se": 50.0, "response_background_se": 30.0, "response_shared_se": 20.0}
    found = gather(cells=[one, one | {"animal_id": "2", "response": -1000.0}])
    row = value_of(found, "all", endpoint="cells")
    assert (row["own_se"], row["blanks_se"], row["shared_se"]) == (40.0, 30.0, 20.0)
    assert value_of(found, "all", mouse="2", endpoint="cells")["shared_se"] == -20.0


def test_a_parameter_is_as_uncertain_as_its_fit_and_a_level_by_more_that_no_fit_knows():
    chosen = {"analysis": "all", "model": "logistic", "chosen": True, "status": "ok"}
    fitted = {"model": "logistic", "analysis": "all", "level": "animal", "group": "CAR", "cohort": "C01"}
    fitted |= {"animal_id": "1", "status": "ok"}
    parameters = [
        fitted | {"parameter": "growth_rate", "estimate": 0.4, "scale": "log", "se": 0.1},
        fitted | {"parameter": "time_of_peak", "estimate": 9.0, "scale": "linear", "se": 0.5},
        fitted | {"parameter": "peak", "estimate": 1e6, "scale": "log", "se": 0.2},
        fitted | {"parameter": "auc", "estimate": 1e7, "scale": "log", "se": 0.2, "status": "not_converged"},
    ]
    found = gather(estimates=parameters, selection=[chosen])
    rate, day, peak, auc = (
        value_of(found, "all", endpoint=name) for name in ("growth_rate", "time_of_peak", "peak", "auc")
    )
    assert (rate["own_se"], rate["shared_se"]) == (pytest.approx(0.04), 0.0)
    assert (day["own_se"], day["shared_se"]) == (0.5, 0.0)
    assert peak["own_se"] == pytest.approx(2e5)
    assert np.isnan([peak["shared_se"], peak["blanks_se"], auc["own_se"]]).all()


def test_a_value_says_what_is_its_own_and_what_the_study_shares():
    layers = {"uptake_pct_id_se": 0.5, "uptake_pct_id_per_ml_se": 1.0, "rel_se_standard": 0.03}
    found = gather([scan("1", 10.0, **layers), scan("2", -10.0, **layers)])
    row = value_of(found, "all")
    assert row["shared_se"] == pytest.approx(0.3, rel=1e-12)
    assert row["own_se"] == pytest.approx(0.4, rel=1e-12)
    assert row["blanks_se"] == 0.0
    of_blanks = scan(
        "3", 10.0, modality="counter", background_se_pct_id=0.24, mass_g=0.5, uptake_pct_id_per_g=20.0, **layers
    )
    found = gather([of_blanks | {"uptake_pct_id_per_g_se": 1.0}])
    assert value_of(found, "all", mouse="3")["own_se"] == pytest.approx(0.32, rel=1e-12)
    per_g = value_of(found, "all", mouse="3", endpoint="uptake_pct_id_per_g")
    assert (per_g["blanks_se"], per_g["own_se"]) == (pytest.approx(0.48), pytest.approx(0.64))
    found = gather([scan("1", 10.0, **layers), scan("2", -10.0, **layers)])
    assert value_of(found, "all", endpoint="uptake_pct_id_per_ml")["shared_se"] == pytest.approx(0.6, rel=1e-12)
    # It pulls a value below zero the other way.
    assert value_of(found, "all", mouse="2")["shared_se"] == pytest.approx(-0.3, rel=1e-12)


def test_an_excluded_scan_is_left_out_of_one_analysis_only():
    excluded = {"excluded": True, "exclusion_reason": "motion"}
    found = gather([scan("1", 1.0), scan("1", 4.0, scan_id="again", **excluded)])
    assert value_of(found, "all")["value"] == 2.5
    row = value_of(found, "without_excluded")
    assert row["value"] == 1.0
    assert not row["excluded"]
    assert row["exclusion_reason"] == ""


def test_an_excluded_mouse_keeps_its_value_and_takes_no_part():
    found = gather([scan("1", 3.0, excluded=True, exclusion_reason="died early"), scan("2", 4.0)])
    row = value_of(found, "without_excluded")
    assert row["value"] == 3.0
    assert row["excluded"]
    assert row["exclusion_reason"] == "died early"
    part = found[takes_part(found) & (found["endpoint"] == "uptake_pct_id")]
    assert sorted(zip(part["analysis"], part["animal_id"], strict=True)) == [
        ("all", "1"), ("all", "2"), ("without_excluded", "2"),
    ]  # fmt: skip


def test_a_row_without_a_result_stays_with_its_reason():
    found = gather([scan("1", np.nan, status="not_estimable", reason="no dose"), scan("2", 4.0)])
    row = value_of(found, "all")
    assert np.isnan(row["value"])
    assert (row["status"], row["reason"]) == ("not_estimable", "no dose")


def test_a_value_is_below_detection_where_every_scan_is():
    found = gather(
        [
            scan("1", 1.0, is_below_detection=True),
            scan("1", 4.0, scan_id="again"),
            scan("2", 1.0, is_below_detection=True),
            scan("2", 1.5, scan_id="again2", is_below_detection=True),
            scan("3", np.nan, status="not_estimable", is_below_detection=True),
        ]
    )
    assert [value_of(found, "all", mouse)["is_below_detection"] for mouse in "123"] == [False, True, False]


def test_pet_is_per_gram_where_a_density_is_declared_and_per_volume_elsewhere():
    found = gather([scan("1", 1.0, uptake_pct_id_per_g=1.9), scan("1", 1.0, region="liver", scan_id="s2")])
    main = found[(found["analysis"] == "all") & (found["endpoint"] != "uptake_pct_id")]
    assert main.set_index("region")[["endpoint", "unit", "value"]].to_dict("index") == {
        "tumour": {"endpoint": "uptake_pct_id_per_g", "unit": "%ID/g", "value": 1.9},
        "liver": {"endpoint": "uptake_pct_id_per_ml", "unit": "%ID/mL", "value": 2.0},
    }


def test_the_counter_is_per_gram():
    counted = scan("1", 1.0, modality="counter", scan_id="", uptake_pct_id_per_g=8.0, uptake_pct_id_per_ml=np.nan)
    found = gather([counted])
    assert set(found["endpoint"]) == {"uptake_pct_id_per_g", "uptake_pct_id"}


@pytest.mark.parametrize(("unit", "endpoint", "shown"), [("cells", "cells", "cells"), ("pct_id", "net_pct_id", "%ID")])
def test_the_followed_response_is_cells_or_the_net_signal(unit, endpoint, shown):
    followed = scan("1", 1.0, role="test", response=2e5, response_unit=unit)
    found = gather(cells=[followed])
    assert found[["endpoint", "unit", "value"]].drop_duplicates().to_numpy().tolist() == [[endpoint, shown, 2e5]]


def estimate(mouse, parameter="growth_rate", value=0.5, **changes):
    record = {"model": "logistic", "analysis": "all", "level": "animal", "group": "CAR", "cohort": "C01"}
    record |= {"animal_id": mouse, "parameter": parameter, "unit": "1/day", "estimate": value, "status": "ok"}
    return record | changes


CHOSEN = [
    {"analysis": analysis, "model": model, "chosen": model == "logistic", "status": "ok"}
    for analysis in ("all", "without_excluded")
    for model in ("logistic", "gompertz")
]


def test_kinetics_are_those_of_the_chosen_model_and_of_mice():
    found = gather(
        estimates=[
            estimate("1"),
            estimate("1", model="gompertz", value=9.0),
            estimate("1", "plateau", 1e6),
            estimate("", level="group", cohort="", value=0.4),
        ],
        selection=CHOSEN,
    )
    assert found[["endpoint", "region", "session", "modality", "value"]].to_numpy().tolist() == [
        ["growth_rate", "tumour", "", "", 0.5],
        ["plateau", "tumour", "", "", 1e6],
    ]


def test_no_chosen_model_no_kinetics():
    assert gather(estimates=[estimate("1")], selection=[{"analysis": "all", "model": "logistic"}]).empty


@pytest.mark.parametrize("status", ["not_estimable", "at_bound", "not_converged"])
def test_an_estimate_that_did_not_succeed_is_no_value(status):
    found = gather(
        estimates=[estimate("1", status=status), estimate("2", status=status, reason="why")], selection=CHOSEN
    )
    assert found["value"].isna().all()
    assert set(found["status"]) == {"not_estimable"}
    assert found["reason"].tolist() == [status.replace("_", " "), "why"]


def test_an_excluded_mouse_keeps_its_kinetics_marked():
    gone = {"excluded": True, "exclusion_reason": "injection failed", "response_unit": "cells", "response": 1.0}
    kept = {"response_unit": "cells", "response": 1.0}
    fitted = [estimate("1"), estimate("2"), estimate("2", value=0.6, analysis="without_excluded")]
    for refit in ([], [estimate("1", analysis="without_excluded", status="not_estimable", value=np.nan)]):
        cells = [scan("1", 1.0, **gone), scan("2", 1.0, **kept), scan("2", 1.0, **(gone | {"scan_id": "bad"}))]
        found = gather(cells=cells, estimates=[*fitted, *refit], selection=CHOSEN)
        found = found[found["endpoint"] == "growth_rate"]
        first = found[(found["animal_id"] == "1") & (found["analysis"] == "without_excluded")].iloc[0]
        assert first["value"] == 0.5
        assert first["excluded"]
        assert first["exclusion_reason"] == "injection failed"
        # One excluded scan does not exclude a mouse: it was fitted again without it.
        second = found[(found["animal_id"] == "2") & (found["analysis"] == "without_excluded")].iloc[0]
        assert second["value"] == 0.6
        assert not second["excluded"]


def test_the_order_of_rows_changes_nothing():
    random = np.random.default_rng(5)
    records = [
        scan(str(mouse), random.lognormal(), scan_id=f"{mouse}-{again}", excluded=bool(random.random() < 0.3))
        for mouse in range(20)
        for again in range(3)
    ]
    order = random.permutation(len(records))
    pd.testing.assert_frame_equal(gather(records), gather([records[place] for place in order]))


def test_nothing_measured_is_an_empty_table():
    assert gather().columns.tolist() == tables.Endpoints.names()
    assert gather().empty


def test_the_registry_is_complete():
    assert {"growth_rate", "doubling_time", "peak", "time_of_peak", "auc", "contraction_half_life"} <= set(KINETIC)
    for model in MODELS:
        for parameter in model.parameters:
            assert parameter.name in KINETIC, f"{parameter.name} of {model.name} is compared by nobody"
            if parameter.name != "growth_rate":
                assert by_name(parameter.name).scale == parameter.scale
    declared = set(get_args(EndpointName)) - {"uptake"}
    assert declared == {endpoint.name for endpoint in ENDPOINTS} - {"uptake_pct_id_per_g", "uptake_pct_id_per_ml"}


def test_a_ratio_is_named_by_both_regions_and_is_below_detection_with_its_numerator():
    below = {"is_below_detection": True, "critical_level_pct_id": 0.5}
    ratio = {"cohort": "C01", "session": "d07", "modality": "pet", "region": "tumour", "reference": "muscle"}
    ratio |= {"group": "CAR", "status": "ok"}
    found = gather(
        [scan("1", 2.0), scan("1", 3.0, scan_id="again"), scan("2", 0.4, **below)],
        ratios=[
            ratio | {"animal_id": "1", "scan_id": "s1", "ratio": 8.0},
            ratio | {"animal_id": "1", "scan_id": "again", "ratio": 10.0},
            ratio | {"animal_id": "2", "scan_id": "s2", "ratio": 0.8},
        ],
    )
    rows = found[(found["endpoint"] == "ratio") & (found["analysis"] == "all")].set_index("animal_id")
    assert set(rows["region"]) == {"tumour/muscle"}
    assert rows["value"].to_dict() == {"1": 9.0, "2": 0.8}
    assert rows["is_below_detection"].to_dict() == {"1": False, "2": True}
    assert rows.loc["2", "detection_level"] == pytest.approx(1.0)


def test_suv_is_an_endpoint_where_mice_were_weighed():
    found = gather([scan("1", 2.0, suv=0.5), scan("2", 2.0, session="d14")])
    rows = found[found["endpoint"] == "suv"]
    assert rows[["session", "value", "unit"]].drop_duplicates().to_numpy().tolist() == [["d07", 0.5, "SUV"]]


def test_readouts_of_a_day_are_one_value_of_the_mouse():
    animal = {"cohort": "C01", "group": "CAR", "cells_infused_at": "2026-03-01T08:00:00+01:00"}
    animals = rows(tables.Animals, [animal | {"animal_id": name} for name in "12"])
    volume = {"cohort": "C01", "readout": "tumour_volume", "unit": "mm3"}
    taken = [
        volume | {"animal_id": "1", "measured_at": "2026-03-08T09:00:00+01:00", "value": 100.0},
        volume | {"animal_id": "1", "measured_at": "2026-03-08T15:00:00+01:00", "value": 120.0},
        volume | {"animal_id": "2", "measured_at": "2026-03-08T06:00:00+01:00", "value": 300.0},
    ]
    out = {"cohort": "C01", "level": "animal", "animal_id": "2", "reason": "injection failed"}
    readouts = of_groups(rows(tables.Readouts, taken), animals, rows(tables.Exclusions, [out]))
    found = gather(readouts=readouts)
    every = found[found["analysis"] == "all"]
    columns = ["endpoint", "region", "session", "animal_id", "value", "unit", "excluded"]
    assert every[columns].to_numpy().tolist() == [
        ["readout", "tumour_volume", "day 7", "1", 110.0, "mm3", False],
        ["readout", "tumour_volume", "day 7", "2", 300.0, "mm3", True],
    ]
    assert takes_part(found[found["analysis"] == "without_excluded"]).tolist() == [True, False]


def test_the_level_of_a_value_below_detection_is_in_its_own_unit():
    below = {"is_below_detection": True, "critical_level_pct_id": 0.5, "volume_ml": 0.5}
    found = gather([scan("1", 0.2, **below), scan("1", 0.4, scan_id="again", **below | {"critical_level_pct_id": 0.7})])
    assert value_of(found, "all")["detection_level"] == pytest.approx(0.7)
    # %ID/mL is twice the %ID of this region.
    assert value_of(found, "all", endpoint="uptake_pct_id_per_ml")["detection_level"] == pytest.approx(1.4)
    nothing = gather([scan("1", 0.0, **below)])
    assert value_of(nothing, "all", endpoint="uptake_pct_id_per_ml")["detection_level"] == pytest.approx(1.0)


def test_the_level_of_cells_is_that_of_the_response():
    cell = {"cohort": "C01", "animal_id": "1", "session": "d07", "modality": "pet", "scan_id": "s", "region": "tumour"}
    cell |= {"group": "CAR", "response": 10.0, "response_unit": "cells", "status": "ok"}
    found = gather(cells=[cell | {"is_below_detection": True, "response_critical_level": 50.0}])
    assert value_of(found, "all", endpoint="cells")["detection_level"] == 50
