"""What figures are drawn from, and the choices that all of them share: which rows are points, which are crosses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.special import stdtrit

from cartrace.figures.style import Group

MAIN = "without_excluded"
MOUSE = ["cohort", "animal_id"]


@dataclass(frozen=True)
class Study:
    """The tables of a study, all cohorts in one frame each, and the settings that figures need."""

    uptake: pd.DataFrame
    ratios: pd.DataFrame
    cells: pd.DataFrame
    calibration: pd.DataFrame
    calibration_lines: pd.DataFrame
    estimates: pd.DataFrame
    curves: pd.DataFrame
    selection: pd.DataFrame
    endpoints: pd.DataFrame
    summaries: pd.DataFrame
    comparisons: pd.DataFrame
    agreement: pd.DataFrame
    animals: pd.DataFrame
    readouts: pd.DataFrame
    tube_activity: pd.DataFrame
    dose_activity: pd.DataFrame
    groups: tuple[Group, ...]
    region: str
    kind: str
    label: str
    confidence: float
    fit_confidence: float

    @property
    def interval(self) -> str:
        """Return the name of the intervals of means and comparisons, e.g. ``95 % confidence interval``."""
        return f"{100 * self.confidence:g} % confidence interval"

    def group(self, name: str) -> Group:
        """Return a group by its name."""
        return next(group for group in self.groups if group.name == name)


@dataclass(frozen=True)
class Checks:
    """The tables beside the declared comparison that figures show."""

    forest: pd.DataFrame
    sensitivity: pd.DataFrame
    power: pd.DataFrame


@dataclass(frozen=True)
class Drawing:
    """A figure with the words and the data that belong to it: `source` has what is drawn, a table a panel or kind."""

    figure: Figure
    title: str
    caption: str
    alt: str
    source: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def followed_from(animals: pd.DataFrame) -> pd.Series:
    """Return the zero of each mouse's cell clock: the cells, or the enrolment of a mouse that got none."""
    return animals["cells_infused_at"].where(animals["cells_infused_at"] != "", animals["enrolled_at"])


def chosen_model(selection: pd.DataFrame) -> str:
    """Return the study's model of expansion, or an empty text where none was chosen."""
    chosen = selection.loc[(selection["analysis"] == MAIN) & selection["chosen"], "model"]
    return str(chosen.iloc[0]) if len(chosen) else ""


def drawn(endpoints: pd.DataFrame, **where: str) -> pd.DataFrame:
    """Return the values of an endpoint that are drawn, one row per mouse.

    Parameters
    ----------
    endpoints : DataFrame
        The table of endpoints.
    **where : str
        Values that columns must have, e.g. ``endpoint="peak"``.

    Returns
    -------
    DataFrame
        Rows of the analysis without excluded mice, and the excluded rows of the analysis of all (``excluded``).
    """
    some = rows(endpoints[endpoints["value"].notna()], **where)
    is_main = (some["analysis"] == MAIN) & ~some["excluded"]
    is_cross = (some["analysis"] == "all") & some["excluded"]
    return some[is_main | is_cross]


def critical_levels(uptake: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Return the critical level of each mouse, session, modality and region in the unit of `quantity`."""
    size = {"uptake_pct_id_per_g": "mass_g", "uptake_pct_id_per_ml": "volume_ml"}.get(quantity)
    level = uptake["critical_level_pct_id"] / uptake[size] if size else uptake["critical_level_pct_id"]
    frame = uptake[[*MOUSE, "session", "modality", "region"]].assign(critical_level=level)
    return frame.groupby([*MOUSE, "session", "modality", "region"], as_index=False, sort=True)[
        ["critical_level"]
    ].mean()


def positions(
    values: NDArray[np.float64], limits: NDArray[np.float64], below: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return where values go on a log axis: below detection at the critical level, not positive nowhere (NaN)."""
    placed = np.where(below & np.isfinite(limits), limits, values)
    return np.where(placed > 0, placed, np.nan)


def geometric_interval(values: NDArray[np.float64], *, confidence: float) -> tuple[float, float, float]:
    """Return the geometric mean of positive values and its t interval on the log scale; NaN where there is none.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Positive values of any unit.
    confidence : float
        Level of the interval.

    Returns
    -------
    tuple of float
        Geometric mean, lower and upper limit; limits need two values.
    """
    if len(values) == 0 or bool(np.any(values <= 0)):
        return np.nan, np.nan, np.nan
    logs = np.log(values)
    mean = float(logs.mean())
    if len(values) < 2:
        return float(np.exp(mean)), np.nan, np.nan
    half = float(stdtrit(len(values) - 1, (1 + confidence) / 2)) * float(logs.std(ddof=1)) / len(values) ** 0.5
    return float(np.exp(mean)), float(np.exp(mean - half)), float(np.exp(mean + half))


def order_regions(values: pd.DataFrame, first: str, column: str) -> list[str]:
    """Return regions, the followed one first, then by falling median."""
    medians = values.groupby("region")[column].median().sort_values(ascending=False, kind="stable")
    names = [str(name) for name in medians.index]
    return [name for name in names if name == first] + [name for name in names if name != first]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as dicts."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def rows(frame: pd.DataFrame, **where: Any) -> pd.DataFrame:
    """Return the rows whose columns have the given values."""
    keep = pd.Series(True, index=frame.index)
    for column, value in where.items():
        keep &= frame[column] == value
    return frame[keep]
