"""Names of regions: the shipped list, and the config over it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from cartrace import vocabulary
from cartrace.errors import InputError, plain
from cartrace.vocabulary import Region

SHIPPED = Path(__file__).parents[2] / "resources" / "tissues.csv"


def test_the_shipped_list_has_no_name_twice_and_plausible_masses() -> None:
    names = vocabulary.read(SHIPPED)
    for region in names.regions.values():
        assert region.min_mass_g < region.max_mass_g
        assert math.isnan(region.density_g_per_ml) or 0.2 < region.density_g_per_ml < 2
        assert names.canonical(region.name) == region.name
    # The worked example's samples, and a mouse liver.
    assert names.regions["liver"].min_mass_g <= 1.015 <= names.regions["liver"].max_mass_g
    assert names.regions["tumour"].min_mass_g <= 0.2143 <= names.regions["tumour"].max_mass_g


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("Lungs", "lung"),
        ("KIDNEYS", "kidney"),
        ("Tumor", "tumour"),
        ("small-intestine", "small intestine"),
        ("LN", "lymph node"),
    ],
)
def test_synonyms_lead_to_one_name(name: str, canonical: str) -> None:
    assert vocabulary.read(SHIPPED).canonical(name) == canonical


def test_the_config_extends_renames_and_takes_names() -> None:
    declared = [
        {"name": "tumor", "synonyms": ["ROI 1"], "density_g_per_ml": 1.1},
        {"name": "muscle", "synonyms": ["left thigh"]},
        {"name": "gut", "synonyms": ["colon"]},
    ]
    names = vocabulary.read(SHIPPED, declared)
    # A region that the list calls otherwise keeps what the list knows and takes the config's name.
    assert names.canonical("tumour") == names.canonical("xenograft") == names.canonical("roi 1") == "tumor"
    assert "tumour" not in names.regions
    assert (names.regions["tumor"].density_g_per_ml, names.regions["tumor"].max_mass_g) == (1.1, 4.0)
    assert names.regions["muscle"].density_g_per_ml == 1.05
    assert names.regions["muscle"].is_declared
    assert names.canonical("left thigh") == "muscle"
    assert (names.canonical("colon"), names.canonical("large bowel")) == ("gut", "large intestine")
    assert math.isnan(names.regions["gut"].min_mass_g)


def test_one_name_for_two_regions_is_an_error() -> None:
    with pytest.raises(InputError, match="stands for 'a' and for 'b'"):
        vocabulary.combine([], [Region("a", ("same",)), Region("b", ("Same",))])


def test_the_nearest_names_are_offered() -> None:
    names = vocabulary.read(SHIPPED)
    assert names.nearest("livr")[0] == "liver"
    assert names.nearest("zzzzzz") == []
    assert all(plain(name) == name for name in names.known)
