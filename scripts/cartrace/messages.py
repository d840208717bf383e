"""Problems put together so that a long list stays readable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cartrace.errors import Problem

_SHOWN_ROWS = 12
_SHOWN_ALIKE = 4


def collapse(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems with those of one cause in one file told once, in the order of their first row.

    Problems that differ only in their row become one that lists the rows; of problems that differ in their value
    too, the first few are told and the last of these names the rows of the others.
    """
    same: dict[tuple[Any, ...], list[Problem]] = {}
    for problem in problems:
        key = (problem.code, problem.file, problem.sheet, problem.column, problem.why, problem.remedy, problem.value)
        same.setdefault(key, []).append(problem)
    alike: dict[tuple[Any, ...], list[list[Problem]]] = {}
    for members in same.values():
        first = members[0]
        alike.setdefault((first.code, first.file, first.sheet, first.column), []).append(members)
    told: dict[int, Problem] = {}
    for groups in alike.values():
        for members in groups[: _SHOWN_ALIKE if len(groups) > _SHOWN_ALIKE + 1 else None]:
            told[id(members[0])] = _with_rows(members[0], members[1:], "The same in")
            last = members[0]
        if len(groups) > _SHOWN_ALIKE + 1:
            rest = [problem for members in groups[_SHOWN_ALIKE:] for problem in members]
            told[id(last)] = _with_rows(told[id(last)], rest, "Likewise in")
    return [told[id(problem)] for problem in problems if id(problem) in told]


def _with_rows(problem: Problem, others: Sequence[Problem], words: str) -> Problem:
    rows = [other.row for other in others if other.row is not None]
    if not others:
        return problem
    if not rows:
        return replace(problem, remedy=f"{problem.remedy.rstrip('.')}. {words} {len(others)} more places")
    shown = ", ".join(map(str, rows[:_SHOWN_ROWS])) + (", ..." if len(rows) > _SHOWN_ROWS else "")
    count = f"{len(rows)} more row{'s' if len(rows) > 1 else ''}"
    return replace(problem, remedy=f"{problem.remedy.rstrip('.')}. {words} {count}: {shown}")
