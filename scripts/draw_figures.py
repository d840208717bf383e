"""Draw the figures of what was measured, fitted and compared as SVG, PDF and PNG, and write their captions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cartrace import job, tables
from cartrace.figures import PLOTS, rendering
from cartrace.figures.data import Study
from cartrace.figures.style import groups_of, preset
from cartrace.pet_quantity import counted_uptake


def joined(paths: Sequence[str], table: type[tables.Table]) -> pd.DataFrame:
    """Return the tables of all cohorts or models as one."""
    return pd.concat([tables.read(path, table) for path in paths], ignore_index=True)


def main(
    *,
    uptake: Sequence[str],
    ratios: Sequence[str],
    cells: Sequence[str],
    calibration: Sequence[str],
    calibration_lines: Sequence[str],
    estimates: Sequence[str],
    curves: Sequence[str],
    selection: str,
    endpoints: str,
    summaries: str,
    comparisons: str,
    agreement: str,
    animals: Sequence[str],
    readouts: Sequence[str],
    tube_activity: Sequence[str],
    dose_activity: Sequence[str],
    journals: str,
    svg: Sequence[str],
    pdf: Sequence[str],
    png: Sequence[str],
    source_data: Sequence[str],
    captions: str,
    figures: Sequence[str],
    groups: Sequence[Mapping[str, Any]],
    region: str,
    recovery: Sequence[Mapping[str, Any]],
    pet_quantity: str,
    kind: str,
    journal: str,
    label: str,
    confidence: float,
    fit_confidence: float,
    cores: int = 1,
) -> None:
    """Draw the figures named in `figures`, in that order, into the files of each format, with their data."""
    study = Study(
        uptake=counted_uptake(joined(uptake, tables.Uptake), quantity=pet_quantity, recovery=recovery),
        ratios=joined(ratios, tables.Ratios),
        cells=joined(cells, tables.Cells),
        calibration=joined(calibration, tables.Calibration),
        calibration_lines=joined(calibration_lines, tables.CalibrationLines),
        estimates=joined(estimates, tables.Estimates),
        curves=joined(curves, tables.Curves),
        selection=tables.read(selection, tables.Selection),
        endpoints=tables.read(endpoints, tables.Endpoints),
        summaries=tables.read(summaries, tables.Summaries),
        comparisons=tables.read(comparisons, tables.Comparisons),
        agreement=tables.read(agreement, tables.Agreement),
        animals=joined(animals, tables.Animals),
        readouts=joined(readouts, tables.Readouts),
        tube_activity=joined(tube_activity, tables.TubeActivity),
        dose_activity=joined(dose_activity, tables.DoseActivity),
        groups=groups_of(groups),
        region=region,
        kind=kind,
        label=label,
        confidence=confidence,
        fit_confidence=fit_confidence,
    )
    style = preset(Path(journals).read_text(encoding="utf-8").splitlines(), journal)
    draw = {plot.name: plot.draw for plot in PLOTS}
    files = {"svg": svg, "pdf": pdf, "png": png, "xlsx": source_data}
    rendering.write(draw, study, style, figures, files=files, captions=captions, cores=cores)


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"} | {"cores": snakemake.threads},
    )
