"""Sessions of the pages that were ended before their time, so that a restart, or another daemon, knows them too."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from stockhook.model import LogOut
from stockhook.operations.ageing import forget_older
from stockhook.operations.desk import Desk
from stockhook.store import FOREVER, Range

SESSION: Final = timedelta(hours=12)
"""From a log-in to the end of its session, whatever is done meanwhile: an open page asks again and again."""


def keep_log_outs(desk: Desk, sessions: Sequence[str]) -> None:
    """Keep that these sessions, by their ids, have been ended; raises StoreUnavailable."""
    now = desk.clock.now()
    with desk.store.write() as work:
        work.save([LogOut(session, now) for session in sessions])


def logged_out(desk: Desk) -> frozenset[str]:
    """Return the ids of the sessions that were ended and might still last otherwise; raises StoreUnavailable."""
    with desk.store.read() as view:
        found = view.find(LogOut, {"at": Range(low=desk.clock.now() - SESSION)}, most=FOREVER)
    return frozenset(one.session for one in found)


def forget_log_outs(desk: Desk) -> int:
    """Remove those whose sessions would be over by now anyway, and return how many those were."""
    return forget_older(desk, LogOut, desk.clock.now() - SESSION)
