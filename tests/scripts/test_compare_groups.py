"""The script of stage 6 on small studies: every table meets its contract, whatever the study has."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cartrace import tables

SCRIPT = Path(__file__).parents[2] / "scripts" / "compare_groups.py"
GROUPS = [
    {"name": "UTD", "role": "background", "label": ""},
    {"name": "NT", "role": "control", "label": ""},
    {"name": "CAR", "role": "test", "label": ""},
]
PRIMARY = {
    "endpoint": "growth_rate",
    "region": "tumour",
    "session": "",
    "modality": "",
    "groups": ["CAR", "NT"],
    "scale": "log",
}
OUTPUTS = {
    "endpoints": tables.Endpoints,
    "summaries": tables.Summaries,
    "comparisons": tables.Comparisons,
    "agreement": tables.Agreement,
}
EMPTY = {
    "ratios": tables.Ratios,
    "animals": tables.Animals,
    "readouts": tables.Readouts,
    "exclusions": tables.Exclusions,
}
RATE = {"UTD": 0.0, "NT": 0.3, "CAR": 0.6}


def script():
    spec = importlib.util.spec_from_file_location("compare_groups", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def filled(table, records):
    missing = {"float": np.nan, "int": 0, "flag": False}
    columns = {
        column.name: pd.Series([record.get(column.name, missing.get(column.kind, "")) for record in records])
        for column in table.columns
    }
    return pd.DataFrame(columns).astype(tables.empty(table).dtypes.to_dict())


def study(*, has_pet=True, has_counter=True, mice=4, is_fitted=True):
    """Make the tables of two cohorts: uptake, cells, and one model's estimates."""
    random = np.random.default_rng(20260304)
    uptake, cells, estimates = [], [], []
    for cohort in ("C01", "C02"):
        for group, rate in RATE.items():
            for number in range(mice):
                mouse = {"cohort": cohort, "animal_id": f"{group}{number}", "group": group}
                excluded = {"excluded": number == 0 and group == "CAR" and cohort == "C01"}
                excluded["exclusion_reason"] = "sample lost" if excluded["excluded"] else ""
                common = mouse | {"tracer": "t", "nuclide": "F-18", "status": "ok"} | excluded
                signal = np.exp(rate * 7 + random.normal(0, 0.3))
                if has_counter:
                    for region in ("tumour", "spleen"):
                        value = {"uptake_pct_id": signal, "uptake_pct_id_per_g": 2 * signal}
                        uptake.append(common | {"session": "d14", "modality": "counter", "region": region} | value)
                if has_pet:
                    for session in ("d07", "d14"):
                        where = {"session": session, "modality": "pet", "region": "tumour", "scan_id": session}
                        value = {"uptake_pct_id": signal, "uptake_pct_id_per_ml": 2 * signal * random.lognormal(0, 0.1)}
                        uptake.append(common | where | value)
                        response = {"role": "test", "response": 1e5 * signal, "response_unit": "cells"}
                        cells.append(common | where | response)
                if is_fitted and group != "UTD":
                    for analysis in ("all", "without_excluded"):
                        if analysis == "all" or not excluded["excluded"]:
                            estimates.append(
                                mouse
                                | {"model": "logistic", "analysis": analysis, "level": "animal", "unit": "1/day"}
                                | {"parameter": "growth_rate", "estimate": rate * random.lognormal(0, 0.1)}
                                | {"scale": "log", "status": "ok"}
                            )
    return uptake, cells, estimates


def run(folder, parts, *, cohorts=("C01", "C02"), **settings):
    """Write a study's tables, run the script, and read what it wrote."""
    uptake, cells, estimates = parts
    paths = {}
    for name, table, records in (("uptake", tables.Uptake, uptake), ("cells", tables.Cells, cells)):
        paths[name] = [folder / cohort / f"{name}.csv" for cohort in cohorts]
        for cohort, path in zip(cohorts, paths[name], strict=True):
            tables.write(filled(table, [row for row in records if row["cohort"] == cohort]), path, table)
    for name, table in EMPTY.items():
        paths[name] = [folder / f"{name}.csv"]
        tables.write(tables.empty(table), paths[name][0], table)
    paths["estimates"] = [folder / "logistic.csv", folder / "gompertz.csv"]
    tables.write(filled(tables.Estimates, estimates), paths["estimates"][0], tables.Estimates)
    tables.write(tables.empty(tables.Estimates), paths["estimates"][1], tables.Estimates)
    chosen = [
        {"analysis": analysis, "model": model, "chosen": bool(estimates) and model == "logistic"}
        | {"status": "ok" if estimates else "not_estimable"}
        for analysis in ("all", "without_excluded")
        for model in ("logistic", "gompertz")
    ]
    tables.write(filled(tables.Selection, chosen), folder / "selection.csv", tables.Selection)
    outputs = {name: folder / "6_comparison" / f"{name}.csv" for name in OUTPUTS}
    decided = {"groups": GROUPS, "region": "tumour", "primary": PRIMARY, "adjustment": "holm", "confidence": 0.95}
    decided |= {"recovery": [], "pet_quantity": "recovered", "secondary": [], "exploratory_adjustment": "BH", "seed": 1}
    inputs = {name: [str(path) for path in several] for name, several in paths.items()}
    script().main(
        **inputs,
        selection=str(folder / "selection.csv"),
        **{name: str(path) for name, path in outputs.items()},
        **(decided | settings),
    )
    return {name: tables.read(outputs[name], table) for name, table in OUTPUTS.items()}


def test_a_whole_study(tmp_path):
    found = run(tmp_path, study())
    comparisons = found["comparisons"]
    primary = comparisons[comparisons["is_primary"]].set_index("analysis")
    assert primary[["n_a", "n_b"]].to_numpy().tolist() == [[8, 8], [7, 8]]
    assert set(primary["status"]) == {"ok"}
    assert primary["estimate"].between(1.7, 2.3).all()
    assert set(comparisons["family"]) == {
        "primary", "biodistribution", "biodistribution_pct_id", "pet", "pet_pct_id", "cells",
    }  # fmt: skip
    assert found["agreement"][["analysis", "region", "session", "n"]].to_numpy().tolist() == [
        ["all", "tumour", "d14", 24],
        ["without_excluded", "tumour", "d14", 23],
    ]
    endpoints, summaries = found["endpoints"], found["summaries"]
    assert set(endpoints["endpoint"]) == {
        "growth_rate", "uptake_pct_id", "uptake_pct_id_per_g", "uptake_pct_id_per_ml", "cells",
    }  # fmt: skip
    # Every mouse of every endpoint stands in both analyses, and in one summary.
    per_analysis = endpoints.groupby("analysis").size()
    assert per_analysis["all"] == per_analysis["without_excluded"]
    counted = summaries[["n", "n_excluded", "n_not_estimable"]].to_numpy().sum()
    assert counted == len(endpoints)


@pytest.mark.parametrize("has_pet", [True, False])
@pytest.mark.parametrize("has_counter", [True, False])
@pytest.mark.parametrize("is_fitted", [True, False])
def test_every_table_comes_out_whatever_the_study_has(tmp_path, has_pet, has_counter, is_fitted):
    found = run(tmp_path, study(has_pet=has_pet, has_counter=has_counter, is_fitted=is_fitted))
    assert found["agreement"].empty == (not (has_pet and has_counter))
    modalities = [name for name, has in (("counter", has_counter), ("pet", has_pet)) if has]
    assert sorted(set(found["endpoints"]["modality"]) - {""}) == modalities
    primary = found["comparisons"][found["comparisons"]["is_primary"]]
    assert set(primary["status"]) == {"ok" if is_fitted else "not_estimable"}


def test_two_mice_a_group_are_compared_in_no_endpoint(tmp_path):
    found = run(tmp_path, study(mice=1))
    assert set(found["comparisons"]["status"]) == {"not_estimable"}
    assert found["comparisons"]["p_value"].isna().all()
    assert set(found["agreement"]["status"]) == {"ok"}


def test_one_group_alone(tmp_path):
    parts = [[row for row in rows if row["group"] == "CAR"] for rows in study()]
    found = run(tmp_path, parts)
    assert found["comparisons"]["reason"].tolist() == ["NT has no value of growth_rate"] * 2
    assert set(found["summaries"]["group"]) == {"CAR"}


def test_the_order_of_cohorts_and_a_second_run_change_no_byte(tmp_path):
    run(tmp_path / "one", study())
    run(tmp_path / "two", study(), cohorts=("C02", "C01"))
    for name in OUTPUTS:
        one, two = (tmp_path / folder / "6_comparison" / f"{name}.csv" for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes(), name


def test_the_mouse_is_the_unit_whatever_is_measured_on_it(tmp_path):
    uptake, cells, estimates = study(has_counter=False)
    once = run(tmp_path / "once", (uptake, cells, estimates))
    # Three scans a session, each with its own region: as many mice as before, and the same p.
    thrice = [
        [row | {"scan_id": f"{row['scan_id']}-{scan}"} for row in rows for scan in "abc"] for rows in (uptake, cells)
    ]
    found = run(tmp_path / "thrice", (*thrice, estimates))
    assert not found["endpoints"].duplicated([*tables.Endpoints.key]).any()
    for name in ("summaries", "comparisons"):
        pd.testing.assert_frame_equal(found[name], once[name], rtol=1e-9)
    assert found["comparisons"][["n_a", "n_b"]].max().max() == 8
    # One region of one scan cannot stand twice, nor one tissue of one session.
    for modality in ("pet", "counter"):
        twice = [row | {"modality": modality} for row in uptake[:1]] * 2
        with pytest.raises(ValueError, match=r"key|twice|unique|duplicate"):
            tables.write(filled(tables.Uptake, twice), tmp_path / "twice.csv", tables.Uptake)
