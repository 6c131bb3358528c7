"""The part of the store's contract about ``save``, ``forget``, ``catalogue`` and ``units``."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stockhook.errors import BadBooking, Refused
from stockhook.model import (
    NEW,
    Alias,
    Answered,
    Audit,
    Booking,
    Event,
    Item,
    Kit,
    KitPolicy,
    Location,
    LogOut,
    Notice,
    Order,
    Problem,
)
from stockhook.model import ProblemState as State
from stockhook.quantity import ONE
from stockhook.store import Range, Store
from stockhook.testing import factories as make
from stockhook.testing.clock import START


def save(store: Store, *records: Any) -> None:
    """Save and commit."""
    with store.write() as work:
        work.save(records)


class CatalogueContract:
    """Saving, removing and finding what is known of items, and what is told."""

    def test_save_inserts_and_replaces_by_key(self, store: Store) -> None:
        save(store, make.item("SOAP"), make.item("soap"), make.alias("BAR 1"), make.location(pick_sequence=2))
        save(store, make.item("SOAP", name="Soap", serial=True), make.alias("BAR 1", factor=2 * ONE))
        with store.read() as read:
            assert read.find(Item) == [make.item("soap"), make.item("SOAP", name="Soap", serial=True)]
            assert read.find(Alias) == [make.alias("BAR 1", factor=2 * ONE)]
            assert read.find(Location) == [make.location(pick_sequence=2)]

    def test_save_numbers_new_records_and_what_names_them_in_the_same_call(self, store: Store) -> None:
        audit = Audit(0, START, "cli:kim", "item.add", "SOAP", details={"name": "Soap"})
        save(store, make.event(id=NEW), make.problem(id=NEW + 9, event_id=NEW), audit)
        save(store, make.notice(problem_id=NEW + 1), make.problem(id=NEW + 1, subject="other"), make.problem(count=4))
        with store.read() as read:
            [event] = read.find(Event)
            last, second, first = read.find(Problem)
            assert first.id < second.id < last.id < NEW
            assert (first.event_id, last.count) == (event.id, 4)
            assert read.find(Notice)[0].problem_id == second.id
            assert read.find(Audit) == [replace(audit, id=read.find(Audit)[0].id)]
        save(store, replace(first, state=State.CLOSED, count=3))
        with store.read() as read:
            assert read.find(Problem)[-1] == replace(first, state=State.CLOSED, count=3)

    def test_an_unknown_placeholder_is_not_kept(self, store: Store) -> None:
        with pytest.raises(BadBooking), store.write() as work:
            work.save([make.problem(event_id=NEW + 3)])

    def test_saving_an_order_writes_its_due_time_and_attempts_alone(self, store: Store) -> None:
        with store.write() as work:
            work.book([Booking(order=make.order(stage="Shipping"))])
        later = START + timedelta(minutes=5)
        save(store, make.order(stage="other", version=9, due_at=later, attempts=2))
        with store.read() as read:
            kept = make.order(stage="Shipping", version=1, due_at=later, attempts=2)
            assert read.find(Order) == [kept]
        with pytest.raises(Refused), store.write() as work:
            work.save([make.order("unknown")])

    @pytest.mark.parametrize(
        "record",
        [make.line(), make.unit(), make.movement(), make.allocation(), make.shortage()],
        ids=lambda row: type(row).__name__,
    )
    def test_what_is_booked_cannot_be_saved(self, store: Store, record: Any) -> None:
        with pytest.raises(Refused, match=type(record).__name__), store.write() as work:
            work.save([make.item("SOAP"), record])
        with store.read() as read:
            assert read.find(type(record)) == []
            assert read.find(Item) == []

    def test_forget_removes_aliases_and_kits_and_nothing_else(self, store: Store) -> None:
        kit = make.kit("SET", ("SOAP", ONE))
        save(store, make.alias("BAR"), make.alias("BAZ"), kit, make.item())
        with store.write() as work:
            work.forget([make.alias("BAR"), make.alias("absent"), kit])
            assert work.find(Kit) == []
        with store.read() as read:
            assert read.find(Alias) == [make.alias("BAZ")]
            assert not read.catalogue([("", "bar"), ("", "set")]).kits
        with pytest.raises(Refused), store.write() as work:
            work.forget([make.item()])

    def test_forget_removes_answers_to_programs_by_who_asked_and_key(self, store: Store) -> None:
        kept = Answered("api:a", "1", "d", START, "{}")
        save(store, kept, replace(kept, key="2"), replace(kept, actor="api:b"))
        with store.write() as work:
            work.forget([kept])
        with store.read() as read:
            assert read.find(Answered) == [replace(kept, actor="api:b"), replace(kept, key="2")]

    def test_forget_removes_log_outs_by_their_session(self, store: Store) -> None:
        early, late = LogOut("s", START), LogOut("S", START + timedelta(hours=1))
        save(store, early, late)
        with store.read() as read:
            assert read.find(LogOut, {"at": Range(low=late.at)}) == [late]
        with store.write() as work:
            work.forget([early])
        with store.read() as read:
            assert read.find(LogOut) == [late]

    def test_catalogue_finds_global_and_account_aliases_and_their_items(self, store: Store) -> None:
        everyone, mine = make.alias("Bar 1", "Soap"), make.alias("Bar 1", None, account=make.ACCOUNT)
        save(store, everyone, mine, make.alias("Bar 1", "SALT", account="ultracart:OTHER"), make.alias("zzz"))
        save(store, make.item("SOAP"), make.item("SALT"), make.item("Wax"), make.item("unasked"))
        with store.read() as read:
            found = read.catalogue([(make.ACCOUNT, "bar 1"), (make.ACCOUNT, "wax"), (make.ACCOUNT, "none")], ["Salt"])
            assert found.aliases == {("", "bar 1"): everyone, (make.ACCOUNT, "bar 1"): mine}
            assert found.items == {"soap": make.item("SOAP"), "wax": make.item("Wax"), "salt": make.item("SALT")}
            assert not found.kits
            assert not read.catalogue([]).items

    def test_catalogue_reaches_kits_down_to_the_last_part(self, store: Store) -> None:
        inner, outer = make.kit("Box", ("soap", 2 * ONE)), make.kit("SET", ("BOX", ONE), ("SALT", ONE))
        ring = make.kit("RING", ("ring", ONE), policy=KitPolicy.PARENT)
        save(store, inner, outer, ring, make.kit("unasked", ("SOAP", ONE)), *map(make.item, ("SOAP", "SALT", "SET")))
        save(store, make.alias("gift", "set"))
        with store.read() as read:
            found = read.catalogue([(make.ACCOUNT, "gift"), (make.ACCOUNT, "ring")])
            assert found.kits == {"box": inner, "set": outer, "ring": ring}
            assert set(found.items) == {"soap", "salt", "set"}

    def test_catalogue_shows_changes_at_once(self, store: Store) -> None:
        asked = [("", "bar"), ("", "soap")]
        for change in (make.item(name="1"), make.item(name="2"), make.alias("bar"), make.alias("bar", None)):
            save(store, change)
            with store.read() as read:
                found = read.catalogue(asked)
            assert change in (*found.items.values(), *found.aliases.values())
        with store.write() as work:
            work.save([make.item(name="3")])
            assert work.catalogue(asked).items["soap"].name == "3"
            work.forget([make.alias("bar")])
            assert not work.catalogue(asked).aliases

    def test_units_are_those_with_a_quantity_or_a_hold_in_id_order_with_their_locations(self, store: Store) -> None:
        save(store, make.location("MAIN/FG", pick_sequence=4), make.location("MAIN"), make.location("EMPTY"))
        with store.write() as work:
            work.book(
                [
                    make.receipt(quantity=ONE),
                    make.receipt(quantity=ONE, location="NOWHERE"),
                    make.receipt(quantity=ONE, location="EMPTY"),
                    make.receipt(quantity=ONE, held=True),
                    make.receipt("SALT", ONE),
                    make.receipt("soap", ONE),
                ]
            )
        with store.write() as work:
            units = work.units(["SOAP"]).units
            work.book([make.shipment("A", [(units[2].id, ONE), (units[3].id, ONE)], items={"SOAP": 1})])
        with store.read() as read:
            stock = read.units(["SOAP", "WAX", "SOAP"])
            assert [unit.id for unit in stock.units] == [units[0].id, units[1].id, units[3].id]
            assert (stock.units[2].quantity, stock.units[2].held) == (0, True)
            assert stock.locations == {"MAIN/FG": make.location("MAIN/FG", pick_sequence=4)}
            assert stock.versions == {"SOAP": 2, "WAX": 0}
            assert [unit.sku for unit in read.units(["SALT"]).units] == ["SALT"]
            assert read.units([]).units == ()

    def test_units_shows_changes_at_once(self, store: Store) -> None:
        for turn in range(1, 4):
            with store.write() as work:
                work.book([make.receipt(quantity=ONE)])
                assert len(work.units(["SOAP"]).units) == turn
            save(store, make.location("MAIN/FG", pick_sequence=turn))
            with store.read() as read:
                stock = read.units(["SOAP"])
            assert len(stock.units) == turn
            assert stock.versions == {"SOAP": turn}
            assert stock.locations["MAIN/FG"].pick_sequence == turn
