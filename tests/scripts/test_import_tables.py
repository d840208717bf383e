"""Stage 1 from end to end: the valid cohort becomes tables, and every kind of mistake says exactly what it must."""

from __future__ import annotations

import dataclasses
import hashlib
import unicodedata
from pathlib import Path
from typing import Any

import cohort_folder
import numpy as np
import pandas as pd
import pytest
from cohort_folder import BASE, OUTPUTS

from cartrace import readers, tables
from cartrace.errors import InputError
from cartrace.readers import CounterRun, Export, Settings, wizard2
from cartrace.tables import (
    Animals,
    Calibration,
    Counts,
    Doses,
    Exclusions,
    Import,
    Overrides,
    Quality,
    Readouts,
    Rois,
    Scans,
    Tubes,
)

CONTRACTS = [Animals, Doses, Tubes, Counts, Scans, Rois, Calibration, Readouts, Exclusions, Overrides, Import, Quality]


def imported(tmp_path: Path, case: dict[str, Any] | None = None, **config: Any) -> dict[str, pd.DataFrame]:
    out = cohort_folder.run(cohort_folder.copy(tmp_path / "C01", case), tmp_path / "out", **config)
    return {name: tables.read(out / f"{name}.csv", table) for name, table in zip(OUTPUTS, CONTRACTS, strict=True)}


def problems(tmp_path: Path, case: dict[str, Any] | None = None, **config: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        imported(tmp_path, case, **config)
    assert not (tmp_path / "out").exists()
    return [str(problem) for problem in caught.value.problems]


def test_the_valid_cohort_becomes_tables_that_keep_their_contracts(tmp_path: Path) -> None:
    found = imported(tmp_path)
    assert {name: len(frame) for name, frame in found.items()} == {
        "animals": 3,
        "doses": 3,
        "tubes": 7,
        "counts": 7,
        "scans": 3,
        "rois": 6,
        "calibration": 2,
        "readouts": 2,
        "exclusions": 2,
        "overrides": 0,
        "imported": 13,
        "quality": 0,
    }
    dose = found["doses"].iloc[0]
    assert (dose["full_activity_kbq"], dose["residual_activity_kbq"]) == (5420.0, 310.0)
    assert dose["injected_at"] == "2026-03-10T09:06:00+01:00"
    assert np.isnan(dose["tail_activity_kbq"])
    tube = found["tubes"].set_index("position").loc["3"]
    assert tube["mass_g"] == pytest.approx(6.5854 - 6.4191, rel=1e-12)
    assert found["tubes"]["tissue"].tolist() == ["", "", "blood", "tumour", "", "blood", "liver"]
    standard = found["tubes"].set_index("role").loc["standard"]
    assert (standard["standard_mass_g"], standard["dilution_mass_g"]) == (pytest.approx(0.0213), 10.0412)
    rois = found["rois"].set_index(["scan_id", "region"])
    assert rois.loc[("S01", "tumour"), "activity_kbq_per_ml"] == 187.3
    assert rois.loc[("S03", "tumour"), "volume_ml"] == pytest.approx(0.245), "from the sheet of volumes"
    assert rois["frame_duration_s"].unique().tolist() == [600.0]


def test_clock_offsets_are_subtracted_once_from_what_each_device_wrote(tmp_path: Path) -> None:
    found = imported(tmp_path)
    # counter 30 s ahead, scanner 15 s behind, wall and calibrator not checked
    assert found["counts"]["counted_at"].iloc[0] == "2026-03-10T11:29:30+01:00"
    assert found["scans"]["started_at"].iloc[0] == "2026-03-10T09:50:15+01:00"
    assert found["doses"]["full_at"].iloc[0] == "2026-03-10T09:02:10+01:00"
    files = found["imported"].set_index("file")
    assert files.loc["counter/000001.csv", "clock_offset_s"] == 30.0
    assert files.loc["scans.csv", "conversions"] == "-15 s (scanner) subtracted from started_at"
    assert np.isnan(files.loc["doses.csv", "clock_offset_s"])


def test_calibrator_and_wall_have_clocks_of_their_own(tmp_path: Path) -> None:
    rows = "calibrator,60,2026-03-10 08:00,+02:00\nwall,-120,2026-03-10 08:00,\n"
    read = ["09:02:10", "09:09:30", "09:14:05", "09:20:40", "10:24:00", "09:26:00", "09:33:10", "10:36:00"]
    an_hour_later = [[moment, f"{int(moment[:2]) + 1:02d}{moment[2:]}"] for moment in read]
    edit = {"clocks.csv": [["scanner,-15,2026-03-10 08:05,\n", rows]], "doses.csv": an_hour_later}
    found = imported(tmp_path, {"edit": edit})
    dose = found["doses"].iloc[0]
    # The calibrator keeps UTC+2 and is a minute ahead, the wall clock is two minutes behind.
    assert dose["full_at"] == "2026-03-10T10:01:10+02:00"
    assert dose["residual_at"] == "2026-03-10T10:08:30+02:00"
    assert dose["injected_at"] == "2026-03-10T09:08:00+01:00"
    assert found["tubes"]["collected_at"].iloc[2] == "2026-03-10T10:12:00+01:00"
    assert found["scans"]["started_at"].iloc[0] == "2026-03-10T09:50:00+01:00"


def test_import_says_what_was_read_and_from_which_bytes(tmp_path: Path) -> None:
    files = imported(tmp_path)["imported"].set_index("file")
    content = (BASE / "doses.csv").read_bytes()
    assert files.loc["doses.csv", "sha256"] == hashlib.sha256(content).hexdigest()
    assert files.loc["doses.csv", "conversions"].startswith("full_activity MBq -> kBq; residual_activity MBq -> kBq")
    assert files.loc["counter/000001.csv", "reader"] == "wizard2"
    assert files.loc["pet/M01_d07.voistat", "reader"] == "pmod_voistat"
    assert files.loc["pet/M01_d07.voistat", ["n_rows_read", "n_rows_used"]].tolist() == [2, 2]
    assert files.loc["pet/M01_d07.voistat", "finding"] == "frames rebuilt from mid-frame times (1 frame, 0 to 600 s)"


def test_gaps_are_warnings_that_name_what_is_missing(tmp_path: Path) -> None:
    case = {
        "edit": {
            "animals.csv": [["M03,CAR", "M04,CAR,2026-03-03 10:00,,,,,,,,,\nM05,UTD,,,,,,,,,,\nM03,CAR"]],
            "scans.csv": [["S03,M03,d07,M03_d07.voistat,2026-03-10 10:15:00,scan_start,,,,,\n", ""]],
        },
        "remove": ["volumes.csv"],
    }
    quality = imported(tmp_path, case)["quality"]
    assert set(zip(quality["check"], quality["subject"], strict=True)) == {
        ("animal-without-dose", "M04"),
        ("animal-without-dose", "M05"),
        ("no-cell-clock", "M05"),
        ("dose-without-data", "M03 d07"),
        ("unused-export", "pet/M03_d07.voistat"),
    }
    assert set(quality["status"]) == {"warn"}


def test_an_unknown_name_in_a_one_animal_export_is_a_warning(tmp_path: Path) -> None:
    edits = [["RGI_M01\tM01", "scan 5\tleft bed"], ["RGI_M01\tM01", "scan 5\tleft bed"]]
    quality = imported(tmp_path, {"edit": {"pet/M01_d07.voistat": edits}})["quality"]
    assert quality[["check", "subject"]].to_numpy().tolist() == [["animal-name", "pet/M01_d07.voistat"]]


def test_several_animals_of_one_export_are_told_apart_by_id_then_by_name(tmp_path: Path) -> None:
    both = (BASE / "pet" / "M01_d07.voistat").read_text(encoding="utf-8")
    lines = (BASE / "pet" / "M02_d07.voistat").read_text(encoding="utf-8").splitlines(keepends=True)
    other = "".join(line for line in lines if "RGI_M02" in line)
    edits = [
        ["M01_d07.voistat", "both.voistat"],
        ["M02_d07.voistat", "both.voistat"],
        ["09:50:00,scan_start,,", "09:50:00,scan_start,,M01"],
        ["10:00:00,scan_start,,", "10:00:00,scan_start,,RGI_M02"],
    ]
    case = {
        "add": {"pet/both.voistat": both + other.replace("196.1", "99.5")},
        "edit": {"scans.csv": edits},
        "remove": ["pet/M01_d07.voistat", "pet/M02_d07.voistat"],
    }
    rois = imported(tmp_path, case)["rois"].set_index(["scan_id", "region"])["activity_kbq_per_ml"]
    assert (rois["S01", "tumour"], rois["S02", "tumour"]) == (187.3, 99.5)


def test_acquisition_times_beside_an_export_win(tmp_path: Path) -> None:
    case = {"add": {"pet/M01_d07.acqtimes": "# Acquisition times\n1 # Number of acquisitions\n60\t540\n"}}
    found = imported(tmp_path, case)
    rois = found["rois"].set_index("scan_id")
    assert rois.loc["S01", ["frame_start_s", "frame_duration_s"]].to_numpy().tolist() == [[60.0, 480.0]] * 2
    assert rois.loc["S02", ["frame_start_s", "frame_duration_s"]].to_numpy().tolist() == [[0.0, 600.0]] * 2
    files = found["imported"].set_index("file")
    assert files.loc["pet/M01_d07.acqtimes", "reader"] == "pmod_acqtimes"
    assert files.loc["pet/M01_d07.voistat", "finding"] == "frames from the acquisition times beside it"


@pytest.mark.parametrize(
    ("unit", "per_kbq"), [("Bq/ml", 1e3), ("nCi/cc", 1 / 0.037), ("MBq/cc", 1e-3), ("kBq/ml", 1.0)]
)
def test_values_of_any_unit_become_kbq_per_ml(unit: str, per_kbq: float, tmp_path: Path) -> None:
    plain = imported(tmp_path / "plain")["rois"]
    edits = [["[kBq/cc]", f"[{unit}]"], ["[kBq/cc]", f"[{unit}]"], ["187.3", f"{187.3 * per_kbq!r}"]]
    found = imported(tmp_path / "other", {"edit": {"pet/M01_d07.voistat": edits}})
    tumour = found["rois"][found["rois"]["region"] == "tumour"]["activity_kbq_per_ml"].iloc[0]
    assert tumour == pytest.approx(plain[plain["region"] == "tumour"]["activity_kbq_per_ml"].iloc[0], rel=1e-12)


def test_suv_becomes_activity_by_the_dose_and_weight_of_the_software(tmp_path: Path) -> None:
    line = "S01,M01,d07,M01_d07.voistat,2026-03-10 09:50:00,scan_start,,,,"
    case = {
        "edit": {
            "pet/M01_d07.voistat": [["[kBq/cc]", "[SUV]"], ["187.3", "0.8"]],
            "scans.csv": [[f"{line},", f"{line}5.6,22.4"]],
        }
    }
    rois = imported(tmp_path, case)["rois"].set_index(["scan_id", "region"])
    assert rois.loc[("S01", "tumour"), "activity_kbq_per_ml"] == pytest.approx(0.8 * 5600 / 22.4, rel=1e-12)


def test_generic_tables_are_read_by_their_column_maps(tmp_path: Path) -> None:
    counter = "Run 5\n\nPos;When;Minutes [min];Gross\n1;2026-03-10 11:30;10;402,5\n2;2026-03-10 11:41;1;121874\n"
    pet = "Scanner X\nROI,Mean (Bq/ml),Vol (mm3)\nTumor,187300,245\n"
    tubes = (
        "counter_file,position,role,standard_mass [mg],dilution_mass [g],aliquot_mass [g],tracer\n"
        "run.csv,1,blank,,,,\nrun.csv,2,standard,21.3,10.0412,0.1007,[18F]TFB\n"
    )
    scans = (
        "scan_id,animal_id,session,file,started_at,decay_corrected_to\n"
        "S01,M01,d07,M01.csv,2026-03-10 09:50:00,scan_start\n"
    )
    case = {
        "add": {"counter/run.csv": counter, "pet/M01.csv": pet, "tubes.csv": tubes, "scans.csv": scans},
        "remove": ["volumes.csv", "exclusions.csv", "clocks.csv"],
    }
    columns = {"position": "Pos", "counted_at": "When", "count_s": "Minutes [min]", "counts": "Gross"}
    regions = {"region": "ROI", "value": "Mean (Bq/ml)", "volume_ml": "Vol (mm3)"}
    found = imported(tmp_path, case, counter={"windows": {}, "columns": columns}, pet={"columns": regions})
    assert found["counts"][["counts", "count_s", "window", "tracer"]].to_numpy().tolist() == [
        [402.5, 600.0, "Gross", "[18F]TFB"],
        [121874.0, 60.0, "Gross", "[18F]TFB"],
    ]
    row = found["rois"].iloc[0]
    assert (row["activity_kbq_per_ml"], row["frame_duration_s"]) == (pytest.approx(187.3), 0.0)
    assert row["volume_ml"] == pytest.approx(0.245)


def test_an_export_time_that_is_the_end_is_moved_to_the_start(tmp_path: Path) -> None:
    counts = imported(tmp_path, counter={"time_is": "end"})["counts"]
    assert counts["counted_at"].iloc[0] == "2026-03-10T11:19:29.980000+01:00", "30 s of clock, 600.02 s of count"


def test_a_residual_may_be_declared_zero(tmp_path: Path) -> None:
    case = {"edit": {"doses.csv": [["0.31,2026-03-10 09:09:30", ","]]}}
    doses = imported(tmp_path, case, residual_missing="zero")["doses"]
    assert np.isnan(doses["residual_activity_kbq"].iloc[0])


def test_parts_of_a_tissue_may_stand_in_several_tubes(tmp_path: Path) -> None:
    case = {"edit": {"tubes.csv": [["blood,,,6.4191", "blood,a,,6.4191"], ["M01,d07,Tumor,,", "M01,d07,blood,b,"]]}}
    assert imported(tmp_path, case)["tubes"]["part"].tolist().count("a") == 1


def test_a_workbook_gives_the_same_tables_as_the_sheets(tmp_path: Path) -> None:
    folder = cohort_folder.copy(tmp_path / "C01")
    cohort_folder.as_workbook(folder, {"Legend": {"A1": "what the colours mean"}})
    out = cohort_folder.run(folder, tmp_path / "out")
    plain = cohort_folder.run(cohort_folder.copy(tmp_path / "plain" / "C01"), tmp_path / "plain" / "out")
    for name, table in zip(OUTPUTS[:9], CONTRACTS[:9], strict=True):
        read = [tables.read(path / f"{name}.csv", table).drop(columns="source_file") for path in (out, plain)]
        pd.testing.assert_frame_equal(*read)
    quality = tables.read(out / "quality.csv", Quality)
    assert quality[["check", "subject"]].to_numpy().tolist() == [["unused-sheet", "Legend"]]
    files = tables.read(out / "imported.csv", Import).set_index("file")
    assert files.loc["cohort.xlsx", "n_rows_read"] == 26
    assert "doses: full_activity MBq -> kBq" in files.loc["cohort.xlsx", "conversions"]


def test_the_import_does_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    def reversed_rows(path: Path) -> str:
        header, *rows = path.read_text(encoding="utf-8").splitlines()
        return "\n".join([header, *rows[::-1]]) + "\n"

    names = ["animals.csv", "doses.csv", "tubes.csv", "scans.csv", "volumes.csv"]
    one = imported(tmp_path / "one")
    other = imported(tmp_path / "other", {"add": {name: reversed_rows(BASE / name) for name in names}})
    for name in ("animals", "doses", "tubes", "counts", "scans", "rois"):
        drop = [column for column in ("source_row",) if name not in ("counts", "rois")]
        pd.testing.assert_frame_equal(one[name].drop(columns=drop), other[name].drop(columns=drop))


def test_many_rows_with_one_cause_are_told_once(tmp_path: Path) -> None:
    rows = "".join(f"X{number:02d},2026-03-09 15:00,tumour_volume,1,mm3\n" for number in range(30))
    same = "".join(f"X00,2026-03-09 15:{minute:02d},tumour_volume,1,mm3\n" for minute in range(1, 21))
    header = "animal_id,measured_at,readout,value,unit\n"
    found = problems(tmp_path, {"add": {"readouts.csv": header + rows + same}})
    assert len(found) == 2
    assert found[0].startswith("readouts.csv, 21 rows: 2, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, ..., column A")
    assert found[-1].startswith("readouts.csv, 29 rows: 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, ..., column A")


def test_a_file_name_may_have_braces_spaces_umlauts_and_folders(tmp_path: Path) -> None:
    folder = cohort_folder.copy(
        tmp_path / "C01", {"edit": {"scans.csv": [["M01_d07.voistat", "day 7\\Mäuse {a+b}.voistat"]]}}
    )
    (folder / "pet" / "day 7").mkdir()
    (folder / "pet" / "M01_d07.voistat").rename(
        folder / "pet" / "day 7" / unicodedata.normalize("NFD", "Mäuse {a+b}.voistat")
    )
    out = cohort_folder.run(folder, tmp_path / "out")
    scans = tables.read(out / "scans.csv", Scans)
    assert scans["file"].iloc[0] == "day 7/Mäuse {a+b}.voistat"
    assert len(tables.read(out / "rois.csv", Rois)) == 6


def test_two_tracers_of_one_nuclide_share_a_window(tmp_path: Path) -> None:
    tracers = [{"name": "[18F]TFB", "nuclide": "18F"}, {"name": "[18F]FDG", "nuclide": "F18"}]
    case = {
        "edit": {
            "doses.csv": [["M02,d07,[18F]TFB", "M02,d07,[18F]FDG"]],
            "counter/000001.csv": [["F-18 Counts,F-18 CPM", "¹⁸F_400-600 Counts,¹⁸F_400-600 CPM"]],
        }
    }
    counts = imported(tmp_path, case, tracers=tracers, counter={"windows": {}})["counts"].set_index(
        ["rack", "position"]
    )
    assert counts["tracer"].to_dict() == {
        ("1", "1"): "[18F]TFB",  # a blank has no tracer of its own
        ("1", "2"): "[18F]TFB",
        ("1", "3"): "[18F]TFB",
        ("1", "4"): "[18F]TFB",
        ("1", "5"): "[18F]TFB",
        ("2", "1"): "[18F]FDG",
        ("2", "2"): "[18F]FDG",
    }


def test_a_reader_that_states_dead_time_forbids_a_second_correction(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reads = wizard2.reads

    def with_factor(export: Export, settings: Settings) -> CounterRun:
        run = reads(export, settings)
        return dataclasses.replace(run, rows=tuple(row._replace(dead_time_factor=1.02) for row in run.rows))

    one = dataclasses.replace(readers.READERS[0], reads=with_factor)
    monkeypatch.setattr("cartrace.readers.READERS", (one, *readers.READERS[1:]))
    found = problems(tmp_path)
    assert len(found) == 1
    assert "dead time of 3.1 µs" in found[0]
    assert (
        imported(tmp_path / "off", counter={"dead_time_us": 0.0})["counts"]["dead_time_factor"].tolist() == [1.02] * 7
    )


def codes(tmp_path: Path, case: dict[str, Any] | None = None) -> list[str]:
    """Return file and code of what stops a cohort."""
    with pytest.raises(InputError) as caught:
        cohort_folder.run(cohort_folder.copy(tmp_path / "C01", case), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    return [f"{problem.file} {problem.code}" for problem in caught.value.problems]


def test_a_quote_that_is_never_closed_is_an_error(tmp_path: Path) -> None:
    text = 'animal_id,measured_at,readout,value,unit\nM01,2026-03-09 15:00,"volume' + 200_000 * "x"
    assert codes(tmp_path, {"add": {"readouts.csv": text}}) == ["readouts.csv not-a-table"]


def test_a_link_to_a_place_outside_of_the_folder_is_an_error(tmp_path: Path) -> None:
    folder = cohort_folder.copy(tmp_path / "C01")
    (folder / "doses.csv").rename(tmp_path / "elsewhere.csv")
    (folder / "doses.csv").symlink_to(tmp_path / "elsewhere.csv")
    with pytest.raises(InputError) as caught:
        cohort_folder.run(folder, tmp_path / "out")
    assert [(problem.file, problem.code) for problem in caught.value.problems] == [("doses.csv", "link-outside")]


def test_a_file_too_large_for_a_cohort_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "MOST_BYTES", 500)
    assert "counter/000001.csv file-too-large" in codes(tmp_path)
