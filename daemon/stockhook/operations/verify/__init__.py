"""``stockhook verify``: the promises of design.md section 3 that leave a trace, checked on the whole store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from stockhook.operations.desk import Desk
from stockhook.operations.verify import ledger, orders, received, told
from stockhook.operations.verify.inspection import Inspection, Look
from stockhook.store import SelfChecking

CHECKS: Final[Mapping[str, tuple[Look, str]]] = {
    "journal": (received.journal, "deliveries"),
    "difference": (orders.difference, "orders"),
    "balances": (ledger.balances, "units"),
    "chain": (ledger.chain, "movements"),
    "below-zero": (ledger.below_zero, "units below zero"),
    "kits": (orders.kits, "lines"),
    "plans": (orders.plans, "allocations"),
    "waiting": (orders.waiting, "waits"),
    "problems": (told.problems, "problems and causes"),
    "retention": (received.retention, "old deliveries"),
}
"""Each check, and what it counts."""

_STEP: Final = 100


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether a promise holds; ``detail`` counts what was looked at, or is the first counter-example."""

    name: str
    ok: bool
    detail: str


def verify(
    desk: Desk, payload_days: int | None = None, progress: Callable[[str, int], None] = lambda _name, _done: None
) -> tuple[Checked, ...]:
    """Check every promise, each on one consistent view of the store; nothing is changed.

    ``payload_days`` is how long payloads are kept, None for ever. ``progress`` hears how far which check is.
    """
    checked = [_check(desk, payload_days, name, progress) for name in CHECKS]
    if isinstance(desk.store, SelfChecking):
        progress("integrity", 0)
        damage = desk.store.integrity()
        checked.append(Checked("integrity", ok=damage is None, detail=damage or "the store's own files"))
    return tuple(checked)


def _check(desk: Desk, payload_days: int | None, name: str, progress: Callable[[str, int], None]) -> Checked:
    look, noun = CHECKS[name]
    done = 0
    progress(name, done)
    with desk.store.read() as view:
        for found in look(Inspection(desk, view, payload_days)):
            if found is not None:
                return Checked(name, ok=False, detail=found)
            done += 1
            if done % _STEP == 0:
                progress(name, done)
    return Checked(name, ok=True, detail=f"{done} {noun}")
