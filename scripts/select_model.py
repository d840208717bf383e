"""Choose one model of expansion for the study, by AICc pooled over mice."""

from collections.abc import Sequence

import pandas as pd

from cartrace import job, tables
from cartrace.selection import select


def main(*, fits: Sequence[str], selection: str, not_compared: Sequence[str]) -> None:
    """Read the fits of all models, write which one the study uses."""
    fitted = pd.concat([tables.read(path, tables.Fits) for path in fits], ignore_index=True)
    tables.write(select(fitted, not_compared=not_compared), selection, tables.Selection)


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
