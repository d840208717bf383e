"""Instruments, and what their readings become: counter, PET, other readouts, uptake and its uncertainty."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cartrace.config.section import Fraction, Name, Section


class Counter(Section):
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


class Recovery(Section):
    """Recovery coefficients of one scanner, nuclide and reconstruction, e.g. from the rods of a NEMA NU 4 phantom."""

    nuclide: Annotated[Name, Field(description="Nuclide, e.g. F-18")]
    scanner: Annotated[str, Field(description="Scanner, as the sheet of scans names it; empty: scans without one")] = ""
    diameter_mm: Annotated[list[float], Field(min_length=1, description="Diameters [mm], rising")]
    coefficient: Annotated[
        list[Annotated[float, Field(gt=0)]], Field(min_length=1, description="Recovery coefficient at each diameter")
    ]
    coefficient_se: Annotated[float, Field(ge=0, description="Standard uncertainty of each coefficient")] = 0.0


class Pet(Section):
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


class ReadoutSettings(Section):
    """Exports of readouts: bioluminescence, calipers."""

    time_of_day: Annotated[
        str,
        Field(
            pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
            description="Time of day of a readout whose export has a date, or a day, and no time",
        ),
    ] = "12:00"


class UptakeSettings(Section):
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


class Uncertainty(Section):
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
