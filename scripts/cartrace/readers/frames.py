"""Frames of a scan, where an export has their middles alone."""

from __future__ import annotations


def frames_of_midpoints(mids: list[float]) -> list[tuple[float, float]] | None:
    """Return start and duration of frames that follow each other from 0 and have these midpoints.

    Parameters
    ----------
    mids : list of float, length n
        Middle of every frame [s], rising.

    Returns
    -------
    list of (float, float) or None
        Start and duration [s]; None where no such frames exist. A single midpoint at 0 is an export without times.

    Notes
    -----
    start₀ = 0, duration_i = 2 (mid_i − start_i), start_{i+1} = start_i + duration_i.
    """
    if mids == [0.0]:
        return [(0.0, 0.0)]
    # ASSUME: frames of an export with mid-frame times only follow each other from the start of the scan.
    frames, start = [], 0.0
    for mid in mids:
        duration = 2.0 * (mid - start)
        if not duration > 0:
            return None
        frames.append((start, duration))
        start += duration
    return frames
