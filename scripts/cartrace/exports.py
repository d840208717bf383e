"""The exports of a cohort, each joined by key with the sheet that names it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from cartrace import counter_exports, pet_exports, readout_exports
from cartrace.cohort import Cohort
from cartrace.errors import InputError, nearest
from cartrace.lab import Findings, Lab
from cartrace.readers import Export
from cartrace.sheet import Sheet
from cartrace.tables import Counts, Rois

COUNT_COLUMNS = [column.name for column in Counts.columns if column.name != "cohort"]
# What may stand beside a ROI export: acquisition times of PMOD, the JSON of BIDS.
_BESIDE = (".acqtimes", ".json")
ROI_COLUMNS = [column.name for column in Rois.columns if column.name != "cohort"]


def table(rows: list[tuple[Any, ...]], columns: list[str], cohort: str) -> pd.DataFrame:
    """Return rows as a frame with the cohort's name in front."""
    frame = pd.DataFrame(rows, columns=columns)
    frame.insert(0, "cohort", cohort)
    return frame


def read(cohort: Cohort, lab: Lab, files: Sequence[str], load: Callable[[str], Export]) -> Findings:
    """Read every export that a sheet names, and join it with the sheet.

    Parameters
    ----------
    cohort : Cohort
        The sheets; problems that belong to a row of theirs are added to them.
    lab : Lab
        What the config says about instruments.
    files : sequence of str
        Paths of all exports inside the cohort's folder.
    load : callable
        The file behind such a path, with the cohort's overrides applied.
    """
    findings = Findings()
    for name, rows in _files(cohort["tubes"], "counter_file", "counter", files):
        try:
            counter_exports.join(cohort, lab, load(name), rows, findings)
        except InputError as error:
            findings.problems += error.problems
    companions = {end: [file for file in files if file.startswith("pet/") and file.endswith(end)] for end in _BESIDE}
    for name, rows in _files(cohort["scans"], "file", "pet", files):
        near = {end: pet_exports.beside(name, own, exact=end == ".json") for end, own in companions.items()}
        beside = {end: load(file) for end, file in near.items() if file and file != name}
        try:
            pet_exports.join(cohort, lab, load(name), rows, beside, findings)
        except InputError as error:
            findings.problems += error.problems
    for name in (file for file in files if file.startswith("readouts/")):
        try:
            readout_exports.join(cohort, lab, load(name), findings)
        except InputError as error:
            findings.problems += error.problems
            findings.used.add(name)
    pet_exports.volumes_left(cohort, findings)
    for file in files:
        if file not in findings.used:
            message = f"No sheet names {file}; add it to the sheet of tubes or scans, or remove it"
            findings.quality.append(("unused-export", file, message))
    return findings


def _files(sheet: Sheet, column: str, folder: str, files: Sequence[str]) -> list[tuple[str, list[int]]]:
    """Return every file that a sheet names with its rows' indices; report names that are not there."""
    inside = [file for file in files if file.startswith(f"{folder}/")]
    there = {unicodedata.normalize("NFC", file.removeprefix(f"{folder}/")): file for file in inside}
    rows: dict[str, list[int]] = {}
    for index, name in enumerate(sheet.frame[column]):
        if name:
            rows.setdefault(name, []).append(index)
    found = []
    for name, indices in rows.items():
        if name in there:
            found.append((there[name], indices))
            continue
        # A file that another row names already was hardly meant.
        close = nearest(name, [file for file in there if file not in rows]) or nearest(name, there)
        elsewhere = next((file for file in files if file.endswith(f"/{name}")), "")
        if elsewhere.startswith(f"{folder}/"):
            remedy = f"Write its folder too: '{elsewhere.removeprefix(f'{folder}/')}'"
        elif elsewhere:
            remedy = f"It stands in {elsewhere.partition('/')[0]}/; move it into {folder}/"
        elif close:
            remedy = f"Did you mean '{close[0]}'? Correct the name"
        else:
            remedy = f"Put the file into {folder}/, or correct the name"
        why = f"there is no such file in the folder {folder}/"
        sheet.problems += [sheet.problem(index, column, "file-not-found", why, remedy) for index in indices]
    return found
