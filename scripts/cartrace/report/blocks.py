"""What a section of the report is made of. The template knows how each kind of block looks, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from cartrace import display

# A table longer than this is cut on screen, and says so; the downloads hold all of it.
MOST_ROWS = 1000


@dataclass(frozen=True)
class Text:
    """Paragraphs; `tone` is empty, ``lead`` or ``warn``; `sources` names the cells behind each, where there are any."""

    paragraphs: tuple[str, ...]
    tone: str = ""
    sources: tuple[str, ...] = ()
    kind: str = "text"


@dataclass(frozen=True)
class Answer:
    """What a section says, in one sentence, with the cells that its numbers come from."""

    text: str
    source: str = ""
    kind: str = "answer"


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
    """A figure with its caption, its text alternative, and how it is read."""

    name: str
    title: str
    caption: str
    alt: str
    svg: Markup
    guide: str = ""
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
    """One cell: what is shown, what it is sorted by, its tone, and where it comes from.

    The tone is ``pass``, ``warn``, ``fail``, ``muted`` or ``heat1`` to ``heat5``. `source` is ``table:row:columns`` of
    a file in ``tables/``, the row as Excel counts it; a column may carry ``*factor`` where the cell shows another unit.
    `href` leads to a mouse's page. In the first cell of a row, `mouse` and `group` are what the whole row is about.
    """

    text: str
    sort: str = ""
    tone: str = ""
    source: str = ""
    href: str = ""
    mouse: int = -1
    group: int = -1


@dataclass(frozen=True)
class Heading:
    """A column's label, whether it is numeric, what it means, and whether it is folded away at first."""

    label: str
    numeric: bool = False
    meaning: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Grid:
    """A sortable table."""

    caption: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    foot: tuple[Cell, ...] = ()
    note: str = ""
    file: str = ""
    kind: str = "grid"


@dataclass(frozen=True)
class MousePages:
    """All pages of mice: the mice in order with what their headings say, and the data of their bodies as JSON."""

    mice: tuple[tuple[Any, str], ...]
    data: Markup
    kind: str = "mice"


Block = MousePages | Answer | Text | Facts | Lights | Links | Picture | Prose | Code | Grid


@dataclass(frozen=True)
class Section:
    """A section: its anchor, its title and its blocks."""

    anchor: str
    title: str
    blocks: tuple[Block, ...] = field(default=())


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as dicts; `row_` is the row of the table's file, where the index is still its own."""
    names = [*map(str, frame.columns), "row_"]
    columns = [frame.iloc[:, at].tolist() for at in range(frame.shape[1])]
    lines = [index + 2 for index in frame.index.tolist()]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, lines, strict=True)]


def from_table(table: str, row: Mapping[str, Any], *columns: str) -> str:
    """Return where a number comes from: ``table:row:columns``."""
    return f"{table}:{row['row_']}:{','.join(columns)}"


def source_cell(
    table: str, row: Mapping[str, Any], column: str, *, se: str = "", factor: float = 1.0, tone: str = ""
) -> Cell:
    """Return a number of a table, rounded by the uncertainty in its column `se`, with the place that it comes from."""
    uncertainty = float(row[se]) * factor if se else np.nan
    cell = number_cell(float(row[column]) * factor, uncertainty, tone=tone)
    scaled = column if factor == 1.0 else f"{column}*{factor:g}"
    return replace(cell, source=from_table(table, row, scaled) if cell.text else "")


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
    """Return a table without its empty columns, cut at the most rows that a page shows, with a note where it is cut.

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
    used = [at for at in range(len(headings)) if not whole or any(row[at].text for row in whole)]
    whole = [tuple(row[at] for at in used) for row in whole]
    headings, foot = [headings[at] for at in used], [foot[at] for at in used if foot]
    note = ""
    if len(whole) > MOST_ROWS:
        note = f"The first {MOST_ROWS} of {len(whole)} rows are shown; {file} holds all of them."
    return Grid(caption, tuple(headings), tuple(whole[:MOST_ROWS]), tuple(foot), note, file)


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
    table = file.removeprefix("tables/").removesuffix(".csv")
    rows = ([_cell(row, name, table) for name in labels] for row in records(frame[list(labels)]))
    return grid(caption, headings, rows, file=file)


def _cell(row: Mapping[str, Any], name: str, table: str) -> Cell:
    value = row[name]
    source = from_table(table, row, name) if table else ""
    if isinstance(value, bool | np.bool_):
        return Cell("yes" if value else "no", tone="")
    if isinstance(value, int | np.integer):
        return replace(count_cell(int(value)), source=source)
    if isinstance(value, float | np.floating):
        cell = number_cell(float(value))
        return replace(cell, source=source) if cell.text else cell
    return Cell(str(value), tone=str(value) if value in ("pass", "warn", "fail") else "")
