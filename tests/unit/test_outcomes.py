"""What became of a mouse: values, changes, the worst of them, and progression, by hand."""

import pandas as pd
import pytest

from cartrace.outcomes import folds, outcome_of, outcome_text, progression

WEIGHT = {"readout": "body_weight", "day": 14.0, "direction": "higher", "threshold": 0.85, "measure": "worst_fold"}
VOLUME = {"readout": "tumour_volume", "day": 21.0, "direction": "lower", "threshold": 2.0, "measure": "progression"}


def readings(**mice):
    """Make readings of {mouse: {day: value}} of both readouts."""
    rows = [
        {"cohort": "C01", "animal_id": mouse, "readout": readout, "day": float(day), "value": float(value)}
        for mouse, values in mice.items()
        for day, value in values.items()
        for readout in ("body_weight", "tumour_volume")
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=3)


def mice(*names, early_day=7.0, day=21.0, died=False):
    rows = [{"cohort": "C01", "animal_id": name, "early_day": early_day, "day": day, "died": died} for name in names]
    return pd.DataFrame(rows)


def by_mouse(frame, column="outcome"):
    return frame.set_index("animal_id")[column].to_dict()


def test_the_baseline_is_the_last_reading_up_to_day_0_else_the_first():
    found = folds(readings(a={-3: 10, -0.2: 20, 4: 30}, b={2: 50, 6: 25}).query("readout == 'body_weight'"))
    assert by_mouse(found, "value") == {"a": 1.5, "b": 0.5}
    # A tumour that was not there yet has no fold.
    assert folds(readings(a={-1: 0, 4: 30}).query("readout == 'tumour_volume'")).empty


@pytest.mark.parametrize(("measure", "value"), [("value", 18.0), ("fold", 0.9), ("worst", 16.0), ("worst_fold", 0.8)])
def test_measures(measure, value):
    # The deepest loss, of day 5, lies before the signal of day 7 and is predicted by nobody.
    read = readings(a={0: 20, 5: 10, 9: 16, 13.6: 18, 30: 2})
    found = outcome_of(read, mice("a"), WEIGHT | {"measure": measure})
    assert by_mouse(found) == {"a": pytest.approx(value)}


def test_the_worst_of_a_score_is_the_highest_and_needs_mice_that_were_followed():
    read = readings(a={0: 1, 8: 3, 14: 2}, left={0: 1, 8: 5})
    found = outcome_of(read, mice("a", "left"), WEIGHT | {"measure": "worst", "direction": "lower"})
    assert by_mouse(found) == {"a": 3}


def test_progression_is_the_first_reading_beyond_the_threshold_or_death():
    read = readings(
        grew={0: 100, 7: 150, 10: 210, 14: 190},
        stable={0: 100, 20.7: 150},
        left={0: 100, 9: 150},
        died={0: 100, 9: 150},
    )
    lives = pd.concat([mice("grew", "stable", "left", "never_read"), mice("died", day=12.0, died=True)])
    found = progression(read, lives, VOLUME).set_index("animal_id")
    assert found["died"].to_dict() == {"grew": True, "stable": False, "left": False, "died": True}
    assert found["day"].to_dict() == {"grew": 10.0, "stable": 21.0, "left": 9.0, "died": 12.0}
    loss = VOLUME | {"direction": "higher", "threshold": 0.8, "readout": "body_weight"}
    thin = progression(readings(a={0: 20, 8: 15.9, 12: 19}), mice("a"), loss)
    assert thin[["day", "died"]].to_numpy().tolist() == [[8.0, True]]


def test_outcomes_in_words():
    assert outcome_text(WEIGHT) == "worst body_weight over its baseline up to day 14 (higher is good, threshold 0.85)"
    assert outcome_text(VOLUME) == "progression of tumour_volume to day 21 (at least 2 times the baseline)"
    survival = {"readout": "survival", "day": 30.0, "direction": "higher", "threshold": None, "measure": "value"}
    assert outcome_text(survival) == "survival to day 30"
    assert outcome_text(VOLUME | {"measure": "value"}) == "tumour_volume on day 21 (lower is good, threshold 2)"
