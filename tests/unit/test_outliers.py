"""Outliers: a value that is as rare among five as among many is as far out, and a normal one is flagged as seldom."""

import math

import numpy as np
import pandas as pd
import pytest

from cartrace.outliers import LEAST, SCALED, small_sample_factor, with_outliers

# Of a normal distribution beyond 2.5 standard deviations, on both sides.
SHARE = math.erfc(2.5 / math.sqrt(2.0))


def critical_distance(n: int, values: int, seed: int) -> float:
    """Return the distance that `SHARE` of normal values exceed, by simulation: how the frozen table was made."""
    rows = np.random.default_rng((seed, n)).standard_normal((values // n, n))
    off = np.abs(rows - np.median(rows, axis=1, keepdims=True))
    distance = off / (SCALED * np.median(off, axis=1, keepdims=True))
    return float(np.quantile(distance, 1.0 - SHARE))


# The larger ones take both the table and what stands beyond it; four standard errors of the simulation.
@pytest.mark.parametrize(
    ("n", "tolerance"), [(5, 0.06), (6, 0.03), (7, 0.03), (8, 0.03), (13, 0.03), (30, 0.02), (41, 0.02), (100, 0.02)]
)
def test_the_factors_are_those_of_a_simulation(n, tolerance):
    assert small_sample_factor(n) == pytest.approx(critical_distance(n, 400_000, 20260301) / 2.5, rel=tolerance)


def test_factors_go_over_into_a_curve_that_ends_at_one():
    n = np.arange(LEAST, 2000)
    factor = small_sample_factor(n)
    assert (np.diff(factor[1::2]) < 0.0).all()
    assert (np.diff(factor[::2]) < 0.0).all()
    assert factor[30 - LEAST] == pytest.approx(factor[31 - LEAST], rel=0.005)
    assert small_sample_factor(10_000_000) == pytest.approx(1.0, abs=1e-6)


def groups_of(n: int, groups: int) -> pd.DataFrame:
    """Return log-normal uptakes of one tissue in many groups of n mice."""
    logs = 0.3 * np.random.default_rng(7).standard_normal(n * groups)
    return pd.DataFrame(
        {
            "group": np.repeat([f"G{number}" for number in range(groups)], n),
            "uptake_pct_id_per_g": np.exp(logs),
            "uptake_pct_id_per_ml": np.nan,
            "uptake_pct_id": np.nan,
            "status": "ok",
            "is_below_detection": False,
            "excluded": False,
        }
    ).assign(**dict.fromkeys(["cohort", "tracer", "modality", "region", "session"], "one"))


@pytest.mark.parametrize("n", [5, 6, 10, 35])
def test_a_value_of_nothing_but_chance_is_flagged_as_often_in_every_group_size(n):
    found = with_outliers(groups_of(n, 60_000 // n), mads=2.5)
    # 1.242 % of 60,000; four standard errors of a binomial count are 0.18 %.
    assert found["is_outlier"].mean() == pytest.approx(SHARE, abs=0.0018)
