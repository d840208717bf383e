"""The registry of group tests: when each applies, what it gives, where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cartrace import rank_effects, rank_tests
from cartrace.censored_groups import MINIMUM_QUANTIFIED, Censored, tobit
from cartrace.statistics import MINIMUM_N, Array, hedges_g, moments

# Which effect size a comparison has, and how its limits were found.
HEDGES_G, HEDGES_G_CENSORED = "Hedges g (noncentral t)", "Hedges g of censored means (noncentral t)"


@dataclass(frozen=True)
class Sample:
    """The mice of one group on the scale of the test.

    Parameters
    ----------
    value : ndarray, shape (n,)
        Values; below detection the number does not count.
    below : ndarray of bool, shape (n,)
        Below detection.
    level : ndarray, shape (n,)
        Level under which a value below detection lies, on the same scale; NaN where it is not known.
    """

    value: Array
    below: NDArray[np.bool_]
    level: Array


@dataclass(frozen=True)
class Result:
    """What a test of group a against group b gives, on the scale of the test; NaN where it gives no such number.

    `statistic_name` is the symbol that the statistic is printed with; an effect size stands with its limits, and
    `effect_size_kind` says which it is and how its limits were found.
    """

    statistic_name: str
    estimate: float = np.nan
    ci_low: float = np.nan
    ci_high: float = np.nan
    statistic: float = np.nan
    df: float = np.nan
    p_value: float = np.nan
    p_method: str = ""
    mean_a: float = np.nan
    mean_b: float = np.nan
    sd_a: float = np.nan
    sd_b: float = np.nan
    hedges_g: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    rank_biserial: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    effect_size_kind: str = ""


@dataclass(frozen=True)
class GroupTest:
    """One test of the registry.

    `kind` is ``moments`` (two groups, from mean and variance, thousands at once), ``pair`` (two groups, from the values
    themselves, by `function`), ``groups`` (several groups of one endpoint at once) or ``paired`` (two sessions of the
    same mice); ``overall``, ``cohorts``, ``repeated`` and ``survival`` stand in the tables of these names.
    """

    name: str
    label: str
    kind: str
    when: str
    effect: str
    reference: str
    function: Callable[[Sample, Sample, float, int], Result] | None = None


def _mann_whitney(a: Sample, b: Sample, confidence: float, seed: int) -> Result:
    del seed
    ranked = [rank_tests.tied_below(one.value, one.below) for one in (a, b)]
    test = rank_tests.mann_whitney(*ranked)
    uncensored = not (a.below.any() or b.below.any())
    shift = rank_effects.hodges_lehmann(a.value, b.value, confidence) if uncensored else (np.nan,) * 3
    centres = [float(np.median(one)) for one in ranked]
    effect = rank_effects.superiority(ranked[0], ranked[1], confidence).as_correlation()
    return Result(
        "U",
        *shift,
        statistic=test.statistic,
        p_value=test.p_value,
        p_method=test.method,
        mean_a=centres[0] if np.isfinite(centres[0]) else np.nan,
        mean_b=centres[1] if np.isfinite(centres[1]) else np.nan,
        rank_biserial=(effect.estimate, effect.ci_low, effect.ci_high),
        effect_size_kind=effect.kind,
    )


def _permutation(a: Sample, b: Sample, confidence: float, seed: int) -> Result:
    test = rank_tests.permutation(a.value, b.value, seed=seed)
    low, high = rank_effects.permutation_limits(a.value, b.value, confidence, seed=seed)
    sides = [moments(one.value) for one in (a, b)]
    effect = hedges_g(sides[0], sides[1], confidence)
    return Result(
        "difference of means",
        estimate=test.statistic,
        ci_low=low,
        ci_high=high,
        statistic=test.statistic,
        p_value=test.p_value,
        p_method=test.method,
        mean_a=float(sides[0].mean[0]),
        mean_b=float(sides[1].mean[0]),
        sd_a=float(np.sqrt(sides[0].variance[0])),
        sd_b=float(np.sqrt(sides[1].variance[0])),
        hedges_g=(float(effect.estimate[0]), float(effect.ci_low[0]), float(effect.ci_high[0])),
        effect_size_kind=HEDGES_G,
    )


def _tobit(a: Sample, b: Sample, confidence: float, seed: int) -> Result:
    del seed
    sides = [Censored(np.where(one.below, one.level, one.value), one.below) for one in (a, b)]
    found = tobit(sides[0], sides[1], confidence)
    return Result(
        "t",
        estimate=found.mean_a - found.mean_b,
        ci_low=found.ci_low,
        ci_high=found.ci_high,
        statistic=found.statistic,
        df=found.df,
        p_value=found.p_value,
        p_method="likelihood ratio",
        mean_a=found.mean_a,
        mean_b=found.mean_b,
        sd_a=found.sd,
        sd_b=found.sd,
        hedges_g=found.hedges_g,
        effect_size_kind=HEDGES_G_CENSORED,
    )


_MEANS = "ratio of geometric means (log) or difference of means, Hedges g"

TESTS: tuple[GroupTest, ...] = (
    GroupTest(
        name="welch",
        label="Welch t",
        kind="moments",
        when="two groups of at least three mice; on the log scale all above detection",
        effect=_MEANS,
        reference="Welch BL. Biometrika 1947;34:28-35. doi:10.1093/biomet/34.1-2.28",
    ),
    GroupTest(
        name="tobit",
        label="Tobit",
        kind="pair",
        when="two groups of at least three mice on the log scale, some below detection, two quantified in each",
        effect="ratio of geometric means, Hedges g",
        reference="Tobin J. Econometrica 1958;26:24-36. doi:10.2307/1907382",
        function=_tobit,
    ),
    GroupTest(
        name="mann_whitney",
        label="Mann-Whitney",
        kind="pair",
        when="two groups of at least three mice; values below detection are tied lowest",
        effect="Hodges-Lehmann shift (a ratio on the log scale), rank-biserial correlation",
        reference="Mann HB, Whitney DR. Ann Math Stat 1947;18:50-60. doi:10.1214/aoms/1177730491",
        function=_mann_whitney,
    ),
    GroupTest(
        name="permutation",
        label="Permutation",
        kind="pair",
        when="two groups of at least three mice, all above detection, that could change places",
        effect=_MEANS,
        reference="Phipson B, Smyth GK. Stat Appl Genet Mol Biol 2010;9:39. doi:10.2202/1544-6115.1585",
        function=_permutation,
    ),
    GroupTest(
        name="games_howell",
        label="Games-Howell",
        kind="groups",
        when="all pairs of at least three groups of at least three mice; variances may differ",
        effect=_MEANS,
        reference="Games PA, Howell JF. J Educ Stat 1976;1:113-125. doi:10.3102/10769986001002113",
    ),
    GroupTest(
        name="dunnett",
        label="Dunnett",
        kind="groups",
        when="several groups of at least three mice against the control; variances are alike",
        effect=_MEANS,
        reference="Dunnett CW. J Am Stat Assoc 1955;50:1096-1121. doi:10.1080/01621459.1955.10501294",
    ),
    GroupTest(
        name="paired_t",
        label="Paired t",
        kind="paired",
        when="two sessions of at least three mice measured in both",
        effect="geometric mean of the ratios (log) or mean difference, Hedges g",
        reference="Student. Biometrika 1908;6:1-25. doi:10.1093/biomet/6.1.1",
    ),
    GroupTest(
        name="signed_rank",
        label="Wilcoxon signed-rank",
        kind="paired",
        when="two sessions of at least three mice measured in both",
        effect="Hodges-Lehmann median of the ratios (log) or of the differences, rank-biserial correlation",
        reference="Wilcoxon F. Biometrics Bull 1945;1:80-83. doi:10.2307/3001968",
    ),
    GroupTest(
        name="welch_anova",
        label="Welch ANOVA",
        kind="overall",
        when="three or more groups of at least three mice",
        effect="",
        reference="Welch BL. Biometrika 1951;38:330-336. doi:10.1093/biomet/38.3-4.330",
    ),
    GroupTest(
        name="kruskal",
        label="Kruskal-Wallis",
        kind="overall",
        when="three or more groups of at least three mice in a declared endpoint; below detection is tied lowest",
        effect="",
        reference="Kruskal WH, Wallis WA. J Am Stat Assoc 1952;47:583-621. doi:10.1080/01621459.1952.10483441",
    ),
    GroupTest(
        name="blocks",
        label="Cohorts as blocks",
        kind="cohorts",
        when="a declared comparison in one or more cohorts that hold both groups",
        effect="difference within cohorts, pooled; Q and I²",
        reference="Higgins JPT, Thompson SG. Stat Med 2002;21:1539-1558. doi:10.1002/sim.1186",
    ),
    GroupTest(
        name="hartung_knapp",
        label="Cohorts as a sample",
        kind="cohorts",
        when="a declared comparison in five or more cohorts",
        effect="mean difference over cohorts, and limits for a further one",
        reference="IntHout J, Ioannidis JPA, Borm GF. BMC Med Res Methodol 2014;14:25. doi:10.1186/1471-2288-14-25",
    ),
    GroupTest(
        name="mixed_model",
        label="Linear mixed model",
        kind="repeated",
        when="the followed response and declared repeated measures, two sessions or more with all mice above detection",
        effect="ratio of geometric means by session and on average; interaction of group and session",
        reference="Kenward MG, Roger JH. Biometrics 1997;53:983-997. doi:10.2307/2533558",
    ),
    GroupTest(
        name="log_rank",
        label="Log-rank",
        kind="survival",
        when="groups of at least three mice of which one died; exact for pairs of few mice",
        effect="median survival",
        reference="Peto R, Peto J. J R Stat Soc A 1972;135:185-207. doi:10.2307/2344317",
    ),
    GroupTest(
        name="cox",
        label="Cox regression",
        kind="survival",
        when="pairs of groups whose deaths overlap",
        effect="hazard ratio",
        reference="Cox DR. J R Stat Soc B 1972;34:187-202. doi:10.1111/j.2517-6161.1972.tb00899.x",
    ),
)


def by_name(name: str) -> GroupTest:
    """Return the test of that name."""
    return next(test for test in TESTS if test.name == name)


def label(name: str, scale: str) -> str:
    """Return the name of a test in text, with its scale where that is the logarithm."""
    return f"{by_name(name).label} on log" if scale == "log" else by_name(name).label


def for_censored(a: Sample, b: Sample) -> str:
    """Return the test of two groups some of whose mice are below detection: `tobit` where it can be, else ranks."""
    known = all(np.isfinite(one.level[one.below]).all() for one in (a, b))
    enough = all((~one.below).sum() >= MINIMUM_QUANTIFIED for one in (a, b))
    return "tobit" if known and enough else "mann_whitney"


def run(name: str, a: Sample, b: Sample, confidence: float, *, seed: int) -> Result:
    """Run a test of the kind `pair`.

    Raises
    ------
    ValueError
        Where a group has fewer than three mice, or the test is of another kind.
    """
    function = by_name(name).function
    if function is None or min(a.value.size, b.value.size) < MINIMUM_N:
        raise ValueError(f"{name} is not a test of two samples of {MINIMUM_N}")
    return function(a, b, confidence, seed)
