"""Group statistics against R (t.test, p.adjust, effectsize, pROC), on data that R ships."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special, stats

from cartrace import diagnostics, many_groups, pooling, rank_effects, rank_tests, survival
from cartrace.overall import paired
from cartrace.statistics import Moments, benjamini_hochberg, hedges_g, holm, welch

TRUTH = Path(__file__).parents[1] / "data" / "truth"


def case(name):
    truth = json.loads((TRUTH / f"{name}.json").read_text(encoding="utf-8"))
    return truth["expected"], pd.read_csv(TRUTH / truth["data"])


def moments(*groups):
    parts = [(len(group), np.mean(group), np.var(group, ddof=1)) for group in groups]
    return Moments(*np.array(parts, dtype=float).T)


@pytest.fixture
def sleep():
    expected, data = case("two_group_sleep")
    first, second = (moments(data.loc[data["group"] == group, "extra"].to_numpy()) for group in (1, 2))
    return expected, first, second


def test_welch_equals_r(sleep):
    expected, first, second = sleep
    found = welch(first, second, 0.95)
    truth = expected["welch"]
    assert found.statistic[0] == pytest.approx(truth["statistic"], rel=1e-12)
    assert found.df[0] == pytest.approx(truth["df"], rel=1e-12)
    assert found.p_value[0] == pytest.approx(truth["p"], rel=1e-12)
    assert [found.ci_low[0], found.ci_high[0]] == pytest.approx(truth["ci"], rel=1e-11)
    assert [first.mean[0], second.mean[0]] == pytest.approx(truth["estimate"], rel=1e-12)


def test_hedges_g_equals_effectsize(sleep):
    expected, first, second = sleep
    found = hedges_g(first, second, 0.95)
    truth = expected["hedges_g"][0]
    assert found.estimate[0] == pytest.approx(truth["Hedges_g"], rel=1e-12)
    # effectsize finds its limits by an optimiser that stops at about 4e-7.
    assert found.ci_low[0] == pytest.approx(truth["CI_low"], abs=1e-6)
    assert found.ci_high[0] == pytest.approx(truth["CI_high"], abs=1e-6)


def test_hedges_g_limits_invert_the_noncentral_t(sleep):
    expected, first, second = sleep
    t, df, root = expected["student"]["statistic"], 18, np.sqrt(1 / 10 + 1 / 10)
    correction = expected["hedges_g"][0]["Hedges_g"] / expected["cohens_d"][0]["Cohens_d"]
    found = hedges_g(first, second, 0.95)
    low, high = (limit[0] / (root * correction) for limit in (found.ci_low, found.ci_high))
    assert stats.nct.cdf(t, df, low) == pytest.approx(0.975, abs=1e-9)
    assert stats.nct.cdf(t, df, high) == pytest.approx(0.025, abs=1e-9)


@pytest.mark.parametrize("name", ["oneway_plantgrowth", "oneway_insectsprays"])
def test_pairwise_welch_with_holm_equals_r(name):
    expected, data = case(name)
    groups = {group: part.iloc[:, 0].to_numpy() for group, part in data.groupby("g")}
    pairs = list(combinations(groups, 2))
    a, b = (moments(*(groups[pair[side]] for pair in pairs)) for side in (0, 1))
    adjusted = dict(zip(map(frozenset, pairs), holm(welch(a, b, 0.95).p_value), strict=True))
    truth = {frozenset(pair.split("-")): p for pair, p in expected["pairwise_welch_holm"].items()}
    assert adjusted.keys() == truth.keys()
    for pair, p in truth.items():
        assert adjusted[pair] == pytest.approx(p, rel=1e-10), pair


@pytest.mark.parametrize("name", ["oneway_plantgrowth", "oneway_insectsprays"])
def test_welch_standard_errors_equal_games_howells(name):
    expected, data = case(name)
    groups = {group: part.iloc[:, 0].to_numpy() for group, part in data.groupby("g")}
    for row in expected["games_howell"]:
        found = welch(moments(groups[row["group2"]]), moments(groups[row["group1"]]), 0.95)
        assert found.difference[0] == pytest.approx(row["diff"], rel=1e-10)
        assert abs(found.statistic[0]) == pytest.approx(row["t"], rel=1e-10)
        assert found.df[0] == pytest.approx(row["df"], rel=1e-10)


@pytest.mark.parametrize(("adjust", "name"), [(holm, "holm"), (benjamini_hochberg, "BH")])
def test_adjustment_equals_p_adjust(adjust, name):
    expected, data = case("p_adjust")
    p_values = data["p"].to_numpy()
    assert adjust(p_values) == pytest.approx(expected[name], rel=1e-12)
    shuffled = np.random.default_rng(7).permutation(p_values.size)
    assert adjust(p_values[shuffled]) == pytest.approx(np.array(expected[name])[shuffled], rel=1e-12)


def test_ranks_and_permutations_equal_coin():
    expected, data = case("two_group_sleep")
    a, b = (data.loc[data["group"] == group, "extra"].to_numpy() for group in (1, 2))
    found = rank_tests.mann_whitney(a, b)
    assert [found.statistic, found.method] == [expected["mw_asymp_nocc"]["statistic"], "exact"]
    assert found.p_value == pytest.approx(expected["mw_exact_midrank_p"]["coin_exact"], rel=1e-12)
    assert rank_tests.permutation(a, b, seed=1).p_value == pytest.approx(expected["perm_exact_p"], rel=1e-12)
    assert rank_tests.signed_rank(a - b).p_value == pytest.approx(expected["signed_rank_exact_p"], rel=1e-12)
    biserial = rank_effects.superiority(a, b, 0.95).as_correlation()
    assert biserial.estimate == pytest.approx(expected["rank_biserial"][0]["r_rank_biserial"], rel=1e-12)


# R 4.2.2, pROC 1.18.0: good <- c(3.1, 5.2, 5.2, 8.4, 6, 7.7); bad <- c(1, 2.2, 5.2, 4.1, 0.4, 6, 2.9);
# r <- roc(controls = bad, cases = good, direction = "<"); auc(r); var(r, method = "delong"). The same of the sleep
# data, roc(controls = sleep$extra[sleep$group == 1], cases = sleep$extra[sleep$group == 2], direction = "<").
PROC = {
    "made": ([3.1, 5.2, 5.2, 8.4, 6, 7.7], [1, 2.2, 5.2, 4.1, 0.4, 6, 2.9], 0.845238095238095, 0.0119803476946334),
    "sleep": (
        [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
        [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
        0.745,
        0.01305,
    ),
}


@pytest.mark.parametrize("name", PROC)
def test_the_area_under_the_curve_has_the_variance_of_proc(name):
    cases, controls, area, variance = PROC[name]
    a, b = np.array(cases, dtype=float), np.array(controls, dtype=float)
    found = rank_effects.superiority(a, b, 0.95)
    assert [found.estimate, found.ci_method] == [pytest.approx(area, rel=1e-12), "DeLong, logit"]
    # scipy's test of Brunner and Munzel has the same variance and gives the degrees of freedom by its p.
    other = stats.brunnermunzel(b, a)
    assert other.statistic == pytest.approx((area - 0.5) / np.sqrt(variance), rel=1e-12)
    df = optimize.brentq(lambda df: 2 * stats.t.sf(other.statistic, df) - other.pvalue, 1, 100, xtol=1e-12)
    half_width = stats.t.ppf(0.975, df) * np.sqrt(variance) / (area * (1 - area))
    limits = special.expit(special.logit(area) + np.array([-half_width, half_width]))
    assert [found.ci_low, found.ci_high] == pytest.approx(limits, rel=1e-9)


def test_paired_ranks_equal_r():
    # R 4.2.2, wilcox.test(x, y, paired = TRUE, conf.int = TRUE) on the depression data of its own example
    # (Hollander & Wolfe 1973), and effectsize 0.8.3, rank_biserial(x, y, paired = TRUE).
    x = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30])
    y = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])
    test = rank_tests.signed_rank(x - y)
    assert [test.statistic, test.p_value] == pytest.approx([40, 0.0390625], rel=1e-12)
    assert rank_effects.walsh(x - y, 0.95) == pytest.approx((0.46, 0.010, 0.786), abs=1e-12)
    effect = rank_effects.rank_biserial_paired(x - y, 0.95)
    assert [effect.estimate, effect.ci_low, effect.ci_high] == pytest.approx(
        [0.777777777777778, 0.295363129336242, 0.944155901920081], rel=1e-12
    )


@pytest.mark.parametrize("name", ["oneway_plantgrowth", "oneway_insectsprays"])
def test_tests_of_several_groups_equal_r(name):
    expected, data = case(name)
    names = [row["g"] for row in expected["group"]]
    groups = [data.loc[data["g"] == group].iloc[:, 0].to_numpy(dtype=float) for group in names]
    whole = moments(*groups)
    anova = many_groups.welch_anova(whole)
    truth = expected["welch_anova"]
    assert [anova.statistic, anova.df_denominator, anova.p_value] == pytest.approx(
        [truth["statistic"], truth["df"][1], truth["p"]], rel=1e-10
    )
    ranks = rank_tests.kruskal(groups)
    assert [ranks.statistic, ranks.p_value] == pytest.approx(
        [expected["kruskal"]["statistic"], expected["kruskal"]["p"]], rel=1e-10
    )
    # The control is the first group; R's own quadrature stops at 1e-8.
    with_control = many_groups.dunnett(whole, 0.95)
    for position, row in enumerate(expected["dunnett"]):
        assert with_control.p_value[position] == pytest.approx(row["p"], abs=1e-10)
        assert [with_control.ci_low[position], with_control.ci_high[position]] == pytest.approx(row["ci"], rel=1e-8)
    pairs = many_groups.games_howell(whole, 0.95)
    found = {
        (names[second], names[first]): position
        for position, (first, second) in enumerate(zip(pairs.first, pairs.second, strict=True))
    }
    for row in expected["games_howell"]:
        position = found[row["group1"], row["group2"]]
        assert pairs.p_value[position] == pytest.approx(row["p"], abs=1e-9)
        assert [pairs.ci_low[position], pairs.ci_high[position]] == pytest.approx(row["ci"], rel=1e-5)


def test_two_sessions_of_the_same_mice_equal_r():
    expected, data = case("two_group_sleep")
    frame = data.assign(session=data["group"].map({1: "later", 2: "earlier"}), animal_id=data["ID"].astype(str))
    frame = frame.assign(value=frame["extra"], group="CAR", endpoint="time_of_peak", analysis="all", cohort="C01")
    frame = frame.assign(modality="", region="tumour", status="ok", excluded=False, is_below_detection=False, unit="h")
    family = {"family": "sleep", "endpoint": "time_of_peak", "modality": "", "regions": [], "groups": []}
    family |= {"sessions": ["earlier", "later"], "test": "paired_t"}
    row = paired(frame, secondary=[family], adjustment="holm", confidence=0.95).iloc[0]
    truth = expected["paired"]
    found = row[["statistic", "df", "p_value", "ci_low", "ci_high", "estimate"]].tolist()
    assert found == pytest.approx(
        [truth["statistic"], truth["df"], truth["p"], *truth["ci"], truth["estimate"]], rel=1e-10
    )
    # The limits of the effect size are those under which R's t lies at the edge of what is expected.
    root, correction = np.sqrt(10), row["hedges_g"] / (truth["statistic"] / np.sqrt(10))
    for limit, level in (("hedges_g_ci_low", 0.975), ("hedges_g_ci_high", 0.025)):
        assert stats.nct.cdf(truth["statistic"], 9, row[limit] / correction * root) == pytest.approx(level, abs=1e-9)


@pytest.mark.parametrize("name", ["oneway_plantgrowth", "oneway_insectsprays"])
def test_welch_against_the_control_with_holm_equals_r(name):
    expected, data = case(name)
    control, *others = [row["g"] for row in expected["group"]]
    groups = {group: part.iloc[:, 0].to_numpy(dtype=float) for group, part in data.groupby("g")}
    a, b = moments(*(groups[other] for other in others)), moments(*[groups[control]] * len(others))
    adjusted = dict(zip(others, holm(welch(a, b, 0.95).p_value), strict=True))
    assert adjusted == pytest.approx(expected["many_one_welch_holm"], rel=1e-9)


def test_the_check_of_variances_equals_r():
    expected, data = case("two_group_sleep")
    values = [data.loc[data["group"] == group, "extra"].to_numpy(dtype=float) for group in (1, 2)]
    row = next(iter(diagnostics._variances(values)))
    truth = expected["var_test"]
    assert [row["value"], row["p_value"]] == pytest.approx([truth["statistic"], truth["p"]], rel=1e-10)


def test_one_cohort_as_a_block_equals_nist_on_numbers_that_differ_in_their_eighth_digit():
    truth = json.loads((TRUTH / "nist_anova.json").read_text(encoding="utf-8"))["expected"]["AtmWtAg"]
    data = pd.read_csv(TRUTH / truth["data"])
    is_a = (data["group"] == 1).to_numpy()
    data_of_blocks = pooling.blocks(data["y"].to_numpy(dtype=float), is_a, np.zeros(len(data), dtype=int))
    found = pooling.fixed(data_of_blocks, 0.95)
    assert found.df == truth["df_within"]
    assert found.statistic**2 == pytest.approx(truth["F"], rel=1e-8)
    assert found.sd**2 == pytest.approx(truth["ms_within"], rel=1e-8)


def test_survival_equals_r():
    expected, data = case("survival_ovarian")
    time, event = data["futime"].to_numpy(dtype=float), data["fustat"].to_numpy() == 1
    group = data["rx"].to_numpy() - 1
    found, truth = survival.log_rank(time, event, group), expected["logrank"]
    assert [found.test.statistic, found.test.p_value] == pytest.approx([truth["chisq"], truth["p"]], rel=1e-10)
    assert found.observed.tolist() == truth["obs"]
    assert found.expected.tolist() == pytest.approx(truth["exp"], rel=1e-10)
    fit, truth = survival.cox(time, event, data[["rx"]].to_numpy(dtype=float)), expected["cox_rx"]
    assert fit.coefficients[0] == pytest.approx(truth["coef"]["rx"], rel=1e-8)
    assert fit.se[0] == pytest.approx(truth["se"]["rx"], rel=1e-6)
    assert fit.log_likelihood == pytest.approx(truth["loglik"], rel=1e-10)
    assert survival.median_survival(time[group == 0], event[group == 0]) == expected["km_median"]["rx=1"]
    assert np.isnan(survival.median_survival(time[group == 1], event[group == 1]))
    scores = survival.log_rank_scores(time, event)
    drawn = rank_tests.permutation(scores[group == 0], scores[group == 1], seed=5)
    assert drawn.p_value == pytest.approx(expected["logrank_exact_perm_p"], abs=0.006)
