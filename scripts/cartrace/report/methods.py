"""The methods of the study as text: made from its settings and from what its tables show was done, nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from cartrace import display
from cartrace.names import family_name
from cartrace.report.references import Citations
from cartrace.report.study import MAIN, Study

MODEL_CITATIONS = {"logistic": ("verhulst",), "gompertz": ("laird",), "expansion_contraction": ("stein",)}
TEST_CITATIONS = (
    ("welch", "Welch"),
    ("tobin", "Tobit"),
    ("mann", "Mann-Whitney"),
    ("phipson", "Permutation"),
    ("games", "Games-Howell"),
    ("dunnett", "Dunnett"),
    ("student", "Paired t"),
    ("wilcoxon", "Wilcoxon"),
)
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|])")


def methods_text(
    study: Study, template: str, *, versions: Mapping[str, str], assumptions: Sequence[Sequence[str]]
) -> str:
    """Return the methods in Markdown.

    Parameters
    ----------
    study : Study
        The tables and settings.
    template : str
        ``resources/methods.md.j2``.
    versions : mapping
        Version by name of software.
    assumptions : sequence of pairs of str
        Core file and what it marks as assumed.

    Returns
    -------
    str
        Markdown, with text from the sheets escaped.
    """
    environment = Environment(
        finalize=escaped, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    known = facts(study)
    rendered = environment.from_string(template).render(
        **known, assumed=assumed(assumptions, known), versions=dict(versions), cite=Citations()
    )
    return re.sub(r"\n{3,}", "\n\n", rendered).strip() + "\n"


# What a core file assumes is stated only where its work was done: by a fact, or by the name of a test that was run.
# A folder stands for its files; a file that is named itself goes by its own fact.
WORK_OF = {
    "agreement": "has_agreement",
    "association": "has_predictions",
    "calibration": "has_calibration",
    "cells": "has_cells",
    "censoring": "has_fits",
    "comparison": "tests",
    "counting": "has_counter",
    "destructive": "has_destructive",
    "earlier_injection": "has_residual",
    "endpoints": "tests",
    "growth": "has_fits",
    "next_cohort": "has_plan",
    "outcomes": "has_predictions",
    "partial_volume": "has_recovery",
    "pet_detection": "has_pet_limits",
    "planning": "is_planned",
    "planning/next_cohort": "has_simulated_plan",
    "pooling": "has_pooled",
    "prediction": "has_predictions",
    "ratios": "has_counter",
    "regions": "has_pet",
    "repeated": "has_repeated",
    "sacrifices": "has_fitted_tail",
    "selection": "has_fits",
    "simulate": "is_planned",
    "specific": "has_specific",
    "standards": "has_counter",
    "statistics": "tests",
    "strategies": "has_labelled",
    "survival": "has_survival",
    "survival_groups": "has_survival",
    "tissues": "has_counter",
}
TESTS_OF = {
    "censored_groups": "Tobit",
    "comparison_tests": "Tobit",
    "many_groups": "Dunnett|Games",
    "mixed": "mixed",
    "population": "population",
    "rank_tests": "rank|[Pp]ermutation|Brunner|Wilcoxon|Mann",
}


def assumed(assumptions: Sequence[Sequence[str]], known: Mapping[str, Any]) -> list[str]:
    """Return the assumptions of the work that was done, as sentences; a core file not listed above always tells."""
    told = []
    for file, text in assumptions:
        name = file if file in WORK_OF else file.split("/")[0]
        done = bool(known[WORK_OF[name]]) if name in WORK_OF else True
        if name in TESTS_OF:
            done = any(re.search(TESTS_OF[name], test) for test in known["tests"])
        if done:
            sentence = text[0].upper() + text[1:].rstrip(".") + "."
            told += [] if sentence in told else [sentence]
    return told


def escaped(value: Any) -> Any:
    """Escape what Markdown would read as markup; a line break in a name would start a paragraph."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return _SPECIAL.sub(r"\\\1", re.sub(r"[\r\n\t]+", " ", value))


def facts(study: Study) -> dict[str, Any]:
    """Return what the template needs to know about what was done."""
    settings, uptake = study.settings, study.uptake
    doses = study.dose_activity[study.dose_activity["status"] == "ok"]
    halves = study.dose_activity[["tracer", "nuclide", "half_life_s"]].drop_duplicates().sort_values("tracer")
    factors = study.tube_activity["dead_time_factor"]
    stages = study.stages()
    return {
        "settings": settings,
        "label": study.uptake_label,
        "groups": [{"label": label, "n": int(stages["planned"][name])} for name, label in study.labels.items()],
        "n_mice": len(study.animals),
        "n_excluded": int(stages["excluded"].sum()),
        "n_partly": int(stages["partly excluded"].sum()),
        "tracers": halves.to_dict("records"),
        "n_doses": len(doses),
        "net_mbq": display.format_value(float(doses["net_injected_kbq"].median()) / 1000),
        "tails": sorted(set(doses["tail_source"])),
        "routes": sorted(set(doses["dose_route"])),
        "has_counter": study.has_counter,
        "has_pet": study.has_pet,
        "has_dead_time": bool((factors > 1).any()),
        "has_blanks": bool((study.tube_activity["role"] == "blank").any()),
        "references": sorted(set(study.ratios["reference"])),
        "densities": [region for region in settings["regions"] if region["density_g_per_ml"] is not None],
        "has_pet_per_g": bool(uptake.loc[uptake["modality"] == "pet", "uptake_pct_id_per_g"].notna().any()),
        "n_below": int(uptake["is_below_detection"].sum()),
        **_cells(study),
        **_expansion(study),
        **_comparison(study),
        **_beside(study),
    }


def _cells(study: Study) -> dict[str, Any]:
    lines = study.calibration_lines
    return {
        "has_cells": bool((study.cells["status"] == "ok").any()),
        "has_calibration": bool((lines["status"] == "ok").any()),
        "calibration_kinds": sorted(set(lines.loc[lines["status"] == "ok", "kind"])),
        "is_background_subtracted": bool((study.cells["n_background"] > 0).any()),
        "region": study.settings["cells"]["region"],
    }


def _expansion(study: Study) -> dict[str, Any]:
    fits = study.fits[study.fits["analysis"] == MAIN]
    done = fits[fits["status"] == "ok"]
    compared = study.selection[(study.selection["analysis"] == MAIN) & study.selection["aicc"].notna()]
    counts = done[done["model"] == study.chosen_model]
    return {
        "models": [
            {"name": name.replace("_", "-"), "keys": MODEL_CITATIONS.get(name, ())}
            for name in sorted(set(fits["model"]))
        ],
        "has_fits": len(done) > 0,
        "chosen": study.chosen_model.replace("_", "-"),
        "n_compared": len(compared),
        "n_fitted": len(counts),
        "n_tried": int((fits["model"] == study.chosen_model).sum()),
        "n_censored": int(done["n_censored"].sum()),
    }


def _comparison(study: Study) -> dict[str, Any]:
    main = study.comparisons[(study.comparisons["analysis"] == MAIN) & (study.comparisons["status"] == "ok")]
    agreed = study.agreement[(study.agreement["analysis"] == MAIN) & (study.agreement["status"] == "ok")]
    within = study.paired[(study.paired["analysis"] == MAIN) & (study.paired["status"] == "ok")]
    return {
        "tests": sorted(set(main["test"])),
        "test_keys": _cited(main["test"]),
        "tests_within_mice": sorted(set(within["test"])),
        "keys_within_mice": _cited(within["test"]),
        "families_within_mice": [family_name(str(name)) for name in pd.unique(within["family"])],
        "adjustment": study.settings["comparison"]["secondary_adjustment"],
        "scales": sorted({*main["scale"], *within["scale"]}),
        "adjustments": {
            str(method): [family_name(str(name)) for name in pd.unique(rows["family"])]
            for method, rows in main[main["adjustment"] != "none"].groupby("adjustment", sort=True)
        },
        "has_primary": bool(main["is_primary"].any()),
        "n_secondary": int((main["plan"] == "secondary").sum()),
        "primary": study.settings["comparison"]["primary"],
        "confidence_pct": f"{100 * study.settings['comparison']['confidence']:g}",
        "has_hedges": bool(np.isfinite(main["hedges_g"]).any()),
        "has_agreement": len(agreed) > 0,
    }


def _cited(tests: pd.Series) -> list[str]:
    """Return the references of tests, by their keys."""
    return [key for key, word in TEST_CITATIONS if tests.str.contains(word).any()]


def _beside(study: Study) -> dict[str, Any]:
    """Return what was done that the text does not tell of, but that assumes something."""
    destructive = study.destructive["estimate"].notna()
    is_tail_fitted = study.settings["comparison"]["residence_tail"] == "fitted"
    related = [study.predictions, study.readout_agreement]
    return {
        "has_labelled": bool(study.labelled_cells["net_pct_id"].notna().any()),
        "has_specific": bool((study.specific_uptake["status"] == "ok").any()),
        "has_destructive": bool(destructive.any()),
        "has_fitted_tail": bool(destructive.any()) and is_tail_fitted,
        "has_residual": bool(study.roi_activity["residual_kbq_per_ml"].notna().any()),
        "has_recovery": bool(study.uptake["recovered_pct_id_per_ml"].notna().any()),
        "has_pet_limits": bool(study.uptake["critical_level_pct_id_per_ml"].notna().any()),
        "has_pooled": bool(study.forest.loc[study.forest["level"] != "cohort", "estimate"].notna().any()),
        "has_repeated": bool(study.repeated["estimate"].notna().any()),
        "has_survival": bool((study.survival["status"] == "ok").any()),
        "has_predictions": any(bool((table["status"] == "ok").any()) for table in related),
        "has_plan": bool((study.power["status"] == "ok").any()),
        "has_simulated_plan": bool((study.power["n_studies"] > 0).any()),
        # A study that is only planned has no report.
        "is_planned": False,
    }


BULLET = re.compile(r"^(?:- |\d+\. )")


def html(markdown: str) -> Markup:
    """Return our own Markdown as HTML: headings, paragraphs, lists, DOI links; everything else is text.

    Parameters
    ----------
    markdown : str
        The methods.

    Returns
    -------
    Markup
        HTML in which every text is escaped.
    """
    parts = []
    for block in markdown.strip().split("\n\n"):
        lines = block.strip().split("\n")
        if lines[0].startswith("#"):
            level = len(lines[0]) - len(lines[0].lstrip("#"))
            parts.append(f"<h{level + 2}>{_text(lines[0].lstrip('# '))}</h{level + 2}>")
        elif BULLET.match(lines[0]):
            tag = "ul" if lines[0].startswith("- ") else "ol"
            items = "".join(f"<li>{_text(BULLET.sub('', line))}</li>" for line in lines)
            parts.append(f"<{tag}>{items}</{tag}>")
        else:
            parts.append(f"<p>{_text(' '.join(lines))}</p>")
    return Markup("\n".join(parts))


def plain(markdown: str) -> str:
    """Return our own Markdown without its escapes."""
    return re.sub(r"\\([\\`*_{}\[\]<>#|])", r"\1", markdown)


def _text(markdown: str) -> str:
    shown = str(escape(plain(markdown)))
    return re.sub(r"doi:(10\.[^\s<]+[^\s<.,;])", r'<a href="https://doi.org/\1">doi:\1</a>', shown)
