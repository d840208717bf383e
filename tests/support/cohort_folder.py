"""A small valid cohort, copied and changed, and the import of it."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl

import import_tables

ROOT = Path(__file__).parents[2]
BASE = ROOT / "tests" / "data" / "bad" / "base"
OUTPUTS = [
    *("animals", "doses", "tubes", "counts", "scans", "rois", "calibration", "readouts", "exclusions", "overrides"),
    *("imported", "quality"),
]
CONFIG: dict[str, Any] = {
    "timezone": "Europe/Berlin",
    "date_format": "ISO",
    "groups": ["UTD", "CAR"],
    "tracers": [{"name": "[18F]TFB", "nuclide": "F-18", "reporter": "hNIS"}],
    "regions": [{"name": "tumour", "synonyms": ["Tumor"], "density_g_per_ml": 1.05}],
    "counter": {
        "format": "auto",
        "windows": {"[18F]TFB": "F-18"},
        "dead_time_us": 3.1,
        "background_cps": None,
        "time_is": "start",
        "columns": {},
    },
    "pet": {"format": "auto", "columns": {}},
    "residual_missing": "error",
    "readout_time_of_day": "12:00",
}


def copy(folder: Path, case: dict[str, Any] | None = None) -> Path:
    """Copy a valid cohort and make a case's changes."""
    case = case or {}
    shutil.copytree(BASE.parent / case.get("base", "base"), folder)
    for name, source in case.get("copy", {}).items():
        shutil.copy(folder / source, folder / name)
    for name, changes in case.get("edit", {}).items():
        text = (folder / name).read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, f"{case.get('case')}: {name} has no {old!r}"
            text = text.replace(old, new, 1)
        (folder / name).write_text(text, encoding="utf-8")
    for name in case.get("remove", []):
        (folder / name).unlink()
    for name, text in case.get("add", {}).items():
        (folder / name).write_text(text, encoding=case.get("encoding", "utf-8"))
    if "workbook" in case:
        as_workbook(folder, case["workbook"])
    return folder


def as_workbook(folder: Path, changes: Mapping[str, Mapping[str, Any]] | None = None) -> None:
    """Put a folder's CSV sheets into cohort.xlsx in their place, and write cells of `changes` by tab and place."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for path in sorted(folder.glob("*.csv")):
        tab = book.create_sheet(path.stem)
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.reader(stream):
                tab.append([_typed(cell) for cell in row])
        path.unlink()
    for name, cells in (changes or {}).items():
        tab = book[name] if name in book.sheetnames else book.create_sheet(name)
        for place, value in cells.items():
            if ":" in place:
                tab.merge_cells(place)
            else:
                tab[place] = value
    book.save(folder / "cohort.xlsx")


def _typed(cell: str) -> Any:
    """Return a cell as Excel would hold it."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}(:\d{2})?", cell):
        return datetime.fromisoformat(cell)
    return float(cell) if re.fullmatch(r"-?\d+(\.\d+)?", cell) else cell or None


def settings(folder: Path, **changes: Any) -> dict[str, Any]:
    """Return what an import of the folder is called with; `changes` go over the config, sections key by key."""
    config = {
        key: {**value, **changes.get(key, {})} if isinstance(value, dict) else changes.get(key, value)
        for key, value in CONFIG.items()
    }
    exports = [path for name in ("counter", "pet", "readouts") for path in (folder / name).rglob("*") if path.is_file()]
    return {
        "sheets": sorted(str(path) for path in folder.iterdir() if path.suffix in (".csv", ".xlsx", ".xls")),
        "exports": sorted(map(str, exports)),
        "tissues": str(ROOT / "resources" / "tissues.csv"),
        "radionuclides": str(ROOT / "resources" / "radionuclides.csv"),
        "cohort": "C01",
        "folder": str(folder),
        **config,
    }


def run(folder: Path, out: Path, **changes: Any) -> Path:
    """Import a cohort; `changes` go over the config, sections key by key."""
    import_tables.main(**settings(folder, **changes), **{name: str(out / f"{name}.csv") for name in OUTPUTS})
    return out
