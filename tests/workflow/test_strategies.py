"""Studies of strategies that do not show growth, by counter and PET, through the whole flow; the report says why."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_cohort


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize(
    ("name", "why", "table", "number", "shown"),
    [
        ("direct_label", "a direct label is shared out when cells divide", "labelled.csv", "cells", "Labelled-cell"),
        # The same flow once more; its numbers stand in tests/scripts/test_apply_strategy.py.
        pytest.param(
            "immunopet",
            "the tracer binds a marker whose amount per cell",
            "specific.csv",
            "specific",
            "Specific uptake",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_study_without_growth_has_its_own_numbers_and_says_why_nothing_is_fitted(
    tmp_path: Path, run: Callable, name: str, why: str, table: str, number: str, shown: str
) -> None:
    made = {"direct_label": tiny_cohort.direct_label, "immunopet": tiny_cohort.immunopet}[name]
    study = tiny_cohort.write(tmp_path / "study", *tiny_cohort.with_pet(made()))
    done = run(tiny_cohort.ROOT, "--directory", str(study), cores=1)
    assert done.code == 0, done.output
    results = study / "results"
    estimates = rows(results / "5_expansion" / "exponential" / "estimates.csv")
    assert {row["status"] for row in estimates} == {"not_estimable"}
    assert {row["estimate"] for row in estimates} == {""}
    animals = [row for row in estimates if row["level"] == "animal"]
    assert animals
    assert all(row["reason"].startswith(why) for row in animals)
    own = rows(results / "T01" / "4_cells" / table)
    for modality in ("counter", "pet"):
        assert any(row[number] for row in own if row["modality"] == modality)
    other = {"labelled.csv": "specific.csv", "specific.csv": "labelled.csv"}[table]
    assert rows(results / "T01" / "4_cells" / other) == []
    html = (results / "7_report" / "report.html").read_text(encoding="utf-8")
    section = re.search(r'<section id="strategy".*?</section>', html, re.DOTALL)
    assert section is not None
    assert shown in section[0]
    assert "not fitted" in section[0]
    # The primary comparison is one of uptake, which needs no growth.
    primary = [row for row in rows(results / "6_comparison" / "comparisons.csv") if row["is_primary"] == "True"]
    assert primary
    assert {row["status"] for row in primary} == {"ok"}
