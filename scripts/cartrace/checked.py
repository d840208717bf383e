"""What the check of a cohort tells: one summary, and of a workbook a copy with every problem marked in its cell."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from cartrace import workbooks
from cartrace.errors import Problem

PROBLEMS_TAB = "x_problems"
AUTHOR = "cartrace"
_RED = "FFFFC7CE"
_MOST_WARNINGS = 20
# What is counted of a cohort that is ready: table, what tells its things apart, their name, one and several.
_COUNTED = (
    ("animals", ["animal_id"], "mouse", "mice"),
    ("doses", ["animal_id", "session"], "dose", "doses"),
    ("tubes", ["counter_file", "rack", "position"], "tube", "tubes"),
    ("tubes", ["counter_file"], "counter run", "counter runs"),
    ("scans", ["scan_id"], "scan", "scans"),
    ("readouts", ["source_row", "source_file"], "readout", "readouts"),
    ("exclusions", ["source_row"], "exclusion", "exclusions"),
    ("overrides", ["source_row"], "override", "overrides"),
)


def summary(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return the lines that tell what a cohort holds, and what is worth a look.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        What the import of the cohort gave.
    """
    counts = [(len(tables[table].drop_duplicates(key)), *names) for table, key, *names in _COUNTED]
    held = ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counts if count)
    warnings = tables["quality"]["message"].tolist()
    more = len(warnings) - _MOST_WARNINGS
    number = f"{len(warnings)} warning{'' if len(warnings) == 1 else 's'}" + (":" if warnings else ".")
    told = [f"  - {message}" for message in warnings[:_MOST_WARNINGS]]
    last = [f"  and {more} more, in the report and in 1_tables/quality.csv"] if more > 0 else []
    return [f"ready: {held}. {number}", *told, *last]


def told(outcomes: Sequence[Mapping[str, Any]]) -> str:
    """Return the text of a check: one paragraph a cohort; `outcomes` are what the check of each cohort wrote."""
    paragraphs = []
    for outcome in outcomes:
        first, *rest = outcome["lines"]
        marked = (
            [f"  The cells are marked in {outcome['checked']}."] if outcome["checked"] and outcome["problems"] else []
        )
        paragraphs.append("\n".join([f"{outcome['cohort']}: {first}", *rest, *marked]))
    return "\n\n".join(paragraphs)


def marked(content: bytes, problems: Sequence[Problem], *, file: str) -> bytes:
    """Return a workbook with a red cell and a comment at each problem, and all problems in a tab of their own.

    Parameters
    ----------
    content : bytes
        The lab's workbook; formulas stay what they are and are not calculated.
    problems : sequence of Problem
        What is wrong with the cohort.
    file : str
        The workbook's name, as the problems name it.
    """
    import openpyxl

    try:
        # One that is made to harm is not opened, whatever else is wrong with the cohort.
        workbooks.opened(content)
    except workbooks.WorkbookProblem:
        book = openpyxl.Workbook()
        book.remove(book.active)
    else:
        book = openpyxl.load_workbook(io.BytesIO(content), keep_links=False)
        _unmark(book)
    for problem in problems:
        if problem.file == file and problem.sheet in book.sheetnames:
            for cell in _cells(book[problem.sheet], problem):
                _mark(cell, problem)
    _list(book, problems, file)
    stream = io.BytesIO()
    book.save(stream)
    return workbooks.timeless(stream.getvalue())


def _unmark(book: Any) -> None:
    """Take away the marks of an earlier check: the lab may have gone on in the marked workbook."""
    from openpyxl.styles import PatternFill

    if PROBLEMS_TAB in book.sheetnames:
        book.remove(book[PROBLEMS_TAB])
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.comment is not None and cell.comment.author == AUTHOR:
                    cell.comment, cell.fill = None, PatternFill()


def _cells(sheet: Any, problem: Problem) -> Iterator[Any]:
    """Yield the cells that a problem concerns; one without a column its row's first, of merged ones the first."""
    from openpyxl.cell.cell import MergedCell

    headers = {str(cell.value).strip(): cell.column_letter for cell in sheet[1] if cell.value is not None}
    letter = problem.letter or headers.get(problem.column, "A")
    for row in (problem.row or 1, *problem.more):
        cell = sheet[f"{letter}{row}"]
        # Nothing can be written into the others, and the first says what is wrong with them.
        if not isinstance(cell, MergedCell):
            yield cell


def _mark(cell: Any, problem: Problem) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill

    before = f"{cell.comment.text}\n\n" if cell.comment is not None else ""
    text = workbooks.printable(f"{before}{problem.why}. {problem.remedy}. [{problem.code}]")
    cell.comment = Comment(text, AUTHOR, height=140, width=320)
    cell.fill = PatternFill("solid", fgColor=_RED)


def _list(book: Any, problems: Sequence[Problem], file: str) -> None:
    """Write all problems, also those of other files, into a tab of their own."""
    from openpyxl.styles import Alignment, Font

    sheet = book.create_sheet(PROBLEMS_TAB, 0)
    book.active = 0
    for other in book.worksheets:
        # Several selected tabs would all take what is typed into one.
        other.sheet_view.tabSelected = other is sheet
    headers = {
        "file": 24,
        "sheet": 12,
        "row": 8,
        "column": 22,
        "found": 22,
        "what is wrong": 50,
        "what to do": 60,
        "code": 20,
    }
    for number, (header, width) in enumerate(headers.items(), start=1):
        sheet.cell(1, number, header).font = Font(bold=True)
        sheet.column_dimensions[sheet.cell(1, number).column_letter].width = width
    sheet.freeze_panes = "A2"
    if not problems:
        sheet.cell(2, 1, "Nothing is wrong with this cohort.")
    single = [replace(problem, row=row) for problem in problems for row in (problem.row, *problem.more)]
    for number, problem in enumerate(single, start=2):
        told = (
            problem.file,
            problem.sheet,
            problem.row,
            problem.column,
            problem.value,
            problem.why,
            problem.remedy,
            problem.code,
        )
        for column, value in enumerate(told, start=1):
            cell = sheet.cell(number, column)
            workbooks.put(cell, value)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
        if problem.file == file and problem.sheet in book.sheetnames and problem.row:
            sheet.cell(number, 3).hyperlink = f"#'{problem.sheet}'!{problem.letter or 'A'}{problem.row}"
