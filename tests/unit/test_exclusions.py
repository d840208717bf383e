"""Exclusions mark every row that they concern, delete none, and never concern nothing in silence."""

import pytest
from worked_mouse import exclusion, frames, measured, pet, roi, study, tail_counted

from cartrace.errors import InputError
from cartrace.exclusions import check, mark

SHEETS = ("animals", "doses", "tubes", "scans", "rois")


def excluded(*decisions):
    rows = pet(study())
    rows["rois"].append(roi(0, 0.0, 600.0, 20.0, region="muscle"))
    rows["exclusions"] = list(decisions)
    return measured(frames(rows))


def marked(result):
    """Return what is excluded: doses, tubes by position, uptake by modality and region."""
    tubes, uptake = result["tubes"], result["uptake"]
    rows = uptake[uptake["excluded"]]
    return (
        result["doses"]["excluded"].tolist(),
        tubes.loc[tubes["excluded"], "position"].tolist(),
        sorted(f"{modality} {region}" for modality, region in zip(rows["modality"], rows["region"], strict=True)),
    )


ALL = ["counter blood", "counter muscle", "counter tumour", "pet muscle", "pet tumour"]


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (exclusion("animal", animal_id="M1"), ([True], ["3", "4", "5"], ALL)),
        (exclusion("session", animal_id="M1", session="d07"), ([True], ["3", "4", "5"], ALL)),
        (exclusion("session", animal_id="M1", session="d14"), ([False], [], [])),
        (exclusion("tube", counter_file="run.csv", rack="1", position="4"), ([False], ["4"], ["counter blood"])),
        (exclusion("tube", counter_file="run.csv", rack="2", position="4"), ([False], [], [])),
        (exclusion("scan", scan_id="S1"), ([False], [], ["pet muscle", "pet tumour"])),
        (
            exclusion("region", animal_id="M1", session="d07", region="tumour"),
            ([False], ["3"], ["counter tumour", "pet tumour"]),
        ),
        (exclusion("region", animal_id="M1", region="tumour"), ([False], ["3"], ["counter tumour", "pet tumour"])),
        (exclusion("region", animal_id="M1", session="d14", region="tumour"), ([False], [], [])),
    ],
)
def test_a_decision_reaches_what_it_means_and_nothing_else(decision, expected):
    assert marked(excluded(decision)) == expected


def test_excluded_values_stay_as_they_are():
    plain, decided = excluded(), excluded(exclusion("animal", animal_id="M1"))
    for name in ("uptake_pct_id", "uptake_pct_id_se", "uptake_pct_id_per_ml"):
        assert decided["uptake"][name].equals(plain["uptake"][name])
    assert (decided["uptake"]["exclusion_reason"] == "technical: spilled").all()


def test_several_reasons_are_joined():
    result = excluded(
        exclusion("tube", counter_file="run.csv", rack="1", position="3", reason="tube leaked"),
        exclusion("animal", animal_id="M1", reason_code="injection_failed", reason="paravenous"),
        exclusion("region", animal_id="M1", region="tumour", reason="necrotic"),
    )
    uptake = result["uptake"].query("modality == 'counter'").set_index("region")["exclusion_reason"]
    assert set(uptake["tumour"].split("; ")) == {
        "technical: tube leaked",
        "injection_failed: paravenous",
        "technical: necrotic",
    }
    assert uptake["blood"] == "injection_failed: paravenous"


def test_a_ratio_inherits_from_both_regions():
    ratios = excluded(exclusion("region", animal_id="M1", region="muscle"))["ratios"]
    has_muscle = (ratios["region"] == "muscle") | (ratios["reference"] == "muscle")
    assert ratios["excluded"].tolist() == has_muscle.tolist()
    assert 0 < has_muscle.sum() < len(ratios)


def test_another_cohort_is_not_concerned():
    sheets = frames(pet(study()))
    decisions = frames({**study(), "exclusions": [exclusion("animal", animal_id="M1")]})["exclusions"]
    assert mark(sheets["doses"], decisions)["excluded"].all()
    assert not mark(sheets["doses"], decisions.assign(cohort="C02"))["excluded"].any()


@pytest.mark.parametrize(
    ("decision", "column", "value", "said"),
    [
        (exclusion("animal", animal_id="M11"), "animal_id", "M11", "such as 'M1'"),
        (exclusion("session", animal_id="M1", session="d7"), "session", "d7", "such as 'd07'"),
        (exclusion("tube", counter_file="run.csv", rack="1", position="99"), "position", "99", "position '99'"),
        (exclusion("tube", counter_file="runs.csv", rack="1", position="1"), "counter_file", "runs.csv", "'run.csv'"),
        (exclusion("scan", scan_id="S2"), "scan_id", "S2", "such as 'S1'"),
        (exclusion("region", animal_id="M1", region="tumor"), "region", "tumor", "such as 'tumour'"),
        (exclusion("region", animal_id="M1", session="d14", region="blood"), "session", "d14", "such as 'd07'"),
    ],
)
def test_a_decision_that_matches_nothing_is_refused(decision, column, value, said):
    rows = pet(study())
    rows["exclusions"] = [exclusion("animal", animal_id="M1"), decision]
    sheets = frames(rows)
    with pytest.raises(InputError) as caught:
        check(sheets["exclusions"], **{name: sheets[name] for name in SHEETS})
    (problem,) = caught.value.problems
    assert problem.code == "exclusion-matches-nothing"
    assert (problem.file, problem.row, problem.column, problem.value) == ("exclusions.csv", 3, column, value)
    assert said in str(problem)


def test_all_that_match_nothing_are_told_at_once():
    rows = pet(study())
    rows["exclusions"] = [exclusion("scan", scan_id="S9"), exclusion("animal", animal_id="X")]
    sheets = frames(rows)
    with pytest.raises(InputError) as caught:
        check(sheets["exclusions"], **{name: sheets[name] for name in SHEETS})
    assert [problem.row for problem in caught.value.problems] == [2, 3]


@pytest.mark.parametrize(
    ("decision", "source"),
    [
        (exclusion("animal", animal_id="M1"), "counter"),
        (exclusion("session", animal_id="M1", session="d07"), "counter"),
        (exclusion("tube", counter_file="run.csv", rack="1", position="30"), "not_measured"),
    ],
)
def test_only_a_decision_about_its_own_tube_takes_a_counted_tail_out_of_the_dose(decision, source):
    rows = tail_counted(study())
    rows["exclusions"].append(decision)
    found, before = measured(frames(rows)), measured(frames(tail_counted(study())))
    assert found["doses"].loc[0, "tail_source"] == source
    is_same = found["doses"].loc[0, "dose_cps"] == before["doses"].loc[0, "dose_cps"]
    assert is_same == (source == "counter")
