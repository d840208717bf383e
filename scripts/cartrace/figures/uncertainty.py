"""What limits each tissue: the relative uncertainty of its uptake by layer."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from cartrace.figures import data, style, words
from cartrace.figures.data import Drawing, Study
from cartrace.figures.style import Preset
from cartrace.limits import LAYERS as NAMES
from cartrace.limits import layers_of

ROW_MM, FRAME_MM = 4.2, 20.0
# Colour and marker of each layer; shapes tell them apart without colour.
LOOKS = (("#000000", "o"), ("#8C8C8C", "s"), ("#8C8C8C", "^"))
LAYERS = tuple((name, *look, label) for (name, label), look in zip(NAMES, LOOKS, strict=True))
TITLES = {"counter": "Gamma counter", "pet": "PET"}


def uncertainty(study: Study, preset: Preset) -> Drawing:
    """Draw the median relative uncertainty of each layer by tissue.

    Parameters
    ----------
    study : Study
        Uses `uptake`.
    preset : Preset
        The journal's preset.

    Returns
    -------
    Drawing
    """
    title = "What limits each tissue"
    layers = layers_of(study.uptake)
    if layers.empty:
        text = "No uptake has a known uncertainty."
        return Drawing(style.nothing(preset, text), title, text, text)
    modalities = [name for name in TITLES if (layers["modality"] == name).any()]
    tallest = max(int((layers["modality"] == name).sum()) for name in modalities)
    figure = style.canvas(preset, width="double", height_mm=FRAME_MM + ROW_MM * tallest)
    columns = figure.subplots(1, len(modalities), squeeze=False)[0]
    limits = style.log_limits([100.0 * value for name, *_ in LAYERS for value in layers[name]])
    for axes, modality in zip(columns, modalities, strict=True):
        _panel(axes, data.rows(layers, modality=modality), TITLES[modality], limits)
    handles = [
        Line2D([], [], linestyle="", marker=marker, color=colour, markersize=3, label=label)
        for _, colour, marker, label in LAYERS
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=3, borderaxespad=0.2)
    caption = (
        "Median over all values of a tissue of the relative standard uncertainty of its uptake, by layer: what belongs "
        "to the tube or region alone (counting, mass), what the mouse's dose brings into all of its tissues, what "
        "standards and calibration bring into the whole study. The layer furthest to the right limits the tissue. "
        "Counted are values above detection."
    )
    alt = f"{title}, percent: " + "; ".join(_alt(layers[layers["modality"] == name], name) for name in modalities)
    return Drawing(figure, title, caption, f"{alt}.", {"layers": layers})


def _panel(axes: Axes, some: pd.DataFrame, title: str, limits: tuple[float, float]) -> None:
    at = np.arange(len(some))
    style.log_axis(axes.xaxis, low=limits[0], high=limits[1], most_ticks=5)
    for name, colour, marker, _ in LAYERS:
        axes.plot(100.0 * some[name], at, linestyle="", marker=marker, markersize=3, color=colour, label=f"_{name}")
    for row in at:
        axes.axhline(float(row), color="#DDDDDD", linewidth=0.3, zorder=0)
    axes.set_yticks(at, [str(region) for region in some["region"]])
    axes.set_ylim(len(some) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_title(title)
    axes.set_xlabel("Relative uncertainty (%)")


def _alt(some: pd.DataFrame, modality: str) -> str:
    parts = [
        f"{row['region']} {words.number(100.0 * row['total'])}, limited by {row['limited_by']}"
        for row in data.records(some)
    ]
    return f"{TITLES[modality]}: {', '.join(parts)}"
