"""A store copied into another: all of it, exactly, from any database to any, or a sentence and nothing."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from postgres import Server, any_server, own_server
from sqlite_file import at, inside, raw

from stockhook.errors import Refused
from stockhook.model import Delivery, Item, Movement, OrderKey, Unit
from stockhook.operations import codes
from stockhook.operations.store_copy import StoreCopy, copy_store, shown
from stockhook.operations.verify import verify
from stockhook.plugin import RECORDS, Chunk
from stockhook.quantity import ONE
from stockhook.store import FOREVER
from stockhook.testing import factories as make
from stockhook.testing.payloads import envelope, kit, line, order_refund, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.stores.sqlalchemy import SqlStore
from stockhook_plugins.stores.sqlalchemy.rows import shape
from stockhook_plugins.strategies.received import Fifo

SHIPPED = "2026-11-02T12:00:00-05:00"
BALANCE = shape(Movement).at["balance_after"]
PAIRS = [("sqlite", "sqlite"), ("sqlite", "postgres"), ("postgres", "sqlite"), ("postgres", "postgres")]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with any_server() as server:
        yield server


@pytest.fixture
def empty(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str, str], str]]:
    """Return the URL of a place for a store, in a database of that kind."""
    used = []

    def url(kind: str, name: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / name}.db"
        used.append(request.getfixturevalue("server").database())
        return str(used[-1].__enter__())

    yield url
    for database in used:
        database.__exit__(None, None, None)


def opened(url: str) -> SqlStore:
    store = SqlStore(SqlStore.Options.model_validate({"url": url}))
    store.open()
    return store


def shop_in(store: SqlStore | MemoryStore) -> Shop:
    channel = UltraCart(UltraCart.Options.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    return Shop(store, channel, Fifo(Fifo.Options()))


def live(shop: Shop) -> None:
    """Have something of everything happen."""
    shop.stock(SOAP=5, LAMP=2, RARE=1)
    shop.kit("SET", SOAP=1, LAMP=1)
    old = shop.deliver(envelope(order_ship("D-0", [line("SOAP", 1, shipped=SHIPPED)])))
    shop.clock.advance(timedelta(days=40))
    shop.work()
    shop.send(envelope(order_ship("D-1", [line("SOAP", 1, shipped=SHIPPED), line("rare", 3, shipped=SHIPPED)])))
    shop.send(envelope(order_ship("D-2", [*kit("SET", 1, [("SOAP", 1), ("LAMP", 1)], index=1, shipped=SHIPPED)])))
    shop.send(
        envelope(order_ship("Ü-3", [line("WHAT \x00 é 漢", 1, shipped=SHIPPED), line("PACK", 1, shipped=SHIPPED)]))
    )
    codes.alias(shop.desk, "PACK", "SOAP", factor=2 * ONE)
    shop.work()
    shop.send(envelope(order_refund("D-1", [line("SOAP", 1, refunded=1, shipped=SHIPPED)])))
    shop.send(b"no json at all")
    with shop.store.write() as work:
        work.save([make.notice(), make.problem(kind="linked-order", count=7)])
    shop.send(envelope(order_ship("D-4", [line("GIFT", 1, shipped=SHIPPED)])))
    assert shop.store.prune(shop.clock.now() - timedelta(days=30), 10) == 1
    with shop.store.read() as view:
        assert view.body(old) is None


def dumped(store: SqlStore) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    with store.read() as view:
        for chunk in store.dump(view):
            found.setdefault(chunk.table, []).extend(chunk.rows)
    return found


def copied(shop: Shop, url: str, days: int | None = 30) -> StoreCopy:
    return copy_store(shop.desk, url, days)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_row_comes_over_as_it_is_and_the_copy_goes_on(
    empty: Callable[[str, str], str], source: str, target: str
) -> None:
    store = opened(empty(source, "source"))
    shop = shop_in(store)
    live(shop)
    url = empty(target, "target")
    done = copied(shop, url)
    copy = opened(url)
    assert done.failing == ()
    assert done.url == shown(url)
    there, here = dumped(copy), dumped(store)
    if (source, target) == ("sqlite", "postgres"):  # which keeps no zero character in a text
        here = {
            table: [tuple(v.replace("\0", "\ufffd") if isinstance(v, str) else v for v in row) for row in found]
            for table, found in here.items()
        }
    assert there == here
    assert done.rows == {table: len(found) for table, found in here.items() if table}
    assert {"body", "body_use", "version", "folded_item", "folded_kit", "wait", "shortage"} <= done.rows.keys()
    with store.read() as old, copy.read() as new:
        for record in RECORDS:
            if source == target:
                assert new.find(record, most=FOREVER) == old.find(record, most=FOREVER)
            assert [(t.count, t.amount) for t in new.totals(record)] == [
                (t.count, t.amount) for t in old.totals(record)
            ]
        for delivery in old.find(Delivery, most=FOREVER):
            assert new.body(delivery.id) == old.body(delivery.id)
        assert done.moved == sum(movement.quantity for movement in new.find(Movement, most=FOREVER))
        assert done.on_hand == sum(unit.quantity for unit in new.find(Unit, most=FOREVER))
        key = OrderKey("ultracart:DEMO", "D-1")
        assert new.orders([key]) == old.orders([key])
        assert new.units(["SOAP", "LAMP"]).versions == old.units(["SOAP", "LAMP"]).versions

    def next_ids(of: SqlStore) -> tuple[list[int], int]:
        with of.write() as work:
            work.save([make.problem(id=0, kind="linked-order", subject="next")])
        with of.read() as view:
            return of.append([make.arrival(b"next")]), max(each.id for each in view.find(type(make.problem())))

    assert next_ids(copy) == next_ids(store)
    again = replace(shop.desk, store=copy)
    assert codes.alias(again, "MORE", "LAMP") is not None
    copy.close()
    store.close()


def test_ids_go_on_behind_rows_that_are_gone(empty: Callable[[str, str], str], tmp_path: Path) -> None:
    store = opened(empty("sqlite", "source"))
    store.append([make.arrival(b"%d" % n) for n in range(5)])
    store.close()
    raw(tmp_path / "source.db", "DELETE FROM delivery WHERE id > 2")
    raw(tmp_path / "source.db", "UPDATE delivery SET state = 'worked'")
    store.open()
    for target in ("sqlite", "postgres"):
        url = empty(target, "target")
        copied(shop_in(store), url)
        copy = opened(url)
        assert copy.append([make.arrival(b"next")]) == [6]
        shop_in(copy).stock(SOAP=1)
        assert [unit.id for unit in shop_in(copy).find(Unit)] == [1]
        copy.close()
        store.close()
        store.open()
    store.close()


def test_more_rows_than_one_chunk_holds_come_in_the_order_of_their_keys(empty: Callable[[str, str], str]) -> None:
    store = opened(empty("sqlite", "source"))
    with store.write() as work:
        work.save([Item(f"ITEM-{number}") for number in range(2345)])
    sizes = [1_500_000, 3_000_000, 100, 5_000_000, 5_000_000, 100, 100, 10, 10, 10, 10]
    store.append([make.arrival(os.urandom(size), state="worked") for size in sizes])
    done = copied(shop_in(store), url := empty("postgres", "target"), None)
    assert done.rows["item"] == done.rows["folded_item"] == 2345
    assert done.rows["body"] == 11
    copy = opened(url)
    with store.read() as view:
        chunks = [(chunk.table, len(chunk.rows)) for chunk in store.dump(view)]
    assert [count for table, count in chunks if table == "item"] == [1000, 1000, 345]
    assert [count for table, count in chunks if table == "body"] == [1, 2, 1, 1, 6]
    assert dumped(copy) == dumped(store)
    copy.close()
    store.close()


def test_an_empty_store_can_be_copied_too(empty: Callable[[str, str], str]) -> None:
    store = opened(empty("sqlite", "source"))
    done = copied(shop_in(store), empty("postgres", "target"))
    assert (done.rows, done.moved, done.on_hand) == ({}, 0, 0)
    store.close()


def test_a_store_moves_to_an_older_postgresql_and_lives_on_there(empty: Callable[[str, str], str]) -> None:
    store = opened(empty("sqlite", "source"))
    shop = shop_in(store)
    shop.stock(SOAP=5, LAMP=2)
    with own_server(oldest=True) as server, server.server.database() as url:
        assert copied(shop, url).failing == ()
        old = opened(url)
        with inside(old).reading() as connection:
            assert connection.connection.driver_connection.info.server_version < 170000  # type: ignore[union-attr]
        there = shop_in(old)
        live(there)
        assert old.leads("sweep")
        assert [each for each in verify(there.desk, 30) if not each.ok] == []
        old.close()
    store.close()


# --- refusals


def serving(url: str) -> SqlStore:
    """Open a store as the daemon does that does least: it leads one job, and the others are led by nobody."""
    store = opened(url)
    store.serve()
    assert store.leads("sweep")
    return store


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_store_that_a_daemon_serves_is_refused(empty: Callable[[str, str], str], source: str, target: str) -> None:
    here, there = empty(source, "source"), empty(target, "target")
    words = {"sqlite": "another stockhook daemon", "postgres": "a stockhook daemon serves (the store of|postgresql)"}
    store = opened(here)
    shop = shop_in(store)
    shop.stock(SOAP=1)
    daemon = serving(here)
    with pytest.raises(Refused, match=words[source]):
        copied(shop, there)
    daemon.close()
    store.close()
    store.open()
    daemon = serving(there)
    with pytest.raises(Refused, match=words[target]):
        copied(shop, there)
    with daemon.read() as view:
        assert view.find(Unit) == []
    daemon.close()
    store.close()
    store.open()
    assert copied(shop, there).rows["unit"] == 1
    store.close()


@pytest.mark.parametrize("target", ["sqlite", "postgres"])
def test_a_store_that_is_not_empty_is_refused_and_left_alone(empty: Callable[[str, str], str], target: str) -> None:
    store = opened(empty("sqlite", "source"))
    shop = shop_in(store)
    shop.stock(SOAP=1)
    used = opened(url := empty(target, "target"))
    with used.write() as work:
        work.save([Item("MINE")])
    used.close()
    with pytest.raises(Refused, match=r"holds a store already, with rows in \w+; name an empty one"):
        copied(shop, url)
    used.open()
    with used.read() as view:
        assert [item.sku for item in view.find(Item)] == ["MINE"]
        assert view.find(Unit) == []
    used.close()
    store.close()


def test_the_store_itself_is_refused_whatever_it_is_called(tmp_path: Path) -> None:
    store = at(tmp_path / "source.db")
    (tmp_path / "link").symlink_to(tmp_path)
    for path in ("source.db", "link/source.db", "../" + tmp_path.name + "/source.db"):
        with pytest.raises(Refused, match="that is the store itself"):
            store.other(f"sqlite:///{tmp_path}/{path}")
    with pytest.raises(Refused, match="'mysql' is neither"):
        store.other("mysql://somewhere")


def test_a_store_that_cannot_be_copied_says_so(empty: Callable[[str, str], str]) -> None:
    memory = MemoryStore()
    memory.open()
    with pytest.raises(Refused, match="a store of type memory cannot be copied"):
        copied(shop_in(memory), empty("sqlite", "target"))


def test_a_copy_that_breaks_off_leaves_an_empty_store_that_the_next_one_fills(
    empty: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(empty("sqlite", "source"))
    shop = shop_in(store)
    live(shop)
    dump = SqlStore.dump

    def broken(self: SqlStore, view: Any) -> Iterator[Chunk]:
        for chunk in dump(self, view):
            if chunk.table == "unit":
                raise KeyboardInterrupt
            yield chunk

    for target in ("sqlite", "postgres"):
        url = empty(target, "target")
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):  # noqa: PT012 - the patch must go first
            patch.setattr(SqlStore, "dump", broken)
            copied(shop, url)
        store.close()
        store.open()
        assert copied(shop, url).rows["unit"] == 3
        store.close()
        store.open()
    store.close()


# --- the proof


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda chunk: replace(chunk, rows=chunk.rows[1:]), "movement: [0-9]+ rows here, [0-9]+ there"),
        (
            lambda chunk: replace(
                chunk, rows=[(*row[:BALANCE], row[BALANCE] + 1, *row[BALANCE + 1 :]) for row in chunk.rows]
            ),
            "movement: [0-9]+ rows here, [0-9]+ there, not the same ones",
        ),
    ],
)
def test_a_copy_that_is_not_the_same_is_told(
    empty: Callable[[str, str], str],
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Chunk], Chunk],
    said: str,
) -> None:
    store = opened(empty("sqlite", "source"))
    shop = shop_in(store)
    live(shop)
    fill = SqlStore.fill

    def changed(self: SqlStore, chunks: Iterable[Chunk]) -> None:
        fill(self, (change(chunk) if chunk.table == "movement" else chunk for chunk in chunks))

    monkeypatch.setattr(SqlStore, "fill", changed)
    with pytest.raises(Refused, match=said):
        copied(shop, empty("sqlite", "target"))
    store.close()


def test_what_did_not_hold_before_is_told_and_no_reason_to_refuse(empty: Callable[[str, str], str]) -> None:
    store = opened(empty("sqlite", "source"))
    shop = shop_in(store)
    live(shop)
    done = copied(shop, empty("sqlite", "target"), None)  # a payload is gone although they are kept for ever
    assert [each.name for each in done.failing] == ["journal"]
    store.close()


def test_a_file_whose_index_is_damaged_is_mended_by_a_copy(empty: Callable[[str, str], str], tmp_path: Path) -> None:
    store = opened(empty("sqlite", "source"))
    shop = shop_in(store)
    live(shop)
    inside(store)._raw().executescript(
        "PRAGMA writable_schema=1; DELETE FROM sqlite_schema WHERE name = 'movement_sku'; PRAGMA writable_schema=0"
    )
    store.close()
    store.open()
    assert store.integrity() is not None
    done = copied(shop, empty("sqlite", "target"))
    assert done.failing == ()
    copy = opened(empty("sqlite", "target"))
    assert copy.integrity() is None
    assert raw(tmp_path / "target.db", "SELECT count(*) FROM sqlite_schema WHERE name = 'movement_sku'") == [(1,)]
    copy.close()
    store.close()


def test_no_password_is_shown() -> None:
    assert shown("postgresql+psycopg://me:secret@db:5432/stock") == "postgresql+psycopg://me@db:5432/stock"
    assert shown("postgresql+psycopg://me@db/stock") == "postgresql+psycopg://me@db/stock"
    assert shown("sqlite:////var/lib/s.db") == "sqlite:////var/lib/s.db"
