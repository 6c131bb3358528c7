"""Business hours, and the times that config writes."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockhook.hours import ALWAYS, parse_clock, parse_duration, parse_hours

OFFICE = parse_hours("Mon-Fri 08:00-18:00")
NEW_YORK = ZoneInfo("America/New_York")
DAY = timedelta(days=1)


def new_york(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=NEW_YORK).astimezone(UTC)


def test_a_night_and_a_weekend_do_not_count() -> None:
    friday, monday = new_york(20, 16), new_york(23, 12)
    assert OFFICE.between(friday, monday, NEW_YORK, 9 * DAY) == timedelta(hours=6)
    assert not OFFICE.open(new_york(20, 18), NEW_YORK)
    assert OFFICE.open(new_york(20, 17, 59), NEW_YORK)
    assert not OFFICE.open(new_york(22, 12), NEW_YORK)


def test_a_day_on_which_the_clock_is_changed_has_the_same_hours_on_the_wall() -> None:
    sunday = parse_hours("Sun 00:00-24:00")
    assert sunday.between(new_york(31, 12, month=10), new_york(2, 12), NEW_YORK, 9 * DAY) == timedelta(hours=25)
    assert parse_hours("Sun 08:00-18:00").between(
        new_york(31, 12, month=10), new_york(2, 12), NEW_YORK, 9 * DAY
    ) == timedelta(hours=10)


def test_several_spans_and_a_week_that_turns_around_are_written_with_commas() -> None:
    found = parse_hours("Mon-Thu 08:00-18:00, Sat-Sun 10:00-12:30")
    assert found.spans == (*((day, 480, 1080) for day in range(4)), (5, 600, 750), (6, 600, 750))
    assert [day for day, _, _ in parse_hours("fri-mon 00:00-24:00").spans] == [0, 4, 5, 6]
    assert parse_hours("Mon 08:00-09:00").spans == ((0, 480, 540),)


@pytest.mark.parametrize(
    "written",
    [
        "Mon 08:00-12:00, Mon-Fri 10:00-14:00",
        "",
        "always",
        "Mon-Fri",
        "Mon-Fri 18:00-08:00",
        "Mon 08:00-25:00",
        "Foo 08:00-09:00",
        "Mon 8-9",
        7,
    ],
)
def test_hours_that_mean_nothing_are_refused_with_an_example(written: object) -> None:
    with pytest.raises(ValueError, match="Mon-Fri 08:00-18:00"):
        parse_hours(written)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_hours_between_moments_add_up(first: int, second: int, third: int) -> None:
    a, b, c = (new_york(1, 0) + timedelta(minutes=n) for n in sorted((first, second, third)))
    for hours in (OFFICE, ALWAYS):
        whole, parts = (
            hours.between(a, c, NEW_YORK, 99 * DAY),
            hours.between(a, b, NEW_YORK, 99 * DAY) + hours.between(b, c, NEW_YORK, 99 * DAY),
        )
        assert whole == parts <= c - a
    assert ALWAYS.between(a, c, NEW_YORK, 99 * DAY) == c - a


def test_counting_stops_once_there_is_enough() -> None:
    assert ALWAYS.between(new_york(2, 0), new_york(30, 0), NEW_YORK, timedelta(hours=1)) == DAY


def test_a_time_of_day_is_written_with_four_digits() -> None:
    assert (parse_clock("07:30"), parse_clock("23:59")) == (time(7, 30), time(23, 59))
    for wrong in ("7:30", "24:00", "07:60", "0730", 7, ""):
        with pytest.raises(ValueError, match='like "07:30"'):
            parse_clock(wrong)


def test_times_are_written_with_their_unit() -> None:
    assert [parse_duration(each) for each in ("90m", "6h", "2 d")] == [DAY / 16, DAY / 4, 2 * DAY]
    for wrong in ("6", "0h", "-1h", "6 hours", "400d", 6):
        with pytest.raises(ValueError, match="expected a time like"):
            parse_duration(wrong)
