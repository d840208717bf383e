"""One run of the demo study for all tests of the flow, and copies of it to change."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from flow import Run, check_out, snakemake


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout in which the demo study was analysed; made once, whatever the number of test workers."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
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


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout with a study so small that it runs in seconds: one cohort of nine mice, one model."""
    checkout = check_out(tmp_path_factory.mktemp("small") / "study")
    path = checkout / "config" / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["simulation"] = {"n_cohorts": 1, "n_per_group": 3, "days": [1.0, 7.0, 14.0]}
    config["expansion"] = {"models": ["exponential"]}
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [sys.executable, "scripts/simulate_study.py", "config/config.yaml", "simulated"]
    subprocess.run(command, cwd=checkout, check=True)
    config["cohorts"] = [{"name": "C01", "path": "simulated/C01"}]
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return checkout


@pytest.fixture(scope="session")
def undisturbed(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the results of the small study, as far as the uptake, when nothing goes wrong."""
    checkout = shutil.copytree(small, tmp_path_factory.mktemp("undisturbed") / "study")
    run = snakemake(checkout, "--until", "compute_uptake")
    assert run.code == 0, run.output
    return checkout / "results"
