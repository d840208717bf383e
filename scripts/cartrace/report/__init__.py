"""The report: its sections in order, and the page that they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from cartrace.report import beside, comparison, design, expansion, intake, mice, strategy, uptake, verdict
from cartrace.report.arrive import arrive
from cartrace.report.blocks import Block, Code, Prose, Section, Text
from cartrace.report.methods import html
from cartrace.report.study import Study


@dataclass(frozen=True)
class Part:
    """A section of the report: anchor, title, and what gives its blocks; without blocks it is absent."""

    anchor: str
    title: str
    build: Callable[[Study], list[Block]]


PARTS: tuple[Part, ...] = (
    Part("verdict", "Verdict", verdict.verdict),
    Part("design", "Design and flow", design.design),
    Part("intake", "Intake", intake.intake),
    Part("quality", "Dose and counter quality", intake.instruments),
    Part("cohort", "Mice", intake.cohort),
    Part("mouse-pages", "Mouse pages", mice.mouse_pages),
    Part("biodistribution", "Biodistribution", uptake.biodistribution),
    Part("pet", "PET", uptake.pet),
    Part("strategy", "Strategy", strategy.strategy),
    Part("expansion", "Cells and expansion", expansion.expansion),
    Part("comparison", "Comparison", comparison.comparison),
    Part("agreement", "PET against counter", uptake.agreement),
    Part("readouts", "Other readouts", beside.readouts),
    Part("uncertainty", "Uncertainty", beside.uncertainty),
    Part("next-cohort", "Next cohort", beside.next_cohort),
    Part("exclusions", "Exclusions", intake.exclusions),
)


def sections(study: Study, *, methods: str, run: str, changes: str = "") -> list[Section]:
    """Return the sections that have something to say, in order.

    Parameters
    ----------
    study : Study
        The tables, settings and figures.
    methods : str
        The methods in Markdown.
    run : str
        The record of the run in YAML.
    changes : str
        What changed since the last run, in Markdown.

    Returns
    -------
    list of Section
    """
    found = [Section(part.anchor, part.title, tuple(part.build(study))) for part in PARTS]
    found.append(Section("methods", "Methods", (Prose(html(methods)),)))
    found.append(Section("arrive", "ARRIVE 2.0", tuple(arrive(study))))
    if changes:
        found.append(Section("changes", "Changes", (Prose(html(changes)),)))
    provenance = Text(
        ("Settings with their defaults, versions, digests of the code and of every input file; also in run.yaml.",)
    )
    found.append(Section("provenance", "Provenance", (provenance, Code("run.yaml", run))))
    return [section for section in found if section.blocks]


def short(sort: str) -> str:
    """Return what a cell is sorted by, a number with six significant digits."""
    try:
        return f"{float(sort):.6g}"
    except ValueError:
        return sort


def page(study: Study, parts: list[Section], *, template: str, style: str, script: str) -> str:
    """Return the report as one HTML file that needs no other.

    Parameters
    ----------
    study : Study
        Gives title and status.
    parts : list of Section
        Its sections.
    template, style, script : str
        ``resources/report.html.j2``, ``report.css`` and ``report.js``.

    Returns
    -------
    str
        HTML; every text from the study is escaped.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["short"] = short
    context: Mapping[str, Any] = {
        "title": study.settings["study"]["title"],
        "is_draft": study.settings["study"]["status"] != "final",
        "sections": parts,
        "groups": list(study.labels.values()),
        "mice": list(study.mice.values()),
        "style": Markup(style),
        "script": Markup(script),
    }
    return environment.from_string(template).render(context)
