"""Other measurements of the mice, and their survival, over the days since the cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from cartrace.clock import SECONDS_PER_DAY, elapsed_s
from cartrace.figures import data, marks, style, words
from cartrace.figures.data import Drawing, Study
from cartrace.figures.style import Group, Preset

MOST_PANELS, PANEL_MM = 6, 48.0


def readouts(study: Study, preset: Preset) -> Drawing:
    """Draw each readout over time, a thin line a mouse and the group's mean, and survival where a mouse died.

    Parameters
    ----------
    study : Study
        Uses `readouts`, `animals`.
    preset : Preset
        The journal's preset.

    Returns
    -------
    Drawing
    """
    title = "Other readouts"
    points = points_of(study)
    followed = survival_of(study)
    names = sorted(points["readout"].unique()) if len(points) else []
    shown, hidden = names[:MOST_PANELS], names[MOST_PANELS:]
    with_survival = bool(followed["died"].any())
    if not shown and not with_survival:
        text = "No other readout was taken."
        return Drawing(style.nothing(preset, text), title, text, text)
    count = len(shown) + with_survival
    n_rows, n_columns = marks.grid(count, most_columns=3)
    figure = style.canvas(preset, width="double" if n_columns > 1 else "single", height_mm=10 + PANEL_MM * n_rows)
    cells = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for axes in cells[count:]:
        axes.set_axis_off()
    present = set(points["group"]) | (set(followed["group"]) if with_survival else set())
    groups = [group for group in study.groups if group.name in present]
    means = pd.concat([_readout_panel(axes, data.rows(points, readout=name), groups)
                       for axes, name in zip(cells, shown, strict=False)]) if shown else pd.DataFrame()  # fmt: skip
    if with_survival:
        _survival_panel(cells[count - 1], followed, groups)
    excluded = bool(points["excluded"].any()) if len(points) else False
    marks.key(figure, groups, below=False, excluded=excluded, style=preset, line=True)
    n_died = int(followed["died"].sum())
    caption = " ".join(
        [
            "Thin line: one mouse. Thick line: mean of the group where at least half of its mice were measured, on the"
            " same day; the geometric mean on log axes." if shown else "",
            f"Survival after Kaplan and Meier; {n_died} of {len(followed)} mice died or were killed at a humane "
            "endpoint; ticks: mice that left otherwise." if with_survival else "",
            words.key_of_groups(groups, points if len(points) else followed),
            words.marks(points.assign(is_below_detection=False)) if len(points) else "",
            words.left_out("Not drawn for lack of room, but in the tables", hidden),
        ]
    )  # fmt: skip
    said = [_alt(name, means, groups) for name in shown]
    if with_survival:
        said.append(f"survival: {n_died} of {len(followed)} mice died")
    source = {"readouts": points, "means": means, "survival": followed}
    return Drawing(figure, title, words.tidy(caption), f"{title}: " + "; ".join(said) + ".", source)


def points_of(study: Study) -> pd.DataFrame:
    """Return every readout with its mouse's group and `cell_day`."""
    columns = [*data.MOUSE, "readout", "unit", "measured_at", "value", "group", "cell_day", "excluded"]
    found = study.readouts
    if found.empty:
        return pd.DataFrame(columns=[*columns, "exclusion_reason"])
    animals = study.animals[[*data.MOUSE, "group"]].assign(zero=data.followed_from(study.animals))
    joined = found.merge(animals, on=data.MOUSE, how="inner", sort=False)
    joined = joined.assign(cell_day=elapsed_s(joined["zero"], joined["measured_at"]) / SECONDS_PER_DAY)
    out = excluded_mice(study)
    joined = joined.merge(out, on=data.MOUSE, how="left", sort=False)
    joined = joined.assign(
        excluded=joined["exclusion_reason"].notna(), exclusion_reason=joined["exclusion_reason"].fillna("")
    )
    kept = joined[joined["cell_day"].notna() & joined["value"].notna()]
    return kept[[*columns, "exclusion_reason"]].sort_values([*data.MOUSE, "readout", "cell_day"], ignore_index=True)


def excluded_mice(study: Study) -> pd.DataFrame:
    """Return the mice of which every uptake is excluded, with the reason."""
    by = study.uptake.groupby(data.MOUSE, sort=True)
    whole = by["excluded"].all()
    reason = by["exclusion_reason"].max()
    return reason[whole].rename("exclusion_reason").reset_index()


def survival_of(study: Study) -> pd.DataFrame:
    """Return the last `day` on which each mouse is known to live, and whether it `died` then."""
    animals = study.animals
    day = elapsed_s(data.followed_from(animals), animals["ended_at"]) / SECONDS_PER_DAY
    last = study.uptake.groupby(data.MOUSE)["cell_day"].max()
    seen = np.array([float(last.get((row.cohort, row.animal_id), np.nan)) for row in animals.itertuples()], dtype=float)
    known = np.where(np.isnan(day), seen, day)
    died = animals["end_reason"].isin(["humane_endpoint", "found_dead"]).to_numpy() & ~np.isnan(day)
    frame = animals[[*data.MOUSE, "group"]].assign(day=known, died=died)
    return frame[frame["day"].notna()].reset_index(drop=True)


def _readout_panel(axes: Axes, points: pd.DataFrame, groups: list[Group]) -> pd.DataFrame:
    values = points["value"].to_numpy(dtype=float)
    # A quantity that spans more than a decade and has no zero is drawn on a log axis.
    log = bool((values > 0).all() and values.max() > 10 * values.min())
    rows = []
    for group in groups:
        some = points[points["group"] == group.name]
        if some.empty:
            continue
        by_mouse = list(some.groupby(data.MOUSE, sort=True))
        paths = [path[["cell_day", "value"]].to_numpy(dtype=float) for _, path in by_mouse]
        axes.add_collection(marks.lines(paths, group, [list(map(str, who)) for who, _ in by_mouse]))
        kept = some[~some["excluded"]]
        for day, here in kept.assign(day=kept["cell_day"].round()).groupby("day"):
            if 2 * len(here) >= len(by_mouse) and len(here) > 1:
                number = here["value"].to_numpy(dtype=float)
                mean = float(np.exp(np.log(number).mean())) if log else float(number.mean())
                at = float(here["cell_day"].median())
                rows.append({"readout": points["readout"].iloc[0], "group": group.name, "day": day, "cell_day": at,
                             "mean": mean, "n": len(here)})  # fmt: skip
    means = pd.DataFrame(rows, columns=["readout", "group", "day", "cell_day", "mean", "n"])
    for group in groups:
        own = means[means["group"] == group.name]
        (line,) = axes.plot(own["cell_day"], own["mean"], color=group.colour, linewidth=1.3, marker=group.marker,
                            markersize=2.5, label="_group-mean", zorder=4)  # fmt: skip
        line.set_path_effects(marks.CASING)
        marks.tag(line, group)
    axes.autoscale()
    if log:
        style.log_axis(axes.yaxis, low=style.log_limits(list(values))[0], high=style.log_limits(list(values))[1])
    name = str(points["readout"].iloc[0]).replace("_", " ")
    unit = str(points["unit"].iloc[0]).replace("mm3", "mm³")
    axes.set_ylabel(f"{name.capitalize()} ({unit})" if unit else name.capitalize())
    axes.set_xlabel("Time since cells (days)")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    return means


def kaplan_meier(day: NDArray[np.float64], died: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the steps of the share that survives [%]: days, from 0, and the share from each day on."""
    days, share = [0.0], [100.0]
    for at in np.unique(day[died]):
        days.append(float(at))
        share.append(share[-1] * (1.0 - float((died & (day == at)).sum()) / float((day >= at).sum())))
    return np.array([*days, float(day.max())]), np.array([*share, share[-1]])


def _survival_panel(axes: Axes, followed: pd.DataFrame, groups: list[Group]) -> None:
    for group in groups:
        some = followed[followed["group"] == group.name]
        if some.empty:
            continue
        day, died = some["day"].to_numpy(dtype=float), some["died"].to_numpy(dtype=bool)
        days, share = kaplan_meier(day, died)
        (line,) = axes.step(days, share, where="post", color=group.colour, linewidth=1.2, label="_survival")
        marks.tag(line, group)
        left = day[~died]
        at = share[np.searchsorted(days[:-1], left, side="right") - 1]
        censored = axes.scatter(left, at, marker="|", s=9.0, color=group.colour, linewidths=0.6, label="_censored")
        marks.tag(censored, group, some.loc[~died, data.MOUSE].to_numpy(dtype=str))
    axes.set_ylim(0, 105)
    axes.set_xlim(left=0)
    axes.set_ylabel("Survival (%)")
    axes.set_xlabel("Time since cells (days)")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _alt(name: str, means: pd.DataFrame, groups: list[Group]) -> str:
    parts = []
    for group in groups:
        own = means[(means["readout"] == name) & (means["group"] == group.name)]
        course = ", ".join(f"day {row['cell_day']:.3g} {words.number(row['mean'])}" for row in data.records(own))
        if course:
            parts.append(f"{group.name} {course}")
    return f"{name.replace('_', ' ')}, mean: " + ("; ".join(parts) or "no group mean")
