"""Do population fits and their tests find the truth from which studies are simulated?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from cartrace.censoring import Points
from cartrace.fitting import fit as fit_mice
from cartrace.growth import BY_NAME
from cartrace.population.fit import PopulationFit, fit
from cartrace.population.inference import LikelihoodRatio, bootstrap, permutation
from cartrace.population.model import Population, Responses, group_design, responses

Array = npt.NDArray[np.float64]
MODEL = BY_NAME["logistic"]
POPULATION = Population(MODEL.log_curve, MODEL.gradient, (0, 1, 2))
DAYS = np.array([1.0, 4, 7, 10, 14, 21])
BETA = np.array([3.0, np.log(0.4), 9.0])
SPREAD = np.array([0.4, 0.2, 1.0])
SIGMA = 0.25


def study(rng: np.random.Generator, *, per_group: int, effect: float, level: float) -> tuple[Responses, Array]:
    """Simulate two groups with an effect on the log growth rate; return responses, and the mice's own parameters."""
    mice = 2 * per_group
    theta = BETA + rng.normal(size=(mice, 3)) * SPREAD
    theta[:, 1] += effect * (np.arange(mice) % 2)
    day = np.tile(DAYS, (mice, 1))
    y = MODEL.log_curve(day, theta) + rng.normal(0, SIGMA, day.shape)
    data = responses(day, y, critical_level=np.full(day.shape, level))
    enough = (data.used & ~data.censored).sum(axis=1) >= 4
    points = Points(*(part[enough] for part in (data.x, data.y, data.used, data.censored)))
    own = np.full((mice, 3), np.nan)
    own[enough] = fit_mice(MODEL, points).theta
    return data, own


def fits(data: Responses, own: Array) -> tuple[PopulationFit, PopulationFit, Array, Array]:
    group = np.arange(data.n_mice) % 2
    designs = group_design(group, 3, ()), group_design(group, 3, (1,))
    null = fit(data, POPULATION, designs[0], own)
    return null, fit(data, POPULATION, designs[1], own, also=null), *designs


@pytest.mark.parametrize("level", [np.nan, 0.5])
def test_fixed_effects_and_scatter_are_recovered(level: float) -> None:
    rng = np.random.default_rng(20260301)
    truth = np.append(BETA, 0.3)
    found, censored = [], 0
    for _ in range(30):
        data, own = study(rng, per_group=10, effect=0.3, level=level)
        group = np.arange(20) % 2
        found.append(fit(data, POPULATION, group_design(group, 3, (1,)), own))
        censored += int(data.censored.sum())
    assert {one.status for one in found} == {"ok"}
    assert (censored > 300) is bool(np.isfinite(level))
    beta = np.array([one.beta for one in found])
    # Three standard errors of the mean over the studies.
    assert np.all(np.abs(beta.mean(axis=0) - truth) < 3 * beta.std(axis=0, ddof=1) / np.sqrt(30))
    reported = np.mean([one.beta_se for one in found], axis=0)
    np.testing.assert_allclose(reported, beta.std(axis=0, ddof=1), rtol=0.4)
    # Maximum likelihood takes scatter too small, and more so the less the scans of one mouse say about it.
    assert np.mean([one.sigma for one in found]) == pytest.approx(SIGMA, rel=0.06)
    spread = np.mean([np.sqrt(np.diag(one.omega)) for one in found], axis=0)
    np.testing.assert_allclose(spread, SPREAD, rtol=0.4)
    assert (spread < SPREAD * 1.05).all()


def test_many_mice_show_the_scatter_between_and_within_mice() -> None:
    data, own = study(np.random.default_rng(1), per_group=500, effect=0.3, level=0.0)
    found = fit(data, POPULATION, group_design(np.arange(1000) % 2, 3, (1,)), own)
    assert found.status == "ok"
    assert not found.is_singular
    # Leaving out second derivatives shifts the optimum by less than one hundredth.
    assert np.all(np.abs(found.beta - [*BETA, 0.3]) < 4 * found.beta_se + 0.01)
    np.testing.assert_allclose(np.sqrt(np.diag(found.omega)), SPREAD, rtol=0.08)
    assert found.sigma == pytest.approx(SIGMA, rel=0.03)


def rejections(n_studies: int, *, per_group: int, n: int, method: str) -> tuple[Array, Array]:
    """Return simulated and chi-square p values of studies without an effect."""
    rng = np.random.default_rng(8)
    tests: list[LikelihoodRatio] = []
    for number in range(n_studies):
        null, full, first, second = fits(*(parts := study(rng, per_group=per_group, effect=0.0, level=np.nan)))
        if method == "bootstrap":
            test = bootstrap(parts[0], POPULATION, first, second, null=null, full=full, n=n, seed=number)
        else:
            test = permutation(parts[0], POPULATION, second, null=null, full=full, n=n, seed=number)
        tests.append(test)
    assert {test.status for test in tests} == {"ok"}
    return np.array([test.p_value for test in tests]), np.array([test.p_chi_square for test in tests])


@pytest.mark.parametrize("method", ["bootstrap", "permutation"])
def test_simulated_p_values_are_uniform_without_an_effect(method: str) -> None:
    # Of 40 studies more than 6 reject at 5 % with a chance of 0.7 %; 20 lie below one half, with a deviation of 3.2.
    p_values, _ = rejections(40, per_group=5, n=19, method=method)
    assert (p_values <= 0.05).sum() <= 6
    assert 10 <= (p_values <= 0.5).sum() <= 30


@pytest.mark.slow
@pytest.mark.parametrize("per_group", [5, 8])
def test_the_size_of_the_bootstrap_is_nominal_where_that_of_chi_square_is_not(per_group: int) -> None:
    p_values, large_sample = rejections(400, per_group=per_group, n=99, method="bootstrap")
    # Within three standard errors of 5 %.
    assert 0.017 <= (p_values <= 0.05).mean() <= 0.083
    assert (large_sample <= 0.05).mean() > (p_values <= 0.05).mean()
