"""Fit one model of expansion to all mice of the study, with and without what was excluded."""

from collections.abc import Sequence

import pandas as pd

from cartrace import job, tables
from cartrace.estimates import animal_estimates, group_estimates
from cartrace.estimates import curves as curve_rows
from cartrace.expansion import Scatter, fit_rows, fit_study, mice_of
from cartrace.quantities import quantities


def main(
    *,
    cells: Sequence[str],
    estimates: str,
    curves: str,
    fits: str,
    model: str,
    strategy: str,
    compared: Sequence[str],
    window_days: Sequence[float],
    auc_days: Sequence[float],
    confidence: float,
    interval: str,
    error_model: str,
    use_measurement_se: bool,
) -> None:
    """Read the cells of all cohorts, write the estimates, curves and fits of one model."""
    measured = pd.concat([tables.read(path, tables.Cells) for path in cells], ignore_index=True)
    mice = mice_of(measured)
    scatter = Scatter(error_model, use_measurement_se)
    found: dict[str, list[pd.DataFrame]] = {"estimates": [], "curves": [], "fits": []}
    for analysis in ("all", "without_excluded"):
        study = fit_study(
            measured,
            mice,
            model=model,
            analysis=analysis,
            strategy=strategy,
            window_days=window_days,
            scatter=scatter,
        )
        animals = animal_estimates(study, quantities(study, auc_days), confidence=confidence, interval=interval)
        found["estimates"] += [animals, group_estimates(animals, confidence=confidence)]
        found["curves"].append(curve_rows(study, animals, confidence=confidence))
        found["fits"].append(fit_rows(study, compared))
    tables.write(pd.concat(found["estimates"], ignore_index=True), estimates, tables.Estimates)
    tables.write(pd.concat(found["curves"], ignore_index=True), curves, tables.Curves)
    tables.write(pd.concat(found["fits"], ignore_index=True), fits, tables.Fits)


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
