"""PET over the days since the cells: a thin line per mouse, the groups' geometric means, the critical level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from cartrace.figures import data, marks, style, words
from cartrace.figures.data import Drawing, Study
from cartrace.figures.style import Group, Preset

MOST_PANELS = 6
PANEL_MM = 48.0
UNITS = {"uptake_pct_id_per_g": "%ID/g", "uptake_pct_id_per_ml": "%ID/mL", "uptake_pct_id": "%ID"}


@dataclass(frozen=True)
class Panel:
    """One region and quantity over time."""

    title: str
    ylabel: str
    points: pd.DataFrame
    means: pd.DataFrame
    levels: pd.DataFrame


def pet_timecourse(study: Study, preset: Preset) -> Drawing:
    """Draw uptake by PET of every region over the cell clock, and the cells of the followed region.

    Parameters
    ----------
    study : Study
        Uses `uptake`, `cells`, `summaries`.
    preset : Preset
        The journal's preset.

    Returns
    -------
    Drawing
    """
    title = "PET over time"
    scans = data.rows(study.uptake, modality="pet", status="ok")
    scans = scans[scans["cell_day"].notna()]
    if scans.empty:
        text = "No scan gives an uptake."
        return Drawing(style.nothing(preset, text), title, text, text)
    regions = data.order_regions(scans, study.region, "uptake_pct_id_per_ml")
    panels = [_uptake_panel(study, scans[scans["region"] == region], region) for region in regions]
    response = _response_panel(study)
    if response is not None:
        panels.insert(1, response)
    shown, hidden = panels[:MOST_PANELS], [panel.title for panel in panels[MOST_PANELS:]]
    points = pd.concat([panel.points for panel in shown])
    groups = [group for group in study.groups if (points["group"] == group.name).any()]
    n_rows, n_columns = marks.grid(len(shown), most_columns=3)
    figure = style.canvas(preset, width="double" if n_columns > 1 else "single", height_mm=10 + PANEL_MM * n_rows)
    cells = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for axes in cells[len(shown) :]:
        axes.set_axis_off()
    for axes, panel in zip(cells, shown, strict=False):
        _panel(axes, panel, groups, preset)
    marks.key(
        figure,
        groups,
        below=bool(points["is_below_detection"].any()),
        excluded=bool(points["excluded"].any()),
        style=preset,
        line=True,
    )
    caption = " ".join(
        [
            f"Uptake by PET over the days since the cells were given: {words.listed(panel.title for panel in shown)}.",
            "Thin line: one mouse, broken between scans below detection."
            if points["is_below_detection"].any()
            else "Thin line: one mouse.",
            "Thick line and bars: geometric mean of the group in a session and its",
            f"{study.interval} by t on the log scale, at the group's median day, where all its values are positive.",
            "Dashed: median critical level of a cohort's session, below which cells are not detected."
            if response is not None
            else "",
            words.key_of_groups(groups, points),
            words.marks(points),
            words.hidden(points, points["placed"].to_numpy(dtype=float)),
            words.left_out("Not drawn for lack of room, but in the tables", hidden),
        ]
    )
    alt = f"{title}: " + "; ".join(_alt(panel, groups) for panel in shown) + "."
    source = {
        "points": pd.concat([panel.points.assign(panel=panel.title) for panel in shown], ignore_index=True),
        "means": pd.concat([panel.means.assign(panel=panel.title) for panel in shown], ignore_index=True),
    }
    return Drawing(figure, title, words.tidy(caption), alt, source)


def _uptake_panel(study: Study, scans: pd.DataFrame, region: str) -> Panel:
    quantity = "uptake_pct_id_per_g" if scans["uptake_pct_id_per_g"].notna().any() else "uptake_pct_id_per_ml"
    size = "mass_g" if quantity == "uptake_pct_id_per_g" else "volume_ml"
    limits = scans["critical_level_pct_id"] / scans[size]
    points = scans.assign(value=scans[quantity], critical_level=limits)
    unit = UNITS[quantity].replace("%ID", study.label.removesuffix("/g"))
    means = data.rows(study.summaries, analysis=data.MAIN, modality="pet", endpoint=quantity, region=region)
    return Panel(region, f"Uptake ({unit})", _placed(points), _with_day(means, points), pd.DataFrame())


def _response_panel(study: Study) -> Panel | None:
    cells = data.rows(study.cells, modality="pet", status="ok")
    cells = cells[(cells["role"] != "background") & cells["response"].notna() & cells["cell_day"].notna()]
    if cells.empty:
        return None
    in_cells = cells["response_unit"].iloc[0] == "cells"
    points = cells.assign(value=cells["response"], critical_level=cells["response_critical_level"])
    means = data.rows(study.summaries, analysis=data.MAIN, endpoint="cells", region=study.region)
    levels = points.groupby(["cohort", "session"], as_index=False, sort=True)[["cell_day", "critical_level"]].median()
    name = f"Cells in {study.region}" if in_cells else f"Net uptake in {study.region}"
    ylabel = "Cells" if in_cells else f"Net uptake ({study.label.removesuffix('/g')})"
    return Panel(name, ylabel, _placed(points), _with_day(means, points), levels.dropna())


def _placed(points: pd.DataFrame) -> pd.DataFrame:
    below = points["is_below_detection"].to_numpy(dtype=bool)
    values, limits = (points[name].to_numpy(dtype=float) for name in ("value", "critical_level"))
    columns = [
        *data.MOUSE,
        "group",
        "session",
        "cell_day",
        "value",
        "is_below_detection",
        "excluded",
        "exclusion_reason",
    ]
    return (
        points[columns]
        .assign(placed=data.positions(values, limits, below))
        .sort_values([*data.MOUSE, "cell_day"], kind="stable")
    )


def _with_day(means: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    days = points[~points["excluded"]].groupby(["group", "session"], as_index=False, sort=True)["cell_day"].median()
    renamed = means[["group", "session", "n", "geometric_mean", "geometric_mean_ci_low", "geometric_mean_ci_high"]]
    renamed = renamed.set_axis(["group", "session", "n", "centre", "low", "high"], axis=1)
    return renamed.merge(days, on=["group", "session"], how="inner").sort_values(["group", "cell_day"], kind="stable")


def _panel(axes: Axes, panel: Panel, groups: list[Group], preset: Preset) -> None:
    levels = list(panel.levels["critical_level"]) if len(panel.levels) else []
    extent = [*panel.points["placed"], *panel.means["low"], *panel.means["high"], *levels]
    low, high = style.log_limits(extent)
    style.log_axis(axes.yaxis, low=low, high=high)
    # Means stand a little beside each other, so that their intervals can be told apart.
    dodge = 0.012 * float(panel.points["cell_day"].max() - panel.points["cell_day"].min())
    for group in groups:
        some = panel.points[panel.points["group"] == group.name]
        if some.empty:
            continue
        day, placed = some["cell_day"].to_numpy(dtype=float), some["placed"].to_numpy(dtype=float)
        runs = _runs(some)
        who = some[data.MOUSE].to_numpy(dtype=str)
        paths = [np.column_stack([day[at], placed[at]]) for at in runs]
        axes.add_collection(marks.lines(paths, group, [who[at[0]] for at in runs]))
        flags = [some[name].to_numpy(dtype=bool) for name in ("excluded", "is_below_detection")]
        marks.mice(axes, day, placed, group=group, excluded=flags[0], below=flags[1], who=some, area=3.0)
        means = panel.means[(panel.means["group"] == group.name) & panel.means["centre"].notna()]
        beside = means["cell_day"] + dodge * (groups.index(group) - (len(groups) - 1) / 2)
        (middle,) = axes.plot(beside, means["centre"], color=group.colour, linewidth=1.3, zorder=4, label="_group-mean")
        middle.set_path_effects(marks.CASING)
        bars = axes.vlines(beside, means["low"], means["high"], color=group.colour, linewidth=1.1, zorder=4)
        marks.tag(middle, group)
        marks.tag(bars, group)
    for cohort, some in panel.levels.groupby("cohort") if len(panel.levels) else ():
        line = some.sort_values("cell_day")
        if panel.levels["cohort"].nunique() > 1:
            end = (float(line["cell_day"].iloc[-1]), float(line["critical_level"].iloc[-1]))
            axes.annotate(
                str(cohort), end, (2, 0), textcoords="offset points", va="center", fontsize=preset.min_size_pt
            )
        axes.plot(
            line["cell_day"],
            line["critical_level"],
            color="#000000",
            linewidth=0.6,
            linestyle=(0, (3, 2)),
            zorder=1,
            label="_critical-level",
        )
    axes.set_title(panel.title)
    axes.set_xlabel("Time since cells (days)")
    axes.set_ylabel(panel.ylabel)
    axes.set_xlim(left=0 if panel.points["cell_day"].min() >= 0 else None)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _runs(points: pd.DataFrame) -> list[NDArray[np.int64]]:
    """Positions of each mouse's drawn and not excluded points, in time order, broken between two below detection."""
    usable = np.isfinite(points["placed"].to_numpy(dtype=float)) & ~points["excluded"].to_numpy(dtype=bool)
    below = points["is_below_detection"].to_numpy(dtype=bool)
    at = points.groupby(data.MOUSE, sort=True).indices
    runs: list[NDArray[np.int64]] = []
    for run in (positions[usable[positions]] for positions in at.values()):
        runs += np.split(run, np.flatnonzero(below[run[:-1]] & below[run[1:]]) + 1)
    return [run for run in runs if len(run) > 1]


def _alt(panel: Panel, groups: list[Group]) -> str:
    parts = []
    for group in groups:
        means = panel.means[panel.means["group"] == group.name]
        course = ", ".join(f"day {row['cell_day']:.3g} {words.with_interval(row)}" for row in data.records(means))
        if course:
            parts.append(f"{group.name} {course}")
    return f"{panel.title}, {panel.ylabel}, geometric mean [CI]: " + ("; ".join(parts) or "no group mean")
