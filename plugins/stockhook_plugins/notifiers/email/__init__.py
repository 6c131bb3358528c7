"""Tells about problems by mail."""

from collections.abc import Sequence

from stockhook.plugin import Notifier, hookimpl
from stockhook_plugins.notifiers.email.notifier import EmailNotifier


@hookimpl
def stockhook_register_notifiers() -> Sequence[type[Notifier]]:
    """Offer the notifier that sends mail."""
    return [EmailNotifier]
