"""The section about cells: calibration, fits, parameters, the choice of the model."""

from __future__ import annotations

import pandas as pd

from cartrace import display
from cartrace.names import MODELS, endpoint_name, in_order
from cartrace.report.beside import limited, p_cell
from cartrace.report.blocks import (
    Answer,
    Block,
    Cell,
    Grid,
    Heading,
    from_table,
    grid,
    plain_grid,
    records,
    source_cell,
)
from cartrace.report.design import source_count
from cartrace.report.study import MAIN, MOUSE, Study

LOG_LOG = ("log_log_slope", "log_log_slope_ci_low", "log_log_slope_ci_high")
FAILURES = {"not_estimable": "not estimable", "not_converged": "not converged", "at_bound": "at a bound"}


def expansion(study: Study) -> list[Block]:
    """Return calibration, fits, parameters, the choice of the model, and what could not be estimated."""
    blocks: list[Block] = [*_chosen(study), *study.drawn("calibration")]
    if len(study.calibration_lines):
        blocks.append(_calibration(study))
    blocks += study.drawn("expansion_fits", "growth_parameters")
    estimates = study.estimates[
        (study.estimates["analysis"] == MAIN) & (study.estimates["model"] == study.chosen_model)
    ]
    groups = estimates[(estimates["level"] == "group") & (estimates["status"] == "ok")]
    if len(groups):
        blocks.append(_parameters(study, groups))
    tests = study.population[(study.population["analysis"] == MAIN) & (study.population["model"] == study.chosen_model)]
    if len(tests):
        blocks.append(_population(study, tests))
    if len(study.selection):
        blocks.append(_selection(study))
    lost = estimates[(estimates["level"] == "animal") & (estimates["status"] != "ok")]
    if len(lost):
        blocks.append(_lost(study, lost))
    failed = study.fits[(study.fits["analysis"] == MAIN) & (study.fits["status"] != "ok")]
    if len(failed):
        labels = {
            "model": "Model",
            "cohort": "Cohort",
            "animal_id": "Mouse",
            "group": "Group",
            "n_points": "Points",
            "n_censored": "Below detection",
            "status": "Outcome",
            "reason": "Why",
        }
        blocks.append(
            plain_grid(
                "Fits without a result",
                failed.sort_values(["model", "cohort", "animal_id"]).replace(
                    {"status": FAILURES, "model": MODELS, "group": study.labels}
                ),
                labels,
                file="tables/fits.csv",
            )
        )
    return blocks


def _chosen(study: Study) -> list[Block]:
    """Return the chosen model, how many mice it fits and how many have a curve, in one sentence."""
    fits = study.fits[study.fits["analysis"] == MAIN]
    if not study.chosen_model:
        if fits.empty or study.settings["study"]["strategy"] != "reporter_gene":
            return []
        fitted, tried = (len(some[MOUSE].drop_duplicates()) for some in (fits[fits["status"] == "ok"], fits))
        return [Answer(f"No model of expansion could be chosen; {fitted} of {tried} mice could be fitted.")]
    fits = fits[fits["model"] == study.chosen_model]
    row = records(study.attrition[study.attrition["group"] == "all"])[0]
    text = (
        f"The study's model is {study.chosen_model.replace('_', '-')}; it could be fitted to {row['fitted']} of "
        f"{len(fits)} mice"
    )
    curves = study.curves[(study.curves["analysis"] == MAIN) & (study.curves["model"] == study.chosen_model)]
    drawn = len(curves.loc[curves["level"] == "animal", MOUSE].drop_duplicates())
    if drawn < row["fitted"]:
        text += f", of which {drawn} have a curve: the scans of the others do not determine a growth rate"
    return [Answer(f"{text}.", from_table("attrition", row, "fitted"))]


def _calibration(study: Study) -> Grid:
    rows, own = [], "calibration_lines"
    for row in records(study.calibration_lines.sort_values("cohort")):
        rows.append(
            [
                Cell(row["cohort"]),
                Cell(row["kind"].replace("_", " ")),
                source_count(own, row, "n_points"),
                source_cell(own, row, "slope", se="slope_se", factor=1e6),
                source_cell(own, row, "slope_se", se="slope_se", factor=1e6),
                source_cell(own, row, "intercept", se="intercept_se"),
                limited(row, table=own, names=LOG_LOG, scale="linear"),
                Cell(
                    f"{display.format_value(row['min_cells'])} to {display.format_value(row['max_cells'])}",
                    source=from_table(own, row, "min_cells", "max_cells"),
                )
                if row["status"] == "ok"
                else Cell(""),
                Cell(row["reason"], tone="warn" if row["reason"] else ""),
            ]
        )
    unit = study.uptake_label.removesuffix("/g")
    labels = (
        "Cohort",
        "Kind",
        "Samples",
        f"Slope ({unit} per 10⁶ cells)",
        "Its SE",
        f"Intercept ({unit})",
        "Log-log slope [95 % CI]",
        "Calibrated cells",
        "Remark",
    )
    headings = [Heading(label, 1 < index < 7) for index, label in enumerate(labels)]
    return grid("Calibration of signal on cells", headings, rows, file="tables/calibration_lines.csv")


def _parameters(study: Study, groups: pd.DataFrame) -> Grid:
    rows = []
    rank = {name: position for position, name in enumerate(study.labels)}
    order = groups.assign(rank=groups["group"].map(rank)).sort_values(["parameter", "rank"])
    for row in records(order):
        estimate = display.format_estimate(row["estimate"], row["ci_low"], row["ci_high"], scale=row["scale"])
        between = from_table("estimates", row, "ci_low", "ci_high")
        rows.append(
            [
                Cell(endpoint_name(row["parameter"])),
                Cell(display.unit_label(row["unit"], uptake_label=study.uptake_label)),
                Cell(study.labels[row["group"]]),
                Cell(estimate[0], repr(row["estimate"]), source=from_table("estimates", row, "estimate")),
                Cell(f"{estimate[1]} to {estimate[2]}", repr(row["ci_low"]), source=between)
                if estimate[1]
                else Cell(""),
                source_count("estimates", row, "n_points"),
            ]
        )
    model = study.chosen_model.replace("_", "-")
    caption = (
        f"Parameters of the model {model} by group: geometric mean over mice (arithmetic where the scale is linear) "
        "and its confidence interval"
    )
    headings = [
        Heading("Parameter"),
        Heading("Unit"),
        Heading("Group"),
        Heading("Mean", True),
        Heading("Interval", True),
        Heading("Mice", True),
    ]
    return grid(caption, headings, rows, file="tables/estimates.csv")


def _population(study: Study, tests: pd.DataFrame) -> Grid:
    rows = []
    for row in records(tests):
        estimate = display.format_estimate(row["estimate"], row["ci_low"], row["ci_high"], scale=row["scale"])
        rows.append(
            [
                Cell(endpoint_name(row["parameter"])),
                Cell(f"{study.labels[row['group_a']]} against {study.labels[row['group_b']]}"),
                Cell(estimate[0], repr(row["estimate"]), source=from_table("population", row, "estimate")),
                Cell(
                    f"{estimate[1]} to {estimate[2]}",
                    repr(row["ci_low"]),
                    source=from_table("population", row, "ci_low", "ci_high"),
                )
                if estimate[1]
                else Cell(""),
                p_cell(row, table="population"),
                Cell(row["p_method"].replace("_", " ")),
                Cell(f"{row['n_a']} vs {row['n_b']}", source=from_table("population", row, "n_a", "n_b")),
                Cell(row["reason"]),
            ]
        )
    caption = (
        f"All mice in one mixed model ({study.chosen_model.replace('_', '-')}): a ratio of what is positive, else a "
        "difference; beside the primary comparison, not in its place"
    )
    headings = [
        Heading("Parameter"),
        Heading("Groups"),
        Heading("Ratio or difference", True),
        Heading("Interval", True),
        Heading("p", True),
        Heading("Its method"),
        Heading("Mice", True),
        Heading("Remark"),
    ]
    return grid(caption, headings, rows, file="tables/population.csv")


def _lost(study: Study, lost: pd.DataFrame) -> Grid:
    rows = []
    for _, some in lost.groupby(["cohort", "animal_id", "status", "reason"], sort=True):
        row = records(some)[0]
        parameters = ", ".join(endpoint_name(name) for name in in_order(set(some["parameter"])))
        counts = (source_count("estimates", row, name) for name in ("n_points", "n_censored"))
        texts = (*study.mouse_cells(row), Cell(study.labels[row["group"]]))
        rows.append([*texts, *counts, Cell(parameters), Cell(row["status"].replace("_", " ")), Cell(row["reason"])])
    headings = [
        Heading("Cohort"),
        Heading("Mouse"),
        Heading("Group"),
        Heading("Points", True),
        Heading("Below detection", True),
        Heading("Parameters"),
        Heading("Outcome"),
        Heading("Why"),
    ]
    caption = f"Parameters of the model {study.chosen_model.replace('_', '-')} that a mouse does not give"
    return grid(caption, headings, rows, file="tables/estimates.csv")


def _selection(study: Study) -> Grid:
    rows = study.selection[study.selection["analysis"] == MAIN].sort_values(["delta_aicc", "model"], na_position="last")
    rows = rows.assign(model=rows["model"].str.replace("_", "-"))
    labels = {
        "model": "Model",
        "chosen": "Chosen",
        "n_animals": "Mice",
        "n_points": "Points",
        "n_parameters": "Parameters",
        "log_likelihood": "Log-likelihood",
        "aicc": "AICc",
        "delta_aicc": "Δ AICc",
        "weight": "Weight",
        "reason": "Remark",
    }
    return plain_grid("One model for the study, by AICc pooled over mice", rows, labels, file="tables/selection.csv")
