"""Stage 6 on tissues of mice that were dissected at several times."""

import numpy as np
import pandas as pd
import pytest

import integrate_uptake
from cartrace import tables

HOURS = (2.0, 24.0, 48.0, 72.0)
# %ID/g of three mice at each time; a gram of each tissue, so that %ID is the same.
BLOOD = ((13.0, 14.0, 15.0), (2.0, 1.8, 2.1), (1.5, 1.3, 1.4), (1.1, 1.2, 0.9))
TUMOUR = ((19.0, 18.0, 23.0), (27.0, 29.0, 25.0), (26.0, 24.0, 29.0), (20.0, 18.0, 22.0))
HALF_LIFE_H = 78.41
SETTINGS = {"tail": "physical", "human_weight_kg": None, "confidence": 0.95, "reference_regions": ["blood"]}


def study(folder, *, hours=HOURS, change=None, **settings):
    uptake, doses = [], []
    for time, hour in enumerate(hours):
        for place in range(3):
            mouse = {"cohort": "C01", "animal_id": f"M{time}{place}", "session": "s1"}
            dose = mouse | {"tracer": "[89Zr]oxine", "nuclide": "Zr-89", "half_life_s": HALF_LIFE_H * 3600.0}
            dose |= {"half_life_se_s": 432.0, "tail_source": "calibrator", "dose_route": "counted_standard"}
            dose |= {"injected_at": "2026-03-10T10:12:00+01:00"}
            doses.append(dose | {"status": "ok", "counter_status": "ok", "excluded": False})
            for region, levels in (("blood", BLOOD), ("tumour", TUMOUR)):
                row = mouse | {"modality": "counter", "region": region, "group": "CAR", "tracer": "[89Zr]oxine"}
                row |= {"nuclide": "Zr-89", "tracer_h": hour + 0.05 * place, "cell_day": (hour + 0.05 * place) / 24.0}
                row |= {
                    "mass_g": 1.0,
                    "body_weight_g": 25.0,
                    "uptake_pct_id": levels[time][place],
                    "status": "ok",
                    "excluded": False,
                }
                uptake.append(row | {"uptake_pct_id_per_g": levels[time][place], "is_below_detection": False})
    frames = {"uptake": (uptake, tables.Uptake), "dose_activity": (doses, tables.DoseActivity)}
    paths = {}
    for name, (rows, table) in frames.items():
        frame = pd.concat([tables.empty(table), pd.DataFrame(rows)], ignore_index=True)
        for column in table.columns:
            if column.kind in ("text", "time", "date"):
                frame[column.name] = frame[column.name].fillna("").astype(str)
            elif column.kind == "flag":
                frame[column.name] = frame[column.name].fillna(False).astype(bool)
        if change and name == "uptake":
            change(frame)
        paths[name] = str(folder / f"{name}.csv")
        tables.write(frame[table.names()], paths[name], table)
    out = folder / "destructive.csv"
    integrate_uptake.main(
        uptake=[paths["uptake"]],
        dose_activity=[paths["dose_activity"]],
        destructive=str(out),
        **(SETTINGS | settings),
    )
    return tables.read(str(out), tables.Destructive)


def one(frame, quantity, region="tumour", *, analysis="all"):
    rows = frame[(frame["quantity"] == quantity) & (frame["region"] == region) & (frame["analysis"] == analysis)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_areas_ratio_half_lives_and_residence_by_hand(tmp_path):
    found = study(tmp_path)
    hours = np.array(HOURS) + 0.05
    blood, tumour = np.mean(BLOOD, axis=1), np.mean(TUMOUR, axis=1)
    area = one(found, "auc")
    assert area["estimate"] == pytest.approx(np.trapezoid(tumour, hours), rel=1e-12)
    assert (area["first_h"], area["last_h"]) == (pytest.approx(2.05), pytest.approx(72.05))
    assert (area["n_times"], area["n_animals"], area["unit"]) == (4, 12, "%ID/g·h")
    weights = np.array([11.0, 23.0, 24.0, 12.0])
    assert area["se"] == pytest.approx(np.sqrt((weights**2 * np.var(TUMOUR, axis=1, ddof=1) / 3.0).sum()), rel=1e-12)
    ratio = one(found, "auc_ratio")
    assert ratio["reference"] == "blood"
    assert ratio["estimate"] == pytest.approx(np.trapezoid(tumour, hours) / np.trapezoid(blood, hours), rel=1e-12)
    assert ratio["ci_low"] < ratio["estimate"] < ratio["ci_high"]
    # Blood falls from the first time on: the line through the logarithms of all twelve mice.
    slope = np.polyfit(np.repeat(hours, 3), np.log(np.ravel(BLOOD)), 1)[0]
    biological = one(found, "biological_half_life", "blood")
    assert biological["estimate"] == pytest.approx(-np.log(2.0) / slope, rel=1e-12)
    effective = one(found, "effective_half_life", "blood")
    assert 1.0 / effective["estimate"] == pytest.approx(1.0 / biological["estimate"] + 1.0 / HALF_LIFE_H, rel=1e-12)
    # The line between the means, decaying, on a grid of a second; the tail decays and does nothing else.
    residence, decay = one(found, "tiac"), np.log(2.0) / HALF_LIFE_H
    grid = np.linspace(0.0, hours[-1], 259_381)
    inside = np.trapezoid(np.interp(grid, hours, tumour) * np.exp(-decay * grid), grid)
    tail = tumour[-1] * np.exp(-decay * hours[-1]) / decay
    assert residence["estimate"] == pytest.approx((inside + tail) / 100.0, rel=1e-8)
    assert residence["rule"] == "constant before the first time; after the last nothing but decay"
    assert (found["quantity"] != "tiac_human").all()


def test_a_fitted_tail_is_shorter_and_says_so(tmp_path):
    physical = one(study(tmp_path), "tiac", "blood")
    fitted = one(study(tmp_path, tail="fitted"), "tiac", "blood")
    assert fitted["estimate"] < physical["estimate"]
    assert "fitted biological rate" in fitted["rule"]


def test_a_human_s_residence_is_that_of_slower_biology(tmp_path):
    found = study(tmp_path, human_weight_kg=73.0)
    assert one(found, "tiac_human")["estimate"] > one(found, "tiac")["estimate"]
    assert one(found, "tiac_human")["rule"].endswith("biological times 7.351-fold")


def test_uptake_that_does_not_fall_has_no_half_life_but_an_area(tmp_path):
    def rise(frame):
        late = frame["tracer_h"] > 50.0
        frame.loc[late, ["uptake_pct_id", "uptake_pct_id_per_g"]] *= 30.0

    found = study(tmp_path, change=rise, tail="fitted")
    assert one(found, "auc")["status"] == "ok"
    lost = one(found, "biological_half_life")
    assert lost["status"] == "not_estimable"
    assert (
        lost["reason"]
        == "from its highest mean on, uptake is above detection in all mice at 1 time of sacrifice; 3 are needed"
    )
    assert one(found, "tiac")["reason"].startswith("the tail is not known: ")


def test_two_times_of_sacrifice_give_an_empty_table(tmp_path):
    assert study(tmp_path, hours=HOURS[:2]).empty


def test_mice_a_little_apart_are_of_one_time(tmp_path):
    # Dissected 1.0 to 1.4 h after the injection: sessions of a study of growth, not a curve.
    assert study(tmp_path, hours=(1.0, 1.15, 1.3)).empty


def test_excluded_mice_are_in_one_analysis_only(tmp_path):
    def exclude(frame):
        is_first = frame["animal_id"] == "M00"
        frame.loc[is_first, "excluded"] = True
        frame.loc[is_first, "exclusion_reason"] = "technical: spilled"

    found = study(tmp_path, change=exclude)
    assert one(found, "auc")["n_animals"] == 12
    without = one(found, "auc", analysis="without_excluded")
    assert without["n_animals"] == 11
    assert without["estimate"] != one(found, "auc")["estimate"]


def test_a_mouse_alone_at_its_time_leaves_the_area_without_an_interval(tmp_path):
    def lose(frame):
        frame.loc[frame["animal_id"].isin(["M11", "M12"]), "status"] = "not_estimable"

    area = one(study(tmp_path, change=lose), "auc")
    assert area["status"] == "ok"
    assert np.isnan(area["se"])
    assert area["reason"].startswith("fewer than two mice at a time")
