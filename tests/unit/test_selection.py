"""The choice between models: AICc by hand, the mice that count, and whether the true model is found."""

import numpy as np
import pandas as pd
import pytest
from kinetics import simulated

from cartrace import tables
from cartrace.expansion import fit_rows, fit_study
from cartrace.expansion_points import Scatter, mice_of
from cartrace.selection import aicc, points_needed, select

COMPARED = ["logistic", "gompertz", "expansion_contraction"]
PARAMETERS = {"exponential": 2, "logistic": 3, "gompertz": 3, "expansion_contraction": 4}


def fits_of(**log_likelihoods):
    """One row per mouse and model; a missing log-likelihood is a mouse that does not take part."""
    rows = []
    for model, values in log_likelihoods.items():
        for number, value in enumerate(values):
            rows.append(
                {
                    "model": model,
                    "analysis": "all",
                    "cohort": "C01",
                    "animal_id": f"M{number}",
                    "group": "CAR",
                    "n_points": 6,
                    "n_censored": 0,
                    "n_parameters": PARAMETERS[model],
                    "sigma": 0.2,
                    "log_likelihood": value,
                    "status": "ok" if np.isfinite(value) else "not_estimable",
                    "reason": "" if np.isfinite(value) else "too few points",
                }
            )
    return pd.DataFrame(rows, columns=tables.Fits.names())


def chosen(selection, analysis="all"):
    rows = selection[(selection["analysis"] == analysis) & selection["chosen"]]
    return rows["model"].tolist()


def test_aicc_by_hand():
    assert aicc(-10.0, 4, 12) == pytest.approx(20.0 + 8.0 + 40.0 / 7.0)


@pytest.mark.parametrize("n_points", [4, 5])
def test_aicc_is_not_defined_without_points_to_spare(n_points):
    assert np.isnan(aicc(-10.0, 4, n_points))


def test_parameters_are_summed_over_mice_with_one_shared_scatter():
    found = select(fits_of(logistic=[1.0, 2.0, 3.0], gompertz=[0.0, 1.0, 1.5]), not_compared=[]).set_index("model")
    row = found.loc["logistic"]
    assert (row["n_animals"], row["n_points"], row["n_parameters"]) == (3, 18, 10)
    assert row["log_likelihood"] == 6.0
    assert row["aicc"] == pytest.approx(-12.0 + 20.0 + 220.0 / 7.0)
    assert found.loc["gompertz", "delta_aicc"] == pytest.approx(7.0)
    assert found.loc["gompertz", "weight"] == pytest.approx(np.exp(-3.5) / (1 + np.exp(-3.5)))
    assert found["weight"].sum() == pytest.approx(1.0)
    assert found["chosen"].to_dict() == {"logistic": True, "gompertz": False}


def test_only_mice_with_a_likelihood_under_every_model_count():
    found = select(fits_of(logistic=[1.0, 50.0, 3.0], gompertz=[0.0, np.nan, 1.5]), not_compared=[]).set_index("model")
    assert found["n_animals"].tolist() == [2, 2]
    assert found.loc["logistic", "log_likelihood"] == 4.0


def test_a_model_of_another_window_stands_beside():
    found = select(
        fits_of(exponential=[99.0] * 3, logistic=[1.0] * 3, gompertz=[0.5] * 3), not_compared=["exponential"]
    )
    row = found.set_index("model").loc["exponential"]
    assert row["status"] == "not_compared"
    assert "window" in row["reason"]
    assert np.isnan(row["aicc"])
    assert chosen(found) == ["logistic"]


@pytest.mark.parametrize("not_compared", [[], ["exponential"]])
def test_the_only_model_is_chosen(not_compared):
    found = select(fits_of(exponential=[1.0, 2.0]), not_compared=not_compared)
    assert chosen(found) == ["exponential"]
    assert found["status"].tolist() == ["ok"]


def test_the_only_comparable_model_is_chosen():
    found = select(fits_of(exponential=[1.0] * 3, gompertz=[1.0] * 3), not_compared=["exponential"])
    assert chosen(found) == ["gompertz"]


def test_one_mouse_of_one_model_is_chosen_though_aicc_is_not_defined():
    found = select(fits_of(gompertz=[1.0]).assign(n_points=5), not_compared=[])
    assert chosen(found) == ["gompertz"]
    assert found["status"].tolist() == ["ok"]
    assert "not defined" in found["reason"].iloc[0]


def test_a_tie_goes_to_fewer_parameters_then_to_the_order_of_the_config():
    assert chosen(select(fits_of(gompertz=[1.0] * 3, logistic=[1.0] * 3), not_compared=[])) == ["gompertz"]
    assert chosen(select(fits_of(logistic=[1.0] * 3, gompertz=[1.0] * 3), not_compared=[])) == ["logistic"]


def test_nothing_fitted_nothing_chosen():
    nothing = [np.nan, np.nan]
    found = select(fits_of(logistic=nothing, gompertz=nothing), not_compared=[])
    assert chosen(found) == []
    assert found["status"].tolist() == ["not_estimable", "not_estimable"]
    assert found["reason"].str.contains("too few points").all()


def test_a_model_that_fails_everywhere_leaves_the_others_to_be_compared():
    found = select(fits_of(logistic=[1.0] * 3, expansion_contraction=[np.nan] * 3), not_compared=[])
    assert chosen(found) == ["logistic"]
    assert found.set_index("model").loc["expansion_contraction", "status"] == "not_estimable"


def test_a_model_with_too_many_parameters_for_the_points_is_not_estimable():
    few = fits_of(logistic=[1.0, 1.0], expansion_contraction=[9.0, 9.0]).assign(n_points=5)
    found = select(few, not_compared=[]).set_index("model")
    assert found.loc["expansion_contraction", "status"] == "not_estimable"
    assert "10 points of 2 mice and 9 parameters" in found.loc["expansion_contraction", "reason"]
    assert found.loc["logistic", "chosen"]


@pytest.mark.parametrize(
    ("n_points", "needed"), [([6, 6, 6], 5), ([4, 4, 5], 4), ([4, 5, 5], 5), ([4, 4], 4), ([], 4), ([3, 3], 4)]
)
def test_points_needed(n_points, needed):
    assert points_needed(np.array(n_points, dtype=int), [3, 3, 4]) == needed


def test_two_analyses_choose_apart():
    both = pd.concat(
        [
            fits_of(logistic=[2.0] * 3, gompertz=[1.0] * 3),
            fits_of(logistic=[1.0] * 3, gompertz=[2.0] * 3).assign(analysis="without_excluded"),
        ]
    )
    found = select(both, not_compared=[])
    assert chosen(found) == ["logistic"]
    assert chosen(found, "without_excluded") == ["gompertz"]


@pytest.mark.parametrize("true_model", COMPARED)
def test_the_true_model_is_found(true_model):
    """Twenty studies of eight mice with eight scans each: the model that made the data is chosen in all but one."""
    right = 0
    for seed in range(20):
        cells, _ = simulated(
            true_model, n_per_group=4, seed=seed, sigma=0.2, days=(1.0, 4.0, 7.0, 10.0, 14.0, 18.0, 21.0, 28.0)
        )
        mice = mice_of(cells)
        fits = [
            fit_rows(
                fit_study(
                    cells,
                    mice,
                    model=name,
                    analysis="all",
                    strategy="reporter_gene",
                    window_days=(0.0, 28.0),
                    scatter=Scatter("log_normal", use_measurement_se=False),
                ),
                COMPARED,
            )
            for name in COMPARED
        ]
        right += chosen(select(pd.concat(fits), not_compared=[])) == [true_model]
    assert right >= 19
