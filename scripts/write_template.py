"""Write the folder of a new cohort: an empty workbook, the same sheets as CSV, and the folders of the exports."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cartrace import job, template, vocabulary
from cartrace.errors import InputError, Problem

EXPORTS = ("counter", "pet", "readouts")


def main(
    *,
    tissues: str,
    cohort: str,
    folder: str,
    groups: Sequence[str],
    tracers: Sequence[str],
    regions: Sequence[Mapping[str, Any]],
) -> None:
    """Write the folder of `cohort`; one that is there already is left alone."""
    if not cohort:
        remedy = "Call: snakemake --cores 1 template --config cohort=C03"
        problem = Problem("no-cohort-named", "no name for the new cohort was given", remedy)
        raise InputError([problem], consequence="Nothing was written.")
    home = Path(folder)
    if home.exists():
        remedy = "Give the new cohort another name, or move the folder away"
        why = "the folder is there already, and nothing in it was changed"
        raise InputError([Problem("folder-exists", why, remedy, file=folder)], consequence="Nothing was written.")
    known = vocabulary.read(tissues, regions)
    content = template.workbook(groups=groups, tracers=tracers, regions=sorted(known.regions))
    for name in (*EXPORTS, "csv"):
        (home / name).mkdir(parents=True)
    (home / "cohort.xlsx").write_bytes(content)
    for name, text in template.csv_files().items():
        (home / "csv" / name).write_bytes(text)
    print(
        f"\nWrote {folder}. Fill in cohort.xlsx (or use the sheets of csv/ in its place), put the exports into "
        f"{', '.join(f'{name}/' for name in EXPORTS)},\nadd  - {{name: {cohort}, path: {folder}}}  to 'cohorts' of the "
        "config, and run: snakemake --cores 1 check\n"
    )


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs={},
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
