"""Records between two moments: those of that time, and no others, whatever the clock did meanwhile."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockhook.model import Delivery, Event
from stockhook.operations import edges
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
    shuffled=st.randoms(use_true_random=False),
)
def test_a_clock_that_goes_wrong_by_less_than_half_an_hour_hides_nothing(
    steps: list[tuple[int, int]], low: int | None, high: int | None, shuffled: Random
) -> None:
    moment, moments = START, []
    for step, wrong in steps:
        moment += timedelta(minutes=step)
        moments.append(moment + timedelta(minutes=wrong))
    since, until = (None if each is None else START + timedelta(minutes=each) for each in (low, high))
    store = MemoryStore()
    store.open()
    ids = store.append([make.arrival(received_at=each) for each in moments])
    late = shuffled.sample(range(len(moments)), len(moments))  # read again, or in another order than they came in
    with store.write() as work:
        work.save([make.event(delivery_id=ids[n], order_id=None, account=None, received_at=moments[n]) for n in late])
    for record in (Delivery, Event):
        with store.read() as view:
            found = view.find(record, span(view, record, since, until), most=FOREVER)
        wanted = [each for each in moments if (since is None or since <= each) and (until is None or each < until)]
        assert sorted(one.received_at for one in found) == sorted(wanted)


def test_what_is_long_before_or_after_is_not_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    store.open()
    ids = store.append([make.arrival(received_at=START + timedelta(days=day)) for day in range(10)])
    with store.write() as work:
        for n in (0, 1, 2, 3, 5, 6, 7, 8, 9, 4):  # the fifth was read last
            work.save([make.event(id=0, delivery_id=ids[n], received_at=START + timedelta(days=n))])
    since, until = START + timedelta(days=5), START + timedelta(days=7)
    early, late = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    with store.read() as view:
        assert span(view, Delivery, since, until)["id"] == Range(6, 9)
        assert span(view, Event, since, until)["id"] == Range(5, 8)
        assert span(view, Event, since, None)["id"] == Range(5, 10)
        assert span(view, Event, since - timedelta(days=1), until)["id"] == Range(5, 11)
        assert span(view, Event, late, None)["id"] == Range(1, 1)
        assert span(view, Delivery, early, late)["id"] == Range(None, None)
        assert span(view, Event, None, None) == {}
        monkeypatch.setattr(edges, "FEW", 3)
        assert span(view, Event, since, until)["id"] == Range(5, 8)
        assert span(view, Event, None, until) == {"received_at": Range(None, until)}, "too many to be asked for"
