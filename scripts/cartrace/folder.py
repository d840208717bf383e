"""A cohort's folder on disk: the one place where its sheets and exports are opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cartrace import intake, vocabulary
from cartrace.errors import InputError, Problem
from cartrace.radionuclides import read as read_nuclides


def read(
    *,
    sheets: str | Sequence[str],
    exports: str | Sequence[str],
    folder: str,
    tissues: str,
    radionuclides: str,
    regions: Sequence[Mapping[str, Any]],
    **study: Any,
) -> dict[str, pd.DataFrame]:
    """Return the tables of a cohort by their name; see :func:`cartrace.intake.read`.

    Parameters
    ----------
    sheets, exports : str or sequence of str
        Paths of the cohort's files.
    folder : str
        Its folder.
    tissues, radionuclides : str
        Shipped tables.
    regions : sequence of mapping
        The config's ``regions``.
    **study
        All other fields of :class:`cartrace.intake.Study`.

    Raises
    ------
    InputError
        Everything that is wrong with the sheets and the exports, together.
    """
    root = Path(folder)
    sheets, exports = ([paths] if isinstance(paths, str) else list(paths) for paths in (sheets, exports))
    _inside(root, [*sheets, *exports])
    settings = intake.Study(
        vocabulary=vocabulary.read(tissues, regions), nuclides=read_nuclides(radionuclides), **study
    )
    files = {Path(path).name: Path(path).read_bytes() for path in sheets}
    exported = [Path(path).relative_to(root).as_posix() for path in exports]
    return intake.read(settings, files, exported, lambda name: (root / name).read_bytes())


def _inside(root: Path, paths: Sequence[str]) -> None:
    """Refuse files that a link fetches from elsewhere: they can change, or vanish, without the folder showing it."""
    home = root.resolve()
    why = "the file is a link to a place outside of the cohort's folder"
    remedy = "Put a copy of the file in its place"
    problems = [
        Problem("link-outside", why, remedy, file=Path(path).relative_to(root).as_posix())
        for path in paths
        if not Path(path).resolve().is_relative_to(home)
    ]
    if problems:
        raise InputError(problems)
