"""Problems put together, and the registry of rules."""

from __future__ import annotations

from pathlib import Path

import cohort_folder

from cartrace.errors import Problem
from cartrace.messages import collapse
from cartrace.readers import readers_of
from cartrace.sheet_rules import RULES
from cartrace.tables import SHEETS

NAMES = {table.__name__.lower(): table for table in SHEETS}


def problem(row: int, value: str = "a", *, column: str = "c", code: str = "k") -> Problem:
    return Problem(code, "it is wrong", "Mend it", file="f.csv", row=row, column=column, value=value)


def test_one_cause_in_many_rows_is_told_once_and_in_place() -> None:
    found = collapse([problem(2), problem(3, column="d"), problem(4), problem(9)])
    assert [(item.row, item.column) for item in found] == [(2, "c"), (3, "d")]
    assert found[0].remedy == "Mend it. The same in 2 more rows: 4, 9"
    assert found[1].remedy == "Mend it"


def test_a_few_values_are_told_each_and_many_are_summed_up() -> None:
    few = [problem(row, f"v{row}") for row in range(2, 7)]
    assert collapse(few) == few
    many = collapse([problem(row, f"v{row}") for row in range(2, 40)])
    assert [item.value for item in many] == ["v2", "v3", "v4", "v5"]
    assert many[-1].remedy == "Mend it. Likewise in 34 more rows: 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, ..."


def test_other_files_and_kinds_are_kept_apart() -> None:
    found = [
        problem(2),
        problem(3, code="other"),
        Problem("k", "it is wrong", "Mend it", file="g.csv", row=2, column="c"),
    ]
    assert collapse(found) == found
    assert collapse([]) == []


def test_every_rule_points_at_a_column_that_the_sheet_has() -> None:
    for rule in RULES:
        assert rule.column in NAMES[rule.sheet].names(), rule
        assert not rule.why.endswith(".")


def test_a_config_without_tubes_and_scans_gives_empty_tables(tmp_path: Path) -> None:
    folder = cohort_folder.copy(tmp_path / "C01")
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "animals.csv":
            path.unlink()
    out = cohort_folder.run(folder, tmp_path / "out")
    assert (out / "counts.csv").read_text(encoding="utf-8").count("\n") == 1
    assert (out / "rois.csv").read_text(encoding="utf-8").count("\n") == 1
    assert (out / "quality.csv").read_text(encoding="utf-8").count("animal-without-dose") == 3


def test_readers_say_what_they_read() -> None:
    assert all(reader.about for what in ("counter", "pet") for reader in readers_of(what))
