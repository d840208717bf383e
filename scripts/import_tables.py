"""Read a cohort's sheets and exports, refuse what cannot be true, and write tables in canonical names and units."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cartrace import intake, job, tables, vocabulary
from cartrace.radionuclides import read as read_nuclides
from cartrace.tables import (
    Animals,
    Calibration,
    Counts,
    Doses,
    Exclusions,
    Import,
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
) -> None:
    """Import one cohort; write nothing where anything is wrong."""
    study = intake.Study(
        cohort=cohort,
        timezone=timezone,
        date_format=date_format,
        residual_missing=residual_missing,
        groups=groups,
        tracers=tracers,
        counter=counter,
        pet=pet,
        vocabulary=vocabulary.read(tissues, regions),
        nuclides=read_nuclides(radionuclides),
    )
    root = Path(folder)
    sheets, exports = ([paths] if isinstance(paths, str) else paths for paths in (sheets, exports))
    files = {Path(path).name: Path(path).read_bytes() for path in sheets}
    exported = [Path(path).relative_to(root).as_posix() for path in exports]
    found = intake.read(study, files, exported, lambda name: (root / name).read_bytes())
    paths = [animals, doses, tubes, counts, scans, rois, calibration, readouts, exclusions, imported, quality]
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
