"""Every kind of mistake says exactly what it must, and every message of the registry has a case that shows it."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import cohort_folder
import pytest
import yaml
from cohort_folder import BASE, ROOT

from cartrace import cells_quality, tables
from cartrace.errors import InputError
from cartrace.messages import BY_CODE, MESSAGES, rank
from cartrace.plausibility import CHECKS
from cartrace.tables import Quality

CASES = yaml.safe_load((BASE.parent / "cases.yaml").read_text(encoding="utf-8"))
SAID = yaml.safe_load((BASE.parent / "messages.yaml").read_text(encoding="utf-8"))
CODE = re.compile(r"[a-z]+(-[a-z]+)+")
# Texts that look like a code: names of encodings, of an error model, of a package.
OTHER = {"mac-roman", "log-normal", "yyyy-mm-dd", "python-docx"}


def said(case: dict[str, Any], tmp_path: Path) -> list[str]:
    """Return the problems that stop a case, or the warnings of one that is calculated."""
    out = tmp_path / "out"
    try:
        cohort_folder.run(cohort_folder.copy(tmp_path / "C01", case), out, **case.get("config", {}))
    except InputError as error:
        assert not out.exists(), "a cohort with an error leaves no table"
        return [str(problem) for problem in error.problems]
    rows = tables.read(out / "quality.csv", Quality)
    return [f"{row['check']} | {row['subject']} | {row['message']}" for row in rows.to_dict("records")]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_a_mistake_says_exactly_its_message(case: dict[str, Any], tmp_path: Path) -> None:
    assert said(case, tmp_path) == SAID[case["case"]]


def test_every_case_has_its_message_and_at_least_sixty_are_mistakes() -> None:
    assert list(SAID) == [case["case"] for case in CASES]
    assert len([messages for messages in SAID.values() if messages]) >= 60


def codes_said() -> set[str]:
    problems = {
        message.rsplit("[", 1)[1].rstrip("]") for messages in SAID.values() for message in messages if "[" in message
    }
    return problems | {message.split(" | ")[0] for messages in SAID.values() for message in messages}


# What no import of one small cohort can say has its case in the tests of the stage or the target that says it.
ELSEWHERE = {
    *("window-of-tracer", "declared-twice", "not-readable", "not-allowed", "own-model"),
    *("no-cohort-named", "folder-exists", "not-acknowledged", "acknowledged-nothing"),
    *("workbook-too-large", "file-too-large", "link-outside"),
    *("control-subtraction", "followed-region"),
    *("calibration-samples", "calibration-linearity", "calibration-range"),
}


def test_every_message_of_the_registry_has_a_case() -> None:
    assert sorted(set(BY_CODE) - codes_said()) == sorted(ELSEWHERE)
    tests = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    text = "\n".join(path.read_text(encoding="utf-8") for path in tests)
    assert [code for code in sorted(ELSEWHERE) if not re.search(rf"(?<![\w-]){code}(?![\w-])", text)] == []


@cache
def constants() -> dict[str, str]:
    """Return every text of the core that has the form of a code, with a file that holds it."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "scripts").rglob("*.py")):
        if {"figures", "report", "population", "simulate", "messages"} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                found.setdefault(node.value, path.name)
    return found


def test_every_code_of_the_core_is_registered() -> None:
    assert {code: file for code, file in constants().items() if code not in BY_CODE and code not in OTHER} == {}


def test_every_registered_code_is_used() -> None:
    source = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "scripts").rglob("*.py") if "messages" not in path.parts
    )
    assert [message.code for message in MESSAGES if f'"{message.code}"' not in source] == []


def test_codes_are_unique_and_every_message_says_all_five_things() -> None:
    assert len(BY_CODE) == len(MESSAGES)
    for message in MESSAGES:
        assert message.severity in ("error", "warning")
        for text in (message.what, message.example, message.harm, message.remedy):
            assert text
            assert not text.endswith("."), message.code
            assert text[0].isupper() or not text[0].isalpha(), message.code


def test_errors_come_before_warnings_and_the_most_harmful_first() -> None:
    severities = [message.severity for message in MESSAGES]
    assert severities == sorted(severities)
    assert rank("order") < rank("unknown-animal") < rank("not-a-number") < rank("title-row") < rank("mass-range")
    assert rank("no such code") > rank(MESSAGES[-1].code)


def test_every_check_of_plausibility_has_its_message() -> None:
    assert [check.code for check in CHECKS if check.code not in BY_CODE] == []
    assert len({check.code for check in CHECKS}) == len(CHECKS)
    warnings = {message.code for message in MESSAGES if message.severity == "warning"}
    later = {code for code in constants() if constants()[code] == Path(cells_quality.__file__).name}
    assert warnings - {check.code for check in CHECKS} - later == {
        "animal-name",
        "animal-without-dose",
        "dose-without-data",
        "no-cell-clock",
        "unused-animal",
        "unused-export",
        "unused-sheet",
    }


def test_a_refusal_sums_up_and_says_that_nothing_was_calculated(tmp_path: Path) -> None:
    case = {"edit": {"animals.csv": [["M02,UTD", "M20,UDT"]], "doses.csv": [["09:09:30", "08:09:30"]]}}
    with pytest.raises(InputError) as caught:
        cohort_folder.run(cohort_folder.copy(tmp_path / "C01", case), tmp_path / "out")
    lines = str(caught.value).splitlines()
    assert lines[0] == (
        "6 problems in the input, in 7 places. Nothing was calculated from the cohort C01. docs/errors.md explains the "
        "codes in brackets; what can harm most comes first."
    )
    assert [line.rsplit("[", 1)[1] for line in lines[1:]] == [
        "order]",
        *["unknown-animal]"] * 4,
        "unknown-group]",
    ]


def test_a_mistake_in_every_row_is_told_in_a_few_lines(tmp_path: Path) -> None:
    header = "animal_id,measured_at,readout,value,unit\n"
    rows = "".join(f"M01,2026-03-09 {minute // 60:02d}:{minute % 60:02d},weight,x{minute},g\n" for minute in range(600))
    with pytest.raises(InputError) as caught:
        cohort_folder.run(
            cohort_folder.copy(tmp_path / "C01", {"add": {"readouts.csv": header + rows}}), tmp_path / "out"
        )
    assert len(caught.value.problems) == 2
    assert str(caught.value).startswith("2 problems in the input, in 600 places. ")
