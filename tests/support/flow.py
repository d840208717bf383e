"""Snakemake called in a folder, and the files of a checkout to call it in."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

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
