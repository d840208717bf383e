"""What a lab reads when its input is wrong."""

from __future__ import annotations

import pytest

from cartrace.errors import InputError, Problem, nearest, plain


def test_a_problem_says_where_what_and_what_to_do() -> None:
    problem = Problem(
        "not-a-number",
        "a number is needed",
        "Write 0.1 as 0.1",
        file="tubes.csv",
        row=7,
        column="mass [mg]",
        value="~3",
    )
    assert str(problem) == (
        "tubes.csv, row 7, column 'mass [mg]': a number is needed (found '~3'). Write 0.1 as 0.1. [not-a-number]"
    )


def test_a_workbook_names_its_sheet() -> None:
    problem = Problem("empty", "the sheet has no row", "Fill it in", file="cohort.xlsx", sheet="doses")
    assert str(problem) == "cohort.xlsx > doses: the sheet has no row. Fill it in. [empty]"


def test_a_problem_without_a_place_is_the_study_s() -> None:
    assert str(Problem("no-scan", "no scan is there", "Add one")).startswith("study: ")


def test_an_empty_value_is_quoted() -> None:
    assert "(found '')" in str(Problem("x", "y", "z", value=""))


def test_an_error_counts_and_numbers_its_problems() -> None:
    error = InputError([Problem("a", "one", "do"), Problem("b", "two", "do")])
    lines = str(error).splitlines()
    assert lines[0] == "2 problems in the input. Nothing was calculated."
    assert [line.split(".")[0].strip() for line in lines[1:]] == ["1", "2"]
    assert error.problems[1].code == "b"


def test_one_problem_is_not_problems() -> None:
    assert str(InputError([Problem("a", "one", "do")])).startswith("1 problem in the input.")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("Animal ID", "animal_id"), ("animl_id", "animal_id"), ("TISSUE", "tissue"), ("masss", "mass")],
)
def test_the_nearest_name_is_found(typed: str, meant: str) -> None:
    assert nearest(typed, ["animal_id", "tissue", "mass", "session"]) == [meant]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("M1O1", "M101"), ("MlO1", "M101"), ("m I01", "M101"), ("M–101", "M101"), ("M10l", "M101")],
)
def test_a_name_that_looks_the_same_comes_first(typed: str, meant: str) -> None:
    mice = [f"M{number}" for number in range(101, 121)]
    assert nearest(typed, mice) == nearest(typed, reversed(mice)) == [meant]


def test_of_names_equally_alike_the_first_of_the_alphabet_is_told() -> None:
    assert nearest("M3", {"M5", "M4", "M6"}, most=2) == ["M4", "M5"]
    # Two signs that changed places are the likelier slip.
    assert nearest("M20", {"M01", "M02", "M03"}) == ["M02"]


def test_what_is_like_nothing_gets_no_hint() -> None:
    assert nearest("zzzzzz", ["animal_id", "tissue"]) == []


def test_headers_are_compared_without_case_and_separators() -> None:
    assert plain(" Full_Activity-X ") == plain("full activity  x")
