"""What a reader takes away: every number leads back to a table, and every file says what the study says."""

import csv
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
import report_study
from docx import Document
from report_study import GROUPS, SETTINGS, StudyMaker, build, draw, frame, written

from cartrace import tables
from cartrace.report.changes import Changes, changed_cells, changes_markdown
from cartrace.report.exchange import PIXI_COLUMNS

HOSTILE = {"m05": "<b>x</b>", "m06": "=1+1", "m07": "a,b \"q\" 'r'", "m08": "</script><i>"}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NUMBER = re.compile(r"(?<![\w.])[-−]?\d+(?:\.\d+)?(?:e-?\d+)?")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    maker = StudyMaker(exclude="m07", rename=HOSTILE)
    paths = written(maker.made(), folder / "tables")
    draw(paths, folder / "figures")
    build(paths, folder / "figures", folder / "report")
    return folder / "report"


@pytest.fixture(scope="module")
def page(report):
    return (report / "report.html").read_text(encoding="utf-8")


class Traced(HTMLParser):
    """Every element that says where its numbers come from, with its text."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        source = dict(attrs).get("data-from")
        if tag in ("td", "p"):
            self.open.append([tag, source, ""])

    def handle_endtag(self, tag):
        if tag in ("td", "p") and self.open:
            _, source, text = self.open.pop()
            if source:
                self.found.append((source, text.strip()))

    def handle_data(self, data):
        for item in self.open:
            item[2] += data


def rows_of(report, name):
    with (report / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    # A text that a spreadsheet would take for a formula has an apostrophe before it.
    return [{key: re.sub(r"^'(?=[=+@-])", "", cell) for key, cell in row.items()} for row in rows]


def says(text, value):
    """Whether a text holds a number that is `value`, rounded to the digits that the text shows."""
    for shown in NUMBER.findall(text):
        mantissa, _, exponent = shown.replace("−", "-").partition("e")
        places = len(mantissa.partition(".")[2])
        half = 0.5000001 * 10.0 ** (int(exponent or 0) - places)
        if abs(float(shown.replace("−", "-")) - value) <= half:
            return True
    return ">0.99" in text and value > 0.99


def test_every_number_of_text_and_tables_is_that_of_its_cell(report, page):
    traced = Traced(page).found
    assert len(traced) > 200
    seen = {}
    for source, text in traced:
        table, row, columns = source.split(":")
        seen.setdefault(table, rows_of(report, table))
        cells = seen[table][int(row) - 2]
        for column in columns.split(","):
            name, _, factor = column.partition("*")
            value = float(cells[name]) * float(factor or 1)
            # Of a large number only the leading digits are shown, which are powers of ten then.
            assert says(text, value) or says(text, float(f"{value:.2g}")), (source, text, value)
    assert {"attrition", "summaries", "comparisons", "power", "limits", "sensitivity", "agreement"} <= set(seen)


def test_a_small_study_has_a_small_page(page):
    # The bound of 3 MB for 40 mice, 15 tissues and 6 scans is held by a slow test below.
    assert len(page.encode()) < 1_000_000


def test_a_number_that_is_not_its_cells_is_noticed():
    assert says("3.42 ± 0.30 (4)", 3.4189)
    assert not says("3.42 ± 0.30 (4)", 3.43)
    assert says("p = 6.2e-05", 6.19e-5)


def data_of(page):
    return json.loads(re.search(r'id="mice-data">(.*?)</script>', page, flags=re.DOTALL).group(1))


def test_the_arithmetic_of_a_mouse_is_that_of_its_tubes(report, page):
    data = data_of(page)
    assert set(HOSTILE.values()) <= {item["id"] for item in data["pages"]}
    tubes, uptake = rows_of(report, "tubes"), rows_of(report, "uptake")
    checked = 0
    for item in data["pages"]:
        for row in item["uptake"]:
            cells = uptake[row[8] - 2]
            assert (cells["animal_id"], cells["region"]) == (item["id"], data["texts"][row[2]])
            quantity = data["texts"][row[19]]
            assert float(row[11]) == pytest.approx(float(cells[quantity]), rel=1e-5)
            for part in row[14]:
                tube = tubes[part[5] - 2]
                assert tube["animal_id"] == item["id"]
                assert data["texts"][part[0]] == "counter/run.csv"
                assert float(part[6]) == float(tube["counts"])
                checked += 1
    assert checked == len(data["pages"])


def test_layers_of_a_budget_add_up_to_the_whole_variance(page):
    budgets = [row[13] for item in data_of(page)["pages"] for row in item["uptake"]]
    assert budgets
    for layers in budgets:
        assert sum(share for _, share in layers) == pytest.approx(100, abs=2)


def test_every_mark_of_a_mouse_leads_to_it(report, page):
    figure = re.search(r'<figure id="figure-primary_comparison">.*?</svg>', page, flags=re.DOTALL).group(0)
    main = [row for row in rows_of(report, "comparisons") if row["analysis"] == "without_excluded"]
    (comparison,) = [row for row in main if row["is_primary"] == "True"]
    marked = [int(number) for number in re.findall(r'data-m="(\d+)"', figure)]
    mice = {item["id"]: number for number, item in enumerate(data_of(page)["pages"])}
    endpoints = rows_of(report, "endpoints")
    drawn = {mice[row["animal_id"]] for row in endpoints if row["endpoint"] == "growth_rate" and row["value"]}
    assert set(marked) == drawn
    assert len(marked) == len(drawn) == int(comparison["n_a"]) + int(comparison["n_b"]) + 1
    groups = set(re.findall(r'data-g="(\d+)"', figure))
    assert groups == {"1", "2"}


def test_the_document_says_what_the_markdown_says(report):
    document = Document(report / "methods.docx")
    text = "\n".join(paragraph.text for paragraph in document.paragraphs)
    markdown = (report / "methods.md").read_text(encoding="utf-8")
    assert len(text) == pytest.approx(len(markdown), rel=0.05)
    assert "Gamma counter" in [one.text for one in document.paragraphs if one.style.name == "Heading 2"]
    assert "\\" not in text
    assert document.core_properties.author == ""


def test_arrive_is_filled_from_the_study_and_marks_what_is_open(report):
    lines = (report / "arrive.md").read_text(encoding="utf-8").splitlines()
    items = {line.split("|")[1].strip(): line for line in lines if re.match(r"\| \d", line)}
    assert [name for name in items if name.rstrip("abcd") == name] == ["5"]
    assert {name.rstrip("abcd") for name in items} == {str(number) for number in range(1, 11)}
    assert "12 in total" in items["2a"]
    assert "paravenous" in items["3b"]
    assert "a,b \"q\" 'r'" in items["3b"]
    assert "**OPEN**" in items["4a"]
    assert "ratio" in items["10b"]
    assert all(line.count("|") == 5 for line in items.values())


def test_pixi_takes_the_biodistribution(report):
    lines = (report / "exchange" / "pixi_biodistribution.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].split(",") == list(PIXI_COLUMNS)
    uptake = [row for row in rows_of(report, "uptake") if row["modality"] == "counter" and row["excluded"] == "False"]
    assert len(lines) == len(uptake) + 1
    kinds = set()
    for line, row in zip(lines[1:], uptake, strict=True):
        cells = dict(zip(PIXI_COLUMNS, line.split(","), strict=True))
        assert float(cells["%_id_g"]) == float(row["uptake_pct_id_per_g"])
        assert re.fullmatch(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d", cells["injection_datetime"])
        assert cells["injection_datetime"].startswith("03/15/2026")
        assert cells["note"]
        kinds.add((cells["subject_id"], cells["sample_type"]))
    assert len(kinds) == len(uptake)
    assert ("'=1+1", "liver") in kinds


def test_wide_tables_hold_the_values_under_their_group(report):
    with (report / "exchange" / "prism_uptake_pct_id_per_g_counter_d14.csv").open(encoding="utf-8", newline="") as file:
        groups, mice, *rows = list(csv.reader(file))
    assert groups[1:] == sorted(groups[1:], key=[group["label"] for group in GROUPS].index)
    assert "C01 =1+1" in mice
    assert "C01 <b>x</b>" in mice
    values = {row[0]: row[1:] for row in rows}
    assert set(values) == {"tumour", "blood", "muscle", "liver", "thyroid"}
    endpoints = rows_of(report, "endpoints")
    for name, cell in zip(mice[1:], values["liver"], strict=True):
        (own,) = [
            row
            for row in endpoints
            if f"C01 {row['animal_id']}" == name
            and (row["analysis"], row["region"], row["modality"]) == ("without_excluded", "liver", "counter")
        ]
        assert float(cell) == float(own["value"])
    assert not any("a,b" in name for name in mice)


def test_the_crate_hashes_every_file(report):
    crate = json.loads((report / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    entities = {item["@id"]: item for item in crate["@graph"]}
    assert entities["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    files = {path.relative_to(report).as_posix() for path in report.rglob("*") if path.is_file()}
    parts = {item["@id"] for item in entities["./"]["hasPart"]}
    assert files - {"ro-crate-metadata.json"} <= parts
    for name in files - {"ro-crate-metadata.json"}:
        assert entities[name]["sha256"] == hashlib.sha256((report / name).read_bytes()).hexdigest()
    inputs = [item for item in entities.values() if item["@id"].startswith("#input/")]
    assert [item["sha256"] for item in inputs] == ["ab" * 32]
    referred = {one["@id"] for item in entities["#run"].values() if isinstance(item, list) for one in item}
    assert referred <= set(entities)


def test_the_crate_keeps_what_the_specification_demands(report):
    """RO-Crate 1.1, its MUSTs, and Process Run Crate 0.5, as far as they can be seen without their vocabularies."""
    crate = json.loads((report / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    assert crate["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    entities = {item["@id"]: item for item in crate["@graph"]}
    assert len(entities) == len(crate["@graph"])  # flat, each entity once
    assert all({"@id", "@type"} <= set(item) for item in entities.values())
    nested = [one for item in entities.values() for one in item.values() if isinstance(one, dict)]
    assert all(set(one) == {"@id"} for one in nested)
    descriptor, root = entities["ro-crate-metadata.json"], entities["./"]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert root["@type"] == "Dataset"
    assert {"name", "description", "datePublished", "license"} <= set(root)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", root["datePublished"])
    # Every file of the crate is one of its parts, lies at its path, and is found from the root.
    for part in root["hasPart"]:
        assert entities[part["@id"]]["@type"] == "File"
        assert not re.match(r"/|\.\.|[a-z]+:", part["@id"])
    assert entities[root["conformsTo"]["@id"]]["@type"] == "CreativeWork"
    run = entities[root["mentions"]["@id"]]
    assert run["@type"] == "CreateAction"
    assert {entities[one["@id"]]["@type"] for one in run["instrument"]} == {"SoftwareApplication"}


def test_what_changed_is_told_with_its_cause(tmp_path):
    made = StudyMaker().made()
    paths = written(made, tmp_path / "tables")
    draw(paths, tmp_path / "figures", names=("biodistribution",))
    build(paths, tmp_path / "figures", tmp_path / "report")
    assert 'href="#changes"' not in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    made["doses"].loc[6, "full_activity_kbq"] = 7500.0
    made["uptake"].loc[3, "uptake_pct_id_per_g"] *= 2
    paths = written(made, tmp_path / "tables")
    told = []
    for _ in range(2):
        build(paths, tmp_path / "figures", tmp_path / "report")
        told.append((tmp_path / "report" / "report.html").read_text(encoding="utf-8"))
    assert told[0] == told[1]
    text = told[0].split('id="changes"')[1]
    assert "1 value changed since the last run, because of: injections, C01 m02 d07, full_activity_kbq" in text
    assert "7400.0 is now 7500.0" in text


def test_rows_that_come_and_go_are_changes():
    before = [["a", "x"], ["1", "2"], ["2", "3"], ["4", "0.1"], ["5", "6"]]
    after = [
        ["a", "x", "new_column"],
        ["2", "4", "1"],
        ["3", "1", ""],
        ["4", "0.10000000000000001", ""],
        ["5", "6", ""],
    ]
    found = list(changed_cells("t", ["a"], lambda: iter(before), lambda: iter(after)))
    told = [(one.key, one.column, one.before, one.after) for one in found]
    assert told == [(("1",), "", "there", "gone"), (("3",), "", "not there", "new"), (("2",), "x", "3", "4")]
    changes = Changes()
    changes.add(found)
    assert (changes.n_all, changes.n_effects, changes.causes) == (3, {"t": 3}, [])


def test_of_many_changes_the_first_are_named_and_all_are_counted():
    rows = [["animal_id", "weight_g"], *([f"M{number:03d}", str(number)] for number in range(100))]
    heavier = [rows[0], *([name, f"{weight}.5"] for name, weight in rows[1:])]
    changes = Changes()
    for table in ("animals", "uptake"):
        changes.add(changed_cells(table, ["animal_id"], lambda: iter(rows), lambda: iter(heavier)))
    text = changes_markdown(changes, [], str)
    assert text.count("animals, M") == 12
    assert "; and 88 more." in text
    assert "- tables/uptake.csv: 100" in text
    assert text.count("uptake, M") == 12


def browsed(path, *arguments, anchor=""):
    """Open a page without a network and return its document and what its console said."""
    done = subprocess.run(
        [
            *(CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"),
            *(
                "--enable-logging=stderr",
                "--virtual-time-budget=4000",
                *arguments,
                "--dump-dom",
                f"file://{path}{anchor}",
            ),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.skipif(CHROMIUM is None, reason="needs the browser Chromium, which is no dependency of cartrace")
def test_a_browser_without_network_opens_the_page_and_a_mouse(report):
    text, console = browsed(report / "report.html", anchor="#mouse-m09")
    assert console == []
    assert '<form class="tools" id="tools" aria-label' in text
    opened = re.search(r'<details class="mouse" id="mouse-m09"[^>]*>', text).group(0)
    assert " open" in opened
    assert "Uptake: open a value for its arithmetic" in text
    assert '<body class="picking">' in text
    # A hostile name opens no element of its own.
    assert "<i>" not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


@pytest.mark.skipif(CHROMIUM is None, reason="needs the browser Chromium, which is no dependency of cartrace")
def test_what_is_printed_of_a_long_table_is_what_is_shown_and_says_where_the_rest_is(report, tmp_path):
    page = (report / "report.html").read_text(encoding="utf-8")
    assert "const PAGE_ROWS = 50;" in page
    (tmp_path / "short.html").write_text(page.replace("const PAGE_ROWS = 50;", "const PAGE_ROWS = 5;"), "utf-8")
    text, _ = browsed(tmp_path / "short.html")
    told = re.findall(r'<p class="note printed"( hidden="")?>(\d+) of (\d+) rows are printed; ([^<]+)<', text)
    assert told
    for is_hidden, shown, rows, rest in told:
        assert int(shown) == min(int(rows), 5)
        assert bool(is_hidden) == (shown == rows)
        assert re.fullmatch(r"(all are in tables/\w+\.csv and tables\.xlsx|show all of them before printing)\.", rest)
    assert any(int(rows) > 5 for _, _, rows, _ in told)
    assert re.search(r'aria-expanded="false">More columns: Family, Means, Test', text)
    assert re.search(r'<table class="sortable brief" data-file="tables/comparisons.csv">', text)
    # What is as wide as the window needs no stop of the keyboard.
    assert '<div class="scroll" tabindex="-1"' in text


TIMED = """<script>addEventListener("load", () => setTimeout(() => {
document.title = performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd;
}))</script></body>"""


@pytest.mark.slow
def test_a_large_study_stays_small_and_quick(tmp_path, monkeypatch):
    """42 mice, 15 tissues and 6 scans: the bounds of the whole page are 3 MB, and 2 s until it answers."""
    monkeypatch.setattr(report_study, "DAYS", (1, 4, 7, 10, 14, 21))
    made = StudyMaker(n_per_group=14).made()
    counted = made["uptake"][made["uptake"]["modality"] == "counter"]
    rows = [
        row | {"region": f"{row['region']} {copy}".strip()}
        for copy in ("", "a", "b")
        for row in counted.to_dict("records")
    ]
    pet = made["uptake"][made["uptake"]["modality"] == "pet"].to_dict("records")
    assert len({row["session"] for row in pet}) == 6
    made["uptake"] = frame(tables.Uptake, [*rows, *pet])
    paths = written(made, tmp_path / "tables")
    draw(paths, tmp_path / "figures")
    build(paths, tmp_path / "figures", tmp_path / "report", settings=SETTINGS)
    text = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert len(text.encode()) < 3_000_000
    assert len(data_of(text)["pages"]) == 42
    if CHROMIUM is None:
        return
    timed = tmp_path / "timed.html"
    timed.write_text(text.replace("</body>", TIMED), encoding="utf-8")
    # The least of three: the machine may be busy with something else.
    titles = [re.search(r"<title>([\d.]+)</title>", browsed(timed)[0]) for _ in range(3)]
    assert min(float(title.group(1)) for title in titles) < 2000.0
