"""The primary comparison as an estimation plot: both groups' mice, and beside them the effect with its interval."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cartrace import display, names
from cartrace.figures import data, marks, style, words
from cartrace.figures.data import Drawing, Study
from cartrace.figures.style import Group, Preset

EFFECT_AT = 2.0


def primary_comparison(study: Study, preset: Preset) -> Drawing:
    """Draw the declared primary comparison (Gardner and Altman's estimation plot).

    Parameters
    ----------
    study : Study
        Uses `comparisons`, `endpoints`, `summaries`.
    preset : Preset
        The journal's preset.

    Returns
    -------
    Drawing
    """
    title = "Primary comparison"
    found = study.comparisons[study.comparisons["is_primary"] & (study.comparisons["analysis"] == data.MAIN)]
    if found.empty:
        text = "The primary comparison could not be made: no mouse has a value of its endpoint."
        return Drawing(style.nothing(preset, text), title, text, text)
    row: dict[str, Any] = {str(name): value for name, value in found.iloc[0].items()}
    where = {name: str(row[name]) for name in ("endpoint", "modality", "region", "session")}
    groups = [study.group(str(row["group_b"])), study.group(str(row["group_a"]))]
    points = data.drawn(study.endpoints, **where)
    points = points[points["group"].isin([group.name for group in groups])]
    points = points.assign(is_below_detection=points["is_below_detection"].astype(bool))
    labels = {group.name: group.label for group in study.groups}
    sentence = display.sentence(row, labels, uptake_label=study.label)
    if points.empty:
        text = f"Primary endpoint, {_name(row)}: {sentence}."
        return Drawing(style.nothing(preset, text), title, text, text)
    figure = style.canvas(preset, width="single", height_mm=72)
    axes = figure.subplots()
    drawable = (row["scale"] == "linear") | (points["value"] > 0)
    _values(axes, study, points[drawable], row, where, groups)
    _effect_or_why_not(axes, row, preset)
    marks.key(
        figure,
        groups,
        below=bool(points["is_below_detection"].any()),
        excluded=bool(points["excluded"].any()),
        style=preset,
    )
    hidden = int((~drawable).sum())
    effect = ("ratio {} / {}" if row["scale"] == "log" else "difference {} − {}").format(row["group_a"], row["group_b"])
    caption = " ".join(
        [
            f"Primary endpoint: {_name(row)}. {words.MOUSE_IS_A_POINT}",
            f"Tick and line: {_mean_name(row)} and {study.interval} of each group;",
            f"right: {effect} with its confidence interval, on an axis that starts from {row['group_b']}.",
            f"{sentence.rstrip('.')}.",
            words.key_of_groups(groups, points),
            words.marks(points),
            f"{hidden} value{'s' if hidden > 1 else ''} of zero or less cannot stand on a log axis." if hidden else "",
        ]
    )
    source = {"points": points, "comparison": found}
    return Drawing(figure, title, words.tidy(caption), f"{title}, {_name(row)}: {sentence}", source)


def _effect_or_why_not(axes: Axes, row: dict[str, Any], preset: Preset) -> None:
    if row["status"] == "ok" and np.isfinite(row["estimate"]):
        _effect(axes, row, preset)
        return
    # Ranks alone are compared where a group is below detection.
    text, size = ("by rank\nonly", None) if row["status"] == "ok" else ("not\nestimable", preset.min_size_pt)
    place = axes.get_xaxis_transform()
    axes.text(EFFECT_AT, 0.5, text, transform=place, ha="center", va="center", fontsize=size)


def _name(row: dict[str, Any]) -> str:
    name = names.endpoint_name(str(row["endpoint"]))
    place = names.place(row)
    return f"{name}, {place}" if place else name


def _mean_name(row: dict[str, Any]) -> str:
    return "geometric mean" if row["scale"] == "log" else "mean"


def _values(
    axes: Axes, study: Study, points: pd.DataFrame, row: dict[str, Any], where: dict[str, str], groups: list[Group]
) -> None:
    log = row["scale"] == "log"
    columns = (
        ["geometric_mean", "geometric_mean_ci_low", "geometric_mean_ci_high"] if log else ["mean", "ci_low", "ci_high"]
    )
    found = data.records(data.rows(study.summaries, analysis=data.MAIN, **where))
    summaries = {str(summary["group"]): summary for summary in found}
    extent = list(points["value"])
    labels = []
    for index, group in enumerate(groups):
        some = points[points["group"] == group.name]
        values = some["value"].to_numpy(dtype=float)
        flags = [some[name].to_numpy(dtype=bool) for name in ("excluded", "is_below_detection")]
        if len(values):
            at = index - 0.1 + marks.spread(values, width=0.4)
            marks.mice(axes, at, values, group=group, excluded=flags[0], below=flags[1], who=some, area=14.0)
        n = 0
        if group.name in summaries:
            mean = summaries[group.name]
            centre, low, high = (float(mean[name]) for name in columns)
            marks.interval(axes, index + 0.26, centre, low, high, size=8, group=group)
            extent += [low, high]
            n = int(mean["n"])
        labels.append(f"{group.name}\nn = {n}")
    base, low, high = (float(row[name]) for name in ("mean_b", "ci_low", "ci_high"))
    if row["status"] == "ok":
        extent += [base * low, base * high] if log else [base + low, base + high]
    if log:
        limits = style.log_limits(extent)
        style.log_axis(axes.yaxis, low=limits[0], high=limits[1])
    else:
        finite = [value for value in extent if np.isfinite(value)] or [0.0, 1.0]
        margin = 0.06 * (max(finite) - min(finite) or 1.0)
        axes.set_ylim(min(finite) - margin, max(finite) + margin)
    effect = f"{row['group_a']} {'/' if log else '−'} {row['group_b']}"
    axes.set_xticks([0, 1, EFFECT_AT], [*labels, effect])
    axes.set_xlim(-0.6, EFFECT_AT + 0.6)
    unit = display.unit_label(str(row["unit"]), uptake_label=study.label)
    name = names.endpoint_name(str(row["endpoint"])).capitalize()
    name = "Uptake" if name.startswith("Uptake") else name
    axes.set_ylabel(f"{name} ({unit})" if unit else name)


def _effect(axes: Axes, row: dict[str, Any], preset: Preset) -> None:
    log = row["scale"] == "log"
    base = float(row["mean_b"])
    low, centre, high = (
        (base * float(row[name]) if log else base + float(row[name])) for name in ("ci_low", "estimate", "ci_high")
    )
    axes.axhline(base, xmin=0.1, color="#7F7F7F", linewidth=0.5, zorder=1, label="_no-effect")
    axes.plot([EFFECT_AT, EFFECT_AT], [low, high], color="#000000", linewidth=1.2, label="_effect-interval", zorder=4)
    axes.plot([EFFECT_AT], [centre], marker="o", markersize=4.5, color="#000000", label="_effect", zorder=5)
    bottom, top = axes.get_ylim()
    right = axes.twinx()
    right.spines["right"].set_visible(True)
    if log:
        style.log_axis(right.yaxis, low=bottom / base, high=top / base)
        right.set_ylabel("Ratio")
    else:
        right.set_ylim(bottom - base, top - base)
        right.set_ylabel("Difference")
    right.tick_params(axis="y", labelsize=max(preset.size_pt - 1, preset.min_size_pt))
