"""Limits that the system sets a process: the size of its files, and how many it may have open."""

import resource
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

from promises import check, finish
from traffic import Traffic

from stockhook.testing.daemon import RunningDaemon


def limit(daemon: RunningDaemon, what: int, most: int) -> None:
    """Set a limit of the running daemon, which can be lifted again."""
    _, hard = resource.prlimit(daemon.process.pid, what)
    resource.prlimit(daemon.process.pid, what, (most, hard))


def cpu_seconds(daemon: RunningDaemon) -> float:
    stat = Path(f"/proc/{daemon.process.pid}/stat").read_text(encoding="ascii")
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_a_file_that_may_not_grow_ends_the_daemon_with_a_sentence_and_harms_nothing(
    trading: Callable[..., Traffic],
) -> None:
    traffic = trading()
    daemon = traffic.daemon
    daemon.start()
    with traffic.flowing():
        traffic.more(20)
        size = (daemon.folder / "stockhook.db-wal").stat().st_size
        limit(daemon, resource.RLIMIT_FSIZE, size + 50_000)
        assert daemon.wait() == 1
    last = daemon.lines[-1]
    assert last["event"] == "stopped, to be started again"
    assert "disk I/O error" in last["error"]
    assert traffic.answers.keys() <= {200, 503}
    daemon.start()
    check(traffic)
    finish(traffic)


def test_without_descriptors_it_waits_quietly_and_takes_connections_again_when_it_may(
    trading: Callable[..., Traffic],
) -> None:
    traffic = trading()
    daemon = traffic.daemon
    daemon.start()
    address = urlsplit(daemon.server)
    urlopen(daemon.admin, timeout=60).close()  # the pages have been imported then: that opens files
    with traffic.flowing(), ExitStack() as stack:
        traffic.more(10)
        limit(daemon, resource.RLIMIT_NOFILE, 40)
        for _ in range(60):
            stack.enter_context(socket.create_connection((address.hostname, address.port)))
        traffic.pace = 1
        daemon.until_idle()  # what it has been sent by then is work enough
        before, lines = cpu_seconds(daemon), len(daemon.lines)
        time.sleep(3)
        spent = cpu_seconds(daemon) - before
        told = sum("delivery" not in line for line in daemon.lines[lines:])  # what still came in is told of as ever
        assert daemon.code is None
        assert spent < 1
        assert told < 50
        assert daemon.logged("no connection can be taken, trying again soon")
        limit(daemon, resource.RLIMIT_NOFILE, 4096)
    assert daemon.post(traffic.bodies["D-0"]).status == 200
    check(traffic)
    finish(traffic)
