"""Decisions as rows: what was needed, what was taken, and why which units."""

from typing import Any

from stockhook.model import Allocation, TraceUnit
from stockhook.quantity import text
from stockhook.rows.values import Amount, Moment, Row, utc


class TraceUnitRow(Row, frozen=True, kw_only=True):
    """One unit that was offered; ``why`` is what put it where it stood, in words."""

    unit_id: int
    location: str
    lot: str | None
    available: Amount
    taken: Amount
    why: str


class TraceRow(Row, frozen=True, kw_only=True):
    """Why a plan came out as it did; ``left_out`` counts the units that each filter removed."""

    rule: str
    strategy: str
    configured: str | None
    version: str
    options: dict[str, Any]
    offered: int
    left_out: dict[str, int]
    taken: list[TraceUnitRow]
    passed_over: list[TraceUnitRow]


class AllocationRow(Row, frozen=True, kw_only=True):
    """The decision for one item of one line."""

    id: int
    line: int
    sku: str
    at: Moment
    event_id: int | None
    need: Amount
    taken: Amount
    trace: TraceRow


def allocation_row(allocation: Allocation) -> AllocationRow:
    """Return a decision with its whole trace."""
    trace = allocation.trace
    return AllocationRow(
        id=allocation.id,
        line=allocation.line,
        sku=allocation.sku,
        at=utc(allocation.at),
        event_id=allocation.event_id,
        need=text(allocation.need),
        taken=text(allocation.taken),
        trace=TraceRow(
            rule=trace.rule,
            strategy=trace.strategy,
            configured=trace.configured,
            version=trace.version,
            options=dict(trace.options),
            offered=trace.offered,
            left_out=dict(trace.left_out),
            taken=[_unit(unit) for unit in trace.taken],
            passed_over=[_unit(unit) for unit in trace.passed_over],
        ),
    )


def _unit(unit: TraceUnit) -> TraceUnitRow:
    return TraceUnitRow(
        unit_id=unit.unit_id,
        location=unit.location,
        lot=unit.lot,
        available=text(unit.available),
        taken=text(unit.taken),
        why=unit.why,
    )
