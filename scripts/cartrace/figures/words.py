"""Captions and text alternatives: what a figure shows, said from the data that it was drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cartrace import display
from cartrace.figures.data import MOUSE
from cartrace.figures.style import Group
from cartrace.names import some_mice

MOUSE_IS_A_POINT = "Each point is one mouse, the unit of the analysis."


def listed(names: Iterable[str]) -> str:
    """Return names as ``a, b and c``."""
    items = [str(name) for name in names]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def number(value: float) -> str:
    """Return a number of a caption, to three significant digits."""
    return display.format_value(value)


def with_interval(row: Mapping[str, Any] | pd.Series) -> str:
    """Return ``3.2 [2.1, 4.8], n = 5`` of a row with `centre`, `low`, `high` and `n`."""
    centre, low, high = (float(row[name]) for name in ("centre", "low", "high"))
    if np.isnan(centre):
        return f"no mean, n = {int(row['n'])}"
    if np.isnan(low) or np.isnan(high):
        return f"{number(centre)}, n = {int(row['n'])}"
    return "{} [{}, {}], n = {}".format(
        *display.format_estimate(centre, low, high, scale="linear" if low <= 0 else "log"), int(row["n"])
    )


def mice(points: pd.DataFrame) -> int:
    """Return how many mice stand behind rows."""
    return len(points[MOUSE].drop_duplicates())


def key_of_groups(groups: Sequence[Group], points: pd.DataFrame) -> str:
    """Return what the groups' names mean and how many mice of each are drawn."""
    entries = []
    for group in groups:
        count = mice(points[points["group"] == group.name])
        label = "" if group.label == group.name else f": {group.label}"
        entries.append(f"{group.name}{label} (n = {some_mice(count)})")
    return "; ".join(entries) + "."


def marks(points: pd.DataFrame) -> str:
    """Return what open marks and crosses mean, where there are any."""
    parts = []
    below = int((points["is_below_detection"] & ~points["excluded"]).sum())
    if below:
        parts.append(f"Open: below detection, drawn at the critical level ({below} value{'s' if below > 1 else ''}).")
    crosses = points[points["excluded"]]
    if len(crosses):
        reasons = listed(sorted(set(crosses["exclusion_reason"]) - {""}))
        count = mice(crosses)
        who = some_mice(count) + (f"; {reasons}" if reasons else "")
        parts.append(f"Crosses: excluded from means and tests ({who}).")
    else:
        parts.append("No value drawn here is excluded.")
    return " ".join(parts)


def hidden(points: pd.DataFrame, placed: NDArray[np.float64]) -> str:
    """Return how many values a log axis cannot show, where there are any."""
    count = int((~np.isfinite(placed) & points["value"].notna().to_numpy()).sum())
    if not count:
        return ""
    return (
        f"{count} value{'s' if count > 1 else ''} of zero or less cannot stand on a log axis; they are in the tables."
    )


def left_out(lead: str, names: Sequence[str]) -> str:
    """Return what is not drawn, where something is not."""
    return f"{lead}: {listed(names)}." if names else ""


def tidy(text: str) -> str:
    """Return text without the doubled spaces that empty parts leave."""
    return " ".join(text.split())
