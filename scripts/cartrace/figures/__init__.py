"""Every figure of a study, by name: of what was measured and compared, and of what stands beside the comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cartrace.figures.agreement import agreement
from cartrace.figures.calibration import calibration
from cartrace.figures.comparison import primary_comparison
from cartrace.figures.data import Checks, Drawing, Study
from cartrace.figures.design import timeline
from cartrace.figures.instruments import counter_quality, dose_quality
from cartrace.figures.kinetics import expansion_fits, growth_parameters
from cartrace.figures.planning import cohort_forest, next_cohort, sensitivity
from cartrace.figures.readouts import readouts
from cartrace.figures.style import Preset
from cartrace.figures.timecourse import pet_timecourse
from cartrace.figures.tissues import biodistribution, ratios
from cartrace.figures.uncertainty import uncertainty

Tables = TypeVar("Tables")


@dataclass(frozen=True)
class Plot(Generic[Tables]):
    """A figure: its name, which is its file's, and what draws it from tables."""

    name: str
    draw: Callable[[Tables, Preset], Drawing]


PLOTS: tuple[Plot[Study], ...] = (
    Plot("timeline", timeline),
    Plot("counter_quality", counter_quality),
    Plot("dose_quality", dose_quality),
    Plot("biodistribution", biodistribution),
    Plot("ratios", ratios),
    Plot("pet_timecourse", pet_timecourse),
    Plot("calibration", calibration),
    Plot("expansion_fits", expansion_fits),
    Plot("growth_parameters", growth_parameters),
    Plot("primary_comparison", primary_comparison),
    Plot("agreement", agreement),
    Plot("readouts", readouts),
    Plot("uncertainty", uncertainty),
)
CHECKS: tuple[Plot[Checks], ...] = (
    Plot("cohort_forest", cohort_forest),
    Plot("sensitivity", sensitivity),
    Plot("next_cohort", next_cohort),
)
