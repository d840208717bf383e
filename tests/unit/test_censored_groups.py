"""Means of two groups of which some mice are below detection."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cartrace.censored_groups import Censored, _fit, tobit
from cartrace.statistics import hedges_g, moments

TRUTH = Path(__file__).parents[1] / "data" / "truth"


def quantified(values):
    return Censored(np.array(values, dtype=float), np.zeros(len(values), dtype=bool))


def test_without_censoring_it_is_students_t():
    a, b = [1.2, 0.7, 2.1, 1.8, 0.3], [0.1, 0.9, -0.4, 0.6]
    found, truth = tobit(quantified(a), quantified(b), 0.95), stats.ttest_ind(a, b)
    interval = truth.confidence_interval(0.95)
    assert [found.statistic, found.df, found.p_value] == pytest.approx([truth.statistic, 7, truth.pvalue], rel=1e-8)
    assert [found.ci_low, found.ci_high] == pytest.approx([interval.low, interval.high], rel=1e-8)
    effect = hedges_g(moments(np.array(a)), moments(np.array(b)), 0.95)
    assert found.hedges_g == pytest.approx((effect.estimate[0], effect.ci_low[0], effect.ci_high[0]), rel=1e-7)


def test_the_likelihood_is_that_of_survreg():
    truth = json.loads((TRUTH / "censored_tobit_exponential.json").read_text(encoding="utf-8"))
    data = pd.read_csv(TRUTH / truth["data"])
    assert set(data["mouse"]) == set(truth["expected"]["per_mouse"])
    for mouse, part in data.groupby("mouse"):
        expected, below = truth["expected"]["per_mouse"][mouse], (part["below"] == 1).to_numpy()
        logs, columns = np.log(part["signal"].to_numpy()), np.column_stack([np.ones(len(part)), part["day"]])
        (intercept, rate), sd, log_likelihood, _ = _fit(Censored(logs, below), columns)
        assert [intercept, rate, sd] == pytest.approx(
            [expected[name] for name in ("intercept", "rate", "sigma")], rel=1e-5
        )
        # R's is the likelihood of the signal, not of its logarithm.
        assert log_likelihood - logs[~below].sum() == pytest.approx(expected["loglik"], abs=1e-7)


def test_the_number_of_a_censored_value_is_its_level_and_lowers_the_mean():
    a, b = (
        quantified([1.2, 0.7, 2.1, 1.8]),
        Censored(np.array([0.5, 0.9, 0.2, 0.2]), np.array([False] * 2 + [True] * 2)),
    )
    found = tobit(a, b, 0.95)
    assert found.mean_b < np.mean(b.value)
    assert found.ci_low < found.mean_a - found.mean_b < found.ci_high
    exchanged = tobit(b, a, 0.95)
    assert [exchanged.statistic, exchanged.ci_low] == pytest.approx([-found.statistic, -found.ci_high], rel=1e-8)


def test_limits_are_where_the_test_just_rejects():
    a = quantified([1.2, 0.7, 2.1, 1.8])
    b = Censored(np.array([0.5, 0.9, 0.1, 0.2]), np.array([False, False, False, True]))
    found = tobit(a, b, 0.9)
    for limit in (found.ci_low, found.ci_high):
        assert tobit(quantified(a.value - limit), b, 0.9).p_value == pytest.approx(0.1, abs=1e-7)


def test_the_standardised_difference_is_that_of_survregs_covariance():
    # R 4.2.2: f <- survreg(Surv(v, seen, type = "left") ~ g, dist = "gaussian"), n <- 8,
    # root <- sqrt(vcov(f)[2, 2]) / f$scale, df <- (n - 2) / (2 * n * vcov(f)[3, 3]), d <- coef(f)[2] / (f$scale *
    # sqrt(n / (n - 2))), limits where pt(d / root, df, x) is 0.975 and 0.025, all times J(df).
    a = quantified([1.2, 0.7, 2.1, 1.8])
    b = Censored(np.array([0.5, 0.9, 0.1, 0.2]), np.array([False, False, False, True]))
    found = tobit(a, b, 0.95)
    assert found.hedges_g == pytest.approx((1.67907817, 0.07345190, 3.19578348), rel=2e-6)
    assert found.sd == pytest.approx(0.483100654490172 * np.sqrt(8 / 6), rel=1e-7)


def test_no_scatter_no_estimate():
    assert np.isnan(tobit(quantified([1, 1, 1]), quantified([1, 1, 1]), 0.95).p_value)
