"""A change reruns what depends on it, and nothing else."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable
from functools import cache
from modulefinder import ModuleFinder
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from flow import snakemake

ROOT = Path(__file__).parents[2]
# Rules whose jobs go by cohort; the demo study has two.
PER_COHORT = ("import_tables", "compute_activity", "compute_uptake", "estimate_cells", "apply_strategy")
Downstream = Callable[..., dict[str, int]]


@pytest.fixture(scope="session")
def downstream(finished: Path) -> Downstream:
    """Return the function that counts the jobs of a rule and of all that depend on it, by Snakemake's own graph."""
    drawn = snakemake(finished, "--rulegraph", "-F").output
    names = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)"', drawn, re.MULTILINE))
    edges = [(names[start], names[end]) for start, end in re.findall(r"^\s*(\d+) -> (\d+)", drawn, re.MULTILINE)]
    jobs = snakemake(finished, "-n", "-F").planned
    assert {rule for rule, count in jobs.items() if count == 2} == set(PER_COHORT)

    def count(first: str, *, cohorts: int = 2) -> dict[str, int]:
        reached, waiting = {first}, [first]
        while waiting:
            here = waiting.pop()
            new = {end for start, end in edges if start == here} - reached
            reached |= new
            waiting += new
        return {rule: cohorts if rule in PER_COHORT else jobs[rule] for rule in reached}

    return count


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
    ("key", "value", "first"),
    [
        ("study.timezone", "Europe/Paris", "import_tables"),
        ("counter.dead_time_us", 3.2, "import_tables"),
        ("uncertainty.roi_frac", 0.06, "compute_activity"),
        ("quality.tail_warn_pct", 4.0, "compute_uptake"),
        ("expansion.window_days", [0.0, 27.0], "fit_expansion describe_mice"),
        ("comparison.confidence", 0.9, "compare_groups integrate_uptake apply_strategy"),
        ("report.journal", "ejnmmi", "draw_figures draw_checks"),
        ("study.status", "final", "build_report"),
        ("quality.acknowledged", [{"check": "tail", "subject": "M115, d07", "reason": "seen"}], "build_report"),
        ("simulation.n_per_group", 9, ""),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_setting_reruns_what_depends_on_it(
    study: Path, run: Callable, downstream: Downstream, key: str, value: Any, first: str
) -> None:
    change_config(study, key, value)
    done = run(study, "-n")
    assert done.code == 0, done.output
    assert done.planned == {rule: jobs for each in first.split() for rule, jobs in downstream(each).items()}


def test_a_comment_in_the_config_reruns_nothing(study: Path, run: Callable) -> None:
    path = study / "config" / "config.yaml"
    path.write_text("# A remark.\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert run(study, "-n").planned == {}


def test_an_edit_of_a_sheet_reruns_its_cohort_and_the_study(study: Path, run: Callable, downstream: Downstream) -> None:
    sheet = study / "resources" / "demo_study" / "C02" / "animals.csv"
    sheet.write_text(sheet.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    done = run(study, "-n", "--quiet", "host")
    assert done.planned == downstream("import_tables", cohorts=1)
    assert set(re.findall(r"cohort=(\w+)", done.output)) == {"C02"}


def test_a_new_export_reruns_its_cohort_and_the_study(study: Path, run: Callable, downstream: Downstream) -> None:
    folder = study / "resources" / "demo_study" / "C01" / "counter"
    shutil.copy(next(folder.iterdir()), folder / "late.csv")
    done = run(study, "-n", "--quiet", "host")
    assert done.planned == downstream("import_tables", cohorts=1)
    assert set(re.findall(r"cohort=(\w+)", done.output)) == {"C01"}


@pytest.mark.parametrize("folder", ["C01/1_tables", "C01/2_activity"])
def test_tables_that_are_gone_are_made_again_though_the_report_is_there(
    study: Path, run: Callable, downstream: Downstream, folder: str
) -> None:
    shutil.rmtree(study / "results" / folder)
    first = {"1_tables": "import_tables", "2_activity": "compute_activity"}[Path(folder).name]
    assert run(study, "-n").planned == downstream(first, cohorts=1)


def test_a_new_cohort_leaves_the_others_as_they_are(study: Path, run: Callable, downstream: Downstream) -> None:
    demo = study / "resources" / "demo_study"
    shutil.copytree(demo / "C01", demo / "C03")
    cohorts = [{"name": name, "path": f"resources/demo_study/{name}"} for name in ("C01", "C02", "C03")]
    change_config(study, "cohorts", cohorts)
    done = run(study, "-n", "--quiet", "host")
    assert done.planned == downstream("import_tables", cohorts=1)
    assert set(re.findall(r"cohort=(\w+)", done.output)) == {"C03"}


SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("*.py") if not path.name.startswith("write_"))


class Core(ModuleFinder):
    """Follows what the bytecode imports, wherever in it, through the core only."""

    def import_hook(
        self, name: str, caller: Any = None, fromlist: list[str] | None = None, level: int = -1
    ) -> ModuleType | None:
        return super().import_hook(name, caller, fromlist, level) if name.startswith("cartrace") else None


@cache
def loaded(script: str) -> frozenset[str]:
    """Return the core modules that Python may load for a script."""
    finder = Core(path=[str(ROOT / "scripts")])
    finder.run_script(str(ROOT / "scripts" / f"{script}.py"))
    return frozenset(finder.modules)


DIGESTS = """
configfile: "config/config.yaml"


include: "common.smk"


for script in {scripts!r}:
    print("digest", script, core_digest(f"{{script}}.py"))


rule all:
"""


def test_an_edit_of_the_core_changes_the_digest_of_the_scripts_that_import_it(checkout: Path, run: Callable) -> None:
    (checkout / "rules" / "digests.smk").write_text(DIGESTS.format(scripts=SCRIPTS), encoding="utf-8")

    def digests() -> dict[str, str]:
        done = run(checkout, "-n", "--snakefile", "rules/digests.smk")
        assert done.code == 0, done.output
        return dict(re.findall(r"^digest (\w+) (\w+)$", done.output, re.MULTILINE))

    before = digests()
    assert set(before) == set(SCRIPTS)
    for module in ("errors", "decay", "growth", "tables/raw", "display", "figures/style", "readers/__init__"):
        path = checkout / "scripts" / "cartrace" / f"{module}.py"
        text = path.read_text(encoding="utf-8")
        path.write_text(text + "# Edited.\n", encoding="utf-8")
        after = digests()
        path.write_text(text, encoding="utf-8")
        name = f"cartrace.{module}".replace("/", ".").removesuffix(".__init__")
        changed = {script for script in SCRIPTS if after[script] != before[script]}
        assert changed == {script for script in SCRIPTS if name in loaded(script)}, module


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("cartrace/units.py", "import_tables"),
        ("cartrace/growth.py", "fit_expansion describe_mice"),
        ("compute_uptake.py", "compute_uptake"),
    ],
)
def test_an_edit_of_the_code_reruns_what_depends_on_it(
    study: Path, run: Callable, downstream: Downstream, path: str, first: str
) -> None:
    script = study / "scripts" / path
    script.write_text(script.read_text(encoding="utf-8") + "# Edited.\n", encoding="utf-8")
    expected = {rule: jobs for each in first.split() for rule, jobs in downstream(each).items()}
    assert run(study, "-n").planned == expected


def test_a_last_newline_of_the_core_reruns_nothing(study: Path, run: Callable) -> None:
    path = study / "scripts" / "cartrace" / "decay.py"
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n"), encoding="utf-8")
    assert run(study, "-n").planned == {}


def test_a_corrected_dose_reruns_its_cohort_and_the_study(study: Path, run: Callable, downstream: Downstream) -> None:
    sheet = study / "resources" / "demo_study" / "C01" / "doses.csv"
    lines = sheet.read_text(encoding="utf-8").splitlines(keepends=True)
    with open(sheet, encoding="utf-8", newline="") as stream:
        header, first = list(csv.reader(stream))[:2]
    full = first[header.index("full_activity [MBq]")]
    lines[1] = lines[1].replace(full, str(float(full) + 0.01), 1)
    sheet.write_text("".join(lines), encoding="utf-8")
    done = run(study, "-n", "--quiet", "host")
    assert done.planned == downstream("import_tables", cohorts=1)
    assert set(re.findall(r"cohort=(\w+)", done.output)) == {"C01"}


def test_a_cohort_that_is_taken_out_reruns_the_study_only(study: Path, run: Callable) -> None:
    before = run(study, "-n", "-F").planned
    change_config(study, "cohorts", [{"name": "C01", "path": "resources/demo_study/C01"}])
    planned = run(study, "-n").planned
    assert planned == {rule: count for rule, count in before.items() if rule in planned}
    assert not set(planned) & set(PER_COHORT)
    assert {"fit_expansion", "compare_groups", "draw_figures", "build_report", "all"} <= set(planned)


def test_a_comment_in_the_rules_reruns_nothing(study: Path, run: Callable) -> None:
    for path in (study / "Snakefile", *(study / "rules").glob("*.smk")):
        path.write_text("# A remark.\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert run(study, "-n").planned == {}


def test_studies_lie_side_by_side_in_one_folder(study: Path, run: Callable) -> None:
    config = yaml.safe_load((study / "config" / "config.yaml").read_text(encoding="utf-8"))
    config["cohorts"] = [{"name": "mine", "path": "resources/demo_study/C02"}]
    config["pathvars"] = {"results": "other/results", "logs": "other/logs"}
    config["expansion"] = {"models": ["exponential"]}
    (study / "config" / "other.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    done = run(study, "other/results/mine/3_uptake/uptake.csv", "--configfile", "config/other.yaml")
    assert done.code == 0, done.output
    planned = run(study, "-n", "--configfile", "config/other.yaml", "--quiet", "host")
    assert planned.planned["fit_expansion"] == 1
    assert "C01" not in planned.output
    assert run(study, "-n").planned == {}


def test_a_study_named_on_the_command_line_gets_nothing_from_another(study: Path, run: Callable) -> None:
    config = yaml.safe_load((study / "config" / "config.yaml").read_text(encoding="utf-8"))
    del config["comparison"]
    (study / "other.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    done = run(study, "-n", "--configfile", "other.yaml")
    assert done.code == 1
    assert "the config: the key 'comparison' is missing" in done.output
