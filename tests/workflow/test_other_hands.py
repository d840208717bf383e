"""The flow in other workflows: as a module from a folder or a hosted repository, twice in one, deployed, drawn."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from flow import ROOT, check_out, snakemake

HOST = "https://github.com/lab/cartrace"
OUTER = """
import yaml

base = yaml.safe_load(open({config!r}))


def study(cohort):
    cohorts = [{{"name": cohort, "path": f"<data>/{{cohort}}"}}]
    return base | {{"cohorts": cohorts, "expansion": {{"models": ["exponential"]}}}}


module first:
    snakefile:
        {snakefile}
    config:
        study("C01")
    pathvars:
        data="data",
        results="of first/results",
        logs="of first/logs",


use rule * from first as first_*


module second:
    snakefile:
        {snakefile}
    config:
        study("C02")
    pathvars:
        data="more data",
        results="of second/results",
        logs="of second/logs",


use rule * from second as second_*


rule everything:
    default_target: True
    input:
        rules.first_all.input,
        rules.second_all.input,
"""
SNAKEDEPLOY = shutil.which("snakedeploy", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
UPTAKE = ("of first/results/C01/3_uptake/uptake.csv", "of second/results/C02/3_uptake/uptake.csv")


@pytest.fixture
def hosted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository that git takes for the one on a host, so that no test needs the net."""
    repository = check_out(tmp_path / "repository")
    for name in ("workflow", ".snakemake-workflow-catalog.yml", "LICENSE"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, repository / name)
    identity = ("-c", "user.name=lab", "-c", "user.email=lab@example.org")
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "As it is"], ["tag", "v1"]):
        subprocess.run(["git", *identity, *arguments], cwd=repository, check=True)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{repository.as_uri()}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", HOST)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return repository


@pytest.fixture
def outer(tmp_path: Path) -> Callable[[str], Path]:
    """Return the function that writes another workflow, with the demo's data, around the flow at some place."""

    def write(snakefile: str) -> Path:
        folder = tmp_path / "outer"
        for cohort, place in (("C01", "data"), ("C02", "more data")):
            shutil.copytree(ROOT / "resources" / "demo_study" / cohort, folder / place / cohort)
        text = OUTER.format(config=str(ROOT / "config" / "config.yaml"), snakefile=snakefile)
        (folder / "Snakefile").write_text(text, encoding="utf-8")
        return folder

    return write


def assert_used_twice(folder: Path, finished: Path) -> None:
    planned = snakemake(folder, "-n")
    assert planned.code == 0, planned.output
    assert {count for rule, count in planned.planned.items()} == {1}
    assert {rule.split("_")[0] for rule in planned.planned} == {"first", "second", "everything"}
    done = snakemake(folder, *UPTAKE)
    assert done.code == 0, done.output
    for path in UPTAKE:
        same = finished / "results" / path.split("/results/")[1]
        assert (folder / path).read_bytes() == same.read_bytes()
    assert sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) == [
        "Snakefile",
        "data",
        "more data",
        "of first",
        "of second",
    ]


def test_a_workflow_uses_the_flow_twice_from_a_folder(outer: Callable, finished: Path) -> None:
    assert_used_twice(outer(repr(str(ROOT / "Snakefile"))), finished)


def test_a_workflow_uses_the_flow_twice_from_a_host(outer: Callable, hosted: Path, finished: Path) -> None:
    assert_used_twice(outer('github("lab/cartrace", path="Snakefile", tag="v1")'), finished)


@pytest.mark.slow
def test_from_a_host_the_flow_runs_to_its_report(outer: Callable, hosted: Path) -> None:
    folder = outer('github("lab/cartrace", path="Snakefile", tag="v1")')
    done = snakemake(folder, "first_all")
    assert done.code == 0, done.output
    assert (folder / "of first" / "results" / "7_report" / "report.html").is_file()
    assert "Nothing to be done" in snakemake(folder, "first_all").output


def test_a_wrong_sheet_is_told_in_another_workflow_too(outer: Callable) -> None:
    folder = outer(repr(str(ROOT / "Snakefile")))
    sheet = folder / "data" / "C01" / "animals.csv"
    sheet.write_text(sheet.read_text(encoding="utf-8").replace("NT,", "NTT,", 1), encoding="utf-8")
    done = snakemake(folder, UPTAKE[0])
    assert done.code == 1
    assert "of first/logs/C01/import_tables.log: 1 problem in the input." in done.output
    assert "'NTT'" in (folder / "of first" / "logs" / "C01" / "import_tables.log").read_text(encoding="utf-8")


@pytest.mark.skipif(SNAKEDEPLOY is None, reason="snakedeploy is not for this version of Python")
def test_snakedeploy_lays_the_flow_into_an_empty_folder(hosted: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deployed"
    assert SNAKEDEPLOY
    command = [SNAKEDEPLOY, "deploy-workflow", HOST, str(folder), "--tag", "v1"]
    subprocess.run(command, check=True, capture_output=True)
    refused = snakemake(folder, "-n")
    assert refused.code == 1
    assert "the folder 'resources/demo_study/C01' of C01 is not there" in refused.output
    shutil.copytree(ROOT / "resources" / "demo_study", folder / "resources" / "demo_study")
    planned = snakemake(folder, "-n")
    assert planned.code == 0, planned.output
    here = snakemake(check_out(tmp_path / "checkout"), "-n").planned
    assert {rule: count for rule, count in planned.planned.items() if rule != "everything"} == {
        rule: count for rule, count in here.items() if rule != "all"
    }


def test_the_catalog_finds_what_it_asks_for() -> None:
    for name in ("workflow/Snakefile", "config/config.yaml", "config/README.md", "LICENSE", "README.md"):
        assert (ROOT / name).is_file(), name
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}


def test_an_image_holds_the_pinned_packages_and_no_others() -> None:
    lines = (ROOT / "envs" / "Dockerfile").read_text(encoding="utf-8").splitlines()
    installs = [line for line in lines if re.search(r"\b(pip|uv|conda|apt-get) ", line)]
    assert len(installs) == 1
    assert "-r requirements.txt" in installs[0]
    copied = {name for line in lines if line.startswith("COPY ") for name in line.split()[1:-1]}
    assert all((ROOT / name).exists() for name in copied)
    assert {"requirements.txt", "Snakefile", "rules", "scripts", "resources", "config", "profiles", "envs"} <= copied
    version = next(line for line in lines if line.startswith("FROM ")).split(":")[1].split("-")[0]
    assert tuple(map(int, version.split("."))) >= (3, 11)


def test_the_drawn_graph_of_rules_has_the_flow_s_rules(checkout: Path) -> None:
    drawn = (ROOT / "docs" / "rulegraph.svg").read_text(encoding="utf-8")
    planned = snakemake(checkout, "-n").planned
    assert set(re.findall(r"<text[^>]*>(\w+)</text>", drawn)) == set(planned), "run `make rulegraph`"
    assert "digraph" in snakemake(checkout, "--rulegraph").output


def test_on_slurm_every_rule_of_the_flow_is_in_a_group_or_worth_a_job(checkout: Path) -> None:
    profile = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text(encoding="utf-8"))
    grouped = {entry.split("=")[0] for entry in profile["groups"]}
    assert grouped == set(snakemake(checkout, "-n").planned) - {"all", "fit_expansion"}
    assert "retries" in profile
    rules = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "rules").glob("*.smk"))
    # Those of a rule would be taken once more inside each of Slurm's jobs.
    assert "retries:" not in rules


def test_inputs_may_come_from_elsewhere(checkout: Path, tmp_path: Path) -> None:
    shutil.move(checkout / "resources" / "demo_study", tmp_path / "elsewhere")
    path = checkout / "config" / "config.yaml"
    text = path.read_text(encoding="utf-8").replace("resources/demo_study", os.fspath(tmp_path / "elsewhere"))
    path.write_text(text, encoding="utf-8")
    planned = snakemake(checkout, "-n")
    assert planned.code == 0, planned.output
    assert planned.planned["import_tables"] == 2
