"""Stage 4: what the study's strategy asks of the uptake beside growth: labelled cells, or specific uptake."""

from collections.abc import Mapping, Sequence
from typing import Any

from cartrace import job, tables
from cartrace.strategies import of_strategy


def main(
    *,
    uptake: str,
    ratios: str,
    dose_activity: str,
    labelled_cells: str,
    specific_uptake: str,
    strategy: str,
    groups: Sequence[Mapping[str, str]],
    label: Mapping[str, float | None],
    recovery: Sequence[Mapping[str, Any]],
    pet_quantity: str,
    confidence: float,
) -> None:
    """Read the uptake, ratios and doses of a cohort, write its labelled cells and specific uptake."""
    labelled, specific = of_strategy(
        strategy,
        tables.read(uptake, tables.Uptake),
        tables.read(ratios, tables.Ratios),
        tables.read(dose_activity, tables.DoseActivity),
        groups=groups,
        label=label,
        recovery=recovery,
        pet_quantity=pet_quantity,
        confidence=confidence,
    )
    tables.write(labelled, labelled_cells, tables.LabelledCells)
    tables.write(specific, specific_uptake, tables.SpecificUptake)


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
