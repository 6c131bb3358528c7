"""Business hours: when somebody is there, and how much of that lies between two moments.

Written ``Mon-Fri 08:00-18:00``, several with commas between: ``Mon-Thu 08:00-18:00, Fri 08:00-14:00``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Final

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN: Final = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? (\d{2}):(\d{2})-(\d{2}):(\d{2})")
_DAY_MINUTES: Final = 24 * 60
_EXPECTED: Final = 'expected days and times like "Mon-Fri 08:00-18:00", several with commas between'
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LONGEST: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Hours:
    """Spans of a week: (weekday from Monday 0, first minute of the day, minute behind the last)."""

    spans: tuple[tuple[int, int, int], ...]

    def open(self, moment: datetime, zone: tzinfo) -> bool:
        """Tell whether a moment is within these hours of a place."""
        return any(begins <= moment < ends for begins, ends in self._on(moment.astimezone(zone).date(), zone))

    def between(self, start: datetime, end: datetime, zone: tzinfo, enough: timedelta) -> timedelta:
        """Return how much of these hours lies between two moments; counting stops once it is ``enough``."""
        total = timedelta(0)
        day = start.astimezone(zone).date()
        while total < enough and day <= end.astimezone(zone).date():
            for begins, ends in self._on(day, zone):
                total += max(min(ends, end) - max(begins, start), timedelta(0))
            day += timedelta(days=1)
        return total

    def _on(self, day: date, zone: tzinfo) -> Iterator[tuple[datetime, datetime]]:
        midnight = datetime.combine(day, time(), zone)
        for weekday, first, last in self.spans:
            if weekday == midnight.weekday():
                # added on the wall clock: eight o'clock is eight o'clock on the days of a change, too
                yield (
                    (midnight + timedelta(minutes=first)).astimezone(UTC),
                    (midnight + timedelta(minutes=last)).astimezone(UTC),
                )


@dataclass(frozen=True, slots=True)
class Silence:
    """A channel is silent when no delivery came for so much of its hours."""

    after: timedelta
    hours: Hours


ALWAYS: Final = Hours(tuple((day, 0, _DAY_MINUTES) for day in range(7)))
"""Around the clock."""


def parse_hours(value: object) -> Hours:
    """Return the hours that a text writes; raises ValueError."""
    if isinstance(value, Hours):
        return value
    written = value if isinstance(value, str) else ""
    spans = sorted(span for part in written.split(",") for span in _spans(part.strip()))
    for (day, _, ends), (following, begins, _) in pairwise(spans):
        if day == following and begins < ends:
            raise ValueError(f"{_EXPECTED}; two of these overlap on a {_DAYS[day].title()}, write them as one")
    return Hours(tuple(spans))


def _spans(written: str) -> Iterator[tuple[int, int, int]]:
    match = _SPAN.fullmatch(written.casefold())
    if match is None or match[1] not in _DAYS or (match[2] or match[1]) not in _DAYS:
        raise ValueError(_EXPECTED)
    from_hour, from_minute, to_hour, to_minute = map(int, match.groups()[2:])
    first, last = 60 * from_hour + from_minute, 60 * to_hour + to_minute
    if from_minute > 59 or to_minute > 59 or not first < last <= _DAY_MINUTES:  # noqa: PLR2004 - minutes of an hour
        raise ValueError(f"{_EXPECTED}; hours of one day, from 00:00 to 24:00, the later one behind")
    begin, end = _DAYS.index(match[1]), _DAYS.index(match[2] or match[1])
    for day in range(begin, end + 1 if end >= begin else end + 8):
        yield day % 7, first, last


def parse_clock(value: object) -> time:
    """Return the time of day that ``"07:30"`` writes; raises ValueError."""
    if isinstance(value, time):
        return value
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('expected a time of day in quotes, like "07:30"')
    return time(int(match[1]), int(match[2]))


def parse_duration(value: object) -> timedelta:
    """Return the time that ``"90m"``, ``"6h"`` or ``"2d"`` writes; raises ValueError."""
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(\d{1,6}) ?([mhd])", value.strip()) if isinstance(value, str) else None
    found = int(match[1]) * _UNITS[match[2]] if match else timedelta(0)
    if not timedelta(0) < found <= _LONGEST:
        raise ValueError('expected a time like "90m", "6h" or "2d", at most a year')
    return found
