"""What the sweep makes due for goods. See test_operations_items for codes, and for clocks that were wrong."""

from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta

import pytest

from stockhook.batch import Batch, Policies
from stockhook.model import Location, Order, OrderKey, Problem
from stockhook.operations import locations
from stockhook.operations.due import sweep
from stockhook.operations.problems import waive
from stockhook.operations.stock.adjustments import adjust
from stockhook.operations.stock.counts import count
from stockhook.operations.stock.tallies import Tally
from stockhook.quantity import ONE
from stockhook.store import Read
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.channels.ultracart.options import UltraCartOptions
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

SHIPPED = "2026-11-02T12:00:00-05:00"


@pytest.fixture
def shop() -> Iterator[Shop]:
    store = MemoryStore()
    store.open()
    channel = UltraCart(UltraCartOptions.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    yield Shop(store, channel, Fifo(Fifo.Options()))
    store.close()


def ship(shop: Shop, order_id: str, quantity: int = 1) -> None:
    shop.send(envelope(order_ship(order_id, [line("SOAP", quantity, shipped=SHIPPED)])))


def place(shop: Shop, *, pickable: bool) -> None:
    """Change the location behind the back of those who wait."""
    with shop.store.write() as work:
        work.save([Location("MAIN", pickable)])


def due(shop: Shop) -> list[str]:
    return sorted(order.order_id for order in shop.find(Order) if order.due_at)


def test_goods_that_become_pickable_while_an_order_is_planned_settle_it_after_the_sweep(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.stock(SOAP=5)
    locations.change(shop.desk, "MAIN", pickable=False)

    def batch(policies: Policies, view: Read, keys: Collection[OrderKey], codes: Iterable[tuple[str, str]]) -> Batch:
        loaded = Batch(policies, view, keys, codes)
        assert locations.change(shop.desk, "MAIN", pickable=True).due == 0
        monkeypatch.undo()
        return loaded

    monkeypatch.setattr("stockhook.worker.Batch", batch)
    ship(shop, "D-1", 3)
    assert (shop.owed("SOAP"), due(shop)) == (3 * ONE, [])
    assert sweep(shop.desk) == 1
    shop.work()
    assert shop.booked("D-1") == {"SOAP": 3 * ONE}


def test_orders_that_wait_beside_goods_are_looked_at_once_until_the_goods_change(shop: Shop) -> None:
    shop.items("SOAP")
    shop.receive(("SOAP", 5), expires_on=date(2026, 10, 1))
    ship(shop, "D-1")
    assert sweep(shop.desk) == 1
    shop.work()
    assert sweep(shop.desk) == 0

    ship(shop, "D-2")
    assert sweep(shop.desk) == 1
    assert due(shop) == ["D-2"]
    shop.work()
    assert sweep(shop.desk) == 0

    shop.receive(("SOAP", 5), expires_on=date(2026, 10, 2))
    assert sweep(shop.desk) == 2
    shop.work()
    assert sweep(shop.desk) == 0

    place(shop, pickable=False)
    assert sweep(shop.desk) == 0
    place(shop, pickable=True)
    assert sweep(shop.desk) == 2
    shop.work()
    assert (sweep(shop.desk), shop.owed("SOAP")) == (0, 2 * ONE)


def test_an_item_of_which_there_is_nothing_or_that_nobody_waits_for_makes_nothing_due(shop: Shop) -> None:
    shop.stock(SALT=5, SOAP=1)
    ship(shop, "D-1", 2)
    assert shop.owed("SOAP") == ONE
    assert sweep(shop.desk) == 0
    shop.receive(("SOAP", 1))
    assert (shop.owed("SOAP"), sweep(shop.desk)) == (0, 0)
    assert shop.desk.swept == {}


def test_goods_are_looked_at_again_where_their_orders_could_not_be_made_due(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.stock(SOAP=5)
    place(shop, pickable=False)
    ship(shop, "D-1")
    assert sweep(shop.desk) == 0
    place(shop, pickable=True)

    def refuse() -> None:
        raise OSError("away")

    with monkeypatch.context() as patched:
        patched.setattr(shop.store, "write", refuse)
        with pytest.raises(OSError, match="away"):
            sweep(shop.desk)
    assert sweep(shop.desk) == 1


def swept(shop: Shop) -> int:
    """Sweep and work, as the daemon does each minute, after a start too."""
    shop.clock.advance(timedelta(minutes=1))
    made = sweep(shop.desk)
    shop.work()
    shop.desk.swept.clear()
    return made


def test_goods_that_were_merely_found_stay_on_the_shelf_until_goods_come(shop: Shop) -> None:
    shop.stock(SOAP=2)
    ship(shop, "D-1", 5)
    shop.clock.advance(timedelta(minutes=1))
    adjust(shop.desk, 1, ONE, "found")
    assert (swept(shop), swept(shop), shop.owed("SOAP"), shop.on_hand("SOAP")) == (0, 0, 3 * ONE, ONE)
    count(shop.desk, [Tally(2 * ONE, unit_id=1)])
    assert (swept(shop), swept(shop), shop.owed("SOAP"), shop.on_hand("SOAP")) == (0, 0, 3 * ONE, 2 * ONE)
    shop.receive(("SOAP", 2))
    assert (shop.owed("SOAP"), shop.on_hand("SOAP")) == (0, 3 * ONE)


def test_goods_that_were_found_are_used_at_once_if_told_so(shop: Shop) -> None:
    shop.stock(SOAP=2)
    ship(shop, "D-1", 5)
    adjust(shop.desk, 1, 2 * ONE, "found", settle=True)
    assert (swept(shop), shop.owed("SOAP"), shop.on_hand("SOAP")) == (0, ONE, 0)


def test_goods_that_were_found_are_used_when_the_order_is_looked_at_again(shop: Shop) -> None:
    shop.stock(SALT=1, SOAP=1)
    shop.send(envelope(order_ship("D-1", [line("SALT", 3, shipped=SHIPPED), line("SOAP", 3, shipped=SHIPPED)])))
    adjust(shop.desk, 1, 2 * ONE, "found")
    assert (swept(shop), shop.owed("SALT")) == (0, 2 * ONE)
    (problem,) = shop.find(Problem, subject="SOAP")
    assert waive(shop.desk, problem.id, ONE, "lost").taken == {"SALT": 2 * ONE}
    assert (shop.owed("SALT"), shop.on_hand("SALT"), shop.owed("SOAP")) == (0, 0, ONE)


def test_what_is_owed_only_since_goods_were_found_does_not_wait_for_others(shop: Shop) -> None:
    shop.stock(SOAP=1)
    ship(shop, "D-1", 1)
    adjust(shop.desk, 1, 3 * ONE, "found")
    place(shop, pickable=False)
    shop.clock.advance(timedelta(minutes=1))
    ship(shop, "D-2", 2)
    assert (swept(shop), shop.owed("SOAP")) == (0, 2 * ONE)
    place(shop, pickable=True)
    assert (swept(shop), shop.owed("SOAP")) == (1, 0)
