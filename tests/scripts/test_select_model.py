"""`select_model` from the tables of fits to the table of the choice."""

import importlib.util
from pathlib import Path

import pandas as pd
from kinetics import cells_of, simulated

from cartrace import tables
from cartrace.expansion import fit_rows, fit_study
from cartrace.expansion_points import Scatter, mice_of

COMPARED = ["logistic", "gompertz", "expansion_contraction"]


def script(name):
    path = Path(__file__).parents[2] / "scripts" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(folder, cells, **settings):
    paths = []
    for name in ["exponential", *COMPARED]:
        window = (0.0, 10.0) if name == "exponential" else (0.0, 28.0)
        frames = [
            fit_rows(
                fit_study(
                    cells,
                    mice_of(cells),
                    model=name,
                    analysis=analysis,
                    strategy="reporter_gene",
                    window_days=window,
                    scatter=Scatter("log_normal", use_measurement_se=False),
                ),
                COMPARED,
            )
            for analysis in ("all", "without_excluded")
        ]
        paths.append(str(folder / f"{name}.csv"))
        tables.write(pd.concat(frames, ignore_index=True), paths[-1], tables.Fits)
    output = folder / "selection.csv"
    script("select_model").main(fits=paths, selection=str(output), not_compared=["exponential"])
    return tables.read(output, tables.Selection)


def test_the_model_that_made_the_data_is_chosen_in_both_analyses(tmp_path):
    cells, _ = simulated("expansion_contraction", n_per_group=5, sigma=0.05)
    cells.loc[cells["animal_id"] == "CAR00", "excluded"] = True
    found = run(tmp_path, cells)
    assert found[found["chosen"]]["model"].tolist() == ["expansion_contraction"] * 2
    assert found.set_index(["analysis", "model"])["n_animals"]["without_excluded", "logistic"] == 9
    assert found[found["model"] == "exponential"]["status"].tolist() == ["not_compared"] * 2


def test_a_study_without_mice_gives_an_empty_table(tmp_path):
    assert run(tmp_path, cells_of([])).empty
