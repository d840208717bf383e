"""Is every correction held by a test? Each is removed from the core in turn, and some test must fail.

``python tests/ablation.py`` removes all of them, prints which test noticed, and ends with 1 where one went unnoticed;
``python tests/ablation.py tail residual`` removes those whose name starts so. The files stay as they are: a correction
is taken out of the source text while a process of its own imports it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "scripts" / "cartrace"
WORKED = "tests/reference/test_worked_mouse.py"
TRACE = "tests/reference/test_trace.py"
BUDGET = "tests/reference/test_uncertainty_budget.py"
IMPORTED = ("tests/scripts/test_import_tables.py",)
STRATEGIES = "tests/scripts/test_apply_strategy.py"


def unit(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/unit/test_{name}.py" for name in names)


@dataclass(frozen=True)
class Correction:
    """One correction: the file of the core and the text that makes it, what stands there without it, who must notice.

    `old` stands in the file exactly once.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


CORRECTIONS: tuple[Correction, ...] = (
    # ---- counts ----
    Correction(
        "dead time",
        "counting.py",
        "1.0 / np.where(lost < 1.0, 1.0 - lost, np.nan)",
        "np.ones_like(lost)",
        (WORKED,),
    ),
    Correction(
        "background",
        "activity.py",
        'rows["gross_cps"] * rows["dead_time_factor"] - rows["background_cps"]',
        'rows["gross_cps"] * rows["dead_time_factor"]',
        (WORKED,),
    ),
    Correction(
        "decay from injection to count",
        "tissues.py",
        '(rows["decay_factor"] * rows["dose_cps"])',
        'rows["dose_cps"]',
        (WORKED,),
    ),
    Correction(
        "decay of a tube's rate",
        "activity.py",
        'net_cps_at_injection=rows["net_cps"] * in_count / left',
        'net_cps_at_injection=rows["net_cps"] * in_count',
        (WORKED,),
    ),
    Correction(
        "decay between standards",
        "standards.py",
        'rows["in_count_factor"] / decay_factor(time_s, rows["half_life_s"])',
        'rows["in_count_factor"]',
        (*unit("standards", "dose"), TRACE),
    ),
    Correction(
        "decay of the standard to injection",
        "equivalents.py",
        'rows["q_value"] / decay_factor(start_s, rows["half_life_s"])',
        'rows["q_value"]',
        (WORKED,),
    ),
    Correction(
        "in-count decay of a tissue",
        "tissues.py",
        '100.0 * rows["in_count_factor"] / (',
        "100.0 / (",
        (BUDGET,),
    ),
    Correction(
        "in-count decay of a standard",
        "standards.py",
        'rows["net_cps"] * rows["in_count_factor"] /',
        'rows["net_cps"] /',
        (WORKED,),
    ),
    Correction(
        "in-count decay of a tail or calibrator standard",
        "activity.py",
        'net_cps_at_injection=rows["net_cps"] * in_count / left',
        'net_cps_at_injection=rows["net_cps"] / left',
        (WORKED,),
    ),
    Correction(
        "drift of the background",
        "blanks.py",
        'runs[runs["p"] < drift_p]',
        'runs[runs["p"] < -1.0]',
        unit("activity"),
    ),
    Correction(
        "crosstalk of two tracers",
        "crosstalk.py",
        '"net_cps": rates[:, 0],',
        '"net_cps": window_cps[:, 0],',
        unit("crosstalk"),
    ),
    Correction(
        "dead time of a paralysable counter",
        "counting.py",
        "return np.exp(np.where(seen, -np.asarray(np.real(root), dtype=np.float64), np.nan))",
        "return np.where(seen, 1.0, np.nan)",
        unit("counting"),
    ),
    Correction(
        "end of a count as its time",
        "counter_exports.py",
        'lead = row.count_s if (run.time_is or lab.counter["time_is"]) == "end" else 0.0',
        "lead = 0.0",
        IMPORTED,
    ),
    Correction(
        "offset of the counter's clock",
        "counter_exports.py",
        "offset = 0.0 if np.isnan(clock.offset_s) else clock.offset_s",
        "offset = 0.0",
        IMPORTED,
    ),
    Correction(
        "offset of another device's clock",
        "intake.py",
        "moved = shift(sheet.frame[column.name], np.full(len(sheet.frame), -offset))",
        "moved = sheet.frame[column.name]",
        IMPORTED,
    ),
    # ---- dose ----
    Correction(
        "decay of the calibrator's readings",
        "dose.py",
        "np.asarray(activity_kbq, dtype=np.float64) / decay_factor(measured_s, half_life_s)",
        "np.asarray(activity_kbq, dtype=np.float64)",
        (WORKED,),
    ),
    Correction(
        "residual",
        "dose.py",
        "gross = (full - residual).where(full > residual)",
        "gross = full.where(full > residual)",
        (WORKED,),
    ),
    Correction(
        "tail of the dose in kBq",
        "dose.py",
        '(rows["gross_injected_kbq"] * (1.0 - x)).where(fine)',
        'rows["gross_injected_kbq"].where(fine)',
        (WORKED,),
    ),
    Correction(
        "tail of the dose in the counter",
        "dose.py",
        '(runs[f"{name}_cps"] * (1.0 - x)).where(x < 1.0)',
        'runs[f"{name}_cps"].where(x < 1.0)',
        (WORKED,),
    ),
    # ---- PET ----
    Correction(
        "in-frame factor",
        "activity.py",
        '"none": frame_to_injection_factor(start_s, duration_s, half_life_s)',
        '"none": 1.0 / decay_factor(start_s, half_life_s)',
        (WORKED, *unit("activity")),
    ),
    Correction(
        "decay from injection to scan",
        "activity.py",
        '"scan_start": 1.0 / decay_factor(scan_s, half_life_s)',
        '"scan_start": np.ones(len(rows))',
        (WORKED,),
    ),
    Correction(
        "decay from injection to frame",
        "activity.py",
        '"frame_start": 1.0 / decay_factor(start_s, half_life_s)',
        '"frame_start": 1.0 / decay_factor(scan_s, half_life_s)',
        unit("activity"),
    ),
    Correction(
        "density",
        "regions.py",
        "per_g=1.0 / density_g_per_ml",
        "per_g=density_g_per_ml / density_g_per_ml",
        (WORKED,),
    ),
    Correction(
        "recovery in PET",
        "partial_volume.py",
        'recovered(inside, rows["outside"], rc)',
        'recovered(inside, rows["outside"], rc / rc)',
        unit("partial_volume"),
    ),
    Correction(
        "surroundings in the recovery",
        "partial_volume.py",
        'recovered(inside, rows["outside"], rc)',
        'recovered(inside, 0.0 * rows["outside"], rc)',
        unit("partial_volume"),
    ),
    Correction(
        "what an earlier injection left",
        "earlier_injection.py",
        'joined["activity_kbq_per_ml"] - residual',
        'joined["activity_kbq_per_ml"] - 0.0 * residual',
        ("tests/unit/test_earlier_injection.py",),
    ),
    Correction(
        "recovery in what groups are compared by",
        "pet_quantity.py",
        "**{name: values.where(asked, uptake[name]) for name, values in changed.items()},",
        "",
        unit("partial_volume"),
    ),
    Correction(
        "recovery in the ratios",
        "ratios.py",
        '"value": value.where(is_corrected, rows["value"]),',
        '"value": rows["value"],',
        unit("partial_volume"),
    ),
    Correction(
        "wash-out of what an earlier injection left",
        "earlier_injection.py",
        'joined["earlier_kbq"] * decay_factor(apart_s, joined["half_life_s"]) * washed',
        'joined["earlier_kbq"] * decay_factor(apart_s, joined["half_life_s"])',
        ("tests/unit/test_earlier_injection.py",),
    ),
    Correction(
        "duration of a frame as its weight",
        "regions.py",
        'weight = rows["frame_duration_s"].where(total > 0.0, 1.0).where(has_value, 0.0)',
        "weight = total.where(total < 0.0, 1.0).where(has_value, 0.0)",
        unit("activity"),
    ),
    # ---- uncertainty ----
    Correction(
        "counting error of a tube",
        "counting.py",
        "own = count_variance(counts) / np.asarray(count_s, dtype=np.float64) ** 2",
        "own = 0.0 * count_variance(counts) / np.asarray(count_s, dtype=np.float64) ** 2",
        (BUDGET,),
    ),
    Correction(
        "dead time in the counting error",
        "counting.py",
        "own = own * dead_time_slope(factor, model) ** 2",
        "own = own + 0.0 * dead_time_slope(factor, model)",
        (BUDGET,),
    ),
    Correction(
        "blanks' uncertainty in a rate",
        "counting.py",
        "np.sqrt(own + np.asarray(background_se_cps, dtype=np.float64) ** 2)",
        "np.sqrt(own + 0.0 * np.asarray(background_se_cps, dtype=np.float64))",
        (BUDGET,),
    ),
    Correction(
        "blanks' uncertainty in an uptake",
        "tissues.py",
        'base_se=np.sqrt(rows["own_var"] + rows["background_se"] ** 2)',
        'base_se=np.sqrt(rows["own_var"])',
        (BUDGET,),
    ),
    Correction(
        "blanks' uncertainty in the critical level",
        "tissues.py",
        'np.sqrt(rows["null_var"] + rows["background_se"] ** 2)',
        'np.sqrt(rows["null_var"])',
        (BUDGET,),
    ),
    Correction(
        "mass error of a tissue",
        "tissues.py",
        'mass_rel=np.sqrt(rows["mass_var"]) / mass',
        'mass_rel=0.0 * np.sqrt(rows["mass_var"]) / mass',
        (BUDGET,),
    ),
    Correction(
        "mass error of an aliquot",
        "standards.py",
        'np.hypot(rows["net_cps_se"] / rows["net_cps"], balance_g / rows["aliquot_mass_g"])',
        'rows["net_cps_se"] / rows["net_cps"]',
        (BUDGET,),
    ),
    Correction(
        "mass error of the dilution",
        "standards.py",
        'np.hypot(balance_g / rows["standard_mass_g"], balance_g / rows["dilution_mass_g"])',
        '0.0 * balance_g / rows["standard_mass_g"]',
        (BUDGET,),
    ),
    Correction(
        "mass error of the injectate",
        "equivalents.py",
        'counted_standard_rel_dose=balance_g / rows["injectate_mass_g"]',
        'counted_standard_rel_dose=0.0 * balance_g / rows["injectate_mass_g"]',
        (BUDGET,),
    ),
    Correction(
        "dose layer",
        "uptake.py",
        'common_var = rows["rel_se_dose"] ** 2 + rows["rel_se_standard"] ** 2',
        'common_var = rows["rel_se_standard"] ** 2',
        (BUDGET,),
    ),
    Correction(
        "standards layer",
        "uptake.py",
        'common_var = rows["rel_se_dose"] ** 2 + rows["rel_se_standard"] ** 2',
        'common_var = rows["rel_se_dose"] ** 2',
        (BUDGET,),
    ),
    Correction(
        "half-life layer of an uptake",
        "uptake.py",
        'rel_se_standard=np.hypot(rows["rel_se_standard"], half_life)',
        'rel_se_standard=np.hypot(rows["rel_se_standard"], 0.0 * half_life)',
        (BUDGET,),
    ),
    Correction(
        "half-life layer of a ratio",
        "ratios.py",
        "(u_b / b) ** 2 + rel**2)",
        "(u_b / b) ** 2 + 0.0 * rel)",
        unit("uptake"),
    ),
    Correction(
        "tail's uncertainty in the dose",
        "dose.py",
        "shared = np.hypot(rel, own) / (1.0 - x)",
        "shared = rel + 0.0 * own",
        (BUDGET,),
    ),
    Correction(
        "clock of the calibrator's readings",
        "dose.py",
        'np.hypot(calibrator_frac, decay_constant_per_s(rows["half_life_s"]) * clock_s)',
        "calibrator_frac",
        (BUDGET,),
    ),
    Correction(
        "scatter of the standards",
        "standards.py",
        'np.where(result["p"] < _SCATTER_P, result["chi2"] / result["df"], 1.0)',
        "1.0",
        unit("standards"),
    ),
    Correction(
        "error of the recovery coefficient",
        "partial_volume.py",
        "np.sqrt(own**2 + common**2 + of_table**2)",
        "np.sqrt(own**2 + common**2)",
        unit("partial_volume"),
    ),
    Correction(
        "error of the crosstalk",
        "crosstalk.py",
        'var = own_var + np.einsum("nij,nj->ni", response_var, rates**2)',
        "var = own_var",
        unit("crosstalk"),
    ),
    # ---- cells ----
    Correction(
        "control subtraction",
        "cells.py",
        'frame["signal_pct_id"] - frame["background_pct_id"].fillna(0.0)',
        'frame["signal_pct_id"]',
        unit("cells"),
    ),
    Correction(
        "control's scatter in a net signal",
        "cells.py",
        'variance = frame["signal_pct_id_se"] ** 2 + of_background',
        'variance = frame["signal_pct_id_se"] ** 2 + 0.0 * of_background',
        unit("cells"),
    ),
    Correction(
        "intercept of the calibration",
        "calibration.py",
        "return (net_pct_id - line.intercept) / line.slope",
        "return net_pct_id / line.slope",
        unit("calibration", "cells"),
    ),
    Correction(
        "error of the line in what cells share",
        "cells.py",
        'np.hypot(frame["response_shared_se"], line.cells_se(cells))',
        'frame["response_shared_se"]',
        unit("cells"),
    ),
    # ---- strategies without growth ----
    Correction(
        "efflux of a direct label",
        "strategies.py",
        "return activity / (per_cell * kept)",
        "return activity / (per_cell + 0.0 * kept)",
        (STRATEGIES,),
    ),
    Correction(
        "free label",
        "strategies.py",
        'net = rows["uptake_pct_id"] - share * rows["background_pct_id"].fillna(0.0)',
        'net = rows["uptake_pct_id"] - 0.0 * share',
        (STRATEGIES,),
    ),
    Correction(
        "decay from labelling to injection",
        "strategies.py",
        '/ decay_factor(delay_h * 3600.0, rows["half_life_s"])',
        "",
        (STRATEGIES,),
    ),
    Correction(
        "blocked group in the specific uptake",
        "specific.py",
        'specific = (rows["uptake"] - rows["control"]).where(fine)',
        'specific = rows["uptake"].where(fine)',
        (STRATEGIES,),
    ),
    # ---- checks ----
    Correction(
        "few values in the distance of an outlier",
        "outliers.py",
        "spread * small_sample_factor(n.where(enough))",
        "spread",
        unit("outliers"),
    ),
    # ---- dissections at several times ----
    Correction(
        "covariance within a mouse",
        "destructive.py",
        "covariance = (_variance(x + y, batch)[0] - v_x - v_y) / 2.0",
        "covariance = 0.0",
        unit("destructive"),
    ),
    Correction(
        "decay in the residence",
        "destructive.py",
        "left = np.exp(-decay_per_h * t)",
        "left = np.exp(-0.0 * t)",
        ("tests/reference/test_destructive.py",),
    ),
)


class _Without(SourceFileLoader):
    """Loads a file of the core with one correction taken out."""

    def __init__(self, fullname: str, path: str, correction: Correction) -> None:
        super().__init__(fullname, path)
        self.correction = correction

    def get_code(self, fullname: str) -> CodeType:
        source = Path(self.path).read_text(encoding="utf-8")
        return compile(without(source, self.correction), self.path, "exec")


class _Finder:
    """Finds the one module that a correction stands in."""

    def __init__(self, correction: Correction) -> None:
        self.correction = correction
        self.path = str(CORE / correction.file)
        self.name = "cartrace." + correction.file.removesuffix(".py").replace("/", ".")

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        loader = _Without(fullname, self.path, self.correction)
        return importlib.util.spec_from_file_location(fullname, self.path, loader=loader)


class _Listener:
    """Keeps the name of the first test that failed."""

    def __init__(self) -> None:
        self.failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


def without(source: str, correction: Correction) -> str:
    """Return the text of a file without a correction."""
    times = source.count(correction.old)
    if times != 1:
        raise LookupError(f"{correction.name}: {correction.old!r} stands {times} times in {correction.file}, not once")
    return source.replace(correction.old, correction.new)


def noticed(correction: Correction) -> str:
    """Return the first test that fails without a correction, in a process of its own; an empty text if none does."""
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        os.close(ours)
        os._exit(_ablated(correction, theirs))
    os.close(theirs)
    with os.fdopen(ours, encoding="utf-8") as stream:
        name = stream.read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"{correction.name}: its tests did not run (pytest ended with {code})")
    return name


def _ablated(correction: Correction, answer: int) -> int:
    loaded = [name for name in sys.modules if name == "cartrace" or name.startswith("cartrace.")]
    for name in loaded:
        del sys.modules[name]
    sys.meta_path.insert(0, _Finder(correction))
    listener = _Listener()
    os.chdir(ROOT)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-c", str(ROOT / "pyproject.toml")]
    code = pytest.main([*options, *correction.tests], plugins=[listener])
    os.write(answer, listener.failed.encode())
    return int(code)


def main(prefixes: Sequence[str]) -> int:
    """Remove the corrections whose names start with one of the prefixes, or all; say which test noticed each."""
    chosen = [
        correction
        for correction in CORRECTIONS
        if not prefixes or any(correction.name.startswith(prefix) for prefix in prefixes)
    ]
    width = max(len(correction.name) for correction in chosen)
    unnoticed = 0
    for correction in chosen:
        test = noticed(correction)
        unnoticed += not test
        print(f"{correction.name:<{width}}  {test or 'NO TEST FAILS'}", flush=True)
    print(f"{len(chosen) - unnoticed} of {len(chosen)} corrections are held by a test.")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    # What every test imports, once: the children inherit it.
    import numpy as np  # noqa: F401
    import pandas as pd  # noqa: F401

    sys.exit(main(sys.argv[1:]))
