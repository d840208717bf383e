"""A real Slurm on this machine, and Snakemake called through it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent / "slurm"


@pytest.fixture(scope="session", autouse=True)
def slurm() -> Iterator[None]:
    """Start Slurm for all tests of this folder, and end it after them."""
    if find_spec("snakemake_executor_plugin_slurm") is None:
        pytest.skip("needs the plugin for Slurm; `make cluster-test` installs it")
    if os.geteuid() != 0:
        pytest.skip("Slurm's daemons need root")
    try:
        started = subprocess.run([SCRIPTS / "start"], capture_output=True, text=True, check=False)
        assert started.returncode == 0, started.stdout + started.stderr
        yield
    finally:
        subprocess.run([SCRIPTS / "stop"], check=True)
