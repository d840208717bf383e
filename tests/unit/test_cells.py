"""Background, net signal, critical level and cells against numbers made by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cartrace import tables
from cartrace.calibration import Line
from cartrace.cells import (
    background_by_session,
    calibration_line,
    signal_rows,
    subtract_background,
    with_calibration,
    without_calibration,
)
from cartrace.cells_quality import quality_rows

ROLES = {"UTD": "background", "NT": "control", "CAR": "test"}


def uptake(*rows):
    """Rows of (animal, group, session, %ID), and what differs from the ordinary."""
    plain = dict.fromkeys(tables.Uptake.names(), np.nan) | {
        "cohort": "C01",
        "modality": "pet",
        "region": "tumour",
        "tracer": "[18F]TFB",
        "nuclide": "F-18",
        "measured_at": "",
        "is_below_detection": False,
        "status": "ok",
        "reason": "",
        "excluded": False,
        "exclusion_reason": "",
    }
    made = []
    for animal, group, session, value, *more in rows:
        row = plain | {"animal_id": animal, "group": group, "session": session, "scan_id": f"{animal}-{session}"}
        row |= {"uptake_pct_id": value, "uptake_pct_id_se": 0.05 * abs(value), "cell_day": float(session[1:])}
        made.append(row | (more[0] if more else {}))
    return pd.DataFrame(made, columns=tables.Uptake.names())


THREE = [("U1", "UTD", "d07", 0.04), ("U2", "UTD", "d07", 0.05), ("U3", "UTD", "d07", 0.06)]


def rows_of(*rows):
    return signal_rows(uptake(*rows), region="tumour", modality="pet", roles=ROLES)


def test_background_is_the_mean_of_its_session_with_the_prediction_limit_of_one_more_mouse():
    found = background_by_session(rows_of(*THREE, ("U1", "UTD", "d14", 0.9), ("M1", "CAR", "d07", 0.5)))
    day = found.set_index("session").loc["d07"]
    assert day["background_pct_id"] == pytest.approx(0.05)
    assert day["background_pct_id_se"] == pytest.approx(0.01 / np.sqrt(3))
    assert day["critical_level"] == pytest.approx(stats.t.ppf(0.95, 2) * 0.01 * np.sqrt(4 / 3))
    assert day["n_background"] == 3


def test_what_the_study_shares_is_no_scatter_about_a_curve():
    shared = {"rel_se_standard": 0.03}
    found = without_calibration(subtract_background(rows_of(*THREE, ("M1", "CAR", "d07", 0.5, shared))))
    row = found.set_index("animal_id").loc["M1"]
    assert row["signal_pct_id_se"] == pytest.approx(0.025)
    assert row["response_se"] == pytest.approx(np.sqrt(row["net_pct_id_se"] ** 2 - 0.015**2))
    # Without a stated layer nothing is taken out.
    plain = without_calibration(subtract_background(rows_of(*THREE, ("M1", "CAR", "d07", 0.5))))
    assert plain["response_se"].to_numpy() == pytest.approx(plain["net_pct_id_se"].to_numpy())


def test_of_cells_the_line_is_shared_as_the_scanner_is():
    line = Line(8, 2e-7, 4e-9, 0.01, 0.004, -8e-12, 0.1, 1e4, 1e7)
    rows = subtract_background(rows_of(*THREE, ("M1", "CAR", "d07", 0.5, {"rel_se_standard": 0.03})))
    found = with_calibration(rows, {"[18F]TFB": line}, {"[18F]TFB": ""}, confidence=0.95)
    row = found.set_index("animal_id").loc["M1"]
    of_line = float(line.cells_se(np.array([row["cells"]]))[0])
    assert row["response_shared_se"] == pytest.approx(np.hypot(0.015 / 2e-7, of_line), rel=1e-9)
    assert row["response_background_se"] == pytest.approx(0.01 / np.sqrt(3) / 2e-7, rel=1e-9)


def test_one_background_mouse_has_no_critical_level():
    found = background_by_session(rows_of(("U1", "UTD", "d07", 0.04)))
    assert found["background_pct_id"].tolist() == [0.04]
    assert found["background_pct_id_se"].tolist() == pytest.approx([0.002])
    assert found["critical_level"].isna().all()


def test_excluded_and_failed_background_mice_do_not_count():
    found = background_by_session(
        rows_of(
            *THREE,
            ("U4", "UTD", "d07", 9.0, {"excluded": True, "exclusion_reason": "leak"}),
            ("U5", "UTD", "d07", np.nan, {"status": "not_estimable", "reason": "no dose"}),
        )
    )
    assert found["n_background"].tolist() == [3]
    assert found["background_pct_id"].tolist() == pytest.approx([0.05])


def test_two_scans_of_a_background_mouse_count_as_one_mouse():
    found = background_by_session(rows_of(*THREE, ("U3", "UTD", "d07", 0.08, {"scan_id": "again"})))
    assert found["n_background"].tolist() == [3]
    assert found["background_pct_id"].tolist() == pytest.approx([(0.04 + 0.05 + 0.07) / 3])


def test_cohorts_keep_their_own_background():
    other = [("U9", "UTD", "d07", 0.5, {"cohort": "C02"}), ("M9", "CAR", "d07", 0.9, {"cohort": "C02"})]
    net = subtract_background(rows_of(*THREE, ("M1", "CAR", "d07", 0.9), *other)).set_index("animal_id")["net_pct_id"]
    assert net["M1"] == pytest.approx(0.85)
    assert net["M9"] == pytest.approx(0.4)


def test_net_signal_adds_the_variances_and_keeps_negative_values():
    found = subtract_background(rows_of(*THREE, ("M1", "CAR", "d07", 0.5), ("M2", "CAR", "d07", 0.03)))
    mice = found.set_index("animal_id")
    assert mice.loc["M1", "net_pct_id"] == pytest.approx(0.45)
    assert mice.loc["M1", "net_pct_id_se"] == pytest.approx(np.hypot(0.025, 0.01 * np.sqrt(1 + 1 / 3)))
    assert mice.loc["M2", "net_pct_id"] == pytest.approx(-0.02)
    assert mice["is_below_detection"].to_dict() == {"U1": True, "U2": True, "U3": True, "M1": False, "M2": True}
    assert mice.loc["M1", "detection_limit_pct_id"] == pytest.approx(2 * mice.loc["M1", "critical_level_pct_id"])


def test_without_background_nothing_is_subtracted_and_the_own_critical_level_holds():
    own = {"critical_level_pct_id": 0.1, "detection_limit_pct_id": 0.21, "is_below_detection": True}
    found = subtract_background(rows_of(*THREE, ("M1", "CAR", "d14", 0.07, own))).set_index("animal_id").loc["M1"]
    assert found["net_pct_id"] == 0.07
    assert found["net_pct_id_se"] == pytest.approx(0.0035)
    assert np.isnan(found["background_pct_id"])
    assert found["n_background"] == 0
    assert found["critical_level_pct_id"] == 0.1
    assert found["detection_limit_pct_id"] == 0.21
    assert found["is_below_detection"]


def test_only_the_followed_region_and_modality_are_kept():
    frame = rows_of(
        ("M1", "CAR", "d07", 0.5),
        ("M2", "CAR", "d07", 0.5, {"region": "liver"}),
        ("M3", "CAR", "d07", 0.5, {"modality": "counter"}),
    )
    assert frame["animal_id"].tolist() == ["M1"]


def test_an_uptake_without_volume_is_a_row_with_its_reason():
    frame = without_calibration(subtract_background(rows_of(("M1", "CAR", "d07", np.nan))))
    assert frame["status"].tolist() == ["not_estimable"]
    assert "volume" in frame["reason"].iloc[0]
    assert frame["response"].isna().all()


# ---- calibration ----

CELLS = [1e5, 1e6, 1e7, 1e5, 1e6, 1e7]
SIGNAL = [0.021, 0.19, 2.05, 0.0195, 0.207, 1.96]


def samples(cells=CELLS, signal=SIGNAL, **more):
    frame = pd.DataFrame({"cells": cells, "uptake_pct_id": signal, "background_pct_id": np.nan})
    frame = frame.assign(cohort="C01", kind="in_vivo", tracer="[18F]TFB", replicate="", source_file="calibration.csv")
    return frame.assign(source_row=np.arange(len(frame)) + 2, **more)


def line_of(frame):
    return calibration_line(frame, cohort="C01", kind="in_vivo", tracer="[18F]TFB")


def test_cells_are_read_from_the_line_and_the_critical_level_with_them():
    line, row = line_of(samples())
    rows = subtract_background(rows_of(*THREE, ("M1", "CAR", "d07", 0.5), ("M2", "CAR", "d07", 0.03)))
    found = with_calibration(rows, {"[18F]TFB": line}, {"[18F]TFB": row["reason"]}, confidence=0.95)
    mice = found.set_index("animal_id")
    assert mice.loc["M1", "cells"] == pytest.approx((0.45 - row["intercept"]) / row["slope"])
    assert mice.loc["M2", "cells"] < 0
    assert mice.loc["M1", "cells_ci_low"] < mice.loc["M1", "cells"] < mice.loc["M1", "cells_ci_high"]
    critical = mice.loc["M1", "critical_level_pct_id"]
    assert mice.loc["M1", "detection_limit_cells"] == pytest.approx(2 * critical / row["slope"])
    assert mice.loc["M1", "response_critical_level"] == pytest.approx((critical - row["intercept"]) / row["slope"])
    assert ((found["cells"] < found["response_critical_level"]) == found["is_below_detection"]).all()
    assert set(found["response_unit"]) == {"cells"}
    assert found["response"].equals(found["cells"])
    assert mice["is_extrapolated"].to_dict() == {"U1": True, "U2": True, "U3": True, "M1": False, "M2": True}


def test_background_of_a_sample_is_subtracted_where_it_is_given():
    shifted = samples(signal=[value + 0.05 for value in SIGNAL], background_pct_id=0.05)
    assert line_of(shifted)[1]["slope"] == pytest.approx(line_of(samples())[1]["slope"])


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (samples()[:2], "2 usable samples"),
        (samples(kind="in_vitro"), "0 usable samples of kind in_vivo"),
        (samples(tracer="[124I]I"), "0 usable samples"),
        (samples(cells=[1e6] * 6), "same number of cells"),
        (samples(signal=SIGNAL[2::-1] + SIGNAL[2::-1]), "does not rise"),
        (samples(cells=[0, 0, 0, 0, 1e5, 1e6]), "4 of 6 samples without cells"),
    ],
)
def test_what_is_no_line_says_why_and_gives_no_response(frame, says):
    line, row = line_of(frame)
    assert line is None
    assert row["status"] == "not_estimable"
    assert says in row["reason"]
    rows = subtract_background(rows_of(*THREE, ("M1", "CAR", "d07", 0.5)))
    found = with_calibration(rows, {"[18F]TFB": line}, {"[18F]TFB": row["reason"]}, confidence=0.95)
    assert found["response"].isna().all()
    assert set(found["response_unit"]) == {"cells"}
    assert set(found["status"]) == {"not_estimable"}
    assert found["net_pct_id"].notna().all()
    assert found["reason"].str.contains("no calibration").all()


def test_a_critical_level_below_the_intercept_is_no_censoring_point():
    line, row = line_of(samples(signal=[value + 0.3 for value in SIGNAL]))
    assert row["intercept"] > 0.2
    rows = subtract_background(rows_of(*THREE, ("M1", "CAR", "d07", 0.06)))
    found = with_calibration(rows, {"[18F]TFB": line}, {"[18F]TFB": ""}, confidence=0.95)
    assert found["response_critical_level"].isna().all()
    assert found["reason"].str.contains("intercept").all()


# ---- quality ----


def checks(frame, lines=(), known=("tumour",)):
    found = quality_rows(frame, lines, cohort="C01", region="tumour", modality="pet", known=known)
    return {(row["check"], row["subject"]): row for row in found}


def test_sessions_say_what_was_subtracted():
    rows = rows_of(*THREE, ("M1", "CAR", "d07", 0.5), ("M1", "CAR", "d14", 0.5), ("U1", "UTD", "d21", 0.1))
    found = checks(without_calibration(subtract_background(rows)))
    assert found["control-subtraction", "d07"]["status"] == "pass"
    assert found["control-subtraction", "d14"]["status"] == "warn"
    assert "nothing is subtracted" in found["control-subtraction", "d14"]["message"]
    assert "no critical level" in found["control-subtraction", "d21"]["message"]


def test_a_region_that_is_not_there_is_named_with_those_that_are():
    found = checks(without_calibration(subtract_background(rows_of())), known=("tumor left", "muscle"))
    assert "tumor left, muscle" in found["followed-region", "tumour"]["message"]


@pytest.mark.parametrize(
    ("offset", "scatter", "status", "says"),
    [
        (0.0, 0.02, "pass", "0 is expected"),
        (0.05, 0.02, "warn", "The line does not go through 0"),
        (0.0, 0.8, "warn", "too few, or scatter too much"),
    ],
)
def test_an_intercept_and_a_scatter_that_hide_the_proportion_are_said(offset, scatter, status, says):
    cells = np.array([1e5, 3e5, 1e6, 3e6, 1e7])
    signal = (2e-7 * cells + offset) * np.exp(scatter * np.array([-1.0, 1.0, -0.7, 1.1, 0.6]))
    _, row = line_of(samples(cells=cells, signal=signal))
    found = checks(without_calibration(subtract_background(rows_of())), [row])["calibration-linearity", "[18F]TFB"]
    assert found["status"] == status
    assert says in found["message"]


def test_the_intercept_is_tested_as_by_an_ordinary_regression():
    """Weighted with 1 / signal: the same p as of that regression's constant column."""
    line, row = line_of(samples())
    t = line.intercept / line.intercept_se
    assert row["intercept_p"] == pytest.approx(2.0 * stats.t.sf(abs(t), line.n_points - 2), rel=1e-12)


@pytest.mark.parametrize(("power", "status"), [(1.0, "pass"), (0.6, "warn")])
def test_linearity_is_judged_by_the_slope_of_the_logs(power, status):
    cells = np.array([1e5, 3e5, 1e6, 3e6, 1e7])
    rng = np.random.default_rng(2)
    _, row = line_of(samples(cells=cells, signal=2e-7 * cells**power * np.exp(rng.normal(0, 0.02, 5))))
    found = checks(without_calibration(subtract_background(rows_of())), [row])
    assert found["calibration-linearity", "[18F]TFB"]["status"] == status
    assert found["calibration-linearity", "[18F]TFB"]["value"] == pytest.approx(power, abs=0.05)


def test_cells_beyond_the_calibration_are_counted():
    line, row = line_of(samples())
    rows = rows_of(*THREE, ("M1", "CAR", "d07", 0.5), ("M2", "CAR", "d07", 9.0))
    found = with_calibration(subtract_background(rows), {"[18F]TFB": line}, {"[18F]TFB": ""}, confidence=0.95)
    check = checks(found, [row])["calibration-range", "tumour"]
    assert check["value"] == 0.5
    assert check["status"] == "warn"
    assert check["message"].startswith("1 of 2 ")


def test_a_signal_before_the_cells_is_warned_of():
    from cartrace.cells_quality import quality_rows

    rows = pd.DataFrame(
        {
            "animal_id": ["m1", "m2", "m3"],
            "session": ["d-1", "d-1", "d07"],
            "scan_id": "",
            "cell_day": [-1.0, -1.0, 7.0],
            "status": "ok",
            "role": "test",
            "net_pct_id": [0.5, 0.01, 5.0],
            "critical_level_pct_id": 0.1,
            "n_background": 3,
            "cells": np.nan,
            "excluded": False,
            "is_extrapolated": False,
        }
    )
    found = quality_rows(rows, [], cohort="C01", region="tumour", modality="pet", known=[])
    baseline = {row["subject"]: row["status"] for row in found if row["check"] == "baseline"}
    assert baseline == {"m1, d-1": "warn", "m2, d-1": "pass"}
