"""The ARRIVE 2.0 Essential 10, filled in from the study; what its sheets cannot say is marked as open."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from cartrace import display
from cartrace.names import endpoint_name, place
from cartrace.report.blocks import Block, Cell, Heading, Text, grid, records
from cartrace.report.methods import escaped
from cartrace.report.study import MAIN, Study

OPEN = "OPEN"
SOURCE = "Percie du Sert N et al. PLoS Biol 2020;18:e3000410. doi:10.1371/journal.pbio.3000410"


@dataclass(frozen=True)
class Item:
    """One item: its number, what is asked, what the study says, and what only the lab can add (empty: nothing)."""

    number: str
    asks: str
    answer: str
    open: str = ""


def items(study: Study) -> tuple[Item, ...]:
    """Return the items of the Essential 10 in their order.

    Parameters
    ----------
    study : Study
        The tables and settings.

    Returns
    -------
    tuple of Item
    """
    return tuple(_items(study))


def _items(study: Study) -> Iterator[Item]:
    animals = study.animals
    roles = {group["name"]: group["role"] for group in study.settings["groups"]}
    groups = "; ".join(f"{label} ({roles[name]})" for name, label in study.labels.items())
    yield Item("1a", "Groups compared, with controls", f"{groups}.")
    yield Item("1b", "Experimental unit", "The mouse.")
    counts = animals["group"].value_counts()
    numbers = ", ".join(f"{label} {int(counts.get(name, 0))}" for name, label in study.labels.items())
    yield Item("2a", "Mice per group and in total", f"{numbers}; {len(animals)} in total.")
    yield Item("2b", "How the sample size was decided", "", "state how it was decided before the study")
    yield Item("3a", "Criteria for inclusion and exclusion", "", "state the criteria and when they were set")
    yield Item("3b", "What was excluded, and why", _excluded(study))
    yield Item("3c", "Exact n of each analysis", _numbers(study))
    yield Item("4a", "Randomisation", "", "state whether and how mice were allocated at random")
    yield Item("4b", "Confounders", _confounders(animals), "state how order of treatment and of measurement was set")
    late = int((study.exclusions["before_unblinding"] == "no").sum())
    n = len(study.exclusions)
    decided = f"{n} exclusion{' was' if n == 1 else 's were'} decided, {late} of them after unblinding."
    known = decided if n else "Nothing was excluded."
    yield Item("5", "Blinding", known, "state who knew the groups at allocation, conduct, assessment and analysis")
    yield Item("6a", "Outcome measures", _outcomes(study))
    yield Item("6b", "Primary outcome", _primary(study))
    yield Item("7a", "Statistical methods and software", "See methods, Statistics and Software.")
    yield Item("7b", "Whether the assumptions of the tests were met", _assumptions(study))
    yield Item("8a", "Species, strain, sex, age, weight", _animals(study), _animals_open(animals))
    yield Item("8b", "Provenance, health, genotype", "", "state source, genetic modification and health of the mice")
    yield Item(
        "9a", "What was done, how and with what", _procedures(study), "describe cells, anaesthesia and dissection"
    )
    yield Item("9b", "When and how often", _when(study))
    yield Item("9c", "Where", "", "state housing and place of the procedures")
    yield Item("9d", "Why", "", "give the rationale of the procedures")
    yield Item("10a", "Summary of each group with its variability", "See report, Biodistribution, PET, Comparison.")
    yield Item("10b", "Effect size with confidence interval", _effect(study))


def _excluded(study: Study) -> str:
    if study.exclusions.empty:
        return "Nothing was excluded."
    told = [
        f"{row['animal_id'] or row['scan_id'] or row['position']} ({row['level']}): {row['reason']}"
        for row in records(study.excluded_parts())
    ]
    return "; ".join(told) + "."


def _numbers(study: Study) -> str:
    row = records(study.attrition[study.attrition["group"] == "all"])[0]
    return (
        f"{row['planned']} planned, {row['injected']} injected, {row['scanned']} scanned, {row['counted']} counted, "
        f"{row['analysed']} in the primary comparison; n of every test stands in tables/comparisons.csv."
    )


def _confounders(animals: pd.DataFrame) -> str:
    several = [name for name in ("cohort", "cage", "batch", "sex") if animals[name].replace("", pd.NA).nunique() > 1]
    return f"Recorded and varying: {', '.join(several)}." if several else ""


def _outcomes(study: Study) -> str:
    main = study.summaries[study.summaries["analysis"] == MAIN]
    names = [endpoint_name(str(name)) for name in sorted(set(main["endpoint"]))]
    readouts = [str(name).replace("_", " ") for name in sorted(set(study.readouts["readout"]))]
    return ", ".join(dict.fromkeys([*names, *readouts])) + "." if names or readouts else ""


def _primary(study: Study) -> str:
    primary = study.settings["comparison"]["primary"]
    groups = " against ".join(study.labels.get(name, name) for name in primary["groups"])
    name = endpoint_name(str(primary["endpoint"]))
    return f"{name[0].upper()}{name[1:]} ({place(primary)}) of {groups}, declared in the config."


def _assumptions(study: Study) -> str:
    found = study.diagnostics[study.diagnostics["analysis"] == MAIN]
    if found.empty:
        return ""
    bad = found[~found["status"].isin(["pass", "not_estimable"])]
    checked = f"{len(found)} checks of the declared tests were made"
    if bad.empty:
        return f"{checked}; all passed or could not be judged."
    return f"{checked}; {len(bad)} do not pass: " + "; ".join(dict.fromkeys(bad["message"])) + "."


def _animals(study: Study) -> str:
    animals = study.animals
    parts = ["Mice"]
    for name in ("strain", "sex"):
        known = animals.loc[animals[name] != "", name].value_counts()
        if len(known):
            parts.append(f"{name}: " + ", ".join(f"{value} ({count})" for value, count in sorted(known.items())))
    weights = study.dose_activity["body_weight_g"].dropna()
    if len(weights):
        low, high = (display.format_value(float(value)) for value in (weights.min(), weights.max()))
        parts.append(f"body weight {low} to {high} g")
    born = animals.loc[animals["date_of_birth"] != "", "date_of_birth"]
    if len(born):
        parts.append(f"born {born.min()} to {born.max()}")
    return "; ".join(parts) + "."


def _animals_open(animals: pd.DataFrame) -> str:
    words = {"strain": "strain", "sex": "sex", "date_of_birth": "age"}
    missing = [word for name, word in words.items() if (animals[name] == "").any()]
    return f"state {', '.join(missing)} of all mice" if missing else ""


def _procedures(study: Study) -> str:
    n_tubes = int((study.tube_activity["role"] == "tissue").sum())
    done = ((len(study.doses), "injections of a tracer"), (len(study.scans), "PET scans"), (n_tubes, "tissue tubes"))
    return ", ".join(f"{count} {what}" for count, what in done if count) + "; see methods."


def _when(study: Study) -> str:
    seen = study.uptake[study.uptake["cell_day"].notna()]
    if seen.empty:
        return ""
    by = seen.groupby(["modality", "session"])["cell_day"].median().sort_values(kind="stable").reset_index()
    words = {"pet": "PET", "counter": "dissection"}
    told = [f"{words[row['modality']]} {row['session']} {row['cell_day']:.1f}" for row in records(by)]
    return f"Median day after the cells: {', '.join(told)}."


def _effect(study: Study) -> str:
    rows = study.primary()
    told = [display.sentence(row, study.labels, uptake_label=study.uptake_label).rstrip(".") for row in rows]
    return "; ".join(told) + "." if told and not math.isnan(rows[0]["estimate"]) else "; ".join(told)


def arrive_markdown(study: Study) -> str:
    """Return the items as a Markdown table that a lab completes and hands in."""
    listed = items(study)
    n_open = sum(bool(item.open) for item in listed)
    lines = [
        "# ARRIVE 2.0, the Essential 10",
        "",
        f"{n_open} of {len(listed)} items are open: only the lab can fill them in. {SOURCE}",
        "",
        "| Item | Asked | This study | Open |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {item.number} | {item.asks} | {escaped(item.answer)} | {f'**{OPEN}**: {item.open}' if item.open else ''} |"
        for item in listed
    ]
    return "\n".join(lines) + "\n"


def arrive(study: Study) -> list[Block]:
    """Return the items as the report shows them."""
    listed = items(study)
    rows = [
        [
            Cell(item.number),
            Cell(item.asks),
            Cell(item.answer),
            Cell(f"{OPEN}: {item.open}" if item.open else "", tone="warn" if item.open else ""),
        ]
        for item in listed
    ]
    n_open = sum(bool(item.open) for item in listed)
    text = f"{n_open} of {len(listed)} items of the ARRIVE 2.0 Essential 10 are open; complete arrive.md."
    headings = [Heading(label) for label in ("Item", "Asked", "This study", "Open")]
    return [Text((text,)), grid("ARRIVE 2.0 Essential 10", headings, rows)]
