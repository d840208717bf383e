"""Tables for other programs: wide ones for Prism, and the biodistribution as PIXI-XNAT takes it."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from functools import cache

import pandas as pd

from cartrace.report.blocks import records
from cartrace.report.study import MAIN, MOUSE, Study

# The columns of PIXI's own template, in its order and spelling.
PIXI_COLUMNS = (
    "subject_id,sample_type,subject_group,sample_weight,sample_weight_unit,%_id_g,%_id_organ,decay_corrected_cpm,"
    "injection_datetime,experiment_datetime,measurement_datetime,animal_sacrifice_datetime,timepoint_value,"
    "timepoint_unit,tracer,isotope,diluent,injected_dose,injected_dose_unit,injection_route,injection_site,"
    "injection_volume,injection_volume_unit,injection_total_counts,technician,acqusition_site,animal_weight,"
    "animal_weight_unit,anesthesia,anesthesia_route,note"
).split(",")
_FORMULA = ("=", "+", "-", "@", "\t")


def exchange_files(study: Study) -> dict[str, str]:
    """Return the files of the folder ``exchange/`` by name.

    Parameters
    ----------
    study : Study
        Uses `endpoints`, `uptake`, `doses`, `dose_activity`, `tube_activity`, `animals`.

    Returns
    -------
    dict
        ``prism_<endpoint>_<where>.csv`` for each endpoint, and ``pixi_biodistribution.csv`` where tissues were counted.
    """
    found = prism_tables(study)
    if study.has_counter:
        found["pixi_biodistribution.csv"] = pixi(study)
    return found


def prism_tables(study: Study) -> dict[str, str]:
    """Return wide tables: a row a tissue or session, a column a mouse under its group, as a grouped table is pasted.

    Excluded mice and missing values are empty cells.
    """
    main = study.endpoints[(study.endpoints["analysis"] == MAIN) & study.endpoints["value"].notna()]
    found: dict[str, str] = {}
    for place, some in main.groupby(["endpoint", "modality"], sort=True):
        endpoint, modality = (str(part) for part in place)
        # Counted tissues lie side by side, scans follow each other, and parameters have one row.
        along = "region" if modality == "counter" else "session"
        across = "session" if modality == "counter" else "region"
        for part, rows in some.groupby(across, sort=True):
            words = [endpoint, modality, str(part)]
            name = "_".join(re.sub(r"[^A-Za-z0-9_.-]+", "-", word) for word in words if word)
            unique, number = f"prism_{name}.csv", 2
            while unique in found:
                unique, number = f"prism_{name}-{number}.csv", number + 1
            found[unique] = _wide(study, rows, along)
    return found


def _wide(study: Study, rows: pd.DataFrame, along: str) -> str:
    values = {
        (str(row[along]), row["cohort"], row["animal_id"]): float(row["value"])
        for row in records(rows)
        if not row["excluded"]
    }
    measured = set(map(tuple, rows[MOUSE].to_numpy(dtype=str)))
    mice = [mouse for key, mouse in study.mice.items() if key in measured]
    mice.sort(key=lambda mouse: (mouse.group_number, mouse.number))
    lines: list[list[str]] = [["", *(study.labels[mouse.group] for mouse in mice)]]
    lines.append([along, *(f"{mouse.cohort} {mouse.animal_id}" for mouse in mice)])
    for name in sorted({key[0] for key in values}):
        cells = [values.get((name, mouse.cohort, mouse.animal_id), math.nan) for mouse in mice]
        lines.append([name or "value", *("" if math.isnan(cell) else repr(cell) for cell in cells)])
    return _csv(lines)


def pixi(study: Study) -> str:
    """Return the counter's uptake in the columns of PIXI-XNAT's biodistribution upload.

    PIXI splits lines at every comma and knows one sample of a kind per subject, so that commas in texts become
    semicolons, and a mouse that was counted in several sessions has the session in its name. The last column is always
    filled, since PIXI's reader drops empty cells at the end of a line. Excluded values are left out.
    """
    rows = study.uptake[(study.uptake["modality"] == "counter") & (study.uptake["status"] == "ok")]
    rows = rows[~rows["excluded"]]
    key = [*MOUSE, "session"]
    doses = {tuple(row[name] for name in key): row for row in records(study.dose_activity)}
    sheets = {tuple(row[name] for name in key): row for row in records(study.doses)}
    animals = {tuple(row[name] for name in MOUSE): row for row in records(study.animals)}
    tissue = study.tube_activity[study.tube_activity["role"] == "tissue"]
    rates = tissue.groupby([*key, "region"])["net_cps_at_injection"].sum(min_count=1).to_dict()
    sessions = rows.groupby(MOUSE)["session"].nunique().to_dict()
    cohorts = study.animals.groupby("animal_id")["cohort"].nunique().to_dict()
    lines: list[Sequence[str]] = [PIXI_COLUMNS]
    labels, plain = study.labels, cache(_plain)
    for row in records(rows):
        place = tuple(row[name] for name in key)
        dose, sheet, animal = doses.get(place, {}), sheets.get(place, {}), animals[place[:2]]
        name = f"{row['cohort']} {row['animal_id']}" if cohorts[row["animal_id"]] > 1 else row["animal_id"]
        name += f" {row['session']}" if sessions[place[:2]] > 1 else ""
        texts = {
            "subject_id": name,
            "sample_type": row["region"],
            "subject_group": labels[row["group"]],
            "sample_weight_unit": "g",
            "injection_datetime": _american(str(dose.get("injected_at", ""))),
            "experiment_datetime": _american(row["measured_at"]),
            "measurement_datetime": _american(row["measured_at"]),
            "animal_sacrifice_datetime": _american(animal["ended_at"]),
            "timepoint_unit": "hours",
            "tracer": row["tracer"],
            "isotope": row["nuclide"],
            "injected_dose_unit": "MBq",
            "injection_route": str(sheet.get("route", "")),
            "animal_weight_unit": "g",
            "note": "below detection" if row["is_below_detection"] else "detected",
        }
        numbers = {
            "sample_weight": row["mass_g"],
            "%_id_g": row["uptake_pct_id_per_g"],
            "%_id_organ": row["uptake_pct_id"],
            "decay_corrected_cpm": 60.0 * float(rates.get((*place, row["region"]), math.nan)),
            "timepoint_value": row["tracer_h"],
            "injected_dose": float(dose.get("net_injected_kbq", math.nan)) / 1000.0,
            "animal_weight": float(dose.get("body_weight_g", math.nan)),
        }
        cells = {name: plain(text) for name, text in texts.items()}
        cells |= {name: _number(value) for name, value in numbers.items()}
        lines.append([cells.get(column, "") for column in PIXI_COLUMNS])
    return "".join(",".join(line) + "\n" for line in lines)


def _number(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))


def _american(stamp: str) -> str:
    """Return a stamp as PIXI reads it, month first and in the stamp's own offset: ``03/14/2026 10:05:00``."""
    if not stamp:
        return ""
    date, time = stamp.split("T")
    year, month, day = date.split("-")
    return f"{month}/{day}/{year} {time[:8]}"


def _plain(text: str) -> str:
    """Return a text without what PIXI's reader takes for a border, and that no spreadsheet takes for a formula."""
    clean = re.sub(r"[\r\n]+", " ", text).replace(",", ";").replace('"', "'")
    return _harmless(clean)


def _harmless(text: str) -> str:
    """Return a text that a spreadsheet takes for text; numbers stay as they are."""
    if not text.startswith(_FORMULA) or re.fullmatch(r"[-+]?\d+(\.\d*)?(e[-+]?\d+)?", text):
        return text
    return f"'{text}"


def _csv(lines: Iterable[Sequence[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([[_harmless(cell) for cell in line] for line in lines])
    return stream.getvalue()
