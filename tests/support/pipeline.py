"""Runs the stages' `main()` one after another on a folder with a study, without Snakemake."""

import inspect
from pathlib import Path

import yaml

import apply_strategy
import compare_groups
import compute_activity
import compute_uptake
import estimate_cells
import fit_expansion
import import_tables
import select_model
import simulate_study
from cartrace.config import Config

ROOT = Path(__file__).parents[2]
RESOURCES = {name: str(ROOT / "resources" / f"{name}.csv") for name in ("radionuclides", "tissues")}
IMPORTED = (
    "animals",
    "doses",
    "tubes",
    "counts",
    "scans",
    "rois",
    "calibration",
    "readouts",
    "exclusions",
    "overrides",
    "quality",
)


def shipped(**changes):
    """Return the shipped config, defaults filled, with whole sections or keys of sections changed."""
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    for key, value in changes.items():
        config[key] = {**config.get(key, {}), **value} if isinstance(value, dict) else value
    return Config.model_validate(config).model_dump()


def simulated(folder, settings):
    """Write the study of `settings` into `folder` and return the names of its cohorts."""
    simulate_study.main(**RESOURCES, study=str(folder), settings=settings)
    return sorted(path.name for path in Path(folder).glob("C*"))


def imported(study, cohort, settings, results):
    """Run stage 1 of one cohort."""
    folder, target = Path(study) / cohort, Path(results) / cohort / "1_tables"
    files = [path for path in folder.rglob("*") if path.is_file()]
    _call(
        import_tables.main,
        sheets=sorted(str(path) for path in files if path.parent == folder),
        exports=sorted(str(path) for path in files if path.parent != folder),
        **RESOURCES,
        **{name: str(target / f"{name}.csv") for name in IMPORTED},
        imported=str(target / "import.csv"),
        cohort=cohort,
        folder=str(folder),
        timezone=settings["study"]["timezone"],
        date_format=settings["study"]["date_format"],
        groups=[group["name"] for group in settings["groups"]],
        tracers=settings["tracers"],
        regions=settings["regions"],
        counter=settings["counter"],
        pet=settings["pet"],
        residual_missing=settings["uptake"]["residual_missing"],
        readout_time_of_day=settings["readouts"]["time_of_day"],
    )


def measured(cohort, settings, results, *, radionuclides=RESOURCES["radionuclides"]):
    """Run stages 2 and 3 of one cohort."""
    base = Path(results) / cohort
    tables = {name: str(base / "1_tables" / f"{name}.csv") for name in IMPORTED}
    activity = {f"{name}_activity": str(base / "2_activity" / f"{name}s.csv") for name in ("tube", "dose", "roi")}
    _call(
        compute_activity.main,
        **tables,
        **activity,
        radionuclides=radionuclides,
        tracers=settings["tracers"],
        half_lives=settings["uptake"]["half_lives"],
        dose_route=settings["uptake"]["dose_route"],
        dead_time_us=settings["counter"]["dead_time_us"],
        dead_time_model=settings["counter"]["dead_time_model"],
        background_cps=settings["counter"]["background_cps"],
        background_drift_p=settings["counter"]["background_drift_p"],
        uncertainty=settings["uncertainty"],
    )
    _call(
        compute_uptake.main,
        **{**tables, **{name: str(base / "3_uptake" / f"{name}.csv") for name in ("uptake", "ratios", "quality")}},
        **activity,
        import_quality=tables["quality"],
        radionuclides=radionuclides,
        tissues=RESOURCES["tissues"],
        groups=settings["groups"],
        regions=settings["regions"],
        recovery=settings["pet"]["recovery"],
        noise_region=settings["pet"]["noise_region"],
        pet_quantity=settings["pet"]["quantity"],
        half_lives=settings["uptake"]["half_lives"],
        reference_regions=settings["uptake"]["reference_regions"],
        uncertainty=settings["uncertainty"],
        thresholds=settings["quality"],
    )
    return base / "3_uptake" / "uptake.csv"


def strategy_of(cohort, settings, results):
    """Run the part of stage 4 that depends on the strategy, of one cohort."""
    base = Path(results) / cohort
    _call(
        apply_strategy.main,
        uptake=str(base / "3_uptake" / "uptake.csv"),
        ratios=str(base / "3_uptake" / "ratios.csv"),
        dose_activity=str(base / "2_activity" / "doses.csv"),
        labelled_cells=str(base / "4_cells" / "labelled.csv"),
        specific_uptake=str(base / "4_cells" / "specific.csv"),
        strategy=settings["study"]["strategy"],
        groups=settings["groups"],
        label=settings["label"],
        recovery=settings["pet"]["recovery"],
        pet_quantity=settings["pet"]["quantity"],
        confidence=settings["comparison"]["confidence"],
    )


def counted_cells(cohort, settings, results):
    """Run stage 4 of one cohort."""
    base = Path(results) / cohort
    _call(
        estimate_cells.main,
        uptake=str(base / "3_uptake" / "uptake.csv"),
        other_uptake=[],
        calibration=str(base / "1_tables" / "calibration.csv"),
        cells=str(base / "4_cells" / "cells.csv"),
        calibration_lines=str(base / "4_cells" / "calibration.csv"),
        quality=str(base / "4_cells" / "quality.csv"),
        cohort=cohort,
        groups=settings["groups"],
        modality=settings["cells"]["modality"],
        region=settings["cells"]["region"],
        kind=settings["cells"]["calibration"],
        confidence=settings["expansion"]["confidence"],
    )
    return base / "4_cells" / "cells.csv"


def compared(cohorts, settings, results):
    """Run stages 5 and 6 of a study and return the table of comparisons."""
    base, models = Path(results), settings["expansion"]["models"]
    cells = [str(base / cohort / "4_cells" / "cells.csv") for cohort in cohorts]
    windows = dict.fromkeys(models, settings["expansion"]["window_days"])
    windows["exponential"] = settings["expansion"]["exponential_window_days"]
    for model in models:
        _call(
            fit_expansion.main,
            cells=cells,
            **{
                name: str(base / "5_expansion" / model / f"{name}.csv")
                for name in ("estimates", "curves", "fits", "population")
            },
            own_models=[],
            model=model,
            own_names=[],
            strategy=settings["study"]["strategy"],
            compared=[other for other in models if other != "exponential"],
            window_days=windows[model],
            auc_days=settings["expansion"]["window_days"],
            confidence=settings["expansion"]["confidence"],
            interval=settings["expansion"]["interval"],
            error_model=settings["expansion"]["error_model"],
            use_measurement_se=settings["expansion"]["use_measurement_se"],
            groups=settings["groups"],
            population_method=settings["expansion"]["population"],
            population_p=settings["expansion"]["population_p"],
            population_simulations=settings["expansion"]["population_simulations"],
            seed=settings["seed"],
        )
    selection = str(base / "5_expansion" / "selection.csv")
    fits = [str(base / "5_expansion" / model / "fits.csv") for model in models]
    _call(select_model.main, fits=fits, selection=selection, not_compared=["exponential"])
    _call(
        compare_groups.main,
        uptake=[str(base / cohort / "3_uptake" / "uptake.csv") for cohort in cohorts],
        ratios=[str(base / cohort / "3_uptake" / "ratios.csv") for cohort in cohorts],
        **{
            name: [str(base / cohort / "1_tables" / f"{name}.csv") for cohort in cohorts]
            for name in ("animals", "readouts", "exclusions")
        },
        cells=cells,
        estimates=[str(base / "5_expansion" / model / "estimates.csv") for model in models],
        selection=selection,
        **{
            name: str(base / "6_comparison" / f"{name}.csv")
            for name in ("endpoints", "summaries", "comparisons", "agreement")
        },
        groups=settings["groups"],
        region=settings["cells"]["region"],
        recovery=settings["pet"]["recovery"],
        pet_quantity=settings["pet"]["quantity"],
        primary=settings["comparison"]["primary"],
        secondary=settings["comparison"]["secondary"],
        exploratory_adjustment=settings["comparison"]["exploratory_adjustment"],
        seed=settings["seed"],
        adjustment=settings["comparison"]["secondary_adjustment"],
        confidence=settings["comparison"]["confidence"],
    )
    return base / "6_comparison" / "comparisons.csv"


def _call(main, **known):
    """Call `main` with what it asks for."""
    return main(**{name: known[name] for name in inspect.signature(main).parameters})
