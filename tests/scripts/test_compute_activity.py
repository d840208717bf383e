"""The script of stage 2: whatever a cohort has, every table meets its contract, and what is wrong is said."""

import pytest
from worked_mouse import STAGE_2, exclusion, pet, run, study, tube

from cartrace import tables
from cartrace.errors import InputError


def parts(*names):
    """Return the worked study with only some of its tables filled."""
    rows = pet(study())
    return {name: rows[name] if name in names else [] for name in rows}


@pytest.mark.parametrize(
    ("filled", "lengths"),
    [
        (("animals", "doses", "tubes", "counts", "scans", "rois"), (5, 1, 1)),
        (("animals", "doses", "scans", "rois"), (0, 1, 1)),
        (("animals", "doses", "tubes", "counts"), (5, 1, 0)),
        (("animals", "doses"), (0, 1, 0)),
        (("animals",), (0, 0, 0)),
    ],
)
def test_every_kind_of_cohort_gives_its_tables(tmp_path, filled, lengths):
    result = run(tmp_path, parts(*filled))
    assert tuple(len(result[name]) for name in STAGE_2) == lengths


def test_a_second_run_writes_the_same_bytes(tmp_path):
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        run(tmp_path / name, pet(study()))
        written.append([(tmp_path / name / f"{table}.csv").read_bytes() for table in STAGE_2])
    assert written[0] == written[1]


def test_an_exclusion_of_nothing_stops_the_cohort(tmp_path):
    rows = study()
    rows["exclusions"] = [exclusion("session", animal_id="M1", session="d70")]
    with pytest.raises(InputError, match=r"exclusions.csv, row 2, column 'session'.*'d70'.*'d07'"):
        run(tmp_path, rows)
    assert not (tmp_path / "tube_activity.csv").exists()


def test_an_unknown_nuclide_names_the_nearest(tmp_path):
    tracers = [{"name": "[18F]TFB", "nuclide": "F-81"}]
    with pytest.raises(InputError, match=r"F-81.*F-18"):
        run(tmp_path, study(), tracers=tracers)


def test_the_half_lives_of_the_config_are_used(tmp_path):
    tracers = [{"name": "[18F]TFB", "nuclide": "44Sc"}]
    for source, half_life_s in (("ENSDF", 14_551.2), ("ICRP-107", 14_292.0)):
        folder = tmp_path / source
        folder.mkdir()
        row = run(folder, study(), tracers=tracers, half_lives=source)["dose_activity"].iloc[0]
        assert (row["nuclide"], row["half_life_s"]) == ("Sc-44", half_life_s)


def test_names_that_look_like_numbers_or_nothing_survive(tmp_path):
    rows = study()
    for name in ("animals", "doses", "tubes"):
        for row in rows[name]:
            if row.get("animal_id"):
                row["animal_id"] = "NA"
    rows["tubes"].append(tube("007", "blank"))
    rows["counts"].append({**rows["counts"][0], "position": "007"})
    result = run(tmp_path, rows)
    assert result["dose_activity"]["animal_id"].tolist() == ["NA"]
    assert "007" in result["tube_activity"]["position"].tolist()
    assert tables.read(tmp_path / "uptake.csv", tables.Uptake)["animal_id"].tolist() == ["NA"] * 3
