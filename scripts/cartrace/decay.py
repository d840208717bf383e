"""Radioactive decay: factors between instants, over a count or frame, and what the half-life's uncertainty does.

All functions work element by element on arrays that broadcast. Times are on one clock, in seconds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def decay_constant_per_s(half_life_s: ArrayLike) -> Floats:
    """Return the decay constant [1/s].

    Parameters
    ----------
    half_life_s : array_like
        Half-life [s].

    Returns
    -------
    ndarray
        Decay constant [1/s].

    Notes
    -----
    ``ln 2 / half_life_s``.
    """
    return np.float64(np.log(2.0)) / np.asarray(half_life_s, dtype=np.float64)


def decay_factor(elapsed_s: ArrayLike, half_life_s: ArrayLike) -> Floats:
    """Return what is left of an activity after some time; divide by it to go back.

    Parameters
    ----------
    elapsed_s : array_like
        Elapsed time [s]; negative gives the factor to an earlier instant.
    half_life_s : array_like
        Half-life [s].

    Returns
    -------
    ndarray
        Activity after over activity before.

    Notes
    -----
    ``exp(-ln 2 · elapsed_s / half_life_s)`` (F2).
    """
    return np.exp(-decay_constant_per_s(half_life_s) * np.asarray(elapsed_s, dtype=np.float64))


def in_count_factor(duration_s: ArrayLike, half_life_s: ArrayLike) -> Floats:
    """Return the factor from the mean rate over a count to the rate at its start.

    Parameters
    ----------
    duration_s : array_like
        Duration of the count or frame [s], at least 0.
    half_life_s : array_like
        Half-life [s].

    Returns
    -------
    ndarray
        Factor, at least 1; exactly 1 for a duration of 0.

    Notes
    -----
    ``x / (1 - exp(-x))`` with ``x = ln 2 · duration_s / half_life_s`` (F3). Written with ``expm1``, so that it keeps
    all digits where the count is short against the half-life.

    References
    ----------
    Markiewicz et al., Neuroinformatics 2018;16:95-115, doi:10.1007/s12021-017-9352-y (NiftyPET).
    """
    x = decay_constant_per_s(half_life_s) * np.asarray(duration_s, dtype=np.float64)
    lost = -np.expm1(-x)
    return np.asarray(np.divide(x, lost, out=np.where(x == 0.0, 1.0, x), where=x != 0.0), dtype=np.float64)


def frame_to_injection_factor(frame_start_s: ArrayLike, frame_duration_s: ArrayLike, half_life_s: ArrayLike) -> Floats:
    """Return the factor from the mean activity over a frame to the activity at injection.

    Parameters
    ----------
    frame_start_s : array_like
        Start of the frame after injection [s].
    frame_duration_s : array_like
        Duration of the frame [s].
    half_life_s : array_like
        Half-life [s].

    Returns
    -------
    ndarray
        Factor.

    Notes
    -----
    ``in_count_factor(frame_duration_s) · exp(λ · frame_start_s)`` (F4). A scanner's own factor is reproduced to 5e-6:
    dcm2niix issue 983, F-18, frame of 1200 s that starts 2999 s after the series, 1.45951.
    """
    return in_count_factor(frame_duration_s, half_life_s) / decay_factor(frame_start_s, half_life_s)


def effective_time_s(start_s: ArrayLike, duration_s: ArrayLike, half_life_s: ArrayLike) -> Floats:
    """Return the instant at which the decaying rate equals its mean over a count or frame [s].

    Parameters
    ----------
    start_s : array_like
        Start [s].
    duration_s : array_like
        Duration [s].
    half_life_s : array_like
        Half-life [s].

    Returns
    -------
    ndarray
        Instant on the clock of `start_s` [s]; a little before the middle.

    Notes
    -----
    ``start_s + ln(in_count_factor) / λ`` (F5), as DICOM defines the frame reference time (0054,1300).
    """
    delay_s = np.log(in_count_factor(duration_s, half_life_s)) / decay_constant_per_s(half_life_s)
    return np.asarray(start_s, dtype=np.float64) + delay_s


def half_life_rel_se(elapsed_s: ArrayLike, half_life_s: ArrayLike, half_life_se_s: ArrayLike) -> Floats:
    """Return the relative uncertainty that the half-life adds to a correction over some time.

    Parameters
    ----------
    elapsed_s : array_like
        Time over which the correction does not cancel [s], of either sign.
    half_life_s, half_life_se_s : array_like
        Half-life and its standard uncertainty [s].

    Returns
    -------
    ndarray
        Relative standard uncertainty.

    Notes
    -----
    ``λ · |elapsed_s| · half_life_se_s / half_life_s`` (F6).
    """
    relative = np.asarray(half_life_se_s, dtype=np.float64) / np.asarray(half_life_s, dtype=np.float64)
    return decay_constant_per_s(half_life_s) * np.abs(np.asarray(elapsed_s, dtype=np.float64)) * relative
