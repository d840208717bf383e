"""Build the report of the study: one HTML page, its methods, its record, and its tables as CSV and as one workbook."""

import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from cartrace import acknowledged, job, tables
from cartrace.report import page, sections
from cartrace.report.blocks import Picture
from cartrace.report.inline import inline_svg
from cartrace.report.methods import methods_text
from cartrace.report.provenance import run_record, run_yaml
from cartrace.report.study import Study
from cartrace.report.workbook import workbook

SOFTWARE = ("snakemake", "numpy", "scipy", "pandas", "matplotlib", "jinja2", "openpyxl", "pyyaml")

# Name of a table in tables/ and in the workbook, the rule's input key, and the contract.
TABLES: tuple[tuple[str, str, type[tables.Table]], ...] = (
    ("animals", "animals", tables.Animals),
    ("doses", "dose_activity", tables.DoseActivity),
    ("tubes", "tube_activity", tables.TubeActivity),
    ("uptake", "uptake", tables.Uptake),
    ("ratios", "ratios", tables.Ratios),
    ("cells", "cells", tables.Cells),
    ("calibration_lines", "calibration_lines", tables.CalibrationLines),
    ("estimates", "estimates", tables.Estimates),
    ("fits", "fits", tables.Fits),
    ("selection", "selection", tables.Selection),
    ("endpoints", "endpoints", tables.Endpoints),
    ("summaries", "summaries", tables.Summaries),
    ("comparisons", "comparisons", tables.Comparisons),
    ("agreement", "agreement", tables.Agreement),
    ("quality", "quality", tables.Quality),
    ("exclusions", "exclusions", tables.Exclusions),
    ("overrides", "overrides", tables.Overrides),
    ("import", "imported", tables.Import),
)


def joined(paths: str | Sequence[str], table: type[tables.Table]) -> pd.DataFrame:
    """Return the tables of all cohorts or models as one, sorted by key."""
    several = [paths] if isinstance(paths, str) else paths
    frame = pd.concat([tables.read(path, table) for path in several], ignore_index=True)
    return frame.sort_values(list(table.key), kind="stable", ignore_index=True)


def pictures(figures: Sequence[str], captions: str) -> dict[str, Picture]:
    """Return the drawn figures with their words, ready for the page."""
    words = json.loads(Path(captions).read_text(encoding="utf-8"))
    found = {}
    for path in figures:
        name = Path(path).stem
        svg = inline_svg(Path(path).read_text(encoding="utf-8"), name=name, alt=words[name]["alt"])
        found[name] = Picture(name, svg=svg, **words[name])
    return found


def main(
    *,
    animals: Sequence[str],
    doses: Sequence[str],
    scans: Sequence[str],
    exclusions: Sequence[str],
    overrides: Sequence[str],
    imported: Sequence[str],
    tube_activity: Sequence[str],
    dose_activity: Sequence[str],
    uptake: Sequence[str],
    ratios: Sequence[str],
    quality: Sequence[str],
    cells: Sequence[str],
    calibration_lines: Sequence[str],
    cells_quality: Sequence[str],
    estimates: Sequence[str],
    fits: Sequence[str],
    selection: str,
    endpoints: str,
    summaries: str,
    comparisons: str,
    agreement: str,
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
) -> None:
    """Read the tables of all stages and write everything that a reader takes away."""
    judged = joined([*quality, *cells_quality], tables.Quality)
    if settings["study"]["status"] == "final":
        acknowledged.require(judged, settings["quality"]["acknowledged"])
    study = Study(
        animals=joined(animals, tables.Animals),
        doses=joined(doses, tables.Doses),
        scans=joined(scans, tables.Scans),
        exclusions=joined(exclusions, tables.Exclusions),
        overrides=joined(overrides, tables.Overrides),
        imported=joined(imported, tables.Import),
        tube_activity=joined(tube_activity, tables.TubeActivity),
        dose_activity=joined(dose_activity, tables.DoseActivity),
        uptake=joined(uptake, tables.Uptake),
        ratios=joined(ratios, tables.Ratios),
        quality=judged,
        cells=joined(cells, tables.Cells),
        calibration_lines=joined(calibration_lines, tables.CalibrationLines),
        estimates=joined(estimates, tables.Estimates),
        fits=joined(fits, tables.Fits),
        selection=joined(selection, tables.Selection),
        endpoints=joined(endpoints, tables.Endpoints),
        summaries=joined(summaries, tables.Summaries),
        comparisons=joined(comparisons, tables.Comparisons),
        agreement=joined(agreement, tables.Agreement),
        settings=settings,
        pictures=pictures(figures, captions),
    )
    versions = {"python": platform.python_version(), **{name: version(name) for name in SOFTWARE}}
    frames = {name: (getattr(study, key), contract) for name, key, contract in TABLES}
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
