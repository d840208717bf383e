"""Peak, area and last decline of a mouse without a model, and what cannot be said."""

import numpy as np
import pytest
from kinetics import cells_of, cells_row

from cartrace import tables
from cartrace.noncompartmental import areas, noncompartmental, terminal

WINDOW = (0.0, 28.0)


def mouse(values, *, critical=np.nan, name="CAR01", excluded=()):
    return [
        cells_row(
            "UTD1" if name == "UTD1" else name,
            "UTD" if name == "UTD1" else "CAR",
            day,
            value,
            response_critical_level=critical,
            excluded=day in excluded,
        )
        for day, value in values.items()
    ]


def test_the_log_rule_is_exact_for_an_exponential_decline():
    day = np.array([0.0, 1.0, 4.0, 9.0])
    response = 100.0 * np.exp(-0.3 * day)
    assert areas(day, response).sum() == pytest.approx(100.0 * (1.0 - np.exp(-2.7)) / 0.3, rel=1e-12)
    assert areas(day, response, rule="linear").sum() > areas(day, response).sum()


def test_a_rise_and_a_zero_are_linear():
    np.testing.assert_allclose(areas(np.array([0.0, 2.0, 3.0]), np.array([1.0, 3.0, 0.0])), [4.0, 1.5])


def test_the_last_decline_has_its_rate_and_is_missing_where_nothing_falls():
    day = np.array([1.0, 4.0, 7.0, 10.0, 14.0, 21.0])
    falling = np.array([1.0, 9.0, *(10.0 * np.exp(-0.2 * day[2:]))]) * 100.0
    found = terminal(day, falling)
    assert found.rate == pytest.approx(0.2, rel=1e-12)
    assert found.n_points == 4
    assert np.isnan(terminal(day, day).rate)


def test_points_below_detection_take_no_part_and_both_analyses_are_there(tmp_path):
    rows = mouse({1.0: 5.0, 4.0: 40.0, 7.0: 80.0, 10.0: 40.0, 14.0: 20.0, 21.0: 7.0}, critical=10.0, excluded=(14.0,))
    rows += mouse({1.0: 1.0, 7.0: 2.0}, name="UTD1")
    found = noncompartmental(cells_of(rows), window_days=WINDOW)
    tables.write(found, tmp_path / "n.csv", tables.Noncompartmental)
    first, second = (found[found["analysis"] == name].iloc[0] for name in ("all", "without_excluded"))
    assert len(found) == 2
    assert (first["n_points"], first["n_censored"], second["n_points"]) == (4, 2, 3)
    assert (first["first_day"], first["last_day"], first["time_of_peak"]) == (4.0, 14.0, 7.0)
    assert first["peak"] == pytest.approx(80.0)
    halves = 3.0 * 40.0 / np.log(2.0) + 4.0 * 20.0 / np.log(2.0)
    assert first["auc"] == pytest.approx(3.0 * 60.0 + halves)
    assert np.isnan(first["terminal_rate"])
    assert "no 3 points after the peak" in first["reason"]
    assert first["unit"] == "cells"


def test_one_point_is_no_curve():
    row = noncompartmental(cells_of(mouse({4.0: 5.0, 7.0: 2.0}, critical=3.0)), window_days=WINDOW).iloc[0]
    assert row["status"] == "not_estimable"
    assert "1 quantified points, 2 are needed" in row["reason"]
    assert np.isnan(row["auc"])


def test_no_mice_give_an_empty_table():
    assert noncompartmental(cells_of([]), window_days=WINDOW).empty
