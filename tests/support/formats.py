"""The example exports, and how a reader is chosen for one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cartrace.errors import InputError
from cartrace.readers import Export, Settings, choose

ROOT = Path(__file__).parents[1] / "data" / "formats"
TRUTH = json.loads((ROOT / "ground_truth.json").read_text(encoding="utf-8"))
FOLDERS = {"counter": "gamma", "pet": "pet", "bli": "bli", "caliper": "caliper"}


def export(path: str) -> Export:
    """Return an example by its path below tests/data/formats."""
    return Export(path, (ROOT / path).read_bytes())


def made(text: str | bytes, name: str = "x.csv") -> Export:
    """Return an export with this content."""
    return Export(name, text.encode() if isinstance(text, str) else text)


def read(file: Export, what: str, reader: str, **settings: Any) -> Any:
    """Read a file by the reader that its content asks for, which must be the named one."""
    chosen = choose(file, what=what, form="auto", settings=Settings(**settings))
    assert chosen.name == reader
    return chosen.reads(file, Settings(**settings))


def refused(file: Export, what: str, reader: str, **settings: Any) -> list[tuple[str, int | None]]:
    """Return code and row of every problem of a file that its reader refuses."""
    try:
        read(file, what, reader, **settings)
    except InputError as error:
        return [(problem.code, problem.row) for problem in error.problems]
    raise AssertionError("the file was read")
