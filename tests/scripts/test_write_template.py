"""The template of a new cohort: what stands in it, that it imports once filled, and that nothing is overwritten."""

from __future__ import annotations

import shutil
from pathlib import Path

import cohort_folder
import openpyxl
import pipeline
import pytest
import workbooks

import write_template
from cartrace import tables
from cartrace.errors import InputError
from cartrace.tables import SHEETS

DEMO = cohort_folder.ROOT / "resources" / "demo_study" / "C01"


def written(folder: Path, cohort: str = "C03") -> Path:
    settings = pipeline.shipped()
    write_template.main(
        tissues=pipeline.RESOURCES["tissues"],
        cohort=cohort,
        folder=str(folder),
        groups=[group["name"] for group in settings["groups"]],
        tracers=[tracer["name"] for tracer in settings["tracers"]],
        regions=settings["regions"],
    )
    return folder


def imported(study: Path, cohort: str, results: Path) -> Path:
    pipeline.imported(study, cohort, pipeline.shipped(), results)
    return results / cohort / "1_tables"


def test_the_filled_template_gives_the_very_tables_of_the_sheets_it_was_filled_from(tmp_path: Path) -> None:
    folder = written(tmp_path / "filled" / "C01")
    workbooks.fill(folder / "cohort.xlsx", DEMO)
    shutil.rmtree(folder / "csv")
    for name in ("counter", "pet"):
        shutil.copytree(DEMO / name, folder / name, dirs_exist_ok=True)
    out = imported(tmp_path / "filled", "C01", tmp_path / "out")
    plain = imported(DEMO.parent, "C01", tmp_path / "plain")
    for table in (*SHEETS, tables.Counts, tables.Rois, tables.Quality):
        path = f"{table.__name__.lower()}.csv"
        if not (plain / path).exists():
            continue
        found, wanted = (tables.read(base / path, table) for base in (out, plain))
        sources = [name for name in ("source_file",) if name in found]
        assert found.drop(columns=sources).equals(wanted.drop(columns=sources)), path
    assert len(tables.read(out / "tubes.csv", tables.Tubes)) == 249


def test_every_sheet_has_its_headers_with_unit_meaning_and_form(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(written(tmp_path / "C03") / "cohort.xlsx")
    assert [tab for tab in book.sheetnames if not tab.startswith("x_")] == [table.__name__.lower() for table in SHEETS]
    doses = book["doses"]
    headers = {cell.value: cell for cell in doses[1]}
    assert "full_activity [MBq]" in headers
    assert headers["full_activity [MBq]"].comment.text.startswith("Activity of the full syringe.")
    assert "Required." in headers["injected_at"].comment.text
    assert "Optional." in headers["residual_at"].comment.text
    assert doses.column_dimensions["A"].number_format == "@"
    assert doses.column_dimensions["D"].number_format == "yyyy-mm-dd hh:mm:ss"


def choices(book: openpyxl.Workbook, sheet: str, header: str) -> list[str]:
    cell = next(cell for cell in book[sheet][1] if cell.value == header)
    for validation in book[sheet].data_validations.dataValidation:
        if f"{cell.column_letter}2" in validation.sqref and validation.type == "list":
            tab, area = validation.formula1.split("!")
            return [row[0].value for row in book[tab][area.replace("$", "")]]
    raise AssertionError(f"{sheet}.{header} has no drop-down")


def test_drop_downs_offer_what_the_config_and_the_contracts_know(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(written(tmp_path / "C03") / "cohort.xlsx")
    assert choices(book, "animals", "group") == ["UTD", "NT", "CAR"]
    assert choices(book, "animals", "sex") == ["F", "M"]
    assert choices(book, "doses", "tracer") == ["[18F]TFB"]
    assert choices(book, "tubes", "role") == ["tissue", "tail", "standard", "blank"]
    assert {"tumour", "muscle", "lymph node"} <= set(choices(book, "tubes", "tissue"))
    assert choices(book, "scans", "animal_id")[:1] == [None]  # filled with the sheet of animals
    assert book["x_lists"].sheet_state == "hidden"


def test_the_csv_set_has_the_same_headers_and_imports_once_animals_are_named(tmp_path: Path) -> None:
    folder = written(tmp_path / "C03")
    book = openpyxl.load_workbook(folder / "cohort.xlsx")
    for path in sorted((folder / "csv").glob("*.csv")):
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        assert workbooks.rows_of(path) == [[cell.value for cell in book[path.stem][1]]]
        shutil.move(path, folder / path.name)
    (folder / "cohort.xlsx").unlink()
    with open(folder / "animals.csv", "a", encoding="utf-8") as stream:
        stream.write("M1,CAR\r\n")
    out = imported(tmp_path, "C03", tmp_path / "out")
    assert tables.read(out / "animals.csv", tables.Animals)["animal_id"].tolist() == ["M1"]


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "C03"
    folder.mkdir()
    (folder / "animals.csv").write_text("mine")
    with pytest.raises(InputError, match=r"the folder is there already.*\[folder-exists\]"):
        written(folder)
    assert [path.name for path in folder.iterdir()] == ["animals.csv"]
    with pytest.raises(InputError, match=r"no name for the new cohort.*\[no-cohort-named\]"):
        written(tmp_path / "C04", cohort="")
    assert not (tmp_path / "C04").exists()
