"""AMIDE: ROI analyses (.tsv, in old versions .csv).

Known from the source of the program (ferdymercury/amide ``src/tb_roi_analysis.c``). The rows carry no name of their
region: it stands in the comment above them, as the data set and its unit do. The comments are translated with the
program, so that they are told apart by how far they are indented.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from cartrace import units
from cartrace.errors import InputError, Problem
from cartrace.readers.export import Export, Problems, number, split_unit
from cartrace.readers.readings import RoiRow, RoiTable, Scale, Settings

_AGAIN = "Export the analysis again; never edit an export"
_MARK = re.compile(r"# *[^\n]*: ROI Analysis File|# Stats for Study")
_WRITTEN = re.compile(r"(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) (?P<time>\d{2}:\d{2}:\d{2}) (?P<year>\d{4})\s*$")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEIGHTS_G = {"Kg": 1e3, "kg": 1e3, "g": 1.0, "lbs": 453.59237, "ounces": 28.349523125}
# How far a comment is indented behind its #.
_ROI, _DATA_SET, _UNIT, _AMOUNT = 1, 3, 6, 9


class _Layout(NamedTuple):
    """Columns of one version of the program."""

    n_columns: int
    duration: int
    middle: int
    gate: int | None
    mean: int
    sd: int
    size: int

    @property
    def values(self) -> tuple[int, int, int, int, int]:
        """The columns that hold what is read."""
        return self.duration, self.middle, self.mean, self.sd, self.size


_LAYOUTS = (
    # Frame, Duration, Midpt, Gate, Gate Time, Median, Mean, Var, Std Dev, Min, Max, Size, Frac. Voxels, Voxels
    _Layout(14, 1, 2, 3, 6, 8, 11),
    # Frame, Duration, Time Midpt, Total, Mean, Var, Std Dev, Std Err, Min, Max, Size, Voxels
    _Layout(12, 1, 2, None, 4, 6, 10),
)


@dataclass
class _State:
    """What the comments above a row say."""

    study: str = ""
    region: str = ""
    data_set: str = ""
    unit: str = ""
    amounts: list[tuple[float, str]] = field(default_factory=list)


def detects(export: Export, settings: Settings) -> bool:
    """Return whether the first line is that of a ROI analysis."""
    return not export.is_workbook and _MARK.match(export.head[:400]) is not None


def reads(export: Export, settings: Settings) -> RoiTable:
    """Return the regions of a ROI analysis; where it has several data sets, they are its labels.

    Raises
    ------
    InputError
        A row has no region above it or another number of columns, or a cell is not what it should be.
    """
    if export.head.startswith("# Stats for Study"):
        why = "this is what AMIDE copies to the clipboard, without the unit of the values"
        raise export.refuse("not-this-format", why, "Use 'Save As' in AMIDE's ROI statistics")
    state = _State()
    problems = Problems()
    rows: list[RoiRow] = []
    scales: dict[tuple[str, ...], Scale] = {}
    gates: set[str] = set()
    for row_number, line in enumerate(export.text.split("\n"), start=1):
        if line.startswith("#"):
            _note(line, state)
        elif line.strip():
            row = _row(export, line, row_number, state, gates, problems)
            if row is not None:
                rows.append(row)
                scale = _scale(export, state)
                if scales.setdefault(row.labels, scale) != scale:
                    why = f"the data set {state.data_set} stands there with two units or doses"
                    raise export.refuse("unit-contradicts", why, _AGAIN)
    if problems:
        raise InputError(problems)
    if not rows:
        raise export.refuse("no-rows", "the analysis has no row of values", _AGAIN)
    if len(gates) > 1:
        why = f"the analysis has {len(gates)} gates"
        raise export.refuse("frames", why, "Export the sum over the gates")
    return _table(export, rows, scales)


def _table(export: Export, rows: list[RoiRow], scales: dict[tuple[str, ...], Scale]) -> RoiTable:
    old = [labels[0] for labels, scale in scales.items() if _is_per_gram(scale.unit)]
    conversions = (f"{scales[(old[0],)].unit} -> %ID/mL, which is what AMIDE meant by it",) if old else ()
    scales = {labels: scale._replace(unit="%ID/mL") if labels[0] in old else scale for labels, scale in scales.items()}
    if len(scales) == 1:
        # The only data set need not be named, and need not bear the name of a mouse.
        rows = [row._replace(labels=("",)) for row in rows]
        scales = dict(zip([("",)], scales.values(), strict=True))
    written = _WRITTEN.search(export.head.partition("\n")[0])
    doses = [f"{scale.dose_kbq:g} kBq" for scale in scales.values() if not math.isnan(scale.dose_kbq)]
    finding = f"the export states the injected dose: {', '.join(doses)}" if doses else ""
    return RoiTable(
        tuple(rows),
        n_rows=len(rows),
        written_at=_moment(written) if written else None,
        conversions=conversions,
        finding=finding,
        scales=scales,
        label_is="data set",
    )


def _is_per_gram(unit: str) -> bool:
    # Old versions call percent of the injected dose per millilitre so.
    return unit.upper() == "%ID/G"


def _moment(written: re.Match[str]) -> datetime | None:
    if written["month"] not in _MONTHS:
        return None
    month = _MONTHS.index(written["month"]) + 1
    try:
        return datetime.fromisoformat(f"{written['year']}-{month:02}-{int(written['day']):02}T{written['time']}")
    except ValueError:
        return None


def _note(line: str, state: _State) -> None:
    """Take in a comment."""
    text = line[1:]
    indent = len(text) - len(text.lstrip(" "))
    fields = [cell.strip() for cell in text.split("\t")]
    label = fields[0].endswith(":") and len(fields) >= 2
    if indent == _ROI and label and len(fields) == 2:
        state.study = fields[1]
    elif indent == _ROI and label:
        state.region, state.data_set, state.unit, state.amounts = fields[1], "", "", []
    elif indent == _DATA_SET and label:
        state.data_set, state.unit, state.amounts = fields[1], "", []
    elif indent == _UNIT and ": " in text:
        state.unit = text.rpartition(": ")[2].strip()
    elif indent == _AMOUNT and ": " in text:
        value, unit = split_unit(text.rpartition(": ")[2])
        found = number(value)
        state.amounts.append((math.nan if found is None else found, unit))


def _scale(export: Export, state: _State) -> Scale:
    """Return unit, dose and weight of the data set; the comments give dose, cylinder factor, weight in this order."""
    if not state.unit:
        return Scale("")
    dose_kbq = weight_g = math.nan
    if state.amounts:
        dose, unit = state.amounts[0]
        if not units.is_unit_of(unit, "activity"):
            raise export.refuse("unit-unknown", f"the unit '{unit[:40]}' of the injected dose is not read", _AGAIN)
        dose_kbq = dose * units.factor(unit, "activity")
    if len(state.amounts) > 2:
        weight, unit = state.amounts[2]
        if unit not in _WEIGHTS_G:
            raise export.refuse("unit-unknown", f"the unit '{unit[:40]}' of the weight is not read", _AGAIN)
        weight_g = weight * _WEIGHTS_G[unit]
    if any(value <= 0 for value in (dose_kbq, weight_g)):
        raise export.refuse("out-of-range", "the dose or the weight in the export is not above 0", _AGAIN)
    # An infinite or absent number would otherwise compare unequal to itself.
    return Scale(state.unit, dose_kbq if dose_kbq > 0 else math.nan, weight_g if weight_g > 0 else math.nan)


def _row(
    export: Export, line: str, row_number: int, state: _State, gates: set[str], problems: list[Problem]
) -> RoiRow | None:
    cells = [cell.strip() for cell in line.split("\t" if "\t" in line else ",")]
    layout = next((layout for layout in _LAYOUTS if layout.n_columns == len(cells)), None)
    if layout is None or not state.region:
        why = "no comment above the row names its region"
        if layout is None:
            expected = " or ".join(str(layout.n_columns) for layout in _LAYOUTS)
            why = f"the row has {len(cells)} cells, where AMIDE writes {expected}"
        problems.append(export.problem("row-width", why, _AGAIN, row=row_number))
        return None
    read = [number(cell) for cell in cells]
    duration, middle, mean, sd, size = (read[place] for place in layout.values)
    if duration is None or middle is None or mean is None or sd is None or size is None or not duration >= 0:
        bad = _bad_cell(cells, read, layout)
        problems.append(export.problem("not-a-number", "a number is needed", _AGAIN, row=row_number, value=bad))
        return None
    if math.isnan(middle):
        problems.append(export.problem("frames", "the frame has no time", _AGAIN, row=row_number))
        return None
    if layout.gate is not None:
        gates.add(cells[layout.gate])
    labels = (state.data_set,)
    return RoiRow(labels, state.region, middle - duration / 2, duration, mean, sd, size / 1e3, row_number)


def _bad_cell(cells: Sequence[str], read: Sequence[float | None], layout: _Layout) -> str:
    return next((cells[place] for place in layout.values if read[place] is None), cells[layout.duration])
