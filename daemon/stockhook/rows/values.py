"""The values that rows are made of, as JSON has them: quantities as decimal text, times in UTC."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct
from msgspec.structs import asdict

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


class Row(Struct, frozen=True, kw_only=True):
    """Values by name."""


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
    return {name: _plain(value) for name, value in asdict(row).items()}


def _plain(value: Any) -> Any:
    match value:
        case Row():
            return fields(value)
        case list() | tuple():
            return [_plain(part) for part in value]
    return value
