"""The channel itself: what of UltraCart the daemon asks."""

import builtins
from collections.abc import Sequence
from typing import ClassVar
from zoneinfo import ZoneInfo

from stockhook.plugin import Nothing, PluginOptions, RawEvent, Request, model
from stockhook_plugins.channels.ultracart import decode
from stockhook_plugins.channels.ultracart.authentication import Authentication
from stockhook_plugins.channels.ultracart.guide import guide
from stockhook_plugins.channels.ultracart.options import UltraCartOptions
from stockhook_plugins.channels.ultracart.pins import Pins
from stockhook_plugins.channels.ultracart.snapshot import Reader


class UltraCart:
    """One UltraCart merchant account whose webhooks come to us."""

    type: ClassVar[str] = "ultracart"
    Options: ClassVar[builtins.type[PluginOptions]] = UltraCartOptions

    def __init__(self, options: UltraCartOptions) -> None:
        """Take the validated options."""
        self._authentication = Authentication(options.token, options.username, options.password or ())
        self._basic = options.username is not None
        self._reader = Reader(options.merchant_id, ZoneInfo(options.time_zone), Pins(options.pins))

    def authenticate(self, request: Request) -> None:
        """Return if the request comes from the store; raises NoSuchToken or Rejected."""
        self._authentication.check(request)

    def guide(self, target: str) -> Sequence[str]:
        """Return how to make the webhook in UltraCart's portal."""
        return guide(target, basic=self._basic)

    def split(self, body: bytes) -> Sequence[RawEvent]:
        """Return the events of a body; raises Unreadable."""
        return decode.split(body)

    def read(self, event: RawEvent) -> model.Snapshot | Nothing:
        """Return what the event says of its order; raises BadEvent."""
        return self._reader.read(event)
