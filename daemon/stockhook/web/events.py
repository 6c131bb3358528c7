"""Events: what each said, what became of it and why, its payload, and running it again."""

from collections import Counter
from http import HTTPStatus
from itertools import islice
from typing import Final
from urllib.parse import urlencode

from stockhook.errors import Refused
from stockhook.model import NEW, Allocation, Event, EventState, Movement, Problem, ProblemState
from stockhook.operations import events as operation
from stockhook.operations.desk import Desk
from stockhook.operations.dry_run import dry_run_event
from stockhook.operations.due import every
from stockhook.operations.records import known
from stockhook.quantity import counted
from stockhook.store import Read
from stockhook.web.action import CONFIRMED
from stockhook.web.base import PageError
from stockhook.web.filters import ORDERS, SINCE, UNTIL, Filter
from stockhook.web.forms import Form
from stockhook.web.page import Page, Values, number
from stockhook.web.paging import PAGE, listing
from stockhook.web.payload import Payload, payload

AT_ONCE: Final = 5_000
"""Events that one press of the button runs again: a request is no place for a million."""

_FIELDS: Final = {"state": "state", "channel": "channel", "name": "name", "reason": "reason"}
_ASKED: Final = (*_FIELDS, *ORDERS, SINCE, UNTIL)


class EventsPage(Page):
    """The list of events, newest first."""

    async def get(self) -> None:
        """Show it, as filtered and searched."""
        chosen = Filter({name: self.asked(name) for name in _ASKED}, _FIELDS)
        before, channels = self.asked("before"), [*self.site.settings.channels]

        def gather(view: Read) -> Values:
            orders = chosen.orders(view)
            found = listing(view, Event, chosen.where(view, Event, orders), chosen.asked, before=before)
            return {
                "listing": found,
                "asked": chosen.asked,
                "given": chosen.given,
                "query": chosen.query,
                "cut": chosen.cut(orders),
                "channels": channels,
                "kinds": [*EventState],
                "replay": replay_form(chosen) if chosen.given and found.rows else None,
            }

        await self.show("events.html", gather)


class ReplayFoundAction(Page):
    """The button that runs all events of a filter again: it says how many first."""

    async def post(self) -> None:
        """Count them, or run them."""
        chosen = Filter({name: self.given(name) for name in _ASKED}, _FIELDS)
        then = "/events?" + urlencode({name: value for name, value in chosen.asked.items() if value})
        if not chosen.given:
            raise PageError(HTTPStatus.BAD_REQUEST, "Say which events: the list of events is to be filtered first.")
        if self.given(CONFIRMED):
            await self.act(lambda desk: self._replay(desk, chosen), then)
            return

        def gather(view: Read) -> Values:
            orders = chosen.orders(view)
            where = chosen.where(view, Event, orders)
            found = list(islice(every(view, Event, where), AT_ONCE + 1))
            events = found[:AT_ONCE]
            return {
                "form": replay_form(chosen),
                "count": len(events),
                "more": len(found) > AT_ONCE,
                "cut": chosen.cut(orders),
                "first": events[-1] if events else None,
                "last": events[0] if events else None,
                "states": Counter(event.state for event in events),
                "then": then,
            }

        await self.show("replay.html", gather)

    def _replay(self, desk: Desk, chosen: Filter) -> str:
        with desk.store.read() as view:
            where = chosen.where(view, Event, chosen.orders(view))
        done = operation.replay_found(desk, where, AT_ONCE)
        events = counted(len(done.events), "event runs", "events run")
        said = f"{events} again; what is booked already is not booked twice."
        if done.orders:
            said += f" {counted(len(done.orders), 'order is', 'orders are')} worked from what is kept of them."
        if done.lost:
            said += f" Of {counted(len(done.lost), 'event', 'events')} nothing is left to work from."
        return said


def replay_form(chosen: Filter) -> Form:
    """Return the form that runs all events of a filter again."""
    asked = {name: value for name, value in chosen.asked.items() if value}
    return Form("replay", "/events/replay", "Run all of these again", "Run them again", (), hidden=asked)


class _DryRun(Page):
    """What an event would book now."""

    async def dry_run(self, event_id: int) -> None:
        """Show what came of working an event without writing anything, and the button that has it written."""
        channels = {name: each.channel for name, each in self.site.settings.channels.items()}
        run = await self.in_thread(lambda: dry_run_event(self.site.desk, channels, event_id))
        await self.show("dry_run.html", lambda view: {"event": known(view, Event, event_id), "run": run, "NEW": NEW})


class DryRunPage(_DryRun):
    """What an event would book now, by an address of its own."""

    async def get(self, written: str) -> None:
        """Show it."""
        await self.dry_run(number(written, "event"))


class EventPage(Page):
    """One event."""

    async def get(self, written: str) -> None:
        """Show it, and its payload if that is asked for: the page of one that is pending asks again each second."""
        event_id, asked = number(written, "event"), bool(self.asked("payload"))
        found = await self._payload(event_id) if asked else None
        payload_of = {"payload": found, "payload_asked": asked}
        await self.show("event.html", lambda view: event(view, event_id) | payload_of)

    async def _payload(self, event_id: int) -> Payload | None:
        """Return the payload of an event; None once it has been removed."""

        def gather(view: Read) -> tuple[Event, bytes | None]:
            found = known(view, Event, event_id)
            return found, view.body(found.delivery_id)

        found, body = await self.read(gather)
        if body is None:
            return None
        return await self.in_thread(lambda: payload(body, found, self.site.settings.channels))


class ReplayAction(_DryRun):
    """The button that runs an event again: it shows first what the event would book now."""

    async def post(self, written: str) -> None:
        """Show what would be booked, or run it again and show it."""
        event_id = number(written, "event")
        if not self.given(CONFIRMED):
            await self.dry_run(event_id)
            return

        def replay(desk: Desk) -> str:
            done = operation.replay(desk, [event_id])
            if done.lost:
                raise Refused(
                    f"Event {event_id} cannot run again: its payload was removed, and no order is kept of it."
                )
            if done.orders:
                return "The payload was removed; its order is worked again from what is kept of it."
            return f"Event {event_id} runs again. What is booked already is not booked twice."

        await self.act(replay, f"/events/{event_id}")


def event(view: Read, event_id: int) -> dict[str, object]:
    """Return what the page of an event shows, but for its payload; raises NotFound."""
    found = known(view, Event, event_id)
    mine = operation.booked_by(view, event_id)
    return {
        "event": found,
        "allocations": view.find(Allocation, mine)[::-1],
        "later": later(view, found),
        "movements": view.find(Movement, mine)[::-1],
        "problems": view.find(Problem, {"event_id": found.id, "state": ProblemState.OPEN}, most=PAGE),
    }


def later(view: Read, event: Event) -> list[Allocation]:
    """Return what was decided for the event's order after it and without an event: once what it lacked was there."""
    if event.account is None or event.order_id is None:
        return []
    where = {"account": event.account, "order_id": event.order_id, "event_id": None}
    return [row for row in view.find(Allocation, where)[::-1] if row.at >= event.received_at]
