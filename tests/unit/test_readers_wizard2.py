"""Wizard2 exports: every count, time and window of the example files, and what their CPM is."""

from __future__ import annotations

import json
import math
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from cartrace.errors import InputError
from cartrace.readers import CounterRun, CountRow, Export, Settings, choose, cpm, wizard2

FORMATS = Path(__file__).parents[1] / "data" / "formats"
TRUTH = json.loads((FORMATS / "ground_truth.json").read_text(encoding="utf-8"))
CORRECTED = "wizard2_000563_decaycorrected.csv"
RAW = "wizard2_000564_not_decaycorrected.csv"
GERMAN = "wizard2_000565_semicolon_decimalcomma.csv"
DUAL = "wizard2_000566_dual_isotope.csv"
HALF_LIFE_S = {"F-18": TRUTH["half_life_s"], "Zr-89": 78.41 * 3600}


def export(name: str) -> Export:
    return Export(name, (FORMATS / "gamma" / name).read_bytes())


def run(name: str) -> CounterRun:
    file = export(name)
    reader = choose(file, what="counter", form="auto", settings=Settings())
    assert reader.name == "wizard2"
    found = reader.reads(file, Settings())
    assert isinstance(found, CounterRun)
    return found


def lines(name: str) -> list[list[str]]:
    """Return the file's rows by plain splitting, which the reader does not use."""
    text = (FORMATS / "gamma" / name).read_text(encoding="ascii").strip()
    delimiter = ";" if ";" in text else ","
    return [line.split(delimiter) for line in text.splitlines()]


@pytest.mark.parametrize(("name", "n_windows"), [(CORRECTED, 1), (RAW, 1), (GERMAN, 1), (DUAL, 2)])
def test_every_tube_is_read_as_it_stands(name: str, n_windows: int) -> None:
    header, *expected = lines(name)
    found = run(name)
    assert found.n_rows == len(expected)
    assert len(found.rows) == n_windows * len(expected)
    for index, row in enumerate(found.rows):
        cells = dict(zip(header, expected[index // n_windows], strict=True))
        number = {
            key: float(value.replace(",", ".")) for key, value in cells.items() if value and key.split()[-1] in _NUMERIC
        }
        assert (row.rack, row.position) == (cells["Rack"], cells["Pos"])
        assert row.counted_at == datetime.fromisoformat(cells["Measurement date & time"])
        assert row.count_s == number["Time"]
        assert row.counts == number[f"{row.window} Counts"]
        assert row.cpm == number[f"{row.window} CPM"]
        assert row.row == index // n_windows + 2
        assert math.isnan(row.dead_time_factor)


_NUMERIC = {"Time", "Counts", "CPM"}


def test_the_four_files_hold_one_study() -> None:
    files = {name: [row for row in run(name).rows if row.window == "F-18"] for name in (CORRECTED, RAW, GERMAN)}
    assert {len(rows) for rows in files.values()} == {53}
    counts = {name: [row.counts for row in rows] for name, rows in files.items()}
    assert counts[CORRECTED] == counts[RAW] == counts[GERMAN]
    assert counts[CORRECTED][5] == 2183185.38, "counts are fractional"
    assert [row.cpm for row in files[CORRECTED]] == [row.cpm for row in files[GERMAN]]
    assert len({(row.rack, row.position) for row in files[RAW]}) == 53, "Pos restarts in every rack"
    assert list(dict.fromkeys(row.window for row in run(DUAL).rows)) == ["F-18", "Zr-89"]


def state(rows: list[CountRow], half_life_s: float) -> str:
    start = min(row.counted_at for row in rows)
    seconds = np.array([row.count_s for row in rows])
    return cpm.state(
        np.array([(row.counted_at - start).total_seconds() for row in rows]) + seconds / 2,
        seconds,
        np.array([row.counts for row in rows]),
        np.array([row.cpm for row in rows]),
        decay_constant_per_s=math.log(2) / half_life_s,
    ).words


@pytest.mark.parametrize(
    ("name", "window", "said"),
    [
        (
            CORRECTED,
            "F-18",
            "CPM is decay-corrected to the start of the run (slope 1.05e-04 1/s, lambda 1.05e-04 1/s), ",
        ),
        (GERMAN, "F-18", "CPM is decay-corrected to the start of the run"),
        (RAW, "F-18", "CPM is not decay-corrected"),
        (DUAL, "F-18", "CPM is not decay-corrected"),
        (DUAL, "Zr-89", "cannot be told"),
    ],
)
def test_what_cpm_was_corrected_for_is_found_out(name: str, window: str, said: str) -> None:
    found = state([row for row in run(name).rows if row.window == window], HALF_LIFE_S[window])
    assert said in found
    assert found.endswith("; counts were used")
    if name != DUAL:
        dead_time, background = TRUTH["counter"]["dead_time_s"] * 1e6, TRUTH["counter"]["background_cpm"]
        assert f"dead-time corrected ({dead_time:.1f} µs), background-subtracted ({background:.0f} cpm)" in found


@pytest.mark.parametrize(
    ("reference_min", "said"), [(0, "to the start"), (-90, "90 min before the start"), (45, "45 min after")]
)
def test_a_correction_to_any_instant_is_found(reference_min: float, said: str) -> None:
    decay = math.log(2) / 6586.2
    elapsed = np.arange(30) * 74.0 + 30
    rate = np.geomspace(50, 20_000, 30)[np.random.default_rng(1).permutation(30)]
    rates = 60 * rate * np.exp(decay * (elapsed - 60 * reference_min))
    found = cpm.state(elapsed, np.full(30, 60.0), rate * 60, rates, decay_constant_per_s=decay).words
    assert said in found
    assert "not dead-time corrected, not background-subtracted" in found


def test_a_run_too_short_to_tell_is_said_to_be() -> None:
    generator = np.random.default_rng(2)
    elapsed, counts = np.arange(20) * 2.0, generator.uniform(2e3, 1e5, 20)
    rates = counts * np.exp(generator.normal(0, 0.01, 20))
    found = cpm.state(elapsed, np.full(20, 60.0), counts, rates, decay_constant_per_s=math.log(2) / 6586.2).words
    assert "the run is too short" in found


def text(*rows: str, header: str = "F-18 Counts,F-18 CPM") -> Export:
    head = f"Protocol ID,Measurement date & time,Rack,Pos,Time,{header}"
    return Export("x.csv", "\n".join([head, *rows]).encode())


def test_blocks_may_stand_in_any_order_and_lines_may_end_in_any_way() -> None:
    header, row = (
        "Zr-89 CPM,F-18 Error %,F-18 Counts,Zr-89 Counts,F-18 CPM",
        "1,2026-03-10 11:30:00,01,1.0,60,5,0.1,100.5,7,99",
    )
    content = text(row, header=header).content
    for end in (b"\n", b"\r", b"\r\n"):
        rows = wizard2.reads(Export("x.csv", content.replace(b"\n", end)), Settings()).rows
        assert [(row.window, row.counts, row.cpm) for row in rows] == [("Zr-89", 7.0, 5.0), ("F-18", 100.5, 99.0)]
        assert (rows[0].rack, rows[0].position) == ("1", "1")


def test_a_missing_count_is_a_gap_and_never_zero() -> None:
    rows = wizard2.reads(text("1,2026-03-10 11:30:00,1,1,60,,"), Settings()).rows
    assert math.isnan(rows[0].counts)
    assert math.isnan(rows[0].cpm)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("1,2026-03-10 11:30:00,1,1,60,5,5,5", "row-width"),
        ("1,2026-03-10 11:30:00,1,1,60", "row-width"),
        ("1,10/03/2026 11:30,1,1,60,5,5", "date-order"),
        ("1,2026-03-10 11:30:00,1,1,0,5,5", "count-time"),
        ("1,2026-03-10 11:30:00,1,1,,5,5", "count-time"),
        ("1,2026-03-10 11:30:00,1,1,60,five,5", "not-a-number"),
    ],
)
def test_a_row_that_cannot_be_right_is_refused(row: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        wizard2.reads(text(row), Settings())
    assert [(problem.code, problem.row) for problem in caught.value.problems] == [(code, 2)]


def test_a_window_without_counts_has_gaps_for_them_and_a_file_without_either_is_refused() -> None:
    row = wizard2.reads(text("1,2026-03-10 11:30:00,1,1,60,5", header="F-18 CPM"), Settings()).rows[0]
    assert (row.cpm, math.isnan(row.counts)) == (5.0, True)
    with pytest.raises(InputError, match="neither a column of counts nor one of CPM"):
        wizard2.reads(text("1,2026-03-10 11:30:00,1,1,60,5", header="F-18 Error %"), Settings())
