"""The report's folder as an RO-Crate 1.1 and Process Run Crate 0.5: every file and every input with its SHA-256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from cartrace.report.study import Study

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PROFILE = "https://w3id.org/ro/crate/1.1"
RUN_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
FORMATS = {
    "csv": "text/csv",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "html": "text/html",
    "json": "application/json",
    "md": "text/markdown",
    "pdf": "application/pdf",
    "png": "image/png",
    "svg": "image/svg+xml",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "yaml": "application/yaml",
}


def crate(study: Study, files: Mapping[str, bytes], *, versions: Mapping[str, str]) -> str:
    """Return ``ro-crate-metadata.json``.

    Parameters
    ----------
    study : Study
        Gives title and inputs.
    files : mapping
        Every file of the folder by its path in it, with its content.
    versions : mapping
        Version by name of software.

    Returns
    -------
    str
        JSON-LD. The date is that of the last measurement, so that the same study gives the same bytes. Inputs lie
        outside of the folder and are named with their SHA-256 only.
    """
    outputs = [_file(path, content) for path, content in sorted(files.items())]
    inputs = [_input(row) for row in study.imported.sort_values(["cohort", "file"]).to_dict("records")]
    software = [_software(f"#software/{quote(name)}", name, version) for name, version in sorted(versions.items())]
    workflow = {"@id": "#cartrace", "@type": "SoftwareApplication", "name": "cartrace"}
    graph = [
        *_descriptor(),
        _root(study, outputs),
        *_terms(),
        _action([workflow, *software], inputs, outputs),
        workflow,
        *software,
        *inputs,
        *outputs,
    ]
    context: list[Any] = [CONTEXT, {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}]
    return json.dumps({"@context": context, "@graph": graph}, indent=1, ensure_ascii=False) + "\n"


def _descriptor() -> list[dict[str, Any]]:
    """Return what says which forms the crate has: the file itself, and the profile of runs."""
    itself = {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "conformsTo": {"@id": PROFILE},
        "about": {"@id": "./"},
    }
    return [itself, {"@id": RUN_PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}]


def _root(study: Study, outputs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "@id": "./",
        "@type": "Dataset",
        "conformsTo": {"@id": RUN_PROFILE},
        "name": study.settings["study"]["title"],
        "description": "Report, figures and tables of a preclinical imaging study, made by cartrace.",
        "datePublished": last_day(study),
        "license": {"@id": "#license"},
        "hasPart": _references(outputs),
        "mentions": {"@id": "#run"},
    }


def _terms() -> list[dict[str, Any]]:
    terms = {"@id": "#license", "@type": "CreativeWork", "name": "Not stated"}
    return [terms | {"description": "The lab has not stated under which terms its data may be used."}]


def _action(
    software: list[dict[str, Any]], inputs: list[dict[str, Any]], outputs: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "@id": "#run",
        "@type": "CreateAction",
        "name": "Run of cartrace",
        "description": "All files were made from the inputs by one run; run.yaml has its settings.",
        "instrument": _references(software),
        "object": _references(inputs),
        "result": _references(outputs),
    }


def _software(identifier: str, name: str, version: str) -> dict[str, Any]:
    return {"@id": identifier, "@type": "SoftwareApplication", "name": name, "version": version}


def _input(row: Mapping[Any, Any]) -> dict[str, Any]:
    name = f"{row['cohort']}/{row['file']}"
    identifier = f"#input/{quote(row['cohort'])}/{quote(row['file'])}"
    return {"@id": identifier, "@type": "CreativeWork", "name": name, "sha256": row["sha256"]}


def last_day(study: Study) -> str:
    """Return the day of the last measurement of the study, ``YYYY-MM-DD``."""
    stamps = [stamp[:10] for stamp in study.uptake["measured_at"] if stamp]
    stamps += [stamp[:10] for stamp in study.doses["injected_at"] if stamp]
    return max(stamps, default="1980-01-01")


def _file(path: str, content: bytes) -> dict[str, Any]:
    return {
        "@id": quote(path),
        "@type": "File",
        "name": path,
        "encodingFormat": FORMATS.get(path.rsplit(".", 1)[-1], "application/octet-stream"),
        "contentSize": str(len(content)),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _references(items: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [{"@id": item["@id"]} for item in items]
