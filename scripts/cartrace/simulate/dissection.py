"""The dissection that ends a simulated study: tubes, standards and blanks, weighed and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cartrace.simulate import instruments
from cartrace.simulate.design import Tissue, elapsed_s, seconds
from cartrace.simulate.world import World

Array = NDArray[np.float64]
EFFICIENCY_CPS_PER_BQ = 0.31
BACKGROUND_CPS = 0.90
DETECTOR_NORMALISATION = 1.0007  # why the counter's counts are not whole numbers


def fill_tubes(
    plan: pd.DataFrame,
    uptake: Array,
    masses_g: Array,
    injectate: pd.DataFrame,
    *,
    world: World,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Dissect and weigh; return every tube in the order of counting, with its activity at a known instant."""
    names = [tissue.name for tissue in world.tissues]
    n, m = len(plan), len(names)
    net = plan["net_injected_kbq"].to_numpy(np.float64)
    tail_g = 0.70 * np.exp(0.05 * rng.standard_normal(n))
    true_g = np.column_stack([masses_g, tail_g]).ravel()
    tare_g = 6.41 + 0.012 * rng.standard_normal(n * (m + 1))
    each = np.repeat(np.arange(n), m + 1)
    weighed_tare = instruments.balance(tare_g, world.noise["balance_g"], rng)
    weighed_gross = instruments.balance(tare_g + true_g, world.noise["balance_g"], rng)
    organs = pd.DataFrame(
        {
            "run": plan["run"].to_numpy()[each],
            "order": 100.0 + each,
            "role": [*["tissue"] * m, "tail"] * n,
            "animal_id": plan["animal_id"].to_numpy()[each],
            "session": plan["session"].to_numpy()[each],
            "tissue": [*names, ""] * n,
            "tare_g": weighed_tare,
            "gross_g": np.maximum(weighed_gross, weighed_tare + 1e-4),  # weighed again where nothing is left
            "collected": plan["tail"].to_numpy()[each],
            "kbq": np.column_stack([uptake / 100 * net[:, None], plan["tail_at_injection_kbq"]]).ravel(),
            "known": plan["injected"].to_numpy()[each],
            "nominal_s": 60.0,
        }
    )
    tubes = pd.concat([organs, _standards(injectate, world, rng)], ignore_index=True)
    return tubes.sort_values(["run", "order"], kind="stable", ignore_index=True)


def _standards(injectate: pd.DataFrame, world: World, rng: np.random.Generator) -> pd.DataFrame:
    """Prepare each run's blanks, weighed standards (one dilution, three aliquots) and calibrator standards."""
    runs, noise = len(injectate), world.noise
    stock_g = 0.100 * (1 + 0.03 * rng.standard_normal(runs))
    dilution_g = 10.0 * (1 + 0.005 * rng.standard_normal(runs))
    aliquot_g = 0.100 * (1 + 0.03 * rng.standard_normal((runs, 3)))
    weighed = pd.DataFrame(
        {
            "run": np.repeat(injectate["run"].to_numpy(), 3),
            "order": np.tile([2.0, 1e9, 1e9 + 1], runs),
            "role": "standard",
            "standard_mass_g": np.repeat(instruments.balance(stock_g, noise["balance_g"], rng), 3),
            "dilution_mass_g": np.repeat(instruments.balance(dilution_g, noise["balance_g"], rng), 3),
            "aliquot_mass_g": instruments.balance(aliquot_g.ravel(), noise["balance_g"], rng),
            "kbq": (aliquot_g * (injectate["strength"].to_numpy(np.float64) * stock_g / dilution_g)[:, None]).ravel(),
            "known": np.repeat(injectate["prepared"].to_numpy(), 3),
            "nominal_s": 60.0,
        }
    )
    # ASSUME: the calibrator is off by the same factor for all standards of a cohort; its repeatability is small beside.
    kbq = 100.0 * (1 + 0.04 * rng.standard_normal(2 * runs))
    bias = 1 + noise["sensitivity_frac"] * rng.standard_normal()
    known = weighed.groupby("run", sort=False)["known"].first().to_numpy()
    by_calibrator = pd.DataFrame(
        {
            "run": np.repeat(injectate["run"].to_numpy(), 2),
            "order": np.tile([3.0, 1e9 + 2], runs),
            "role": "standard",
            "standard_activity_kbq": instruments.significant(kbq * bias, 4),
            "standard": np.repeat(known, 2),
            "kbq": kbq,
            "known": np.repeat(known, 2),
            "nominal_s": 60.0,
        }
    )
    blanks = pd.DataFrame(
        {
            "run": np.repeat(injectate["run"].to_numpy(), 3),
            "order": np.tile([0.0, 1.0, 1e9 + 3], runs),
            "role": "blank",
            "kbq": 0.0,
            "known": np.repeat(known, 3),
            "nominal_s": 300.0,
        }
    )
    return pd.concat([weighed, by_calibrator, blanks], ignore_index=True)


def count_tubes(
    tubes: pd.DataFrame, *, delays_s: Mapping[str, float], world: World, rng: np.random.Generator
) -> pd.DataFrame:
    """Count the tubes of each run one after another, and the runs of a day one after another."""
    n = len(tubes)
    tubes = tubes.assign(count_s=np.round(tubes["nominal_s"] + rng.uniform(0.01, 0.06, n), 2))
    took_s = np.ceil(tubes["count_s"]) + rng.integers(13, 16, n)
    before_s = took_s.groupby(tubes["run"]).cumsum() - took_s
    ready = tubes.groupby("run")["collected"].max() + pd.Timedelta(minutes=20)
    lasts_s = took_s.groupby(tubes["run"]).sum()
    begins: dict[str, pd.Timestamp] = {}
    free = pd.Timestamp(0, tz="UTC")
    for run in sorted(set(tubes["run"])):
        begins[run] = max(ready[run], free) + pd.Timedelta(seconds=delays_s.get(run, 0.0))
        free = begins[run] + pd.Timedelta(seconds=float(lasts_s[run]) + 300)
    begun = tubes["run"].map(begins).dt.as_unit("s")
    place = tubes.groupby("run").cumcount()
    tubes = tubes.assign(
        begun=begun,
        counted=begun + seconds(before_s.to_numpy(np.float64)),
        rack=(place // 10 + 1).astype(str),
        position=(place % 10 + 1).astype(str),
    )
    left = instruments.remaining(elapsed_s(tubes["known"], tubes["counted"]), world.half_life_s)
    counts = instruments.counter(
        tubes["kbq"].to_numpy(np.float64) * 1e3 * EFFICIENCY_CPS_PER_BQ * left,
        tubes["count_s"].to_numpy(np.float64),
        world.half_life_s,
        background_cps=BACKGROUND_CPS,
        dead_time_s=world.settings["counter"]["dead_time_us"] * 1e-6,
        rng=rng,
    )
    return tubes.assign(counts=np.round(DETECTOR_NORMALISATION * counts, 2))


def true_samples(plan: pd.DataFrame, uptake: Array, masses_g: Array, tissues: Sequence[Tissue]) -> pd.DataFrame:
    """Return the truth of every dissected tissue."""
    n, m = uptake.shape
    each = np.repeat(np.arange(n), m)
    return pd.DataFrame(
        {
            "animal_id": plan["animal_id"].to_numpy()[each],
            "session": plan["session"].to_numpy()[each],
            "tissue": [tissue.name for tissue in tissues] * n,
            "mass_g": masses_g.ravel(),
            "pct_id": uptake.ravel(),
            "pct_id_per_g": (uptake / masses_g).ravel(),
        }
    )
