"""What is known of one kind of message, wherever it is shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """One kind of message.

    Parameters
    ----------
    code : str
        Stable name, shown in brackets behind every message.
    severity : str
        error: the cohort is not calculated; warning: it is, and the report says what is odd.
    what : str
        What was found.
    example : str
        What a lab may have written.
    harm : str
        What would follow if it went unseen.
    remedy : str
        What to do.
    """

    code: str
    severity: str
    what: str
    example: str
    harm: str
    remedy: str

    @property
    def advice(self) -> str:
        """What to do, as plain text."""
        return self.remedy.replace("`", "'")


def error(code: str, what: str, example: str, harm: str, remedy: str) -> Message:
    """Return a message that stops the cohort."""
    return Message(code, "error", what, example, harm, remedy)


def warning(code: str, what: str, example: str, harm: str, remedy: str) -> Message:
    """Return a message that goes into the report."""
    return Message(code, "warning", what, example, harm, remedy)
