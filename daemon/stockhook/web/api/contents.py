"""Values that bodies hold."""

from datetime import date, datetime
from typing import Annotated, TypeAlias

from msgspec import Meta

from stockhook.errors import BadQuantity
from stockhook.operations.stock.details import MOST_PRIORITY
from stockhook.operations.words import LONGEST
from stockhook.quantity import Quantity, parse
from stockhook.web.api.faults import bad

_NUMBER = r"[0-9]{1,10}(\.[0-9]{1,6})?$"

Amount: TypeAlias = Annotated[
    str, Meta(title="Amount", description="An exact decimal as text.", pattern=rf"^-?{_NUMBER}", examples=["3", "0.5"])
]
Signed: TypeAlias = Annotated[
    str, Meta(title="Change", description="A decimal with its sign.", pattern=rf"^[+-]?{_NUMBER}", examples=["-1"])
]
Counted: TypeAlias = Annotated[
    str, Meta(title="Amount", description="An exact decimal, not below 0.", pattern=rf"^{_NUMBER}", examples=["40"])
]
Cost: TypeAlias = Annotated[
    str, Meta(title="Cost", description="What one costs, not below 0.", pattern=rf"^{_NUMBER}", examples=["2.35"])
]
Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=LONGEST, pattern=r"^\S(.*\S)?$")]
Reason: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=LONGEST, description="Why, for whoever reads the ledger later.")
]
Priority: TypeAlias = Annotated[
    int, Meta(ge=-MOST_PRIORITY, le=MOST_PRIORITY, description="For the strategy `priority`.")
]
At: TypeAlias = Annotated[datetime, Meta(tz=True)]
Day: TypeAlias = date


def quantity(written: str, place: str) -> Quantity:
    """Return an amount in millionths; raises FaultError for one that is too large."""
    try:
        return parse(written)
    except BadQuantity as error:
        raise bad(place, f"{place}: {error}") from None


def quantity_or_none(written: str | None, place: str) -> Quantity | None:
    """Return an amount in millionths, None for none."""
    return None if written is None else quantity(written, place)
