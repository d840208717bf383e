"""The script that reports: all that a reader takes away, from the tables alone, the same bytes again."""

import re

import pytest
import yaml
from openpyxl import load_workbook
from report_study import FIGURES, SETTINGS, StudyMaker, build, draw, written

from cartrace import tables
from cartrace.errors import InputError
from cartrace.report.sources import SOURCES


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    paths = written(StudyMaker(exclude="m07").made(), folder / "tables")
    draw(paths, folder / "figures")
    build(paths, folder / "figures", folder / "report")
    return folder


def test_everything_is_written(study):
    report = study / "report"
    files = {path.name for path in report.iterdir()}
    assert files == {
        *("report.html", "methods.md", "methods.docx", "arrive.md", "run.yaml", "ro-crate-metadata.json"),
        *("tables.xlsx", "tables", "exchange"),
    }
    names = {source.name for source in SOURCES}
    assert {path.stem for path in (report / "tables").iterdir()} == names
    assert set(load_workbook(report / "tables.xlsx", read_only=True).sheetnames) == names | {"data_dictionary"}


def test_the_tables_keep_their_contracts(study):
    for source in SOURCES:
        tables.read(study / "report" / "tables" / f"{source.name}.csv", source.contract)


def test_all_figures_are_inside_with_identifiers_of_their_own(study):
    text = (study / "report" / "report.html").read_text(encoding="utf-8")
    # One cohort has nothing to be held against: its forest plot is left out.
    for name in FIGURES:
        assert (f'id="figure-{name}"' in text) == (name != "cohort_forest")
        assert (f"plot-{name}" in text) == (name != "cohort_forest")
    identifiers = re.findall(r'\bid="([^"]*)"', text)
    assert len(identifiers) == len(set(identifiers))
    references = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text))
    assert references <= set(identifiers)


def test_nothing_is_fetched(study):
    text = (study / "report" / "report.html").read_text(encoding="utf-8")
    hosts = set(re.findall(r'(?:href|src)="(https?://[^/"]+)', text))
    assert hosts == {"https://doi.org"}
    assert "<image" not in text or 'xlink:href="data:' in text


def test_the_second_build_gives_the_same_bytes(study, tmp_path):
    paths = {path.stem: str(path) for path in (study / "tables").iterdir()}
    build(paths, study / "figures", tmp_path)
    for path in sorted((study / "report").rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / path.relative_to(study / "report")).read_bytes(), path.name


def test_the_record_reads_back(study):
    record = yaml.safe_load((study / "report" / "run.yaml").read_text(encoding="utf-8"))
    assert record["config"] == SETTINGS
    assert {"python", "numpy", "pandas", "snakemake"} <= set(record["versions"])


def test_a_study_without_pet_has_a_report(tmp_path):
    paths = written(StudyMaker(has_pet=False).made(), tmp_path / "tables")
    draw(paths, tmp_path / "figures", names=("biodistribution", "ratios", "primary_comparison"))
    build(paths, tmp_path / "figures", tmp_path / "report")
    text = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert 'href="#pet"' not in text
    assert "The primary comparison could not be made" in text


def test_a_final_report_wants_a_reason_for_each_warning_and_prints_it(study, tmp_path):
    paths = {path.stem: str(path) for path in (study / "tables").iterdir()}
    final = SETTINGS | {"study": SETTINGS["study"] | {"status": "final"}}
    with pytest.raises(InputError) as caught:
        build(paths, study / "figures", tmp_path / "refused", settings=final)
    assert not list((tmp_path / "refused").iterdir())
    pasted = yaml.safe_load(str(caught.value).split("each line:\n")[1])["quality"]["acknowledged"]
    assert len(pasted) == len(caught.value.problems) > 0
    for number, item in enumerate(pasted):
        item["reason"] = f"was looked at, number {number}"
    final["quality"] = SETTINGS["quality"] | {"acknowledged": pasted}
    build(paths, study / "figures", tmp_path / "report", settings=final)
    text = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert all(item["reason"] in text for item in pasted)
