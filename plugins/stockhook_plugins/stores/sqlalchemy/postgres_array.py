"""A column of many rows as one array in PostgreSQL's binary form.

The driver would look at each value by itself, which costs more than everything else a batch does; and the server would
read long texts a character at a time, to find out where one ends.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_APART: Final = "\x00"  # the one character that no text in PostgreSQL can hold
_INSTEAD: Final = "\ufffd"
_HEAD: Final = struct.Struct("!iiiii").pack  # dimensions, whether there are nulls, type, length, first index
_LENGTH: Final = struct.Struct("!i").pack
_NULL: Final = _LENGTH(-1)
_NUMBER: Final = struct.Struct("!iq").pack
_NUMBER_SIZE: Final = 8


_FIRST: Final = 16  # values of a column, from which is taken whether they repeat


@dataclass(frozen=True, slots=True)
class Array:
    """An array in PostgreSQL's binary form; ``oid`` is its type there, ``element`` that of what is in it."""

    data: bytes
    oid: ClassVar[int]
    element: ClassVar[int]


class Texts(Array):
    """An array of texts."""

    __slots__ = ()
    oid = 1009
    element = 25


class Numbers(Array):
    """An array of eight-byte numbers."""

    __slots__ = ()
    oid = 1016
    element = 20


class Plain(Array):
    """An array of bytes."""

    __slots__ = ()
    oid = 1001
    element = 17


def array(values: Sequence[Any]) -> Array:
    """Return a column of numbers, texts or bytes, None among them, as a parameter; it has one row at least.

    A NUL in a text becomes the replacement character. Raises OverflowError for a number that needs more than 64 bits,
    and UnicodeEncodeError for half a surrogate pair.
    """
    first = values[0]
    if values.count(first) == len(values):  # as most columns of a batch
        kind, encode = _kind(first)
        return kind(_head(kind, values) + encode(first) * len(values))
    if first is None:
        first = next(value for value in values if value is not None)
    kind, encode = _kind(first)
    if kind is not Plain and len(set(values[:_FIRST])) <= _FIRST // 2:
        encode = {value: encode(value) for value in set(values)}.__getitem__
    return kind(b"".join([_head(kind, values), *map(encode, values)]))


def _kind(value: Any) -> tuple[type[Array], Callable[[Any], bytes]]:
    if isinstance(value, int):
        return Numbers, _number
    return (Plain, _plain) if isinstance(value, bytes) else (Texts, _text)


def _head(kind: type[Array], values: Sequence[Any]) -> bytes:
    return _HEAD(1, None in values, kind.element, len(values), 1)


def _number(value: int | None) -> bytes:
    if value is None:
        return _NULL
    try:
        return _NUMBER(_NUMBER_SIZE, value)
    except struct.error as error:
        raise OverflowError(f"a number does not fit: {error}") from None


def _text(value: str | None) -> bytes:
    if value is None:
        return _NULL
    if _APART in value:
        value = value.replace(_APART, _INSTEAD)
    data = value.encode()
    return _LENGTH(len(data)) + data


def _plain(value: bytes | None) -> bytes:
    return _NULL if value is None else _LENGTH(len(value)) + value


class _ArrayDumper(Dumper):
    """Hands an array on as it is."""

    format = Format.BINARY

    def __init__(self, cls: type, context: Any = None) -> None:
        super().__init__(cls, context)
        self.oid = cls.oid  # type: ignore[attr-defined]

    def dump(self, obj: Array) -> Buffer:
        """Return the bytes themselves."""
        return obj.data


def register(driver: "psycopg.Connection[Any]") -> None:
    """Teach a connection to send such arrays."""
    for kind in Array.__subclasses__():
        driver.adapters.register_dumper(kind, _ArrayDumper)
