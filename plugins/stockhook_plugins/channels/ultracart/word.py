"""Texts of a payload that are kept and compared, never looked at closely."""

import re
from typing import Final

LONGEST: Final = 200
"""Characters; UltraCart's own limit for codes is 20. What is longer would only break a store's index."""

ODD: Final = re.compile("[\x00-\x1f\x7f\ufffd]")
"""Characters that cannot be read."""


def word(value: str | None) -> str | None:
    """Return a text that is only compared with what the config or the book says; blank is nothing."""
    if not value:
        return None
    return ODD.sub("\ufffd", value.strip()[:LONGEST]) or None
