"""Stage 6: hold the declared comparisons against cohorts, assumptions and other choices; plan the next cohort."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cartrace import job, tables
from cartrace.diagnostics import diagnose
from cartrace.forest import forest as by_cohort
from cartrace.next_cohort import next_cohort
from cartrace.overall import overall as over_groups
from cartrace.overall import paired as within_mice
from cartrace.planning.next_cohort import with_simulated_power
from cartrace.repeated import repeated as over_sessions
from cartrace.sensitivity import compared_otherwise
from cartrace.sensitivity import sensitivity as other_choices


def main(
    *,
    endpoints: str,
    comparisons: str,
    alternatives: str,
    estimates: Sequence[str],
    fits: Sequence[str],
    selection: str,
    cells: Sequence[str],
    animals: Sequence[str],
    overall: str,
    paired: str,
    repeated: str,
    forest: str,
    diagnostics: str,
    sensitivity: str,
    power: str,
    groups: Sequence[Mapping[str, Any]],
    primary: Mapping[str, Any],
    secondary: Sequence[Mapping[str, Any]],
    adjustment: str,
    exploratory_adjustment: str,
    confidence: float,
    next_cohort_effects: Sequence[float],
    windows: Mapping[str, Sequence[float]],
    expansion: Mapping[str, Any],
    seed: int,
) -> None:
    """Read the study's endpoints and comparisons; write what stands beside them."""
    values, compared = tables.read(endpoints, tables.Endpoints), tables.read(comparisons, tables.Comparisons)
    cohorts = by_cohort(values, compared, confidence=confidence)
    checks = diagnose(values, compared, _read_all(animals, tables.Animals), confidence=confidence)
    every_model = _read_all(estimates, tables.Estimates)
    decided: dict[str, Any] = {"groups": groups, "primary": primary, "secondary": secondary, "adjustment": adjustment}
    decided |= {"exploratory_adjustment": exploratory_adjustment, "confidence": confidence, "seed": seed}
    otherwise = compared_otherwise(tables.read(alternatives, tables.Alternatives), **decided)
    sessions = within_mice(values, secondary=secondary, adjustment=adjustment, confidence=confidence)
    choices = other_choices(
        values, compared, sessions, cohorts, checks, every_model, otherwise, confidence=confidence, seed=seed
    )
    planned = next_cohort(values, compared, effects=next_cohort_effects, confidence=confidence)
    planned = with_simulated_power(
        planned,
        _read_all(cells, tables.Cells),
        every_model,
        _read_all(fits, tables.Fits),
        tables.read(selection, tables.Selection),
        groups=groups,
        primary=primary,
        windows=windows,
        expansion=expansion,
        confidence=confidence,
        seed=seed,
    )
    tables.write(over_groups(values, compared, groups=groups), overall, tables.Overall)
    tables.write(sessions, paired, tables.Paired)
    tables.write(
        over_sessions(values, groups=groups, confidence=confidence, secondary=secondary), repeated, tables.Repeated
    )
    tables.write(cohorts, forest, tables.Forest)
    tables.write(checks, diagnostics, tables.Diagnostics)
    tables.write(choices, sensitivity, tables.Sensitivity)
    tables.write(planned, power, tables.Power)


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
