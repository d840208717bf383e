"""The choice of a reader by content, the generic readers, and units of ROI values."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from pathlib import Path

import formats
import openpyxl
import pytest

from cartrace.errors import InputError
from cartrace.readers import READERS, Export, Settings, choose, readers_of, table
from cartrace.readers.export import number, plain_number
from cartrace.roi_units import UnitProblem, conversion

PET = Path(__file__).parents[1] / "data" / "formats" / "pet"
IRW = Settings(
    columns={"region": "ROI Name", "value": "Mean (nCi/cc)", "sd": "Std Dev (nCi/cc)", "volume_ml": "Volume (mm^3)"}
)
VIVOQUANT = Settings(columns={"region": "Name", "value": "Mean", "sd": "Std", "volume_ml": "Volume (mm3)"})
COUNTER = Settings(
    columns={"rack": "Rack", "position": "Pos", "counted_at": "Start", "count_s": "Time", "counts": "Counts"}
)


def export(text: str) -> Export:
    return Export("x.csv", text.encode())


def test_names_of_readers_are_unique_for_each_kind_of_export() -> None:
    assert {reader.what for reader in READERS} == {"counter", "pet", "readouts"}
    for what in ("counter", "pet", "readouts"):
        names = [reader.name for reader in readers_of(what)]
        assert len(set(names)) == len(names)


def test_a_file_is_never_taken_for_one_of_the_other_kind() -> None:
    voistat = Export("x", (PET / "M01_dynamic_SUV.voistat").read_bytes())
    with pytest.raises(InputError, match="no kind that is read"):
        choose(voistat, what="counter", form="auto", settings=Settings())


def test_a_format_without_a_reader_names_those_that_have_one() -> None:
    with pytest.raises(InputError, match=r"'caprac'.*not read.*wizard2: .*table: "):
        choose(export("a"), what="counter", form="caprac", settings=Settings())


def test_a_signature_goes_before_a_column_map() -> None:
    both = export("Measurement date & time,Rack,Pos,Time,F-18 Counts\n")
    assert choose(both, what="counter", form="auto", settings=Settings()).name == "wizard2"
    mapped = Settings(columns={"position": "Pos", "counted_at": "Time", "count_s": "Time", "counts": "F-18 Counts"})
    assert choose(both, what="counter", form="auto", settings=mapped).name == "wizard2"
    assert choose(both, what="counter", form="table", settings=mapped).name == "table"


def test_an_inveon_table_is_read_by_its_map() -> None:
    file = Export("irw.csv", (PET / "RECALLED_irw_roi.csv").read_bytes())
    assert choose(file, what="pet", form="auto", settings=IRW).name == "table"
    found = table.reads_pet(file, IRW)
    assert found.unit == "nCi/cc"
    assert [(row.region, row.value, row.row) for row in found.rows] == [
        ("tumor", 8710.8222, 5),
        ("spleen", 4569.0877, 6),
        ("muscle", 225.9176, 7),
    ]
    assert found.rows[0].volume_ml == pytest.approx(0.245)
    assert found.rows[0].frame_duration_s == 0.0
    # 8710.8222 nCi/cc is the very value of the other software's table of the same regions.
    other = table.reads_pet(Export("vq.csv", (PET / "RECALLED_vivoquant_3droi.csv").read_bytes()), VIVOQUANT)
    factor = conversion(found.unit, "", suv_dose_kbq=math.nan, suv_weight_g=math.nan).factor
    assert [row.value * factor for row in found.rows] == pytest.approx([row.value for row in other.rows], rel=1e-6)
    assert other.unit == "", "the unit stands in a column of its own; the sheet of scans states it"


def test_frames_of_a_map_by_start_and_duration_or_by_middle() -> None:
    text = "ROI,Begin [min],Length [s],Mean\nA,0,60,1\nA,1,120,2\n"
    columns = {"region": "ROI", "frame_start_s": "Begin [min]", "frame_duration_s": "Length [s]", "value": "Mean"}
    found = table.reads_pet(export(text), Settings(columns=columns))
    assert [row[2:4] for row in found.rows] == [(0.0, 60.0), (60.0, 120.0)]
    assert found.conversions == ("Begin [min]: min -> s",)
    middle = {"region": "ROI", "frame_mid_s": "Mid", "value": "Mean"}
    found = table.reads_pet(export("ROI,Mid,Mean\nA,30,1\nA,120,2\n"), Settings(columns=middle))
    assert [row[2:4] for row in found.rows] == [(0.0, 60.0), (60.0, 120.0)]
    with pytest.raises(InputError, match="two ways"):
        table.reads_pet(export(text), Settings(columns={**columns, "frame_mid_s": "Mean"}))


def test_a_counter_workbook_is_read_by_its_map() -> None:
    book = openpyxl.Workbook()
    for row in (["Run", 7], [], ["Rack", "Pos", "Start", "Time", "Counts"], [1, 2, "10/03/2026 11:30", 60, 402.5]):
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    settings = Settings(columns=COUNTER.columns, date_format="DMY")
    row = table.reads_counter(Export("x.xlsx", stream.getvalue()), settings).rows[0]
    assert (row.rack, row.position, row.count_s, row.counts, row.window) == ("1", "2", 60.0, 402.5, "Counts")
    assert (row.counted_at.isoformat(), row.row) == ("2026-03-10T11:30:00", 4)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("1,2,2026-03-10 11:30,60,many", "not-a-number"),
        ("1,2,11:30,60,5", "time-without-date"),
        ("1,2,03/10/2026 11:30,60,5", "date-order"),
        ("1,2,2026-03-10 11:30,0,5", "count-time"),
        ("1,2,2026-03-10 11:30,60,5,5", "row-width"),
    ],
)
def test_a_row_of_a_counter_table_that_cannot_be_right_is_refused(row: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        table.reads_counter(export(f"Rack,Pos,Start,Time,Counts\n{row}\n"), COUNTER)
    assert [(problem.code, problem.row) for problem in caught.value.problems] == [(code, 2)]


def test_a_hand_written_log_is_read_by_its_map_with_joined_columns() -> None:
    columns = {"position": "Sample", "counted_at": "Date + Time", "count_s": "Count time (s)", "window": "Nuclide"}
    settings = Settings(columns={**columns, "cpm": "Gross (cpm)"}, date_format="MDY")
    run = table.reads_counter(formats.export("gamma/RECALLED_caprac_hand_log.csv"), settings)
    assert len(run.rows) == 14
    first = run.rows[0]
    assert first[:3] == ("", "M01 blood", "F18")
    assert (first.counted_at.isoformat(), first.count_s, first.cpm) == ("2026-03-10T11:30:00", 60.0, 62070.0)
    assert math.isnan(first.counts)
    with pytest.raises(InputError, match="lacks counts"):
        table.reads_counter(formats.export("gamma/RECALLED_caprac_hand_log.csv"), Settings(columns=columns))


@pytest.mark.parametrize("name", ["RECALLED_packard_cobra.csv", "RECALLED_wizard1480.txt"])
def test_an_export_without_a_time_for_each_tube_is_refused(name: str) -> None:
    columns = {"position": "POS", "count_s": "TIME [min]", "cpm": "CPMA"}
    with pytest.raises(InputError, match="lacks counted_at"):
        table.reads_counter(formats.export(f"gamma/{name}"), Settings(columns=columns))


def test_a_map_may_state_the_unit_that_a_header_leaves_out() -> None:
    columns = {"position": "Pos", "counted_at": "Start", "count_s": "Time [min]", "counts": "Counts"}
    text = "Pos,Start,Time,Counts\n1,2026-03-10 11:30,2,5\n"
    run = table.reads_counter(export(text), Settings(columns=columns))
    assert run.rows[0].count_s == 120.0
    assert run.conversions == ("Time [min]: min -> s",)
    with pytest.raises(InputError, match=r"absent: Time \[min\].*nearest is 'Time \[s\]'"):
        table.reads_counter(export(text.replace("Time", "Time [s]")), Settings(columns=columns))


def test_a_declared_counting_time_serves_an_export_without_one() -> None:
    columns = {"position": "Pos", "counted_at": "Start", "counts": "Counts"}
    text = "Pos,Start,Counts\n1,2026-03-10 11:30,5\n"
    run = table.reads_counter(export(text), Settings(columns=columns, count_s=60.0))
    assert run.rows[0].count_s == 60.0
    with pytest.raises(InputError, match="lacks count_s"):
        table.reads_counter(export(text), Settings(columns=columns))


def test_a_table_of_many_scans_is_told_apart_by_joined_columns() -> None:
    columns = {"animal_label": "mouse_id + day", "region": "roi", "value": "mean_kBq_per_mL [kBq/mL]"}
    columns["volume_ml"] = "volume_mm3 [mm3]"
    found = table.reads_pet(formats.export("pet/serial_rois_tidy.csv"), Settings(columns=columns))
    assert (len(found.rows), found.unit) == (60, "kBq/mL")
    decay = math.exp(math.log(2) / formats.TRUTH["half_life_s"] * 3600)
    with open(formats.ROOT / "pet" / "serial_rois_tidy.csv", encoding="utf-8") as stream:
        injected = [float(row["injected_MBq"]) for row in csv.DictReader(stream)]
    for row, dose, truth in zip(found.rows, injected, formats.TRUTH["serial_roi_pid_per_ml"], strict=True):
        assert (row.labels, row.region) == ((f"{truth['mouse']} {truth['day']}",), truth["roi"])
        assert 100 * row.value * decay / (dose * 1e3) == pytest.approx(truth["pidml"], rel=1e-3)
    assert found.rows[0].volume_ml == 0.245


def test_a_map_that_does_not_fit_names_the_nearest_header() -> None:
    with pytest.raises(InputError, match="for 'Counts' the nearest is 'Count'"):
        table.reads_counter(export("Rack,Pos,Start,Time,Count\n"), COUNTER)
    with pytest.raises(InputError, match="has counter and lacks counted_at, count_s, counts"):
        table.reads_counter(export("a\n"), Settings(columns={"position": "Pos", "counter": "x"}))


@pytest.mark.parametrize(
    ("text", "comma", "value"),
    [("1.5", False, 1.5), ("1,5", True, 1.5), ("8.25E-5", False, 8.25e-5), ("-3", False, -3.0), (".5", False, 0.5)],
)
def test_numbers_of_exports(text: str, comma: bool, value: float) -> None:
    assert number(text, decimal_comma=comma) == value


@pytest.mark.parametrize("text", ["", "NaN", "n/a", ".", "#DIV/0!", "Infinity"])
def test_a_gap_of_an_export_is_nan(text: str) -> None:
    found = number(text)
    assert found is not None
    assert math.isnan(found)


@pytest.mark.parametrize("text", ["1,5", "0..69", "1 000", "1_000", "12 s", "1e", "0x1"])
def test_what_is_no_number_is_not_guessed(text: str) -> None:
    assert number(text) is None


def test_racks_and_positions_are_compared_as_numbers_where_they_are() -> None:
    assert [plain_number(text) for text in ("1", "01", "1.0", "A1", "10", "0", "")] == [
        "1",
        "1",
        "1",
        "A1",
        "10",
        "0",
        "",
    ]


def test_units_of_roi_values() -> None:
    known = {"suv_dose_kbq": 5000.0, "suv_weight_g": 25.0}
    assert conversion("kBq/cc", "", **known).factor == 1.0
    assert conversion("", "Bq/mL", **known).factor == 1e-3
    assert conversion("kBq/cc", "kBq/mL", **known).words == ""
    # SUV 2 of 5 MBq in 25 g is 400 kBq/mL; 4 %ID/mL of 5 MBq is 200 kBq/mL.
    assert 2 * conversion("SUV", "", **known).factor == 400.0
    assert 4 * conversion("%ID/cc", "", **known).factor == 200.0


@pytest.mark.parametrize(
    ("carried", "stated", "code"),
    [
        ("", "", "unit-missing"),
        ("kBq/cc", "Bq/mL", "unit-contradicts"),
        ("SUV", "kBq/mL", "unit-contradicts"),
        ("SUV", "", "suv-without-dose"),
        ("%ID/mL", "", "suv-without-dose"),
        ("%ID/g", "", "unit-unknown"),
        ("1/1", "", "unit-unknown"),
    ],
)
def test_values_that_cannot_become_an_activity_are_refused(carried: str, stated: str, code: str) -> None:
    with pytest.raises(UnitProblem) as caught:
        conversion(carried, stated, suv_dose_kbq=math.nan, suv_weight_g=math.nan)
    assert caught.value.code == code


def test_two_signatures_in_one_file_ask_for_the_format(monkeypatch: pytest.MonkeyPatch) -> None:
    other = dataclasses.replace(READERS[0], name="other")
    monkeypatch.setattr("cartrace.readers.READERS", (*READERS, other))
    both = export("Measurement date & time,Rack,Pos,Time,F-18 Counts\n")
    with pytest.raises(InputError, match=r"looks like wizard2 and like other.*'counter\.format'.*\[format-ambiguous\]"):
        choose(both, what="counter", form="auto", settings=Settings())
