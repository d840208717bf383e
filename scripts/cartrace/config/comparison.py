"""What is compared and predicted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cartrace.config.section import Name, Section

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
ENDPOINT = (
    "Endpoint; uptake is %ID/g, or %ID/mL where PET has no density; ratio has a region like tumour/muscle; readout has "
    "the readout's name as its region, and days on the cell clock as its sessions: day 7"
)


class Primary(Section):
    """The primary comparison, declared before the data are seen."""

    endpoint: Annotated[EndpointName, Field(description=ENDPOINT)] = "growth_rate"
    region: Annotated[str, Field(description="Region")] = "tumour"
    session: Annotated[str, Field(description="Session, for all that is no parameter of a curve")] = ""
    modality: Annotated[
        Literal["", "pet", "counter"], Field(description="Modality, for uptake, uptake_pct_id, suv and ratio")
    ] = ""
    groups: Annotated[
        list[str], Field(min_length=2, max_length=2, description="The two groups; a ratio is first over second")
    ]
    scale: Annotated[Literal["log", "linear"], Field(description="Scale of the comparison")] = "log"
    test: Annotated[
        Literal["welch", "mann_whitney", "permutation"],
        Field(description="Test; where mice are below detection on the log scale, one that knows of censoring"),
    ] = "welch"


class Secondary(Section):
    """A family of secondary comparisons, declared before the data are seen; what nobody declares is exploratory."""

    family: Annotated[Name, Field(description="Name; p is adjusted within the family")]
    endpoint: Annotated[EndpointName, Field(description=ENDPOINT)]
    modality: Annotated[Literal["", "pet", "counter"], Field(description="Modality; empty: any")] = ""
    regions: Annotated[list[str], Field(description="Regions; empty: all")] = []
    sessions: Annotated[list[str], Field(description="Sessions; empty: all; two for paired_t and signed_rank")] = []
    groups: Annotated[list[str], Field(description="Groups, compared in every pair; empty: all")] = []
    test: Annotated[
        Literal["welch", "mann_whitney", "permutation", "games_howell", "dunnett", "paired_t", "signed_rank"],
        Field(
            description="welch, mann_whitney, permutation: pair by pair; games_howell: all pairs at once; dunnett: all "
            "against the control; paired_t, signed_rank: two sessions of the same mice"
        ),
    ] = "welch"


class Early(Section):
    """An early signal of a mouse."""

    endpoint: Annotated[
        Literal["growth_rate", "peak", "auc", "uptake", "cells"],
        Field(description="Endpoint, as in comparison.primary"),
    ]
    region: Annotated[str, Field(description="Region; empty: the one that is followed")] = ""
    session: Annotated[str, Field(description="Session, for uptake and cells")] = ""
    modality: Annotated[Literal["", "pet", "counter"], Field(description="Modality, for uptake")] = ""


class Outcome(Section):
    """What became of a mouse."""

    readout: Annotated[Name, Field(description="Readout, as the sheet of readouts names it; or survival")]
    day: Annotated[float, Field(gt=0, description="Day on the cell clock; of survival, the last day that counts")]
    measure: Annotated[
        Literal["value", "fold", "worst", "worst_fold", "progression"],
        Field(
            description="value on the day; fold: over the baseline, the last reading up to day 0, else the first; "
            "worst, worst_fold: the worst of either from the early signal to the day, for body weight or a toxicity "
            "score; progression: time to the first reading beyond threshold times the baseline, or to death"
        ),
    ] = "value"
    direction: Annotated[Literal["higher", "lower"], Field(description="Which outcome is the good one")] = "lower"
    threshold: Annotated[
        float | None,
        Field(
            description="Value that tells good from bad outcomes; without it there is no ROC curve, nor a progression"
        ),
    ] = None


class Prediction(Section):
    """An early signal held against a later outcome, declared before the data are seen."""

    early: Early
    outcome: Outcome


class Comparison(Section):
    """Comparison of groups."""

    primary: Primary
    secondary: Annotated[list[Secondary], Field(description="Families of secondary comparisons")] = []
    secondary_adjustment: Annotated[
        Literal["holm", "BH"], Field(description="Adjustment within each family of secondary comparisons")
    ] = "holm"
    exploratory_adjustment: Annotated[
        Literal["holm", "BH"], Field(description="Adjustment within each family of comparisons that nobody declared")
    ] = "BH"
    prediction: Annotated[list[Prediction], Field(description="Early signals and the outcomes they may predict")] = []
    next_cohort_effects: Annotated[
        list[float],
        Field(
            min_length=1,
            description="Effects that the next cohort should detect: ratios above 1 (log), or differences (linear)",
        ),
    ] = [1.5, 2.0, 3.0]
    residence_tail: Annotated[
        Literal["physical", "fitted"],
        Field(
            description="Time-integrated activity after the last sacrifice: nothing but decay (the upper bound), or "
            "decay and the biological rate fitted from the highest mean on"
        ),
    ] = "physical"
    human_weight_kg: Annotated[
        float | None,
        Field(
            gt=0, description="Body weight [kg] that time-integrated activity is scaled to in time; nothing: it is not"
        ),
    ] = None
    confidence: Annotated[float, Field(gt=0, lt=1, description="Level of the intervals")] = 0.95
