"""The one definition of a study's config, its schema, and the config that is shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from snakemake.utils import validate

from cartrace.config import Config, schema

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "config" / "config.schema.yaml"
SMALLEST: dict[str, Any] = {
    "study": {"title": "t", "timezone": "Europe/Berlin"},
    "cohorts": [{"name": "C01", "path": "here"}],
    "groups": [{"name": "A", "role": "control"}, {"name": "B", "role": "test"}],
    "tracers": [{"name": "T", "nuclide": "F-18"}],
    "comparison": {"primary": {"groups": ["B", "A"]}},
}


def copied(config: dict[str, Any]) -> dict[str, Any]:
    return yaml.safe_load(yaml.safe_dump(config))


def test_the_written_schema_is_the_models_schema() -> None:
    assert yaml.safe_load(SCHEMA.read_text(encoding="utf-8")) == schema(), "run `make schema`"
    Draft202012Validator.check_schema(schema())


def test_the_shipped_config_is_valid() -> None:
    Config.model_validate(yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["smallest", "shipped"])
def test_the_schema_fills_the_very_defaults_of_the_models(name: str) -> None:
    shipped = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    config = copied(SMALLEST if name == "smallest" else shipped)
    models = Config.model_validate(copied(config)).model_dump(mode="json")
    validate(config, str(SCHEMA))
    assert config == models


def test_every_key_says_what_it_means() -> None:
    for name, model in schema()["$defs"].items():
        assert model["description"], name
        for key, value in model["properties"].items():
            nested = "$ref" in value or "$ref" in value.get("items", {})
            assert nested or value.get("description"), f"{name}.{key}"


def test_every_optional_key_has_a_default() -> None:
    document = schema()
    for name, model in [*document["$defs"].items(), ("Config", document)]:
        for key, value in model["properties"].items():
            assert key in model.get("required", []) or "default" in value, f"{name}.{key}"


def changed(where: str, value: Any) -> dict[str, Any]:
    config = copied(SMALLEST)
    *path, last = where.split(".")
    place: Any = config
    for part in path:
        place = place[int(part)] if part.isdigit() else place.setdefault(part, {})
    place[last] = value
    return config


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("study.titel", "t"),
        ("counter.dead_time_us", -1),
        ("counter.dead_time_us", "three"),
        ("uptake.dose_route", "guess"),
        ("uncertainty.roi_frac", 1.0),
        ("comparison.confidence", 1.0),
        ("comparison.primary.groups", ["A"]),
        ("cohorts.0.name", "a/b"),
        ("cohorts.0.name", "../up"),
        ("cohort", "../up"),
        ("groups.0.role", "mock"),
        ("expansion.models", []),
        ("expansion.window_days", [1.0]),
        ("expansion.models", ["cubic"]),
    ],
)
def test_models_and_schema_refuse_the_same(where: str, value: Any) -> None:
    config = changed(where, value)
    with pytest.raises(ValidationError):
        Config.model_validate(config)
    assert list(Draft202012Validator(schema()).iter_errors(config))


@pytest.mark.parametrize(("where", "value"), [("counter.dead_time_us", 0), ("uncertainty.roi_frac", 0.0), ("seed", 7)])
def test_models_and_schema_accept_the_same(where: str, value: Any) -> None:
    config = changed(where, value)
    Config.model_validate(config)
    assert not list(Draft202012Validator(schema()).iter_errors(config))
