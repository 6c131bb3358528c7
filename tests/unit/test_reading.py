from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

import pytest

from stockhook.channel import Channel, Nothing, RawEvent
from stockhook.errors import BadEvent, Unreadable
from stockhook.model import Delivery, Event, EventState, Snapshot
from stockhook.reading import Opened, open_delivery
from stockhook.testing import factories as make
from stockhook.testing.clock import START
from stockhook_plugins.stores.memory import MemoryStore


class Words:
    """A channel whose bodies are words; each is read as an order of that id, or as what ``reads`` says of it."""

    def __init__(self, **reads: Any) -> None:
        self.reads = reads

    def split(self, body: bytes) -> Sequence[RawEvent]:
        words = body.decode().split()
        if "split" in self.reads:
            raise self.reads["split"]
        return [RawEvent("order_ship", word) for word in words]

    def read(self, event: RawEvent) -> Snapshot | Nothing:
        found = self.reads.get(event.payload, Snapshot("ultracart:DEMO", event.payload, ships=True, as_of=START))
        if isinstance(found, Exception):
            raise found
        return cast("Snapshot | Nothing", found)


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.open()
    store.append([make.arrival(b"one two three")])
    return store


def opened(store: MemoryStore, channel: Words | None, most: int = 100, **delivery: Any) -> Opened:
    channels: Mapping[str, Channel] = {} if channel is None else {"shop": cast("Channel", channel)}
    with store.read() as view:
        (kept,) = view.find(Delivery)
        return open_delivery(view, make.delivery(id=kept.id, digest=kept.digest, **delivery), channels, most)


def keep(store: MemoryStore, *states: EventState, **fields: Any) -> None:
    with store.write() as work:
        work.save(
            [
                make.event(id=0, position=place, state=state, order_id="kept", name="order_ship", attempts=0, **fields)
                for place, state in enumerate(states)
            ]
        )


def summary(found: Opened) -> list[tuple[int, str, object]]:
    return [(one.event.position, one.event.name, type(one.read).__name__) for one in found.pending]


def test_a_new_delivery_gives_an_event_per_element(store: MemoryStore) -> None:
    found = opened(store, Words())
    assert [one.event.order_id for one in found.pending] == ["one", "two", "three"]
    assert {one.event.state for one in found.pending} == {EventState.PENDING}
    assert [one.event.id for one in found.pending] == [0, 0, 0]
    assert found.count == 3


def test_what_reading_raises_is_kept_with_its_event(store: MemoryStore) -> None:
    found = opened(store, Words(one=BadEvent("bad-lines", "no quantity"), two=ZeroDivisionError(), three=Nothing("x")))
    assert [type(one.read) for one in found.pending] == [BadEvent, ZeroDivisionError, Nothing]


def test_finished_events_are_not_worked_again(store: MemoryStore) -> None:
    keep(store, EventState.APPLIED, EventState.PENDING, EventState.FAILED)
    found = opened(store, Words(), events=3)
    assert [(one.event.position, one.event.id) for one in found.pending] == [(1, 2)]
    assert found.count == 3


def test_events_that_failed_before_come_behind_the_fresh_ones(store: MemoryStore) -> None:
    with store.write() as work:
        work.save([make.event(id=0, position=0, state=EventState.PENDING, attempts=2)])
    assert [one.event.position for one in opened(store, Words(), events=3).pending] == [1, 2, 0]


def test_a_body_that_cannot_be_split_is_one_event_named_unreadable(store: MemoryStore) -> None:
    found = opened(store, Words(split=Unreadable("it is not UTF-8")))
    assert summary(found) == [(0, "unreadable", "BadEvent")]
    assert cast("BadEvent", found.pending[0].read).kind == "quarantined"


def test_a_channel_that_fails_to_split_is_tried_again(store: MemoryStore) -> None:
    assert summary(opened(store, Words(split=ZeroDivisionError()))) == [(0, "unreadable", "ZeroDivisionError")]


def test_an_unreadable_body_that_can_be_split_now_keeps_its_event(store: MemoryStore) -> None:
    keep(store, EventState.PENDING)
    found = opened(store, Words(), events=1)
    assert [(one.event.id, one.event.name, one.event.order_id) for one in found.pending] == [
        (1, "order_ship", "one"),
        (0, "order_ship", "two"),
        (0, "order_ship", "three"),
    ]


@pytest.mark.parametrize("channel", [None, Words(split=Unreadable("cut short"))])
def test_events_of_a_body_split_before_keep_their_names_when_it_cannot_be_split_now(
    store: MemoryStore, channel: Words | None
) -> None:
    keep(store, EventState.APPLIED, EventState.PENDING, EventState.PENDING)
    found = opened(store, channel, events=3)
    assert summary(found) == [(1, "order_ship", "BadEvent"), (2, "order_ship", "BadEvent")]
    assert found.count == 3


def test_a_channel_that_is_gone_says_so(store: MemoryStore) -> None:
    found = opened(store, None)
    assert summary(found) == [(0, "unreadable", "BadEvent")]
    assert "no channel shop is configured any more" in str(found.pending[0].read)


def test_an_event_that_a_body_no_longer_holds_is_not_left_pending(store: MemoryStore) -> None:
    keep(store, EventState.APPLIED, EventState.APPLIED, EventState.APPLIED, EventState.PENDING)
    assert summary(opened(store, Words(), events=4)) == [(3, "order_ship", "BadEvent")]


class TestRemovedPayloads:
    @pytest.fixture(autouse=True)
    def pruned(self, store: MemoryStore) -> None:
        assert store.prune(START + timedelta(days=1), 10) == 1

    def test_pending_events_are_worked_from_the_facts(self, store: MemoryStore) -> None:
        keep(store, EventState.APPLIED, EventState.PENDING)
        assert summary(opened(store, Words(), events=2)) == [(1, "order_ship", "NoneType")]

    def test_one_that_was_never_split_is_reported(self, store: MemoryStore) -> None:
        (pending,) = opened(store, Words()).pending
        assert "removed by retention before it could be worked" in str(pending.read)


def test_what_is_kept_of_an_event_is_kept(store: MemoryStore) -> None:
    keep(store, EventState.PENDING, account="ultracart:DEMO")
    (pending,) = [one for one in opened(store, Words(one=ZeroDivisionError()), events=3).pending if one.event.id]
    assert isinstance(pending.event, Event)
    assert (pending.event.account, pending.event.order_id) == ("ultracart:DEMO", "kept")


def test_no_more_events_are_read_than_asked_for_and_those_that_failed_before_come_last(store: MemoryStore) -> None:
    with store.write() as work:
        failed = make.event(id=0, position=0, state=EventState.PENDING, name="order_ship", attempts=2)
        work.save([failed])
    found = opened(store, Words(), most=2, events=3)
    assert [pending.event.position for pending in found.pending] == [1, 2]
    assert (found.count, found.unread) == (3, 1)
    assert opened(store, Words(), most=3, events=3).unread == 0
