"""Growth rates that points below detection leave to some mice of a group only, or with a long tail."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cartrace.expansion import Study
from cartrace.expansion_points import Texts
from cartrace.growth import Mask
from cartrace.quantities import Quantity

GROWTH = ("growth_rate", "doubling_time")
# ASSUME: where detection costs over a fifth of a group's mice their growth rate, it has selected those of the others.
LEAST_RATED_SHARE = 0.8


def refuse_selected_rates(study: Study, found: Sequence[Quantity], outcomes: Sequence[tuple[Texts, Texts]]) -> None:
    """Refuse the growth rates of groups of which detection leaves too few: they would be those of chosen mice.

    Notes
    -----
    Whether a mouse has three points above detection, and a rate that these determine, depends on its noise, and the
    noise that helps is not that of an average mouse. No rule about single mice can avoid that: stricter ones choose
    more. Informative missingness, Rubin, Biometrika 1976;63:581, doi:10.1093/biomet/63.3.581.
    """
    by_name = {quantity.name: number for number, quantity in enumerate(found)}
    number = by_name["growth_rate"]
    given = np.zeros(len(study.mice), dtype=bool)
    given[study.rows] = outcomes[number][0] == "ok"
    lost = ~given & (study.points.n_censored > 0)
    lost[study.rows] |= ~given[study.rows] & is_skewed(study, found[number])
    group = study.mice["group"].to_numpy()
    for name in dict.fromkeys(group[lost]):
        members = group == name
        n_lost, n = int(lost[members].sum()), int((lost | given)[members].sum())
        if n - n_lost >= LEAST_RATED_SHARE * n:
            continue
        is_hidden = 2 * int((lost & members & (study.points.n_censored > 0)).sum()) > n_lost
        why, remedy = ", mostly below detection", "above detection"
        if not is_hidden:
            why, remedy = "", "and falls, or fit a curve of fewer parameters"
        text = (
            f"the points of {n_lost} of {n} mice of group {name} do not determine it{why}; rates of the others alone "
            f"would be biased: scan more often while the signal rises {remedy}"
        )
        for status, reason in (outcomes[by_name[one]] for one in GROWTH):
            refused = members[study.rows] & (status == "ok")
            status[refused], reason[refused] = "not_estimable", text


def is_skewed(study: Study, quantity: Quantity) -> Mask:
    """Return the fitted mice whose rate has a long tail: seen from one side only, or the slope at the curve's edge."""
    none = np.zeros(len(study.rows), dtype=bool)
    if quantity.name not in GROWTH:
        return none
    is_parameter = any(parameter.name == "growth_rate" for parameter in study.model.parameters)
    return np.asarray((study.points.n_censored[study.rows] > 0) | (quantity.scale == "log") & (not is_parameter))
