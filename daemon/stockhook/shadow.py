"""Shadow mode: what would be booked is told in words and left out of the book (``[allocation] shadow``).

For running beside another system. Facts are kept as ever, so that switching it off and replaying what was ignored books
all of it. Each order is judged by the stock as the book has it: what earlier ones would have taken is still there.
"""

from collections.abc import Iterator
from typing import Final

from stockhook.evaluate import Evaluation
from stockhook.model import EventState, MovementKind, OrderState, WaitKind
from stockhook.model.told import INSUFFICIENT
from stockhook.quantity import text

SHADOW: Final = "shadow"
"""The reason of an event of which nothing was booked because of shadow mode."""

MOST_TOLD: Final = 20
"""So many takes stand in an event's text; a dry run tells all."""

_OPEN: Final = frozenset({EventState.SHORT, EventState.PARKED})


def shadowed(result: Evaluation, before: OrderState) -> Evaluation:
    """Return an evaluation of the order as ``before`` without what it would book.

    The lines stay unbound and takes, shortages and waits for stock as they were; a shelf that is too short is nobody's
    problem, since it is not this book's. Unknown codes and unclear facts are waited for and told as ever. An evaluation
    that books nothing is returned as it is.
    """
    waits = [wait for wait in result.state.waits if wait.kind is not WaitKind.ITEM]
    had = [wait for wait in before.waits if wait.kind is WaitKind.ITEM]
    lacks = [wait.subject for wait in result.state.waits if wait.kind is WaitKind.ITEM and wait not in had]
    if not result.judged or not (result.books or lacks):
        return result
    told = _told(result, frozenset(take.movement_id for take in before.takes if take.suspense))
    if result.verdict in _OPEN:
        told.append(result.text)
    return Evaluation(
        state=OrderState(result.state.order, before.lines, before.takes, before.shortages, (*waits, *had)),
        verdict=EventState.IGNORED,
        reason=SHADOW,
        text=f"shadow mode, nothing was booked: {'; '.join(told)}",
        happened=tuple(signal for signal in result.happened if signal.kind != INSUFFICIENT),
        standing=result.standing,
        settled=tuple(one for one in result.settled if one[0] != INSUFFICIENT),
    )


def _told(result: Evaluation, suspended: frozenset[int]) -> list[str]:
    """Return what would be taken and given back; what would stand below zero is told as what could not be found."""
    parts = list(_takes(result))
    told = [f"would take {', '.join(parts[:MOST_TOLD])}"] if parts else []
    if len(parts) > MOST_TOLD:
        told[0] += f" and from {len(parts) - MOST_TOLD} more units: `stockhook events dry-run` tells all"
    back = [
        f"{text(movement.quantity)} of {movement.sku} to unit {movement.unit_id}"
        for movement in result.movements
        if movement.kind in (MovementKind.REVERSAL, MovementKind.RETURN) and movement.reverses not in suspended
    ]
    if back:
        told.append(f"would give back {', '.join(back[:MOST_TOLD])}")
    return told


def _takes(result: Evaluation) -> Iterator[str]:
    """Yield what would be taken, unit by unit, with why."""
    reasons = {
        (allocation.id, unit.unit_id): unit.why for allocation in result.allocations for unit in allocation.trace.taken
    }
    for movement in result.movements:
        if movement.kind is MovementKind.CONSUMPTION and movement.allocation_id is not None:
            why = reasons[movement.allocation_id, movement.unit_id]
            yield f"{text(-movement.quantity)} of {movement.sku} from unit {movement.unit_id} ({why})"
