"""Draw every figure of the study as SVG, PDF and PNG, and write the captions that belong to them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cartrace import job, tables
from cartrace.figures import PLOTS
from cartrace.figures.data import Study
from cartrace.figures.marks import collect_tags
from cartrace.figures.style import context, groups_of, preset, settle
from cartrace.pet_quantity import counted_uptake
from cartrace.report.workbook import plain_workbook

# No date in any file, so that two runs give the same bytes.
METADATA: dict[str, dict[str, str | None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}


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
    forest: str,
    sensitivity: str,
    power: str,
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
        forest=tables.read(forest, tables.Forest),
        sensitivity=tables.read(sensitivity, tables.Sensitivity),
        power=tables.read(power, tables.Power),
        groups=groups_of(groups),
        region=region,
        kind=kind,
        label=label,
        confidence=confidence,
        fit_confidence=fit_confidence,
    )
    style = preset(Path(journals).read_text(encoding="utf-8").splitlines(), journal)
    draw = {plot.name: plot.draw for plot in PLOTS}

    def drawn(number: int) -> dict[str, Any]:
        with context(style):
            drawing = draw[figures[number]](study, style)
            settle(drawing.figure)
            tags = collect_tags(drawing.figure)
            for path in (svg[number], pdf[number], png[number]):
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                suffix = Path(path).suffix[1:]
                drawing.figure.savefig(path, format=suffix, metadata=METADATA[suffix])
        shown = drawing.source or {"empty": pd.DataFrame({"why": [drawing.alt]})}
        Path(source_data[number]).parent.mkdir(parents=True, exist_ok=True)
        Path(source_data[number]).write_bytes(plain_workbook(shown))
        words = {"title": drawing.title, "caption": drawing.caption, "alt": drawing.alt}
        return words | {"is_empty": not drawing.source, "tags": tags}

    words = dict(zip(figures, job.spread(drawn, figures, "drawing", cores=cores), strict=True))
    Path(captions).write_text(json.dumps(words, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"} | {"cores": snakemake.threads},
    )
