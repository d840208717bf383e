"""The worked mouse many times over, with the errors of its raw readings drawn, layer by layer.

Every copy is a study of its own: it has its own standards, dilution, dose and tubes, and its own counter run. What is
drawn is what instruments and people write down: counts (Poisson), weighings, readings of the calibrator and the times
beside them, a region's mean; and what nobody reads, the scanner's gain and the true half-life.
"""

import numpy as np
import pandas as pd
from worked_mouse import calibrated, count, frames, pet, study, tail_counted, tube, without_tail

LAYERS = ("count", "dose", "standard")
TAILS = {"none": without_tail, "calibrator": lambda rows: rows, "counter": tail_counted}
F18_S = 6586.2
HALF_LIFE_SE_S = 40.0
UNCERTAINTY = {
    "balance_g": 3e-4,
    "calibrator_frac": 0.02,
    "clock_s": 60.0,
    "roi_frac": 0.05,
    "scanner_frac": 0.02,
    "sensitivity_frac": 0.03,
}


def worked(tail):
    """Return the worked mouse with every kind of reading: a tail by that means, two dilutions, a tube of few counts."""
    rows = TAILS[tail](pet(calibrated(study())))
    rows["doses"][0].update(full_activity_kbq=7412.0, residual_activity_kbq=1331.0)
    if tail == "calibrator":
        rows["doses"][0].update(tail_activity_kbq=900.0)
    # A second aliquot of the same dilution, and one of another.
    for position, mass in ((21, 0.0213), (22, 0.0250)):
        masses = {"standard_mass_g": mass, "dilution_mass_g": 10.0412, "aliquot_mass_g": 0.0202}
        rows["tubes"].append(tube(position, "standard", tracer="[18F]TFB", **masses))
        rows["counts"].append(count(position, 5350, 60.0, 24_400.0 * mass / 0.0213))
    rows["tubes"][4].update(tare_g=1.0, gross_g=1.0987)  # muscle, weighed twice
    # A node of 2 mg: three times the counts of its background, and a mass that the balance knows to 15 %.
    rows["tubes"].append(tube(6, "tissue", animal_id="M1", session="d07", tissue="lymph node", mass_g=0.002))
    rows["counts"].append(count(6, 5860, 60.0, 60.0))
    return frames(rows)


def copies(sheets, n):
    """Return the study n times over, each mouse with a counter run and a scan of its own."""
    names = np.array([f"{number:05d}" for number in range(n)])
    out = {}
    for name, sheet in sheets.items():
        many = sheet.loc[np.repeat(sheet.index.to_numpy(), n)].reset_index(drop=True)
        own = np.tile(names, len(sheet))
        for column in ("animal_id", "counter_file", "scan_id"):
            if column in many:
                many[column] = np.where(many[column] == "", "", own)
        out[name] = many
    return out


class Errors:
    """The copies, and the generator that draws the errors of their readings."""

    def __init__(self, sheets, n, seed):
        self.many = copies(sheets, n)
        self.generator = np.random.default_rng(seed)
        injected = self.many["doses"].set_index("animal_id")["injected_at"]
        self.injected = pd.to_datetime(injected, format="ISO8601", utc=True)

    def normal(self, name, column, se, rows=True, *, relative=False, shared=False):
        """Add a normal error of `se` to a column; what is shared is drawn once for a value of one copy."""
        sheet = self.many[name]
        chosen = rows & sheet[column].notna()
        error = pd.Series(self.generator.normal(size=len(sheet)))
        if shared:
            key = sheet[column].astype(str) + " " + sheet["counter_file"]
            error = error.groupby(key.to_numpy()).transform("first")
        width = se * sheet[column] if relative else se
        sheet[column] = sheet[column].where(~chosen, sheet[column] + width * error.to_numpy())

    def clock(self, name, column, se_s, *, shared=False):
        """Add a normal error of `se_s` seconds to a column of times."""
        sheet = self.many[name]
        error = pd.Series(self.generator.normal(size=len(sheet)))
        if shared:
            error = error.groupby(sheet["counter_file"].to_numpy()).transform("first")
        given = sheet[column] != ""
        times = pd.to_datetime(sheet.loc[given, column], format="ISO8601")
        late = pd.to_timedelta((se_s * error[given] * 1e6).round().astype("int64"), unit="us")
        sheet.loc[given, column] = [stamp.isoformat() for stamp in times + late]

    def poisson(self, *roles):
        """Draw the counts of those tubes."""
        counts, tubes = self.many["counts"], self.many["tubes"]
        key = ["counter_file", "position"]
        drawn = counts[key].merge(tubes[[*key, "role"]], on=key)["role"].isin(roles)
        counts["counts"] = counts["counts"].where(~drawn, self.generator.poisson(counts["counts"]).astype(float))

    def half_life(self, se_s):
        """Let each copy decay by a half-life of its own, the activity at injection being what it was."""
        n = len(self.injected)
        draws = pd.Series(F18_S + se_s * self.generator.normal(size=n), index=self.injected.index)
        slower = np.log(2) / draws - np.log(2) / F18_S
        by_run = {name: name for name in self.injected.index}  # a copy's run and scan have its mouse's name
        for name, value, time, owner in (
            ("doses", "full_activity_kbq", "full_at", "animal_id"),
            ("doses", "residual_activity_kbq", "residual_at", "animal_id"),
            ("doses", "tail_activity_kbq", "tail_at", "animal_id"),
            ("tubes", "standard_activity_kbq", "standard_at", "counter_file"),
            ("counts", "counts", "counted_at", "counter_file"),
            ("scans", "activity_kbq_per_ml", "started_at", "scan_id"),
        ):
            sheet = self.many[name]
            mouse = sheet[owner].map(by_run)
            elapsed = pd.to_datetime(sheet[time].where(sheet[time] != ""), format="ISO8601", utc=True)
            elapsed = elapsed - mouse.map(self.injected)
            factor = np.exp(-mouse.map(slower) * elapsed.dt.total_seconds()).fillna(1.0)
            if name == "counts":  # the blanks do not decay
                factor = factor.where(sheet["position"] != "1", 1.0)
            if name == "scans":
                rois = self.many["rois"]
                rois[value] = rois[value] * rois["scan_id"].map(dict(zip(mouse, factor, strict=True)))
            else:
                sheet[value] = sheet[value] * factor


def drawn(sheets, layers, *, n, seed):
    """Return n copies of a study with the errors of some layers drawn."""
    errors, u = Errors(sheets, n, seed), UNCERTAINTY
    tubes = errors.many["tubes"]
    if "standard" in layers:
        errors.half_life(HALF_LIFE_SE_S)
        standard = tubes["role"] == "standard"
        errors.normal("tubes", "aliquot_mass_g", u["balance_g"], standard)
        errors.normal("tubes", "standard_mass_g", u["balance_g"], standard, shared=True)
        errors.normal("tubes", "dilution_mass_g", u["balance_g"], standard, shared=True)
        errors.normal("tubes", "standard_activity_kbq", u["sensitivity_frac"], relative=True)
        errors.clock("tubes", "standard_at", u["clock_s"], shared=True)
        errors.normal("rois", "activity_kbq_per_ml", u["scanner_frac"], relative=True)
        errors.poisson("standard")
    if "dose" in layers:
        for reading in ("full", "residual", "tail"):
            errors.normal("doses", f"{reading}_activity_kbq", u["calibrator_frac"], relative=True)
            errors.clock("doses", f"{reading}_at", u["clock_s"])
        errors.normal("doses", "injectate_mass_g", u["balance_g"])
        errors.poisson("tail")
    if "count" in layers:
        twice = tubes["tare_g"].notna()
        errors.normal("tubes", "mass_g", u["balance_g"], (tubes["role"] == "tissue") & ~twice)
        errors.normal("tubes", "mass_g", u["balance_g"] * np.sqrt(2), twice)
        errors.normal("rois", "activity_kbq_per_ml", u["roi_frac"], relative=True)
        errors.poisson("tissue", "blank")
    return errors.many
