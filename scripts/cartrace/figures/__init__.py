"""Every figure of a study, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cartrace.figures.agreement import agreement
from cartrace.figures.calibration import calibration
from cartrace.figures.comparison import primary_comparison
from cartrace.figures.data import Drawing, Study
from cartrace.figures.design import timeline
from cartrace.figures.instruments import counter_quality, dose_quality
from cartrace.figures.kinetics import expansion_fits, growth_parameters
from cartrace.figures.planning import cohort_forest, next_cohort, sensitivity
from cartrace.figures.readouts import readouts
from cartrace.figures.style import Preset
from cartrace.figures.timecourse import pet_timecourse
from cartrace.figures.tissues import biodistribution, ratios
from cartrace.figures.uncertainty import uncertainty


@dataclass(frozen=True)
class Plot:
    """A figure: its name, which is its file's, and what draws it."""

    name: str
    draw: Callable[[Study, Preset], Drawing]


PLOTS: tuple[Plot, ...] = (
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
    Plot("cohort_forest", cohort_forest),
    Plot("sensitivity", sensitivity),
    Plot("agreement", agreement),
    Plot("readouts", readouts),
    Plot("uncertainty", uncertainty),
    Plot("next_cohort", next_cohort),
)
