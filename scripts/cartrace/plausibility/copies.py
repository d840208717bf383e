"""Checks for copies: the same bytes, rows or numbers where two measurements should differ."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from cartrace.plausibility.evidence import Evidence, Finding

_SAME_TISSUES = 3
_SAME_REGIONS = 2
_SAME_DEVIATIONS = 3
_FEWEST_COUNTS = 100.0


def same_exports(evidence: Evidence) -> Iterator[Finding]:
    """Yield exports that are copies of an earlier one."""
    first: dict[str, str] = {}
    for file, digest in sorted(evidence.digests.items()):
        earlier = first.setdefault(digest, file)
        # Two scans by one protocol have the same acquisition times.
        if earlier != file and not file.endswith(".acqtimes"):
            yield Finding(file, f"the file holds the same bytes as {earlier}")


def rows_twice(evidence: Evidence) -> Iterator[Finding]:
    """Yield doses with the readings of the row above, and mice with the tissue masses of another one."""
    doses = evidence.cohort["doses"]
    names = ("full_activity_kbq", "residual_activity_kbq", "injectate_mass_g", "body_weight_g")
    numbers = np.column_stack([doses.numbers(name) for name in names]) if len(doses.frame) else np.empty((0, 4))
    mice = doses.text("animal_id").tolist()
    for above, index in pairwise(range(len(numbers))):
        given = np.isfinite(numbers[index])
        is_same = np.array_equal(given, np.isfinite(numbers[above]))
        is_same = is_same and np.array_equal(numbers[index][given], numbers[above][given])
        if is_same and given.sum() >= 3 and mice[index] != mice[above]:
            why = f"the row holds the same readings and weights as the row above, of {mice[above]}"
            yield Finding(evidence.dose_names[index], why, "doses", index, "full_activity_kbq")
    yield from _same_masses(evidence)


def _same_masses(evidence: Evidence) -> Iterator[Finding]:
    tubes = evidence.cohort["tubes"].frame
    mass = tubes["mass_g"].fillna(tubes["gross_g"] - tubes["tare_g"])
    own = tubes.assign(mass=mass)[(tubes["role"] == "tissue") & mass.notna()]
    first: dict[tuple[object, ...], str] = {}
    for (animal, session), tubes in own.groupby(["animal_id", "session"], sort=False):
        if len(tubes) < _SAME_TISSUES:
            continue
        some = tubes.sort_values(["tissue", "part"])
        earlier = first.setdefault((*some["tissue"], *some["mass"]), f"{animal} {session}")
        if earlier != f"{animal} {session}":
            why = f"all {len(some)} tissues weigh the same as those of {earlier}"
            yield Finding(f"{animal} {session}", why, "tubes", int(some.index[0]), "mass_g")


def same_weighings(evidence: Evidence) -> Iterator[Finding]:
    """Yield tubes with the tare and the gross of the tube above."""
    tubes = evidence.cohort["tubes"]
    tare, gross = tubes.numbers("tare_g"), tubes.numbers("gross_g")
    for index in np.flatnonzero((tare[1:] == tare[:-1]) & (gross[1:] == gross[:-1])) + 1:
        names = ("animal_id", "session", "tissue", "part")
        subject = " ".join(filter(None, (str(tubes.text(name).iloc[index]) for name in names)))
        why = "tare and gross are those of the row above"
        yield Finding(subject, why, "tubes", int(index), "gross_g")


def same_counts(evidence: Evidence) -> Iterator[Finding]:
    """Yield positions that were counted at the time of another one, with its result."""
    counts = evidence.counts[evidence.counts["counts"] >= _FEWEST_COUNTS]
    key = ["counter_file", "window", "counted_at", "counts"]
    for _, own in counts[counts.duplicated(key, keep=False)].groupby(key, sort=True):
        shown = [
            f"rack {rack}, position {position}" for rack, position in zip(own["rack"], own["position"], strict=True)
        ]
        first = own.iloc[0]
        rows = ", ".join(map(str, own["source_row"]))
        why = f"{' and '.join(shown)} have {first['counts']:g} counts at the same time (rows {rows})"
        yield Finding(f"{first['counter_file']}, {shown[-1]}", why)


def same_values(evidence: Evidence) -> Iterator[Finding]:
    """Yield scans whose values are those of another scan."""
    yield from _same(evidence, "activity_kbq_per_ml", _SAME_REGIONS, "values")


def same_deviations(evidence: Evidence) -> Iterator[Finding]:
    """Yield scans whose standard deviations are those of another scan, with other means."""
    column, other = "activity_kbq_per_ml_sd", "activity_kbq_per_ml"
    yield from _same(evidence, column, _SAME_DEVIATIONS, "standard deviations", other)


def _same(evidence: Evidence, column: str, fewest: int, what: str, other: str = "") -> Iterator[Finding]:
    """Yield scans that repeat an earlier scan's numbers; with `other`, only where that column differs."""
    rois = evidence.rois[evidence.rois[column].notna() & (evidence.rois[column] != 0.0)]
    first: dict[tuple[object, ...], tuple[str, tuple[object, ...], str]] = {}
    for scan, own in rois.sort_values(["scan_id", "region", "frame"]).groupby("scan_id", sort=True):
        if len(own) < fewest or own[column].nunique() < fewest:
            continue
        key = tuple(own["region"]) + tuple(own[column])
        rest = tuple(own[other]) if other else ()
        # A copy of a whole file is told as such.
        digest = evidence.digests.get(own["source_file"].iloc[0], str(scan))
        earlier, values, of_earlier = first.setdefault(key, (str(scan), rest, digest))
        if earlier != scan and digest != of_earlier and (not other or values != rest):
            index = evidence.cohort.scan_rows.get(str(scan), -1)
            why = f"the {what} of all {len(own)} regions and frames are those of the scan {earlier}"
            yield Finding(str(scan), why, "scans" if index >= 0 else "", index, "file")
