"""What is particular to the PostgreSQL store: what it asks of a server, and how those who share it keep apart."""

import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from postgres import OwnServer, libpq, own_server

from stockhook.model import Delivery, DeliveryState, Event, Movement, OrderKey, Unit
from stockhook.plugin import StoreBroken, StoreTooNew, StoreUnavailable
from stockhook.quantity import ONE
from stockhook.testing import factories as make
from stockhook.testing.clock import START
from stockhook_plugins.stores.sqlalchemy import SqlStore, postgres_jobs

KEY = OrderKey(make.ACCOUNT, "DEMO-1")
SOON = 0.5
"""Seconds within which one daemon hears of what another one wrote."""


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    with own_server() as server:
        yield server


@pytest.fixture
def url(server: OwnServer) -> Iterator[str]:
    with server.server.database() as url:
        yield url


@pytest.fixture
def opened(url: str) -> Iterator[Callable[..., SqlStore]]:
    """Open the store of the test, as often as it is asked for; all are closed at the end."""
    with ExitStack() as stack:

        def one() -> SqlStore:
            store = at(url)
            store.open()
            stack.callback(store.close)
            return store

        yield one


@pytest.fixture
def store(opened: Callable[..., SqlStore]) -> SqlStore:
    return opened()


def at(url: str) -> SqlStore:
    return SqlStore(SqlStore.Options.model_validate({"url": url}))


def ask(url: str, statement: str) -> list[Any]:
    """Run a statement behind the store's back."""
    with psycopg.connect(libpq(url), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def end_connections(url: str) -> int:
    """Have the server end all connections of stores, and return how many there were."""
    ended = ask(
        url,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE application_name = 'stockhook' AND datname = current_database()",
    )
    return len(ended)


def stocked(store: SqlStore, *skus: str) -> list[int]:
    with store.write() as work:
        assert not work.book([make.receipt(sku) for sku in skus])
    with store.read() as read:
        return [unit.id for unit in reversed(read.find(Unit))]


# --- what is asked of the server


def test_a_server_that_does_not_flush_is_refused(server: OwnServer, url: str) -> None:
    try:
        ask(url, "ALTER SYSTEM SET fsync = off")
        ask(url, "SELECT pg_reload_conf()")
        while ask(url, "SHOW fsync") == [("on",)]:  # the server reads it when it gets to it
            time.sleep(0.02)
        with pytest.raises(StoreUnavailable, match=r"fsync is 'off'.*postgresql\.conf"):
            at(url).open()
    finally:
        ask(url, "ALTER SYSTEM RESET fsync")
        ask(url, "SELECT pg_reload_conf()")


@pytest.mark.parametrize("where", ["DATABASE", "ROLE"])
def test_a_default_of_the_database_or_the_role_does_not_make_commits_less_durable(
    where: str, url: str, opened: Callable[..., SqlStore]
) -> None:
    name = url.rpartition("/")[2] if where == "DATABASE" else "stockhook"
    ask(url, f"ALTER {where} {name} SET synchronous_commit = off")
    try:
        assert ask(url, "SHOW synchronous_commit") == [("off",)]
        with opened()._session._database.appending() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    finally:
        ask(url, f"ALTER {where} {name} RESET synchronous_commit")


def test_options_of_the_url_count_but_none_that_makes_commits_less_durable(url: str) -> None:
    store = at(f"{url}?options=-c%20idle_in_transaction_session_timeout%3D2s")
    store.open()
    with store._session._database.appending() as connection:
        assert connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar() == "2s"
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    store.close()
    with pytest.raises(StoreUnavailable, match=r"synchronous_commit is 'off'.*options of the URL"):
        at(f"{url}?options=-c%20synchronous_commit%3Doff").open()


def test_a_database_that_cannot_hold_every_script_is_refused(server: OwnServer) -> None:
    maintenance = server.machine.url
    ask(maintenance, "CREATE DATABASE narrow ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    try:
        with pytest.raises(StoreUnavailable, match=r"SQL_ASCII.*CREATE DATABASE"):
            at(maintenance.replace("/postgres", "/narrow")).open()
    finally:
        ask(maintenance, "DROP DATABASE narrow")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda url, server: url.replace(server.machine.password, "hunter2"), "password authentication failed"),
        (lambda url, server: url.replace("@127.0.0.1", "@no-such-host.invalid"), "no-such-host.invalid"),
        (lambda url, server: f"{url}x", "does not exist"),
        (lambda url, server: url.replace(f":{server.machine.port}/", ":1/"), "refused"),
    ],
    ids=["password", "host", "database", "port"],
)
def test_a_server_that_cannot_be_reached_is_told_in_one_sentence_without_a_password(
    change: Callable[[str, OwnServer], str], told: str, server: OwnServer, url: str
) -> None:
    with pytest.raises(StoreUnavailable, match=told) as caught:
        at(change(url, server)).open()
    words = str(caught.value)
    assert "\n" not in words
    assert "hunter2" not in words
    assert server.machine.password not in words


def test_the_tables_of_another_program_are_left_alone(url: str) -> None:
    ask(url, "CREATE TABLE customer (id int)")
    with pytest.raises(StoreBroken, match=r"customer.*name another one"):
        at(url).open()
    assert ask(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == [("customer",)]


def test_a_store_of_a_newer_version_is_refused(url: str, store: SqlStore) -> None:
    ask(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTooNew, match="9999"):
        at(url).open()


def test_of_many_who_open_an_empty_database_at_once_each_succeeds(url: str) -> None:
    stores = [at(url) for _ in range(4)]
    with ThreadPoolExecutor(len(stores)) as threads:
        list(threads.map(lambda store: store.open(), stores))
    for store in stores:
        assert store.append([make.arrival()])
        store.close()
    assert ask(url, "SELECT count(*) FROM alembic_version") == [(1,)]


def test_nothing_is_left_behind_by_a_store_that_is_closed(url: str, store: SqlStore) -> None:
    store.leads("test")
    stocked(store, "SOAP")
    waiting = threading.Thread(target=store.wait, args=(30,))
    waiting.start()
    time.sleep(0.3)
    store.close()
    waiting.join(5)
    assert not waiting.is_alive()
    assert end_connections(url) == 0


# --- what is kept


@pytest.mark.parametrize("statement", ["UPDATE movement SET quantity = 1", "DELETE FROM movement", "TRUNCATE movement"])
def test_a_movement_is_never_changed_by_anybody(statement: str, url: str, store: SqlStore) -> None:
    stocked(store, "SOAP")
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="never changed"):
        ask(url, statement)
    assert ask(url, "SELECT quantity FROM movement") == [(10 * ONE,)]


def test_a_character_that_no_text_can_hold_is_replaced(store: SqlStore) -> None:
    store.append([make.arrival(b"\x00", headers=(("x-a", "a\x00b"),))])
    with store.write() as work:
        work.save([make.event(text="a\x00b", order_id="\x00")])
    with store.read() as read:
        [delivery], [event] = read.find(Delivery), read.find(Event)
        assert read.body(delivery.id) == b"\x00"
    assert (event.text, event.order_id) == ("a\ufffdb", "\ufffd")
    assert delivery.headers == (("x-a", "a\x00b"),)  # kept as JSON, which can


# --- appends


def test_deliveries_of_the_same_bodies_in_any_order_do_not_wait_for_each_other(
    url: str, opened: Callable[..., SqlStore]
) -> None:
    stores = [opened() for _ in range(3)]
    begun = threading.Barrier(len(stores))

    def append(store: SqlStore) -> None:
        chance = random.Random(id(store))
        begun.wait()
        for round_ in range(15):
            bodies = [b"%d" % (round_ // 3 * 10 + n) for n in range(10)]
            chance.shuffle(bodies)
            store.append([make.arrival(body, received_at=START + timedelta(seconds=round_)) for body in bodies])

    with ThreadPoolExecutor(len(stores)) as threads:
        list(threads.map(append, stores))
    assert ask(url, "SELECT count(*), count(DISTINCT digest) FROM delivery") == [(450, 50)]
    assert ask(url, "SELECT count(*) FROM body") == [(50,)]
    assert ask(url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]


def test_no_body_is_removed_while_a_delivery_comes_that_has_it_again(opened: Callable[..., SqlStore]) -> None:
    sending, pruning = opened(), opened()
    old, new = START, START + timedelta(days=2)
    bodies = [b"%d" % n for n in range(10)]
    over = threading.Event()

    def prune() -> int:
        removed = 0
        while not over.is_set():
            removed += pruning.prune(START + timedelta(days=1), 3)
        return removed

    with ThreadPoolExecutor(1) as threads:
        counted = threads.submit(prune)
        for n in range(40):
            body = bodies[n % 10]
            sending.append([make.arrival(b"%d old" % n, received_at=old), make.arrival(body, received_at=old)])
            [young] = sending.append([make.arrival(body, received_at=new)])
            with sending.read() as read:
                assert read.body(young) == body
        over.set()
        assert counted.result() >= 30
    with sending.read() as read:
        young_ones = [row for row in read.find(Delivery) if row.received_at == new]
        assert all(read.body(row.id) is not None for row in young_ones)


# --- those who share it


def test_what_another_store_writes_is_told_at_once_and_what_it_writes_itself_is_not(
    opened: Callable[..., SqlStore],
) -> None:
    one, other = opened(), opened()
    with ThreadPoolExecutor(2) as threads:
        for _ in range(2):
            own, told = threads.submit(one.wait, 1.5), threads.submit(other.wait, 5.0)
            time.sleep(0.5)
            began = time.monotonic()
            one.append([make.arrival()])
            assert told.result()
            assert time.monotonic() - began < SOON + 0.5  # the machine is shared
            assert not own.result()


def test_a_command_that_ends_after_its_one_change_is_heard(opened: Callable[..., SqlStore]) -> None:
    daemon, command = opened(), opened()
    with ThreadPoolExecutor(1) as threads:
        told = threads.submit(daemon.wait, 5.0)
        time.sleep(0.3)
        with command.write() as work:
            work.save([make.item()])
        command.close()
        began = time.monotonic()
        assert told.result()
        assert time.monotonic() - began < SOON + 0.5


def test_who_leads_leads_until_it_closes_or_loses_its_connection(url: str, opened: Callable[..., SqlStore]) -> None:
    one, other = opened(), opened()
    assert [one.leads("a"), other.leads("a"), other.leads("b"), one.leads("b")] == [True, False, True, False]
    holder = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    assert len(ask(url, holder)) == 2
    assert [other.leads("a"), one.leads("b")] == [True, True]
    assert [one.leads("a"), other.leads("b")] == [False, False]
    other.close()
    assert one.leads("a")


def test_who_is_stopped_leads_no_more_after_a_while(
    opened: Callable[..., SqlStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_jobs, "FORGOTTEN", 0.3)
    one, other = opened(), opened()
    assert one.leads("a")
    time.sleep(1)
    assert [other.leads("a"), one.leads("a")] == [True, False]


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
    url: str, opened: Callable[..., SqlStore]
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
    assert time.monotonic() - began < 5
    assert ask(url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]


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
        assert time.monotonic() - began < 5
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


# --- lost connections


def test_after_a_lost_connection_nothing_fails_that_has_not_begun(url: str, store: SqlStore) -> None:
    [unit] = stocked(store, "SOAP")
    with store.read() as read:
        read.find(Unit)
    assert end_connections(url) >= 2
    assert store.append([make.arrival()])
    with store.read() as read:
        assert read.find(Unit)[0].id == unit
    with store.write() as work:
        assert not work.book([make.receipt("SALT")])


@pytest.mark.parametrize("moment", ["before it writes", "when it has written"])
def test_a_unit_of_work_whose_connection_is_lost_leaves_no_trace_and_the_next_one_works(
    moment: str, url: str, store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    [unit] = stocked(store, "SOAP")
    shipment = make.shipment("DEMO-1", [(unit, ONE)])
    with pytest.raises(StoreUnavailable, match="stockhook_"), store.write() as work:  # noqa: PT012 - it is one
        work.units(["SOAP"])
        if moment == "when it has written":
            work.book([shipment])
        end_connections(url)
        if moment == "before it writes":
            work.book([shipment])
    with store.read() as read:
        assert len(read.find(Movement)) == 1
    with store.write() as work:
        assert not work.book([shipment])
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


def test_a_stopped_daemon_loses_its_unit_of_work_to_the_others(url: str) -> None:
    stopped, other = at(f"{url}?options=-c%20idle_in_transaction_session_timeout%3D500ms"), at(url)
    stopped.open()
    other.open()
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


# --- plans

ROWS = 5000


def fill(url: str) -> None:
    """Put thousands of rows into every table, each with values of its own."""
    columns = ask(
        url,
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name <> 'alembic_version' ORDER BY 1, ordinal_position",
    )
    values = {"bigint": "n", "text": "'w' || n", "bytea": "decode(md5(n::text), 'hex')"}
    for table in {name for name, _, _ in columns}:
        mine = [(column, values[kind]) for name, column, kind in columns if name == table]
        names, found = ", ".join(f'"{column}"' for column, _ in mine), ", ".join(value for _, value in mine)
        ask(url, f'INSERT INTO "{table}" ({names}) SELECT {found} FROM generate_series(1, {ROWS}) AS n')
    ask(url, "ANALYZE")


def statements() -> list[str]:
    from stockhook.plugin import RECORDS
    from stockhook_plugins.stores.sqlalchemy.statements import for_postgresql

    sql = for_postgresql()
    found = [value for value in vars(sql).values() if isinstance(value, str)]
    made = [text for record in RECORDS for text in (sql.put(record), sql.add(record), sql.drop(record))]
    folds = [text for record in sql.folded for text in (sql.fold_in(record), sql.fold_out(record))]
    return [*found, *sql.folded.values(), *sql.drop_bodies, *made, *folds, sql.bodies_once(), sql.deliveries_in()]


def test_no_hot_statement_reads_a_whole_table(url: str, store: SqlStore) -> None:
    fill(url)
    given = {"json": "'[1, 2]'", "bigint": "3", "character varying": "'x'", "text": "'w3'", "bytea": "'\\x00'"}
    given |= {"bigint[]": "'{3,4}'", "text[]": "'{w3,w4}'", "bytea[]": "ARRAY['\\x00', '\\x01']::bytea[]"}
    found = statements()
    assert len(found) > 60
    with psycopg.connect(libpq(url)) as connection:
        for number, statement in enumerate(found):
            count = iter(range(1, 1000))
            numbered = re.sub("%s", lambda _, count=count: f"${next(count)}", statement).replace("%%", "%")
            connection.execute(f"PREPARE s{number} AS {numbered}".encode())
            asked = f"SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = 's{number}'"
            [(types,)] = connection.execute(asked.encode()).fetchall()
            values = f"({', '.join(given[each] for each in types)})" if types else ""
            plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN EXECUTE s{number}{values}".encode()))
            assert "Seq Scan on" not in plan, f"{statement}\n{plan}"
