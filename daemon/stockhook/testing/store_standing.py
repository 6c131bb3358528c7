"""The part of the store contract about what is owed, comes back or was counted: suspense, returns, counts."""

from dataclasses import replace

import pytest

from stockhook.errors import BadBooking
from stockhook.model import NEW, Booking, Count, MovementKind, Unit
from stockhook.quantity import ONE
from stockhook.store import Store
from stockhook.testing import factories as make
from stockhook.testing.clock import START
from stockhook.testing.store_booking import KEY, book, stocked


class StandingContract:
    """What ``StoreContract`` says of suspense units, of takes that came back or were counted, and of counts."""

    def test_a_suspense_unit_alone_may_be_below_zero(self, store: Store) -> None:
        """What is owed under the policy ``negative`` is booked on it (promise 4)."""
        [goods] = stocked(store, ("SOAP", ONE))
        suspense = make.unit(quantity=0, location="", lot=None, suspense=True)
        owed = make.movement(NEW, -3 * ONE)
        book(store, Booking(units=(suspense,), movements=(owed,), items={"SOAP": 1}))
        with store.read() as read:
            [unit] = read.find(Unit, {"suspense": True})
            assert (unit.quantity, unit.location) == (-3 * ONE, "")
        assert not book(store, Booking(movements=(make.movement(unit.id, -ONE), make.movement(unit.id, 4 * ONE))))
        with pytest.raises(BadBooking):
            book(store, Booking(movements=(make.movement(goods, -2 * ONE),)))

    def test_a_take_tells_whether_it_is_of_a_suspense_unit(self, store: Store) -> None:
        """Such a one is what is owed: no goods have left for it."""
        [goods] = stocked(store, ("SOAP", ONE))
        book(store, Booking(units=(make.unit(quantity=0, location="", suspense=True),)))
        with store.read() as read:
            [suspense] = read.find(Unit, {"suspense": True})
        book(store, make.shipment("DEMO-1", [(goods, ONE), (suspense.id, 2 * ONE)]))
        with store.read() as read:
            takes = read.orders([KEY])[KEY].takes
        assert [(take.unit_id, take.suspense, take.returnable) for take in takes] == [
            (goods, False, ONE),
            (suspense.id, True, 0),
        ]

    def test_a_suspense_unit_is_among_the_units_even_when_nothing_is_owed(self, store: Store) -> None:
        """An item has one, for ever: it must be found again."""
        book(store, Booking(units=(make.unit(quantity=0, location="", suspense=True),)))
        for _ in range(2):  # what is remembered from the first look must hold
            with store.read() as read:
                [unit] = read.units(["SOAP"]).units
        book(store, Booking(movements=(make.movement(unit.id, -ONE), make.movement(unit.id, ONE))))
        with store.read() as read:
            assert read.units(["SOAP"]).units == (unit,)

    def test_takes_tell_what_was_reversed_what_came_back_and_what_was_counted(self, store: Store) -> None:
        """Each by the movements that name the consumption; on which unit they are does not matter."""
        first, other = stocked(store, ("SOAP", 10 * ONE), ("SOAP", ONE))
        book(store, make.shipment("DEMO-1", [(first, 5 * ONE), (first, ONE)]))
        with store.read() as read:
            take = read.orders([KEY])[KEY].takes[0]
        kinds = MovementKind
        mine = {**KEY._asdict(), "line": 0, "reverses": take.movement_id}
        later = (
            make.movement(first, 2 * ONE, id=NEW, kind=kinds.REVERSAL, **mine),
            make.movement(other, ONE, id=NEW + 1, kind=kinds.RETURN, **mine),
            make.movement(first, 3 * ONE, id=NEW + 2, kind=kinds.COUNT, **mine),
            make.movement(first, -2 * ONE, id=NEW + 3, kind=kinds.COUNT, **mine),
        )
        book(store, Booking(order=make.order(version=1), movements=later))
        with store.read() as read:
            changed, untouched = read.orders([KEY])[KEY].takes
        assert changed == replace(take, remaining=3 * ONE, returned=ONE, counted=ONE)
        assert (untouched.remaining, untouched.returned, untouched.counted) == (ONE, 0, 0)

    def test_counts_come_with_the_units_of_their_item(self, store: Store) -> None:
        """The newest count of a place or a unit replaces the one before it."""
        place = Count("SOAP", "MAIN/FG", 0, START)
        later = replace(place, at=START.replace(hour=23))
        others = (Count("SOAP", "MAIN/FG", 7, START), Count("TEA", "MAIN/FG", 0, START))
        for counts in ((place, *others), (later,)):
            with store.write() as work:
                work.save(counts)
        with store.read() as read:
            assert set(read.units(["SOAP"]).counts) == {later, others[0]}
            assert set(read.units(["SOAP", "TEA"]).counts) == {later, *others}
            assert read.units(["MINT"]).counts == ()
            assert read.units([]).counts == ()

    def test_all_of_a_unit_but_its_quantity_may_be_changed_by_a_booking(self, store: Store) -> None:
        """A hold, an amended lot: the item's version grows, so that no plan stands that has not seen it."""
        [number] = stocked(store, ("SOAP", 10 * ONE))
        with store.read() as read:
            stock = read.units(["SOAP"])
        changed = replace(stock.units[0], quantity=0, lot="L2", held=True, location="MAIN/HOLD")
        assert not book(store, Booking(units=(changed,), items={"SOAP": stock.versions["SOAP"]}))
        with store.read() as read:
            again = read.units(["SOAP"])
        assert again.units == (replace(changed, id=number, quantity=10 * ONE),)
        assert again.versions["SOAP"] == stock.versions["SOAP"] + 1
