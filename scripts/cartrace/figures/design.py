"""The study in time: one row a mouse, from its cells to its end."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cartrace.clock import SECONDS_PER_DAY, elapsed_s
from cartrace.figures import data, marks, style, words
from cartrace.figures.data import Drawing, Study
from cartrace.figures.kinetics import shortened
from cartrace.figures.style import Preset

FRAME_MM, ROW_MM, MOST_NAMED = 20.0, 2.4, 60
# Marks of events: none of them is a group's marker in colour.
EVENTS = (("pet", "|", "PET scan"), ("counter", "s", "tissues counted"), ("died", "x", "died or was killed early"))
# How they are counted in the caption, one and many.
COUNTED = {
    "pet": ("PET scan", "PET scans"),
    "counter": ("dissection", "dissections"),
    "died": ("early death", "early deaths"),
}


def timeline(study: Study, preset: Preset) -> Drawing:
    """Draw when each mouse was scanned, dissected and left the study.

    Parameters
    ----------
    study : Study
        Uses `animals`, `uptake`.
    preset : Preset
        The journal's preset.

    Returns
    -------
    Drawing
    """
    title = "Timeline of each mouse"
    events = events_of(study)
    if events.empty:
        text = "No mouse has a measurement with a known day."
        return Drawing(style.nothing(preset, text), title, text, text)
    mice = ordered_mice(study, events)
    figure = style.canvas(preset, width="double", height_mm=FRAME_MM + ROW_MM * len(mice))
    axes = figure.subplots()
    _draw(axes, study, events, mice, preset)
    groups = [group for group in study.groups if (mice["group"] == group.name).any()]
    _key(figure, events, groups)
    numbers = {kind: int((events["event"] == kind).sum()) for kind in COUNTED}
    counts = ", ".join(f"{n} {COUNTED[kind][n != 1]}" for kind, n in numbers.items() if n)
    caption = " ".join(
        [
            "One row a mouse, by group: line from the cells (day 0) to its last event.",
            f"Marks: {counts}. A scan or tube of an excluded mouse is drawn too.",
            words.key_of_groups(groups, mice),
        ]
    )
    alt = f"{title}, last day by group: " + "; ".join(
        f"{group.name} {words.number(float(some.min()))} to {words.number(float(some.max()))}, n = {len(some)}"
        for group in groups
        if len(some := mice.loc[mice["group"] == group.name, "last"])
    )
    source = {"events": events, "mice": mice.drop(columns="row")}
    return Drawing(figure, title, words.tidy(caption), f"{alt}.", source)


def events_of(study: Study) -> pd.DataFrame:
    """Return every event of every mouse: `event` (pet, counter, died) and `cell_day`."""
    measured = study.uptake[study.uptake["cell_day"].notna()]
    key = [*data.MOUSE, "group", "session", "modality"]
    seen = measured.groupby(key, sort=True)["cell_day"].min().reset_index().rename(columns={"modality": "event"})
    animals = study.animals
    ended = animals.assign(
        cell_day=elapsed_s(data.followed_from(animals), animals["ended_at"]) / SECONDS_PER_DAY,
        event="died",
        session="",
    )
    ended = ended[ended["end_reason"].isin(["humane_endpoint", "found_dead"]) & ended["cell_day"].notna()]
    columns = [*data.MOUSE, "group", "event", "session", "cell_day"]
    parts = [frame[columns] for frame in (seen, ended) if len(frame)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def ordered_mice(study: Study, events: pd.DataFrame) -> pd.DataFrame:
    """Return the mice in the order of their rows, with `row` and their `last` day."""
    rank = {group.name: index for index, group in enumerate(study.groups)}
    last = events.groupby([*data.MOUSE, "group"], sort=True)["cell_day"].max().rename("last").reset_index()
    mice = last.assign(rank=last["group"].map(rank))
    mice = mice.sort_values(["rank", *data.MOUSE], kind="stable", ignore_index=True)
    found: pd.DataFrame = mice.assign(row=np.arange(len(mice), dtype=float)).drop(columns="rank")
    return found


def _draw(axes: Axes, study: Study, events: pd.DataFrame, mice: pd.DataFrame, preset: Preset) -> None:
    rows = events.merge(mice[[*data.MOUSE, "row"]], on=data.MOUSE, how="left", sort=False)
    for group in study.groups:
        some = mice[mice["group"] == group.name]
        if some.empty:
            continue
        first = rows.groupby("row")["cell_day"].min()
        paths = [
            np.array([[min(0.0, float(first[row])), row], [float(last), row]])
            for row, last in zip(some["row"], some["last"], strict=True)
        ]
        axes.add_collection(marks.lines(paths, group, some[data.MOUSE].to_numpy(dtype=str)))
        for kind, marker, _ in EVENTS:
            here = rows[(rows["group"] == group.name) & (rows["event"] == kind)]
            if len(here):
                # Open, so that a scan on the day of the dissection stays visible.
                drawn = axes.scatter(here["cell_day"], here["row"], s=9.0, marker=marker, linewidths=0.8, zorder=3)
                drawn.set_edgecolor(group.colour)
                drawn.set_facecolor("none" if marker == "s" else group.colour)
                drawn.set_label(f"_{kind}")
                marks.tag(drawn, group, here[data.MOUSE].to_numpy(dtype=str))
    axes.set_ylim(len(mice) - 0.4, -0.6)
    axes.autoscale(axis="x")
    axes.set_xlabel("Time since cells (days)")
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    several = mice["cohort"].nunique() > 1
    if len(mice) <= MOST_NAMED:
        pairs = mice[data.MOUSE].to_numpy()
        names = [shortened(f"{cohort} {animal}" if several else str(animal)) for cohort, animal in pairs]
        axes.set_yticks(mice["row"], names, fontsize=preset.min_size_pt)
    else:
        groups = mice.groupby("group", sort=False)["row"].mean()
        axes.set_yticks(list(groups), list(groups.index))


def _key(figure: Figure, events: pd.DataFrame, groups: list[style.Group]) -> None:
    handles = [Line2D([], [], color=group.colour, label=group.name, linewidth=1.2) for group in groups]
    handles += [
        Line2D([], [], linestyle="", marker=marker, markersize=3, color=marks.GREY, label=word)
        for kind, marker, word in EVENTS
        if (events["event"] == kind).any()
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=min(len(handles), 6), borderaxespad=0.2)
