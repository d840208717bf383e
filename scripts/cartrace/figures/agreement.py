"""PET against the counter in the same mice: ratio over geometric mean, with bias and limits of agreement."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cartrace.figures import data, marks, style, words
from cartrace.figures.data import Drawing, Study
from cartrace.figures.style import Preset

MOST_PANELS = 6
PANEL_MM = 50.0


def agreement(study: Study, preset: Preset) -> Drawing:
    """Draw the log-ratio Bland-Altman plot of each region and session.

    Parameters
    ----------
    study : Study
        Uses `agreement`, `uptake`.
    preset : Preset
        The journal's preset.

    Returns
    -------
    Drawing
    """
    title = "PET against counter"
    found = data.rows(study.agreement, analysis=data.MAIN)
    panels = [(row, pairs(study.uptake, row)) for row in data.records(found)]
    panels = [(row, frame) for row, frame in panels if len(frame)]
    if not panels:
        text = "No mouse has the same region by PET and by the counter."
        return Drawing(style.nothing(preset, text), title, text, text)
    panels.sort(key=lambda panel: (panel[0]["region"] != study.region, panel[0]["region"], panel[0]["session"]))
    shown, hidden = panels[:MOST_PANELS], [f"{row['region']}, {row['session']}" for row, _ in panels[MOST_PANELS:]]
    points = pd.concat([frame for _, frame in shown])
    groups = [group for group in study.groups if (points["group"] == group.name).any()]
    n_rows, columns = marks.grid(len(shown), most_columns=3)
    figure = style.canvas(preset, width="double" if columns > 1 else "single", height_mm=10 + PANEL_MM * n_rows)
    axes_of = figure.subplots(n_rows, columns, squeeze=False).ravel()
    for axes in axes_of[len(shown) :]:
        axes.set_axis_off()
    for axes, (row, frame) in zip(axes_of, shown, strict=False):
        _panel(axes, row, frame, study, preset)
    marks.key(figure, groups, below=False, excluded=bool(points["excluded"].any()), style=preset)
    caption = " ".join(
        [
            "Ratio of the uptake by PET to that by the gamma counter in the same mouse and session,",
            "over their geometric mean.",
            words.MOUSE_IS_A_POINT,
            "Solid: geometric mean of the ratio; dashed: 95 % limits of agreement; bands: their confidence intervals;",
            "grey line: no difference.",
            words.key_of_groups(groups, points),
            words.marks(points.assign(is_below_detection=False)),
            words.left_out("Not drawn for lack of room, but in the tables", hidden),
        ]
    )
    alt = f"{title}: " + "; ".join(_alt(row) for row, _ in shown) + "."
    agreed = pd.DataFrame([row for row, _ in shown])
    tagged = [frame.assign(region=row["region"], session=row["session"]) for row, frame in shown]
    source = {"points": pd.concat(tagged, ignore_index=True), "agreement": agreed}
    return Drawing(figure, title, words.tidy(caption), alt, source)


def pairs(uptake: pd.DataFrame, row: dict[str, Any]) -> pd.DataFrame:
    """Return the mice of a row of the agreement table, detected both ways: mean and ratio of the two methods."""
    quantity = str(row["quantity"])
    keep = (uptake["region"] == row["region"]) & (uptake["session"] == row["session"]) & (uptake["status"] == "ok")
    some = uptake[keep & ~uptake["is_below_detection"]]
    pet = some[some["modality"] == "pet"].assign(value=lambda frame: frame[quantity])
    counter = some[some["modality"] == "counter"].assign(value=lambda frame: frame["uptake_pct_id_per_g"])
    sides = []
    for side in (pet, counter):
        grouped = side[side["value"] > 0].groupby([*data.MOUSE, "group"], as_index=False, sort=True)
        sides.append(
            grouped.agg(
                value=("value", "mean"), excluded=("excluded", "any"), exclusion_reason=("exclusion_reason", "max")
            )
        )
    joined: pd.DataFrame = sides[0].merge(sides[1], on=[*data.MOUSE, "group"], suffixes=("_pet", "_counter"))
    reason = joined["exclusion_reason_pet"].where(
        joined["exclusion_reason_pet"] != "", joined["exclusion_reason_counter"]
    )
    return joined.assign(
        ratio=joined["value_pet"] / joined["value_counter"],
        middle=np.sqrt(joined["value_pet"] * joined["value_counter"]),
        excluded=joined["excluded_pet"] | joined["excluded_counter"],
        exclusion_reason=reason,
    )


def _panel(axes: Axes, row: dict[str, Any], frame: pd.DataFrame, study: Study, preset: Preset) -> None:
    columns = ("ratio", "limit_low", "limit_high")
    bounds = [float(row[f"{name}_ci_{side}"]) for name in columns for side in ("low", "high")]
    low, high = style.log_limits([*frame["ratio"], 1.0, *bounds])
    style.log_axis(axes.yaxis, low=low, high=high)
    x_low, x_high = style.log_limits(list(frame["middle"]))
    style.log_axis(axes.xaxis, low=x_low, high=x_high, most_ticks=4)
    axes.axhline(1.0, color="#999999", linewidth=0.5, zorder=1)
    if row["status"] == "ok":
        for name in columns:
            axes.axhspan(
                float(row[f"{name}_ci_low"]),
                float(row[f"{name}_ci_high"]),
                color="#56B4E9",
                alpha=0.18,
                linewidth=0,
                zorder=0,
            )
            dash = "-" if name == "ratio" else (0, (3, 2))
            axes.axhline(float(row[name]), color="#000000", linewidth=0.8, linestyle=dash, label=f"_{name}", zorder=2)
    else:
        axes.text(
            0.03,
            0.03,
            f"not estimable: {row['reason']}",
            transform=axes.transAxes,
            fontsize=preset.min_size_pt,
            wrap=True,
        )
    for group in study.groups:
        some = frame[frame["group"] == group.name]
        if len(some):
            x, y = (some[name].to_numpy(dtype=float) for name in ("middle", "ratio"))
            excluded = some["excluded"].to_numpy(dtype=bool)
            marks.mice(axes, x, y, group=group, excluded=excluded, below=np.zeros(len(some), dtype=bool), who=some)
    unit = "%ID/g" if row["quantity"] == "uptake_pct_id_per_g" else "%ID/mL and %ID/g"
    axes.set_title(f"{row['region']}, {row['session']} (n = {row['n']})")
    axes.set_xlabel(f"Geometric mean ({unit.replace('%ID', study.label.removesuffix('/g'))})")
    axes.set_ylabel("PET / counter")


def _alt(row: dict[str, Any]) -> str:
    if row["status"] != "ok":
        return f"{row['region']}, {row['session']}: not estimable, {row['reason']}"
    ratio = words.with_interval(
        {"centre": row["ratio"], "low": row["ratio_ci_low"], "high": row["ratio_ci_high"], "n": row["n"]}
    )
    limits = " to ".join(words.number(float(row[name])) for name in ("limit_low", "limit_high"))
    return f"{row['region']}, {row['session']}: PET over counter {ratio}, limits of agreement {limits}"
