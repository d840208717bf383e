"""Rows: how they are joined by key, and how they say why they hold no result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

COHORT = ["cohort"]
ANIMAL = ["cohort", "animal_id"]
INJECTION = ["cohort", "animal_id", "session"]
RUN = ["cohort", "counter_file"]
TUBE = ["cohort", "counter_file", "rack", "position"]
SCAN = ["cohort", "scan_id"]


def attach(left: pd.DataFrame, right: pd.DataFrame, on: Sequence[str]) -> pd.DataFrame:
    """Return `left` with the columns of `right` by key: every row stays, in order; what has no partner is empty.

    Parameters
    ----------
    left : DataFrame
        Rows that stay.
    right : DataFrame
        At most one row a key.
    on : sequence of str
        Columns of the key.

    Returns
    -------
    DataFrame
        As many rows as `left`, index from 0.
    """
    new = right.columns.difference(list(on))
    texts = [name for name in new if pd.api.types.is_string_dtype(right[name])]
    joined = left.merge(right, on=list(on), how="left", validate="m:1").reset_index(drop=True)
    joined[texts] = joined[texts].fillna("")
    return joined


def first_reason(index: pd.Index, *cases: tuple[object, str | pd.Series]) -> pd.Series:
    """Return for each row the text of the first case that holds, or an empty text.

    Parameters
    ----------
    index : Index
        Index of the rows.
    *cases : (mask, text)
        Mask over the rows, and one text or a text a row.

    Returns
    -------
    Series of str
        Reason by row.
    """
    masks = [np.asarray(mask, dtype=bool) for mask, _ in cases]
    texts = [np.broadcast_to(np.asarray(text, dtype=object), (len(index),)) for _, text in cases]
    return pd.Series(np.select(masks, texts, default=""), index=index, dtype=str)


def status(reason: pd.Series) -> pd.Series:
    """Return ``ok`` where there is no reason against it, else ``not_estimable``."""
    return pd.Series(np.where(reason == "", "ok", "not_estimable"), index=reason.index, dtype=str)


def join_unique(texts: Iterable[str]) -> str:
    """Return the distinct parts of texts joined by ``; ``, in the order in which they come."""
    parts = [part for text in texts for part in text.split("; ") if part]
    return "; ".join(dict.fromkeys(parts))


def join_across(texts: Sequence[pd.Series]) -> pd.Series:
    """Return the distinct parts of several columns of text, row by row, joined by ``; ``."""
    joined = pd.Series("", index=texts[0].index, dtype=str)
    speaking = np.logical_or.reduce([text != "" for text in texts])
    rows = zip(*(text[speaking] for text in texts), strict=True)
    joined.loc[speaking] = np.array([join_unique(row) for row in rows], dtype=object)
    return joined


def joined_by(frame: pd.DataFrame, on: Sequence[str], name: str) -> pd.Series:
    """Return the distinct texts of a column by key; only keys that have several are looked at one by one.

    Parameters
    ----------
    frame : DataFrame
        Rows with the key and the column.
    on : sequence of str
        Columns of the key.
    name : str
        Column of text.

    Returns
    -------
    Series of str
        Indexed by key, keys without any text left out.
    """
    key = list(on)
    speaking = frame.loc[frame[name] != "", [*key, name]].drop_duplicates()
    several = speaking.duplicated(key, keep=False) | speaking[name].str.contains("; ", regex=False)
    joined = speaking[several].groupby(key, sort=False)[name].agg(join_unique)
    texts: pd.Series = pd.concat([speaking[~several].set_index(key)[name], joined])
    return texts.astype(str)
