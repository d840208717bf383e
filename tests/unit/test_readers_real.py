"""Real files as their authors published them: read where a reader is for them, refused in words where none is."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path

import real

from cartrace.errors import InputError
from cartrace.readers import READERS, Export, Settings, choose

SETTINGS = Settings(columns={"region": "PET", "frame_mid_s": "Times [min]", "value": "FC"})


def export(path: Path) -> Export:
    return Export(path.name, path.read_bytes())


@real.needed
def test_every_real_file_is_read_or_refused_by_every_reader() -> None:
    taken: dict[str, str] = {}
    for path in real.files():
        for what in ("counter", "pet", "readouts"):
            with suppress(InputError):
                taken[path.name] = choose(export(path), what=what, form="auto", settings=Settings()).name
        for reader in READERS:
            with suppress(InputError):
                assert reader.reads(export(path), SETTINGS).n_rows > 0
    # Inputs of blood, fits and demographics are no exports that are read; the one mouse is.
    assert taken == {"VOIdata_M3.voistat": "pmod_voistat"}


@real.needed
def test_a_workbook_that_is_called_bld_is_known_for_one() -> None:
    found = export(real.file("S001_Plasma-WholeBlood-Ratio.bld"))
    assert found.is_workbook
    assert any(cell != "" for cell in found.sheet(found.sheet_names[0])[0])


@real.needed
def test_a_region_of_a_table_in_the_form_of_kinfitr_is_read_by_a_map() -> None:
    frames = {"frame_start_s": "StartTime [s]", "frame_duration_s": "Duration [s]"}
    columns = {"animal_label": "PET", "region": "PET", "value": "THA [kBq/mL]", **frames}
    file = export(real.file("pbr28_tacdata.csv"))
    reader = next(reader for reader in READERS if (reader.what, reader.name) == ("pet", "table"))
    found = reader.reads(file, Settings(columns=columns))
    header, *lines = (line.split(",") for line in file.text.splitlines())
    cells = [dict(zip(header, line, strict=True)) for line in lines]
    assert found.unit == "kBq/mL"
    read = {(row.labels[0], row.frame_start_s): row for row in found.rows if row.frame_duration_s > 0}
    filled = [cell for cell in cells if float(cell["Duration"]) > 0]
    assert len(read) == len(filled) > 700
    for cell in filled:
        row = read[cell["PET"], float(cell["StartTime"])]
        value = float(cell["THA"]) if cell["THA"] else math.nan
        assert (row.frame_duration_s, row.value) == (float(cell["Duration"]), value)
