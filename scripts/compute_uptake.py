"""Activity over dose and mass becomes uptake, with its uncertainty; the checks of quality."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cartrace import job, tables
from cartrace.cohort_stages import uptake_of_cohort, weighed
from cartrace.measured import Measured
from cartrace.quality import judge


def main(
    *,
    animals: str,
    doses: str,
    tubes: str,
    scans: str,
    tube_activity: str,
    dose_activity: str,
    roi_activity: str,
    import_quality: str,
    uptake: str,
    ratios: str,
    quality: str,
    groups: Sequence[Mapping[str, Any]],
    regions: Sequence[Mapping[str, Any]],
    recovery: Sequence[Mapping[str, Any]],
    noise_region: str,
    pet_quantity: str,
    reference_regions: Sequence[str],
    uncertainty: Mapping[str, float],
    thresholds: Mapping[str, float],
) -> None:
    """Write the tables of stage 3 of one cohort; the arguments are the rule's paths and settings."""
    counted = weighed(tables.read(tube_activity, tables.TubeActivity), tables.read(tubes, tables.Tubes))
    given = tables.read(dose_activity, tables.DoseActivity)
    rois = tables.read(roi_activity, tables.RoiActivity)
    found, related = uptake_of_cohort(
        counted,
        given,
        rois,
        tables.read(animals, tables.Animals),
        groups=groups,
        regions=regions,
        recovery=recovery,
        noise_region=noise_region,
        reference_regions=reference_regions,
        uncertainty=uncertainty,
        outlier_mads=thresholds["outlier_warn_mads"],
        pet_quantity=pet_quantity,
    )
    measured = Measured(
        counted,
        given,
        rois,
        found,
        balance_g=uncertainty["balance_g"],
        planned_kbq=thresholds["planned_dose_kbq"],
        scans=tables.read(scans, tables.Scans),
        sheet_of_doses=tables.read(doses, tables.Doses),
    )
    judged = judge(measured, thresholds)

    tables.write(found[tables.Uptake.names()], uptake, tables.Uptake)
    tables.write(related[tables.Ratios.names()], ratios, tables.Ratios)
    imported = tables.read(import_quality, tables.Quality)
    tables.write(pd.concat([imported, judged], ignore_index=True), quality, tables.Quality)


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
