"""The calibration: signal of known numbers of cells, the line through them and its limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.special import stdtrit

from cartrace.figures import data, marks, style, words
from cartrace.figures.data import Drawing, Study
from cartrace.figures.style import COLOURS, Preset

MOST_PANELS = 6
PANEL_MM = 52.0


def calibration(study: Study, preset: Preset) -> Drawing:
    """Draw the calibration of each cohort on log axes.

    Parameters
    ----------
    study : Study
        Uses `calibration`, `calibration_lines`, `cells`, `kind`.
    preset : Preset
        The journal's preset.

    Returns
    -------
    Drawing
    """
    title = "Calibration"
    samples = data.rows(study.calibration, kind=study.kind)
    if samples.empty:
        text = f"The study has no calibration samples of the kind {study.kind}."
        return Drawing(style.nothing(preset, text), title, text, text)
    samples = samples.assign(net_pct_id=samples["uptake_pct_id"] - samples["background_pct_id"].fillna(0.0))
    lines = {str(row["cohort"]): row for row in data.records(study.calibration_lines)}
    cohorts = sorted(samples["cohort"].unique())
    shown = cohorts[:MOST_PANELS]
    samples = samples[samples["cohort"].isin(shown)]
    n_rows, n_columns = marks.grid(len(shown), most_columns=3)
    figure = style.canvas(preset, width="double" if n_columns > 1 else "single", height_mm=4 + PANEL_MM * n_rows)
    panels = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    detection = study.cells.groupby("cohort")["detection_limit_cells"].median()
    for axes, cohort in zip(panels, shown, strict=False):
        _panel(
            axes,
            samples[samples["cohort"] == cohort],
            lines.get(cohort),
            float(detection.get(cohort, np.nan)),
            study,
            preset,
        )
    lost = int(((samples["cells"] <= 0) | (samples["net_pct_id"] <= 0)).sum())
    kind = {"in_vivo": "in vivo", "in_vitro": "in vitro"}[study.kind]
    caption = " ".join(
        [
            f"Uptake of known numbers of cells {kind}, background subtracted; one point a sample,",
            f"{len(samples)} samples of {words.listed(shown)}.",
            "Line and band: weighted least squares (weights 1/signal²) and",
            f"{100 * study.fit_confidence:g} % confidence band of the line. Grey: calibrated range.",
            "Dashed: median detection limit of the study's scans, in cells.",
            f"{lost} sample{'s' if lost > 1 else ''} of zero cells or zero signal cannot stand on log axes."
            if lost
            else "",
            words.left_out("Not drawn for lack of room, but in the tables", cohorts[MOST_PANELS:]),
        ]
    )
    alt = "; ".join(_alt(cohort, lines.get(cohort)) for cohort in shown)
    source = {"samples": samples, "lines": study.calibration_lines}
    return Drawing(figure, title, words.tidy(caption), f"{title}: {alt}.", source)


def _panel(
    axes: Axes, samples: pd.DataFrame, line: dict[str, Any] | None, detection: float, study: Study, preset: Preset
) -> None:
    good = samples[(samples["cells"] > 0) & (samples["net_pct_id"] > 0)]
    low, high = style.log_limits([*good["cells"], detection])
    style.log_axis(axes.xaxis, low=low, high=high, most_ticks=5)
    extent = list(good["net_pct_id"])
    if line is not None and line["status"] == "ok":
        grid = np.geomspace(low, high, 120)
        fitted, half = line_band(grid, line, confidence=study.fit_confidence)
        axes.axvspan(
            max(float(line["min_cells"]), low),
            float(line["max_cells"]),
            color="#EEEEEE",
            zorder=0,
            linewidth=0,
        )
        floor = min(extent) / 3 if extent else 1e-9
        axes.fill_between(
            grid,
            np.maximum(fitted - half, floor / 10),
            np.maximum(fitted + half, floor / 10),
            color=COLOURS[0],
            alpha=0.25,
            linewidth=0,
        )
        positive = fitted > 0
        axes.plot(grid[positive], fitted[positive], color=COLOURS[0], label="_calibration-line")
        extent += [value for value in fitted if value > floor]
        slope = words.with_interval(
            {
                "centre": line["log_log_slope"],
                "low": line["log_log_slope_ci_low"],
                "high": line["log_log_slope_ci_high"],
                "n": line["n_points"],
            }
        )
        axes.set_title(f"{samples['cohort'].iloc[0]}: log-log slope {slope}")
    else:
        reason = "no line" if line is None else str(line["reason"])
        axes.set_title(str(samples["cohort"].iloc[0]))
        style.say(axes, f"Not estimable: {reason}", size_pt=preset.min_size_pt)
    style.log_axis(axes.yaxis, low=style.log_limits(extent)[0], high=style.log_limits(extent, margin=0.12)[1])
    axes.scatter(
        good["cells"], good["net_pct_id"], s=marks.POINT_AREA, color="#000000", zorder=3, label="_samples", linewidths=0
    )
    if np.isfinite(detection):
        axes.axvline(detection, color="#000000", linewidth=0.6, linestyle=(0, (3, 2)), label="_detection-limit")
    axes.set_xlabel("Cells")
    axes.set_ylabel(f"Uptake ({study.label.removesuffix('/g')})")


def line_band(
    cells: NDArray[np.float64], line: dict[str, Any], *, confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the calibration line at `cells` [%ID] and the half width of its confidence band [%ID].

    Parameters
    ----------
    cells : ndarray, shape (n,)
        Numbers of cells.
    line : dict
        A row of the table of calibration lines.
    confidence : float
        Level of the band.

    Returns
    -------
    tuple of ndarray, shape (n,)
        Line and half width; the variance is var(intercept) + 2·cells·covariance + cells²·var(slope).
    """
    slope, slope_se, intercept, intercept_se, covariance = (
        float(line[name]) for name in ("slope", "slope_se", "intercept", "intercept_se", "covariance")
    )
    variance = intercept_se**2 + 2 * cells * covariance + (cells * slope_se) ** 2
    quantile = float(stdtrit(int(line["n_points"]) - 2, (1 + confidence) / 2))
    return intercept + slope * cells, quantile * np.sqrt(np.maximum(variance, 0.0))


def _alt(cohort: str, line: dict[str, Any] | None) -> str:
    if line is None or line["status"] != "ok":
        return f"{cohort}: no line" + (f", {line['reason']}" if line is not None else "")
    numbers = {
        name: words.number(float(line[name]))
        for name in ("slope", "slope_se", "intercept", "min_cells", "max_cells", "log_log_slope")
    }
    return (
        f"{cohort}: {line['n_points']} samples of {numbers['min_cells']} to {numbers['max_cells']} cells; "
        f"slope {numbers['slope']} (SE {numbers['slope_se']}) %ID per cell, intercept {numbers['intercept']} %ID, "
        f"log-log slope {numbers['log_log_slope']}"
    )
