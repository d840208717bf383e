"""Linear mixed models against R: lme4 (likelihood, estimates), pbkrtest (Kenward-Roger), lmerTest (Satterthwaite)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from cartrace.contrasts import contrast, f_test
from cartrace.grouped import Grouped, grouped
from cartrace.mixed import MixedFit, fit

TRUTH = Path(__file__).parents[1] / "data" / "truth"
Array = npt.NDArray[np.float64]


def case(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((TRUTH / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def sleepstudy(*, slope: bool = True) -> Grouped:
    table = pd.read_csv(TRUTH / "lmm_sleepstudy.csv")
    fixed = np.column_stack([np.ones(len(table)), table["Days"]])
    response = table["Reaction"].to_numpy(np.float64)
    return grouped(response, fixed, fixed if slope else fixed[:, :1], table["Subject"])


def chickweight(*, interaction: bool = True) -> Grouped:
    table = pd.read_csv(TRUTH / "lmm_chickweight_growthrate.csv")
    time = table["Time"].to_numpy(np.float64)
    diets = [(table["Diet"] == diet).to_numpy(np.float64) for diet in (2, 3, 4)]
    further = [time * diet for diet in diets] if interaction else []
    fixed = np.column_stack([np.ones(len(table)), time, *diets, *further])
    return grouped(np.log(table["weight"].to_numpy(np.float64)), fixed, fixed[:, :2], table["Chick"])


def agrees(found: MixedFit, truth: dict[str, Any], tolerance: dict[str, float]) -> None:
    assert found.status == "ok"
    assert not found.is_singular
    assert abs(found.log_likelihood - truth["loglik"]) < 1e-6
    np.testing.assert_allclose(found.coefficients, list(truth["fixed"].values()), rtol=tolerance["fixed_rtol"])
    np.testing.assert_allclose(
        np.sqrt(np.diag(found.covariance)), list(truth["se"].values()), rtol=tolerance["se_rtol"] / 100
    )
    assert found.sigma == pytest.approx(truth["sigma"], rel=1e-6)
    random = [entry for entry in truth["varcorr"] if entry["grp"] != "Residual"]
    entries = found.random_covariance[np.tril_indices(len(found.random_covariance), -1)]
    variances = np.concatenate([np.diag(found.random_covariance), entries])
    np.testing.assert_allclose(variances, [entry["vcov"] for entry in random], rtol=1e-4)


@pytest.mark.parametrize(
    ("key", "method", "slope"),
    [("reml_slope", "REML", True), ("ml_slope", "ML", True), ("reml_int", "REML", False)],
)
def test_sleepstudy_is_that_of_lme4(key: str, method: str, slope: bool) -> None:
    truth = case("lmm_sleepstudy")
    agrees(fit(sleepstudy(slope=slope), method=method), truth["expected"][key], truth["tolerance"])


def test_growth_rates_of_chicks_are_those_of_lme4() -> None:
    truth = case("lmm_chickweight_growthrate")
    agrees(fit(chickweight()), truth["expected"]["reml"], truth["tolerance"])


def test_likelihood_ratio_of_diets_is_that_of_lme4() -> None:
    truth = case("lmm_chickweight_growthrate")["expected"]
    full, null = fit(chickweight(), method="ML"), fit(chickweight(interaction=False), method="ML")
    assert abs(full.log_likelihood - truth["ml_loglik_full"]) < 1e-6
    assert abs(null.log_likelihood - truth["ml_loglik_no_interaction"]) < 1e-6
    assert 2 * (full.log_likelihood - null.log_likelihood) == pytest.approx(truth["lrt"]["chisq"], abs=1e-6)


@pytest.mark.parametrize(("method", "key", "df_rtol"), [("kenward_roger", "kr", 1e-6), ("satterthwaite", "satt", 1e-5)])
def test_tests_of_diets_are_those_of_pbkrtest_and_lmertest(method: str, key: str, df_rtol: float) -> None:
    found = fit(chickweight())
    for row, truth in zip(np.eye(8), case("lmm_chickweight_growthrate")["expected"]["reml"][key], strict=True):
        test = contrast(found, row, method=method)
        assert test.se == pytest.approx(truth["se"], rel=1e-6)
        assert test.df == pytest.approx(truth["df"], rel=df_rtol)
        assert test.statistic == pytest.approx(truth["t"], rel=1e-6)
        assert test.p_value == pytest.approx(truth["p"], rel=1e-4)


def test_rates_and_their_differences_are_those_of_emmeans() -> None:
    found, truth = fit(chickweight()), case("lmm_chickweight_growthrate")["expected"]
    rate = np.zeros((4, 8))
    rate[:, 1] = 1.0
    rate[[1, 2, 3], [5, 6, 7]] = 1.0
    for row, line in zip(rate, truth["emtrends_kr"], strict=True):
        test = contrast(found, row)
        expected = [line[key] for key in ("Time.trend", "SE", "df", "lower.CL", "upper.CL")]
        np.testing.assert_allclose([test.estimate, test.se, test.df, test.ci_low, test.ci_high], expected, rtol=1e-6)
    pairs = [(a, b) for a in range(4) for b in range(a + 1, 4)]
    for (a, b), line in zip(pairs, truth["pairs_tukey_kr"], strict=True):
        test = contrast(found, rate[a] - rate[b])
        np.testing.assert_allclose(
            [test.estimate, test.se, test.df, test.statistic],
            [line[key] for key in ("estimate", "SE", "df", "t.ratio")],
            rtol=1e-6,
        )


def test_the_joint_test_of_diets_is_that_of_pbkrtest() -> None:
    line = case("lmm_chickweight_growthrate")["expected"]["reml"]["anova_kr"][2]
    test = f_test(fit(chickweight()), np.eye(8)[5:])
    assert (line["term"], test.df_numerator) == ("Time:Diet", line["NumDF"])
    assert test.df_denominator == pytest.approx(line["DenDF"], rel=1e-6)
    assert test.statistic == pytest.approx(line["F"], rel=1e-6)
    assert test.p_value == pytest.approx(line["p"], rel=1e-5)


@pytest.mark.parametrize("slope", [True, False])
def test_satterthwaite_of_sleepstudy_is_that_of_lmertest(slope: bool) -> None:
    found = fit(sleepstudy(slope=slope))
    for row, line in zip(
        np.eye(2), case("lmm_sleepstudy")["expected"]["reml_slope" if slope else "reml_int"]["satt"], strict=True
    ):
        assert contrast(found, row, method="satterthwaite").df == pytest.approx(line["df"], rel=1e-5)


def test_kenward_roger_of_sleepstudy_is_that_of_emmeans() -> None:
    found = fit(sleepstudy())
    for line in case("lmm_sleepstudy")["expected"]["emm_day_9"]:
        test = contrast(found, [1.0, line["Days"]])
        expected = [line[key] for key in ("emmean", "SE", "df", "lower.CL", "upper.CL")]
        np.testing.assert_allclose([test.estimate, test.se, test.df, test.ci_low, test.ci_high], expected, rtol=1e-6)


def test_conditional_modes_are_those_of_lme4() -> None:
    truth = case("lmm_sleepstudy")["expected"]["reml_slope"]["ranef_308"]
    np.testing.assert_allclose(fit(sleepstudy()).modes[0], list(truth.values()), rtol=1e-5)
