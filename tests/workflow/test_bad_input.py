"""Sheets and exports that are wrong: one message with every problem, exit code 1, and nothing calculated."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml


@pytest.fixture
def cohort(checkout: Path) -> Path:
    """Return the folder of the only cohort of a checkout."""
    path = checkout / "config" / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["cohorts"] = config["cohorts"][:1]
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return checkout / config["cohorts"][0]["path"]


def edit(sheet: Path, *, row: int, column: str, value: str) -> None:
    """Write a value into a sheet; the row is counted as a spreadsheet does, and the header is row 1."""
    with open(sheet, encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    position = next(index for index, header in enumerate(rows[0]) if header == column)
    rows[row - 1][position] = value
    with open(sheet, "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)


def refused(run: Callable, checkout: Path) -> str:
    done = run(checkout)
    assert done.code == 1, done.output
    assert "Traceback" not in done.output
    assert "CalledProcessError" not in done.output, "the job has said itself what is wrong"
    left = {path.relative_to(checkout / "results").parts[1] for path in (checkout / "results").glob("*/*/*")}
    assert left == set()
    return done.output


MISTAKES = [
    ("animals.csv", 2, "group", "CARR", "'CARR'"),
    ("doses.csv", 3, "tracer", "[18F]FDG", "'[18F]FDG'"),
    ("doses.csv", 4, "animal_id", "M999", "'M999'"),
    ("doses.csv", 5, "injected_at", "yesterday", "'yesterday'"),
    ("doses.csv", 6, "full_activity [MBq]", "7,4x", "'7,4x'"),
    ("scans.csv", 2, "decay_corrected_to", "start", "'start'"),
    ("tubes.csv", 2, "position", "99", "99"),
]


def test_all_problems_of_all_sheets_come_at_once(checkout: Path, cohort: Path, run: Callable) -> None:
    for sheet, row, column, value, _ in MISTAKES:
        edit(cohort / sheet, row=row, column=column, value=value)
    said = refused(run, checkout)
    lines = said.splitlines()
    missing = [
        (sheet, row, quoted)
        for sheet, row, _, _, quoted in MISTAKES
        if not any(sheet in line and f"row {row}" in line and quoted in line for line in lines)
    ]
    assert missing == [], said
    # Once: Snakemake shows the log, the job itself says nothing.
    assert said.count("'CARR'") == 1


@pytest.mark.parametrize(
    ("sheet", "column", "renamed", "told"),
    [
        ("animals.csv", "strain", "strian", "strain"),
        ("doses.csv", "full_activity [MBq]", "full_activity", "unit"),
        ("doses.csv", "session", "x_session", "session"),
    ],
    ids=["unknown column", "no unit", "missing column"],
)
def test_a_header_that_is_wrong(
    checkout: Path, cohort: Path, run: Callable, sheet: str, column: str, renamed: str, told: str
) -> None:
    edit(cohort / sheet, row=1, column=column, value=renamed)
    said = refused(run, checkout)
    assert any(sheet in line and told in line for line in said.splitlines()), said


def test_a_region_that_nobody_knows(checkout: Path, cohort: Path, run: Callable) -> None:
    export = next(iter(sorted((cohort / "pet").glob("*.voistat"))))
    export.write_bytes(export.read_bytes().replace(b"Tumor", b"Blob"))
    said = refused(run, checkout)
    assert any(export.name in line and "Blob" in line for line in said.splitlines()), said


def test_a_cohort_without_a_sheet_of_animals(checkout: Path, cohort: Path, run: Callable) -> None:
    (cohort / "animals.csv").unlink()
    assert "animals" in refused(run, checkout)


def test_a_defect_shows_its_traceback_and_leaves_no_half_written_file(checkout: Path, run: Callable) -> None:
    script = checkout / "scripts" / "compute_activity.py"
    text = script.read_text(encoding="utf-8").replace("def main(", "def real(", 1)
    first = text.index('if "snakemake" in globals()')
    broken = """
def main(**paths: object) -> None:
    from pathlib import Path

    Path(str(paths["tube_activity"])).write_text("half")
    raise ZeroDivisionError("a defect")


"""
    script.write_text(text[:first] + broken + text[first:], encoding="utf-8")
    done = run(checkout)
    assert done.code == 1
    assert "ZeroDivisionError: a defect" in done.output
    assert not list((checkout / "results").glob("*/2_activity/*"))
