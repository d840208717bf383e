"""What the report is built from, and the facts that several of its sections state."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from cartrace import tables
from cartrace.limits import layers_of
from cartrace.report.blocks import Cell, Picture, records

MAIN = "without_excluded"
MOUSE = ["cohort", "animal_id"]
STATUSES = ("pass", "warn", "fail")

# Of more mice, a page for each would make a file that no browser opens.
MOST_PAGES = 1000


@dataclass(frozen=True)
class Mouse:
    """A mouse: its number in the report, its group and the group's number, and the anchor of its page."""

    number: int
    cohort: str
    animal_id: str
    group: str
    group_number: int
    anchor: str


@dataclass(frozen=True)
class Study:
    """The tables of a study, all cohorts and models in one frame each, its settings and its drawn figures."""

    animals: pd.DataFrame
    doses: pd.DataFrame
    dose_activity: pd.DataFrame
    counts: pd.DataFrame
    tube_activity: pd.DataFrame
    scans: pd.DataFrame
    rois: pd.DataFrame
    roi_activity: pd.DataFrame
    uptake: pd.DataFrame
    ratios: pd.DataFrame
    cells: pd.DataFrame
    labelled_cells: pd.DataFrame
    specific_uptake: pd.DataFrame
    calibration_lines: pd.DataFrame
    estimates: pd.DataFrame
    curves: pd.DataFrame
    fits: pd.DataFrame
    population: pd.DataFrame
    noncompartmental: pd.DataFrame
    selection: pd.DataFrame
    endpoints: pd.DataFrame
    summaries: pd.DataFrame
    comparisons: pd.DataFrame
    overall: pd.DataFrame
    paired: pd.DataFrame
    repeated: pd.DataFrame
    forest: pd.DataFrame
    diagnostics: pd.DataFrame
    sensitivity: pd.DataFrame
    power: pd.DataFrame
    destructive: pd.DataFrame
    agreement: pd.DataFrame
    readouts: pd.DataFrame
    readout_agreement: pd.DataFrame
    predictions: pd.DataFrame
    survival: pd.DataFrame
    quality: pd.DataFrame
    exclusions: pd.DataFrame
    overrides: pd.DataFrame
    imported: pd.DataFrame
    settings: Mapping[str, Any]
    pictures: Mapping[str, Picture]

    @property
    def labels(self) -> dict[str, str]:
        """Return each group's label by its name, in the config's order."""
        return {str(group["name"]): str(group.get("label") or group["name"]) for group in self.settings["groups"]}

    @cached_property
    def mice(self) -> dict[tuple[str, str], Mouse]:
        """Return the mice by cohort and name, numbered in that order, each with the anchor of its page."""
        order = self.animals[[*MOUSE, "group"]].sort_values(MOUSE).to_numpy(dtype=str)
        rank = {name: index for index, name in enumerate(self.labels)}
        twice = {name for name, times in Counter(animal for _, animal, _ in order).items() if times > 1}
        found: dict[tuple[str, str], Mouse] = {}
        taken: set[str] = set()
        for number, (cohort, animal, group) in enumerate(order):
            stem = f"{cohort}-{animal}" if animal in twice else animal
            anchor = plain = "mouse-" + re.sub(r"[^A-Za-z0-9_.-]", "_", stem)
            while anchor in taken:
                anchor = f"{plain}-{number}"
            taken.add(anchor)
            found[cohort, animal] = Mouse(number, cohort, animal, group, rank.get(group, -1), anchor)
        return found

    @cached_property
    def with_page(self) -> dict[tuple[str, str], Mouse]:
        """Return the mice that have a page: all, or of more than a page can hold those with something to look at."""
        if len(self.mice) <= MOST_PAGES:
            return self.mice
        parts = self.excluded_parts()[MOUSE].itertuples(index=False, name=None) if len(self.exclusions) else ()
        about = {self.mice.get(key) for key in parts}
        checks = self.quality[self.quality["status"] != "pass"]
        about |= {self.mouse_of(*of) for of in checks[["cohort", "subject"]].itertuples(index=False, name=None)}
        chosen = [key for key, mouse in self.mice.items() if mouse in about]
        return {key: self.mice[key] for key in chosen[:MOST_PAGES]}

    def mouse_of(self, cohort: str, subject: str) -> Mouse | None:
        """Return the mouse that a check of quality is about: by its scan, or by its name and what follows it."""
        animal = self._scanned.get((cohort, subject), "") or subject.split(",", maxsplit=1)[0]
        return self.mice.get((cohort, animal)) or self.mice.get((cohort, animal.split(" ", maxsplit=1)[0]))

    @cached_property
    def _scanned(self) -> dict[tuple[str, str], str]:
        columns = self.scans[["cohort", "scan_id", "animal_id"]].to_numpy(dtype=str)
        return {(cohort, scan): animal for cohort, scan, animal in columns}

    def mouse_cells(self, row: Mapping[str, Any]) -> list[Cell]:
        """Return cohort and mouse of a row as cells, the latter a link to the mouse's page."""
        mouse = self.mice.get((row["cohort"], row["animal_id"]))
        if mouse is None:
            return [Cell(row["cohort"]), Cell(row["animal_id"])]
        first = Cell(row["cohort"], mouse=mouse.number, group=mouse.group_number)
        page = f"#{mouse.anchor}" if (row["cohort"], row["animal_id"]) in self.with_page else ""
        return [first, Cell(row["animal_id"], href=page)]

    @property
    def uptake_label(self) -> str:
        """Return what uptake is called."""
        return str(self.settings["report"]["label"])

    @property
    def has_counter(self) -> bool:
        """Return whether tissues were counted."""
        return bool((self.uptake["modality"] == "counter").any())

    @property
    def has_pet(self) -> bool:
        """Return whether mice were scanned."""
        return bool((self.uptake["modality"] == "pet").any())

    @property
    def chosen_model(self) -> str:
        """Return the study's model of expansion, or an empty text."""
        chosen = self.selection.loc[(self.selection["analysis"] == MAIN) & self.selection["chosen"], "model"]
        return str(chosen.iloc[0]) if len(chosen) else ""

    def drawn(self, *names: str) -> list[Picture]:
        """Return the figures of these names that were drawn."""
        return [self.pictures[name] for name in names if name in self.pictures]

    def primary(self, analysis: str = MAIN) -> list[dict[str, Any]]:
        """Return the rows of the declared primary comparison."""
        return records(self.comparisons[self.comparisons["is_primary"] & (self.comparisons["analysis"] == analysis)])

    def excluded_parts(self) -> pd.DataFrame:
        """Return the exclusions with the mouse that each concerns, also where the sheet names a scan or a tube."""
        scans = self.scans.set_index(["cohort", "scan_id"])["animal_id"]
        tubes = self.tube_activity.drop_duplicates(["cohort", "counter_file", "rack", "position"])
        tubes_of = tubes.set_index(["cohort", "counter_file", "rack", "position"])["animal_id"]
        animals = []
        for row in records(self.exclusions):
            if row["level"] == "scan":
                animals.append(scans.get((row["cohort"], row["scan_id"]), ""))
            elif row["level"] == "tube":
                animals.append(tubes_of.get((row["cohort"], row["counter_file"], row["rack"], row["position"]), ""))
            else:
                animals.append(row["animal_id"])
        return self.exclusions.assign(animal_id=animals)

    @cached_property
    def limits(self) -> pd.DataFrame:
        """Return what limits each tissue: contract `Limits`."""
        layers = layers_of(self.uptake)
        names = ["tube_pct", "dose_pct", "standard_pct", "total_pct"]
        percent = 100.0 * layers[["rel_se_count", "rel_se_dose", "rel_se_standard", "total"]].set_axis(names, axis=1)
        found = pd.concat([layers[["modality", "region", "n", "limited_by"]], percent], axis=1)
        return found[tables.Limits.names()].sort_values(list(tables.Limits.key), ignore_index=True)

    @cached_property
    def attrition(self) -> pd.DataFrame:
        """Return how many mice of each group, and of all, came to each stage of the study: contract `Attrition`."""
        found = self.stages().rename(columns={"excluded": "n_excluded", "partly excluded": "n_partly_excluded"})
        found = pd.concat([found, found.sum().to_frame("all").T]).rename_axis("group").reset_index()
        return found[tables.Attrition.names()].sort_values("group", ignore_index=True)

    def stages(self) -> pd.DataFrame:
        """Return, by group, how many mice came to each stage of the study.

        Returns
        -------
        DataFrame
            Index: groups in the config's order; one column a stage, counts of mice.
        """
        parts = self.excluded_parts()
        stages: dict[str, pd.DataFrame] = {
            "planned": self.animals,
            "injected": self.doses,
            "scanned": self.uptake[(self.uptake["modality"] == "pet") & (self.uptake["status"] == "ok")],
            "counted": self.uptake[(self.uptake["modality"] == "counter") & (self.uptake["status"] == "ok")],
            "fitted": self._fitted(),
            "analysed": self._analysed(),
            "excluded": parts[parts["level"] == "animal"],
            "partly excluded": parts[(parts["level"] != "animal") & (parts["animal_id"] != "")],
        }
        group_of = self.animals.set_index(MOUSE)["group"]
        counted = {}
        for stage, frame in stages.items():
            mice = frame[MOUSE].drop_duplicates()
            groups = group_of.reindex(pd.MultiIndex.from_frame(mice)).dropna()
            counted[stage] = groups.value_counts().reindex(list(self.labels), fill_value=0)
        return pd.DataFrame(counted)

    def _fitted(self) -> pd.DataFrame:
        fits = self.fits
        return fits[(fits["analysis"] == MAIN) & (fits["model"] == self.chosen_model) & (fits["status"] == "ok")]

    def _analysed(self) -> pd.DataFrame:
        rows = self.primary()
        if not rows:
            return self.endpoints.iloc[:0]
        same = (self.endpoints["analysis"] == MAIN) & self.endpoints["value"].notna() & ~self.endpoints["excluded"]
        for name in ("endpoint", "modality", "region", "session"):
            same &= self.endpoints[name] == rows[0][name]
        return self.endpoints[same & self.endpoints["group"].isin([rows[0]["group_a"], rows[0]["group_b"]])]


def worst(statuses: pd.Series) -> str:
    """Return the worst of several outcomes."""
    return STATUSES[max(STATUSES.index(status) for status in statuses)]
