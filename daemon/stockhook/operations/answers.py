"""What was answered under a key, so that a request sent again under it is not done again.

Programs choose the key (``Idempotency-Key``); each page that asks a person to confirm carries one of its own.

The mark that something was begun under a key is written in the first commit of what it does: whoever finds the mark
knows that it was done, whoever finds none that it was not. The answer is kept right after. A crash between the two
leaves a mark without an answer, which is told as such; nothing is ever done twice.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, cast

from stockhook import log
from stockhook.errors import Refused, StoreUnavailable
from stockhook.model import Answered
from stockhook.operations.ageing import forget_older
from stockhook.operations.desk import Desk
from stockhook.record import replace as changed
from stockhook.store import Read, Store, Work

logger = log.get(__name__)

KEPT: Final = timedelta(hours=24)
"""How long an answer is kept."""

_UNDER_WAY: Final = timedelta(minutes=1)
"""For so long a mark without an answer is taken for a request that is being done."""


class OtherRequest(Refused):
    """The key was used for another request."""


class Busy(Refused):
    """The same is being done at this moment."""


class AnswerLost(Refused):
    """It was begun, and what it answered was lost in a crash."""


def done_once(desk: Desk, key: str, digest: str, act: Callable[[Desk], bytes]) -> tuple[bytes, bool]:
    """Return what ``act`` answers (a text), or what it answered when it was done under this key; and which it is.

    ``act`` gets a desk of its own. Raises what ``act`` raises: where that was before its first commit, nothing is kept
    under the key. Raises OtherRequest, Busy or AnswerLost, with nothing changed.
    """
    before = answered(desk, key, digest)
    if before is not None:
        return before, True
    mark = Answered(desk.actor, key, digest, desk.clock.now())
    body = act(replace(desk, store=cast("Store", _Marking(desk.store, mark))))
    try:
        with desk.store.write() as work:
            work.save([changed(mark, body=body.decode())])
    except StoreUnavailable as error:  # it is done all the same, and whoever asked must hear so
        logger.warning("answer could not be kept", error=str(error))
    return body, False


def answered(desk: Desk, key: str, digest: str) -> bytes | None:
    """Return what was answered under this key, None where nothing was done under it; raises as ``done_once`` does."""
    now = desk.clock.now()
    with desk.store.read() as view:
        known = _known(view, desk.actor, key, now)
    return _answer(known, digest, now) if known is not None else None


def forget_answers(desk: Desk) -> int:
    """Remove the answers that are past their time, and return how many those were."""
    return forget_older(desk, Answered, desk.clock.now() - KEPT)


class _Marking:
    """A store whose first commit holds a mark; one that another has set meanwhile undoes it."""

    def __init__(self, store: Store, mark: Answered) -> None:
        self._store = store
        self._mark = mark
        self._marked = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def write(self) -> Iterator[Work]:
        """Open a unit of work, as the store does."""
        with self._store.write() as work:
            yield work
            if not self._marked:
                mark = self._mark
                if _known(work, mark.actor, mark.key, mark.at) is not None:
                    raise Busy(_BUSY)
                work.save([mark])
        self._marked = True


_BUSY: Final = "what was sent with this Idempotency-Key is being done at this moment; ask again soon for its answer"


def _known(view: Read, actor: str, key: str, now: datetime) -> Answered | None:
    found = view.find(Answered, {"actor": actor, "key": key}, most=1)
    return found[0] if found and found[0].at > now - KEPT else None


def _answer(known: Answered, digest: str, now: datetime) -> bytes:
    if known.digest != digest:
        raise OtherRequest(
            f"this Idempotency-Key was used for another request at {known.at:%Y-%m-%d %H:%M:%SZ}; use a new key for "
            "each request"
        )
    if known.body is not None:
        return known.body.encode()
    if now - known.at < _UNDER_WAY:
        raise Busy(_BUSY)
    raise AnswerLost(
        f"what was sent with this Idempotency-Key was done at {known.at:%Y-%m-%d %H:%M:%SZ}, at least its first part, "
        "and its answer was lost; it is not done again. Look at what was booked, and use a new key for what is missing"
    )
