"""Records to rows and back, derived once per record type from its dataclass fields.

Times are microseconds since 1970 in UTC, days ISO texts, enums their values, flags 0 and 1; whatever is nested is JSON.
"""

import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from types import UnionType
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec.structs import astuple

from stockhook.plugin import model

Convert: TypeAlias = Callable[[Any], Any]
Row: TypeAlias = list[Any]

T = TypeVar("T")

_REMEMBERED: Final = 512
"""So many values that were met last are not converted again: rows that go together have most of them in common."""
_NOTHING: Final = ()
"""What most lists of a record are: worth a look before it is converted."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_json: Final = msgspec.json.Encoder(order="deterministic").encode


@lru_cache(_REMEMBERED)
def _from_time(moment: datetime) -> int:
    gone = moment - _EPOCH
    return (gone.days * 86400 + gone.seconds) * 1_000_000 + gone.microseconds


@lru_cache(_REMEMBERED)
def _to_time(stored: int) -> datetime:
    return _EPOCH + timedelta(microseconds=stored)


def _to_json(value: Any) -> str:
    return _json(value).decode()


_said_to_json = lru_cache(_REMEMBERED)(_to_json)


@dataclass(frozen=True, slots=True)
class Column:
    """How one field is stored: ``kind`` is ``int``, ``str`` or ``bytes``; no converter: stored as it is.

    ``words`` are the values an enum can have.
    """

    name: str
    kind: type
    nullable: bool
    encode: Convert | None
    decode: Convert | None
    words: frozenset[str] = frozenset()

    def bind(self, value: Any) -> Any:
        """Return the stored form of a value of this field, None included."""
        return value if value is None or self.encode is None else self.encode(value)

    def load(self, stored: Any) -> Any:
        """Return the value of a stored form."""
        return stored if stored is None or self.decode is None else self.decode(stored)


def _column(name: str, hint: Any) -> Column:
    options = [each for each in typing.get_args(hint) if each is not type(None)]
    nullable = typing.get_origin(hint) in (typing.Union, UnionType) and type(None) in typing.get_args(hint)
    plain = options[0] if nullable and len(options) == 1 else hint
    if plain in (int, str, bytes):
        return Column(name, plain, nullable, None, None)
    if plain is bool:
        return Column(name, int, nullable, int, bool)
    if plain is datetime:
        return Column(name, int, nullable, _from_time, _to_time)
    if plain is date:
        return Column(name, str, nullable, date.isoformat, date.fromisoformat)
    if isinstance(plain, type) and issubclass(plain, StrEnum):
        members = {member.value: member for member in plain}
        return Column(name, str, nullable, str, members.__getitem__, frozenset(members))
    read = msgspec.json.Decoder(plain).decode
    encode = _said_to_json if plain is model.Said else _to_json
    return Column(name, str, nullable, encode, lru_cache(_REMEMBERED)(read) if _repeats(plain) else read)


def _repeats(hint: Any) -> bool:
    """Tell whether values of a nested type are often the same, and cannot be changed: then they may be shared."""
    return hint in (model.Said, model.Binding) or typing.get_origin(hint) is tuple


class Damaged(Exception):
    """What is stored is no value that was ever written; names the record, and shows nothing of it."""


class Shape:
    """The stored form of one record type."""

    def __init__(self, record: type[Any]) -> None:
        hints = typing.get_type_hints(record)
        self.record = record
        self.columns = tuple(_column(field.name, hints[field.name]) for field in fields(record))
        self.names = tuple(column.name for column in self.columns)
        self.at = {name: place for place, name in enumerate(self.names)}
        self.by_name = dict(zip(self.names, self.columns, strict=True))
        self.encode = self._encoder()
        self.decode = self._decoder()

    def _encoder(self) -> Callable[[Any], Row]:
        must = [(at, column.encode) for at, column in enumerate(self.columns) if column.encode and not column.nullable]
        may = [(at, column.encode) for at, column in enumerate(self.columns) if column.encode and column.nullable]

        def encode(record: Any) -> Row:
            row = list(astuple(record))
            for at, convert in must:
                row[at] = "[]" if row[at] is _NOTHING else convert(row[at])
            for at, convert in may:
                if row[at] is not None:
                    row[at] = convert(row[at])
            return row

        return encode

    def _decoder(self) -> Callable[[Sequence[Any]], Any]:
        record = self.record
        steps = [(at, column.decode) for at, column in enumerate(self.columns) if column.decode]
        if not steps:
            return lambda row: record(*row)

        def decode(stored: Sequence[Any]) -> Any:
            row = list(stored)
            try:
                for at, convert in steps:
                    if row[at] is not None:
                        row[at] = convert(row[at])
            except (ValueError, KeyError, TypeError, OverflowError, msgspec.MsgspecError) as error:
                name = f"{record.__name__.lower()} {row[0]}"
                raise Damaged(f"the {self.names[at]} of {name} is not what was written") from error
            return record(*row)

        return decode

    def decode_all(self, rows: Iterable[Sequence[Any]]) -> list[Any]:
        """Return the records of these rows."""
        return list(map(self.decode, rows))


def once(make: Callable[[Any], T]) -> Callable[[Any], T]:
    """Return a function that computes each answer once."""
    return cache(make)


@once
def shape(record: Any) -> Shape:
    """Return the stored form of a record type."""
    return Shape(record)


def json_list(values: Iterable[Any]) -> str:
    """Return numbers or texts as the JSON list that ``json_each`` takes."""
    return _to_json(list(values))
