"""The marks that all figures share: a mouse as a point, an excluded one as a cross, a mean with its interval."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import AbstractPathEffect, withStroke
from numpy.typing import NDArray

from cartrace.figures.style import MOST_VECTOR_MARKS, Group, Preset

POINT_AREA = 9.0
# Around the mean of a group, which has the colour of its mice.
CASING: list[AbstractPathEffect] = [withStroke(linewidth=2.6, foreground="#ffffff")]
# Of a group; beyond it marks fade.
MANY_MICE = 60
GREY = "#7F7F7F"
GOLDEN = 0.6180339887498949
MOUSE = ["cohort", "animal_id"]


def tag(artist: Artist, group: Group | None, who: Iterable[Sequence[str]] = ()) -> None:
    """Note on an artist which group it shows, and the mouse (cohort, animal) of each of its marks in order."""
    name = group.name if group else ""
    artist.set_gid(json.dumps({"group": name, "mice": [[str(part) for part in mouse] for mouse in who]}))


def collect_tags(figure: Figure) -> dict[str, dict[str, Any]]:
    """Give each tagged artist an identifier for its file and return what it shows by that identifier.

    Parameters
    ----------
    figure : Figure
        A drawn figure.

    Returns
    -------
    dict
        Identifier to `group` (name, or an empty text) and `mice` (pairs of cohort and animal, one a mark; a single
        pair holds for all marks).
    """
    found: dict[str, dict[str, Any]] = {}
    for artist in figure.findobj(lambda one: str(one.get_gid() or "").startswith("{")):
        identifier = f"marks-{len(found) + 1}"
        found[identifier] = json.loads(str(artist.get_gid()))
        artist.set_gid(identifier)
    return found


def spread(values: NDArray[np.float64], *, width: float) -> NDArray[np.float64]:
    """Return offsets within `width` that keep neighbours in value apart; a permutation of mice permutes them."""
    rank = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    if len(values) == 1:
        return np.zeros(1)
    return np.asarray(((0.5 + rank * GOLDEN) % 1.0 - 0.5) * width, dtype=np.float64)


def mice(
    axes: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    group: Group,
    excluded: NDArray[np.bool_],
    below: NDArray[np.bool_],
    who: pd.DataFrame,
    area: float = POINT_AREA,
) -> None:
    """Draw mice: filled where measured, open below detection, a cross where excluded.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    x, y : ndarray, shape (n,)
        Positions; NaN is not drawn.
    group : Group
        Gives colour and marker.
    excluded, below : ndarray of bool, shape (n,)
        Which mice are left out of means and tests, which values are below detection.
    who : DataFrame, n rows
        Has `cohort` and `animal_id` of each mark.
    area : float
        Area of a mark [pt²].
    """
    inside = np.isfinite(x) & np.isfinite(y)
    names = who[MOUSE].to_numpy(dtype=str)
    pixels = bool(inside.sum() > MOST_VECTOR_MARKS)
    kinds = (
        ("mice", inside & ~excluded & ~below),
        ("below", inside & ~excluded & below),
        ("excluded", inside & excluded),
    )
    for kind, which in kinds:
        if not which.any():
            continue
        if kind == "excluded":
            marks = axes.scatter(x[which], y[which], s=area, marker="x", color=group.colour, linewidths=0.7, zorder=3)
        else:
            face = group.colour if kind == "mice" else "#ffffff"
            marks = axes.scatter(
                x[which],
                y[which],
                s=area,
                marker=group.marker,
                facecolors=face,
                edgecolors=group.colour,
                linewidths=0.6,
                alpha=_alpha(0.85, names) if kind == "mice" else None,
                zorder=3,
            )
        marks.set_label(f"_{kind}")
        tag(marks, group, names[which])
        marks.set_rasterized(pixels)


def interval(
    axes: Axes,
    at: float,
    centre: float,
    low: float,
    high: float,
    *,
    horizontal: bool = False,
    size: float = 6.0,
    group: Group | None = None,
) -> None:
    """Draw a mean and its interval; an interval that is not finite leaves the mean alone."""
    if not np.isfinite(centre):
        return
    if np.isfinite(low) and np.isfinite(high):
        ends: tuple[Sequence[float], Sequence[float]] = (
            ([low, high], [at, at]) if horizontal else ([at, at], [low, high])
        )
        (bar,) = axes.plot(*ends, color="#000000", linewidth=0.9, zorder=4, label="_interval", solid_capstyle="butt")
        tag(bar, group)
    x, y = (centre, at) if horizontal else (at, centre)
    (middle,) = axes.plot(
        [x],
        [y],
        marker="|" if horizontal else "_",
        markersize=size,
        color="#000000",
        markeredgewidth=1.1,
        zorder=5,
        label="_mean",
    )
    tag(middle, group)


def key(
    figure: Figure, groups: Sequence[Group], *, below: bool, excluded: bool, style: Preset, line: bool = False
) -> None:
    """Put the key above the figure: the groups, and the marks of what is below detection or excluded."""
    entries = [
        Line2D(
            [],
            [],
            linestyle="-" if line else "",
            marker=group.marker,
            markersize=3,
            color=group.colour,
            label=group.name,
        )
        for group in groups
    ]
    if below:
        entries.append(
            Line2D(
                [],
                [],
                linestyle="",
                marker="o",
                markersize=3,
                markerfacecolor="#ffffff",
                color=GREY,
                label="below detection",
            )
        )
    if excluded:
        entries.append(Line2D([], [], linestyle="", marker="x", markersize=3, color=GREY, label="excluded"))
    columns = max(1, min(len(entries), int(figure.get_figwidth() * 25.4 // 26)))
    figure.legend(handles=entries, loc="outside upper left", ncols=columns, borderaxespad=0.2)


def lines(paths: Sequence[NDArray[np.float64]], group: Group, who: Iterable[Sequence[str]]) -> LineCollection:
    """Return thin lines, one a mouse of `who`, from arrays of shape (points, 2)."""
    mice = np.array(list(who), dtype=str).reshape(-1, 2)
    alpha = _alpha(0.55, mice)
    drawn = LineCollection(
        list(paths), colors=group.colour, linewidths=0.35, alpha=alpha, zorder=2, label="_mouse-lines"
    )
    drawn.set_rasterized(len(paths) > MOST_VECTOR_MARKS // 10)
    tag(drawn, group, mice)
    return drawn


def _alpha(full: float, names: NDArray[np.str_]) -> float:
    """Return the opacity of a group's marks, less where many mice would cover each other and the group's mean."""
    n_mice = len(np.unique(names, axis=0))
    return full * min(1.0, max(MANY_MICE / max(n_mice, 1), 0.2))


def grid(count: int, *, most_columns: int) -> tuple[int, int]:
    """Return rows and columns of a grid that holds `count` panels."""
    columns = min(count, most_columns)
    return -(-count // columns), columns
