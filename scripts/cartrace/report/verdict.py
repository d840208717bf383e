"""The first section: the study, its numbers of mice, its quality, its primary result."""

from __future__ import annotations

from cartrace import display
from cartrace.names import endpoint_name
from cartrace.report.blocks import (
    Block,
    Cell,
    Facts,
    Grid,
    Heading,
    Light,
    Lights,
    Link,
    Links,
    Text,
    count_cell,
    grid,
    records,
)
from cartrace.report.study import STATUSES, Study, worst


def verdict(study: Study) -> list[Block]:
    """Return what a reader needs first: the study, its numbers of mice, its quality, its primary result."""
    blocks: list[Block] = []
    if study.settings["study"]["status"] != "final":
        blocks.append(Text(("DRAFT: the study's status is not yet final; numbers may change.",), "warn"))
    blocks.append(Text(tuple(primary_sentences(study)), "lead"))
    blocks.append(Facts(_facts(study)))
    blocks.append(_attrition(study))
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


def say(study: Study, row: dict[str, object]) -> str:
    """Return a comparison as its one line."""
    return display.sentence(row, study.labels, uptake_label=study.uptake_label).rstrip(".")


def place(row: dict[str, object]) -> str:
    """Return an endpoint with where and when it was measured."""
    name = endpoint_name(str(row["endpoint"]))
    where = " ".join(str(row[key]) for key in ("modality", "region", "session") if row[key])
    return f"{name} ({where})" if where else name


def _facts(study: Study) -> tuple[tuple[str, str], ...]:
    settings = study.settings
    halves = study.dose_activity[["tracer", "nuclide", "half_life_s"]].drop_duplicates().sort_values("tracer")
    tracers = "; ".join(
        f"{row['tracer']}, {row['nuclide']}, half-life {row['half_life_s']:.6g} s ({settings['uptake']['half_lives']})"
        for row in records(halves)
    )
    table = study.attrition().sum()
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


def _attrition(study: Study) -> Grid:
    table = study.attrition()
    shown = [stage for stage in table.columns if table[stage].sum() or stage in ("planned", "analysed", "excluded")]
    rows = [
        [Cell(study.labels[str(group)]), *(count_cell(row[stage]) for stage in shown)]
        for group, row in table.iterrows()
    ]
    total = [Cell("All"), *(count_cell(table[stage].sum()) for stage in shown)]
    headings = [
        Heading("Group"),
        *(Heading("in the primary comparison" if stage == "analysed" else stage, True) for stage in shown),
    ]
    return grid("Mice through the study", headings, rows, foot=total)


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
        Link("methods.md", "methods.md", "methods, ready to be edited"),
        Link("run.yaml", "run.yaml", "settings, versions, digests"),
    ]
    links += [
        Link(f"figures/{name}.pdf", f"figures/{name}.pdf", picture.title) for name, picture in study.pictures.items()
    ]
    return Links(tuple(links))
