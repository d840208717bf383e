"""Peak, areas and terminal half-lives without a model, against what Phoenix WinNonlin gives for the same points."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cartrace.noncompartmental import areas, terminal

TRUTH = Path(__file__).parents[1] / "data" / "truth"
EXPECTED = json.loads((TRUTH / "nca_winnonlin.json").read_text(encoding="utf-8"))["expected"]


def subjects(name):
    if name == "Theoph":
        frame = pd.read_csv(TRUTH / "nlslist_theoph_ssfol.csv").rename(columns={"Time": "time"})
    else:
        frame = pd.read_csv(TRUTH / "nlslist_indometh_ssbiexp.csv")
    for subject, part in frame.groupby("Subject"):
        yield int(subject), part["time"].to_numpy(dtype=float), part["conc"].to_numpy(dtype=float)


def with_start(day, response):
    """A bolus has its highest value at time 0: the line of the first two log values, carried back."""
    slope = (np.log(response[1]) - np.log(response[0])) / (day[1] - day[0])
    return np.append(0.0, day), np.append(np.exp(np.log(response[0]) - slope * day[0]), response)


@pytest.mark.parametrize("name", ["Theoph", "Indometh"])
@pytest.mark.parametrize("rule", ["linear", "log"])
def test_areas_peaks_and_half_lives_are_those_of_winnonlin(name, rule):
    expected = {row["Subject"]: row for row in EXPECTED[f"{name}_{rule.capitalize()}"]}
    seen = 0
    for subject, day, response in subjects(name):
        row = expected[subject]
        top = int(np.argmax(response))
        assert (response[top], day[top]) == (row["Cmax"], row["Tmax"])
        if name == "Indometh":
            day, response = with_start(day, response)  # noqa: PLW2901
        last = terminal(day, response)
        assert last.n_points == row["No_points_lambda_z"]
        assert last.rate == pytest.approx(row["Lambda_z"], rel=2e-8)
        assert np.log(2.0) / last.rate == pytest.approx(row["HL_Lambda_z"], rel=2e-8)
        assert last.r_squared_adjusted == pytest.approx(row["Rsq_adjusted"], rel=2e-8)
        assert areas(day, response, rule=rule).sum() == pytest.approx(row["AUClast"], rel=5e-9)
        seen += 1
    assert seen == len(expected) >= 6
