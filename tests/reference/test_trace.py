"""Every uptake of the demo study, calculated anew from what stands in its row and in the rows that it points to.

Nothing of cartrace's core takes part: the written CSV files, the standard library, and five numbers of the config.
"""

import csv
import math
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import pytest
from pipeline import ROOT, imported, measured, shipped

COHORTS = ("C01", "C02")
TOLERANCE = 1e-12
SHIPPED = shipped()
DEAD_TIME_S = SHIPPED["counter"]["dead_time_us"] * 1e-6
BALANCE_G = SHIPPED["uncertainty"]["balance_g"]


class Tables:
    """The rows of one cohort, as text, found by their keys."""

    def __init__(self, folder):
        self.folder = folder
        self.sheet_tubes = self.by("1_tables/tubes.csv", "counter_file", "rack", "position")
        self.counts = self.by("1_tables/counts.csv", "counter_file", "rack", "position", "window")
        self.sheet_doses = self.by("1_tables/doses.csv", "animal_id", "session")
        self.scans = self.by("1_tables/scans.csv", "scan_id")
        self.frames = self.by("1_tables/rois.csv", "scan_id", "region")
        self.tubes = self.rows("2_activity/tubes.csv")
        self.doses = self.by("2_activity/doses.csv", "animal_id", "session")
        self.uptake = self.rows("3_uptake/uptake.csv")
        self.in_run = defaultdict(list)
        self.at_place = defaultdict(list)
        for row in self.tubes:
            self.in_run[row["counter_file"], row["role"]].append(row)
            place = f"{row['rack']}/{row['position']}" if row["rack"] else row["position"]
            self.at_place[f"{row['counter_file']} {place}"].append(row)

    def rows(self, name):
        with open(Path(self.folder) / name, encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def by(self, name, *key):
        found = defaultdict(list)
        for row in self.rows(name):
            found[tuple(row[part] for part in key)].append(row)
        return found


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory):
    results = tmp_path_factory.mktemp("results")
    for cohort in COHORTS:
        imported(ROOT / "resources" / "demo_study", cohort, SHIPPED, results)
        measured(cohort, SHIPPED, results)
    return [Tables(results / cohort) for cohort in COHORTS]


def number(text):
    return float(text) if text else None


def between_s(start, end):
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def k_of(decay_per_s, duration_s):
    x = decay_per_s * duration_s
    return x / -math.expm1(-x)


def net_cps(of, row):
    """Return the net rate of a tube and its standard uncertainty, from its counts and the blanks of its run."""
    (counted,) = of.counts[row["counter_file"], row["rack"], row["position"], row["window"]]
    counts, count_s = float(counted["counts"]), float(counted["count_s"])
    factor = number(counted["dead_time_factor"]) or 1.0 / (1.0 - counts / count_s * DEAD_TIME_S)
    blanks = [
        blank
        for blank in of.in_run[row["counter_file"], "blank"]
        if blank["window"] == row["window"] and blank["excluded"] == "False"
    ]
    assert row["background_source"] in (f"mean of {len(blanks)} blanks", "one blank"), "the demo's background drifts"
    total, blank_s = (sum(float(blank[name]) for blank in blanks) for name in ("counts", "count_s"))
    se = math.sqrt(max(counts, 0.5) / count_s**2 * factor**4 + max(total, 0.5) / blank_s**2)
    return counts / count_s * factor - total / blank_s, se, count_s


def standards_per_gram(of, run, tracer, decay_per_s):
    """Return the rate of one gram of injectate at the first count of the run's weighed standards, and that count."""
    standards = [
        row
        for row in of.in_run[run, "standard"]
        if row["tracer"] == tracer and row["excluded"] == "False" and row["standard_cps_per_g"]
    ]
    first = min((row["counted_at"] for row in standards), key=datetime.fromisoformat)
    values, weights = [], []
    for row in standards:
        (sheet,) = of.sheet_tubes[row["counter_file"], row["rack"], row["position"]]
        mass, dilution, aliquot = (float(sheet[f"{name}_mass_g"]) for name in ("standard", "dilution", "aliquot"))
        net, se, count_s = net_cps(of, row)
        rate = net * k_of(decay_per_s, count_s) * math.exp(decay_per_s * between_s(first, row["counted_at"]))
        values.append(rate * dilution / (mass * aliquot))
        weights.append(1.0 / ((se / net) ** 2 + (BALANCE_G / aliquot) ** 2))
        assert values[-1] == pytest.approx(float(row["standard_cps_per_g"]), rel=TOLERANCE)
    for row, weight in zip(standards, weights, strict=True):
        assert weight / sum(weights) == pytest.approx(float(row["standard_weight_frac"]), rel=TOLERANCE)
    return sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights), first


def gross_kbq(sheet, decay_per_s):
    """Return what was injected, and the tail, at injection."""
    at_injection = {}
    for name in ("full", "residual", "tail"):
        activity = number(sheet[f"{name}_activity_kbq"])
        if activity:
            activity *= math.exp(decay_per_s * between_s(sheet["injected_at"], sheet[f"{name}_at"]))
        at_injection[name] = activity
    return at_injection["full"] - (at_injection["residual"] or 0.0), at_injection["tail"]


def gross_cps(of, row, run, decay_per_s):
    """Return the counter equivalent of the gross dose of a mouse in one run."""
    (sheet,) = of.sheet_doses[row["animal_id"], row["session"]]
    per_gram, first = standards_per_gram(of, run, row["tracer"], decay_per_s)
    at_injection = per_gram * math.exp(decay_per_s * between_s(sheet["injected_at"], first))
    return at_injection * float(sheet["injectate_mass_g"])


def tail_frac(of, row, decay_per_s):
    (sheet,) = of.sheet_doses[row["animal_id"], row["session"]]
    gross, tail = gross_kbq(sheet, decay_per_s)
    if tail is not None:
        return tail / gross
    counted = [
        tube
        for (_, role), tubes in of.in_run.items()
        if role == "tail"
        for tube in tubes
        if (tube["animal_id"], tube["session"]) == (row["animal_id"], row["session"])
    ]
    return sum(
        rate_at_injection(of, tube, decay_per_s) / gross_cps(of, row, tube["counter_file"], decay_per_s)
        for tube in counted
    )


def rate_at_injection(of, tube, decay_per_s):
    (sheet,) = of.sheet_doses[tube["animal_id"], tube["session"]]
    net, _, count_s = net_cps(of, tube)
    return (
        net * k_of(decay_per_s, count_s) * math.exp(decay_per_s * between_s(sheet["injected_at"], tube["counted_at"]))
    )


def counter_row(of, row, decay_per_s):
    named = row["measured_from"].split("; ")
    tubes = [tube for name in named for tube in of.at_place[name] if tube["tracer"] == row["tracer"]]
    assert len(tubes) == len(named)
    uptake, mass_g = 0.0, 0.0
    for tube in tubes:
        dose = gross_cps(of, row, tube["counter_file"], decay_per_s) * (1.0 - tail_frac(of, row, decay_per_s))
        uptake += 100.0 * rate_at_injection(of, tube, decay_per_s) / dose
        (sheet,) = of.sheet_tubes[tube["counter_file"], tube["rack"], tube["position"]]
        mass_g += number(sheet["mass_g"]) or float(sheet["gross_g"]) - float(sheet["tare_g"])
    return {
        "uptake_pct_id": uptake,
        "uptake_pct_id_per_g": uptake / mass_g,
        "suv": uptake / mass_g * float(row["body_weight_g"]) / 100.0,
    }


def pet_row(of, row, decay_per_s):
    (scan,), (sheet,) = of.scans[row["scan_id"],], of.sheet_doses[row["animal_id"], row["session"]]
    gross, _ = gross_kbq(sheet, decay_per_s)
    net_kbq = gross * (1.0 - tail_frac(of, row, decay_per_s))
    scan_s = between_s(sheet["injected_at"], scan["started_at"])
    named = row["measured_from"].split("; ")
    frames = [frame for frame in of.frames[row["scan_id"], row["region"]] if f"frame {frame['frame']}" in named]
    assert len(frames) == len(named)
    total, weight, volumes = 0.0, 0.0, []
    for frame in frames:
        start_s, duration_s = scan_s + float(frame["frame_start_s"]), float(frame["frame_duration_s"])
        factor = {
            "scan_start": math.exp(decay_per_s * scan_s),
            "frame_start": math.exp(decay_per_s * start_s),
            "injection": 1.0,
            "none": math.exp(decay_per_s * start_s) * k_of(decay_per_s, duration_s),
        }[scan["decay_corrected_to"]]
        total += duration_s * float(frame["activity_kbq_per_ml"]) * factor
        weight += duration_s
        volumes.append(float(frame["volume_ml"]))
    per_ml = 100.0 * total / weight / net_kbq
    return {
        "uptake_pct_id_per_ml": per_ml,
        "uptake_pct_id": per_ml * sum(volumes) / len(volumes),
        "uptake_pct_id_per_g": per_ml / float(row["density_g_per_ml"]) if row["density_g_per_ml"] else None,
        "suv": per_ml * float(row["body_weight_g"]) / 100.0,
    }


@pytest.mark.parametrize(("modality", "again", "least"), [("counter", counter_row, 400), ("pet", pet_row, 400)])
def test_every_uptake_of_the_demo_follows_from_the_rows_that_it_points_to(cohorts, modality, again, least):
    checked = 0
    for of in cohorts:
        for row in of.uptake:
            if row["modality"] != modality or row["status"] != "ok":
                continue
            (dose,) = of.doses[row["animal_id"], row["session"]]
            values = again(of, row, math.log(2.0) / float(dose["half_life_s"]))
            checked += 1
            for name, value in values.items():
                where = (row["cohort"], row["animal_id"], row["session"], row["region"], name)
                assert (number(row[name]) is None) == (value is None), where
                if value is not None:
                    assert float(row[name]) == pytest.approx(value, rel=TOLERANCE), where
    assert checked >= least


def test_no_uptake_of_the_demo_is_left_out(cohorts):
    for of in cohorts:
        assert {row["status"] for row in of.uptake} == {"ok"}
