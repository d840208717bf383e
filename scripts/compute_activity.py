"""Gross counts become net rates at injection, regions become activities at injection, readings become the dose."""

from collections.abc import Mapping, Sequence
from typing import Any

from cartrace import job, tables
from cartrace.cohort_stages import activity_of_cohort
from cartrace.exclusions import check
from cartrace.radionuclides import of_tracers
from cartrace.radionuclides import read as read_nuclides


def main(
    *,
    animals: str,
    doses: str,
    tubes: str,
    counts: str,
    scans: str,
    rois: str,
    exclusions: str,
    radionuclides: str,
    tube_activity: str,
    dose_activity: str,
    roi_activity: str,
    tracers: Sequence[Mapping[str, Any]],
    half_lives: str,
    dose_route: str,
    dead_time_us: float,
    dead_time_model: str,
    background_cps: float | None,
    background_drift_p: float,
    uncertainty: Mapping[str, float],
) -> None:
    """Write the tables of stage 2 of one cohort; the arguments are the rule's paths and settings."""
    mice = tables.read(animals, tables.Animals)
    injections = tables.read(doses, tables.Doses)
    sheet = tables.read(tubes, tables.Tubes)
    imaged = tables.read(scans, tables.Scans)
    drawn = tables.read(rois, tables.Rois)
    decisions = tables.read(exclusions, tables.Exclusions)
    check(decisions, animals=mice, doses=injections, tubes=sheet, scans=imaged, rois=drawn)

    counted, given, regions = activity_of_cohort(
        {
            "tubes": sheet,
            "counts": tables.read(counts, tables.Counts),
            "doses": injections,
            "scans": imaged,
            "rois": drawn,
            "exclusions": decisions,
        },
        decays=of_tracers(tracers, read_nuclides(radionuclides), source=half_lives),
        dose_route=dose_route,
        dead_time_us=dead_time_us,
        dead_time_model=dead_time_model,
        background_cps=background_cps,
        background_drift_p=background_drift_p,
        uncertainty=uncertainty,
    )
    tables.write(counted, tube_activity, tables.TubeActivity)
    tables.write(given, dose_activity, tables.DoseActivity)
    tables.write(regions, roi_activity, tables.RoiActivity)


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
