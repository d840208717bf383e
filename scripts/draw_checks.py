"""Draw the figures of what stands beside the comparison as SVG, PDF and PNG, and write their captions."""

from collections.abc import Sequence
from pathlib import Path

from cartrace import job, tables
from cartrace.figures import CHECKS, rendering
from cartrace.figures.data import Checks
from cartrace.figures.style import preset


def main(
    *,
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
    journal: str,
) -> None:
    """Draw the figures named in `figures`, in that order, into the files of each format, with their data."""
    checks = Checks(
        forest=tables.read(forest, tables.Forest),
        sensitivity=tables.read(sensitivity, tables.Sensitivity),
        power=tables.read(power, tables.Power),
    )
    style = preset(Path(journals).read_text(encoding="utf-8").splitlines(), journal)
    draw = {plot.name: plot.draw for plot in CHECKS}
    files = {"svg": svg, "pdf": pdf, "png": png, "xlsx": source_data}
    rendering.write(draw, checks, style, figures, files=files, captions=captions, cores=1)


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
