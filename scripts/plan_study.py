"""Say what a planned study will show: expected counts, precision, detection limits and power."""

from collections.abc import Mapping, Sequence
from typing import Any

from cartrace import job, tables
from cartrace.planning.power import planned_power
from cartrace.planning.precision import planned_precision
from cartrace.radionuclides import of_tracers
from cartrace.radionuclides import read as read_nuclides
from cartrace.simulate.world import World


def main(
    *,
    radionuclides: str,
    precision: str,
    power: str,
    settings: Mapping[str, Any],
    windows: Mapping[str, Sequence[float]],
) -> None:
    """Write the tables of the plan that the config's section `simulation` describes."""
    decays = of_tracers(settings["tracers"], read_nuclides(radionuclides), source=settings["uptake"]["half_lives"])
    half_life_s = decays[settings["tracers"][0]["name"]].half_life_s
    tissues = World.of(settings, half_life_s=half_life_s, density_g_per_ml={}).tissues
    tables.write(planned_precision(settings, tissues, half_life_s), precision, tables.PlannedPrecision)
    tables.write(planned_power(settings, tissues, windows), power, tables.PlannedPower)


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
