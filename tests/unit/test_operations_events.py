from datetime import timedelta

import pytest

from stockhook.errors import NotFound, Refused
from stockhook.model import Audit, DeliveryState, Event, EventState, Movement
from stockhook.operations import deliveries, events, orders
from stockhook.quantity import ONE
from stockhook.testing import factories
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop

SHIPPED = "2026-11-02T12:00:00-05:00"
ACCOUNT = "ultracart:DEMO"


def ship(shop: Shop, order_id: str, quantity: int = 1, code: str = "SOAP") -> Event:
    (event,) = shop.send(envelope(order_ship(order_id, [line(code, quantity, shipped=SHIPPED)])))
    return event


def prune(shop: Shop) -> None:
    shop.clock.advance(timedelta(days=31))
    shop.store.prune(shop.clock.now(), 100)


def test_a_replayed_event_is_pending_and_due_and_books_nothing_twice(shop: Shop) -> None:
    shop.stock(SOAP=5)
    event = ship(shop, "D-1", 2)
    done = events.replay(shop.desk, [event.id, event.id])
    assert (done.events, done.orders, done.lost) == ((event.id,), (), ())
    (again,) = shop.find(Event)
    assert (again.state, again.reason, again.text, again.attempts, again.finished_at) == (
        EventState.PENDING,
        None,
        None,
        0,
        None,
    )
    (delivery,) = deliveries.list_deliveries(shop.desk)
    assert (delivery.state, delivery.due_at, delivery.attempts) == (DeliveryState.PENDING, shop.clock.now(), 0)
    before = shop.find(Movement)
    assert shop.work() == 1
    assert shop.find(Movement) == before
    assert shop.states("D-1") != ["pending"]
    assert shop.find(Audit)[0].action == "events replay"


def test_replaying_an_event_that_does_not_exist_changes_nothing(shop: Shop) -> None:
    event = ship(shop, "D-1")
    with pytest.raises(NotFound, match="there is no event 99"):
        events.replay(shop.desk, [event.id, 99])
    assert shop.find(Event)[0].state is not EventState.PENDING


def test_all_events_of_a_state_since_a_moment_are_replayed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "AT_ONCE", 2)
    for n in range(3):
        ship(shop, f"OLD-{n}")
    since = shop.clock.advance(timedelta(hours=1))
    new = [ship(shop, f"NEW-{n}").id for n in range(5)]
    shop.stock(OTHER=1)
    applied = ship(shop, "D-9", code="OTHER")
    heard: list[int] = []
    done = events.replay_matching(shop.desk, EventState.PARKED, since, heard.append)
    assert done.events == tuple(new)
    assert heard == [2, 2, 1]
    assert applied.id not in done.events


def test_an_event_whose_payload_is_gone_has_its_order_worked_from_its_facts(shop: Shop) -> None:
    event = ship(shop, "D-1", 2)
    prune(shop)
    shop.items("SOAP")
    done = events.replay(shop.desk, [event.id])
    assert (done.events, [key.order_id for key in done.orders], done.lost) == ((), ["D-1"], ())
    shop.work()
    assert shop.owed("SOAP") == 2 * ONE


def test_an_unreadable_event_whose_payload_is_gone_is_lost_and_said_so(shop: Shop) -> None:
    (event,) = shop.send(b"no json at all")
    assert event.state is EventState.FAILED
    prune(shop)
    assert events.replay(shop.desk, [event.id]).lost == (event.id,)
    assert shop.find(Event)[0].state is EventState.FAILED


def test_an_unreadable_delivery_is_split_again(shop: Shop) -> None:
    (event,) = shop.send(b"no json at all")
    assert events.replay(shop.desk, [event.id]).events == (event.id,)
    shop.work()
    assert [(e.name, e.state) for e in shop.find(Event)] == [("unreadable", EventState.FAILED)]


def test_events_are_found_by_state_order_channel_and_time(shop: Shop) -> None:
    shop.stock(SOAP=1)
    first = ship(shop, "D-1")
    since = shop.clock.advance(timedelta(hours=1))
    second = ship(shop, "D-2")

    def ids(**how: object) -> list[int]:
        return [event.id for event in events.list_events(shop.desk, **how)]  # type: ignore[arg-type]

    assert ids() == [second.id, first.id]
    assert ids(most=1) == [second.id]
    assert ids(state=EventState.APPLIED) == [first.id]
    assert ids(since=since) == [second.id]
    assert ids(order="D-1") == ids(order=f"{ACCOUNT}/D-1") == [first.id]
    assert ids(channel="other") == []
    with pytest.raises(NotFound, match=r"there is no order 'D-4'; did you mean D-1"):
        ids(order="D-4")


def test_events_of_old_deliveries_that_are_read_again_later_hide_none_of_the_newer_ones(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = type(shop.channel).split
    monkeypatch.setattr(type(shop.channel), "split", lambda channel, _: read(channel, b"a shape that nobody knows"))
    for day in range(8):
        shop.send(envelope(*(order_ship(f"OLD-{day}-{n}", [line("SOAP", 1)]) for n in range(5))))
    monkeypatch.undo()
    since = shop.clock.advance(timedelta(days=5))
    new = [ship(shop, f"NEW-{n}").id for n in range(3)]
    events.replay_matching(shop.desk, EventState.FAILED)
    shop.work()
    assert max(event.id for event in shop.find(Event)) > max(new)
    assert [event.id for event in reversed(events.list_events(shop.desk, since=since))] == new
    assert events.replay_matching(shop.desk, EventState.PARKED, since).events == tuple(new)


def test_an_event_shows_what_it_booked_and_why(shop: Shop) -> None:
    shop.stock(SOAP=5)
    event = ship(shop, "D-1", 2)
    shown = events.show(shop.desk, event.id)
    assert (shown.event, shown.kept) == (event, True)
    assert [(m.quantity, m.sku) for m in shown.movements] == [(-2 * ONE, "SOAP")]
    assert [a.trace.taken[0].taken for a in shown.allocations] == [2 * ONE]
    with pytest.raises(NotFound, match="there is no event 99"):
        events.show(shop.desk, 99)


def test_a_delivery_shows_its_events_and_whether_its_payload_is_kept(shop: Shop) -> None:
    body = envelope(*(order_ship(f"D-{n}", [line("SOAP", 1, shipped=SHIPPED)]) for n in range(3)))
    shop.send(body)
    shown = deliveries.show(shop.desk, 1)
    assert [event.order_id for event in shown.events] == ["D-0", "D-1", "D-2"]
    assert shown.kept
    prune(shop)
    assert not deliveries.show(shop.desk, 1).kept
    assert deliveries.list_deliveries(shop.desk, channel="other") == []
    assert deliveries.list_deliveries(shop.desk, state=DeliveryState.PENDING) == []
    with pytest.raises(NotFound, match="there is no delivery 2"):
        deliveries.show(shop.desk, 2)


def test_an_order_shows_its_takes_with_their_reason_and_what_is_owed(shop: Shop) -> None:
    shop.items("SOAP")
    shop.receive(("SOAP", 2), lot="L1")
    ship(shop, "D-1", 5)
    shown = orders.show(shop.desk, "D-1")
    (line_,) = shown.lines
    (taken,) = line_.takes
    assert (taken.take.quantity, taken.location, taken.lot, taken.strategy) == (2 * ONE, "MAIN", "L1", "fifo")
    assert "received" in str(taken.why)
    assert (line_.consumed, line_.open) == (2 * ONE, 3 * ONE)
    assert [event.order_id for event in shown.events] == ["D-1"]


def test_an_order_id_of_two_accounts_is_refused_naming_both(shop: Shop) -> None:
    ship(shop, "D-1")
    with shop.store.write() as work:
        other = factories.order("D-1", account="ultracart:OTHER")
        work.book([factories.shipment("D-1", [], order=other, lines=(), events=(), allocations=())])
    with pytest.raises(Refused, match=f"that of {ACCOUNT}/D-1 and ultracart:OTHER/D-1"):
        orders.show(shop.desk, "D-1")
    assert orders.show(shop.desk, "ultracart:OTHER/D-1").order.account == "ultracart:OTHER"


def test_an_order_id_may_hold_a_slash(shop: Shop) -> None:
    ship(shop, "A/1")
    assert orders.show(shop.desk, "A/1").order.order_id == "A/1"
    assert orders.show(shop.desk, f"{ACCOUNT}/A/1").order.order_id == "A/1"
