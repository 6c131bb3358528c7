"""The part of the store's contract about ``book``."""

from dataclasses import replace
from datetime import date

import pytest

from stockhook.errors import BadBooking, Refused
from stockhook.model import NEW, Allocation, Booking, Event, Line, Movement, Order, OrderKey, Unit, Wait, WaitKind
from stockhook.model import MovementKind as Kind
from stockhook.quantity import ONE
from stockhook.store import FOREVER, Store
from stockhook.testing import factories as make

KEY = OrderKey(make.ACCOUNT, "DEMO-1")


def book(store: Store, *bookings: Booking) -> frozenset[OrderKey | None]:
    """Book and commit."""
    with store.write() as work:
        return work.book(bookings)


def stocked(store: Store, *units: tuple[str, int]) -> list[int]:
    """Book receipts of (sku, quantity) and return the ids of the units."""
    before = set(quantities(store))
    book(store, *(make.receipt(sku, quantity) for sku, quantity in units))
    return sorted(set(quantities(store)) - before)


def renumbered(shipment: Booking, first: int) -> Booking:
    """Return a shipment whose placeholders begin with another one."""
    [event], [allocation] = shipment.events, shipment.allocations
    return replace(
        shipment,
        events=(replace(event, id=first),),
        allocations=(replace(allocation, id=first, event_id=first),),
        movements=tuple(
            replace(row, id=first + place, event_id=first, allocation_id=first)
            for place, row in enumerate(shipment.movements)
        ),
    )


def quantities(store: Store) -> dict[int, int]:
    """Return what each unit holds."""
    with store.read() as read:
        return {unit.id: unit.quantity for unit in read.find(Unit, most=FOREVER)}


def version(store: Store, sku: str = "SOAP") -> int:
    """Return the version of an item."""
    with store.read() as read:
        return read.units([sku]).versions[sku]


class BookingContract:
    """Bookings: ids, balances, versions, and what is void."""

    def test_a_booking_gives_ids_for_placeholders_and_fills_in_balances(self, store: Store) -> None:
        made = make.unit(id=NEW + 7, expires_on=date(2027, 5, 1), unit_cost=1_250_000, serial="S1", priority=3)
        trace = make.trace(taken=(make.trace().taken[0]._replace(unit_id=NEW + 7),))
        booking = Booking(
            order=make.order(due_at=None, history=("made",)),
            lines=(make.line(lots=("L1",)),),
            events=(make.event(id=NEW + 1),),
            units=(made,),
            allocations=(make.allocation(id=NEW + 2, event_id=NEW + 1, trace=trace),),
            movements=(
                make.movement(NEW + 7, 10 * ONE, id=NEW + 3),
                make.movement(
                    NEW + 7,
                    -4 * ONE,
                    id=NEW + 4,
                    account=KEY.account,
                    order_id=KEY.order_id,
                    line=0,
                    event_id=NEW + 1,
                    allocation_id=NEW + 2,
                ),
                make.movement(NEW + 7, ONE, id=NEW + 5, kind=Kind.REVERSAL, reverses=NEW + 4, reason="why"),
            ),
            shortages=(make.shortage(id=NEW + 6),),
        )
        assert book(store, booking) == frozenset()
        with store.read() as read:
            [unit] = read.find(Unit)
            assert unit == replace(made, id=unit.id, quantity=7 * ONE)
            third, second, first = read.find(Movement)
            assert [row.balance_after for row in (first, second, third)] == [10 * ONE, 6 * ONE, 7 * ONE]
            assert {row.unit_id for row in (first, second, third)} == {unit.id}
            assert third.reverses == second.id
            [event] = read.find(Event)
            state = read.orders([KEY])[KEY]
            assert second.event_id == event.id
            [allocation] = read.find(type(make.allocation()))
            assert (second.allocation_id, allocation.event_id) == (allocation.id, event.id)
            assert allocation.trace.taken[0].unit_id == unit.id
            assert replace(allocation.trace, taken=trace.taken) == trace
            assert state.order == replace(make.order(history=("made",)), version=1)
            assert state.lines == booking.lines
            assert [(take.quantity, take.remaining, take.line) for take in state.takes] == [(4 * ONE, 3 * ONE, 0)]
            assert [replace(row, id=NEW + 6) for row in state.shortages] == list(booking.shortages)
            assert event.id < NEW

    def test_orders_shows_lines_in_number_order_and_history_that_is_used_up(self, store: Store) -> None:
        units = stocked(store, ("SOAP", 10 * ONE), ("SALT", 10 * ONE))
        full = make.shipment("DEMO-1", [(units[0], 2 * ONE), (units[0], ONE)])
        lines = tuple(make.line(number=number) for number in (10, 2, 0))
        waits = (Wait(*KEY, WaitKind.CODE, "x"), Wait(*KEY, WaitKind.ITEM, "SOAP"))
        book(store, replace(full, lines=lines, waits=waits, shortages=(make.shortage(),)))
        with store.read() as read:
            state = read.orders([KEY, OrderKey("ultracart:DEMO", "none")])[KEY]
            assert [line.number for line in state.lines] == [0, 2, 10]
            assert [take.quantity for take in state.takes] == [2 * ONE, ONE]
            assert set(state.waits) == set(waits)
        undo = make.movement(
            units[0], 2 * ONE, kind=Kind.REVERSAL, reverses=state.takes[0].movement_id, **KEY._asdict(), line=0
        )
        settled = replace(state.shortages[0], open=0, withdrawn=ONE)
        changed = replace(state.lines[1], item_index=5)
        again = Booking(order=state.order, lines=(changed,), waits=(), movements=(undo,), shortages=(settled,))
        assert not book(store, again)
        with store.read() as read:
            [(key, state)] = read.orders([KEY]).items()
            assert key == KEY
            assert [(take.quantity, take.remaining) for take in state.takes] == [(2 * ONE, 0), (ONE, ONE)]
            assert state.shortages == (settled,)
            assert state.waits == ()
            assert state.lines[1] == changed
            assert state.order.version == 2
            assert len(read.find(Line)) == 3
            assert read.orders([]) == {}

    def test_waits_stay_when_a_booking_says_nothing_of_them(self, store: Store) -> None:
        wait = Wait(*KEY, WaitKind.CODE, "x")
        book(store, Booking(order=make.order(), waits=(wait,)))
        book(store, Booking(order=make.order(version=1)))
        with store.read() as read:
            assert read.find(Wait) == [wait]

    def test_item_versions_grow_once_a_call_with_movements_and_new_units(self, store: Store) -> None:
        assert version(store) == 0
        one, two = stocked(store, ("SOAP", 10 * ONE), ("SOAP", 10 * ONE))
        assert version(store) == 1
        book(store, *(make.shipment(f"A-{number}", [(one, ONE)], items={"SOAP": 1}) for number in range(3)))
        assert version(store) == 2
        with store.write() as work:
            work.save([make.item("SOAP", name="Soap")])
            work.book([Booking(order=make.order("B"), shortages=(make.shortage("B"),), items={"SOAP": 2})])
        assert version(store) == 2
        assert quantities(store) == {one: 7 * ONE, two: 10 * ONE}

    def test_a_booking_whose_order_or_item_has_moved_is_void_and_leaves_no_trace(self, store: Store) -> None:
        soap, salt, wax = stocked(store, ("SOAP", 10 * ONE), ("SALT", 10 * ONE), ("WAX", 10 * ONE))
        book(store, make.shipment("OLD", [(soap, ONE)], items={"SOAP": 1}))
        before = quantities(store)
        void = book(
            store,
            make.shipment("OLD", [(wax, ONE)], "WAX", version=0, items={"WAX": 1}),
            make.shipment("A", [(soap, ONE)], items={"SOAP": 1, "SALT": 1}),
            make.shipment("B", [(salt, ONE)], "SALT", items={"SALT": 1}),
            make.shipment("C", [(wax, ONE)], "WAX", items={"WAX": 1}),
            make.shipment("GONE", [], version=3),
            replace(make.receipt("SOAP"), items={"SOAP": 1}),
            make.shipment("D", [(soap, ONE)]),
        )
        names = {key and key.order_id for key in void}
        assert names == {"OLD", "A", "B", "C", "GONE", None}
        assert quantities(store) == {**before, soap: before[soap] - ONE}
        with store.read() as read:
            assert {row.order_id for row in read.find(Order)} == {"OLD", "D"}
            assert len(read.find(Event)) == 2

    def test_a_unit_created_since_a_plan_was_made_voids_it(self, store: Store) -> None:
        [unit] = stocked(store, ("SOAP", ONE))
        stocked(store, ("SOAP", ONE))
        assert book(store, make.shipment("DEMO-1", [(unit, ONE)], items={"SOAP": 1})) == {KEY}

    def test_a_later_booking_of_a_call_takes_from_a_unit_that_an_earlier_one_brings(self, store: Store) -> None:
        received = Booking(
            units=(make.unit(id=NEW),), movements=(make.movement(NEW, 5 * ONE, id=NEW + 1, kind=Kind.RECEIPT),)
        )
        trace = make.trace(taken=(make.trace().taken[0]._replace(unit_id=NEW),))
        settled = Booking(
            order=make.order(due_at=None),
            allocations=(make.allocation(id=NEW + 2, trace=trace),),
            movements=(make.movement(NEW, -2 * ONE, id=NEW + 3, allocation_id=NEW + 2),),
        )
        assert book(store, received, settled) == frozenset()
        with store.read() as read:
            [unit] = read.find(Unit)
            [allocation] = read.find(Allocation)
            assert unit.quantity == 3 * ONE
            assert allocation.trace.taken[0].unit_id == unit.id
            assert [row.unit_id for row in read.find(Movement)] == [unit.id, unit.id]

    def test_bookings_of_one_call_follow_each_other_on_the_same_units(self, store: Store) -> None:
        [unit] = stocked(store, ("SOAP", 10 * ONE))
        book(store, *(make.shipment(f"A-{number}", [(unit, ONE)], items={"SOAP": 1}) for number in range(4)))
        with store.read() as read:
            balances = [row.balance_after for row in reversed(read.find(Movement))]
        assert balances == [quantity * ONE for quantity in (10, 9, 8, 7, 6)]

    def test_a_placeholder_holds_in_later_bookings_of_the_call(self, store: Store) -> None:
        taken = make.shipment("DEMO-1", [(NEW + 8, 2 * ONE)])
        assert not book(store, make.receipt(id=NEW + 8), make.receipt(id=NEW + 9), taken)
        assert sorted(quantities(store).values()) == [8 * ONE, 10 * ONE]
        with pytest.raises(BadBooking):
            book(store, make.shipment("DEMO-2", [(NEW + 8, ONE)]))

    @pytest.mark.parametrize("apart", [True, False])
    def test_each_booking_of_a_call_keeps_what_is_its_own(self, store: Store, *, apart: bool) -> None:
        """Whether each record of the call has a placeholder of its own, or each booking begins anew."""
        [unit] = stocked(store, ("SOAP", 10 * ONE))
        plain = [make.shipment(name, [(unit, ONE), (unit, 2 * ONE)]) for name in ("A", "B")]
        assert not book(store, *(renumbered(each, NEW + 9 * n * apart) for n, each in enumerate(plain)))
        with store.read() as read:
            events = {row.id: row for row in read.find(Event)}
            allocations = {row.id: row for row in read.find(Allocation)}
            moves = [row for row in read.find(Movement) if row.order_id]
            states = read.orders([OrderKey(make.ACCOUNT, name) for name in ("A", "B")])
        assert sorted((row.order_id or "", row.quantity) for row in moves) == [
            (name, -quantity * ONE) for name in ("A", "B") for quantity in (2, 1)
        ]
        for row in moves:
            allocation = allocations[row.allocation_id or 0]
            assert (allocation.order_id, allocation.event_id) == (row.order_id, row.event_id)
            assert events[row.event_id or 0].order_id == row.order_id
        assert [[line.quantity for line in state.lines] for state in states.values()] == [[3 * ONE]] * 2

    def test_of_a_new_order_booked_twice_in_a_call_the_last_booking_counts(self, store: Store) -> None:
        waits = (Wait(*KEY, WaitKind.CODE, "x"), Wait(*KEY, WaitKind.CODE, "y"))
        first, last = (
            Booking(
                order=make.order(attempts=number), lines=(make.line(quantity=number * ONE),), waits=(waits[number],)
            )
            for number in (0, 1)
        )
        assert not book(store, first, last)
        with store.read() as read:
            state = read.orders([KEY])[KEY]
        assert (state.waits, state.order.attempts, state.order.version) == (waits[1:], 1, 1)
        assert [line.quantity for line in state.lines] == [ONE]

    def test_a_unit_is_amended_without_touching_its_quantity(self, store: Store) -> None:
        [number] = stocked(store, ("SOAP", 10 * ONE))
        book(store, Booking(units=(make.unit(id=number, quantity=0, received=10 * ONE, held=True),)))
        with store.read() as read:
            [unit] = read.units(["SOAP"]).units
        assert (unit.held, unit.quantity) == (True, 10 * ONE)
        assert version(store) == 2

    @pytest.mark.parametrize("wrong", ["below zero", "no such unit", "no such placeholder"])
    def test_a_booking_that_cannot_be_right_breaks_the_whole_work(self, store: Store, wrong: str) -> None:
        [unit] = stocked(store, ("SOAP", ONE))
        number = {"below zero": unit, "no such unit": 999, "no such placeholder": NEW + 5}[wrong]
        bad = make.shipment("B", [(number, 2 * ONE)])
        with pytest.raises(BadBooking), store.write() as work:
            work.book([make.shipment("A", [(unit, ONE)]), bad])
        assert quantities(store) == {unit: ONE}
        with store.read() as read:
            assert read.find(Order) == []

    def test_a_booked_movement_is_never_changed(self, store: Store) -> None:
        stocked(store, ("SOAP", ONE))
        with store.read() as read:
            [row] = read.find(Movement)
        with pytest.raises(Refused, match="reversal"), store.write() as work:
            work.book([Booking(movements=(replace(row, quantity=2 * ONE),))])
        with store.read() as read:
            assert read.find(Movement) == [row]

    def test_an_event_that_is_kept_is_replaced_by_its_booking(self, store: Store) -> None:
        with store.write() as work:
            work.save([make.event(reason="first")])
        with store.read() as read:
            [event] = read.find(Event)
        book(store, Booking(order=make.order(), events=(replace(event, reason="again", attempts=2),)))
        with store.read() as read:
            assert read.find(Event) == [replace(event, reason="again", attempts=2)]
