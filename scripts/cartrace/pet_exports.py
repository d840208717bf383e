"""ROI exports, joined by file and animal with the sheet of scans, in kBq/mL."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import PurePosixPath

import numpy as np

from cartrace import readers, roi_units, rule_forms
from cartrace.cohort import Cohort
from cartrace.errors import Problem, plain
from cartrace.lab import Findings, Lab
from cartrace.readers import Export, RoiRow, RoiTable, Settings, pmod
from cartrace.roi_units import Conversion
from cartrace.sheet import Sheet


def beside(name: str, candidates: Sequence[str], *, exact: bool = False) -> str | None:
    """Return the file beside an export that belongs to it: of its name, else of one that its name begins with."""
    own = PurePosixPath(name)
    near = {PurePosixPath(file).stem: file for file in candidates if PurePosixPath(file).parent == own.parent}
    if exact:
        return near.get(own.stem)
    stems = [stem for stem in near if own.stem == stem or own.stem.startswith(tuple(stem + mark for mark in "_-. "))]
    return near[max(stems, key=len)] if stems else None


def join(
    cohort: Cohort, lab: Lab, export: Export, rows: list[int], near: Mapping[str, Export], findings: Findings
) -> None:
    """Read a ROI export and add its regions to the findings.

    Parameters
    ----------
    cohort, lab : Cohort, Lab
        The sheets, and what the config says.
    export : Export
        The file.
    rows : list of int
        Its rows in the sheet of scans.
    near : mapping of str to Export
        What stands beside it, by the end of its name: .acqtimes, .json.
    findings : Findings
        Where its regions and its problems go.

    Raises
    ------
    InputError
        The export cannot be read.
    """
    settings = Settings(columns=lab.pet.get("columns") or {}, date_format=lab.date_format)
    reader = readers.choose(export, what="pet", form=lab.pet["format"], settings=settings)
    roi = reader.reads(export, _with_companions(export, reader.name, settings, near, findings))
    assert isinstance(roi, RoiTable)
    scans = cohort["scans"]
    chosen = _animals_of(cohort, export, roi, rows, findings)
    used, conversions = 0, list(roi.conversions)
    for index, own in chosen.items():
        _order_of_scan(cohort, lab, index, own, roi)
        _decay_reference(scans, index, roi)
        stated, dose, weight = (
            cohort.column("scans", name)[index] for name in ("unit", "suv_dose_kbq", "suv_weight_g")
        )
        scale = roi.scale(own[0].labels)
        try:
            conversion = roi_units.conversion(
                scale.unit,
                str(stated),
                suv_dose_kbq=roi_units.one_of("suv_dose_kbq", scale.dose_kbq, dose),
                suv_weight_g=roi_units.one_of("suv_weight_g", scale.weight_g, weight),
            )
        except roi_units.UnitProblem as problem:
            scans.problems.append(scans.problem(index, problem.column, problem.code, problem.why, problem.remedy))
            continue
        if conversion.words and conversion.words not in conversions:
            conversions.append(conversion.words)
        used += _scan(cohort, export, index, own, conversion, findings)
    findings.read(export, reader.name, roi.n_rows, used, conversions, np.nan, roi.finding)


def _with_companions(
    export: Export, reader: str, settings: Settings, near: Mapping[str, Export], findings: Findings
) -> Settings:
    """Return the settings with what stands beside the export, where its reader takes it."""
    if reader == "bids_tacs" and ".json" in near:
        settings = replace(settings, sidecar=near[".json"])
        if near[".json"].name not in findings.used:
            findings.read(near[".json"], "bids_json", 1, 1, (), np.nan, "")
    acquisition = near.get(".acqtimes")
    if reader == "pmod_voistat" and acquisition is not None:
        frames = pmod.acquisition_times(acquisition)
        same_name = PurePosixPath(acquisition.name).stem == PurePosixPath(export.name).stem
        if same_name or pmod.fits(pmod.midpoints(export) or [], frames):
            settings = replace(settings, frames=frames)
            if acquisition.name not in findings.used:
                findings.read(acquisition, "pmod_acqtimes", len(frames), len(frames), (), np.nan, "")
    return settings


def _decay_reference(scans: Sheet, index: int, roi: RoiTable) -> None:
    """Hold what the sheet says of the decay correction against what the export itself says."""
    stated = str(scans.frame["decay_corrected_to"].iloc[index])
    if roi.corrected_to is None or not stated or stated in roi.corrected_to:
        return
    own = " or ".join(f"'{name}'" for name in sorted(roi.corrected_to))
    why = f"the export's own header says {own}"
    remedy = "Correct the cell; if the header is wrong, have the export written again"
    scans.problems.append(scans.problem(index, "decay_corrected_to", "decay-contradicts", why, remedy))


def _animals_of(
    cohort: Cohort, export: Export, roi: RoiTable, rows: list[int], findings: Findings
) -> dict[int, list[RoiRow]]:
    """Return the export's rows of every row of the sheet of scans."""
    scans = cohort["scans"]
    by_labels: dict[tuple[str, ...], list[RoiRow]] = {}
    for row in roi.rows:
        by_labels.setdefault(row.labels, []).append(row)
    in_file = ", ".join(" / ".join(filter(None, labels)) or "(no name)" for labels in by_labels)
    chosen: dict[int, list[RoiRow]] = {}
    for index in rows:
        label = cohort.column("scans", "animal_label")[index]
        if label:
            matches = _labelled(label, by_labels)
            if len(matches) != 1:
                why = f"{len(matches) or 'no'} {roi.label_is}s of the export have this label"
                remedy = f"The export has {in_file}"
                scans.problems.append(scans.problem(index, "animal_label", "unknown-label", why, remedy))
                continue
            chosen[index] = by_labels[matches[0]]
        elif len(by_labels) > 1:
            why = f"the export holds {len(by_labels)} {roi.label_is}s: {in_file}"
            remedy = "Say which one it is in the column 'animal_label'"
            scans.problems.append(scans.problem(index, "file", "label-missing", why, remedy))
        else:
            chosen[index] = list(roi.rows)
            _same_animal(cohort, export, index, roi.rows[0].labels, findings)
    taken = {id(own) for own in chosen.values()}
    for labels, own in by_labels.items():
        if len(by_labels) > 1 and id(own) not in taken and len(chosen) == len(rows):
            name = " / ".join(filter(None, labels))
            message = f"No scan names {name} of {export.name}; add one with this animal_label, or leave it"
            findings.quality.append(("unused-animal", f"{export.name}: {name}", message))
    return chosen


def _labelled(label: str, by_labels: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the animals of that label; a match of the first name counts before one of the second."""
    for place in (0, 1):
        matches = [labels for labels in by_labels if place < len(labels) and labels[place] == label]
        if matches:
            return matches
    return []


def _same_animal(cohort: Cohort, export: Export, index: int, labels: tuple[str, ...], findings: Findings) -> None:
    """Hold the only animal of an export against the sheet."""
    scans = cohort["scans"]
    own = cohort.column("scans", "animal_id")[index]
    named = [label for label in labels if label]
    if not named or own in named or plain(own) in map(plain, named):
        return
    others = [label for label in named if label in cohort.animal_rows]
    if others:
        why = f"the export is of the mouse {others[0]}"
        remedy = "Correct 'animal_id' or 'file'; if the name in the export is wrong, say so with 'animal_label'"
        scans.problems.append(scans.problem(index, "animal_id", "other-animal", why, remedy))
    else:
        message = f"{export.name} calls its animal {' / '.join(named)}, the sheet {own}; check that they are the same"
        findings.quality.append(("animal-name", export.name, message))


def _scan(
    cohort: Cohort, export: Export, index: int, own: list[RoiRow], conversion: Conversion, findings: Findings
) -> int:
    """Add the regions of one scan; return how many rows went on."""
    scan_id = cohort.column("scans", "scan_id")[index]
    order = sorted({(row.frame_start_s, row.frame_duration_s) for row in own})
    frames = {frame: number for number, frame in enumerate(order)}
    # One problem for each region: its frames share it.
    problems: dict[str, Problem] = {}
    if overlap := _overlap(order):
        problems["frames"] = export.problem("frames", overlap, "Mend the frames, or export again")
    taken: dict[tuple[str, int], RoiRow] = {}
    for row in own:
        region = cohort.vocabulary.canonical(row.region)
        if region is None:
            problems.setdefault(row.region, _unknown_roi(cohort, export, row))
            continue
        frame = frames[row.frame_start_s, row.frame_duration_s]
        first = taken.setdefault((region, frame), row)
        if first is not row:
            problems.setdefault(f"{region} twice", _region_twice(export, region, first, row))
            continue
        volume, problem = _volume(cohort, scan_id, region, row)
        problem = problem or _below_zero(export, row)
        if problem:
            problems.setdefault(f"{region} value", problem)
        value, sd = row.value * conversion.factor, row.sd * conversion.factor
        place = (scan_id, region, frame, row.frame_start_s, row.frame_duration_s)
        findings.rois.append((*place, value, sd, volume, row.region, conversion.unit, export.name, row.row))
    findings.problems += problems.values()
    return len(taken)


def _overlap(frames: Sequence[tuple[float, float]]) -> str:
    """Return what is wrong with frames that overlap by more than the rounding of their times."""
    for (start, duration), (following, _) in pairwise(frames):
        if start + duration > following + 0.51:
            return f"the frame from {start:g} to {start + duration:g} s overlaps the one from {following:g} s"
    return ""


def _volume(cohort: Cohort, scan_id: str, region: str, row: RoiRow) -> tuple[float, Problem | None]:
    """Return the region's volume [mL]: the export's own, else that of the sheet of volumes; both must not differ."""
    # A region without a voxel has no volume.
    volume = math.nan if row.volume_ml == 0 else row.volume_ml
    given = cohort.volumes.get((scan_id, region))
    if given is None:
        return volume, None
    if math.isnan(volume) or math.isclose(volume, given[0], rel_tol=1e-6):
        return given[0], None
    why = f"the export carries a volume of its own, {volume:g} mL"
    return volume, cohort["volumes"].problem(given[1], "volume_ml", "volume-twice", why, "Remove the row")


def _below_zero(export: Export, row: RoiRow) -> Problem | None:
    for value, name in ((row.sd, "standard deviation"), (row.volume_ml, "volume")):
        if value < 0:
            why, remedy = f"the {name} of the region is below 0", "Export again; never edit an export"
            return export.problem("out-of-range", why, remedy, row=row.row, column=name, value=str(value))
    return None


def _unknown_roi(cohort: Cohort, export: Export, row: RoiRow) -> Problem:
    close = " or ".join(f"'{name}'" for name in cohort.vocabulary.nearest(row.region))
    asked = f"Did you mean {close}? " if close else ""
    remedy = f"{asked}Add the name to a region's 'synonyms' under 'regions' of the config"
    return export.problem(
        "unknown-region", "the region of interest is not known", remedy, row=row.row, column="region", value=row.region
    )


def _region_twice(export: Export, region: str, first: RoiRow, row: RoiRow) -> Problem:
    names = (
        f"'{first.region}' and '{row.region}' both are"
        if first.region != row.region
        else f"'{row.region}' stands twice for"
    )
    why = f"{names} {region} in the same frame (row {first.row})"
    remedy = "Name the regions apart under 'regions' of the config, or export one scan a file"
    return export.problem("region-twice", why, remedy, row=row.row, column="region", value=row.region)


def _order_of_scan(cohort: Cohort, lab: Lab, index: int, own: list[RoiRow], roi: RoiTable) -> None:
    scans = cohort["scans"]
    started, injected = cohort.scan_started_s[index], cohort.scan_injected_s[index]
    end = started + max(row.frame_start_s + row.frame_duration_s for row in own)
    if end < injected:
        why = "the scan was over before the injection"
        asked = rule_forms.asked_twelve(scans, "started_at", index, float(injected - started))
        remedy = asked + rule_forms.CHECK_TIMES
        scans.problems.append(scans.problem(index, "started_at", "order", why, remedy))
    if roi.written_at is not None:
        written = roi.written_at.replace(tzinfo=lab.clocks["wall"].zone, fold=1).timestamp()
        if started > written:
            why = f"the export was written before, at {roi.written_at}"
            scans.problems.append(scans.problem(index, "started_at", "after-export", why, "Check the date of the scan"))


def volumes_left(cohort: Cohort, findings: Findings) -> None:
    """Report volumes of regions that their scan's export does not have."""
    if findings.problems or not len(cohort["volumes"].frame):
        return
    there = {(row[0], row[1]) for row in findings.rois}
    sheet = cohort["volumes"]
    for (scan, region), (_, index) in cohort.volumes.items():
        if scan in cohort.scan_rows and (scan, region) not in there:
            why = "the scan's export has no such region"
            sheet.problems.append(
                sheet.problem(index, "region", "unknown-region", why, "Correct the region, or remove the row")
            )
