"""Contracts of stage 7: what the report counts itself, so that each of its numbers stands in a table too."""

from __future__ import annotations

from cartrace.tables.contract import Table, count, number, text


class Attrition(Table):
    """One row per group: how many mice came to each stage of the study."""

    key = ("group",)
    group = text("Group; 'all' for the study", required=True)
    planned = count("Mice in the sheet of animals")
    injected = count("Mice with an injection")
    scanned = count("Mice with an uptake by PET")
    counted = count("Mice with an uptake by the counter")
    fitted = count("Mice whose fit by the chosen model gave a result, without excluded mice")
    analysed = count("Mice in the primary comparison, without excluded mice")
    n_excluded = count("Mice that are excluded as a whole")
    n_partly_excluded = count("Mice of which a session, scan, tube or region is excluded")


class Limits(Table):
    """One row per modality and region: the median relative uncertainty of its uptake by layer."""

    key = ("modality", "region")
    modality = text("How it was measured", required=True, choices=("counter", "pet"))
    region = text("Region or tissue", required=True)
    n = count("Values above detection behind it")
    tube_pct = number("Of the tube or region alone", at_least=0)
    dose_pct = number("Of the dose, common to a mouse and session", at_least=0)
    standard_pct = number("Of standards and calibration, common to the study", at_least=0)
    total_pct = number("Of all layers", at_least=0)
    limited_by = text("The largest layer")
