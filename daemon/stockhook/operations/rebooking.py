"""Booking lines anew after the meaning of their code was changed (strategies.md section 2, ``--rebook``)."""

from collections.abc import Collection
from dataclasses import replace
from functools import partial

from stockhook import problems
from stockhook.batch import Batch
from stockhook.draft import Cause, Draft
from stockhook.model import OrderKey, OrderState, fold
from stockhook.operations.desk import Desk
from stockhook.operations.posting import Moved, booked, settle_later
from stockhook.store import Work


def rebook(desk: Desk, keys: Collection[OrderKey], code: str, reason: str) -> tuple[OrderKey, ...]:
    """Reverse and book anew the lines of these orders that carry ``code``; one commit per order.

    Returns the orders that were rebooked; those that somebody else booked at the same moment are tried again.
    """
    done: list[OrderKey] = []
    for key in keys:
        booked(desk, partial(_rebook, desk, key, code, reason))
        done.append(key)
    return tuple(done)


def _rebook(desk: Desk, key: OrderKey, code: str, reason: str, work: Work) -> None:
    now = desk.clock.now()
    batch = Batch(desk.policies, work, [key])
    state = batch.state(key)
    if state is None:
        return
    cause = Cause(now, desk.actor)
    draft = Draft(state, cause, batch.ids)
    lines = []
    for line in state.lines:
        binding = line.binding
        if binding is None or fold(line.code) != fold(code):
            lines.append(line)
            continue
        for part in binding.parts:
            draft.reverse(line, part.sku, draft.consumed(line, part.sku), batch.pool, reason)
            draft.owe(line, part.sku, owed=0, settled=0)
        lines.append(replace(line, binding=None))
    order = replace(state.order, history=(*state.order.history, f"rebooked {code}: {reason}"))
    cleared = OrderState(order, tuple(lines), tuple(draft.takes), tuple(draft.rows.values()), state.waits)
    batch.adopt(key, cleared, draft)
    batch.again(key, cause)
    void = work.book(batch.bookings())
    if void:
        raise Moved
    settle_later(desk, work, batch.given_back(void))
    audit = desk.audit("rebook", f"{key.account}/{key.order_id}", reason, code=code)
    work.save([audit, *batch.places()])
    problems.record(work, batch.report(void), desk.subscriptions, now)
