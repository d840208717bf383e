"""What endpoints are called in figures and text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# In the order of display; a name that is not here is written without its underscores.
ENDPOINTS = {
    "growth_rate": "growth rate",
    "doubling_time": "doubling time",
    "peak": "peak",
    "time_of_peak": "time of peak",
    "auc": "area under the curve",
    "contraction_rate": "contraction rate",
    "contraction_half_life": "contraction half-life",
    "uptake_pct_id_per_g": "uptake per mass",
    "uptake_pct_id_per_ml": "uptake per volume",
    "uptake_pct_id": "uptake in the whole region",
    "suv": "SUV",
    "ratio": "ratio",
    "cells": "cells",
    "net_pct_id": "net uptake",
}

MODALITIES = {"counter": "counter", "pet": "PET"}
MODELS = {name: name.replace("_", "-") for name in ("expansion_contraction", "lag_exponential")}
WORDS = ENDPOINTS | MODELS
# Families that nobody declared, where their name in the tables needs words.
FAMILIES = {
    "pet": "PET",
    "pet_suv": "PET SUV",
    "pet_ratios": "PET ratios",
    "pet_pct_id": "PET of the whole region",
    "biodistribution_suv": "biodistribution SUV",
    "biodistribution_ratios": "biodistribution ratios",
    "biodistribution_pct_id": "biodistribution of the whole tissue",
}


def endpoint_name(endpoint: str) -> str:
    """Return an endpoint or parameter in words."""
    return ENDPOINTS.get(endpoint, endpoint.replace("_", " "))


def some_mice(n: int) -> str:
    """Return a number of mice in words."""
    return f"{n} {'mouse' if n == 1 else 'mice'}"


def family_name(name: str) -> str:
    """Return a family of comparisons in words; a lab's own keeps its name."""
    return FAMILIES.get(name, name.replace("_", " "))


def in_words(text: str) -> str:
    """Return a text with the endpoints and models that it names in words."""
    return re.sub(r"\b\w+_\w+\b", lambda match: WORDS.get(match[0], match[0]), text)


def place(row: Mapping[str, Any]) -> str:
    """Return where and when an endpoint was measured, of what a row has of modality, region and session."""
    modality, region, session = (str(row.get(name) or "") for name in ("modality", "region", "session"))
    # The region of a readout is its name.
    region = region.replace("_", " ") if row["endpoint"] == "readout" else region
    return " ".join(part for part in (MODALITIES.get(modality, modality), region, session) if part)


def in_order(endpoints: set[str]) -> list[str]:
    """Return endpoints in the order of display, unknown ones last."""
    return [name for name in ENDPOINTS if name in endpoints] + sorted(endpoints - set(ENDPOINTS))
