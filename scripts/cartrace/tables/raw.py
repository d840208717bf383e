"""Contracts of stage 1: the lab's sheets in canonical names and units, and what its exports hold."""

from __future__ import annotations

from cartrace.tables.contract import Table, count, date, number, text, time

_COHORT = text("Cohort, the name of its folder in the config", required=True, in_sheet=False)
_FILE = text("File in which the row stands", required=True, in_sheet=False)
_ROW = count("Row of that file as Excel shows it", in_sheet=False)


class Animals(Table):
    """One row per mouse."""

    key = ("cohort", "animal_id")
    cohort = _COHORT
    animal_id = text("Name of the mouse, unique within its cohort", required=True)
    group = text("Group, one of the config's", required=True)
    cells_infused_at = time("When the cells were given: the zero of the cell clock")
    cells_infused = number("Number of cells given", at_least=0)
    enrolled_at = time("Entry into the study: the zero of the cell clock of a mouse that got no cells")
    sex = text("Sex", choices=("F", "M"))
    strain = text("Strain")
    date_of_birth = date("Date of birth")
    cage = text("Cage")
    alias = text("What exports of readouts call it, where that is another name, e.g. cage and ear mark")
    batch = text("Batch of cells or of treatment")
    ended_at = time("When the mouse left the study")
    end_reason = text("Why it left", choices=("scheduled", "humane_endpoint", "found_dead", "lost"))
    source_file = _FILE
    source_row = _ROW


class Doses(Table):
    """One row per tracer injection, the zero of a tracer clock."""

    key = ("cohort", "animal_id", "session")
    cohort = _COHORT
    animal_id = text("Mouse", required=True)
    session = text("Imaging session, e.g. d07", required=True)
    tracer = text("Tracer, one of the config's", required=True)
    injected_at = time("Time of injection", required=True)
    full_activity_kbq = number("Activity of the full syringe", required=True, quantity="activity", above=0)
    full_at = time("When the full syringe was measured", required=True)
    residual_activity_kbq = number("Activity left in the syringe", quantity="activity", at_least=0)
    residual_at = time("When the residual was measured")
    tail_activity_kbq = number("Activity in the tail, by the calibrator", quantity="activity", at_least=0)
    tail_at = time("When the tail was measured")
    injectate_mass_g = number("Mass of injectate that went into the mouse", quantity="mass", above=0)
    body_weight_g = number("Body weight on the day of the injection", quantity="mass", above=0)
    route = text("Route of injection")
    source_file = _FILE
    source_row = _ROW


class Tubes(Table):
    """One row per counted tube: what is in it."""

    key = ("cohort", "counter_file", "rack", "position")
    cohort = _COHORT
    counter_file = text("Counter export, inside counter/", required=True)
    rack = text("Rack, where the counter has racks")
    position = text("Position in the rack", required=True)
    role = text("What the tube is", required=True, choices=("tissue", "tail", "standard", "blank"))
    animal_id = text("Mouse (tissue and tail)")
    session = text("Session whose injection the tube belongs to (tissue and tail)")
    second_session = text("Session of another injection of the mouse whose tracer is in the tube too (tissue and tail)")
    tissue = text("Tissue, one of the config's regions or of the shipped vocabulary")
    part = text("Tells several tubes of one tissue apart; they are summed")
    mass_g = number("Mass of the sample; gross minus tare where both were weighed", quantity="mass", above=0)
    tare_g = number("Mass of the empty tube", quantity="mass", above=0)
    gross_g = number("Mass of the tube with the sample", quantity="mass", above=0)
    collected_at = time("When the sample was taken")
    standard_activity_kbq = number("Activity of a calibrator standard", quantity="activity", above=0)
    standard_at = time("When the calibrator standard was measured")
    standard_mass_g = number("Mass of injectate that the dilution was made from", quantity="mass", above=0)
    dilution_mass_g = number("Total mass of the dilution, with the injectate in it", quantity="mass", above=0)
    aliquot_mass_g = number("Mass of dilution in the tube", quantity="mass", above=0)
    tracer = text("Tracer of a standard")
    source_file = _FILE
    source_row = _ROW


class Counts(Table):
    """One row per counted tube and window, as the counter wrote it."""

    key = ("cohort", "counter_file", "rack", "position", "window")
    cohort = _COHORT
    counter_file = text("Counter export", required=True)
    rack = text("Rack, where the counter has racks")
    position = text("Position in the rack", required=True)
    window = text("Counting window as the export names it", required=True)
    tracer = text("Tracer that the window counts, by the config")
    counted_at = time("Start of the count", required=True)
    count_s = number("Duration of the count", required=True, above=0)
    counts = number("Gross counts, which may be fractional", at_least=0)
    cpm = number("The counter's own rate, whatever it corrected it for [1/min]")
    dead_time_factor = number("Dead-time factor that the export states", at_least=1)
    source_file = _FILE
    source_row = _ROW


class Scans(Table):
    """One row per ROI export, or per animal of an export that holds several."""

    key = ("cohort", "scan_id")
    cohort = _COHORT
    scan_id = text("Name of the scan", required=True)
    animal_id = text("Mouse", required=True)
    session = text("Session whose injection the scan images", required=True)
    file = text("ROI export or image, inside pet/", required=True)
    started_at = time("Start of the scan", required=True)
    decay_corrected_to = text(
        "Instant to which the export's values are decay-corrected",
        required=True,
        choices=("scan_start", "injection", "frame_start", "none"),
    )
    unit = text("Unit of the values, only where the export does not carry it")
    animal_label = text("Which animal of an export that holds several")
    mask = text("ROI label image, where the file is an image")
    residual_scan = text(
        "Scan of the mouse before this injection, whose activity is decayed and subtracted: what an earlier one left"
    )
    scanner = text("Scanner, where the config's recovery coefficients belong to one")
    dead_time_factor = number(
        "Factor by which the scanner corrected its own dead time, DICOM (0054,1324); only looked at", at_least=1
    )
    calibrated_on = date("Day of the scanner's last calibration, DICOM (0018,1200); only looked at")
    suv_dose_kbq = number("Dose that the software used for SUV", quantity="activity", above=0)
    suv_weight_g = number("Body weight that the software used for SUV", quantity="mass", above=0)
    source_file = _FILE
    source_row = _ROW


class Rois(Table):
    """One row per scan, region and frame, as the export holds it, in kBq/mL."""

    key = ("cohort", "scan_id", "region", "frame")
    cohort = _COHORT
    scan_id = text("Scan", required=True)
    region = text("Region by the config's name", required=True)
    frame = count("Frame, from 0")
    frame_start_s = number("Start of the frame after the start of the scan", required=True)
    frame_duration_s = number("Duration of the frame; 0 where the export carries no time", required=True, at_least=0)
    activity_kbq_per_ml = number("Mean of the region, decay-corrected as the scan's sheet says")
    activity_kbq_per_ml_sd = number("Standard deviation over the region's voxels", at_least=0)
    volume_ml = number("Volume of the region", above=0)
    roi_name = text("The region's name in the export", required=True)
    source_unit = text("Unit in the export", required=True)
    source_file = _FILE
    source_row = _ROW


class Calibration(Table):
    """One row per calibration sample: the signal of a known number of cells."""

    key = ("cohort", "source_file", "source_row")
    cohort = _COHORT
    kind = text("Where the cells were", required=True, choices=("in_vivo", "in_vitro"))
    tracer = text("Tracer", required=True)
    cells = number("Number of cells", required=True, at_least=0)
    uptake_pct_id = number("Uptake in the whole VOI", required=True)
    background_pct_id = number("Uptake of the same VOI without cells; empty where it is subtracted already")
    replicate = text("Replicate")
    source_file = _FILE
    source_row = _ROW


class Readouts(Table):
    """One row per other measurement on an animal."""

    key = ("cohort", "animal_id", "readout", "measured_at")
    cohort = _COHORT
    animal_id = text("Mouse", required=True)
    measured_at = time("When it was measured", required=True)
    readout = text("What was measured, e.g. tumour_volume", required=True)
    value = number("Value", required=True)
    unit = text("Unit of the value", required=True)
    source_file = _FILE
    source_row = _ROW


class Exclusions(Table):
    """One row per decision to leave something out of an analysis; nothing is deleted."""

    key = ("cohort", "source_file", "source_row")
    cohort = _COHORT
    level = text("What is excluded", required=True, choices=("animal", "session", "tube", "scan", "region"))
    animal_id = text("Mouse (animal, session, region)")
    session = text("Session (session; region where only one is meant)")
    region = text("Region (region)")
    counter_file = text("Counter export (tube)")
    rack = text("Rack (tube)")
    position = text("Position (tube)")
    scan_id = text("Scan (scan)")
    reason_code = text(
        "Kind of reason",
        required=True,
        choices=(
            "injection_failed",
            "died_early",
            "sample_lost",
            "technical",
            "welfare",
            "protocol_deviation",
            "other",
        ),
    )
    reason = text("Reason in words", required=True)
    decided_by = text("Who decided", required=True)
    decided_at = time("When it was decided", required=True)
    before_unblinding = text("Decided before unblinding?", required=True, choices=("yes", "no"))
    source_file = _FILE
    source_row = _ROW


class Overrides(Table):
    """One row per raw value that is corrected; the file that holds it stays as it is."""

    key = ("cohort", "file", "row", "column")
    cohort = _COHORT
    file = text("File as the messages name it: doses.csv, cohort.xlsx > doses, counter/000563.csv", required=True)
    row = text("Row as Excel shows it; the header is row 1", required=True)
    column = text("Header of the column, or the letter that Excel shows above it", required=True)
    old = text("What the cell holds; nothing is corrected where it holds something else")
    new = text("What it should hold")
    reason = text("Why", required=True)
    source_file = _FILE
    source_row = _ROW


class Clocks(Table):
    """One row per device: how far its clock was off."""

    key = ("cohort", "device")
    cohort = _COHORT
    device = text("Device", required=True, choices=("calibrator", "counter", "scanner", "wall"))
    offset_s = number("Device minus reference", required=True, quantity="duration")
    checked_at = time("When the clock was compared", required=True)
    utc_offset = text("Fixed offset of the device from UTC, e.g. +01:00, where it keeps no summer time")
    source_file = _FILE
    source_row = _ROW


class Volumes(Table):
    """One row per scan and region whose volume the export lacks."""

    key = ("cohort", "scan_id", "region")
    cohort = _COHORT
    scan_id = text("Scan", required=True)
    region = text("Region", required=True)
    volume_ml = number("Volume of the region", required=True, quantity="volume", above=0)
    source_file = _FILE
    source_row = _ROW


class Import(Table):
    """One row per file that was read: what it was taken for and what was done to it."""

    key = ("cohort", "file")
    cohort = _COHORT
    file = text("File, relative to the cohort's folder", required=True)
    sha256 = text("SHA-256 of its bytes", required=True)
    reader = text("Reader that took it, or 'sheet'", required=True)
    n_rows_read = count("Rows in the file")
    n_rows_used = count("Rows that went on")
    conversions = text("Units that were converted, and cells that overrides corrected")
    clock_offset_s = number("Offset subtracted from the times that the device wrote")
    finding = text("What was found out about the file's own corrections")


class Quality(Table):
    """One row per check and what it was applied to."""

    key = ("cohort", "check", "subject")
    cohort = _COHORT
    check = text("Check, e.g. tail", required=True)
    subject = text("What was checked: a mouse and session, a tube, a file", required=True)
    status = text("Outcome", required=True, choices=("pass", "warn", "fail"))
    value = number("Value that was judged, in the unit that the message states")
    threshold = number("Threshold that it was held against")
    message = text("What it means and what to do", required=True)
