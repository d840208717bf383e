"""A small valid cohort, copied and changed, and the import of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import import_tables

ROOT = Path(__file__).parents[2]
BASE = ROOT / "tests" / "data" / "bad" / "base"
OUTPUTS = [
    *("animals", "doses", "tubes", "counts", "scans", "rois", "calibration", "readouts", "exclusions"),
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
}


def copy(folder: Path, case: dict[str, Any] | None = None) -> Path:
    """Copy the valid cohort and make a case's changes."""
    shutil.copytree(BASE, folder)
    case = case or {}
    for name, changes in case.get("edit", {}).items():
        text = (folder / name).read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, f"{case.get('case')}: {name} has no {old!r}"
            text = text.replace(old, new, 1)
        (folder / name).write_text(text, encoding="utf-8")
    for name in case.get("remove", []):
        (folder / name).unlink()
    for name, text in case.get("add", {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def run(folder: Path, out: Path, **changes: Any) -> Path:
    """Import a cohort; `changes` go over the config, sections key by key."""
    config = {
        key: {**value, **changes.get(key, {})} if isinstance(value, dict) else changes.get(key, value)
        for key, value in CONFIG.items()
    }
    exports = [path for name in ("counter", "pet", "readouts") for path in (folder / name).rglob("*") if path.is_file()]
    import_tables.main(
        sheets=sorted(str(path) for path in folder.iterdir() if path.suffix in (".csv", ".xlsx")),
        exports=sorted(map(str, exports)),
        tissues=str(ROOT / "resources" / "tissues.csv"),
        radionuclides=str(ROOT / "resources" / "radionuclides.csv"),
        cohort="C01",
        folder=str(folder),
        **{name: str(out / f"{name}.csv") for name in OUTPUTS},
        **config,
    )
    return out
