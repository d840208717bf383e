"""`estimate_cells` on a small cohort: its tables keep their contracts and hold the truth that went in."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cartrace import tables

GROUPS = [{"name": "UTD", "role": "background"}, {"name": "NT", "role": "control"}, {"name": "CAR", "role": "test"}]
SLOPE, BACKGROUND = 2e-7, 0.05


def script(name):
    path = Path(__file__).parents[2] / "scripts" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def uptake_of(cells_by_mouse):
    rows = []
    for (animal, group), by_day in cells_by_mouse.items():
        for day, cells in by_day.items():
            value = BACKGROUND + SLOPE * cells
            row = dict.fromkeys(tables.Uptake.names(), np.nan) | {
                "cohort": "C01",
                "animal_id": animal,
                "session": f"d{day:02d}",
                "modality": "pet",
                "scan_id": f"{animal}-{day}",
                "region": "tumour",
                "group": group,
                "tracer": "[18F]TFB",
                "nuclide": "F-18",
                "measured_at": "",
                "cell_day": float(day),
                "uptake_pct_id": value,
                "uptake_pct_id_se": 0.03 * value,
                "is_below_detection": False,
                "status": "ok",
                "reason": "",
                "excluded": animal == "X1",
                "exclusion_reason": "leak" if animal == "X1" else "",
            }
            rows.append(row)
    return pd.DataFrame(rows, columns=tables.Uptake.names())


@pytest.fixture
def study(tmp_path):
    shifts = [-0.005, 0.0, 0.005]
    mice = {(f"U{i}", "UTD"): dict.fromkeys((1, 7), s / SLOPE) for i, s in enumerate(shifts)}
    mice |= {("M1", "CAR"): {1: 3e5, 7: 4e6}, ("N1", "NT"): {1: 2e5, 7: 6e5}, ("X1", "CAR"): {1: 1e3, 7: 5e6}}
    tables.write(uptake_of(mice), tmp_path / "uptake.csv", tables.Uptake)
    cells = np.array([1e5, 1e6, 1e7] * 2)
    wobble = np.array([1.02, 0.98, 1.01, 0.99, 1.015, 0.985])
    calibration = pd.DataFrame(
        {
            "cohort": "C01",
            "kind": "in_vivo",
            "tracer": "[18F]TFB",
            "cells": cells,
            "uptake_pct_id": SLOPE * cells * wobble,
            "background_pct_id": np.nan,
            "replicate": "",
            "source_file": "calibration.csv",
            "source_row": np.arange(6) + 2,
        }
    )
    tables.write(calibration, tmp_path / "calibration.csv", tables.Calibration)
    return tmp_path


def run(folder, **changes):
    settings = {"cohort": "C01", "groups": GROUPS, "modality": "pet", "region": "tumour", "kind": "in_vivo"}
    outputs = {name: str(folder / f"{name}.csv") for name in ("cells", "calibration_lines", "quality")}
    script("estimate_cells").main(
        uptake=str(folder / "uptake.csv"),
        other_uptake=[str(path) for path in sorted(folder.glob("other*.csv"))],
        calibration=str(folder / "calibration.csv"),
        confidence=0.95,
        **outputs,
        **(settings | changes),
    )
    return (
        tables.read(outputs["cells"], tables.Cells),
        tables.read(outputs["calibration_lines"], tables.CalibrationLines),
        tables.read(outputs["quality"], tables.Quality),
    )


def test_cells_come_back(study):
    cells, lines, quality = run(study)
    found = cells.set_index(["animal_id", "session"])
    for key, truth in {("M1", "d01"): 3e5, ("M1", "d07"): 4e6, ("N1", "d07"): 6e5}.items():
        assert found.loc[key, "cells"] == pytest.approx(truth, rel=0.05)
        assert found.loc[key, "cells_ci_low"] < truth < found.loc[key, "cells_ci_high"]
    assert found.loc[("X1", "d01"), "is_below_detection"]
    assert found.loc[("X1", "d07"), "excluded"]
    assert found.loc[("X1", "d07"), "exclusion_reason"] == "leak"
    assert lines["slope"].iloc[0] == pytest.approx(SLOPE, rel=0.03)
    assert set(quality["status"]) <= {"pass", "warn"}
    assert set(cells["role"]) == {"background", "control", "test"}


def test_without_calibration_the_net_signal_is_the_response(study):
    cells, lines, _ = run(study, kind="none")
    assert lines.empty
    assert set(cells["response_unit"]) == {"pct_id"}
    pd.testing.assert_series_equal(cells["response"], cells["net_pct_id"], check_names=False)
    assert cells["cells"].isna().all()
    assert cells.set_index(["animal_id", "session"]).loc[("M1", "d07"), "response"] == pytest.approx(4e6 * SLOPE)


def test_a_kind_without_samples_is_said_and_nothing_is_put_in_its_place(study):
    cells, lines, quality = run(study, kind="in_vitro")
    assert set(cells["status"]) == {"not_estimable"}
    assert cells["response"].isna().all()
    assert lines["status"].tolist() == ["not_estimable"]
    assert quality.set_index("check").loc["calibration-samples", "status"] == "fail"


def test_a_region_without_uptake_gives_empty_tables_and_a_warning(study):
    cells, lines, quality = run(study, region="spleen")
    assert cells.empty
    assert lines.empty
    assert quality["check"].tolist() == ["followed-region"]
    assert "tumour" in quality["message"].iloc[0]


def test_two_runs_write_the_same_bytes(study):
    run(study)
    first = [(study / f"{name}.csv").read_bytes() for name in ("cells", "calibration_lines", "quality")]
    run(study)
    assert first == [(study / f"{name}.csv").read_bytes() for name in ("cells", "calibration_lines", "quality")]
