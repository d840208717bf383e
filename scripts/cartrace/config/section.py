"""What all sections of the config are made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
ModelName = Literal["exponential", "lag_exponential", "logistic", "gompertz", "expansion_contraction", "stein"]
# A kinetic endpoint comes from the chosen model; one that this model has not is a row that says so.
EndpointName = Literal[
    "growth_rate",
    "doubling_time",
    "peak",
    "time_of_peak",
    "auc",
    "contraction_rate",
    "contraction_half_life",
    "slowing_rate",
    "initial",
    "plateau",
    "level",
    "lag",
    "midpoint",
    "turn_day",
    "uptake",
    "uptake_pct_id",
    "suv",
    "ratio",
    "cells",
    "net_pct_id",
    "readout",
]


class Section(BaseModel):
    """A section of the config: a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid")
