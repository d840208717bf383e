"""The sheets of an empty cohort, made from their contracts: a workbook with drop-downs, and the same as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from cartrace import units, workbooks
from cartrace.errors import column_letter
from cartrace.tables import SHEETS, Column, Table

AUTHOR = "cartrace template"
LISTS_TAB = "x_lists"
READ_ME_TAB = "x_read_me"
# How far drop-downs and formats reach; rows below are read as well.
LAST_ROW = 5_000
# Columns whose values stand in another sheet of the workbook.
_IN_SHEET = {"animal_id": "animals", "scan_id": "scans"}
_REGIONS = ("tissue", "region")
_FORMATS = {"text": "@", "float": "General", "time": "yyyy-mm-dd hh:mm:ss", "date": "yyyy-mm-dd"}
_FORMS = {"text": "Text", "float": "Number", "time": "Time, YYYY-MM-DD HH:MM:SS", "date": "Date, YYYY-MM-DD"}
_REQUIRED, _OPTIONAL = "FFD9E8F5", "FFF2F2F2"
_READ_ME = (
    "One row a mouse, a dose, a tube, a scan: the comment at each header says what belongs there.",
    "Dark headers are needed; a sheet or a column that the study does not have may be left empty or removed.",
    "Units stand in the header and may be changed there: [MBq] to [uCi], [g] to [mg].",
    "Names are text. Times are of the study's time zone, always with their date.",
    "Columns and sheets of your own begin with x_; cartrace does not read them.",
    "Put the exports, as the instruments wrote them, into counter/, pet/ and readouts/.",
    "Instead of this workbook the CSV files of the folder csv/ may be used: move them up and remove the workbook.",
    "Then name the cohort in config/config.yaml, and run: snakemake --cores 1 check",
)


def header(column: Column) -> str:
    """Return a column's header as a lab writes it, with the usual unit of its dimension."""
    return f"{column.header} [{units.USUAL[column.quantity]}]" if column.quantity else column.header


def csv_files() -> dict[str, bytes]:
    """Return the empty CSV sheets by the name of their file.

    They have a byte-order mark, without which Excel takes UTF-8 for something else.
    """
    files = {}
    for table in SHEETS:
        stream = io.StringIO(newline="")
        csv.writer(stream, lineterminator="\r\n").writerow([header(column) for column in table.sheet_columns()])
        files[f"{table.__name__.lower()}.csv"] = stream.getvalue().encode("utf-8-sig")
    return files


def workbook(*, groups: Sequence[str], tracers: Sequence[str], regions: Sequence[str]) -> bytes:
    """Return the empty workbook.

    Parameters
    ----------
    groups, tracers, regions : sequence of str
        What the study's config and vocabulary offer to choose from.
    """
    from openpyxl import Workbook

    book = Workbook()
    read_me = book.active
    read_me.title = READ_ME_TAB
    read_me.column_dimensions["A"].width = 110
    for row, line in enumerate(_READ_ME, start=1):
        read_me.cell(row, 1, line)
    lists = book.create_sheet(LISTS_TAB)
    sources = {"group": _listed(lists, "group", groups), "tracer": _listed(lists, "tracer", tracers)}
    sources |= dict.fromkeys(_REGIONS, _listed(lists, "region", regions))
    for table in SHEETS:
        _sheet(book, table, lists, sources)
    book.move_sheet(LISTS_TAB, len(SHEETS))
    lists.sheet_state = "hidden"
    stream = io.BytesIO()
    book.save(stream)
    return workbooks.timeless(stream.getvalue())


def _listed(lists: Any, name: str, values: Sequence[str]) -> str:
    """Write a list into a column of its own and return where its values stand."""
    column = lists.max_column + (1 if lists.cell(1, 1).value else 0)
    workbooks.put(lists.cell(1, column), name)
    for row, value in enumerate(values, start=2):
        workbooks.put(lists.cell(row, column), value)
    letter = column_letter(column - 1)
    return f"{LISTS_TAB}!${letter}$2:${letter}${len(values) + 1}"


def _sheet(book: Any, table: type[Table], lists: Any, sources: Mapping[str, str]) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import Font, PatternFill

    name = table.__name__.lower()
    sheet = book.create_sheet(name)
    sheet.freeze_panes = "B2"
    for index, column in enumerate(table.sheet_columns()):
        letter = column_letter(index)
        cell = sheet.cell(1, index + 1, header(column))
        cell.font = Font(bold=column.required)
        cell.fill = PatternFill("solid", fgColor=_REQUIRED if column.required else _OPTIONAL)
        cell.comment = Comment(_about(column), AUTHOR, height=120, width=300)
        dimension = sheet.column_dimensions[letter]
        dimension.width = max(12, len(header(column)) + 3, 20 if column.kind == "time" else 0)
        # Excel would make dates and numbers of names; a column of text leaves them alone.
        dimension.number_format = _FORMATS[column.kind]
        source = _source(name, column, lists, sources)
        validation = _drop_down(column, source) if source else _bounds(column)
        if validation is not None:
            validation.add(f"{letter}2:{letter}{LAST_ROW}")
            sheet.add_data_validation(validation)


def _about(column: Column) -> str:
    """Return what the comment at a header says: meaning, whether it is needed, form, unit, choices."""
    lines = [f"{column.meaning}.", f"{_FORMS[column.kind]}. {'Required.' if column.required else 'Optional.'}"]
    if column.quantity:
        lines.append(f"Unit in the header, one of {units.OFFERED[column.quantity]}.")
    elif column.kind == "float" and column.unit:
        lines.append(f"In {column.unit}.")
    if column.choices:
        lines.append(f"One of {', '.join(column.choices)}.")
    return "\n".join(lines)


def _source(sheet: str, column: Column, lists: Any, sources: Mapping[str, str]) -> str:
    """Return where the choices of a column stand, empty where it has none."""
    if column.choices:
        return _listed(lists, f"{sheet}.{column.name}", column.choices)
    home = _IN_SHEET.get(column.name, sheet)
    return sources.get(column.name, "") if home == sheet else f"{home}!$A$2:$A${LAST_ROW}"


def _drop_down(column: Column, source: str) -> Any:
    from openpyxl.worksheet.datavalidation import DataValidation

    validation = DataValidation(type="list", formula1=source, allow_blank=True, showErrorMessage=True)
    # A synonym, or a name that its sheet does not hold yet, is no mistake.
    validation.errorStyle = "stop" if column.choices else "warning"
    validation.error = "Choose from the list."
    return validation


def _bounds(column: Column) -> Any:
    from openpyxl.worksheet.datavalidation import DataValidation

    limit = column.above if column.above is not None else column.at_least
    if column.kind != "float" or limit is None:
        return None
    operator, words = ("greaterThan", "more than") if column.above is not None else ("greaterThanOrEqual", "at least")
    validation = DataValidation(
        type="decimal", operator=operator, formula1=f"{limit:g}", allow_blank=True, showErrorMessage=True
    )
    validation.error = f"A number is needed, {words} {limit:g}."
    return validation
