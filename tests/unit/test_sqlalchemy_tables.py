"""What the SQLite store keeps, in which tables, found by which indexes, and what its caches must not do."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlite_file import at, inside, raw, run

from stockhook.model import NEW, Booking, Movement, OrderKey, Problem, ProblemState, Unit
from stockhook.plugin import RECORDS, BadBooking, Refused, StoreTooNew
from stockhook.quantity import ONE
from stockhook.testing import factories as make
from stockhook.testing.clock import START
from stockhook_plugins.stores.sqlalchemy import SqlStore, tables
from stockhook_plugins.stores.sqlalchemy.statements import for_sqlite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stock.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqlStore]:
    store = at(path)
    store.open()
    yield store
    store.close()


# --- what is kept


def test_a_body_that_comes_again_is_stored_once(path: Path, store: SqlStore) -> None:
    store.append([make.arrival(b"same"), make.arrival(b"same")])
    store.append([make.arrival(b"same"), make.arrival(b"other")])
    assert raw(path, "SELECT count(*) FROM body") == [(2,)]
    assert raw(path, "SELECT count(*) FROM delivery") == [(4,)]


def test_what_one_statement_wrote_before_it_failed_is_undone_with_all_the_rest(path: Path, store: SqlStore) -> None:
    with store.write() as work:
        work.save([make.event(position=position) for position in range(3)])
    for spoil in ("DELETE FROM event WHERE id = 2", "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'event'"):
        inside(store)._raw().execute(spoil)  # the next ids are one that is free and one that is not
    events = tuple(make.event(id=NEW + position, position=position) for position in (4, 5))
    with pytest.raises(BadBooking, match="nothing was written"), store.write() as work:
        work.book([make.receipt(), Booking(order=make.order(), events=events)])
    assert [*raw(path, "SELECT id FROM event")] == [(1,), (3,)]
    assert raw(path, "SELECT count(*) FROM unit") == [(0,)]


def test_pruning_hands_the_space_back(path: Path, store: SqlStore) -> None:
    store.append([make.arrival(os.urandom(400_000)) for _ in range(5)])
    before = inside(store)._raw().execute("PRAGMA page_count").fetchone()[0]
    steps = list(iter(lambda: store.prune(START + timedelta(days=1), 100), 0))
    assert steps == [2, 2, 1]  # a MiB in a commit, however many are asked for
    assert inside(store)._raw().execute("PRAGMA page_count").fetchone()[0] < before / 4
    assert inside(store)._raw().execute("PRAGMA freelist_count").fetchone() == (0,)


def test_a_body_larger_than_one_step_of_pruning_goes_at_once(store: SqlStore) -> None:
    store.append([make.arrival(os.urandom(3_000_000)), make.arrival(b"small")])
    assert [store.prune(START + timedelta(days=1), 100) for _ in range(3)] == [1, 1, 0]
    assert inside(store)._raw().execute("PRAGMA freelist_count").fetchone() == (0,)


def test_a_file_that_cannot_give_pages_back_is_pruned_all_the_same(path: Path) -> None:
    """One that a person restored with other tools, say."""
    raw(path, "CREATE TABLE made_first (n)")
    raw(path, "DROP TABLE made_first")
    store = at(path)
    store.open()
    store.append([make.arrival(os.urandom(100_000))])
    assert inside(store)._raw().execute("PRAGMA auto_vacuum").fetchone() == (0,)
    assert store.prune(START + timedelta(days=1), 100) == 1
    store.close()


def test_of_what_is_pruned_nothing_can_be_read_in_the_file(path: Path, store: SqlStore) -> None:
    secrets = [b"Jane Doe %d " % size * (size // 12) for size in (40, 3_000, 90_000)]
    kept = [make.arrival(b"kept " * 200 + os.urandom(10), received_at=START + timedelta(days=2)) for _ in range(50)]
    store.append([*map(make.arrival, secrets), *kept])
    inside(store)._log.empty(inside(store)._raw())
    assert path.read_bytes().count(b"Jane Doe") > 1000
    assert inside(store)._raw().execute("PRAGMA secure_delete").fetchone() == (2,)  # builds differ in what they do
    while store.prune(START + timedelta(days=1), 100):
        pass
    store.close()
    assert path.read_bytes().count(b"Jane Doe") == 0


def test_a_header_no_utf8_can_hold_costs_neither_it_nor_its_neighbours(store: SqlStore) -> None:
    ids = store.append([make.arrival(b"1"), make.arrival(b"2", headers=(("x", "a\udc80"),)), make.arrival(b"3")])
    with store.read() as read:
        assert [read.body(number) for number in ids] == [b"1", b"2", b"3"]
        assert read.find(type(make.delivery()), {"id": ids[1]})[0].headers == (("x", "a?"),)


@pytest.mark.parametrize("wrong", [{"subject": "\ud800"}, {"count": 1 << 63}])
def test_a_value_that_cannot_be_stored_is_refused_and_nothing_of_its_work_is_kept(
    store: SqlStore, wrong: dict[str, Any]
) -> None:
    with pytest.raises(Refused), store.write() as work:
        work.save([make.item(), make.problem(**wrong)])
    with store.read() as read:
        assert read.find(type(make.item())) == []
    assert len(store.append([make.arrival()])) == 1


@pytest.mark.parametrize("statement", ["UPDATE movement SET quantity = 1", "DELETE FROM movement"])
def test_movements_cannot_be_changed_even_by_hand(path: Path, store: SqlStore, statement: str) -> None:
    with store.write() as work:
        work.book([make.receipt()])
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        raw(path, statement)


def test_a_backup_opens_as_a_store(path: Path, store: SqlStore) -> None:
    [number] = store.append([make.arrival(b"kept")])
    store.backup(path.with_name("copy.db"))
    copy = at(path.with_name("copy.db"))
    copy.open()
    with copy.read() as read:
        assert read.body(number) == b"kept"
    assert min(copy.append([make.arrival()])) > number
    copy.close()


# --- tables and migrations


def test_a_store_of_a_newer_version_is_left_alone(path: Path, store: SqlStore) -> None:
    store.close()
    raw(path, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTooNew, match="9999"):
        store.open()
    raw(path, f"UPDATE alembic_version SET version_num = '{tables.REVISION}'")
    store.open()


def test_a_process_killed_while_migrating_leaves_a_store_that_opens(path: Path) -> None:
    killed = """
        import alembic.op
        made = alembic.op.create_table
        def create_table(name, *args, **options):
            if name == "order_line":
                os._exit(9)
            return made(name, *args, **options)
        alembic.op.create_table = create_table
        store.open()
    """
    run(path, killed, expect=9)
    assert raw(path, "SELECT count(*) FROM sqlite_schema") == [(0,)]
    store = at(path)
    store.open()
    assert store.append([make.arrival()]) == [1]
    store.close()


def test_the_migrations_make_the_tables_of_the_code(path: Path, store: SqlStore, tmp_path: Path) -> None:
    from sqlalchemy import create_engine

    engine = create_engine(f"sqlite:///{tmp_path}/code.db")
    tables.metadata.create_all(engine)
    engine.dispose()
    asked = "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND name != 'alembic_version'"
    code, migrated = ({name: shape(text) for name, text in raw(file, asked)} for file in (tmp_path / "code.db", path))
    help_text = "run python -m stockhook_plugins.stores.sqlalchemy.migrations.draft (see its docstring)"
    assert migrated == code, help_text


def shape(text: str) -> list[str]:
    """Return the parts of a statement in an order of their own: columns may stand in any."""
    plain = text.replace('"', "").replace("\n", " ").replace("\t", " ").replace("IS NOT null", "IS NOT NULL")
    return sorted(" ".join(part.split()) for part in plain.replace("(", ",").replace(")", ",").split(","))


def test_the_code_names_the_last_revision() -> None:
    from stockhook_plugins.stores.sqlalchemy import migrations

    assert max(migrations.revisions()) == tables.REVISION


def test_heavy_libraries_are_imported_only_when_they_are_needed(path: Path, store: SqlStore) -> None:
    code = """
        seen = lambda: sorted(name for name in ("alembic", "sqlalchemy") if name in sys.modules)
        print(seen()); store.open(); print(seen())
    """
    assert run(path, code).splitlines() == ["[]", "['sqlalchemy']"]


def test_no_hot_statement_reads_a_whole_table(path: Path, store: SqlStore) -> None:
    sql = for_sqlite()
    found = [value for value in vars(sql).values() if isinstance(value, str)]
    made = [make(record) for record in RECORDS for make in (sql.put, sql.drop)]
    statements = [*found, *sql.folded.values(), *sql.drop_bodies, *made]
    statements = [text for text in statements if "FOR UPDATE" not in text and text != sql.claim_deliveries]
    assert len(statements) > 40
    for statement in statements:
        values = [None] * statement.count("?")
        connection = sqlite3.connect(path)
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
        connection.close()
        whole = [step for step in plan if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
        assert whole in ([], ["SCAN delivery USING INDEX delivery_pending"]), statement


def test_open_states_are_found_by_the_indexes_on_them(path: Path, store: SqlStore) -> None:
    seen: list[str] = []
    with inside(store).reading() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_trace_callback(seen.append)
        from stockhook_plugins.stores.sqlalchemy.finding import find

        assert find(connection, for_sqlite(), Problem, {"state": ProblemState.OPEN}, None, 10) == []
        driver.set_trace_callback(None)
    [statement] = [text for text in seen if text.startswith("SELECT")]
    assert any("problem_open" in row[3] for row in raw(path, f"EXPLAIN QUERY PLAN {statement}"))


@pytest.mark.parametrize(
    "url",
    [
        "mysql://kim:hunter2@db/stock",
        "postgresql://kim:hunter2@db",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql+psycopg://kim:p@ss:hunter2@db/stock",
        "postgresql+psycopg://kim@db:hunter2/stock",
        "sqlite:////x?mode=ro",
        "",
    ],
)
def test_other_urls_are_refused_without_showing_a_password(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SqlStore.Options.model_validate({"url": url})
    assert "sqlite:///" in str(caught.value) or "postgresql+psycopg://" in str(caught.value)
    assert "hunter2" not in str(caught.value)


# --- caches

STEPS = st.lists(
    st.tuples(st.sampled_from(["receive", "take", "put back", "hold", "fail", "read", "elsewhere"]), st.integers(0, 9)),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_what_was_read_before_never_hides_what_is_there(tmp_path_factory: pytest.TempPathFactory, steps: Any) -> None:
    path = tmp_path_factory.mktemp("cache") / "stock.db"
    warm, cold = at(path), at(path)
    warm.open()
    cold.open()
    try:
        for number, (action, choice) in enumerate(steps):
            play(cold if action == "elsewhere" else warm, action, choice, number)
            with warm.read() as one, cold.read() as other:
                cold._session._units._shelves.clear()
                assert one.units(["SOAP", "SALT"]) == other.units(["SOAP", "SALT"])
    finally:
        warm.close()
        cold.close()


def play(store: SqlStore, action: str, choice: int, number: int) -> None:
    sku = ("SOAP", "SALT")[choice % 2]
    with store.read() as read:
        units = read.find(Unit, {"sku": sku})
        taken = read.find(Movement, {"sku": sku, "kind": make.movement().kind})
    unit = units[choice % len(units)] if units else None
    booking = make.receipt(sku, 3 * ONE)
    if unit is not None and action in ("take", "fail"):
        booking = make.shipment(f"A-{number}", [(unit.id, unit.quantity)] if unit.quantity else [], sku)
    elif unit is not None and action == "hold":
        booking = Booking(units=(replace(unit, held=not unit.held),))
    elif taken and action == "put back":
        row = taken[choice % len(taken)]
        booking = Booking(movements=(make.movement(row.unit_id, ONE, sku=sku),))
    if action == "read":
        return
    with contextlib.suppress(Refused), store.write() as work:
        work.units([sku])
        assert not work.book([booking])
        work.units([sku])
        if action == "fail":
            work.save([make.unit()])  # a unit is not for save: all is rolled back


def test_orders_of_two_accounts_with_one_id_are_two_orders(store: SqlStore) -> None:
    keys = [OrderKey("ultracart:A", "1"), OrderKey("ultracart:B", "1")]
    with store.write() as work:
        work.book([Booking(order=make.order("1", account=key.account), lines=()) for key in keys])
    with store.read() as read:
        assert read.orders(keys).keys() == set(keys)
        assert all(state.order.version == 1 for state in read.orders(keys).values())
