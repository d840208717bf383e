"""Build the report of the study: one HTML page, its methods, its record, and its tables as CSV and as one workbook."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from cartrace import acknowledged, job, tables
from cartrace.report import page, sections
from cartrace.report.blocks import Picture
from cartrace.report.guides import GUIDES
from cartrace.report.inline import inline_svg
from cartrace.report.methods import methods_text
from cartrace.report.provenance import run_record, run_yaml
from cartrace.report.sources import DERIVED, SOURCES
from cartrace.report.study import Study
from cartrace.report.workbook import workbook

SOFTWARE = ("snakemake", "numpy", "scipy", "pandas", "matplotlib", "jinja2", "openpyxl", "python-docx", "pyyaml")


def joined(paths: str | Sequence[str], table: type[tables.Table]) -> pd.DataFrame:
    """Return the tables of all cohorts or models as one, sorted by key."""
    several = [paths] if isinstance(paths, str) else paths
    frame = pd.concat([tables.read(path, table) for path in several], ignore_index=True)
    return frame.sort_values(list(table.key), kind="stable", ignore_index=True)


def pictures(study: Study, figures: Sequence[str], captions: str) -> dict[str, Picture]:
    """Return the drawn figures that show something with their words, ready for the page."""
    words = json.loads(Path(captions).read_text(encoding="utf-8"))
    numbers = {key: mouse.number for key, mouse in study.mice.items()}
    found = {}
    for path in figures:
        name = Path(path).stem
        said = words[name]
        if said["is_empty"]:
            continue
        svg = inline_svg(
            Path(path).read_text(encoding="utf-8"),
            name=name,
            alt=said["alt"],
            tags=said["tags"],
            mice=numbers,
            groups=list(study.labels),
        )
        found[name] = Picture(name, said["title"], said["caption"], said["alt"], svg, GUIDES.get(name, ""))
    return found


def main(
    *,
    figures: Sequence[str],
    captions: str,
    template: str,
    style: str,
    script: str,
    methods_template: str,
    html: str,
    methods: str,
    run: str,
    workbook_file: str,
    tables_folder: str,
    settings: Mapping[str, Any],
    assumptions: Sequence[Sequence[str]],
    digests: Mapping[str, str],
    cells_quality: Sequence[str],
    **paths: str | Sequence[str],
) -> None:
    """Read the tables of all stages (`paths`, by key) and write everything that a reader takes away."""
    paths["quality"] = [*paths["quality"], *cells_quality]
    read = {one.key: joined(paths[one.key], one.contract) for one in SOURCES if one.key not in DERIVED}
    if settings["study"]["status"] == "final":
        acknowledged.require(read["quality"], settings["quality"]["acknowledged"])
    bare = Study(**read, settings=settings, pictures={})
    study = replace(bare, pictures=pictures(bare, figures, captions))
    versions = {"python": platform.python_version(), **{name: version(name) for name in SOFTWARE}}
    frames = {one.name: (getattr(study, one.key), one.contract) for one in SOURCES}
    for name, (frame, contract) in frames.items():
        tables.write(frame, Path(tables_folder) / f"{name}.csv", contract)
    Path(workbook_file).write_bytes(workbook(frames))
    record = run_yaml(run_record(study, versions=versions, digests=digests))
    template_text = Path(methods_template).read_text(encoding="utf-8")
    text = methods_text(study, template_text, versions=versions, assumptions=assumptions)
    parts = sections(study, methods=text, run=record)
    files = {
        name: Path(path).read_text(encoding="utf-8")
        for name, path in (("template", template), ("style", style), ("script", script))
    }
    Path(run).write_text(record, encoding="utf-8")
    Path(methods).write_text(text, encoding="utf-8")
    Path(html).write_text(page(study, parts, **files), encoding="utf-8")


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
