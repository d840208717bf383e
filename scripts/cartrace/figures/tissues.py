"""Uptake and ratios of many tissues: every mouse a point, geometric mean and interval under it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cartrace.figures import data, marks, style, words
from cartrace.figures.data import Drawing, Study
from cartrace.figures.style import Group, Preset

MOST_PANELS = 4
ROW_MM, GAP_ROWS, FRAME_MM = 2.3, 0.8, 22.0
MEAN_OFFSET = 0.34


@dataclass(frozen=True)
class Panel:
    """One column of the figure: points and means of every tissue."""

    title: str
    xlabel: str
    points: pd.DataFrame
    means: pd.DataFrame


def biodistribution(study: Study, preset: Preset) -> Drawing:
    """Draw the counter's uptake of all tissues.

    Parameters
    ----------
    study : Study
        Uses `endpoints`, `summaries`, `uptake`.
    preset : Preset
        The journal's preset.

    Returns
    -------
    Drawing
    """
    where = {"modality": "counter", "endpoint": "uptake_pct_id_per_g"}
    points = data.drawn(study.endpoints, **where)
    if points.empty:
        text = "No tissue has an uptake by the counter."
        return Drawing(style.nothing(preset, text), "Biodistribution", text, text)
    levels = data.critical_levels(study.uptake, "uptake_pct_id_per_g")
    points = points.merge(levels, on=[*data.MOUSE, "session", "modality", "region"], how="left", sort=False)
    means = data.rows(study.summaries, analysis=data.MAIN, **where).rename(
        columns={"geometric_mean": "centre", "geometric_mean_ci_low": "low", "geometric_mean_ci_high": "high"}
    )
    sessions = sorted(points["session"].unique())
    panels = [
        Panel(session, f"Uptake ({study.label})", data.rows(points, session=session), data.rows(means, session=session))
        for session in sessions[-MOST_PANELS:]
    ]
    order = data.order_regions(points, study.region, "value")
    shown = words.listed(sessions[-MOST_PANELS:])
    what = f"Uptake by the gamma counter ({study.label}), {len(order)} tissues, session {shown}"
    return _drawing(study, preset, panels, order, title="Biodistribution", what=what, left_out=sessions[:-MOST_PANELS])


def ratios(study: Study, preset: Preset) -> Drawing:
    """Draw the counter's ratios of each tissue to the reference regions, made within each mouse.

    Parameters
    ----------
    study : Study
        Uses `ratios`.
    preset : Preset
        The journal's preset.

    Returns
    -------
    Drawing
    """
    frame = data.rows(study.ratios, modality="counter", status="ok")
    points = frame[frame["ratio"].notna()].rename(columns={"ratio": "value"})
    if points.empty:
        text = "No mouse has a tissue and a reference region by the counter."
        return Drawing(style.nothing(preset, text), "Ratios to reference regions", text, text)
    points = points.assign(is_below_detection=False, critical_level=np.nan)
    pairs = [
        tuple(pair)
        for pair in points[["session", "reference"]].drop_duplicates().sort_values(["session", "reference"]).to_numpy()
    ]
    many = points["session"].nunique() > 1
    panels = []
    for session, reference in pairs[-MOST_PANELS:]:
        some = data.rows(points, session=session, reference=reference)
        title = f"to {reference}, {session}" if many else f"to {reference}"
        panels.append(
            Panel(title, f"Tissue-to-{reference} ratio", some, _ratio_means(some, confidence=study.confidence))
        )
    order = data.order_regions(points, study.region, "value")
    what = "Ratio of each tissue's uptake (%ID/g) to that of the reference region of the same mouse"
    left_out = [f"{reference}, {session}" for session, reference in pairs[:-MOST_PANELS]]
    return _drawing(study, preset, panels, order, title="Ratios to reference regions", what=what, left_out=left_out)


def _ratio_means(points: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    rows = []
    for (region, group), some in points[~points["excluded"]].groupby(["region", "group"], sort=True):
        centre, low, high = data.geometric_interval(some["value"].to_numpy(dtype=float), confidence=confidence)
        rows.append({"region": region, "group": group, "n": len(some), "centre": centre, "low": low, "high": high})
    return pd.DataFrame(rows, columns=["region", "group", "n", "centre", "low", "high"])


def _drawing(
    study: Study, preset: Preset, panels: list[Panel], order: list[str], *, title: str, what: str, left_out: list[str]
) -> Drawing:
    points = pd.concat([panel.points for panel in panels])
    groups = [group for group in study.groups if (points["group"] == group.name).any()]
    pitch = len(groups) + GAP_ROWS
    figure = style.canvas(preset, width="double", height_mm=FRAME_MM + ROW_MM * pitch * len(order))
    columns = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(columns, panels, strict=True):
        _panel(axes, panel, groups=groups, order=order, pitch=pitch, preset=preset)
        if len(panels) > 1:
            axes.set_title(panel.title)
    columns[0].set_yticks([pitch * row + (len(groups) - 1) / 2 for row in range(len(order))], order)
    columns[0].set_ylim(pitch * len(order) - GAP_ROWS + 0.2, -1.2)
    marks.key(
        figure,
        groups,
        below=bool(points["is_below_detection"].any()),
        excluded=bool(points["excluded"].any()),
        style=preset,
    )
    caption = " ".join(
        [
            f"{what}. {words.MOUSE_IS_A_POINT}",
            f"Tick and line: geometric mean and {study.interval} by t on the log scale;",
            "numbers at the right: mice in it.",
            words.key_of_groups(groups, points),
            words.marks(points),
            words.hidden(points, _positions(points)),
            words.left_out("Not drawn for lack of room, but in the tables", left_out),
        ]
    )
    alt = f"{title}: " + "; ".join(_alt(panel, order, groups) for panel in panels) + "."
    return Drawing(figure, title, words.tidy(caption), alt, _source(panels))


def _source(panels: list[Panel]) -> dict[str, pd.DataFrame]:
    """Return the points and means of all panels, one table each, with the panel in a column of its own."""
    columns = [*data.MOUSE, "group", "region", "value", "is_below_detection", "excluded", "exclusion_reason"]
    points = pd.concat([panel.points[columns].assign(panel=panel.title) for panel in panels], ignore_index=True)
    columns = ["region", "group", "n", "centre", "low", "high"]
    means = pd.concat([panel.means[columns].assign(panel=panel.title) for panel in panels], ignore_index=True)
    return {"points": points, "means": means}


def _positions(points: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    below = points["is_below_detection"].to_numpy(dtype=bool)
    values, limits = (points[name].to_numpy(dtype=float) for name in ("value", "critical_level"))
    return data.positions(values, limits, below)


def _panel(axes: Axes, panel: Panel, *, groups: list[Group], order: list[str], pitch: float, preset: Preset) -> None:
    row_of = {region: row for row, region in enumerate(order)}
    extent = [*_positions(panel.points), *panel.means["low"], *panel.means["high"]]
    style.log_axis(axes.xaxis, low=style.log_limits(extent)[0], high=style.log_limits(extent)[1])
    for index, group in enumerate(groups):
        some = panel.points[panel.points["group"] == group.name]
        if len(some):
            at = np.array([pitch * row_of[region] + index - 0.15 for region in some["region"]])
            x = _positions(some)
            for region in some["region"].unique():
                here = (some["region"] == region).to_numpy()
                at[here] += marks.spread(x[here], width=0.4)
            excluded, below = (some[name].to_numpy(dtype=bool) for name in ("excluded", "is_below_detection"))
            marks.mice(axes, x, at, group=group, excluded=excluded, below=below, who=some, area=5.0)
        for mean in data.records(panel.means[panel.means["group"] == group.name]):
            if mean["region"] in row_of:
                y = pitch * row_of[mean["region"]] + index
                limits = mean["centre"], mean["low"], mean["high"]
                marks.interval(axes, y + MEAN_OFFSET, *limits, horizontal=True, size=3.5, group=group)
                axes.text(
                    1.005,
                    y,
                    f"{mean['n']}",
                    transform=axes.get_yaxis_transform(),
                    fontsize=preset.min_size_pt,
                    va="center",
                )
    axes.text(
        1.005, -0.9, "n", transform=axes.get_yaxis_transform(), fontsize=preset.min_size_pt, va="center", style="italic"
    )
    for row in range(1, len(order)):
        axes.axhline(pitch * row - GAP_ROWS / 2 - 0.5, color="#BBBBBB", linewidth=0.3, zorder=0)
    axes.set_xlabel(panel.xlabel)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _alt(panel: Panel, order: list[str], groups: list[Group]) -> str:
    means = {(row["region"], row["group"]): row for row in data.records(panel.means)}
    parts = []
    for region in order:
        found = [
            f"{group.name} {words.with_interval(means[region, group.name])}"
            for group in groups
            if (region, group.name) in means
        ]
        if found:
            parts.append(f"{region}: {', '.join(found)}")
    return f"{panel.xlabel}, {panel.title}: " + "; ".join(parts)
