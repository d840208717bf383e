"""Partial volume in PET: what a small region loses to its surroundings and gains from them, by recovery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cartrace.decay import Floats
from cartrace.radionuclides import normal_name
from cartrace.rows import INJECTION, attach, first_reason

_SCAN = [*INJECTION, "scan_id"]


def recovered(measured: ArrayLike, surroundings: ArrayLike, coefficient: ArrayLike) -> Floats:
    """Return the true concentration of a region that lies in even surroundings.

    Parameters
    ----------
    measured, surroundings : array_like
        Concentrations of the region and of what lies around it, in one unit.
    coefficient : array_like
        Recovery coefficient of the region, above 0.

    Returns
    -------
    ndarray
        Concentration in that unit.

    Notes
    -----
    ``(C - (1 - RC) · B) / RC`` (F32).

    References
    ----------
    Hoffman, Huang, Phelps. J Comput Assist Tomogr 1979;3:299-308, doi:10.1097/00004728-197906000-00001.
    """
    c, b, rc = (np.asarray(x, dtype=np.float64) for x in (measured, surroundings, coefficient))
    return (c - (1.0 - rc) * b) / rc


def diameter_mm(volume_ml: ArrayLike) -> Floats:
    """Return the diameter of the sphere of a volume [mm]."""
    return np.cbrt(6.0e3 * np.asarray(volume_ml, dtype=np.float64) / np.pi)


def with_recovery(
    uptake: pd.DataFrame, *, regions: Sequence[Mapping[str, Any]], recovery: Sequence[Mapping[str, Any]]
) -> pd.DataFrame:
    """Return the uptake with the corrected concentration of those PET regions whose surroundings are declared.

    Parameters
    ----------
    uptake : DataFrame
        Rows of both modalities with ``base_se``, ``scanner``, ``nuclide`` and ``volume_ml``.
    regions : sequence of mapping
        The config's regions; those with ``surroundings`` are corrected.
    recovery : sequence of mapping
        The config's tables of recovery coefficients: ``nuclide``, ``scanner``, ``diameter_mm``, ``coefficient`` and
        ``coefficient_se``.

    Returns
    -------
    DataFrame
        With ``diameter_mm``, ``recovery_coefficient``, ``recovered_pct_id_per_ml``, its standard uncertainty and the
        coefficient's part of it, ``around`` (the region's surroundings), and ``recovery_reason`` where a region that
        should be corrected is not. The uptake itself stays as it was measured.

    Notes
    -----
    Coefficients are interpolated linearly in the diameter and never beyond their table. Uncertainty: region and
    surroundings each by their own noise, both together by dose and standards, and the coefficient's
    ``|C - B| / RC² · u(RC)``.
    """
    surroundings = {region["name"]: region.get("surroundings") or "" for region in regions}
    around = uptake["region"].map(surroundings).astype(object).fillna("").where(uptake["modality"] == "pet", "")
    of_others = uptake.loc[
        (uptake["modality"] == "pet") & (uptake["status"] == "ok"),
        [*_SCAN, "region", "uptake_pct_id_per_ml", "base_se"],
    ].rename(columns={"region": "around", "uptake_pct_id_per_ml": "outside", "base_se": "outside_se"})
    rows = attach(uptake.assign(around=around.astype(str)), of_others, [*_SCAN, "around"])
    # ASSUME: A region whose recovery is corrected is a sphere of its volume in surroundings of even activity.
    rows["diameter_mm"] = pd.Series(diameter_mm(rows["volume_ml"]), index=rows.index).where(rows["around"] != "")
    rows = _coefficients(rows, recovery)
    rc, inside = rows["recovery_coefficient"], rows["uptake_pct_id_per_ml"]
    low, high = rows["smallest_mm"], rows["largest_mm"]
    spans = [f"{a:.3g} to {b:.3g} mm" for a, b in zip(low, high, strict=True)]
    sizes = [f"{size:.3g} mm" for size in rows["diameter_mm"]]
    beyond = (rows["diameter_mm"] < low) | (rows["diameter_mm"] > high)
    where = rows["nuclide"] + np.where(rows["scanner"] == "", "", " on the scanner " + rows["scanner"])
    reason = first_reason(
        rows.index,
        (rows["around"] == "", ""),
        (rows["status"] != "ok", rows["reason"]),
        (rows["diameter_mm"].isna(), "no volume, so no diameter to look the recovery up by"),
        (low.isna(), "pet.recovery has no coefficients of " + where),
        (
            beyond,
            "its diameter of "
            + pd.Series(sizes, index=rows.index, dtype=str)
            + " lies outside the coefficients' "
            + pd.Series(spans, index=rows.index, dtype=str)
            + "; they are not extrapolated",
        ),
        (rows["outside"].isna(), "its surroundings, " + rows["around"] + ", have no value in this scan"),
    )
    fine = (rows["around"] != "") & (reason == "")
    value = pd.Series(recovered(inside, rows["outside"], rc), index=rows.index)
    own = np.hypot(rows["base_se"] / rc, (1.0 - rc) * rows["outside_se"] / rc)
    shared = np.hypot(rows["rel_se_dose"].to_numpy(), rows["rel_se_standard"].to_numpy())
    common = value * shared
    of_table = (inside - rows["outside"]).abs() / rc**2 * rows["coefficient_se"]
    rows = rows.assign(
        recovery_coefficient=rc.where(fine),
        recovered_pct_id_per_ml=value.where(fine),
        recovered_pct_id_per_ml_se=np.sqrt(own**2 + common**2 + of_table**2).where(fine),
        recovered_table_pct_id_per_ml=of_table.where(fine),
        recovery_reason=reason,
    )
    return rows.drop(columns=["outside", "outside_se", "smallest_mm", "largest_mm", "coefficient_se"])


def _coefficients(rows: pd.DataFrame, recovery: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the rows with the coefficient at their diameter and what the table of their scanner and nuclide spans."""
    names = ["recovery_coefficient", "coefficient_se", "smallest_mm", "largest_mm"]
    rows = rows.assign(**dict.fromkeys(names, np.nan))
    for table in recovery:
        here = (rows["nuclide"] == normal_name(table["nuclide"])) & (rows["scanner"] == table["scanner"])
        here &= rows["diameter_mm"].notna()
        size, known = rows.loc[here, "diameter_mm"], list(table["diameter_mm"])
        rows.loc[here, names[0]] = np.interp(size, known, table["coefficient"], left=np.nan, right=np.nan)
        rows.loc[here, names[1:]] = [table["coefficient_se"], known[0], known[-1]]
    return rows
