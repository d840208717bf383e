"""Radionuclides are found by any usual spelling, and never guessed."""

from pathlib import Path

import pytest

from cartrace.errors import InputError
from cartrace.radionuclides import lookup, normal_name, of_tracers, read

NUCLIDES = read(Path(__file__).parents[2] / "resources" / "radionuclides.csv")


@pytest.mark.parametrize("spelling", ["F-18", "18F", "F18", "18-F", "[18F]", "f 18", "18 f"])
def test_one_nuclide_has_many_spellings(spelling):
    assert lookup(NUCLIDES, spelling).name == "F-18"


@pytest.mark.parametrize("spelling", ["Tc-99m", "99mTc", "Tc99m", "99m-Tc", "[99mTc]"])
def test_a_metastable_state_keeps_its_m(spelling):
    assert lookup(NUCLIDES, spelling).name == "Tc-99m"


def test_every_shipped_name_is_normal_and_physical():
    for nuclide in NUCLIDES:
        assert normal_name(nuclide.name) == nuclide.name
        assert 0 < nuclide.ensdf_half_life_se_s < 0.03 * nuclide.ensdf_half_life_s
        # The two evaluations never differ by more than Sc-44's 1.8 %: a decimal slip in either would.
        assert nuclide.icrp107_half_life_s == pytest.approx(nuclide.ensdf_half_life_s, rel=0.0185)
        assert 0 <= nuclide.positron_yield <= 1


def test_an_unknown_nuclide_names_the_nearest():
    with pytest.raises(InputError, match=r"found 'Zr-98'.*Did you mean 'Zr-89'\?"):
        lookup(NUCLIDES, "Zr-98")


def test_a_word_is_not_a_nuclide():
    with pytest.raises(InputError, match="found 'fluorine'"):
        lookup(NUCLIDES, "fluorine")


def test_all_unknown_nuclides_of_a_config_at_once():
    tracers = [{"name": "a", "nuclide": "F-81"}, {"name": "b", "nuclide": "F-18"}, {"name": "c", "nuclide": "Xx-1"}]
    with pytest.raises(InputError) as caught:
        of_tracers(tracers, NUCLIDES, source="ENSDF")
    found = [(problem.code, problem.value) for problem in caught.value.problems]
    assert found == [("unknown-nuclide", "F-81"), ("unknown-nuclide", "Xx-1")]
    assert "tracer a" in str(caught.value)


def test_the_source_decides_the_half_life():
    tracers = [{"name": "scandium", "nuclide": "44Sc"}]
    ensdf, icrp = (of_tracers(tracers, NUCLIDES, source=source)["scandium"] for source in ("ENSDF", "ICRP-107"))
    assert (ensdf.nuclide, ensdf.half_life_s, icrp.half_life_s) == ("Sc-44", 14_551.2, 14_292.0)
    assert ensdf.half_life_se_s == icrp.half_life_se_s == 9.0
