"""Warnings that a lab has looked at: which ones the config acknowledges, and which a final report still wants."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pandas as pd

from cartrace.errors import InputError, Problem

_KEYS = ("cohort", "check", "subject")


def reasons(quality: pd.DataFrame, acknowledged: Sequence[Mapping[str, str]]) -> pd.Series:
    """Return the reason with which each row of quality is acknowledged; empty where it is not, or passes.

    Parameters
    ----------
    quality : DataFrame
        Contract `Quality`.
    acknowledged : sequence of mapping
        The config's ``quality.acknowledged``: cohort (empty: any), check, subject, reason.
    """
    given = {tuple(item[key] for key in _KEYS): item["reason"] for item in acknowledged}
    found = [
        given.get((cohort, check, subject), given.get(("", check, subject), "")) if status != "pass" else ""
        for cohort, check, subject, status in zip(*(quality[key] for key in (*_KEYS, "status")), strict=True)
    ]
    return pd.Series(found, index=quality.index, dtype=str)


def require(quality: pd.DataFrame, acknowledged: Sequence[Mapping[str, str]]) -> None:
    """Refuse a final report as long as a warning is not acknowledged.

    Raises
    ------
    InputError
        Every warning without a reason, with the lines of YAML that give it one, and every reason without a warning.
    """
    warned = quality[quality["status"] != "pass"]
    missing = warned[reasons(warned, acknowledged) == ""]
    problems = [
        Problem(
            "not-acknowledged",
            f"{row['status']}: {str(row['message']).rstrip('.')}",
            "Mend its cause, or acknowledge it",
            file=row["cohort"],
            sheet=f"{row['check']}, {row['subject']}",
        )
        for row in missing.to_dict("records")
    ]
    problems += [_unused(item) for item in acknowledged if not _is_used(item, warned)]
    if problems:
        consequence = (
            "The report was not built: 'study.status' is final, and a final report has a reason for each warning."
        )
        raise InputError(problems, consequence=consequence, closing=_to_paste(missing))


def _is_used(item: Mapping[str, str], warned: pd.DataFrame) -> bool:
    alike = (warned["check"] == item["check"]) & (warned["subject"] == item["subject"])
    return bool((alike & (warned["cohort"] == item["cohort"]) if item["cohort"] else alike).any())


def _unused(item: Mapping[str, str]) -> Problem:
    where = f"{item['cohort']} " if item["cohort"] else ""
    return Problem(
        "acknowledged-nothing",
        f"there is no such warning: {where}{item['check']}, {item['subject']}",
        "Correct the entry, or remove it",
        file="the config",
        column="quality.acknowledged",
    )


def _to_paste(missing: pd.DataFrame) -> str:
    """Return the entries that are missing, as YAML; a JSON string is one of YAML too."""
    if missing.empty:
        return ""
    entries = [
        "    - {" + ", ".join(f"{key}: {json.dumps(row[key], ensure_ascii=False)}" for key in _KEYS) + ', reason: ""}'
        for row in missing.to_dict("records")
    ]
    head = "To acknowledge them, paste this into the config and write a reason into each line:"
    return "\n".join([head, "quality:", "  acknowledged:", *entries])
