"""The minimiser of many functions at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import optimize

from cartrace.quasi_newton import hessian, minimise, positive_inverse

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


def rosenbrock(x: Array, rows: Rows) -> tuple[Array, Array]:
    """A valley of another steepness for each row; row 3 is a parabola."""
    steep = np.array([1.0, 10.0, 100.0, 0.0])[rows]
    bend = x[:, 1] - x[:, 0] ** 2
    value = steep * bend**2 + (1 - x[:, 0]) ** 2 + np.where(steep == 0, x[:, 1] ** 2, 0.0)
    gradient = np.stack(
        [-4 * steep * x[:, 0] * bend - 2 * (1 - x[:, 0]), 2 * steep * bend + np.where(steep == 0, 2 * x[:, 1], 0.0)],
        axis=1,
    )
    return value, gradient


def test_every_row_finds_its_own_minimum() -> None:
    start = np.tile([-1.2, 1.0], (4, 1))
    found = minimise(rosenbrock, start, inverse_hessian=np.tile(np.eye(2), (4, 1, 1)), tolerance=1e-14)
    assert found.converged.all()
    np.testing.assert_allclose(found.x, [[1, 1], [1, 1], [1, 1], [1, 0]], atol=1e-6)


def test_a_batch_is_the_same_as_one_by_one() -> None:
    start = np.random.default_rng(1).normal(size=(4, 2))
    metric = np.tile(np.eye(2), (4, 1, 1))
    together = minimise(rosenbrock, start, inverse_hessian=metric)
    for row in range(4):
        alone = minimise(
            lambda x, rows, row=row: rosenbrock(x, np.full_like(rows, row)), start[[row]], inverse_hessian=metric[:1]
        )
        np.testing.assert_array_equal(alone.x[0], together.x[row])


def test_the_quasi_newton_estimate_is_near_the_inverse_hessian() -> None:
    found = minimise(rosenbrock, np.zeros((4, 2)) + 0.5, inverse_hessian=np.tile(np.eye(2), (4, 1, 1)), tolerance=1e-15)
    exact = np.linalg.inv(optimize.rosen_hess(np.ones(2)))
    np.testing.assert_allclose(found.inverse_hessian[2], exact, rtol=0.05)


def test_a_row_without_a_value_is_given_up() -> None:
    def broken(x: Array, rows: Rows) -> tuple[Array, Array]:
        value, gradient = rosenbrock(x, rows)
        return np.where(rows == 1, np.nan, value), gradient

    found = minimise(broken, np.zeros((4, 2)), inverse_hessian=np.tile(np.eye(2), (4, 1, 1)))
    assert found.converged.tolist() == [True, False, True, True]
    assert found.value[1] == np.inf


def test_a_step_into_the_undefined_is_turned_back() -> None:
    def well(x: Array, rows: Rows) -> tuple[Array, Array]:
        with np.errstate(invalid="ignore"):
            return (x - np.log(x)).sum(axis=1), 1 - 1 / x

    found = minimise(well, np.array([[8.0]]), inverse_hessian=np.array([[[100.0]]]))
    assert found.converged[0]
    np.testing.assert_allclose(found.x, 1.0, atol=1e-4)


def test_no_step_is_longer_than_allowed() -> None:
    seen = []

    def parabola(x: Array, rows: Rows) -> tuple[Array, Array]:
        seen.append(x[0, 0])
        return (x**2).sum(axis=1) / 2, x

    minimise(parabola, np.array([[10.0]]), inverse_hessian=np.ones((1, 1, 1)), longest_step=3.0)
    assert np.abs(np.diff(seen)).max() <= 3.0
    assert len(seen) >= 4


def test_a_row_that_runs_out_of_steps_has_not_converged() -> None:
    found = minimise(
        rosenbrock, np.array([[-1.2, 1.0]] * 3), inverse_hessian=np.tile(np.eye(2), (3, 1, 1)), most_steps=2
    )
    assert not found.converged.any()


def test_the_hessian_is_that_of_the_function() -> None:
    x = np.array([0.3, -0.4])
    found = hessian(rosenbrock, x, 2, np.full(2, 1e-5))
    np.testing.assert_allclose(found, optimize.rosen_hess(x), rtol=1e-7)


def test_an_indefinite_matrix_gets_a_positive_inverse() -> None:
    matrix = np.array([[4.0, 0.0], [0.0, -2.0]])
    np.testing.assert_allclose(positive_inverse(matrix), np.diag([0.25, 0.5]))
    sound = np.array([[4.0, 1.0], [1.0, 3.0]])
    np.testing.assert_allclose(positive_inverse(sound), np.linalg.inv(sound))
