"""Rows of a linear mixed model, rotated group by group, and their regression under given variances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Grouped:
    """Rows of y = X b + Z u + e, rotated group by group.

    Of each group's rows the first q hold all of its random effects; the others follow an ordinary regression, and
    stand together in a triangle. Made by `grouped`.

    Parameters
    ----------
    response : Array, shape (m, q)
        Rotated response minus its ordinary regression.
    fixed : Array, shape (m, q, p)
        Rotated fixed columns, orthonormal over all rows.
    random : Array, shape (m, q, q)
        Rotated random columns, each of root mean square 1 over all rows, and orthogonal if their effects may correlate.
    rest_response, rest_fixed : Array, shapes (p + 1,) and (p + 1, p)
        What the other rows say.
    sizes : Array, shape (m,)
        Number of rows of each group.
    total_squares : float
        Sum of the squared responses.
    start, fixed_scale, random_scale : Array, shapes (p,), (p, p) and (q, q)
        Ordinary regression; triangles that make the model's own columns of the fixed and of the random ones.
    correlated : bool
        Whether the random effects of a group may be correlated.
    """

    response: Array
    fixed: Array
    random: Array
    rest_response: Array
    rest_fixed: Array
    sizes: Array
    total_squares: float
    start: Array
    fixed_scale: Array
    random_scale: Array
    correlated: bool


def grouped(response: Array, fixed: Array, random: Array, group: npt.ArrayLike, *, correlated: bool = True) -> Grouped:
    """Rotate the rows of a mixed model.

    Parameters
    ----------
    response : Array, shape (n,)
        One row per measurement.
    fixed : Array, shape (n, p)
        Columns of the fixed effects, linearly independent.
    random : Array, shape (n, q)
        Columns of the random effects, linearly independent.
    group : array-like, shape (n,)
        Group (mouse) of each row; modes come in the sorted order of its values.
    correlated : bool
        Whether the random effects of a group may be correlated.

    Raises
    ------
    ValueError
        Where the fixed or the random columns depend on each other, or there are not more rows than fixed columns.
    """
    (n_rows, p), q = fixed.shape, random.shape[1]
    if n_rows <= p or np.linalg.matrix_rank(fixed) < p or np.linalg.matrix_rank(random) < q:
        raise ValueError("the effects cannot be told apart: their columns depend on each other")
    orthonormal, triangle = np.linalg.qr(fixed)
    start = np.linalg.solve(triangle, orthonormal.T @ response)
    if correlated:
        scale = np.asarray(np.linalg.qr(random, mode="r"), dtype=np.float64) / np.sqrt(n_rows)
    else:
        scale = np.diag(np.sqrt(np.mean(random**2, axis=0)))
    columns = np.column_stack([np.linalg.solve(scale.T, random.T).T, orthonormal, response - fixed @ start])
    codes = np.unique(np.asarray(group), return_inverse=True)[1].ravel()
    sizes = np.bincount(codes)
    order = np.argsort(codes, kind="stable")
    place = np.arange(n_rows) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    padded = np.zeros((len(sizes), max(int(sizes.max()), q), columns.shape[1]))
    padded[codes[order], place] = columns[order]
    rotation, leading = np.linalg.qr(padded[:, :, :q], mode="complete")
    rotated: Array = rotation.swapaxes(1, 2) @ padded[:, :, q:]
    others = np.vstack([rotated[:, q:].reshape(-1, p + 1), np.zeros((p + 1, p + 1))])
    rest = np.asarray(np.linalg.qr(others, mode="r"), dtype=np.float64)
    return Grouped(
        response=rotated[:, :q, -1],
        fixed=rotated[:, :q, :-1],
        random=leading[:, :q],
        rest_response=rest[:, -1],
        rest_fixed=rest[:, :-1],
        sizes=sizes.astype(np.float64),
        total_squares=float(response @ response),
        start=start,
        fixed_scale=triangle,
        random_scale=scale,
        correlated=correlated,
    )


@dataclass(frozen=True)
class Solution:
    """Regression under a given factor.

    Parameters
    ----------
    root : Array, shape (m, q, q)
        Lower triangle L with L L' = I + (Z F)(Z F)', the relative covariance of each group's first q rows.
    fixed, random, residual : Array, shapes (m, q, p), (m, q, q) and (m, q)
        Those rows divided by the root.
    information : Array, shape (p, p)
        X' V^-1 X.
    coefficients : Array, shape (p,)
        Of the orthonormal fixed columns.
    squares : float
        Weighted sum of squared residuals.
    """

    root: Array
    fixed: Array
    random: Array
    residual: Array
    information: Array
    coefficients: Array
    squares: float


def solve(data: Grouped, factor: Array) -> Solution:
    """Return the regression of rotated rows under a given relative covariance factor."""
    loaded = data.random @ factor
    root: Array = np.linalg.cholesky(np.eye(len(factor)) + loaded @ loaded.swapaxes(1, 2)).astype(np.float64)
    stacked = np.concatenate([data.fixed, data.random, data.response[:, :, None]], axis=2)
    white = np.linalg.solve(root, stacked)
    p = data.fixed.shape[2]
    fixed, random, response = white[:, :, :p], white[:, :, p:-1], white[:, :, -1]
    columns = np.vstack([fixed.reshape(-1, p), data.rest_fixed])
    target = np.concatenate([response.ravel(), data.rest_response])
    information = columns.T @ columns
    coefficients = np.linalg.solve(information, columns.T @ target)
    residual = target - columns @ coefficients
    squares = float(residual @ residual)
    residual = residual[: response.size].reshape(response.shape)
    return Solution(root, fixed, random, residual, information, coefficients, squares)
