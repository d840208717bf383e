"""The mice of one fit at group level: their points, where a fit of each begins, and which group each is of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cartrace.censoring import Points
from cartrace.expansion import Study
from cartrace.fitting import fit
from cartrace.growth import BY_NAME, Model
from cartrace.names import some_mice
from cartrace.population.model import Array, Population, Responses

LEAST_MICE = 3


@dataclass(frozen=True)
class Mice:
    """Mice of some groups.

    Parameters
    ----------
    model : Model
        What is fitted.
    points : Points
        Their points.
    own : Array, shape (m, p)
        Their own parameters; rows of NaN where a mouse could not be fitted by itself.
    group, cohort : ndarray of int, shape (m,)
        Numbers of their groups, in the order of `names`, and of their cohorts.
    names : tuple of str
        Groups, the reference first.
    """

    model: Model
    points: Points
    own: Array
    group: npt.NDArray[np.intp]
    cohort: npt.NDArray[np.intp]
    names: tuple[str, ...]

    @property
    def tested(self) -> int:
        """Number of the parameter that groups are tested in: the growth rate, or the first rate there is."""
        names = [parameter.name for parameter in self.model.parameters]
        rates = [index for index, parameter in enumerate(self.model.parameters) if parameter.kind == "rate"]
        return names.index("growth_rate") if "growth_rate" in names else [*rates, 0][0]

    @property
    def responses(self) -> Responses:
        """The points as a population fit takes them."""
        some = self.points
        first = np.where(some.used, some.day, np.inf).min(axis=1, keepdims=True)
        return Responses(
            np.where(some.used, some.day, first), some.log_response, some.used, some.censored, some.log_critical
        )

    def population(self, random: Sequence[int]) -> Population:
        """Return the mixed model in which some parameters vary between mice."""
        return Population(self.model.log_curve, self.model.gradient, tuple(random))

    def of(self, wanted: Sequence[int]) -> Mice:
        """Return the mice of some groups, which are numbered anew."""
        rows = np.flatnonzero(np.isin(self.group, wanted))
        number = {old: new for new, old in enumerate(wanted)}
        return Mice(
            self.model,
            self.points.rows(rows),
            self.own[rows],
            np.array([number[one] for one in self.group[rows]], dtype=np.intp),
            self.cohort[rows],
            tuple(self.names[one] for one in wanted),
        )

    def sizes(self) -> npt.NDArray[np.intp]:
        """Return the number of mice of each group."""
        return np.bincount(self.group, minlength=len(self.names))

    def objection(self) -> str:
        """Return why there is no fit at group level, or an empty text."""
        if self.points.error.name != "log_normal" or self.points.known_sd.any():
            return "groups are fitted with the log-normal error only (expansion.error_model, use_measurement_se)"
        fitted = np.isfinite(self.own).all(axis=1)
        for number, name in enumerate(self.names):
            count = int((fitted & (self.group == number)).sum())
            if count < LEAST_MICE:
                return f"{some_mice(count)} of group {name} with a fit of their own, {LEAST_MICE} are needed"
        return "" if self.names else "no mouse has a quantified point"


def mice_of(study: Study, order: Sequence[str]) -> Mice:
    """Return the mice of a study with a quantified point, in the order of its groups.

    Parameters
    ----------
    study : Study
        Fits of the single mice.
    order : sequence of str
        Groups, the reference first; those without mice are left out.
    """
    quantified = study.points.n_points - study.points.n_censored
    rows = np.flatnonzero((quantified > 0) & (not study.refusal))
    present = study.mice["group"].to_numpy(dtype=str)[rows]
    names = tuple(name for name in order if (present == name).any())
    # A mouse of a group that is in no order would have no number.
    rows = rows[np.isin(present, names)]
    some = study.mice.iloc[rows]
    group = np.array([names.index(name) for name in some["group"]], dtype=np.intp)
    cohort = np.unique(some["cohort"].to_numpy(dtype=str), return_inverse=True)[1]
    own = _own(study, rows)
    return Mice(study.model, study.points.rows(rows), own, group, cohort.astype(np.intp), names)


def _own(study: Study, rows: npt.NDArray[np.intp]) -> Array:
    own = np.full((len(study.mice), study.model.n_parameters), np.nan)
    sound = study.fit.converged & ~study.fit.at_limit.any(axis=1)
    own[study.rows[sound]] = study.fit.theta[sound]
    return _of_smaller(study.model, study.points.rows(rows)) if study.model.is_for_groups else own[rows]


def _of_smaller(model: Model, points: Points) -> Array:
    """Return starts of the curve with a persistent phase from fits of the one without."""
    smaller = BY_NAME["expansion_contraction"]
    own = np.full((len(points.day), model.n_parameters), np.nan)
    enough = np.flatnonzero(points.n_points - points.n_censored > smaller.n_parameters)
    found = fit(smaller, points.rows(enough))
    sound = found.converged & ~found.at_limit.any(axis=1)
    own[enough[sound]] = np.insert(found.theta[sound], [3, 3], 0.0, axis=1)
    return own
