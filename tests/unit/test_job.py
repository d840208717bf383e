"""What every script's last block does."""

from __future__ import annotations

from pathlib import Path

import pytest

from cartrace import job
from cartrace.errors import InputError, Problem


def test_the_log_says_what_was_read_and_written(tmp_path: Path) -> None:
    seen: dict[str, object] = {}

    def main(**arguments: object) -> None:
        seen.update(arguments)

    log = tmp_path / "deep" / "job.log"
    job.run(main, log=str(log), inputs={"doses": "a.csv", "fits": ["b.csv", "c.csv"]}, outputs={"uptake": "u.csv"})
    assert seen == {"doses": "a.csv", "fits": ["b.csv", "c.csv"], "uptake": "u.csv"}
    assert log.read_text().splitlines() == ["read    a.csv", "read    b.csv", "read    c.csv", "wrote   u.csv"]


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
        job.run(main, log=str(log), inputs={"sheets": [f"{n}.csv" for n in range(500)]}, outputs={"uptake": "u.csv"})
    assert ended.value.code == 1
    assert log.read_text() == f"{error}\n"
    assert capsys.readouterr().err == f"\n{log}: {error}\n\n"


def test_a_defect_leaves_its_traceback_and_what_it_had_read(tmp_path: Path) -> None:
    def main(**_: object) -> None:
        raise ZeroDivisionError("a defect")

    log = tmp_path / "job.log"
    with pytest.raises(ZeroDivisionError):
        job.run(main, log=str(log), inputs={"doses": "a.csv"}, outputs={"uptake": "u.csv"})
    text = log.read_text()
    assert text.startswith("read    a.csv\nTraceback")
    assert text.endswith("ZeroDivisionError: a defect\n")
    assert "wrote" not in text
