"""What is studied: cohorts, groups, tracers, regions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cartrace.config.section import Name, Section


class Study(Section):
    """What the study is."""

    title: Annotated[Name, Field(description="Title, as the report prints it")]
    strategy: Annotated[
        Literal["reporter_gene", "direct_label", "immunopet"],
        Field(description="How cells become visible; growth is fitted for reporter genes only"),
    ] = "reporter_gene"
    timezone: Annotated[Name, Field(description="Wall clock of every time without an offset, e.g. Europe/Berlin")]
    date_format: Annotated[
        Literal["ISO", "DMY", "MDY"], Field(description="How the sheets write 03/04/2026; ISO refuses it")
    ] = "ISO"
    status: Annotated[Literal["draft", "final"], Field(description="A draft is marked as such in the report")] = "draft"


class Cohort(Section):
    """A folder of sheets and exports."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="Name, used in paths")]
    path: Annotated[
        Name, Field(description="Folder, relative to the working directory; may name pathvars, as in <data>/C01")
    ]


class Group(Section):
    """A group of mice; the order of the list is the order of display."""

    name: Annotated[Name, Field(description="Name, as the sheet of animals writes it")]
    role: Annotated[
        Literal["background", "control", "test"],
        Field(description="background: no reporter, its signal is subtracted; control: reference of comparisons; test"),
    ]
    label: Annotated[str, Field(description="Name in figures and text; empty: the name")] = ""


class Tracer(Section):
    """A tracer."""

    name: Annotated[Name, Field(description="Name, as the sheets write it")]
    nuclide: Annotated[Name, Field(description="Nuclide, e.g. F-18")]
    reporter: Annotated[str, Field(description="Reporter that takes it up")] = ""
    biological_half_life_h: Annotated[
        float | None,
        Field(
            gt=0,
            description="Biological half-life [h] of what an earlier injection left, where a scan names a "
            "residual_scan; empty: it decays only",
        ),
    ] = None
    biological_half_life_se_h: Annotated[float, Field(ge=0, description="Its standard uncertainty [h]")] = 0.0


class Region(Section):
    """A region or tissue beyond the shipped vocabulary, or with more synonyms than it has."""

    name: Annotated[Name, Field(description="Canonical name")]
    synonyms: Annotated[list[str], Field(description="What sheets and exports call it")] = []
    density_g_per_ml: Annotated[
        float | None, Field(gt=0, description="Density [g/mL]; with it PET gives %ID/g beside %ID/mL")
    ] = None
    surroundings: Annotated[
        str,
        Field(
            description="Region around it; with it PET also gives a value that is corrected for partial volume by "
            "pet.recovery"
        ),
    ] = ""
