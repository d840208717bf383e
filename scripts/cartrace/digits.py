"""Digits of numbers that were written by hand: the last one should fall on each of the ten equally often."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cartrace.decay import Floats

# Five of each digit, as chi-squared wants.
LEAST = 50
# A last digit is even over the ten only where values spread over several tens of it, and where it is not among the
# first two digits.
_LEAST_SPREAD = 20.0
_LEAST_FIGURES = 3
# A few values with one more digit, such as means of two readings, do not make it the last one.
_LEAST_SHARE = 0.05


def last_digits(values: pd.Series) -> Floats:
    """Return how often each of the ten digits is the last one.

    Parameters
    ----------
    values : Series
        Numbers as they were typed, in a unit that differs by a power of ten at most (a nanocurie shuffles digits, but
        keeps them apart).

    Returns
    -------
    ndarray, shape (10,)
        Counts over the values of every decade, each at the resolution of its own decade; a spreadsheet drops zeros at
        the end, so that the resolution is that of the values with most decimals. Nothing of a decade whose values lie
        too close together, or have fewer than three figures.
    """
    tally = np.zeros(10)
    known = values[np.isfinite(values) & (values > 0.0)]
    decades = np.floor(np.log10(known.to_numpy(dtype=np.float64))).astype(int)
    for decade in np.unique(decades):
        own = known.to_numpy(dtype=np.float64)[decades == decade]
        decimals = np.array([_decimals(value) for value in own])
        resolution = int(np.sort(decimals)[::-1][int(_LEAST_SHARE * len(own))])
        typed = np.rint(own[decimals <= resolution] * 10.0**resolution)
        if resolution + decade + 1 >= _LEAST_FIGURES and np.ptp(typed) >= _LEAST_SPREAD:
            tally += np.bincount(typed.astype(np.int64) % 10, minlength=10)
    return tally


def _decimals(value: float) -> int:
    """Return the decimals of a number, below 0 where it ends in zeros; ten figures are what a conversion leaves."""
    figures, exponent = f"{value:.9e}".split("e")
    return len(figures.rstrip("0").split(".")[1]) - int(exponent)


def uniform_p(tally: Floats) -> float:
    """Return how likely digits are at least as uneven where all are equally frequent; NaN of too few.

    Parameters
    ----------
    tally : ndarray, shape (10,)
        Counts of the digits.

    Notes
    -----
    Pearson's chi-squared with 9 degrees of freedom.

    References
    ----------
    Mosimann JE, Wiseman CV, Edelman RE. Account Res 1995;4:31-55.
    """
    from scipy.special import chdtrc  # here, since little else of this stage needs scipy

    n = float(tally.sum())
    if n < LEAST:
        return float("nan")
    return float(chdtrc(9.0, ((tally - n / 10.0) ** 2).sum() / (n / 10.0)))
