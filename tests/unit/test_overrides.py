"""Corrections of raw values: they reach the cell they name, or say why not."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import cohort_folder
import numpy as np
import openpyxl
import pandas as pd
import pytest
import workbooks
from cohort_folder import BASE

from cartrace import tables
from cartrace.errors import InputError, column_index, column_letter
from cartrace.overrides import Override, correct_export, declared
from cartrace.readers import Export
from cartrace.sheet import Sheet
from cartrace.tables import Counts, Doses, Import, Overrides, Rois

HEADER = "file,row,column,old,new,reason\n"


def imported(tmp_path: Path, *rows: str, **case: Any) -> Path:
    text = HEADER + "".join(f"{row},typed wrongly\n" for row in rows)
    folder = cohort_folder.copy(tmp_path / "C01", {**case, "add": {"overrides.csv": text, **case.get("add", {})}})
    return cohort_folder.run(folder, tmp_path / "out")


def refused(tmp_path: Path, *rows: str, **case: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        imported(tmp_path, *rows, **case)
    assert not (tmp_path / "out").exists()
    return [str(problem) for problem in caught.value.problems]


def first_line(name: str, start: str) -> int:
    lines = (BASE / name).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if start in line)


def test_a_value_of_a_sheet_is_corrected_and_the_file_stays(tmp_path: Path) -> None:
    before = (BASE / "doses.csv").read_bytes()
    out = imported(tmp_path, "doses.csv,2,full_activity,5.42,5.24")
    doses = tables.read(out / "doses.csv", Doses)
    assert doses["full_activity_kbq"].iloc[0] == 5240.0
    assert (tmp_path / "C01" / "doses.csv").read_bytes() == before
    listed = tables.read(out / "overrides.csv", Overrides)
    assert listed[["file", "row", "column", "old", "new", "reason"]].to_numpy().tolist() == [
        ["doses.csv", "2", "full_activity", "5.42", "5.24", "typed wrongly"]
    ]
    files = tables.read(out / "imported.csv", Import).set_index("file")["conversions"]
    assert "corrected by overrides.csv: row 2 full_activity: '5.42' -> '5.24'" in files["doses.csv"]
    assert "corrected" not in files["animals.csv"]


@pytest.mark.parametrize("column", ["full_activity [MBq]", "Full Activity", "D"])
def test_a_column_goes_by_its_header_or_its_letter(column: str, tmp_path: Path) -> None:
    header = workbooks.rows_of(BASE / "doses.csv")[0]
    letter = column_letter(header.index("full_activity [MBq]"))
    column = letter if column == "D" else column
    out = imported(tmp_path, f"doses.csv,2,{column},5.420,5.24")
    assert tables.read(out / "doses.csv", Doses)["full_activity_kbq"].iloc[0] == 5240.0


def test_a_header_can_be_corrected_too(tmp_path: Path) -> None:
    out = imported(tmp_path, "animals.csv,1,strian,strian,strain", edit={"animals.csv": [["strain,", "strian,"]]})
    assert (out / "animals.csv").exists()


def test_a_count_of_an_export_is_corrected(tmp_path: Path) -> None:
    plain = tables.read(cohort_folder.run(BASE, tmp_path / "plain") / "counts.csv", Counts)
    row = plain.iloc[2]
    old = repr(float(row["counts"]))
    out = imported(tmp_path, f"counter/000001.csv,{row['source_row']},F-18 Counts,{old},99999")
    found = tables.read(out / "counts.csv", Counts)
    changed = (found["counts"] != plain["counts"]).to_numpy()
    assert np.flatnonzero(changed).tolist() == [2]
    assert found["counts"].iloc[2] == 99999.0
    files = tables.read(out / "imported.csv", Import).set_index("file")
    before = tables.read(tmp_path / "plain" / "imported.csv", Import).set_index("file")
    assert files.loc["counter/000001.csv", "sha256"] == before.loc["counter/000001.csv", "sha256"]
    assert "99999" in files.loc["counter/000001.csv", "conversions"]


def test_a_value_of_a_roi_export_is_corrected(tmp_path: Path) -> None:
    row = first_line("pet/M01_d07.voistat", "RGI_M01")
    out = imported(tmp_path, f"pet/M01_d07.voistat,{row},Averaged,187.3,178.3")
    rois = tables.read(out / "rois.csv", Rois).set_index(["scan_id", "region"])
    assert rois.loc[("S01", "tumour"), "activity_kbq_per_ml"] == 178.3


def test_a_workbook_is_corrected_by_file_and_sheet(tmp_path: Path) -> None:
    folder = cohort_folder.copy(
        tmp_path / "C01", {"add": {"overrides.csv": f"{HEADER}cohort.xlsx > doses,2,full_activity,5.42,5.24,typo\n"}}
    )
    workbooks.of_csv(folder, folder / "cohort.xlsx")
    for path in folder.glob("*.csv"):
        path.unlink()
    out = cohort_folder.run(folder, tmp_path / "out")
    assert tables.read(out / "doses.csv", Doses)["full_activity_kbq"].iloc[0] == 5240.0


@pytest.mark.parametrize(
    ("row", "told", "code"),
    [
        ("doses.csv,2,full_activity,5.24,5.42", "holds '5.42', not this", "override-old"),
        ("doses.csv,99,full_activity,5.42,5.24", "has 4 rows", "override-target"),
        ("doses.csv,two,full_activity,5.42,5.24", "this is no number of a row", "override-target"),
        ("doses.csv,2,ful_activity,5.42,5.24", "Did you mean 'full_activity [MBq]'?", "override-target"),
        ("dose.csv,2,full_activity,5.42,5.24", "Did you mean 'doses.csv'?", "override-target"),
        ("counter/00001.csv,20,F-18 Counts,1,2", "Did you mean 'counter/000001.csv'?", "override-target"),
        ("counter/000001.csv,3,F-18 Counts,1,2", "counter/000001.csv", "override-old"),
        ("overrides.csv,2,old,5.42,5.24", "does not correct itself", "override-target"),
        ("doses.csv,2,full_activity,5.42,5.42", "are the same", "override-no-change"),
    ],
)
def test_what_does_not_fit_is_an_error_that_names_what_stands_there(
    row: str, told: str, code: str, tmp_path: Path
) -> None:
    problems = refused(tmp_path, row)
    assert len(problems) == 1
    assert problems[0].startswith("overrides.csv, row 2, column ")
    assert told in problems[0]
    assert problems[0].endswith(f"[{code}]")


def test_two_corrections_of_one_cell_are_an_error(tmp_path: Path) -> None:
    twice = refused(tmp_path, "doses.csv,2,full_activity,5.42,5.24", "doses.csv,2,E,5.42,5.25")
    assert len(twice) == 1
    assert "the cell is corrected above already" in twice[0]
    assert twice[0].endswith("[override-twice]")


def sheet_of(*rows: tuple[str, str, str, str, str]) -> Sheet:
    sheet = Sheet(Overrides, "overrides.csv")
    columns = ["file", "row", "column", "old", "new"]
    sheet.frame = pd.DataFrame(rows, columns=columns, dtype=str).assign(reason="r", source_row=range(2, len(rows) + 2))
    return sheet


def corrected(text: str, *rows: tuple[str, str, str, str], tab: str = "") -> tuple[Export, Sheet]:
    sheet = sheet_of(*(("f", *row) for row in rows))
    own: list[Override] = declared(sheet)["f"]
    return correct_export(sheet, Export("f", text.encode()), own, tab), sheet


@pytest.mark.parametrize(
    ("text", "row", "after"),
    [
        ("Pos;Counts\n1;1,5\n2;2,5\n", ("3", "Counts", "2,5", "3,5"), "Pos;Counts\n1;1,5\n2;3,5\n"),
        ("Pos;Counts\n1;1,5\n2;2,5\n", ("3", "B", "2,5", "3,5"), "Pos;Counts\n1;1,5\n2;3,5\n"),
        ('Pos,Note\n1,"a, b"\n', ("2", "Note", "a, b", "a; b"), 'Pos,Note\n1,"a; b"\n'),
        ("Pos,Note\n1,x\n", ("2", "Note", "x", 'y, "z"'), 'Pos,Note\n1,"y, ""z"""\n'),
        ("Run 5\n\nPos\tVol [ccm]\n1\t0.2\n", ("4", "Vol", "0.2", "0.3"), "Run 5\n\nPos\tVol [ccm]\n1\t0.3\n"),
        ("Pos,Counts\n1,\n", ("2", "Counts", "", "7"), "Pos,Counts\n1,7\n"),
        ("Pos,Counts\n1,7\n", ("2", "Counts", "7", ""), "Pos,Counts\n1,\n"),
        ("a b c\n1 2 3\n", ("2", "C", "3", "4"), "a b c\n1 2 4\n"),
    ],
)
def test_only_the_cell_changes(text: str, row: tuple[str, str, str, str], after: str) -> None:
    export, sheet = corrected(text, row)
    assert export.text == after
    assert export.head == after
    assert sheet.problems == []
    assert export.content == text.encode()


def test_a_number_of_a_workbook_stays_a_number() -> None:
    book = openpyxl.Workbook()
    book.active.title = "Results"
    for row in (["Run"], ["Pos", "Counts"], [1, 402.5], [2, 17]):
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    sheet = sheet_of(("f", "4", "Counts", "17", "18"))
    export = correct_export(sheet, Export("f", stream.getvalue()), declared(sheet)["f"])
    assert sheet.problems == []
    assert export.sheet("Results")[3] == [2, 18.0]
    book.create_sheet("Other")
    stream = io.BytesIO()
    book.save(stream)
    two = dataclasses.replace(export, content=stream.getvalue(), changed_sheets={})
    correct_export(sheet, two, declared(sheet)["f"])
    assert [problem.why for problem in sheet.problems] == ["it is not said which sheet"]


@pytest.mark.parametrize("index", [0, 25, 26, 701, 702])
def test_letters_and_indices_are_each_others_inverse(index: int) -> None:
    assert column_index(column_letter(index)) == index
