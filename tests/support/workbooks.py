"""Workbooks made of CSV sheets, and templates filled from them, as a lab does by hand."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl


def rows_of(path: Path) -> list[list[str]]:
    with open(path, encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


def typed(text: str) -> object:
    """Return a cell as Excel keeps what is typed: a number as a number."""
    try:
        return float(text) if "." in text or "e" in text.lower() else int(text)
    except ValueError:
        return text


def of_csv(folder: Path, target: Path) -> Path:
    """Write a workbook with one tab for every CSV sheet of a cohort."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for path in sorted(folder.glob("*.csv")):
        sheet = book.create_sheet(path.stem)
        header, *rows = rows_of(path)
        sheet.append(header)
        for row in rows:
            # A lab formats the columns of names as text.
            named = zip(header, row, strict=True)
            cells = (cell if name.endswith(("_id", "session")) else typed(cell) for name, cell in named)
            sheet.append([None if cell == "" else cell for cell in cells])
    book.save(target)
    return target


def fill(template: Path, folder: Path) -> None:
    """Fill a template's workbook from the CSV sheets of a cohort; units of its headers stay."""
    book = openpyxl.load_workbook(template)
    for path in sorted(folder.glob("*.csv")):
        header, *rows = rows_of(path)
        sheet = book[path.stem]
        places = {str(cell.value): cell.column for cell in sheet[1]}
        for number, row in enumerate(rows, start=2):
            for name, text in zip(header, row, strict=True):
                cell = sheet.cell(number, places[name])
                if text:
                    cell.value = (
                        text if sheet.column_dimensions[cell.column_letter].number_format == "@" else typed(text)
                    )
    book.save(template)
