"""The script of stage 3: every kind of cohort gives its tables, and the quality of the import is carried on."""

import pytest
from worked_mouse import STAGE_3, exclusion, pet, roi, run, study


@pytest.mark.parametrize(
    ("left_out", "modalities"),
    [
        ((), {"counter": 3, "pet": 2}),
        (("scans", "rois"), {"counter": 3}),
        (("tubes", "counts"), {"pet": 2}),
        (("tubes", "counts", "scans", "rois"), {}),
    ],
)
def test_every_kind_of_cohort_gives_its_tables(tmp_path, left_out, modalities):
    rows = pet(study())
    rows["rois"].append(roi(0, 0.0, 600.0, 20.0, region="muscle"))
    for name in left_out:
        rows[name] = []
    result = run(tmp_path, rows)
    assert result["uptake"]["modality"].value_counts().to_dict() == modalities
    assert (result["uptake"]["status"] == "ok").all()
    # Each modality has muscle; the counter has blood too.
    assert len(result["ratios"]) == 4 * ("counter" in modalities) + ("pet" in modalities)


def test_quality_of_the_import_is_carried_on(tmp_path):
    rows = study()
    rows["import_quality"] = [
        {"check": "leftover", "subject": "M9", "status": "warn", "message": "no dose. Delete the row or add one"}
    ]
    quality = run(tmp_path, rows)["quality"]
    assert quality.loc[quality["check"] == "leftover", "subject"].tolist() == ["M9"]
    assert (quality["check"] == "tail").sum() == 1


def test_a_second_run_writes_the_same_bytes(tmp_path):
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        run(tmp_path / name, pet(study()))
        written.append([(tmp_path / name / f"{table}.csv").read_bytes() for table in STAGE_3])
    assert written[0] == written[1]


def test_what_is_excluded_is_marked_and_kept(tmp_path):
    rows = pet(study())
    rows["exclusions"] = [exclusion("animal", animal_id="M1", reason_code="welfare", reason="found weak")]
    result = run(tmp_path, rows)
    for name in ("uptake", "ratios", "dose_activity", "roi_activity"):
        assert result[name]["excluded"].all()
        assert (result[name]["exclusion_reason"] == "welfare: found weak").all()
    assert len(result["uptake"]) == 4
