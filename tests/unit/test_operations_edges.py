"""Records between two moments: those of that time, and no others, whatever the clock did meanwhile."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stockhook.model import Event
from stockhook.operations.edges import span
from stockhook.store import FOREVER, Range
from stockhook.testing import factories as make
from stockhook_plugins.stores.memory import MemoryStore

START = datetime(2026, 12, 1, tzinfo=UTC)
MINUTES = st.integers(-90, 20 * 60)


@given(
    steps=st.lists(st.tuples(st.integers(0, 200), st.integers(-29, 29)), max_size=20),
    low=st.none() | MINUTES,
    high=st.none() | MINUTES,
)
def test_a_clock_that_goes_wrong_by_less_than_half_an_hour_hides_nothing(
    steps: list[tuple[int, int]], low: int | None, high: int | None
) -> None:
    moment, moments = START, []
    for step, wrong in steps:
        moment += timedelta(minutes=step)
        moments.append(moment + timedelta(minutes=wrong))
    since, until = (None if each is None else START + timedelta(minutes=each) for each in (low, high))
    store = MemoryStore()
    store.open()
    with store.write() as work:
        work.save([make.event(order_id=None, account=None, received_at=each) for each in moments])
    with store.read() as view:
        found = view.find(Event, span(view, Event, since, until), most=FOREVER)
    wanted = [each for each in moments if (since is None or since <= each) and (until is None or each < until)]
    assert [event.received_at for event in reversed(found)] == wanted


def test_what_is_long_before_or_after_is_not_looked_through() -> None:
    store = MemoryStore()
    store.open()
    with store.write() as work:
        work.save([make.event(received_at=START + timedelta(days=day)) for day in range(10)])
    with store.read() as view:
        ids = span(view, Event, START + timedelta(days=4), START + timedelta(days=6))["id"]
        assert ids == Range(5, 8)
        edges = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
        assert span(view, Event, *edges)["id"] == Range(None, None)
        assert span(view, Event, None, None) == {}
