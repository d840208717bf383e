"""How figures look: a journal's sizes and fonts, the colour and marker of each group, axes and their numbers."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

MM_PER_INCH = 25.4
PNG_DPI = 200
# More marks than this are drawn as pixels inside the vector figure, so that its size stays bounded.
MOST_VECTOR_MARKS = 3000

# Okabe and Ito's colours without black, which axes and means use, and without yellow, which vanishes on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "h")
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Preset:
    """What a journal asks of a figure."""

    journal: str
    single_mm: float
    double_mm: float
    max_height_mm: float
    font: tuple[str, ...]
    size_pt: float
    min_size_pt: float
    source: str


@dataclass(frozen=True)
class Group:
    """A group of mice as it is drawn: always the same colour and marker."""

    name: str
    role: str
    label: str
    colour: str
    marker: str


def preset(rows: Sequence[str], journal: str) -> Preset:
    """Return a journal's preset from the lines of ``resources/journals.csv``.

    Parameters
    ----------
    rows : sequence of str
        Lines of the file, header first.
    journal : str
        Name of the journal.

    Returns
    -------
    Preset

    Raises
    ------
    KeyError
        The file has no such journal; the config allows only those it has.
    """
    found = {row["journal"]: row for row in csv.DictReader(rows)}
    row = found[journal]
    numbers = {name: float(row[name]) for name in ("single_mm", "double_mm", "max_height_mm", "size_pt", "min_size_pt")}
    return Preset(journal=journal, font=tuple(row["font"].split("|")), source=row["source"], **numbers)


def groups_of(settings: Sequence[Mapping[str, Any]]) -> tuple[Group, ...]:
    """Return the config's groups in its order, each with its colour and marker."""
    return tuple(
        Group(
            name=str(item["name"]),
            role=str(item["role"]),
            label=str(item.get("label") or item["name"]),
            colour=COLOURS[index % len(COLOURS)],
            marker=MARKERS[index % len(MARKERS)],
        )
        for index, item in enumerate(settings)
    )


def context(style: Preset) -> Any:
    """Return the matplotlib context in which a figure of this journal is drawn and saved."""
    return matplotlib.rc_context(
        {
            "font.family": "sans-serif",
            "font.sans-serif": list(style.font),
            "font.size": style.size_pt,
            "axes.titlesize": style.size_pt,
            "axes.labelsize": style.size_pt,
            "xtick.labelsize": max(style.size_pt - 1, style.min_size_pt),
            "ytick.labelsize": max(style.size_pt - 1, style.min_size_pt),
            "legend.fontsize": max(style.size_pt - 1, style.min_size_pt),
            "legend.frameon": False,
            "legend.handletextpad": 0.3,
            "legend.columnspacing": 1.2,
            "axes.linewidth": 0.5,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "lines.linewidth": 0.8,
            "xtick.major.width": 0.5,
            "ytick.major.width": 0.5,
            "xtick.minor.width": 0.3,
            "ytick.minor.width": 0.3,
            "xtick.major.size": 2.5,
            "ytick.major.size": 2.5,
            "xtick.minor.size": 1.5,
            "ytick.minor.size": 1.5,
            "figure.constrained_layout.h_pad": 0.02,
            "figure.constrained_layout.w_pad": 0.02,
            "savefig.dpi": PNG_DPI,
            # The layout is made at the resolution of the PNG: at a coarser one the hinted letters are narrower.
            "figure.dpi": PNG_DPI,
            "svg.fonttype": "none",
            "svg.hashsalt": "cartrace",
            "pdf.fonttype": 42,
            "text.usetex": False,
            "text.parse_math": False,
        }
    )


def canvas(style: Preset, *, width: str, height_mm: float) -> Figure:
    """Return an empty figure of the journal's single or double width.

    Parameters
    ----------
    style : Preset
        The journal's preset.
    width : str
        ``single`` or ``double``.
    height_mm : float
        Wanted height [mm]; the journal's greatest height bounds it.

    Returns
    -------
    Figure
    """
    width_mm = style.single_mm if width == "single" else style.double_mm
    return Figure(
        figsize=(width_mm / MM_PER_INCH, min(height_mm, style.max_height_mm) / MM_PER_INCH), layout="constrained"
    )


def settle(figure: Figure) -> None:
    """Lay a figure out once, for all the formats that it is saved in."""
    figure.draw_without_rendering()
    # Not "none": matplotlib draws a figure that has any engine, also that one, twice for each format.
    figure.set_layout_engine(None)


def plain_number(value: float) -> str:
    """Return an axis number: plain between 0.001 and 1000, else as a power of ten."""
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)) + 1e-9)
    if -4 < exponent < 4:
        return f"{value:.10g}".replace("-", "−")
    mantissa = f"{value / 10**exponent:.3g}"
    power = f"10{str(exponent).translate(_SUPERSCRIPTS)}"
    return power if mantissa == "1" else f"{mantissa}×{power}"


def log_axis(axis: Axis, *, low: float, high: float, most_ticks: int = 6, minor: bool = True) -> None:
    """Put a log scale from `low` to `high` on an axis, labelled at decades, or at 1, 2, 5 where decades are few.

    Parameters
    ----------
    axis : Axis
        ``axes.xaxis`` or ``axes.yaxis``.
    low, high : float
        Limits, positive.
    most_ticks : int
        Most labels that fit.
    minor : bool
        Whether there is room for ticks between the labels.
    """
    if axis is axis.axes.xaxis:
        axis.axes.set_xscale("log")
        axis.axes.set_xlim(low, high)
    else:
        axis.axes.set_yscale("log")
        axis.axes.set_ylim(low, high)
    ticks = log_ticks(low, high, most_ticks)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))
    axis.set_minor_locator(LogLocator(subs=range(2, 10), numticks=50) if minor else NullLocator())
    axis.set_minor_formatter(NullFormatter())


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Return round numbers between `low` and `high` for a log axis, two or more and at most `most`.

    Parameters
    ----------
    low, high : float
        Limits, positive.
    most : int
        Most labels that fit.

    Returns
    -------
    list of float
        Powers of ten where there are three, else with 3, or 2 and 5 between them, else round steps.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    fewer: list[float] = []
    for mantissas in ((1,), (1, 3), (1, 2, 5)):
        ticks = [m * 10.0**e for e in range(first, last + 1) for m in mantissas if low <= m * 10.0**e <= high]
        if len(ticks) > most and len(fewer) > 1:
            return fewer
        if len(ticks) > most:
            return ticks[:: math.ceil(len(ticks) / most)]
        if len(ticks) > 2:
            return ticks
        fewer = ticks
    # The locator counts intervals, and may give more than it is asked for.
    found = [_round_steps(low, high, intervals) for intervals in range(1, most + 2)]
    fitting = [ticks for ticks in found if 1 <= len(ticks) <= most]
    return max(fitting, key=len) if fitting else found[-1][:: math.ceil(len(found[-1]) / most)]


def _round_steps(low: float, high: float, intervals: int) -> list[float]:
    steps = MaxNLocator(intervals, steps=[1, 2, 5, 10]).tick_values(low, high)
    return [float(f"{tick:.6g}") for tick in steps if low <= tick <= high and tick > 0]


def log_limits(values: Sequence[float], *, margin: float = 0.06) -> tuple[float, float]:
    """Return limits of a log axis around all positive finite values, with a margin; (0.1, 10) without any."""
    good = [math.log10(value) for value in values if math.isfinite(value) and value > 0]
    if not good:
        return 0.1, 10.0
    span = max(max(good) - min(good), 0.12)
    middle = (max(good) + min(good)) / 2
    half = span / 2 + margin * span
    return float(10 ** (middle - half)), float(10 ** (middle + half))


def say(axes: Axes, text: str, *, size_pt: float) -> None:
    """Write a sentence into the middle of axes that have nothing to show."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=size_pt, wrap=True)


def nothing(style: Preset, text: str) -> Figure:
    """Return a figure that says why there is nothing to draw."""
    figure = canvas(style, width="single", height_mm=30)
    axes = figure.add_subplot()
    axes.set_axis_off()
    say(axes, text, size_pt=style.size_pt)
    return figure
