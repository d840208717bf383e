"""Cohorts as blocks and as a sample of cohorts, against least squares."""

import numpy as np
import pytest
from scipy import stats

from cartrace.pooling import blocks, fixed, heterogeneity, random


def study(seed, sizes, shift=0.7):
    """Make values, flags of group a, and cohorts; `sizes` are the mice of both groups by cohort."""
    generator = np.random.default_rng(seed)
    is_a = np.concatenate([np.repeat([True, False], pair) for pair in sizes])
    cohort = np.repeat(np.arange(len(sizes)), [sum(pair) for pair in sizes])
    return generator.normal(0, 1, is_a.size) + shift * is_a + 2 * cohort, is_a, cohort


def least_squares(value, columns):
    coefficients, squares, rank, _ = np.linalg.lstsq(columns, value, rcond=None)
    df = value.size - rank
    covariance = float(squares[0]) / df * np.linalg.inv(columns.T @ columns)
    return coefficients, np.sqrt(np.diag(covariance)), df, float(squares[0])


@pytest.mark.parametrize("sizes", [[(4, 5), (3, 3)], [(1, 2), (6, 2), (3, 1)], [(3, 4)]])
def test_fixed_is_least_squares_with_cohorts_as_blocks(sizes):
    value, is_a, cohort = study(1, sizes)
    columns = np.column_stack([is_a, np.eye(len(sizes))[cohort]]).astype(float)
    coefficients, se, df, _ = least_squares(value, columns)
    found = fixed(blocks(value, is_a, cohort), 0.95)
    t = stats.t.ppf(0.975, df)
    assert [found.estimate, found.df] == pytest.approx([coefficients[0], df], rel=1e-10)
    assert [found.ci_low, found.ci_high] == pytest.approx(coefficients[0] + se[0] * t * np.array([-1, 1]), rel=1e-10)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(coefficients[0] / se[0]), df), rel=1e-10)


def test_a_cohort_of_one_group_only_counts_in_the_scatter_alone():
    value, is_a, cohort = study(2, [(4, 5), (3, 3), (4, 0)])
    columns = np.column_stack([is_a, np.eye(3)[cohort]]).astype(float)
    coefficients, _, df, squares = least_squares(value, columns)
    found = fixed(blocks(value, is_a, cohort), 0.95)
    assert [found.estimate, found.df, found.sd] == pytest.approx(
        [coefficients[0], df, np.sqrt(squares / df)], rel=1e-10
    )


def test_heterogeneity_is_the_interaction_of_group_and_cohort():
    value, is_a, cohort = study(3, [(4, 5), (3, 3), (2, 4)])
    block = np.eye(3)[cohort]
    _, _, df_add, additive = least_squares(value, np.column_stack([is_a, block]).astype(float))
    _, _, df_full, full = least_squares(value, np.column_stack([block, block * is_a[:, None]]).astype(float))
    f = (additive - full) / (df_add - df_full) / (full / df_full)
    found = heterogeneity(blocks(value, is_a, cohort))
    assert found.q / found.df == pytest.approx(f, rel=1e-9)
    assert found.p_value == pytest.approx(stats.f.sf(f, 2, df_full), rel=1e-9)
    assert 0 <= found.i2 < 1


def test_no_cohort_with_both_groups_gives_nothing():
    value, is_a, cohort = study(4, [(4, 0), (0, 4)])
    assert np.isnan(fixed(blocks(value, is_a, cohort), 0.95).estimate)
    assert np.isnan(heterogeneity(blocks(value, is_a, cohort)).q)


def test_random_lies_between_the_cohorts_and_needs_five():
    sizes = [(4, 4)] * 6
    value, is_a, cohort = study(5, sizes)
    value = value + is_a * np.array([0.0, 3, -3, 2, -2, 1])[cohort]
    data = blocks(value, is_a, cohort)
    found, low, high = random(data, 0.95)
    # Equal cohorts: the mean of the differences, with the scatter of the differences themselves.
    truth = stats.ttest_1samp(data.difference, 0)
    assert found.estimate == pytest.approx(data.difference.mean(), rel=1e-10)
    assert found.p_value == pytest.approx(truth.pvalue, rel=0.01)
    assert low < found.ci_low < found.ci_high < high
    with pytest.raises(ValueError, match="needs 5"):
        random(blocks(*study(5, sizes[:4])), 0.95)
