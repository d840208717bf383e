"""Reads a lab's own model of expansion: a Python file that defines one lmfit Model named ``model``."""

from __future__ import annotations

import importlib.util
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import lmfit

from cartrace.errors import InputError, Problem

_SHAPE = "see docs/own-models.md for the form of the file"


def read_own_model(path: str | Path) -> tuple[lmfit.Model, dict[str, str]]:
    """Return the lmfit Model of a file, and the units of its parameters.

    Parameters
    ----------
    path : str or Path
        The Python file. It is run: what stands in it is the lab's own.

    Returns
    -------
    tuple
        ``model`` and ``units`` of the file.

    Raises
    ------
    InputError
        Where the file cannot be run or does not define both.
    """
    module = _run(path)
    model, units = getattr(module, "model", None), getattr(module, "units", None)
    problems = []
    if not isinstance(model, lmfit.Model):
        problems.append(_problem(path, "the file defines no lmfit Model named 'model'", f"Define one; {_SHAPE}"))
    if not isinstance(units, Mapping):
        text = "the file defines no dictionary 'units' that gives each parameter its unit"
        problems.append(_problem(path, text, f"Write units = {{'plateau': 'response', ...}}; {_SHAPE}"))
    if problems:
        raise InputError(problems)
    return model, {str(name): str(unit) for name, unit in dict(units or {}).items()}


def _run(path: str | Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("own_model", path)
    if spec is None or spec.loader is None:
        raise InputError([_problem(path, "the file is no Python file", "Give it a name that ends with .py")])
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((frame.lineno for frame in reversed(frames) if frame.filename == str(path)), None)
        line = getattr(error, "lineno", line)
        why = f"the file cannot be run: {type(error).__name__}: {error}"
        raise InputError([_problem(path, why, "Run it in Python by itself and mend it", row=line)]) from error
    return module


def _problem(path: str | Path, why: str, remedy: str, row: int | None = None) -> Problem:
    return Problem("own-model", why, remedy, file=str(path), row=row)
