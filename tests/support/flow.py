"""Snakemake called in a folder, and the files of a checkout to call it in."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Goes before all else on PYTHONPATH of a run that is to go wrong.
BREAKING = Path(__file__).parent / "breaking"
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


def snakemake(directory: Path, *arguments: str, cores: int = 2, environment: dict[str, str] | None = None) -> Run:
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--nocolor", *arguments]
    env = os.environ | (environment or {})
    done = subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True, check=False)
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


def breaking(fates: dict[str, str], marks: Path) -> dict[str, str]:
    """Return the environment in which scripts meet these fates; `marks` is a folder that remembers what was done."""
    marks.mkdir(exist_ok=True)
    path = os.pathsep.join(filter(None, [str(BREAKING), os.environ.get("PYTHONPATH")]))
    return {"BREAK": json.dumps(fates), "BREAK_MARKS": str(marks), "PYTHONPATH": path}


def files_below(folder: Path) -> dict[str, bytes]:
    """Return the content of the results below a folder; what Snakemake and jobs keep for themselves is hidden."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part[0] == "." for part in name.parts):
            # A job that outlived its run may just be putting another in its place.
            with suppress(FileNotFoundError):
                found[str(name)] = path.read_bytes()
    return found


def assert_same(found: Path, wanted: Path) -> None:
    """Hold the files below two folders against each other, byte by byte."""
    one, two = files_below(found), files_below(wanted)
    assert set(one) == set(two), f"only in one of them: {sorted(set(one) ^ set(two))}"
    differing = [name for name in one if one[name] != two[name]]
    assert differing == [], f"not the same: {differing}"
