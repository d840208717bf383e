"""Print what the check of every cohort found, and end with an error where one cannot be imported."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from cartrace import checked


def main(*, found: str | Sequence[str]) -> tuple[str, int]:
    """Return one summary per cohort, and the number of problems."""
    paths = [found] if isinstance(found, str) else found
    outcomes = [json.loads(Path(path).read_text(encoding="utf-8")) for path in paths]
    for path, outcome in zip(paths, outcomes, strict=True):
        outcome["checked"] = outcome["checked"] and str(Path(path).parent / outcome["checked"])
    return checked.told(outcomes), sum(outcome["problems"] for outcome in outcomes)


if "snakemake" in globals():
    text, n_problems = main(found=list(snakemake.input.found))
    Path(snakemake.log[0]).write_text(f"{text}\n", encoding="utf-8")
    if n_problems:
        # The log stands at the end of the run's output.
        sys.exit(1)
    print(f"\n{text}\n", flush=True)
