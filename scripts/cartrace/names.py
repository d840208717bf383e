"""What endpoints are called in figures and text."""

from __future__ import annotations

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


def endpoint_name(endpoint: str) -> str:
    """Return an endpoint or parameter in words."""
    return ENDPOINTS.get(endpoint, endpoint.replace("_", " "))


def in_order(endpoints: set[str]) -> list[str]:
    """Return endpoints in the order of display, unknown ones last."""
    return [name for name in ENDPOINTS if name in endpoints] + sorted(endpoints - set(ENDPOINTS))
