"""One run of the demo study for all tests of the flow, and copies of it to change."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flow import Run, check_out, snakemake


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
