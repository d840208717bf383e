"""Studies of strategies without growth, from the counts to labelled cells and specific uptake, by hand."""

import math

import pytest
import tiny_cohort
from pipeline import imported, measured, strategy_of

import integrate_uptake
from cartrace import tables
from cartrace.config import Config

DAY_S = 86_400.0


def through(folder, made, **changes):
    """Take a tiny study through stages 1 to 4, and return its labelled cells and specific uptake."""
    config, mice = made
    tiny_cohort.write(folder, config, mice)
    settings = Config.model_validate(config | changes).model_dump()
    imported(folder / "cohorts", "T01", settings, folder / "results")
    measured("T01", settings, folder / "results")
    strategy_of("T01", settings, folder / "results")
    base = folder / "results" / "T01" / "4_cells"
    labelled = tables.read(base / "labelled.csv", tables.LabelledCells)
    specific = tables.read(base / "specific.csv", tables.SpecificUptake)
    return labelled.set_index(["animal_id", "region"]), specific.set_index(["animal_id", "region"])


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("direct")
    found, specific = through(folder, tiny_cohort.direct_label())
    assert specific.empty
    return folder, found


def test_uptake_comes_back_from_the_counts(labelled):
    _, found = labelled
    for number, (spleen, liver, blood) in enumerate([(10.0, 20.0, 2.0), (8.0, 22.0, 1.0), (6.0, 24.0, 2.0 / 3.0)]):
        mouse = found.loc[f"CAR{number}1"]["uptake_pct_id"]
        assert mouse["spleen"] == pytest.approx(spleen, rel=1e-9)
        assert mouse["liver"] == pytest.approx(liver, rel=1e-9)
        assert mouse["blood"] == pytest.approx(blood, rel=1e-9)


def test_labelled_cell_equivalents_by_hand(labelled):
    _, found = labelled
    row = found.loc["CAR11", "spleen"]
    # Dissected 72 h after the injection, 74 h after the labelling.
    days = 74.0 / 24.0
    kept = math.exp(-0.0851 * days)
    assert row["label_day"] == pytest.approx(days, rel=1e-12)
    assert row["retained_frac"] == pytest.approx(kept, rel=1e-12)
    # Free: 5 % at labelling, and what the cells lost since; the group that got free label has 1 %ID in the spleen.
    free = 1.0 - 0.95 * kept
    assert row["free_frac"] == pytest.approx(free, rel=1e-12)
    assert row["background_pct_id"] == pytest.approx(1.0, rel=1e-9)
    net_pct_id = 8.0 - free * 1.0
    assert row["net_pct_id"] == pytest.approx(net_pct_id, rel=1e-9)
    # 1000 kBq at the injection, two hours of decay more at the labelling; 0.07 Bq a cell, of which `kept` is left.
    at_labelling_bq = 1000e3 * math.exp(tiny_cohort.DECAY_PER_S * 7200.0)
    cells = net_pct_id / 100.0 * at_labelling_bq / (0.07 * kept)
    assert row["cells"] == pytest.approx(cells, rel=1e-9)
    assert row["cells"] / row["net_pct_id"] == pytest.approx(row["cells_se"] / row["net_pct_id_se"], rel=1e-9)
    assert (row["n_background"], row["status"], row["reason"]) == (9, "ok", "")


def test_the_published_efflux_keeps_sixty_percent_at_six_days():
    from cartrace.strategies import labelled_cells, retained_frac

    # 89Zr-oxine: 70 kBq per million cells, 60 % kept at day 6, with a half-life of 78.41 h (Weist et al. 2018).
    kept = retained_frac(6.0, 0.0851)
    assert kept == pytest.approx(0.60, abs=5e-4)
    assert 0.07 * kept * math.exp(-math.log(2.0) * 144.0 / 78.41) == pytest.approx(0.0118, abs=5e-5)
    assert labelled_cells(0.07 * kept * 5e5, 0.07, kept) == pytest.approx(5e5)


def test_the_whole_body_is_what_its_tissues_hold(labelled):
    _, found = labelled
    assert found.loc[("CAR01", "whole body"), "uptake_pct_id"] == pytest.approx(2.0 + 10.0 + 20.0 + 60.0, rel=1e-9)
    own, common = [], 0.0
    for region in ("blood", "spleen", "liver", "carcass"):
        row = found.loc["CAR01", region]
        own.append(row["uptake_pct_id_se"])
        common += row["uptake_pct_id_se"]
    # The dose is common to the tissues: the sum is known worse than if they erred apart, and no worse than together.
    assert math.hypot(*own) < found.loc[("CAR01", "whole body"), "uptake_pct_id_se"] <= common * (1.0 + 1e-12)


def test_the_group_with_free_label_has_no_labelled_cells(labelled):
    _, found = labelled
    row = found.loc["FREE00", "spleen"]
    assert row["status"] == "not_estimable"
    assert row["reason"] == "the group got free label or lysed cells, of which no cell holds any"
    assert math.isnan(row["cells"])


def test_a_direct_label_dissected_three_times_has_an_area_and_half_lives(labelled):
    folder, _ = labelled
    out = folder / "destructive.csv"
    integrate_uptake.main(
        uptake=[str(folder / "results" / "T01" / "3_uptake" / "uptake.csv")],
        dose_activity=[str(folder / "results" / "T01" / "2_activity" / "doses.csv")],
        destructive=str(out),
        reference_regions=["blood"],
        tail="physical",
        human_weight_kg=None,
        confidence=0.95,
    )
    found = tables.read(str(out), tables.Destructive)
    found = found[(found["analysis"] == "all") & (found["group"] == "CAR") & (found["region"] == "spleen")]
    by_quantity = found.set_index("quantity")["estimate"]
    # %ID/g = %ID / 0.05 g: 200, 160, 120 at 24, 72 and 144 h.
    assert by_quantity["auc"] == pytest.approx(48.0 * 180.0 + 72.0 * 140.0, rel=1e-9)
    blood = 48.0 * (4.0 + 2.0) / 2.0 + 72.0 * (2.0 + 4.0 / 3.0) / 2.0
    assert by_quantity["auc_ratio"] == pytest.approx((48.0 * 180.0 + 72.0 * 140.0) / blood, rel=1e-9)
    # The same three factors at every time: the line through the means' logarithms.
    hours, logs = (24.0, 72.0, 144.0), [math.log(10.0), math.log(8.0), math.log(6.0)]
    rise = sum((t - 80.0) * y for t, y in zip(hours, logs, strict=True)) / sum((t - 80.0) ** 2 for t in hours)
    assert by_quantity["biological_half_life"] == pytest.approx(-math.log(2.0) / rise, rel=1e-9)
    physical = tiny_cohort.HALF_LIFE_S / 3600.0
    effective = 1.0 / (1.0 / physical - rise / math.log(2.0))
    assert by_quantity["effective_half_life"] == pytest.approx(effective, rel=1e-9)


def by_modality(folder, name, table):
    found = tables.read(folder / "results" / "T01" / "4_cells" / f"{name}.csv", table)
    return found.set_index(["modality", "animal_id", "region"])


def test_labelled_cells_by_pet_by_hand(tmp_path):
    config, mice = tiny_cohort.with_pet(tiny_cohort.direct_label())
    # The first two times of dissection, all groups.
    through(tmp_path, (config, mice[:18]))
    found = by_modality(tmp_path, "labelled", tables.LabelledCells)
    row = found.loc["pet", "CAR11", "spleen"]
    # Scanned for ten minutes from 71 h after the injection, 73 h after the labelling; the middle counts.
    days = (73.0 + 5.0 / 60.0) / 24.0
    kept = math.exp(-0.0851 * days)
    assert row["label_day"] == pytest.approx(days, rel=1e-12)
    assert row["uptake_pct_id"] == pytest.approx(8.0, rel=1e-9)
    net_pct_id = 8.0 - (1.0 - 0.95 * kept) * 1.0
    assert row["net_pct_id"] == pytest.approx(net_pct_id, rel=1e-9)
    at_labelling_bq = 1000e3 * math.exp(tiny_cohort.DECAY_PER_S * 7200.0)
    assert row["cells"] == pytest.approx(net_pct_id / 100.0 * at_labelling_bq / (0.07 * kept), rel=1e-9)
    # A scan has no carcass, so that the whole body is the counter's alone.
    assert ("pet", "CAR11", "whole body") not in found.index
    assert ("counter", "CAR11", "whole body") in found.index


def test_specific_uptake_by_pet_by_hand(tmp_path):
    config, mice = tiny_cohort.with_pet(tiny_cohort.immunopet())
    through(tmp_path, (config, mice))
    found = by_modality(tmp_path, "specific", tables.SpecificUptake)
    row = found.loc["pet", "TARGET2", "spleen"]
    # 2.2 %ID in 0.05 mL at 1 g/mL, above a mean of 0.5 %ID; blood holds 4 %ID in 0.5 mL.
    assert row["unit"] == "%ID/g"
    assert row["uptake"] == pytest.approx(44.0, rel=1e-9)
    assert row["specific"] == pytest.approx(44.0 - 10.0, rel=1e-9)
    assert row["blood_ratio"] == pytest.approx(44.0 / 8.0, rel=1e-9)
    # Scatter of 0.45, 0.50 and 0.55 %ID per 0.05 g between three blocked mice, one more of them, and the measurement.
    assert row["specific_se"] ** 2 - row["uptake_se"] ** 2 == pytest.approx(1.0 * (1.0 + 1.0 / 3.0), rel=1e-9)
    assert (row["n_control"], row["status"]) == (3, "ok")


def test_without_the_activity_of_a_cell_there_is_no_number(tmp_path):
    config, mice = tiny_cohort.direct_label()
    found, _ = through(tmp_path, (config | {"label": {"efflux_per_day": 0.0851}}, mice[:9]))
    row = found.loc["CAR00", "spleen"]
    assert (row["status"], row["reason"]) == ("not_estimable", "label.activity_bq_per_cell is not stated")
    assert math.isnan(row["cells"])
    assert row["net_pct_id"] > 0.0


def test_without_a_group_with_free_label_nothing_is_subtracted_and_the_row_says_so(tmp_path):
    config, mice = tiny_cohort.direct_label()
    found, _ = through(tmp_path, (config, [mouse for mouse in mice if mouse["group"] != "FREE"]))
    row = found.loc["CAR00", "spleen"]
    assert row["net_pct_id"] == row["uptake_pct_id"]
    assert row["reason"] == "no mouse of a background group in this session: free label is not subtracted"


def test_one_mouse_with_free_label_gives_a_number_without_its_uncertainty(tmp_path):
    config, mice = tiny_cohort.direct_label()
    kept = [mouse for mouse in mice if mouse["group"] != "FREE"] + [
        mouse for mouse in mice if mouse["name"] == "FREE01"
    ]
    found, _ = through(tmp_path, (config, kept))
    row = found.loc["CAR01", "spleen"]
    assert row["net_pct_id"] == pytest.approx(row["uptake_pct_id"] - row["free_frac"], rel=1e-9)
    assert math.isnan(row["net_pct_id_se"])
    assert row["reason"] == "one background mouse: its scatter is not known, so no uncertainty"


def test_specific_uptake_by_hand(tmp_path):
    labelled, found = through(tmp_path, tiny_cohort.immunopet())
    assert labelled.empty
    # The spleen weighs 0.05 g: 2 %ID are 40 %ID/g, of the blocked 0.45, 0.5 and 0.55 %ID are 9, 10 and 11 %ID/g.
    row = found.loc["TARGET1", "spleen"]
    assert row["unit"] == "%ID/g"
    assert row["uptake"] == pytest.approx(40.0, rel=1e-9)
    assert row["control"] == pytest.approx(10.0, rel=1e-9)
    assert row["control_sd"] == pytest.approx(1.0, rel=1e-9)
    assert row["n_control"] == 3
    assert row["specific"] == pytest.approx(30.0, rel=1e-9)
    scatter_var = 1.0 * (1.0 + 1.0 / 3.0)
    variance = row["uptake_se"] ** 2 + scatter_var
    assert row["specific_se"] == pytest.approx(math.sqrt(variance), rel=1e-9)
    from scipy.stats import t

    reach = t.ppf(0.975, variance**2 / (scatter_var**2 / 2.0)) * math.sqrt(variance)
    assert row["specific_ci_low"] == pytest.approx(30.0 - reach, rel=1e-9)
    assert row["specific_ci_high"] == pytest.approx(30.0 + reach, rel=1e-9)
    # Blood: 4 %ID in 0.5 g are 8 %ID/g.
    assert row["blood_ratio"] == pytest.approx(5.0, rel=1e-9)
    assert found.loc["IRRELEVANT1", "tumour"]["specific"] == pytest.approx((1.8 - 1.5) / 0.25, rel=1e-9)
    blocked = found.loc["BLOCKED1", "spleen"]
    assert (blocked["status"], blocked["reason"]) == ("not_estimable", "the group is what the others are held against")


def test_one_blocked_mouse_gives_a_difference_without_an_interval(tmp_path):
    config, mice = tiny_cohort.immunopet()
    _, found = through(tmp_path, (config, mice[:3]))
    row = found.loc["TARGET0", "spleen"]
    assert row["status"] == "ok"
    assert row["specific"] == pytest.approx((1.8 - 0.45) / 0.05, rel=1e-9)
    assert math.isnan(row["specific_ci_low"])
    assert row["reason"] == "one background mouse: its scatter is not known, so no interval"


def test_an_immunopet_study_without_a_blocked_group_says_so(tmp_path):
    config, mice = tiny_cohort.immunopet()
    _, found = through(tmp_path, (config, [mouse for mouse in mice if mouse["group"] != "BLOCKED"]))
    assert set(found["reason"]) == {"no mouse of a background group (blocked, or without the target) in this session"}
    assert found["specific"].isna().all()
    assert found.loc["TARGET1", "spleen"]["blood_ratio"] == pytest.approx(5.0, rel=1e-9)
