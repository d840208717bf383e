"""Files from anybody: whatever their bytes, a reader gives a table or an `InputError`, soon and with little memory."""

from __future__ import annotations

import io
import math
import random
import zipfile
from collections.abc import Callable

import formats
import openpyxl
import pytest
from hostile import N_MUTATIONS, mutations
from hypothesis import given, settings
from hypothesis import strategies as st

from cartrace.errors import InputError
from cartrace.readers import READERS, CounterRun, Export, Reader, Settings, choose, pmod


def few(path: str, n_lines: int) -> bytes:
    """Return the first lines of an example: a small file takes mutations quickly."""
    content = formats.export(path).content
    for end in (b"\r\n", b"\n", b"\r"):
        if end in content:
            return end.join(content.split(end)[:n_lines])
    return content


MAPS = {
    "counter": {"rack": "Rack", "position": "Pos", "counted_at": "Start", "count_s": "Time", "counts": "Counts"},
    "pet": {
        "region": "ROI Name",
        "value": "Mean (nCi/cc)",
        "sd": "Std Dev (nCi/cc)",
        "volume_ml": "Volume (mm^3)",
    },
}
TABLE = b"Rack,Pos,Start,Time,Counts\n1,1,2026-03-10 11:30:00,60,402.5\n1,2,2026-03-10 11:31:00,60,9\n"
SEEDS: dict[tuple[str, str], tuple[bytes, ...]] = {
    ("counter", "wizard2"): (
        few("gamma/wizard2_000563_decaycorrected.csv", 4),
        few("gamma/wizard2_000565_semicolon_decimalcomma.csv", 4),
    ),
    ("counter", "hidex_csv"): (few("gamma/hidex_csv_us_dates.csv", 9),),
    ("counter", "table"): (TABLE,),
    ("pet", "pmod_voistat"): (few("pet/M01_dynamic_SUV.voistat", 12), few("pet/M01_dynamic_kBqcc.voistat", 10)),
    ("pet", "pmod_tac"): (few("pet/M01_dynamic.tac", 5),),
    ("pet", "amide"): (few("pet/M01_amide_analysis_{Thyroid+Tumor+Heart+Muscle}.tsv", 15),),
    ("pet", "slicer"): (few("pet/M01_d14_slicer_exportToCSVFile.csv", 3), few("pet/M01_d14_slicer_table.tsv", 3)),
    ("pet", "dft"): (few("pet/M01_dynamic.dft", 7),),
    ("pet", "bids_tacs"): (few("pet/sub-M01_ses-d07_desc-preproc_tacs.tsv", 4),),
    ("pet", "table"): (few("pet/RECALLED_irw_roi.csv", 7),),
    ("readouts", "living_image"): (few("bli/livingimage_d14.csv", 3), few("bli/livingimage_all.txt", 3)),
    ("readouts", "caliper"): (
        few("caliper/caliper_long.csv", 4),
        few("caliper/caliper_wide_decimalcomma_swapped_CR.tsv", 4),
    ),
}
SIDECAR = formats.export("pet/sub-M01_ses-d07_desc-preproc_tacs.json").content
TEXT_READERS = [reader for reader in READERS if reader.name != "hidex_xlsx"]


def settings_of(reader: Reader, sidecar: bytes = SIDECAR) -> Settings:
    columns = MAPS.get(reader.what, {}) if reader.name == "table" else {}
    return Settings(columns=columns, sidecar=Export("x.json", sidecar), count_s=60.0)


def is_read(reader: Reader, content: bytes, how: Settings, *, auto: bool = False) -> bool:
    """Return whether the file is read; whatever else than a refusal happens goes through."""
    export = Export("x", content)
    refusal = ""
    try:
        chosen = choose(export, what=reader.what, form="auto", settings=how) if auto else reader
        found = chosen.reads(export, how)
    except InputError as error:
        refusal = str(error)
    if refusal:
        assert len(refusal) < 10_000 + 500 * len(content)
        return False
    assert len(found.rows) <= 100 * len(content)
    if isinstance(found, CounterRun):
        assert all(row.count_s > 0 for row in found.rows)
    return True


@pytest.mark.parametrize("reader", TEXT_READERS, ids=lambda reader: f"{reader.what}-{reader.name}")
def test_a_mutated_text_is_read_or_refused(reader: Reader) -> None:
    how = settings_of(reader)
    seeds = SEEDS[reader.what, reader.name]
    assert all(is_read(reader, seed, how, auto=True) for seed in seeds), "the examples themselves are read"
    contents = mutations(seeds, N_MUTATIONS, f"{reader.what} {reader.name}")
    outcomes = [is_read(reader, content, how, auto=index % 2 == 0) for index, content in enumerate(contents)]
    assert 0 < sum(outcomes) < N_MUTATIONS, "some mutations do no harm and some do"


def test_a_mutated_json_is_read_or_refused() -> None:
    reader = next(reader for reader in READERS if reader.name == "bids_tacs")
    contents = mutations((SIDECAR[:400] + b"}}",), N_MUTATIONS, "json")
    outcomes = [is_read(reader, SEEDS["pet", "bids_tacs"][0], settings_of(reader, content)) for content in contents]
    assert 0 < sum(outcomes) < N_MUTATIONS


def test_mutated_acquisition_times_are_read_or_refused() -> None:
    n_read = 0
    for content in mutations((formats.export("pet/M01.acqtimes").content,), N_MUTATIONS, "acqtimes"):
        try:
            frames = pmod.acquisition_times(Export("x", content))
        except InputError:
            continue
        n_read += 1
        assert all(start < end for start, end in frames)
    assert 0 < n_read < N_MUTATIONS


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "Results"
    for row in (
        ("Hidex AMG results",),
        ("Results",),
        ("Rack", "Vial", "Time", "Counted time (s)", "¹⁸F_400-600 (counts)"),
        (1, 1, "2026-03-10 11:30:00", "60,0", 402.5),
        (1, 2, "2026-03-10 11:31:00", 60, "=1+1"),
    ):
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def repacked(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return stream.getvalue()


def test_a_mutated_workbook_is_read_or_refused() -> None:
    reader = next(reader for reader in READERS if reader.name == "hidex_xlsx")
    how = settings_of(reader)
    whole = workbook()
    assert is_read(reader, whole, how, auto=True)
    generator = random.Random("workbook")
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        parts = archive.namelist()
        contents = {name: archive.read(name) for name in parts}
    outcomes = [is_read(reader, content, how, auto=True) for content in mutations((whole,), N_MUTATIONS, "zip")]
    for _ in range(N_MUTATIONS):
        # Inside the parts too, where the sums of the archive are right again.
        target = generator.choice(parts)
        *_, mutated = mutations((contents[target],), 2, f"{generator.random()}")
        outcomes.append(
            is_read(reader, repacked(whole, lambda name, old, at=target, new=mutated: new if name == at else old), how)
        )
    assert 0 < sum(outcomes) < len(outcomes)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for reader in READERS:
        is_read(reader, content, settings_of(reader))
        is_read(reader, content, settings_of(reader), auto=True)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.text(alphabet="Rack,Vial(counts)\tTime;\n0123456789.:-[]#\"' =²", max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    for reader in TEXT_READERS:
        is_read(reader, text.encode(), settings_of(reader), auto=True)


HUGE = 2_000_000


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: f"{reader.what}-{reader.name}")
@pytest.mark.parametrize("filler", [b"x", b",", b"\t", b"(", b"[", b'"', b" ", b"\0", b"\n", b"#", b"1\n"])
def test_a_long_file_of_one_sign_is_refused_soon(reader: Reader, filler: bytes) -> None:
    how = settings_of(reader)
    is_read(reader, filler * (HUGE // len(filler)), how, auto=True)
    for seed in SEEDS.get((reader.what, reader.name), ())[:1]:
        header, _, rest = seed.partition(b"\n")
        is_read(reader, header + filler * (HUGE // 20) + b"\n" + rest, how)
        is_read(reader, seed + filler * (HUGE // 20), how)


def test_a_formula_is_text_or_its_last_value_and_never_calculated() -> None:
    reader = next(reader for reader in READERS if reader.name == "hidex_xlsx")
    found = reader.reads(Export("x", workbook()), settings_of(reader))
    assert isinstance(found, CounterRun)
    assert found.rows[0].counts == 402.5
    assert math.isnan(found.rows[1].counts)
    text = TABLE.replace(b"402.5", b"=400+2.5")
    table = next(reader for reader in READERS if (reader.what, reader.name) == ("counter", "table"))
    with pytest.raises(InputError, match="a number is needed"):
        table.reads(Export("x", text), settings_of(table))
