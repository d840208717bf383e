"""The one definition of a study's config: every key with its type, default, range and meaning.

``config/config.schema.yaml`` and ``docs/config.md`` are generated from these models; the workflow holds a study's file
against the schema and fills the defaults from it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from cartrace.config.comparison import Comparison
from cartrace.config.expansion import CellsSettings, Expansion, Label
from cartrace.config.instruments import Counter, Pet, ReadoutSettings, Uncertainty, UptakeSettings
from cartrace.config.quality import QualityThresholds
from cartrace.config.section import Section
from cartrace.config.simulation import Plan, Simulation
from cartrace.config.study import Cohort, Group, Region, Study, Tracer


class Report(Section):
    """The report."""

    journal: Annotated[
        Literal["nature", "ejnmmi", "jnm", "theranostics"], Field(description="Sizes and fonts of the figures")
    ] = "nature"
    label: Annotated[Literal["%ID/g", "%IA/g"], Field(description="What uptake is called")] = "%ID/g"


class Config(Section):
    """A study."""

    study: Study
    cohorts: Annotated[list[Cohort], Field(min_length=1, description="What stands here is analysed, nothing else")]
    groups: Annotated[list[Group], Field(min_length=1)]
    tracers: Annotated[list[Tracer], Field(min_length=1)]
    regions: list[Region] = []
    counter: Counter = Field(default_factory=Counter)
    pet: Pet = Field(default_factory=Pet)
    readouts: ReadoutSettings = Field(default_factory=ReadoutSettings)
    uptake: UptakeSettings = Field(default_factory=UptakeSettings)
    uncertainty: Uncertainty = Field(default_factory=Uncertainty)
    quality: QualityThresholds = Field(default_factory=QualityThresholds)
    cells: CellsSettings = Field(default_factory=CellsSettings)
    label: Label = Field(default_factory=Label)
    expansion: Expansion = Field(default_factory=Expansion)
    comparison: Comparison
    report: Report = Field(default_factory=Report)
    simulation: Simulation = Field(default_factory=Simulation)
    plan: Plan = Field(default_factory=Plan)
    cohort: Annotated[
        str,
        Field(
            pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]*)?$",
            description="Name of the new cohort whose empty folder the target `template` writes; for the command line",
        ),
    ] = ""
    seed: Annotated[int, Field(ge=0, description="Seed of everything that draws at random")] = 20260301


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a study's config, with a default for every optional key at every depth.

    Returns
    -------
    dict
        JSON Schema 2020-12. A section that may be left out has the default ``{}``, so that a validator that fills
        defaults reaches the keys inside it.
    """
    document = Config.model_json_schema()
    for name, section in document["properties"].items():
        if name not in document["required"] and "$ref" in section:
            section["default"] = {}
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return document
