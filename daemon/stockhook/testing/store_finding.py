"""The part of the store's contract about ``find`` and ``totals``."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any

import pytest

from stockhook.model import (
    NEW,
    Answered,
    Audit,
    Binding,
    Booking,
    Count,
    Event,
    EventState,
    How,
    Kit,
    Line,
    LogOut,
    Movement,
    Notice,
    Order,
    Part,
    Problem,
    Refund,
    Rekeying,
    Shortage,
    Unit,
    Wait,
    WaitKind,
)
from stockhook.model import MovementKind as Kind
from stockhook.quantity import LIMIT, ONE
from stockhook.store import FOREVER, RECORDS, Folded, Range, Read, Store, Total
from stockhook.testing import factories as make
from stockhook.testing.clock import START

HOUR = timedelta(hours=1)
_KINDS: tuple[type[Any], ...] = tuple(RECORDS)


def fill(store: Store) -> None:
    """Keep some of every kind of record, with awkward values."""
    store.append([make.arrival(b"%d" % number, channel=name) for number, name in enumerate(("shop", "b", "shop"))])
    line = make.line(
        "A",
        quantity=LIMIT,
        lots=("ü", '"'),
        serials=("S1",),
        places=("MAIN/FG", "ü"),
        refused=("x",),
        kit=True,
        parent_index=0,
        ship_said=make.said(3, 2, 1),
        shipped_at=START + timedelta(microseconds=1),
        ship_date=date(2026, 2, 28),
        refunds=(Refund(ONE, None, True, START), Refund(2, START, False, START)),
        binding=Binding("SOAP", How.DEFINITION, (Part("X", 1), Part("Y", 2))),
        ruling=-ONE,
    )
    moved = Rekeying(make.said(4), make.said(3), ((1, 2), (2, 1)), (2,))
    order = make.order("A", said=make.said(5), shipping_date=START, ship_date=date(2026, 1, 1), history=("a", "b"))
    order = replace(order, rekeyed=(moved,))
    waits = (Wait(make.ACCOUNT, "A", WaitKind.CODE, "x"), Wait(make.ACCOUNT, "A", WaitKind.ITEM, "x"))
    with store.write() as work:
        work.save(
            [
                make.item("SOAP", reorder_at=LIMIT),
                make.item("soap"),
                make.item("Ä"),
                make.alias("x", None),
                make.location(),
            ]
        )
        work.save(
            [make.kit("SET", ("SOAP", ONE), ("SALT", 1)), Audit(0, START, "a", "b", "c", "d", {"k": "v", "": ""})]
        )
        work.save([Count("SOAP", "MAIN/FG", 0, START), Count("SOAP", "MAIN/FG", 3, START), Count("x", "ü", 0, START)])
        work.save([make.problem(subject=str(number), count=number) for number in range(5)])
        work.save([make.notice(), make.notice(sent_at=START, error="no \U0001f600")])
        work.save([Answered("api:ü", "k", "d", START, "{}"), Answered("api:ü", "", "d", START)])
        work.save([LogOut("s", START), LogOut("S", START)])
        work.save([make.event(state=state, order_id=None, account=None) for state in EventState])
        work.book(
            [
                Booking(order=order, lines=(line, make.line("A", 1)), waits=waits, shortages=(make.shortage("A"),)),
                Booking(order=make.order("B"), shortages=(make.shortage("B", sku="SALT", open=0, settled=ONE),)),
                make.receipt("SOAP", 5 * ONE, expires_on=date(2027, 1, 1), serial="S"),
                make.receipt("SOAP", ONE, lot=None),
                make.receipt("SALT", LIMIT),
            ]
        )
    with store.write() as work:
        units = work.find(Unit, {"sku": "SOAP"})
        work.book([make.shipment("C", [(units[0].id, ONE), (units[1].id, 2 * ONE)])])


class FindingContract:
    """Finding any record by any of its fields, and totals."""

    def test_records_come_back_as_they_were_kept(self, store: Store) -> None:
        fill(store)
        with store.read() as read:
            lines = read.find(Line, {"order_id": "A"})
            assert [line.number for line in lines] == [1, 0]
            assert lines[1].binding == Binding("SOAP", How.DEFINITION, (Part("X", 1), Part("Y", 2)))
            assert lines[1].refunds[1] == Refund(2, START, False, START)
            assert (lines[1].lots, lines[1].ship_said) == (("ü", '"'), make.said(3, 2, 1))
            assert lines[1].shipped_at == START + timedelta(microseconds=1)
            assert read.find(Order, {"order_id": "A"})[0].ship_date == date(2026, 1, 1)
            assert read.find(Kit) == [make.kit("SET", ("SOAP", ONE), ("SALT", 1))]
            assert read.find(Audit)[0].details == {"k": "v", "": ""}
            assert read.find(Notice)[0].error == "no \U0001f600"
            assert [row.subject for row in read.find(Problem)] == ["4", "3", "2", "1", "0"]
            for record in _KINDS:
                for row in read.find(record):
                    assert type(row) is record
                    assert hash(tuple(type(getattr(row, field.name)) for field in fields(record)))

    def test_find_pages_by_descending_key_from_behind_after(self, store: Store) -> None:
        fill(store)
        with store.read() as read:
            for record in _KINDS:
                kept, everything = RECORDS[record], read.find(record)
                keys = [tuple(getattr(row, name) for name in kept.key) for row in everything]
                assert keys == sorted(keys, reverse=True)
                assert keys
                paged: list[Any] = []
                after: tuple[Any, ...] | None = None
                while page := read.find(record, after=after, most=1):
                    paged += page
                    after = tuple(getattr(page[-1], name) for name in kept.key)
                assert paged == everything
                assert read.find(record, most=FOREVER) == everything
                assert read.find(record, most=0) == []

    def test_lots_and_serial_numbers_are_found_in_whatever_spelling(self, store: Store) -> None:
        with store.write() as work:
            for lot in ("L-ÄSS1", "l-äss1", " L-Äß1 ", "L-ÄSS2", None):
                work.book([make.receipt("SOAP", ONE, lot=lot, serial=None if lot is None else f"S{lot}")])
        with store.write() as work:
            one = work.find(Unit, {"lot": "L-ÄSS2"})[0]
            work.book([Booking(units=(replace(one, lot="X", serial="l-ÄSS1"),))])
        with store.read() as read:

            def units(**where: Any) -> list[int]:
                return [unit.id for unit in read.find(Unit, where)]

            assert units(lot=Folded("l-äss1")) == [3, 2, 1]
            assert units(lot=Folded("l-äss2")) == []
            assert units(lot=Folded("x")) == units(serial=Folded("l-äss1")) == [one.id]
            assert units(serial=Folded("sl-äss1"), lot="L-ÄSS1") == [1]
            assert units(lot=Folded("L-ÄSS1")) == [], "what is asked for is to be folded"
            assert read.find(Unit, {"lot": Folded("l-äss1")}, after=(3,), most=1)[0].id == 2
            assert read.totals(Unit, where={"lot": Folded("l-äss1")}) == [Total((), 3, 3 * ONE)]

    def test_find_matches_every_field_by_value_set_and_range(self, store: Store) -> None:
        fill(store)
        with store.read() as read:
            for record in _KINDS:
                everything = read.find(record)
                for field in fields(record):
                    values = [getattr(row, field.name) for row in everything]
                    for value in values:
                        expected = [row for row, other in zip(everything, values, strict=True) if other == value]
                        assert read.find(record, {field.name: value}) == expected, (record, field.name, value)

    def test_find_takes_sets_ranges_and_several_fields(self, store: Store) -> None:
        fill(store)
        with store.read() as read:

            def counts(where: dict[str, Any]) -> list[int]:
                return [row.count for row in read.find(Problem, where)]

            assert counts({"count": Range(1, 3)}) == [2, 1]
            assert counts({"count": Range(low=3)}) == [4, 3]
            assert counts({"count": Range(high=1)}) == [0]
            assert len(counts({"count": Range()})) == 5
            assert counts({"count": frozenset({0, 4, 9}), "subject": "4"}) == [4]
            assert counts({"count": frozenset()}) == []
            assert counts({"first_seen": Range(START, START + HOUR), "count": 3}) == [3]
            assert counts({"first_seen": Range(START + HOUR)}) == []
            assert counts({"state": frozenset({make.problem().state}), "count": Range(2, 4)}) == [3, 2]
            assert [row.lot for row in read.find(Unit, {"lot": None})] == [None]
            assert len(read.find(Unit, {"lot": frozenset({None, "L1"})})) == 3
            many = [f"L{number}" for number in range(2_000)]
            assert [row.lot for row in read.find(Unit, {"lot": frozenset(many)})] == ["L1", "L1"]
            assert len(read.find(Unit, {"lot": frozenset({None, *many})})) == 3
            assert [row.serial for row in read.find(Unit, {"expires_on": Range(high=date(2028, 1, 1))})] == ["S"]
            assert len(read.find(Event, {"state": frozenset(EventState), "order_id": None})) == len(EventState)
            assert len(read.find(Event, {"state": EventState.PARKED})) == 1
            assert read.find(Movement, {"kind": Kind.CONSUMPTION, "order_id": "C", "account": "other"}) == []
            keys = [(row.sku, row.quantity) for row in read.find(Movement, {"kind": Kind.CONSUMPTION}, most=1)]
            assert keys == [("SOAP", -2 * ONE)]

    def test_totals_counts_and_sums_the_amount_per_group(self, store: Store) -> None:
        with store.read() as read:
            assert read.totals(Unit) == [Total((), 0, 0)]
            assert read.totals(Unit, ["sku"]) == []
        fill(store)
        with store.read() as read:
            assert self._groups(read, Unit, ["sku"]) == {("SOAP",): (2, 3 * ONE), ("SALT",): (1, LIMIT)}
            assert self._groups(read, Unit, ["sku", "lot"], {"sku": "SOAP"}) == {
                ("SOAP", "L1"): (1, 3 * ONE),
                ("SOAP", None): (1, 0),
            }
            assert self._groups(read, Shortage, ["open"]) == {(ONE,): (1, ONE), (0,): (1, 0)}
            assert self._groups(read, Event, [], {"state": EventState.SHORT}) == {(): (1, 0)}
            assert self._groups(read, Event, []) == {(): (len(read.find(Event)), 0)}
            states = self._groups(read, Event, ["state"])
            assert states.keys() == {(state,) for state in EventState}
            assert all(type(key[0]) is EventState for key in states)
            assert self._groups(read, Movement, ["unit_id"]).keys() == {(row.id,) for row in read.find(Unit)}
            assert self._groups(read, Problem, []) == {(): (5, 10)}

    @staticmethod
    def _groups(
        read: Read, record: type[Any], by: Sequence[str], where: dict[str, Any] | None = None
    ) -> dict[tuple[Any, ...], tuple[int, int]]:
        return {total.by: (total.count, total.amount) for total in read.totals(record, by, where)}

    @pytest.mark.parametrize("value", [NEW - 1, "' OR 1=1 --", "%", "_", "", "NULL"])
    def test_values_are_values_and_never_read_as_anything_else(self, store: Store, value: Any) -> None:
        row = make.problem(subject=str(value))
        with store.write() as work:
            work.save([row, make.problem(subject="other")])
        with store.read() as read:
            assert read.find(Problem, {"subject": str(value)}) == [replace(row, id=read.find(Problem)[-1].id)]
