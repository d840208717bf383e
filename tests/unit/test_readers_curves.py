"""Curves with one column per region: PMOD .tac, Turku .dft and BIDS-style tables hold what the .voistat holds."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import formats
import pytest

from cartrace import units
from cartrace.readers import Export, RoiTable

EDGES_S = [0, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 900, 1200, 1500, 1800]
VOISTAT = "pet/M01_dynamic_kBqcc.voistat"
BIDS = "pet/sub-M01_ses-d07_desc-preproc_tacs.tsv"
SIDECAR = formats.export("pet/sub-M01_ses-d07_desc-preproc_tacs.json")


def curves(found: RoiTable) -> dict[tuple[str, float, float], float]:
    """Return values in kBq/mL by region, start and end."""
    factor = units.concentration_factor(found.unit)
    assert factor is not None
    return {
        (row.region, row.frame_start_s, row.frame_start_s + row.frame_duration_s): row.value * factor
        for row in found.rows
    }


@pytest.mark.parametrize(
    ("name", "reader", "rel", "settings"),
    [
        ("pet/M01_dynamic.tac", "pmod_tac", 1e-9, {}),
        ("pet/M01_dynamic.dft", "dft", 6e-4, {}),
        (BIDS, "bids_tacs", 1e-9, {"sidecar": SIDECAR}),
    ],
)
def test_every_form_holds_the_same_curves(name: str, reader: str, rel: float, settings: dict[str, Any]) -> None:
    truth = curves(formats.read(formats.export(VOISTAT), "pet", "pmod_voistat"))
    found = formats.read(formats.export(name), "pet", reader, **settings)
    assert (found.n_rows, len(found.rows)) == (15, 60)
    own = curves(found)
    assert set(own) == set(truth)
    assert [own[key] for key in truth] == pytest.approx(list(truth.values()), rel=rel)
    frames = sorted({(row.frame_start_s, row.frame_start_s + row.frame_duration_s) for row in found.rows})
    assert frames == list(itertools.pairwise(EDGES_S))


def test_only_a_dft_knows_volumes() -> None:
    found = formats.read(formats.export("pet/M01_dynamic.dft"), "pet", "dft")
    assert [row.volume_ml for row in found.rows[:4]] == pytest.approx([0.0061, 0.245, 0.09, 0.05])
    other = formats.read(formats.export("pet/M01_dynamic.tac"), "pet", "pmod_tac")
    assert all(math.isnan(row.volume_ml) for row in other.rows)


def test_a_tac_has_its_own_units_gaps_and_padding() -> None:
    text = "start[minutes]\tend[Bq/ml]\tA b\tB\n0\t0\t0\t0\n0\t1\t-8.25E-5\t\n1\t3\t2,5\tNaN\n"
    found = formats.read(formats.made(text), "pet", "pmod_tac")
    assert (found.unit, found.n_rows, found.finding) == ("Bq/ml", 3, "1 row without duration left out")
    assert found.conversions == ("time: minutes -> s",)
    assert [row[1:5] for row in found.rows if row.region == "A b"] == [("A b", 0, 60, -8.25e-5), ("A b", 60, 120, 2.5)]
    assert all(math.isnan(row.value) for row in found.rows if row.region == "B")


@pytest.mark.parametrize(
    ("text", "code", "row"),
    [
        ("start[weeks]\tend[kBq/cc]\tA\n0\t1\t5\n", "unit-unknown", None),
        ("start[s]\tend[kBq/cc]\n0\t1\n", "missing-column", None),
        ("start[s]\tend[kBq/cc]\tA\tA\n0\t1\t5\t5\n", "region-twice", None),
        ("start[s]\tend[kBq/cc]\tA\n", "no-rows", None),
        ("start[s]\tend[kBq/cc]\tA\n1\t0\t5\n", "frames", 2),
        ("start[s]\tend[kBq/cc]\tA\n\t1\t5\n", "frames", 2),
        ("start[s]\tend[kBq/cc]\tA\n0\t1\tfive\n", "not-a-number", 2),
        ("start[s]\tend[kBq/cc]\tA\n0\t1\t5\t5\n", "row-width", 2),
        ("start[s]\tend[kBq/cc]\tA\tB\n0\t1\t5\n", "row-width", 2),
    ],
)
def test_a_tac_that_cannot_be_right_is_refused(text: str, code: str, row: int | None) -> None:
    assert formats.refused(formats.made(text), "pet", "pmod_tac") == [(code, row)]


def dft(times: str, *rows: str) -> Export:
    titles = ["DFT putamen putamen cer", "s1 dx sin .", "nCi/ml . . Pl10", f"{times} 100 . 50", "# a comment"]
    return formats.made("\n".join([*titles, *rows]) + "\n", "x.dft")


def test_a_dft_may_have_sides_planes_gaps_and_mid_frame_times() -> None:
    found = formats.read(dft("Time (min)", "0.5 1 2 .", "2.0 4 5 6"), "pet", "dft")
    assert found.unit == "nCi/ml"
    assert [row.region for row in found.rows[:3]] == ["putamen dx", "putamen sin", "cer Pl10"]
    assert [(row.frame_start_s, row.frame_duration_s) for row in found.rows[::3]] == [(0, 60), (60, 120)]
    assert math.isnan(found.rows[2].value)
    assert math.isnan(found.rows[1].volume_ml)
    assert found.rows[0].volume_ml == pytest.approx(0.1)


def test_a_dft_that_cannot_be_right_is_refused() -> None:
    assert formats.refused(dft("Times (week)", "0 1 1 2 3"), "pet", "dft") == [("unit-unknown", None)]
    assert formats.refused(dft("Times (min)", "0 1 1 2 x"), "pet", "dft") == [("not-a-number", 6)]
    assert formats.refused(dft("Times (min)", "0 1 1 2"), "pet", "dft") == [("row-width", 6)]
    assert formats.refused(dft("Time (min)", "1 1 2 3", "1 1 2 3"), "pet", "dft") == [("frames", None)]


def bids(**stated: Any) -> RoiTable:
    sidecar = formats.made(json.dumps(stated), "x.json")
    text = "frame_start\tframe_end\tA\n0\t0\t0\n0\t1\tn/a\n1\t3\t5\n"
    found = formats.read(formats.made(text), "pet", "bids_tacs", sidecar=sidecar)
    assert isinstance(found, RoiTable)
    return found


def test_a_bids_table_takes_units_from_its_json_and_leaves_padding_out() -> None:
    found = bids(frame_start={"Units": "min"}, A={"Units": "kBq/mL"})
    assert (found.unit, len(found.rows), found.corrected_to) == ("kBq/mL", 2, None)
    assert found.rows[1][2:4] == (60, 120)
    assert math.isnan(found.rows[0].value)
    assert bids(Units="Bq/mL").unit == "Bq/mL"


@pytest.mark.parametrize(
    ("stated", "reference"),
    [
        ({"ImageDecayCorrected": False}, {"none"}),
        ({"ImageDecayCorrected": True, "ImageDecayCorrectionTime": 0, "ScanStart": 0}, {"scan_start"}),
        (
            {"ImageDecayCorrected": True, "ImageDecayCorrectionTime": -3600, "ScanStart": 0, "InjectionStart": -3600},
            {"injection"},
        ),
        (
            {"ImageDecayCorrected": True, "ImageDecayCorrectionTime": 0, "ScanStart": 0, "InjectionStart": 0},
            {"scan_start", "injection"},
        ),
        ({"ImageDecayCorrected": True}, None),
        ({"ImageDecayCorrectionTime": 0, "ScanStart": 0}, None),
    ],
)
def test_a_bids_json_says_what_its_values_are_decay_corrected_to(
    stated: dict[str, Any], reference: set[str] | None
) -> None:
    found = bids(**stated).corrected_to
    assert found == (None if reference is None else frozenset(reference))


def test_a_bids_json_that_cannot_be_right_is_refused() -> None:
    table = formats.made("frame_start\tframe_end\tA\tB\n0\t1\t5\t5\n")

    def codes(text: str) -> list[tuple[str, int | None]]:
        return formats.refused(table, "pet", "bids_tacs", sidecar=formats.made(text, "x.json"))

    assert codes("{") == [("not-a-json", None)]
    assert codes("[1]") == [("not-a-json", None)]
    assert codes("[" * 100_000) == [("not-a-json", None)]
    assert codes('{"A": {"Units": "Bq/mL"}, "B": {"Units": "kBq/mL"}}') == [("unit-contradicts", None)]
    assert codes('{"frame_start": {"Units": "week"}}') == [("unit-unknown", None)]
    late = {"ImageDecayCorrected": True, "ImageDecayCorrectionTime": 900, "ScanStart": 0, "InjectionStart": -10}
    assert codes(json.dumps(late)) == [("decay-reference", None)]
