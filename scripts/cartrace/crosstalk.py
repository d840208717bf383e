"""Two tracers in one tube: what each spills into the other's window, and the rates taken apart.

A tube whose sheet names a second session holds the tracers of two injections. Each has its own window and its own row;
the other's share of its counts is found by the standards of the same run, each of one tracer alone.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cartrace import counting
from cartrace.decay import Floats
from cartrace.rows import RUN, TUBE, attach, first_reason

_OTHER = ["net_cps", "net_cps_se", "background_cps", "background_cps_se", "dead_time_factor", "dead_time_slope"]
COLUMNS = ("crosstalk_tracer", "crosstalk_frac", "crosstalk_frac_se", "crosstalk_cps", "crosstalk_covariance")


def responses(standards: pd.DataFrame, elsewhere: pd.DataFrame) -> pd.DataFrame:
    """Return what each tracer counts in the other windows of a run, per unit rate in its own.

    Parameters
    ----------
    standards : DataFrame
        Standards that may serve, in the window of their own tracer: ``net_cps``, ``net_cps_se``, ``tracer``.
    elsewhere : DataFrame
        The same tubes in other windows: ``net_cps``, ``net_cps_se``, ``window``.

    Returns
    -------
    DataFrame
        ``cohort``, ``counter_file``, ``tracer``, ``window`` and ``frac`` with its standard uncertainty ``frac_se``.

    Notes
    -----
    ``M_ij = Σ r_i / Σ r_j`` over the standards of j (F28). Decay cancels, since both windows count at the same time.
    """
    own = standards[[*TUBE, "tracer", "net_cps", "net_cps_se"]]
    both = elsewhere[[*TUBE, "window", "net_cps", "net_cps_se"]].merge(own, on=TUBE, suffixes=("", "_own"))
    terms = both.assign(variance=both["net_cps_se"] ** 2, variance_own=both["net_cps_se_own"] ** 2)
    names = ["net_cps", "net_cps_own", "variance", "variance_own"]
    sums = terms.groupby([*RUN, "tracer", "window"], as_index=False)[names].sum(min_count=1)
    frac = sums["net_cps"] / sums["net_cps_own"]
    se = np.sqrt(sums["variance"] + frac**2 * sums["variance_own"]) / sums["net_cps_own"]
    return sums[[*RUN, "tracer", "window"]].assign(frac=frac, frac_se=se)


def separated(rows: pd.DataFrame, spill: pd.DataFrame) -> pd.DataFrame:
    """Return the tubes with the rates of two tracers taken apart, where a tube holds two.

    Parameters
    ----------
    rows : DataFrame
        Tubes in the window of each of their tracers, with net rates, levels and ``second_session``.
    spill : DataFrame
        From :func:`responses`.

    Returns
    -------
    DataFrame
        With ``net_cps``, its uncertainty and levels of each tracer alone, the columns of crosstalk, and
        ``crosstalk_reason`` where the two could not be taken apart.

    Notes
    -----
    ``x = M⁻¹ n`` with covariance ``M⁻¹ (Σ + Σ_j x_j² var(M_ij)) M⁻ᵀ`` (F28). A tracer's critical level is that of its
    rate in a tube that holds the other alone: ``1.645 √(M⁻¹ Σ₀ M⁻ᵀ)``; the detection limit ``1.645² a / t + 2 L_C``
    with ``a = Σ_i (M⁻¹)_ji² M_ij``. A rate below zero stays.
    """
    blank = {"crosstalk_tracer": "", "crosstalk_reason": ""} | dict.fromkeys(COLUMNS[1:], np.nan)
    rows = rows.assign(**blank)
    two = rows["second_session"] != ""
    if not two.any():
        return rows
    pairs = _pairs(rows[two], spill)
    fine = (pairs["crosstalk_reason"] == "").to_numpy()
    result = _unmixed(pairs[fine])
    for name in ("crosstalk_tracer", "crosstalk_frac", "crosstalk_frac_se", "crosstalk_reason"):
        rows.loc[two, name] = pairs[name].to_numpy()
    index = rows.index[two][fine]
    for name, values in result.items():
        rows.loc[index, name] = values
    return rows


def _pairs(rows: pd.DataFrame, spill: pd.DataFrame) -> pd.DataFrame:
    """Return each row with its partner, the same tube in the other tracer's window, and with both responses."""
    partner = rows[[*TUBE, "window", "tracer", *_OTHER]].rename(
        columns={name: f"{name}_2" for name in ("window", "tracer", *_OTHER)}
    )
    both = rows.assign(order=np.arange(len(rows))).merge(partner, on=TUBE)
    both = both[both["window"] != both["window_2"]].sort_values("order", ignore_index=True)
    into_own = spill.rename(columns={"tracer": "tracer_2", "frac": "crosstalk_frac", "frac_se": "crosstalk_frac_se"})
    both = both.drop(columns=["crosstalk_frac", "crosstalk_frac_se"])
    both = attach(both, into_own, [*RUN, "tracer_2", "window"])
    into_other = spill.rename(columns={"window": "window_2", "frac": "back_frac", "frac_se": "back_frac_se"})
    both = attach(both, into_other, [*RUN, "tracer", "window_2"])
    need = "no usable standard of "
    reason = first_reason(
        both.index,
        (both["net_cps"].isna() | both["net_cps_2"].isna(), "one of its two windows has no net rate"),
        (
            both["crosstalk_frac"].isna(),
            need + both["tracer_2"] + " tells what it counts in the window " + both["window"],
        ),
        (both["back_frac"].isna(), need + both["tracer"] + " tells what it counts in the window " + both["window_2"]),
        (
            both["crosstalk_frac"] * both["back_frac"] >= 1.0,
            "the standards count alike in both windows, which tells the tracers not apart",
        ),
    )
    return both.assign(crosstalk_tracer=both["tracer_2"], crosstalk_reason=reason)


def _unmixed(pairs: pd.DataFrame) -> dict[str, Floats]:
    """Return the separated columns of pairs, by name."""
    n = len(pairs)
    response = np.ones((n, 2, 2))
    response[:, 0, 1], response[:, 1, 0] = pairs["crosstalk_frac"], pairs["back_frac"]
    response_var = np.zeros((n, 2, 2))
    response_var[:, 0, 1], response_var[:, 1, 0] = pairs["crosstalk_frac_se"] ** 2, pairs["back_frac_se"] ** 2
    window_cps = pairs[["net_cps", "net_cps_2"]].to_numpy()
    own_var = pairs[["net_cps_se", "net_cps_se_2"]].to_numpy() ** 2
    rates, _ = counting.unmix(window_cps, response, np.zeros((n, 2, 2)))
    # ASSUME: The crosstalk's uncertainty, common to the tubes of a run, is left with each of them.
    var = own_var + np.einsum("nij,nj->ni", response_var, rates**2)
    _, covariance = counting.unmix(window_cps, response, _diagonal(var))
    # Without this tracer: the background, and what the other one counts in both windows.
    alone = np.column_stack([np.zeros(n), np.maximum(rates[:, 1], 0.0)])
    background = pairs[["background_cps", "background_cps_2"]].to_numpy()
    background_var = pairs[["background_cps_se", "background_cps_se_2"]].to_numpy() ** 2
    factor = pairs[["dead_time_factor", "dead_time_factor_2"]].to_numpy()
    slope = pairs[["dead_time_slope", "dead_time_slope_2"]].to_numpy()
    spilled = np.einsum("nij,nj->ni", response, alone)
    count_s = pairs["count_s"].to_numpy()
    null_var = (background + spilled * slope**2 / factor) / count_s[:, None] + background_var
    null_var = null_var + np.einsum("nij,nj->ni", response_var, alone**2)
    _, null = counting.unmix(window_cps, response, _diagonal(null_var))
    critical = counting.COVERAGE * np.sqrt(null[:, 0, 0])
    inverse = np.linalg.inv(response)
    steepness = np.sum(inverse[:, 0, :] ** 2 * response[:, :, 0], axis=1)
    return {
        "net_cps": rates[:, 0],
        "net_cps_se": np.sqrt(covariance[:, 0, 0]),
        "crosstalk_cps": response[:, 0, 1] * rates[:, 1],
        "crosstalk_covariance": covariance[:, 0, 1],
        "critical_level_cps": critical,
        "detection_limit_cps": counting.COVERAGE**2 * steepness / count_s + 2.0 * critical,
    }


def _diagonal(variances: Floats) -> Floats:
    return np.asarray(variances[:, :, None] * np.eye(2), dtype=np.float64)
