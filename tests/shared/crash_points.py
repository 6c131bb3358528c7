"""Points at which a daemon under test kills itself with SIGKILL, put around the steps of its work from outside.

The daemon reads what to do from a file that the test writes at any time: ``NAME COUNT`` kills it the COUNT-th time that
it gets to the point NAME from then on.
"""

import functools
import os
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

POINTS = {
    "append-begun": "deliveries are to be stored",
    "append-written": "deliveries are written and not committed",
    "append-committed": "deliveries are committed and not answered",
    "claim-due": "the worker is to claim",
    "claimed": "the worker has claimed",
    "opened": "a delivery has been split and read",
    "planned": "a batch has been evaluated",
    "book-due": "a batch is to be booked",
    "booked": "a batch is written, its deliveries are not",
    "saved": "all of a batch is written and not committed",
    "batch-written": "a batch is about to be committed",
    "batch-committed": "a batch is committed",
    "notify-due": "a notice is to be sent",
    "notified": "a notice is sent and not written down",
    "noted": "a notice is sent and written down",
    "prune-written": "payloads are removed and not committed",
    "pruned": "payloads are removed and committed",
    "give-back": "pages are being handed back to the file system",
    "checkpoint-due": "the log is to be folded in",
    "checkpoint": "the log is being folded in",
    "checkpointed": "the log is folded in",
}
"""Every point, and what has happened when a daemon gets there."""


class CrashFile:
    """The file that says where to crash, and the count of how often the daemon was there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: Counter[str] = Counter()

    def reached(self, point: str, *, within: float = 0.0) -> None:
        """Die if this is where to; ``within``: a few microseconds later, in the middle of what follows."""
        assert point in POINTS, point
        try:
            wanted, _, count = self.path.read_text().partition(" ")
        except FileNotFoundError:
            return
        if wanted != point:
            return
        self._seen[point] += 1
        if self._seen[point] >= int(count):
            if within:
                threading.Thread(target=_die, args=(within,)).start()
            else:
                _die(0)


def _die(after: float) -> None:
    time.sleep(after)
    os.kill(os.getpid(), signal.SIGKILL)


def around(owner: Any, name: str, before: Callable[[], None] | None, after: Callable[[], None] | None) -> None:
    """Have a method or function call these before and after it does its work."""
    done = getattr(owner, name)

    @functools.wraps(done)
    def patched(*arguments: Any, **options: Any) -> Any:
        if before is not None:
            before()
        result = done(*arguments, **options)
        if after is not None:
            after()
        return result

    setattr(owner, name, patched)


def around_async(owner: Any, name: str, before: Callable[[], None] | None, after: Callable[[], None] | None) -> None:
    """Do the same to a coroutine function."""
    done = getattr(owner, name)

    @functools.wraps(done)
    async def patched(*arguments: Any, **options: Any) -> Any:
        if before is not None:
            before()
        result = await done(*arguments, **options)
        if after is not None:
            after()
        return result

    setattr(owner, name, patched)


def arm(file: str) -> None:
    """Put every point in place; the daemon dies as the file says."""
    from stockhook import upkeep, worker
    from stockhook.dispatcher import Dispatcher
    from stockhook_plugins.stores.sqlalchemy import SqlStore
    from stockhook_plugins.stores.sqlalchemy.work import Working

    crash = CrashFile(Path(file))

    def at(point: str) -> Callable[[], None]:
        return lambda: crash.reached(point)

    around(SqlStore, "append", at("append-begun"), None)
    around(Working, "claim", at("claim-due"), at("claimed"))
    around(worker, "open_delivery", None, at("opened"))
    around(worker.Worker, "_plan", None, at("planned"))
    around(Working, "book", at("book-due"), at("booked"))
    around(worker.Worker, "_save", None, at("saved"))
    around_async(Dispatcher, "_notify", at("notify-due"), at("notified"))
    around(Dispatcher, "_write_down", None, at("noted"))
    _around_commits(crash)
    _around_sqlite(crash)
    _mark_pruning(SqlStore)
    upkeep.PRUNE = 0.2  # type: ignore[misc]


def _around_commits(crash: CrashFile) -> None:
    from sqlalchemy.engine.default import DefaultDialect

    commit = DefaultDialect.do_commit

    def patched(self: DefaultDialect, connection: Any) -> None:
        pruning = getattr(_PRUNING, "now", False)
        kind = "prune" if pruning else _KINDS.get(threading.current_thread().name.split("_")[0])
        if kind is not None:
            crash.reached(f"{kind}-written")
        commit(self, connection)
        if kind is not None:
            crash.reached("pruned" if kind == "prune" else f"{kind}-committed")

    DefaultDialect.do_commit = patched  # type: ignore[method-assign]


_KINDS = {"intake": "append", "worker": "batch"}
_PRUNING = threading.local()


def _mark_pruning(store: Any) -> None:
    """Know in which thread payloads are removed while that goes on."""
    prune = store.prune

    def patched(self: Any, *arguments: Any) -> int:
        _PRUNING.now = True
        try:
            removed: int = prune(self, *arguments)
        finally:
            _PRUNING.now = False
        return removed

    store.prune = patched


def _around_sqlite(crash: CrashFile) -> None:
    """Watch what goes to SQLite behind SQLAlchemy; the log is folded in often, so that there is a time for it."""
    from stockhook_plugins.stores.sqlalchemy import wal

    class Watched(sqlite3.Connection):
        def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
            if "wal_checkpoint" not in sql:
                return super().execute(sql, *rest)
            crash.reached("checkpoint-due")
            crash.reached("checkpoint", within=0.0003)
            cursor = super().execute(sql, *rest)
            crash.reached("checkpointed")
            return cursor

        def executescript(self, sql: str) -> sqlite3.Cursor:
            crash.reached("give-back", within=0.0002)
            return super().executescript(sql)

    connect = sqlite3.connect
    sqlite3.connect = functools.partial(connect, factory=Watched)  # type: ignore[assignment]
    wal.LIMIT = 512 * 1024  # type: ignore[misc]
