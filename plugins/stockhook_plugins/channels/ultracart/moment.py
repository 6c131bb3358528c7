"""Dates as UltraCart writes them: ISO 8601, as a rule with the offset of US Eastern."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Moment:
    """``at``: the moment in UTC. ``on``: the date part as written, which is the merchant's own day."""

    at: datetime
    on: date


def moment(value: object, zone: tzinfo) -> Moment | None:
    """Return the moment that ``value`` writes, in ``zone`` where it says no offset; None for null and blank text.

    Raises ValueError for anything that is no date.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("a date is a text")  # noqa: TRY004 - one error for whatever is no date
    return _read(value, zone)


@lru_cache(maxsize=256)
def _read(value: str, zone: tzinfo) -> Moment | None:
    """Return the moment of a text; the lines of an order repeat theirs."""
    text = value.strip()
    if not text:
        return None
    written = datetime.fromisoformat(text)
    aware = written if written.tzinfo else written.replace(tzinfo=zone)
    try:
        return Moment(aware.astimezone(UTC), written.date())
    except OverflowError:
        raise ValueError("a date before the year 1 or after 9999") from None


def moment_if_readable(value: object, zone: tzinfo) -> Moment | None:
    """Return the moment that ``value`` writes, None also for what is no date: for those nothing is lost by."""
    try:
        return moment(value, zone)
    except ValueError:
        return None
