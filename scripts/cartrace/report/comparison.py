"""The section about tests: the primary comparison, and every test that was run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cartrace import display
from cartrace.names import family_name, in_words
from cartrace.report.beside import limited, p_cell
from cartrace.report.blocks import (
    Block,
    Cell,
    Grid,
    Heading,
    Text,
    from_table,
    grid,
    number_cell,
    plain_grid,
    records,
    source_cell,
)
from cartrace.report.study import MAIN, Study
from cartrace.report.verdict import place, primary_text

# What the columns of the tests over groups and sessions are called.
COLUMNS = {
    "groups": "Groups",
    "group": "Group",
    "group_a": "Group",
    "group_b": "Against",
    "session": "Session",
    "session_a": "Session",
    "session_b": "Against",
    "contrast": "Contrast",
    "test": "Test",
    "n": "n",
    "statistic": "Statistic",
    "estimate": "Ratio or difference",
    "ci_low": "CI from",
    "ci_high": "CI to",
    "p_value": "p",
    "p_adjusted": "p adjusted",
}


def comparison(study: Study) -> list[Block]:
    """Return the primary comparison and every test that was run, with and without exclusions."""
    if study.comparisons.empty:
        return []
    main = study.comparisons[study.comparisons["analysis"] == MAIN]
    done = int((main["status"] == "ok").sum())
    families = ", ".join(
        f"{family_name(str(name))} ({count})" for name, count in main["family"].value_counts(sort=False).items()
    )
    text = (
        f"{done} of {len(main)} comparisons could be made. Families, within which p is adjusted: {families}. "
        f"Declared beforehand: {_declared(main)}; all others are exploratory."
    )
    return [
        primary_text(study),
        *study.drawn("primary_comparison"),
        Text((text,)),
        _tests(study, main),
        *study.drawn("cohort_forest"),
        *_forest(study),
        *_moved(study),
        *study.drawn("sensitivity"),
        *_sensitivity(study),
        *_diagnostics(study),
        *_several(study),
    ]


def _forest(study: Study) -> list[Block]:
    """Return the declared comparisons cohort by cohort, where there are several cohorts."""
    found = study.forest[study.forest["analysis"] == MAIN]
    if found["cohort"].replace("", np.nan).nunique() < 2:
        return []
    rows = []
    level = {"cohort": "", "fixed": "all, pooled", "random": "all, random effects"}
    order = found.sort_values(["plan", "family", "endpoint", "region", "session", "level", "cohort"], kind="stable")
    for row in records(order):
        names = ("estimate", "ci_low", "ci_high")
        rows.append(
            [
                Cell(place(row)),
                Cell(f"{row['group_a']} vs {row['group_b']}"),
                Cell(row["cohort"] or level[row["level"]]),
                limited(row, table="forest", names=names, scale=row["scale"]),
                p_cell(row, table="forest"),
                _sizes("forest", row),
                source_cell("forest", row, "weight_pct"),
                source_cell("forest", row, "heterogeneity_i2_pct"),
                Cell(in_words(row["reason"]), tone="muted"),
            ]
        )
    labels = ("Endpoint", "Groups", "Cohort", "Ratio or difference [CI]", "p", "n", "Weight (%)", "I² (%)", "Remark")
    headings = [Heading(label, 2 < index < 8) for index, label in enumerate(labels)]
    return [grid("Declared comparisons cohort by cohort", headings, rows, file="tables/forest.csv")]


def _moved(study: Study) -> list[Block]:
    """Return which choices move the conclusions, in a sentence about the primary one and one about the others."""
    made = study.sensitivity[(study.sensitivity["choice"] != "declared") & (study.sensitivity["moved"] != "unknown")]
    sentences = []
    subjects = {"primary": ("The primary comparison was", "its"), "secondary": ("Declared secondary ones were", "a")}
    for plan, (subject, whose) in subjects.items():
        found = made[made["plan"] == plan]
        moving = found[found["moved"] != "nothing"]
        others = f"{len(found)} other {'way' if len(found) == 1 else 'ways'}"
        if found.empty:
            continue
        if moving.empty:
            sentences.append(f"{subject} made in {others}; none moves {whose} conclusion.")
            continue
        ways = [(row, f"{in_words(row['variant'])} ({row['moved']})") for row in records(moving)]
        named = "; ".join(dict.fromkeys(way if plan == "primary" else f"{place(row)}: {way}" for row, way in ways))
        verb = "moves" if len(moving) == 1 else "move"
        sentences.append(f"{subject} made in {others}; {len(moving)} {verb} {whose} conclusion: {named}.")
    return [Text((" ".join(sentences),))] if sentences else []


def _sensitivity(study: Study) -> list[Block]:
    if study.sensitivity.empty:
        return []
    rows = []
    order = study.sensitivity.assign(late=study.sensitivity["analysis"] != MAIN)
    by = [
        "plan",
        "endpoint",
        "modality",
        "region",
        "session",
        "session_b",
        "group_a",
        "group_b",
        "family",
        "late",
        "choice",
        "variant",
    ]
    for row in records(order.sort_values(by, kind="stable")):
        names = ("estimate", "ci_low", "ci_high")
        rows.append(
            [
                Cell(place(row)),
                Cell(_sides(row)),
                Cell(in_words(row["variant"])),
                Cell(row["moved"], tone="" if row["moved"] == "nothing" else "warn"),
                _difference(row, limited(row, table="sensitivity", names=names, scale=row["scale"])),
                p_cell(row, table="sensitivity"),
                _sizes("sensitivity", row),
                Cell("left out" if row["analysis"] == MAIN else "kept"),
                Cell(in_words(row["reason"]), tone="muted"),
                Cell(row["choice"].replace("_", " ")),
            ]
        )
    labels = ("Endpoint", "Groups", "Made as", "Moves", "Ratio or difference [CI]", "p", "n", "Excluded mice", "Remark")
    headings = [Heading(label, 3 < index < 7) for index, label in enumerate(labels)]
    headings.append(Heading("Choice", folded=True))
    return [grid("The declared comparisons made otherwise", headings, rows, file="tables/sensitivity.csv")]


def _sides(row: dict[str, Any]) -> str:
    if row["session_b"]:
        return f"{row['group_a']}: {row['session']} vs {row['session_b']}"
    return f"{row['group_a']} vs {row['group_b']}"


def _diagnostics(study: Study) -> list[Block]:
    found = study.diagnostics[(study.diagnostics["analysis"] == MAIN) & (study.diagnostics["status"] != "pass")]
    if found.empty:
        return []
    labels = {"status": "Outcome", "check": "Check", "subject": "Of", "value": "Value", "p_value": "p"}
    labels |= {"message": "What it means"}
    shown = found.assign(where=[place(row) for row in records(found)], check=found["check"].str.replace("_", " "))
    return [
        plain_grid(
            "What the declared tests take for granted, where a check does not pass",
            shown,
            {"where": "Endpoint"} | labels,
            file="tables/diagnostics.csv",
        )
    ]


def _several(study: Study) -> list[Block]:
    """Return the tests over several groups, within mice, and over all sessions."""
    blocks: list[Block] = []
    wanted = (
        ("overall", study.overall, "One test over several groups", ("groups", "test"), ("statistic", "p_value")),
        ("paired", study.paired, "Two sessions of the same mice", ("group", "session_a", "session_b", "test"),
         ("n", "estimate", "ci_low", "ci_high", "p_value", "p_adjusted")),
        ("repeated", study.repeated, "All sessions in one mixed model", ("group_a", "group_b", "contrast", "session"),
         ("estimate", "ci_low", "ci_high", "p_value", "p_adjusted")),
    )  # fmt: skip
    for name, table, caption, texts, numbers in wanted:
        found = table[(table["analysis"] == MAIN) & (table["status"] == "ok")]
        if found.empty:
            continue
        shown = found.assign(where=[place({"modality": "", "session": ""} | row) for row in records(found)])
        labels = {"where": "Endpoint"} | {column: COLUMNS[column] for column in (*texts, *numbers)}
        blocks.append(plain_grid(caption, shown, labels, file=f"tables/{name}.csv"))
    return blocks


def _declared(main: pd.DataFrame) -> str:
    plans = main["plan"].value_counts()
    declared = "the primary comparison" if "primary" in plans else "no comparison"
    count = int(plans.get("secondary", 0))
    return declared + (f" and {count} secondary {'ones' if count > 1 else 'one'}" if count else "")


def _tests(study: Study, main: pd.DataFrame) -> Grid:
    key = ["endpoint", "modality", "region", "session", "group_a", "group_b", "scale"]
    late = records(study.comparisons[study.comparisons["analysis"] == "all"])
    everything = {tuple(row[name] for name in key): row for row in late}
    order = main.assign(secondary=~main["is_primary"]).sort_values(["secondary", "family", *key], kind="stable")
    rows = []
    for row in records(order):
        other = everything.get(tuple(row[name] for name in key))
        rows.append([*_test_cells(study, row), *_short(other)])
    headings = (
        Heading("Endpoint"),
        Heading("Groups"),
        Heading("Ratio or difference [CI]", True),
        Heading("p", True),
        Heading("p adjusted", True),
        Heading("Hedges g [CI]", True),
        Heading("n", True),
        Heading("Remark"),
        Heading("Family", folded=True),
        Heading("Means", folded=True),
        Heading("Test", folded=True),
        Heading("With excluded mice", True, folded=True),
        Heading("p with excluded mice", True, folded=True),
    )
    return grid(
        "Every test that was run, without excluded mice",
        headings,
        rows,
        file="tables/comparisons.csv",
    )


def _test_cells(study: Study, row: dict[str, Any]) -> list[Cell]:
    ok = row["status"] == "ok"
    statistic = display.test_text(row) if ok else row["test"]
    unit = display.unit_label(row["unit"], uptake_label=study.uptake_label)
    return [
        Cell(place(row)),
        Cell(f"{row['group_a']} vs {row['group_b']}"),
        _estimate(row),
        p_cell(row, table="comparisons"),
        Cell("") if row["adjustment"] == "none" else p_cell(row, table="comparisons", name="p_adjusted"),
        _effect_size(row),
        _sizes("comparisons", row),
        Cell(in_words(row["reason"]), tone="warn" if row["reason"] else ""),
        Cell(family_name(row["family"])),
        _means(row, unit),
        Cell(statistic),
    ]


def _short(row: dict[Any, Any] | None) -> list[Cell]:
    return [Cell(""), Cell("")] if row is None else [_estimate(row), p_cell(row, table="comparisons")]


def _estimate(row: dict[Any, Any]) -> Cell:
    if np.isnan(row["estimate"]):
        return Cell("not estimable", tone="muted")
    names = ("estimate", "ci_low", "ci_high")
    return _difference(row, limited(row, table="comparisons", names=names, scale=row["scale"]))


def _difference(row: dict[str, Any], cell: Cell) -> Cell:
    """Return an estimate that is called a difference where it is not a ratio."""
    return replace(cell, text=f"difference {cell.text}") if row["scale"] != "log" and cell.text else cell


def _means(row: dict[str, Any], unit: str) -> Cell:
    shown = {name: number_cell(row[name]).text for name in ("mean_a", "mean_b")}
    known = [name for name, text in shown.items() if text]
    source = from_table("comparisons", row, *known) if known else ""
    return Cell(f"{' vs '.join(text or 'none' for text in shown.values())} {unit}".rstrip(), source=source)


def _sizes(table: str, row: dict[str, Any]) -> Cell:
    return Cell(f"{row['n_a']} vs {row['n_b']}", source=from_table(table, row, "n_a", "n_b"))


def _effect_size(row: dict[str, Any]) -> Cell:
    """Hedges g, or the rank-biserial correlation of a test by rank."""
    for name, lead in (("hedges_g", ""), ("rank_biserial", "rank-biserial ")):
        if not np.isnan(row[name]):
            names = (name, f"{name}_ci_low", f"{name}_ci_high")
            cell = limited(row, table="comparisons", names=names, scale="linear")
            return replace(cell, text=lead + cell.text)
    return Cell("")
