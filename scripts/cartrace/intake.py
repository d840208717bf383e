"""From a cohort's folder to its tables: the sheets, the exports they name, and all that is wrong with either."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any

import numpy as np
import pandas as pd

from cartrace import exclusions, exports, grids, ledger, overrides, plausibility, sheet_rules, sheets, times
from cartrace.clock import shift
from cartrace.cohort import Cohort
from cartrace.collapse import collapse
from cartrace.errors import InputError, Problem, nearest, plain
from cartrace.exports import COUNT_COLUMNS, ROI_COLUMNS
from cartrace.lab import Lab
from cartrace.plausibility import Evidence
from cartrace.radionuclides import Nuclide, of_tracers
from cartrace.readers.export import Export, plain_number
from cartrace.sheet import Clock, Sheet
from cartrace.sheet_models import CLOCK_OF, Reading
from cartrace.tables import SHEETS, Clocks, Overrides, Table
from cartrace.vocabulary import Vocabulary
from cartrace.workbooks import is_workbook

WORKBOOK = "cohort.xlsx"
BY_NAME: Mapping[str, type[Table]] = {table.__name__.lower(): table for table in SHEETS}
# A decision and the check of a clock are no events on a clock that is compared with others.
_NOT_SHIFTED = frozenset(["checked_at", "decided_at"])


@dataclass(frozen=True)
class Study:
    """What the study's config says about the intake of one cohort.

    Parameters
    ----------
    cohort : str
        Name of the cohort.
    timezone, date_format, residual_missing : str
        As in the config.
    groups : sequence of str
        Names of the groups.
    tracers : sequence of mapping
        Name and nuclide of every tracer.
    counter, pet : mapping
        The config's sections.
    vocabulary : Vocabulary
        Regions and tissues.
    nuclides : sequence of Nuclide
        Half-lives.
    readout_time_of_day : str
        Time of day of a readout whose export has a date only, HH:MM.
    """

    cohort: str
    timezone: str
    date_format: str
    residual_missing: str
    groups: Sequence[str]
    tracers: Sequence[Mapping[str, str]]
    counter: Mapping[str, Any]
    pet: Mapping[str, Any]
    vocabulary: Vocabulary
    nuclides: Sequence[Nuclide]
    readout_time_of_day: str


def read(
    study: Study, files: Mapping[str, bytes], exported: Sequence[str], load: Callable[[str], bytes]
) -> dict[str, pd.DataFrame]:
    """Return the tables of a cohort by their name.

    Parameters
    ----------
    study : Study
        What the config says.
    files : mapping of str to bytes
        The sheets by the name of their file.
    exported : sequence of str
        Paths of all exports inside the cohort's folder.
    load : callable
        Bytes of such a path.

    Returns
    -------
    dict of str to DataFrame
        animals, doses, tubes, counts, scans, rois, calibration, readouts, exclusions, overrides, import, quality.

    Raises
    ------
    InputError
        Everything that is wrong with the sheets and the exports, together.
    """
    wall = _wall(study)
    meant_for, misnamed, others = _named(files)
    files = {file: files[file] for file in meant_for}
    read_in, general, strangers = _sheets(study, files, meant_for, wall)
    clocks = dict(sheets.clocks(read_in["clocks"], wall))
    notes = {name: _on_one_clock(sheet, clocks) for name, sheet in read_in.items()}
    _canonical(read_in, study.vocabulary)
    cohort = Cohort(
        read_in, study.groups, [item["name"] for item in study.tracers], study.vocabulary, study.residual_missing
    )
    sheet_rules.check(cohort)
    lab = Lab(
        study.counter, study.pet, study.tracers, study.nuclides, clocks, study.date_format, study.readout_time_of_day
    )
    corrected = overrides.correct_exports(read_in, exported, load)
    found = exports.read(cohort, lab, exported, lambda name: corrected.get(name) or Export(name, load(name)))
    evidence = Evidence(
        cohort,
        lab,
        exports.table(found.counts, COUNT_COLUMNS, study.cohort),
        exports.table(found.rois, ROI_COLUMNS, study.cohort),
        {row["file"]: row["sha256"] for row in found.imported},
    )
    found.quality += [
        ("unused-sheet", file, f"The file {file} has the name of no sheet of cartrace's and was not read")
        for file in others
    ]
    problems = (
        misnamed
        + general
        + [problem for sheet in read_in.values() for problem in _by_row(sheet.problems)]
        + found.problems
    )
    problems += [*plausibility.impossible(evidence), *_nuclides(study)]
    if problems:
        raise _refusal(study.cohort, problems)
    odd = plausibility.odd(evidence)
    tables = {name: sheet.frame for name, sheet in read_in.items()}
    weighed = tables["tubes"]["gross_g"] - tables["tubes"]["tare_g"]
    tables["tubes"]["mass_g"] = tables["tubes"]["mass_g"].fillna(weighed)
    tables["counts"], tables["rois"] = evidence.counts, evidence.rois
    if problems := _decisions(read_in["exclusions"], tables):
        raise _refusal(study.cohort, problems)
    tables["import"] = ledger.imported(study.cohort, files, read_in, notes, found)
    tables["quality"] = ledger.quality(study.cohort, cohort, found, strangers, odd)
    return tables


def _refusal(cohort: str, problems: Sequence[Problem]) -> InputError:
    consequence = (
        f"Nothing was calculated from the cohort {cohort}. docs/errors.md explains the codes in brackets; what can "
        "harm most comes first."
    )
    return InputError(collapse(problems), consequence=consequence)


def _nuclides(study: Study) -> Sequence[Problem]:
    """Return the tracers of the config whose nuclide is not in the table of nuclides."""
    try:
        of_tracers(study.tracers, study.nuclides, source="ENSDF")
    except InputError as error:
        return error.problems
    return ()


def _decisions(sheet: Sheet, tables: Mapping[str, pd.DataFrame]) -> list[Problem]:
    """Return the exclusions that concern nothing."""
    names = ("animals", "doses", "tubes", "scans", "rois")
    try:
        exclusions.check(sheet.frame, **{name: tables[name] for name in names})
    except InputError as error:
        return [
            replace(
                problem,
                file=sheet.file,
                sheet=sheet.name,
                column=sheet.headers.get(problem.column, problem.column),
                letter=sheet.letters.get(problem.column, ""),
            )
            for problem in error.problems
        ]
    return []


def _wall(study: Study) -> tzinfo:
    try:
        return times.zone(study.timezone)
    except times.TimeProblem as problem:
        raise InputError(
            [
                Problem(
                    problem.code,
                    problem.why,
                    problem.remedy,
                    file="the config",
                    column="study.timezone",
                    value=study.timezone,
                )
            ]
        ) from None


# ---- the sheets ----


def _sheets(
    study: Study, files: Mapping[str, bytes], meant_for: Mapping[str, str], wall: tzinfo
) -> tuple[dict[str, Sheet], list[Problem], list[str]]:
    """Return every sheet by name, problems that belong to none, and tabs of the workbook that are none."""
    plain_files = [name for name in files if name != WORKBOOK]
    if WORKBOOK in files and plain_files:
        why = f"sheets stand both in {WORKBOOK} and in {', '.join(plain_files)}"
        raise InputError(
            [Problem("two-sources", why, "Keep the workbook or the CSV files, not both", file=study.cohort)]
        )
    found, problems, strangers = _grids(files, meant_for)
    zones: dict[str, tzinfo] = dict.fromkeys(("calibrator", "counter", "scanner", "wall"), wall)
    reading = Reading(zones, study.date_format)
    read_in: dict[str, Sheet] = {}
    corrections: dict[str, list[overrides.Override]] = {}
    # First what changes the others: overrides their cells, clocks their zones.
    order = ["overrides", "clocks"]
    for name in [*order, *(name for name in BY_NAME if name not in order)]:
        table = BY_NAME[name]
        if name not in found:
            read_in[name] = sheets.absent(table)
            continue
        file, tab, grid = found[name]
        own = corrections.get(f"{file} > {tab}" if tab else file)
        if own and table is not Overrides:
            grid = overrides.correct_grid(read_in["overrides"], grid, own)
        read_in[name] = sheets.read(grid, table, file=file, name=tab, cohort=study.cohort, reading=reading)
        if table is Overrides:
            corrections = overrides.declared(read_in[name])
        if table is Clocks:
            device_clocks = dict(sheets.clocks(replace(read_in[name], problems=[]), wall))
            reading = replace(reading, zones={device: clock.zone for device, clock in device_clocks.items()})
    if "animals" not in found and not problems:
        remedy = f"Add animals.csv, or a sheet 'animals' to {WORKBOOK}, with one row per mouse"
        problem = Problem("missing-sheet", "the cohort has no sheet of animals", remedy, file=study.cohort)
        read_in["animals"].problems.append(problem)
    animals = read_in["animals"]
    if not len(animals.frame) and not animals.problems and not problems:
        why, remedy = "the sheet has no row", "Write a row for every mouse"
        animals.problems.append(Problem("empty-sheet", why, remedy, file=animals.file, sheet=animals.name, row=1))
    return {name: read_in[name] for name in BY_NAME}, problems, strangers


def _named(files: Mapping[str, bytes]) -> tuple[dict[str, str], list[Problem], list[str]]:
    """Return the sheet that each file is, the files that only almost have its name, and the names of all others.

    A misnamed CSV is read as what it was meant for, so that its absence is not told in every other sheet.
    """
    known = {WORKBOOK: WORKBOOK, **{f"{name}.csv": name for name in BY_NAME}}
    meant_for = {file: known[file] for file in files if file in known}
    problems, others = [], []
    for file in files:
        if file in known or plain(file).startswith("x "):
            continue
        stem, _, suffix = file.rpartition(".")
        close = nearest(stem, [name.rpartition(".")[0] for name in known])
        if not close:
            others.append(file)
            continue
        meant = next(name for name in known if name.startswith(f"{close[0]}."))
        why, remedy = "no sheet has this name", f"Did you mean '{meant}'? Rename it, or take it out of the folder"
        if suffix.lower() not in ("csv", "xlsx"):
            why, remedy = (
                "this kind of file is not read",
                f"Save it in Excel as '{meant}', or take it out of the folder",
            )
        problems.append(Problem("unknown-sheet", why, remedy, file=file))
        if suffix.lower() == "csv" and meant != WORKBOOK and known[meant] not in meant_for.values():
            meant_for[file] = known[meant]
    return meant_for, problems, others


def _grids(
    files: Mapping[str, bytes], meant_for: Mapping[str, str]
) -> tuple[dict[str, tuple[str, str, grids.Grid]], list[Problem], list[str]]:
    """Return file, tab and grid of every sheet."""
    found: dict[str, tuple[str, str, grids.Grid]] = {}
    problems: list[Problem] = []
    strangers: list[str] = []
    meant: dict[str, tuple[str, str, grids.Grid]] = {}
    for file, content in files.items():
        if file != WORKBOOK:
            name = meant_for[file]
            if is_workbook(content):
                remedy = f"Save it as CSV UTF-8, or put its sheets into {WORKBOOK}"
                problem = Problem("not-a-csv", "this is an Excel workbook with the name of a CSV", remedy)
                found[name] = (file, "", grids.Grid([], problems=(problem,)))
                continue
            found[name] = (
                file,
                "",
                grids.from_csv(content, [column.header for column in BY_NAME[name].sheet_columns()]),
            )
            continue
        for tab, grid in grids.from_workbook(content).items():
            name = plain(tab)
            if name.startswith("x "):
                continue
            if not tab:
                problems += [replace(problem, file=file) for problem in grid.problems]
            elif name in found:
                remedy = "Rename or remove one of them"
                problems.append(Problem("unknown-sheet", "two sheets have this name", remedy, file=file, sheet=tab))
            elif name in BY_NAME:
                found[name] = (file, tab, grid)
            elif close := nearest(tab, BY_NAME):
                remedy = f"Did you mean '{close[0]}'? Rename or remove the sheet"
                problems.append(Problem("unknown-sheet", "the sheet is not known", remedy, file=file, sheet=tab))
                # So that its absence is not told in every other sheet.
                meant.setdefault(close[0], (file, tab, grid))
            else:
                strangers.append(tab)
    return {**meant, **found}, problems, strangers


def _on_one_clock(sheet: Sheet, clocks: Mapping[str, Clock]) -> tuple[list[str], float]:
    """Subtract each device's offset from the times it wrote; return what was done, and the offset if it was one."""
    done: dict[str, list[str]] = {}
    for column in sheet.table.sheet_columns():
        device = CLOCK_OF.get(column.name, "wall")
        offset = clocks[device].offset_s
        if column.kind != "time" or column.name in _NOT_SHIFTED or column.name not in sheet.headers or np.isnan(offset):
            continue
        done.setdefault(device, []).append(column.header)
        if offset != 0.0:
            moved = shift(sheet.frame[column.name], np.full(len(sheet.frame), -offset))
            sheet.frame[column.name] = moved
    notes = [
        f"{clocks[device].offset_s:g} s ({device}) subtracted from {', '.join(names)}" for device, names in done.items()
    ]
    return notes, clocks[next(iter(done))].offset_s if len(done) == 1 else float("nan")


def _canonical(read_in: Mapping[str, Sheet], vocabulary: Vocabulary) -> None:
    """Bring names of tissues, regions and files, and racks and positions, into one form."""
    for name, column in (("tubes", "counter_file"), ("exclusions", "counter_file"), ("scans", "file")):
        frame = read_in[name].frame
        names = {text: unicodedata.normalize("NFC", text.replace("\\", "/")) for text in frame[column].unique()}
        frame[column] = frame[column].map(names).astype(str)
    for name, column in (("tubes", "tissue"), ("exclusions", "region"), ("volumes", "region")):
        frame = read_in[name].frame
        names = {text: vocabulary.canonical(text) or text for text in frame[column].unique()}
        frame[column] = frame[column].map(names).astype(str)
    for name in ("tubes", "exclusions"):
        frame = read_in[name].frame
        for column in ("rack", "position"):
            frame[column] = frame[column].map(plain_number).astype(str)


def _by_row(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: problem.row or 0)
