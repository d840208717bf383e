"""The flow runs, is idle when nothing changed, and gives the same bytes again."""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from flow import assert_same

ROOT = Path(__file__).parents[2]
IDLE = "Nothing to be done"


def test_the_demo_study_ends_in_a_report(finished: Path) -> None:
    report = (finished / "results" / "7_report" / "report.html").read_text(encoding="utf-8")
    config = yaml.safe_load((finished / "config" / "config.yaml").read_text(encoding="utf-8"))
    assert config["study"]["title"] in report
    for group in config["groups"]:
        assert group["label"] in report


def test_every_job_says_what_it_read_and_wrote(finished: Path) -> None:
    logs = sorted((finished / "logs").rglob("*.log"))
    named = {line.split(maxsplit=1)[1] for log in logs for line in log.read_text().splitlines() if line[:5] == "wrote"}
    assert logs
    for log in logs:
        kinds = {line.split()[0] for line in log.read_text().splitlines()}
        assert {"read", "wrote"} <= kinds, log
    assert all((finished / name).exists() for name in named)
    written = {str(path.relative_to(finished)) for path in (finished / "results").rglob("*") if path.is_file()}
    directories = {f"{name}/" for name in named if (finished / name).is_dir()}
    # What the next run is held against is kept, and is no result.
    directories.add("results/.history/")
    assert {name for name in written - named if not name.startswith(tuple(directories))} == set()


def test_a_second_run_does_nothing(study: Path, run: Callable) -> None:
    before = {path: path.stat().st_mtime_ns for path in (study / "results").rglob("*")}
    again = run(study)
    assert again.code == 0
    assert IDLE in again.output
    assert {path: path.stat().st_mtime_ns for path in (study / "results").rglob("*")} == before


def test_touched_files_rerun_nothing(study: Path, run: Callable) -> None:
    for folder in ("resources", "config", "scripts", "rules"):
        for path in (study / folder).rglob("*"):
            os.utime(path)
    assert IDLE in run(study, "-n").output


def test_one_core_gives_the_same_bytes_as_two(finished: Path, checkout: Path, run: Callable) -> None:
    assert run(checkout, cores=1).code == 0
    assert_same(checkout / "results", finished / "results")


def test_a_study_in_a_folder_of_its_own_runs_there(checkout: Path, tmp_path: Path, run: Callable) -> None:
    study = tmp_path / "my study"
    shutil.copytree(ROOT / "resources" / "demo_study" / "C01", study / "cohorts" / "first one")
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    config["cohorts"] = [{"name": "mine", "path": "cohorts/first one"}]
    (study / "config").mkdir()
    (study / "config" / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    done = run(checkout, "--directory", str(study), "--until", "compute_uptake")
    assert done.code == 0, done.output
    assert (study / "results" / "mine" / "3_uptake" / "uptake.csv").is_file()
    assert not (checkout / "results").exists()


def test_a_folder_without_a_config_never_runs_the_demo(checkout: Path, tmp_path: Path, run: Callable) -> None:
    (tmp_path / "empty").mkdir()
    done = run(checkout, "--directory", str(tmp_path / "empty"))
    assert done.code == 1
    assert "config/config.yaml" in done.output
    assert "Traceback" not in done.output
    assert not (tmp_path / "empty" / "results").exists()


def test_snakemake_s_own_report_holds_the_study_s(study: Path, run: Callable) -> None:
    done = run(study, "--report", "report.zip")
    assert done.code == 0, done.output
    names = zipfile.ZipFile(study / "report.zip").namelist()
    assert any(name.endswith("/report.html") for name in names)
    assert any(name.endswith(".svg") for name in names)


def test_the_linter_has_nothing_to_say(checkout: Path, run: Callable) -> None:
    done = run(checkout, "--lint")
    assert done.code == 0, done.output
    assert "Congratulations" in done.output


def test_a_pathvar_sends_results_elsewhere(checkout: Path, run: Callable) -> None:
    path = checkout / "config" / "config.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "pathvars: {results: elsewhere}\n", encoding="utf-8")
    planned = run(checkout, "-n", "--quiet", "host").output
    assert "elsewhere/7_report/report.html" in planned
    assert "results/7_report" not in planned


RULES = [
    pytest.param(block, id=re.match(r"rule (\w+)", block)[1])  # type: ignore[index]
    for path in sorted((ROOT / "rules").glob("*.smk"))
    for block in re.findall(r"^rule \w+:\n(?:    .*\n|\n)+", path.read_text(encoding="utf-8"), re.MULTILINE)
]


@pytest.mark.parametrize("block", RULES)
def test_every_rule_has_a_log_an_environment_and_the_digest_of_its_core(block: str) -> None:
    script = re.search(r'"\.\./scripts/(\w+\.py)"', block)
    assert script
    assert "    log:\n" in block
    assert '    conda:\n        "../envs/cartrace.yaml"' in block
    assert f'core=core_digest("{script[1]}")' in block


def test_every_rule_file_opens_with_what_goes_in_and_comes_out() -> None:
    for path in sorted((ROOT / "rules").glob("*.smk")):
        if path.name != "common.smk":
            head = path.read_text(encoding="utf-8").split("\n\n", 1)[0]
            assert re.findall(r"^# ([A-Z]+) ", head, re.MULTILINE) == ["INPUTS", "OUTPUTS"], path.name


def test_the_list_of_the_core_is_complete() -> None:
    text = (ROOT / "rules" / "common.smk").read_text(encoding="utf-8")
    listed = re.search(r'CORE = """(.*?)"""', text, re.DOTALL)[1].split()  # type: ignore[index]
    core = ROOT / "scripts" / "cartrace"
    there = [path.relative_to(core).with_suffix("").as_posix() for path in core.rglob("*.py")]
    assert sorted(listed) == sorted(there)
