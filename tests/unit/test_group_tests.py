"""The registry of tests: every entry has its reference, every declared name its entry, and censoring its test."""

from typing import get_args

import numpy as np
import pytest

from cartrace.config.comparison import Primary, Secondary
from cartrace.group_tests import TESTS, Sample, by_name, for_censored, label, run


def sample(values, below=(), level=0.1):
    flags = np.isin(np.arange(len(values)), list(below))
    return Sample(np.array(values, dtype=float), flags, np.where(flags, level, np.nan))


def test_every_test_has_its_reference_and_its_own_name():
    assert all("doi:" in test.reference for test in TESTS)
    assert len({test.name for test in TESTS}) == len(TESTS)
    assert all(test.function is not None for test in TESTS if test.kind == "pair")


@pytest.mark.parametrize("section", [Primary, Secondary])
def test_every_declared_test_is_in_the_registry(section):
    names = get_args(section.model_fields["test"].annotation)
    assert {by_name(name).kind for name in names} <= {"moments", "pair", "groups", "paired"}
    assert section.model_fields["test"].default == "welch"


def test_censoring_calls_for_likelihood_where_it_can_and_for_ranks_where_not():
    whole = sample([1.0, 2, 3, 4])
    assert for_censored(whole, sample([0.1, 2, 3], below=[0])) == "tobit"
    assert for_censored(whole, sample([0.1, 0.1, 3], below=[0, 1])) == "mann_whitney"
    assert for_censored(whole, sample([0.1, 2, 3], below=[0], level=np.nan)) == "mann_whitney"


def test_fewer_than_three_mice_are_refused():
    with pytest.raises(ValueError, match="not a test of two samples of 3"):
        run("mann_whitney", sample([1.0, 2]), sample([1.0, 2, 3]), 0.95, seed=1)


@pytest.mark.parametrize("name", ["tobit", "mann_whitney", "permutation"])
def test_every_test_of_two_samples_has_an_effect_size_with_limits_and_its_kind(name):
    found = run(name, sample([1.1, 2, 3, 4.2, 2.2]), sample([0.1, 2.1, 1, 0.4, 0.3]), 0.95, seed=1)
    effect, low, high = found.rank_biserial if name == "mann_whitney" else found.hedges_g
    assert low < effect < high
    assert found.effect_size_kind.startswith("rank-biserial (" if name == "mann_whitney" else "Hedges g")
    assert found.ci_low < found.estimate < found.ci_high


def test_labels():
    assert label("welch", "log") == "Welch t on log"
    assert label("games_howell", "linear") == "Games-Howell"
