"""Stage 6: what the declared endpoints would be under every other choice upstream of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cartrace import job, tables
from cartrace.endpoints import KEY
from cartrace.growth import Model
from cartrace.plan import in_paired_families
from cartrace.radionuclides import read as read_nuclides
from cartrace.recompute import alternatives as under_other_choices

RAW: dict[str, type[tables.Table]] = {
    "animals": tables.Animals,
    "doses": tables.Doses,
    "tubes": tables.Tubes,
    "counts": tables.Counts,
    "scans": tables.Scans,
    "rois": tables.Rois,
    "calibration": tables.Calibration,
    "readouts": tables.Readouts,
    "exclusions": tables.Exclusions,
}


def main(
    *,
    animals: Sequence[str],
    doses: Sequence[str],
    tubes: Sequence[str],
    counts: Sequence[str],
    scans: Sequence[str],
    rois: Sequence[str],
    calibration: Sequence[str],
    readouts: Sequence[str],
    exclusions: Sequence[str],
    endpoints: str,
    comparisons: str,
    selection: str,
    radionuclides: str,
    own_models: Sequence[str],
    alternatives: str,
    settings: Mapping[str, Any],
    windows: Mapping[str, Sequence[float]],
    own_names: Sequence[str],
    secondary: Sequence[Mapping[str, Any]],
) -> None:
    """Read the tables of stage 1 of every cohort, write the declared endpoints under every other choice."""
    paths = (animals, doses, tubes, counts, scans, rois, calibration, readouts, exclusions)
    cohorts: list[dict[str, pd.DataFrame]] = [
        {name: tables.read(path, table) for (name, table), path in zip(RAW.items(), of_cohort, strict=True)}
        for of_cohort in zip(*paths, strict=True)
    ]
    compared, values = tables.read(comparisons, tables.Comparisons), tables.read(endpoints, tables.Endpoints)
    between, within = compared[compared["plan"] != "exploratory"], values[in_paired_families(values, secondary)]
    found = under_other_choices(
        cohorts,
        pd.concat([between[KEY], within[KEY]]),
        tables.read(selection, tables.Selection),
        read_nuclides(radionuclides),
        settings,
        windows,
        _own(own_models, own_names, windows, settings["expansion"]["error_model"]),
    )
    tables.write(found, alternatives, tables.Alternatives)


def _own(
    paths: Sequence[str], names: Sequence[str], windows: Mapping[str, Sequence[float]], error: str
) -> dict[str, Model]:
    """Return the lab's own models by name; lmfit is imported where there are some."""
    if not paths:
        return {}
    from cartrace.own_models import own_model
    from cartrace.readers.own_model import read_own_model

    return {
        name: own_model(*read_own_model(path), name=name, path=path, window_days=windows[name], error=error)
        for name, path in zip(names, [paths] if isinstance(paths, str) else paths, strict=True)
    }


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
