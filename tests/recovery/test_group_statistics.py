"""Group statistics keep their level, and their intervals hold the truth, at the numbers of mice that studies have."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cartrace import many_groups, pooling, rank_tests, tables
from cartrace.censored_groups import MINIMUM_QUANTIFIED, Censored, tobit
from cartrace.rank_effects import superiority
from cartrace.repeated import repeated
from cartrace.statistics import Moments, benjamini_hochberg, holm, welch

MICE = [3, 5, 8]
LEVEL = 0.05


def rng(*key):
    return np.random.default_rng([20260305, *key])


def moments(values):
    """Return the moments over the last axis."""
    n = np.full(values.shape[:-1], float(values.shape[-1]))
    return Moments(n, values.mean(axis=-1), values.var(axis=-1, ddof=1))


def share(flags):
    return float(np.mean(flags))


@pytest.mark.parametrize("n", MICE)
@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_welch_keeps_its_level_and_covers(n, ratio):
    random = rng(n, int(ratio))
    a, b = random.normal(1.0, ratio, (20_000, n)), random.normal(0.0, 1.0, (20_000, n))
    found = welch(moments(a), moments(b), 0.95)
    covers = share((found.ci_low <= 1) & (found.ci_high >= 1))
    # With three mice Welch's degrees of freedom err to the safe side.
    assert 0.03 <= 1 - covers <= 0.07
    null = welch(moments(a - 1.0), moments(b), 0.95)
    assert share(null.p_value < LEVEL) == pytest.approx(1 - covers, abs=1e-3)


@pytest.mark.parametrize("n", MICE)
def test_cohorts_as_blocks_cover_whatever_the_cohorts_shift(n):
    random, reps = rng(n), 2500
    is_a, cohort = np.tile(np.repeat([True, False], n), 3), np.repeat(np.arange(3), 2 * n)
    missed = []
    for _ in range(reps):
        value = random.normal(0, 1, is_a.size) + 0.8 * is_a + random.normal(0, 2, 3)[cohort]
        keep = random.uniform(size=is_a.size) > 0.15
        if not all(
            (is_a & keep & (cohort == one)).any() and (~is_a & keep & (cohort == one)).any() for one in range(3)
        ):
            continue
        data = pooling.blocks(value[keep], is_a[keep], cohort[keep])
        found = pooling.fixed(data, 0.95)
        missed.append(not found.ci_low <= 0.8 <= found.ci_high)
    assert 0.035 <= share(missed) <= 0.065


@pytest.mark.parametrize("tau", [0.0, 1.0])
def test_a_random_effect_of_cohorts_covers_or_is_wide(tau):
    random, n, k = rng(int(tau)), 4, 6
    is_a, cohort = np.tile(np.repeat([True, False], n), k), np.repeat(np.arange(k), 2 * n)
    missed, wide = [], []
    for _ in range(1500):
        own = random.normal(0.5, tau, k)
        value = random.normal(0, 1, is_a.size) + own[cohort] * is_a
        found, low, high = pooling.random(pooling.blocks(value, is_a, cohort), 0.95)
        missed.append(not found.ci_low <= 0.5 <= found.ci_high)
        wide.append(low <= random.normal(0.5, tau) <= high)
    assert share(missed) <= 0.07
    assert share(wide) >= 0.9


def test_heterogeneity_of_alike_cohorts_is_seen_as_often_as_its_level():
    random, is_a, cohort = rng(9), np.tile(np.repeat([True, False], 4), 4), np.repeat(np.arange(4), 8)
    p = [
        pooling.heterogeneity(pooling.blocks(random.normal(0, 1, is_a.size), is_a, cohort)).p_value for _ in range(3000)
    ]
    assert 0.04 <= share(np.array(p) < LEVEL) <= 0.06


def censored_level(n, cut, reps, shift=0.0):
    random, rejected, covered, standardised = rng(n, int(-10 * cut)), [], [], []
    while len(rejected) < reps:
        sides = [random.normal(mean, 1, n) for mean in (shift, 0.0)]
        a, b = (Censored(np.maximum(side, cut), side < cut) for side in sides)
        if all((~one.below).sum() >= MINIMUM_QUANTIFIED for one in (a, b)):
            found = tobit(a, b, 0.95)
            p = found.p_value
        else:
            p = rank_tests.mann_whitney(*(rank_tests.tied_below(one.value, one.below) for one in (a, b))).p_value
            found = None
        rejected.append(bool(p < LEVEL))
        if found is not None:
            covered.append(bool(found.ci_low <= shift <= found.ci_high))
            # The limits are those of delta times J, and J is the same for estimate and limits.
            _, low, high = np.array(found.hedges_g) * (found.mean_a - found.mean_b) / (found.sd * found.hedges_g[0])
            standardised.append(bool(low <= shift <= high))
    return share(rejected), share(covered), share(standardised)


@pytest.mark.parametrize("n", MICE)
@pytest.mark.parametrize("cut", [-1.0, -0.3])
def test_a_comparison_with_mice_below_detection_keeps_its_level(n, cut):
    level, covers, standardised = censored_level(n, cut, 600)
    assert level <= 0.07
    assert covers >= 0.93
    assert standardised >= 0.93


@pytest.mark.parametrize("n", MICE)
def test_the_standardised_difference_covers_where_mice_are_below_detection(n):
    # 600 studies tell a share of 0.95 to 0.018.
    assert censored_level(n, -0.3, 600, shift=1.5)[2] >= 0.93


# Mice a side of studies that hold an early signal against an outcome, also where few had either.
SIDES = [(5, 5), (5, 10), (7, 8), (10, 10), (4, 20)]


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("area", [0.5, 0.7, 0.85, 0.95])
@pytest.mark.parametrize("scatter", [1.0, 3.0])
def test_the_area_under_the_curve_covers(sides, area, scatter):
    random, held = rng(*sides, int(100 * area), int(scatter)), []
    shift = stats.norm.ppf(area) * np.sqrt(1 + scatter**2)
    for _ in range(1000):
        found = superiority(random.normal(shift, scatter, sides[0]), random.normal(0, 1, sides[1]), 0.95)
        held.append(found.ci_low <= area <= found.ci_high)
    # 1000 studies tell a share of 0.95 to 0.014.
    assert share(held) >= 0.936


def test_a_difference_is_not_biased_by_the_mice_below_detection():
    random, found = rng(77), []
    for _ in range(400):
        sides = [random.normal(mean, 1, 8) for mean in (1.0, 0.0)]
        a, b = (Censored(np.maximum(side, -0.5), side < -0.5) for side in sides)
        if all((~one.below).sum() >= MINIMUM_QUANTIFIED for one in (a, b)):
            fit = tobit(a, b, 0.95)
            found.append(fit.mean_a - fit.mean_b)
    assert np.mean(found) == pytest.approx(1.0, abs=4 * np.std(found) / np.sqrt(len(found)))


def test_dunnett_and_games_howell_hold_all_truths_at_once():
    random, held = rng(4), {"dunnett": [], "games_howell": []}
    for _ in range(400):
        values = random.normal(0, 1, (3, 5)) + np.array([[0.0], [1.0], [2.0]])
        for name, flags in held.items():
            pairs = getattr(many_groups, name)(moments(values), 0.95)
            truth = np.array(pairs.first) - np.array(pairs.second)
            flags.append(bool(np.all((pairs.ci_low <= truth) & (pairs.ci_high >= truth))))
    for name, flags in held.items():
        assert 0.91 <= share(flags) <= 0.985, name


@pytest.mark.parametrize("n", MICE)
def test_families_of_fifteen_tissues_keep_their_error_rates(n):
    # Tissues of a mouse share its dose, so that their p values go together; four tissues differ in truth.
    random, reps, tissues, true = rng(n, 15), 2000, 15, 4
    sides = []
    for shift in (3.0, 0.0):
        dose = random.normal(0, 0.5, (reps, 1, n))
        values = random.normal(0, 1, (reps, tissues, n)) + dose
        values[:, :true] += shift
        sides.append(moments(values))
    p = welch(sides[0], sides[1], 0.95).p_value
    by_holm = np.array([holm(row) for row in p]) < LEVEL
    by_bh = np.array([benjamini_hochberg(row) for row in p]) < LEVEL
    assert share(by_holm[:, true:].any(axis=1)) <= 0.06
    false, all_found = by_bh[:, true:].sum(axis=1), by_bh.sum(axis=1)
    assert np.mean(false / np.maximum(all_found, 1)) <= 0.06
    assert by_bh[:, :true].sum() >= by_holm[:, :true].sum()


GROUPS = [{"name": "NT", "role": "control"}, {"name": "CAR", "role": "test"}]


def imaged(random, n, *, effect, sessions=4, lost=0.1):
    """Make the endpoints of n mice a group, imaged several times, some scans missing."""
    records = []
    for group, shift in (("NT", 0.0), ("CAR", effect)):
        for mouse in range(n):
            level = random.normal(0, 0.6)
            for session in range(sessions):
                if random.uniform() > lost:
                    value = float(np.exp(0.5 * session + shift + level + random.normal(0, 0.3)))
                    records.append(
                        {"group": group, "animal_id": f"{group}{mouse}", "session": f"d{session}", "value": value}
                    )
    frame = pd.DataFrame(records).assign(
        analysis="all", endpoint="cells", modality="pet", region="tumour", cohort="C01"
    )
    frame = frame.assign(status="ok", is_below_detection=False, excluded=False, unit="cells", detection_level=np.nan)
    return frame.reindex(columns=tables.Endpoints.names(), fill_value="")


def mixed_level(n, reps, effect=0.4):
    random, missed, differs = rng(n, 31), {"average": [], "session": []}, []
    for _ in range(reps):
        rows = repeated(imaged(random, n, effect=effect), groups=GROUPS, confidence=0.95)
        rows = rows[rows["status"] == "ok"]
        for contrast, flags in missed.items():
            some = rows[rows["contrast"] == contrast]
            flags += list((some["ci_low"] > np.exp(effect)) | (some["ci_high"] < np.exp(effect)))
        # The groups differ by the same factor in all sessions, so that each interaction that is found is a false one.
        differs += list(rows.loc[rows["contrast"] == "interaction", "p_value"] < LEVEL)
    return {contrast: share(flags) for contrast, flags in missed.items()} | {"interaction": share(differs)}


@pytest.mark.parametrize("n", MICE)
def test_the_mixed_model_of_the_sessions_covers(n):
    missed = mixed_level(n, 150)
    # 150 studies tell a share of 0.05 to 0.018 only.
    assert missed["average"] <= 0.11
    assert 0.02 <= missed["session"] <= 0.085


@pytest.mark.slow
@pytest.mark.parametrize("n", MICE)
def test_the_mixed_model_of_the_sessions_keeps_its_level(n):
    missed = mixed_level(n, 1500)
    assert 0.03 <= missed["average"] <= 0.07
    assert 0.03 <= missed["session"] <= 0.07
    assert 0.03 <= missed["interaction"] <= 0.07


@pytest.mark.slow
@pytest.mark.parametrize("n", MICE)
def test_a_comparison_with_mice_below_detection_keeps_its_level_in_many_studies(n):
    level, covers, standardised = censored_level(n, -0.6, 6000)
    assert level <= 0.056
    assert covers >= 0.94
    assert standardised >= 0.94
