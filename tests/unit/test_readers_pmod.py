"""PMOD exports: both versions of the example, a real mouse, and the frames behind mid-frame times."""

from __future__ import annotations

import itertools
import json
import math
from datetime import datetime
from pathlib import Path

import pytest
import real
from hypothesis import given
from hypothesis import strategies as st

from cartrace.errors import InputError
from cartrace.readers import Export, RoiTable, Settings, choose, pmod
from cartrace.readers.frames import frames_of_midpoints
from cartrace.roi_units import conversion

FORMATS = Path(__file__).parents[1] / "data" / "formats"
TRUTH = json.loads((FORMATS / "ground_truth.json").read_text(encoding="utf-8"))
EDGES_S = [0, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 900, 1200, 1500, 1800]


def table(path: Path) -> RoiTable:
    file = Export(path.name, path.read_bytes())
    reader = choose(file, what="pet", form="auto", settings=Settings())
    assert reader.name == "pmod_voistat"
    found = reader.reads(file, Settings())
    assert isinstance(found, RoiTable)
    return found


@pytest.mark.parametrize(
    ("name", "unit"), [("M01_dynamic_kBqcc.voistat", "kBq/cc"), ("M01_dynamic_SUV.voistat", "SUV")]
)
def test_both_versions_are_read_in_full(name: str, unit: str) -> None:
    path = FORMATS / "pet" / name
    found = table(path)
    assert (found.unit, found.n_rows, len(found.rows)) == (unit, 60, 60)
    assert found.written_at == datetime(2026, 3, 11, 15, 31, 29)
    assert {row.labels for row in found.rows} == {("M01", "RGI001_M01")}
    assert list(dict.fromkeys(row.region for row in found.rows)) == ["Thyroid", "Tumor", "Heart", "Muscle"]
    cells = [line.split("\t") for line in path.read_text(encoding="ascii").splitlines() if line.startswith("RGI001")]
    assert [row.value for row in found.rows] == [float(line[-3]) for line in cells]
    assert [row.sd for row in found.rows] == [float(line[-2]) for line in cells]
    assert [row.volume_ml for row in found.rows] == [float(line[-1]) for line in cells]
    frames = [(row.frame_start_s, row.frame_start_s + row.frame_duration_s) for row in found.rows[:15]]
    assert frames == list(itertools.pairwise(EDGES_S))


def test_suv_and_activity_agree_by_the_dose_and_weight_of_the_software() -> None:
    suv, activity = (table(FORMATS / "pet" / f"M01_dynamic_{unit}.voistat") for unit in ("SUV", "kBqcc"))
    dose_kbq = TRUTH["injected"]["M01"]["syringe_only_MBq"] * 1e3
    way = conversion("SUV", "", suv_dose_kbq=dose_kbq, suv_weight_g=22.4)
    for one, other in zip(suv.rows, activity.rows, strict=True):
        # The SUV file has six decimals, half of the last of which is what may differ.
        assert one.value * way.factor == pytest.approx(other.value, rel=1e-9, abs=0.55e-6 * way.factor)


def test_acquisition_times_fit_and_are_the_same_frames() -> None:
    frames = pmod.acquisition_times(Export("M01.acqtimes", (FORMATS / "pet" / "M01.acqtimes").read_bytes()))
    assert [start for start, _ in frames] == EDGES_S[:-1]
    assert [end for _, end in frames] == EDGES_S[1:]
    mids = pmod.midpoints(Export("x", (FORMATS / "pet" / "M01_dynamic_SUV.voistat").read_bytes()))
    assert mids is not None
    assert pmod.fits(mids, frames)
    assert not pmod.fits(mids, frames[1:])
    assert not pmod.fits([mid + 5 for mid in mids], frames)


@real.needed
def test_a_real_mouse() -> None:
    found = table(real.file("VOIdata_M3.voistat"))
    assert (found.unit, found.n_rows) == ("SUV", 168)
    assert next(iter(dict.fromkeys(row.region for row in found.rows))) == "Brain"
    assert len(dict.fromkeys(row.region for row in found.rows)) == 4
    brain = [row for row in found.rows if row.region == "Brain"]
    assert len(brain) == 42
    assert brain[0].value == 8.253594e-05
    assert (brain[0].frame_start_s, brain[0].frame_duration_s) == (0.0, 30.0)
    assert (brain[1].frame_start_s, brain[1].frame_duration_s) == (30.0, 5.0)
    assert brain[-1].frame_start_s + brain[-1].frame_duration_s == 2730.0
    assert brain[0].volume_ml == 0.223781


HEADER = "\t".join(
    [
        "// PatientName [string]",
        "PatientID [string]",
        "VoiName(Region) [string]",
        "Time [seconds]",
        "Averaged [kBq/cc]",
        "Sd [kBq/cc]",
    ]
)


def export(*rows: str, header: str = HEADER) -> Export:
    return Export("x.voistat", "\n".join(["# PMOD_VOI_STATISTICS", header, *rows, ""]).encode("cp1252"))


def test_java_numbers_gaps_and_foreign_letters() -> None:
    rows = pmod.reads(
        export("Mäuschen\tM1\tHerz\t30.0\t8.25E-5\tNaN", "Mäuschen\tM1\tLunge\t30.0\t\t1"), Settings()
    ).rows
    assert rows[0].labels == ("M1", "Mäuschen")
    assert rows[0].value == 8.25e-5
    assert math.isnan(rows[0].sd)
    assert math.isnan(rows[1].value)
    assert math.isnan(rows[0].volume_ml)


def test_units_of_time_and_volume_are_those_of_the_header() -> None:
    header = HEADER.replace("seconds", "min") + "\tVolume [mm3]"
    row = pmod.reads(export("A\tB\tTumor\t5\t1\t1\t245", header=header), Settings()).rows[0]
    assert (row.frame_start_s, row.frame_duration_s) == (0.0, 600.0)
    assert row.volume_ml == pytest.approx(0.245)


def test_mice_of_one_file_keep_their_own_frames() -> None:
    rows = pmod.reads(export("A\t1\tTumor\t10\t1\t1", "B\t2\tTumor\t30\t1\t1"), Settings()).rows
    assert [(row.frame_start_s, row.frame_duration_s) for row in rows] == [(0.0, 20.0), (0.0, 60.0)]


def test_a_copy_with_semicolons_and_decimal_commas_is_read() -> None:
    row = pmod.reads(export("A;B;Tumor;300,0;187,3;18,7", header=HEADER.replace("\t", ";")), Settings()).rows[0]
    assert (row.value, row.sd, row.frame_duration_s) == (187.3, 18.7, 600.0)


def test_an_export_without_time_has_frames_of_no_duration() -> None:
    found = pmod.reads(export("A\tB\tTumor\t0.0\t1\t1"), Settings())
    assert (found.rows[0].frame_start_s, found.rows[0].frame_duration_s) == (0.0, 0.0)
    assert found.finding == "the export carries no time"


@pytest.mark.parametrize(
    ("rows", "header", "code"),
    [
        (["A\tB\tTumor\t10\tmany\t1"], HEADER, "not-a-number"),
        (["A\tB\tTumor\t-10\t1\t1"], HEADER, "not-a-number"),
        (["A\tB\tTumor\t\t1\t1"], HEADER, "not-a-number"),
        (["A\tB\tTumor\t10\t1\t1\t5"], HEADER, "row-width"),
        (["A\tB\tTumor\t10\t1\t1", "A\tB\tTumor\t11\t1\t1"], HEADER, "frames"),
        ([], HEADER, "no-rows"),
        (["A\tB\tTumor\t10\t1\t1"], HEADER.replace("Averaged", "Median"), "missing-column"),
        (["A\tB\tTumor\t10\t1\t1"], HEADER.replace("seconds", "ticks"), "unit-unknown"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(rows: list[str], header: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        pmod.reads(export(*rows, header=header), Settings())
    assert [problem.code for problem in caught.value.problems] == [code]


@pytest.mark.parametrize("text", ["2 # Number of acquisitions\n0\t30\n", "0\t30\n60\n", "30\t0\n", "a\tb\n"])
def test_broken_acquisition_times_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        pmod.acquisition_times(Export("x.acqtimes", text.encode()))


@given(st.lists(st.integers(1, 600).map(float), min_size=1, max_size=40))
def test_frames_are_rebuilt_from_their_midpoints(durations: list[float]) -> None:
    starts = [sum(durations[:index]) for index in range(len(durations))]
    mids = [start + duration / 2 for start, duration in zip(starts, durations, strict=True)]
    assert frames_of_midpoints(mids) == list(zip(starts, durations, strict=True))


def test_midpoints_of_no_frames() -> None:
    assert frames_of_midpoints([15.0, 31.0, 33.0]) == [(0.0, 30.0), (30.0, 2.0), (32.0, 2.0)]
    assert frames_of_midpoints([15.0, 30.0]) is None
    assert frames_of_midpoints([0.0, 30.0]) is None
    assert frames_of_midpoints([0.0]) == [(0.0, 0.0)]
