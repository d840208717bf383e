"""Problems put together so that a long list stays readable: those of one cause once, the most harmful first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cartrace.errors import Problem
from cartrace.messages import BY_CODE, rank

_SHOWN_ALIKE = 4
# A mistake in this many places is one of the column, which one example shows.
_EVERYWHERE = 20


def collapse(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems with those of one cause in one file told once, the most harmful kind first.

    Problems that differ only in their row become one that names the rows; of many that differ in their value too, the
    first few are told, of very many the first, and one more names the rows of the others.
    """
    same: dict[tuple[Any, ...], list[Problem]] = {}
    for problem in problems:
        key = (problem.code, problem.file, problem.sheet, problem.column, problem.why, problem.remedy, problem.value)
        same.setdefault(key, []).append(problem)
    alike: dict[tuple[Any, ...], list[list[Problem]]] = {}
    for members in same.values():
        first = members[0]
        alike.setdefault((first.code, first.file, first.sheet, first.column), []).append(members)
    told: list[Problem] = []
    for groups in alike.values():
        most = _SHOWN_ALIKE if len(groups) < _EVERYWHERE else 1
        # One line more than those shown would save nothing.
        shown = groups if len(groups) <= most + 1 else groups[:most]
        told += [_together(members) for members in shown]
        if len(shown) < len(groups):
            told.append(_others([problem for members in groups[most:] for problem in members]))
    return sorted(told, key=lambda problem: rank(problem.code))


def _together(members: Sequence[Problem]) -> Problem:
    """Return one problem for several that differ in their row only."""
    rows = [problem.row for problem in members[1:] if problem.row is not None]
    return replace(members[0], more=(*members[0].more, *rows))


def _others(rest: Sequence[Problem]) -> Problem:
    """Return the problem that stands for all those of a kind that are not told one by one."""
    first = rest[0]
    is_one = len({problem.remedy for problem in rest}) == 1
    remedy = first.remedy if is_one or first.code not in BY_CODE else BY_CODE[first.code].advice
    one = replace(first, why="the same kind of mistake as above, with other values", remedy=remedy, value=None)
    return replace(one, more=tuple(problem.row for problem in rest[1:] if problem.row is not None))
