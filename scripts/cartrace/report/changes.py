"""What changed since the last run: which values are others, and which input made them so."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

# Sheets and exports as they were read: a change here is a cause, a change elsewhere an effect.
CAUSES = ("animals", "injections", "counts", "scans", "rois", "readouts", "exclusions", "overrides")
MOST_NAMED = 12
# Numbers that agree to this share are the same: an edit of the code may add in another order.
SAME = 1e-10
Rows = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Change:
    """One cell that is another: table, key, column, before and after; a row that came or went has no column."""

    table: str
    key: tuple[str, ...]
    column: str
    before: str
    after: str


def changed_cells(table: str, key: Sequence[str], before: Rows, after: Rows) -> Iterator[Change]:
    """Return the cells of a table that are others, rows that came and rows that went.

    Parameters
    ----------
    table : str
        Its name.
    key : sequence of str
        Columns that tell its rows apart.
    before, after : sequence of mapping
        Its rows in the last run and now, as text.
    """
    old = {tuple(row.get(name, "") for name in key): row for row in before}
    new = {tuple(row.get(name, "") for name in key): row for row in after}
    for place in sorted(old.keys() - new.keys()):
        yield Change(table, place, "", "there", "gone")
    for place in sorted(new.keys() - old.keys()):
        yield Change(table, place, "", "not there", "new")
    for place in sorted(old.keys() & new.keys()):
        # A column that only one version of cartrace writes is no change of a value.
        for column in (name for name in new[place] if name in old[place]):
            if _differ(old[place][column], new[place][column]):
                yield Change(table, place, column, old[place][column], new[place][column])


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


def changes_markdown(changes: Sequence[Change], settings: Sequence[str], escape: Any) -> str:
    """Return the changes in Markdown: one sentence first, then causes and effects.

    Parameters
    ----------
    changes : sequence of Change
        Of all tables.
    settings : sequence of str
        What is otherwise in the record of the run.
    escape : callable
        Makes text from sheets harmless in Markdown.
    """
    causes = [one for one in changes if one.table in CAUSES and not one.column.startswith("source_")]
    effects = [one for one in changes if one.table not in (*CAUSES, "import", "curves")]
    if not changes and not settings:
        return "# Changes\n\nNothing changed since the last run.\n"
    reasons = [_cause(one, escape) for one in causes[:MOST_NAMED]] + [escape(text) for text in settings[:MOST_NAMED]]
    more = len(causes) + len(settings) - len(reasons)
    because = "; ".join(reasons) + (f"; and {more} more" if more > 0 else "")
    count = f"{len(effects)} {'value' if len(effects) == 1 else 'values'}"
    lead = f"{count} changed since the last run" + (f", because of: {because}." if because else ".")
    tables: dict[str, int] = {}
    for one in effects:
        tables[one.table] = tables.get(one.table, 0) + 1
    lines = ["# Changes", "", lead, ""]
    lines += [f"- tables/{name}.csv: {number}" for name, number in sorted(tables.items())]
    shown = [one for one in effects if one.table in ("uptake", "cells", "comparisons", "summaries")][:MOST_NAMED]
    if shown:
        lines += ["", "The first of them:", ""]
        lines += [f"- {_cause(one, escape)}" for one in shown]
    return "\n".join(lines) + "\n"


def _cause(change: Change, escape: Any) -> str:
    place = escape(" ".join(part for part in change.key if part))
    if not change.column:
        return f"{change.table}, {place}: {change.after}"
    return (
        f"{change.table}, {place}, {escape(change.column)}: {escape(change.before) or 'empty'} is now "
        f"{escape(change.after) or 'empty'}"
    )
