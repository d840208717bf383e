"""The form of sheets: encodings, delimiters, headers, cells, and the model made from each contract."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import numpy as np
import openpyxl
import pytest

from cartrace import grids, sheets, times
from cartrace.errors import Problem
from cartrace.sheets import Sheet
from cartrace.tables import SHEETS, Animals, Doses, Readouts, Table, Volumes

WALL = times.zone("Europe/Berlin")
READING = sheets.Reading(dict.fromkeys(("calibrator", "counter", "scanner", "wall"), WALL), "ISO")
DOSES = "animal_id,session,tracer,injected_at,full_activity [MBq],full_at\n"
DOSE = "M01,d07,TFB,2026-03-10 09:06,5.42,2026-03-10 09:02\n"


def read(content: str | bytes, table: type[Table], *, encoding: str = "utf-8") -> Sheet:
    raw = content if isinstance(content, bytes) else content.encode(encoding)
    known = [column.header for column in table.sheet_columns()]
    return held(grids.from_csv(raw, known), table)


def held(grid: grids.Grid, table: type[Table]) -> Sheet:
    return sheets.read(grid, table, file="sheet.csv", name="", cohort="C01", reading=READING)


def codes(problems: list[Problem]) -> list[str]:
    return [problem.code for problem in problems]


def workbook(rows: list[list[Any]], **formats: str) -> grids.Grid:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cell, number_format in formats.items():
        book.active[cell].number_format = number_format
    stream = io.BytesIO()
    book.save(stream)
    return grids.from_workbook(stream.getvalue())["Sheet"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_excel_writes_are_read(encoding: str) -> None:
    sheet = read("animal_id,group,strain\nMäuschen,CAR,NSG™\n", Animals, encoding=encoding)
    assert sheet.problems == []
    assert sheet.frame["animal_id"].tolist() == ["Mäuschen"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (
            "animal_id,group\nM01,µCi\n".encode("cp1252"),
            "byte 0xB5 is not UTF-8; it looks like cp1252 (Windows), where it is 'µ'",
        ),
        ("animal_id,group\n".encode("utf-16-le"), "zero bytes"),
    ],
)
def test_another_encoding_is_refused_by_name(content: bytes, why: str) -> None:
    problems = read(content, Animals).problems
    assert codes(problems) == ["encoding"]
    assert why in problems[0].why


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_any_of_three_delimiters(delimiter: str) -> None:
    assert read((DOSES + DOSE).replace(",", delimiter), Doses).frame["full_activity_kbq"].tolist() == [5420.0]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_decimal_comma_goes_with_semicolons_and_tabs(delimiter: str) -> None:
    text = (DOSES + DOSE).replace(",", delimiter).replace("5.42", "5,42")
    assert read(text, Doses).frame["full_activity_kbq"].tolist() == [5420.0]


def test_headers_are_matched_without_case_and_separators() -> None:
    text = "Animal-ID,SESSION,Tracer,Injected At,full activity [µCi],Full_At,x_room,note\n" + DOSE.strip() + ",3,fine\n"
    sheet = read(text, Doses)
    assert sheet.problems == []
    assert sheet.frame["full_activity_kbq"].tolist() == [pytest.approx(5.42 * 37)]
    assert sheet.conversions == {"full_activity_kbq": "full_activity µCi -> kBq"}
    assert sheet.headers["animal_id"] == "Animal-ID"


def test_identifiers_are_text() -> None:
    sheet = read("animal_id,group,cage\n001,CAR,NA\n 1-2 ,CAR,1e5\nnan,CAR,007\n1-mark,CAR,MAR1\n", Animals)
    assert sheet.problems == []
    assert sheet.frame["animal_id"].tolist() == ["001", "1-2", "nan", "1-mark"]
    assert sheet.frame["cage"].tolist() == ["NA", "1e5", "007", "MAR1"]


@pytest.mark.parametrize(
    "made",
    [
        "1-Feb",
        "01. Feb",
        "Feb-26",
        "02.01.2026",
        "1/2/2026",
        "2026-02-01",
        "2026-02-01 00:00:00",
        "3-Mrz",
        "2-Sept.",
        "1.00E+05",
    ],
)
def test_an_identifier_that_excel_has_changed_is_refused(made: str) -> None:
    problems = read(f"animal_id,group\n{made},CAR\n", Animals).problems
    assert [problem.code in ("id-became-date", "id-became-number") for problem in problems] == [True]
    assert problems[0].value == made


def test_rows_are_counted_as_excel_shows_them() -> None:
    text = 'animal_id,group,strain\nM01,CAR,"a long\nname"\n\n ,,\nM02,,NSG\n\n\n'
    sheet = read(text, Animals)
    assert sheet.frame["source_row"].tolist() == [2, 5]
    assert [(problem.row, problem.column, problem.code) for problem in sheet.problems] == [
        (5, "group", "missing-value")
    ]


def test_cells_that_cannot_be_read_do_not_hide_the_others_of_their_row() -> None:
    sheet = read(DOSES + DOSE.replace("5.42", "many").replace("2026-03-10 09:02", "later"), Doses)
    assert codes(sheet.problems) == ["not-a-number", "not-a-time"]
    row = sheet.frame.iloc[0]
    assert (row["animal_id"], row["injected_at"]) == ("M01", "2026-03-10T09:06:00+01:00")
    assert np.isnan(row["full_activity_kbq"])
    assert sheet.unreadable("full_activity_kbq", "full_at").tolist() == [True]
    assert sheet.unreadable("animal_id").tolist() == [False]
    assert sheet.given("full_activity_kbq").tolist() == [True], "given, though not readable"


def test_a_quantity_without_a_unit_is_no_number_of_any() -> None:
    sheet = read(DOSES.replace(" [MBq]", "") + DOSE, Doses)
    assert codes(sheet.problems) == ["unit-missing"]
    assert np.isnan(sheet.frame["full_activity_kbq"]).all()


def test_choices_are_matched_without_case() -> None:
    sheet = read("animal_id,group,sex,end_reason\nM01,CAR,f,Humane Endpoint\n", Animals)
    assert sheet.frame[["sex", "end_reason"]].to_numpy().tolist() == [["F", "humane_endpoint"]]


def test_excel_cells_keep_what_excel_shows() -> None:
    header = ["animal_id", "group", "cells_infused_at", "cells_infused", "date_of_birth", "cage"]
    row = [7, "CAR", datetime(2026, 3, 3, 10, 0), 2e6, datetime(2025, 12, 20), 12.0]
    sheet = held(workbook([header, row], A2="000", E2="yyyy-mm-dd"), Animals)
    assert sheet.problems == []
    assert sheet.frame[header].to_numpy().tolist() == [
        ["007", "CAR", "2026-03-03T10:00:00+01:00", 2e6, "2025-12-20", "12"]
    ]


def test_excel_dates_in_the_wrong_place_are_refused() -> None:
    header = ["animal_id", "group", "cells_infused_at", "cells_infused"]
    row = [datetime(2026, 2, 1), "CAR", datetime(2026, 3, 3), datetime(2026, 3, 3)]
    sheet = held(workbook([header, row], A2="dd-mmm", C2="dd/mm/yyyy"), Animals)
    assert codes(sheet.problems) == ["id-became-date", "date-without-time", "not-a-number"]


def test_a_formula_without_a_value_is_refused() -> None:
    sheet = held(workbook([["scan_id", "region", "volume [mm3]"], ["S1", "tumour", "=1+1"]]), Volumes)
    assert "formula-without-value" in codes(sheet.problems)
    problem = sheet.problems[0]
    assert (problem.row, problem.column, problem.value) == (2, "volume [mm3]", "=1+1")


def test_an_error_of_excel_is_refused() -> None:
    sheet = held(workbook([["animal_id", "group"], ["#N/A", "CAR"]]), Animals)
    assert codes(sheet.problems) == ["excel-error"]


def test_offset_of_a_device_is_the_zone_of_its_times() -> None:
    zones = {**READING.zones, "calibrator": times.fixed_zone("+02:00")}
    known = [column.header for column in Doses.sheet_columns()]
    grid = grids.from_csv((DOSES + DOSE).encode(), known)
    sheet = sheets.read(grid, Doses, file="x", name="", cohort="C", reading=sheets.Reading(zones, "ISO"))
    assert sheet.frame["full_at"].tolist() == ["2026-03-10T09:02:00+02:00"]
    assert sheet.frame["injected_at"].tolist() == ["2026-03-10T09:06:00+01:00"]


@pytest.mark.parametrize("table", SHEETS, ids=lambda table: table.__name__)
def test_a_model_has_the_columns_of_its_contract(table: type[Table]) -> None:
    fields = sheets.model(table).model_fields
    assert list(fields) == [column.name for column in table.sheet_columns()]
    for column in table.sheet_columns():
        assert fields[column.name].is_required() == column.required
        assert fields[column.name].description == column.meaning


def test_the_json_schema_says_what_a_sheet_may_hold() -> None:
    schema = sheets.json_schema()
    assert set(schema) == {table.__name__.lower() for table in SHEETS}
    full = schema["doses"]["properties"]["full_activity_kbq"]
    assert (full["exclusiveMinimum"], full["header"]) == (0.0, "full_activity [kBq]")
    role = schema["tubes"]["properties"]["role"]
    assert role["enum"] == ["tissue", "tail", "standard", "blank"]
    assert "injected_at" in schema["doses"]["required"]


def test_a_number_is_never_guessed() -> None:
    header = "animal_id,measured_at,readout,value,unit\n"
    row = "M01,2026-03-10 09:06,tumour_volume,{},mm3\n"
    refused = ["1 000", "1'000", "1.000.000", "12mm3", "0..69", "NA", "inf", "nan", "#DIV/0!", "1 2", "TRUE"]
    sheet = read(header + "".join(row.format(text) for text in refused), Readouts)
    assert codes(sheet.problems) == ["not-a-number"] * len(refused)
    taken = read(header + "".join(row.format(text) for text in ("-1.5", "+2", ".5", "3.", "1e3")), Readouts)
    assert taken.frame["value"].tolist() == [-1.5, 2.0, 0.5, 3.0, 1000.0]
