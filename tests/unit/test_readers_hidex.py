"""Hidex exports: workbooks and CSV, against the study's truth and the other counter's file of the same tubes."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from datetime import datetime
from typing import Any

import formats
import openpyxl
import pytest

from cartrace.readers import CounterRun

COUNTED = "gamma/hidex_F-18-002-20260310-113000-AutoExport.xlsx"
WEIGHED = "gamma/hidex_F-18_weights-010-20260310-113000-AutoExport.xlsx"
TARE = "gamma/hidex_Tare-001-20260309-161122-AutoExport.xlsx"
CSV = "gamma/hidex_csv_us_dates.csv"
HEADER = ("Rack", "Vial", "Time", "Counted time (s)", "F-18 (counts)")


def rows_of(name: str) -> list[dict[str, str]]:
    with open(formats.ROOT / name, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def uptakes(run: CounterRun) -> dict[str, tuple[float, float]]:
    """Return %ID/g of every tissue by hand, and its relative Poisson error."""
    truth, counter = formats.TRUTH, formats.TRUTH["counter"]
    layout = {(row["rack"], row["pos"]): row for row in rows_of("lab/counter_layout.csv")}
    weights = {(row["rack"], row["pos"]): row for row in rows_of("lab/tissue_weights_long.csv")}
    decay = math.log(2) / truth["half_life_s"]
    found = {}
    for row in run.rows:
        tube, weight = layout[row.rack, row.position], weights.get((row.rack, row.position))
        if tube["role"] != "tissue" or weight is None:
            continue
        mouse = truth["injected"][tube["mouse_id"]]
        net = row.counts / row.count_s * row.dead_time_factor - counter["background_cpm"] / 60
        late = (row.counted_at - datetime.fromisoformat(mouse["t"])).total_seconds()
        counted = decay * row.count_s
        activity = net / counter["efficiency"] * math.exp(decay * late) * counted / -math.expm1(-counted)
        mass = float(weight["gross_g"]) - float(weight["tare_g"])
        share = 100 * activity / (mouse["net_MBq_at_injection"] * 1e6)
        found[f"{tube['mouse_id']}:{tube['sample']}"] = (share / mass, 1 / math.sqrt(row.counts))
    return found


@pytest.mark.parametrize(
    ("name", "reader", "settings"),
    [(COUNTED, "hidex_xlsx", {}), (WEIGHED, "hidex_xlsx", {}), (CSV, "hidex_csv", {"count_s": 60.0})],
)
def test_every_form_gives_the_uptake_behind_it(name: str, reader: str, settings: dict[str, Any]) -> None:
    run = formats.read(formats.export(name), "counter", reader, **settings)
    assert (run.n_rows, len(run.rows)) == (53, 53)
    found = uptakes(run)
    assert set(found) == set(formats.TRUTH["pid_per_g"])
    for key, (uptake, error) in found.items():
        assert uptake == pytest.approx(formats.TRUTH["pid_per_g"][key], rel=4 * error + 0.003), key


def test_the_workbook_holds_the_tubes_of_the_other_counter() -> None:
    run = formats.read(formats.export(COUNTED), "counter", "hidex_xlsx")
    other = formats.read(formats.export("gamma/wizard2_000564_not_decaycorrected.csv"), "counter", "wizard2")
    for row, twin in zip(run.rows, other.rows, strict=True):
        assert (row.rack, row.position, row.counted_at) == (twin.rack, twin.position, twin.counted_at)
        assert row.counts == math.floor(twin.counts)
        assert row.cpm == pytest.approx(twin.cpm, abs=0.06)
        gross = twin.counts / twin.count_s
        dead_time = formats.TRUTH["counter"]["dead_time_s"]
        # The instrument's own factor, to first order in the rate.
        assert row.dead_time_factor == pytest.approx(1 + gross * dead_time, abs=6e-5)
    assert {row.window for row in run.rows} == {"18F_400-600"}
    assert run.rows[0].row == 25
    assert "'Run type' is 'Count only'" in run.finding
    assert "normalized values refer to 2026-03-10 11:30:00" in run.finding


def test_a_file_is_known_by_its_content_whatever_it_is_called() -> None:
    file = formats.made(formats.export(COUNTED).content, "000563.csv")
    assert len(formats.read(file, "counter", "hidex_xlsx").rows) == 53


def test_a_tare_run_holds_no_counts() -> None:
    assert formats.refused(formats.export(TARE), "counter", "hidex_xlsx") == [("no-counts", None)]


def test_a_csv_without_a_counting_time_needs_a_declared_one() -> None:
    assert formats.refused(formats.export(CSV), "counter", "hidex_csv") == [("missing-column", None)]


def book(*rows: tuple[Any, ...], header: tuple[str, ...] = HEADER, above: tuple[tuple[Any, ...], ...] = ()) -> bytes:
    workbook = openpyxl.Workbook()
    workbook.active.title = "Results"
    for row in (("Hidex AMG results",), ("Results",), *above, ("Results",), header, *rows):
        workbook.active.append(row)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def test_numbers_may_be_text_with_a_decimal_comma_and_columns_stand_anywhere() -> None:
    header = ("F-18 (counts)", "Normalized F-18 (CPM)", "Counted time (s)", "Vial", "Rack", "Time", "F-18 (CPM)")
    row = ("1234,5", "99", "60,5", "02", 1, "2026-03-10 11:30:00", "7,5")
    content = book(row, ("", "x"), row, header=header)
    # The table ends at the first empty cell of its first column.
    found = formats.read(formats.made(content), "counter", "hidex_xlsx").rows
    assert len(found) == 1
    assert (found[0].rack, found[0].position, found[0].counts, found[0].count_s, found[0].cpm) == (
        *("1", "2"),
        *(1234.5, 60.5, 7.5),
    )
    assert math.isnan(found[0].dead_time_factor)


def test_normalized_values_are_never_counts() -> None:
    header = ("Rack", "Vial", "Time", "Counted time (s)", "Normalized F-18 (counts)", "F-18 corrected (counts)")
    content = book((1, 1, "2026-03-10 11:30:00", 60, 5, 5), header=header)
    assert formats.refused(formats.made(content), "counter", "hidex_xlsx") == [("no-counts", None)]


@pytest.mark.parametrize(
    ("time", "said"), [("EndTime", "end"), ("End time", "end"), ("Start time", "start"), ("Time", "")]
)
def test_the_header_says_whether_a_time_is_the_end(time: str, said: str) -> None:
    text = f"a\nRack,Vial,{time},Counted time (s),F-18 (counts)\n1,1,03/10/2026 11:30,60,5\n"
    run = formats.read(formats.made(text), "counter", "hidex_csv")
    assert run.time_is == said
    assert run.rows[0].counted_at == datetime(2026, 3, 10, 11, 30)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ((1, 1, "2026-03-10 11:30:00", 60, "many"), "not-a-number"),
        ((1, 1, "2026-03-10", 60, 5), "date-without-time"),
        ((1, 1, "10/03/2026 11:30", 60, 5), "date-order"),
        ((1, 1, "2026-03-10 11:30:00", 0, 5), "count-time"),
        ((1, 1, "2026-03-10 11:30:00", 60, 5, 5), "row-width"),
    ],
)
def test_a_row_that_cannot_be_right_is_refused(row: tuple[Any, ...], code: str) -> None:
    assert formats.refused(formats.made(book(row)), "counter", "hidex_xlsx") == [(code, 5)]


def changed(content: bytes, part: str, new: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for info in old.infolist():
            archive.writestr(info.filename, new if info.filename == part else old.read(info))
    return stream.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
OPENING = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
CELL = b'<row r="%d"><c r="%s%d" t="inlineStr"><is><t>Results</t></is></c></row>'
CLOSING = b"</sheetData></worksheet>"


@pytest.mark.parametrize(
    ("sheet", "code"),
    [
        (b"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>" + OPENING + CLOSING, "not-a-workbook"),
        ("<!DOCTYPE x []>".encode("utf-16-le") + OPENING + CLOSING, "not-a-workbook"),
        (OPENING + CELL % (1_048_576, b"A", 1_048_576) + CLOSING, "workbook-too-large"),
        (OPENING + CELL % (1, b"XFD", 1) + CLOSING, "workbook-too-large"),
        (OPENING + b" " * 201_000_000 + CLOSING, "workbook-too-large"),
        (OPENING[:-5], "not-a-workbook"),
    ],
    ids=["entities", "entities in UTF-16", "last row", "last column", "zip bomb", "cut short"],
)
def test_a_workbook_made_to_harm_is_refused(sheet: bytes, code: str) -> None:
    content = changed(book((1, 1, "2026-03-10 11:30:00", 60, 5)), SHEET, sheet)
    assert len(content) < 1_000_000
    with pytest.raises(formats.InputError) as caught:
        formats.read(formats.made(content), "counter", "hidex_xlsx")
    assert [problem.code for problem in caught.value.problems] == [code]
