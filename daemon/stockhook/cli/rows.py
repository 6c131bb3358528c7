"""Records as rows of output, for the commands that share them (design.md section 8)."""

from collections.abc import Iterable

from stockhook.cli.output import Row
from stockhook.model import Allocation, Audit, Event, Movement, OrderKey, Problem, TraceUnit, Unit
from stockhook.quantity import text


def event_row(event: Event) -> dict[str, object]:
    """Return an event as `events list` prints it."""
    return {
        "id": event.id,
        "delivery_id": event.delivery_id,
        "channel": event.channel,
        "account": event.account,
        "name": event.name,
        "order_id": event.order_id,
        "state": event.state,
        "reason": event.reason,
        "attempts": event.attempts,
        "received_at": event.received_at,
        "finished_at": event.finished_at,
    }


def problem_row(problem: Problem) -> dict[str, object]:
    """Return a problem as `problems list` prints it."""
    return {
        "id": problem.id,
        "kind": problem.kind,
        "subject": problem.subject,
        "state": problem.state,
        "count": problem.count,
        "first_seen": problem.first_seen,
        "last_seen": problem.last_seen,
        "text": problem.text,
    }


def unit_row(unit: Unit) -> dict[str, object]:
    """Return an inventory unit as `stock list` prints it."""
    return {
        "unit_id": unit.id,
        "sku": unit.sku,
        "location": unit.location,
        "lot": unit.lot,
        "serial": unit.serial,
        "quantity": text(unit.quantity),
        "held": unit.held,
        "received_at": unit.received_at,
        "expires_on": unit.expires_on,
        "unit_cost": None if unit.unit_cost is None else text(unit.unit_cost),
    }


def order_names(orders: Iterable[OrderKey]) -> list[str]:
    """Return orders by the name that tells them apart whatever the account."""
    return [f"{key.account}/{key.order_id}" for key in orders]


def audit_row(entry: Audit) -> dict[str, object]:
    """Return an audit entry as `audit list` prints it."""
    return {
        "id": entry.id,
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "reason": entry.reason,
        "details": dict(entry.details),
    }


def movement_row(movement: Movement) -> dict[str, object]:
    """Return a movement; ``line`` is the number by which the ledger names the line for ever."""
    return {
        "id": movement.id,
        "unit_id": movement.unit_id,
        "sku": movement.sku,
        "kind": movement.kind,
        "quantity": text(movement.quantity),
        "balance_after": text(movement.balance_after),
        "at": movement.at,
        "actor": movement.actor,
        "line": movement.line,
        "event_id": movement.event_id,
        "allocation_id": movement.allocation_id,
        "reverses": movement.reverses,
        "reason": movement.reason,
        "reference": movement.reference,
    }


def allocation_row(allocation: Allocation) -> dict[str, object]:
    """Return a decision with its whole trace."""
    trace = allocation.trace
    return {
        "id": allocation.id,
        "line": allocation.line,
        "sku": allocation.sku,
        "at": allocation.at,
        "event_id": allocation.event_id,
        "need": text(allocation.need),
        "taken": text(allocation.taken),
        "trace": {
            "rule": trace.rule,
            "strategy": trace.strategy,
            "configured": trace.configured,
            "version": trace.version,
            "options": trace.options,
            "offered": trace.offered,
            "left_out": trace.left_out,
            "taken": _units(trace.taken),
            "passed_over": _units(trace.passed_over),
        },
    }


def _units(units: Iterable[TraceUnit]) -> list[Row]:
    return [
        {
            "unit_id": unit.unit_id,
            "location": unit.location,
            "lot": unit.lot,
            "available": text(unit.available),
            "taken": text(unit.taken),
            "why": unit.why,
        }
        for unit in units
    ]
