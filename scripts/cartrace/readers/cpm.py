"""What a counter's own rate (CPM) was corrected for, found out from the counts beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEW_COUNTS = 1_000.0
FEWEST_TUBES = 8
_SURE_DEAD_TIME_S = 2e-7
_SURE_BACKGROUND_CPS = 0.05
_NEAR_START_S = 60.0


@dataclass(frozen=True)
class State:
    """What a column of CPM was found to be.

    Parameters
    ----------
    decay : str
        raw, corrected, odd (neither), unclear (the run is too short to tell), unknown (too few tubes with counts).
    reference_s : float
        Instant of the decay correction after the start of the run [s].
    dead_time_s, background_cps : float
        Dead time [s] and background [1/s] that it is corrected for; about 0 where it is not.
    words : str
        One sentence for the report.
    """

    decay: str
    words: str
    reference_s: float = np.nan
    dead_time_s: float = 0.0
    background_cps: float = 0.0

    def contradicts(self, declared: str) -> bool:
        """Return whether this cannot be what the config declares: raw, net, run_start."""
        is_decayed = self.decay in ("corrected", "odd")
        if declared == "raw":
            is_net = self.dead_time_s > _SURE_DEAD_TIME_S or self.background_cps > _SURE_BACKGROUND_CPS
            return is_decayed or (self.decay == "raw" and is_net)
        if declared == "net":
            return is_decayed
        elsewhere = self.decay == "corrected" and abs(self.reference_s) >= _NEAR_START_S
        return declared == "run_start" and (self.decay in ("raw", "odd") or elsewhere)


def state(
    elapsed_s: NDArray[np.float64],
    count_s: NDArray[np.float64],
    counts: NDArray[np.float64],
    cpm: NDArray[np.float64],
    *,
    decay_constant_per_s: float,
) -> State:
    """Find out what a column of CPM is.

    Parameters
    ----------
    elapsed_s : ndarray, shape (n,)
        Middle of each count after the start of the run [s].
    count_s : ndarray, shape (n,)
        Duration of each count [s].
    counts, cpm : ndarray, shape (n,)
        Gross counts, and the counter's rate [1/min].
    decay_constant_per_s : float
        λ of the window's nuclide [1/s].

    Returns
    -------
    State
        What it is corrected for.

    Notes
    -----
    With the gross rate g = counts / count_s, the counter writes CPM = 60 (g (1 + τ g) − b) exp(s t + a). Then
    y = ln(CPM count_s / (60 counts)) = ln(1 + τ g − b / g) + s t + a, fitted by least squares over the tubes with many
    counts. A slope s of 0 means no decay correction, a slope of λ a correction to the instant −a / λ.
    """
    used = (counts >= FEW_COUNTS) & (cpm > 0) & (count_s > 0) & np.isfinite(elapsed_s)
    if used.sum() < FEWEST_TUBES:
        few = f"{int(used.sum())} of at least {FEWEST_TUBES}"
        return State(
            "unknown",
            f"what CPM is corrected for cannot be told ({few} tubes with {FEW_COUNTS:.0f} counts); counts were used",
        )
    rate, elapsed = counts[used] / count_s[used], elapsed_s[used]
    ratio = np.log(cpm[used] / (60.0 * rate))
    dead_time_s, background_cps, slope, intercept, slope_se = _fit(rate, elapsed, ratio)
    tolerance = 0.05 * decay_constant_per_s + 3.0 * slope_se
    measured = f"slope {slope:.2e} 1/s, lambda {decay_constant_per_s:.2e} 1/s"
    is_raw, is_corrected = abs(slope) <= tolerance, abs(slope - decay_constant_per_s) <= tolerance
    reference_s = np.nan
    if is_raw and is_corrected:
        decay, said = "unclear", f"cannot be told to be decay-corrected or not, the run is too short ({measured})"
    elif is_corrected:
        reference_s = -intercept / slope
        decay, said = "corrected", f"is decay-corrected to {_reference(reference_s)} ({measured})"
    elif is_raw:
        decay, said = "raw", f"is not decay-corrected ({measured})"
    else:
        decay, said = "odd", f"is corrected in a way that is not understood ({measured})"
    words = f"CPM {said}, {_rest(dead_time_s, background_cps)}; counts were used"
    return State(decay, words, reference_s, dead_time_s, background_cps)


def _fit(
    rate: NDArray[np.float64], elapsed_s: NDArray[np.float64], ratio: NDArray[np.float64]
) -> tuple[float, float, float, float, float]:
    """Return dead time [s], background [1/s], slope [1/s], intercept, and the slope's standard error."""
    scale = max(float(np.ptp(elapsed_s)), 1.0)
    parameters = np.zeros(4)
    for _ in range(12):
        inner = np.maximum(1.0 + 1e-6 * parameters[0] * rate - parameters[1] / rate, 1e-3)
        residual = ratio - (np.log(inner) + parameters[2] * elapsed_s / scale + parameters[3])
        jacobian = np.column_stack([1e-6 * rate / inner, -1.0 / (rate * inner), elapsed_s / scale, np.ones_like(rate)])
        parameters = parameters + np.linalg.lstsq(jacobian, residual, rcond=None)[0]
    variance = float(residual @ residual) / max(len(rate) - 4, 1)
    slope_se = float(np.sqrt(variance * np.linalg.pinv(jacobian.T @ jacobian)[2, 2])) / scale
    return (
        float(parameters[0]) * 1e-6,
        float(parameters[1]),
        float(parameters[2]) / scale,
        float(parameters[3]),
        slope_se,
    )


def _reference(instant_s: float) -> str:
    """Return the instant of the correction [s after the start of the run] in words."""
    if abs(instant_s) < _NEAR_START_S:
        return "the start of the run"
    return f"{abs(instant_s) / 60.0:.0f} min {'after' if instant_s > 0 else 'before'} the start of the run"


def _rest(dead_time_s: float, background_cps: float) -> str:
    dead = (
        f"dead-time corrected ({1e6 * dead_time_s:.1f} µs)"
        if dead_time_s > _SURE_DEAD_TIME_S
        else "not dead-time corrected"
    )
    ground = (
        f"background-subtracted ({60.0 * background_cps:.0f} cpm)"
        if background_cps > _SURE_BACKGROUND_CPS
        else "not background-subtracted"
    )
    return f"{dead}, {ground}"
