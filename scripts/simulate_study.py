"""Write a simulated study: sheets, exports, the truth behind them, and a config that analyses them."""

import csv
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from cartrace import job
from cartrace.config import Config
from cartrace.simulate import simulate_study


def main(*, radionuclides: str, tissues: str, study: str, settings: Mapping[str, Any]) -> None:
    """Simulate the study that `settings` describe and write it into the folder `study`."""
    column = {"ENSDF": "ensdf_half_life_s", "ICRP-107": "icrp107_half_life_s"}[settings["uptake"]["half_lives"]]
    half_lives = {row["nuclide"]: float(row[column]) for row in _rows(radionuclides)}
    densities = {row["name"]: float(row["density_g_per_ml"]) for row in _rows(tissues) if row["density_g_per_ml"]}
    files = simulate_study(
        settings, half_life_s=half_lives[settings["tracers"][0]["nuclide"]], density_g_per_ml=densities
    )
    cohorts = sorted({path.split("/")[0] for path in files if "/" in path})
    files["config/config.yaml"] = _config_text(settings, cohorts)
    for path, text in files.items():
        target = Path(study) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode("utf-8"))


def _config_text(settings: Mapping[str, Any], cohorts: list[str]) -> str:
    """Write the config that analyses the simulated cohorts: `settings` as far as they are not defaults."""
    own = {key: value for key, value in settings.items() if key not in ("simulation", "pathvars")}
    own["cohorts"] = [{"name": name, "path": name} for name in cohorts]
    stated = Config.model_validate(own).model_dump(exclude_defaults=True)
    return yaml.safe_dump(stated, sort_keys=False, allow_unicode=True, width=100)


def _rows(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _from_command_line() -> None:
    """Write the study of a config file into a folder, without Snakemake: `make demo`."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config of a study, e.g. config/config.yaml")
    parser.add_argument("study", help="folder that the study is written to")
    given = parser.parse_args()
    settings = Config.model_validate(yaml.safe_load(Path(given.config).read_text(encoding="utf-8"))).model_dump()
    resources = Path(__file__).parents[1] / "resources"
    main(
        radionuclides=str(resources / "radionuclides.csv"),
        tissues=str(resources / "tissues.csv"),
        study=given.study,
        settings=settings,
    )


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
elif __name__ == "__main__":
    _from_command_line()
