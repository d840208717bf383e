"""What limits the uptake of each tissue: the layers of its uncertainty, in the median over mice."""

from __future__ import annotations

import numpy as np
import pandas as pd

# Column of each layer, and what it is called.
LAYERS = (
    ("rel_se_count", "the tube or region alone"),
    ("rel_se_dose", "the dose"),
    ("rel_se_standard", "standards and calibration"),
)


def layers_of(uptake: pd.DataFrame) -> pd.DataFrame:
    """Return by modality and region the median of each layer, of their total, the count, and the layer that limits.

    Parameters
    ----------
    uptake : DataFrame
        Contract `Uptake`.

    Returns
    -------
    DataFrame
        `modality`, `region`, `n`, the three layers and `total` (relative), `limited_by`.
    """
    names = [name for name, _ in LAYERS]
    good = uptake[(uptake["status"] == "ok") & ~uptake["is_below_detection"]]
    good = good[good[names].notna().any(axis=1)]
    total = np.sqrt((good[names].fillna(0.0) ** 2).sum(axis=1))
    by = good.assign(total=total).groupby(["modality", "region"], sort=True)
    found = by[[*names, "total"]].median().assign(n=by.size()).reset_index()
    label = dict(LAYERS)
    limits = found[names].fillna(0.0).idxmax(axis=1).map(label) if len(found) else pd.Series(dtype=str)
    found = found.assign(limited_by=limits)
    return found.sort_values(["modality", "total", "region"], ascending=[True, False, True], ignore_index=True)
