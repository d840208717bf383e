"""What changed since the last run: which values are others, and which input made them so."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import yaml

# Sheets and exports as they were read: a change here is a cause, a change elsewhere an effect.
CAUSES = ("animals", "injections", "counts", "scans", "rois", "readouts", "exclusions", "overrides")
# Tables of which the first changes are named.
TOLD = ("uptake", "cells", "comparisons", "summaries")
MOST_NAMED = 12
# Numbers that agree to this share are the same: an edit of the code may add in another order.
SAME = 1e-10
# Goes through the rows of a table as text, its head first, in each pass: a table may be too large to hold.
Rows = Callable[[], Iterator[Sequence[str]]]
_BETWEEN = "\x1f"


@dataclass(frozen=True)
class Change:
    """One cell that is another: table, key, column, before and after; a row that came or went has no column."""

    table: str
    key: tuple[str, ...]
    column: str
    before: str
    after: str

    @property
    def is_cause(self) -> bool:
        """Whether a sheet or an export says something else."""
        return self.table in CAUSES and not self.column.startswith("source_")

    @property
    def is_effect(self) -> bool:
        """Whether a result is another."""
        return self.table not in (*CAUSES, "import", "curves")


@dataclass
class Changes:
    """Changes of all tables, counted; the first of those that are told are kept."""

    n_all: int = 0
    n_causes: int = 0
    n_effects: dict[str, int] = field(default_factory=dict)
    causes: list[Change] = field(default_factory=list)
    shown: list[Change] = field(default_factory=list)

    def add(self, changes: Iterable[Change]) -> None:
        """Count some more."""
        for one in changes:
            self.n_all += 1
            if one.is_cause:
                self.n_causes += 1
                self.causes += [one] if len(self.causes) < MOST_NAMED else []
            if one.is_effect:
                self.n_effects[one.table] = self.n_effects.get(one.table, 0) + 1
                is_told = one.table in TOLD and len(self.shown) < MOST_NAMED
                self.shown += [one] if is_told else []


def changed_cells(table: str, key: Sequence[str], before: Rows, after: Rows) -> Iterator[Change]:
    """Return the cells of a table that are others, rows that came and rows that went.

    Parameters
    ----------
    table : str
        Its name.
    key : sequence of str
        Columns that tell its rows apart.
    before, after : callable
        Its rows in the last run and now.
    """
    # Only rows that are not in both are held, and as one text each: a study may have a million.
    old_head, old = _rows_without(before, after, key)
    new_head, new = _rows_without(after, before, key)
    for place in sorted(old.keys() - new.keys()):
        yield Change(table, place, "", "there", "gone")
    for place in sorted(new.keys() - old.keys()):
        yield Change(table, place, "", "not there", "new")
    for place in sorted(old.keys() & new.keys()):
        was = dict(zip(old_head, old[place].split(_BETWEEN), strict=False))
        now = dict(zip(new_head, new[place].split(_BETWEEN), strict=False))
        # A column that only one version of cartrace writes is no change of a value.
        for column in (name for name in now if name in was):
            if _differ(was[column], now[column]):
                yield Change(table, place, column, was[column], now[column])


def _rows_without(rows: Rows, others: Rows, key: Sequence[str]) -> tuple[list[str], dict[tuple[str, ...], str]]:
    """Return the head of a table, and by key the rows that are not in the other one just so."""
    known = {_mark(row) for row in others()}
    every = rows()
    head = list(next(every, ()))
    if _mark(head) not in known:
        known = set()
    places = [head.index(name) if name in head else -1 for name in key]
    found = (row for row in every if _mark(row) not in known)
    return head, {
        tuple(row[place] if 0 <= place < len(row) else "" for place in places): _BETWEEN.join(row) for row in found
    }


def _mark(row: Sequence[str]) -> bytes:
    """Return what tells a row from others in little room."""
    return blake2b(_BETWEEN.join(row).encode(), digest_size=16).digest()


def _differ(before: str, after: str) -> bool:
    """Return whether two cells are others; what only the rounding of a last digit moves is none."""
    if before == after:
        return False
    try:
        return not math.isclose(float(before), float(after), rel_tol=SAME)
    except ValueError:
        return True


def settings_changed(before: str, after: str) -> list[str]:
    """Return what is otherwise in two records of a run: settings by dotted key, versions, and whether the code is."""
    old, new = (_flat(yaml.safe_load(text) or {}) for text in (before, after))
    told = [
        f"{name.removeprefix('config.')}: {old.get(name, 'not set')} is now {new.get(name, 'not set')}"
        for name in sorted(old.keys() | new.keys())
        if name.startswith(("config.", "versions.")) and old.get(name) != new.get(name)
    ]
    if any(old.get(name) != new.get(name) for name in old.keys() | new.keys() if name.startswith("core_sha256.")):
        told.append("the code of cartrace")
    return told


def _flat(value: Any, lead: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        pairs = [_flat(item, f"{lead}.{key}" if lead else str(key)) for key, item in value.items()]
    elif isinstance(value, list):
        pairs = [_flat(item, f"{lead}.{index + 1}") for index, item in enumerate(value)]
    else:
        return {lead: str(value)}
    return {key: item for pair in pairs for key, item in pair.items()}


def changes_markdown(changes: Changes, settings: Sequence[str], escape: Any) -> str:
    """Return the changes in Markdown: one sentence first, then causes and effects.

    Parameters
    ----------
    changes : Changes
        Of all tables.
    settings : sequence of str
        What is otherwise in the record of the run.
    escape : callable
        Makes text from sheets harmless in Markdown.
    """
    if not changes.n_all and not settings:
        return "# Changes\n\nNothing changed since the last run.\n"
    reasons = [_cause(one, escape) for one in changes.causes] + [escape(text) for text in settings[:MOST_NAMED]]
    more = changes.n_causes + len(settings) - len(reasons)
    because = "; ".join(reasons) + (f"; and {more} more" if more > 0 else "")
    n_effects = sum(changes.n_effects.values())
    count = f"{n_effects} {'value' if n_effects == 1 else 'values'}"
    lead = f"{count} changed since the last run" + (f", because of: {because}." if because else ".")
    lines = ["# Changes", "", lead, ""]
    lines += [f"- tables/{name}.csv: {number}" for name, number in sorted(changes.n_effects.items())]
    if changes.shown:
        lines += ["", "The first of them:", ""]
        lines += [f"- {_cause(one, escape)}" for one in changes.shown]
    return "\n".join(lines) + "\n"


def _cause(change: Change, escape: Any) -> str:
    place = escape(" ".join(part for part in change.key if part))
    if not change.column:
        return f"{change.table}, {place}: {change.after}"
    return (
        f"{change.table}, {place}, {escape(change.column)}: {escape(change.before) or 'empty'} is now "
        f"{escape(change.after) or 'empty'}"
    )
