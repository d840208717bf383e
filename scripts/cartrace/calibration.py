"""Calibration of signal against cells: the weighted line, and the number of cells that a signal stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

Array = npt.NDArray[np.float64]

LEAST_SAMPLES = 3


@dataclass(frozen=True)
class Line:
    """Signal [%ID] = `intercept` [%ID] + `slope` [%ID/cell] * cells, with the covariance of its coefficients."""

    n_points: int
    slope: float
    slope_se: float
    intercept: float
    intercept_se: float
    covariance: float
    residual_rel_sd_frac: float
    min_cells: float
    max_cells: float

    @property
    def df(self) -> int:
        """Degrees of freedom of the residual scatter."""
        return self.n_points - 2

    def cells_se(self, cells: Array) -> Array:
        """Return what the line alone makes a number of cells uncertain by (F37)."""
        variance = self.intercept_se**2 + cells**2 * self.slope_se**2 + 2.0 * cells * self.covariance
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)) / abs(self.slope))

    @property
    def intercept_p(self) -> float:
        """Two-sided p value of the intercept being zero, by Student's t (F37)."""
        if self.intercept_se == 0.0:
            return float(self.intercept == 0.0)
        return float(2.0 * special.stdtr(self.df, -abs(self.intercept / self.intercept_se)))


def t_quantile(probability: float, df: Array | float) -> Array:
    """Return the quantile of Student's t distribution, NaN without a degree of freedom."""
    freedom = np.asarray(df, dtype=float)
    return np.asarray(np.where(freedom > 0, special.stdtrit(np.where(freedom > 0, freedom, 1.0), probability), np.nan))


def weighable(cells: Array, signal_pct_id: Array) -> npt.NDArray[np.bool_]:
    """Return which samples can carry a weight of 1 / signal**2: those with cells and a positive signal."""
    return np.asarray((cells > 0.0) & (signal_pct_id > 0.0))


def fit_line(cells: Array, signal_pct_id: Array) -> Line:
    """Fit the line of signal on cells with weights 1 / signal**2 and a free intercept (F37).

    Parameters
    ----------
    cells : Array, shape (n,)
        Cells in each sample, at least two different numbers.
    signal_pct_id : Array, shape (n,)
        Net uptake of each sample [%ID], positive.

    Returns
    -------
    Line

    Raises
    ------
    ValueError
        Fewer than three samples, or all with the same number of cells.

    Notes
    -----
    Weighted least squares: the standard deviation of a sample is a constant fraction of its signal, and the fraction is
    estimated from the residuals with n - 2 degrees of freedom (Draper & Smith 1998, chapter 9,
    doi:10.1002/9781118625590).
    """
    if cells.size < LEAST_SAMPLES or np.unique(cells).size < 2:
        raise ValueError("a line needs three samples with at least two different numbers of cells")
    # ASSUME: the error of a calibration sample is proportional to its signal.
    unit = float(cells.max())
    design = np.stack([np.ones_like(cells), cells / unit], axis=1) / signal_pct_id[:, None]
    inverse = np.linalg.inv(design.T @ design)
    intercept, slope = inverse @ design.T @ np.ones_like(cells)
    residual = 1.0 - design @ np.array([intercept, slope])
    scatter = float(np.sqrt(residual @ residual / (cells.size - 2)))
    covariance = inverse * scatter**2
    return Line(
        n_points=int(cells.size),
        slope=float(slope / unit),
        slope_se=float(np.sqrt(covariance[1, 1]) / unit),
        intercept=float(intercept),
        intercept_se=float(np.sqrt(covariance[0, 0])),
        covariance=float(covariance[0, 1] / unit),
        residual_rel_sd_frac=scatter,
        min_cells=float(cells.min()),
        max_cells=unit,
    )


def log_log_slope(cells: Array, signal_pct_id: Array, *, confidence: float = 0.95) -> tuple[float, float, float]:
    """Return the slope of log signal on log cells with its limits; 1 where the signal is proportional to the cells.

    Parameters
    ----------
    cells, signal_pct_id : Array, shape (n,)
        Positive, at least three samples with two different numbers of cells.
    confidence : float
        Level of the interval.

    Returns
    -------
    tuple of float
        Slope, lower and upper limit (t with n - 2 degrees of freedom).
    """
    x = np.log(cells) - np.log(cells).mean()
    y = np.log(signal_pct_id) - np.log(signal_pct_id).mean()
    slope = float(x @ y / (x @ x))
    df = cells.size - 2
    residual = y - slope * x
    se = float(np.sqrt(residual @ residual / df / (x @ x)))
    half = float(t_quantile(0.5 + confidence / 2.0, df)) * se
    return slope, slope - half, slope + half


def cells_of(net_pct_id: Array, line: Line) -> Array:
    """Return the number of cells of a net signal by inverse prediction; it may be negative."""
    return (net_pct_id - line.intercept) / line.slope


def fieller(
    net_pct_id: Array, net_pct_id_se: Array, net_df: Array, line: Line, *, confidence: float
) -> tuple[Array, Array]:
    r"""Return the limits of the number of cells by Fieller's theorem (F37).

    Parameters
    ----------
    net_pct_id, net_pct_id_se : Array, shape (n,)
        Net signal and its standard uncertainty [%ID], all layers: what the calibration shares with the measurement
        is not known, so that nothing is taken to cancel.
    net_df : Array, shape (n,)
        Degrees of freedom of that uncertainty, infinite where it is known.
    line : Line
        The calibration.
    confidence : float
        Level of the interval.

    Returns
    -------
    tuple of Array
        Lower and upper limit; NaN where the set is not an interval (the slope does not differ from 0) or the
        uncertainty is missing.

    Notes
    -----
    All ratios q with ``(a - q b)**2 <= t**2 (var_a - 2 q cov_ab + q**2 var_b)``, ``a = net - intercept``,
    ``b = slope`` (Fieller 1954, doi:10.1111/j.2517-6161.1954.tb00159.x). The degrees of freedom of t are those of the
    two variances together at the estimate, after Welch and Satterthwaite (doi:10.2307/3002019).
    """
    numerator = net_pct_id - line.intercept
    q = numerator / line.slope
    of_net = net_pct_id_se**2
    of_line = np.maximum(line.intercept_se**2 + 2.0 * q * line.covariance + (q * line.slope_se) ** 2, 0.0)
    df = (of_net + of_line) ** 2 / (of_net**2 / net_df + of_line**2 / line.df)
    t_squared = t_quantile(0.5 + confidence / 2.0, df) ** 2
    square = line.slope**2 - t_squared * line.slope_se**2
    middle = numerator * line.slope + t_squared * line.covariance
    constant = numerator**2 - t_squared * (of_net + line.intercept_se**2)
    half = np.sqrt(np.maximum(middle**2 - square * constant, 0.0))
    bounded = np.where(square > 0.0, square, np.nan)
    return (middle - half) / bounded, (middle + half) / bounded
