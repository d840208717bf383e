"""The check of a cohort: what it tells, and the workbook in which the mistakes are marked."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import cohort_folder
import openpyxl
import pytest
import workbooks

import check_cohort
import tell_check
from cartrace import checked

RED = "FFFFC7CE"


def check(folder: Path, out: Path, **outputs: str) -> dict[str, Any]:
    check_cohort.main(found=str(out / "check.json"), **outputs, **cohort_folder.settings(folder))
    return json.loads((out / "check.json").read_text(encoding="utf-8"))


def workbook_cohort(tmp_path: Path, case: dict[str, Any] | None = None) -> Path:
    folder = cohort_folder.copy(tmp_path / "C01", case)
    workbooks.of_csv(folder, folder / "cohort.xlsx")
    for path in folder.glob("*.csv"):
        path.unlink()
    return folder


def marks(path: Path) -> dict[str, str]:
    """Return the comments of the red cells by sheet and cell."""
    book = openpyxl.load_workbook(path)
    return {
        f"{sheet.title}!{cell.coordinate}": cell.comment.text
        for sheet in book.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.fill.fgColor.rgb == RED
    }


def test_a_cohort_that_is_ready_is_summed_up_in_one_line(tmp_path: Path) -> None:
    outcome = check(cohort_folder.copy(tmp_path / "C01"), tmp_path)
    assert outcome["problems"] == 0
    assert outcome["lines"] == [
        "ready: 3 mice, 3 doses, 7 tubes, 1 counter run, 3 scans, 2 readouts, 2 exclusions. 0 warnings."
    ]


def test_warnings_are_told_and_do_not_stop(tmp_path: Path) -> None:
    case = {"edit": {"animals.csv": [["M03,CAR", "M05,UTD,,,,,,,,,,\nM03,CAR"]]}}
    outcome = check(cohort_folder.copy(tmp_path / "C01", case), tmp_path)
    assert outcome["problems"] == 0
    assert outcome["lines"][0].endswith("2 warnings:")
    assert "The mouse M05 has no row in the sheet of doses" in outcome["lines"][1]


def test_the_mistakes_of_a_workbook_are_marked_where_they_stand(tmp_path: Path) -> None:
    case = {
        "edit": {
            "animals.csv": [["CAR", "CARR"]],
            "doses.csv": [["full_activity [MBq]", "full_activity"], ["22.4", "n/a"]],
        }
    }
    folder = workbook_cohort(tmp_path, case)
    before = (folder / "cohort.xlsx").read_bytes()
    outcome = check(folder, tmp_path, checked=str(tmp_path / "C01.checked.xlsx"))
    assert outcome["problems"] >= 3
    assert (folder / "cohort.xlsx").read_bytes() == before
    found = marks(tmp_path / "C01.checked.xlsx")
    header, row = workbooks.rows_of(cohort_folder.BASE / "doses.csv")[:2]
    unit, weight = (
        f"doses!{'ABCDEFGHIJKLMNOP'[place]}" for place in (header.index("full_activity [MBq]"), row.index("22.4"))
    )
    assert "the quantity has no unit" in found[f"{unit}1"]
    assert "a number is needed" in found[f"{weight}2"]
    group = next(cell for cell in found if cell.startswith("animals!"))
    assert "Did you mean 'CAR'?" in found[group]
    assert openpyxl.load_workbook(tmp_path / "C01.checked.xlsx")["animals"][group.split("!")[1]].value == "CARR"
    listed = openpyxl.load_workbook(tmp_path / "C01.checked.xlsx")[checked.PROBLEMS_TAB]
    assert {row[0].value for row in listed.iter_rows(min_row=2)} == {"cohort.xlsx"}
    assert listed.max_row - 1 >= outcome["problems"]


def test_a_marked_workbook_may_be_gone_on_with(tmp_path: Path) -> None:
    folder = workbook_cohort(tmp_path, {"edit": {"animals.csv": [["CAR", "CARR"]]}})
    marked = tmp_path / "C01.checked.xlsx"
    check(folder, tmp_path, checked=str(marked))
    cell = next(iter(marks(marked)))
    book = openpyxl.load_workbook(marked)
    sheet, place = cell.split("!")
    book[sheet][place].value = "CAR"
    book.save(folder / "cohort.xlsx")
    outcome = check(folder, tmp_path, checked=str(marked))
    assert (outcome["problems"], marks(marked)) == (0, {})
    assert openpyxl.load_workbook(marked)[checked.PROBLEMS_TAB]["A2"].value == "Nothing is wrong with this cohort."


def test_a_file_that_is_no_workbook_still_gives_a_list_of_problems(tmp_path: Path) -> None:
    folder = workbook_cohort(tmp_path)
    (folder / "cohort.xlsx").write_bytes(b"PK\x03\x04 and then nothing")
    outcome = check(folder, tmp_path, checked=str(tmp_path / "C01.checked.xlsx"))
    assert outcome["problems"] >= 1
    book = openpyxl.load_workbook(tmp_path / "C01.checked.xlsx")
    assert book.sheetnames == [checked.PROBLEMS_TAB]
    assert "cannot be opened" in book[checked.PROBLEMS_TAB]["F2"].value


def test_what_a_cell_holds_is_never_a_formula_in_the_list(tmp_path: Path) -> None:
    evil = "=cmd|' /C calc'!A0"
    folder = cohort_folder.copy(tmp_path / "C01", {"edit": {"animals.csv": [["CAR", evil]]}})
    book = openpyxl.load_workbook(workbooks.of_csv(folder, folder / "cohort.xlsx"))
    for row in book["animals"].iter_rows():
        for cell in row:
            if cell.value == evil:
                cell.data_type = "s"
    book.save(folder / "cohort.xlsx")
    for path in folder.glob("*.csv"):
        path.unlink()
    check(folder, tmp_path, checked=str(tmp_path / "C01.checked.xlsx"))
    listed = openpyxl.load_workbook(tmp_path / "C01.checked.xlsx")[checked.PROBLEMS_TAB]
    cells = [cell for row in listed.iter_rows() for cell in row if cell.value == evil]
    assert [cell.data_type for cell in cells] == ["s"]


def test_the_same_mistakes_give_the_same_bytes(tmp_path: Path) -> None:
    folder = workbook_cohort(tmp_path, {"edit": {"animals.csv": [["CAR", "CARR"]]}})
    for name in ("one", "two"):
        check(folder, tmp_path, checked=str(tmp_path / f"{name}.xlsx"))
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()


def test_every_cohort_is_told_and_the_number_of_problems_is_theirs(tmp_path: Path) -> None:
    good = {"cohort": "C01", "problems": 0, "lines": ["ready: 3 mice. 0 warnings."], "checked": ""}
    bad = {"cohort": "C02", "problems": 2, "lines": ["2 problems", "  1. x", "  2. y"], "checked": "C02.checked.xlsx"}
    paths = []
    for outcome in (good, bad):
        paths.append(tmp_path / f"{outcome['cohort']}.json")
        paths[-1].write_text(json.dumps(outcome), encoding="utf-8")
    text, n_problems = tell_check.main(found=[str(path) for path in paths])
    assert n_problems == 2
    assert text.splitlines() == [
        "C01: ready: 3 mice. 0 warnings.",
        "",
        "C02: 2 problems",
        "  1. x",
        "  2. y",
        f"  The cells are marked in {tmp_path / 'C02.checked.xlsx'}.",
    ]


@pytest.mark.parametrize("comment", ["mine", ""])
def test_comments_of_the_lab_stay(comment: str) -> None:
    from openpyxl.comments import Comment

    from cartrace.errors import Problem

    book = openpyxl.Workbook()
    book.active.title = "animals"
    book.active.append(["animal_id", "group"])
    book.active.append(["M1", "X"])
    if comment:
        book.active["B2"].comment = Comment(comment, "A. Berg")
    stream = io.BytesIO()
    book.save(stream)
    problem = Problem(
        "unknown-group", "not known", "Correct it", file="cohort.xlsx", sheet="animals", row=2, letter="B"
    )
    found = openpyxl.load_workbook(io.BytesIO(checked.marked(stream.getvalue(), [problem], file="cohort.xlsx")))
    text = found["animals"]["B2"].comment.text
    assert text.endswith("not known. Correct it. [unknown-group]")
    assert text.startswith("mine") == bool(comment)


def test_merged_cells_are_marked_in_the_first_of_them(tmp_path: Path) -> None:
    folder = cohort_folder.copy(tmp_path / "C01", {"workbook": {"tubes": {"E4:E6": "merged"}}})
    marked = tmp_path / "C01.checked.xlsx"
    outcome = check(folder, tmp_path, checked=str(marked))
    assert outcome["problems"] == 1
    found = marks(marked)
    assert list(found) == ["tubes!E4"]
    assert found["tubes!E4"].endswith("[merged-cells]")
