"""AMIDE's analyses, whose regions and units stand in comments, and 3D Slicer's tables of statistics."""

from __future__ import annotations

import math
from datetime import datetime

import formats
import pytest

from cartrace.readers import Export
from cartrace.roi_units import conversion

AMIDE = "pet/M01_amide_analysis_{Thyroid+Tumor+Heart+Muscle}.tsv"
SLICER = ("pet/M01_d14_slicer_exportToCSVFile.csv", "pet/M01_d14_slicer_table.tsv")


def test_amide_gives_the_curves_of_the_other_software_by_its_own_dose() -> None:
    found = formats.read(formats.export(AMIDE), "pet", "amide")
    truth = formats.read(formats.export("pet/M01_dynamic_kBqcc.voistat"), "pet", "pmod_voistat")
    scale = found.scale(found.rows[0].labels)
    assert (scale.unit, scale.dose_kbq) == ("%ID/cc", 4973.45)
    assert found.written_at == datetime(2026, 3, 11, 15, 31, 29)
    factor = conversion(scale.unit, "", suv_dose_kbq=scale.dose_kbq, suv_weight_g=math.nan).factor
    for row, twin in zip(found.rows, truth.rows, strict=True):
        assert (row.region, row.frame_start_s, row.frame_duration_s) == twin[1:4]
        assert row.value * factor == pytest.approx(twin.value, rel=1e-5)
        assert row.sd * factor == pytest.approx(twin.sd, rel=1e-5)
        assert row.volume_ml == pytest.approx(twin.volume_ml, rel=1e-9)


HEAD = "# amide: ROI Analysis File - generated on Wed Mar 11 15:31:29 2026\n#\n# Study:\tS\n#\n"
ROW = "    0\t30\t15\t0\t0\t1\t{mean}\t1\t0.5\t1\t1\t6.1\t10\t10\n"


def amide(*parts: str, head: str = HEAD) -> Export:
    return formats.made(head + "".join(parts), "x.tsv")


def data_set(name: str, unit: str = "", *amounts: str) -> str:
    units = f"#      Output Data Units: {unit}\n" if unit else ""
    return f"#   Data Set:\t{name}\tScaling Factor:\t1\n{units}" + "".join(f"#         {each}\n" for each in amounts)


def test_several_data_sets_are_told_apart_each_with_its_unit() -> None:
    ct, pet = data_set("CT"), data_set("PET", "SUV", "Injected Dose: 100 [uCi]", "Cylinder Factor: 1 [x]")
    pet += "#         Subject Weight: 0.02 [Kg]\n"
    roi = "# ROI:\t{}\tType:\tBox\n"
    found = formats.read(
        amide(
            *(roi.format("A"), ct, ROW.format(mean=40), pet, ROW.format(mean=2), "#\n"),
            *(roi.format("B"), ct, ROW.format(mean=41), pet, ROW.format(mean=3)),
        ),
        "pet",
        "amide",
    )
    assert [(row.labels, row.region, row.value) for row in found.rows] == [
        *((("CT",), "A", 40), (("PET",), "A", 2)),
        *((("CT",), "B", 41), (("PET",), "B", 3)),
    ]
    assert found.label_is == "data set"
    assert found.scale(("CT",)).unit == ""
    assert found.scale(("PET",)) == ("SUV", 3700.0, 20.0)


def test_percent_per_gram_of_an_old_amide_is_percent_per_millilitre() -> None:
    old = "0,30,15,100,5,1,0.5,0.1,1,9,6.1,10\n"
    parts = ("# ROI:\tA\tType:\tBox\n", data_set("P", "%ID/G", "Injected Dose: 1 [mCi]"), old)
    found = formats.read(amide(*parts), "pet", "amide")
    assert found.scale(("",)) == pytest.approx(("%ID/mL", 37_000.0, math.nan), nan_ok=True)
    assert found.conversions == ("%ID/G -> %ID/mL, which is what AMIDE meant by it",)
    assert found.rows[0][1:7] == ("A", 0, 30, 5, 0.5, pytest.approx(0.0061))


def test_translated_comments_are_read_by_their_indentation() -> None:
    head = "# amide: ROI Analysis File - généré le\n# Étude:\tS\n"
    parts = ("# Région:\tA\tSorte:\tBox\n", "#   Données:\tP\tÉchelle:\t1\n", "#      Unités: %ID/cc\n")
    found = formats.read(amide(*parts, "#         Dose: 2 [MBq]\n", ROW.format(mean=1), head=head), "pet", "amide")
    assert (found.rows[0].region, found.scale(("",)).dose_kbq, found.written_at) == ("A", 2000.0, None)


ROI = "# ROI:\tA\tType:\tBox\n"


@pytest.mark.parametrize(
    ("parts", "code", "row"),
    [
        ((ROI,), "no-rows", None),
        ((ROW.format(mean=1),), "row-width", 5),
        ((ROI, "0\t30\t15\n"), "row-width", 6),
        ((ROI, ROW.format(mean="x")), "not-a-number", 6),
        ((ROI, ROW.format(mean=1), ROW.format(mean=2).replace("\t0\t0\t", "\t1\t0\t")), "frames", None),
        ((ROI, data_set("P", "SUV", "Injected Dose: 1 [hogsheads]"), ROW.format(mean=1)), "unit-unknown", None),
        ((ROI, data_set("P", "SUV", "Injected Dose: 0 [MBq]"), ROW.format(mean=1)), "out-of-range", None),
    ],
)
def test_an_analysis_that_cannot_be_right_is_refused(parts: tuple[str, ...], code: str, row: int | None) -> None:
    assert formats.refused(amide(*parts), "pet", "amide") == [(code, row)]


def test_what_amide_copies_to_the_clipboard_has_no_unit() -> None:
    file = formats.made("# Stats for Study: S\tGenerated on: x\n# ROI\tData Set\n")
    assert formats.refused(file, "pet", "amide") == [("not-this-format", None)]


@pytest.mark.parametrize("name", SLICER)
def test_both_forms_of_slicer_hold_the_serial_study(name: str) -> None:
    found = formats.read(formats.export(name), "pet", "slicer")
    assert (found.unit, found.finding) == ("", "the export carries no time")
    truth = {row["roi"]: row["pidml"] for row in formats.TRUTH["serial_roi_pid_per_ml"] if _is_m01_d14(row)}
    assert {row.region for row in found.rows} == set(truth)
    # Bq/mL at the scan, an hour after 5.08 MBq: %ID/mL by hand.
    decay = math.exp(math.log(2) / formats.TRUTH["half_life_s"] * 3600)
    for row in found.rows:
        assert 100 * row.value * decay / 5.08e6 == pytest.approx(truth[row.region], rel=1e-6)
        assert row.sd == pytest.approx(0.2 * row.value)
        assert row[2:4] == (0.0, 0.0)
    assert [row.volume_ml for row in found.rows] == [0.245, 0.061, 0.05]


def _is_m01_d14(row: dict[str, object]) -> bool:
    return (row["mouse"], row["day"]) == ("M01", 14)


def test_slicer_takes_the_volume_and_the_unit_of_the_image() -> None:
    text = "Segment\tVolume [mm3] (1)\tVolume [mm3] (2)\tMean [{SUVbw}g/ml]\na, b\t10\t8\t2\nc\t1\t1\tnan\n"
    found = formats.read(formats.made(text), "pet", "slicer")
    assert found.unit == "{SUVbw}g/ml"
    assert found.rows[0][1:] == ("a, b", 0, 0, 2, pytest.approx(math.nan, nan_ok=True), pytest.approx(0.008), 2)
    assert math.isnan(found.rows[1].value)


@pytest.mark.parametrize(
    ("text", "code", "row"),
    [
        ('"Segment","ScalarVolumeSegmentStatisticsPlugin.mean"\ntumour, left,5\n', "row-width", 2),
        ('"Segment","ScalarVolumeSegmentStatisticsPlugin.mean"\ntumour\n', "row-width", 2),
        ('"Segment","ScalarVolumeSegmentStatisticsPlugin.mean"\ntumour,x\n', "not-a-number", 2),
        ('"Segment","LabelmapSegmentStatisticsPlugin.volume_cm3"\ntumour,5\n', "missing-column", None),
        ("Segment\tMean\n", "no-rows", None),
    ],
)
def test_a_table_of_slicer_that_cannot_be_right_is_refused(text: str, code: str, row: int | None) -> None:
    assert formats.refused(formats.made(text), "pet", "slicer") == [(code, row)]
