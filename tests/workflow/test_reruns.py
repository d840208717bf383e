"""A change reruns what depends on it, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PER_COHORT = ("import_tables", "compute_activity", "compute_uptake", "estimate_cells")
STUDY = {"fit_expansion": 4, "select_model": 1, "compare_groups": 1, "draw_figures": 1, "build_report": 1, "all": 1}
AFTER = list(PER_COHORT) + list(STUDY)


def downstream(first: str, *, cohorts: int = 2, but: tuple[str, ...] = ()) -> dict[str, int]:
    """Return the jobs of a rule and of all that come after it."""
    jobs = dict.fromkeys(PER_COHORT, cohorts) | STUDY
    return {rule: jobs[rule] for rule in AFTER[AFTER.index(first) :] if rule not in but}


def change_config(study: Path, dotted: str, value: Any) -> None:
    path = study / "config" / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    *sections, key = dotted.split(".")
    place = config
    for section in sections:
        place = place.setdefault(section, {})
    place[key] = value
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("study.timezone", "Europe/Paris", downstream("import_tables")),
        ("counter.dead_time_us", 3.2, downstream("import_tables")),
        ("uncertainty.roi_frac", 0.06, downstream("compute_activity")),
        ("quality.tail_warn_pct", 4.0, downstream("compute_uptake")),
        ("expansion.window_days", [0.0, 27.0], downstream("fit_expansion")),
        ("comparison.confidence", 0.9, downstream("compare_groups")),
        ("report.journal", "ejnmmi", downstream("draw_figures")),
        ("study.status", "final", downstream("build_report")),
        ("simulation.n_per_group", 9, {}),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_setting_reruns_what_depends_on_it(
    study: Path, run: Callable, key: str, value: Any, expected: dict[str, int]
) -> None:
    change_config(study, key, value)
    done = run(study, "-n")
    assert done.code == 0, done.output
    assert done.planned == expected


def test_a_comment_in_the_config_reruns_nothing(study: Path, run: Callable) -> None:
    path = study / "config" / "config.yaml"
    path.write_text("# A remark.\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert run(study, "-n").planned == {}


def test_an_edit_of_a_sheet_reruns_its_cohort_and_the_study(study: Path, run: Callable) -> None:
    sheet = study / "resources" / "demo_study" / "C02" / "animals.csv"
    sheet.write_text(sheet.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    done = run(study, "-n", "--quiet", "host")
    assert done.planned == downstream("import_tables", cohorts=1)
    assert set(re.findall(r"cohort=(\w+)", done.output)) == {"C02"}


def test_a_new_export_reruns_its_cohort_and_the_study(study: Path, run: Callable) -> None:
    folder = study / "resources" / "demo_study" / "C01" / "counter"
    shutil.copy(next(folder.iterdir()), folder / "late.csv")
    done = run(study, "-n", "--quiet", "host")
    assert done.planned == downstream("import_tables", cohorts=1)
    assert set(re.findall(r"cohort=(\w+)", done.output)) == {"C01"}


def test_a_new_cohort_leaves_the_others_as_they_are(study: Path, run: Callable) -> None:
    demo = study / "resources" / "demo_study"
    shutil.copytree(demo / "C01", demo / "C03")
    cohorts = [{"name": name, "path": f"resources/demo_study/{name}"} for name in ("C01", "C02", "C03")]
    change_config(study, "cohorts", cohorts)
    done = run(study, "-n", "--quiet", "host")
    assert done.planned == downstream("import_tables", cohorts=1)
    assert set(re.findall(r"cohort=(\w+)", done.output)) == {"C03"}


SCRIPTS = (*PER_COHORT, *(rule for rule in STUDY if rule != "all"))
LOADED = """
import importlib, sys
importlib.import_module({script!r})
print(*(name for name in sys.modules if name.split(".")[0] == "cartrace"))
"""


@cache
def loaded(script: str) -> frozenset[str]:
    """Return the core modules that Python loads for a script."""
    command = [sys.executable, "-c", LOADED.format(script=script)]
    done = subprocess.run(command, cwd=ROOT / "scripts", capture_output=True, text=True, check=True)
    return frozenset(done.stdout.split())


@pytest.mark.parametrize(
    "module", ["errors", "decay", "growth", "tables/raw", "display", "figures/style", "readers/__init__"]
)
def test_an_edit_of_the_core_reruns_the_scripts_that_import_it(study: Path, run: Callable, module: str) -> None:
    path = study / "scripts" / "cartrace" / f"{module}.py"
    path.write_text(path.read_text(encoding="utf-8") + "# Edited.\n", encoding="utf-8")
    name = f"cartrace.{module}".replace("/", ".").removesuffix(".__init__")
    expected = {script for script in SCRIPTS if name in loaded(script)}
    done = run(study, "-n")
    assert done.code == 0, done.output
    changed = re.search(r"params have changed since last execution:\n +(.+)", done.output)
    assert set(changed[1].split(", ") if changed else ()) == expected


def test_a_last_newline_of_the_core_reruns_nothing(study: Path, run: Callable) -> None:
    path = study / "scripts" / "cartrace" / "decay.py"
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n"), encoding="utf-8")
    assert run(study, "-n").planned == {}
