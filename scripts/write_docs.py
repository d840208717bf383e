"""Write what the code dictates in docs/: tables, inputs, messages, config, assumptions of methods (`make docs`)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from cartrace import group_tests, tables
from cartrace.config import schema
from cartrace.config.quality import QualityThresholds
from cartrace.messages import MESSAGES, Message
from cartrace.quality import REGISTRY
from cartrace.readers import READERS
from cartrace.tables import Column, Table
from cartrace.template import header

CORE = Path(__file__).parent / "cartrace"
DOCS = Path(__file__).parents[1] / "docs"
WRITTEN = "<!-- Written by `make docs`; edit the classes that it is made from. -->\n"

# Where each table stands below results/.
FILES = {
    "Animals": "<cohort>/1_tables/animals.csv",
    "Doses": "<cohort>/1_tables/doses.csv",
    "Tubes": "<cohort>/1_tables/tubes.csv",
    "Counts": "<cohort>/1_tables/counts.csv",
    "Scans": "<cohort>/1_tables/scans.csv",
    "Rois": "<cohort>/1_tables/rois.csv",
    "Calibration": "<cohort>/1_tables/calibration.csv",
    "Readouts": "<cohort>/1_tables/readouts.csv",
    "Exclusions": "<cohort>/1_tables/exclusions.csv",
    "Overrides": "<cohort>/1_tables/overrides.csv",
    "Import": "<cohort>/1_tables/import.csv",
    "TubeActivity": "<cohort>/2_activity/tubes.csv",
    "DoseActivity": "<cohort>/2_activity/doses.csv",
    "RoiActivity": "<cohort>/2_activity/rois.csv",
    "Uptake": "<cohort>/3_uptake/uptake.csv",
    "Ratios": "<cohort>/3_uptake/ratios.csv",
    "Attrition": "7_report/tables/attrition.csv",
    "Limits": "7_report/tables/limits.csv",
    "Quality": "<cohort>/{1_tables,3_uptake,4_cells}/quality.csv",
    "Cells": "<cohort>/4_cells/cells.csv",
    "CalibrationLines": "<cohort>/4_cells/calibration.csv",
    "LabelledCells": "<cohort>/4_cells/labelled.csv",
    "SpecificUptake": "<cohort>/4_cells/specific.csv",
    "Estimates": "5_expansion/<model>/estimates.csv",
    "Curves": "5_expansion/<model>/curves.csv",
    "Fits": "5_expansion/<model>/fits.csv",
    "PopulationTests": "5_expansion/<model>/population.csv",
    "Noncompartmental": "5_expansion/noncompartmental.csv",
    "Selection": "5_expansion/selection.csv",
    "Endpoints": "6_comparison/endpoints.csv",
    "Summaries": "6_comparison/summaries.csv",
    "Comparisons": "6_comparison/comparisons.csv",
    "Agreement": "6_comparison/agreement.csv",
    "Overall": "6_comparison/overall.csv",
    "Paired": "6_comparison/paired.csv",
    "Forest": "6_comparison/forest.csv",
    "Diagnostics": "6_comparison/diagnostics.csv",
    "Repeated": "6_comparison/repeated.csv",
    "Alternatives": "6_comparison/alternatives.csv",
    "Sensitivity": "6_comparison/sensitivity.csv",
    "PlannedPower": "plan/power.csv",
    "PlannedPrecision": "plan/precision.csv",
    "Power": "6_comparison/power.csv",
    "Survival": "6_comparison/survival.csv",
    "Predictions": "6_comparison/prediction.csv",
    "ReadoutAgreement": "6_comparison/readouts.csv",
    "Destructive": "6_comparison/destructive.csv",
}
KINDS = {
    "text": "text",
    "float": "number",
    "int": "whole number",
    "flag": "True or False",
    "time": "time with offset",
    "date": "date",
}


def row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def limits(column: Column) -> str:
    """Say what a column may hold."""
    said = [", ".join(f"`{choice}`" for choice in column.choices)] if column.choices else []
    said += [f"> {column.above:g}"] if column.above is not None else []
    said += [f"≥ {column.at_least:g}"] if column.at_least is not None else []
    said += [f"≤ {column.at_most:g}"] if column.at_most is not None else []
    return "; ".join(said)


def table_section(table: type[Table]) -> str:
    head = f"\n## {table.__name__}\n\n`results/{FILES[table.__name__]}`. {table.__doc__}\n\n"
    head += f"Key: {', '.join(f'`{name}`' for name in table.key)}.\n\n"
    lines = row("column", "holds", "unit", "always there", "range", "meaning") + row(*["---"] * 6)
    for column in table.columns:
        always = "yes" if column.required else ""
        lines += row(f"`{column.name}`", KINDS[column.kind], column.unit, always, limits(column), column.meaning)
    return head + lines


def sheet_section(table: type[Table]) -> str:
    head = f"\n### {table.__name__.lower()}\n\n{table.__doc__}\n\n"
    lines = row("column", "holds", "required", "allowed", "meaning") + row(*["---"] * 5)
    for column in table.sheet_columns():
        required = "yes" if column.required else ""
        kind = "time" if column.kind == "time" else KINDS[column.kind]
        lines += row(f"`{header(column)}`", kind, required, limits(column), column.meaning)
    return head + lines


TABLE_RULES = """
Every table is a CSV file: UTF-8, commas, full precision, one row per measurement, sorted by its key, the same bytes
from run to run. Missing text and missing numbers are empty cells. Times carry their offset from UTC. The suffix of a
name is its unit; `_se` is a standard uncertainty, `_ci_low` and `_ci_high` are limits of an interval, `_frac` counts
from 0 to 1 and `_pct` from 0 to 100. Marks like (F17) are the formulas of [methods.md](methods.md).
"""


def tables_page() -> str:
    text = "# Tables\n\n" + WRITTEN + TABLE_RULES
    listed = [table for table in (*tables.SHEETS, *tables.RESULTS) if table.__name__ in FILES]
    order = list(FILES)
    return text + "".join(map(table_section, sorted(listed, key=lambda table: order.index(table.__name__))))


SHEET_RULES = """
A cohort is a folder:

```
<cohort>/
  animals.csv                                   the mice
  doses.csv  tubes.csv  scans.csv               where the study has such data
  calibration.csv  readouts.csv  volumes.csv    optional
  exclusions.csv  overrides.csv  clocks.csv     decisions, corrections of raw values, clocks that were off
  counter/     exports of the gamma counter, as the instrument wrote them
  pet/         ROI exports, as the software wrote them
  readouts/    exports of bioluminescence and calipers
```

One `cohort.xlsx` with sheets of these names may stand in place of the CSV files; both at once is an error.

- `snakemake --cores 1 template --config cohort=C03` writes such a folder to fill in: the workbook with drop-downs,
  units and explanations, and the same sheets as CSV.
- `snakemake --cores 1 check` says in seconds what is wrong with every cohort, and what is odd. It calculates nothing.
  Of a workbook it writes a copy, `results/<cohort>/<cohort>.checked.xlsx`, with red cells and comments.

[errors.md](errors.md) explains every message.

## Rules for every sheet

- CSV in UTF-8 or UTF-16, separated by commas, semicolons or tabs; a decimal comma only with the latter two.
  A first line `sep=;` is obeyed, as Excel does.
- Units stand in the header, e.g. `full_activity [MBq]` or `tare [mg]`. Activity: Bq kBq MBq GBq nCi uCi mCi; mass: g
  mg kg; volume: mL uL cc mm3; time: s min h d. A quantity without its unit is an error.
- Names are text: `001`, `NA` and `1-2` stay what they are.
- Times are `YYYY-MM-DD HH:MM` or `YYYY-MM-DD HH:MM:SS`, on the wall clock of `study.timezone`, or with an offset of
  their own (`2026-03-10T10:12:00+01:00`). A date alone or a time alone is refused; so is `03/04/2026`, unless
  `study.date_format` says which number is the month. A time that a change to or from summer time skips or repeats
  needs its offset.
- Headers are compared without case; `_`, space and `-` are alike. An unknown column is an error that names the
  nearest known one, unless its name starts with `x_` or is `note`.
- Rows are joined by name only. A counted position without a row in `tubes`, or the reverse, is an error; a mouse
  without a dose, a dose without tubes or scans, and an export that no sheet names are warnings.
- Spaces around a cell, signs that nobody sees and empty rows are ignored. A title above the header, merged cells, a
  formula without a value, an identifier that Excel turned into a date are errors; so is a table whose file name is
  almost that of a sheet.
- What cannot be true stops the cohort: events out of their order (cells, full syringe, injection, residual, scan or
  death, count), a mass that is not above 0, a residual that leaves no dose, a file that names another mouse. What is
  merely odd is calculated and told in `quality.csv` and in the report: a value 37, 100 or 1000 times the others, a
  time 12 hours off, two tubes that fit only exchanged, a row that stands twice.
- All problems of all sheets are reported at once: file, row as a spreadsheet shows it, column, the value, why it is
  wrong, what to do. Nothing is calculated from a cohort that has one.
- A name is only a name: nothing in a sheet or an export is calculated, run, or followed to a file outside of the
  folder. In results, a text that a spreadsheet would calculate has an apostrophe in front.
"""

EXPORT_RULES = """
## Exports

They are never edited; a wrong value in one is corrected in `overrides`. Which reader a file goes to is decided by
what is in it, whatever it is called; `counter.format` and `pet.format` of the config may name one instead. A column
map (the reader `table`) serves every other instrument: the config names the headers of its file, and nothing is
guessed.

"""

EXPORT_NOTES = """
- **Counter.** Gross counts are used, and the blanks of the same run. What the file's own CPM was corrected for is
  found out from the counts beside it and told in the report; one that the config declares otherwise
  (`counter.cpm_state`) is an error. CPM is used only where there are no counts and its state is declared. A tube is
  its rack and position.
- **PET.** Several frames of one scan are averaged, weighted by their duration. A `.voistat` has mid-frame times only:
  frames are rebuilt from 0, unless a `.acqtimes` file of the same name stands beside it. Curves in the style of BIDS
  take units and decay reference from their JSON; one that says otherwise than the sheet is an error. Volumes that an
  export lacks come from the sheet `volumes`. SUV needs `suv_dose` and `suv_weight` in `scans`.
- **Readouts.** The mouse of a Living Image table is its ROI label; the larger of two caliper readings is the length,
  and the volume is half of length times width squared.
- **Numbers and letters.** Decimal commas with semicolons, tabs or in a workbook; cp1252, UTF-8, UTF-16; any line
  ends. An empty cell is a gap, never 0.
"""


def exports_section() -> str:
    """Return what the readers are for, from their registry."""
    folders = {"counter": "counter/", "pet": "pet/", "readouts": "readouts/"}
    lines = row("folder", "reader", "reads") + row(*["---"] * 3)
    for reader in READERS:
        lines += row(f"`{folders[reader.what]}`", f"`{reader.name}`", reader.about.replace("'", "`"))
    return EXPORT_RULES + lines + EXPORT_NOTES


def inputs_page() -> str:
    sheets = "\n## Sheets\n" + "".join(map(sheet_section, tables.SHEETS))
    return "# Inputs: sheets and exports of a cohort\n\n" + WRITTEN + SHEET_RULES + exports_section() + sheets


EXAMPLE = (
    "1 problem in the input. Nothing was calculated from the cohort C01. docs/errors.md explains the codes in "
    "brackets; what can harm most comes first.\n"
    "  1. animals.csv, row 3, column B 'group': the group is not one of the study's (found 'UDT'). Did you mean 'UTD'? "
    "Else add it to 'groups' of the config. [unknown-group]"
)
ERROR_RULES = f"""
Every message about an input ends with its code in brackets, and this page explains each code: what was found, an
example, what would follow if it went unseen, and what to do. An example of a whole message:

```
{EXAMPLE}
```

The place is the file, the sheet of a workbook, the row as Excel shows it (the header is row 1), the letter of the
column and its header. Many rows with one cause are told once (`17 rows: 2, 5, 9, ...`).

- **Errors** stop the cohort that has them: nothing is calculated from it, and nothing of an earlier run is left of it.
- **Warnings** do not. They stand in `quality.csv` and in the report. With `study.status: final` each of them must be
  acknowledged under `quality.acknowledged` of the config, with a reason; the run says what to paste there.
- `snakemake --cores 1 check` tells both for every cohort in seconds and calculates nothing; of a cohort in a workbook
  it also writes `results/<cohort>/<cohort>.checked.xlsx`, the workbook with red cells and comments.

In both lists the most harmful come first, in the order in which a run tells them.
"""


def message_section(message: Message) -> str:
    lines = (
        f"- Example: {message.example}.",
        f"- If unseen: {message.harm}.",
        f"- What to do: {message.remedy}.",
    )
    return f"\n### {message.code}\n\n{message.what}.\n\n" + "\n".join(lines) + "\n"


def errors_page() -> str:
    text = "# Messages\n\n" + WRITTEN + ERROR_RULES
    for severity, title in (("error", "Errors"), ("warning", "Warnings")):
        text += f"\n## {title}\n"
        text += "".join(message_section(message) for message in MESSAGES if message.severity == severity)
    return text


def kind_of(key: dict[str, Any]) -> str:
    """Say in words what a key of the schema takes."""
    if "$ref" in key:
        return "section"
    if "anyOf" in key:
        return " or ".join(kind_of(branch) for branch in key["anyOf"])
    if "enum" in key:
        return ", ".join(f"`{choice}`" for choice in key["enum"])
    if key.get("type") == "array":
        return f"list of {kind_of(key['items'])}" if "$ref" not in key["items"] else "list, see below"
    if key.get("type") == "object":
        return "text by name"
    kind = {
        "string": "text",
        "number": "number",
        "integer": "whole number",
        "boolean": "true or false",
        "null": "nothing",
    }
    return kind[key["type"]]


def range_of(key: dict[str, Any]) -> str:
    """Say what a number of the schema may be."""
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    branches = [key, *key.get("anyOf", [])]
    return ", ".join(
        f"{sign} {branch[name]:g}" for branch in branches for name, sign in signs.items() if name in branch
    )


def default_of(name: str, key: dict[str, Any], required: list[str]) -> str:
    if name in required:
        return "**required**"
    value = key.get("default")
    return "nothing" if value is None else f"`{value}`" if value != "" else "empty"


def config_section(name: str, model: dict[str, Any]) -> str:
    head = f"\n## {name}\n\n{model['description']}\n\n"
    lines = row("key", "takes", "range", "default", "meaning") + row(*["---"] * 5)
    for key, value in model["properties"].items():
        default = default_of(key, value, model.get("required", []))
        if value.get("type") == "array" and "$ref" in value["items"]:
            default = "see config.schema.yaml" if value.get("default") else default
        lines += row(f"`{key}`", kind_of(value), range_of(value), default, value.get("description", ""))
    return head + lines


CONFIG_RULES = """
`config/config.yaml` states what a study decides; every other key has its default here, and nowhere else. Unknown keys
are errors. A list replaces the default as a whole.
"""


def config_page() -> str:
    document = schema()
    text = "# Config\n\n" + WRITTEN + CONFIG_RULES
    for name, key in document["properties"].items():
        item = key.get("items", key)
        if "$ref" in item:
            model = document["$defs"][item["$ref"].rsplit("/", 1)[1]]
            title = f"{name} (a list)" if "items" in key else name
            text += config_section(title, model)
            for inner, value in model["properties"].items():
                deeper = value.get("items", value)
                if "$ref" in deeper:
                    many = " (a list)" if "items" in value else ""
                    text += config_section(f"{name}.{inner}{many}", document["$defs"][deeper["$ref"].rsplit("/", 1)[1]])
        else:
            text += f"\n## {name}\n\n{key['description']}. Default: `{key['default']}`.\n"
    return text


def assumptions(path: Path) -> list[str]:
    """Return what the comments ``# ASSUME:`` of a file say, each over all its lines."""
    said: list[str] = []
    inside = False
    for line in path.read_text(encoding="utf-8").splitlines():
        comment = line.strip().removeprefix("#").strip() if line.strip().startswith("#") else ""
        if comment.startswith("ASSUME:"):
            said.append(comment.removeprefix("ASSUME:").strip())
            inside = True
        elif inside and comment:
            said[-1] += f" {comment}"
        else:
            inside = False
    return [text[0].upper() + text[1:].rstrip(".") + "." for text in said]


def methods_page() -> str:
    """Return the methods as they stand, with the assumptions that the code makes now."""
    head = (DOCS / "methods.md").read_text(encoding="utf-8").split("\n## Assumptions\n")[0].split("\n## Tests\n")[0]
    text = f"{head}\n## Tests\n\n{WRITTEN}\n" + row("test", "when", "gives", "reference") + row(*["---"] * 4)
    for test in group_tests.TESTS:
        text += row(f"{test.label} (`{test.name}`)", test.when, test.effect or "p only", test.reference)
    text += f"\n## Assumptions\n\n{WRITTEN}\nEach is made where the code says so, in the module that is named.\n\n"
    for path in sorted(CORE.rglob("*.py")):
        name = ".".join(path.relative_to(CORE).with_suffix("").parts)
        text += "".join(f"- `{name}`: {said}\n" for said in assumptions(path))
    return text


QUALITY_RULES = """
What is merely bad is calculated, and said in `quality.csv`: one row per check and subject, with the value, the
threshold and what to do. A check never changes a number and never leaves a value out; that only a decision in
`exclusions.csv` does, and then every result is given with and without. A *warn* wants a look, and in a final report a
reason (`quality.acknowledged`); a *fail* means that the number should not be used as it stands, and its light in the
report is red. What cannot be true is an error of [the import](errors.md), and nothing is calculated.
"""


def quality_page() -> str:
    """Return every check of every stage, with its threshold."""
    text = "# Checks of quality\n\n" + WRITTEN + QUALITY_RULES
    defaults = QualityThresholds.model_fields
    for stage in dict.fromkeys(check.stage for check in REGISTRY):
        basis = "why it matters" if stage == "import" else "rests on"
        text += f"\n## {stage[0].upper() + stage[1:]}\n\n"
        text += row("check", "looks at", "outcome", basis, "what to do") + row(*["---"] * 5)
        for check in REGISTRY:
            if check.stage == stage:
                limit = re.sub(
                    r"quality\.(\w+)", lambda key: f"`{key[0]}` ({defaults[key[1]].default:g})", check.threshold
                )
                text += row(f"`{check.name}`", check.what, limit, check.source, check.remedy)
    return text


def pages() -> dict[str, str]:
    """Return the text of every page that is written, by its file's name."""
    return {
        "tables.md": tables_page(),
        "inputs.md": inputs_page(),
        "errors.md": errors_page(),
        "config.md": config_page(),
        "methods.md": methods_page(),
        "quality.md": quality_page(),
    }


if __name__ == "__main__":
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
