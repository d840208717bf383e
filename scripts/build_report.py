"""Build the report of the study: one HTML page, and all that a lab or a journal takes from it as files beside it."""

import csv
import json
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import file_digest, sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from cartrace import acknowledged, job, tables
from cartrace.report import page, sections
from cartrace.report.arrive import arrive_markdown
from cartrace.report.blocks import Picture
from cartrace.report.changes import Changes, changed_cells, changes_markdown, settings_changed
from cartrace.report.crate import crate
from cartrace.report.documents import methods_docx
from cartrace.report.exchange import exchange_files
from cartrace.report.inline import inline_svg
from cartrace.report.methods import escaped, methods_text
from cartrace.report.provenance import run_record, run_yaml
from cartrace.report.sources import DERIVED, SOURCES
from cartrace.report.study import Study
from cartrace.report.workbook import workbook

SOFTWARE = ("snakemake", "numpy", "scipy", "pandas", "matplotlib", "jinja2", "openpyxl", "python-docx", "pyyaml")


def joined(paths: str | Sequence[str], table: type[tables.Table]) -> pd.DataFrame:
    """Return the tables of all cohorts or models as one, sorted by key."""
    several = [paths] if isinstance(paths, str) else paths
    frame = pd.concat([tables.read(path, table) for path in several], ignore_index=True)
    return frame.sort_values(list(table.key), kind="stable", ignore_index=True)


def gathered(frame: pd.DataFrame, paths: str | Sequence[str], target: Path, table: type[tables.Table]) -> None:
    """Write a table; where it was read from one file, that file is the table already."""
    several = [paths] if isinstance(paths, str) else paths
    if len(several) == 1:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(several[0], target)
    else:
        tables.write(frame, target, table)


def pictures(
    study: Study, figures: Sequence[str], captions: Sequence[str], guides: Sequence[str]
) -> dict[str, Picture]:
    """Return the drawn figures that show something with their words, ready for the page."""
    words = {name: said for path in captions for name, said in json.loads(text_of(path)).items()}
    guide_of = {Path(path).stem: " ".join(text_of(path).split()) for path in guides}
    numbers = {key: mouse.number for key, mouse in study.mice.items()}
    found = {}
    for path in figures:
        name = Path(path).stem
        said = words[name]
        if said["is_empty"]:
            continue
        svg = inline_svg(
            Path(path).read_text(encoding="utf-8"),
            name=name,
            alt=said["alt"],
            tags=said["tags"],
            mice=numbers,
            groups=list(study.labels),
        )
        found[name] = Picture(name, said["title"], said["caption"], said["alt"], svg, guide_of.get(name, ""))
    return found


def main(
    *,
    figures: Sequence[str],
    figure_files: Sequence[str],
    captions: Sequence[str],
    guides: Sequence[str],
    template: str,
    style: str,
    script: str,
    methods_template: str,
    html: str,
    methods: str,
    document: str,
    arrive: str,
    run: str,
    workbook_file: str,
    tables_folder: str,
    exchange_folder: str,
    crate_file: str,
    settings: Mapping[str, Any],
    assumptions: Sequence[Sequence[str]],
    digests: Mapping[str, str],
    cells_quality: Sequence[str],
    cores: int,
    **paths: str | Sequence[str],
) -> None:
    """Read the tables of all stages (`paths`, by key) and write everything that a reader takes away."""
    paths["quality"] = [*paths["quality"], *cells_quality]
    read = {one.key: joined(paths[one.key], one.contract) for one in SOURCES if one.key not in DERIVED}
    if settings["study"]["status"] == "final":
        acknowledged.require(read["quality"], settings["quality"]["acknowledged"])
    study = Study(**read, settings=settings, pictures={})
    versions = {"python": platform.python_version(), **{name: version(name) for name in SOFTWARE}}
    frames = {one.name: (getattr(study, one.key), one.contract) for one in SOURCES}
    for one in SOURCES:
        gathered(getattr(study, one.key), paths.get(one.key, ()), Path(tables_folder) / f"{one.name}.csv", one.contract)
    record = run_yaml(run_record(study, versions=versions, digests=digests))
    text = methods_text(study, text_of(methods_template), versions=versions, assumptions=assumptions)
    # Beside the results of all stages, since a rule's own outputs are removed before it runs.
    changes = compare(Path(str(paths["selection"])).parents[1] / ".history", Path(tables_folder), record)

    def made_page() -> None:
        shown = replace(study, pictures=pictures(study, figures, captions, guides))
        parts = sections(shown, methods=text, run=record, changes=changes)
        whole = page(shown, parts, template=text_of(template), style=text_of(style), script=text_of(script))
        Path(html).write_text(whole, encoding="utf-8")

    def exchanged() -> None:
        Path(exchange_folder).mkdir(parents=True, exist_ok=True)
        for name, content in exchange_files(study).items():
            (Path(exchange_folder) / name).write_text(content, encoding="utf-8")

    def filled() -> None:
        Path(workbook_file).write_bytes(workbook(frames))

    # The longest first.
    work = {"tables.xlsx": filled, "the page": made_page, "tables for other programs": exchanged}
    job.spread(lambda number: list(work.values())[number](), list(work), "writing", cores=cores)
    for path, content in ((run, record), (methods, text), (arrive, arrive_markdown(study))):
        Path(path).write_text(content, encoding="utf-8")
    Path(document).write_bytes(methods_docx(text))
    single = [html, methods, document, arrive, run, workbook_file]
    folders = [path for folder in (tables_folder, exchange_folder) for path in sorted(Path(folder).glob("*.csv"))]
    files = {Path(path).name: Path(path).read_bytes() for path in single}
    files |= {f"{path.parent.name}/{path.name}": path.read_bytes() for path in [*folders, *map(Path, figure_files)]}
    Path(crate_file).write_text(crate(study, files, versions=versions), encoding="utf-8")


def text_of(path: str) -> str:
    """Return the text of a file."""
    return Path(path).read_text(encoding="utf-8")


def compare(history: Path, folder: Path, record: str) -> str:
    """Return what changed since the last run that differs from this one, in Markdown, and keep this run's tables.

    `history` holds the tables and records of two runs, ``current`` and ``previous``. A run that gives the same tables
    again leaves both as they are, and so says the same again.
    """
    current, previous, fresh = (history / name for name in ("current", "previous", ".current.partial"))
    kept = held(current)
    now = held(folder) | {"run.yaml": sha256(record.encode()).hexdigest()}
    if kept != now:
        # The folder appears whole or not at all, whenever the job ends.
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(folder, fresh)
        (fresh / "run.yaml").write_text(record, encoding="utf-8")
        if kept:
            shutil.rmtree(previous, ignore_errors=True)
            current.rename(previous)
        fresh.rename(current)
    before = held(previous)
    if not before or before == now:
        return ""
    changes = Changes()
    for one in SOURCES:
        name = f"{one.name}.csv"
        if name in before and before[name] != now[name]:
            both = (partial(rows_of, where / name) for where in (previous, folder))
            changes.add(changed_cells(one.name, one.contract.key, *both))
    return changes_markdown(changes, settings_changed(text_of(str(previous / "run.yaml")), record), escaped)


def held(folder: Path) -> dict[str, str]:
    """Return what the files of a folder hold, as digests by name; none where there is no folder."""
    found = {}
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        with path.open("rb") as stream:
            found[path.name] = file_digest(stream, "sha256").hexdigest()
    return found


def rows_of(path: Path) -> Iterator[list[str]]:
    """Go through the rows of a CSV file, its head first."""
    with path.open(encoding="utf-8", newline="") as stream:
        yield from csv.reader(stream)


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"} | {"cores": snakemake.threads},
    )
