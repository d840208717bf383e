"""A study that is simulated, and the plan that is made with it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cartrace.config.section import Name, Section


class SimulatedGroup(Section):
    """Truth of one simulated group."""

    name: Annotated[Name, Field(description="Name of a group of the config")]
    has_reporter: Annotated[bool, Field(description="Cells carry the reporter")] = True
    growth_rate_per_day: Annotated[float, Field(ge=0, description="Median specific growth rate [1/day]")] = 0.0
    contraction_rate_per_day: Annotated[float, Field(gt=0, description="Median contraction rate [1/day]")] = 0.1
    peak_day: Annotated[float, Field(gt=0, description="Median day of the change to contraction")] = 10.0


class Simulation(Section):
    """A simulated study: how many mice, how often imaged, and the truth behind them."""

    output: Annotated[Name, Field(description="Folder that the simulated study is written to")] = "simulated"
    n_cohorts: Annotated[int, Field(ge=1, description="Cohorts")] = 2
    n_per_group: Annotated[int, Field(ge=1, description="Mice per group and cohort")] = 5
    days: Annotated[list[float], Field(min_length=1, description="Imaging days on the cell clock")] = [
        1.0,
        4.0,
        7.0,
        10.0,
        14.0,
        21.0,
    ]
    groups: Annotated[list[SimulatedGroup], Field(description="Truth by group")] = [
        SimulatedGroup(name="UTD", has_reporter=False),
        SimulatedGroup(name="NT", growth_rate_per_day=0.22, contraction_rate_per_day=0.12, peak_day=10.0),
        SimulatedGroup(name="CAR", growth_rate_per_day=0.45, contraction_rate_per_day=0.18, peak_day=10.0),
    ]
    between_mouse_sd: Annotated[float, Field(ge=0, description="Standard deviation of log parameters between mice")] = (
        0.15
    )
    cells_at_day_0: Annotated[float, Field(gt=0, description="Median number of cells in the region at day 0")] = 2.0e5
    uptake_pct_id_per_cell: Annotated[float, Field(gt=0, description="Signal per cell [%ID/cell]")] = 4.0e-7
    dose_kbq: Annotated[float, Field(gt=0, description="Activity in the full syringe [kBq]")] = 7400.0
    scan_delay_h: Annotated[float, Field(gt=0, description="Time from injection to scan [h]")] = 1.0
    imperfections: Annotated[
        bool,
        Field(description="A failed injection, a late scan, a late counting run, clocks that are off, an early death"),
    ] = True


class Plan(Section):
    """What is asked about a planned study, the one that the section simulation describes."""

    n_per_group: Annotated[
        list[Annotated[int, Field(ge=1)]], Field(min_length=1, description="Mice per group and cohort to compare")
    ] = [3, 5, 8, 12]
    n_studies: Annotated[int, Field(ge=10, description="Simulated studies for each number of mice")] = 400
    count_s: Annotated[float, Field(gt=0, description="Counting time of a tube [s]")] = 60.0
    count_delays_h: Annotated[
        list[Annotated[float, Field(ge=0)]],
        Field(min_length=1, description="Times from the end of a mouse to the count of its tubes [h]"),
    ] = [0.5, 2.0, 6.0, 12.0]
