"""A final report has a reason for each warning, and says which ones are missing and how to give them."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml

from cartrace.acknowledged import reasons, require
from cartrace.config import Config
from cartrace.errors import InputError

ROWS = [
    ("C01", "tail", "M01, d07", "warn", "Tail, of the gross dose: 7.2 %. The dose is corrected for it"),
    ("C01", "tail", "M02, d07", "pass", "Tail, of the gross dose: 1.2 %"),
    ("C02", "tail", "M01, d07", "fail", "Tail, of the gross dose: 31 %. Consider to exclude the injection"),
    ("C02", "unused-sheet", 'a "b": {c}', "warn", "The sheet was not read"),
]
QUALITY = pd.DataFrame(ROWS, columns=["cohort", "check", "subject", "status", "message"])


def entry(cohort: str, check: str, subject: str, reason: str = "seen") -> dict[str, str]:
    return {"cohort": cohort, "check": check, "subject": subject, "reason": reason}


def test_a_reason_goes_to_its_row_or_to_that_of_every_cohort() -> None:
    given = [entry("C01", "tail", "M01, d07", "dose is right"), entry("", "tail", "M01, d07", "old needles")]
    assert reasons(QUALITY, given).tolist() == ["dose is right", "", "old needles", ""]
    assert reasons(QUALITY, [entry("", "tail", "M02, d07")]).tolist() == [""] * 4, "what passes needs none"


def test_what_is_missing_is_told_with_the_lines_to_paste() -> None:
    with pytest.raises(InputError) as caught:
        require(QUALITY, [entry("C01", "tail", "M01, d07")])
    head, *lines = str(caught.value).splitlines()
    assert head == (
        "2 problems in the input. The report was not built: 'study.status' is final, and a final report has a reason "
        "for each warning."
    )
    assert lines[0] == (
        "  1. C02 > tail, M01, d07: fail: Tail, of the gross dose: 31 %. Consider to exclude the injection. Mend its "
        "cause, or acknowledge it. [not-acknowledged]"
    )
    pasted = yaml.safe_load("\n".join(lines[3:]))
    assert pasted["quality"]["acknowledged"] == [
        entry("C02", "tail", "M01, d07", ""),
        entry("C02", "unused-sheet", 'a "b": {c}', ""),
    ]
    filled = [item | {"reason": "seen"} for item in pasted["quality"]["acknowledged"]]
    require(QUALITY, [entry("C01", "tail", "M01, d07"), *filled])


def test_an_entry_without_its_warning_is_an_error() -> None:
    given = [entry(cohort, check, subject) for cohort, check, subject in QUALITY[["cohort", "check", "subject"]].values]
    with pytest.raises(InputError) as caught:
        require(QUALITY, given)
    assert [str(problem) for problem in caught.value.problems] == [
        "the config, column 'quality.acknowledged': there is no such warning: C01 tail, M02, d07. Correct the entry, "
        "or remove it. [acknowledged-nothing]"
    ]


def test_a_reason_cannot_be_empty() -> None:
    config = {
        "study": {"title": "t", "timezone": "Europe/Berlin"},
        "cohorts": [{"name": "C01", "path": "here"}],
        "groups": [{"name": "A", "role": "control"}, {"name": "B", "role": "test"}],
        "tracers": [{"name": "T", "nuclide": "F-18"}],
        "comparison": {"primary": {"groups": ["B", "A"]}},
        "quality": {"acknowledged": [entry("", "tail", "M01, d07", "")]},
    }
    with pytest.raises(ValueError, match=r"quality\.acknowledged\.0\.reason"):
        Config.model_validate(config)
