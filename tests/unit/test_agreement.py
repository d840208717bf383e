"""PET against the counter: pairs, ratio, limits of agreement and their exact intervals."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cartrace import tables
from cartrace.agreement import agree, limits_of_agreement, pairs
from cartrace.statistics import Moments


def measured(values, modality, *, endpoint=None, analyses=("all",), **changes):
    """Make endpoints of one modality: mouse to value."""
    quantity = endpoint or {"counter": "uptake_pct_id_per_g", "pet": "uptake_pct_id_per_ml"}[modality]
    records = [
        {
            "analysis": analysis,
            "endpoint": quantity,
            "modality": modality,
            "region": "tumour",
            "session": "d14",
            "cohort": "C01",
            "animal_id": mouse,
            "group": "CAR",
            "unit": "",
            "value": value,
            "is_below_detection": False,
            "status": "ok",
            "reason": "",
            "excluded": False,
            "exclusion_reason": "",
        }
        | changes
        for analysis in analyses
        for mouse, value in values.items()
    ]
    return pd.DataFrame(records, columns=tables.Endpoints.names())


PET = {"1": 2.0, "2": 3.3, "3": 4.1, "4": 9.0}
COUNTER = {"1": 1.6, "2": 3.5, "3": 3.2, "4": 7.0}
LOG_RATIOS = np.log([2.0 / 1.6, 3.3 / 3.5, 4.1 / 3.2, 9.0 / 7.0])


def test_ratio_and_limits():
    found = agree(pd.concat([measured(PET, "pet"), measured(COUNTER, "counter")]), confidence=0.95)
    assert len(found) == 1
    row = found.iloc[0]
    mean, sd = LOG_RATIOS.mean(), LOG_RATIOS.std(ddof=1)
    interval = stats.ttest_1samp(LOG_RATIOS, 0).confidence_interval(0.95)
    assert row["n"] == 4
    assert row["quantity"] == "uptake_pct_id_per_ml"
    truth = [mean, interval.low, interval.high, mean - 1.959963985 * sd, mean + 1.959963985 * sd]
    columns = ["ratio", "ratio_ci_low", "ratio_ci_high", "limit_low", "limit_high"]
    assert row[columns].astype(float).tolist() == pytest.approx(np.exp(truth), rel=1e-9)
    factor = stats.nct.ppf([0.025, 0.975], 3, 1.959963984540054 * 2) / 2
    columns = ["limit_high_ci_low", "limit_high_ci_high", "limit_low_ci_high", "limit_low_ci_low"]
    expected = np.exp([*(mean + factor * sd), *(mean - factor * sd)])
    assert row[columns].astype(float).tolist() == pytest.approx(expected, rel=1e-7)


def test_limits_cover():
    random, n, repeats = np.random.default_rng(20260303), 5, 20_000
    values = random.normal(0.2, 0.3, (repeats, n))
    found = limits_of_agreement(
        Moments(np.full(repeats, float(n)), values.mean(axis=1), values.var(axis=1, ddof=1)), 0.95
    )
    low, high = 0.2 - 1.959963985 * 0.3, 0.2 + 1.959963985 * 0.3
    assert ((found.low_ci_low <= low) & (low <= found.low_ci_high)).mean() == pytest.approx(0.95, abs=0.006)
    assert ((found.high_ci_low <= high) & (high <= found.high_ci_high)).mean() == pytest.approx(0.95, abs=0.006)


def test_limits_tend_to_bland_and_altmans_approximation():
    n = 400
    found = limits_of_agreement(Moments(np.array([float(n)]), np.array([0.0]), np.array([1.0])), 0.95)
    z = 1.959963985
    half_width = stats.t.ppf(0.975, n - 1) * np.sqrt(1 / n + z**2 / (2 * (n - 1)))
    assert (found.high_ci_high[0] - found.high_ci_low[0]) / 2 == pytest.approx(half_width, rel=0.01)


def test_per_gram_where_pet_has_it():
    both = pd.concat([measured(PET, "pet", endpoint="uptake_pct_id_per_g"), measured(COUNTER, "counter")])
    assert agree(both, confidence=0.95)["quantity"].tolist() == ["uptake_pct_id_per_g"]
    whole = pd.concat(
        [measured(values, name, endpoint="uptake_pct_id") for name, values in (("pet", PET), ("counter", COUNTER))]
    )
    assert agree(pd.concat([both, whole]), confidence=0.95).equals(agree(both, confidence=0.95))


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        ("is_below_detection", True, "2 below detection"),
        ("value", -0.1, "2 below detection"),
        ("status", "not_estimable", "2 without a value"),
    ],
)
def test_pairs_that_cannot_be_used_are_counted(column, value, named):
    counter = measured(COUNTER, "counter")
    counter.loc[counter["animal_id"].isin(["1", "2"]), column] = value
    row = agree(pd.concat([measured(PET, "pet"), counter]), confidence=0.95).iloc[0]
    assert row["status"] == "not_estimable"
    assert row["reason"] == f"2 mice with both values above detection ({named}); agreement needs 3"
    assert row[["ratio", "limit_low", "limit_high_ci_high"]].isna().all()


def test_excluded_mice_take_part_in_one_analysis():
    both = ("all", "without_excluded")
    frame = pd.concat([measured(PET, "pet", analyses=both), measured(COUNTER, "counter", analyses=both)])
    frame.loc[(frame["animal_id"] == "1") & (frame["modality"] == "pet"), "excluded"] = True
    found = agree(frame, confidence=0.95).set_index("analysis")
    assert found["n"].to_dict() == {"all": 4, "without_excluded": 3}
    assert found.loc["without_excluded", "ratio"] == pytest.approx(np.exp(LOG_RATIOS[1:].mean()))


def test_the_same_ratio_in_all_mice():
    row = agree(pd.concat([measured(COUNTER, "pet"), measured(COUNTER, "counter")]), confidence=0.95).iloc[0]
    assert row["reason"] == "the ratio is the same in all mice, which leaves no scatter to judge by"


def test_mice_are_paired_by_cohort_and_session():
    frame = pd.concat([measured(PET, "pet"), measured(COUNTER, "counter", session="d21")])
    assert pairs(frame).empty
    frame = pd.concat([measured(PET, "pet"), measured(COUNTER, "counter", cohort="C02")])
    assert agree(frame, confidence=0.95).columns.tolist() == tables.Agreement.names()


@pytest.mark.parametrize("frame", [measured(PET, "pet"), measured(COUNTER, "counter"), tables.empty(tables.Endpoints)])
def test_one_modality_alone_has_no_agreement(frame, tmp_path):
    found = agree(frame, confidence=0.95)
    assert found.empty
    tables.write(found, tmp_path / "agreement.csv", tables.Agreement)


def test_the_order_of_rows_changes_nothing():
    frame = pd.concat([measured(PET, "pet"), measured(COUNTER, "counter")])
    shuffled = frame.sample(frac=1, random_state=8)
    pd.testing.assert_frame_equal(agree(frame, confidence=0.95), agree(shuffled, confidence=0.95))
