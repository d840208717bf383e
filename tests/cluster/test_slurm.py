"""The flow on a real Slurm gives what it gives without, also where jobs are lost on the way."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from flow import Run, assert_same, breaking, check_out, snakemake

PROFILE = ("--workflow-profile", "profiles/slurm", "--slurm-no-account")
# A test does not wait as long as a cluster asks for.
QUICK = (
    "--slurm-init-seconds-before-status-checks",
    "9",
    "--seconds-between-status-checks",
    "2",
    "--latency-wait",
    "9",
)


def through_slurm(directory: Path, *arguments: str, environment: dict[str, str] | None = None) -> Run:
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--nocolor", *PROFILE, *QUICK, *arguments],
        cwd=directory,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    return Run(done.returncode, done.stdout + done.stderr)


def small_study(folder: Path) -> Path:
    """Return a checkout of which the study is one cohort and one model of the demo's."""
    checkout = check_out(folder)
    path = checkout / "config" / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config |= {"cohorts": config["cohorts"][:1], "expansion": {"models": ["exponential"]}}
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return checkout


def last_lines(output: str) -> str:
    """Return what is said after Snakemake's own account of a failure."""
    return output[output.index("FAILED: ") :]


def test_the_demo_study_gives_the_same_bytes_as_without_slurm(tmp_path: Path) -> None:
    # Not in the project's folder: its report tells what changed since the last run there.
    alone = check_out(tmp_path / "local")
    local = snakemake(alone)
    assert local.code == 0, local.output
    checkout = check_out(tmp_path / "demo")
    done = through_slurm(checkout)
    assert done.code == 0, done.output
    assert_same(checkout / "results", alone / "results")
    assert "The report: results/7_report/report.html" in done.output
    jobs = re.findall(r"submitted with SLURM jobid (\d+)", done.output)
    n_models = len(list((checkout / "results" / "5_expansion").glob("*/fits.csv")))
    # Cohorts, their cells, each model, the study: that is worth a job each.
    assert len(jobs) == 3 + n_models
    again = through_slurm(checkout)
    assert "Nothing to be done" in again.output


def test_lost_jobs_are_tried_again_then_reported_and_the_next_run_makes_up_for_them(tmp_path: Path) -> None:
    checkout, local = small_study(tmp_path / "slurm"), tmp_path / "local"
    shutil.copytree(checkout, local)
    fates = {
        "import_tables": "killed once",
        "compute_activity": "hungry",
        "compute_uptake": "slow once",
        "estimate_cells": "greedy",
    }
    environment = breaking(fates, tmp_path / "marks")
    alone = [f"{rule}={rule}" for rule in fates]
    asked = ("mem_mb=600 * attempt", "runtime=1 * attempt")
    broken = through_slurm(checkout, "--groups", *alone, "--default-resources", *asked, environment=environment)
    assert broken.code == 1
    assert (checkout / "results" / "C01" / "3_uptake" / "uptake.csv").is_file(), broken.output
    submitted = re.findall(r"submitted with .*/group_(\w+)/\d+\.log\)", broken.output)
    assert {rule: submitted.count(f"{rule}_{rule}") for rule in fates} == {
        "import_tables": 2,
        "compute_activity": 2,
        "compute_uptake": 2,
        "estimate_cells": 3,
    }
    told = last_lines(broken.output)
    assert told.startswith("FAILED: estimate_cells, cohort C01\n  It ended without a word"), told
    assert "\n  Slurm: " in told
    assert "memory" in told.split("  Slurm: ")[1].lower()
    assert "log: logs/C01/estimate_cells.log" in told
    assert "FAILED: compute" not in told
    assert not (checkout / "results" / "5_expansion").exists()

    # Cancelled in the middle, without a second try.
    command = [sys.executable, "-m", "snakemake", "--nocolor", *PROFILE, *QUICK, "--retries", "0"]
    with subprocess.Popen(command, cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        deadline_s = time.monotonic() + 120
        while subprocess.run(["squeue", "-h", "-t", "R"], capture_output=True, check=True).stdout == b"":
            assert time.monotonic() < deadline_s
            time.sleep(0.2)
        time.sleep(2)
        subprocess.run(["scancel", "--user", "root"], check=True)
        output, _ = run.communicate(timeout=120)
    assert run.returncode == 1, output

    assert snakemake(local).code == 0
    done = through_slurm(checkout)
    assert done.code == 0, done.output
    assert_same(checkout / "results", local / "results")


def test_what_no_node_can_hold_is_told_and_does_not_wait_for_ever(tmp_path: Path) -> None:
    checkout = small_study(tmp_path / "slurm")
    done = through_slurm(checkout, "--default-resources", "mem_mb=99000", "runtime=1", "--retries", "0")
    assert done.code == 1
    assert "FAILED" in done.output
    assert "It ended before it began: killed at once, or refused by a scheduler" in done.output


def test_stopping_leaves_no_configuration_behind() -> None:
    # A left one delays every start of Snakemake; `stop` is what the fixture calls.
    text = (Path(__file__).parent / "slurm" / "stop").read_text(encoding="utf-8")
    assert 'rm -rf "$conf"' in text


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
