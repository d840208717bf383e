"""How numbers and comparisons are written, once, for text, tables and figures: only here are numbers rounded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cartrace.names import in_words

MOST_DIGITS = 8
_ADJUSTMENT_LABELS = {"holm": "Holm", "BH": "BH"}


def format_p(p_value: float) -> str:
    """Return an exact p with two significant digits, scientific below 1e-4, without its sign of equality.

    A p that would round to 1 without being 1 is written ``>0.99``, a missing one as an empty text.
    """
    if math.isnan(p_value):
        return ""
    if p_value == 1:
        return "1"
    if p_value > 0.99:
        return ">0.99"
    if p_value < 1e-300:
        return "<1e-300"
    if p_value < 1e-4:
        return scientific(p_value, 1)
    return f"{p_value:.{1 - math.floor(math.log10(float(f'{p_value:.1e}')))}f}"


def p_text(p_value: float, *, name: str = "p") -> str:
    """Return ``p = 0.00031``, ``p > 0.99`` or ``p < 1e-300``."""
    written = format_p(p_value)
    return f"{name} {written[0]} {written[1:]}" if written[:1] in ("<", ">") else f"{name} = {written}"


def decimals(uncertainty: float) -> int:
    """Return the decimals that an uncertainty leaves; negative means tens, hundreds and so on.

    Notes
    -----
    Rule of the Particle Data Group: of the uncertainty's three leading digits, 100-354 keep two digits, 355-949 one,
    950-999 are rounded to 1000 and keep two. Review of Particle Physics, introduction, section 5.3.
    """
    exponent = math.floor(math.log10(uncertainty))
    leading = round(uncertainty / 10.0 ** (exponent - 2))
    if leading >= 950:
        return -exponent
    return (1 if leading < 355 else 0) - exponent


def significant(value: float, digits: int) -> int:
    """Return the decimals with which `value` shows that many significant digits; 0 digits of 0 need none."""
    return digits - 1 - math.floor(math.log10(abs(value))) if value else 0


def _at_most(places: int, value: float) -> int:
    """Return decimals, no more than measured values can need: an uncertainty of 1e-15 is the rounding of a computer."""
    return min(places, significant(value, MOST_DIGITS)) if value else places


def scientific(value: float, places: int) -> str:
    """Return `value` as mantissa and power of ten, ``1.2e7``, with `places` decimals of the mantissa."""
    mantissa, exponent = f"{value:.{max(places, 0)}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def fixed(value: float, places: int) -> str:
    """Return `value` with `places` decimals, scientific where it would be long; a missing value is an empty text."""
    if math.isnan(value):
        return ""
    if abs(value) >= 1e5 or places > 5:
        # A value of zero has no exponent of its own.
        exponent = math.floor(math.log10(abs(value))) if value else -places
        return scientific(value, exponent + places)
    rounded = round(value, places) + 0.0
    return f"{rounded:.{max(places, 0)}f}"


def format_value(value: float, uncertainty: float = math.nan, *, digits: int = 3) -> str:
    """Return `value` rounded by its uncertainty; without one, to that many significant digits."""
    if math.isnan(value):
        return ""
    if math.isfinite(uncertainty) and uncertainty > 0:
        return fixed(value, _at_most(decimals(uncertainty), value))
    return fixed(value, significant(value, digits))


def format_spread(mean: float, sd: float) -> str:
    """Return ``0.888 ± 0.095``: a mean and the scatter about it, which keeps two significant digits."""
    if not (math.isfinite(sd) and sd > 0):
        return format_value(mean)
    places = 1 - int(f"{sd:.1e}".split("e")[1])
    return f"{fixed(mean, places)} ± {fixed(sd, places)}"


def format_log_value(value: float, relative_uncertainty: float) -> str:
    """Return a positive value rounded by its relative uncertainty, with two significant digits at least."""
    if math.isnan(value):
        return ""
    if not (math.isfinite(relative_uncertainty) and relative_uncertainty > 0):
        return format_value(value)
    return fixed(value, max(_at_most(decimals(value * relative_uncertainty), value), significant(value, 2)))


def format_estimate(estimate: float, low: float, high: float, *, scale: str) -> tuple[str, str, str]:
    """Return an estimate and its limits, rounded alike: by the half width of the interval on the scale of the test."""
    if scale == "log":
        relative = math.log(high / low) / 2 if 0 < low < high else math.nan
        return format_log_value(estimate, relative), format_log_value(low, relative), format_log_value(high, relative)
    half_width = (high - low) / 2
    return format_value(estimate, half_width), format_value(low, half_width), format_value(high, half_width)


def half_life(seconds: float) -> str:
    """Return ``109.77 min``: a half-life in the largest unit of which it holds two, with five digits."""
    units = (("d", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0))
    name, length = next((unit for unit in units if seconds >= 2 * unit[1]), units[-1])
    return f"{seconds / length:.5g} {name}"


def unit_label(unit: str, *, uptake_label: str = "%ID/g") -> str:
    """Return a unit as the report prints it: %IA instead of %ID where the study says so, `per day` for `1/day`."""
    if unit.startswith("1/"):
        return f"per {unit[2:]}"
    return unit.replace("%ID", uptake_label.removesuffix("/g"))


def sentence(row: Mapping[str, Any], labels: Mapping[str, str], *, uptake_label: str = "%ID/g") -> str:
    """Return one comparison as the one line in which it is printed everywhere.

    Parameters
    ----------
    row : mapping
        A row of the table of comparisons.
    labels : mapping
        Group name to the label that is printed; a group without one keeps its name.
    uptake_label : str
        ``%ID/g`` or ``%IA/g``.

    Returns
    -------
    str
        For example ``CAR-T 8.1 vs UTD 2.4 %ID/g; ratio 3.4 [95 % CI 2.1, 5.4]; Welch t on log, t(9.3) = 5.6,
        p = 0.00031, Holm p = 0.0019; Hedges g 2.9 [1.3, 4.4]; n = 6 vs 6 mice``. Mice that are below detection or
        have no value are named at the end; a comparison that could not be made says why.
    """
    a, b = (labels.get(row[group]) or row[group] for group in ("group_a", "group_b"))
    mice = _mice(row)
    if row["status"] != "ok":
        return f"{a} vs {b}: not compared, {in_words(row['reason'])}; {mice}"
    unit = unit_label(row["unit"], uptake_label=uptake_label)
    parts = [
        f"{a} {_mean(row, 'a')} vs {b} {_mean(row, 'b')} {unit}".rstrip(),
        _effect(row, unit),
        _test(row),
        _hedges(row),
        mice,
    ]
    return "; ".join(part for part in parts if part)


def _mean(row: Mapping[str, Any], side: str) -> str:
    se = row[f"sd_{side}"] / math.sqrt(row[f"n_{side}"])
    format_mean = format_log_value if row["scale"] == "log" else format_value
    return format_mean(row[f"mean_{side}"], se) or "below detection"


def _effect(row: Mapping[str, Any], unit: str) -> str:
    if math.isnan(row["estimate"]):
        return ""
    if math.isnan(row["ci_low"]) or math.isnan(row["ci_high"]):
        shown = format_value(row["estimate"])
        return f"ratio {shown}" if row["scale"] == "log" else f"difference {shown} {unit}".rstrip()
    estimate, low, high = format_estimate(row["estimate"], row["ci_low"], row["ci_high"], scale=row["scale"])
    interval = f"[{100 * row['ci_level']:g} % CI {low}, {high}]"
    return (
        f"ratio {estimate} {interval}"
        if row["scale"] == "log"
        else f"difference {estimate} {unit}".rstrip() + f" {interval}"
    )


def _test(row: Mapping[str, Any]) -> str:
    parts = [test_text(row), p_text(row["p_value"])]
    if row["adjustment"] != "none":
        label = _ADJUSTMENT_LABELS.get(row["adjustment"], row["adjustment"])
        parts.append(p_text(row["p_adjusted"], name=f"{label} p"))
    return ", ".join(parts)


def test_text(row: Mapping[str, Any]) -> str:
    """Return the test of a comparison with its statistic: ``Welch t on log, t(9.3) = 5.6``."""
    name, statistic = row.get("statistic_name", "t"), row["statistic"]
    if name not in ("t", "U"):
        return f"{row['test']} ({row['p_method']})"
    df = "" if math.isnan(row["df"]) else f"({row['df']:.1f})"
    return f"{row['test']}, {name}{df} = {statistic:.{1 if abs(statistic) >= 1 else 2}f}"


def _hedges(row: Mapping[str, Any]) -> str:
    """Return the standardised effect size, of whichever kind the test has."""
    name, label = ("hedges_g", "Hedges g")
    if math.isnan(row[name]):
        name, label = ("rank_biserial", "rank-biserial correlation")
    value, limits = row.get(name, math.nan), (row.get(f"{name}_ci_low", math.nan), row.get(f"{name}_ci_high", math.nan))
    if math.isnan(value):
        return ""
    if any(math.isnan(limit) for limit in limits):
        return f"{label} {format_value(value)}"
    g, low, high = format_estimate(value, *limits, scale="linear")
    return f"{label} {g} [{low}, {high}]"


def _mice(row: Mapping[str, Any]) -> str:
    parts = [f"n = {row['n_a']} vs {row['n_b']} mice"]
    for column, label in (("n_below_detection", "below detection"), ("n_not_estimable", "without a value")):
        counts = row[f"{column}_a"], row[f"{column}_b"]
        if any(counts):
            parts.append(f"{label} {counts[0]} vs {counts[1]}")
    return "; ".join(parts)
