"""Sheets from anybody: whatever their bytes, a cohort becomes tables or an `InputError`, and nothing else."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import cohort_folder
import pytest
from hostile import N_MUTATIONS, mutations

from cartrace import grids, intake, sheets, vocabulary
from cartrace.errors import InputError, Problem
from cartrace.radionuclides import read as read_nuclides
from cartrace.tables import SHEETS, Table

BASE = cohort_folder.BASE
RESOURCES = cohort_folder.ROOT / "resources"
READING = sheets.Reading(
    dict.fromkeys(("calibrator", "counter", "scanner", "wall"), ZoneInfo("Europe/Berlin")), date_format="ISO"
)
OVERRIDES = b"file,row,column,old,new,reason\ndoses.csv,2,body_weight [g],22.4,22.5,typing error\n"
FILES: Mapping[str, bytes] = {
    **{path.name: path.read_bytes() for path in sorted(BASE.glob("*.csv"))},
    "overrides.csv": OVERRIDES,
}
EXPORTED = sorted(path.relative_to(BASE).as_posix() for path in BASE.glob("*/*"))
STUDY = intake.Study(
    cohort="C01",
    vocabulary=vocabulary.read(str(RESOURCES / "tissues.csv"), cohort_folder.CONFIG["regions"]),
    nuclides=read_nuclides(str(RESOURCES / "radionuclides.csv")),
    **{key: value for key, value in cohort_folder.CONFIG.items() if key != "regions"},
)


def load(name: str) -> bytes:
    return (BASE / name).read_bytes()


def is_imported(files: Mapping[str, bytes]) -> bool:
    problems: tuple[Problem, ...] = ()
    try:
        intake.read(STUDY, files, EXPORTED, load)
    except InputError as error:
        problems = error.problems
    assert all(problem.code and problem.why and problem.remedy for problem in problems)
    return not problems


# 2,000 mutations over all sheets in every run of the tests, and ten times as many where there is time.
SHARES = [pytest.param(len(SHEETS), id="some"), pytest.param(1, id="many", marks=pytest.mark.slow)]


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("table", SHEETS, ids=lambda table: table.__name__.lower())
def test_a_mutated_sheet_is_read_with_its_problems(table: type[Table], share: int) -> None:
    name = f"{table.__name__.lower()}.csv"
    known = [column.header for column in table.sheet_columns()]
    outcomes = []
    for content in mutations((FILES[name],), N_MUTATIONS // share, name):
        grid = grids.from_csv(content, known)
        sheet = sheets.read(grid, table, file=name, name="", cohort="C01", reading=READING)
        assert list(sheet.frame.columns) == table.names()
        outcomes.append(not sheet.problems)
    assert 0 < sum(outcomes) < len(outcomes), "some mutations do no harm and some do"


@pytest.mark.parametrize("share", SHARES)
def test_a_cohort_with_a_mutated_sheet_is_imported_or_refused(share: int) -> None:
    assert is_imported(FILES)
    outcomes = []
    for name, content in FILES.items():
        for mutated in mutations((content,), 40 // share + 1, f"cohort {name}"):
            outcomes.append(is_imported({**FILES, name: mutated}))
    assert 0 < sum(outcomes) < len(outcomes)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the parts of the cohort's workbook."""
    folder: Path = cohort_folder.copy(tmp_path_factory.mktemp("workbook") / "C01")
    cohort_folder.as_workbook(folder)
    with zipfile.ZipFile(folder / "cohort.xlsx") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize("share", SHARES)
def test_a_mutated_workbook_of_sheets_is_imported_or_refused(parts: dict[str, bytes], share: int) -> None:
    generator = random.Random("workbook of sheets")
    assert is_imported({"cohort.xlsx": packed(parts)})
    outcomes = []
    for number in range(120 // share):
        target = generator.choice(list(parts))
        *_, mutated = mutations((parts[target],), 2, f"{number} {target}")
        outcomes.append(is_imported({"cohort.xlsx": packed({**parts, target: mutated})}))
    for mutated in mutations((packed(parts),), 120 // share, "zip of sheets"):
        outcomes.append(is_imported({"cohort.xlsx": mutated}))
    assert 0 < sum(outcomes) < len(outcomes)
