"""A page a mouse: its facts, doses and tissues, and the whole arithmetic behind each uptake.

The page is built in the browser from plain data, so that hundreds of mice stay quick. All texts and roundings are made
here; the browser only puts them into place.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from cartrace import display
from cartrace.limits import LAYERS
from cartrace.names import some_mice
from cartrace.report.blocks import Answer, Block, MousePages, records
from cartrace.report.study import MAIN, MOST_PAGES, MOUSE, Mouse, Study

# With this many digits a reader can follow the arithmetic on a pocket calculator.
DIGITS = 6
MOST_CURVE_POINTS = 41
TUBE = ["cohort", "counter_file", "rack", "position", "window"]
SAMPLE = ["cohort", "animal_id", "session", "region"]
IMAGED = ["cohort", "scan_id", "region"]


def mouse_pages(study: Study) -> list[Block]:
    """Return the pages of all mice."""
    if not study.with_page:
        return []
    pages = Pages(study)
    headings = tuple((mouse, pages.heading(mouse)) for mouse in study.with_page.values())
    n_values = sum(row["status"] == "ok" for rows in pages.uptake.values() for row in rows)
    text = (
        f"{some_mice(len(headings))}, {n_values} uptakes; each opens to its whole "
        "calculation, from the raw counts and their row in the file to the last division."
    )
    if len(headings) < len(study.mice):
        text += (
            f" The study has {len(study.mice)} mice, too many for a page each: here are those with an exclusion or a "
            f"check that was not passed, {MOST_PAGES} at most. All numbers stand in the tables."
        )
    return [Answer(text), MousePages(headings, as_json(pages.data()))]


def as_json(data: Mapping[str, Any]) -> Markup:
    """Return data as JSON that can stand inside a script element: no text can close it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def exact(value: float) -> str:
    """Return a number of an arithmetic, with six significant digits; a missing one is an empty text."""
    if math.isnan(value):
        return ""
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e7:
        places = max(DIGITS - 1 - math.floor(math.log10(abs(value))), 0)
        text = f"{value:.{places}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.{DIGITS - 1}e}"


class Pages:
    """Gathers what the pages show, each text once."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.texts: list[str] = []
        self.places: dict[str, int] = {}
        self.tubes = self._grouped(self._tubes(), SAMPLE)
        self.frames = self._grouped(self._frames(), IMAGED)
        self.animals = self._grouped(study.animals, MOUSE)
        self.uptake = self._grouped(study.uptake, MOUSE)
        self.doses = self._grouped(self._doses(), MOUSE)
        self.cells = self._grouped(study.cells[study.cells["role"] != "background"], MOUSE)
        curves = study.curves[(study.curves["analysis"] == MAIN) & (study.curves["level"] == "animal")]
        self.curves = self._grouped(curves[curves["model"] == study.chosen_model], MOUSE)
        parameters = study.estimates[(study.estimates["analysis"] == MAIN) & (study.estimates["level"] == "animal")]
        self.parameters = self._grouped(parameters[parameters["model"] == study.chosen_model], MOUSE)
        self.ratios = self._grouped(study.ratios[study.ratios["status"] == "ok"], MOUSE)
        self.quality: dict[int, list[dict[str, Any]]] = {}
        for row in records(study.quality[study.quality["status"] != "pass"]):
            about = study.mouse_of(row["cohort"], row["subject"])
            if about is not None:
                self.quality.setdefault(about.number, []).append(row)
        excluded = study.excluded_parts() if len(study.exclusions) else study.exclusions
        self.exclusions = self._grouped(excluded, MOUSE)

    def _grouped(self, frame: pd.DataFrame, key: Sequence[str]) -> dict[tuple[str, ...], list[dict[str, Any]]]:
        found: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        if len(self.study.with_page) < len(self.study.mice):
            chosen = pd.MultiIndex.from_tuples(list(self.study.with_page), names=MOUSE)
            frame = frame[pd.MultiIndex.from_frame(frame[MOUSE]).isin(chosen)]
        for row in records(frame):
            found.setdefault(tuple(row[name] for name in key), []).append(row)
        return found

    def _tubes(self) -> pd.DataFrame:
        """Return the tissue tubes with the file and row of their raw counts."""
        raw = self.study.counts[[*TUBE, "source_file", "source_row"]]
        tubes = self.study.tube_activity[self.study.tube_activity["role"] == "tissue"]
        return tubes.reset_index().merge(raw, on=TUBE, how="left").set_index("index")

    def _frames(self) -> pd.DataFrame:
        """Return the frames of the scans with the raw value, its file and its row."""
        raw = self.study.rois.rename(columns={"activity_kbq_per_ml": "raw_kbq_per_ml"})
        columns = [*IMAGED, "frame", "raw_kbq_per_ml", "source_file", "source_row"]
        frames = self.study.roi_activity.reset_index()
        return frames.merge(raw[columns], on=[*IMAGED, "frame"], how="left").set_index("index")

    def _doses(self) -> pd.DataFrame:
        """Return the doses with what the sheet says, its file and its row."""
        key = [*MOUSE, "session"]
        columns = ["full_activity_kbq", "full_at", "residual_activity_kbq", "tail_activity_kbq"]
        raw = self.study.doses[[*key, *columns, "source_file", "source_row"]]
        return self.study.dose_activity.reset_index().merge(raw, on=key, how="left").set_index("index")

    def word(self, text: object) -> int:
        """Return the number of a text that many rows share."""
        plain = "" if isinstance(text, float) else str(text)
        if plain not in self.places:
            self.places[plain] = len(self.texts)
            self.texts.append(plain)
        return self.places[plain]

    def heading(self, mouse: Mouse) -> str:
        """Return what the closed page of a mouse says."""
        out = self.exclusions.get((mouse.cohort, mouse.animal_id), [])
        several = len(self.study.settings["cohorts"]) > 1
        parts = [self.study.labels[mouse.group], *([mouse.cohort] if several else [])]
        whole = any(row["level"] == "animal" for row in out)
        return ", ".join([*parts, *(["excluded" if whole else "a part excluded"] if out else [])])

    def data(self) -> dict[str, Any]:
        """Return the data of all pages."""
        pages = [self.page(mouse) for mouse in self.study.with_page.values()]
        return {
            "label": self.study.uptake_label,
            "groups": list(self.study.labels.values()),
            "layers": [label for _, label in LAYERS],
            "response": self._response_label(),
            "pages": pages,
            "texts": self.texts,
        }

    def _response_label(self) -> str:
        cells = self.study.cells
        if len(cells) and cells["response_unit"].iloc[0] == "cells":
            return f"Cells in {self.study.settings['cells']['region']}"
        return f"Net uptake in {self.study.settings['cells']['region']} ({self.study.uptake_label.removesuffix('/g')})"

    def page(self, mouse: Mouse) -> dict[str, Any]:
        """Return the data of one mouse."""
        key = (mouse.cohort, mouse.animal_id)
        nets = {row["session"]: row for row in self.doses.get(key, [])}
        return {
            "number": mouse.number,
            "id": mouse.animal_id,
            "cohort": mouse.cohort,
            "group": mouse.group_number,
            "anchor": mouse.anchor,
            "facts": self._facts(mouse),
            "notes": self._notes(mouse),
            "doses": [self._dose(row) for row in self.doses.get(key, [])],
            "uptake": [self._uptake(row, nets.get(row["session"])) for row in self.uptake.get(key, [])],
            "course": self._course(key),
        }

    def _facts(self, mouse: Mouse) -> list[list[str]]:
        row = self.animals[mouse.cohort, mouse.animal_id][0]
        given = f"{display.format_value(row['cells_infused'])} at " if not math.isnan(row["cells_infused"]) else ""
        facts = [
            ("Group", self.study.labels[mouse.group]),
            ("Cohort", mouse.cohort),
            ("Sex", row["sex"]),
            ("Strain", row["strain"]),
            ("Cells", f"{given}{row['cells_infused_at']}" if row["cells_infused_at"] else ""),
            ("Left the study", " ".join([row["ended_at"], row["end_reason"].replace("_", " ")]).strip()),
            ("Sheet", f"{row['source_file']}, row {row['source_row']}"),
        ]
        for item in self.parameters.get((mouse.cohort, mouse.animal_id), []):
            name = item["parameter"].replace("_", " ").capitalize()
            if item["status"] == "ok" and not math.isnan(item["estimate"]):
                shown = display.format_estimate(item["estimate"], item["ci_low"], item["ci_high"], scale=item["scale"])
                limits = f" [{shown[1]}, {shown[2]}]" if shown[1] else ""
                unit = display.unit_label(item["unit"], uptake_label=self.study.uptake_label)
                facts.append((name, f"{shown[0]}{limits} {unit}".strip()))
            else:
                facts.append((name, f"not estimable: {item['reason']}"))
        return [[name, text] for name, text in facts if text]

    def _notes(self, mouse: Mouse) -> list[str]:
        out = self.exclusions.get((mouse.cohort, mouse.animal_id), [])
        notes = [f"Excluded ({row['level']}): {row['reason']} ({row['reason_code'].replace('_', ' ')})" for row in out]
        for row in self.quality.get(mouse.number, []):
            notes.append(f"{row['status'].capitalize()}, {row['check'].replace('_', ' ')}: {row['message']}")
        return notes

    def _dose(self, row: Mapping[str, Any]) -> list[Any]:
        kbq = ("full_activity_kbq", "full_at_injection_kbq", "residual_at_injection_kbq", "tail_at_injection_kbq")
        return [
            self.word(row["session"]),
            self.word(row["tracer"]),
            row["injected_at"],
            *(exact(row[name]) for name in kbq),
            self.word(row["tail_source"].replace("_", " ")),
            exact(row["net_injected_kbq"]),
            exact(row["net_injected_kbq_se"]),
            self.word(row["full_at"]),
            self.word(row["source_file"]),
            None if pd.isna(row["source_row"]) else int(row["source_row"]),
            row["row_"],
            self.word(row["reason"]),
            int(row["excluded"]),
        ]

    def _uptake(self, row: Mapping[str, Any], dose: Mapping[str, Any] | None) -> list[Any]:
        quantity, unit = self._quantity(row)
        value, se = (float(row[name]) for name in (quantity, f"{quantity}_se"))
        label = display.unit_label(unit, uptake_label=self.study.uptake_label)
        is_counter = row["modality"] == "counter"
        own = self.tubes.get(tuple(row[name] for name in SAMPLE), []) if is_counter else []
        frames = [] if is_counter else self.frames.get(tuple(row[name] for name in IMAGED), [])
        layers = [float(row[name]) for name, _ in LAYERS]
        total = math.sqrt(sum(layer**2 for layer in layers if not math.isnan(layer)))
        budget = [[display.format_value(100 * layer, digits=2), share(layer, total)] for layer in layers]
        return [
            int(is_counter),
            self.word(row["session"]),
            self.word(row["region"]),
            self.word(label),
            display.format_value(value, se),
            display.format_value(se, se),
            number(value),
            4 * (row["status"] != "ok") + 2 * bool(row["excluded"]) + bool(row["is_below_detection"]),
            row["row_"],
            self.word(row["reason"]),
            exact(row["uptake_pct_id"]),
            exact(value),
            exact(se),
            budget,
            [self._tube(tube) for tube in own] or [self._frame(frame) for frame in frames],
            exact(dose["net_injected_kbq"]) if dose else "",
            exact(row["mass_g"] if is_counter else row["volume_ml"]),
            exact(row["critical_level_pct_id"]),
            exact(row["density_g_per_ml"]) if unit == "%ID/g" and not is_counter else "",
            self.word(quantity),
            exact(row["recovery_coefficient"]),
            exact(row["recovered_pct_id_per_ml"]),
        ]

    def _quantity(self, row: Mapping[str, Any]) -> tuple[str, str]:
        if not math.isnan(row["uptake_pct_id_per_g"]):
            return "uptake_pct_id_per_g", "%ID/g"
        if not math.isnan(row["uptake_pct_id_per_ml"]):
            return "uptake_pct_id_per_ml", "%ID/mL"
        return "uptake_pct_id", "%ID"

    def _tube(self, row: Mapping[str, Any]) -> list[Any]:
        place = f"{row['rack']}/{row['position']}" if row["rack"] else row["position"]
        numbers = (
            "counts",
            "count_s",
            "gross_cps",
            "dead_time_factor",
            "background_cps",
            "background_cps_se",
            "crosstalk_cps",
            "net_cps",
            "in_count_factor",
            "decay_factor",
            "net_cps_at_injection",
            "dose_cps",
            "mass_g",
        )
        return [
            self.word(row["source_file"] if isinstance(row["source_file"], str) else row["counter_file"]),
            None if pd.isna(row["source_row"]) else int(row["source_row"]),
            self.word(place),
            row["counted_at"],
            self.word(row["part"]),
            row["row_"],
            *(exact(row[name]) for name in numbers),
        ]

    def _frame(self, row: Mapping[str, Any]) -> list[Any]:
        names = ("raw_kbq_per_ml", "decay_factor", "residual_kbq_per_ml", "activity_kbq_per_ml", "frame_duration_s")
        return [
            self.word(row["source_file"]),
            None if pd.isna(row["source_row"]) else int(row["source_row"]),
            int(row["frame"]),
            row["row_"],
            *(exact(float(row[name])) for name in names),
        ]

    def _course(self, key: tuple[str, str]) -> dict[str, Any]:
        """Return the points and the fitted curve of the followed response, for the small plot of the page."""
        points = [
            [number(row["cell_day"]), number(row["response"]), number(row["response_critical_level"]),
             2 * bool(row["excluded"]) + bool(row["is_below_detection"]), display.format_value(row["response"])]
            for row in self.cells.get(key, [])
            if not math.isnan(row["cell_day"]) and not math.isnan(row["response"])
        ]  # fmt: skip
        curve = self.curves.get(key, [])
        step = max(1, -(-len(curve) // MOST_CURVE_POINTS))
        names = ("cell_day", "fitted", "ci_low", "ci_high")
        return {"points": points, "curve": [[number(row[name]) for name in names] for row in curve[::step]]}


def share(layer: float, total: float) -> int:
    """Return a layer's share of the variance [%], for a bar."""
    return 0 if math.isnan(layer) or not total else round(100 * layer**2 / total**2)


def number(value: float) -> float | None:
    """Return a number for drawing, with four significant digits; None where it is missing."""
    return None if math.isnan(value) else float(f"{value:.4g}")
