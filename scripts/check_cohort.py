"""Read a cohort as its import does, and write down whether it can be imported and what is wrong with it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cartrace import checked as marks
from cartrace import folder as folders
from cartrace import job
from cartrace.errors import InputError


def main(*, sheets: str | Sequence[str], found: str, checked: str = "", **settings: Any) -> None:
    """Check one cohort; `settings` are those of the import, and `checked` where its marked workbook goes."""
    problems: Sequence[Any] = ()
    try:
        lines = marks.summary(folders.read(sheets=sheets, **settings))
    except InputError as error:
        problems, lines = error.problems, str(error).splitlines()
    if checked:
        paths = [sheets] if isinstance(sheets, str) else sheets
        workbook = next(Path(path) for path in paths if Path(path).suffix == ".xlsx")
        Path(checked).write_bytes(marks.marked(workbook.read_bytes(), problems, file=workbook.name))
    outcome = {"cohort": settings["cohort"], "problems": len(problems), "lines": lines, "checked": Path(checked).name}
    Path(found).write_text(json.dumps(outcome, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
