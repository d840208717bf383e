"""Endpoints: one value per mouse of everything that groups are summarised and compared by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cartrace import tables

KEY = ["analysis", "endpoint", "modality", "region", "session"]
_MOUSE = ["cohort", "animal_id"]
_ANALYSES = ("all", "without_excluded")


@dataclass(frozen=True)
class Endpoint:
    """One endpoint.

    Parameters
    ----------
    name, label : str
        Name in tables; name in text and figures.
    unit : str
        Unit of its values; empty where the source states it.
    scale : str
        Scale on which groups are compared, ``log`` or ``linear``.
    families : tuple of (str, str)
        Modality (empty: any) and the family of comparisons in which its p values are adjusted.
    compares_background : bool
        Whether the background group is compared; not where its signal has been subtracted.
    """

    name: str
    label: str
    unit: str
    scale: str
    families: tuple[tuple[str, str], ...]
    compares_background: bool = False

    def family(self, modality: str) -> str:
        """Return the family of comparisons for a modality."""
        return next(family for known, family in self.families if known in ("", modality))


_EXPANSION = (("", "expansion"),)
# What else a curve is described by: adjusted among itself, so that it does not weaken the quantities above.
_CURVE = (("", "expansion_parameters"),)
_UPTAKE = (("counter", "biodistribution"), ("pet", "pet"))
# The same organs once more in %ID: adjusted among themselves, so that they do not weaken the main quantity.
_WHOLE = (("counter", "biodistribution_pct_id"), ("pet", "pet_pct_id"))
_SUV = (("counter", "biodistribution_suv"), ("pet", "pet_suv"))
_RATIOS = (("counter", "biodistribution_ratios"), ("pet", "pet_ratios"))

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("growth_rate", "Growth rate", "", "log", _EXPANSION),
    Endpoint("doubling_time", "Doubling time", "", "log", _EXPANSION),
    Endpoint("peak", "Peak", "", "log", _EXPANSION),
    Endpoint("time_of_peak", "Time of the peak", "", "linear", _EXPANSION),
    Endpoint("auc", "Area under the curve", "", "log", _EXPANSION),
    Endpoint("contraction_rate", "Contraction rate", "", "log", _CURVE),
    Endpoint("contraction_half_life", "Contraction half-life", "", "log", _CURVE),
    Endpoint("slowing_rate", "Rate at which growth slows down", "", "log", _CURVE),
    Endpoint("initial", "Response on day 0", "", "log", _CURVE),
    Endpoint("plateau", "Plateau", "", "log", _CURVE),
    Endpoint("level", "Level of the curve", "", "log", _CURVE),
    Endpoint("lag", "Day on which growth begins", "", "linear", _CURVE),
    Endpoint("midpoint", "Day of the fastest growth", "", "linear", _CURVE),
    Endpoint("turn_day", "Day of the turn", "", "linear", _CURVE),
    Endpoint("uptake_pct_id_per_g", "Uptake", "%ID/g", "log", _UPTAKE, compares_background=True),
    Endpoint("uptake_pct_id_per_ml", "Uptake", "%ID/mL", "log", _UPTAKE, compares_background=True),
    Endpoint("uptake_pct_id", "Uptake in the whole organ or region", "%ID", "log", _WHOLE, compares_background=True),
    Endpoint("suv", "Standardised uptake value", "SUV", "log", _SUV, compares_background=True),
    Endpoint("ratio", "Ratio to a reference region", "", "log", _RATIOS, compares_background=True),
    Endpoint("cells", "Cells", "cells", "log", (("", "cells"),)),
    Endpoint("net_pct_id", "Signal above background", "%ID", "log", (("", "cells"),)),
    Endpoint("readout", "Other readout", "", "log", (("", "readouts"),), compares_background=True),
)
_LEVELS = ("peak", "auc", "initial", "plateau", "level")
KINETIC = tuple(endpoint.name for endpoint in ENDPOINTS if endpoint.families in (_EXPANSION, _CURVE))


def by_name(name: str) -> Endpoint:
    """Return the endpoint of that name."""
    return next(endpoint for endpoint in ENDPOINTS if endpoint.name == name)


def collect(
    uptake: pd.DataFrame,
    cells: pd.DataFrame,
    estimates: pd.DataFrame,
    selection: pd.DataFrame,
    *,
    region: str,
    ratios: pd.DataFrame | None = None,
    readouts: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return every endpoint of every mouse, in both analyses.

    Parameters
    ----------
    uptake, cells, estimates : DataFrame
        Tables of the whole study; `estimates` of all models.
    selection : DataFrame
        The choice of the model; where none was chosen there are no kinetic endpoints.
    region : str
        Region whose signal was followed.
    ratios : DataFrame, optional
        Table of ratios of the whole study; the region of such an endpoint is ``region/reference``.
    readouts : DataFrame, optional
        From :func:`cartrace.readout_days.of_groups`.

    Returns
    -------
    DataFrame
        A table of endpoints, sorted by its key.
    """
    parts = [*_uptake(uptake), *_cells(cells), _kinetics(estimates, selection, cells, region=region)]
    if ratios is not None:
        parts.append(_ratios(ratios, uptake))
    if readouts is not None:
        parts.append(_readouts(readouts))
    parts = [part for part in parts if len(part)]
    if not parts:
        return tables.empty(tables.Endpoints)
    frame = pd.concat(parts, ignore_index=True)[tables.Endpoints.names()]
    return frame.sort_values(list(tables.Endpoints.key), kind="stable", ignore_index=True)


def takes_part(endpoints: pd.DataFrame) -> pd.Series:
    """Return which rows of endpoints enter summaries and comparisons of their analysis."""
    return (endpoints["status"] == "ok") & ~left_out(endpoints)


def left_out(endpoints: pd.DataFrame) -> pd.Series:
    """Return which rows of endpoints their analysis leaves out by decision."""
    return endpoints["excluded"] & (endpoints["analysis"] == "without_excluded")


def main_quantity(pet: pd.DataFrame) -> pd.Series:
    """Return by region the quantity in which PET is compared: %ID/g where a density gives one, else %ID/mL."""
    has_mass = pet["uptake_pct_id_per_g"].notna().groupby(pet["region"]).any()
    return has_mass.map({True: "uptake_pct_id_per_g", False: "uptake_pct_id_per_ml"})


def _uptake(uptake: pd.DataFrame) -> Iterable[pd.DataFrame]:
    """Yield the uptake endpoints, quantity by quantity."""
    is_pet = uptake["modality"] == "pet"
    main = pd.Series("uptake_pct_id_per_g", index=uptake.index, dtype=str)
    main = main.mask(is_pet, uptake["region"].map(main_quantity(uptake[is_pet])))
    for quantity in ("uptake_pct_id_per_g", "uptake_pct_id_per_ml"):
        rows = uptake[main == quantity]
        yield _session_values(_layered(rows, quantity), quantity, endpoint=quantity)
    whole = _layered(uptake, "uptake_pct_id").assign(level=uptake["critical_level_pct_id"])
    yield _session_values(whole, "uptake_pct_id", endpoint="uptake_pct_id")
    # Where no mouse was weighed there is no SUV, and nothing to say about each of them.
    weighed = uptake[uptake["suv"].notna().groupby([uptake["modality"], uptake["session"]]).transform("any")]
    yield _session_values(_layered(weighed, "suv"), "suv", endpoint="suv")


def _layered(uptake: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Return uptake with the critical level of a quantity, and its uncertainty in what is the mouse's and the study's.

    What is common to the study keeps the sign of the value, so that it adds up over mice.
    """
    shared = uptake[quantity] * uptake["rel_se_standard"]
    blanks = (uptake["background_se_pct_id"] * _per_pct_id(uptake, quantity)).fillna(0.0)
    own = np.sqrt((uptake[f"{quantity}_se"] ** 2 - shared**2 - blanks**2).clip(lower=0.0))
    return uptake.assign(level=_level_of(uptake, quantity), own_se=own, shared_se=shared, blanks_se=blanks)


def _ratios(ratios: pd.DataFrame, uptake: pd.DataFrame) -> pd.DataFrame:
    """Return the ratios, below detection where their numerator is."""
    scan = ["modality", "session", *_MOUSE, "scan_id"]
    own = uptake[[*scan, "region", "is_below_detection", "critical_level_pct_id", "uptake_pct_id"]]
    rows = ratios.merge(own, on=[*scan, "region"], how="left")
    per_pct_id = rows["ratio"] / rows["uptake_pct_id"].where(rows["uptake_pct_id"] != 0)
    below = rows["is_below_detection"].eq(True)
    rows = rows.assign(level=rows["critical_level_pct_id"] * per_pct_id, is_below_detection=below)
    # What is common to the study cancels from a ratio.
    rows = rows.assign(own_se=rows["ratio_se"], shared_se=rows["ratio_se"] * 0.0, blanks_se=rows["ratio_se"] * 0.0)
    return _session_values(rows.assign(region=rows["region"] + "/" + rows["reference"]), "ratio", endpoint="ratio")


def _readouts(readouts: pd.DataFrame) -> pd.DataFrame:
    """Return the readouts, one value per mouse and day: the mean of what was taken on it."""
    rows = readouts.assign(modality="", region=readouts["readout"], scan_id=readouts["measured_at"], level=np.nan)
    rows = rows.assign(is_below_detection=False, status="ok", reason="")
    found = _session_values(rows, "value", endpoint="readout")
    units = rows.drop_duplicates("region").set_index("region")["unit"]
    return found.assign(unit=found["region"].map(units)) if len(found) else found


def _level_of(uptake: pd.DataFrame, quantity: str) -> pd.Series:
    """Return the critical level in the unit of a quantity."""
    return uptake["critical_level_pct_id"] * _per_pct_id(uptake, quantity)


def _per_pct_id(uptake: pd.DataFrame, quantity: str) -> pd.Series:
    """Return a quantity over the uptake in %ID, which is one measured number."""
    per_pct_id = uptake[quantity] / uptake["uptake_pct_id"].where(uptake["uptake_pct_id"] != 0)
    size = uptake["mass_g"].fillna(uptake["volume_ml"])
    return per_pct_id.fillna(1 / size)


def _cells(cells: pd.DataFrame) -> Iterable[pd.DataFrame]:
    """Yield the followed response: cells, or the net signal of a study without calibration."""
    for unit, endpoint in (("cells", "cells"), ("pct_id", "net_pct_id")):
        rows = cells[cells["response_unit"] == unit]
        background_se = rows["response_background_se"]
        rows = rows.assign(
            level=rows["response_critical_level"],
            own_se=np.sqrt((rows["response_se"] ** 2 - background_se**2).clip(lower=0.0)),
            shared_se=rows["response_shared_se"] * np.sign(rows["response"]),
            blanks_se=background_se,
        )
        yield _session_values(rows, "response", endpoint=endpoint)


def _session_values(rows: pd.DataFrame, column: str, *, endpoint: str) -> pd.DataFrame:
    """Return one value per mouse, modality, region and session, in both analyses.

    Several scans of one session count as one: their arithmetic mean, since values near zero have no logarithm. Excluded
    scans are left out of the analysis without them; a mouse all of whose values are excluded keeps its mean there,
    marked as excluded. It is below detection where every scan behind the value is; it then lies under the highest of
    their critical levels.
    """
    # ASSUME: scans of one mouse, region and session measure the same uptake, so that their arithmetic mean stands.
    key = ["modality", "region", "session", *_MOUSE]
    rows = rows.sort_values([*key, "scan_id"], kind="stable", ignore_index=True)
    if rows.empty:
        return pd.DataFrame()
    code = rows.groupby(key, sort=False).ngroup().to_numpy()
    size = int(code[-1]) + 1
    value = rows[column].to_numpy(dtype=float)
    usable = (rows["status"] == "ok").to_numpy() & ~np.isnan(value)
    excluded = rows["excluded"].to_numpy(dtype=bool)
    below = rows["is_below_detection"].to_numpy(dtype=bool)
    level = rows["level"].where(rows["level"] > 0).fillna(np.inf).to_numpy(dtype=float)
    has_value = np.bincount(code, usable, size) > 0
    # A mouse is excluded where all its values are, or, without a value, all its rows.
    standing = np.where(has_value[code], usable & ~excluded, ~excluded)
    is_excluded = np.bincount(code, standing, size) == 0
    mice = rows.loc[~rows.duplicated(key), [*key, "group"]].reset_index(drop=True)
    mice = mice.assign(
        endpoint=endpoint,
        unit=by_name(endpoint).unit,
        status=np.where(has_value, "ok", "not_estimable"),
        reason=np.where(has_value, "", _joined(rows["reason"], code, size)),
        excluded=is_excluded,
        exclusion_reason=np.where(is_excluded, _joined(rows["exclusion_reason"], code, size), ""),
    )
    mice["reason"] = mice["reason"].mask((mice["reason"] == "") & ~has_value, "no value of this quantity")
    parts = []
    for analysis in _ANALYSES:
        used = usable & (~excluded | is_excluded[code] | (analysis == "all"))
        n_used = np.bincount(code, used, size)
        total = np.bincount(code, np.where(used, value, 0.0), size)
        all_below = np.bincount(code, used & below, size) == n_used
        mean = np.divide(total, n_used, out=np.full(size, np.nan), where=n_used > 0)
        highest = np.full(size, -np.inf)
        np.maximum.at(highest, code[used], level[used])
        known = np.where(np.isfinite(highest), highest, np.nan)
        flags = {"is_below_detection": all_below & has_value, "detection_level": known}
        for name in ("own_se", "shared_se", "blanks_se"):
            # ASSUME: Several scans of a mouse in one session err together, so that their mean is no better known.
            known_se = rows[name].to_numpy(dtype=float) if name in rows else np.full(len(rows), np.nan)
            total = np.bincount(code, np.where(used, known_se, 0.0), size)
            flags[name] = np.divide(total, n_used, out=np.full(size, np.nan), where=n_used > 0)
        parts.append(mice.assign(analysis=analysis, value=mean, **flags))
    return pd.concat(parts, ignore_index=True)


def _joined(texts: pd.Series, code: np.ndarray, size: int) -> np.ndarray:
    """Return the distinct texts of each code, joined, empty ones left out."""
    pairs = pd.DataFrame({"code": code, "text": texts.to_numpy()})
    pairs = pairs[pairs["text"] != ""].drop_duplicates()
    joined = pairs.groupby("code")["text"].agg("; ".join)
    return joined.reindex(range(size), fill_value="").to_numpy(dtype=object)


def _kinetics(estimates: pd.DataFrame, selection: pd.DataFrame, cells: pd.DataFrame, *, region: str) -> pd.DataFrame:
    """Return the parameters of the chosen model per mouse; only an estimate with status ok is a value."""
    chosen = selection.loc[selection["chosen"], ["analysis", "model"]]
    rows = estimates[(estimates["level"] == "animal") & estimates["parameter"].isin(KINETIC)].merge(chosen)
    ok = (rows["status"] == "ok") & rows["estimate"].notna()
    # What shifts all points of a mouse by one factor moves its levels, by how much the fit does not know, and no rate.
    shared = pd.Series(0.0, index=rows.index).where(~rows["parameter"].isin(_LEVELS)).where(ok)
    per_se = rows["estimate"].abs().where(rows["scale"] == "log", 1.0)
    rows = rows.assign(
        endpoint=rows["parameter"],
        modality="",
        region=region,
        session="",
        value=rows["estimate"].where(ok),
        is_below_detection=False,
        detection_level=np.nan,
        own_se=(rows["se"] * per_se).where(ok),
        shared_se=shared,
        blanks_se=shared,
        reason=rows["reason"].mask(rows["reason"] == "", rows["status"].str.replace("_", " ")).mask(ok, ""),
        status=np.where(ok, "ok", "not_estimable"),
    )
    return _with_exclusions(rows, _excluded_mice(cells, region=region))


def _excluded_mice(cells: pd.DataFrame, *, region: str) -> pd.DataFrame:
    """Return the mice whose every scan of the followed region is excluded, with the reasons."""
    followed = cells[cells["region"] == region].sort_values([*_MOUSE, "session", "scan_id"], kind="stable")
    followed = followed[followed.groupby(_MOUSE)["excluded"].transform("all")]
    reasons = followed[followed["exclusion_reason"] != ""].drop_duplicates([*_MOUSE, "exclusion_reason"])
    joined = reasons.groupby(_MOUSE)["exclusion_reason"].agg("; ".join)
    mice = followed[_MOUSE].drop_duplicates()
    return mice.join(joined, on=_MOUSE).fillna({"exclusion_reason": ""}).assign(excluded=True)


def _with_exclusions(rows: pd.DataFrame, excluded: pd.DataFrame) -> pd.DataFrame:
    """Mark excluded mice; the analysis without them shows the values that they have in the analysis of all."""
    rows = rows.merge(excluded, on=_MOUSE, how="left")
    rows["excluded"] = rows["excluded"].eq(True)
    rows["exclusion_reason"] = rows["exclusion_reason"].fillna("")
    refitted = rows[~(rows["excluded"] & (rows["analysis"] == "without_excluded"))]
    shown = refitted[refitted["excluded"]].assign(analysis="without_excluded")
    return pd.concat([refitted, shown], ignore_index=True)
