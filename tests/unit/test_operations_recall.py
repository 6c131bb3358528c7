from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from stockhook.errors import NotFound
from stockhook.model import NEW, Booking, Movement, MovementKind, Problem, ProblemState, Unit
from stockhook.operations import recall as operations
from stockhook.operations.problems import waive
from stockhook.operations.recall import Recall, recall_lot, recall_serial, recall_unit
from stockhook.operations.stock.adjustments import adjust
from stockhook.operations.stock.amendments import amend
from stockhook.operations.stock.reversals import undo
from stockhook.quantity import ONE
from stockhook.record import replace
from stockhook.rules import ChannelRules
from stockhook.testing import factories
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

SHIPPED = "2026-11-02T12:00:00-05:00"


def ship(shop: Shop, order_id: str, *lines: tuple[str, int]) -> None:
    shop.send(envelope(order_ship(order_id, [line(code, quantity, shipped=SHIPPED) for code, quantity in lines])))


def waive_all(shop: Shop, quantity: int | None = None) -> None:
    (problem,) = shop.find(Problem, kind="insufficient-inventory", state=ProblemState.OPEN)
    waive(shop.desk, problem.id, quantity, "given away")


def sound(found: Recall) -> Recall:
    for one in found.sums:
        came = one.received + one.adjusted + one.counted + one.moved + one.reversed + one.returned
        assert came - one.shipped == one.left == sum(u.quantity for u in found.units if u.sku == one.sku)
    for sku in {one.sku for one in found.sums}:
        out = sum(one.out for one in found.shipments if one.sku == sku)
        assert out == sum(one.shipped - one.reversed - one.returned for one in found.sums if one.sku == sku)
    return found


def test_a_recall_tells_who_got_how_much_and_what_is_left(shop: Shop) -> None:
    shop.items("SOAP", "BOX")
    shop.receive(("SOAP", 5), lot="L7")
    shop.receive(("SOAP", 50), lot="L8")
    ship(shop, "D-1", ("SOAP", 2))
    ship(shop, "D-2", ("BOX", 1), ("SOAP", 4))
    ship(shop, "D-3", ("SOAP", 1))
    found = sound(recall_lot(shop.desk, "L7"))
    assert [(one.order_id, one.item_index, one.code, one.out) for one in found.shipments] == [
        ("D-1", 1, "SOAP", 2 * ONE),
        ("D-2", 2, "SOAP", 3 * ONE),
    ]
    first = found.shipments[0]
    assert first.shipped_at is not None
    assert (first.shipped_at.isoformat(), str(first.ship_date)) == ("2026-11-02T17:00:00+00:00", "2026-11-02")
    (sums,) = found.sums
    assert (sums.received, sums.shipped, sums.left, sums.unexplained) == (5 * ONE, 5 * ONE, 0, 0)
    assert [one.order_id for one in recall_lot(shop.desk, "L8").shipments] == ["D-2", "D-3"]


def test_lots_compare_trimmed_and_without_case_and_near_misses_are_named(shop: Shop) -> None:
    shop.items("SOAP")
    shop.receive(("SOAP", 1), lot="L-1015")
    shop.receive(("SOAP", 1), lot="l-1015")
    assert len(recall_lot(shop.desk, " L-1015 ").units) == 2
    with pytest.raises(NotFound, match="no unit ever had the lot 'L1051'; did you mean L-1015"):
        recall_lot(shop.desk, "L1051")
    with pytest.raises(NotFound, match="`stockhook stock list --all`"):
        recall_lot(shop.desk, "nothing like it")
    with pytest.raises(NotFound, match="there is no unit 99"):
        recall_unit(shop.desk, 99)


def test_a_lot_of_several_items_has_the_sums_of_each(shop: Shop) -> None:
    shop.items("SOAP", "BOX")
    shop.receive(("SOAP", 5), ("BOX", 3), lot="L7")
    ship(shop, "D-1", ("SOAP", 2), ("BOX", 1))
    found = sound(recall_lot(shop.desk, "L7"))
    assert [(one.sku, one.left) for one in found.sums] == [("BOX", 2 * ONE), ("SOAP", 3 * ONE)]


def test_adjustments_and_what_was_undone_are_part_of_the_sum(shop: Shop) -> None:
    shop.items("SOAP")
    received = shop.receive(("SOAP", 10), lot="L7")
    unit = received.units[0].id
    wrong = adjust(shop.desk, unit, 3 * ONE, "found")
    undo(shop.desk, wrong.movement.id, "miscounted")
    adjust(shop.desk, unit, -ONE, "broken")
    (sums,) = sound(recall_lot(shop.desk, "L7")).sums
    assert (sums.received, sums.adjusted, sums.left) == (10 * ONE, -ONE, 9 * ONE)


def test_what_was_taken_back_is_still_listed(shop: Shop) -> None:
    shop.items("SOAP")
    shop.receive(("SOAP", 10), lot="L7")
    shop.send(envelope(order_ship("D-1", [line("SOAP", 2), line("SOAP", 3)])))
    shop.send(envelope(order_ship("D-1", [line("SOAP", 2, shipped=SHIPPED), line("SOAP", 3)])))
    found = sound(recall_lot(shop.desk, "L7"))
    assert [(one.consumed, one.reversed, one.out) for one in found.shipments] == [
        (2 * ONE, 0, 2 * ONE),
        (3 * ONE, 3 * ONE, 0),
    ]


def test_returned_goods_are_followed_to_where_they_went(shop: Shop) -> None:
    shop.items("SOAP")
    shop.receive(("SOAP", 10), lot="L7")
    ship(shop, "D-1", ("SOAP", 4))
    consumed = next(m for m in shop.find(Movement) if m.kind is MovementKind.CONSUMPTION)
    back = factories.unit(quantity=0, location="MAIN/RETURNS", lot="L7 (returned)", received=0)
    named = {"account": consumed.account, "order_id": "D-1", "line": consumed.line, "reverses": consumed.id}
    returned = factories.movement(back.id, 3 * ONE, kind=MovementKind.RETURN, **named)
    with shop.store.write() as work:
        version = work.units(["SOAP"]).versions["SOAP"]
        assert not work.book([Booking(units=(back,), movements=(returned,), items={"SOAP": version})])
    found = sound(recall_lot(shop.desk, "L7"))
    assert [(unit.location, unit.quantity) for unit in found.units] == [("MAIN", 6 * ONE), ("MAIN/RETURNS", 3 * ONE)]
    assert [(one.consumed, one.returned, one.out) for one in found.shipments] == [(4 * ONE, 3 * ONE, ONE)]
    assert found.sums[0].returned == 3 * ONE


def test_goods_moved_to_a_unit_of_another_name_are_followed(shop: Shop) -> None:
    shop.items("SOAP")
    unit = shop.receive(("SOAP", 10), lot="L7").units[0]
    there = factories.unit(quantity=0, location="MAIN/B", lot="RELABELLED", received=0)
    out = factories.movement(unit.id, -4 * ONE, kind=MovementKind.TRANSFER_OUT, id=NEW)
    into = factories.movement(there.id, 4 * ONE, kind=MovementKind.TRANSFER_IN, id=NEW + 1)
    into = replace(into, reverses=out.id)
    with shop.store.write() as work:
        assert not work.book([Booking(units=(there,), movements=(out, into), items={"SOAP": 1})])
    found = sound(recall_lot(shop.desk, "L7"))
    assert [unit.lot for unit in found.units] == ["L7", "RELABELLED"]
    assert (found.sums[0].moved, found.sums[0].lots) == (0, ("L7", "RELABELLED"))


def test_orders_shipped_from_no_known_unit_may_have_got_of_it(shop: Shop) -> None:
    shop.items("SOAP")
    ship(shop, "D-0", ("SOAP", 1))
    shop.clock.advance(timedelta(hours=1))
    waive_all(shop)
    shop.receive(("SOAP", 2), lot="L7")
    ship(shop, "D-1", ("SOAP", 5))
    found = sound(recall_lot(shop.desk, "L7"))
    assert [(one.order_id, one.owed) for one in found.unnamed] == [("D-1", 3 * ONE)]
    waive_all(shop, ONE)
    assert [(one.owed, one.waived) for one in recall_lot(shop.desk, "L7").unnamed] == [(2 * ONE, ONE)]


def test_a_serial_number_and_a_unit_are_recalled_as_well(shop: Shop) -> None:
    shop.items()
    with shop.store.write() as work:
        work.save([factories.item("CLOCK", serial=True)])
    shop.receive(("CLOCK", 1), serial="SN-1")
    shop.receive(("CLOCK", 1), serial="SN-2")
    ship(shop, "D-1", ("CLOCK", 1))
    assert [one.order_id for one in sound(recall_serial(shop.desk, "sn-1")).shipments] == ["D-1"]
    unit = shop.find(Unit, serial="SN-2")[0]
    assert recall_unit(shop.desk, unit.id).shipments == ()
    with pytest.raises(NotFound, match="but a serial number: stockhook recall --serial SN-1"):
        recall_lot(shop.desk, "SN-1")
    with pytest.raises(NotFound, match="did you mean SN-"):
        recall_serial(shop.desk, "SN-3")


def test_a_recall_reads_in_small_pieces(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "AT_ONCE", 2)
    shop.items("SOAP")
    for _ in range(3):
        shop.receive(("SOAP", 2), lot="L7")
    for n in range(5):
        ship(shop, f"D-{n}", ("SOAP", 1))
    assert len(sound(recall_lot(shop.desk, "L7")).shipments) == 5


def test_units_that_were_of_the_lot_before_they_were_amended_are_recalled(shop: Shop) -> None:
    shop.items("SOAP")
    unit = shop.receive(("SOAP", 10), lot="L7").units[0].id
    ship(shop, "D-1", ("SOAP", 4))
    amend(shop.desk, unit, {"lot": "L > 8", "reference": "typo"}, "misread")
    found = sound(recall_lot(shop.desk, "l7"))
    assert ([one.order_id for one in found.shipments], found.renamed) == (["D-1"], (unit,))
    assert recall_lot(shop.desk, "L > 8").renamed == ()
    amend(shop.desk, unit, {"lot": "L7"}, "it was right")
    assert recall_lot(shop.desk, "L7").renamed == ()
    assert recall_lot(shop.desk, "L > 8").renamed == (unit,)


def test_the_day_is_the_one_that_the_expiry_was_judged_by() -> None:
    store = MemoryStore()
    store.open()
    channel = UltraCart(UltraCart.Options.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    rules = ChannelRules("shop", time_zone=ZoneInfo("America/New_York"))
    shop = Shop(store, channel, Fifo(Fifo.Options()), rules=rules)
    shop.items("SOAP")
    shop.clock.advance(timedelta(hours=26 - shop.clock.now().hour))
    there = shop.clock.now().date() - timedelta(days=1)
    shop.receive(("SOAP", 5), lot="L7", expires_on=there)  # good for that day, and no longer
    shop.send(envelope(order_ship("D-1", [line("SOAP", 1)], stage="Completed Order")))
    (shipment,) = recall_lot(shop.desk, "L7").shipments
    assert (shipment.shipped_at, shipment.ship_date) == (shop.clock.now(), there)
