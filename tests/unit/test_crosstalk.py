"""Two tracers in one tube: taken apart by the run's standards, with the uncertainty that this costs."""

import numpy as np
import pytest
from worked_mouse import at, count, exclusion, frames, measured, study, tube

from cartrace.errors import InputError

TRACERS = [{"name": "[18F]TFB", "nuclide": "F-18"}, {"name": "[89Zr]mAb", "nuclide": "Zr-89"}]
F_INTO_ZR, ZR_INTO_F = 0.03, 0.12
BACKGROUND = {"F-18": 0.3, "Zr-89": 0.2}
# Mean net rates over the count: of the standards, and of two tissues that hold both.
STANDARDS = {"2": (2000.0, 0.0), "12": (0.0, 1500.0)}
TISSUES = {"3": (5000.0, 800.0), "4": (2.0, 900.0)}


def run_counts(dead_time_s=0.0, count_s=60.0, tissues=TISSUES):
    """Return the expected counts of every tube in both windows."""
    rows = []
    for position, (f, zr) in {"1": (0.0, 0.0), **STANDARDS, **tissues}.items():
        true = {
            "F-18": f + ZR_INTO_F * zr + BACKGROUND["F-18"],
            "Zr-89": zr + F_INTO_ZR * f + BACKGROUND["Zr-89"],
        }
        lost = 1.0 + sum(true.values()) * dead_time_s
        seconds = 600.0 if position == "1" else count_s
        for tracer, rate in zip(TRACERS, true.values(), strict=True):
            window = tracer["nuclide"]
            counts = rate / lost * seconds
            rows.append(count(position, 5000, seconds, counts, window=window, tracer=tracer["name"]))
    return rows


def two_tracers(**changes):
    """Return the worked mouse with an antibody injected three days before, and the tissues of both."""
    rows = study()
    antibody = {**rows["doses"][0], "session": "mab", "tracer": "[89Zr]mAb", "injected_at": at(-3 * 86_400)}
    antibody.update(full_at=at(-3 * 86_400 - 600), residual_at=at(-3 * 86_400 + 600), tail_activity_kbq=float("nan"))
    rows["doses"].append({**antibody, "tail_at": ""})
    masses = {"standard_mass_g": 0.0213, "dilution_mass_g": 10.0412, "aliquot_mass_g": 0.1007}
    mouse = {"animal_id": "M1", "session": "d07", "second_session": "mab", "mass_g": 0.2}
    rows["tubes"] = [
        tube(1, "blank"),
        tube(2, "standard", tracer="[18F]TFB", **masses),
        tube(12, "standard", tracer="[89Zr]mAb", **masses),
        tube(3, "tissue", tissue="tumour", **mouse),
        tube(4, "tissue", tissue="muscle", **mouse),
    ]
    rows["counts"] = run_counts(**changes)
    counted = {row["position"] for row in rows["counts"]}
    rows["tubes"] = [row for row in rows["tubes"] if row["position"] in counted]
    return rows


def run(rows, **changes):
    return measured(frames(rows), **{"tracers": TRACERS, "dead_time_us": 0.0, **changes})


def tissues(rows, **changes):
    return run(rows, **changes)["tubes"].query("role == 'tissue'").set_index(["position", "tracer"])


@pytest.mark.parametrize("dead_time_s", [0.0, 3e-6])
def test_the_rates_of_both_tracers_come_back(dead_time_s):
    found = tissues(two_tracers(dead_time_s=dead_time_s), dead_time_us=dead_time_s * 1e6)
    for position, pair in TISSUES.items():
        for tracer, rate in zip(TRACERS, pair, strict=True):
            row = found.loc[(position, tracer["name"])]
            assert (row["status"], row["reason"]) == ("ok", "")
            # The blanks' own losses, a millionth, are neglected.
            assert row["net_cps"] == pytest.approx(rate, rel=1e-8, abs=1e-6)
    row = found.loc[("3", "[18F]TFB")]
    assert (row["crosstalk_tracer"], row["session"], row["window"]) == ("[89Zr]mAb", "d07", "F-18")
    assert row["crosstalk_frac"] == pytest.approx(ZR_INTO_F, rel=1e-8)
    assert row["crosstalk_cps"] == pytest.approx(ZR_INTO_F * 800.0, rel=1e-8)
    assert found.loc[("3", "[89Zr]mAb"), "session"] == "mab"


def test_each_tracer_is_held_against_its_own_dose_and_decay():
    result = run(two_tracers())
    uptake = result["uptake"].set_index(["session", "region"])
    assert len(uptake) == 4
    for session, standard, rate in (("d07", 2000.0, 5000.0), ("mab", 1500.0, 800.0)):
        # Counted at one time, so that decay cancels; 0.0213 · 0.1007 / 10.0412 g of injectate are in the standard.
        dose = result["doses"].set_index("session").loc[session]
        expected = 100 * rate / standard * (0.0213 * 0.1007 / 10.0412) / 0.1684 / (1 - dose["tail_pct"] / 100)
        assert uptake.loc[(session, "tumour"), "uptake_pct_id"] == pytest.approx(expected, rel=1e-9)


def test_without_the_second_session_the_spill_stays():
    rows = two_tracers()
    for row in rows["tubes"]:
        row.pop("second_session", None)
    found = tissues(rows)
    assert found.loc[("4", "[18F]TFB"), "net_cps"] == pytest.approx(2.0 + ZR_INTO_F * 900.0, rel=1e-9)
    assert found.loc[("4", "[18F]TFB"), "crosstalk_tracer"] == ""
    assert len(found) == 2


def drawn(rows, n, seed):
    """Return n runs of the same tubes, blanks and standards, their counts drawn."""
    generator = np.random.default_rng(seed)
    many = {**rows, "tubes": [], "counts": []}
    for number in range(n):
        own = {"counter_file": f"{number:04d}.csv"}
        for row in rows["tubes"]:
            many["tubes"].append({**row, **own, "part": str(number) if row["role"] == "tissue" else ""})
        for row in rows["counts"]:
            many["counts"].append({**row, **own, "counts": float(generator.poisson(row["counts"]))})
    return many


def test_uncertainty_and_covariance_against_simulation():
    n, rows = 3000, two_tracers()
    stated, found = tissues(rows).loc["3"], tissues(drawn(rows, n, seed=17)).loc["3"]
    f, zr = (found.loc[name, "net_cps"].to_numpy() for name in ("[18F]TFB", "[89Zr]mAb"))
    covariance = np.cov(f, zr)
    assert stated.loc["[18F]TFB", "net_cps_se"] == pytest.approx(np.sqrt(covariance[0, 0]), rel=0.05)
    assert stated.loc["[89Zr]mAb", "net_cps_se"] == pytest.approx(np.sqrt(covariance[1, 1]), rel=0.05)
    expected = stated["crosstalk_covariance"].to_numpy()
    assert expected[0] == pytest.approx(expected[1], rel=1e-12)
    # A covariance of n draws is known to √((v₁ v₂ + c²) / n).
    error = np.sqrt((covariance[0, 0] * covariance[1, 1] + expected[0] ** 2) / n)
    assert covariance[0, 1] == pytest.approx(expected[0], abs=4 * error)


def test_a_tube_without_this_tracer_is_rarely_called_active():
    """The level above the other tracer's spill: 5 % of tubes without F-18 pass it, and 95 % at the detection limit."""
    limit = tissues(two_tracers(tissues={"3": (0.0, 900.0)})).loc[("3", "[18F]TFB"), "detection_limit_cps"]
    for rate, passing in ((0.0, 0.05), (limit, 0.95)):
        found = tissues(drawn(two_tracers(tissues={"3": (rate, 900.0)}), 3000, seed=23))
        is_seen = ~found.xs("[18F]TFB", level="tracer")["is_below_detection"]
        assert np.mean(is_seen) == pytest.approx(passing, abs=0.015)


def test_a_value_below_zero_stays_below_zero():
    rows = two_tracers()
    for row in rows["counts"]:
        if (row["position"], row["window"]) == ("4", "F-18"):
            row["counts"] = 100.0 * 60.0
    row = tissues(rows).loc[("4", "[18F]TFB")]
    assert row["net_cps"] < 0
    assert row["is_below_detection"]
    assert row["status"] == "ok"


@pytest.mark.parametrize(("position", "missing"), [("2", "[18F]TFB"), ("12", "[89Zr]mAb")])
def test_without_a_standard_of_one_tracer_there_is_a_reason_and_no_number(position, missing):
    rows = two_tracers()
    rows["exclusions"] = [exclusion("tube", counter_file="run.csv", rack="1", position=position)]
    found = tissues(rows)
    assert (found["status"] == "not_estimable").all()
    assert found["net_cps"].isna().all()
    assert all(
        f"no usable standard of {missing} tells what it counts in the window" in text for text in found["reason"]
    )


def test_standards_that_count_alike_in_both_windows_tell_nothing_apart():
    rows = two_tracers()
    for row in rows["counts"]:
        if row["position"] in ("2", "12"):
            row["counts"] = 60_000.0
    found = tissues(rows)
    assert found["reason"].str.contains("tells the tracers not apart").all()


def test_two_tracers_of_one_window_are_refused():
    rows = two_tracers()
    rows["counts"] = [row for row in rows["counts"] if row["window"] == "F-18"]
    with pytest.raises(InputError) as caught:
        run(rows, tracers=[TRACERS[0], {"name": "[89Zr]mAb", "nuclide": "F-18"}])
    assert {problem.code for problem in caught.value.problems} == {"window-of-tracer"}
