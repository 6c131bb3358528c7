"""Sends due notices from the outbox, each notifier by itself: one that is slow, hung or failing delays no other."""

import asyncio
import contextlib
import random
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from stockhook import log
from stockhook.advice import advise, advise_group
from stockhook.clock import Clock
from stockhook.errors import StoreUnavailable
from stockhook.meters import Meters
from stockhook.model import Notice, NoticeState, Problem, ProblemState
from stockhook.notifier import Message, Notifier
from stockhook.outbox import MORE
from stockhook.store import FOREVER, Read, Store

R = TypeVar("R")

_LOG = log.get(__name__)

_FIRST_WAIT: Final = timedelta(minutes=1)
_LONGEST_WAIT: Final = timedelta(hours=1)
_JITTER: Final = 0.1
_GIVE_UP: Final = timedelta(days=3)
_FAILING: Final = 3
_POLL: Final = 60.0
_FOLLOW: Final = 5.0
"""Seconds after which a daemon that does not send asks again whether the one that does is gone."""
_BREATH: Final = 0.25
"""Seconds between two looks at the outbox, however often it is woken."""


@dataclass(slots=True)
class _Lane:
    """What one notifier still has to send, the task that does it, and how it fares.

    ``failing`` is what was reported last; None, when nothing was since the start.
    """

    waiting: deque[int] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None
    failures: int = 0
    failing: bool | None = None


class Dispatcher:
    """The loop between outbox and notifiers.

    ``notifiers`` are those of the config by name, each looked up for each message, so that a reload may exchange them;
    ``link`` gives the address of the page about a notice, if there is one. ``report`` hears, in a thread of its own,
    that a notifier failed three times in a row (its name, the last error) and that it works (its name, None).
    ``patience`` is how many seconds a notifier gets for one message, ``chance`` returns 0 to 1 and spreads the tries. A
    message is tried until it is accepted; once its problem is no
    longer open, for three days at most.
    """

    def __init__(
        self,
        store: Store,
        notifiers: Mapping[str, Notifier],
        clock: Clock,
        link: Callable[[Notice], str | None],
        *,
        report: Callable[[str, str | None], None] = lambda _name, _error: None,
        patience: float = 30.0,
        chance: Callable[[], float] = random.random,
        meters: Meters | None = None,
    ) -> None:
        self._store = store
        self._notifiers = notifiers
        self._clock = clock
        self._link = link
        self._report = report
        self._patience = patience
        self._chance = chance
        self._meters = meters or Meters()
        self._lanes = {name: _Lane() for name in notifiers}
        self._busy: set[int] = set()
        self._sent = 0
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._abandoned: set[asyncio.Task[None]] = set()
        self._outage = log.Outage(_LOG, "outbox not read", "outbox is read again")

    def wake(self) -> None:
        """Look at the outbox soon: something was put into it. May be called from any thread, at any time."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just been closed
                self._loop.call_soon_threadsafe(self._woken.set)

    async def run(self) -> None:
        """Send what is due, whenever something is, until cancelled."""
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                self._woken.clear()
                pause = await self._look()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):  # wait_for of Python 3.11 may lose a cancellation
                        await self._woken.wait()
                await asyncio.sleep(_BREATH)
        finally:
            self._loop = None
            working = self._working()
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            if self._abandoned:
                await asyncio.wait(self._abandoned, timeout=1.0)

    async def send_due(self) -> int:
        """Send all that is due now and return how many messages were accepted. For tests and one-shot commands."""
        before = self._sent
        await self._hand_out()
        while working := self._working():
            await asyncio.gather(*working)
            await self._hand_out()
        return self._sent - before

    async def _look(self) -> float:
        """Hand out what is due; return the seconds until it is worth looking again."""
        try:
            upcoming = await self._hand_out()
            self._outage.ended()
        except StoreUnavailable as error:
            self._outage.failed(error)
            return min(_FOLLOW, _POLL)
        except Exception:  # noqa: BLE001 - guards the loop: the store may be back at the next look
            _LOG.warning("outbox not read", exc_info=True)
            return _POLL
        if upcoming is None:
            return _POLL
        return min(max((upcoming - self._clock.now()).total_seconds(), 0.0), _POLL)

    def _working(self) -> list[asyncio.Task[None]]:
        return [lane.task for lane in self._lanes.values() if lane.task is not None and not lane.task.done()]

    async def _hand_out(self) -> datetime | None:
        """Give each notifier its due notices; return when the next of the others is due."""
        due, upcoming = await asyncio.to_thread(self._due)
        for notice in due:
            if notice.id not in self._busy:
                self._busy.add(notice.id)
                self._lanes[notice.notifier].waiting.append(notice.id)
        for name, lane in self._lanes.items():
            if lane.waiting and (lane.task is None or lane.task.done()):
                lane.task = asyncio.create_task(self._empty(name, lane), name=f"notifier {name}")
        return upcoming

    def _due(self) -> tuple[list[Notice], datetime | None]:
        """Return what may be sent now, oldest first, and when the next of the rest is due.

        Of the notices about one problem the older goes first: nobody should read "settled" before "new".
        """
        if not self._store.leads("dispatcher"):
            return [], self._clock.now() + timedelta(seconds=_FOLLOW)
        now = self._clock.now()
        with self._store.read() as read:
            waiting = read.find(Notice, {"state": NoticeState.WAITING}, most=FOREVER)
        homeless = [notice for notice in waiting if notice.notifier not in self._notifiers]
        if homeless:
            self._drop_homeless(homeless)
        due: list[Notice] = []
        later: list[datetime] = []
        held_up: set[tuple[str, int]] = set()
        for notice in reversed(waiting):
            problem = (notice.notifier, notice.problem_id)
            if notice.notifier not in self._notifiers or problem in held_up:
                continue
            if notice.due_at <= now or notice.due_at > now + 2 * _LONGEST_WAIT:  # put off by a clock that was wrong
                due.append(notice)
                held_up.add(problem)
            else:
                later.append(notice.due_at)
                if notice.attempts:
                    held_up.add(problem)
        return due, min(later, default=None)

    def _drop_homeless(self, notices: list[Notice]) -> None:
        with self._store.write() as work:
            work.save(
                [
                    replace(notice, state=NoticeState.DROPPED, error=f"the config has no notifier {notice.notifier}")
                    for notice in notices
                ]
            )
        _LOG.warning("notices dropped", count=len(notices), notifiers=sorted({n.notifier for n in notices}))

    async def _empty(self, name: str, lane: _Lane) -> None:
        """Send what waits for one notifier, one after the other."""
        while lane.waiting:
            number = lane.waiting.popleft()
            try:
                await self._deliver(name, number)
            except Exception:  # noqa: BLE001 - guards the loop: what could not be read is found again at the next look
                _LOG.warning("notice put off", notifier=name, notice=number, exc_info=_unexpected())
            finally:
                self._busy.discard(number)
        self._woken.set()

    async def _deliver(self, name: str, number: int) -> None:
        message = await asyncio.to_thread(self._message, number)
        if message is None:
            return
        error = await self._notify(name, message)
        # an accepted message must not be sent again because the store is away: hold on to it until it is written down
        wait = 1.0
        while True:
            try:
                await asyncio.to_thread(self._write_down, number, error)
            except Exception:  # noqa: BLE001 - guards the loop, see above
                _LOG.warning("notice not written down", notifier=name, notice=number, exc_info=_unexpected())
                await asyncio.sleep(wait)
                wait = min(wait * 2, _POLL)
            else:
                break
        self._meters.notices[name, "sent" if error is None else "failed"] += 1
        if error is None:
            self._sent += 1
            _LOG.info("notice sent", notifier=name, notice=number)
        else:
            _LOG.warning("notice not sent", notifier=name, notice=number, error=error)
        await self._observe(name, self._lanes[name], error)

    async def _observe(self, name: str, lane: _Lane, error: str | None) -> None:
        """Count failures in a row, and report when a notifier begins or ceases to fail."""
        lane.failures = 0 if error is None else lane.failures + 1
        failing = lane.failures >= _FAILING
        if failing != lane.failing and (failing or error is None):
            await asyncio.to_thread(self._report, name, error)
            lane.failing = failing

    def _message(self, number: int) -> Message | None:
        """Return what is to be sent; None if the notice no longer waits, or another daemon sends by now."""
        if not self._store.leads("dispatcher"):
            return None
        with self._store.read() as read:
            notice = _by_id(read, Notice, number)
            if notice is None or notice.state is not NoticeState.WAITING:
                return None
            problem = _by_id(read, Problem, notice.problem_id)
        advice = advise_group(notice) if notice.about == MORE else advise(notice)
        return Message(
            id=notice.id,
            about=notice.about,
            kind=notice.kind,
            title=advice.title,
            subject=advice.subject,
            happened=f"The newest of them: {notice.text}" if notice.about == MORE else notice.text,
            advice="Nothing is left to do." if notice.about == "closed" else advice.todo,
            count=notice.count,
            at=notice.made_at,
            link=self._link(notice),
            channel=problem.channel if problem else None,
            order_id=notice.order_id,
        )

    async def _notify(self, name: str, message: Message) -> str | None:
        """Let the notifier carry the message; return None, or what went wrong."""
        task = asyncio.create_task(self._notifiers[name].notify(message), name=f"notice {message.id}")
        try:
            done, _ = await asyncio.wait({task}, timeout=self._patience)
        except asyncio.CancelledError:
            self._abandon(task)
            raise
        if not done:
            self._abandon(task)
            return f"TimeoutError: not done after {self._patience:g} s"
        if task.cancelled():
            return "CancelledError: the notifier ended its own task"
        error = task.exception()
        if error is None:
            return None
        return " ".join(f"{type(error).__name__}: {error}".split())[:500]

    def _abandon(self, task: asyncio.Task[None]) -> None:
        """Cancel a call and do not wait: a notifier may be deaf to it."""
        self._abandoned.add(task)
        task.add_done_callback(self._forget)
        task.cancel()

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._abandoned.discard(task)
        if not task.cancelled():
            task.exception()  # seen, so that asyncio does not report it a second time

    def _write_down(self, number: int, error: str | None) -> None:
        now = self._clock.now()
        with self._store.write() as work:
            notice = _by_id(work, Notice, number)
            if notice is None:
                return
            attempts = notice.attempts + 1
            if error is None:
                changed = replace(notice, state=NoticeState.SENT, attempts=attempts, sent_at=now, error=None)
            elif now - notice.made_at >= _GIVE_UP and not _is_open(work, notice.problem_id):
                changed = replace(notice, state=NoticeState.DROPPED, attempts=attempts, error=error)
            else:
                due_at = now + self._backoff(attempts)
                changed = replace(notice, attempts=attempts, due_at=due_at, error=error)
            work.save([changed])

    def _backoff(self, attempts: int) -> timedelta:
        """Return how long to wait after so many failures: a minute, doubled up to an hour, and up to a tenth more."""
        doubled = _FIRST_WAIT * (1 << min(attempts - 1, 10))
        return min(doubled, _LONGEST_WAIT) * (1 + _JITTER * self._chance())


def _unexpected() -> bool:
    """Tell whether the error in hand deserves a traceback."""
    return not isinstance(sys.exception(), StoreUnavailable)


def _by_id(read: Read, record: type[R], number: int) -> R | None:
    found = read.find(record, after=(number + 1,), most=1)
    return next((each for each in found if getattr(each, "id", None) == number), None)


def _is_open(read: Read, problem: int) -> bool:
    found = _by_id(read, Problem, problem)
    return found is not None and found.state is ProblemState.OPEN
