"""The methods as a Word document, the same bytes from the same text."""

from __future__ import annotations

import datetime
import io
import re

from docx import Document

from cartrace.report.methods import BULLET, plain
from cartrace.workbooks import printable, timeless

_EPOCH = datetime.datetime(1980, 1, 1, tzinfo=datetime.UTC)


def methods_docx(markdown: str) -> bytes:
    """Return our own Markdown as a DOCX file.

    Parameters
    ----------
    markdown : str
        The methods: headings, paragraphs and lists.

    Returns
    -------
    bytes
        The file, without any time in it. Text is only text: it can hold no field and no markup.
    """
    document = Document()
    properties = document.core_properties
    properties.author, properties.comments, properties.title = "", "", "Methods"
    properties.created = properties.modified = _EPOCH
    for block in markdown.strip().split("\n\n"):
        lines = block.strip().split("\n")
        if lines[0].startswith("#"):
            level = len(lines[0]) - len(lines[0].lstrip("#"))
            document.add_heading(_clean(lines[0].lstrip("# ")), level)
        elif BULLET.match(lines[0]):
            style = "List Bullet" if lines[0].startswith("- ") else "List Number"
            for line in lines:
                document.add_paragraph(_clean(BULLET.sub("", line)), style)
        else:
            document.add_paragraph(_clean(" ".join(lines)))
    stream = io.BytesIO()
    document.save(stream)
    return timeless(stream.getvalue())


def _clean(markdown: str) -> str:
    return re.sub(r"\s+", " ", printable(plain(markdown)))
