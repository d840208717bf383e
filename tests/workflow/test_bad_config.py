"""A config that is wrong: everything at once, in the lab's words, before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture
def refused(tmp_path: Path, run: Callable) -> Callable[..., str]:
    """Return the function that changes keys of the demo's config and returns what Snakemake says of it."""

    def refuse(changes: dict[str, Any]) -> str:
        config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
        for cohort in config["cohorts"]:
            cohort["path"] = str(ROOT / cohort["path"])
        for dotted, value in changes.items():
            *path, last = dotted.split(".")
            place = config
            for part in path:
                place = place[int(part)] if part.isdigit() else place.setdefault(part, {})
            place[int(last) if last.isdigit() else last] = value
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        done = run(ROOT, "-n", "--directory", str(tmp_path))
        assert done.code == 1, done.output
        assert "Traceback" not in done.output
        assert ".smk" not in done.output
        return done.output

    return refuse


def test_a_pathvar_that_is_not_given_is_named(refused: Callable[[dict[str, Any]], str]) -> None:
    said = refused({"cohorts.0.path": "<data>/C01"})
    assert "cohorts: the folder '<data>/C01' of C01 names <data>; give it in pathvars" in said


def test_problems_of_form_come_all_at_once(refused: Callable[[dict[str, Any]], str]) -> None:
    said = refused(
        {
            "study.titel": "t",
            "counter.dead_time_us": "1e-6",
            "uptake.dose_route": "calibrater",
            "groups.1.role": "mock",
            "study.title": 7,
            "regions.0.density_g_per_ml": "heavy",
        }
    )
    assert "The config has 6 problems; nothing was calculated." in said
    assert "study: the key 'titel' is not known; did you mean 'title'?" in said
    assert "counter.dead_time_us: '1e-6' is not of type 'number'; write 1.0e-06" in said
    assert "uptake.dose_route: 'calibrater' is not one of ['counted_standard', 'calibrator']" in said
    assert "groups.NT.role: 'mock' is not one of" in said
    assert "study.title: 7 is not of type 'string'; put it in quotes" in said
    assert "regions.tumour.density_g_per_ml: 'heavy' is not of type number or null" in said


def test_problems_of_sense_come_all_at_once(refused: Callable[[dict[str, Any]], str]) -> None:
    said = refused(
        {
            "study.timezone": "Europe/Berlim",
            "cohorts.1.path": "cohorts/gone",
            "comparison.primary.groups": ["CAR", "NTT"],
            "comparison.primary.region": "tumor",
            "cells.region": "tumor",
            "counter.windows": {"[18F]TBF": "F-18"},
            "expansion.window_days": [28, 0],
            "quality.tail_warn_pct": 30,
        }
    )
    assert "The config has 8 problems; nothing was calculated." in said
    assert "study.timezone: 'Europe/Berlim' is not a time zone" in said
    assert "cohorts: the folder 'cohorts/gone' of C02 is not there; paths start at" in said
    assert "comparison.primary.groups: 'NTT' is not a group of this study; did you mean 'NT'?" in said
    assert "comparison.primary.region: 'tumor' is not a region of this study; did you mean 'tumour'?" in said
    assert "cells.region: 'tumor' is not a region of this study; did you mean 'tumour'?" in said
    assert "counter.windows: '[18F]TBF' is not a tracer of this study; did you mean '[18F]TFB'?" in said
    assert "expansion.window_days: the window ends at day 0, not after its start at day 28" in said
    assert "quality.tail_warn_pct: warns above 30, but fails above 10 already" in said


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"groups.2.name": "NT"}, "groups: 'NT' stands 2 times; names are unique"),
        ({"groups.1.role": "background"}, "groups: more than one group has the role background"),
        ({"comparison.primary.groups": ["NT", "NT"]}, "a group cannot be compared with itself"),
        ({"comparison.primary.groups": ["CAR", "UTD"]}, "'UTD' has the role background, and with it no growth_rate"),
        ({"comparison.primary.endpoint": "cells"}, "comparison.primary.session: the endpoint cells needs a session"),
        (
            {"comparison.primary.endpoint": "uptake", "comparison.primary.session": "d07"},
            "comparison.primary.modality: the endpoint uptake needs pet or counter",
        ),
        (
            {"study.strategy": "direct_label"},
            "growth_rate comes from a fit of growth, and direct_label studies get none",
        ),
        ({"study": {"title": "t"}}, "study: the key 'timezone' is missing"),
        ({"cohorts.0": {"path": "x"}}, "cohorts.entry 1: the key 'name' is missing"),
        ({"cohorts": []}, "cohorts: [] should be non-empty"),
    ],
    ids=str,
)
def test_each_problem_says_what_to_mend(
    refused: Callable[[dict[str, Any]], str], changes: dict[str, Any], complaint: str
) -> None:
    assert complaint in refused(changes)


def test_a_plan_that_cannot_be_carried_out_is_told_before_anything_runs(
    refused: Callable[[dict[str, Any]], str],
) -> None:
    family = {"endpoint": "uptake", "modality": "counter", "groups": ["CAR", "NT"]}
    early = {"endpoint": "cells", "session": ""}
    said = refused(
        {
            "comparison.secondary": [
                family | {"family": "organs", "groups": ["CAR", "NTT"], "regions": ["livr"]},
                family | {"family": "organs", "test": "games_howell"},
                family | {"family": "control", "test": "dunnett", "groups": ["CAR", "UTD"]},
                family | {"family": "rise", "test": "paired_t", "sessions": ["d07"]},
            ],
            "comparison.prediction": [
                {"early": early, "outcome": {"readout": "survival", "day": 21, "threshold": 3}},
            ],
        }
    )
    assert "comparison.secondary: the family 'organs' stands 2 times; names are unique" in said
    assert "comparison.secondary.organs.groups: 'NTT' is not a group of this study; did you mean 'NT'?" in said
    assert "comparison.secondary.organs.regions: 'livr' is not a region of this study; did you mean 'liver'?" in said
    assert "comparison.secondary.organs.groups: games_howell needs three groups" in said
    assert "comparison.secondary.control.groups: dunnett needs one group with the role control, and there are 0" in said
    assert "comparison.secondary.rise.sessions: paired_t holds two sessions of the same mice against each other" in said
    assert "comparison.prediction.entry 1.early.session: the endpoint cells needs a session" in said
    assert "comparison.prediction.entry 1.outcome.threshold: survival is judged by its day" in said
