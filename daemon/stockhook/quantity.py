"""Exact quantities and costs: whole numbers of millionths, so that 0.1 + 0.2 is 0.3 and a store needs no decimals.

Everywhere inside stockhook a quantity is an ``int`` counting millionths of a unit (``ONE`` of them make one).
Text with a decimal point exists only at the edges: payloads, commands, pages, JSON.
"""

from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Final, TypeAlias

from stockhook.errors import BadQuantity

Quantity: TypeAlias = int
"""Millionths of a unit (or of the currency, for costs); signed."""

PLACES: Final = 6
ONE: Final[Quantity] = 10**PLACES
LIMIT: Final[Quantity] = 10**9 * ONE
"""Larger amounts are refused: sums of a billion of them still fit a signed 64-bit column."""

_EXACT: Final = Context(prec=10_000, traps=[Inexact])


def parse(value: Decimal | int | str) -> Quantity:
    """Return the exact quantity that ``value`` writes.

    Raises BadQuantity for text that is no number, for more than six decimal places, for NaN and infinities,
    and beyond a billion. Never rounds.
    """
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value).strip())
    except InvalidOperation:
        raise BadQuantity(f"{str(value)[:40]!r} is not a number; write it like 3 or 0.5") from None
    if not number.is_finite():
        raise BadQuantity(f"{number} is not a finite number")
    if not number:
        return 0
    if number.adjusted() >= 10:  # noqa: PLR2004 - before scaling, so that 1E+999999 costs nothing
        raise BadQuantity(f"{number:.3E} is too large; the largest quantity is 1000000000")
    try:
        scaled = number.scaleb(PLACES, _EXACT)
    except Inexact:  # more digits than any quantity has
        scaled = Decimal("0.1")
    if number.adjusted() < -PLACES or scaled != scaled.to_integral_value():
        raise BadQuantity(f"{str(number)[:40]} has more than {PLACES} decimal places")
    if abs(scaled) > LIMIT:
        raise BadQuantity(f"{number} is too large; the largest quantity is 1000000000")
    return int(scaled)


def text(quantity: Quantity) -> str:
    """Return ``quantity`` as a decimal without exponent or trailing zeros: ``"3"``, ``"0.5"``, ``"-2"``."""
    sign = "-" if quantity < 0 else ""
    whole, part = divmod(abs(quantity), ONE)
    return f"{sign}{whole}.{part:06d}".rstrip("0").rstrip(".") if part else f"{sign}{whole}"


def counted(number: int, one: str, several: str) -> str:
    """Return how many there are in words: ``counted(2, "unit", "units")`` is ``2 units``; ``number`` is no quantity."""
    return f"{number} {one if number == 1 else several}"


def times(quantity: Quantity, factor: Quantity) -> Quantity:
    """Return ``quantity`` x ``factor``, exact; raises BadQuantity where the product needs a seventh place."""
    product, rest = divmod(quantity * factor, ONE)
    if rest:
        raise BadQuantity(f"{text(quantity)} x {text(factor)} has more than {PLACES} decimal places")
    return product
