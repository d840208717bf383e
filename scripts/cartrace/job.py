"""What every script's last block does: run `main`, and log what was read, what was written and what went wrong."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cartrace.errors import InputError


def run(
    main: Callable[..., None],
    *,
    log: str,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    params: Mapping[str, Any] | None = None,
) -> None:
    """Call ``main(**inputs, **outputs, **params)`` and write its log.

    Parameters
    ----------
    main : callable
        The script's work; takes paths and plain values by keyword.
    log : str
        The rule's log file.
    inputs, outputs : mapping
        Paths by keyword, one path or several.
    params : mapping, optional
        Settings by keyword.

    Raises
    ------
    SystemExit
        With code 1 where the input is at fault. The message then stands alone in the log, and on standard error.
    """
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w", encoding="utf-8") as stream:
        stream.writelines(f"read    {path}\n" for path in _paths(inputs))
        stream.flush()
        try:
            main(**inputs, **outputs, **(params or {}))
        except InputError as error:
            # Alone, so that the message does not drown among a study's hundreds of files.
            stream.seek(0)
            stream.truncate()
            stream.write(f"{error}\n")
            # The log's path says which cohort it is; jobs that fail side by side write one piece each.
            sys.stderr.write(f"\n{log}: {error}\n\n")
            raise SystemExit(1) from None
        except Exception:
            traceback.print_exc(file=stream)
            raise
        stream.writelines(f"wrote   {path}\n" for path in _paths(outputs))


def _paths(named: Mapping[str, Any]) -> list[str]:
    paths: list[str] = []
    for value in named.values():
        paths += [value] if isinstance(value, str) else [str(item) for item in value]
    return paths
