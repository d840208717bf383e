"""Declared comparisons cohort by cohort, pooled, diagnosed, and made otherwise; how many mice the next cohort needs."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cartrace import tables
from cartrace.comparison import compare
from cartrace.diagnostics import diagnose
from cartrace.forest import forest
from cartrace.next_cohort import mice_per_group, next_cohort
from cartrace.overall import paired
from cartrace.sensitivity import compared_otherwise, sensitivity

GROUPS = [{"name": "NT", "role": "control"}, {"name": "CAR", "role": "test"}]
PRIMARY = {
    "endpoint": "growth_rate",
    "region": "tumour",
    "session": "",
    "modality": "",
    "groups": ["CAR", "NT"],
    "scale": "log",
    "test": "welch",
}


def endpoints(values):
    """Make endpoints of {(cohort, group): values}; NaN is a mouse without a value."""
    rows = [
        {"cohort": cohort, "group": group, "animal_id": f"{group}{number}", "value": value}
        for (cohort, group), mice in values.items()
        for number, value in enumerate(mice)
    ]
    frame = pd.DataFrame(rows)
    frame = frame.assign(endpoint="growth_rate", modality="", region="tumour", session="", unit="1/day")
    frame = frame.assign(is_below_detection=False, detection_level=np.nan, excluded=False, exclusion_reason="")
    frame["status"] = np.where(frame["value"].isna(), "not_estimable", "ok")
    frame["reason"] = np.where(frame["value"].isna(), "no fit", "")
    both = [frame.assign(analysis=analysis) for analysis in ("all", "without_excluded")]
    return pd.concat(both, ignore_index=True).reindex(columns=tables.Endpoints.names())


def study(cohorts=2, n=5, shift=0.5, seed=7):
    random = np.random.default_rng(seed)
    return {
        (f"C{cohort:02d}", group): np.exp(random.normal(3 * cohort + shift * (group == "CAR"), 0.4, n))
        for cohort in range(cohorts)
        for group in ("CAR", "NT")
    }


def compared(frame, **changes):
    return compare(
        frame,
        groups=GROUPS,
        primary=PRIMARY | changes,
        adjustment="holm",
        exploratory_adjustment="BH",
        confidence=0.95,
        seed=1,
    )


def animals(frame, **columns):
    mice = frame[["cohort", "animal_id", "group"]].drop_duplicates()
    return mice.assign(**{"batch": "", "cage": "", "sex": "F"} | columns)


def forest_of(values):
    frame = endpoints(values)
    rows = forest(frame, compared(frame), confidence=0.95)
    return rows[rows["analysis"] == "all"].reset_index(drop=True)


def test_forest_has_each_cohort_and_the_pooled_difference():
    values = study()
    rows = forest_of(values)
    assert rows["level"].tolist() == ["cohort", "cohort", "fixed"]
    truth = stats.ttest_ind(*(np.log(values["C01", group]) for group in ("CAR", "NT")), equal_var=False)
    assert rows["p_value"][1] == pytest.approx(truth.pvalue, rel=1e-10)
    # Equal cohorts: the pooled ratio is the geometric mean of the cohorts', and their shift does not scatter it.
    assert rows["estimate"][2] == pytest.approx(np.exp(np.log(rows["estimate"][:2]).mean()), rel=1e-10)
    frame = endpoints(values)
    blind = compared(frame).iloc[0]
    assert rows["p_value"][2] < blind["p_value"]
    assert rows["weight_pct"].tolist() == pytest.approx([50, 50, 100])


def test_small_cohorts_get_no_test_but_count():
    rows = forest_of(study(n=2))
    assert rows["status"].tolist() == ["not_estimable", "not_estimable", "ok"]
    assert rows["reason"][0].endswith("the cohort still counts in the pooled estimate")
    assert rows["df"][2] == 5


def test_from_five_cohorts_on_they_are_a_sample_too():
    rows = forest_of(study(cohorts=5))
    assert rows["level"].tolist() == ["cohort"] * 5 + ["fixed", "random"]
    assert rows["prediction_low"].iloc[-1] <= rows["ci_low"].iloc[-1]


def test_a_cohort_that_is_a_group_is_an_error_of_design():
    values = {("C01", "CAR"): [1.0, 2, 3], ("C02", "NT"): [2.0, 3, 4]}
    rows = forest_of(values)
    assert rows["status"].tolist() == ["not_estimable"]
    assert rows["reason"][0] == (
        "error of design: CAR is only in cohort C01, NT is only in cohort C02; a difference between the groups cannot "
        "be told from one of cohort"
    )
    frame = endpoints(values)
    checks = diagnose(frame, compared(frame), animals(frame), confidence=0.95)
    design = checks[(checks["check"] == "design") & (checks["subject"] == "cohort")]
    assert set(design["status"]) == {"fail"}


def test_a_batch_that_is_a_group_fails_and_a_cage_that_is_one_warns():
    frame = endpoints(study())
    mice = animals(frame)
    mice = mice.assign(batch=mice["group"].map({"CAR": "b1", "NT": "b2"}), cage=mice["group"])
    checks = diagnose(frame, compared(frame), mice, confidence=0.95)
    design = checks[(checks["check"] == "design") & (checks["analysis"] == "all")].set_index("subject")["status"]
    assert design.to_dict() == {"cohort": "pass", "batch": "fail", "cage": "warn", "sex": "pass"}


def test_diagnostics_see_variance_normality_missing_and_the_one_mouse():
    values = {
        ("C01", "CAR"): np.exp([1.2, 1.25, 1.15, 1.2, 1.22]),
        ("C01", "NT"): np.exp([0.1, 1.0, 0.2, 0.15, np.nan]),
    }
    frame = endpoints(values)
    checks = diagnose(frame, compared(frame), animals(frame), confidence=0.95)
    checks = checks[checks["analysis"] == "all"].set_index(["check", "subject"])
    car = np.log(values["C01", "CAR"])
    nt = np.log(values["C01", "NT"][:4])
    truth = stats.shapiro(car)
    row = checks.loc[("normality", "CAR")]
    assert [row["value"], row["p_value"]] == pytest.approx([truth.statistic, truth.pvalue], rel=1e-8)
    ratio = np.var(car, ddof=1) / np.var(nt, ddof=1)
    row = checks.loc[("variance_ratio", "")]
    assert [row["value"], row["p_value"]] == pytest.approx([ratio, 2 * stats.f.cdf(ratio, 4, 3)], rel=1e-8)
    assert checks.loc[("missing", ""), "message"] == "0 of 5 mice of CAR and 1 of 5 of NT without a value"
    without = stats.ttest_ind(car, np.delete(nt, 1), equal_var=False)
    row = checks.loc[("influence", "C01 NT1")]
    assert row["p_value"] == pytest.approx(without.pvalue, rel=1e-8)
    assert row["value"] == pytest.approx(np.exp(car.mean() - np.delete(nt, 1).mean()), rel=1e-10)


def other_choices(frame, estimates=None, otherwise=None, **changes):
    rows = compared(frame, **changes)
    cohorts = forest(frame, rows, confidence=0.95)
    checks = diagnose(frame, rows, animals(frame), confidence=0.95)
    every = tables.empty(tables.Estimates) if estimates is None else estimates
    nothing = compared_otherwise(tables.empty(tables.Alternatives))
    other = nothing if otherwise is None else otherwise
    found = sensitivity(
        frame, rows, tables.empty(tables.Paired), cohorts, checks, every, other, confidence=0.95, seed=1
    )
    assert found.set_index(list(tables.Sensitivity.key)).index.is_unique
    primary = found["plan"] == "primary"
    return found[(found["analysis"] == "all") & primary].set_index(["choice", "variant"])


def test_sensitivity_makes_the_comparison_otherwise_and_says_what_moves():
    values = study(shift=0.45)
    rows = other_choices(endpoints(values))
    sides = [np.concatenate([values[cohort, group] for cohort in ("C00", "C01")]) for group in ("CAR", "NT")]
    linear = stats.ttest_ind(*sides, equal_var=False)
    assert rows.loc[("scale", "Welch t"), "p_value"] == pytest.approx(linear.pvalue, rel=1e-10)
    ranks = stats.mannwhitneyu(*sides, method="exact")
    assert rows.loc[("test", "Mann-Whitney on log"), "p_value"] == pytest.approx(ranks.pvalue, rel=1e-10)
    # The cohorts' shift hides the difference; as blocks they show it.
    assert (
        rows.loc[("declared", "Welch t on log"), "p_value"]
        > 0.05
        > rows.loc[("cohorts", "cohorts as blocks"), "p_value"]
    )
    assert rows.loc[("cohorts", "cohorts as blocks"), "moved"] == "significance"
    assert rows.loc[("declared", "Welch t on log"), "moved"] == "nothing"


def under(frame, factor, name="half_life"):
    """Return what the study would be if the values of CAR were multiplied under another choice."""
    value = frame["value"].where(frame["group"] != "CAR", factor * frame["value"])
    columns = tables.Alternatives.names()
    return compared_otherwise(
        frame.assign(value=value, choice=name, variant=f"values of CAR times {factor:g}")[columns],
        groups=GROUPS,
        primary=PRIMARY,
        adjustment="holm",
        exploratory_adjustment="BH",
        confidence=0.95,
        seed=1,
    )


def test_a_choice_upstream_moves_a_conclusion_or_not():
    frame = endpoints(study(cohorts=1, shift=1.0))
    moved = {}
    for factor in (1.0, 0.3, 0.05):
        rows = other_choices(frame, otherwise=under(frame, factor))
        row = rows.loc[("half_life", f"values of CAR times {factor:g}")]
        assert row["estimate"] == pytest.approx(factor * rows.loc[("declared", "Welch t on log"), "estimate"])
        moved[factor] = row["moved"]
    assert moved == {1.0: "nothing", 0.3: "direction", 0.05: "direction"}
    weaker = other_choices(frame, otherwise=under(frame, 0.6))
    assert weaker.loc[("half_life", "values of CAR times 0.6"), "moved"] == "significance"


RISE = {"family": "rise", "endpoint": "cells", "modality": "", "regions": [], "groups": [], "test": "paired_t"}
RISE |= {"sessions": ["d07", "d14"]}


def test_two_sessions_of_the_same_mice_are_made_otherwise_too():
    random = np.random.default_rng(8)
    early = {("C01", group): random.lognormal(0, 0.5, 6) for group in ("CAR", "NT")}
    rise = {key: value * random.lognormal(0.6, 0.2, 6) for key, value in early.items()}
    frame = pd.concat(
        [endpoints(values).assign(endpoint="cells", session=day) for day, values in (("d07", early), ("d14", rise))]
    )
    frame = pd.concat([frame, endpoints(study())], ignore_index=True)
    settings = {"groups": GROUPS, "primary": PRIMARY, "secondary": [RISE], "adjustment": "holm", "seed": 1}
    settings |= {"exploratory_adjustment": "BH", "confidence": 0.95}
    # Under another choice every later value is lower by so much that nothing rises any more.
    lower = frame["value"].mask(frame["session"] == "d14", frame["value"] / 2.5)
    other = frame[frame["endpoint"] == "cells"].assign(value=lower, choice="half_life", variant="other half-lives")
    found = sensitivity(
        frame,
        compare(frame, **settings),
        paired(frame, secondary=[RISE], adjustment="holm", confidence=0.95),
        *(tables.empty(table) for table in (tables.Forest, tables.Diagnostics, tables.Estimates)),
        compared_otherwise(other[tables.Alternatives.names()], **settings),
        confidence=0.95,
        seed=1,
    )
    assert found.set_index(list(tables.Sensitivity.key)).index.is_unique
    rows = found[(found["family"] == "rise") & (found["analysis"] == "without_excluded")]
    assert rows[["session", "session_b"]].drop_duplicates().to_numpy().tolist() == [["d14", "d07"]]
    assert (rows["group_a"] == rows["group_b"]).all()
    ways = rows.set_index(["group_a", "choice"])
    for group in ("CAR", "NT"):
        truth = stats.ttest_rel(np.log(rise["C01", group]), np.log(early["C01", group]))
        assert ways.loc[(group, "declared"), "p_value"] == pytest.approx(truth.pvalue, rel=1e-9)
        declared, otherwise = (ways.loc[(group, choice), "estimate"] for choice in ("declared", "half_life"))
        assert otherwise == pytest.approx(declared / 2.5, rel=1e-12)
        assert ways.loc[(group, "half_life"), "moved"] == "direction"


def test_signed_ranks_have_an_estimate_and_an_effect_size_with_limits():
    early = np.array([1.0, 2.0, 1.5, 0.7, 3.0, 1.1, 2.2])
    late = early * np.array([1.5, 2.0, 0.9, 1.2, 1.8, 2.4, 1.1])
    days = (("d07", early), ("d14", late))
    frame = pd.concat([endpoints({("C01", "CAR"): day}).assign(endpoint="cells", session=name) for name, day in days])
    row = paired(frame, secondary=[RISE | {"test": "signed_rank"}], adjustment="holm", confidence=0.95).iloc[0]
    truth = stats.wilcoxon(np.log(late), np.log(early), method="exact")
    assert [row["p_value"], row["p_method"]] == [pytest.approx(truth.pvalue, rel=1e-12), "exact"]
    assert 1 < row["ci_low"] < row["estimate"] < row["ci_high"]
    # The rank sums of the rises and of the one fall, which has the second lowest rank.
    assert row["rank_biserial"] == pytest.approx((26 - 2) / 28)
    assert row["rank_biserial_ci_low"] < row["rank_biserial"] < row["rank_biserial_ci_high"]
    assert row["effect_size_kind"] == "rank-biserial (Fisher z)"


def test_mice_without_a_value_are_ranked_at_both_ends():
    values = {("C01", "CAR"): [6.0, 7, 8, 9], ("C01", "NT"): [1.0, 1.2, 1.3, np.nan]}
    rows = other_choices(endpoints(values))
    lowest = rows.loc[("missing", "1 mouse without a value ranked lowest (Mann-Whitney)")]
    highest = rows.loc[("missing", "1 mouse without a value ranked highest (Mann-Whitney)")]
    assert lowest["p_value"] == pytest.approx(2 / 70)
    assert highest["p_value"] == pytest.approx(stats.mannwhitneyu([6, 7, 8, 9], [1, 2, 2.5, 99], method="exact").pvalue)
    assert highest["moved"] == "significance"
    assert np.isnan(lowest["estimate"])


def test_mice_without_a_value_of_a_secondary_comparison_are_ranked_too():
    values = {("C01", "CAR"): [6.0, 7, 8, 9], ("C01", "NT"): [1.0, 1.2, 1.3, np.nan]}
    frame = pd.concat([endpoints(study()), endpoints(values).assign(endpoint="auc")], ignore_index=True)
    family = {"family": "areas", "endpoint": "auc", "modality": "", "regions": [], "sessions": [], "groups": []}
    rows = compare(
        frame,
        groups=GROUPS,
        primary=PRIMARY,
        secondary=[family | {"test": "welch"}],
        adjustment="holm",
        exploratory_adjustment="BH",
        confidence=0.95,
        seed=1,
    )
    nothing = (tables.empty(table) for table in (tables.Paired, tables.Forest, tables.Diagnostics, tables.Estimates))
    found = sensitivity(
        frame, rows, *nothing, compared_otherwise(tables.empty(tables.Alternatives)), confidence=0.95, seed=1
    )
    ways = found[(found["family"] == "areas") & (found["analysis"] == "all")].set_index(["choice", "variant"])
    lowest = ways.loc[("missing", "1 mouse without a value ranked lowest (Mann-Whitney)")]
    assert lowest["p_value"] == pytest.approx(2 / 70)
    assert lowest[["n_a", "n_b"]].tolist() == [4, 4]


def test_every_model_makes_the_comparison():
    frame = endpoints(study())
    rows = [
        {
            "model": model,
            "analysis": "all",
            "level": "animal",
            "group": group,
            "parameter": "growth_rate",
            "estimate": value,
        }
        for model, sign in (("logistic", 1), ("gompertz", -1))
        for group, rate in (("CAR", 0.6), ("NT", 0.3))
        for value in rate ** (sign * np.array([0.9, 1.0, 1.1, 1.2]))
    ]
    estimates = pd.DataFrame(rows).assign(status="ok")
    found = other_choices(frame, estimates)
    assert found.loc[("model", "logistic"), "estimate"] == pytest.approx(2**1.05, rel=1e-9)
    assert found.loc[("model", "gompertz"), "moved"] == "direction"


@pytest.mark.parametrize(
    ("effect", "power", "n"),
    # R: power.t.test(delta = 1, sd = 1, power = 0.9) gives 22.02, with power = 0.8 16.71; Cohen's table 2.4.1: d = 0.5.
    # Of a large effect the power with 2 mice is 0.958 (delta = 8) and 0.965 (delta = 8.2268).
    [(1.0, 0.9, 23), (1.0, 0.8, 17), (0.5, 0.8, 64), (0.2, 0.8, 394), (8.0, 0.8, 2), (8.2268, 0.9, 2)],
)
def test_mice_per_group(effect, power, n):
    assert mice_per_group(effect, 1.0, power=power, alpha=0.05) == n


def test_the_next_cohort_rests_on_the_scatter_within_cohorts_and_on_what_was_lost():
    values = study(n=6)
    values["C00", "NT"] = np.append(values["C00", "NT"][:5], np.nan)
    frame = endpoints(values)
    rows = next_cohort(frame, compared(frame), effects=[2.0], confidence=0.95)
    row = rows[(rows["analysis"] == "all") & (rows["power"] == 0.8)].iloc[0]
    logs = [np.log(mice[~np.isnan(mice)]) for mice in values.values()]
    sd = np.sqrt(sum(((mice - mice.mean()) ** 2).sum() for mice in logs) / 19)
    assert [row["sd"], row["sd_df"]] == pytest.approx([sd, 19])
    assert row["sd_ci_high"] == pytest.approx(sd * np.sqrt(19 / stats.chi2.ppf(0.025, 19)))
    assert row["n_per_group_ci_low"] <= row["n_per_group"] <= row["n_per_group_ci_high"]
    assert row["lost_frac"] == pytest.approx(1 / 24)
    assert row["n_enrolled"] == np.ceil(row["n_per_group"] / (1 - 1 / 24))


def test_without_a_scatter_no_plan():
    frame = endpoints({("C01", "CAR"): [np.nan] * 3, ("C01", "NT"): [1.0, 2.0, 3.0]})
    rows = next_cohort(frame, compared(frame), effects=[2.0], confidence=0.95)
    assert set(rows["status"]) == {"not_estimable"}
    assert rows["n_per_group"].isna().all()
