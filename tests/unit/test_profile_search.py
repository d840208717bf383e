"""The search for profile limits: each mouse for itself, and the best of all branches of curves."""

import numpy as np
import pytest
from kinetics import simulated

from cartrace.descents import Descents
from cartrace.expansion import fit_study
from cartrace.expansion_points import Scatter, mice_of
from cartrace.optimise import least_squares, minimise
from cartrace.profiles import Wanted, profile_limits

DAY = np.tile([0.0, 1.0, 2.0, 4.0, 7.0], (3, 1))


def decay(rows):
    """Three decays with noise; the parameters are an amplitude and a rate."""
    y = np.array([[1.0, 0.6, 0.37, 0.14, 0.03], [2.0, 1.6, 1.3, 0.9, 0.5], [1.0, 0.2, 0.05, 0.0, 0.01]])

    def curve(day, x):
        return x[:, :1] * np.exp(-x[:, 1:] * day)

    def gradient(day, x):
        return np.stack([np.exp(-x[:, 1:] * day), -day * curve(day, x)], axis=-1)

    return least_squares(curve, gradient, DAY[rows], y[rows], DAY[rows] >= 0.0)


def test_a_row_that_begins_again_descends_as_if_alone():
    free = np.full((3, 2), np.inf)
    together = Descents(decay(np.arange(3)), -free, free)
    starts = np.array([[1.0, 1.0], [1.0, 3.0], [5.0, 0.1], [0.5, 0.5]])
    options = {"relative": 1e-14, "absolute": 1e-26, "most_steps": 300}
    together.begin(np.arange(3), starts[:3], **options)
    rows, n_ended = np.arange(3), 0
    while rows.size:
        done = together.advance(rows)
        if done[rows == 0].any() and not n_ended:
            n_ended += 1
            together.begin(np.array([0]), starts[3:], **options)
            done[rows == 0] = False
        rows = rows[~done]
    for row, start in ((0, starts[3]), (1, starts[1]), (2, starts[2])):
        alone = minimise(decay(np.array([row])), start[None], -free[:1], free[:1])
        np.testing.assert_allclose(together.x[row], alone.x[0], rtol=1e-12)
        assert together.value[row] == pytest.approx(alone.value[0], rel=1e-12)
    assert together.converged.all()


def limits_of(study, mice, quantile):
    points = study.points.rows(study.rows)
    reach = np.full(len(mice), 10.0)
    wanted = [Wanted(None, index, mice, reach) for index in range(study.model.n_parameters)]
    found = profile_limits(study.model, points, study.fit, wanted, quantile=quantile)
    return np.array([[one.low, one.high] for one in found])


@pytest.mark.parametrize("critical", [np.nan, 4e5])
def test_the_limits_of_a_mouse_are_the_same_without_the_others(critical):
    days = (1.0, 4.0, 7.0, 10.0, 14.0, 21.0, 28.0)
    cells, _ = simulated("expansion_contraction", n_per_group=4, critical=critical, days=days)
    common = {"model": "expansion_contraction", "analysis": "all", "strategy": "reporter_gene"}
    scatter = Scatter("log_normal", use_measurement_se=False)
    study = fit_study(cells, mice_of(cells), window_days=(0.0, 28.0), scatter=scatter, **common)
    quantile = np.full(len(study.rows), 2.5)
    together = limits_of(study, np.arange(len(study.rows)), quantile)
    assert np.isfinite(together).mean() > 0.8
    for mouse in range(len(study.rows)):
        alone = limits_of(study, np.array([mouse]), quantile)
        np.testing.assert_allclose(together[:, :, [mouse]], alone, rtol=1e-6, atol=1e-6)
