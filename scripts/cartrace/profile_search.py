"""Search for the values of quantities whose best curves are worse by a given tau, each at its own pace.

All searches share one batch of descents. A search whose descent is done begins its next one at once, so that none waits
for the slowest.
"""

from __future__ import annotations

import numpy as np

from cartrace.descents import Descents
from cartrace.growth_curves import Array
from cartrace.held import Held

_MOST_WIDENINGS = 14
_MOST_STEPS = 40
_MOST_DESCENTS = 30
_SAME_BRANCH = 1e-4
_OTHER_RATE = 1.5  # on the log scale
_TOLERANCE = 1e-8
_ROUGH, _MOST_ROUGH = 1e-5, 25
_MOST_TAU = 100.0  # times its target
_UNWARY_SECANTS, _MOST_SECANTS, _JUMP_TOLERANCE = 8, 12, 1e-6
_WIDENING, _CROSSING, _LOOKING = range(3)


class Search:
    """The searches for the lower, then for the upper limit of each row of `held`.

    A search widens its bracket (`near`, `far`: distances from the best value) until `far` lies beyond the limit, closes
    it, and looks whether another branch of curves with the value found fits better. If so, the limit lies further out,
    and the search goes on with care: it takes the best of all branches at each value. So does one that tau leads astray
    because it jumps between branches.

    Parameters
    ----------
    held : Held
        The quantities.
    reach : Array, shape (k,)
        How far from the best value a limit is looked for.
    target : Array, shape (k,)
        What tau is at a limit.
    """

    def __init__(self, held: Held, reach: Array, target: Array) -> None:
        k = len(held.x)
        self.held, self.rows, self.side = held, np.tile(np.arange(k), 2), np.repeat([-1.0, 1.0], k)
        self.furthest, self.target = np.tile(reach, 2), np.tile(target, 2)
        self.near, self.far = np.zeros(2 * k), np.clip(np.tile(held.se * target, 2), 1e-9, self.furthest)
        self.at_near, self.at_far = -self.target, np.full(2 * k, np.nan)
        self.x_near, self.x_far = held.x[self.rows], held.x[self.rows]
        # Where tau was last taken, and the limit; whether the near or the far end was moved last.
        self.offset, self.found, self.kept = np.full(2 * k, np.nan), np.full(2 * k, np.nan), np.zeros(2 * k)
        self.stage, self.count = np.zeros(2 * k, dtype=int), np.zeros(2 * k, dtype=int)
        self.wary = np.zeros(2 * k, dtype=bool)
        # Several descents of each search, so that all branches are followed together: which were begun and go on.
        self.others = [(index, change) for index in held.rates for change in (-_OTHER_RATE, _OTHER_RATE)]
        ways = 2 + len(self.others)
        self.begun, self.active = (np.zeros((ways, 2 * k), dtype=bool) for _ in range(2))
        ends = (np.tile(held.lower, (2 * ways, 1)), np.tile(held.upper, (2 * ways, 1)))
        self.descents = Descents(self._objective, *ends)

    def limits(self) -> Array:
        """Return lower and upper limits, shape (2, k)."""
        every = np.arange(len(self.rows))
        self._descend(every, self.far, self.x_near)
        while self.active.any():
            slots = np.flatnonzero(self.active)
            done = slots[self.descents.advance(slots)]
            if done.size:
                self.active.ravel()[done] = False
                self._follow(np.unique(done % every.size))
        return np.asarray(self.held.middle + (self.side * self.found).reshape(2, -1))

    def _objective(self, x: Array, slots: np.ndarray) -> tuple[Array, Array, Array]:
        searches = slots % len(self.rows)
        rows = self.rows[searches]
        return self.held.objective(x, self.held.middle[rows] + self.offset[searches] * self.side[searches], rows)

    def _descend(self, searches: np.ndarray, offset: Array, start: Array) -> None:
        """Begin to look for the best curves with the value at an offset."""
        self.offset[searches] = offset
        self.begun[:, searches] = False
        self._begin(searches, 0, start[None], 1e-9, _MOST_DESCENTS)
        wary = searches[self.wary[searches]]
        if wary.size:
            starts = np.concatenate([self.x_near[None, wary], self._other_starts(wary)])
            self._begin(wary, 1, starts, 1e-9, _MOST_DESCENTS)

    def _other_starts(self, searches: np.ndarray) -> Array:
        starts = np.tile(self.held.x[self.rows[searches]], (len(self.others), 1, 1))
        for start, (index, change) in zip(starts, self.others, strict=True):
            start[:, index] += change
        return starts

    def _begin(self, searches: np.ndarray, way: int, starts: Array, tolerance: float, most_steps: int) -> None:
        """Begin descents from starts of shape (s, k, q), in as many ways from a first one on."""
        ways, size = np.arange(way, way + len(starts))[:, None], starts.shape[2]
        self.begun[ways, searches] = self.active[ways, searches] = True
        relative, absolute = (tolerance, 1e-26) if self.held.kind == "squares" else (0.0, tolerance)
        slots, flat = (ways * len(self.rows) + searches).ravel(), starts.reshape(-1, size)
        self.descents.begin(slots, flat, relative=relative, absolute=absolute, most_steps=most_steps)

    def _follow(self, searches: np.ndarray) -> None:
        """Let each search do what follows from its descents that are done."""
        searches = searches[~self.active[:, searches].any(axis=0)]
        stage = self.stage[searches]
        for number, step in enumerate((self._widened, self._closed, self._looked)):
            some = searches[stage == number]
            if some.size:
                step(some)

    def _outcome(self, searches: np.ndarray) -> tuple[Array, Array]:
        """Return tau less its target, and the curve, of the best of the descents of each search."""
        values = self.descents.value.reshape(self.active.shape)[:, searches]
        way = np.where(self.begun[:, searches] & ~np.isnan(values), values, np.inf).argmin(axis=0)
        slots = way * len(self.rows) + searches
        tau = self.held.tau(self.descents.value[slots], self.rows[searches])
        return tau - self.target[searches], self.descents.x[slots]

    def _widened(self, searches: np.ndarray) -> None:
        """Widen a bracket further, or begin to close it; no limit is found where the furthest value is not excluded."""
        at, x = self._outcome(searches)
        self.at_far[searches], self.x_far[searches] = at, x
        short = (at < 0.0) & (self.far[searches] < self.furthest[searches]) & (self.count[searches] < _MOST_WIDENINGS)
        self.found[searches] = np.nan
        self._close(searches[at >= 0.0], begins=True)
        some, at, x = searches[short], at[short], x[short]
        self.count[some] += 1
        self.near[some], self.at_near[some], self.x_near[some] = self.far[some], at, x
        # As far as a straight line through the last root points, and half as far again.
        target = self.target[some]
        ratio = 1.5 * target / np.maximum(at + target, 1e-3 * target)
        self.far[some] = np.minimum(self.far[some] * np.clip(ratio, 1.3, 4.0), self.furthest[some])
        self._descend(some, self.far[some], x)

    def _close(self, searches: np.ndarray, *, begins: bool = False) -> None:
        """Take tau between the ends of a bracket (Illinois rule)."""
        if begins:
            self.stage[searches], self.count[searches], self.kept[searches] = _CROSSING, 0, 0.0
        near, far, at_far = self.near[searches], self.far[searches], self.at_far[searches]
        width, drop = far - near, at_far - self.at_near[searches]
        # Halved where tau jumps to another branch of curves within the bracket, and where it is beyond sense far out.
        halved = (self.count[searches] >= _MOST_SECANTS) | ~(at_far < _MOST_TAU * self.target[searches])
        secant = far - np.where(halved, 0.0, at_far) * width / np.where(drop > 0.0, drop, 1.0)
        middle = np.where(halved, near + 0.5 * width, secant)
        share = ((middle - near) / np.where(width > 0.0, width, 1.0))[:, None]
        x_near = self.x_near[searches]
        self._descend(searches, middle, x_near + share * (self.x_far[searches] - x_near))

    def _closed(self, searches: np.ndarray) -> None:
        """Move an end of a bracket, and go on or look for another branch."""
        at, x = self._outcome(searches)
        middle, last = self.offset[searches], self.found[searches]
        above = at > 0.0
        up, down = searches[above], searches[~above]
        self.far[up], self.at_far[up], self.x_far[up] = middle[above], at[above], x[above]
        self.near[down], self.at_near[down], self.x_near[down] = middle[~above], at[~above], x[~above]
        self.at_near[up[self.kept[up] > 0.0]] *= 0.5
        self.at_far[down[self.kept[down] < 0.0]] *= 0.5
        self.kept[up], self.kept[down] = 1.0, -1.0
        far = self.far[searches]
        # Where rounding of the descents keeps tau from its target, the place has settled before.
        still = np.abs(middle - last) < 0.1 * _TOLERANCE * far
        enough = np.where(self.count[searches] >= _MOST_SECANTS, _JUMP_TOLERANCE, _TOLERANCE)
        tight = (np.abs(at) < _TOLERANCE * self.target[searches]) | (far - self.near[searches] < enough * far) | still
        self.found[searches] = middle
        self.count[searches] += 1
        tight |= self.count[searches] >= _MOST_STEPS
        self._look(searches[tight & ~self.wary[searches]])
        lost = ~tight & ~self.wary[searches] & (self.count[searches] >= _UNWARY_SECANTS) & bool(self.others)
        self._take_care(searches[lost])
        self._close(searches[~(tight | lost)])

    def _look(self, searches: np.ndarray) -> None:
        """Begin with other rates, so as to find other branches of curves with the same value."""
        self.stage[searches] = _LOOKING
        self.begun[:, searches] = False
        self._begin(searches, 2, self._other_starts(searches), _ROUGH, _MOST_ROUGH)

    def _looked(self, searches: np.ndarray) -> None:
        """Search further out where another branch of curves with the same value fits better."""
        at, x = self._outcome(searches)
        better = at < -_SAME_BRANCH * self.target[searches]
        some, found = searches[better], self.found[searches[better]]
        self.near[some], self.at_near[some], self.x_near[some] = found, -1e-3 * self.target[some], x[better]
        self.far[some] = np.minimum(1.3 * found, self.furthest[some])
        self._take_care(some)

    def _take_care(self, searches: np.ndarray) -> None:
        """Take the best of all branches from now on, at the far end of the bracket first."""
        self.wary[searches], self.stage[searches], self.count[searches] = True, _WIDENING, 0
        self._descend(searches, self.far[searches], self.x_near[searches])
