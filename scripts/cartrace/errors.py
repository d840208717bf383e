"""What goes wrong with a lab's input, said so that the lab can mend it.

Two kinds of failure exist. An :class:`InputError` is the reader's to mend: it carries every problem that was found, is
printed without a traceback and ends the job with exit code 1. Anything else is a defect of cartrace and crashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_SHOWN_ROWS = 12
# Share of a name from which on another one is like it.
_ALIKE = 0.5
_LOOKS = str.maketrans("oil|", "0111", "‐‑‒–—−.")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where it stands, and what to do about it.

    Parameters
    ----------
    code : str
        Stable name of the kind of problem, e.g. ``unknown-column``.
    why : str
        What is wrong, as a sentence without its full stop.
    remedy : str
        What to do, as a sentence without its full stop.
    file, sheet : str
        File as the lab names it; sheet of a workbook, or empty.
    row : int or None
        Row as Excel shows it (the header is row 1).
    column, value : str
        Column header and the cell's text, as they stand in the file.
    letter : str
        Letter of the column in Excel, or empty.
    more : tuple of int
        Further rows with the same problem.
    """

    code: str
    why: str
    remedy: str
    file: str = ""
    sheet: str = ""
    row: int | None = None
    column: str = ""
    value: str | None = None
    letter: str = ""
    more: tuple[int, ...] = ()

    def __str__(self) -> str:
        place = " > ".join(part for part in (self.file, self.sheet) if part)
        if self.more:
            rows = [str(row) for row in (self.row, *self.more)]
            place += f", {len(rows)} rows: {', '.join(rows[:_SHOWN_ROWS])}{', ...' if len(rows) > _SHOWN_ROWS else ''}"
        elif self.row is not None:
            place += f", row {self.row}"
        if self.column:
            place += f", column {self.letter} '{self.column}'" if self.letter else f", column '{self.column}'"
        quoted = "" if self.value is None else f" (found '{self.value}')"
        return f"{place or 'study'}: {self.why}{quoted}. {self.remedy}. [{self.code}]"


class InputError(Exception):
    """All problems of one input, together; `closing` stands below them."""

    def __init__(
        self, problems: Sequence[Problem], *, consequence: str = "Nothing was calculated.", closing: str = ""
    ) -> None:
        self.problems = tuple(problems)
        count, places = len(self.problems), sum(1 + len(problem.more) for problem in self.problems)
        spread = f", in {places} places" if places > count else ""
        lines = [f"{count} problem{'s' if count != 1 else ''} in the input{spread}. {consequence}"]
        lines += [f"  {number}. {problem}" for number, problem in enumerate(self.problems, start=1)]
        lines += [closing] if closing else []
        super().__init__("\n".join(lines))


def nearest(name: str, known: Iterable[str], *, most: int = 1) -> list[str]:
    """Return the known names most alike to `name`, compared without case and separators, best first.

    Names that look the same (O and 0; l, 1 and I) come before all others; of names that are equally alike those of the
    same signs in another order, then those that begin alike, then the first of the alphabet.
    """
    typed = plain(name)
    found = []
    for one in set(known):
        spelled, is_same = plain(one), _look(one) == _look(name)
        alike = SequenceMatcher(None, spelled, typed).ratio()
        if is_same or alike >= _ALIKE:
            slips = sorted(spelled) != sorted(typed), spelled[:1] != typed[:1]
            found.append((not is_same, -alike, *slips, one))
    return [one for *_, one in sorted(found)[:most]]


def _look(name: str) -> str:
    """Return `name` with one sign for those that look alike, and without blanks and dashes."""
    return "".join(plain(name).translate(_LOOKS).split())


def plain(name: str) -> str:
    """Return `name` in the form in which headers and names are compared: lower case, one kind of separator."""
    return " ".join(name.replace("_", " ").replace("-", " ").lower().split())


def column_letter(index: int) -> str:
    """Return the letter that Excel shows above a column; the first has the index 0.

    Examples
    --------
    >>> column_letter(27)
    'AB'
    """
    letters = ""
    while index >= 0:
        index, place = divmod(index, 26)
        letters, index = chr(ord("A") + place) + letters, index - 1
    return letters


def column_index(letters: str) -> int:
    """Return the index of the column under these letters in Excel; A is 0.

    Examples
    --------
    >>> column_index("AB")
    27
    """
    index = 0
    for letter in letters.upper():
        index = 26 * index + ord(letter) - ord("A") + 1
    return index - 1
