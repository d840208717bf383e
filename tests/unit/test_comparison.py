"""Summaries and comparisons of groups: pairs, scales, families, what cannot be compared and why."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cartrace import tables
from cartrace.comparison import compare, summarise
from cartrace.errors import InputError

GROUPS = [
    {"name": "UTD", "role": "background", "label": ""},
    {"name": "CAR", "role": "test", "label": ""},
    {"name": "NT", "role": "control", "label": ""},
    {"name": "CAR2", "role": "test", "label": ""},
]
PRIMARY = {
    "endpoint": "growth_rate",
    "region": "tumour",
    "session": "",
    "modality": "",
    "groups": ["CAR", "NT"],
    "scale": "log",
}
CAR, NT, UTD = [0.61, 0.55, 0.72, 0.66], [0.31, 0.42, 0.25, 0.38], [0.11, 0.09, 0.14, 0.1]


def endpoints(values, *, analyses=("all", "without_excluded"), **where):
    """Make a table of endpoints: group to values; NaN is a mouse without a value."""
    where = {"endpoint": "growth_rate", "modality": "", "region": "tumour", "session": "", "unit": "1/day"} | where
    records = [
        {
            "analysis": analysis,
            **where,
            "cohort": "C01",
            "animal_id": f"{group}-{position}",
            "group": group,
            "value": value,
            "is_below_detection": False,
            "detection_level": np.nan,
            "status": "not_estimable" if np.isnan(value) else "ok",
            "reason": "no fit" if np.isnan(value) else "",
            "excluded": False,
            "exclusion_reason": "",
        }
        for analysis in analyses
        for group, mice in values.items()
        for position, value in enumerate(mice)
    ]
    return pd.DataFrame(records, columns=tables.Endpoints.names())


def counter(values, region="spleen", **where):
    where = {"endpoint": "uptake_pct_id_per_g", "modality": "counter", "session": "d14", "unit": "%ID/g"} | where
    return endpoints(values, region=region, **where)


def compared(frame, *, primary=PRIMARY, adjustment="holm", groups=GROUPS, secondary=()):
    return compare(
        frame,
        groups=groups,
        primary=primary,
        secondary=secondary,
        adjustment="holm",
        exploratory_adjustment=adjustment,
        confidence=0.95,
        seed=1,
    )


def the(rows, **where):
    for column, wanted in where.items():
        rows = rows[rows[column] == wanted]
    assert len(rows) == 1, rows
    return rows.iloc[0]


def test_summary_of_a_group():
    row = the(summarise(endpoints({"CAR": [*CAR, np.nan]}), confidence=0.95), analysis="all")
    logs = np.log(CAR)
    interval = stats.ttest_1samp(CAR, 0).confidence_interval(0.95)
    of_logs = stats.ttest_1samp(logs, 0).confidence_interval(0.95)
    truth = {
        "n": 4,
        "mean": np.mean(CAR),
        "sd": np.std(CAR, ddof=1),
        "geometric_mean": np.exp(logs.mean()),
        "median": np.median(CAR),
        "minimum": 0.55,
        "maximum": 0.72,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "geometric_mean_ci_low": np.exp(of_logs.low),
        "geometric_mean_ci_high": np.exp(of_logs.high),
        "n_excluded": 0,
        "n_below_detection": 0,
        "n_not_estimable": 1,
    }
    assert row[list(truth)].to_dict() == pytest.approx(truth, rel=1e-12)


def test_summary_counts_exclusions_where_they_are_left_out():
    frame = endpoints({"CAR": [*CAR, 9.0]})
    frame.loc[frame["value"] == 9.0, ["excluded", "exclusion_reason"]] = [True, "died early"]
    frame.loc[frame["value"] == CAR[0], "is_below_detection"] = True
    rows = summarise(frame, confidence=0.95)
    counts = ["n", "n_excluded", "n_below_detection", "n_not_estimable"]
    assert the(rows, analysis="all")[counts].tolist() == [5, 0, 1, 0]
    assert the(rows, analysis="without_excluded")[counts].tolist() == [4, 1, 1, 0]
    assert the(rows, analysis="without_excluded")["mean"] == pytest.approx(np.mean(CAR))


def test_summary_of_values_that_are_not_all_positive_has_no_geometric_mean():
    row = the(summarise(endpoints({"CAR": [0.5, -0.1, 0.4]}), confidence=0.95), analysis="all")
    assert np.isnan(row[["geometric_mean", "geometric_mean_ci_low"]].astype(float)).all()
    assert row["mean"] == pytest.approx(0.8 / 3)


def test_summary_of_two_mice_has_no_interval_and_of_none_no_mean():
    rows = summarise(endpoints({"CAR": [1.0, 2.0], "NT": [np.nan]}), confidence=0.95)
    two, none = the(rows, analysis="all", group="CAR"), the(rows, analysis="all", group="NT")
    assert two["mean"] == 1.5
    assert np.isnan(two["ci_low"])
    assert none["n"] == 0
    assert np.isnan(none["mean"])


def test_primary_comparison_is_first_over_second_on_its_scale():
    row = the(compared(endpoints({"CAR": CAR, "NT": NT})), analysis="all", is_primary=True)
    truth = stats.ttest_ind(np.log(CAR), np.log(NT), equal_var=False)
    interval = truth.confidence_interval(0.95)
    ratio = stats.gmean(CAR) / stats.gmean(NT)
    numbers = row[["estimate", "ci_low", "ci_high", "statistic", "df", "p_value", "mean_a", "sd_b"]].astype(float)
    expected = [ratio, np.exp(interval.low), np.exp(interval.high), truth.statistic, truth.df, truth.pvalue]
    assert numbers.tolist() == pytest.approx([*expected, stats.gmean(CAR), np.std(np.log(NT), ddof=1)], rel=1e-10)
    assert row[["group_a", "group_b", "family", "adjustment", "test", "status"]].tolist() == [
        "CAR", "NT", "primary", "none", "Welch t on log", "ok",
    ]  # fmt: skip
    assert row["p_adjusted"] == row["p_value"]


def test_swapping_the_declared_pair_inverts_the_ratio_and_keeps_p():
    frame = endpoints({"CAR": CAR, "NT": NT})
    one = the(compared(frame), analysis="all", is_primary=True)
    other = the(compared(frame, primary=PRIMARY | {"groups": ["NT", "CAR"]}), analysis="all", is_primary=True)
    assert other["estimate"] == pytest.approx(1 / one["estimate"], rel=1e-12)
    assert other["ci_low"] == pytest.approx(1 / one["ci_high"], rel=1e-12)
    assert other["hedges_g"] == pytest.approx(-one["hedges_g"], rel=1e-12)
    assert other["p_value"] == one["p_value"]


def test_linear_primary_is_a_difference():
    row = the(
        compared(endpoints({"CAR": CAR, "NT": NT}), primary=PRIMARY | {"scale": "linear"}),
        analysis="all",
        is_primary=True,
    )
    truth = stats.ttest_ind(CAR, NT, equal_var=False)
    assert row["estimate"] == pytest.approx(np.mean(CAR) - np.mean(NT), rel=1e-12)
    assert [row["p_value"], row["test"], row["scale"]] == [pytest.approx(truth.pvalue, rel=1e-10), "Welch t", "linear"]


def test_pairs_are_test_over_control_over_background_and_kinetics_leave_the_background_out():
    values = {"CAR": CAR, "NT": NT, "UTD": UTD, "CAR2": [1.0, 1.2, 0.9]}
    rows = compared(pd.concat([endpoints(values), counter(values)]))
    pairs = {
        name: sorted(map(tuple, part[["group_a", "group_b"]].to_numpy()))
        for name, part in rows[rows["analysis"] == "all"].groupby("endpoint")
    }
    kinetic = [("CAR", "NT"), ("CAR2", "CAR"), ("CAR2", "NT")]
    assert pairs["growth_rate"] == kinetic
    assert pairs["uptake_pct_id_per_g"] == sorted([*kinetic, ("CAR", "UTD"), ("CAR2", "UTD"), ("NT", "UTD")])


def test_time_of_peak_is_compared_on_the_linear_scale():
    frame = endpoints({"CAR": [8.0, 9.0, 10.0], "NT": [-1.0, 2.0, 3.0]}, endpoint="time_of_peak", unit="day")
    row = the(compared(frame), analysis="all", endpoint="time_of_peak")
    assert [row["scale"], row["status"]] == ["linear", "ok"]
    assert row["estimate"] == pytest.approx(9 - 4 / 3)


def test_families_are_adjusted_each_for_itself_and_each_analysis_for_itself():
    random = np.random.default_rng(3)
    parts = [endpoints({"CAR": CAR, "NT": NT}), endpoints({"CAR": CAR, "NT": NT}, endpoint="peak", unit="cells")]
    for region in ("spleen", "liver", "blood", "bone"):
        values = {"CAR": random.lognormal(0.5, 0.5, 5), "NT": random.lognormal(0, 0.5, 5)}
        parts.append(counter(values, region=region))
        parts.append(counter(values, region=region, endpoint="uptake_pct_id", unit="%ID"))
        parts.append(counter(values, region=region, modality="pet", endpoint="uptake_pct_id_per_ml", unit="%ID/mL"))
    rows = compared(pd.concat(parts))
    sizes = rows[rows["analysis"] == "all"].groupby("family").size().to_dict()
    assert sizes == {"primary": 1, "expansion": 1, "biodistribution": 4, "biodistribution_pct_id": 4, "pet": 4}
    family = rows[(rows["analysis"] == "all") & (rows["family"] == "biodistribution")].sort_values("p_value")
    p = family["p_value"].to_numpy()
    assert family["p_adjusted"].to_numpy() == pytest.approx(
        np.minimum(1, np.maximum.accumulate(p * [4, 3, 2, 1])), rel=1e-12
    )
    alike = rows[(rows["analysis"] == "all") & (rows["family"] == "biodistribution_pct_id")].sort_values("p_value")
    assert alike["p_adjusted"].to_numpy() == pytest.approx(family["p_adjusted"].to_numpy(), rel=1e-12)
    by_bh = compared(pd.concat(parts), adjustment="BH")
    family = by_bh[(by_bh["analysis"] == "all") & (by_bh["family"] == "biodistribution")]
    assert family["p_adjusted"].to_numpy() == pytest.approx(
        stats.false_discovery_control(family["p_value"].to_numpy()), rel=1e-12
    )


def test_no_test_below_three_mice():
    row = the(compared(endpoints({"CAR": CAR, "NT": [0.3, 0.4, np.nan]})), analysis="all")
    assert row["status"] == "not_estimable"
    assert row["reason"] == "NT has 2 mice with a value (1 without); a test needs 3 in each group"
    assert row[["n_a", "n_b", "n_not_estimable_b"]].tolist() == [4, 2, 1]
    assert row[["estimate", "p_value", "p_adjusted", "hedges_g", "mean_a"]].isna().all()


def test_a_row_without_a_p_does_not_count_in_its_family():
    parts = [counter({"CAR": CAR, "NT": NT}), counter({"CAR": CAR, "NT": NT[:2]}, region="liver")]
    rows = compared(pd.concat(parts))
    row = the(rows, analysis="all", region="spleen")
    assert row["p_adjusted"] == row["p_value"]
    assert np.isnan(the(rows, analysis="all", region="liver")["p_adjusted"])


def test_a_value_of_zero_or_less_is_told_and_compared_on_the_linear_scale_beside_it():
    rows = compared(endpoints({"CAR": CAR, "NT": [0.3, -0.05, 0.4, 0.0]}))
    rows = rows[rows["analysis"] == "all"]
    log, linear = the(rows, scale="log"), the(rows, scale="linear")
    assert log["status"] == "not_estimable"
    assert log["is_primary"]
    assert log["reason"].startswith("2 of 4 mice of NT with a value of zero or less, which has no logarithm")
    assert np.isnan(log["estimate"])
    assert [linear["status"], linear["is_primary"], linear["family"]] == ["ok", False, "expansion"]
    assert linear["estimate"] == pytest.approx(np.mean(CAR) - 0.1625)


def test_values_below_detection_are_censored_on_the_log_scale():
    frame = counter({"CAR": CAR, "NT": NT})
    frame.loc[frame["value"] == min(NT), ["is_below_detection", "detection_level"]] = [True, 0.28]
    row = the(compared(frame), analysis="all", endpoint="uptake_pct_id_per_g")
    assert row[["test", "n_b", "n_below_detection_a", "n_below_detection_b"]].tolist() == ["Tobit on log", 4, 0, 1]
    # The censored value is drawn from the tail below its level, wherever the number lies.
    assert np.exp(np.mean(np.log([0.31, 0.42, 0.38]))) > row["mean_b"]
    moved = frame.assign(value=frame["value"].mask(frame["is_below_detection"], -3.0))
    columns = ["estimate", "ci_low", "ci_high", "p_value", "mean_b"]
    pd.testing.assert_series_equal(
        the(compared(moved), analysis="all", endpoint="uptake_pct_id_per_g")[columns], row[columns]
    )


def test_a_group_below_detection_is_compared_by_rank_and_never_as_zero():
    frame = counter({"CAR": CAR, "NT": [0.0, -0.1, 0.01, 0.02]})
    frame.loc[frame["group"] == "NT", ["is_below_detection", "detection_level"]] = [True, 0.05]
    row = the(compared(frame), analysis="all", endpoint="uptake_pct_id_per_g")
    assert row[["test", "statistic_name", "statistic", "p_method", "status"]].tolist() == [
        "Mann-Whitney on log", "U", 16.0, "exact", "ok",
    ]  # fmt: skip
    assert row["p_value"] == pytest.approx(2 / 70, rel=1e-12)
    assert row[["rank_biserial", "rank_biserial_ci_high", "effect_size_kind"]].tolist() == [
        1, 1, "rank-biserial (exact)",
    ]  # fmt: skip
    assert -1 < row["rank_biserial_ci_low"] < 1
    assert row[["estimate", "mean_b", "hedges_g"]].isna().all()


FAMILY = {"family": "organs", "endpoint": "uptake", "modality": "counter", "regions": [], "sessions": [], "groups": []}


def three_groups(test, **changes):
    random = np.random.default_rng(12)
    parts = [endpoints({"CAR": CAR, "NT": NT})]
    for region in ("spleen", "liver"):
        values = {name: random.lognormal(shift, 0.4, 6) for name, shift in (("CAR", 1), ("NT", 0), ("CAR2", 0.5))}
        parts.append(counter(values, region=region))
    frame = pd.concat(parts)
    rows = compared(frame, secondary=[FAMILY | {"test": test} | changes])
    return frame, rows[(rows["analysis"] == "all") & (rows["plan"] == "secondary")]


def test_a_declared_family_is_secondary_and_the_rest_exploratory():
    _, rows = three_groups("welch", regions=["spleen"])
    assert set(rows["region"]) == {"spleen"}
    assert set(rows["family"]) == {"organs"}
    p = rows.sort_values("p_value")
    assert p["p_adjusted"].to_numpy() == pytest.approx(
        np.minimum(1, np.maximum.accumulate(p["p_value"].to_numpy() * [3, 2, 1])), rel=1e-12
    )


def test_dunnett_of_a_family_compares_with_the_control_only():
    frame, rows = three_groups("dunnett")
    assert set(rows["group_b"]) == {"NT"}
    assert set(rows["adjustment"]) == {"Dunnett"}
    values = {name: np.log(part["value"]) for name, part in _of(frame, "spleen").groupby("group")}
    truth = stats.dunnett(values["CAR"], values["CAR2"], control=values["NT"], rng=np.random.default_rng(1))
    spleen = rows[rows["region"] == "spleen"].set_index("group_a")
    assert spleen.loc[["CAR", "CAR2"], "p_value"].to_numpy() == pytest.approx(truth.pvalue, abs=2e-4)
    assert rows["p_adjusted"].to_numpy() == pytest.approx(np.minimum(1, 2 * rows["p_value"].to_numpy()))


def test_games_howell_of_a_family_equals_scipy():
    frame, rows = three_groups("games_howell")
    values = {name: np.log(part["value"]) for name, part in _of(frame, "liver").groupby("group")}
    names = ["CAR", "NT", "CAR2"]
    truth = stats.tukey_hsd(*(values[name] for name in names), equal_var=False)
    interval = truth.confidence_interval(0.95)
    for row in rows[rows["region"] == "liver"].to_dict("records"):
        place = names.index(row["group_a"]), names.index(row["group_b"])
        assert row["p_value"] == pytest.approx(truth.pvalue[place], abs=1e-9)
        assert np.log(row["ci_low"]) == pytest.approx(interval.low[place], rel=1e-6)


def _of(frame, region):
    return frame[(frame["region"] == region) & (frame["analysis"] == "all")]


def test_permutation_and_ranks_of_a_family():
    frame, rows = three_groups("permutation", groups=["CAR", "NT"], regions=["spleen"])
    a, b = (np.log(part["value"].to_numpy()) for _, part in _of(frame, "spleen").groupby("group") if _ in ("CAR", "NT"))
    truth = stats.permutation_test((a, b), lambda x, y: x.mean() - y.mean(), n_resamples=np.inf)
    row = rows.iloc[0]
    assert [row["p_value"], row["p_method"]] == [pytest.approx(truth.pvalue, rel=1e-12), "exact"]
    assert np.log(row["estimate"]) == pytest.approx(a.mean() - b.mean())
    _, ranked = three_groups("mann_whitney", groups=["CAR", "NT"], regions=["spleen"])
    assert ranked.iloc[0]["p_value"] == pytest.approx(stats.mannwhitneyu(a, b, method="exact").pvalue, rel=1e-12)


def test_one_comparison_in_two_families_is_refused():
    families = [FAMILY | {"test": "welch"}, FAMILY | {"family": "again", "test": "mann_whitney"}]
    with pytest.raises(InputError, match=r"stands in the families 'organs' and 'again'.*\[declared-twice\]"):
        compared(counter({"CAR": CAR, "NT": NT}), secondary=families)


def test_no_scatter_no_test():
    row = the(compared(endpoints({"CAR": [0.7] * 4, "NT": [0.1] * 3})), analysis="all")
    assert row["reason"] == "the values within each group are all the same, which leaves no scatter to judge by"
    assert row[["p_value", "estimate"]].isna().all()


def test_all_mice_excluded():
    frame = endpoints({"CAR": CAR, "NT": NT})
    frame.loc[frame["group"] == "NT", ["excluded", "exclusion_reason"]] = [True, "wrong cells"]
    rows = compared(frame)
    assert the(rows, analysis="all")["status"] == "ok"
    row = the(rows, analysis="without_excluded")
    assert row["reason"] == "NT has 0 mice with a value (4 excluded); a test needs 3 in each group"


@pytest.mark.parametrize(
    ("primary", "reason"),
    [
        ({"endpoint": "peak"}, "the study has no values of peak"),
        ({"region": "liver"}, "growth_rate was not measured for region 'liver'; it has tumour"),
        ({"groups": ["CAR", "CAR2"]}, "CAR2 has no value of growth_rate"),
        (
            {"endpoint": "uptake", "modality": "counter", "region": "spleen", "session": "d41"},
            "uptake_pct_id_per_g was not measured for session 'd41'; did you mean 'd14'?",
        ),
        ({"endpoint": "cells", "session": "d14"}, "the study has no values of cells"),
    ],
)
def test_a_primary_comparison_that_was_not_measured_is_a_row_that_says_why(primary, reason):
    frame = pd.concat([endpoints({"CAR": CAR, "NT": NT}), counter({"CAR": CAR, "NT": NT})])
    rows = compared(frame, primary=PRIMARY | primary)
    rows = rows[rows["is_primary"]]
    assert rows["analysis"].tolist() == ["all", "without_excluded"]
    assert set(rows["status"]) == {"not_estimable"}
    assert set(rows["reason"]) == {reason}
    assert set(rows["n_a"]) == ({4} if primary.get("groups") == ["CAR", "CAR2"] else {0})


@pytest.mark.parametrize(
    ("modality", "endpoint"),
    [("counter", "uptake_pct_id_per_g"), ("pet", "uptake_pct_id_per_ml")],
)
def test_primary_uptake_is_the_main_quantity_of_its_modality(modality, endpoint):
    values = {"CAR": CAR, "NT": NT}
    frame = pd.concat(counter(values, modality=modality, endpoint=name) for name in (endpoint, "uptake_pct_id"))
    primary = PRIMARY | {"endpoint": "uptake", "modality": modality, "region": "spleen", "session": "d14"}
    rows = compared(frame, primary=primary)
    row = the(rows, analysis="all", is_primary=True)
    assert [row["endpoint"], row["status"]] == [endpoint, "ok"]


def test_nothing_measured():
    nothing = tables.empty(tables.Endpoints)
    assert summarise(nothing, confidence=0.95).columns.tolist() == tables.Summaries.names()
    rows = compared(nothing)
    assert rows["reason"].tolist() == ["the study has no values of growth_rate"] * 2


def test_the_order_of_rows_changes_nothing():
    random = np.random.default_rng(11)
    frame = pd.concat(
        counter({group: random.lognormal(0, 1, 6) for group in ("CAR", "NT", "UTD")}, region=region)
        for region in ("spleen", "liver", "bone")
    )
    shuffled = frame.sample(frac=1, random_state=4)
    pd.testing.assert_frame_equal(summarise(frame, confidence=0.95), summarise(shuffled, confidence=0.95))
    pd.testing.assert_frame_equal(compared(frame), compared(shuffled))


def test_tables_keep_their_contracts(tmp_path):
    frame = pd.concat(
        [endpoints({"CAR": CAR, "NT": [0.1, -1.0, 2.0]}), counter({"CAR": CAR, "UTD": UTD, "NT": NT[:2]})]
    )
    for made, table in (
        (frame, tables.Endpoints),
        (summarise(frame, confidence=0.95), tables.Summaries),
        (compared(frame), tables.Comparisons),
    ):
        tables.write(made, tmp_path / "table.csv", table)
        assert len(tables.read(tmp_path / "table.csv", table)) == len(made)


# ---- what a study shares


def test_what_is_common_to_the_study_does_not_average_out_over_mice():
    frame = counter({"CAR": [2.0, 4.0, 3.0, 3.0]})
    frame = frame.assign(own_se=0.03 * frame["value"], shared_se=0.02 * frame["value"], blanks_se=0.08)
    row = summarise(frame, confidence=0.95).iloc[0]
    own = np.sqrt(np.sum((0.03 * np.array([2.0, 4.0, 3.0, 3.0])) ** 2)) / 4
    # Standards 2 % of 3.0, and blanks of 0.08 under every mouse.
    assert row["shared_se"] == pytest.approx(0.1, rel=1e-12)
    assert row["measurement_se"] == pytest.approx(np.hypot(own, 0.1), rel=1e-12)
    assert row["total_se"] == pytest.approx(np.hypot(row["sd"] / 2, 0.1), rel=1e-12)


def test_what_is_common_to_the_study_leaves_ratios_of_groups_alone():
    values = {"CAR": CAR, "NT": NT}
    shifted = {group: [1.1 * value for value in mice] for group, mice in values.items()}
    one, other = (compared(counter(mice)).query("scale == 'log'") for mice in (values, shifted))
    for column in ("estimate", "ci_low", "ci_high", "p_value"):
        assert other[column].to_numpy() == pytest.approx(one[column].to_numpy(), rel=1e-9, nan_ok=True)
