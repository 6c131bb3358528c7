"""What is particular to the PostgreSQL store: what it asks of a server, what it keeps, and by which plans it reads."""

import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from postgres import OwnServer, libpq, own_server
from postgres_store import ask, at, migrate, opening, stocked
from sqlalchemy import Connection

from stockhook.model import Delivery, Event
from stockhook.plugin import StoreAway, StoreBroken, StoreTooNew, StoreUnavailable
from stockhook.quantity import ONE
from stockhook.testing import factories as make
from stockhook.testing.clock import START
from stockhook.testing.daemon import RunningDaemon
from stockhook_plugins.stores.sqlalchemy import SqlStore, migrations
from stockhook_plugins.stores.sqlalchemy.postgres import OLDEST


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
    with opening(url) as one:
        yield one


@pytest.fixture
def store(opened: Callable[..., SqlStore]) -> SqlStore:
    return opened()


# --- what is asked of the server


def test_a_server_that_does_not_flush_is_refused(server: OwnServer, url: str) -> None:
    try:
        ask(url, "ALTER SYSTEM SET fsync = off")
        ask(url, "SELECT pg_reload_conf()")
        RunningDaemon.until(lambda: ask(url, "SHOW fsync") == [("off",)], what="the server to read it")
        with pytest.raises(StoreUnavailable, match=r"fsync is 'off'.*postgresql\.conf") as caught:
            at(url).open()
        assert not isinstance(caught.value, StoreAway)  # a person must mend it: no daemon waits for that
    finally:
        ask(url, "ALTER SYSTEM RESET fsync")
        ask(url, "SELECT pg_reload_conf()")
        RunningDaemon.until(lambda: ask(url, "SHOW fsync") == [("on",)], what="the server to read it for other tests")


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
    migrate(url)
    store = at(f"{url}?options=-c%20idle_in_transaction_session_timeout%3D2s")
    store.open()
    with store._session._database.appending() as connection:
        assert connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar() == "2s"
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    store.close()
    with pytest.raises(StoreUnavailable, match=r"synchronous_commit is 'off'.*options of the URL"):
        at(f"{url}?options=-c%20synchronous_commit%3Doff").open()


def test_a_server_without_what_it_takes_is_refused_by_its_version(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stockhook_plugins.stores.sqlalchemy.postgres.OLDEST", 990000)
    with pytest.raises(StoreUnavailable, match=r"is PostgreSQL 1\d, and stockhook needs 99 or newer") as caught:
        at(url).open()
    assert not isinstance(caught.value, StoreAway)


def test_the_jobs_of_a_daemon_that_hangs_are_freed_by_every_version_that_is_taken(store: SqlStore) -> None:
    assert OLDEST >= 140000  # the first one that knows the setting
    jobs = store._session._database.jobs  # type: ignore[attr-defined]
    assert store.leads("sweep")
    assert jobs._connection.execute("SHOW idle_session_timeout").fetchone() == ("150s",)


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
    with pytest.raises(StoreAway, match=told) as caught:  # which a daemon waits for: each may be mended over there
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


def test_a_migration_may_take_longer_than_any_other_statement(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade, allowed = migrations.upgrade, "SHOW statement_timeout"
    seen = []

    def watched(connection: Connection) -> None:
        seen.append(connection.exec_driver_sql(allowed).scalar())
        upgrade(connection)

    monkeypatch.setattr(migrations, "upgrade", watched)
    store = at(url)
    store.open()
    with store._session._database.writing() as connection:
        seen.append(connection.exec_driver_sql(allowed).scalar())
    store.close()
    assert seen == ["0", "1min"]


_CONNECTED = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'stockhook' AND datname = current_database()"
)


def test_nothing_is_left_behind_by_a_store_that_is_closed(url: str, store: SqlStore) -> None:
    store.leads("test")
    stocked(store, "SOAP")
    waiting = threading.Thread(target=store.wait, args=(120,))
    waiting.start()
    time.sleep(0.3)
    store.close()
    waiting.join(60)
    assert not waiting.is_alive()
    ends = time.monotonic() + 60
    while ask(url, _CONNECTED) != [(0,)]:  # the server's process ends a moment after its connection has
        assert time.monotonic() < ends, "a connection was left behind"
        time.sleep(0.01)


# --- what is kept


@pytest.mark.parametrize("statement", ["UPDATE movement SET quantity = 1", "DELETE FROM movement", "TRUNCATE movement"])
def test_a_movement_is_never_changed_by_anybody(statement: str, url: str, store: SqlStore) -> None:
    stocked(store, "SOAP")
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="never changed"):
        ask(url, statement)
    assert ask(url, "SELECT quantity FROM movement") == [(10 * ONE,)]


def test_what_nobody_of_this_version_wrote_is_called_damage_in_a_sentence(url: str, store: SqlStore) -> None:
    store.append([make.arrival()])
    ask(url, "UPDATE delivery SET state = 'of-tomorrow'")
    with pytest.raises(StoreBroken, match="A newer stockhook may have written it"), store.read() as read:
        read.find(Delivery)


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
    return [*found, *sql.folded.values(), *sql.drop_bodies, *made, *folds, sql.bodies_once]


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


def test_the_size_on_the_server_is_known_and_what_room_it_has_is_not(store: SqlStore) -> None:
    found = store.footprint()
    assert found.database > 1_000_000  # an empty database of PostgreSQL has some MB
    assert (found.log, found.free) == (None, None)
