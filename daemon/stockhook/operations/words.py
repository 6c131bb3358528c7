"""Words that a person writes down, which the book keeps as they are: names, paths, lots, reasons."""

from typing import Final

from stockhook.errors import Refused

LONGEST: Final = 200
"""Characters of any of them: as many as are taken of what a store writes."""


def fault(what: str, written: str) -> str | None:
    """Return what is wrong with words that are ``what``, None where they can be kept."""
    shown = f"the {what} {written[:40]!r}"
    if len(written) > LONGEST:
        return f"{shown} is too long: at most {LONGEST} characters are kept"
    odd = next((char for char in written if not char.isprintable()), None)
    return None if odd is None else f"{shown} holds the character {odd!r}, which cannot be printed; leave it out"


def checked(what: str, written: str) -> str:
    """Return words trimmed; raises Refused for such as cannot be kept."""
    trimmed = written.strip()
    if (wrong := fault(what, trimmed)) is not None:
        raise Refused(wrong)
    return trimmed


def checked_reason(reason: str, what: str) -> str:
    """Return the reason of ``what`` trimmed; raises Refused for one that is empty, too, or cannot be kept."""
    trimmed = checked("reason", reason)
    if not trimmed:
        raise Refused(f"{what} needs a reason, for whoever reads the ledger later")
    return trimmed
