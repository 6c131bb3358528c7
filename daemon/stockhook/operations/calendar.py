"""Days and moments as a person writes them."""

from contextlib import suppress
from datetime import UTC, date, datetime, time

from stockhook.errors import Refused

_SHOWN = 40
_DAY = len("2026-12-01")


def day(written: str) -> date:
    """Return a day; raises Refused for what is none."""
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise Refused(f"{written[:_SHOWN]!r} is not a day; write it like 2027-03-31") from None


def midnight(day: date) -> datetime:
    """Return the moment (UTC) at which a day begins."""
    return datetime.combine(day, time(), UTC)


def moment(written: str, *, in_utc: bool = False) -> datetime:
    """Return a moment in UTC from RFC 3339 text, or the start of a day; raises Refused.

    One without an offset is refused, but where the reader was told that it is ``in_utc``.
    """
    found = None
    with suppress(ValueError, OverflowError):
        if len(written) == _DAY:
            return midnight(date.fromisoformat(written))
        found = datetime.fromisoformat(written)
        if found.tzinfo is not None or in_utc:
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    wrong = "is not a moment" if found is None or found.tzinfo is not None else "does not say its offset from UTC"
    like = "2026-12-01 09:30, in UTC" if in_utc else "2026-12-01 or 2026-12-01T09:30:00Z"
    raise Refused(f"{written[:_SHOWN]!r} {wrong}; write it like {like}")


def day_or_moment(written: str) -> date | datetime:
    """Return a moment as ``moment`` does, but a day as the day that it is; raises Refused for what is neither."""
    found = moment(written)
    return found.date() if len(written) == _DAY else found


def end(asked: date | datetime, now: datetime) -> datetime:
    """Return the last moment (UTC) of a day, ``now`` of the day that it is, and a moment as it is.

    For what holds up to and with a day: whoever asks for the stock of 31 March means when that day was over.
    """
    if isinstance(asked, datetime):
        return asked
    return now if asked == now.astimezone(UTC).date() else datetime.combine(asked, time.max, UTC)
