"""A decision at each of the five levels, from the sheet to the comparisons: marked everywhere, with and without."""

import shutil

import numpy as np
import pandas as pd
import pytest
from pipeline import ROOT, compared, counted_cells, imported, measured, shipped

from cartrace import tables

HEADER = "level,animal_id,session,region,scan_id,counter_file,rack,position,reason_code,reason,decided_by,decided_at"
DECISIONS = {
    "animal": "animal,M104,,,,,,",
    "session": "session,M109,d07,,,,,",
    "tube": "tube,,,,,000563.csv,1,9",
    "scan": "scan,,,,M110_d10,,,",
    "region": "region,M103,d21,tumour,,,,",
}
KEY = ["animal_id", "session", "modality", "scan_id", "region"]


def analysed(folder, decisions):
    """Analyse a cohort of the demo with these decisions, and return its tables by name."""
    shutil.copytree(ROOT / "resources" / "demo_study" / "C01", folder / "study" / "C01")
    lines = [f"{line},technical,{level} decided,AB,2026-02-10 12:00,yes" for level, line in decisions.items()]
    sheet = folder / "study" / "C01" / "exclusions.csv"
    sheet.write_text("\n".join([f"{HEADER},before_unblinding", *lines]) + "\n", encoding="utf-8")
    settings, results = shipped(expansion={"models": ["expansion_contraction"]}), folder / "results"
    imported(folder / "study", "C01", settings, results)
    measured("C01", settings, results)
    counted_cells("C01", settings, results)
    compared(["C01"], settings, results)
    named = {
        "uptake": ("C01/3_uptake/uptake.csv", tables.Uptake),
        "ratios": ("C01/3_uptake/ratios.csv", tables.Ratios),
        "cells": ("C01/4_cells/cells.csv", tables.Cells),
        "estimates": ("5_expansion/expansion_contraction/estimates.csv", tables.Estimates),
        "endpoints": ("6_comparison/endpoints.csv", tables.Endpoints),
        "summaries": ("6_comparison/summaries.csv", tables.Summaries),
        "comparisons": ("6_comparison/comparisons.csv", tables.Comparisons),
    }
    return {name: tables.read(results / path, table) for name, (path, table) in named.items()}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return analysed(tmp_path_factory.mktemp("plain"), {})


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    return analysed(tmp_path_factory.mktemp("decided"), DECISIONS)


def meant(uptake):
    """Return what each decision means, as masks over the uptake."""
    animal, session, region = uptake["animal_id"], uptake["session"], uptake["region"]
    return {
        "animal": animal == "M104",
        "session": (animal == "M109") & (session == "d07"),
        "tube": (animal == "M101") & (session == "d21") & (region == "liver") & (uptake["modality"] == "counter"),
        "scan": uptake["scan_id"] == "M110_d10",
        "region": (animal == "M103") & (session == "d21") & (region == "tumour"),
    }


@pytest.mark.parametrize("level", list(DECISIONS))
def test_a_decision_marks_the_uptake_that_it_means(decided, level):
    uptake = decided["uptake"]
    mask = meant(uptake)[level]
    assert mask.any()
    assert uptake.loc[mask, "excluded"].all()
    assert set(uptake.loc[mask, "exclusion_reason"]) == {f"technical: {level} decided"}


def test_no_other_uptake_is_marked_and_no_value_changes(decided, plain):
    uptake = decided["uptake"]
    everything = np.logical_or.reduce(list(meant(uptake).values()))
    assert uptake["excluded"].to_list() == everything.tolist()
    assert not plain["uptake"]["excluded"].any()
    for name in ("uptake_pct_id", "uptake_pct_id_se", "uptake_pct_id_per_g", "uptake_pct_id_per_ml", "suv"):
        pd.testing.assert_series_equal(uptake[name], plain["uptake"][name])


def test_a_ratio_is_marked_where_either_of_its_regions_is(decided):
    marked = decided["uptake"].set_index(KEY)["excluded"]
    ratios = decided["ratios"]
    of_region = marked.loc[pd.MultiIndex.from_frame(ratios[KEY])].to_numpy()
    of_reference = ratios.assign(region=ratios["reference"])[KEY]
    either = of_region | marked.loc[pd.MultiIndex.from_frame(of_reference)].to_numpy()
    assert ratios["excluded"].to_list() == either.tolist()


def test_cells_are_marked_and_those_of_others_stay(decided, plain):
    cells, before = decided["cells"], plain["cells"]
    scans = {(row.animal_id, row.session) for row in cells[cells["excluded"]].itertuples()}
    of_m104 = set(before.loc[before["animal_id"] == "M104", "session"])
    expected = {("M104", session) for session in of_m104} | {("M109", "d07"), ("M110", "d10"), ("M103", "d21")}
    assert scans == expected
    pd.testing.assert_series_equal(cells["cells"], before["cells"])


def of_mouse(tables_, animal, analysis):
    rows = tables_["estimates"]
    rows = rows[(rows["level"] == "animal") & (rows["animal_id"] == animal) & (rows["analysis"] == analysis)]
    return rows.set_index("parameter").loc["growth_rate"]


@pytest.mark.parametrize(("animal", "lost"), [("M109", 1), ("M110", 1), ("M103", 1), ("M101", 0)])
def test_a_fit_is_made_with_and_without(decided, plain, animal, lost):
    full, less = of_mouse(decided, animal, "all"), of_mouse(decided, animal, "without_excluded")
    assert full["n_points"] - less["n_points"] == lost
    assert full["estimate"] == pytest.approx(of_mouse(plain, animal, "all")["estimate"], rel=1e-9)


def test_a_mouse_without_values_left_has_no_fit_and_says_why(decided):
    assert of_mouse(decided, "M104", "all")["status"] == "ok"
    gone = of_mouse(decided, "M104", "without_excluded")
    assert (gone["status"], gone["reason"]) == ("not_estimable", "all its values are excluded")


def n_of(tables_, analysis, **place):
    rows = tables_["summaries"]
    rows = rows[rows["analysis"] == analysis]
    for name, value in place.items():
        rows = rows[rows[name] == value]
    assert len(rows) == 1
    return int(rows["n"].iloc[0])


@pytest.mark.parametrize(
    ("level", "place"),
    [
        ("animal", {"endpoint": "growth_rate", "group": "CAR"}),
        ("session", {"endpoint": "cells", "session": "d07", "group": "CAR"}),
        ("tube", {"endpoint": "uptake_pct_id", "modality": "counter", "region": "liver", "group": "NT"}),
        ("scan", {"endpoint": "cells", "session": "d10", "group": "CAR"}),
        ("region", {"endpoint": "uptake_pct_id", "modality": "counter", "region": "tumour", "group": "NT"}),
    ],
)
def test_a_group_has_a_mouse_less_without_what_was_decided(decided, plain, level, place):
    lost = n_of(decided, "all", **place) - n_of(decided, "without_excluded", **place)
    # The animal of the first level is in the group CAR as well.
    assert lost == {"animal": 1, "session": 2, "tube": 1, "scan": 2, "region": 1}[level]
    assert n_of(decided, "all", **place) == n_of(plain, "all", **place)


def test_the_primary_comparison_is_made_with_and_without(decided, plain):
    rows = decided["comparisons"]
    primary = rows[rows["is_primary"]].set_index("analysis")
    before = plain["comparisons"]
    before = before[before["is_primary"]].set_index("analysis")
    assert primary.loc["all", "n_a"] - primary.loc["without_excluded", "n_a"] == 1
    assert primary.loc["all", "estimate"] == pytest.approx(before.loc["all", "estimate"], rel=1e-9)
    assert primary.loc["without_excluded", "estimate"] != primary.loc["all", "estimate"]
