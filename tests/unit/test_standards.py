"""Standards: weights by what is independent, nothing gained on what is shared."""

import numpy as np
import pandas as pd
import pytest

from cartrace.standards import SERVED, combined, rate_per_gram


def standards(values, own, shared, stock):
    return pd.DataFrame(
        {
            "cohort": "C01",
            "counter_file": "run.csv",
            "tracer": "T",
            "value": values,
            "time_s": np.arange(len(values), dtype=float),
            "own_rel_se": own,
            "shared_rel_se": shared,
            "stock": stock,
        }
    )


def test_the_rate_per_gram_of_the_worked_standard():
    # A fraction of 0.00126847341447 of 0.1684 g of injectate is in the tube.
    assert rate_per_gram(1.0, 0.0213, 10.0412, 0.1007) == pytest.approx(1 / (0.00126847341447 * 0.1684), rel=5e-12)


def test_equal_standards_are_averaged():
    row = combined(standards([100.0, 102.0], [0.01, 0.01], [0.02, 0.02], ["a", "a"]), ["stock"]).iloc[0]
    assert row["value"] == pytest.approx(101.0)
    assert row["time_s"] == pytest.approx(0.5)
    # Counting averages out, the stock does not.
    assert row["rel_se"] == pytest.approx(np.sqrt(0.01**2 / 2 + 0.02**2))


def test_standards_that_scatter_beyond_their_uncertainty_are_known_no_better_than_they_scatter():
    values = np.array([100.0, 104.0, 108.0])
    row = combined(standards(values, [0.01] * 3, [0.02] * 3, ["a"] * 3), ["stock"]).iloc[0]
    chi2 = np.sum((values / 104.0 - 1.0) ** 2) / 0.01**2
    assert (row["n"], row["p"]) == (3, pytest.approx(np.exp(-chi2 / 2), rel=1e-12))  # chi-squared on two degrees
    assert row["rel_se"] == pytest.approx(np.sqrt(values.var(ddof=1) / 3 / 104.0**2 + 0.02**2), rel=1e-12)


def test_two_stocks_are_not_held_against_each_other_by_their_counts():
    row = combined(standards([100.0, 110.0], [0.01, 0.01], [0.02, 0.02], ["a", "b"]), ["stock"]).iloc[0]
    assert np.isnan(row["p"])
    assert row["rel_se"] == pytest.approx(np.sqrt((0.01**2 + 0.02**2) / 2))


def test_two_stocks_average_out():
    row = combined(standards([100.0, 104.0], [0.01, 0.01], [0.02, 0.02], ["a", "b"]), ["stock"]).iloc[0]
    assert row["rel_se"] == pytest.approx(np.sqrt((0.01**2 + 0.02**2) / 2))


def test_a_poor_standard_weighs_little():
    row = combined(standards([100.0, 200.0], [0.001, 0.1], [0.0, 0.0], ["a", "a"]), ["stock"]).iloc[0]
    assert row["value"] == pytest.approx((100 * 1e6 + 200 * 1e2) / (1e6 + 1e2))


def test_runs_and_tracers_stay_apart():
    one = standards([100.0], [0.01], [0.0], ["a"])
    rows = pd.concat([one, one.assign(value=50.0, tracer="U"), one.assign(value=25.0, counter_file="b.csv")])
    found = combined(rows.reset_index(drop=True), ["stock"]).set_index(SERVED)["value"]
    assert found[("C01", "run.csv", "T")] == 100.0
    assert found[("C01", "run.csv", "U")] == 50.0
    assert found[("C01", "b.csv", "T")] == 25.0


def test_no_standards_no_rows():
    assert combined(standards([], [], [], []), ["stock"]).empty
