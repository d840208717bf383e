"""The report: what it says is in the tables, what it cannot know it leaves out, and a name is only a name."""

import io
import json
import re
import zipfile
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest
import yaml
from markupsafe import Markup
from openpyxl import load_workbook
from report_study import RESOURCES, ROOT, SETTINGS, StudyMaker

from cartrace import tables
from cartrace.report import page, sections
from cartrace.report.blocks import MOST_ROWS, Answer, Cell, Facts, Grid, Heading, Lights, Picture, grid, number_cell
from cartrace.report.inline import inline_svg
from cartrace.report.methods import TESTS_OF, WORK_OF, html, methods_text
from cartrace.report.mice import mouse_pages
from cartrace.report.provenance import run_record, run_yaml
from cartrace.report.references import REFERENCES, Citations
from cartrace.report.study import Study
from cartrace.report.verdict import primary_sentences
from cartrace.report.workbook import dictionary, workbook

VERSIONS = dict.fromkeys(("snakemake", "python", "numpy", "scipy", "pandas", "matplotlib"), "1.0")
METHODS = (RESOURCES / "methods.md.j2").read_text(encoding="utf-8")
HOSTILE = {"m05": "<b>x</b>", "m06": "=1+1", "m07": "a&b \"q\" 'r'"}


def study_of(maker: StudyMaker, **changed) -> Study:
    made = maker.made()
    made["quality"] = pd.concat([made["quality"], made["cells_quality"]], ignore_index=True)
    frames = {name: made[name] for name in Study.__dataclass_fields__ if name in made}
    picture = Picture("biodistribution", "Biodistribution", "A caption.", "An alt.", Markup("<svg></svg>"))
    settings = SETTINGS | {"groups": maker.groups}
    return replace(Study(**frames, settings=settings, pictures={"biodistribution": picture}), **changed)


def built(study: Study) -> str:
    text = methods_text(study, METHODS, versions=VERSIONS, assumptions=[])
    record = run_yaml(run_record(study, versions=VERSIONS, digests={"build_report": "0"}))
    files = {"template": "report.html.j2", "style": "report.css", "script": "report.js"}
    read = {name: (RESOURCES / file).read_text(encoding="utf-8") for name, file in files.items()}
    return page(study, sections(study, methods=text, run=record), **read)


class Page(HTMLParser):
    """What a browser would take from the page."""

    VOID = frozenset({"meta", "link", "br", "img", "input", "hr", "col"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.problems: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
                self.links.append((tag, name, value))
            if name.startswith("on"):
                self.problems.append(f"{tag} {name}")

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing")

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)


@pytest.fixture(scope="module")
def study() -> Study:
    return study_of(StudyMaker(exclude="m07"))


@pytest.fixture(scope="module")
def text(study) -> str:
    return built(study)


def test_the_page_is_well_formed_and_its_navigation_leads_somewhere(text):
    found = Page(text)
    assert found.problems == []
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    anchors = [value[1:] for _, _, value in found.links if value.startswith("#")]
    assert len(anchors) > 10
    assert set(anchors) <= set(found.ids)


def test_the_page_loads_nothing(text):
    for tag, _, value in Page(text).links:
        if value.startswith("#") or not re.match(r"[a-z]+:|//", value):
            continue
        assert tag == "a"
        assert value.startswith("https://doi.org/10.")
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    script = (RESOURCES / "report.js").read_text(encoding="utf-8")
    assert not re.search(r"fetch|XMLHttpRequest|import\(|eval|innerHTML|https?:", script)


def test_downloads_are_files_beside_the_report(text):
    files = {
        value for tag, _, value in Page(text).links if tag == "a" and not value.startswith(("#", "https://doi.org"))
    }
    assert {"tables.xlsx", "methods.md", "run.yaml", "tables/uptake.csv", "figures/biodistribution.pdf"} <= files
    pattern = r"exchange/|(tables/|figures/|source_data/)?[a-z_-]+\.(csv|xlsx|md|docx|yaml|json|pdf|svg|png)"
    assert all(re.fullmatch(pattern, file) for file in files)


def test_names_are_only_names():
    study = study_of(StudyMaker(rename=HOSTILE))
    settings = {**study.settings, "study": SETTINGS["study"] | {"title": "<script>alert(1)</script>"}}
    text = built(replace(study, settings=settings))
    assert "<b>x</b>" not in text
    assert "<script>alert" not in text
    shown = "".join(Page(text).text)
    for name in HOSTILE.values():
        assert name in shown
    assert Page(text).problems == []


@pytest.mark.parametrize(
    ("changed", "absent"),
    [
        ({"has_pet": False}, {"pet", "expansion", "agreement", "next-cohort"}),
        ({"has_counter": False}, {"biodistribution", "agreement"}),
        ({}, set()),
    ],
)
def test_sections_without_data_are_absent(changed, absent):
    study = study_of(StudyMaker(**changed))
    if "expansion" in absent:
        study = replace(study, calibration_lines=tables.empty(tables.CalibrationLines))
    found = {section.anchor for section in sections(study, methods="# Methods", run="a: 1")}
    everything = {"verdict", "design", "intake", "quality", "cohort", "mouse-pages", "biodistribution", "pet"}
    everything |= {"expansion", "comparison", "agreement", "uncertainty", "next-cohort", "exclusions", "methods"}
    everything |= {"provenance", "arrive"}
    assert found == everything - absent
    page_text = built(study)
    for anchor in absent:
        assert f'href="#{anchor}"' not in page_text


def test_the_verdict_is_in_the_tables(study):
    (section,) = [part for part in sections(study, methods="# M", run="a: 1") if part.anchor == "verdict"]
    facts = dict(next(block for block in section.blocks if isinstance(block, Facts)).pairs)
    assert facts["Tracer"] == "[18F]TFB, F-18, half-life 109.77 min (ENSDF)"
    row = study.primary()[0]
    assert facts["Mice"] == (
        f"{len(study.animals)} planned, {study.doses['animal_id'].nunique()} injected, "
        f"{row['n_a'] + row['n_b']} in the primary comparison, 1 excluded, 0 with a part excluded"
    )
    (flow,) = [part for part in sections(study, methods="# M", run="a: 1") if part.anchor == "design"]
    table = next(block for block in flow.blocks if isinstance(block, Grid))
    assert [cell.text for cell in table.rows[1]] == ["Reporter T cells without CAR", "4", "4", "4", "4", "2", "2", "1"]
    assert [cell.text for cell in table.foot] == ["All", "12", "12", "12", "12", "6", "6", "1"]
    lights = next(block for block in section.blocks if isinstance(block, Lights))
    assert [(light.label, light.status, light.text) for light in lights.items] == [
        ("tail", "warn", "1 warn, 11 pass"),
        ("calibration", "pass", "1 pass"),
    ]


def test_the_primary_sentence_holds_estimate_interval_p_and_n(study):
    row = study.primary()[0]
    sentences = primary_sentences(study)
    assert sentences[0].startswith("Primary endpoint, growth rate (tumour): Reporter CAR-T ")
    assert f"ratio {row['estimate']:.2g}" in sentences[0]
    assert f"n = {row['n_a']} vs {row['n_b']} mice" in sentences[0]
    assert "p = " in sentences[0]
    assert sentences[1].startswith("With excluded mice: ")


def test_a_draft_says_so_and_a_final_study_does_not(study, text):
    assert ">DRAFT<" in text
    final = {**study.settings, "study": SETTINGS["study"] | {"status": "final"}}
    assert "DRAFT" not in built(replace(study, settings=final))


def test_a_study_without_a_primary_comparison_says_so(study):
    none = replace(study, comparisons=study.comparisons[~study.comparisons["is_primary"]])
    assert primary_sentences(none) == [
        "The primary comparison could not be made: no mouse has a value of its endpoint."
    ]
    assert none.stages()["analysed"].sum() == 0


def test_exclusions_of_scans_and_tubes_find_their_mouse(study):
    row = study.exclusions.iloc[0].to_dict() | {"animal_id": ""}
    scan = row | {"level": "scan", "scan_id": "m02_d04", "source_row": 3}
    tube = row | {"level": "tube", "counter_file": "run.csv", "rack": "1", "position": "0008", "source_row": 4}
    blank = tube | {"position": "9999", "source_row": 5}
    changed = replace(study, exclusions=pd.DataFrame([scan, tube, blank]))
    assert list(changed.excluded_parts()["animal_id"]) == ["m02", "m09", ""]
    assert changed.stages()["partly excluded"].to_dict() == {"UTD": 1, "NT": 0, "CAR": 1}


def test_checks_that_do_not_pass_come_first_and_failures_before_warnings(study):
    rows = study.quality.copy()
    rows.loc[rows["subject"] == "m09 d01", "status"] = "fail"
    (section,) = [
        part for part in sections(replace(study, quality=rows), methods="# M", run="a: 1") if part.anchor == "quality"
    ]
    table = next(block for block in section.blocks if isinstance(block, Grid))
    assert [(row[0].text, row[0].tone, row[3].text) for row in table.rows] == [
        ("fail", "fail", "m09 d01"),
        ("warn", "warn", "m02 d01"),
    ]


def test_mean_table_gives_mean_sd_and_n_by_tissue_and_group(study):
    (section,) = [part for part in sections(study, methods="# M", run="a: 1") if part.anchor == "biodistribution"]
    table = next(block for block in section.blocks if isinstance(block, Grid))
    assert table.headings[0].label == "Region"
    rows = study.summaries
    row = rows[(rows["analysis"] == "without_excluded") & (rows["region"] == "liver") & (rows["group"] == "CAR")]
    row = row[row["modality"] == "counter"].iloc[0]
    (liver,) = [cells for cells in table.rows if cells[0].text == "liver"]
    mean, sd, n = re.fullmatch(r"([\d.]+) ± ([\d.]+) \((\d+)\)", liver[3].text).groups()
    assert float(mean) == pytest.approx(row["mean"], rel=0.05)
    assert float(sd) == pytest.approx(row["sd"], rel=0.15)
    assert int(n) == row["n"]
    (muscle,) = [cells for cells in table.rows if cells[0].text == "muscle"]
    assert "1 below detection" in muscle[3].text


def test_every_test_that_was_run_is_listed_with_and_without_exclusions(study):
    (section,) = [part for part in sections(study, methods="# M", run="a: 1") if part.anchor == "comparison"]
    (table,) = [block for block in section.blocks if isinstance(block, Grid) and "Every test" in block.caption]
    main = study.comparisons[study.comparisons["analysis"] == "without_excluded"]
    assert len(table.rows) == len(main)
    labels = [heading.label for heading in table.headings]
    assert table.rows[0][labels.index("Family")].text == "primary"
    assert all(row[labels.index("With excluded mice")].text for row in table.rows)


def test_choices_that_move_the_primary_comparison_are_not_counted_with_those_of_others(text):
    said = " ".join(Page(text).text)
    assert (
        "The primary comparison was made in 4 other ways; 2 move its conclusion: gompertz <b> (significance)." in said
    )
    assert "Declared secondary ones were made in 2 other ways; 2 move a conclusion:" in said
    assert "growth rate (spleen): dose by calibrator (direction)" in said


def test_what_a_mouse_does_not_give_is_told_once_with_its_reason():
    (section,) = [
        part for part in sections(study_of(StudyMaker()), methods="# M", run="a: 1") if part.anchor == "expansion"
    ]
    table = next(block for block in section.blocks if isinstance(block, Grid) and "does not give" in block.caption)
    assert [[cell.text for cell in row] for row in table.rows] == [
        [
            "C01",
            "m06",
            "Reporter T cells without CAR",
            "4",
            "0",
            "growth rate, doubling time, time of peak",
            "not estimable",
            "fewer than 3 points above detection",
        ]
    ]


def test_mice_without_a_reporter_are_given_no_cells(study):
    (section,) = [part for part in sections(study, methods="# M", run="a: 1") if part.anchor == "cohort"]
    (table,) = [block for block in section.blocks if isinstance(block, Grid)]
    cells = {row[1].text: row[7] for row in table.rows}
    assert all(cells[name].text == "" for name in ("m01", "m02", "m03", "m04", "m07"))
    followed = study.cells[(study.cells["animal_id"] == "m05") & ~study.cells["is_below_detection"]]
    assert float(cells["m05"].sort) == followed["cells"].max()


def test_a_long_table_is_cut_and_says_so():
    rows = [[Cell(str(number))] for number in range(MOST_ROWS + 5)]
    table = grid("Rows", [Heading("n")], rows, file="tables/x.csv")
    assert len(table.rows) == MOST_ROWS
    assert table.note == f"The first {MOST_ROWS} of {MOST_ROWS + 5} rows are shown; tables/x.csv holds all of them."


def test_a_column_without_a_value_is_absent():
    headings = [Heading("Mouse"), Heading("Remark"), Heading("n", True, folded=True)]
    table = grid("Mice", headings, [[Cell("m1"), Cell(""), Cell("")], [Cell("m2"), Cell(""), Cell("3")]])
    assert [heading.label for heading in table.headings] == ["Mouse", "n"]
    assert [[cell.text for cell in row] for row in table.rows] == [["m1", ""], ["m2", "3"]]
    assert len(grid("No mice", headings, []).headings) == 3


def test_the_least_needed_columns_of_wide_tables_are_folded(study, text):
    (section,) = [part for part in sections(study, methods="# M", run="a: 1") if part.anchor == "comparison"]
    for block in section.blocks:
        if isinstance(block, Grid):
            assert len([heading for heading in block.headings if not heading.folded]) < 10, block.caption
    assert re.findall(r"<th[^>]* data-folded>([^<]+)<", text)[:3] == ["Family", "Means", "Test"]


def test_a_model_says_how_many_mice_it_fits_and_how_many_have_a_curve(study):
    def answer(one: Study) -> str:
        (section,) = [part for part in sections(one, methods="# M", run="a: 1") if part.anchor == "expansion"]
        return next(block.text for block in section.blocks if isinstance(block, Answer))

    fits = study.fits[(study.fits["analysis"] == "without_excluded") & (study.fits["model"] == study.chosen_model)]
    fitted = int((fits["status"] == "ok").sum())
    whole = f"The study's model is {study.chosen_model}; it could be fitted to {fitted} of {len(fits)} mice"
    assert answer(study) == f"{whole}."
    some = study.curves[study.curves["animal_id"] != fits.loc[fits["status"] == "ok", "animal_id"].iloc[0]]
    curved = f"{whole}, of which {fitted - 1} have a curve: the scans of the others do not determine a growth rate."
    assert answer(replace(study, curves=some)) == curved
    none = replace(study, selection=study.selection.assign(chosen=False))
    assert answer(none).startswith("No model of expansion could be chosen; ")


def test_a_missing_number_is_a_gap():
    assert number_cell(float("nan")) == Cell("")
    assert number_cell(0.0).text == "0"


# ---- methods ----


def test_methods_say_only_what_was_done(study):
    text = methods_text(study, METHODS, versions=VERSIONS, assumptions=[])
    for word in (
        "gamma counter",
        "PET",
        "calibration",
        "logistic",
        "Holm",
        "Fieller",
        "ENSDF",
        "weighed standards",
        "dead time",
    ):
        assert word in text
    for word in ("Benjamini", "ICRP", "gompertz", "calibrator's reading and the counter's sensitivity"):
        assert word not in text
    no_pet = methods_text(study_of(StudyMaker(has_pet=False)), METHODS, versions=VERSIONS, assumptions=[])
    assert "## PET" not in no_pet
    assert "## Cells" not in no_pet
    assert "## Expansion" not in no_pet
    assert "scanner" not in no_pet.replace("scanner_frac", "").replace("calibration of the scanner", "")
    no_counter = methods_text(study_of(StudyMaker(has_counter=False)), METHODS, versions=VERSIONS, assumptions=[])
    assert "## Gamma counter" not in no_counter
    assert "Currie" not in no_counter


def test_methods_name_the_families_of_each_adjustment(study):
    rows = study.comparisons.assign(adjustment="none")
    rows.loc[rows["region"] == "liver", ["family", "adjustment"]] = ["lymphoid_organs", "holm"]
    rows.loc[rows["region"] == "muscle", ["family", "adjustment"]] = ["biodistribution_suv", "BH"]
    text = methods_text(replace(study, comparisons=rows), METHODS, versions=VERSIONS, assumptions=[])
    assert "each family of comparisons (lymphoid organs) by Holm's method" in text
    assert "each family of comparisons (biodistribution SUV) by the method of Benjamini" in text


def test_methods_name_the_comparisons_of_sessions_of_a_mouse(study):
    row = {"analysis": "without_excluded", "family": "growth_within", "test": "Paired t on log", "scale": "log"}
    paired = pd.DataFrame([row | {"status": "ok"}]).reindex(columns=study.paired.columns)
    text = methods_text(replace(study, paired=paired), METHODS, versions=VERSIONS, assumptions=[])
    assert "Sessions of the same mouse were compared with each other (growth within) by: Paired t on log" in text
    assert "Student. The probable error of a mean" in text
    assert "Sessions of the same mouse" not in methods_text(study, METHODS, versions=VERSIONS, assumptions=[])
    alone = replace(study, paired=paired, comparisons=study.comparisons.iloc[:0])
    text = methods_text(alone, METHODS, versions=VERSIONS, assumptions=[])
    assert "Groups could not be compared" in text
    assert "Paired t on log" in text


def test_methods_cite_what_they_list_and_list_what_they_cite(study):
    text = methods_text(study, METHODS, versions=VERSIONS, assumptions=[])
    body, listed = text.split("## References")
    cited = sorted({int(number) for group in re.findall(r"(?<!\\)\[([\d, ]+)\]", body) for number in group.split(",")})
    numbered = [int(number) for number in re.findall(r"^(\d+)\. ", listed, flags=re.MULTILINE)]
    assert cited == numbered == list(range(1, len(numbered) + 1))


def test_citations_are_numbered_in_order_and_unknown_ones_are_a_defect():
    cite = Citations()
    assert cite("welch") == "[1]"
    assert cite("currie", "welch") == "[2, 1]"
    with pytest.raises(KeyError):
        cite("nobody")
    assert len({reference.key for reference in REFERENCES}) == len(REFERENCES)


def test_names_in_methods_are_no_markup():
    maker = StudyMaker(
        groups=[
            {"name": "NT", "role": "control", "label": "*a* <b>\n\n# x"},
            {"name": "CAR", "role": "test", "label": ""},
        ]
    )
    text = methods_text(study_of(maker), METHODS, versions=VERSIONS, assumptions=[])
    assert r"\*a\* \<b\> \# x" in text
    assert "*a* &lt;b&gt; # x" in html(text)


def test_our_markdown_becomes_html():
    assert html("# A\n\ntext *x* <y>\n\n- one\n- two\n\n1. R. doi:10.1/a.b") == (
        "<h3>A</h3>\n<p>text *x* &lt;y&gt;</p>\n<ul><li>one</li><li>two</li></ul>\n"
        '<ol><li>R. <a href="https://doi.org/10.1/a.b">doi:10.1/a.b</a></li></ol>'
    )


def test_only_assumptions_of_what_was_done_are_told(study):
    marked = [
        ["counting", "the dead time is non-paralysable"],
        ["regions", "the SUV takes tissue at 1 g/mL."],
        ["population/fit", "parameters are normal"],
        ["decay", "always told"],
        ["decay", "always told"],
    ]
    text = methods_text(study, METHODS, versions=VERSIONS, assumptions=marked)
    told = text.split("## Assumptions")[1].split("## Software")[0]
    assert told.split("\n") == [
        "",
        "",
        "- The dead time is non-paralysable.",
        "- The SUV takes tissue at 1 g/mL.",
        "- Always told.",
        "",
        "",
    ]
    no_pet = methods_text(study_of(StudyMaker(has_pet=False)), METHODS, versions=VERSIONS, assumptions=marked)
    assert "SUV" not in no_pet
    assert "non-paralysable." in no_pet
    assert "## Assumptions" not in methods_text(study, METHODS, versions=VERSIONS, assumptions=[])


@pytest.mark.parametrize(
    ("file", "table", "values"),
    [
        ("strategies", "labelled_cells", {"net_pct_id": 1.0}),
        ("specific", "specific_uptake", {"status": "ok"}),
        ("destructive", "destructive", {"estimate": 1.0}),
        ("survival_groups", "survival", {"status": "ok"}),
        ("outcomes", "predictions", {"status": "ok"}),
        ("earlier_injection", "roi_activity", {"residual_kbq_per_ml": 1.0}),
        ("partial_volume", "uptake", {"recovered_pct_id_per_ml": 1.0}),
    ],
)
def test_what_a_stage_assumes_is_told_where_it_did_something(study, file, table, values):
    marked = [[file, "this holds"]]
    empty = getattr(study, table).iloc[:0]
    without = replace(study, **{table: empty})
    assert "This holds." not in methods_text(without, METHODS, versions=VERSIONS, assumptions=marked)
    done = replace(study, **{table: empty.reindex([0]).assign(**values)})
    assert "This holds." in methods_text(done, METHODS, versions=VERSIONS, assumptions=marked)


def test_a_fitted_tail_is_assumed_where_one_was_asked_for(study):
    marked = [["sacrifices", "this holds"]]
    row = study.destructive.iloc[:0].reindex([0]).assign(estimate=1.0)
    comparison = study.settings["comparison"]
    for tail, is_told in (("physical", False), ("fitted", True)):
        settings = study.settings | {"comparison": comparison | {"residence_tail": tail}}
        text = methods_text(
            replace(study, destructive=row, settings=settings), METHODS, versions=VERSIONS, assumptions=marked
        )
        assert ("This holds." in text) == is_told


def test_what_limits_an_assumption_are_files_of_the_core():
    core = ROOT / "scripts" / "cartrace"
    for name in WORK_OF | TESTS_OF:
        assert (core / f"{name}.py").is_file() or (core / name).is_dir(), name


# ---- record, workbook, inline figures ----


def test_the_record_names_inputs_half_lives_versions_and_settings(study):
    record = yaml.safe_load(run_yaml(run_record(study, versions=VERSIONS, digests={"build_report": "0" * 64})))
    assert record["half_lives"] == [{"tracer": "[18F]TFB", "nuclide": "F-18", "half_life_s": 6586.2, "source": "ENSDF"}]
    assert record["inputs"] == [{"cohort": "C01", "file": "animals.csv", "sha256": "ab" * 32}]
    assert record["config"]["comparison"]["primary"]["groups"] == ["CAR", "NT"]
    assert record["core_sha256"] == {"build_report": "0" * 64}
    assert record["versions"] == VERSIONS


def frames(maker: StudyMaker) -> dict:
    made = maker.made()
    return {"animals": (made["animals"], tables.Animals), "uptake": (made["uptake"], tables.Uptake)}


def test_the_workbook_holds_tables_as_text_and_numbers_and_no_formula():
    made = frames(StudyMaker(rename=HOSTILE | {"m08": "bad\x07bell", "m09": " a\r\n\ufffeb ", "m10": "#N/A"}))
    book = load_workbook(io.BytesIO(workbook(made)))
    assert book.sheetnames == ["data_dictionary", "animals", "uptake"]
    for sheet in book:
        for row in sheet.iter_rows():
            assert all(cell.data_type != "f" for cell in row)
    names = [cell.value for cell in book["animals"]["B"]]
    assert names[0] == "animal_id"
    assert {"=1+1", "<b>x</b>", "badbell", " a\r\nb ", "#N/A"} <= set(names)
    assert all(cell.data_type == "s" for cell in book["animals"]["B"])
    header = [cell.value for cell in book["uptake"][1]]
    column = header.index("uptake_pct_id") + 1
    shown = [book["uptake"].cell(row, column).value for row in range(2, book["uptake"].max_row + 1)]
    assert shown == made["uptake"][0]["uptake_pct_id"].tolist()
    assert book["uptake"].cell(2, header.index("excluded") + 1).value is False
    assert book["uptake"].cell(2, header.index("volume_ml") + 1).value is None


def test_a_table_too_long_for_a_tab_is_cut_and_says_so(monkeypatch):
    monkeypatch.setattr("cartrace.report.workbook.MOST_ROWS", 2)
    study = study_of(StudyMaker())
    made = {"animals": (study.animals, tables.Animals)}
    book = load_workbook(io.BytesIO(workbook(made)))
    assert book["animals"].max_row == 1 + 2
    told = [row[4] for row in book["data_dictionary"].iter_rows(values_only=True) if row[0] == "animals"]
    n = len(study.animals)
    assert told[0] == (
        f"This tab has the first 2 of {n} rows, since Excel takes no more; all are in tables/animals.csv"
    )
    assert len(dictionary(made)) == 1 + len(tables.Animals.columns)
    assert len(dictionary({"animals": (study.animals.head(2), tables.Animals)})) == len(tables.Animals.columns)


def test_the_dictionary_has_every_column():
    made = frames(StudyMaker())
    rows = dictionary(made)
    assert len(rows) == len(tables.Animals.columns) + len(tables.Uptake.columns)
    assert ("uptake", "uptake_pct_id_per_g", "float", "%ID/g") in {row[:4] for row in rows}
    assert all(row[4] for row in rows)


def test_the_workbook_is_the_same_bytes_and_tells_no_time():
    one, two = (workbook(frames(StudyMaker())) for _ in range(2))
    assert one == two
    with zipfile.ZipFile(io.BytesIO(one)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert (
            re.findall(rb"\d{4}-\d\d-\d\dT[\d:]+Z", archive.read("docProps/core.xml")) == [b"1980-01-01T00:00:00Z"] * 2
        )


def test_an_inlined_figure_has_its_own_identifiers_and_the_pages_colours():
    svg = (
        '<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg xmlns:xlink="x" width="72pt" height="36pt" viewBox="0 0 72 36">\n'
        '<metadata>m</metadata><defs><path id="p1"/></defs><g clip-path="url(#p1)"><use xlink:href="#p1"/>'
        '<text style="font: 7px">a</text><path style="fill: #ffffff; stroke: #000000"/></g></svg>'
    )
    inlined = inline_svg(svg, name="fit", alt='says "5 < 6"')
    assert inlined.startswith("<svg ")
    assert 'role="img" aria-label="says &#34;5 &lt; 6&#34;"' in inlined
    assert 'id="fit-0"' in inlined
    assert "url(#fit-0)" in inlined
    assert 'href="#fit-0"' in inlined
    assert "fill: var(--paper); stroke: currentColor" in inlined
    # What matplotlib draws black without saying so.
    assert "svg.plot { fill: currentColor; }" in (RESOURCES / "report.css").read_text(encoding="utf-8")
    assert 'class="plot plot-' in inlined
    assert '<text style="fill: currentColor; font: 7px">' in inlined
    assert "metadata" not in inlined
    assert "width:96px" in inlined


def test_places_in_an_inlined_figure_are_rounded_and_numbers_to_read_are_not():
    svg = '<svg width="72pt" height="36pt"><text x="30.123456" y="1.0">p = 0.0078, 0.825</text></svg>'
    inlined = inline_svg(svg, name="fit", alt="0.0078")
    assert '<text x="30.12" y="1.0">p = 0.0078, 0.825</text>' in inlined
    assert 'aria-label="0.0078"' in inlined


def test_a_style_that_many_marks_share_stands_once():
    marks = "".join(f'<use xlink:href="#p1" x="{x}" style="fill: #0072b2; stroke: #000000"/>' for x in range(5))
    svg = f'<svg width="72pt" height="36pt"><path id="p1" style="fill: #123456"/>{marks}</svg>'
    inlined = inline_svg(svg, name="fit", alt="")
    assert inlined.count('class="c0"') == 5
    assert "<style>.plot-fit .c0{fill: #0072b2; stroke: currentColor}</style><path" in inlined
    assert 'style="fill: #123456"' in inlined


def test_of_more_mice_than_a_page_can_hold_those_with_something_to_look_at_have_theirs(monkeypatch):
    made = study_of(StudyMaker())
    assert made.with_page == made.mice
    monkeypatch.setattr("cartrace.report.study.MOST_PAGES", 3)
    few = study_of(StudyMaker())
    about = {mouse for key, mouse in few.mice.items() if key in few.with_page}
    checks = few.quality[few.quality["status"] != "pass"]
    flagged = {few.mouse_of(row.cohort, row.subject) for row in checks.itertuples()} - {None}
    excluded = {
        few.mice[key] for key in few.excluded_parts()[["cohort", "animal_id"]].itertuples(index=False, name=None)
    }
    assert 0 < len(about) <= 3
    assert about <= flagged | excluded
    answer, pages = mouse_pages(few)
    assert f"The study has {len(few.mice)} mice, too many for a page each" in answer.text
    assert {mouse for mouse, _ in pages.mice} == about
    assert [page["number"] for page in json.loads(pages.data)["pages"]] == [mouse.number for mouse, _ in pages.mice]
    # No link leads to a page that is not there.
    links = {
        few.mouse_cells({"cohort": mouse.cohort, "animal_id": mouse.animal_id})[1].href for mouse in few.mice.values()
    }
    assert links == {"", *(f"#{mouse.anchor}" for mouse in about)}
