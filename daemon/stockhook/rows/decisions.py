"""Decisions as rows: what was needed, what was taken, and why which units."""

from typing import Any, Generic

from stockhook.model import Allocation, Trace
from stockhook.rows.values import Amount, Id, Moment, Row, row_of


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


class AnyAllocation(Row, Generic[Id], frozen=True, kw_only=True):
    """A decision, booked or not."""

    id: Id
    line: int
    sku: str
    at: Moment
    event_id: int | None
    need: Amount
    taken: Amount
    trace: TraceRow


class AllocationRow(AnyAllocation[int], frozen=True, kw_only=True):
    """The decision for one item of one line."""


def allocation_row(allocation: Allocation) -> AllocationRow:
    """Return a decision with its whole trace."""
    return row_of(AllocationRow, allocation, trace=trace_row(allocation.trace))


def trace_row(trace: Trace) -> TraceRow:
    """Return why a plan came out as it did."""
    return row_of(
        TraceRow,
        trace,
        taken=[row_of(TraceUnitRow, unit) for unit in trace.taken],
        passed_over=[row_of(TraceUnitRow, unit) for unit in trace.passed_over],
    )
