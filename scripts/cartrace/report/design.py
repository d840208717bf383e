"""The section about the study's design: how many mice came how far, and when each was measured."""

from __future__ import annotations

import pandas as pd

from cartrace.names import some_mice
from cartrace.report.blocks import Answer, Block, Cell, Grid, Heading, from_table, grid, records, source_cell
from cartrace.report.study import MOUSE, Study

STAGES = {
    "planned": "planned",
    "injected": "injected",
    "scanned": "scanned",
    "counted": "counted",
    "fitted": "fitted",
    "analysed": "in the primary comparison",
    "n_excluded": "excluded",
    "n_partly_excluded": "a part excluded",
}


def design(study: Study) -> list[Block]:
    """Return the flow of mice through the study, what was measured when, and the timeline."""
    if study.animals.empty:
        return []
    whole = records(study.attrition[study.attrition["group"] == "all"])[0]
    names = ("planned", "injected", "analysed", "n_excluded")
    planned, injected, analysed, excluded = (int(whole[name]) for name in names)
    text = (
        f"Of {some_mice(planned)} in {len(study.settings['cohorts'])} "
        f"{'cohort' if len(study.settings['cohorts']) == 1 else 'cohorts'}, {injected} got a tracer and {analysed} "
        f"are in the primary comparison; {excluded} {'was' if excluded == 1 else 'were'} excluded as a whole."
    )
    answer = Answer(text, from_table("attrition", whole, *names))
    return [answer, attrition(study), *_schedule(study), *study.drawn("timeline")]


def attrition(study: Study) -> Grid:
    """Return how many mice of each group came to each stage."""
    table = study.attrition.set_index("group", drop=False)
    always = ("planned", "analysed", "n_excluded")
    found = {row["group"]: row for row in records(study.attrition)}
    shown = [name for name in STAGES if table[name].sum() or name in always]
    rows = []
    for number, (name, label) in enumerate(study.labels.items()):
        cells = [source_count("attrition", found[name], stage) for stage in shown]
        rows.append([Cell(label, group=number), *cells])
    total = [Cell("All"), *(source_count("attrition", found["all"], stage) for stage in shown)]
    headings = [Heading("Group"), *(Heading(STAGES[stage], True) for stage in shown)]
    return grid("Mice through the study", headings, rows, foot=total, file="tables/attrition.csv")


def source_count(table: str, row: dict[str, object], column: str) -> Cell:
    """Return a whole number of a table with the place that it comes from."""
    cell = source_cell(table, row, column)
    return Cell(str(int(str(row[column]))), cell.sort, source=cell.source)


def _schedule(study: Study) -> list[Block]:
    """Return how many mice of each group were measured in each session, and on which days."""
    good = study.uptake[(study.uptake["status"] == "ok") & study.uptake["cell_day"].notna()]
    if good.empty:
        return []
    seen = good.groupby([*MOUSE, "group", "session", "modality"], sort=True)["cell_day"].min().reset_index()
    first = seen.groupby(["session", "modality"])["cell_day"].median().sort_values(kind="stable")
    counts = seen.groupby(["group", "session", "modality"]).size()
    words = {"pet": "PET", "counter": "counter"}
    columns = [(str(session), str(modality)) for session, modality in first.index]
    headings = [Heading("Group")]
    headings += [
        Heading(f"{session} {words[modality]}", True, f"median day {day:.1f}")
        for (session, modality), day in zip(columns, first, strict=True)
    ]
    rows = []
    for number, (name, label) in enumerate(study.labels.items()):
        cells = [_measured(counts, (name, *place)) for place in columns]
        rows.append([Cell(label, group=number), *cells])
    return [grid("Mice measured, by group and session", headings, rows, file="tables/uptake.csv")]


def _measured(counts: pd.Series, key: tuple[str, str, str]) -> Cell:
    return Cell(str(int(counts[key]))) if key in counts.index else Cell("")
