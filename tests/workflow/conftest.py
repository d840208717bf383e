"""One run of the demo study for all tests of the flow, and copies of it to change."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECKED_OUT = ("Snakefile", "rules", "scripts", "resources", "config", "envs", "profiles")
STEPS = re.compile(r"^(\w+)\s+(\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """What a call of Snakemake said and how it ended."""

    code: int
    output: str

    @property
    def planned(self) -> dict[str, int]:
        """Jobs by rule, as a dry run counts them."""
        return {rule: int(count) for rule, count in STEPS.findall(self.output) if rule != "total"}


def snakemake(directory: Path, *arguments: str, cores: int = 2) -> Run:
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--nocolor", *arguments]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    return Run(done.returncode, done.stdout + done.stderr)


def check_out(target: Path) -> Path:
    """Copy what a clone holds that a run needs."""
    target.mkdir()
    for name in CHECKED_OUT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target / name)
    return target


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return a checkout in which the demo study was analysed; made once, whatever the number of test workers."""
    base = tmp_path_factory.getbasetemp()
    base = base if worker_id == "master" else base.parent
    directory, outcome = base / "finished", base / "finished.json"
    with open(base / "finished.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not outcome.exists():
            run = snakemake(check_out(directory))
            outcome.write_text(json.dumps([run.code, run.output]))
    code, output = json.loads(outcome.read_text())
    assert code == 0, output
    return directory


@pytest.fixture
def study(finished: Path, tmp_path: Path) -> Path:
    """Return a copy of the finished demo study, with Snakemake's memory of it, that a test may change."""
    return shutil.copytree(finished, tmp_path / "study", symlinks=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout in which nothing was run."""
    return check_out(tmp_path / "checkout")


@pytest.fixture
def run() -> Callable[..., Run]:
    """Return the function that calls Snakemake in a folder."""
    return snakemake
