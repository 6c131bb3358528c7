"""Days and moments as a person writes them, for commands, files and pages alike."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockhook.errors import Refused
from stockhook.operations.calendar import day, day_or_moment, end, midnight, moment

ZONES = st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(
    lambda off: timezone(timedelta(minutes=off // timedelta(minutes=1)))
)
WITHIN = (datetime(1, 1, 3), datetime(9999, 12, 29))  # noqa: DTZ001 - hypothesis adds the zone


@given(st.dates())
def test_a_day_is_read_as_it_is_written_and_begins_at_midnight_utc(written: date) -> None:
    assert day(written.isoformat()) == written
    assert moment(written.isoformat()) == midnight(written) == datetime(*written.timetuple()[:3], tzinfo=UTC)


@given(st.datetimes(*WITHIN, timezones=ZONES))
def test_a_moment_with_an_offset_is_the_same_moment_in_utc(written: datetime) -> None:
    for in_utc in (False, True):
        found = moment(written.isoformat(), in_utc=in_utc)
        assert found == written
        assert found.tzinfo is UTC


@given(st.dates(), st.datetimes(*WITHIN, timezones=ZONES))
def test_a_day_ends_before_the_next_one_begins_and_a_moment_with_itself(written: date, now: datetime) -> None:
    assert day_or_moment(written.isoformat()) == written
    over = end(written, now)
    if over != now:
        assert over + timedelta(microseconds=1) == midnight(written) + timedelta(days=1)
    assert end(now.astimezone(UTC).date(), now) == now
    assert end(day_or_moment(now.isoformat()), datetime.max.replace(tzinfo=UTC)) == now


def test_a_moment_without_an_offset_is_taken_only_where_it_was_said_to_be_in_utc() -> None:
    assert moment("2026-12-01 09:30", in_utc=True) == datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
    with pytest.raises(Refused, match="does not say its offset from UTC; write it like 2026-12-01 or 2026"):
        moment("2026-12-01 09:30")


@pytest.mark.parametrize("written", ["", "soon", "2026-02-30", "31.3.2026", "0001-01-01T00:00:00+14:00", "9" * 5000])
def test_what_is_no_day_and_no_moment_is_refused_with_its_beginning(written: str) -> None:
    for read in (day, moment, day_or_moment):
        with pytest.raises(Refused, match=r"is not a (day|moment); write it like") as refused:
            read(written)
        assert len(str(refused.value)) < 140
