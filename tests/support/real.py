"""Real files of other people, which are not part of the project: tests read them where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

_PLACES = (folder / "shared" / "real" for folder in Path(__file__).parents[2:])
FOLDER = next((place for place in _PLACES if place.is_dir()), None)
needed = pytest.mark.skipif(FOLDER is None, reason="real files of other people are not part of the project")


def files() -> list[Path]:
    """Return all real files, none where there is no such folder."""
    return sorted(path for path in FOLDER.rglob("*") if path.is_file()) if FOLDER else []


def file(name: str) -> Path:
    """Return the real file of this name."""
    return next(path for path in files() if path.name == name)
