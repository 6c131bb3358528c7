"""SQLite's write-ahead log: how large it is, and when it is folded into the file (reliability.md 3.3).

Much at once would hold up deliveries for as long as the disk takes for it, so it is done along the way.
"""

import os
import time
from pathlib import Path
from typing import Any, Final

from stockhook_plugins.stores.sqlalchemy.rows import Damaged

_MIB: Final = 1 << 20
LIMIT: Final = 64 * _MIB  # bytes of the log's file beyond which it is emptied by whoever writes
STEP: Final = 0.1  # seconds of writing after which what is in the log is folded in: a few milliseconds' work
SHARE: Final = 20  # after folding, so many times as long without: a slow disk has the log grow, not senders wait
SLOW: Final = 0.05  # seconds of a commit from which on nothing is folded in along the way: that takes two syncs more


class Log:
    """The log beside a file. Who calls ``tend`` or ``empty`` may write, and passes the connection that does."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + "-wal")
        self._left = 0
        self._folded = time.monotonic()
        self._took = 0.0

    def size(self) -> int:
        """Return the bytes of the log's file, of which not all need to be in use."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def tend(self, raw: Any, *, along: bool, commit: float) -> None:
        """Fold in what has been committed when it is time for it; without ``along`` only where nobody else has.

        ``commit`` is how many seconds the last one took.
        """
        if self.size() > max(LIMIT, self._left + LIMIT // 8):
            self.empty(raw)
        elif along and commit < SLOW and time.monotonic() - self._folded >= max(STEP, SHARE * self._took):
            self._fold(raw)

    def empty(self, raw: Any) -> None:
        """Fold all of it in and cut the file off.

        A reader may keep it from ending, then it is tried again when the log has grown some more.
        """
        raw.execute("PRAGMA busy_timeout=0")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        raw.execute("PRAGMA busy_timeout=5000")
        self._left = self.size()

    def _fold(self, raw: Any) -> None:
        """Fold in what readers allow, without waiting; where that is all, the log is written over from its start."""
        began = time.monotonic()
        raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        try:
            os.utime(self.path)  # a file younger than its log was being folded into, or is another one
        except FileNotFoundError:
            raise Damaged(f"{self.path.name} was removed while it was in use, with what was committed last") from None
        self._folded = time.monotonic()
        self._took = self._folded - began
