"""From the bytes of a delivery to its events, in all the shapes of ultracart.md 1.2 and 1.3.

Only the frame is decoded here; what is inside an event stays as it is until it is read, so that one that is broken does
no harm to the rest.
"""

import binascii
from codecs import BOM_UTF8
from typing import Final

import msgspec

from stockhook.plugin import RawEvent, Unreadable
from stockhook_plugins.channels.ultracart.events import BROKEN_ELEMENT, CATALOGUE
from stockhook_plugins.channels.ultracart.inflate import MAGIC, MOST, inflate
from stockhook_plugins.channels.ultracart.repair import repair

_LAYERS: Final = 8
"""Content-Encoding, envelope, text, and the last two once more, with some to spare."""

_PARTS: Final = 1_000_000
"""More objects or commas than this are no orders, and would take far more memory than their bytes."""

_EXPECTED: Final = 'expected {"events": [...]}, a list of events, or one event'

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_elements = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_anythings = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)


def split(body: bytes) -> list[RawEvent]:
    """Return the events of ``body`` in its order, each with the bytes of its value; no events is an empty list.

    Raises Unreadable with the cause, never with anything that the body says.
    """
    try:
        return _split(body, _LAYERS, MOST)
    except RecursionError:
        raise Unreadable("the body is nested too deeply for any order") from None


def _split(data: bytes, layers: int, room: int) -> list[RawEvent]:
    if layers == 0:
        raise Unreadable("the body holds one wrapping in another too many times")
    if data.startswith(MAGIC):
        inflated = inflate(data, room)
        return _split(inflated, layers - 1, room - len(inflated))
    data = data.removeprefix(BOM_UTF8)
    if len(data) > _PARTS and max(data.count(b"{"), data.count(b",")) > _PARTS:
        raise Unreadable(f"the body has more than {_PARTS} parts; {_EXPECTED}")
    try:
        return _events(data, layers, room)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        cause = _cause(error)
    repaired = repair(data)
    if repaired is None:
        raise Unreadable(f"the body is not JSON that can be read: {cause}")
    try:
        return _events(repaired, layers, room)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"the body is not JSON that can be read: {_cause(error)}") from None


def _cause(error: msgspec.DecodeError | UnicodeDecodeError) -> str:
    """Say what is wrong; msgspec names types and places, the text of a UnicodeDecodeError would hold the body."""
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def _events(data: bytes, layers: int, room: int) -> list[RawEvent]:
    match data.lstrip()[:1]:
        case b"{":
            members = _members.decode(data)
            if "events" in members:
                value = bytes(members["events"])
                return [] if value == b"null" else _split(value, layers - 1, room)
            if CATALOGUE.keys().isdisjoint(members):
                raise Unreadable(f"an object without events and without a known event name; {_EXPECTED}")
            return _named(members)
        case b"[":
            return _listed(data)
        case b'"':
            return _split(_unwrapped(_text.decode(data)), layers - 1, room)
        case b"":
            raise Unreadable(f"the body is empty; {_EXPECTED}")
    msgspec.json.decode(data, type=msgspec.Raw)  # text that is no JSON at all deserves to be told so
    raise Unreadable(f"neither object, list nor text; {_EXPECTED}")


def _named(members: dict[str, msgspec.Raw]) -> list[RawEvent]:
    return [RawEvent(name, bytes(value)) for name, value in members.items()]


def _listed(data: bytes) -> list[RawEvent]:
    try:
        return [event for members in _elements.decode(data) for event in _named(members)]
    except msgspec.ValidationError:
        pass  # some element is no object: find out which
    events: list[RawEvent] = []
    for element in _anythings.decode(data):
        try:
            events += _named(_members.decode(element))
        except msgspec.ValidationError:
            events.append(RawEvent(BROKEN_ELEMENT, bytes(element)))
    return events


def _unwrapped(text: str) -> bytes:
    """Return the gzip data that a webhook with ``compress_events`` on sends as a text."""
    try:
        data = binascii.a2b_base64(text)
    except ValueError:
        data = b""
    if not data.startswith(MAGIC):
        raise Unreadable("a text in place of the events is not base64 of gzip data")
    return data
