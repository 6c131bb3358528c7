"""What a list is filtered by, as written in its address: fields of its records, and days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from stockhook.operations.edges import first_id
from stockhook.store import Match, Range, Read

_SLACK: Final = 1000
"""Ids that are looked at beyond a day's: what came at once may have been written in another order."""

SINCE, UNTIL = "since", "until"


@dataclass(frozen=True, slots=True)
class Filter:
    """Filters of a list: ``asked`` as written, ``fields`` the records' fields by the words of the address."""

    asked: Mapping[str, str]
    fields: Mapping[str, str]
    moment: str = "received_at"

    @property
    def given(self) -> bool:
        """Tell whether anything is asked for."""
        return any(self.asked.values())

    @property
    def days(self) -> tuple[datetime | None, datetime | None]:
        """The first moment that is asked for, and the first that is no longer; a day that is none asks for nothing."""
        first, last = (_day(self.asked.get(name, "")) for name in (SINCE, UNTIL))
        return _start(first), _start(last + timedelta(days=1)) if last and last < date.max else None

    def where(self, view: Read, record: type[Any]) -> dict[str, Match]:
        """Return what records must match; days are looked up among the ids, so that no index of times is needed."""
        found: dict[str, Match] = {self.fields[name]: value for name, value in self.asked.items() if self._plain(name)}
        since, until = self.days
        if since or until:
            low = first_id(view, record, since) - _SLACK if since else None
            high = first_id(view, record, until) + _SLACK if until else None
            found |= {"id": Range(low, high), self.moment: Range(since, until)}
        return found

    @property
    def query(self) -> str:
        """What the API is asked for the same records, as part of an address."""
        named = {self.fields[name]: value for name, value in self.asked.items() if self._plain(name)}
        days = zip((SINCE, UNTIL), self.days, strict=True)
        return urlencode(named | {name: moment.isoformat().replace("+00:00", "Z") for name, moment in days if moment})

    def _plain(self, name: str) -> bool:
        return name in self.fields and bool(self.asked[name])


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def _start(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None
