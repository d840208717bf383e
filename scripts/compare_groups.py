"""Stage 6: summarise every endpoint per group, compare the groups, and hold PET against the counter."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cartrace import job, tables
from cartrace.agreement import agree
from cartrace.comparison import compare, summarise
from cartrace.endpoints import collect
from cartrace.pet_quantity import counted_uptake
from cartrace.readout_days import of_groups


def main(
    *,
    uptake: Sequence[str],
    ratios: Sequence[str],
    cells: Sequence[str],
    estimates: Sequence[str],
    selection: str,
    animals: Sequence[str],
    readouts: Sequence[str],
    exclusions: Sequence[str],
    endpoints: str,
    summaries: str,
    comparisons: str,
    agreement: str,
    groups: Sequence[Mapping[str, Any]],
    region: str,
    recovery: Sequence[Mapping[str, Any]],
    pet_quantity: str,
    primary: Mapping[str, Any],
    secondary: Sequence[Mapping[str, Any]],
    adjustment: str,
    exploratory_adjustment: str,
    confidence: float,
    seed: int,
) -> None:
    """Read the study's values of every kind; write endpoints, summaries, comparisons and agreement."""
    mice, decisions = _read_all(animals, tables.Animals), _read_all(exclusions, tables.Exclusions)
    values = collect(
        counted_uptake(_read_all(uptake, tables.Uptake), quantity=pet_quantity, recovery=recovery),
        _read_all(cells, tables.Cells),
        _read_all(estimates, tables.Estimates),
        tables.read(selection, tables.Selection),
        region=region,
        ratios=_read_all(ratios, tables.Ratios),
        readouts=of_groups(_read_all(readouts, tables.Readouts), mice, decisions),
    )
    compared = compare(
        values,
        groups=groups,
        primary=primary,
        secondary=secondary,
        adjustment=adjustment,
        exploratory_adjustment=exploratory_adjustment,
        confidence=confidence,
        seed=seed,
    )
    tables.write(values, endpoints, tables.Endpoints)
    tables.write(summarise(values, confidence=confidence), summaries, tables.Summaries)
    tables.write(compared, comparisons, tables.Comparisons)
    tables.write(agree(values, confidence=confidence), agreement, tables.Agreement)


def _read_all(paths: Sequence[str], table: type[tables.Table]) -> pd.DataFrame:
    return pd.concat([tables.read(path, table) for path in paths], ignore_index=True)


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
