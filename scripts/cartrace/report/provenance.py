"""What a run can be repeated from: settings, versions, digests of code and inputs, half-lives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from cartrace.report.study import Study


def run_record(study: Study, *, versions: Mapping[str, str], digests: Mapping[str, str]) -> dict[str, Any]:
    """Return the record of a run.

    Parameters
    ----------
    study : Study
        The tables and settings.
    versions : mapping
        Version by name of software.
    digests : mapping
        SHA-256 of the core that each script imports.

    Returns
    -------
    dict
        Plain values: `versions`, `core_sha256`, `half_lives`, `inputs`, `config`.
    """
    halves = study.dose_activity[["tracer", "nuclide", "half_life_s"]].drop_duplicates().sort_values("tracer")
    files = study.imported.sort_values(["cohort", "file"])
    return {
        "versions": dict(versions),
        "core_sha256": dict(digests),
        "half_lives": [
            {
                "tracer": row["tracer"],
                "nuclide": row["nuclide"],
                "half_life_s": float(row["half_life_s"]),
                "source": study.settings["uptake"]["half_lives"],
            }
            for row in halves.to_dict("records")
        ],
        "inputs": [
            {"cohort": row["cohort"], "file": row["file"], "sha256": row["sha256"]} for row in files.to_dict("records")
        ],
        "config": _plain(study.settings),
    }


def run_yaml(record: Mapping[str, Any]) -> str:
    """Return the record as YAML, in its own order."""
    return yaml.safe_dump(dict(record), sort_keys=False, allow_unicode=True, width=120)


def _plain(value: Any) -> Any:
    """Return mappings and sequences of any kind as dicts and lists, which YAML can write."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
