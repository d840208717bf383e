"""The first section: the study, its numbers of mice, its quality, its primary result."""

from __future__ import annotations

from typing import Any

from cartrace import display, names
from cartrace.report.blocks import (
    Block,
    Facts,
    Light,
    Lights,
    Link,
    Links,
    Text,
    from_table,
    records,
)
from cartrace.report.study import STATUSES, Study, worst


def verdict(study: Study) -> list[Block]:
    """Return what a reader needs first: the study, its numbers of mice, its quality, its primary result."""
    blocks: list[Block] = []
    if study.settings["study"]["status"] != "final":
        blocks.append(Text(("DRAFT: the study's status is not yet final; numbers may change.",), "warn"))
    blocks.append(primary_text(study))
    blocks.append(Facts(_facts(study)))
    blocks.append(Lights(lights(study)))
    blocks.append(downloads(study))
    return blocks


def primary_sentences(study: Study) -> list[str]:
    """Return the primary endpoint as one sentence, and a second one with the excluded mice where that differs."""
    main, everything = study.primary(), study.primary("all")
    if not main:
        return ["The primary comparison could not be made: no mouse has a value of its endpoint."]
    sentences = [f"Primary endpoint, {place(row)}: {say(study, row)}." for row in main]
    told = [say(study, row) for row in main]
    sentences += [f"With excluded mice: {text}." for row in everything if (text := say(study, row)) not in told]
    return sentences


def primary_text(study: Study) -> Text:
    """Return the sentences of the primary endpoint, with the rows of the table that they come from."""
    rows = [*study.primary(), *study.primary("all")]
    sentences = tuple(primary_sentences(study))
    told = {say(study, row): row for row in reversed(rows)}
    columns = ("mean_a", "mean_b", "estimate", "ci_low", "ci_high", "p_value", "n_a", "n_b")
    sources = []
    for sentence in sentences:
        row = next((row for text, row in told.items() if text in sentence), None)
        known = [name for name in columns if row is not None and row[name] == row[name]]
        sources.append(from_table("comparisons", row, *known) if row else "")
    return Text(sentences, "lead", tuple(sources))


def say(study: Study, row: dict[str, object]) -> str:
    """Return a comparison as its one line."""
    return display.sentence(row, study.labels, uptake_label=study.uptake_label).rstrip(".")


def place(row: dict[str, Any]) -> str:
    """Return an endpoint with where and when it was measured."""
    name = names.endpoint_name(str(row["endpoint"]))
    where = names.place(row)
    return f"{name} ({where})" if where else name


def _facts(study: Study) -> tuple[tuple[str, str], ...]:
    settings = study.settings
    halves = study.dose_activity[["tracer", "nuclide", "half_life_s"]].drop_duplicates().sort_values("tracer")
    tracers = "; ".join(
        f"{row['tracer']}, {row['nuclide']}, half-life {display.half_life(row['half_life_s'])} "
        f"({settings['uptake']['half_lives']})"
        for row in records(halves)
    )
    table = study.stages().sum()
    pairs = [
        ("Tracer", tracers or "; ".join(str(tracer["name"]) for tracer in settings["tracers"])),
        ("Cohorts", ", ".join(str(cohort["name"]) for cohort in settings["cohorts"])),
        (
            "Mice",
            f"{table['planned']} planned, {table['injected']} injected, {table['analysed']} in the primary comparison, "
            f"{table['excluded']} excluded, {table['partly excluded']} with a part excluded",
        ),
        ("Dose", _dose(study)),
        ("Model of expansion", study.chosen_model.replace("_", "-") or "none chosen"),
        ("Status", str(settings["study"]["status"])),
    ]
    return tuple((name, text) for name, text in pairs if text)


def _dose(study: Study) -> str:
    doses = study.dose_activity.loc[study.dose_activity["status"] == "ok", "net_injected_kbq"].dropna() / 1000
    if doses.empty:
        return ""
    low, middle, high = (display.format_value(float(value)) for value in (doses.min(), doses.median(), doses.max()))
    return f"net injected {middle} MBq (median of {len(doses)} injections, {low} to {high})"


def lights(study: Study) -> tuple[Light, ...]:
    """Return one light a check: its worst outcome, and how often it came out how."""
    items = []
    for check, rows in study.quality.groupby("check", sort=True):
        status = worst(rows["status"])
        counts = rows["status"].value_counts()
        text = ", ".join(f"{counts[name]} {name}" for name in reversed(STATUSES) if name in counts)
        items.append(Light(str(check).replace("-", " ").replace("_", " "), status, text))
    return tuple(sorted(items, key=lambda light: -STATUSES.index(light.status)))


def downloads(study: Study) -> Links:
    """Return the files beside the report."""
    links = [
        Link("tables.xlsx", "tables.xlsx", "all tables, a tab each, and the data dictionary"),
        Link("tables/uptake.csv", "tables/uptake.csv", "uptake with its uncertainty"),
        Link("tables/comparisons.csv", "tables/comparisons.csv", "every test that was run"),
        Link("methods.docx", "methods.docx", "methods, ready to be pasted"),
        Link("methods.md", "methods.md", "the same in Markdown"),
        Link("arrive.md", "arrive.md", "the ARRIVE 2.0 Essential 10, open items marked"),
        Link("exchange/", "exchange", "wide tables for Prism, and the biodistribution for PIXI-XNAT"),
        Link("ro-crate-metadata.json", "ro-crate-metadata.json", "every input and output with its SHA-256"),
        Link("run.yaml", "run.yaml", "settings, versions, digests"),
    ]
    links += [
        Link(f"figures/{name}.pdf", f"figures/{name}.pdf", picture.title) for name, picture in study.pictures.items()
    ]
    return Links(tuple(links))
