"""The script that a lab would write for a simulated study: pandas and lmfit, a loop over mice, one process.

It reads the sheets and exports, corrects decay and background, divides by the dose, turns uptake into cells by one
regression, fits four curves to every mouse by lmfit, compares two groups tissue by tissue, draws one figure and writes
three tables; on request with profile intervals, and with a page of curves and bands for every mouse. It checks nothing,
propagates no uncertainty and knows no detection limit. For the comparison of times in docs/performance.md; its numbers
are used for nothing.
"""

from __future__ import annotations

import argparse
import warnings
from contextlib import nullcontext
from pathlib import Path

import lmfit
import matplotlib as mpl
import numpy as np
import pandas as pd
from scipy import stats

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.backends.backend_pdf import PdfPages

HALF_LIFE_S = 6586.2


def decayed(activity: pd.Series, taken: pd.Series, at: pd.Series) -> pd.Series:
    return activity * 2.0 ** (-(at - taken).dt.total_seconds() / HALF_LIFE_S)


def exponential(t: np.ndarray, a: float, r: float) -> np.ndarray:
    return a + r * t


def logistic(t: np.ndarray, k: float, r: float, m: float) -> np.ndarray:
    return k - np.logaddexp(0.0, -r * (t - m))


def gompertz(t: np.ndarray, a: float, r: float, k: float) -> np.ndarray:
    return k + (a - k) * np.exp(-abs(r) * t)


def expansion_contraction(t: np.ndarray, a: float, r: float, c: float, p: float) -> np.ndarray:
    return a + np.where(t < p, r * t, r * p - c * (t - p))


MODELS = {
    exponential: {"a": 12.0, "r": 0.3},
    logistic: {"k": 16.0, "r": 0.4, "m": 8.0},
    gompertz: {"a": 12.0, "r": 0.1, "k": 16.0},
    expansion_contraction: {"a": 12.0, "r": 0.4, "c": 0.1, "p": 10.0},
}


def read_doses(folder: Path) -> pd.DataFrame:
    times = ["full_at", "injected_at", "residual_at", "tail_at"]
    doses = pd.read_csv(folder / "doses.csv", parse_dates=times)
    at = doses["injected_at"]
    parts = [decayed(doses[f"{name}_activity [MBq]"], doses[f"{name}_at"], at) for name in ("full", "residual", "tail")]
    doses["dose_kbq"] = 1000.0 * (parts[0] - parts[1].fillna(0.0) - parts[2].fillna(0.0))
    return doses[["animal_id", "session", "injected_at", "dose_kbq"]]


def read_pet(folder: Path, doses: pd.DataFrame) -> pd.DataFrame:
    scans = pd.read_csv(folder / "scans.csv", parse_dates=["started_at"]).merge(doses, on=["animal_id", "session"])
    if "animal_label" not in scans:
        scans["animal_label"] = scans["animal_id"]
    rows = []
    for name, of_file in scans.groupby("file"):
        export = pd.read_csv(folder / "pet" / str(name), sep="\t", skiprows=8, header=None)
        by_label = dict(list(export.groupby(3)))
        for scan in of_file.itertuples():
            mouse = by_label[scan.animal_label]
            back = 2.0 ** ((scan.started_at - scan.injected_at).total_seconds() / HALF_LIFE_S)
            for region, kbq_per_ml, volume_ml in zip(mouse[9], mouse[11], mouse[13], strict=True):
                uptake = 100.0 * kbq_per_ml * back / scan.dose_kbq
                rows.append((scan.animal_id, scan.session, region.lower(), uptake, uptake * volume_ml))
    return pd.DataFrame(rows, columns=["animal_id", "session", "region", "pct_id_per_ml", "pct_id"])


def read_counter(folder: Path, doses: pd.DataFrame) -> pd.DataFrame:
    tubes = pd.read_csv(folder / "tubes.csv", parse_dates=["standard_at"])
    rows = []
    for name, of_run in tubes.groupby("counter_file"):
        counts = pd.read_csv(folder / "counter" / str(name), parse_dates=["Measurement date & time"])
        counts = counts.rename(columns={"Rack": "rack", "Pos": "position", "Measurement date & time": "counted_at"})
        run = of_run.merge(counts, on=["rack", "position"])
        run["cps"] = run["F-18 Counts"] / run["Time"]
        run["cps"] -= run.loc[run["role"] == "blank", "cps"].mean()
        standard = run[(run["role"] == "standard") & run["standard_activity [MBq]"].notna()]
        known = decayed(standard["standard_activity [MBq]"], standard["standard_at"], standard["counted_at"])
        run["kbq"] = 1000.0 * run["cps"] / (standard["cps"] / known).mean()
        rows.append(run[run["tissue"].notna()])
    found = pd.concat(rows).merge(doses, on=["animal_id", "session"])
    at_injection = decayed(found["kbq"], found["counted_at"], found["injected_at"])
    found["pct_id_per_g"] = 100.0 * at_injection / found["dose_kbq"] / (found["gross [g]"] - found["tare [g]"])
    return found[["animal_id", "session", "tissue", "pct_id_per_g"]]


def count_cells(pet: pd.DataFrame, animals: pd.DataFrame, calibration: pd.DataFrame) -> pd.DataFrame:
    signal = calibration["uptake_pct_id"] - calibration["background_pct_id"]
    line = stats.linregress(np.log(calibration["cells"]), np.log(signal))
    tumour = pet[pet["region"] == "tumor"].merge(animals, on="animal_id")
    background = tumour[tumour["group"] == "UTD"].groupby("session")["pct_id"].mean()
    net = tumour["pct_id"] - tumour["session"].map(background)
    tumour["log_cells"] = (np.log(net.where(net > 0)) - line.intercept) / line.slope
    tumour["day"] = tumour["session"].str[1:].astype(float)
    return tumour[(tumour["group"] != "UTD") & tumour["log_cells"].notna()]


def fit(cells: pd.DataFrame, *, intervals: bool, pages: PdfPages | None) -> pd.DataFrame:
    rows = []
    for (animal, group), mouse in cells.groupby(["animal_id", "group"]):
        fits = []
        for curve, start in MODELS.items():
            if len(mouse) <= len(start):
                continue
            model = lmfit.Model(curve)
            try:
                found = model.fit(mouse["log_cells"].to_numpy(), t=mouse["day"].to_numpy(), **start)
            except ValueError:  # the curve left the numbers
                continue
            fits.append(found)
            limits = {}
            if intervals:
                try:
                    limits = found.conf_interval(sigmas=[2])
                except (ValueError, lmfit.MinimizerException):
                    limits = {}
            for name, parameter in found.params.items():
                low, high = (limits[name][0][1], limits[name][-1][1]) if name in limits else (np.nan, np.nan)
                rows.append(
                    (animal, group, curve.__name__, name, parameter.value, parameter.stderr, low, high, found.aic)
                )
        if pages and fits:
            draw(fits, f"{animal}, {group}", pages)
    columns = ["animal_id", "group", "model", "parameter", "estimate", "se", "ci_low", "ci_high", "aic"]
    return pd.DataFrame(rows, columns=columns)


def draw(fits: list[lmfit.model.ModelResult], title: str, pages: PdfPages) -> None:
    figure, panels = plt.subplots(2, 2, figsize=(7, 5), sharex=True, sharey=True, layout="constrained")
    figure.suptitle(title)
    for panel, found in zip(panels.flat, fits, strict=False):
        days = np.linspace(found.userkws["t"].min(), found.userkws["t"].max(), 101)
        curve = found.eval(t=days)
        panel.plot(found.userkws["t"], found.data, "o")
        panel.plot(days, curve)
        if found.covar is not None:
            band = found.eval_uncertainty(t=days, sigma=2)
            panel.fill_between(days, curve - band, curve + band, alpha=0.3)
        panel.set(xlabel="day", ylabel="ln cells", ylim=(found.data.min() - 1.0, found.data.max() + 1.0))
        panel.set_title(found.model.func.__name__)
    pages.savefig(figure)
    plt.close(figure)


def compare(counter: pd.DataFrame, fits: pd.DataFrame) -> pd.DataFrame:
    rates = fits[(fits["model"] == "exponential") & (fits["parameter"] == "r")]
    sets = {"growth rate": (rates["group"], rates["estimate"])}
    sets |= {str(name): (rows["group"], np.log(rows["pct_id_per_g"])) for name, rows in counter.groupby("tissue")}
    rows = []
    for name, (group, value) in sets.items():
        test = stats.ttest_ind(value[group == "CAR"], value[group == "NT"], equal_var=False, nan_policy="omit")
        rows.append((name, test.statistic, test.pvalue))
    return pd.DataFrame(rows, columns=["what", "t", "p"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("--intervals", action="store_true", help="profile intervals by lmfit.conf_interval")
    parser.add_argument("--pages", action="store_true", help="a page of curves for every mouse")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    everything = []
    for folder in sorted(path.parent for path in options.study.glob("*/animals.csv")):
        animals = pd.read_csv(folder / "animals.csv")[["animal_id", "group"]]
        doses = read_doses(folder)
        pet, counter = read_pet(folder, doses), read_counter(folder, doses).merge(animals, on="animal_id")
        cells = count_cells(pet, animals, pd.read_csv(folder / "calibration.csv"))
        everything.append((pet, counter, cells))
    pet, counter, cells = (pd.concat(parts, ignore_index=True) for parts in zip(*everything, strict=True))
    out = options.study / "plain"
    out.mkdir(exist_ok=True)
    with PdfPages(out / "mice.pdf") if options.pages else nullcontext() as pages:
        fits = fit(cells, intervals=options.intervals, pages=pages)
    for name, frame in (("uptake", counter), ("fits", fits), ("tests", compare(counter, fits))):
        frame.to_csv(out / f"{name}.csv", index=False)
    for _, mouse in cells.groupby("animal_id"):
        plt.semilogy(mouse["day"], np.exp(mouse["log_cells"]), color={"CAR": "C1", "NT": "C0"}[mouse["group"].iloc[0]])
    plt.savefig(out / "cells.pdf")


if __name__ == "__main__":
    main()
