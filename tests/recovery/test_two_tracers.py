"""A run of two tracers in every tube, from files to uptake: both truths come out where the spill is taken off.

Six mice got an antibody with Zr-89 three days before [18F]TFB; each tissue is counted once, in two windows. The counts
are drawn by Poisson behind a dead time that both windows share.
"""

import csv
from datetime import datetime, timedelta

import numpy as np
import pipeline
import pytest

from cartrace import tables
from cartrace.errors import InputError

START = datetime.fromisoformat("2026-03-10T09:00:00+01:00")
HALF_LIVES_S = {"[18F]TFB": 6586.2, "[89Zr]mAb": 78.41 * 3600}
SESSIONS = {"[18F]TFB": "tfb", "[89Zr]mAb": "mab"}
INJECTED_S = {"[18F]TFB": 0.0, "[89Zr]mAb": -3 * 86_400.0}
FULL_KBQ = {"[18F]TFB": 6000.0, "[89Zr]mAb": 1800.0}
CPS_PER_KBQ = {"[18F]TFB": 30.0, "[89Zr]mAb": 25.0}
SPILL = {("[89Zr]mAb", "F-18"): 0.45, ("[18F]TFB", "Zr-89"): 0.02}
WINDOWS = {"F-18": "[18F]TFB", "Zr-89": "[89Zr]mAb"}
BACKGROUND_CPS = {"F-18": 0.8, "Zr-89": 0.3}
DEAD_TIME_S, COUNT_S = 2e-6, 60.0
PCT_ID = {
    "tumour": (1.2, 4.0),
    "blood": (0.15, 1.1),
    "liver": (0.9, 6.0),
    "muscle": (0.02, 0.1),
    "lymph node": (0.004, 0.05),
}
MASS_G = {"tumour": 0.3, "blood": 0.12, "liver": 1.1, "muscle": 0.15, "lymph node": 0.008}
MICE = [f"M{number}" for number in range(1, 7)]


def at(seconds):
    return (START + timedelta(seconds=round(float(seconds)))).isoformat()


def left(tracer, seconds):
    return 2.0 ** (-seconds / HALF_LIVES_S[tracer])


def mean_left(tracer, seconds):
    """Return the mean of what is left over a count."""
    x = np.log(2) * COUNT_S / HALF_LIVES_S[tracer]
    return left(tracer, seconds) * (1 - np.exp(-x)) / x


def counts_of(activities_kbq, seconds, generator):
    """Return the counts of a tube in both windows, drawn; activities are those of its tracers at their injection."""
    rates = {}
    for window, own in WINDOWS.items():
        rates[window] = BACKGROUND_CPS[window]
        for tracer, activity in activities_kbq.items():
            part = 1.0 if tracer == own else SPILL[tracer, window]
            mean = mean_left(tracer, seconds - INJECTED_S[tracer])
            rates[window] += activity * mean * CPS_PER_KBQ[tracer] * part
    lost = 1.0 + sum(rates.values()) * DEAD_TIME_S
    return {window: int(generator.poisson(rate / lost * COUNT_S)) for window, rate in rates.items()}


def write(path, rows):
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names, restval="")
        writer.writeheader()
        writer.writerows(rows)


def made(folder, seed, *, declared=True):
    """Write the cohort C01 and return the truth in %ID by (mouse, session, tissue)."""
    generator, truth = np.random.default_rng(seed), {}
    doses, tubes, counts = [], [], []
    clock = iter(range(6000, 200_000, 75))
    tracers = list(SESSIONS)

    def counted(activities_kbq, **cells):
        position, seconds = str(len(tubes) + 1), next(clock)
        tubes.append({"counter_file": "run.csv", "position": position, **cells})
        for window, number in counts_of(activities_kbq, seconds, generator).items():
            counts.append(
                {"Pos": position, "Window": window, "Start": at(seconds), "Time s": COUNT_S, "Counts": number}
            )

    for _ in range(3):
        counted({}, role="blank")
    net_kbq, injectate_g = {}, {}
    for mouse in MICE:
        for tracer in tracers:
            zero = INJECTED_S[tracer]
            full, residual = FULL_KBQ[tracer] * generator.uniform(0.9, 1.1), FULL_KBQ[tracer] * 0.05
            net_kbq[mouse, tracer] = full - residual
            injectate_g[mouse, tracer] = 0.15 * (full - residual) / FULL_KBQ[tracer]
            read = {"full": (full, -600.0), "residual": (residual, 300.0)}
            dose = {"animal_id": mouse, "session": SESSIONS[tracer], "tracer": tracer, "injected_at": at(zero)}
            for name, (activity, when) in read.items():
                noisy = activity * left(tracer, when) * (1 + 0.01 * generator.normal())
                dose |= {f"{name}_activity [kBq]": noisy, f"{name}_at": at(zero + when)}
            dose |= {"injectate_mass [g]": injectate_g[mouse, tracer] + 3e-4 * generator.normal()}
            doses.append(dose | {"body_weight [g]": 25.0})
    for tracer in tracers:
        per_g = FULL_KBQ[tracer] / 0.15
        stock_g, dilution_g = 0.05 * (1.0 if tracer == tracers[0] else 1.6), 10.0
        stock = stock_g + 3e-4 * generator.normal()
        for aliquot_g in (0.1, 0.11, 0.09):
            activity = per_g * stock_g / dilution_g * aliquot_g
            masses = {"standard_mass [g]": stock, "dilution_mass [g]": dilution_g}
            masses |= {"aliquot_mass [g]": aliquot_g + 3e-4 * generator.normal()}
            counted({tracer: activity}, role="standard", tracer=tracer, **masses)
    for mouse in MICE:
        for tissue, medians in PCT_ID.items():
            activities = {}
            for tracer, median in zip(tracers, medians, strict=True):
                own = median * np.exp(0.3 * generator.normal())
                truth[mouse, SESSIONS[tracer], tissue] = own
                activities[tracer] = own / 100 * net_kbq[mouse, tracer]
            cells = {"animal_id": mouse, "session": "tfb", "tissue": tissue, "collected_at": at(5400)}
            if declared:
                cells["second_session"] = "mab"
            counted(activities, role="tissue", **cells, **{"mass [g]": MASS_G[tissue] + 3e-4 * generator.normal()})
    (folder / "C01" / "counter").mkdir(parents=True)
    animals = [{"animal_id": mouse, "group": "CAR", "cells_infused_at": at(-7 * 86_400)} for mouse in MICE]
    for name, rows in (("animals", animals), ("doses", doses), ("tubes", tubes)):
        write(folder / "C01" / f"{name}.csv", rows)
    write(folder / "C01" / "counter" / "run.csv", counts)
    return truth


SETTINGS = {
    "tracers": [{"name": "[18F]TFB", "nuclide": "F-18"}, {"name": "[89Zr]mAb", "nuclide": "Zr-89"}],
    "counter": {
        "format": "table",
        "windows": {"[18F]TFB": "F-18", "[89Zr]mAb": "Zr-89"},
        "dead_time_us": DEAD_TIME_S * 1e6,
        "columns": {
            "position": "Pos",
            "window": "Window",
            "counted_at": "Start",
            "count_s": "Time s",
            "counts": "Counts",
        },
    },
}


def z_of(folder, seed, **changes):
    """Return z = (uptake - truth) / standard uncertainty by session of every tissue, and the table."""
    truth = made(folder, seed, **changes)
    settings = pipeline.shipped(**SETTINGS)
    pipeline.imported(folder, "C01", settings, folder / "results")
    uptake = tables.read(pipeline.measured("C01", settings, folder / "results"), tables.Uptake)
    assert (uptake["status"] == "ok").all(), uptake["reason"].tolist()
    keys = zip(uptake["animal_id"], uptake["session"], uptake["region"], strict=True)
    z = (uptake["uptake_pct_id"] - np.array([truth[key] for key in keys])) / uptake["uptake_pct_id_se"]
    return z.groupby(uptake["session"]).apply(np.array), uptake


def test_both_uptakes_are_recovered_from_the_files(tmp_path):
    gathered = {"tfb": [], "mab": []}
    for seed in range(4):
        z, uptake = z_of(tmp_path / str(seed), seed)
        assert len(uptake) == 2 * len(MICE) * len(PCT_ID)
        for session, values in z.items():
            gathered[session].append(values)
    for values in (np.concatenate(parts) for parts in gathered.values()):
        assert abs(np.mean(values)) < 0.5  # the standards of a run are common to its tubes
        assert 0.75 < np.std(values) < 1.25
        assert np.mean(np.abs(values) < 1.96) > 0.9


def test_without_the_second_session_the_other_tracer_is_taken_for_uptake(tmp_path):
    z, uptake = z_of(tmp_path, 1, declared=False)
    assert set(uptake["session"]) == {"tfb"}
    assert np.median(z["tfb"]) > 10


def test_a_second_session_of_the_same_tracer_is_refused(tmp_path):
    made(tmp_path, 1)
    path = tmp_path / "C01" / "tubes.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",mab", ",tfb"), encoding="utf-8")
    with pytest.raises(InputError, match="one tracer, which no counter can take apart") as caught:
        pipeline.imported(tmp_path, "C01", pipeline.shipped(**SETTINGS), tmp_path / "results")
    assert {problem.code for problem in caught.value.problems} == {"same-tracer"}
