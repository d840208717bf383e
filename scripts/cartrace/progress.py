"""How far a long step is. Silent unless somebody listens, as the job of a script does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
# Is told what is done, how many of how many items are behind, and the next one, empty at the end.
Listener = Callable[[str, int, int, str], None]
_listeners: list[Listener] = []


def steps(items: Sequence[Item], doing: str) -> Iterator[Item]:
    """Yield the items of a long step, saying before each how far it is.

    Parameters
    ----------
    items : sequence
        What the step goes through; the text of an item is shown.
    doing : str
        What it does, e.g. ``drawing``.

    Yields
    ------
    Item
        The items, in order.
    """
    for number, item in enumerate(items):
        _say(doing, number, len(items), str(item))
        yield item
    _say(doing, len(items), len(items), "")


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell `listener` of every step within the block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def _say(doing: str, done: int, total: int, item: str) -> None:
    for listener in _listeners:
        listener(doing, done, total, item)
