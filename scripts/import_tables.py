"""Read a cohort's sheets and exports, refuse what cannot be true, and write tables in canonical names and units."""

from collections.abc import Mapping, Sequence
from typing import Any

from cartrace import folder as folders
from cartrace import job, tables
from cartrace.tables import (
    Animals,
    Calibration,
    Counts,
    Doses,
    Exclusions,
    Import,
    Overrides,
    Quality,
    Readouts,
    Rois,
    Scans,
    Table,
    Tubes,
)

TABLES: dict[str, type[Table]] = {
    "animals": Animals,
    "doses": Doses,
    "tubes": Tubes,
    "counts": Counts,
    "scans": Scans,
    "rois": Rois,
    "calibration": Calibration,
    "readouts": Readouts,
    "exclusions": Exclusions,
    "overrides": Overrides,
    "import": Import,
    "quality": Quality,
}


def main(
    *,
    sheets: Sequence[str],
    exports: Sequence[str],
    tissues: str,
    radionuclides: str,
    animals: str,
    doses: str,
    tubes: str,
    counts: str,
    scans: str,
    rois: str,
    calibration: str,
    readouts: str,
    exclusions: str,
    overrides: str,
    imported: str,
    quality: str,
    cohort: str,
    folder: str,
    timezone: str,
    date_format: str,
    groups: Sequence[str],
    tracers: Sequence[Mapping[str, str]],
    regions: Sequence[Mapping[str, Any]],
    counter: Mapping[str, Any],
    pet: Mapping[str, Any],
    residual_missing: str,
    readout_time_of_day: str,
) -> None:
    """Import one cohort; write nothing where anything is wrong."""
    found = folders.read(
        sheets=sheets,
        exports=exports,
        folder=folder,
        tissues=tissues,
        radionuclides=radionuclides,
        regions=regions,
        cohort=cohort,
        timezone=timezone,
        date_format=date_format,
        residual_missing=residual_missing,
        readout_time_of_day=readout_time_of_day,
        groups=groups,
        tracers=tracers,
        counter=counter,
        pet=pet,
    )
    paths = [
        animals,
        doses,
        tubes,
        counts,
        scans,
        rois,
        calibration,
        readouts,
        exclusions,
        overrides,
        imported,
        quality,
    ]
    for (name, table), path in zip(TABLES.items(), paths, strict=True):
        tables.write(found[name], path, table)


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
