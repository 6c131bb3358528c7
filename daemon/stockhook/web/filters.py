"""What a list is filtered by, as written in its address: fields of its records, orders, and days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from stockhook.errors import Refused
from stockhook.operations import calendar
from stockhook.operations.edges import span
from stockhook.operations.search import MOST, Orders, orders_named
from stockhook.store import Match, Read
from stockhook.web.base import PageError

SINCE, UNTIL = "since", "until"

ORDERS: Final = {"order": "order_id", "code": "code", "lot": "lot"}
"""What names orders, by the words of the address: what the API calls each."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Filters of a list: ``asked`` as written, ``fields`` the records' fields by the words of the address.

    Records whose orders are named by ``ORDERS`` are events and deliveries. Raises PageError where a day is none: a list
    of all there is would be taken for what was asked for.
    """

    asked: Mapping[str, str]
    fields: Mapping[str, str]

    @property
    def given(self) -> bool:
        """Tell whether anything is asked for."""
        return any(self.asked.values())

    @property
    def days(self) -> tuple[datetime | None, datetime | None]:
        """The first moment that is asked for, and the first that is no longer."""
        first, last = (day(self.asked.get(name, "")) for name in (SINCE, UNTIL))
        return midnight(first), midnight(last + timedelta(days=1)) if last and last < date.max else None

    def orders(self, view: Read) -> Orders | None:
        """Return the orders that are asked for; None where none are named."""
        return orders_named(view, **{name: self.asked.get(name, "") for name in ORDERS})

    def where(self, view: Read, record: type[Any], orders: Orders | None) -> dict[str, Match]:
        """Return what records must match, ``orders`` being those that were found to be asked for."""
        found: dict[str, Match] = {self.fields[name]: value for name, value in self.asked.items() if self._plain(name)}
        found |= span(view, record, *self.days)
        return found if orders is None else found | orders.match(view, record)

    def cut(self, orders: Orders | None) -> str | None:
        """Return in a sentence what is left out, where more orders have a code or a lot than are looked at."""
        if orders is None or not orders.cut:
            return None
        asked = " and ".join(f"{name} {self.asked[name]}" for name in ("code", "lot") if self.asked.get(name))
        return f"More than {MOST} orders have {asked}: only the newest {MOST} of them are looked at here."

    @property
    def query(self) -> str:
        """What the API is asked for the same records, as part of an address."""
        fields = {**self.fields, **ORDERS}
        named = {fields[name]: value for name, value in self.asked.items() if value and name in fields}
        days = zip((SINCE, UNTIL), self.days, strict=True)
        return urlencode(named | {name: moment.isoformat().replace("+00:00", "Z") for name, moment in days if moment})

    def _plain(self, name: str) -> bool:
        return name in self.fields and bool(self.asked[name])


def day(written: str) -> date | None:
    """Return the day of a filter, None for nothing written; raises PageError (400) for what is no day."""
    try:
        return calendar.day(written) if written else None
    except Refused as error:
        raise PageError(HTTPStatus.BAD_REQUEST, f"{error}. Nothing is listed.") from error


def midnight(day: date | None) -> datetime | None:
    """Return the moment (UTC) at which a day begins, None for none."""
    return calendar.midnight(day) if day else None
