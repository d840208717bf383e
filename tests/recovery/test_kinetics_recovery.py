"""Mice simulated from known curves: is the growth rate found, does its interval cover it, and is it refused in time?

Every mouse has a curve of its own; growth rates vary by 15 %. Intervals are profile likelihood, as shipped. The mice go
through the steps that a study goes through, from the table of cells to that of estimates.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
import pytest

from cartrace import estimates, selected_rates
from cartrace.censoring import Points
from cartrace.expansion import fit_study
from cartrace.expansion_points import Scatter, mice_of
from cartrace.fitting import fit
from cartrace.growth import BY_NAME
from cartrace.quantities import quantities
from cartrace.statistics import Moments, welch

TRUTH = {
    "exponential": [np.log(2e5), 0.35],
    "lag_exponential": [np.log(2e5), np.log(0.45), 4.5],
    "logistic": [np.log(5e6), np.log(0.45), 8.0],
    "gompertz": [np.log(5e6), np.log(0.2), 6.0],
    "expansion_contraction": [np.log(4e7), np.log(0.45), np.log(0.15), 10.0],
}
DAYS = {
    4: (1.0, 5.0, 9.0, 14.0),
    5: (1.0, 4.0, 7.0, 10.0, 14.0),
    6: (1.0, 4.0, 7.0, 10.0, 14.0, 21.0),
    8: (1.0, 3.0, 5.0, 7.0, 10.0, 14.0, 18.0, 21.0),
}
WINDOW = (0.0, 28.0)


@dataclass(frozen=True)
class Recovered:
    """Of many mice: the share that gets a growth rate, of these bias with its Monte Carlo error, and coverage."""

    given: float
    bias: float
    bias_se: float
    coverage: float
    fewest_quantified: int
    reasons: frozenset[str]


def simulated(name: str, n: int, *, scans: int, cv: float, below: float, seed: int) -> tuple[np.ndarray, Points]:
    """Return parameters and points of mice; a share `below` of all points lies below detection."""
    rng, model = np.random.default_rng(seed), BY_NAME[name]
    spread = [0.4 if part.kind == "level" else 0.7 if part.kind == "day" else 0.15 for part in model.parameters]
    if name == "exponential":
        spread[1] = 0.05
    theta = np.array([TRUTH[name]]) + rng.normal(size=(n, model.n_parameters)) * spread
    day = np.tile(DAYS[scans], (n, 1))
    y = model.log_curve(day, theta) + rng.normal(0.0, np.sqrt(np.log1p(cv**2)), day.shape)
    level = np.quantile(y, below) if below else -np.inf
    return theta, Points(day, np.maximum(y, level), np.ones(day.shape, dtype=bool), y < level)


def table_of(points: Points, group_size: int) -> pd.DataFrame:
    """Return the points as a table of cells, in groups of that size."""
    m, n = points.day.shape
    mouse = np.repeat(np.arange(m), n)
    return pd.DataFrame(
        {
            "cohort": "C1",
            "animal_id": [f"M{number:05d}" for number in mouse],
            "group": [f"G{number:05d}" for number in mouse // group_size],
            "role": "test",
            "cell_day": points.day.ravel(),
            # What is below detection has some lower value, which must not matter.
            "response": np.exp(points.log_response - 0.5 * points.censored).ravel(),
            "response_critical_level": np.exp(np.where(points.censored, points.log_response, np.nan)).ravel(),
            "response_unit": "cells",
            "status": "ok",
            "excluded": False,
        }
    )


def recovered(
    name: str, n: int, *, scans: int, cv: float, below: float, seed: int = 4, group_size: int = 10**6
) -> Recovered:
    """Return what becomes of the growth rates of mice, all of one group unless said otherwise."""
    theta, points = simulated(name, n, scans=scans, cv=cv, below=below, seed=seed)
    cells = table_of(points, group_size)
    study = fit_study(
        cells,
        mice_of(cells),
        model=name,
        analysis="all",
        strategy="reporter_gene",
        window_days=WINDOW,
        scatter=Scatter("log_normal", use_measurement_se=False),
    )
    chosen = [quantity for quantity in quantities(study, WINDOW) if quantity.name in ("growth_rate", "doubling_time")]
    rows = estimates.animal_estimates(study, chosen, confidence=0.95, interval="profile")
    rows = rows[rows["parameter"] == "growth_rate"].reset_index(drop=True)
    given = (rows["status"] == "ok").to_numpy()
    reasons = frozenset(rows.loc[~given, "reason"])
    if not given.any():
        return Recovered(0.0, np.nan, np.nan, np.nan, 99, reasons)
    is_log = BY_NAME[name].growth_scale == "log"
    true, _ = BY_NAME[name].growth_rate(theta, np.full(n, study.growth_day))
    estimate = np.log(rows["estimate"]) if is_log else rows["estimate"]
    # What is not excluded on a side is open there.
    low, high = rows["ci_low"].fillna(0.0 if is_log else -np.inf), rows["ci_high"].fillna(np.inf)
    own = np.exp(true) if is_log else true
    gap = (estimate - true)[given] / (1.0 if is_log else true[given].mean())
    inside = ((low <= own) & (own <= high))[given]
    return Recovered(
        float(given.mean()),
        float(gap.mean()),
        float(gap.std() / np.sqrt(given.sum())),
        float(inside.mean()),
        int((points.n_points - points.n_censored)[given].min()),
        reasons,
    )


IN_SHORT = {
    ("exponential", 5, 0.3, 0.25),
    ("exponential", 6, 0.15, 0.5),
    ("lag_exponential", 8, 0.3, 0.25),
    ("logistic", 6, 0.15, 0.0),
    ("logistic", 8, 0.3, 0.5),
    ("gompertz", 6, 0.15, 0.1),
    ("gompertz", 5, 0.3, 0.1),
    ("expansion_contraction", 8, 0.15, 0.1),
    ("expansion_contraction", 6, 0.3, 0.5),
}
GRID = [
    pytest.param(*cell, marks=[] if cell in IN_SHORT else pytest.mark.slow, id="-".join(map(str, cell)))
    for cell in product(TRUTH, DAYS, (0.15, 0.2, 0.3), (0.0, 0.1, 0.25, 0.5))
    if cell[1] > BY_NAME[cell[0]].n_parameters
]

# What no rule has mended: three or four points above detection, the flat part before them only known to lie below.
BIASED = {("lag_exponential", 8, 0.3, 0.5): 0.03}


@pytest.mark.parametrize(("name", "scans", "cv", "below"), GRID)
def test_a_growth_rate_that_is_given_is_right(name, scans, cv, below):
    """Bias under 2 % and coverage of 92 to 97 %, give or take Monte Carlo error, or no number but what to do."""
    found = recovered(name, 1500, scans=scans, cv=cv, below=below)
    if found.given == 0.0:
        # Where no mouse has a rate of its own, each has a reason of its own.
        assert all(found.reasons)
        hidden = ("scan more often while the signal rises", "quantified points in the window")
        assert any(text in reason for reason in found.reasons for text in hidden)
        return
    assert found.fewest_quantified >= 3
    assert abs(found.bias) < BIASED.get((name, scans, cv, below), 0.02) + 2.0 * found.bias_se
    # With one degree of freedom alone, the scans of many mice leave their interval open on a side.
    assert 0.92 < found.coverage < (0.975 if scans > BY_NAME[name].n_parameters + 1 else 0.99)


@pytest.mark.parametrize(
    ("name", "scans", "cv", "below", "most"),
    [
        ("exponential", 6, 0.15, 0.5, 0.9),
        ("logistic", 5, 0.3, 0.25, 0.4),
        pytest.param("gompertz", 6, 0.15, 0.25, 0.95, marks=pytest.mark.slow),
        pytest.param("expansion_contraction", 6, 0.15, 0.25, 1.0, marks=pytest.mark.slow),
    ],
)
def test_groups_of_eight_are_refused_one_by_one_and_the_others_are_right(name, scans, cv, below, most):
    found = recovered(name, 1600, scans=scans, cv=cv, below=below, group_size=8)
    assert found.given < most
    if found.given > 0.1:
        assert abs(found.bias) < 0.02 + 2.0 * found.bias_se
        assert 0.92 < found.coverage < 0.98


def test_a_rate_that_only_noise_has_kept_would_be_wrong(monkeypatch):
    """The rule earns its keep: without it, the half of the mice that are left are off by far more than 2 %."""
    monkeypatch.setattr(selected_rates, "LEAST_RATED_SHARE", 0.0)
    found = recovered("exponential", 1500, scans=5, cv=0.3, below=0.5)
    assert 0.4 < found.given < 0.7
    assert found.bias < -0.03


def test_a_curve_of_four_parameters_refuses_four_scans():
    found = recovered("expansion_contraction", 20, scans=4, cv=0.2, below=0.0)
    assert found.given == 0.0
    assert found.reasons == {"4 points in the window (day 0 to 28), 4 parameters need 5"}


@pytest.mark.parametrize("n", [5, 8])
@pytest.mark.parametrize(("name", "scans"), [("logistic", 6), ("exponential", 5), ("expansion_contraction", 8)])
def test_the_primary_test_keeps_its_size(name, scans, n):
    """Fits of single mice, then Welch on the scale of the fit: 5 % of studies without a difference, within 3 to 7 %."""
    studies = 1000
    theta, points = simulated(name, 2 * n * studies, scans=scans, cv=0.25, below=0.0, seed=n)
    model = BY_NAME[name]
    value, _ = model.growth_rate(fit(model, points).theta, points.first_day)
    rates = value.reshape(studies, 2, n)
    means, variances = rates.mean(axis=2), rates.var(axis=2, ddof=1)
    count = np.full(studies, float(n))
    sides = (Moments(count, means[:, side], variances[:, side]) for side in (0, 1))
    p_values = welch(*sides, confidence=0.95).p_value
    assert 0.03 < np.mean(p_values < 0.05) < 0.07
    assert len(theta) == 2 * n * studies
