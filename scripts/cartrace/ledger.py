"""The account of an import: what each file was taken for, and what is worth a warning."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cartrace import overrides, plausibility
from cartrace.cohort import Cohort
from cartrace.lab import Findings
from cartrace.sheet import Sheet


def imported(
    cohort_name: str,
    files: Mapping[str, bytes],
    read_in: Mapping[str, Sheet],
    notes: Mapping[str, tuple[list[str], float]],
    found: Findings,
) -> pd.DataFrame:
    """Return the table of files that were read; `notes` are what was done to a sheet's times, and the offset."""
    rows = []
    for file, content in files.items():
        own = {name: sheet for name, sheet in read_in.items() if sheet.file == file and sheet.headers}
        several = len(own) > 1
        conversions = [
            f"{name}: {text}" if several else text
            for name, sheet in own.items()
            for text in [*sheet.conversions.values(), *notes[name][0]]
        ]
        offsets = {notes[name][1] for name in own if notes[name][0] and not np.isnan(notes[name][1])}
        rows.append(
            {
                "file": file,
                "sha256": hashlib.sha256(content).hexdigest(),
                "reader": "sheet",
                "n_rows_read": sum(sheet.n_rows_read for sheet in own.values()),
                "n_rows_used": sum(len(sheet.frame) for sheet in own.values()),
                "conversions": "; ".join(conversions),
                "clock_offset_s": offsets.pop() if len(offsets) == 1 else np.nan,
                "finding": "",
            }
        )
    rows += found.imported
    for row in rows:
        corrected = overrides.counted(read_in["overrides"], str(row["file"]))
        row["conversions"] = "; ".join(filter(None, (str(row["conversions"]), corrected)))
    frame = pd.DataFrame(rows)
    frame.insert(0, "cohort", cohort_name)
    return frame


def quality(
    cohort_name: str, cohort: Cohort, found: Findings, strangers: Sequence[str], odd: Sequence[plausibility.Row]
) -> pd.DataFrame:
    """Return the table of warnings; `odd` are those of the checks of plausibility."""
    rows = [*_gaps(cohort), *found.quality]
    rows += [
        ("unused-sheet", tab, f"The sheet '{tab}' of the workbook is none of cartrace's and was not read")
        for tab in strangers
    ]
    every = [*((*row, np.nan, np.nan) for row in rows), *odd]
    frame = pd.DataFrame(every, columns=["check", "subject", "message", "value", "threshold"])
    frame.insert(0, "cohort", cohort_name)
    return frame.astype({"value": float, "threshold": float}).assign(status="warn")


def _gaps(cohort: Cohort) -> list[tuple[str, str, str]]:
    """Return animals without a dose or a cell clock, and doses without tubes or scans."""
    dosed = set(cohort["doses"].text("animal_id"))
    rows = [
        ("animal-without-dose", animal, f"The mouse {animal} has no row in the sheet of doses; it has no uptake")
        for animal in cohort["animals"].text("animal_id")
        if animal not in dosed
    ]
    animals = cohort["animals"]
    rows += [
        (
            "no-cell-clock",
            animal,
            f"The mouse {animal} has neither cells_infused_at nor enrolled_at; its days are unknown",
        )
        for animal, is_timed in zip(
            animals.text("animal_id"), animals.given("cells_infused_at") | animals.given("enrolled_at"), strict=True
        )
        if not is_timed
    ]
    measured = {
        key
        for name, column in (("tubes", "session"), ("tubes", "second_session"), ("scans", "session"))
        for key in zip(cohort[name].text("animal_id"), cohort[name].text(column), strict=True)
    }
    rows += [
        (
            "dose-without-data",
            f"{animal} {session}",
            f"The dose of {animal} in {session} has neither tubes nor scans; it has no uptake",
        )
        for animal, session in cohort.dose_rows
        if (animal, session) not in measured
    ]
    return rows
