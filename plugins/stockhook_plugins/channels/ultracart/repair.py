"""Making JSON of what is nearly JSON: one bad character in a customer's name must not hold up a day's shipments."""

import re
from typing import Final

LARGEST: Final = 8 * 1024 * 1024
"""Bytes; UltraCart sends at most 900 KB at a time, and a repair makes several copies."""

# strings first, so that what is inside one is never taken for a literal; linear, also when a quote is never closed
_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|-?(?:NaN|Infinity)', re.DOTALL)
_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
_CONTROL: Final = re.compile(r"[\x00-\x1f]")


def repair(data: bytes) -> bytes | None:
    """Return ``data`` as JSON of which only odd values differ, or None where there is nothing of that kind to repair.

    Bytes that are no UTF-8, halves of a surrogate pair and raw control characters become U+FFFD, a raw tab or line
    break a blank; the literals NaN and Infinity become texts, so that whoever reads the field can refuse it.
    """
    if len(data) > LARGEST:
        return None
    text = _TOKEN.sub(_token, data.decode("utf-8", "replace"))
    repaired = text.encode()
    return None if repaired == data else repaired


def _token(found: re.Match[str]) -> str:
    token = found[0]
    if token[0] != '"':
        return f'"{token}"'
    if "\\" in token:
        token = _ESCAPE.sub(_escape, token)
    return _CONTROL.sub(_control, token)


def _escape(found: re.Match[str]) -> str:
    return "\ufffd" if found[1] else found[0]


def _control(found: re.Match[str]) -> str:
    return " " if found[0] in "\t\n\r" else "\ufffd"
