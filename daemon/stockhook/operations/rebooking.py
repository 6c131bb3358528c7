"""Booking lines anew after the meaning of their code was changed (strategies.md section 2, ``--rebook``)."""

from collections.abc import Collection
from dataclasses import replace
from functools import partial

from stockhook.allocation import Pool
from stockhook.batch import Batch
from stockhook.draft import Cause, Draft
from stockhook.model import Line, OrderKey, OrderState, fold
from stockhook.operations.desk import Desk
from stockhook.operations.posting import booked, commit
from stockhook.quantity import text
from stockhook.store import Work


def rebook(desk: Desk, keys: Collection[OrderKey], code: str, reason: str) -> tuple[OrderKey, ...]:
    """Reverse and book anew the lines of these orders that carry ``code``; one commit per order.

    What persons had ruled of such a line ends: it counted what the line was until now. Returns the orders that were
    rebooked; those that somebody else booked at the same moment are tried again.
    """
    done: list[OrderKey] = []
    for key in keys:
        booked(desk, partial(_rebook, desk, key, code, reason))
        done.append(key)
    return tuple(done)


def freed(draft: Draft, line: Line, pool: Pool, reason: str) -> Line:
    """Reverse all that is booked for a line, and return it unbound, to be booked as what its code means now.

    A ruling on what the line was ends, and so does the refusal of that code.
    """
    for sku in dict.fromkeys(part.sku for part in (line.binding.parts if line.binding else ())):
        draft.reverse(line, sku, draft.consumed(line, sku), pool, reason)
        draft.owe(line, sku, owed=0, settled=0)
    refused = tuple(code for code in line.refused if code != fold(line.code))
    return replace(line, binding=None, ruling=0, refused=refused)


def _rebook(desk: Desk, key: OrderKey, code: str, reason: str, work: Work) -> None:
    batch = Batch(desk.policies, work, [key])
    state = batch.state(key)
    if state is None:
        return
    cause = Cause(desk.clock.now(), desk.actor)
    draft = Draft(state, cause, batch.ids)
    lines, words = [], [f"rebooked {code}: {reason}"]
    for line in state.lines:
        if line.binding is None or fold(line.code) != fold(code):
            lines.append(line)
            continue
        if line.ruling:
            words.append(f"line {line.item_index}: the correction by {text(line.ruling)} of what it was ended with it")
        lines.append(freed(draft, line, batch.pool, reason))
    order = replace(state.order, history=(*state.order.history, *words))
    cleared = OrderState(order, tuple(lines), tuple(draft.takes), tuple(draft.rows.values()), state.waits)
    batch.adopt(key, cleared, draft)
    batch.again(key, cause)
    audit = desk.audit("rebook", f"{key.account}/{key.order_id}", reason, code=code)
    commit(desk, work, batch, [audit])
