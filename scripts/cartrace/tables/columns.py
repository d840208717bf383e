"""Columns that many tables have, with one meaning everywhere."""

from __future__ import annotations

from cartrace.tables.contract import flag, text

COHORT = text("Cohort", required=True)
ANIMAL = text("Mouse", required=True)
SESSION = text("Session", required=True)
REGION = text("Region or tissue", required=True)
GROUP = text("Group", required=True)
MODALITY = text("How it was measured", required=True, choices=("counter", "pet"))
STATUS = text("Whether the row holds a result", required=True, choices=("ok", "not_estimable"))
REASON = text("Why the row holds no result")
EXCLUDED = flag("Left out of the analysis 'without_excluded'")
EXCLUSION = text("Why, from the sheet of exclusions")
ANALYSIS = text("Which rows took part", required=True, choices=("all", "without_excluded"))
MODEL = text("Model of expansion", required=True)
