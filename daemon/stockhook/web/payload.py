"""An event's payload as a person can read it: the element of the body that the event is, else the whole body."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from stockhook.model import Event
from stockhook.settings import ConfiguredChannel

LONGEST: Final = 512 * 1024
"""Characters of a payload that a page shows; more is downloaded."""


@dataclass(frozen=True, slots=True)
class Payload:
    """``text`` as shown, at most ``LONGEST``; ``whole`` body, or the event's element; ``cut``: how much is left out."""

    text: str
    whole: bool
    cut: int


def payload(body: bytes, event: Event, channels: Mapping[str, ConfiguredChannel]) -> Payload:
    """Return the payload of an event, of its delivery's body; a plugin takes that apart, so no view is to be open."""
    element = _element(body, event, channels)
    if element is None:
        return _shown(body.decode("utf-8", "backslashreplace"), whole=True)
    return _shown(element, whole=False)


def _element(body: bytes, event: Event, channels: Mapping[str, ConfiguredChannel]) -> str | None:
    """Return the event's element of the body, numbers as written; None where the body cannot be split that far."""
    configured = channels.get(event.channel)
    if configured is None:
        return None
    try:
        element = configured.channel.split(body)[event.position].payload
        raw = element if isinstance(element, bytes) else msgspec.json.encode(element, enc_hook=str)
        return msgspec.json.format(raw, indent=2).decode("utf-8", "backslashreplace")
    except Exception:  # noqa: BLE001 - a plugin's code; what it raises may quote the payload, so it is not logged
        return None


def _shown(text: str, *, whole: bool) -> Payload:
    return Payload(text[:LONGEST], whole, max(0, len(text) - LONGEST))
