"""Figures: what is drawn is what the tables hold, and it can be read."""

import math
import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Text
from report_study import GROUPS, RESOURCES, StudyMaker
from scipy import stats

from cartrace.figures import CHECKS, PLOTS, data, marks, style, words
from cartrace.figures.calibration import line_band
from cartrace.figures.kinetics import MOST_MOUSE_PANELS, shortened

JOURNALS = (RESOURCES / "journals.csv").read_text(encoding="utf-8").splitlines()
DRAW = {plot.name: plot.draw for plot in (*PLOTS, *CHECKS)}


@dataclass(frozen=True)
class Study(data.Checks, data.Study):
    """The tables of all figures."""


def study_of(maker: StudyMaker, **changed: pd.DataFrame) -> Study:
    made = maker.made() | changed
    frames = {name: made[name] for name in Study.__dataclass_fields__ if name in made}
    groups = style.groups_of(maker.groups)
    return Study(
        **frames, groups=groups, region="tumour", kind="in_vivo", label="%ID/g", confidence=0.95, fit_confidence=0.95
    )


def drawn(study: Study, name: str, journal: str = "nature") -> data.Drawing:
    preset = style.preset(JOURNALS, journal)
    with style.context(preset):
        drawing = DRAW[name](study, preset)
        style.settle(drawing.figure)
    return drawing


def points(figure: Figure, kind: str) -> int:
    """How many marks of a kind (mice, below, excluded) a figure shows."""
    found = [
        artist
        for axes in figure.axes
        for artist in axes.collections
        if isinstance(artist, PathCollection) and artist.get_label() == f"_{kind}"
    ]
    return sum(len(artist.get_offsets()) for artist in found)


def lines(figure: Figure, name: str) -> list[np.ndarray]:
    return [line.get_xydata() for axes in figure.axes for line in axes.lines if line.get_label() == f"_{name}"]


def texts(figure: Figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]


def words_of(text: str) -> list[str]:
    return re.findall("[a-z]+", text.lower())


def labels_overlap(figure: Figure) -> list[tuple[str, str]]:
    renderer = FigureCanvasAgg(figure).get_renderer()
    bad = []
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            shown = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            labels = [label for tick in shown for label in (tick.label1, tick.label2) if label.get_visible()]
            boxes = [(label.get_text(), label.get_window_extent(renderer)) for label in labels if label.get_text()]
            bad += [(a[0], b[0]) for a, b in pairwise(boxes) if a[1].overlaps(b[1])]
    return bad


@pytest.fixture(scope="module")
def study() -> Study:
    return study_of(StudyMaker(exclude="m07"))


@pytest.mark.parametrize("journal", ["nature", "ejnmmi", "jnm", "theranostics"])
@pytest.mark.parametrize("name", list(DRAW))
def test_sizes_keep_the_journals_preset(study, name, journal):
    preset = style.preset(JOURNALS, journal)
    figure = drawn(study, name, journal).figure
    width, height = figure.get_size_inches() * 25.4
    assert width == pytest.approx(preset.single_mm) or width == pytest.approx(preset.double_mm)
    assert height <= preset.max_height_mm + 1e-9
    sizes = {text.get_fontsize() for text in texts(figure)}
    assert min(sizes) >= preset.min_size_pt
    assert max(sizes) <= preset.size_pt


@pytest.mark.parametrize("name", list(DRAW))
@pytest.mark.parametrize("n_per_group", [4, 15])
def test_no_tick_labels_overlap_and_none_leaves_the_figure(name, n_per_group):
    figure = drawn(study_of(StudyMaker(exclude="m07", n_per_group=n_per_group)), name).figure
    assert labels_overlap(figure) == []
    renderer = FigureCanvasAgg(figure).get_renderer()
    width, height = figure.bbox.width, figure.bbox.height
    for text in texts(figure):
        box = text.get_window_extent(renderer)
        inside = box.x0 > -3 and box.y0 > -3 and box.x1 < width + 3 and box.y1 < height + 3
        # A label that belongs to a tick outside the limits is not drawn.
        assert inside or text in [label for axes in figure.axes for label in hidden_labels(axes)], text.get_text()


def hidden_labels(axes) -> list[Text]:
    found = []
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if not low <= tick.get_loc() <= high or not axes.axison:
                found += [tick.label1, tick.label2]
    return found


def test_biodistribution_shows_every_mouse_once_per_tissue(study):
    figure = drawn(study, "biodistribution").figure
    counted = study.uptake[study.uptake["modality"] == "counter"]
    kept = counted[~counted["excluded"]]
    assert points(figure, "mice") == int((~kept["is_below_detection"]).sum())
    assert points(figure, "below") == int(kept["is_below_detection"].sum()) > 0
    assert points(figure, "excluded") == int(counted["excluded"].sum()) > 0


def test_biodistribution_intervals_are_those_of_the_table(study):
    figure = drawn(study, "biodistribution").figure
    rows = study.summaries
    rows = rows[(rows["analysis"] == "without_excluded") & (rows["modality"] == "counter")]
    rows = rows[rows["endpoint"] == "uptake_pct_id_per_g"]
    expected = sorted(zip(rows["geometric_mean_ci_low"], rows["geometric_mean_ci_high"], strict=True))
    assert sorted((line[0, 0], line[1, 0]) for line in lines(figure, "interval")) == expected
    assert sorted(line[0, 0] for line in lines(figure, "mean")) == sorted(rows["geometric_mean"])


def test_what_is_below_detection_stands_at_its_critical_level(study):
    figure = drawn(study, "biodistribution").figure
    found = [c for axes in figure.axes for c in axes.collections if c.get_label() == "_below"]
    for collection in found:
        np.testing.assert_allclose(collection.get_offsets()[:, 0], 0.002 / 0.1)


def test_ratios_show_every_mouse_once_per_tissue_and_reference(study):
    figure = drawn(study, "ratios").figure
    assert points(figure, "mice") == int((~study.ratios["excluded"]).sum())
    assert points(figure, "excluded") == int(study.ratios["excluded"].sum())
    row = study.ratios[(study.ratios["region"] == "tumour") & (study.ratios["reference"] == "blood")]
    mean = np.exp(np.log(row.loc[row["group"] == "CAR", "ratio"]).mean())
    assert any(np.isclose(line[0, 0], mean, rtol=1e-12) for line in lines(figure, "mean"))


def test_timecourse_draws_one_line_a_mouse_and_the_means_of_the_table(study):
    figure = drawn(study, "pet_timecourse").figure
    first = figure.axes[0]
    drawn_lines = sum(len(c.get_paths()) for c in first.collections if c.get_label() == "_mouse-lines")
    assert drawn_lines == len(study.uptake.loc[~study.uptake["excluded"], "animal_id"].unique())
    rows = study.summaries
    rows = rows[(rows["analysis"] == "without_excluded") & (rows["region"] == "tumour") & (rows["modality"] == "pet")]
    rows = rows[rows["endpoint"] == "uptake_pct_id_per_g"]
    shown = np.concatenate([line.get_ydata() for line in first.lines if line.get_label() == "_group-mean"])
    np.testing.assert_allclose(sorted(shown), sorted(rows["geometric_mean"]))
    assert first.get_ylabel() == "Uptake (%ID/g)"
    assert first.get_yscale() == "log"


def test_no_line_joins_two_scans_below_detection(study):
    uptake = study.uptake.copy()
    scans = uptake["modality"] == "pet"
    below = scans & (uptake["animal_id"] == "m09") & (uptake["region"] == "tumour")
    uptake.loc[below, "is_below_detection"] = True
    drawing = drawn(study_of(StudyMaker(exclude="m07"), uptake=uptake), "pet_timecourse")
    before, after = (
        sum(len(c.get_paths()) for c in figure.axes[0].collections if c.get_label() == "_mouse-lines")
        for figure in (drawn(study, "pet_timecourse").figure, drawing.figure)
    )
    assert after == before - 1
    assert "one mouse, broken between scans below detection" in drawing.caption


def test_timecourse_marks_the_critical_level_of_the_cells(study):
    figure = drawn(study, "pet_timecourse").figure
    (level,) = lines(figure, "critical-level")
    np.testing.assert_allclose(level[:, 1], 5e4)


def test_expansion_has_one_panel_a_mouse_and_its_curve(study):
    figure = drawn(study, "expansion_fits").figure
    titles = [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]
    assert titles == [f"m{number:02d}" for number in range(5, 13)]
    curves = lines(figure, "fit")
    main = study.curves[(study.curves["analysis"] == "without_excluded") & (study.curves["level"] == "animal")]
    assert len(curves) == main["animal_id"].nunique()
    by_mouse = [rows["fitted"].to_numpy() for _, rows in main.groupby("animal_id")]
    for curve in curves:
        assert any(np.array_equal(curve[:, 1], values) for values in by_mouse)


def test_many_mice_share_a_panel_a_group_and_none_is_left_out():
    maker = StudyMaker(n_per_group=MOST_MOUSE_PANELS // 2 + 1)
    study = study_of(maker)
    drawing = drawn(study, "expansion_fits")
    followed = study.cells[study.cells["role"] != "background"]
    shown = points(drawing.figure, "mice") + points(drawing.figure, "below")
    assert shown == len(followed)
    assert "too many for a panel each; all are drawn" in drawing.caption
    assert len([axes for axes in drawing.figure.axes if axes.axison]) == 2


def test_growth_parameters_show_mice_and_intervals_of_the_table(study):
    figure = drawn(study, "growth_parameters").figure
    rows = study.endpoints[study.endpoints["endpoint"].isin(set(study.estimates["parameter"]))]
    main = rows[(rows["analysis"] == "without_excluded") & rows["value"].notna() & ~rows["excluded"]]
    assert points(figure, "mice") == len(main)
    summaries = study.summaries[study.summaries["analysis"] == "without_excluded"].set_index(["endpoint", "group"])
    shown = {(round(line[0, 1], 12), round(line[1, 1], 12)) for line in lines(figure, "interval")}
    rate = summaries.loc[("growth_rate", "CAR")]
    assert (round(rate["geometric_mean_ci_low"], 12), round(rate["geometric_mean_ci_high"], 12)) in shown
    peak = summaries.loc[("time_of_peak", "CAR")]
    assert (round(peak["ci_low"], 12), round(peak["ci_high"], 12)) in shown


def test_primary_effect_stands_where_the_table_says(study):
    drawing = drawn(study, "primary_comparison")
    row = study.comparisons[study.comparisons["is_primary"] & (study.comparisons["analysis"] == "without_excluded")]
    row = row.iloc[0]
    (effect,) = lines(drawing.figure, "effect")
    assert effect[0, 1] == pytest.approx(row["mean_b"] * row["estimate"])
    (interval,) = lines(drawing.figure, "effect-interval")
    np.testing.assert_allclose(interval[:, 1], [row["mean_b"] * row["ci_low"], row["mean_b"] * row["ci_high"]])
    left, right = drawing.figure.axes
    np.testing.assert_allclose(np.array(left.get_ylim()) / row["mean_b"], right.get_ylim())
    assert points(drawing.figure, "mice") == row["n_a"] + row["n_b"]


def test_primary_that_cannot_be_made_says_why(study):
    rows = study.comparisons.copy()
    primary = rows["is_primary"]
    rows.loc[primary, ["status", "reason"]] = ["not_estimable", "fewer than 3 mice in NT"]
    numbers = ["estimate", "ci_low", "ci_high", "p_value", "mean_a", "mean_b", "statistic", "df"]
    rows.loc[primary, numbers] = np.nan
    drawing = drawn(study_of(StudyMaker(exclude="m07"), comparisons=rows), "primary_comparison")
    assert "fewer than 3 mice in NT" in drawing.caption
    assert lines(drawing.figure, "effect") == []
    assert any("estimable" in text.get_text() for text in texts(drawing.figure))


def test_a_primary_comparison_without_a_value_is_no_empty_panel(study):
    rows = study.comparisons.copy()
    rows.loc[rows["is_primary"], ["status", "reason"]] = ["not_estimable", "the study has no values of growth_rate"]
    endpoints = study.endpoints[study.endpoints["endpoint"] != "growth_rate"]
    drawing = drawn(study_of(StudyMaker(exclude="m07"), comparisons=rows, endpoints=endpoints), "primary_comparison")
    assert not drawing.source
    assert "the study has no values of growth rate" in drawing.caption


def test_a_caption_tells_why_some_mice_have_no_curve(study):
    why = "A mouse has none where it could not be fitted, or where its scans do not determine its growth rate."
    curves = study.curves[study.curves["animal_id"] != "m09"]
    caption = drawn(study_of(StudyMaker(exclude="m07"), curves=curves), "expansion_fits").caption
    followed = study.cells[(study.cells["role"] != "background")]["animal_id"].nunique()
    shown = curves[(curves["level"] == "animal") & (curves["analysis"] == "without_excluded")]["animal_id"].nunique()
    assert f"({shown} of {followed} mice have one). {why}" in caption


def test_no_caption_names_black_or_white_which_the_dark_page_swaps(study):
    for name in DRAW:
        assert not {"black", "white"} & set(words_of(drawn(study, name).caption)), name


def test_agreement_shows_each_mouse_and_the_limits_of_the_table(study):
    figure = drawn(study, "agreement").figure
    assert points(figure, "mice") + points(figure, "excluded") == len(study.uptake["animal_id"].unique())
    row = study.agreement[study.agreement["analysis"] == "without_excluded"].iloc[0]
    for name in ("ratio", "limit_low", "limit_high"):
        (line,) = lines(figure, name)
        np.testing.assert_allclose(line[:, 1], row[name])


def test_calibration_line_is_that_of_the_table(study):
    figure = drawn(study, "calibration").figure
    (line,) = lines(figure, "calibration-line")
    np.testing.assert_allclose(line[:, 1], 1e-4 + 2e-7 * line[:, 0])
    (limit,) = lines(figure, "detection-limit")
    np.testing.assert_allclose(limit[:, 0], 1e5)
    (samples,) = [c for axes in figure.axes for c in axes.collections if c.get_label() == "_samples"]
    assert len(samples.get_offsets()) == 4


def test_band_of_a_line_is_that_of_regression():
    random = np.random.default_rng(3)
    x = np.linspace(1.0, 10.0, 12)
    y = 0.5 + 2.0 * x + random.normal(0, 0.3, 12)
    design = np.column_stack([np.ones(12), x])
    beta, rss, *_ = np.linalg.lstsq(design, y, rcond=None)
    covariance = np.linalg.inv(design.T @ design) * rss[0] / 10
    row = {"intercept": beta[0], "slope": beta[1], "intercept_se": covariance[0, 0] ** 0.5}
    row |= {"slope_se": covariance[1, 1] ** 0.5, "covariance": covariance[0, 1], "n_points": 12}
    fitted, half = line_band(np.array([4.0]), row, confidence=0.95)
    at = np.array([1.0, 4.0])
    assert fitted[0] == pytest.approx(at @ beta)
    assert half[0] == pytest.approx(stats.t.ppf(0.975, 10) * (at @ covariance @ at) ** 0.5)


@pytest.mark.parametrize(
    ("changed", "empty"),
    [
        (
            {"has_pet": False},
            [
                *("pet_timecourse", "expansion_fits", "growth_parameters", "primary_comparison", "agreement"),
                *("cohort_forest", "sensitivity", "next_cohort"),
            ],
        ),
        ({"has_counter": False}, ["biodistribution", "ratios", "agreement", "counter_quality", "cohort_forest"]),
    ],
)
def test_a_figure_without_data_says_so(changed, empty):
    study = study_of(StudyMaker(**changed))
    for name in empty:
        drawing = drawn(study, name)
        (text,) = texts(drawing.figure)
        assert " ".join(text.get_text().split()) == drawing.caption == drawing.alt
        assert not drawing.source
    for name in set(DRAW) - set(empty):
        drawing = drawn(study, name)
        assert len(texts(drawing.figure)) > 1
        assert drawing.source


def test_alt_texts_hold_the_numbers_of_the_tables(study):
    rows = study.summaries[study.summaries["analysis"] == "without_excluded"]
    row = rows[(rows["endpoint"] == "uptake_pct_id_per_g") & (rows["region"] == "thyroid") & (rows["group"] == "CAR")]
    expected = words.with_interval(
        {
            "centre": row["geometric_mean"].iloc[0],
            "low": row["geometric_mean_ci_low"].iloc[0],
            "high": row["geometric_mean_ci_high"].iloc[0],
            "n": 4,
        }
    )
    assert f"CAR {expected}" in drawn(study, "biodistribution").alt
    assert "PET over counter 1.05" in drawn(study, "agreement").alt
    assert "p = " in drawn(study, "primary_comparison").alt
    assert "slope 2.00e-7" in drawn(study, "calibration").alt


def test_captions_say_what_n_bars_and_exclusions_are(study):
    for name in DRAW:
        caption = drawn(study, name).caption
        assert "  " not in caption
        assert caption.endswith(".")
    caption = drawn(study, "biodistribution").caption
    assert "UTD: T cells without reporter (n = 4 mice)" in caption
    assert "95 % confidence interval" in caption
    assert "Crosses: excluded from means and tests (1 mouse; injection_failed: paravenous)." in caption
    assert "Open: below detection, drawn at the critical level (2 values)." in caption


def test_values_a_log_axis_cannot_show_are_counted(study):
    endpoints = study.endpoints.copy()
    at = endpoints.index[(endpoints["region"] == "liver") & (endpoints["analysis"] == "without_excluded")][0]
    endpoints.loc[at, "value"] = -0.1
    drawing = drawn(study_of(StudyMaker(exclude="m07"), endpoints=endpoints), "biodistribution")
    assert "1 value of zero or less cannot stand on a log axis" in drawing.caption


def test_dollars_in_a_name_are_no_formula():
    maker = StudyMaker(rename={"m05": "a$b$c"})
    figure = drawn(study_of(maker), "expansion_fits").figure
    assert "a$b$c" in [axes.get_title(loc="left") for axes in figure.axes]


def test_colours_and_markers_follow_the_configs_order():
    groups = style.groups_of(GROUPS)
    assert [group.colour for group in groups] == list(style.COLOURS[:3])
    assert (
        len(
            {
                (group.colour, group.marker)
                for group in style.groups_of([{"name": str(n), "role": "test"} for n in range(12)])
            }
        )
        == 12
    )


def test_a_group_keeps_its_colour_where_others_are_absent(study):
    only = study.cells["group"].unique()
    assert "UTD" in only
    figure = drawn(study, "expansion_fits").figure
    (fit,) = {line.get_color() for axes in figure.axes[-4:] for line in axes.lines if line.get_label() == "_fit"}
    assert fit == style.COLOURS[2]


@given(st.floats(1e-6, 1e6), st.floats(1.15, 1e8), st.integers(3, 8))
def test_log_ticks_are_few_inside_and_rising(low, factor, most):
    high = low * factor
    ticks = style.log_ticks(low, high, most)
    assert 1 <= len(ticks) <= most
    assert ticks == sorted(set(ticks))
    assert all(low * (1 - 1e-6) <= tick <= high * (1 + 1e-6) for tick in ticks)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.01, "0.01"),
        (0.5, "0.5"),
        (1, "1"),
        (1000, "1000"),
        (10000, "10⁴"),
        (3e6, "3×10⁶"),
        (1e-5, "10⁻⁵"),
        (-2, "−2"),
        (0, "0"),
    ],
)
def test_axis_numbers(value, text):
    assert style.plain_number(value) == text


def test_limits_hold_all_values():
    low, high = style.log_limits([0.3, 20.0, math.nan, -1.0])
    assert low < 0.3
    assert high > 20.0
    assert style.log_limits([math.nan]) == (0.1, 10.0)


@given(st.lists(st.floats(0.001, 1000), min_size=1, max_size=30, unique=True), st.randoms())
def test_spread_moves_with_its_mouse(values, random):
    order = list(range(len(values)))
    random.shuffle(order)
    array = np.array(values)
    spread = marks.spread(array, width=0.4)
    assert np.abs(spread).max() <= 0.2
    np.testing.assert_array_equal(marks.spread(array[order], width=0.4), spread[order])


def test_geometric_interval_is_the_t_interval_of_the_logarithms():
    values = np.array([1.0, 2.0, 5.0, 9.0])
    logs = np.log(values)
    low, high = stats.t.interval(0.9, 3, logs.mean(), stats.sem(logs))
    found = data.geometric_interval(values, confidence=0.9)
    np.testing.assert_allclose(found, np.exp([logs.mean(), low, high]))
    assert np.isnan(data.geometric_interval(np.array([1.0, -1.0]), confidence=0.95)).all()


def test_long_names_keep_both_ends():
    assert shortened("short") == "short"
    assert shortened("a-very-long-name-of-a-mouse-17") == "a-very-lo…mouse-17"
    assert len(shortened("x" * 99)) <= 18


# Linear RGB of a viewer who lacks a kind of cone, of full severity: Machado, Oliveira, Fernandes, IEEE Trans Vis Comput
# Graph 2009;15:1291-1298, table 1.
VIEWERS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear RGB, white point D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = (to_xyz @ np.clip(rgb, 0, 1)) / (to_xyz @ np.ones(3))
    f = [t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("viewer", VIEWERS)
def test_groups_stay_apart_for_viewers_with_two_kinds_of_cones(viewer):
    coded = [np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]) for colour in style.COLOURS]
    linear = [np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) for c in coded]
    seen = [lab(np.array(VIEWERS[viewer]) @ colour) for colour in linear]
    groups = style.groups_of([{"name": str(number), "role": "test"} for number in range(len(style.COLOURS))])
    for first in range(len(seen)):
        for second in range(first):
            # A difference of 10 is seen at a glance; where colours come closer, the shapes still differ.
            assert np.linalg.norm(seen[first] - seen[second]) > 10 or first > 3
            assert groups[first].marker != groups[second].marker
