"""The simulator: written forward, deterministic, and in the instruments' own form."""

import ast
import json
from datetime import datetime
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import simulate_study
from cartrace import tables
from cartrace.config import Config
from cartrace.errors import InputError, plain
from cartrace.simulate import design, instruments, truth
from cartrace.simulate import simulate_study as simulate

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "resources" / "demo_study"
HALF_LIFE_S = 6586.2
DENSITY = {tissue.name: 1.05 for tissue in design.TISSUES}


def settings(**simulation):
    shipped = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    return Config.model_validate(shipped | {"simulation": simulation}).model_dump()


def study(**simulation):
    return simulate(settings(**simulation), half_life_s=HALF_LIFE_S, density_g_per_ml=DENSITY)


@pytest.fixture(scope="module")
def demo():
    return study()


def sheet(files, path):
    return pd.read_csv(StringIO(files[path]), dtype=str, keep_default_na=False)


# ---- forward models against closed forms ----


def test_half_is_left_after_one_half_life():
    left = instruments.remaining(np.array([-HALF_LIFE_S, 0.0, HALF_LIFE_S, 3 * HALF_LIFE_S]), HALF_LIFE_S)
    assert left == pytest.approx([2.0, 1.0, 0.5, 0.125], rel=1e-15)


def test_counts_of_a_decaying_source_are_the_integral_of_its_rate():
    # 1000/s with a half-life of 100 s counted for 300 s: 1000 · 100/ln2 · (1 - 1/8) = 126 233.0 and 2/s · 300 s.
    many = np.full(4000, 1000.0)
    rng = np.random.default_rng(1)
    counts = instruments.counter(many, many * 0 + 300, 100.0, background_cps=2.0, dead_time_s=0.0, rng=rng)
    expected = 1000 * 100 / np.log(2) * 7 / 8 + 600
    assert counts.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / 4000))
    assert counts.var() == pytest.approx(expected, rel=0.1)


def test_dead_time_loses_counts_as_a_non_paralysable_counter_does():
    # 50 000/s and 3.1 us: 50 000 / 1.155 = 43 290/s are recorded.
    many = np.full(500, 50_000.0)
    rng = np.random.default_rng(2)
    counts = instruments.counter(many, many * 0 + 60, 1e15, background_cps=0.0, dead_time_s=3.1e-6, rng=rng)
    assert counts.mean() / 60 == pytest.approx(43_290.04, rel=2e-4)


def test_cells_start_grow_and_contract_as_declared():
    mouse = {
        "has_reporter": True,
        "cells_at_day_0": 2e5,
        "growth_rate_per_day": 0.5,
        "contraction_rate_per_day": 0.2,
        "peak_day": 20.0,
    }
    plan = pd.DataFrame([mouse] * 5)
    cells = truth.cells_in_followed_region(plan, np.array([0.0, 4.0, 5.0, 50.0, 51.0]))
    assert cells[0] == pytest.approx(2e5, rel=1e-12)
    assert np.log(cells[2] / cells[1]) == pytest.approx(0.5, abs=1e-4)
    assert np.log(cells[4] / cells[3]) == pytest.approx(-0.2, abs=1e-4)


def test_cells_without_reporter_are_not_seen():
    plan = pd.DataFrame(
        [
            {
                "has_reporter": False,
                "cells_at_day_0": 2e5,
                "growth_rate_per_day": 0.0,
                "contraction_rate_per_day": 0.1,
                "peak_day": 10.0,
            }
        ]
    )
    assert truth.cells_in_followed_region(plan, np.array([3.0])) == [0.0]


@pytest.mark.parametrize(("value", "shown"), [(7.41234, 7.412), (0.0331277, 0.03313), (7412.9, 7413.0), (0.0, 0.0)])
def test_a_display_has_four_digits(value, shown):
    assert instruments.significant(np.array([value]), 4)[0] == pytest.approx(shown, rel=1e-12)


def test_nothing_of_the_analysis_is_used():
    allowed = {"cartrace.errors", "cartrace.simulate"}
    for path in (ROOT / "scripts" / "cartrace" / "simulate").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("cartrace"):
                assert ".".join(node.module.split(".")[:2]) in allowed, f"{path.name} imports {node.module}"


# ---- the study ----


def test_the_shipped_demo_study_is_what_the_shipped_config_makes(tmp_path):
    simulate_study.main(
        radionuclides=str(ROOT / "resources" / "radionuclides.csv"),
        tissues=str(ROOT / "resources" / "tissues.csv"),
        study=str(tmp_path),
        settings=settings(),
    )
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    shipped = {path.relative_to(DEMO): path.read_bytes() for path in DEMO.rglob("*") if path.is_file()}
    assert sorted(made) == sorted(shipped)
    different = [str(path) for path in made if made[path] != shipped[path]]
    assert not different, "run `make demo` after a change of the simulator or of the shipped config"


def test_the_config_beside_a_study_is_valid_and_names_its_cohorts(tmp_path):
    simulate_study.main(
        radionuclides=str(ROOT / "resources" / "radionuclides.csv"),
        tissues=str(ROOT / "resources" / "tissues.csv"),
        study=str(tmp_path),
        settings=settings(n_cohorts=3, n_per_group=1, days=[1, 3]),
    )
    config = Config.model_validate(yaml.safe_load((tmp_path / "config" / "config.yaml").read_text(encoding="utf-8")))
    assert [cohort.path for cohort in config.cohorts] == ["C01", "C02", "C03"]
    assert all((tmp_path / cohort.path / "animals.csv").is_file() for cohort in config.cohorts)


def test_another_seed_makes_another_study(demo):
    other = simulate(settings() | {"seed": 1}, half_life_s=HALF_LIFE_S, density_g_per_ml=DENSITY)
    assert other["C01/doses.csv"] != demo["C01/doses.csv"]


def test_a_further_cohort_leaves_the_others_as_they_were(demo):
    three = study(n_cohorts=3)
    assert {path for path in demo if path != "truth.json"} == {
        path for path in three if path.startswith(("C01", "C02"))
    }
    assert all(three[path] == demo[path] for path in demo if path != "truth.json")


def test_sizes_follow_the_config():
    files = study(n_cohorts=1, n_per_group=11, days=[2, 5.5])
    assert len(sheet(files, "C01/animals.csv")) == 33
    assert set(sheet(files, "C01/doses.csv")["session"]) == {"d02", "d05.5"}
    runs = sheet(files, "C01/tubes.csv").groupby("counter_file")
    assert len(runs) == 7
    assert (runs.size() <= 5 * 15 + 8).all()
    assert (runs["role"].agg(lambda roles: (roles == "blank").sum()) == 3).all()


def test_a_group_that_the_study_has_not_is_an_error():
    wrong = settings() | {"seed": 1}
    wrong["simulation"]["groups"][2]["name"] = "CART"
    with pytest.raises(InputError, match=r"'CART'.*Did you mean 'CAR'\?"):
        simulate(wrong, half_life_s=HALF_LIFE_S, density_g_per_ml=DENSITY)


def test_every_tissue_is_in_the_shipped_vocabulary():
    names = set(pd.read_csv(ROOT / "resources" / "tissues.csv")["name"])
    assert {tissue.name for tissue in design.TISSUES} <= names


@pytest.mark.parametrize("cohort", ["C01", "C02"])
@pytest.mark.parametrize("table", [table for table in tables.SHEETS if table not in (tables.Volumes, tables.Overrides)])
def test_sheets_have_known_columns_with_units(demo, cohort, table):
    path = f"{cohort}/{table.__name__.lower()}.csv"
    if path == "C01/clocks.csv":
        assert path not in demo
        return
    known = {plain(column.header): column for column in table.sheet_columns()}
    for header in sheet(demo, path).columns:
        name, _, unit = header.partition(" [")
        assert plain(name) in known, header
        assert bool(unit) == bool(known[plain(name)].quantity), header


def test_readings_are_plausible(demo):
    doses = sheet(demo, "C01/doses.csv").replace("", "nan").set_index(["animal_id", "session"])
    full = doses["full_activity [MBq]"].astype(float)
    assert full.between(6.5, 8.4).all()
    assert (doses["residual_activity [MBq]"].astype(float) / full).between(0.02, 0.09).all()
    assert doses["body_weight [g]"].astype(float).between(17, 28).all()
    tail = doses["tail_activity [MBq]"].astype(float)
    failed = sheet(demo, "C01/exclusions.csv")[["animal_id", "session"]]
    assert list(tail[tail > 1].index) == list(failed.itertuples(index=False, name=None))
    assert set(failed["session"]) == {"d07"}
    assert tail.isna().groupby("session").all().to_dict() == {
        "d01": False,
        "d04": False,
        "d07": False,
        "d10": False,
        "d14": False,
        "d21": True,
    }  # in the last session the counter has the tail


def test_events_are_in_order(demo):
    for cohort in ("C01", "C02"):
        doses = sheet(demo, f"{cohort}/doses.csv")
        assert (doses["full_at"] < doses["injected_at"]).all()
        assert (doses["injected_at"] < doses["residual_at"]).all()
        ends = doses["animal_id"].map(sheet(demo, f"{cohort}/animals.csv").set_index("animal_id")["ended_at"])
        assert (doses["injected_at"] < ends).all()
        tubes = sheet(demo, f"{cohort}/tubes.csv").query("role == 'tissue'")
        ends = tubes["animal_id"].map(sheet(demo, f"{cohort}/animals.csv").set_index("animal_id")["ended_at"])
        assert (tubes["collected_at"] <= ends).all()


def test_a_mouse_that_died_leaves_no_later_record(demo):
    animals = sheet(demo, "C02/animals.csv").set_index("animal_id")
    (dead,) = animals.index[animals["end_reason"] == "found_dead"]
    assert set(sheet(demo, "C02/doses.csv").query("animal_id == @dead")["session"]) == {"d01", "d04", "d07", "d10"}
    assert dead not in set(sheet(demo, "C02/tubes.csv")["animal_id"])


# ---- exports, as the instruments write them ----


def wizard(files, path):
    text = files[path]
    assert text.count("\r\n") == text.count("\n")
    return pd.read_csv(StringIO(text))


def test_wizard_exports_have_the_instruments_columns(demo):
    header = (
        "Protocol ID,Protocol name,Measurement date & time,Completion status,Run ID,Rack,Det,Pos,Time,Sample code,"
        "F-18 Counts,F-18 CPM,F-18 Error %,F-18 Info"
    )
    runs = [path for path in demo if "/counter/" in path]
    assert [path.split("/")[-1] for path in runs if path.startswith("C01")] == [
        "000563.csv",
        "000564.csv",
        "000565.csv",
    ]
    assert all(demo[path].startswith(header + "\r\n") for path in runs)
    table = wizard(demo, "C01/counter/000563.csv")
    assert table["Pos"].between(1, 10).all()
    assert not table.duplicated(["Rack", "Pos"]).any()
    assert (table["F-18 Counts"] % 1 > 0).any()


def test_every_counted_tube_is_in_the_sheet_and_the_reverse(demo):
    for cohort in ("C01", "C02"):
        listed = set(
            sheet(demo, f"{cohort}/tubes.csv")[["counter_file", "rack", "position"]].itertuples(index=False, name=None)
        )
        counted = {
            (path.split("/")[-1], str(rack), str(position))
            for path in demo
            if path.startswith(f"{cohort}/counter/")
            for rack, position in wizard(demo, path)[["Rack", "Pos"]].itertuples(index=False)
        }
        assert listed == counted


@pytest.mark.parametrize(
    ("path", "half_life_s"), [("C01/counter/000563.csv", HALF_LIFE_S), ("C02/counter/000600.csv", np.inf)]
)
def test_cpm_is_corrected_for_dead_time_and_background_and_in_one_protocol_for_decay(demo, path, half_life_s):
    table = wizard(demo, path)
    start = pd.to_datetime(table["Measurement date & time"])
    middle_s = (start - start.iloc[0]).dt.total_seconds() + table["Time"] / 2
    rate = table["F-18 Counts"] / table["Time"]
    net = (rate * (1 + 3.1e-6 * rate) * 60 - 54).clip(lower=0)
    assert table["F-18 CPM"].to_numpy() == pytest.approx(net * 2 ** (middle_s / half_life_s), rel=1e-5, abs=0.02)
    assert table.loc[net > 0, "F-18 Error %"].to_numpy() == pytest.approx(100 / np.sqrt(net[net > 0]), abs=0.006)
    assert ((table["F-18 Info"] == "I") == ((net == 0) | (100 / np.sqrt(net.clip(lower=1e-9)) > 5))).all()


def test_a_clock_that_is_off_is_off_in_the_export(demo):
    clocks = sheet(demo, "C02/clocks.csv").set_index("device")["offset [s]"]
    assert clocks.to_dict() == {"counter": "312", "scanner": "-47"}
    same = settings(imperfections=False)
    right = simulate(same, half_life_s=HALF_LIFE_S, density_g_per_ml=DENSITY)
    first = [
        datetime.fromisoformat(wizard(files, "C02/counter/000600.csv")["Measurement date & time"].iloc[0])
        for files in (demo, right)
    ]
    assert (first[0] - first[1]).total_seconds() == 312


def test_voistat_exports_have_one_scan_or_one_session(demo):
    single, many = demo["C01/pet/M101_d01.voistat"].splitlines(), demo["C02/pet/d01.voistat"].splitlines()
    assert single[:2] == ["# PMOD_VOI_STATISTICS", "# FORMAT[UNI]"]
    assert single[3] == "# VERSION[3.807]"
    assert single[6].split("\t")[-4:] == ["Time [seconds]", "Averaged [kBq/cc]", "Sd [kBq/cc]", "Volume [ccm]"]
    assert [line.split("\t")[9] for line in single[7:]] == ["Tumor", "Muscle", "liver", "spleen"]
    assert {line.split("\t")[10] for line in single[7:]} == {"300.0"}
    assert len(many) == 8 + 15 * 4
    labels = sheet(demo, "C02/scans.csv").query("session == 'd01'")["animal_label"]
    assert sorted({line.split("\t")[3] for line in many[8:]}) == sorted(labels)


def test_regions_of_the_image_hold_the_truth_within_their_noise(demo):
    # kBq/mL at the start of the scan = %ID/mL · net dose · 2^(-delay / half-life) · gain · (1 ± 5 %).
    known = json.loads(demo["truth.json"])
    dose = {(row["cohort"], row["animal_id"], row["session"]): row["net_injected_kbq"] for row in known["sessions"]}
    doses = sheet(demo, "C01/doses.csv").set_index(["animal_id", "session"])["injected_at"]
    scans = sheet(demo, "C01/scans.csv").set_index(["animal_id", "session"])["started_at"]
    delay_s = (pd.to_datetime(scans) - pd.to_datetime(doses)).dt.total_seconds()
    ratios = []
    for row in known["regions"]:
        if row["cohort"] == "C01" and row["region"] == "tumour":
            mouse = (row["animal_id"], row["session"])
            seen = demo[f"C01/pet/{mouse[0]}_{mouse[1]}.voistat"].splitlines()[7].split("\t")
            true = row["pct_id_per_ml"] / 100 * dose["C01", *mouse] * 2 ** (-delay_s[mouse] / HALF_LIFE_S)
            ratios.append(float(seen[11]) / true / known["scanner_gain"] - 1)
            assert float(seen[13]) == pytest.approx(row["volume_ml"], abs=6e-5)
    assert np.mean(ratios) == pytest.approx(0, abs=4 * 0.05 / np.sqrt(len(ratios)))
    assert np.std(ratios) == pytest.approx(0.05, rel=0.3)
