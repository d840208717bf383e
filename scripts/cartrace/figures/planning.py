"""How sure the primary comparison is, and what the next cohort needs: choices, cohorts, numbers of mice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from cartrace import names
from cartrace.figures import data, style, words
from cartrace.figures.data import Checks, Drawing
from cartrace.figures.kinetics import shortened
from cartrace.figures.style import Preset

ROW_MM, FRAME_MM, MOST_ROWS = 4.2, 20.0, 34
POWER_MARKS = ("o", "s", "^", "D")


def sensitivity(checks: Checks, preset: Preset) -> Drawing:
    """Draw the primary comparison under every other choice that could have been made.

    Parameters
    ----------
    checks : Checks
        Uses `sensitivity`.
    preset : Preset
        The journal's preset.

    Returns
    -------
    Drawing
    """
    title = "Sensitivity of the primary comparison"
    found = checks.sensitivity[checks.sensitivity["plan"] == "primary"]
    found = found[(found["status"] == "ok") & found["estimate"].notna()]
    declared = found[(found["choice"] == "declared") & (found["analysis"] == data.MAIN)]
    if declared.empty:
        text = "The primary comparison has no estimate that other choices could move."
        return Drawing(style.nothing(preset, text), title, text, text)
    scale = str(declared["scale"].iloc[0])
    same = found[found["scale"] == scale]
    order = same.assign(rank=same["choice"] != "declared", late=same["analysis"] != data.MAIN).sort_values(
        ["rank", "late", "choice", "variant"], kind="stable"
    )
    shown, hidden = order.iloc[:MOST_ROWS], len(order) - min(len(order), MOST_ROWS)
    late = {data.MAIN: "", "all": ", with excluded mice"}
    labels = [f"{names.in_words(row['variant'])}{late[row['analysis']]}" for row in data.records(shown)]
    figure = style.canvas(preset, width="double", height_mm=FRAME_MM + ROW_MM * len(shown))
    _rows(figure.subplots(), shown, labels, scale, solid=1)
    other = int((found["scale"] != scale).sum())
    caption = " ".join(
        [
            f"{'Ratio' if scale == 'log' else 'Difference'} of the primary groups with its confidence interval: the",
            "declared comparison (filled), and the same under other choices (open). A row without a bar has no",
            "interval. Grey line: no difference.",
            f"{other} choices on another scale are in the table only." if other else "",
            f"{hidden} further choices are in the table only." if hidden else "",
        ]
    )
    alt = f"{title}: " + "; ".join(
        f"{label} {_said(row)}" for label, row in zip(labels, data.records(shown), strict=True)
    )
    return Drawing(figure, title, words.tidy(caption), f"{alt}.", {"choices": shown.drop(columns=["rank", "late"])})


def cohort_forest(checks: Checks, preset: Preset) -> Drawing:
    """Draw the declared comparisons cohort by cohort, and pooled.

    Parameters
    ----------
    checks : Checks
        Uses `forest`.
    preset : Preset
        The journal's preset.

    Returns
    -------
    Drawing
    """
    title = "Cohort by cohort"
    found = checks.forest[(checks.forest["analysis"] == data.MAIN) & (checks.forest["plan"] == "primary")]
    found = found[(found["status"] == "ok") & found["estimate"].notna()]
    if found["cohort"].replace("", np.nan).nunique() < 2:
        text = "Fewer than two cohorts have an estimate of the primary comparison."
        return Drawing(style.nothing(preset, text), title, text, text)
    scale = str(found["scale"].iloc[0])
    rank = found["level"].map({"cohort": 0, "fixed": 1, "random": 2})
    shown = found.assign(rank=rank).sort_values(["rank", "cohort"], kind="stable")
    pooled = {"fixed": "all cohorts, pooled", "random": "all cohorts, random effects"}
    labels = [
        f"{row['cohort'] or pooled[row['level']]} (n = {row['n_a']} vs {row['n_b']})" for row in data.records(shown)
    ]
    figure = style.canvas(preset, width="double", height_mm=FRAME_MM + ROW_MM * len(shown))
    _rows(figure.subplots(), shown, labels, scale, solid=0)
    row = data.records(shown)[-1]
    spread = row["heterogeneity_i2_pct"]
    caption = " ".join(
        [
            f"Primary comparison, {names.endpoint_name(str(row['endpoint']))}, {row['group_a']} against",
            f"{row['group_b']}, within each cohort (open) and pooled (filled), with confidence intervals.",
            f"Scatter between cohorts beyond chance (I²): {words.number(spread)} %." if np.isfinite(spread) else "",
            "Grey line: no difference.",
        ]
    )
    alt = f"{title}: " + "; ".join(
        f"{label} {_said(row)}" for label, row in zip(labels, data.records(shown), strict=True)
    )
    return Drawing(figure, title, words.tidy(caption), f"{alt}.", {"cohorts": shown.drop(columns="rank")})


def _rows(axes: Axes, shown: pd.DataFrame, labels: list[str], scale: str, *, solid: int) -> None:
    """Draw estimates with their intervals below each other; the first or the pooled ones are filled."""
    at = np.arange(len(shown))
    log = scale == "log"
    extent = [1.0 if log else 0.0, *shown["estimate"], *shown["ci_low"], *shown["ci_high"]]
    if log:
        low, high = style.log_limits([float(value) for value in extent])
        style.log_axis(axes.xaxis, low=low, high=high)
    axes.axvline(1.0 if log else 0.0, color="#999999", linewidth=0.5, zorder=1)
    for y, row in zip(at, data.records(shown), strict=True):
        if np.isfinite(row["ci_low"]) and np.isfinite(row["ci_high"]):
            axes.plot([row["ci_low"], row["ci_high"]], [y, y], color="#000000", linewidth=0.9, label="_interval")
        is_filled = y < solid if solid else row["level"] != "cohort"
        face = "#000000" if is_filled else "#ffffff"
        axes.plot(
            [row["estimate"]], [y], marker="o", markersize=3.5, color="#000000", markerfacecolor=face, label="_estimate"
        )
    axes.set_yticks(at, [shortened(label, most=60) for label in labels])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("Ratio" if log else "Difference")


def _said(row: dict[str, Any]) -> str:
    if not np.isfinite(row["ci_low"]):
        return words.number(row["estimate"])
    low, high = words.number(row["ci_low"]), words.number(row["ci_high"])
    return f"{words.number(row['estimate'])} [{low}, {high}]"


def next_cohort(checks: Checks, preset: Preset) -> Drawing:
    """Draw how many mice a group of the next cohort needs, by effect and power.

    Parameters
    ----------
    checks : Checks
        Uses `power`.
    preset : Preset
        The journal's preset.

    Returns
    -------
    Drawing
    """
    title = "Mice for the next cohort"
    found = checks.power
    found = found[(found["analysis"] == data.MAIN) & (found["status"] == "ok") & found["n_per_group"].notna()]
    if found.empty:
        text = "The scatter of this study does not give a number of mice."
        return Drawing(style.nothing(preset, text), title, text, text)
    log = str(found["scale"].iloc[0]) == "log"
    figure = style.canvas(preset, width="single", height_mm=62)
    axes = figure.subplots()
    effects = sorted(found["effect"].unique())
    powers = sorted(found["power"].unique())
    for index, power in enumerate(powers):
        some = found[found["power"] == power].sort_values("effect")
        at = np.array([effects.index(effect) for effect in some["effect"]]) + 0.16 * (index - (len(powers) - 1) / 2)
        axes.vlines(at, some["n_per_group_ci_low"], some["n_per_group_ci_high"], color="#555555", linewidth=0.9)
        axes.plot(
            at, some["n_per_group"], linestyle="", marker=POWER_MARKS[index % len(POWER_MARKS)], markersize=4,
            color="#000000", markerfacecolor="#ffffff" if index % 2 else "#000000", label="_n",
        )  # fmt: skip
    extent = [*found["n_per_group"], *found["n_per_group_ci_low"], *found["n_per_group_ci_high"]]
    low, high = style.log_limits([float(value) for value in extent], margin=0.1)
    style.log_axis(axes.yaxis, low=low, high=high)
    axes.set_xticks(range(len(effects)), [f"{effect:g}" for effect in effects])
    axes.set_xlim(-0.6, len(effects) - 0.4)
    axes.set_xlabel("Ratio to detect" if log else "Difference to detect")
    axes.set_ylabel("Mice per group")
    handles = [
        Line2D([], [], linestyle="", marker=POWER_MARKS[index % len(POWER_MARKS)], markersize=4, color="#000000",
               markerfacecolor="#ffffff" if index % 2 else "#000000", label=f"power {100 * power:g} %")
        for index, power in enumerate(powers)
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside upper left", ncols=2, borderaxespad=0.2)
    row = data.records(found)[0]
    caption = (
        f"Mice per group with a value of the primary endpoint, for a two-sided test at {row['alpha']:.2g}, by the "
        f"scatter between the mice of this study ({words.number(row['sd'])} on the {row['scale']} scale, "
        f"{int(row['sd_df'])} degrees of freedom). Bars: the same at the limits of that scatter's confidence interval."
    )
    alt = f"{title}: " + "; ".join(
        f"{'ratio' if log else 'difference'} {row['effect']:g} at power {100 * row['power']:g} %: "
        f"{row['n_per_group']:g} mice per group"
        for row in data.records(found)
    )
    return Drawing(figure, title, caption, f"{alt}.", {"numbers": found})
