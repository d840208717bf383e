"""The one definition of a study's config: every key with its type, default, range and meaning.

``config/config.schema.yaml`` and ``docs/config.md`` are generated from these models; the workflow holds a study's file
against the schema and fills the defaults from it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

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
_ENDPOINT = (
    "Endpoint; uptake is %ID/g, or %ID/mL where PET has no density; ratio has a region like tumour/muscle; readout has "
    "the readout's name as its region, and days on the cell clock as its sessions: day 7"
)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Study(_Section):
    """What the study is."""

    title: Annotated[Name, Field(description="Title, as the report prints it")]
    strategy: Annotated[
        Literal["reporter_gene", "direct_label", "immunopet"],
        Field(description="How cells become visible; growth is fitted for reporter genes only"),
    ] = "reporter_gene"
    timezone: Annotated[Name, Field(description="Wall clock of every time without an offset, e.g. Europe/Berlin")]
    date_format: Annotated[
        Literal["ISO", "DMY", "MDY"], Field(description="How the sheets write 03/04/2026; ISO refuses it")
    ] = "ISO"
    status: Annotated[Literal["draft", "final"], Field(description="A draft is marked as such in the report")] = "draft"


class Cohort(_Section):
    """A folder of sheets and exports."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="Name, used in paths")]
    path: Annotated[
        Name, Field(description="Folder, relative to the working directory; may name pathvars, as in <data>/C01")
    ]


class Group(_Section):
    """A group of mice; the order of the list is the order of display."""

    name: Annotated[Name, Field(description="Name, as the sheet of animals writes it")]
    role: Annotated[
        Literal["background", "control", "test"],
        Field(description="background: no reporter, its signal is subtracted; control: reference of comparisons; test"),
    ]
    label: Annotated[str, Field(description="Name in figures and text; empty: the name")] = ""


class Tracer(_Section):
    """A tracer."""

    name: Annotated[Name, Field(description="Name, as the sheets write it")]
    nuclide: Annotated[Name, Field(description="Nuclide, e.g. F-18")]
    reporter: Annotated[str, Field(description="Reporter that takes it up")] = ""
    biological_half_life_h: Annotated[
        float | None,
        Field(
            gt=0,
            description="Biological half-life [h] of what an earlier injection left, where a scan names a "
            "residual_scan; empty: it decays only",
        ),
    ] = None
    biological_half_life_se_h: Annotated[float, Field(ge=0, description="Its standard uncertainty [h]")] = 0.0


class Region(_Section):
    """A region or tissue beyond the shipped vocabulary, or with more synonyms than it has."""

    name: Annotated[Name, Field(description="Canonical name")]
    synonyms: Annotated[list[str], Field(description="What sheets and exports call it")] = []
    density_g_per_ml: Annotated[
        float | None, Field(gt=0, description="Density [g/mL]; with it PET gives %ID/g beside %ID/mL")
    ] = None
    surroundings: Annotated[
        str,
        Field(
            description="Region around it; with it PET also gives a value that is corrected for partial volume by "
            "pet.recovery"
        ),
    ] = ""


class Counter(_Section):
    """The gamma counter and its exports."""

    format: Annotated[
        Literal["auto", "wizard2", "hidex_xlsx", "hidex_csv", "table"],
        Field(description="Export format; auto: by content"),
    ] = "auto"
    windows: Annotated[
        dict[str, str], Field(description="Tracer: the window that counts it; the nuclide where it is unique")
    ] = {}
    dead_time_us: Annotated[float, Field(ge=0, description="Dead time [µs]; 0 where counts are corrected already")] = (
        0.0
    )
    dead_time_model: Annotated[
        Literal["non_paralysable", "paralysable"],
        Field(
            description="Kind of dead time: a count that comes while the counter is busy is lost (non_paralysable), or "
            "is lost and keeps it busy (paralysable); the manual says which"
        ),
    ] = "non_paralysable"
    background_cps: Annotated[
        float | None, Field(ge=0, description="Background rate [1/s] of a run without blanks")
    ] = None
    background_drift_p: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="p of the scatter of a run's blanks (chi-squared) below which the background is interpolated "
            "in time between them; 0: the mean of the blanks, always",
        ),
    ] = 0.01
    time_is: Annotated[Literal["start", "end"], Field(description="What a tube's time in the export is")] = "start"
    count_s: Annotated[
        float | None, Field(gt=0, description="Counting time of every tube [s], for exports that do not carry it")
    ] = None
    cpm_state: Annotated[
        Literal["undeclared", "raw", "net", "run_start"],
        Field(
            description="What CPM in the exports is: raw: 60 times the rate; net: corrected for dead time and "
            "background; run_start: net and decay-corrected to the start of the run. Held against the counts; "
            "quantified from only where there are none"
        ),
    ] = "undeclared"
    columns: Annotated[
        dict[str, str],
        Field(description="Column map of format table: rack, position, counted_at, count_s, counts, window"),
    ] = {}


class Recovery(_Section):
    """Recovery coefficients of one scanner, nuclide and reconstruction, e.g. from the rods of a NEMA NU 4 phantom."""

    nuclide: Annotated[Name, Field(description="Nuclide, e.g. F-18")]
    scanner: Annotated[str, Field(description="Scanner, as the sheet of scans names it; empty: scans without one")] = ""
    diameter_mm: Annotated[list[float], Field(min_length=1, description="Diameters [mm], rising")]
    coefficient: Annotated[
        list[Annotated[float, Field(gt=0)]], Field(min_length=1, description="Recovery coefficient at each diameter")
    ]
    coefficient_se: Annotated[float, Field(ge=0, description="Standard uncertainty of each coefficient")] = 0.0


class Pet(_Section):
    """ROI exports of PET."""

    recovery: Annotated[
        list[Recovery],
        Field(description="Tables of recovery coefficients, interpolated in the diameter and never extrapolated"),
    ] = []
    quantity: Annotated[
        Literal["recovered", "measured"],
        Field(
            description="Which uptake groups are compared by where recovery has tables and a region names its "
            "surroundings: corrected for partial volume, or as measured. Numbers of cells rest on what was measured"
        ),
    ] = "recovered"
    noise_region: Annotated[
        str,
        Field(
            description="Region that is drawn where there is no signal, whose scatter between the mice of a session "
            "gives PET its detection limit; empty: the same region of the background group's mice"
        ),
    ] = ""

    format: Annotated[
        Literal["auto", "pmod_voistat", "pmod_tac", "amide", "slicer", "dft", "bids_tacs", "table", "image"],
        Field(description="Export format; auto: by content"),
    ] = "auto"
    columns: Annotated[
        dict[str, str],
        Field(
            description="Column map of format table: animal_label, region, frame_start_s, frame_duration_s or "
            "frame_mid_s, value, sd, volume_ml"
        ),
    ] = {}


class ReadoutSettings(_Section):
    """Exports of readouts: bioluminescence, calipers."""

    time_of_day: Annotated[
        str,
        Field(
            pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
            description="Time of day of a readout whose export has a date, or a day, and no time",
        ),
    ] = "12:00"


class UptakeSettings(_Section):
    """From activity to uptake."""

    dose_route: Annotated[
        Literal["counted_standard", "calibrator"],
        Field(description="Counter equivalent of the dose: weighed standards, or calibrator and counter sensitivity"),
    ] = "counted_standard"
    half_lives: Annotated[Literal["ENSDF", "ICRP-107"], Field(description="Source of half-lives")] = "ENSDF"
    reference_regions: Annotated[list[str], Field(description="Regions that ratios are made to")] = ["muscle", "blood"]
    residual_missing: Annotated[
        Literal["error", "zero"], Field(description="What an empty residual is; zero is a declaration")
    ] = "error"


class Uncertainty(_Section):
    """Standard uncertainties of the instruments; put in those of your own."""

    balance_g: Annotated[
        float,
        Field(
            ge=0,
            description="Of one weighing of the balance [g]: three times the readability of a balance of 0.1 mg, for "
            "draught, evaporation and wet tissue; the readability d alone would be d / √12 (JCGM 100:2008, 4.3.7)",
        ),
    ] = 0.0003
    calibrator_frac: Annotated[
        Fraction,
        Field(
            description="Of one reading of the dose calibrator, relative (repeatability); the manuals state 1 %, and "
            "acceptance allows 5 % of bias, which all readings of a study share"
        ),
    ] = 0.01
    clock_s: Annotated[
        float,
        Field(
            ge=0,
            description="Of a time noted by hand beside a reading of the dose calibrator [s]: one minute / √12 where "
            "minutes are noted (JCGM 100:2008, 4.3.7)",
        ),
    ] = 17.3
    roi_frac: Annotated[
        Fraction,
        Field(
            description="Of the mean of one PET region, relative (noise and delineation); repeat the drawing of some "
            "regions to know your own"
        ),
    ] = 0.05
    scanner_frac: Annotated[
        Fraction,
        Field(
            description="Of the scanner's calibration against the dose calibrator, relative; from the phantom scans of "
            "its quality control; default protocols are off by far more (McDougald et al., J Nucl Med 2020;61:461)"
        ),
    ] = 0.02
    sensitivity_frac: Annotated[
        Fraction,
        Field(
            description="Of the activity of a calibrator standard, relative (dose route calibrator): the repeatability "
            "of its reading and of what was pipetted from it"
        ),
    ] = 0.02


class Acknowledged(_Section):
    """A warning that was looked at, and why the study is right in spite of it; a final report wants one for each."""

    cohort: Annotated[str, Field(description="Cohort; empty: every one that has this warning")] = ""
    check: Annotated[Name, Field(description="Check, as quality.csv names it")]
    subject: Annotated[Name, Field(description="Subject, as quality.csv names it")]
    reason: Annotated[Name, Field(description="Why the study is right in spite of it; the report prints it")]


class QualityThresholds(_Section):
    """Thresholds of the quality checks, and the warnings that were acknowledged."""

    tail_warn_pct: Annotated[float, Field(ge=0, description="Tail in percent of the dose: warn above")] = 5.0
    tail_fail_pct: Annotated[float, Field(ge=0, description="Tail in percent of the dose: fail above")] = 10.0
    residual_warn_pct: Annotated[float, Field(ge=0, description="Residual in percent of the full syringe: warn")] = 20.0
    dead_time_warn_pct: Annotated[float, Field(ge=0, description="Dead-time loss in percent: warn above")] = 5.0
    dead_time_fail_pct: Annotated[float, Field(ge=0, description="Dead-time loss in percent: fail above")] = 20.0
    standards_warn_pct: Annotated[float, Field(ge=0, description="Scatter (CV) of the standards in percent: warn")] = (
        3.0
    )
    standards_fail_pct: Annotated[float, Field(ge=0, description="Scatter (CV) of the standards in percent: fail")] = (
        10.0
    )
    route_ratio_warn: Annotated[
        float, Field(gt=0, description="Distance of the dose routes' ratio from 1: warn above")
    ] = 0.05
    dose_median_fail_factor: Annotated[
        float, Field(gt=1, description="Factor between a dose and the cohort's median dose: fail above")
    ] = 3.0
    planned_dose_kbq: Annotated[
        float | None, Field(gt=0, description="Net dose that was planned [kBq]; nothing: doses are not held against it")
    ] = None
    plan_warn_pct: Annotated[
        float, Field(ge=0, description="Distance of a dose from the planned one in percent: warn above")
    ] = 20.0
    counting_warn_pct: Annotated[float, Field(ge=0, description="Counting uncertainty of a tube in percent: warn")] = (
        5.0
    )
    counting_fail_pct: Annotated[float, Field(ge=0, description="Counting uncertainty of a tube in percent: fail")] = (
        20.0
    )
    balance_low_warn_pct: Annotated[
        float, Field(ge=0, description="Sum of all that was counted of a mouse in percent of its dose: warn below")
    ] = 85.0
    balance_high_warn_pct: Annotated[float, Field(ge=0, description="The same: warn above")] = 110.0
    outlier_warn_mads: Annotated[
        float,
        Field(
            gt=0,
            description="Distance of an uptake from the median of its tissue, group and session on the log scale, in "
            "scaled median absolute deviations of a large sample: flag above; 2.5 flags 1.2 % of normal values, "
            "whatever their number",
        ),
    ] = 2.5
    scan_delay_warn_pct: Annotated[
        float, Field(ge=0, description="Distance of a scan's delay from the median of its session in percent: warn")
    ] = 10.0
    scan_delay_fail_pct: Annotated[float, Field(ge=0, description="The same: fail")] = 25.0
    sacrifice_delay_warn_pct: Annotated[
        float,
        Field(ge=0, description="Distance of a sacrifice's delay from the median of its session in percent: warn"),
    ] = 10.0
    sacrifice_delay_fail_pct: Annotated[float, Field(ge=0, description="The same: fail")] = 25.0
    background_warn_p: Annotated[
        float, Field(ge=0, le=1, description="p of the scatter of a run's blanks (chi-squared): warn below")
    ] = 0.01
    digits_warn_p: Annotated[
        float,
        Field(ge=0, le=1, description="p of the last digits of a typed column (chi-squared, 50 values or more): warn"),
    ] = 0.001
    scanner_calibration_warn_days: Annotated[
        float, Field(gt=0, description="Age of the scanner's calibration at a scan in days: warn above")
    ] = 92.0
    sample_age_warn_half_lives: Annotated[
        float, Field(gt=0, description="Half-lives from injection to the count of a tissue: warn above")
    ] = 5.0
    earlier_injection_warn_pct: Annotated[
        float, Field(ge=0, description="What earlier injections may still hold, in percent of a dose: warn above")
    ] = 1.0
    frame_gap_warn_pct: Annotated[
        float, Field(ge=0, description="Time within a scan that no frame covers in percent: warn above")
    ] = 5.0
    recovery_warn: Annotated[float, Field(ge=0, description="Recovery coefficient of a PET region: warn below")] = 0.5
    acknowledged: Annotated[
        list[Acknowledged], Field(description="Warnings that were looked at, each with a reason")
    ] = []


class Label(_Section):
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


class CellsSettings(_Section):
    """From signal to cells."""

    modality: Annotated[Literal["pet", "counter"], Field(description="Modality whose signal is followed")] = "pet"
    region: Annotated[Name, Field(description="Region whose signal is followed")] = "tumour"
    calibration: Annotated[
        Literal["in_vivo", "in_vitro", "none"],
        Field(description="Calibration in use; none: the signal itself is fitted"),
    ] = "none"


class CustomModel(_Section):
    """A model of expansion of the lab's own: a Python file that defines one lmfit Model."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", description="Name, used in paths and tables")]
    path: Annotated[Name, Field(description="The file, relative to the working directory; see docs/own-models.md")]


class Expansion(_Section):
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


class Primary(_Section):
    """The primary comparison, declared before the data are seen."""

    endpoint: Annotated[EndpointName, Field(description=_ENDPOINT)] = "growth_rate"
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


class Secondary(_Section):
    """A family of secondary comparisons, declared before the data are seen; what nobody declares is exploratory."""

    family: Annotated[Name, Field(description="Name; p is adjusted within the family")]
    endpoint: Annotated[EndpointName, Field(description=_ENDPOINT)]
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


class Early(_Section):
    """An early signal of a mouse."""

    endpoint: Annotated[
        Literal["growth_rate", "peak", "auc", "uptake", "cells"],
        Field(description="Endpoint, as in comparison.primary"),
    ]
    region: Annotated[str, Field(description="Region; empty: the one that is followed")] = ""
    session: Annotated[str, Field(description="Session, for uptake and cells")] = ""
    modality: Annotated[Literal["", "pet", "counter"], Field(description="Modality, for uptake")] = ""


class Outcome(_Section):
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


class Prediction(_Section):
    """An early signal held against a later outcome, declared before the data are seen."""

    early: Early
    outcome: Outcome


class Comparison(_Section):
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


class Report(_Section):
    """The report."""

    journal: Annotated[
        Literal["nature", "ejnmmi", "jnm", "theranostics"], Field(description="Sizes and fonts of the figures")
    ] = "nature"
    label: Annotated[Literal["%ID/g", "%IA/g"], Field(description="What uptake is called")] = "%ID/g"


class SimulatedGroup(_Section):
    """Truth of one simulated group."""

    name: Annotated[Name, Field(description="Name of a group of the config")]
    has_reporter: Annotated[bool, Field(description="Cells carry the reporter")] = True
    growth_rate_per_day: Annotated[float, Field(ge=0, description="Median specific growth rate [1/day]")] = 0.0
    contraction_rate_per_day: Annotated[float, Field(gt=0, description="Median contraction rate [1/day]")] = 0.1
    peak_day: Annotated[float, Field(gt=0, description="Median day of the change to contraction")] = 10.0


class Simulation(_Section):
    """A simulated study: how many mice, how often imaged, and the truth behind them."""

    output: Annotated[Name, Field(description="Folder that the simulated study is written to")] = "simulated"
    n_cohorts: Annotated[int, Field(ge=1, description="Cohorts")] = 2
    n_per_group: Annotated[int, Field(ge=1, description="Mice per group and cohort")] = 5
    days: Annotated[list[float], Field(min_length=1, description="Imaging days on the cell clock")] = [
        1.0,
        4.0,
        7.0,
        10.0,
        14.0,
        21.0,
    ]
    groups: Annotated[list[SimulatedGroup], Field(description="Truth by group")] = [
        SimulatedGroup(name="UTD", has_reporter=False),
        SimulatedGroup(name="NT", growth_rate_per_day=0.22, contraction_rate_per_day=0.12, peak_day=10.0),
        SimulatedGroup(name="CAR", growth_rate_per_day=0.45, contraction_rate_per_day=0.18, peak_day=10.0),
    ]
    between_mouse_sd: Annotated[float, Field(ge=0, description="Standard deviation of log parameters between mice")] = (
        0.15
    )
    cells_at_day_0: Annotated[float, Field(gt=0, description="Median number of cells in the region at day 0")] = 2.0e5
    uptake_pct_id_per_cell: Annotated[float, Field(gt=0, description="Signal per cell [%ID/cell]")] = 4.0e-7
    dose_kbq: Annotated[float, Field(gt=0, description="Activity in the full syringe [kBq]")] = 7400.0
    scan_delay_h: Annotated[float, Field(gt=0, description="Time from injection to scan [h]")] = 1.0
    imperfections: Annotated[
        bool,
        Field(description="A failed injection, a late scan, a late counting run, clocks that are off, an early death"),
    ] = True


class Plan(_Section):
    """What is asked about a planned study, the one that the section simulation describes."""

    n_per_group: Annotated[
        list[Annotated[int, Field(ge=1)]], Field(min_length=1, description="Mice per group and cohort to compare")
    ] = [3, 5, 8, 12]
    n_studies: Annotated[int, Field(ge=10, description="Simulated studies for each number of mice")] = 400
    count_s: Annotated[float, Field(gt=0, description="Counting time of a tube [s]")] = 60.0
    count_delays_h: Annotated[
        list[Annotated[float, Field(ge=0)]],
        Field(min_length=1, description="Times from the end of a mouse to the count of its tubes [h]"),
    ] = [0.5, 2.0, 6.0, 12.0]


class Config(_Section):
    """A study."""

    study: Study
    cohorts: Annotated[list[Cohort], Field(min_length=1, description="What stands here is analysed, nothing else")]
    groups: Annotated[list[Group], Field(min_length=1)]
    tracers: Annotated[list[Tracer], Field(min_length=1)]
    regions: list[Region] = []
    counter: Counter = Field(default_factory=Counter)
    pet: Pet = Field(default_factory=Pet)
    readouts: ReadoutSettings = Field(default_factory=ReadoutSettings)
    uptake: UptakeSettings = Field(default_factory=UptakeSettings)
    uncertainty: Uncertainty = Field(default_factory=Uncertainty)
    quality: QualityThresholds = Field(default_factory=QualityThresholds)
    cells: CellsSettings = Field(default_factory=CellsSettings)
    label: Label = Field(default_factory=Label)
    expansion: Expansion = Field(default_factory=Expansion)
    comparison: Comparison
    report: Report = Field(default_factory=Report)
    simulation: Simulation = Field(default_factory=Simulation)
    plan: Plan = Field(default_factory=Plan)
    cohort: Annotated[
        str,
        Field(
            pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]*)?$",
            description="Name of the new cohort whose empty folder the target `template` writes; for the command line",
        ),
    ] = ""
    seed: Annotated[int, Field(ge=0, description="Seed of everything that draws at random")] = 20260301


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a study's config, with a default for every optional key at every depth.

    Returns
    -------
    dict
        JSON Schema 2020-12. A section that may be left out has the default ``{}``, so that a validator that fills
        defaults reaches the keys inside it.
    """
    document = Config.model_json_schema()
    for name, section in document["properties"].items():
        if name not in document["required"] and "$ref" in section:
            section["default"] = {}
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return document
