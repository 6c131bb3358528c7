"""The values that rows are made of, as JSON has them: quantities as decimal text, times in UTC."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeAlias, TypeVar, Union, get_args, get_origin

from msgspec import Meta, Struct, structs

from stockhook.model import OrderKey
from stockhook.quantity import Quantity, text

Amount: TypeAlias = Annotated[
    str,
    Meta(
        title="Amount",
        description="An exact decimal of at most six places, without exponent or trailing zeros.",
        pattern=r"^-?[0-9]+(\.[0-9]{1,6})?$",
        examples=["3", "0.5", "-2"],
    ),
]
"""A quantity or cost as text."""

Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""A time; in UTC wherever we write it."""

Id = TypeVar("Id", int, int | None)
"""The number of a record; None is possible where a record may not be in the store."""


class Row(Struct, frozen=True, kw_only=True):
    """Values by name."""


R = TypeVar("R", bound=Row)


def row_of(kind: type[R], record: object, **others: Any) -> R:
    """Return a record as a row of a kind: what has the same name in both as JSON has it, and ``others`` as given.

    Quantities become text and times UTC where the row says Amount and Moment, sequences lists, mappings dicts.
    Rows within the row are always given. Raises AttributeError for a field that the record has not.
    """
    names, writers = _shape(kind, *others)
    own = {name: getattr(record, name) for name in names}
    for name, write in writers:
        own[name] = write(own[name])
    return kind(**own, **others)


@cache
def _shape(kind: type[Row], *given: str) -> tuple[tuple[str, ...], tuple[tuple[str, Callable[[Any], Any]], ...]]:
    """Return the fields of a row to be read from a record, and what writes those that JSON has otherwise."""
    hints = {field.name: field.type for field in structs.fields(kind) if field.name not in given}
    names = tuple(name for name, hint in hints.items() if not _holds_rows(hint))
    writers = ((name, _writer(hints[name])) for name in names)
    return names, tuple((name, write) for name, write in writers if write is not None)


def _holds_rows(hint: Any) -> bool:
    return any(_holds_rows(part) for part in get_args(hint)) or (isinstance(hint, type) and issubclass(hint, Row))


def _writer(hint: Any) -> Callable[[Any], Any] | None:
    alternatives = get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)
    if Amount in alternatives:
        return amount
    if Moment in alternatives:
        return utc_or_none
    outer: Any = get_origin(hint)
    return outer if outer in {list, dict} else None


def amount(quantity: Quantity | None) -> str | None:
    """Return a quantity or cost as text, None for none."""
    return None if quantity is None else text(quantity)


def utc(moment: datetime) -> datetime:
    """Return a time in UTC."""
    return moment.astimezone(UTC)


def utc_or_none(moment: datetime | None) -> datetime | None:
    """Return a time in UTC, None for none."""
    return None if moment is None else utc(moment)


def order_names(orders: Iterable[OrderKey]) -> list[str]:
    """Return orders by the name that tells them apart whatever the account."""
    return [f"{key.account}/{key.order_id}" for key in orders]


def fields(row: Row) -> dict[str, Any]:
    """Return a row as a mapping, the rows within it as well."""
    return {name: _plain(value) for name, value in structs.asdict(row).items()}


def _plain(value: Any) -> Any:
    match value:
        case Row():
            return fields(value)
        case list() | tuple():
            return [_plain(part) for part in value]
    return value
