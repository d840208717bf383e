"""Linear mixed models against their definition, classical results, and what must change nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cartrace import mixed
from cartrace.contrasts import contrast, f_test, kenward_roger
from cartrace.grouped import grouped
from cartrace.mixed import MixedFit, fit

Array = npt.NDArray[np.float64]


def study(seed: int, *, mice: int = 8, slope_sd: float = 0.05, ragged: bool = True) -> tuple[Array, Array, Array]:
    """Log responses of two groups of mice: response, fixed columns, mouse of each row."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 7, mice) if ragged else np.full(mice, 5)
    sizes[:3] = 5
    mouse = np.repeat(np.arange(mice), sizes)
    day = np.concatenate([np.sort(rng.choice(np.arange(1.0, 22.0), size, replace=False)) for size in sizes])
    treated = (mouse % 2).astype(np.float64)
    fixed = np.column_stack([np.ones(len(day)), day, treated, treated * day])
    level, rate = rng.normal(0, 0.5, mice), rng.normal(0, slope_sd, mice)
    response = fixed @ [1.0, 0.2, 0.1, 0.05] + level[mouse] + rate[mouse] * day + rng.normal(0, 0.3, len(day))
    return response, fixed, mouse.astype(np.float64)


def log_density(found: MixedFit, response: Array, fixed: Array, random: Array, mouse: Array) -> float:
    """The (restricted) log-likelihood by its definition, with the whole covariance matrix."""
    same = mouse[:, None] == mouse
    covariance = found.sigma**2 * np.eye(len(response)) + same * (random @ found.random_covariance @ random.T)
    residual = response - fixed @ found.coefficients
    n = len(response) - (fixed.shape[1] if found.method == "REML" else 0)
    total = n * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1] + residual @ np.linalg.solve(covariance, residual)
    if found.method == "REML":
        total += np.linalg.slogdet(fixed.T @ np.linalg.solve(covariance, fixed))[1]
    return -0.5 * float(total)


@pytest.mark.parametrize("method", ["ML", "REML"])
@pytest.mark.parametrize("correlated", [True, False])
def test_the_likelihood_is_that_of_the_joint_normal(method: str, correlated: bool) -> None:
    response, fixed, mouse = study(1)
    found = fit(grouped(response, fixed, fixed[:, :2], mouse, correlated=correlated), method=method)
    assert found.status == "ok"
    assert found.log_likelihood == pytest.approx(log_density(found, response, fixed, fixed[:, :2], mouse), abs=1e-9)
    assert (found.random_covariance[0, 1] == 0.0) is not correlated


@pytest.mark.parametrize("method", ["ML", "REML"])
def test_no_other_covariance_is_likelier(method: str) -> None:
    response, fixed, mouse = study(2)
    data = grouped(response, fixed, fixed[:, :2], mouse)
    found = fit(data, method=method)
    rng = np.random.default_rng(0)
    for size in (0.01, 0.1, 1.0):
        for _ in range(10):
            factor = found.factor + size * np.tril(rng.normal(size=(2, 2)))
            assert -mixed._criterion(data, factor, method)[0] < found.log_likelihood + 1e-9


@pytest.mark.parametrize("method", ["ML", "REML"])
def test_the_gradient_is_that_of_the_criterion(method: str) -> None:
    response, fixed, mouse = study(3)
    data = grouped(response, fixed, fixed[:, :2], mouse)
    factor = np.array([[0.8, 0.0], [-0.3, 0.6]])
    _, gradient = mixed._criterion(data, factor, method)
    for row, column in ((0, 0), (1, 0), (1, 1)):
        shift = np.zeros((2, 2))
        shift[row, column] = 1e-6
        ends = [mixed._criterion(data, factor + sign * shift, method)[0] for sign in (1, -1)]
        assert gradient[row, column] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6)


def test_balanced_variances_are_those_of_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(0, 1, (6, 1)) + rng.normal(0, 0.4, (6, 4))
    mouse = np.repeat(np.arange(6), 4)
    ones = np.ones((24, 1))
    found = fit(grouped(values.ravel(), ones, ones, mouse))
    within = values.var(axis=1, ddof=1).mean()
    between = 4 * values.mean(axis=1).var(ddof=1)
    assert found.sigma**2 == pytest.approx(within, rel=1e-8)
    assert found.random_covariance[0, 0] == pytest.approx((between - within) / 4, rel=1e-6)
    assert contrast(found, [1.0]).df == pytest.approx(5.0, rel=1e-6)


@pytest.mark.parametrize("method", ["kenward_roger", "satterthwaite"])
def test_balanced_groups_are_compared_as_their_mice_s_means(method: str) -> None:
    response, fixed, mouse = study(5, mice=10, ragged=False)
    columns = fixed[:, [0, 2]]
    found = fit(grouped(response, columns, fixed[:, :1], mouse))
    assert not found.is_singular
    means = np.array([response[mouse == one].mean() for one in range(10)])
    expected = stats.ttest_ind(means[1::2], means[::2])
    test = contrast(found, [0.0, 1.0], method=method)
    assert test.statistic == pytest.approx(expected.statistic, rel=1e-6)
    assert test.df == pytest.approx(expected.df, rel=1e-5)
    assert test.p_value == pytest.approx(expected.pvalue, rel=1e-5)
    low, high = expected.confidence_interval(0.95)
    assert (test.ci_low, test.ci_high) == pytest.approx((low, high), abs=1e-4 * test.se)


def test_balanced_slopes_are_compared_as_those_of_single_mice() -> None:
    rng = np.random.default_rng(6)
    day, mice = np.array([1.0, 4, 7, 10, 14]), 12
    treated = np.arange(mice) % 2
    level, rate = rng.normal(0, 0.5, mice), 0.2 + 0.05 * treated + rng.normal(0, 0.05, mice)
    values = level[:, None] + rate[:, None] * day + rng.normal(0, 0.2, (mice, 5))
    slopes = np.polyfit(day, values.T, 1)[0]
    expected = stats.ttest_ind(slopes[treated == 1], slopes[treated == 0])
    columns = np.column_stack(
        [np.ones(60), np.tile(day, mice), np.repeat(treated, 5), np.repeat(treated, 5) * np.tile(day, mice)]
    )
    found = fit(grouped(values.ravel(), columns, columns[:, :2], np.repeat(np.arange(mice), 5)))
    test = contrast(found, [0.0, 0.0, 0.0, 1.0])
    assert not found.is_singular
    assert test.statistic == pytest.approx(expected.statistic, rel=1e-6)
    assert test.df == pytest.approx(expected.df, rel=1e-6)


def test_one_combination_has_the_f_of_its_t() -> None:
    response, fixed, mouse = study(7)
    found = fit(grouped(response, fixed, fixed[:, :2], mouse))
    t, f = contrast(found, [0, 0, 0, 1]), f_test(found, [[0, 0, 0, 1]])
    assert f.statistic == pytest.approx(t.statistic**2, rel=1e-9)
    assert f.df_denominator == pytest.approx(t.df, rel=1e-9)
    assert f.p_value == pytest.approx(t.p_value, rel=1e-8)


def test_the_adjusted_covariance_is_not_smaller() -> None:
    response, fixed, mouse = study(8)
    adjusted = kenward_roger(fit(grouped(response, fixed, fixed[:, :2], mouse)))
    assert np.linalg.eigvalsh(adjusted.covariance - adjusted.unadjusted).min() > -1e-12


@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 100.0), shift=st.floats(-50.0, 50.0))
@settings(max_examples=25, deadline=None)
def test_the_test_of_a_slope_knows_no_unit_of_time_and_no_order(seed: int, scale: float, shift: float) -> None:
    response, fixed, mouse = study(seed, slope_sd=0.1)
    first = fit(grouped(response, fixed, fixed[:, :2], mouse))
    order = np.random.default_rng(seed).permutation(len(response))
    day = (fixed[:, 1] * scale + shift)[order]
    moved = np.column_stack([np.ones(len(day)), day, fixed[order, 2], fixed[order, 2] * day])
    second = fit(grouped(response[order] * 3.0 - 7.0, moved, moved[:, :2], mouse[order]))
    assert {first.status, second.status} == {"ok"}
    one, other = contrast(first, [0, 0, 0, 1]), contrast(second, [0, 0, 0, 1])
    assert other.estimate == pytest.approx(one.estimate * 3.0 / scale, abs=1e-3 * other.se)
    # A variance on the boundary is found to within the square root of what the likelihood is.
    assert other.statistic == pytest.approx(one.statistic, rel=1e-3, abs=1e-3)
    assert other.df == pytest.approx(one.df, rel=1e-2)


def test_mice_that_do_not_differ_make_a_singular_fit_with_the_ordinary_regression() -> None:
    response, fixed, mouse = study(9, ragged=False)
    # Without their means the mice differ less than chance would have it.
    within = response - np.array([response[mouse == one].mean() for one in range(8)])[mouse.astype(int)] + 1.0
    found = fit(grouped(within, fixed[:, :1], fixed[:, :1], mouse), method="ML")
    assert found.is_singular
    assert found.status == "ok"
    assert found.coefficients[0] == pytest.approx(1.0, abs=1e-9)
    assert found.sigma == pytest.approx(within.std(), rel=1e-6)
    assert found.log_likelihood == pytest.approx(stats.norm.logpdf(within, 1.0, within.std()).sum(), abs=1e-8)


def test_a_response_without_residual_is_not_estimated() -> None:
    _, fixed, mouse = study(10)
    found = fit(grouped(fixed @ [1.0, 0.2, 0.1, 0.05], fixed, fixed[:, :2], mouse))
    assert found.status == "not_converged"
    assert "without residual" in found.reason
    assert np.isnan([found.sigma, found.log_likelihood, *found.coefficients]).all()
    assert np.isnan(contrast(found, [0, 0, 0, 1]).p_value)
    assert np.isnan(f_test(found, np.eye(4)[2:]).p_value)


def test_fixed_columns_that_depend_on_each_other_are_refused() -> None:
    response, fixed, mouse = study(11)
    with pytest.raises(ValueError, match="depend on each other"):
        grouped(response, np.column_stack([fixed, fixed[:, 0] - fixed[:, 2]]), fixed[:, :1], mouse)


def test_contrasts_of_ml_fits_are_refused() -> None:
    response, fixed, mouse = study(12)
    found = fit(grouped(response, fixed, fixed[:, :1], mouse), method="ML")
    with pytest.raises(ValueError, match="REML"):
        contrast(found, [0, 0, 0, 1])
    with pytest.raises(ValueError, match="REML"):
        f_test(found, np.eye(4)[2:])


def test_the_level_of_the_interval_counts() -> None:
    response, fixed, mouse = study(13)
    found = fit(grouped(response, fixed, fixed[:, :2], mouse))
    wide, narrow = (contrast(found, [0, 1, 0, 0], confidence=level) for level in (0.95, 0.8))
    assert wide.ci_low < narrow.ci_low < wide.estimate < narrow.ci_high < wide.ci_high
    assert narrow.ci_high - narrow.estimate == pytest.approx(stats.t.ppf(0.9, wide.df) * wide.se, rel=1e-9)
