"""The life of the process: what systemd hears, when it is petted, how it starts and ends (reliability.md H13)."""

import hashlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

import pytest
from altered_daemon import hanging, program
from manager import Giver, Manager
from promises import check, finish
from sizes import LONG, times
from traffic import Traffic

from stockhook.model import Body, Delivery
from stockhook.store import Arrival
from stockhook.testing.sender import shipment

WATCHDOG = 0.9
"""Seconds that the manager waits for a sign of life; a third of it is how often there should be one."""


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with Manager(tmp_path, WATCHDOG) as manager:
        yield manager


def waiting(traffic: Traffic, count: int) -> None:
    """Have so many deliveries wait in the store of a daemon that does not run."""
    with traffic.daemon.desk() as desk:
        now = desk.clock.now()
        for _ in range(0, count, 500):
            arrivals = []
            for _ in range(min(500, count)):
                name = traffic.order()
                body = traffic.bodies[name]
                found = Body(hashlib.sha256(body).digest(), "identity", body, len(body))
                traffic.acknowledged[name] = None
                arrivals.append(Arrival(Delivery(0, "shop", now, "", (), found.digest, len(body), due_at=now), found))
            desk.store.append(arrivals)


def test_systemd_hears_of_start_backlog_reload_and_stop(manager: Manager, trading: Callable[..., Traffic]) -> None:
    traffic = trading(environment=manager.environment)
    waiting(traffic, 1000)
    daemon = traffic.daemon
    daemon.start()
    daemon.until(lambda: "READY" in manager.told[0][1] if manager.told else False, what="READY")
    assert manager.told[0][1]["STATUS"] == f"listening on {daemon.server}"
    status = daemon.until(lambda: manager.heard("STATUS")[1:], what="the backlog")[0]
    backlog = status.removeprefix(f"listening on {daemon.server}, ")
    assert 0 < int(backlog.removesuffix(" deliveries wait")) <= 1000

    before = time.monotonic()
    daemon.signal(signal.SIGHUP)
    daemon.until(lambda: manager.heard("READY", before), what="the end of the reload")
    (stamp,) = manager.heard("MONOTONIC_USEC", before)
    assert manager.heard("RELOADING", before) == ["1"]
    assert before * 1e6 <= int(stamp) <= time.monotonic() * 1e6

    before = time.monotonic()
    good = daemon.config.read_text()
    daemon.config.write_text("[channels")
    daemon.signal(signal.SIGHUP)
    daemon.until(lambda: manager.heard("READY", before), what="the end of the failed reload")
    assert manager.heard("STATUS", before)[-1].endswith(", the last reload failed: see the log")
    daemon.config.write_text(good)
    daemon.signal(signal.SIGHUP)
    daemon.until(lambda: len(manager.heard("READY", before)) == 2, what="the end of the last reload")
    assert "failed" not in manager.heard("STATUS", before)[-1]

    check(traffic)
    daemon.until(lambda: manager.heard("STATUS")[-1].endswith(", 0 deliveries wait"), what="no backlog")
    assert daemon.terminate() == 0
    assert manager.heard("STOPPING") == ["1"]
    assert manager.heard("STATUS")[-1] == "answering what is under way"


def test_the_watchdog_is_not_petted_while_the_writer_or_the_loop_hangs(
    manager: Manager, trading: Callable[..., Traffic], tmp_path: Path
) -> None:
    switch = tmp_path / "hang"
    traffic = trading(environment=manager.environment, program=program(hang=switch))
    daemon = traffic.daemon
    daemon.start()
    with traffic.flowing():
        for what in ("append", "worker", "loop"):
            before = time.monotonic()
            daemon.until(lambda since=before: len(manager.heard("WATCHDOG", since)) > 2, what="pets under load")  # type: ignore[misc]
            switch.write_text(what)
            daemon.until(hanging(switch, what).exists, what=f"{what} to hang")
            daemon.until(
                lambda: manager.heard("WATCHDOG", time.monotonic() - WATCHDOG) == [], what=f"no pets while {what} hangs"
            )
            switch.unlink()
    finish(traffic)
    assert daemon.terminate() == 0


def test_a_daemon_that_hangs_is_ended_after_a_while_when_it_is_to_stop(
    trading: Callable[..., Traffic], tmp_path: Path
) -> None:
    switch = tmp_path / "hang"
    traffic = trading(program=program(hang=switch, end=2))
    daemon = traffic.daemon
    daemon.start()
    with traffic.flowing():
        daemon.until(lambda: len(traffic.acknowledged) > 20, what="load")
        switch.write_text("worker")
        daemon.until(hanging(switch, "worker").exists, what="the worker to hang")
        began = time.monotonic()
        assert daemon.terminate() == 1
        assert 1.5 < time.monotonic() - began < 25  # the time that it has as shipped is more
    switch.unlink()
    assert daemon.logged("something hangs, the process is ended")
    daemon.start()
    finish(traffic)


def usual_start(trading: Callable[..., Traffic], folder: Path) -> float:
    """Return how many seconds a daemon takes to listen for which nothing waits."""
    folder.mkdir()
    empty = trading(folder).daemon
    began = time.monotonic()
    empty.start()
    taken = time.monotonic() - began
    empty.kill()
    return taken


def test_a_backlog_does_not_hold_up_the_start(trading: Callable[..., Traffic], tmp_path: Path) -> None:
    usual = usual_start(trading, tmp_path / "empty") if LONG else 0.0
    traffic = trading()
    waiting(traffic, times(2000, 100_000))
    began = time.monotonic()
    traffic.daemon.start()
    started = time.monotonic() - began
    assert traffic.daemon.post(traffic.bodies["D-0"]).status == 200
    answered = time.monotonic() - began
    with traffic.daemon.desk() as desk, desk.store.read() as view:
        waits = view.due(desk.clock.now(), 1).deliveries
    print(f"{len(traffic.wanted)} wait: listening after {started:.2f} s, answering after {answered:.2f} s")
    if LONG:  # a backlog that takes minutes; a small one is worked before a busy disk has synced once
        print(f"nothing waits: listening after {usual:.2f} s")
        assert started < max(2, 2 * usual)
        assert answered < started + 1
    assert waits, "all of it was worked before the first answer"
    check(traffic, seconds=600)


def test_a_restart_with_sockets_handed_over_refuses_nobody(trading: Callable[..., Traffic], tmp_path: Path) -> None:
    with Giver(tmp_path, "server", "admin") as giver:
        traffic = trading(program=program(handed=giver.address))
        daemon = traffic.daemon
        daemon.start()
        assert daemon.server.endswith(f":{giver.port('server')}")
        assert daemon.admin.endswith(f":{giver.port('admin')}")
        with traffic.flowing():
            for _ in range(times(2, 50)):
                acknowledged = len(traffic.acknowledged)
                assert daemon.terminate() == 0
                daemon.start()
                daemon.until(lambda n=acknowledged: len(traffic.acknowledged) > n + 20, what="load")  # type: ignore[misc]
        assert "ConnectionRefusedError" not in traffic.broken, traffic
        assert traffic.answers.keys() <= {200, 503}
        finish(traffic)


def test_a_request_made_while_no_daemon_runs_is_answered_by_the_next_one(
    trading: Callable[..., Traffic], tmp_path: Path
) -> None:
    with Giver(tmp_path, "server") as giver:
        traffic = trading(program=program(handed=giver.address))
        daemon = traffic.daemon
        daemon.start()
        assert daemon.terminate() == 0
        answers: list[int] = []

        def send() -> None:
            with suppress(OSError, HTTPException):
                answers.append(daemon.post(shipment()).status)

        sending = threading.Thread(target=send)
        sending.start()
        time.sleep(0.3)
        daemon.start()
        sending.join()
        assert answers == [200]
