"""A column of many rows as one array in PostgreSQL's binary form.

The driver would look at each value by itself, which costs more than everything else a batch does; and the server would
read long texts a character at a time, to find out where one ends.
"""

import struct
from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_APART: Final = "\x00"  # the one character that no text in PostgreSQL can hold
_INSTEAD: Final = "\ufffd"
_HEAD: Final = struct.Struct("!iiiii").pack  # dimensions, whether there are nulls, type, length, first index
_LENGTH: Final = struct.Struct("!i").pack
_NULL: Final = _LENGTH(-1)
_NUMBER_SIZE: Final = 8


class Texts(bytes):
    """An array of texts."""

    oid = 1009
    element = 25


class Numbers(bytes):
    """An array of eight-byte numbers."""

    oid = 1016
    element = 20


def array(values: Sequence[Any]) -> Any:
    """Return a column of numbers or texts, None among them, as a parameter; bytes are left to the driver.

    A NUL in a text becomes the replacement character. Raises OverflowError for a number that needs more than 64 bits,
    and UnicodeEncodeError for half a surrogate pair.
    """
    first = next((value for value in values if value is not None), None)
    if isinstance(first, bytes):
        return list(values)
    if isinstance(first, int):
        try:
            return Numbers(_head(Numbers, values) + _numbers(values))
        except struct.error as error:
            raise OverflowError(f"a number does not fit: {error}") from None
    return Texts(_head(Texts, values) + b"".join(map(_text, values)))


def _head(kind: type[Texts] | type[Numbers], values: Sequence[Any]) -> bytes:
    return _HEAD(1, None in values, kind.element, len(values), 1)


def _numbers(values: Sequence[int | None]) -> bytes:
    if None not in values:
        return struct.pack("!" + "iq" * len(values), *[part for value in values for part in (_NUMBER_SIZE, value)])
    pack = struct.Struct("!iq").pack
    return b"".join([_NULL if value is None else pack(_NUMBER_SIZE, value) for value in values])


def _text(value: str | None) -> bytes:
    if value is None:
        return _NULL
    if _APART in value:
        value = value.replace(_APART, _INSTEAD)
    data = value.encode()
    return _LENGTH(len(data)) + data


class _ArrayDumper(Dumper):
    """Hands an array on as it is."""

    format = Format.BINARY

    def __init__(self, cls: type, context: Any = None) -> None:
        super().__init__(cls, context)
        self.oid = cls.oid  # type: ignore[attr-defined]

    def dump(self, obj: bytes) -> Buffer:
        """Return the bytes themselves."""
        return obj


def register(driver: "psycopg.Connection[Any]") -> None:
    """Teach a connection to send such arrays."""
    for kind in (Texts, Numbers):
        driver.adapters.register_dumper(kind, _ArrayDumper)
