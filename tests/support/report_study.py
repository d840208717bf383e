"""A small study as stages 1 to 6 leave it: tables that keep their contracts, random but seeded, two or three groups."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cartrace import tables
from cartrace.tables import Column, Table

GROUPS = [
    {"name": "UTD", "role": "background", "label": "T cells without reporter"},
    {"name": "NT", "role": "control", "label": "Reporter T cells without CAR"},
    {"name": "CAR", "role": "test", "label": "Reporter CAR-T"},
]
SETTINGS: dict[str, Any] = {
    "study": {
        "title": "A study",
        "strategy": "reporter_gene",
        "timezone": "Europe/Berlin",
        "date_format": "ISO",
        "status": "draft",
    },
    "cohorts": [{"name": "C01", "path": "cohorts/C01"}],
    "groups": GROUPS,
    "tracers": [{"name": "[18F]TFB", "nuclide": "F-18", "reporter": "hNIS"}],
    "regions": [{"name": "tumour", "synonyms": ["Tumor"], "density_g_per_ml": 1.05}],
    "counter": {
        "format": "auto",
        "windows": {},
        "dead_time_us": 3.1,
        "background_cps": None,
        "time_is": "start",
        "columns": {},
    },
    "pet": {"format": "auto", "columns": {}, "recovery": [], "quantity": "recovered"},
    "uptake": {
        "dose_route": "counted_standard",
        "half_lives": "ENSDF",
        "reference_regions": ["muscle", "blood"],
        "residual_missing": "error",
    },
    "uncertainty": {
        "balance_g": 0.0003,
        "calibrator_frac": 0.01,
        "roi_frac": 0.05,
        "scanner_frac": 0.02,
        "sensitivity_frac": 0.02,
    },
    "quality": {"tail_warn_pct": 5.0, "tail_fail_pct": 10.0, "acknowledged": []},
    "cells": {"modality": "pet", "region": "tumour", "calibration": "in_vivo"},
    "expansion": {
        "models": ["logistic"],
        "window_days": [0.0, 28.0],
        "exponential_window_days": [0.0, 10.0],
        "confidence": 0.95,
    },
    "comparison": {
        "primary": {
            "endpoint": "growth_rate",
            "region": "tumour",
            "session": "",
            "modality": "",
            "groups": ["CAR", "NT"],
            "scale": "log",
        },
        "secondary_adjustment": "holm",
        "residence_tail": "physical",
        "confidence": 0.95,
    },
    "report": {"journal": "nature", "label": "%ID/g"},
    "seed": 1,
}
TISSUES = ("tumour", "blood", "muscle", "liver", "thyroid")
LEVELS = {"tumour": 3.0, "blood": 0.4, "muscle": 0.2, "liver": 1.0, "thyroid": 60.0}
DAYS = (1, 4, 7, 14)
TRACER = {"tracer": "[18F]TFB", "nuclide": "F-18"}


def frame(table: type[Table], rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as a table of its contract; what is left out is missing where it may be, else something allowed."""
    full = tables.empty(table)
    if not rows:
        return full
    made = pd.DataFrame(rows)
    unknown = set(made) - set(table.names())
    assert not unknown, f"{table.__name__} has no {unknown}"
    for column in table.columns:
        if column.name not in made:
            made[column.name] = default(column)
        elif made[column.name].isna().any() and column.kind != "float":
            made[column.name] = [
                default(column) if isinstance(cell, float) and np.isnan(cell) else cell for cell in made[column.name]
            ]
    return made[table.names()].astype(full.dtypes.to_dict())


def default(column: Column) -> Any:
    """Return a value that the contract allows."""
    if not column.required or column.kind in ("int", "flag"):
        return {"float": np.nan, "int": 0, "flag": False}.get(column.kind, "")
    if column.kind == "float":
        return 1.0
    return column.choices[0] if column.choices else "x"


class StudyMaker:
    """Makes the tables of a study, one method a stage."""

    def __init__(
        self,
        *,
        seed: int = 1,
        n_per_group: int = 4,
        groups: list[dict[str, str]] | None = None,
        cohorts: tuple[str, ...] = ("C01",),
        has_pet: bool = True,
        has_counter: bool = True,
        exclude: str = "",
        rename: dict[str, str] | None = None,
    ) -> None:
        self.random = np.random.default_rng(seed)
        self.groups = groups or GROUPS
        self.has_pet, self.has_counter = has_pet, has_counter
        self.mice: list[tuple[str, str, str]] = []
        for cohort in cohorts:
            number = 0
            for group in self.groups:
                for _ in range(n_per_group):
                    number += 1
                    name = f"m{number:02d}"
                    self.mice.append((cohort, (rename or {}).get(name, name), group["name"]))
        self.exclude = (rename or {}).get(exclude, exclude)
        self.cohorts = cohorts

    def excluded(self, animal: str) -> dict[str, Any]:
        """Return the two columns that mark a row."""
        is_out = bool(self.exclude) and animal == self.exclude
        return {"excluded": is_out, "exclusion_reason": "injection_failed: paravenous" if is_out else ""}

    def made(self) -> dict[str, pd.DataFrame]:
        """Return every table by the name that the rules give it."""
        found: dict[str, pd.DataFrame] = {}
        found |= self._sheets()
        found |= self._activity()
        found |= self._uptake()
        found |= self._cells()
        found |= self._kinetics()
        found |= self._comparison(found)
        found |= self._beside(found)
        return found

    def _beside(self, found: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
        """Return what stands beside the declared comparisons, and the raw tables that arithmetic goes back to."""
        primary = found["comparisons"][found["comparisons"]["is_primary"]].to_dict("records")
        keep = ("analysis", "scale", "n_a", "n_b", "estimate", "ci_low", "ci_high", "ci_level", "p_value")
        sensitivity, power, forest = [], [], []
        for row in primary:
            own = {name: row[name] for name in keep}
            place = {name: row[name] for name in ("endpoint", "modality", "region", "session", "group_a", "group_b")}
            place |= {"plan": "primary", "family": "primary"}
            other = {"plan": "secondary", "family": "organs", "region": "spleen", "choice": "dose_route"}
            sensitivity += [
                own | place | {"choice": "declared", "variant": "Welch t on log", "moved": "nothing"},
                own | place | {"choice": "test", "variant": "Permutation on log", "moved": "nothing", "ci_low": np.nan},
                own | place | {"choice": "model", "variant": "gompertz <b>", "moved": "significance"},
                own | place | other | {"variant": "dose by calibrator", "moved": "direction"},
            ]
            for effect in (1.5, 2.0):
                power += [
                    {"analysis": row["analysis"], "effect": effect, "power": share, "scale": "log", "sd": 0.3}
                    | {"sd_ci_low": 0.2, "sd_ci_high": 0.5, "sd_df": 10.0, "alpha": 0.05, "lost_frac": 0.1}
                    | {"n_per_group": 12 / effect, "n_per_group_ci_low": 5.0, "n_per_group_ci_high": 20.0}
                    | {"n_enrolled": 14 / effect, "status": "ok"}
                    for share in (0.8, 0.9)
                ]
            levels = [("cohort", cohort) for cohort in self.cohorts] + [("fixed", "")]
            forest += [
                own | place | {"unit": row["unit"], "level": level, "cohort": cohort, "n_cohorts": 1}
                for level, cohort in levels
            ]
        readouts = [
            {"cohort": c, "animal_id": a, "measured_at": f"2026-03-{1 + day:02d}T08:00:00+01:00"}
            | {"readout": "tumour_volume", "value": 100.0 + 10 * day + i, "unit": "mm3"}
            | {"source_file": "readouts.csv", "source_row": i + 2}
            for i, (c, a, _) in enumerate(self.mice)
            for day in DAYS
        ]
        counts = [
            {name: row[name] for name in ("cohort", "counter_file", "rack", "position", "window", "counted_at")}
            | {"tracer": row["tracer"], "count_s": 60.0, "counts": row["counts"]}
            | {"source_file": "counter/run.csv", "source_row": i + 5}
            for i, row in enumerate(found["tube_activity"].to_dict("records"))
        ]
        made: dict[type[Table], list[dict[str, Any]]] = {
            tables.Sensitivity: sensitivity,
            tables.Power: power,
            tables.Forest: forest,
            tables.Readouts: readouts,
            tables.Counts: counts,
        }
        names = {name: contract for name, contract in CONTRACTS.items() if name not in found}
        return {name: frame(contract, made.get(contract, [])) for name, contract in names.items()}

    def _sheets(self) -> dict[str, pd.DataFrame]:
        animals = [
            {
                "cohort": c,
                "animal_id": a,
                "group": g,
                "cells_infused_at": "2026-03-01T09:00:00+01:00",
                "cells_infused": 1e6,
                "sex": "F",
                "source_file": "animals.csv",
                "source_row": i + 2,
            }
            for i, (c, a, g) in enumerate(self.mice)
        ]
        doses, scans = [], []
        for i, (c, a, _) in enumerate(self.mice):
            for day in DAYS:
                at = f"2026-03-{1 + day:02d}T10:00:00+01:00"
                doses.append(
                    {
                        "cohort": c,
                        "animal_id": a,
                        "session": f"d{day:02d}",
                        "tracer": "[18F]TFB",
                        "injected_at": at,
                        "full_activity_kbq": 7400.0,
                        "full_at": at,
                        "body_weight_g": 22.0,
                        "source_file": "doses.csv",
                        "source_row": i + 2,
                    }
                )
                scans.append(
                    {
                        "cohort": c,
                        "scan_id": f"{a}_d{day:02d}",
                        "animal_id": a,
                        "session": f"d{day:02d}",
                        "file": f"{a}.voistat",
                        "started_at": at,
                        "decay_corrected_to": "scan_start",
                        "source_file": "scans.csv",
                        "source_row": i + 2,
                    }
                )
        exclusions = (
            [
                {
                    "cohort": self.cohorts[0],
                    "level": "animal",
                    "animal_id": self.exclude,
                    "reason_code": "injection_failed",
                    "reason": "paravenous",
                    "decided_by": "NN",
                    "decided_at": "2026-03-02T10:00:00+01:00",
                    "before_unblinding": "yes",
                    "source_file": "exclusions.csv",
                    "source_row": 2,
                }
            ]
            if self.exclude
            else []
        )
        overrides = [
            {
                "cohort": self.cohorts[0],
                "file": "counter/run.csv",
                "row": "12",
                "column": "F-18 Counts",
                "old": "<b>1</b>",
                "new": "=1+1",
                "reason": "misread from paper",
                "source_file": "overrides.csv",
                "source_row": 2,
            }
        ]
        calibration = [
            {
                "cohort": c,
                "kind": "in_vivo",
                "tracer": "[18F]TFB",
                "cells": n,
                "uptake_pct_id": 0.02 + 2e-7 * n,
                "background_pct_id": 0.02,
                "source_file": "calibration.csv",
                "source_row": i + 2,
            }
            for c in self.cohorts
            for i, n in enumerate([0.0, 1e5, 3e5, 1e6, 3e6])
        ]
        imported = [
            {
                "cohort": c,
                "file": "animals.csv",
                "sha256": "ab" * 32,
                "reader": "sheet",
                "n_rows_read": len(self.mice),
                "n_rows_used": len(self.mice),
                "conversions": "full_activity MBq -> kBq",
                "finding": "",
            }
            for c in self.cohorts
        ]
        return {
            "animals": frame(tables.Animals, animals),
            "doses": frame(tables.Doses, doses),
            "scans": frame(tables.Scans, scans if self.has_pet else []),
            "exclusions": frame(tables.Exclusions, exclusions),
            "overrides": frame(tables.Overrides, overrides),
            "calibration": frame(tables.Calibration, calibration),
            "imported": frame(tables.Import, imported),
        }

    def _activity(self) -> dict[str, pd.DataFrame]:
        doses = [
            {
                "cohort": c,
                "animal_id": a,
                "session": f"d{day:02d}",
                **TRACER,
                "half_life_s": 6586.2,
                "injected_at": f"2026-03-{1 + day:02d}T10:00:00+01:00",
                "net_injected_kbq": float(self.random.normal(7000, 200)),
                "net_injected_kbq_se": 90.0,
                "tail_source": "calibrator",
                "tail_pct": 2.0,
                "route_ratio": 1.01,
                "dose_route": "counted_standard",
                "status": "ok",
                **self.excluded(a),
            }
            for c, a, _ in self.mice
            for day in DAYS
        ]
        tubes = [
            {
                "cohort": c,
                "counter_file": "run.csv",
                "rack": "1",
                "position": f"{i:04d}",
                "window": "F-18",
                "role": "tissue",
                "animal_id": a,
                "session": "d14",
                "region": "tumour",
                **TRACER,
                "counted_at": "2026-03-15T12:00:00+01:00",
                "counts": 1000.0,
                "dead_time_factor": 1.01,
                "background_cps": 0.3,
                "background_cps_se": 0.02,
                "status": "ok",
                **self.excluded(a),
            }
            for i, (c, a, _) in enumerate(self.mice)
        ]
        # The first place of a run is a blank, two further ones are standards.
        tubes += [
            tubes[0]
            | {"cohort": c, "position": f"9{i:03d}", "role": role, "animal_id": "", "session": "", "region": ""}
            | {"excluded": False, "exclusion_reason": "", "counts": 20.0 if role == "blank" else 9e4}
            | ({"standard_cps_per_g": 5e6 + 1e4 * i} if role == "standard" else {})
            for c in self.cohorts
            for i, role in enumerate(("blank", "standard", "standard"))
        ]
        tubes = [row | {"count_s": 60.0, "gross_cps": row["counts"] / 60.0} for row in tubes]
        return {
            "dose_activity": frame(tables.DoseActivity, doses),
            "tube_activity": frame(tables.TubeActivity, tubes if self.has_counter else []),
        }

    def _uptake(self) -> dict[str, pd.DataFrame]:
        uptake, ratios = [], []
        for c, a, g in self.mice:
            own = {"cohort": c, "animal_id": a, "group": g, "status": "ok", **self.excluded(a)}
            if self.has_counter:
                values = {t: LEVELS[t] * float(np.exp(self.random.normal(0, 0.25))) for t in TISSUES}
                for tissue, value in values.items():
                    below = tissue == "muscle" and a.endswith("2")
                    uptake.append(
                        own
                        | TRACER
                        | {
                            "session": "d14",
                            "modality": "counter",
                            "region": tissue,
                            "measured_at": "2026-03-15T11:00:00+01:00",
                            "tracer_h": 1.0,
                            "cell_day": 14.1,
                            "mass_g": 0.1,
                            "uptake_pct_id": 0.001 if below else value * 0.1,
                            "uptake_pct_id_per_g": 0.01 if below else value,
                            "uptake_pct_id_per_g_se": value * 0.015,
                            "rel_se_count": 0.012,
                            "rel_se_dose": 0.008,
                            "rel_se_standard": 0.004,
                            "critical_level_pct_id": 0.002,
                            "is_below_detection": below,
                        }
                    )
                    for reference in ("muscle", "blood"):
                        if tissue != reference:
                            ratios.append(
                                own
                                | {
                                    "session": "d14",
                                    "modality": "counter",
                                    "region": tissue,
                                    "reference": reference,
                                    "ratio": value / values[reference],
                                    "ratio_se": 0.01,
                                }
                            )
            for day in DAYS if self.has_pet else ():
                grown = {"UTD": 0.0, "NT": 0.1, "CAR": 0.3}.get(g, 0.2) * day
                for region, level in (("tumour", 0.2 * float(np.exp(grown))), ("muscle", 0.2)):
                    value = level * float(np.exp(self.random.normal(0, 0.15)))
                    uptake.append(
                        own
                        | TRACER
                        | {
                            "session": f"d{day:02d}",
                            "modality": "pet",
                            "scan_id": f"{a}_d{day:02d}",
                            "region": region,
                            "measured_at": f"2026-03-{1 + day:02d}T11:00:00+01:00",
                            "tracer_h": 1.0,
                            "cell_day": day + 0.05,
                            "volume_ml": 0.2,
                            "uptake_pct_id": value * 0.2,
                            "uptake_pct_id_per_g": value / 1.05 if region == "tumour" else np.nan,
                            "uptake_pct_id_per_ml": value,
                            "uptake_pct_id_per_ml_se": value * 0.06,
                            "rel_se_count": 0.05,
                            "rel_se_dose": 0.012,
                            "rel_se_standard": 0.02,
                        }
                    )
        return {
            "uptake": frame(tables.Uptake, uptake),
            "ratios": frame(tables.Ratios, ratios),
            "quality": frame(
                tables.Quality,
                [
                    {
                        "cohort": c,
                        "check": "tail",
                        "subject": f"{a} d01",
                        "status": "warn" if a == "m02" else "pass",
                        "value": 6.0,
                        "threshold": 5.0,
                        "message": "Tail 6 % of the dose",
                    }
                    for c, a, _ in self.mice
                ],
            ),
        }

    def _cells(self) -> dict[str, pd.DataFrame]:
        roles = {group["name"]: group["role"] for group in self.groups}
        rows = []
        for c, a, g in self.mice if self.has_pet else []:
            for day in DAYS:
                grown = {"NT": 0.12, "CAR": 0.3}.get(g, 0.0) * day
                cells = (2e5 if roles[g] != "background" else 1e4) * float(np.exp(grown + self.random.normal(0, 0.2)))
                below = a == "m05" and day == 1
                rows.append(
                    {
                        "cohort": c,
                        "animal_id": a,
                        "session": f"d{day:02d}",
                        "scan_id": f"{a}_d{day:02d}",
                        "region": "tumour",
                        "modality": "pet",
                        "group": g,
                        "role": roles[g],
                        "cell_day": day + 0.05,
                        "signal_pct_id": 2e-7 * cells + 0.02,
                        "net_pct_id": 2e-7 * cells,
                        "cells": 2e4 if below else cells,
                        "cells_ci_low": cells * 0.8,
                        "cells_ci_high": cells * 1.2,
                        "detection_limit_cells": 1e5,
                        "is_below_detection": below,
                        "response": 2e4 if below else cells,
                        "response_unit": "cells",
                        "response_critical_level": 5e4,
                        "status": "ok",
                        **self.excluded(a),
                    }
                )
        lines = [
            {
                "cohort": c,
                "kind": "in_vivo",
                "tracer": "[18F]TFB",
                "n_points": 5,
                "slope": 2e-7,
                "slope_se": 4e-9,
                "intercept": 1e-4,
                "intercept_se": 5e-5,
                "intercept_p": 0.06,
                "covariance": -1e-13,
                "residual_rel_sd_frac": 0.05,
                "min_cells": 1e5,
                "max_cells": 3e6,
                "log_log_slope": 1.01,
                "log_log_slope_ci_low": 0.95,
                "log_log_slope_ci_high": 1.07,
                "status": "ok",
            }
            for c in self.cohorts
        ]
        quality = [
            {"cohort": c, "check": "calibration", "subject": c, "status": "pass", "message": "The log-log slope is 1"}
            for c in self.cohorts
        ]
        return {
            "cells": frame(tables.Cells, rows),
            "calibration_lines": frame(tables.CalibrationLines, lines),
            "cells_quality": frame(tables.Quality, quality),
        }

    def _kinetics(self) -> dict[str, pd.DataFrame]:
        roles = {group["name"]: group["role"] for group in self.groups}
        estimates, curves, fits = [], [], []
        days = np.linspace(0, 21, 20)
        for c, a, g in self.mice if self.has_pet else []:
            if roles[g] == "background":
                continue
            rate = {"NT": 0.12, "CAR": 0.3}.get(g, 0.2) * float(np.exp(self.random.normal(0, 0.1)))
            failed = a.endswith("6") and g == "NT"
            for analysis in ("all", "without_excluded"):
                if analysis == "without_excluded" and a == self.exclude:
                    continue
                own = {"model": "logistic", "analysis": analysis, "cohort": c, "animal_id": a, "group": g}
                status = (
                    {"status": "not_estimable", "reason": "fewer than 3 points above detection"}
                    if failed
                    else {"status": "ok"}
                )
                fits.append(
                    own
                    | status
                    | {
                        "n_points": 4,
                        "n_parameters": 3,
                        "error_model": "log_normal",
                        "sigma": np.nan if failed else 0.2,
                        "log_likelihood": np.nan if failed else -3.0,
                    }
                )
                for name, unit, value in (
                    ("growth_rate", "1/day", rate),
                    ("doubling_time", "day", np.log(2) / rate),
                    ("time_of_peak", "day", 14 + rate),
                ):
                    done = (
                        {}
                        if failed
                        else {
                            "estimate": value,
                            "se": 0.05,
                            "df": 1.0,
                            "ci_low": value * 0.8,
                            "ci_high": value * 1.2,
                            "ci_level": 0.95,
                        }
                    )
                    estimates.append(
                        own
                        | status
                        | done
                        | {
                            "level": "animal",
                            "parameter": name,
                            "unit": unit,
                            "scale": "linear" if name == "time_of_peak" else "log",
                            "n_points": 4,
                        }
                    )
                if not failed:
                    curves += [
                        own
                        | {
                            "level": "animal",
                            "cell_day": float(d),
                            "fitted": 2e5 * float(np.exp(rate * d)),
                            "ci_low": 1e5 * float(np.exp(rate * d)),
                            "ci_high": 4e5 * float(np.exp(rate * d)),
                        }
                        for d in days
                    ]
        for g in [group["name"] for group in self.groups if group["role"] != "background"] if self.has_pet else []:
            own = {
                "model": "logistic",
                "analysis": "without_excluded",
                "level": "group",
                "group": g,
                "cohort": "",
                "animal_id": "",
            }
            curves += [own | {"cell_day": float(d), "fitted": 2e5 * float(np.exp(0.2 * d))} for d in days]
        population = [
            {
                "model": "logistic",
                "analysis": analysis,
                "parameter": "growth_rate",
                "group_a": "CAR",
                "group_b": "NT",
                "n_a": 6,
                "n_b": 6,
                "method": "mixed model",
                "scale": "log",
                "estimate": 2.4,
                "ci_low": 1.9,
                "ci_high": 3.1,
                "ci_level": 0.95,
                "p_value": 0.005,
                "p_method": "bootstrap of 199",
                "n_simulated": 199,
                "status": "ok",
            }
            for analysis in ("all", "without_excluded")
            if {"NT", "CAR"} <= {row["group"] for row in fits}
        ]
        described = [
            {name: row[name] for name in ("analysis", "cohort", "animal_id", "group")}
            | {"n_points": 4, "first_day": 1.0, "last_day": 21.0, "peak": 2e5, "auc": 1e6, "status": "ok"}
            for row in fits
        ]
        selection = [
            {
                "analysis": analysis,
                "model": "logistic",
                "n_animals": len({row["animal_id"] for row in fits}),
                "n_points": len(fits) * 2,
                "n_parameters": 10,
                "log_likelihood": -30.0,
                "aicc": 80.0,
                "delta_aicc": 0.0,
                "weight": 1.0,
                "chosen": True,
                "status": "ok",
            }
            for analysis in ("all", "without_excluded")
            if fits
        ]
        return {
            "estimates": frame(tables.Estimates, estimates),
            "curves": frame(tables.Curves, curves),
            "fits": frame(tables.Fits, fits),
            "population": frame(tables.PopulationTests, population),
            "noncompartmental": frame(tables.Noncompartmental, described),
            "selection": frame(tables.Selection, selection),
        }

    def _endpoints(self, found: dict[str, pd.DataFrame]) -> pd.DataFrame:
        rows = []
        for analysis in ("all", "without_excluded"):
            for row in found["uptake"].to_dict("records"):
                for quantity, unit in (("uptake_pct_id_per_g", "%ID/g"), ("uptake_pct_id_per_ml", "%ID/mL")):
                    if np.isfinite(row[quantity]) and not (row["excluded"] and analysis == "without_excluded"):
                        own = {
                            name: row[name]
                            for name in (
                                "modality",
                                "region",
                                "session",
                                "cohort",
                                "animal_id",
                                "group",
                                "is_below_detection",
                                "excluded",
                                "exclusion_reason",
                            )
                        }
                        rows.append(
                            own
                            | {
                                "analysis": analysis,
                                "endpoint": quantity,
                                "unit": unit,
                                "value": row[quantity],
                                "status": "ok",
                            }
                        )
            for row in found["cells"].to_dict("records"):
                if row["role"] != "background" and not (row["excluded"] and analysis == "without_excluded"):
                    own = {
                        name: row[name]
                        for name in (
                            "region",
                            "session",
                            "cohort",
                            "animal_id",
                            "group",
                            "is_below_detection",
                            "excluded",
                            "exclusion_reason",
                        )
                    }
                    rows.append(
                        own
                        | {
                            "modality": "pet",
                            "analysis": analysis,
                            "endpoint": "cells",
                            "unit": "cells",
                            "value": row["cells"],
                            "status": "ok",
                        }
                    )
            for row in found["estimates"].to_dict("records"):
                if row["analysis"] == analysis:
                    own = {name: row[name] for name in ("cohort", "animal_id", "group", "unit")} | self.excluded(
                        row["animal_id"]
                    )
                    status = "ok" if row["status"] == "ok" else "not_estimable"
                    rows.append(
                        own
                        | {
                            "analysis": analysis,
                            "endpoint": row["parameter"],
                            "region": "tumour",
                            "value": row["estimate"],
                            "status": status,
                            "reason": row["reason"],
                        }
                    )
        return frame(tables.Endpoints, rows)

    def _comparison(self, found: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
        endpoints = self._endpoints(found)
        summaries, comparisons = [], []
        key = ["analysis", "endpoint", "modality", "region", "session", "unit"]
        for place, some in endpoints.groupby(key, sort=True):
            own = dict(zip(key, place, strict=True))
            by_group = {
                str(g): rows.loc[rows["value"].notna(), "value"].to_numpy() for g, rows in some.groupby("group")
            }
            for name, values in by_group.items():
                summaries.append(
                    own
                    | {
                        "group": name,
                        "n": len(values),
                        "n_below_detection": int(some.loc[some["group"] == name, "is_below_detection"].sum()),
                        "n_not_estimable": int(some.loc[some["group"] == name, "value"].isna().sum()),
                    }
                    | summary(values)
                )
            scale = "linear" if own["endpoint"] == "time_of_peak" else "log"
            if "CAR" in by_group and "NT" in by_group:
                comparisons.append(
                    own
                    | {"group_a": "CAR", "group_b": "NT"}
                    | compared(by_group["CAR"], by_group["NT"], scale)
                    | family(own)
                )
        agreement = [
            {
                "analysis": analysis,
                "region": "tumour",
                "session": "d14",
                "n": len(self.mice),
                "quantity": "uptake_pct_id_per_g",
                "ratio": 1.05,
                "ratio_ci_low": 0.9,
                "ratio_ci_high": 1.2,
                "limit_low": 0.5,
                "limit_low_ci_low": 0.4,
                "limit_low_ci_high": 0.6,
                "limit_high": 2.0,
                "limit_high_ci_low": 1.7,
                "limit_high_ci_high": 2.4,
                "status": "ok",
            }
            for analysis in ("all", "without_excluded")
            if self.has_pet and self.has_counter
        ]
        return {
            "endpoints": endpoints,
            "summaries": frame(tables.Summaries, summaries),
            "comparisons": frame(tables.Comparisons, comparisons),
            "agreement": frame(tables.Agreement, agreement),
        }


def summary(values: np.ndarray) -> dict[str, float]:
    """Return the numbers of a group."""
    if not len(values):
        return {}
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    row = {
        "mean": values.mean(),
        "sd": values.std(ddof=1),
        "median": float(np.median(values)),
        "minimum": values.min(),
        "maximum": values.max(),
        "ci_low": values.mean() - half,
        "ci_high": values.mean() + half,
    }
    if (values > 0).all():
        logs = np.log(values)
        half = stats.t.ppf(0.975, len(values) - 1) * logs.std(ddof=1) / len(values) ** 0.5
        row |= {
            "geometric_mean": np.exp(logs.mean()),
            "geometric_mean_ci_low": np.exp(logs.mean() - half),
            "geometric_mean_ci_high": np.exp(logs.mean() + half),
        }
    return row


def compared(a: np.ndarray, b: np.ndarray, scale: str) -> dict[str, Any]:
    """Return Welch's test of two groups."""
    x, y = (np.log(a), np.log(b)) if scale == "log" else (a, b)
    test = stats.ttest_ind(x, y, equal_var=False)
    ci = test.confidence_interval()
    back = np.exp if scale == "log" else float
    return {
        "n_a": len(a),
        "n_b": len(b),
        "scale": scale,
        "mean_a": back(x.mean()),
        "mean_b": back(y.mean()),
        "sd_a": x.std(ddof=1),
        "sd_b": y.std(ddof=1),
        "estimate": back(x.mean() - y.mean()),
        "ci_low": back(ci.low),
        "ci_high": back(ci.high),
        "ci_level": 0.95,
        "test": "Welch t on log" if scale == "log" else "Welch t",
        "statistic_name": "t",
        "statistic": test.statistic,
        "df": test.df,
        "p_value": test.pvalue,
        "p_adjusted": min(1.0, test.pvalue * 2),
        "hedges_g": 1.0,
        "hedges_g_ci_low": 0.1,
        "hedges_g_ci_high": 1.9,
        "status": "ok",
    }


def family(own: dict[str, Any]) -> dict[str, Any]:
    """Return the family of a comparison."""
    if own["endpoint"] == "growth_rate":
        return {"family": "primary", "adjustment": "none", "is_primary": True, "plan": "primary"}
    name = {"counter": "biodistribution", "pet": "pet"}.get(own["modality"], "expansion")
    return {"family": name, "adjustment": "holm", "is_primary": False, "plan": "exploratory"}


CONTRACTS: dict[str, type[Table]] = {
    "animals": tables.Animals,
    "doses": tables.Doses,
    "scans": tables.Scans,
    "exclusions": tables.Exclusions,
    "overrides": tables.Overrides,
    "calibration": tables.Calibration,
    "imported": tables.Import,
    "dose_activity": tables.DoseActivity,
    "tube_activity": tables.TubeActivity,
    "uptake": tables.Uptake,
    "ratios": tables.Ratios,
    "quality": tables.Quality,
    "cells": tables.Cells,
    "calibration_lines": tables.CalibrationLines,
    "cells_quality": tables.Quality,
    "estimates": tables.Estimates,
    "curves": tables.Curves,
    "fits": tables.Fits,
    "population": tables.PopulationTests,
    "noncompartmental": tables.Noncompartmental,
    "selection": tables.Selection,
    "endpoints": tables.Endpoints,
    "summaries": tables.Summaries,
    "comparisons": tables.Comparisons,
    "agreement": tables.Agreement,
    "readouts": tables.Readouts,
    "counts": tables.Counts,
    "rois": tables.Rois,
    "roi_activity": tables.RoiActivity,
    "overall": tables.Overall,
    "paired": tables.Paired,
    "repeated": tables.Repeated,
    "forest": tables.Forest,
    "diagnostics": tables.Diagnostics,
    "sensitivity": tables.Sensitivity,
    "power": tables.Power,
    "survival": tables.Survival,
    "predictions": tables.Predictions,
    "readout_agreement": tables.ReadoutAgreement,
    "destructive": tables.Destructive,
    "labelled_cells": tables.LabelledCells,
    "specific_uptake": tables.SpecificUptake,
}


def written(found: dict[str, pd.DataFrame], folder: Path) -> dict[str, str]:
    """Write every table under its contract and return the paths by name."""
    paths = {}
    for name, table in CONTRACTS.items():
        paths[name] = str(folder / f"{name}.csv")
        tables.write(found[name], paths[name], table)
    return paths


ROOT = Path(__file__).parents[2]
RESOURCES = ROOT / "resources"
FIGURES = (
    "timeline",
    "counter_quality",
    "dose_quality",
    "biodistribution",
    "ratios",
    "pet_timecourse",
    "calibration",
    "expansion_fits",
    "growth_parameters",
    "primary_comparison",
    "cohort_forest",
    "sensitivity",
    "agreement",
    "readouts",
    "uncertainty",
    "next_cohort",
)
FOR_FIGURES = ("uptake", "ratios", "cells", "calibration", "calibration_lines", "estimates", "curves", "animals")
FOR_FIGURES += ("readouts", "tube_activity", "dose_activity")
FOR_STUDY = ("selection", "endpoints", "summaries", "comparisons", "agreement")
FOR_CHECKS = ("forest", "sensitivity", "power")
OF_CHECKS = ("cohort_forest", "sensitivity", "next_cohort")
FOR_REPORT = (
    "animals",
    "doses",
    "scans",
    "exclusions",
    "overrides",
    "imported",
    "tube_activity",
    "dose_activity",
    "uptake",
    "ratios",
    "quality",
    "cells",
    "calibration_lines",
    "cells_quality",
    "estimates",
    "curves",
    "fits",
    "counts",
    "rois",
    "roi_activity",
    "readouts",
    "population",
    "labelled_cells",
    "specific_uptake",
)
BESIDE = ("overall", "paired", "repeated", "forest", "diagnostics", "sensitivity", "power", "survival", "predictions")
BESIDE += (
    "noncompartmental",
    "readout_agreement",
    "destructive",
    "selection",
    "endpoints",
    "summaries",
    "comparisons",
    "agreement",
)


def script(name: str) -> ModuleType:
    """Return a script of the workflow as a module."""
    spec = spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def draw(paths: dict[str, str], folder: Path, *, names: tuple[str, ...] = FIGURES, journal: str = "nature") -> None:
    """Draw figures with the scripts, as the rules call them."""
    (folder / "source_data").mkdir(parents=True, exist_ok=True)
    of_checks = [name for name in names if name in OF_CHECKS]
    script("draw_checks").main(
        **{name: paths[name] for name in FOR_CHECKS}, **_drawn_to(folder, of_checks, "captions_of_checks", journal)
    )
    script("draw_figures").main(
        **{name: [paths[name]] for name in FOR_FIGURES},
        **{name: paths[name] for name in FOR_STUDY},
        **_drawn_to(folder, [name for name in names if name not in OF_CHECKS], "captions", journal),
        groups=GROUPS,
        region="tumour",
        recovery=[],
        pet_quantity="recovered",
        kind="in_vivo",
        label="%ID/g",
        confidence=0.95,
        fit_confidence=0.95,
    )


def _drawn_to(folder: Path, names: list[str], captions: str, journal: str) -> dict[str, Any]:
    """Return what both scripts that draw take alike."""
    return {
        **{form: [str(folder / f"{name}.{form}") for name in names] for form in ("svg", "pdf", "png")},
        "source_data": [str(folder / "source_data" / f"{name}.xlsx") for name in names],
        "captions": str(folder / f"{captions}.json"),
        "figures": names,
        "journals": str(RESOURCES / "journals.csv"),
        "journal": journal,
    }


def build(paths: dict[str, str], figures: Path, folder: Path, *, settings: dict[str, Any] | None = None) -> None:
    """Build the report with the script, as the rule calls it, from all figures that stand in `figures`."""
    folder.mkdir(parents=True, exist_ok=True)
    script("build_report").main(
        **{name: [paths[name]] for name in FOR_REPORT},
        **{name: paths[name] for name in BESIDE},
        figures=[str(figures / f"{name}.svg") for name in FIGURES if (figures / f"{name}.svg").is_file()],
        figure_files=[str(path) for path in sorted(figures.rglob("*.*")) if path.suffix != ".json"],
        captions=[str(figures / "captions.json"), str(figures / "captions_of_checks.json")],
        guides=[str(RESOURCES / "captions" / f"{name}.rst") for name in FIGURES],
        template=str(RESOURCES / "report.html.j2"),
        style=str(RESOURCES / "report.css"),
        script=str(RESOURCES / "report.js"),
        methods_template=str(RESOURCES / "methods.md.j2"),
        html=str(folder / "report.html"),
        methods=str(folder / "methods.md"),
        document=str(folder / "methods.docx"),
        arrive=str(folder / "arrive.md"),
        run=str(folder / "run.yaml"),
        workbook_file=str(folder / "tables.xlsx"),
        tables_folder=str(folder / "tables"),
        exchange_folder=str(folder / "exchange"),
        crate_file=str(folder / "ro-crate-metadata.json"),
        settings=settings or SETTINGS,
        assumptions=[["counting", "the counter's dead time is non-paralysable"]],
        digests={"build_report": "0" * 64},
        cores=2,
    )
