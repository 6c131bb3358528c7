"""Tells about problems in the log: one warning each, for those who watch logs and send no mail."""

import builtins
from collections.abc import Sequence
from typing import Any, ClassVar

import structlog
from structlog.typing import FilteringBoundLogger

from stockhook.plugin import Message, Notifier, PluginOptions, hookimpl

_FACTS = {
    "opened": "problem opened",
    "again": "problem goes on",
    "more": "more problems opened",
    "closed": "problem settled",
    "summary": "summary",
}


class LogNotifier:
    """Writes each message as one line of the daemon's log, at warning level."""

    type: ClassVar[str] = "log"
    Options: ClassVar[builtins.type[PluginOptions]] = PluginOptions

    def __init__(self, options: Any) -> None:
        self.options = options
        self._log: FilteringBoundLogger = structlog.get_logger("stockhook.notifiers.log")

    async def notify(self, message: Message) -> None:
        """Write the line; what is not known is left out of it."""
        fields = {
            "notice": message.id,
            "kind": message.kind,
            "subject": message.subject,
            "happened": message.happened,
            "advice": message.advice,
            "count": message.count,
            "channel": message.channel,
            "order": message.order_id,
            "link": message.link,
        }
        known = {name: value for name, value in fields.items() if value is not None}
        self._log.warning(_FACTS.get(message.about, "problem"), **known)


@hookimpl
def stockhook_register_notifiers() -> Sequence[type[Notifier]]:
    """Offer the notifier that writes to the log."""
    return [LogNotifier]
