"""``stockhook`` with something altered, for tests of faults: ``python altered_daemon.py NAME[=VALUE]... -- serve``.

Nothing of this is in the product: what is altered is patched from outside before the program starts. The names are
those of ``ALTERATIONS``; a broken build that ``STOCKHOOK_BROKEN`` names is put in place besides.
"""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import broken_builds
import crash_points

from stockhook import cli, daemon, dispatcher, intake, opening, process
from stockhook.store import Store


def program(**alterations: object) -> tuple[str, ...]:
    """Return the command of an altered daemon, as a ``RunningDaemon`` takes it; underscores in names are dashes."""
    named = [f"{name.replace('_', '-')}={value}" for name, value in alterations.items()]
    return (sys.executable, __file__, *named, "--")


def hurry(seconds: str) -> None:
    """Have notices that were not accepted tried again after so many seconds, and the outbox read as often."""
    dispatcher._FIRST_WAIT = dispatcher._LONGEST_WAIT = timedelta(seconds=float(seconds))  # type: ignore[misc]
    dispatcher._POLL = float(seconds)  # type: ignore[misc]


def wal_limit(size: str) -> None:
    """Fold SQLite's write-ahead log in from so many bytes on, and never for want of anything else to do."""
    from stockhook_plugins.stores.sqlalchemy import sqlite, wal

    wal.LIMIT = int(size)  # type: ignore[misc]
    wal.STEP = float("inf")  # type: ignore[misc]
    sqlite.IDLE = float("inf")  # type: ignore[misc]


def silence(seconds: str) -> None:
    """Close a connection that is silent, or slow with its headers or body, after so many seconds."""
    daemon.IDLE = daemon.BODY = int(seconds)  # type: ignore[misc]


def deadline(seconds: str) -> None:
    """Have requests wait so many seconds for their commit before they are told to come again.

    Whoever writes them waits for another process a quarter of that, as ever.
    """
    from stockhook_plugins.stores.sqlalchemy import sqlite

    intake.DEADLINE = daemon.DEADLINE = float(seconds)  # type: ignore[misc]
    sqlite.ANSWER = float(seconds) / 4  # type: ignore[misc]


def away(seconds: str) -> None:
    """Wait so many seconds for a store that is away at the start."""
    opening.AWAY = float(seconds)  # type: ignore[misc]


def end(seconds: str) -> None:
    """End a process that hangs so many seconds after it was to end."""
    process.END = float(seconds)  # type: ignore[misc]


def hanging(switch: Path, what: str) -> Path:
    """Return the file that tells that the thread hangs which the switch names."""
    return switch.with_suffix(f".{what}")


def hang(switch: str) -> None:
    """Have the thread that a file names wait for as long as the file is there: ``append``, ``worker`` or ``loop``.

    Once it waits, the file that ``hanging`` names is there.
    """
    path = Path(switch)

    def asked(what: str) -> bool:
        try:
            return path.read_text() == what
        except FileNotFoundError:
            return False

    def wait_if(what: str) -> None:
        while asked(what):
            hanging(path, what).touch()
            time.sleep(0.05)

    made = intake.Intake.__init__

    def slow_intake(self: intake.Intake, store: Store, *rest: Any) -> None:
        keep = store.append

        def append(arrivals: Any) -> list[int]:
            wait_if("append")
            return keep(arrivals)

        store.append = append  # type: ignore[method-assign]
        made(self, store, *rest)

    intake.Intake.__init__ = slow_intake  # type: ignore[method-assign]
    _hold_commits(wait_if)
    tell = daemon.Daemon._tell

    async def block(self: daemon.Daemon) -> None:
        import asyncio

        async def look() -> None:
            while True:
                wait_if("loop")
                await asyncio.sleep(0.05)

        looking = asyncio.create_task(look())
        try:
            await tell(self)
        finally:
            looking.cancel()

    daemon.Daemon._tell = block  # type: ignore[method-assign]


def _hold_commits(wait_if: Callable[[str], None]) -> None:
    """Have the worker's commits wait where SQLite would hang in an fsync: with the writing connection in its hands."""
    from sqlalchemy.engine.default import DefaultDialect

    commit = DefaultDialect.do_commit

    def slow_commit(self: DefaultDialect, connection: Any) -> None:
        if threading.current_thread().name.startswith("worker"):
            wait_if("worker")
        commit(self, connection)

    DefaultDialect.do_commit = slow_commit  # type: ignore[method-assign]


def handed(address: str) -> None:
    """Listen on the sockets that somebody holds and hands over at the UNIX socket ``address``, as systemd does."""
    with socket.socket(socket.AF_UNIX) as giver:
        giver.connect(address)
        names, found, _, _ = socket.recv_fds(giver, 1000, 8)
    for n, descriptor in enumerate(found):
        os.dup2(descriptor, 100 + n)
        os.close(descriptor)
    for n in range(len(found)):
        os.dup2(100 + n, 3 + n)
        os.close(100 + n)
    os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(found)), "LISTEN_FDNAMES": names.decode()}


ALTERATIONS: Mapping[str, Callable[[str], None]] = {
    "wal-limit": wal_limit,
    "crash": crash_points.arm,
    "hurry": hurry,
    "silence": silence,
    "deadline": deadline,
    "away": away,
    "end": end,
    "hang": hang,
    "handed": handed,
}


def main() -> None:
    """Alter the program, then run it with the rest of the command line."""
    at = sys.argv.index("--")
    broken_builds.from_environment()
    for alteration in sys.argv[1:at]:
        name, _, value = alteration.partition("=")
        ALTERATIONS[name](value)
    sys.argv = ["stockhook", *sys.argv[at + 1 :]]
    cli.main(prog_name="stockhook")


if __name__ == "__main__":
    main()
