"""Numbers of cells, labels, and the models of expansion."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cartrace.config.section import Fraction, Name, Section

ModelName = Literal["exponential", "lag_exponential", "logistic", "gompertz", "expansion_contraction", "stein"]


class Label(Section):
    """A direct label, put into the cells before they are given (study.strategy direct_label)."""

    activity_bq_per_cell: Annotated[
        float | None, Field(gt=0, description="Activity of one cell at labelling [Bq]; nothing: no numbers of cells")
    ] = None
    delay_h: Annotated[float, Field(ge=0, description="From the labelling to the injection of the cells [h]")] = 0.0
    efflux_per_day: Annotated[
        float, Field(ge=0, description="Rate at which living cells lose label [1/day], by a culture of the same cells")
    ] = 0.0
    free_frac: Annotated[
        Fraction, Field(description="Fraction of the activity outside living cells at labelling, by washing or filter")
    ] = 0.0


class CellsSettings(Section):
    """From signal to cells."""

    modality: Annotated[Literal["pet", "counter"], Field(description="Modality whose signal is followed")] = "pet"
    region: Annotated[Name, Field(description="Region whose signal is followed")] = "tumour"
    calibration: Annotated[
        Literal["in_vivo", "in_vitro", "none"],
        Field(description="Calibration in use; none: the signal itself is fitted"),
    ] = "none"


class CustomModel(Section):
    """A model of expansion of the lab's own: a Python file that defines one lmfit Model."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", description="Name, used in paths and tables")]
    path: Annotated[Name, Field(description="The file, relative to the working directory; see docs/own-models.md")]


class Expansion(Section):
    """Kinetics of expansion."""

    models: Annotated[
        list[ModelName],
        Field(min_length=1, description="Models that are fitted; stein to groups only, the others to every mouse"),
    ] = [
        "exponential",
        "logistic",
        "gompertz",
        "expansion_contraction",
    ]
    window_days: Annotated[
        list[float],
        Field(
            min_length=2,
            max_length=2,
            description="Days on the cell clock that are fitted; a scan counts for the day that it is nearest to",
        ),
    ] = [0.0, 28.0]
    exponential_window_days: Annotated[
        list[float], Field(min_length=2, max_length=2, description="Days that the exponential is fitted to")
    ] = [0.0, 10.0]
    error_model: Annotated[
        Literal["log_normal", "additive", "combined"],
        Field(
            description="Scatter about the curve: by a constant factor; by a constant amount; or both, the amount "
            "being the scatter between background mice and the factor estimated"
        ),
    ] = "log_normal"
    use_measurement_se: Annotated[
        bool,
        Field(
            description="Whether the standard uncertainty of each response is a known part of its scatter; in the "
            "combined error it takes the place of the scatter between background mice"
        ),
    ] = False
    interval: Annotated[
        Literal["profile", "wald"],
        Field(
            description="Intervals of a mouse's parameters: profile likelihood, which need not be symmetric and may be "
            "open on a side, or Student's t on the parameter's scale, as always where an own model has no profile"
        ),
    ] = "profile"
    confidence: Annotated[float, Field(gt=0, lt=1, description="Level of the intervals")] = 0.95
    custom_models: Annotated[
        list[CustomModel], Field(description="Models of the lab's own, fitted beside those of `models`")
    ] = []
    population: Annotated[
        Literal["none", "shared_shape", "mixed"],
        Field(
            description="Fit of all mice at once, beside the mean over mice: those of a group differ in level only, or "
            "in every parameter (a nonlinear mixed model; of the exponential a linear one)"
        ),
    ] = "mixed"
    population_p: Annotated[
        Literal["none", "bootstrap", "permutation"],
        Field(
            description="p value of the growth rates of two groups in the mixed model: by simulating studies without a "
            "difference, or by dealing the groups anew within cohorts; takes about a minute a model"
        ),
    ] = "none"
    population_simulations: Annotated[
        int, Field(ge=19, description="Simulated studies behind that p value: 199 for a look, 999 to publish")
    ] = 199
