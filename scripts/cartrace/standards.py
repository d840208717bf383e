"""Standards in the counter: rate per gram of injectate (weighed standards) and rate per activity (sensitivity).

Several standards of one run and tracer are averaged with weights ``1/u²`` of what is independent between them; what
they share (the weighings of one dilution, the activity of the stock) stays shared and does not average out.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cartrace.clock import elapsed_s, instants
from cartrace.decay import Floats, decay_constant_per_s, decay_factor
from cartrace.rows import RUN

SERVED = [*RUN, "tracer"]
_SCATTER_P = 0.01


def rate_per_gram(
    net_cps: ArrayLike, standard_mass_g: ArrayLike, dilution_mass_g: ArrayLike, aliquot_mass_g: ArrayLike
) -> Floats:
    """Return the rate of one gram of injectate by a weighed standard [1/s/g].

    Parameters
    ----------
    net_cps : array_like
        Net rate of the standard [1/s].
    standard_mass_g : array_like
        Mass of injectate that the dilution was made from [g].
    dilution_mass_g : array_like
        Total mass of the dilution, with the injectate in it [g].
    aliquot_mass_g : array_like
        Mass of dilution in the tube [g].

    Returns
    -------
    ndarray
        Rate per mass [1/s/g]; times the mass of injectate that a mouse got, its dose as the counter would see it.

    Notes
    -----
    ``net_cps / ((standard_mass_g / dilution_mass_g) · aliquot_mass_g)`` (F17). Efficiency and branching cancel against
    the tissue's rate.
    """
    injectate_g = np.asarray(standard_mass_g, dtype=np.float64) * np.asarray(aliquot_mass_g, dtype=np.float64)
    return np.asarray(net_cps, dtype=np.float64) * np.asarray(dilution_mass_g, dtype=np.float64) / injectate_g


def usable(tubes: pd.DataFrame) -> pd.DataFrame:
    """Return the standards that may serve: counted, above zero, not excluded."""
    # ASSUME: A standard serves the tubes of its own counter run and tracer.
    serves = (tubes["role"] == "standard") & (tubes["status"] == "ok") & ~tubes["excluded"] & (tubes["net_cps"] > 0)
    return tubes[serves].reset_index(drop=True)


def weighed(tubes: pd.DataFrame, *, balance_g: float) -> pd.DataFrame:
    """Return each weighed standard's rate per gram of injectate, at the first count of its run and tracer.

    Parameters
    ----------
    tubes : DataFrame
        Standards with ``net_cps``, ``net_cps_se``, ``in_count_factor``, ``counted_at``, ``half_life_s`` and masses.
    balance_g : float
        Standard uncertainty of one weighing [g].

    Returns
    -------
    DataFrame
        The weighed standards with ``at``, ``time_s`` (count after ``at``), ``value`` [1/s/g], ``own_rel_se`` (counting,
        aliquot) and ``shared_rel_se`` (weighings of the dilution).
    """
    rows = tubes[tubes["standard_mass_g"].notna()].reset_index(drop=True)
    # ASSUME: Each stated mass is one weighing of the balance; where tare and gross are stated, two.
    in_time = rows.sort_values("counted_at", key=instants, kind="stable")
    at = in_time.groupby(SERVED)["counted_at"].transform("first").reindex(rows.index).astype(str)
    time_s = elapsed_s(at, rows["counted_at"])
    rate_cps = rows["net_cps"] * rows["in_count_factor"] / decay_factor(time_s, rows["half_life_s"])
    value = rate_per_gram(rate_cps, rows["standard_mass_g"], rows["dilution_mass_g"], rows["aliquot_mass_g"])
    own = np.hypot(rows["net_cps_se"] / rows["net_cps"], balance_g / rows["aliquot_mass_g"])
    shared = np.hypot(balance_g / rows["standard_mass_g"], balance_g / rows["dilution_mass_g"])
    return rows.assign(at=at, time_s=time_s, value=value, own_rel_se=own, shared_rel_se=shared)


def calibrated(tubes: pd.DataFrame, *, sensitivity_frac: float, clock_s: float) -> pd.DataFrame:
    """Return the counter's sensitivity by each calibrator standard.

    Parameters
    ----------
    tubes : DataFrame
        Standards with their rate at ``standard_at`` (``net_cps_at_injection``) and ``standard_activity_kbq``.
    sensitivity_frac : float
        Relative standard uncertainty of a standard's activity.
    clock_s : float
        Standard uncertainty of the time at which it was read [s].

    Returns
    -------
    DataFrame
        The calibrator standards with ``time_s`` (count after ``standard_at``), ``value`` [1/s/kBq], ``own_rel_se`` and
        ``shared_rel_se``.

    Notes
    -----
    ``net rate / activity``, both at ``standard_at`` (F18).
    """
    rows = tubes[tubes["standard_activity_kbq"].notna()].reset_index(drop=True)
    # ASSUME: Calibrator standards of one run come from one stock and share the uncertainty of their activity.
    return rows.assign(
        time_s=rows["decay_elapsed_s"],
        value=rows["net_cps_at_injection"] / rows["standard_activity_kbq"],
        own_rel_se=rows["net_cps_se"] / rows["net_cps"],
        shared_rel_se=np.hypot(sensitivity_frac, decay_constant_per_s(rows["half_life_s"]) * clock_s),
    )


def weights(standards: pd.DataFrame) -> pd.Series:
    """Return what each standard weighs in the mean of its run and tracer, ``1/own²`` over its sum."""
    precision = 1.0 / standards["own_rel_se"] ** 2
    return precision / precision.groupby([standards[name] for name in SERVED]).transform("sum")


def combined(standards: pd.DataFrame, shared_by: list[str]) -> pd.DataFrame:
    """Return one value for each run and tracer.

    Parameters
    ----------
    standards : DataFrame
        From :func:`weighed` or :func:`calibrated`.
    shared_by : list of str
        Columns beyond run and tracer whose equality makes standards share ``shared_rel_se``.

    Returns
    -------
    DataFrame
        Run and tracer with ``value``, ``time_s``, ``rel_se``, ``n`` and ``p``: how likely the scatter between standards
        that share all but their counts and aliquots is by these alone (chi-squared).

    Notes
    -----
    With ``w ∝ 1/own²``, ``Σw = 1``: variance ``b² Σ w² own² + Σ_groups (Σ_group w)² shared²``. The factor b is 1, or
    where ``p`` is below 0.01 Birge's ratio ``√(χ²/df)``: standards that scatter beyond their uncertainty are known no
    better than they scatter. Birge, Phys Rev 1932;40:207, doi:10.1103/PhysRev.40.207.
    """
    precision = 1.0 / standards["own_rel_se"] ** 2
    weight = weights(standards)
    terms = standards[SERVED].assign(
        value=weight * standards["value"],
        time_s=weight * standards["time_s"],
        own=(weight * standards["own_rel_se"]) ** 2,
    )
    result = terms.groupby(SERVED, as_index=False)[["value", "time_s", "own"]].sum()
    result = result.merge(_scatter(standards, precision, shared_by), on=SERVED, validate="1:1")
    groups = standards.assign(weight=weight).groupby([*SERVED, *shared_by], as_index=False)
    together = groups.agg(weight=("weight", "sum"), shared=("shared_rel_se", "first"))
    together["variance"] = (together["weight"] * together["shared"]) ** 2
    shared = together.groupby(SERVED, as_index=False)["variance"].sum()
    result = result.merge(shared, on=SERVED, validate="1:1")
    widened = result["own"] * np.where(result["p"] < _SCATTER_P, result["chi2"] / result["df"], 1.0)
    result = result.assign(rel_se=np.sqrt(widened + result["variance"]))
    return result.drop(columns=["own", "variance", "chi2", "df"])


def _scatter(standards: pd.DataFrame, precision: pd.Series, shared_by: list[str]) -> pd.DataFrame:
    """Return by run and tracer the number of standards, and chi-squared of their scatter about their group's mean."""
    from scipy.special import chdtrc  # here, since nothing else of this stage needs scipy

    by_group = [standards[name] for name in [*SERVED, *shared_by]]
    total = precision.groupby(by_group).transform("sum")
    mean = (precision * standards["value"]).groupby(by_group).transform("sum") / total
    squares = precision * (standards["value"] / mean - 1.0) ** 2
    # A group takes one degree of freedom, spread over its members.
    share = 1.0 - 1.0 / precision.groupby(by_group).transform("size")
    found = standards[SERVED].assign(n=1, chi2=squares, df=share).groupby(SERVED, as_index=False).sum()
    found["df"] = found["df"].round()
    p = np.where(found["df"] > 0.0, chdtrc(found["df"].clip(lower=1.0), found["chi2"]), np.nan)
    return found.assign(n=found["n"].astype(float), p=p)
