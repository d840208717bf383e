"""Stage 6: survival of the groups, early signals against later outcomes, the response against other readouts."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cartrace import job, tables
from cartrace.prediction import MOUSE, predict
from cartrace.readout_agreement import agree_with_readouts
from cartrace.readout_days import with_days
from cartrace.survival_groups import compare_survival, lives


def main(
    *,
    endpoints: str,
    uptake: Sequence[str],
    animals: Sequence[str],
    readouts: Sequence[str],
    exclusions: Sequence[str],
    survival: str,
    predictions: str,
    readout_agreement: str,
    groups: Sequence[Mapping[str, Any]],
    prediction: Sequence[Mapping[str, Any]],
    region: str,
    window_days: Sequence[float],
    confidence: float,
) -> None:
    """Read endpoints, mice and readouts; write survival, predictions and the agreement with readouts."""
    values, mice = tables.read(endpoints, tables.Endpoints), _read_all(animals, tables.Animals)
    scans = _read_all(uptake, tables.Uptake)[[*MOUSE, "session", "cell_day"]].rename(columns={"cell_day": "day"})
    scans = scans.dropna().drop_duplicates()
    other = with_days(_read_all(readouts, tables.Readouts), mice)
    seen = pd.concat([scans[[*MOUSE, "day"]], other[[*MOUSE, "day"]]])
    followed = lives(mice, _read_all(exclusions, tables.Exclusions), seen)
    predicted = predict(
        values,
        followed,
        other,
        scans,
        prediction=prediction,
        groups=groups,
        region=region,
        window_end_day=window_days[1],
        confidence=confidence,
    )
    tables.write(compare_survival(followed, groups=groups, confidence=confidence), survival, tables.Survival)
    tables.write(predicted, predictions, tables.Predictions)
    agreed = agree_with_readouts(values, other, scans, confidence=confidence)
    tables.write(agreed, readout_agreement, tables.ReadoutAgreement)


def _read_all(paths: Sequence[str], table: type[tables.Table]) -> pd.DataFrame:
    return pd.concat([tables.read(path, table) for path in paths], ignore_index=True)


if "snakemake" in globals():
    job.run(
        main,
        log=snakemake.log[0],
        inputs=dict(snakemake.input),
        outputs=dict(snakemake.output),
        params={key: value for key, value in snakemake.params.items() if key != "core"},
    )
