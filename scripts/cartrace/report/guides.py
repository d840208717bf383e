"""How each figure is read, and what it looks like when something is wrong."""

from __future__ import annotations

GUIDES: dict[str, str] = {
    "timeline": (
        "Read each row from left to right: the line starts with the cells and ends with the last measurement. Good: "
        "the groups of a cohort were measured on the same days and their rows end alike. Bad: one group was measured "
        "later than the other, rows that end early in one group only (the mice that are left are a selection), gaps "
        "in the middle of rows (missed scans that a fit has to bridge)."
    ),
    "counter_quality": (
        "Left: the blanks of a run should scatter about one level; a slope or a jump means a source near the counter "
        "or a contaminated rack. Middle: the standards should stay within their counting error of 100 %; a trend over"
        " a run means drift or a wrong half-life or clock, one outlier a pipetting error. Right: the loss should rise"
        " smoothly with the rate; beyond about 10 % the correction itself becomes uncertain and the tubes should be "
        "counted again after decay."
    ),
    "dose_quality": (
        "Good: doses within a session lie close together, residuals and tails are a few percent, standard over "
        "calibrator scatters closely about 1. Bad: a high tail (part of the dose never circulated, so that every "
        "uptake of that mouse is too low), a ratio that is off in all mice (calibrator setting, wrong dilution) or in"
        " one (a weighing), a recovered activity above 100 % (a dose that is too small, or a tissue counted twice)."
    ),
    "biodistribution": (
        "Each mouse is a mark; find a tissue, compare the groups in its rows. Good: marks of a group form one cloud. "
        "Bad: one mouse at an edge in all tissues (its dose is wrong), a tissue in which all groups scatter widely "
        "(masses, spilled tubes), many open marks (below detection: only an upper limit is known)."
    ),
    "ratios": (
        "Ratios within a mouse do not depend on its dose. A mouse that is an outlier in uptake but not here has a "
        "wrong dose; one that is an outlier here too has something wrong with the tissue or its reference."
    ),
    "pet_timecourse": (
        "Thin lines are mice, thick ones groups. Good: the control stays flat, lines of a group run together. Bad: "
        "all mice of a day jump together (calibration of the scanner, clock, dose of that day), lines that end early "
        "in one group (the later mean is one of survivors), a signal that hugs the dashed critical level."
    ),
    "calibration": (
        "The points should lie on the line over the whole grey range, and the log-log slope should include 1: then "
        "twice the cells give twice the signal. Bad: points that bend off at the top (saturation) or flatten at the "
        "bottom (background not subtracted), a detection limit that reaches into the cells that you measure."
    ),
    "expansion_fits": (
        "The curve should pass through the points, and the band be narrow where points are. Bad: points on "
        "alternating sides of the curve (the wrong model), a band that opens widely (too few points to tell), most "
        "points open (the fit rests on what was not detected)."
    ),
    "growth_parameters": (
        "Each mark is the parameter of one mouse. Check n under each group against the number of mice: a parameter "
        "that many mice do not give compares the ones that happen to give it."
    ),
    "primary_comparison": (
        "Left: every mouse. Right: the effect with its confidence interval, on an axis that starts at the control's "
        "mean. An interval that crosses the grey line is compatible with no difference; a wide one with many sizes of"
        " difference. Bad: a difference that rests on one mouse, groups that differ in scatter more than in place."
    ),
    "cohort_forest": (
        "The intervals of the cohorts should overlap each other and the pooled one. Bad: cohorts on opposite sides of"
        " the grey line, or one cohort that carries the result alone."
    ),
    "sensitivity": (
        "Each row makes one choice otherwise. The conclusion is robust where all intervals stay on one side of the "
        "grey line; look at every row that crosses it and at what it changes."
    ),
    "agreement": (
        "Good: the solid line near 1 and narrow limits, without a trend along the axis. Bad: a line away from 1 "
        "(calibration, partial volume, density), limits that widen or marks that slope (the two disagree more at low "
        "uptake: spill-over or background)."
    ),
    "readouts": (
        "Read it beside the cells: does the tumour shrink where the cells expand? Bad: a group mean that drops "
        "because the worst mice have left, body weights that fall in one group only."
    ),
    "uncertainty": (
        "For each tissue the mark furthest to the right limits it. If that is the tube, count longer or take more "
        "tissue; if the dose, weigh syringes and standards better; if standards and calibration, more scans or mice "
        "do not help, another calibration does."
    ),
    "next_cohort": (
        "Choose the smallest effect that would matter, read the mice per group. The bars say how little a scatter "
        "from few mice is known: plan for the upper end where a wrong answer is costly."
    ),
}
