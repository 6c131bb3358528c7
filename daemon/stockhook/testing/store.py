"""What every store must pass: subclass ``StoreContract`` with a fixture ``store`` that yields an opened one.

What a subclass may say of its store:

- ``reopen`` closes it and returns it opened again: the same object, or a new one as after a restart
- ``copies = False``: it has nothing to copy, and refuses ``backup``
- ``shared = True``: any number of daemons may serve it at a time, so that ``serve`` never refuses one
"""

import threading
import zlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stockhook.errors import Refused
from stockhook.model import (
    Booking,
    Delivery,
    DeliveryState,
    Movement,
    OrderKey,
    Unit,
)
from stockhook.quantity import ONE
from stockhook.store import Store
from stockhook.testing import factories as make
from stockhook.testing.clock import START
from stockhook.testing.store_booking import KEY, BookingContract, book, quantities, stocked, version
from stockhook.testing.store_catalogue import CatalogueContract
from stockhook.testing.store_finding import FindingContract
from stockhook.testing.store_standing import StandingContract

SECOND = timedelta(seconds=1)


class Stop(Exception):
    """Ends a unit of work early."""


class StoreContract(BookingContract, CatalogueContract, FindingContract, StandingContract):
    """A test for every sentence of ``stockhook.store``: deliveries and units of work here, the rest in the bases."""

    copies = True
    """Whether ``backup`` makes a copy."""
    shared = False
    """Whether many daemons may serve at a time."""

    def reopen(self, store: Store) -> Store:
        """Close the store and open it again."""
        store.close()
        store.open()
        return store

    # --- deliveries

    def test_append_returns_ascending_ids_in_order_and_keeps_every_field(self, store: Store) -> None:
        headers = (("x-a", "1"), ("x-a", "2"), ("x-é", "ü"))
        sent = [make.arrival(b"one", headers=headers, peer="::1"), make.arrival(b"two"), make.arrival(b"one")]
        ids = store.append(sent)
        assert ids == sorted(set(ids))
        with store.read() as read:
            found = read.find(Delivery)
            assert found == [
                replace(each.delivery, id=number) for each, number in zip(sent[::-1], ids[::-1], strict=True)
            ]
            assert [read.body(number) for number in ids] == [b"one", b"two", b"one"]
            assert read.body(ids[-1] + 1) is None
        assert min(store.append([make.arrival(b"three")])) > max(ids)
        assert store.append([]) == []

    def test_a_compressed_body_is_returned_as_received(self, store: Store) -> None:
        raw = b"\x00\xffnot text" * 5000
        packed = replace(make.body(raw), codec="zlib", data=zlib.compress(raw, 1))
        [number] = store.append([replace(make.arrival(raw), body=packed)])
        with store.read() as read:
            assert read.body(number) == raw

    def test_deliveries_and_bookings_are_there_after_a_restart(self, store: Store) -> None:
        [number] = store.append([make.arrival(b"kept")])
        [unit] = stocked(store, ("SOAP", ONE))
        again = self.reopen(store)
        with again.read() as read:
            assert read.body(number) == b"kept"
            assert [row.id for row in read.find(Unit)] == [unit]
        assert min(again.append([make.arrival()])) > number

    def test_prune_removes_old_bodies_but_none_that_a_younger_delivery_shares(self, store: Store) -> None:
        old, young = START - timedelta(days=40), START
        ids = store.append(
            [
                make.arrival(b"old 1", received_at=old),
                make.arrival(b"shared", received_at=old),
                make.arrival(b"old 2", received_at=old + SECOND),
                make.arrival(b"shared", received_at=young),
                make.arrival(b"old 3", received_at=old),
            ]
        )
        limit = START - timedelta(days=30)
        assert store.prune(limit, 2) == 2
        assert store.prune(limit, 2) == 1
        assert store.prune(limit, 2) == 0
        with store.read() as read:
            assert [read.body(number) for number in ids] == [None, b"shared", None, b"shared", None]
            assert len(read.find(Delivery)) == 5
        [again] = store.append([make.arrival(b"old 1")])
        with store.read() as read:
            assert read.body(again) == b"old 1"

    def test_erase_removes_bodies_by_digest_but_none_that_is_still_to_be_worked(self, store: Store) -> None:
        worked = DeliveryState.WORKED
        bodies = (b"mine", b"mine", b"other", b"both", b"both")
        states = (worked, worked, worked, worked, DeliveryState.PENDING)
        arrivals = [make.arrival(body, state=state) for body, state in zip(bodies, states, strict=True)]
        ids = store.append(arrivals)
        assert store.erase({one.delivery.digest for one in arrivals if one.body.data in (b"mine", b"both")}) == 1
        assert store.erase({arrivals[0].delivery.digest}) == 0
        assert store.erase(()) == 0
        with store.read() as read:
            assert [read.body(number) for number in ids] == [None, None, b"other", b"both", b"both"]
            assert len(read.find(Delivery)) == 5
        [again] = store.append([make.arrival(b"mine")])
        with store.read() as read:
            assert read.body(again) == b"mine"

    # --- serving, waiting, copying

    def test_a_second_daemon_is_refused_until_the_first_closes_unless_many_may_serve(self, store: Store) -> None:
        store.serve()
        if self.shared:
            store.serve()
            return
        with pytest.raises(Refused):
            store.serve()
        self.reopen(store).serve()

    def test_one_store_leads_each_job_and_stays_the_one(self, store: Store) -> None:
        assert [store.leads("sweep"), store.leads("prune"), store.leads("sweep")] == [True, True, True]

    def test_wait_is_false_when_no_other_process_changed_anything(self, store: Store) -> None:
        store.append([make.arrival()])
        assert store.wait(0.05) is False

    def test_backup_copies_what_is_committed_and_overwrites_nothing(self, store: Store, tmp_path: Path) -> None:
        [number] = store.append([make.arrival(b"kept")])
        target = tmp_path / "copy.db"
        if not self.copies:
            with pytest.raises(Refused):
                store.backup(target)
            return
        options = store.backup(target)
        assert b"kept" in target.read_bytes()
        assert target.stat().st_mode & 0o777 == 0o600
        with pytest.raises(Refused, match=r"copy\.db"):
            store.backup(target)
        kind: Any = type(store)
        copy: Store = kind(kind.Options.model_validate(options))
        copy.open()
        for each in (store, copy):
            with each.read() as read:
                assert read.body(number) == b"kept"
        copy.close()

    # --- views and units of work

    def test_a_view_does_not_change_while_it_is_open(self, store: Store) -> None:
        [unit] = stocked(store, ("SOAP", 10 * ONE))
        with store.read() as read:
            assert read.units(["SOAP"]).units[0].quantity == 10 * ONE
            book(store, make.shipment("DEMO-1", [(unit, ONE)]))
            store.append([make.arrival()])
            with store.write() as work:
                work.save([make.item("NEW")])
            assert read.units(["SOAP"]).units[0].quantity == 10 * ONE
            assert read.units(["SOAP"]).versions == {"SOAP": 1}
            assert read.orders([KEY]) == {}
            assert read.find(Delivery) == []
            assert not read.catalogue([("", "new")]).items
        assert quantities(store) == {unit: 9 * ONE}

    def test_work_sees_what_it_has_written_and_nobody_else_does_before_the_commit(self, store: Store) -> None:
        [unit] = stocked(store, ("SOAP", 10 * ONE))
        with store.write() as work:
            work.save([make.item("NEW")])
            work.book([make.shipment("DEMO-1", [(unit, ONE)], items={"SOAP": 1})])
            assert work.units(["SOAP"]).units[0].quantity == 9 * ONE
            assert work.orders([KEY])[KEY].takes[0].quantity == ONE
            assert "new" in work.catalogue([("", "new")]).items
            assert len(work.find(Movement)) == 2
            with store.read() as read:
                assert read.orders([KEY]) == {}
                assert read.units(["SOAP"]).versions == {"SOAP": 1}
        assert quantities(store) == {unit: 9 * ONE}

    def test_an_exception_rolls_everything_back_and_ids_are_not_used_twice(self, store: Store) -> None:
        [unit] = stocked(store, ("SOAP", 10 * ONE))
        with pytest.raises(Stop), store.write() as work:
            work.save([make.item("NEW"), make.problem()])
            work.book([make.shipment("DEMO-1", [(unit, ONE)])])
            raise Stop
        with store.read() as read:
            assert read.units(["SOAP"]).units[0].quantity == 10 * ONE
            assert read.orders([KEY]) == {}
            assert not read.catalogue([("", "new")]).items
            assert version(store) == 1
        book(store, make.shipment("DEMO-1", [(unit, ONE)]))
        assert quantities(store) == {unit: 9 * ONE}

    def test_planning_in_a_work_holds_up_no_append(self, store: Store) -> None:
        store.append([make.arrival()])
        with store.write() as work:
            due = work.claim(START + SECOND, 10)
            assert len(due.deliveries) == 1
            work.units(["SOAP"])
            done: list[list[int]] = []
            thread = threading.Thread(target=lambda: done.append(store.append([make.arrival(b"two")])))
            thread.start()
            thread.join(60)
            assert len(done) == 1
            work.save([replace(due.deliveries[0], state=DeliveryState.WORKED)])

    def test_writers_in_other_threads_wait_for_each_other_and_lose_nothing(self, store: Store) -> None:
        [unit] = stocked(store, ("SOAP", 100 * ONE))

        def work(name: int) -> None:
            for number in range(10):
                book(store, make.shipment(f"{name}-{number}", [(unit, ONE)]))
                store.append([make.arrival(b"%d-%d" % (name, number))])

        threads = [threading.Thread(target=work, args=(name,)) for name in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert quantities(store) == {unit: 70 * ONE}
        with store.read() as read:
            assert len(read.find(Delivery)) == 30

    # --- claiming

    def test_due_lists_deliveries_and_orders_whose_time_has_come_oldest_first(self, store: Store) -> None:
        ids = store.append([make.arrival(received_at=START + number * SECOND) for number in range(4)])
        with store.write() as work:
            rows = {row.id: row for row in work.find(Delivery)}
            work.save(
                [
                    replace(rows[ids[0]], due_at=START + 2.5 * SECOND, attempts=1),
                    replace(rows[ids[1]], state=DeliveryState.WORKED),
                    replace(rows[ids[3]], due_at=START + timedelta(hours=1)),
                ]
            )
            work.book(
                [
                    Booking(order=make.order(name, due_at=due and START + due * SECOND))
                    for name, due in (("A", 3), ("B", 1), ("C", 99), ("D", None))
                ]
            )
        with store.read() as read:
            due = read.due(START + 3 * SECOND, 10)
            assert [row.id for row in due.deliveries] == [ids[2], ids[0]]
            assert due.deliveries[1].attempts == 1
            assert [key.order_id for key in due.orders] == ["B", "A"]
            first = read.due(START + 3 * SECOND, 1)
            assert ([row.id for row in first.deliveries], [key.order_id for key in first.orders]) == ([ids[2]], ["B"])

    def test_an_order_that_one_work_holds_no_other_gets_until_it_ends(self, store: Store) -> None:
        kept, new = OrderKey("ultracart:DEMO", "A"), OrderKey("ultracart:DEMO", "B")
        book(store, Booking(order=make.order("A", due_at=START)))
        with store.write() as one, store.write() as two:
            assert one.hold([kept, new]) == frozenset()
            assert one.hold([new]) == frozenset(), "what is held already is to be had"
            assert two.hold([new, OrderKey("ultracart:DEMO", "C"), kept]) == {kept, new}
            assert two.claim(START, 10).orders == ()
        with store.write() as three, store.write() as four:
            assert three.claim(START, 10).orders == (kept,)
            assert four.hold([kept, new]) == {kept}
            assert three.hold([kept]) == frozenset()

    def test_what_one_work_claims_no_other_gets_until_it_ends(self, store: Store) -> None:
        ids = store.append([make.arrival(), make.arrival()])
        book(store, Booking(order=make.order("A", due_at=START)))
        with store.write() as one, store.write() as two:
            assert [row.id for row in one.claim(START, 1).deliveries] == ids[:1]
            other = two.claim(START, 10)
            assert [row.id for row in other.deliveries] == ids[1:]
            assert other.orders == ()
            assert not one.claim(START, 10)
        with pytest.raises(Stop), store.write() as three:
            assert len(three.claim(START, 10).deliveries) == 2
            raise Stop
        with store.write() as four:
            assert len(four.claim(START, 10).orders) == 1
