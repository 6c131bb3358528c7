"""A disk that takes its time, or hangs: answers stay right, and whoever restarts daemons hears that one hangs."""

import fcntl
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from altered_daemon import program
from disk import Disk
from promises import check, finish
from sizes import LONG, times
from traffic import Traffic

pytestmark = pytest.mark.needs("gcc")

DEADLINE = 20.0 if LONG else 6.0
"""Seconds that whoever sends waits at most; 20 is what the daemon takes as shipped."""
PATIENCE = 8.0 if LONG else 22.0
"""Seconds that it may take on top of that: those who send wait ten longer than 20."""
BUSY = 0.25 if LONG else 1.0
"""Seconds that a machine with other things to do may take on top of everything."""


def most(traffic: Traffic) -> float:
    """Return the seconds that all but one answer in a hundred took at most.

    In a short run a disk that really stands still once delays more than that: there it is one answer in two.
    """
    seconds = sorted(reply.seconds for reply in traffic.replies)
    return seconds[len(seconds) * (99 if LONG else 50) // 100]


@pytest.mark.parametrize("milliseconds", [5, 50, 500] if LONG else [5, 500])
def test_on_a_slow_disk_everything_is_acknowledged_after_a_few_syncs_and_the_page_is_there(
    milliseconds: int, disk: Disk, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(environment=disk.environment)
    daemon = traffic.daemon
    daemon.start()
    urlopen(daemon.admin, timeout=60).close()  # the pages have been imported then
    with traffic.flowing():
        time.sleep(times(1, 10))
        traffic.more(10)
    unhindered = most(traffic)
    traffic.replies.clear()
    disk.slow(milliseconds)
    seconds, pages = times(2, 20) + milliseconds / 200, []
    with traffic.flowing():
        ends = time.monotonic() + seconds
        while time.monotonic() < ends or len(pages) < 3:
            began = time.monotonic()
            assert daemon.request("GET", "/", base=daemon.admin).status == 200
            pages.append(time.monotonic() - began)
            time.sleep(0.2)
    assert traffic.answers.keys() == {200}
    assert traffic.broken == {}
    assert statistics.median(pages) < 1 + 4 * BUSY
    assert most(traffic) < 4 * milliseconds / 1000 + 0.05 + max(BUSY, 3 * unhindered)
    disk.well()
    check(traffic)


class Systemd:
    """Hears what a daemon says of itself, and counts how often it pets the watchdog."""

    def __init__(self, folder: Path) -> None:
        path = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        self.environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": ""}

    def pets(self) -> int:
        """Return how often the watchdog was petted since last time."""
        heard = []
        while True:
            try:
                heard.append(self._socket.recv(4096))
            except BlockingIOError:
                return heard.count(b"WATCHDOG=1")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    heard = Systemd(tmp_path)
    yield heard
    heard.close()


def test_on_a_disk_that_hangs_those_who_wait_are_told_to_come_again_and_the_watchdog_is_not_petted(
    disk: Disk, trading: Callable[..., Traffic], systemd: Systemd
) -> None:
    traffic = trading(environment={**disk.environment, **systemd.environment}, program=program(deadline=DEADLINE))
    daemon = traffic.daemon
    daemon.start()
    with traffic.flowing():
        daemon.until(systemd.pets)
        disk.hang()
        daemon.until(lambda: disk.struck)
        hung = disk.struck[0].at
        daemon.until(lambda: daemon.request("GET", "/healthz").status == 503, DEADLINE + PATIENCE)
        time.sleep(1)
        systemd.pets()
        daemon.until(lambda: traffic.status == 503, DEADLINE + PATIENCE)
        assert daemon.request("GET", "/readyz").status == 503
        assert daemon.request("GET", "/", base=daemon.admin).status == 200
        assert systemd.pets() == 0
        freed = time.monotonic()
        disk.well()
        daemon.until(lambda: traffic.status == 200)
        daemon.until(lambda: daemon.request("GET", "/healthz").status == 200)
        daemon.until(systemd.pets)
    refused = [reply for reply in traffic.replies if reply.status == 503]
    assert all(reply.seconds < DEADLINE + PATIENCE for reply in refused)
    # what was asked for before it hung may have been answered then already, and only be read later
    kept = [each for each in traffic.replies if each.status == 200 and each.at - each.seconds > hung]
    assert not [each for each in kept if each.at < freed]
    assert daemon.code is None
    finish(traffic)


def test_a_daemon_that_was_killed_on_a_hung_disk_starts_again_and_goes_on(
    disk: Disk, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(environment=disk.environment)
    traffic.daemon.start()
    with traffic.flowing():
        traffic.more(10)
        disk.hang()
        traffic.daemon.until(lambda: disk.struck)
        time.sleep(0.5)
        traffic.daemon.kill()
    disk.well()
    traffic.daemon.start()
    check(traffic)
    finish(traffic)


def test_while_another_process_keeps_the_store_the_daemon_is_not_taken_for_hung(
    disk: Disk, trading: Callable[..., Traffic]
) -> None:
    traffic = trading(environment=disk.environment, program=program(deadline=DEADLINE))
    daemon = traffic.daemon
    daemon.start()
    with (daemon.folder / "stockhook.db.write").open("rb") as file, traffic.flowing():
        traffic.more(10)
        fcntl.flock(file, fcntl.LOCK_EX)
        ends = time.monotonic() + times(8, 40)
        while time.monotonic() < ends:
            assert daemon.request("GET", "/healthz").status == 200
            time.sleep(0.1)
        assert daemon.request("GET", "/readyz").status == 503
        assert traffic.status == 503
        fcntl.flock(file, fcntl.LOCK_UN)
        daemon.until(lambda: traffic.status == 200)
    refused = [reply for reply in traffic.replies if reply.status == 503]
    longest = max(reply.seconds for reply in refused)
    # behind one group that was given up, in another: half of it, and what a busy machine takes
    assert longest < DEADLINE + (0 if LONG else PATIENCE)
    assert daemon.code is None
    finish(traffic)
