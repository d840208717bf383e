"""What a lab or an instrument wrote is data: no name is a path, a formula or a script, and no file is obeyed."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cohort_folder
import flow
import openpyxl
import pipeline
import pytest
import yaml

import check_cohort
from cartrace import checked, tables, workbooks
from cartrace.config import Config
from cartrace.errors import InputError, Problem
from cartrace.readers import READERS, Export, Settings
from cartrace.report.workbook import workbook

NAMES = [
    "../../x",
    "/etc/passwd",
    r"..\..\x",
    "=cmd|' /C calc'!A0",
    "@SUM(A1)",
    "<script>alert(1)</script>",
    "{{ 7*7 }}",
    "%s{x}$(touch y)",
]
SETTINGS = Config.model_validate(
    {
        "study": {"title": "t", "timezone": "Europe/Berlin"},
        "cohorts": [{"name": "C01", "path": "C01"}],
        "groups": [{"name": "UTD", "role": "background"}, {"name": "CAR", "role": "test"}],
        **{key: cohort_folder.CONFIG[key] for key in ("tracers", "regions", "counter")},
        "comparison": {"primary": {"groups": ["CAR", "UTD"]}},
    }
).model_dump()


def renamed(folder: Path, name: str) -> None:
    """Call a mouse, its session and its tissue's part by a name."""
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([[{"M01": name, "d07": name}.get(cell, cell) for cell in row] for row in rows])
    export = folder / "pet" / "M01_d07.voistat"
    export.write_text(export.read_text(encoding="utf-8").replace("\tM01\t", f"\t{name}\t"), encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_only_a_name(name: str, tmp_path: Path) -> None:
    folder = cohort_folder.copy(tmp_path / "C01")
    renamed(folder, name)
    before = {path for path in tmp_path.rglob("*") if "results" not in path.parts}
    results = tmp_path / "results"
    cohort_folder.run(folder, results / "C01" / "1_tables")
    pipeline.measured("C01", SETTINGS, results)
    assert {path for path in tmp_path.rglob("*") if "results" not in path.parts} == before
    written = [path for path in results.rglob("*") if path.is_file()]
    assert all(re.fullmatch(r"[a-z_]+\.csv", path.name) for path in written)
    uptake = tables.read(results / "C01" / "3_uptake" / "uptake.csv", tables.Uptake)
    assert {name} <= set(uptake["animal_id"])
    for path in written:
        with path.open(encoding="utf-8", newline="") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        formulas = [cell for cell in cells if cell[:1] in tuple("=@+\t") or re.match(r"-\D", cell)]
        assert formulas == [], path.name
    book = openpyxl.load_workbook(io.BytesIO(workbook({"uptake": (uptake, tables.Uptake)})))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value == name]
    assert cells
    assert {cell.data_type for cell in cells} == {"s"}


@pytest.mark.parametrize("path", ["../outside.csv", "counter/../../outside.csv", "{folder}/outside.csv"])
@pytest.mark.parametrize("sheet", ["tubes.csv", "scans.csv"])
def test_a_file_outside_of_the_folder_is_never_opened(sheet: str, path: str, tmp_path: Path) -> None:
    folder = cohort_folder.copy(tmp_path / "C01")
    name = {"tubes.csv": "000001.csv", "scans.csv": "M01_d07.voistat"}[sheet]
    source = folder / {"tubes.csv": "counter", "scans.csv": "pet"}[sheet] / name
    (tmp_path / "outside.csv").write_bytes(source.read_bytes())
    text = (folder / sheet).read_text(encoding="utf-8")
    (folder / sheet).write_text(text.replace(name, path.format(folder=tmp_path)), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        cohort_folder.run(folder, tmp_path / "out")
    assert {problem.code for problem in caught.value.problems} <= {"file-not-found", "unknown-tube"}
    assert not (tmp_path / "out").exists()


def bomb() -> bytes:
    """Return a workbook of some kilobytes that unpacks to a hundred times as much."""
    book = openpyxl.Workbook()
    book.active.title = "animals"
    book.active.append(["animal_id", "group"])
    stream = io.BytesIO()
    book.save(stream)
    target = io.BytesIO()
    with zipfile.ZipFile(stream) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, old.read(part) + (b" " * 3_000_000 if "sheet1" in part else b""))
    return target.getvalue()


def test_a_workbook_that_unpacks_without_bound_is_opened_by_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "MOST_BYTES", 2_000_000)
    monkeypatch.setattr(openpyxl, "load_workbook", lambda *_, **__: pytest.fail("it was opened"))
    assert len(bomb()) < 30_000
    folder = cohort_folder.copy(tmp_path / "C01")
    (folder / "cohort.xlsx").write_bytes(bomb())
    for expected in ("two-sources", "workbook-too-large"):
        settings = cohort_folder.settings(folder)
        check_cohort.main(found=str(tmp_path / "found.json"), checked=str(tmp_path / "checked.xlsx"), **settings)
        assert f"[{expected}]" in (tmp_path / "found.json").read_text(encoding="utf-8")
        for path in folder.glob("*.csv"):
            path.unlink()


def test_the_rules_look_into_no_such_workbook_either(tmp_path: Path) -> None:
    path = tmp_path / "cohort.xlsx"
    source = (cohort_folder.ROOT / "rules" / "cohort_files.smk").read_text(encoding="utf-8")
    start = source.index("def workbook_texts")
    inside: dict[str, Any] = {"zipfile": zipfile, "unescape": str, "MOST_WORKBOOK_BYTES": 2_000_000}
    exec(source[start : source.index("@cache", start)], inside)
    for content, count in ((bomb(), 0), (b"PK\x03\x04 broken", 0), (b"", 0)):
        path.write_bytes(content)
        assert len(inside["workbook_texts"](path)) == count
    inside["MOST_WORKBOOK_BYTES"] = workbooks.MOST_BYTES
    path.write_bytes(bomb())
    assert any("animal_id" in text for text in inside["workbook_texts"](path))
    assert f"MOST_WORKBOOK_BYTES = {workbooks.MOST_BYTES:_}" in source


def test_a_marked_workbook_adds_no_formula(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "animals"
    book.active.append(["animal_id", "group"])
    stream = io.BytesIO()
    book.save(stream)
    evil = '=HYPERLINK("http://x")'
    place = {"file": "cohort.xlsx", "sheet": "animals", "row": 2, "column": evil, "value": evil, "letter": "B"}
    problem = Problem("unknown-group", evil, evil, **place)
    found = openpyxl.load_workbook(io.BytesIO(checked.marked(stream.getvalue(), [problem], file="cohort.xlsx")))
    assert [cell.coordinate for sheet in found for row in sheet for cell in row if cell.data_type == "f"] == []


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "9" * 100_000, "1e999999", "NaN"])
def test_a_json_of_any_depth_is_read_or_refused(text: str) -> None:
    reader = next(reader for reader in READERS if reader.name == "bids_tacs")
    export = Export("x_tacs.tsv", b"frame_start\tframe_end\ttumour\n0\t60\t5\n")
    with pytest.raises(InputError):
        reader.reads(export, Settings(sidecar=Export("x_tacs.json", text.encode())))


@pytest.fixture
def dry_run(tmp_path: Path) -> Callable[[str], flow.Run]:
    """Return the function that plans a run with some lines added to the demo's config."""

    def plan(lines: str) -> flow.Run:
        config = yaml.safe_load((cohort_folder.ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
        for cohort in config["cohorts"]:
            cohort["path"] = str(cohort_folder.ROOT / cohort["path"])
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "config.yaml").write_text(f"{yaml.safe_dump(config)}\n{lines}\n", encoding="utf-8")
        return flow.snakemake(cohort_folder.ROOT, "-n", "--directory", str(tmp_path))

    return plan


def test_a_tag_of_yaml_makes_no_object(dry_run: Callable[[str], flow.Run], tmp_path: Path) -> None:
    mark = tmp_path / "made"
    done = dry_run(f'seed: !!python/object/apply:pathlib.Path.touch ["{mark}"]')
    assert done.code == 1
    assert not mark.exists()
    assert "Traceback" not in done.output
