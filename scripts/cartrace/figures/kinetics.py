"""The kinetics of expansion: the fit of each mouse as small multiples, and its parameters by group."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cartrace import display, names
from cartrace.figures import data, marks, style, words
from cartrace.figures.data import Drawing, Study
from cartrace.figures.style import Group, Preset

# Beyond this, a panel a mouse is too small to read; then one panel a group shows all its mice.
MOST_MOUSE_PANELS = 60
MOST_COLUMNS = 8
LEAST_PANEL_MM = 20.0


def expansion_fits(study: Study, preset: Preset) -> Drawing:
    """Draw the measured cells and the fitted curve of each mouse.

    Parameters
    ----------
    study : Study
        Uses `cells`, `curves`, `estimates`, `selection`.
    preset : Preset
        The journal's preset.

    Returns
    -------
    Drawing
    """
    title = "Expansion of each mouse"
    points = _responses(study)
    if points.empty:
        text = "No mouse has a signal that could be fitted."
        return Drawing(style.nothing(preset, text), title, text, text)
    model = data.chosen_model(study.selection)
    if not model and not points.duplicated(data.MOUSE).any():
        text = "Each mouse was measured once, so that there is no course to draw."
        return Drawing(style.nothing(preset, text), title, text, text)
    curves = data.rows(study.curves, analysis=data.MAIN, model=model)
    groups = [group for group in study.groups if (points["group"] == group.name).any()]
    by_mouse = words.mice(points) <= MOST_MOUSE_PANELS
    drawing = _by_mouse if by_mouse else _by_group
    figure = drawing(study, preset, points, curves, groups)
    fitted = len(data.rows(curves, level="animal")[data.MOUSE].drop_duplicates())
    n_mice = words.mice(points)
    if by_mouse:
        layout = "One panel a mouse."
        band = f"line and band: fitted curve and its {100 * study.fit_confidence:g} % confidence band"
    else:
        layout = f"One panel a group, as {n_mice} mice are too many for a panel each; all are drawn."
        band = "thin lines: fitted curves; thick: the group's curve"
    fit = f"{band} of the model {model.replace('_', '-')} ({fitted} of {n_mice} mice have one)."
    if fitted < n_mice:
        fit += " A mouse has none where it could not be fitted, or where its scans do not determine its growth rate."
    caption = " ".join(
        [
            f"{_quantity(study)[0]} in {study.region} over the days since the cells were given. {layout}",
            f"Points: scans; {fit}" if model else "Points: scans. No model was chosen, so that no curve is drawn.",
            "The background group carries no signal of its own and is not fitted."
            if any(group.role == "background" for group in study.groups)
            else "",
            words.key_of_groups(groups, points),
            words.marks(points),
            words.hidden(points, points["placed"].to_numpy(dtype=float)),
        ]
    )
    columns = [*data.MOUSE, "group", "session", "cell_day", "value", "is_below_detection", "excluded"]
    source = {"points": points[columns], "curves": curves}
    return Drawing(figure, title, words.tidy(caption), _fits_alt(study, model, points, groups), source)


def _responses(study: Study) -> pd.DataFrame:
    cells = study.cells[
        (study.cells["role"] != "background") & study.cells["response"].notna() & study.cells["cell_day"].notna()
    ]
    below = cells["is_below_detection"].to_numpy(dtype=bool)
    values, limits = (cells[name].to_numpy(dtype=float) for name in ("response", "response_critical_level"))
    return cells.assign(value=values, placed=data.positions(values, limits, below)).sort_values(
        [*data.MOUSE, "cell_day"], kind="stable"
    )


def _quantity(study: Study) -> tuple[str, str]:
    if len(study.cells) and study.cells["response_unit"].iloc[0] == "cells":
        return "Number of cells", "Cells"
    return "Net uptake", f"Net uptake ({study.label.removesuffix('/g')})"


def _by_mouse(study: Study, preset: Preset, points: pd.DataFrame, curves: pd.DataFrame, groups: list[Group]) -> Figure:
    # Each group starts a row of its own.
    mice = [_mice_of(points, group) for group in groups]
    largest = max(len(some) for some in mice)
    columns = max(3, -(-largest // -(-largest // MOST_COLUMNS)))
    order = [(group, mouse) for group, some in zip(groups, mice, strict=True) for mouse in _padded(some, columns)]
    n_rows = len(order) // columns
    figure = style.canvas(preset, width="double", height_mm=14 + n_rows * max(LEAST_PANEL_MM, 34 - 2 * n_rows))
    axes_of = figure.subplots(n_rows, columns, sharex=True, sharey=True, squeeze=False)
    low, high = style.log_limits(list(points["placed"]))
    style.log_axis(axes_of[0, 0].yaxis, low=low, high=high, most_ticks=4, minor=False)
    first, last = _days(points)
    axes_of[0, 0].set_xlim(first, last)
    rows = points.groupby(data.MOUSE, sort=True)
    fits = data.rows(curves, level="animal").groupby(data.MOUSE, sort=True)
    for axes, (group, mouse) in zip(axes_of.ravel(), order, strict=True):
        if mouse is None:
            axes.set_axis_off()
            continue
        _mouse_panel(
            axes, rows.get_group(mouse), fits.get_group(mouse) if mouse in fits.groups else None, group, preset
        )
        name = mouse[1] if len(study.cells["cohort"].unique()) == 1 else f"{mouse[0]} {mouse[1]}"
        axes.set_title(shortened(name), fontsize=preset.min_size_pt, pad=2)
    for column in range(columns):  # the last panel of a column carries the days, wherever the grid ends
        used = [row for row in range(n_rows) if order[row * columns + column][1] is not None]
        if used:
            axes_of[used[-1], column].tick_params(labelbottom=True)
    figure.supxlabel("Time since cells (days)", fontsize=preset.size_pt)
    figure.supylabel(_quantity(study)[1], fontsize=preset.size_pt)
    marks.key(
        figure,
        groups,
        below=bool(points["is_below_detection"].any()),
        excluded=bool(points["excluded"].any()),
        style=preset,
    )
    return figure


def _padded(mice: list[tuple[str, str]], columns: int) -> list[tuple[str, str] | None]:
    """Return mice, filled with None to whole rows."""
    return [*mice, *([None] * (-len(mice) % columns))]


def shortened(name: str, *, most: int = 18) -> str:
    """Return a name that fits a small panel: beginning and end, where it is long."""
    return name if len(name) <= most else f"{name[: most // 2]}…{name[-(most // 2 - 1) :]}"


def _mouse_panel(axes: Axes, points: pd.DataFrame, curve: pd.DataFrame | None, group: Group, preset: Preset) -> None:
    if curve is not None:
        bounds = curve[(curve["ci_low"] > 0) & curve["ci_high"].notna()]
        axes.fill_between(
            bounds["cell_day"], bounds["ci_low"], bounds["ci_high"], color=group.colour, alpha=0.22, linewidth=0
        )
        (fit,) = axes.plot(curve["cell_day"], curve["fitted"], color=group.colour, linewidth=0.9, label="_fit")
        marks.tag(fit, group, curve[data.MOUSE].head(1).to_numpy(dtype=str))
    else:
        axes.text(0.96, 0.06, "no curve", transform=axes.transAxes, ha="right", fontsize=preset.min_size_pt)
    _points(axes, points, group, area=5.0)


def _points(axes: Axes, points: pd.DataFrame, group: Group, *, area: float) -> None:
    day, placed = points["cell_day"].to_numpy(dtype=float), points["placed"].to_numpy(dtype=float)
    excluded, below = (points[name].to_numpy(dtype=bool) for name in ("excluded", "is_below_detection"))
    marks.mice(axes, day, placed, group=group, excluded=excluded, below=below, who=points, area=area)


def _by_group(study: Study, preset: Preset, points: pd.DataFrame, curves: pd.DataFrame, groups: list[Group]) -> Figure:
    n_rows, columns = marks.grid(len(groups), most_columns=3)
    figure = style.canvas(preset, width="double", height_mm=12 + 55 * n_rows)
    axes_of = figure.subplots(n_rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    low, high = style.log_limits(list(points["placed"]))
    style.log_axis(axes_of[0].yaxis, low=low, high=high)
    axes_of[0].set_xlim(*_days(points))
    for axes in axes_of[len(groups) :]:
        axes.set_axis_off()
    for axes, group in zip(axes_of, groups, strict=False):
        own = curves[(curves["group"] == group.name) & (curves["level"] == "animal")]
        fits = [
            (who, path[["cell_day", "fitted"]].to_numpy(dtype=float))
            for who, path in own.groupby(data.MOUSE, sort=True)
        ]
        axes.add_collection(marks.lines([path for _, path in fits], group, [list(map(str, who)) for who, _ in fits]))
        whole = curves[(curves["group"] == group.name) & (curves["level"] == "group")]
        (curve,) = axes.plot(
            whole["cell_day"], whole["fitted"], color="#000000", linewidth=1.5, label="_group-curve", zorder=5
        )
        marks.tag(curve, group)
        _points(axes, points[points["group"] == group.name], group, area=2.0)
        axes.set_title(f"{group.name} (n = {len(_mice_of(points, group))})")
        axes.set_xlabel("Time since cells (days)")
    axes_of[0].set_ylabel(_quantity(study)[1])
    marks.key(
        figure,
        groups,
        below=bool(points["is_below_detection"].any()),
        excluded=bool(points["excluded"].any()),
        style=preset,
    )
    return figure


def _mice_of(points: pd.DataFrame, group: Group) -> list[tuple[str, str]]:
    own = points.loc[points["group"] == group.name, data.MOUSE].drop_duplicates().sort_values(data.MOUSE)
    return [(str(cohort), str(animal)) for cohort, animal in own.to_numpy()]


def _days(points: pd.DataFrame) -> tuple[float, float]:
    first, last = float(points["cell_day"].min()), float(points["cell_day"].max())
    margin = 0.05 * max(last - first, 1.0)
    return min(first, 0.0) - margin, last + margin


def _fits_alt(study: Study, model: str, points: pd.DataFrame, groups: list[Group]) -> str:
    parts = []
    for group in groups:
        own = points[points["group"] == group.name]
        parts.append(
            f"{group.name}, {words.mice(own)} mice, "
            f"{words.number(own['value'].min())} to {words.number(own['value'].max())}"
        )
    curves = f"curves of the model {model.replace('_', '-')}" if model else "no curves"
    return (
        f"Expansion of each mouse, {_quantity(study)[0].lower()} in {study.region} by day, {curves}: "
        + "; ".join(parts)
        + "."
    )


def growth_parameters(study: Study, preset: Preset) -> Drawing:
    """Draw the kinetic parameters of each mouse by group.

    Parameters
    ----------
    study : Study
        Uses `endpoints`, `summaries`, `comparisons`, `estimates`.
    preset : Preset
        The journal's preset.

    Returns
    -------
    Drawing
    """
    title = "Parameters of expansion"
    kinetic = set(study.estimates["parameter"])
    points = data.drawn(study.endpoints)
    points = points[points["endpoint"].isin(kinetic)]
    if points.empty:
        text = "No parameter of expansion could be estimated in any mouse."
        return Drawing(style.nothing(preset, text), title, text, text)
    endpoints = names.in_order(set(points["endpoint"]))
    groups = [group for group in study.groups if (points["group"] == group.name).any()]
    n_rows, columns = marks.grid(len(endpoints), most_columns=5)
    figure = style.canvas(preset, width="double", height_mm=10 + 50 * n_rows)
    axes_of = figure.subplots(n_rows, columns, squeeze=False).ravel()
    for axes in axes_of[len(endpoints) :]:
        axes.set_axis_off()
    alts = []
    for axes, endpoint in zip(axes_of, endpoints, strict=False):
        alts.append(_parameter_panel(axes, study, data.rows(points, endpoint=endpoint), endpoint, groups))
    marks.key(figure, groups, below=False, excluded=bool(points["excluded"].any()), style=preset)
    shown = points.assign(is_below_detection=False)
    caption = " ".join(
        [
            f"Parameters of the model {data.chosen_model(study.selection).replace('_', '-')}, fitted to each mouse's",
            f"{_quantity(study)[0].lower()} in {study.region}.",
            words.MOUSE_IS_A_POINT,
            f"Tick and line: geometric mean and {study.interval} by t on the log scale; arithmetic on linear axes.",
            "Mice whose fit does not give the parameter are not drawn; the report lists them with the reason.",
            words.key_of_groups(groups, shown),
            words.marks(shown),
        ]
    )
    means = data.rows(study.summaries[study.summaries["endpoint"].isin(endpoints)], analysis=data.MAIN)
    source = {"points": points, "means": means}
    return Drawing(figure, title, words.tidy(caption), f"{title}, mean [CI]: " + "; ".join(alts) + ".", source)


def is_log(study: Study, endpoint: str) -> bool:
    """Return whether an endpoint is compared, and so drawn, on the log scale."""
    scales = study.comparisons.loc[study.comparisons["endpoint"] == endpoint, "scale"]
    return not len(scales) or bool((scales == "log").any())


def _parameter_panel(axes: Axes, study: Study, points: pd.DataFrame, endpoint: str, groups: list[Group]) -> str:
    log = is_log(study, endpoint) and bool((points["value"] > 0).all())
    summaries = data.rows(study.summaries, analysis=data.MAIN, endpoint=endpoint)
    columns = (
        ["geometric_mean", "geometric_mean_ci_low", "geometric_mean_ci_high"] if log else ["mean", "ci_low", "ci_high"]
    )
    labels, alts = [], []
    for index, group in enumerate(groups):
        some = points[points["group"] == group.name]
        values = some["value"].to_numpy(dtype=float)
        at = index - 0.12 + marks.spread(values, width=0.42) if len(values) else values
        excluded = some["excluded"].to_numpy(dtype=bool)
        marks.mice(axes, at, values, group=group, excluded=excluded, below=np.zeros(len(values), dtype=bool), who=some)
        n = 0
        for row in data.records(summaries[summaries["group"] == group.name]):
            centre, low, high = (float(row[name]) for name in columns)
            marks.interval(axes, index + 0.28, centre, low, high, group=group)
            n = int(row["n"])
            alts.append(f"{group.name} {words.with_interval({'centre': centre, 'low': low, 'high': high, 'n': n})}")
        labels.append(f"{group.name}\nn = {n}")
    if log:
        extent = [*points["value"], *summaries[columns[1]], *summaries[columns[2]]]
        style.log_axis(axes.yaxis, low=style.log_limits(extent)[0], high=style.log_limits(extent)[1])
    axes.set_xticks(range(len(groups)), labels)
    axes.set_xlim(-0.6, len(groups) - 0.4)
    unit = display.unit_label(str(points["unit"].iloc[0]), uptake_label=study.label)
    name = names.endpoint_name(endpoint).capitalize()
    axes.set_ylabel(f"{name} ({unit})" if unit else name)
    return f"{name} ({unit}): " + ", ".join(alts)
