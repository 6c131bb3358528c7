"""Plugins as rows."""

from stockhook.plugin_manager import Record, Status
from stockhook.rows.values import Row, row_of


class PluginRow(Row, frozen=True, kw_only=True):
    """A plugin that was found: ``offers`` holds "strategy fifo" and the like, ``error`` why it could not be loaded."""

    name: str
    status: Status
    origin: str
    distribution: str | None
    version: str | None
    offers: list[str]
    error: str | None


def plugin_row(record: Record) -> PluginRow:
    """Return a plugin as `plugins` has it."""
    return row_of(PluginRow, record)
