"""The forms by which a person acts: which fields each has, and what was written into them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from stockhook.errors import Refused
from stockhook.operations import calendar
from stockhook.operations.words import LONGEST
from stockhook.quantity import ONE, Quantity, parse

Choice = tuple[str, str]
"""What is sent, and what a person reads."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``kind`` is text, quantity, date, select or check; ``choices`` are all there is to a select.

    Of a text they are what the browser proposes. ``hint`` stands in the empty field. ``most`` characters are kept.
    """

    name: str
    label: str
    kind: str = "text"
    value: str = ""
    required: bool = False
    choices: Sequence[Choice] = ()
    hint: str = ""
    most: int = LONGEST


@dataclass(frozen=True, slots=True)
class Form:
    """A form; ``name`` is unique on a page, ``note`` says what happens, ``hidden`` goes with it unseen."""

    name: str
    address: str
    title: str
    button: str
    fields: tuple[Field, ...]
    note: str = ""
    hidden: Mapping[str, str] | None = None

    def filled(self, given: Mapping[str, str]) -> "Form":
        """Return the form with what was written into it."""
        return replace(
            self,
            fields=tuple(replace(each, value=given.get(each.name, "")) for each in self.fields),
            hidden={name: given.get(name, value) for name, value in (self.hidden or {}).items()},
        )

    @property
    def names(self) -> list[str]:
        """What its fields are sent as, hidden ones too."""
        return [*(each.name for each in self.fields), *(self.hidden or {})]


REASON = Field("reason", "Reason, for whoever reads the ledger later", required=True)


def quantity(written: str, what: str = "quantity") -> Quantity:
    """Return the quantity that a person wrote; raises Refused for none, and BadQuantity."""
    if not written:
        raise Refused(f"give a {what}, like 3 or 0.5; nothing was changed")
    return parse(written.replace("\N{MINUS SIGN}", "-"))


def optional_quantity(written: str) -> Quantity | None:
    """Return the quantity that a person wrote, None for none."""
    return quantity(written) if written else None


def whole(written: str, what: str) -> int | None:
    """Return the whole number that a person wrote, None for none; raises Refused or BadQuantity."""
    if not written:
        return None
    found = quantity(written)
    if found % ONE:
        raise Refused(f"{written} is no {what}: give a whole number; nothing was changed")
    return found // ONE


def day(written: str) -> date | None:
    """Return the day that a person wrote, None for none; raises Refused."""
    return calendar.day(written) if written else None


def moment(written: str) -> datetime | None:
    """Return the moment that a person wrote, in UTC where it does not say otherwise; None for none; raises Refused."""
    return calendar.moment(written, in_utc=True) if written else None
