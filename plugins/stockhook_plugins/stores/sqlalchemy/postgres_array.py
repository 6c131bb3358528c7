"""A column of many rows as one array in PostgreSQL's own writing.

The driver would look at each value by itself, which costs more than everything else a batch does; here a column is a
few operations on one long text.
"""

from collections.abc import Sequence
from typing import Any, Final

_APART: Final = "\x00"  # the one character that no text in PostgreSQL can hold
_INSTEAD: Final = "\ufffd"


def array(values: Sequence[Any]) -> Any:
    """Return a column of numbers or texts, None among them, as a parameter; bytes are left to the driver.

    A NUL in a text becomes the replacement character.
    """
    first = next((value for value in values if value is not None), None)
    if isinstance(first, bytes):
        return list(values)
    if first is None:
        return f"{{{','.join(['NULL'] * len(values))}}}"
    if isinstance(first, int):
        return f"{{{','.join(['NULL' if value is None else str(value) for value in values])}}}"
    if None in values:
        return f"{{{','.join(['NULL' if value is None else _quoted([value]) for value in values])}}}"
    return f"{{{_quoted(values)}}}"


def _quoted(texts: Sequence[str]) -> str:
    joined = _APART.join(texts)
    if joined.count(_APART) != len(texts) - 1:
        joined = _APART.join([text.replace(_APART, _INSTEAD) for text in texts])
    escaped = joined.replace("\\", "\\\\").replace('"', '\\"').replace(_APART, '","')
    return f'"{escaped}"'
