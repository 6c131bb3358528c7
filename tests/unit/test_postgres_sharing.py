"""How stores that share one PostgreSQL database keep apart, and what a lost connection costs."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from postgres import libpq
from postgres_store import ask, at, end_connections, opening, stocked

from stockhook.model import Delivery, DeliveryState, Movement, OrderKey, Unit
from stockhook.operations import events
from stockhook.plugin import StoreUnavailable
from stockhook.quantity import ONE
from stockhook.testing import factories as make
from stockhook.testing.clock import START
from stockhook.testing.daemon import RunningDaemon
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.channels.ultracart.options import UltraCartOptions
from stockhook_plugins.stores.sqlalchemy import SqlStore, postgres_jobs
from stockhook_plugins.stores.sqlalchemy.statements import JOBS
from stockhook_plugins.strategies.received import Fifo

KEY = OrderKey(make.ACCOUNT, "DEMO-1")
SOON = 1.0
"""Seconds within which one daemon hears of what another one wrote, on a machine that has other things to do as well."""
TRIES = 6
"""How often that is tried; once is enough, for that machine may stand still."""


@pytest.fixture
def opened(postgres_url: str) -> Iterator[Callable[..., SqlStore]]:
    with opening(postgres_url) as one:
        yield one


@pytest.fixture
def store(opened: Callable[..., SqlStore]) -> SqlStore:
    return opened()


def test_what_another_store_writes_is_told_at_once_and_what_it_writes_itself_is_not(
    opened: Callable[..., SqlStore],
) -> None:
    one, other = opened(), opened()
    took: list[float] = []
    with ThreadPoolExecutor(2) as threads:
        while len(took) < TRIES and min(took, default=SOON) >= SOON:
            own, told = threads.submit(one.wait, 1.5), threads.submit(other.wait, 60.0)
            time.sleep(0.5)
            one.append([make.arrival()])
            began = time.monotonic()
            assert told.result()
            took.append(time.monotonic() - began)
            assert not own.result()
    assert min(took) < SOON


def test_a_command_that_ends_after_its_one_change_is_heard(opened: Callable[..., SqlStore]) -> None:
    daemon = opened()
    took: list[float] = []
    with ThreadPoolExecutor(1) as threads:
        while len(took) < TRIES and min(took, default=SOON) >= SOON:
            command, told = opened(), threads.submit(daemon.wait, 60.0)
            time.sleep(0.3)
            with command.write() as work:
                work.save([make.item(f"SOAP-{len(took)}")])
            command.close()
            began = time.monotonic()
            assert told.result()
            took.append(time.monotonic() - began)
    assert min(took) < SOON


def test_who_leads_leads_until_it_closes_or_loses_its_connection(
    postgres_url: str, opened: Callable[..., SqlStore]
) -> None:
    one, other = opened(), opened()
    assert [one.leads("a"), other.leads("a"), other.leads("b"), one.leads("b")] == [True, False, True, False]
    holder = (
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_locks JOIN pg_database AS mine ON mine.oid = database "
        f"WHERE locktype = 'advisory' AND classid = {JOBS} AND granted AND datname = current_database()"
    )
    assert len(ask(postgres_url, holder)) == 2
    assert [other.leads("a"), one.leads("b")] == [True, True]
    assert [one.leads("a"), other.leads("b")] == [False, False]
    other.close()
    RunningDaemon.until(lambda: one.leads("a"), what="the server to notice that the other one has gone")


def test_who_is_stopped_leads_no_more_after_a_while(
    opened: Callable[..., SqlStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_jobs, "FORGOTTEN", 0.3)
    one, other = opened(), opened()
    assert one.leads("a")
    monkeypatch.setattr(postgres_jobs, "FORGOTTEN", 60)  # of the other one, however slow this test is
    RunningDaemon.until(lambda: other.leads("a"), what="the one that does not ask to be forgotten")
    assert not one.leads("a")


def test_an_order_in_the_hands_of_one_is_never_waited_for(opened: Callable[..., SqlStore]) -> None:
    one, other = opened(), opened()
    with one.write() as work:
        assert work.hold([KEY]) == frozenset()
        assert work.hold([KEY]) == frozenset()
        with other.write() as beside:
            assert beside.hold([KEY, KEY._replace(order_id="DEMO-2")]) == {KEY}
    with other.write() as beside:
        assert beside.hold([KEY]) == frozenset()


def test_an_item_that_one_plans_with_is_waited_for_and_then_read_as_it_was_left(
    opened: Callable[..., SqlStore],
) -> None:
    one, other = opened(), opened()
    [unit] = stocked(one, "SOAP")
    planning = threading.Event()

    def second() -> int:
        with other.write() as work:
            planning.set()
            stock = work.units(["SOAP"])
            assert not work.book([make.shipment("B", [(unit, ONE)], items=dict(stock.versions))])
            return stock.units[0].quantity

    with ThreadPoolExecutor(1) as threads:
        with one.write() as work:
            stock = work.units(["SOAP"])
            found = threads.submit(second)
            planning.wait()
            time.sleep(0.3)
            assert not found.done()
            assert not work.book([make.shipment("A", [(unit, 3 * ONE)], items=dict(stock.versions))])
        assert found.result() == 7 * ONE


def test_two_who_read_the_same_items_the_other_way_round_do_not_wait_for_each_other_for_ever(
    postgres_url: str, opened: Callable[..., SqlStore]
) -> None:
    one, other = opened(), opened()
    units = dict(zip(("SOAP", "SALT"), stocked(one, "SOAP", "SALT"), strict=True))
    both_have_one = threading.Barrier(2)

    def plan(store: SqlStore, name: str, first: str, second: str) -> bool:
        with store.write() as work:
            versions = dict(work.units([first]).versions)
            both_have_one.wait()
            versions |= work.units([second]).versions
            return bool(work.book([make.shipment(name, [(units[second], ONE)], second, items=versions)]))

    began = time.monotonic()
    with ThreadPoolExecutor(2) as threads:
        plans = [threads.submit(plan, one, "A", "SOAP", "SALT"), threads.submit(plan, other, "B", "SALT", "SOAP")]
        void = [each.result() for each in plans]
    assert sorted(void) in ([False, False], [False, True])
    assert time.monotonic() - began < 25
    assert ask(postgres_url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]


def test_items_that_were_not_read_are_booked_without_waiting_for_who_plans_with_them(
    opened: Callable[..., SqlStore],
) -> None:
    one, other = opened(), opened()
    [unit] = stocked(one, "SOAP")
    with one.write() as work:
        versions = dict(work.units(["SOAP"]).versions)
        began = time.monotonic()
        with other.write() as beside:
            assert not beside.book([make.receipt("SOAP")])
        assert time.monotonic() - began < 25
        assert work.book([make.shipment("DEMO-1", [(unit, ONE)], items=versions)]) == {KEY}


def test_a_delivery_is_worked_by_one_and_left_out_by_the_others(opened: Callable[..., SqlStore]) -> None:
    one, other = opened(), opened()
    ids = one.append([make.arrival(b"%d" % n) for n in range(6)])
    with one.write() as work, other.write() as beside:
        mine = [row.id for row in work.claim(START, 4).deliveries]
        theirs = [row.id for row in beside.claim(START, 4).deliveries]
        assert (mine, theirs) == (ids[:4], ids[4:])
        again = [row.id for row in work.claim(START, 4).deliveries]
        assert again == []


def test_replaying_what_a_worker_has_claimed_waits_for_it_without_keeping_it_from_writing(
    postgres_url: str, opened: Callable[..., SqlStore]
) -> None:
    worker, person = opened(), opened()
    options = UltraCartOptions.model_validate({"merchant_id": "DEMO", "token": "t" * 32})
    shop = Shop(person, UltraCart(options), Fifo(Fifo.Options()))
    shop.stock(SOAP=5)
    [event] = shop.send(envelope(order_ship("D-1", [line("SOAP", 1, shipped="2026-11-02T12:00:00-05:00")])))
    [delivery] = shop.find(Delivery)
    later = shop.clock.now() + timedelta(hours=1)
    put_off = replace(delivery, state=DeliveryState.PENDING, due_at=later)
    with person.write() as work:
        work.save([put_off])
    with ThreadPoolExecutor(1) as threads:
        with worker.write() as work:
            assert [row.id for row in work.claim(later, 1).deliveries] == [delivery.id]
            replayed = threads.submit(events.replay, shop.desk, [event.id])
            time.sleep(0.5)
            assert not replayed.done()
            work.save([delivery])
        assert replayed.result().events == (event.id,)
    [again] = shop.find(Delivery)
    assert (again.state, again.due_at) == (DeliveryState.PENDING, shop.clock.now())
    assert shop.states("D-1") == ["pending"]
    assert shop.work() == 1
    assert shop.booked("D-1") == {"SOAP": ONE}
    assert ask(postgres_url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]


# --- lost connections


def test_after_a_lost_connection_nothing_fails_that_has_not_begun(postgres_url: str, store: SqlStore) -> None:
    [unit] = stocked(store, "SOAP")
    with store.read() as read:
        read.find(Unit)
    assert end_connections(postgres_url) >= 2
    assert store.append([make.arrival()])
    with store.read() as read:
        assert read.find(Unit)[0].id == unit
    with store.write() as work:
        assert not work.book([make.receipt("SALT")])


@pytest.mark.parametrize("moment", ["before it writes", "when it has written"])
def test_a_unit_of_work_whose_connection_is_lost_leaves_no_trace_and_the_next_one_works(
    moment: str, postgres_url: str, store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    [unit] = stocked(store, "SOAP")
    shipment = make.shipment("DEMO-1", [(unit, ONE)])
    with pytest.raises(StoreUnavailable, match="stockhook_"), store.write() as work:  # noqa: PT012 - it is one
        work.units(["SOAP"])
        if moment == "when it has written":
            work.book([shipment])
        end_connections(postgres_url)
        if moment == "before it writes":
            work.book([shipment])
    with store.read() as read:
        assert len(read.find(Movement)) == 1
    with store.write() as work:
        assert not work.book([shipment])
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


def test_a_stopped_daemon_loses_its_unit_of_work_to_the_others(postgres_url: str) -> None:
    stopped, other = at(f"{postgres_url}?options=-c%20idle_in_transaction_session_timeout%3D1s"), at(postgres_url)
    other.open()  # first, for who makes the tables may take a second between two of them
    stopped.open()
    stocked(other, "SOAP")
    stopped.append([make.arrival()])
    with pytest.raises(StoreUnavailable), stopped.write() as work:  # noqa: PT012 - the block is what is stopped
        assert work.claim(START, 1).deliveries
        work.units(["SOAP"])
        work.save([make.item()])
        with other.write() as beside:  # waits until the server has ended the other one
            stock = beside.units(["SOAP"])
            assert not beside.book([make.receipt("SOAP", items=dict(stock.versions))])
            [delivery] = beside.claim(START, 1).deliveries
            assert delivery.state is DeliveryState.PENDING
        work.save([make.item()])
    stopped.close()
    other.close()


def test_a_daemon_stopped_between_two_statements_that_are_queued_loses_its_unit_of_work_too(postgres_url: str) -> None:
    stopped, other = at(f"{postgres_url}?options=-c%20idle_in_transaction_session_timeout%3D1s"), at(postgres_url)
    other.open()  # first, for who makes the tables may take a second between two of them
    stopped.open()
    database = stopped._session._database
    bump = database.sql.bump
    units: list[int] = []
    with pytest.raises(StoreUnavailable), database.translated(), database.unit() as unit:  # noqa: PT012 - as above
        connection = unit.writer()
        with database.queued(connection):
            database.write(connection, bump, [("item", "SOAP")])
            units = stocked(other, "SOAP")  # waits until the server has ended the other one
            database.write(connection, bump, [("item", "SOAP")])
    assert len(units) == 1
    stopped.close()
    other.close()


def test_a_statement_that_is_queued_is_not_waited_for_until_the_queue_ends(postgres_url: str) -> None:
    store = at(postgres_url)
    store.open()
    database = store._session._database
    with psycopg.connect(libpq(postgres_url)) as other, database.unit() as unit:
        other.execute("INSERT INTO version VALUES ('item', 'SOAP', 1)")
        connection = unit.writer()
        with database.queued(connection):
            database.write(connection, database.sql.bump, [("item", "SOAP")])  # cannot be done before the other ends
            database.write(connection, database.sql.bump, [("item", "SALT")])
            other.rollback()
    with store.read() as view:
        assert view.units(["SOAP", "SALT"]).versions == {"SOAP": 1, "SALT": 1}
    store.close()
