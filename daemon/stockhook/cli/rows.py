"""Rows as the commands print them: by name, so that a person may be shown some of the columns."""

from collections.abc import Callable
from typing import Any, TypeVar

from stockhook.rows import received, stock, told
from stockhook.rows.values import Row, fields

R = TypeVar("R")


def _named(row: Callable[[R], Row]) -> Callable[[R], dict[str, Any]]:
    return lambda record: fields(row(record))


event_row = _named(received.event_row)
problem_row = _named(told.problem_row)
unit_row = _named(stock.unit_row)
audit_row = _named(told.audit_row)
movement_row = _named(stock.movement_row)
