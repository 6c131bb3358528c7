"""Killed at each step of its work, a daemon loses nothing and doubles nothing (reliability.md H7)."""

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from http.client import HTTPException
from pathlib import Path

import pytest
from altered_daemon import program
from crash_points import POINTS
from promises import check, finish
from sizes import times
from traffic import SHIPPED, Traffic

from stockhook.model import Body, Delivery, DeliveryState
from stockhook.store import Arrival
from stockhook.testing.daemon import RunningDaemon
from stockhook.testing.payloads import envelope, line, order_ship

MORE = '[notifiers.journal]\ntype = "log"\n[retention]\npayload_days = 30\n'


@pytest.fixture(scope="module", params=range(1, times(1, 5) + 1))
def count(request: pytest.FixtureRequest) -> int:
    """At which time it dies; each has a store of its own, for a long history takes long to check."""
    found: int = request.param
    return found


@pytest.fixture(scope="module")
def traffic(count: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traffic]:
    folder = tmp_path_factory.mktemp("daemon")
    with RunningDaemon(folder, more=MORE, program=program(crash=folder / "crash")) as daemon:
        traffic = Traffic((daemon,)).stock_up()
        yield traffic
        finish(traffic)


def linked(traffic: Traffic) -> None:
    """Send an order that a person must be told of."""
    name = f"L-{secrets.token_hex(4)}"
    traffic.bodies[name] = envelope(order_ship(name, [line("SOAP", 1, shipped=SHIPPED)], linked=True))
    traffic.wanted[name] = Counter(SOAP=1)
    with suppress(OSError, HTTPException):  # the daemon may be dying of the one before
        if traffic.daemon.post(traffic.bodies[name]).status == 200:
            traffic.acknowledged[name] = None


def old_payloads(traffic: Traffic) -> None:
    """Have some payloads whose time is over."""
    with traffic.daemon.desk() as desk:
        at = desk.clock.now() - timedelta(days=30, hours=1)
        bodies = [secrets.token_bytes(3000) for _ in range(30)]
        found = [Body(hashlib.sha256(body).digest(), "identity", body, len(body)) for body in bodies]
        desk.store.append(
            [
                Arrival(Delivery(0, "shop", at, "", (), body.digest, body.size, DeliveryState.WORKED), body)
                for body in found
            ]
        )


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_step_it_loses_nothing_and_doubles_nothing(point: str, count: int, traffic: Traffic) -> None:
    daemon = traffic.daemon
    file: Path = daemon.folder / "crash"

    def gone() -> bool:
        if daemon.code is None and point.startswith(("prune", "give")):
            old_payloads(traffic)
        return daemon.code is not None

    with traffic.flowing():
        traffic.more(10)
        file.write_text(f"{point} {count}")
        for _ in range(count if point.startswith("not") else 0):
            linked(traffic)
        daemon.until(gone, what=f"the crash at {point}")
    file.unlink()
    assert daemon.code == -9
    daemon.start()
    check(traffic)
