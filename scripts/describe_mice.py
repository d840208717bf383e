"""Describe every mouse's expansion without a model, beside the fits."""

from collections.abc import Sequence

import pandas as pd

from cartrace import job, tables
from cartrace.noncompartmental import noncompartmental as describe


def main(*, cells: Sequence[str], noncompartmental: str, window_days: Sequence[float]) -> None:
    """Read the cells of all cohorts, write peak, area and terminal half-life of every mouse."""
    measured = pd.concat([tables.read(path, tables.Cells) for path in cells], ignore_index=True)
    tables.write(describe(measured, window_days=window_days), noncompartmental, tables.Noncompartmental)


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
