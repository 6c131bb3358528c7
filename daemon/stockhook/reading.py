"""From a stored delivery to events that can be worked: split, and each read, by its channel's plugin."""

from collections.abc import Mapping, Sequence

from stockhook import log
from stockhook.channel import Channel, Nothing, RawEvent
from stockhook.errors import BadEvent, Unreadable
from stockhook.model import Delivery, Event, EventState, OrderKey, Snapshot
from stockhook.record import record
from stockhook.store import FOREVER, Read

logger = log.get(__name__)


@record(frozen=True, slots=True)
class Pending:
    """An event to be worked, and what its channel read from it.

    An exception is what reading it raised: a BadEvent sets it aside, anything else is tried again. None: the payload
    has been removed, and the facts kept with the order must do.
    """

    event: Event
    read: Snapshot | Nothing | Exception | None

    @property
    def order(self) -> OrderKey | None:
        """Which order it is about, as far as it could be read."""
        if isinstance(self.read, Snapshot):
            return OrderKey(self.read.account, self.read.order_id)
        if self.read is None and self.event.order_id and self.event.account:
            return OrderKey(self.event.account, self.event.order_id)
        return None


@record(frozen=True, slots=True)
class Opened:
    """A delivery with those of its events that still have to be worked; ``count`` is how many it has in all.

    ``unread`` tells how many more have to be worked, but were not read this time.
    """

    delivery: Delivery
    pending: tuple[Pending, ...]
    count: int
    unread: int = 0


def open_delivery(view: Read, delivery: Delivery, channels: Mapping[str, Channel], most: int) -> Opened:
    """Return at most ``most`` events of a delivery that are not finished. Never raises for what its body holds."""
    kept: dict[int, Event] = {}
    if delivery.events or delivery.attempts:
        found = view.find(Event, {"delivery_id": delivery.id}, most=FOREVER)
        kept = {event.position: event for event in sorted(found, key=lambda event: event.position)}
    return open_body(delivery, view.body(delivery.id), kept, channels, most)


def open_body(
    delivery: Delivery, body: bytes | None, kept: Mapping[int, Event], channels: Mapping[str, Channel], most: int
) -> Opened:
    """Return at most ``most`` of the events in a body that are not finished; ``kept`` are those split off before.

    A body of None has been removed. Never raises for what the body holds.
    """
    if body is None:
        if not kept:
            gone = BadEvent("quarantined", "its payload was removed by retention before it could be worked")
            return _unreadable(delivery, kept, gone)
        waiting = [event for event in kept.values() if _waits(event)]
        return Opened(delivery, tuple(Pending(event, None) for event in waiting), len(kept))
    channel = channels.get(delivery.channel) or _successor(body, kept, channels)
    if channel is None:
        error = BadEvent("quarantined", f"no channel {delivery.channel} is configured any more; replay once it is back")
        return _unreadable(delivery, kept, error)
    try:
        raw = channel.split(body)
    except Unreadable as error:
        return _unreadable(delivery, kept, BadEvent("quarantined", str(error)))
    except Exception as error:  # a plugin's code: what it raises beyond its interface is tried again
        logger.exception("channel cannot split a delivery", channel=delivery.channel, delivery=delivery.id)
        return _unreadable(delivery, kept, error)
    return _read_some(delivery, channel, raw, kept, most)


def _successor(body: bytes, kept: Mapping[int, Event], channels: Mapping[str, Channel]) -> Channel | None:
    """Return the channel that brings the same account's orders now, such as a renamed one, for events read before."""
    for channel in channels.values():
        try:
            raw = channel.split(body)
        except Exception:  # noqa: S112, BLE001  # a plugin's code, given what was sent to another: it need not understand it
            continue
        read = [(event, _read(channel, raw[position])) for position, event in kept.items() if position < len(raw)]
        if read and all(_reads_alike(event, one) for event, one in read):
            return channel
    return None


def _reads_alike(event: Event, read: Snapshot | Nothing | Exception) -> bool:
    """Tell whether what another channel reads may be what was read of an event when it came."""
    if isinstance(read, Snapshot):
        return read.account == event.account
    return isinstance(read, Nothing) or (isinstance(read, BadEvent) and read.kind != "wrong-merchant")


def _read_some(
    delivery: Delivery, channel: Channel, raw: Sequence[RawEvent], kept: Mapping[int, Event], most: int
) -> Opened:
    waiting = [n for n in range(len(raw)) if n not in kept or _waits(kept[n])]
    # what failed before comes last: it must not use up its attempts while the rest of a large delivery is worked
    waiting.sort(key=lambda n: kept[n].attempts if n in kept else 0)
    pending = []
    for position in waiting[:most]:
        read = _read(channel, raw[position])
        account = read.account if isinstance(read, Snapshot | Nothing | BadEvent) else None
        order_id = read.order_id if isinstance(read, Snapshot | Nothing | BadEvent) else None
        event = _event(delivery, position, raw[position].name, account, order_id, kept.get(position))
        pending.append(Pending(event, read))
    gone = BadEvent("quarantined", f"the body holds {len(raw)} events now, this was one more")
    pending += [Pending(event, gone) for event in kept.values() if event.position >= len(raw) and _waits(event)]
    return Opened(delivery, tuple(pending), len(raw), max(len(waiting) - most, 0))


def _waits(event: Event) -> bool:
    return event.state is EventState.PENDING


def _read(channel: Channel, event: RawEvent) -> Snapshot | Nothing | Exception:
    try:
        return channel.read(event)
    except BadEvent as error:
        return error
    except Exception as error:  # a plugin's code: what it raises beyond its interface is tried again
        logger.exception("channel cannot read an event", name=event.name)
        return error


def _unreadable(delivery: Delivery, kept: Mapping[int, Event], error: Exception) -> Opened:
    """Return the one event that stands for a body that cannot be split, so that every list and replay reaches it.

    Of a body that could be split before, it is each of its events that still had to be worked.
    """
    if kept:
        return Opened(delivery, tuple(Pending(event, error) for event in kept.values() if _waits(event)), len(kept))
    return Opened(delivery, (Pending(_event(delivery, 0, "unreadable", None, None, None), error),), 1)


def _event(
    delivery: Delivery, position: int, name: str, account: str | None, order_id: str | None, kept: Event | None
) -> Event:
    return Event(
        id=kept.id if kept else 0,
        delivery_id=delivery.id,
        position=position,
        channel=delivery.channel,
        account=account or (kept.account if kept else None),
        name=name,
        order_id=order_id or (kept.order_id if kept else None),
        state=EventState.PENDING,
        reason=None,
        attempts=kept.attempts if kept else 0,
        received_at=delivery.received_at,
        finished_at=None,
    )
