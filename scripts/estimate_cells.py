"""Estimate the signal of the cells in the followed region, and their number where a calibration is in use."""

from collections.abc import Mapping, Sequence

import pandas as pd

from cartrace import job, tables
from cartrace.cells import borrowed_rows, signal_rows, subtract_background
from cartrace.cells_quality import quality_rows
from cartrace.cohort_stages import cells_of_cohort


def main(
    *,
    uptake: str,
    other_uptake: Sequence[str],
    calibration: str,
    cells: str,
    calibration_lines: str,
    quality: str,
    cohort: str,
    groups: Sequence[Mapping[str, str]],
    modality: str,
    region: str,
    kind: str,
    confidence: float,
) -> None:
    """Read the uptake and the calibration of a cohort, write its cells, calibration lines and checks."""
    uptakes = tables.read(uptake, tables.Uptake)
    samples = tables.read(calibration, tables.Calibration)
    roles = {group["name"]: group["role"] for group in groups}
    rows = signal_rows(uptakes, region=region, modality=modality, roles=roles)
    others = [
        signal_rows(tables.read(path, tables.Uptake), region=region, modality=modality, roles=roles)
        for path in other_uptake
    ]
    borrowed = borrowed_rows(rows, pd.concat(others), cohort=cohort) if others else rows.iloc[:0]
    rows = subtract_background(rows, borrowed)
    found, line_rows = cells_of_cohort(rows, samples, cohort=cohort, kind=kind, confidence=confidence)
    tables.write(found[tables.Cells.names()], cells, tables.Cells)
    tables.write(
        pd.DataFrame(line_rows, columns=tables.CalibrationLines.names()), calibration_lines, tables.CalibrationLines
    )
    known = sorted(uptakes.loc[uptakes["modality"] == modality, "region"].unique())
    checks = quality_rows(
        found,
        line_rows,
        cohort=cohort,
        region=region,
        modality=modality,
        known=known,
        is_borrowed=not borrowed.empty,
    )
    tables.write(pd.DataFrame(checks, columns=tables.Quality.names()), quality, tables.Quality)


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
