from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockhook.errors import NotFound, Refused
from stockhook.model import NEW, Event, EventState, Movement, Problem, ProblemState, Shortage
from stockhook.operations.desk import Desk
from stockhook.operations.dry_run import DryRun, dry_run_event, dry_run_file
from stockhook.operations.items import add as add_item
from stockhook.quantity import ONE
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

SHIPPED = "2026-11-02T12:00:00-05:00"


class ReadOnly:
    """A store that can only be read: whoever opens a write breaks the test."""

    def __init__(self, store: MemoryStore) -> None:
        self.read = store.read

    def write(self) -> NoReturn:
        raise AssertionError("a dry run opened a write")


def make_shop() -> Shop:
    store = MemoryStore()
    store.open()
    channel = UltraCart(UltraCart.Options.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    return Shop(store, channel, Fifo(Fifo.Options()))


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = make_shop()
    yield made
    made.store.close()


def only_reading(shop: Shop) -> Desk:
    return replace(shop.desk, store=ReadOnly(shop.store))  # type: ignore[arg-type]


def try_event(shop: Shop, event: Event) -> DryRun:
    return dry_run_event(only_reading(shop), {"shop": shop.channel}, event.id)


def try_body(shop: Shop, body: bytes, folder: Path, **more: Any) -> DryRun:
    file = folder / "body.json"
    file.write_bytes(body)
    return dry_run_file(only_reading(shop), {"shop": shop.channel}, file, **more)


def shipment(order_id: str, *lines: tuple[str, int]) -> bytes:
    return envelope(order_ship(order_id, [line(code, quantity, shipped=SHIPPED) for code, quantity in lines]))


def test_a_file_is_worked_and_nothing_is_written(shop: Shop, tmp_path: Path) -> None:
    shop.stock(SOAP=3)
    found = try_body(shop, shipment("D-1", ("SOAP", 5)), tmp_path)
    (event,), (order,) = found.events, found.orders
    assert (event.state, event.reason, event.order_id) == (EventState.SHORT, "insufficient-inventory", "D-1")
    assert [(move.unit_id, move.quantity) for move in order.movements] == [(1, -3 * ONE)]
    assert [unit.why for unit in order.allocations[0].trace.taken] == ["received 1 Dec 2026"]
    assert [row.open for row in order.shortages] == [2 * ONE]
    assert [(one.signal.kind, one.known) for one in found.raises] == [("insufficient-inventory", False)]
    assert shop.find(Event) == shop.find(Shortage) == shop.find(Problem) == []
    assert len(shop.find(Movement)) == 1


def test_each_movement_tells_what_its_unit_would_hold_then(shop: Shop, tmp_path: Path) -> None:
    shop.stock(SOAP=10)
    shop.send(shipment("D-0", ("SOAP", 1)))
    body = envelope(
        order_ship("D-1", [line("SOAP", 4, shipped=SHIPPED), line("SOAP", 2, shipped=SHIPPED)]),
        order_ship("D-2", [line("SOAP", 3, shipped=SHIPPED)]),
    )
    found = try_body(shop, body, tmp_path)
    balances = [move.balance_after for order in found.orders for move in order.movements]
    assert balances == [5 * ONE, 3 * ONE, 0]


def test_a_kept_event_is_worked_as_a_replay_would(shop: Shop) -> None:
    (event,) = shop.send(shipment("D-1", ("SOAP", 2)))
    assert event.reason == "unknown-item"
    assert [one.known for one in try_event(shop, event).raises] == []
    add_item(shop.desk, "SOAP")
    found = try_event(shop, event)
    assert (found.events[0].id, found.events[0].reason) == (event.id, "insufficient-inventory")
    assert found.settles == (("unknown-item", "ultracart:DEMO/SOAP"),)
    assert shop.find(Event) == [event]


def test_an_event_whose_payload_is_gone_is_worked_from_the_facts(shop: Shop) -> None:
    (event,) = shop.send(shipment("D-1", ("SOAP", 2)))
    shop.clock.advance(timedelta(days=31))
    shop.store.prune(shop.clock.now(), 100)
    add_item(shop.desk, "SOAP")
    assert try_event(shop, event).events[0].reason == "insufficient-inventory"


def test_an_event_booked_already_books_nothing(shop: Shop, tmp_path: Path) -> None:
    shop.stock(SOAP=3)
    body = shipment("D-1", ("SOAP", 2))
    (event,) = shop.send(body)
    for found in (try_event(shop, event), try_body(shop, body, tmp_path)):
        assert found.events[0].state is EventState.UNCHANGED
        assert not any(order.movements or order.shortages for order in found.orders)


def test_one_event_of_a_delivery_is_worked_without_the_others(shop: Shop) -> None:
    body = envelope(*(order_ship(f"D-{n}", [line("SOAP", 1, shipped=SHIPPED)]) for n in range(3)))
    events = shop.send(body)
    found = try_event(shop, events[1])
    assert [event.id for event in found.events] == [events[1].id]
    assert [order.key.order_id for order in found.orders] == ["D-1"]


def test_what_cannot_be_read_or_booked_is_told(shop: Shop, tmp_path: Path) -> None:
    found = try_body(shop, b"no json at all", tmp_path)
    assert (found.events[0].state, found.events[0].reason) == (EventState.FAILED, "quarantined")
    assert [one.signal.kind for one in found.raises] == ["quarantined"]
    other = envelope(order_ship("D-1", [line("SOAP", 1, shipped=SHIPPED)], merchant_id="OTHER"))
    found = try_body(shop, other, tmp_path)
    assert (found.events[0].state, found.events[0].reason) == (EventState.PARKED, "wrong-merchant")


def test_what_is_not_there_is_refused(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no event 99"):
        dry_run_event(shop.desk, {"shop": shop.channel}, 99)
    with pytest.raises(NotFound, match="there is no file"):
        dry_run_file(shop.desk, {"shop": shop.channel}, tmp_path / "none.json")
    with pytest.raises(Refused, match="cannot be read: Is a directory"):
        dry_run_file(shop.desk, {"shop": shop.channel}, tmp_path)
    both = {"shop": shop.channel, "outlet": shop.channel}
    with pytest.raises(Refused, match="name one: --channel shop or --channel outlet"):
        dry_run_file(shop.desk, both, tmp_path / "none.json")
    with pytest.raises(Refused, match="no channel 'shpo' in the configuration; did you mean shop"):
        dry_run_file(shop.desk, both, tmp_path / "none.json", "shpo")


def test_what_would_come_back_wakes_the_orders_that_wait_for_it(shop: Shop, tmp_path: Path) -> None:
    shop.stock(SOAP=3)
    shop.send(envelope(order_ship("D-1", [line("SOAP", 1), line("SOAP", 2)])))
    shop.send(shipment("D-2", ("SOAP", 4)))
    dated = envelope(order_ship("D-1", [line("SOAP", 1, shipped=SHIPPED), line("SOAP", 2)]))
    found = try_body(shop, dated, tmp_path)
    assert [(move.kind.value, move.quantity) for move in found.orders[0].movements] == [("reversal", 2 * ONE)]
    assert found.wakes == 1


LINES = st.lists(st.tuples(st.sampled_from(["SOAP", "BOX", "GIFT"]), st.integers(1, 4)), min_size=1, max_size=3)
ORDERS = st.lists(st.tuples(st.sampled_from(["D-1", "D-2"]), LINES), min_size=1, max_size=5)


@given(orders=ORDERS)
@settings(max_examples=25, deadline=None)
def test_a_dry_run_tells_what_sending_the_same_then_books(
    orders: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("bodies", numbered=True)
    shop = make_shop()
    shop.stock(SOAP=6)
    shop.stock(BOX=4)
    for order_id, lines in orders:
        body = shipment(order_id, *lines)
        shop.clock.advance(timedelta(minutes=1))
        found = try_body(shop, body, folder)
        before = {move.id for move in shop.find(Movement)}
        shop.deliver(body, after=timedelta(0))
        shop.work()
        booked = [move for move in reversed(shop.find(Movement)) if move.id not in before]
        told = [move for order in found.orders for move in order.movements]
        assert [(m.unit_id, m.quantity, m.kind, m.line) for m in told] == [
            (m.unit_id, m.quantity, m.kind, m.line) for m in booked
        ]
        event = shop.find(Event)[0]
        assert (found.events[0].state, found.events[0].reason, found.events[0].text) == (
            event.state,
            event.reason,
            event.text,
        )
        (order,) = found.orders
        kept = {row.id: row for row in shop.find(Shortage)}
        assert all(row.id >= NEW or kept[row.id].open == row.open for row in order.shortages)
        for raised in found.raises:
            where = {"kind": raised.signal.kind, "subject": raised.signal.subject}
            assert shop.find(Problem, state=ProblemState.OPEN, **where)
    shop.store.close()
