"""Whatever breaks a run, the next one gives what an undisturbed run gives, and no half-written file is a result."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from flow import assert_same, breaking, files_below, snakemake

COMMAND = [sys.executable, "-m", "snakemake", "--cores", "2", "--nocolor"]


@pytest.fixture
def study(small: Path, tmp_path: Path) -> Path:
    """Return a copy of the small study in which nothing was run."""
    return shutil.copytree(small, tmp_path / "study")


@pytest.fixture
def little_disk(study: Path) -> Iterator[Path]:
    """Return the results folder of the study, on a disk of its own of 300 kB."""
    results = study / "results"
    results.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", results], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a disk")
    yield results
    subprocess.run(["umount", "-l", results], check=True)


def change_disk(folder: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", folder], check=True)


def last_lines(output: str) -> list[str]:
    """Return what is said after Snakemake's own account of a failure, without Snakemake's farewell."""
    return output[output.index("FAILED: ") :].split("\n\n", maxsplit=1)[0].splitlines()


def kill_something(run: subprocess.Popen[bytes], draw: random.Random) -> None:
    """Kill Snakemake, one of its jobs, or all of them."""
    try:
        children = [child for child in psutil.Process(run.pid).children(recursive=True) if child.is_running()]
    except psutil.NoSuchProcess:
        return
    victim = draw.choice(["snakemake", "job", "all"])
    if victim == "job" and children:
        draw.choice(children).kill()
    elif victim == "all":
        os.killpg(run.pid, signal.SIGKILL)
    else:
        run.kill()


@pytest.mark.slow
def test_kills_at_thirty_moments_change_no_result(study: Path, small: Path, tmp_path: Path) -> None:
    undisturbed = shutil.copytree(small, tmp_path / "undisturbed") / "results"
    assert snakemake(undisturbed.parent).code == 0
    draw, wanted = random.Random(30), files_below(undisturbed)
    for number in range(30):
        with subprocess.Popen(
            COMMAND, cwd=study, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as run:
            # Snakemake itself takes the first two seconds.
            time.sleep(draw.uniform(1.5, 6.0))
            kill_something(run, draw)
        found = files_below(study / "results")
        assert [name for name in found if found[name] != wanted[name]] == [], f"after kill {number + 1}"
        # What --unlock does, without a start of Snakemake; jobs that outlived it go on.
        shutil.rmtree(study / ".snakemake" / "locks", ignore_errors=True)
        if list(found) == list(wanted):
            # Arrived: once more, from some stage on.
            shutil.rmtree(study / "results" / draw.choice(["C01", "C01/3_uptake", "5_expansion", "7_report"]))
    done = snakemake(study)
    assert done.code == 0, done.output
    assert_same(study / "results", undisturbed)
    assert list((study / "results").rglob("*.partial")) == []


def test_a_killed_job_is_told_with_its_rule_cohort_and_log(study: Path, tmp_path: Path) -> None:
    done = snakemake(study, environment=breaking({"compute_uptake": "killed"}, tmp_path / "marks"))
    assert done.code == 1
    told = last_lines(done.output)
    assert told[0] == "FAILED: compute_uptake, cohort C01"
    assert told[1].startswith("  It ended without a word: killed")
    assert told[-1] == "  log: logs/C01/compute_uptake.log"
    # All that Snakemake itself has to say after it fits on a screen too.
    assert len(done.output[done.output.index(told[0]) :].splitlines()) < 12


def test_an_input_error_is_told_last(study: Path) -> None:
    sheet = study / "simulated" / "C01" / "animals.csv"
    sheet.write_text(sheet.read_text(encoding="utf-8").replace("NT,", "NTT,", 1), encoding="utf-8")
    done = snakemake(study)
    told = last_lines(done.output)
    assert told[0] == "FAILED: import_tables, cohort C01"
    assert told[1].startswith("  1 problem in the input.")
    assert "'NTT'" in told[2]
    assert told[-1] == "  log: logs/C01/import_tables.log"
    assert len(done.output[done.output.index(told[0]) :].splitlines()) < 12


def test_a_full_disk_is_told_and_made_up_for(study: Path, undisturbed: Path, little_disk: Path) -> None:
    done = snakemake(study, "--until", "compute_uptake", cores=1)
    assert done.code == 1
    told = last_lines(done.output)
    assert told[0].endswith(", cohort C01")
    assert "there is no room left on the disk, or in your quota. Make room, and run again" in told[1]
    wanted = files_below(undisturbed)
    assert [name for name, content in files_below(little_disk).items() if content != wanted[name]] == []
    change_disk(little_disk, "size=50m")
    assert snakemake(study, "--until", "compute_uptake").code == 0
    assert_same(little_disk / "C01" / "3_uptake", undisturbed / "C01" / "3_uptake")


def test_a_folder_that_cannot_be_written_to_is_told(study: Path, undisturbed: Path, little_disk: Path) -> None:
    change_disk(little_disk, "size=50m,ro")
    done = snakemake(study, "--until", "import_tables")
    assert done.code == 1
    assert "Read-only file system" in done.output or "it may not be written to" in done.output
    assert "results/C01/1_tables" in done.output
    change_disk(little_disk, "rw")
    assert snakemake(study, "--until", "import_tables").code == 0
    assert_same(little_disk / "C01" / "1_tables", undisturbed / "C01" / "1_tables")


def test_a_file_that_vanishes_is_told_and_put_back(study: Path, undisturbed: Path, tmp_path: Path) -> None:
    sheet = study / "simulated" / "C01" / "doses.csv"
    kept = sheet.read_bytes()
    fates = {"import_tables": "without simulated/C01/doses.csv"}
    done = snakemake(study, "--until", "import_tables", environment=breaking(fates, tmp_path / "marks"))
    assert done.code == 1
    told = last_lines(done.output)
    assert told[0] == "FAILED: import_tables, cohort C01"
    assert "doses.csv" in told[1] + told[2]
    sheet.write_bytes(kept)
    assert snakemake(study, "--until", "import_tables").code == 0
    assert_same(study / "results" / "C01" / "1_tables", undisturbed / "C01" / "1_tables")


def test_of_two_runs_at_once_the_second_is_refused(study: Path, undisturbed: Path) -> None:
    command = [*COMMAND, "--until", "compute_uptake"]
    with subprocess.Popen(command, cwd=study, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
        deadline_s = time.monotonic() + 60
        while not list((study / ".snakemake").glob("locks/*")):
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        second = snakemake(study, "--until", "compute_uptake")
        first.wait()
    assert second.code == 1
    assert "Directory cannot be locked" in second.output
    assert first.returncode == 0
    assert_same(study / "results" / "C01", undisturbed / "C01")
