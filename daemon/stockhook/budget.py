"""The time a strategy's plan may take: past it an exception is raised in its thread (design.md section 5)."""

import ctypes
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from stockhook.errors import BadPlan
from stockhook.model import Need, Offer, Pick
from stockhook.record import record
from stockhook.steps import Planner

SECONDS: Final = 2.0
GRACE: Final = 5.0
_LOOK_EVERY: Final = 0.25


class _Late(BaseException):
    """Raised inside a plan that takes too long; a BaseException, so that a plugin's ``except Exception`` lets it by."""


@record(frozen=False, slots=True)
class _Running:
    strategy: str
    since: float
    told: bool = False


class Budget:
    """Watches running plans from one thread of its own, which ends when nothing has been planned for a while.

    A plan that does not end even after the exception (it may be in foreign code) is ``stuck``: its strategy is
    switched off, and the process should be restarted.
    """

    def __init__(self, seconds: float = SECONDS, grace: float = GRACE) -> None:
        self._seconds = seconds
        self._grace = grace
        self._lock = threading.Lock()
        self._running: dict[int, _Running] = {}
        self._begun = 0
        self._watcher: threading.Thread | None = None
        self.stuck: set[str] = set()

    def planner(self, strategy: str, plan: Callable[[Need, Sequence[Offer]], Sequence[Pick]]) -> Planner:
        """Return ``plan`` with a budget; it raises BadPlan when the budget is used up."""

        def planned(need: Need, units: Sequence[Offer]) -> Sequence[Pick]:
            if strategy in self.stuck:
                raise BadPlan(strategy, "is switched off until a restart: a plan of it never ended")
            thread = threading.get_ident()
            running = self._running[thread] = _Running(strategy, time.monotonic())
            self._begun += 1
            if self._watcher is None:
                self._watch()
            delivered = False
            try:
                try:
                    return plan(need, units)
                except _Late:
                    delivered = True
                    raise
                finally:
                    with self._lock:
                        del self._running[thread]
                    if running.told and not delivered:
                        time.sleep(1)  # the exception is on its way and must not arrive in somebody else's code
            except _Late:
                self._running.pop(thread, None)  # it may have come before its entry was gone
                raise BadPlan(strategy, f"took more than {self._seconds:g} s to plan {need.sku}") from None

        return planned

    def _watch(self) -> None:
        with self._lock:
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._look, name="plan budget", daemon=True)
                self._watcher.start()

    def _look(self) -> None:
        seen = 0
        while True:
            time.sleep(min(_LOOK_EVERY, self._seconds / 4))
            with self._lock:
                before, seen = seen, self._begun
                if not self._running and seen == before:
                    watcher, self._watcher = self._watcher, None
                    if not self._running:  # a plan that begins is noted first, and then asks whether it is watched
                        return
                    self._watcher = watcher
                now = time.monotonic()
                for thread, running in list(self._running.items()):  # plans begin without the lock
                    late = now - running.since - self._seconds
                    if late > 0 and not running.told:
                        running.told = True
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(_Late))
                    elif late > self._grace:
                        self.stuck.add(running.strategy)
