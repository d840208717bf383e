"""A figure as the files that a reader takes away, and the words that belong to them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cartrace.figures.data import Drawing
from cartrace.figures.marks import collect_tags
from cartrace.figures.style import Preset, context, settle
from cartrace.report.workbook import plain_workbook

# No date in any file, so that two runs give the same bytes.
METADATA: dict[str, dict[str, str | None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}


@dataclass(frozen=True)
class Rendered:
    """A figure's files, by format, and its words, as JSON takes them."""

    files: dict[str, bytes]
    words: dict[str, Any]


def rendered(draw: Callable[[], Drawing], preset: Preset) -> Rendered:
    """Draw a figure and return it in every format.

    Parameters
    ----------
    draw : callable
        What draws it; called once, within the journal's style.
    preset : Preset
        The journal's preset.

    Returns
    -------
    Rendered
        The formats ``svg``, ``pdf`` and ``png``, and ``xlsx`` with what is drawn.
    """
    files = {}
    with context(preset):
        drawing = draw()
        settle(drawing.figure)
        tags = collect_tags(drawing.figure)
        for form, metadata in METADATA.items():
            stream = io.BytesIO()
            drawing.figure.savefig(stream, format=form, metadata=metadata)
            files[form] = stream.getvalue()
    files["xlsx"] = plain_workbook(drawing.source or {"empty": pd.DataFrame({"why": [drawing.alt]})})
    words = {"title": drawing.title, "caption": drawing.caption, "alt": drawing.alt}
    return Rendered(files, words | {"is_empty": not drawing.source, "tags": tags})
