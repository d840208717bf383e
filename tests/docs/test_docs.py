"""The documentation says what the code does."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
sys.path.append(str(SCRIPTS))
import write_docs  # noqa: E402
from cartrace.messages import MESSAGES  # noqa: E402

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "config" / "README.md"])


@pytest.mark.parametrize("name", ["tables.md", "inputs.md", "errors.md", "config.md", "methods.md", "quality.md"])
def test_a_written_page_is_what_the_code_says_now(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == write_docs.pages()[name], "run `make docs`"


def test_every_message_is_explained_once_and_the_example_is_what_a_run_says() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert re.findall(r"^### (.+)$", page, re.MULTILINE) == [message.code for message in MESSAGES]
    example = re.search(r"^  1\. (.+)$", page, re.MULTILINE)
    assert example
    said = yaml.safe_load((ROOT / "tests" / "data" / "bad" / "messages.yaml").read_text(encoding="utf-8"))
    assert [example[1]] in said.values()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    gone = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    # The report is made by a run.
    assert [link for link in gone if "results/" not in link] == []


def assumptions() -> list[tuple[str, str]]:
    found = []
    for path in sorted((SCRIPTS / "cartrace").rglob("*.py")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if match := re.search(r"# ASSUME: (.+)", line):
                found.append((path.name, match[1].strip()))
    return found


def test_every_assumption_of_the_code_is_found_in_the_methods() -> None:
    methods = " ".join((ROOT / "docs" / "methods.md").read_text(encoding="utf-8").split()).lower()
    assert assumptions()
    assert [(name, text) for name, text in assumptions() if text.rstrip(".").lower() not in methods] == []


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"cartrace", "__future__", "snakemake"}


@cache
def pinned() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ;")[0].split("==") for line in lines if "==" in line)


def of_conda() -> dict[str, str]:
    document = yaml.safe_load((ROOT / "envs" / "cartrace.yaml").read_text(encoding="utf-8"))
    pairs = (entry.split(" =") for entry in document["dependencies"] if " =" in entry)
    renamed = {"matplotlib-base": "matplotlib", "python-tzdata": "tzdata"}
    return {renamed.get(name, name): version for name, version in pairs}


def test_the_environments_hold_what_the_scripts_import_in_one_version() -> None:
    # No job runs write_*.py.
    used = set().union(*(imported(path) for path in SCRIPTS.rglob("*.py") if not path.name.startswith("write_")))
    packages = {{"yaml": "pyyaml", "docx": "python-docx"}.get(name, name).replace("_", "-") for name in used}
    assert packages
    assert packages <= set(of_conda())
    assert of_conda() == {name: pinned()[name] for name in of_conda()}


def test_the_declared_dependencies_are_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {re.split(r"[<>=]", entry)[0] for entry in project["project"]["dependencies"]}
    assert declared <= set(pinned())
    dev = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    # Installing the tests' packages changes none of those that a run uses.
    assert {f"{name}=={version}" for name, version in pinned().items()} <= {line.split(" ;")[0] for line in dev}


def test_the_requirements_name_no_index() -> None:
    for name in (
        "requirements.txt",
        "requirements-dev.txt",
        "requirements-slurm.txt",
        "envs/cartrace.yaml",
        "Makefile",
        ".ci/run",
    ):
        assert not re.search(r"://|--index|--find-links|file:", (ROOT / name).read_text(encoding="utf-8")), name


def test_every_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        assert set(re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))) <= targets, page.name
