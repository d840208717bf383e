"""Stage 6: areas, half-lives and residence of tissues from mice dissected at several times."""

from collections.abc import Sequence

import pandas as pd

from cartrace import job, tables
from cartrace.sacrifices import destructive_rows


def main(
    *,
    uptake: Sequence[str],
    dose_activity: Sequence[str],
    destructive: str,
    reference_regions: Sequence[str],
    tail: str,
    human_weight_kg: float | None,
    confidence: float,
) -> None:
    """Read uptake and doses of all cohorts, write the table of destructive designs."""
    measured = pd.concat([tables.read(path, tables.Uptake) for path in uptake], ignore_index=True)
    doses = pd.concat([tables.read(path, tables.DoseActivity) for path in dose_activity], ignore_index=True)
    found = [
        destructive_rows(
            measured,
            doses,
            analysis=analysis,
            reference_regions=reference_regions,
            tail=tail,
            human_weight_kg=human_weight_kg,
            confidence=confidence,
        )
        for analysis in ("all", "without_excluded")
    ]
    tables.write(pd.concat(found, ignore_index=True), destructive, tables.Destructive)


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
