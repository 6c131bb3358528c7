"""Sessions whose process stands still within a transaction, and how the daemons beside it get past them.

PostgreSQL has a time-out for that (``idle_in_transaction_session_timeout``), and it has three holes:

- It begins with the answer to a mark (Sync) and ends with the next message, whatever that is. One that asks for answers
  (Flush), as psycopg does behind a queue, ends it and begins nothing; ours end without (``postgres_queue.py``).
- In the middle of a message, or between a statement of a queue and the mark behind it, no time-out counts.
- While an answer is not taken, only that for a statement counts, which is longer.

Who is stopped there (SIGSTOP, a frozen machine, a line that swallows all) keeps deliveries, orders, items and the right
to write until it goes on. So every daemon looks for such sessions, whatever state the server takes them to be in, and
has the server end them: whose it was finds a broken connection when it goes on, nothing of its transaction is there,
and what it had begun is begun again.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

import structlog
from structlog.typing import FilteringBoundLogger

from stockhook_plugins.stores.sqlalchemy.statements import WRITERS

_LOG: FilteringBoundLogger = structlog.get_logger("stockhook.stores.postgresql")

LOOK: Final = 5.0
"""Seconds between two looks."""

_PATIENCE: Final = 30.0  # seconds, where the server's own patience is switched off

MARK: Final = f"SELECT pg_advisory_lock_shared({WRITERS}, 0)"
"""Tells the others that this session writes. It lasts as long as the session and keeps nobody from anything.

Without it a session could be anybody's of the same role: a person's at a prompt, or ``pg_restore``. One that reads has
none: it may take a long answer slowly, and holds up nobody.
"""

_SILENT: Final = (
    "SELECT pid, backend_start, state_change, wait_event, application_name, host(client_addr), "  # noqa: S608 - ours
    "extract(epoch FROM current_setting('idle_in_transaction_session_timeout')::interval)::float "
    "FROM pg_stat_activity JOIN (SELECT pid, count(*) AS held FROM pg_locks WHERE locktype = 'advisory' AND granted "
    f"GROUP BY pid HAVING bool_or(classid = {WRITERS} AND objsubid = 2)) AS writer USING (pid) "
    "WHERE datname = current_database() AND usename = session_user "
    "AND xact_start IS NOT NULL AND wait_event_type = 'Client' AND (backend_xid IS NOT NULL OR held > 1)"
)
"""Finds who writes, has something in a transaction that others may want, and waits for its client.

The mark is one of the advisory locks; deliveries that are taken give the transaction an id.
"""

_END: Final = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE pid = %s AND backend_start = %s AND state_change = %s AND wait_event_type = 'Client'"
)


class _Wait(NamedTuple):
    """A session that waits for its client, since a message of it came in; the next message makes it another wait."""

    session: int
    began: datetime
    since: datetime


class StuckSessions:
    """Ends who was found waiting in the same place, look after look, for as long as a silent transaction may last.

    Looks are counted, not seconds: of two processes that were stopped together and go on, one must not end the other.
    Two are the fewest, for the last message may be older than the wait: a long statement came first.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Take what counts seconds."""
        self._clock = clock
        self._seen: dict[_Wait, int] = {}
        self._looked_at = float("-inf")

    def end(self, connection: Any) -> None:
        """Look, over a connection that is in no transaction, if the last look was some seconds ago.

        Raises what the driver raises.
        """
        now = self._clock()
        if now - self._looked_at < LOOK:
            return
        self._looked_at = now
        seen = {}
        for session, began, since, event, application, address, patience in connection.execute(_SILENT).fetchall():
            wait = _Wait(session, began, since)
            seen[wait] = self._seen.get(wait, 0) + 1
            if (seen[wait] - 1) * LOOK >= max(patience or _PATIENCE, LOOK) and _ended(connection, wait):
                _tell(wait, event, application, address)
        self._seen = seen


def _ended(connection: Any, wait: _Wait) -> bool:
    """Have the server end a session, and tell whether it was still there and waited."""
    return any(ended for (ended,) in connection.execute(_END, wait).fetchall())


def _tell(wait: _Wait, event: str, application: str, address: str | None) -> None:
    _LOG.warning(
        "session of a process that has stopped was ended, for it held up the others",
        session=wait.session,
        application=application,
        address=address,
        last_heard_of=wait.since.isoformat(),
        waited_for="its answer to be taken" if event == "ClientWrite" else "its next word",
        advice="nothing is lost, and it begins again when it goes on; see why its process or machine stands still",
    )
