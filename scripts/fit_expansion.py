"""Fit one model of expansion to all mice of the study, with and without what was excluded."""

from collections.abc import Mapping, Sequence

import pandas as pd

from cartrace import job, tables
from cartrace.bands import curves as curve_rows
from cartrace.estimates import animal_estimates, group_estimates
from cartrace.expansion import fit_rows, fit_study
from cartrace.expansion_points import Scatter, mice_of
from cartrace.growth import BY_NAME, Model
from cartrace.population.groups import Settings, group_level
from cartrace.progress import steps
from cartrace.quantities import quantities

_RANK = {"background": 0, "control": 1, "test": 2}


def main(
    *,
    cells: Sequence[str],
    own_models: Sequence[str],
    estimates: str,
    curves: str,
    fits: str,
    population: str,
    model: str,
    own_names: Sequence[str],
    strategy: str,
    compared: Sequence[str],
    window_days: Sequence[float],
    auc_days: Sequence[float],
    confidence: float,
    interval: str,
    error_model: str,
    use_measurement_se: bool,
    groups: Sequence[Mapping[str, str]],
    population_method: str,
    population_p: str,
    population_simulations: int,
    seed: int,
) -> None:
    """Read the cells of all cohorts, write the estimates, curves, fits and population of one model."""
    measured = pd.concat([tables.read(path, tables.Cells) for path in cells], ignore_index=True)
    own = read_own(own_models, own_names, window_days, error_model)
    kind = {**BY_NAME, **own}[model]
    mice = mice_of(measured)
    scatter = Scatter(error_model, use_measurement_se)
    order = [group["name"] for group in sorted(groups, key=lambda group: _RANK[group["role"]])]
    settings = Settings(population_method, population_p, population_simulations, seed)
    found: dict[str, list[pd.DataFrame]] = {"estimates": [], "curves": [], "fits": [], "population": []}
    limits: dict[bytes, tuple[float, float]] = {}
    for analysis in steps(("all", "without_excluded"), f"fitting {model}, analysis"):
        if analysis != "all" and not measured["excluded"].any():
            for rows in found.values():
                rows += [frame.assign(analysis=analysis) for frame in rows]
            continue
        study = fit_study(
            measured,
            mice,
            model=kind,
            analysis=analysis,
            strategy=strategy,
            window_days=window_days,
            scatter=scatter,
        )
        animals = animal_estimates(
            study, quantities(study, auc_days), confidence=confidence, interval=interval, known=limits
        )
        found["estimates"] += [animals]
        if not kind.is_for_groups:
            found["estimates"].append(group_estimates(animals, confidence=confidence))
        found["curves"].append(curve_rows(study, animals, confidence=confidence))
        found["fits"].append(fit_rows(study, compared, own))
        for name, rows in group_level(study, order, settings, auc_days=auc_days, confidence=confidence).items():
            found[name].append(rows)
    paths = {"estimates": estimates, "curves": curves, "fits": fits, "population": population}
    for name, contract in CONTRACTS.items():
        tables.write(pd.concat(found[name], ignore_index=True), paths[name], contract)


def read_own(paths: Sequence[str], names: Sequence[str], window_days: Sequence[float], error: str) -> dict[str, Model]:
    """Return the lab's own models by name; lmfit is imported where there are some."""
    if not paths:
        return {}
    from cartrace.own_models import own_model
    from cartrace.readers.own_model import read_own_model

    return {
        name: own_model(*read_own_model(path), name=name, path=path, window_days=window_days, error=error)
        for name, path in zip(names, [paths] if isinstance(paths, str) else paths, strict=True)
    }


CONTRACTS = {
    "estimates": tables.Estimates,
    "curves": tables.Curves,
    "fits": tables.Fits,
    "population": tables.PopulationTests,
}

if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
