"""Do linear mixed models find the truth, and do Kenward-Roger tests keep their level with few mice?"""

from __future__ import annotations

import numpy as np
import pytest

from cartrace.contrasts import Contrast, contrast
from cartrace.grouped import grouped
from cartrace.mixed import fit

DAYS = np.array([1.0, 3, 5, 8, 11])
N_STUDIES = 400


def comparisons(*, mice: int, missing: float, slope_sd: float) -> list[Contrast]:
    """Compare the growth rates of two groups in simulated studies; the true difference is 0.1 per day."""
    rng = np.random.default_rng(20260302)
    mouse = np.repeat(np.arange(mice), len(DAYS))
    day = np.tile(DAYS, mice)
    treated = (mouse % 2).astype(np.float64)
    fixed = np.column_stack([np.ones(len(day)), day, treated, treated * day])
    found = []
    for _ in range(N_STUDIES):
        level, rate = rng.normal(0, 0.5, mice), rng.normal(0, slope_sd, mice)
        response = fixed @ [1.0, 0.2, 0.0, 0.1] + level[mouse] + rate[mouse] * day + rng.normal(0, 0.3, len(day))
        there = rng.random(len(day)) >= missing
        model = fit(grouped(response[there], fixed[there], fixed[there, :2], mouse[there]))
        assert model.status == "ok"
        found.append(contrast(model, [0.0, 0.0, 0.0, 1.0]))
    return found


@pytest.mark.parametrize(("mice", "missing", "slope_sd"), [(10, 0.0, 0.08), (10, 0.2, 0.08), (16, 0.1, 0.08)])
def test_intervals_cover_the_truth_and_estimates_are_unbiased(mice: int, missing: float, slope_sd: float) -> None:
    found = comparisons(mice=mice, missing=missing, slope_sd=slope_sd)
    covered = np.mean([test.ci_low <= 0.1 <= test.ci_high for test in found])
    assert 0.93 <= covered <= 0.975
    estimates = np.array([test.estimate for test in found])
    assert abs(estimates.mean() - 0.1) < 3 * estimates.std() / np.sqrt(N_STUDIES)
    # The mice, not the scans, are the sample: with m mice in two groups a slope has at most m - 2 degrees of freedom.
    assert np.median([test.df for test in found]) == pytest.approx(mice - 2, rel=0.15)
