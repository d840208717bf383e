"""How counter and doses behaved: blanks, standards and dead time by run; doses, residuals, tails and routes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cartrace.clock import elapsed_s
from cartrace.figures import data, marks, style, words
from cartrace.figures.data import Drawing, Study
from cartrace.figures.style import Preset

PANEL_MM = 46.0
SECONDS_PER_MINUTE = 60.0


@dataclass(frozen=True)
class Panel:
    """One panel: what stands on its axes, its points, and the value that a perfect run would have."""

    name: str
    xlabel: str
    ylabel: str
    points: pd.DataFrame
    ideal: float = float("nan")
    log_x: bool = False


def counter_quality(study: Study, preset: Preset) -> Drawing:
    """Draw blanks, standards and dead time of each counter run against its course.

    Parameters
    ----------
    study : Study
        Uses `tube_activity`.
    preset : Preset
        The journal's preset.

    Returns
    -------
    Drawing
    """
    title = "Counter by run"
    tubes = study.tube_activity[study.tube_activity["gross_cps"].notna()]
    panels = [panel for panel in _counter_panels(tubes) if len(panel.points)] if len(tubes) else []
    if not panels:
        text = "No tube has a count rate."
        return Drawing(style.nothing(preset, text), title, text, text)
    figure = style.canvas(preset, width="double", height_mm=PANEL_MM)
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        _run_panel(axes, panel)
    runs = tubes[["cohort", "counter_file"]].drop_duplicates()
    caption = (
        f"{len(runs)} runs of the gamma counter, a line a run; each point is one tube. "
        "Background: blanks; standards: the rate of each, corrected for background, dead time and decay, over the "
        "run's median; dead time: share of the events that are lost. A drift within a run shows as a slope."
    )
    return Drawing(figure, title, caption, f"{title}: {_said(panels)}.", {panel.name: panel.points for panel in panels})


def _counter_panels(tubes: pd.DataFrame) -> list[Panel]:
    runs = ["cohort", "counter_file", "window"]
    first = tubes.groupby(runs)["counted_at"].transform("min")
    tubes = tubes.assign(minute=elapsed_s(first, tubes["counted_at"]) / SECONDS_PER_MINUTE)
    blanks = tubes[tubes["role"] == "blank"].assign(value=lambda frame: frame["gross_cps"])
    standards = tubes[tubes["role"] == "standard"]
    per = standards["standard_cps_per_g"].fillna(standards["standard_cps_per_kbq"])
    kind = np.where(standards["standard_cps_per_g"].notna(), "weighed", "calibrator")
    standards = standards.assign(per=per, kind=kind)
    middle = standards.groupby([*runs, "kind"])["per"].transform("median")
    standards = standards.assign(value=100.0 * standards["per"] / middle)
    busy = tubes.assign(value=100.0 * (1.0 - 1.0 / tubes["dead_time_factor"]))
    busy = busy[busy["role"].isin(["tissue", "standard", "tail"]) & (busy["gross_cps"] > 0)]
    columns = [*runs, "rack", "position", "role", "minute", "gross_cps", "value"]
    shown = [frame.loc[frame["value"].notna(), columns] for frame in (blanks, standards, busy)]
    time = "Time in the run (min)"
    return [
        Panel("background", time, "Blank (counts per second)", shown[0]),
        Panel("standards", time, "Standard (% of median)", shown[1], ideal=100.0),
        Panel("dead_time", "Gross rate (counts per second)", "Dead-time loss (%)", shown[2], log_x=True),
    ]


def _run_panel(axes: Axes, panel: Panel) -> None:
    x = "gross_cps" if panel.log_x else "minute"
    for index, (_, run) in enumerate(panel.points.groupby(["cohort", "counter_file", "window"], sort=True)):
        course = run.sort_values([x, "position"], kind="stable")
        marker = style.MARKERS[index % len(style.MARKERS)]
        line = "" if panel.log_x else "-"
        axes.plot(
            course[x], course["value"], marker=marker, markersize=2.2, linestyle=line, linewidth=0.4, color="#555555",
            markeredgewidth=0.0, label="_run",
        )  # fmt: skip
    if np.isfinite(panel.ideal):
        axes.axhline(panel.ideal, color="#999999", linewidth=0.5, zorder=1)
    if panel.log_x:
        low, high = style.log_limits(list(panel.points[x]))
        style.log_axis(axes.xaxis, low=low, high=high, most_ticks=4)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel(panel.xlabel)
    axes.set_ylabel(panel.ylabel)


def dose_quality(study: Study, preset: Preset) -> Drawing:
    """Draw the net doses, residuals, tails, the routes' ratio and the recovered activity of each injection.

    Parameters
    ----------
    study : Study
        Uses `dose_activity`, `uptake`.
    preset : Preset
        The journal's preset.

    Returns
    -------
    Drawing
    """
    title = "Doses by session"
    panels = [panel for panel in _dose_panels(study) if len(panel.points)]
    if not panels:
        text = "No injection has a dose."
        return Drawing(style.nothing(preset, text), title, text, text)
    n_rows, columns = marks.grid(len(panels), most_columns=3)
    figure = style.canvas(preset, width="double", height_mm=10 + PANEL_MM * n_rows)
    axes_of = figure.subplots(n_rows, columns, squeeze=False).ravel()
    for axes in axes_of[len(panels) :]:
        axes.set_axis_off()
    points = pd.concat([panel.points for panel in panels])
    groups = [group for group in study.groups if (points["group"] == group.name).any()]
    for axes, panel in zip(axes_of, panels, strict=False):
        _session_panel(axes, panel, groups)
    marks.key(figure, groups, below=False, excluded=bool(points["excluded"].any()), style=preset)
    caption = " ".join(
        [
            "Each point is one injection of one mouse, by session. Residual and tail in percent of the full syringe",
            "and of the gross dose; standard over calibrator: the dose by weighed standards over that by the",
            "calibrator, 1 where both agree; recovered: sum of all counted tissues of a mouse, which holds what was",
            "not excreted and was dissected.",
            words.key_of_groups(groups, points),
            words.marks(points.assign(is_below_detection=False)),
        ]
    )
    return Drawing(
        figure, title, words.tidy(caption), f"{title}: {_said(panels)}.", {panel.name: panel.points for panel in panels}
    )


def _dose_panels(study: Study) -> list[Panel]:
    doses = study.dose_activity.merge(study.animals[[*data.MOUSE, "group"]], on=data.MOUSE, how="left", sort=False)
    residual = 100.0 * doses["residual_at_injection_kbq"] / doses["full_at_injection_kbq"]
    sums = study.uptake[(study.uptake["modality"] == "counter") & (study.uptake["status"] == "ok")]
    key = [*data.MOUSE, "session"]
    recovered = sums.groupby(key, sort=True)["uptake_pct_id"].sum().rename("recovered").reset_index()
    doses = doses.merge(recovered, on=key, how="left", sort=False)
    unit = study.label.removesuffix("/g")
    wanted = (
        ("net_dose", "Net dose (MBq)", doses["net_injected_kbq"] / 1000.0, np.nan),
        ("residual", "Residual (% of full)", residual, np.nan),
        ("tail", "Tail (% of gross)", doses["tail_pct"], np.nan),
        ("routes", "Standard / calibrator", doses["route_ratio"], 1.0),
        ("recovered", f"Recovered ({unit})", doses["recovered"], np.nan),
    )
    columns = [*key, "group", "value", "excluded", "exclusion_reason"]
    found = []
    for name, label, values, ideal in wanted:
        points = doses.assign(value=values)
        found.append(Panel(name, "Session", label, points.loc[points["value"].notna(), columns], ideal=ideal))
    return found


def _session_panel(axes: Axes, panel: Panel, groups: list[style.Group]) -> None:
    sessions = sorted(panel.points["session"].unique())
    place = {session: index for index, session in enumerate(sessions)}
    width = 0.8 / len(groups)
    for index, group in enumerate(groups):
        some = panel.points[panel.points["group"] == group.name]
        if some.empty:
            continue
        values = some["value"].to_numpy(dtype=float)
        at = np.array([place[session] for session in some["session"]], dtype=float)
        for session in some["session"].unique():
            here = (some["session"] == session).to_numpy()
            at[here] += marks.spread(values[here], width=0.8 * width)
        at += (index - (len(groups) - 1) / 2) * width
        excluded = some["excluded"].to_numpy(dtype=bool)
        none = np.zeros(len(some), dtype=bool)
        marks.mice(axes, at, values, group=group, excluded=excluded, below=none, who=some, area=3.5)
    if np.isfinite(panel.ideal):
        axes.axhline(panel.ideal, color="#999999", linewidth=0.5, zorder=1)
    every = -(-len(sessions) // 8)
    axes.set_xticks(range(0, len(sessions), every), [_short(name) for name in sessions[::every]])
    axes.set_xlim(-0.6, len(sessions) - 0.4)
    if np.isnan(panel.ideal):
        axes.set_ylim(bottom=0)
    axes.set_xlabel(panel.xlabel)
    axes.set_ylabel(panel.ylabel)


def _short(name: str) -> str:
    return name if len(name) <= 6 else f"{name[:5]}…"


def _said(panels: list[Panel]) -> str:
    """Return what the panels show, in numbers."""
    number: Callable[[float], str] = words.number
    parts = []
    for panel in panels:
        values = panel.points["value"]
        parts.append(
            f"{panel.ylabel}: median {number(float(values.median()))}, {number(float(values.min()))} to "
            f"{number(float(values.max()))}, {len(values)} points"
        )
    return "; ".join(parts)
