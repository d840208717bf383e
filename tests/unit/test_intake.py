"""Problems put together, and the registry of rules."""

from __future__ import annotations

from pathlib import Path

import cohort_folder

from cartrace.collapse import collapse
from cartrace.errors import Problem
from cartrace.readers import readers_of
from cartrace.sheet_rules import RULES
from cartrace.tables import SHEETS

NAMES = {table.__name__.lower(): table for table in SHEETS}


def problem(row: int, value: str = "a", *, column: str = "c", code: str = "k") -> Problem:
    return Problem(code, "it is wrong", "Mend it", file="f.csv", row=row, column=column, value=value)


def test_one_cause_in_many_rows_is_told_once_and_in_place() -> None:
    found = collapse([problem(2), problem(3, column="d"), problem(4), problem(9)])
    assert [(item.row, item.more, item.column) for item in found] == [(2, (4, 9), "c"), (3, (), "d")]
    assert str(found[0]) == "f.csv, 3 rows: 2, 4, 9, column 'c': it is wrong (found 'a'). Mend it. [k]"


def test_what_can_harm_most_is_told_first() -> None:
    found = collapse([problem(2, code="title-row"), problem(3, code="not-a-number"), problem(4, code="order")])
    assert [item.code for item in found] == ["order", "not-a-number", "title-row"]


def test_a_few_values_are_told_each_and_many_are_summed_up() -> None:
    few = [problem(row, f"v{row}") for row in range(2, 7)]
    assert collapse(few) == few
    several = collapse([problem(row, f"v{row}") for row in range(2, 12)])
    assert [item.value for item in several] == ["v2", "v3", "v4", "v5", None]
    many = collapse([problem(row, f"v{row}") for row in range(2, 40)])
    assert [item.value for item in many] == ["v2", None]
    assert str(many[-1]) == (
        "f.csv, 37 rows: 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, ..., column 'c': the same kind of mistake as "
        "above, with other values. Mend it. [k]"
    )


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
