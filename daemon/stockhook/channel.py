"""What a channel plugin must offer: authenticate a request, split a body into events, read an event."""

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from stockhook.model import Snapshot
from stockhook.options import PluginOptions


@dataclass(frozen=True, slots=True)
class Request:
    """What of a webhook request a channel may judge: the token of the path, headers by lower-case name, the peer."""

    token: str
    headers: Mapping[str, str]
    peer: str


@dataclass(frozen=True, slots=True)
class RawEvent:
    """One element of a delivery, named but not yet read. ``payload`` is the channel's own and stays in memory."""

    name: str
    payload: Any


@dataclass(frozen=True, slots=True)
class Nothing:
    """Read from an event that moves no stock by rule; ``reason`` is ``not-a-shipment`` or ``unknown-event``."""

    reason: str
    account: str | None = None
    order_id: str | None = None


class Channel(Protocol):
    """One configured store account that sends webhooks. Made once per table of the config, with its options.

    ``type`` is the name config picks it by. ``Options`` is a pydantic model of the options it takes. All methods are
    called from several threads and keep no state.
    """

    type: ClassVar[str]
    Options: ClassVar[builtins.type[PluginOptions]]

    def __init__(self, options: Any) -> None:
        """Take the validated options."""

    def authenticate(self, request: Request) -> None:
        """Return if the request may be believed, else raise Rejected. Called on the event loop: be quick.

        Raise ``NoSuchToken`` (a ``Rejected``) when the path is wrong, so that it is answered like any unknown path.
        """
        ...

    def split(self, body: bytes) -> Sequence[RawEvent]:
        """Return the events of a body as received, in its order; raise Unreadable with the cause."""
        ...

    def read(self, event: RawEvent) -> Snapshot | Nothing:
        """Return what the event says about its order, or that it moves no stock.

        Raises BadEvent with kind ``bad-lines`` or ``wrong-merchant`` for one that must not be booked.
        """
        ...


@runtime_checkable
class Guided(Protocol):
    """What a channel may offer besides: telling a person how to connect the store. The page of channels shows it."""

    def guide(self, target: str) -> Sequence[str]:
        """Return what to do in the store, step by step; what is to be copied stands between backticks.

        ``target`` is the URL that the store must send to, with TOKEN in place of the secret.
        """
        ...
