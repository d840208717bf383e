"""Activity over dose and mass becomes uptake, with its uncertainty; the checks of quality."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cartrace import job, tables
from cartrace.checks import Measured
from cartrace.partial_volume import with_recovery
from cartrace.pet_detection import with_pet_limits
from cartrace.quality import judge
from cartrace.ratios import ratios as ratios_of
from cartrace.regions import pet_uptake
from cartrace.rows import TUBE, attach
from cartrace.tissues import counter_uptake
from cartrace.uptake import of_animals


def main(
    *,
    animals: str,
    tubes: str,
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
    reference_regions: Sequence[str],
    uncertainty: Mapping[str, float],
    thresholds: Mapping[str, float],
) -> None:
    """Write the tables of stage 3 of one cohort; the arguments are the rule's paths and settings."""
    sheet = tables.read(tubes, tables.Tubes)
    counted = attach(
        tables.read(tube_activity, tables.TubeActivity), sheet[[*TUBE, "tare_g", "gross_g", "collected_at"]], TUBE
    )
    doses = tables.read(dose_activity, tables.DoseActivity)
    rois = tables.read(roi_activity, tables.RoiActivity)
    both = pd.concat(
        [
            counter_uptake(counted, doses, balance_g=uncertainty["balance_g"]),
            pet_uptake(rois, doses, regions=regions),
        ],
        ignore_index=True,
    )
    found = of_animals(both, tables.read(animals, tables.Animals))
    found = with_pet_limits(found, groups=groups, noise_region=noise_region)
    found = with_recovery(found, regions=regions, recovery=recovery)
    related = ratios_of(found, reference_regions=reference_regions)
    measured = Measured(counted, doses, rois, found, balance_g=uncertainty["balance_g"])
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
