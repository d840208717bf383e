"""The tables that a report is built from and leaves behind: their name in ``tables/`` and their contract."""

from __future__ import annotations

from dataclasses import dataclass

from cartrace import tables
from cartrace.tables import Table


@dataclass(frozen=True)
class Source:
    """A table: its name among the downloads, the rule's input and the study's attribute, and its contract."""

    name: str
    key: str
    contract: type[Table]


# What the report counts itself.
DERIVED = ("attrition", "limits")
# In the order of the workbook. Where a contract stands twice, the first is a sheet and the second what was made of it.
SOURCES: tuple[Source, ...] = (
    Source("attrition", "attrition", tables.Attrition),
    Source("animals", "animals", tables.Animals),
    Source("injections", "doses", tables.Doses),
    Source("doses", "dose_activity", tables.DoseActivity),
    Source("counts", "counts", tables.Counts),
    Source("tubes", "tube_activity", tables.TubeActivity),
    Source("scans", "scans", tables.Scans),
    Source("rois", "rois", tables.Rois),
    Source("roi_activity", "roi_activity", tables.RoiActivity),
    Source("uptake", "uptake", tables.Uptake),
    Source("ratios", "ratios", tables.Ratios),
    Source("cells", "cells", tables.Cells),
    Source("labelled_cells", "labelled_cells", tables.LabelledCells),
    Source("specific_uptake", "specific_uptake", tables.SpecificUptake),
    Source("calibration_lines", "calibration_lines", tables.CalibrationLines),
    Source("estimates", "estimates", tables.Estimates),
    Source("curves", "curves", tables.Curves),
    Source("fits", "fits", tables.Fits),
    Source("population", "population", tables.PopulationTests),
    Source("noncompartmental", "noncompartmental", tables.Noncompartmental),
    Source("selection", "selection", tables.Selection),
    Source("endpoints", "endpoints", tables.Endpoints),
    Source("summaries", "summaries", tables.Summaries),
    Source("comparisons", "comparisons", tables.Comparisons),
    Source("overall", "overall", tables.Overall),
    Source("paired", "paired", tables.Paired),
    Source("repeated", "repeated", tables.Repeated),
    Source("forest", "forest", tables.Forest),
    Source("diagnostics", "diagnostics", tables.Diagnostics),
    Source("sensitivity", "sensitivity", tables.Sensitivity),
    Source("power", "power", tables.Power),
    Source("destructive", "destructive", tables.Destructive),
    Source("agreement", "agreement", tables.Agreement),
    Source("readouts", "readouts", tables.Readouts),
    Source("readout_agreement", "readout_agreement", tables.ReadoutAgreement),
    Source("prediction", "predictions", tables.Predictions),
    Source("survival", "survival", tables.Survival),
    Source("limits", "limits", tables.Limits),
    Source("quality", "quality", tables.Quality),
    Source("exclusions", "exclusions", tables.Exclusions),
    Source("overrides", "overrides", tables.Overrides),
    Source("import", "imported", tables.Import),
)
