"""Killed, stopped and started again under load: what was acknowledged is there, and all of it is booked once."""

import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.parse import urlsplit

import pytest

from stockhook.model import Item, Location, Movement, MovementKind, Order, Shortage, Unit
from stockhook.operations.stock import Receipt, receive
from stockhook.operations.verify import verify
from stockhook.quantity import ONE
from stockhook.testing.daemon import RunningDaemon
from stockhook.testing.payloads import array, envelope, kit, line, order_ship

SHIPPED = "2026-11-01T12:00:00-05:00"
PLENTY = 1_000_000
SCARCE = 50
SENDERS = 6
KILLS = 4
SEED = 20261121


@dataclass
class Load:
    """Senders that post orders of their own, note what was acknowledged, and send the rest again next time."""

    daemon: RunningDaemon
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))
    wanted: dict[str, Counter[str]] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    answers: Counter[int] = field(default_factory=Counter)
    broken: list[Exception] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def order(self) -> str:
        """Think of an order: plain lines, a kit, something scarce."""
        name = f"D-{len(self.wanted)}"
        soap, lamp, rare = self.chance.randint(1, 5), self.chance.randint(1, 3), self.chance.randint(0, 1)
        lines = [
            line("SOAP", soap, index=1, shipped=SHIPPED),
            *kit("SET", 1, [("LAMP", lamp), ("BOX", 1)], index=2, shipped=SHIPPED),
            *([line("RARE", rare, index=9, shipped=SHIPPED)] if rare else []),
        ]
        shape = self.chance.choice([envelope, array])
        self.wanted[name] = Counter({"SOAP": soap, "LAMP": lamp, "BOX": 1, "RARE": rare})
        self.bodies[name] = shape(order_ship(name, lines))
        return name

    def next_order(self) -> str:
        """Return an order to send: one never acknowledged, or one once more, or a new one."""
        with self.lock:
            again = self.chance.random()
            if again < 0.1 and self.acknowledged:
                return self.chance.choice(sorted(self.acknowledged))
            return self.order()

    def send(self, names: Callable[[], str | None]) -> None:
        """Send until there is nothing more, or the daemon is gone."""
        connection = self.daemon.connect()
        try:
            while (name := names()) is not None:
                connection.request("POST", self.daemon.path, self.bodies[name])
                answer = connection.getresponse()
                answer.read()
                with self.lock:
                    self.answers[answer.status] += 1
                    if answer.status == 200:
                        self.acknowledged.add(name)
        except (OSError, HTTPException) as error:
            with self.lock:
                self.broken.append(error)
        finally:
            connection.close()

    def run(self, until: Callable[[], object]) -> None:
        """Have all senders send while ``until`` runs, which ends the daemon."""
        threads = [threading.Thread(target=self.send, args=(self.next_order,)) for _ in range(SENDERS)]
        for thread in threads:
            thread.start()
        try:
            until()
        finally:
            self.daemon.kill()
            for thread in threads:
                thread.join()

    def finish(self) -> None:
        """Send what was never acknowledged, as the store does, until all is."""
        left = sorted(self.wanted.keys() - self.acknowledged)
        self.send(lambda: left.pop() if left else None)
        self.daemon.until_idle(60)


@pytest.fixture
def load(daemon: RunningDaemon) -> Load:
    with daemon.desk() as desk:
        stock = {"SOAP": PLENTY, "LAMP": PLENTY, "BOX": PLENTY, "RARE": SCARCE}
        receipts = [Receipt(sku, quantity * ONE, "MAIN") for sku, quantity in stock.items()]
        receive(desk, receipts, made=[*(Item(sku) for sku in (*stock, "SET")), Location("MAIN")])
    return Load(daemon)


def check(load: Load, *, acknowledged_only: bool = False) -> None:
    """Compare the ledger with what was sent, order by order, and ask for every promise that leaves a trace."""
    applied: dict[str, Counter[str]] = {name: Counter() for name in load.wanted}
    with load.daemon.desk() as desk:
        with desk.store.read() as view:
            known = {order.order_id for order in view.find(Order, most=10**9)}
            for movement in view.find(Movement, {"kind": MovementKind.CONSUMPTION}, most=10**9):
                applied[str(movement.order_id)][movement.sku] -= movement.quantity
            for shortage in view.find(Shortage, most=10**9):
                applied[shortage.order_id][shortage.sku] += shortage.open
            on_hand = {str(total.by[0]): total.amount for total in view.totals(Unit, ["sku"])}
        assert load.acknowledged <= known, "an acknowledged delivery is lost"
        assert [found for found in verify(desk) if not found.ok] == []
    for name, wanted in load.wanted.items():
        if name in load.acknowledged:
            assert applied[name] == {sku: n * ONE for sku, n in wanted.items() if n}, name
        else:
            assert not acknowledged_only or applied[name] in ({}, {sku: n * ONE for sku, n in wanted.items() if n})
    sold = Counter[str]()
    for name in known:
        sold.update(load.wanted[name])
    assert {sku: PLENTY - on_hand[sku] // ONE for sku in ("SOAP", "LAMP", "BOX")} == {
        sku: sold[sku] for sku in ("SOAP", "LAMP", "BOX")
    }
    assert on_hand["RARE"] == max(0, SCARCE - sold["RARE"]) * ONE


def test_killed_at_random_moments_it_loses_nothing_acknowledged_and_doubles_nothing(load: Load) -> None:
    for _ in range(KILLS):
        load.run(lambda: time.sleep(load.chance.uniform(0.05, 0.6)))
        load.daemon.start()
        load.daemon.until_idle(60)
        check(load, acknowledged_only=True)
    load.finish()
    assert load.acknowledged == load.wanted.keys()
    assert load.answers.keys() == {200}
    check(load)
    assert len(load.acknowledged) > 100


def test_stopped_under_load_it_answers_in_full_ends_well_and_keeps_all_it_acknowledged(load: Load) -> None:
    for _ in range(2):
        seconds = [0.0]

        def stop(seconds: list[float] = seconds) -> None:
            time.sleep(load.chance.uniform(0.2, 0.5))
            began = time.monotonic()
            assert load.daemon.terminate() == 0
            seconds[0] = time.monotonic() - began

        load.run(stop)
        assert seconds[0] < 10
        assert load.answers.keys() <= {200, 503}
        # a sender may find the connection closed before its next request, but never in the middle of an answer
        assert {type(error).__name__ for error in load.broken} <= {
            "RemoteDisconnected", "ConnectionResetError", "BrokenPipeError", "ConnectionRefusedError",
        }  # fmt: skip
        assert not [each for each in load.daemon.lines if each["level"] in ("error", "critical")]
        assert load.daemon.logged("stopped")
        load.daemon.start()
        load.daemon.until_idle(60)
        check(load, acknowledged_only=True)
    load.finish()
    check(load)


def test_a_request_half_sent_when_the_daemon_is_stopped_is_still_answered(daemon: RunningDaemon) -> None:
    body = envelope(order_ship("D-1", [line("SOAP", 1, shipped=SHIPPED)]))
    where = urlsplit(daemon.server)
    with socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=20) as connection:
        head = f"POST {daemon.path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:100])
        time.sleep(0.2)
        daemon.signal(signal.SIGTERM)
        daemon.until(lambda: daemon.logged("stopping"))
        time.sleep(0.2)
        connection.sendall(body[100:])
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nConnection: close\r\n" in answer
    assert daemon.wait() == 0
    with daemon.desk() as desk, desk.store.read() as view:
        assert len(view.due(desk.clock.now(), 10).deliveries) + len(view.find(Order)) == 1


def test_a_second_daemon_on_the_same_store_is_refused_with_a_sentence(daemon: RunningDaemon) -> None:
    refused = daemon.stockhook("serve", code=1)
    assert refused.err.startswith("Error: ")
    assert "Traceback" not in refused.err
    assert str(daemon.folder / "stockhook.db") in refused.err
    assert daemon.post(envelope(order_ship("D-1", [line("SOAP", 1)]))).status == 200


def test_an_address_in_use_is_refused_with_a_sentence(
    daemon: RunningDaemon, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = RunningDaemon(tmp_path_factory.mktemp("other"))
    taken = urlsplit(daemon.server).netloc
    config = other.config.read_text(encoding="utf-8").replace("127.0.0.1:0", taken, 1)
    other.config.write_text(config, encoding="utf-8")
    refused = other.stockhook("serve", code=1)
    assert refused.err.startswith("Error: cannot listen")
    assert taken in refused.err
    assert "Traceback" not in refused.err
