"""``stockhook verify``: the promises of design.md section 3 that leave a trace, checked on the whole store.

Each check is a function that judges one thing. Reading is what takes the time on a long history, so the checks of the
same records share one pass over them: a million movements are read once.
"""

import gc
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

from stockhook.operations.desk import Desk
from stockhook.operations.verify import ledger, orders, received, told
from stockhook.operations.verify.inspection import Inspection, Look
from stockhook.store import SelfChecking

CHECKS: Final[Mapping[str, str]] = {
    "journal": "deliveries",
    "difference": "orders",
    "balances": "units",
    "chain": "movements",
    "below-zero": "units",
    "kits": "lines",
    "plans": "allocations",
    "waiting": "waits",
    "problems": "problems and causes",
    "retention": "old deliveries",
}
"""Each check, and what it counts."""

PASSES: Final[Mapping[str, tuple[Look, frozenset[str]]]] = {
    "deliveries": (received.deliveries, frozenset({"journal", "retention"})),
    "orders": (orders.orders, frozenset({"difference", "kits", "waiting"})),
    "movements": (ledger.movements, frozenset({"chain", "balances", "below-zero", "plans"})),
    "problems": (told.problems, frozenset({"problems"})),
}
"""What is read from end to end, and the checks that look at it."""

NAMES: Final = (*CHECKS, "integrity")
"""All checks, in the order in which they are told; the last one only of a store that looks after its own files."""

_STEP: Final = 100
_GARBAGE: Final = 50_000

Progress: TypeAlias = Callable[[str, int], None]
"""Hears which pass has looked at how much by now."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether a promise holds; ``detail`` counts what was looked at, or is the first counter-example."""

    name: str
    ok: bool
    detail: str


def verify(
    desk: Desk,
    payload_days: int | None = None,
    progress: Progress = lambda _name, _done: None,
    only: Collection[str] = NAMES,
) -> tuple[Checked, ...]:
    """Check every promise, or ``only`` some; each pass is over one consistent view of the store, nothing is changed.

    ``payload_days`` is how long payloads are kept, None for ever. ``progress`` hears how far which pass is.
    """
    found: dict[str, Checked] = {}
    with _seldom_collected(), ThreadPoolExecutor(1, "integrity") as beside:
        looking = None
        if isinstance(desk.store, SelfChecking) and "integrity" in only:
            looking = beside.submit(desk.store.integrity)
        for name, (_, checks) in PASSES.items():
            if not checks.isdisjoint(only):
                found |= _pass(desk, payload_days, name, progress)
        if looking is not None:
            progress("integrity", 0)
            damage = looking.result()
            found["integrity"] = Checked("integrity", ok=damage is None, detail=damage or "the store's own files")
    return tuple(found[name] for name in NAMES if name in found and name in only)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Have the garbage collector look seldom: records hold no cycles, and it took a third of the time."""
    before = gc.get_threshold()
    gc.set_threshold(_GARBAGE, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _pass(desk: Desk, payload_days: int | None, name: str, progress: Progress) -> dict[str, Checked]:
    """Go on until all is read, or each check of the pass has found a counter-example."""
    look, checks = PASSES[name]
    seen = dict.fromkeys(checks, 0)
    broken: dict[str, Checked] = {}
    done, told = 0, 0
    progress(name, done)
    with desk.store.read() as view:
        for check, number, wrong in look(Inspection(desk, view, payload_days)):
            seen[check] += number
            done += number
            if done - told >= _STEP:
                told = done
                progress(name, done)
            if wrong is not None and check not in broken:
                broken[check] = Checked(check, ok=False, detail=wrong)
                if len(broken) == len(checks):
                    break
    return {check: Checked(check, ok=True, detail=f"{seen[check]} {CHECKS[check]}") for check in checks} | broken
