"""Every table that crosses a rule's border: its columns, types, units, ranges and key, and the only doors to it."""

from __future__ import annotations

from cartrace.tables.activity import DoseActivity, RoiActivity, TubeActivity
from cartrace.tables.agreement import Agreement, ReadoutAgreement
from cartrace.tables.cells import CalibrationLines, Cells, LabelledCells, SpecificUptake
from cartrace.tables.comparison import Comparisons, Diagnostics, Forest, Overall, Paired, Repeated, Sensitivity
from cartrace.tables.contract import Column, Table, empty
from cartrace.tables.destructive import Destructive
from cartrace.tables.endpoints import Alternatives, Endpoints, Summaries
from cartrace.tables.expansion import Curves, Estimates, Fits, Noncompartmental, PopulationTests, Selection
from cartrace.tables.files import read, write
from cartrace.tables.outcomes import Predictions, Survival
from cartrace.tables.planning import PlannedPower, PlannedPrecision, Power
from cartrace.tables.raw import (
    Animals,
    Calibration,
    Clocks,
    Counts,
    Doses,
    Exclusions,
    Import,
    Overrides,
    Quality,
    Readouts,
    Rois,
    Scans,
    Tubes,
    Volumes,
)
from cartrace.tables.report import Attrition, Limits
from cartrace.tables.uptake import Ratios, Uptake

# The sheets that a lab fills in, in the order in which a study is described.
SHEETS: tuple[type[Table], ...] = (
    Animals,
    Doses,
    Tubes,
    Scans,
    Calibration,
    Readouts,
    Exclusions,
    Overrides,
    Clocks,
    Volumes,
)
RESULTS: tuple[type[Table], ...] = (
    Counts,
    Rois,
    Import,
    TubeActivity,
    DoseActivity,
    RoiActivity,
    Uptake,
    Ratios,
    Quality,
    Cells,
    CalibrationLines,
    LabelledCells,
    SpecificUptake,
    Estimates,
    Curves,
    Fits,
    PopulationTests,
    Noncompartmental,
    Selection,
    Endpoints,
    Summaries,
    Comparisons,
    Agreement,
    Overall,
    Paired,
    Forest,
    Diagnostics,
    Repeated,
    Sensitivity,
    Power,
    Survival,
    Predictions,
    ReadoutAgreement,
    Destructive,
    Attrition,
    Limits,
)

__all__ = [
    "RESULTS",
    "SHEETS",
    "Agreement",
    "Alternatives",
    "Animals",
    "Attrition",
    "Calibration",
    "CalibrationLines",
    "Cells",
    "Clocks",
    "Column",
    "Comparisons",
    "Counts",
    "Curves",
    "Destructive",
    "Diagnostics",
    "DoseActivity",
    "Doses",
    "Endpoints",
    "Estimates",
    "Exclusions",
    "Fits",
    "Forest",
    "Import",
    "LabelledCells",
    "Limits",
    "Noncompartmental",
    "Overall",
    "Overrides",
    "Paired",
    "PlannedPower",
    "PlannedPrecision",
    "PopulationTests",
    "Power",
    "Predictions",
    "Quality",
    "Ratios",
    "ReadoutAgreement",
    "Readouts",
    "Repeated",
    "RoiActivity",
    "Rois",
    "Scans",
    "Selection",
    "Sensitivity",
    "SpecificUptake",
    "Summaries",
    "Survival",
    "Table",
    "TubeActivity",
    "Tubes",
    "Uptake",
    "Volumes",
    "empty",
    "read",
    "write",
]
