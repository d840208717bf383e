"""Bioluminescence and calipers: every form of the example files, and what is refused."""

from __future__ import annotations

import csv
from datetime import date, datetime
from typing import Any

import formats
import pytest

from cartrace.readers import Export, ReadoutTable

D14 = "bli/livingimage_d14.csv"
GERMAN = "bli/livingimage_d14_semicolon_decimalcomma.csv"
ALL = "bli/livingimage_all.txt"
LONG = "caliper/caliper_long.csv"
WIDE = "caliper/caliper_wide_decimalcomma_swapped_CR.tsv"
FLUX = {"M01": 1.39e7, "M02": 1.82e7, "M03": 3.61e7, "M04": 4.58e7}


@pytest.mark.parametrize("name", [D14, GERMAN])
def test_the_flux_of_every_mouse_is_read_with_the_time_in_the_image_number(name: str) -> None:
    found = formats.read(formats.export(name), "readouts", "living_image")
    assert {row.label: row.value for row in found.rows} == FLUX
    assert {row.measured for row in found.rows} == {datetime(2026, 3, 17, 9, 2, 35)}
    assert {(row.readout, row.unit) for row in found.rows} == {("bli_total_flux", "p/s")}
    assert found.finding == "times are those in the image numbers"


def test_dates_of_a_text_export_are_read_as_its_image_numbers_tell() -> None:
    found = formats.read(formats.export(ALL), "readouts", "living_image")
    rows = [line.split("\t") for line in formats.export(ALL).text.splitlines()[1:]]
    assert [(row.label, row.value) for row in found.rows] == [(row[8], float(row[3])) for row in rows]
    for row, cells in zip(found.rows, rows, strict=True):
        assert row.measured == datetime.strptime(cells[9], "%m/%d/%Y %H:%M:%S")
    assert found.finding == "dates are month/day/year"
    by_mouse = {row.label: row.value for row in found.rows if row.measured.date() == date(2026, 3, 17)}
    assert by_mouse == pytest.approx(FLUX, rel=2e-2)


HEADER = "Image Number,Total Flux [p/s],ROI Label,Date and Time"


def living(*rows: str, header: str = HEADER) -> Export:
    return formats.made("\n".join([header, *rows]) + "\n")


def test_a_european_date_and_a_background_are_told() -> None:
    rows = ("AB20260403090235_001,1e5,M01,03/04/2026 09:02:35", "AB20260403090235_001,9,Bkg 1,03/04/2026 09:02:35")
    found = formats.read(living(*rows), "readouts", "living_image")
    assert [row.measured for row in found.rows] == [datetime(2026, 4, 3, 9, 2, 35)]
    assert found.finding == "dates are day/month/year; 1 row left out: no label, a background, or no value"


@pytest.mark.parametrize(
    ("rows", "code", "date_format"),
    [
        (("x_001,1e5,M01,03/04/2026 09:02:35",), "date-order", "ISO"),
        (("AB20260505090235_001,1e5,M01,03/04/2026 09:02:35",), "not-a-time", "ISO"),
        (("x_001,1e5,M01,",), "not-a-time", "ISO"),
        (("AB20260403090235_001,many,M01,",), "not-a-number", "ISO"),
        (("AB20260403090235_001,1,5,M01,",), "row-width", "ISO"),
    ],
)
def test_a_row_of_bioluminescence_that_cannot_be_right_is_refused(
    rows: tuple[str, ...], code: str, date_format: str
) -> None:
    refused = formats.refused(living(*rows), "readouts", "living_image", date_format=date_format)
    assert refused == [(code, 2)]


def test_a_declared_order_of_dates_decides_where_nothing_else_does() -> None:
    found = formats.read(living("x,1,M01,03/04/2026 09:02:35"), "readouts", "living_image", date_format="DMY")
    assert found.rows[0].measured == datetime(2026, 4, 3, 9, 2, 35)


def test_a_flux_in_another_unit_is_refused() -> None:
    file = living("a", header="Image Number,Total Flux [counts],ROI Label,Date and Time")
    assert formats.refused(file, "readouts", "living_image") == [("unit-unknown", None)]


def volumes(found: ReadoutTable) -> list[float]:
    return [row.value for row in found.rows if row.readout == "tumour_volume"]


def test_both_forms_of_a_caliper_table_give_the_same_volumes() -> None:
    with open(formats.ROOT / LONG, encoding="utf-8", newline="") as stream:
        records = list(csv.DictReader(stream))
    expected = [0.5 * float(row["length_mm"]) * float(row["width_mm"]) ** 2 for row in records]
    long = formats.read(formats.export(LONG), "readouts", "caliper")
    wide = formats.read(formats.export(WIDE), "readouts", "caliper")
    assert volumes(long) == pytest.approx(expected, rel=1e-12)
    assert volumes(wide) == pytest.approx(expected, rel=1e-12)
    assert [row.measured for row in long.rows[::2]] == [date.fromisoformat(row["date"]) for row in records]
    assert [row.measured for row in wide.rows] == [float(row["day"]) for row in records]
    assert list(dict.fromkeys(row.label for row in wide.rows)) == ["C101 L", "C101 R", "C102 LR", "C102 N"]
    weights = [(row.label, row.value, row.unit) for row in long.rows if row.readout == "body_weight"]
    assert weights == [(row["mouse_id"], float(row["body_weight_g"]), "g") for row in records]
    assert "the length being the larger" in wide.finding


def test_unmarked_rows_and_summaries_of_a_wide_table_are_left_out() -> None:
    text = "Use\tId\tday 9\t\tday 12\t\n\tMouse\tL\tW\tW\tL\nx\tM1\t4\t3\t3\t4\n\tM2\t4\t3\t3\t4\nx\tmean\t1\t1\t1\t1\n"
    found = formats.read(formats.made(text), "readouts", "caliper")
    assert [(row.label, row.measured, row.value) for row in found.rows] == [("M1", 9.0, 18.0), ("M1", 12.0, 18.0)]
    assert found.finding.endswith("2 rows left out: not marked in 'Use', or summaries")


@pytest.mark.parametrize(
    ("text", "code", "row"),
    [
        ("mouse,date,length,width\nM1,2026-03-10,4,3\n", "unit-missing", None),
        ("mouse,length [mm],width [mm]\nM1,4,3\n", "missing-column", None),
        ("mouse,date,length [mm],width [mm]\nM1,03/10/2026,4,3\n", "date-order", 2),
        ("mouse,date,length [mm],width [mm]\nM1,2026-03-10,4,\n", "pair-incomplete", 2),
        ("mouse,date,length [mm],width [mm]\nM1,2026-03-10,4,-3\n", "out-of-range", 2),
        ("mouse,date,length [mm],width [mm]\nM1,2026-03-10,4,3,5\n", "row-width", 2),
        ("id;0;0\n;L;W\nM1;4,5;three\n", "not-a-number", 3),
    ],
)
def test_a_caliper_table_that_cannot_be_right_is_refused(text: str, code: str, row: int | None) -> None:
    assert formats.refused(formats.made(text), "readouts", "caliper") == [(code, row)]


@pytest.mark.parametrize(("unit", "volume"), [("mm", 18.0), ("cm", 18_000.0)])
def test_lengths_may_be_in_either_unit(unit: str, volume: float) -> None:
    text = f"Animal ID;Date;Width ({unit});Length ({unit})\nM1;2026-03-10 09:30;4,0;3\n"
    found: Any = formats.read(formats.made(text), "readouts", "caliper")
    assert [(row.value, row.measured) for row in found.rows] == [(volume, datetime(2026, 3, 10, 9, 30))]
