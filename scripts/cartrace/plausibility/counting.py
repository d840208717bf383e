"""Checks of counter runs: standards fade as their nuclide, agree with each other, and blanks are empty."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cartrace.plausibility.evidence import Evidence, Finding
from cartrace.radionuclides import normal_name

# Pipetting and weighing of one standard scatter by about this much; the run's own check of quality warns from 3 %.
_SCATTER = 0.03
_LEAST_DECAY = 0.1
_DISAGREEMENT = 1.25
_HOT = 10.0


def window_nuclides(evidence: Evidence) -> Iterator[Finding]:
    """Yield windows that are named after another nuclide than the tracer that they count."""
    known = {nuclide.name for nuclide in evidence.lab.nuclides}
    stated = {tracer["name"]: normal_name(tracer["nuclide"]) for tracer in evidence.lab.tracers}
    pairs = evidence.counts[["tracer", "window"]].drop_duplicates()
    for tracer, window in zip(pairs["tracer"], pairs["window"], strict=True):
        named = normal_name(unicodedata.normalize("NFKC", window).strip().split("_")[0].split(" ")[0])
        if tracer in stated and named in known and named != stated[tracer]:
            yield Finding(str(tracer), f"the window '{window}' counts {tracer}, whose nuclide is {stated[tracer]}")


def _standards(evidence: Evidence) -> pd.DataFrame:
    """Return the standards with their net rate per unit of activity (``ln``), and where they stand.

    Notes
    -----
    ln(net rate / (standard_mass / dilution_mass * aliquot_mass)) of weighed standards, and
    ln(net rate / activity at the count) + decay of calibrated ones, which makes both fade as exp(-λ t).
    """
    counted = evidence.counted
    blank = counted[counted["role"] == "blank"].groupby(["counter_file", "window"])["cps"].median().rename("blank_cps")
    own = counted[counted["role"] == "standard"].join(blank, on=["counter_file", "window"])
    net = own["cps"] - own["blank_cps"].fillna(0.0)
    weighed = own["standard_mass_g"] * own["aliquot_mass_g"] / own["dilution_mass_g"]
    read_s = evidence.cohort["tubes"].seconds("standard_at")[own["index"].to_numpy(dtype=int)]
    # The reading carried to one instant of the run, so that it fades like a weighed standard.
    begin = own.groupby("counter_file")["counted_s"].transform("min")
    carried = own["standard_activity_kbq"] * np.exp(np.clip(own["decay_per_s"] * (read_s - begin), -50.0, 50.0))
    amount = weighed.fillna(carried)
    kind = np.where(weighed.notna(), "weighed", "read")
    own = own.assign(amount=amount, kind=kind)[(net > 0) & (amount > 0) & own["decay_per_s"].notna()]
    rate = net[own.index]
    relative = np.sqrt(own["counts"]) / own["counts"]
    return own.assign(ln=np.log(rate / own["amount"]), relative=relative)


def _runs(evidence: Evidence) -> Iterator[tuple[str, pd.DataFrame]]:
    for (file, tracer, kind), own in _standards(evidence).groupby(["counter_file", "tracer", "kind"], sort=True):
        if len(own) >= 2:
            yield f"{file}, {tracer}" + (", read standards" if kind == "read" else ""), own


def _hypotheses(own: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the logarithms of the standards' activity if the counts are raw, and if they are corrected for decay."""
    corrected = own["ln"].to_numpy(dtype=np.float64)
    elapsed = own["counted_s"].to_numpy(dtype=np.float64) - float(own["counted_s"].min())
    return corrected + own["decay_per_s"].to_numpy(dtype=np.float64) * elapsed, corrected


def _is_corrected(own: pd.DataFrame) -> bool:
    raw, corrected = _hypotheses(own)
    decayed = float(own["decay_per_s"].iloc[0] * np.ptp(own["counted_s"]))
    noise = float(np.hypot(_SCATTER, own["relative"].max()))
    # Raw counts of good standards agree once decay is corrected; counts that agree without were corrected already.
    return bool(decayed > _LEAST_DECAY and np.ptp(raw) > 3.0 * noise and np.ptp(corrected) < np.ptp(raw) / 3.0)


def corrected_counts(evidence: Evidence) -> Iterator[Finding]:
    """Yield runs whose standards agree only if the counts are corrected for decay already."""
    for subject, own in _runs(evidence):
        if _is_corrected(own):
            raw, corrected = _hypotheses(own)
            spreads = [100.0 * float(np.expm1(np.ptp(values))) for values in (corrected, raw)]
            minutes = float(np.ptp(own["counted_s"])) / 60.0
            why = (
                f"the {len(own)} standards, counted within {minutes:.0f} min, agree within {spreads[0]:.1f} % if their "
                f"counts are corrected for decay already, and within {spreads[1]:.1f} % if they are raw"
            )
            yield Finding(subject, why, value=spreads[1], threshold=300.0 * _SCATTER)


def standards(evidence: Evidence) -> Iterator[Finding]:
    """Yield runs whose standards differ by far more than pipetting does."""
    for subject, own in _runs(evidence):
        raw, _ = _hypotheses(own)
        ratio = float(np.exp(np.ptp(raw)))
        if _is_corrected(own) or not ratio > _DISAGREEMENT or own["relative"].max() > 0.05:
            continue
        # Of two it cannot be told which one is wrong.
        far = int(np.argmax(np.abs(raw - np.median(raw))))
        names = [
            f"rack {rack}, position {position}" for rack, position in zip(own["rack"], own["position"], strict=True)
        ]
        if len(own) > 2:
            others = float(np.median(np.delete(raw, far)))
            why = f"the standard of {names[far]} gives {np.exp(raw[far] - others):.3g} times the activity of the others"
        else:
            why = f"the standards of {names[0]} and {names[1]} differ by a factor of {ratio:.3g}"
        index = int(own["index"].iloc[far])
        yield Finding(subject, why, "tubes", index, "position", value=ratio, threshold=_DISAGREEMENT)


def hot_blanks(evidence: Evidence) -> Iterator[Finding]:
    """Yield blanks that count like samples."""
    counted = evidence.counted
    for (file, window), own in counted.groupby(["counter_file", "window"], sort=True):
        blanks, samples = own[own["role"] == "blank"], own[own["role"] == "tissue"]
        usual = float(samples["cps"].median()) if len(samples) else np.nan
        for index, cps in zip(blanks["index"], blanks["cps"], strict=True):
            others = blanks["cps"][blanks["index"] != index]
            limit = _HOT * float(others.median()) if len(others) else 2.0 * usual
            # A difference of a few counts is chance.
            if cps > limit and cps * float(blanks["count_s"].min()) > 100.0:
                rack, position = (evidence.cohort.column("tubes", name)[int(index)] for name in ("rack", "position"))
                than = (
                    f"the other blanks {others.median():.3g}/s"
                    if len(others)
                    else f"half of the samples <{usual:.3g}/s"
                )
                why = f"the blank counts {cps:.3g}/s, {than}"
                subject = f"{file}, rack {rack}, position {position}"
                if window != counted["window"].iloc[0]:
                    subject += f", {window}"
                yield Finding(subject, why, "tubes", int(index), "role", value=float(cps), threshold=limit)
