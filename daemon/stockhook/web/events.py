"""Events: what each said, what became of it and why, its payload, and running it again."""

from collections.abc import Mapping

from stockhook.errors import NotFound, Refused
from stockhook.model import Allocation, Event, EventState, Movement, Problem, ProblemState
from stockhook.operations import events as operation
from stockhook.operations.desk import Desk
from stockhook.settings import ConfiguredChannel
from stockhook.store import Read
from stockhook.web.page import Page, Values, number
from stockhook.web.paging import PAGE, listing
from stockhook.web.payload import payload


class EventsPage(Page):
    """The list of events, newest first."""

    async def get(self) -> None:
        """Show it, as filtered and searched."""
        asked = {name: self.asked(name) for name in ("state", "channel", "name", "reason", "order")}
        before, channels = self.asked("before"), [*self.site.settings.channels]

        def gather(view: Read) -> Values:
            fields = {"order_id" if name == "order" else name: value for name, value in asked.items() if value}
            found = listing(view, Event, fields, asked, before=before)
            return {"listing": found, "asked": asked, "channels": channels, "kinds": [*EventState]}

        await self.show("events.html", gather)


class EventPage(Page):
    """One event."""

    async def get(self, written: str) -> None:
        """Show it."""
        channels = self.site.settings.channels
        await self.show("event.html", lambda view: event(view, written, channels))


class ReplayAction(Page):
    """The button that runs an event again."""

    async def post(self, written: str) -> None:
        """Run it again and show it."""
        event_id = number(written, "event")

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


def event(view: Read, written: str, channels: Mapping[str, ConfiguredChannel]) -> Values:
    """Return what the page of an event shows; raises NotFound."""
    event_id = number(written, "event")
    found = view.find(Event, {"id": event_id}, most=1)
    if not found:
        raise NotFound(f"There is no event {event_id}.")
    mine = {"event_id": event_id}
    return {
        "event": found[0],
        "allocations": view.find(Allocation, mine)[::-1],
        "later": later(view, found[0]),
        "movements": view.find(Movement, mine)[::-1],
        "problems": view.find(Problem, mine | {"state": ProblemState.OPEN}, most=PAGE),
        "payload": payload(view, found[0], channels),
    }


def later(view: Read, event: Event) -> list[Allocation]:
    """Return what was decided for the event's order after it and without an event: once what it lacked was there."""
    if event.account is None or event.order_id is None:
        return []
    where = {"account": event.account, "order_id": event.order_id, "event_id": None}
    return [row for row in view.find(Allocation, where)[::-1] if row.at >= event.received_at]
