"""Every message that an input can give, in one registry: the most harmful first, the order in which they are told."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cartrace.messages.cells import CELLS
from cartrace.messages.files import FILES
from cartrace.messages.message import Message
from cartrace.messages.names import NAMES
from cartrace.messages.oddities import ODDITIES
from cartrace.messages.wrong_numbers import WRONG_NUMBERS

__all__ = ["BY_CODE", "MESSAGES", "Message", "rank"]

MESSAGES: tuple[Message, ...] = (*WRONG_NUMBERS, *NAMES, *CELLS, *FILES, *ODDITIES)
BY_CODE: Mapping[str, Message] = MappingProxyType({message.code: message for message in MESSAGES})
_RANKS = {message.code: number for number, message in enumerate(MESSAGES)}


def rank(code: str) -> int:
    """Return the place of a code in the registry: 0 is the most harmful; a code that is not in it comes last."""
    return _RANKS.get(code, len(_RANKS))
