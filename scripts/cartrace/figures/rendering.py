"""Figures as the files that a reader takes away, and the words that belong to them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from cartrace import job
from cartrace.figures.data import Drawing
from cartrace.figures.marks import collect_tags
from cartrace.figures.style import Preset, context, settle
from cartrace.report.workbook import plain_workbook

# No date in any file, so that two runs give the same bytes.
METADATA: dict[str, dict[str, str | None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}

Tables = TypeVar("Tables")


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


def write(
    draw: Mapping[str, Callable[[Tables, Preset], Drawing]],
    shown: Tables,
    preset: Preset,
    figures: Sequence[str],
    *,
    files: Mapping[str, Sequence[str]],
    captions: str,
    cores: int,
) -> None:
    """Draw figures into files, and write their words into one of JSON.

    Parameters
    ----------
    draw : mapping
        What draws each figure, by name.
    shown : Study or Checks
        What they are drawn from.
    preset : Preset
        The journal's preset.
    figures : sequence of str
        Names of the figures, in the order of their files and words.
    files : mapping
        Paths by format, one per figure.
    captions : str
        Path of the words.
    cores : int
        Processes that draw.
    """

    def drawn(number: int) -> dict[str, Any]:
        made = rendered(partial(draw[figures[number]], shown, preset), preset)
        for form, paths in files.items():
            Path(paths[number]).write_bytes(made.files[form])
        return made.words

    words = dict(zip(figures, job.spread(drawn, figures, "drawing", cores=cores), strict=True))
    Path(captions).write_text(json.dumps(words, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
