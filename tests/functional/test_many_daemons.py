"""Four daemons on one PostgreSQL: a history sent twice over, out of order and to all of them, is booked once."""

import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import psycopg
import pytest
from postgres import libpq
from promises import prove
from sizes import seeds, times

from stockhook.model import Event, EventState, Item, Location, Movement, Notice, NoticeState, Unit
from stockhook.operations.stock.receipts import Receipt, receive
from stockhook.quantity import ONE
from stockhook.store import FOREVER
from stockhook.testing.daemon import RunningDaemon, table
from stockhook.testing.mail import MailServer
from stockhook.testing.payloads import array, envelope, line, order_create, order_ship

DAEMONS = 4
PLENTY = 1_000_000
MADE = "2026-11-01T12:00:00-05:00"
FIRST = "2026-11-02T12:00:00-05:00"
SECOND = "2026-11-03T12:00:00-05:00"

SPY = """
CREATE SCHEMA spy;
CREATE TABLE spy.booked (order_id text, daemon text DEFAULT current_setting('application_name'));
CREATE FUNCTION spy.note() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO spy.booked (order_id) VALUES (NEW.order_id); RETURN NULL; END $$;
CREATE TRIGGER note AFTER INSERT ON public.movement FOR EACH ROW EXECUTE FUNCTION spy.note();
"""
"""Notes for each movement which daemon has booked it."""

Goods = Mapping[str, Mapping[str, int]]
"""What each order asks for, by sku."""


@dataclass(frozen=True)
class House:
    """Daemons on one database, and where their mails go."""

    url: str
    daemons: Sequence[RunningDaemon]
    mail: MailServer

    def ask(self, statement: str) -> list[Any]:
        with psycopg.connect(libpq(self.url), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def stock(self, skus: Sequence[str]) -> None:
        with self.daemons[0].desk() as desk:
            receipts = [Receipt(sku, PLENTY * ONE, "MAIN") for sku in skus]
            receive(desk, receipts, made=[*map(Item, skus), Location("MAIN")])
        self.ask(SPY)

    def send(self, bodies: Sequence[bytes]) -> None:
        """Send each body to a daemon by turns, to all of them at the same time."""

        def to(daemon: RunningDaemon, mine: Sequence[bytes]) -> None:
            connection = daemon.connect()
            for body in mine:
                connection.request("POST", daemon.path, body)
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200
            connection.close()

        with ThreadPoolExecutor(len(self.daemons)) as threads:
            shares = [bodies[n :: len(self.daemons)] for n in range(len(self.daemons))]
            list(threads.map(to, self.daemons, shares))

    def leader(self) -> RunningDaemon:
        """Return the daemon that sends the notices."""
        job = (crc32(b"dispatcher") - 2**31) % 2**32
        jobs = (
            "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) "
            f"WHERE locktype = 'advisory' AND classid = 8461002 AND objid = {job} AND granted "
            "AND datname = current_database()"
        )
        [(name,)] = RunningDaemon.until(lambda: self.ask(jobs), what="somebody to lead")
        return self.daemons[int(name)]


@pytest.fixture
def house(tmp_path: Path, postgres_url: str) -> Iterator[House]:
    with ExitStack() as stack:
        mail = stack.enter_context(MailServer())
        office: dict[str, str | int | list[str]] = {"type": "email", "host": "127.0.0.1", "port": mail.port}
        office |= {"security": "none", "from": "stockhook@example.com", "to": ["stock@example.com"], "per_hour": 100}
        daemons = []
        for n in range(DAEMONS):
            folder = tmp_path / str(n)
            folder.mkdir()
            url = f"{postgres_url}?application_name={n}"
            daemons.append(RunningDaemon(folder, url=url, more=table("notifiers.office", office)))
        with ThreadPoolExecutor(DAEMONS) as threads:  # which one makes the tables is left to chance
            list(threads.map(stack.enter_context, daemons))
        yield House(postgres_url, daemons, mail)


def shipments(goods: Goods, linked: frozenset[str] = frozenset()) -> list[bytes]:
    """Return the events of orders of two lines: made, shipped in part, shipped."""
    found = []
    for name, wanted in goods.items():
        made, part, whole = (
            [line(sku, n, index=place, shipped=at[place]) for place, (sku, n) in enumerate(wanted.items())]
            for at in ([None, None], [FIRST, None], [FIRST, SECOND])
        )
        found += [
            envelope(order_create(name, made, created=MADE)),
            array(order_ship(name, part, created=MADE)),
            envelope(order_ship(name, whole, created=MADE, linked=name in linked)),
        ]
    return found


def holds(house: House, goods: Goods) -> None:
    """Assert that every order is booked as it says, each line once, by all the daemons together and without a deadlock.

    A booking whose order had moved would be made again, one that was made twice would show as a second movement.
    """
    house.daemons[0].until_idle(120)
    booked: defaultdict[str, Counter[str]] = defaultdict(Counter)
    sold: Counter[str] = Counter()
    with house.daemons[0].desk() as desk, desk.store.read() as view:
        moves = [move for move in view.find(Movement, most=FOREVER) if move.order_id is not None]
        for move in moves:
            booked[str(move.order_id)][move.sku] -= move.quantity
            sold[move.sku] -= move.quantity
        assert booked == {name: {sku: n * ONE for sku, n in wanted.items()} for name, wanted in goods.items()}
        assert Counter(move.order_id for move in moves) == dict.fromkeys(goods, 2)
        on_hand = {str(total.by[0]): total.amount for total in view.totals(Unit, ["sku"])}
        assert on_hand == {sku: PLENTY * ONE - sold[sku] for sku in on_hand}
        done = {EventState.APPLIED, EventState.UNCHANGED, EventState.SUPERSEDED, EventState.IGNORED}
        assert {event.state for event in view.find(Event, most=FOREVER)} <= done
        prove(desk)
    assert house.ask("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]
    for daemon in house.daemons:
        if daemon.code is None:
            assert not [entry for entry in daemon.lines if entry["level"] != "info"]


@pytest.mark.parametrize("shared", [True, False], ids=["items of all orders", "items of their own"])
@pytest.mark.parametrize("seed", seeds(1, 5))
def test_a_history_sent_twice_over_and_shuffled_to_four_daemons_is_booked_once_by_all_of_them(
    seed: int, shared: bool, house: House
) -> None:
    chance = random.Random(seed)
    orders = times(120, 1000)
    goods = {
        f"D-{n}": {"SOAP" if shared else f"S-{n}": chance.randint(1, 9), "LAMP" if shared else f"L-{n}": 1}
        for n in range(orders)
    }
    house.stock(sorted({sku for wanted in goods.values() for sku in wanted}))
    linked = frozenset(chance.sample(sorted(goods), 12))
    history = shipments(goods, linked) * 2
    chance.shuffle(history)
    house.send(history)
    holds(house, goods)
    parts = Counter(name for _, name in house.ask("SELECT order_id, daemon FROM spy.booked WHERE order_id IS NOT NULL"))
    print(f"movements by daemon: {dict(parts)}")
    assert parts.keys() == {str(n) for n in range(DAEMONS)}
    RunningDaemon.until(lambda: waiting(house) == 0, 120, "every notice to be sent")
    assert mails(house, linked) == dict.fromkeys(linked, 1)


def test_when_the_daemon_that_sends_is_killed_another_one_sends_what_is_left(house: House) -> None:
    house.mail.delay = 0.2
    goods = {f"D-{n}": {"SOAP": 1, "LAMP": 1} for n in range(15)}
    house.stock(["SOAP", "LAMP"])
    leader = house.leader()
    house.send(shipments(goods, frozenset(goods)))
    RunningDaemon.until(lambda: len(house.mail.mails) >= 3, 120, "the first mails")
    leader.kill()
    began = time.monotonic()
    RunningDaemon.until(lambda: waiting(house) == 0, 120, "every notice to be sent")
    print(f"all sent {time.monotonic() - began:.1f} s after")
    assert house.leader() is not leader
    found = mails(house, frozenset(goods))
    assert set(found) == set(goods)
    assert sorted(found.values())[:-1] == [1] * (len(goods) - 1)
    assert max(found.values()) <= 2, "at most the one that was on its way"
    leader.start()
    holds(house, goods)
    assert mails(house, frozenset(goods)) == found


def waiting(house: House) -> int:
    """Return how many notices wait, once no event does."""
    with house.daemons[0].desk() as desk, desk.store.read() as view:
        due = view.due(desk.clock.now(), 1)
        return len(view.find(Notice, {"state": NoticeState.WAITING}, most=FOREVER)) + len(due.deliveries)


def mails(house: House, orders: frozenset[str]) -> Counter[str]:
    """Return how many mails tell of each order."""
    texts = [found.get_body(("plain",)).get_content() for found in house.mail.mails]
    return Counter(name for text in texts for name in set(re.findall(r"\bD-\d+\b", text)) & orders)
