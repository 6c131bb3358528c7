"""Names of orders and items as parts of an address: whatever a store or a person has written there."""

import re
from typing import Final
from urllib.parse import quote, unquote

_DOTS: Final = re.compile(r"\.{1,2}|(?:%(?:25)*2E){1,2}")
"""What browsers take for a way up, however often it is encoded: such names are encoded once more than others."""


def segment(name: str, safe: str = "") -> str:
    """Return a name as one part of an address; characters in ``safe`` stay as they are."""
    if _DOTS.fullmatch(name):
        name = name.replace("%", "%25").replace(".", "%2E")
    return quote(name, safe=safe)


def named(decoded: str) -> str:
    """Return the name that a part of an address, decoded once, stands for."""
    return unquote(decoded) if _DOTS.fullmatch(decoded) else decoded
