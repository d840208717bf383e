"""Mistakes in single cells: what is missing, or cannot be read as what it should be."""

from __future__ import annotations

from cartrace.messages.message import Message, error

_SLIP = "The row cannot be used"
_IDENTIFIER = "A mouse, a session or a tube loses its name"

CELLS: tuple[Message, ...] = (
    error(
        "id-became-date",
        "Excel made a date of an identifier",
        "`3-Mar` for mouse MAR3 or 3-3",
        _IDENTIFIER,
        "Format the column as text, type the name again and save",
    ),
    error(
        "id-became-number",
        "Excel made a number of an identifier",
        "`1.00E+05` for cage 1E5",
        _IDENTIFIER,
        "Format the column as text, type the name again and save",
    ),
    error(
        "id-became-flag",
        "Excel made TRUE or FALSE of an identifier",
        "`TRUE` as the name of a mouse",
        _IDENTIFIER,
        "Format the column as text, type the name again and save",
    ),
    error(
        "cell-without-header",
        "A row has a cell that no header names",
        "`21,8` without quotes in a comma-separated file",
        "A comma inside a cell moves all that follows it to the next column",
        "Put the text or number in quotes, remove the cell, or name its column",
    ),
    error(
        "row-width",
        "A row of an export has more or fewer cells than its header",
        "`62.091,15` in a comma-separated export",
        "All that follows stands in the wrong column",
        "Export again; never edit an export",
    ),
    error(
        "missing-value",
        "A cell that must be filled is empty",
        "A scan without `scan_id`",
        _SLIP,
        "Fill it in",
    ),
    error(
        "pair-incomplete",
        "Of two cells that belong together one is empty",
        "A residual without its time",
        "An activity without its time cannot be decay-corrected",
        "Fill in both, or neither",
    ),
    error(
        "tube-incomplete",
        "A tube lacks what its role needs",
        "A tissue tube without mouse, session or tissue",
        "The tube would belong to nobody",
        "Fill in the cell, or correct the role",
    ),
    error(
        "standard-incomplete",
        "A standard lacks a mass or an activity",
        "`dilution_mass` empty",
        "The fraction of the dose in the tube is not known",
        "Fill in the three masses, or the activity and its time",
    ),
    error(
        "not-for-role",
        "A tube has a value that its role does not have",
        "A blank with a mouse; a tissue with a `standard_mass`",
        "The role or the row is wrong",
        "Correct the role, or empty the cell",
    ),
    error(
        "mass-missing",
        "A tissue has no mass",
        "`mass`, `tare` and `gross` are all empty",
        "There is no uptake per gram",
        "Fill in the mass, or exclude the tube with a reason and write down why",
    ),
    error(
        "exclusion-incomplete",
        "An exclusion does not say what it excludes",
        "Level `session` without a session",
        "What was to be excluded would count",
        "Fill in the cell that the message names",
    ),
    error(
        "override-no-change",
        "A correction of a raw value changes nothing",
        "`old` and `new` are both 121874",
        "The value that was meant is not the one that would be used",
        "Write the corrected value into `new`, or remove the row",
    ),
    error(
        "not-a-number",
        "A number is needed",
        "`22.4 g`, `0..69`, `n/a`",
        _SLIP,
        "Write digits with one decimal sign; leave the cell empty where nothing was measured",
    ),
    error(
        "not-a-choice",
        "A cell holds none of the values that it may",
        "`start of scan` for scan_start",
        _SLIP,
        "Write one of those that the message names",
    ),
    error(
        "not-a-time",
        "A date with a time is needed",
        "`2026-02-30 09:06`; `46091.379`",
        _SLIP,
        "Write it as `YYYY-MM-DD HH:MM:SS`",
    ),
    error(
        "time-without-date",
        "A time of day has no date",
        "`09:06`",
        "The day would be a guess",
        "Write both",
    ),
    error(
        "date-without-time",
        "A date has no time of day",
        "`2026-03-10` in `injected_at`",
        "Midnight would be taken for the time of injection",
        "Write both",
    ),
    error("not-a-date", "A date is needed", "`31.02.2026`", _SLIP, "Write it as `YYYY-MM-DD`, without a time"),
    error(
        "not-an-offset",
        "An offset from UTC cannot be read",
        "`CET` for +01:00",
        "All times of the device would be off by hours",
        "Write it as in +01:00",
    ),
    error(
        "excel-error",
        "Excel shows an error in a cell",
        "`#REF!`",
        _SLIP,
        "Mend the formula, or empty the cell",
    ),
    error(
        "merged-cells",
        "Cells of a workbook are merged",
        "One cell `M01` over the rows of its five tubes",
        "Only the first row would have the value, the others none",
        "Unmerge them in Excel and write the value into each",
    ),
    error(
        "formula-without-value",
        "A formula has no value, because the program that wrote the file does not calculate",
        "`=B2-C2` in a workbook written by a script",
        "The cell would look empty",
        "Open the workbook in Excel and save it, or put the value in place of the formula",
    ),
)
