"""What every script's last block does."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from cartrace import job
from cartrace.errors import InputError, Problem
from cartrace.progress import steps


def test_the_log_says_what_was_read_and_written(tmp_path: Path) -> None:
    seen: dict[str, object] = {}

    def main(uptake: str, **arguments: object) -> None:
        seen.update(arguments)
        assert Path(uptake).parent.is_dir()
        Path(uptake).write_text("whole")

    log, uptake = tmp_path / "deep" / "job.log", tmp_path / "results" / "u.csv"
    inputs = {"doses": "a.csv", "fits": ["b.csv", "c.csv"]}
    job.run(main, log=str(log), inputs=inputs, outputs={"uptake": str(uptake)})
    assert seen == inputs
    assert log.read_text().splitlines() == ["read    a.csv", "read    b.csv", "read    c.csv", f"wrote   {uptake}"]
    assert uptake.read_text() == "whole"
    assert list(uptake.parent.iterdir()) == [uptake]


def test_parameters_arrive_by_name(tmp_path: Path) -> None:
    def main(*, level: float) -> None:
        assert level == 0.95

    job.run(main, log=str(tmp_path / "job.log"), inputs={}, outputs={}, params={"level": 0.95})


def test_bad_input_ends_with_code_1_and_the_message_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = InputError([Problem("empty", "the sheet is empty", "Fill it in", file="animals.csv")])

    def main(**_: object) -> None:
        raise error

    log = tmp_path / "job.log"
    with pytest.raises(SystemExit) as ended:
        job.run(
            main,
            log=str(log),
            inputs={"sheets": [f"{n}.csv" for n in range(500)]},
            outputs={"uptake": str(tmp_path / "u.csv")},
        )
    assert ended.value.code == 1
    assert log.read_text() == f"{error}\n"
    first = "1 problem in the input. Nothing was calculated."
    assert capsys.readouterr().err == f"\n{log}: {first}\n\n"


def test_a_defect_leaves_its_traceback_and_what_it_had_read(tmp_path: Path) -> None:
    def main(**_: object) -> None:
        raise ZeroDivisionError("a defect")

    log = tmp_path / "job.log"
    with pytest.raises(ZeroDivisionError):
        job.run(main, log=str(log), inputs={"doses": "a.csv"}, outputs={"uptake": str(tmp_path / "u.csv")})
    text = log.read_text()
    assert text.startswith("read    a.csv\nTraceback")
    assert text.endswith("ZeroDivisionError: a defect\n")
    assert "wrote" not in text


def outputs(folder: Path) -> dict[str, object]:
    return {"table": str(folder / "t.csv"), "figures": [str(folder / "figures" / "a.svg")], "all": str(folder / "all")}


def test_outputs_appear_together_when_the_job_is_done(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "old.csv").write_text("of the last run")

    def main(*, table: str, figures: list[str], **more: str) -> None:
        Path(table).write_text("t")
        Path(figures[0]).write_text("a")
        Path(more["all"]).mkdir()
        (Path(more["all"]) / "new.csv").write_text("n")
        assert [Path(table).name, Path(figures[0]).name, Path(more["all"]).name] == ["t.csv", "a.svg", "all"]
        assert not (tmp_path / "t.csv").exists()

    job.run(main, log=str(tmp_path / "job.log"), inputs={}, outputs=outputs(tmp_path))
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert left == ["all", "all/new.csv", "figures", "figures/a.svg", "job.log", "t.csv"]


def test_a_job_that_fails_leaves_the_outputs_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("of the last run")

    def main(*, table: str, **_: object) -> None:
        Path(table).write_text("half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        job.run(main, log=str(tmp_path / "job.log"), inputs={}, outputs=outputs(tmp_path))
    assert (tmp_path / "t.csv").read_text() == "of the last run"
    assert list(tmp_path.rglob("*.partial")) == []


def test_what_a_killed_job_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / ".job.partial"
    left.mkdir()
    (left / "t.csv").write_text("half")
    seen: list[Path] = []
    job.run(
        lambda table: (seen.extend(left.iterdir()), Path(table).write_text("t"))[0],
        log=str(tmp_path / "job.log"),
        inputs={},
        outputs={"table": str(tmp_path / "t.csv")},
    )
    assert [path.name for path in seen] == [".lock"]
    assert not left.exists()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "r/u.csv"), "r/u.csv: there is no room left on the disk"),
        (
            OSError(errno.EROFS, "Read-only file system", "r/u.csv"),
            "r/u.csv: it may not be written to. Make the folder",
        ),
        (FileNotFoundError(errno.ENOENT, "No such file", "doses.csv"), "doses.csv: the file was there when the run"),
        (MemoryError(), "The memory did not suffice."),
    ],
    ids=["disk full", "read-only", "vanished", "memory"],
)
def test_what_the_machine_refuses_is_said_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception, said: str
) -> None:
    def main(**_: object) -> None:
        raise error

    log = tmp_path / "job.log"
    with pytest.raises(SystemExit) as ended:
        job.run(main, log=str(log), inputs={"doses": "doses.csv"}, outputs={"uptake": str(tmp_path / "u.csv")})
    assert ended.value.code == 1
    assert log.read_text().startswith(said)
    assert "Traceback" not in log.read_text()
    assert said in capsys.readouterr().err


def test_a_missing_file_that_is_no_input_is_a_defect(tmp_path: Path) -> None:
    def main(**_: object) -> None:
        Path("nowhere").read_text()

    with pytest.raises(FileNotFoundError):
        job.run(main, log=str(tmp_path / "job.log"), inputs={}, outputs={"uptake": str(tmp_path / "u.csv")})
    assert "Traceback" in (tmp_path / "job.log").read_text()


def test_a_job_waits_for_the_same_job_of_an_earlier_run(tmp_path: Path) -> None:
    order: list[str] = []
    log, output = str(tmp_path / "job.log"), {"table": str(tmp_path / "t.csv")}
    started = threading.Event()

    def late(*, table: str) -> None:
        started.set()
        time.sleep(0.3)
        Path(table).write_text("old")
        order.append("old")

    def new(*, table: str) -> None:
        order.append("new")
        Path(table).write_text("new")

    orphan = threading.Thread(target=job.run, args=(late,), kwargs={"log": log, "inputs": {}, "outputs": output})
    orphan.start()
    started.wait()
    # As Snakemake does before it starts a job.
    Path(log).unlink()
    job.run(new, log=log, inputs={}, outputs=output)
    orphan.join()
    assert order == ["old", "new"]
    assert (tmp_path / "t.csv").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job.log", "t.csv"]


def test_many_of_the_same_job_come_one_after_the_other(tmp_path: Path) -> None:
    log, output = str(tmp_path / "job.log"), {"table": str(tmp_path / "t.csv"), "all": str(tmp_path / "all")}
    at_work: list[int] = []
    met: list[list[int]] = []

    def main(*, table: str, number: int, **more: str) -> None:
        at_work.append(number)
        Path(table).write_text(str(number))
        Path(more["all"]).mkdir()
        time.sleep(0.02)
        met.append(list(at_work))
        at_work.remove(number)

    jobs = [
        threading.Thread(
            target=job.run,
            args=(main,),
            kwargs={"log": log, "inputs": {}, "outputs": output, "params": {"number": number}},
        )
        for number in range(8)
    ]
    for one in jobs:
        one.start()
    for one in jobs:
        one.join()
    assert sorted(met) == [[number] for number in range(8)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all", "job.log", "t.csv"]


def test_a_long_step_says_how_far_it_is(tmp_path: Path) -> None:
    def main(*, table: str) -> None:
        for _ in steps(["ratios", "agreement"], "drawing"):
            pass
        Path(table).write_text("t")

    job.run(main, log=str(tmp_path / "job.log"), inputs={}, outputs={"table": str(tmp_path / "t.csv")})
    assert (tmp_path / "job.log").read_text().splitlines()[:2] == [
        "doing   drawing ratios (1 of 2)",
        "doing   drawing agreement (2 of 2)",
    ]


def test_outside_a_job_a_long_step_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(steps([1, 2], "drawing")) == [1, 2]
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_long_step_is_a_bar_that_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)

    def main(*, table: str) -> None:
        for _ in steps(["ratios", "agreement"], "drawing"):
            pass
        Path(table).write_text("t")

    job.run(main, log=str(tmp_path / "job.log"), inputs={}, outputs={"table": str(tmp_path / "t.csv")})
    shown = terminal.getvalue().split("\r\033[K")
    assert shown == [
        "",
        "[------------------------] 0/2 drawing ratios",
        "[############------------] 1/2 drawing agreement",
        "",
    ]


def test_work_on_several_cores_comes_back_in_order(tmp_path: Path) -> None:
    words = ["a", "bb", "ccc"]

    def main(*, table: str) -> None:
        found = job.spread(lambda number: (os.getpid(), 2 * words[number]), words, "doubling", cores=2)
        assert os.getpid() not in {pid for pid, _ in found}
        Path(table).write_text(" ".join(word for _, word in found))

    job.run(main, log=str(tmp_path / "job.log"), inputs={}, outputs={"table": str(tmp_path / "t.csv")})
    assert (tmp_path / "t.csv").read_text() == "aa bbbb cccccc"
    assert "doing   doubling ccc (3 of 3)" in (tmp_path / "job.log").read_text()


def test_a_killed_process_of_a_job_is_told(tmp_path: Path) -> None:
    def main(*, table: str) -> None:
        job.spread(lambda _: os.kill(os.getpid(), signal.SIGKILL), ["a", "b"], "drawing", cores=2)
        Path(table).write_text("t")

    with pytest.raises(SystemExit):
        job.run(main, log=str(tmp_path / "job.log"), inputs={}, outputs={"table": str(tmp_path / "t.csv")})
    assert (tmp_path / "job.log").read_text().startswith("One of the job's processes was killed, most often for want")
    assert not (tmp_path / "t.csv").exists()


def wait_for(marks: list[Path]) -> None:
    """Wait until every mark names a process, a minute at most."""
    deadline_s = time.monotonic() + 60
    while not all(mark.exists() and mark.read_text() for mark in marks):
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


OUTPUTS = "{'table': sys.argv[1] + '/t.csv'}"
ORPHANS = f"""
import os, signal, sys, time
from cartrace import job

def work(number):
    open(f"{{sys.argv[1]}}/{{number}}", "w").write(str(os.getpid()))
    time.sleep(600)

def main(table):
    job.spread(work, "ab", "waiting", cores=2)

job.run(main, log=f"{{sys.argv[1]}}/job.log", inputs={{}}, outputs={OUTPUTS})
"""


def test_the_processes_of_a_killed_job_end_and_free_its_place(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ORPHANS, str(tmp_path)], env={"PYTHONPATH": "scripts"}) as killed:
        wait_for([tmp_path / "0", tmp_path / "1"])
        killed.kill()
    before_s = time.monotonic()
    # Which waits for its place, for ten minutes if they lived on.
    job.run(
        lambda table: Path(table).write_text("new") and None,
        log=str(tmp_path / "job.log"),
        inputs={},
        outputs={"table": str(tmp_path / "t.csv")},
    )
    assert time.monotonic() < before_s + 60
    assert (tmp_path / "t.csv").read_text() == "new"


ORPHAN = f"""
import os, sys, time
from pathlib import Path
from cartrace import job

def main(table):
    Path(table).write_text("of a run that was killed")
    Path(sys.argv[1], "mark").write_text(str(os.getpid()))
    time.sleep(600)

job.run(main, log=f"{{sys.argv[1]}}/job.log", inputs={{}}, outputs={OUTPUTS})
"""
RUN = "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]])"


def test_a_job_ends_with_the_run_that_started_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUN, "-c", ORPHAN, str(tmp_path)]
    with subprocess.Popen(command, env={"PYTHONPATH": "scripts"}) as run:
        wait_for([tmp_path / "mark"])
        run.kill()
    orphan = int((tmp_path / "mark").read_text())
    deadline_s = time.monotonic() + 60
    while psutil.pid_exists(orphan) and psutil.Process(orphan).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    assert not (tmp_path / "t.csv").exists()
