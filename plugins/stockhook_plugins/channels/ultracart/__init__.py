"""The UltraCart channel: webhooks of an UltraCart store, read into what they say of its orders."""

from collections.abc import Sequence

from stockhook.plugin import Channel, hookimpl
from stockhook_plugins.channels.ultracart.channel import UltraCart


@hookimpl
def stockhook_register_channels() -> Sequence[type[Channel]]:
    """Offer the channel under ``type = "ultracart"``."""
    return [UltraCart]
