"""What a section of the report is made of. The template knows how each kind of block looks, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from cartrace import display

# A table longer than this is cut on screen, and says so; the downloads hold all of it.
MOST_ROWS = 1000


@dataclass(frozen=True)
class Text:
    """Paragraphs; `tone` is empty, ``lead`` or ``warn``."""

    paragraphs: tuple[str, ...]
    tone: str = ""
    kind: str = "text"


@dataclass(frozen=True)
class Facts:
    """Short facts by name."""

    pairs: tuple[tuple[str, str], ...]
    kind: str = "facts"


@dataclass(frozen=True)
class Light:
    """The worst outcome of one check."""

    label: str
    status: str
    text: str


@dataclass(frozen=True)
class Lights:
    """The checks at a glance."""

    items: tuple[Light, ...]
    kind: str = "lights"


@dataclass(frozen=True)
class Link:
    """A file that can be downloaded: its place beside the report, and what it holds."""

    href: str
    label: str
    what: str = ""


@dataclass(frozen=True)
class Links:
    """Downloads."""

    items: tuple[Link, ...]
    kind: str = "links"


@dataclass(frozen=True)
class Picture:
    """A figure with its caption and text alternative."""

    name: str
    title: str
    caption: str
    alt: str
    svg: Markup
    kind: str = "picture"


@dataclass(frozen=True)
class Prose:
    """Text that is HTML already."""

    html: Markup
    kind: str = "prose"


@dataclass(frozen=True)
class Code:
    """Preformatted text behind a disclosure."""

    title: str
    text: str
    kind: str = "code"


@dataclass(frozen=True)
class Cell:
    """One cell: what is shown, what it is sorted by, and its tone (``pass``, ``warn``, ``fail``, ``muted``)."""

    text: str
    sort: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Heading:
    """A column's label, whether it is numeric, and what it means."""

    label: str
    numeric: bool = False
    meaning: str = ""


@dataclass(frozen=True)
class Grid:
    """A sortable table."""

    caption: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    foot: tuple[Cell, ...] = ()
    note: str = ""
    kind: str = "grid"


Block = Text | Facts | Lights | Links | Picture | Prose | Code | Grid


@dataclass(frozen=True)
class Section:
    """A section: its anchor, its title and its blocks."""

    anchor: str
    title: str
    blocks: tuple[Block, ...] = field(default=())


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as dicts."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def number_cell(value: float, uncertainty: float = np.nan, *, tone: str = "") -> Cell:
    """Return a number rounded for display by its uncertainty, sorted by its full value; a missing one is a gap."""
    if np.isnan(value):
        return Cell("", "", tone)
    return Cell(display.format_value(float(value), float(uncertainty)), repr(float(value)), tone)


def count_cell(value: float) -> Cell:
    """Return a whole number."""
    return Cell(str(int(value)), str(int(value)))


def grid(
    caption: str,
    headings: Sequence[Heading],
    rows: Iterable[Sequence[Cell]],
    *,
    foot: Sequence[Cell] = (),
    file: str = "",
) -> Grid:
    """Return a table, cut at the most rows that a page shows, with a note where it is cut.

    Parameters
    ----------
    caption : str
        What the table holds.
    headings : sequence of Heading
        Its columns.
    rows : iterable of sequence of Cell
        Its cells.
    foot : sequence of Cell
        Totals, which sorting leaves in place.
    file : str
        The download that holds all rows.

    Returns
    -------
    Grid
    """
    whole = [tuple(row) for row in rows]
    note = ""
    if len(whole) > MOST_ROWS:
        note = f"The first {MOST_ROWS} of {len(whole)} rows are shown; {file} holds all of them."
    return Grid(caption, tuple(headings), tuple(whole[:MOST_ROWS]), tuple(foot), note)


def plain_grid(caption: str, frame: pd.DataFrame, labels: dict[str, str], *, file: str = "") -> Grid:
    """Return the columns of a frame that `labels` names, as they are.

    Parameters
    ----------
    caption : str
        What the table holds.
    frame : DataFrame
        The rows.
    labels : dict
        Column to heading.
    file : str
        The download that holds all rows.

    Returns
    -------
    Grid
    """
    numeric = {name: pd.api.types.is_numeric_dtype(frame[name]) and frame[name].dtype != bool for name in labels}
    headings = [Heading(label, numeric[name]) for name, label in labels.items()]
    rows = ([_cell(row[name]) for name in labels] for row in records(frame[list(labels)]))
    return grid(caption, headings, rows, file=file)


def _cell(value: Any) -> Cell:
    if isinstance(value, bool | np.bool_):
        return Cell("yes" if value else "no", tone="")
    if isinstance(value, int | np.integer):
        return count_cell(int(value))
    if isinstance(value, float | np.floating):
        return number_cell(float(value))
    return Cell(str(value), tone=str(value) if value in ("pass", "warn", "fail") else "")
