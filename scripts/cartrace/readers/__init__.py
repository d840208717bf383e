"""The readers of exports, and the choice between them by what a file holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cartrace.readers import amide, bids, caliper, dft, hidex, living_image, pmod, pmod_tac, slicer, table, wizard2
from cartrace.readers.export import MOST_BYTES, Export
from cartrace.readers.readings import CounterRun, CountRow, ReadoutRow, ReadoutTable, RoiRow, RoiTable, Settings

__all__ = [
    "READERS",
    "CountRow",
    "CounterRun",
    "Export",
    "Reader",
    "ReadoutRow",
    "ReadoutTable",
    "RoiRow",
    "RoiTable",
    "Settings",
    "choose",
    "readers_of",
]


@dataclass(frozen=True)
class Reader:
    """One kind of export.

    Parameters
    ----------
    name : str
        As the config's ``format`` names it.
    what : str
        counter, pet or readouts.
    about : str
        What it reads, in words.
    detects : callable
        Whether a file is of this kind, by its content.
    reads : callable
        The file's rows.
    """

    name: str
    what: str
    about: str
    detects: Callable[[Export, Settings], bool]
    reads: Callable[[Export, Settings], CounterRun | RoiTable | ReadoutTable]


READERS: tuple[Reader, ...] = (
    Reader("wizard2", "counter", "Wizard2 2470/2480 CSV", wizard2.detects, wizard2.reads),
    Reader("hidex_xlsx", "counter", "Hidex AMG AutoExport (.xlsx)", hidex.detects_workbook, hidex.reads_workbook),
    Reader("hidex_csv", "counter", "Hidex AMG CSV", hidex.detects_csv, hidex.reads_csv),
    Reader(
        "table",
        "counter",
        "any table whose columns 'counter.columns' of the config names",
        table.detects_counter,
        table.reads_counter,
    ),
    Reader("pmod_voistat", "pet", "PMOD VOI statistics (.voistat)", pmod.detects, pmod.reads),
    Reader("pmod_tac", "pet", "PMOD time-activity curves (.tac)", pmod_tac.detects, pmod_tac.reads),
    Reader("amide", "pet", "AMIDE ROI analysis (.tsv)", amide.detects, amide.reads),
    Reader("slicer", "pet", "3D Slicer Segment Statistics (.csv, .tsv)", slicer.detects, slicer.reads),
    Reader("dft", "pet", "Turku PET Centre curves (.dft)", dft.detects, dft.reads),
    Reader("bids_tacs", "pet", "BIDS-style curves (*_tacs.tsv with its .json)", bids.detects, bids.reads),
    Reader(
        "table", "pet", "any table whose columns 'pet.columns' of the config names", table.detects_pet, table.reads_pet
    ),
    Reader("living_image", "readouts", "Living Image ROI table (.csv, .txt)", living_image.detects, living_image.reads),
    Reader("caliper", "readouts", "caliper table, long or by day (.csv, .tsv)", caliper.detects, caliper.reads),
)


def readers_of(what: str) -> tuple[Reader, ...]:
    """Return the readers of exports of the counter, of PET, or of readouts."""
    return tuple(reader for reader in READERS if reader.what == what)


def choose(export: Export, *, what: str, form: str, settings: Settings) -> Reader:
    """Return the reader of an export.

    Parameters
    ----------
    export : Export
        The file.
    what : str
        counter, pet or readouts.
    form : str
        The config's format; auto: by content. A column map is tried only where no other reader takes the file.
    settings : Settings
        Column map and date format.

    Raises
    ------
    InputError
        No reader takes the file, or several do, or the config's format has none.
    """
    if len(export.content) > MOST_BYTES:
        why = f"the file has more than {MOST_BYTES // 1_000_000} MB"
        raise export.refuse("file-too-large", why, "Export what belongs to this cohort only")
    known = readers_of(what)
    names = "; ".join(f"{reader.name}: {reader.about}" for reader in known)
    if form != "auto":
        forced = [reader for reader in known if reader.name == form]
        if not forced:
            why = f"the format '{form}' that '{what}.format' of the config names is not read yet"
            raise export.refuse("format-not-read", why, f"Read are {names}")
        return forced[0]
    taking = [reader for reader in known if reader.name != "table" and reader.detects(export, settings)]
    taking = taking or [reader for reader in known if reader.name == "table" and reader.detects(export, settings)]
    if len(taking) > 1:
        why = f"the file looks like {' and like '.join(reader.name for reader in taking)}"
        raise export.refuse("format-ambiguous", why, f"Say which one it is with '{what}.format' in the config")
    if not taking:
        raise export.refuse("format-unknown", "the file is of no kind that is read", f"Read are {names}")
    return taking[0]
