"""The arithmetic on a mouse's page: recalculated from the numbers that it shows, it gives the value that it states."""

import json
from pathlib import Path

import pytest
from pipeline import imported, measured, shipped

from cartrace import tables
from cartrace.report.mice import Pages, exact
from cartrace.report.sources import DERIVED, SOURCES
from cartrace.report.study import Study

OF_TUBE = "counts seconds gross dead back back_se cross net in_count decay injected dose mass".split()
DEMO = Path(__file__).parents[2] / "resources" / "demo_study"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    settings = shipped()
    imported(DEMO, "C01", settings, folder)
    measured("C01", settings, folder)
    found = {}
    for source in SOURCES:
        names = {"doses": "1_tables/doses", "dose_activity": "2_activity/doses", "tube_activity": "2_activity/tubes"}
        names |= {"roi_activity": "2_activity/rois", "uptake": "3_uptake/uptake", "ratios": "3_uptake/ratios"}
        names |= {name: f"1_tables/{name}" for name in ("animals", "counts", "scans", "rois", "exclusions")}
        if source.key in names:
            found[source.key] = tables.read(folder / "C01" / f"{names[source.key]}.csv", source.contract)
        elif source.key not in DERIVED:
            found[source.key] = tables.empty(source.contract)
    study = Study(**found, settings=settings, pictures={})
    return json.loads(json.dumps(Pages(study).data())), study


def number(text):
    return float(text) if text else 0.0


def test_every_uptake_of_the_demo_cohort_follows_from_what_its_page_shows(pages):
    data, study = pages
    kinds = {0: 0, 1: 0}
    for page in data["pages"]:
        for row in page["uptake"]:
            if row[7] & 4:
                continue
            kinds[row[0]] += 1
            if row[0]:
                total = 0.0
                for part in row[14]:
                    values = dict(zip(OF_TUBE, map(number, part[6:]), strict=True))
                    assert values["counts"] / values["seconds"] == pytest.approx(values["gross"], rel=1e-5)
                    net = values["gross"] * values["dead"] - values["back"] - values["cross"]
                    assert net == pytest.approx(values["net"], rel=1e-4, abs=2e-5 * values["gross"])
                    injected = values["net"] * values["in_count"] / values["decay"]
                    assert injected == pytest.approx(values["injected"], rel=2e-5)
                    total += 100 * values["injected"] / values["dose"]
                assert total == pytest.approx(number(row[10]), rel=3e-5)
                assert number(row[10]) / number(row[16]) == pytest.approx(number(row[11]), rel=3e-5)
            else:
                frames = [dict(zip(("raw", "decay", "left", "injected", "s"), map(number, part[4:]), strict=True))
                          for part in row[14]]  # fmt: skip
                for frame in frames:
                    assert frame["raw"] * frame["decay"] - frame["left"] == pytest.approx(frame["injected"], rel=2e-5)
                mean = sum(f["injected"] * f["s"] for f in frames) / sum(f["s"] for f in frames)
                assert 100 * mean / number(row[15]) / (number(row[18]) or 1) == pytest.approx(number(row[11]), rel=3e-5)
    assert kinds[0] > 300
    assert kinds[1] > 180
    assert kinds[0] + kinds[1] == int((study.uptake["status"] == "ok").sum())


def test_net_doses_follow_from_syringe_residual_and_tail(pages):
    data, _ = pages
    count = 0
    for page in data["pages"]:
        for dose in page["doses"]:
            full, residual, tail, net = (number(dose[at]) for at in (4, 5, 6, 8))
            assert full - residual - tail == pytest.approx(net, rel=1e-5)
            count += 1
    assert count > 80


def test_files_and_rows_lead_to_the_raw_counts(pages):
    data, study = pages
    counts = {(row.source_file, row.source_row): row.counts for row in study.counts.itertuples()}
    parts = [part for page in data["pages"] for row in page["uptake"] if row[0] for part in row[14]]
    assert len(parts) > 180
    for part in parts:
        assert float(part[6]) == pytest.approx(counts[data["texts"][part[0]], part[1]], rel=1e-5)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (float("nan"), ""),
        (1234.5678, "1234.57"),
        (1e-9, "1.00000e-09"),
        (2.5, "2.5"),
        (12345678.0, "1.23457e+07"),
    ],
)
def test_numbers_of_an_arithmetic_have_six_digits(value, text):
    assert exact(value) == text
