"""One cohort written in many ways gives the same tables, and moved as a whole in time the same uptake."""

from __future__ import annotations

import csv
import io
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import cohort_folder
import pandas as pd
import pipeline
import pytest
import workbooks

from cartrace import tables
from cartrace.config import Config
from cartrace.errors import InputError
from cartrace.tables import Import, Quality
from import_tables import TABLES

Sheets = dict[str, list[list[str]]]
BERLIN = ZoneInfo("Europe/Berlin")
TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}(:\d{2})?")
# What an import writes, but for the account of the files themselves.
IMPORTED = {name: table for name, table in TABLES.items() if table is not Import}
# Decisions are no events of the study.
NOT_MOVED = frozenset(["decided_at", "checked_at"])


def parsed(folder: Path) -> Sheets:
    return {path.name: workbooks.rows_of(path) for path in sorted(folder.glob("*.csv"))}


def text_of(rows: list[list[str]], delimiter: str = ",", end: str = "\n") -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator=end).writerows(rows)
    return stream.getvalue()


def put(folder: Path, sheets: Sheets, *, delimiter: str = ",", end: str = "\n", encoding: str = "utf-8") -> None:
    for name, rows in sheets.items():
        (folder / name).write_bytes(text_of(rows, delimiter, end).encode(encoding))


def read(out: Path) -> dict[str, pd.DataFrame]:
    """Return the tables of an import, times as instants; where a row stood in a file is no part of what it says."""
    found = {name: tables.read(out / f"{name}.csv", table) for name, table in IMPORTED.items()}
    for name, frame in found.items():
        for column in IMPORTED[name].columns:
            if column.kind == "time":
                frame[column.name] = pd.to_datetime(frame[column.name].replace("", None), utc=True, format="ISO8601")
    return {
        name: frame.drop(columns=["source_file", "source_row"], errors="ignore").sort_values(
            [key for key in IMPORTED[name].key if key not in ("source_file", "source_row")], ignore_index=True
        )
        for name, frame in found.items()
    }


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("base")
    return read(cohort_folder.run(cohort_folder.copy(folder / "C01"), folder / "out"))


def shuffled_rows(sheets: Sheets) -> Sheets:
    generator = random.Random(1)
    return {name: [rows[0], *generator.sample(rows[1:], len(rows) - 1)] for name, rows in sheets.items()}


def shuffled_columns(sheets: Sheets) -> Sheets:
    generator = random.Random(2)
    found = {}
    for name, rows in sheets.items():
        order = generator.sample(range(len(rows[0])), len(rows[0]))
        found[name] = [[row[index] for index in order] for row in rows]
    return found


def in_unit(old: str, new: str, factor: str) -> Callable[[Sheets], Sheets]:
    """Return the change of every column in one unit to another; a value of `old` is `factor` of `new`."""

    def change(sheets: Sheets) -> Sheets:
        for rows in sheets.values():
            for index, header in enumerate(rows[0]):
                if header.endswith(f"[{old}]"):
                    rows[0][index] = header.replace(f"[{old}]", f"[{new}]")
                    for row in rows[1:]:
                        row[index] = row[index] and str(Decimal(row[index]) * Decimal(factor))
        return sheets

    return change


def headers(change: Callable[[str], str]) -> Callable[[Sheets], Sheets]:
    """Return the change of all headers, whose units stay."""

    def changed(header: str) -> str:
        name, bracket, unit = header.partition("[")
        return change(name) + bracket + unit

    return lambda sheets: {name: [[changed(cell) for cell in rows[0]], *rows[1:]] for name, rows in sheets.items()}


def every_time(change: Callable[[datetime], str], *, leave: frozenset[str] = frozenset()) -> Callable[[Sheets], Sheets]:
    """Return the change of every time of the sheets, given as local time with its zone."""

    def changed(header: str, cell: str) -> str:
        if header in leave or not TIME.fullmatch(cell):
            return cell
        return change(datetime.fromisoformat(cell).replace(tzinfo=BERLIN))

    return lambda sheets: {
        name: [rows[0], *[[changed(*pair) for pair in zip(rows[0], row, strict=True)] for row in rows[1:]]]
        for name, rows in sheets.items()
    }


def spaced(sheets: Sheets) -> Sheets:
    blank = {name: [""] * len(rows[0]) for name, rows in sheets.items()}
    return {name: [[f" {cell} " for cell in row] for row in rows] + [blank[name]] * 3 for name, rows in sheets.items()}


def with_invisible_signs(sheets: Sheets) -> Sheets:
    return {name: [[f"\ufeff{cell}\u200b\u00a0" for cell in row] for row in rows] for name, rows in sheets.items()}


def with_own_columns(sheets: Sheets) -> Sheets:
    return {
        name: [[*rows[0], "x_box", "note"], *[[*row, "7", "=1+1"] for row in rows[1:]]] for name, rows in sheets.items()
    }


CHANGED: dict[str, Callable[[Sheets], Sheets]] = {
    "rows shuffled": shuffled_rows,
    "columns shuffled": shuffled_columns,
    "uCi for MBq": in_unit("MBq", "uCi", str(1 / Decimal("0.037"))),
    "kBq for MBq": in_unit("MBq", "kBq", "1000"),
    "micro sign": in_unit("MBq", "µCi", str(1 / Decimal("0.037"))),
    "mg for g": in_unit("g", "mg", "1000"),
    "g for mg": in_unit("mg", "g", "0.001"),
    "mL for mm3": in_unit("mm3", "mL", "0.001"),
    "headers in capitals": headers(str.upper),
    "headers with spaces": headers(lambda name: name.replace("_", " ").title()),
    "headers with hyphens": headers(lambda name: name.replace("_", "-")),
    "offsets written out": every_time(lambda moment: moment.isoformat(), leave=frozenset(["date_of_birth"])),
    "times in UTC": every_time(lambda moment: f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"),
    "times of another zone": every_time(lambda moment: moment.astimezone(ZoneInfo("Asia/Tokyo")).isoformat()),
    "spaces and empty rows": spaced,
    "signs that nobody sees": with_invisible_signs,
    "columns of the lab's own": with_own_columns,
}
WRITTEN: dict[str, dict[str, Any]] = {
    "semicolons": {"delimiter": ";"},
    "tabs": {"delimiter": "\t"},
    "byte-order mark": {"encoding": "utf-8-sig"},
    "UTF-16": {"encoding": "utf-16"},
    "lines of Windows": {"end": "\r\n"},
    "lines of an old Mac": {"end": "\r"},
}


def same(found: dict[str, pd.DataFrame], base: dict[str, pd.DataFrame]) -> None:
    for name in IMPORTED:
        # A unit moves a number by a rounding of its last digit at most.
        pd.testing.assert_frame_equal(found[name], base[name], rtol=1e-12, atol=0.0, obj=name)


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_the_same_sheets_in_other_words(
    change: Callable[[Sheets], Sheets], base: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    folder = cohort_folder.copy(tmp_path / "C01")
    put(folder, change(parsed(folder)))
    same(read(cohort_folder.run(folder, tmp_path / "out")), base)


@pytest.mark.parametrize("how", WRITTEN.values(), ids=WRITTEN)
def test_the_same_sheets_in_other_bytes(how: dict[str, Any], base: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    folder = cohort_folder.copy(tmp_path / "C01")
    put(folder, parsed(folder), **how)
    same(read(cohort_folder.run(folder, tmp_path / "out")), base)


def test_a_line_that_tells_excel_the_separator(base: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    folder = cohort_folder.copy(tmp_path / "C01")
    for name, rows in parsed(folder).items():
        (folder / name).write_text("sep=;\n" + text_of(rows, ";"), encoding="utf-8")
    out = cohort_folder.run(folder, tmp_path / "out")
    same(read(out), base)
    rows = tables.read(out / "doses.csv", tables.Doses)["source_row"]
    assert rows.tolist() == [2, 3, 4], "as Excel shows them"


@pytest.mark.parametrize("delimiter", [";", "\t"], ids=["semicolon", "tab"])
def test_a_decimal_comma(delimiter: str, base: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    folder = cohort_folder.copy(tmp_path / "C01")
    sheets = parsed(folder)
    for rows in sheets.values():
        for row in rows[1:]:
            row[:] = [cell.replace(".", ",") if re.fullmatch(r"-?\d+\.\d+", cell) else cell for cell in row]
    put(folder, sheets, delimiter=delimiter)
    same(read(cohort_folder.run(folder, tmp_path / "out")), base)


def test_a_workbook(base: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    folder = cohort_folder.copy(tmp_path / "C01")
    cohort_folder.as_workbook(folder)
    same(read(cohort_folder.run(folder, tmp_path / "out")), base)


@pytest.mark.parametrize("end", ["\r\n", "\r"], ids=["Windows", "old Mac"])
def test_exports_whose_lines_end_otherwise(end: str, base: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    folder = cohort_folder.copy(tmp_path / "C01")
    for path in [*folder.glob("counter/*"), *folder.glob("pet/*")]:
        path.write_bytes(path.read_bytes().replace(b"\n", end.encode()))
    same(read(cohort_folder.run(folder, tmp_path / "out")), base)


def test_names_whose_order_as_text_is_not_that_of_their_numbers(base: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    names = {"M01": "M2", "M02": "M10", "M03": "M1"}
    folder = cohort_folder.copy(tmp_path / "C01")
    sheets = parsed(folder)
    for rows in sheets.values():
        for row in rows[1:]:
            row[:] = [names.get(cell, cell) for cell in row]
    put(folder, sheets)
    for path in folder.glob("pet/*"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub("M0[123]", lambda match: names[match[0]], text), encoding="utf-8")
    found = read(cohort_folder.run(folder, tmp_path / "out"))
    back = {new: old for old, new in names.items()}
    for name, frame in found.items():
        if "animal_id" in frame:
            found[name] = frame.assign(animal_id=frame["animal_id"].map(back).fillna(frame["animal_id"]).astype(str))
            found[name] = found[name].sort_values(
                [key for key in IMPORTED[name].key if key in found[name]], ignore_index=True
            )
    same(found, base)


# ---- the whole cohort at another time ----

SETTINGS = Config.model_validate(
    {
        "study": {"title": "t", "timezone": "Europe/Berlin"},
        "cohorts": [{"name": "C01", "path": "C01"}],
        "groups": [{"name": "UTD", "role": "background"}, {"name": "CAR", "role": "test"}],
        "tracers": cohort_folder.CONFIG["tracers"],
        "regions": cohort_folder.CONFIG["regions"],
        "counter": cohort_folder.CONFIG["counter"],
        "comparison": {"primary": {"groups": ["CAR", "UTD"]}},
    }
).model_dump()


def shown(moment: datetime) -> str:
    """Return a time as a clock in Berlin shows it, with its offset where the clock shows it twice."""
    here = moment.astimezone(BERLIN)
    twice = here.replace(fold=0).utcoffset() != here.replace(fold=1).utcoffset()
    return here.isoformat(sep=" ") if twice else f"{here:%Y-%m-%d %H:%M:%S}"


def move(folder: Path, delta: timedelta) -> None:
    """Move everything that happened in a cohort; exports show the wall clock and no offset."""
    change = every_time(lambda moment: shown(moment.astimezone(UTC) + delta), leave=NOT_MOVED)
    put(folder, change(parsed(folder)))

    def moved(form: str) -> Callable[[re.Match[str]], str]:
        def change(match: re.Match[str]) -> str:
            moment = datetime.strptime(match[0], form).replace(tzinfo=BERLIN).astimezone(UTC) + delta
            return moment.astimezone(BERLIN).strftime(form)

        return change

    for name, pattern, form in (
        ("counter", r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "%Y-%m-%d %H:%M:%S"),
        ("pet", r"\d{4}\.\d\d\.\d\d_\d\d:\d\d:\d\d", "%Y.%m.%d_%H:%M:%S"),
    ):
        for path in folder.glob(f"{name}/*"):
            path.write_text(re.sub(pattern, moved(form), path.read_text(encoding="utf-8")), encoding="utf-8")


def uptake(folder: Path, results: Path) -> dict[str, pd.DataFrame]:
    """Return the tables of stages 2 and 3, but for the times in them."""
    cohort_folder.run(folder, results / "C01" / "1_tables")
    pipeline.measured("C01", SETTINGS, results)
    found = {}
    for stage, table in (
        ("2_activity/tubes", tables.TubeActivity),
        ("2_activity/doses", tables.DoseActivity),
        ("2_activity/rois", tables.RoiActivity),
        ("3_uptake/uptake", tables.Uptake),
        ("3_uptake/quality", Quality),
    ):
        frame = tables.read(results / "C01" / f"{stage}.csv", table)
        found[stage] = frame.drop(columns=[column.name for column in table.columns if column.kind == "time"])
    return found


@pytest.fixture(scope="module")
def base_uptake(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("base")
    return uptake(cohort_folder.copy(folder / "C01"), folder / "results")


# The first injection is at 08:06 UTC on 10 March, the first count at 10:29:30 UTC; the change to summer time is at
# 01:00 UTC on 29 March, the change back at 01:00 UTC on 25 October.
DELTAS = {
    "by 37 min": timedelta(minutes=37),
    "by a year": timedelta(days=-365),
    "over midnight": timedelta(hours=14, minutes=50),
    "over the change to summer time": datetime(2026, 3, 29, 0, 40) - datetime(2026, 3, 10, 8, 6),
    "over the change back": datetime(2026, 10, 25, 0, 50) - datetime(2026, 3, 10, 10, 30),
}


@pytest.mark.parametrize("delta", DELTAS.values(), ids=DELTAS)
def test_a_cohort_moved_in_time_has_the_same_uptake(
    delta: timedelta, base_uptake: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    # Born early enough for a year before.
    folder = cohort_folder.copy(tmp_path / "C01", {"edit": {"animals.csv": [["2025-12-20", "2024-12-20"]] * 3}})
    move(folder, delta)
    found = uptake(folder, tmp_path / "results")
    for stage, frame in found.items():
        pd.testing.assert_frame_equal(frame, base_uptake[stage], rtol=1e-9, atol=1e-12, obj=stage)


def test_a_run_inside_of_the_hour_that_came_twice_is_refused(tmp_path: Path) -> None:
    folder = cohort_folder.copy(tmp_path / "C01")
    move(folder, datetime(2026, 10, 25, 0, 10) - datetime(2026, 3, 10, 10, 30))
    with pytest.raises(InputError, match="clock-change"):
        cohort_folder.run(folder, tmp_path / "out")
